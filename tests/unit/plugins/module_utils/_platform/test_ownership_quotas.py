# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ResourceQuota or LimitRange of others under the chart's name is refused, also by a platform that Argo CD has long deployed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Sight, decide
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_read import OwnershipRead
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import Settings

OURS = {"app.kubernetes.io/part-of": "gitops-airflow", "gitops-airflow/platform": "airflow"}
TRACKED = {"argocd.argoproj.io/tracking-id": "airflow-core:/ResourceQuota:airflow-etl/airflow-workers"}
QUOTA = "/api/v1/namespaces/airflow-etl/resourcequotas/airflow-workers"
ENTRY = {"name": "airflow-etl", "quota": {"pods": 5}}
GIVEN = Settings(worker_namespaces=("airflow-core", "airflow-etl"), profiles=({"name": "airflow-core"}, ENTRY))


class Api:
    """A cluster with this platform's Application, if it is deployed, and with one ResourceQuota."""

    def __init__(self, quota: dict[str, Any] | None, deployed: bool, namespaces: tuple[str, ...] = ("airflow-etl",)) -> None:
        self.quota, self.deployed, self.namespaces = quota, deployed, namespaces
        self.asked = list[str]()

    def items(self, path: str, query: Any = None, *, whole: bool = False) -> list[Any]:
        return [{"name": name, "labels": {}} for name in self.namespaces] if path == "/api/v1/namespaces" else []

    def get(self, path: str) -> Any:
        if not self.deployed:
            raise ApiError(404, "not found")
        owner = GIVEN.owner()
        spec = {"source": {"repoURL": owner.repo, "path": owner.path}, "destination": {"namespace": owner.core_namespace}}
        return {"metadata": {"name": "airflow-core", "namespace": "argocd", "labels": OURS}, "spec": spec}

    def metadata(self, path: str) -> Any:
        self.asked.append(path)
        return {"name": "airflow-workers", "namespace": "airflow-etl", **(self.quota or {})} if path == QUOTA and self.quota else None


def look(api: Api, given: Settings = GIVEN) -> Sight:
    return OwnershipRead(cast(KubeApi, api), given.owner()).read()


@pytest.mark.parametrize("deployed", [True, False])
@pytest.mark.parametrize(("quota", "codes"), [(None, []), ({"labels": {"team": "a"}}, ["foreign_object"]), ({"annotations": TRACKED}, [])])
def test_a_quota_of_others_is_not_taken_over(quota: dict[str, Any] | None, codes: list[str], deployed: bool) -> None:
    refusals = decide(look(Api(quota, deployed)), GIVEN.owner()).refusals
    assert [refusal.code for refusal in refusals] == codes
    assert all("ResourceQuota airflow-etl/airflow-workers" in refusal.message for refusal in refusals)


@pytest.mark.parametrize(
    ("given", "namespaces"),
    [(replace(GIVEN, profiles=({"name": "airflow-core"}, {"name": "airflow-etl"})), ("airflow-etl",)), (GIVEN, ("airflow-core",))],
)
def test_nothing_is_asked_without_a_quota_or_its_namespace(given: Settings, namespaces: tuple[str, ...]) -> None:
    """Who may not read quotas needs no right for them."""
    api = Api({"labels": {}}, deployed=True, namespaces=namespaces)
    look(api, given)
    assert not [path for path in api.asked if "quotas" in path or "limitranges" in path]

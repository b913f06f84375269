# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The StorageClass of the platform's volumes: what is read, and what is refused before a claim could not be applied."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi
from ansible_collections.gitops.airflow.plugins.module_utils._platform import rules, storage_state
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Ref
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Logs, Repository, Settings
from ansible_collections.gitops.airflow.plugins.module_utils._platform.storage_state import Storage

INSIDE = Repository("platform", "http://gitea.git.svc.cluster.local:3000/gitops/platform.git", embedded=True)
AIRFLOW = AirflowSettings(INSIDE, replace(INSIDE, kind="dags"))
GIVEN = Settings(airflow=AIRFLOW)
MYSQL, GITEA = Ref("StatefulSet", "airflow-core", "airflow-mysql", "apps/v1"), Ref("PersistentVolumeClaim", "git", "gitea", "v1")
LOGS = Ref("PersistentVolumeClaim", "airflow-logs", "task-logs", "v1")


@pytest.mark.parametrize(
    ("given", "refs"),
    [
        ({}, [MYSQL, GITEA, LOGS]),
        ({"git_server": "external"}, [MYSQL, LOGS]),
        ({"airflow": replace(AIRFLOW, logs=Logs("s3"))}, [MYSQL, GITEA]),
    ],
)
def test_the_claims_of_the_parts_that_a_platform_has(given: dict[str, Any], refs: list[Ref]) -> None:
    assert storage_state.claims(replace(GIVEN, **given)) == refs


def claim(name: str, manager: str = "", manages: bool = True) -> dict[str, Any]:
    fields: dict[str, Any] = {"f:spec": {"f:accessModes": {}, **({"f:storageClassName": {}} if manages else {})}}
    return {"metadata": {"managedFields": [{"manager": manager, "fieldsV1": fields}]}, "spec": {"storageClassName": name}}


def stateful(name: str = "") -> dict[str, Any]:
    spec = {"accessModes": ["ReadWriteOnce"], **({"storageClassName": name} if name else {})}
    return {"kind": "StatefulSet", "metadata": {}, "spec": {"volumeClaimTemplates": [{"spec": spec}]}}


@pytest.mark.parametrize(
    ("live", "wanted", "declared"),
    [
        # The cluster has filled in its default: nobody declared it.
        (claim("standard", "kube-controller-manager"), "", ""),
        (claim("standard", "gitops.airflow", manages=False), "", ""),
        # An earlier run has set it: without it the claim would lose it.
        (claim("fast", "gitops.airflow"), "", "fast"),
        (claim("standard", "kube-controller-manager"), "standard", "standard"),
        (claim("standard", "gitops.airflow", manages=False), "fast", "standard"),
        ({"metadata": {}, "spec": {}}, "fast", ""),
        (stateful(), "", ""),
        (stateful(), "fast", ""),
        (stateful("fast"), "", "fast"),
        ({"kind": "StatefulSet", "metadata": {}, "spec": {}}, "fast", ""),
    ],
)
def test_the_class_that_a_claim_was_declared_with(live: Any, wanted: str, declared: str) -> None:
    assert storage_state.declared_class(live, wanted) == declared


BOTH = frozenset({"fast", "standard"})


@pytest.mark.parametrize(
    ("wanted", "found", "code", "words", "action"),
    [
        ("slow", Storage({}, BOTH), "missing_storage_class", "is 'slow', but the cluster has no StorageClass", "to one of fast, standard."),
        ("slow", Storage({}, frozenset()), "missing_storage_class", "is 'slow'", "Create it. Then"),
        (
            "fast",
            Storage({MYSQL: "", GITEA: ""}, BOTH),
            "storage_class_changed",
            "StatefulSet airflow-core/airflow-mysql (none, so the default of the cluster), PersistentVolumeClaim git/gitea (none",
            "Set platform_storage_class to ''. To move",
        ),
        (
            "",
            Storage({MYSQL: "fast", GITEA: "fast", LOGS: "fast"}),
            "storage_class_changed",
            "is '', but volume claims were made with another StorageClass: StatefulSet airflow-core/airflow-mysql (fast)",
            "Set platform_storage_class to 'fast'.",
        ),
        ("fast", Storage({MYSQL: "fast", GITEA: "standard"}, BOTH), "storage_class_changed", "claim", "To move the data"),
    ],
)
def test_what_cannot_be(wanted: str, found: Storage, code: str, words: str, action: str) -> None:
    (refusal,) = storage_state.refusals(found, replace(GIVEN, storage_class=wanted))
    assert (refusal.code, refusal.value) == (code, wanted)
    assert words in refusal.message
    assert action in refusal.next_action


@pytest.mark.parametrize(
    ("wanted", "found", "noted"),
    [
        ("", Storage(), 0),
        ("", Storage({MYSQL: "", GITEA: "", LOGS: ""}), 0),
        ("fast", Storage({MYSQL: "fast", GITEA: "fast"}, BOTH), 0),
        ("fast", Storage({}, None), 1),
    ],
)
def test_what_can_be(wanted: str, found: Storage, noted: int) -> None:
    given = replace(GIVEN, storage_class=wanted)
    assert list(storage_state.refusals(found, given)) == []
    assert len(list(storage_state.notes(found, given))) == noted


class Api:
    """Has MySQL's StatefulSet and the claim of the Git server."""

    def __init__(self, status: int = 200) -> None:
        self.status, self.paths = status, list[str]()

    def find(self, path: str) -> Any:
        self.paths.append(path)
        return {"airflow-mysql": stateful("fast"), "gitea": claim("fast")}.get(path.rpartition("/")[2])

    def items(self, path: str) -> list[dict[str, str]]:
        self.paths.append(path)
        if self.status != 200:
            raise ApiError(self.status, "no")
        return [{"name": "fast"}]


def test_only_namespaces_that_exist_are_read_and_classes_only_if_one_is_set() -> None:
    api = Api()
    assert storage_state.read(cast(KubeApi, api), GIVEN, ["git"]) == Storage({GITEA: ""}, None)
    assert api.paths == ["/api/v1/namespaces/git/persistentvolumeclaims/gitea"]
    given = replace(GIVEN, storage_class="fast")
    found = storage_state.read(cast(KubeApi, Api()), given, ["git", "airflow-core", "airflow-logs"])
    assert found == Storage({MYSQL: "fast", GITEA: "fast"}, frozenset({"fast"}))
    assert storage_state.read(cast(KubeApi, Api(403)), given, []) == Storage({}, None)
    with pytest.raises(ApiError):
        storage_state.read(cast(KubeApi, Api(500)), given, [])


@pytest.mark.parametrize(("name", "codes"), [("", []), ("fast-ssd.v2", []), ("Fast", ["storage_class"]), ("a b", ["storage_class"])])
def test_a_name(name: str, codes: list[str]) -> None:
    assert [refusal.code for refusal in rules.broken(rules.PLATFORM, replace(GIVEN, storage_class=name))] == codes

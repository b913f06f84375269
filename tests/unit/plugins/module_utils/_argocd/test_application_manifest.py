# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest of a declared Application."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.manifest import (
    FINALIZER,
    DeclaredApplication,
    Retry,
    manifest,
    source,
)
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.modules.argocd_application import wait_params

SOURCE = source("https://git.example/x.git", "main", "core", {})
DESTINATION = {"server": "https://kubernetes.default.svc", "namespace": "airflow-core"}
RETRY = {"limit": 5, "backoff": {"duration": "10s", "factor": 2, "maxDuration": "3m0s"}}


def wanted(**given: Any) -> DeclaredApplication:
    return DeclaredApplication(
        **{"name": "a", "namespace": "argocd", "platform": "airflow", "source": SOURCE, "destination": DESTINATION, **given}
    )


@pytest.mark.parametrize(
    ("given", "policy"),
    [
        ({}, {"automated": {"prune": True, "selfHeal": True}, "retry": RETRY}),
        ({"prune": False, "self_heal": False}, {"automated": {"prune": False, "selfHeal": False}, "retry": RETRY}),
        ({"automated": False, "sync_options": ["Replace=true"]}, {"syncOptions": ["Replace=true"], "retry": RETRY}),
        ({"automated": False, "retry": Retry(limit=0)}, None),
        ({"automated": False, "retry": None}, None),
    ],
)
def test_the_sync_policy(given: dict[str, Any], policy: dict[str, Any] | None) -> None:
    item = manifest(wanted(**given), None)
    assert item["spec"].get("syncPolicy") == policy
    assert {key: item["spec"][key] for key in ("project", "source", "destination")} == {
        "project": "default",
        "source": {"repoURL": "https://git.example/x.git", "targetRevision": "main", "path": "core"},
        "destination": DESTINATION,
    }


def test_metadata() -> None:
    marks = {"app.kubernetes.io/part-of": "gitops-airflow", "gitops-airflow/platform": "airflow"}
    assert manifest(wanted(), None)["metadata"] == {"name": "a", "namespace": "argocd", "labels": marks, "finalizers": [FINALIZER]}
    metadata = manifest(wanted(cascade=False, labels={"x": "1"}, annotations={"y": "2"}), None)["metadata"]
    assert metadata == {"name": "a", "namespace": "argocd", "labels": {"x": "1", **marks}, "annotations": {"y": "2"}}
    with pytest.raises(CollectionError, match="Application argocd/a exists"):
        manifest(wanted(), {"metadata": {"labels": {"team": "theirs"}}})


def test_a_source_of_a_chart() -> None:
    found = source("https://charts.example", "1.4.2", "", {"chart": "statsd", "helm": {"valuesObject": {"replicas": 2}}})
    expected = {"repoURL": "https://charts.example", "targetRevision": "1.4.2", "chart": "statsd"}
    assert found == {**expected, "helm": {"valuesObject": {"replicas": 2}}}


@pytest.mark.parametrize(
    ("given", "expected"), [(None, None), ("", None), ("abc1234", {"a": "abc1234"}), (["1.2", ""], {"a": ["1.2", ""]})]
)
def test_the_revision_of_the_wait(given: Any, expected: Any) -> None:
    params = wait_params({"name": "a", "revision": given})
    assert (params["applications"], params["revision"]) == (["a"], expected)


def test_a_revision_by_name_is_refused() -> None:
    with pytest.raises(ValueError, match="revision is a dictionary"):
        wait_params({"name": "a", "revision": {"a": "abc1234"}})

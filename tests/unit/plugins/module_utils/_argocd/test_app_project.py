# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An AppProject allows what is declared, and in the first step of a change what it allowed before, too."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.project import (
    Allowed,
    Project,
    allowed_by,
    destination,
    dropped,
    manifest,
    widen,
    wider,
)
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError

MARKS = {"app.kubernetes.io/part-of": "gitops-airflow", "gitops-airflow/platform": "airflow"}
OLDER = {"app.kubernetes.io/part-of": "gitops-airflow"}
BETA = {**MARKS, "gitops-airflow/platform": "beta"}
SERVICE, JOB, NODE = {"group": "", "kind": "Service"}, {"group": "batch", "kind": "Job"}, {"group": "", "kind": "Node"}


def place(namespace: str) -> dict[str, str]:
    return {"namespace": namespace, "server": "https://kubernetes.default.svc"}


def allowed(repositories: str, namespaces: str, kinds: list[dict[str, str]] | None, cluster: list[dict[str, str]] | None = None) -> Allowed:
    kinds_given = None if kinds is None else tuple(kinds)
    return Allowed(tuple(repositories.split()), tuple(map(place, namespaces.split())), tuple(cluster or ()), kinds_given)


def project(given: Allowed, **more: Any) -> Project:
    return Project(**{"name": "airflow", "namespace": "argocd", "platform": "airflow", "allowed": given, **more})


def found(given: Allowed, labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None) -> dict[str, Any]:
    item = manifest(project(given), None)
    item["metadata"] |= {"labels": MARKS if labels is None else labels, "annotations": annotations or {}}
    return item


def test_a_destination_names_its_cluster_once() -> None:
    assert destination({"namespace": "a", "server": None, "name": None}) == place("a")
    assert destination({"namespace": "a", "server": "", "name": "production"}) == {"namespace": "a", "name": "production"}
    assert destination({"namespace": "a", "server": "https://x", "name": None}) == {"namespace": "a", "server": "https://x"}


CASES = [
    # Wanted, before, both, what is dropped, whether both allow more.
    (allowed("a", "x", [JOB]), Allowed(), allowed("a", "x", [JOB]), Allowed(), False),
    (allowed("a", "x", [JOB]), allowed("a", "x", [JOB]), allowed("a", "x", [JOB]), Allowed(), False),
    (allowed("b", "x y", [JOB]), allowed("a b", "x", [JOB]), allowed("b a", "x y", [JOB]), allowed("a", "", []), True),
    (allowed("a", "x", [JOB]), allowed("a", "z x", [SERVICE]), allowed("a", "x z", [JOB, SERVICE]), allowed("", "z", [SERVICE]), True),
    (allowed("a", "x", [JOB]), allowed("a", "x", None), allowed("a", "x", None), Allowed(), True),
    (allowed("a", "x", None), allowed("a", "x", [JOB]), allowed("a", "x", None), Allowed(), False),
    (allowed("a", "x", None), allowed("a", "x", None), allowed("a", "x", None), Allowed(), False),
    (allowed("a", "x", []), allowed("a", "x", [], [NODE]), allowed("a", "x", [], [NODE]), allowed("", "", [], [NODE]), True),
]


@pytest.mark.parametrize(("wanted", "before", "both", "less", "more"), CASES)
def test_old_and_new(wanted: Allowed, before: Allowed, both: Allowed, less: Allowed, more: bool) -> None:
    assert (widen(wanted, before), dropped(wanted, before), wider(wanted, before)) == (both, less, more)
    if before == Allowed():
        return
    assert allowed_by(found(before), "airflow", False) == before
    kept = manifest(project(wanted, keep_present=True), found(before))
    assert allowed_by(kept, "airflow", False) == both
    narrowed = manifest(project(wanted), kept)
    assert allowed_by(narrowed, "airflow", False) == wanted


@pytest.mark.parametrize(
    ("labels", "adopt", "code"),
    [
        (MARKS, False, ""),
        (OLDER, True, ""),
        (OLDER, False, "older_object"),
        (BETA, True, "other_platform"),
        ({}, True, "foreign_object"),
        ({"app.kubernetes.io/part-of": "theirs"}, True, "foreign_object"),
    ],
)
def test_a_project_of_others_is_refused_and_says_nothing(labels: dict[str, str], adopt: bool, code: str) -> None:
    theirs, wanted = found(allowed("theirs", "z", None), labels), project(allowed("a", "x", []), adopt=adopt, keep_present=True)
    known = allowed_by(theirs, "airflow", adopt)
    if not code:
        assert known.namespaces == ["z"]
        assert manifest(wanted, theirs)["metadata"]["labels"] == MARKS
        return
    assert known == Allowed()
    with pytest.raises(CollectionError, match="AppProject argocd/airflow exists") as refused:
        manifest(wanted, theirs)
    assert refused.value.code == code


def test_no_project_allows_nothing() -> None:
    assert allowed_by(None, "airflow", True) == Allowed()
    wanted = project(allowed("a", "x", []), keep_present=True)
    assert manifest(wanted, None) == manifest(project(wanted.allowed), None)


def test_labels_annotations_and_the_memory_of_the_last_version() -> None:
    wanted = project(allowed("a", "x", []), labels={"team": "data", **BETA}, annotations={"note": "1"}, description="Airflow")
    item = manifest(wanted, None)
    assert item["metadata"] == {
        "name": "airflow",
        "namespace": "argocd",
        "labels": {"team": "data", **MARKS},
        "annotations": {"note": "1"},
    }
    assert item["spec"]["description"] == "Airflow"
    # argocd_repository takes it over, and removes it then.
    before = found(allowed("a", "x", []), annotations={"gitops-airflow/trust": "ssh", "other": "x"})
    assert manifest(wanted, before)["metadata"]["annotations"] == {"note": "1", "gitops-airflow/trust": "ssh"}

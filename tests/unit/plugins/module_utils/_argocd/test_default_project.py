# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D9: Argo CD's own AppProject ``default`` is closed where nobody uses it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.default_project import (
    CLOSED,
    OPEN,
    body,
    is_closed,
    is_known,
    notice,
    users,
)

# As Argo CD writes it: empty lists are left out.
WRITTEN_BACK = {"namespaceResourceBlacklist": [{"group": "*", "kind": "*"}]}


def project(spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "default", "namespace": "argocd", "resourceVersion": "7"}, "spec": spec}


@pytest.mark.parametrize(
    ("spec", "known", "closed"),
    [
        (OPEN, True, False),
        (CLOSED, True, True),
        (WRITTEN_BACK, True, True),
        ({**OPEN, "description": "ours"}, False, False),
        ({**OPEN, "sourceRepos": ["https://one"]}, False, False),
        ({**CLOSED, "sourceRepos": ["*"]}, False, False),
        ({**CLOSED, "roles": [{"name": "ci"}]}, False, False),
        # Without a list of kinds all in namespaces are allowed.
        ({"sourceRepos": [], "destinations": []}, False, False),
        ({}, False, False),
        (None, False, False),
    ],
)
def test_which_specification_is_argo_cds_own(spec: Any, known: bool, closed: bool) -> None:
    assert (is_known(project(spec)), is_closed(project(spec))) == (known, closed)


def item(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "argocd"}, "spec": spec}


def test_who_uses_it() -> None:
    applications = [item("a", {"project": "default"}), item("b", {"project": ""}), item("c", {}), item("d", {"project": "airflow"})]
    sets = [item("e", {"template": {"spec": {"project": "default"}}}), item("f", {"template": {"spec": {"project": "airflow"}}})]
    assert users(applications, sets) == [*(f"Application argocd/{name}" for name in "abc"), "ApplicationSet argocd/e"]


@pytest.mark.parametrize(
    ("present", "used_by", "words"),
    [
        (None, [], ""),
        (project(OPEN), [], ""),
        (project(OPEN), ["Application argocd/a"], "it is used by Application argocd/a"),
        (None, ["Application argocd/a"], "it is used by"),
        (project({**OPEN, "sourceRepos": ["https://one"]}), [], "its rules were changed"),
    ],
)
def test_it_stays_open_with_a_notice_where_somebody_uses_it(present: Any, used_by: list[str], words: str) -> None:
    said = notice(present, used_by)
    assert words in said
    assert bool(said) is bool(words)
    assert not said or ("Next: " in said and "argocd_close_default_project" in said)


def test_it_is_changed_only_as_it_was_read() -> None:
    assert body("argo", project(OPEN))["metadata"] == {"name": "default", "namespace": "argo", "resourceVersion": "7"}
    made = body("argo", None)
    assert made["metadata"] == {"name": "default", "namespace": "argo"}
    assert is_closed(made)

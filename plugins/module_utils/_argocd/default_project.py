# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argo CD's own AppProject ``default``, which allows everything until it is closed. Pure: dictionaries in, dictionaries out."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.gitops.airflow.plugins.module_utils._argocd.project import project_place
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, named

NAME = "default"
EVERYTHING = {"group": "*", "kind": "*"}
# As Argo CD's server makes it at its start, if there is none (argo-cd: server/server.go, initializeDefaultProject).
OPEN: Obj = {
    "sourceRepos": ["*"],
    "destinations": [{"namespace": "*", "server": "*"}],
    "clusterResourceWhitelist": [EVERYTHING],
}
# Argo CD leaves empty lists out if it writes the project, and takes an absent list of kinds in namespaces for all kinds. Hence the list of
# refused kinds.
CLOSED: Obj = {
    "sourceRepos": [],
    "destinations": [],
    "clusterResourceWhitelist": [],
    "namespaceResourceBlacklist": [EVERYTHING],
}


def body(namespace: str, present: Obj | None) -> Obj:
    """The closed project to apply over the present one. It is refused if that one was changed meanwhile."""
    version = {"resourceVersion": present["metadata"]["resourceVersion"]} if present is not None else {}
    return project_place(namespace, NAME).body(version, spec=CLOSED)


def _told(spec: Obj) -> Obj:
    """The fields of a specification that say something: an empty list and an absent one are the same here."""
    return {key: value for key, value in spec.items() if value}


def is_closed(project: Obj) -> bool:
    return _told(project.get("spec") or {}) == _told(CLOSED)


def is_known(project: Obj) -> bool:
    """Whether it is as Argo CD makes it, or closed."""
    return (project.get("spec") or {}) == OPEN or is_closed(project)


def users(applications: Sequence[Obj], sets: Sequence[Obj]) -> list[str]:
    """Those Applications and ApplicationSets that use it, by kind, namespace and name. One that names no project uses it."""
    specs = [("Application", item, item.get("spec") or {}) for item in applications]
    specs += [("ApplicationSet", item, ((item.get("spec") or {}).get("template") or {}).get("spec") or {}) for item in sets]
    return sorted(
        f"{kind} {item['metadata'].get('namespace')}/{item['metadata']['name']}"
        for kind, item, spec in specs
        if spec.get("project", NAME) in ("", NAME)
    )


def notice(project: Obj | None, used_by: Sequence[str]) -> str:
    """Why it stays as it is, and what to do about that; empty where it may be closed. ``used_by``: what uses it."""
    if project is not None and not is_known(project):
        reason, action = "its rules were changed", "close it yourself"
    elif used_by:
        reason, action = f"it is used by {named(used_by)}", "move them to another project"
    else:
        return ""
    return (
        f"Argo CD's AppProject {NAME} was not closed: {reason}. Users who may create Applications can use an open project to deploy "
        f"anything. Next: {action}, or set argocd_close_default_project to false."
    )

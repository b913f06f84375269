# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an AppProject and a cluster's Secret permit to an Application of this cluster, by Argo CD's rules. Pure.

Rules: argo-cd, pkg/apis/application/v1alpha1/app_project_types.go, util/git/git.go (NormalizeGitURL), util/glob. A pattern that begins with
an exclamation mark denies what it matches.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._argocd.project import IN_CLUSTER
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj

CLUSTER_NAME = "in-cluster"  # what Argo CD calls the cluster that it runs in, unless a Secret of that cluster has another name
NOTHING = "(?!)"  # a regular expression that matches no text
_SCP = re.compile(r"[^/:]*@[^@]+")


def glob(pattern: str, value: str, *, path: bool = False) -> bool:
    """Whether a pattern matches the whole value. ``path``: C(*) and C(?) do not match a slash; C(**) does."""
    if pattern == "*":
        return True
    any_one = "[^/]" if path else "."
    parts, depth = [], 0
    for token in re.findall(r"\*\*|\[!?[^\]]+\]|.", pattern, re.DOTALL):
        if token.startswith("["):
            parts.append(_one_of(token))
        elif token == "{":
            depth += 1
            parts.append("(?:")
        elif token == "}" and depth:
            depth -= 1
            parts.append(")")
        elif token == "," and depth:
            parts.append("|")
        else:
            parts.append({"**": ".*", "*": f"{any_one}*", "?": any_one}.get(token) or re.escape(token))
    try:
        return re.fullmatch("".join(parts), value, re.DOTALL) is not None
    except re.error:  # Argo CD logs such a pattern, and takes it as one that matches nothing
        return False


def _one_of(token: str) -> str:
    """The regular expression for characters in brackets: either a list of them, or one range (gobwas/glob: syntax/lexer/lexer.go)."""
    inner = token[1:-1].removeprefix("!")
    first, between, last = inner[:1], inner[1:2], inner[2:]
    if not inner or (between == "-" and len(last) != 1):
        return NOTHING
    content = f"{re.escape(first)}-{re.escape(last)}" if between == "-" else re.escape(inner)
    return f"[{'^' if token.startswith('[!') else ''}{content}]"


def _matches(pattern: str, value: str, *, path: bool = False) -> bool:
    if _denies(pattern):
        return not glob(pattern[1:], value, path=path)
    return glob(pattern, value, path=path)


def _denies(pattern: str) -> bool:
    return pattern.startswith("!")


def normal_url(url: str) -> str:
    """A repository's URL as Argo CD compares it: lower case, without the ending C(.git) and the scheme of SSH."""
    url = url.strip().lower()
    if _SCP.fullmatch(url):
        url = url.replace(":", "/", 1)
    return url.removesuffix(".git").removeprefix("ssh://")


def permits_source(project: Obj, url: str) -> bool:
    """Whether ``sourceRepos`` of the project permits a repository. Argo CD adds to it those of repository Secrets of the project."""
    permitted = False
    for pattern in (project.get("spec") or {}).get("sourceRepos") or []:
        normal = f"!{normal_url(pattern[1:])}" if _denies(pattern) else normal_url(pattern)
        if _matches(normal, normal_url(url), path=True):
            permitted = True
        elif _denies(normal):
            return False
    return permitted


def cluster_name(clusters: Sequence[Mapping[str, str]]) -> str:
    """By what name Argo CD knows its own cluster. The Secret of that cluster may give another one (argo-cd: util/db/cluster.go)."""
    here = own_cluster(clusters)
    return CLUSTER_NAME if here is None else here.get("name", "")


def own_cluster(clusters: Sequence[Mapping[str, str]]) -> Mapping[str, str] | None:
    """The Secret of Argo CD's own cluster; None if there is none, as after a usual installation."""
    return next((item for item in clusters if item.get("server", "").rstrip("/") == IN_CLUSTER), None)


def permits_namespace(project: Obj, namespace: str, cluster: str = CLUSTER_NAME) -> bool:
    """Whether Applications of the project may deploy to a namespace of Argo CD's own cluster. ``cluster``: its cluster_name()."""
    permitted, denied = False, False
    for item in (project.get("spec") or {}).get("destinations") or []:
        patterns = [str(item.get(key) or "") for key in ("name", "server", "namespace")]
        name, server, place = (_matches(p, value) for p, value in zip(patterns, (cluster, IN_CLUSTER, namespace), strict=True))
        name = name and cluster != ""  # what has no name matches no pattern for it
        if (name or server) and place:
            permitted = True
        else:
            denied |= any(not found and _denies(pattern) for found, pattern in zip((name, server, place), patterns, strict=True))
    return permitted and not denied


def permits_kind(project: Obj, kind: Mapping[str, Any]) -> bool:
    """Whether Applications of the project may deploy a kind, given by ``group`` and ``kind``, to namespaces."""
    spec = project.get("spec") or {}
    allowed, denied = spec.get("namespaceResourceWhitelist"), spec.get("namespaceResourceBlacklist") or []
    return (allowed is None or _listed(allowed, kind)) and not _listed(denied, kind)


def _listed(items: Sequence[Mapping[str, Any]], kind: Mapping[str, Any]) -> bool:
    return any(all(glob(str(item.get(key) or ""), str(kind.get(key) or "")) for key in ("group", "kind")) for item in items)


def closed_namespaces(clusters: Sequence[Mapping[str, str]], namespaces: Sequence[str]) -> list[str]:
    """The namespaces that Argo CD may not deploy to in its own cluster.

    ``clusters``: decoded Secrets of clusters. One without ``namespaces``, or none of this cluster, limits nothing. The names are not
    patterns (gitops-engine: pkg/cache/cluster.go, managesNamespace).
    """
    listed = (own_cluster(clusters) or {}).get("namespaces", "").split(",")
    allowed = [name.strip() for name in listed if name.strip()]
    return [name for name in namespaces if name not in allowed] if allowed else []

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of rights as a manifest that the owner of a cluster applies. Pure."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._platform.rights import Right, Unit, granted, own_namespaces, units
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import Settings

VERSION, GROUP = "rbac.authorization.k8s.io/v1", "rbac.authorization.k8s.io"
SERVICE_ACCOUNT, GROUP_PREFIX = "system:serviceaccount:", "group:"
ENFORCE = "pod-security.kubernetes.io/enforce"
# Comments of a manifest.
INSTALL = (
    "The account installs Argo CD, whose ClusterRoles permit everything. So it can get every right in the cluster.",
    "Without that, use an Argo CD that exists (platform_argocd: existing).",
)
USE = (
    "The account decides what the Application deploys, and with which AppProject. Argo CD deploys it with its own rights.",
    "So give the account only to people who may get every right that Argo CD has in the cluster.",
)
METRICS = ("The account runs metrics-server in kube-system, where a pod may use any account. So it can get every right, too.",)
CREATE = ("The account creates the platform's namespaces, so its rights there are in a ClusterRole.",)
FIND = ("If one of these namespaces exists already, delete its part of this file first. Otherwise kubectl changes its labels.",)
WIDTH = 110  # of a line, where names can be divided
# The order in which verbs are written.
VERBS = ("get", "list", "watch", "create", "patch", "delete", "escalate", "bind")


@dataclass(frozen=True)
class Rule:
    """A rule of RBAC, and what it is for."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    names: tuple[str, ...]
    why: tuple[str, ...]

    def body(self) -> dict[str, list[str]]:
        names = {"resourceNames": [*self.names]} if self.names else {}
        return {"apiGroups": [self.group], "resources": [*self.resources], **names, "verbs": [*self.verbs]}


def rules(rights: Iterable[Right]) -> dict[str, list[Rule]]:
    """The rules by namespace, those for the whole cluster under the empty name: each right once, in the order of the table."""
    found: dict[str, dict[tuple[str, str, tuple[str, ...]], dict[str, str]]] = {}
    known = units(rights)
    for (place, group, resource, verb), (names, why) in _named(known).items():
        found.setdefault(place, {}).setdefault((group, resource, names), {})[verb] = why
    return {place: list(_merged(things)) for place, things in found.items()}


def _named(known: Mapping[Unit, Right]) -> dict[tuple[str, str, str, str], tuple[tuple[str, ...], str]]:
    """By namespace, group, resource and verb the names that it is for. None if one right is for all names, which covers the others."""
    found: dict[tuple[str, str, str, str], tuple[tuple[str, ...], str]] = {}
    for unit, right in known.items():
        key = (unit.namespace, unit.group, unit.resource, unit.verb)
        names, why = found.get(key, (None, ""))
        if names == ():
            continue
        found[key] = ((*(names or ()), unit.name) if unit.name else (), right.why if not unit.name else why or right.why)
    return found


def _merged(things: Mapping[tuple[str, str, tuple[str, ...]], Mapping[str, str]]) -> Iterator[Rule]:
    """Resources of one group with the same verbs and names in one rule."""
    same: dict[tuple[str, tuple[str, ...], tuple[str, ...]], tuple[list[str], dict[str, None]]] = {}
    for (group, resource, names), verbs in things.items():
        ordered = tuple(sorted(verbs, key=VERBS.index))
        resources, why = same.setdefault((group, names, ordered), ([], {}))
        resources.append(resource)
        why.update(dict.fromkeys(verbs[verb] for verb in ordered))
    for (group, names, ordered), (resources, why) in same.items():
        yield Rule(group, tuple(resources), ordered, names, tuple(why))


def subject(account: str) -> dict[str, str]:
    """The subject of a binding: a user, ``group:NAME``, or a service account as ``system:serviceaccount:NAMESPACE:NAME``."""
    if account.startswith(SERVICE_ACCOUNT):
        namespace, _colon, name = account.removeprefix(SERVICE_ACCOUNT).partition(":")
        return {"kind": "ServiceAccount", "namespace": namespace, "name": name}
    if account.startswith(GROUP_PREFIX):
        return {"apiGroup": GROUP, "kind": "Group", "name": account.removeprefix(GROUP_PREFIX)}
    return {"apiGroup": GROUP, "kind": "User", "name": account}


Documents = list[tuple[dict[str, Any], list[Rule]]]


def documents(rights: Sequence[Right], platform: str, account: str, namespaces: Mapping[str, str]) -> Documents:
    """The manifest's objects, a role each with its rules. ``namespaces``: those to create, with the Pod Security Standard or nothing."""
    name = f"gitops-airflow-{platform}"
    found: Documents = []
    for namespace, standard in namespaces.items():
        labels = {"labels": {ENFORCE: standard}} if standard else {}
        found.append(({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, **labels}}, []))
    for namespace, own in sorted(rules(granted(rights)).items()):
        kind = "Role" if namespace else "ClusterRole"
        metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
        role = {"apiVersion": VERSION, "kind": kind, "metadata": metadata}
        binding = {**role, "kind": f"{kind}Binding", "roleRef": {"apiGroup": GROUP, "kind": kind, "name": name}}
        found += [(role, own), ({**binding, "subjects": [subject(account)]}, [])]
    return found


def published(rights: Sequence[Right], given: Settings, account: str, *, create_namespaces: bool, pod_security: str) -> str:
    """The manifest for settings, as the owner of a cluster gets it."""
    own = {entry["name"]: str(entry.get("pod_security") or "") for entry in given.profiles}
    names = {} if create_namespaces else {name: own.get(name) or pod_security for name in own_namespaces(given)}
    title = [
        f"The rights of the account {account}, with which the playbooks of gitops.airflow manage the platform {given.name}.",
        *(USE if given.existing_argocd else INSTALL),
        *(METRICS if given.metrics_server and given.existing_argocd else []),
        *(CREATE if create_namespaces else FIND),
        "Apply it as the owner of the cluster: kubectl apply -f FILE",
    ]
    return text(rights, str(given.name), account, names, "\n".join(title))


def text(rights: Sequence[Right], platform: str, account: str, namespaces: Mapping[str, str], title: str) -> str:
    """The manifest as YAML, with a comment that says what each rule is for."""
    parts = ["".join(f"# {line}\n" for line in title.splitlines())]
    for body, own in documents(rights, platform, account, namespaces):
        parts.append("".join(_lines(body)) + ("rules:\n" + "".join(map(_rule, own)) if own else ""))
    return "---\n".join(parts)


def _rule(rule: Rule) -> str:
    comments = "".join(f"  # To {why}.\n" for why in rule.why)
    rows = [f"{_wrapped(f'{key}: {json.dumps(values)}')}\n" for key, values in rule.body().items()]
    return comments + "  - " + "    ".join(rows)


def _wrapped(line: str) -> str:
    """A list of names in several lines, if it is long. Each line begins below the first name."""
    indent = " " * (len("    ") + line.index("[") + 1)
    return "\n".join(textwrap.wrap(line, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False))


def _lines(body: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """A mapping of texts, mappings and lists of mappings as YAML. JSON's texts are YAML's."""
    for key, value in body.items():
        if isinstance(value, Mapping):
            yield f"{indent}{key}:\n"
            yield from _lines(value, f"{indent}  ")
        elif isinstance(value, list):
            yield f"{indent}{key}:\n"
            for item in value:
                first, *rest = [line.removeprefix(indent) for line in _lines(item, indent)]
                yield f"{indent}  - {first}"
                yield from (f"{indent}    {line}" for line in rest)
        else:
            yield f"{indent}{key}: {json.dumps(value) if not _is_plain(value) else value}\n"


def _is_plain(value: str) -> bool:
    """Whether YAML reads it as text without quotes: it begins with a letter and does not stand for another value."""
    plain = value.replace("-", "").replace(".", "").replace("/", "")
    return value[:1].isalpha() and plain.isalnum() and value.lower() not in ("true", "false", "yes", "no", "on", "off", "null", "y", "n")

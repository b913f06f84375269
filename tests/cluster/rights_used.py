# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of its rights an account used, by the audit log of an API server. Pure: entries of the log in, a report out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._platform.rights import OPTIONAL, Right, Unit, units

Obj = dict[str, Any]
ENDED = ("ResponseComplete", "Panic")
# A watch is logged when it begins, and again when it ends. A log of its beginning alone has its answer, too.
BEGUN = "ResponseStarted"
# What every account may ask.
OPEN_GROUPS = ("authorization.k8s.io", "authentication.k8s.io")
RBAC = "rbac.authorization.k8s.io"
BINDINGS = {"clusterrolebindings": ("clusterroles",), "rolebindings": ("clusterroles", "roles")}


@dataclass
class Report:
    """``unused``: granted rights that no request used. ``elsewhere``: the same, with the reason why another run uses them.

    ``refused``: requests that were forbidden, other than for optional rights. ``beyond``: requests that the rights do not permit.
    """

    requests: int = 0
    unused: list[Unit] = field(default_factory=list)
    elsewhere: dict[Unit, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        return [*(f"not used: {unit}" for unit in self.unused), *(f"refused: {text}" for text in self.refused), *self._beyond()]

    def _beyond(self) -> Iterator[str]:
        yield from (f"not granted: {text}" for text in self.beyond)


def _code(entry: Obj) -> int:
    return int((entry.get("responseStatus") or {}).get("code", 0))


def asked(entry: Obj) -> list[Unit]:
    """What the API server authorized for a request; nothing for discovery and reviews.

    A server-side apply that makes an object needs create, too. The log does not show that a Role or binding needed escalate or bind.
    """
    ref = entry.get("objectRef") or {}
    if not ref.get("resource") or ref.get("apiGroup", "") in OPEN_GROUPS:
        return []
    group, resource, part = ref.get("apiGroup", ""), ref["resource"], ref.get("subresource", "")
    # The log takes a namespace's name for its namespace, too.
    namespace = "" if (group, resource) == ("", "namespaces") else ref.get("namespace", "")
    verbs = [entry["verb"], *(["create"] if entry["verb"] == "patch" and _code(entry) == 201 else [])]
    return [Unit(verb, group, f"{resource}/{part}" if part else resource, namespace, ref.get("name", "")) for verb in verbs]


def covers(right: Unit, unit: Unit) -> bool:
    """Whether a right permits it."""
    return (
        right.verb == unit.verb
        and right.group in ("*", unit.group)
        and right.resource in ("*", unit.resource)
        and right.namespace in ("", unit.namespace)
        and right.name in ("", unit.name)
    )


def implied(unit: Unit, entry: Obj) -> Iterator[Unit]:
    """What a write of a Role or a binding may have used beside its verb. A log without objects names no role: its name is the binding's."""
    role = str(((entry.get("responseObject") or {}).get("roleRef") or {}).get("name") or unit.name)
    if unit.group == RBAC and unit.verb in ("create", "patch"):
        if unit.resource in ("clusterroles", "roles"):
            yield Unit("escalate", RBAC, unit.resource, unit.namespace, unit.name)
        for resource in BINDINGS.get(unit.resource, ()):
            place = unit.namespace if resource == "roles" else ""
            yield Unit("bind", RBAC, resource, place, role)


def report(rights: Iterable[Right], entries: Iterable[Obj], users: Collection[str]) -> Report:
    """Compares the requests of these users with the rights."""
    known = units(rights)
    granted = {unit: right for unit, right in known.items() if right.level != OPTIONAL}
    special = [unit for unit in granted if unit.verb in ("escalate", "bind")]
    found, used = Report(), set[Unit]()
    seen: dict[str, Obj] = {}
    for entry in entries:
        stage = entry.get("stage")
        if (entry.get("user") or {}).get("username") in users and (stage in ENDED or (stage == BEGUN and entry["verb"] == "watch")):
            seen[entry.get("auditID") or str(len(seen))] = entry
    for entry in seen.values():
        found.requests += 1
        for unit in asked(entry):
            permitting = [right for right in granted if covers(right, unit)]
            if _code(entry) == 403:
                optional = any(covers(right, unit) for right, item in known.items() if item.level == OPTIONAL)
                found.refused += [] if optional else [str(unit)]
            elif not permitting:
                found.beyond.append(str(unit))
            else:
                used.update(permitting)
                more = list(implied(unit, entry))
                used.update(right for right in special if any(covers(right, item) for item in more))
    for unit, right in granted.items():
        if unit not in used:
            if right.rare:
                found.elsewhere[unit] = right.rare
            else:
                found.unused.append(unit)
    found.refused, found.beyond = sorted(set(found.refused)), sorted(set(found.beyond))
    return found

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether RBAC's rules permit what the table of rights names, and what they lack. Pure. Rules as in rbac.authorization.k8s.io/v1."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.rights import Right, Unit

Rule = Mapping[str, Any]
EVERY = "*"
LINES = 20  # of rights in a message


def permits(rule: Rule, unit: Unit) -> bool:
    """Whether one rule permits it (kubernetes: pkg/apis/rbac/v1/evaluation_helpers.go). It does not look at the namespace."""
    names = rule.get("resourceNames") or []
    return (
        _has(rule.get("verbs"), unit.verb)
        and _has(rule.get("apiGroups"), unit.group)
        and _has_resource(rule.get("resources") or [], unit.resource)
        and (not names or (unit.name != "" and unit.name in names))
    )


def _has(values: Collection[str] | None, wanted: str) -> bool:
    return wanted in (values or ()) or EVERY in (values or ())


def _has_resource(resources: Collection[str], wanted: str) -> bool:
    _resource, slash, part = wanted.partition("/")
    return _has(resources, wanted) or (bool(slash) and f"{EVERY}/{part}" in resources)


def lacking(units: Iterable[Unit], rules: Mapping[str, Sequence[Rule]]) -> list[Unit]:
    """Those that no rule permits. ``rules``: by namespace what is permitted there, and under the empty name in the whole cluster."""
    wide = rules.get("", ())
    return [unit for unit in units if not any(permits(rule, unit) for rule in (*wide, *(rules.get(unit.namespace, ()))))]


def lines(missing: Mapping[Unit, Right]) -> list[str]:
    """The missing rights for a person: those of one purpose in one line, for all namespaces that lack the same."""
    purposes: dict[tuple[str, str], dict[Unit, Right]] = {}
    for unit, right in missing.items():
        purposes.setdefault((unit.namespace, right.why), {})[unit] = right
    places: dict[str, list[str]] = {}
    for (namespace, why), units in purposes.items():
        places.setdefault(f"{_what(units)} (to {why})", []).append(namespace or "the whole cluster")
    return [f"in {', '.join(names)}: {text}" for text, names in places.items()]


def _what(units: Iterable[Unit]) -> str:
    """Verbs and resources: those with the same verbs together, and of one resource its names."""
    verbs: dict[tuple[str, str], list[str]] = {}
    for unit in units:
        what = f"{unit.resource}.{unit.group}" if unit.group else unit.resource
        verbs.setdefault((what, unit.name), []).append(unit.verb)
    same: dict[str, dict[str, list[str]]] = {}
    for (what, name), found in verbs.items():
        same.setdefault(", ".join(found), {}).setdefault(what, []).extend([name] if name else [])
    texts = [(words, [" ".join([what, *names]) for what, names in things.items()]) for words, things in same.items()]
    return "; ".join(f"{words} {', '.join(things)}" for words, things in texts)


def refusal(missing: Mapping[Unit, Right], account: str) -> Refusal:
    """All missing rights as one refusal. ``account``: its name, or nothing if it is not known."""
    rows = lines(missing)
    more = [f"and {len(rows) - LINES} more"] if len(rows) > LINES else []
    who = f"The account {account}" if account else "The account of platform_context"
    given = f" with platform_rights_account={account}" if account else ""
    return Refusal(
        "missing_rights",
        account,
        "the account has the rights that a run needs",
        f"{who} lacks rights that a run needs:\n" + "\n".join(f"   {row}" for row in (*rows[:LINES], *more)),
        f"Ask the owner of the cluster to apply the manifest of these rights. The playbook rights.yml (make rights) writes it{given} "
        "(docs/own-cluster.md#rights).",
    )

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mistyped variables, and variables whose value is a text instead of a list. Pure: names in, refusals out.

Ansible ignores a variable that nobody reads: with C(airflow_app_vaules) the platform would be installed without what it should set (F17).
A name that begins as a role's variables do may still belong to the user's own playbooks, so only one that is nearly a role's variable is
refused. The others are a warning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.nearest import did_you_mean, nearest
from ansible_collections.gitops.airflow.plugins.module_utils._platform import forms
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal

# From this share of equal characters on a name is a typing mistake, if it is also about as long. So is one with the same letters.
MISTYPED, LENGTHS = 0.8, 2
# Two roles whose variables are set together: a name of one with the prefix of the other is a mistake.
FAMILY = ("platform", "airflow_app")
# For a name with another prefix, which is most often the user's own variable.
PREFIX_MISTYPED = 0.9

# The types of Ansible's argument_specs that a text stands for by mistake.
TYPES = {"dict": "dictionary", "list": "list"}

Known = Mapping[str, Sequence[str]]


def role_of(name: str, roles: Iterable[str]) -> str:
    """The role whose variables begin like this name; empty if none do. The longest prefix counts."""
    return max((role for role in roles if name.startswith(f"{role}_")), key=len, default="")


def mistyped(name: str, role: str, known: Known) -> str:
    """The role's variable that a name is nearly, or the one of the sister role that it is without its prefix; empty if there is none."""
    rest = name.removeprefix(f"{role}_")
    others = [item.removeprefix(f"{role}_") for item in known[role]]
    near = next((item for item in others if sorted(item) == sorted(rest)), "") or nearest(rest, others, MISTYPED)
    if near and abs(len(near) - len(rest)) <= LENGTHS:
        return f"{role}_{near}"
    if role in FAMILY and "_" in rest:
        return next((f"{other}_{rest}" for other in FAMILY if f"{other}_{rest}" in known.get(other, ())), "")
    return ""


def unknown(given: Iterable[str], known: Known) -> tuple[dict[str, str], dict[str, str]]:
    """Names that no role has, each with the nearest one that a role has: first those that are mistyped, then those that may be.

    A name that begins like the variables of none of the roles is not among them, unless a role's variable is very near to it.
    """
    every = [name for names in known.values() for name in names]
    wrong, doubtful = dict[str, str](), dict[str, str]()
    for name in sorted({str(name) for name in given} - set(every)):
        role = role_of(name, known)
        near = mistyped(name, role, known) if role else ""
        if near:
            wrong[name] = near
        elif role:
            doubtful[name] = nearest(name, known[role]) or nearest(name, every)
        elif not name.startswith(("_", "ansible_")):
            near = nearest(name, every, PREFIX_MISTYPED)
            doubtful |= {name: near} if near else {}
    return wrong, doubtful


def refusals(given: Mapping[str, Any]) -> Iterator[Refusal]:
    """For what the lookup role_variables has found."""
    wrong, _doubtful = unknown(given["names"], given["known"])
    for name, near in wrong.items():
        yield Refusal(
            "unknown_variable",
            name,
            "variables with a role's prefix are the role's",
            f"{name} is set, and no role of gitops.airflow has such a variable. It would have no effect.",
            f"Write {near} instead of {name}. If {name} is a variable of your own, give it another name.",
        )
    for name, kind in given["texts"].items():
        yield Refusal(
            "values_type",
            "text",
            "a list or a dictionary is not written as a text",
            f"{name} is a text. It must be a {TYPES[kind]}.",
            f"Set {name} in a file of variables. On the command line it needs JSON: -e '{{\"{name}\": …}}'.",
        )
    yield from forms.variables(given["values"])


def warnings(given: Mapping[str, Any]) -> list[str]:
    """Names that may be mistakes, in sentences."""
    _wrong, doubtful = unknown(given["names"], given["known"])
    return [f"{name} is not a variable of a role of gitops.airflow.{did_you_mean(near)}" for name, near in doubtful.items()]

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules for a pod's fields in CEL, the language of admission policies, from the tables that the cluster policy uses. Pure.

Each rule becomes one validation, so that its message can name the field. What the platform's own pod template asks for is an exception:
a text such as ``volumes[node].hostPath=/data`` in the policy's variable ``exceptions``. The kind of a container is not part of it, because
containers of all kinds in a pod have different names. The variable ``containers`` has all of them, ``judged`` says whether the fields of
this request are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._platform import pod_fields

Obj = dict[str, Any]
CONTAINERS = ("containers", "initContainers", "ephemeralContainers")


@dataclass(frozen=True)
class Items:
    """A list of the pod that one of its rules goes through: the CEL of the list, of an item, and the field with an item's name."""

    all: str
    one: str
    name: str = "name"


@dataclass(frozen=True)
class Place:
    """Where in a pod a rule holds.

    ``value``: the CEL of what stands there. ``key``: the CEL of its exception's text, without the value. ``path``: for people.
    ``inside``: puts a condition about the value under the conditions of what is around it, within ``items``.
    """

    value: str
    key: str
    path: str
    inside: Callable[[str], str]
    items: Items | None = None

    def field(self, name: str) -> Place:
        inside, child = self.inside, f"{self.value}.{name}"
        return Place(
            child,
            f'{self.key} + ".{name}"' if self.key else f'"{name}"',
            f"{self.path}.{name}",
            lambda condition: inside(f"(!has({child}) || {condition})"),
            self.items,
        )

    def each(self, variable: str, named: bool) -> Place:
        inside, value = self.inside, self.value
        name = f'(has({variable}.name) ? {variable}.name : has({variable}.key) ? {variable}.key : "")' if named else '""'
        return Place(
            variable,
            f'{self.key} + "[" + {name} + "]"',
            f"{self.path}[]",
            lambda condition: inside(f"{value}.all({variable}, {condition})"),
            self.items,
        )


def rules() -> Iterator[Obj]:
    """The validations for all fields of a pod's specification."""
    pod = Place("object.spec", "", "spec", lambda condition: condition)
    yield _unknown(pod, pod_fields.POD)
    for key, rule in pod_fields.POD.items():
        if key in CONTAINERS:
            continue
        if isinstance(rule, pod_fields.Each):
            yield from _list(pod.field(key), rule.item)
        else:
            yield from _walk(rule, pod.field(key))
    place = Place("c", '"[" + c.name + "]"', "spec.containers[]", lambda condition: condition, Items("variables.containers", "c"))
    yield from _walk(pod_fields.POD[CONTAINERS[0]].item, place)


def _list(place: Place, item: Any) -> Iterator[Obj]:
    """A list of the pod itself, whose item a message names."""
    one = replace(place.each("i", named=True), inside=lambda condition: condition)
    name = "key" if isinstance(item, pod_fields.Rule) else "name"
    yield from _walk(item, replace(one, items=Items(f"(has({place.value}) ? {place.value} : [])", "i", name)))


def _walk(rule: Any, place: Place) -> Iterator[Obj]:
    if isinstance(rule, pod_fields.Rule):
        yield _leaf(rule, place)
    elif isinstance(rule, pod_fields.Each):
        yield from _walk(rule.item, place.each("jklm"[place.path.count("[]")], named=isinstance(rule.item, Mapping)))
    elif rule is not pod_fields.ANY:
        yield _unknown(place, rule)
        for key, part in rule.items():
            yield from _walk(part, place.field(key))


def _leaf(rule: pod_fields.Rule, place: Place) -> Obj:
    parts = [f'(has({place.value}.{name}) ? string({place.value}.{name}) : "")' for name in rule.named_by]
    text = ' + "|" + '.join(parts) or f"string({place.value})"
    allowed = rule.cel.replace("{v}", place.value)
    return _validation(place, f'({allowed} || ({place.key} + "=" + {text}) in variables.exceptions)', place.path, rule)


def _unknown(place: Place, table: Mapping[str, Any]) -> Obj:
    """The fields of a later version of Kubernetes. ``dyn``: the server's own check of types takes no object for a map."""
    key = f'{place.key} + "." + f' if place.key else "f"
    condition = f"dyn({place.value}).all(f, f in {json.dumps(sorted(table))} || ({key}) in variables.exceptions)"
    return _validation(place, condition, f"another field of {place.path}", pod_fields.UNKNOWN)


def _validation(place: Place, condition: str, what: str, rule: pod_fields.Rule) -> Obj:
    condition, items = place.inside(condition), place.items
    text = f"The pod asks for {what}; {rule.reason}: {rule.instead}."
    if items is None:
        return {"expression": f"!variables.judged || {condition}", "message": text}
    wrong = f"{items.all}.filter({items.one}, !({condition}))[0]"
    before, after = (json.dumps(part) for part in text.split("[]", 1))
    return {
        "expression": f"!variables.judged || {items.all}.all({items.one}, {condition})",
        "message": text,
        "messageExpression": f'{before} + "[" + {wrong}.{items.name} + "]" + {after}',
    }


def exceptions(pod: Mapping[str, Any]) -> set[str]:
    """What a pod template asks for that no rule allows, as the validations name it."""
    return {_exception(item) for item in pod_fields.asked_by_pod(dict(pod))}


def _exception(item: pod_fields.Asked) -> str:
    path = re.sub(r"\[\d+\]", "[]", item.path.removeprefix("spec."))
    path = re.sub(rf"^({'|'.join(CONTAINERS)})(?=\[)", "", path)
    if item.rule is pod_fields.UNKNOWN:
        return path
    value = json.loads(item.value)
    return f"{path}=" + ("|".join(_text(value.get(name, "")) for name in item.rule.named_by) if item.rule.named_by else _text(value))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shapes of what people write in Kubernetes' own words: names, labels, selectors, lists and dictionaries of objects. Pure.

A check yields where something is wrong, as a path such as C(.key[0]), and why, as the end of a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import wraps
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.nearest import did_you_mean, nearest

Problems = Iterator[tuple[str, str]]
Check = Callable[[Any], Problems]

OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
# Kubernetes: apimachinery/pkg/util/validation. The key and value of a label, and the name of most objects.
LABEL_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
OBJECT_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
# registry/repository:tag@digest, as the distribution project's reference package has it. A registry may be an address in brackets.
IMAGE = re.compile(
    r"(?:(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:]+\])(?::\d+)?/)?"
    r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
    r"(?P<tag>:\w[\w.-]{0,127})?(?P<digest>@[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9A-Fa-f]{32,})?",
    re.ASCII,
)


def below(place: str, problems: Problems) -> Problems:
    """The problems of what stands at a place."""
    yield from ((f"{place}{where}", why) for where, why in problems)


def keys(value: Any, known: Collection[str], what: str) -> Iterator[str]:
    """Why a value is not a dictionary with these keys."""
    if not isinstance(value, Mapping):
        yield f"must be {what}, a dictionary with {', '.join(known)}"
        return
    for key in value:
        if key not in known:
            yield f"has the unknown key '{key}'; {what} has {', '.join(known)}.{did_you_mean(nearest(str(key), known))}".rstrip(".")


def with_keys(what: str, *known: str) -> Callable[[Callable[..., Problems]], Callable[..., Problems]]:
    """Makes a check that begins with the keys: the decorated one runs only for a dictionary that has no others. ``what``: what it is."""

    def decorated(check: Callable[..., Problems]) -> Callable[..., Problems]:
        @wraps(check)
        def whole_check(value: Any, *args: Any, **kwargs: Any) -> Problems:
            yield from [("", why) for why in keys(value, known, what)] or check(value, *args, **kwargs)

        return whole_check

    return decorated


def each(value: Any, check: Check, otherwise: str) -> Problems:
    """The problems of a list, which may not be empty. ``otherwise``: what to do instead of an empty one."""
    if not isinstance(value, list | tuple) or not value:
        yield "", f"must be a list with an entry at least; {otherwise}"
        return
    for number, item in enumerate(value):
        yield from below(f"[{number}]", check(item))


def table(value: Any, checks: Mapping[str, Check], what: str, needed: Collection[str] = ()) -> Problems:
    """The problems of a dictionary whose keys are checked one by one. ``needed``: keys that it must have."""

    @with_keys(what, *checks)
    def entries(value: Any) -> Problems:
        missing = [key for key in needed if value.get(key) is None]
        if missing:
            yield "", f"must have {' and '.join(missing)}"
        for key, check in checks.items():
            if key in value:
                yield from below(f".{key}", check(value[key]))

    yield from entries(value)


def one_of(*values: str) -> Check:
    def check(value: Any) -> Problems:
        if value not in values:
            yield "", f"must be one of {', '.join(values)}.{did_you_mean(nearest(str(value), values))}".rstrip(".")

    return check


def whole(least: int, most: int | None = None) -> Check:
    """A number without quotes."""
    limit = f"of at least {least}" if most is None else f"from {least} to {most}"

    def check(value: Any) -> Problems:
        if not isinstance(value, int) or isinstance(value, bool) or value < least or (most is not None and value > most):
            yield "", f"must be a whole number {limit}, without quotes"

    return check


def matching(pattern: re.Pattern[str], what: str) -> Check:
    def check(value: Any) -> Problems:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            yield "", f"must be {what}"

    return check


label_key = matching(LABEL_KEY, "the key of a label")
object_name = matching(OBJECT_NAME, "the name of an object, lower-case letters, digits, hyphens and dots")


def is_label(key: Any, value: Any) -> bool:
    return isinstance(key, str) and isinstance(value, str) and bool(LABEL_KEY.fullmatch(key) and LABEL_VALUE.fullmatch(value))


def labels(value: Any) -> Problems:
    if not isinstance(value, Mapping) or not all(is_label(key, text) for key, text in value.items()):
        yield "", "must be a dictionary of labels; a value that is a number or a boolean needs quotes"


@with_keys("a selector", "matchLabels", "matchExpressions")
def selector(value: Any) -> Problems:
    """A label selector."""
    yield from below(".matchLabels", labels(value.get("matchLabels", {})))
    if "matchExpressions" in value:
        yield from below(".matchExpressions", each(value["matchExpressions"], expression, "leave it out to allow all"))


@with_keys("an expression", "key", "operator", "values")
def expression(value: Any, numbers: Collection[str] = ()) -> Problems:
    """An expression of a selector. ``numbers``: further operators, which compare with one number."""
    operator, values, known = value.get("operator"), value.get("values", []), (*OPERATORS, *numbers)
    if operator in numbers:
        if not isinstance(values, list | tuple) or len(values) != 1 or not re.fullmatch(r"-?\d{1,18}", str(values[0])):
            yield ".values", f"must be a list of one whole number in quotes for the operator {operator}"
        elif not is_label(value.get("key"), "") or not isinstance(values[0], str):
            yield "", "must have the key of a label, and a number in quotes"
    elif operator not in known:
        yield ".operator", f"must be one of {', '.join(known)}.{did_you_mean(nearest(str(operator), known))}".rstrip(".")
    elif not isinstance(values, list | tuple) or bool(values) != (operator in ("In", "NotIn")):
        yield ".values", f"must be a list that is {'not ' if operator in ('In', 'NotIn') else ''}empty for the operator {operator}"
    elif not all(is_label(value.get("key"), text) for text in values or [""]):
        yield "", "must have the key and the values of labels; a value that is a number or a boolean needs quotes"

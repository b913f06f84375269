# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people write in Kubernetes' own words: where it is wrong, and why."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform.shapes import (
    Check,
    each,
    expression,
    label_key,
    labels,
    object_name,
    one_of,
    selector,
    table,
    whole,
)

PERCENT, POSITIVE = whole(1, 100), whole(1)
COMPARED = partial(expression, numbers=("Gt", "Lt"))
NAMES = partial(each, check=object_name, otherwise="leave it out otherwise")
PORT = partial(table, checks={"name": object_name, "port": POSITIVE}, what="a port", needed=("port",))


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (PERCENT, 1),
        (PERCENT, 100),
        (POSITIVE, 10**9),
        (one_of("Equal", "Exists"), "Exists"),
        (label_key, "example.com/pool"),
        (object_name, "a.b-1"),
        (labels, {}),
        (labels, {"example.com/pool": "etl", "gpu": ""}),
        (NAMES, ["a", "b"]),
        (NAMES, ("a",)),
        (PORT, {"port": 1}),
        (PORT, {"port": 1, "name": "http"}),
        (selector, {}),
        (selector, {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "a", "operator": "Exists"}]}),
        (expression, {"key": "a", "operator": "In", "values": ["x", "y"]}),
        (expression, {"key": "a", "operator": "NotIn", "values": ("x",)}),
        (expression, {"key": "a", "operator": "DoesNotExist"}),
        (expression, {"key": "a", "operator": "Exists", "values": []}),
        (COMPARED, {"key": "a", "operator": "Gt", "values": ["-8"]}),
        (COMPARED, {"key": "a", "operator": "In", "values": ["x"]}),
    ],
)
def test_what_has_its_shape(check: Check, value: Any) -> None:
    assert list(check(value)) == []


@pytest.mark.parametrize(
    ("check", "value", "where", "why"),
    [
        (PERCENT, 0, "", "must be a whole number from 1 to 100, without quotes"),
        (PERCENT, 101, "", "must be a whole number from 1 to 100, without quotes"),
        (PERCENT, True, "", "must be a whole number from 1 to 100, without quotes"),
        (PERCENT, "5", "", "must be a whole number from 1 to 100, without quotes"),
        (POSITIVE, 0, "", "must be a whole number of at least 1, without quotes"),
        (POSITIVE, 1.5, "", "must be a whole number of at least 1, without quotes"),
        (one_of("Equal", "Exists"), "exists", "", "must be one of Equal, Exists. The nearest name is Exists"),
        (label_key, "a b", "", "must be the key of a label"),
        (label_key, 5, "", "must be the key of a label"),
        (labels, ["a"], "", "must be a dictionary of labels"),
        (labels, {"a": 1}, "", "must be a dictionary of labels"),
        (labels, {1: "a"}, "", "must be a dictionary of labels"),
        (labels, {"a b": "c"}, "", "must be a dictionary of labels"),
        (labels, {"a": "b c"}, "", "must be a dictionary of labels"),
        (NAMES, [], "", "must be a list with an entry at least; leave it out otherwise"),
        (NAMES, "a", "", "must be a list with an entry at least; leave it out otherwise"),
        (NAMES, ["a", "B"], "[1]", "must be the name of an object"),
        (PORT, ["port"], "", "must be a port, a dictionary with name, port"),
        (PORT, {"port": 1, "ports": 2}, "", "has the unknown key 'ports'; a port has name, port. The nearest name is port"),
        (PORT, {"name": "http"}, "", "must have port"),
        (PORT, {"port": 0}, ".port", "must be a whole number of at least 1"),
        (selector, {"matchExpressions": []}, ".matchExpressions", "must be a list with an entry at least; leave it out to allow all"),
        (selector, {"matchLabels": {"a": 1}}, ".matchLabels", "must be a dictionary of labels"),
        (expression, {"key": "a", "operator": "is"}, ".operator", "must be one of In, NotIn, Exists, DoesNotExist"),
        (expression, {"key": "a", "operator": "Gt", "values": ["1"]}, ".operator", "must be one of In, NotIn, Exists, DoesNotExist"),
        (expression, {"key": "a", "operator": "In"}, ".values", "must be a list that is not empty for the operator In"),
        (expression, {"key": "a", "operator": "In", "values": "x"}, ".values", "must be a list that is not empty for the operator In"),
        (
            expression,
            {"key": "a", "operator": "Exists", "values": ["x"]},
            ".values",
            "must be a list that is empty for the operator Exists",
        ),
        (expression, {"operator": "Exists"}, "", "must have the key and the values of labels"),
        (expression, {"key": "a", "operator": "In", "values": ["x", 1]}, "", "must have the key and the values of labels"),
        (COMPARED, {"key": "a", "operator": "Gt"}, ".values", "must be a list of one whole number in quotes for the operator Gt"),
        (COMPARED, {"key": "a", "operator": "Gt", "values": "5"}, ".values", "must be a list of one whole number"),
        (COMPARED, {"key": "a", "operator": "Gt", "values": ["1", "2"]}, ".values", "must be a list of one whole number"),
        (COMPARED, {"key": "a", "operator": "Gt", "values": ["few"]}, ".values", "must be a list of one whole number"),
        (COMPARED, {"key": "a", "operator": "Gt", "values": [5]}, "", "must have the key of a label, and a number in quotes"),
        (COMPARED, {"operator": "Gt", "values": ["5"]}, "", "must have the key of a label, and a number in quotes"),
        (COMPARED, {"key": "a", "operator": "is"}, ".operator", "must be one of In, NotIn, Exists, DoesNotExist, Gt, Lt"),
    ],
)
def test_what_has_not_its_shape(check: Check, value: Any, where: str, why: str) -> None:
    ((found, reason),) = check(value)
    assert (found, reason[: len(why)]) == (where, why)

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a node could take a pod, by the rules and in the words of Kubernetes' scheduler."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform.node_fit import AFFINITY, UNSCHEDULABLE, Fit, fit, reason, tolerates
from ansible_collections.gitops.airflow.plugins.module_utils._platform.placement_rules import PREFERRED, REQUIRED

Obj = dict[str, Any]


def node(name: str = "a", taints: list[Obj] | None = None, unschedulable: bool = False, **labels: str) -> Obj:
    named = {"kubernetes.io/hostname": name, **{key.replace("__", "/").replace("_", "-"): value for key, value in labels.items()}}
    return {"metadata": {"name": name, "labels": named}, "spec": {"taints": taints, "unschedulable": unschedulable}}


def taint(key: str, value: str = "", effect: str = "NoSchedule") -> Obj:
    return {"key": key, "effect": effect, **({"value": value} if value else {})}


def required(*terms: Any) -> Obj:
    return {"affinity": {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": list(terms)}}}}


def expressions(*items: Any) -> Obj:
    return {"matchExpressions": [dict(zip(("key", "operator", "values"), item, strict=False)) for item in items]}


def fields(operator: str, name: str) -> Obj:
    return {"matchFields": [{"key": "metadata.name", "operator": operator, "values": [name]}]}


NODE = node(pool="etl", cores="8", zone="a", empty="")


@pytest.mark.parametrize(
    ("operator", "values", "matches"),
    [
        # Labels of the node by the key of the row below: pool=etl.
        ("In", ["etl"], True),
        ("In", ["web", "etl"], True),
        ("In", ["web"], False),
        ("In", [], False),
        ("NotIn", ["web"], True),
        ("NotIn", ["etl", "web"], False),
        ("Exists", [], True),
        ("DoesNotExist", [], False),
        ("Gt", ["1"], False),
        ("Lt", ["1"], False),
        ("Of", ["etl"], False),
    ],
)
def test_operators_on_a_label(operator: str, values: list[str], matches: bool) -> None:
    assert (reason(NODE, required(expressions(("pool", operator, values)))) == "") is matches


@pytest.mark.parametrize(
    ("operator", "matches"), [("In", False), ("NotIn", True), ("Exists", False), ("DoesNotExist", True), ("Gt", False), ("Lt", False)]
)
def test_operators_on_a_label_that_the_node_does_not_have(operator: str, matches: bool) -> None:
    values = {"In": ["x"], "NotIn": ["x"], "Gt": ["1"], "Lt": ["1"]}.get(operator, [])
    assert (reason(NODE, required(expressions(("missing", operator, values)))) == "") is matches


@pytest.mark.parametrize(
    ("label", "operator", "values", "matches"),
    [
        ("8", "Gt", ["7"], True),
        ("8", "Gt", ["8"], False),
        ("8", "Lt", ["9"], True),
        ("8", "Lt", ["8"], False),
        ("10", "Gt", ["9"], True),  # as numbers, not as texts
        ("-1", "Lt", ["0"], True),
        ("+5", "Gt", ["4"], True),
        ("8.5", "Gt", ["1"], False),
        ("8", "Gt", ["a"], False),
        ("8", "Gt", [], False),
        ("8", "Gt", ["1", "2"], False),
        ("", "Lt", ["1"], False),
        ("9223372036854775807", "Gt", ["1"], True),
        ("9223372036854775808", "Gt", ["1"], False),  # more than 64 bits
        ("-9223372036854775808", "Lt", ["1"], True),
        ("-9223372036854775809", "Lt", ["1"], False),
        ("8", "Gt", [1], False),  # the API has texts
    ],
)
def test_gt_and_lt_compare_whole_numbers(label: str, operator: str, values: list[Any], matches: bool) -> None:
    assert (reason(node(cores=label), required(expressions(("cores", operator, values)))) == "") is matches


@pytest.mark.parametrize(
    ("terms", "matches"),
    [
        ([], False),
        ([{}], False),
        ([{"matchExpressions": [], "matchFields": []}], False),
        ([{}, expressions(("pool", "Exists"))], True),
        ([expressions(("pool", "In", ["web"])), expressions(("zone", "In", ["a"]))], True),  # one of them
        ([expressions(("pool", "In", ["etl"]), ("zone", "In", ["b"]))], False),  # all of one
        ([expressions(("pool", "In", ["etl"]), ("zone", "In", ["a"]))], True),
        ([expressions(("empty", "In", [""]))], True),
        ([fields("In", "a")], True),
        ([fields("In", "b")], False),
        ([fields("NotIn", "b")], True),
        ([fields("NotIn", "a")], False),
        ([{**fields("In", "a"), **expressions(("pool", "In", ["web"]))}], False),
        ([{**fields("In", "a"), **expressions(("pool", "In", ["etl"]))}], True),
        # A label that looks like the field is not the field.
        ([{"matchExpressions": [{"key": "metadata.name", "operator": "Exists"}]}], False),
    ],
)
def test_terms(terms: list[Obj], matches: bool) -> None:
    assert (reason(NODE, required(*terms)) == "") is matches


@pytest.mark.parametrize(
    ("pod", "matches"),
    [
        ({}, True),
        ({"nodeSelector": None, "affinity": None, "tolerations": None}, True),
        ({"nodeSelector": {}, "affinity": {}}, True),
        ({"nodeSelector": {"pool": "etl"}}, True),
        ({"nodeSelector": {"pool": "etl", "zone": "a"}}, True),
        ({"nodeSelector": {"pool": "etl", "zone": "b"}}, False),
        ({"nodeSelector": {"missing": ""}}, False),
        ({"nodeSelector": {"empty": ""}}, True),
        ({"nodeSelector": {"pool": "etl"}, **required(expressions(("zone", "In", ["b"])))}, False),
        # What is only preferred keeps no pod off a node.
        ({"affinity": {"nodeAffinity": {PREFERRED: [{"weight": 1, "preference": expressions(("pool", "In", ["web"]))}]}}}, True),
        ({"affinity": {"podAntiAffinity": {REQUIRED: [{"topologyKey": "zone"}]}}}, True),
    ],
)
def test_selector_and_affinity(pod: Obj, matches: bool) -> None:
    assert reason(NODE, pod) == ("" if matches else AFFINITY)


@pytest.mark.parametrize(
    ("toleration", "given", "expected"),
    [
        ({"key": "a", "operator": "Exists"}, taint("a", "x"), True),
        ({"key": "a", "operator": "Exists"}, taint("b", "x"), False),
        ({"key": "a", "operator": "Equal", "value": "x"}, taint("a", "x"), True),
        ({"key": "a", "operator": "Equal", "value": "x"}, taint("a", "y"), False),
        ({"key": "a", "value": "x"}, taint("a", "x"), True),  # Equal is the default
        ({"key": "a", "operator": "", "value": "x"}, taint("a", "x"), True),
        ({"key": "a"}, taint("a"), True),
        ({"key": "a"}, taint("a", "x"), False),
        ({"operator": "Exists"}, taint("a", "x"), True),
        ({"operator": "Exists", "key": ""}, taint("b", "", "NoExecute"), True),
        ({"operator": "Exists", "effect": "NoSchedule"}, taint("a", "", "NoExecute"), False),
        ({"key": "a", "operator": "Exists", "effect": "NoSchedule"}, taint("a", "x"), True),
        ({"key": "a", "operator": "Exists", "effect": "NoExecute"}, taint("a", "x"), False),
        ({"key": "a", "operator": "Exists", "effect": ""}, taint("a", "x", "NoExecute"), True),
        ({"key": "a", "operator": "Like", "value": "x"}, taint("a", "x"), False),
        ({"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}, taint("a", "x", "NoExecute"), True),
    ],
)
def test_tolerations(toleration: Obj, given: Obj, expected: bool) -> None:
    assert tolerates(toleration, given) is expected
    pod = {"tolerations": [toleration]}
    assert (reason(node(taints=[given]), pod) == "") is expected


@pytest.mark.parametrize(
    ("taints", "why"),
    [
        ([], ""),
        ([taint("a", "x", "PreferNoSchedule")], ""),
        ([taint("a", "x")], "node(s) had untolerated taint {a: x}"),
        ([taint("a", "x", "NoExecute")], "node(s) had untolerated taint {a: x}"),
        ([taint("a")], "node(s) had untolerated taint {a: }"),
        ([taint("tolerated"), taint("b", "y"), taint("c")], "node(s) had untolerated taint {b: y}"),
        # The API server lets every pod tolerate these for a while; the same states keep new pods off by another taint.
        ([taint("node.kubernetes.io/not-ready", effect="NoExecute")], ""),
        ([taint("node.kubernetes.io/unreachable", effect="NoExecute")], ""),
        ([taint("node.kubernetes.io/not-ready")], "node(s) had untolerated taint {node.kubernetes.io/not-ready: }"),
        ([taint("node.kubernetes.io/disk-pressure")], "node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }"),
    ],
)
def test_taints(taints: list[Obj], why: str) -> None:
    assert reason(node(taints=taints), {"tolerations": [{"key": "tolerated", "operator": "Exists"}]}) == why


CORDON = taint("node.kubernetes.io/unschedulable")


@pytest.mark.parametrize(
    ("tolerations", "why"),
    [
        ([], UNSCHEDULABLE),
        ([{"key": "other", "operator": "Exists"}], UNSCHEDULABLE),
        ([{"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}], ""),
        ([{"key": "node.kubernetes.io/unschedulable", "operator": "Exists", "effect": "NoExecute"}], UNSCHEDULABLE),
        ([{"operator": "Exists"}], ""),
    ],
)
@pytest.mark.parametrize("taints", [[], [CORDON]])
def test_a_cordoned_node(tolerations: list[Obj], why: str, taints: list[Obj]) -> None:
    assert reason(node(taints=taints, unschedulable=True), {"tolerations": tolerations}) == why


def test_the_first_reason_counts() -> None:
    """The scheduler asks for cordons, then taints, then labels."""
    wanted = {"nodeSelector": {"pool": "x"}}
    assert reason(node(taints=[taint("a")], unschedulable=True), wanted) == UNSCHEDULABLE
    assert reason(node(taints=[taint("a")]), wanted).startswith("node(s) had untolerated taint")
    assert reason(node(), wanted) == AFFINITY


def test_reasons_are_counted_as_in_the_schedulers_event() -> None:
    nodes = [node("a", pool="etl", taints=[taint("a", "x")]), node("b"), node("c"), node("d", unschedulable=True)]
    found = fit(nodes, {"nodeSelector": {"pool": "etl"}})
    assert found.fitting == ()
    assert found.reasons == {"a": "node(s) had untolerated taint {a: x}", "b": AFFINITY, "c": AFFINITY, "d": UNSCHEDULABLE}
    assert found.text == (
        "0/4 nodes are available: 1 node(s) had untolerated taint {a: x}, 1 node(s) were unschedulable, "
        "2 node(s) didn't match Pod's node affinity/selector."
    )


def test_a_node_that_fits_is_enough() -> None:
    found = fit([node("a"), node("b", pool="etl")], {"nodeSelector": {"pool": "etl"}})
    assert (found.fitting, found.reasons) == (("b",), {"a": AFFINITY})


def test_a_cluster_without_nodes() -> None:
    assert fit([], {}) == Fit()
    assert Fit().text == "no nodes available to schedule pods"


def test_a_node_without_labels_and_taints() -> None:
    assert reason({"metadata": {"name": "bare"}}, {}) == ""
    assert reason({"metadata": {"name": "bare"}, "spec": {}}, {"nodeSelector": {"a": "b"}}) == AFFINITY

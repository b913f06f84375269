# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster's nodes mean for a run: a note, a refusal, or neither."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi
from ansible_collections.gitops.airflow.plugins.module_utils._platform import node_state
from ansible_collections.gitops.airflow.plugins.module_utils._platform.node_state import Nodes
from ansible_collections.gitops.airflow.plugins.module_utils._platform.placement_rules import REQUIRED
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Repository, Settings

AIRFLOW = AirflowSettings(Repository("platform", "u"), Repository("dags", "u"), default_namespace="airflow-core")
POOL = {"node_selector": {"pool": "etl"}}
TOLERATED = [{"key": "dedicated", "operator": "Exists"}]
TAINTS = [{"key": "dedicated", "value": "etl", "effect": "NoSchedule"}]
CONTROL_PLANE = [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]


def node(name: str = "a", taints: Any = None, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}, "spec": {"taints": taints}}


ODD_TEMPLATES = (
    "nodeSelector: [a]",
    "tolerations: 5",
    "affinity: {nodeAffinity: 5}",
    *(f"affinity: {{nodeAffinity: {{{REQUIRED}: {odd}}}}}" for odd in ("5", "{nodeSelectorTerms: 5}", "{nodeSelectorTerms: [x]}")),
    f"affinity: {{nodeAffinity: {{{REQUIRED}: {{nodeSelectorTerms: [{{matchExpressions: [x]}}]}}}}}}",
)


def has(label: str) -> dict[str, Any]:
    return {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [{"key": label, "operator": "Exists"}]}]}}}


def given(*entries: dict[str, Any], provider: str = "existing", **airflow: Any) -> Settings:
    profiles = ({"name": "airflow-core"}, *({"name": "airflow-etl", **entry} for entry in entries))
    return Settings(
        provider=provider,
        worker_namespaces=tuple(entry["name"] for entry in profiles),
        profiles=profiles,
        airflow=replace(AIRFLOW, **airflow),
    )


def said(found: Nodes | None, settings: Settings) -> tuple[list[str], list[Any]]:
    assert settings.airflow
    return list(node_state.notes(found, settings, settings.airflow)), list(node_state.refusals(found, settings, settings.airflow))


@pytest.mark.parametrize(
    ("settings", "nodes"),
    [
        (given(POOL), (node(), node("b", pool="etl"))),
        # The platform's own template tolerates the control plane.
        (given(POOL), (node(pool="etl", taints=CONTROL_PLANE),)),
        (given({**POOL, "tolerations": TOLERATED}), (node(pool="etl", taints=TAINTS),)),
        (given({"require_node": True}), (node(),)),
        # No node is judged by what has another form than the API server takes.
        (given(POOL, values={"tolerations": [5, *TOLERATED]}), (node(pool="etl", taints=TAINTS),)),
        *((given(POOL, values={"workers": {key: 5}}), (node(pool="etl"),)) for key in ("nodeSelector", "affinity")),
        *((given(POOL, values={"podTemplate": f"spec: {{{odd}}}"}), (node(pool="etl"),)) for odd in ODD_TEMPLATES),
        (given(core_placement=POOL, values={"nodeSelector": 5}), (node(pool="etl"),)),
        # People's values for every worker hold as well, except where the namespace says something else.
        (given(POOL, values={"tolerations": TOLERATED}), (node(pool="etl", taints=TAINTS),)),
        (given(POOL, values={"workers": {"nodeSelector": {"pool": "web", "zone": "a"}}}), (node(pool="etl", zone="a"),)),
        (given({"affinity": has("b")}, values={"affinity": has("c")}), (node(b="1"),)),
        (given({"affinity": {"podAffinity": {}}}, values={"affinity": has("c")}), (node(c="1"),)),
        # No task runs there.
        (replace(given(core_tasks=False), profiles=({"name": "airflow-core", **POOL},)), (node(),)),
        (given(core_placement=POOL), (node(pool="etl"),)),
        # Tolerations of the chart's own, and people's instead.
        (given(core_placement=POOL), (node(pool="etl", taints=CONTROL_PLANE),)),
        (given(core_placement=POOL, values={"tolerations": TOLERATED}), (node(pool="etl", taints=TAINTS),)),
        (given(core_placement={"priority_class": "low"}), ()),
        (given({"priority_class": "low", "resources": {"requests": {"cpu": 1}}}), ()),
    ],
)
@pytest.mark.parametrize("provider", ["kind", "existing"])
def test_a_node_fits_or_none_was_chosen(settings: Settings, nodes: tuple[Any, ...], provider: str) -> None:
    assert said(Nodes(nodes), replace(settings, provider=provider)) == ([], [])


@pytest.mark.parametrize(
    ("settings", "nodes", "words"),
    [
        (given(POOL), (node(), node("b", pool="web")), "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector."),
        (given(POOL), (node(pool="etl", taints=TAINTS),), "0/1 nodes are available: 1 node(s) had untolerated taint {dedicated: etl}."),
        (given({"tolerations": TOLERATED}), (), "no nodes available to schedule pods"),
        # No tasks in the core namespace, but in this one.
        (given(POOL, core_tasks=False), (node(),), "didn't match Pod's node affinity/selector"),
        (given({"affinity": has("b")}), (node(),), "didn't match Pod's node affinity/selector"),
        (given(POOL, values={"workers": {"nodeSelector": {"zone": "a"}}}), (node(pool="etl"),), "didn't match"),
    ],
)
def test_no_node_fits(settings: Settings, nodes: tuple[Any, ...], words: str) -> None:
    """A note where the cluster may add nodes, a refusal where it does not or where people say so."""
    (note,), none = said(Nodes(nodes), settings)
    assert none == []
    assert note.startswith("No node can take worker pods of airflow-etl now: ")
    assert words in note
    required = tuple({**entry, "require_node": entry["name"] != "airflow-core"} for entry in settings.profiles)
    for stricter, advice in ((replace(settings, provider="kind"), ""), (replace(settings, profiles=required), "set require_node to false")):
        notes, (refusal,) = said(Nodes(nodes), stricter)
        assert notes == []
        assert (refusal.code, refusal.value) == ("no_node", "worker pods of airflow-etl")
        assert words in refusal.message
        assert "correct node_selector, tolerations and affinity of airflow-etl in platform_worker_namespaces" in refusal.next_action
        assert advice in refusal.next_action


def test_require_node_judges_a_namespace_that_chooses_no_node() -> None:
    notes, (refusal,) = said(Nodes((node(taints=TAINTS),)), given({"require_node": True}))
    assert (notes, refusal.code) == ([], "no_node")


def test_core_pods_are_judged_as_well() -> None:
    (note,), none = said(Nodes((node(),)), given(core_placement=POOL))
    assert note.startswith("No node can take Airflow's own pods now: ")
    assert "correct airflow_app_core_placement." in note
    notes, (refusal,) = said(Nodes((node(),)), given(core_placement=POOL, provider="kind"))
    assert (none, notes, refusal.value) == ([], [], "Airflow's own pods")


@pytest.mark.parametrize("provider", ["kind", "existing"])
def test_nodes_that_may_not_be_listed_refuse_nothing(provider: str) -> None:
    (note,), none = said(Nodes(None), given({**POOL, "require_node": True}, provider=provider, core_placement=POOL))
    assert none == []
    assert note == (
        "Whether a node can take worker pods of airflow-etl, Airflow's own pods was not checked, because this account may not list nodes."
    )


def test_nothing_is_said_where_nothing_was_read() -> None:
    assert said(None, given({**POOL, "require_node": True}, provider="kind")) == ([], [])


# MySQL's volume


def volume(**labels: str) -> dict[str, Any]:
    items = [{"key": key, "operator": "In", "values": [value]} for key, value in labels.items()]
    return {"metadata": {"name": "pv-1"}, "spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": items}]}}}}


ON_A, ON_B = node("a", host="a", pool="core"), node("b", host="b", pool="web")


@pytest.mark.parametrize(
    ("placement", "bound", "nodes"),
    [
        ({"node_selector": {"pool": "core"}}, volume(host="a"), (ON_A, ON_B)),
        ({"node_selector": {"pool": "web"}}, {"metadata": {"name": "pv-1"}, "spec": {}}, (ON_A, ON_B)),
        ({"node_selector": {"pool": "web"}}, None, (ON_A, ON_B)),
        # A volume of a zone, and a node that is lost: no node can be excluded.
        ({"node_selector": {"pool": "web"}}, volume(zone="z"), (node("a", zone="z", pool="core"), node("b", zone="z", pool="web"))),
        ({"node_selector": {"pool": "web"}}, volume(host="gone"), (ON_A, ON_B)),
        ({"tolerations": TOLERATED}, volume(host="a"), (node("a", TAINTS, host="a"),)),
    ],
)
def test_mysqls_volume_can_be_used_where_core_pods_run(placement: Any, bound: Any, nodes: Any) -> None:
    assert said(Nodes(nodes, bound), given(core_placement=placement)) == ([], [])


@pytest.mark.parametrize("placement", [{"node_selector": {"pool": "web"}}, {"affinity": has("missing")}])
def test_mysqls_volume_stays_on_its_node(placement: Any) -> None:
    _notes, found = said(Nodes((ON_A, ON_B), volume(host="a")), given(core_placement=placement))
    assert [(refusal.code, refusal.value) for refusal in found] == [("mysql_volume", "a")]
    (refusal,) = found
    assert "MySQL's volume pv-1 can be used on a alone" in refusal.message
    assert "1 node(s) didn't match Pod's node affinity/selector" in refusal.message
    assert refusal.next_action == "Let airflow_app_core_placement take a, or move the volume's data first."


# Reading


class Api:
    """The part of KubeApi that is read. ``forbidden``: collections that answer 403."""

    def __init__(self, objects: dict[str, Any], forbidden: tuple[str, ...] = ()) -> None:
        self.objects, self.forbidden, self.asked = objects, forbidden, list[str]()

    def _answer(self, path: str) -> Any:
        self.asked.append(path)
        if any(word in path for word in self.forbidden):
            raise ApiError(403, "forbidden")
        return self.objects.get(path)

    def items(self, path: str, *, whole: bool) -> list[Any]:
        assert whole
        return list(self._answer(path) or [])

    def find(self, path: str) -> Any:
        return self._answer(path)


NODES, VOLUME = "/api/v1/nodes", "/api/v1/persistentvolumes/pv-1"
CLAIM = "/api/v1/namespaces/airflow-core/persistentvolumeclaims/data-airflow-mysql-0"
CLUSTER = {NODES: [node()], CLAIM: {"spec": {"volumeName": "pv-1"}}, VOLUME: volume(host="a")}


@pytest.mark.parametrize(
    ("settings", "forbidden", "asked", "expected"),
    [
        (given(), (), [], None),
        (given({"priority_class": "low"}, core_placement={"priority_class": "low"}), (), [], None),
        (replace(given(POOL), airflow=None), (), [], None),
        (given(POOL), (), [NODES], Nodes((node(),))),
        (given({"require_node": True}), ("nodes",), [NODES], Nodes(None)),
        (given(core_placement=POOL), (), [NODES, CLAIM, VOLUME], Nodes((node(),), volume(host="a"))),
        (given(core_placement=POOL), ("persistentvolumes/",), [NODES, CLAIM, VOLUME], Nodes((node(),))),
        (given(core_placement=POOL), ("claims", "nodes"), [NODES, CLAIM], Nodes(None)),
    ],
)
def test_only_what_is_needed_is_read(settings: Settings, forbidden: tuple[str, ...], asked: list[str], expected: Nodes | None) -> None:
    api = Api(CLUSTER, forbidden)
    assert node_state.read(cast(KubeApi, api), settings, "data-airflow-mysql-0") == expected
    assert api.asked == asked


def test_an_unbound_claim_has_no_volume() -> None:
    api = Api({**CLUSTER, CLAIM: {"spec": {}}})
    assert node_state.read(cast(KubeApi, api), given(core_placement=POOL), "data-airflow-mysql-0") == Nodes((node(),))

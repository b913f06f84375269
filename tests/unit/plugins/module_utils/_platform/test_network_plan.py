# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D8: which NetworkPolicies a run applies and deletes, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._platform.network_policies import ref_of
from ansible_collections.gitops.airflow.plugins.module_utils._platform.network_ranges import Network
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Decision, Found, Ref, Sight
from ansible_collections.gitops.airflow.plugins.module_utils._platform.plan import Plan, State, make_plan
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Chart, Repository, Settings

INSIDE = "http://gitea.git.svc.cluster.local:3000/gitops/"
AIRFLOW = AirflowSettings(
    Repository("platform", f"{INSIDE}platform.git", embedded=True),
    Repository("dags", f"{INSIDE}dags.git", embedded=True),
    default_namespace="airflow-core",
    chart=Chart(archive="/airflow.tgz"),
)
GIVEN = Settings(worker_namespaces=("airflow-core", "airflow-user"), airflow=AIRFLOW)
STRICT, NONE = replace(GIVEN, network_policy="strict"), replace(GIVEN, network_policy="none")
OURS = {"app.kubernetes.io/part-of": "gitops-airflow", "gitops-airflow/platform": "airflow"}
MADE = {"gitops-airflow/made": "true"}
KNOWN = Network(("10.244.0.0/16", "172.18.0.2/32"), api=(("172.18.0.2/32", 6443),))
GAP = "Tasks can reach the cluster's nodes, because this account may not list nodes."
APPLICATION = {
    "metadata": {"labels": OURS},
    "spec": {
        "source": {"repoURL": AIRFLOW.platform.url, "path": "platform/airflow/core"},
        "destination": {"namespace": "airflow-core"},
    },
}


def plan(
    given: Settings = GIVEN,
    network: Network | None = KNOWN,
    found: tuple[Ref, ...] = (),
    labels: Any = None,
    in_use: bool = False,
    **namespaces: Any,
) -> Plan:
    labelled = [Found(ref, {"name": ref.name, "namespace": ref.namespace, "labels": labels or OURS}) for ref in found]
    there: list[Mapping[str, Any]] = [{"name": name.replace("_", "-"), "labels": labels} for name, labels in namespaces.items()]
    sight = Sight(namespaces=there, labelled=labelled, application=APPLICATION if in_use else None)
    return make_plan(State(sight, Decision([], False, [], None), network=network), given)


def refs(given: Settings) -> list[Ref]:
    """Where the policies are."""
    return [ref_of(item) for item in plan(given).network.definitions]


def policy(namespace: str, name: str) -> Ref:
    return Ref("NetworkPolicy", namespace, f"gitops-airflow-{name}")


def test_d8_which_are_applied() -> None:
    found = plan().network
    assert {item["metadata"]["namespace"] for item in found.definitions} == {
        "airflow-core",
        "airflow-user",
        "argocd",
        "git",
        "airflow-logs",
    }
    assert (found.unused, found.found, found.gaps, found.notes) == ([], [], [], [])
    assert plan(network=None).network.definitions == [], "nothing is applied by a run that does not know the ranges"
    assert plan(replace(GIVEN, airflow=None)).network.definitions == []


def test_d8_a_namespace_of_others_is_not_selected_whole() -> None:
    def whole(**namespaces: Any) -> set[str]:
        items = plan(**namespaces).network.definitions
        return {
            item["metadata"]["namespace"]
            for item in items
            if item["metadata"]["name"].startswith("gitops-airflow-deny-")
            and item["spec"]["policyTypes"] == ["Ingress"]
            and not item["spec"]["podSelector"]
        }

    every = {"airflow-core", "airflow-user", "argocd", "git", "airflow-logs"}
    assert whole() == every, "what does not exist yet is made"
    assert whole(airflow_user={**OURS, **MADE}, git={**OURS, **MADE}) == every
    assert whole(airflow_user={}, git=MADE, argocd=OURS) == {"airflow-core", "airflow-logs"}
    assert whole(airflow_core={**OURS, "gitops-airflow/platform": "beta", **MADE}) == every - {"airflow-core"}


def test_d8_what_is_not_used_any_more() -> None:
    present, strict = refs(GIVEN), refs(STRICT)
    dropped = policy("airflow-cron", "tasks")
    assert plan(found=(*present, dropped)).network.unused == [dropped]
    assert plan(found=(*strict, dropped)).network.unused == sorted([*(set(strict) - set(present)), dropped])
    assert plan(NONE, network=None, found=(*present, dropped)).network.unused == sorted([*present, dropped])
    # Without the settings of Airflow, or without a look at the network, nothing is known of what is wanted.
    for found in (plan(replace(GIVEN, airflow=None), found=(dropped,)), plan(network=None, found=(dropped,))):
        assert (found.network.found, found.network.unused) == ([dropped], [])


def test_d8_what_would_only_deny_is_lifted_at_once() -> None:
    """An earlier form of a wanted policy stays until the end of the run: together they allow what one of them allows."""
    present, strict = refs(GIVEN), refs(STRICT)
    earlier, dropped = policy("airflow-user", "tasks-00000000"), policy("airflow-cron", "tasks-00000000")
    found = plan(found=(*strict, earlier, dropped)).network
    assert set(found.unused) - set(found.lifted) == {ref for ref in strict if ref not in present and "-tasks-" in ref.name} | {earlier}
    assert {ref.name.rpartition("-")[0] for ref in found.lifted} == {
        *(f"gitops-airflow-{name}" for name in ("deny-egress", "servers", "jobs", "log-jobs", "argocd", "tasks"))
    }
    assert dropped in found.lifted
    # Out of a level that stands in the way.
    none = plan(NONE, network=None, found=tuple(strict)).network
    assert none.lifted == none.unused == sorted(strict)


def test_d8_policies_of_others_are_not_the_platforms() -> None:
    for labels in ({**OURS, "gitops-airflow/platform": "beta"}, {"app.kubernetes.io/part-of": "gitops-airflow"}, {"team": "a"}):
        found = plan(NONE, found=(policy("airflow-core", "deny"),), labels=labels).network
        assert (found.found, found.unused) == ([], [])


def test_d8_the_first_run_on_a_running_platform_says_so() -> None:
    (note,) = plan(in_use=True).network.notes
    assert "tasks reach no other pods, Services and nodes of this cluster" in note
    assert "platform_task_egress" in note
    assert "platform_network_policy: none" in note
    assert "only what the platform needs" in plan(STRICT, in_use=True).network.notes[0]
    assert plan(NONE, in_use=True).network.notes == []
    assert plan(in_use=True, found=tuple(refs(GIVEN))).network.notes == []


def test_d8_what_is_not_known_of_the_ranges_is_said_where_it_matters() -> None:
    network = replace(KNOWN, gaps=(GAP,))
    assert plan(network=network).network.gaps == [GAP]
    # Nothing but listed pods is reached.
    assert plan(STRICT, network=network).network.gaps == []
    outside = replace(AIRFLOW, dags=Repository("dags", "https://git.example/dags.git"))
    assert plan(replace(STRICT, airflow=outside), network=network).network.gaps == [GAP]
    assert "the addresses of the API server cannot be read" in plan(STRICT, network=replace(KNOWN, api=())).network.gaps[0]


def test_d8_the_plan_can_be_handed_on() -> None:
    handed = plan(found=(policy("airflow-cron", "tasks"),)).as_dict()["network"]
    assert handed["unused"] == handed["found"]
    assert handed["unused"][0]["name"] == "gitops-airflow-tasks"
    assert handed["definitions"][0]["kind"] == "NetworkPolicy"


def own_level(platform: str, level: str) -> Settings:
    profiles = ({"name": "airflow-core"}, {"name": "airflow-user", "network_policy": level})
    return replace(GIVEN, network_policy=platform, profiles=profiles)


def test_a_worker_namespace_alone_can_have_policies() -> None:
    found = plan(own_level("none", "strict"), in_use=True).network
    assert {item["metadata"]["namespace"] for item in found.definitions} == {"airflow-user"}
    assert found.notes == ["From now on NetworkPolicies limit what pods in airflow-user reach, and what reaches them (network_policy)."]
    assert plan(own_level("none", ""), in_use=True).network.definitions == []


def test_a_worker_namespace_that_is_opened_loses_its_policies_at_once() -> None:
    present = refs(GIVEN)
    found = plan(own_level("default", "none"), found=tuple(present)).network
    assert found.lifted == found.unused == [ref for ref in sorted(present) if ref.namespace == "airflow-user"]
    (note,) = plan(own_level("default", "none"), in_use=True).network.notes
    assert "except in worker namespaces with another network_policy" in note


def test_the_address_of_the_api_server_matters_where_airflow_is_strict() -> None:
    unknown = replace(KNOWN, api=())
    core = replace(GIVEN, profiles=({"name": "airflow-core", "network_policy": "strict"}, {"name": "airflow-user"}))
    assert "the addresses of the API server cannot be read" in plan(core, network=unknown).network.gaps[0]
    assert plan(own_level("default", "strict"), network=unknown).network.gaps == []


def test_f10_an_api_server_at_an_unknown_address_is_a_gap_for_tasks_that_make_pods() -> None:
    unknown = replace(KNOWN, api=())
    makers = replace(GIVEN, profiles=({"name": "airflow-core"}, {"name": "airflow-user", "pod_operator": True}))
    (gap,) = plan(makers, unknown).network.gaps
    assert gap.startswith("Workers in airflow-user may reach any address at the ports 443 and 6443")
    assert "Next: " in gap
    open_there = replace(makers, profiles=({"name": "airflow-user", "pod_operator": True, "network_policy": "none"},))
    assert [plan(settings, network).network.gaps for settings, network in ((makers, KNOWN), (GIVEN, unknown), (open_there, unknown))] == [
        [],
        [],
        [],
    ]

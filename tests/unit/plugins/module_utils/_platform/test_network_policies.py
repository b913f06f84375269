# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D8: who reaches whom, as a table of connections, by the meaning of NetworkPolicies (tests/unit/network_fence.py)."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform.network_policies import (
    PREFIX,
    Around,
    definitions,
    proxies,
    reaches_everywhere,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Chart, Logs, Repository, Settings
from ansible_collections.gitops.airflow.tests.unit.network_fence import Fence, Pod, matches
from hypothesis import given as drawn
from hypothesis import strategies as st

INSIDE = "http://gitea.git.svc.cluster.local:3000/gitops/"
AIRFLOW = AirflowSettings(
    Repository("platform", f"{INSIDE}platform.git", embedded=True),
    Repository("dags", f"{INSIDE}dags.git", embedded=True),
    default_namespace="airflow-core",
    chart=Chart("https://airflow.apache.org", "1.15.0"),
)
WORKERS = ("airflow-core", "airflow-user")
GIVEN = Settings(worker_namespaces=WORKERS, airflow=AIRFLOW)
OWN = frozenset({"airflow-core", "airflow-user", "argocd", "git", "airflow-logs"})
KNOWN = OWN | {"kube-system", "team", "default"}
NODE, NODE6, SERVICE = "172.18.0.2", "fd00:18::2", "10.96.0.1"
RANGES = ("10.96.0.0/16", "10.244.0.0/16", f"{NODE}/32", "fd00:10::/48", f"{NODE6}/128")
AROUND = Around(OWN, KNOWN, RANGES, ("10.96.0.0/16",), ((f"{NODE}/32", 6443),))
NET, NET6, CACHE = "203.0.113.7", "2001:db8::7", "169.254.20.10"


def core(component: str, release: str = "airflow-core", namespace: str = "airflow-core") -> Pod:
    return Pod(namespace, {"tier": "airflow", "component": component, "release": release})


def named(namespace: str, name: str, **labels: str) -> Pod:
    return Pod(namespace, {"app.kubernetes.io/name": name, **labels})


WORKER, ELSEWHERE = core("worker", namespace="airflow-user"), core("worker")
SCHEDULER, WEBSERVER, TRIGGERER, PROCESSOR = map(core, ("scheduler", "webserver", "triggerer", "dag-processor"))
MIGRATION, USER_JOB, MYSQL, STATSD = map(core, ("run-airflow-migrations", "create-user-job", "mysql", "statsd"))
GITEA = named("git", "gitea", **{"app.kubernetes.io/part-of": "gitops-airflow"})
LOGS, SETUP, EXPIRE = (named("airflow-logs", name) for name in ("task-logs", "task-logs-setup", "task-logs-expire"))
REPO_SERVER, CONTROLLER, ARGOCD = (named("argocd", f"argocd-{name}") for name in ("repo-server", "application-controller", "server"))
DNS, STRANGER = Pod("kube-system", {"k8s-app": "kube-dns"}), Pod("team", {"app": "shop"})
# A pod without a label that says what it is, such as those of a KubernetesPodOperator.
BARE, BARE_USER = Pod("airflow-core"), Pod("airflow-user")

D, S = "default", "strict"
BOTH, NEVER = {D, S}, set[str]()

# Who, whom, port, the levels with which the connection passes.
CONNECTIONS: list[tuple[Any, Any, int, set[str]]] = [
    # Tasks
    *((task, MYSQL, 3306, BOTH) for task in (WORKER, ELSEWHERE)),
    *((task, GITEA, 3000, BOTH) for task in (WORKER, ELSEWHERE)),
    *((task, LOGS, 7070, BOTH) for task in (WORKER, ELSEWHERE)),
    (WORKER, WEBSERVER, 8080, BOTH),
    (WORKER, DNS, 53, BOTH),
    (WORKER, DNS, 5353, BOTH),
    (WORKER, CACHE, 53, BOTH),
    (WORKER, SERVICE, 53, BOTH),
    (WORKER, NET, 443, {D}),
    (WORKER, NET6, 443, {D}),
    (WORKER, NET, 25, {D}),
    (WORKER, NODE, 10250, NEVER),
    (WORKER, NODE, 6443, NEVER),
    (WORKER, NODE6, 10250, NEVER),
    (WORKER, SERVICE, 443, NEVER),
    (WORKER, MYSQL, 33060, NEVER),
    (WORKER, GITEA, 22, NEVER),
    (WORKER, SCHEDULER, 8974, NEVER),
    (WORKER, TRIGGERER, 8794, NEVER),
    (WORKER, ELSEWHERE, 8793, NEVER),
    (WORKER, WORKER, 8793, NEVER),
    (WORKER, REPO_SERVER, 8081, NEVER),
    (WORKER, ARGOCD, 8080, NEVER),
    (WORKER, STRANGER, 80, NEVER),
    (WORKER, DNS, 9153, NEVER),
    # Pods that tasks make
    *((task, MYSQL, 3306, NEVER) for task in (BARE, BARE_USER)),
    *((task, NODE, 6443, NEVER) for task in (BARE, BARE_USER)),
    *((task, NET, 443, {D}) for task in (BARE, BARE_USER)),
    # Airflow
    *((pod, MYSQL, 3306, BOTH) for pod in (SCHEDULER, WEBSERVER, TRIGGERER, PROCESSOR, MIGRATION, USER_JOB)),
    *((pod, GITEA, 3000, BOTH) for pod in (SCHEDULER, WEBSERVER, TRIGGERER, PROCESSOR)),
    *((pod, LOGS, 7070, BOTH) for pod in (SCHEDULER, WEBSERVER, TRIGGERER, PROCESSOR)),
    *((pod, NODE, 6443, BOTH) for pod in (SCHEDULER, WEBSERVER, TRIGGERER)),
    *((pod, DNS, 53, BOTH) for pod in (SCHEDULER, WEBSERVER, TRIGGERER, PROCESSOR, MIGRATION, USER_JOB)),
    *((pod, NET, 443, {D}) for pod in (SCHEDULER, WEBSERVER, TRIGGERER, PROCESSOR, MIGRATION, MYSQL)),
    *((PROCESSOR, address, port, NEVER) for address, port in ((NODE, 6443), (NODE, 10250), (REPO_SERVER, 8081), (STRANGER, 80))),
    (SCHEDULER, NODE, 10250, {D}),
    (MIGRATION, NODE, 6443, {D}),
    (WEBSERVER, WORKER, 8793, BOTH),
    (WEBSERVER, TRIGGERER, 8794, BOTH),
    (MYSQL, DNS, 53, {D}),
    # Who comes from elsewhere
    (NET, WEBSERVER, 8080, BOTH),
    (NODE, WEBSERVER, 8080, BOTH),
    (STRANGER, WEBSERVER, 8080, BOTH),
    *((STRANGER, target, port, NEVER) for target, port in ((MYSQL, 3306), (GITEA, 3000), (LOGS, 7070), (WORKER, 8793), (TRIGGERER, 8794))),
    (core("worker", namespace="team"), MYSQL, 3306, NEVER),
    (core("worker", release="other"), MYSQL, 3306, NEVER),
    (core("scheduler", namespace="airflow-user"), MYSQL, 3306, NEVER),
    (named("team", "argocd-repo-server"), GITEA, 3000, NEVER),
    (ARGOCD, GITEA, 3000, NEVER),
    (ARGOCD, MYSQL, 3306, NEVER),
    (GITEA, MYSQL, 3306, NEVER),
    (NET, STRANGER, 80, BOTH),
    # The log store and Git
    (SETUP, LOGS, 7070, BOTH),
    (EXPIRE, LOGS, 7070, BOTH),
    (EXPIRE, DNS, 53, BOTH),
    (EXPIRE, NET, 443, {D}),
    (LOGS, NET, 443, {D}),
    (GITEA, NET, 443, {D}),
    (GITEA, NODE, 6443, {D}),
    # Argo CD
    (REPO_SERVER, GITEA, 3000, BOTH),
    (REPO_SERVER, DNS, 53, BOTH),
    (CONTROLLER, NODE, 6443, BOTH),
    (CONTROLLER, NODE, 10250, {D}),
    # The chart's repository: its port everywhere but in the ranges.
    (REPO_SERVER, NET, 443, BOTH),
    (REPO_SERVER, NET, 80, {D}),
]


def fence(level: str, given: Settings = GIVEN, around: Around = AROUND) -> Fence:
    return Fence(definitions(replace(given, network_policy=level), around))


@pytest.mark.parametrize(("source", "target", "port", "levels"), CONNECTIONS)
def test_d8_connections(source: Any, target: Any, port: int, levels: set[str]) -> None:
    protocol = "UDP" if port in (53, 5353) else "TCP"
    assert {level for level in (D, S) if fence(level).passes(source, target, port, protocol)} == levels
    assert Fence([]).passes(source, target, port), "without policies nothing is denied"
    if port == 53:
        assert fence(D).passes(source, target, port), "over TCP, too"


@pytest.mark.parametrize("level", [D, S])
def test_d8_pods_of_others_keep_their_network(level: str) -> None:
    """In namespaces that existed before, whatever else runs there is selected by no policy."""
    fenced = fence(level, around=replace(AROUND, made=frozenset()))
    for namespace in OWN:
        for labels in ({}, {"app": "shop"}, {"component": "worker"}, {"tier": "airflow", "component": "worker", "release": "other"}):
            pod = Pod(namespace, labels)
            assert [fenced.selected(pod, kind) for kind in ("Ingress", "Egress")] == [[], []]
            assert fenced.passes(NET, pod, 80)
            assert fenced.passes(pod, NODE, 10250)
    denied: list[Any] = [(WORKER, NODE, 10250), (PROCESSOR, NODE, 6443), (STRANGER, MYSQL, 3306), (BARE, MYSQL, 3306)]
    allowed: list[Any] = [(WORKER, MYSQL, 3306), (REPO_SERVER, GITEA, 3000), (EXPIRE, LOGS, 7070), (NET, WEBSERVER, 8080)]
    assert [fenced.passes(*connection) for connection in denied] == [False] * 4
    assert [fenced.passes(*connection) for connection in allowed] == [True] * 4


def test_d8_connections_of_the_platform_are_the_same_in_namespaces_of_others() -> None:
    bare = (BARE, BARE_USER)
    for level in (D, S):
        fenced = fence(level, around=replace(AROUND, made=frozenset()))
        for source, target, port, levels in CONNECTIONS:
            if source not in bare or target == MYSQL:
                assert fenced.passes(source, target, port, "UDP" if port in (53, 5353) else "TCP") == (level in levels)


def test_d8_two_platforms() -> None:
    """Neither reaches the other, also if both have pods in one namespace."""
    second = replace(
        GIVEN,
        name="beta",
        core_namespace="beta",
        git_namespace="beta-git",
        logs_namespace="beta-logs",
        worker_namespaces=("beta", "airflow-user"),
        airflow=replace(AIRFLOW, name="beta"),
    )
    shared = replace(AROUND, made=OWN - {"airflow-user"})
    both = Fence([*definitions(GIVEN, shared), *definitions(second, replace(shared, made=frozenset({"beta", "beta-git", "beta-logs"})))])
    theirs = core("worker", "beta", "airflow-user")
    assert both.passes(WORKER, MYSQL, 3306)
    assert both.passes(theirs, core("mysql", "beta", "beta"), 3306)
    assert not both.passes(WORKER, core("mysql", "beta", "beta"), 3306)
    assert not both.passes(theirs, MYSQL, 3306)


MAKERS = replace(GIVEN, profiles=({"name": "airflow-core"}, {"name": "airflow-user", "pod_operator": True}))
POD = core("pod-operator", namespace="airflow-user")


@pytest.mark.parametrize("made", [OWN, frozenset[str]()])
@pytest.mark.parametrize("level", [D, S])
def test_f10_workers_of_a_namespace_whose_tasks_make_pods_reach_the_api_server(level: str, made: frozenset[str]) -> None:
    """The pods that they make do not, nor do workers of other namespaces; also in a namespace that existed before."""
    around = replace(AROUND, made=made)
    fenced, before = fence(level, MAKERS, around), fence(level, around=around)
    assert [fenced.passes(who, NODE, 6443) for who in (WORKER, ELSEWHERE, POD)] == [True, False, False]
    assert [before.passes(who, NODE, 6443) for who in (WORKER, ELSEWHERE)] == [False, False]
    assert not any(fenced.passes(WORKER, *target) for target in ((NODE, 10250), (SERVICE, 443), (REPO_SERVER, 8081)))
    # Otherwise such a pod is as any that runs DAG code, and no server of the platform takes it for a worker.
    assert fenced.passes(POD, DNS, 53, "UDP")
    assert fenced.passes(POD, NET, 443) is (level == D)
    assert not any(fenced.passes(POD, *target) for target in ((NODE, 10250), (MYSQL, 3306), (GITEA, 3000), (LOGS, 7070), (STRANGER, 80)))
    assert not any(fenced.passes(who, POD, 8080) for who in (STRANGER, WORKER, NET))
    changed = {item["metadata"]["namespace"] for item in definitions(MAKERS, around) if item not in definitions(GIVEN, around)}
    assert changed <= {"airflow-user"}


def with_airflow(**airflow: Any) -> Settings:
    return replace(GIVEN, airflow=replace(AIRFLOW, **airflow))


def outside(url: str) -> Settings:
    dags = Repository("dags", url)
    return replace(with_airflow(dags=dags, platform=Repository("platform", url), chart=Chart(archive="/x.tgz")), git_server="external")


@pytest.mark.parametrize(
    ("url", "target", "port", "levels", "elsewhere"),
    [
        # A name outside of the cluster: its port to everywhere but the ranges.
        ("https://git.example/dags.git", NET, 443, BOTH, NEVER),
        ("ssh://git@git.example:2222/dags.git", NET, 2222, BOTH, NEVER),
        ("git@git.example:team/dags.git", NET, 22, BOTH, NEVER),
        ("git://git.example/dags.git", NET6, 9418, BOTH, NEVER),
        # A Service: its namespace.
        ("https://gitlab.team.svc.cluster.local/dags.git", STRANGER, 8443, BOTH, NEVER),
        ("https://gitlab.team.svc/dags.git", STRANGER, 8443, BOTH, NEVER),
        ("https://gitlab.team/dags.git", STRANGER, 8443, BOTH, NEVER),
        # A pod behind a Service without an address.
        ("https://gitlab-0.gitlab.team.svc.cluster.local/dags.git", STRANGER, 8443, BOTH, NEVER),
        ("https://10-0-0-1.team.pod.cluster.local/dags.git", STRANGER, 8443, BOTH, NEVER),
        # An address: it alone.
        (f"https://{NODE}:3443/dags.git", NODE, 3443, BOTH, NEVER),
        (f"https://[{NODE6}]:3443/dags.git", NODE6, 3443, BOTH, NEVER),
        (f"git@{NODE}:dags.git", NODE, 22, BOTH, NEVER),
        (f"https://[::ffff:{NODE}]:3443/dags.git", NODE, 3443, BOTH, NEVER),
    ],
)
def test_d8_a_git_server_of_others(url: str, target: Any, port: int, levels: set[str], elsewhere: set[str]) -> None:
    given = outside(url)
    for source in (WORKER, SCHEDULER, PROCESSOR, REPO_SERVER):
        assert {level for level in (D, S) if fence(level, given).passes(source, target, port)} == levels
    for other, number in ((NODE, 10250), (DNS, 9153), (Pod("kube-public"), port)):
        assert {level for level in (D, S) if fence(level, given).passes(WORKER, other, number)} == elsewhere
    assert not any("git" in item["metadata"]["namespace"] for item in definitions(given, AROUND)), "no embedded server, no policy"


@pytest.mark.parametrize(
    ("logs", "target", "port", "levels"),
    [
        (Logs("s3", bucket="b"), NET, 443, BOTH),
        (Logs("s3", "http://minio.team.svc:9000", bucket="b"), STRANGER, 9000, BOTH),
        (Logs("s3", f"http://{NODE}:9000", bucket="b"), NODE, 9000, BOTH),
        (Logs("none"), LOGS, 7070, NEVER),
    ],
)
def test_d8_another_log_store(logs: Logs, target: Any, port: int, levels: set[str]) -> None:
    given = with_airflow(logs=logs)
    for source in (WORKER, PROCESSOR):
        assert {level for level in (D, S) if fence(level, given).passes(source, target, port)} == levels
    assert {level for level in (D, S) if fence(level, given).passes(SCHEDULER, target, port)} == (levels or {D})
    assert not any(item["metadata"]["namespace"] == "airflow-logs" for item in definitions(given, AROUND))


def test_d8_a_server_that_runs_on_is_not_opened() -> None:
    """The Git server that is not used any more, and the log store with its logs, until it is removed."""
    after = replace(outside("https://git.example/dags.git"), airflow=replace(AIRFLOW, logs=Logs("none")))
    for level in (D, S):
        assert fence(level, after).passes(STRANGER, GITEA, 3000)
        running = replace(AROUND, parts=frozenset({"gitea", "task-logs"}))
        assert [fence(level, after, running).passes(STRANGER, target, port) for target, port in ((GITEA, 3000), (LOGS, 7070))] == [
            False
        ] * 2
        removed = replace(after, airflow=replace(AIRFLOW, logs=Logs("none"), task_logs_state="absent"))
        assert fence(level, removed, running).passes(STRANGER, LOGS, 7070)


def test_d8_a_changed_policy_has_another_name() -> None:
    """It is made beside the earlier one, and both together allow what one of them allows."""
    before = definitions(outside("https://gitlab.team.svc/dags.git"), AROUND)
    after = definitions(outside("https://gitlab.default.svc/dags.git"), AROUND)
    names = [{(item["metadata"]["namespace"], item["metadata"]["name"]) for item in items} for items in (before, after)]
    assert {name.rpartition("-")[0] for _namespace, name in names[0] - names[1]} == {"gitops-airflow-tasks"}
    both = Fence([*before, *(item for item in after if item not in before)])
    assert both.passes(WORKER, STRANGER, 443)
    assert both.passes(WORKER, Pod("default"), 443)
    assert not Fence(after).passes(WORKER, STRANGER, 443)


PROXY = [{"name": "HTTPS_PROXY", "value": "http://squid.team.svc:3128"}, {"name": "NO_PROXY", "value": ".svc"}]


FLOW = "[{name: HTTPS_PROXY, value: 'http://squid.team.svc:3128'}]"
TEXT = "- name: HTTPS_PROXY\n  value: http://squid.team.svc:3128\n"


@pytest.mark.parametrize(
    "values",
    [
        {"env": PROXY},
        {"workers": {"env": PROXY}},
        {"dags": {"gitSync": {"env": PROXY}}},
        {"extraEnv": TEXT},
        {"podTemplate": TEXT},
        {"extraEnv": FLOW},
    ],
)
def test_d8_a_proxy_in_the_cluster(values: dict[str, Any]) -> None:
    given = with_airflow(values=values)
    for level in (D, S):
        assert fence(level, given).passes(WORKER, STRANGER, 3128)
        assert not fence(level).passes(WORKER, STRANGER, 3128)


@pytest.mark.parametrize(
    ("proxy", "port"),
    [
        ("http://proxy.example:3128", 3128),
        ("proxy.example:3128", 3128),
        ("ann:secret@proxy.example:3128", 3128),
        ("proxy.example", 80),
        ("socks5://proxy.example", 1080),
        ("https://proxy.example", 443),
    ],
)
def test_d8_a_proxy_outside_of_the_cluster(proxy: str, port: int) -> None:
    """HOST:PORT is a proxy, and no Git URL over SSH."""
    dags = Repository("dags", "https://git.example:9443/dags.git")
    given = replace(with_airflow(values={"env": [{"name": "https_proxy", "value": proxy}]}, dags=dags), git_server="external")
    fenced = fence(S, given)
    assert fenced.passes(WORKER, NET, port)
    assert not fenced.passes(WORKER, NET, 22)


def test_f7_the_proxies_of_argo_cd_and_git_sync() -> None:
    outer = {"https": "http://proxy.example:3128"}
    for source in (REPO_SERVER, WORKER, WEBSERVER):
        assert fence(S, replace(GIVEN, proxies=outer)).passes(source, NET, 3128)
        assert not fence(S).passes(source, NET, 3128)
        assert fence(S, replace(GIVEN, proxies={"http": "http://squid.team.svc:3128"})).passes(source, STRANGER, 3128)


def test_d8_proxies_of_people() -> None:
    values = {
        "env": [*PROXY, {"name": "http_proxy", "valueFrom": {}}],
        "workers": {"env": [{"name": "all_proxy", "value": "socks.x:1080"}]},
    }
    assert list(proxies(values)) == ["http://squid.team.svc:3128", "socks.x:1080"]
    assert list(proxies(None)) == []


def test_d8_ports_that_people_chose() -> None:
    given = with_airflow(values={"ports": {"airflowUI": 9090, "workerLogs": 9793}})
    for level in (D, S):
        fenced = fence(level, given)
        assert [fenced.passes(NET, WEBSERVER, port) for port in (9090, 8080)] == [True, False]
        assert fenced.passes(WORKER, WEBSERVER, 9090)
        assert fenced.passes(WEBSERVER, WORKER, 9793)


def test_d8_measurements_of_people() -> None:
    for level in (D, S):
        fenced = fence(level, with_airflow(values={"statsd": {"enabled": True}}))
        for source in (WORKER, SCHEDULER, MIGRATION):
            assert fenced.passes(source, STATSD, 9125, "UDP")
        assert fenced.passes(STRANGER, STATSD, 9102)
        assert not fenced.passes(STRANGER, STATSD, 9125, "UDP")
        assert not fence(level).passes(WORKER, STATSD, 9125, "UDP")


MORE = (
    {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "team"}}}], "ports": [{"port": 80, "protocol": "TCP"}]},
    {"to": [{"ipBlock": {"cidr": f"{NODE}/32"}}], "ports": [{"port": 6443, "protocol": "TCP"}]},
)


def test_d8_what_people_allow_to_dag_code() -> None:
    given = replace(GIVEN, task_egress=MORE)
    for level in (D, S):
        fenced = fence(level, given)
        for source in (WORKER, ELSEWHERE, PROCESSOR, BARE_USER, TRIGGERER, SCHEDULER):
            assert fenced.passes(source, STRANGER, 80)
            assert fenced.passes(source, NODE, 6443)
        assert not fenced.passes(WORKER, STRANGER, 81)
    # With a DAG processor the scheduler runs no code of DAG files.
    assert not fence(S, replace(given, airflow=replace(AIRFLOW, dag_processor=True))).passes(SCHEDULER, STRANGER, 80)
    assert fence(S, given).passes(TRIGGERER, STRANGER, 80)
    assert not fence(S, given).passes(WEBSERVER, STRANGER, 80)


def test_d8_people_may_allow_every_port() -> None:
    every = {key: value for key, value in MORE[0].items() if key != "ports"}
    fenced = fence(S, replace(GIVEN, task_egress=(every,)))
    assert fenced.passes(WORKER, STRANGER, 81)
    assert not fenced.passes(WORKER, NODE, 6443)


def test_d8_servers_of_the_api_with_ports_of_their_own() -> None:
    fenced = fence(S, around=replace(AROUND, api=((f"{NODE}/32", 6443), (f"{NET}/32", 443))))
    assert [fenced.passes(SCHEDULER, host, port) for host in (NODE, NET) for port in (6443, 443)] == [True, False, False, True]


def test_d8_an_unknown_place_of_the_api_server() -> None:
    fenced = fence(S, around=replace(AROUND, api=()))
    assert fenced.passes(SCHEDULER, NODE, 6443)
    assert fenced.passes(CONTROLLER, NET, 443)
    assert not fenced.passes(WORKER, NODE, 6443)


def test_d8_nothing_is_known_of_the_ranges() -> None:
    fenced = fence(D, around=Around(OWN, KNOWN))
    assert fenced.passes(WORKER, NODE, 10250), "a gap, which is said"
    assert fenced.passes(WORKER, NET, 443)


def test_d8_none() -> None:
    assert definitions(replace(GIVEN, network_policy="none"), AROUND) == []
    assert definitions(replace(GIVEN, airflow=None), AROUND) == []


def with_levels(platform: str, **levels: str) -> Settings:
    profiles = tuple({"name": name, "network_policy": levels.get(name.removeprefix("airflow-"), "")} for name in WORKERS)
    return replace(GIVEN, network_policy=platform, profiles=profiles)


LEVELS_OF_USER = [
    # The platform's level, that of airflow-user, and what a worker there reaches: the internet, MySQL, a node, and who reaches it.
    (D, "", True, True, False, False),
    (D, "default", True, True, False, False),
    (D, "strict", False, True, False, False),
    (D, "none", True, True, True, True),
    (S, "default", True, True, False, False),
    (S, "", False, True, False, False),
    (S, "none", True, True, True, True),
    ("none", "strict", False, True, False, False),
    ("none", "default", True, True, False, False),
    ("none", "", True, True, True, True),
]


@pytest.mark.parametrize(("platform", "own", "net", "mysql", "to_node", "reached"), LEVELS_OF_USER)
def test_a_worker_namespace_has_a_level_of_its_own(platform: str, own: str, net: bool, mysql: bool, to_node: bool, reached: bool) -> None:
    fenced = Fence(definitions(with_levels(platform, user=own), AROUND))
    assert fenced.passes(WORKER, NET, 443) is net
    assert fenced.passes(WORKER, MYSQL, 3306) is mysql
    assert fenced.passes(WORKER, NODE, 10250) is to_node
    assert fenced.passes(STRANGER, WORKER, 8793) is reached
    # The other namespace has the platform's.
    assert fenced.passes(ELSEWHERE, NET, 443) is (platform != S)
    assert fenced.passes(STRANGER, MYSQL, 3306) is (platform == "none")


def test_the_core_namespaces_level_is_that_of_airflows_own_pods() -> None:
    fenced = Fence(definitions(with_levels(D, core="strict"), AROUND))
    assert not fenced.passes(SCHEDULER, NET, 443)
    assert fenced.passes(SCHEDULER, NODE, 6443)
    assert fenced.passes(WORKER, NET, 443)
    fenced = Fence(definitions(with_levels(S, core="none"), AROUND))
    assert fenced.passes(STRANGER, MYSQL, 3306)
    assert not fenced.passes(WORKER, NET, 443)


def test_an_own_level_changes_no_policy_of_the_others() -> None:
    """An upgrade that sets none changes nothing, and the platform's level spelled out is the same."""
    assert definitions(with_levels(D), AROUND) == definitions(GIVEN, AROUND)
    assert definitions(with_levels(D, user="default", core="default"), AROUND) == definitions(GIVEN, AROUND)
    names = {(item["metadata"]["namespace"], item["metadata"]["name"]) for item in definitions(GIVEN, AROUND)}
    own = {(item["metadata"]["namespace"], item["metadata"]["name"]) for item in definitions(with_levels(D, user="strict"), AROUND)}
    assert {namespace for namespace, _name in names ^ own} == {"airflow-user"}


def test_d8_which_policies_need_the_ranges() -> None:
    assert reaches_everywhere(definitions(GIVEN, AROUND))
    assert reaches_everywhere(definitions(GIVEN, Around()))
    strict = replace(GIVEN, network_policy=S)
    assert reaches_everywhere(definitions(strict, AROUND)), "for the chart's repository"
    chart = replace(strict, airflow=replace(AIRFLOW, chart=Chart("https://airflow.apache.org", archive="/x.tgz")))
    assert not reaches_everywhere(definitions(chart, AROUND))


HOSTS = st.sampled_from(
    ("git.example", "gitlab.team.svc", "gitlab.team", "git", NODE, f"[{NODE6}]", "192.0.2.9", "gitlab.team.svc.cluster.local", "localhost")
)
NAMES = st.sampled_from(("team", "shop", "airflow-core", "airflow-user", "argocd", "git", "airflow-logs"))
NETWORKS = st.lists(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(lambda ip: f"{ip}/{ip.max_prefixlen}"), max_size=4)


@st.composite
def settings(draw: st.DrawFn) -> Settings:
    url = f"https://{draw(HOSTS)}:8443/x.git"
    base = draw(st.sampled_from((GIVEN, outside(url))))
    assert base.airflow
    airflow = replace(
        base.airflow,
        logs=Logs(draw(st.sampled_from(("embedded", "s3", "none"))), url, bucket="b"),
        dag_processor=draw(st.booleans()),
        values={"statsd": {"enabled": draw(st.booleans())}},
    )
    more = draw(st.lists(st.sampled_from(("airflow-cron", "airflow-user")), unique=True))
    return replace(base, airflow=airflow, network_policy=draw(st.sampled_from((D, S))), worker_namespaces=("airflow-core", *more))


@drawn(settings(), NETWORKS, st.frozensets(NAMES))
def test_d8_invariants(given: Settings, networks: list[str], made: frozenset[str]) -> None:
    found = definitions(given, replace(AROUND, made=made, ranges=(*RANGES, *networks)))
    ours = {given.argocd_namespace, given.git_namespace, given.logs_namespace, *given.worker_namespaces}
    places = [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in found]
    assert places == sorted(set(places)), "sorted, and each once"
    for item in found:
        assert item["metadata"]["namespace"] in ours
        assert item["metadata"]["name"].startswith(PREFIX)
        spec = item["spec"]
        assert [] not in spec.values(), "an empty list does not come back from the API server"
        if item["metadata"]["namespace"] not in made:
            assert not any(matches(spec["podSelector"], labels) for labels in ({}, {"app": "shop"}, {"component": "worker"}))
        for block in blocks(spec):
            whole = ipaddress.ip_network(block["cidr"])
            inside = [ipaddress.ip_network(text) for text in block.get("except", [])]
            assert all(network.version == whole.version and network != whole for network in inside)
            assert all(network.subnet_of(whole) for network in inside)  # type: ignore[arg-type]
        for peer in peers(spec, "from"):
            assert peer.get("namespaceSelector") != {}, "nobody comes from any namespace"
    assert json.loads(json.dumps(found)) == found


def peers(spec: dict[str, Any], side: str) -> list[dict[str, Any]]:
    return [peer for rule in spec.get("ingress" if side == "from" else "egress", []) for peer in rule.get(side, [])]


def blocks(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [peer["ipBlock"] for side in ("from", "to") for peer in peers(spec, side) if "ipBlock" in peer]


@pytest.mark.parametrize("level", ["default", "strict"])
def test_an_argo_cd_of_others_is_not_limited_and_reads_the_embedded_repository(level: str) -> None:
    """However it was installed: the labels of its pods differ."""
    given = replace(GIVEN, argocd="existing", network_policy=level)
    around = replace(AROUND, made=OWN - {"argocd"})
    assert "argocd" not in {item["metadata"]["namespace"] for item in definitions(given, around)}
    of_operator = named("argocd", "openshift-gitops-repo-server")
    assert fence(level, given, around).passes(of_operator, GITEA, 3000)
    assert not fence(level, replace(given, argocd="install"), around).passes(of_operator, GITEA, 3000)
    assert not fence(level, given, around).passes(STRANGER, GITEA, 3000)

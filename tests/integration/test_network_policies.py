# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D8: NetworkPolicies on a real API server: it accepts each of them, a second run changes nothing, and exactly ours are deleted."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import yaml
from ansible_collections.gitops.airflow.plugins.module_utils._platform.network_policies import Around, definitions, ref_of
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import Logs, Settings
from ansible_collections.gitops.airflow.tests.integration import test_roles_on_objects as roles
from ansible_collections.gitops.airflow.tests.integration.apiserver import lab_file
from ansible_collections.gitops.airflow.tests.integration.modules import Module
from ansible_collections.gitops.airflow.tests.integration.test_roles_on_objects import LABELS, Cluster, changes
from ansible_collections.gitops.airflow.tests.unit.network_fence import Fence, Pod
from ansible_collections.gitops.airflow.tests.unit.plugins.module_utils._platform import test_network_policies as table

cluster = roles.cluster
Obj = dict[str, Any]
D, S = "default", "strict"
ROOT, APPLY = "/apis/networking.k8s.io/v1", "application/apply-patch+yaml"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
NAMESPACES = ("airflow-core", "airflow-cron", "airflow-user", "argocd", "git", "airflow-logs", "team")
MADE = {**LABELS, "gitops-airflow/made": "true"}
TASK_EGRESS = [
    {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "team"}}}], "ports": [{"port": 443}]},
    {"ports": [{"port": "https", "protocol": "TCP"}, {"port": 8000, "endPort": 8010}]},
    {"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}, {"podSelector": {}}]},
]


def policy(namespace: str, name: str, labels: dict[str, str], kind: str = "Ingress") -> tuple[str, str, Obj]:
    """The request that makes a policy of others."""
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    spec = {"podSelector": {}, "policyTypes": [kind]}
    body = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}
    return "POST", f"{ROOT}/namespaces/{namespace}/networkpolicies", body


@pytest.fixture(scope="module")
def platform(cluster: Cluster) -> Cluster:
    """A cluster of kind's ranges, with the platform's namespaces; airflow-user existed before."""
    server = cluster.server
    for name in NAMESPACES:
        labels = MADE if name not in ("airflow-user", "team") else {"pod-security.kubernetes.io/enforce": "baseline"}
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        server.request("PATCH", f"/api/v1/namespaces/{name}?fieldManager=gitops.airflow&force=true", json.dumps(body), APPLY)
    config = {"ClusterConfiguration": "networking: {podSubnet: 10.244.0.0/16, serviceSubnet: 10.96.0.0/16}"}
    server.create(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kubeadm-config", "namespace": "kube-system"}, "data": config}
    )
    server.create(
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": "node"},
            "spec": {"podCIDRs": ["10.244.0.0/24"], "podCIDR": "10.244.0.0/24"},
        }
    )
    status = {"status": {"addresses": [{"type": "InternalIP", "address": table.NODE}]}}
    server._send("PATCH", "/api/v1/nodes/node/status", json.dumps(status), "application/merge-patch+json")
    # What the API server itself makes elsewhere (controlplane/reconcilers).
    metadata = {"name": "kubernetes", "namespace": "default", "labels": {"kubernetes.io/service-name": "kubernetes"}}
    ports, endpoints = [{"name": "https", "port": 6443, "protocol": "TCP"}], [{"addresses": [table.NODE]}]
    body = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata, "addressType": "IPv4"}
    server.request("POST", SLICES, {**body, "ports": ports, "endpoints": endpoints})
    return cluster


def live(cluster: Cluster) -> dict[tuple[str, str], Obj]:
    items = cluster.server.request("GET", f"{ROOT}/networkpolicies")["items"]
    return {(item["metadata"]["namespace"], item["metadata"]["name"]): item for item in items}


def short(found: Any) -> dict[tuple[str, str], Any]:
    """The platform's policies without the checksums in their names. Raises KeyError where two differ in these alone."""
    names = [(namespace, name.rpartition("-")[0]) for namespace, name in found]
    if len(set(names)) != len(names):
        raise KeyError(names)
    return dict(zip(names, found.values(), strict=True))


def run(cluster: Cluster, *options: str, **given: Any) -> tuple[str, list[str]]:
    archive = str(lab_file("airflow-1.15.0.tgz"))
    said, recap, requests = cluster.role(
        "network_policies", *options, airflow_app_platform_repo="", airflow_app_chart_archive=archive, **given
    )
    assert recap["failed"] == 0, said
    assert bool(changes(requests)) == bool(recap["changed"]) or "--check" in options, said
    return said, changes(requests)


SETTINGS: list[Settings] = [
    replace(table.GIVEN, network_policy=level, task_egress=tuple(egress)) for level in (D, S) for egress in ([], TASK_EGRESS)
]
SETTINGS += [
    replace(table.outside(url), network_policy=S)
    for url in ("https://git.example/x.git", "https://git.team.svc/x.git", "https://[fd00:18::2]:443/x.git", "git")
]
SETTINGS += [replace(table.with_airflow(logs=Logs("s3", bucket="b"), values={"statsd": {"enabled": True}}), network_policy=S)]


CASES = [(given, table.AROUND) for given in SETTINGS]
CASES += [(given, around) for given in SETTINGS[1:4:2] for around in (Around(), replace(table.AROUND, made=frozenset()))]


@pytest.mark.parametrize(("given", "around"), CASES)
def test_d8_the_api_server_accepts_and_keeps_every_policy(platform: Cluster, given: Settings, around: Around) -> None:
    items = definitions(given, around)
    kubeconfig = platform.server.kubeconfig("reader")
    options: dict[str, Any] = {"state": "present", "platform": "airflow", "definitions": items}
    result = Module("platform_objects", kubeconfig, **options).result()
    assert result["changed"] is True, result
    again = Module("platform_objects", kubeconfig, **options).result()
    assert (again["changed"], {item["result"] for item in again["objects"]}) == (False, {"same"})
    # What the server keeps means the same.
    kept, meant = Fence(live(platform).values()), Fence(items)
    for source, target, port, _levels in table.CONNECTIONS:
        assert kept.passes(source, target, port) == meant.passes(source, target, port)
    objects = [ref.as_dict() for ref in map(ref_of, items)]
    removed = Module("platform_objects", kubeconfig, state="absent", platform="airflow", objects=objects).result()
    assert len(removed["removed"]) == len(items)
    assert live(platform) == {}


def test_d8_from_the_first_run_to_the_last(platform: Cluster) -> None:
    server = platform.server
    server.request(*policy("airflow-core", "mine", {}))
    server.request(*policy("airflow-user", "mine", {"app.kubernetes.io/part-of": "argocd"}))
    others = live(platform)

    def ours() -> dict[tuple[str, str], Any]:
        return short({key: item for key, item in live(platform).items() if key not in others})

    said, written = run(platform, "--check")
    assert (live(platform), written) == (others, []), said
    said, _written = run(platform)
    assert "WARNING" not in said, said
    found = ours()
    assert len(found) == 17
    assert all(LABELS.items() <= item["metadata"]["labels"].items() for item in found.values())
    assert found["airflow-core", "gitops-airflow-deny"]["spec"]["podSelector"] == {}
    assert found["airflow-user", "gitops-airflow-deny"]["spec"]["podSelector"]["matchLabels"]["component"] == "worker"
    blocks = found["airflow-user", "gitops-airflow-tasks"]["spec"]["egress"][0]["to"]
    assert blocks == [
        {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.96.0.0/16", "10.244.0.0/16", f"{table.NODE}/32"]}},
        {"ipBlock": {"cidr": "::/0"}},
    ]
    said, written = run(platform)
    assert written == [], said

    # Another level: its policies come, and a second run changes nothing.
    said, written = run(platform, platform_network_policy="strict", platform_task_egress=TASK_EGRESS)
    strict = ours()
    assert {("airflow-core", f"gitops-airflow-{name}") for name in ("servers", "jobs", "dag-code")} <= strict.keys()
    assert ("argocd", "gitops-airflow-argocd") in strict
    api = {"to": [{"ipBlock": {"cidr": f"{table.NODE}/32"}}], "ports": [{"port": 6443, "protocol": "TCP"}]}
    assert api in strict["airflow-core", "gitops-airflow-servers"]["spec"]["egress"]
    said, written = run(platform, platform_network_policy="strict", platform_task_egress=TASK_EGRESS)
    assert written == [], said
    # In playbooks/site.yml what was allowed stays so until Airflow's pods are replaced.
    run(platform, network_policies_state="applied")
    between = {(key[0], key[1].rpartition("-")[0]) for key in live(platform).keys() - others.keys()}
    assert between == found.keys(), "a policy that would only deny was not deleted"
    with pytest.raises(KeyError):
        ours()
    run(platform)
    assert {key: item["spec"] for key, item in ours().items()} == {key: item["spec"] for key, item in found.items()}

    # A namespace that the inventory does not name any more, and no log store of ours.
    names = [{"name": "airflow-core"}, {"name": "airflow-user"}]
    said, written = run(platform, platform_worker_namespaces=names, airflow_app_logs="none")
    assert {namespace for namespace, _name in ours()} == {"airflow-core", "airflow-user", "argocd", "git"}

    said, written = run(platform, "--check", platform_network_policy="none")
    assert written == []
    said, written = run(platform, platform_network_policy="none")
    assert live(platform) == others
    assert run(platform, platform_network_policy="none")[1] == []

    run(platform)
    run(platform, network_policies_state="absent")
    assert live(platform) == others
    assert run(platform, network_policies_state="absent")[1] == []


def test_d8_a_policy_of_others_is_neither_overwritten_nor_deleted(platform: Cluster) -> None:
    given = replace(table.GIVEN, worker_namespaces=("airflow-core", "airflow-cron", "airflow-user"))
    items = definitions(given, table.AROUND)
    name = next(item["metadata"]["name"] for item in items if item["metadata"]["namespace"] == "argocd")
    platform.server.request(*policy("argocd", name, {"team": "a"}, "Egress"))
    before = live(platform)
    result = Module(
        "platform_objects", platform.server.kubeconfig("reader"), state="present", platform="airflow", definitions=items
    ).result()
    assert result["failed"] is True
    assert [item["name"] for item in result["refused"]] == [name]
    run(platform, network_policies_state="absent")
    run(platform, platform_network_policy="none")
    assert live(platform) == before
    platform.server._send("DELETE", f"{ROOT}/namespaces/argocd/networkpolicies/{name}", "{}")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"platform_network_policy": "open"}, "platform_network_policy is 'open'"),
        ({"platform_network_ranges": ["10.0.0.0"]}, "must be a CIDR such as 10.0.0.0/8"),
        ({"platform_task_egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "excpt": []}}]}]}, "The nearest name is except"),
    ],
)
def test_d8_a_wrong_setting_is_refused_before_anything_is_read(platform: Cluster, given: Obj, words: str) -> None:
    said, recap, requests = platform.role("network_policies", airflow_app_platform_repo="", **given)
    assert (recap["failed"], requests) == (1, []), said
    assert words in " ".join(said.split())


def test_d8_a_gap_is_a_warning(platform: Cluster) -> None:
    server = platform.server
    server._send("DELETE", "/api/v1/nodes/node", "{}")
    server._send("DELETE", "/api/v1/namespaces/kube-system/configmaps/kubeadm-config", "{}")
    said, _written = run(platform)
    assert "Tasks can reach pods of other namespaces" in " ".join(said.split())
    server._send("DELETE", f"{SLICES}/kubernetes", "{}")
    said, _written = run(platform, platform_network_policy="strict")
    assert "may reach any address at the ports 443 and 6443" in " ".join(said.split())
    said, _written = run(platform, platform_network_ranges=["10.0.0.0/8", "172.18.0.0/16"])
    assert "Tasks can reach" not in said
    blocks = short(live(platform))["airflow-core", "gitops-airflow-tasks"]["spec"]["egress"][0]["to"]
    assert blocks[0]["ipBlock"]["except"] == ["10.0.0.0/8", "172.18.0.0/16"]


def manifest(kind: str) -> list[Obj]:
    return [item for item in yaml.load_all(lab_file("argocd-install.yaml").read_text(), yaml.CSafeLoader) if item and item["kind"] == kind]


@pytest.mark.parametrize("level", [D, S])
def test_d8_argocds_own_policies_go_on_opening_what_they_open(level: str) -> None:
    """The policies of the manifest with those of the platform: nothing that Argo CD's parts need of each other is denied."""
    own = [{**item, "metadata": {**item["metadata"], "namespace": "argocd"}} for item in manifest("NetworkPolicy")]
    alone, together = Fence(own), Fence([*definitions(replace(table.GIVEN, network_policy=level), table.AROUND), *own])
    workloads = [*manifest("Deployment"), *manifest("StatefulSet")]
    parts = [Pod("argocd", item["spec"]["template"]["metadata"]["labels"]) for item in workloads]
    ports = {
        port["containerPort"]
        for item in workloads
        for box in item["spec"]["template"]["spec"]["containers"]
        for port in box.get("ports") or []
    }
    assert {8081, 6379} <= ports
    triples = [(source, target, port) for source in parts for target in parts for port in ports]
    assert [triple for triple in triples if alone.passes(*triple) and not together.passes(*triple)] == []
    # The login page by its node port, and what reads measurements.
    assert together.passes(table.NET, table.ARGOCD, 8080)
    assert together.passes(table.STRANGER, table.CONTROLLER, 8082)
    assert not together.passes(table.WORKER, table.REPO_SERVER, 8081)


def test_d8_the_policies_name_argocds_parts() -> None:
    from ansible_collections.gitops.airflow.plugins.module_utils._platform.network_policies import ARGOCD, NAME

    found = {item["spec"]["template"]["metadata"]["labels"][NAME] for item in [*manifest("Deployment"), *manifest("StatefulSet")]}
    assert found == set(ARGOCD)

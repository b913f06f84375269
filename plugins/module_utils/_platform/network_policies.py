# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The NetworkPolicies of a platform: who may reach whom. Pure (D8, docs/adr/0020-network-policies.md).

What no rule allows is denied, and policies add up. In a namespace that the platform made they select every pod; in one that existed before,
the platform's own pods by label, so that the pods of others keep their network.

A policy's name is its purpose, which decides pods and direction, and a checksum of its content. So a changed one is made beside the earlier
one, which is deleted at the end of a run: what was allowed stays allowed until Airflow's pods have been replaced, also in a run that is
interrupted. One whose purpose is not wanted any more would only deny: it is deleted at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from ansible_collections.gitops.airflow.plugins.module_utils._base.transport import normal_proxy
from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import at
from ansible_collections.gitops.airflow.plugins.module_utils._platform.cluster_proxies import urls
from ansible_collections.gitops.airflow.plugins.module_utils._platform.network_peers import (
    ANYWHERE,
    Obj,
    Outside,
    block,
    either,
    outside,
    pods,
    rule,
    tcp,
    udp,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Ref
from ansible_collections.gitops.airflow.plugins.module_utils._platform.pod_fields import OPERATOR_LABELS
from ansible_collections.gitops.airflow.plugins.module_utils._platform.references import parsed
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import GIT_PORT, GIT_SERVICE, AirflowSettings, Settings

DEFAULT, STRICT, NONE = "default", "strict", "none"
LEVELS = (DEFAULT, STRICT, NONE)
KIND, API_VERSION, PREFIX = "NetworkPolicy", "networking.k8s.io/v1", "gitops-airflow-"

MYSQL_PORT, LOGS_PORT = 3306, 7070
# Ports of the official chart, by their names in its values (ports).
CHART_PORTS = {"airflowUI": 8080, "triggererLogs": 8794, "workerLogs": 8793, "statsdIngest": 9125, "statsdScrape": 9102}
# The chart's label "component" of the pods that Airflow's own programs run in. The DAG processor runs the code of DAG files.
SERVERS, JOBS = ("scheduler", "webserver", "triggerer", "airflow-cleanup-pods"), ("run-airflow-migrations", "create-user-job")
WORKER, PROCESSOR, DATABASE, METRICS = "worker", "dag-processor", "mysql", "statsd"
# Of pods that tasks make with their worker's token (pod_operator).
OPERATOR = OPERATOR_LABELS["component"]
# The label app.kubernetes.io/name of the pods in the other namespaces.
NAME = "app.kubernetes.io/name"
LOG_STORE, LOG_JOBS = "task-logs", ("task-logs-setup", "task-logs-expire")
REPO_SERVER = "argocd-repo-server"
ARGOCD = (
    "argocd-application-controller",
    "argocd-applicationset-controller",
    "argocd-dex-server",
    "argocd-notifications-controller",
    "argocd-redis",
    REPO_SERVER,
    "argocd-server",
)


@dataclass(frozen=True)
class Around:
    """What the policies depend on beside the settings.

    ``made``: namespaces that the platform made or will make. ``known``: those that exist. ``ranges``: of nodes, pods and Services.
    ``dns``: ranges in which something other than a pod may answer DNS. ``api``: where the API server listens; empty for an unknown place.
    ``parts``: the Git server and the log store, if they run.
    """

    made: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    ranges: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    api: tuple[tuple[str, int], ...] = ()
    parts: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Policies:
    """Makes the policies of one platform in namespaces of one level. ``strict``: whether that is the level strict."""

    given: Settings
    airflow: AirflowSettings
    around: Around
    strict: bool
    found: list[Obj] = field(default_factory=list)

    def of_airflow(self, namespace: str) -> list[Obj]:
        """The policies of a namespace in which Airflow or its workers run."""
        if namespace == self.given.core_namespace:
            self._core()
        if namespace in self.given.worker_namespaces:
            self._workers(namespace)
        return self.found

    def of_others(self) -> list[Obj]:
        """The policies of the namespaces in which no worker runs."""
        # What is not used any more may run on.
        if self.given.git_server == "embedded" or GIT_SERVICE in self.around.parts:
            self._git()
        kept = LOG_STORE in self.around.parts and self.airflow.task_logs_state == "present"
        if self.airflow.logs.mode == "embedded" or kept:
            self._logs()
        if not self.given.existing_argocd:
            self._argocd()
        return self.found

    # Who is who

    def _labels(self, *components: str) -> Obj:
        """The selector of Airflow's pods."""
        chart = {"tier": "airflow", "release": self.airflow.name}
        return either("component", components, chart)

    def _servers(self) -> Obj:
        """Airflow's own pods, as a peer."""
        return pods(self._labels(*SERVERS, *JOBS, PROCESSOR), self.given.core_namespace)

    def _tasks(self) -> Obj:
        return pods(self._labels(WORKER), *self.given.worker_namespaces)

    def _port(self, name: str) -> int:
        """A port of the chart, which people's values may change."""
        found = at(self.airflow.values, "ports", name)
        return found if isinstance(found, int) else CHART_PORTS[name]

    @property
    def _measured(self) -> bool:
        """Whether people let the chart run statsd, which the platform's values do not."""
        return at(self.airflow.values, "statsd", "enabled") is True

    # Policies

    def _add(self, namespace: str, name: str, selector: Obj, **rules: list[Obj]) -> None:
        """A policy. ``rules``: for C(ingress) or C(egress) what is allowed; an empty list denies all."""
        spec: Obj = {"podSelector": selector, "policyTypes": [kind.capitalize() for kind in rules]}
        # Without empty lists, which the API server does not keep.
        spec |= {kind: items for kind, items in rules.items() if items}
        checksum = sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:8]
        metadata = {"name": f"{PREFIX}{name}-{checksum}", "namespace": namespace}
        self.found.append({"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec})

    def _deny(self, namespace: str, own: Obj) -> None:
        selector: Obj = {} if namespace in self.around.made else own
        self._add(namespace, "deny", selector, ingress=[])
        if self.strict:
            self._add(namespace, "deny-egress", selector, egress=[])

    def _core(self) -> None:
        namespace, both = self.given.core_namespace, [self._servers(), self._tasks()]
        self._deny(namespace, self._labels())
        self._add(namespace, "mysql", self._labels(DATABASE), ingress=[rule("from", both, tcp(MYSQL_PORT))])
        self._add(namespace, "webserver", self._labels("webserver"), ingress=[rule("from", ANYWHERE, tcp(self._port("airflowUI")))])
        logs = [rule("from", [self._servers()], tcp(self._port("triggererLogs")))]
        self._add(namespace, "triggerer", self._labels("triggerer"), ingress=logs)
        if self._measured:
            # Who reads the measurements is unknown.
            read = rule("from", ANYWHERE, tcp(self._port("statsdScrape")))
            sent = rule("from", both, udp(self._port("statsdIngest")))
            self._add(namespace, "statsd", self._labels(METRICS), ingress=[sent, read])
        if self.strict:
            self._strict_core(namespace)

    def _strict_core(self, namespace: str) -> None:
        shown = [rule("to", [self._tasks()], tcp(self._port("workerLogs")))]
        shown += [rule("to", [pods(self._labels("triggerer"), namespace)], tcp(self._port("triggererLogs")))]
        servers = [*self._dns(), *self._database(), *self._repository(), *self._store(), *self._api(), *shown]
        self._add(namespace, "servers", self._labels(*SERVERS), egress=servers)
        self._add(namespace, "jobs", self._labels(*JOBS), egress=[*self._dns(), *self._database()])
        if self.given.task_egress:
            parsers = () if self.airflow.dag_processor else ("scheduler",)
            self._add(namespace, "dag-code", self._labels("triggerer", *parsers), egress=self._more())

    def _workers(self, namespace: str) -> None:
        operator = namespace in self.given.pod_operators
        parts = [PROCESSOR] if namespace == self.given.core_namespace else [OPERATOR] if operator else []
        own = self._labels(WORKER, *parts)
        if namespace != self.given.core_namespace:
            self._deny(namespace, own)
        logs = [rule("from", [self._servers()], tcp(self._port("workerLogs")))]
        self._add(namespace, "workers", self._labels(WORKER), ingress=logs)
        if namespace in self.around.made:
            # Whatever pods tasks make there, too.
            others = [*SERVERS, *JOBS, DATABASE, METRICS]
            known = {"matchExpressions": [{"key": "component", "operator": "NotIn", "values": sorted(others)}]}
            own = known if namespace == self.given.core_namespace else {}
        self._add(namespace, "tasks", own, egress=self._of_tasks())
        if operator:
            # Not the pods that they make.
            self._add(namespace, "kube-api", self._labels(WORKER), egress=self._api())

    def _of_tasks(self) -> list[Obj]:
        """What the pods that run DAG code may reach."""
        everywhere = [] if self.strict else [rule("to", self._everywhere(), [])]
        page = rule("to", [pods(self._labels("webserver"), self.given.core_namespace)], tcp(self._port("airflowUI")))
        return [
            *everywhere,
            *self._dns(),
            *self._database(),
            *self._repository(),
            *self._store(),
            page,
            *self._more(),
        ]

    def _more(self) -> list[Obj]:
        """What people allow, with the protocol that the API server would fill in: otherwise each run would apply it anew."""
        return [{**entry, **_with_protocols(entry)} for entry in self.given.task_egress]

    def _git(self) -> None:
        namespace = self.given.git_namespace
        own = {"matchLabels": {NAME: GIT_SERVICE, "app.kubernetes.io/part-of": "gitops-airflow"}}
        self._deny(namespace, own)
        # The labels of an Argo CD of others depend on how it was installed.
        repo_server = {} if self.given.existing_argocd else {"matchLabels": {NAME: REPO_SERVER}}
        readers = [self._servers(), self._tasks(), pods(repo_server, self.given.argocd_namespace)]
        self._add(namespace, "gitea", own, ingress=[rule("from", readers, tcp(GIT_PORT))])

    def _logs(self) -> None:
        namespace, jobs = self.given.logs_namespace, either(NAME, LOG_JOBS)
        self._deny(namespace, either(NAME, (LOG_STORE, *LOG_JOBS)))
        writers = [self._servers(), self._tasks(), pods(jobs, namespace)]
        self._add(namespace, "task-logs", either(NAME, (LOG_STORE,)), ingress=[rule("from", writers, tcp(LOGS_PORT))])
        if self.strict:
            self._add(namespace, "log-jobs", jobs, egress=[*self._dns(), *self._log_store()])

    def _argocd(self) -> None:
        """Argo CD's manifest has policies that open what its parts need of each other; they go on adding up with these."""
        namespace, own = self.given.argocd_namespace, either(NAME, ARGOCD)
        self._deny(namespace, own)
        if self.strict:
            chart = [] if self.airflow.chart.archive else self._out(self.airflow.chart.repository)
            parts = rule("to", [pods(own, namespace)], [])
            read = [*self._server_of(self.airflow.platform.url, embedded=self.airflow.platform.embedded), *chart]
            read += self._through(urls(self.given.proxies))
            self._add(namespace, "argocd", own, egress=[*self._dns(), *self._api(), parts, *read])

    # What is allowed to whom

    def _everywhere(self) -> list[Obj]:
        return [block(cidr, self.around.ranges) for cidr in ("0.0.0.0/0", "::/0")]

    def _dns(self) -> list[Obj]:
        """To any pod, and to a cache on the node: by its own address, and where it answers at the address of the Service."""
        caches = [block(cidr) for cidr in ("169.254.20.10/32", *self.around.dns)]
        # 5353: OpenShift's DNS pods.
        ports = [port for number in (53, 5353) for port in (*tcp(number), *udp(number))]
        return [rule("to", [pods({}), *caches], ports)]

    def _database(self) -> list[Obj]:
        core = self.given.core_namespace
        measured = [rule("to", [pods(self._labels(METRICS), core)], udp(self._port("statsdIngest")))] if self._measured else []
        return [rule("to", [pods(self._labels(DATABASE), core)], tcp(MYSQL_PORT)), *measured]

    def _repository(self) -> list[Obj]:
        """The DAG repository, and the proxies that people set."""
        repository = self._server_of(self.airflow.dags.url, embedded=self.airflow.dags.embedded)
        return [*repository, *self._through(dict.fromkeys([*urls(self.given.proxies), *proxies(self.airflow.values)]))]

    def _through(self, found: Iterable[str]) -> list[Obj]:
        return [item for proxy in found for item in self._out(_with_scheme(proxy))]

    def _server_of(self, url: str, *, embedded: bool) -> list[Obj]:
        if not embedded:
            return self._out(url)
        return [rule("to", [pods({"matchLabels": {NAME: GIT_SERVICE}}, self.given.git_namespace)], tcp(GIT_PORT))]

    def _store(self) -> list[Obj]:
        mode, endpoint = self.airflow.logs.mode, self.airflow.logs.endpoint
        if mode == "s3":
            return self._out(endpoint or "https://s3.amazonaws.com")
        return self._log_store() if mode == "embedded" else []

    def _log_store(self) -> list[Obj]:
        return [rule("to", [pods(either(NAME, (LOG_STORE,)), self.given.logs_namespace)], tcp(LOGS_PORT))]

    def _api(self) -> list[Obj]:
        """The API server, at its own addresses: the address of its Service is translated before."""
        if not self.around.api:
            return [rule("to", ANYWHERE, tcp(443, 6443))]
        ports = sorted({port for _address, port in self.around.api})
        return [rule("to", [block(cidr) for cidr, number in self.around.api if number == port], tcp(port)) for port in ports]

    def _out(self, url: str) -> list[Obj]:
        """What reaches a server that the platform does not run."""
        found = outside(url, self.around.known)
        if found is None:
            return []
        if found.namespace is not None:
            # A Service's port may not be that of its pods.
            return [rule("to", [pods({}, found.namespace) if found.namespace else {"podSelector": {}}], [])]
        if found.cidr:
            return [rule("to", [block(found.cidr)], tcp(found.port))]
        return self._named(found)

    def _named(self, server: Outside) -> list[Obj]:
        """A policy cannot say a name: with the level strict, its port to everywhere but the ranges."""
        return [rule("to", self._everywhere(), tcp(server.port))] if self.strict else []


def _with_protocols(entry: Obj) -> Obj:
    return {"ports": [{"protocol": "TCP", **port} for port in entry["ports"]]} if "ports" in entry else {}


def _with_scheme(proxy: str) -> str:
    """A proxy's URL with scheme and port: HOST:PORT alone would be read as a Git URL over SSH."""
    try:
        return normal_proxy(proxy)
    except ValueError:  # a port that is none
        return ""


def proxies(values: object) -> Iterator[str]:
    """The URLs of proxies in people's chart values, in their order and each once."""
    yield from dict.fromkeys(_proxies(values))


def _proxies(values: object) -> Iterator[str]:
    if isinstance(values, dict):
        name, value = values.get("name"), values.get("value")
        if isinstance(name, str) and name.lower() in ("http_proxy", "https_proxy", "all_proxy") and isinstance(value, str):
            yield value
        values = list(values.values())
    # Some values of the chart are YAML in a text, such as extraEnv.
    if isinstance(values, str) and "_proxy" in values.lower():
        values = parsed(values)
        yield from _proxies(values if isinstance(values, dict | list) else [])
        return
    if isinstance(values, list | tuple):
        for item in values:
            yield from _proxies(item)


def definitions(given: Settings, around: Around) -> list[Obj]:
    """The policies of a platform, in the order of their namespaces and names; none without settings of Airflow."""
    airflow = given.airflow
    if airflow is None:
        return []

    def policies(level: str) -> Policies:
        return Policies(given, airflow, around, strict=level == STRICT)

    levels = {namespace: given.network_level(namespace) for namespace in (given.core_namespace, *given.worker_namespaces)}
    found = [item for namespace, level in levels.items() if level != NONE for item in policies(level).of_airflow(namespace)]
    found += policies(given.network_policy).of_others() if given.network_policy != NONE else []
    return sorted(found, key=lambda item: (item["metadata"]["namespace"], item["metadata"]["name"]))


def ref_of(item: Obj) -> Ref:
    return Ref(KIND, item["metadata"]["namespace"], item["metadata"]["name"], API_VERSION)


def purpose(ref: Ref) -> tuple[str, str]:
    """Namespace and purpose of a policy."""
    return ref.namespace, ref.name.rpartition("-")[0]


def reaches_everywhere(items: list[Obj]) -> bool:
    """Whether a policy needs the ranges: it allows everything but them."""
    peers = [peer for item in items for allowed in item["spec"].get("egress", []) for peer in allowed.get("to", [])]
    return any(peer.get("ipBlock", {}).get("cidr", "").endswith("/0") for peer in peers)

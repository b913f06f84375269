#!/usr/bin/env python
# GPL-3.0-or-later
"""Compare argocd_application_wait and airflow_worker_placement_wait with what people use today. See README.md.

usage: benchmarks/waits.py [--rounds 20] [--context kind-airflow]     needs a platform (make site) and the lab's programs (make lab)

Times are of whole processes that wait side by side for the same Applications of a real Argo CD, which leaves these alone (annotation
argocd.argoproj.io/skip-reconcile), so that the true moment is known. Requests and memory are of a real kube-apiserver without nodes, whose
audit log counts. Prints tables in Markdown.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / ".ansible/collections"))

from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import APPLICATIONS, connect
from ansible_collections.gitops.airflow.tests.integration import warm
from ansible_collections.gitops.airflow.tests.integration.apiserver import ApiServer, lab_file
from ansible_collections.gitops.airflow.tests.integration.modules import returned
from ansible_collections.gitops.airflow.tests.integration.objects import NEW, OLD, application, ended, expected, status, worker

ROOT = Path(__file__).resolve().parents[1]
PEERS = ("argocd_application_wait", "argocd app wait --core", "kubectl wait", "k8s_info + until")
ADMIN = "admin"
USERS = ("ours", "kubectl", "polling")
HEALTHY = "--for=jsonpath={.status.health.status}=Healthy"
OURS = {
    "gitops.airflow.argocd_application_wait": {
        "kubeconfig": "{{ kubeconfig }}",
        "applications": ["{{ name }}"],
        "revision": NEW,
        "timeout": 120,
    }
}
POLLING = {
    "kubernetes.core.k8s_info": {
        "kubeconfig": "{{ kubeconfig }}",
        "api_version": "argoproj.io/v1alpha1",
        "kind": "Application",
        "namespace": "argocd",
        "name": "{{ name }}",
    },
    "register": "found",
    "until": [
        f"found.resources[0].status.sync.revision == '{NEW}'",
        "found.resources[0].status.sync.status == 'Synced'",
        "found.resources[0].status.health.status == 'Healthy'",
        "found.resources[0].status.operationState.phase == 'Succeeded'",
    ],
    "delay": 5,
    "retries": 24,
}


def busy() -> dict[str, Any]:
    """An Application whose sync runs."""
    state = status(OLD, sync="OutOfSync", health="Progressing")
    state["operationState"] = {**state["operationState"], "phase": "Running"}
    del state["operationState"]["finishedAt"]
    return state


class Bench:
    """The Applications of one Argo CD or bare API server, and the ways to wait for them; each has a kubeconfig of its own."""

    def __init__(self, folder: Path, kubeconfigs: dict[str, Path]) -> None:
        self._folder, self._kubeconfigs = folder, kubeconfigs
        self._api = connect({"kubeconfig": str(kubeconfigs[ADMIN])})
        for name, task in (("ours", OURS), ("polling", POLLING)):
            play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [{"name": "Wait", **task}]}
            (folder / f"{name}.yml").write_text(json.dumps([play]))

    def kubectl(self, *arguments: str, text: str = "") -> None:
        command = [str(lab_file("kubectl")), "--kubeconfig", str(self._kubeconfigs[ADMIN]), "-n", "argocd", *arguments]
        subprocess.run(command, input=text, text=True, check=True, capture_output=True)

    def create(self, name: str, state: dict[str, Any]) -> None:
        app = application(name, state, {"bench": "waits"})
        app["metadata"]["annotations"] = {"argocd.argoproj.io/skip-reconcile": "true"}
        self.kubectl("create", "-f", "-", text=json.dumps(app))

    def finish_sync(self, name: str) -> None:
        """The true moment: the controller's last write."""
        self._api.patch(f"{APPLICATIONS.format(namespace='argocd')}/{name}", {"status": status(NEW)})

    def start(self, peer: str, name: str) -> subprocess.Popen[bytes]:
        kubeconfig, python = str(self._kubeconfigs[peer]), ROOT / ".venv/bin"
        variables = json.dumps({"kubeconfig": kubeconfig, "name": name, "ansible_python_interpreter": str(python / "python")})
        playbook = [str(python / "ansible-playbook"), "-i", "localhost,", "-e", variables]
        command = {
            PEERS[0]: [*playbook, str(self._folder / "ours.yml")],
            PEERS[1]: [str(lab_file("argocd")), "app", "wait", name, "--core", "--timeout", "120"],
            PEERS[2]: [str(lab_file("kubectl")), "-n", "argocd", "wait", f"applications/{name}", "--timeout=120s", HEALTHY],
            PEERS[3]: [*playbook, str(self._folder / "polling.yml")],
        }[peer]
        self.output(peer, "ansible").unlink(missing_ok=True)
        environment = {**os.environ, "KUBECONFIG": kubeconfig, "ANSIBLE_LOG_PATH": str(self.output(peer, "ansible"))}
        with self.output(peer).open("wb") as log:
            return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)

    def output(self, peer: str, kind: str = "output") -> Path:
        return self._folder / f"{PEERS.index(peer)}.{kind}.log"

    def returned(self, peer: str) -> float:
        """When the task was over in the play (Ansible's log has milliseconds); where there is no play, now."""
        log = self.output(peer, "ansible")
        lines = [line for line in log.read_text().splitlines() if "ok: [localhost]" in line] if log.exists() else []
        return datetime.datetime.fromisoformat(lines[-1][:23].replace(",", ".")).timestamp() if lines else time.time()

    def finish(self, peer: str, process: subprocess.Popen[bytes]) -> None:
        if process.wait():
            raise RuntimeError(f"{peer} ended with {process.returncode}: {self.output(peer).read_text()[-2000:]}")


@contextlib.contextmanager
def platform(folder: Path, context: str) -> Iterator[Bench]:
    """The platform's own Argo CD."""
    path = folder / "platform.kubeconfig"
    view = [str(lab_file("kubectl")), "config", "view", "--minify", "--flatten", "--context", context, "-o", "json"]
    config = json.loads(subprocess.run(view, check=True, capture_output=True, text=True).stdout)
    config["contexts"][0]["context"]["namespace"] = "argocd"
    path.touch(0o600)
    path.write_text(json.dumps(config))
    bench = Bench(folder, dict.fromkeys([*PEERS, ADMIN], path))
    try:
        yield bench
    finally:
        bench.kubectl("delete", "applications", "-l", "bench=waits")


def table(title: str, header: list[str], rows: list[list[Any]]) -> None:
    print(f"\n### {title}\n\n| {' | '.join(header)} |\n|{'---|' * len(header)}")
    for row in rows:
        print(f"| {' | '.join(f'{cell:.2f}' if isinstance(cell, float) else str(cell) for cell in row)} |", flush=True)


def already_done(bench: Bench, rounds: int) -> None:
    bench.create("bench-done", status(NEW))
    seconds: dict[str, list[float]] = {peer: [] for peer in PEERS}
    for _round in range(rounds):
        for peer in PEERS:
            began = time.monotonic()
            bench.finish(peer, bench.start(peer, "bench-done"))
            seconds[peer].append(time.monotonic() - began)
    rows = [[peer, statistics.median(seconds[peer]), max(seconds[peer])] for peer in PEERS]
    table(f"Already done ({rounds} rounds, seconds of the whole process)", ["waiter", "median", "worst"], rows)


def delay(bench: Bench, rounds: int) -> None:
    late: dict[str, list[float]] = {peer: [] for peer in PEERS}
    ended: dict[str, list[float]] = {peer: [] for peer in PEERS}
    for number in range(rounds):
        name = f"bench-{number}"
        bench.create(name, busy())
        running = {peer: bench.start(peer, name) for peer in PEERS}
        time.sleep(6 + random.uniform(0, 5))
        for peer, process in running.items():
            if process.poll() is not None:
                raise RuntimeError(f"{peer} returned before it was done")
        moment = time.time()
        bench.finish_sync(name)
        while running:
            for peer in [peer for peer, process in running.items() if process.poll() is not None]:
                ended[peer].append(time.time() - moment)
                late[peer].append(bench.returned(peer) - moment)
                bench.finish(peer, running.pop(peer))
            time.sleep(0.002)
    rows = [[peer, statistics.median(late[peer]), max(late[peer]), statistics.median(ended[peer])] for peer in PEERS]
    header = ["waiter", "median", "worst", "median to the end of the process"]
    table(f"From the true moment to the return of the command or task ({rounds} rounds, seconds)", header, rows)


def stale(bench: Bench) -> None:
    bench.create("bench-stale", status(OLD))
    rows: list[list[Any]] = []
    for peer in PEERS:
        process, began = bench.start(peer, "bench-stale"), time.monotonic()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        seconds, code = time.monotonic() - began, process.returncode
        if code is None:
            process.kill()
            process.wait()
        rows.append([peer, "waits, rightly" if code is None else f"success after {seconds:.2f} s, wrongly" if code == 0 else "error"])
    table("Right after a push: Synced and Healthy at the commit before", ["waiter", "within 10 s"], rows)


def requests(folder: Path, api: ApiServer) -> None:
    """Without Argo CD's own, which needs a whole Argo CD."""
    peers = [peer for peer in PEERS if "argocd app" not in peer]
    for user in USERS:
        api.grant(user, ["*"], ["*"])
    bench = Bench(folder, {peer: api.kubeconfig(user) for peer, user in zip([*peers, ADMIN], [*USERS, ADMIN], strict=True)})
    rows = []
    for peer, user in zip(peers, USERS, strict=True):
        bench.create(f"counted-{user}", status(NEW))
        bench.finish(peer, bench.start(peer, f"counted-{user}"))
        done = len(api.audited(user))
        bench.create(f"waited-{user}", busy())
        process = bench.start(peer, f"waited-{user}")
        time.sleep(30)
        bench.finish_sync(f"waited-{user}")
        bench.finish(peer, process)
        rows.append([peer, done, len(api.audited(user)) - done])
    table("Requests to the API server, of the whole process", ["waiter", "already done", "done after 30 s"], rows)


def applications(api: ApiServer) -> None:
    made = api.create(application("many", status(NEW), {"bench": "many"}))
    kubeconfig, rows = api.kubeconfig(USERS[0]), []
    for count in (1, 10, 1000):
        api.copies(made, (f"many-{number:04}" for number in range(1, count)))
        found = [module(kubeconfig, "argocd_application_wait", label_selectors=["bench=many"], revision=NEW) for _round in range(5)]
        assert all(len(item["applications"]) == count for item in found)
        rows.append([count, median(found, "seconds"), median(found, "peak_mb"), found[-1]["requests"]])
    table("argocd_application_wait, all done (median of 5, the module's process)", ["Applications", "seconds", "MiB", "API requests"], rows)


def pods(api: ApiServer) -> None:
    """A run with one worker among the finished workers of other runs."""
    kubeconfig, rows = api.kubeconfig(USERS[0]), []
    mine = api.create(worker("mine", "mine"))
    api.merge(mine, ended(), "status")
    other = api.create(worker("other", "another"))
    api.merge(other, ended(), "status")
    other = api.request("GET", "/api/v1/namespaces/airflow-cron/pods/other")
    other |= {"apiVersion": "v1", "kind": "Pod"}
    for count in (100, 10000):
        api.copies(other, (f"other-{number:05}" for number in range(2, count)))
        options = {"expectations": expected("mine"), "tail_lines": 0}
        found = [module(kubeconfig, "airflow_worker_placement_wait", **options) for _round in range(5)]
        rows.append([f"{count:,}", median(found, "seconds"), median(found, "peak_mb"), found[-1]["requests"]])
    table("airflow_worker_placement_wait, one of them of the run (median of 5)", ["pods", "seconds", "MiB", "API requests"], rows)


def module(kubeconfig: Path, name: str, **options: Any) -> dict[str, Any]:
    """What a module returned that ran in a new process, as Ansible runs it."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / ".ansible/collections")}
    request = json.dumps({"module": name, "environment": environment, "folder": str(ROOT)})
    # Without its argument, which the module would take for its own.
    code = f"import json, sys; from {warm.__name__} import carry_out; carry_out(json.loads(sys.argv.pop()), [0, 1, 2])"
    given = json.dumps({"ANSIBLE_MODULE_ARGS": {"kubeconfig": str(kubeconfig), **options}})
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code, request], env=environment, input=given, capture_output=True, text=True, check=False)
    found = returned(done.stdout, done.stderr, time.monotonic() - start)
    if found.get("failed"):
        raise RuntimeError(f"{name}: {found['msg']}")
    return found


def median(found: list[dict[str, Any]], key: str) -> float:
    return statistics.median(float(item[key]) for item in found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--context", default="kind-airflow")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with platform(folder, arguments.context) as bench:
            already_done(bench, max(3, arguments.rounds // 2))
            delay(bench, arguments.rounds)
            stale(bench)
        with ApiServer(folder, users=USERS) as api:
            requests(folder, api)
            api.request("DELETE", "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications", {"gracePeriodSeconds": 0})
            applications(api)
            pods(api)


if __name__ == "__main__":
    main()

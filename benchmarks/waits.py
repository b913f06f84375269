#!/usr/bin/env python3
# GPL-3.0-or-later
"""Compare argocd_application_wait and airflow_worker_placement_wait with what people use today. See README.md.

usage: benchmarks/waits.py [--rounds 20]     needs the lab (make lab) and .venv (make setup)

All wait for the same objects of one real kube-apiserver and etcd, side by side. Prints tables in Markdown.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / ".ansible/collections"))

from ansible_collections.gitops.airflow.tests.integration.apiserver import ApiServer, lab_file
from ansible_collections.gitops.airflow.tests.integration.modules import Module
from ansible_collections.gitops.airflow.tests.integration.objects import NEW, OLD, application, ended, expected, status, worker

ROOT = Path(__file__).resolve().parents[1]
PEERS = ("argocd_application_wait", "argocd app wait --core", "kubectl wait", "k8s_info + until")
PART_OF = {"app.kubernetes.io/part-of": "argocd"}
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
    """One API server with a user for each peer, so that its audit log counts for each."""

    def __init__(self, api: ApiServer, folder: Path) -> None:
        self.api, self._folder = api, folder
        self.users = dict(zip(PEERS, ("ours", "argocd", "kubectl", "polling"), strict=True))
        for name, task in (("ours", OURS), ("polling", POLLING)):
            play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [{"name": "Wait", **task}]}
            (folder / f"{name}.yml").write_text(json.dumps([play]))
        for user in self.users.values():
            api.grant(user, ["*"], ["*"])
        self._prepare_argocd()

    def _prepare_argocd(self) -> None:
        """What argocd --core looks for."""
        manifest = lab_file("argocd-install.yaml").read_text().split("\n---\n")
        projects = next(part for part in manifest if "\n  name: appprojects.argoproj.io\n" in part)
        self.api.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", projects, "application/yaml")
        metadata = {"namespace": "argocd", "labels": PART_OF}
        self.api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**metadata, "name": "argocd-cm"}})
        secret = {"server.secretkey": "x" * 32, "admin.password": "x"}
        self.api.create({"apiVersion": "v1", "kind": "Secret", "metadata": {**metadata, "name": "argocd-secret"}, "stringData": secret})
        path = self.api.kubeconfig("argocd")
        config = json.loads(path.read_text())
        config["contexts"][0]["context"]["namespace"] = "argocd"
        path.write_text(json.dumps(config))

    def start(self, peer: str, name: str) -> subprocess.Popen[bytes]:
        user = self.users[peer]
        kubeconfig = str(self.api.kubeconfig(user)) if user != "argocd" else str(self._folder / f"argocd-{self.api.port}.kubeconfig")
        commands: dict[str, list[str]] = {
            "argocd": [str(lab_file("argocd")), "app", "wait", name, "--core", "--timeout", "120"],
            "kubectl": [
                *(str(lab_file("kubectl")), "-n", "argocd", "wait", f"applications/{name}", "--timeout=120s"),
                "--for=jsonpath={.status.health.status}=Healthy",
            ],
        }
        playbook = [str(ROOT / ".venv/bin/ansible-playbook"), "-i", "localhost,", str(self._folder / f"{user}.yml")]
        variables = {"kubeconfig": kubeconfig, "name": name, "ansible_python_interpreter": str(ROOT / ".venv/bin/python")}
        command = commands.get(user) or [*playbook, "-e", json.dumps(variables)]
        with (self._folder / f"{user}.log").open("wb") as log:
            return subprocess.Popen(command, cwd=ROOT, env={**os.environ, "KUBECONFIG": kubeconfig}, stdout=log, stderr=log)

    def finish(self, peer: str, process: subprocess.Popen[bytes]) -> None:
        if process.wait():
            raise RuntimeError(f"{peer} ended with {process.returncode}: {(self._folder / f'{self.users[peer]}.log').read_text()[-2000:]}")

    def requests(self, peer: str) -> int:
        return len(self.api.audited(self.users[peer]))


def table(title: str, header: list[str], rows: list[list[Any]]) -> None:
    print(f"\n### {title}\n\n| {' | '.join(header)} |\n|{'---|' * len(header)}")
    for row in rows:
        print(f"| {' | '.join(f'{cell:.2f}' if isinstance(cell, float) else str(cell) for cell in row)} |", flush=True)


def already_done(bench: Bench, rounds: int) -> None:
    bench.api.create(application("done", status(NEW)))
    seconds: dict[str, list[float]] = {peer: [] for peer in PEERS}
    requests = {}
    for _round in range(rounds):
        for peer in PEERS:
            before, began = bench.requests(peer), time.monotonic()
            bench.finish(peer, bench.start(peer, "done"))
            seconds[peer].append(time.monotonic() - began)
            requests[peer] = bench.requests(peer) - before
    rows = [[peer, statistics.median(seconds[peer]), max(seconds[peer]), requests[peer]] for peer in PEERS]
    table(f"Already done ({rounds} rounds, seconds of the whole process)", ["waiter", "median", "worst", "API requests"], rows)


def delay(bench: Bench, rounds: int) -> None:
    late: dict[str, list[float]] = {peer: [] for peer in PEERS}
    before = {peer: bench.requests(peer) for peer in PEERS}
    for number in range(rounds):
        app = application(f"app-{number}", busy())
        bench.api.create(app)
        running = {peer: bench.start(peer, f"app-{number}") for peer in PEERS}
        time.sleep(6 + random.uniform(0, 5))
        for peer, process in running.items():
            if process.poll() is not None:
                raise RuntimeError(f"{peer} returned before it was done")
        moment = time.monotonic()
        bench.api.merge(app, {"status": {**status(NEW)}})
        while running:
            for peer in [peer for peer, process in running.items() if process.poll() is not None]:
                late[peer].append(time.monotonic() - moment)
                bench.finish(peer, running.pop(peer))
            time.sleep(0.002)
    rows = [
        [peer, statistics.median(late[peer]), max(late[peer]), round((bench.requests(peer) - before[peer]) / rounds, 1)] for peer in PEERS
    ]
    table(f"From the true moment to the end of the process ({rounds} rounds, seconds)", ["waiter", "median", "worst", "API requests"], rows)


def stale(bench: Bench) -> None:
    """Right after a push: Synced and Healthy, but at the commit before."""
    bench.api.create(application("stale", status(OLD)))
    rows: list[list[Any]] = []
    for peer in PEERS:
        process, began = bench.start(peer, "stale"), time.monotonic()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        ended_after = None if process.returncode is None else time.monotonic() - began
        verdict = "waits" if ended_after is None else f"success after {ended_after:.2f} s: wrong" if process.returncode == 0 else "error"
        if process.returncode is None:
            process.kill()
            process.wait()
        rows.append([peer, verdict])
    table("Right after a push, the old commit Synced and Healthy", ["waiter", "within 10 s"], rows)


def applications(bench: Bench) -> None:
    made = bench.api.create(application("many", status(NEW), {"bench": "many"}))
    kubeconfig, rows = bench.api.kubeconfig("ours"), []
    for count in (1, 10, 1000):
        bench.api.copies(made, (f"many-{number:04}" for number in range(1, count)))
        found = [module(kubeconfig, "argocd_application_wait", label_selectors=["bench=many"], revision=NEW) for _round in range(5)]
        assert all(len(item["applications"]) == count for item in found)
        rows.append([count, median(found, "seconds"), median(found, "peak_mb"), found[-1]["requests"]])
    table("argocd_application_wait, all done (median of 5, the module's process)", ["Applications", "seconds", "MiB", "API requests"], rows)


def pods(bench: Bench) -> None:
    """A run with one worker among the finished workers of other runs."""
    kubeconfig, rows = bench.api.kubeconfig("ours"), []
    mine = bench.api.create(worker("mine", "mine"))
    bench.api.merge(mine, ended(), "status")
    other = bench.api.create(worker("other", "another"))
    bench.api.merge(other, ended(), "status")
    other = bench.api.request("GET", "/api/v1/namespaces/airflow-cron/pods/other")
    other |= {"apiVersion": "v1", "kind": "Pod"}
    for count in (100, 10000):
        bench.api.copies(other, (f"other-{number:05}" for number in range(2, count)))
        options = {"expectations": expected("mine"), "tail_lines": 0}
        found = [module(kubeconfig, "airflow_worker_placement_wait", **options) for _round in range(5)]
        rows.append([f"{count:,}", median(found, "seconds"), median(found, "peak_mb"), found[-1]["requests"]])
    table("airflow_worker_placement_wait, one of them of the run (median of 5)", ["pods", "seconds", "MiB", "API requests"], rows)


def module(kubeconfig: Path, name: str, **options: Any) -> dict[str, Any]:
    with Module(name, kubeconfig, **options) as running:
        found = running.result()
    if found.get("failed"):
        raise RuntimeError(f"{name}: {found['msg']}")
    return found


def median(found: list[dict[str, Any]], key: str) -> float:
    return statistics.median(float(item[key]) for item in found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with ApiServer(folder, users=["ours", "argocd", "kubectl", "polling"]) as api:
            bench = Bench(api, folder)
            already_done(bench, max(3, rounds // 2))
            delay(bench, rounds)
            stale(bench)
            applications(bench)
            pods(bench)


if __name__ == "__main__":
    main()

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""H1, H2: the audit policy of molecule's scenario existing_cluster, the log that a real API server writes by it, and how it is judged."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.tests.cluster.audit import Cluster, judge
from ansible_collections.gitops.airflow.tests.cluster.dump import compare, dump
from ansible_collections.gitops.airflow.tests.integration.apiserver import ApiServer

ROOT = Path(__file__).resolve().parents[2]
POLICY = ROOT / "molecule/existing_cluster/files/audit-policy.yaml"
MARK = {"app.kubernetes.io/part-of": "gitops-airflow", "gitops-airflow/platform": "one"}
SPACE = "/api/v1/namespaces/airflow-user"
APPLY = "application/apply-patch+yaml"
Request = Callable[..., dict[str, Any]]
TAKEN_OVER = "the object was there before without the mark, and was taken over"
THERE = "the object was there before without the mark"
MADE = "the object was made without the mark"


def thing(kind: str, name: str, version: str = "v1", labels: Any = None, **more: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "labels": labels or {}}, **more}


def deployment(name: str, labels: Any = None) -> dict[str, Any]:
    template = {"metadata": {"labels": {"x": name}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    return thing("Deployment", name, "apps/v1", labels, spec={"selector": {"matchLabels": {"x": name}}, "template": template})


def discovered(server: ApiServer) -> None:
    """Waits until the kinds of CRDs are, which takes seconds after a start."""
    deadline = time.monotonic() + 90
    while True:
        with contextlib.suppress(RuntimeError):
            server.request("GET", "/apis/argoproj.io/v1alpha1")
            return
        assert time.monotonic() < deadline, "the Application CRD is not discovered"
        time.sleep(0.05)


@pytest.fixture
def recorded(mortal: ApiServer, tmp_path: Path) -> Callable[[], list[dict[str, Any]]]:
    log = tmp_path / "audit.log"
    mortal.ensure()
    discovered(mortal)  # a server that is killed before goes on not to be discovered after its restart
    mortal.ensure(f"--audit-policy-file={POLICY}", f"--audit-log-path={log}")
    discovered(mortal)

    def entries() -> list[dict[str, Any]]:
        """Once the answer to the last request is in the log."""
        last = "/api/v1/namespaces/end-of-the-log"
        with pytest.raises(RuntimeError, match="404"):
            mortal.request("DELETE", last)
        deadline = time.monotonic() + 10
        while last not in (text := log.read_text()):
            assert time.monotonic() < deadline, "the audit log does not show the last request"
            time.sleep(0.05)
        return [json.loads(line) for line in text.splitlines()]

    return entries


def test_real_entries(mortal: ApiServer, recorded: Callable[[], list[dict[str, Any]]], tmp_path: Path) -> None:
    ask: Request = mortal.request
    for name in ("theirs", "doomed", "labelled"):
        ask("POST", f"{SPACE}/configmaps", thing("ConfigMap", name, labels={"team": "theirs"}))
    ask("POST", "/apis/apps/v1/namespaces/airflow-user/deployments", deployment("theirs"))
    before, start = dump(lambda path: ask("GET", path)), len(recorded())

    def apply(obj: dict[str, Any], path: str) -> None:
        ask("PATCH", f"{path}/{obj['metadata']['name']}?fieldManager=test&force=true", obj, APPLY)

    deployments = "/apis/apps/v1/namespaces/airflow-user/deployments"
    expected: list[str] = []
    apply(thing("ConfigMap", "ours", labels=MARK), f"{SPACE}/configmaps")
    apply(thing("ConfigMap", "ours", labels=MARK, data={"a": "b"}), f"{SPACE}/configmaps")
    apply(thing("ConfigMap", "theirs", labels=MARK), f"{SPACE}/configmaps")
    ask("PATCH", f"{SPACE}/configmaps/theirs", {"metadata": {"labels": {"team": "ours"}}}, "application/merge-patch+json")
    expected += ["mark", "mark", TAKEN_OVER, "mark"]
    ask("POST", f"{SPACE}/secrets?dryRun=All", thing("Secret", "dry"))
    ask("POST", f"{SPACE}/secrets", thing("Secret", "bare"))
    ask("DELETE", f"{SPACE}/secrets/bare")
    ask("DELETE", f"{SPACE}/configmaps/doomed")
    ask("DELETE", f"{SPACE}/configmaps/ours")
    expected += [MADE, THERE, THERE, "mark"]
    ask("POST", deployments, deployment("ours", MARK))
    for name in ("ours", "theirs"):
        ask("PATCH", f"{deployments}/{name}/scale", {"spec": {"replicas": 3}}, "application/merge-patch+json")
        ask("PATCH", f"{deployments}/{name}/status", {"status": {"replicas": 1}}, "application/merge-patch+json")
    expected += ["mark", "mark", "mark", THERE, THERE]
    # Collections: by the mark, and without a limit.
    ask("POST", f"{SPACE}/configmaps", thing("ConfigMap", "ours", labels=MARK))
    ask("DELETE", f"{SPACE}/configmaps?labelSelector=gitops-airflow/platform%3Done,app.kubernetes.io/part-of%3Dgitops-airflow,team!%3Dours")
    ask("DELETE", f"{SPACE}/configmaps?labelSelector=team%3Dtheirs")
    expected += ["mark", "mark", THERE]
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": {"verb": "list"}}}
    ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
    ask("POST", "/api/v1/namespaces", thing("Namespace", "ours", labels=MARK))
    ask("POST", "/api/v1/namespaces", thing("Namespace", "bare"))
    ask("DELETE", "/api/v1/namespaces/ours")
    expected += ["access review", "mark", MADE, "mark"]
    with pytest.raises(RuntimeError, match="409"):
        ask("POST", deployments, deployment("theirs"))

    entries = recorded()
    found = list(judge(entries[start:], Cluster("one", before), lambda user: user == "admin"))
    assert [write.why or write.ours or write.exempt for write in found] == expected
    after = dump(lambda path: ask("GET", path))
    assert {line.split(": ")[1] for line in compare(before, after, additions=False)} == {
        "configmaps airflow-user/theirs",
        "configmaps airflow-user/doomed",
        "configmaps airflow-user/labelled",
        "deployments.apps airflow-user/theirs",
    }

    # The same by the command that the scenario runs.
    (tmp_path / "before.json").write_text(json.dumps(before))
    (tmp_path / "log").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    files: list[str | Path] = ["--log", tmp_path / "log", "--before", tmp_path / "before.json"]
    command = [sys.executable, ROOT / "tests/cluster/look", "audit", *files]
    options = ["--platform=one", "--user=admin", f"--since={start}"]
    shown = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert shown.returncode == 1
    assert f"{len([write for write in found if write.foreign])} foreign writes" in shown.stdout
    silent = subprocess.run([*command, "--platform=one", "--user=nobody"], capture_output=True, text=True, check=False)
    assert (silent.returncode, silent.stdout.splitlines()[0]) == (0, "nobody: 0 writes")
    few = subprocess.run([*command, "--platform=one", "--user=nobody", "--least=1"], capture_output=True, text=True, check=False)
    assert few.returncode == 1
    assert "this log proves nothing" in few.stdout


def test_reads_and_the_work_of_controllers_are_not_in_the_log(mortal: ApiServer, recorded: Callable[[], list[dict[str, Any]]]) -> None:
    mortal.request("GET", f"{SPACE}/configmaps")
    assert {entry["verb"] for entry in recorded()} <= {"create", "update", "patch", "delete", "deletecollection"}
    users = {entry["user"]["username"] for entry in recorded() if entry["verb"] != "create"}
    assert "system:apiserver" not in users

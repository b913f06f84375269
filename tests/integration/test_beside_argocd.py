# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""H1, H2: the playbooks in a cluster with an Argo CD of another team write nothing. By the audit log of a real API server without nodes; at
1e64bd2 destroy.yml deleted 65 of these objects."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml
from ansible_collections.gitops.airflow.tests.cluster.audit import Cluster, judge
from ansible_collections.gitops.airflow.tests.cluster.dump import Dump, compare, count, dump
from ansible_collections.gitops.airflow.tests.integration.apiserver import ApiServer, lab_file
from ansible_collections.gitops.airflow.tests.limits import HANG_SECONDS

ROOT = Path(__file__).resolve().parents[2]
SCENARIO = ROOT / "molecule/existing_cluster"
PLURALS = {"NetworkPolicy": "networkpolicies", "StorageClass": "storageclasses"}
ELSEWHERE = {"platform_argocd_namespace": "argocd2"}


def apply(server: ApiServer, obj: dict[str, Any], namespace: str = "") -> None:
    group, kind = obj["apiVersion"], obj["kind"]
    place = obj["metadata"].get("namespace") or ("" if kind.startswith(("Cluster", "CustomResource", "Namespace")) else namespace)
    root = ("/api/" if "/" not in group else "/apis/") + group + (f"/namespaces/{place}" if place else "")
    path = f"{root}/{PLURALS.get(kind, kind.lower() + 's')}/{obj['metadata']['name']}?fieldManager=kubectl&force=true"
    server.request("PATCH", path, obj, "application/apply-patch+yaml")


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ApiServer, Path, Dump]]:
    """A server with another team's Argo CD and what it keeps there; its audit log; a dump."""
    folder = tmp_path_factory.mktemp("theirs")
    with ApiServer(folder, users=("playbook",)) as server:
        subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "playbook"}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
        metadata = {"name": "playbook"}
        binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": metadata}
        server.create({**binding, "roleRef": role, "subjects": [subject]})
        for obj in filter(None, yaml.safe_load_all(lab_file("argocd-install.yaml").read_text())):
            apply(server, obj, "argocd")
        apply(server, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}})
        deadline = time.monotonic() + 30
        while {"apps", "argoproj.io"} > {group["name"] for group in server.request("GET", "/apis")["groups"]}:
            assert time.monotonic() < deadline, "Argo CD's kinds are not served"
            time.sleep(0.1)
        time.sleep(3)  # until they are discovered, too
        for obj in filter(None, yaml.safe_load_all(jinja2.Template((SCENARIO / "templates/foreign.yaml.j2").read_text()).render())):
            apply(server, obj)
        log = folder / "writes.log"
        server.end()
        server.start(f"--audit-policy-file={SCENARIO / 'files/audit-policy.yaml'}", f"--audit-log-path={log}")
        time.sleep(3)
        yield server, log, dump(lambda path: server.request("GET", path))


@pytest.mark.parametrize(
    ("playbook", "variables", "refused"),
    [
        ("site", {}, True),
        ("site", ELSEWHERE, True),
        ("verify", {}, True),
        ("destroy", {}, False),
        ("destroy", ELSEWHERE, False),
        ("destroy", {"platform_argocd": "existing"}, False),
    ],
    ids=["site", "site-elsewhere", "verify", "destroy", "destroy-elsewhere", "destroy-existing"],
)
def test_h1_h2_nothing_is_written_beside_a_foreign_argocd(
    theirs: tuple[ApiServer, Path, Dump], tmp_path: Path, playbook: str, variables: dict[str, str], refused: bool
) -> None:
    server, log, before = theirs
    assert count(before) > 150
    start = len(log.read_text().splitlines())
    given = {
        "platform_name": "ours",
        "platform_provider": "existing",
        "platform_kubeconfig": str(server.kubeconfig("playbook")),
        "platform_context": "test",
        "platform_state_dir": str(tmp_path / "state"),
        "argocd_manifest": str(lab_file("argocd-install.yaml")),
        "argocd_admin_password": "not-a-secret",
        **variables,
    }
    command = ["ansible-playbook", f"playbooks/{playbook}.yml", "-i", "inventories/molecule", "-e", json.dumps(given)]
    environment = {**os.environ, "ANSIBLE_FORCE_COLOR": "0"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=HANG_SECONDS, check=False)
    assert (done.returncode != 0) == refused, done.stdout + done.stderr
    assert not refused or "has an Argo CD that this platform did not install" in " ".join(done.stdout.split()), done.stdout
    entries = [json.loads(line) for line in log.read_text().splitlines()[start:]]
    found = judge(entries, Cluster("ours", before), lambda user: user == "playbook")
    assert [str(write) for write in found if not write.exempt] == []
    assert compare(before, dump(lambda path: server.request("GET", path))) == []

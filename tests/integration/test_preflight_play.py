# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles' preflight in real plays against a real API server: one look for a run, refusals before a change, no secret in the output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.tests.integration import test_ownership as ownership
from ansible_collections.gitops.airflow.tests.integration.test_ownership import BETA, OLDER, REPO, Cluster, application, obj
from ansible_collections.gitops.airflow.tests.integration.test_preflight import HIDDEN, installed, project, secret, worker
from ansible_collections.gitops.airflow.tests.limits import HANG_SECONDS

owned, cluster = ownership.owned, ownership.cluster
ROOT = Path(__file__).resolve().parents[2]
CHECKED = "{role: gitops.airflow.airflow_app, vars: {airflow_app_state: checked}}"
# As site.yml says that it has checked. By itself the role checks again: its settings may be others.
AGAIN = "{role: gitops.airflow.airflow_app, vars: {airflow_app_state: checked, __airflow_app_checked: true}}"
ALONE = "{role: gitops.airflow.airflow_app, when: true, vars: {airflow_app_state: checked}}"
ABSENT = "{role: gitops.airflow.airflow_app, vars: {airflow_app_state: absent}}"
NAMESPACES = "{role: gitops.airflow.namespaces}"


@pytest.fixture
def play(cluster: Cluster, tmp_path: Path) -> Any:
    """Runs roles with variables; C(platform_provider) is existing."""

    def played(roles: list[str], *arguments: str, **variables: Any) -> subprocess.CompletedProcess[str]:
        playbook = tmp_path / "play.yml"
        playbook.write_text(f"- {{hosts: localhost, gather_facts: false, roles: [{', '.join(roles)}]}}\n")
        given = {
            "ansible_python_interpreter": sys.executable,
            "platform_provider": "existing",
            "platform_kubeconfig": str(cluster.server.kubeconfig("reader")),
            "platform_context": "test",
            "platform_state_dir": str(tmp_path / "state"),
            **variables,
        }
        command = [str(Path(sys.executable).with_name("ansible-playbook")), str(playbook), "-e", json.dumps(given), *arguments]
        environment = os.environ | {"ANSIBLE_STDOUT_CALLBACK": "default", "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=HANG_SECONDS, check=False)

    return played


def looks(cluster: Cluster, since: int) -> int:
    """How often the cluster was looked at."""
    path = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
    return sum(request["path"] == path and "labelSelector" not in request["query"] for request in cluster.server.audited("reader")[since:])


def writes(cluster: Cluster, since: int) -> list[str]:
    return [
        request["path"]
        for request in cluster.server.audited("reader")[since:]
        if request["verb"] not in ("get", "list") and "/selfsubject" not in request["path"]
    ]


def test_one_look_serves_the_run(cluster: Cluster, play: Any) -> None:
    installed(cluster)
    since = len(cluster.server.audited("reader"))
    done = play([CHECKED, AGAIN, NAMESPACES], "--check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (looks(cluster, since), writes(cluster, since)) == (1, [])
    since = len(cluster.server.audited("reader"))
    assert play([CHECKED, ALONE], "--check").returncode == 0
    assert looks(cluster, since) == 2


def test_a_run_without_airflow_looks_once_too(cluster: Cluster, play: Any) -> None:
    since = len(cluster.server.audited("reader"))
    done = play([NAMESPACES], "--check", airflow_app_values={"executor": "LocalExecutor"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert looks(cluster, since) == 1


def test_settings_are_refused_before_the_cluster_is_asked(cluster: Cluster, play: Any) -> None:
    since = len(cluster.server.audited("reader"))
    done = play([NAMESPACES], platform_name=5, platform_argocd_host_port=8080)
    assert done.returncode == 2
    assert "1. platform_name is '5'. It must be a text" in done.stdout
    assert "2. platform_airflow_host_port and platform_argocd_host_port are both 8080" in done.stdout
    assert cluster.server.audited("reader")[since:] == []


def test_everything_is_refused_together_and_no_secret_is_shown(cluster: Cluster, play: Any) -> None:
    cluster.apply(secret("git-credentials", namespace="airflow-user", labels=BETA))
    since = len(cluster.server.audited("reader"))
    secrets = {"token": "ghp_t0ken", "smtp": "hunter22x", "password": "p4ssw0rd", "key": "AAAAsecretkey"}
    done = play(
        [CHECKED],
        "-vvv",
        airflow_app_platform_repo=f"https://{secrets['token']}@git.example/x.git",
        airflow_app_dags_repo="git@git.example:dags.git",
        airflow_app_dags_password=secrets["password"],
        airflow_app_dags_username="ann",
        airflow_app_platform_ssh_key=f"-----BEGIN PRIVATE KEY-----\n{secrets['key']}",
        airflow_app_values={"config": {"smtp": {"smtp_password": secrets["smtp"]}}, "executor": "LocalExecutor"},
    )
    assert done.returncode == 2
    # What the test itself gives on the command line is not what the task shows.
    shown = done.stdout[done.stdout.index("TASK [") :]
    for words in (
        "There are 5 problems.",
        "1. airflow_app_values sets the executor to LocalExecutor",
        "2. airflow_app_platform_repo has a user or token before the host",
        "5. platform_name is 'airflow', but the cluster has the platform 'beta'",
        "Nothing was changed in the cluster.",
    ):
        assert words in shown
    assert [value for value in secrets.values() if value in shown] == []
    assert writes(cluster, since) == []


def test_a_kind_cluster_need_not_exist_to_be_checked(cluster: Cluster, play: Any) -> None:
    nowhere = {"platform_provider": "kind", "platform_kubeconfig": str(cluster.server.kubeconfig("reader", port=1))}
    done = play([CHECKED], **nowhere)
    assert done.returncode == 0, done.stdout
    done = play([CHECKED], **{**nowhere, "platform_provider": "existing"})
    assert done.returncode == 2
    assert "The state of the cluster cannot be read." in done.stdout


def test_h7_a_removal_takes_what_is_ours_and_leaves_the_generated_secret(cluster: Cluster, play: Any) -> None:
    cluster.record(cluster.argocd("argocd", by="gitops.airflow"), OLDER)
    ours = [application("airflow-core", OLDER, repo=REPO), project(OLDER, "airflow-core"), secret("airflow-metadata", labels=OLDER)]
    kept = secret("airflow-generated", "fernet-key", labels=OLDER)
    foreign = obj("Secret", "airflow-core", "airflow-admin")
    cluster.apply(*ours, kept, worker("airflow-cron", "task-1"))
    cluster.apply(foreign, by="kubectl")
    since = len(cluster.server.audited("reader"))
    # Neither wrong settings nor tasks that run are in the way.
    done = play([ABSENT], airflow_app_platform_repo=REPO, airflow_app_values={"executor": "LocalExecutor"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert looks(cluster, since) == 1
    assert [item for item in ours if cluster.get(item)] == []
    assert cluster.get(kept)
    assert cluster.get(foreign)
    assert HIDDEN not in done.stdout


def test_a_cluster_that_is_made_meanwhile_is_checked_once_it_answers(cluster: Cluster, play: Any, tmp_path: Path) -> None:
    """As site.yml does it for kind: the repositories are read by the first check, the cluster by the second, and by no later role."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(cluster.server.kubeconfig("reader", port=1).read_text())
    found = {
        "content": "{{ [look.reachable, look.repositories_read, look.plan.cluster] | to_json }}",
        "dest": str(tmp_path / "found-{{ step }}"),
        "mode": "0600",
    }
    made = {"src": str(cluster.server.kubeconfig("reader")), "dest": str(kubeconfig), "mode": "0600"}
    for name, options in (("make", made), ("show", found)):
        (tmp_path / f"roles/{name}/tasks").mkdir(parents=True)
        (tmp_path / f"roles/{name}/tasks/main.yml").write_text(
            json.dumps([{"ansible.builtin.copy": options, "vars": {"look": "{{ __platform_preflight }}"}}])
        )
    since = len(cluster.server.audited("reader"))
    given = {"platform_provider": "kind", "platform_kubeconfig": str(kubeconfig), "airflow_app_dags_subpath": "."}
    given |= {"airflow_app_dags_repo": repository(tmp_path)}
    roles = [CHECKED, "{role: show, vars: {step: 1}}", "make", AGAIN, "{role: show, vars: {step: 2}}", NAMESPACES]
    done = play(roles, **given)
    assert done.returncode == 0, done.stdout + done.stderr
    uid = cluster.server.request("GET", "/api/v1/namespaces/kube-system")["metadata"]["uid"]
    assert json.loads((tmp_path / "found-1").read_text()) == [False, True, ""]
    assert json.loads((tmp_path / "found-2").read_text()) == [True, False, uid]
    assert looks(cluster, since) == 1


def repository(folder: Path) -> str:
    """The URL of a repository with one commit."""
    bare, seed = folder / "dags.git", folder / "seed"
    for command in (
        ["init", "--quiet", "--bare", "--initial-branch=main", str(bare)],
        ["init", "--quiet", "--initial-branch=main", str(seed)],
        ["-C", str(seed), "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--allow-empty", "-m", "first"],
        ["-C", str(seed), "push", "--quiet", str(bare), "main"],
    ):
        subprocess.run(["git", *command], check=True, capture_output=True)
    return f"file://{bare}"

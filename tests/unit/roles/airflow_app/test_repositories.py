# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role makes of what is given for the two repositories: Argo CD's credentials and trust, the DAGs that are pushed."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.gitops.airflow.tests.unit.places import ROOT
from ansible_collections.gitops.airflow.tests.unit.trust import trust_as_template

ROLE = ROOT / "roles/airflow_app"
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----"
AUTHORITY = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
HOSTS = "git.example.com ssh-ed25519 AAAA"
HTTPS, SSH, SCP = "https://git.example.com/a.git", "ssh://git@git.example.com:2222/a.git", "git@git.example.com:a.git"


MARKS = {"app.kubernetes.io/part-of": "gitops-airflow", "gitops-airflow/platform": "airflow"}
# What the preflight found.
PLAN: dict[str, Any] = {
    "secret_namespaces": ["airflow-core"],
    "dropped_namespaces": [],
    "project_repositories": [],
    "trust_before": [],
    "log_store": "the embedded store in airflow-logs",
}
Variables = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def variables(role_variables: Variables) -> Variables:
    platform = {
        "platform_git_server": "embedded",
        "platform_core_namespace": "airflow-core",
        "platform_argocd_namespace": "argocd",
        "platform_git_namespace": "git",
        "platform_logs_namespace": "airflow-logs",
        "__platform_logs_endpoint": "http://task-logs.airflow-logs.svc.cluster.local:7070",
        "__platform_logs_bucket": "task-logs",
        "platform_name": "airflow",
        "__platform_marks": MARKS,
    }
    found = role_variables(ROLE / "defaults/main.yml", ROLE / "vars/main.yml") | platform
    found |= {"platform_worker_namespaces": [{"name": "airflow-core"}], "__airflow_app_secrets": {"resources": []}}
    found["__platform_preflight"] = {"plan": PLAN}
    return lambda **over: found | over


@pytest.fixture
def text(variables: Variables) -> Callable[..., Any]:
    return lambda template, **over: Templar(DataLoader(), variables(**over)).template(trust_as_template(template))


@pytest.fixture
def value(text: Callable[..., Any]) -> Callable[..., Any]:
    return lambda expression, **over: text(f"{{{{ {expression} }}}}", **over)


@pytest.fixture
def render(value: Callable[..., Any]) -> Callable[..., list[Any]]:
    def rendered(name: str, **over: Any) -> list[Any]:
        return [
            item
            for item in yaml.safe_load_all(value(f"lookup('ansible.builtin.template', '{ROLE / 'templates' / name}')", **over) or "")
            if item
        ]

    return rendered


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"repo": HTTPS, "username": "ann", "password": "t"}, {"username": "ann", "password": "t"}),
        ({"repo": SSH, "ssh_key": KEY}, {"sshPrivateKey": f"{KEY}\n"}),
        ({"repo": SCP, "ssh_key": f"{KEY}\n"}, {"sshPrivateKey": f"{KEY}\n"}),
    ],
)
def test_argo_cd_gets_what_the_repository_needs_and_no_more(
    render: Callable[..., list[Any]], given: dict[str, str], expected: dict[str, str]
) -> None:
    generated = {"metadata": {"name": "airflow-generated", "namespace": "airflow-core"}, "data": {}}
    over = {f"airflow_app_platform_{key}": text for key, text in given.items()}
    secret = render("secrets.yaml.j2", __airflow_app_secrets={"resources": [generated]}, **over)[-1]
    data = {key: base64.b64decode(text).decode() for key, text in secret["data"].items()}
    assert data == {"type": "git", "project": "airflow", "url": given["repo"]} | expected


OTHERS = "# SSH known hosts\ngithub.com ssh-ed25519 BBBB"
BLOCK = f"# gitops.airflow: begin\n{HOSTS}\n# gitops.airflow: end"
HOST = "tls:git.example.com"


@pytest.mark.parametrize(
    ("before", "there", "given", "remembered", "certificates", "known"),
    [
        ("", {}, {}, [], {}, OTHERS),
        ("", {}, {"repo": HTTPS, "ca": AUTHORITY}, [HOST], {"git.example.com": f"{AUTHORITY}\n"}, OTHERS),
        # Others had given it a certificate for that server before: it is not removed.
        ("", {"git.example.com": "theirs"}, {"repo": HTTPS, "ca": AUTHORITY}, [], {"git.example.com": f"{AUTHORITY}\n"}, OTHERS),
        (HOST, {"git.example.com": "ours"}, {"repo": HTTPS, "ca": AUTHORITY}, [HOST], {"git.example.com": f"{AUTHORITY}\n"}, OTHERS),
        ("", {}, {"repo": SSH, "known_hosts": HOSTS}, ["ssh"], {}, f"{OTHERS}\n{BLOCK}"),
        ("tls:old ssh", {"old": "ours"}, {"repo": HTTPS}, [], {"old": None}, OTHERS),
        (HOST, {}, {"repo": SCP, "known_hosts": HOSTS}, ["ssh"], {"git.example.com": None}, f"{OTHERS}\n{BLOCK}"),
        # Left in the variables, but of no use.
        ("ssh", {}, {"repo": HTTPS, "known_hosts": HOSTS}, [], {}, OTHERS),
        (f"{HOST} ssh", {}, {"ca": AUTHORITY, "known_hosts": HOSTS}, [], {"git.example.com": None}, OTHERS),
    ],
    ids=[
        "nothing",
        "authority",
        "somebody's certificate",
        "authority again",
        "host keys",
        "both over",
        "from HTTPS to SSH",
        "from SSH to HTTPS",
        "embedded again",
    ],
)
def test_argo_cd_trusts_what_it_must_and_no_more(
    text: Callable[..., Any],
    value: Callable[..., Any],
    render: Callable[..., list[Any]],
    before: str,
    there: dict[str, str],
    given: dict[str, str],
    remembered: list[str],
    certificates: dict[str, str | None],
    known: str,
) -> None:
    tls = {"metadata": {"name": "argocd-tls-certs-cm"}, **({"data": there} if there else {})}
    here = {
        "metadata": {"name": "argocd-ssh-known-hosts-cm"},
        "data": {"ssh_known_hosts": f"{OTHERS}\n{BLOCK}\n" if "ssh" in before else OTHERS},
    }
    over: dict[str, Any] = {f"airflow_app_platform_{key}": given[key] for key in given}
    over |= {"__platform_preflight": {"plan": PLAN | {"trust_before": before.split()}}, "__airflow_app_trusted": {"resources": [tls, here]}}
    last = over | {"__airflow_app_narrow": True}
    assert value("__airflow_app_trust_certificates", **last) == certificates
    hosts = yaml.safe_load((ROLE / "tasks/trust.yml").read_text())[1]["kubernetes.core.k8s"]["definition"]["data"]["ssh_known_hosts"]
    assert text(hosts, **last) == f"{known}\n"
    # Nothing is taken before the Application has the new repository, and what is to be taken is remembered until then.
    first = over | {"__airflow_app_narrow": False}
    assert value("__airflow_app_trust_certificates", **first) == {host: pem for host, pem in certificates.items() if pem}
    for variables, expected in (last, remembered), (first, sorted({*remembered, *before.split()})):
        annotations = render("project.yaml.j2", **variables)[0]["metadata"].get("annotations", {})
        assert sorted(annotations.get("gitops-airflow/trust", "").split()) == sorted(expected)
        assert annotations or not expected


@pytest.mark.parametrize(
    "known",
    [
        f"{OTHERS}\n{BLOCK}\ngitlab.com ssh-ed25519 CCCC\n{BLOCK}\ngitea.com ssh-ed25519 DDDD",
        f"{BLOCK}\n{OTHERS}\ngitlab.com ssh-ed25519 CCCC\ngitea.com ssh-ed25519 DDDD\n{BLOCK}",
    ],
)
def test_h1_host_keys_of_others_between_two_blocks_stay(value: Callable[..., Any], known: str) -> None:
    here = {"metadata": {"name": "argocd-ssh-known-hosts-cm"}, "data": {"ssh_known_hosts": known}}
    left = value("__airflow_app_trust_others", __airflow_app_trusted={"resources": [here]})
    assert left == f"{OTHERS}\ngitlab.com ssh-ed25519 CCCC\ngitea.com ssh-ed25519 DDDD"


def test_h7_git_credentials_are_this_platforms(value: Callable[..., Any]) -> None:
    def secret(namespace: str, user: str, **labels: str) -> dict[str, Any]:
        metadata = {"name": "git-credentials", "namespace": namespace, "labels": {"app.kubernetes.io/part-of": "gitops-airflow", **labels}}
        return {"metadata": metadata, "data": {"username": base64.b64encode(user.encode()).decode()}}

    beta = secret("beta-git", "beta", **{"gitops-airflow/platform": "beta"})
    same = secret("git", "beta", **{"gitops-airflow/platform": "beta"})
    older, ours = secret("git", "older"), secret("git", "ours", **MARKS)
    for found, user in (([beta], ""), ([same], ""), ([beta, older], "older"), ([beta, same, ours], "ours")):
        assert value("__airflow_app_git_username", __airflow_app_secrets={"resources": found}) == user


def test_errors_name_the_roles_variables(value: Callable[..., Any], variables: Variables) -> None:
    assert value("__airflow_app_dags_names") == {
        "repo": "airflow_app_dags_repo",
        "branch": "airflow_app_dags_branch",
        "folders": "airflow_app_dags_subpath",
        "username": "airflow_app_dags_username",
        "password": "airflow_app_dags_password",
        "ssh_key": "airflow_app_dags_ssh_key",
        "known_hosts": "airflow_app_dags_known_hosts",
        "ca": "airflow_app_dags_ca",
    }
    assert set(value("__airflow_app_platform_names").values()) <= set(variables())
    assert set(value("__airflow_app_dags_names").values()) <= set(variables())


def test_dags_are_pushed_without_what_is_hidden(value: Callable[..., Any], tmp_path: Path) -> None:
    files = [
        "a.py",
        "shared/words.py",
        ".airflowignore",
        "shared/.airflowignore",
        ".git/config",
        ".env",
        "shared/__pycache__/words.cpython-311.pyc",
    ]
    found = {"files": [{"path": str(tmp_path / name)} for name in files]}
    over = {"airflow_app_push_dir": str(tmp_path), "__airflow_app_push_found": found}
    assert value("__airflow_app_push_copies", **over) == [
        {"src": str(tmp_path / name), "dest": f"dags/{name}"}
        for name in [".airflowignore", "a.py", "shared/.airflowignore", "shared/words.py"]
    ]
    assert value("__airflow_app_push_copies", airflow_app_dags_subpath="", **over)[1]["dest"] == "a.py"


def test_f1_the_python_files_reach_the_platform_repository_unchanged(variables: Variables) -> None:
    over = {"ansible_search_path": [str(ROLE)], "role_path": str(ROLE)}
    templar = Templar(DataLoader(), variables(**over))
    files = templar.template(trust_as_template("{{ __airflow_app_python_files }}"))
    assert files == {path.name: path.read_text() for path in (ROLE / "files/platform/airflow/core/python").glob("*.py")}

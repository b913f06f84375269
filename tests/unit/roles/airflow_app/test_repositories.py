# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role makes of what is given for the two repositories: rules, Argo CD's credentials, the DAGs that are pushed."""

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


@pytest.fixture
def broken(render: Callable[..., list[Any]]) -> Callable[..., dict[str, str]]:
    """The messages of the rules that do not hold, by their labels."""

    def messages(**over: Any) -> dict[str, str]:
        return {rule["label"]: rule["message"] for rules in render("rules.yaml.j2", **over) for rule in rules if not rule["holds"]}

    return messages


@pytest.mark.parametrize("name", ["airflow_app_platform", "airflow_app_dags"])
@pytest.mark.parametrize(
    "given",
    [
        {"repo": HTTPS},
        {"repo": HTTPS, "username": "ann", "password": "t", "ca": AUTHORITY},
        {"repo": SSH, "ssh_key": KEY, "known_hosts": HOSTS},
        {"repo": SCP, "ssh_key": KEY, "known_hosts": HOSTS},
    ],
)
def test_what_fits_together_is_taken(broken: Callable[..., dict[str, str]], name: str, given: dict[str, str]) -> None:
    assert broken(**{f"{name}_{key}": text for key, text in given.items()}) == {}


@pytest.mark.parametrize("name", ["airflow_app_platform", "airflow_app_dags"])
@pytest.mark.parametrize(
    ("given", "label", "words"),
    [
        ({"repo": HTTPS, "password": "t"}, "{}_username and {}_password", "Only one of {}_username and {}_password is set"),
        (
            {"repo": HTTPS, "ssh_key": KEY},
            "{}_password or {}_ssh_key",
            "{}_repo is no SSH URL, which is read with {}_username and {}_password alone",
        ),
        (
            {"repo": SCP, "username": "ann", "password": "t"},
            "{}_password or {}_ssh_key",
            "{}_repo is an SSH URL, which is read with {}_ssh_key alone",
        ),
        ({"repo": SSH, "ssh_key": "/no/such/file"}, "{}_ssh_key", "neither the text of a private key nor a file"),
        ({"repo": SCP, "ssh_key": KEY, "known_hosts": "/no/file"}, "{}_known_hosts", "neither lines in the form of known_hosts nor a file"),
        ({"repo": SCP, "ssh_key": KEY, "ca": AUTHORITY}, "{}_ca", "for a repository with an https URL"),
        ({"repo": HTTPS, "ca": "/no/such/file"}, "{}_ca", "must be a certificate as PEM, or a file"),
    ],
)
def test_what_does_not_is_refused(broken: Callable[..., dict[str, str]], name: str, given: dict[str, str], label: str, words: str) -> None:
    messages = broken(**{f"{name}_{key}": text for key, text in given.items()})
    assert list(messages) == [label.replace("{}", name)]
    (message,) = messages.values()
    assert words.replace("{}", name) in message
    assert " Next: " in message
    assert "AAAA" not in message


def test_only_to_read_may_be_without_credentials(broken: Callable[..., dict[str, str]]) -> None:
    assert "a public one neither" in broken(airflow_app_dags_repo=HTTPS, airflow_app_dags_username="ann").popitem()[1]
    assert "to push needs both" in broken(airflow_app_platform_repo=HTTPS, airflow_app_platform_username="ann").popitem()[1]


def test_no_server_is_trusted_blindly_where_this_machine_does_not_ask(broken: Callable[..., dict[str, str]]) -> None:
    given = {"airflow_app_dags_repo": SSH, "airflow_app_dags_ssh_key": KEY, "airflow_app_dags_check": False}
    assert "never trusted blindly" in broken(**given)["airflow_app_dags_repo over SSH"]
    assert broken(**given, airflow_app_dags_known_hosts=HOSTS) == {}
    assert broken(airflow_app_dags_repo=HTTPS, airflow_app_dags_check=False) == {}


def test_an_external_server_needs_both_repositories(broken: Callable[..., dict[str, str]]) -> None:
    assert list(broken(platform_git_server="external", airflow_app_dags_repo=HTTPS)) == ["airflow_app_platform_repo"]
    assert list(broken(platform_git_server="external", airflow_app_platform_repo=HTTPS)) == ["airflow_app_dags_repo"]
    assert broken(platform_git_server="external", airflow_app_platform_repo=HTTPS, airflow_app_dags_repo=HTTPS) == {}


def test_the_embedded_ones_are_not_asked(render: Callable[..., list[Any]]) -> None:
    assert render("rules.yaml.j2") == []


@pytest.mark.parametrize(
    ("state", "logs", "refused"), [("absent", "embedded", True), ("present", "embedded", False), ("absent", "none", False)]
)
def test_f1_the_log_store_in_use_is_not_deleted(broken: Callable[..., dict[str, str]], state: str, logs: str, refused: bool) -> None:
    found = broken(task_logs_state=state, airflow_app_logs=logs)
    assert ("task_logs_state" in found) is refused
    assert not refused or "the store would be deleted with all its logs" in found["task_logs_state"]


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
        # Somebody had given it a certificate for that server before: it will not be taken away.
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
    project = {
        "metadata": {"labels": MARKS, **({"annotations": {"gitops-airflow/trust": before}} if before else {})},
        "spec": {"sourceRepos": [], "destinations": []},
    }
    tls = {"metadata": {"name": "argocd-tls-certs-cm"}, **({"data": there} if there else {})}
    here = {
        "metadata": {"name": "argocd-ssh-known-hosts-cm"},
        "data": {"ssh_known_hosts": f"{OTHERS}\n{BLOCK}\n" if "ssh" in before else OTHERS},
    }
    over: dict[str, Any] = {f"airflow_app_platform_{key}": given[key] for key in given}
    over |= {"__airflow_app_projects": {"resources": [project]}, "__airflow_app_trusted": {"resources": [tls, here]}}
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


@pytest.mark.parametrize("labels", [{}, MARKS | {"gitops-airflow/platform": "beta"}, {"app.kubernetes.io/part-of": "theirs"}])
def test_h1_an_app_project_of_others_remembers_nothing_of_ours(value: Callable[..., Any], labels: dict[str, str]) -> None:
    project = {
        "metadata": {"labels": labels, "annotations": {"gitops-airflow/trust": "ssh"}},
        "spec": {"sourceRepos": ["x"], "destinations": [{"namespace": "theirs"}]},
    }
    over = {"__airflow_app_projects": {"resources": [project]}}
    for name in ("trust_before", "project_repos", "project_namespaces", "dropped"):
        assert value(f"__airflow_app_{name}", **over) == []


@pytest.mark.parametrize("adoption", [True, False])
def test_h7_an_older_app_project_is_ours_if_the_platform_is_adopted(value: Callable[..., Any], adoption: bool) -> None:
    """A removal in the wrong cluster took an older platform's certificates out of its Argo CD, and restarted that."""
    labels = {"app.kubernetes.io/part-of": "gitops-airflow"}
    project = {
        "metadata": {"labels": labels, "annotations": {"gitops-airflow/trust": "ssh"}},
        "spec": {"sourceRepos": [], "destinations": []},
    }
    over = {"__airflow_app_projects": {"resources": [project]}, "__platform_ownership": {"adoption": adoption, "reachable": True}}
    assert value("__airflow_app_trust_over", **over) == (["ssh"] if adoption else [])


def test_h7_git_credentials_are_this_platforms(value: Callable[..., Any]) -> None:
    def secret(namespace: str, user: str, **labels: str) -> dict[str, Any]:
        metadata = {"name": "git-credentials", "namespace": namespace, "labels": {"app.kubernetes.io/part-of": "gitops-airflow", **labels}}
        return {"metadata": metadata, "data": {"username": base64.b64encode(user.encode()).decode()}}

    beta = secret("beta-git", "beta", **{"gitops-airflow/platform": "beta"})
    same = secret("git", "beta", **{"gitops-airflow/platform": "beta"})
    older, ours = secret("git", "older"), secret("git", "ours", **MARKS)
    for found, user in (([beta], ""), ([same], ""), ([beta, older], "older"), ([beta, same, ours], "ours")):
        assert value("__airflow_app_git_username", __airflow_app_secrets={"resources": found}) == user


def read(namespace: str, name: str, *keys: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace, "labels": MARKS}, "data": dict.fromkeys(keys, "eA==")}


CREDENTIALS = read("git", "git-credentials", "username", "argocd-token", "git-sync-token")
CONFIG, STORE = read("git", "gitea-config", "password"), read("airflow-logs", "task-logs-generated", "workers", "webserver")
OWN = {"airflow_app_platform_repo": HTTPS, "airflow_app_dags_repo": HTTPS}


@pytest.mark.parametrize(
    ("found", "given", "again"),
    [
        ([CREDENTIALS, CONFIG, STORE], {}, False),
        ([CONFIG, STORE], {}, True),
        ([CREDENTIALS, STORE], {}, True),
        ([CREDENTIALS, CONFIG], {}, True),
        ([CREDENTIALS, CONFIG], {"airflow_app_logs": "none"}, False),
        ([STORE], OWN, False),
        ([STORE], {"airflow_app_platform_repo": HTTPS}, True),
        ([read("git", "git-credentials", "username"), CONFIG, STORE], {}, True),
    ],
)
def test_secrets_are_read_again_if_other_roles_make_some(
    value: Callable[..., Any], found: list[Any], given: dict[str, Any], again: bool
) -> None:
    assert value("__airflow_app_secrets_open", __airflow_app_secrets={"resources": found}, **given) is again


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ({}, False),
        ({"__airflow_app_scheduler": {"resources": []}}, False),
        ({"__airflow_app_checked": True}, False),
        ({"__airflow_app_checked": True, "__airflow_app_scheduler": {"resources": []}}, True),
    ],
    ids=["alone", "checked by another playbook", "there was no cluster", "site.yml"],
)
def test_the_state_is_checked_once_in_a_run(value: Callable[..., Any], given: dict[str, Any], known: bool) -> None:
    assert value("__airflow_app_known", **given) is known


@pytest.mark.parametrize(("state", "words"), [("checked", "Nothing was changed."), ("present", "Airflow was not changed.")])
def test_a_refusal_says_what_is_true_by_then(value: Callable[..., Any], state: str, words: str) -> None:
    assert value("__airflow_app_unchanged", airflow_app_state=state) == words


@pytest.mark.parametrize(
    ("state", "before", "logs", "removed"),
    [
        ("absent", "the embedded store in airflow-logs", "none", True),
        ("present", "the embedded store in airflow-logs", "none", False),
        ("absent", "bucket at AWS", "none", False),
    ],
)
def test_f1_whether_earlier_logs_stay(value: Callable[..., Any], state: str, before: str, logs: str, removed: bool) -> None:
    over = {"task_logs_state": state, "airflow_app_logs": logs, "__airflow_app_logs_store_before": before}
    assert value("__airflow_app_logs_removed", **over) is removed


@pytest.mark.parametrize(("upgrades", "refused"), [(True, ["other_platform", "tasks_run"]), (False, ["other_platform"])])
def test_running_tasks_are_in_the_way_of_an_upgrade_alone(
    role_evaluator: Callable[[str], Callable[..., Any]], upgrades: bool, refused: list[str]
) -> None:
    """Pushing DAGs to an older platform does not restart it."""
    found = {"refusals": [{"code": "other_platform"}, {"code": "tasks_run"}]}
    codes = role_evaluator("airflow_app")(
        "__platform_refusals | map(attribute='code') | list", __platform_ownership=found, __platform_upgrades=upgrades
    )
    assert codes == refused


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


@pytest.mark.parametrize(
    ("over", "retired"),
    [
        ({"__airflow_app_dags_password": "secret"}, ["dags-git-ssh"]),
        ({"__airflow_app_dags_password": "secret", "airflow_app_logs": "s3"}, ["dags-git-ssh"]),
        (
            {"__airflow_app_dags_password": "", "airflow_app_dags_ssh_key": KEY, "airflow_app_logs": "none"},
            ["airflow-task-logs", "airflow-task-logs-webserver", "dags-git-basic"],
        ),
    ],
)
def test_f1_only_credentials_that_nothing_uses_are_deleted(value: Callable[..., Any], over: dict[str, Any], retired: list[str]) -> None:
    names = ["airflow-metadata", "airflow-task-logs", "airflow-task-logs-webserver", "dags-git-basic", "dags-git-ssh"]
    there = {"resources": [{"metadata": {"name": name, "namespace": "airflow-core"}} for name in names]}
    found = value("__airflow_app_retired", __airflow_app_secrets=there, **over)
    assert sorted(item["name"] for item in found) == retired

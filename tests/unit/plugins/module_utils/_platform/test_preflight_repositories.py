# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what is given for the repositories and for the task logs fits together, and how settings are read from a module's options."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import KINDS, Credentials
from ansible_collections.gitops.airflow.plugins.module_utils._platform import repository_rules
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import (
    AIRFLOW_OPTIONS,
    PLATFORM_OPTIONS,
    AirflowSettings,
    Logs,
    Repository,
    Settings,
    from_params,
    read_settings,
)

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----"
AUTHORITY = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
HOSTS = "git.example.com ssh-ed25519 AAAA"
HTTPS, SSH, SCP = "https://git.example.com/a.git", "ssh://git@git.example.com:2222/a.git", "git@git.example.com:a.git"
INSIDE = "http://gitea.git.svc.cluster.local:3000/gitops/"
EMBEDDED = AirflowSettings(
    Repository("platform", f"{INSIDE}platform.git", embedded=True), Repository("dags", f"{INSIDE}dags.git", embedded=True)
)
SECRETS = ("AAAA", "t0ken")


def refusals(kind: str, git_server: str = "embedded", dags_check: bool = True, **given: Any) -> list[Any]:
    credentials = Credentials(**{name: given.pop(name) for name in KINDS if name in given})
    repo = Repository(kind, **{"url": HTTPS, **given}, credentials=credentials)
    return repository_rules.repository(Settings(git_server=git_server), replace(EMBEDDED, dags_check=dags_check), repo)


@pytest.mark.parametrize("kind", ["platform", "dags"])
@pytest.mark.parametrize(
    "given",
    [
        {"url": HTTPS},
        {"url": HTTPS, "username": "ann", "password": "t", "ca": AUTHORITY},
        {"url": SSH, "ssh_key": KEY, "known_hosts": HOSTS},
        {"url": SCP, "ssh_key": KEY, "known_hosts": HOSTS},
        {"url": "https://host/a@b.git"},
        {"url": f"{INSIDE}x.git", "embedded": True, "username": "ignored"},
    ],
)
def test_what_fits_together(kind: str, given: dict[str, Any]) -> None:
    assert refusals(kind, **given) == []


@pytest.mark.parametrize("kind", ["platform", "dags"])
@pytest.mark.parametrize(
    ("given", "code", "words", "action"),
    [
        ({"password": "t0ken"}, "half_credentials", "Only one of {}_username and {}_password is set.", "Set {}_username"),
        ({"username": "ann"}, "half_credentials", "Only one of {}_username and {}_password is set.", "Set {}_password"),
        (
            {"ssh_key": KEY},
            "wrong_credentials",
            "{}_ssh_key is only for SSH URLs, and {}_repo is another one.",
            "Leave {}_ssh_key empty, or correct {}_repo.",
        ),
        (
            {"url": SCP, "username": "ann", "password": "t0ken"},
            "wrong_credentials",
            "{}_password is only for HTTP and HTTPS URLs, and {}_repo is another one.",
            "Leave {}_password empty",
        ),
        (
            {"url": SSH, "ssh_key": "/no/such/file"},
            "no_private_key",
            "{}_ssh_key is neither the text of a private key nor a file",
            "as {}_ssh_key, without a passphrase.",
        ),
        (
            {"url": SCP, "ssh_key": KEY, "known_hosts": "/no/file"},
            "no_host_keys",
            "{}_known_hosts is neither lines in the form of known_hosts nor a file",
            "(ssh-keygen -lf)",
        ),
        (
            {"url": SCP, "ssh_key": KEY, "known_hosts": "git.example.com AAAA"},
            "no_host_keys",
            "{}_known_hosts is neither",
            "as {}_known_hosts",
        ),
        ({"url": SCP, "ssh_key": KEY, "ca": AUTHORITY}, "wrong_credentials", "{}_ca is only for HTTPS URLs", "Leave {}_ca empty"),
        (
            {"ca": "/no/such/file"},
            "no_certificate",
            "{}_ca is neither a certificate as PEM nor a file on this",
            "Correct {}_ca, or leave it",
        ),
        (
            {"url": "https://t0ken@host/dags.git"},
            "token_in_url",
            "{}_repo has a user or token before the host",
            "set {}_username and {}_password.",
        ),
        ({"url": "HTTPS://me:t0ken@host/x.git"}, "token_in_url", "{}_repo has a user or token before the host", "Take it out of the URL"),
        ({"url": "ftp://host/x.git"}, "bad_url", "It must be a URL (http, https, ssh, file) or user@host:path", "Correct {}_repo."),
        ({"url": "https://[git/x.git"}, "bad_url", "It must be a URL (http, https, ssh, file) or user@host:path", "Correct {}_repo."),
        ({"url": "https://git.example.com:port/x.git"}, "bad_url", "Port could not be cast", "Correct {}_repo."),
        ({"url": "https://git.example.com/my dags.git"}, "bad_url", "must be percent-encoded", "Correct {}_repo."),
        ({"url": "ssh:///dags.git"}, "bad_url", "it must name a host", "Correct {}_repo."),
        ({"url": "x.git"}, "bad_url", "It must be a URL (http, https, ssh, file) or user@host:path", "Correct {}_repo."),
    ],
)
def test_what_does_not_fit(kind: str, given: dict[str, Any], code: str, words: str, action: str) -> None:
    (found,) = refusals(kind, **given)
    name = f"airflow_app_{kind}"
    assert found.code == code
    assert words.replace("{}", name) in found.message
    assert action.replace("{}", name) in found.next_action
    assert found.rule
    for part in (found.message, found.next_action, found.value):
        assert "Next:" not in part
        assert not any(secret in part for secret in SECRETS)


def test_only_to_read_may_be_without_credentials() -> None:
    assert "A private repository needs both, a public one neither." in refusals("dags", username="ann")[0].message
    assert "or leave both empty" in refusals("dags", username="ann")[0].next_action
    assert "To push needs both." in refusals("platform", username="ann")[0].message


def test_no_server_is_trusted_blindly_where_this_machine_does_not_ask() -> None:
    given: dict[str, Any] = {"url": SSH, "ssh_key": KEY, "dags_check": False}
    (found,) = refusals("dags", **given)
    assert (found.code, found.value) == ("incomplete", "airflow_app_dags_known_hosts")
    assert "any server could pose as it" in found.message
    assert found.next_action.startswith("Run ssh-keyscan -p 2222 git.example.com > known_hosts, compare")
    assert found.next_action.endswith("and give them as airflow_app_dags_known_hosts.")
    (found,) = refusals("dags", url=SSH, known_hosts=HOSTS, dags_check=False)
    assert (found.code, found.next_action) == ("incomplete", "Give a private key as airflow_app_dags_ssh_key.")
    assert refusals("dags", **given, known_hosts=HOSTS) == []
    assert refusals("dags", dags_check=False) == []
    # Otherwise reading it finds out.
    assert refusals("dags", url=SSH, ssh_key=KEY) == refusals("platform", url=SSH, ssh_key=KEY, dags_check=False) == []


@pytest.mark.parametrize("kind", ["platform", "dags"])
def test_an_external_server_needs_both_repositories(kind: str) -> None:
    url = f"{INSIDE}{kind}.git"
    (found,) = refusals(kind, git_server="external", url=url, embedded=True)
    assert (found.code, found.value) == ("embedded_repository", url)
    assert f"platform_git_server is 'external', but airflow_app_{kind}_repo is the embedded server's" in found.message
    assert found.next_action.endswith("or platform_git_server to 'embedded'.")
    assert refusals(kind, git_server="external") == []


@pytest.mark.parametrize(
    ("path", "fits"), [("gitops/dags.git", True), ("a.b/C-d_e", True), ("dags.git", False), ("a/b/c.git", False), ("", False)]
)
def test_d5_an_embedded_repository_has_an_owner(path: str, fits: bool) -> None:
    """Accounts are given access to it by owner and name."""
    found = refusals("dags", url=f"{INSIDE.removesuffix('gitops/')}{path}", embedded=True)
    assert [(refusal.code, refusal.rule) for refusal in found] == (
        [] if fits else [("embedded_repository", "a repository of the embedded server is OWNER/NAME")]
    )


S3 = Logs("s3", bucket="data-logs", secret="keys")


@pytest.mark.parametrize(
    ("logs", "state", "code", "value", "words", "action"),
    [
        # F1
        (Logs("embedded"), "absent", "log_store_in_use", "absent", "The store would be deleted with all its logs", "to 's3' or 'none'"),
        (replace(S3, bucket=""), "present", "logs_bucket", "", "airflow_app_logs_bucket is ''", "Set airflow_app_logs_bucket"),
        (replace(S3, bucket="Data"), "present", "logs_bucket", "Data", "airflow_app_logs_bucket is 'Data'", "to 'embedded'"),
        (replace(S3, bucket="data/"), "present", "logs_bucket", "data/", "or bucket/folder", "Set airflow_app_logs_bucket"),
        (replace(S3, secret=""), "present", "logs_secret", "", "airflow_app_logs_secret is empty", "in airflow-core, and set"),
        (replace(S3, region=""), "present", "logs_region", "", "airflow_app_logs_region is empty", "set us-east-1"),
        (replace(S3, endpoint="s3:9000"), "present", "logs_endpoint", "s3:9000", "scheme, host and port alone", "leave it empty for AWS"),
        (
            replace(S3, endpoint="https://me:t0ken@s3"),
            "absent",
            "logs_endpoint",
            "https://s3",
            "such as https://s3.example.com:9000",
            "Correct",
        ),
    ],
)
def test_task_logs_that_go_nowhere(logs: Logs, state: str, code: str, value: str, words: str, action: str) -> None:
    (found,) = repository_rules.logs(Settings(), replace(EMBEDDED, logs=logs, task_logs_state=state))
    assert (found.code, found.value) == (code, value)
    assert words in found.message
    assert action in found.next_action
    assert found.rule
    assert "t0ken" not in found.message


@pytest.mark.parametrize(
    ("logs", "state"),
    [
        (Logs("embedded"), "present"),
        (Logs("none"), "absent"),
        (S3, "absent"),
        (replace(S3, bucket="data/a/b", endpoint="http://s3:9000/"), "present"),
    ],
)
def test_task_logs_that_have_a_place(logs: Logs, state: str) -> None:
    assert list(repository_rules.logs(Settings(), replace(EMBEDDED, logs=logs, task_logs_state=state))) == []


# Settings from a module's options


def options(spec: dict[str, Any], **given: Any) -> dict[str, Any]:
    return {name: option.get("default") for name, option in spec.items()} | given


def test_defaults_are_the_embedded_platform() -> None:
    given = from_params(options(PLATFORM_OPTIONS, name="airflow"), options(AIRFLOW_OPTIONS))
    assert given.airflow
    assert [repo.embedded for repo in given.airflow.repositories] == [True, True]
    assert [repo.url for repo in given.airflow.repositories] == [f"{INSIDE}platform.git", f"{INSIDE}dags.git"]
    assert given.airflow.default_namespace == "airflow-core"
    # The look at the owners is the same for a caller that knows nothing of Airflow.
    assert from_params(options(PLATFORM_OPTIONS, name="airflow"), None).owner() == given.owner()
    assert given.owner().all_namespaces == ("argocd", "git", "airflow-logs", "airflow-core")


def test_a_platform_without_its_own_git_server_and_log_store() -> None:
    airflow = options(AIRFLOW_OPTIONS, platform_repo=HTTPS, dags_repo=SSH, logs="none", name="flow", platform_path="x")
    given = from_params(options(PLATFORM_OPTIONS, name="airflow", git_server="external"), airflow)
    owner = given.owner()
    assert (owner.git_namespace, owner.logs_namespace, owner.application, owner.repo, owner.path) == ("", "", "flow", HTTPS, "x")
    assert given.own_namespaces == ["argocd"]


def test_a_key_is_a_text_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"\n{KEY}\n")
    for key in (KEY, f"{KEY}\n", str(tmp_path / "key")):
        airflow = options(AIRFLOW_OPTIONS, platform_repo=SSH, platform_credentials={"ssh_key": key, "username": None})
        given = from_params(options(PLATFORM_OPTIONS, name="airflow"), airflow).airflow
        assert given
        assert given.platform.credentials == Credentials(ssh_key=KEY)
        assert "AAAA" not in repr(given)


def test_credentials_leave_the_options_that_are_shown() -> None:
    airflow = options(
        AIRFLOW_OPTIONS, platform_repo=HTTPS, platform_credentials={"username": "ann", "password": "t0ken"}, values={"a": "t0ken"}
    )
    params = {"platform": options(PLATFORM_OPTIONS, name="airflow"), "airflow": airflow}
    given, hidden = read_settings(params)
    assert given.airflow
    assert given.airflow.platform.credentials.password == "t0ken"
    assert hidden == {"t0ken"}
    assert "t0ken" not in str(params)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = tmp_path / "key"
    key.write_text(KEY)

    def refuse(path: Path, **_options: Any) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_text", refuse)  # root may read every file
    airflow = options(AIRFLOW_OPTIONS, platform_repo=SSH, platform_credentials={"ssh_key": str(key)})
    with pytest.raises(CollectionError, match=str(key)) as refusal:
        read_settings({"platform": options(PLATFORM_OPTIONS, name="airflow"), "airflow": airflow})
    assert refusal.value.code == "unreadable_file"


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ({}, "", ""),
        ({"publish": "push", "publish_branch": "main"}, "", ""),
        ({"publish": "branch", "publish_branch": "gitops-airflow/airflow"}, "", ""),
        ({"publish": "branch", "publish_branch": "a"}, "", ""),
        ({"publish": "branch", "publish_branch": "team.x/_y-1"}, "", ""),
        ({"publish": "render", "render_folder": "out"}, "", ""),
        ({"publish": "render", "render_folder": " "}, "render_folder", "airflow_app_render_folder is empty"),
        ({"publish": "branch", "publish_branch": "main"}, "publish_branch", "are both 'main'"),
        *(
            ({"publish": "branch", "publish_branch": name}, "publish_branch", "cannot be the name of a branch")
            for name in (
                "",
                "a b",
                "a..b",
                "/a",
                "a/",
                "a//b",
                "-a",
                "a.lock",
                "a.lock/b",
                ".a",
                "a/.b",
                "a.",
                "a~1",
                "a:b",
                "refs/heads/a",
                "a\nb",
            )
        ),
    ],
)
def test_how_the_chart_is_published(given: dict[str, Any], code: str, words: str) -> None:
    airflow = replace(EMBEDDED, platform=Repository("platform", HTTPS), **given)
    found = list(repository_rules.publishing(airflow))
    assert [refusal.code for refusal in found] == ([code] if code else [])
    assert all(words in refusal.message and "airflow_app_" in refusal.next_action for refusal in found)


@pytest.mark.parametrize("method", ["branch", "render"])
def test_the_embedded_repository_takes_no_review(method: str) -> None:
    (found,) = repository_rules.publishing(replace(EMBEDDED, publish=method, publish_branch="x", render_folder="x"))
    assert found.code == "publish_embedded"
    assert f"airflow_app_publish is '{method}'" in found.message


def test_who_renders_needs_no_right_to_push() -> None:
    repo = Repository("platform", HTTPS, credentials=Credentials(password="t"))
    for method, words in (("push", "To push needs both."), ("branch", "To push needs both."), ("render", "a public one neither")):
        (found,) = repository_rules.repository(Settings(git_server="external"), replace(EMBEDDED, platform=repo, publish=method), repo)
        assert words in found.message

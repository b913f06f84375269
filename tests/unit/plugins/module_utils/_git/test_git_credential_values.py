# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What credentials are, which of them a URL uses, what is refused, and what git, Argo CD and git-sync get."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import (
    SPEC,
    Credentials,
    certificates,
    hide_secrets,
    host_keys,
    missing,
    problems,
    read_text,
    refuse,
)
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import GitError

HTTP, HTTPS, SSH = "http://git.example.com/x.git", "https://git.example.com/x.git", "git@git.example.com:x.git"
PEM = "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----"
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----"
HOST = "git.example.com ssh-rsa AAAA"
USER: Any = {"username": "ann", "password": "t0ken"}
WHOLE = Credentials(**USER, ssh_key=KEY, known_hosts=HOST, ca=PEM)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", set()),
        ("QUJD", set()),
        (PEM, {"QUJD"}),
        (f"# a comment\n{PEM}\n{PEM.replace('QUJD', 'WF la')}\n", {"QUJD", "WFla"}),
    ],
)
def test_the_certificates_of_a_text(text: str, found: set[str]) -> None:
    assert certificates(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        (f"# a comment\n\n {HOST} \n{HOST}\n", [HOST]),
        (f"{HOST} ann@laptop", [f"{HOST} ann@laptop"]),
        (f"@cert-authority {HOST}", [f"@cert-authority {HOST}"]),
    ],
)
def test_the_host_keys_of_a_text(text: str, found: list[str]) -> None:
    assert host_keys(text) == found


@pytest.mark.parametrize("line", ["git.example.com ssh-rsa", "@cert-authority git.example.com ssh-rsa", KEY.split("\n", maxsplit=1)[0]])
def test_a_line_that_is_not_a_host_key_is_named_by_its_number(line: str) -> None:
    with pytest.raises(ValueError, match=r"^line 2 is not a host key") as caught:
        host_keys(f"{HOST}\n{line}")
    assert line not in str(caught.value)


def test_a_text_may_be_given_as_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "key").write_text(f"\n{KEY}\n\n")
    assert (read_text("~/key"), read_text(f" {KEY}\n"), read_text("~/nothing")) == (KEY, KEY, "~/nothing")
    # A password is never a path.
    found = Credentials.read({"ssh_key": "~/key", "password": "~/key", "username": None})
    assert found == Credentials(ssh_key=KEY, password="~/key")
    assert Credentials.read(None) == Credentials()


@pytest.mark.parametrize(
    ("url", "used"),
    [(HTTP, Credentials(**USER)), (HTTPS, Credentials(**USER, ca=PEM)), (SSH, Credentials(ssh_key=KEY, known_hosts=HOST))],
)
def test_a_url_uses_what_is_for_it(url: str, used: Credentials) -> None:
    assert WHOLE.for_url(url) == used


# What is wrong


@pytest.mark.parametrize(
    ("given", "url", "found"),
    [
        (Credentials(), HTTPS, []),
        (Credentials(), SSH, []),
        (Credentials(**USER, ca=PEM), HTTPS, []),
        (Credentials(ssh_key=KEY, known_hosts=HOST), SSH, []),
        # What only names a server may be given for any URL.
        (Credentials(known_hosts=HOST), HTTPS, []),
        (Credentials(username="ann"), SSH, []),
        (Credentials(**USER), SSH, [("wrong_credentials", "password")]),
        (Credentials(ssh_key=KEY), HTTPS, [("wrong_credentials", "ssh_key")]),
        (Credentials(ca=PEM), HTTP, [("wrong_credentials", "ca")]),
        (Credentials(username="ann"), HTTPS, [("half_credentials", "username")]),
        (Credentials(password="t0ken"), HTTPS, [("half_credentials", "password")]),
        (Credentials(ssh_key="ssh-rsa AAAA"), SSH, [("no_private_key", "ssh_key")]),
        (Credentials(known_hosts="AAAA"), SSH, [("no_host_keys", "known_hosts")]),
        (Credentials(known_hosts="# nothing"), SSH, [("no_host_keys", "known_hosts")]),
        (Credentials(ca="AAAA"), HTTPS, [("no_certificate", "ca")]),
        # A text of another form is not judged where it is not used.
        (Credentials(known_hosts="AAAA"), HTTPS, []),
    ],
)
def test_what_does_not_fit(given: Credentials, url: str, found: list[tuple[str, str]]) -> None:
    assert [(problem.code, problem.option) for problem in problems(given, url)] == found
    if not found:
        refuse(problems(given, url))
        return
    with pytest.raises(GitError) as caught:
        refuse(problems(given, url))
    assert caught.value.code == found[0][0]
    assert "t0ken" not in caught.value.message


@pytest.mark.parametrize(
    ("given", "push", "lacks", "words", "action"),
    [
        (Credentials(username="ann"), False, "password", "a public one neither", "Set {password}, or leave both empty."),
        (Credentials(password="t"), False, "username", "a public one neither", "Set {username}, or leave both empty."),
        (Credentials(username="ann"), True, "password", "To push needs both.", "Set {password}."),
    ],
)
def test_a_user_and_a_password_come_together(given: Credentials, push: bool, lacks: str, words: str, action: str) -> None:
    (problem,) = problems(given, HTTPS, push=push)
    assert words in problem.message
    assert problem.action == action


@pytest.mark.parametrize(
    ("given", "url", "options"),
    [
        (Credentials(), HTTPS, []),
        (Credentials(), SSH, ["known_hosts", "ssh_key"]),
        (Credentials(ssh_key=KEY), SSH, ["known_hosts"]),
        (Credentials(known_hosts=HOST), SSH, ["ssh_key"]),
        (Credentials(ssh_key=KEY, known_hosts=HOST), SSH, []),
    ],
)
def test_what_ssh_needs(given: Credentials, url: str, options: list[str]) -> None:
    assert [problem.option for problem in missing(given, url)] == options
    assert all(problem.code == "incomplete" for problem in missing(given, url))


def test_secrets_are_taken_out_of_an_option() -> None:
    assert [name for name, option in SPEC["options"].items() if option["no_log"]] == ["password", "ssh_key"]
    given = {**USER, "ssh_key": "", "ca": PEM}
    assert hide_secrets(given) == ({"username": "ann", "ca": PEM}, {"t0ken"})
    assert hide_secrets(None) == ({}, set())


# What programs get


@pytest.mark.parametrize(
    ("given", "variables", "options"),
    [
        (Credentials(), {"GIT_PUBLISH_USERNAME": "", "GIT_PUBLISH_PASSWORD": ""}, []),
        (Credentials(**USER), {"GIT_PUBLISH_USERNAME": "ann", "GIT_PUBLISH_PASSWORD": "t0ken", "GIT_ASKPASS": "askpass"}, []),
        (Credentials(username="ann"), {"GIT_PUBLISH_USERNAME": "ann", "GIT_PUBLISH_PASSWORD": "", "GIT_ASKPASS": "askpass"}, []),
        (Credentials(password="t"), {"GIT_PUBLISH_USERNAME": "", "GIT_PUBLISH_PASSWORD": "t", "GIT_ASKPASS": "askpass"}, []),
        (Credentials(ca=PEM), {"GIT_PUBLISH_USERNAME": "", "GIT_PUBLISH_PASSWORD": "", "GIT_SSL_CAINFO": "ca"}, []),
        (
            Credentials(ssh_key=KEY),
            {"GIT_PUBLISH_USERNAME": "", "GIT_PUBLISH_PASSWORD": ""},
            ["-i", "ssh_key", "-o", "IdentitiesOnly=yes"],
        ),
        (
            Credentials(known_hosts=HOST),
            {"GIT_PUBLISH_USERNAME": "", "GIT_PUBLISH_PASSWORD": ""},
            ["-o", "UserKnownHostsFile=known_hosts", "-o", "GlobalKnownHostsFile=/dev/null"],
        ),
    ],
)
def test_what_git_gets(given: Credentials, variables: dict[str, str], options: list[str], tmp_path: Path) -> None:
    found, more = given.git(tmp_path)
    here = f"{tmp_path}/"
    assert ({name: value.replace(here, "") for name, value in found.items()}, [item.replace(here, "") for item in more]) == (
        variables,
        options,
    )
    assert all(stat.S_IMODE(path.stat().st_mode) == (0o700 if path.name == "askpass" else 0o600) for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("given", "fields", "identity"),
    [
        (Credentials(), {}, ""),
        (Credentials(known_hosts=HOST, ca=PEM), {}, ""),
        (Credentials(**USER), USER, "annt0ken"),
        (Credentials(ssh_key=KEY), {"sshPrivateKey": f"{KEY}\n"}, KEY),
    ],
)
def test_what_argo_cd_gets(given: Credentials, fields: dict[str, str], identity: str) -> None:
    assert (given.argocd(), given.identity()) == (fields, identity)


def test_what_git_sync_gets() -> None:
    basic = {"GIT_SYNC_USERNAME": "ann", "GITSYNC_USERNAME": "ann", "GIT_SYNC_PASSWORD": "t0ken", "GITSYNC_PASSWORD": "t0ken"}
    assert Credentials(**USER).git_sync_secrets() == {"dags-git-basic": basic}
    assert Credentials(ssh_key=KEY).git_sync_secrets() == {"dags-git-ssh": {"gitSshKey": f"{KEY}\n"}}
    assert Credentials(username="ann", known_hosts=HOST, ca=PEM).git_sync_secrets() == {}
    names = ("credentials_secret", "ssh_key_secret", "known_hosts", "authority")
    found = WHOLE.git_sync_values()
    assert [found[name] for name in names] == ["dags-git-basic", "dags-git-ssh", HOST, PEM]
    assert (found["env"][0]["name"], found["mounts"][0]["name"], found["volumes"][0]["name"]) == (
        "GIT_SSL_CAINFO",
        "git-authority",
        "git-authority",
    )
    none = Credentials().git_sync_values()
    assert [none[name] for name in (*names, "env", "mounts", "volumes")] == ["", "", "", "", [], [], []]

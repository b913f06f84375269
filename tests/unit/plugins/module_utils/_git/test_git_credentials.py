# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from the kinds of credentials: options, what git gets, Argo CD's Secret, git-sync's Secrets and values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import (
    GIT_SYNC_SECRETS,
    KINDS,
    SPEC,
    Credentials,
    hide_secrets,
    missing,
    problems,
)

KEY = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"
PEM = "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----"
HOSTS = "h ssh-rsa A"
ALL = Credentials("ann", "t0ken", KEY, HOSTS, PEM)


def test_the_option_has_each_kind_and_hides_secrets() -> None:
    assert set(SPEC["options"]) == set(KINDS) == set(ALL.values())
    assert {name for name, option in SPEC["options"].items() if option["no_log"]} == {"password", "ssh_key"}
    assert hide_secrets({"username": "ann", "password": "t0ken", "ca": None}) == ({"username": "ann", "ca": None}, {"t0ken"})
    assert hide_secrets(None) == ({}, set())
    assert "t0ken" not in repr(ALL)
    assert "AAAA" not in repr(ALL)


def test_texts_may_be_files(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(f"\n{PEM}\n")
    found = Credentials.read(
        {"username": "ann", "password": " p ", "ssh_key": f"{KEY}\n", "ca": str(tmp_path / "ca.pem"), "known_hosts": None}
    )
    assert found == Credentials("ann", " p ", KEY, "", PEM)
    assert Credentials.read(None) == Credentials()


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("http://h/x.git", ["username", "password"]),
        ("HTTPS://h/x.git", ["username", "password", "ca"]),
        ("ssh://git@h/x.git", ["ssh_key", "known_hosts"]),
        ("git@h:x.git", ["ssh_key", "known_hosts"]),
        ("file:///x.git", []),
        ("https://[h/x.git", []),
        ("", []),
    ],
)
def test_what_fits_a_url(url: str, kept: list[str]) -> None:
    assert list(ALL.for_url(url).values()) == kept
    strict = {"password", "ssh_key", "ca"} - set(kept)
    assert {found.option for found in problems(ALL, url)} == strict
    assert list(problems(ALL.for_url(url), url)) == []


@pytest.mark.parametrize(
    ("given", "url", "code", "action"),
    [
        ({"username": "ann"}, "https://h/x", "half_credentials", "Set password, or leave both empty."),
        ({"password": "t0ken"}, "https://h/x", "half_credentials", "Set username, or leave both empty."),
        ({"ssh_key": "AAAA"}, "git@h:x", "no_private_key", "Give one of the two as ssh_key, without a passphrase."),
        ({"known_hosts": "# nothing"}, "git@h:x", "no_host_keys", "Give the output of ssh-keyscan as known_hosts"),
        ({"ca": "AAAA"}, "https://h/x", "no_certificate", "Correct ca, or leave it empty."),
        ({"ca": PEM}, "http://h/x", "wrong_credentials", "Leave ca empty, or correct repo."),
    ],
)
def test_a_problem_names_the_option_and_no_value(given: dict[str, str], url: str, code: str, action: str) -> None:
    (found,) = problems(Credentials(**given), url)
    error = found.error()
    assert (error.code, found.option in given) == (code, True)
    assert error.next_action.startswith(action)
    assert "{" not in error.text
    assert not any(word in error.text for word in ("t0ken", "AAAA"))


def test_nothing_of_a_users_own_helps_with_ssh() -> None:
    assert [found.option for found in missing(Credentials(), "git@h:x.git")] == ["known_hosts", "ssh_key"]
    assert list(missing(ALL, "git@h:x.git")) == list(missing(Credentials(), "https://h/x.git")) == []


@pytest.mark.parametrize(
    ("url", "argocd", "secrets", "values"),
    [
        (
            "https://h/x",
            {"username": "ann", "password": "t0ken"},
            {
                "dags-git-basic": {
                    "GIT_SYNC_USERNAME": "ann",
                    "GIT_SYNC_PASSWORD": "t0ken",
                    "GITSYNC_USERNAME": "ann",
                    "GITSYNC_PASSWORD": "t0ken",
                }
            },
            ["credentials_secret", "authority", "env", "mounts", "volumes"],
        ),
        ("git@h:x", {"sshPrivateKey": f"{KEY}\n"}, {"dags-git-ssh": {"gitSshKey": f"{KEY}\n"}}, ["ssh_key_secret", "known_hosts"]),
        ("file:///x", {}, {}, []),
    ],
)
def test_what_argo_cd_and_git_sync_get(url: str, argocd: dict[str, str], secrets: dict[str, Any], values: list[str]) -> None:
    given = ALL.for_url(url)
    assert given.argocd() == argocd
    assert given.git_sync_secrets() == secrets
    assert set(secrets) <= set(GIT_SYNC_SECRETS)
    assert [name for name, value in given.git_sync_values().items() if value] == values
    assert not any(word in str(given.git_sync_values()) for word in ("t0ken", "AAAA"))
    assert bool(given.identity()) == bool(secrets)


def test_git_gets_files_and_no_password_in_them(tmp_path: Path) -> None:
    variables, options = ALL.git(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"askpass", "ssh_key", "known_hosts", "ca"}
    assert Path(variables["GIT_SSL_CAINFO"]).read_text() == f"{PEM}\n"
    assert variables["GIT_PUBLISH_PASSWORD"] == "t0ken"
    assert "t0ken" not in str([path.read_text() for path in tmp_path.iterdir()] + options)

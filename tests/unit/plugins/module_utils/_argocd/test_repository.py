# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A repository that Argo CD knows: its Secret, what is remembered, and what becomes of certificate authorities."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.repository import (
    Authorities,
    Memory,
    Repository,
    check,
    manifest,
    plan_authorities,
    recall,
    shown,
)
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.trust import annotation
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import KINDS, Credentials, certificates

HTTPS, SSH = "https://Git.Example.com:8443/team/platform.git", "ssh://git@git.example.com:2222/team/platform.git"
HOSTS, KEY = "git.example.com ssh-ed25519 AAAA", "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n-----END OPENSSH PRIVATE KEY-----"
PEM = "-----BEGIN CERTIFICATE-----\nQUJD\nREVG\n-----END CERTIFICATE-----"
OTHER = "-----BEGIN CERTIFICATE-----\nWFla\n-----END CERTIFICATE-----"
MARKS = {"app.kubernetes.io/part-of": "gitops-airflow", "gitops-airflow/platform": "airflow"}


def repository(repo: str = HTTPS, **given: Any) -> Repository:
    credentials = Credentials(**{name: given.pop(name) for name in KINDS if name in given})
    return Repository("repository", "argocd", "airflow", repo, credentials=credentials, **given)


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({}, {"type": "git", "url": HTTPS}),
        ({"project": "airflow"}, {"type": "git", "url": HTTPS, "project": "airflow"}),
        ({"username": "u", "password": "p", "ssh_key": KEY}, {"type": "git", "url": HTTPS, "username": "u", "password": "p"}),
        (
            {"repo": SSH, "username": "u", "password": "p", "ssh_key": f"{KEY}\n\n"},
            {"type": "git", "url": SSH, "sshPrivateKey": f"{KEY}\n"},
        ),
        (
            {"repo": "git@git.example.com:x.git", "ssh_key": KEY},
            {"type": "git", "url": "git@git.example.com:x.git", "sshPrivateKey": f"{KEY}\n"},
        ),
    ],
)
def test_the_secret_holds_what_fits_the_url(given: dict[str, Any], fields: dict[str, str]) -> None:
    secret = manifest(repository(**given), ["ssh", "tls:x"], None)
    assert {key: base64.b64decode(value).decode() for key, value in secret["data"].items()} == fields
    assert secret["metadata"]["labels"] == {**MARKS, "argocd.argoproj.io/secret-type": "repository"}
    assert secret["metadata"]["annotations"] == {"gitops-airflow/trust": "ssh tls:x"}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"repo": ""}, "bad_url"),
        ({"repo": "git.example.com"}, "bad_url"),
        ({"repo": "file:///srv/x.git"}, "bad_url"),
        ({"repo": "https:///x.git"}, "bad_url"),
        ({"repo": "https://[git/x.git"}, "bad_url"),
        ({"repo": "https://token@git.example.com/x.git"}, "bad_url"),
        ({"repo": "ssh://git:secret@git.example.com/x.git"}, "bad_url"),
        ({"username": "u"}, "half_credentials"),
        ({"password": "p"}, "half_credentials"),
        ({"repo": SSH, "ssh_key": "/root/.ssh/id"}, "no_private_key"),
        ({"repo": SSH, "known_hosts": "git.example.com"}, "no_host_keys"),
        ({"ca": "/etc/ca.pem"}, "no_certificate"),
        # Without use they are not looked at.
        ({"repo": "http://git.example.com/x.git", "ca": "/etc/ca.pem", "known_hosts": "x", "ssh_key": "x"}, ""),
        ({"repo": SSH, "username": "u", "known_hosts": HOSTS, "ssh_key": KEY}, ""),
        ({"repo": "git@git.example.com:team/x.git"}, ""),
        ({"ca": PEM, "username": "u", "password": "p"}, ""),
    ],
)
def test_options_that_do_not_fit_are_refused(given: dict[str, Any], code: str) -> None:
    if not code:
        check(repository(**given))
        return
    with pytest.raises(CollectionError) as refused:
        check(repository(**given))
    assert refused.value.code == code
    assert refused.value.next_action
    assert "secret" not in str(refused.value)
    assert "token@" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "hosts", "authorities"),
    [
        ({"ca": PEM, "known_hosts": HOSTS}, [], {"git.example.com": f"{PEM}\n"}),
        ({"repo": SSH, "ca": PEM, "known_hosts": f"{HOSTS}\n"}, [HOSTS], {}),
        ({"repo": "http://gitea.git.svc:3000/x.git", "ca": PEM, "known_hosts": HOSTS}, [], {}),
        ({}, [], {}),
    ],
)
def test_what_argo_cd_must_trust(given: dict[str, Any], hosts: list[str], authorities: dict[str, str]) -> None:
    wanted = repository(**given)
    assert (wanted.host_keys, wanted.authorities) == (hosts, authorities)
    # As the last version wrote it, so that a platform is taken over without a restart of the repository server.
    text = f"{given.get('ca', '')}{given.get('known_hosts', '')}".strip()
    assert wanted.digest == (hashlib.sha256(text.encode()).hexdigest() if hosts or authorities else "")


def memory(*tokens: str) -> Memory:
    return Memory(tokens, known=True)


MINE, HOST = f"{PEM}\n", "git.example.com"


@pytest.mark.parametrize(
    ("present", "remembered", "wanted", "kept", "expected"),
    [
        ({}, [], {}, [], Authorities({}, (), (), (), False)),
        ({}, [], {HOST: MINE}, [], Authorities({HOST: MINE}, (HOST,), (), (), True)),
        ({HOST: MINE}, ["tls:" + HOST], {HOST: MINE}, [], Authorities({}, (HOST,), (), (), False)),
        ({HOST: OTHER}, ["tls:" + HOST], {HOST: MINE}, [], Authorities({HOST: MINE}, (HOST,), (), (), True)),
        # Remembered, and lost by an interruption or an upgrade of Argo CD.
        ({}, ["tls:" + HOST], {HOST: MINE}, [], Authorities({HOST: MINE}, (HOST,), (), (), True)),
        # Others added it.
        ({HOST: f"# theirs\n{OTHER}\n{PEM}"}, [], {HOST: MINE}, [], Authorities({}, (), (), (HOST,), False)),
        ({HOST: MINE}, ["ssh"], {}, [], Authorities({}, (), (), (), False)),
        # An earlier repository.
        ({"old": MINE, "x": OTHER}, ["tls:old", "ssh"], {}, [], Authorities({"old": None}, (), (), (), False)),
        ({"old": MINE}, ["tls:old"], {HOST: MINE}, ["old"], Authorities({HOST: MINE}, (HOST,), ("old",), (), True)),
        ({"old": MINE, "b": MINE}, ["tls:b", "tls:old"], {}, ["old", "x"], Authorities({"b": None}, (), ("old",), (), False)),
        ({"x": OTHER}, ["tls:old"], {}, [], Authorities({}, (), (), (), False)),
    ],
)
def test_certificate_authorities(
    present: dict[str, str], remembered: list[str], wanted: dict[str, str], kept: list[str], expected: Authorities
) -> None:
    assert plan_authorities(present, memory(*remembered), wanted, set(kept)) == expected


def test_another_authority_of_others_is_never_overwritten() -> None:
    with pytest.raises(CollectionError, match="did not add") as refused:
        plan_authorities({HOST: OTHER}, memory("tls:old"), {HOST: MINE}, set())
    assert (refused.value.code, HOST in refused.value.next_action) == ("foreign_certificate", True)


def test_certificates_are_compared_by_their_content() -> None:
    assert certificates(f"x\n{PEM}\r\n{OTHER}".replace("\n", "\r\n")) == {"QUJDREVG", "WFla"}
    assert certificates("no certificate") == set()


def noted(text: str | None, labels: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "metadata": {"labels": MARKS if labels is None else labels, "annotations": {} if text is None else {"gitops-airflow/trust": text}}
    }


OLDER = {"app.kubernetes.io/part-of": "gitops-airflow"}
BETA = {**MARKS, "gitops-airflow/platform": "beta"}


@pytest.mark.parametrize(
    ("secret", "project", "adopt", "expected"),
    [
        (None, None, False, Memory()),
        (noted("ssh tls:a"), noted("tls:b"), False, Memory(("ssh", "tls:a"), known=True)),
        (noted(""), noted("tls:b"), False, Memory((), known=True)),
        (noted(None), noted("tls:b"), False, Memory(("tls:b",), known=True, legacy=True)),
        (None, noted("tls:b"), False, Memory(("tls:b",), known=True, legacy=True)),
        (noted(None), noted(None), False, Memory()),
        (noted("ssh", BETA), noted("tls:b", BETA), False, Memory()),
        (noted("ssh", {}), noted("tls:b", {}), True, Memory()),
        (noted("ssh", OLDER), noted("tls:b", OLDER), False, Memory()),
        (noted(None, OLDER), noted("tls:b", OLDER), True, Memory(("tls:b",), known=True, legacy=True)),
    ],
)
def test_what_is_remembered(secret: Any, project: Any, adopt: bool, expected: Memory) -> None:
    assert recall(secret, project, "airflow", adopt) == expected


def test_a_secret_is_shown_without_its_values() -> None:
    before = manifest(repository(username="u", password="old-secret"), [], None)
    after = manifest(repository(username="u", password="new-secret", project="airflow"), [], None)
    first, second = shown(before, after), shown(after, before)
    assert first["data"] == {"type": "git", "url": HTTPS, "username": "(hidden)", "password": "(hidden, differs)"}
    assert second["data"] == {**first["data"], "project": "airflow"}
    assert shown(None, after) == {}
    assert shown(after, None)["data"]["password"] == "(hidden)"
    assert "secret" not in repr(repository(password="old-secret", ssh_key="a-secret"))


@pytest.mark.parametrize(
    ("present", "digest", "added", "expected"),
    [
        ("", "", False, ""),
        ("", "abc", True, "abc"),
        ("abc", "abc", False, "abc"),
        ("abc", "abc", True, "abc-7"),
        ("abc-3", "abc", False, "abc-3"),
        ("abc-3", "abc", True, "abc-7"),
        ("abc-3", "xyz", False, "xyz"),
        ("abc", "", False, ""),
    ],
)
def test_the_repository_server_reads_what_is_new(present: str, digest: str, added: bool, expected: str) -> None:
    assert annotation(present, digest, added, 7) == expected

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading as others will, with the real git command, over HTTP and over HTTPS with a certificate that nobody vouches for."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._git.branch import read_branch
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import KINDS, Credentials
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import GitError
from ansible_collections.gitops.airflow.tests.unit.git_http import Backend, git

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----"
PARAMS: dict[str, Any] = {
    "branch": "main",
    "folders": [],
    "push": False,
    "tunnel": None,
    "timeout": 30,
}


def ask(url: str, temp: Path, **over: Any) -> str:
    given = {"username": "ann", "password": "s3cret"} | {name: over.pop(name) for name in KINDS if name in over}
    return read_branch(PARAMS | {"repo": url, "credentials": Credentials.read(given)} | over, str(temp))


def failure(url: str, temp: Path, **over: Any) -> GitError:
    with pytest.raises(GitError) as caught:
        ask(url, temp, **over)
    assert caught.value.next_action
    return caught.value


def test_the_commit_is_told(server: str, filled: Path, tmp_path: Path) -> None:
    assert ask(f"{server}/repo.git", tmp_path, folders=["app", ".", "", "app/"], push=True) == git(filled, "rev-parse", "main")
    assert not list(tmp_path.glob("git-*"))


def test_f12_a_tag_is_no_branch(server: str, filled: Path, tmp_path: Path) -> None:
    git(filled, "tag", "--annotate", "--message=x", "v1.0", "main")
    for push in (True, False):
        error = failure(f"{server}/repo.git", tmp_path, branch="v1.0", push=push)
        assert error.code == "branch_missing"
        assert "(branch v1.0): 'v1.0' is a tag, not a branch" in error.message
        assert error.next_action == "Correct branch. The branches there: main."


@pytest.mark.parametrize(
    ("over", "code", "words"),
    [
        ({"password": "old"}, "authentication", "refused the credentials"),
        ({"username": None, "password": None}, "authentication", "none are given: the repository is private, or does not exist"),
        ({"branch": "next"}, "branch_missing", "/repo.git (branch next): the branch does not exist"),
        ({"folders": ["app", "dags"]}, "folder_missing", "has no folder 'dags'; the folders at its top: app."),
        ({"folders": ["README"]}, "folder_missing", "has no folder 'README'"),
    ],
)
def test_what_is_wrong_is_told(server: str, tmp_path: Path, over: dict[str, Any], code: str, words: str) -> None:
    error = failure(f"{server}/repo.git", tmp_path, **over)
    assert error.code == code
    assert words in str(error)
    assert "s3cret" not in str(error)


def test_a_reader_may_not_push(server: str, filled: Path, tmp_path: Path) -> None:
    git(filled, "config", "http.receivepack", "false")
    assert ask(f"{server}/repo.git", tmp_path)
    error = failure(f"{server}/repo.git", tmp_path, push=True)
    assert error.code == "authentication"
    assert "(branch main): the credentials can read the repository, but not push to it. git says: " in str(error)
    assert error.next_action == "Give username and password (a token) that may push."


def test_what_only_this_user_has_does_not_help(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ann password s3cret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert failure(f"{server}/repo.git", tmp_path, username=None, password=None).code == "authentication"


@pytest.fixture
def https(server: str, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The same repository over HTTPS, and the certificate of the server, which signed itself."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=git"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with ThreadingHTTPServer(("127.0.0.1", 0), Backend) as running:
        running.socket = context.wrap_socket(running.socket, server_side=True)
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"https://127.0.0.1:{running.server_address[1]}/repo.git", certificate
        running.shutdown()
        thread.join()


def test_an_authority_of_ones_own(https: tuple[str, Path], tmp_path: Path) -> None:
    url, certificate = https
    assert ask(url, tmp_path, ca=str(certificate)) == ask(url, tmp_path, ca=certificate.read_text())
    assert failure(url, tmp_path).code == "untrusted_certificate"


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"ssh_key": KEY}, "any server could pose as it. Run ssh-keyscan -p 2222 git.example.com > known_hosts"),
        ({"known_hosts": "git.example.com ssh-ed25519 AAAA"}, "no key is given"),
    ],
)
def test_ssh_needs_key_and_host_keys(tmp_path: Path, over: dict[str, Any], words: str) -> None:
    error = failure("ssh://git@git.example.com:2222/dags.git", tmp_path, **over)
    assert error.code == "incomplete"
    assert words in error.text


def test_texts_are_files_for_the_time_of_the_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, str] = {}

    def fetch(remote: Any) -> str:
        for name in ("ssh_key", "known_hosts"):
            path = remote.root / name
            found[name] = path.read_text()
            assert path.stat().st_mode & 0o077 == 0
        return "abc"

    monkeypatch.setattr("ansible_collections.gitops.airflow.plugins.module_utils._git.remote.Remote.fetch", fetch)
    assert ask("git@git.example.com:dags.git", tmp_path, ssh_key=KEY, known_hosts="h ssh-rsa A\n\n") == "abc"
    assert found == {"ssh_key": f"{KEY}\n", "known_hosts": "h ssh-rsa A\n"}
    assert not list(tmp_path.iterdir())

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that is downloaded once and verified."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from urllib.error import URLError

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base import download
from ansible_collections.gitops.airflow.plugins.module_utils._base.download import ensure_file, get, listed_digest, parse_checksum
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError, InputError
from ansible_collections.gitops.airflow.tests.unit.logging_proxy import logging_proxy, set_proxy
from ansible_collections.gitops.airflow.tests.unit.recording_server import recording_server

URL, SUMS = "https://mirror.example/argocd/install.yaml", "https://mirror.example/argocd/sums.txt"
CONTENT = b"kind: List\n"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server:
    """Answers, and remembers the requests."""

    def __init__(self, **answers: bytes) -> None:
        self.answers, self.asked = {URL: CONTENT, SUMS: f"{'0' * 64}  other\n{DIGEST} *install.yaml\n".encode()}, list[str]()

    def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        if url not in self.answers:
            raise URLError("no route to host")
        return self.answers[url]


@pytest.mark.parametrize("checksum", [f"sha256:{DIGEST}", f"sha256:{DIGEST.upper()}", f"sha256:{SUMS}"])
def test_it_is_downloaded_once(tmp_path: Path, checksum: str) -> None:
    server, path = Server(), tmp_path / "new" / "install.yaml"
    assert ensure_file(path, URL, checksum, check=True, fetch=server) == (CONTENT, True)
    assert not path.parent.exists()
    assert ensure_file(path, URL, checksum, check=False, fetch=server) == (CONTENT, True)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (CONTENT, 0o644)
    server.asked.clear()
    assert ensure_file(path, URL, checksum, check=False, fetch=server) == (CONTENT, False)
    assert server.asked == []
    assert [item.name for item in path.parent.iterdir()] == ["install.yaml"]


def test_another_file_of_that_name_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "install.yaml"
    path.write_text("half a fi")
    assert ensure_file(path, URL, f"sha256:{DIGEST}", check=False, fetch=Server()) == (CONTENT, True)
    assert path.read_bytes() == CONTENT


def test_a_file_with_another_checksum_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(CollectionError, match="is not the file that was expected") as refusal:
        ensure_file(tmp_path / "install.yaml", URL, f"sha256:{'1' * 64}", check=False, fetch=Server())
    assert refusal.value.code == "checksum_mismatch"
    assert list(tmp_path.iterdir()) == []


def test_no_answer_is_an_error_with_the_url(tmp_path: Path) -> None:
    with pytest.raises(CollectionError, match=r"https://elsewhere\.example/x cannot be downloaded: .*no route to host"):
        ensure_file(tmp_path / "x", "https://elsewhere.example/x", f"sha256:{DIGEST}", check=False, fetch=Server())


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CollectionError, match="cannot be written"):
        ensure_file(tmp_path / "file" / "x", URL, f"sha256:{DIGEST}", check=False, fetch=Server())


@pytest.mark.parametrize("checksum", ["", "sha256:", DIGEST, "crc:1", "shake_128:00"])
def test_a_bad_checksum_is_refused(checksum: str) -> None:
    with pytest.raises(InputError, match="checksum is"):
        parse_checksum(checksum)


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        ("AB12", "ab12"),
        ("ab12  anything\n", "ab12"),
        ("cd34  other\nab12  ./dist/install.yaml\n", "ab12"),
        ("cd34  other\nef56  another\n", ""),
        ("SHA256:\nab12  install.yaml\n", "ab12"),
        ("", ""),
    ],
)
def test_lists_of_digests(text: str, digest: str) -> None:
    assert listed_digest(text, "install.yaml") == digest


def test_a_redirect_gets_no_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login person password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with recording_server() as storage, recording_server(location=storage.url.replace("127.0.0.1", "localhost")) as mirror:
        assert get(mirror.url) == b"answer"
    assert (mirror.logins, storage.logins) == (["Basic cGVyc29uOnNlY3JldA=="], [""])


@pytest.mark.parametrize(
    ("url", "no_proxy", "seen"),
    [
        ("http://mirror.test/", "", ["GET http://mirror.test/"]),
        ("http://127.0.0.1:{port}/", "", []),
        ("http://10.255.255.1/", "10.0.0.0/8", []),
    ],
)
def test_the_proxy_of_a_download(monkeypatch: pytest.MonkeyPatch, url: str, no_proxy: str, seen: list[str]) -> None:
    monkeypatch.setattr(download, "SECONDS", 0.5)
    with recording_server() as server, logging_proxy({"mirror.test": server.port}) as proxy:
        set_proxy(monkeypatch, proxy.url, no_proxy)
        with contextlib.suppress(URLError):  # a network that does not exist
            assert get(url.format(port=server.port)) == b"answer"
    assert proxy.requests == seen


def test_f3_a_proxy_that_is_not_a_url_is_named_as_the_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_proxy(monkeypatch, "http://ann:secret@p:abc", "")
    with pytest.raises(CollectionError) as caught:
        ensure_file(tmp_path / "x", "http://mirror.test/x", f"sha256:{DIGEST}", check=False)
    assert caught.value.code == "bad_proxy"
    assert caught.value.message.startswith("The proxy is 'http://p:abc': ")

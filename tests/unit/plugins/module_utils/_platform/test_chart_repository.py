# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F7: whether Argo CD will get the official chart, found out before anything is changed."""

from __future__ import annotations

import email.message
import io
import ssl
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform import chart_repository
from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_repository import check, get, judge, rules
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import Chart

CHART = Chart("https://charts.example.com/team", "1.15.0")
INDEX = b"apiVersion: v1\nentries:\n  airflow:\n  - {version: 1.16.0}\n  - {version: 1.15.0}\n  other:\n  - {version: 9.9.9}\n"
AT = "platform_airflow_chart_repository is https://charts.example.com/team"


def http_error(code: int) -> HTTPError:
    return HTTPError("u", code, "no", email.message.Message(), io.BytesIO())


def untrusted() -> URLError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate in certificate chain"
    return URLError(error)


@pytest.mark.parametrize(
    ("answer", "proxied", "provider", "code", "words"),
    [
        (INDEX, False, "kind", "", ""),
        (
            INDEX.replace(b"1.15.0", b"1.14.0"),
            False,
            "kind",
            "chart_version",
            "has no chart airflow 1.15.0 (platform_airflow_chart_version)",
        ),
        (b"entries: {other: []}", False, "existing", "chart_repository", "whose index.yaml lists no chart airflow"),
        (b"<html>log in</html>", False, "existing", "chart_repository", "whose index.yaml lists no chart airflow"),
        (b"a: [", False, "existing", "chart_repository", "whose index.yaml lists no chart airflow"),
        (http_error(404), False, "existing", "chart_repository", "which answers index.yaml with 404"),
        (http_error(403), True, "kind", "chart_repository", "which answers index.yaml with 403"),
        (
            untrusted(),
            True,
            "existing",
            "untrusted_certificate",
            "no public authority has signed: self-signed certificate in certificate chain",
        ),
        (URLError(OSError("timed out")), True, "kind", "unreachable", "does not reach without a proxy: timed out. Argo CD has no proxy."),
    ],
)
def test_f7_what_an_answer_means_for_argo_cd(answer: bytes | Exception, proxied: bool, provider: str, code: str, words: str) -> None:
    refusals, warnings = judge(CHART, provider, answer, proxied)
    assert ([item.code for item in refusals], warnings) == ([code] if code else [], [])
    for refusal in refusals:
        assert refusal.message.startswith(AT)
        assert words in refusal.message
        assert refusal.message.endswith(".")
        assert refusal.next_action.endswith(".")
        assert "airflow_app_chart_archive" in refusal.next_action or "1.16.0" in refusal.next_action


@pytest.mark.parametrize(
    ("answer", "proxied", "provider"),
    [
        # The cluster has a network of its own, or it passes.
        (URLError(OSError("no route to host")), False, "kind"),
        (TimeoutError("timed out"), True, "existing"),
        (http_error(503), False, "kind"),
        (http_error(429), True, "kind"),
    ],
)
def test_f7_what_this_machine_cannot_know_is_a_warning(answer: Exception, proxied: bool, provider: str) -> None:
    refusals, (warning,) = judge(CHART, provider, answer, proxied)
    assert refusals == []
    assert warning.startswith(AT)
    assert "airflow_app_chart_archive" in warning


@pytest.mark.parametrize(
    "chart", [Chart(), Chart("https://h", "1", "/srv/airflow.tgz"), Chart("oci://h/charts"), Chart("file:///x"), Chart("https://u:p@h/x")]
)
def test_f7_a_repository_that_argo_cd_does_not_need_is_not_asked(chart: Chart) -> None:
    def fetch(_url: str) -> bytes:
        raise AssertionError("asked")

    assert check(chart, "kind", fetch) == ([], [])


def test_f3_a_proxy_that_is_not_a_url_is_refused_with_the_other_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://ann:secret@p:abc")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    (refusal,), warnings = check(CHART, "existing", lambda _url: INDEX)
    assert (refusal.code, refusal.value, warnings) == ("bad_proxy", "http://p:abc", [])
    assert "'http://p:abc': Port could not be cast" in refusal.message
    assert "HTTPS_PROXY" in refusal.next_action


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://[::1/charts", "an IPv6 address in it must stand in brackets"),
        ("https://charts.example.com:abc/x", "Port could not be cast"),
        ("https://charts.example.com/x?y=z", "it must have no query"),
    ],
)
def test_f7_a_url_that_no_request_can_be_sent_to(url: str, problem: str) -> None:
    (refusal,) = rules(Chart(url, "1.15.0"))
    assert (refusal.code, refusal.value) == ("bad_url", url)
    assert f"platform_airflow_chart_repository is '{url}': {problem}" in refusal.message
    assert check(Chart(url, "1.15.0"), "kind", lambda _url: INDEX) == ([], [])


def test_f7_it_is_asked_for_its_index(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        raise URLError(OSError("no route to host"))

    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    (refusal,), _warnings = check(Chart("https://charts.example.com/team/"), "kind", fetch)
    assert (asked, refusal.code) == (["https://charts.example.com/team/index.yaml"], "unreachable")
    asked.clear()
    (refusal,), _warnings = check(Chart("HTTPS://charts.example.com"), "kind", fetch)
    assert (asked, refusal.code) == (["HTTPS://charts.example.com/index.yaml"], "unreachable")


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(INDEX)

    def log_message(self, *_arguments: object) -> None: ...


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    found = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield found
    found.shutdown()
    found.server_close()


def test_f7_no_proxy_is_asked(server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert get(f"http://127.0.0.1:{server.server_port}/index.yaml") == INDEX


def test_f7_argo_cds_own_proxy_is_asked(server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever proxy this machine has. If this machine does not reach the server through it, that is a warning."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    chart, through = Chart("http://charts.example.com", "1.15.0"), {"http": f"http://127.0.0.1:{server.server_port}", "no": ".svc"}
    assert check(chart, "kind", cluster=through) == ([], [])
    (refusals, (warning,)) = check(chart, "kind", cluster={"http": "http://127.0.0.1:1", "no": ".svc"})
    assert refusals == []
    assert "which this machine does not reach through http://127.0.0.1:1 (platform_proxies)" in warning


def test_f7_an_authority_of_this_machine_alone_does_not_count(
    server: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SSL_CERT_FILE makes this machine trust it, and Argo CD does not."""
    key, authority = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=charts"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(authority)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    chart = Chart(f"https://localhost:{server.server_port}", "1.15.0")
    (refusal,), _warnings = check(chart, "existing")
    assert refusal.code == "untrusted_certificate"


def archive(path: Path, files: dict[str, bytes]) -> str:
    with tarfile.open(path, "w:gz") as made:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            made.addfile(entry, io.BytesIO(content))
    return str(path)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"airflow/Chart.yaml": b"name: airflow\nversion: 1.15.0\n"}, ""),
        ({"airflow/Chart.yaml": b"name: airflow\nversion: 1.16.0\n"}, "has version 1.16.0, not 1.15.0 (platform_airflow_chart_version)"),
        ({"airflow/Chart.yaml": b"a: ["}, "has version None, not 1.15.0"),
        ({"other/Chart.yaml": b"version: 1.15.0\n"}, "has no file airflow/Chart.yaml"),
        (b"words", "cannot be read as an archive"),
        (None, "cannot be read as an archive: [Errno 2]"),
    ],
)
def test_f7_an_archive_is_the_chart_of_that_version(tmp_path: Path, files: dict[str, bytes] | bytes | None, words: str) -> None:
    path = tmp_path / "airflow.tgz"
    if isinstance(files, dict):
        archive(path, files)
    elif files is not None:
        path.write_bytes(files)
    found = list(rules(Chart("https://h", "1.15.0", str(path))))
    assert [item.code for item in found] == (["chart_archive"] if words else [])
    if words:
        assert f"airflow_app_chart_archive is '{path}', which {words}" in found[0].message
        assert "airflow-1.15.0.tgz" in found[0].next_action


def test_f7_a_token_in_the_chart_repositorys_url_is_refused() -> None:
    (found,) = rules(Chart("https://ann:s3cret@h/charts"))
    assert found.code == "token_in_url"
    assert "s3cret" not in str(found)
    assert not list(rules(CHART))
    assert chart_repository.archive_fault("/nonexistent", "")

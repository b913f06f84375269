"""Bad input: site.yml must stop before it makes anything, and say the value, the rule and the next action."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

TEST_PORT = 18080
Site = Callable[..., "subprocess.CompletedProcess[str]"]
"""Runs playbooks/site.yml with extra variables (the fixture of conftest.py)."""


@contextmanager
def registry(folder: Path, status: int) -> Iterator[tuple[str, dict[str, str]]]:
    """A registry on the loopback that answers every request for a manifest with one status.

    Yields its host:port and the environment in which docker trusts its certificate.
    """
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=registry"]
    subprocess.run(
        [*command, "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            code = 200 if self.path == "/v2/" else status
            error = {404: "MANIFEST_UNKNOWN"}.get(code, "UNKNOWN")
            body = json.dumps({"errors": [{"code": error, "message": error.lower().replace("_", " ")}]}).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = answer

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}", {"SSL_CERT_FILE": str(certificate)}
    server.shutdown()


def clusters() -> str:
    return subprocess.run(
        ["docker", "ps", "-a", "--filter", "label=io.x-k8s.kind.cluster=airflow-test", "--format", "{{.Names}}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def refused(result: subprocess.CompletedProcess[str], *words: str) -> None:
    """The run failed, its message has these words, and no cluster was made."""
    text = " ".join((result.stdout + result.stderr).split())
    assert result.returncode != 0, text
    for word in words:
        assert word in text
    assert clusters() == ""


def test_docker_missing(site: Site, tmp_path: Path) -> None:
    for tool in ("ansible-playbook", "git", "sh", "bash", "env"):
        found = shutil.which(tool)
        assert found
        (tmp_path / tool).symlink_to(found)
    result = site(env={"PATH": str(tmp_path)})
    refused(result, "docker", "not found")


def test_engine_not_running(site: Site) -> None:
    result = site(env={"DOCKER_HOST": "unix:///nonexistent/docker.sock"})
    refused(result, "docker", "not", "unix:///nonexistent/docker.sock")


def test_port_busy(site: Site) -> None:
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", TEST_PORT))
        holder.listen()
        refused(site(), str(TEST_PORT), f"pid {os.getpid()}")


@pytest.mark.parametrize(
    ("variable", "word"),
    [("kind_cluster_min_memory_mb", "memory"), ("kind_cluster_min_disk_mb", "disk")],
)
def test_machine_too_small(site: Site, variable: str, word: str) -> None:
    refused(site(**{variable: 999_999_999}), word, "999999999")


def test_registry_answers_with_an_error(site: Site, tmp_path: Path) -> None:
    with registry(tmp_path, 503) as (host, env):
        image = f"{host}/kindest/node:v1.29.4"
        refused(site(env=env, kind_cluster_node_image=f'"{image}"'), image, "answers with an error", "503")


def test_unknown_node_image(site: Site, tmp_path: Path) -> None:
    with registry(tmp_path, 404) as (host, env):
        image = f"{host}/kindest/node:v0.0.0"
        refused(site(env=env, kind_cluster_node_image=f'"{image}"'), f"has no image {image}")


def test_registry_unreachable(site: Site) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{closed.getsockname()[1]}"
        refused(site(kind_cluster_node_image=f'"{host}/kindest/node:v1.29.4"'), f"{host}/kindest/node:v1.29.4", "reach")


def test_namespace_lists_disagree(site: Site) -> None:
    values = {"config": {"kubernetes_executor": {"multi_namespace_mode_namespace_list": "airflow-core,elsewhere"}}}
    refused(site(airflow_app_values=json.dumps(values)), "airflow-core,elsewhere", "airflow-core,airflow-cron,airflow-user")


def test_one_port_for_two(site: Site) -> None:
    refused(site(platform_argocd_host_port=TEST_PORT), "both 18080")


def test_ssh_repository_without_host_keys(site: Site, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    repository = '"ssh://git@127.0.0.1:1/dags.git"'
    result = site(airflow_app_dags_repo=repository, airflow_app_dags_ssh_key=f'"{tmp_path}/key"')
    refused(result, "ssh://git@127.0.0.1:1/dags.git", "Run ssh-keyscan -p 1 127.0.0.1 > known_hosts")


def test_platform_repository_out_of_reach(site: Site) -> None:
    result = site(airflow_app_platform_repo='"https://127.0.0.1:1/platform.git"')
    refused(result, "https://127.0.0.1:1/platform.git", "cannot be reached")


def test_token_without_user(site: Site) -> None:
    result = site(airflow_app_dags_repo='"https://127.0.0.1:1/dags.git"', airflow_app_dags_password='"s3cret-token"')
    refused(result, "airflow_app_dags_username")
    assert "s3cret-token" not in result.stdout


def test_another_executor(site: Site) -> None:
    refused(site(airflow_app_values=json.dumps({"executor": "CeleryExecutor"})), "CeleryExecutor", "KubernetesExecutor")

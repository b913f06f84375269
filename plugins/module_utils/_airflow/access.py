# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to an Airflow webserver: by its URL, or through the Kubernetes API."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.error import HTTPError, URLError

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.api import Access, AirflowApi, sender_to
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.http_sender import Send
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, connect
from ansible_collections.gitops.airflow.plugins.module_utils._kube.credentials import LOGIN_SPEC, read_credentials
from ansible_collections.gitops.airflow.plugins.module_utils._kube.tunnel import TUNNEL_SPEC, Tunnel, open_tunnel
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

# Here these two are Airflow's.
OWN_NAMES = ("username", "password")
AIRFLOW_SPEC: dict[str, Any] = {
    **AUTH_ARG_SPEC,
    "url": {"type": "str"},
    "tunnel": TUNNEL_SPEC,
    "username": {"type": "str", "required": True},
    "password": {"type": "str", "no_log": True},
    "credentials_from": {"type": "dict", "options": LOGIN_SPEC},
    "ca_path": {"type": "path"},
}
ONE_WAY = [("url", "tunnel"), ("password", "credentials_from")]


def kube_options(params: dict[str, Any]) -> dict[str, Any]:
    """The options of AIRFLOW_SPEC that reach the Kubernetes API."""
    return {name: params[name] for name in AUTH_ARG_SPEC if name not in OWN_NAMES}


def tunnelled(send: Send, tunnel: Tunnel) -> Send:
    """The same requests; where no answer comes, with the tunnel's own reason."""

    def through(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> bytes:
        try:
            return send(method, url, body, headers)
        except HTTPError:
            raise
        except OSError as error:
            raise URLError(tunnel.error or error) from error

    return through


def through_tunnel(tunnel: Tunnel, username: str, password: str, name: str) -> AirflowApi:
    """The API behind an open tunnel; ``name`` is what messages call it."""
    access = Access(f"http://127.0.0.1:{tunnel.port}", username, password, name=name)
    return AirflowApi(access, tunnelled(sender_to(access), tunnel))


@contextlib.contextmanager
def open_airflow(params: dict[str, Any], hide: Callable[[str], None]) -> Iterator[AirflowApi]:
    """The API that AIRFLOW_SPEC's options name. ``hide`` gets a password that is read from a Secret, so that no result shows it.

    Raises CollectionError where it can never answer.
    """
    own = {name: params[name] for name in OWN_NAMES}
    if params.get("credentials_from"):
        found = read_credentials(connect(kube_options(params)), params["credentials_from"], params["username"], check=False)
        hide(found.password)
        own = {"username": found.username, "password": found.password}
    if not params["tunnel"]:
        certificates = params["validate_certs"] is not False
        yield AirflowApi(Access(params["url"], **own, validate_certs=certificates, ca_path=params["ca_path"]))
        return
    at = params["tunnel"]
    with open_tunnel(kube_options(params), **at, wait=False) as tunnel:
        yield through_tunnel(tunnel, **own, name=f"Service {at['service']} in {at['namespace']}")


@contextlib.contextmanager
def open_as_admin(
    api: KubeApi, auth: dict[str, Any], namespace: str, service: str, port: int, username: str, secret: str
) -> Iterator[AirflowApi]:
    """The API behind a Service, as the user whose password a Secret of its namespace holds. Raises CollectionError."""
    given = {"namespace": namespace, "name": secret, "username_key": "", "password_key": "password", "platform": ""}
    try:
        password = read_credentials(api, given, username, check=False).password
    except CollectionError as error:
        if error.code not in ("missing_secret", "missing_key"):
            raise
        raise CollectionError(error.message, "Run site.yml, which makes it.", error.code) from error
    with open_tunnel(auth, namespace, service, port) as tunnel:
        yield through_tunnel(tunnel, username, password, name=f"Service {service}")

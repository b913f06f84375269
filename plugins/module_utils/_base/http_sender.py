# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that carry a password or token. Why not by Ansible's own library: docs/adr/0007-http.md."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit
from urllib.request import BaseHandler, HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener, getproxies_environment

from ansible_collections.gitops.airflow.plugins.module_utils._base.transport import proxy_for

Send = Callable[[str, str, "bytes | None", Mapping[str, str]], bytes]
"""(method, url, body, headers) → body; raises HTTPError, URLError, HTTPException, OSError or ValueError."""


class _NoRedirect(HTTPRedirectHandler):
    """A redirect is an answer to show, not to follow: it would take the credentials along."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def sender(server: str, timeout: float, *, ca_path: str | None = None, validate_certs: bool = True) -> Send:
    """Sends requests to the server of that URL, each within ``timeout`` seconds. The certificates are read once for all of them.

    :raises OSError: where ``ca_path`` cannot be read as certificates.
    """
    proxy = proxy_for(server, getproxies_environment())
    handlers: list[BaseHandler] = [_NoRedirect(), ProxyHandler({urlsplit(server).scheme: proxy} if proxy else {})]
    if urlsplit(server).scheme == "https":
        context = ssl.create_default_context(cafile=ca_path)
        if not validate_certs:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        handlers.append(HTTPSHandler(context=context))
    opener = build_opener(*handlers)

    def send(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> bytes:
        with opener.open(Request(url, data=body, headers=dict(headers), method=method), timeout=timeout) as response:
            content: bytes = response.read()
        return content

    return send


def basic(username: str, password: str) -> str:
    """The header Authorization of basic authentication."""
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"

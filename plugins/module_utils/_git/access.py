# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module's options for a repository, and the way to it: credentials and tunnel."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.transport import sends_in_clear
from ansible_collections.gitops.airflow.plugins.module_utils._base.url import public_url
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import OPTION_NAMES, SPEC, Credentials, problems, refuse
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import GitError, check_url, through
from ansible_collections.gitops.airflow.plugins.module_utils._git.remote import Access, Remote
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, connect
from ansible_collections.gitops.airflow.plugins.module_utils._kube.credentials import CREDENTIALS_SPEC, read_credentials
from ansible_collections.gitops.airflow.plugins.module_utils._kube.tunnel import TUNNEL_SPEC, Tunnel, TunnelError, open_tunnel
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

REMOTE_SPEC: dict[str, Any] = {
    **AUTH_ARG_SPEC,
    "repo": {"type": "str", "required": True},
    "branch": {"type": "str", "default": "main"},
    "credentials": SPEC,
    "credentials_from": CREDENTIALS_SPEC,
    "tunnel": TUNNEL_SPEC,
    "timeout": {"type": "int", "default": 120},
    "names": {"type": "dict", "default": {}},
    "names_prefix": {"type": "str", "default": ""},
}


def with_credentials(params: dict[str, Any], check: bool, hide: Callable[[str], None]) -> dict[str, Any]:
    """The options with the Credentials that O(credentials) and O(credentials_from) stand for. ``hide`` is given a password that was read.

    The options themselves stay as they are, because Ansible shows them. Raises ApiError, CollectionError, OSError.
    """
    found = Credentials.read(params["credentials"])
    if params["credentials_from"]:
        found = with_password(connect(params), params, found, check, hide)
    return {**params, "credentials": found}


def with_password(api: KubeApi, params: dict[str, Any], found: Credentials, check: bool, hide: Callable[[str], None]) -> Credentials:
    """The credentials with the user and password that O(credentials_from) names, if it names a Secret. Raises ApiError, CollectionError."""
    if not params["credentials_from"]:
        return found
    stored = read_credentials(api, params["credentials_from"], found.username, check)
    if stored.password:
        hide(stored.password)
    return replace(found, username=stored.username, password=stored.password)


@contextlib.contextmanager
def open_remote(params: dict[str, Any], temp: str, *, isolated: bool = False) -> Iterator[Remote]:
    """The branch that the options of with_credentials name; isolated, nothing of this user's own helps.

    Raises GitError, TunnelError, OSError.
    """
    url, alias = params["repo"], ""
    check_url(url)
    credentials = params["credentials"].for_url(url)
    check_privacy(credentials, url, bool(params["tunnel"]))
    refuse(problems(credentials, url))
    tunnel: Tunnel | None = None
    with contextlib.ExitStack() as stack:
        if params["tunnel"]:
            tunnel = stack.enter_context(open_tunnel(params, **params["tunnel"]))
            url, alias = through(url, tunnel.port)
        # A local port has nothing to do with what this user has set for hosts: proxies, headers, .netrc.
        isolated = isolated or (tunnel is not None and url.startswith("http:"))
        access = Access(credentials, host_key_alias=alias, tunnelled=bool(tunnel), isolated=isolated)
        shown = public_url(params["repo"])
        remote = stack.enter_context(Remote(url, params["branch"], access, shown=shown, timeout=params["timeout"], temp=temp))
        try:
            yield remote
        except GitError as error:
            if tunnel and tunnel.error:
                advice = getattr(tunnel.error, "next_action", "") or error.next_action
                raise TunnelError(f"the tunnel to {params['tunnel']['service']} broke: {tunnel.error}. {error}", advice) from error
            if tunnel and error.code == "locked":
                raise _with_command(error, params["tunnel"]) from error
            raise


def _with_command(error: GitError, tunnel: dict[str, Any]) -> GitError:
    """The error of a server in the cluster, whose next action has the command."""
    action, command = error.next_action.rstrip("."), f"kubectl -n {tunnel['namespace']} exec service/{tunnel['service']} -- rm FILE"
    return GitError(error.message, f"{action} ({command}).", error.code)


def check_privacy(credentials: Credentials, url: str, tunnelled: bool) -> None:
    """Raises GitError for credentials that could be read on their way: plain HTTP, neither to this machine nor by a tunnel (H5)."""
    if (credentials.username or credentials.password) and not tunnelled and sends_in_clear(url):
        raise GitError(
            f"repo is {public_url(url)}: over plain HTTP its credentials could be read on their way, so they are sent only to "
            "this machine (localhost) or through a tunnel.",
            "Give an https or SSH URL as {repo}, or no {username} and {password}.",
            "unencrypted",
        )


def named(error: GitError, params: dict[str, Any]) -> GitError:
    """The error, whose next action calls the options what their reader calls them."""
    prefix = params["names_prefix"]
    return error.named({**({} if prefix else OPTION_NAMES), **params["names"]}, prefix)

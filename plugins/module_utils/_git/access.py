# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module's options for a repository, and the way to it: credentials, trust, tunnel."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.transport import sends_in_clear
from ansible_collections.gitops.airflow.plugins.module_utils._base.url import public_url
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import GitError, check_url, through
from ansible_collections.gitops.airflow.plugins.module_utils._git.remote import Access, Remote
from ansible_collections.gitops.airflow.plugins.module_utils._kube.credentials import CREDENTIALS_SPEC, read_credentials
from ansible_collections.gitops.airflow.plugins.module_utils._kube.tunnel import TUNNEL_SPEC, Tunnel, TunnelError, open_tunnel
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

# Here these two are the Git server's.
OWN_NAMES = ("username", "password")
# A file on this machine, or its text.
FILES = {"ssh_key": "ssh_key_content", "known_hosts": "known_hosts_content", "ca_path": "ca_content"}

# What a next action calls those that it calls otherwise (OPTIONS in model).
OPTION = {"ca_path": "ca"}

REMOTE_SPEC: dict[str, Any] = {
    **AUTH_ARG_SPEC,
    "repo": {"type": "str", "required": True},
    "branch": {"type": "str", "default": "main"},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "credentials_from": CREDENTIALS_SPEC,
    "ssh_key": {"type": "path"},
    "ssh_key_content": {"type": "str", "no_log": True},
    "known_hosts": {"type": "path"},
    "known_hosts_content": {"type": "str"},
    "ca_path": {"type": "path"},
    "ca_content": {"type": "str"},
    "tunnel": TUNNEL_SPEC,
    "timeout": {"type": "int", "default": 120},
    "names": {"type": "dict", "default": {}},
    "names_prefix": {"type": "str", "default": ""},
}
EXCLUSIVE = list(FILES.items())


def cluster_auth(params: dict[str, Any]) -> dict[str, Any]:
    """The options by which the Kubernetes API is reached."""
    return {name: params[name] for name in AUTH_ARG_SPEC if name not in OWN_NAMES}


def with_credentials(params: dict[str, Any], check: bool, hide: Callable[[str], None]) -> dict[str, Any]:
    """The options with the user name and password that O(credentials_from) names. ``hide`` is given the password.

    The options themselves stay as they are, because Ansible shows them. Raises ApiError, CollectionError.
    """
    given = params["credentials_from"]
    if not given:
        return params
    from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import connect

    found = read_credentials(connect(cluster_auth(params)), given, params["username"] or "", check)
    if found.password:
        hide(found.password)
    return {**params, "username": found.username, "password": found.password}


@contextlib.contextmanager
def open_remote(params: dict[str, Any], temp: str, *, isolated: bool = False) -> Iterator[Remote]:
    """The branch that REMOTE_SPEC's options name; isolated, nothing of this user's own helps. Raises GitError, TunnelError, OSError."""
    check_url(params["repo"])
    check_privacy(params)
    tunnel: Tunnel | None = None
    url, alias = params["repo"], ""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="git-access-", dir=temp)))
        files = {name: _file(params, name, folder) for name in FILES}
        if params["tunnel"]:
            tunnel = stack.enter_context(open_tunnel(cluster_auth(params), **params["tunnel"]))
            url, alias = through(url, tunnel.port)
        own = {name: params[name] or "" for name in OWN_NAMES}
        # A local port has nothing to do with what this user has set for hosts: proxies, headers, .netrc.
        isolated = isolated or (tunnel is not None and url.startswith("http:"))
        access = Access(**own, **files, host_key_alias=alias, tunnelled=bool(tunnel), isolated=isolated)
        shown = public_url(params["repo"])
        remote = stack.enter_context(Remote(url, params["branch"], access, shown=shown, timeout=params["timeout"], temp=temp))
        try:
            yield remote
        except GitError as error:
            if tunnel and tunnel.error:
                advice = getattr(tunnel.error, "next_action", "") or error.next_action
                raise TunnelError(f"the tunnel to {params['tunnel']['service']} broke: {tunnel.error}. {error}", advice) from error
            raise


def check_privacy(params: dict[str, Any]) -> None:
    """Raises GitError for credentials that could be read on their way: plain HTTP, neither to this machine nor by a tunnel (H5)."""
    if (params["username"] or params["password"]) and not params["tunnel"] and sends_in_clear(params["repo"]):
        raise GitError(
            f"repo is {public_url(params['repo'])}: over plain HTTP its credentials could be read on their way, so they are sent only to "
            "this machine (localhost) or through a tunnel.",
            "Give an https or SSH URL as {repo}, or no {username} and {password}.",
            "unencrypted",
        )


def _file(params: dict[str, Any], name: str, folder: Path) -> str:
    """The path of a file that was given by its path or by its text; empty where it was not given."""
    path: str = params[name] or ""
    text: str = params[FILES[name]] or ""
    if path and not os.path.isfile(path):
        raise GitError(f"{name} is {path}, there is no such file.", f"Correct {{{OPTION.get(name, name)}}}.", "bad_path")
    if not text:
        return path
    file = folder / name
    file.touch(mode=0o600)
    file.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    return str(file)

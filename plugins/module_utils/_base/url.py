# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""URLs of repositories and servers: what may be shown of them, and whether they are read over SSH. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

SCP_LIKE = re.compile(r"^(?:(?P<user>[^@/:]+)@)?(?P<host>[^/:]+):(?!//)(?P<path>.+)$")


def public_url(url: str) -> str:
    """The URL without a password, and without a user name where that may be a token."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}{at}{host}" if parts.scheme == "ssh" else host))


def ssh_server(url: str) -> tuple[str, int] | None:
    """Host and port of an SSH URL; None for another one."""
    if "://" in url:
        parts = urlsplit(url)
        return (parts.hostname or "", parts.port or 22) if parts.scheme == "ssh" else None
    match = SCP_LIKE.match(url)
    return (match["host"], 22) if match else None


def scheme(url: str) -> str:
    """The scheme of a URL in lower-case letters, ``ssh`` also for user@host:path. Empty for what is not a URL."""
    try:
        return "ssh" if ssh_server(url) else urlsplit(url).scheme
    except ValueError:
        return ""

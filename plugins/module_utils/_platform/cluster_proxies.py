# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxies through which Argo CD and git-sync reach Git servers and chart repositories (platform_proxies). Pure.

A filter imports this file: it needs no other collection and no library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# What is reached without a proxy in any case: this pod, and the Services of the cluster.
INSIDE = ("localhost", "127.0.0.1", "::1", ".svc", ".cluster.local")
VARIABLES = {"http": "HTTP_PROXY", "https": "HTTPS_PROXY"}


def no_proxy(proxies: Mapping[str, Any], ranges: Sequence[Any] = ()) -> str:
    """The list of what is reached without a proxy. ``ranges``: networks of the cluster."""
    own = [entry.strip() for entry in str(proxies.get("no_proxy") or "").split(",")]
    return ",".join(dict.fromkeys(entry for entry in (*INSIDE, *map(str, ranges), *own) if entry))


def proxy_environment(proxies: Mapping[str, Any], ranges: Sequence[Any] = ()) -> dict[str, str]:
    """Environment variables, each in upper and lower case: git takes http_proxy in lower case alone. Empty without a proxy."""
    found = {name: str(proxies[key]) for key, name in VARIABLES.items() if proxies.get(key)}
    if not found:
        return {}
    found["NO_PROXY"] = no_proxy(proxies, ranges)
    return {key: value for name, value in found.items() for key in (name, name.lower())}


def urls(proxies: Mapping[str, Any]) -> list[str]:
    """The proxies, each once."""
    return list(dict.fromkeys(str(proxies[key]) for key in VARIABLES if proxies.get(key)))


def by_scheme(proxies: Mapping[str, Any], ranges: Sequence[Any] = ()) -> dict[str, str]:
    """The same in the words of urllib: the scheme of a URL, and C(no)."""
    found = {key: str(proxies[key]) for key in VARIABLES if proxies.get(key)}
    return {**found, "no": no_proxy(proxies, ranges)} if found else {}

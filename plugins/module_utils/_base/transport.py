# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which way a request goes, and whether a password may go with it. Pure: values in, values out."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.url import netloc_problem

PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
# Matches every host in the lists of urllib, requests, websocket-client and curl.
EVERYWHERE = "*"
# Matches none: no host has this name (RFC 2606).
NOWHERE = "none.invalid"
_PROXY = re.compile(r"[A-Za-z][A-Za-z\d+.-]*://(?P<netloc>[^/?#]*)(?P<rest>.*)", re.DOTALL)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Whether the host can only be this machine: localhost or a loopback address."""
    address = _address(host)
    # Python looks into an IPv6 address that holds one of IPv4 only from 3.13 on.
    address = getattr(address, "ipv4_mapped", None) or address
    return host.rstrip(".").lower() == "localhost" or (address is not None and address.is_loopback)


def _matches(entry: str, host: str, port: int | None) -> bool:
    """Whether an entry of a no_proxy list is this host, its domain or its network, with this port or none."""
    found = re.fullmatch(r"(\[[^\]]+\]|[^:]+):(\d+)", entry)
    name, own = (found[1], int(found[2])) if found else (entry, None)
    if own not in (None, port):
        return False
    address = _address(host)
    if address is None:
        domain = name.removeprefix("*").strip(".").lower()
        return f".{host.rstrip('.').lower()}".endswith(f".{domain}")
    try:
        network = ipaddress.ip_network(name.strip("[]"), strict=False)
    except ValueError:
        return False
    return address in network


def bypasses_proxy(url: str, no_proxy: str) -> bool:
    """Whether a request to the URL goes to no proxy, by a list such as NO_PROXY: names with their subdomains, addresses and CIDR networks,
    each with or without a port, or an asterisk for all.

    This machine itself is never reached by way of a proxy. Both as in Go's net/http, and so in kubectl; urllib and curl know no more.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", _port(parts)
    entries = [entry.strip() for entry in no_proxy.split(",") if entry.strip()]
    return not host or is_loopback(host) or EVERYWHERE in entries or any(_matches(entry, host, port) for entry in entries)


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return None


def shown_proxy(url: str) -> str:
    """A proxy's URL for a message: without user and password, whatever these hold."""
    return re.sub(r"^(?P<scheme>[a-z][a-z\d+.-]*://)?.*@", r"\g<scheme>", url, flags=re.DOTALL | re.IGNORECASE)


def normal_proxy(url: str) -> str:
    """A proxy's URL as all libraries take it: with scheme and port. Raises InputError for what is not a URL."""
    full = url if "://" in url else f"http://{url}"
    if problem := _proxy_problem(full):
        advice = "Correct proxy, or the environment's HTTPS_PROXY and HTTP_PROXY, for instance http://proxy.example:3128."
        raise InputError(f"The proxy is {shown_proxy(full)!r}: {problem}.", advice, "bad_proxy")
    parts = urlsplit(full)
    return full if parts.port else f"{parts.scheme}://{parts.netloc.rstrip(':')}:{PORTS.get(parts.scheme, 1080)}"


def _proxy_problem(url: str) -> str:
    """Why no request can be sent through it, or nothing. Python's own words would quote a password that it takes for a port."""
    found = _PROXY.fullmatch(url)
    if not found:
        return "it must begin with http:// or https:// and name a host"
    if "@" in found["rest"]:
        return "its user or password holds a character that must be percent-encoded (/, ? or #)"
    return netloc_problem(found["netloc"].rpartition("@")[2])


def proxy_for(url: str, proxies: Mapping[str, str]) -> str:
    """The proxy for a request to the URL, or nothing. ``proxies``: urllib.request.getproxies_environment(). Raises InputError."""
    proxy = proxies.get(urlsplit(url).scheme, "")
    return normal_proxy(proxy) if proxy and not bypasses_proxy(url, proxies.get("no", "")) else ""


@dataclass(frozen=True)
class ApiProxy:
    """The kubernetes library's settings of the same names."""

    proxy: str
    no_proxy: str


def api_proxy(host: str, proxy: str | None, no_proxy: str | None, proxies: Mapping[str, str]) -> ApiProxy:
    """How the kubernetes library reaches the API server at ``host`` (a URL), decided here for requests and websockets alike (F3).

    ``proxy`` and ``no_proxy`` go before those of the environment, ``proxies`` (urllib.request.getproxies_environment()).
    Both are always set where there is a proxy at all, for websocket-client would ask the environment for what is not: no_proxy is then
    everywhere or nowhere.
    """
    named = proxy or proxies.get(urlsplit(host).scheme, "")
    if not named:
        return ApiProxy("", "")
    return ApiProxy(normal_proxy(named), EVERYWHERE if bypasses_proxy(host, no_proxy or proxies.get("no", "")) else NOWHERE)


def sends_in_clear(url: str) -> bool:
    """Whether basic authentication at the URL could be read on its way: plain HTTP, and not to this machine itself."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")

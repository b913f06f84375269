# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""URLs of repositories and servers: what may be shown of them, whether they can be one at all, and whether they are read over SSH. Pure."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit, urlunsplit

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError

HTTP = re.compile(r"(?i)https?://(?P<netloc>[^/?#]*)(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?P<fragment>#.*)?")
HOST = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>.*))?")
# What RFC 3986 gives no place in a URL. Letters beyond ASCII may stand in a host's name only.
NO_URL = re.compile(r"[\x00-\x20\x7f<>\"{}|\\^`]")
SCP_LIKE = re.compile(r"^(?:(?P<user>[^@/:]+)@)?(?P<host>\[[^/\[\]]+\]|[^/:\[\]]+):(?!//)(?P<path>.+)$")
# What git takes in brackets for such a host: its name and port, or else an IPv6 address.
HOST_AND_PORT = re.compile(r"(?P<host>[^:]+):(?P<port>\d+)")
# A user and a password that something follows, which have no place in user@host:path.
_LOG_IN = re.compile(r"^[^@/:\s]*:[^\n]*@(?=[^@])")
# A password may hold a slash, a question mark or a hash sign, so that the part before it looks like a port.
_IN_PASSWORD = re.compile(r":(?!\d*$)[^@\]]*$")


def public_url(url: str) -> str:
    """The URL without a password, and without a user name where that may be a token."""
    if "://" not in url:
        return _LOG_IN.sub("", url)
    try:
        parts = urlsplit(url)
    except ValueError:  # an address in brackets that is none
        return _without_user(url)
    if _IN_PASSWORD.search(parts.netloc) and "@" in url.partition(parts.netloc)[2]:
        return _without_user(url)
    user, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}{at}{host}" if parts.scheme == "ssh" else host))


def ssh_server(url: str) -> tuple[str, int] | None:
    """Host and port of an SSH URL; None for another one."""
    if "://" in url:
        parts = urlsplit(url)
        return (parts.hostname or "", parts.port or 22) if parts.scheme == "ssh" else None
    match = SCP_LIKE.match(url)
    if not match:
        return None
    host = match["host"].strip("[]").lower()
    named = HOST_AND_PORT.fullmatch(host)
    return (named["host"], int(named["port"])) if named else (host, 22)


def scheme(url: str) -> str:
    """The scheme of a URL in lower-case letters, ``ssh`` also for user@host:path. Empty for what is not a URL."""
    try:
        return "ssh" if ssh_server(url) else urlsplit(url).scheme
    except ValueError:
        return ""


def _without_user(url: str) -> str:
    """The same of any text, also one that cannot be taken apart: a password may hold any character."""
    return re.sub(r"(?<=://).*@", "", url, flags=re.DOTALL)


def check_http_url(url: str, option: str, *, example: str, user_goes: str, query: bool = False) -> None:
    """Raises InputError unless the text is a URL over HTTP or HTTPS that a request can be sent to (V10).

    ``option``: its name; ``example``: one that is right; ``user_goes``: where user and password are given instead, in the imperative;
    ``query``: whether it is a whole address, which may have a query, and not the beginning of others.
    """
    if problem := http_problem(url, query=query):
        advice = user_goes if "user or password" in problem else f"Correct {option}, for instance {example}."
        raise InputError(f"{option} is {_without_user(url)!r}: {problem}.", advice, "bad_url")


def http_problem(url: str, *, query: bool = False) -> str:
    """Why no request can be sent to it, or nothing; ``query``: whether it may have a query."""
    if not url:
        return "it is empty"
    if NO_URL.search(url):
        return "it holds a space or another character that no URL may have; such a character must be percent-encoded"
    found = HTTP.fullmatch(url)
    if not found:
        return "it must begin with http:// or https:// and name a host"
    netloc = found["netloc"]
    if "@" in netloc or ("@" in url and _IN_PASSWORD.search(netloc)):
        return "it holds a user or password, which would be seen"
    if found["fragment"] is not None:
        return "it must have no fragment (#…), which is never sent"
    if found["query"] is not None and not query:
        return "it must have no query (?…), because paths are added to it"
    if not (found["path"] + (found["query"] or "")).isascii():
        return "its path holds a character that is not ASCII; such a character must be percent-encoded"
    return netloc_problem(netloc)


def netloc_problem(netloc: str) -> str:
    """Why no request can be sent to a host with or without a port, or nothing. Any user before them must be cut off."""
    parts = HOST.fullmatch(netloc)
    if not parts:
        return "an IPv6 address in it must stand in brackets, such as http://[::1]:8080"
    host, port = parts["host"], parts["port"]
    if port is not None and port.count(":"):
        return "an IPv6 address in it must stand in brackets, such as http://[::1]:8080"
    if not host:
        return "it must begin with http:// or https:// and name a host"
    if not _is_host(host):
        return f"{host} is neither a host name nor an address"
    if port and not (port.isascii() and port.isdecimal() and 0 < int(port) < 2**16):
        return f"Port could not be cast to a number from 1 to 65535: {port!r}"
    return ""


def _is_host(host: str) -> bool:
    """An address, or a name that can be looked up. A name that ends in a number can only be an IPv4 address (WHATWG URL)."""
    try:
        if host.startswith("["):
            return bool(ipaddress.IPv6Address(host[1:-1].partition("%")[0]))
        if host.removesuffix(".").rpartition(".")[2].isdecimal():
            return bool(ipaddress.IPv4Address(host))
        host.encode("idna")
    except ValueError:
        return False
    return re.fullmatch(r"[\w.-]*\w[\w.-]*", host) is not None

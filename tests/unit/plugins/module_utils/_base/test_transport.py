# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F3, H5: which requests go to a proxy, and with which a password may go."""

from __future__ import annotations

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.transport import (
    api_proxy,
    bypasses_proxy,
    is_loopback,
    normal_proxy,
    proxy_for,
    sends_in_clear,
)

PROXY = "http://proxy.example.com:3128"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("LOCALHOST.", True),
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),  # IPv4 inside IPv6
        ("10.0.0.1", False),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
        ("mylocalhost", False),
        ("", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) == expected


@pytest.mark.parametrize(
    ("url", "no_proxy", "expected"),
    [
        # This machine, whatever the list says (as kubectl).
        ("https://127.0.0.1:6443", "", True),
        ("https://localhost:6443", "", True),
        ("https://[::1]:6443", "", True),
        # No host at all.
        ("https://", "", True),
        # Names, their subdomains, and what only looks like one.
        ("https://api.example.com", "", False),
        ("https://api.example.com", "api.example.com", True),
        ("https://API.example.com", "api.Example.com", True),
        ("https://api.example.com.", "api.example.com", True),
        ("https://api.example.com", "example.com", True),
        ("https://api.example.com", ".example.com", True),
        ("https://api.example.com", "*.example.com", True),
        ("https://badexample.com", ".example.com", False),
        ("https://badexample.com", "example.com", False),
        ("https://example.com", "api.example.com", False),
        ("https://api.example.com", "a.com, api.example.com ,b.com", True),
        ("https://api.example.com", "a.com,b.com", False),
        ("https://api.example.com", ",, ,", False),
        ("https://api.example.com", ".", False),
        ("https://api.example.com", "*", True),
        ("https://api.example.com", "a.com,*", True),
        # Ports: that of the URL or its scheme.
        ("https://api.example.com:6443", "api.example.com:6443", True),
        ("https://api.example.com:6443", "example.com:6443", True),
        ("https://api.example.com:6443", "api.example.com:443", False),
        ("https://api.example.com", "api.example.com:443", True),
        ("http://api.example.com", "api.example.com:443", False),
        ("https://10.0.0.5:6443", "10.0.0.5:6443", True),
        ("https://10.0.0.5:6443", "10.0.0.5:443", False),
        # Addresses and networks.
        ("https://10.0.0.5:6443", "10.0.0.5", True),
        ("https://10.0.0.55:6443", "10.0.0.5", False),
        ("https://10.0.0.5:6443", "10.0.0.0/8", True),
        ("https://11.0.0.5:6443", "10.0.0.0/8", False),
        ("https://10.0.0.5:6443", "10.0.0.9/24", True),
        ("https://10.0.0.5:6443", "0.5", False),
        ("https://10.0.0.5:6443", "10.0.0.0/99", False),
        ("https://10.0.0.5:6443", "fd00::/8", False),
        ("https://[fd00::5]:6443", "fd00::/8", True),
        ("https://[fd00::5]:6443", "fd00::5", True),
        ("https://[fd00::5]:6443", "[fd00::5]", True),
        ("https://[fd00::5]:6443", "[fd00::5]:6443", True),
        ("https://[fd00::5]:6443", "[fd00::5]:443", False),
        ("https://[fd00::5]:6443", "10.0.0.0/8", False),
        ("https://api.example.com", "10.0.0.0/8", False),
    ],
)
def test_no_proxy(url: str, no_proxy: str, expected: bool) -> None:
    assert bypasses_proxy(url, no_proxy) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("proxy.example.com:3128", "http://proxy.example.com:3128"),
        ("http://proxy.example.com", "http://proxy.example.com:80"),
        ("http://proxy.example.com/", "http://proxy.example.com:80"),
        ("https://proxy.example.com", "https://proxy.example.com:443"),
        ("http://me:secret@[fd00::1]:3128", "http://me:secret@[fd00::1]:3128"),
        ("http://me:sec|ret@proxy.example.com:3128", "http://me:sec|ret@proxy.example.com:3128"),
        ("http://me:12@34@proxy_1:3128", "http://me:12@34@proxy_1:3128"),
    ],
)
def test_a_proxy_has_scheme_and_port(given: str, expected: str) -> None:
    assert normal_proxy(given) == expected


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("http://p:abc", "'http://p:abc': Port could not be cast to a number from 1 to 65535: 'abc'"),
        ("http://proxy.example.com:80a", "'http://proxy.example.com:80a': Port could not be cast"),
        ("proxy.example.com:99999", "'http://proxy.example.com:99999': Port could not be cast"),
        ("http://proxy.example.com:0", "'http://proxy.example.com:0': Port could not be cast"),
        ("http://[::1:3128", "'http://[::1:3128': an IPv6 address in it must stand in brackets"),
        ("http://:3128", "'http://:3128': it must begin with http:// or https:// and name a host"),
        ("://proxy.example.com:3128", "'://proxy.example.com:3128': it must begin with http:// or https:// and name a host"),
        ("http://proxy example:3128", "'http://proxy example:3128': proxy example is neither a host name nor an address"),
        ("http://ann:secret@proxy.example.com:x", "'http://proxy.example.com:x': Port could not be cast to a number from 1 to 65535: 'x'"),
        # Python would quote a part of the password as the port.
        ("http://ann:secret/x@proxy.example.com:3128", "'http://proxy.example.com:3128': its user or password holds a character that"),
        ("http://ann:secret#x@proxy.example.com", "'http://proxy.example.com': its user or password holds a character that"),
        ("ann:sec?ret@x@proxy.example.com", "'http://proxy.example.com': its user or password holds a character that"),
    ],
)
def test_v10_f3_a_proxy_that_is_not_a_url_is_refused_without_its_password(given: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        api_proxy("https://cluster.example", None, None, {"https": given})
    assert caught.value.message.startswith(f"The proxy is {said}")
    assert "sec" not in caught.value.text
    assert "HTTP_PROXY" in caught.value.next_action
    assert caught.value.code == "bad_proxy"


@pytest.mark.parametrize(
    ("url", "proxies", "expected"),
    [
        ("https://api.example.com", {}, ""),
        ("https://api.example.com", {"https": PROXY}, PROXY),
        ("https://api.example.com", {"http": PROXY}, ""),
        ("http://api.example.com", {"https": PROXY, "all": PROXY}, ""),
        ("https://api.example.com", {"https": PROXY, "no": "example.com"}, ""),
        ("http://127.0.0.1:40123", {"http": PROXY}, ""),
    ],
)
def test_the_proxy_of_a_url(url: str, proxies: dict[str, str], expected: str) -> None:
    assert proxy_for(url, proxies) == expected


@pytest.mark.parametrize(
    ("host", "proxy", "no_proxy", "proxies", "expected"),
    [
        ("https://10.0.0.5:6443", None, None, {}, ("", "")),
        ("https://10.0.0.5:6443", "", "", {}, ("", "")),
        ("https://10.0.0.5:6443", None, None, {"https": PROXY}, (PROXY, "none.invalid")),
        ("https://10.0.0.5:6443", "", "", {"https": PROXY}, (PROXY, "none.invalid")),
        ("https://10.0.0.5:6443", None, None, {"http": PROXY}, ("", "")),
        ("https://10.0.0.5:6443", None, None, {"https": PROXY, "no": "10.0.0.0/8"}, (PROXY, "*")),
        ("https://10.0.0.5:6443", None, "10.0.0.5", {"https": PROXY}, (PROXY, "*")),
        ("https://10.0.0.5:6443", None, "a.example.com", {"https": PROXY, "no": "10.0.0.5"}, (PROXY, "none.invalid")),
        ("https://10.0.0.5:6443", "other:1", None, {"https": PROXY}, ("http://other:1", "none.invalid")),
        ("https://10.0.0.5:6443", "other:1", None, {"no": "10.0.0.5"}, ("http://other:1", "*")),
        ("https://127.0.0.1:6443", None, None, {"https": PROXY}, (PROXY, "*")),
        ("http://10.0.0.5:8080", None, None, {"http": PROXY, "https": "http://b:1"}, (PROXY, "none.invalid")),
    ],
)
def test_the_way_to_the_api_server(
    host: str, proxy: str | None, no_proxy: str | None, proxies: dict[str, str], expected: tuple[str, str]
) -> None:
    found = api_proxy(host, proxy, no_proxy, proxies)
    assert (found.proxy, found.no_proxy) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://airflow.example.com", True),
        ("http://10.0.0.5:8080", True),
        ("http://gitea.git.svc.cluster.local:3000/a/b.git", True),
        ("http://localhost:8080", False),
        ("http://127.0.0.1:8080", False),
        ("http://[::1]:8080", False),
        ("https://airflow.example.com", False),
        ("ssh://git@git.example.com/a.git", False),
        ("git@git.example.com:a.git", False),
        ("file:///srv/a.git", False),
    ],
)
def test_where_a_password_could_be_read(url: str, expected: bool) -> None:
    assert sends_in_clear(url) == expected

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F7: the proxies of Argo CD and git-sync, what they do not serve, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.transport import proxy_for
from ansible_collections.gitops.airflow.plugins.module_utils._platform import cluster_proxies, rules
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import Settings

INSIDE = "localhost,127.0.0.1,::1,.svc,.cluster.local"
PROXY = "http://proxy.example.com:3128"


@pytest.mark.parametrize(
    ("proxies", "ranges", "expected"),
    [
        ({}, [], {}),
        ({"http": "", "https": "", "no_proxy": "a"}, [], {}),
        ({"https": PROXY}, [], {"HTTPS_PROXY": PROXY, "NO_PROXY": INSIDE}),
        (
            {"http": PROXY, "https": "https://p", "no_proxy": " .example.com, localhost,,10.1.0.0/16 "},
            ["10.96.0.0/12"],
            {"HTTP_PROXY": PROXY, "HTTPS_PROXY": "https://p", "NO_PROXY": f"{INSIDE},10.96.0.0/12,.example.com,10.1.0.0/16"},
        ),
    ],
)
def test_the_environment_in_both_cases(proxies: Any, ranges: list[str], expected: dict[str, str]) -> None:
    found = cluster_proxies.proxy_environment(proxies, ranges)
    assert found == {name: value for key, value in expected.items() for name in (key, key.lower())}


@pytest.mark.parametrize(
    ("url", "way"),
    [
        ("https://git.example.com/a.git", PROXY),
        ("http://git.example.com/a.git", ""),
        ("https://gitea.git.svc.cluster.local:3000/", ""),
        ("https://gitea.git.svc/", ""),
        ("https://10.96.0.1/", ""),
        ("https://10.200.0.1/", PROXY),
        ("https://svc.example.com/", PROXY),
    ],
)
def test_servers_of_the_cluster_are_reached_without_a_proxy(url: str, way: str) -> None:
    assert proxy_for(url, cluster_proxies.by_scheme({"https": PROXY}, ["10.96.0.0/12"])) == way


def test_each_proxy_is_named_once() -> None:
    assert cluster_proxies.urls({"http": PROXY, "https": PROXY, "no_proxy": "x"}) == [PROXY]
    assert cluster_proxies.urls({}) == []
    assert cluster_proxies.by_scheme({"no_proxy": "x"}) == {}


@pytest.mark.parametrize("proxies", [{}, {"http": ""}, {"https": PROXY}, {"http": "https://10.0.0.1", "no_proxy": "a"}])
def test_proxies_that_can_be_used(proxies: dict[str, str]) -> None:
    assert rules.broken(rules.PLATFORM, replace(Settings(), proxies=proxies)) == []


@pytest.mark.parametrize(
    ("proxies", "value", "words"),
    [
        ({"https": "proxy:3128"}, "proxy:3128", "https of platform_proxies is 'proxy:3128': it must begin with http:// or https://."),
        ({"http": "socks5://p:1080"}, "socks5://p:1080", "http of platform_proxies is 'socks5://p:1080': it must begin with"),
        ({"https": "http://ann:hunter22@p:3128"}, "http://p:3128", "'http://p:3128': it holds a user or password"),
        ({"https": "http://p:99999"}, "http://p:99999", "'http://p:99999': "),
        ({"https": "http://"}, "http://", "'http://': "),
        ({"no_proxy": "a"}, "a", "platform_proxies sets no_proxy, but neither http nor https."),
    ],
)
def test_proxies_that_cannot_be_used(proxies: dict[str, str], value: str, words: str) -> None:
    (refusal,) = rules.broken(rules.PLATFORM, replace(Settings(), proxies=proxies))
    assert (refusal.code, refusal.value) == ("proxy", value)
    assert words in refusal.message
    assert "hunter22" not in refusal.message + refusal.next_action + refusal.value
    assert refusal.message.endswith(".")
    assert not refusal.message.endswith("..")

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the server of a URL is: a Service of the cluster, an address, or a name of the internet."""

from __future__ import annotations

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform.network_peers import Outside, outside

KNOWN = {"team", "git"}


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://git.example.com/x.git", Outside(443)),
        ("https://git.example.com:8443/x.git", Outside(8443)),
        ("git@git.example.com:x.git", Outside(22)),
        ("git@[2001:db8::7]:x.git", Outside(22, cidr="2001:db8::7/128")),
        # As Git reads it: a server of SSH.
        ("squid:3128", Outside(22, "")),
        ("http://squid", Outside(80, "")),
        ("http://localhost:3128", Outside(3128)),
        ("http://squid.team", Outside(80, "team")),
        ("http://squid.elsewhere", Outside(80)),
        ("http://squid.team.svc", Outside(80, "team")),
        # A namespace that this account does not see.
        ("http://squid.elsewhere.svc", Outside(80, "elsewhere")),
        ("http://squid-0.squid.team.svc", Outside(80, "team")),
        ("http://squid-0.squid.elsewhere.svc", Outside(80)),
        ("http://10-0-0-1.team.pod.cluster.local", Outside(80, "team")),
        # A name of the internet whose second part is by chance a namespace's.
        ("http://www.team.example.com", Outside(80)),
        ("http://Squid.Team.SVC.", Outside(80, "team")),
        ("http://192.0.2.1", Outside(80, cidr="192.0.2.1/32")),
        ("http://[::ffff:192.0.2.1]", Outside(80, cidr="192.0.2.1/32")),
        ("", None),
        ("http://", None),
        ("http://:8080", None),
        ("gopher://squid.team", None),
        ("http://squid:port", None),
        ("http://[squid]", None),
    ],
)
def test_the_server_of_a_url(url: str, found: Outside | None) -> None:
    assert outside(url, KNOWN) == found

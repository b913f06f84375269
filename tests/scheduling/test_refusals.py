# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A profile that no node satisfies: refused before anything is changed, or reported."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.gitops.airflow.tests.scheduling.playbook import Playbooks
from ansible_collections.gitops.airflow.tests.scheduling.reading import one_line, recap
from conftest import Platform

# How many nodes lack the label and how many have a taint depends on whether the node for cron is cordoned at this time.
NO_NODE = "No node can take worker pods of airflow-user now: 0/3 nodes are available: "


def variables(platform: Platform, provider: str, require: bool) -> str:
    """The option of ansible-playbook with a profile for which no node has the label."""
    profile = {"name": "airflow-user", "node_selector": {"pool": "absent"}, "require_node": require}
    others = [{"name": name} for name in platform.workers if name != "airflow-user"]
    given = {"platform_provider": provider, "platform_context": platform.context, "platform_worker_namespaces": [*others, profile]}
    return f"--extra-vars={json.dumps(given)}"


@pytest.mark.parametrize(
    ("provider", "require", "next_step"),
    [
        ("kind", False, "Label a node or remove its taint, or correct node_selector"),
        ("existing", True, "or set require_node to false if the cluster adds nodes by itself"),
    ],
    ids=["kind", "require_node"],
)
def test_a_profile_that_no_node_satisfies_is_refused_before_anything_is_changed(
    platform: Platform, playbooks: Playbooks, declared: Callable[[], Any], provider: str, require: bool, next_step: str
) -> None:
    before = declared()
    done = playbooks.run("site", variables(platform, provider, require))
    said = one_line(done.stdout)
    assert NO_NODE in said, done.stdout[-4000:] + done.stderr[-1000:]
    assert next_step in said
    assert done.returncode != 0
    assert recap(done.stdout) == (0, 1)
    assert declared() == before


def test_a_cluster_that_may_add_nodes_is_not_refused_but_reported(platform: Platform, playbooks: Playbooks) -> None:
    done = playbooks.run("site", "--check", variables(platform, "existing", False))
    said = one_line(done.stdout)
    assert NO_NODE in said, done.stdout[-4000:] + done.stderr[-1000:]
    assert "They wait until the cluster has such a node" in said
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F3, H4: each task of a role that asks a cluster names it and knows NO_PROXY, and none requests a URL of the platform."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.gitops.airflow.tests.unit.places import ROOT

ROLES = ROOT / "roles"
GROUPS = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["action_groups"]
MODULES = {f"gitops.airflow.{name}" for name in GROUPS["cluster"] if isinstance(name, str)}
CLUSTER = yaml.safe_load((ROLES / "platform/vars/main.yml").read_text())["__platform_cluster"]


def blocks(items: list[Any]) -> Iterator[dict[str, Any]]:
    """All tasks and blocks in a list of them."""
    for item in items or []:
        yield item
        for part in ("block", "rescue", "always"):
            yield from blocks(item.get(part) or [])


FILES = sorted(ROLES.glob("*/tasks/*.yml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROLES)))
def test_no_task_uses_a_module_that_does_not_know_no_proxy(path: Path) -> None:
    for item in blocks(yaml.safe_load(path.read_text())):
        assert not any(name.startswith("kubernetes.core.") for name in item), item["name"]


def located(item: dict[str, Any]) -> set[str]:
    """The modules for which the defaults of a task or block name the cluster."""
    groups = [name for name in ("cluster", "owner") if f"group/gitops.airflow.{name}" in (item.get("module_defaults") or {})]
    return {f"gitops.airflow.{module}" for name in groups for module in GROUPS[name] if isinstance(module, str)}


@pytest.mark.parametrize("role", sorted({path.parents[1].name for path in FILES}))
def test_each_task_that_asks_a_cluster_has_a_kubeconfig(role: str) -> None:
    items = [item for path in FILES if path.parents[1].name == role for item in blocks(yaml.safe_load(path.read_text()))]
    # Of the block that includes the role's other files.
    everywhere = set[str]().union(*(located(item) for item in items if "block" in item))
    for item in items:
        for name in (MODULES & item.keys()) - everywhere - located(item):
            assert item[name].get("cluster") is False, f"{item['name']}: {name} does not know the cluster"


def test_the_defaults_of_an_owner_name_the_same_cluster() -> None:
    owner = yaml.safe_load((ROLES / "platform/vars/main.yml").read_text())["__platform_owner"]
    assert CLUSTER.items() <= owner.items()
    assert CLUSTER.keys() == {"kubeconfig", "context"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROLES)))
def test_no_task_requests_a_url_of_the_platform(path: Path) -> None:
    for item in blocks(yaml.safe_load(path.read_text())):
        options = {name: value for name, value in item.items() if name not in ("name", "block", "rescue", "always")}
        text = str(options)
        assert "ansible.builtin.uri" not in options, item["name"]
        assert "platform_airflow_url" not in text, item["name"]
        assert "platform_argocd_url" not in text, item["name"]

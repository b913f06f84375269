# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F3, H4: each task of a role that asks a cluster gets the proxy of the cluster's own server, and none requests a URL of the platform."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.gitops.airflow.tests.unit.places import ROOT

ROLES = ROOT / "roles"
WAY = {"proxy": "{{ __platform_api_proxy.proxy }}", "no_proxy": "{{ __platform_api_proxy.no_proxy }}"}
GROUP = "group/gitops.airflow.cluster"


def blocks(items: list[Any]) -> Iterator[dict[str, Any]]:
    """All tasks and blocks in a list of them."""
    for item in items or []:
        yield item
        for part in ("block", "rescue", "always"):
            yield from blocks(item.get(part) or [])


FILES = sorted(ROLES.glob("*/tasks/*.yml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROLES)))
def test_a_kubeconfig_comes_with_the_way_to_its_server(path: Path) -> None:
    for item in blocks(yaml.safe_load(path.read_text())):
        defaults = (item.get("module_defaults") or {}).get(GROUP) or {}
        used = [options for name, options in item.items() if name.startswith("kubernetes.core.") and "kubeconfig" in options]
        for options in [*([defaults] if defaults else []), *used]:
            assert options.items() >= WAY.items(), item["name"]


@pytest.mark.parametrize("role", sorted({path.parents[1].name for path in FILES}))
def test_each_task_of_kubernetes_core_has_a_kubeconfig(role: str) -> None:
    items = [item for path in FILES if path.parents[1].name == role for item in blocks(yaml.safe_load(path.read_text()))]
    if any(GROUP in (item.get("module_defaults") or {}) for item in items):
        return  # of the block that includes the role's other files
    for item in items:
        for name, options in item.items():
            if name.startswith("kubernetes.core."):
                assert "kubeconfig" in options, item["name"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROLES)))
def test_no_task_requests_a_url_of_the_platform(path: Path) -> None:
    for item in blocks(yaml.safe_load(path.read_text())):
        options = {name: value for name, value in item.items() if name not in ("name", "block", "rescue", "always")}
        text = str(options)
        assert "ansible.builtin.uri" not in options, item["name"]
        assert "platform_airflow_url" not in text, item["name"]
        assert "platform_argocd_url" not in text, item["name"]

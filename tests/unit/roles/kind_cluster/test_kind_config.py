# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration that the role kind_cluster gives to kind."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError
from ansible_collections.gitops.airflow.plugins.module_utils._kind.config import wanted_nodes
from ansible_collections.gitops.airflow.plugins.module_utils._kind.config_merge import merge_config
from ansible_collections.gitops.airflow.plugins.module_utils._kind.drift import check_patches, patches
from ansible_collections.gitops.airflow.tests.unit.places import ROOT

SERVED = {"feature-gates": "ValidatingAdmissionPolicy=true", "runtime-config": "admissionregistration.k8s.io/v1beta1=true"}


def rendered(role_variables: Callable[..., dict[str, Any]], given: dict[str, Any]) -> dict[str, Any]:
    """The role's configuration, by the variables that a person sets."""
    role, platform = ROOT / "roles/kind_cluster", ROOT / "roles/platform"
    files = [*sorted((platform / "defaults/main").glob("*.yml")), role / "defaults/main.yml", role / "vars/main.yml"]
    variables = role_variables(*files) | given
    config: dict[str, Any] = Templar(DataLoader(), variables).template(variables["__kind_cluster_config"])
    return config


@pytest.mark.parametrize(
    ("given", "arguments"),
    [
        ({}, None),
        ({"kind_cluster_admission_policies": True}, SERVED),
        ({"kind_cluster_admission_policies": "true", "platform_kubernetes_version": "v1.28.9"}, SERVED),
        # It is served by default there, and the arguments would be a list.
        ({"kind_cluster_admission_policies": True, "platform_kubernetes_version": "v1.30.0"}, None),
        ({"kind_cluster_admission_policies": True, "platform_kubernetes_version": "v1.36.1"}, None),
    ],
)
def test_admission_policies_are_served_if_they_are_wanted(
    role_variables: Callable[..., dict[str, Any]], given: dict[str, Any], arguments: dict[str, str] | None
) -> None:
    config = rendered(role_variables, given)
    check_patches(config)
    found = patches(config)
    assert found["KubeletConfiguration"]["imageGCHighThresholdPercent"] == 95
    assert found.get("ClusterConfiguration", {}).get("apiServer", {}).get("extraArgs") == arguments


def examples(file: str) -> list[dict[str, Any]]:
    """The values of kind_cluster_config in a document."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", (ROOT / file).read_text(), re.MULTILINE | re.DOTALL)
    return [yaml.safe_load(block)["kind_cluster_config"] for block in blocks if block.startswith("kind_cluster_config:")]


@pytest.mark.parametrize("file", ["docs/machine.md", "roles/kind_cluster/README.md"])
def test_f15_documented_examples_are_accepted(role_variables: Callable[..., dict[str, Any]], file: str) -> None:
    own = rendered(role_variables, {"kind_cluster_extra_nodes": [{"role": "worker", "labels": {"pool": "batch"}}]})
    found = examples(file)
    assert len(found) == 1
    config = merge_config(own, found[0])
    check_patches(config)
    first, *workers = wanted_nodes("airflow", config, "")
    # The platform's two ports are kept, and the mount is the control plane's.
    assert {port[2] for port in first.ports} >= {"8080", "8443"}
    assert [mount[2] for mount in first.mounts] == [True]
    assert [node.name for node in workers] == ["airflow-worker"]


def test_f15_the_platforms_ports_are_the_roles(role_variables: Callable[..., dict[str, Any]]) -> None:
    given = {"nodes": [{"extraPortMappings": [{"containerPort": 80, "hostPort": 8081}]}]}
    merge_config(rendered(role_variables, {}), given)
    with pytest.raises(InputError, match=r"0\.0\.0\.0:8081 -> 80/tcp, and the role's configuration publishes 127\.0\.0\.1:8081"):
        merge_config(rendered(role_variables, {"platform_airflow_host_port": 8081}), given)

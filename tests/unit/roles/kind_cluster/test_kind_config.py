# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration that the role kind_cluster gives to kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.gitops.airflow.plugins.module_utils._kind.drift import check_patches, patches
from ansible_collections.gitops.airflow.tests.unit.places import ROOT

SERVED = {"feature-gates": "ValidatingAdmissionPolicy=true", "runtime-config": "admissionregistration.k8s.io/v1beta1=true"}


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
    role, platform = ROOT / "roles/kind_cluster", ROOT / "roles/platform"
    files = [*sorted((platform / "defaults/main").glob("*.yml")), role / "defaults/main.yml", role / "vars/main.yml"]
    variables = role_variables(*files) | given
    config = Templar(DataLoader(), variables).template(variables["__kind_cluster_config"])
    check_patches(config)
    found = patches(config)
    assert found["KubeletConfiguration"]["imageGCHighThresholdPercent"] == 95
    assert found.get("ClusterConfiguration", {}).get("apiServer", {}).get("extraArgs") == arguments

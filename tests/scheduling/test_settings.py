# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the platform makes in each worker namespace."""

from __future__ import annotations

import re
from collections.abc import Callable

from conftest import Platform
from kubernetes import client

ENFORCE = "pod-security.kubernetes.io/enforce"
NAME = "airflow-workers"


def test_only_the_namespaces_that_set_them_have_a_quota_and_limits(core: client.CoreV1Api) -> None:
    quotas = {item.metadata.namespace: item.spec.hard for item in core.list_resource_quota_for_all_namespaces().items}
    assert quotas == {"airflow-cron": {"pods": "5", "limits.memory": "8Gi"}, "airflow-user": {"pods": "1"}}
    (limits,) = core.list_limit_range_for_all_namespaces().items
    assert (limits.metadata.namespace, limits.metadata.name) == ("airflow-cron", NAME)
    (item,) = limits.spec.limits
    assert (item.type, item.default, item.default_request) == ("Container", {"memory": "512Mi"}, {"memory": "64Mi"})


def test_one_namespace_has_another_pod_security_standard(core: client.CoreV1Api, platform: Platform) -> None:
    found = {name: core.read_namespace(name).metadata.labels[ENFORCE] for name in platform.workers}
    assert found == {**dict.fromkeys(platform.workers, "restricted"), "airflow-batch": "baseline"}


def test_one_namespace_has_stricter_network_policies(connect: Callable[..., client.ApiClient], platform: Platform) -> None:
    api = client.NetworkingV1Api(connect())
    found = {
        name: {re.sub("-[0-9a-f]{8}$", "", item.metadata.name) for item in api.list_namespaced_network_policy(name).items}
        for name in platform.workers
    }
    strict = {name for name, policies in found.items() if "gitops-airflow-deny-egress" in policies}
    assert strict == {"airflow-batch"}, found
    assert all("gitops-airflow-tasks" in policies for policies in found.values()), found

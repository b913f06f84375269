# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster policy for its tests.

Pods are the kubernetes client's own. Of Airflow, which is not installed here, doubles stand for the names that the policy imports.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.tests.unit.places import ROOT
from kubernetes.client import ApiClient
from kubernetes.client import models as k8s

SOURCE = ROOT / "roles/airflow_app/files/platform/airflow/core/airflow_local_settings.py"
# The modules beside it.
PYTHON = SOURCE.parent / "python"
PROFILE = {
    "nodeSelector": {"pool": "cron"},
    "tolerations": [{"key": "dedicated", "operator": "Exists"}, {"key": "shared", "operator": "Exists"}],
    "affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "zone"}]}},
}

# What of the core namespace the pod template of every worker refers to, cut down.
TEMPLATE = {
    "spec": {
        "containers": [
            {
                "name": "base",
                "image": "apache/airflow:2.6.3",
                "env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "airflow-metadata", "key": "connection"}}}],
                "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}},
            }
        ],
        "volumes": [{"name": "config", "configMap": {"name": "airflow-config"}}],
    }
}


class PolicyViolation(Exception):
    """Double of airflow.exceptions.AirflowClusterPolicyViolation."""


class PodGenerator:
    """Double of airflow.kubernetes.pod_generator.PodGenerator: the same results for what the policy hands in."""

    @staticmethod
    def from_legacy_obj(obj: dict[str, Any]) -> k8s.V1Pod:
        legacy = obj["KubernetesExecutor"]
        memory = legacy.pop("request_memory", None)  # Airflow's takes entries out, too
        resources = k8s.V1ResourceRequirements(requests={"memory": memory}) if memory else None
        return k8s.V1Pod(
            metadata=k8s.V1ObjectMeta(namespace=legacy.get("namespace")),
            spec=k8s.V1PodSpec(containers=[k8s.V1Container(name="base", resources=resources)]),
        )

    @staticmethod
    def deserialize_model_dict(pod: dict[str, Any]) -> k8s.V1Pod:
        return ApiClient().deserialize(SimpleNamespace(data=json.dumps(pod)), "V1Pod")


@dataclass
class Task:
    """Double of an operator."""

    executor_config: dict[str, Any] | None = None
    dag_id: str = "dag"
    task_id: str = "task"


@dataclass
class MappedTask:
    """Double of a mapped operator, whose executor_config cannot be set."""

    partial_kwargs: dict[str, Any] = field(default_factory=dict)
    dag_id: str = "dag"
    task_id: str = "task"

    @property
    def executor_config(self) -> dict[str, Any]:
        value: dict[str, Any] = self.partial_kwargs.get("executor_config", {})
        return value


def load(monkeypatch: pytest.MonkeyPatch, folder: Path) -> ModuleType:
    """The policy, set up by set_up(); its pod template lies in the folder."""
    doubles: dict[str, dict[str, Any]] = {
        "airflow": {},
        "airflow.exceptions": {"AirflowClusterPolicyViolation": PolicyViolation},
        "airflow.kubernetes": {},
        "airflow.kubernetes.pod_generator": {"PodGenerator": PodGenerator},
    }
    for name, attributes in doubles.items():
        double = ModuleType(name)
        vars(double).update(attributes)
        monkeypatch.setitem(sys.modules, name, double)
    monkeypatch.syspath_prepend(str(PYTHON))
    spec = importlib.util.spec_from_file_location("airflow_local_settings", SOURCE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "__file__", str(folder / "airflow_local_settings.py"))
    (folder / "worker-pod.json").write_text(json.dumps(TEMPLATE))
    set_up(module)
    return module


# What the chart renders into the policy.
SETTINGS: dict[str, Any] = {
    "workerNamespaces": {"core": {}, "cron": PROFILE, "user": {}},
    "defaultNamespace": "core",
    "core": "core",
    "release": "airflow-core",
    "account": "airflow-worker",
    "image": "apache/airflow:2.6.3",
    "podSecurity": "baseline",
    "podSecurityOf": {},
    "podOperators": [],
    "tokenAudiences": ["vault.example.com"],
    "taskReferences": {"secrets": ["listed"], "configMaps": ["listed-map"], "claims": ["listed-claim"]},
}


def set_up(module: ModuleType, **given: Any) -> None:
    module.configure(json.dumps({**SETTINGS, **given}))

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What worker pods get from the options of their namespace."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.gitops.airflow.plugins.doc_fragments.platform_settings import ModuleDocFragment
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Ref
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import Settings
from ansible_collections.gitops.airflow.plugins.module_utils._platform.worker_namespaces import OPTIONS, chart_values, placement
from ansible_collections.gitops.airflow.tests.unit.places import ROOT

TAINTED = [{"key": "cron", "operator": "Exists"}]
SPREAD = [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}]


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({}, {}),
        ({"node_selector": None, "tolerations": [], "affinity": {}, "resources": {}, "image": "", "pull_secrets": []}, {}),
        (dict.fromkeys((name for name in OPTIONS if name != "name"), None), {}),
        ({"node_selector": {"pool": "cron"}}, {"nodeSelector": {"pool": "cron"}}),
        (
            {"affinity": {"nodeAffinity": {"a": 1}}, "tolerations": TAINTED},
            {"affinity": {"nodeAffinity": {"a": 1}}, "tolerations": TAINTED},
        ),
        (
            {"topology_spread": SPREAD, "priority_class": "low", "runtime_class": "gvisor"},
            {"topologySpreadConstraints": SPREAD, "priorityClassName": "low", "runtimeClassName": "gvisor"},
        ),
        ({"pull_secrets": ["a", "b"]}, {"imagePullSecrets": [{"name": "a"}, {"name": "b"}]}),
        ({"image": "a/b:1"}, {"containers": [{"name": "base", "image": "a/b:1"}]}),
        (
            {"resources": {"requests": {"cpu": 2, "memory": "1Gi"}, "limits": {"cpu": 2.5}}},
            {"containers": [{"name": "base", "resources": {"requests": {"cpu": "2", "memory": "1Gi"}, "limits": {"cpu": "2.5"}}}]},
        ),
        # Rules refuse these; until then they must not break anything.
        ({"resources": {"requests": {"cpu": True}}}, {"containers": [{"name": "base", "resources": {"requests": {"cpu": True}}}]}),
        ({"resources": {"requests": ["x"]}}, {"containers": [{"name": "base", "resources": {"requests": ["x"]}}]}),
    ],
)
def test_options_become_a_part_of_the_pod(options: dict[str, Any], fields: dict[str, Any]) -> None:
    values = chart_values([{"name": "first"}, {"name": "second", **options}])
    assert values["workerNamespaces"] == {"first": {}, "second": fields}
    assert set(fields) <= set(values["workerPodFields"])


def test_a_placement_is_what_core_pods_can_have_too() -> None:
    entry = {"node_selector": {"a": "b"}, "tolerations": TAINTED, "topology_spread": SPREAD, "priority_class": "low", "affinity": None}
    expected = {"nodeSelector": {"a": "b"}, "tolerations": TAINTED, "topologySpreadConstraints": SPREAD, "priorityClassName": "low"}
    assert placement({**entry, "runtime_class": "gvisor", "image": "a/b:1"}) == expected


def test_the_objects_that_the_chart_has_for_quotas_are_known() -> None:
    """Those of others with such a name are refused before Argo CD takes them over."""
    quotas: dict[str, Any] = {"quota": {"pods": 1}, "limits": [{"type": "Pod"}]}
    profiles: tuple[dict[str, Any], ...] = ({"name": "core"}, {"name": "a", **quotas}, {"name": "b", "quota": {}, "limits": None})
    kinds = ("ResourceQuota", "LimitRange")
    assert Settings(profiles=profiles).owner().quotas == tuple(Ref(kind, "a", "airflow-workers", "v1") for kind in kinds)


def test_the_namespaces_whose_tasks_may_make_pods_are_known() -> None:
    entries: list[dict[str, Any]] = [
        {"name": "core"},
        {"name": "a", "pod_operator": True},
        {"name": "b", "pod_operator": False},
        {"name": "c", "pod_operator": None},
    ]
    assert chart_values(entries)["podOperators"] == ["a"]
    given = Settings(profiles=tuple(entries))
    assert given.pod_operators == ("a",)
    assert given.owner().operators == ("a",)
    assert given.owner().quotas == (Ref("ServiceAccount", "a", "airflow-pod-operator", "v1"),)


def documented() -> list[dict[str, Any]]:
    specs = yaml.safe_load((ROOT / "roles/platform/meta/argument_specs.yml").read_text())
    role = specs["argument_specs"]["main"]["options"]["platform_worker_namespaces"]["options"]
    module = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]["platform"]["suboptions"]["worker_namespaces"]["suboptions"]
    return [role, module]


@pytest.mark.parametrize("found", documented(), ids=["role", "module"])
def test_each_option_is_documented_with_its_type(found: dict[str, Any]) -> None:
    assert set(found) == set(OPTIONS)
    for name, option in OPTIONS.items():
        keys = [key for key in ("type", "elements", "default", "choices") if name != "name" and key in {**option, **found[name]}]
        assert {key: found[name].get(key) for key in keys} == {key: option.get(key) for key in keys}, name


@pytest.mark.parametrize(
    ("given", "allowed"),
    [(True, True), ("true", True), ("yes", True), (1, True), (False, False), ("false", False), ("no", False), ("", False), (None, False)],
)
def test_pod_operator_as_a_text_means_what_the_modules_read(given: Any, allowed: bool) -> None:
    """The fence belongs to the same namespaces as the rights: "false" as a text gave the rights alone."""
    assert chart_values([{"name": "a", "pod_operator": given}])["podOperators"] == (["a"] if allowed else [])

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D8: the labels and ports that the NetworkPolicies name are those of the pods that Helm and the roles make."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.gitops.airflow.plugins.module_utils._platform.network_policies import (
    CHART_PORTS,
    DATABASE,
    JOBS,
    LOG_JOBS,
    LOG_STORE,
    METRICS,
    NAME,
    PROCESSOR,
    SERVERS,
    definitions,
)
from ansible_collections.gitops.airflow.tests.integration.chart.rendering import Objects, Write, named, rendered_objects
from ansible_collections.gitops.airflow.tests.unit.network_fence import Fence, Pod
from ansible_collections.gitops.airflow.tests.unit.plugins.module_utils._platform import test_network_policies as table

Obj = dict[str, Any]
CLEANUP = "airflow-cleanup-pods"


def templates(objects: Objects) -> dict[str, Obj]:
    """The pods by their component; the worker's is in the configuration."""
    found = [item["spec"]["template"] for item in objects if item["kind"] in ("Deployment", "StatefulSet", "Job")]
    found += [item["spec"]["jobTemplate"]["spec"]["template"] for item in objects if item["kind"] == "CronJob"]
    found += [yaml.safe_load(item["data"]["pod_template_file.yaml"]) for item in named(objects, "ConfigMap", "airflow-config")[:1]]
    return {item["metadata"]["labels"]["component"]: item for item in found}


def ports(template: Obj) -> dict[str, int]:
    return {port["name"]: port["containerPort"] for box in template["spec"]["containers"] for port in box.get("ports") or []}


def test_d8_every_pod_has_the_labels_that_the_policies_select(with_processor: Objects, objects: Objects) -> None:
    for rendered, processor in ((objects, set[str]()), (with_processor, {PROCESSOR})):
        found = templates(rendered)
        assert set(found) == {*SERVERS, *JOBS, DATABASE, "worker"} - {CLEANUP} | processor
        for component, template in found.items():
            labels = template["metadata"]["labels"]
            assert {"tier": "airflow", "component": component, "release": "airflow-core"}.items() <= labels.items()


def test_d8_the_ports_are_those_of_the_containers(objects: Objects) -> None:
    found = templates(objects)
    assert ports(found["webserver"]) == {"airflow-ui": CHART_PORTS["airflowUI"]}
    assert ports(found["triggerer"]) == {"triggerer-logs": CHART_PORTS["triggererLogs"]}
    assert ports(found[DATABASE]) == {"mysql": 3306}


def test_d8_the_table_of_connections_holds_for_what_is_rendered(with_processor: Objects) -> None:
    """The pods of the table replaced by those that Helm renders."""
    real = {
        name: Pod("airflow-core", template["metadata"]["labels"], ports=ports(template))
        for name, template in templates(with_processor).items()
    }

    def rendered(end: Any) -> Any:
        component = end.labels.get("component") if isinstance(end, Pod) else ""
        own = isinstance(end, Pod) and end.namespace in table.WORKERS and end.labels.get("release") == "airflow-core"
        return replace(real[component], namespace=end.namespace) if own and component in real else end

    for level in ("default", "strict"):
        fence = Fence(definitions(replace(table.GIVEN, network_policy=level), table.AROUND))
        for source, target, port, levels in table.CONNECTIONS:
            protocol = "UDP" if port in (53, 5353) else "TCP"
            assert fence.passes(rendered(source), rendered(target), port, protocol) == (level in levels), (source, target, port)


def test_d8_pods_that_people_add_with_the_chart(write: Write) -> None:
    if "AIRFLOW_CHART" not in os.environ:
        pytest.skip("the lab's double of the chart has neither")
    folder = write(airflow_app_values={"statsd": {"enabled": True}, "cleanup": {"enabled": True}})
    found = templates(rendered_objects(folder))
    assert CLEANUP in found
    assert {"statsd-ingest": CHART_PORTS["statsdIngest"], "statsd-scrape": CHART_PORTS["statsdScrape"]} == ports(found[METRICS])


def test_d8_the_pods_of_the_other_roles(role_variables: Callable[..., dict[str, Any]]) -> None:
    root = Path(__file__).resolve().parents[3]
    files = [*sorted((root / "roles/platform/defaults/main").glob("*.yml")), root / "roles/platform/vars/main.yml"]

    def made(role: str, template: str, **more: Any) -> list[Obj]:
        folder = root / "roles" / role
        own = [folder / part / "main.yml" for part in ("defaults", "vars") if (folder / part / "main.yml").is_file()]
        loader = DataLoader()
        loader.set_basedir(str(folder))
        given = role_variables(*files, *own) | {"role_path": str(folder), "ansible_search_path": [str(folder)]} | more
        text = trust_as_template(f"{{{{ lookup('ansible.builtin.template', '{template}') }}}}")
        return [item for item in yaml.safe_load_all(str(Templar(loader, given).template(text))) if item]

    applied = {"objects": [{"kind": "PersistentVolumeClaim", "uid": "1"}]}
    store = made("task_logs", "task-logs.yaml.j2", __task_logs_generated={"checksum": "x"})
    store += made("task_logs", "setup-job.yaml.j2", __task_logs_applied=applied)
    names = set()
    for item in [*store, *made("git_server", "gitea.yaml.j2")]:
        template = item["spec"].get("jobTemplate", item)["spec"]["template"] if item["kind"] in ("Deployment", "CronJob", "Job") else None
        if template:
            names.add(template["metadata"]["labels"][NAME])
            if template["metadata"]["labels"][NAME] == "gitea":
                assert template["metadata"]["labels"].items() >= table.GITEA.labels.items()
                assert ports(template) == {"http": 3000}
            if template["metadata"]["labels"][NAME] == LOG_STORE:
                assert ports(template) == {"s3": 7070}
    assert names == {"gitea", LOG_STORE, *LOG_JOBS}

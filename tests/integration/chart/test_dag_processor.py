# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D2: what Helm renders with airflow_app_dag_processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import service_accounts
from ansible_collections.gitops.airflow.tests.integration.chart.rendering import (
    ROOT,
    Edit,
    Objects,
    Write,
    add,
    named,
    pods,
    put,
    rendered_objects,
)

PROCESSOR, SCHEDULER = "airflow-dag-processor", "airflow-scheduler"
NO_TOKEN = {"automountServiceAccountToken": False}
STANDALONE = "AIRFLOW__SCHEDULER__STANDALONE_DAG_PROCESSOR"


def by_key(rendered: Objects) -> dict[tuple[str, str, str], dict[str, Any]]:
    """The objects by kind, namespace and name."""
    return {(item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]): item for item in rendered}


def deployments(rendered: Objects) -> dict[str, dict[str, Any]]:
    return {item["metadata"]["name"]: item["spec"]["template"]["spec"] for item in rendered if item["kind"] == "Deployment"}


def test_d2_the_scheduler_has_no_dag_file(with_processor: Objects, objects: Objects) -> None:
    spec = deployments(with_processor)[SCHEDULER]
    assert [container["name"] for container in [*(spec["initContainers"] or []), *spec["containers"]]] == ["scheduler"]
    assert "dags" not in {volume["name"] for volume in spec["volumes"]}
    assert [mount for mount in spec["containers"][0]["volumeMounts"] if "dags" in mount["mountPath"]] == []
    # Without the option it has them, in what is looked at here.
    before = deployments(objects)[SCHEDULER]
    assert "git-sync" in {container["name"] for container in before["containers"]}
    assert "dags" in {volume["name"] for volume in before["volumes"]}


def test_d2_what_parses_dag_files_has_no_token(with_processor: Objects) -> None:
    spec = deployments(with_processor)[PROCESSOR]
    assert [container["name"] for container in spec["containers"]] == ["dag-processor", "git-sync"]
    (account,) = named(with_processor, "ServiceAccount", spec["serviceAccountName"])
    assert (account["metadata"]["name"], account["automountServiceAccountToken"]) == (PROCESSOR, False)
    assert spec.get("automountServiceAccountToken") is not True
    assert [volume for volume in spec["volumes"] if "projected" in volume or "secret" in volume] == []
    # Nobody gave this account anything: the rights are those of these.
    assert PROCESSOR not in service_accounts({}, "airflow-core").values()


def test_d2_the_processor_runs_as_the_others_do(with_processor: Objects) -> None:
    """D14: nothing of it may be written but folders of its own."""
    spec, like = deployments(with_processor)[PROCESSOR], deployments(with_processor)["airflow-triggerer"]
    container, other = spec["containers"][0], like["containers"][0]
    assert container["securityContext"] == other["securityContext"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert spec["securityContext"] == like["securityContext"]
    token = {"kube-api-access"}
    places, others = ({(mount["name"], mount["mountPath"]) for mount in item["volumeMounts"]} for item in (container, other))
    assert places == {place for place in others if place[0] not in token}
    assert {volume["name"] for volume in spec["volumes"]} == {volume["name"] for volume in like["volumes"]} - token
    assert container["resources"]["requests"]
    (item,) = named(with_processor, "Deployment", PROCESSOR)
    assert item["metadata"]["annotations"] == {"argocd.argoproj.io/sync-wave": "3"}


def test_d2_only_the_scheduler_starts_again_when_it_is_switched(with_processor: Objects, objects: Objects) -> None:
    """Argo CD replaces the pods of what differs: no other pod, no worker's configuration."""
    before, after = map(by_key, (objects, with_processor))
    assert {key[-1] for key in set(after) - set(before)} == {PROCESSOR}
    assert set(before) <= set(after)
    assert {key[-1] for key in before if before[key] != after[key]} == {SCHEDULER}


def test_d2_both_know_who_parses(with_processor: Objects) -> None:
    found = {
        name: [entry["value"] for entry in spec["containers"][0]["env"] if entry["name"] == STANDALONE]
        for name, spec in deployments(with_processor).items()
    }
    assert {name: value for name, value in found.items() if value} == {SCHEDULER: ["True"], PROCESSOR: ["True"]}


def test_d2_the_verification_expects_what_is_rendered(objects: Objects, with_processor: Objects) -> None:
    """Pods and containers of airflow-core, from the role's defaults."""
    defaults = yaml.safe_load((ROOT / "roles/airflow_verify/defaults/main.yml").read_text())
    for processor, rendered in ((False, objects), (True, with_processor)):
        specs = [item["spec"]["template"]["spec"] for item in rendered if item["kind"] in ("Deployment", "StatefulSet")]
        variables = {"airflow_app_dag_processor": processor}
        texts = [trust_as_template(defaults[f"airflow_verify_{name}"]) for name in ("pods", "containers")]
        expected = [int(Templar(DataLoader(), variables).template(text)) for text in texts]
        assert [len(specs), sum(len(spec["containers"]) for spec in specs)] == expected


def test_d2_dag_files_come_by_key_too(write: Write) -> None:
    """The key of the DAG repository is where its git-sync is, and not beside the scheduler's token any more."""

    def edit(folder: Path) -> Objects:
        values = yaml.safe_load((folder / "values.yaml").read_text())
        values["airflow"]["dags"]["gitSync"] |= {"credentialsSecret": "", "sshKeySecret": "dags-git-ssh", "knownHosts": "host key"}
        (folder / "values.yaml").write_text(yaml.safe_dump(values))
        return rendered_objects(folder)

    holders = {name for name, spec in pods(edit(write(airflow_app_dag_processor=True))) if "dags-git-ssh" in str(spec["volumes"])}
    assert (PROCESSOR in holders, SCHEDULER in holders) == (True, False)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (put("airflow.dagProcessor.serviceAccount", {"automountServiceAccountToken": True}), '"airflow-dag-processor", with a token: true'),
        (put("airflow.dagProcessor.serviceAccount", NO_TOKEN | {"name": "airflow-scheduler"}), '"airflow-scheduler", with a token: false'),
        (put("airflow.dagProcessor.serviceAccount", NO_TOKEN | {"name": "default"}), 'ServiceAccount is "default"'),
        (put("airflow.dagProcessor.enabled", False), "airflow.dagProcessor.enabled is false, but the scheduler's variable"),
        (put("airflow.scheduler.env", []), f"{STANDALONE} is not set"),
        (put("airflow.dagProcessor.env", [{"name": "PYTHONPATH", "value": "/x"}]), "PYTHONPATH is set elsewhere than in airflow.env"),
        (
            add("airflow.dagProcessor.env", {"name": "AIRFLOW__CORE__EXECUTOR", "value": "LocalExecutor"}),
            "the environment variable AIRFLOW__CORE__EXECUTOR goes before airflow.config",
        ),
        (
            add("airflow.dagProcessor.extraVolumeMounts", {"name": "tmp", "mountPath": "/opt/gitops-airflow"}),
            "is the platform's own folder",
        ),
    ],
)
def test_d2_the_chart_refuses_a_processor_with_a_token(render: Any, processor_chart: Path, edit: Edit, words: str) -> None:
    done = render(edit, processor_chart)
    assert done.returncode != 0
    assert words in done.stderr


def test_d2_the_chart_refuses_a_processor_beside_a_scheduler_that_parses(render: Any) -> None:
    done = render(put("airflow.dagProcessor", {"enabled": True, "serviceAccount": NO_TOKEN}))
    assert done.returncode != 0
    assert "DAG files would be parsed twice or not at all. Next: set airflow_app_dag_processor" in done.stderr

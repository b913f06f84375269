# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D14: which containers have the token of the Kubernetes API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.gitops.airflow.tests.integration.chart.rendering import (
    Edit,
    Objects,
    Write,
    add,
    named,
    pods,
    put,
    rendered_objects,
)
from ansible_collections.gitops.airflow.tests.unit.roles import test_manifests as manifests

defaults, render_template = manifests.defaults, manifests.render

FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"
VOLUME = {
    "name": "kube-api-access",
    "projected": {
        "defaultMode": 0o444,
        "sources": [
            {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
        ],
    },
}
WITH_TOKEN = {("airflow-scheduler", "scheduler"), ("airflow-triggerer", "triggerer"), ("airflow-webserver", "webserver")}


def mounted(spec: dict[str, Any], automount: bool) -> set[str]:
    """The containers of a pod that get a token: by a mount of their own, or by Kubernetes, which adds one to all others."""
    sources = {volume["name"] for volume in spec["volumes"] if "serviceAccountToken" in str(volume)}
    automount = spec.get("automountServiceAccountToken", automount)
    containers = [*(spec.get("initContainers") or []), *spec["containers"]]
    return {item["name"] for item in containers if automount or sources & {mount["name"] for mount in item.get("volumeMounts") or []}}


def holders(rendered: Objects) -> set[tuple[str, str]]:
    found = set()
    for name, spec in pods(rendered):
        accounts = named(rendered, "ServiceAccount", spec["serviceAccountName"])
        automount = any(account["automountServiceAccountToken"] for account in accounts)
        assert accounts
        found |= {(name, container) for container in mounted(spec, automount)}
    return found


@pytest.mark.parametrize("rendered", ["objects", "with_processor"])
def test_d14_only_what_asks_the_api_has_a_token(rendered: str, request: pytest.FixtureRequest) -> None:
    """No git-sync, no DAG processor, no job, no worker, no database."""
    found = request.getfixturevalue(rendered)
    assert holders(found) == WITH_TOKEN
    (mysql,) = named(found, "StatefulSet", "airflow-mysql")
    assert mysql["spec"]["template"]["spec"]["automountServiceAccountToken"] is False


def test_d14_the_token_is_as_kubernetes_mounts_it(objects: Objects) -> None:
    for name, spec in pods(objects):
        volumes = [volume for volume in spec["volumes"] if volume["name"] == "kube-api-access"]
        mounts = [mount for item in spec["containers"] for mount in item["volumeMounts"] if mount["mountPath"].startswith(FOLDER)]
        own = name in {pod for pod, _container in WITH_TOKEN}
        assert volumes == ([VOLUME] if own else [])
        assert mounts == ([{"name": "kube-api-access", "mountPath": FOLDER, "readOnly": True}] if own else [])


def test_d14_values_of_peoples_own_keep_the_token(write: Write) -> None:
    values = {
        "scheduler": {"extraVolumes": [{"name": "more", "emptyDir": {}}], "extraVolumeMounts": [{"name": "more", "mountPath": "/more"}]},
        "webserver": {"extraVolumeMounts": [{"name": "tmp", "mountPath": "/tmp"}]},
        "dags": {"gitSync": {"extraVolumeMounts": [{"name": "more", "mountPath": "/more"}]}},
    }
    folder = write(airflow_app_values=values, airflow_app_dag_processor=True)
    text = yaml.safe_load((folder / "values.yaml").read_text())
    assert VOLUME in text["airflow"]["scheduler"]["extraVolumes"]
    assert holders(rendered_objects(folder)) == WITH_TOKEN


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        *(
            (put(f"airflow.{part}.serviceAccount.automountServiceAccountToken", True), f"airflow.{part}.serviceAccount.automountService")
            for part in ("scheduler", "triggerer", "webserver")
        ),
        (put("airflow.scheduler.extraVolumeMounts", []), 'airflow.scheduler.extraVolumeMounts mounts ""'),
        (
            add("airflow.webserver.extraVolumeMounts", {"name": "x", "mountPath": f"{FOLDER}/token"}),
            "where the webserver finds its token. Next: leave that entry as gitops.airflow writes it",
        ),
        (
            add("airflow.dags.gitSync.extraVolumeMounts", {"name": "kube-api-access", "mountPath": "/x"}),
            "has kube-api-access, where the token of the Kubernetes API lies. Next: remove that entry",
        ),
        (add("airflow.volumeMounts", {"name": "x", "mountPath": FOLDER}), "airflow.volumeMounts or airflow.dagProcessor"),
    ],
)
def test_d14_the_chart_refuses_a_token_elsewhere(render: Any, edit: Edit, words: str) -> None:
    done = render(edit)
    assert done.returncode != 0
    assert words in done.stderr


def test_d14_the_dag_processor_cannot_mount_it(render: Any, processor_chart: Path) -> None:
    done = render(add("airflow.dagProcessor.extraVolumeMounts", {"name": "x", "mountPath": FOLDER}), processor_chart)
    assert done.returncode != 0
    assert "Next: remove that entry" in done.stderr


def test_d14_the_other_roles_pods_have_no_token(render_template: Any) -> None:
    """Gitea and the store of task logs ask no API."""
    applied = [{"kind": "PersistentVolumeClaim", "uid": "1"}]
    items = [
        *render_template("git_server/gitea.yaml.j2"),
        *render_template("task_logs/task-logs.yaml.j2"),
        *render_template("task_logs/setup-job.yaml.j2", __task_logs_applied={"objects": applied}),
    ]
    specs = [
        (item.get("spec") or {}).get("jobTemplate", {}).get("spec", item.get("spec") or {})["template"]["spec"]
        for item in items
        if item["kind"] in ("Deployment", "StatefulSet", "Job", "CronJob")
    ]
    assert len(specs) >= 3
    assert [spec.get("automountServiceAccountToken") for spec in specs] == [False] * len(specs)

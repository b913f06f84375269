# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F15: every pod that Helm renders of the platform's chart, and every worker, has its images from the registry and the pull secrets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from ansible_collections.gitops.airflow.plugins.module_utils._kube.images import images_of
from ansible_collections.gitops.airflow.tests.integration.chart.rendering import Write, rendered_objects

REGISTRY = "registry.example.com:5000/mirror"


def pods(value: Any) -> Iterator[dict[str, Any]]:
    """The specifications of all pods in an object, that of the worker in Airflow's configuration, too."""
    if isinstance(value, dict):
        if isinstance(value.get("containers"), list):
            yield value
        for key, item in value.items():
            yield from pods(yaml.safe_load(item) if key == "pod_template_file.yaml" else item)
    elif isinstance(value, list):
        for item in value:
            yield from pods(item)


def test_f15_every_pod_of_the_chart(write: Write) -> None:
    given = {"platform_image_registry": REGISTRY, "platform_pull_secrets": ["pull"], "airflow_app_dag_processor": True}
    found = [pod for item in rendered_objects(write(**given)) for pod in pods(item)]
    # Scheduler, triggerer, webserver, DAG processor, MySQL, two jobs, and the worker in each of three namespaces.
    assert len(found) == 10
    assert [image for image in images_of(found) if not image.startswith(f"{REGISTRY}/")] == []
    assert [pod for pod in found if pod.get("imagePullSecrets") != [{"name": "pull"}]] == []


def test_without_them_the_pods_have_no_pull_secrets(write: Write) -> None:
    found = [pod for item in rendered_objects(write()) for pod in pods(item)]
    assert [pod for pod in found if "imagePullSecrets" in pod] == []
    assert {image.partition("/")[0] for image in images_of(found)} == {"apache", "registry.k8s.io", "mysql:8.0.42"}


def test_mysqls_volume_has_the_storage_class(write: Write) -> None:
    for given, expected in (({}, None), ({"platform_storage_class": "fast"}, "fast")):
        (mysql,) = [item for item in rendered_objects(write(**given)) if item["kind"] == "StatefulSet"]
        (template,) = mysql["spec"]["volumeClaimTemplates"]
        assert template["spec"].get("storageClassName") == expected

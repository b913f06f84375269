# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Airflow's own chart pulls its images from, as values of it. Pure. A filter imports this file: it needs no other collection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._kube.images import mirrored
from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import at

# Images of parts that the platform leaves off, by the part that people's values may switch on (the official chart's values.yaml).
# Their tags are the chart's.
PART_IMAGES = {
    "statsd": {"statsd": "quay.io/prometheus/statsd-exporter"},
    "redis": {"redis": "redis"},
    "pgbouncer": {"pgbouncer": "apache/airflow", "pgbouncerExporter": "apache/airflow"},
}
# The first version of the chart that takes a list of pull secrets. Earlier ones take one name (airflow#57615).
SEVERAL_PULL_SECRETS = "1.19"


def registry_values(values: Any, registry: str, pull_secrets: Sequence[str]) -> dict[str, Any]:
    """Values of the chart beside the images that have a variable. ``values``: people's, which say what parts there are.

    ``images``: images of further parts. C(registry) or C(imagePullSecrets): the pull secrets of all pods. Only what is set has a key.
    """
    found: dict[str, Any] = {}
    if registry:
        images = {
            name: {"repository": mirrored(repository, registry)}
            for part, repositories in PART_IMAGES.items()
            if at(values, part, "enabled")
            for name, repository in repositories.items()
        }
        found |= {"images": images} if images else {}
    if len(pull_secrets) == 1:
        found["registry"] = {"secretName": pull_secrets[0]}
    elif pull_secrets:
        found["imagePullSecrets"] = [{"name": name} for name in pull_secrets]
    return found

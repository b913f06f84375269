# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the registry of the platform's images and with the Secrets that pull them. Pure: settings in, refusals out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import named
from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import at
from ansible_collections.gitops.airflow.plugins.module_utils._platform.pull_secrets import pull_secrets
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.registry_values import SEVERAL_PULL_SECRETS
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Settings
from ansible_collections.gitops.airflow.plugins.module_utils._platform.shapes import IMAGE, OBJECT_NAME
from ansible_collections.gitops.airflow.plugins.module_utils._platform.version import older

EXAMPLE = "registry.example.com/mirror"
# What container runtimes take for a registry: a name without a dot or a port is a folder of docker.io.
_HOST = re.compile(r"(?:[^/]*[.:][^/]*|localhost)(?:/.*)?", re.DOTALL)


def image_registry(given: Settings) -> Iterator[Refusal]:
    registry = given.image_registry
    if not registry:
        return
    why = _registry_problem(registry)
    if why:
        yield Refusal(
            "image_registry",
            registry,
            "a registry is a host with an optional port and path",
            f"platform_image_registry is '{registry}', {why}.",
            f"Set platform_image_registry to HOST[:PORT][/PATH], such as {EXAMPLE}, or leave it empty.",
        )


def _registry_problem(registry: str) -> str:
    """Why a text is not a registry; empty if it is one."""
    if "://" in registry:
        return "which begins with a scheme as a URL does"
    if registry.endswith("/"):
        return "which ends with a slash"
    if not _HOST.fullmatch(registry):
        return "whose host has neither a dot nor a port, so nodes would take it for a folder of docker.io"
    image = IMAGE.fullmatch(f"{registry}/x:1")
    return "" if image else "which cannot be the beginning of an image's name"


def names(given: Settings) -> Iterator[Refusal]:
    wrong = [name for name in given.pull_secrets if not OBJECT_NAME.fullmatch(name)]
    if wrong:
        shown = ", ".join(f"'{name}'" for name in wrong)
        yield Refusal(
            "pull_secret_name",
            shown,
            "a pull secret is named as a Secret",
            f"platform_pull_secrets has {shown}, which cannot be the name of a Secret.",
            "Set platform_pull_secrets to a list of names of Secrets.",
        )
    source = given.pull_secrets_namespace
    if source and not OBJECT_NAME.fullmatch(source):
        yield Refusal(
            "pull_secret_name",
            source,
            "pull secrets are in a namespace",
            f"platform_pull_secrets_namespace is '{source}', which cannot be the name of a namespace.",
            "Correct platform_pull_secrets_namespace.",
        )


def one_for_the_chart(given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    version = airflow.chart.version
    if len(given.pull_secrets) > 1 and version and older(version, SEVERAL_PULL_SECRETS):
        yield Refusal(
            "several_pull_secrets",
            ", ".join(given.pull_secrets),
            f"Airflow's chart before {SEVERAL_PULL_SECRETS} takes one pull secret",
            f"platform_pull_secrets names {named(list(given.pull_secrets))}, but Airflow's chart {version} gives its pods one pull "
            "secret only.",
            "Put the log-ins of all registries into one Secret, which can hold several, and name that one alone.",
        )


def one_owner(given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    """A name in airflow_app_worker_secrets as well would be copied from another source, by each run anew."""
    twice = [name for name in given.pull_secrets if name in airflow.worker_secrets]
    if twice:
        yield Refusal(
            "pull_secret_twice",
            ", ".join(twice),
            "a Secret is copied from one source",
            f"platform_pull_secrets and airflow_app_worker_secrets both name {named(twice)}. Every namespace of the platform has "
            "the Secrets of platform_pull_secrets already.",
            f"Remove {named(twice)} from airflow_app_worker_secrets.",
        )
    if not given.pull_secrets:
        return
    others = [name for name in pull_secrets(airflow.values) if name not in given.pull_secrets]
    if others or at(airflow.values, "registry", "connection"):
        what = f"names the pull secret {named(others)}" if others else "sets registry.connection"
        yield Refusal(
            "pull_secret_twice",
            ", ".join(others) or "registry.connection",
            "platform_pull_secrets alone sets the pull secrets of Airflow's pods",
            f"airflow_app_values {what}, which would replace platform_pull_secrets in Airflow's own pods.",
            "Set all pull secrets in platform_pull_secrets, and remove registry and imagePullSecrets from airflow_app_values.",
        )


RULES = (image_registry, names)
AIRFLOW_RULES = (one_for_the_chart, one_owner)

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of a platform that contradict each other or that the platform cannot use. Pure: no cluster is needed.

A rule yields a refusal for what breaks it. Messages name the roles' variables and the value, never a value that may be secret.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._platform import (
    network_rules,
    pod_operator_rules,
    profile_rules,
    proxy_rules,
    registry_rules,
    storage_state,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import ARGOCD_MODES, CHECK, TRUST_MODES, Settings
from ansible_collections.gitops.airflow.plugins.module_utils._platform.shapes import IMAGE
from ansible_collections.gitops.airflow.plugins.module_utils._platform.version import older

Rule = Callable[[Settings], Iterator[Refusal]]

# What is a label's value and part of names, and the name of a namespace.
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
OLDEST_AIRFLOW, NOT_YET_AIRFLOW = "2.6", "2.11"


def is_label(value: Any) -> bool:
    """Whether a value is a text that Kubernetes takes as a label and as a namespace's name."""
    return isinstance(value, str) and LABEL.fullmatch(value) is not None


def provider(given: Settings) -> Iterator[Refusal]:
    if given.provider not in ("kind", "existing"):
        yield Refusal(
            "provider",
            given.provider,
            "platform_provider is kind or existing",
            f"platform_provider is '{given.provider}'. It must be 'kind' (create a local cluster) or 'existing' "
            "(use the cluster of platform_context).",
            "Correct platform_provider in the inventory.",
        )


def platform_name(given: Settings) -> Iterator[Refusal]:
    """It is the value of a label on every object, and part of names."""
    if not is_label(given.name):
        yield Refusal(
            "platform_name",
            str(given.name),
            "platform_name can be a label's value",
            f"platform_name is '{given.name}'. It must be a text of 1 to 63 lower-case letters, digits and hyphens that begins and ends "
            "with a letter or digit, because every object of the platform is labelled with it.",
            "Correct platform_name in the inventory, in quotes if it is a number.",
        )


def platform_prefix(given: Settings) -> Iterator[Refusal]:
    """Namespaces, Application and folder begin with it."""
    if given.prefix != given.name and not is_label(given.prefix):
        yield Refusal(
            "platform_prefix",
            str(given.prefix),
            "platform_prefix can be the beginning of a namespace's name",
            f"platform_prefix is '{given.prefix}'. It must be a text of lower-case letters, digits and hyphens that begins and ends with a "
            "letter or digit, because the names of the platform's namespaces begin with it.",
            "Correct platform_prefix in the inventory, in quotes if it is a number, or remove it.",
        )


def git_server(given: Settings) -> Iterator[Refusal]:
    if given.git_server not in ("embedded", "external"):
        yield Refusal(
            "git_server",
            given.git_server,
            "platform_git_server is embedded or external",
            f"platform_git_server is '{given.git_server}'. It must be 'embedded' (Gitea in the cluster) or 'external' (your own server).",
            "Correct platform_git_server in the inventory.",
        )


def argocd(given: Settings) -> Iterator[Refusal]:
    if given.argocd not in ARGOCD_MODES:
        yield Refusal(
            "argocd",
            given.argocd,
            "platform_argocd is install or existing",
            f"platform_argocd is '{given.argocd}'. It must be 'install' (the platform's own Argo CD) or 'existing' (one of others).",
            "Correct platform_argocd in the inventory.",
        )
    elif given.existing_argocd and given.provider == "kind":
        yield Refusal(
            "argocd",
            given.argocd,
            "only an existing cluster has an existing Argo CD",
            "platform_argocd is 'existing', but platform_provider is 'kind'. The cluster that the platform creates has no Argo CD.",
            "Set platform_argocd to install, or platform_provider to existing.",
        )


def argocd_trust(given: Settings) -> Iterator[Refusal]:
    if given.argocd_trust not in ("", *TRUST_MODES):
        yield Refusal(
            "argocd_trust",
            given.argocd_trust,
            "platform_argocd_trust is check or manage",
            f"platform_argocd_trust is '{given.argocd_trust}'. It must be 'check' (Argo CD must trust the Git server already) or 'manage' "
            "(the run adds what Argo CD must trust).",
            "Correct platform_argocd_trust in the inventory.",
        )
    elif given.argocd_trust == CHECK and not given.existing_argocd:
        yield Refusal(
            "argocd_trust",
            given.argocd_trust,
            "the platform's own Argo CD trusts what the run adds",
            "platform_argocd_trust is 'check', but platform_argocd is not 'existing'. Nobody else could add what Argo CD must trust.",
            "Remove platform_argocd_trust from the inventory, or set platform_argocd to existing.",
        )


def project(given: Settings) -> Iterator[Refusal]:
    if given.airflow and given.airflow.project and not given.existing_argocd:
        yield Refusal(
            "project",
            given.airflow.project,
            "the platform's own Argo CD has no AppProject of others",
            f"airflow_app_project is '{given.airflow.project}', but platform_argocd is not 'existing'.",
            "Remove airflow_app_project from the inventory, or set platform_argocd to existing.",
        )


def namespace_names(given: Settings) -> Iterator[Refusal]:
    names = [*given.own_namespaces, given.core_namespace, *given.worker_namespaces]
    wrong = list(dict.fromkeys(str(name) for name in names if not is_label(name)))
    if wrong:
        yield Refusal(
            "namespace_name",
            ", ".join(wrong),
            "a namespace's name is a DNS label",
            "platform_worker_namespaces, platform_core_namespace, platform_argocd_namespace, platform_git_namespace or "
            f"platform_logs_namespace is {', '.join(wrong)}. The name of a namespace is a text of 1 to 63 lower-case letters, digits and "
            "hyphens that begins and ends with a letter or digit.",
            f"Correct {', '.join(wrong)}, in quotes if it is a number.",
        )


def airflow_version(given: Settings) -> Iterator[Refusal]:
    version = given.airflow_version
    if version and not (older(version, NOT_YET_AIRFLOW) and not older(version, OLDEST_AIRFLOW)):
        yield Refusal(
            "airflow_version",
            version,
            f"Airflow is at least {OLDEST_AIRFLOW} and older than {NOT_YET_AIRFLOW}",
            f"platform_airflow_version is '{version}'. The platform is made for Airflow 2.6 to 2.10.",
            "Correct platform_airflow_version in the inventory.",
        )


def host_ports(given: Settings) -> Iterator[Refusal]:
    if given.airflow_host_port and given.airflow_host_port == given.argocd_host_port:
        yield Refusal(
            "same_port",
            str(given.airflow_host_port),
            "Airflow and Argo CD have a port each",
            f"platform_airflow_host_port and platform_argocd_host_port are both {given.airflow_host_port}. Each needs a port of its own.",
            "Change platform_airflow_host_port or platform_argocd_host_port.",
        )


def images(given: Settings) -> Iterator[Refusal]:
    """Each image is one version: the chart's values have repository and tag apart, and without a tag a pull may bring any version (F12)."""
    if any(registry_rules.image_registry(given)):  # the images begin with it
        return
    for name, image in given.images.items():
        variable, match = f"platform_{name}_image", IMAGE.fullmatch(image)
        if match and (match["tag"] or match["digest"]):
            continue
        example = f"{image}:{given.airflow_version or 'TAG'}" if name == "airflow" else f"{image}:TAG"
        what, action = "It names neither a tag nor a digest, so no version.", f"Set {variable} to an image with its tag, such as {example}."
        if not match:
            what, action = "It is not the name of an image, which is REGISTRY/REPOSITORY:TAG in lower case.", f"Correct {variable}."
        rule = "an image is named with its tag or digest"
        yield Refusal("image", image, rule, f"{variable} is '{image}'. {what}", action)


def namespaces_apart(given: Settings) -> Iterator[Refusal]:
    shared = [name for name in given.own_namespaces if name in given.worker_namespaces]
    if shared:
        yield Refusal(
            "shared_namespace",
            ", ".join(map(str, shared)),
            "no task runs in the namespace of Argo CD, the Git server or the task logs",
            f"platform_worker_namespaces names {', '.join(map(str, shared))}, which is the namespace of Argo CD, of the Git server or of "
            "the task logs. Tasks there could read its Secrets.",
            "Use another namespace for one of them.",
        )


def core_namespace(given: Settings) -> Iterator[Refusal]:
    if given.core_namespace not in given.worker_namespaces:
        yield Refusal(
            "core_namespace",
            str(given.core_namespace),
            "Airflow's own namespace is a worker namespace",
            f"platform_core_namespace is '{given.core_namespace}', which platform_worker_namespaces {list(given.worker_namespaces)} does "
            "not name. Airflow runs there.",
            f"Add '{given.core_namespace}' to platform_worker_namespaces. To keep tasks out of it, set airflow_app_core_tasks to false.",
        )


def namespace_once(given: Settings) -> Iterator[Refusal]:
    twice = [str(name) for name, times in Counter(map(str, given.worker_namespaces)).items() if times > 1]
    if twice:
        yield Refusal(
            "namespace_twice",
            ", ".join(twice),
            "each worker namespace has one entry",
            f"platform_worker_namespaces {list(given.worker_namespaces)} names {', '.join(twice)} more than once. Each needs one entry.",
            f"Remove the other entries of {', '.join(twice)}.",
        )


# If one of these is broken, the platform cannot be found in a cluster.
IDENTITY: tuple[Rule, ...] = (provider, platform_name, platform_prefix, git_server, argocd, namespace_names)
PLATFORM: tuple[Rule, ...] = (
    *IDENTITY,
    argocd_trust,
    project,
    airflow_version,
    *registry_rules.RULES,
    *storage_state.RULES,
    *proxy_rules.RULES,
    images,
    host_ports,
    namespaces_apart,
    core_namespace,
    namespace_once,
    *network_rules.RULES,
    *profile_rules.RULES,
    *pod_operator_rules.RULES,
)


def broken(rules: Sequence[Rule], given: Settings) -> list[Refusal]:
    """The refusals of the rules, in their order."""
    return [refusal for rule in rules for refusal in rule(given)]


def kubeconfig(path: Any, given: Settings, context: str = "") -> Iterator[Refusal]:
    """The file of an existing cluster is there. ``path`` is the option ``kubeconfig``: paths with a colon between, or the configuration."""
    if given.provider != "existing" or not isinstance(path, str):
        return
    if not any(os.path.isfile(os.path.expanduser(part)) for part in path.split(os.pathsep)):
        named = f" that has the context '{context}'" if context else ""
        yield Refusal(
            "kubeconfig",
            path,
            "the kubeconfig of an existing cluster is a file on this machine",
            f"platform_kubeconfig is '{path}', which is not a file on this machine, so the cluster cannot be reached.",
            f"Set platform_kubeconfig (or the environment variable KUBECONFIG) to the kubeconfig file{named}.",
        )

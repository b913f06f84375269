# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the cluster policy allows to the pods of tasks: as it will be with these settings, and as it is in the cluster. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import BASIC_SECRET
from ansible_collections.gitops.airflow.plugins.module_utils._platform import pod_cel, pod_fields, references
from ansible_collections.gitops.airflow.plugins.module_utils._platform.admission_policy import Limits
from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import TOLERATIONS, at, config_map, worker_account
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Settings

# The ConfigMap that the chart makes, and its keys: worker-namespaces.yaml.
CONFIG_MAP, POLICY, TEMPLATE = "airflow-python", "airflow_local_settings.py", "worker-pod.json"
# The call at the policy's end: _local_settings.tpl.j2.
CONFIGURE = re.compile(r"^configure\(r'''(.*?)'''\)", re.DOTALL | re.MULTILINE)


def wanted(given: Settings, airflow: AirflowSettings) -> Limits:
    """With these settings. What Helm alone knows of the pod template, :func:`live` has once Argo CD has applied the chart."""
    core, values = str(given.core_namespace), airflow.values
    listed = {"secrets": airflow.task_secrets, "configMaps": airflow.task_config_maps, "claims": airflow.task_claims}
    named = {(pod_fields.KINDS[key], name) for key, names in listed.items() for name in names}
    return Limits(
        core,
        frozenset({worker_account(values, airflow.name)}),
        frozenset({airflow.name}),
        frozenset(map(str, given.worker_namespaces)),
        airflow.core_tasks,
        frozenset(named | {*_own(given, airflow)} | {*_of_values(values)} | {*pod_fields.references(given.scheduling.get(core))}),
        frozenset(airflow.task_token_audiences),
        frozenset(pod_cel.exceptions({"spec": worker_pod(values)})),
        _scheduling(given.scheduling),
        frozenset(map(str, given.pod_operators)),
    )


def _scheduling(fields: Mapping[Any, Any]) -> dict[str, frozenset[str]]:
    return {str(name): frozenset(pod_cel.exceptions({"spec": spec or {}})) for name, spec in fields.items()}


def _own(given: Settings, airflow: AirflowSettings) -> Iterator[tuple[str, str]]:
    """What the platform's own values give to every worker."""
    secrets = ["airflow-metadata", "airflow-fernet-key", *given.pull_secrets]
    secrets += ["airflow-task-logs"] if airflow.logs.mode != "none" else []
    secrets += [BASIC_SECRET] if airflow.dags.embedded else airflow.dags.used.git_sync_secrets()
    maps = [config_map(airflow.values, airflow.name), CONFIG_MAP, *(["airflow-git-authority"] if airflow.dags.used.ca else [])]
    yield from (("Secret", name) for name in secrets)
    yield from (("ConfigMap", name) for name in maps)


def _of_values(values: Any) -> Iterator[tuple[str, str]]:
    """What people's values give to every worker."""
    for reference in references.of_workers(values):
        yield {references.CLAIM: "claim"}.get(reference.kind, reference.kind), reference.name
    for part in (*references.EVERYWHERE, *references.WORKERS, "podTemplate"):
        found = at(values, *part.split("."))
        yield from pod_fields.references(references.parsed(found) if isinstance(found, str) else found)


def worker_pod(values: Any) -> dict[str, Any]:
    """The specification of worker pods before their namespace's profile, as far as the rules for fields and their nodes concern it."""
    template = references.parsed(at(values, "podTemplate"))
    if isinstance(template, Mapping) and isinstance(template.get("spec"), Mapping):
        return dict(template["spec"])
    workers = at(values, "workers")
    context = at(workers, "securityContexts", "container") or at(values, "securityContexts", "containers")
    spec = {
        "nodeSelector": at(workers, "nodeSelector") or at(values, "nodeSelector"),
        "affinity": at(workers, "affinity") or at(values, "affinity"),
        "tolerations": at(workers, "tolerations") or at(values, "tolerations") or TOLERATIONS,
        "securityContext": at(workers, "securityContexts", "pod")
        or at(workers, "securityContext")
        or at(values, "securityContexts", "pod"),
        "volumes": [*(at(values, "volumes") or []), *(at(workers, "extraVolumes") or [])],
        "initContainers": at(workers, "extraInitContainers"),
        "containers": [{"name": "base", "securityContext": context}, *(at(workers, "extraContainers") or [])],
        "priorityClassName": at(workers, "priorityClassName"),
    }
    return {key: value for key, value in spec.items() if value}


def live(config: Mapping[str, Any] | None) -> Limits | None:
    """As the ConfigMap in the core namespace says it. None where it has another form, as that of an older version."""
    data = (config or {}).get("data") or {}
    found = CONFIGURE.search(data.get(POLICY) or "")
    try:
        given, template = json.loads(found.group(1) if found else ""), json.loads(data.get(TEMPLATE) or "")
        listed = {(pod_fields.KINDS[key], str(name)) for key, names in given["taskReferences"].items() for name in names or []}
        return Limits(
            given["core"],
            frozenset({given["account"]}),
            frozenset({given["release"]}),
            frozenset(given["workerNamespaces"]),
            given["core"] in given["workerNamespaces"],
            frozenset(listed | {*pod_fields.references(template)} | {*pod_fields.references(given["workerNamespaces"].get(given["core"]))}),
            frozenset(given["tokenAudiences"] or []),
            frozenset(pod_cel.exceptions(template)),
            _scheduling(given["workerNamespaces"]),
            frozenset(given.get("podOperators") or []),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None

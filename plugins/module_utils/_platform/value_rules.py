# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people's own chart values and task settings must not do to the platform. Pure: settings in, refusals out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._platform import (
    chart_key_rules,
    copies,
    core_placement,
    dag_processor_rules,
    entry_rules,
    forms,
    image_rules,
    pod_operator_rules,
    quota_rules,
    registry_rules,
    token_rules,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import (
    PYTHON_FOLDER,
    WITH_RIGHTS,
    at,
    import_path_problems,
    texts,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Settings

Rule = Callable[[Settings, AirflowSettings], Iterator[Refusal]]

EXECUTOR = "KubernetesExecutor"
LIST_OPTIONS = (("kubernetes_executor", "multi_namespace_mode_namespace_list"), ("kubernetes", "namespace_list"))
SECTIONS = ("kubernetes_executor", "kubernetes")
# What the rules look into, by its path in the values.
DICTIONARIES = (
    "config",
    *(f"config.{name}" for name in ("core", "logging", "scheduler", *SECTIONS)),
    "rbac",
    "enableBuiltInSecretEnvVars",
    *chart_key_rules.COMPONENTS,
    *(f"{part}.serviceAccount" for part in (*WITH_RIGHTS, "dagProcessor")),
)
PARTS = ("env", "extraVolumes", "extraVolumeMounts", "extraContainers", "extraInitContainers", "tolerations")
LISTS = ("env", "volumes", "volumeMounts", "secret", "tolerations", *(f"{name}.{part}" for name in DICTIONARIES for part in PARTS))
TYPES = {str: "text", bool: "boolean", int: "number", float: "number"}
# The policy refuses these even if they are listed.
OWN_OBJECTS = ("airflow-admin", "airflow-generated", "airflow-mysql", "airflow-webserver-secret-key", "data-airflow-mysql-0")
# Environment variables go before the configuration's own options, wherever in the values they stand.
OWN_VARIABLES = ("AIRFLOW__KUBERNETES__", "AIRFLOW__KUBERNETES_EXECUTOR__", "AIRFLOW__CORE__EXECUTOR")
WORD = re.compile(r"\w+")
# What API servers take for their own audience: the issuer that kubeadm sets, and names that distributions add to it.
API_AUDIENCE = re.compile(r"(https://)?kubernetes(\.default(\.svc(\..*)?)?)?/?|api|k3s|rke2|")


def options(values: Any, *paths: tuple[str, str]) -> list[str]:
    """What is set for these options of Airflow's configuration, each value once."""
    found = [at(values, "config", *path) for path in paths]
    return list(dict.fromkeys(str(value) for value in found if value))


def _names(given: Settings) -> list[str]:
    return [str(name) for name in given.worker_namespaces]


def values_type(_given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    wanted: list[tuple[str, Any, Any, str]] = [("airflow_app_values", airflow.values, Mapping, "dictionary")]
    for paths, kind, word in ((DICTIONARIES, Mapping, "dictionary"), (LISTS, list | tuple, "list")):
        wanted += [(f"{path} of airflow_app_values", at(airflow.values, *path.split(".")), kind, word) for path in paths]
    for name, value, kind, word in wanted:
        if value is not None and not isinstance(value, kind):
            found = TYPES.get(type(value), type(value).__name__)
            yield Refusal(
                "values_type",
                found,
                "what holds options is a dictionary, what holds entries a list",
                f"{name} is a {found}. It must be a {word}.",
                f"Correct {name}.",
            )


def version_once(given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    version = at(airflow.values, "airflowVersion")
    if version and given.airflow_version and str(version) != given.airflow_version:
        yield Refusal(
            "airflow_version_twice",
            str(version),
            "platform_airflow_version alone sets Airflow's version",
            f"airflow_app_values sets airflowVersion to {version}, but platform_airflow_version is {given.airflow_version}.",
            "Remove airflowVersion from airflow_app_values.",
        )


def default_namespace(given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    name = airflow.default_namespace
    if airflow.core_tasks if name == given.core_namespace else name in given.worker_namespaces:
        return
    closed = "" if airflow.core_tasks else f", and not {given.core_namespace}, which airflow_app_core_tasks keeps tasks out of"
    yield Refusal(
        "default_namespace",
        name,
        "tasks that name no namespace run in a worker namespace that is open to tasks",
        f"airflow_app_default_namespace is '{name}', where tasks run that name no namespace. It must be one of platform_worker_namespaces "
        f"{_names(given)}{closed}.",
        "Set airflow_app_default_namespace to another one.",
    )


def default_namespace_once(_given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    found = options(airflow.values, *((section, "namespace") for section in SECTIONS))
    if set(found) - {airflow.default_namespace}:
        yield Refusal(
            "default_namespace_twice",
            ", ".join(found),
            "airflow_app_default_namespace alone sets the executor's namespace",
            f"airflow_app_values sets the executor's namespace to {' and '.join(found)}, but airflow_app_default_namespace is "
            f"{airflow.default_namespace}.",
            "Remove the option from airflow_app_values, and set airflow_app_default_namespace.",
        )


def task_references(_given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    own = [name for name in dict.fromkeys(airflow.task_secrets + airflow.task_claims) if name in OWN_OBJECTS]
    if own:
        yield Refusal(
            "task_reference",
            ", ".join(own),
            "tasks do not refer to the platform's own Secrets and claims",
            f"airflow_app_task_secrets or airflow_app_task_claims names {', '.join(own)}. With them a task could control the whole "
            "platform.",
            f"Remove {', '.join(own)} from that list.",
        )


def task_token_audiences(_given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    """D12. What else an API server may take for its own audience cannot be known here."""
    found = [f"'{name}'" for name in dict.fromkeys(airflow.task_token_audiences) if API_AUDIENCE.fullmatch(name)]
    if found:
        yield Refusal(
            "task_token_audience",
            ", ".join(found),
            "tasks get no token of the Kubernetes API",
            f"airflow_app_task_token_audiences has {', '.join(found)}, which is an audience of the Kubernetes API.",
            f"Remove {', '.join(found)} from that list, and let the service that takes the tokens ask for an audience of its own.",
        )


def namespace_list(given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    found = options(airflow.values, *LIST_OPTIONS)
    if any(sorted(text.split(",")) != sorted(_names(given)) for text in found):
        shown = "' and '".join(found)
        yield Refusal(
            "namespace_list",
            ", ".join(found),
            "Airflow's list of namespaces is platform_worker_namespaces",
            f"airflow_app_values sets the namespace list to '{shown}', but platform_worker_namespaces is '{','.join(_names(given))}'. "
            "Both must name the same namespaces, with no spaces.",
            "Remove the option from airflow_app_values (it is derived), or change platform_worker_namespaces.",
        )


def multi_namespace_mode(given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    found = [at(airflow.values, "config", section, "multi_namespace_mode") for section in SECTIONS]
    wrong = [str(value) for value in found if value is not None and str(value).lower() != "true"]
    if wrong:
        yield Refusal(
            "multi_namespace_mode",
            ", ".join(wrong),
            "multi_namespace_mode is on",
            f"airflow_app_values sets multi_namespace_mode to {' and '.join(wrong)} in config.kubernetes_executor or config.kubernetes. "
            f"Without it Airflow loses the workers of {', '.join(_names(given))}.",
            "Remove the option from airflow_app_values.",
        )


def webserver_key(_given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    """D7. Of the chart's own switches: for all pods or for none."""
    if at(airflow.values, "enableBuiltInSecretEnvVars", "AIRFLOW__WEBSERVER__SECRET_KEY"):
        yield Refusal(
            "webserver_key",
            "true",
            "the webserver alone has the key of its sessions",
            "airflow_app_values sets enableBuiltInSecretEnvVars.AIRFLOW__WEBSERVER__SECRET_KEY to true, which gives every worker the key. "
            "With it a task could make a session of any user. In namespaces without the Secret, workers would not start.",
            "Remove the option from airflow_app_values.",
        )


def executor(_given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    found = [at(airflow.values, "executor"), at(airflow.values, "config", "core", "executor")]
    wrong = list(dict.fromkeys(str(value) for value in found if value and value != EXECUTOR))
    if wrong:
        yield Refusal(
            "executor",
            ", ".join(wrong),
            f"the executor is {EXECUTOR}",
            f"airflow_app_values sets the executor to {' and '.join(wrong)}. The platform is made for {EXECUTOR}.",
            "Remove the option from airflow_app_values.",
        )


def environment(_given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    found = {word: place for place, text in texts(airflow.values or {}) for word in WORD.findall(text) if word.startswith(OWN_VARIABLES)}
    if found:
        places = ", ".join(dict.fromkeys(place or "its keys" for place in found.values()))
        yield Refusal(
            "environment_variable",
            ", ".join(found),
            "environment variables do not replace the executor and its namespaces",
            f"airflow_app_values sets {', '.join(found)} as environment variable (in {places}), which overrides Airflow's configuration, "
            "where the platform sets the executor and its namespaces.",
            "Set the option in config.kubernetes_executor of airflow_app_values, or leave it out where the platform sets it.",
        )


def cluster_policy(_given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    values = airflow.values or {}
    if "airflowLocalSettings" in values and "platform.localSettings" not in str(values["airflowLocalSettings"]):
        yield Refusal(
            "cluster_policy",
            "airflowLocalSettings",
            "the platform's cluster policy is part of airflowLocalSettings",
            "airflow_app_values sets airflowLocalSettings without the platform's own, the Helm definition platform.localSettings. Tasks "
            "would not reach their namespaces, and could have the platform's Secrets.",
            "Include that definition in airflowLocalSettings, or remove the option from airflow_app_values.",
        )


def python_path(_given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    """A file of the DAG folder must not replace the cluster policy (CVE-2024-45034)."""
    problems = import_path_problems(airflow.values)
    if problems:
        yield Refusal(
            "python_path",
            "; ".join(problems),
            "the platform's folder is the first one that Python imports from",
            f"airflow_app_values would let a file of the DAG folder replace the cluster policy: {'; '.join(problems)}.",
            "Remove this value from airflow_app_values. To import from a folder of your own, put it after the platform's in env: "
            f'{{name: PYTHONPATH, value: "{PYTHON_FOLDER}:/your/folder"}}.',
        )


def remote_logging(_given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    found = sorted(name for name in at(airflow.values, "config", "logging") or {} if str(name).startswith("remote_"))
    if found and airflow.logs.mode != "none":
        yield Refusal(
            "remote_logging",
            ", ".join(found),
            "airflow_app_logs sets where task logs go",
            f"airflow_app_values sets {', '.join(found)} in config.logging, which the platform sets for airflow_app_logs "
            f"'{airflow.logs.mode}'.",
            f"Remove {', '.join(found)} from airflow_app_values, or set airflow_app_logs to 'none' to use your own.",
        )


def cluster_roles(_given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    found = [name for name in ("multiNamespaceMode", "rbac.create") if at(airflow.values, *name.split("."))]
    if found:
        yield Refusal(
            "cluster_roles",
            ", ".join(found),
            "Airflow has no cluster-wide role",
            f"airflow_app_values sets {' and '.join(found)}. With multiNamespaceMode or rbac.create the chart would let worker pods start "
            "pods and run commands in them, in the whole cluster. The platform makes a Role for each worker namespace.",
            f"Remove {' and '.join(found)} from airflow_app_values.",
        )


RULES: tuple[Rule, ...] = (
    version_once,
    *image_rules.RULES,
    default_namespace,
    default_namespace_once,
    task_references,
    task_token_audiences,
    namespace_list,
    multi_namespace_mode,
    webserver_key,
    executor,
    environment,
    cluster_policy,
    python_path,
    remote_logging,
    cluster_roles,
    dag_processor_rules.dag_processor_once,
    dag_processor_rules.dag_processor_account,
    token_rules.token_in_one_container,
    entry_rules.platform_entries,
    lambda _given, airflow: forms.chart_values(airflow.values),
    chart_key_rules.unknown_chart_keys,
    quota_rules.quotas,
    core_placement.core_placement,
    *pod_operator_rules.AIRFLOW_RULES,
    *copies.RULES,
    *registry_rules.AIRFLOW_RULES,
)


def broken(given: Settings, airflow: AirflowSettings) -> list[Refusal]:
    """The refusals for values and task settings. Of values that have another form than expected, only that is said."""
    return list(values_type(given, airflow)) or [refusal for rule in RULES for refusal in rule(given, airflow)]


def warnings(given: Settings, airflow: AirflowSettings) -> list[str]:
    """What is probably a mistake in values, in sentences. Nothing for values that have another form than expected."""
    if list(values_type(given, airflow)):
        return []
    return [*chart_key_rules.warnings(given, airflow), *token_rules.warnings(airflow), *image_rules.warnings(given, airflow)]

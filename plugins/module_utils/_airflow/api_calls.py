# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tasks of a DAG file send requests to the Kubernetes API, and why they will fail. Pure: syntax tree in, findings out (F10)."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ansible.module_utils.compat.version import LooseVersion
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.dag_syntax import (
    assigned_once,
    configs,
    entry,
    last_name,
    meant,
    named_namespaces,
)
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import named

# What makes one pod from a worker, and what needs more of the Kubernetes API.
OPERATOR, DECORATOR = "KubernetesPodOperator", "@task.kubernetes"
OTHERS = ("KubernetesJobOperator", "KubernetesCreateResourceOperator", "SparkKubernetesOperator")
# The arguments that give it credentials of its own.
CREDENTIALS = ("config_file", "kubernetes_conn_id")
# The provider cncf.kubernetes 10.0.0 gave the decorator the operator's own default, the task's namespace (apache/airflow#43402). Airflow's
# image has it from this version on.
OWN_NAMESPACE = "2.10.4"
OWN = f"run its code in the worker's own pod (pod_override), or give credentials of your own ({' or '.join(CREDENTIALS)})"


@dataclass(frozen=True)
class ApiCall:
    """A task that needs the Kubernetes API and has no credentials of its own.

    ``place``: the namespace in which the task runs, ``target``: the one in which it makes its pod. Empty if it names none, None if the file
    alone does not say it.
    """

    line: int
    name: str
    place: str | None = ""
    target: str | None = ""


@dataclass(frozen=True)
class Makers:
    """The namespaces in which tasks may make pods (pod_operator), and the one in which a task runs that names none.

    ``version``: of Airflow; empty if it is not known.
    """

    namespaces: frozenset[str] = frozenset()
    default: str = ""
    version: str = ""

    def problem(self, call: ApiCall) -> str:
        """Why a task will fail and what to do, after its name; empty if it will not, or if the file does not say it."""
        place = self.default if call.place == "" else call.place
        if call.name in OTHERS:
            return _fails("", f"Only pods can be allowed to tasks (pod_operator): {OWN}.")
        if not self.namespaces:
            return _fails("", f"Set pod_operator of a worker namespace and run the task there, {OWN}.")
        if place is None:
            return ""
        if place not in self.namespaces:
            listed = named(sorted(self.namespaces))
            return _fails(f" in {place!r}" if place else "", f"Run the task in {listed} (executor_config), {OWN}.")
        if call.target and call.target != place:
            return f"makes a pod in {call.target!r}, but runs in {place!r}, where tasks make pods in that namespace alone. Correct it."
        if call.name == DECORATOR and call.target == "" and self._uses_default():
            which = self.version or f"before {OWN_NAMESPACE}"
            return f"makes its pod in the namespace 'default' with Airflow {which}, because it names none. Set namespace={place!r}."
        return ""

    def _uses_default(self) -> bool:
        """Whether a decorated task that names no namespace makes its pod in C(default)."""
        if not self.version:
            return True
        try:
            return bool(LooseVersion(self.version) < LooseVersion(OWN_NAMESPACE))
        except TypeError:  # a word where the other has a number
            return True


def _fails(where: str, action: str) -> str:
    return f"sends requests to the Kubernetes API, for which workers{where} have no credentials, so the task will fail. {action}"


NOBODY = Makers()


def api_calls(tree: ast.AST) -> Iterator[ApiCall]:
    known = assigned_once(tree)
    usual = _usual_place(tree, known)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or any(item.arg in CREDENTIALS for item in node.keywords):
            continue
        name = _caller(node)
        if name:
            yield ApiCall(node.lineno, name, _place(node, known, usual), _target(node, known))


def _caller(node: ast.Call) -> str:
    name, owner = last_name(node.func), last_name(node.func.value) if isinstance(node.func, ast.Attribute) else ""
    if (owner, name) == ("task", "kubernetes"):
        return DECORATOR
    made = owner if name == "partial" else name
    return made if made in (OPERATOR, *OTHERS) else ""


def _argument(node: ast.Call, name: str) -> ast.expr | None:
    return next((item.value for item in node.keywords if item.arg == name), None)


def _place(node: ast.Call, known: Mapping[str, ast.expr], usual: str | None) -> str | None:
    config = _argument(node, "executor_config")
    if config is not None:
        return _namespace(config, known)
    return None if any(item.arg is None for item in node.keywords) else usual


def _target(node: ast.Call, known: Mapping[str, ast.expr]) -> str | None:
    value = meant(_argument(node, "namespace"), known)
    if value is None or (isinstance(value, ast.Constant) and value.value is None):
        return None if any(item.arg is None for item in node.keywords) else ""
    # A template is known when the task runs.
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) and "{{" not in value.value else None


def _namespace(config: ast.expr, known: Mapping[str, ast.expr]) -> str | None:
    """The namespace of an executor_config: empty if it is written out and names none."""
    found = [name for _line, name in named_namespaces(config, known)]
    if found:
        return found[0]
    node = meant(config, known)
    if isinstance(node, ast.Constant) and node.value is None:
        return ""
    plain = isinstance(node, ast.Dict) and all(key is not None for key in node.keys)
    return None if not plain or any(entry(node, key, known) is not None for key in ("pod_override", "KubernetesExecutor")) else ""


def _usual_place(tree: ast.AST, known: Mapping[str, ast.expr]) -> str | None:
    """Where a task runs that has no executor_config of its own: as default_args of the file say it."""
    own = {
        id(item.value) for node in ast.walk(tree) if isinstance(node, ast.Call) for item in node.keywords if item.arg == "executor_config"
    }
    places = {_namespace(config, known) for config in configs(tree) if id(config) not in own}
    return places.pop() if len(places) == 1 else None if places else ""

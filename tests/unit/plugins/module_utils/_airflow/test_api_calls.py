# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F10: which tasks will fail because they need the Kubernetes API, with and without namespaces whose tasks may make pods."""

from __future__ import annotations

import ast

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.api_calls import Makers, api_calls
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.dag_files import check, inspect

NAMESPACES = ("airflow-core", "airflow-batch", "airflow-user")
MAKERS = Makers(frozenset({"airflow-batch"}), "airflow-core")
HERE, THERE = ("executor_config={'KubernetesExecutor': {'namespace': 'airflow-" + name + "'}}" for name in ("batch", "user"))
POD = "executor_config={'pod_override': k8s.V1Pod(metadata=k8s.V1ObjectMeta(namespace='airflow-batch'))}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("KubernetesPodOperator(task_id='a')", [(1, "KubernetesPodOperator")]),
        ("pod.KubernetesPodOperator.partial(task_id='a').expand(arguments=x)", [(1, "KubernetesPodOperator")]),
        ("functools.partial(f, KubernetesPodOperator)", []),
        ("\nwith dag:\n    pod.KubernetesPodOperator(task_id='a', in_cluster=True)", [(3, "KubernetesPodOperator")]),
        ("SparkKubernetesOperator(task_id='a')", [(1, "SparkKubernetesOperator")]),
        ("@task.kubernetes(image='x')\ndef f(): ...", [(1, "@task.kubernetes")]),
        ("@task.kubernetes(image='x', config_file='/k')\ndef f(): ...", []),
        ("KubernetesPodOperator(task_id='a', kubernetes_conn_id='mine')", []),
        ("client.kubernetes()", []),
        ("from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator", []),
        ("class Mine(KubernetesPodOperator): ...", []),
    ],
)
def test_f10_what_needs_the_kubernetes_api_is_a_warning(text: str, expected: list[tuple[int, str]]) -> None:
    found = inspect("a.py", text.encode())
    assert (found.error, [(item.line, item.name) for item in found.api_calls]) == ("", expected)
    told = check({"a.py": text.encode()}, NAMESPACES).warnings
    assert [words.partition(" sends requests to the Kubernetes API")[0] for words in told] == [
        f"a.py, line {line}: {name}" for line, name in expected
    ]


NO_TOKEN = "sends requests to the Kubernetes API, for which workers in 'airflow-core' have no credentials"
ELSEWHERE = "sends requests to the Kubernetes API, for which workers in 'airflow-user' have no credentials"
ONLY_PODS = "sends requests to the Kubernetes API, for which workers have no credentials"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Where the task runs: its own executor_config, default_args, or the default namespace.
        ("KubernetesPodOperator(task_id='a')", NO_TOKEN),
        (f"KubernetesPodOperator(task_id='a', {HERE})", ""),
        (f"KubernetesPodOperator(task_id='a', {POD})", ""),
        (f"KubernetesPodOperator(task_id='a', {THERE})", ELSEWHERE),
        ("KubernetesPodOperator(task_id='a', executor_config={})", NO_TOKEN),
        ("KubernetesPodOperator(task_id='a', executor_config=None)", NO_TOKEN),
        ("PLACE = {'KubernetesExecutor': {'namespace': 'airflow-user'}}\nKubernetesPodOperator(executor_config=PLACE)", ELSEWHERE),
        (f"KubernetesPodOperator.partial(task_id='a', {HERE}).expand(arguments=x)", ""),
        ("DAG('a', default_args={'executor_config': {'KubernetesExecutor': {'namespace': 'airflow-batch'}}})\nKubernetesPodOperator()", ""),
        (
            "DAG('a', default_args={'executor_config': {'KubernetesExecutor': {'namespace': 'airflow-user'}}})\nKubernetesPodOperator()",
            ELSEWHERE,
        ),
        # Another task's own says nothing of this one.
        (f"BashOperator({HERE})\nKubernetesPodOperator()", NO_TOKEN),
        # Only known when the file runs.
        ("KubernetesPodOperator(task_id='a', executor_config=place('airflow-user'))", ""),
        ("KubernetesPodOperator(task_id='a', executor_config={**common})", ""),
        ("KubernetesPodOperator(task_id='a', executor_config={'pod_override': pod})", ""),
        ("KubernetesPodOperator(task_id='a', **common)", ""),
        # Where it makes its pod.
        (f"KubernetesPodOperator(namespace='airflow-batch', {HERE})", ""),
        (f"KubernetesPodOperator(namespace=None, {HERE})", ""),
        (f"KubernetesPodOperator(namespace='{{{{ params.x }}}}', {HERE})", ""),
        (f"NAME = 'default'\nKubernetesPodOperator(namespace=NAME, {HERE})", "makes a pod in 'default', but runs in 'airflow-batch'"),
        (f"KubernetesPodOperator(namespace='airflow-user', {HERE})", "makes a pod in 'airflow-user', but runs in 'airflow-batch'"),
        (f"@task.kubernetes(image='x', {HERE})\ndef f(): ...", "makes its pod in the namespace 'default' with Airflow before 2.10.4"),
        (f"@task.kubernetes(image='x', namespace='airflow-batch', {HERE})\ndef f(): ...", ""),
        # More than pods, and credentials of its own.
        (f"KubernetesJobOperator(task_id='a', {HERE})", ONLY_PODS),
        (f"SparkKubernetesOperator(task_id='a', {HERE})", ONLY_PODS),
        (f"KubernetesPodOperator(namespace='x', config_file='/k', {THERE})", ""),
    ],
)
def test_f10_a_task_that_may_make_pods_is_no_warning(text: str, expected: str) -> None:
    told = check({"a.py": text.encode()}, NAMESPACES, MAKERS).warnings
    if not expected:
        assert told == ()
        return
    (words,) = told
    line = text.count("\n") + (0 if "def f" in text else 1)
    assert words.startswith(f"a.py, line {line}: ")
    assert expected in words


@pytest.mark.parametrize(
    ("version", "named"),
    [
        ("", "before 2.10.4"),
        ("2.6.3", "2.6.3"),
        ("2.10.3", "2.10.3"),
        ("2.9.3.post1", "2.9.3.post1"),
        # A tag that is not a version says nothing about the version.
        ("mine", "mine"),
        ("2.10.4", None),
        ("2.10.5", None),
        ("2.11.0", None),
    ],
)
def test_a_decorated_task_without_a_namespace_is_a_warning_for_versions_that_take_default(version: str, named: str | None) -> None:
    text = f"@task.kubernetes(image='x', {HERE})\ndef f(): ...".encode()
    told = check({"a.py": text}, NAMESPACES, Makers(MAKERS.namespaces, MAKERS.default, version)).warnings
    words = f"makes its pod in the namespace 'default' with Airflow {named}, because it names none. Set namespace='airflow-batch'."
    assert told == (() if named is None else (f"a.py, line 1: @task.kubernetes {words}",))


def test_other_warnings_do_not_depend_on_the_version() -> None:
    text = f"@task.kubernetes(image='x', namespace='default', {HERE})\ndef f(): ...".encode()
    (told,) = check({"a.py": text}, NAMESPACES, Makers(MAKERS.namespaces, MAKERS.default, "2.10.5")).warnings
    assert "makes a pod in 'default', but runs in 'airflow-batch'" in told


def test_f10_the_default_namespace_may_be_one_of_them() -> None:
    makers = Makers(frozenset({"airflow-batch"}), "airflow-batch")
    assert check({"a.py": b"KubernetesPodOperator(task_id='a')"}, NAMESPACES, makers).warnings == ()


@pytest.mark.parametrize(
    ("makers", "words"),
    [
        (
            Makers(),
            "Set pod_operator of a worker namespace and run the task there, run its code in the worker's own pod (pod_override), or",
        ),
        (MAKERS, "Run the task in airflow-batch (executor_config), run its code in the worker's own pod (pod_override), or"),
    ],
)
def test_f10_the_warning_says_what_to_do(makers: Makers, words: str) -> None:
    (told,) = check({"a.py": b"KubernetesPodOperator(task_id='a')"}, NAMESPACES, makers).warnings
    assert words in told
    assert told.endswith("give credentials of your own (config_file or kubernetes_conn_id).")


@pytest.mark.parametrize(
    ("arguments", "place", "target"),
    [
        ("", "", ""),
        ("namespace='a'", "", "a"),
        ("namespace=None", "", ""),
        # What the file does not say.
        ("namespace=5", "", None),
        ("namespace=f'{x}'", "", None),
        ("namespace=NAME", "", None),
        ("namespace='{{ x }}'", "", None),
        ("**more", None, None),
        ("namespace=None, **more", None, None),
        ("executor_config=None", "", ""),
        ("executor_config=5", None, ""),
        ("executor_config=CONFIG", None, ""),
        ("executor_config={}", "", ""),
        ("executor_config={**more}", None, ""),
        ("executor_config={'pod_override': pod}", None, ""),
        (HERE, "airflow-batch", ""),
    ],
)
def test_where_a_task_runs_and_makes_its_pod(arguments: str, place: str | None, target: str | None) -> None:
    (call,) = api_calls(ast.parse(f"KubernetesPodOperator({arguments})"))
    assert (call.place, call.target) == (place, target)

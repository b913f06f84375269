# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F18: what is said of DAG files before they are pushed."""

from __future__ import annotations

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.dag_files import DagFile, check, inspect
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError

NAMESPACES = ("airflow-cron", "airflow-user")
DAG = b"from airflow import DAG\nDAG('a')\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"def f(:\n    pass\n", "a.py, line 1: invalid syntax: def f(:"),
        (b"x = 1\nif x\n    y = 2\n", "a.py, line 2: expected ':': if x"),
        (b"def f():\npass\n", "a.py, line 2: expected an indented block"),
        (b"print 'x'\n", "a.py, line 1: Missing parentheses in call to 'print'"),
        (b"x = 'abc\n", "a.py, line 1: unterminated string literal"),
        (b"x = '\xff'\n", "a.py"),
        (b"# coding: nonsense\n", "unknown encoding: nonsense"),
        (b"x = 1\0\n", "null bytes"),
        (b"return 1 if 2 else\n", "a.py, line 1: "),
        # What only the compiler finds.
        (b"x = 1\nreturn x\n", "a.py, line 2: 'return' outside function"),
        (b"def f(a, a): ...\n", "a.py, line 1: duplicate argument 'a' in function definition"),
        (b"x = 1\nbreak\n", "a.py, line 2: 'break' outside loop"),
        (b"await x\n", "a.py, line 1: 'await' outside function"),
        (b"def f():\n    x = 1\n    global x\n", "a.py, line 3: name 'x' is assigned to before global declaration"),
        (b"x = 1\nfrom __future__ import annotations\n", "a.py, line 2: from __future__ imports must occur at the beginning of the file"),
    ],
)
def test_f18_a_syntax_error_is_named_with_file_line_and_text(content: bytes, words: str) -> None:
    found = inspect("a.py", content)
    assert words in found.error
    assert found.error.startswith("a.py")
    with pytest.raises(CollectionError, match="nothing was pushed") as caught:
        check({"a.py": content, "b.py": b"x = 1\n"}, NAMESPACES)
    assert caught.value.code == "bad_dag_file"
    assert words in caught.value.message
    assert "b.py" not in caught.value.message


def test_f18_many_syntax_errors_fit_a_screen() -> None:
    with pytest.raises(CollectionError, match="could not import 12 of the files") as caught:
        check({f"{number:02}.py": b"(" for number in range(12)}, NAMESPACES)
    assert caught.value.message.endswith("\n  and 2 more")
    assert len(caught.value.message.splitlines()) == 12
    with pytest.raises(CollectionError) as caught:
        check({f"{number:02}.py": b"(" for number in range(10)}, NAMESPACES)
    assert " more" not in caught.value.message
    assert len(caught.value.message.splitlines()) == 11


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"x = 1\n", DagFile("a.py")),
        (b"", DagFile("a.py")),
        (b"\xef\xbb\xbfx = 1\n", DagFile("a.py")),
        (b"# coding: latin-1\nx = '\xe4'\n", DagFile("a.py")),
        (b"x = '\\d'\n", DagFile("a.py")),  # a warning of Python is none of ours
        (DAG, DagFile("a.py", imported=True, makes_dag=True)),
        (b"import airflow.models as m\nwith m.DAG('a'):\n    pass\n", DagFile("a.py", imported=True, makes_dag=True)),
        (b"from airflow.decorators import dag\n@dag(schedule=None)\ndef a(): ...\n", DagFile("a.py", imported=True, makes_dag=True)),
        (b"from airflow.decorators import dag\n@dag\ndef a(): ...\n", DagFile("a.py", imported=True, makes_dag=True)),
        (b"# helps DAGs of airflow\nx = 1\n", DagFile("a.py", imported=True)),
        (b"from other import DAG\nDAG('a')\n", DagFile("a.py")),  # Airflow passes over it
    ],
)
def test_f18_what_airflow_imports_and_what_makes_a_dag(content: bytes, expected: DagFile) -> None:
    assert inspect("a.py", content) == expected


@pytest.mark.parametrize("text", ["-" * 100_000 + "1", "1+" * 50_000 + "1", "f(" * 5_000, "[" * 150 + "]" * 150])
def test_f18_python_that_is_nested_too_deeply_raises_nothing(text: str) -> None:
    assert inspect("a.py", f"x = {text}\n".encode()).path == "a.py"


META = "k8s.V1Pod(metadata=k8s.V1ObjectMeta(namespace={}))"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Task(executor_config={{'pod_override': {META.format(repr('elsewhere'))}}})", [(1, "elsewhere")]),
        (f"Task(executor_config=dict(pod_override={META.format(repr('elsewhere'))}))", [(1, "elsewhere")]),
        (f"Task(executor_config={{'pod_override': {META.format(repr('airflow-user'))}}})", [(1, "airflow-user")]),
        ("Task(executor_config={'pod_override': {'metadata': {'namespace': 'x'}}})", [(1, "x")]),
        ("Task(executor_config={'KubernetesExecutor': {'namespace': 'x'}})", [(1, "x")]),
        ("Task(\n executor_config={'KubernetesExecutor':\n {'namespace':\n 'x'}})", [(4, "x")]),
        ("default_args = {'executor_config': {'KubernetesExecutor': {'namespace': 'x'}}}", [(1, "x")]),
        ("task.executor_config = {'KubernetesExecutor': {'namespace': 'x'}}", [(1, "x")]),
        ("@task(executor_config={'KubernetesExecutor': {'namespace': 'x'}})\ndef f(): ...", [(1, "x")]),
        ("task.override(executor_config={'KubernetesExecutor': {'namespace': 'x'}})()", [(1, "x")]),
        (f"NAME = 'x'\nPOD = {META.format('NAME')}\nCONFIG = {{'pod_override': POD}}\nTask(executor_config=CONFIG)", [(1, "x")]),
        ("CONFIG: dict = {'KubernetesExecutor': {'namespace': 'x'}}\nTask(executor_config=CONFIG)", [(1, "x")]),
        ("a = b\nb = a\nTask(executor_config=a)", []),
        # What is only known when the file runs.
        ("for name in names:\n    Task(executor_config={'KubernetesExecutor': {'namespace': name}})", []),
        ("def f(name='x'):\n    Task(executor_config={'KubernetesExecutor': {'namespace': name}})", []),
        ("NAME = 'x'\nNAME = 'y'\nTask(executor_config={'KubernetesExecutor': {'namespace': NAME}})", []),
        ("Task(executor_config={'KubernetesExecutor': {'namespace': f'{x}'}})", []),
        ("Task(executor_config={**common, 'KubernetesExecutor': {'namespace': None}})", []),
        ("Task(executor_config=config('x'))", []),
        # Namespaces of other things.
        ("KubernetesPodOperator(namespace='x', config_file='/k')", []),
        ("Task(executor_config={'pod_override': k8s.V1Pod(spec=k8s.V1PodSpec(containers=[other(namespace='x')]))})", []),
        ("metadata = {'namespace': 'x'}", []),
    ],
)
def test_f18_a_namespace_that_stands_in_the_file_is_found(text: str, expected: list[tuple[int, str]]) -> None:
    found = inspect("a.py", text.encode())
    assert (found.error, list(found.namespaces)) == ("", expected)
    wrong = [item for item in expected if item[1] not in NAMESPACES]
    told = check({"a.py": text.encode()}, NAMESPACES).warnings
    assert [words.partition(": a task asks for the namespace ")[0] for words in told] == [f"a.py, line {line}" for line, _name in wrong]
    assert check({"a.py": text.encode()}, ()).warnings == ()


def test_f18_the_warning_names_the_rule_and_the_next_step() -> None:
    (words,) = check({"a.py": b"Task(executor_config={'KubernetesExecutor': {'namespace': 'airflow-usr'}})"}, NAMESPACES).warnings
    assert words == (
        "a.py, line 1: a task asks for the namespace 'airflow-usr', which is not one of airflow-cron, airflow-user. "
        "Airflow will refuse its DAG: correct it, or add the namespace to platform_worker_namespaces."
    )


@pytest.mark.parametrize(
    ("rules", "path", "ignored"),
    [
        ({".airflowignore": b"helpers/\n"}, "helpers/a.py", True),
        ({".airflowignore": b"^helpers$\n"}, "helpers/a.py", True),
        ({".airflowignore": b"# helpers\n\nother # helpers\n"}, "helpers/a.py", False),
        ({".airflowignore": b"tpl_.*\\.py\n"}, "deep/tpl_a.py", True),
        ({"deep/.airflowignore": b"tpl_"}, "deep/er/tpl_a.py", True),
        ({"deep/.airflowignore": b"tpl_"}, "tpl_a.py", False),
        ({".airflowignore": b"(\n[\nbad"}, "bad.py", True),
        # Written on Windows; "$" does not match before a carriage return.
        ({".airflowignore": b"other\r\n^bad\\.py$\r\n"}, "bad.py", True),
        ({".airflowignore": b"other\r^bad\\.py$\r"}, "bad.py", True),
        ({}, "a.py", False),
    ],
)
def test_f18_a_file_that_airflow_passes_over_is_pushed_with_a_warning(rules: dict[str, bytes], path: str, ignored: bool) -> None:
    files = {**rules, path: b"# airflow DAG\n{{ template }}(\n"}
    if not ignored:
        with pytest.raises(CollectionError, match=path):
            check(files, NAMESPACES)
        return
    found = check({**files, "dag.py": DAG}, NAMESPACES)
    assert (found.imported, found.dag_files) == (("dag.py",), ("dag.py",))
    assert [path in words and ".airflowignore lists the file" in words for words in found.warnings] == [True]


def test_f18_only_python_is_parsed() -> None:
    found = check({"a.sql": b"select (", "b.zip": b"PK", "c.py": DAG, "d.py": b"# airflow dag\n"}, NAMESPACES)
    assert (found.imported, found.dag_files, found.warnings) == (("b.zip", "c.py", "d.py"), ("c.py",), ())

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs inside the scheduler, with doubles of Airflow and its database, and how its answer is read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._airflow import inspection
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.inspection import AirflowPod, Checkout, parse_answer, source
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._kube.execute import Execution

ANSWER: dict[str, Any] = {
    "version": "2.6.3",
    "executor": "KubernetesExecutor",
    "multi_namespace_mode": True,
    "namespace_list": "airflow-core,airflow-cron",
    "asked_at": "2026-01-01T00:00:10Z",
    "active_tasks": 0,
    "present": ["a"],
    "unpaused": [],
    "schema": "405de8318b3a",
    "dags_commit": "09102de" + "0" * 33,
    "dags_link": "/opt/airflow/dags/repo",
}
# Of Airflow and SQLAlchemy what inspect_airflow.py uses. It prints something at its import, as Airflow does where something is deprecated.
AIRFLOW = """
print("a warning")
__version__ = "2.6.3"
"""
CONFIGURATION = """
import os
class conf:
    options = {"sql_alchemy_conn": "mysql://a:b@c/d", "executor": "KubernetesExecutor", "dags_folder": os.environ["DAGS"],
               "multi_namespace_mode": "True", "multi_namespace_mode_namespace_list": "airflow-core,airflow-cron"}
    get = classmethod(lambda cls, section, name: cls.options[name])
    getboolean = classmethod(lambda cls, section, name: cls.options[name] == "True")
"""
SQLALCHEMY = """
def text(query):
    return query
class Rows(list):
    def scalar(self):
        return self[0][0]
class Connection:
    __enter__ = lambda self: self
    __exit__ = lambda self, *_error: None
    def execute(self, query):
        return Rows([(2,)] if "COUNT" in query else [("cron",), ("other",)] if "is_paused" in query else [("405de8318b3a",)])
class Engine:
    connect = lambda self: Connection()
def create_engine(connection):
    assert connection == "mysql://a:b@c/d"
    return Engine()
"""


@pytest.fixture
def image(tmp_path: Path) -> dict[str, str]:
    """The environment of a container whose DAG folder is a checkout of git-sync, with a text that is not UTF-8 in it."""
    (tmp_path / "airflow").mkdir()
    (tmp_path / "airflow/__init__.py").write_text(AIRFLOW)
    (tmp_path / "airflow/configuration.py").write_text(CONFIGURATION)
    (tmp_path / "sqlalchemy.py").write_text(SQLALCHEMY)
    commit = tmp_path / "dags" / ANSWER["dags_commit"]
    (commit / "team/more").mkdir(parents=True)
    (commit / "team/more/cron.py").write_bytes(b'DAG("cron") # \xff')
    (commit / "team/readme.md").write_text('DAG("only_read_about")')
    (tmp_path / "dags/repo").symlink_to(commit)
    return {"PYTHONPATH": str(tmp_path), "DAGS": str(tmp_path / "dags/repo/team"), "PATH": os.environ["PATH"]}


def test_the_running_airflow_is_asked(image: dict[str, str]) -> None:
    command = [sys.executable, "-c", source(), "cron", "only_read_about", "new"]
    done = subprocess.run(command, env=image, capture_output=True, text=True, check=True)
    found = parse_answer(done.stdout)
    assert (found.version, found.executor, found.multi_namespace_mode) == ("2.6.3", "KubernetesExecutor", True)
    assert found.namespaces == ("airflow-core", "airflow-cron")
    assert (found.active_tasks, found.schema) == (2, "405de8318b3a")
    assert found.unpaused == ("cron",)  # the other one was not asked for
    assert found.present == ("cron",)
    assert found.dags_commit == ANSWER["dags_commit"]
    resolved = subprocess.run([sys.executable, "-c", inspection.RESOLVE, found.dags_link], capture_output=True, text=True, check=True)
    assert os.path.basename(resolved.stdout.strip()) == found.dags_commit


def test_f18_since_when_the_scheduler_has_a_commit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def run(_api: Any, _namespace: str, _pod: str, _container: str, command: list[str]) -> Execution:
        done = subprocess.run([sys.executable, *command[1:]], capture_output=True, text=True, check=False)
        return Execution(done.stdout, done.stderr, done.returncode)

    monkeypatch.setattr(inspection, "execute", run)
    scheduler, link = AirflowPod(None, "airflow-core", "s"), tmp_path / "repo"  # type: ignore[arg-type]
    assert scheduler.checkout(str(link)) == Checkout()
    (tmp_path / ".worktrees/09102de").mkdir(parents=True)
    link.symlink_to(".worktrees/09102de")
    os.utime(link, (1000, 1000), follow_symlinks=False)
    found = scheduler.checkout(str(link))
    assert (found.commit, found.folder, found.since) == ("09102de", str(tmp_path.resolve() / ".worktrees/09102de"), 1000)
    assert found.now > 1000


def test_the_program_is_found_in_the_archive_that_ansible_makes_of_a_module(tmp_path: Path) -> None:
    utils = "ansible_collections/gitops/airflow/plugins/module_utils"
    root, other = Path(inspection.__file__).parents[1], "ansible_collections/kubernetes/core/plugins/module_utils/args_common.py"
    files = {f"{utils}/{path.relative_to(root)}": path.read_text() for path in root.rglob("*.py")} | {other: "AUTH_ARG_SPEC = {}"}
    folders = {str(parent) for name in files for parent in Path(name).parents} - {"."}
    with zipfile.ZipFile(tmp_path / "module.zip", "w") as archive:
        for name, text in {**files, **{f"{folder}/__init__.py": "" for folder in folders}}.items():
            archive.writestr(name, text)
    code = f"from {utils.replace('/', '.')}._airflow.inspection import source; print(source())"
    environment = {"PYTHONPATH": str(tmp_path / "module.zip")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == source().strip()


def test_an_answer_is_the_last_line_and_kept_as_it_is() -> None:
    found = parse_answer(f"RemovedInAirflow3Warning: old\n\n{json.dumps(ANSWER)}\n")
    assert found.as_dict() == ANSWER


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("", "Expecting value"),
        ("Traceback\nKeyError: 1", "Expecting value"),
        ("[]", r"it is \[\]"),
        (json.dumps({**ANSWER, "version": None}), "version is None"),
        (json.dumps({**ANSWER, "multi_namespace_mode": "True"}), "multi_namespace_mode is 'True'"),
        (json.dumps({**ANSWER, "present": "a"}), "present is 'a'"),
        (json.dumps({**ANSWER, "unpaused": ["a", 1]}), r"unpaused is \['a', 1\]"),
        (json.dumps({**ANSWER, "active_tasks": "0"}), "active_tasks is '0'"),
        (json.dumps({key: value for key, value in ANSWER.items() if key != "dags_commit"}), "dags_commit is None"),
    ],
)
def test_another_answer_is_refused(output: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_answer(output)


def test_a_database_that_was_never_migrated_has_no_schema() -> None:
    assert parse_answer(json.dumps({**ANSWER, "schema": None})).schema == ""


@pytest.mark.parametrize(
    ("done", "words"),
    [
        (Execution("", 'OperationalError: (2003, "Can\'t connect") mysql://u:secret-pw@h/d', 1), "exit code 1: .*2003"),
        (Execution("killed", "", 137), "exit code 137: killed"),
        (Execution("half", "", 0), "Expecting value"),
    ],
)
def test_a_scheduler_that_gives_no_answer_is_named(monkeypatch: pytest.MonkeyPatch, done: Execution, words: str) -> None:
    monkeypatch.setattr(inspection, "execute", lambda *_arguments: done)
    with pytest.raises(CollectionError, match=f"cannot be read in pod airflow-core/scheduler-1: .*{words}") as caught:
        AirflowPod(None, "airflow-core", "scheduler-1").inspect(["a"])  # type: ignore[arg-type]
    assert caught.value.next_action == "Read its log: kubectl -n airflow-core logs scheduler-1 -c scheduler."
    assert "secret-pw" not in caught.value.message


@pytest.mark.parametrize(
    ("done", "commit"), [(Execution("/opt/airflow/dags/.worktrees/09102de\n", "", 0), "09102de"), (Execution("", "no python", 127), "")]
)
def test_the_present_commit_of_the_dags(monkeypatch: pytest.MonkeyPatch, done: Execution, commit: str) -> None:
    monkeypatch.setattr(inspection, "execute", lambda *_arguments: done)
    assert AirflowPod(None, "airflow-core", "s").dags_commit("/opt/airflow/dags/repo") == commit  # type: ignore[arg-type]

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F18: what Airflow made of the DAG files that were pushed. The answers are those of Airflow 2.6.3 and 2.10.5."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.dags_parsed import Parsed, ParseWait, Pushed, judge
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import AirflowError

SINCE = datetime.datetime(2026, 5, 4, 12, 0, tzinfo=datetime.UTC).timestamp()
ROOT = "/opt/airflow/dags/repo"
PUSHED = Pushed(
    "dags",
    frozenset(["good.py", "bad.py", "helper.py", "words.txt"]),
    frozenset(["good.py", "bad.py", "helper.py"]),
    frozenset(["good.py", "bad.py"]),
    (ROOT, "/opt/airflow/dags/.worktrees/abc"),
)
ALL = ("bad.py", "good.py", "helper.py")


def at(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(SINCE + seconds, datetime.UTC).isoformat()


def dag(name: str, seconds: float, root: str = f"{ROOT}/dags") -> dict[str, Any]:
    return {"dag_id": name.replace("/", "_"), "fileloc": f"{root}/{name}.py", "last_parsed_time": at(seconds), "is_active": True}


def error(name: str, seconds: float, text: str = "ModuleNotFoundError: No module named 'x'", root: str = f"{ROOT}/dags") -> dict[str, Any]:
    path = f"{root}/{name}.py"
    trace = f'Traceback (most recent call last):\n  File "{path}", line 2, in <module>\n    import x\n{text}\n'
    return {"import_error_id": 1, "timestamp": at(seconds), "filename": path, "stack_trace": trace}


def test_f18_what_is_in_an_archive_is_the_archives() -> None:
    """Airflow names the file in the archive (dagbag.py, _load_modules_from_zip)."""
    pushed = Pushed("dags", frozenset(["a.zip", "b.zip"]), frozenset(["a.zip", "b.zip"]), frozenset(), (ROOT,))
    parsed = judge(pushed, [dag("a.zip/one", 3)], [error("b.zip/two", 3), error("c.zip/three", 3)], SINCE, 20)
    assert (parsed.dags, [item.file for item in parsed.errors], parsed.waiting) == (("a.zip_one",), ["b.zip"], ())
    assert [item.file for item in parsed.others] == ["c.zip/three.py"]
    assert parsed.failure is not None


@pytest.mark.parametrize(
    ("dags", "errors", "age", "expected"),
    [
        # Nothing is believed at once: a parse that began before may end after.
        ([dag("good", 1), dag("bad", 1)], [], 4.9, (["bad", "good"], [], [], ALL)),
        ([dag("good", 1), dag("bad", 1)], [], 5, (["bad", "good"], [], [], ("helper.py",))),
        ([dag("good", 1), dag("bad", 1)], [], 40, (["bad", "good"], [], [], ())),
        # What was parsed before counts for nothing.
        ([dag("good", -1), dag("bad", 0)], [], 41, ([], [], [], ("bad.py", "good.py"))),
        ([dag("good", 3), dag("bad", -9)], [error("bad", -5)], 41, (["good"], [], [], ("bad.py",))),
        ([dag("good", 3)], [error("bad", 4)], 41, (["good"], ["bad.py"], [], ())),
        # A DAG of an earlier version stays for a while in a file that has an error now.
        ([dag("good", 3), dag("bad", 2)], [error("bad", 4)], 41, (["good"], ["bad.py"], [], ())),
        # A file without a DAG that broke, and one that still has the error that it had.
        ([dag("good", 3), dag("bad", 3)], [error("helper", 4)], 41, (["bad", "good"], ["helper.py"], [], ())),
        ([dag("good", 3), dag("bad", 3)], [error("helper", -4)], 41, (["bad", "good"], [], [], ("helper.py",))),
        # Errors of other files, whenever they came.
        ([dag("good", 3), dag("bad", 3)], [error("old", -400)], 41, (["bad", "good"], [], ["old.py"], ())),
        (
            [dag("good", 3), dag("bad", 3), dag("other", 3)],
            [error("good", 3, root=ROOT)],
            41,
            (["bad", "good"], [], [f"{ROOT}/good.py"], ()),
        ),
        # Airflow may name the files by where the link leads.
        ([dag("good", 3, "/opt/airflow/dags/.worktrees/abc/dags")], [error("bad", 4)], 41, (["good"], ["bad.py"], [], ())),
        (
            [{"dag_id": "odd", "fileloc": None, "last_parsed_time": None}],
            [{"filename": None}],
            41,
            ([], [], ["None"], ("bad.py", "good.py")),
        ),
        ([{**dag("good", 3), "last_parsed_time": None}, dag("bad", 3)], [], 41, (["bad"], [], [], ("good.py",))),
        ([], [], 4, ([], [], [], ALL)),
        ([], [], 41, ([], [], [], ("bad.py", "good.py"))),
    ],
)
def test_f18_the_verdict(dags: list[Any], errors: list[Any], age: float, expected: tuple[list[str], list[str], list[str], Any]) -> None:
    found = judge(PUSHED, dags, errors, SINCE, age)
    assert (list(found.dags), [item.file for item in found.errors], [item.file for item in found.others], found.waiting) == expected


@pytest.mark.parametrize(
    ("folder", "path", "expected"),
    [
        ("dags", f"{ROOT}/dags/a.py", "a.py"),
        ("dags/", f"{ROOT}/dags/team/a.py", "team/a.py"),
        ("/team/dags/", f"{ROOT}/team/dags/a.py", "a.py"),
        ("", f"{ROOT}/a.py", "a.py"),
        (".", f"{ROOT}/a.py", "a.py"),
        ("dags", f"{ROOT}/dagster/a.py", ""),
        ("dags", "/elsewhere/dags/a.py", ""),
        ("dags", None, ""),
    ],
)
def test_f18_the_path_of_a_file_as_it_was_pushed(folder: str, path: str | None, expected: str) -> None:
    assert replace(PUSHED, folder=folder).path(path) == expected


def test_f18_what_a_person_reads() -> None:
    errors = [error("bad", 4, "ValueError: password=hunter22 \x1b[2J"), error("old", -4)]
    found = judge(PUSHED, [dag("good", 3)], errors, SINCE, 41)
    assert found.failure
    assert (found.failure.code, found.failure.next_action) == ("import_errors", "Correct what the import errors name, and push again.")
    assert found.failure.message.splitlines() == [
        "1 DAG visible, 1 import error.",
        "  bad.py, line 2: ValueError: password=******** \\x1b[2J",
        "Import errors of files that were not pushed:",
        "  old.py, line 2: ModuleNotFoundError: No module named 'x'",
    ]
    fine = judge(PUSHED, [dag("good", 3), dag("bad", 3)], [], SINCE, 41)
    assert (fine.failure, fine.text) == (None, "2 DAGs visible, no import errors.")
    late = judge(PUSHED, [dag("good", 3)], [], SINCE, 99)
    assert (late.failure, late.text) == (None, "1 DAG visible, no import errors.\nAirflow shows no DAG of bad.py so far.")
    many = judge(PUSHED, [], [error(f"old{number}", 0) for number in range(13)], SINCE, 41)
    assert many.text.splitlines()[-1] == "  and 3 more"
    ten = judge(PUSHED, [], [error(f"old{number}", 0) for number in range(10)], SINCE, 41)
    assert ten.text.splitlines()[-1].startswith("  old9.py")


class Airflow:
    """Answers one after the other; an error is raised."""

    def __init__(self, *answers: list[dict[str, Any]] | AirflowError) -> None:
        self.answers, self.now = list(answers), 0.0

    def dags(self) -> list[dict[str, Any]]:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, AirflowError):
            raise answer
        return answer

    def import_errors(self) -> list[dict[str, Any]]:
        return []

    def until(self, age: float, seconds: float) -> Parsed:
        def sleep(pause: float) -> None:
            self.now += pause

        return ParseWait(self, PUSHED, lambda: self.now, sleep).until(SINCE, age, seconds)


BOTH = [dag("good", 3), dag("bad", 3)]


@pytest.mark.parametrize(
    ("answers", "age", "ended", "waiting"),
    [
        ([BOTH], 1000, 0, ()),  # nothing was pushed: it has long been read
        ([BOTH], 0, 40, ()),  # for the file that may have no DAG
        ([[], [dag("good", 9)], BOTH], 30, 10, ()),
        ([AirflowError(503, "busy"), AirflowError(0, "no answer"), BOTH], 50, 4, ()),
        ([[dag("good", 3)]], 10, 90, ("bad.py",)),
    ],
)
def test_f18_it_waits_until_the_files_were_read(answers: list[Any], age: float, ended: float, waiting: tuple[str, ...]) -> None:
    airflow = Airflow(*answers)
    assert airflow.until(age, 90).waiting == waiting
    assert airflow.now == ended


@pytest.mark.parametrize(("status", "ended"), [(401, 0), (503, 90)])
def test_f18_an_airflow_that_does_not_say_it_is_an_error(status: int, ended: float) -> None:
    airflow = Airflow(AirflowError(status, "no"))
    with pytest.raises(AirflowError, match="no"):
        airflow.until(10, 90)
    assert airflow.now == ended

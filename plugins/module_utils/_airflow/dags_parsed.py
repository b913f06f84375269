# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Airflow made of DAG files once its scheduler had them: DAGs and import errors (F18). API, clock and sleep are handed in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.import_error import exception_text, line_in
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import AirflowError, CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.printable import printable
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, named, timestamp

POLL_SECONDS = 2.0
# A parse that began before the files came may end after it. The changed files follow at once, so nothing is believed earlier.
SETTLE_SECONDS = 5.0
# Airflow lists its folder every 30 seconds (dag_dir_list_interval) and then needs a moment. A file that shows neither a DAG nor an error
# by then, and in which no DAG stands, has none.
LISTED_SECONDS = 40.0
SHOWN = 10


class Api(Protocol):
    """What AirflowApi offers."""

    def dags(self) -> list[Obj]: ...
    def import_errors(self) -> list[Obj]: ...


@dataclass(frozen=True)
class Pushed:
    """What was pushed: paths in ``folder``, which is one of the repository. ``imported`` and ``dag_files`` are those of dag_files.Findings.

    ``roots``: where the scheduler has the repository.
    """

    folder: str
    files: frozenset[str]
    imported: frozenset[str]
    dag_files: frozenset[str]
    roots: tuple[str, ...]

    def path(self, filename: Any) -> str:
        """The path in the folder of a file as Airflow names it, of one in an archive that of the archive; empty for a file elsewhere."""
        folder = self.folder.strip("/")
        inside = "" if folder in ("", ".") else f"{folder}/"
        prefixes = [f"{root.rstrip('/')}/{inside}" for root in self.roots if root]
        found = next((str(filename)[len(prefix) :] for prefix in prefixes if str(filename).startswith(prefix)), "")
        archive = f"{found.partition('.zip/')[0]}.zip"
        return archive if archive in self.files else found


@dataclass(frozen=True)
class FileError:
    """One import error, safe to print. ``line`` is the last one of the file itself in the traceback."""

    file: str
    line: int | None
    text: str

    def __str__(self) -> str:
        return f"{self.file}{f', line {self.line}' if self.line else ''}: {self.text}"


@dataclass(frozen=True)
class Parsed:
    """What Airflow shows. ``errors`` are those of the pushed files, ``others`` of the rest; ``waiting`` are files without an answer yet."""

    dags: tuple[str, ...] = ()
    errors: tuple[FileError, ...] = ()
    others: tuple[FileError, ...] = ()
    waiting: tuple[str, ...] = ()

    @property
    def failure(self) -> CollectionError | None:
        """The error if a pushed file cannot be imported."""
        if not self.errors:
            return None
        message = f"{counted(self)}\n{_lines(self.errors)}"
        return CollectionError(f"{message}{self._rest}", "Correct what the import errors name, and push again.", "import_errors")

    @property
    def text(self) -> str:
        return f"{counted(self)}{self._rest}"

    @property
    def _rest(self) -> str:
        rest = f"\nAirflow shows no DAG of {named(sorted(self.waiting))} so far." if self.waiting else ""
        return rest + (f"\nImport errors of files that were not pushed:\n{_lines(self.others)}" if self.others else "")


def counted(parsed: Parsed) -> str:
    """``2 DAGs visible, 1 import error.``"""
    dags, errors = len(parsed.dags), len(parsed.errors)
    return f"{dags} DAG{'' if dags == 1 else 's'} visible, {errors or 'no'} import error{'' if errors == 1 else 's'}."


def _lines(errors: Iterable[FileError]) -> str:
    lines = [f"  {error}" for error in errors]
    return "\n".join([*lines[:SHOWN], *([f"  and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else [])])


def judge(pushed: Pushed, dags: Iterable[Obj], errors: Iterable[Obj], since: float, age: float) -> Parsed:
    """What is known ``age`` seconds after the scheduler got the files, at the time ``since`` of its clock. Pure.

    Only what Airflow wrote later counts: before, it read what the files were until then.
    """

    def later(value: Any) -> bool:
        moment = timestamp(value)
        return moment is not None and moment.timestamp() > since

    found: list[tuple[str, Obj]] = [(pushed.path(dag.get("fileloc")), dag) for dag in dags]
    visible = [(path, str(dag["dag_id"])) for path, dag in found if path in pushed.files and later(dag.get("last_parsed_time"))]
    own, others, outdated = list[FileError](), list[FileError](), set[str]()
    for error in errors:
        path = pushed.path(error.get("filename"))
        if path in pushed.files and not later(error.get("timestamp")):
            outdated.add(path)
        else:
            (own if path in pushed.files else others).append(_file_error(path, error))
    answered = {path for path, _dag in visible} | {error.file for error in own}
    asked = pushed.imported if age < LISTED_SECONDS else pushed.dag_files | outdated
    waiting = asked if age < SETTLE_SECONDS else asked - answered
    failed = {error.file for error in own}
    names = sorted(dag for path, dag in visible if path not in failed)
    return Parsed(tuple(names), tuple(sorted(own, key=str)), tuple(sorted(others, key=str)), tuple(sorted(waiting)))


def _file_error(path: str, error: Obj) -> FileError:
    filename, trace = str(error.get("filename")), error.get("stack_trace")
    return FileError(printable(path or filename), line_in(trace, filename), printable(exception_text(trace)))


@dataclass(frozen=True)
class ParseWait:
    """One wait for Airflow to read what was pushed. Clock and sleep in seconds."""

    airflow: Api
    pushed: Pushed
    clock: Callable[[], float]
    sleep: Callable[[float], None]

    def look(self, since: float, age: float) -> Parsed:
        """Raises AirflowError."""
        errors = self.airflow.import_errors()
        return judge(self.pushed, self.airflow.dags(), errors, since, age)

    def until(self, since: float, age: float, seconds: float) -> Parsed:
        """Waits until Airflow has read the files, for so many seconds at most; then for what it knows.

        :raises AirflowError: for a request that was refused, or that failed until the end.
        """
        start = self.clock()
        while True:
            failure: AirflowError | None = None
            parsed = Parsed()
            try:
                parsed = self.look(since, age + self.clock() - start)
                if not parsed.waiting:
                    return parsed
            except AirflowError as error:
                if not error.passing:
                    raise
                failure = error
            if self.clock() - start >= seconds:
                if failure:
                    raise failure
                return parsed
            self.sleep(POLL_SECONDS)

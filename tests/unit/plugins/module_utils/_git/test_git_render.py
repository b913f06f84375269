# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files in a local folder, from which people commit them to a real repository."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError
from ansible_collections.gitops.airflow.plugins.module_utils._git import render as _render
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import Content, GitError
from ansible_collections.gitops.airflow.plugins.module_utils._git.owner import FILE
from ansible_collections.gitops.airflow.plugins.module_utils._git.remote import Access, Remote
from ansible_collections.gitops.airflow.plugins.module_utils._git.render import PART, Plan, decide
from ansible_collections.gitops.airflow.tests.unit.git_http import git
from ansible_collections.gitops.airflow.tests.unit.plugins.module_utils._git.published import BOT, FOLDER, MARK, ONE, OWNER, Person, Run

TWO = {"Chart.yaml": "name: core\n", "templates/a.yaml": "t\n"}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out/of here"


def files(root: Path) -> dict[str, str]:
    return {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*") if path.is_file()}


def texts(**given: str) -> dict[str, Content]:
    return {name: Content(text.encode()) for name, text in given.items()}


def blobs(given: Mapping[str, Content]) -> dict[str, str]:
    return {name: content.blob for name, content in given.items()}


@pytest.mark.parametrize(
    ("found", "record", "expected"),
    [
        ({}, None, Plan(("a", "b"), (), (), ())),
        (texts(a="1", b="1"), blobs(texts(a="1", b="1")), Plan((), (), (), ())),
        (texts(a="0"), blobs(texts(a="0")), Plan(("a", "b"), (), (), ())),  # the settings changed
        (texts(a="0"), blobs(texts(a="1")), Plan(("a", "b"), (), (), ("a",))),
        (texts(a="1", old="1"), blobs(texts(a="1", old="1")), Plan(("b",), ("old",), (), ())),
        (texts(a="1", old="2"), blobs(texts(a="1", old="1")), Plan(("b",), ("old",), (), ("old",))),
        (texts(a="1"), blobs(texts(a="1", old="1")), Plan(("b",), (), (), ())),  # removed by people
        (texts(theirs="1"), blobs(texts(a="1")), Plan(("a", "b"), (), ("theirs",), ())),
        (texts(b="9"), blobs(texts(a="1")), Plan(("a", "b"), (), ("b",), ())),  # new in this run, and there already
        (texts(b="1"), blobs(texts(a="1")), Plan(("a",), (), (), ())),  # an interrupted run wrote it
        (texts(a="1", b="1"), None, Plan((), (), (), ())),
        (texts(a="9"), None, Plan(("a", "b"), (), ("a",), ())),
    ],
)
def test_what_is_done_to_the_folder(found: dict[str, Content], record: dict[str, str] | None, expected: Plan) -> None:
    assert decide(found, record, texts(a="1", b="1")) == expected
    # The mark is in each folder, and never of others.
    assert decide(found | {FILE: Content(b"m")}, record, texts(a="1", b="1")) == expected


def test_files_are_rendered_and_people_commit_them(filled: Path, out: Path, tmp_path: Path) -> None:
    before = git(filled, "rev-parse", "main")
    first = Run(filled).render(ONE, out)
    assert set(first.changed) == {MARK, f"{FOLDER}/Chart.yaml", f"{FOLDER}/values.yaml"}
    assert {name: text for name, text in files(out).items() if name != FILE} == ONE
    assert git(filled, "for-each-ref", "--format=%(objectname)") == before  # nothing was pushed
    assert first.error
    assert first.error.code == "waits_for_commit"
    assert f"The files are in {out}. Branch 'main' of file://{filled} does not have them in '{FOLDER}' yet." in first.error.message
    assert f"rsync -a --delete '{out}/' {FOLDER}/" in first.error.next_action

    again = Run(filled).render(ONE, out)
    assert (again.changed, again.error is None) == ({}, False)

    eve = Person(filled, tmp_path)
    (eve.clone / FOLDER).mkdir(parents=True)
    subprocess.run(["cp", "-a", f"{out}/.", str(eve.clone / FOLDER)], check=True)  # as rsync does
    commit = eve.edit({}, message="rendered")
    done = Run(filled).render(ONE, out)
    assert (done.changed, done.error, done.commit) == ({}, None, commit)


def test_files_may_be_rendered_into_a_clone(filled: Path, tmp_path: Path) -> None:
    """Of people who commit from there: the folder has the mark of the checkout."""
    eve = Person(filled, tmp_path)
    Run(filled).render(ONE, eve.clone / FOLDER)
    eve.git("add", "-A")
    eve.git("commit", "--quiet", "-m", "one")
    eve.push()
    assert Run(filled, "refuse").render(TWO, eve.clone / FOLDER).changed
    assert eve.git("status", "--porcelain", "-uall").split() == [
        "M",
        MARK,
        "D",
        f"{FOLDER}/values.yaml",
        "??",
        f"{FOLDER}/templates/a.yaml",
    ]


def test_stale_files_of_ours_are_removed(filled: Path, out: Path) -> None:
    Run(filled).render(TWO, out)
    (out / PART).write_text("half a file of an interrupted run")
    outcome = Run(filled).render(ONE, out)
    assert set(outcome.changed) == {MARK, f"{FOLDER}/templates/a.yaml", f"{FOLDER}/values.yaml"}
    assert {*files(out)} == {FILE, *ONE}
    assert not (out / "templates").exists()


@pytest.mark.parametrize("mode", ["overwrite", "refuse"])
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda root: (root / "theirs").write_text("x"), "files that this collection did not write: theirs"),
        (lambda root: (root / ".hidden").write_text("x"), "did not write: .hidden"),
        (lambda root: (root / "link").symlink_to("/etc"), "did not write: link"),
        (lambda root: os.mkfifo(root / "pipe"), "did not write: pipe"),
        (lambda root: (root / FILE).unlink(), "and no owner mark"),
        (lambda root: (root / FILE).write_text("beta@uid-9\n"), "belongs to 'beta@uid-9', not to 'airflow@uid-1'"),
        (lambda root: (root / FILE).write_text("nothing here? two owners\nx\ny\n"), "and no owner mark"),
    ],
)
def test_files_of_others_are_refused(filled: Path, out: Path, mode: str, make: object, words: str) -> None:
    Run(filled).render(ONE, out)
    assert callable(make)
    make(out)
    before = {path: path.lstat().st_mtime_ns for path in out.rglob("*")}
    with pytest.raises(GitError) as caught:
        Run(filled, mode).render(TWO, out)
    assert words in caught.value.message
    assert caught.value.code == "foreign_folder"
    assert "airflow_app_render_folder" in caught.value.named({"render_folder": "airflow_app_render_folder"}).next_action
    assert {path: path.lstat().st_mtime_ns for path in out.rglob("*")} == before


def test_a_folder_of_others_is_not_read(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong variable may name the home folder."""
    monkeypatch.setattr(_render, "read_folder", lambda _root: pytest.fail("it was read"))
    with pytest.raises(GitError, match=r"has files \(.*\) and no owner mark"):
        Run(filled).render(ONE, tmp_path)


def test_edits_in_the_folder_are_refused_or_overwritten(filled: Path, out: Path) -> None:
    Run(filled).render(ONE, out)
    (out / "values.yaml").write_text("mine\n")
    with pytest.raises(GitError, match=r"People edited files in .*: values\.yaml") as caught:
        Run(filled, "refuse").render(ONE, out)
    assert caught.value.code == "edited"
    assert (out / "values.yaml").read_text() == "mine\n"
    Run(filled).render(ONE, out)
    assert (out / "values.yaml").read_text() == ONE["values.yaml"]


def test_edits_in_git_are_refused(filled: Path, out: Path, tmp_path: Path) -> None:
    Run(filled).push(ONE)
    Person(filled, tmp_path).edit({f"{FOLDER}/values.yaml": "a: 9\n"})
    with pytest.raises(GitError, match="people edited the folder"):
        Run(filled, "refuse").render(ONE, out)
    assert not out.exists()
    run = Run(filled)
    assert run.render(ONE, out).error
    assert "+a: 9" in run.lines


def test_check_mode_writes_nothing(filled: Path, out: Path) -> None:
    outcome = Run(filled).render(ONE, out, check=True)
    assert set(outcome.changed) == {MARK, f"{FOLDER}/Chart.yaml", f"{FOLDER}/values.yaml"}
    assert not out.exists()


def test_an_interrupted_run_is_continued(filled: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Run(filled).render(ONE, out)
    real, written = os.replace, list[str]()

    def dies(part: Path, place: Path) -> None:
        if written:
            raise OSError("no space")
        written.append(place.name)
        real(part, place)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", dies)
        with pytest.raises(OSError, match="no space"):
            Run(filled, "refuse").render({**TWO, "Chart.yaml": "name: new\n"}, out)
    Run(filled, "refuse").render({**TWO, "Chart.yaml": "name: new\n"}, out)
    assert {name: text for name, text in files(out).items() if name != FILE} == {**TWO, "Chart.yaml": "name: new\n"}


def test_a_link_in_the_place_of_a_file_is_not_followed(filled: Path, out: Path, tmp_path: Path) -> None:
    Run(filled).render(ONE, out)
    (tmp_path / "elsewhere").write_text("theirs\n")
    (out / "values.yaml").unlink()
    (out / "values.yaml").symlink_to(tmp_path / "elsewhere")
    Run(filled).render(ONE, out)
    assert (tmp_path / "elsewhere").read_text() == "theirs\n"
    assert not (out / "values.yaml").is_symlink()


def test_who_may_run_a_file_is_kept(filled: Path, out: Path) -> None:
    run = Run(filled)
    with Remote(f"file://{filled}", "main", Access(), timeout=30) as remote:
        given = {f"{FOLDER}/run.sh": Content(b"#!/bin/sh\n", "100755"), f"{FOLDER}/a": Content(b"a")}
        _render.render(remote, str(out), given, [FOLDER], BOT, run.owned)
    assert [bool((out / name).stat().st_mode & 0o100) for name in ("run.sh", "a")] == [True, False]


def test_a_file_outside_of_the_folder_cannot_be_rendered(filled: Path, out: Path) -> None:
    with Remote(f"file://{filled}", "main", Access(), timeout=30) as remote, pytest.raises(InputError, match="'README' is outside"):
        _render.render(remote, str(out), {"README": Content(b"x")}, [FOLDER], BOT, Run(filled).owned)


def test_no_command_removes_a_clones_own_git(filled: Path, out: Path) -> None:
    with Remote(f"file://{filled}", "main", Access(), timeout=30) as remote:
        assert "rsync" in _render.uncommitted(remote, out, FOLDER).next_action
        assert "rsync" not in _render.uncommitted(remote, out, ".").next_action


def test_the_mark_names_this_platform(filled: Path, out: Path) -> None:
    Run(filled).render(ONE, out)
    assert OWNER.text in (out / FILE).read_text().splitlines()

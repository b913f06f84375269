# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people edited in the platform's folder (F21): decisions, and pushes to real repositories."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._git import record
from ansible_collections.gitops.airflow.plugins.module_utils._git import remote as _remote
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import Content, Entry, GitError
from ansible_collections.gitops.airflow.plugins.module_utils._git.owner import marked_owner
from ansible_collections.gitops.airflow.plugins.module_utils._git.publish import publish
from ansible_collections.gitops.airflow.plugins.module_utils._git.record import Edit, edits, edits_diff, record_text, recorded
from ansible_collections.gitops.airflow.plugins.module_utils._git.remote import Access, Remote
from ansible_collections.gitops.airflow.tests.unit.git_http import git
from ansible_collections.gitops.airflow.tests.unit.plugins.module_utils._git.published import (
    BOT,
    FOLDER,
    MARK,
    ONE,
    OWNER,
    Person,
    Run,
    contents,
)

TWO = {**ONE, "values.yaml": "a: 2\nb: 2\n"}


@pytest.fixture
def eve(filled: Path, tmp_path: Path) -> Person:
    return Person(filled, tmp_path)


def name(text: str) -> str:
    return Content(text.encode()).blob


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"values.yaml": name("a")},
        {"templates/x y.yaml": name("b"), "ä.txt": name("c"), "line\nbreak": name("d"), "bad\udcff": name("e")},
    ],
)
def test_a_mark_has_its_owner_and_its_record(files: dict[str, str]) -> None:
    mark = OWNER.mark(files).encode()
    assert recorded(mark) == files
    assert marked_owner(mark) == OWNER.text  # as earlier versions of the collection read it


@pytest.mark.parametrize("mark", [None, b"", OWNER.content.encode(), OWNER.mark(None).encode(), b"\xff\n", b"# 0123 values.yaml\n"])
def test_a_mark_without_a_record(mark: bytes | None) -> None:
    assert recorded(mark) is None


def test_a_record_that_people_damaged_is_read_as_far_as_it_goes() -> None:
    text = record_text({"a": name("a"), "b": name("b")}).replace(name("a"), "nonsense")
    assert recorded(text.encode()) == {"b": name("b")}


def tree(**files: str) -> dict[str, Entry]:
    return {f"app/{path}": Entry("100644", name(text)) for path, text in files.items()}


RECORD = {"a": name("1"), "b": name("1")}


@pytest.mark.parametrize(
    ("found", "paths", "expected"),
    [
        (tree(a="1", b="1"), ["app/a", "app/b"], {}),  # the publication changes what nobody edited
        (tree(a="2", b="1"), ["app/a", "app/b"], {"app/a": "changed"}),
        (tree(a="2", b="1"), ["app/b"], {}),  # the edit is what the publication writes
        (tree(b="1"), ["app/a"], {"app/a": "deleted"}),
        (tree(a="1", b="1", c="1"), ["app/c"], {"app/c": "added"}),
        (tree(a="1", b="1"), ["app/c"], {}),  # a new file of the publication
        ({"other/a": Entry("100644", name("9"))} | tree(a="1", b="1"), ["other/a"], {}),
        (tree(a="1", b="1") | {"app/mark": Entry("100644", name("9"))}, ["app/mark"], {}),
        (tree(b="1") | {"app/a": Entry("100755", name("1"))}, ["app/a"], {}),
        (tree(b="1") | {"app/a": Entry("120000", name("1"))}, ["app/a"], {"app/a": "changed"}),
    ],
)
def test_an_edit_is_what_would_be_lost(found: dict[str, Entry], paths: list[str], expected: dict[str, str]) -> None:
    assert {edit.path: edit.change for edit in edits(found, RECORD, paths, "app/", "app/mark")} == expected


def test_the_diff_is_short_printable_and_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"1": b"a: 1\n", "2": b"a: \x1b[31m2\npassword: Xk29fJq0aLz8Wm4T\n" + b"x" * 500 + b"\n", "3": bytes(range(256))}
    found = [Edit("v", "1", "2"), Edit("w", None, "3"), Edit("x", "1", None)]
    shown = edits_diff(found, {}, texts.get)
    assert "-a: 1\n+a: \\x1b[31m2\n" in shown
    assert "+password: " in shown
    assert "Xk29fJq0aLz8Wm4T" not in shown
    assert f"+{'x' * (record.LINE_LENGTH - 1)} …\n" in shown
    assert "+(binary file, 256 bytes" in shown
    assert "--- a/x\n+++ /dev/null\n" in shown
    monkeypatch.setattr(record, "MOST_LINES", 3)
    lines = edits_diff(found, {}, texts.get).splitlines()
    assert (len(lines), lines[-1]) == (4, f"… {len(shown.splitlines()) - 3} more lines")


SECRET = "# v: what differs looks like a secret, and is not shown"
KEY = "key: |\n  -----BEGIN PRIVATE KEY-----\n" + 9 * "  MIIabcdefgh\n" + "  {}\n  -----END PRIVATE KEY-----\n"
VARIABLE = "env:\n  - name: SMTP_PASSWORD\n    value: {}\n"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("env:\n", VARIABLE.format("hunter2"), ["+  - name: SMTP_PASSWORD", "+    value: ********"]),
        # The first line of a key is far above the line that differs.
        (KEY.format("hunter1"), KEY.format("hunter2"), [SECRET]),
        (VARIABLE.format("hunter1"), VARIABLE.format("hunter2"), [SECRET]),
    ],
)
def test_the_diff_has_no_secret_whose_name_is_in_another_line(before: str, after: str, expected: list[str]) -> None:
    shown = edits_diff([Edit("v", "1", "2")], {}, {"1": before.encode(), "2": after.encode()}.get)
    assert "hunter" not in shown
    assert [line for line in shown.splitlines() if line.startswith(("+ ", "- ", "#"))] == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["a"] * 40, ["a"] * 40),
        (["a"] * 41, [*["a"] * 40, "… 1 more lines"]),
        (["x" * 160], ["x" * 160]),
        (["x" * 161], ["x" * 160 + " …"]),
        ([], []),
    ],
)
def test_a_text_is_cut_where_a_person_stops_reading(lines: list[str], expected: list[str]) -> None:
    assert record.bounded("".join(f"{line}\n" for line in lines)).splitlines() == expected


def test_a_file_that_people_added_is_compared_with_nothing() -> None:
    """Also if the publication now has a file of this name."""
    shown = edits_diff([Edit("v", None, "2")], {"v": Content(b"now\n")}, {"2": b"theirs\n"}.get)
    assert shown == "--- /dev/null\n+++ b/v\n@@ -0,0 +1 @@\n+theirs\n"


def test_what_was_written_may_not_be_at_hand() -> None:
    shown = edits_diff([Edit("v", "1", "2")], {"v": Content(b"now\n")}, {"2": b"theirs\n"}.get)
    assert shown.startswith("# v: what gitops.airflow wrote is not in the last commits")
    assert "-now\n+theirs\n" in shown


def test_f21_an_edit_is_shown_before_it_is_overwritten_or_refused(filled: Path, eve: Person) -> None:
    Run(filled).push(ONE)
    commit = eve.edit({f"{FOLDER}/values.yaml": "a: 9\nb: 2\n", f"{FOLDER}/more": "m\n", f"{FOLDER}/Chart.yaml": None, "README": "r\n"})
    run = Run(filled, "refuse")
    with pytest.raises(GitError, match="people edited the folder") as caught:
        run.push(TWO)
    assert git(filled, "rev-parse", "main") == commit
    assert caught.value.code == "edited"
    assert f"{FOLDER}/Chart.yaml (deleted), {FOLDER}/more (added), {FOLDER}/values.yaml" in caught.value.message
    assert f"Commits: {commit[:7]} by Eve." in caught.value.message
    named = caught.value.named({"files": "airflow_app_values", "edits": "airflow_app_git_edits"})
    assert named.next_action.endswith("or run once with airflow_app_git_edits=overwrite.")
    assert "set the same in airflow_app_values" in named.next_action
    # What people did, not what the run changes as well.
    assert [line for line in run.lines if line[:1] in "+-" and line[:3] not in ("+++", "---")] == ["-name: core", "+m", "-a: 1", "+a: 9"]

    run = Run(filled)
    shown: list[list[str]] = []
    real = Remote.push
    with pytest.MonkeyPatch.context() as patch:

        def push(remote: Remote, made: str) -> bool:
            shown.append(list(run.lines))
            return real(remote, made)

        patch.setattr(Remote, "push", push)
        outcome = run.push(TWO)
    assert shown == [run.lines]  # all of it before the push
    assert "+a: 9" in run.lines
    assert [(item.commit, item.author) for item in outcome.overwritten] == [(commit, "Eve")]
    assert [(edit["path"].split("/")[-1], edit["change"]) for edit in run.owned.result()["edits"]] == [
        ("Chart.yaml", "deleted"),
        ("more", "added"),
        ("values.yaml", "changed"),
    ]
    assert git(filled, "show", "main:README") == "r"
    last = Run(filled, "refuse").push(TWO)
    assert (last.changed, last.overwritten) == ({}, ())


def test_f21_an_edit_that_the_run_writes_too_is_kept(filled: Path, eve: Person) -> None:
    """What the message advises: to set the same."""
    Run(filled).push(ONE)
    eve.edit({f"{FOLDER}/values.yaml": TWO["values.yaml"]})
    run = Run(filled, "refuse")
    assert list(run.push(TWO).changed) == [MARK]
    assert (run.owned.edits, run.lines) == ((), [])
    assert Run(filled, "refuse").push(TWO).changed == {}


@pytest.mark.parametrize("merged", [True, False])
def test_f21_edits_by_hand_in_a_concurrent_push(filled: Path, eve: Person, monkeypatch: pytest.MonkeyPatch, merged: bool) -> None:
    """An edit that comes between the look and the push is looked at, too."""
    Run(filled).push(ONE)
    push, seen = Remote.push, list[str]()

    def late(remote: Remote, commit: str) -> bool:
        if not seen:
            seen.append(eve.edit({f"{FOLDER}/values.yaml": "a: 9\n"} if merged else {"README": "x\n"}))
        return push(remote, commit)

    monkeypatch.setattr(Remote, "push", late)
    if merged:
        with pytest.raises(GitError, match="people edited"):
            Run(filled, "refuse").push(TWO)
        assert git(filled, "rev-parse", "main") == seen[0]
    else:
        assert Run(filled, "refuse").push(TWO).changed


def without_record(bare: Path, eve: Person, **files: str) -> None:
    """The folder as an earlier version of the collection left it: the mark has no record, and its author says who wrote it."""
    eve.at()
    eve.clone.joinpath(MARK).parent.mkdir(parents=True, exist_ok=True)
    for path, text in {MARK: OWNER.content, **{f"{FOLDER}/{path}": text for path, text in ONE.items()}, **files}.items():
        eve.clone.joinpath(path).write_text(text)
    eve.git("add", "-A")
    eve.git("commit", "--quiet", "-m", "older", "--author=bot <bot@example.org>")
    eve.push()


def test_f21_a_platform_of_an_earlier_version_has_its_last_commit_as_the_record(filled: Path, eve: Person) -> None:
    without_record(filled, eve)
    commit = eve.edit({f"{FOLDER}/values.yaml": "a: 9\nb: 2\n"})
    run = Run(filled, "refuse")
    with pytest.raises(GitError, match=f"people edited .*Commits: {commit[:7]} by Eve"):
        run.push(TWO)
    assert "+a: 9" in run.lines
    Run(filled).push(TWO)
    assert recorded(git(filled, "show", f"main:{MARK}").encode()) == {path: name(text) for path, text in TWO.items()}


def test_f21_a_platform_of_an_earlier_version_without_edits_gets_its_record(filled: Path, eve: Person) -> None:
    without_record(filled, eve)
    run = Run(filled, "refuse")
    assert sorted(run.push(TWO).changed) == [MARK, f"{FOLDER}/values.yaml"]
    assert run.lines == []


def test_f21_the_last_commit_is_that_of_the_folder(filled: Path, eve: Person) -> None:
    """Another platform publishes to its own folder with the same author, after the edit."""
    without_record(filled, eve)
    eve.edit({f"{FOLDER}/values.yaml": "a: 9\nb: 2\n"})
    with Remote(f"file://{filled}", "main", Access(), timeout=30) as remote:
        publish(remote, contents({"values.yaml": "c: 1\n"}, "platform/stage/"), [], BOT)
    with pytest.raises(GitError, match=r"people edited .*values\.yaml"):
        Run(filled, "refuse").push(TWO)


def test_f21_a_revert_of_the_last_publication_is_an_edit(filled: Path, eve: Person) -> None:
    """It restores the earlier record, too."""
    for files in (ONE, TWO):
        Run(filled).push(files)
    eve.at()
    eve.git("revert", "--no-edit", "HEAD")
    commit = eve.push()
    with pytest.raises(GitError, match=rf"people edited .*values\.yaml.*Commits: {commit[:7]} by Eve"):
        Run(filled, "refuse").push(TWO)
    # What the run writes now is what people restored.
    assert not Run(filled, "refuse").push(ONE).changed
    Run(filled).push(TWO)
    # A change of the settings and back is none.
    for files in (ONE, TWO, ONE):
        assert Run(filled, "refuse").push(files).changed


def test_f21_where_nothing_is_known_nothing_is_refused(filled: Path, eve: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """The collection's last commit is older than what is read."""
    monkeypatch.setattr(_remote, "HISTORY", 2)
    without_record(filled, eve)
    for number in range(4):
        eve.edit({f"{FOLDER}/values.yaml": f"a: {number}\n"})
    assert Run(filled, "refuse").push(ONE).changed
    # From then on it is.
    eve.edit({f"{FOLDER}/values.yaml": "a: 9\n"})
    with pytest.raises(GitError, match="people edited"):
        Run(filled, "refuse").push(ONE)


def test_f21_an_old_record_is_compared_also_where_history_is_long(filled: Path, eve: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_remote, "HISTORY", 2)
    Run(filled).push(ONE)
    commits = [eve.edit({f"{FOLDER}/values.yaml": f"a: {number}\n"}) for number in range(4)]
    run = Run(filled)
    outcome = run.push(TWO)
    assert any(line.startswith(f"# {FOLDER}/values.yaml: what gitops.airflow wrote is not in the last commits") for line in run.lines)
    assert [item.commit for item in outcome.overwritten] == commits[:-2:-1]


def test_f21_a_rewritten_history_leaves_the_record(filled: Path, eve: Person) -> None:
    """All commits become one of another author, as when a repository is moved to another server."""
    Run(filled).push(ONE)
    eve.edit({f"{FOLDER}/values.yaml": "a: 9\n"})
    eve.at()
    eve.git("checkout", "--quiet", "--orphan", "moved")
    eve.git("commit", "--quiet", "-m", "moved here")
    subprocess.run(["git", "-C", str(eve.clone), "push", "--quiet", "--force", "origin", "HEAD:main"], check=True, capture_output=True)
    run = Run(filled, "refuse")
    with pytest.raises(GitError, match="people edited"):
        run.push(ONE)
    assert run.owned.edits == (Edit(f"{FOLDER}/values.yaml", name(ONE["values.yaml"]), name("a: 9\n")),)


def test_f21_the_first_push_of_the_mark_keeps_the_record(filled: Path, eve: Person) -> None:
    """The task that claims the folder pushes the mark alone, before an edit is looked at."""
    Run(filled).push(ONE)
    eve.edit({f"{FOLDER}/values.yaml": "a: 9\n"})
    run = Run(filled, "refuse")
    run.owned._whole = False
    with _remote.Remote(f"file://{filled}", "main", _remote.Access(), timeout=30) as remote:
        commit = remote.fetch()
        assert commit
        assert run.owned.files(remote, remote.tree(commit), {})[MARK].data == git(filled, "show", f"main:{MARK}").encode() + b"\n"
    with pytest.raises(GitError, match="people edited"):
        Run(filled, "refuse").push(ONE)


def test_f21_a_second_edit_names_its_own_commit(filled: Path, eve: Person) -> None:
    """What was overwritten before is not named again, although the record is the same as before."""
    Run(filled).push(ONE)
    for value in (8, 9):
        commit = eve.edit({f"{FOLDER}/values.yaml": f"a: {value}\n"})
        assert [item.commit for item in Run(filled).push(ONE).overwritten] == [commit]


def test_f21_files_outside_of_the_folder_are_not_compared(filled: Path, eve: Person) -> None:
    Run(filled).push(ONE)
    eve.edit({"README": "r\n", "app/values.yaml": None, f"{FOLDER}2/values.yaml": "x\n"})
    run = Run(filled, "refuse")
    run.push(TWO)
    assert (run.owned.edits, run.lines) == ((), [])
    assert git(filled, "show", f"main:{FOLDER}2/values.yaml") == "x"

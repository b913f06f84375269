# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress: what is written down of a wait, and what is shown of that. The real thing is in tests/integration."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.wait import state_text
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import LENGTH, VARIABLE, Line, Progress, open_progress
from ansible_collections.gitops.airflow.plugins.plugin_utils._progress import SUM_SECONDS, Lines, followed, parsed


class Written(list[Line]):
    """What a Progress has written."""

    def texts(self) -> list[str]:
        found = [str(line["text"]) for line in self]
        self.clear()
        return found


def test_only_changes_are_written() -> None:
    written = Written()
    progress = Progress(written.append)
    progress.note("a", "waiting", "OutOfSync")
    progress.note("b", "done", "Synced")
    progress.show(1.00049)
    assert written == [{"elapsed": 1.0, "text": "a: OutOfSync"}]
    written.clear()
    progress.note("a", "waiting", "OutOfSync")
    progress.show(2)
    assert written.texts() == []
    progress.note("a", "waiting", "Progressing")
    progress.note("a", "done", "Synced")
    progress.note("b", "waiting", "Degraded")
    progress.show(3)
    assert written.texts() == ["a: Synced", "b: Degraded"]


def test_what_comes_already_done_after_the_first_look_is_written() -> None:
    written = Written()
    progress = Progress(written.append)
    progress.tell(0, "a", "waiting", "queued")
    progress.tell(1, "b", "done", "success")
    assert written.texts() == ["a: queued", "b: success"]


def test_of_many_the_sum_and_the_remarks() -> None:
    written = Written()
    progress = Progress(written.append)
    for number in range(20):
        progress.note(str(number), "done" if number < 5 else "waiting", "x")
    progress.tell(0, "", "waiting", "a remark")
    assert written.texts() == ["a remark", "5 of 20 done"]
    progress.tell(1, "5", "waiting", "y")
    assert written.texts() == []
    progress.note("5", "failed", "z")
    for number in range(6, 17):
        progress.note(str(number), "done", "z")
    progress.show(2)
    assert written == [{"elapsed": 2, "text": "16 of 20 done, 1 failed, waiting for 17, 18, 19", "sum": True}]


def test_ten_are_shown_one_by_one() -> None:
    written = Written()
    progress = Progress(written.append)
    for number in range(10):
        progress.note(str(number), "waiting", "x")
    progress.show(0)
    assert len(written.texts()) == 10


def test_long_and_broken_lines_become_one_short_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "file"))
    # The cut goes through the secret.
    open_progress({"hunter2" * 9}).tell(0, "a", "waiting", "first\n  second " + "x" * LENGTH + "hunter2" * 9 + "y" * 170)
    text = json.loads((tmp_path / "file").read_text())["text"]
    assert text.startswith("a: first second … ")
    assert text.endswith("y" * 170)
    assert len(text) <= LENGTH
    assert "hunter2" not in text


def test_without_a_reader_nothing_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert not open_progress().shown
    monkeypatch.setenv(VARIABLE, str(tmp_path / "gone"))
    progress = open_progress()
    assert not progress.shown
    progress.tell(0, "a", "waiting", "x")
    assert list(tmp_path.iterdir()) == []


def test_the_file_gets_whole_lines_without_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "file"))
    progress = open_progress({"hunter2"})
    progress.tell(1, "a", "waiting", "https://user:hunter2@git.example.com é")
    progress.tell(2, "a", "done", "Synced")
    lines = [json.loads(text) for text in (tmp_path / "file").read_text().splitlines()]
    assert lines == [
        {"elapsed": 1, "text": "a: https://user:********@git.example.com é"},
        {"elapsed": 2, "text": "a: Synced"},
    ]


def test_a_line_of_a_log_is_written_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With its blanks, without secrets, beside sums, and with a time of its own or none."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "file"))
    progress = open_progress({"hunter2"}, lambda: 7.0)
    progress.line("load |     File  x, password=abcdefghi hunter2")
    progress.line("load: running", 3)
    progress.line("x" * 5000)
    lines = [json.loads(text) for text in (tmp_path / "file").read_text().splitlines()]
    assert lines[:2] == [
        {"text": "load |     File  x, password=******** ********", "whole": True},
        {"text": "load: running", "whole": True, "elapsed": 7.0},
    ]
    assert lines[2]["text"] == "x" * 4000 + " … (1000 more characters)"
    shown = [text for text, _sum in parsed((tmp_path / "file").read_bytes().splitlines()[:2])]
    assert shown == ["          load |     File  x, password=******** ********", "   7.0 s  load: running"]
    Progress().line("x")


def test_a_line_of_a_log_steers_no_terminal() -> None:
    shown = list(parsed([json.dumps({"text": "a\x1b[2Jb\nc\u202e", "whole": True}).encode()]))
    assert shown == [("          a\\x1b[2Jb c\\u202e", False)]


def test_a_full_disk_does_not_end_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "/dev/full")
    progress = open_progress()
    assert progress.shown
    progress.tell(0, "a", "waiting", "x")


def line(text: str, elapsed: Any = 1.0, **more: Any) -> bytes:
    return json.dumps({"elapsed": elapsed, "text": text, **more}).encode() + b"\n"


def test_lines_arrive_in_pieces() -> None:
    shown: list[str] = []
    lines = Lines(shown.append, lambda: 0.0)
    data = line("first é", 12.345) + line("second", 1234.5)
    for index in range(len(data)):
        lines.feed(data[index : index + 1])
    assert shown == ["  12.3 s  first é", "1234.5 s  second"]


@pytest.mark.parametrize("data", [b"\n", b"no json\n", b"\xff\n", b"[1]\n", b'"text"\n', b'{"text": "x"}\n', line("x", "soon"), b'{"elap'])
def test_what_is_no_line_is_not_shown(data: bytes) -> None:
    shown: list[str] = []
    Lines(shown.append, lambda: 0.0).feed(data, last=True)
    assert shown == []


def test_no_terminal_is_steered() -> None:
    shown: list[str] = []
    Lines(shown.append, lambda: 0.0).feed(line("\x1b[2Jred\r\x07\u202e\nover"))
    assert shown == [r"   1.0 s  \x1b[2Jred\x0d\x07\u202e over"]


def test_a_sum_is_shown_seldom_and_its_latest_always() -> None:
    shown: list[str] = []
    now = 100.0
    lines = Lines(shown.append, lambda: now)
    for text in ("1 of 12", "2 of 12"):
        lines.feed(line(text, sum=True))
    lines.feed(line("3 of 12", sum=True) + line("a remark"))
    assert shown == ["   1.0 s  1 of 12", "   1.0 s  a remark"]
    now += SUM_SECONDS
    lines.feed(b"")
    assert shown[2:] == ["   1.0 s  3 of 12"]
    lines.feed(line("4 of 12", sum=True))
    lines.feed(b"", last=True)
    assert shown[3:] == ["   1.0 s  4 of 12"]


def test_followed_file_is_private_read_to_its_end_and_removed(tmp_path: Path) -> None:
    shown: list[str] = []

    def task() -> None:
        with followed(shown.append, str(tmp_path)) as path:
            assert os.stat(path).st_mode & 0o777 == 0o600
            with open(path, "ab") as file:
                file.write(line("x") * 3000)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        task()
    assert shown == ["   1.0 s  x"] * 3000
    assert list(tmp_path.iterdir()) == []


def test_where_no_file_can_be_made_the_task_goes_on(tmp_path: Path) -> None:
    with followed(print, str(tmp_path / "absent")) as path:
        assert path == ""


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (("", "", "", "waiting", "the Application does not exist"), "the Application does not exist"),
        (("Synced", "Healthy", "a" * 40, "done", ""), "Synced Healthy at aaaaaaa: done"),
        (("OutOfSync", "Healthy", "1.15.0", "waiting", "sync is OutOfSync"), "OutOfSync Healthy at 1.15.0"),
        (("Synced", "Degraded", "a" * 40 + ",61.3.1", "waiting", "health is Degraded: x"), "Synced Degraded at aaaaaaa,61.3.1: x"),
        (
            ("Synced", "Healthy", "a" * 40, "waiting", "the operation is Running: y"),
            "Synced Healthy at aaaaaaa: the operation is Running: y",
        ),
        (("OutOfSync", "Missing", "", "failed", "ComparisonError: z"), "OutOfSync Missing: ComparisonError: z"),
    ],
)
def test_text_of_a_transition(state: tuple[str, ...], text: str) -> None:
    assert state_text(dict(zip(("sync", "health", "revision", "verdict", "reason"), state, strict=True))) == text

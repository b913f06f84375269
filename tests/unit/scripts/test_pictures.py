# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of the documentation: what a terminal showed, and the parts of the platform."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from ansible_collections.gitops.airflow.tests.unit.places import ROOT

PICTURES = ROOT / "scripts/pictures"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def _path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(PICTURES))
    yield
    for name in ("terminal", "record", "architecture"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("plain", [[("plain", "")]]),
        ("", [[]]),
        ("\x1b[0;32mok\x1b[0m: here", [[("ok", "g"), (": here", "")]]),
        ("\x1b[1;31mred\x1b[39mbold\x1b[mtwo", [[("red", "r t"), ("bold", "t"), ("two", "")]]),
        ("\x1b[90mgrey\x1b[97mwhite", [[("grey", "k"), ("white", "")]]),
        ("\x1b[Kcleared\x1b[?25h", [[("cleared", "")]]),
        ("12345678901", [[("1234567890", "")], [("1", "")]]),
        ("1234567\x1b[34m8901", [[("1234567", ""), ("890", "b")], [("1", "b")]]),
        ("1234567890", [[("1234567890", "")]]),
    ],
)
def test_a_line_of_a_terminal(text: str, rows: list[list[tuple[str, str]]]) -> None:
    import terminal

    assert [list(line.parts) for line in terminal.read(text, columns=10)] == rows


def test_a_still_picture_shows_every_line() -> None:
    import terminal

    lines = [*terminal.read("$ make <it>"), *terminal.read("\x1b[31mred & bold"), *terminal.read("")]
    root = ElementTree.fromstring(terminal.picture(lines, "A run"))
    assert ["".join(item.itertext()) for item in root.iter(f"{SVG}text")] == ["$ make <it>", "red & bold"]
    assert [item.get("class") for item in root.iter(f"{SVG}tspan")] == ["r"]
    assert not list(root.iter(f"{SVG}animateTransform"))


def test_a_recording_scrolls_each_line_in_when_it_came_and_pauses_are_short() -> None:
    import terminal

    lines = [line for second in (0.0, 0.5, 0.5, 60.0) for line in terminal.read(f"{second}", second)]
    root = ElementTree.fromstring(terminal.picture(lines, "A run", rows=2))
    (found,) = root.iter(f"{SVG}animateTransform")
    whole = 0.5 + terminal.PAUSE + terminal.HOLD
    assert found.get("dur") == f"{whole:.1f}s"
    times = [float(time) * whole for time in str(found.get("keyTimes")).split(";")]
    assert times == pytest.approx([0.0, 0.5, 0.5 + terminal.PAUSE], abs=0.001)
    line = terminal.LINE
    assert str(found.get("values")).split(";") == [f"0 {line}", f"0 {-line}", f"0 {-2 * line}"]
    # Without animation it is the end that shows.
    assert [item.get("transform") for item in root.iter(f"{SVG}g")] == [f"translate(0 {-2 * line})"]


def test_a_command_is_recorded_with_its_colours_and_without_names_of_folders(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import record

    command = ["sh", "-c", 'test -t 1 && printf "\\033[32m%s/x.log\\033[0m\\n%s\\n" "$PWD" "$HOME"; exit 3']
    code, lines = record.record(command, tmp_path)
    assert (code, [list(line.parts) for line in lines]) == (3, [[("x.log", "g")], [("~", "")]])
    assert f"{tmp_path}/x.log" in capfd.readouterr().out


def test_the_picture_of_the_parts_is_the_scripts() -> None:
    import architecture

    assert (ROOT / "docs/images/architecture.svg").read_text(encoding="utf-8") == architecture.picture()


@pytest.mark.parametrize("path", sorted((ROOT / "docs/images").glob("*.svg")), ids=lambda path: path.name)
def test_a_picture_loads_nothing_and_follows_the_colour_scheme(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert ElementTree.fromstring(text).find(f"{SVG}title") is not None
    assert "prefers-color-scheme: dark" in text
    assert not re.search(r"href|url\((?!#)|@import|<image|<script", text)

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What dumps say, and where they say it. That no secret stays in them: test_mask.py."""

from __future__ import annotations

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.hex_dump import dumps


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # xxd, also with four bytes in a group: the first group is not an offset.
        ("00000000: 6865 6c6c 6f  hello", ["hello"]),
        ("00000000: 68656c6c 6f20  hello ", ["hello "]),
        # od -t x1 and od -x: a number has its last byte first.
        ("0000000 68 65 6c 6c 6f", ["hello"]),
        ("0000000 6568 6c6c 006f", ["hello\0"]),
        # The same without an offset.
        ("68 65 6c 6c 6f", ["hello"]),
        ("6568 6c6c 6f77", ["hellwo"]),
        ("6c6c6568 6f77206f 21646c72", ["hello world!"]),
        # Six digits are the least of an offset.
        ("6568 6c 6c 6f", ["hello"]),
        ("000010 68 65 6c 6c", ["hell"]),
        # Fewer bytes are numbers.
        ("10 20 30", []),
        ("0000000 68 65 6c", ["hel"]),
    ],
)
def test_what_a_dump_says(text: str, said: list[str]) -> None:
    assert [dump.text for dump in dumps(text)] == said


def shown(text: str) -> set[str]:
    """The parts of the text in which its dumps show their bytes."""
    return {text[start:end] for dump in dumps(text) for start, end in dump.places((0, len(dump.text)))}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("00000000: 6865 6c6c  hell", {"6865 6c6c", "hell"}),
        # Blanks are cut off, or something follows.
        ("00000000: 6865 6c20  hel", {"6865 6c20", "hel"}),
        ("00000000: 6865 6c6c  hell (end)", {"6865 6c6c", "hell"}),
        ("00000000: 6865 6c6c", {"6865 6c6c"}),
        ("00000000: 6865 6c6c | hell and more", {"6865 6c6c"}),
        ("00000000  68 65 6c 6c  |hell|", {"68 65 6c 6c", "hell"}),
        ("0000000 68 65 6c 6c  >hell<", {"68 65 6c 6c", "hell"}),
        ("0000000 68 65 6c 6c  hell", {"68 65 6c 6c"}),
    ],
)
def test_where_a_dump_shows_its_bytes(text: str, parts: set[str]) -> None:
    assert shown(text) == parts


@pytest.mark.parametrize(("length", "said"), [(600, ["hello"]), (601, [])])
def test_a_longer_line_is_no_line_of_a_dump(length: int, said: list[str]) -> None:
    line = "00000000: 6865 6c6c 6f  hello"
    assert [dump.text for dump in dumps(f"{'.' * (length - len(line) - 1)} {line}")] == said

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes text from pods, Git servers and DAGs safe to print: no terminal is steered by it, and nothing in it is hidden or reordered."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

TAB = "    "
# Zero width non-joiner and joiner: spelling in Persian and Indic scripts, families in emoji.
_JOINERS = "\u200c\u200d"
_SUSPECT = re.compile(r"[^ -~\n]")


def _shown(match: re.Match[str]) -> str:
    """One character that is not plain ASCII."""
    character, text, index = match[0], match.string, match.start()
    if character.isprintable():
        return character
    if character == "\t":
        return TAB
    if unicodedata.category(character) == "Zs":
        return " "
    if character in _JOINERS and all(
        other > "\x7f" and other.isprintable() for other in (text[max(index - 1, 0)], text[index + 1 : index + 2])
    ):
        return character
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def printable(text: str) -> str:
    r"""The text with every character escaped that steers a terminal, reorders or hides text, or cannot be encoded.

    An escape looks as in Python (``\x1b``, ``\u202e``): control characters (C0, DEL, C1, with carriage returns that end no line), line and
    paragraph separators, bidirectional controls, zero-width characters, surrogates. Line feeds stay, CR LF becomes a line feed, a tab
    four spaces, other spaces plain ones. Joiners stay between two letters or symbols beyond ASCII, where they belong to the spelling.
    The result is the same if it is made printable again.
    """
    return _SUSPECT.sub(_shown, text.replace("\r\n", "\n"))


def printable_json(text: str) -> str:
    r"""A JSON document with the same characters escaped as JSON has it (``\u009b``): it is the same document.

    What JSON allows between its values stays: spaces, line feeds, carriage returns and tabs.
    """
    return _SUSPECT.sub(lambda match: match[0] if match[0].isprintable() or match[0] in "\r\t" else json.dumps(match[0])[1:-1], text)


def printable_values(value: Any) -> Any:
    """A copy of JSON-like data in which every text is printable, keys too."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(key) if isinstance(key, str) else key: printable_values(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [printable_values(item) for item in value]
    return value

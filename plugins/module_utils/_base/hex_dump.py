# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the output of C(hexdump), C(od) and C(xxd) in a text says, and where it says it. Pure.

A search for a value does not find the value in a dump. Each line begins with an offset, and many lines also show their bytes as characters.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

Span = tuple[int, int]

# Texts without any of these have no dump: four bytes as pairs, two words, three characters in cells, four octal numbers.
_GATE = re.compile(r"(?:[0-9a-fA-F]{2} ){3}[0-9a-fA-F]{2}|[0-9a-fA-F]{4} [0-9a-fA-F]{4}|(?:   [!-~]){3}|(?: [0-3][0-7]{2}){4}")
# No dump has longer lines, even behind the words of a logger.
_LONGEST = 600
_RUN = re.compile(r"(?<![\w.-])[0-9a-fA-F]{2,16}(?: {1,2}[0-9a-fA-F]{2,16})*(?![\w-])")
_TOKEN = re.compile(r"[0-9a-fA-F]+")
# An offset: of xxd before a colon; of the others before the bytes, and longer than one of them.
_COLON = re.compile(r"(?<![0-9a-zA-Z])[0-9a-fA-F]{6,16}: ")
_OFFSET = 6
# Bytes in a line that has neither an offset nor a panel: fewer are numbers, as in "retry in 10 seconds".
_FEWEST = 4
# The bytes as characters: between bars (hexdump), or between angle brackets (od). Those of xxd follow two blanks.
_PANEL = re.compile(r" +(?:\|(?P<bars>.*)\||>(?P<angles>.*)<)[ \t\r]*$")
# One byte in four columns, as od -c, od -b and hexdump -c write it.
_CELL = re.compile(r"   (?P<char>[ -~])|  \\(?P<escape>[0abfnrtv])| (?P<octal>[0-3][0-7]{2})")
_CELLS = re.compile(r"(?:^|(?<=[0-9a-fA-F]{6}))(?:   [ -~]|  \\[0abfnrtv]| [0-3][0-7]{2})+(?=[ \t\r]*$)")
_ESCAPES = {"0": 0, "a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}


@dataclass(frozen=True)
class Byte:
    """One byte: its line, where its digits are, and where it is shown as a character."""

    value: int
    line: int
    digits: Span
    shown: Span | None = None


@dataclass(frozen=True)
class Dump:
    """What the dumps of one kind in a text say, one after the other: lines of others may stand between those of a dump."""

    text: str
    _bytes: tuple[tuple[Byte, ...], ...]  # of each character

    def places(self, span: Span) -> Iterator[Span]:
        """Where the lines show a part of ``text``: in each line from its first byte to its last."""
        found = (byte for character in self._bytes[slice(*span)] for byte in character)
        for _line, group in itertools.groupby(found, lambda byte: byte.line):
            own = list(group)
            for spans in ([byte.digits for byte in own], [byte.shown for byte in own if byte.shown]):
                if spans:
                    yield min(start for start, _end in spans), max(end for _start, end in spans)


def dumps(text: str) -> Iterator[Dump]:
    """The dumps in a text: those of characters, and those of hexadecimal digits."""
    if not _GATE.search(text):
        return
    digits, cells = list[Byte](), list[Byte]()
    at = 0
    for number, line in enumerate(text.split("\n")):
        if len(line) <= _LONGEST:
            found = _of_cells(line, number, at)
            cells += found
            digits += [] if found else _of_digits(line, number, at)
        at += len(line) + 1
    yield from (_dump(found) for found in (cells, digits) if found)


def _dump(found: list[Byte]) -> Dump:
    text = bytes(byte.value for byte in found).decode("utf-8", "surrogateescape")
    groups, at = list[tuple[Byte, ...]](), 0
    for character in text:
        length = len(character.encode("utf-8", "surrogateescape"))
        groups.append(tuple(found[at : at + length]))
        at += length
    return Dump(text, tuple(groups))


def _of_cells(line: str, number: int, at: int) -> list[Byte]:
    run = max(_CELLS.finditer(line), key=lambda match: len(match[0]), default=None)
    found = []
    for match in _CELL.finditer(line, *run.span()) if run else ():
        if match["char"] is not None:
            value = ord(match["char"])
        else:
            value = _ESCAPES[match["escape"]] if match["escape"] else int(match["octal"], 8)
        found.append(Byte(value, number, (at + match.start() + 1, at + match.end())))
    return found


def _of_digits(line: str, number: int, at: int) -> list[Byte]:
    colon = _COLON.search(line)
    run = max(_RUN.finditer(line, colon.end() if colon else 0), key=lambda match: len(match[0]), default=None)
    if run is None:
        return []
    # After two blanks xxd shows the characters, which may look like digits.
    end = run.start() + len(run[0].split("  ")[0]) if colon else run.end()
    tokens = [match.span() for match in _TOKEN.finditer(line, run.start(), end)]
    lengths = [last - first for first, last in tokens]
    offset = not colon and lengths[0] >= _OFFSET and len(lengths) > 1 and lengths[0] > lengths[1]
    if offset:
        tokens, lengths = tokens[1:], lengths[1:]
    if any(length % 2 for length in lengths):
        return []
    # xxd writes the bytes in their order. The others write numbers, whose last digits are the first byte.
    pairs = [pair for first, last in tokens for pair in _pairs(first, last, turned=not colon)]
    start = _xxd_panel(line, end, len(pairs)) if colon else _panel(line, end)
    if not colon and not offset and start == len(line) and len(pairs) < _FEWEST:
        return []
    found = []
    for index, (first, last) in enumerate(pairs):
        place = start + index
        shown = (at + place, at + place + 1) if place < len(line) else None
        found.append(Byte(int(line[first:last], 16), number, (at + first, at + last), shown))
    return found


def _pairs(first: int, last: int, *, turned: bool) -> list[Span]:
    found = [(at, at + 2) for at in range(first, last, 2)]
    return found[::-1] if turned else found


def _panel(line: str, end: int) -> int:
    """Where the line shows its bytes as characters; its length if it does not."""
    match = _PANEL.match(line, end)
    return match.start(match.lastgroup) if match and match.lastgroup else len(line)


def _xxd_panel(line: str, end: int, count: int) -> int:
    """The same of xxd, whose panel has no marks: as many characters as bytes at the line's end, fewer where blanks are cut off there."""
    rest = line[end:].rstrip("\r")
    before = max(2, len(rest) - count)
    if rest[:before].isspace():
        return end + before
    return end + 2 if rest[:2] == "  " else len(line)

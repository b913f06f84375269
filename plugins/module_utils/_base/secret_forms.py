# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which forms a known value may stand in a text, as patterns. Pure.

A pattern allows each character to be escaped in its own way, so that JSON in JSON, percent-encoding of either case, quoting, folding and
any mixture of them are one pattern. Base64 hides the characters, so that its forms are computed: at each of the three places that a value
may have in a group of three bytes, of the value as it is and as JSON, URLs and YAML write it, and of its UTF-16. Base32 likewise, at each
of five places. Hexadecimal digits stand in one row, or in pairs.
"""

from __future__ import annotations

import base64
import html.entities
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from urllib.parse import quote, quote_plus

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
# Line ends that base64, wrapped at a column, has in a text: a real or an escaped one, before the time that a log's next line begins with.
_FULL_LINE = "|".join(f"[{ALPHABET}_-]{{{60 - length}}}.{{{length}}}" for length in range(1, 7))
_ESCAPE = r"(?:(?<!\\)\\{1,32}|%{1,2}(?:25){0,4}5[cC])"
_OCTET = r"%{1,2}(?:25){0,4}"
_NEW_LINE = rf"(?:{_ESCAPE}?\r?\n|(?:{_ESCAPE}r)?{_ESCAPE}n|(?:{_OCTET}0[dD])?{_OCTET}0[aA])"
WRAP = re.compile(
    rf"{_NEW_LINE}(?<={_FULL_LINE})(?:{_NEW_LINE}[ \t]*)*(?:\d{{4}}-\d\d-\d\dT\S+ )?[ \t]*(?=[{ALPHABET}_-])",
    re.DOTALL,
)
# Base64 of bytes of which every other one is 0, also if its other characters are escaped.
_ZEROS = r"A\S{2,12}A\S{4,24}A\S{2,12}A"
# A backslash and a percent sign, themselves as often encoded as may be. After a backslash YAML goes on in the next line, also in JSON.
_SLASH = r"(?:(?:\\|%+(?:25)*5[cC])(?:\r?\n[ \t]*)?)"
_FOLD = r"(?:\\+\r?\n[ \t]*|\\{3,}n[ \t]*)?"
_PERCENT = r"%+(?:25)*"
_SPACE = rf"(?:(?:{_SLASH}*[ \t\r\n]|{_SLASH}+[nrt]|\+|{_SLASH}*{_PERCENT}2[0bB])+|{_SLASH}+(?:u00|x)20|{_SLASH}+0(?:40|1[125]))"
_LINE_END = rf"(?:(?:{_SLASH}*\r?\n[ \t]*|{_SLASH}+[nr][ \t]*)+|(?:{_PERCENT}0[dDaA])+|{_SLASH}+(?:(?:x|u00)0[aA]|01[25]))"
_PADDING = rf"(?:=|{_PERCENT}3[dD]|{_SLASH}+u003[dD])"
_AND = rf"(?:&|{_PERCENT}26|{_SLASH}+u0026)(?:amp(?:;|{_PERCENT}3[bB]))*"
_NUMBER = rf"(?:#|{_PERCENT}23)"
_SEMICOLON = rf"(?:;|{_PERCENT}3[bB])"
# What YAML writes after a backslash.
_YAML = {0x85: "N", 0xA0: "_", 0x2028: "L", 0x2029: "P"}
_ENTITIES: dict[int, list[str]] = {}
for _name, _number in html.entities.name2codepoint.items():
    _ENTITIES.setdefault(_number, []).append(_name)
_ENTITIES[ord("'")] = ["apos"]


@dataclass(frozen=True)
class Form:
    """One pattern. ``anchor`` stands as it is in all that it matches; ``reach`` is how far from it a match may begin or end.

    ``gate``: a pattern of the encoding, which stands in few texts. Where it does not, no value stands in this form.
    """

    anchor: str
    source: str
    reach: int
    gate: str = ""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Compiled only where the anchor is found: few of the forms stand in any text."""
        return re.compile(self.source)


def _hex(digits: str) -> str:
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in digits)


def _character(character: str) -> str:
    """A pattern of all the ways to write one character."""
    number = ord(character)
    if character.isascii() and character.isalnum():
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    octets = character.encode("utf-8", "surrogatepass")
    entities = "|".join([*_ENTITIES.get(number, []), f"{_NUMBER}0*{number}", f"{_NUMBER}[xX]0*{_hex(format(number, 'x'))}"])
    ways = [
        rf"{_SLASH}*{re.escape(character)}",
        "".join(rf"{_SLASH}+u{_hex(units[at : at + 2].hex())}" for at in range(0, len(units), 2)),
        "".join(rf"{_SLASH}+x{_hex(f'{octet:02x}')}" for octet in octets),
        # Protocol buffers as text, Git, C; Rust, PHP.
        "".join(rf"{_SLASH}+{octet:03o}" for octet in octets),
        rf"{_SLASH}+[xU]0*{_hex(format(number, 'x'))}",
        rf"{_SLASH}+u\{{0*{_hex(format(number, 'x'))}\}}",
        # A backslash before it may have been encoded with it: JSON in a URL.
        rf"{_SLASH}*" + "".join(rf"{_PERCENT}{_hex(f'{octet:02x}')}" for octet in octets),
        rf"{_SLASH}*{_AND}(?:{entities}){_SEMICOLON}",
        *([rf"{_SLASH}+{_YAML[number]}"] if number in _YAML else []),
    ]
    return f"(?:(?:{'|'.join(ways)}){_FOLD})"


# White space, backslashes and what is doubled are taken together: a pattern for each of many would try all ways to share them out. Other
# white space, such as a no-break space, is no different from letters.
_RUNS = re.compile(r"(?P<space>[ \t\r\n]+)|(?P<slashes>\\+)|(?P<doubled>(?P<one>['\"%$])(?P=one)*)|.", re.DOTALL)


def _run(match: re.Match[str]) -> str:
    if match["space"]:
        return _LINE_END if set(match[0]) & set("\r\n") else _SPACE
    if match["slashes"]:
        return rf"(?:{_SLASH}+(?:(?:(?:u00|x)5[cC]|134){_SLASH}*)*)"
    if not match["doubled"]:
        return _character(match[0])
    # Doubled in SQL, YAML, INI and environment files. Between quotes shells end the quote for one.
    single, length = _character(match["one"]), len(match[0])
    if match["one"] == "'":
        double = _character('"')
        single = f"(?:{single}{double}{single}{double}{single}|{single})"
    return f"{single}{{{length},{4 * length}}}"


def _base64_character(character: str) -> str:
    if character in "+/":
        other = "-" if character == "+" else "_"
        digits = _hex(format(ord(character), "02x"))
        return rf"(?:{_SLASH}*[{character}{other}]|{_PERCENT}{digits}|{_SLASH}+u00{digits})"
    return character


def _anchor(text: str) -> str:
    return max(re.findall(r"[A-Za-z0-9]+", text), key=len, default="")


def _form(text: str, pattern: str) -> Form:
    return Form(_anchor(text), pattern, 16 * len(text) + 64)


def _base64_form(content: bytes, offset: int, whole: bool, alone: bool = False) -> Form:
    """The characters that the content alone decides, whatever stands before it; with ``whole`` nothing may follow it.

    With ``alone`` nothing may stand before it, either.
    """
    bits = 8 * (offset + len(content))
    encoded = base64.b64encode(b"\0" * offset + content).decode().rstrip("=")
    core, last = encoded[(0, 2, 3)[offset] : bits // 6], encoded[bits // 6 :]
    pattern = "".join(map(_base64_character, core))
    if whole:
        before = r"(?<![A-Za-z0-9+/])" if alone else ""
        return _form(core, rf"{before}{pattern}{re.escape(last)}{_PADDING}*(?![A-Za-z0-9+/=])")
    if last:
        first = ALPHABET.index(last)
        ends = re.escape(ALPHABET[first : first + (16 if bits % 6 == 2 else 4)])
        pattern += rf"(?:[{ends}](?:[A-Za-z0-9+/_-]{{0,2}}{_PADDING}+)?)?"
    return _form(core, pattern)


def _hex_forms(content: bytes) -> Iterator[Form]:
    """Hexadecimal digits in one row, as of C(xxd -p), or in pairs, as of C(od) and OpenSSL; in small letters or capitals."""
    for separator, row in (("", content.hex()), (":", content.hex(":")), (" ", content.hex(" "))):
        for text in dict.fromkeys((row, row.upper())):
            yield Form(text, re.escape(text), len(text), rf"(?:[0-9a-fA-F]{{2}}{separator}){{7}}")


def _base32_form(content: bytes, offset: int) -> Form:
    """The characters that the content alone decides after ``offset`` other bytes, and the last one if nothing follows it."""
    bits = 8 * (offset + len(content))
    encoded = base64.b32encode(b"\0" * offset + content).decode().rstrip("=")
    core, last = encoded[-(-8 * offset // 5) : bits // 5], encoded[bits // 5 :]
    end = rf"(?:{last}(?![A-Z2-7]){_PADDING}*)?" if last else rf"(?:{_PADDING}+)?"
    return replace(_form(core, core + end), gate="[A-Z2-7]{11}")


def _spellings(value: str) -> set[str]:
    """The value as programs write it before it is encoded once more."""
    go = json.dumps(value, ensure_ascii=False)[1:-1]
    for character in "&<>\u2028\u2029":
        go = go.replace(character, f"\\u{ord(character):04x}")
    percent = quote(value, safe="")
    lower = re.sub(r"%..", lambda match: match[0].lower(), percent)
    plain = {value, go, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], percent, lower, quote_plus(value)}
    return plain | {value.replace("'", "''"), value.replace("%", "%%"), base64.b64encode(value.encode("utf-8", "surrogatepass")).decode()}


def _log_in_forms(value: str) -> Iterator[Form]:
    """Base64 of the value alone, and of ``user:value``, as log-ins are sent. For a value that could also be a part of something else."""
    content = value.encode("utf-8", "surrogatepass")
    yield _base64_form(content, 0, whole=True, alone=True)
    for offset in range(3):
        yield _base64_form(b":" + content, offset, whole=True)


def forms(value: str, anywhere: bool = True, word: bool = True) -> Iterator[Form]:
    """Patterns of the value wherever it stands, or only where it is a word of its own, or only of log-ins."""
    pattern = "".join(map(_run, _RUNS.finditer(value)))
    if not anywhere:
        if word:
            before = r"(?:(?<![\w./-])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2})|(?<=\\u[0-9A-Fa-f]{4}))"
            yield _form(value, rf"{before}{pattern}(?![\w-]|[./]\w)")
        yield from _log_in_forms(value)
        return
    yield _form(value, pattern)
    if re.fullmatch(r"[A-Za-z0-9+/]{64,76}", value):
        return  # a line of a key, which is base64 already
    for spelling in _spellings(value):
        for offset in range(3):
            yield _base64_form(spelling.encode("utf-8", "surrogatepass"), offset, whole=False)
    content = value.encode("utf-8", "surrogatepass")
    yield from _hex_forms(content)
    yield from (_base32_form(content, offset) for offset in range(5))
    # PowerShell and Java: the bytes of a text are often those of UTF-16.
    gate = _ZEROS if all(ord(character) < 256 for character in value) else ""
    for encoding in ("utf-16-le", "utf-16-be"):
        encoded = value.encode(encoding, "surrogatepass")
        yield from (replace(_base64_form(encoded, offset, whole=False), gate=gate) for offset in range(3))

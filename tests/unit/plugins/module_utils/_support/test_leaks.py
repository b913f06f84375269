# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which forms a value is found in a text, and where it is not one."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._support.leaks import holds_secret

SECRET = "Tr0ub4dor&3<x>"
WHOLE = f"password={SECRET}; user=ann"


def b64(text: str, encoding: str = "utf-8") -> str:
    return base64.b64encode(text.encode(encoding)).decode()


def escaped(form: str) -> str:
    return "".join(form.format(ord(character)) for character in SECRET)


def xxd(text: str) -> str:
    lines = []
    for at in range(0, len(text), 16):
        part = text[at : at + 16].encode()
        digits = " ".join(part[place : place + 2].hex() for place in range(0, len(part), 2))
        lines.append(f"{at:08x}: {digits}")
    return "\n".join(lines)


def od(text: str, words: bool) -> str:
    data = text.encode() + b"\0" * (len(text) % 2)
    lines = []
    for at in range(0, len(data), 16):
        part = data[at : at + 16]
        numbers = [part[place : place + 2][::-1].hex() for place in range(0, len(part), 2)] if words else [f"{byte:02x}" for byte in part]
        lines.append(f"{at:07o} {' '.join(numbers)}")
    return "\n".join(lines)


def octal_words(text: str) -> str:
    data = text.encode() + b"\0" * (len(text) % 2)
    numbers = [f"{int.from_bytes(data[place : place + 2], 'little'):06o}" for place in range(0, len(data), 2)]
    return f"0000000 {' '.join(numbers)}"


def cells(text: str) -> str:
    shown = {"\n": "  \\n", "\t": "  \\t"}
    return f"0000000{''.join(shown.get(character, f'   {character}') for character in text)}"


FOUND = {
    "plain": SECRET,
    "in a text": f"got {WHOLE}",
    "JSON": json.dumps(SECRET),
    "JSON in JSON": json.dumps(json.dumps({"a": SECRET})),
    "four hexadecimal digits": escaped("\\u{:04x}"),
    "two hexadecimal digits": escaped("\\x{:02x}"),
    "octal digits": escaped("\\{:03o}"),
    "digits in braces": escaped("\\u{{{:x}}}"),
    "HTML": html.escape(SECRET),
    "numbers of HTML": escaped("&#{};"),
    "URL": quote(SECRET, safe=""),
    "HTML in a URL": quote(html.escape(SECRET), safe=""),
    "base64": b64(SECRET),
    "base64 of a text": b64(WHOLE),
    "base64 from the second byte": b64(f"x{SECRET}"),
    "base64 from the third byte": b64(f"xy{SECRET}"),
    "base64 behind other characters": f"abc{b64(WHOLE)}",
    "base64 for URLs": base64.urlsafe_b64encode(f"{SECRET}\u00ff\u00fe???>>>".encode()).decode(),
    "base64 twice": b64(b64(SECRET)),
    "base64 of JSON": b64(json.dumps({"auth": SECRET})),
    "base64 in lines": "\n".join([b64(WHOLE * 3)[at : at + 60] for at in range(0, len(b64(WHOLE * 3)), 60)]),
    "base64 in lines of a log": "\n2026-11-27T10:00:00Z ".join([b64(WHOLE * 3)[at : at + 60] for at in range(0, len(b64(WHOLE * 3)), 60)]),
    "base64 of UTF-16": b64(SECRET, "utf-16-le"),
    "base64 of UTF-16, turned": b64(SECRET, "utf-16-be"),
    "hexadecimal": SECRET.encode().hex(),
    "hexadecimal within a byte": f"f{SECRET.encode().hex()}",
    "hexadecimal with colons": SECRET.encode().hex(":"),
    "base32": base64.b32encode(WHOLE.encode()).decode(),
    "base32 from another byte": base64.b32encode(f"xyz{SECRET}".encode()).decode(),
    "xxd": xxd(WHOLE),
    "od -x": od(WHOLE, words=True),
    "od -t x1": od(WHOLE, words=False),
    "od": octal_words(WHOLE),
    "od -c": cells(WHOLE),
    "folded": f"{SECRET[:7]}\n    {SECRET[7:]}",
    "quoted": "'Tr0ub4dor'\"&3<x>\"",
    "folded and doubled": "Tr0ub4dor&\n 3<x>",
}


@pytest.mark.parametrize("form", FOUND)
def test_a_form_that_can_be_decoded_is_found(form: str) -> None:
    assert holds_secret(FOUND[form], [SECRET])
    assert holds_secret(f"before\n{FOUND[form]}\nafter", ["another-value", SECRET])
    assert not holds_secret(FOUND[form], ["another-value"])


def in_lines(text: str) -> str:
    return "\n".join(text[at : at + 60] for at in range(0, len(text), 60))


def line_of(length: int) -> str:
    """A line of a dump with this length."""
    line = xxd(SECRET)
    return f"{'.' * (length - len(line) - 1)} {line}"


BEYOND = "p\u00e4<xyz>w\u00f6rd"


@pytest.mark.parametrize(
    ("text", "value", "found"),
    [
        # A line ends within the value.
        (in_lines(b64(f"{'x' * 38}{SECRET}{'y' * 20}")), SECRET, True),
        # Something encoded in it beside letters beyond ASCII.
        (b64("p\u00e4\\u003cxyz>w\u00f6rd"), BEYOND, True),
        (b64("a\np\u00e4\\u003cxyz>w\u00f6rd"), BEYOND, True),
        (b64(f"\0\x01{quote(SECRET)}\x02"), SECRET, True),
        ("\\u{110000}", SECRET, False),
        (line_of(1000), SECRET, True),
        (line_of(1001), SECRET, False),
        # UTF-16 of four characters.
        (b64("Tr0u", "utf-16-le"), "Tr0u", True),
        # od -An -t x1, and od -c with bytes that are not characters.
        (od(SECRET, words=False).removeprefix("0000000"), SECRET, True),
        ("\n".join(f" {SECRET[at : at + 7].encode().hex(' ')}" for at in (0, 7)), SECRET, True),
        ("0000000   p 303 244  \\n   w   o   r   d", "p\u00e4\nword", True),
        # Six characters are searched between what quoting and doubling add.
        ("ab cdef", "abcdef", True),
        ("ab cde", "abcde", False),
        ("abcdef %%", "a+b+cdef", True),
        ("abcde %%", "a+b+cde", False),
        ("abcdef", "a+b+cdef", False),
    ],
)
def test_the_limits_of_the_search(text: str, value: str, found: bool) -> None:
    assert holds_secret(text, [value]) is found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # Doubled for INI and environment files, also where only a part is.
        ("a%%b$$c-long", "a%b$c-long"),
        ("a%%b", "a%b"),
        ("c$d+e-long", "c$d e-long"),
        ("a\tb c-long", "ab c-long"),
    ],
)
def test_what_files_add_to_a_value(text: str, value: str) -> None:
    assert holds_secret(text, [value])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", SECRET),
        ("Tr0ub4dor", SECRET),
        # Too short to be searched between what quoting adds.
        ("a b c", "abc"),
        # Deeper than is looked.
        (b64(b64(b64(b64(b64(SECRET))))), SECRET),
        # A checksum.
        ("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", SECRET),
    ],
)
def test_what_holds_no_secret(text: str, value: str) -> None:
    assert not holds_secret(text, [value])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("user admin logged in", True),
        ("admin", True),
        (b64("the user admin logged in"), True),
        ("administrator", False),
        ("/admin/home", False),
        ("super-admin", False),
        ("admin.example.com", False),
    ],
)
def test_a_word_is_found_as_a_word_alone(text: str, found: bool) -> None:
    assert holds_secret(text, [], ["admin"]) is found
    assert not holds_secret(text, [])

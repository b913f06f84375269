# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks for secrets in what was masked: decodes what can be decoded, and searches the plain values. Pure.

It shares nothing with the masker, which encodes: what one of them overlooks, the other finds.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Collection, Iterator
from urllib.parse import unquote_to_bytes

# How often something decoded is decoded again: base64 of JSON in a URL in JSON.
DEPTH = 4
# White space, quotes and backslashes: what quoting, folding and wrapping add.
_ADDED = b" \t\r\n\\\"'`"
_UNICODE = re.compile(rb"(?<!\\)\\+u([0-9a-fA-F]{4})((?:\\+u[0-9a-fA-F]{4})*)")
_OCTETS = re.compile(rb"(?:(?<!\\)\\+x[0-9a-fA-F]{2})+")
_OCTAL = re.compile(rb"(?:(?<!\\)\\+[0-3][0-7]{2})+")
_BRACED = re.compile(rb"(?<!\\)\\+u\{([0-9a-fA-F]{1,6})\}")
_CONTROL = re.compile(rb"(?<!\\)\\+[nrt]")
_NO_BREAK = re.compile(rb"(?<!\\)\\_")  # as YAML writes it
_RUN = re.compile(rb"[A-Za-z0-9+/_-]{8,}")
_RUN_16 = re.compile(rb"[0-9a-fA-F]{12,}|[0-9a-fA-F]{2}(?:[: ][0-9a-fA-F]{2}){5,}")
_LETTERS = re.compile(rb"[0-9A-Za-z]\0?[ -~]\0?[ -~]\0?[ -~]")
_RUN_32 = re.compile(rb"[A-Z2-7]{10,}")
# How many characters of base32 stand for whole bytes, by the length of what is left over after groups of eight.
_WHOLE_32 = (0, 0, 2, 2, 4, 5, 5, 7)
_WRAP = re.compile(rb"\n(?<=[A-Za-z0-9+/_\r-]{40}\n)\s*(?:\d{4}-\d\d-\d\dT\S+ )?[ \t]*")
_TEXT = re.compile(rb"[\t\n\r -~]{8,}")
# Lines of hexdump, od and xxd: something of one, then an offset and bytes as xxd writes them, as the others do, without an offset, or as
# characters.
_DUMPED = re.compile(rb"(?i)(?:[0-9a-f]{2} ){3}[0-9a-f]{2}|[0-9a-f]{4} [0-9a-f]{4}|(?:   [!-~]){3}|(?: [0-3][0-7]{2}){4}|[0-7]{6} [0-7]{6}")
_OF_XXD = re.compile(rb"(?i)\b[0-9a-f]{6,16}: ((?:[0-9a-f]{2,16} )*[0-9a-f]{2,16})(?![^ \r\n])(?:  (.*))?")
_WITH_OFFSET = re.compile(rb"(?i)(?:^|[ \t])[0-9a-f]{6,8}((?: {1,2}[0-9a-f]{2,8})+)(?: +[|>](.*?)[|<]?)?\s*$")
_WITHOUT_OFFSET = re.compile(rb"(?i)(?:^|[ \t])([0-9a-f]{2}(?: {1,2}[0-9a-f]{2}){3,})(?: +[|>](.*?)[|<]?)?\s*$")
# In JSON a quote and a backslash have a backslash before them.
_CELL = re.compile(rb"   (?:\\(?=[\"\\]))?([ -~])|  \\([0abfnrtv])| ([0-3][0-7]{2})")
_AS_CHARACTERS = re.compile(rb"(?i)(?:^|[0-9a-f]{6})((?:   (?:\\(?=[\"\\]))?[ -~]|  \\[0abfnrtv]| [0-3][0-7]{2})+)\s*$")
_CONTROLS = dict(zip(b"0abfnrtv", b"\0\a\b\f\n\r\t\v", strict=True))
_LONGEST_DUMPED = 1000
_PUT_BACK = bytes.maketrans(b"-_", b"+/")


def _characters(match: re.Match[bytes]) -> bytes:
    units = re.sub(rb"\\+u", b"", match[0])
    return bytes.fromhex(units.decode()).decode("utf-16-be", "replace").encode()


def _octets(match: re.Match[bytes]) -> bytes:
    return _text_of(bytes.fromhex(re.sub(rb"\\+x", b"", match[0]).decode()))


def _octal(match: re.Match[bytes]) -> bytes:
    return _text_of(bytes(int(digits, 8) for digits in re.findall(rb"\d{3}", match[0])))


def _braced(match: re.Match[bytes]) -> bytes:
    number = int(match[1], 16)
    return chr(number).encode("utf-8", "surrogatepass") if number < 0x110000 else match[0]


def _text_of(found: bytes) -> bytes:
    try:
        found.decode()
    except UnicodeDecodeError:
        return found.decode("latin-1").encode()
    return found


def _unescaped(text: bytes) -> list[bytes]:
    """Without the escapes of JSON and Python, then also of HTML, then also of URLs, each of them once.

    What is left of one may look like the next and be the value's own: C(&#0) or C(%00).
    """
    plain = text
    if b"\\" in text:
        plain = _OCTETS.sub(_octets, _BRACED.sub(_braced, _UNICODE.sub(_characters, text)))
        plain = _OCTAL.sub(_octal, plain)
        plain = _CONTROL.sub(b"\n", plain)
        plain = _NO_BREAK.sub("\u00a0".encode(), plain)
    without = html.unescape(plain.decode("utf-8", "replace")).encode("utf-8", "replace") if b"&" in plain else plain
    return list(dict.fromkeys((plain, without, unquote_to_bytes(without))))


def _from_base64(text: bytes) -> Iterator[bytes]:
    """What each run of base64 stands for, wherever in it something begins; also of runs that are wrapped."""
    runs = set(_RUN.findall(text))
    if (joined := _WRAP.sub(b"", text)) != text:
        runs |= set(_RUN.findall(joined))
    for run in runs:
        if run == run.lower():
            continue  # a word or a path: base64 of a text has capitals
        for start in range(4):
            part = run[start:].translate(_PUT_BACK)
            part = part[:-1] if len(part) % 4 == 1 else part
            yield binascii.a2b_base64(part + b"=" * (-len(part) % 4))


def _from_hex(text: bytes) -> Iterator[bytes]:
    """The same of hexadecimal digits, which may begin within a byte."""
    for run in set(_RUN_16.findall(text)):
        digits = run.translate(None, b": ")
        for part in (digits, digits[1:]):
            # Not the checksums, of which logs are full.
            if _LETTERS.search(decoded := binascii.a2b_hex(part[: len(part) // 2 * 2])):
                yield decoded


def _from_base32(text: bytes) -> Iterator[bytes]:
    for run in set(_RUN_32.findall(text)):
        for start in range(8):
            part = run[start:]
            part = part[: len(part) // 8 * 8 + _WHOLE_32[len(part) % 8]]
            yield base64.b32decode(part + b"=" * (-len(part) % 8))


def _from_dumps(text: bytes) -> Iterator[bytes]:
    """What the lines of dumps show, by the order of the bytes in a number, and by what is shown as characters, each in one piece."""
    if not _DUMPED.search(text):
        return
    found: dict[str, list[bytes]] = {}
    for line in text.split(b"\n"):
        if len(line) > _LONGEST_DUMPED:
            continue
        if match := _AS_CHARACTERS.search(line):
            found.setdefault("characters", []).append(_of_cells(match[1]))
        if match := _OF_XXD.search(line) or _WITH_OFFSET.search(line) or _WITHOUT_OFFSET.search(line):
            numbers = match[1].split()
            digits = [number for number in numbers if len(number) % 2 == 0]
            found.setdefault("in order", []).append(bytes.fromhex(b"".join(digits).decode()))
            found.setdefault("turned", []).append(b"".join(bytes.fromhex(number.decode())[::-1] for number in digits))
            octal = [int(number, 8) for number in numbers if re.fullmatch(rb"[01][0-7]{5}", number)]
            found.setdefault("octal", []).append(b"".join(number.to_bytes(2, "little") for number in octal))
            found.setdefault("shown", []).append(match[2] or b"")
    yield from map(b"".join, found.values())


def _of_cells(cells: bytes) -> bytes:
    """Of columns of four characters, each with one byte."""
    return bytes(
        plain[0] if plain else _CONTROLS[control[0]] if control else int(octal, 8) for plain, control, octal in _CELL.findall(cells)
    )


def _decoded(text: bytes) -> Iterator[bytes]:
    """What each encoding makes of it. Bytes with many zeros are read as UTF-16, too."""
    for part in (*_from_base64(text), *_from_hex(text), *_from_base32(text), *_from_dumps(text)):
        yield part
        if part.count(0) >= 4:
            for start, encoding in ((0, "utf-16-le"), (1, "utf-16-le"), (0, "utf-16-be"), (1, "utf-16-be")):
                yield part[start:].decode(encoding, "replace").encode("utf-8", "replace")


def _readable(decoded: bytes) -> bytes:
    """What of it is text: all of it, or the parts between other bytes."""
    try:
        text = decoded.decode()
        if all(character.isprintable() or character.isspace() for character in text):
            return decoded
    except UnicodeDecodeError:
        pass
    return b"\n".join(_TEXT.findall(decoded))


def _single(text: bytes) -> bytes:
    """Without the doubling of INI and environment files."""
    return re.sub(rb"\$+", b"$", re.sub(rb"%+", b"%", text))


def _layers(text: bytes) -> Iterator[bytes]:
    """The text, and what it decodes to, and what that decodes to."""
    seen, layer = set[bytes](), [text]
    for _depth in range(DEPTH):
        following: list[bytes] = []
        for item in layer:
            if item in seen:
                continue
            seen.add(item)
            yield item
            decoded = list(_decoded(item))
            yield b"\n".join(decoded)
            following += [*_unescaped(item), _unescaped(_single(item))[-1], b"\n".join(filter(None, map(_readable, decoded)))]
        layer = following


def holds_secret(text: str, distinct: Collection[str], words: Collection[str] = ()) -> bool:
    """Whether one of the values stands in the text in a form that can be decoded; those of ``words`` only as words of their own."""
    plain = [value.encode("utf-8", "surrogatepass") for value in distinct]
    bare = [value for value in (value.translate(None, _ADDED) for value in plain) if len(value) >= 6]
    without = [value for value in (_single(value).replace(b"+", b"") for value in bare) if len(value) >= 6]
    own = [(word.encode(), re.compile(rb"(?<![\w./-])" + re.escape(word.encode()) + rb"(?![\w./-])")) for word in words]
    for layer in _layers(text.encode("utf-8", "surrogatepass")):
        stripped = layer.translate(None, _ADDED)
        if any(value in layer for value in plain) or any(value in stripped for value in bare):
            return True
        single = _single(stripped).replace(b"+", b"")
        if single != stripped and any(value in single for value in without):
            return True
        if any(word in layer and pattern.search(layer) for word, pattern in own):
            return True
    return False

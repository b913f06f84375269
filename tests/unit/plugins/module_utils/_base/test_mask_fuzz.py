# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random secrets in random encodings are not found in what is masked; text without secrets stays byte for byte."""

from __future__ import annotations

import base64
import html
import json
import shlex
import string
import textwrap
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
import yaml
from ansible_collections.gitops.airflow.plugins.module_utils._base.mask import MASK, Masker, masked_words
from ansible_collections.gitops.airflow.plugins.module_utils._base.secret_parts import secret_values
from ansible_collections.gitops.airflow.plugins.module_utils._support.leaks import holds_secret
from hypothesis import assume, given, settings
from hypothesis import strategies as st

Encode = Callable[[str], str]
# Fewer than the profile's, because each example makes a masker.
few = settings(max_examples=settings().max_examples // 4)


def go_json(text: str) -> str:
    encoded = json.dumps(text, ensure_ascii=False)
    for character in "&<>\u2028\u2029":
        encoded = encoded.replace(character, f"\\u{ord(character):04x}")
    return encoded


def lower_percent(text: str) -> str:
    return "".join(part if part.isalnum() or part in "-_.~" else "".join(f"%{octet:02x}" for octet in part.encode()) for part in text)


def encode64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


# Each character by itself: they may be nested.
ESCAPES: dict[str, Encode] = {
    "plain": str,
    "JSON": json.dumps,
    "Go's JSON": go_json,
    "percent": lambda text: quote(text, safe=""),
    "percent, lower case": lower_percent,
    "form": quote_plus,
    "YAML, single quotes": lambda text: "'" + text.replace("'", "''") + "'",
    "YAML": lambda text: yaml.safe_dump({"x": text}, width=30),
    "YAML, double quotes": lambda text: yaml.safe_dump({"x": text}, default_style='"', width=30),
    "INI": lambda text: text.replace("%", "%%"),
    "Kubernetes": lambda text: text.replace("$", "$$"),
    "shell": shlex.quote,
    "HTML": html.escape,
    "Python": repr,
}
BASE64: dict[str, Encode] = {
    "base64": encode64,
    "log-in": lambda text: encode64(f"a-user:{text}"),
    "log-in of another user": lambda text: encode64(f"bob:{text}"),
    "within": lambda text: encode64(f"ab {text} more of it"),
    "URL-safe": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "with a line end": lambda text: encode64(f"{text}\n"),
    "wrapped at 76": lambda text: "\n".join(textwrap.wrap(encode64(f"{'z' * 50}{text}{'y' * 50}"), 76)),
    "wrapped at 64": lambda text: "\n".join(textwrap.wrap(encode64(f"{'z' * 41}{text}"), 64)),
    "in JSON": lambda text: encode64(go_json({"password": text}) if isinstance(text, dict) else f'{{"p":{go_json(text)}}}'),
    "in a URL": lambda text: encode64(f"mysql://u:{quote(text, safe='')}@db"),
    "twice": lambda text: encode64(encode64(text)),
    "UTF-16": lambda text: base64.b64encode(text.encode("utf-16")).decode(),
    "UTF-16, big-endian, within": lambda text: base64.b64encode(f"a {text} b".encode("utf-16-be")).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal, capitals, within": lambda text: f"a {text} b".encode().hex().upper(),
    "base32": lambda text: base64.b32encode(text.encode()).decode(),
    "base32, within": lambda text: base64.b32encode(f"some {text} more".encode()).decode(),
}
# Their separators are characters that other encodings change.
PAIRS: dict[str, Encode] = {
    "with colons": lambda text: text.encode().hex(":"),
    "with blanks, within": lambda text: f"some {text} more".encode().hex(" ").upper(),
}


def in_lines(text: str, show: Callable[[int, bytes], str], width: int = 16) -> str:
    """A dump of a text within another, so that it begins anywhere in a line and goes on in the next."""
    content = f"some {text} more of it, and {text}\n".encode()
    rows = [show(at, content[at : at + width]) for at in range(0, len(content), width)]
    return "\n" + "\n".join(rows) + "\n"


def characters(row: bytes) -> str:
    return "".join(chr(octet) if 32 <= octet < 127 else "." for octet in row)


def cell(octet: int) -> str:
    """As od -c has it."""
    named = {0: "\\0", 7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r"}
    return f"{named.get(octet, chr(octet)):>4}" if octet in named or 32 <= octet < 127 else f" {octet:03o}"


def pairs(row: bytes, size: int, order: int = 1) -> str:
    return " ".join(row[at : at + size][::order].hex() for at in range(0, len(row), size))


# Dumps, line by line.
DUMPS: dict[str, Encode] = {
    "od -A x -t x1z": lambda text: in_lines(text, lambda at, row: f"{at:06x} {pairs(row, 1):<47}  >{characters(row)}<"),
    "od -An -t x1": lambda text: in_lines(text, lambda at, row: f" {pairs(row, 1)}"),
    "od -c": lambda text: in_lines(text, lambda at, row: f"{at:07o}{''.join(map(cell, row))}"),
    "od -b": lambda text: in_lines(text, lambda at, row: f"{at:07o}{''.join(f' {octet:03o}' for octet in row)}"),
    "xxd": lambda text: in_lines(text, lambda at, row: f"{at:08x}: {pairs(row, 2):<39}  {characters(row)}"),
    "xxd -g1 -u": lambda text: in_lines(text, lambda at, row: f"{at:08x}: {pairs(row, 1).upper():<47}  {characters(row)}"),
    "xxd -g4 -c 10": lambda text: in_lines(text, lambda at, row: f"{at:08x}: {pairs(row, 4):<22}  {characters(row)}", 10),
    "hexdump -C": lambda text: in_lines(
        text, lambda at, row: f"{at:08x}  {f'{pairs(row[:8], 1)}  {pairs(row[8:], 1)}':<48}  |{characters(row)}|"
    ),
    "hexdump": lambda text: in_lines(text, lambda at, row: f"{at:07x} {pairs(row + bytes(len(row) % 2), 2, -1)}"),
    "xxd, in a log": lambda text: in_lines(
        text, lambda at, row: f"[2026-11-26, 10:00:00 UTC] {{subprocess.py:93}} INFO - {at:08x}: {pairs(row, 2):<39}  {characters(row)}"
    ),
    "hexdump -C, of a container": lambda text: in_lines(
        text,
        lambda at, row: f"2026-11-26T10:00:00.123456789Z {at:08x}  {f'{pairs(row[:8], 1)}  {pairs(row[8:], 1)}':<48}  |{characters(row)}|",
    ),
}
# The scan knows one more.
SCANNED: dict[str, Encode] = {
    **DUMPS,
    "od": lambda text: in_lines(
        text, lambda at, row: f"{at:07o} " + " ".join(f"{int.from_bytes(row[i : i + 2], 'little'):06o}" for i in range(0, len(row), 2))
    ),
}

# No value that consists of ordinary words.
secrets = st.builds(
    lambda start, middle, end: f"{start}{middle}{end}",
    st.text(string.ascii_letters + string.digits, min_size=4, max_size=8).filter(lambda text: any(map(str.isdigit, text))),
    st.text(string.ascii_letters + string.digits + string.punctuation + " äß€", min_size=0, max_size=20),
    st.text(string.ascii_letters + string.digits, min_size=4, max_size=8),
)


@pytest.mark.parametrize("name", [*ESCAPES, *BASE64, *PAIRS])
@few
@given(secret=secrets)
def test_s3_a_secret_in_one_form(name: str, secret: str) -> None:
    """S1, S3: each form of a value is masked by the masker itself."""
    encoded = {**ESCAPES, **BASE64, **PAIRS}[name](secret)
    masked = Masker([secret]).text(f"before {encoded} after")
    assert not holds_secret(masked, [secret])
    assert MASK in masked
    assert masked.startswith("before ")
    assert masked.endswith(" after")


# No part of them looks like an offset, as it does of 0000"0000 and of x0 0000.
undumped = secrets.map(lambda text: f"g{text}z")


@pytest.mark.parametrize("name", DUMPS)
@few
@given(secret=undumped)
def test_s3_a_secret_in_a_dump(name: str, secret: str) -> None:
    """S3: hexdump, od and xxd cut a value into lines, and show it twice. Nothing of it is left, and the lines stay lines."""
    encoded = DUMPS[name](secret)
    masked = Masker([secret]).text(f"before {encoded} after")
    assert not holds_secret(masked, [secret])
    assert MASK in masked
    assert masked.startswith("before ")
    assert masked.endswith(" after")
    assert len(masked.splitlines()) == len(f"before {encoded} after".splitlines())


@pytest.mark.parametrize("name", SCANNED)
@few
@given(secret=undumped)
def test_s3_a_secret_in_a_dump_is_found(name: str, secret: str) -> None:
    """S3: by the scan of the bundle itself, without the masker, also in JSON."""
    encoded = SCANNED[name](secret)
    assert holds_secret(f"before {encoded} after", [secret])
    assert holds_secret(json.dumps({"log": encoded}), [secret])


@few
@given(secret=secrets, inner=st.sampled_from(sorted(BASE64)), outer=st.lists(st.sampled_from(sorted(ESCAPES)), max_size=3))
def test_s3_a_secret_in_nested_forms(secret: str, inner: str, outer: list[str]) -> None:
    """S1, S3: JSON in JSON in a URL, base64 in each of them. Wrapped base64 that YAML wraps once more is left to the scan."""
    for encode in (str,) if inner.startswith("wrapped") and len(outer) > 1 else (str, BASE64[inner]):
        encoded = encode(secret)
        for name in outer:
            encoded = ESCAPES[name](encoded)
        masked = Masker([secret]).text(f"before {encoded} after")
        assert not holds_secret(masked, [secret])
        assert MASK in masked


@given(secret=secrets, forms=st.lists(st.sampled_from(sorted(ESCAPES) + sorted(BASE64)), min_size=1, max_size=3))
def test_s3_what_is_not_masked_is_found(secret: str, forms: list[str]) -> None:
    """S3: the scan of the bundle finds a secret in nested forms by itself, without the masker."""
    encoded = secret
    for name in forms:
        encoded = {**ESCAPES, **BASE64}[name](encoded)
    if sum(name in BASE64 for name in forms) <= 2:
        assert holds_secret(f"before {encoded} after", [secret])


names = st.from_regex(r"[a-z]{2,9}(-[a-z]{2,9}){0,2}", fullmatch=True)
numbers = st.integers(0, 99999)
ordinary = st.one_of(
    st.builds(lambda a, n: f"pod {a}/{a}-5d8f{n:05}-x7k2p: 2 of 2 ready", names, numbers),
    st.builds(lambda a, b, n: f'image "registry.example.com:5000/{a}/{b}:v{n}" already present on machine', names, names, numbers),
    st.builds(
        lambda a, n: f"[2026-11-26T10:00:00.{n:05}+0000] {{scheduler_job_runner.py:{n}}} INFO - Setting next_dagrun for {a}", names, numbers
    ),
    st.builds(lambda a, b: f"http://{a}.{b}.svc.cluster.local:3000/gitops/dags.git at 12:30:01", names, names),
    st.builds(
        lambda a: f'time="2026-11-26T10:00:00Z" level=info msg="Reconciliation completed" application=argocd/{a} dest-namespace={a}', names
    ),
    st.builds(lambda a: f'Warning FailedMount: MountVolume.SetUp failed: secret "{a}" not found', names),
    st.builds(lambda a: f"Access denied for user '{a}' (using password: YES); the token has expired; authentication required", names),
    st.builds(lambda n: f"10.96.0.{n % 255} - - GET /health HTTP/1.1 200 {n} curl/8.1 sha256:{n:064x}", numbers),
    st.builds(lambda a: f"secretName: {a}, imagePullSecrets: [{{name: {a}}}], automountServiceAccountToken: false, key: {a}", names),
)


@given(lines=st.lists(ordinary, max_size=20), values=st.lists(secrets, max_size=5))
def test_s5_ordinary_text_survives(lines: list[str], values: list[str]) -> None:
    """S5: pod names, namespaces, images and log lines stay byte for byte, also if passwords are ordinary words."""
    text = "\n".join(lines)
    assume(not any(value in text for value in values))
    assert Masker([*values, "airflow", "admin", "gitops", "argocd-secret"], names=["dags"]).text(text) == text
    assert masked_words(text) == text


@few
@given(
    values=st.dictionaries(
        st.from_regex(r"[A-Z][A-Z_]{1,12}", fullmatch=True),
        secrets.filter(lambda text: not set(text) & set("#;'\"\\")),
        min_size=1,
        max_size=5,
    )
)
def test_s2_each_value_of_an_environment_file(values: dict[str, str]) -> None:
    """S2: whatever it is called and however it is quoted."""
    for mark in ("", "'", '"'):
        content = "".join(f"{name}={mark}{value}{mark}\n" for name, value in values.items())
        found = secret_values([{"data": {"file": encode64(content)}}])
        assert set(values.values()) <= found
        for value in values.values():
            assert not holds_secret(Masker(found).text(f"got {value} from it"), [value])

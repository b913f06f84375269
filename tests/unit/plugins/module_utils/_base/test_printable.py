# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D11: text from pods, Git servers and DAGs cannot steer a terminal, and nothing in it is hidden."""

from __future__ import annotations

import json
import random
import unicodedata
from importlib import import_module

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._base.printable import printable, printable_json, printable_values
from ansible_collections.gitops.airflow.tests.unit.places import ROOT


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain: 1 of 2, 'a' \"b\" \\x1b", "plain: 1 of 2, 'a' \"b\" \\x1b", id="ASCII"),
        pytest.param("Größe 数 🎉 é", "Größe 数 🎉 é", id="other scripts"),
        pytest.param("a\nb\r\nc", "a\nb\nc", id="lines"),
        pytest.param("a\tb", "a    b", id="tab"),
        pytest.param("\x1b]0;owned\x07", r"\x1b]0;owned\x07", id="window title"),
        pytest.param("\x1b[2J\x1b[31mred\x1b[0m", r"\x1b[2J\x1b[31mred\x1b[0m", id="colours, clear screen"),
        pytest.param("\x1b]8;;http://evil\x1b\\ok", r"\x1b]8;;http://evil\x1b\ok", id="hyperlink"),
        pytest.param("\x9b31m\x9d0;t\x9c", r"\x9b31m\x9d0;t\x9c", id="C1"),
        pytest.param("failed\rdone", r"failed\x0ddone", id="overwritten line"),
        pytest.param("ab\b\bxy\x00\x7f\x0b\x0c", r"ab\x08\x08xy\x00\x7f\x0b\x0c", id="C0 and DEL"),
        pytest.param("a\x85b\u2028c\u2029d", r"a\x85b\u2028c\u2029d", id="separators of lines"),
        pytest.param("x\u202egnp.exe", r"x\u202egnp.exe", id="right to left override"),
        pytest.param("\u2066a\u2069\u200e\u200f\u061c", r"\u2066a\u2069\u200e\u200f\u061c", id="bidirectional controls"),
        pytest.param("pass\u200bword \ufeffx\u2060y\u00adz", r"pass\u200bword \ufeffx\u2060y\xadz", id="zero width"),
        pytest.param("ad\u200dmin a\u200c", r"ad\u200dmin a\u200c", id="joiners that hide"),
        pytest.param("👩\u200d💻 می\u200cخواهم क्\u200dष", "👩\u200d💻 می\u200cخواهم क्\u200dष", id="joiners that spell"),  # noqa: RUF001
        pytest.param("é\u200d\u200dé", r"é\u200d\u200dé", id="joiners in a row"),
        pytest.param("\U000e0041", r"\U000e0041", id="tags"),
        pytest.param("caf\udce9", r"caf\udce9", id="surrogate of a byte that is not UTF-8"),
        pytest.param("1\u00a0000\u3000x", "1 000 x", id="other spaces"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_whatever_the_text_nothing_in_it_steers_a_terminal() -> None:
    chance = random.Random(11)
    special = "\x1b\x07\x9b\r\n\t\u202e\u2066\u200d\u200b\u2028\ud800"
    for _round in range(2000):
        text = "".join(chance.choice(special) if chance.random() < 0.5 else chr(chance.randrange(0x110000)) for _character in range(20))
        shown = printable(text)
        assert printable(shown) == shown
        shown.encode()  # a lone surrogate would end the run
        for character in shown:
            assert character == "\n" or character.isprintable() or (character in "\u200c\u200d" and not shown.isascii())
            assert unicodedata.category(character) not in ("Cc", "Zl", "Zp", "Cs") or character == "\n"
        assert len(shown.splitlines()) <= shown.count("\n") + 1


def test_every_single_character() -> None:
    for number in (*range(0x20000), *range(0xE0000, 0xE0200)):
        shown = printable(chr(number))
        assert shown == "\n" or shown.isprintable(), hex(number)


def test_values_at_every_depth_and_keys() -> None:
    assert printable_values({"a\x1b": ["\x07", {"b": ("\x9b", 1, None, True)}]}) == {"a\\x1b": ["\\x07", {"b": ["\\x9b", 1, None, True]}]}


def test_json_stays_the_same_document() -> None:
    document = {"a\x9b": ["\x1b]0;x\x07", "\u202e\U000e0041 é\t"]}
    text = json.dumps(document, ensure_ascii=False, indent=2)
    shown = printable_json(text)
    assert json.loads(shown) == document
    assert "".join(shown.split("\n")).isprintable()
    assert "é" in shown
    assert printable_json('{\t"a":\r\n1}') == '{\t"a":\r\n1}'


MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))


@pytest.mark.parametrize("name", MODULES)
def test_every_module_fails_with_printable_text(name: str) -> None:
    module = import_module(f"ansible_collections.gitops.airflow.plugins.modules.{name}")
    if hasattr(module, "main"):  # what is only documentation has an action plugin
        assert module.AnsibleModule is AnsibleModule

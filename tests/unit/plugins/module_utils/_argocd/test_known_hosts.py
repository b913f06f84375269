# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host keys of a platform among those of others: found line by line, and the lines of others stay byte for byte."""

from __future__ import annotations

import random

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.known_hosts import (
    BEGIN,
    END,
    mark,
    parse,
    render,
    single_keys,
    superseded,
    trusted,
)
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import host_keys

OURS, MORE = "git.example.com ssh-ed25519 AAAA", "[git.example.com]:2222 ssh-rsa BBBB"
THEIRS, OTHER = "github.com ssh-ed25519 CCCC", "gitlab.com ssh-rsa DDDD their comment"
MARK = mark("airflow")
BLOCK = f"{BEGIN}\n{OURS}\n{END}\n"


@pytest.mark.parametrize(
    ("text", "blocks", "foreign", "own"),
    [
        ("", False, "", []),
        (THEIRS, False, THEIRS, []),
        (f"{OURS} {MARK}\n{THEIRS}\n", False, f"{THEIRS}\n", [OURS]),
        (f"{THEIRS}\n{OURS} {MARK}", False, f"{THEIRS}\n", [OURS]),
        (f"{THEIRS}\n{OURS} {MARK}\r\n{OTHER}\r\n", False, f"{THEIRS}\n{OTHER}\r\n", [OURS]),
        (f"{OURS} a comment {MARK}\n", False, "", [f"{OURS} a comment"]),
        (f"{OURS} {mark('beta')}\n", False, f"{OURS} {mark('beta')}\n", []),
        (f"# {MARK}\n", False, f"# {MARK}\n", []),
        (f"{THEIRS}\n{BLOCK}{OTHER}\n", True, f"{THEIRS}\n{OTHER}\n", [OURS]),
        (f"{THEIRS}\n{BLOCK}{OTHER}\n", False, f"{THEIRS}\n{BLOCK}{OTHER}\n", []),
        (f"{BLOCK}{THEIRS}\n{BEGIN}\n{MORE}\n{END}\n{OTHER}", True, f"{THEIRS}\n{OTHER}", [OURS, MORE]),
        # A block whose end is lost ends nowhere: only its first line is the collection's.
        (f"{BEGIN}\n{THEIRS}\n{BLOCK}{OTHER}", True, f"{THEIRS}\n{OTHER}", [OURS]),
        (f"{THEIRS}\n{BEGIN}\n{OTHER}\n", True, f"{THEIRS}\n{OTHER}\n", []),
        (f"{THEIRS}\n{END}\n{OTHER}\n", True, f"{THEIRS}\n{OTHER}\n", []),
        (f"{BEGIN}\n{OURS}\n{MORE} {mark('beta')}\n{END}\n", True, f"{MORE} {mark('beta')}\n", [OURS]),
    ],
)
def test_a_platforms_lines_are_found(text: str, blocks: bool, foreign: str, own: list[str]) -> None:
    found = parse(text, "airflow", blocks)
    assert (found.foreign, list(found.own)) == (foreign, own)


@pytest.mark.parametrize(
    ("text", "wanted", "result"),
    [
        (f"{THEIRS}\n", [OURS], f"{OURS} {MARK}\n{THEIRS}\n"),
        (THEIRS, [OURS], f"{OURS} {MARK}\n{THEIRS}"),
        # What is there already stays where it is, in whatever order.
        (f"{THEIRS}\n{MORE} {MARK}\n{OURS} {MARK}\n", [OURS, MORE], f"{THEIRS}\n{MORE} {MARK}\n{OURS} {MARK}\n"),
        (f"{THEIRS}\n{OURS} {MARK}\n{OTHER}\n", [MORE], f"{MORE} {MARK}\n{THEIRS}\n{OTHER}\n"),
        (f"{THEIRS}\n{BLOCK}{OTHER}\n", [OURS], f"{OURS} {MARK}\n{THEIRS}\n{OTHER}\n"),
        (f"{THEIRS}\n{BLOCK}{OTHER}\n", [], f"{THEIRS}\n{OTHER}\n"),
        # A key that others trust, too, is theirs and ours.
        (f"{OURS}\n", [OURS], f"{OURS} {MARK}\n{OURS}\n"),
    ],
)
def test_the_text_has_the_wanted_keys(text: str, wanted: list[str], result: str) -> None:
    assert render(parse(text, "airflow", blocks=True), wanted, "airflow") == result


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("h ssh-rsa A", {"h ssh-rsa A"}),
        ("h,10.0.0.1 ssh-rsa A comment", {"h ssh-rsa A", "10.0.0.1 ssh-rsa A"}),
        ("@cert-authority *.h,x ssh-rsa A", {"@cert-authority *.h ssh-rsa A", "@cert-authority x ssh-rsa A"}),
        ("# h ssh-rsa A\n\n", set()),
    ],
)
def test_each_host_of_a_line(text: str, found: set[str]) -> None:
    assert single_keys(text) == found


def test_host_keys_of_a_text() -> None:
    text = f"# git.example.com:22 SSH-2.0\n{OURS}\r\n\n  {MORE}\n{OURS}\n@cert-authority *.example.com ssh-rsa EEEE\n"
    assert host_keys(text) == [OURS, MORE, "@cert-authority *.example.com ssh-rsa EEEE"]
    assert trusted(f"# x\n{OURS} {MARK}\n{OTHER}\n") == {OURS, "gitlab.com ssh-rsa DDDD"}


@pytest.mark.parametrize("text", ["-----BEGIN OPENSSH PRIVATE KEY-----", "@cert-authority host ssh-rsa", "git.example.com AAAA"])
def test_what_is_not_a_host_key_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ValueError, match="line 2 is not a host key") as refused:
        host_keys(f"\n{text}")
    assert text not in str(refused.value)


# Random texts: lines of others before, between and after those of the platform, of other platforms and of the last version's blocks.

PIECES = [
    THEIRS,
    OTHER,
    "",
    "  ",
    "# a comment",
    f"{OURS} {mark('beta')}",
    "no key at all",
    "\t# x",
    "æ\x85ø ssh-rsa x\x0b",
    f"{OURS}",
    "\r",
]


def scattered(random_: random.Random, own: list[str]) -> tuple[str, str]:
    """A text with the platform's pieces among foreign lines, and the foreign lines alone. Each piece of a platform ends its line."""
    text = foreign = ""
    for _piece in range(random_.randrange(9)):
        if random_.random() < 0.4 and own:
            text += random_.choice(own)
        else:
            line = random_.choice(PIECES) + random_.choice(["\n", "\n", "\r\n"])
            text, foreign = text + line, foreign + line
    last = random_.choice(["", random_.choice(PIECES)])
    return text + last, foreign + last


@pytest.mark.parametrize("seed", range(300))
def test_foreign_lines_stay_byte_for_byte(seed: int) -> None:
    random_ = random.Random(seed)
    keys = [f"host{number} ssh-ed25519 KEY{number}" for number in range(4)]
    blocks = random_.random() < 0.5
    own = [f"{key} {MARK}\n" for key in keys]
    if blocks:
        own += [BLOCK, f"{BEGIN}\n{keys[0]}\n# comment\n\n{keys[1]}\n{END}\n"]
    text, foreign = scattered(random_, own)
    for _change in range(3):
        wanted = random_.sample(keys, random_.randrange(5))
        present = parse(text, "airflow", blocks)
        assert present.foreign == foreign
        text = render(present, wanted, "airflow")
        assert set(parse(text, "airflow", blocks=False).own) == set(wanted)
        assert set(wanted) <= trusted(text)
        assert render(parse(text, "airflow", blocks), wanted, "airflow") == text
    assert render(parse(text, "airflow", blocks), [], "airflow") == foreign


@pytest.mark.parametrize(
    ("entry", "wanted", "servers", "found"),
    [
        (OURS, [], {"git.example.com"}, False),
        (OURS, [], {"github.com"}, True),
        (OURS, ["Git.example.com ssh-rsa DDDD"], {"git.example.com"}, True),
        # Another server listens at another port.
        (OURS, [MORE], {"git.example.com"}, False),
        (MORE, [OURS], {"git.example.com"}, False),
        (MORE, ["[git.example.com]:2222 ssh-rsa DDDD"], {"git.example.com"}, True),
        ("git.example.com,a ssh-rsa A", ["a ssh-rsa B"], {"git.example.com"}, False),
        ("|1|c2FsdA==|aGFzaA== ssh-rsa A", [OURS], {"github.com"}, False),
        ("|1|c2FsdA==|aGFzaA== ssh-rsa A", [OURS], set(), True),
    ],
)
def test_which_entries_nobody_needs(entry: str, wanted: list[str], servers: set[str], found: bool) -> None:
    assert superseded(entry, wanted, servers) is found

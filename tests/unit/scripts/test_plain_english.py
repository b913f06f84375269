# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of the English: what it reads in each kind of file, what it reports, and what it leaves alone."""

from __future__ import annotations

import plain_english
import pytest
import yaml
from ansible_collections.gitops.airflow.tests.unit.places import ROOT

RULES = plain_english.Rules.load(plain_english.RULES.read_text())


def findings(file: str, source: str) -> list[tuple[int, str]]:
    return [(finding.line, finding.text) for finding in plain_english.check(file, source, RULES)]


@pytest.mark.parametrize(
    "text",
    [
        "The reason is told.",
        "It tells the state.",
        "An object of somebody else",
        "It is no folder.",
        "Git has abc by now",
        "It is gone.",
        "That is noted",
        "A refresh is asked for and not made yet",
        "The pod is looked for",
        "What may be had",
        "The Secret that chance made",
        "Lists replace ours",
        "cannot be read, for it is binary",
    ],
)
def test_a_phrase_of_the_style_guide_is_found(text: str) -> None:
    assert findings("docs/x.md", text)


@pytest.mark.parametrize(
    "text",
    [
        "There is no folder.",
        "It is no longer there.",
        "the pod is gone and only its Events remain",
        "Tell the administrator",
        "Wait for it",
        "wait for this is not",
        "toldness",
        "Read `somebody` in the code.",
        "```\nsomebody\n```",
    ],
)
def test_other_words_are_left_alone(text: str) -> None:
    assert findings("docs/x.md", text) == []


@pytest.mark.parametrize(
    ("file", "source", "expected"),
    [
        ("plugins/x.py", "told = 1  # is told\n", [(1, "told")]),
        ("plugins/x.py", "# it is\n# told\n", [(2, "told")]),
        ("plugins/x.py", '"""First line.\n\nIt is\nno folder.\n"""\n', [(3, "is no")]),
        ("plugins/x.py", 'raise ValueError(f"{x} is " "no folder")\n', [(1, "is no")]),
        ("tests/x.py", 'def f():\n    """It tells."""\n    return "somebody"\n', [(2, "tells")]),
        ("roles/x/vars/main.yml", "# It is\n# no folder\n", [(1, "is no")]),
        ("roles/x/templates/x.j2", "{# somebody #}\n", [(1, "somebody")]),
        ("scripts/x", "#!/usr/bin/env python\nsomebody = 1\n# told\n", [(3, "told")]),
    ],
)
def test_what_is_read_in_each_kind_of_file(file: str, source: str, expected: list[tuple[int, str]]) -> None:
    assert findings(file, source) == expected


TASKS = """\
- name: Install the platform
  block:
    - name: The pod is read
      ansible.builtin.debug:
    - ansible.builtin.debug:
  rescue:
    - name: It failed
      ansible.builtin.fail: {msg: !unsafe x}
"""
PLAY = """\
- name: A platform
  hosts: all
  vars:
    items:
      - name: airflow-core
  tasks:
    - name: Read the pod
      ansible.builtin.debug:
"""


@pytest.mark.parametrize(
    ("file", "source", "expected"),
    [
        ("roles/x/tasks/main.yml", TASKS, [(3, "The pod is read"), (7, "It failed")]),
        ("molecule/x/tasks/main.yml", TASKS, [(3, "The pod is read"), (7, "It failed")]),
        ("playbooks/x.yml", PLAY, [(1, "A platform")]),
        ("plugins/modules/x.py", f'EXAMPLES = r"""\n{TASKS}"""\n', [(4, "The pod is read"), (8, "It failed")]),
        ("roles/x/defaults/main.yml", "x:\n  - name: airflow-core\n", []),
    ],
)
def test_names_of_plays_and_tasks_begin_with_a_verb(file: str, source: str, expected: list[tuple[int, str]]) -> None:
    assert findings(file, source) == expected


def test_an_exception_holds_for_its_file_and_words_only() -> None:
    rules = plain_english.Rules.load(
        yaml.safe_dump(
            {
                "phrases": [{"phrase": "told", "instead": "said"}],
                "verbs": [],
                "allowed": [{"file": "docs/*.md", "text": "unverified is told", "reason": "a quotation"}],
            }
        )
    )
    text = "unverified is told\ntold\n"
    assert [finding.line for finding in plain_english.check("docs/x.md", text, rules)] == [2]
    assert [finding.line for finding in plain_english.check("README.md", "told\n", rules)] == [1]


@pytest.mark.parametrize("entry", [{"file": "x", "text": "y"}, {"file": "x", "text": "y", "reason": " "}])
def test_an_exception_needs_a_reason(entry: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="reason"):
        plain_english.Rules.load(yaml.safe_dump({"phrases": [], "verbs": [], "allowed": [entry]}))


@pytest.mark.parametrize(("file", "text"), RULES.allowed)
def test_every_exception_is_of_use(file: str, text: str) -> None:
    """One whose words have been mended is taken out."""
    bare = plain_english.Rules(RULES.phrases, RULES.verbs, [])
    sources = {str(path.relative_to(ROOT)): path.read_text() for path in ROOT.glob(file)}
    kept = [
        finding
        for name, source in sources.items()
        for finding in plain_english.check(name, source, bare)
        if text in source.splitlines()[finding.line - 1]
    ]
    assert kept, f"{file}: nothing is found there that the exception '{text}' lets stay"

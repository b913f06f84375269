# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left of a long text."""

from __future__ import annotations

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten

LONG = "/srv/argo/repos/airflow/values.yaml"


@pytest.mark.parametrize(
    ("text", "length", "short"),
    [
        ("one  two\nthree ", 600, "one two three"),
        ("0123456789", 10, "0123456789"),
        # Wrappers, folders and repetitions go only where the text is too long.
        (f"rpc error: code = Unknown desc = {LONG}", 600, f"rpc error: code = Unknown desc = {LONG}"),
        (f"rpc error: code = Unknown desc = {LONG}", 20, "…/values.yaml"),
        ("cannot read a: cannot read a: no file", 25, "cannot read a: no file"),
        ("cannot read a: cannot read a: no file", 22, "cannot read a: no file"),
        # A single word may say what follows it.
        ("error: cannot read: error: cannot read: no", 29, "error: error: cannot read: no"),
        # The middle goes, between words: the first word of the end may be half a word.
        ("aaaa bbbb cccc dddd eeee ffff", 18, "aaaa … ffff"),
        ("a" * 20, 10, f"aaa … {'a' * 4}"),
    ],
)
def test_a_text_is_shortened(text: str, length: int, short: str) -> None:
    assert shorten(text, length) == short
    assert len(short) <= length


def test_secrets_go_first() -> None:
    assert "hunter2" not in shorten("password: hunter2-and-more", 600)

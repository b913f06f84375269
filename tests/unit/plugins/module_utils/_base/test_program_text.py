# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a program, by the loader that Python has for it."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base import program_text as module
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.program_text import program_text


def loader(source: Any) -> Any:
    return SimpleNamespace(loader=SimpleNamespace(get_source=lambda _name: source))


def test_the_text_of_a_file() -> None:
    assert program_text(module, "does this").startswith("# Copyright")


@pytest.mark.parametrize(("source", "text"), [("a = 1\n", "a = 1\n"), (b"a = 1\n", "a = 1\n")])
def test_a_loader_may_give_bytes(source: Any, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _name: loader(source))
    assert program_text(ModuleType("x"), "does this") == text


@pytest.mark.parametrize("found", [None, SimpleNamespace(loader=None), SimpleNamespace(loader=object()), loader(None), loader("")])
def test_a_program_that_is_missing(found: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _name: found)
    with pytest.raises(CollectionError, match="The program that does this is missing from the collection"):
        program_text(ModuleType("x"), "does this")

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment of a module in Ansible's own process: the items of a loop share one process."""

from __future__ import annotations

import os

import pytest
from ansible_collections.gitops.airflow.plugins.plugin_utils._hosted import Ended, variables


def test_the_environment_is_as_it_was_after_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "before")
    monkeypatch.delenv("ADDED", raising=False)
    before = dict(os.environ)

    def module() -> None:
        with variables({"KEPT": "during", "ADDED": 1}):
            assert (os.environ["KEPT"], os.environ["ADDED"]) == ("during", "1")
            os.environ["BY_THE_MODULE"] = "x"
            raise Ended({})

    with pytest.raises(Ended):
        module()
    assert dict(os.environ) == before

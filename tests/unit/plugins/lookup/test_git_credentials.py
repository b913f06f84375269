# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The credentials of a repository are variables with one prefix. A key or certificate is a text, or a file of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.template import Templar
from ansible_collections.gitops.airflow.plugins.lookup.git_credentials import LookupModule
from ansible_collections.gitops.airflow.tests.unit.trust import trust_as_template

TEXT = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"


@pytest.fixture
def lookup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LookupModule:
    (tmp_path / "ca.pem").write_text(f"\n{TEXT}\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    loader = DataLoader()
    secret = VaultSecret(b"password")
    loader.set_vault_secrets([("default", secret)])
    (tmp_path / "vaulted").write_bytes(VaultLib().encrypt(f"{TEXT}\n".encode(), secret))
    return LookupModule(loader=loader, templar=Templar(loader))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", ""),
        (" \n", ""),
        (f"{TEXT}\n\n", TEXT),
        ("ca.pem", TEXT),
        ("~/ca.pem", TEXT),
        ("vaulted", TEXT),
        ("nowhere.pem", "nowhere.pem"),
        (".", "."),
        ("x" * 5000, "x" * 5000),
    ],
)
def test_a_text_or_a_file(lookup: LookupModule, given: str, expected: str) -> None:
    assert lookup.run(["x_"], {"x_ca": given}) == [{"ca": expected} if expected else {}]


def test_only_what_is_given_is_collected(lookup: LookupModule, tmp_path: Path) -> None:
    variables: dict[str, Any] = {
        "a_username": "{{ user }}",
        "a_password": 123,
        "a_ssh_key": None,
        "a_known_hosts": "",
        "a_repo": "x",
        "user": "ann",
        "b_ca": str(tmp_path / "ca.pem"),
        "b_password": " ca.pem ",
    }
    lookup._templar.available_variables = variables = {
        name: trust_as_template(value) if isinstance(value, str) else value for name, value in variables.items()
    }
    assert lookup.run(["a_", "b_", "c_"], variables) == [{"username": "ann", "password": "123"}, {"password": " ca.pem ", "ca": TEXT}, {}]

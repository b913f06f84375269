# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The binary of kind that a machine needs."""

from __future__ import annotations

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError
from ansible_collections.gitops.airflow.plugins.module_utils._kind.release import checksum_for_machine, for_machine

URL = "https://downloads.example/kind-{system}-{architecture}"


@pytest.mark.parametrize(
    ("system", "machine", "expected"),
    [
        ("Linux", "x86_64", "kind-linux-amd64"),
        ("Linux", "aarch64", "kind-linux-arm64"),
        ("Darwin", "x86_64", "kind-darwin-amd64"),
        ("Darwin", "arm64", "kind-darwin-arm64"),
    ],
)
def test_f6_url_and_checksum_name_the_machine(system: str, machine: str, expected: str) -> None:
    assert for_machine(URL, system, machine) == f"https://downloads.example/{expected}"
    assert for_machine(f"sha256:{URL}.sha256sum", system, machine) == f"sha256:https://downloads.example/{expected}.sha256sum"


def test_a_text_without_placeholders_stays() -> None:
    assert for_machine("https://mirror.example/kind", "FreeBSD", "riscv64") == "https://mirror.example/kind"


@pytest.mark.parametrize(("system", "machine"), [("Linux", "riscv64"), ("FreeBSD", "amd64")])
def test_f6_a_machine_that_kind_does_not_publish_for_is_named(system: str, machine: str) -> None:
    with pytest.raises(InputError, match=f"no binary for {system} on {machine}") as raised:
        for_machine(URL, system, machine)
    assert "platform_kind_checksum" in raised.value.next_action
    assert "kind_cluster_kind_binary" in raised.value.next_action


def test_d13_a_literal_checksum_is_the_machine_s() -> None:
    given = {"linux-amd64": "sha256:a", "darwin-arm64": "sha256:b"}
    assert checksum_for_machine(given, "Linux", "x86_64") == "sha256:a"
    assert checksum_for_machine(given, "Darwin", "arm64") == "sha256:b"
    assert checksum_for_machine(f"sha256:{URL}.sha256sum", "Linux", "aarch64").endswith("kind-linux-arm64.sha256sum")
    with pytest.raises(InputError, match="but not linux-arm64, which is this machine") as raised:
        checksum_for_machine(given, "Linux", "aarch64")
    assert "platform_kind_checksum" in raised.value.next_action

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock files belong to the requirements files, and each package in them has hashes (D13)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / name).read_text()))


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_d13_the_lock_holds_what_is_required(name: str) -> None:
    required, locked = pins(f"{name}.txt"), {package.lower(): version for package, version in pins(f"{name}.lock").items()}
    assert {package: locked.get(package.lower()) for package in required} == required, "Run scripts/lock."


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_d13_each_locked_package_has_hashes(name: str) -> None:
    entries = re.split(r"\n(?=\S)", (ROOT / f"{name}.lock").read_text())
    assert len(entries) > 10
    assert [entry for entry in entries if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry)] == []


def test_d13_both_locks_agree() -> None:
    base, dev = pins("requirements.lock"), pins("requirements-dev.lock")
    assert {package: dev.get(package) for package in base} == base, "Run scripts/lock."

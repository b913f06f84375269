# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attacks on a platform that runs, each from where its attacker stands. PLATFORM names the platform, as for tests/platform.

With --without-guard every attack must succeed: for a platform that lacks the guards, such as one of commit 1e64bd2. That shows that the
attacks are attacks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Platform, connect, core, opened, platform
from dag_author import DagAuthor
from kubernetes import client

# Fixtures of tests/platform, for the tests here.
__all__ = ["connect", "core", "opened", "platform"]

DAGS = Path(__file__).with_name("dags")
Verdict = Callable[[bool, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--without-guard", action="store_true", help="the platform lacks the guards: every attack must succeed")


@pytest.fixture(scope="session")
def verdict(request: pytest.FixtureRequest) -> Verdict:
    """Judges an attack: whether it succeeded, and what shows it."""
    guarded = not request.config.getoption("--without-guard")

    def judged(succeeded: bool, evidence: str) -> None:
        if guarded:
            assert not succeeded, f"the attack succeeded: {evidence}"
        else:
            assert succeeded, f"without its guard the attack failed, so it is none: {evidence}"

    return judged


@pytest.fixture(scope="session")
def author(core: client.CoreV1Api, platform: Platform) -> DagAuthor:
    return DagAuthor(core, platform)


@pytest.fixture(scope="session")
def pushed(author: DagAuthor) -> Iterator[DagAuthor]:
    """All DAGs of the attacks are in the repository, and Airflow has started again since, as it does at the next change of the platform."""
    files = {f"dags/{path.name}": path.read_text() for path in DAGS.glob("*.py")}
    author.push(files, "Attack")
    author.restart(*dict.fromkeys(["scheduler", author.parser(), "webserver"]))
    yield author
    author.withdraw(files, "Take the attack back")

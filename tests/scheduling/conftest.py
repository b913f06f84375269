# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of a platform on a control plane and two workers, as the scenario scheduling makes it. PLATFORM names it, as for tests/platform.

All DAG runs start at once and are disrupted in the background. The files run in the order of their names: first what must be seen while
workers run, last what is left of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._kube.pods import unschedulable
from ansible_collections.gitops.airflow.tests.scheduling.disruption import Disruption, disrupt
from ansible_collections.gitops.airflow.tests.scheduling.playbook import Playbooks
from ansible_collections.gitops.airflow.tests.scheduling.runs import NAMESPACES, QUOTA, STRAY, Obj, Runs, Waits, node_of
from conftest import Platform, applications, connect, core, platform
from dag_author import DagAuthor, wait_for
from kubernetes import client

# Fixtures of tests/platform, for the tests here.
__all__ = ["applications", "connect", "core", "platform"]

FILES = Path(__file__).with_name("dags")


@pytest.fixture(scope="session")
def cron_node(core: client.CoreV1Api) -> str:
    """The tainted node."""
    return node_of(core, "pool=cron")


@pytest.fixture(scope="session")
def user_node(core: client.CoreV1Api) -> str:
    return node_of(core, "pool=user")


@pytest.fixture(scope="session")
def playbooks(platform: Platform) -> Playbooks:
    return Playbooks(platform.inventory)


@pytest.fixture(scope="session")
def runs(core: client.CoreV1Api, platform: Platform) -> Iterator[Runs]:
    """One run of each DAG, all of them started."""
    author = DagAuthor(core, platform)
    files = {f"dags/{path.name}": path.read_text() for path in FILES.glob("*.py")}
    author.push(files, "DAGs of the tests of scheduling")

    def known() -> bool:
        errors = {path: error for path in files if (error := author.import_error(Path(path).name))}
        assert not errors, f"Airflow cannot import {errors}"
        return all(map(author.knows, NAMESPACES))

    wait_for(f"the DAGs {', '.join(NAMESPACES)}", known, seconds=120, pause=1)
    started = Runs(core, author, {dag: author.start(dag) for dag in NAMESPACES})
    yield started
    started.finish()
    author.withdraw(files, "Remove the DAGs of the tests of scheduling")


@pytest.fixture(scope="session")
def waits(platform: Platform, runs: Runs) -> Iterator[Waits]:
    found = Waits(platform, runs)
    yield found
    found.close()


@pytest.fixture(scope="session")
def disruption(
    connect: Callable[..., client.ApiClient], platform: Platform, runs: Runs, cron_node: str
) -> Iterator[Callable[[], Disruption]]:
    """Disrupts workers in the background. Returns what was done, once it has been done."""
    # A client of its own: a command in a pod changes the client for as long as it runs.
    api = client.CoreV1Api(connect())
    steps: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(disrupt, api, Runs(api, DagAuthor(api, platform), runs.ids), cron_node, steps.append)

        def done() -> Disruption:
            try:
                return future.result(timeout=300)
            except Exception as error:
                raise AssertionError(f"the steps were {steps}; the last one failed: {error!r}") from error

        yield done


@pytest.fixture(scope="session", autouse=True)
def started(runs: Runs, waits: Waits, disruption: Callable[[], Disruption]) -> None:
    """Starts everything before the first test."""


@pytest.fixture(scope="session")
def no_node(runs: Runs) -> str:
    """The scheduler's message on the worker that finds no node."""

    def said() -> str:
        return next(filter(None, map(unschedulable, runs.objects(STRAY))), "")

    return str(wait_for("a worker that finds no node", said, pause=0.5))


@pytest.fixture(scope="session")
def status(runs: Runs, no_node: str, playbooks: Playbooks) -> Obj:
    """What "make status FORMAT=json" prints while one worker finds no node and one task waits for its quota."""

    def states() -> bool:
        found = sorted(str(task["state"]) for task in runs.tasks(QUOTA).values())
        assert found == ["queued", "running"], f"the tasks of {QUOTA} are {found}"
        return True

    wait_for("a running task and one that waits for the quota", states, pause=1)
    done = playbooks.run("status", ANSIBLE_STDOUT_CALLBACK="gitops.airflow.status_json")
    assert done.stdout.lstrip().startswith("{"), done.stdout + done.stderr
    found: Obj = json.loads(done.stdout)
    return found


@pytest.fixture(scope="session")
def declared(applications: client.CustomObjectsApi, platform: Platform) -> Callable[[], Any]:
    """Reads what Argo CD deploys for the platform, and what it may deploy."""

    def read() -> Any:
        where = ("argoproj.io", "v1alpha1", platform.argocd)
        application = applications.get_namespaced_custom_object(*where, "applications", "airflow-core")
        project = applications.get_namespaced_custom_object(*where, "appprojects", "airflow")
        return application["spec"], application["status"]["sync"]["revision"], project["spec"]

    return read

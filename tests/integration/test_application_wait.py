# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""argocd_application_wait on a real API server, as a person runs it and with 1,000 Applications."""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import Any

import pytest
from ansible_collections.gitops.airflow.tests.integration.apiserver import ApiServer
from ansible_collections.gitops.airflow.tests.integration.modules import ROOT, Module
from ansible_collections.gitops.airflow.tests.integration.objects import NEW, OLD, application, status
from ansible_collections.gitops.airflow.tests.limits import HANG_SECONDS

Obj = dict[str, Any]
APPLICATION = "argocd_application_wait"
MANY = 1000


def ansible(server: ApiServer, **options: Any) -> subprocess.CompletedProcess[str]:
    """The module by the command line, as reader."""
    arguments = json.dumps({"kubeconfig": str(server.kubeconfig("reader")), **options})
    command = ["ansible", "localhost", "-m", f"gitops.airflow.{APPLICATION}", "-a", arguments]
    environment = {**os.environ, "ANSIBLE_FORCE_COLOR": "0"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=HANG_SECONDS, check=False)


@pytest.fixture(scope="module")
def many(server: ApiServer) -> Obj:
    """1,000 Applications that are done, and the first of them."""
    first = server.create(application("many-0", status(NEW), {"set": "many"}))
    server.copies(first, [f"many-{number}" for number in range(1, MANY)])
    return first


def test_ansible_says_that_it_is_done(server: ApiServer) -> None:
    server.create(application("by-hand", status(NEW)))
    result = ansible(server, applications=["by-hand"], revision=NEW)
    assert result.returncode == 0, result.stdout + result.stderr
    assert '"verdict": "done"' in result.stdout or "verdict: done" in result.stdout
    assert "SUCCESS" in result.stdout


def test_ansible_says_why_it_failed(server: ApiServer) -> None:
    state = status(NEW, health="Degraded")
    state["operationState"] |= {"phase": "Failed", "message": "one or more synchronization tasks are not valid"}
    server.create(application("broken", state))
    result = ansible(server, applications=["broken"], revision=NEW, timeout=30)
    text = " ".join((result.stdout + result.stderr).split())
    assert result.returncode != 0
    assert "the operation ended as Failed: one or more synchronization tasks are not valid" in text
    assert "push; automated sync does not try the same commit again" in text


def test_refresh_is_asked_for_and_awaited(server: ApiServer) -> None:
    app = server.create(application("refreshed", status(NEW)))
    path = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/refreshed"

    def asked() -> bool:
        return "argocd.argoproj.io/refresh" in server.request("GET", path)["metadata"].get("annotations", {})

    with Module(APPLICATION, server.kubeconfig("reader"), applications=["refreshed"], refresh="hard", timeout=30) as module:
        module.until(asked)
        time.sleep(0.5)
        assert module.running()
        server.merge(app, {"metadata": {"annotations": None}})  # as the controller does
        result = module.result()
    assert result.get("done"), result


def test_thousand_applications_that_are_done(server: ApiServer, many: Obj) -> None:
    del many
    mark = len(server.audited("reader"))
    result = Module(APPLICATION, server.kubeconfig("reader"), label_selectors=["set=many"], revision=NEW).result()
    assert result.get("done"), result.get("msg")
    assert len(result["applications"]) == MANY
    made = server.audited("reader")[mark:]
    assert {(entry["verb"], entry["query"]["limit"]) for entry in made} == {("list", "500")}
    pages = [entry for entry in made if entry["path"].endswith("/applications")]
    assert ["continue" in entry["query"] for entry in pages] == [False, *[True] * (len(pages) - 1)]
    assert len(pages) <= 3  # other Applications in the namespace may make a third page, which finds none
    # Before it is done it looks once, whether a container that Argo CD calls healthy crashes between two looks.
    assert [entry["path"].rpartition("/")[2] for entry in made[len(pages) :]] == ["pods"]
    assert result["requests"] == len(made)
    assert result["elapsed"] < 5
    print(f"{MANY} Applications that are done: {result['elapsed']:.2f} s, {result['peak_mb']:.1f} MB")


def test_thousand_applications_become_done_one_by_one(server: ApiServer, many: Obj) -> None:
    server.copies({**many, "status": status(OLD)}, [f"many-{number}" for number in range(MANY)])
    mark = len(server.audited("reader"))
    with Module(APPLICATION, server.kubeconfig("reader"), label_selectors=["set=many"], revision=NEW, timeout=60) as module:
        module.until(lambda: any(entry["verb"] == "watch" for entry in server.audited("reader")[mark:]))
        server.copies({**many, "status": status(NEW)}, [f"many-{number}" for number in range(MANY - 1)], at_once=1)
        time.sleep(1)
        assert module.running()
        server.copies({**many, "status": status(NEW)}, [f"many-{MANY - 1}"])
        last = time.monotonic()
        result = module.result()
    assert result.get("done"), result.get("msg")
    delay = time.monotonic() - last
    assert delay < 5
    print(f"the last of {MANY} became done: the process ended {delay:.2f} s later, {result['peak_mb']:.1f} MB")
    assert {len(item["transitions"]) for item in result["applications"]} == {2}
    verbs = [entry["verb"] for entry in server.audited("reader")[mark:]]
    # The last is the look for containers that crash: see above.
    assert verbs in (["list"] * 2 + ["watch", "list"], ["list"] * 3 + ["watch", "list"])
    assert result["requests"] == len(verbs)

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D14: the attacker runs code in git-sync, which takes in what a Git server sends. It stands beside the scheduler and its token."""

from __future__ import annotations

from typing import Any

import pytest
from dag_author import DagAuthor
from kubernetes import client, stream

TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"


@pytest.mark.parametrize("component", ["scheduler", "triggerer", "webserver"])
def test_d14_git_sync_finds_no_token(author: DagAuthor, core: client.CoreV1Api, verdict: Any, component: str) -> None:
    pod = author.pod(component)

    def found(container: str) -> bool:
        command = ["sh", "-c", f"[ -s {TOKEN} ] && echo found || echo none"]
        said = stream.stream(
            core.connect_get_namespaced_pod_exec,
            pod,
            author.platform.core,
            container=container,
            command=command,
            stdout=True,
            stderr=True,
            _request_timeout=60,
        )
        assert said.strip() in ("found", "none"), said
        return bool(said.strip() == "found")

    assert found(component), f"{component} has no token, so it could do nothing"
    containers = [item.name for item in core.read_namespaced_pod(pod, author.platform.core).spec.containers]
    # With a DAG processor the scheduler has no git-sync.
    if "git-sync" not in containers:
        pytest.skip(f"{pod} has no git-sync")
    verdict(found("git-sync"), f"git-sync in {pod} has {TOKEN}")

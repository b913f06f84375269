# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D5: the attacker may push DAGs, and so has the token with which workers read the DAGs. It opens the platform repository as well."""

from __future__ import annotations

import base64
import urllib.error
import urllib.request
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._kube.tunnel import open_tunnel
from conftest import DIRECT, decoded
from kubernetes import client


@pytest.mark.parametrize(("repository", "own"), [("platform", False), ("dags", True)])
def test_a_workers_token_reads_the_dags_alone(core: client.CoreV1Api, platform: Any, verdict: Any, repository: str, own: bool) -> None:
    """In the way of git, and of Gitea's API, which has every file."""
    secret = decoded(core.read_namespaced_secret("dags-git-basic", platform.workers[-1]))
    login = base64.b64encode(f"{secret['GIT_SYNC_USERNAME']}:{secret['GIT_SYNC_PASSWORD']}".encode()).decode()
    paths = (f"gitops/{repository}.git/info/refs?service=git-upload-pack", f"api/v1/repos/gitops/{repository}/git/trees/main")
    seen: list[int] = []
    with open_tunnel({"kubeconfig": platform.kubeconfig, "context": platform.context}, platform.git, "gitea", 3000) as tunnel:
        for path in paths:
            request = urllib.request.Request(f"http://127.0.0.1:{tunnel.port}/{path}", headers={"Authorization": f"Basic {login}"})
            try:
                with DIRECT.open(request, timeout=30) as answer:
                    seen.append(answer.status)
            except urllib.error.HTTPError as refusal:
                seen.append(refusal.code)
    if own:
        assert seen == [200, 200], "the token must read the DAGs"
    else:
        assert set(seen) <= {200, 404}
        verdict(200 in seen, f"{repository}: {seen}")

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""S1 to S5: what pods, Argo CD, Airflow and Git say reaches a person without what looks like a secret, whichever way it takes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.application import blocking
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import complaint
from ansible_collections.gitops.airflow.plugins.module_utils._kube.pods import start_problems
from ansible_collections.gitops.airflow.plugins.module_utils._status.read import sync_failure
from ansible_collections.gitops.airflow.plugins.plugin_utils._hosted import Ended, HostedModule

PASSWORD = "hunter22x"
SAID = f"cannot reach https://bob:{PASSWORD}@git.example.com with DB_PASS='{PASSWORD}, and more'"


def waiting(message: str) -> dict[str, Any]:
    status = {"name": "web", "state": {"waiting": {"reason": "ErrImagePull", "message": message}}}
    return {"metadata": {"name": "web-1", "namespace": "core"}, "status": {"containerStatuses": [status]}}


def test_what_the_kubelet_says() -> None:
    """S3, S4: of a container that cannot start."""
    (problem,) = start_problems(waiting(SAID))
    assert PASSWORD not in str(problem)
    assert "git.example.com" in str(problem)


def test_what_argo_cd_says() -> None:
    """S3, S4: of a resource's health and of its last sync."""
    resource = {"kind": "Deployment", "name": "web", "namespace": "core", "status": "OutOfSync"}
    status = {"resources": [{**resource, "health": {"status": "Degraded", "message": SAID}}]}
    (found,) = blocking(status)
    assert PASSWORD not in str(found)
    assert "git.example.com" in str(found)


def test_what_git_says() -> None:
    """S3, S4: git, and git-sync in its log."""
    assert PASSWORD not in complaint("https://git.example.com/x.git", "main", f"fatal: {SAID}").text
    assert PASSWORD not in sync_failure([f"error: failed: {SAID}"])


def test_what_a_module_ends_with() -> None:
    """S1 to S5: the message of a failure, and warnings."""
    module = HostedModule({}, "x", False, False, {})
    module.warn(f"a warning: {SAID}")
    with pytest.raises(Ended) as ended:
        module.fail(CollectionError(SAID, "Correct it."))
    shown = str(ended.value.result)
    assert PASSWORD not in shown
    assert shown.count("git.example.com") == 2

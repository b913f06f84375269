# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person reads of a wait for workers that failed."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import failed
from ansible_collections.gitops.airflow.plugins.module_utils._placement.run import Placement, Request, failure
from ansible_collections.gitops.airflow.plugins.module_utils._placement.verdict import Expectation

REQUEST = Request([Expectation("dag", "run", "cron")], timeout=300)
SEEN: dict[str, Any] = {"phase": "Pending", "pod": "pod-1", "log_tail": []}


@pytest.mark.parametrize(
    ("reason", "timed_out", "advice", "message", "action"),
    [
        (
            "worker pod-1 for 60 s: Unschedulable: 0/1 nodes are available: 1 Insufficient memory.",
            False,
            "Lower the resources.",
            "Failed after 60 s: worker pod-1 for 60 s: Unschedulable: 0/1 nodes are available: 1 Insufficient memory.",
            "Lower the resources.",
        ),
        (
            "worker pod-1 is Scheduled",
            True,
            "",
            "Not done within 300 s: worker pod-1 is Scheduled.",
            "Correct the problem in the message, and trigger a new run.",
        ),
    ],
)
def test_a_failure_is_one_sentence_with_the_action_of_its_cause(
    reason: str, timed_out: bool, advice: str, message: str, action: str
) -> None:
    error = failure(REQUEST, Placement(failed(reason), timed_out, [SEEN], [], ["*"], "1", [], 60.0, advice))
    assert (error.message, error.next_action, error.code) == (message, action, "timeout" if timed_out else "not_done")

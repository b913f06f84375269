# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of scheduling read out of pods and of Ansible's output."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.tests.scheduling.reading import evictable, one_line, recap

RECAP = (
    "localhost                  : ok={ok}    changed={changed}    unreachable=0    failed={failed}    skipped=7    rescued=0    ignored=0"
)


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"name": "worker"}, True),
        ({"name": "server", "ownerReferences": [{"kind": "ReplicaSet"}]}, True),
        ({"name": "kube-proxy", "ownerReferences": [{"kind": "DaemonSet"}]}, False),
        ({"name": "etcd", "ownerReferences": [{"kind": "Node"}], "annotations": {"kubernetes.io/config.mirror": "x"}}, False),
        ({"name": "worker", "ownerReferences": None, "annotations": None}, True),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else "",
)
def test_a_drain_evicts_all_but_pods_that_belong_to_the_node(metadata: dict[str, Any], expected: bool) -> None:
    assert evictable({"metadata": metadata}) is expected


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (f"PLAY RECAP ****\n{RECAP.format(ok=12, changed=0, failed=1)}\n\nFAILED", (0, 1)),
        (f"changed=5\n{RECAP.format(ok=120, changed=13, failed=0)}", (13, 0)),
        ("ERROR! the playbook could not be found\n", None),
        ("", None),
    ],
)
def test_the_recap_says_what_changed_and_what_failed(output: str, expected: tuple[int, int] | None) -> None:
    assert recap(output) == expected


def test_the_text_of_a_long_message_has_no_line_breaks() -> None:
    assert one_line("msg: No node can\n    take it\n") == "msg: No node can take it"

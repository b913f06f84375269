# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an audit log is compared with the rights: what was used, what was refused, and what went beyond them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform.rights import OPTIONAL, Right, Unit
from ansible_collections.gitops.airflow.tests.cluster.rights_used import asked, report

RBAC = "rbac.authorization.k8s.io"


def entry(verb: str, resource: str, code: int = 200, user: str = "me", stage: str = "ResponseComplete", **ref: str) -> dict[str, Any]:
    return {
        "verb": verb,
        "user": {"username": user},
        "stage": stage,
        "responseStatus": {"code": code},
        "objectRef": {"resource": resource, **ref} if resource else None,
    }


READ = Right("read", ("get",), ("secrets",), namespace="a")
WRITE = Right("write", ("create", "patch"), ("secrets",), namespace="a", names=("x",))
RARE = Right("remove", ("delete",), ("secrets",), namespace="a", rare="Only a removal uses it.")
MORE = Right("more", ("list",), ("nodes",), level=OPTIONAL)
EVERY = Right("all", ("list",), ("*",), "*")
ROLES = Right("escalate", ("escalate", "bind"), ("clusterroles",), RBAC, names=("argocd-server",))
GET = entry("get", "secrets", namespace="a", name="x")
APPLY = entry("patch", "secrets", 201, namespace="a", name="x")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (GET, [Unit("get", "", "secrets", "a", "x")]),
        (APPLY, [Unit("patch", "", "secrets", "a", "x"), Unit("create", "", "secrets", "a", "x")]),
        (entry("create", "pods", subresource="exec", namespace="a", name="p"), [Unit("create", "", "pods/exec", "a", "p")]),
        (entry("get", "namespaces", namespace="a", name="a"), [Unit("get", "", "namespaces", "", "a")]),
        (entry("get", ""), []),
        (entry("create", "selfsubjectaccessreviews", apiGroup="authorization.k8s.io"), []),
    ],
)
def test_what_a_request_needs(found: dict[str, Any], expected: list[Unit]) -> None:
    assert asked(found) == expected


@pytest.mark.parametrize(
    ("rights", "entries", "faults"),
    [
        ([READ, WRITE], [GET, APPLY], []),
        ([READ], [], ["not used: get secrets in a"]),
        # A right in the whole cluster is used in any namespace.
        ([Right("read", ("get",), ("secrets",))], [GET], []),
        ([EVERY], [entry("list", "pods", namespace="b")], []),
        ([WRITE], [entry("patch", "secrets", namespace="a", name="x")], ["not used: create secrets x in a"]),
        ([READ, RARE], [GET], []),
        ([READ], [GET, entry("get", "secrets", 403, namespace="b", name="x")], ["refused: get secrets x in b"]),
        ([READ, MORE], [GET, entry("list", "nodes", 403)], []),
        ([READ, MORE], [GET, entry("list", "nodes")], ["not granted: list nodes in the whole cluster"]),
        ([READ], [GET, entry("get", "configmaps", namespace="a")], ["not granted: get configmaps in a"]),
        # What others do, and what has not ended, counts for nothing.
        ([READ], [{**GET, "user": {"username": "you"}}], ["not used: get secrets in a"]),
        ([READ], [{**GET, "stage": "RequestReceived"}], ["not used: get secrets in a"]),
        ([READ], [entry("get", "secrets", 404, namespace="a", name="x")], []),
        ([ROLES], [], [f"not used: {verb} clusterroles.{RBAC} argocd-server in the whole cluster" for verb in ("escalate", "bind")]),
    ],
)
def test_a_log_is_compared(rights: list[Right], entries: list[dict[str, Any]], faults: list[str]) -> None:
    assert report(rights, entries, ["me"]).faults == faults


def test_a_write_of_a_role_and_of_its_binding_use_escalate_and_bind() -> None:
    write = Right("write", ("patch",), ("clusterroles", "clusterrolebindings"), RBAC)
    entries = [entry("patch", kind, apiGroup=RBAC, name="argocd-server") for kind in ("clusterroles", "clusterrolebindings")]
    assert report([ROLES, write], entries, ["me"]).faults == []
    assert report([ROLES, write], entries[:1], ["me"]).unused == [
        Unit("patch", RBAC, "clusterrolebindings"),
        Unit("bind", RBAC, "clusterroles", "", "argocd-server"),
    ] or report([ROLES, write], entries[:1], ["me"]).unused == [
        Unit("bind", RBAC, "clusterroles", "", "argocd-server"),
        Unit("patch", RBAC, "clusterrolebindings"),
    ]


def test_a_right_of_another_case_has_its_reason() -> None:
    assert report([RARE], [], ["me"]).elsewhere == {Unit("delete", "", "secrets", "a"): "Only a removal uses it."}


def test_a_watch_counts_when_it_begins() -> None:
    watch = Right("watch", ("watch",), ("pods",))
    assert report([watch], [entry("watch", "pods", stage="ResponseStarted", namespace="a")], ["me"]).faults == []

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the settings ask for an admission policy, whether the cluster can have one, and what a person reads if it cannot."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._platform.admission_state import (
    NOT_SERVED,
    Admission,
    is_wanted,
    notes,
    read,
    refusals,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import Settings
from ansible_collections.gitops.airflow.tests.unit.plugins.module_utils._platform.test_airflow_secrets import settings_of

OURS = {"labels": {"app.kubernetes.io/part-of": "gitops-airflow", "gitops-airflow/platform": "airflow"}}
BETA = {"labels": {"app.kubernetes.io/part-of": "gitops-airflow", "gitops-airflow/platform": "beta"}}
POLICIES, BINDINGS = "validatingadmissionpolicies", "validatingadmissionpolicybindings"
V1, BETA1 = "admissionregistration.k8s.io/v1", "admissionregistration.k8s.io/v1beta1"
SERVED = {f"/apis/{V1}": [POLICIES, BINDINGS, "validatingwebhookconfigurations"]}


@pytest.mark.parametrize(("mode", "wanted"), [("auto", True), ("require", True), ("none", False)])
def test_d2_a_policy_is_wanted_unless_the_settings_refuse_one(mode: str, wanted: bool) -> None:
    assert is_wanted(settings_of({"airflow_app_admission_policy": mode})) is wanted


def test_d2_a_caller_that_knows_nothing_of_airflow_wants_none() -> None:
    assert not is_wanted(Settings())


class Api:
    """A server with these resources by path, whose user lacks some rights, and these objects by their plural; an error is raised."""

    def __init__(self, resources: dict[str, list[str]], refused: tuple[str, ...] = (), found: dict[str, Any] | None = None) -> None:
        self.resources, self.refused, self.found = resources, refused, found or {}

    def find(self, path: str) -> Any:
        return {"resources": [{"name": name} for name in self.resources[path]]} if path in self.resources else None

    def create(self, path: str, body: Any) -> Any:
        asked = body["spec"]["resourceAttributes"]
        # RBAC may permit one name alone.
        named = asked["name"] == "gitops-airflow-airflow-workers"
        return {"status": {"allowed": named and f"{asked['verb']} {asked['resource']}" not in self.refused}}

    def metadata(self, path: str) -> Any:
        found = self.found.get(path.split("/")[-2])
        if isinstance(found, ApiError):
            raise found
        return found


@pytest.mark.parametrize(
    ("api", "expected"),
    [
        (Api({}), Admission()),
        (Api({f"/apis/{V1}": ["validatingwebhookconfigurations"]}), Admission()),
        (Api({f"/apis/{V1}": [POLICIES]}), Admission()),
        (Api(SERVED), Admission(V1)),
        (Api({f"/apis/{V1}": [POLICIES, BINDINGS]}), Admission(V1)),
        (Api({f"/apis/{BETA1}": [POLICIES, BINDINGS]}), Admission(BETA1)),
        (Api({**SERVED, f"/apis/{BETA1}": [POLICIES, BINDINGS]}), Admission(V1)),
        (Api(SERVED, (f"create {POLICIES}", f"delete {BINDINGS}")), Admission(V1, (f"create {POLICIES}", f"delete {BINDINGS}"))),
        (Api(SERVED, found={POLICIES: OURS, BINDINGS: OURS}), Admission(V1, there=True)),
        (Api(SERVED, found={BINDINGS: OURS}), Admission(V1, there=True)),
        (Api(SERVED, found={POLICIES: BETA, BINDINGS: OURS}), Admission(V1, foreign="it belongs to platform beta")),
        (Api(SERVED, found={POLICIES: OURS, BINDINGS: BETA}), Admission(V1, foreign="it belongs to platform beta")),
        # Who may not read it lacks a right, which is named, and does not ask.
        (Api(SERVED, (f"get {POLICIES}",), {POLICIES: ApiError(500, "asked")}), Admission(V1, (f"get {POLICIES}",))),
        (Api(SERVED, (f"get {POLICIES}",), {BINDINGS: OURS}), Admission(V1, (f"get {POLICIES}",), there=True)),
    ],
)
def test_d2_what_the_cluster_can_have(api: Any, expected: Admission) -> None:
    assert read(api, settings_of({})) == expected
    assert read(api, settings_of({"airflow_app_admission_policy": "none"})) is None


def test_d2_a_server_that_stumbles_says_nothing() -> None:
    api: Any = Api(SERVED, found={POLICIES: ApiError(503, "away")})
    with pytest.raises(ApiError, match="away"):
        read(api, settings_of({}))


MISSING = Admission(V1, (f"create {POLICIES}",))
LACKS = f"you may not, in the whole cluster: create {POLICIES}"


@pytest.mark.parametrize(
    ("found", "usable", "obstacle"),
    [
        (Admission(), "", NOT_SERVED),
        (Admission(V1), V1, ""),
        (Admission(V1, there=True), V1, ""),
        (Admission(V1, foreign="it belongs to platform beta"), "", ""),
        (MISSING, "", LACKS),
    ],
)
def test_d2_what_stands_in_the_way(found: Admission, usable: str, obstacle: str) -> None:
    assert (found.usable, found.obstacle) == (usable, obstacle)


@pytest.mark.parametrize(
    ("found", "mode", "words"),
    [
        (None, "auto", []),
        (Admission(V1), "auto", []),
        (Admission(), "auto", [NOT_SERVED]),
        (MISSING, "auto", [LACKS]),
        (MISSING, "require", []),
    ],
)
def test_d2_what_a_person_should_know(found: Admission | None, mode: str, words: list[str]) -> None:
    said = list(notes(found, mode))
    assert [f"for the pods of its tasks: {text}." in note for text, note in zip(words, said, strict=True)] == [True] * len(words)


GRANT, START = "Grant these rights in the group admissionregistration.k8s.io by a ClusterRole", "Start the API server with it"
KEPT = Admission(V1, MISSING.missing, there=True)


@pytest.mark.parametrize(
    ("found", "mode", "code", "value", "words", "action"),
    [
        (None, "auto", "", "", "", ""),
        (Admission(V1), "require", "", "", "", ""),
        (Admission(V1, there=True), "auto", "", "", "", ""),
        (Admission(), "auto", "", "", "", ""),
        (MISSING, "auto", "", "", "", ""),
        (Admission(), "require", "admission_policy", "require", f"is 'require', but {NOT_SERVED}", f"{START}, or set"),
        (MISSING, "require", "admission_policy", "require", f"is 'require', but {LACKS}", f"{GRANT}, or set"),
        (KEPT, "auto", "admission_policy", "gitops-airflow-airflow-workers", f"but {LACKS}. It would refuse", f"{GRANT}, or have"),
        (
            Admission(V1, foreign="it belongs to platform beta"),
            "auto",
            "foreign_object",
            "gitops-airflow-airflow-workers",
            "that this platform did not make: it belongs to platform beta.",
            "Use another platform_name",
        ),
    ],
)
def test_d2_what_is_refused(found: Admission | None, mode: str, code: str, value: str, words: str, action: str) -> None:
    given = settings_of({"airflow_app_admission_policy": mode})
    assert given.airflow
    said = list(refusals(found, given, given.airflow))
    assert [(item.code, item.value) for item in said] == ([(code, value)] if code else [])
    assert all(words in item.message and item.next_action.startswith(action) for item in said)

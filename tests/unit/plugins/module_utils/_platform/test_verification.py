# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which DAGs are run, whether a proof exists, how an interrupted attempt is mended, what is reported."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.inspection import Inspection
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Platform
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification import (
    Run,
    Stored,
    Wanted,
    chosen_runs,
    plan,
    read_stored,
    recalled,
    refuse_options,
    subject,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification_report import (
    LIMIT,
    LINE,
    Ran,
    State,
    build_report,
    configmap,
    document_of,
    summary,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification_rules import CorePods

NAMESPACES = ("airflow-core", "airflow-cron", "airflow-user")
CRON = Run("example_cron_dag", "say_hi", "airflow-cron", "hello from airflow-cron", optional=True)
USER = Run("example_user_dag", "ad_hoc", "airflow-user", "hello from airflow-user", optional=True)
OWN = Run("own", "t", "airflow-user", "x")
AT = "2026-01-01T00:01:00Z"
NOW = datetime.datetime(2026, 1, 1, 0, 1, tzinfo=datetime.UTC)
INSPECTION = Inspection(
    version="2.6.3",
    executor="KubernetesExecutor",
    multi_namespace_mode=True,
    namespace_list="airflow-core,airflow-cron,airflow-user",
    asked_at="2026-01-01T00:00:10Z",
    active_tasks=0,
    present=("example_cron_dag", "example_user_dag"),
    unpaused=(),
    schema="405de8318b3a",
    dags_commit="09102de" + "0" * 33,
    dags_link="/opt/airflow/dags/repo",
)
REVISION = "c09497e" + "0" * 33
PODS = CorePods(("airflow-scheduler-1", "airflow-webserver-1"), 7, "airflow-scheduler-1", "uid-1")
ROW = {"name": "airflow-core", "sync": "Synced", "health": "Healthy", "revision": REVISION}


def wanted(*runs: Run, namespaces: tuple[str, ...] = NAMESPACES) -> Wanted:
    return Wanted(Platform("airflow", namespaces=namespaces), "2.6.3", runs=runs)


# Which DAGs


@pytest.mark.parametrize(
    ("runs", "present", "namespaces", "expected"),
    [
        ((CRON, USER), ["example_cron_dag", "example_user_dag"], NAMESPACES, [CRON, USER]),
        ((CRON, USER), ["example_cron_dag"], NAMESPACES, [CRON]),  # a deleted example
        ((CRON, USER), [], NAMESPACES, []),
        ((CRON, USER), ["example_cron_dag", "example_user_dag"], ("airflow-core", "airflow-user"), [USER]),
        ((OWN,), [], NAMESPACES, [OWN]),  # any other expected DAG must exist
        ((), ["example_cron_dag"], NAMESPACES, []),
    ],
)
def test_examples_run_where_they_can(runs: tuple[Run, ...], present: list[str], namespaces: tuple[str, ...], expected: list[Run]) -> None:
    assert list(chosen_runs(wanted(*runs, namespaces=namespaces), present)) == expected


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (wanted(replace(OWN, dag_id=" ")), r"dag_id of  \.t in runs is empty"),
        (wanted(replace(OWN, namespace="elsewhere")), "namespace elsewhere, which is not among worker_namespaces"),
        (wanted(OWN, OWN), "names the DAG own twice"),
        (wanted(replace(OWN, log="(")), r"log of own.t is '\(', which is not a regular expression"),
        (replace(wanted(OWN), timeout=0.0), "timeout is 0: it must be more than 0 seconds"),
    ],
)
def test_what_makes_no_sense_is_refused(given: Wanted, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        refuse_options(given)


def test_an_example_may_have_no_namespace_here() -> None:
    refuse_options(wanted(replace(CRON, namespace="elsewhere"), OWN))


# Proof


def test_proofs_of_earlier_versions_stay_valid() -> None:
    """As the role's Jinja expression made it: commits, and the SHA-256 of the runs as JSON, which this is of the examples."""
    digest = "5e9fe50ba32bae112f8e99a28182db6fd7df404223e22f6c92bbbbe840980a86"
    assert subject(REVISION, INSPECTION.dags_commit, (CRON, USER)) == f"c09497e-09102de {digest}"


@pytest.mark.parametrize(
    ("revision", "dags", "runs"),
    [("1" * 40, INSPECTION.dags_commit, (CRON,)), (REVISION, "1" * 40, (CRON,)), (REVISION, INSPECTION.dags_commit, (USER,))],
)
def test_other_commits_and_other_runs_are_another_subject(revision: str, dags: str, runs: tuple[Run, ...]) -> None:
    assert subject(revision, dags, runs) != subject(REVISION, INSPECTION.dags_commit, (CRON,))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (None, Stored()),
        ({}, Stored()),
        ({"subject": "s", "report": '{"runs": []}'}, Stored("s", '{"runs": []}', {"runs": []})),
        ({"subject": "s", "report": "{"}, Stored("s")),  # edited by hand
        ({"subject": "s", "report": "[]"}, Stored("s")),
        ({"subject": "s", "run_id": "r", "unpaused": "[]"}, Stored("s", unpaused=())),  # an earlier version's claim
        ({"subject": "s", "unpaused": '["a"]', "dags": '["a", "b"]'}, Stored("s", unpaused=("a",), dags=("a", "b"))),
        ({"subject": "s", "unpaused": "{"}, Stored("s")),
    ],
)
def test_what_is_stored(data: dict[str, str] | None, expected: Stored) -> None:
    assert read_stored(None if data is None else {"data": data}) == expected


REPORT: dict[str, Any] = {"scheduler_uid": "uid-1", "asked": ["example_cron_dag"], "airflow": INSPECTION.as_dict()}


@pytest.mark.parametrize(
    ("report", "uid", "asked", "same"),
    [
        (REPORT, "uid-1", ["example_cron_dag"], True),
        (REPORT, "uid-1", [], True),
        (REPORT, "uid-2", ["example_cron_dag"], False),  # another pod may have another configuration
        (REPORT, "uid-1", ["example_cron_dag", "new"], False),  # nothing is known of this DAG
        ({**REPORT, "airflow": {"version": "2.6.3"}}, "uid-1", [], False),
        ({**REPORT, "airflow": None}, "uid-1", [], False),
        ({"airflow": INSPECTION.as_dict()}, "uid-1", [], False),  # an earlier version's report
        ({}, "", [], False),
    ],
)
def test_the_same_pod_is_not_asked_again(report: dict[str, Any], uid: str, asked: list[str], same: bool) -> None:
    assert recalled(Stored("s", "d", report), uid, asked) == (INSPECTION if same else None)


# An attempt

NAMES = ("example_cron_dag", "example_user_dag")


@pytest.mark.parametrize(
    ("unpaused", "stored", "left_running", "leftovers"),
    [
        ((), Stored(), (), ()),
        (("example_cron_dag",), Stored(), ("example_cron_dag",), ()),
        # Interrupted: unpaused by that attempt, not by a person.
        (NAMES, Stored(unpaused=(), dags=NAMES), (), ()),
        (NAMES, Stored(unpaused=("example_user_dag",), dags=NAMES), ("example_user_dag",), ()),
        # An earlier version's claim is of all.
        (NAMES, Stored(unpaused=()), (), ()),
        # That attempt ran another DAG: these are as they are now, and the other one is paused again.
        (NAMES, Stored(unpaused=(), dags=("other",)), NAMES, ("other",)),
        (NAMES, Stored(unpaused=("other",), dags=("other",)), (*NAMES, "other"), ()),
    ],
)
def test_dags_are_left_as_they_were_before_an_interrupted_attempt(
    unpaused: tuple[str, ...], stored: Stored, left_running: tuple[str, ...], leftovers: tuple[str, ...]
) -> None:
    made = plan(REVISION, replace(INSPECTION, unpaused=unpaused), (CRON, USER), stored, NOW)
    assert (made.unpaused, made.leftovers) == (left_running, leftovers)


def test_a_claim_says_what_the_next_attempt_must_know() -> None:
    made = plan(REVISION, replace(INSPECTION, unpaused=("example_user_dag",)), (CRON, USER), Stored(unpaused=(), dags=("other",)), NOW)
    assert made.run_id == "verify-c09497e-09102de-20260101T000100Z"
    item = configmap(Platform("airflow", core_namespace="core"), made.claim())
    assert item["metadata"] == {
        "name": "airflow-verification",
        "namespace": "core",
        "labels": {"app.kubernetes.io/part-of": "gitops-airflow", "gitops-airflow/platform": "airflow"},
    }
    stored = read_stored(item)
    assert (stored.subject, stored.report) == (made.subject, {})
    assert stored.unpaused == ("example_user_dag",)
    assert stored.dags == ("example_cron_dag", "example_user_dag", "other")


# Report

PLACEMENTS = [
    {"dag_id": "example_cron_dag", "task_id": "say_hi", "namespace": "airflow-cron", "node": "node-1", "pod": "pod-1"},
    {"dag_id": "example_user_dag", "task_id": "ad_hoc", "namespace": "airflow-user", "node": "node-2", "pod": "pod-2"},
]
APPLICATION = {
    "status": {"operationState": {"syncResult": {"resources": [{"kind": "Job", "name": "x-migrations", "hookPhase": "Succeeded"}]}}}
}
STATE = State(APPLICATION, ROW, PODS, Stored(), INSPECTION, (CRON, USER))


@pytest.mark.parametrize(
    ("operation", "deployed"),
    [
        # A commit in another platform's folder is compared, and not synced.
        ({"phase": "Succeeded", "syncResult": {"revision": "1" * 40}}, "1" * 40),
        ({"phase": "Succeeded", "syncResult": {"revisions": ["1" * 40, "2" * 40]}}, f"{'1' * 40},{'2' * 40}"),
        ({"phase": "Failed", "syncResult": {"revision": "1" * 40}}, REVISION),
        ({}, REVISION),
    ],
)
def test_a_proof_is_about_the_commit_that_was_deployed(operation: dict[str, Any], deployed: str) -> None:
    state = replace(STATE, application={"status": {"operationState": operation}})
    assert (state.deployed, state.revision) == (deployed, REVISION)
    assert state.commits == f"{deployed[:7]}-09102de"


def test_the_report_holds_what_was_seen() -> None:
    core = tuple({"metadata": {"name": name}, "spec": {"containers": [{"image": image}]}} for name, image in (("a", "x:2"), ("b", "x:1")))
    report = build_report(wanted(CRON, USER), replace(STATE, core=core), INSPECTION, Ran("verify-1", PLACEMENTS), NOW)
    assert report == {
        "verified_at": "2026-01-01T00:01:00Z",
        "application": ROW,
        "airflow": INSPECTION.as_dict(),
        "core_pods": ["airflow-scheduler-1", "airflow-webserver-1"],
        "core_containers": 7,
        "images": ["x:1", "x:2"],
        "scheduler_uid": "uid-1",
        "asked": ["example_cron_dag", "example_user_dag"],
        "migrations": ["Succeeded"],
        "run_id": "verify-1",
        "runs": PLACEMENTS,
        "strays": [],
        "timeline": [{"kind": "proof", "subject": "Platform", "label": "is proven"} | dict.fromkeys(("start", "end"), AT)],
    }
    assert json.loads(document_of(report)) == report
    again = read_stored(configmap(Platform("airflow"), {"subject": "s", "report": document_of(report)}))
    assert again.document == document_of(again.report) == document_of(report)
    assert recalled(again, "uid-1", ["example_cron_dag"]) == INSPECTION


MANY = [{**PLACEMENTS[0], "map_index": number, "timings": {"created": AT, "scheduled": AT}} for number in range(70)]


@pytest.mark.parametrize(
    ("runs", "lines", "longest", "dated"),
    [
        (2, ["x" * 400] * 20, 400, True),
        (2, ["x" * 4000] * 20, LINE, True),
        (1, ["\u65e5" * 4000] * 20, LINE, True),  # six characters of JSON each
        (50, ["x" * 400] * 20, 0, True),
        (70, ["x" * 400] * 20, 0, True),
    ],
)
def test_a_report_has_room_in_its_configmap(runs: int, lines: list[str], longest: int, dated: bool) -> None:
    placements = [{**item, "log_tail": lines} for item in MANY[:runs]]
    report = build_report(wanted(CRON), STATE, INSPECTION, Ran("verify-1", placements, placements[:1]), NOW)
    assert len(document_of(report).encode()) <= LIMIT
    assert max((len(line) for item in (*report["runs"], *report["strays"]) for line in item["log_tail"]), default=0) == longest
    assert [item["pod"] for item in report["runs"]] == ["pod-1"] * runs
    assert ("timeline" in report) is dated


def test_a_report_of_very_many_workers_is_without_times() -> None:
    report = build_report(wanted(CRON), STATE, INSPECTION, Ran("verify-1", MANY * 3), NOW)
    assert ("timeline" in report, len(report["runs"])) == (False, 210)


HEAD = """Airflow 2.6.3 runs: KubernetesExecutor in airflow-core, airflow-cron, airflow-user
  2 pods / 7 containers in airflow-core, Synced and Healthy at c09497e
"""
PROVEN = {"runs": PLACEMENTS, "verified_at": "2026-01-01T00:01:00Z"}


@pytest.mark.parametrize(
    ("runs", "state", "report", "path", "text"),
    [
        (
            (CRON, USER),
            STATE,
            PROVEN,
            "/state/verify.json",
            HEAD + "  example_cron_dag.say_hi ran in airflow-cron on node-1 (pod-1)\n"
            "  example_user_dag.ad_hoc ran in airflow-user on node-2 (pod-2)\n"
            "  proven 2026-01-01T00:01:00Z\n"
            "  report for people:   /state/verify.html\n"
            "  report for programs: /state/verify.json",
        ),
        ((), STATE, {"verified_at": "t"}, "", HEAD + "  proven t"),
        (
            (CRON, USER),
            STATE,
            {},
            "",
            HEAD + "  not verified at these commits yet: a run without --check starts example_cron_dag, example_user_dag",
        ),
        (
            (CRON,),
            replace(STATE, runs=()),
            {},
            "",
            HEAD + "  no DAG was run: the DAG repository holds none of those that airflow_verify_runs names",
        ),
        ((), replace(STATE, runs=()), {}, "", HEAD + "  no DAG was run: airflow_verify_runs names none"),
        ((), replace(STATE, inspection=None), {}, "", "Airflow does not run in airflow-core yet: it cannot be verified."),
        (
            (),
            replace(STATE, runs=(), row={"sync": "OutOfSync", "health": "", "revision": ""}),
            {},
            "",
            HEAD.replace("Synced and Healthy at c09497e", "OutOfSync and of unknown health")
            + "  no DAG was run: airflow_verify_runs names none",
        ),
    ],
)
def test_the_summary(runs: tuple[Run, ...], state: State, report: dict[str, Any], path: str, text: str) -> None:
    assert summary(wanted(*runs), state, report, path, path.replace("json", "html")) == text

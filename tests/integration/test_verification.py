# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""airflow_verification on a real API server: the proof, its claim, interruptions, owners. Airflow and its scheduler's pod are doubles.

The double of Airflow makes each run's worker pod, as the scheduler would.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.inspection import Inspection
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.task_log import TaskLog
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import Line, Progress
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, connect
from ansible_collections.gitops.airflow.plugins.module_utils._platform import verification_run
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Platform
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification import Run, Wanted
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification_read import Verification, Ways
from ansible_collections.gitops.airflow.plugins.modules import airflow_verification
from ansible_collections.gitops.airflow.plugins.modules.airflow_verification import carry_out
from ansible_collections.gitops.airflow.plugins.plugin_utils._hosted import Ended, HostedModule
from ansible_collections.gitops.airflow.tests.integration.apiserver import ApiServer
from ansible_collections.gitops.airflow.tests.integration.modules import Module
from ansible_collections.gitops.airflow.tests.integration.objects import NEW, application, ended, status, worker

Obj = dict[str, Any]
MARKS = {"app.kubernetes.io/part-of": "gitops-airflow", "gitops-airflow/platform": "verified"}
DAGS_COMMIT = "a" * 40
RUN = Run("cron", "say_hi", "airflow-cron", "hello")
HOOK = {"group": "batch", "version": "v1", "kind": "Job", "namespace": "airflow-core"} | {
    "name": "airflow-run-airflow-migrations",
    "hookPhase": "Succeeded",
}
MERGE = "application/merge-patch+json"
PROOF = "/api/v1/namespaces/airflow-core/configmaps/airflow-verification"


def core_pod(component: str, containers: int) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"verified-{component}",
            "namespace": "airflow-core",
            "labels": {"tier": "airflow", "component": component},
        },
        "spec": {"containers": [{"name": component if number == 0 else f"c{number}", "image": "x"} for number in range(containers)]},
    }


@dataclass
class Airflow:
    """The webserver: DAGs by their pause state, runs, and the worker pod of each run in ``place``."""

    server: ApiServer
    dags: dict[str, bool] = field(default_factory=lambda: {"cron": True})
    place: str = "airflow-cron"
    tries: int = 1
    gone: bool = False  # the pods are deleted at once
    fails: BaseException | None = None  # instead of the answer to how a run is
    runs: list[str] = field(default_factory=list)
    changes: list[tuple[str, bool]] = field(default_factory=list)

    def dag(self, dag_id: str) -> Obj | None:
        return {"dag_id": dag_id, "is_paused": self.dags[dag_id]} if dag_id in self.dags else None

    def set_paused(self, dag_id: str, paused: bool) -> None:
        if self.dags[dag_id] != paused:
            self.changes.append((dag_id, paused))
        self.dags[dag_id] = paused

    def run(self, dag_id: str, run_id: str) -> Obj | None:
        if run_id not in self.runs:
            return None
        if self.fails:
            raise self.fails
        times = {"logical_date": "2026-05-04T10:00:01.500000+00:00", "start_date": "2026-05-04T10:00:02+00:00", "end_date": None}
        return {"dag_run_id": run_id, "state": "success", **times}

    def create_run(self, dag_id: str, body: Obj) -> Obj:
        run_id = body["dag_run_id"]
        self.runs.append(run_id)
        pod = self.server.create(worker(f"{dag_id}-{len(self.runs)}-{time.monotonic_ns()}", run_id, self.place, dag_id))
        self.server.merge(pod, ended(), "status")
        if self.gone:
            self.server.delete(pod)
        return {"dag_run_id": run_id, "state": "queued"}

    def dag_ids(self) -> list[str]:
        return []

    def active_runs(self, dag_id: str) -> list[str]:
        return []

    def task_instances(self, dag_id: str, run_id: str) -> list[Obj]:
        return [{"task_id": "say_hi", "state": "success", "try_number": self.tries, "map_index": -1}]

    def import_errors(self) -> list[Obj]:
        return []

    def log(self, dag_id: str, run_id: str, task: Obj) -> TaskLog:
        return TaskLog((), ())


@dataclass
class Scheduler:
    """The scheduler's pod: what it was asked, and what Airflow says of itself."""

    airflow: Airflow
    commit: str = DAGS_COMMIT
    asked: list[str] = field(default_factory=list)

    def inspect(self, dag_ids: Sequence[str]) -> Inspection:
        self.asked.append("all")
        now = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
        unpaused = tuple(dag for dag in dag_ids if self.airflow.dags.get(dag) is False)
        present = tuple(dag for dag in dag_ids if dag in self.airflow.dags)
        names = "airflow-core,airflow-cron,airflow-user"
        return Inspection("2.6.3", "KubernetesExecutor", True, names, now, 0, present, unpaused, "405d", self.commit, "/dags/repo")

    def dags_commit(self, link: str) -> str:
        self.asked.append(link)
        return self.commit


@dataclass
class Cluster:
    """A platform in a real API server, made anew for each test."""

    server: ApiServer
    airflow: Airflow
    scheduler: Scheduler
    lines: list[Line] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    wanted: Wanted = field(
        default_factory=lambda: Wanted(
            Platform("verified", application="verified", namespaces=("airflow-core", "airflow-cron", "airflow-user")),
            "2.6.3",
            pods=2,
            containers=3,
            runs=(RUN,),
            timeout=20,
        )
    )

    def api(self) -> KubeApi:
        api = connect({"kubeconfig": str(self.server.kubeconfig("admin"))})
        api.log_lines = lambda *_arguments, **_query: iter(["hello from airflow-cron"])  # type: ignore[method-assign]
        return api

    def verification(self, check: bool = False) -> Verification:
        def scheduler(pod: str, component: str) -> Scheduler:
            assert (pod, component) == ("verified-scheduler", "scheduler")
            return self.scheduler

        def airflow(password: str) -> contextlib.AbstractContextManager[Airflow]:
            assert password == "secret-of-airflow"
            return contextlib.nullcontext(self.airflow)

        def progress() -> Progress:
            return Progress(self.lines.append)

        ways = Ways(self.api(), scheduler, airflow, time.monotonic, time.sleep, progress=progress, hide=self.secrets.append)
        return Verification(ways, self.wanted, check)

    def verify(self, check: bool = False) -> tuple[Obj, bool]:
        """The report, and whether DAGs were run."""
        _state, report, run = carry_out(self.verification(check))
        return dict(report), run

    def refused(self) -> CollectionError:
        with pytest.raises(CollectionError) as caught:
            carry_out(self.verification())
        return caught.value

    def proof(self) -> Obj:
        return self.server.request("GET", PROOF)


@pytest.fixture
def cluster(server: ApiServer) -> Iterator[Cluster]:
    state = status(NEW)
    state["operationState"]["syncResult"]["resources"] = [HOOK]
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "airflow-admin", "namespace": "airflow-core", "labels": MARKS},
        "data": {"password": base64.b64encode(b"secret-of-airflow").decode()},
    }
    objects = [application("verified", state, MARKS), secret, core_pod("scheduler", 2), core_pod("webserver", 1)]
    for item in objects:
        server.create(item)
        if item["kind"] == "Pod":
            server.merge(item, {"status": {"phase": "Running"}}, "status")
    airflow = Airflow(server)
    yield Cluster(server, airflow, Scheduler(airflow))
    for item in objects:
        server.delete(item)
    server._send("DELETE", PROOF)
    for namespace in ("airflow-cron", "airflow-user", "argocd"):
        server.request("DELETE", f"/api/v1/namespaces/{namespace}/pods?labelSelector=dag_id%3Dcron", {"gracePeriodSeconds": 0})


def test_a_proof_is_made_once_for_each_pair_of_commits(cluster: Cluster) -> None:
    report, run = cluster.verify()
    assert run
    assert [(item["namespace"], item["node"]) for item in report["runs"]] == [("airflow-cron", "node-1")]
    assert (report["migrations"], report["strays"]) == (["Succeeded"], [])
    assert report["core_pods"] == ["verified-scheduler", "verified-webserver"]
    assert cluster.airflow.changes == [("cron", False), ("cron", True)]
    kept = cluster.proof()
    assert kept["metadata"]["labels"] == MARKS
    assert set(kept["data"]) == {"subject", "report"}  # what the claim held beside is gone
    assert json.loads(kept["data"]["report"]) == report
    assert cluster.secrets == ["secret-of-airflow"]

    # Again: nothing is run or written, and Airflow is not even asked.
    cluster.scheduler.asked.clear()
    assert cluster.verify() == (report, False)
    assert cluster.scheduler.asked == ["/dags/repo"]
    assert cluster.proof()["metadata"]["resourceVersion"] == kept["metadata"]["resourceVersion"]
    assert len(cluster.airflow.runs) == 1

    # Other DAGs: a check says so and changes nothing, a run makes another proof.
    cluster.scheduler.commit = "b" * 40
    assert cluster.verify(check=True) == ({}, True)
    assert cluster.proof()["metadata"]["resourceVersion"] == kept["metadata"]["resourceVersion"]
    again, run = cluster.verify()
    assert run
    assert again["run_id"] != report["run_id"]


JOB: Obj = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "airflow-run-airflow-migrations", "namespace": "airflow-core"},
    "spec": {"template": {"spec": {"restartPolicy": "OnFailure", "containers": [{"name": "m", "image": "x"}]}}},
}
RAN: Obj = {"startTime": "2026-05-04T10:00:02Z", "completionTime": "2026-05-04T10:00:07Z", "succeeded": 1}


@pytest.fixture
def job(server: ApiServer) -> Iterator[Obj]:
    """The migrations Job, while Kubernetes keeps it."""
    made = server.create(JOB)
    server.merge(JOB, {"status": {**RAN, "conditions": [{"type": "Complete", "status": "True"}]}}, "status")
    yield made
    # The default leaves it for the garbage collector, which does not run here.
    server.request("DELETE", f"/apis/batch/v1/namespaces/airflow-core/jobs/{JOB['metadata']['name']}", {"propagationPolicy": "Background"})


def times(report: Obj) -> dict[str, list[tuple[str, str | None]]]:
    found: dict[str, list[tuple[str, str | None]]] = {}
    for event in report["timeline"]:
        found.setdefault(event["kind"], []).append((event["start"], event["end"]))
    return found


@pytest.mark.usefixtures("job")
def test_a_proof_keeps_what_happened_when(cluster: Cluster) -> None:
    report, _run = cluster.verify()
    found = times(report)
    assert found["sync"] == [("2026-05-04T10:00:00Z", "2026-05-04T10:00:09Z")]
    assert found["migrations"] == [(RAN["startTime"], RAN["completionTime"])]
    assert [start for start, _end in found["dag_run"]] == ["2026-05-04T10:00:01.500Z", "2026-05-04T10:00:02Z"]
    (timings,) = [item["timings"] for item in report["runs"]]
    assert found["worker"] == [(timings["created"], None), (timings["running"], timings["finished"])]
    assert len(found["pod"]) == 2
    assert found["proof"] == [(report["verified_at"], report["verified_at"])]
    assert "database" not in found
    assert json.loads(cluster.proof()["data"]["report"])["timeline"] == report["timeline"]


@pytest.mark.parametrize("status", [404, 403])
def test_a_job_that_cannot_be_read_does_not_hinder_a_proof(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    items = KubeApi.items

    def refuse(self: KubeApi, path: str, query: Obj | None = None, **more: Any) -> list[Obj]:
        if path.endswith("/jobs") and status == 403:
            raise ApiError(403, "Not permitted to list jobs.")
        return items(self, path, query, **more)

    monkeypatch.setattr(KubeApi, "items", refuse)
    report, run = cluster.verify()
    assert run
    assert "migrations" not in times(report)


def just_started(cluster: Cluster, seconds: float) -> None:
    """The scheduler's pod is the Application's, and its container has run for so many seconds."""
    place = {"version": "v1", "kind": "Pod", "namespace": "airflow-core", "name": "verified-scheduler"}
    cluster.server.merge(application("verified", status(NEW), MARKS), {"status": {"resources": [place]}})
    began = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds)
    running = {"state": {"running": {"startedAt": f"{began:%Y-%m-%dT%H:%M:%SZ}"}}, "ready": True, "restartCount": 0}
    state = {"name": "scheduler", "image": "x", "imageID": "", **running}
    cluster.server.merge(core_pod("scheduler", 2), {"status": {"containerStatuses": [state]}}, "status")


def test_v17_the_dags_run_while_what_has_just_started_settles(cluster: Cluster) -> None:
    just_started(cluster, 10)
    assert cluster.verify()[1]
    texts = [line["text"] for line in cluster.lines]
    settling = "verified: Synced Healthy at 2222222: pod airflow-core/verified-scheduler, container scheduler: has not run for 15 s yet"
    begun = next(place for place, text in enumerate(texts) if "starting cron as run" in text)
    assert begun < texts.index(settling)
    # Where nothing is run, too: a run of before may have been interrupted.
    just_started(cluster, 12)
    cluster.lines.clear()
    assert not cluster.verify()[1]
    assert settling in [line["text"] for line in cluster.lines]


def test_an_earlier_versions_proof_is_found_by_asking_airflow(cluster: Cluster) -> None:
    report, _run = cluster.verify()
    document = {key: value for key, value in report.items() if key not in ("scheduler_uid", "asked")}
    cluster.server.merge(cluster.proof() | {"apiVersion": "v1", "kind": "ConfigMap"}, {"data": {"report": json.dumps(document)}})
    cluster.scheduler.asked.clear()
    assert cluster.verify() == (document, False)
    assert cluster.scheduler.asked == ["all"]


def test_a_worker_that_is_gone_at_once_is_seen_because_of_the_claim(cluster: Cluster) -> None:
    cluster.airflow.gone = True
    cluster.wanted = replace(cluster.wanted, runs=(replace(RUN, log=""),))
    report, _run = cluster.verify()
    assert [(item["deleted"], item["evidence"]) for item in report["runs"]] == [(True, "pod")]


def test_progress_tells_the_run_and_where_its_worker_is(cluster: Cluster) -> None:
    cluster.verify()
    text = "\n".join(line["text"] for line in cluster.lines)
    assert "asking the running Airflow for its version" in text
    assert "starting cron as run verify-2222222-aaaaaaa-" in text


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"place": "airflow-user"}, "placement", "landed in namespace airflow-user, expected in airflow-cron"),
        ({"tries": 2}, "task_tries", "cron.say_hi must have run once, in its first try; its tries are: 2."),
        ({"fails": KeyboardInterrupt()}, "", ""),
        ({"dags": {"cron": True, "other": False}, "place": "argocd"}, "placement", "landed in namespace argocd"),
    ],
)
def test_paused_dags_are_paused_again_whatever_happens(cluster: Cluster, change: Obj, code: str, words: str) -> None:
    for name, value in change.items():
        setattr(cluster.airflow, name, value)
    if code:
        error = cluster.refused()
        assert (error.code, words in error.message, bool(error.next_action)) == (code, True, True)
    else:
        with pytest.raises(KeyboardInterrupt):
            carry_out(cluster.verification())
    assert cluster.airflow.dags["cron"] is True
    claim = cluster.proof()["data"]
    assert (claim["unpaused"], claim["dags"], "report" in claim) == ("[]", '["cron"]', False)


def test_after_a_power_cut_the_next_attempt_pauses_what_the_first_unpaused(cluster: Cluster) -> None:
    """The claim is all that is left of it: the DAG seems to be one that a person unpaused."""
    data = {"subject": "x", "run_id": "verify-x", "unpaused": "[]", "dags": '["cron", "deleted"]'}
    metadata = {"name": "airflow-verification", "namespace": "airflow-core", "labels": MARKS}
    cluster.server.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    cluster.airflow.dags = {"cron": False, "deleted": False}
    assert cluster.verify()[1]
    assert cluster.airflow.dags == {"cron": True, "deleted": True}


def test_a_dag_that_a_person_unpaused_goes_on(cluster: Cluster) -> None:
    cluster.airflow.dags = {"cron": False}
    cluster.verify()
    assert cluster.airflow.changes == []


def test_an_example_that_was_deleted_is_left_out(cluster: Cluster) -> None:
    cluster.wanted = replace(cluster.wanted, runs=(replace(RUN, dag_id="deleted", optional=True),))
    assert cluster.verify() == ({}, False)
    assert cluster.airflow.runs == []


def test_a_worker_of_before_is_not_idle(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification_run, "IDLE_SECONDS", 1.5)
    pod = cluster.server.create(worker("left-over", "old", dag_id="cron"))
    time.sleep(1.1)  # creation times are whole seconds
    error = cluster.refused()
    assert (error.code, "left-over" in error.message) == ("not_idle", True)
    cluster.server.merge(pod, ended(1), "status")  # Airflow keeps the pod of a task that failed
    assert cluster.verify()[1]


CORE = "/api/v1/namespaces/airflow-core"
APPLICATION = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/verified"
ANOTHERS = {"metadata": {"labels": {"gitops-airflow/platform": "beta"}}}
BROKEN: dict[str, tuple[str, Obj]] = {
    "application": (APPLICATION, ANOTHERS),
    "secret": (f"{CORE}/secrets/airflow-admin", ANOTHERS),
    "no password": (f"{CORE}/secrets/airflow-admin", {"data": {"password": None}}),
    "migrations": (APPLICATION, {"status": {"operationState": {"syncResult": {"resources": []}}}}),
    "no scheduler": (f"{CORE}/pods/verified-scheduler/status", {"status": {"phase": "Pending"}}),
}


@pytest.mark.parametrize(
    ("what", "code", "asked"),
    [
        ("application", "foreign_application", []),
        ("proof", "foreign_object", []),
        ("no scheduler", "no_scheduler", []),
        ("secret", "foreign_object", ["all"]),
        ("no password", "no_admin_password", ["all"]),
        ("migrations", "migrations", ["all"]),
    ],
)
def test_nothing_is_run_where_something_is_wrong(cluster: Cluster, what: str, code: str, asked: list[str]) -> None:
    if what in BROKEN:
        cluster.server.request("PATCH", *BROKEN[what], MERGE)
    else:
        metadata = {"name": "airflow-verification", "namespace": "airflow-core", **ANOTHERS["metadata"]}
        cluster.server.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    error = cluster.refused()
    assert error.code == code
    assert error.next_action
    assert cluster.scheduler.asked == asked
    assert (cluster.airflow.runs, cluster.airflow.changes) == ([], [])
    assert what == "proof" or cluster.server._send("GET", PROOF)[0] == 404


def test_a_check_tells_broken_rules_and_goes_on(cluster: Cluster) -> None:
    cluster.wanted = replace(cluster.wanted, version="2.10.5", pods=4)
    state, report, run = carry_out(cluster.verification(check=True))
    assert ([problem.code for problem in state.problems], report, run) == (["airflow_version", "airflow_pods"], {}, True)
    error = cluster.refused()
    assert (error.code, error.message.splitlines()[0]) == ("refused", "There are 2 problems.")


# The module itself

Verify = Callable[..., Obj]


@pytest.fixture
def verify(cluster: Cluster) -> Verify:
    def verified(check: bool = False, **options: Any) -> Obj:
        platform = {"name": "verified", "prefix": "airflow", "worker_namespaces": [{"name": "airflow-core"}, {"name": "airflow-cron"}]}
        given = {"platform": platform | options.pop("platform", {}), "airflow": {"name": "verified"}, **options}
        return Module("airflow_verification", cluster.server.kubeconfig("admin"), check, **given).result()

    return verified


def test_the_module_asks_in_the_schedulers_pod(verify: Verify) -> None:
    """There is no node here, so that is as far as it comes."""
    found = verify()
    assert found["failed"]
    assert "No command can be run in pod airflow-core/verified-scheduler, container scheduler" in found["msg"]
    assert (found["changed"], found["ran"], found["code"]) == (False, [], "refused")
    assert "that this user may create pods/exec there" in found["next_action"]


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"platform": {"name": "beta"}}, "foreign_application", "is not platform 'beta's: it belongs to platform verified"),
        ({"airflow": {"name": "absent"}}, "application_not_ready", "absent"),
        ({"search_cluster": True}, "foreign_argocd", "Nothing was changed in the cluster."),
        ({"platform": {"core_namespace": "airflow-user"}}, "other_namespace", "deploys to the namespace airflow-core, not to airflow-user"),
        (
            {"runs": [{"dag_id": "a", "task_id": "t", "namespace": "n", "log": "("}]},
            "bad_option",
            "namespace n, which is not among worker_names",
        ),
    ],
)
def test_the_module_refuses(verify: Verify, options: Obj, code: str, words: str) -> None:
    found = verify(**options)
    assert found["failed"]
    assert (found.get("code"), words in found["msg"]) == (code, True), found


def test_the_module_writes_the_report_for_programs_and_for_people(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The module itself, with the doubles of Airflow and its scheduler."""
    path, page = tmp_path / "new/verify.json", tmp_path / "new/verify.html"
    options: Obj = {
        "kubeconfig": str(cluster.server.kubeconfig("admin")),
        "platform": {
            "name": "verified",
            "prefix": "airflow",
            "worker_namespaces": [{"name": f"airflow-{name}"} for name in ("core", "cron", "user")],
        },
        "airflow": {"name": "verified"},
        "pods": 2,
        "containers": 3,
        "runs": [{name: getattr(RUN, name) for name in ("dag_id", "task_id", "namespace", "log")}],
        "report_path": str(path),
    }
    monkeypatch.setattr(airflow_verification, "ways_of", lambda *_arguments: cluster.verification().ways)

    def verified(check: bool = False) -> Obj:
        with pytest.raises(Ended) as caught:
            airflow_verification.main(lambda **spec: HostedModule(options, "airflow_verification", check, False, **spec))
        return caught.value.result

    found = verified(check=True)
    assert (found["changed"], found["ran"], found["page_path"], path.parent.exists()) == (True, ["cron"], "", False)
    found = verified()
    assert (found["changed"], found["ran"], found["page_path"]) == (True, ["cron"], str(page))
    assert found["text"].endswith(f"\n  report for people:   {page}\n  report for programs: {path}")
    assert json.loads(path.read_text()) == found["report"]
    assert all(words in page.read_text() for words in ("Proven", "say_hi", "node-1", found["report"]["run_id"]))
    assert "secret-of-airflow" not in page.read_text() + path.read_text()
    assert [file.stat().st_mode & 0o777 for file in (path, page)] == [0o644, 0o644]
    assert sorted(path.parent.iterdir()) == [page, path]

    assert not verified()["changed"]
    page.unlink()
    assert (verified(check=True)["changed"], page.exists()) == (True, False)
    found = verified()
    assert (found["changed"], found["ran"], page.exists()) == (True, [], True)
    assert not verified()["changed"]


def test_the_module_checks_a_platform_that_is_not_there_yet(verify: Verify, tmp_path: Path) -> None:
    found = verify(check=True, airflow={"name": "absent"}, report_path=str(tmp_path / "verify.json"))
    assert (found["changed"], found["proven"], found["report"], found["problems"]) == (False, False, {}, [])
    assert found["text"] == "Airflow does not run in airflow-core yet: it cannot be verified."
    assert not (tmp_path / "verify.json").exists()

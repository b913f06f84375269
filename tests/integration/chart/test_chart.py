# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Helm renders of the platform's chart with the role's values, and what the chart refuses to render."""

from __future__ import annotations

import ast
import importlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.plugins.filter.core import combine
from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import WITH_RIGHTS, service_accounts
from ansible_collections.gitops.airflow.plugins.module_utils._platform.names import PREFIX_VARIABLE
from ansible_collections.gitops.airflow.tests.integration.apiserver import lab_file
from ansible_collections.gitops.airflow.tests.integration.chart.rendering import (
    ROLE,
    Edit,
    Objects,
    Write,
    add,
    named,
    pods,
    put,
    rendered_objects,
)
from ansible_collections.gitops.airflow.tests.platform.rights import expanded, of_role, table

FOLDER = "/opt/gitops-airflow"
NAMESPACES = ("airflow-core", "airflow-cron", "airflow-user")


@pytest.mark.parametrize(("rendered", "more"), [("objects", set()), ("with_processor", {"dag-processor"})])
def test_every_container_that_runs_airflow_imports_from_the_platforms_folder_first(
    rendered: str, more: set[str], request: pytest.FixtureRequest
) -> None:
    """D3."""
    seen = set()
    for name, spec in pods(request.getfixturevalue(rendered)):
        (volume,) = [volume for volume in spec["volumes"] if volume["name"] == "gitops-airflow"]
        assert volume["configMap"]["name"] == "airflow-python"
        for container in [*(spec.get("initContainers") or []), *spec["containers"]]:
            if "git-sync" in container["name"]:
                continue
            seen.add(name)
            given = [(entry["name"], entry["value"]) for entry in container["env"] if entry["name"] in ("PYTHONPATH", PREFIX_VARIABLE)]
            # DAG files name namespaces with the second.
            assert given == [("PYTHONPATH", FOLDER), (PREFIX_VARIABLE, "airflow")], (name, container["name"])
            mounts = [mount for mount in container["volumeMounts"] if mount["mountPath"].startswith(FOLDER)]
            assert mounts == [{"name": "gitops-airflow", "mountPath": FOLDER, "readOnly": True}], (name, container["name"])
    airflow = {"scheduler", "triggerer", "webserver", "run-airflow-migrations", "create-user", *more}
    assert seen == {"worker", *(f"airflow-{name}" for name in airflow)}


@pytest.mark.parametrize("rendered", ["objects", "with_processor"])
def test_d7_the_webserver_alone_has_the_key_of_its_sessions(rendered: str, request: pytest.FixtureRequest) -> None:
    """Not what runs code of DAG authors: scheduler, triggerer, DAG processor and workers."""
    holders = {
        (name, container["name"])
        for name, spec in pods(request.getfixturevalue(rendered))
        for container in [*(spec.get("initContainers") or []), *spec["containers"]]
        if "airflow-webserver-secret-key" in str(container)
    }
    assert holders == {("airflow-webserver", "webserver")}


def test_d7_the_webserver_may_have_a_key_of_peoples_own(write: Write) -> None:
    """As the chart's own variable would."""
    found = dict(pods(rendered_objects(write(airflow_app_values={"webserverSecretKeySecretName": "mine"}))))
    (container,) = [item for item in found["airflow-webserver"]["containers"] if item["name"] == "webserver"]
    keys = [item["valueFrom"]["secretKeyRef"] for item in container["env"] if item["name"] == "AIRFLOW__WEBSERVER__SECRET_KEY"]
    assert keys == [{"name": "mine", "key": "webserver-secret-key"}]


def test_the_folder_has_the_same_content_in_every_namespace(objects: Objects) -> None:
    """D3."""
    folders = named(objects, "ConfigMap", "airflow-python")
    assert sorted(item["metadata"]["namespace"] for item in folders) == sorted(NAMESPACES)
    first = folders[0]["data"]
    modules = ["gitops_pod_fields.py", "gitops_pod_profile.py", "gitops_pod_rules.py", "gitops_task_logs.py", "more.py"]
    assert sorted(first) == ["airflow_local_settings.py", *modules, "worker-pod.json"]
    assert first["more.py"] == "X = 1\n"
    assert json.loads(first["worker-pod.json"])["spec"]["containers"][0]["name"] == "base"
    assert all(item["data"] == first for item in folders)
    assert all(item["metadata"]["annotations"] == {"argocd.argoproj.io/sync-wave": "-2"} for item in folders)


def test_the_policy_takes_its_settings_from_the_chart(objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """D4."""
    for name, text in named(objects, "ConfigMap", "airflow-python")[0]["data"].items():
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    policy: dict[str, Any] = {"__file__": str(tmp_path / "airflow_local_settings.py")}
    exec(compile((tmp_path / "airflow_local_settings.py").read_text(), "policy", "exec"), policy)
    assert sorted(policy["WORKER_NAMESPACES"]) == sorted(NAMESPACES)
    limits = policy["LIMITS"]
    assert (policy["DEFAULT_NAMESPACE"], limits.core, limits.account, limits.audiences) == (
        ["airflow-core"],
        "airflow-core",
        "airflow-worker",
        set(),
    )
    assert policy["WORKER_LABELS"] == {"tier": "airflow", "component": "worker", "release": "airflow-core"}
    assert {("Secret", "airflow-metadata"), ("Secret", "dags-git-basic"), ("ConfigMap", "airflow-python")} <= limits.references
    rules = importlib.import_module("gitops_pod_rules")
    assert not rules.PLATFORMS_OWN & limits.references


def test_the_template_of_workers_asks_only_for_the_control_planes_toleration(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    """D6, D12. What the template has is allowed to every task, so nothing else may need that."""
    monkeypatch.syspath_prepend(str(ROLE / "files/platform/airflow/core/python"))
    fields = importlib.import_module("gitops_pod_fields")
    template = json.loads(named(objects, "ConfigMap", "airflow-python")[0]["data"]["worker-pod.json"])
    assert [item.path for item in fields.asked_by_pod(template)] == ["spec.tolerations[node-role.kubernetes.io/control-plane]"]


def test_services_select_no_worker(objects: Objects) -> None:
    """D4. The labels that the hook gives every worker, whatever its task asks for."""
    worker = {"tier": "airflow", "component": "worker", "release": "airflow-core"}
    services = [item for item in objects if item["kind"] == "Service"]
    assert {"airflow-webserver", "airflow-mysql", "airflow-triggerer"} == {item["metadata"]["name"] for item in services}
    for service in services:
        # Each has at least one label that is reset or dropped.
        assert set(service["spec"]["selector"]) & {*worker, "gitops-airflow/endpoint"}
        assert not service["spec"]["selector"].items() <= worker.items()


PATH = {"name": "PYTHONPATH", "value": "/opt/airflow/dags"}


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (put("airflow.env", []), 'airflow.env sets PYTHONPATH to ""'),
        (put("airflow.env", [PATH]), 'airflow.env sets PYTHONPATH to "/opt/airflow/dags"'),
        (add("airflow.env", PATH), '"/opt/gitops-airflow and /opt/airflow/dags"'),
        (put("airflow.env", [{"name": "PYTHONPATH", "value": FOLDER + "x"}]), '"/opt/gitops-airflowx"'),
        (add("airflow.env", {"name": "PYTHONHOME", "value": "/x"}), "airflow.env sets PYTHONHOME"),
        (add("airflow.triggerer.env", PATH), "PYTHONPATH is set elsewhere than in airflow.env"),
        (put("airflow.webserver.args", ["bash", "-c", "PYTHONPATH=/x airflow webserver"]), "PYTHONPATH is set elsewhere"),
        (put("airflow.volumes", []), 'airflow.volumes has ""'),
        (put("airflow.volumes", [{"name": "gitops-airflow", "emptyDir": {}}]), "must be the ConfigMap airflow-python"),
        (put("airflow.volumeMounts", []), 'airflow.volumeMounts mounts ""'),
        (add("airflow.volumeMounts", {"name": "dags", "mountPath": f"{FOLDER}/x"}), "and nothing else, must be at /opt/gitops-airflow"),
        (add("airflow.scheduler.extraVolumeMounts", {"name": "tmp", "mountPath": FOLDER}), "is the platform's own folder"),
        (put("airflow.migrateDatabaseJob.applyCustomEnv", False), "migrateDatabaseJob.applyCustomEnv is not true"),
        (put("airflow.createUserJob.applyCustomEnv", False), "createUserJob.applyCustomEnv is not true"),
        (put("airflow.airflowLocalSettings", "X = 1"), "airflow.airflowLocalSettings does not include platform.localSettings"),
        (put("airflow.config.kubernetes_executor.namespace", "elsewhere"), 'namespace is "elsewhere"'),
        (put("global.coreTasks", False), 'namespace is "airflow-core", where tasks run that name no namespace'),
        (
            put("global.workerNamespaces.airflow-cron", {"nodeSelectors": {"pool": "cron"}}),
            'global.workerNamespaces.airflow-cron: "nodeSelectors" is none of nodeSelector, tolerations, affinity',
        ),
        (
            put("global.workerNamespaces.airflow-cron", {"containers": [{"name": "base", "image": "a/b:1", "command": ["x"]}]}),
            "only image and resources of the container base can be set there",
        ),
        (
            put("global.workerNamespaces.airflow-cron", {"containers": [{"name": "git-sync-init", "image": "a/b:1"}]}),
            "only image and resources of the container base can be set there",
        ),
        (
            put("airflow.scheduler.serviceAccount.name", "mine"),
            'the ServiceAccount of the scheduler is "mine", but the rights in worker namespaces are those of "airflow-scheduler"',
        ),
        (put("airflow.webserver.serviceAccount.name", "mine"), "(global.serviceAccounts.webserver). Next: set airflow.webserver"),
        (put("airflow.triggerer.serviceAccount.name", "mine"), 'the ServiceAccount of the triggerer is "mine"'),
        (put("global.serviceAccounts", None), 'the rights in worker namespaces are those of ""'),
    ],
)
def test_the_chart_refuses_to_render_without_the_policy_first(render: Any, edit: Edit, words: str) -> None:
    """D3, D4, D9."""
    done = render(edit)
    assert done.returncode != 0
    assert words in done.stderr


@pytest.mark.parametrize(
    "edit",
    [
        put("airflow.env", [{"name": "PYTHONPATH", "value": f"{FOLDER}:/opt/lib"}, {"name": "TEAM", "value": "a"}]),
        add("airflow.volumeMounts", {"name": "tmp", "mountPath": "/opt/lib"}),
    ],
)
def test_more_may_follow(render: Any, edit: Edit) -> None:
    """D3."""
    done = render(edit)
    assert done.returncode == 0, done.stderr


# Where people name the accounts. The rule is the official chart's; its double knows names alone.
NAMED: list[dict[str, Any]] = [
    {},
    {"fullnameOverride": "data"},
    {"scheduler": {"serviceAccount": {"name": "mine"}}},
    {"webserver": {"serviceAccount": {"name": "web"}}, "triggerer": {"serviceAccount": {"name": "later"}}},
]
OFFICIAL: list[dict[str, Any]] = [
    {"fullnameOverride": "a" * 62 + "-b"},
    {"fullnameOverride": ""},
    {"fullnameOverride": "", "nameOverride": "core"},
    {"fullnameOverride": None, "nameOverride": "data"},
    {"scheduler": {"serviceAccount": {"create": False}}, "webserver": {"serviceAccount": {"create": False, "name": "theirs"}}},
]


@pytest.mark.parametrize("given", [*NAMED, *(OFFICIAL if "AIRFLOW_CHART" in os.environ else [])])
def test_d9_the_chart_gives_the_accounts_that_have_the_rights(render: Any, given: dict[str, Any]) -> None:
    """The function knows the chart's rule: nothing is pinned here but what people set."""
    accounts = service_accounts(given, "airflow-core")

    def edit(values: dict[str, Any]) -> None:
        values["global"]["serviceAccounts"] = accounts
        for part in WITH_RIGHTS:
            values["airflow"][part]["serviceAccount"].pop("name")
        values["airflow"] = combine(values["airflow"], given, recursive=True)

    done = render(edit)
    assert done.returncode == 0, done.stderr
    # The accounts of the pods, by the part that they run.
    found = {
        item["spec"]["template"]["metadata"]["labels"]["component"]: item["spec"]["template"]["spec"]["serviceAccountName"]
        for item in yaml.safe_load_all(done.stdout)
        if item and item["kind"] == "Deployment"
    }
    assert found == accounts


def test_d9_the_chart_has_no_rights(objects: Objects) -> None:
    """Argo CD's project refuses these kinds."""
    assert {item["kind"] for item in objects} & {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"} == set()


def test_d9_the_table_of_rights_has_every_account(with_processor: Objects) -> None:
    """Argo CD's part is as in its manifest, so that another version is a change of the table."""
    listed = table()
    named_here = {
        (item["metadata"].get("namespace", "airflow-core"), item["metadata"]["name"])
        for item in with_processor
        if item["kind"] == "ServiceAccount"
    }
    expected = {("airflow-core", name) for name in listed["core"]} | {
        (place, name) for place in NAMESPACES[1:] for name in listed["workers"]
    }
    assert named_here == {(place, name) for place, name in expected if name != "default"}
    items = [item for item in yaml.load_all(lab_file("argocd-install.yaml").read_text(), yaml.CSafeLoader) if item]
    assert {"default", *(item["metadata"]["name"] for item in items if item["kind"] == "ServiceAccount")} == set(listed["argocd"])
    roles = {(item["kind"], item["metadata"]["name"]): of_role(item) for item in items if item["kind"] in ("Role", "ClusterRole")}
    given: dict[tuple[str, str], Any] = {}
    for item in items:
        if item["kind"] in ("RoleBinding", "ClusterRoleBinding"):
            for subject in item["subjects"]:
                place = "argocd" if item["kind"] == "RoleBinding" else "everywhere"
                given.setdefault((subject["name"], place), set()).update(roles[item["roleRef"]["kind"], item["roleRef"]["name"]])
    assert given == {(name, place): expanded(rules) for name, where in listed["argocd"].items() for place, rules in where.items()}


def test_d8_the_policy_knows_how_git_sync_tries_again(objects: Objects) -> None:
    """The platform's own values, as the policy replaces them in workers."""
    policy = ast.parse((ROLE / "files/platform/airflow/core/airflow_local_settings.py").read_text())
    (known,) = [
        ast.literal_eval(node.value) for node in policy.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "GIT_RETRY"
    ]
    worker = dict(pods(objects))["worker"]
    (container,) = [item for item in worker["initContainers"] if item["name"] == "git-sync-init"]
    assert {item["name"]: item.get("value") for item in container["env"] if item["name"] in known} == {
        name: known[name][0] for name in known
    }

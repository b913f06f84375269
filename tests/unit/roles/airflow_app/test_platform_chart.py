# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role writes into the platform repository: the values file says each thing once, and the policy in it is Python."""

from __future__ import annotations

import difflib
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import Credentials
from ansible_collections.gitops.airflow.plugins.module_utils._platform import chart_values, quota_rules
from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import service_accounts
from ansible_collections.gitops.airflow.plugins.module_utils._platform.names import PREFIX_VARIABLE
from ansible_collections.gitops.airflow.tests.unit.places import ROOT
from ansible_collections.gitops.airflow.tests.unit.trust import trust_as_template

ROLES = ROOT / "roles"
CHART = "platform/airflow/core"
TEMPLATES = ROLES / "airflow_app/templates" / CHART
STATIC = ROLES / "airflow_app/files" / CHART

Render = Callable[..., str]


@pytest.fixture(scope="session")
def defaults(role_variables: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    files = [*sorted((ROLES / "platform/defaults/main").glob("*.yml")), ROLES / "platform/vars/main.yml"]
    role = ROLES / "airflow_app"
    return role_variables(*files, role / "defaults/main.yml", role / "vars/main.yml") | {
        "role_path": str(role),
        "ansible_search_path": [str(role)],
        **secrets(),
        "__platform_preflight": {"plan": {"accounts": service_accounts({}, "airflow-core")}},
    }


CHECKSUMS = {"dags_checksum": "0123456789abcdef", "logs_checksum": "fedcba9876543210"}
TOKEN = Credentials("ann", "t")


def secrets(credentials: Credentials = TOKEN, **over: str) -> dict[str, Any]:
    """What the module airflow_secrets has returned. ``over`` are checksums, and values for git-sync."""
    checksums = {name: over.pop(name, default) for name, default in CHECKSUMS.items()}
    return {"__airflow_app_secrets": {"git_sync": {**credentials.git_sync_values(), **over}, **checksums}}


@pytest.fixture
def render(defaults: dict[str, Any]) -> Render:
    def rendered(name: str, **variables: Any) -> str:
        templar = Templar(DataLoader(), defaults | variables)
        return str(templar.template(trust_as_template(f"{{{{ lookup('ansible.builtin.template', '{TEMPLATES / name}') }}}}")))

    return rendered


@pytest.fixture
def values(render: Render) -> Callable[..., dict[str, Any]]:
    def loaded(**variables: Any) -> dict[str, Any]:
        content: dict[str, Any] = yaml.safe_load(render("values.yaml.j2", **variables))
        return content

    return loaded


def git_sync(content: dict[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = content["airflow"]["dags"]["gitSync"]
    return settings


def test_the_chart_depends_on_the_pinned_official_one(render: Render) -> None:
    chart = yaml.safe_load(render("Chart.yaml.j2"))
    assert chart["dependencies"] == [{"name": "airflow", "version": "1.15.0", "repository": "https://airflow.apache.org"}]
    assert chart["appVersion"] == "2.6.3"


def test_the_namespace_list_has_no_spaces_and_names_the_worker_namespaces(values: Callable[..., dict[str, Any]]) -> None:
    content = values(platform_worker_namespaces=[{"name": "core"}, {"name": "a"}, {"name": "b"}])
    config = content["airflow"]["config"]
    assert config["kubernetes_executor"]["multi_namespace_mode_namespace_list"] == "core,a,b"
    assert config["kubernetes"]["namespace_list"] == "core,a,b"
    assert content["global"]["workerNamespaces"] == {"core": {}, "a": {}, "b": {}}


def test_a_profile_is_written_as_a_part_of_a_pod(values: Callable[..., dict[str, Any]]) -> None:
    entry = {"resources": {"requests": {"cpu": 2, "memory": "4Gi"}}, "image": "a/b:1", "pull_secrets": ["pull"], "runtime_class": "gvisor"}
    content = values(platform_worker_namespaces=[{"name": "core"}, {"name": "cron", **entry}])
    assert content["global"]["workerNamespaces"]["cron"] == {
        "runtimeClassName": "gvisor",
        "imagePullSecrets": [{"name": "pull"}],
        "containers": [{"name": "base", "image": "a/b:1", "resources": {"requests": {"cpu": "2", "memory": "4Gi"}}}],
    }


def test_the_namespaces_whose_tasks_may_make_pods_are_listed(values: Callable[..., dict[str, Any]]) -> None:
    namespaces = [{"name": "core"}, {"name": "batch", "pod_operator": True}, {"name": "cron", "pod_operator": False}]
    assert values(platform_worker_namespaces=namespaces)["global"]["podOperators"] == ["batch"]
    assert values()["global"]["podOperators"] == []


def test_the_rules_know_what_every_worker_has(values: Callable[..., dict[str, Any]]) -> None:
    airflow = values()["airflow"]
    assert airflow["workers"]["resources"] == quota_rules.TASK
    assert git_sync(values())["resources"] == quota_rules.GIT_SYNC
    assert airflow["tolerations"] == chart_values.TOLERATIONS
    assert not {"nodeSelector", "affinity"} & {*airflow, *airflow["workers"]}


def test_quotas_are_written_only_where_a_namespace_has_them(values: Callable[..., dict[str, Any]]) -> None:
    content = values()
    assert not {"workerQuotas", "workerLimits"} & set(content)
    assert "task_publish_max_retries" not in content["airflow"]["config"]["kubernetes_executor"]
    entry = {"name": "etl", "quota": {"pods": 5}, "limits": [{"type": "Container", "max": {"cpu": 1}}]}
    content = values(platform_worker_namespaces=[{"name": "core"}, entry])
    assert content["workerQuotas"] == {"etl": {"pods": "5"}}
    completed = {"type": "Container", "max": {"cpu": "1"}, "default": {"cpu": "1"}, "defaultRequest": {"cpu": "1"}}
    assert content["workerLimits"] == {"etl": [completed]}
    assert content["airflow"]["config"]["kubernetes_executor"]["task_publish_max_retries"] == "-1"


def test_a_standard_of_its_own_reaches_the_policy(values: Callable[..., dict[str, Any]]) -> None:
    content = values(platform_worker_namespaces=[{"name": "core"}, {"name": "etl", "pod_security": "baseline"}])
    assert (content["global"]["podSecurity"], content["global"]["podSecurityOf"]) == ("restricted", {"etl": "baseline"})


CORE: dict[str, Any] = {
    "node_selector": {"pool": "core"},
    "tolerations": [{"key": "core", "operator": "Exists"}],
    "topology_spread": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}],
    "priority_class": "high",
}


@pytest.mark.parametrize("own", [{}, {"scheduler": {"nodeSelector": {"disk": "ssd"}}, "webserver": {"priorityClassName": "low"}}])
def test_core_pods_are_placed_and_workers_are_not(values: Callable[..., dict[str, Any]], own: dict[str, Any]) -> None:
    """What people set for one component wins; labels are joined, as the merge of values does."""
    content = values(airflow_app_core_placement=CORE, airflow_app_values=own, airflow_app_dag_processor=True)
    plain = values(airflow_app_values=own, airflow_app_dag_processor=True)
    placed: dict[str, Any] = {
        "nodeSelector": {"pool": "core"},
        "tolerations": [*chart_values.TOLERATIONS, *CORE["tolerations"]],
        "topologySpreadConstraints": CORE["topology_spread"],
        "priorityClassName": "high",
    }
    parts = ("scheduler", "triggerer", "webserver", "dagProcessor", "migrateDatabaseJob", "createUserJob")
    for part in [content["mysql"], *(content["airflow"][name] for name in parts)]:
        found = {key: part.pop(key) for key in placed}
        expected = {**placed, **({"priorityClassName": "low"} if own and part is content["airflow"]["webserver"] else {})}
        more = {"disk": "ssd"} if own and part is content["airflow"]["scheduler"] else {}
        assert found == {**expected, "nodeSelector": {**placed["nodeSelector"], **more}}
    for name in own:
        for key in own[name]:
            plain["airflow"][name].pop(key)
    assert content == plain, "nothing else differs, least of all what workers have"


def test_scheduling_is_written_as_kubernetes_names_it(values: Callable[..., dict[str, Any]]) -> None:
    affinity: dict[str, Any] = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}}
    tolerations = [{"key": "dedicated", "operator": "Equal", "value": "cron", "effect": "NoSchedule"}]
    content = values(
        platform_worker_namespaces=[
            {"name": "core"},
            {"name": "cron", "node_selector": {"pool": "cron"}, "tolerations": tolerations, "affinity": affinity},
        ]
    )
    assert content["global"]["workerNamespaces"] == {
        "core": {},
        "cron": {"nodeSelector": {"pool": "cron"}, "tolerations": tolerations, "affinity": affinity},
    }


@pytest.mark.parametrize(
    "fact",
    [
        "http://git.example.com/dags.git",
        "branch-of-dags",
        "folder/of/dags",
        "secret-with-token",
        "secret-with-key",
        "core,cron",
        "7Gi",
        "my/mysql:1",
    ],
)
def test_each_fact_stands_once_in_the_values_file(render: Render, fact: str) -> None:
    text = render(
        "values.yaml.j2",
        airflow_app_dags_repo="http://git.example.com/dags.git",
        airflow_app_dags_branch="branch-of-dags",
        airflow_app_dags_subpath="folder/of/dags",
        **secrets(credentials_secret="secret-with-token", ssh_key_secret="secret-with-key"),
        airflow_app_mysql_storage="7Gi",
        platform_mysql_image="my/mysql:1",
        platform_worker_namespaces=[{"name": "core"}, {"name": "cron"}],
    )
    assert text.count(fact) == 1


HOSTS = "git.example.com ssh-ed25519 AAAA\ngit.example.com ssh-rsa BBBB"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, ("dags-git-basic", "", "")),
        (secrets(Credentials()), ("", "", "")),
        (secrets(Credentials(ssh_key="k", known_hosts=HOSTS)), ("", "dags-git-ssh", HOSTS)),
    ],
    ids=["token", "public", "ssh"],
)
def test_three_ways_to_the_dags(values: Callable[..., dict[str, Any]], variables: dict[str, Any], expected: tuple[str, str, str]) -> None:
    settings = git_sync(values(**variables))
    assert (settings["credentialsSecret"], settings["sshKeySecret"], settings["knownHosts"]) == expected
    assert settings["ref"] == settings["branch"]


def test_the_webservers_git_sync_reads_the_same_settings(values: Callable[..., dict[str, Any]]) -> None:
    webserver = values()["airflow"]["webserver"]
    (init,), (sidecar,) = webserver["extraInitContainers"], webserver["extraContainers"]
    assert (init["name"], sidecar["name"]) == ("git-sync-init", "git-sync")
    assert init["env"] == sidecar["env"]
    read = set(re.findall(r"dags\.gitSync\.(\w+)", yaml.safe_dump(webserver)))
    assert read == {"repo", "ref", "period", "maxFailures", "credentialsSecret", "sshKeySecret", "knownHosts"}


AUTHORITY = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"


def test_an_authority_reaches_every_git_sync(values: Callable[..., dict[str, Any]]) -> None:
    content = values(**secrets(Credentials(ca=AUTHORITY)))
    airflow = content["airflow"]
    volume = {"name": "git-authority", "configMap": {"name": "airflow-git-authority"}}
    assert content["gitAuthority"].strip() == AUTHORITY
    assert git_sync(content)["env"] == [{"name": "GIT_SSL_CAINFO", "value": "/etc/git-authority/ca.crt"}]
    assert git_sync(content)["extraVolumeMounts"] == [{"name": "git-authority", "mountPath": "/etc/git-authority", "readOnly": True}]
    assert all(volume in airflow[component]["extraVolumes"] for component in ("scheduler", "triggerer", "workers", "webserver"))
    for container in airflow["webserver"]["extraInitContainers"] + airflow["webserver"]["extraContainers"]:
        assert git_sync(content)["env"][0] in container["env"]
        assert git_sync(content)["extraVolumeMounts"][0] in container["volumeMounts"]
    assert "git-authority" not in yaml.safe_dump(values())


def test_f8_your_git_sync_variables_and_the_authority_reach_every_git_sync(values: Callable[..., dict[str, Any]]) -> None:
    """With the mounts that your variables need (git-sync: issue 823)."""
    mine, mount = {"name": "GITSYNC_SUBMODULES", "value": "off"}, {"name": "more", "mountPath": "/more"}
    volume = {"name": "more", "configMap": {"name": "more"}}
    given = {"dags": {"gitSync": {"env": [mine], "extraVolumeMounts": [mount]}}, "volumes": [volume]}
    content = values(airflow_app_values=given, **secrets(Credentials(ca=AUTHORITY)))
    authority = {"name": "GIT_SSL_CAINFO", "value": "/etc/git-authority/ca.crt"}
    assert git_sync(content)["env"] == [mine, authority]
    assert [entry["name"] for entry in git_sync(content)["extraVolumeMounts"]] == ["more", "git-authority"]
    webserver = content["airflow"]["webserver"]
    for container in webserver["extraInitContainers"] + webserver["extraContainers"]:
        names = [entry["name"] for entry in container["env"]]
        assert names.count("GITSYNC_SUBMODULES") == names.count("GIT_SSL_CAINFO") == names.count("GITSYNC_REPO") == 1
        assert [entry["mountPath"] for entry in container["volumeMounts"]].count("/more") == 1
        assert {"/git", "/etc/git-authority"} <= {entry["mountPath"] for entry in container["volumeMounts"]}


def test_new_credentials_replace_every_pod_with_git_sync(values: Callable[..., dict[str, Any]]) -> None:
    version = {"gitops-airflow/airflow-version": "2.6.3", "checksum/task-logs": "fedcba9876543210"}
    version["checksum/python"] = values()["airflow"]["airflowPodAnnotations"]["checksum/python"]
    assert values()["airflow"]["airflowPodAnnotations"] == version | {"checksum/dags-credentials": "0123456789abcdef"}
    assert values(**secrets(dags_checksum=""))["airflow"]["airflowPodAnnotations"] == version


def test_another_version_is_one_variable(values: Callable[..., dict[str, Any]]) -> None:
    airflow = values(platform_airflow_version="2.10.5")["airflow"]
    assert airflow["airflowVersion"] == airflow["defaultAirflowTag"] == "2.10.5"
    assert airflow["airflowPodAnnotations"]["gitops-airflow/airflow-version"] == "2.10.5"


def test_images_by_digest(values: Callable[..., dict[str, Any]]) -> None:
    airflow = values(platform_airflow_image="registry.example.com:5000/airflow@sha256:abc")["airflow"]
    assert f"{airflow['defaultAirflowRepository']}:{airflow['defaultAirflowTag']}" == "registry.example.com:5000/airflow@sha256:abc"


@pytest.mark.parametrize(("port", "service"), [(30080, "NodePort"), (0, "ClusterIP")])
def test_a_node_port_of_zero_means_none(values: Callable[..., dict[str, Any]], port: int, service: str) -> None:
    written = values(airflow_app_webserver_node_port=port)["airflow"]["webserver"]["service"]
    assert written["type"] == service
    assert [entry["nodePort"] for entry in written.get("ports", [])] == ([port] if port else [])


def test_v14_merged_values_are_the_same_text_on_every_ansible_core(render: Render) -> None:
    """ansible-core 2.18 wrote anchors where the template shares a list or dictionary; the file is read by people and compared by Git."""
    text = render("values.yaml.j2", airflow_app_values={"webserver": {"replicas": 2}})
    assert not re.search(r"[&*]id\d+", text)
    assert yaml.safe_load(text)["airflow"]["webserver"]["replicas"] == 2


def test_your_own_values_are_merged_over_the_platforms(values: Callable[..., dict[str, Any]]) -> None:
    plain = values()
    merged = values(airflow_app_values={"webserver": {"replicas": 2}, "config": {"webserver": {"workers": 4}}})
    assert merged["airflow"]["webserver"].pop("replicas") == 2
    plain["airflow"]["config"]["webserver"]["workers"] = 4
    assert merged == plain


MINE = [{"name": "X", "value": "y"}]
LISTS = [
    ("env",),
    ("scheduler", "env"),
    ("scheduler", "extraVolumes"),
    ("scheduler", "extraVolumeMounts"),
    ("triggerer", "env"),
    ("triggerer", "extraVolumes"),
    ("workers", "env"),
    ("webserver", "env"),
    ("webserver", "extraVolumes"),
    ("webserver", "extraContainers"),
    ("webserver", "extraInitContainers"),
    ("createUserJob", "env"),
]


@pytest.mark.parametrize("path", LISTS, ids=".".join)
def test_f20_a_list_of_your_own_keeps_the_platforms_entries(values: Callable[..., dict[str, Any]], path: tuple[str, ...]) -> None:
    given: Any = MINE
    for key in reversed(path):
        given = {key: given}
    before, after = values()["airflow"], values(airflow_app_values=given)["airflow"]
    for key in path:
        before, after = before[key], after[key]
    assert before
    assert after == MINE + before


def in_every_container(airflow: dict[str, Any]) -> tuple[Any, Any, Any]:
    return (
        {entry["name"]: entry["value"] for entry in airflow["env"]}["PYTHONPATH"],
        [entry for entry in airflow["volumes"] if entry["name"] == "gitops-airflow"],
        [entry for entry in airflow["volumeMounts"] if entry["name"] == "gitops-airflow"],
    )


@pytest.mark.parametrize("given", [{}, {"env": [{"name": "TEAM", "value": "a"}], "volumes": [{"name": "x"}], "volumeMounts": []}])
def test_the_platforms_folder_comes_first_in_every_container(values: Callable[..., dict[str, Any]], given: dict[str, Any]) -> None:
    """D3. Lists of one's own cannot undo it."""
    airflow = values(airflow_app_values=given)["airflow"]
    path, (volume,), (mount,) = in_every_container(airflow)
    assert path == mount["mountPath"] == "/opt/gitops-airflow"
    assert volume["configMap"] == {"name": "airflow-python"}
    assert mount["readOnly"] is True
    assert [airflow[job]["applyCustomEnv"] for job in ("migrateDatabaseJob", "createUserJob")] == [True, True]
    assert given.get("env", [])[:1] == [entry for entry in airflow["env"] if entry["name"] == "TEAM"]


@pytest.mark.parametrize("path", sorted((STATIC / "python").glob("*.py")), ids=lambda path: path.stem)
def test_changed_python_files_replace_every_pod(
    values: Callable[..., dict[str, Any]], defaults: dict[str, Any], tmp_path: Path, path: Path
) -> None:
    """Where Ansible looks for the file first, another one is found."""
    other = tmp_path / "files" / CHART / "python" / path.name
    other.parent.mkdir(parents=True)
    other.write_text("# another\n")
    checksums = [
        values(**given)["airflow"]["airflowPodAnnotations"]["checksum/python"]
        for given in ({"airflow_app_logs": "none"}, {}, {"ansible_search_path": [str(tmp_path), *defaults["ansible_search_path"]]})
    ]
    assert len(set(checksums)) == 3


def test_jobs_are_hooks_of_argo_cd_before_airflow(values: Callable[..., dict[str, Any]]) -> None:
    airflow = values()["airflow"]
    for job, wave in (("migrateDatabaseJob", "1"), ("createUserJob", "2")):
        assert airflow[job]["useHelmHooks"] is False
        assert airflow[job]["jobAnnotations"] == {
            "argocd.argoproj.io/hook": "Sync",
            "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation",
            "argocd.argoproj.io/sync-wave": wave,
        }
    assert {airflow[name]["annotations"]["argocd.argoproj.io/sync-wave"] for name in ("scheduler", "triggerer", "webserver")} == {"3"}


def test_nothing_is_left_to_chance_at_each_render(values: Callable[..., dict[str, Any]]) -> None:
    """The chart makes a random Secret, so endless drift, wherever one of these is not named."""
    airflow = values()["airflow"]
    assert airflow["data"] == {"metadataSecretName": "airflow-metadata", "brokerUrlSecretName": "none"}
    assert airflow["fernetKeySecretName"] == "airflow-fernet-key"
    assert airflow["webserverSecretKeySecretName"] == "airflow-webserver-secret-key"
    assert airflow["redis"]["enabled"] is False


def test_workers_get_no_token_and_the_chart_makes_no_roles(values: Callable[..., dict[str, Any]]) -> None:
    airflow = values()["airflow"]
    assert airflow["workers"]["serviceAccount"]["automountServiceAccountToken"] is False
    assert (airflow["rbac"]["create"], airflow["multiNamespaceMode"]) == (False, False)


SETTINGS = json.dumps(
    {
        "workerNamespaces": {"core": {}, "cron": {"nodeSelector": {"pool": "cron"}}},
        "defaultNamespace": "core",
        "core": "core",
        "release": "airflow-core",
        "account": "the-worker",
        "image": "airflow:1",
        "taskReferences": {"secrets": ["mine"], "configMaps": [], "claims": []},
        "tokenAudiences": ["vault"],
        "podSecurity": "restricted",
        "podSecurityOf": {"cron": "baseline"},
        "podOperators": ["cron"],
    }
)


def test_the_policy_is_python_inside_a_helm_definition(
    render: Render, values: Callable[..., dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(STATIC / "python"))
    source = (STATIC / "airflow_local_settings.py").read_text()
    assert "{{" not in source
    assert "}}" not in source
    text = render("templates/_local_settings.tpl.j2")
    assert source.strip() in text
    found = re.search(r'\{\{- define "([\w.]+)" -}}\n(.*)\n\{\{- end }}', text, re.DOTALL)
    assert found
    assert found[1] in values()["airflow"]["airflowLocalSettings"]
    python = found[2]
    head, _configure, tail = python.rpartition("configure(r'''")
    expressions, quotes, rest = tail.partition("''')")
    assert expressions.startswith("{{ dict ")
    assert rest.strip() == ""
    python = re.sub(r"\{\{.*?}}", "", head) + f"configure(r'''{SETTINGS}{quotes}"
    assert "{{" not in python
    (tmp_path / "worker-pod.json").write_text('{"spec": {"volumes": [{"configMap": {"name": "airflow-config"}}]}}')
    settings: dict[str, Any] = {"__file__": str(tmp_path / "airflow_local_settings.py")}
    exec(compile(python, "policy", "exec"), settings)
    assert settings["WORKER_NAMESPACES"] == {"core": {}, "cron": {"nodeSelector": {"pool": "cron"}}}
    limits = settings["LIMITS"]
    assert (limits.account, limits.core, limits.audiences) == ("the-worker", "core", {"vault"})
    assert limits.restricted == {"core"}
    assert limits.references == {("ConfigMap", "airflow-config"), ("Secret", "mine")}


def test_the_namespace_of_tasks_that_name_none(values: Callable[..., dict[str, Any]]) -> None:
    """D4."""
    content = values()
    assert content["airflow"]["config"]["kubernetes_executor"]["namespace"] == "airflow-core"
    assert content["global"]["coreTasks"] is True
    assert content["global"]["taskReferences"] == {"secrets": [], "configMaps": [], "claims": []}
    assert content["global"]["tokenAudiences"] == []
    assert content["global"]["podSecurity"] == "restricted"
    given = {"airflow_app_task_secrets": ["a"], "airflow_app_task_token_audiences": ["vault"]}
    content = values(airflow_app_default_namespace="airflow-user", airflow_app_core_tasks=False, **given)
    assert content["global"]["tokenAudiences"] == ["vault"]
    assert content["airflow"]["config"]["kubernetes_executor"]["namespace"] == "airflow-user"
    assert content["global"]["coreTasks"] is False
    assert content["global"]["taskReferences"]["secrets"] == ["a"]


def test_a_triggerer_is_dead_only_after_several_heartbeats(values: Callable[..., dict[str, Any]]) -> None:
    """F16. Airflow 2.6 allows 2.1 times [scheduler] job_heartbeat_sec of the process that asks; a heartbeat every 5 s may be 10 s late."""
    airflow = values()["airflow"]
    for asks in ("triggerer", "webserver"):
        (seconds,) = [float(entry["value"]) for entry in airflow[asks]["env"] if entry["name"] == "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC"]
        assert 2.1 * seconds > 2 * (5 + 10)
    assert "triggerer" not in airflow["config"]


def test_d2_the_option_only_adds_to_the_values_file(render: Render) -> None:
    """Without it nothing of a platform changes. The logs' variable stands in the same list."""
    for logs in ("embedded", "none"):
        off, on = (render("values.yaml.j2", airflow_app_dag_processor=given, airflow_app_logs=logs).splitlines() for given in (False, True))
        changes = [line for line in difflib.ndiff(off, on) if not line.startswith("  ")]
        assert changes
        assert all(line.startswith("+ ") for line in changes)
        assert "processor" not in str(off).lower()


@pytest.mark.parametrize("logs", ["embedded", "none"])
def test_d2_the_dag_processor_has_no_token(values: Callable[..., dict[str, Any]], logs: str) -> None:
    airflow = values(airflow_app_dag_processor="yes", airflow_app_logs=logs)["airflow"]
    processor = airflow["dagProcessor"]
    assert processor["enabled"] is True
    assert processor["serviceAccount"] == {"automountServiceAccountToken": False}
    standalone = {"name": "AIRFLOW__SCHEDULER__STANDALONE_DAG_PROCESSOR", "value": "True"}
    assert [name for name, part in airflow.items() if isinstance(part, dict) and standalone in (part.get("env") or [])] == [
        "scheduler",
        "dagProcessor",
    ]
    connections = [entry for entry in processor["env"] if "valueFrom" in entry]
    assert [entry["valueFrom"]["secretKeyRef"]["name"] for entry in connections] == (["airflow-task-logs"] if logs == "embedded" else [])
    for name in ("annotations", "securityContexts", "waitForMigrations", "logGroomerSidecar"):
        assert processor[name] == airflow["triggerer"][name]
    for name in ("extraVolumes", "extraVolumeMounts"):
        assert processor[name] == [entry for entry in airflow["triggerer"][name] if entry["name"] != "kube-api-access"]


def test_d2_a_dag_processor_is_dead_only_after_several_heartbeats(values: Callable[..., dict[str, Any]]) -> None:
    """F16. As a triggerer, but the variable is the probe's alone: the processor itself takes it for the time between its heartbeats."""
    processor = values(airflow_app_dag_processor=True)["airflow"]["dagProcessor"]
    (seconds,) = re.findall(r"AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC=(\d+) ", processor["livenessProbe"]["command"][-1])
    assert 2.1 * int(seconds) > 2 * (5 + 10)
    assert "HEARTBEAT" not in str(processor["env"])


def test_the_configuration_says_which_worker_pods_stay(values: Callable[..., dict[str, Any]]) -> None:
    """F19. A failed task is not a failed worker."""
    executor = values()["airflow"]["config"]["kubernetes_executor"]
    assert (executor["delete_worker_pods"], executor["delete_worker_pods_on_failure"]) == ("True", "False")


def test_mysqls_service_selects_a_label_that_workers_cannot_have() -> None:
    """D4. The StatefulSet's own selector cannot change, and the Service's changes when the pod has the label."""
    text = re.sub(r"\{\{.*?}}", "x", (STATIC / "templates/mysql.yaml").read_text())
    service, stateful = yaml.safe_load_all("\n".join(line for line in text.splitlines() if line.strip() != "x"))
    selector, labels = service["spec"]["selector"], stateful["spec"]["template"]["metadata"]["labels"]
    assert selector.items() <= labels.items()
    assert selector["gitops-airflow/endpoint"] == "mysql"
    assert stateful["spec"]["selector"]["matchLabels"] == {"tier": "airflow", "component": "mysql", "release": "x"}
    waves = [int(item["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"]) for item in (service, stateful)]
    assert waves[0] > waves[1]


@pytest.mark.parametrize("given", [{}, {"platform_name": "stage"}, {"platform_name": "stage", "platform_prefix": "airflow"}])
def test_the_examples_name_both_worker_namespaces_of_any_platform(
    values: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch, given: dict[str, Any]
) -> None:
    """The files are run as Airflow runs them, in a container with the variables of the chart's values."""
    rendered = values(**given)
    prefix = {entry["name"]: entry["value"] for entry in rendered["airflow"]["env"]}[PREFIX_VARIABLE]
    monkeypatch.setenv(PREFIX_VARIABLE, prefix)
    airflow = MagicMock()
    names = ("airflow", "airflow.operators", "airflow.operators.bash", "kubernetes", "kubernetes.client", "kubernetes.client.models")
    for name in names:
        monkeypatch.setitem(sys.modules, name, airflow)
    airflow.models.V1ObjectMeta = dict
    airflow.models.V1Pod = dict
    for path in (ROLES / "airflow_app/files/dags").glob("*.py"):
        exec(compile(path.read_text(), path, "exec"), {})
    calls = [call.kwargs for call in airflow.BashOperator.call_args_list]
    configs = [str(call["executor_config"]) for call in calls]
    named = set(re.findall(r"'namespace': '([\w-]+)'", " ".join(configs)))
    assert named == {f"{prefix}-cron", f"{prefix}-user"}
    assert named < set(rendered["global"]["workerNamespaces"])
    said = {call["bash_command"].partition(",")[0].replace(f"${PREFIX_VARIABLE}", prefix) for call in calls}
    assert said == {f'echo "hello from {name}' for name in named}


def test_mysqls_claim_is_spelled_out() -> None:
    """What the API server fills in counts as a difference for Argo CD."""
    text = (STATIC / "templates/mysql.yaml").read_text()
    claims = text[text.index("volumeClaimTemplates") :]
    for filled_in in ("apiVersion: v1", "kind: PersistentVolumeClaim", "volumeMode: Filesystem"):
        assert filled_in in claims
    assert "--skip-name-resolve" in text


def test_f1_the_webserver_has_a_key_of_its_own_for_the_task_logs(values: Callable[..., dict[str, Any]]) -> None:
    airflow = values()["airflow"]
    secrets = {
        component: [entry["valueFrom"]["secretKeyRef"]["name"] for entry in airflow[component]["env"] if "valueFrom" in entry]
        for component in ("webserver", "scheduler", "triggerer", "workers")
    }
    workers = ["airflow-task-logs"]
    webserver = ["airflow-webserver-secret-key", "airflow-task-logs-webserver"]
    assert secrets == {"webserver": webserver, "scheduler": workers, "triggerer": workers, "workers": workers}
    assert airflow["config"]["logging"]["remote_base_log_folder"] == "s3://task-logs"
    assert airflow["config"]["logging"]["remote_task_handler_kwargs"] == '{"class": "gitops_task_logs.TaskLogHandler"}'


def test_f1_no_store_leaves_no_trace(values: Callable[..., dict[str, Any]]) -> None:
    airflow = values(airflow_app_logs="none")["airflow"]
    assert "task" not in str([airflow[component].get("env") for component in ("webserver", "scheduler", "triggerer", "workers")]).lower()
    assert "logging" not in airflow["config"]
    assert "checksum/task-logs" not in airflow["airflowPodAnnotations"]


def test_f1_variables_of_your_own_do_not_replace_the_key_of_the_task_logs(values: Callable[..., dict[str, Any]]) -> None:
    own = {component: {"env": [{"name": "TEAM", "value": "a"}]} for component in ("webserver", "scheduler", "triggerer", "workers")}
    airflow = values(airflow_app_values=own)["airflow"]
    names = {component: [entry["name"] for entry in airflow[component]["env"]] for component in own}
    assert all(entries[0] == "TEAM" and "AIRFLOW_CONN_TASK_LOGS" in entries for entries in names.values())


def test_airflow_uses_the_image_that_was_built(values: Callable[..., dict[str, Any]]) -> None:
    built = {"__airflow_app_built": {"image": "localhost/gitops-airflow/airflow:2.6.3-0123456789ab"}}
    airflow = values(airflow_app_python_requirements="requirements.txt", **built)["airflow"]
    found = (airflow["defaultAirflowRepository"], airflow["defaultAirflowTag"])
    assert found == ("localhost/gitops-airflow/airflow", "2.6.3-0123456789ab")
    # Without the variable, an image of an earlier run does not count.
    airflow = values(**built)["airflow"]
    assert (airflow["defaultAirflowRepository"], airflow["defaultAirflowTag"]) == ("apache/airflow", "2.6.3")

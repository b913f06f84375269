# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F9: what people's chart values name must exist in the namespace of every pod that uses it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Ref
from ansible_collections.gitops.airflow.plugins.module_utils._platform.references import refusals, wanted
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Repository, Settings

INSIDE = Repository("platform", "http://gitea.git.svc.cluster.local:3000/gitops/platform.git", embedded=True)
AIRFLOW = AirflowSettings(INSIDE, replace(INSIDE, kind="dags"), default_namespace="airflow-core")
GIVEN = Settings(worker_namespaces=("airflow-core", "airflow-cron"), airflow=AIRFLOW)
CORE, CRON = "airflow-core", "airflow-cron"
BOTH = (CORE, CRON)
SECRET = [{"envName": "DB", "secretName": "db", "secretKey": "password"}]
FROM_SECRET = [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "db", "key": "k"}}}]


def given(values: Any, **more: Any) -> AirflowSettings:
    return replace(AIRFLOW, values=values, **more)


@pytest.mark.parametrize(
    ("values", "kind", "name", "keys", "namespaces"),
    [
        ({"secret": SECRET}, "Secret", "db", {"password"}, BOTH),
        ({"env": FROM_SECRET}, "Secret", "db", {"k"}, BOTH),
        ({"env": [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}]}, "ConfigMap", "c", {"k"}, BOTH),
        ({"extraEnvFrom": "- secretRef: {name: db}\n- configMapRef: {name: opt, optional: true}"}, "Secret", "db", set(), BOTH),
        ({"extraEnv": "- name: X\n  valueFrom: {secretKeyRef: {name: db, key: k}}"}, "Secret", "db", {"k"}, BOTH),
        ({"volumes": [{"name": "v", "secret": {"secretName": "db", "items": [{"key": "a", "path": "p"}]}}]}, "Secret", "db", {"a"}, BOTH),
        ({"volumes": [{"name": "v", "configMap": {"name": "c"}}]}, "ConfigMap", "c", set(), BOTH),
        ({"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "db"}}]}}]}, "Secret", "db", set(), BOTH),
        ({"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "d"}}]}, "PersistentVolumeClaim", "d", set(), BOTH),
        ({"logs": {"persistence": {"enabled": True, "existingClaim": "l"}}}, "PersistentVolumeClaim", "l", set(), BOTH),
        ({"imagePullSecrets": [{"name": "pull"}]}, "Secret", "pull", set(), BOTH),
        ({"registry": {"secretName": "pull"}}, "Secret", "pull", set(), BOTH),
        ({"fernetKeySecretName": "mine"}, "Secret", "mine", {"fernet-key"}, BOTH),
        ({"dags": {"gitSync": {"sshKeySecret": "mine"}}}, "Secret", "mine", {"gitSshKey"}, BOTH),
        ({"dags": {"gitSync": {"env": FROM_SECRET}}}, "Secret", "db", {"k"}, BOTH),
        ({"workers": {"env": FROM_SECRET}}, "Secret", "db", {"k"}, BOTH),
        ({"workers": {"extraInitContainers": [{"name": "i", "envFrom": [{"secretRef": {"name": "db"}}]}]}}, "Secret", "db", set(), BOTH),
        (
            {"extraEnv": "- {name: R, value: '{{ .Release.Name }}'}\n- name: X\n  valueFrom: {secretKeyRef: {name: db, key: k}}"},
            "Secret",
            "db",
            {"k"},
            BOTH,
        ),
        ({"dags": {"gitSync": {"envFrom": "- secretRef: {name: db}"}}}, "Secret", "db", set(), BOTH),
        ({"volumes": [{"name": "v", "csi": {"driver": "d", "nodePublishSecretRef": {"name": "db"}}}]}, "Secret", "db", set(), BOTH),
        ({"podTemplate": "spec: {volumes: [{name: v, secret: {secretName: db}}]}"}, "Secret", "db", set(), BOTH),
        ({"scheduler": {"env": FROM_SECRET}}, "Secret", "db", {"k"}, (CORE,)),
        ({"webserver": {"extraVolumes": [{"name": "v", "secret": {"secretName": "db"}}]}}, "Secret", "db", set(), (CORE,)),
        # The platform makes it in its own namespace alone.
        (
            {"env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "airflow-admin", "key": "k"}}}]},
            "Secret",
            "airflow-admin",
            {"k"},
            (CRON,),
        ),
        # The chart renders it there.
        ({"extraSecrets": {"db": {"data": "x"}}, "secret": SECRET}, "Secret", "db", {"password"}, (CRON,)),
    ],
)
def test_f9_what_values_name(values: dict[str, Any], kind: str, name: str, keys: set[str], namespaces: tuple[str, ...]) -> None:
    found = wanted(GIVEN, given(values))
    assert {(ref.kind, ref.name, ref.namespace) for ref in found} == {(kind, name, namespace) for namespace in namespaces}
    assert all({key for reference in references for key in reference.keys} == keys for references in found.values())


@pytest.mark.parametrize(
    "values",
    [
        None,
        {},
        "text",
        {"env": [{"name": "X", "value": "y"}], "volumes": [{"name": "v", "emptyDir": {}}]},
        {"env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "db", "key": "k", "optional": True}}}]},
        {"volumes": [{"name": "v", "secret": {"secretName": "{{ .Release.Name }}-x"}}]},
        {"extraEnv": "{{- if x }}", "extraEnvFrom": "a: b: c"},
        {"extraEnv": "- name: {{ .Release.Name }}", "podTemplate": "{{ include 'x' . }}"},
        {"secret": [{"envName": "X", "secretName": "airflow-fernet-key", "secretKey": "fernet-key"}]},
        {"volumes": [{"name": "v", "configMap": {"name": "airflow-config"}}]},
        {
            "logs": {"persistence": {"enabled": False, "existingClaim": "l"}},
            "dags": {"persistence": {"enabled": True, "existingClaim": None}},
        },
        {"scheduler": {"env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "airflow-mysql", "key": "username"}}}]}},
        {"flower": {"env": FROM_SECRET}, "secret": "text", "imagePullSecrets": {"a": "b"}},
    ],
)
def test_nothing_is_named(values: Any) -> None:
    assert wanted(GIVEN, given(values)) == {}


def test_workers_of_the_core_namespace_count_only_where_tasks_run_there() -> None:
    values = {"workers": {"env": FROM_SECRET}}
    assert [ref.namespace for ref in wanted(GIVEN, given(values, core_tasks=False))] == [CRON]


def test_d2_the_dag_processor_counts_where_it_runs() -> None:
    values = {"dagProcessor": {"env": FROM_SECRET}}
    assert wanted(GIVEN, given(values)) == {}
    assert [ref.namespace for ref in wanted(GIVEN, given(values, dag_processor=True))] == [CORE]


IN_CORE, IN_CRON = Ref("Secret", CORE, "db"), Ref("Secret", CRON, "db")
PASSWORD = frozenset({"password", "user"})


@pytest.mark.parametrize(
    ("there", "namespaces", "value", "words", "action"),
    [
        (
            {IN_CORE: PASSWORD, IN_CRON: None},
            BOTH,
            "airflow-cron/db",
            "airflow_app_values names the Secret db in secret, but it does not exist in airflow-cron. A pod can use only",
            "for example: kubectl -n airflow-cron create secret generic db --from-file=password. Then",
        ),
        # A namespace that does not exist is not looked into.
        (
            {IN_CORE: None},
            (CORE,),
            "airflow-core/db, airflow-cron/db",
            "it does not exist in airflow-core, airflow-cron.",
            "kubectl create namespace airflow-cron; kubectl -n airflow-core create secret generic db --from-file=password; kubectl -n",
        ),
        (
            {IN_CORE: PASSWORD, IN_CRON: frozenset({"user"})},
            BOTH,
            "airflow-cron/db",
            "but the one of airflow-cron lacks password.",
            "kubectl -n airflow-cron create secret generic db --from-file=password",
        ),
    ],
)
def test_f9_what_workers_would_miss_is_refused(
    there: dict[Ref, frozenset[str] | None], namespaces: tuple[str, ...], value: str, words: str, action: str
) -> None:
    (refusal,) = refusals(GIVEN, given({"secret": SECRET}), there, namespaces)
    assert (refusal.code, refusal.value) == ("missing_reference", value)
    assert words in refusal.message
    assert action in refusal.next_action


def test_f9_nothing_is_refused_where_everything_is_there() -> None:
    there = {IN_CORE: PASSWORD, IN_CRON: PASSWORD}
    assert list(refusals(GIVEN, given({"secret": SECRET}), there, BOTH)) == []
    assert list(refusals(GIVEN, given({}), {}, ())) == []


def test_d7_a_key_of_ones_own_is_needed_by_the_webserver_alone() -> None:
    assert [ref.namespace for ref in wanted(GIVEN, given({"webserverSecretKeySecretName": "mine"}))] == [CORE]
    assert list(wanted(GIVEN, given({"webserverSecretKeySecretName": "airflow-webserver-secret-key"}))) == []
    # What the collection no longer makes in the other namespaces.
    entry = {"envName": "KEY", "secretName": "airflow-webserver-secret-key", "secretKey": "webserver-secret-key"}
    assert [ref.namespace for ref in wanted(GIVEN, given({"secret": [entry]}))] == ["airflow-cron"]


def test_f9_a_volume_claim_and_a_config_map() -> None:
    values = {"volumes": [{"name": "a", "persistentVolumeClaim": {"claimName": "data"}}, {"name": "b", "configMap": {"name": "c"}}]}
    claim, config_map = refusals(GIVEN, given(values), {}, BOTH)
    assert claim.next_action == "Create the volume claim data in airflow-core, airflow-cron, and run the same command again."
    assert "kubectl -n airflow-cron create configmap c --from-file=KEY" in config_map.next_action

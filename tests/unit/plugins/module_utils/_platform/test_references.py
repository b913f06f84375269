# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F9: what people's chart values name must exist in the namespace of every pod that uses it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Ref
from ansible_collections.gitops.airflow.plugins.module_utils._platform.references import log_store_notes, notes, parsed, refusals, wanted
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Logs, Repository, Settings

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
        # Of another form than the chart's schema or the API server takes.
        ({"volumes": [{"name": "v", "secret": {"secretName": "db", "items": 5}}]}, "Secret", "db", set(), (CORE, CRON)),
        ({"volumes": [{"name": "v", "secret": {"secretName": "db", "items": ["key", {"path": "p"}]}}]}, "Secret", "db", set(), BOTH),
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
        # Of another form: the chart refuses it.
        {"extraSecrets": 5, "extraConfigMaps": ["x"], "secret": 5, "imagePullSecrets": 5},
        {"fernetKeySecretName": 5},
        {"fernetKeySecretName": ""},
        # Only existingClaim names a claim, and only envFrom is YAML in a text.
        {"logs": {"persistence": {"enabled": True, "storageClassName": "fast"}}},
        {"workers": {"args": "secretRef: {name: db}"}},
    ],
)
def test_nothing_is_named(values: Any) -> None:
    assert wanted(GIVEN, given(values)) == {}


@pytest.mark.parametrize(
    ("text", "plain", "quoted"),
    [
        ("a: b", {"a": "b"}, {"a": "b"}),
        ("a: '{{ .x }}'", None, {"a": "{{ .x }}"}),
        ("a: {{ .x }}", None, None),
        (5, None, None),
    ],
)
def test_yaml_in_a_text(text: Any, plain: Any, quoted: Any) -> None:
    assert (parsed(text), parsed(text, quoted=True)) == (plain, quoted)


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


# What the run copies


def copied(values: Any, *names: str, **more: Any) -> AirflowSettings:
    return given(values, worker_secrets=names, **more)


def test_f9_of_a_copied_object_the_source_counts() -> None:
    assert list(wanted(GIVEN, copied({"secret": SECRET}, "db"))) == [IN_CORE]
    # Also if workers alone use it, and none of them runs in the core namespace.
    assert list(wanted(GIVEN, copied({"workers": {"env": FROM_SECRET}}, "db", core_tasks=False))) == [IN_CORE]
    assert list(wanted(GIVEN, given({"secret": SECRET}, worker_config_maps=("db",)))) == [IN_CORE, IN_CRON]
    assert list(refusals(GIVEN, copied({"secret": SECRET}, "db"), {IN_CORE: PASSWORD}, BOTH)) == []


def test_f9_a_source_without_the_key_is_refused_and_a_missing_one_elsewhere() -> None:
    (refusal,) = refusals(GIVEN, copied({"secret": SECRET}, "db"), {IN_CORE: frozenset({"user"})}, BOTH)
    assert (refusal.value, "the one of airflow-core lacks password" in refusal.message) == ("airflow-core/db", True)
    assert "worker_secrets" not in refusal.next_action
    assert list(refusals(GIVEN, copied({"secret": SECRET}, "db"), {IN_CORE: None}, BOTH)) == []


ADD = "Add db to airflow_app_worker_secrets: then each run copies it from airflow-core to the other worker namespaces. Or create it there"
FIRST = f"Create it in airflow-core. {ADD}"


@pytest.mark.parametrize(
    ("values", "there", "action"),
    [
        ({"secret": SECRET}, {IN_CORE: PASSWORD, IN_CRON: None}, ADD),
        ({"secret": SECRET}, {IN_CORE: None, IN_CRON: None}, FIRST),
        ({"secret": SECRET}, {IN_CORE: frozenset({"user"}), IN_CRON: None}, FIRST),
        ({"extraEnvFrom": "- secretRef: {name: db}"}, {IN_CORE: None, IN_CRON: None}, FIRST),
        ({"secret": SECRET}, {IN_CORE: None, IN_CRON: PASSWORD}, "Create it there"),
        # A copy would be refused: others have made it.
        ({"secret": SECRET}, {IN_CORE: PASSWORD, IN_CRON: frozenset({"user"})}, "Create it there"),
        ({"scheduler": {"env": FROM_SECRET}}, {IN_CORE: None}, "Create it there"),
        # The chart makes it later.
        ({"extraSecrets": {"db": {}}, "secret": SECRET}, {IN_CRON: None}, "Create it there"),
    ],
)
def test_f9_the_next_step_names_the_variable_where_a_copy_helps(values: Any, there: dict[Ref, frozenset[str] | None], action: str) -> None:
    (refusal,) = refusals(GIVEN, given(values), there, BOTH)
    assert refusal.next_action.startswith(action)


def test_f9_the_next_step_names_the_variable_for_config_maps_and_not_for_the_platforms_own() -> None:
    values = {"volumes": [{"name": "v", "configMap": {"name": "c"}}]}
    (refusal,) = refusals(GIVEN, given(values), {Ref("ConfigMap", CORE, "c"): PASSWORD, Ref("ConfigMap", CRON, "c"): None}, BOTH)
    assert refusal.next_action.startswith("Add c to airflow_app_worker_config_maps: then")
    entry = {"envName": "KEY", "secretName": "airflow-admin", "secretKey": "password"}
    (refusal,) = refusals(GIVEN, given({"secret": [entry]}), {Ref("Secret", CRON, "airflow-admin"): None}, BOTH)
    assert "worker_secrets" not in refusal.next_action
    # What is not looked up because only workers elsewhere use it.
    (refusal,) = refusals(GIVEN, given({"workers": {"env": FROM_SECRET}}, core_tasks=False), {IN_CRON: None}, BOTH)
    assert refusal.next_action.startswith(ADD)


def test_f9_a_copy_that_the_run_deletes_counts_as_missing() -> None:
    there = {IN_CORE: PASSWORD, IN_CRON: PASSWORD}
    (refusal,) = refusals(GIVEN, given({"secret": SECRET}), there, BOTH, [IN_CRON])
    assert refusal.value == "airflow-cron/db"
    assert "airflow_app_worker_secrets no longer names it, so the run deletes the copy in airflow-cron." in refusal.message
    assert "does not exist" not in refusal.message
    assert refusal.next_action.startswith(ADD)


# Pull secrets of profiles
PULLS = replace(GIVEN, profiles=({"name": CORE}, {"name": CRON, "pull_secrets": ["pull"]}))
PULL_CORE, PULL_CRON = Ref("Secret", CORE, "pull"), Ref("Secret", CRON, "pull")


@pytest.mark.parametrize(
    ("profile", "more", "found"),
    [
        ({"name": CRON, "pull_secrets": ["pull"]}, {}, [PULL_CRON]),
        ({"name": CRON, "pull_secrets": None}, {}, []),
        ({"name": CRON}, {}, []),
        ({"name": CRON, "pull_secrets": ["pull"]}, {"worker_secrets": ("pull",)}, [PULL_CORE]),
        ({"name": CORE, "pull_secrets": ["pull"]}, {}, [PULL_CORE]),
        ({"name": CORE, "pull_secrets": ["pull"]}, {"core_tasks": False}, []),
        ({"name": CRON, "pull_secrets": ["pull"]}, {"core_tasks": False}, [PULL_CRON]),
        # The chart makes it there.
        ({"name": CORE, "pull_secrets": ["pull"]}, {"values": {"extraSecrets": {"pull": {}}}}, []),
        # What the rules for profiles refuse.
        ({"name": CRON, "pull_secrets": ["Bad_Name", "airflow-fernet-key"]}, {}, []),
    ],
)
def test_a_profiles_pull_secrets_are_needed_where_its_workers_run(profile: dict[str, Any], more: dict[str, Any], found: list[Ref]) -> None:
    assert list(wanted(replace(GIVEN, profiles=(profile,)), replace(AIRFLOW, **more))) == found


@pytest.mark.parametrize(
    ("there", "namespaces", "action"),
    [
        ({PULL_CRON: None}, BOTH, "Add pull to airflow_app_worker_secrets: then each run copies it from airflow-core"),
        (
            {PULL_CORE: None, PULL_CRON: None},
            BOTH,
            "create secret generic pull --type=kubernetes.io/dockerconfigjson --from-file=.dockerconfigjson=FILE. Then",
        ),
    ],
)
def test_a_pull_secret_that_does_not_exist_is_refused(
    there: dict[Ref, frozenset[str] | None], namespaces: tuple[str, ...], action: str
) -> None:
    (refusal,) = refusals(PULLS, AIRFLOW, there, namespaces)
    assert (refusal.code, refusal.value) == ("missing_reference", "airflow-cron/pull")
    said = "platform_worker_namespaces names the Secret pull in pull_secrets, but it does not exist in airflow-cron."
    assert (
        refusal.message
        == f"{said} A pod can use only what is in its own namespace, so images that need it could not be pulled for pods there."
    )
    assert action in refusal.next_action


def test_a_pull_secret_that_exists_or_is_copied_is_not_refused() -> None:
    kept = frozenset({".dockerconfigjson"})
    assert list(refusals(PULLS, AIRFLOW, {PULL_CRON: kept}, BOTH)) == []
    assert list(refusals(PULLS, copied({}, "pull"), {PULL_CORE: kept}, (CORE,))) == []


def test_a_secret_that_values_and_a_profile_name_is_one_refusal() -> None:
    (refusal,) = refusals(PULLS, given({"imagePullSecrets": [{"name": "pull"}]}), {}, BOTH)
    assert refusal.value == "airflow-core/pull, airflow-cron/pull"
    assert refusal.message.startswith(
        "airflow_app_values names the Secret pull in imagePullSecrets, platform_worker_namespaces in pull_secrets, but it does not exist in"
    )


# A pull secret in a namespace that does not exist yet
NAMES_PULL = "platform_worker_namespaces names the Secret pull in pull_secrets. It cannot exist yet in "
ADD_PULL = "Add pull to airflow_app_worker_secrets: then each run copies it from airflow-core to the other worker namespaces."
CREATE_CRON = "kubectl -n airflow-cron create secret generic pull --type=kubernetes.io/dockerconfigjson --from-file=.dockerconfigjson=FILE."
PULLS_CORE = replace(GIVEN, profiles=({"name": CORE, "pull_secrets": ["pull"]}, {"name": CRON}))
FROM_PULL = [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "pull", "key": "k"}}}]
FOR_ALL = given({"imagePullSecrets": [{"name": "pull"}]})


@pytest.mark.parametrize(
    ("settings", "airflow", "there", "namespaces", "noted", "refused"),
    [
        # The namespace of a profile: another program may make the Secret once it exists.
        (PULLS, AIRFLOW, {}, (CORE,), "airflow-cron", ""),
        (PULLS, AIRFLOW, {}, (), "airflow-cron", ""),
        (PULLS_CORE, AIRFLOW, {}, (), "airflow-core", ""),
        # It exists without the Secret.
        (PULLS, AIRFLOW, {PULL_CRON: None}, BOTH, "", "airflow-cron/pull"),
        (PULLS_CORE, AIRFLOW, {PULL_CORE: None}, (CORE,), "", "airflow-core/pull"),
        # Airflow's own pods need it before the run ends.
        (GIVEN, FOR_ALL, {}, (), "airflow-cron", "airflow-core/pull"),
        (GIVEN, given({"registry": {"secretName": "pull"}}), {}, (), "airflow-cron", "airflow-core/pull"),
        (PULLS_CORE, FOR_ALL, {}, (), "airflow-cron", "airflow-core/pull"),
        (GIVEN, FOR_ALL, {PULL_CORE: frozenset({".dockerconfigjson"})}, (CORE,), "airflow-cron", ""),
        # Also used for something else than pulling.
        (PULLS, given({"workers": {"env": FROM_PULL}}), {PULL_CORE: frozenset({"k"})}, (CORE,), "", "airflow-cron/pull"),
        # The run copies it: the refusals for copies ask for its source.
        (PULLS, copied({}, "pull"), {}, (), "", ""),
    ],
)
def test_a_pull_secret_of_a_namespace_that_does_not_exist_yet_is_noted(
    settings: Settings, airflow: AirflowSettings, there: Any, namespaces: tuple[str, ...], noted: str, refused: str
) -> None:
    said = list(notes(settings, airflow, there, namespaces))
    assert [words.partition("It cannot exist yet in ")[2].partition(", which this run creates.")[0] for words in said] == (
        [noted] if noted else []
    )
    assert [refusal.value for refusal in refusals(settings, airflow, there, namespaces)] == ([refused] if refused else [])


@pytest.mark.parametrize(
    ("settings", "there", "namespaces", "action"),
    [
        # The Secret may be in the core namespace already, and is not looked up there.
        (PULLS, {}, (CORE,), f"{ADD_PULL} Or after the run, create it: {CREATE_CRON}"),
        (PULLS, {PULL_CORE: None}, (CORE,), f"Create it in airflow-core. {ADD_PULL} Or after the run, create it: {CREATE_CRON}"),
        # Nothing is copied to the core namespace.
        (PULLS_CORE, {}, (), f"After the run, create it: {CREATE_CRON.replace(CRON, CORE)}"),
    ],
)
def test_the_note_says_what_to_do(settings: Settings, there: Any, namespaces: tuple[str, ...], action: str) -> None:
    (words,) = notes(settings, AIRFLOW, there, namespaces)
    assert words.startswith(NAMES_PULL)
    assert words.endswith(f"another program creates it. If no program does: {action}")


PRIVATE = {"airflow": "registry.example.com/airflow:2.6.3-1", "versitygw": "docker.io/versity/versitygw:v1.8.0"}
PULL_LOGS = Ref("Secret", "airflow-logs", "pull")
REGISTRY = {"registry": {"secretName": "pull"}}


@pytest.mark.parametrize(
    ("images", "there", "namespaces", "more", "named"),
    [
        (PRIVATE, {PULL_LOGS: None}, ["airflow-logs"], {}, True),
        # Before the first run the namespace does not exist.
        (PRIVATE, {}, [], {}, True),
        (PRIVATE, {PULL_LOGS: frozenset()}, ["airflow-logs"], {}, False),
        # It was not looked up: the run removes the platform.
        (PRIVATE, {}, ["airflow-logs"], {}, False),
        (PRIVATE, {PULL_LOGS: None}, ["airflow-logs"], {"worker_secrets": ("pull",)}, False),
        (PRIVATE, {PULL_LOGS: None}, ["airflow-logs"], {"logs": Logs("none")}, False),
        (PRIVATE, {PULL_LOGS: None}, ["airflow-logs"], {"values": {}}, False),
        ({"airflow": "apache/airflow:2.6.3"}, {PULL_LOGS: None}, ["airflow-logs"], {}, False),
        ({"airflow": "docker.io/apache/airflow@sha256:0"}, {PULL_LOGS: None}, ["airflow-logs"], {}, False),
        ({"airflow": "apache/airflow:2.6.3", "versitygw": "registry.example.com/s3:1"}, {PULL_LOGS: None}, ["airflow-logs"], {}, True),
        ({"airflow": "apache/airflow-fork:2.6.3"}, {PULL_LOGS: None}, ["airflow-logs"], {}, True),
    ],
)
def test_a_log_store_that_may_not_get_its_image_is_named(
    images: dict[str, str], there: dict[Ref, frozenset[str] | None], namespaces: list[str], more: dict[str, Any], named: bool
) -> None:
    airflow = given(**{"values": REGISTRY, **more})
    found = list(log_store_notes(replace(GIVEN, airflow=airflow, images=images), airflow, there, namespaces))
    private = next((image for image in images.values() if "registry" in image or "fork" in image), "")
    text = (
        "airflow_app_values pulls Airflow's image with pull, but airflow-logs does not have this Secret. If the registry of "
        f"{private} requires a log-in, the pods of the log store cannot start. Add its name to airflow_app_worker_secrets: then each run "
        "copies this Secret there, too. Or create this Secret in airflow-logs."
    )
    assert found == ([text] if named else [])

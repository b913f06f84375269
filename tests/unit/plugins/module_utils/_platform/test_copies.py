# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F9: what is copied to the worker namespaces, which copies go, and what is refused before anything changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform import copies
from ansible_collections.gitops.airflow.plugins.module_utils._platform.copies import Source, Standing
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Found, Ref
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Logs, Repository, Settings

INSIDE = Repository("platform", "http://gitea.git.svc.cluster.local:3000/gitops/platform.git", embedded=True)
AIRFLOW = AirflowSettings(INSIDE, replace(INSIDE, kind="dags"), worker_secrets=("db", "db"), worker_config_maps=("db",))
GIVEN = Settings(worker_namespaces=("cron", "airflow-core", "etl"), airflow=AIRFLOW)
CORE = "airflow-core"
OURS = {"app.kubernetes.io/part-of": "gitops-airflow", "gitops-airflow/platform": "airflow"}
COPY = {**OURS, "gitops-airflow/copied-from": CORE}
BETA = {**COPY, "gitops-airflow/platform": "beta"}


def found(kind: str, namespace: str, name: str, labels: dict[str, str]) -> Found:
    return Found(Ref(kind, namespace, name), {"name": name, "namespace": namespace, "labels": labels})


def test_each_object_is_copied_once_to_each_namespace_beside_the_core() -> None:
    assert copies.sources(GIVEN, AIRFLOW) == [Ref("Secret", CORE, "db"), Ref("ConfigMap", CORE, "db")]
    assert copies.targets(GIVEN, AIRFLOW) == [Ref(kind, place, "db") for place in ("cron", "etl") for kind in ("Secret", "ConfigMap")]
    alone = replace(GIVEN, worker_namespaces=(CORE,))
    assert (len(copies.sources(alone, AIRFLOW)), copies.targets(alone, AIRFLOW)) == (2, [])


@pytest.mark.parametrize(
    ("values", "logs", "names"),
    [
        ({"registry": {"secretName": "pull"}}, "embedded", ["pull"]),
        ({"registry": {"secretName": "pull"}, "imagePullSecrets": [{"name": "pull"}, {"name": "db"}]}, "embedded", ["db", "pull"]),
        # One that the run does not copy, a log store of one's own, and Secrets for something else.
        ({"registry": {"secretName": "other"}}, "embedded", []),
        ({"registry": {"secretName": "pull"}}, "s3", []),
        ({"extraEnvFrom": "- secretRef: {name: db}"}, "embedded", []),
    ],
)
def test_the_log_store_gets_the_copies_with_which_images_are_pulled(values: Any, logs: str, names: list[str]) -> None:
    airflow = replace(AIRFLOW, values=values, worker_secrets=("db", "pull"), worker_config_maps=("pull",), logs=Logs(logs))
    given = replace(GIVEN, airflow=airflow)
    there = [ref for ref in copies.targets(given, airflow) if ref.namespace not in ("cron", "etl")]
    assert there == [Ref("Secret", "airflow-logs", name) for name in names]
    # A copy that is not wanted any more goes.
    labelled = [found("Secret", "airflow-logs", name, COPY) for name in ("db", "pull")]
    assert copies.unused(labelled, given, airflow) == [item.ref for item in labelled if item.ref.name not in names]


def test_what_the_rules_refuse_is_not_looked_up() -> None:
    airflow = replace(AIRFLOW, worker_secrets=("", "airflow-mysql", "a/b"), worker_config_maps=())
    assert (copies.sources(GIVEN, airflow), copies.targets(GIVEN, airflow)) == ([], [])


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        (None, ""),
        ({"labels": COPY}, ""),
        ({"labels": {**COPY, "team": "a"}}, ""),
        ({"labels": OURS}, "it has no label gitops-airflow/copied-from"),
        ({"labels": BETA}, "it belongs to platform beta"),
        ({}, "it does not have the labels app.kubernetes.io/part-of=gitops-airflow and gitops-airflow/platform=airflow"),
        # An older version made no copies.
        (
            {"labels": {"app.kubernetes.io/part-of": "gitops-airflow", "gitops-airflow/copied-from": CORE}},
            "it has no label gitops-airflow/platform",
        ),
        ({"labels": COPY, "deletionTimestamp": "2026-11-27T00:00:00Z"}, "it is being deleted"),
    ],
)
def test_only_a_copy_of_this_platform_is_changed(metadata: Any, reason: str) -> None:
    assert copies.obstacle(metadata, "airflow") == reason


def test_copies_go_with_their_name_or_namespace() -> None:
    labelled = [
        found("Secret", "cron", "db", COPY),
        found("ConfigMap", "etl", "db", COPY),
        found("Secret", "cron", "former", COPY),
        found("Secret", "gone", "db", COPY),
        # These are not this platform's copies.
        found("Secret", "cron", "airflow-metadata", OURS),
        found("Secret", "cron", "theirs", BETA),
        found("Secret", CORE, "former", COPY),
        found("Deployment", "cron", "former", COPY),
    ]
    assert copies.unused(labelled, GIVEN, AIRFLOW) == [Ref("Secret", "cron", "former"), Ref("Secret", "gone", "db")]
    assert copies.existing(labelled, GIVEN) == [item.ref for item in labelled[:4]]
    assert copies.unused(labelled, GIVEN, replace(AIRFLOW, worker_secrets=(), worker_config_maps=())) == [item.ref for item in labelled[:4]]


@pytest.mark.parametrize(
    ("airflow", "code", "words"),
    [
        (
            {"worker_secrets": ("airflow-mysql",)},
            "copy_of_own_object",
            "_worker_secrets names airflow-mysql, which the platform",
        ),
        ({"worker_secrets": ("airflow-generated", "a")}, "copy_of_own_object", "names airflow-generated, which"),
        ({"worker_secrets": ("airflow-metadata",)}, "copy_of_own_object", "airflow-metadata"),
        ({"worker_config_maps": ("airflow-python",)}, "copy_of_own_object", "airflow_app_worker_config_maps names airflow-python"),
        ({"worker_config_maps": ("kube-root-ca.crt",)}, "copy_of_own_object", "kube-root-ca.crt"),
        ({"worker_secrets": ("Db", "")}, "copy_name", "airflow_app_worker_secrets has 'Db', '', which"),
        ({"worker_config_maps": ("a/b",)}, "copy_name", "airflow_app_worker_config_maps has 'a/b'"),
    ],
)
def test_names_that_are_refused(airflow: dict[str, Any], code: str, words: str) -> None:
    given = replace(AIRFLOW, **{"worker_secrets": (), "worker_config_maps": (), **airflow})
    found = [refusal for rule in copies.RULES for refusal in rule(GIVEN, given)]
    assert [refusal.code for refusal in found] == [code]
    (refusal,) = found
    assert words in refusal.message
    assert refusal.next_action


def test_other_names_are_not_refused() -> None:
    given = replace(AIRFLOW, worker_secrets=("db", "a.b-c"), worker_config_maps=("airflow-mysql",))
    assert [refusal for rule in copies.RULES for refusal in rule(GIVEN, given)] == []


SECRET, CONFIG_MAP = Ref("Secret", CORE, "db"), Ref("ConfigMap", CORE, "db")
OPAQUE = Source(frozenset({"password"}), "Opaque")


@pytest.mark.parametrize(
    ("standing", "code", "value", "words", "action"),
    [
        (
            Standing({SECRET: None}),
            "copy_source_missing",
            "airflow-core/db",
            "airflow_app_worker_secrets names db, but airflow-core has no Secret of that name.",
            "Create it, for example: kubectl -n airflow-core create secret generic db --from-file=KEY. Or remove db from "
            "airflow_app_worker_secrets.",
        ),
        (
            Standing({SECRET: OPAQUE, CONFIG_MAP: None}),
            "copy_source_missing",
            "airflow-core/db",
            "airflow_app_worker_config_maps names db, but airflow-core has no ConfigMap of that name.",
            "kubectl -n airflow-core create configmap db",
        ),
        (
            Standing({SECRET: Source(frozenset({"token"}), "kubernetes.io/service-account-token")}),
            "copy_source_type",
            "airflow-core/db",
            "a Secret of the type kubernetes.io/service-account-token",
            "Remove db from airflow_app_worker_secrets, or",
        ),
        (
            Standing({SECRET: OPAQUE}, {Ref("Secret", "cron", "db"): {"labels": {}}, Ref("Secret", "etl", "db"): {"labels": COPY}}),
            "foreign_copy",
            "Secret cron/db",
            "not this platform's copies: Secret cron/db (it does not have the labels",
            "remove their names from airflow_app_worker_secrets.",
        ),
    ],
)
def test_f9_what_stands_in_the_way_of_a_copy(standing: Standing, code: str, value: str, words: str, action: str) -> None:
    (refusal,) = copies.refusals(standing, GIVEN, (CORE,))
    assert (refusal.code, refusal.value) == (code, value)
    assert words in refusal.message
    assert action in refusal.next_action


def test_f9_a_source_in_a_namespace_that_does_not_exist() -> None:
    (refusal,) = copies.refusals(Standing({SECRET: None}), GIVEN, ("cron",))
    assert "kubectl create namespace airflow-core; kubectl -n airflow-core create" in refusal.next_action


def test_f9_nothing_stands_in_the_way_of_new_copies_and_of_earlier_ones() -> None:
    going = {"labels": COPY, "deletionTimestamp": "2026-11-27T00:00:00Z"}
    targets = {Ref("Secret", "cron", "db"): None, Ref("Secret", "etl", "db"): {"labels": COPY}, Ref("Secret", "new", "db"): going}
    assert list(copies.refusals(Standing({SECRET: OPAQUE}, targets), GIVEN, (CORE,))) == []
    assert list(copies.refusals(Standing(), GIVEN, ())) == []


def test_no_value_is_kept_of_a_source() -> None:
    live = {"type": "Opaque", "data": {"password": "aHVudGVyMjI="}, "binaryData": {"b": "eA=="}}
    assert copies.source_of(live) == Source(frozenset({"password", "b"}), "Opaque")
    assert copies.source_of({}) == Source()

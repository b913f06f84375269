# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the pull secrets of a platform are copied to, and what is refused before anything changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform import copies, pull_copies, references, worker_limits
from ansible_collections.gitops.airflow.plugins.module_utils._platform.copies import Source
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Found, Ref
from ansible_collections.gitops.airflow.plugins.module_utils._platform.pull_copies import PullSecrets
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Logs, Repository, Settings

INSIDE = Repository("platform", "http://gitea.git.svc.cluster.local:3000/gitops/platform.git", embedded=True)
AIRFLOW = AirflowSettings(INSIDE, replace(INSIDE, kind="dags"))
GIVEN = Settings(worker_namespaces=("airflow-core", "cron"), pull_secrets=("pull",), airflow=AIRFLOW)
ALL = ("argocd", "git", "airflow-logs", "airflow-core", "cron")
NAMESPACES = (*ALL, "default", "kube-system")
COPY = {"app.kubernetes.io/part-of": "gitops-airflow", "gitops-airflow/platform": "airflow", "gitops-airflow/copied-from": "default"}
STAGES = {**COPY, "gitops-airflow/platform": "stage"}
GOOD = Source(frozenset({".dockerconfigjson"}), "kubernetes.io/dockerconfigjson")


def secrets(*namespaces: str, name: str = "pull") -> list[Ref]:
    return [Ref("Secret", namespace, name, "v1") for namespace in namespaces]


@pytest.mark.parametrize(
    ("given", "places"),
    [
        ({}, ALL),
        ({"metrics_server": True}, (*ALL, "kube-system")),
        ({"argocd": "existing"}, ALL[1:]),
        ({"git_server": "external"}, ("argocd", *ALL[2:])),
        ({"airflow": replace(AIRFLOW, logs=Logs("s3"))}, ("argocd", "git", "airflow-core", "cron")),
        ({"pull_secrets_namespace": "airflow-core"}, ("argocd", "git", "airflow-logs", "cron")),
        ({"pull_secrets_namespace": ""}, ()),
        ({"pull_secrets": ()}, ()),
    ],
)
def test_each_namespace_of_the_platform_gets_a_copy(given: dict[str, Any], places: tuple[str, ...]) -> None:
    assert copies.pull_targets(replace(GIVEN, **given)) == secrets(*places)


def test_without_copies_each_namespace_has_its_own() -> None:
    assert pull_copies.sources(GIVEN) == secrets("default")
    assert pull_copies.sources(replace(GIVEN, pull_secrets_namespace="")) == secrets(*ALL)


@pytest.mark.parametrize(
    ("given", "found", "code", "value", "words", "action"),
    [
        (
            {},
            PullSecrets({secrets("default")[0]: None}),
            "pull_secret_missing",
            "default/pull",
            "names Secrets that do not exist: Secret default/pull.",
            "kubectl -n default create secret generic pull --type=kubernetes.io/dockerconfigjson --from-file=.dockerconfigjson=FILE.",
        ),
        (
            {"pull_secrets_namespace": "team"},
            PullSecrets(),
            "pull_secret_missing",
            "team",
            "platform_pull_secrets_namespace is 'team', which the cluster does not have",
            "Correct platform_pull_secrets_namespace",
        ),
        (
            {"pull_secrets_namespace": ""},
            PullSecrets({**dict.fromkeys(secrets("argocd", "git"), GOOD), secrets("cron")[0]: None}),
            "pull_secret_missing",
            "cron/pull",
            "names Secrets that do not exist: Secret cron/pull.",
            "kubectl -n cron create secret",
        ),
        (
            {},
            PullSecrets({secrets("default")[0]: Source(frozenset({"x"}), "Opaque")}),
            "pull_secret_type",
            "Secret default/pull (Opaque)",
            "of another type than kubernetes.io/dockerconfigjson",
            "Create them anew with this type",
        ),
        (
            {},
            PullSecrets({secrets("default")[0]: GOOD}, {secrets("cron")[0]: {"labels": {}}, secrets("git")[0]: {"labels": COPY}}),
            "foreign_copy",
            "Secret cron/pull (it does not have the labels app.kubernetes.io/part-of=gitops-airflow and gitops-airflow/platform=airflow)",
            "that are not this platform's copies: Secret cron/pull",
            "set platform_pull_secrets_namespace to an empty text",
        ),
        (
            {"metrics_server": True},
            PullSecrets({secrets("default")[0]: GOOD}, {secrets("kube-system")[0]: {"labels": STAGES}}),
            "foreign_copy",
            "Secret kube-system/pull (it belongs to platform stage)",
            "another platform installed metrics-server",
            "Set platform_metrics_server to false.",
        ),
        (
            {"metrics_server": True},
            PullSecrets({secrets("default")[0]: GOOD}, {secrets("git")[0]: {"labels": STAGES}, secrets("kube-system")[0]: {"labels": {}}}),
            "foreign_copy",
            "Secret git/pull (it belongs to platform stage), Secret kube-system/pull (it does not have the labels "
            "app.kubernetes.io/part-of=gitops-airflow and gitops-airflow/platform=airflow)",
            "that are not this platform's copies: Secret git/pull",
            "set platform_pull_secrets_namespace to an empty text",
        ),
    ],
)
def test_what_keeps_pods_from_their_pull_secrets(
    given: dict[str, Any], found: PullSecrets, code: str, value: str, words: str, action: str
) -> None:
    (refusal,) = pull_copies.refusals(found, replace(GIVEN, **given), NAMESPACES)
    assert (refusal.code, refusal.value) == (code, value)
    assert words in refusal.message
    assert action in refusal.next_action


def test_what_is_as_it_must_be() -> None:
    going = {"labels": COPY, "deletionTimestamp": "2026-11-27T00:00:00Z"}
    targets = {secrets("argocd")[0]: None, secrets("git")[0]: {"labels": COPY}, secrets("cron")[0]: going}
    assert list(pull_copies.refusals(PullSecrets({secrets("default")[0]: GOOD}, targets), GIVEN, NAMESPACES)) == []
    assert list(pull_copies.refusals(PullSecrets(), replace(GIVEN, pull_secrets=()), ())) == []
    older = Source(frozenset({".dockercfg"}), "kubernetes.io/dockercfg")
    assert list(pull_copies.refusals(PullSecrets({secrets("default")[0]: older}), GIVEN, NAMESPACES)) == []


def test_a_note_says_what_others_must_create_in_new_namespaces() -> None:
    without = replace(GIVEN, pull_secrets_namespace="")
    (note,) = pull_copies.notes(without, ["argocd", "git", "airflow-logs", "default"])
    assert "This run creates airflow-core, cron, and platform_pull_secrets_namespace is empty." in note
    assert list(pull_copies.notes(without, NAMESPACES)) == []
    assert list(pull_copies.notes(GIVEN, [])) == []
    assert list(pull_copies.notes(replace(without, pull_secrets=()), [])) == []


def copy(namespace: str, name: str = "pull", source: str = "default") -> Found:
    labels = {**COPY, "gitops-airflow/copied-from": source}
    return Found(Ref("Secret", namespace, name), {"name": name, "namespace": namespace, "labels": labels})


def test_copies_go_with_their_name_or_namespace() -> None:
    labelled = [
        *map(copy, ALL),
        copy("airflow-core", "former"),
        copy("gone"),
        copy("kube-system"),
        copy("airflow-core", "source", "airflow-core"),
    ]
    unused = [*secrets("airflow-core", name="former"), *secrets("gone", "kube-system")]
    assert copies.unused(labelled, GIVEN, AIRFLOW) == unused
    assert copies.unused(labelled, replace(GIVEN, metrics_server=True), AIRFLOW) == unused[:2]
    assert copies.existing(labelled, GIVEN) == [item.ref for item in labelled[:-1]]
    assert copies.unused(labelled, replace(GIVEN, pull_secrets=()), AIRFLOW) == [item.ref for item in labelled[:-1]]


@pytest.mark.parametrize(
    ("ref", "others"),
    [
        (Ref("Secret", "argocd", "pull"), True),
        (Ref("Secret", "kube-system", "pull"), True),
        (Ref("Secret", "cron", "pull"), False),
        (Ref("Secret", "airflow-core", "pull"), False),
        (Ref("Secret", "airflow-logs", "other"), False),
        (Ref("ConfigMap", "argocd", "pull"), False),
    ],
)
def test_what_stays_when_airflow_is_removed(ref: Ref, others: bool) -> None:
    assert pull_copies.is_of_others(ref, GIVEN) is others


def test_a_profile_may_name_what_the_platform_copies() -> None:
    profiles = ({"name": "airflow-core"}, {"name": "cron", "pull_secrets": ["pull", "own"]})
    given = replace(GIVEN, profiles=profiles)
    assert [str(ref) for ref in references.wanted(given, AIRFLOW)] == ["Secret cron/own"]
    assert [str(ref) for ref in references.wanted(replace(given, pull_secrets=()), AIRFLOW)] == ["Secret cron/pull", "Secret cron/own"]


def test_workers_have_the_pull_secrets_and_so_may_tasks() -> None:
    assert ("Secret", "pull") in worker_limits.wanted(GIVEN, AIRFLOW).references
    assert ("Secret", "pull") not in worker_limits.wanted(replace(GIVEN, pull_secrets=()), AIRFLOW).references

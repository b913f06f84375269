# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a copy, by what its source and the cluster have."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError, InputError
from ansible_collections.gitops.airflow.plugins.module_utils._platform import copies_apply
from ansible_collections.gitops.airflow.plugins.module_utils._platform.copies_apply import (
    Copying,
    Step,
    Wanted,
    copy_of,
    patch_for,
    plan,
    result_for,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Ref
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_apply import Refused
from ansible_collections.gitops.airflow.tests.unit.kube_double import KubeDouble

Obj = dict[str, Any]
LABELS = {"app.kubernetes.io/part-of": "gitops-airflow", "gitops-airflow/platform": "airflow", "gitops-airflow/copied-from": "core"}
HERE, THERE = Ref("Secret", "core", "db", "v1"), Ref("Secret", "etl", "db", "v1")
WANTED = Wanted("airflow", "core", ("etl",), (("Secret", "db"),))


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


OLD, NEW = encoded("the-old-password"), encoded("the-new-password")


def secret(**more: Any) -> Obj:
    """A source as others make it."""
    metadata = {
        "name": "db",
        "namespace": "core",
        "uid": "1",
        "labels": {"app": "vault", "app.kubernetes.io/instance": "airflow-core"},
        "annotations": {"argocd.argoproj.io/tracking-id": "airflow-core:/Secret:core/db", "hash": "5e88"},
        "ownerReferences": [{"kind": "ExternalSecret", "name": "db", "uid": "2"}],
        "finalizers": ["example.com/keep"],
    }
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": {"password": NEW}, **more}


def live(labels: dict[str, str] | None = None, **more: Any) -> Obj:
    """A copy in the cluster."""
    metadata = {"name": "db", "namespace": "etl", "uid": "3", "resourceVersion": "7", "labels": LABELS if labels is None else labels}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": {"password": NEW}, **more}


def test_a_copy_has_values_type_and_immutable_and_nothing_else_of_its_source() -> None:
    source = secret(type="kubernetes.io/basic-auth", immutable=True)
    assert copy_of(source, THERE, "airflow") == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db", "namespace": "etl", "labels": LABELS},
        "type": "kubernetes.io/basic-auth",
        "immutable": True,
        "data": {"password": NEW},
    }
    values = {"data": {"a": "1"}, "binaryData": {"b": "eA=="}}
    config_map = {"kind": "ConfigMap", "metadata": {"namespace": "core"}, **values, "immutable": False}
    copied = copy_of(config_map, Ref("ConfigMap", "etl", "c"), "airflow")
    assert {key: copied[key] for key in copied if key != "metadata"} == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "data": {"a": "1"},
        "binaryData": {"b": "eA=="},
    }


@pytest.mark.parametrize(
    ("source", "there", "result"),
    [
        (secret(), None, "created"),
        (secret(), live(), "same"),
        (secret(), live({**LABELS, "team": "a"}), "same"),
        (secret(), live({**LABELS, "gitops-airflow/copied-from": "former"}), "changed"),
        (secret(), live(data={"password": OLD}), "changed"),
        (secret(), live(data={"password": NEW, "more": NEW}), "changed"),
        (secret(), live(data=None), "changed"),
        (secret(data=None), live(data={}), "same"),
        (secret(immutable=True), live(), "changed"),
        (secret(immutable=True), live(immutable=True), "same"),
        (secret(immutable=True), live(immutable=True, data={"password": OLD}), "recreated"),
        (secret(), live(immutable=True), "recreated"),
        (secret(), live(immutable=False), "same"),
        (secret(type="kubernetes.io/tls"), live(), "recreated"),
    ],
)
def test_what_happens_to_a_copy(source: Obj, there: Obj | None, result: str) -> None:
    assert result_for(copy_of(source, THERE, "airflow"), there) == result


@pytest.mark.parametrize(
    ("source", "there", "patch"),
    [
        (secret(), live(data={"password": OLD, "more": OLD}), {"data": {"password": NEW, "more": None}}),
        (secret(), live({}), {}),
        (secret(data=None), live(), {"data": {"password": None}}),
        (secret(immutable=True), live(), {"immutable": True}),
        (secret(binaryData={"b": "eA=="}), live(binaryData=None), {"binaryData": {"b": "eA=="}}),
    ],
)
def test_a_patch_leaves_just_what_the_source_has(source: Obj, there: Obj, patch: Obj) -> None:
    metadata = {"labels": LABELS, "resourceVersion": "7"}
    assert patch_for(copy_of(source, THERE, "airflow"), there) == {"metadata": metadata, **patch}


def test_all_copies_are_planned_before_the_first_is_changed() -> None:
    (step,) = plan({HERE: secret()}, [THERE], {THERE: None}, WANTED)
    assert (step.ref, step.result, step.body["metadata"]["namespace"]) == (THERE, "created", "etl")


@pytest.mark.parametrize(
    ("source", "there", "code", "words"),
    [
        (None, None, "missing_source", "Secret core/db cannot be copied"),
        (secret(type="kubernetes.io/service-account-token"), None, "bad_source", "Secret core/db cannot be copied"),
        (secret(), live({}), "foreign_object", "Secret etl/db: it does not have the labels"),
        (secret(), live({**LABELS, "gitops-airflow/platform": "beta"}), "foreign_object", "Secret etl/db: it belongs to platform beta"),
    ],
)
def test_what_cannot_be_copied_is_refused(source: Obj | None, there: Obj | None, code: str, words: str) -> None:
    with pytest.raises(CollectionError) as caught:
        plan({HERE: source}, [THERE], {THERE: there}, WANTED)
    assert caught.value.code == code
    assert words in caught.value.message
    assert caught.value.next_action


def test_an_object_of_others_is_named_with_the_reason() -> None:
    dying = live()
    dying["metadata"]["deletionTimestamp"] = "2026-11-27T00:00:00Z"
    with pytest.raises(Refused) as caught:
        plan({HERE: secret()}, [THERE], {THERE: dying}, WANTED)
    assert (caught.value.code, caught.value.objects) == ("being_deleted", [(THERE, "it is being deleted")])


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Wanted("airflow", "core", ("core", "etl"), (("Secret", "db"),)), "namespaces contains core"),
        (Wanted("airflow", "core", ("etl",), (("Secret", ""),)), "'' cannot be the name"),
        (Wanted("airflow", "core", ("etl",), (("Secret", "../pods"),)), "'../pods' cannot be the name"),
        (Wanted("airflow", "", ("etl",), (("Secret", "db"),)), "'' cannot be the name"),
        (Wanted("airflow", "core", ("e t",), (("Secret", "db"),)), "'e t' cannot be the name"),
    ],
)
def test_names_that_make_no_sense(wanted: Wanted, words: str) -> None:
    with pytest.raises(InputError) as caught:
        wanted.check()
    assert words in caught.value.message


def test_each_object_is_read_once() -> None:
    assert Wanted("airflow", "core", (), (("Secret", "a"), ("Secret", "a"), ("ConfigMap", "a"))).refs("x") == [
        Ref("Secret", "x", "a"),
        Ref("ConfigMap", "x", "a"),
    ]


def test_a_diff_shows_keys_and_no_value() -> None:
    there = live(data={"password": OLD, "user": OLD, "kept": NEW})
    there["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": OLD}
    step = Step(THERE, "changed", copy_of(secret(data={"password": NEW, "kept": NEW}), THERE, "airflow"), there)
    config_map = Ref("ConfigMap", "etl", "c")
    made = Step(config_map, "created", {"metadata": {}, "data": {"a": "plain"}, "binaryData": {"b": "eA=="}, "immutable": True})
    same = Step(HERE, "same", secret(), secret())
    diff = copies_apply.diff_of([step, made, same])
    assert diff["before"] == {
        "Secret etl/db": {"keys": dict.fromkeys(("password", "user", "kept"), "********"), "immutable": False, "type": "Opaque"}
    }
    assert diff["after"] == {
        "Secret etl/db": {"keys": {"password": "******** (changed)", "kept": "********"}, "immutable": False, "type": "Opaque"},
        "ConfigMap etl/c": {"keys": {"a": "********", "b": "********"}, "immutable": True},
    }
    assert not [value for value in (OLD, NEW, "plain", "eA==") if value in json.dumps(diff)]


def test_old_and_new_values_are_hidden_in_both_forms() -> None:
    (step,) = plan({HERE: secret()}, [THERE], {THERE: live(data={"password": OLD})}, WANTED)
    assert copies_apply.hidden_values([step]) == {OLD, NEW, "the-old-password", "the-new-password"}
    assert OLD not in repr(step)
    assert NEW not in repr(step)


# What is read and changed

COPY, SOURCE = "/api/v1/namespaces/etl/secrets/db", "/api/v1/namespaces/core/secrets/db"


def test_each_source_and_each_copy_is_read() -> None:
    api = KubeDouble([secret(), live(data={"password": OLD})])
    wanted = Wanted("airflow", "core", ("etl", "etl", "cron"), (("Secret", "db"), ("Secret", "db")))
    steps = Copying(api, wanted).read()
    assert [(str(step.ref), step.result) for step in steps] == [("Secret etl/db", "changed"), ("Secret cron/db", "created")]
    assert sorted(api.asked) == sorted([SOURCE, COPY, COPY.replace("etl", "cron")])


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("there", "source", "writes", "dry"),
    [
        (None, secret(), ["create /api/v1/namespaces/etl/secrets"], ["dry create /api/v1/namespaces/etl/secrets"]),
        (live(), secret(), [], []),
        (live(data={"password": OLD}), secret(), [f"patch {COPY}"], [f"dry patch {COPY}"]),
        (live(type="kubernetes.io/tls"), secret(), [f"delete {COPY}", "create /api/v1/namespaces/etl/secrets"], []),
    ],
)
def test_a_copy_becomes_what_its_source_is(there: Obj | None, source: Obj, writes: list[str], dry: list[str], check: bool) -> None:
    api = KubeDouble([source, *([there] if there else [])])
    (step,) = Copying(api, WANTED, check=check).read()
    Copying(api, WANTED, check=check).change(step)
    assert api.writes == (dry if check else writes)
    if not check:
        assert (api.objects[COPY]["data"], api.objects[COPY]["type"]) == (source["data"], source["type"])


@pytest.mark.parametrize(("check", "status", "fails"), [(True, 404, False), (True, 403, True), (False, 404, True)])
def test_in_a_check_the_namespace_of_a_copy_need_not_exist(check: bool, status: int, fails: bool) -> None:
    api = KubeDouble([secret()])
    (step,) = Copying(api, WANTED, check=check).read()
    api.refusals["/api/v1/namespaces/etl/secrets"] = [ApiError(status, "no")]
    if fails:
        with pytest.raises(ApiError):
            Copying(api, WANTED, check=check).change(step)
    else:
        Copying(api, WANTED, check=check).change(step)


@pytest.mark.parametrize("replaced", [True, False])
def test_a_copy_that_a_finalizer_holds_is_not_made_anew(replaced: bool) -> None:
    api, sleeps = KubeDouble([secret(), live(type="kubernetes.io/tls")]), list[float]()
    api.held = {COPY}

    def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        if replaced:
            api.put({**live(), "metadata": {**live()["metadata"], "uid": "other"}}, "")
        assert len(sleeps) < 500

    copying = Copying(api, WANTED, clock=lambda: round(sum(sleeps), 1), sleep=sleep)
    (step,) = copying.read()
    if replaced:
        copying.change(step)
        assert sleeps == [0.2]
        return
    with pytest.raises(CollectionError) as caught:
        copying.change(step)
    assert (caught.value.code, len(sleeps)) == ("not_deleted", 300)
    assert api.writes == [f"delete {COPY}"]

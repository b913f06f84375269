# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is generated, and when a Secret is refused instead."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._platform.generated_secret import (
    GeneratedSecret,
    Key,
    Wanted,
    check_keys,
    checksum,
    generate,
    missing_keys,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Scope
from ansible_collections.gitops.airflow.tests.unit.kube_double import KubeDouble

Obj = dict[str, Any]
OLDER = {"app.kubernetes.io/part-of": "gitops-airflow"}
MARKS = {**OLDER, "gitops-airflow/platform": "airflow"}
KEYS = (Key("password"), Key("fernet-key", "fernet"))
WANTED = Wanted("git", "made", KEYS)
SCOPE = Scope("airflow")


def secret(labels: dict[str, str] | None = None, deleted: bool = False, **more: Any) -> Obj:
    metadata = {"name": "made", "namespace": "git", "labels": MARKS if labels is None else labels, "resourceVersion": "7"}
    return {"metadata": {**metadata, **({"deletionTimestamp": "now"} if deleted else {})}, **more}


FULL = {"password": "eA==", "fernet-key": "eQ=="}


@pytest.mark.parametrize("length", [16, 40])
def test_a_password_has_letters_and_digits(length: int) -> None:
    made = {generate(Key("a", length=length)) for _time in range(20)}
    assert {len(value) for value in made} == {length}
    assert len(made) == 20
    assert "".join(made).isalnum()
    assert "".join(made).isascii()


def test_a_fernet_key_is_32_bytes_in_url_safe_base64() -> None:
    assert generate(Key("a", "fernet"), random_bytes=lambda count: b"\xff" * count) == "_" * 42 + "8="
    assert len(base64.urlsafe_b64decode(generate(Key("a", "fernet")))) == 32


@pytest.mark.parametrize(
    ("keys", "words"),
    [((Key("a"), Key("b"), Key("a")), "keys names a twice"), ((Key("a", length=15), Key("b")), "length of a is less than 16")],
)
def test_keys_that_make_no_secret(keys: tuple[Key, ...], words: str) -> None:
    with pytest.raises(CollectionError, match=words):
        check_keys(keys)


@pytest.mark.parametrize(
    ("live", "wanted", "scope", "missing"),
    [
        (secret(data=FULL), WANTED, SCOPE, []),
        (secret(data={**FULL, "more": "eA=="}, immutable=True), WANTED, SCOPE, []),
        (secret(OLDER, data=FULL), WANTED, Scope("airflow", older=True), []),
        (secret(data={"password": "eA=="}), Wanted("git", "made", KEYS, add_missing=True), SCOPE, ["fernet-key"]),
        (secret(data={**FULL, "password": ""}), Wanted("git", "made", KEYS, add_missing=True), SCOPE, ["password"]),
        (secret(), Wanted("git", "made", KEYS, add_missing=True), SCOPE, ["password", "fernet-key"]),
        (secret({}, data=FULL), Wanted("git", "made", KEYS, by_name=True), SCOPE, []),
    ],
)
def test_what_a_present_secret_lacks(live: Obj, wanted: Wanted, scope: Scope, missing: list[str]) -> None:
    assert [key.name for key in missing_keys(live, wanted, scope)] == missing


@pytest.mark.parametrize(
    ("live", "wanted", "code", "words"),
    [
        (secret({}, data=FULL), WANTED, "foreign_object", "is not this platform's: it does not have the labels"),
        (secret(OLDER, data=FULL), WANTED, "foreign_object", "it has no label gitops-airflow/platform"),
        (
            secret({**MARKS, "gitops-airflow/platform": "b"}),
            Wanted("git", "made", KEYS, by_name=True),
            "foreign_object",
            "belongs to platform b",
        ),
        (secret({**MARKS, "gitops-airflow/platform": "b"}), WANTED, "foreign_object", "it belongs to platform b"),
        (secret(deleted=True, data=FULL), WANTED, "being_deleted", "is being deleted"),
        (secret(data={"password": "eA=="}), WANTED, "incomplete_secret", "Secret git/made lacks fernet-key. It is generated once"),
        (secret(), WANTED, "incomplete_secret", "lacks password, fernet-key"),
        (secret(immutable=True), Wanted("git", "made", KEYS, add_missing=True), "incomplete_secret", "lacks password, fernet-key"),
    ],
)
def test_a_secret_that_is_refused(live: Obj, wanted: Wanted, code: str, words: str) -> None:
    with pytest.raises(CollectionError, match=words) as caught:
        missing_keys(live, wanted, SCOPE)
    assert caught.value.code == code


def test_a_checksum_changes_with_values_alone() -> None:
    assert checksum({"b": "2", "a": "1"}) == checksum({"a": "1", "b": "2"}) == "6b51d431df5d7f14"
    assert checksum({"a": "1", "b": "3"}) != checksum({"a": "1", "b": "2"})


class Overtaken:
    """A server on which another run makes the Secret just before this one."""

    def __init__(self) -> None:
        self.created: Obj = {}

    def find(self, _path: str) -> None:
        return None

    def create(self, _path: str, body: Obj, *, dry_run: bool) -> Obj:
        raise ApiError(409, "it exists")

    def get(self, _path: str) -> Obj:
        return secret(data=FULL)


def test_another_run_was_first() -> None:
    api: Any = Overtaken()
    found = GeneratedSecret(api, WANTED, SCOPE, check=False).ensure()
    assert (found.created, found.added, found.checksum) == (False, [], checksum(FULL))


def test_keys_that_make_a_secret() -> None:
    check_keys((Key("a", length=16), Key("b", "fernet", length=1)))


PATH, COLLECTION = "/api/v1/namespaces/git/secrets/made", "/api/v1/namespaces/git/secrets"


def there(item: Obj) -> Obj:
    return {"apiVersion": "v1", "kind": "Secret", **item}


@pytest.mark.parametrize("immutable", [True, False])
@pytest.mark.parametrize("check", [True, False])
def test_a_secret_is_created(check: bool, immutable: bool) -> None:
    api = KubeDouble()
    found = GeneratedSecret(api, replace(WANTED, immutable=immutable), SCOPE, check=check).ensure()
    assert (found.created, found.added, sorted(found.data)) == (True, ["password", "fernet-key"], ["fernet-key", "password"])
    assert api.writes == [f"{'dry ' if check else ''}create {COLLECTION}"]
    assert found.checksum == ("" if check else checksum(dict(found.data)))
    if not check:
        made = api.objects[PATH]
        assert (made["data"], made["metadata"]["labels"], made.get("immutable", False)) == (found.data, MARKS, immutable)


@pytest.mark.parametrize("check", [True, False])
def test_a_whole_secret_stays(check: bool) -> None:
    api = KubeDouble([there(secret(data=FULL))])
    found = GeneratedSecret(api, WANTED, SCOPE, check=check).ensure()
    assert (found.created, found.added, found.checksum, found.data) == (False, [], checksum(FULL), FULL)
    assert api.writes == []


@pytest.mark.parametrize("check", [True, False])
def test_a_key_is_added(check: bool) -> None:
    api = KubeDouble([there(secret(data={"password": "eA=="}))])
    found = GeneratedSecret(api, replace(WANTED, add_missing=True), SCOPE, check=check).ensure()
    assert (found.created, found.added, bool(found.checksum)) == (False, ["fernet-key"], not check)
    assert api.writes == ([] if check else [f"patch {PATH}"])
    assert sorted(found.data) == ["fernet-key", "password"]
    assert sorted(api.objects[PATH]["data"]) == (["password"] if check else ["fernet-key", "password"])


@pytest.mark.parametrize(("check", "status", "fails"), [(True, 404, False), (True, 403, True), (False, 404, True)])
def test_in_a_check_the_namespace_need_not_exist(check: bool, status: int, fails: bool) -> None:
    api = KubeDouble()
    api.refusals[COLLECTION] = [ApiError(status, "no")]
    secret_of = GeneratedSecret(api, WANTED, SCOPE, check=check)
    if fails:
        with pytest.raises(ApiError):
            secret_of.ensure()
        return
    found = secret_of.ensure()
    assert (found.created, found.checksum, sorted(found.data)) == (True, "", ["fernet-key", "password"])

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Secret of passwords and keys that are generated once and never changed. What is decided is pure; chance and the API are passed in."""

from __future__ import annotations

import base64
import hashlib
import secrets
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import PLATFORM, labels_of, marks
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, core_path
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Found, Ref, Scope, reason_to_keep

ALPHABET = string.ascii_letters + string.digits
SHORTEST = 16
FERNET_BYTES = 32


@dataclass(frozen=True)
class Key:
    """A key of the Secret, and how its value is generated. ``length`` is that of an alphanumeric one, in characters."""

    name: str
    kind: Literal["alphanumeric", "fernet"] = "alphanumeric"
    length: int = 40


@dataclass(frozen=True)
class Wanted:
    """The Secret as it is declared. ``by_name``: one that has lost the platform's label is known by its name."""

    namespace: str
    name: str
    keys: tuple[Key, ...]
    immutable: bool = False
    add_missing: bool = False
    by_name: bool = False

    @property
    def ref(self) -> Ref:
        return Ref("Secret", self.namespace, self.name, "v1")


@dataclass(frozen=True)
class Outcome:
    """What was done, or in check mode would be. ``checksum`` is empty if the values are not known yet.

    ``data`` are the values as the API has them. In check mode those that would be generated are only examples.
    """

    created: bool = False
    added: list[str] = field(default_factory=list)
    checksum: str = ""
    data: Mapping[str, str] = field(default_factory=dict, repr=False)


def generate(key: Key, random_bytes: Callable[[int], bytes] = secrets.token_bytes, choose: Callable[[str], str] = secrets.choice) -> str:
    """A new value: letters and digits, or 32 bytes in URL-safe base64 as cryptography.fernet asks for."""
    if key.kind == "fernet":
        return base64.urlsafe_b64encode(random_bytes(FERNET_BYTES)).decode()
    return "".join(choose(ALPHABET) for _place in range(key.length))


def check_keys(keys: Sequence[Key]) -> None:
    """Raises CollectionError for keys that make no Secret."""
    names = [key.name for key in keys]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise CollectionError(f"keys names {', '.join(twice)} twice.", "Correct keys.", "bad_option")
    if short := [key.name for key in keys if key.kind == "alphanumeric" and key.length < SHORTEST]:
        message = f"The length of {', '.join(short)} is less than {SHORTEST} characters, which can be guessed."
        raise CollectionError(message, "Correct keys.", "bad_option")


def missing_keys(live: Obj, wanted: Wanted, scope: Scope) -> list[Key]:
    """The keys that a present Secret lacks and that may be added to it. An empty value counts as none. Pure.

    :raises CollectionError: where it is another's, or may not be completed.
    """
    known = wanted.by_name and PLATFORM not in labels_of(live["metadata"])
    if not known and (reason := reason_to_keep(Found(wanted.ref, live["metadata"]), scope)):
        message = f"{wanted.ref} is not this platform's: {reason}."
        raise CollectionError(message, "Use another namespace, or delete the Secret if nobody needs it.", "foreign_object")
    if live["metadata"].get("deletionTimestamp"):
        raise CollectionError(f"{wanted.ref} is being deleted.", "Wait until it is gone, and run again.", "being_deleted")
    data = live.get("data") or {}
    lacking = [key for key in wanted.keys if not data.get(key.name)]
    if lacking and (not wanted.add_missing or live.get("immutable")):
        names = ", ".join(key.name for key in lacking)
        raise CollectionError(
            f"{wanted.ref} lacks {names}. It is generated once and never changed.",
            "Restore it from a backup, or delete it and run again: all its values are then generated again, and what uses the old ones "
            "has to get the new ones.",
            "incomplete_secret",
        )
    return lacking


def data_of(keys: Sequence[Key]) -> dict[str, str]:
    """New values of the keys, as the API has them."""
    return {key.name: base64.b64encode(generate(key).encode()).decode() for key in keys}


def new_secret(wanted: Wanted, platform: str) -> Obj:
    """The Secret with new values, as it is created."""
    metadata = {"name": wanted.name, "namespace": wanted.namespace, "labels": marks(platform)}
    body: Obj = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data_of(wanted.keys)}
    return {**body, "immutable": True} if wanted.immutable else body


def checksum(data: dict[str, str]) -> str:
    """A digest of all values, for an annotation of pods that must restart with them. Generated values cannot be guessed from it."""
    return hashlib.sha256("".join(data[key] for key in sorted(data)).encode()).hexdigest()[:16]


class GeneratedSecret:
    """Makes the Secret, or completes it. Raises CollectionError."""

    def __init__(self, api: KubeApi, wanted: Wanted, scope: Scope, *, check: bool) -> None:
        self._api, self._wanted, self._scope, self._check = api, wanted, scope, check
        self._path = core_path("secrets", wanted.namespace, wanted.name)

    def ensure(self) -> Outcome:
        live = self._api.find(self._path)
        if live is None:
            created = self._create()
            if created is not None:
                return created
            live = self._api.get(self._path)  # another run has made it meanwhile
        lacking = missing_keys(live, self._wanted, self._scope)
        added = [key.name for key in lacking]
        if lacking and self._check:
            return Outcome(added=added, data={**(live.get("data") or {}), **data_of(lacking)})
        if lacking:
            # Only if it is still the one that was read.
            metadata = {"resourceVersion": live["metadata"]["resourceVersion"]}
            live = self._api.patch(self._path, {"metadata": metadata, "data": data_of(lacking)})
        return Outcome(added=added, checksum=checksum(live.get("data") or {}), data=live.get("data") or {})

    def _create(self) -> Outcome | None:
        """None where it exists after all."""
        wanted = self._wanted
        body = new_secret(wanted, self._scope.platform)
        names = [key.name for key in wanted.keys]
        try:
            made = self._api.create(core_path("secrets", wanted.namespace), body, dry_run=self._check)
        except ApiError as error:
            if error.status == 409:
                return None
            if error.status == 404 and self._check:  # the namespace does not exist yet
                return Outcome(True, names, data=body["data"])
            raise
        return Outcome(True, names, "" if self._check else checksum(made["data"]), made["data"])

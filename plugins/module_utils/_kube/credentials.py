# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials for another server that are in a Secret, read through the connection that the module has anyway."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import belongs, owner_text
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, core_path

# The options that say which Secret of the cluster a module reads or writes.
SECRET_SPEC: dict[str, Any] = {"namespace": {"type": "str", "required": True}, "name": {"type": "str", "required": True}}
# What names the user and the password in a Secret.
LOGIN_SPEC: dict[str, Any] = {
    **SECRET_SPEC,
    "username_key": {"type": "str", "default": "", "no_log": False},
    "password_key": {"type": "str", "default": "password", "no_log": False},
    "platform": {"type": "str", "default": ""},
}
# The option of the doc fragment credentials_from.
CREDENTIALS_SPEC: dict[str, Any] = {
    "type": "dict",
    "options": {**LOGIN_SPEC, "check_key": {"type": "str", "default": "", "no_log": False}},
}


@dataclass(frozen=True)
class Login:
    """A user name and a password or token."""

    username: str = ""
    password: str = field(default="", repr=False)


def select(secret: Obj | None, given: Mapping[str, str], username: str) -> Login:
    """What the option credentials_from names in a Secret. Pure.

    ``username`` is the one without ``username_key``. An older platform's Secret has no platform's label and counts as this platform's.

    :raises CollectionError: if there is no Secret, it belongs to others, or it lacks a key.
    """
    name = f"The Secret {given['namespace']}/{given['name']}"
    action = f"{'Run site.yml, which creates it' if given['platform'] else 'Create it first'}, or correct credentials_from."
    if secret is None:
        raise CollectionError(f"{name}, which holds the credentials, does not exist.", action, "missing_secret")
    platform = given["platform"]
    if platform and not belongs(secret["metadata"], platform, adopt=True):
        message = f"{name} holds credentials that are not this platform's: {owner_text(secret['metadata'], platform)}."
        raise CollectionError(message, "Use the namespace of this platform's own Secret.", "foreign_object")

    def value(key: str) -> str:
        try:
            found = base64.b64decode((secret.get("data") or {}).get(key) or "").decode()
        except ValueError:
            found = ""
        if not found:
            added = "Run site.yml, which adds it." if platform else action
            raise CollectionError(f"{name} has no text under the key {key}.", added, "missing_key")
        return found

    return Login(value(given["username_key"]) if given["username_key"] else username, value(given["password_key"]))


def read_credentials(api: KubeApi, given: Mapping[str, str], username: str, check: bool) -> Login:
    """Reads them. In check mode none are there yet if the Secret does not exist, and C(check_key) stands for a key that does not.

    Raises ApiError, CollectionError.
    """
    secret = api.find(core_path("secrets", given["namespace"], given["name"]))
    if secret is None and check:
        return Login()
    if check and given.get("check_key") and given["password_key"] not in ((secret or {}).get("data") or {}):
        given = {**given, "password_key": given["check_key"]}
    return select(secret, given, username)

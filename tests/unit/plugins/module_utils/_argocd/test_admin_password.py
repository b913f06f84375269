# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The password of Argo CD's admin: hashed, compared and stored."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.admin_password import check_password, hashed, matches, set_password
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError, InputError
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi

Obj = dict[str, Any]
# From the bcrypt project's own test vectors.
KNOWN = [
    ("Kk4DQuMMfZL9o", "$2b$04$cVWp4XaNU8a4v1uMRum2SO026BWLIoQMD/TXg5uZV.0P.uO8m3YEm"),
    ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
]


def test_a_hash_matches_its_password_only() -> None:
    made = hashed("pässword")
    assert re.fullmatch(r"\$2a\$10\$[./0-9A-Za-z]{53}", made)
    assert matches(made, "pässword")
    assert not matches(made, "password")
    assert hashed("pässword") != made


@pytest.mark.parametrize(("password", "stored"), KNOWN)
def test_hashes_of_others_match(password: str, stored: str) -> None:
    assert matches(stored, password)
    assert not matches(stored, password + "x")


@pytest.mark.parametrize("stored", ["", "no hash", "$2a$10$short"])
def test_what_is_no_hash_matches_nothing(stored: str) -> None:
    assert not matches(stored, "x")


@pytest.mark.parametrize(("password", "words"), [("", "0 bytes"), ("ä" * 37, "74 bytes"), ("a\0b", "3 bytes and a NUL")])
def test_what_bcrypt_cannot_hash_is_refused(password: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as refusal:
        check_password(password)
    assert refusal.value.next_action


class Api:
    """Holds argocd-secret, and what was patched."""

    def __init__(self, data: Obj | None) -> None:
        self.data, self.patches = data, list[tuple[Obj, Obj]]()

    def find(self, _path: str) -> Obj | None:
        return (
            None
            if self.data is None
            else {"kind": "Secret", "metadata": {"name": "argocd-secret", "resourceVersion": "7"}, "data": self.data}
        )

    def patch(self, _path: str, body: Obj, query: Obj) -> Obj:
        self.patches.append((body, query))
        return {
            "kind": "Secret",
            "metadata": {"name": "argocd-secret", "resourceVersion": "8"},
            "data": {**(self.data or {}), **body["data"]},
        }


def store(api: Api, password: str = "new", check: bool = False) -> bool:
    return set_password(cast(KubeApi, api), "argocd", password, check=check, now=lambda: datetime(2026, 5, 4, tzinfo=UTC))


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("data", [{}, {"admin.password": encoded(KNOWN[1][1])}, {"admin.password": encoded("no hash")}])
def test_another_password_is_stored_under_the_version_that_was_read(data: Obj) -> None:
    api = Api(data)
    assert store(api)
    ((body, query),) = api.patches
    assert body["metadata"] == {"resourceVersion": "7"}
    assert "dryRun" not in query
    assert matches(base64.b64decode(body["data"]["admin.password"]).decode(), "new")
    assert base64.b64decode(body["data"]["admin.passwordMtime"]) == b"2026-05-04T00:00:00Z"


def test_the_same_password_is_left() -> None:
    api = Api({"admin.password": encoded(hashed("new"))})
    assert not store(api)
    assert api.patches == []


def test_a_check_changes_nothing() -> None:
    api = Api({})
    assert store(api, check=True)
    assert api.patches[0][1]["dryRun"] == "All"
    assert store(Api(None), check=True)


def test_without_argo_cd_there_is_nothing_to_set() -> None:
    with pytest.raises(CollectionError, match="argocd-secret of argocd does not exist"):
        store(Api(None))

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials that are in a Secret: whose it must be, and what is missing in it."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._git import access
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import Credentials
from ansible_collections.gitops.airflow.plugins.module_utils._kube.credentials import Login, read_credentials, select
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

OLDER = {"app.kubernetes.io/part-of": "gitops-airflow"}
OURS, BETA = ({**OLDER, "gitops-airflow/platform": name} for name in ("airflow", "beta"))
GIVEN = {"namespace": "git", "name": "git-credentials", "username_key": "", "password_key": "token", "platform": ""}


def secret(labels: dict[str, str], **values: str) -> dict[str, Any]:
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    return {"metadata": {"name": "git-credentials", "labels": labels}, "data": data}


@pytest.mark.parametrize(
    ("labels", "over", "expected"),
    [
        ({}, {}, Login("ann", "t0ken")),
        ({}, {"username_key": "user"}, Login("gitops", "t0ken")),
        (OURS, {"platform": "airflow"}, Login("ann", "t0ken")),
        (OLDER, {"platform": "airflow"}, Login("ann", "t0ken")),
    ],
)
def test_what_is_named_is_taken(labels: dict[str, str], over: dict[str, str], expected: Login) -> None:
    assert select(secret(labels, user="gitops", token="t0ken"), {**GIVEN, **over}, "ann") == expected


@pytest.mark.parametrize(
    ("found", "over", "code"),
    [
        (None, {}, "missing_secret"),
        (secret(OURS, user="a"), {}, "missing_key"),
        (secret(OURS, token=""), {}, "missing_key"),
        (secret(OURS, token="t"), {"username_key": "user"}, "missing_key"),
        ({"metadata": {"labels": OURS}, "data": {"token": "//8="}}, {}, "missing_key"),
        (secret(BETA, token="t"), {"platform": "airflow"}, "foreign_object"),
        (secret({}, token="t"), {"platform": "airflow"}, "foreign_object"),
    ],
)
def test_h7_what_is_refused(found: Any, over: dict[str, str], code: str) -> None:
    with pytest.raises(CollectionError) as caught:
        select(found, {**GIVEN, **over}, "ann")
    assert (caught.value.code, bool(caught.value.next_action)) == (code, True)
    assert "git/git-credentials" in caught.value.message


class Api:
    def __init__(self, found: Any) -> None:
        self.found, self.paths = found, list[str]()

    def find(self, path: str) -> Any:
        self.paths.append(path)
        return self.found


@pytest.mark.parametrize("check", [True, False])
def test_a_check_goes_on_without_the_secret(check: bool) -> None:
    api: Any = Api(None)
    if check:
        assert read_credentials(api, GIVEN, "ann", check) == Login()
    else:
        with pytest.raises(CollectionError, match="does not exist"):
            read_credentials(api, GIVEN, "ann", check)
    assert api.paths == ["/api/v1/namespaces/git/secrets/git-credentials"]


@pytest.mark.parametrize(
    ("found", "check_key", "password"),
    [
        (secret(OURS, older="a", token="t"), "older", "t"),
        (secret(OURS, older="a"), "older", "a"),
        (secret(OURS, older="a"), "", None),
        (secret(OURS, token=""), "older", None),
    ],
)
def test_a_check_goes_on_with_the_key_of_an_older_version(found: Any, check_key: str, password: str | None) -> None:
    """A run adds the other key (D5). It does not go on without it, and says what adds it."""
    api: Any = Api(found)
    given = {**GIVEN, "platform": "airflow", "check_key": check_key}
    if password:
        assert read_credentials(api, given, "ann", True).password == password
    if password != "t":
        for check in [False] if password else [True, False]:
            with pytest.raises(CollectionError, match="no text under the key") as caught:
                read_credentials(api, given, "ann", check)
            assert caught.value.next_action == "Run site.yml, which adds it."


def test_the_password_is_hidden_and_stays_out_of_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    connected: list[Any] = []

    def connect(given: Any) -> Any:
        connected.append(given)
        return Api(secret(OURS, token="t0ken"))

    monkeypatch.setattr(access, "connect", connect)
    params = {**dict.fromkeys(AUTH_ARG_SPEC), "context": "c", "credentials": {"username": "ann"}, "credentials_from": GIVEN}
    hidden: list[str] = []
    found = access.with_credentials(params, False, hidden.append)
    assert (found["credentials"].username, found["credentials"].password, hidden) == ("ann", "t0ken", ["t0ken"])
    assert params["credentials"] == {"username": "ann"}
    assert "t0ken" not in repr(Login("ann", "t0ken"))
    # What is the Git server's is not sent to the Kubernetes API.
    assert [connected[0][name] for name in ("context", "username", "password")] == ["c", None, None]
    nothing = {"credentials": None, "credentials_from": None}
    assert access.with_credentials(nothing, False, hidden.append) == {**nothing, "credentials": Credentials()}

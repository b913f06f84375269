# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argo CD's trust while others write to it in the worst moment. Against a server: tests/integration/test_argocd_declared.py."""

from __future__ import annotations

import base64
import copy
from typing import Any, cast

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.repository import Repository, server_name
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.trust import RepositoryTrust
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import Credentials
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi

Obj = dict[str, Any]
CORE = "/api/v1/namespaces/argocd"
SECRET, TLS, HOSTS = f"{CORE}/secrets/r", f"{CORE}/configmaps/argocd-tls-certs-cm", f"{CORE}/configmaps/argocd-ssh-known-hosts-cm"
SERVER = "/apis/apps/v1/namespaces/argocd/deployments/argocd-repo-server"
PEM = "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n"
OTHER = "-----BEGIN CERTIFICATE-----\nWFla\n-----END CERTIFICATE-----\n"
HOST = "git.example.com"


class Server:
    """Objects by path. ``meanwhile`` are what others write to an object just before this platform's first patch of it."""

    def __init__(self, meanwhile: dict[str, Obj] | None = None) -> None:
        self.objects: dict[str, Obj] = {path: {"metadata": {"resourceVersion": "1"}} for path in (TLS, HOSTS, SERVER)}
        self.meanwhile = meanwhile or {}
        self.writes: list[str] = []
        self.forbidden = False

    def get(self, path: str) -> Obj:
        if path not in self.objects:
            raise ApiError(404, "not found")
        return copy.deepcopy(self.objects[path])

    find = KubeApi.find

    def items(self, path: str, query: Obj, *, whole: bool) -> list[Obj]:
        assert (path, whole) == (f"{CORE}/secrets", True)
        assert query == {"labelSelector": "argocd.argoproj.io/secret-type in (repository,repo-creds)"}
        if self.forbidden:
            raise ApiError(403, "no")
        return [{"metadata": {"name": place.rsplit("/", 1)[1]}, **item} for place, item in self.objects.items() if place.startswith(path)]

    def apply(self, path: str, body: Obj, _manager: str, *, dry_run: bool = False) -> Obj:
        assert not dry_run
        self.writes.append(path)
        version = str(int(self.objects.get(path, {}).get("metadata", {}).get("resourceVersion", "0")) + 1)
        self.objects[path] = {**body, "metadata": {**body["metadata"], "resourceVersion": version, "uid": "u"}}
        return self.get(path)

    def patch(self, path: str, body: Obj, _query: Obj) -> Obj:
        item = self.objects[path]
        if path in self.meanwhile:
            item |= {"metadata": {"resourceVersion": "9"}, "data": self.meanwhile.pop(path)}
        if body["metadata"]["resourceVersion"] != item["metadata"]["resourceVersion"]:
            raise ApiError(409, "conflict")
        self.writes.append(path)
        data = {**item.get("data", {}), **body.get("data", {})}
        item["data"] = {key: value for key, value in data.items() if value is not None}
        item |= {"spec": body["spec"]} if "spec" in body else {}
        item["metadata"] = {"resourceVersion": f"{item['metadata']['resourceVersion']}0"}
        return self.get(path)

    def delete(self, path: str, _uid: str) -> bool:
        return self.objects.pop(path, None) is not None

    @property
    def memory(self) -> str:
        return str(self.objects[SECRET]["metadata"]["annotations"]["gitops-airflow/trust"])


def trust(server: Server, *, manage: bool = True, **given: Any) -> RepositoryTrust:
    options: Obj = {"name": "r", "namespace": "argocd", "platform": "airflow", "repo": f"https://{HOST}/x.git", **given}
    options = {"credentials": Credentials(ca=PEM), **options}
    return RepositoryTrust(cast(KubeApi, server), Repository(**options), manage=manage)


def test_what_is_added_is_remembered_before() -> None:
    server = Server()
    assert trust(server).present().trust == [f"tls:{HOST}"]
    assert server.writes == [SECRET, TLS, SERVER]
    server.writes.clear()
    trust(server, repo=f"https://other.{HOST}/x.git").present()
    # Both hosts are remembered while one gives way to the other.
    assert server.writes == [SECRET, TLS, SERVER, SECRET]
    assert (server.memory, server.objects[TLS]["data"]) == (f"tls:other.{HOST}", {f"other.{HOST}": PEM})


@pytest.mark.parametrize(("theirs", "used"), [({HOST: PEM + OTHER}, True), ({HOST: OTHER}, False)])
def test_an_authority_that_others_add_meanwhile_is_theirs(theirs: dict[str, str], used: bool) -> None:
    server = Server(meanwhile={TLS: theirs})
    if used:
        done = trust(server).present()
        assert (done.trust, done.theirs) == ([], [f"tls:{HOST}"])
    else:
        with pytest.raises(CollectionError) as refused:
            trust(server).present()
        assert refused.value.code == "foreign_certificate"
    assert (server.memory, server.objects[TLS]["data"]) == ("", theirs)


def test_host_keys_that_others_add_meanwhile_stay() -> None:
    server = Server(meanwhile={HOSTS: {"ssh_known_hosts": "theirs ssh-rsa AAAA"}})
    trust(server, repo="git@git.example.com:x.git", credentials=Credentials(known_hosts="git.example.com ssh-rsa BBBB")).present()
    text = server.objects[HOSTS]["data"]["ssh_known_hosts"]
    assert text == "git.example.com ssh-rsa BBBB gitops-airflow/platform=airflow\ntheirs ssh-rsa AAAA"
    assert trust(server).absent(1).changed
    assert server.objects[HOSTS]["data"]["ssh_known_hosts"] == "theirs ssh-rsa AAAA"


def test_with_check_nothing_but_the_secret_is_written() -> None:
    """What Argo CD trusts belongs to its owner. An entry of an earlier run stays remembered, so that a removal takes it back."""
    server = Server()
    with pytest.raises(CollectionError) as refused:
        trust(server, manage=False).present()
    assert (refused.value.code, server.writes) == ("not_trusted", [])
    entry = f"Add to the key {HOST} of the ConfigMap argocd-tls-certs-cm in the namespace argocd:\n{PEM.rstrip()}"
    assert refused.value.next_action == entry
    server.objects[TLS]["data"] = {HOST: OTHER + PEM}
    done = trust(server, manage=False).present()
    assert (server.writes, done.trust, done.theirs, done.rolled_out) == ([SECRET], [], [f"tls:{HOST}"], False)
    server.objects[TLS]["data"] = {}
    trust(server).present()
    server.writes.clear()
    done = trust(server, manage=False).present()
    assert (server.memory, done.trust, done.theirs) == (f"tls:{HOST}", [f"tls:{HOST}"], [])
    assert TLS not in server.writes
    trust(server, manage=False).absent(1)
    assert server.objects[TLS]["data"] == {}


@pytest.mark.parametrize("known", ["", "git.example.com ssh-rsa BBBB\n"])
def test_with_check_host_keys_must_be_known(known: str) -> None:
    server = Server()
    server.objects[HOSTS]["data"] = {"ssh_known_hosts": known}
    given = {"repo": "git@git.example.com:x.git", "credentials": Credentials(known_hosts="git.example.com ssh-rsa BBBB")}
    if known:
        assert trust(server, manage=False, **given).present().trust == []
        assert server.writes == [SECRET]
        return
    with pytest.raises(CollectionError) as refused:
        trust(server, manage=False, **given).present()
    assert refused.value.next_action.endswith("argocd-ssh-known-hosts-cm in the namespace argocd:\ngit.example.com ssh-rsa BBBB")


def repository_secret(url: str) -> Obj:
    return {"data": {"url": base64.b64encode(url.encode()).decode()}}


@pytest.mark.parametrize(
    ("others", "forbidden", "kept"),
    [
        ([], False, False),
        (["https://elsewhere.example.com/x.git"], False, False),
        (["https://git.example.com/another.git"], False, True),
        (["https://git.example.com"], False, True),
        # Nothing is known of others.
        (["https://git.example.com/another.git"], True, False),
    ],
)
def test_what_other_repositories_of_the_server_need_stays_trusted(others: list[str], forbidden: bool, kept: bool) -> None:
    server = Server()
    trust(server).present()
    for number, url in enumerate(others):
        server.objects[f"{CORE}/secrets/other-{number}"] = repository_secret(url)
    server.forbidden = forbidden
    done = trust(server).absent(1)
    assert (server.objects[TLS]["data"], SECRET in server.objects) == ({HOST: PEM} if kept else {}, False)
    assert done.kept == ([f"tls:{HOST}"] if kept else [])
    assert ("because it also reads other-0 from there" in done.notice) is kept


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("https://Git.example.com:8443/x.git", "git.example.com"),
        ("ssh://git@git.example.com:2222/x.git", "git.example.com"),
        ("git@git.example.com:team/x.git", "git.example.com"),
        ("git.example.com:team/x.git", "git.example.com"),
        ("https://[x/y", ""),
        ("", ""),
        ("/srv/x.git", ""),
    ],
)
def test_the_server_of_a_url(url: str, server: str) -> None:
    assert server_name(url) == server

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argo CD's trust while others write to it in the worst moment. Against a server: tests/integration/test_argocd_declared.py."""

from __future__ import annotations

import base64
import copy
from typing import Any, cast

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._argocd import repo_server
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.project import TRUST, project_place
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.repository import Repository, server_name
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.trust import RepositoryTrust, annotation
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import marks
from ansible_collections.gitops.airflow.plugins.module_utils._base.progress import Progress
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import Credentials
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi

Obj = dict[str, Any]
CORE = "/api/v1/namespaces/argocd"
SECRET, TLS, HOSTS = f"{CORE}/secrets/r", f"{CORE}/configmaps/argocd-tls-certs-cm", f"{CORE}/configmaps/argocd-ssh-known-hosts-cm"
PROJECT = project_place("argocd", "data").path
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
        if dry_run:
            return body
        self.writes.append(path)
        version = str(int(self.objects.get(path, {}).get("metadata", {}).get("resourceVersion", "0")) + 1)
        self.objects[path] = {**body, "metadata": {**body["metadata"], "resourceVersion": version, "uid": "u"}}
        return self.get(path)

    def patch(self, path: str, body: Obj, query: Obj) -> Obj:
        item = self.objects[path] if "dryRun" not in query else self.get(path)
        if path in self.meanwhile:
            item |= {"metadata": {"resourceVersion": "9"}, "data": self.meanwhile.pop(path)}
        if body["metadata"]["resourceVersion"] != item["metadata"]["resourceVersion"]:
            raise ApiError(409, "conflict")
        if "dryRun" not in query:
            self.writes.append(path)
        data = {**item.get("data", {}), **body.get("data", {})}
        item["data"] = {key: value for key, value in data.items() if value is not None}
        item |= {"spec": body["spec"]} if "spec" in body else {}
        metadata, given = item["metadata"], body["metadata"].get("annotations") or {}
        annotations = {key: value for key, value in {**metadata.get("annotations", {}), **given}.items() if value is not None}
        item["metadata"] = {**metadata, "annotations": annotations, "resourceVersion": f"{metadata['resourceVersion']}0"}
        return copy.deepcopy(item)

    def delete(self, path: str, _uid: str) -> bool:
        return self.objects.pop(path, None) is not None

    @property
    def memory(self) -> str:
        return str(self.objects[SECRET]["metadata"]["annotations"][TRUST])

    @property
    def known_hosts(self) -> str:
        return str(self.objects[HOSTS].get("data", {}).get("ssh_known_hosts", ""))

    @property
    def restarted_for(self) -> str | None:
        """The annotation of the repository server's pods."""
        metadata = self.objects[SERVER].get("spec", {}).get("template", {}).get("metadata", {})
        return cast("str | None", metadata.get("annotations", {}).get(TRUST))


OPTIONS = ("keep", "manage", "check", "timeout", "progress", "server")


def trust(server: Server, **given: Any) -> RepositoryTrust:
    options: Obj = {"name": "r", "namespace": "argocd", "platform": "airflow", "repo": f"https://{HOST}/x.git", **given}
    options = {"credentials": Credentials(ca=PEM), **options}
    repository = Repository(**{key: value for key, value in options.items() if key not in OPTIONS})
    return RepositoryTrust(cast(KubeApi, server), repository, **{key: value for key, value in options.items() if key in OPTIONS})


def ssh(key: str) -> Obj:
    return {"repo": "git@git.example.com:x.git", "credentials": Credentials(known_hosts=f"{HOST} ssh-rsa {key}")}


NO_TRUST: Obj = {"credentials": Credentials()}


def line(key: str) -> str:
    return f"{HOST} ssh-rsa {key} gitops-airflow/platform=airflow\n"


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


def keys_of(*hosts: str) -> Obj:
    """A repository of the first of them."""
    return {"repo": f"git@{hosts[0]}:x.git", "credentials": Credentials(known_hosts="".join(f"{host} ssh-rsa AAAA\n" for host in hosts))}


NEW = {"repo": "https://new.example.com/x.git"}
NEW_SSH = {"repo": "git@new.example.com:x.git", "credentials": Credentials(known_hosts="new.example.com ssh-rsa AAAA")}


@pytest.mark.parametrize(
    ("earlier", "given", "others", "authorities", "known", "kept"),
    [
        ({}, NEW, [], {"new.example.com"}, "", []),
        ({}, NEW, ["https://git.example.com/another.git"], {HOST, "new.example.com"}, "", [f"tls:{HOST}"]),
        ({}, NEW, ["https://elsewhere.example.com/x.git"], {"new.example.com"}, "", []),
        (keys_of(HOST), NEW, ["ssh://git@GIT.example.com:22/y.git"], {"new.example.com"}, f"{HOST} ssh-rsa AAAA", ["ssh"]),
        (
            keys_of("a.example.com", f"[{HOST}]:2222"),
            NEW,
            [f"git@{HOST}:y.git"],
            {"new.example.com"},
            f"[{HOST}]:2222 ssh-rsa AAAA",
            ["ssh"],
        ),
        (keys_of(HOST), NEW_SSH, [], set(), "new.example.com ssh-rsa AAAA", []),
        # The keys of a server that has new ones are needed by nobody.
        (ssh("AAAA"), ssh("BBBB"), [f"git@{HOST}:y.git"], set(), f"{HOST} ssh-rsa BBBB", []),
        # A hashed entry does not name its server.
        (keys_of("|1|c2FsdA==|aGFzaA=="), NEW, ["https://elsewhere.example.com/x.git"], {"new.example.com"}, "|1|c2Fs", ["ssh"]),
        (keys_of("|1|c2FsdA==|aGFzaA=="), NEW, [], {"new.example.com"}, "", []),
    ],
)
def test_another_server_leaves_the_trust_that_others_need(
    earlier: Obj, given: Obj, others: list[str], authorities: set[str], known: str, kept: list[str]
) -> None:
    server = Server()
    trust(server, **earlier).present()
    for number, url in enumerate(others):
        server.objects[f"{CORE}/secrets/other-{number}"] = repository_secret(url)
    done = trust(server, **given).present()
    assert (set(server.objects[TLS].get("data", {})), done.kept) == (authorities, kept)
    assert server.known_hosts.startswith(known)
    assert len(server.known_hosts.splitlines()) == bool(known)
    # When nobody else reads from it, the next run takes it back, and so does a removal.
    for path in [path for path in server.objects if "other-" in path]:
        del server.objects[path]
    assert trust(server, **given).present().kept == []
    assert set(server.objects[TLS].get("data", {})) == authorities - {HOST}


def test_a_removal_leaves_only_what_others_need() -> None:
    server = Server()
    trust(server, **keys_of("a.example.com", HOST)).present()
    server.objects[f"{CORE}/secrets/other-0"] = repository_secret(f"git@{HOST}:y.git")
    done = trust(server).absent(1)
    assert server.known_hosts == f"{HOST} ssh-rsa AAAA gitops-airflow/platform=airflow\n"
    assert (done.kept, f"still trusts {HOST}, because it also reads other-0 from there" in done.notice) == (["ssh"], True)


def test_a_second_removal_leaves_it_too() -> None:
    server = Server()
    trust(server, **keys_of(HOST)).present()
    server.objects[f"{CORE}/secrets/other-0"] = repository_secret(f"git@{HOST}:y.git")
    trust(server).absent(1)
    server.writes.clear()
    done = trust(server).absent(1)
    assert (done.changed, done.kept, server.writes) == (False, ["ssh"], [])
    assert server.known_hosts == f"{HOST} ssh-rsa AAAA gitops-airflow/platform=airflow\n"
    del server.objects[f"{CORE}/secrets/other-0"]
    assert (trust(server).absent(1).changed, server.known_hosts) == (True, "")


def test_a_secret_of_others_with_the_same_name_needs_the_trust() -> None:
    server = Server()
    trust(server, **keys_of(HOST)).present()
    metadata = {"name": "r", "resourceVersion": "1", "uid": "u", "labels": marks("other")}
    server.objects[SECRET] = {**repository_secret(f"git@{HOST}:y.git"), "metadata": metadata}
    assert (trust(server).absent(1).kept, HOST in server.known_hosts) == (["ssh"], True)


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


@pytest.mark.parametrize("given", [{}, ssh("BBBB")])
def test_a_second_run_changes_nothing(given: Obj) -> None:
    server = Server()
    first = trust(server, **given).present()
    assert (first.changed, first.rolled_out) == (True, True)
    server.writes.clear()
    second = trust(server, **given).present()
    assert (second.changed, second.rolled_out) == (False, False)
    assert server.writes == [SECRET]  # applied, with the same result
    assert "host_keys" not in second.before
    assert "certificate_authorities" not in second.before


@pytest.mark.parametrize("keep", [True, False])
def test_the_trust_for_an_earlier_repository_stays_while_it_is_kept(keep: bool) -> None:
    server = Server()
    trust(server, **ssh("AAAA")).present()
    done = trust(server, keep=keep, **ssh("BBBB")).present()
    assert server.known_hosts == line("BBBB") + (line("AAAA") if keep else "")
    assert (done.trust, done.kept, server.memory) == (["ssh"], ["ssh"] if keep else [], "ssh")


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize(("earlier", "memory"), [(ssh("AAAA"), "ssh"), ({}, f"tls:{HOST}")])
def test_a_repository_that_needs_no_trust_any_more(earlier: Obj, memory: str, keep: bool) -> None:
    server = Server()
    trust(server, **earlier).present()
    restarted = server.restarted_for
    assert restarted
    done = trust(server, keep=keep, **NO_TRUST).present()
    assert (server.known_hosts != "" or server.objects[TLS].get("data", {}) != {}) is keep
    assert (server.memory, server.restarted_for) == ((memory, restarted) if keep else ("", None))
    assert (done.rolled_out, done.kept) == (not keep, [memory] if keep else [])


def test_host_keys_after_a_certificate_authority() -> None:
    server = Server()
    trust(server).present()
    trust(server, **ssh("AAAA")).present()
    assert (server.known_hosts, server.objects[TLS]["data"], server.memory) == (line("AAAA"), {}, "ssh")


def test_own_host_keys_are_found_without_a_memory() -> None:
    server = Server()
    server.objects[HOSTS]["data"] = {"ssh_known_hosts": line("AAAA")}
    trust(server).present()
    assert server.known_hosts == ""


def test_without_trust_the_repository_server_is_left_alone() -> None:
    server = Server()
    done = trust(server, **NO_TRUST).present()
    assert server.writes == [SECRET]
    assert "repository_server" not in done.before
    del server.objects[SERVER], server.objects[HOSTS], server.objects[TLS]
    assert not trust(server, **NO_TRUST).present().changed


def test_what_others_trust_already_needs_no_restart() -> None:
    server = Server()
    server.objects[TLS]["data"] = {HOST: PEM}
    done = trust(server).present()
    assert (done.theirs, done.trust, server.writes) == ([f"tls:{HOST}"], [], [SECRET])


@pytest.mark.parametrize(("given", "missing"), [({}, TLS), (ssh("AAAA"), HOSTS), ({}, SERVER), (ssh("AAAA"), SERVER)])
def test_argo_cd_must_be_there_but_in_a_check(given: Obj, missing: str) -> None:
    server = Server()
    del server.objects[missing]
    with pytest.raises(CollectionError) as refused:
        trust(server, **given).present()
    assert refused.value.code == "no_argocd"
    # Without a ConfigMap nothing is written.
    assert (server.writes == []) is (missing != SERVER)
    server.writes.clear()
    done = trust(server, check=True, **given).present()
    assert (server.writes, done.changed, done.rolled_out) == ([], True, True)
    if given and missing == HOSTS:
        assert done.after["host_keys"] == [f"{HOST} ssh-rsa AAAA"]


def test_a_block_of_the_last_version_becomes_marked_lines_without_a_restart() -> None:
    server = Server()
    trust(server, **ssh("AAAA")).present()
    restarted = server.restarted_for
    block = f"# gitops.airflow: begin\n{HOST} ssh-rsa AAAA\n# gitops.airflow: end\n"
    server.objects[HOSTS]["data"] = {"ssh_known_hosts": block}
    done = trust(server, **ssh("AAAA")).present()
    assert (server.known_hosts, done.changed) == (line("AAAA"), True)
    assert (server.restarted_for, done.rolled_out) == (restarted, False)


@pytest.mark.parametrize("given", [{}, ssh("AAAA")])
def test_lost_entries_are_read_again(given: Obj) -> None:
    server = Server()
    trust(server, **given).present()
    restarted = server.restarted_for
    server.objects[TLS]["data"], server.objects[HOSTS]["data"] = {}, {}
    server.objects[SERVER]["metadata"]["generation"] = 7
    assert trust(server, **given).present().rolled_out
    assert server.restarted_for == f"{restarted}-7"


@pytest.mark.parametrize(
    ("present", "digest", "added", "wanted"),
    [
        ("", "", False, ""),
        ("", "", True, ""),
        ("d", "", True, ""),
        ("", "d", True, "d"),
        ("c", "d", False, "d"),
        ("d", "d", False, "d"),
        ("d-2", "d", False, "d-2"),
        ("d", "d", True, "d-3"),
        ("d-2", "d", True, "d-3"),
    ],
)
def test_the_annotation_of_the_repository_servers_pods(present: str, digest: str, added: bool, wanted: str) -> None:
    assert annotation(present, digest, added, 3) == wanted


@pytest.mark.parametrize(
    ("given", "awaited"),
    [({"timeout": 5.0}, True), ({"timeout": 0.0}, False), ({"timeout": 5.0, "check": True}, False), ({"timeout": 5.0, **NO_TRUST}, False)],
)
def test_the_roll_out_is_awaited(given: Obj, awaited: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(repo_server, "await_roll_out", lambda *arguments: calls.append(arguments))
    server, progress = Server(), Progress()
    trust(server, progress=progress, **given).present()
    assert [(place.path, timeout, told) for _api, place, _item, timeout, told, _clock in calls] == [(SERVER, 5.0, progress)] * awaited
    calls.clear()
    trust(server, **given).present()
    assert [isinstance(call[4], Progress) for call in calls] == [True] * awaited
    # Without the repository nothing waits.
    calls.clear()
    trust(server, **given).absent(1)
    assert calls == []


# The memory of the last version, on the AppProject


def legacy(**labels: str) -> Server:
    server = Server()
    metadata = {"resourceVersion": "1", "labels": labels or marks("airflow"), "annotations": {TRUST: f"tls:{HOST}", "other": "x"}}
    server.objects[PROJECT] = {"metadata": metadata}
    server.objects[TLS]["data"] = {HOST: OTHER}
    return server


def test_the_memory_moves_from_the_project_to_the_secret() -> None:
    server = legacy()
    done = trust(server, project="data").present()
    assert (server.memory, done.trust) == (f"tls:{HOST}", [f"tls:{HOST}"])
    assert server.objects[TLS]["data"] == {HOST: PEM}
    assert server.objects[PROJECT]["metadata"]["annotations"] == {"other": "x"}
    server.writes.clear()
    trust(server, project="data").present()
    assert PROJECT not in server.writes


@pytest.mark.parametrize(("server", "project"), [(legacy(), ""), (legacy(other="x"), "data")])
def test_the_memory_of_another_project_is_not_read(server: Server, project: str) -> None:
    with pytest.raises(CollectionError) as refused:
        trust(server, project=project).present()
    assert (refused.value.code, server.writes) == ("foreign_certificate", [])


@pytest.mark.parametrize("secret", [True, False])
def test_a_removal_takes_the_projects_memory_too(secret: bool) -> None:
    server = legacy()
    if secret:
        server.objects[TLS]["data"] = {}
        trust(server).present()
    done = trust(server, project="data").absent(1)
    assert (done.changed, server.objects[TLS]["data"]) == (True, {})
    assert server.objects[PROJECT]["metadata"]["annotations"] == {"other": "x"}


# A removal


def test_nothing_is_removed_where_nothing_is() -> None:
    server = Server()
    server.objects[SERVER]["spec"] = {"template": {"metadata": {"annotations": {TRUST: "of others"}}}}
    done = trust(server).absent(1)
    assert (done.changed, done.reason, server.writes) == (False, "", [])


@pytest.mark.parametrize("given", [{}, ssh("AAAA")])
def test_a_removal(given: Obj) -> None:
    server = Server()
    trust(server, **given).present()
    server.writes.clear()
    done = trust(server, **given).absent(1)
    assert (done.changed, done.reason, SECRET in server.objects) == (True, "", False)
    assert (server.objects[TLS].get("data", {}), server.known_hosts, server.restarted_for) == ({}, "", None)


def test_a_removal_restarts_for_entries_that_are_gone_already() -> None:
    server = Server()
    trust(server).present()
    server.objects[TLS]["data"] = {}
    assert trust(server).absent(1).changed
    assert server.restarted_for is None


def test_a_removal_restarts_for_host_keys_without_a_memory() -> None:
    server = Server()
    trust(server, **ssh("AAAA")).present()
    del server.objects[SECRET]
    assert trust(server).absent(1).changed
    assert (server.known_hosts, server.restarted_for) == ("", None)


def test_the_secret_of_others_stays() -> None:
    server = Server()
    server.objects[SECRET] = {"metadata": {"resourceVersion": "1", "uid": "u", "labels": marks("other")}}
    done = trust(server).absent(1)
    assert (done.changed, SECRET in server.objects) == (False, True)
    assert done.reason == "Secret argocd/r stays: it belongs to platform other"
    with pytest.raises(CollectionError) as refused:
        trust(server).present()
    assert refused.value.code == "other_platform"

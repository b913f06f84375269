# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges the writes in a Kubernetes audit log: whose object each of them changed.

The log is replayed from its first line, so that every object's state before a write is known: a DELETE's answer does not show labels, and a
write that adds the mark to a foreign object must not count as a write to an object with the mark.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

Obj = dict[str, Any]
Dump = Mapping[str, Mapping[str, Obj]]

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
PART_OF, PLATFORM = "app.kubernetes.io/part-of", "gitops-airflow/platform"
COLLECTION = "gitops-airflow"
TRACKING_ID, TRACKING_LABEL = "argocd.argoproj.io/tracking-id", "app.kubernetes.io/instance"
# Requests that are sent as writes and change no object, by API group and resource with its subresource.
EXEMPT = {
    ("authorization.k8s.io", "selfsubjectaccessreviews"): "access review",
    ("authorization.k8s.io", "selfsubjectrulesreviews"): "access review",
    ("authorization.k8s.io", "subjectaccessreviews"): "access review",
    ("authorization.k8s.io", "localsubjectaccessreviews"): "access review",
    ("authentication.k8s.io", "selfsubjectreviews"): "access review",
    ("authentication.k8s.io", "tokenreviews"): "access review",
    ("", "pods/exec"): "exec",
    ("", "pods/portforward"): "port-forward",
}
# The role's record of the Argo CD that it installed: Argo CD's objects carry Argo CD's own part-of label. What Argo CD makes itself in its
# namespace is not in the manifest and so not in the record's list.
RECORD = ("", "configmaps", "argocd-installed")
MADE_BY_ARGOCD = (
    ("Secret", "argocd-initial-admin-secret"),
    ("Secret", "argocd-redis"),
    ("ConfigMap", "argocd-app-controller-shard-cm"),
    ("AppProject", "default"),
)

# Reasons that a write to a foreign object cannot itself have put into it.
LASTING = frozenset({"owner", "Event of an own object"})


@dataclass(frozen=True, order=True)
class Key:
    """One object in the cluster. ``namespace`` is empty for a cluster-wide object."""

    group: str
    resource: str
    namespace: str
    name: str

    def __str__(self) -> str:
        kind = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{kind} {self.namespace}/{self.name}" if self.namespace else f"{kind} {self.name}"


@dataclass(frozen=True)
class Facts:
    """What an object says about its owner."""

    uid: str = ""
    kind: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    owners: frozenset[str] = frozenset()
    version: str = ""  # a write that changes nothing leaves it; empty: not known
    about: str = ""  # for an Event: the uid of the object that it is about


@dataclass(frozen=True)
class Write:
    """A judged write.

    ``ours`` says why the object counts as this platform's, ``exempt`` why the request changes no object; both are empty for a foreign
    write, and ``why`` then says what is wrong with it. ``line`` is the entry's own, where the caller numbers them. ``idle``: it left the
    object as it was, as an apply does that finds everything applied.
    """

    time: str
    user: str
    verb: str
    key: Key
    part: str = ""
    ours: str = ""
    exempt: str = ""
    why: str = ""
    line: int = 0
    idle: bool = False

    @property
    def foreign(self) -> bool:
        return not self.ours and not self.exempt

    def __str__(self) -> str:
        return (
            f"{self.time} {self.user} {self.verb} {self.key}{'/' + self.part if self.part else ''}: {self.why or self.ours or self.exempt}"
        )


def facts(obj: Any) -> Facts | None:
    """The facts of an object in a request, an answer or a dump; None for what has no metadata of its own, such as a Status."""
    if not isinstance(obj, dict) or obj.get("kind") in ("Status", "Scale", "DeleteOptions") or not isinstance(obj.get("metadata"), dict):
        return None
    metadata = obj["metadata"]
    about = obj.get("involvedObject") or obj.get("regarding") or {}
    return Facts(
        uid=metadata.get("uid", ""),
        kind=obj.get("kind", ""),
        labels=metadata.get("labels") or {},
        annotations=metadata.get("annotations") or {},
        version=metadata.get("resourceVersion", ""),
        owners=frozenset(owner["uid"] for owner in metadata.get("ownerReferences") or []),
        about=about.get("uid", "") if isinstance(about, dict) else "",
    )


class Cluster:
    """The objects of a cluster as an audit log shows them, and which of them are one platform's.

    :param platform: the value of the platform's mark.
    :param before: a dump from before the log's first line: objects of others, or of an earlier run.
    """

    def __init__(self, platform: str, before: Dump | None = None) -> None:
        self.mark = {PART_OF: COLLECTION, PLATFORM: platform}
        self._objects: dict[Key, Facts] = {}
        self._uids: set[str] = set()
        self._made: set[str] = set()
        self._recorded: set[tuple[str, str, str]] = set()
        for resource, objects in (before or {}).items():
            name, _dot, group = resource.partition(".")
            for obj in objects.values():
                key = Key(group, name, obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
                self.learn(key, facts(obj))

    def known(self, key: Key) -> Facts | None:
        return self._objects.get(key)

    def learn(self, key: Key, found: Facts | None) -> None:
        if found is None:
            return
        self._objects[key] = found
        if self.ours(key, found) and found.uid:
            self._uids.add(found.uid)

    def forget(self, key: Key) -> None:
        self._objects.pop(key, None)

    def made(self, uid: str) -> None:
        """The platform has made that object: the record names objects, and an object of others may have the same name."""
        self._made.add(uid)

    def read_record(self, record: Obj) -> None:
        """The role's record of its Argo CD, if it is this platform's."""
        found, namespace = facts(record), record["metadata"]["namespace"]
        if found and self.marked(found):
            listed = json.loads((record.get("data") or {}).get("objects") or "[]")
            self._recorded |= {(item["kind"], item.get("namespace") or "", item["name"]) for item in listed}
            self._recorded |= {(kind, namespace, name) for kind, name in MADE_BY_ARGOCD}

    def marked(self, found: Facts) -> bool:
        return self.mark.items() <= found.labels.items()

    def _tracked(self, key: Key, found: Facts) -> bool:
        """Whether a marked Application of this platform renders the object. Rule: Argo CD's resource tracking, where an annotation that
        names another object was copied from it and does not count."""
        tracking = found.annotations.get(TRACKING_ID)
        if tracking is None:
            return self._own_application(found.labels.get(TRACKING_LABEL, ""))
        app, _colon, rest = tracking.partition(":")
        kind, _colon, place = rest.partition(":")
        group, _slash, kind = kind.rpartition("/")
        namespace, _slash, name = place.rpartition("/")
        same = (group, name) == (key.group, key.name) and (not found.kind or found.kind == kind)
        return same and (not key.namespace or namespace == key.namespace) and self._own_application(app)

    def _own_application(self, name: str) -> bool:
        return bool(name) and any(
            (key.group, key.resource, key.name) == ("argoproj.io", "applications", name) and self.marked(found)
            for key, found in self._objects.items()
        )

    def ours(self, key: Key, found: Facts) -> str:
        """Why an object in that state is this platform's; empty where it is not."""
        if self.marked(found):
            return "mark"
        if self._tracked(key, found):
            return "marked Application"
        if found.uid in self._made and (found.kind, key.namespace, key.name) in self._recorded:
            return "install record"
        if found.owners & self._uids:
            return "owner"
        if found.about and found.about in self._uids:
            return "Event of an own object"
        return ""


def _targets(entry: Obj) -> list[tuple[Key, Facts | None]]:
    """The objects that a write is about, each with its state in the answer."""
    ref, answer = entry.get("objectRef") or {}, entry.get("responseObject") or {}
    group, resource, namespace = ref.get("apiGroup", ""), ref.get("resource", ""), ref.get("namespace", "")
    if entry["verb"] == "deletecollection":
        items = [item["metadata"] | {"item": item} for item in answer.get("items") or []]
        return [(Key(group, resource, item.get("namespace", namespace), item["name"]), facts(item["item"])) for item in items]
    # Only the status is answered with the whole object.
    found = facts(answer) if ref.get("subresource", "status") == "status" else None
    name = ref.get("name") or (answer["metadata"].get("name", "") if found else "")
    # The log takes a namespace's name for its namespace, too.
    return [(Key(group, resource, "" if (group, resource) == ("", "namespaces") else namespace, name), found)]


def _selects(uri: str, mark: Mapping[str, str]) -> bool:
    """Whether a collection's request is limited to objects with the mark."""
    chosen = parse_qs(urlsplit(uri).query).get("labelSelector", [""])[0].split(",")
    return all(f"{key}={value}" in chosen or f"{key}=={value}" in chosen for key, value in mark.items())


def _dry(entry: Obj) -> bool:
    return "All" in parse_qs(urlsplit(entry.get("requestURI", "")).query).get("dryRun", [])


def _code(entry: Obj) -> int:
    return int((entry.get("responseStatus") or {}).get("code", 0))


def writes(entries: Iterable[Obj]) -> list[Obj]:
    """The entries that changed something, or may have: the API server's own errors (5xx) leave open whether they did."""
    return [
        entry
        for entry in entries
        if entry.get("stage") in ("ResponseComplete", "Panic")
        and entry.get("verb") in WRITES
        and not _dry(entry)
        and not 400 <= _code(entry) < 500
    ]


def judge(entries: Iterable[Obj], cluster: Cluster, subject: Callable[[str], bool]) -> Iterator[Write]:
    """Replays audit entries, in their order, over the cluster's state.

    :param subject: whether a user's writes are judged; those of all others only say what exists.
    """
    kept = writes(entries)
    # Argo CD works before the role has recorded it.
    for entry in kept:
        ref, answer = entry.get("objectRef") or {}, entry.get("responseObject")
        if (ref.get("apiGroup", ""), ref.get("resource"), ref.get("name")) == RECORD and facts(answer) and answer:
            cluster.read_record(answer)
    for entry in kept:
        own = subject((entry.get("user") or {}).get("username", ""))
        judged = list(_one(entry, cluster, own))
        if own:
            yield from judged


def _one(entry: Obj, cluster: Cluster, own: bool) -> Iterator[Write]:
    """The writes of one entry; afterwards the cluster has them. ``own``: it is a judged user's."""
    ref, verb = entry.get("objectRef") or {}, entry["verb"]
    part, group, resource = ref.get("subresource", ""), ref.get("apiGroup", ""), ref.get("resource", "")

    def write(key: Key, idle: bool = False, **verdict: str) -> Write:
        user = (entry.get("user") or {}).get("username", "")
        return Write(entry.get("stageTimestamp", ""), user, verb, key, part, line=entry.get("line", 0), idle=idle, **verdict)

    if exempt := EXEMPT.get((group, f"{resource}/{part}" if part else resource)):
        yield write(Key(group, resource, ref.get("namespace", ""), ref.get("name", "")), exempt=exempt)
        return
    targets = _targets(entry)
    if verb == "deletecollection" and "items" not in (entry.get("responseObject") or {}):
        every = Key(group, resource, ref.get("namespace", ""), "*")
        if _selects(entry.get("requestURI", ""), cluster.mark):
            yield write(every, ours="mark")
        else:
            yield write(every, why="the log does not show which objects were deleted, and the request does not select the mark")
    for key, after in targets:
        created = not part and (verb == "create" or _code(entry) == 201)
        if created:
            cluster.forget(key)
            if own and after:
                cluster.made(after.uid)
        ours, why = _verdict(key, after, cluster, created, labels_kept=bool(part) or verb in ("delete", "deletecollection"))
        before = cluster.known(key)
        idle = bool(before and after and verb in ("patch", "update") and before.version and before.version == after.version)
        yield write(key, idle, ours=ours, why=why)
        if verb in ("delete", "deletecollection") and not part:
            # With a finalizer or a grace period it is there for a while.
            if after is None:
                cluster.forget(key)
        elif part in ("", "status"):
            cluster.learn(key, after)


def _verdict(key: Key, after: Facts | None, cluster: Cluster, created: bool, labels_kept: bool) -> tuple[str, str]:
    """Why the object is ours, or what is wrong with the write to it.

    :param created: the object was not there before.
    :param labels_kept: the write cannot change labels, so that the state in the answer says as much as the one before.
    """
    before, now = cluster.known(key), cluster.ours(key, after) if after else ""
    if before is not None:
        if ours := cluster.ours(key, before):
            return ours, ""
        return "", "the object was there before without the mark" + (", and was taken over" if now and not labels_kept else "")
    if after is None:
        return "", "the log does not show the object's labels"
    if created:
        return now, "" if now else "the object was made without the mark"
    if now and (labels_kept or now in LASTING):
        return now, ""
    return "", "the state before the write, which may have set the mark, is not in the log" if now else "the object has no mark"

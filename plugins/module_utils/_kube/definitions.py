# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects as they are declared: from YAML text or dictionaries to bodies in the order in which they are applied. Pure."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj

# What others need before they can be made or can start.
FIRST = (
    "Namespace",
    "CustomResourceDefinition",
    "PriorityClass",
    "StorageClass",
    "ServiceAccount",
    "ClusterRole",
    "Role",
    "ClusterRoleBinding",
    "RoleBinding",
    "Secret",
    "ConfigMap",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "NetworkPolicy",
    "Service",
)
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Pod", "Job", "CronJob")
# What makes the API server call a Service. While nobody answers there, namespaces cannot be deleted or requests fail.
LAST = ("APIService", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
# ${SECRET/KEY} in a text.
PLACEHOLDER = re.compile(r"\$\{([a-z0-9.-]+)/([A-Za-z0-9._-]+)\}")


def bad(message: str, action: str = "Correct definitions.") -> CollectionError:
    return CollectionError(message, action, "bad_definition")


def read_definitions(value: Any) -> list[Obj]:
    """The objects in YAML text of one or more documents, in a dictionary or in a list of them. Raises CollectionError."""
    documents = _load(value) if isinstance(value, str) else value if isinstance(value, list) else [value]
    found: list[Obj] = []
    for document in documents:
        if isinstance(document, list):
            found += read_definitions(document)
        elif isinstance(document, Mapping) and document.get("kind") == "List" and "items" in document:
            found += read_definitions(list(document["items"] or []))
        elif document is not None:
            found.append(_checked(document, len(found)))
    return found


def _load(text: str) -> list[Any]:
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc]
        """Without dates: JSON has none, and Kubernetes takes them as texts."""

    Loader.yaml_implicit_resolvers = {
        first: [item for item in resolvers if item[0] != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in base.yaml_implicit_resolvers.items()
    }
    try:
        # A stream: the C parser refuses a subclass of str, such as the text of a lookup on ansible-core 2.18.
        return list(yaml.load_all(io.StringIO(text), Loader))
    except yaml.YAMLError as error:
        # Without the line itself, in which a secret may stand.
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        raise bad(f"definitions are not YAML: {getattr(error, 'problem', None) or 'they cannot be read'}{where}.") from None


def _checked(document: Any, index: int) -> Obj:
    if not isinstance(document, Mapping):
        raise bad(f"Definition {index + 1} is not an object but {type(document).__name__}.")
    metadata = document.get("metadata")
    wanted = (document.get("apiVersion"), document.get("kind"), metadata.get("name") if isinstance(metadata, Mapping) else None)
    for name, item in zip(("apiVersion", "kind", "metadata.name"), wanted, strict=True):
        if not isinstance(item, str) or not item:
            raise bad(f"Definition {index + 1} ({document.get('kind')}) has no {name}, or one that is not a text.")
    return _encoded({**document, "metadata": {**document["metadata"]}})


def _encoded(body: Obj) -> Obj:
    """A Secret with ``data`` alone: the server never returns ``stringData``, so a difference in it could not be seen."""
    if body["kind"] != "Secret" or body["apiVersion"] != "v1" or not body.get("stringData"):
        return body
    texts = body["stringData"]
    if not all(isinstance(text, str) for text in texts.values()):
        raise bad(f"Secret {body['metadata']['name']} has a value in stringData that is not a text.")
    data = {**(body.get("data") or {}), **{key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}}
    return {**{key: value for key, value in body.items() if key != "stringData"}, "data": data}


def with_labels(body: Obj, labels: Mapping[str, str]) -> Obj:
    """The object with more labels in its metadata, and there alone."""
    metadata = body["metadata"]
    return {**body, "metadata": {**metadata, "labels": {**(metadata.get("labels") or {}), **labels}}}


def ordered(bodies: Iterable[Obj]) -> list[Obj]:
    """The objects in the order in which Kubernetes can use them; those of one rank in the order given."""
    ranks = {kind: rank for rank, kind in enumerate(FIRST)}
    ranks |= dict.fromkeys(WORKLOADS, len(FIRST)) | dict.fromkeys(LAST, len(FIRST) + 2)
    return sorted(bodies, key=lambda body: ranks.get(body["kind"], len(FIRST) + 1))


def secret_names(bodies: Sequence[Obj], sources: Sequence[str]) -> set[str]:
    """Those of the source Secrets that placeholders in the definitions' Secrets name."""
    texts = [text for body in bodies if body["kind"] == "Secret" for text in decoded(body).values()]
    return {match[1] for text in texts for match in PLACEHOLDER.finditer(text)} & set(sources)


def substituted(body: Obj, sources: Mapping[str, Mapping[str, str]]) -> Obj:
    """A Secret whose placeholders ``${SECRET/KEY}`` are replaced by values of other Secrets; another object as it is.

    ``sources`` holds the values by the Secret's name and key. A name that is not in it stays as it is. Raises CollectionError.
    """
    if body["kind"] != "Secret" or not sources:
        return body

    def value(match: re.Match[str]) -> str:
        name, key = match[1], match[2]
        if name not in sources:
            return match[0]
        if key not in sources[name]:
            raise CollectionError(f"The Secret {name} has no key {key}, which Secret {body['metadata']['name']} needs.", code="missing_key")
        return sources[name][key]

    data = dict(body.get("data") or {})
    for key, text in decoded(body).items():
        if (filled := PLACEHOLDER.sub(value, text)) != text:
            data[key] = base64.b64encode(filled.encode()).decode()
    return {**body, "data": data}


def decoded(secret: Obj) -> dict[str, str]:
    """A Secret's values that are texts, by key."""
    found = {}
    for key, value in (secret.get("data") or {}).items():
        try:
            found[key] = base64.b64decode(value, validate=True).decode()
        except (ValueError, TypeError):
            continue
    return found

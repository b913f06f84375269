# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets and ConfigMaps of the core namespace that every worker namespace gets a copy of (F9). Pure: settings and objects in.

The namespace of the log store gets a copy of those with which images are pulled. What platform_pull_secrets names is copied from another
namespace to all that the platform has (pull_copies.py).

A label, not a name, says what is a copy: without it no object is changed or deleted. It names the namespace of the source. Nothing in the
metadata of a copy is derived from its values: with a checksum, users who may not read Secrets could test a guessed password.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import labels_of, marks, owner_of, owner_text
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj, named
from ansible_collections.gitops.airflow.plugins.module_utils._platform import references, shapes
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Found, Ref
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_apply import DELETED
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Settings

COPIED_FROM = "gitops-airflow/copied-from"
# Kubernetes refuses such a Secret without its annotation, and deletes it where its ServiceAccount does not exist (kubernetes:
# pkg/controller/serviceaccount).
BOUND_TYPE = "kubernetes.io/service-account-token"


@dataclass(frozen=True)
class Source:
    """What is known of an object to copy, without its values."""

    keys: frozenset[str] = frozenset()
    type: str = ""  # of a Secret


@dataclass(frozen=True)
class Standing:
    """What the cluster has. None: no object of that name. Objects of a namespace that does not exist count as missing."""

    sources: Mapping[Ref, Source | None] = field(default_factory=dict)
    targets: Mapping[Ref, Mapping[str, Any] | None] = field(default_factory=dict)  # their ``metadata``


def _sound(airflow: AirflowSettings) -> list[tuple[str, str]]:
    """Kind and name of what is copied, without what RULES refuses."""
    return [item for item in airflow.copied if item not in references.OWN and shapes.OBJECT_NAME.fullmatch(item[1])]


def sources(given: Settings, airflow: AirflowSettings) -> list[Ref]:
    """What is copied."""
    return [Ref(kind, str(given.core_namespace), name, "v1") for kind, name in _sound(airflow)]


def targets(given: Settings, airflow: AirflowSettings) -> list[Ref]:
    """The copies. The log store's pods get those with which people pull Airflow's image, and no others."""
    pulls = {(ref.kind, ref.name): ref for ref in references.of_log_store(given, airflow)}
    places = [Ref(kind, namespace, name, "v1") for namespace in given.namespaces_beside_core for kind, name in _sound(airflow)]
    return [*places, *(pulls[item] for item in _sound(airflow) if item in pulls)]


def pull_targets(given: Settings) -> list[Ref]:
    """The copies of what platform_pull_secrets names. A source in a namespace of the platform is there already."""
    source = given.pull_secrets_namespace
    places = [namespace for namespace in given.pulling_namespaces if source and namespace != source]
    return [Ref("Secret", namespace, name, "v1") for namespace in places for name in dict.fromkeys(given.pull_secrets)]


def source_of(live: Obj) -> Source:
    """What a decision needs of a Secret or ConfigMap."""
    return Source(keys_of(live), str(live.get("type") or ""))


def keys_of(live: Obj) -> frozenset[str]:
    """The keys of a Secret or ConfigMap."""
    return frozenset({**(live.get("data") or {}), **(live.get("binaryData") or {})})


def labels(platform: str, source_namespace: str) -> dict[str, str]:
    """All labels of a copy."""
    return {**marks(platform), COPIED_FROM: source_namespace}


def is_copy(metadata: Mapping[str, Any], platform: str) -> bool:
    """Whether an object is a copy that this platform made."""
    return owner_of(metadata, platform) == "ours" and COPIED_FROM in labels_of(metadata)


def obstacle(metadata: Mapping[str, Any] | None, platform: str) -> str:
    """Why an object of a copy's name may not be changed; empty if it may, or if there is none."""
    if metadata is None:
        return ""
    if owner_of(metadata, platform) != "ours":
        return owner_text(metadata, platform)
    if COPIED_FROM not in labels_of(metadata):
        return f"it has no label {COPIED_FROM}"
    return DELETED if metadata.get("deletionTimestamp") else ""


def existing(labelled: Sequence[Found], given: Settings) -> list[Ref]:
    """All copies of this platform, also those in namespaces that it no longer has."""
    found = (item for item in labelled if item.ref.kind in references.COPY_VARIABLES and is_copy(item.metadata, str(given.name)))
    return [item.ref for item in found if labels_of(item.metadata)[COPIED_FROM] != item.ref.namespace]


def unused(labelled: Sequence[Found], given: Settings, airflow: AirflowSettings) -> list[Ref]:
    """The copies whose name or namespace is no longer set."""
    wanted = {*targets(given, airflow), *pull_targets(given)}
    return [ref for ref in existing(labelled, given) if ref not in wanted]


# What is refused


def own_objects(_given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    """What the platform makes itself is where it is needed, and nowhere else."""
    own = [(kind, name) for kind, name in airflow.copied if (kind, name) in references.OWN]
    if own:
        shown = named([name for _kind, name in own])
        yield Refusal(
            "copy_of_own_object",
            shown,
            "the platform's own objects are not copied",
            f"{_variables(own)} names {shown}, which the platform or Kubernetes creates where it is needed. A copy would overwrite it, or "
            "give workers passwords that only Airflow's own pods need.",
            f"Remove {shown} from {_variables(own)}.",
        )


def object_names(_given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    wrong = [(kind, name) for kind, name in airflow.copied if not shapes.OBJECT_NAME.fullmatch(name)]
    if wrong:
        shown = ", ".join(f"'{name}'" for _kind, name in wrong)
        yield Refusal(
            "copy_name",
            shown,
            "an object's name has lowercase letters, digits, hyphens and dots",
            f"{_variables(wrong)} has {shown}, which cannot be the name of an object.",
            f"Correct {_variables(wrong)}.",
        )


RULES = (own_objects, object_names)


def _variables(objects: Sequence[tuple[str, str]]) -> str:
    return " and ".join(dict.fromkeys(references.COPY_VARIABLES[kind] for kind, _name in objects))


def refusals(standing: Standing, given: Settings, namespaces: Sequence[str]) -> Iterator[Refusal]:
    """What stands in the way of the copies. ``namespaces``: those that exist."""
    for ref, source in standing.sources.items():
        variable = references.COPY_VARIABLES[ref.kind]
        if source is None:
            first, kind = "" if ref.namespace in namespaces else f"kubectl create namespace {ref.namespace}; ", references.WORDS[ref.kind]
            yield Refusal(
                "copy_source_missing",
                f"{ref.namespace}/{ref.name}",
                "an object that is copied to the worker namespaces exists in the core namespace",
                f"{variable} names {ref.name}, but {ref.namespace} has no {ref.kind} of that name.",
                f"Create it, for example: {first}kubectl -n {ref.namespace} create {kind} {ref.name} --from-file=KEY. Or remove "
                f"{ref.name} from {variable}.",
            )
        elif source.type == BOUND_TYPE:
            yield Refusal(
                "copy_source_type",
                f"{ref.namespace}/{ref.name}",
                "the token of a ServiceAccount is not copied",
                f"{variable} names {ref.name}, a Secret of the type {BOUND_TYPE}. Kubernetes accepts such a Secret only beside its "
                "ServiceAccount.",
                f"Remove {ref.name} from {variable}, or put the token into a Secret of the type Opaque and name that.",
            )
    yield from _foreign(standing, given)


def _foreign(standing: Standing, given: Settings) -> Iterator[Refusal]:
    """A copy that is being deleted may be gone when the run comes to it."""
    found = {ref: obstacle(metadata, str(given.name)) for ref, metadata in standing.targets.items()}
    wrong = {ref: reason for ref, reason in found.items() if reason not in ("", DELETED)}
    if not wrong:
        return
    variables = _variables([(ref.kind, ref.name) for ref in wrong])
    yield Refusal(
        "foreign_copy",
        named(list(wrong)),
        "a copy overwrites no object of others",
        f"{variables} names objects that the worker namespaces already have, and that are not this platform's copies: "
        f"{named([f'{ref} ({reason})' for ref, reason in wrong.items()])}.",
        f"Delete those that nobody needs. If others keep them in step, for example External Secrets, remove their names from {variables}.",
    )

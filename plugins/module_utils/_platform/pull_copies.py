# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the namespaces of the platform have, or can get, the Secrets that platform_pull_secrets names. Pure: settings and objects in.

By default each run copies them from one namespace (copies.py). If that is not set, others create them in each namespace.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import owner_of
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import named
from ansible_collections.gitops.airflow.plugins.module_utils._platform.copies import Source, obstacle
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Ref
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_apply import DELETED
from ansible_collections.gitops.airflow.plugins.module_utils._platform.references import PULL_KEY, PULL_TYPE
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import METRICS_NAMESPACE, Settings

# The second is the older form of the first.
TYPES = (PULL_TYPE, "kubernetes.io/dockercfg")
VARIABLE, FROM = "platform_pull_secrets", "platform_pull_secrets_namespace"


@dataclass(frozen=True)
class PullSecrets:
    """What the cluster has. None: no object of that name. Objects of a namespace that does not exist are left out of ``read``."""

    read: Mapping[Ref, Source | None] = field(default_factory=dict)
    targets: Mapping[Ref, Mapping[str, Any] | None] = field(default_factory=dict)  # the ``metadata`` of what has a copy's name


def sources(given: Settings) -> list[Ref]:
    """What is copied, or used where it is if nothing is copied."""
    places = [given.pull_secrets_namespace] if given.pull_secrets_namespace else given.pulling_namespaces
    return [Ref("Secret", place, name, "v1") for place in places for name in dict.fromkeys(given.pull_secrets)]


def is_of_others(ref: Ref, given: Settings) -> bool:
    """Whether a copy is for pods beside Airflow's, which run on when Airflow is removed."""
    return ref.kind == "Secret" and ref.name in given.pull_secrets and ref.namespace not in map(str, given.worker_namespaces)


def _command(ref: Ref) -> str:
    return f"kubectl -n {ref.namespace} create secret generic {ref.name} --type={PULL_TYPE} --from-file={PULL_KEY}=FILE"


def refusals(found: PullSecrets, given: Settings, namespaces: Collection[str]) -> Iterator[Refusal]:
    """What keeps pods from getting their pull secrets. ``namespaces``: those that exist."""
    missing = [ref for ref, source in found.read.items() if source is None]
    gone = sorted({ref.namespace for ref in sources(given) if given.pull_secrets_namespace} - set(namespaces))
    if gone:
        yield Refusal(
            "pull_secret_missing",
            gone[0],
            "the namespace of the pull secrets exists",
            f"{FROM} is '{gone[0]}', which the cluster does not have, so {named(list(given.pull_secrets))} cannot be copied from there.",
            f"Correct {FROM}, or create the namespace and its Secrets.",
        )
    elif missing:
        yield Refusal(
            "pull_secret_missing",
            ", ".join(f"{ref.namespace}/{ref.name}" for ref in missing),
            "the pull secrets of the platform exist",
            f"{VARIABLE} names Secrets that do not exist: {named(missing)}. Nodes could not pull images that need them.",
            f"Create them, for example from Docker's configuration file: {'; '.join(map(_command, missing))}. Then run the same command "
            "again.",
        )
    wrong = [f"{ref} ({source.type or 'no type'})" for ref, source in found.read.items() if source and source.type not in TYPES]
    if wrong:
        yield Refusal(
            "pull_secret_type",
            ", ".join(wrong),
            f"a pull secret has the type {PULL_TYPE}",
            f"{VARIABLE} names Secrets of another type than {PULL_TYPE}, which nodes do not use: {named(wrong)}.",
            "Create them anew with this type, from Docker's configuration file (docs/registry.md).",
        )
    yield from _foreign(found, given)


def _foreign(found: PullSecrets, given: Settings) -> Iterator[Refusal]:
    """A copy that is being deleted may be gone when the run comes to it."""
    reasons = {ref: obstacle(metadata, str(given.name)) for ref, metadata in found.targets.items()}
    refs = [ref for ref, reason in reasons.items() if reason not in ("", DELETED)]
    wrong = [f"{ref} ({reasons[ref]})" for ref in refs]
    # The pods of another platform's metrics-server, which serves all platforms, pull their image with its copy.
    shared = [ref for ref in refs if ref.namespace == METRICS_NAMESPACE and owner_of(found.targets[ref] or {}, str(given.name)) == "other"]
    if shared:
        yield Refusal(
            "foreign_copy",
            named(wrong),
            "a cluster has one metrics-server",
            f"platform_metrics_server is true, but another platform installed metrics-server and needs its own copies: {named(shared)}.",
            "Set platform_metrics_server to false. All platforms of the cluster use the metrics-server that is there.",
        )
    elif wrong:
        yield Refusal(
            "foreign_copy",
            named(wrong),
            "a copy overwrites no object of others",
            f"{VARIABLE} names Secrets that namespaces of the platform already have, and that are not this platform's copies: "
            f"{named(wrong)}.",
            f"If others create them in every namespace, set {FROM} to an empty text. Otherwise delete them, and the run copies its own.",
        )


def notes(given: Settings, namespaces: Sequence[str]) -> Iterator[str]:
    """What others must create in namespaces that this run creates."""
    new = [] if given.pull_secrets_namespace else [name for name in given.pulling_namespaces if name not in namespaces]
    if new and given.pull_secrets:
        yield (
            f"This run creates {named(new)}, and {FROM} is empty. Until another program creates {named(list(given.pull_secrets))} there, "
            "nodes cannot pull images that need a log-in for pods of these namespaces."
        )

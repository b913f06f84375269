# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a cluster can have the platform's admission policy, and whether the person who runs the playbook may make it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import owner_of, owner_text
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, at_once
from ansible_collections.gitops.airflow.plugins.module_utils._kube.resources import collection, root
from ansible_collections.gitops.airflow.plugins.module_utils._platform.admission_policy import (
    BINDING,
    GROUP,
    PLURALS,
    POLICY,
    VERSIONS,
    object_name,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.pod_operator_rules import unfenced
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import NONE, REQUIRE, AirflowSettings, Settings

# The annotation of this Role in each worker namespace says that a run made the policy: group and version. Who looks at the platform later
# need not know the settings of that run, nor its rights (roles/airflow_app/templates/rbac.yaml.j2).
MARK, MARKED_ROLE = "gitops-airflow/admission-policy", "airflow-pod-launcher"
# Those that a run needs, and a removal.
VERBS = ("get", "create", "patch", "delete")
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
NOT_SERVED = (
    "this API server does not serve ValidatingAdmissionPolicy. Kubernetes 1.30 and later do; 1.28 and 1.29 with --feature-gates="
    f"ValidatingAdmissionPolicy=true and --runtime-config={GROUP}/v1beta1=true"
)


@dataclass(frozen=True)
class Admission:
    """What was found out.

    ``version``: group and version that the server serves; empty for none. ``missing``: rights, as "create validatingadmissionpolicies".
    ``foreign``: whose an object of its name is, if it is not this platform's. ``there``: whether this platform's exists.
    """

    version: str = ""
    missing: tuple[str, ...] = ()
    foreign: str = ""
    there: bool = False

    @property
    def usable(self) -> str:
        return "" if self.missing or self.foreign else self.version

    @property
    def obstacle(self) -> str:
        if not self.version:
            return NOT_SERVED
        return f"you may not, in the whole cluster: {', '.join(self.missing)}" if self.missing else ""


def served(api: KubeApi) -> str:
    """Group and version in which the server serves admission policies; empty for none. Raises ApiError."""
    for version in VERSIONS:
        resources = (api.find(root(f"{GROUP}/{version}")) or {}).get("resources") or []
        if {*PLURALS.values()} <= {item["name"] for item in resources}:
            return f"{GROUP}/{version}"
    return ""


def is_wanted(given: Settings) -> bool:
    """Whether the settings ask for a policy, at least where the cluster can have one."""
    return given.airflow is not None and given.airflow.admission_policy != NONE


def read(api: KubeApi, given: Settings) -> Admission | None:
    """None if no policy is wanted. Raises ApiError."""
    if not is_wanted(given):
        return None
    version = served(api)
    if not version:
        return Admission()
    asked = [(verb, plural) for plural in PLURALS.values() for verb in VERBS]
    answers = at_once(lambda item: _may(api, item[0], item[1], object_name(given.name)), asked)
    missing = tuple(f"{verb} {plural}" for (verb, plural), may in zip(asked, answers, strict=True) if not may)
    # An account without any of these rights is not asked to read.
    readable = [kind for kind in (POLICY, BINDING) if f"get {PLURALS[kind]}" not in missing]
    found = at_once(lambda kind: metadata(api, kind, version, given.name), readable)
    owners = [owner_text(item, given.name) for item in found if item is not None and owner_of(item, given.name) != "ours"]
    return Admission(version, missing, owners[0] if owners else "", any(found) and not owners)


def metadata(api: KubeApi, kind: str, version: str, platform: str) -> Obj | None:
    """That of the platform's policy or binding. None where there is none, and for who may not read it."""
    try:
        return api.metadata(f"{collection(kind, '', version)}/{object_name(platform)}")
    except ApiError as error:
        if error.status == 403:
            return None
        raise


def _may(api: KubeApi, verb: str, plural: str, name: str) -> bool:
    attributes = {"group": GROUP, "resource": plural, "verb": verb, "name": name}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": attributes}}
    return bool(((api.create(REVIEWS, body)).get("status") or {}).get("allowed"))


def notes(found: Admission | None, mode: str) -> Iterator[str]:
    """What a person should know who runs the playbook with ``auto``."""
    if found is not None and mode != REQUIRE and found.obstacle:
        yield (
            f"Airflow has no admission policy for the pods of its tasks: {found.obstacle}. Who pushes DAGs can leave the cluster policy "
            "out (docs/security.md). airflow_app_admission_policy: none ends this note."
        )


def refusals(found: Admission | None, given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    if found is None:
        return
    name = object_name(given.name)
    if found.foreign:
        yield Refusal(
            "foreign_object",
            name,
            "the admission policy of this name is the platform's",
            f"The cluster has a {POLICY} or a {BINDING} {name} that this platform did not make: {found.foreign}.",
            "Use another platform_name, set airflow_app_admission_policy to none, or delete it if nobody needs it.",
        )
    elif found.obstacle and airflow.admission_policy == REQUIRE:
        yield Refusal(
            "admission_policy",
            airflow.admission_policy,
            "with require, the cluster can have an admission policy",
            f"airflow_app_admission_policy is '{REQUIRE}', but {found.obstacle}.",
            f"{_rights() if found.missing else 'Start the API server with it'}, or set airflow_app_admission_policy to auto.",
        )
    elif found.obstacle and given.pod_operators:
        yield from unfenced(given, found.obstacle, _rights() if found.missing else "Start the API server with it")
    elif found.missing and found.there:
        yield Refusal(
            "admission_policy",
            name,
            "an admission policy is kept up to date",
            f"The cluster has this platform's {POLICY} {name}, but {found.obstacle}. It would refuse pods of tasks that new settings "
            "allow.",
            f"{_rights()}, or have who made it delete it with its {BINDING}, and set airflow_app_admission_policy to none.",
        )


def _rights() -> str:
    return f"Grant these rights in the group {GROUP} by a ClusterRole"

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of rights: what the settings add to it and take from it (ADR 26)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import Credentials
from ansible_collections.gitops.airflow.plugins.module_utils._kube.resources import CLUSTER_WIDE, RESOURCES
from ansible_collections.gitops.airflow.plugins.module_utils._platform.names import platform_names
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_read import MARKED_KINDS
from ansible_collections.gitops.airflow.plugins.module_utils._platform.rights import (
    NEEDED,
    OPTIONAL,
    WANTED,
    Right,
    Unit,
    everywhere,
    own_namespaces,
    rights,
    table,
    units,
    wide_look,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import (
    SETTINGS_SPEC,
    AirflowSettings,
    Logs,
    Repository,
    Settings,
    from_params,
)

AIRFLOW = AirflowSettings(Repository("platform", "https://git.example/platform.git"), Repository("dags", "https://git.example/dags.git"))
WORKERS = ("airflow-core", "airflow-user")
EXISTING = Settings(argocd="existing", worker_namespaces=WORKERS, profiles=tuple({"name": name} for name in WORKERS), airflow=AIRFLOW)
INSTALL = replace(EXISTING, argocd="install")
OPERATOR = ({"name": "airflow-core"}, {"name": "airflow-user", "pod_operator": True, "quota": {"pods": "5"}, "limits": None})


def level(given: Settings, unit: Unit, **more: Any) -> str:
    """How urgent a right is for settings; empty for one that they do not need."""
    found = units(rights(given, **more)).get(unit)
    return found.level if found else ""


POLICY = Unit("create", "admissionregistration.k8s.io", "validatingadmissionpolicies", "", "gitops-airflow-airflow-workers")
ESCALATE = Unit("escalate", "rbac.authorization.k8s.io", "clusterroles", "", "argocd-server")
TRUST = Unit("patch", "", "configmaps", "argocd", "argocd-tls-certs-cm")
GIT, LOGS = Unit("create", "apps", "deployments", "git"), Unit("create", "batch", "jobs", "airflow-logs")
CREATE = Unit("create", "", "namespaces", "", "git")


@pytest.mark.parametrize(
    ("given", "unit", "expected"),
    [
        (EXISTING, ESCALATE, ""),
        (INSTALL, ESCALATE, NEEDED),
        (EXISTING, Unit("create", "argoproj.io", "applications", "argocd", "airflow-core"), NEEDED),
        (EXISTING, Unit("create", "argoproj.io", "applications", "argocd"), ""),
        (EXISTING, Unit("create", "argoproj.io", "appprojects", "argocd", "airflow"), NEEDED),
        (replace(EXISTING, airflow=replace(AIRFLOW, project="data")), Unit("get", "argoproj.io", "appprojects", "argocd", "data"), NEEDED),
        (replace(EXISTING, airflow=replace(AIRFLOW, project="data")), Unit("patch", "argoproj.io", "appprojects", "argocd", "data"), ""),
        (EXISTING, Unit("list", "", "secrets", "argocd"), OPTIONAL),
        (EXISTING, Unit("get", "", "secrets", "argocd", "airflow-platform-repository"), NEEDED),
        (EXISTING, TRUST, ""),
        (replace(EXISTING, argocd_trust="manage"), TRUST, NEEDED),
        (EXISTING, GIT, NEEDED),
        (replace(EXISTING, git_server="external"), GIT, ""),
        (EXISTING, LOGS, NEEDED),
        (replace(EXISTING, airflow=replace(AIRFLOW, logs=Logs("none"))), LOGS, ""),
        (EXISTING, POLICY, OPTIONAL),
        (INSTALL, POLICY, WANTED),
        (replace(INSTALL, airflow=replace(AIRFLOW, admission_policy="none")), POLICY, OPTIONAL),
        (replace(EXISTING, airflow=replace(AIRFLOW, admission_policy="require")), POLICY, WANTED),
        (replace(EXISTING, profiles=OPERATOR), POLICY, WANTED),
        (EXISTING, Unit("create", "", "pods/exec", "airflow-user"), ""),
        (replace(EXISTING, profiles=OPERATOR), Unit("create", "", "pods/exec", "airflow-user"), NEEDED),
        (replace(EXISTING, profiles=OPERATOR), Unit("get", "", "resourcequotas", "airflow-user"), NEEDED),
        (replace(EXISTING, profiles=OPERATOR), Unit("get", "", "limitranges", "airflow-user"), ""),
        (EXISTING, Unit("create", "", "configmaps", "airflow-user"), ""),
        (replace(EXISTING, airflow=replace(AIRFLOW, worker_config_maps=("x",))), Unit("create", "", "configmaps", "airflow-user"), NEEDED),
        # Reports show less without them.
        (EXISTING, Unit("list", "", "events", "airflow-user"), WANTED),
        (EXISTING, Unit("list", "", "nodes"), OPTIONAL),
        (EXISTING, Unit("list", "", "services"), OPTIONAL),
        (INSTALL, Unit("list", "", "services"), NEEDED),
        (INSTALL, Unit("list", "", "nodes"), WANTED),
        (EXISTING, Unit("get", "", "deployments", "kube-system", "metrics-server"), ""),
        (replace(EXISTING, metrics_server=True), Unit("create", "apps", "deployments", "kube-system", "metrics-server"), NEEDED),
        (INSTALL, Unit("get", "apps", "deployments", "kube-system", "metrics-server"), NEEDED),
        (INSTALL, Unit("create", "apps", "deployments", "kube-system", "metrics-server"), ""),
        (EXISTING, CREATE, ""),
        # The claim templates of the database's StatefulSet name its StorageClass.
        (EXISTING, Unit("get", "apps", "statefulsets", "airflow-core"), NEEDED),
        (EXISTING, Unit("list", "storage.k8s.io", "storageclasses"), OPTIONAL),
        (replace(EXISTING, storage_class="fast"), Unit("list", "storage.k8s.io", "storageclasses"), WANTED),
        # A removal looks for users of the Argo CD that the platform installed.
        (INSTALL, Unit("list", "argoproj.io", "applicationsets"), NEEDED),
        (EXISTING, Unit("list", "argoproj.io", "applicationsets"), ""),
    ],
)
def test_what_settings_need(given: Settings, unit: Unit, expected: str) -> None:
    assert level(given, unit) == expected


@pytest.mark.parametrize(("made", "expected"), [(("git",), NEEDED), (("airflow-core",), "")])
def test_only_a_missing_namespace_is_created(made: tuple[str, ...], expected: str) -> None:
    assert level(EXISTING, CREATE, made=made) == expected
    assert level(EXISTING, Unit("delete", "", "namespaces", "", "git"), made=made) == expected


def test_a_former_worker_namespace_is_cleaned_with_the_rights_of_a_worker_namespace() -> None:
    unit = Unit("delete", "", "secrets", "old")
    assert (level(EXISTING, unit), level(EXISTING, unit, former=("old",))) == ("", NEEDED)
    assert level(EXISTING, Unit("get", "", "namespaces", "", "old"), former=("old",)) == NEEDED


def test_with_an_argo_cd_of_others_nothing_is_written_outside_of_the_named_namespaces() -> None:
    granted = [unit for unit, right in units(table(EXISTING, create_namespaces=False)).items() if right.level != OPTIONAL]
    assert {unit.namespace for unit in granted} == {*own_namespaces(EXISTING), "argocd", ""}
    assert {(unit.verb, unit.resource) for unit in granted if not unit.namespace} == {("get", "namespaces")}
    # In the namespace of Argo CD every write names its object.
    assert [unit for unit in granted if unit.namespace == "argocd" and unit.verb not in ("get", "list", "watch") and not unit.name] == []
    assert not [unit for unit in granted if unit.verb in ("escalate", "bind")]


def test_secrets_of_argo_cds_namespace_are_read_by_name_alone() -> None:
    granted = [unit for unit, right in units(table(EXISTING, create_namespaces=False)).items() if right.level != OPTIONAL]
    assert {unit.name for unit in granted if (unit.namespace, unit.resource) == ("argocd", "secrets")} == {"airflow-platform-repository"}


def test_namespaces_that_do_not_exist_need_rights_in_the_whole_cluster() -> None:
    given = replace(EXISTING, argocd="install")
    found = units(table(given, create_namespaces=True))
    assert {unit.namespace for unit in found} == {"", "default", "kube-system"}
    assert Unit("create", "", "secrets") in found
    assert CREATE in found


PULLS = replace(EXISTING, pull_secrets=("pull", "more", "pull"), pull_secrets_namespace="shared", metrics_server=True)


def secret(verb: str, namespace: str, name: str = "") -> Unit:
    return Unit(verb, "", "secrets", namespace, name)


@pytest.mark.parametrize(
    ("given", "unit", "expected"),
    [
        (PULLS, secret("get", "shared", "pull"), NEEDED),
        (PULLS, secret("get", "shared", "more"), NEEDED),
        (PULLS, secret("list", "shared", "pull"), ""),
        (PULLS, secret("patch", "shared", "pull"), ""),
        (PULLS, secret("get", "shared"), ""),
        (PULLS, Unit("get", "", "namespaces", "", "shared"), NEEDED),
        (PULLS, secret("get", "kube-system", "pull"), NEEDED),
        (PULLS, secret("create", "kube-system"), NEEDED),
        (PULLS, secret("patch", "kube-system", "pull"), NEEDED),
        (PULLS, secret("delete", "kube-system", "pull"), NEEDED),
        (PULLS, secret("patch", "kube-system"), ""),
        *((PULLS, secret("create", place), NEEDED) for place in ("git", "airflow-logs", "airflow-core", "airflow-user")),
        # The Argo CD of others has pull secrets of its own.
        (PULLS, secret("create", "argocd"), ""),
        (PULLS, secret("get", "argocd", "pull"), ""),
        (replace(PULLS, argocd="install"), secret("create", "argocd"), NEEDED),
        (replace(PULLS, metrics_server=False), secret("create", "kube-system"), ""),
        (replace(PULLS, pull_secrets=()), secret("get", "shared", "pull"), ""),
        (replace(PULLS, pull_secrets=()), Unit("get", "", "namespaces", "", "shared"), ""),
        # In the namespace of the sources nothing is written.
        (replace(PULLS, pull_secrets_namespace="kube-system"), secret("get", "kube-system", "pull"), NEEDED),
        (replace(PULLS, pull_secrets_namespace="kube-system"), secret("create", "kube-system"), ""),
        # Others create them: a run looks whether they are there.
        (replace(PULLS, pull_secrets_namespace=""), secret("get", "kube-system", "pull"), NEEDED),
        (replace(PULLS, pull_secrets_namespace=""), secret("get", "airflow-user", "pull"), NEEDED),
        (replace(PULLS, pull_secrets_namespace=""), secret("create", "kube-system"), ""),
    ],
)
def test_what_pull_secrets_need(given: Settings, unit: Unit, expected: str) -> None:
    assert level(given, unit) == expected


def test_the_names_of_the_rights_follow_from_the_names_of_the_platform() -> None:
    spec = {"name": "stage", "argocd": "existing", "worker_namespaces": platform_names("stage")["workers"]}
    found = ArgumentSpecValidator(SETTINGS_SPEC).validate({"platform": spec, "airflow": {}})
    given = from_params(found.validated_parameters["platform"], found.validated_parameters["airflow"])
    known = [unit for unit, right in units(table(given, create_namespaces=False)).items() if right.level != OPTIONAL]
    assert {unit.namespace for unit in known} == {"", "argocd", *(f"stage-{name}" for name in ("core", "cron", "user", "git", "logs"))}
    named = {(unit.resource, unit.name) for unit in known if unit.namespace == "argocd" and unit.verb == "create"}
    assert named == {("applications", "stage-core"), ("appprojects", "stage"), ("secrets", "stage-platform-repository")}


def test_the_look_lists_every_kind_that_the_roles_mark() -> None:
    wide = {(unit.group, unit.resource) for unit in units(wide_look())}
    inside = {(unit.group, unit.resource) for unit in units(table(EXISTING, create_namespaces=False)) if unit.namespace == "airflow-user"}
    for kind in MARKED_KINDS:
        plural, version = RESOURCES[kind]
        resource = (version.rpartition("/")[0], plural)
        assert resource in wide, kind
        assert kind in CLUSTER_WIDE or resource in inside, kind


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((WANTED, ""), (NEEDED, "held"), (NEEDED, "")),
        ((NEEDED, "held"), (OPTIONAL, ""), (NEEDED, "")),
        ((NEEDED, "a"), (NEEDED, "b"), (NEEDED, "a")),
    ],
)
def test_the_most_urgent_entry_decides_and_a_right_is_rare_only_if_all_say_so(
    first: tuple[str, str], second: tuple[str, str], expected: tuple[str, str]
) -> None:
    found = units([Right("x", ("get",), ("pods",), level=grade, rare=rare) for grade, rare in (first, second)])
    assert [(right.level, right.rare) for right in found.values()] == [expected]


def test_rights_of_other_namespaces_stay_where_they_are() -> None:
    given = [Right("x", ("get",), ("pods",), namespace=name) for name in ("a", "b")]
    assert [right.namespace for right in everywhere(given, ["a"])] == ["", "b"]


def test_a_repository_with_a_certificate_authority_uses_the_rights_on_trust() -> None:
    def rare(authority: str) -> str:
        repository = Repository("platform", "https://git.example/platform.git", credentials=Credentials(ca=authority))
        given = replace(EXISTING, argocd_trust="manage", airflow=replace(AIRFLOW, platform=repository))
        return units(rights(given))[TRUST].rare

    assert rare("") != ""
    assert rare("-----BEGIN CERTIFICATE-----") == ""

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who owns an object, what is refused before anything changes, and what a removal keeps (H1, H2, H7)."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.default_project import CLOSED, OPEN
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import owner_of
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import (
    WORKER_SECRETS,
    Found,
    Obj,
    Platform,
    Record,
    Ref,
    Scope,
    Sight,
    adoptable,
    argocd_users,
    decide,
    foreign_contents,
    foreign_resources,
    foreign_subjects,
    foreign_users,
    installed_by_us,
    is_foreign_argocd,
    is_handed_over,
    is_tracked,
    other_platforms,
    planned_refs,
    read_record,
    reason_to_keep,
    reason_to_keep_namespace,
    ref_from,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership_delete import Deletion
from ansible_collections.gitops.airflow.tests.unit.places import ROOT

OLDER = {"app.kubernetes.io/part-of": "gitops-airflow"}
OURS = {**OLDER, "gitops-airflow/platform": "airflow"}
OTHER = {**OLDER, "gitops-airflow/platform": "beta"}
MADE = {"gitops-airflow/made": "true"}
ARGOCD = {"app.kubernetes.io/part-of": "argocd"}
REPO, PATH = "http://gitea.git.svc.cluster.local:3000/gitops/platform.git", "platform/airflow/core"
AIRFLOW = Platform("airflow", git_namespace="git", namespaces=("airflow-core", "airflow-cron"), repo=REPO, path=PATH)


def thing(kind: str, name: str, labels: dict[str, str] | None = None, namespace: str = "", by: str = "", **more: Any) -> Found:
    metadata = {"name": name, "labels": labels or {}, "uid": f"{kind}-{namespace}-{name}", **more}
    if by:
        metadata["managedFields"] = [{"manager": by, "operation": "Apply"}]
    return Found(Ref(kind, namespace, name), metadata)


def application(labels: dict[str, str], repo: str = REPO, path: str = PATH, namespace: str = "airflow-core") -> Obj:
    spec = {"source": {"repoURL": repo, "path": path}, "destination": {"namespace": namespace}}
    return {"metadata": {"name": "airflow-core", "namespace": "argocd", "labels": labels}, "spec": spec}


def record(labels: dict[str, str], *objects: Found, listed: bool = True, state: str = "applied", namespace: str = "argocd") -> Obj:
    data = {"state": state, "digest": "x"}
    if listed:
        data["objects"] = json.dumps([item.ref.as_dict() for item in objects])
    return {"metadata": {"name": "argocd-installed", "namespace": namespace, "labels": labels}, "data": data}


@pytest.mark.parametrize(
    ("labels", "owner"),
    [
        (OURS, "ours"),
        (OTHER, "other"),
        (OLDER, "older"),
        ({}, "foreign"),
        (ARGOCD, "foreign"),
        ({"gitops-airflow/platform": "airflow"}, "foreign"),
        ({"gitops-airflow/platform": "airflow", **ARGOCD}, "foreign"),
        ({**OLDER, **MADE}, "older"),
        ({**OURS, **MADE}, "ours"),
    ],
)
def test_h1_owner_by_labels(labels: dict[str, str], owner: str) -> None:
    assert owner_of({"labels": labels}, "airflow") == owner


def test_h1_an_object_without_labels_is_not_ours() -> None:
    assert owner_of({}, "airflow") == "foreign"
    assert owner_of({"labels": None}, "airflow") == "foreign"


@pytest.mark.parametrize(
    ("found", "adopted"),
    [
        (None, False),
        (application(OURS), True),
        (application(OURS, repo="https://elsewhere/x.git"), True),
        (application(OLDER), True),
        (application(OLDER, path=PATH + "/"), True),
        (application(OLDER, repo="https://elsewhere/x.git"), False),
        (application(OLDER, path="another"), False),
        (application(OLDER, namespace="other-core"), False),
        (application({}), False),
        (application(OTHER), False),
        ({"metadata": {"labels": OLDER}}, False),
    ],
)
def test_an_older_platform_is_known_by_its_application(found: Obj | None, adopted: bool) -> None:
    assert adoptable(found, AIRFLOW) is adopted


SERVER = thing("Deployment", "argocd-server", ARGOCD, "argocd", by="gitops.airflow")
ROLE = thing("ClusterRole", "argocd-server", ARGOCD, by="gitops.airflow")


@pytest.mark.parametrize(
    ("found", "configmap", "adopted", "ours"),
    [
        (SERVER, record(OURS, SERVER, ROLE), False, True),
        (ROLE, record(OURS, SERVER, ROLE), False, True),
        (SERVER, record(OURS, SERVER, state="applying"), False, True),
        (SERVER, record(OURS, ROLE), False, False),
        (SERVER, None, True, False),
        # Deleted and made anew by another under the same name.
        (thing("Deployment", "argocd-server", ARGOCD, "argocd", by="kubectl"), record(OURS, SERVER), False, False),
        # Records without a list, of an older version.
        (SERVER, record(OURS, listed=False), False, True),
        (SERVER, record(OLDER, listed=False), True, True),
        (SERVER, record(OLDER, listed=False), False, False),
        (thing("Deployment", "argocd-server", ARGOCD, "argo", by="gitops.airflow"), record(OLDER, listed=False), True, False),
        (thing("Deployment", "argocd-server", ARGOCD, "argocd", by="helm"), record(OLDER, listed=False), True, False),
        (SERVER, record(OTHER, SERVER), False, False),
        (SERVER, record({}, SERVER), True, False),
        (SERVER, record({}, listed=False), True, False),
    ],
)
def test_h1_argocd_is_ours_by_the_record(found: Found, configmap: Obj | None, adopted: bool, ours: bool) -> None:
    assert installed_by_us(found, read_record(configmap, "airflow") if configmap else None, adopted) is ours


@pytest.mark.parametrize(
    ("found", "covered", "foreign"),
    [
        (SERVER, True, False),
        (SERVER, False, True),
        (thing("CustomResourceDefinition", "applications.argoproj.io", by="helm"), False, True),
        (thing("CustomResourceDefinition", "applications.argoproj.io", by="helm"), True, True),
        (thing("ClusterRoleBinding", "argocd-server", by="helm"), False, True),
        (thing("Deployment", "argocd-server", ARGOCD, "team-a", by="helm"), True, True),
        # Extensions of our own Argo CD.
        (thing("ClusterRole", "argocd-image-updater", by="helm"), True, False),
        (thing("Deployment", "argocd-image-updater", ARGOCD, "argocd", by="helm"), True, False),
        (thing("ClusterRole", "argocd-server", by="helm"), True, True),
        # The access of an Argo CD in another cluster.
        (thing("ClusterRole", "argocd-manager-role", by="argocd"), False, False),
        (thing("ClusterRoleBinding", "argocd-manager-role-binding", by="argocd"), False, False),
    ],
)
def test_h2_what_is_a_foreign_argocd(found: Found, covered: bool, foreign: bool) -> None:
    own = read_record(record(OURS, SERVER, ROLE, thing("CustomResourceDefinition", "applications.argoproj.io")), "airflow")
    assert is_foreign_argocd(found, own if covered else None, False) is foreign


@pytest.mark.parametrize(("adopted", "foreign"), [(True, False), (False, True)])
def test_what_stands_beside_an_older_argocd_is_an_extension_of_it_once_it_is_adopted(adopted: bool, foreign: bool) -> None:
    own = read_record(record(OLDER, listed=False), "airflow")
    assert is_foreign_argocd(thing("ClusterRole", "argocd-image-updater", by="helm"), own, adopted) is foreign


LABEL = {"app.kubernetes.io/instance": "airflow-core"}
TRACKING_ID = "argocd.argoproj.io/tracking-id"


@pytest.mark.parametrize(
    ("found", "tracked"),
    [
        (thing("Service", "web", {}, "n"), False),
        (thing("Service", "web", LABEL, "n"), True),
        (thing("Service", "web", LABEL, "n", by="argocd-controller"), True),
        (thing("Service", "web", LABEL, "n", by="kube-controller-manager"), True),
        (thing("Service", "web", LABEL, "n", by="helm"), False),
        (thing("Service", "web", LABEL, "n", annotations={"meta.helm.sh/release-name": "airflow-core"}), False),
        (thing("Service", "web", {"app.kubernetes.io/instance": "another"}, "n", by="argocd-controller"), False),
        (thing("Service", "web", {}, "n", annotations={TRACKING_ID: "airflow-core:/Service:n/web"}), True),
        (thing("Service", "web", {}, "n", annotations={TRACKING_ID: "another:/Service:n/web"}), False),
        (thing("Role", "web", {}, "n", annotations={TRACKING_ID: "airflow-core:rbac.authorization.k8s.io/Role:n/web"}), True),
        # Copied from another object.
        (thing("Service", "web", LABEL, "n", annotations={TRACKING_ID: "airflow-core:/Service:n/other"}), False),
        (thing("Service", "web", LABEL, "n", annotations={TRACKING_ID: "airflow-core:/Secret:n/web"}), False),
        (thing("Service", "web", LABEL, "n", annotations={TRACKING_ID: ""}), False),
    ],
)
def test_what_argocd_has_applied_for_an_application(found: Found, tracked: bool) -> None:
    assert is_tracked(found, "airflow-core") is tracked


def test_without_an_application_nothing_was_applied_for_it() -> None:
    assert not is_tracked(thing("Service", "web", {"app.kubernetes.io/instance": ""}, "n"), "")


@pytest.mark.parametrize(
    ("found", "handed_over"),
    [
        (thing("Role", "airflow-pod-launcher", LABEL, "airflow-cron"), True),
        (thing("RoleBinding", "airflow-pod-log-reader", LABEL, "airflow-cron"), True),
        (thing("Role", "airflow-pod-launcher", {}, "airflow-cron"), False),
        (thing("Role", "another", LABEL, "airflow-cron"), False),
        (thing("ServiceAccount", "airflow-pod-launcher", LABEL, "airflow-cron"), False),
        (thing("Role", "airflow-pod-launcher", {**LABEL, **OTHER}, "airflow-cron"), False),
    ],
)
def test_adr_19_roles_that_the_chart_of_an_older_version_had(found: Found, handed_over: bool) -> None:
    assert is_handed_over(found, "airflow-core") is handed_over


def codes(sight: Sight, platform: Platform = AIRFLOW) -> list[str]:
    return [refusal.code for refusal in decide(sight, platform).refusals]


NAMESPACE = thing("Namespace", "airflow-core", {**OLDER, **MADE})


@pytest.mark.parametrize(
    ("sight", "expected"),
    [
        (Sight(), []),
        (Sight(argocd=[SERVER, ROLE]), ["foreign_argocd"]),
        (Sight(argocd=[SERVER, ROLE], records=[record(OURS, SERVER, ROLE)]), []),
        (Sight(argocd=[SERVER, ROLE], records=[record(OURS, SERVER, ROLE, state="applying")]), []),
        (Sight(argocd=[SERVER], records=[record(OURS, SERVER, namespace="elsewhere")]), ["foreign_argocd"]),
        (Sight(argocd=[SERVER], records=[record(OLDER, listed=False)], application=application(OLDER)), []),
        (Sight(argocd=[SERVER], records=[record(OLDER, listed=False)]), ["foreign_argocd"]),
        (Sight(labelled=[thing("Secret", "git-credentials", OTHER, "git")]), ["other_platform"]),
        (Sight(labelled=[thing("Secret", "git-credentials", OURS, "git")]), []),
        (Sight(labelled=[NAMESPACE], application=application(OLDER)), []),
        (Sight(labelled=[NAMESPACE]), ["older_platform"]),
        (Sight(labelled=[NAMESPACE], application=application(OLDER, repo="https://x/y.git")), ["older_platform"]),
        (Sight(labelled=[NAMESPACE], application=application(OLDER), workers=["airflow-cron/a"]), ["tasks_run"]),
        (Sight(application=application(OURS), workers=["airflow-cron/a"]), []),
        (Sight(planned=[thing("AppProject", "airflow", {}, "argocd")]), ["foreign_object"]),
        (Sight(planned=[thing("AppProject", "airflow", OURS, "argocd")]), []),
        (Sight(planned=[thing("Role", "airflow-pod-launcher", LABEL, "airflow-cron")], application=application(OURS)), []),
        # These have a refusal of their own.
        (Sight(planned=[NAMESPACE], labelled=[NAMESPACE]), ["older_platform"]),
        (Sight(planned=[thing("AppProject", "airflow", OTHER, "argocd")], labelled=[thing("AppProject", "x", OTHER)]), ["other_platform"]),
        (Sight(planned=[thing("ClusterRole", "argocd-x")], argocd=[thing("ClusterRole", "argocd-x")]), ["foreign_argocd"]),
        (Sight(planned=[thing("Secret", "airflow-admin", OLDER, "airflow-core")], application=application(OLDER)), []),
        (
            Sight(
                planned=[thing("Service", "argocd-server-node-port", ARGOCD, "argocd", by="gitops.airflow")],
                records=[record(OLDER, listed=False)],
                application=application(OLDER),
            ),
            [],
        ),
        (Sight(planned=[thing("Service", "argocd-server-node-port", ARGOCD, "argocd", by="gitops.airflow")]), ["foreign_object"]),
        (Sight(chart=[thing("Service", "airflow-webserver", {}, "airflow-core")]), ["foreign_object"]),
        (Sight(chart=[thing("Service", "airflow-webserver", OURS, "airflow-core")]), []),
        (Sight(chart=[thing("Service", "airflow-webserver", {"app.kubernetes.io/instance": "airflow-core"}, "airflow-core")]), []),
        (
            Sight(chart=[thing("Service", "airflow-webserver", {"app.kubernetes.io/instance": "airflow-core"}, "airflow-core", by="helm")]),
            ["foreign_object"],
        ),
    ],
)
def test_h2_h7_what_is_refused_before_anything_changes(sight: Sight, expected: list[str]) -> None:
    assert codes(sight) == expected


def test_h1_the_record_of_another_platform_is_not_this_platforms() -> None:
    assert decide(Sight(records=[record(OTHER, SERVER)]), AIRFLOW).record is None
    assert decide(Sight(records=[record(OURS, SERVER)]), AIRFLOW).record == read_record(record(OURS, SERVER), "airflow")


def test_what_an_earlier_look_has_adopted_stays_adopted() -> None:
    """By then the Application may be gone, such as in a removal that was interrupted."""
    decision = decide(Sight(labelled=[NAMESPACE]), AIRFLOW, older=True)
    assert (decision.refusals, decision.adoption, decision.unmarked) == ([], True, [NAMESPACE.ref])


@pytest.mark.parametrize("records", [[], [record(OURS, SERVER)]])
def test_h1_the_advice_names_the_namespaces_variables(records: list[Obj]) -> None:
    (refusal,) = decide(Sight(planned=[thing("Secret", "airflow-metadata", {}, "airflow-cron")], records=records), AIRFLOW).refusals
    assert "Secret airflow-cron/airflow-metadata" in refusal.message
    assert refusal.next_action == "Use namespaces without such objects: change platform_worker_namespaces."


OLD_NAME = thing("ConfigMap", "argocd-cm", ARGOCD, "argocd", by="gitops.airflow")
NEW_NAME, NEW_ROLE = thing("NetworkPolicy", "argocd-new", {}, "argocd", by="kubectl"), thing("ClusterRole", "argocd-new", {}, by="kubectl")


@pytest.mark.parametrize(
    ("planned", "listed", "labels", "named", "action"),
    [
        pytest.param([OLD_NAME], [OLD_NAME], OURS, [], "", id="what was applied before"),
        pytest.param([OLD_NAME, NEW_NAME], [OLD_NAME], OURS, [NEW_NAME], "Rename NetworkPolicy argocd/argocd-new", id="a new name"),
        pytest.param([NEW_ROLE], [OLD_NAME], OURS, [NEW_ROLE], "Rename ClusterRole argocd-new, or delete", id="cluster-wide"),
        pytest.param([NEW_NAME], [NEW_NAME], OURS, [NEW_NAME], "Rename", id="made anew under a recorded name"),
        pytest.param([OLD_NAME, NEW_NAME], None, OLDER, [NEW_NAME], "Rename", id="an older record without a list"),
        pytest.param([NEW_NAME], None, {}, [NEW_NAME], "change platform_argocd_namespace", id="no record of this platform"),
        pytest.param([NEW_ROLE], None, {}, [NEW_ROLE], "Use another cluster", id="cluster-wide, no record of this platform"),
    ],
)
def test_h1_a_later_manifests_objects_must_not_be_anothers(
    planned: list[Found], listed: list[Found] | None, labels: dict[str, str], named: list[Found], action: str
) -> None:
    """The install record names what an earlier manifest had. Of the later one's objects, those of others would be taken over by force."""
    records = [record(labels, *(listed or []), listed=listed is not None)] if labels else []
    sight = Sight(planned=planned, records=records, application=application(labels) if labels else None)
    refusals = decide(sight, AIRFLOW).refusals
    assert [refusal.value for refusal in refusals] == ([", ".join(str(item.ref) for item in named)] if named else [])
    assert all(action in refusal.next_action for refusal in refusals)


def test_h2_objects_beside_a_foreign_argocd_are_its_own() -> None:
    beside = [thing("AppProject", "airflow", {}, "argocd"), thing("Secret", "airflow-metadata", {}, "airflow-cron")]
    refusals = decide(Sight(argocd=[SERVER], planned=beside), AIRFLOW).refusals
    assert [refusal.code for refusal in refusals] == ["foreign_argocd", "foreign_object"]
    assert "AppProject" not in refusals[1].message
    assert "platform_argocd_namespace" not in " ".join(refusal.next_action for refusal in refusals)


def test_h7_the_message_names_both_platforms_their_objects_and_the_variables() -> None:
    found = [thing("Namespace", "airflow-cron", {**OTHER, **MADE}), thing("Secret", "git-credentials", OTHER, "git")]
    (refusal,) = decide(Sight(labelled=found, planned=found[1:]), AIRFLOW).refusals
    assert refusal.message == (
        "platform_name is 'airflow', but the cluster has the platform 'beta', which uses the same names: Namespace airflow-cron, "
        "Secret git/git-credentials."
    )
    assert refusal.next_action.startswith(
        "Give one of the two other names: change platform_prefix, platform_git_namespace, platform_worker_namespaces. To work on that "
        "platform, set platform_name to 'beta'."
    )
    assert refusal.value == "beta"


USER = replace(AIRFLOW, existing_argocd=True)
BETAS_APPLICATION = thing("Application", "beta-core", OTHER, "argocd")


@pytest.mark.parametrize(
    ("platform", "other", "variables"),
    [
        pytest.param(AIRFLOW, thing("Namespace", "beta-core", OTHER), None, id="a namespace of its own"),
        pytest.param(AIRFLOW, thing("Secret", "airflow-admin", OTHER, "beta-core"), None, id="an object of its own"),
        pytest.param(AIRFLOW, thing("ClusterRole", "metrics-server", OTHER), None, id="a cluster-wide object"),
        pytest.param(AIRFLOW, BETAS_APPLICATION, None, id="its Application in this platform's Argo CD"),
        pytest.param(USER, BETAS_APPLICATION, None, id="its Application in the Argo CD of both"),
        pytest.param(USER, thing("Namespace", "argocd", OTHER), None, id="it installed the Argo CD of both"),
        pytest.param(USER, thing("ConfigMap", "argocd-installed", OTHER, "argocd"), None, id="its record of the Argo CD of both"),
        pytest.param(AIRFLOW, thing("Namespace", "argocd", OTHER), ["platform_argocd_namespace"], id="its namespace for Argo CD"),
        pytest.param(AIRFLOW, thing("Namespace", "airflow-core", OTHER), ["platform_core_namespace"], id="its core namespace"),
        pytest.param(AIRFLOW, thing("Secret", "x", OTHER, "airflow-cron"), ["platform_worker_namespaces"], id="an object of any name"),
        pytest.param(AIRFLOW, thing("AppProject", "airflow", OTHER, "argocd"), [], id="its AppProject"),
        pytest.param(USER, thing("AppProject", "airflow", OTHER, "argocd"), ["platform_name"], id="its AppProject in the Argo CD of both"),
        pytest.param(AIRFLOW, thing("Application", "airflow-core", OTHER, "argocd"), ["airflow_app_name"], id="its Application"),
    ],
)
def test_two_platforms_share_no_name(platform: Platform, other: Found, variables: list[str] | None) -> None:
    planned = [other] if other.ref in planned_refs(platform) else []
    refusals = decide(Sight(labelled=[other], planned=planned), platform).refusals
    assert [refusal.code for refusal in refusals] == ([] if variables is None else ["other_platform"])
    for refusal in refusals:
        assert f"change {', '.join(['platform_prefix', *(variables or [])])}." in refusal.next_action


def test_one_of_two_platforms_installs_argo_cd() -> None:
    # What belongs to that Argo CD is not a second reason.
    beside = [thing("Namespace", "argocd", OTHER), thing("ConfigMap", "argocd-installed", OTHER, "argocd")]
    found = Sight(argocd=[SERVER, ROLE], records=[record(OTHER, SERVER, ROLE)], labelled=beside, planned=beside[1:])
    assert codes(found) == ["foreign_argocd"]
    (refusal,) = decide(Sight(argocd=[SERVER, ROLE], records=[record(OTHER, SERVER, ROLE, namespace="cd")]), AIRFLOW).refusals
    assert refusal.code == "foreign_argocd"
    assert "for the platform 'airflow', but the platform 'beta' installed the Argo CD in cd" in refusal.message
    assert refusal.next_action.startswith("Set platform_argocd to existing and platform_argocd_namespace to cd ")
    assert codes(Sight(argocd=[SERVER, ROLE], records=[record(OTHER, SERVER, ROLE)]), USER) == []


STAGE = Platform(
    "stage",
    core_namespace="stage-core",
    git_namespace="stage-git",
    logs_namespace="stage-logs",
    namespaces=("stage-core", "stage-cron", "stage-user"),
    application="stage-core",
    project="stage",
    repository_secret="stage-platform-repository",
    prefix="stage",
)
STAGES = {**OLDER, "gitops-airflow/platform": "stage"}


@pytest.mark.parametrize(
    ("platform", "found", "refused"),
    [
        pytest.param(STAGE, thing("Namespace", "airflow-core", STAGES), True, id="namespace"),
        pytest.param(STAGE, thing("Secret", "airflow-generated", STAGES, "airflow-core"), True, id="object in a namespace of others"),
        pytest.param(STAGE, thing("Deployment", "gitea", STAGES, "git"), True, id="Git server"),
        pytest.param(STAGE, thing("Deployment", "task-logs", STAGES, "airflow-logs"), True, id="task logs"),
        pytest.param(STAGE, thing("Application", "airflow-core", STAGES, "argocd"), True, id="Application"),
        pytest.param(STAGE, thing("AppProject", "airflow", STAGES, "argocd"), True, id="AppProject"),
        pytest.param(STAGE, thing("Secret", "airflow-platform-repository", STAGES, "argocd"), True, id="repository"),
        pytest.param(STAGE, thing("Namespace", "stage-core", STAGES), False, id="its own namespace"),
        pytest.param(STAGE, thing("Namespace", "argocd", STAGES), False, id="Argo CD's namespace"),
        pytest.param(STAGE, thing("Namespace", "airflow-core", OURS), False, id="the default platform's"),
        pytest.param(STAGE, thing("Namespace", "airflow-batch", STAGES), False, id="no former name"),
        pytest.param(replace(STAGE, prefix="airflow"), thing("Namespace", "airflow-user", STAGES), False, id="the former prefix"),
        pytest.param(replace(STAGE, git_namespace="git"), thing("Deployment", "gitea", STAGES, "git"), False, id="a variable"),
        pytest.param(replace(STAGE, part_namespaces=("git",)), thing("Deployment", "gitea", STAGES, "git"), False, id="a former part"),
    ],
)
def test_a_platform_with_former_names_keeps_them(platform: Platform, found: Found, refused: bool) -> None:
    refusals = decide(Sight(labelled=[found]), platform).refusals
    assert [refusal.code for refusal in refusals] == (["former_names"] if refused else [])
    for refusal in refusals:
        assert str(found.ref) in refusal.message
        assert refusal.next_action.startswith("Set platform_prefix to airflow,")


@pytest.mark.parametrize(("platform", "named"), [(STAGE, True), (replace(STAGE, prefix="airflow"), False), (AIRFLOW, False)])
def test_an_older_platform_with_another_name_keeps_its_names(platform: Platform, named: bool) -> None:
    """It has no label with its name, so the Application of the new name cannot be found."""
    (refusal,) = decide(Sight(labelled=[NAMESPACE]), platform).refusals
    assert refusal.code == "older_platform"
    assert ("set platform_prefix to airflow" in refusal.next_action) is named


@pytest.mark.parametrize(
    ("labelled", "expected"),
    [
        ([], []),
        ([BETAS_APPLICATION], ["beta"]),
        ([thing("Secret", "airflow-admin", OTHER, "beta-core")], ["beta"]),
        # It was removed, and this stayed.
        ([thing("Secret", "airflow-generated", OTHER, "beta-core"), thing("Namespace", "beta-core", OTHER)], []),
        ([thing("Application", "airflow-core", OURS, "argocd"), thing("Application", "x", OLDER), thing("Application", "y")], []),
        ([thing("Application", "stage-core", STAGES, "argocd"), BETAS_APPLICATION], ["beta", "stage"]),
    ],
)
def test_which_other_platforms_are_in_the_cluster(labelled: list[Found], expected: list[str]) -> None:
    assert other_platforms(Sight(labelled=labelled), AIRFLOW) == expected


def test_h2_the_refusal_recommends_nothing_that_would_do_harm() -> None:
    found = [thing("CustomResourceDefinition", "applications.argoproj.io"), SERVER, ROLE]
    (refusal,) = decide(Sight(argocd=found), AIRFLOW).refusals
    said = f"{refusal.message} {refusal.next_action}"
    assert "CustomResourceDefinition applications.argoproj.io, Deployment argocd/argocd-server, ClusterRole argocd-server" in said
    assert "needs a cluster without Argo CD" in said
    for harm in ("argocd_reapply", "platform_argocd_namespace", "delete", "label"):
        assert harm not in said


def test_adoption_names_every_unmarked_object() -> None:
    volume = thing("PersistentVolumeClaim", "gitea", OLDER, "git")
    decision = decide(Sight(labelled=[NAMESPACE, volume, thing("Secret", "s", OURS, "git")], application=application(OLDER)), AIRFLOW)
    assert decision.adoption
    assert decision.unmarked == [NAMESPACE.ref, volume.ref]
    assert not decide(Sight(labelled=[thing("Secret", "s", OURS, "git")], application=application(OURS)), AIRFLOW).adoption


def test_the_generated_secret_is_known_without_its_labels() -> None:
    """Restored from a backup. Without this platform's Application it is another's."""
    secret = thing("Secret", "airflow-generated", {}, "airflow-core")
    decision = decide(Sight(planned=[secret], application=application(OURS)), AIRFLOW)
    assert (decision.refusals, decision.unmarked, decision.adoption) == ([], [secret.ref], False)
    marked = thing("Secret", "airflow-generated", OURS, "airflow-core")
    assert decide(Sight(planned=[marked], application=application(OURS)), AIRFLOW).unmarked == []
    assert codes(Sight(planned=[secret])) == ["foreign_object"]
    other = thing("Secret", "airflow-generated", OTHER, "airflow-core")
    assert codes(Sight(planned=[other], application=application(OURS))) == ["other_platform"]
    assert codes(Sight(planned=[thing("Secret", "airflow-admin", {}, "airflow-core")], application=application(OURS))) == ["foreign_object"]


def test_an_interrupted_adoption_goes_on() -> None:
    decision = decide(Sight(labelled=[NAMESPACE], application=application(OURS)), AIRFLOW)
    assert (decision.refusals, decision.unmarked) == ([], [NAMESPACE.ref])


def test_the_older_platforms_refusal_says_what_differs() -> None:
    (refusal,) = decide(Sight(labelled=[NAMESPACE], application=application(OLDER, repo="https://old/x.git")), AIRFLOW).refusals
    assert "https://old/x.git" in refusal.message
    assert REPO in refusal.message
    assert "with the repository, folder and namespace that the Application uses" in refusal.next_action


def test_h7_an_older_platform_beside_another_one_is_not_adopted() -> None:
    """Without marks nothing says whose an object is: adoption, or a removal, would take the other platform's for this one's."""
    second = thing("Application", "beta-core", OLDER, "argocd")
    decision = decide(Sight(labelled=[NAMESPACE, second], application=application(OLDER)), AIRFLOW)
    assert (decision.adoption, decision.unmarked) == (False, [])
    (refusal,) = decision.refusals
    assert (refusal.code, "Application argocd/beta-core" in refusal.message) == ("older_platform", True)
    own, marked = thing("Application", "airflow-core", OLDER, "argocd"), thing("Application", "reports", OURS, "argocd")
    assert decide(Sight(labelled=[NAMESPACE, own, marked], application=application(OLDER)), AIRFLOW).adoption


def test_h1_what_the_roles_write_is_planned() -> None:
    """Every object of the log store, and every Secret that is deleted again: what is not planned would be overwritten."""
    roles = ROOT / "roles"
    planned = planned_refs(replace(AIRFLOW, logs_namespace="logs"))
    removed = (roles / "task_logs/templates/removed-objects.yaml.j2").read_text()
    store = re.findall(r"\('(\w+)', '([a-z-]+)'\)", removed)
    assert len(store) == 8
    assert {Ref(kind, "logs", name) for kind, name in store} == {ref for ref in planned if ref.namespace == "logs"}
    left = (roles / "airflow_app/templates/removed-objects.yaml.j2").read_text()
    assert "for name in __platform_preflight.plan.worker_secrets %}" in left
    assert {name for name in WORKER_SECRETS if Ref("Secret", "airflow-cron", name) not in planned} == set()
    core = re.findall(r"kind: Secret, namespace: {{ platform_core_namespace \| to_json }}, name: ([a-z-]+)}", left)
    assert len(core) == 3
    assert {name for name in core if Ref("Secret", "airflow-core", name) not in planned} == set()


def test_h1_the_advice_for_the_log_store_names_its_variable() -> None:
    platform = replace(AIRFLOW, logs_namespace="logs")
    (refusal,) = decide(Sight(planned=[thing("Deployment", "task-logs", {}, "logs")]), platform).refusals
    assert refusal.next_action == "Use namespaces without such objects: change platform_logs_namespace."


class Served:
    """An API server's lists and discovery; what is not here it does not serve."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers

    def get(self, path: str) -> Any:
        answer = self.answers.get(path, ApiError(404, "none"))
        if isinstance(answer, ApiError):
            raise answer
        return answer

    def items(self, path: str, _query: Any = None, *, whole: bool = False) -> list[Obj]:
        return [] if path not in self.answers else list(self.get(path))

    def metadata(self, path: str) -> Obj:
        return {"name": path.rsplit("/", 1)[1], "labels": {**OURS, **MADE}, "uid": "n"}


def group(name: str, *versions: str) -> Obj:
    listed = [{"groupVersion": f"{name}/{version}"} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def kinds(*names: tuple[str, str]) -> Obj:
    return {"resources": [{"name": plural, "kind": kind, "namespaced": True, "verbs": ["list"]} for plural, kind in names]}


DISCOVERY: dict[str, Any] = {
    "/apis": {"groups": [group("net.example", "v1", "v1alpha1"), group("metrics.k8s.io", "v1beta1")]},
    "/api/v1": kinds(("secrets", "Secret")),
    "/apis/net.example/v1": kinds(("gateways", "Gateway")),
    "/apis/net.example/v1alpha1": kinds(("gateways", "Gateway"), ("filters", "Filter")),
}


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({}, ""),
        # Only an older version of its group serves it (Istio's EnvoyFilter, the Gateway API's TCPRoute).
        (
            {"/apis/net.example/v1alpha1/namespaces/n/filters": [{"name": "theirs"}]},
            "it holds objects that are not this platform's: Filter n/theirs",
        ),
        ({"/apis/net.example/v1": ApiError(503, "away")}, "what it holds of net.example/v1 cannot be listed"),
        ({"/apis/net.example/v1/namespaces/n/gateways": ApiError(503, "away")}, "what it holds of net.example/v1 cannot be listed"),
        ({"/apis/net.example/v1/namespaces/n/gateways": ApiError(403, "no")}, "what it holds of gateways cannot be listed"),
        ({"/apis/net.example/v1/namespaces/n/gateways": ApiError(405, "no")}, ""),
        ({"/apis/net.example/v1alpha1": ApiError(404, "gone")}, ""),
    ],
)
def test_h1_a_namespace_stays_while_its_contents_are_unknown(answers: dict[str, Any], reason: str) -> None:
    deletion = Deletion(Served({**DISCOVERY, **answers}), SCOPE, check=True)  # type: ignore[arg-type]
    assert deletion.delete([Ref("Namespace", "", "n")], 0).kept == ([(Ref("Namespace", "", "n"), reason)] if reason else [])


@pytest.mark.parametrize(("path", "status"), [("/api/v1", 503), ("/apis/net.example/v1", 0), ("/apis/net.example/v1", 429)])
def test_h1_an_api_server_that_stumbles_deletes_no_namespace(path: str, status: int) -> None:
    """Its objects were taken for none."""
    deletion = Deletion(Served({**DISCOVERY, path: ApiError(status, "a moment")}), SCOPE, check=True)  # type: ignore[arg-type]
    with pytest.raises(ApiError):
        deletion.delete([Ref("Namespace", "", "n")], 0)


def test_planned_objects_are_in_the_platforms_namespaces_alone() -> None:
    refs = planned_refs(AIRFLOW)
    assert {ref.namespace for ref in refs} == {"argocd", "airflow-core", "airflow-cron", "git"}
    assert len(set(refs)) == len(refs)
    assert {ref.namespace for ref in planned_refs(Platform("a"))} == {"argocd", "airflow-core"}


def test_f10_the_rights_to_make_pods_are_planned_only_where_tasks_have_them() -> None:
    more = set(planned_refs(replace(AIRFLOW, operators=("airflow-cron",)))) - set(planned_refs(AIRFLOW))
    assert more == {Ref(kind, "airflow-cron", "airflow-pod-operator") for kind in ("Role", "RoleBinding")}


# Removal

SCOPE = Scope("airflow", "airflow-core", record=read_record(record(OURS, SERVER, ROLE), "airflow"))


@pytest.mark.parametrize(
    ("found", "scope", "reason"),
    [
        (thing("Secret", "dags-git-basic", OURS, "airflow-cron"), SCOPE, ""),
        (thing("Secret", "dags-git-basic", {}, "airflow-cron"), SCOPE, "it does not have the labels"),
        (thing("Secret", "dags-git-basic", OTHER, "airflow-cron"), SCOPE, "it belongs to platform beta"),
        (thing("Secret", "dags-git-basic", OLDER, "airflow-cron"), SCOPE, "it has no label gitops-airflow/platform"),
        (thing("Secret", "dags-git-basic", OLDER, "airflow-cron"), Scope("airflow", older=True), ""),
        (thing("AppProject", "airflow", {}, "argocd"), Scope("airflow", older=True), "it does not have the labels"),
        (SERVER, SCOPE, ""),
        (SERVER, Scope("airflow"), "it does not have the labels"),
        (thing("Secret", "argocd-initial-admin-secret", {}, "argocd", by="argocd-server"), SCOPE, ""),
        (thing("Secret", "argocd-initial-admin-secret", {}, "argocd", by="kubectl"), SCOPE, "it does not have the labels"),
        (thing("Secret", "argocd-initial-admin-secret", {}, "argocd", by="argocd-server"), Scope("airflow"), "it does not have"),
        (thing("Secret", "argocd-initial-admin-secret", {}, "team", by="argocd-server"), SCOPE, "it does not have the labels"),
        (thing("Secret", "argocd-initial-admin-secret", OLDER, "argocd", by="argocd-server"), SCOPE, "it has no label"),
        (thing("Secret", "repo-team-a", {}, "argocd", by="argocd-server"), SCOPE, "it does not have the labels"),
        # Recorded, and handed over since.
        (thing("ConfigMap", "argocd-cm", OTHER, "argocd", by="gitops.airflow"), SCOPE, "it belongs to platform beta"),
    ],
)
def test_h1_what_is_deleted_and_why_not(found: Found, scope: Scope, reason: str) -> None:
    assert reason_to_keep(found, scope).startswith(reason)
    assert bool(reason_to_keep(found, scope)) == bool(reason)


POD_OF_GONE: dict[str, Any] = {"ownerReferences": [{"kind": "ReplicaSet", "uid": "gone"}]}
CHART = {"tier": "airflow", "release": "airflow-core"}


@pytest.mark.parametrize(
    ("content", "counts"),
    [
        (thing("ConfigMap", "kube-root-ca.crt", {}, "n"), False),
        (thing("ServiceAccount", "default", {}, "n"), False),
        (thing("Event", "e", {}, "n"), False),
        (thing("Secret", "s", OURS, "n"), False),
        (thing("Pod", "p", CHART, "n"), False),
        (thing("PersistentVolumeClaim", "data-airflow-mysql-0", CHART, "n"), False),
        (thing("Job", "j", {"app.kubernetes.io/instance": "airflow-core"}, "n"), False),
        (thing("Pod", "p", {}, "n", **POD_OF_GONE), False),
        (thing("Pod", "p", {}, "n", deletionTimestamp="2026-01-01T00:00:00Z"), False),
        (thing("Secret", "argocd-redis", {}, "argocd", by="argocd"), False),
        (thing("Pod", "p", {}, "n"), True),
        (thing("PersistentVolumeClaim", "data", {}, "n"), True),
        (thing("Secret", "s", {}, "n"), True),
        (thing("ConfigMap", "c", OTHER, "n"), True),
        (thing("Pod", "p", {"tier": "airflow", "release": "theirs"}, "n"), True),
        (thing("Pod", "p", {"release": "airflow-core"}, "n"), True),
        (thing("Pod", "p", {**CHART, **OTHER}, "n"), True),
        (thing("Application", "theirs", {}, "argocd"), True),
        (thing("Ingress", "web", {}, "n"), True),
        (thing("Secret", "s", OLDER, "n"), True),
        (thing("Pod", "p", {}, "n", ownerReferences=[{"kind": "VirtualMachine", "uid": "elsewhere"}]), True),
        # Other groups have these kinds, too: Volcano, or an object of the whole cluster.
        (thing("Pod", "p", {}, "n", ownerReferences=[{"kind": "Job", "apiVersion": "batch/v1", "uid": "gone"}]), False),
        (thing("Pod", "p", {}, "n", ownerReferences=[{"kind": "Job", "apiVersion": "batch.volcano.sh/v1alpha1", "uid": "u"}]), True),
        (thing("Secret", "p", {}, "n", ownerReferences=[{"kind": "Deployment", "apiVersion": "example.com/v1", "uid": "u"}]), True),
        # A release of the same chart and name that others installed.
        (thing("StatefulSet", "db", CHART, "n"), True),
        (thing("Service", "web", {"app.kubernetes.io/instance": "airflow-core"}, "n", by="helm"), True),
    ],
)
def test_h1_a_namespace_stays_while_others_use_it(content: Found, counts: bool) -> None:
    assert foreign_contents([content], SCOPE) == ([content.ref] if counts else [])


def test_h1_what_another_content_owns_is_judged_with_that_one() -> None:
    machine = thing("VirtualMachine", "vm", {}, "n", uid="u1")
    owned = thing("Secret", "disk", {}, "n", ownerReferences=[{"kind": "VirtualMachine", "uid": "u1"}])
    assert foreign_contents([machine, owned], SCOPE) == [machine.ref]


def test_h1_without_an_application_nothing_is_of_its_chart() -> None:
    pod = thing("Pod", "p", {"tier": "airflow", "release": ""}, "n")
    assert foreign_contents([pod], Scope("airflow")) == [pod.ref]


@pytest.mark.parametrize(
    ("labels", "contents", "reason"),
    [
        ({**OURS, **MADE}, [], ""),
        (OURS, [], "it existed before the platform"),
        ({}, [], "it existed before the platform"),
        ({**OTHER, **MADE}, [], "it belongs to platform beta"),
        ({**OLDER, **MADE}, [], "it has no label"),
        (
            {**OURS, **MADE},
            [thing("Pod", "theirs", {}, "n")],
            "it holds objects that are not this platform's: Pod n/theirs",
        ),
    ],
)
def test_h1_namespaces(labels: dict[str, str], contents: list[Found], reason: str) -> None:
    found = reason_to_keep_namespace(thing("Namespace", "n", labels), contents, SCOPE)
    assert found.startswith(reason)
    assert bool(found) == bool(reason)


def whole(found: Found, **more: Any) -> tuple[Found, Obj]:
    return found, {"metadata": dict(found.metadata), **more}


def test_h1_crds_stay_for_objects_of_others() -> None:
    own = [
        whole(thing("Application", "airflow-core", OURS, "argocd")),
        whole(thing("AppProject", "airflow", OURS, "argocd")),
        whole(thing("AppProject", "default", {}, "argocd"), spec=OPEN),
    ]
    assert foreign_resources(own, SCOPE) == []
    assert foreign_resources([whole(thing("AppProject", "default", {}, "argocd"), spec=CLOSED)], SCOPE) == []
    theirs = [
        whole(thing("ApplicationSet", "apps", {}, "argocd")),
        whole(thing("AppProject", "default", {}, "argocd"), spec={**OPEN, "sourceRepos": ["https://one"]}),
        whole(thing("AppProject", "default", {}, "elsewhere"), spec=OPEN),
        whole(thing("Application", "team", OTHER, "argocd")),
        whole(thing("Application", "default", {}, "argocd"), spec=OPEN),
        whole(thing("AppProject", "team", {}, "argocd"), spec=OPEN),
    ]
    assert foreign_resources(own, Scope("airflow")) == [own[2][0].ref]
    assert set(foreign_resources([*own, *theirs], SCOPE)) == {item.ref for item, _whole in theirs}


def test_h1_a_cluster_role_stays_while_others_are_bound_to_it() -> None:
    reference = {"roleRef": {"kind": "ClusterRole", "name": "argocd-server"}}
    ours = whole(thing("ClusterRoleBinding", "argocd-server", OURS), **reference)
    theirs = whole(thing("RoleBinding", "theirs", {}, "team"), **reference)
    unrelated = whole(thing("RoleBinding", "more", {}, "team"), roleRef={"kind": "Role", "name": "argocd-server"})
    another = whole(thing("RoleBinding", "view", {}, "team"), roleRef={"kind": "ClusterRole", "name": "view"})
    assert foreign_users(ROLE.ref, [ours, theirs, unrelated, another], SCOPE) == [theirs[0].ref]


def test_h1_a_binding_stays_if_it_gives_rights_to_others() -> None:
    own = {"kind": "ServiceAccount", "name": "argocd-server", "namespace": "argocd"}
    assert foreign_subjects({"subjects": [own]}, "argocd") == []
    assert foreign_subjects({}, "argocd") == []
    subjects = [own, {**own, "namespace": "team"}, {"kind": "User", "name": "ann"}, {**own, "kind": "Group"}]
    assert foreign_subjects({"subjects": subjects}, "argocd") == [
        "Group argocd/argocd-server",
        "ServiceAccount team/argocd-server",
        "User ann",
    ]


def test_an_object_without_a_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="kind and name are needed"):
        ref_from({"name": "b"})


def test_a_record_reads_both_spellings() -> None:
    found = read_record(
        {"metadata": {"namespace": "argocd", "labels": OURS}, "data": {"objects": '[{"kind": "A", "name": "b"}]'}}, "airflow"
    )
    assert found == Record("argocd", "ours", "airflow", "applied", frozenset({Ref("A", "", "b")}))
    assert ref_from({"apiVersion": "v1", "kind": "A", "name": "b", "namespace": None}) == Ref("A", "", "b")
    with pytest.raises(ValueError, match="kind and name are needed"):
        ref_from({"kind": "A"})


THEIRS = Platform(
    "beta",
    namespaces=("airflow-core",),
    existing_argocd=True,
    project="beta",
    repository_secret="beta-platform-repository",
)


def test_an_argo_cd_of_others_is_used_and_nothing_in_it_is_taken_over() -> None:
    found = [thing("CustomResourceDefinition", "applications.argoproj.io"), SERVER, ROLE]
    assert codes(Sight(argocd=found), THEIRS) == []
    planned = {(ref.kind, ref.name) for ref in planned_refs(THEIRS) if ref.namespace == "argocd"}
    assert planned == {("Secret", "beta-platform-repository"), ("AppProject", "beta"), ("Application", "airflow-core")}
    unnamed = replace(THEIRS, project="", repository_secret="")
    assert [ref.kind for ref in planned_refs(unnamed) if ref.namespace == "argocd"] == ["Application"]


@pytest.mark.parametrize(
    ("kind", "name", "action"),
    [
        ("Application", "airflow-core", "Change airflow_app_name, from which the names in argocd follow."),
        ("AppProject", "beta", "Change platform_name, from which the names in argocd follow."),
        ("Secret", "beta-platform-repository", "Change platform_name, from which the names in argocd follow."),
    ],
)
def test_names_that_others_use_in_their_argo_cd(kind: str, name: str, action: str) -> None:
    (refusal,) = decide(Sight(argocd=[SERVER], planned=[thing(kind, name, {}, "argocd")]), THEIRS).refusals
    assert (refusal.code, refusal.value, refusal.next_action) == ("foreign_object", f"{kind} argocd/{name}", action)


@pytest.mark.parametrize(
    ("labels", "platform", "namespace"),
    [
        # The platform's own Argo CD, in whatever namespace, is not one of others.
        (OURS, replace(THEIRS, name="airflow", argocd_namespace="shared"), "argocd"),
        (OURS, replace(THEIRS, name="airflow"), "argocd"),
        (OURS, THEIRS, ""),
        (OURS, replace(AIRFLOW, argocd_namespace="shared"), ""),
    ],
)
def test_the_record_of_an_own_argo_cd(labels: dict[str, str], platform: Platform, namespace: str) -> None:
    found = decide(Sight(records=[record(labels)]), platform).record
    assert (found.namespace if found else "") == namespace


@pytest.mark.parametrize(
    ("labels", "kind", "older", "expected"),
    [
        (OURS, "Application", False, False),
        (OTHER, "Application", False, True),
        ({}, "Application", False, True),
        ({}, "ApplicationSet", False, True),
        # Before the adoption it may be anyone's.
        (OLDER, "Application", False, True),
        (OLDER, "Application", True, False),
        # It deploys nothing.
        ({}, "AppProject", False, False),
    ],
)
def test_whose_applications_keep_an_argo_cd(labels: dict[str, str], kind: str, older: bool, expected: bool) -> None:
    assert bool(argocd_users([thing(kind, "x", labels, "argocd")], Scope("airflow", older=older))) is expected

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role declares with what is given: Argo CD's objects, the files that are published, the DAGs that are pushed.

What an earlier version declared with the same variables is recorded: an upgrade must change neither a Secret's data nor a spec.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.gitops.airflow.plugins.module_utils._argocd import manifest as applications
from ansible_collections.gitops.airflow.plugins.module_utils._argocd import project as projects
from ansible_collections.gitops.airflow.plugins.module_utils._argocd import repository as repositories
from ansible_collections.gitops.airflow.plugins.module_utils._git.author import EMAIL, NAME
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import Credentials
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import GitError
from ansible_collections.gitops.airflow.plugins.module_utils._git.source import collect
from ansible_collections.gitops.airflow.plugins.module_utils._kube.credentials import select
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Decision, Sight
from ansible_collections.gitops.airflow.plugins.module_utils._platform.plan import State, make_plan
from ansible_collections.gitops.airflow.plugins.modules import argocd_application, argocd_project, argocd_repository, git_publish
from ansible_collections.gitops.airflow.tests.unit.places import ROOT
from ansible_collections.gitops.airflow.tests.unit.plugins.module_utils._platform.test_airflow_secrets import OURS, RECORDED, settings_of
from ansible_collections.gitops.airflow.tests.unit.trust import trust_as_template

ROLE = ROOT / "roles/airflow_app"
CHART = "platform/airflow/core"
OMIT = "__omit__"
# Texts that YAML takes for something else where they stand without quotes.
TRICKY = ["1.10", "123", "on", "null", "1e3", "0x1f", "~", "a: b", "a #b", "*a", "[a]", "2026-11-25", '"']
Arguments = Callable[..., dict[str, Any]]


def without_omitted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_omitted(item) for key, item in value.items() if str(item).strip() != OMIT}
    return value


def tasks(name: str) -> Iterator[dict[str, Any]]:
    """The tasks of one of the role's files, those of its blocks with them."""
    for item in yaml.safe_load((ROLE / "tasks" / name).read_text()):
        yield from item.get("block") or [item]


@pytest.fixture(scope="module")
def arguments(role_variables: Callable[..., dict[str, Any]]) -> Arguments:
    """What a module in one of the role's files is given, with defaults, by the variables that a person sets."""
    files = [*sorted((ROOT / "roles/platform/defaults/main").glob("*.yml")), ROOT / "roles/platform/vars/main.yml"]
    always = role_variables(*files, ROLE / "defaults/main.yml", ROLE / "vars/main.yml")
    always |= {"role_path": str(ROLE), "ansible_search_path": [str(ROLE)], "omit": OMIT}

    def found(file: str, module: str, *, keep: bool = True, last: bool = False, **given: Any) -> dict[str, Any]:
        settings = settings_of(given)
        assert settings.airflow
        plan = make_plan(State(Sight(cluster="uid"), Decision([], False, [], None)), settings).as_dict()
        dags = settings.airflow.dags
        secrets = {"git_sync": (Credentials("gitops", "token") if dags.embedded else dags.used).git_sync_values()}
        secrets |= {name: given.pop(name, "") for name in ("dags_checksum", "logs_checksum")}
        registered = {
            "__platform_preflight": {"plan": plan, "reachable": True},
            "__airflow_app_secrets": secrets,
            "__airflow_app_platform": {"commit": "1" * 40},
            "__airflow_app_keep": keep,
            "__airflow_app_last": last,
            "__airflow_app_overtaken_grace": 60 if last else 15,
        }
        loader = DataLoader()
        loader.set_basedir(str(ROLE))
        templar = Templar(loader, always | registered | given)

        def rendered(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: rendered(item) for key, item in value.items()}
            if isinstance(value, list):
                return [rendered(item) for item in value]
            return templar.template(trust_as_template(value)) if isinstance(value, str) else value

        *_before, task = [item for item in tasks(file) if f"gitops.airflow.{module}" in item]
        (main,) = yaml.safe_load((ROLE / "tasks/main.yml").read_text())
        groups = ("git",) if module.startswith("git") else ("owner", "argocd")
        given_defaults = {**main["module_defaults"], **task.get("module_defaults", {})}
        defaults: dict[str, Any] = {}
        for group in groups:
            defaults |= rendered(given_defaults.get(f"group/gitops.airflow.{group}", {}))
        options = defaults | without_omitted(rendered(task[f"gitops.airflow.{module}"]))
        code = import_module(f"ansible_collections.gitops.airflow.plugins.modules.{module}")
        if not hasattr(code, "argument_spec"):
            return dict(options)
        result = ArgumentSpecValidator(code.argument_spec()).validate(options)
        assert not result.error_messages
        return dict(result.validated_parameters)

    return found


def repository_of(options: dict[str, Any]) -> repositories.Repository:
    """The repository as Argo CD gets it, with the credentials of the embedded server where they are to be read."""
    wanted = argocd_repository.declared(options)
    given = options["credentials_from"]
    if not given:
        return wanted
    secret = {"metadata": {"labels": OURS}, "data": RECORDED["sources"][f"{given['namespace']}/{given['name']}"]}
    found = select(secret, given, wanted.credentials.username)
    return replace(wanted, credentials=replace(wanted.credentials, username=found.username, password=found.password))


@pytest.mark.parametrize("case", RECORDED["cases"].values(), ids=RECORDED["cases"])
def test_an_upgrade_changes_nothing_that_argo_cd_has(arguments: Arguments, case: dict[str, Any]) -> None:
    given = case["variables"]
    project = projects.manifest(argocd_project.declared(arguments("argocd.yml", "argocd_project", **given)), None)
    # D9: the two kinds that Argo CD must not make any more. While the upgrade runs the present ones stay allowed.
    kinds = [kind for kind in case["project"]["namespaceResourceWhitelist"] if kind["group"] != "rbac.authorization.k8s.io"]
    expected = {**case["project"], "namespaceResourceWhitelist": kinds}
    assert len(case["project"]["namespaceResourceWhitelist"]) == len(kinds) + 2
    assert (project["metadata"]["name"], project["spec"]) == ("airflow", expected)
    repository = repository_of(arguments("argocd.yml", "argocd_repository", **given))
    repositories.check(repository)
    assert repositories.manifest(repository, [], None)["data"] == case["repository"]
    # The annotation of the repository server's pods.
    assert repository.digest == (hashlib.sha256(case["trust"].encode()).hexdigest() if case["trust"] else "")
    application = applications.manifest(argocd_application.declared(arguments("publish.yml", "argocd_application", **given)), None)
    assert application["spec"] == case["application"]["spec"]
    assert application["metadata"]["finalizers"] == case["application"]["finalizers"]
    assert {item["metadata"]["namespace"] for item in (project, application)} == {"argocd"}


@pytest.mark.parametrize("case", RECORDED["cases"].values(), ids=RECORDED["cases"])
def test_an_upgrade_changes_no_other_value_of_the_chart_that_restarts_pods(arguments: Arguments, case: dict[str, Any]) -> None:
    """Every pod of Airflow restarts once at this upgrade, because only one of its containers keeps its token (D14)."""
    given = {key: case[key] for key in ("dags_checksum", "logs_checksum")}
    options = arguments("publish.yml", "git_publish", **given, **case["variables"])
    values = yaml.safe_load(options["files"]["values.yaml"])
    airflow, expected = values["airflow"], case["values"]
    annotations = {key: value for key, value in airflow["airflowPodAnnotations"].items() if key != "checksum/python"}
    assert values.get("gitAuthority") == expected["gitAuthority"]
    assert (annotations, airflow["config"].get("logging")) == (expected["airflowPodAnnotations"], expected["logging"])
    # The same restart brings an earlier second try of a clone, and as many tries as fit into the same minute.
    retries = {"period": "5s", "maxFailures": 12}
    assert airflow["dags"]["gitSync"] == {**expected["gitSync"], **retries}


def test_the_chart_is_published_whole(arguments: Arguments) -> None:
    """F1, H3."""
    options = arguments("publish.yml", "git_publish", airflow_app_chart_archive="/srv/airflow.tgz", platform_name="beta")
    files = {"Chart.yaml", "values.yaml", "templates/_local_settings.tpl", "templates/mysql.yaml", "templates/worker-namespaces.yaml"}
    python = {f"python/{path.name}": path.read_text() for path in (ROLE / "files" / CHART / "python").glob("*.py")}
    assert set(options["files"]) == files | set(python)
    assert {path: options["files"][path] for path in python} == python
    assert options["copies"] == [{"src": "/srv/airflow.tgz", "dest": "charts/airflow-1.15.0.tgz"}]
    assert (options["folder"], options["prune"]) == ("platform/beta/core", ["."])
    assert options["owner"] == {"folder": "platform/beta/core", "platform": "beta", "cluster": "uid", "adopt": False, "take_over": ""}
    without = set(arguments("publish.yml", "git_publish", airflow_app_logs="none")["files"])
    assert without == files | {f"python/gitops_pod_{name}.py" for name in ("fields", "profile", "rules")}, (
        "the cluster policy imports these"
    )
    given: dict[str, Any] = {"folder": CHART, "source_dir": None, "prune": [], "files": {}, "copies": [{"src": "", "dest": "x"}]}
    assert collect(given).files == {}, "an empty archive is left out"


@pytest.mark.parametrize("text", TRICKY)
def test_a_text_stays_a_text(arguments: Arguments, text: str) -> None:
    project = arguments("argocd.yml", "argocd_project", airflow_app_platform_repo=text, platform_worker_namespaces=[{"name": text}])
    assert (project["repositories"], project["namespaces"]) == ([text], [text])
    given = {f"airflow_app_{name}": text for name in ("name", "platform_branch", "platform_path")} | {"platform_core_namespace": text}
    application = arguments("publish.yml", "argocd_application", **given)
    names = ("name", "target_revision", "path", "destination_namespace")
    assert [application[name] for name in names] == [text] * len(names)


def test_a_branch_given_as_a_number_is_a_text(arguments: Arguments) -> None:
    assert arguments("publish.yml", "argocd_application", airflow_app_platform_branch=2.5)["target_revision"] == "2.5"


BESIDES = {("", "PersistentVolumeClaim"), ("", "Pod"), ("apps", "ReplicaSet")}
RENDERED = {("", "ConfigMap"), ("", "Service"), ("", "ServiceAccount"), ("apps", "Deployment"), ("apps", "StatefulSet"), ("batch", "Job")}


@pytest.mark.parametrize("more", [[], [{"group": "networking.k8s.io", "kind": "Ingress"}, {"group": "batch", "kind": "CronJob"}]])
def test_the_project_allows_what_is_rendered_and_what_is_listed(arguments: Arguments, more: list[dict[str, str]]) -> None:
    options = arguments("argocd.yml", "argocd_project", airflow_app_project_kinds=more)
    allowed = {(item["group"], item["kind"]) for item in options["namespace_kinds"]}
    assert allowed == RENDERED | BESIDES | {(item["group"], item["kind"]) for item in more}
    assert options["cluster_kinds"] == []


@pytest.mark.parametrize(
    ("entry", "kinds"),
    [
        ({"quota": {"pods": 5}}, {("", "ResourceQuota")}),
        ({"limits": [{"type": "Pod", "max": {"cpu": 4}}]}, {("", "LimitRange")}),
        ({"quota": {"pods": 5}, "limits": [{"type": "Pod", "max": {"cpu": 4}}]}, {("", "LimitRange"), ("", "ResourceQuota")}),
        ({"quota": {}, "limits": [], "resources": {"requests": {"cpu": 1}}}, set()),
    ],
)
def test_the_project_allows_quotas_only_where_a_namespace_has_them(
    arguments: Arguments, entry: dict[str, Any], kinds: set[tuple[str, str]]
) -> None:
    given = [{"name": "airflow-core"}, {"name": "airflow-etl", **entry}]
    options = arguments("argocd.yml", "argocd_project", platform_worker_namespaces=given)
    assert {(item["group"], item["kind"]) for item in options["namespace_kinds"]} == RENDERED | BESIDES | kinds


@pytest.mark.parametrize("keep", [True, False])
def test_what_was_allowed_stays_so_until_the_end(arguments: Arguments, keep: bool) -> None:
    for module in ("argocd_project", "argocd_repository"):
        assert arguments("argocd.yml", module, keep=keep)["keep_present"] is keep
    includes = [
        item["vars"]["__airflow_app_keep"] for item in tasks("present.yml") if item.get("ansible.builtin.include_tasks") == "argocd.yml"
    ]
    assert includes == [True, False]


KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----"
OWN = {"airflow_app_platform_repo": "https://h/p.git", "airflow_app_dags_repo": "https://h/d.git"}
OWN |= {f"airflow_app_{kind}_{name}": f"{kind}-{name}" for kind in ("platform", "dags") for name in ("username", "password")}


@pytest.mark.parametrize(
    ("file", "module", "kind", "secret"),
    [
        ("argocd.yml", "argocd_repository", "platform", ("git-credentials", "argocd-token")),
        ("publish.yml", "git_publish", "platform", ("git-credentials", "platform-token")),
        ("push_dags.yml", "git_publish", "dags", ("git-credentials", "dags-token")),
        ("present.yml", "git_publish", "", ("git-credentials", "dags-token")),
    ],
)
def test_h7_d5_the_embedded_servers_credentials_are_read_by_the_modules(
    arguments: Arguments, file: str, module: str, kind: str, secret: tuple[str, str]
) -> None:
    # What is set for another repository is not used.
    options = arguments(file, module, airflow_app_platform_password="x", airflow_app_dags_username="y")
    given = options["credentials_from"]
    assert ({name: value for name, value in options["credentials"].items() if value}, given["namespace"]) == ({"username": "gitops"}, "git")
    assert given["platform"] == "airflow"
    assert (given["name"], given.get("password_key", "password")) == secret
    if kind:
        options = arguments(file, module, **OWN)
        assert not options.get("credentials_from")
        assert [options["credentials"][name] for name in ("username", "password")] == [f"{kind}-username", f"{kind}-password"]


def test_f11_only_the_owner_mark_is_pushed_first(arguments: Arguments) -> None:
    options = arguments("claimed.yml", "git_publish", platform_name="beta", **OWN)
    assert options["owner"] == {"folder": "platform/beta/core", "platform": "beta", "cluster": "uid", "adopt": False, "take_over": ""}
    assert options["repo"] == "https://h/p.git"
    assert set(options) & {"files", "copies", "source_dir", "prune", "create"} == set()
    assert options["require_published"] is False


@pytest.mark.parametrize("file", ["claimed.yml", "publish.yml"])
def test_the_mark_and_the_chart_come_to_the_branch_in_the_same_way(arguments: Arguments, file: str) -> None:
    options = arguments(file, "git_publish", platform_name="beta", airflow_app_publish="branch", **OWN)
    assert (options["method"], options["review_branch"]) == ("branch", "gitops-airflow/beta")
    assert arguments(file, "git_publish", **OWN)["method"] == "push"


@pytest.mark.parametrize(("environment", "seconds"), [({}, 1800), ({"CI": "true"}, 0), ({"CI": ""}, 1800)])
def test_only_people_wait_for_a_review(
    arguments: Arguments, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], seconds: int
) -> None:
    monkeypatch.delenv("CI", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert int(arguments("publish.yml", "git_publish", **OWN)["wait"]) == seconds


def test_edits_in_git_are_refused_unless_they_may_be_overwritten(arguments: Arguments) -> None:
    assert arguments("publish.yml", "git_publish")["edits"] == "refuse"
    assert arguments("publish.yml", "git_publish", airflow_app_git_edits="overwrite")["edits"] == "overwrite"


@pytest.mark.parametrize(
    ("file", "module"), [("publish.yml", "git_publish"), ("push_dags.yml", "git_publish"), ("present.yml", "git_publish")]
)
def test_errors_name_the_roles_variables(arguments: Arguments, file: str, module: str) -> None:
    options = arguments(file, module)
    known = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
    names = ("repo", "branch", "username", "password", "ssh_key", "known_hosts", "ca", *options.get("names", {}))
    for name in names:
        error = GitError("m", f"Correct {{{name}}}.", "c").named(options.get("names", {}), options["names_prefix"])
        assert error.next_action.removeprefix("Correct ").split()[0].rstrip(".") in known, name


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        ({"name": "Ann", "email": "ann@example.com"}, ("Ann", "ann@example.com")),
        ({"email": "ann@example.com"}, ("gitops.airflow", "ann@example.com")),
        ({"name": "", "email": ""}, ("gitops.airflow", "gitops-airflow@localhost")),
    ],
)
@pytest.mark.parametrize("file", ["claimed.yml", "present.yml", "publish.yml", "push_dags.yml"])
def test_every_push_has_the_author(arguments: Arguments, file: str, author: dict[str, str], expected: tuple[str, str]) -> None:
    options = arguments(file, "git_publish", airflow_app_git_author=author)
    found = git_publish.checked_author({"author_name": NAME, "author_email": EMAIL, "commit_message": "m", **options})
    assert (found.name, found.email) == expected


@pytest.mark.parametrize("subpath", ["dags", "team/dags/", "", "."])
def test_dags_are_pushed_into_their_folder(arguments: Arguments, tmp_path: Path, subpath: str) -> None:
    (tmp_path / "a.py").touch()
    (tmp_path / ".env").touch()
    given = {"airflow_app_push_dir": str(tmp_path), "airflow_app_dags_subpath": subpath}
    options = arguments("push_dags.yml", "git_publish", **given)
    found = collect({"files": {}, "copies": [], **options})
    prefix = "" if subpath in ("", ".") else f"{subpath.rstrip('/')}/"
    assert (list(found.files), found.prune) == ([f"{prefix}a.py"], [])
    assert options["commit_message"] == f"DAGs of {tmp_path.name}"
    pruned = arguments("push_dags.yml", "git_publish", airflow_app_push_prune=True, **given)
    assert pruned["prune"] == ["."]


@pytest.mark.parametrize(("core_tasks", "expected"), [(True, ["airflow-core", "a"]), ("false", ["a"])])
def test_f18_dag_files_are_checked_before_they_are_pushed(arguments: Arguments, core_tasks: Any, expected: list[str]) -> None:
    modules = [next((key for key in item if key.startswith("gitops.airflow.")), "") for item in tasks("push_dags.yml")]
    order = ["airflow_dag_files_info", "git_publish", "show_text", "airflow_dags_wait", "show_text"]
    assert [name.removeprefix("gitops.airflow.") for name in modules if name] == order
    given = {"platform_worker_namespaces": [{"name": "airflow-core"}, {"name": "a"}], "airflow_app_core_tasks": core_tasks}
    options = arguments("push_dags.yml", "airflow_dag_files_info", airflow_app_push_dir="/d", **given)
    assert (options["source_dir"], sorted(options["namespaces"])) == ("/d", sorted(expected))
    assert "airflow_app_push_dir" in options["names"]["source_dir"]
    assert (options["pod_operator_namespaces"], options["default_namespace"]) == ([], "airflow-core")
    given["platform_worker_namespaces"] = [{"name": "airflow-core"}, {"name": "a", "pod_operator": True}]
    options = arguments("push_dags.yml", "airflow_dag_files_info", airflow_app_push_dir="/d", **given, airflow_app_default_namespace="a")
    assert (options["pod_operator_namespaces"], options["default_namespace"]) == (["a"], "a")


def test_dag_files_are_checked_for_the_version_that_runs(arguments: Arguments) -> None:
    """Not for the one that the next run of site.yml will install."""
    running = {"plan": {"running_version": "2.9.3", "git": {"platform": {}, "dags": {"names": {}}}}}
    given = {"airflow_app_push_dir": "/d", "platform_airflow_version": "2.10.5", "__platform_preflight": running}
    assert arguments("push_dags.yml", "airflow_dag_files_info", **given)["airflow_version"] == "2.9.3"


@pytest.mark.parametrize("as_file", [True, False])
def test_keys_and_certificates_are_texts_or_files(arguments: Arguments, tmp_path: Path, as_file: bool) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    given = {"airflow_app_platform_repo": "git@h:p.git", "airflow_app_platform_ssh_key": str(tmp_path / "key") if as_file else f"\n{KEY}\n"}
    repository = argocd_repository.declared(arguments("argocd.yml", "argocd_repository", **given))
    data = repositories.manifest(repository, [], None)["data"]
    assert base64.b64decode(data["sshPrivateKey"]).decode() == f"{KEY}\n"
    assert json.dumps(data).count("username") == 0


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"platform_provider": "kind", "kind_cluster_docker_images": ["my-airflow:1"]}, ["my-airflow:1"]),
        ({"platform_provider": "kind"}, []),
        ({"platform_provider": "kind", "kind_cluster_docker_images": None}, []),
        ({"platform_provider": "existing", "kind_cluster_docker_images": ["my-airflow:1"]}, []),
    ],
)
def test_images_of_this_machine_are_only_in_a_kind_cluster(
    role_evaluator: Callable[[str], Callable[..., Any]], given: dict[str, Any], expected: list[str]
) -> None:
    assert role_evaluator("airflow_app")("__airflow_app_settings.local_images", **given) == expected


@pytest.mark.parametrize(
    ("given", "project", "secret", "trust"),
    [
        ({"platform_name": "beta"}, "beta", "beta-platform-repository", "manage"),
        ({"platform_name": "beta", "platform_prefix": "airflow"}, "airflow", "airflow-platform-repository", "manage"),
        (
            {"platform_name": "beta", "platform_prefix": "airflow", "platform_argocd": "existing"},
            "beta",
            "beta-platform-repository",
            "check",
        ),
        ({"platform_name": "beta", "platform_argocd": "existing"}, "beta", "beta-platform-repository", "check"),
        (
            {"platform_argocd": "existing", "platform_argocd_trust": "manage", "airflow_app_project": "data"},
            "data",
            "airflow-platform-repository",
            "manage",
        ),
    ],
)
def test_names_and_trust_in_an_argo_cd_of_others(
    arguments: Arguments, given: dict[str, Any], project: str, secret: str, trust: str
) -> None:
    repository = arguments("argocd.yml", "argocd_repository", **given)
    names = ("name", "project", "trust", "repository_server")
    assert [repository[name] for name in names] == [secret, project, trust, "argocd-repo-server"]
    assert arguments("publish.yml", "argocd_application", **given)["project"] == project
    removed = arguments("absent.yml", "argocd_repository", **given)
    assert [removed[name] for name in ("name", "project", "state")] == [secret, project, "absent"]
    if "airflow_app_project" not in given:
        assert arguments("argocd.yml", "argocd_project", **given)["name"] == project

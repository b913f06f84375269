# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person sets for a platform, typed. Each option has the name of the role's variable without its prefix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.url import public_url
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import SPEC, Credentials, hide_secrets
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import PUBLISH_METHODS, PUSH, RENDER
from ansible_collections.gitops.airflow.plugins.module_utils._platform import worker_namespaces
from ansible_collections.gitops.airflow.plugins.module_utils._platform.names import DEFAULT_PREFIX, Names
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Platform, Ref
from ansible_collections.gitops.airflow.plugins.module_utils._platform.pod_fields import POD_OPERATOR

# The roles' variables, by which messages name the options.
PLATFORM_PREFIX, AIRFLOW_PREFIX = "platform_", "airflow_app_"

# Whether the worker fence is an admission policy as well: where the cluster can have it, in any case, or never.
AUTO, REQUIRE, NONE = ADMISSION_MODES = ("auto", "require", "none")

# Whether the platform installs Argo CD or uses one of others, and whether it changes what that one trusts.
INSTALLED, EXISTING = ARGOCD_MODES = ("install", "existing")
CHECK, MANAGE = TRUST_MODES = ("check", "manage")

# Where the role metrics_server installs it.
METRICS_NAMESPACE = "kube-system"

# The embedded Git server: its Service, and the administrator's account, which owns the repositories.
GIT_SERVICE, GIT_PORT, GIT_USER = "gitea", 3000, "gitops"
GIT_SECRET = "git-credentials"  # the name of the Secret with the tokens of all accounts
# The account that reads a repository for a program, and the one that writes it, by the repository's kind (D5).
READERS = {"platform": "argocd", "dags": "git-sync"}
WRITERS = {"platform": "platform", "dags": "dags"}

# A name that YAML may take for a number or a boolean is kept as it is given: the rule for it says so.
PLATFORM_OPTIONS: dict[str, Any] = {
    "name": {"type": "raw", "required": True},
    "prefix": {"type": "raw"},
    "provider": {"type": "str", "default": "existing"},
    "git_server": {"type": "str", "default": "embedded"},
    "airflow_version": {"type": "str", "default": ""},
    "images": {"type": "dict", "default": {}},
    "image_registry": {"type": "str", "default": ""},
    "pull_secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "pull_secrets_namespace": {"type": "str", "default": "default", "no_log": False},
    "metrics_server": {"type": "bool", "default": False},
    "storage_class": {"type": "str", "default": ""},
    "proxies": {"type": "dict", "default": {}, "options": {name: {"type": "str", "default": ""} for name in ("http", "https", "no_proxy")}},
    "argocd": {"type": "str", "default": INSTALLED},
    "argocd_trust": {"type": "str", "default": ""},
    "argocd_namespace": {"type": "raw", "default": "argocd"},
    # Without a value these names follow from the prefix (_platform/names.py).
    "git_namespace": {"type": "raw"},
    "core_namespace": {"type": "raw"},
    "logs_namespace": {"type": "raw"},
    "worker_namespaces": {"type": "list", "elements": "dict", "options": worker_namespaces.OPTIONS},
    "unenforced_namespaces": {"type": "list", "elements": "str", "default": []},
    "network_policy": {"type": "str", "default": "default"},
    "network_ranges": {"type": "list", "elements": "raw", "default": []},
    "task_egress": {"type": "list", "elements": "raw", "default": []},
    "airflow_host_port": {"type": "int", "default": 0},
    "argocd_host_port": {"type": "int", "default": 0},
    "argocd_node_port": {"type": "int", "default": 0},
}

AIRFLOW_OPTIONS: dict[str, Any] = {
    "name": {"type": "str"},
    "project": {"type": "str", "default": ""},
    "kinds": {"type": "list", "elements": "dict", "default": []},
    "platform_repo": {"type": "str", "default": ""},
    "platform_branch": {"type": "str", "default": "main"},
    "platform_path": {"type": "str"},
    "publish": {"type": "str", "default": PUSH, "choices": list(PUBLISH_METHODS)},
    "publish_branch": {"type": "str", "default": ""},
    "render_folder": {"type": "str", "default": ""},
    "take_over": {"type": "str", "default": ""},
    "platform_credentials": SPEC,
    "dags_repo": {"type": "str", "default": ""},
    "dags_branch": {"type": "str", "default": "main"},
    "dags_subpath": {"type": "str", "default": "dags"},
    "dags_credentials": SPEC,
    "dags_check": {"type": "bool", "default": True},
    "logs": {"type": "str", "default": "embedded", "choices": ["embedded", "s3", "none"]},
    "logs_endpoint": {"type": "str", "default": ""},
    "logs_region": {"type": "str", "default": "us-east-1"},
    "logs_bucket": {"type": "str", "default": ""},
    "logs_secret": {"type": "str", "default": "", "no_log": False},
    "task_logs_state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
    "default_namespace": {"type": "str", "default": ""},
    "core_tasks": {"type": "bool", "default": True},
    "dag_processor": {"type": "bool", "default": False},
    "task_secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "task_config_maps": {"type": "list", "elements": "str", "default": []},
    "task_claims": {"type": "list", "elements": "str", "default": []},
    "task_token_audiences": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "worker_secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "worker_config_maps": {"type": "list", "elements": "str", "default": []},
    "admission_policy": {"type": "str", "default": "auto", "choices": list(ADMISSION_MODES)},
    "webserver_node_port": {"type": "int", "default": 0},
    "core_placement": {"type": "dict", "default": {}, "options": worker_namespaces.PLACEMENT_OPTIONS},
    "python_requirements": {"type": "str", "default": ""},
    "local_images": {"type": "list", "elements": "str", "default": []},
    "values": {"type": "raw", "default": {}},
    "chart_repository": {"type": "str", "default": ""},
    "chart_version": {"type": "str", "default": ""},
    "chart_archive": {"type": "str", "default": ""},
}

# What the messages of a publication to the platform repository call the options of git_publish.
PUBLISHING_NAMES = {
    "files": f"{AIRFLOW_PREFIX}values",
    "method": f"{AIRFLOW_PREFIX}publish",
    "review_branch": f"{AIRFLOW_PREFIX}publish_branch",
    "render_folder": f"{AIRFLOW_PREFIX}render_folder",
    "edits": f"{AIRFLOW_PREFIX}git_edits",
}

# The options of the modules in the action group settings.
SETTINGS_SPEC: dict[str, Any] = {
    "platform": {"type": "dict", "required": True, "options": PLATFORM_OPTIONS},
    "airflow": {"type": "dict", "apply_defaults": True, "options": AIRFLOW_OPTIONS},
}


def hide(airflow: dict[str, Any] | None) -> set[str]:
    """Takes out of the options, which -vvv shows, what is or may be secret: credentials, people's chart values, tokens in URLs.

    Returns the credentials.
    """
    if airflow is None:
        return set()
    secrets: set[str] = set()
    for name in ("platform_credentials", "dags_credentials"):
        airflow[name], hidden = hide_secrets(airflow[name])
        secrets |= hidden
    airflow["values"] = {}
    airflow |= {name: public_url(airflow[name]) for name in ("platform_repo", "dags_repo", "logs_endpoint", "chart_repository")}
    return secrets


def embedded_server(git_namespace: str) -> str:
    """The URL that the repositories of the embedded Git server begin with."""
    return f"http://{GIT_SERVICE}.{git_namespace}.svc.cluster.local:{GIT_PORT}/"


@dataclass(frozen=True)
class Repository:
    """A repository and what it is read or pushed to with. ``kind`` is C(platform) or C(dags)."""

    kind: str
    url: str
    branch: str = "main"
    credentials: Credentials = field(default_factory=Credentials)
    embedded: bool = False

    @property
    def path(self) -> str:
        """What follows the server in the URL, without its ending: OWNER/NAME on the embedded server."""
        return urlsplit(self.url).path.strip("/").removesuffix(".git")

    @property
    def prefix(self) -> str:
        """What the variables of this repository begin with."""
        return f"{AIRFLOW_PREFIX}{self.kind}"

    @property
    def used(self) -> Credentials:
        """The credentials that fit the URL."""
        return self.credentials.for_url(self.url)


@dataclass(frozen=True)
class Logs:
    """Where the logs of tasks go."""

    mode: str = "embedded"
    endpoint: str = ""
    region: str = "us-east-1"
    bucket: str = ""
    secret: str = ""


@dataclass(frozen=True)
class Chart:
    """Where the official chart comes from: the archive, if there is one, otherwise the repository."""

    repository: str = ""
    version: str = ""
    archive: str = ""


@dataclass(frozen=True)
class AirflowSettings:
    """What is set for Airflow, its two repositories and its task logs."""

    platform: Repository
    dags: Repository
    name: str = "airflow-core"
    project: str = ""  # an existing AppProject
    kinds: tuple[Mapping[str, Any], ...] = ()  # of the chart's objects, with group and kind
    path: str = "platform/airflow/core"
    publish: str = PUSH
    publish_branch: str = ""
    render_folder: str = ""
    take_over: str = ""
    subpath: str = "dags"
    dags_check: bool = True
    logs: Logs = Logs()
    chart: Chart = Chart()
    task_logs_state: str = "present"
    default_namespace: str = ""
    core_tasks: bool = True
    dag_processor: bool = False
    task_secrets: tuple[str, ...] = ()
    task_config_maps: tuple[str, ...] = ()
    task_claims: tuple[str, ...] = ()
    task_token_audiences: tuple[str, ...] = ()
    worker_secrets: tuple[str, ...] = ()
    worker_config_maps: tuple[str, ...] = ()
    admission_policy: str = "auto"
    webserver_node_port: int = 0
    core_placement: Mapping[str, Any] = field(default_factory=dict)
    python_requirements: str = ""
    local_images: tuple[str, ...] = ()
    values: Any = field(default_factory=dict, repr=False)

    @property
    def copied(self) -> tuple[tuple[str, str], ...]:
        """Kind and name of what is copied from the core namespace to the other worker namespaces, each once."""
        secrets, config_maps = (("Secret", name) for name in self.worker_secrets), (("ConfigMap", name) for name in self.worker_config_maps)
        return tuple(dict.fromkeys((*secrets, *config_maps)))

    def pushes_to(self, repo: Repository) -> bool:
        """Whether a run pushes to the repository what it publishes: the chart."""
        return repo.kind == "platform" and self.publish != RENDER

    @property
    def repositories(self) -> tuple[Repository, Repository]:
        return self.platform, self.dags


@dataclass(frozen=True)
class Settings:
    """What is set for a platform. ``airflow`` is None for a caller that knows nothing of Airflow."""

    name: Any = "airflow"
    prefix: Any = DEFAULT_PREFIX
    provider: str = "existing"
    git_server: str = "embedded"
    airflow_version: str = ""
    images: Mapping[str, str] = field(default_factory=dict)
    image_registry: str = ""
    pull_secrets: tuple[str, ...] = ()
    pull_secrets_namespace: str = "default"  # the copies' source; empty: nothing is copied
    metrics_server: bool = False
    storage_class: str = ""  # of all volume claims; empty: the cluster's default
    proxies: Mapping[str, str] = field(default_factory=dict)  # of Argo CD and git-sync
    argocd: str = INSTALLED
    argocd_trust: str = ""
    argocd_namespace: Any = "argocd"
    git_namespace: Any = "git"
    core_namespace: Any = "airflow-core"
    logs_namespace: Any = "airflow-logs"
    worker_namespaces: tuple[Any, ...] = ("airflow-core",)
    profiles: tuple[Mapping[str, Any], ...] = ()  # the worker namespaces with all that is set for them
    unenforced_namespaces: tuple[str, ...] = ()
    network_policy: str = "default"
    network_ranges: tuple[Any, ...] = ()
    task_egress: tuple[Any, ...] = ()
    airflow_host_port: int = 0
    argocd_host_port: int = 0
    argocd_node_port: int = 0
    airflow: AirflowSettings | None = None

    @property
    def namespaces_beside_core(self) -> list[str]:
        """The worker namespaces in which Airflow's own pods do not run, each once."""
        return list(dict.fromkeys(str(name) for name in self.worker_namespaces if name != self.core_namespace))

    @property
    def scheduling(self) -> dict[Any, dict[str, Any]]:
        """What worker pods get, by namespace."""
        return {entry["name"]: worker_namespaces.profile(entry) for entry in self.profiles}

    @property
    def pod_operators(self) -> tuple[Any, ...]:
        """The worker namespaces whose tasks may make pods there."""
        return tuple(entry["name"] for entry in self.profiles if entry.get("pod_operator"))

    def network_level(self, namespace: Any) -> str:
        """The level of network policies in a namespace."""
        own = {entry["name"]: entry.get("network_policy") for entry in self.profiles}
        return own.get(namespace) or self.network_policy

    @property
    def network_levels(self) -> set[str]:
        """All levels that some namespace has."""
        return {self.network_policy, *map(self.network_level, self.worker_namespaces)}

    @property
    def logs_mode(self) -> str:
        return self.airflow.logs.mode if self.airflow else "embedded"

    @property
    def own_namespaces(self) -> list[Any]:
        """The namespaces of Argo CD, of the embedded Git server and of the store of task logs, as far as the platform has them."""
        git = [self.git_namespace] if self.git_server == "embedded" else []
        logs = [self.logs_namespace] if self.logs_mode == "embedded" else []
        return [self.argocd_namespace, *git, *logs]

    @property
    def pulling_namespaces(self) -> list[str]:
        """The namespaces of all pods that the platform makes, each once. An Argo CD of others is not the platform's."""
        metrics = [METRICS_NAMESPACE] if self.metrics_server else []
        own = self.own_namespaces[1:] if self.existing_argocd else self.own_namespaces
        return list(dict.fromkeys(map(str, [*own, self.core_namespace, *self.worker_namespaces, *metrics])))

    @property
    def existing_argocd(self) -> bool:
        """Whether an Argo CD of others is used."""
        return self.argocd == EXISTING

    @property
    def trust(self) -> str:
        """Whether the run changes what Argo CD trusts. The ConfigMaps of an Argo CD of others are shared with them."""
        return self.argocd_trust or (CHECK if self.existing_argocd else MANAGE)

    @property
    def own_project(self) -> str:
        """The AppProject that the roles make; empty if an existing one is used. An Argo CD of others may have an AppProject airflow."""
        if self.airflow and self.airflow.project:
            return ""
        return self._in_argocd

    @property
    def project(self) -> str:
        """The AppProject of the Application."""
        return self.airflow.project if self.airflow and self.airflow.project else self.own_project

    @property
    def repository_secret(self) -> str:
        """The Secret by which Argo CD knows the platform repository."""
        return f"{self._in_argocd}-platform-repository"

    @property
    def names(self) -> Names:
        """The names that hold where no variable says another one."""
        return Names(str(self.prefix))

    @property
    def _in_argocd(self) -> str:
        """What its own objects in Argo CD's namespace are called after. A prefix may be that of several platforms, a name is not."""
        return str(self.name) if self.existing_argocd else self.names.project

    def git_options(self, repo: Repository) -> dict[str, Any]:
        """The options by which git_publish and git_branch_info reach a repository, without credentials that a person set: those are secret.

        The embedded server is reached through the Kubernetes API, and an account that writes this repository alone pushes.
        """
        names = {"folders": f"{repo.prefix}_{'subpath' if repo.kind == 'dags' else 'path'}"}
        if repo.kind == "dags":
            names["source_dir"] = f"{AIRFLOW_PREFIX}push_dir (make push-dags DIR=path/to/dags)"
        else:
            names |= PUBLISHING_NAMES
        options: dict[str, Any] = {"repo": repo.url, "branch": repo.branch, "names": names, "names_prefix": f"{repo.prefix}_"}
        if repo.embedded:
            # An older version's Secret has no token that pushes until a run adds it: a check reads with the one that it has.
            options |= self._account(WRITERS[repo.kind], check_key=f"{READERS[repo.kind]}-token")
            options["tunnel"] = {"namespace": self.git_namespace, "service": GIT_SERVICE, "port": GIT_PORT}
        return options

    def argocd_access(self, repo: Repository) -> dict[str, Any]:
        """The credentials, as options, with which Argo CD reads an embedded repository: a token. Empty for another server."""
        return self._account(READERS["platform"]) if repo.embedded else {}

    def _account(self, account: str, **options: str) -> dict[str, Any]:
        """Gitea ignores the user name beside a token (gitea: services/auth/basic.go), so it stays the one that it was."""
        source = {"namespace": self.git_namespace, "name": GIT_SECRET, "password_key": f"{account}-token", "platform": self.name}
        return {"credentials": {"username": GIT_USER}, "credentials_from": source | options}

    def owner(self) -> Platform:
        """The platform as the look at the owners of the cluster's objects knows it."""
        airflow = self.airflow
        # Without Airflow's settings it is not known which AppProject is used.
        unknown = self.existing_argocd and airflow is None
        default = Repository("platform", f"{embedded_server(self.git_namespace)}gitops/platform.git")
        return Platform(
            self.name,
            argocd_namespace=self.argocd_namespace,
            core_namespace=self.core_namespace,
            git_namespace=self.git_namespace if self.git_server == "embedded" else "",
            logs_namespace=self.logs_namespace if self.logs_mode == "embedded" else "",
            namespaces=tuple(self.worker_namespaces),
            application=airflow.name if airflow else self.names.application,
            repo=(airflow.platform if airflow else default).url,
            path=airflow.path if airflow else self.names.path,
            quotas=(
                *(
                    Ref(kind, str(entry["name"]), worker_namespaces.QUOTA_NAME, "v1")
                    for entry in self.profiles
                    for option, kind in worker_namespaces.KINDS.items()
                    if entry.get(option)
                ),
                *(Ref("ServiceAccount", str(name), POD_OPERATOR, "v1") for name in self.pod_operators),
            ),
            operators=tuple(map(str, self.pod_operators)),
            existing_argocd=self.existing_argocd,
            project="" if unknown else self.own_project,
            repository_secret="" if unknown else self.repository_secret,
            prefix=str(self.prefix),
            part_namespaces=(str(self.git_namespace), str(self.logs_namespace)),
        )


def _repository(kind: str, given: Mapping[str, Any], server: str) -> Repository:
    url = given[f"{kind}_repo"] or f"{server}gitops/{kind}.git"
    return Repository(kind, url, given[f"{kind}_branch"], Credentials.read(given[f"{kind}_credentials"]), embedded=url.startswith(server))


def _named(platform: Mapping[str, Any]) -> dict[str, Any]:
    """The options that name something, where they are not given from the prefix."""
    prefix = platform["name"] if platform["prefix"] is None else platform["prefix"]
    names = Names(str(prefix))
    derived = {"git_namespace": names.git, "core_namespace": names.core, "logs_namespace": names.logs}
    found = {name: value if platform[name] is None else platform[name] for name, value in derived.items()}
    workers = platform["worker_namespaces"]
    profiles = [{"name": found["core_namespace"]}] if workers is None else workers
    return {"prefix": prefix, **found, "profiles": tuple(profiles)}


def from_params(platform: Mapping[str, Any], airflow: Mapping[str, Any] | None) -> Settings:
    """The settings from a module's options. Raises OSError for a file that cannot be read."""
    plain = {item.name: platform[item.name] for item in fields(Settings) if item.name in PLATFORM_OPTIONS}
    plain |= _named(platform)
    server, names = embedded_server(plain["git_namespace"]), Names(str(plain["prefix"]))
    plain |= {
        "worker_namespaces": tuple(item["name"] for item in plain["profiles"]),
        **{name: tuple(platform[name]) for name in ("unenforced_namespaces", "network_ranges", "task_egress", "pull_secrets")},
        "images": {name: "" if image is None else str(image) for name, image in platform["images"].items()},
    }
    if airflow is None:
        return Settings(**plain)
    same = (
        "take_over",
        "dags_check",
        "task_logs_state",
        "core_tasks",
        "dag_processor",
        "admission_policy",
        "python_requirements",
        "webserver_node_port",
        "publish",
        "publish_branch",
        "render_folder",
        "values",
    )
    return Settings(
        **plain,
        airflow=AirflowSettings(
            _repository("platform", airflow, server),
            _repository("dags", airflow, server),
            name=names.application if airflow["name"] is None else airflow["name"],
            project=airflow["project"],
            kinds=tuple(airflow["kinds"]),
            path=names.path if airflow["platform_path"] is None else airflow["platform_path"],
            subpath=airflow["dags_subpath"],
            logs=Logs(airflow["logs"], *(airflow[f"logs_{name}"] for name in ("endpoint", "region", "bucket", "secret"))),
            chart=Chart(*(airflow[f"chart_{name}"] for name in ("repository", "version", "archive"))),
            default_namespace=airflow["default_namespace"] or plain["core_namespace"],
            task_secrets=tuple(airflow["task_secrets"]),
            task_config_maps=tuple(airflow["task_config_maps"]),
            task_claims=tuple(airflow["task_claims"]),
            task_token_audiences=tuple(airflow["task_token_audiences"]),
            worker_secrets=tuple(airflow["worker_secrets"]),
            worker_config_maps=tuple(airflow["worker_config_maps"]),
            local_images=tuple(airflow["local_images"]),
            core_placement=airflow["core_placement"] or {},
            **{name: airflow[name] for name in same},
        ),
    )


def read_settings(params: dict[str, Any]) -> tuple[Settings, set[str]]:
    """The settings from the options of SETTINGS_SPEC, and the credentials among them, which it takes out of the options (``hide``).

    :raises CollectionError: for a file that cannot be read.
    """
    try:
        given = from_params(params["platform"], params["airflow"])
    except OSError as error:
        action = "Make the file in the message readable, or give its content as text."
        raise CollectionError(f"{error}.", action, "unreadable_file") from error
    return given, hide(params["airflow"])

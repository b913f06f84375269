# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what is given for a repository, and for the bucket of the task logs, fits together. Pure: nothing is asked.

Messages name variables, never values that may be secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ansible_collections.gitops.airflow.plugins.module_utils._base.url import public_url
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import Problem, missing, problems
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import BRANCH, PUSH, RENDER, GitError, check_url, filled
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import (
    AirflowSettings,
    Repository,
    Settings,
)

# Of Gitea's names (gitea: AlphaDashDot).
EMBEDDED_PATH = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
TOKEN_URL = re.compile(r"https?://[^/?#]*@", re.IGNORECASE)
# What every Git server takes (git: check-ref-format), and fewer characters.
BRANCH_NAME = re.compile(r"(?!refs/)(?!.*(\.\.|\.lock(/|$)))\w[\w.-]*(?<!\.)(/\w[\w.-]*(?<!\.))*", re.ASCII)
# A bucket's name, with or without a folder in it.
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^/].*)?")
ENDPOINT = re.compile(r"https?://[^/@?#]+/?")


def repository(given: Settings, airflow: AirflowSettings, repo: Repository) -> list[Refusal]:
    """The refusals for one of the two repositories. The embedded ones need no more than the embedded server."""
    if repo.embedded:
        return list(_server(given, repo))
    unasked = repo.kind == "dags" and not airflow.dags_check  # otherwise reading the repository finds out what is missing
    return [
        *(_token(repo) if TOKEN_URL.match(repo.url) else _url(repo)),
        *_named(repo, problems(repo.credentials, repo.url, push=airflow.pushes_to(repo))),
        *(_named(repo, missing(repo.credentials, repo.url)) if unasked else []),
    ]


def _refuse(code: str, value: str, rule: str, message: str, action: str) -> Iterator[Refusal]:
    yield Refusal(code, value, rule, message, action)


def _server(given: Settings, repo: Repository) -> Iterator[Refusal]:
    if given.git_server == "external":
        yield from _refuse(
            "embedded_repository",
            repo.url,
            "an external Git server has both repositories",
            f"platform_git_server is 'external', but {repo.prefix}_repo is the embedded server's.",
            f"Set {repo.prefix}_repo to your repository's URL, or platform_git_server to 'embedded'.",
        )
    elif not EMBEDDED_PATH.fullmatch(repo.path):
        yield from _refuse(
            "embedded_repository",
            repo.url,
            "a repository of the embedded server is OWNER/NAME",
            f"{repo.prefix}_repo is {repo.url}, which is on the embedded server but is not OWNER/NAME.git there.",
            f"Correct {repo.prefix}_repo. The default is gitops/{repo.kind}.git.",
        )


def _token(repo: Repository) -> Iterator[Refusal]:
    """Neither does this message show the URL."""
    yield from _refuse(
        "token_in_url",
        public_url(repo.url),
        "a repository's URL holds no credentials",
        f"{repo.prefix}_repo has a user or token before the host. It would be read in Git, in Argo CD and in the output.",
        f"Take it out of the URL, and set {repo.prefix}_username and {repo.prefix}_password.",
    )


def _url(repo: Repository) -> Iterator[Refusal]:
    try:
        check_url(repo.url)
    except GitError as error:
        named = error.named({}, f"{repo.prefix}_")
        yield from _refuse(error.code, public_url(repo.url), "a repository's URL is one that Git takes", error.message, named.next_action)


def _named(repo: Repository, found: Iterable[Problem]) -> Iterator[Refusal]:
    """What is wrong with the credentials, by the names of the role's variables."""
    prefix = f"{repo.prefix}_"
    for problem in found:
        message, action = (filled(text, prefix=prefix) for text in (problem.message, problem.action))
        yield Refusal(problem.code, prefix + problem.option, problem.rule, message, action)


def publishing(airflow: AirflowSettings) -> Iterator[Refusal]:
    """The refusals for how the chart comes to the platform branch."""
    method, branch = airflow.publish, airflow.publish_branch
    if method == PUSH:
        return
    if airflow.platform.embedded:
        yield from _refuse(
            "publish_embedded",
            method,
            "only a platform repository of your own is published to by review",
            f"airflow_app_publish is '{method}', but the platform repository is on the embedded Git server, where only the run pushes.",
            "Set airflow_app_platform_repo to your repository's URL, or set airflow_app_publish to 'push'.",
        )
    if method == RENDER and not airflow.render_folder.strip():
        yield from _refuse(
            "render_folder",
            "",
            "files are rendered into a folder",
            "airflow_app_publish is 'render', but airflow_app_render_folder is empty.",
            "Set airflow_app_render_folder to an empty or new folder on this machine.",
        )
    if method == BRANCH and branch == airflow.platform.branch:
        yield from _refuse(
            "publish_branch",
            branch,
            "the review branch is another one than the platform branch",
            f"airflow_app_publish_branch and airflow_app_platform_branch are both '{branch}'.",
            "Set airflow_app_publish_branch to a branch that nothing else uses.",
        )
    elif method == BRANCH and not BRANCH_NAME.fullmatch(branch):
        yield from _refuse(
            "publish_branch",
            branch,
            "the review branch has a name that Git takes",
            f"airflow_app_publish_branch is '{branch}', which cannot be the name of a branch.",
            "Correct airflow_app_publish_branch. Use letters, digits and the characters . _ - and / between them.",
        )


def logs(given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    """The refusals for where task logs go."""
    store = airflow.logs
    if store.mode == "embedded" and airflow.task_logs_state == "absent":
        yield from _refuse(
            "log_store_in_use",
            "absent",
            "the log store is deleted only where Airflow does not use it",
            "task_logs_state is 'absent', but airflow_app_logs is 'embedded'. The store would be deleted with all its logs, and Airflow "
            "would continue to use it.",
            "Set airflow_app_logs to 's3' or 'none', or leave task_logs_state out.",
        )
    if store.mode != "s3":
        return
    if not BUCKET.fullmatch(store.bucket):
        yield from _refuse(
            "logs_bucket",
            store.bucket,
            "airflow_app_logs_bucket is a bucket's name, or bucket/folder",
            f"airflow_app_logs is 's3' and airflow_app_logs_bucket is '{store.bucket}'. It must be a bucket's name, or bucket/folder.",
            "Set airflow_app_logs_bucket, or set airflow_app_logs to 'embedded'.",
        )
    if not store.secret:
        yield from _refuse(
            "logs_secret",
            "",
            "the keys of a bucket are in a Secret",
            "airflow_app_logs is 's3', but airflow_app_logs_secret is empty.",
            f"Create a Secret with the keys access-key-id and secret-access-key in {given.core_namespace}, and set "
            "airflow_app_logs_secret to its name.",
        )
    if not store.region:
        yield from _refuse(
            "logs_region",
            "",
            "a bucket has a region",
            "airflow_app_logs is 's3', but airflow_app_logs_region is empty.",
            "Set airflow_app_logs_region to the bucket's region. For a server that has none, set us-east-1.",
        )
    if store.endpoint and not ENDPOINT.fullmatch(store.endpoint):
        yield from _refuse(
            "logs_endpoint",
            public_url(store.endpoint),
            "airflow_app_logs_endpoint is scheme, host and port",
            "airflow_app_logs_endpoint must be a URL of scheme, host and port alone, such as https://s3.example.com:9000.",
            "Correct airflow_app_logs_endpoint, or leave it empty for AWS.",
        )

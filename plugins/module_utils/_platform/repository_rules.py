# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what is given for a repository, and for the bucket of the task logs, fits together. Pure: nothing is asked.

Messages name variables, never values that may be secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.gitops.airflow.plugins.module_utils._base.url import public_url
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import GitError, check_url
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Repository, Settings

TOKEN_URL = re.compile(r"https?://[^/?#]*@", re.IGNORECASE)
# A bucket's name, with or without a folder in it.
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^/].*)?")
ENDPOINT = re.compile(r"https?://[^/@?#]+/?")


def repository(given: Settings, airflow: AirflowSettings, repo: Repository) -> list[Refusal]:
    """The refusals for one of the two repositories. The embedded ones need no more than the embedded server."""
    if repo.embedded:
        return list(_server(given, repo))
    asked = repo.kind == "platform" or airflow.dags_check
    return [
        *(_token(repo) if TOKEN_URL.match(repo.url) else _url(repo)),
        *_credentials(repo),
        *_kind_of_credentials(repo),
        *_texts(repo),
        *([] if asked else _unasked(repo)),
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
        named = error.named({name: f"{repo.prefix}_{name}" for name in ("repo", "username", "password")})
        yield from _refuse(error.code, public_url(repo.url), "a repository's URL is one that Git takes", error.message, named.next_action)


def _credentials(repo: Repository) -> Iterator[Refusal]:
    if bool(repo.username) == bool(repo.password):
        return
    message = "To push needs both." if repo.kind == "platform" else "A private repository needs both, a public one neither."
    yield from _refuse(
        "half_credentials",
        f"{repo.prefix}_{'username' if repo.username else 'password'}",
        "a user name and a password come together",
        f"Only one of {repo.prefix}_username and {repo.prefix}_password is set. {message}",
        f"Set {repo.prefix}_{'password' if repo.username else 'username'}{'' if repo.kind == 'platform' else ', or leave both empty'}.",
    )


def _kind_of_credentials(repo: Repository) -> Iterator[Refusal]:
    wrong = repo.password if repo.is_ssh else repo.ssh_key
    if not wrong:
        return
    kind, needed = ("an", "ssh_key") if repo.is_ssh else ("not an", f"username and {repo.prefix}_password")
    yield from _refuse(
        "wrong_credentials",
        f"{repo.prefix}_{'password' if repo.is_ssh else 'ssh_key'}",
        "an SSH URL is read with a key, another one with a password",
        f"{repo.prefix}_repo is {kind} SSH URL, which is read with {repo.prefix}_{needed} alone.",
        f"Leave {repo.prefix}_{'password' if repo.is_ssh else 'ssh_key'} empty, or correct {repo.prefix}_repo.",
    )


def _texts(repo: Repository) -> Iterator[Refusal]:
    if repo.ssh_key and "PRIVATE KEY-----" not in repo.ssh_key:
        yield from _refuse(
            "no_private_key",
            f"{repo.prefix}_ssh_key",
            "an SSH key is a private key",
            f"{repo.prefix}_ssh_key is neither the text of a private key nor a file on this machine.",
            f"Give one of the two as {repo.prefix}_ssh_key, without a passphrase.",
        )
    if repo.known_hosts and " " not in repo.known_hosts:
        yield from _refuse(
            "no_host_keys",
            f"{repo.prefix}_known_hosts",
            "host keys have the form of known_hosts",
            f"{repo.prefix}_known_hosts is neither lines in the form of known_hosts nor a file on this machine.",
            f"Give what ssh-keyscan prints as {repo.prefix}_known_hosts, after comparing it (ssh-keygen -lf) with the fingerprints that "
            "the server's owner publishes.",
        )
    if repo.ca and not ("BEGIN CERTIFICATE-----" in repo.ca and repo.url.startswith("https://")):
        yield from _refuse(
            "no_certificate",
            f"{repo.prefix}_ca",
            "a certificate authority is PEM, for an https URL",
            f"{repo.prefix}_ca must be a certificate as PEM, or a file on this machine that holds one, for a repository with an https URL.",
            f"Correct {repo.prefix}_ca, or leave it empty.",
        )


def _unasked(repo: Repository) -> Iterator[Refusal]:
    """Otherwise reading the repository finds out."""
    if repo.is_ssh and not (repo.ssh_key and repo.known_hosts):
        yield from _refuse(
            "incomplete",
            public_url(repo.url),
            "an SSH server is known by its host keys",
            f"{repo.prefix}_repo is an SSH URL, and its server is never trusted blindly.",
            f"Set {repo.prefix}_ssh_key and {repo.prefix}_known_hosts.",
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

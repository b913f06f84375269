# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and writing a branch of a remote repository with the git command, without a work tree."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tempfile
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ansible_collections.gitops.airflow.plugins.module_utils._base.transport import EVERYWHERE, is_loopback
from ansible_collections.gitops.airflow.plugins.module_utils._git.author import EMAIL
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import Credentials
from ansible_collections.gitops.airflow.plugins.module_utils._git.history import Foreign, foreign_commits
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import (
    BRANCH_MISSING,
    LOCKED,
    Content,
    Entry,
    GitError,
    changed_paths,
    complaint,
    lost_race,
    no_branch,
    plan,
    tag,
)

# The person's own git configuration (proxies, authorities) stays, but none of it may change what is pushed.
SETTINGS = (
    "credential.helper=",
    "credential.useHttpPath=false",
    "core.hooksPath=/dev/null",
    "gc.auto=0",
    "commit.gpgSign=false",
    "push.gpgSign=false",
    "push.followTags=false",
    "http.lowSpeedLimit=1",
    "http.lowSpeedTime=30",
    "protocol.version=2",
)

# How many commits are read to find out who changed what is overwritten.
HISTORY = 50

# What may pass while a server restarts or is busy, and the seconds before each further try.
PASSING = frozenset({"unreachable", "server_error"})
PASSING_PAUSES = (1.0, 2.0, 3.0)


@dataclass(frozen=True)
class Access:
    """How a server is reached and who asks."""

    credentials: Credentials = field(default_factory=Credentials)
    host_key_alias: str = ""
    tunnelled: bool = False
    isolated: bool = False  # without what this user has: git configuration, .netrc, SSH configuration and agent

    def environment(self, folder: Path) -> dict[str, str]:
        """Environment variables for git, which reads the files that they name in ``folder``."""
        variables, options = self.credentials.git(folder)
        ssh = ["ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=15", *options]
        if self.isolated:
            ssh += ["-F", "/dev/null", "-o", "IdentityAgent=none"]
            variables |= {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
        if self.host_key_alias:
            ssh += ["-o", f"HostKeyAlias={self.host_key_alias}"]
        if self.tunnelled:
            # A local port: what is meant for hosts farther away, or for one that had this port before, is not meant for it.
            ssh += ["-o", "ProxyCommand=none", "-o", "ProxyJump=none", "-o", "ControlPath=none"]
        return variables | {
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_SSH_COMMAND": shlex.join(ssh),
            "GIT_SSH_VARIANT": "ssh",
            "LC_ALL": "C",
        }


@dataclass(frozen=True)
class Author:
    """Who signs a commit, and why."""

    name: str
    email: str
    message: str

    @property
    def own(self) -> frozenset[str]:
        """E-mail addresses of this collection's commits: until the author was set, they had the default."""
        return frozenset({self.email, EMAIL})


# Each changed file's content before and after.
Changes = dict[str, tuple["bytes | None", "bytes | None"]]


@dataclass(frozen=True)
class Outcome:
    """What became of a branch."""

    commit: str | None
    changed: Changes
    overwritten: tuple[Foreign, ...] = ()


def server_environment(url: str, given: Mapping[str, str]) -> dict[str, str]:
    """Variables for git: for which server the credentials are, and that this machine itself is reached without a proxy (H5)."""
    parts = urlsplit(url)
    variables = {"GIT_PUBLISH_SCHEME": parts.scheme, "GIT_PUBLISH_HOST": parts.netloc.rpartition("@")[2]}
    if is_loopback(parts.hostname or ""):
        listed = given.get("no_proxy") or given.get("NO_PROXY") or ""
        # An asterisk counts only where it stands alone.
        bypassed = listed if listed == EVERYWHERE else ",".join(filter(None, [listed, parts.hostname]))
        variables |= {"NO_PROXY": bypassed, "no_proxy": bypassed}
    return variables


class Remote:
    """A branch of a remote repository. A context manager: its temporary folder goes at the end."""

    def __init__(self, url: str, branch: str, access: Access, *, shown: str = "", timeout: float = 120, temp: str | None = None) -> None:
        self.url, self.branch, self.access, self.timeout = url, branch, access, timeout
        self.shown = shown or url  # the URL that a person knows
        self.was_read = False
        self.lost = ""  # what git said of the last push that came too late
        self.folder = tempfile.TemporaryDirectory(prefix="git-publish-", dir=temp)
        self.root = Path(self.folder.name)

    def __enter__(self) -> Remote:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") and name != "SSH_ASKPASS"}
        self.env = kept | self.access.environment(self.root) | server_environment(self.url, kept) | {"GIT_DIR": str(self.root / "repo")}
        self._git("init", "--quiet", "--bare", "--template=", str(self.root / "repo"))
        return self

    def __exit__(self, *_details: object) -> None:
        self.folder.cleanup()

    def _run(self, *args: str, stdin: bytes = b"", env: dict[str, str] | None = None) -> tuple[int, bytes, str]:
        settings = [word for setting in SETTINGS for word in ("-c", setting)]
        try:
            done = subprocess.run(
                ["git", *settings, *args], input=stdin, env=self.env | (env or {}), capture_output=True, timeout=self.timeout, check=False
            )
        except FileNotFoundError as error:
            raise GitError("The command git was not found.", "Install git.", "git_missing") from error
        except subprocess.TimeoutExpired:
            return 124, b"", f"git {args[0]} did not end in time ({self.timeout:g} s)"
        return done.returncode, done.stdout, done.stderr.decode(errors="replace").replace(self.url, self.shown)

    def _git(self, *args: str, stdin: bytes = b"", env: dict[str, str] | None = None) -> bytes:
        code, out, err = self._run(*args, stdin=stdin, env=env)
        if code:
            raise self.error(err or out.decode(errors="replace"))
        return out

    def error(self, output: str) -> GitError:
        return complaint(self.shown, self.branch, output, readable=self.was_read)

    def no_branch(self) -> GitError:
        """Why there is no such branch. Raises GitError if the server does not say."""
        out = self._git("ls-remote", "--quiet", self.url, "refs/heads/*", f"refs/tags/{tag(self.branch)}").decode(errors="replace")
        return no_branch(self.shown, self.branch, [line.partition("\t")[2] for line in out.splitlines()])

    def head(self) -> str | None:
        """The branch's commit, or None when the branch does not exist. Raises GitError."""
        out = self._git("ls-remote", "--quiet", self.url, f"refs/heads/{self.branch}").decode()
        self.was_read = True
        return next((line.split("\t")[0] for line in out.splitlines() if line.endswith(f"\trefs/heads/{self.branch}")), None)

    def fetch(self) -> str | None:
        """Brings the branch's newest commit here; its name, or None when the branch does not exist. Raises GitError."""
        code, _out, err = self._run("fetch", "--quiet", "--depth=1", "--no-tags", self.url, f"+refs/heads/{self.branch}:refs/found")
        if code == 0:
            self.was_read = True
            return self._git("rev-parse", "refs/found").decode().strip()
        error = self.error(err)
        if error.code == BRANCH_MISSING:
            return None
        raise error

    def foreign(self, commit: str, author: Author, paths: Collection[str]) -> tuple[Foreign, ...]:
        """Who else changed these files since this collection's last commit, among the last commits. Raises GitError."""
        if self._git("log", "-1", "--format=%ae", commit).decode(errors="replace").strip() in author.own:
            return ()
        self._git("fetch", "--quiet", f"--depth={HISTORY}", "--no-tags", self.url, f"+refs/heads/{self.branch}:refs/found")
        shallow = self.root / "repo/shallow"
        cut = shallow.read_text().split() if shallow.exists() else []
        shape = ["-m", "--first-parent", "--name-only", "-z", "--format=%x01%H%x02%ae%x02%an%x02"]
        return tuple(foreign_commits(self._git("log", *shape, commit).decode(errors="surrogateescape"), author.own, paths, cut))

    def tree(self, commit: str) -> dict[str, Entry]:
        """All files of a commit; submodules stay as they are."""
        found = {}
        for line in self._git("ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0")[:-1]:
            head, _tab, path = line.partition(b"\t")
            mode, _kind, blob = head.decode().split()
            found[path.decode(errors="surrogateescape")] = Entry(mode, blob)
        return found

    def blob(self, entry: Entry | None) -> bytes | None:
        return None if entry is None or entry.mode == "160000" else self._git("cat-file", "blob", entry.blob)

    def commit(self, tree: Mapping[str, Entry], new: Sequence[Content], parent: str | None, author: Author) -> str:
        """Makes a commit of the tree, whose new contents are stored first; its name."""
        for content in new:
            self._git("hash-object", "-w", "--no-filters", "--stdin", stdin=content.data)
        index = {"GIT_INDEX_FILE": str(self.root / "index")}
        (self.root / "index").unlink(missing_ok=True)
        lines = (f"{entry.mode} {entry.blob}\t{path}\0" for path, entry in tree.items())
        self._git("update-index", "-z", "--index-info", stdin="".join(lines).encode(errors="surrogateescape"), env=index)
        name = self._git("write-tree", env=index).decode().strip()
        person = {
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", author.name), ("EMAIL", author.email))
        }
        parents = ["-p", parent] if parent else []
        return self._git("commit-tree", name, *parents, stdin=author.message.encode(), env=person).decode().strip()

    def check_push(self, commit: str) -> None:
        """Asks the server whether the branch may be pushed to; nothing is pushed. Raises GitError."""
        code, out, err = self._run("push", "--dry-run", "--porcelain", self.url, f"{commit}:refs/heads/{self.branch}")
        output = f"{out.decode(errors='replace')}\n{err}"
        if code and not lost_race(output):
            raise self.error(output)

    def push(self, commit: str) -> bool:
        """Makes a commit the branch's head; False after a concurrent push, of which ``lost`` has git's words. Raises GitError."""
        code, out, err = self._run("push", "--porcelain", self.url, f"{commit}:refs/heads/{self.branch}")
        output = f"{out.decode(errors='replace')}\n{err}"
        if code == 0:
            return True
        if lost_race(output):
            self.lost = output
            return False
        raise self.error(output)


def publish(
    remote: Remote,
    wanted: Mapping[str, Content],
    prune: Sequence[str],
    author: Author,
    *,
    create: bool = False,
    if_absent: bool = False,
    check: bool = False,
    guard: Callable[[Mapping[str, Entry]], None] | None = None,
    tries: int = 5,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Makes the wanted files the content of the branch; with if_absent only of one that does not exist.

    ``guard`` sees the files of each commit that a push would replace, and raises GitError to refuse. Tries again after a push of others,
    and for some seconds where the server does not answer or fails.
    Raises GitError, or InputError for paths that cannot be.
    """
    made: dict[str, Changes] = {}  # commits whose push may have reached the server although it did not say so

    def attempt() -> Outcome | None:
        """None after a push of others."""
        try:
            head = remote.head() if if_absent else remote.fetch()
        except GitError as error:
            if not (create and error.code == "repository_missing"):
                raise
            head = None
        if head is None and not (create and wanted):
            raise remote.no_branch()
        if head and if_absent:
            return Outcome(head, {})
        found = remote.tree(head) if head else {}
        if guard:
            guard(found)
        tree = plan(found, wanted, prune)
        paths = changed_paths(found, tree)
        if head and not paths:
            return Outcome(head, made.get(head, {}))
        changed = {path: (remote.blob(found.get(path)), wanted[path].data if path in wanted else None) for path in paths}
        foreign = remote.foreign(head, author, paths) if head else ()
        if check:
            return Outcome(head, changed, foreign)
        commit = remote.commit(tree, [wanted[path] for path in paths if path in wanted], head, author)
        made[commit] = changed
        return Outcome(commit, changed, foreign) if remote.push(commit) else None

    pauses, races = list(PASSING_PAUSES), 0
    while races < tries:
        try:
            outcome = attempt()
        except GitError as error:
            if error.code not in PASSING or not pauses:
                raise
            sleep(pauses.pop(0))
            continue
        if outcome:
            return outcome
        races += 1
        if races < tries:
            sleep(0.2 * races)
    # A push of others holds the lock for a moment only.
    if re.search(LOCKED, remote.lost, re.IGNORECASE):
        raise remote.error(remote.lost)
    raise GitError(f"{remote.shown} (branch {remote.branch}): others pushed first, {tries} times.", "Run again.", "busy")

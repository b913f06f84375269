# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and writing a branch of a remote repository with the git command, without a work tree."""

from __future__ import annotations

import copy
import os
import shlex
import subprocess
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ansible_collections.gitops.airflow.plugins.module_utils._base.transport import EVERYWHERE, is_loopback
from ansible_collections.gitops.airflow.plugins.module_utils._git.author import EMAIL
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import Credentials
from ansible_collections.gitops.airflow.plugins.module_utils._git.history import Foreign, foreign_commits
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import (
    BRANCH_MISSING,
    Content,
    Entry,
    GitError,
    complaint,
    lost_race,
    no_branch,
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
    """What became of a branch.

    ``error``: why it does not have the wanted files yet. ``review``: the head of the review branch. ``ended``: that branch was deleted.
    """

    commit: str | None
    changed: Changes
    overwritten: tuple[Foreign, ...] = ()
    error: GitError | None = None
    review: str = ""
    ended: bool = False


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
        self.ref = "refs/found"  # where a fetch stores the branch's commit
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

    def on(self, branch: str, ref: str) -> Remote:
        """Another branch of the same repository, whose commit a fetch stores under the name ``ref``. It lives as long as this one."""
        other = copy.copy(self)
        other.branch, other.ref = branch, ref
        return other

    def fetch(self) -> str | None:
        """Brings the branch's newest commit here; its name, or None when the branch does not exist. Raises GitError."""
        code, _out, err = self._run("fetch", "--quiet", "--depth=1", "--no-tags", self.url, f"+refs/heads/{self.branch}:{self.ref}")
        if code == 0:
            self.was_read = True
            return self._git("rev-parse", self.ref).decode().strip()
        error = self.error(err)
        if error.code == BRANCH_MISSING:
            return None
        raise error

    def email(self, commit: str) -> str:
        """The e-mail address of a commit's author."""
        return self._git("log", "-1", "--format=%ae", commit).decode(errors="replace").strip()

    def foreign(self, commit: str, author: Author, paths: Collection[str], mark: str = "") -> tuple[Foreign, ...]:
        """Who else changed these files since this collection's last commit, among the last commits. Raises GitError.

        ``mark``: a file that each publication changes, whoever merges it.
        """
        if not mark and self.email(commit) in author.own:
            return ()
        self.deepen()
        shape = ["-m", "--first-parent", "--name-only", "-z", "--format=%x01%H%x02%ae%x02%an%x02"]
        log = self._git("log", *shape, commit).decode(errors="surrogateescape")
        return tuple(foreign_commits(log, author.own, paths, self._cut(), mark))

    def last_own(self, commit: str, author: Author, prefix: str) -> str | None:
        """This collection's last commit that changed the folder, among the last commits. Raises GitError.

        ``prefix``: the folder with a slash at its end, empty for the whole repository. Other platforms may write other folders.
        """
        self.deepen()
        place = ["--", f":(literal){prefix}"] if prefix else []
        lines = self._git("log", "--first-parent", "--format=%H %ae", commit, *place).decode(errors="replace").splitlines()
        return next((name for name, _space, email in (line.partition(" ") for line in lines) if email in author.own), None)

    def had(self, commit: str, path: str, blob: str) -> bool:
        """Whether a file had this content before a commit, as far as the last commits show it. Raises GitError."""
        shape = ["-m", "--first-parent", "--raw", "--no-abbrev", "--format="]
        lines = self._git("log", *shape, commit, "--", f":(literal){path}").decode(errors="replace").splitlines()
        return any(blob in line.split()[2:4] for line in lines)

    def deepen(self, *, whole: bool = False) -> None:
        """Brings the last commits of the branch here, or all. Raises GitError."""
        if whole and not self._cut():
            return
        depth = "--unshallow" if whole else f"--depth={HISTORY}"
        self._git("fetch", "--quiet", depth, "--no-tags", self.url, f"+refs/heads/{self.branch}:{self.ref}")

    def _cut(self) -> list[str]:
        """The commits whose parents were not fetched."""
        shallow = self.root / "repo/shallow"
        return shallow.read_text().split() if shallow.exists() else []

    def base(self, other: Remote) -> str | None:
        """The last commit that both fetched branches have in common; None if they have none. Raises GitError."""
        self.deepen()
        other.deepen()
        code, out, _err = self._run("merge-base", self.ref, other.ref)
        if code and self._cut():
            self.deepen(whole=True)
            other.deepen(whole=True)
            code, out, _err = self._run("merge-base", self.ref, other.ref)
        return None if code else out.decode().strip()

    def joined(self, base: str, ours: str, theirs: str) -> tuple[dict[str, Entry], list[str]]:
        """The tree of two commits merged file by file, and the files that both changed, which it does not have. Raises GitError."""
        index = {"GIT_INDEX_FILE": str(self.root / "index")}
        (self.root / "index").unlink(missing_ok=True)
        self._git("read-tree", "-i", "-m", "--aggressive", base, ours, theirs, env=index)
        tree, both = dict[str, Entry](), set[str]()
        for line in self._git("ls-files", "--stage", "-z", env=index).split(b"\0")[:-1]:
            head, _tab, name = line.partition(b"\t")
            mode, blob, stage = head.decode().split()
            path = name.decode(errors="surrogateescape")
            if stage == "0":
                tree[path] = Entry(mode, blob)
            else:
                both.add(path)
        return tree, sorted(both)

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

    def stored(self, blob: str) -> bytes | None:
        """The content of this name, if a fetched commit has it."""
        code, out, _err = self._run("cat-file", "blob", blob)
        return None if code else out

    def commit(self, tree: Mapping[str, Entry], new: Sequence[Content], parents: Sequence[str], author: Author) -> str:
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
        before = (word for parent in parents for word in ("-p", parent))
        return self._git("commit-tree", name, *before, stdin=author.message.encode(), env=person).decode().strip()

    def check_push(self, commit: str) -> None:
        """Asks the server whether the branch may be pushed to; nothing is pushed. Raises GitError."""
        code, out, err = self._run("push", "--dry-run", "--porcelain", self.url, f"{commit}:refs/heads/{self.branch}")
        output = f"{out.decode(errors='replace')}\n{err}"
        if code and not lost_race(output):
            raise self.error(output)

    def push(self, commit: str) -> bool:
        """Makes a commit the branch's head; False after a concurrent push, of which ``lost`` has git's words. Raises GitError."""
        return self._push(f"{commit}:refs/heads/{self.branch}")

    def delete(self, commit: str) -> bool:
        """Deletes the branch if this is its head; False after a concurrent push. Raises GitError."""
        return self._push(f"--force-with-lease=refs/heads/{self.branch}:{commit}", f":refs/heads/{self.branch}")

    def _push(self, *what: str) -> bool:
        options = [word for word in what if word.startswith("-")]
        code, out, err = self._run("push", "--porcelain", *options, self.url, what[-1])
        output = f"{out.decode(errors='replace')}\n{err}"
        if code == 0:
            return True
        if lost_race(output):
            self.lost = output
            return False
        raise self.error(output)

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a branch should hold, how that differs from what it holds, and what git's complaints mean. Pure: values in, values out."""

from __future__ import annotations

import difflib
import hashlib
import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError, InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten
from ansible_collections.gitops.airflow.plugins.module_utils._base.url import SCP_LIKE, http_problem, public_url, scheme, ssh_server
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import named

PLAIN, EXECUTABLE = "100644", "100755"
# How files come to a branch: by a push, by a review branch that people merge, or by files in a folder that people commit.
PUSH, BRANCH, RENDER = PUBLISH_METHODS = ("push", "branch", "render")


class GitError(CollectionError):
    """A repository that cannot be read or written. The next action may name options in braces."""

    def __init__(self, message: str, next_action: str, code: str) -> None:
        self._template = next_action
        super().__init__(message, filled(next_action), code)

    def named(self, names: Mapping[str, str], prefix: str = "") -> GitError:
        """The same error, whose next action calls the options what its reader calls them: ``prefix`` and the option, or its name."""
        error = GitError(self.message, self._template, self.code)
        error.next_action = filled(self._template, names, prefix)
        return error

    def also(self, advice: str) -> GitError:
        """The same error with a further next action."""
        return GitError(self.message, f"{self._template} {advice}", self.code)

    def about(self, option: str, other: str) -> GitError:
        """The same error, whose next action names another option in place of one."""
        return GitError(self.message, self._template.replace(f"{{{option}}}", f"{{{other}}}"), self.code)


def filled(text: str, names: Mapping[str, str] | None = None, prefix: str = "") -> str:
    """A text that names options in braces, as its reader calls them: by ``names``, or by the option after ``prefix``."""
    return re.sub(r"\{(\w+)\}", lambda match: (names or {}).get(match[1], prefix + match[1]), text)


@dataclass(frozen=True)
class Entry:
    """A file of a commit's tree."""

    mode: str
    blob: str


@dataclass(frozen=True)
class Content:
    """What a file should be. A mode of None keeps the one that is there."""

    data: bytes
    mode: str | None = None

    @property
    def blob(self) -> str:
        """The name that git gives to this content."""
        return hashlib.sha1(b"blob %d\0" % len(self.data) + self.data, usedforsecurity=False).hexdigest()


def safe_path(path: str) -> str:
    """A path inside a repository, in its plain form. Raises InputError for one that leads out of it or into git's own folder."""
    plain = posixpath.normpath(path)
    parts = plain.split("/")
    if not path or path.endswith("/") or plain.startswith("/") or plain == "." or ".." in parts or ".git" in map(str.lower, parts):
        message = f"{path!r} is not the path of a file inside a repository."
        raise InputError(message, "Use a relative path without .. and .git.", "bad_path")
    return plain


def folder(path: str) -> str:
    """A folder inside a repository, as a prefix of paths; `.` is the whole repository."""
    return "" if posixpath.normpath(path) == "." else f"{safe_path(path.rstrip('/'))}/"


def plan(found: Mapping[str, Entry], wanted: Mapping[str, Content], prune: Sequence[str]) -> dict[str, Entry]:
    """The tree that a branch should have: the wanted files, and all others except those in the pruned folders.

    A file gives way where a wanted path needs a folder of its name, and a folder where a wanted path is a file.
    """
    prefixes = [folder(item) for item in prune]
    parents = {path[:index] for path in wanted for index, letter in enumerate(path) if letter == "/"}
    clash = parents & set(wanted)
    if clash:
        raise InputError(f"{sorted(clash)[0]!r} cannot be both a file and a folder.", "Rename one of both.", "bad_path")
    tree = {
        path: entry
        for path, entry in found.items()
        if path not in parents
        and not any(path.startswith(f"{name}/") for name in wanted)
        and (path in wanted or not any(path.startswith(prefix) for prefix in prefixes))
    }
    for path, content in wanted.items():
        old = found.get(path)
        kept = old.mode if old and old.mode in (PLAIN, EXECUTABLE) else PLAIN
        tree[path] = Entry(content.mode or kept, content.blob)
    return tree


def changed_paths(found: Mapping[str, Entry], tree: Mapping[str, Entry]) -> list[str]:
    """Paths that are added, removed or different, in order."""
    return sorted(path for path in {*found, *tree} if found.get(path) != tree.get(path))


def text_of(data: bytes | None) -> str:
    """A file's content for a diff; binary ones are only described."""
    if data is None:
        return ""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "\0"
    return (
        text if "\0" not in text else f"(binary file, {len(data)} bytes, SHA-1 {hashlib.sha1(data, usedforsecurity=False).hexdigest()})\n"
    )


def unified(path: str, before: bytes | None, after: bytes | None) -> str:
    """A unified diff of one file; None is a file that is absent."""
    names = (f"a/{path}" if before is not None else "/dev/null", f"b/{path}" if after is not None else "/dev/null")
    lines = difflib.unified_diff(text_of(before).splitlines(), text_of(after).splitlines(), *names, lineterm="")
    return "".join(f"{line}\n" for line in lines)


def check_url(url: str, *, file: bool = True) -> None:
    """Raises GitError for what cannot be a repository's URL. ``file``: whether a folder of this machine can be one."""
    kinds = ("http", "https", "ssh", "file") if file else ("http", "https", "ssh")
    shown, kind, action = public_url(url), scheme(url), "Correct {repo}."
    if kind not in kinds:
        raise GitError(f"repo is {shown!r}. It must be a URL ({', '.join(kinds)}) or user@host:path.", action, "bad_url")
    if found := _credential(url, kind):
        action = "Remove it from {repo}, and give {username} and {password}."
        raise GitError(f"repo {shown} holds a {found}, which would be seen.", action, "bad_url")
    problem = http_problem(url) if kind.startswith("http") else ""
    if kind == "ssh" and not (ssh_server(url) or ("",))[0]:
        problem = "it must name a host"
    if problem:
        raise GitError(f"repo is {shown!r}: {problem}.", action, "bad_url")


def _credential(url: str, kind: str) -> str:
    """What a URL holds that is a secret, or may be one. The user of SSH is none."""
    parts = urlsplit(url) if "://" in url else urlsplit("")
    if kind == "ssh":
        return "" if parts.password is None else "password"
    return "user or token" if "@" in parts.netloc else ""


def keyscan(url: str) -> str:
    """How a person gets the host keys of an SSH server, and knows that they are its own."""
    host, port = ssh_server(url) or ("HOST", 22)
    option = f" -p {port}" if port != 22 else ""
    return (
        f"ssh-keyscan{option} {host} > known_hosts, compare what ssh-keygen -lf known_hosts prints with the fingerprints "
        "that the server's owner publishes"
    )


def through(url: str, port: int) -> tuple[str, str]:
    """The URL by way of a local port, and what its server is called in known_hosts, with a port other than 22 (V12). For http and ssh."""
    match = SCP_LIKE.match(url) if "://" not in url else None
    if match:
        user = f"{match['user']}@" if match["user"] else ""
        host, own = ssh_server(url) or ("", 22)
        return f"ssh://{user}127.0.0.1:{port}/{match['path'].lstrip('/')}", _known_as(host, own)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "ssh"):
        raise GitError(f"repo is {url}, a tunnel needs an http or ssh URL.", "Correct {repo}, or leave tunnel out.", "bad_url")
    user = f"{parts.username}@" if parts.username else ""
    host = parts.hostname or ""
    name = _known_as(host, parts.port or 22) if parts.scheme == "ssh" else host
    return urlunsplit(parts._replace(netloc=f"{user}127.0.0.1:{port}")), name


def _known_as(host: str, port: int) -> str:
    """What known_hosts calls a server."""
    return host if port == 22 else f"[{host}]:{port}"


BRANCH_MISSING = "branch_missing"
# Of "feature" and "feature/x" only one can exist (git: refs.c, refs_verify_refname_available).
# The last ones: git 2.50 and newer (refs.c, ref_transaction_error_msg), and two such branches in one push.
BRANCH_TAKEN = (
    r"' exists; cannot create '|directory[ /]file conflict|refname conflict|due to case-insensitive filesystem|' at the same time"
)
# The server itself cannot write the branch, whoever pushes.
SERVER_BROKEN = r"cannot lock ref [^\n]*(\.lock': (?!file exists)|reference broken|blocking reference)|\(unpacker error\)"
# Another process holds the lock, or was killed and left it: git waits for a tenth of a second, and never removes the lock of others.
LOCKED = r"unable to create '(?P<lock>[^'\n]+\.lock)': file exists"
# What git, curl and ssh say, most telling first: pattern, code, what it means, next action.
COMPLAINTS = (
    (
        BRANCH_TAKEN,
        "bad_branch",
        "the branch cannot be made, because the name of another branch is the beginning of its path or begins with it",
        "Choose another {branch}, or delete the other branch",
    ),
    (SERVER_BROKEN, "server_error", "the server cannot write the branch", "Look into the server's log, or try later"),
    (
        LOCKED,
        "locked",
        "another git process on the server writes to the repository, or was killed and left its lock behind",
        "Run again. If the message stays the same, and nothing else pushes, delete the file {lock} on the server",
    ),
    # Before the credentials: the server knows who pushes, and refuses the branch or commit (GitHub GH006, GH013; GitLab; Azure TF402455).
    (
        r"\[remote rejected\]|hook declined|protected (branch|ref)|GH0(06|13)|TF402455|only be modified through pull requests",
        "refused",
        "the server refused the push by a rule of its own",
        "Set {branch} to a branch of its own that may be pushed to, or allow {pusher} to push in the server's rules for this branch",
    ),
    (
        r"unprotected private key|bad permissions|error in libcrypto|invalid format|Load key .*: ",
        "bad_key",
        "the SSH key cannot be used",
        "Give a private key in OpenSSH's format, without passphrase, that only its owner may read (chmod 600), as {ssh_key}",
    ),
    (
        r"host identification has changed",
        "changed_host_key",
        "the server's host key is not the one in known_hosts: the server is new, or another server answers in its place",
        "Ask the server's owner. If the change is theirs: {keyscan}, and give the new ones as {known_hosts}",
    ),
    (
        r"host key verification failed|no .* host key is known",
        "unknown_host_key",
        "known_hosts does not name this server",
        "Run {keyscan}, and give them as {known_hosts}",
    ),
    (
        r"ssl certificate problem|server certificate verification failed|certificate subject name|unable to get local issuer",
        "untrusted_certificate",
        "the server's certificate is not trusted",
        "Give the certificate of its authority as {ca}, or correct the host name in {repo}",
    ),
    (
        r"could not resolve host|failed to connect|couldn't connect|connection refused|connection timed out"
        r"|operation timed out|no route to host|network is unreachable|empty reply from server|transfer closed"
        r"|recv failure|connection reset|operation too slow",
        "unreachable",
        "the server cannot be reached",
        "Check host name and port in {repo}, network and proxy, and that the server runs",
    ),
    (
        r"unable to read askpass response",  # ASKPASS answers for the server that was named only
        "authentication",
        "the server redirects to another one, to which the credentials are not sent",
        "Give the address that it redirects to as {repo}",
    ),
    (
        r"could not read username|could not read password",
        "authentication",
        "the server asks for credentials and none are given: the repository is private, or does not exist",
        "Give {username} and {password} (a token), or correct {repo}",
    ),
    (
        r"push to create is not enabled",  # Gitea's words
        "repository_missing",
        "the repository does not exist, and the server does not create it on a push",
        "Create the repository, or correct {repo}",
    ),
    (
        r"authentication failed|invalid username or password|invalid credentials|access denied|permission denied \("
        r"|returned error: 40[13]|user is not allowed|is not authorized to|write access to repository not granted"
        r"|deploy key does not have write access|marked as read only|not allowed to push",
        "authentication",
        "the server refused the credentials",
        "Give {credentials} that may use this repository",
    ),
    (
        r"couldn't find remote ref|could not find remote ref|remote branch .* not found",
        BRANCH_MISSING,
        "the branch does not exist",
        "Correct {branch}, or make that branch",
    ),
    (
        r"repository .*not found|not found: repository|does not appear to be a git repository|returned error: 404|remote: not found"
        r"|cannot find repository|does not exist|no such file or directory",
        "repository_missing",
        "the repository does not exist, or the user may not see it",
        "Correct {repo}, make the repository, or give {credentials} that may see it",
    ),
    (r"returned error: 5\d\d", "server_error", "the server failed", "Look into the server's log, or try later"),
    (r"did not end in time", "timeout", "git took too long", "Try again, or give a longer timeout"),
)
# When the repository could be read a moment before.
PUSH_REFUSED = "the credentials can read the repository, but not push to it", "Give {credentials} that may push"
# ssh's advice, which is about a file that was deleted.
ADVICE = re.compile(r"^(Add correct host key|Offending \w+ key|remove with:|ssh-keygen -f)", re.IGNORECASE)
RACE = re.compile(
    r"\(fetch first\)|\(non-fast-forward\)|\(stale info\)|cannot lock ref|failed to update ref|already exists\)"
    r"|incorrect old value provided",  # git 2.50 and newer
    re.IGNORECASE,
)
NO_RACE = re.compile(f"{BRANCH_TAKEN}|{SERVER_BROKEN}|hook declined", re.IGNORECASE)


def complaint(url: str, branch: str, output: str, *, readable: bool = False) -> GitError:
    """The error in git's output; ``readable``: a push to what could be read before."""
    lines = (line.strip() for line in output.splitlines())
    words = shorten(" ".join(line for line in lines if line and not ADVICE.match(line)))
    for pattern, code, meaning, action in COMPLAINTS:
        if match := re.search(pattern, output, re.IGNORECASE):
            if readable and code == "authentication":
                meaning, action = PUSH_REFUSED
                action += " (a deploy key: with write access)" if ssh_server(url) else ""
            credentials = "an {ssh_key}" if ssh_server(url) else "{username} and {password} (a token)"
            action = action.replace("{keyscan}", keyscan(url)).replace("{credentials}", credentials)
            action = action.replace("{pusher}", "the owner of the {ssh_key}" if ssh_server(url) else "{username}")
            action = action.replace("{lock}", match.groupdict().get("lock") or "")
            said = _servers_words(output) if code == "refused" else ""
            return GitError(f"{public_url(url)} (branch {branch}): {meaning}. {said or f'git says: {words}'}", f"{action}.", code)
    return GitError(f"{public_url(url)} (branch {branch}): git failed: {words}", "Correct the problem that git reports.", "git_failed")


def _servers_words(output: str) -> str:
    """What the server's hook or rule says, without git's own lines around it."""
    lines = (line.strip().removeprefix("remote:").strip() for line in output.splitlines() if line.strip().startswith("remote:"))
    words = shorten(" ".join(filter(None, lines)))
    return f"The server says: {words}" if words else ""


def tag(branch: str) -> str:
    """The name of the tag that a branch may stand for."""
    return re.sub("^(refs/)?tags/", "", branch)


def no_branch(url: str, branch: str, refs: Sequence[str]) -> GitError:
    """The error for a branch that a repository with these refs does not have (F12)."""
    where = f"{public_url(url)} (branch {branch})"
    heads = [ref.removeprefix("refs/heads/") for ref in refs if ref.startswith("refs/heads/")]
    action = f"Correct {{branch}}. The branches there: {named(sorted(heads)) or 'none'}."
    if f"refs/tags/{tag(branch)}" in refs:
        return GitError(
            f"{where}: '{tag(branch)}' is a tag, not a branch. git cannot push a new commit to a tag.",
            action,
            BRANCH_MISSING,
        )
    short = re.sub("^((refs/)?(heads|remotes/[^/]+)|origin)/", "", branch)
    if short in heads:
        return GitError(f"{where}: the branch does not exist. Its name there is '{short}'.", f"Set {{branch}} to {short}.", BRANCH_MISSING)
    if re.fullmatch("[0-9a-f]{40}([0-9a-f]{24})?", branch):
        return GitError(f"{where}: '{branch}' looks like a commit, and the branch does not exist.", action, BRANCH_MISSING)
    return GitError(f"{where}: the branch does not exist.", action.replace(". The", ", or make that branch. The"), BRANCH_MISSING)


def lost_race(output: str) -> bool:
    """Whether a push was rejected because of a concurrent push, and not by what stays: a hook, or a branch that cannot be made (V13)."""
    return bool(RACE.search(output)) and not NO_RACE.search(output)

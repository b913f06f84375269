# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What git, ssh and curl say and what it means; URLs; diffs."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.url import public_url, ssh_server
from ansible_collections.gitops.airflow.plugins.module_utils._git.access import _with_command
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import Credentials
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import (
    COMPLAINTS,
    Content,
    GitError,
    complaint,
    lost_race,
    no_branch,
    safe_path,
    through,
    unified,
)
from ansible_collections.gitops.airflow.plugins.module_utils._git.remote import Access

SSH_TAIL = (
    "fatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.\n"
)

LOCKED = "remote: error: cannot lock ref 'refs/heads/main': Unable to create '/srv/x.git/refs/heads/main.lock': "


@pytest.mark.parametrize(
    ("output", "code"),
    [
        ("remote: Unauthorized\nfatal: Authentication failed for 'http://h/x.git/'", "authentication"),
        ("fatal: could not read Username for 'http://h': terminal prompts disabled", "authentication"),
        ("fatal: unable to access 'http://h/x.git/': The requested URL returned error: 403", "authentication"),
        (f"git@h: Permission denied (publickey).\n{SSH_TAIL}", "authentication"),
        (f"Gitea: Deploy Key: 3:reader is not authorized to write ann/x.\n{SSH_TAIL}", "authentication"),
        (f"ERROR: The key you are authenticating with has been marked as read only.\n{SSH_TAIL}", "authentication"),
        (f"remote: ERROR: This deploy key does not have write access to this project.\n{SSH_TAIL}", "authentication"),
        (f"Host key verification failed.\n{SSH_TAIL}", "unknown_host_key"),
        (f"@@@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @@@\nHost key verification failed.\n{SSH_TAIL}", "changed_host_key"),
        (f"@ WARNING: UNPROTECTED PRIVATE KEY FILE! @\ngit@h: Permission denied (publickey).\n{SSH_TAIL}", "bad_key"),
        (f'Load key "/k": error in libcrypto\ngit@h: Permission denied (publickey).\n{SSH_TAIL}', "bad_key"),
        ("fatal: repository 'http://h/x.git/' not found", "repository_missing"),
        (
            "remote: Push to create is not enabled for users.\n"
            "fatal: unable to access 'http://h/x.git/': The requested URL returned error: 403",
            "repository_missing",
        ),
        (f"ERROR: Repository not found.\n{SSH_TAIL}", "repository_missing"),
        ("fatal: '/srv/x.git' does not appear to be a git repository", "repository_missing"),
        ("fatal: couldn't find remote ref refs/heads/next", "branch_missing"),
        (f"{LOCKED}File exists.\n!\tabc:refs/heads/main\t[remote rejected] (failed to update ref)", "locked"),
        ("remote: fatal: Unable to create '/srv/x.git/packed-refs.lock': File exists.", "locked"),
        (f"{LOCKED}Permission denied\n!\tabc:refs/heads/main\t[remote rejected] (failed to update ref)", "server_error"),
        ("fatal: unable to access 'http://h/': Could not resolve host: h", "unreachable"),
        ("fatal: unable to access 'http://h/': Failed to connect to h port 80 after 0 ms: Couldn't connect to server", "unreachable"),
        (f"ssh: connect to host h port 22: Connection refused\n{SSH_TAIL}", "unreachable"),
        (f"ssh: Could not resolve hostname h: Name or service not known\n{SSH_TAIL}", "unreachable"),
        ("fatal: unable to access 'http://h/': Empty reply from server", "unreachable"),
        ("fatal: unable to access 'https://h/': SSL certificate problem: self-signed certificate", "untrusted_certificate"),
        ("fatal: unable to access 'https://h/': server certificate verification failed. CAfile: none", "untrusted_certificate"),
        ("! [remote rejected] main -> main (pre-receive hook declined)", "refused"),
        ("remote: error: GH006: Protected branch update failed for refs/heads/main.", "refused"),
        ("remote: error: GH013: Repository rule violations found for refs/heads/main.", "refused"),
        (
            "remote: Gitea: Not allowed to push to protected branch main\n! [remote rejected] main -> main (pre-receive hook declined)",
            "refused",
        ),
        ("remote: Branch refs/heads/main can only be modified through pull requests.", "refused"),
        ("! [remote rejected] main (TF402455: Pushes to this branch are not permitted)", "refused"),
        ("remote: error: hook declined to update refs/heads/main", "refused"),
        ("error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502", "server_error"),
        # V13
        (f"{LOCKED}Permission denied\n! [remote rejected] x -> main (failed to update ref)", "server_error"),
        ("! [remote rejected] x -> main (unpacker error)", "server_error"),
        ("! [remote rejected] x -> feature/x (refname conflict)", "bad_branch"),
        ("fatal: something new", "git_failed"),
    ],
)
def test_complaints_are_understood(output: str, code: str) -> None:
    error = complaint("https://user:pw@host/x.git", "main", output)
    assert error.code == code
    assert str(error).startswith("https://host/x.git (branch main): ")
    assert error.next_action
    assert output.split("\n")[0].removeprefix("remote: ") in str(error)


@pytest.mark.parametrize(
    ("url", "output", "readable", "meaning", "action"),
    [
        (
            "https://h/x.git",
            "could not read Username for",
            False,
            "none are given",
            "Give username and password (a token), or correct repo.",
        ),
        (
            "https://h/x.git",
            "Authentication failed for",
            False,
            "the server refused the credentials",
            "Give username and password (a token) that",
        ),
        ("git@h:x.git", "Permission denied (publickey)", False, "the server refused the credentials", "Give an ssh_key that may use"),
        (
            "https://h/x.git",
            "could not read Username for",
            True,
            "can read the repository, but not push to it",
            "Give username and password (a token) that may push",
        ),
        (
            "ssh://git@h/x.git",
            "is not authorized to write",
            True,
            "can read the repository, but not push to it",
            "Give an ssh_key that may push (a deploy key: with write access).",
        ),
        (
            "https://h/x.git",
            "protected branch",
            True,
            "the server refused the push by a rule of its own",
            "Set branch to a branch of its own that may be pushed to, or allow username to push",
        ),
        # F11: the words of a host about its rule are not about the credentials.
        (
            "ssh://git@h/x.git",
            "remote: GitLab: You are not allowed to push code to protected branches on this project.\n! [remote rejected] main -> main",
            True,
            "the server refused the push by a rule of its own. The server says: GitLab: You are not allowed to push",
            "Set branch to a branch of its own that may be pushed to, or allow the owner of the ssh_key to push",
        ),
    ],
)
def test_what_is_missing_is_told(url: str, output: str, readable: bool, meaning: str, action: str) -> None:
    error = complaint(url, "main", output, readable=readable)
    assert meaning in error.message
    assert error.next_action.startswith(action)


def test_the_next_action_names_what_the_reader_sets() -> None:
    error = complaint("https://h/{branch}.git", "main", "fatal: couldn't find remote ref {branch}")
    assert error.message.startswith("https://h/{branch}.git ")
    assert error.message.endswith("remote ref {branch}")
    assert error.next_action == "Correct branch, or make that branch."
    assert error.named({"branch": "dags_branch"}).next_action == "Correct dags_branch, or make that branch."
    untrusted = complaint("https://h/x", "main", "SSL certificate problem")
    assert "Give the certificate of its authority as ca," in untrusted.next_action


def test_the_lock_that_was_left_is_named() -> None:
    error = complaint("http://h/x.git", "main", f"{LOCKED}File exists.")
    assert error.next_action.endswith("delete the file /srv/x.git/refs/heads/main.lock on the server.")
    inside = _with_command(error, {"namespace": "git", "service": "gitea", "port": 3000})
    assert (inside.message, inside.code) == (error.message, "locked")
    assert inside.next_action == f"{error.next_action[:-1]} (kubectl -n git exec service/gitea -- rm FILE)."


@pytest.mark.parametrize("action", [row[3] for row in COMPLAINTS])
def test_no_name_is_left_in_braces(action: str) -> None:
    assert "{" not in GitError("x", action, "x").next_action.replace("{keyscan}", "").replace("{credentials}", "")


def test_sshs_advice_about_a_temporary_file_is_left_out() -> None:
    output = "HOST IDENTIFICATION HAS CHANGED!\nAdd correct host key in /tmp/x/known_hosts to get rid of this.\n"
    output += 'Offending RSA key in /tmp/x/known_hosts:1\n  remove with:\n  ssh-keygen -f "/tmp/x/known_hosts" -R "h"\n'
    output += "Host key verification failed."
    assert "/tmp/x" not in complaint("ssh://h/x.git", "main", output).text


@pytest.mark.parametrize(
    ("url", "server", "command"),
    [
        ("ssh://git@git.example.com/a.git", ("git.example.com", 22), "ssh-keyscan git.example.com > known_hosts, "),
        ("ssh://git@git.example.com:2222/a.git", ("git.example.com", 2222), "ssh-keyscan -p 2222 git.example.com > known_hosts, "),
        ("git@git.example.com:a/b.git", ("git.example.com", 22), "ssh-keyscan git.example.com > known_hosts, "),
        ("git@[git.example.com:2222]:a/b.git", ("git.example.com", 2222), "ssh-keyscan -p 2222 git.example.com > known_hosts, "),
        ("https://git.example.com/a.git", None, ""),
        ("file:///srv/a.git", None, ""),
    ],
)
def test_a_person_is_told_how_to_get_host_keys(url: str, server: tuple[str, int] | None, command: str) -> None:
    assert ssh_server(url) == server
    if server:
        said = complaint(url, "main", "Host key verification failed.").next_action
        assert said.startswith(f"Run {command}")
        assert "ssh-keygen -lf" in said


@pytest.mark.parametrize(
    ("output", "lost"),
    [
        ("!\tabc:refs/heads/main\t[rejected] (fetch first)", True),
        ("!\tabc:refs/heads/main\t[rejected] (non-fast-forward)", True),
        ("!\tabc:refs/heads/main\t[remote rejected] (cannot lock ref 'refs/heads/main')", True),
        ("!\tabc:refs/heads/main\t[remote rejected] (pre-receive hook declined)", False),
        # V13, recorded: git 2.39 over file://, and as GitHub words it.
        (
            "remote: error: cannot lock ref 'refs/heads/feature/x': 'refs/heads/feature' exists; cannot create 'refs/heads/feature/x'\n"
            "!\tHEAD:refs/heads/feature/x\t[remote rejected] (failed to update ref)",
            False,
        ),
        (
            "! [remote rejected] (cannot lock ref 'refs/heads/a': 'refs/heads/a/b' exists; cannot create 'refs/heads/a')",
            False,
        ),
        ("!\tabc:refs/heads/a\t[remote rejected] (directory file conflict)", False),
        # A server with git 2.50 or newer.
        ("!\tabc:refs/heads/main\t[remote rejected] (incorrect old value provided)", True),
        ("!\tabc:refs/heads/main\t[remote rejected] (reference already exists)", True),
        ("!\tabc:refs/heads/feature/x\t[remote rejected] (refname conflict)", False),
        ("!\tabc:refs/heads/Main\t[remote rejected] (reference conflict due to case-insensitive filesystem)", False),
        # What a server cannot write stays so, whoever pushed before.
        (f"{LOCKED}File exists.\n!\tabc:refs/heads/main\t[remote rejected] (failed to update ref)", True),
        (f"{LOCKED}Permission denied\n!\tabc:refs/heads/main\t[remote rejected] (failed to update ref)", False),
        (f"{LOCKED}Read-only file system\n!\tabc:refs/heads/main\t[remote rejected] (failed to update ref)", False),
        (f"{LOCKED}Not a directory\n!\tabc:refs/heads/main\t[remote rejected] (failed to update ref)", False),
        ("remote: error: cannot lock ref 'refs/heads/main': unable to resolve reference 'refs/heads/main': reference broken", False),
        ("remote: the hook cannot lock ref\n!\tabc:refs/heads/main\t[remote rejected] (pre-receive hook declined)", False),
    ],
)
def test_v13_a_lost_race_is_known(output: str, lost: bool) -> None:
    assert lost_race(output) is lost


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:pw@host:8443/x.git", "https://host:8443/x.git"),
        ("https://token@host/x.git", "https://host/x.git"),
        ("ssh://git:pw@host/x.git", "ssh://git@host/x.git"),
        ("git@host:x.git", "git@host:x.git"),
        ("file:///srv/x.git", "file:///srv/x.git"),
    ],
)
def test_a_shown_url_has_no_secret(url: str, shown: str) -> None:
    assert public_url(url) == shown


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://git-http.git.svc:3000/a/b.git", ("http://127.0.0.1:99/a/b.git", "git-http.git.svc")),
        ("ssh://git@git-ssh.git.svc:22/a/b.git", ("ssh://git@127.0.0.1:99/a/b.git", "git-ssh.git.svc")),
        ("git@git-ssh:a/b.git", ("ssh://git@127.0.0.1:99/a/b.git", "git-ssh")),
        # V12: so a key of a port of its own stands in known_hosts.
        ("ssh://git@host:2222/a/b.git", ("ssh://git@127.0.0.1:99/a/b.git", "[host]:2222")),
        ("ssh://git@[fd00::1]:2222/b.git", ("ssh://git@127.0.0.1:99/b.git", "[fd00::1]:2222")),
        ("ssh://git@host/a/b.git", ("ssh://git@127.0.0.1:99/a/b.git", "host")),
        ("git@[host:2222]:a/b.git", ("ssh://git@127.0.0.1:99/a/b.git", "[host]:2222")),
        ("git@[fd00::1]:b.git", ("ssh://git@127.0.0.1:99/b.git", "fd00::1")),
        # ssh looks for names in lower-case letters.
        ("git@Git.Example:b.git", ("ssh://git@127.0.0.1:99/b.git", "git.example")),
    ],
)
def test_v12_a_url_goes_through_a_tunnel(url: str, expected: tuple[str, str]) -> None:
    assert through(url, 99) == expected


@pytest.mark.parametrize("url", ["https://host/x.git", "file:///srv/x.git"])
def test_a_tunnel_needs_http_or_ssh(url: str) -> None:
    with pytest.raises(GitError, match="needs an http or ssh URL"):
        through(url, 99)


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../../x", ".git/config", "a/.GIT/x", ".", "a/"])
def test_paths_that_lead_elsewhere_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is not the path of a file inside a repository"):
        safe_path(path)


def test_paths_are_made_plain() -> None:
    assert safe_path("./a//b/../c") == "a/c"


def test_contents_have_gits_own_names() -> None:
    assert Content(b"").blob == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert Content(b"hello\n").blob == "ce013625030ba8dba906f756967f9e9ca394464a"


def test_diffs() -> None:
    assert unified("a", b"x\ny\n", b"x\nz\n") == "--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n x\n-y\n+z\n"
    assert unified("a", None, b"x\n") == "--- /dev/null\n+++ b/a\n@@ -0,0 +1 @@\n+x\n"
    assert unified("a", b"\xff", None).splitlines()[-1].startswith("-(binary file, 1 bytes, SHA-1 85e53271")
    assert unified("a", b"a\0b", b"a\0c").count("binary file") == 2


SSH = Credentials(ssh_key="key", known_hosts="h ssh-rsa A\n\n")


def test_ssh_takes_only_the_given_key_and_known_hosts(tmp_path: Path) -> None:
    variables = Access(SSH, host_key_alias="git-ssh").environment(tmp_path)
    words = shlex.split(variables["GIT_SSH_COMMAND"])
    key, hosts = tmp_path / "ssh_key", tmp_path / "known_hosts"
    assert words[words.index("-i") + 1] == str(key)
    assert (key.read_text(), hosts.read_text()) == ("key\n", "h ssh-rsa A\n")
    assert [path.stat().st_mode & 0o077 for path in (key, hosts)] == [0, 0]
    wanted = {"StrictHostKeyChecking=yes", f"UserKnownHostsFile={hosts}", "IdentitiesOnly=yes", "BatchMode=yes", "HostKeyAlias=git-ssh"}
    assert wanted <= set(words)
    assert "GIT_ASKPASS" not in variables


def test_an_isolated_access_uses_nothing_of_the_persons_own(tmp_path: Path) -> None:
    variables = Access(SSH, isolated=True).environment(tmp_path)
    words = shlex.split(variables["GIT_SSH_COMMAND"])
    assert words[words.index("-F") + 1] == "/dev/null"
    assert "IdentityAgent=none" in words
    folder = str(tmp_path)
    assert (variables["HOME"], variables["XDG_CONFIG_HOME"], variables["GIT_CONFIG_NOSYSTEM"]) == (folder, folder, "1")
    assert "HOME" not in Access().environment(tmp_path)


@pytest.mark.parametrize(
    ("branch", "words", "action"),
    [
        ("v1.0", "'v1.0' is a tag, not a branch.", "Correct {branch}. The branches there: dev/x, main."),
        ("refs/tags/v1.0", "'v1.0' is a tag, not a branch.", "Correct {branch}. The branches there: dev/x, main."),
        ("tags/v1.0", "'v1.0' is a tag, not a branch.", "Correct {branch}. The branches there: dev/x, main."),
        ("next", "the branch does not exist.", "Correct {branch}, or make that branch. The branches there: dev/x, main."),
        ("x", "the branch does not exist.", "Correct {branch}, or make that branch. The branches there: dev/x, main."),
        ("origin/main", "the branch does not exist. Its name there is 'main'.", "Set {branch} to main."),
        ("heads/main", "the branch does not exist. Its name there is 'main'.", "Set {branch} to main."),
        ("remotes/origin/dev/x", "the branch does not exist. Its name there is 'dev/x'.", "Set {branch} to dev/x."),
        (
            "b" * 64,
            f"'{'b' * 64}' looks like a commit, and the branch does not exist.",
            "Correct {branch}. The branches there: dev/x, main.",
        ),
        ("refs/heads/dev/x", "the branch does not exist. Its name there is 'dev/x'.", "Set {branch} to dev/x."),
        (
            "a" * 40,
            f"'{'a' * 40}' looks like a commit, and the branch does not exist.",
            "Correct {branch}. The branches there: dev/x, main.",
        ),
    ],
)
def test_f12_why_there_is_no_such_branch(branch: str, words: str, action: str) -> None:
    error = no_branch("https://h/r.git", branch, ["refs/heads/main", "refs/heads/dev/x", "refs/tags/v1.0"])
    assert error.message.startswith(f"https://h/r.git (branch {branch}): {words}")
    assert (error.code, error.named({"branch": "airflow_app_dags_branch"}).next_action) == (
        "branch_missing",
        action.replace("{branch}", "airflow_app_dags_branch"),
    )
    assert "The branches there: none." in no_branch("https://h/r.git", "x", []).next_action

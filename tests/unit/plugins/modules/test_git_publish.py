# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Publishing with the real git command, to bare repositories on disk and over a real HTTP server with log-in."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError
from ansible_collections.gitops.airflow.plugins.module_utils._git import remote as _git_repo
from ansible_collections.gitops.airflow.plugins.module_utils._git.author import EMAIL, NAME
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import Credentials
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import Content, GitError
from ansible_collections.gitops.airflow.plugins.module_utils._git.owner import FolderOwner
from ansible_collections.gitops.airflow.plugins.module_utils._git.publish import publish
from ansible_collections.gitops.airflow.plugins.module_utils._git.remote import Access, Author, Outcome, Remote
from ansible_collections.gitops.airflow.plugins.module_utils._git.source import Published, collect
from ansible_collections.gitops.airflow.plugins.modules import git_publish
from ansible_collections.gitops.airflow.tests.unit.git_http import Backend, git

AUTHOR = Author("Ann", "ann@example.org", "A reason")


def show(bare: Path, path: str, branch: str = "main") -> str:
    return git(bare, "show", f"{branch}:{path}")


def names(bare: Path, branch: str = "main") -> list[str]:
    return git(bare, "ls-tree", "-r", "--name-only", branch).splitlines()


def texts(**files: str) -> dict[str, Content]:
    return {name.replace("__", "/"): Content(text.encode()) for name, text in files.items()}


def to(url: str | Path, wanted: dict[str, Content], *, branch: str = "main", access: Access | None = None, **over: Any) -> Outcome:
    options: dict[str, Any] = {"prune": [], "author": AUTHOR, "sleep": lambda _seconds: None} | over
    with Remote(f"file://{url}" if isinstance(url, Path) else url, branch, access or Access(), timeout=30) as remote:
        return publish(remote, wanted, **options)


def test_a_difference_becomes_one_commit(filled: Path) -> None:
    before = git(filled, "rev-parse", "main")
    outcome = to(filled, texts(app__values="a: 2\n", README="Read me\n"))
    assert list(outcome.changed) == ["app/values"]
    assert outcome.commit == git(filled, "rev-parse", "main")
    assert git(filled, "rev-parse", "main^") == before
    assert show(filled, "app/values") == "a: 2"
    assert git(filled, "log", "-1", "--format=%an|%ae|%cn|%s", "main") == "Ann|ann@example.org|Ann|A reason"
    assert "app/old.yaml" in names(filled)


def test_a_second_run_pushes_nothing(filled: Path) -> None:
    first = to(filled, texts(new="x"))
    second = to(filled, texts(new="x"))
    assert (second.commit, second.changed) == (first.commit, {})


def test_check_mode_shows_and_pushes_nothing(filled: Path) -> None:
    before = git(filled, "rev-parse", "main")
    outcome = to(filled, texts(README="Other\n"), check=True)
    assert (outcome.commit, outcome.changed) == (before, {"README": (b"Read me\n", b"Other\n")})
    assert git(filled, "rev-parse", "main") == before


def test_modes_are_kept_or_taken_over(filled: Path) -> None:
    to(filled, {"run.sh": Content(b"#!/bin/bash\n"), "README": Content(b"x", "100755"), "link": Content(b"no link any more")})
    listed = {line.split("\t")[1]: line.split()[0] for line in git(filled, "ls-tree", "main").splitlines()}
    assert (listed["run.sh"], listed["README"], listed["link"], listed["data.bin"]) == ("100755", "100755", "100644", "100644")


def test_binary_content_arrives_whole(filled: Path) -> None:
    data = bytes(range(256)) * 50
    to(filled, {"charts/a.tgz": Content(data)})
    out = subprocess.run(["git", "-C", str(filled), "cat-file", "blob", "main:charts/a.tgz"], capture_output=True, check=True).stdout
    assert out == data


def test_prune_removes_what_is_not_named_there_and_nothing_else(filled: Path) -> None:
    outcome = to(filled, texts(app__new="n"), prune=["app"])
    assert list(outcome.changed) == ["app/new", "app/old.yaml", "app/values.yaml"]
    assert names(filled) == ["README", "app/new", "data.bin", "link", "run.sh"]
    to(filled, texts(only="o"), prune=["."])
    assert names(filled) == ["only"]


def test_files_and_folders_give_way_to_each_other(filled: Path) -> None:
    to(filled, texts(README__inside="x", app="y"))
    assert names(filled) == ["README/inside", "app", "data.bin", "link", "run.sh"]


def test_an_empty_repository_needs_create(bare: Path) -> None:
    with pytest.raises(GitError, match="branch does not exist"):
        to(bare, texts(a="a"))
    outcome = to(bare, texts(a="a"), create=True)
    assert outcome.commit == git(bare, "rev-parse", "main")
    assert list(outcome.changed) == ["a"]


def test_a_missing_branch_needs_create_and_starts_empty(filled: Path) -> None:
    with pytest.raises(GitError, match=r"branch next\): the branch does not exist") as caught:
        to(filled, texts(a="a"), branch="next")
    assert caught.value.code == "branch_missing"
    to(filled, texts(a="a"), branch="next", create=True)
    assert names(filled, "next") == ["a"]


def test_nothing_is_no_content_for_a_new_branch(bare: Path) -> None:
    with pytest.raises(GitError, match="branch does not exist"):
        to(bare, {}, create=True)


def test_if_absent_seeds_once(bare: Path) -> None:
    first = to(bare, texts(a="a"), create=True, if_absent=True)
    assert first.changed
    second = to(bare, texts(a="other"), create=True, if_absent=True)
    assert (second.commit, second.changed) == (first.commit, {})
    assert show(bare, "a") == "a"


def test_if_absent_takes_no_tag_or_longer_name_for_the_branch(filled: Path) -> None:
    git(filled, "branch", "x/main", "main")
    git(filled, "update-ref", "refs/tags/next", "main")
    assert to(filled, texts(a="a"), branch="next", create=True, if_absent=True).changed


def test_a_race_is_run_again(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    push = Remote.push
    naps: list[float] = []

    def slower(remote: Remote, commit: str) -> bool:
        if not naps:
            tree = git(filled, "rev-parse", "main^{tree}")
            git(filled, "update-ref", "refs/heads/main", git(filled, "commit-tree", tree, "-p", "main", stdin=b"theirs"))
        return push(remote, commit)

    monkeypatch.setattr(Remote, "push", slower)
    outcome = to(filled, texts(a="a"), sleep=naps.append)
    assert len(naps) == 1
    assert git(filled, "log", "--format=%s", "main").splitlines() == ["A reason", "theirs", "first"]
    assert outcome.commit == git(filled, "rev-parse", "main")


def test_a_race_that_is_always_lost_ends(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Remote, "push", lambda _remote, _commit: False)
    naps: list[float] = []
    with pytest.raises(GitError, match="others pushed first, 3 times"):
        to(filled, texts(a="a"), sleep=naps.append, tries=3)
    assert len(naps) == 2


def test_a_lock_that_a_killed_process_left_is_no_push_of_others(filled: Path) -> None:
    lock = filled / "refs/heads/main.lock"
    lock.touch()
    naps: list[float] = []
    with pytest.raises(GitError, match="another git process on the server writes to the repository, or was killed") as caught:
        to(filled, texts(a="a"), sleep=naps.append, tries=3)
    assert (caught.value.code, len(naps)) == ("locked", 2)
    assert "repo.git/./refs/heads/main.lock on the server" in caught.value.next_action  # as git writes it
    # One that goes away in time.
    outcome = to(filled, texts(a="a"), sleep=lambda _seconds: lock.unlink())
    assert outcome.commit == git(filled, "rev-parse", "main")


def test_a_refused_push_is_told_once(filled: Path) -> None:
    hook = filled / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho main is protected\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(GitError, match="refused the push") as caught:
        to(filled, texts(a="a"))
    assert caught.value.code == "refused"
    assert "main is protected" in str(caught.value)


def test_f11_a_protected_branch_is_found_by_the_push_of_the_owner_mark(filled: Path, tmp_path: Path) -> None:
    """The check before asks the server, too, but git runs no hook for a push that changes nothing (--dry-run)."""
    hook = filled / "hooks/update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\n[ "$1" != refs/heads/main ] || { echo "main is protected, token=glpat-0123456789abcdefghij"; exit 1; }\n')
    hook.chmod(0o755)
    before = git(filled, "rev-parse", "main")
    with Remote(f"file://{filled}", "main", Access(), temp=str(tmp_path)) as remote:
        commit = remote.fetch()
        assert commit
        remote.check_push(commit)
    owner = FolderOwner("platform/airflow/core", "team", "uid-1")
    mark = {owner.path: Content(owner.content.encode())}
    with pytest.raises(GitError, match=r"refused the push by a rule of its own\. The server says: main is protected, token=") as caught:
        to(filled, mark)
    assert "glpat-" not in caught.value.message
    assert caught.value.named({}, "airflow_app_platform_").next_action == (
        "Set airflow_app_platform_branch to a branch of its own that may be pushed to, or allow airflow_app_platform_username to push "
        "in the server's rules for this branch."
    )
    assert git(filled, "rev-parse", "main") == before
    # Where it is allowed, the mark is all that is pushed, and the next run pushes nothing.
    hook.unlink()
    assert list(to(filled, mark).changed) == [owner.path]
    assert to(filled, mark).changed == {}


def by_hand(bare: Path, author: str, message: str, **files: str) -> str:
    """A commit of another author on main; a file without a text is removed."""
    person = {f"GIT_{role}_NAME": author for role in ("AUTHOR", "COMMITTER")} | {
        f"GIT_{role}_EMAIL": f"{author}@x" for role in ("AUTHOR", "COMMITTER")
    }
    environment = {**os.environ, **person, "GIT_INDEX_FILE": str(bare / "by-hand")}

    def run(*arguments: str, stdin: str = "") -> str:
        command = ["git", "-C", str(bare), *arguments]
        return subprocess.run(command, input=stdin, env=environment, capture_output=True, text=True, check=True).stdout.strip()

    run("read-tree", "main")
    for name, text in files.items():
        entry = f"100644 {run('hash-object', '-w', '--stdin', stdin=text)}" if text else f"0 {'0' * 40}"
        run("update-index", "--index-info", stdin=f"{entry}\t{name.replace('__', '/')}\n")
    commit = run("commit-tree", run("write-tree"), "-p", "main", "-m", message)
    run("update-ref", "refs/heads/main", commit)
    return commit


def test_commits_before_the_author_was_set_are_not_of_others(filled: Path) -> None:
    by_hand(filled, "Bob", "before", app__values="theirs")
    to(filled, texts(app__values="one"), author=Author(NAME, EMAIL, "m"))
    assert to(filled, texts(app__values="two")).overwritten == ()
    # Another author's are, also of an earlier setting.
    assert [item.author for item in to(filled, texts(app__values="x"), author=Author("n", "n@example.org", "m")).overwritten] == ["Ann"]


@pytest.mark.parametrize(
    ("option", "value"), [("author_name", "Ann\nparent 0"), ("author_name", "A <b@c>"), ("author_email", "a@b>"), ("author_email", "ann,")]
)
def test_an_author_that_no_commit_can_have_is_refused(filled: Path, tmp_path: Path, option: str, value: str) -> None:
    with pytest.raises(InputError, match=f"^{option} is ") as raised:
        run(PARAMS | {"repo": f"file://{filled}", "files": {"a": "b"}, option: value}, str(tmp_path), check=False)
    assert raised.value.next_action == f"Correct {option}."
    assert git(filled, "log", "--format=%s", "main") == "first"


def test_f21_what_others_changed_is_named_when_it_is_overwritten(filled: Path) -> None:
    ours = texts(app__values="one", app__chart="c", app__gone="g")
    assert to(filled, ours).overwritten == ()  # the first time: the commit before was of another, and changed none of these
    by_hand(filled, "Bob", "elsewhere", README="theirs")
    first = by_hand(filled, "Ann", "a value", app__values="two", README="x")
    last = by_hand(filled, "Eve", "no chart", app__chart="", app__extra="e")
    for check in (True, False):
        outcome = to(filled, ours, prune=["app"], check=check)
        assert [(item.commit, item.author, item.paths) for item in outcome.overwritten] == [
            (last, "Eve", ("app/chart", "app/extra")),
            (first, "Ann", ("app/values",)),
        ]
    # Since this author's last commit nothing was changed; nor is there where nothing is overwritten.
    assert to(filled, ours | texts(app__values="three")).overwritten == ()
    by_hand(filled, "Bob", "elsewhere", README="again")
    assert to(filled, texts(app__values="four")).overwritten == ()


def test_f21_a_long_history_is_read_in_part(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest commit that is read has no parent here, so all its files look new: it names nobody."""
    monkeypatch.setattr(_git_repo, "HISTORY", 3)
    to(filled, texts(app__values="one"))
    commits = [by_hand(filled, "Ann", "x", app__values=f"by hand {number}") for number in range(5)]
    assert [item.commit for item in to(filled, texts(app__values="one")).overwritten] == commits[:2:-1]


def test_f21_a_merge_names_what_it_brought(filled: Path) -> None:
    to(filled, texts(app__values="one"))
    base = git(filled, "rev-parse", "main")
    side = by_hand(filled, "Ann", "on a branch", app__values="two")
    git(filled, "update-ref", "refs/heads/main", base)
    tree = git(filled, "rev-parse", f"{side}^{{tree}}")
    merge = git(filled, "commit-tree", tree, "-p", base, "-p", side, stdin=b"merged")
    git(filled, "update-ref", "refs/heads/main", merge)
    assert [(item.commit, item.paths) for item in to(filled, texts(app__values="one")).overwritten] == [(merge, ("app/values",))]


def test_a_missing_repository(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="repository does not exist") as caught:
        to(tmp_path / "none.git", texts(a="a"))
    assert caught.value.code == "repository_missing"
    with pytest.raises(GitError, match="repository does not exist"):
        to(tmp_path / "none.git", texts(a="a"), create=True)


def test_the_persons_git_settings_change_nothing(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".gitconfig").write_text("[commit]\ngpgsign = true\n[core]\nautocrlf = true\n[user]\nname = Eve\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", "/nonsense")
    assert to(filled, texts(crlf="a\nb\n")).changed
    monkeypatch.delenv("GIT_DIR")
    assert show(filled, "crlf") == "a\nb"
    assert not to(filled, texts(crlf="a\nb\n")).changed


ANN = Access(Credentials("ann", "s3cret"))


def test_over_http_with_password(server: str, filled: Path) -> None:
    outcome = to(f"{server}/repo.git", texts(a="a"), access=ANN)
    assert outcome.commit == git(filled, "rev-parse", "main")
    assert not to(f"{server}/repo.git", texts(a="a"), access=ANN).changed
    assert all("s3cret" not in line for line in Backend.seen)


def test_the_password_is_on_no_command_line_and_in_no_file(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    start = subprocess.run

    def watched(command: list[str], *, check: bool, **over: Any) -> Any:
        commands.append(command)
        return start(command, check=check, **over)

    monkeypatch.setattr(_git_repo.subprocess, "run", watched)  # type: ignore[attr-defined]
    with Remote(f"{server}/repo.git", "main", ANN) as remote:
        publish(remote, texts(a="a"), [], AUTHOR)
        files = [path.read_bytes() for path in remote.root.rglob("*") if path.is_file()]
    assert len(commands) > 3
    assert "s3cret" not in str(commands)
    assert all(b"s3cret" not in data for data in files)
    assert not remote.root.exists()
    assert "s3cret" not in repr(ANN)


def test_the_password_is_not_given_to_the_persons_store(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".gitconfig").write_text("[credential]\nhelper = store\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert to(f"{server}/repo.git", texts(a="a"), access=ANN).changed
    assert not (tmp_path / ".git-credentials").exists()


@pytest.mark.parametrize(
    ("path", "access", "code", "words"),
    [
        ("/repo.git", Access(), "authentication", "none are given"),
        ("/repo.git", Access(Credentials("ann", "wrong")), "authentication", "refused the credentials"),
        ("/none.git", ANN, "repository_missing", "/none.git (branch main): the repository does not exist"),
        ("/broken/repo.git", ANN, "server_error", "the server failed"),
    ],
)
def test_what_a_server_refuses(server: str, path: str, access: Access, code: str, words: str) -> None:
    with pytest.raises(GitError) as caught:
        to(server + path, texts(a="a"), access=access)
    assert caught.value.code == code
    assert words in str(caught.value)
    assert caught.value.next_action


def test_a_repository_that_the_server_makes_on_push(server: str, filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(GitError, match="repository does not exist"):
        to(f"{server}/new.git", texts(a="a"), access=ANN, create=True)
    monkeypatch.setattr(Backend, "create", True)
    assert to(f"{server}/new.git", texts(a="a"), access=ANN, create=True).changed
    assert names(filled.parent / "new.git") == ["a"]


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(GitError) as caught:
        to("http://127.0.0.1:1/repo.git", texts(a="a"))
    assert caught.value.code == "unreachable"


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets pushes end with an error of the server: how many, and whether they reach it all the same."""

    def fail(times: int, reach: bool) -> None:
        push, seen = Remote.push, list[str]()

        def pushed(remote: Remote, commit: str) -> bool:
            seen.append(commit)
            if len(seen) > times:
                return push(remote, commit)
            if reach:
                push(remote, commit)
            raise remote.error("error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502")

        monkeypatch.setattr(Remote, "push", pushed)

    return fail


@pytest.mark.parametrize(("times", "reach", "naps"), [(1, False, [1.0]), (3, False, [1.0, 2.0, 3.0]), (1, True, [1.0])])
def test_a_server_that_fails_for_a_moment_is_asked_again(
    server: str, filled: Path, failing: Callable[..., None], times: int, reach: bool, naps: list[float]
) -> None:
    """Also where the push reached it: one commit is made, and the result says what changed."""
    failing(times, reach)
    before, slept = git(filled, "rev-list", "--count", "main"), list[float]()
    outcome = to(f"{server}/repo.git", texts(a="a"), access=ANN, sleep=slept.append)
    assert (outcome.commit, list(outcome.changed)) == (git(filled, "rev-parse", "main"), ["a"])
    assert int(git(filled, "rev-list", "--count", "main")) == int(before) + 1
    assert slept == naps


def test_a_server_that_goes_on_failing_is_an_error(server: str, failing: Callable[..., None]) -> None:
    failing(4, False)
    with pytest.raises(GitError) as caught:
        to(f"{server}/repo.git", texts(a="a"), access=ANN)
    assert caught.value.code == "server_error"


@pytest.mark.parametrize(("there", "wanted"), [("feature", "feature/x"), ("a/b/c", "a/b"), ("a/b/c", "a")])
def test_v13_a_branch_that_can_never_be_made_is_no_race(filled: Path, there: str, wanted: str) -> None:
    git(filled, "branch", there, "main")
    with pytest.raises(GitError, match=f"exists; cannot create 'refs/heads/{wanted}'") as caught:
        to(filled, texts(a="a"), branch=wanted, create=True)
    assert (caught.value.code, caught.value.next_action) == ("bad_branch", "Choose another branch, or delete the other branch.")


def test_a_git_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(command: list[str], **over: Any) -> Any:
        if "fetch" in command:
            raise subprocess.TimeoutExpired(command, over["timeout"])
        return subprocess.CompletedProcess(command, 0, b"", b"")

    monkeypatch.setattr(_git_repo.subprocess, "run", hang)  # type: ignore[attr-defined]
    with pytest.raises(GitError, match=r"fetch did not end in time \(30 s\)") as caught:
        to("http://git.example.com/repo.git", texts(a="a"))
    assert caught.value.code == "timeout"


PARAMS: dict[str, Any] = {
    "branch": "main",
    "folder": "",
    "source_dir": None,
    "files": {},
    "copies": [],
    "prune": [],
    "if_absent": False,
    "create": False,
    "commit_message": "m",
    "author_name": "n",
    "author_email": "e@x",
    "credentials": Credentials(),
    "tunnel": None,
    "timeout": 30,
}


def run(params: dict[str, Any], temp: str, check: bool) -> Outcome:
    """What the module does with its options."""
    return git_publish.run(params, collect(params), temp, check)


def test_the_module_takes_texts_and_copies(filled: Path, tmp_path: Path) -> None:
    script = tmp_path / "tool"
    script.write_bytes(b"\0\1")
    script.chmod(0o755)
    params = PARAMS | {"repo": f"file://{filled}", "files": {"a.yaml": "ä"}, "copies": [{"src": str(script), "dest": "bin/tool"}]}
    outcome = run(params, str(tmp_path), check=False)
    assert list(outcome.changed) == ["a.yaml", "bin/tool"]
    assert show(filled, "a.yaml") == "ä"
    assert git(filled, "ls-tree", "main", "bin/tool").startswith("100755")


@pytest.mark.parametrize(
    ("over", "error"),
    [
        ({"files": {"../x": ""}}, "is not the path of a file inside a repository"),
        ({"files": {".git/config": ""}}, "is not the path of a file inside a repository"),
        ({"copies": [{"src": "/no/such", "dest": "a"}]}, "No such file or directory: '/no/such'"),
        ({"files": {"a": ""}, "copies": [{"src": "/dev/null", "dest": "./a"}]}, "'a' is named twice"),
        ({"files": {"a": "", "a/b": ""}}, "cannot be both a file and a folder"),
        (
            {"repo": "git@h:x.git", "credentials": Credentials(ssh_key="/no/such")},
            "^ssh_key is neither the text of a private key nor a file",
        ),
        ({"repo": "https://h/x.git", "credentials": Credentials(password="pw")}, "^Only one of username and password is set"),
        ({"repo": "https://me:pw@host/x.git"}, r"https://host/x.git holds a user or token"),
        ({"repo": "https://ghp_token@host/x.git"}, r"^repo https://host/x.git holds a user or token"),
        ({"repo": "ssh://me:pw@host/x.git"}, r"ssh://me@host/x.git holds a password"),
        ({"repo": "ftp://host/x"}, "It must be a URL"),
        ({"repo": "/srv/x.git"}, "It must be a URL"),
    ],
)
def test_bad_input_is_told_before_anything_is_asked(filled: Path, tmp_path: Path, over: dict[str, Any], error: str) -> None:
    with pytest.raises((GitError, ValueError, OSError), match=error):
        run(PARAMS | {"repo": f"file://{filled}"} | over, str(tmp_path), check=False)
    assert git(filled, "log", "--format=%s", "main") == "first"


COMMIT = "5f9c1ad3f0e0b7b0a1bd20f2c4b9c2cbd2d1a6ee"
LOCAL = Published(texts(**{"dags__a.py": "a", "dags__b.py": "b"}), source_dir="/home/ann/dags", sources=["a.py", "b.py"])
GIVEN = Published(texts(README="x"))
PUSHED = Outcome(COMMIT, {"dags/a.py": (b"", b"a")})


@pytest.mark.parametrize(
    ("files", "outcome", "check", "text"),
    [
        (LOCAL, PUSHED, False, "Pushed 2 files of /home/ann/dags, commit 5f9c1ad of https://git.example/d.git."),
        (LOCAL, Outcome(COMMIT, {}), False, "Nothing to push: 2 files of /home/ann/dags, commit 5f9c1ad of https://git.example/d.git."),
        (LOCAL, PUSHED, True, "Would push 2 files of /home/ann/dags, commit 5f9c1ad of https://git.example/d.git."),
        (GIVEN, Outcome(None, PUSHED.changed), True, "Would push 1 files of https://git.example/d.git."),
        (
            Published({**LOCAL.files, **GIVEN.files}, (), LOCAL.source_dir, LOCAL.sources),
            PUSHED,
            False,
            "Pushed 3 files, commit 5f9c1ad of https://git.example/d.git.",
        ),
    ],
)
def test_one_sentence_says_what_was_pushed_where(files: Published, outcome: Outcome, check: bool, text: str) -> None:
    assert git_publish.summary(files, outcome, "https://ann:secret@git.example/d.git", check) == text


REFUSED = GitError("m", "Set {branch} to another branch.", "refused")
ROLE = {"names_prefix": "airflow_app_platform_", "names": {"method": "airflow_app_publish"}}


@pytest.mark.parametrize(
    ("error", "over", "action"),
    [
        (
            REFUSED,
            {"owner": {"folder": "x"}, **ROLE},
            "Set airflow_app_platform_branch to another branch. Or publish by review: set airflow_app_publish: branch.",
        ),
        (REFUSED, {"owner": {"folder": "x"}}, "Set branch to another branch. Or publish by review: set method: branch."),
        (REFUSED, {"owner": None, **ROLE}, "Set airflow_app_platform_branch to another branch."),  # the DAG repository has no review
        (REFUSED, {"owner": {"folder": "x"}, "method": "branch", **ROLE}, "Set airflow_app_platform_branch to another branch."),
        (GitError("m", "Give {repo}.", "unreachable"), {"owner": {"folder": "x"}, **ROLE}, "Give airflow_app_platform_repo."),
    ],
)
def test_f11_a_refused_push_names_the_review(error: GitError, over: dict[str, Any], action: str) -> None:
    params = {"method": "push", "names": {}, "names_prefix": "", **over}
    assert git_publish.refusal(error, params).next_action == action


@pytest.mark.parametrize(
    ("prune", "whole"),
    [([], False), (["app"], True), (["app/."], True), (["."], True), (["app/core"], False), (["other", "app/"], True), (["ap"], False)],
)
def test_the_mark_records_only_a_whole_folder(prune: list[str], whole: bool) -> None:
    assert git_publish.is_whole(FolderOwner("app", "airflow", "uid"), prune) is whole


@pytest.mark.parametrize(
    ("outcome", "check", "method", "text"),
    [
        (
            Outcome(COMMIT, PUSHED.changed, error=REFUSED, review="abcdef012"),
            False,
            "branch",
            "Pushed 1 files, commit abcdef0 of https://h/d.",
        ),
        (
            Outcome(COMMIT, {}, error=REFUSED, review="abcdef012"),
            False,
            "branch",
            "Nothing to push: 1 files, commit abcdef0 of https://h/d.",
        ),
        (Outcome(COMMIT, {}, ended=True), False, "branch", "Nothing to push: 1 files, commit 5f9c1ad of https://h/d."),
        (Outcome(COMMIT, PUSHED.changed, error=REFUSED), False, "render", "Wrote 1 files of https://h/d."),
        (Outcome(COMMIT, PUSHED.changed), True, "render", "Would write 1 files, commit 5f9c1ad of https://h/d."),
    ],
)
def test_the_sentence_names_the_commit_that_has_the_files(outcome: Outcome, check: bool, method: str, text: str) -> None:
    assert git_publish.summary(GIVEN, outcome, "https://h/d", check, method) == text

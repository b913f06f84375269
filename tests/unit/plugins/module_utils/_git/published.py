# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bare repository with a folder that a platform owns, and the people who work in it. All by the git command."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._git.model import Content
from ansible_collections.gitops.airflow.plugins.module_utils._git.owned import OwnedFolder
from ansible_collections.gitops.airflow.plugins.module_utils._git.owner import FILE, FolderOwner
from ansible_collections.gitops.airflow.plugins.module_utils._git.publish import publish
from ansible_collections.gitops.airflow.plugins.module_utils._git.remote import Access, Author, Outcome, Remote
from ansible_collections.gitops.airflow.plugins.module_utils._git.render import render
from ansible_collections.gitops.airflow.plugins.module_utils._git.review import Clock, Publication
from ansible_collections.gitops.airflow.tests.unit.git_http import ENVIRONMENT, git

FOLDER, REVIEW = "platform/core", "gitops-airflow/airflow"
MARK = f"{FOLDER}/{FILE}"
OWNER = FolderOwner(FOLDER, "airflow", "uid-1")
BOT = Author("bot", "bot@example.org", "Published")
ONE = {"Chart.yaml": "name: core\n", "values.yaml": "a: 1\nb: 2\n"}
# Refuses every push to main, as a server's rule for a protected branch does.
PROTECTED = '#!/bin/sh\nwhile read -r old new ref; do [ "$ref" != refs/heads/main ] || { echo "main is protected"; exit 1; }; done\n'


def contents(files: Mapping[str, str], prefix: str = f"{FOLDER}/") -> dict[str, Content]:
    return {prefix + path: Content(text.encode()) for path, text in files.items()}


def protect(bare: Path, text: str = PROTECTED) -> Path:
    """The hook of the server that refuses pushes to main."""
    hook = bare / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(text)
    hook.chmod(0o755)
    return hook


class Run:
    """A run of the playbook: its own copy of nothing, as on another machine each time. ``lines`` is what it showed."""

    def __init__(self, bare: Path, mode: str = "overwrite", author: Author = BOT) -> None:
        self._bare, self._mode, self._author = bare, mode, author
        self.lines: list[str] = []
        self.owned = OwnedFolder(OWNER, whole=True, mode=mode, show=self.lines.append)

    def push(self, files: Mapping[str, str], **over: Any) -> Outcome:
        with Remote(f"file://{self._bare}", "main", Access(), timeout=30) as remote:
            options: dict[str, Any] = {"owned": self.owned, "sleep": lambda _seconds: None, **over}
            return publish(remote, contents(files), [FOLDER], self._author, **options)

    def review(self, files: Mapping[str, str], branch: str = REVIEW, tries: int = 5, **over: Any) -> Outcome:
        with Remote(f"file://{self._bare}", "main", Access(), timeout=30) as remote:
            options: dict[str, Any] = {"clock": Clock(sleep=lambda _seconds: None), **over}
            return Publication(remote, branch, contents(files), [FOLDER], self._author, self.owned, **options).run(tries)

    def render(self, files: Mapping[str, str], into: Path, **over: Any) -> Outcome:
        with Remote(f"file://{self._bare}", "main", Access(), timeout=30) as remote:
            return render(remote, str(into), contents(files), [FOLDER], self._author, self.owned, mode=self._mode, **over)


class Person:
    """Works in a clone, and may push to protected branches, as the server's own buttons for a merge do."""

    def __init__(self, bare: Path, folder: Path, name: str = "Eve") -> None:
        self._bare, self.clone, self._name = bare, folder / f"clone-of-{name}", name
        git(folder, "clone", "--quiet", str(bare), str(self.clone))

    def git(self, *words: str) -> str:
        person = {
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", self._name), ("EMAIL", f"{self._name.lower()}@example.org"))
        }
        command = ["git", "-C", str(self.clone), *words]
        return subprocess.run(
            command, env={**os.environ, **ENVIRONMENT, **person}, capture_output=True, check=True, text=True
        ).stdout.strip()

    def at(self, branch: str = "main") -> None:
        self.git("fetch", "--quiet", "--prune", "origin")
        self.git("checkout", "--quiet", "-B", branch, f"origin/{branch}")

    def edit(self, files: Mapping[str, str | None], branch: str = "main", message: str = "by hand") -> str:
        """Commits and pushes these files; None deletes one."""
        self.at(branch)
        for path, text in files.items():
            place = self.clone / path
            if text is None:
                place.unlink()
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        self.git("add", "-A")
        self.git("commit", "--quiet", "-m", message)
        return self.push(branch)

    def push(self, branch: str = "main") -> str:
        """As the server itself would, for which no rule holds."""
        self.git("push", "--quiet", f"--receive-pack=git -c core.hooksPath={os.devnull} receive-pack", "origin", f"HEAD:{branch}")
        return self.git("rev-parse", "HEAD")

    def merge(self, branch: str = REVIEW) -> str:
        self.at()
        self.git("merge", "--quiet", "--no-ff", "-m", f"Merge {branch}", f"origin/{branch}")
        return self.push()

    def squash(self, branch: str = REVIEW) -> str:
        self.at()
        self.git("merge", "--quiet", "--squash", f"origin/{branch}")
        self.git("commit", "--quiet", "-m", f"Squash {branch}")
        return self.push()

    def rebase(self, branch: str = REVIEW) -> str:
        """As the button does: new commits on top of main, also where none are needed."""
        self.at(branch)
        self.git("rebase", "--quiet", "--force-rebase", "origin/main")
        return self.push()


MERGES: dict[str, Callable[[Person], str]] = {"merge": Person.merge, "squash": Person.squash, "rebase": Person.rebase}

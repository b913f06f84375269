# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which platform owns a folder of a Git repository. Pure: file contents in, decision out (issue 11, H3)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import named
from ansible_collections.gitops.airflow.plugins.module_utils._git.model import GitError, folder
from ansible_collections.gitops.airflow.plugins.module_utils._git.record import record_text

# A hidden file of the chart's folder: neither Helm nor Argo CD renders it.
FILE = ".gitops-airflow-owner"
# What a person takes over that has no owner mark.
UNMARKED = "unmarked"
HEADING = (
    "# The platform that writes this folder, as NAME@CLUSTER (uid of the namespace kube-system). gitops.airflow lets no other overwrite it."
)
# What an older version of the collection wrote into the folder, without a mark: these files beside a Chart.yaml of this name.
OLDER_FILES = ("templates/_local_settings.tpl", "templates/worker-namespaces.yaml", "templates/mysql.yaml", "values.yaml")
OLDER_CHART = re.compile(rb"^name: airflow-core\s*$", re.MULTILINE)

OWNER_SPEC: dict[str, Any] = {
    "type": "dict",
    "options": {
        "folder": {"type": "str", "required": True},
        "platform": {"type": "str", "required": True},
        "cluster": {"type": "str", "default": ""},
        "adopt": {"type": "bool", "default": False},
        "take_over": {"type": "str", "default": ""},
    },
}


@dataclass(frozen=True)
class FolderOwner:
    """Who wants to write a folder. ``adopt``: this cluster's Application already uses it. ``take_over``: whose folder a person gives it."""

    folder: str
    platform: str
    cluster: str = ""
    adopt: bool = False
    take_over: str = ""

    @property
    def path(self) -> str:
        """The mark's path in the repository."""
        return folder(self.folder) + FILE

    @property
    def text(self) -> str:
        return f"{self.platform}@{self.cluster}"

    @property
    def content(self) -> str:
        """The mark. Raises InputError while the cluster is not known."""
        if not self.cluster:
            raise InputError("The owner of a folder needs the cluster's uid, and owner.cluster is empty.", "Give owner.cluster.")
        return f"{HEADING}\n{self.text}\n"

    def mark(self, files: Mapping[str, str] | None) -> str:
        """The mark with a record of the folder's files, if there is one. Raises InputError while the cluster is not known."""
        return self.content + ("" if files is None else record_text(files))


def from_params(params: dict[str, Any] | None) -> FolderOwner | None:
    return None if not params else FolderOwner(**{name: params[name] for name in OWNER_SPEC["options"]})


def marked_owner(data: bytes) -> str:
    """The owner that a mark names; empty where it names none or more than one."""
    lines = [line.strip() for line in data.decode("utf-8", "replace").splitlines()]
    named = [line for line in lines if line and not line.startswith("#")]
    return named[0] if len(named) == 1 else ""


def check_folder(owner: FolderOwner, shown: str, paths: Collection[str], read: Callable[[str], bytes | None]) -> None:
    """Refuses a folder that is another platform's, or that holds files which this collection did not write.

    ``paths`` are the branch's files, ``read`` gives the content of one. ``shown`` names the repository and branch.

    :raises GitError: C(foreign_folder), with what was found and the next action.
    """
    prefix = folder(owner.folder)
    held = [path.removeprefix(prefix) for path in paths if path.startswith(prefix)]
    where = f"{shown}: the folder '{owner.folder}'"
    _check_nesting(owner, where, prefix, paths, read)
    if not held:
        return
    if FILE in held:
        found = marked_owner(read(owner.path) or b"")
        if not found:
            raise _refusal(f"{where} has an owner mark ({FILE}) that names no platform.", "Restore that file from Git's history")
        if found in (owner.text, owner.take_over):
            return
        name, _at, cluster = found.partition("@")
        take_over = f'set airflow_app_take_over: "{found}" to take the folder over if that platform no longer exists'
        if name == owner.platform:
            here = owner.cluster or "a cluster that does not exist yet"
            what = f"belongs to the platform '{name}' of another cluster ({cluster}); this one is {here}"
            raise _refusal(f"{where} {what}. Two clusters would overwrite each other's platform.", f"Use another folder, or {take_over}")
        raise _refusal(
            f"{where} belongs to the platform '{name}' (cluster {cluster}), not to '{owner.platform}'.",
            f"Set airflow_app_platform_path to a folder that only this platform uses, or {take_over}",
        )
    if all(name in held for name in OLDER_FILES) and OLDER_CHART.search(read(prefix + "Chart.yaml") or b""):
        if owner.adopt or owner.take_over == UNMARKED:
            return
        raise _refusal(
            f"{where} was written by an older version of this collection, and no Application of platform '{owner.platform}' in this "
            "cluster uses it. Another cluster may use it.",
            f'Set airflow_app_platform_path to another folder, or set airflow_app_take_over: "{UNMARKED}" if no other cluster uses it',
        )
    raise _refusal(
        f"{where} has files that this collection did not write ({named(sorted(held))}); they would be removed.",
        "Set airflow_app_platform_path to an empty or new folder, or move these files away",
    )


def _check_nesting(owner: FolderOwner, where: str, prefix: str, paths: Collection[str], read: Callable[[str], bytes | None]) -> None:
    """Refuses a folder inside of another platform's, and one with another platform's in it: either would remove the other's files."""
    advice = "Set airflow_app_platform_path to a folder that is neither inside of another platform's nor around it"
    for path in sorted(paths):
        at, name = posixpath.split(path)
        if name != FILE or path == owner.path:
            continue
        inside, around = path.startswith(prefix), prefix.startswith(f"{at}/" if at else "")
        found = marked_owner(read(path) or b"") if inside or around else ""
        if found and found not in (owner.text, owner.take_over):
            place = "has the folder" if inside else "lies in the folder"
            raise _refusal(
                f"{where} {place} '{at or '.'}' of the platform '{found}', which {'it' if inside else 'that one'} would remove.", advice
            )


def _refusal(what: str, advice: str) -> GitError:
    return GitError(f"{what} Nothing was changed.", f"{advice}.", "foreign_folder")

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gitea's accounts for programs, each with access to one repository: what is declared, and what an administrator makes of it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._git.gitea import Gitea

# An account that was made here has an e-mail address of this domain, which nobody can have (RFC 2606).
DOMAIN = "gitops-airflow.invalid"
PASSWORD_BYTES = 32
# The end of the URL of a webhook that was made here: a webhook has no other field for a mark.
HOOK_MARK = "?from=gitops-airflow"


@dataclass(frozen=True)
class Repository:
    """A repository, OWNER/NAME. If there are ``pushers``, they alone push to its ``branch``, and nobody does by force.

    ``notify``: a URL that gets a report of each push to ``branch``; empty for none.
    """

    name: str
    branch: str = "main"
    pushers: tuple[str, ...] = ()
    notify: str = ""

    def __str__(self) -> str:
        pushed = f": pushed to by {', '.join(self.pushers)}" if self.pushers else ""
        return f"{self.name} {self.branch}{pushed}" + (f"; reported to {self.notify}" if self.notify else "")


@dataclass(frozen=True)
class Member:
    """An account that is for one repository. ``permission`` is C(read) or C(write)."""

    account: str
    repository: str
    permission: str

    def __str__(self) -> str:
        return f"{self.account}: {self.permission} {self.repository}"

    @property
    def email(self) -> str:
        """What marks an account that was made here."""
        return f"{self.account}@{DOMAIN}"


def check_members(administrator: str, repositories: Sequence[Repository], members: Iterable[Member]) -> None:
    """Raises CollectionError for declarations that contradict each other, or would restrict the administrator."""
    names = [repository.name for repository in repositories]
    found: dict[str, Member] = {}
    for name in names:
        if len(list(filter(None, name.split("/")))) != 2 or name.count("/") != 1:
            raise _bad(f"repositories has the name {name!r}, which is not OWNER/NAME.", "Write for instance gitops/dags.")
        if names.count(name) > 1:
            raise _bad(f"repositories has {name} twice.", "Name each repository once.")
    for member in members:
        if member.account == administrator:
            raise _bad(f"tokens has the account {administrator}, which is the administrator's.", "Name another account, or none.")
        if member.repository not in names:
            raise _bad(f"tokens has the repository {member.repository}, which repositories lacks.", "Name it there, too.")
        if found.setdefault(member.account, member) != member:
            raise _bad(
                f"tokens gives the account {member.account} two repositories or permissions: {found[member.account]}, {member}.",
                "Give each account one repository and one permission.",
            )


def _bad(message: str, action: str) -> CollectionError:
    return CollectionError(message, action, "bad_option")


def make_accounts(
    gitea: Gitea,
    repositories: Sequence[Repository],
    members: Sequence[Member],
    password: Callable[[int], str] = secrets.token_urlsafe,
) -> None:
    """Makes what is missing and gives each account its access. Takes nothing away: what uses an account must go on.

    An account's password is random and kept nowhere, because the account is used with tokens alone.

    :raises CollectionError: where an account or a repository's owner is not what it must be. Nothing was changed then.
    """
    known = {member.account: gitea.user(member.account) for member in members}
    for member in members:
        _refuse_foreign(gitea, member, known[member.account])
    missing = [repository for repository in repositories if gitea.repository(repository.name) is None]
    for owner in {repository.name.partition("/")[0] for repository in missing} - {gitea.account}:
        if gitea.user(owner) is None:
            raise CollectionError(
                f"{gitea.name} has no account {owner}, which is to own a repository.", "Correct the name of the repository.", "no_owner"
            )
    for repository in missing:
        gitea.create_repository(repository.name, repository.branch)
    for member in members:
        if known[member.account] is None:
            gitea.create_user(member.account, member.email, password(PASSWORD_BYTES))
        gitea.restrict_user(member.account)
        gitea.give_access(member.repository, member.account, member.permission)
    for repository in repositories:
        if repository.pushers:
            protect(gitea, repository)
        report_pushes(gitea, repository)


def _refuse_foreign(gitea: Gitea, member: Member, user: Obj | None) -> None:
    """A person's account gets no token that a program uses, and an administrator's token would reach every repository."""
    if user is None:
        return
    own = user.get("email") == member.email
    if own and not user.get("is_admin"):
        return
    what = "was made an administrator's" if own else f"was not made by this module (its e-mail address is not {member.email})"
    raise CollectionError(
        f"The account {member.account} of {gitea.name} {what}, so it gets no token of a program.",
        "Rename or delete it in Gitea's site administration, and run the same command again.",
        "foreign_account",
    )


def protection(repository: Repository, present: Obj | None) -> Obj:
    """The fields of the rule for the repository's branch. Who a person has added to those that may push or merge stays."""
    present = present or {}

    def allowed(kind: str) -> list[str]:
        added = present.get(f"{kind}_whitelist_usernames") or [] if present.get(f"enable_{kind}_whitelist") else []
        return list(dict.fromkeys([*repository.pushers, *added]))

    return {
        "enable_push": True,
        "enable_push_whitelist": True,
        "push_whitelist_usernames": allowed("push"),
        # Otherwise whoever may write merges into the branch what they may not push to it.
        "enable_merge_whitelist": True,
        "merge_whitelist_usernames": allowed("merge"),
        "enable_force_push": False,
    }


def protect(gitea: Gitea, repository: Repository) -> None:
    present = gitea.protection(repository.name, repository.branch)
    gitea.protect(repository.name, repository.branch, protection(repository, present), new=present is None)


def outdated_hooks(repository: Repository, hooks: Iterable[Obj]) -> tuple[list[int], bool]:
    """The numbers of the webhooks to delete, and whether one must be created. Webhooks of others stay."""
    wanted = {"url": f"{repository.notify}{HOOK_MARK}", "branch": repository.branch, "active": True} if repository.notify else None
    own = [hook for hook in hooks if str((hook.get("config") or {}).get("url")).endswith(HOOK_MARK)]
    good = [hook["id"] for hook in own if wanted == _hook_fields(hook)][:1]
    return [hook["id"] for hook in own if hook["id"] not in good], wanted is not None and not good


def _hook_fields(hook: Obj) -> Obj:
    return {"url": hook["config"]["url"], "branch": hook.get("branch_filter"), "active": hook.get("active")}


def report_pushes(gitea: Gitea, repository: Repository) -> None:
    """Has Gitea report pushes to the repository's branch to its URL, and to no earlier one."""
    unused, missing = outdated_hooks(repository, gitea.hooks(repository.name))
    for number in unused:
        gitea.delete_hook(repository.name, number)
    if missing:
        gitea.create_hook(repository.name, f"{repository.notify}{HOOK_MARK}", repository.branch)


def take_other_access(gitea: Gitea, members: Iterable[Member]) -> None:
    """Takes away what the accounts were given to other repositories, by an earlier declaration or by hand."""
    for member in members:
        for name in gitea.repositories(member.account):
            if name.lower() != member.repository.lower():
                gitea.take_access(name, member.account)

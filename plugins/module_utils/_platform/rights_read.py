# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the API server which rights an account has, before the first change (ADR 26).

One review returns all rules of a namespace. What they do not permit is asked one by one where the rules are incomplete: not every
authorizer can list them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, at_once, core_path
from ansible_collections.gitops.airflow.plugins.module_utils._kube.resources import collection
from ansible_collections.gitops.airflow.plugins.module_utils._platform.narrow import NarrowApi, View
from ansible_collections.gitops.airflow.plugins.module_utils._platform.ownership import Platform
from ansible_collections.gitops.airflow.plugins.module_utils._platform.rights import (
    ARGO,
    HELD,
    NEEDED,
    REMOVAL,
    UPGRADE,
    Right,
    Unit,
    own_namespaces,
    pull_source,
    rights,
    units,
    wide_look,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.rights_rules import Rule, lacking
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import Settings

VERSION = "authorization.k8s.io/v1"
ACCESS, RULES = (f"/apis/{VERSION}/selfsubject{name}" for name in ("accessreviews", "rulesreviews"))
WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
# No namespace can have this name. What is permitted in it is permitted by ClusterRoleBindings alone, in the whole cluster.
NOWHERE = "no.namespace"
EVERYTHING = Unit("*", "*", "*")
# What a removal needs.
REMOVING = ("get", "list", "delete")


@dataclass(frozen=True)
class Access:
    """What an account may do. ``missing``: the rights that it lacks. ``view``: where it may look; None for the whole cluster."""

    view: View | None = None
    missing: Mapping[Unit, Right] = field(default_factory=dict)
    account: str = ""

    @property
    def notes(self) -> list[str]:
        """What a person should know of a look that did not see everything."""
        if self.view is None or self.view.clusters:
            return []
        return [
            f"Whether Argo CD may deploy to the worker namespaces is not checked, because this account may not list Secrets in "
            f"{self.view.argocd}."
        ]


class Reviews:
    """The reviews of one account. Each namespace is asked once. Raises ApiError."""

    def __init__(self, api: KubeApi) -> None:
        self._api = api
        self.rules: dict[str, Sequence[Rule]] = {}
        self.incomplete = False

    def may(self, unit: Unit) -> bool:
        """Whether the API server permits it."""
        resource, _slash, part = unit.resource.partition("/")
        attributes = {"verb": unit.verb, "group": unit.group, "resource": resource, "subresource": part}
        attributes |= {"namespace": unit.namespace, "name": unit.name}
        answer = self._review(ACCESS, "SelfSubjectAccessReview", {"resourceAttributes": attributes})
        return bool(answer.get("allowed"))

    def learn(self, namespaces: Iterable[str]) -> None:
        """Reads the rules of namespaces; those of the whole cluster under the empty name."""
        asked = [name for name in dict.fromkeys(namespaces) if name not in self.rules]
        for name, status in zip(asked, at_once(self._rules, asked), strict=True):
            self.rules[name] = status.get("resourceRules") or []
            self.incomplete = self.incomplete or bool(status.get("incomplete"))

    def _rules(self, namespace: str) -> dict[str, Any]:
        return self._review(RULES, "SelfSubjectRulesReview", {"namespace": namespace or NOWHERE})

    def _review(self, path: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
        return dict(self._api.create(path, {"apiVersion": VERSION, "kind": kind, "spec": spec}).get("status") or {})

    def lacking(self, wanted: Iterable[Unit]) -> list[Unit]:
        """Those that the account may not do."""
        asked = list(wanted)
        self.learn(["", *(unit.namespace for unit in asked)])
        left = lacking(asked, self.rules)
        if not self.incomplete:
            return left
        return [unit for unit, may in zip(left, at_once(self.may, left), strict=True) if not may]

    def account(self) -> str:
        """The account's name, if the server reports it (Kubernetes 1.28)."""
        try:
            found = self._api.create(WHO, {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})
        except ApiError:
            return ""
        return str(((found.get("status") or {}).get("userInfo") or {}).get("username") or "")


def is_narrow(reviews: Reviews) -> bool:
    """Whether the account may not look at the whole cluster."""
    reviews.learn([""])
    left = lacking(units(wide_look()), reviews.rules)
    if not left or not reviews.incomplete:
        return bool(left)
    # The first is asked alone: most accounts may do all of it or nothing.
    return not reviews.may(left[0]) or not all(at_once(reviews.may, left[1:]))


def view_of(reviews: Reviews, platform: Platform, former: Iterable[str] = ()) -> View:
    """Where an account looks that may not look at the whole cluster."""
    argocd = platform.argocd_namespace
    reviews.learn([argocd])
    named = {"Application": platform.application, "AppProject": platform.project, "Secret": platform.repository_secret}
    clusters = not lacking([Unit("list", "", "secrets", argocd)], reviews.rules)
    return View(tuple(dict.fromkeys((*_own(platform), *former))), argocd, named, clusters)


def _own(platform: Platform) -> list[str]:
    return [str(name) for name in platform.all_namespaces if name != platform.argocd_namespace]


def former(api: KubeApi, reviews: Reviews, platform: Platform) -> tuple[str, ...]:
    """Worker namespaces of earlier settings: those in the platform's AppProject. One that is deleted can have no rights, and needs none."""
    place, project = platform.argocd_namespace, platform.project
    reviews.learn([place])
    if not project or lacking([Unit("get", ARGO, "appprojects", place, project)], reviews.rules):
        return ()
    found = api.find(f"{collection('AppProject', place)}/{project}") or {}
    names = [str(item.get("namespace") or "") for item in (found.get("spec") or {}).get("destinations") or []]
    open_names = [name for name in dict.fromkeys(names) if name and "*" not in name and name not in _own(platform)]
    gone = _gone(api, reviews, open_names)
    return tuple(name for name in open_names if name not in gone)


def seen(api: KubeApi, platform: Platform) -> KubeApi:
    """The API, limited to the platform's namespaces if the account may not look at the whole cluster. Raises ApiError."""
    if not platform.existing_argocd:
        return api
    reviews = Reviews(api)
    return api if reviews.may(EVERYTHING) else limited(api, _view(api, reviews, platform))


def _view(api: KubeApi, reviews: Reviews, platform: Platform) -> View | None:
    """None for an account that may look at the whole cluster."""
    reviews.learn(["", *platform.all_namespaces])
    return view_of(reviews, platform, former(api, reviews, platform)) if is_narrow(reviews) else None


def limited(api: KubeApi, view: View | None) -> KubeApi:
    """The API as the account may use it."""
    return api if view is None else NarrowApi(api, view)


def read(api: KubeApi, given: Settings, *, check: bool = True, remove: bool = False) -> Access:
    """What the account may do. ``check``: whether it has the rights for a run, or with ``remove`` for a removal. Raises ApiError."""
    reviews = Reviews(api)
    if not (check or given.existing_argocd) or reviews.may(EVERYTHING):
        return Access()
    view = _view(api, reviews, given.owner()) if given.existing_argocd else None
    view = replace(view, known=pull_source(given)) if view else None
    if not check:
        return Access(view)
    earlier = [name for name in view.namespaces if name not in own_namespaces(given)] if view else []
    wanted = needed(rights(given, made=() if remove else _made(api, reviews, given), former=earlier), remove=remove)
    missing = {unit: wanted[unit] for unit in reviews.lacking(wanted)}
    return Access(view, missing, reviews.account() if missing else "")


def needed(table: Iterable[Right], *, remove: bool) -> dict[Unit, Right]:
    """The rights without which a run, or a removal, is refused."""
    found = {unit: right for unit, right in units(table).items() if right.level == NEEDED}
    if remove:
        return {unit: right for unit, right in found.items() if unit.verb in REMOVING and right.rare not in (HELD, UPGRADE)}
    return {unit: right for unit, right in found.items() if right.rare != REMOVAL}


def _made(api: KubeApi, reviews: Reviews, given: Settings) -> tuple[str, ...]:
    """The platform's namespaces that do not exist, as far as the account may see that."""
    names = dict.fromkeys((*own_namespaces(given), *(() if given.existing_argocd else (str(given.argocd_namespace),))))
    return _gone(api, reviews, names)


def _gone(api: KubeApi, reviews: Reviews, names: Iterable[str]) -> tuple[str, ...]:
    """The namespaces that do not exist, as far as the account may see that."""
    reviews.learn([""])
    open_names = [name for name in names if not lacking([Unit("get", "", "namespaces", "", name)], reviews.rules)]
    there = at_once(lambda name: api.metadata(core_path("namespaces", name=name)), open_names)
    return tuple(name for name, found in zip(open_names, there, strict=True) if found is None)

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kind_cluster module does: brings one cluster from what it is to what it should be, or says why not."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._host.command import CommandMissing
from ansible_collections.gitops.airflow.plugins.module_utils._kind.bootstrap_token import (
    SECRET,
    Made,
    MadeFile,
    carries,
    has_mark,
    is_recorded,
    may_delete,
)
from ansible_collections.gitops.airflow.plugins.module_utils._kind.client import (
    Engine,
    KindError,
    Marker,
    api_answers,
    first_control_plane,
)
from ansible_collections.gitops.airflow.plugins.module_utils._kind.config import (
    BALANCER,
    FoundNode,
    NodeContent,
    WantedNode,
    full_config,
    missing_images,
    wanted_nodes,
)
from ansible_collections.gitops.airflow.plugins.module_utils._kind.drift import (
    Drift,
    check_patches,
    content_drift,
    missing_labels,
    node_drift,
)
from ansible_collections.gitops.airflow.plugins.module_utils._kind.evidence import forget_journals, kept_folder
from ansible_collections.gitops.airflow.plugins.module_utils._kind.output import kubeconfig_problem
from ansible_collections.gitops.airflow.plugins.module_utils._kind.written import label_warnings

STARTABLE = ("exited", "stopped")


class DriftError(KindError):
    """The cluster is another one than the configuration describes."""

    default_code = "drift"

    def __init__(self, name: str, drift: Sequence[Drift]) -> None:
        self.drift = list(drift)
        listed = "\n".join(f"- {item}" for item in drift)
        super().__init__(
            f"the kind cluster {name} differs from its configuration in {len(drift)} place(s); nothing was changed.\n{listed}",
            drift[0].next_action,
        )


class ForeignError(KindError):
    """Nothing proves that this collection made the cluster."""

    default_code = "foreign_cluster"

    def __init__(self, name: str, record: Path, verb: str) -> None:
        super().__init__(
            f"cannot {verb} the kind cluster {name}: nothing proves that this collection made it. {record} records none of its nodes, and "
            "kubeadm was not given the collection's kubelet settings on any of them. Nothing was changed.",
            f"Keep that cluster and choose another platform_name, or delete it with: kind delete cluster --name {name} "
            "(kind_cluster_delete_foreign: true, in the module delete_foreign, lets state=absent delete it).",
        )


@dataclass
class Wanted:
    """The module's wishes for a cluster that shall be present."""

    config: Mapping[str, Any]
    image: str = ""
    archives: Sequence[Mapping[str, Any]] = field(default_factory=list)
    wait: float = 180.0
    images: Sequence[str] = ()  # of this machine's Docker


class Cluster:
    """One kind cluster and the ways to change it. In check mode it only says what it would do."""

    def __init__(self, engine: Engine, marker: Marker, *, check: bool = False) -> None:
        self.engine, self.marker, self.check = engine, marker, check
        self.made = MadeFile(str(marker.path.parent), engine.name)
        self.context = f"kind-{engine.name}"
        self.warnings: list[str] = []  # differences that do no harm

    def present(self, wanted: Wanted) -> dict[str, Any]:
        """Makes or adopts the cluster; the module's result. Raises DriftError, KindError, or InputError for bad input."""
        config = full_config(self.engine.name, wanted.config)
        nodes = wanted_nodes(self.engine.name, config, wanted.image)
        check_patches(config)  # before anything is created
        absent = [archive["path"] for archive in wanted.archives if not os.path.isfile(archive["path"])]
        if absent:
            raise KindError(f"image archive(s) not found: {', '.join(absent)}", "Correct image_archives, or make the files.", "bad_path")
        found = self.engine.nodes()
        if not found or self.marker.exists():
            return self._create(config, nodes, found, wanted)
        return self._adopt(config, nodes, found, wanted)

    def _create(self, config: Mapping[str, Any], nodes: Sequence[WantedNode], found: Sequence[FoundNode], wanted: Wanted) -> dict[str, Any]:
        before = {node.name: node.status for node in found}
        if self.check:
            after = {node.name: "running" for node in nodes}
            result = _result(nodes, True, [], [*(archive["path"] for archive in wanted.archives), *wanted.images], before, after)
            return result | {"bootstrap_token_deleted": True}
        self.engine.provide_kind()
        with self.marker:
            if found:
                self.engine.delete([volume for node in found for volume in node.volumes])
            self.engine.create(config, wanted.image, self.marker)
            made = self.engine.nodes()
            self._record(made, token_deleted=False)
            forget_journals(kept_folder(self.engine.name, self.marker.path.parent))
        self.engine.wait_ready(made, wanted.wait)
        token = self._delete_token(made)
        loaded = self._load(wanted, self.engine.contents(made) if wanted.archives or wanted.images else {})
        result = _result(made, True, [], loaded, before, {node.name: node.status for node in made})
        return result | {"bootstrap_token_deleted": token}

    def _adopt(self, config: Mapping[str, Any], nodes: Sequence[WantedNode], found: Sequence[FoundNode], wanted: Wanted) -> dict[str, Any]:
        before = {node.name: node.status for node in found}
        drift = node_drift(nodes, found)
        stopped = [node.name for node in found if node.status in STARTABLE]
        broken = {node.name: node.status for node in found if node.status != "running" and node.name not in stopped}
        if broken and not drift:
            raise self._broken(broken)
        contents = self.engine.contents([node for node in found if node.status == "running"]) if not broken else {}
        self._raise_drift(drift, config, nodes, contents)
        # Only a running node shows the settings it runs with, so nothing else keeps another program's stopped cluster from being started.
        if stopped and has_mark(config) and not self._made_here(config, found):
            raise ForeignError(self.engine.name, self.made.path, "start")
        if stopped and not self.check:
            self.engine.start(stopped)
            # A restarted engine may publish other ports, and only a running node can be looked into.
            found = self.engine.nodes()
            self.engine.wait_ready(found, wanted.wait)
            contents = self.engine.contents(found)
            self._raise_drift([], config, nodes, contents)
        # With several control planes only the balancer's port is the cluster's.
        api = next((node.api for node in sorted(found, key=lambda node: node.role != BALANCER) if node.api), None)
        ca = next((content.ca for content in contents.values() if content.ca), "")
        if not stopped and not self.check and not api_answers(api, ca):
            self.engine.wait_ready(found, wanted.wait)
        if labels := missing_labels(config, nodes, contents):
            self.warnings += label_warnings(self.engine.kubeconfig, self.context, labels, self.engine.live_nodes(found))
        exported = self._kubeconfig_problem(api, ca)
        if exported and contents:
            # kind writes the entry last, so without one the cluster may be half-made.
            unfinished = self.engine.unfinished(found)
            if unfinished:
                raise self._broken({self.engine.name: unfinished})
        if exported and not self.check:
            self.engine.provide_kind()
            self.engine.export_kubeconfig()
        loaded = self._load(wanted, contents)
        after = {node.name: "running" for node in found}
        result = _result(found, False, stopped, loaded, before, after)
        if exported:
            result["diff"]["before"]["kubeconfig"] = exported
            result["diff"]["after"]["kubeconfig"] = f"context {self.context}"
            result["changed"] = True
        token = bool(contents) and self._adopt_token(config, found, contents)
        if token:
            result["changed"] = True
            result["diff"]["before"]["bootstrap token"] = SECRET
        return result | {"bootstrap_token_deleted": token}

    def _adopt_token(self, config: Mapping[str, Any], found: Sequence[FoundNode], contents: Mapping[str, NodeContent]) -> bool:
        """Whether the token of a cluster that this module made was still there. It has been deleted, but in check mode."""
        first = first_control_plane(found)
        if not may_delete(self.made.read(), first.id, config, contents.get(first.name)):
            return False
        return self.engine.bootstrap_token(found, delete=False) if self.check else self._delete_token(found)

    def _delete_token(self, nodes: Sequence[FoundNode]) -> bool:
        """Whether kind's bootstrap token was there: all nodes have joined, and none can be added to a kind cluster."""
        deleted = self.engine.bootstrap_token(nodes, delete=True)
        self._record(nodes, token_deleted=True)
        return deleted

    def _record(self, nodes: Sequence[FoundNode], *, token_deleted: bool) -> None:
        try:
            self.made.write(Made(first_control_plane(nodes).id, token_deleted))
        except OSError as error:
            raise KindError(f"cannot write {self.made.path}: {error.strerror}", "Choose another state_dir.") from error

    def _raise_drift(
        self, drift: Sequence[Drift], config: Mapping[str, Any], nodes: Sequence[WantedNode], contents: Mapping[str, NodeContent]
    ) -> None:
        unjoined = {name: "not joined (kubeadm never finished here)" for name, content in contents.items() if not content.joined}
        if unjoined and not drift:
            raise self._broken(unjoined)
        every = [*drift, *content_drift(config, nodes, {name: item for name, item in contents.items() if item.joined})]
        if every:
            raise DriftError(self.engine.name, every)

    def _broken(self, nodes: Mapping[str, str]) -> KindError:
        listed = ", ".join(f"{name} is {status}" for name, status in sorted(nodes.items()))
        return KindError(
            f"the kind cluster {self.engine.name} is broken and was not made by an interrupted run of this module: {listed}. "
            "Nothing was changed.",
            "Repair it, or delete it with state=absent.",
            "broken_cluster",
        )

    def _kubeconfig_problem(self, api: tuple[str, str] | None, ca: str) -> str:
        path = Path(self.engine.kubeconfig)
        try:
            return kubeconfig_problem(path.read_text(encoding="utf-8"), self.context, api, ca) or ""
        except FileNotFoundError:
            return "the file is absent"
        except (OSError, ValueError) as error:
            message = f"cannot read the kubeconfig {path}: {error}"
            raise KindError(message, "Correct it, or choose another kubeconfig.", "bad_path") from error

    def _load(self, wanted: Wanted, contents: Mapping[str, NodeContent]) -> list[str]:
        """Loads archives and images into the nodes that lack them. Returns which, in check mode those that it would load."""
        sources: list[tuple[str, Sequence[str], Callable[[str, Sequence[str]], None]]] = [
            *((archive["path"], archive["images"], self.engine.load) for archive in wanted.archives),
            *((image, [image], self.engine.load_image) for image in wanted.images),
        ]
        loaded = []
        for source, images, load in sources:
            lacking = [name for name, content in contents.items() if missing_images(images, content.images)]
            if lacking:
                loaded.append(source)
                if not self.check:
                    self.engine.provide_kind()
                    load(source, lacking)
        return loaded

    def _made_here(self, config: Mapping[str, Any], found: Sequence[FoundNode]) -> bool:
        """Whether this module made the cluster: its own unfinished work, a recorded node, or the mark of an earlier version on any node."""
        if self.marker.exists() or is_recorded(self.made.read(), {node.id for node in found}):
            return True
        nodes = [node.name for node in found if node.is_kubernetes] if has_mark(config) else []
        return any(carries(config, NodeContent(joined=False, kubeadm=self.engine.kubeadm(node))) for node in nodes)

    def absent(self, config: Mapping[str, Any], *, delete_foreign: bool = False) -> dict[str, Any]:
        """Deletes all that the cluster has; the module's result.

        Raises ForeignError for a cluster that this module did not make (unless delete_foreign is set), KindError, or InputError for
        bad input.
        """
        try:
            found = self.engine.nodes()
        except CommandMissing:  # without Docker there is no cluster
            self._forget()
            return _result([], False, [], [], {}, {})
        if found and not delete_foreign and not self._made_here(config, found):
            raise ForeignError(self.engine.name, self.made.path, "delete")
        entry = self._has_entry()
        before = {node.name: node.status for node in found}
        interrupted = self.marker.exists()
        changed = bool(found or entry or interrupted)
        if changed and not self.check:
            self.engine.provide_kind()
            with self.marker:
                self.engine.delete([volume for node in found for volume in node.volumes])
                self.engine.remove_network()
                self.marker.done = True
        self._forget()
        result = _result([], False, [], [], before, {})
        result["changed"] = changed
        if entry:
            result["diff"]["before"]["kubeconfig"] = f"context {self.context}"
        if interrupted:
            result["diff"]["before"]["interrupted run"] = str(self.marker.path)
        return result

    def _forget(self) -> None:
        if not self.check:
            self.made.remove()
            forget_journals(kept_folder(self.engine.name, self.marker.path.parent))

    def _has_entry(self) -> bool:
        try:
            return kubeconfig_problem(Path(self.engine.kubeconfig).read_text(encoding="utf-8"), self.context, None, "") is None
        except (OSError, ValueError):
            return False


def _result(
    nodes: Sequence[FoundNode] | Sequence[WantedNode],
    created: bool,
    started: Sequence[str],
    loaded: Sequence[str],
    before: Mapping[str, str],
    after: Mapping[str, str],
) -> dict[str, Any]:
    diff: dict[str, dict[str, Any]] = {"before": {"nodes": dict(before)}, "after": {"nodes": dict(after)}}
    if loaded:
        diff["before"]["images to load"] = list(loaded)
        diff["after"]["images to load"] = []
    return {
        "changed": bool(created or started or loaded),
        "created": created,
        "started": list(started),
        "loaded": list(loaded),
        "bootstrap_token_deleted": False,
        "nodes": [{"name": node.name, "role": node.role, "image": node.image} for node in nodes],
        "diff": diff,
    }

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of kind_cluster, with a command docker that writes down what it is asked and has no container."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._kind.cluster import Cluster, Wanted
from ansible_collections.gitops.airflow.plugins.modules import kind_cluster
from ansible_collections.gitops.airflow.plugins.plugin_utils._hosted import Ended, HostedModule

CONFIG = {"nodes": [{"extraPortMappings": [{"containerPort": 30080, "hostPort": 8080}]}]}


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What docker was asked, a call a line."""
    log = tmp_path / "calls"
    log.touch()
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\necho "$@" >> {log}\n')
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return log


def result(tmp_path: Path, *, check: bool = True, **options: Any) -> dict[str, Any]:
    given = {"name": "lab", "config": CONFIG, "kubeconfig": str(tmp_path / "config"), "state_dir": str(tmp_path / "state"), **options}
    with pytest.raises(Ended) as ended:
        kind_cluster.main(lambda **spec: HostedModule(given, "kind_cluster", check, True, **spec))
    return ended.value.result


def test_f15_a_wrong_part_of_your_own_is_refused_before_docker_is_asked(tmp_path: Path, calls: Path) -> None:
    found = result(tmp_path, check=False, extra_config={"nodes": [{"imagee": "x"}]})
    assert (found["failed"], found["code"]) == (True, "bad_option")
    assert found["msg"].startswith("kind_cluster_config.nodes[0] has the key imagee.")
    assert found["next_action"] == "Write image instead of imagee."
    assert calls.read_text() == ""
    assert not (tmp_path / "state").exists()


def test_f15_the_part_of_your_own_adds_nodes(tmp_path: Path, calls: Path) -> None:
    found = result(tmp_path, extra_config={"nodes": [{}, {"role": "worker"}]})
    assert [node["name"] for node in found["nodes"]] == ["lab-control-plane", "lab-worker"]
    assert "ps -a" in calls.read_text()


def test_f15_a_wrong_part_of_your_own_keeps_no_cluster_from_being_deleted(tmp_path: Path, calls: Path) -> None:
    found = result(tmp_path, state="absent", extra_config={"nodes": [{"imagee": "x"}]})
    assert (found["changed"], found.get("failed")) == (False, None)
    assert "ps -a" in calls.read_text()


def test_the_module_warns_of_differences_that_do_no_harm(tmp_path: Path, calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "lab-worker: label pool is absent, wanted heavy."
    present = Cluster.present

    def with_warning(cluster: Cluster, wanted: Wanted) -> dict[str, Any]:
        cluster.warnings.append(said)
        return present(cluster, wanted)

    monkeypatch.setattr(Cluster, "present", with_warning)
    assert said in result(tmp_path)["warnings"]


@pytest.mark.parametrize(
    ("extra", "proof"),
    [
        ({}, CONFIG),
        ({"featureGates": {"A": True}}, {**CONFIG, "featureGates": {"A": True}}),
        ({"name": "other"}, CONFIG),
    ],
)
def test_what_proves_who_made_a_cluster(extra: dict[str, Any], proof: dict[str, Any]) -> None:
    assert kind_cluster.proof_config(CONFIG, extra) == proof

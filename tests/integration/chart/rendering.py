# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Helm on the platform's chart, and what it renders."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.gitops.airflow.tests.integration.apiserver import lab_file

ROOT = Path(__file__).resolve().parents[3]
ROLE = ROOT / "roles/airflow_app"

Objects = list[dict[str, Any]]
Edit = Callable[[dict[str, Any]], None]
Write = Callable[..., Path]


def helm(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(lab_file("helm")), "template", "airflow-core", str(folder), "--namespace", "airflow-core", "--kube-version", "1.29.4"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def rendered_objects(folder: Path) -> Objects:
    done = helm(folder)
    assert done.returncode == 0, done.stderr
    return [item for item in yaml.safe_load_all(done.stdout) if item]


def named(objects: Objects, kind: str, name: str) -> Objects:
    return [item for item in objects if item["kind"] == kind and item["metadata"]["name"] == name]


def pods(objects: Objects) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every pod of Airflow, the workers' too, by name."""
    for item in objects:
        if item["kind"] in ("Deployment", "Job"):
            yield item["metadata"]["name"], item["spec"]["template"]["spec"]
    for item in named(objects, "ConfigMap", "airflow-config"):
        yield "worker", yaml.safe_load(item["data"]["pod_template_file.yaml"])["spec"]


def at(values: dict[str, Any], path: str) -> tuple[dict[str, Any], str]:
    *parents, last = path.split(".")
    for key in parents:
        values = values.setdefault(key, {})
    return values, last


def put(path: str, value: Any) -> Edit:
    def edit(values: dict[str, Any]) -> None:
        place, key = at(values, path)
        place[key] = value

    return edit


def add(path: str, entry: Any) -> Edit:
    def edit(values: dict[str, Any]) -> None:
        place, key = at(values, path)
        place[key] = [*place.get(key, []), entry]

    return edit

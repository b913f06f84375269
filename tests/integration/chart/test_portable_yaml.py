# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Helm reads of a values file: a text stays a text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.gitops.airflow.plugins.plugin_utils.portable_yaml import portable_yaml
from ansible_collections.gitops.airflow.tests.integration.chart.rendering import helm

TEXTS = ["y", "N", "on", "null", "~", "", "1e3", "1E+3", "1.5e3", "08", "012", "0o14", "0x1f", "0b1", "1_000", "1:30", "2024-01-01", "+1"]
TEXTS += [".5", "1.", "=", "<<", "12e4567", "99999999999999999999"]
TEXTS += ["a: b", "a #b", "- a", "*a", "&a", "!a", "%a", "@a", "`a", "two\nlines\n", " a "]


def as_helm_reads(folder: Path, values: str) -> Any:
    (folder / "templates").mkdir(exist_ok=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: texts\nversion: 0.1.0\n")
    (folder / "templates/read.yaml").write_text("read: {{ toJson .Values.given | quote }}\n")
    (folder / "values.yaml").write_text(values)
    done = helm(folder)
    assert done.returncode == 0, done.stderr
    return json.loads(yaml.safe_load(done.stdout)["read"])


def test_a_text_stays_a_text_for_helm(tmp_path: Path) -> None:
    given: dict[str, Any] = {"texts": TEXTS, "keys": {text: text for text in TEXTS}, "others": [True, None, 8, 1.5, [], {}]}
    assert as_helm_reads(tmp_path, portable_yaml({"given": given})) == given
    # Why this needs code of our own.
    assert as_helm_reads(tmp_path, yaml.safe_dump({"given": ["y", "1e3", "08"]})) == [True, 1000, 8]

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of all rights, rights.yml, as sets that can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

Rules = set[tuple[str, str, str, str]]
"""(group, resource, verb, name of an object or "")"""


def table() -> dict[str, dict[str, dict[str, list[dict[str, Any]]]]]:
    """By the account's namespace, the account, and where it has the rights."""
    found: dict[str, dict[str, dict[str, list[dict[str, Any]]]]] = yaml.safe_load(Path(__file__).with_name("rights.yml").read_text())
    return found


def expanded(rules: Iterable[Mapping[str, Any]]) -> Rules:
    """Rules of the table, one by one."""
    return {
        (group, resource, verb, name)
        for rule in rules
        for group in rule["groups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("names", [""])
    }


def of_role(role: Mapping[str, Any]) -> Rules:
    """The rules of a Role or ClusterRole, without those for paths of the API."""
    return expanded(
        {
            "groups": rule["apiGroups"],
            "resources": rule["resources"],
            "verbs": rule["verbs"],
            "names": rule.get("resourceNames") or [""],
        }
        for rule in role["rules"]
        if rule.get("resources")
    )

#!/usr/bin/env python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the manifests in docs/rbac, which are for the default names, from the table of rights (_platform/rights.py).

usage: scripts/rights_manifests.py [--check]      --check: exit code 1 if a manifest differs; nothing is written
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / ".ansible/collections")]
FOLDER = ROOT / "docs/rbac"
MANIFESTS = {"with-argocd.yaml": "install", "existing-argocd.yaml": "existing"}
ACCOUNT = "gitops-airflow"


def defaults() -> dict[str, Any]:
    """The role's defaults as they are written: some are templates."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "roles/platform/defaults/main/platform.yml").read_text())
    return found


def manifest(argocd: str) -> str:
    """The manifest for the defaults of the role platform, with this kind of Argo CD."""
    from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
    from ansible_collections.gitops.airflow.plugins.module_utils._platform.names import platform_names
    from ansible_collections.gitops.airflow.plugins.module_utils._platform.rights import table
    from ansible_collections.gitops.airflow.plugins.module_utils._platform.rights_manifest import published
    from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import SETTINGS_SPEC, from_params

    set_by_role = defaults()
    name = set_by_role["platform_name"]
    # By default the prefix of all names is the name of the platform.
    platform = {"name": name, "prefix": name, "argocd": argocd, "worker_namespaces": platform_names(name)["workers"]}
    found = ArgumentSpecValidator(SETTINGS_SPEC).validate({"platform": platform, "airflow": {}})
    if found.error_messages:
        raise ValueError("; ".join(found.error_messages))
    given, create = from_params(found.validated_parameters["platform"], found.validated_parameters["airflow"]), argocd == "install"
    rights = table(given, create_namespaces=create)
    return published(rights, given, ACCOUNT, create_namespaces=create, pod_security=set_by_role["platform_pod_security"])


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    wanted = {FOLDER / name: manifest(argocd) for name, argocd in MANIFESTS.items()}
    differing = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    for path in differing:
        print(path.relative_to(ROOT))
        if "--check" not in sys.argv[1:]:
            path.write_text(wanted[path])
    return 1 if differing and "--check" in sys.argv[1:] else 0


if __name__ == "__main__":
    sys.exit(main())

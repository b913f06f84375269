# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F5: the documentation of authentication is this collection's own, the options are kubernetes.core's."""

from __future__ import annotations

import importlib
import re
from typing import Any

import pytest
import yaml
from ansible.plugins.loader import fragment_loader
from ansible.utils.plugin_docs import add_fragments
from ansible_collections.gitops.airflow.plugins.doc_fragments.kubernetes_auth import ModuleDocFragment
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.access import AIRFLOW_SPEC
from ansible_collections.gitops.airflow.plugins.module_utils._kube.credentials import CREDENTIALS_SPEC
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import SETTINGS_SPEC
from ansible_collections.gitops.airflow.tests.unit.places import ROOT
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

KEPT = ("type", "elements", "aliases", "choices", "default")


def described(options: dict[str, Any], nested: str) -> dict[str, Any]:
    """What documentation and argument specification must have in common."""
    return {
        name: {"type": "str", **{key: option[key] for key in KEPT if key in option}, "nested": described(option.get(nested) or {}, nested)}
        for name, option in options.items()
    }


def test_f5_the_fragment_documents_what_kubernetes_core_accepts() -> None:
    options = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    assert described(options, "suboptions") == described(AUTH_ARG_SPEC, "options")
    assert all(option["description"] for option in options.values())


def test_every_module_is_in_the_list_of_modules() -> None:
    text = (ROOT / "docs/modules.md").read_text()
    missing = [path.stem for path in sorted((ROOT / "plugins/modules").glob("*.py")) if f"`{path.stem}`" not in text]
    assert not missing, f"docs/modules.md does not name {', '.join(missing)}"


def test_every_module_of_the_group_owner_takes_its_options() -> None:
    groups = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["action_groups"]
    for name in groups["owner"]:
        spec = importlib.import_module(f"ansible_collections.gitops.airflow.plugins.modules.{name}").argument_spec()
        assert (spec["platform"]["type"], spec["adopt"]["type"]) == ("str", "bool"), name
        assert name in groups["cluster"]


def test_every_module_of_the_group_settings_takes_both() -> None:
    groups = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["action_groups"]
    for name in groups["settings"]:
        spec = importlib.import_module(f"ansible_collections.gitops.airflow.plugins.modules.{name}").argument_spec()
        assert {key: spec[key] for key in SETTINGS_SPEC} == SETTINGS_SPEC, name


def test_every_decision_record_is_in_the_list_of_records() -> None:
    folder = ROOT / "docs/adr"
    listed = re.findall(r"\(([^)]+)\)", (folder / "README.md").read_text())
    assert listed == sorted(path.name for path in folder.glob("[0-9]*.md"))


@pytest.mark.parametrize(
    ("name", "spec", "username"),
    [
        ("git_publish", CREDENTIALS_SPEC, "credentials.username"),
        ("git_branch_info", CREDENTIALS_SPEC, "credentials.username"),
        ("argocd_repository", CREDENTIALS_SPEC, "credentials.username"),
        ("airflow_dag", AIRFLOW_SPEC["credentials_from"], "username"),
        ("airflow_dag_run", AIRFLOW_SPEC["credentials_from"], "username"),
        ("airflow_dag_logs_info", AIRFLOW_SPEC["credentials_from"], "username"),
    ],
)
def test_credentials_of_a_secret_are_documented_as_each_module_takes_them(name: str, spec: dict[str, Any], username: str) -> None:
    module = importlib.import_module(f"ansible_collections.gitops.airflow.plugins.modules.{name}")
    documented = yaml.safe_load(module.DOCUMENTATION)
    add_fragments(documented, module.__file__, fragment_loader, is_module=True)
    option = documented["options"]["credentials_from"]
    assert described({"x": option}, "suboptions") == described({"x": spec}, "options")
    assert f"O({username}) is used" in option["suboptions"]["username_key"]["description"]
    assert ("check_key" in option["suboptions"]) == any("In check mode" in text for text in option["description"])

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F17: the lookup returns names, and values only of sizes, times, counts and ports."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.gitops.airflow.plugins.lookup.role_variables import LookupModule
from ansible_collections.gitops.airflow.plugins.module_utils._platform import variable_rules
from ansible_collections.gitops.airflow.tests.unit.trust import trust_as_template


def look(**variables: Any) -> dict[str, Any]:
    loader = DataLoader()
    given = {name: trust_as_template(value) if isinstance(value, str) else value for name, value in variables.items()}
    (found,) = LookupModule(loader=loader, templar=Templar(loader, given)).run([], given)
    return found


def test_the_roles_variables_are_those_of_their_descriptions_and_defaults() -> None:
    known = look()["known"]
    assert {"airflow_app", "platform", "argocd", "kind_cluster", "git_server", "task_logs"} <= known.keys()
    assert {"airflow_app_values", "airflow_app_push_dir"} <= set(known["airflow_app"])
    # Described, without a default; and a default, without a description.
    assert "argocd_admin_password" in known["argocd"]
    assert "platform_kubernetes_version" in known["platform"]
    assert all(name.startswith(f"{role}_") for role, names in known.items() for name in names)


def test_only_names_are_returned() -> None:
    found = look(airflow_app_dags_password="hunter22", argocd_admin_password="hunter22", airflow_app_values={"a": "hunter22"}, __x=1)
    assert found["names"] == ["airflow_app_dags_password", "airflow_app_values", "argocd_admin_password"]
    assert "hunter22" not in str(found)


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("airflow_app_values", "parallelism=12", "dict"),
        ("airflow_app_values", '{"a": 1}', "dict"),
        ("airflow_app_task_secrets", "a,b", "list"),
        ("platform_worker_namespaces", "airflow-core", "list"),
        ("airflow_app_values", "{{ more }}", ""),
        ("airflow_app_values", {"a": 1}, ""),
        ("airflow_app_values", None, ""),
        ("airflow_app_task_secrets", ["a"], ""),
        ("platform_name", "airflow", ""),
        # A module takes these with commas.
        ("status_namespaces", "a,b", ""),
    ],
)
def test_a_text_in_place_of_a_list_or_dictionary(name: str, value: Any, kind: str) -> None:
    assert look(**{name: value})["texts"] == ({name: kind} if kind else {})


def test_values_of_numbers_are_rendered() -> None:
    found = look(
        platform_airflow_node_port=30080, airflow_app_webserver_node_port="{{ platform_airflow_node_port }}", argocd_wait="{{ no }}"
    )
    assert {name: int(value) for name, value in found["values"].items()} == {
        "platform_airflow_node_port": 30080,
        "airflow_app_webserver_node_port": 30080,
    }


def test_it_finds_a_mistyped_variable() -> None:
    found = look(airflow_app_vaules={}, airflow_app_values={}, inventory_hostname="localhost", git_server_storage="1 GB")
    assert [refusal.value for refusal in variable_rules.refusals(found)] == ["airflow_app_vaules", "1 GB"]
    assert variable_rules.warnings(found) == []

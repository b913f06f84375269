# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""F17: a variable that is nearly one of a role is refused. Another one with its prefix is a warning, because it may be the user's own."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform import variable_rules

KNOWN = {
    "platform": ["platform_name", "platform_git_namespace", "platform_core_namespace", "platform_state_dir", "platform_airflow_url"],
    "airflow_app": ["airflow_app_values", "airflow_app_dags_repo", "airflow_app_wait", "airflow_app_name"],
    "argocd": ["argocd_state", "argocd_wait", "argocd_admin_password"],
    "status": ["status_file"],
}


def given(*names: str, **more: Any) -> dict[str, Any]:
    return {"known": KNOWN, "names": [*names, "platform_name", "airflow_app_wait"], "texts": {}, "values": {}, **more}


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("airflow_app_vaules", "airflow_app_values"),
        ("airflow_app_value", "airflow_app_values"),
        ("airflow_app_dag_repo", "airflow_app_dags_repo"),
        ("platform_nmae", "platform_name"),
        ("platform_core_name_space", "platform_core_namespace"),
        ("argocd_waits", "argocd_wait"),
        ("airflow_app_valuess", "airflow_app_values"),
        ("airflow_app_dags_re", "airflow_app_dags_repo"),
        # The sister role's variable with the other prefix.
        ("airflow_app_core_namespace", "platform_core_namespace"),
        ("platform_dags_repo", "airflow_app_dags_repo"),
    ],
)
def test_f17_a_mistyped_variable_is_refused_with_the_nearest_name(name: str, near: str) -> None:
    (refusal,) = variable_rules.refusals(given(name))
    assert (refusal.code, refusal.value) == ("unknown_variable", name)
    assert refusal.message == f"{name} is set, and no role of gitops.airflow has such a variable. It would have no effect."
    assert refusal.next_action.startswith(f"Write {near} instead of {name}.")
    assert variable_rules.warnings(given(name)) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("argocd_server_url", "argocd_server_url is not a variable of a role of gitops.airflow."),
        ("argocd_namespace", "argocd_namespace is not a variable of a role of gitops.airflow."),
        ("platform_namespace", "The nearest name is platform_git_namespace."),
        ("platform_owner", "platform_owner is not a variable"),
        ("status_code", "status_code is not a variable"),
        ("airflow_app_theme", "airflow_app_theme is not a variable"),
        ("status_ab", "status_ab is not a variable"),
        ("argocd_core_namespace", "argocd_core_namespace is not a variable"),
        ("platform_wait", "platform_wait is not a variable"),
        ("status_airflow_app_values", "The nearest name is airflow_app_values."),
        # The prefix itself is mistyped.
        ("platfrom_name", "The nearest name is platform_name."),
        ("airflow_ap_values", "The nearest name is airflow_app_values."),
    ],
)
def test_f17_what_may_be_somebodys_own_is_a_warning(name: str, words: str) -> None:
    assert list(variable_rules.refusals(given(name))) == []
    (warning,) = variable_rules.warnings(given(name))
    assert words in warning


@pytest.mark.parametrize("name", ["team", "airflow_version", "ansible_platform_name", "__platform_name", "platform", "argo_token", "names"])
def test_f17_other_variables_are_nobodys_business(name: str) -> None:
    assert list(variable_rules.refusals(given(name))) == []
    assert variable_rules.warnings(given(name)) == []


def test_f17_a_text_in_place_of_a_dictionary_is_refused() -> None:
    (refusal,) = variable_rules.refusals(given(texts={"airflow_app_values": "dict"}))
    assert refusal.message == "airflow_app_values is a text. It must be a dictionary."
    assert "-e '{\"airflow_app_values\": …}'" in refusal.next_action


def test_f17_a_value_without_its_form_is_refused() -> None:
    (refusal,) = variable_rules.refusals(given(values={"argocd_wait": "5m"}))
    assert refusal.message == "argocd_wait is '5m'. It must be seconds, a whole number of at least 1 without a unit."


def test_the_longest_role_counts() -> None:
    assert variable_rules.role_of("airflow_app_x", ["airflow", "airflow_app"]) == "airflow_app"
    assert variable_rules.role_of("airflow_apps", ["airflow_app"]) == ""


def test_a_name_of_the_same_role_is_nearer_than_one_of_another() -> None:
    known = {"status": ["status_file"], "other": ["status_files_name"]}
    assert variable_rules.unknown(["status_files_names"], known) == ({}, {"status_files_names": "status_file"})

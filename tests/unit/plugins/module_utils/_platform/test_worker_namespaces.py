# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What worker pods get from the options of their namespace."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.gitops.airflow.plugins.module_utils._platform.worker_namespaces import OPTIONS, POD_FIELDS, chart_values
from ansible_collections.gitops.airflow.tests.unit.places import ROOT

TAINTED = [{"key": "cron", "operator": "Exists"}]


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({}, {}),
        ({"node_selector": None, "tolerations": [], "affinity": {}}, {}),
        ({"node_selector": {"pool": "cron"}}, {"nodeSelector": {"pool": "cron"}}),
        (
            {"affinity": {"nodeAffinity": {"a": 1}}, "tolerations": TAINTED},
            {"affinity": {"nodeAffinity": {"a": 1}}, "tolerations": TAINTED},
        ),
    ],
)
def test_options_become_fields_of_the_pod(options: dict[str, Any], fields: dict[str, Any]) -> None:
    values = chart_values([{"name": "first"}, {"name": "second", **options}])
    assert values["workerNamespaces"] == {"first": {}, "second": fields}


def test_each_option_but_the_name_is_a_field() -> None:
    assert list(OPTIONS) == ["name", *POD_FIELDS]


def test_the_role_documents_each_option() -> None:
    specs = yaml.safe_load((ROOT / "roles/platform/meta/argument_specs.yml").read_text())
    documented = specs["argument_specs"]["main"]["options"]["platform_worker_namespaces"]["options"]
    assert set(documented) == set(OPTIONS)

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's defaults are the roles': a role that knows nothing of Airflow looks for the same Application as the one that makes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.plugins.loader import fragment_loader
from ansible.utils.plugin_docs import add_fragments
from ansible_collections.gitops.airflow.plugins.module_utils._git.credentials import KINDS, SECRETS
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AIRFLOW_OPTIONS, PLATFORM_OPTIONS
from ansible_collections.gitops.airflow.plugins.modules import (
    airflow_admission_policy,
    airflow_secrets,
    airflow_verification,
    platform_preflight,
    platform_status,
)
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

ROLES = Path(__file__).parents[5] / "roles"
DEFAULTS: dict[str, Any] = {}
for _file in (
    ROLES / "airflow_app/defaults/main.yml",
    ROLES / "platform/defaults/main/platform.yml",
    ROLES / "task_logs/defaults/main.yml",
):
    DEFAULTS |= yaml.safe_load(_file.read_text())
# What only the roles have a default for: a module that is used without them asks for less.
OWN = {
    "platform_name",
    "platform_provider",
    "platform_worker_namespaces",
    "platform_airflow_host_port",
    "platform_argocd_host_port",
    "platform_argocd_node_port",
}


@pytest.mark.parametrize(("prefix", "options"), [("platform_", PLATFORM_OPTIONS), ("airflow_app_", AIRFLOW_OPTIONS)])
def test_an_option_is_called_as_the_roles_variable(prefix: str, options: dict[str, Any]) -> None:
    variables = {prefix + name: option for name, option in options.items() if prefix + name in DEFAULTS}
    left = set(options) - {name.removeprefix(prefix) for name in variables}
    assert left <= {
        "airflow_version",
        "images",
        "kinds",
        "local_images",
        "task_logs_state",
        "platform_credentials",
        "dags_credentials",
        "chart_repository",
        "chart_version",
    }
    for name, option in variables.items():
        default = DEFAULTS[name]
        if name not in OWN and not (isinstance(default, str) and "{{" in default):
            assert option.get("default") == default, name


@pytest.mark.parametrize("kind", ["platform", "dags"])
def test_each_credential_is_a_variable_of_the_role(kind: str) -> None:
    documented = yaml.safe_load((ROLES / "airflow_app/meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    for name in KINDS:
        variable = f"airflow_app_{kind}_{name}"
        if name == "ca":
            assert DEFAULTS[variable].startswith("{{ platform_ca if ")
        else:
            assert DEFAULTS[variable] == documented[variable]["default"] == ""
        assert documented[variable].get("no_log", False) == (name in SECRETS)


@pytest.mark.parametrize("module", [platform_preflight, airflow_admission_policy, airflow_secrets, airflow_verification, platform_status])
def test_documentation_and_options_agree(module: Any) -> None:
    documented = yaml.safe_load(module.DOCUMENTATION)
    add_fragments(documented, module.__file__, fragment_loader, is_module=True)

    def compare(shown: dict[str, Any], real: dict[str, Any]) -> None:
        assert set(shown) == set(real)
        for name, option in real.items():
            for key in ("type", "default", "choices", "elements", "required"):
                assert shown[name].get(key) == option.get(key), (name, key)
            compare(shown[name].get("suboptions", {}), option.get("options", {}))

    # The API's options are kubernetes.core's.
    options, spec = documented["options"], module.argument_spec()
    own = spec.keys() - AUTH_ARG_SPEC.keys()
    compare({name: options[name] for name in options.keys() - AUTH_ARG_SPEC.keys()}, {name: spec[name] for name in own})


def test_f12_every_image_of_the_roles_is_checked() -> None:
    versions = yaml.safe_load((ROLES / "platform/defaults/main/versions.yml").read_text())
    given = yaml.safe_load((ROLES / "platform/vars/main.yml").read_text())["__platform_settings"]["images"]
    assert given == {name[len("platform_") : -len("_image")]: f"{{{{ {name} }}}}" for name in versions if name.endswith("_image")}

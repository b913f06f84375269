# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: role_variables
short_description: Which variables of this collection's roles are set, by their names
version_added: 0.1.0
author: The gitops.airflow team (@gitops-airflow)
description:
  - Compares the names of all variables of the host with the variables of this collection's roles.
  - Returns names, and the values of variables that are sizes, times, counts or ports. No other value is read.
options:
  _terms:
    description: Not used.
"""

EXAMPLES = r"""
- name: Refuse names that are mistyped
  gitops.airflow.platform_preflight:
    cluster: false
    platform: {name: airflow}
    variables: "{{ lookup('gitops.airflow.role_variables') }}"
"""

RETURN = r"""
_raw:
  description: One dictionary, as the option O(gitops.airflow.platform_preflight#module:variables) takes it.
  type: list
  elements: dict
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase
from ansible_collections.gitops.airflow.plugins.module_utils._platform.forms import VARIABLES

ROLES = Path(__file__).resolve().parents[2] / "roles"
# Their lists go to modules as they are, which take words with commas between them, too.
SPLIT = ("status_", "support_bundle_")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def documented(role: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """A role's variables with their description."""
    for file in role.glob("defaults/**/*.yml"):
        yield from ((name, {}) for name in yaml.load(file.read_text(encoding="utf-8"), LOADER) or {})
    specs = yaml.load((role / "meta/argument_specs.yml").read_text(encoding="utf-8"), LOADER)
    for entry in specs["argument_specs"].values():
        yield from entry["options"].items()


class LookupModule(LookupBase):  # type: ignore[misc]
    def run(self, terms: list[Any], variables: Any = None, **_kwargs: Any) -> list[dict[str, Any]]:
        roles = {path.parents[1].name: dict(documented(path.parents[1])) for path in ROLES.glob("*/meta/argument_specs.yml")}
        options = {name: option for role in roles.values() for name, option in role.items()}
        return [
            {
                "known": {role: sorted(names) for role, names in roles.items()},
                "names": sorted(name for name in map(str, variables) if not name.startswith("_")),
                "texts": {name: option["type"] for name, option in options.items() if self._is_text(name, variables.get(name), option)},
                "values": dict(self._values(variables)),
            }
        ]

    @staticmethod
    def _is_text(name: str, value: Any, option: dict[str, Any]) -> bool:
        """Whether a text stands for a list or a dictionary. What a template gives is for the role to check."""
        if option.get("type") == "list" and name.startswith(SPLIT):
            return False
        return option.get("type") in ("list", "dict") and isinstance(value, str) and "{{" not in value and "{%" not in value

    def _values(self, variables: Any) -> Iterator[tuple[str, Any]]:
        reader = lookup_loader.get("ansible.builtin.vars", loader=self._loader, templar=self._templar)
        for name in VARIABLES:
            if name in variables:
                try:
                    (value,) = reader.run([name], variables)
                except AnsibleError:  # what it is made of is not set yet: the role that uses it says so
                    continue
                yield name, value

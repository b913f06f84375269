# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all modules of this collection have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from ansible.module_utils import basic
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.mask import masked_words
from ansible_collections.gitops.airflow.plugins.module_utils._base.printable import printable, printable_values


class AnsibleModule(basic.AnsibleModule):  # type: ignore[misc]
    """Ansible's, whose failures and warnings steer no terminal and show no secret: they quote pods, Git servers and DAGs.

    What a module returns when it succeeds is data and stays as it is.
    """

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:
        """Ends the module with an error. Every text in it is made printable, and the message masked."""
        super().fail_json(msg=printable(masked_words(msg)), **printable_values(kwargs))
        raise AssertionError("fail_json has ended the module")

    def fail(self, error: CollectionError, **kwargs: Any) -> NoReturn:
        """Ends the module with an error and what else it returns."""
        self.fail_json(**{**kwargs, **error.result()})

    def warn(self, warning: str, *args: Any, **kwargs: Any) -> None:
        """Adds a warning, masked and made printable."""
        super().warn(printable(masked_words(warning)), *args, **kwargs)


def conceal(module: AnsibleModule, option: str, secrets: Iterable[str], shown: Any = "(not shown)") -> None:
    """Hides of an option with C(no_log) only these values. Its own value is replaced by ``shown`` in what the module returns.

    Ansible would blot every text of a manifest out of the result, so that no message could name an object.
    """
    hidden = set(_texts(module.params[option])) & module.no_log_values
    others = [module.params.get(name) for name, spec in module.argument_spec.items() if spec.get("no_log") and name != option]
    module.no_log_values.difference_update(hidden - set(_texts(others)))
    module.no_log_values.update(secrets)
    module.params[option] = shown


def _texts(value: Any) -> Iterator[str]:
    """Every text and number in a value, as Ansible collects what it hides."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)

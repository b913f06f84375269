# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module of this collection in Ansible's own process, if the task would run on this machine with the same Python.

Ansible packs a module into an archive and starts a Python for it, which imports the kubernetes library anew: 0.7 s for each task. In its
own process the import is done once in a run: Ansible imports an action plugin before it forks the process of the task (docs/adr/0017).
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, NoReturn

from ansible import constants as C
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible_collections.gitops.airflow.plugins.module_utils._base.mask import masked_words
from ansible_collections.gitops.airflow.plugins.module_utils._base.module import AnsibleModule
from ansible_collections.gitops.airflow.plugins.module_utils._base.printable import printable, printable_values

with suppress(Exception):  # before the processes of the tasks are forked; a module without the library reports what is missing
    import ansible_collections.kubernetes.core.plugins.module_utils.k8s.client  # noqa: F401 # pylint: disable=unused-import

Main = Callable[[Callable[..., AnsibleModule]], None]


class Ended(SystemExit):
    """How a module ends: with its result. As with Ansible's own, no ``except Exception`` of the module catches it."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__()
        self.result = result


class HostedModule(AnsibleModule):
    """What the modules of this collection use of AnsibleModule, without its process: options come from a task, a result is raised."""

    def __init__(
        self,
        options: Mapping[str, Any],
        name: str,
        check_mode: bool,
        diff: bool,
        argument_spec: dict[str, Any],
        mutually_exclusive: Sequence[Sequence[str]] | None = None,
        required_if: Sequence[Sequence[Any]] | None = None,
        required_one_of: Sequence[Sequence[str]] | None = None,
        supports_check_mode: bool = False,
        no_log: bool = False,  # about the system's log, to which nothing is written here
    ) -> None:
        self.argument_spec, self.check_mode, self._diff = argument_spec, check_mode, diff
        self._warnings: list[str] = []
        self._folder = ""
        self.no_log_values: set[str] = set()
        found = ArgumentSpecValidator(
            argument_spec, mutually_exclusive=mutually_exclusive, required_if=required_if, required_one_of=required_one_of
        ).validate(options)
        self.params = found.validated_parameters
        self.no_log_values = set(found._no_log_values)
        if found.unsupported_parameters:
            self.fail_json(f"Unsupported parameters for ({name}) module: {found.error_messages[-1]}")
        if found.error_messages:
            self.fail_json(found.error_messages[0])
        if check_mode and not supports_check_mode:
            self.exit_json(skipped=True, msg=f"the module {name} does not support check mode")

    @property
    def tmpdir(self) -> str:
        """A folder for this module, removed at its end."""
        if not self._folder:
            self._folder = tempfile.mkdtemp(prefix="module-", dir=C.DEFAULT_LOCAL_TMP)
        return self._folder

    def warn(self, warning: str, *_args: Any, **_kwargs: Any) -> None:
        self._warnings.append(printable(masked_words(warning)))

    def exit_json(self, **kwargs: Any) -> NoReturn:
        self._end({"changed": False, **kwargs})

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:
        self._end({**printable_values(kwargs), "failed": True, "msg": printable(masked_words(msg))})

    def _end(self, result: dict[str, Any]) -> NoReturn:
        self.clean()
        result.setdefault("invocation", {"module_args": self.params})
        if self._warnings:
            result["warnings"] = list(dict.fromkeys(self._warnings))
        raise Ended(remove_values(result, self.no_log_values))

    def clean(self) -> None:
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = ""


def plain(value: Any) -> Any:
    """The value in types of JSON, as a module in a process of its own gets it: without Ansible's tags, vault texts decrypted."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    return str(value)


@contextmanager
def temporary_files() -> Iterator[None]:
    """Temporary files lie in Ansible's own folder, which the run removes at its end.

    The kubernetes library writes a kubeconfig's certificates and private key to files. It removes them when Python exits, but the process
    of a task ends without that.
    """
    before = tempfile.tempdir
    tempfile.tempdir = C.DEFAULT_LOCAL_TMP
    try:
        yield
    finally:
        tempfile.tempdir = before


@contextmanager
def variables(given: Mapping[str, Any]) -> Iterator[None]:
    """The environment with these variables as well."""
    before = dict(os.environ)
    os.environ.update({key: str(value) for key, value in given.items()})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class HostedAction(NormalAction):  # type: ignore[misc]
    """Runs ``main`` in this process. Elsewhere, or where the task wants another user, Python or time, Ansible runs the module as ever."""

    main: ClassVar[Main]

    def _execute_module(self, *args: Any, task_vars: Any = None, **kwargs: Any) -> dict[str, Any]:
        if args or not self._hosted(task_vars or {}):
            return super()._execute_module(*args, task_vars=task_vars, **kwargs)  # type: ignore[no-any-return]
        task, environment = self._task, dict[str, Any]()
        self._compute_environment_string(environment)
        made: list[HostedModule] = []

        def create(**spec: Any) -> HostedModule:
            made.append(HostedModule(plain(task.args), task.action, bool(task.check_mode), bool(task.diff), **spec))
            return made[-1]

        try:
            with temporary_files(), variables(plain(environment)):
                type(self).main(create)
        except Ended as ended:
            return ended.result
        finally:
            for module in made:
                module.clean()
        raise AssertionError(f"{task.action} ended without a result")

    def _hosted(self, task_vars: Mapping[str, Any]) -> bool:
        task, connection = self._task, self._connection
        if connection.transport != "local" or connection.become or task.async_val or C.DEFAULT_KEEP_REMOTE_FILES:
            return False
        own = task_vars.get("ansible_delegated_vars", {}).get(task.delegate_to, task_vars) if task.delegate_to else task_vars
        given = own.get("ansible_python_interpreter") or C.config.get_config_value("INTERPRETER_PYTHON")
        return bool(self._templar.template(given) == sys.executable)

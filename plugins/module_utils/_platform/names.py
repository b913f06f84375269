# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of a platform, which all follow from one prefix (ADR 25). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# The prefix of the default platform, and of every platform that an earlier version installed, whatever its name is.
DEFAULT_PREFIX = "airflow"
# What follows the prefix in the names of the worker namespaces beside Airflow's own.
WORKERS = ("cron", "user")
# The variable of every container that runs Airflow with which DAG files name namespaces in any platform (values.yaml.j2).
PREFIX_VARIABLE = "GITOPS_AIRFLOW_PREFIX"


@dataclass(frozen=True)
class Names:
    """What a platform is made of, by its names, if no variable says another one."""

    prefix: str

    @property
    def core(self) -> str:
        """The namespace of Airflow's own pods."""
        return f"{self.prefix}-core"

    @property
    def workers(self) -> tuple[str, ...]:
        """The namespaces in which tasks run."""
        return (self.core, *(f"{self.prefix}-{name}" for name in WORKERS))

    @property
    def logs(self) -> str:
        """The namespace of the store of task logs."""
        return f"{self.prefix}-logs"

    @property
    def git(self) -> str:
        """The namespace of the embedded Git server. The default platform keeps the one that it always had."""
        return "git" if self.prefix == DEFAULT_PREFIX else f"{self.prefix}-git"

    @property
    def application(self) -> str:
        """The name of the Application, and so of the Helm release."""
        return f"{self.prefix}-core"

    @property
    def path(self) -> str:
        """The folder of the chart in the platform repository."""
        return f"platform/{self.prefix}/core"

    @property
    def project(self) -> str:
        """The AppProject in an Argo CD that the platform installs."""
        return self.prefix


def platform_names(prefix: Any) -> dict[str, Any]:
    """The names that follow from a prefix, as the defaults of the roles take them."""
    names = Names(str(prefix))
    return {
        "core": names.core,
        "workers": [{"name": name} for name in names.workers],
        "logs": names.logs,
        "git": names.git,
        "application": names.application,
        "path": names.path,
    }

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which container has the token of the Kubernetes API, whatever people's chart values say (D14). Pure: settings in, refusals out.

The chart's own template worker-namespaces.yaml holds the same rules, for values that were changed in Git.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._platform.chart_values import WITH_RIGHTS, at
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import AirflowSettings, Settings

AUTOMOUNT = "automountServiceAccountToken"
# Where every client library looks for it.
TOKEN_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"
MOUNTS = ("volumeMounts", "dags.gitSync.extraVolumeMounts", *(f"{part}.extraVolumeMounts" for part in (*WITH_RIGHTS, "dagProcessor")))


def _is_at_token(mount: Any) -> bool:
    """Whether something is mounted at the token's folder or in it. In most images /var/run is a link to /run."""
    path = str(mount.get("mountPath") or "") if isinstance(mount, Mapping) else ""
    path = posixpath.normpath(f"/{path.strip('/')}").strip("/")
    return f"/{path.removeprefix('var/')}/".startswith(f"{TOKEN_FOLDER.removeprefix('/var')}/")


def token_in_one_container(_given: Settings, airflow: AirflowSettings) -> Iterator[Refusal]:
    """The platform mounts the token in the container that needs it. These values would give it to git-sync, too, or to nobody."""
    values = airflow.values
    found = [
        f"{part}.serviceAccount.{AUTOMOUNT}" for part in WITH_RIGHTS if at(values, part, "serviceAccount", AUTOMOUNT) not in (None, False)
    ]
    found += [path for path in MOUNTS if any(_is_at_token(mount) for mount in at(values, *path.split(".")) or [])]
    if found:
        yield Refusal(
            "token_mount",
            ", ".join(found),
            "the token of the Kubernetes API is mounted only in the container that needs it",
            f"airflow_app_values sets {' and '.join(found)}. The platform mounts the token at {TOKEN_FOLDER} in the containers scheduler, "
            "triggerer and webserver, and in no other.",
            f"Remove {', '.join(found)} from airflow_app_values.",
        )


def warnings(airflow: AirflowSettings) -> Iterator[str]:
    """An account of people's own may have its token mounted in every container, which no value of the chart changes."""
    for part in WITH_RIGHTS:
        if at(airflow.values, part, "serviceAccount", "create") is False:
            yield (
                f"airflow_app_values sets {part}.serviceAccount.create to false. If that account does not say {AUTOMOUNT}: false, "
                "git-sync beside it has its token, too."
            )

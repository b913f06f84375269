# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failure quotes of a cluster: the latest warnings, and a container's last lines. Pure: objects and lines in, text out."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube.causes import Log, when

EVENTS = 10
LOG_LINES = 20  # of a log that is read
QUOTED = 6  # of these in a message


def warning_events(items: list[Obj]) -> list[str]:
    """The latest Warning events, the newest last."""
    lines = []
    for event in sorted(items, key=when)[-EVENTS:]:
        about = event.get("involvedObject") or {}
        times = event.get("count") or (event.get("series") or {}).get("count") or 1
        lines.append(
            f"{when(event):%H:%M:%SZ} {about.get('kind')} {about.get('namespace')}/{about.get('name')} {event.get('reason')}"
            f"{f' (x{times})' if times > 1 else ''}: {shorten(event.get('message') or '', 300)}"
        )
    return lines


def quote(log: Log | None, lines: Sequence[str]) -> str:
    """The last lines of a container under a heading that names it; nothing where there are none."""
    last = [line.rstrip() for line in lines if line.strip()][-QUOTED:]
    if log is None or not last:
        return ""
    return "\n".join([f"The last lines of pod {log.namespace}/{log.pod}, container {log.container}:", *(f"  {line}" for line in last)])

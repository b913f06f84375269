# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D14: the attacker has root's password of MySQL, and reaches MySQL over the network."""

from __future__ import annotations

from typing import Any

import pytest
from kubernetes import client
from kubernetes.stream import stream

# In MySQL's own container, where the password is a variable. By the pod's address, it comes from the network as all others do.
LOGIN = 'MYSQL_PWD="$MYSQL_ROOT_PASSWORD" mysql --user=root {host} --batch --skip-column-names --execute="SELECT CURRENT_USER()" 2>&1'


@pytest.mark.parametrize(("host", "own"), [('--host="$(hostname -i)"', False), ("", True)])
def test_d14_root_logs_in_from_mysqls_container_alone(core: client.CoreV1Api, platform: Any, verdict: Any, host: str, own: bool) -> None:
    command = ["sh", "-c", LOGIN.format(host=host)]
    said = stream(core.connect_get_namespaced_pod_exec, "airflow-mysql-0", platform.core, command=command, stdout=True).strip()
    if own:
        assert said == "root@localhost"
    else:
        assert said == "root@%" or "Access denied for user 'root'@" in said or "is not allowed to connect" in said, said
        verdict(said == "root@%", said)

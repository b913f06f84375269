# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a command in a container, as kubectl exec does, with its output, its errors and its exit code apart."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi, authorized, core_path, handshake_refusal

SECONDS = 60.0
STDOUT, STDERR, STATUS = 1, 2, 3


@dataclass(frozen=True)
class Execution:
    """A command that has ended."""

    output: str
    errors: str
    code: int


def exit_code(status: str) -> int:
    """The exit code in what the kubelet says last: a v1.Status as JSON. Raises ValueError with the reason if there is no exit code."""
    try:
        document = json.loads(status)
        if document["status"] == "Success":
            return 0
        for cause in (document.get("details") or {}).get("causes") or []:
            if cause.get("reason") == "ExitCode":
                return int(cause["message"])
        raise ValueError(document.get("message") or "it could not be started")
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError):
        raise ValueError("the connection ended before the command did") from None


def execute(api: KubeApi, namespace: str, pod: str, container: str, command: list[str], seconds: float = SECONDS) -> Execution:
    """Runs a command and waits for its end, at most so many seconds. Raises ApiError where it cannot be run or does not end."""
    from kubernetes.client import ApiException
    from kubernetes.stream import ws_client

    failed = f"No command can be run in pod {namespace}/{pod}, container {container}"
    action = f"See that the pod and its node run (kubectl -n {namespace} get pods -o wide), and that this user may create pods/exec there."
    query = [*(("command", part) for part in command), ("container", container), ("stdout", "true"), ("stderr", "true")]
    client = api._client
    api.requests += 1
    stream = None
    try:
        stream = ws_client.websocket_call(
            client.configuration,
            "GET",
            client.configuration.host + core_path("pods", namespace, pod) + "/exec",
            query_params=query,
            headers=authorized(client),
            _preload_content=False,
        )
        stream.run_forever(timeout=seconds)
        if stream.is_open():
            raise ApiError(0, f"The command in pod {namespace}/{pod}, container {container}, has not ended within {seconds:g} s.", action)
        output, errors, status = (stream.read_channel(channel) for channel in (STDOUT, STDERR, STATUS))
        return Execution(output, errors, exit_code(status))
    except ApiException as error:
        reason = str(error.reason or "")
        status = re.match(r"Handshake status (\d{3})", reason)
        raise ApiError(int(status[1]) if status else 0, f"{failed}: {handshake_refusal(reason)}.", action) from error
    except ApiError:
        raise
    except Exception as error:  # whatever websocket-client raises of a connection that breaks
        raise ApiError(0, f"{failed}: {error}.", action) from error
    finally:
        if stream is not None:
            with suppress(Exception):
                stream.close()

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A local port that leads to a pod of a Service, for as long as it is needed."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, CollectionError

CHUNK = 65536
READY_SECONDS = 20.0
FRESH_SECONDS = 5.0
# A module's option for a tunnel; documented by the fragment of the same name.
TUNNEL_SPEC: dict[str, Any] = {
    "type": "dict",
    "options": {
        "namespace": {"type": "str", "required": True},
        "service": {"type": "str", "required": True},
        "port": {"type": "int", "required": True},
    },
}


class TunnelError(CollectionError):
    """Why no tunnel can be made."""

    default_code = "no_tunnel"


class NoReadyPod(TunnelError):
    """Nothing is behind the Service, which may pass: it hears of a pod's readiness a moment after the pod."""


def endpoint(service: Mapping[str, Any], slices: Iterable[Mapping[str, Any]], port: int) -> tuple[str, int]:
    """A ready pod of a Service and its port behind the Service's, from the Service and its EndpointSlices. Raises TunnelError."""
    name = service["metadata"]["name"]
    ports = (service.get("spec") or {}).get("ports") or []
    chosen = next((item for item in ports if item["port"] == port), None)
    if chosen is None:
        listed = ", ".join(str(item["port"]) for item in ports) or "none"
        raise TunnelError(f"the Service {name} has no port {port} (it has: {listed})", "Correct tunnel.port.")
    for part in slices:
        target = next((item["port"] for item in part.get("ports") or [] if (item.get("name") or "") == (chosen.get("name") or "")), None)
        for item in part.get("endpoints") or []:
            reference = item.get("targetRef") or {}
            # No condition means ready (API reference of EndpointConditions).
            if target and reference.get("kind") == "Pod" and (item.get("conditions") or {}).get("ready") is not False:
                return reference["name"], target
    raise NoReadyPod(f"the Service {name} has no ready pod", "Inspect its pods, or wait until one is ready.")


def await_endpoint(
    read: Callable[[], tuple[str, int]],
    seconds: float,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
) -> tuple[str, int]:
    """What read finds as soon as it finds a ready pod. Raises its NoReadyPod after so many seconds."""
    end = now() + seconds
    while True:
        try:
            return read()
        except NoReadyPod:
            if now() >= end:
                raise
        sleep(0.5)


def _pump(source: Any, sink: Any) -> None:
    """Hands on all bytes until the source ends."""
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK):
            sink.sendall(data)


class Tunnel:
    """Listens on a local port; each connection gets its own way to the other side, made by connect."""

    def __init__(self, connect: Callable[[], Any]) -> None:
        self.connect = connect
        self.error: Exception | None = None  # the last failure to reach the other side

    def __enter__(self) -> Tunnel:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_details: object) -> None:
        # Only a shutdown wakes a thread that waits in accept.
        with contextlib.suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = self.server.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            try:
                far = self.connect()
                self.error = None
            except Exception as error:  # whatever the client library raises; reported by the request that waits for an answer
                self.error = error
                return
            back = threading.Thread(target=self._back, args=(far, client), daemon=True)
            back.start()
            _pump(client, far)
            # The API server knows no half-closed connection: who ends the sending ends it all. A mere close would not wake `back`.
            with contextlib.suppress(OSError):
                far.shutdown(socket.SHUT_RDWR)
            back.join()
            far.close()

    @staticmethod
    def _back(far: Any, client: socket.socket) -> None:
        _pump(far, client)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)


class Pods:
    """The ready pod behind a Service, looked up anew after FRESH_SECONDS: a roll-out or a lost node may have replaced it."""

    def __init__(self, read: Callable[[], tuple[str, int]], now: Callable[[], float] = time.monotonic) -> None:
        self._read, self._now = read, now
        self._found: tuple[str, int] | None = None
        self._since = 0.0

    def get(self) -> tuple[str, int]:
        """Raises TunnelError where there is none."""
        if self._found is None or self._now() - self._since > FRESH_SECONDS:
            self._found, self._since = None, self._now()
            self._found = self._read()
        return self._found

    def forget(self) -> None:
        self._found = None


def read_endpoint(api: Any, found: Mapping[str, Any], namespace: str, port: int) -> tuple[str, int]:
    """A ready pod of a Service that was read, and its port behind the Service's. Raises TunnelError, ApiError."""
    path = f"/apis/discovery.k8s.io/v1/namespaces/{quote(namespace, safe='')}/endpointslices"
    query = {"labelSelector": f"kubernetes.io/service-name={found['metadata']['name']}", "limit": 500}
    return endpoint(found, api.page(path, query)["items"], port)


@contextlib.contextmanager
def open_tunnel(params: dict[str, Any], namespace: str, service: str, port: int, wait: bool = True) -> Iterator[Tunnel]:
    """A tunnel to a ready pod of a Service, for which it waits a little; without ``wait`` it opens at once, and each connection needs one.

    params are kubernetes.core's authentication options. Raises TunnelError.
    """
    from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import connect, core_path

    failed = f"no tunnel to the Service {service} in {namespace}"

    def read() -> tuple[str, int]:
        return read_endpoint(api, found, namespace, port)

    def dial() -> Any:
        try:
            pod, target = pods.get()
            return _forward(api._client, core_path("pods", namespace, pod) + "/portforward", target)
        except ApiError as error:
            raise TunnelError(f"{failed}: {error}", error.next_action) from error
        except NoReadyPod:
            raise
        except Exception as error:  # whatever the client library raises of a pod that is gone
            pods.forget()
            raise TunnelError(f"{failed}: {error}", getattr(error, "next_action", "")) from error

    pods = Pods(read)
    try:
        api = connect(params)
        found = api.get(core_path("services", namespace, service))
        await_endpoint(pods.get, READY_SECONDS if wait else 0)
    except ApiError as error:
        raise TunnelError(f"{failed}: {error}", error.next_action) from error
    except NoReadyPod:
        if wait:
            raise
    with Tunnel(dial) as tunnel:
        yield tunnel


def _forward(client: Any, path: str, port: int) -> Any:
    """One connection to a port of a pod, over the API server. Raises TunnelError with the API server's reason."""
    from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import authorized, handshake_refusal
    from kubernetes.client import ApiException
    from kubernetes.stream import ws_client

    query = [("ports", str(port))]
    try:
        return ws_client.portforward_call(
            client.configuration, "GET", client.configuration.host + path, query_params=query, headers=authorized(client)
        ).socket(port)
    except ApiException as error:
        raise TunnelError(handshake_refusal(str(error.reason or error))) from error

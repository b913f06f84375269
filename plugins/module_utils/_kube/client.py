# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one file that talks to the Kubernetes API: kubernetes.core's authentication, raw JSON, no discovery."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import quote, urlencode
from urllib.request import getproxies_environment

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError, InputError, LibraryMissing, sentence
from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten
from ansible_collections.gitops.airflow.plugins.module_utils._base.transport import api_proxy
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube.watch import WATCH_SECONDS
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

APPLICATIONS = "/apis/argoproj.io/v1alpha1/namespaces/{namespace}/applications"
CONNECT_SECONDS, READ_SECONDS = 5.0, 30.0
# Where the collections outside of the core group are.
GROUPS = {"daemonsets": "apps", "deployments": "apps", "jobs": "batch", "statefulsets": "apps"}
JSON, MERGE_PATCH, APPLY_PATCH = "application/json", "application/merge-patch+json", "application/apply-patch+yaml"
# Only metadata: neither a Secret's data nor a CRD's schema is sent. An aggregated API that cannot do it answers with whole objects.
_METADATA = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1,application/json"
METADATA, METADATA_LIST = _METADATA.format(""), _METADATA.format("List")
# The kubelet's answer, as if it were a log, where the container is deleted already.
NO_LOG = re.compile(r"unable to retrieve container logs for [a-z-]+://[0-9a-f]+\s*")
PAGE = 500
# Connections at once: the kubernetes client's pool has at least five.
AT_ONCE = 5
# A busy server answers 429 before it does anything, and says after how many seconds to ask again. kubectl asks up to ten times more.
BUSY, BUSY_TRIES, BUSY_SECONDS = 429, 5, 5.0

T = TypeVar("T")


def at_once(read: Callable[[Any], T], what: Iterable[Any]) -> list[T]:
    """Reads many things at once, in their order. Raises the first error."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(read, what))


def core_path(collection: str, namespace: str | None = None, name: str | None = None) -> str:
    """The path of a collection (or of one object in it), in one namespace or in all."""
    root = f"/apis/{GROUPS[collection]}/v1" if collection in GROUPS else "/api/v1"
    parts = [root, *(["namespaces", quote(namespace, safe="")] if namespace else []), collection]
    return "/".join([*parts, quote(name, safe="")] if name else parts)


def authorized(client: Any) -> dict[str, str]:
    """A kubernetes ApiClient's headers with its credentials, renewed where they have expired.

    Not by update_params_for_auth, whose arguments differ between the library's versions.
    """
    token = client.configuration.auth_settings().get("BearerToken") or {}
    return {**client.default_headers, **({token["key"]: token["value"]} if token.get("value") else {})}


class KubeApi:
    """Requests with a kubernetes ApiClient's connections, credentials and headers."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._host = client.configuration.host
        self.requests = 0

    def _open(
        self,
        method: str,
        url_path: str,
        query: dict[str, Any],
        read: float | None,
        body: Any = None,
        verb: str = "",
        accept: str = JSON,
        content: str = JSON,
    ) -> Any:
        headers = {"Accept": accept, **authorized(self._client)}
        if body is not None:
            headers["Content-Type"] = content
        parameters: list[tuple[str, str]] = [(key, str(value)) for key, value in query.items()]
        url = self._host + url_path + ("?" + urlencode(parameters) if parameters else "")
        sent = None if body is None else json.dumps(body)
        for tries_left in reversed(range(BUSY_TRIES)):
            response = self._send(method, url, headers, sent, read)
            if response.status < 300:
                return response
            text = response.data.decode("utf-8", "replace")
            if response.status != BUSY or not tries_left:
                break
            time.sleep(retry_after(response.headers.get("Retry-After")))
        refused = _refusal(response.status, text, verb or method, url_path, self._host)
        refused.fields = _fields(text)
        raise refused

    def _send(self, method: str, url: str, headers: dict[str, str], body: str | None, read: float | None) -> Any:
        """One request and its answer, whatever its status. Raises ApiError if there is none."""
        import urllib3

        self.requests += 1
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=read)
        pool = self._client.rest_client.pool_manager
        try:
            answer = pool.request(
                method, url, headers=headers, body=body, preload_content=False, redirect=False, retries=False, timeout=timeout
            )
            if answer.status >= 300:
                answer.read(cache_content=True)
        except urllib3.exceptions.HTTPError as error:
            reason = re.sub(r"<[^>]*object at 0x[0-9a-f]+>:? ?", "", str(error))
            message = sentence(f"The Kubernetes API at {self._host} cannot be reached: {reason}")
            raise ApiError(0, message, "Check the address, and that the cluster runs.") from error
        return answer

    def page(self, path: str, query: dict[str, Any]) -> Obj:
        """One GET of a collection or an object."""
        return self._json("GET", path, query, "list" if "limit" in query else "get")

    def get(self, path: str) -> Obj:
        return self._json("GET", path, {}, "get")

    def patch(self, path: str, body: Obj, query: dict[str, Any] | None = None) -> Obj:
        """A JSON merge patch."""
        return self._json("PATCH", path, query or {}, "patch", body, content=MERGE_PATCH)

    def apply(self, path: str, body: Obj, manager: str, *, dry_run: bool = False) -> Obj:
        """Server-side apply, also of fields that others have set. Makes the object if it does not exist."""
        query = {"fieldManager": manager, "force": "true", **({"dryRun": "All"} if dry_run else {})}
        return self._json("PATCH", path, query, "apply", body, content=APPLY_PATCH)

    def find(self, path: str) -> Obj | None:
        """One object, or None where the server has no such object or kind."""
        try:
            return self.get(path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def metadata(self, path: str) -> Obj | None:
        """One object's ``metadata``, or None where the server has no such object or kind. No data of a Secret is sent."""
        try:
            found: Obj = self._json("GET", path, {}, "get", accept=METADATA)["metadata"]
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return found

    def items(self, path: str, query: dict[str, Any] | None = None, *, whole: bool = False) -> list[Obj]:
        """All objects of a collection, page by page: their ``metadata``, with ``whole`` the objects; none if the kind is not served."""
        found: list[Obj] = []
        more: dict[str, Any] = {}
        while True:
            try:
                answer = self._json("GET", path, {"limit": PAGE, **(query or {}), **more}, "list", accept=JSON if whole else METADATA_LIST)
            except ApiError as error:
                if error.status == 404:
                    return found
                if error.status != 410 or not more:
                    raise
                found, more = [], {}  # the list's place has expired: from the start
                continue
            found += [item if whole else item["metadata"] for item in answer.get("items") or []]
            token = answer.get("metadata", {}).get("continue")
            if not token:
                return found
            more = {"continue": token}

    def create(self, path: str, body: Obj, *, dry_run: bool = False) -> Obj:
        """One POST into a collection."""
        return self._json("POST", path, {"dryRun": "All"} if dry_run else {}, "create", body)

    def delete(self, path: str, uid: str = "") -> bool:
        """Requests one object's deletion, in the background; with ``uid`` only of that very object. False if it does not exist."""
        body: Obj = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if uid:
            body["preconditions"] = {"uid": uid}
        try:
            self._json("DELETE", path, {}, "delete", body)
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return True

    def _json(
        self, method: str, url_path: str, query: dict[str, Any], verb: str, body: Any = None, accept: str = JSON, content: str = JSON
    ) -> Obj:
        import urllib3

        response = self._open(method, url_path, query, READ_SECONDS, body, verb, accept, content)
        try:
            document: Obj = json.loads(response.data)
        except (ValueError, urllib3.exceptions.HTTPError) as error:
            raise ApiError(0, f"The answer to {verb} {url_path} broke off: {error}") from error
        return document

    def watch(self, path: str, query: dict[str, Any]) -> Iterator[Obj]:
        """The events of one watch request, which the server has accepted; until it or the connection ends them."""
        return self._events(self._open("GET", path, {**query, "watch": "true"}, WATCH_SECONDS + 10, verb="watch"))

    def _events(self, response: Any) -> Iterator[Obj]:
        for line in self._lines(response):
            try:
                yield json.loads(line)
            except ValueError:
                return  # half a line: the connection broke in the middle of it

    def log_lines(self, namespace: str, pod: str, container: str, follow: bool, tail: int, **query: Any) -> Iterator[str]:
        """The lines of a container's log; with ``follow`` until the container ends. ``query``: the API's further parameters."""
        query |= {"container": container, "tailLines": tail, **({"follow": "true"} if follow else {})}
        log = f"{core_path('pods', namespace, pod)}/log"
        response = self._open("GET", log, query, None if follow else READ_SECONDS, verb="get")
        for line in self._lines(response):
            text = line.decode("utf-8", "replace")
            if not NO_LOG.fullmatch(text):
                yield text

    def run(self, namespace: str, pod: str, container: str, command: list[str]) -> str:
        """What a command in a container prints, its errors with it. Its exit code is not known."""
        from kubernetes.client import ApiException
        from kubernetes.stream import ws_client

        path = core_path("pods", namespace, pod) + "/exec"
        query = [*(("command", part) for part in command), ("container", container), ("stdout", "true"), ("stderr", "true")]
        self.requests += 1
        try:
            answer = ws_client.websocket_call(
                self._client.configuration,
                "GET",
                self._host + path,
                query_params=query,
                headers=authorized(self._client),
                _request_timeout=READ_SECONDS,
            )
        except ApiException as error:
            reason = handshake_refusal(str(error.reason or ""))
            raise ApiError(error.status or 0, f"No command can be run in pod {namespace}/{pod}, container {container}: {reason}") from error
        return str(answer.data)

    @staticmethod
    def _lines(response: Any) -> Iterator[bytes]:
        import urllib3

        rest = b""
        try:
            for chunk in response.stream(amt=None, decode_content=False):
                *lines, rest = (rest + chunk).split(b"\n")
                yield from filter(None, lines)
            if rest:
                yield rest
        except (urllib3.exceptions.HTTPError, OSError, ValueError):
            return  # a broken connection ends the stream; who reads it goes on from the last event
        finally:
            response.close()


def retry_after(header: str | None) -> float:
    """Seconds to wait before a busy server is asked again: what it says, at most BUSY_SECONDS; one if it says nothing."""
    return min(float(header), BUSY_SECONDS) if header and header.isdecimal() else 1.0


def handshake_refusal(text: str) -> str:
    """Why a websocket was refused: websocket-client joins status, headers and body, and the body says it."""
    status, *_headers, body = [*text.split(" -+-+- "), "", ""][:3]
    with suppress(ValueError, KeyError, TypeError):
        body = json.loads(body)["message"]
    return shorten(status if body in ("", "None") else body, 200)


def _refusal(status: int, text: str, verb: str, url_path: str, host: str) -> ApiError:
    try:
        detail = json.loads(text).get("message") or text
    except (ValueError, AttributeError):
        detail = text
    detail = shorten(detail, 300)
    if status == 401:
        return ApiError(
            status,
            f"The credentials for {host} were not accepted (401, {detail}): "
            "the token or certificate has expired or is for another cluster.",
            "Renew the credentials, or choose another context.",
        )
    if status == 403:
        message = sentence(f"Not permitted to {verb} {url_path} (403): {detail}")
        return ApiError(status, message, "Grant that verb on that resource to the account that runs this.")
    return ApiError(status, f"{host} answered {verb} {url_path} with {status}: {detail}")


def _fields(text: str) -> tuple[str, ...]:
    """The fields that a refusal (meta/v1 Status) finds at fault."""
    try:
        causes = (json.loads(text).get("details") or {}).get("causes") or []
        return tuple(str(cause["field"]) for cause in causes if cause.get("field"))
    except (ValueError, AttributeError, TypeError):
        return ()


def show_path(module: Any) -> dict[str, Any]:
    """A module's parameters. Its messages may name the kubeconfig's path. kubernetes.core hides it, as it may be the content instead."""
    params: dict[str, Any] = module.params
    path = params.get("kubeconfig")
    if isinstance(path, str) and len(path.splitlines()) == 1:
        module.no_log_values.discard(path)
    return params


def connect(params: dict[str, Any]) -> KubeApi:
    """Opens the API that kubernetes.core's options (and its K8S_AUTH_* variables) name.

    get_api_client of kubernetes.core is not used whole: it also asks the server for its version and all its groups.

    :raises ApiError: when the configuration cannot be read or the kubernetes library is missing.
    """
    try:
        import kubernetes.client  # pylint: disable=unused-import
    except ImportError as error:
        from ansible.module_utils.basic import missing_required_lib

        advice = "Install the library there, or choose a Python that has it (ansible_python_interpreter)."
        raise LibraryMissing(-1, missing_required_lib("kubernetes"), advice, "library_missing") from error
    from ansible_collections.kubernetes.core.plugins.module_utils.k8s import client as core

    given = {name: params[name] for name in AUTH_ARG_SPEC if params.get(name) is not None}
    try:
        # What an earlier call has read from a kubeconfig, its token included, is the library's default: it is not for this server.
        kubernetes.client.Configuration.set_default(None)
        auth = core._create_auth_spec(None, **given)
        configuration = core._create_configuration(auth)
        # Version 34.1.0 of the library drops no_proxy, and asks an https server by way of http_proxy (F3).
        chosen = api_proxy(configuration.host, auth.get("proxy"), auth.get("no_proxy"), getproxies_environment())
        configuration.proxy, configuration.no_proxy = chosen.proxy or None, chosen.no_proxy or None
        client = kubernetes.client.ApiClient(configuration)
    except InputError as error:
        raise ApiError(-1, error.message, error.next_action, error.code) from error
    except Exception as error:  # the library raises what it likes: ConfigException, OSError, YAMLError, binascii.Error …
        named = [f"{name} {given[name]!r}" for name in ("kubeconfig", "context", "host") if isinstance(given.get(name), str)]
        where = ", ".join(named) or "the default kubeconfig"
        message = f"The Kubernetes configuration ({where}) cannot be used: {str(error).rstrip('.')}."
        raise ApiError(-1, message, "Set kubeconfig to an existing file, and context to a context in it.", "bad_kubeconfig") from error
    for header, value in core._create_headers(None, **given).items():
        core._set_header(client, header, value)
    return KubeApi(client)

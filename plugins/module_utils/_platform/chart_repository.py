# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Argo CD will get the official chart: from the chart repository, or from an archive on this machine (F7).

Argo CD's repo-server fetches it through the proxy that platform_proxies sets, or none, and trusts public authorities alone. The question is
asked in the same way.
"""

from __future__ import annotations

import os
import ssl
import tarfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPSHandler, ProxyHandler, build_opener, getproxies_environment

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten
from ansible_collections.gitops.airflow.plugins.module_utils._base.transport import proxy_for, shown_proxy
from ansible_collections.gitops.airflow.plugins.module_utils._base.url import http_problem, public_url, scheme
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.repository_rules import TOKEN_URL
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import Chart

NAME = "airflow"
SECONDS = 10.0
LARGEST = 64 * 2**20
Get = Callable[[str], bytes]
"""(url) → body; raises OSError, HTTPException or ValueError."""
ARCHIVE = "Download the chart, and set airflow_app_chart_archive to the file: then Argo CD finds it in the platform repository."


def get(url: str, proxy: str = "") -> bytes:
    """One GET as Argo CD's repo-server does it: through no proxy but its own, and with no authority but the public ones."""
    try:
        from certifi import where
    except ImportError:
        context = ssl.create_default_context()
    else:
        context = ssl.create_default_context(cafile=where())
    opener = build_opener(ProxyHandler(dict.fromkeys(("http", "https"), proxy) if proxy else {}), HTTPSHandler(context=context))
    with opener.open(url, timeout=SECONDS) as response:
        content: bytes = response.read(LARGEST)
    return content


def rules(chart: Chart) -> Iterator[Refusal]:
    """What is wrong without asking anybody. Reads the archive."""
    if TOKEN_URL.match(chart.repository):
        yield Refusal(
            "token_in_url",
            public_url(chart.repository),
            "the chart repository's URL holds no credentials",
            "platform_airflow_chart_repository has a user or token before the host. It would be read in Git and in Argo CD.",
            f"Take it out of the URL. {ARCHIVE}",
        )
    elif problem := _url_problem(chart):
        yield Refusal(
            "bad_url",
            public_url(chart.repository),
            "the chart repository's URL is one that a request can be sent to",
            f"platform_airflow_chart_repository is '{public_url(chart.repository)}': {problem}.",
            "Correct platform_airflow_chart_repository, for instance https://charts.example.com/airflow.",
        )
    if chart.archive and (what := archive_fault(os.path.expanduser(chart.archive), chart.version)):
        yield Refusal(
            "chart_archive",
            chart.archive,
            "airflow_app_chart_archive is the official chart of platform_airflow_chart_version",
            f"airflow_app_chart_archive is '{chart.archive}', which {what}.",
            f"Set it to the file airflow-{chart.version or 'VERSION'}.tgz of the official chart, or leave it empty.",
        )


def archive_fault(path: str, version: str) -> str:
    """Why a file is not the chart of that version; empty if it is."""
    try:
        with tarfile.open(path) as archive:
            file = archive.extractfile(f"{NAME}/Chart.yaml")
            found = _yaml(file.read(LARGEST)) if file else None
    except (OSError, tarfile.TarError, EOFError) as error:
        return f"cannot be read as an archive: {error}"
    except KeyError:
        return f"has no file {NAME}/Chart.yaml"
    except ValueError:
        found = None
    found = found if isinstance(found, dict) else {}
    if version and str(found.get("version")) != version:
        return f"has version {found.get('version')}, not {version} (platform_airflow_chart_version)"
    return ""


def check(
    chart: Chart, provider: str, fetch: Get | None = None, cluster: Mapping[str, str] | None = None
) -> tuple[list[Refusal], list[str]]:
    """Asks the chart repository, if Argo CD needs it. What cannot be known from this machine is a warning.

    ``cluster``: the proxies of Argo CD, by scheme. That this machine does not reach the server through them says little.
    """
    if chart.archive or not _is_http(chart) or TOKEN_URL.match(chart.repository) or _url_problem(chart):
        return [], []
    proxies = getproxies_environment()
    way = proxy_for(chart.repository, cluster or {})
    try:
        proxied = not way and bool(proxy_for(chart.repository, proxies))
    except InputError as error:
        value = shown_proxy(proxies[scheme(chart.repository)])
        return [Refusal(error.code, value, "the proxy of this machine is a URL", error.message, error.next_action)], []
    fetch = fetch or partial(get, proxy=way)
    answer: bytes | Exception
    try:
        answer = fetch(f"{chart.repository.rstrip('/')}/index.yaml")
    except (OSError, HTTPException, ValueError) as error:
        answer = error
    return judge(chart, provider, answer, proxied, way)


def _is_http(chart: Chart) -> bool:
    return chart.repository.lower().startswith(("http://", "https://"))


def _url_problem(chart: Chart) -> str:
    """Why no request can be sent to the chart repository, or nothing. One of OCI, or a folder, is not asked."""
    return http_problem(chart.repository) if _is_http(chart) else ""


def judge(chart: Chart, provider: str, answer: bytes | Exception, proxied: bool, way: str = "") -> tuple[list[Refusal], list[str]]:
    """What an answer means for Argo CD. ``proxied``: this machine has a proxy for that server, which Argo CD has not. ``way``: Argo CD's.

    That Argo CD does not reach the server is certain only on this machine, if that needs a proxy: another cluster has its own network.
    """
    at = f"platform_airflow_chart_repository is {public_url(chart.repository)}"
    if isinstance(answer, HTTPError):
        if answer.code in (408, 429) or answer.code >= 500:
            return [], [f"{at}, which answers {answer.code} now. Argo CD will ask it for the chart. If it stays so: {ARCHIVE}"]
        return [_refused("chart_repository", chart, f"{at}, which answers index.yaml with {answer.code}.", _correct())], []
    if isinstance(answer, Exception):
        reason = answer.reason if isinstance(answer, URLError) else answer
        if isinstance(reason, ssl.SSLCertVerificationError):
            message = f"{at}, whose certificate no public authority has signed: {reason.verify_message}. Argo CD trusts no others."
            return [_refused("untrusted_certificate", chart, message, ARCHIVE)], []
        through = f"through {way} (platform_proxies)" if way else "without a proxy"
        said = f"{at}, which this machine does not reach {through}: {shorten(str(reason), 200)}."
        if proxied and provider == "kind":
            return [_refused("unreachable", chart, f"{said} Argo CD has no proxy.", ARCHIVE)], []
        return [], [f"{said} If Argo CD does not reach it either, Airflow will not be installed. {ARCHIVE}"]
    return _listed(chart, at, answer), []


def _listed(chart: Chart, at: str, index: bytes) -> list[Refusal]:
    try:
        entries = _yaml(index)["entries"][NAME]
        versions = [str(item["version"]) for item in entries]
    except (ValueError, KeyError, TypeError):
        return [_refused("chart_repository", chart, f"{at}, whose index.yaml lists no chart {NAME}.", _correct())]
    if not chart.version or chart.version in versions:
        return []
    message = f"{at}, which has no chart {NAME} {chart.version} (platform_airflow_chart_version)."
    return [_refused("chart_version", chart, message, f"Correct the version. The newest there are {', '.join(versions[:3])}.")]


def _correct() -> str:
    return f"Correct it: it is the URL to which /index.yaml is added. Or: {ARCHIVE}"


def _refused(code: str, chart: Chart, message: str, action: str) -> Refusal:
    return Refusal(code, public_url(chart.repository), "Argo CD can fetch the official chart", message, action)


def _yaml(content: bytes) -> Any:
    """Raises ValueError."""
    import yaml

    try:
        return yaml.load(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error

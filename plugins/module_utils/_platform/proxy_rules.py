# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the proxies of Argo CD and git-sync. Pure: settings in, refusals out."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.transport import normal_proxy, shown_proxy
from ansible_collections.gitops.airflow.plugins.module_utils._platform.cluster_proxies import VARIABLES
from ansible_collections.gitops.airflow.plugins.module_utils._platform.refusal import Refusal
from ansible_collections.gitops.airflow.plugins.module_utils._platform.settings import Settings


def proxies(given: Settings) -> Iterator[Refusal]:
    for key in VARIABLES:
        url = str(given.proxies.get(key) or "")
        why = _problem(url) if url else ""
        if why:
            yield Refusal(
                "proxy",
                shown_proxy(url),
                "a proxy of the cluster is a URL without credentials",
                f"{key} of platform_proxies is '{shown_proxy(url)}': {why}.",
                f"Set {key} to the URL of a proxy, such as http://proxy.example.com:3128.",
            )
    if given.proxies.get("no_proxy") and not any(given.proxies.get(key) for key in VARIABLES):
        yield Refusal(
            "proxy",
            str(given.proxies["no_proxy"]),
            "what needs no proxy is said beside a proxy",
            "platform_proxies sets no_proxy, but neither http nor https.",
            "Set http or https in platform_proxies, or remove no_proxy.",
        )


def _problem(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        return "it must begin with http:// or https://"
    if "@" in url:
        return "it holds a user or password, which everyone who reads the platform repository or a pod would see"
    try:
        normal_proxy(url)
    except InputError as error:
        return error.message.partition(": ")[2].rstrip(".") or "it is not a URL"
    return ""


RULES = (proxies,)

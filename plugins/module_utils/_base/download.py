# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that is downloaded once, verified by its checksum and kept."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError, InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.transport import bypasses_proxy, proxy_for
from ansible_collections.gitops.airflow.plugins.module_utils._base.url import check_http_url

SECONDS = 30

Get = Callable[[str], bytes]
"""(url) → body; raises OSError, HTTPException or ValueError."""


def get(url: str) -> bytes:
    """One GET with Ansible's proxies and certificates, and the login of ~/.netrc. A redirect does not get the login.

    :raises InputError: for a proxy that is not a URL.
    """
    from ansible.module_utils.urls import open_url

    proxies = getproxies_environment()
    proxy_for(url, proxies)  # refuses what Python would find wrong in other words
    use_proxy = not bypasses_proxy(url, proxies.get("no", ""))
    content: bytes = open_url(url, timeout=SECONDS, use_proxy=use_proxy, unredirected_headers=["Authorization"]).read()
    return content


def parse_checksum(checksum: str) -> tuple[str, str]:
    """Algorithm and digest, or the URL of a file of digests, of a checksum such as get_url takes it. Raises InputError."""
    algorithm, _colon, value = checksum.partition(":")
    if algorithm not in hashlib.algorithms_guaranteed or algorithm.startswith("shake") or not value:
        raise InputError(f"checksum is {checksum!r}.", "Give it as ALGORITHM:DIGEST, for instance sha256:… with 64 hexadecimal digits.")
    return algorithm, value if "://" in value else value.strip().lower()


def check_download(url: str, checksum: str, prefix: str = "") -> None:
    """Raises InputError, with the option at fault, where nothing can be downloaded. ``prefix`` is that of the options url and checksum."""
    algorithm, value = parse_checksum(checksum)
    for option, address, example in (
        (f"{prefix}url", url, "https://mirror.example.com/file"),
        (f"{prefix}checksum", value, f"{algorithm}:https://mirror.example.com/file.{algorithm}sum"),
    ):
        if option.endswith("url") or "://" in address:
            advice = f"Leave them out of {option}, and put them into the file ~/.netrc."
            check_http_url(address, option, example=example, user_goes=advice, query=True)


def listed_digest(text: str, name: str) -> str:
    """The digest of a file in a list as sha256sum writes it; of a list with one digest alone that one, whatever it names."""
    rows = [line.split() for line in text.splitlines() if line.strip()]
    alone = len(rows) == 1
    found = [row[0] for row in rows if alone or (len(row) > 1 and PurePosixPath(row[1].lstrip("*")).name == name)]
    return found[0].lower() if found else ""


def ensure_file(path: Path, url: str, checksum: str, *, check: bool, mode: int = 0o644, fetch: Get = get) -> tuple[bytes, bool]:
    """The content of the file, and whether it was downloaded: because it does not exist, or has another checksum.

    In check mode nothing is written. A checksum that is a URL itself is read only before a download.

    :raises CollectionError: where it cannot be downloaded, or is not what the checksum says.
    """
    algorithm, value = parse_checksum(checksum)
    if path.is_file():
        content = path.read_bytes()
        if "://" in value or hashlib.new(algorithm, content).hexdigest() == value:
            return content, False
    if "://" in value:
        value = listed_digest(_fetched(fetch, value).decode("utf-8", "replace"), PurePosixPath(urlsplit(url).path).name)
    content = _fetched(fetch, url)
    digest = hashlib.new(algorithm, content).hexdigest()
    if digest != value:
        raise CollectionError(
            f"{url} is not the file that was expected: its {algorithm} is {digest}, not {value or 'in the list of checksums'}.",
            "Check the URL and the checksum. Do not use the file.",
            "checksum_mismatch",
        )
    if not check:
        write(path, content, mode)
    return content, True


def _fetched(fetch: Get, url: str) -> bytes:
    try:
        return fetch(url)
    except CollectionError:  # that of a proxy says itself what to do
        raise
    except (OSError, HTTPException, ValueError) as error:
        raise CollectionError(
            f"{url} cannot be downloaded: {error}.", "Check the URL and the proxy of this machine, or give a local file.", "download_failed"
        ) from error


def write(path: Path, content: bytes, mode: int) -> None:
    """Writes the file whole or not at all. Raises CollectionError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(name).chmod(mode)
            Path(name).replace(path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        advice = "Make its folder writable, or name another one."
        raise CollectionError(f"{path} cannot be written: {error}.", advice, "bad_path") from error

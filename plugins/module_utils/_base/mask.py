# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes secrets out of what is handed on: known values wherever they stand, and what looks like a secret."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj

MASK = "********"
# Shorter ones would blot out ordinary words.
SHORTEST = 6
# Keys of Secrets that hold no secret: who, where, which. Masked, their values would make logs and manifests unreadable.
PUBLIC_KEYS = frozenset(
    {
        "ca.crt",
        "enableOCI",
        "GIT_SYNC_USERNAME",
        "GITSYNC_USERNAME",
        "insecure",
        "name",
        "namespace",
        "project",
        "server",
        "type",
        "url",
        "username",
    }
)
DROPPED_ANNOTATIONS = ("kubectl.kubernetes.io/last-applied-configuration",)
_NAME = r"(?:password|passwd|secret|token|credential|private[-_]?key|api[-_]?key|fernet[-_]?key|auth)"
_ASSIGNED = re.compile(rf"(?i){_NAME}[\w.-]*[\"']?\s*[:=]\s*[\"']?([^\s\"',}}]{{{SHORTEST},}})")
_SECRET_NAME = re.compile(rf"(?i){_NAME}")
_USERINFO = re.compile(r"(?P<head>[a-zA-Z][\w+.-]*://[^/\s:@\"']*:)(?P<value>[^/\s@\"']+)(?=@)")
_PATTERNS = (
    _USERINFO,
    re.compile(r"(?P<head>(?i:authorization)[\"']?\s*[:=]\s*[\"']?(?i:basic|bearer|token)\s+)(?P<value>[\w.~+/=-]+)"),
    re.compile(r"(?P<head>)(?P<value>eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+)"),  # a JSON web token
    re.compile(r"(?P<head>)(?P<value>\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}))"),
    # An environment variable as Go prints it, for instance in the kubelet's journal.
    re.compile(rf"(?P<head>\bName:[^,{{}}]*{_NAME}[^,{{}}]*,Value:)(?P<value>[^,}}]+)", re.IGNORECASE),
    re.compile(r"(?P<head>-----BEGIN [A-Z ]*PRIVATE KEY-----)(?P<value>.*?)(?=-----END)", re.DOTALL),
)

# Given by name in a program's own words: NAME=value, or a quoted name as in JSON. Not "token: expired", which is English.
_GIVEN = re.compile(
    r"(?i)(?P<head>(?:password|passwd|secret|token|credential|private[-_]?key|api[-_]?key|fernet[-_]?key)[\w.-]*"
    r"(?:=|\\?[\"']\s*[:=]\s*)\\?[\"']?)(?P<value>[^\s\"',;&}\\]{" + str(SHORTEST) + ",})"
)


def parts(value: str) -> set[str]:
    """The secrets in one value: itself, and those within a file, a URL or a key that it may be."""
    found = {value.strip(), *(match["value"] for match in _USERINFO.finditer(value))}
    if len(lines := value.splitlines()) > 1:
        found |= {line.strip() for line in lines if re.fullmatch(r"[A-Za-z0-9+/=]{24,}", line.strip())}
    found |= {match[1] for match in _ASSIGNED.finditer(value) if "/" not in match[1][:1] and "$" not in match[1]}
    return {item for item in found if len(item) >= SHORTEST}


def secret_values(secrets: Iterable[Obj]) -> set[str]:
    """Every value that the Secrets hide."""
    found: set[str] = set()
    for secret in secrets:
        for key, encoded in (secret.get("data") or {}).items():
            if key in PUBLIC_KEYS or not encoded:
                continue
            try:
                found |= parts(base64.b64decode(encoded).decode())
            except (binascii.Error, UnicodeDecodeError):
                found.add(encoded)  # bytes: only this form of them can stand in a text
    return found


class Masker:
    """Replaces the values in texts, in each form that they may take there. Values with fewer characters than ``shortest`` stay."""

    def __init__(self, values: Iterable[str], shortest: int = SHORTEST) -> None:
        forms: set[str] = set()
        for value in values:
            if len(value.strip()) >= shortest:
                encoded = base64.b64encode(value.encode()).decode()
                forms |= {value, encoded, encoded.rstrip("="), quote(value, safe=""), json.dumps(value)[1:-1]}
                forms |= {json.dumps(value, ensure_ascii=False)[1:-1], base64.b64encode(f"{value}\n".encode()).decode()}
        # The longest first: none is left half by one that is part of it.
        ordered = sorted(forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def text(self, text: str) -> str:
        if self._known:
            text = self._known.sub(MASK, text)
        for pattern in _PATTERNS:
            text = pattern.sub(lambda match: match["head"] + MASK, text)
        return text

    def manifest(self, item: Obj) -> str:
        """An object as JSON without secrets; of a Secret only the names of its keys, and how long each value is."""
        return self.text(json.dumps(_clean(item), indent=2, sort_keys=True, ensure_ascii=False))


def masked_words(text: str) -> str:
    """What a container said, for a message: without what looks like a secret. Its Secrets are not known here."""
    return _GIVEN.sub(lambda match: match["head"] + MASK, Masker(()).text(text))


def _clean(item: Obj) -> Obj:
    metadata = {key: value for key, value in (item.get("metadata") or {}).items() if key != "managedFields"}
    if annotations := metadata.get("annotations"):
        metadata["annotations"] = {key: value for key, value in annotations.items() if key not in DROPPED_ANNOTATIONS}
    cleaned = {**item, "metadata": metadata}
    if item.get("kind") == "Secret":
        cleaned.pop("stringData", None)
        cleaned["data"] = {key: f"{len(value)} characters" for key, value in (item.get("data") or {}).items()}
    return dict(_without_named(cleaned))


def _without_named(value: Any) -> Any:
    """Masks the plain value of every environment variable with a secret's name."""
    if isinstance(value, list):
        return [_without_named(item) for item in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("value"), str) and _SECRET_NAME.search(str(value.get("name") or "")) and value["value"]:
        return {**value, "value": MASK}
    return {key: _without_named(item) for key, item in value.items()}

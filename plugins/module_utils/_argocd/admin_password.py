# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The password of Argo CD's admin: a bcrypt hash in argocd-secret, which Argo CD's server watches."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError, InputError, LibraryMissing
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj
from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import KubeApi
from ansible_collections.gitops.airflow.plugins.module_utils._kube.declare import Place, update

SECRET, INITIAL_SECRET = "argocd-secret", "argocd-initial-admin-secret"
LONGEST = 72  # bcrypt looks at no more bytes
HASH, TIME = "admin.password", "admin.passwordMtime"


def bcrypt() -> Any:
    """The library. Raises LibraryMissing."""
    try:
        import bcrypt as library
    except ImportError as error:
        from ansible.module_utils.basic import missing_required_lib

        advice = "Install the library there, or choose a Python that has it (ansible_python_interpreter)."
        raise LibraryMissing(-1, missing_required_lib("bcrypt"), advice, "library_missing") from error
    return library


def check_password(password: str) -> None:
    """Raises InputError for a password that bcrypt cannot hash whole, LibraryMissing."""
    bcrypt()
    size = len(password.encode())
    if not 0 < size <= LONGEST or "\0" in password:
        message = f"The password of Argo CD's admin has {size} bytes{' and a NUL' if chr(0) in password else ''}."
        raise InputError(message, f"Give one of 1 to {LONGEST} bytes without NUL: bcrypt looks at no more.", "bad_password")


def matches(stored: str, password: str) -> bool:
    """Whether the stored value is a bcrypt hash of the password. A value that is not a hash matches no password."""
    try:
        return bool(bcrypt().checkpw(password.encode(), stored.encode()))
    except ValueError:
        return False


def hashed(password: str) -> str:
    """A new hash, in the form that Argo CD itself writes."""
    return str(bcrypt().hashpw(password.encode(), bcrypt().gensalt(10, prefix=b"2a")).decode())


def _decoded(value: Any) -> str:
    return base64.b64decode(value or "").decode("utf-8", "replace")


def set_password(
    api: KubeApi,
    namespace: str,
    password: str,
    *,
    check: bool,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> bool:
    """Stores the password's hash if the stored one is not of it. Returns whether it did, in check mode whether it would.

    :raises CollectionError: where argocd-secret does not exist or cannot be changed.
    """

    def change(present: Obj | None) -> Obj | None:
        if present is not None and matches(_decoded((present.get("data") or {}).get(HASH)), password):
            return None
        if present is None and not check:
            message = f"The Secret {SECRET} of {namespace} does not exist, so the admin password cannot be set."
            raise CollectionError(message, "Apply Argo CD's objects again (reapply).", "no_argocd")
        written = {HASH: hashed(password), TIME: now().strftime("%Y-%m-%dT%H:%M:%SZ")}
        return {"data": {key: base64.b64encode(text.encode()).decode() for key, text in written.items()}}

    declared = update(api, Place("v1", "Secret", "secrets", namespace, SECRET), change, check)
    return declared.changed

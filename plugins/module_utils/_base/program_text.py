# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a file of this collection that runs elsewhere, in a pod or in a container."""

from __future__ import annotations

from importlib.util import find_spec
from types import ModuleType
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError


def program_text(program: ModuleType, purpose: str) -> str:
    """The program, from a checkout or from the archive that Ansible makes of a module. ``purpose`` completes "The program that …".

    :raises CollectionError: if the file is missing.
    """
    spec = find_spec(program.__name__)
    loader: Any = spec.loader if spec else None
    text = loader.get_source(program.__name__) if hasattr(loader, "get_source") else None
    if not text:
        raise CollectionError(f"The program that {purpose} is missing from the collection.", "Reinstall the collection.")
    return text.decode() if isinstance(text, bytes) else str(text)  # the loader of Ansible's controller gives bytes

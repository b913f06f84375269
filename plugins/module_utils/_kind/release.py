# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of kind's binaries a machine needs. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError

# The names in kind's releases (kind: hack/release/build/cross.sh), by what Python's platform.system() and machine() return.
SYSTEMS = {"Linux": "linux", "Darwin": "darwin"}
ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def for_machine(text: str, system: str, machine: str) -> str:
    """A URL or checksum with the names of this system and architecture for ``{system}`` and ``{architecture}``.

    :raises InputError: where the text has one of them and kind has no binary for this machine.
    """
    names = {"{system}": SYSTEMS.get(system), "{architecture}": ARCHITECTURES.get(machine)}
    for placeholder, name in names.items():
        if placeholder in text and not name:
            raise InputError(
                f"kind publishes no binary for {system} on {machine}, so {text} cannot be completed.",
                "Give a URL without placeholders and the checksum of its file (kind_url and kind_checksum; in the roles platform_kind_url "
                "and platform_kind_checksum), or install kind and give its path (kind_binary; in the roles kind_cluster_kind_binary).",
            )
        text = text.replace(placeholder, name or "")
    return text


def checksum_for_machine(given: str | Mapping[str, str], system: str, machine: str) -> str:
    """The checksum for this machine: of a text its placeholders replaced, of a dictionary the value of a key such as ``linux-amd64``.

    :raises InputError: where there is none for this machine.
    """
    if isinstance(given, str):
        return for_machine(given, system, machine)
    key = for_machine("{system}-{architecture}", system, machine)
    if key not in given:
        raise InputError(
            f"kind_checksum has {', '.join(given) or 'no key'}, but not {key}, which is this machine.",
            "Add the checksum of its file to kind_checksum (in the roles platform_kind_checksum).",
        )
    return given[key]

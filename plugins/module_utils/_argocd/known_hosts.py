# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A platform's host keys in a known_hosts text that it shares with others. Pure: text in, text out; the lines of others stay as they are.

Each line of a platform ends with its mark: a comment that ssh and Argo CD ignore. ``argocd cert add-ssh`` writes the text anew and drops
lines that are comments, but keeps what follows a key (argo-cd: util/cert/cert.go, TokenizeSSHKnownHostsEntry). The last version of the
collection put its lines between two such comments.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from ansible_collections.gitops.airflow.plugins.module_utils._base.owner import PLATFORM

BEGIN, END = "# gitops.airflow: begin", "# gitops.airflow: end"


@dataclass(frozen=True)
class KnownHosts:
    """A known_hosts text, taken apart. ``foreign`` is the text without this platform's lines, byte for byte."""

    text: str
    foreign: str
    own: tuple[str, ...]  # this platform's entries, without mark
    blocks: bool  # whether some of them stand in blocks of the last version


def mark(platform: str) -> str:
    return f"{PLATFORM}={platform}"


def parse(text: str, platform: str, blocks: bool) -> KnownHosts:
    """Finds this platform's lines. ``blocks``: those of the last version's blocks are this platform's, too.

    A block ends at its end line. Without one, or if another block begins before it, only the begin line is the collection's.
    """
    lines = [line + "\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    inside = _block_lines(lines) if blocks else {}
    foreign, own = [], dict[str, None]()
    for index, line in enumerate(lines):
        fields = line.split()
        if fields and not line.startswith("#") and fields[-1] == mark(platform):
            own[line.rstrip().removesuffix(mark(platform)).strip()] = None
        elif index in inside:
            if entry := inside[index]:
                own[entry] = None
        else:
            foreign.append(line)
    return KnownHosts(text, "".join(foreign), tuple(own), bool(inside))


def _block_lines(lines: Sequence[str]) -> dict[int, str]:
    """The lines of the last version's blocks by number, with the entry of each; a marker, comment or empty line has none."""
    found: dict[int, str] = {}
    begin: int | None = None
    for index, line in enumerate(lines):
        if line.strip() == BEGIN:
            found[index], begin = "", index
        elif line.strip() == END:
            found[index] = ""
            if begin is not None:
                for between in range(begin + 1, index):
                    entry = lines[between].strip()
                    if not entry.rpartition(" ")[2].startswith(f"{PLATFORM}="):
                        found[between] = "" if entry.startswith("#") else entry
            begin = None
    return found


def render(present: KnownHosts, wanted: Sequence[str], platform: str) -> str:
    """The text with exactly the wanted entries of this platform, before those of others; the same text where it has them already."""
    if set(present.own) == set(wanted) and not present.blocks:
        return present.text
    return "".join(f"{entry} {mark(platform)}\n" for entry in dict.fromkeys(wanted)) + present.foreign


def trusted(text: str) -> set[str]:
    """The host keys in a text, whoever added them, without marks and comments."""
    found = set()
    for line in text.split("\n"):
        fields = line.split()
        if fields and not fields[0].startswith("#"):
            found.add(" ".join(fields[: 4 if fields[0].startswith("@") else 3]))
    return found


def superseded(entry: str, wanted: Sequence[str], servers: Set[str]) -> bool:
    """Whether an entry is needed no longer: it is of none of these servers, or the wanted ones have keys of its hosts at the same ports.

    A hashed entry does not name its host: it is needed while there is any of the servers.
    """
    hosts = host_names(entry)
    return not servers if not hosts else not hosts & servers or _names(entry) <= {name for item in wanted for name in _names(item)}


def _names(entry: str) -> set[str]:
    """The names of an entry, in lower case: a host, or a host in brackets with its port; none of a hashed one."""
    words = entry.split()
    names = words[1 if words[0].startswith("@") else 0].split(",")
    return {name.lower() for name in names if not name.startswith("|")}


def host_names(entry: str) -> set[str]:
    """The same without ports."""
    return {name.partition("]")[0].lstrip("[") for name in _names(entry)}


def single_keys(text: str) -> set[str]:
    """The same with a line for each host: a line may name several, with commas between."""
    found = set()
    for entry in trusted(text):
        words = entry.split()
        place = 1 if words[0].startswith("@") else 0
        found |= {" ".join([*words[:place], host, *words[place + 1 :]]) for host in words[place].split(",")}
    return found

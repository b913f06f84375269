# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why pip could not install, and what to do, from its output. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError
from ansible_collections.gitops.airflow.plugins.module_utils._base.mask import Masker

# Lines of pip's output that a message quotes, and the longest of them.
LAST, LONGEST = 8, 300
OWN_IMAGE = "docs/python-packages.md"
_OTHER = f"For other versions, build an image of your own ({OWN_IMAGE})."
_REQUESTED = re.compile(r"^\s*The user requested (?!\(constraint\) )(?P<what>\S.*?)\s*$", re.MULTILINE)
_CONSTRAINT = re.compile(r"^\s*The user requested \(constraint\) (?P<what>\S.*?)\s*$", re.MULTILINE)
_DEPENDS = re.compile(r"^\s*(?P<what>\S+ \S+ depends on \S.*?)\s*$", re.MULTILINE)
_CANNOT = re.compile(r"ERROR: Cannot install (?P<what>.+?) because (?:these package versions have|of) conflicting dependencies", re.DOTALL)
_NO_MATCH = re.compile(r"ERROR: No matching distribution found for (?P<what>.+)")
# Noise among the last lines: advice about pip itself, and the URLs of indexes, which may have a password that is not masked.
_NOISE = re.compile(
    r"^\s*(?:\[notice\]|Looking in (?:indexes|links):|WARNING: You are using pip version|"
    r"You should consider upgrading|note: This (?:error|is))"
)


@dataclass(frozen=True)
class Case:
    """One kind of failure: what pip says, what it means, and what to do. ``{file}`` is the requirements file."""

    code: str
    pattern: re.Pattern[str]
    meaning: str
    next_action: str


def _case(code: str, pattern: str, meaning: str, next_action: str) -> Case:
    return Case(code, re.compile(pattern, re.IGNORECASE), meaning, next_action)


# The first one that fits counts. An index that cannot be reached also ends in "No matching distribution".
CASES = (
    _case("no_pip", r"No module named '?pip\b", "the image has no pip.", "Use an image with pip, as the official image of Airflow has it."),
    _case("disk_full", r"No space left on device", "the disk is full.", "Free disk space of the container engine (docker system prune)."),
    _case(
        "hash_mismatch",
        r"DO NOT MATCH THE HASHES|Hashes are required in --require-hashes mode",
        "a package does not have the hash that the file names, or the file names none for it.",
        "Find out why the package differs. Correct the hashes in {file} only if you trust it (pip hash).",
    ),
    _case(
        "unauthorized",
        r"\b40[13] Client Error|Credentials not correct|ERROR: HTTP error 40[137]|\b407 Proxy Authentication",
        "the package index or the proxy refuses the credentials.",
        "Correct user and password of the index or proxy: PIP_INDEX_URL, pip.conf, .netrc or https_proxy of this machine.",
    ),
    _case(
        "bad_requirement",
        r"Invalid requirement:|Could not open requirements file|no such option|Invalid constraint",
        "a line is not a requirement.",
        "Correct the line in {file}.",
    ),
    _case("conflict", r"ResolutionImpossible|conflicting dependencies", "", ""),
    _case(
        "certificate",
        r"CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError|Could not find a suitable TLS CA certificate bundle",
        "the certificate of the package index is signed by an authority that is not trusted.",
        "Set PIP_CERT to a file with the certificate authority, and run again.",
    ),
    _case(
        "index_unreachable",
        r"NewConnectionError|ConnectTimeoutError|ReadTimeoutError|ProxyError|NameResolutionError|Temporary failure in name resolution"
        r"|Connection refused|Network is unreachable|Max retries exceeded|No route to host",
        "the package index cannot be reached.",
        "Check the network of this machine and pip's settings on it (pip config debug): index-url, proxy. Then run again.",
    ),
    _case(
        "not_found",
        r"No matching distribution found",
        "",
        "Correct name or version in {file}. Python in the image may be older than the package needs.",
    ),
    _case(
        "build_failed",
        r"subprocess-exited-with-error|Failed building wheel|Failed to build|metadata-generation-failed|Cannot find command 'git'",
        "a package has no wheel for the image's Python, and building it there failed.",
        f"Choose a version with a wheel, or build an image of your own with what the package needs ({OWN_IMAGE}).",
    ),
)


def failure(output: str, file: str, base: str, before: Mapping[str, str], masker: Masker) -> CollectionError:
    """What to say about a pip that failed. ``file``: the requirements file; ``before``: the packages of the image ``base``.

    The message quotes the last lines of pip, without secrets.
    """
    output = masker.text(output)
    case = next((item for item in CASES if item.pattern.search(output)), None)
    meaning = case.meaning if case else "pip failed."
    next_action = case.next_action if case else "Read pip's output above, and correct {file}."
    if case and case.code == "conflict":
        meaning, next_action = _conflict(output, base, before)
    elif case and case.code == "not_found":
        found = _NO_MATCH.search(output)
        meaning = f"the package index has no {found['what'].strip() if found else 'such package'} for the image's Python."
    message = f"The packages of {file} cannot be added to {base}: {meaning}\npip said:\n{last_lines(output)}"
    return CollectionError(message, next_action.replace("{file}", file), case.code if case else "pip_failed")


def replaced(names: list[str], file: str, base: str) -> CollectionError:
    """For a pip that installed other versions of the image's packages in spite of the constraints."""
    return CollectionError(
        f"The packages of {file} cannot be added to {base}: pip would replace {', '.join(names)}, which the image has already.",
        f"Remove what replaces {', '.join(names)} from {file}, such as a URL. {_OTHER}",
        "conflict",
    )


def _conflict(output: str, base: str, before: Mapping[str, str]) -> tuple[str, str]:
    """Meaning and next action for requirements that contradict each other or the packages of the image."""

    def unique(pattern: re.Pattern[str], use: Callable[[str], bool] = bool) -> list[str]:
        return [text for text in dict.fromkeys(match["what"] for match in pattern.finditer(output)) if use(text)]

    installed = {_key(name): (name, version) for name, version in before.items()}
    kept = [installed[key] for text in unique(_CONSTRAINT) if (key := _key(re.split(r"[=<>!~ @\[;]", text, maxsplit=1)[0])) in installed]
    wanted = unique(_REQUESTED) + unique(_DEPENDS, lambda text: not kept or any(_names(text, name) for name, _version in kept))
    if not wanted and (cannot := _CANNOT.search(output)):
        wanted = [" ".join(cannot["what"].split())]
    if not kept:
        named = f" ({'; '.join(wanted)})" if wanted else ""
        return f"they contradict each other{named}.", "Change these lines of {file} so that one version fits all."
    have = ", ".join(f"{name} {version}" for name, version in kept)
    asked = "; ".join([*wanted, f"the image has {have}"])
    return (
        f"the file needs another version of what the image has ({asked}). Packages of the image are never replaced, "
        "because Airflow was released and tested with them.",
        f"Change these lines of {{file}} so that they fit {have}, or leave the version out. {_OTHER}",
    )


def _key(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _names(dependency: str, name: str) -> bool:
    """Whether "a 1.0 depends on b<2" is about the package b."""
    needed = dependency.partition(" depends on ")[2]
    return _key(re.split(r"[=<>!~ @\[;(]", needed, maxsplit=1)[0]) == _key(name)


def last_lines(output: str) -> str:
    """The last lines of an output, each not too long."""
    found = [line.rstrip() for line in output.splitlines() if line.strip() and not _NOISE.match(line)]
    return "\n".join(line if len(line) <= LONGEST else f"{line[:LONGEST]} …" for line in found[-LAST:])

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A requirements file as an image can be built from it: what it asks for, and what in it cannot reach the build. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import InputError
from ansible_collections.gitops.airflow.plugins.module_utils._base.mask import masked_words

# pip reads these from the environment (pip: _internal/req/req_file.py, ENV_VAR_RE).
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_COMMENT = re.compile(r"(^|\s+)#.*$")
_OPTION = re.compile(r"(?P<name>--[a-z-]+|-[a-zA-Z])(?:\s*=\s*|\s*)(?P<value>.*)")
_REMOTE = re.compile(r"(?:https?|git\+https|git\+ssh)://", re.IGNORECASE)
_DIRECT = re.compile(r"[\w.-]+(?:\[[^]]*\])?\s*@\s*(?P<url>\S+)")
_URL = re.compile(r"(?<!\+)https?://\S+", re.IGNORECASE)
_USER = re.compile(r"(?<=://)[^/@?#\s]+@")
_QUERY = re.compile(r"\?\S*")
_ARCHIVE = re.compile(r"\.(?:whl|zip|tar\.gz|tgz|tar\.bz2)$", re.IGNORECASE)
# Options that name another file: only one that is on a server is in reach of the build.
_FILES = {"-c": "--constraint", "--constraint": "--constraint", "-f": "--find-links", "--find-links": "--find-links"}
_NESTED = ("-r", "--requirement")
_EDITABLE = ("-e", "--editable")
_OPTIONS = (
    *("-i", "--index-url", "--extra-index-url", "--no-index", "--trusted-host", "--pre", "--prefer-binary"),
    *("--only-binary", "--no-binary", "--require-hashes", "--use-feature", *_FILES),
)
MOVE = "Build an image of your own from it, and set platform_airflow_image to its name (docs/python-packages.md)."


def lines(text: str) -> list[str]:
    """The logical lines of a requirements file, without comments, empty lines and repeated spaces."""
    joined = re.sub(r"\\\r?\n", " ", text)
    found = (" ".join(_COMMENT.sub("", line).split()) for line in joined.splitlines())
    return [line for line in found if line]


def variables(text: str) -> list[str]:
    """The names of environment variables that pip replaces in the file by their values, each once."""
    return list(dict.fromkeys(_VARIABLE.findall("\n".join(lines(text)))))


def urls(text: str, environment: Mapping[str, str]) -> list[str]:
    """The URLs in the file from which pip reads, with the values of environment variables. Git reads its own (git+https)."""
    replaced = _VARIABLE.sub(lambda match: environment.get(match[1], ""), "\n".join(lines(text)))
    return _URL.findall(replaced)


def check(text: str, path: str) -> list[str]:
    """The logical lines of the file ``path``. Raises InputError for each line that cannot reach the build, or if no package is named."""
    found = lines(text)
    # A query may be a signature or a token.
    wrong = [f"- {masked_words(_QUERY.sub('?…', line))}: {reason}" for line in found for reason in _reasons(line)]
    if wrong:
        raise InputError(
            f"The image cannot be built from {path}:\n" + "\n".join(wrong),
            f"Correct these lines of {path}.",
            "bad_requirement",
        )
    if all(line.startswith("-") for line in found):
        raise InputError(
            f"{path} names no package.",
            "Add packages to the file, one a line, such as pandas==2.1.4. If no package is needed, unset the option.",
            "bad_requirement",
        )
    return found


def _reasons(line: str) -> Iterator[str]:
    """Why a line cannot be used; nothing if it can."""
    option = _OPTION.fullmatch(line) if line.startswith("-") else None
    if option and option["name"] in _NESTED:
        yield "the build has only this file. Put the other file's lines into it."
    elif option and option["name"] in _EDITABLE:
        yield f"a folder of this machine is not in the image. {MOVE}"
    elif option and option["name"] in _FILES:
        if not _REMOTE.match(option["value"]):
            yield f"{_FILES[option['name']]} must have a URL here, because the build has no other file of this machine."
    elif option:
        if option["name"] not in _OPTIONS:
            yield "this option of pip is not supported here."
    elif reason := _stored(line):
        yield reason
    elif _is_local(line):
        yield f"a file of this machine is not in the image. {MOVE}"


def _stored(line: str) -> str:
    """Why the URL of a package must not be in the image, where pip stores it without user and password. Empty if it may be, or is none."""
    named = _DIRECT.match(line)
    target = (named["url"] if named else line).split(" ", 1)[0]
    if not (named or _REMOTE.match(target) or target.startswith("${")):
        return ""
    stores = "pip stores this URL in the image (direct_url.json), with its"
    if "?" in target.partition("#")[0]:
        return f"{stores} query. Use a package index, or the URL of a wheel without a query."
    if "${" in _USER.sub("", target):
        return f"{stores} variable. Use a package index, or a URL with variables only as user and password."
    return ""


def _is_local(line: str) -> bool:
    named = _DIRECT.match(line)
    target = re.split(r"[ ;]", named["url"] if named else line, maxsplit=1)[0]
    if _REMOTE.match(target):
        return False
    return target.lower().startswith(("file:", ".", "/", "~")) or bool(named or _ARCHIVE.search(target))

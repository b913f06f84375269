# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a version of Airflow has a section and an option of its configuration. Pure.

The names come from Airflow's own description of its configuration, which is part of its wheel. scripts/known_names.py keeps the names of
all supported versions in one table of 9 kB. To inspect a running Airflow would come too late, and its wheel on the machine that runs the
playbook would be 13 MB for a list of words. An option that the table lacks may still be one of a plugin, or of a provider in an image of
the user's own: what is unknown is worth a warning, not a refusal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._airflow.option_names import OPEN, OPTIONS
from ansible_collections.gitops.airflow.plugins.module_utils._base.nearest import did_you_mean, nearest

# The names before Airflow 2.5. The section is still read; the platform writes the option for those who read it there.
FORMER = {"kubernetes": "kubernetes_executor"}
FORMER_OPTIONS = {"kubernetes": ("namespace_list",)}
# Sections whose options are names of people's own.
FREE = ("kubernetes_environment_variables", "kubernetes_secrets")
# How an option with a secret is given as a command or as a key of a secrets backend.
INDIRECT = ("_cmd", "_secret")
VARIABLE = re.compile(r"AIRFLOW__([A-Z0-9_.]+?)__([A-Z0-9_]+)")
WRITTEN = re.compile(r"(?P<name>\w+)(?:\+(?P<first>\d+))?(?:-(?P<last>\d+))?")


def paragraphs(text: str) -> dict[str, list[str]]:
    """The words of each paragraph of a table of names, by the word before its colon."""
    lines = re.sub(r"\n  ", " ", text).strip("\n").splitlines()
    return {name: words.split() for name, words in (line.split(":", 1) for line in lines)}


def minor(version: str) -> int | None:
    """The second number of a version of Airflow 2; None for another one."""
    found = re.match(r"2\.(\d+)", version)
    return int(found[1]) if found else None


@lru_cache
def known(version: str) -> Mapping[str, frozenset[str]]:
    """The options of each section that this version has. For a version that is not known, those of all."""
    wanted = minor(version)
    found = {}
    for section, words in paragraphs(OPTIONS).items():
        parts = [part for part in map(WRITTEN.fullmatch, words) if part]
        names = [part["name"] for part in parts if wanted is None or int(part["first"] or 0) <= wanted <= int(part["last"] or wanted)]
        if names:
            found[section] = frozenset(names)
    return found


def unknown_option(section: str, option: str, version: str) -> tuple[bool, str]:
    """Whether a version of Airflow does not know this option, and the name that is nearest to it, if one is near."""
    sections, plain = known(version), option.lower()
    name = FORMER.get(section, section)
    if section in OPEN.split() or section in FREE or plain in FORMER_OPTIONS.get(section, ()):
        return False, ""
    if name not in sections:
        place = nearest(section, [*sections, *OPEN.split()])
        near = option if place else ""
    elif any(word in sections[name] for word in (plain, *(plain.removesuffix(end) for end in INDIRECT))):
        return False, ""
    else:
        place, near = section, nearest(plain, sections[name])
    elsewhere = sorted(f"{other}.{plain}" for other, names in sections.items() if plain in names)
    return True, f"{place}.{near}" if near else "".join(elsewhere[:1])


def _set(config: Any, variables: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    """Section, option and where a person finds it."""
    for section, options in config.items() if isinstance(config, Mapping) else ():
        names = options if isinstance(options, Mapping) else ()
        yield from ((str(section), str(option), f"config.{section}.{option}") for option in names)
    for place, text in variables:
        found = VARIABLE.fullmatch(text)
        if found:
            yield found[1].lower(), found[2].lower(), f"{text} in {place}"


def unknown_options(config: Any, variables: Iterable[tuple[str, str]], version: str) -> Iterator[str]:
    """A sentence for each option that this version of Airflow does not know.

    ``config`` are options by section, ``variables`` are the names of environment variables with the place that sets them.
    """
    for section, option, place in _set(config, variables):
        unknown, near = unknown_option(section, option, version)
        if unknown:
            yield f"airflow_app_values sets {place}, which Airflow {version} does not know.{did_you_mean(near)}"

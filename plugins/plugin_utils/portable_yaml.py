# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML that YAML 1.1, YAML 1.2 and Helm read alike. Pure.

PyYAML leaves a text such as ``y``, ``1e3`` or ``08`` without quotes, because it reads it as a text itself. Helm reads ``true``, 1000 and 8.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

# No parser takes a text that begins like this for a number or a date.
_WORD = re.compile(r"[A-Za-z/_]")
# What a parser may take for something else than a text, in lower case.
_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))


def is_plain(text: str) -> bool:
    """Whether every parser takes the text for a text without quotes, as far as PyYAML itself needs none."""
    return bool(_WORD.match(text)) and text.lower() not in _WORDS


class _Dumper(yaml.SafeDumper):
    """Quotes what is not plain, and writes each value out instead of a reference to an earlier one."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if is_plain(text) else '"')


_Dumper.add_representer(str, _represent)


def portable_yaml(value: Any, indent: int = 2, width: int = 160) -> str:
    """The value (of dictionaries, lists, texts, numbers, booleans and None) as a YAML document, keys in their order."""
    return str(yaml.dump(value, Dumper=_Dumper, indent=indent, width=width, sort_keys=False, default_flow_style=False, allow_unicode=True))

#!/usr/bin/env python
# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the names of Airflow's options and of the official chart's values, which the preflight compares with what people set.

    scripts/known_names.py                  # the options, from Airflow's wheels and its providers' on the package index
    scripts/known_names.py --chart FILE     # the chart's keys, from its values.schema.json

Only names are kept. An option stands once, with the first and last minor version of Airflow 2 that has it. To add a version of Airflow or
of a provider, extend the lists below and run this again. Needs pip and PyYAML.
"""

from __future__ import annotations

import argparse
import ast
import json
import subprocess
import sys
import tempfile
import textwrap
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "plugins/module_utils/_airflow"
AIRFLOW = ("2.6.3", "2.7.3", "2.8.4", "2.9.3", "2.10.5")
# Since 2.7 the sections of providers are no longer Airflow's own. These are in the official image.
PROVIDERS = (
    "amazon==9.1.0",
    "apache-hive==8.2.1",
    "celery==3.8.5",
    "cncf-kubernetes==10.1.0",
    "common-io==1.4.2",
    "elasticsearch==5.5.3",
    "fab==1.5.3",
    "microsoft-azure==11.1.0",
    "openlineage==1.14.0",
    "opensearch==1.5.0",
    "smtp==1.8.1",
)
# The provider's section that the platform itself sets: its options are compared, too.
COMPARED = "kubernetes_executor"
# A section of Airflow's own that takes what its library knows.
PASSED_ON = "sentry"
# Keys of chart 1.15 that later versions moved elsewhere.
MOVED = {"webserver": {"defaultUser"}}
HEADER = '''# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""{purpose}

Written by scripts/known_names.py.
"""

from __future__ import annotations

'''

Names = dict[str, dict[str, set[int]]]


def wheel(requirement: str, folder: str) -> zipfile.ZipFile:
    """The wheel of a package, without its dependencies."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--python-version", "3.11"]
    into = Path(folder) / requirement
    subprocess.run([*command, "--dest", str(into), requirement], check=True)
    return zipfile.ZipFile(next(into.glob("*.whl")))


def assigned(source: str, *names: str) -> Iterator[Any]:
    """The values of a module's or class's variables with these names, as far as they are literals."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") in names and node.value:
            yield ast.literal_eval(node.value)


def own_options(archive: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """Section and option of what Airflow describes, and of the deprecated names that it still reads."""
    described = yaml.safe_load(archive.read("airflow/config_templates/config.yml"))
    for section, content in described.items():
        yield from ((section, option) for option in content["options"])
    for mapping in assigned(archive.read("airflow/configuration.py").decode(), "deprecated_options", "many_to_one_deprecated_options"):
        for old in mapping.values():
            yield from ((entry[0], entry[1]) for entry in (old if isinstance(old, list) else [old]))


def provider_options(archive: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    (name,) = (name for name in archive.namelist() if name.endswith("get_provider_info.py"))
    tree = ast.parse(archive.read(name))
    (returned,) = (node.value for node in ast.walk(tree) if isinstance(node, ast.Return) and node.value)
    info = ast.literal_eval(returned)
    for section, content in (info.get("config") or {}).items():
        yield from ((section, option) for option in content["options"])


def written(option: str, minors: set[int], every: list[int]) -> str:
    """``name``, ``name+7`` (from 2.7 on), ``name-8`` (until 2.8) or both."""
    first = f"+{min(minors)}" if min(minors) > every[0] else ""
    last = f"-{max(minors)}" if max(minors) < every[-1] else ""
    return f"{option}{first}{last}"


def block(lines: Mapping[str, list[str]]) -> str:
    """One paragraph for each entry, its continuation lines indented."""
    wrapped = (
        textwrap.fill(f"{name}: {' '.join(words)}", 138, subsequent_indent="  ", break_on_hyphens=False) for name, words in lines.items()
    )
    return "\n".join(line.rstrip() for line in wrapped)


def options() -> str:
    every = [int(version.split(".")[1]) for version in AIRFLOW]
    found: Names = {}
    open_sections = {PASSED_ON}
    with tempfile.TemporaryDirectory() as folder:
        for version, minor in zip(AIRFLOW, every, strict=True):
            for section, option in own_options(wheel(f"apache-airflow=={version}", folder)):
                found.setdefault(section, {}).setdefault(option.lower(), set()).add(minor)
        for provider in PROVIDERS:
            for section, option in provider_options(wheel(f"apache-airflow-providers-{provider}", folder)):
                open_sections.add(section)
                if section == COMPARED:
                    found[section][option] = set(every)
    # What left Airflow's own description for a provider's is the provider's.
    newest = {section for section, names in found.items() if any(every[-1] in minors for minors in names.values())}
    open_sections |= set(found) - newest
    compared = {COMPARED: found.pop(COMPARED)} | {name: found[name] for name in sorted(found) if name not in open_sections}
    compared[COMPARED] = {name: set(every) for name in compared[COMPARED]}
    lines = {name: [written(option, compared[name][option], every) for option in sorted(compared[name])] for name in sorted(compared)}
    sections = textwrap.fill(" ".join(sorted(open_sections - {COMPARED})), 138, break_on_hyphens=False)
    purpose = "Options of Airflow's configuration by section: name, first (+) and last (-) minor version of Airflow 2 that has it."
    note = "# Sections whose options are not listed here: providers' own."
    return HEADER.format(purpose=purpose) + f'OPTIONS = """\n{block(lines)}\n"""\n{note}\nOPEN = """\n{sections}\n"""\n'


def chart_keys(schema: dict[str, Any]) -> str:
    """The keys of the chart's values, and those of each component that refuses others."""
    properties = schema["properties"]
    properties["dags.gitSync"] = properties["dags"]["properties"]["gitSync"]
    closed = {
        name: part["properties"] for name, part in properties.items() if part.get("additionalProperties") is False and "properties" in part
    }
    lines = {"": sorted({*properties, "global"} - {"dags.gitSync"})}
    lines |= {name: sorted({*keys, *MOVED.get(name, ())}) for name, keys in sorted(closed.items())}
    purpose = "Keys of the official chart's values, first those at the top, then those of components, with those of later chart versions."
    return HEADER.format(purpose=purpose) + f'KEYS = """\n{block(lines)}\n"""\n'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chart", type=Path, help="values.schema.json of the official chart")
    given = parser.parse_args()
    if given.chart:
        (TARGET / "chart_keys.py").write_text(chart_keys(json.loads(given.chart.read_text())))
    else:
        (TARGET / "option_names.py").write_text(options())


if __name__ == "__main__":
    main()

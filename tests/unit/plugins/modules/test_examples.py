# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module has five examples, and every example of one of the collection's modules has options that this module takes."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gitops.airflow.tests.unit.places import ROOT

PREFIX = "gitops.airflow."
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py") if path.stem != "__init__")
GROUPS = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["action_groups"]
LEAST = 5
# What stands for a value that Ansible would render, by the type of the option.
SAMPLES = {"bool": True, "int": 1, "float": 1.0, "list": [], "dict": {}}
RULES = ("mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by")
TEMPLATE = re.compile(r"{{|{%")


class Created(Exception):
    """Ends a module where it would read its options."""

    def __init__(self, given: dict[str, Any]) -> None:
        super().__init__()
        self.given = given


def module(name: str) -> Any:
    return importlib.import_module(f"ansible_collections.gitops.airflow.plugins.modules.{name}")


def documented(name: str) -> dict[str, Any]:
    """The arguments of AnsibleModule for a module without code of its own, which an action plugin runs."""
    options = yaml.safe_load(module(name).DOCUMENTATION)["options"]
    return {"argument_spec": {key: {"type": option["type"], "required": option.get("required", False)} for key, option in options.items()}}


def created(name: str) -> dict[str, Any]:
    """The arguments with which a module makes its AnsibleModule."""

    def create(**given: Any) -> Any:
        raise Created(given)

    if not hasattr(module(name), "main"):
        return documented(name)
    with pytest.raises(Created) as caught:
        module(name).main(create)
    return caught.value.given


def entries(name: str) -> list[dict[str, Any]]:
    found = yaml.safe_load(module(name).EXAMPLES)
    assert isinstance(found, list)
    return found


def uses(entry: Any, defaults: Mapping[str, Any] | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """The collection's modules in a task, a block or a play: name and options, with those of module_defaults."""
    if isinstance(entry, list):
        for item in entry:
            yield from uses(item, defaults)
    if not isinstance(entry, dict):
        return
    defaults = {**(defaults or {}), **(entry.get("module_defaults") or {})}
    for key, value in entry.items():
        if key.startswith(PREFIX):
            name = key.removeprefix(PREFIX)
            groups = [f"group/{PREFIX}{group}" for group, names in GROUPS.items() if name in names]
            options: dict[str, Any] = {}
            for source in [*groups, key]:
                options |= defaults.get(source) or {}
            yield name, options | (value or {})
        elif key != "module_defaults":
            yield from uses(value, defaults)


def sample(option: Mapping[str, Any]) -> Any:
    if option.get("choices"):
        return option["choices"][0]
    found = SAMPLES.get(option.get("type", "str"), "x")
    below = option.get("options") or {}
    return {key: sample(item) for key, item in below.items() if item.get("required")} if found == {} else found


def rendered(value: Any, option: Mapping[str, Any]) -> Any:
    """A value with something of its type in place of each template."""
    if isinstance(value, str) and TEMPLATE.search(value):
        return sample(option)
    below = option.get("options") or {}
    if isinstance(value, dict):
        return {key: rendered(item, below.get(key, {})) for key, item in value.items()}
    if isinstance(value, list):
        element = {"type": option.get("elements", "str"), "options": below}
        return [rendered(item, element) for item in value]
    return value


@pytest.mark.parametrize("name", MODULES)
def test_every_module_has_five_examples(name: str) -> None:
    found = [entry for entry in entries(name) if name in {used for used, _options in uses(entry)}]
    assert len(found) >= LEAST
    assert all(entry.get("name") for entry in entries(name)), "an example has no name"


@pytest.mark.parametrize("name", MODULES)
def test_examples_have_options_that_the_modules_take(name: str) -> None:
    found = list(uses(entries(name)))
    assert found
    for used, options in found:
        given = created(used)
        spec = given["argument_spec"]
        validator = ArgumentSpecValidator(spec, **{rule: given[rule] for rule in RULES if given.get(rule)})
        result = validator.validate({key: rendered(value, spec.get(key, {})) for key, value in options.items()})
        assert result.error_messages == [], (used, options)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"name": "a", "gitops.airflow.x": {"a": 1}}, [("x", {"a": 1})]),
        ({"name": "a", "gitops.airflow.x": None}, [("x", {})]),
        ({"name": "a", "ansible.builtin.debug": {"msg": "a"}}, []),
        ({"block": [{"gitops.airflow.x": {"a": 1}}], "rescue": [{"gitops.airflow.y": {}}]}, [("x", {"a": 1}), ("y", {})]),
        (
            {
                "module_defaults": {"group/gitops.airflow.airflow": {"url": "u", "dag_id": "a"}},
                "block": [{"gitops.airflow.airflow_dag": {"dag_id": "b"}}, {"gitops.airflow.git_publish": {}}],
            },
            [("airflow_dag", {"url": "u", "dag_id": "b"}), ("git_publish", {})],
        ),
    ],
)
def test_modules_are_found_in_blocks_with_their_defaults(entry: dict[str, Any], expected: list[Any]) -> None:
    assert list(uses(entry)) == expected


@pytest.mark.parametrize(
    ("value", "option", "expected"),
    [
        ("a", {"type": "str"}, "a"),
        ("{{ a }}", {"type": "list"}, []),
        ("{{ a }}", {"type": "str", "choices": ["b", "c"]}, "b"),
        ("{{ a }}", {"type": "dict", "options": {"b": {"type": "int", "required": True}, "c": {}}}, {"b": 1}),
        ({"b": "{{ a }}"}, {"type": "dict", "options": {"b": {"type": "bool"}}}, {"b": True}),
        (["{{ a }}"], {"type": "list", "elements": "int"}, [1]),
    ],
)
def test_a_template_counts_as_a_value_of_the_right_type(value: Any, option: dict[str, Any], expected: Any) -> None:
    assert rendered(value, option) == expected

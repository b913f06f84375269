# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same input is the same tag, and an image of that tag is not built again."""

from __future__ import annotations

import json

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._image.plan import (
    BUILD,
    INPUTS,
    NOTHING,
    PACKAGES,
    Package,
    inputs,
    packages_of,
    plan,
    tag,
)

LINES = ["pandas==2.0.3", "pyarrow"]
ID = "sha256:" + "ab" * 32
CHECKSUM = "0123456789abcdef" * 4


def test_the_checksum_is_that_of_earlier_versions() -> None:
    """Another one would build every image again."""
    assert inputs(LINES, ID) == "6638c6d59b2f99e086ad37e701c6fe8b35084c14c8674e8df8bc2cae34da0d1f"


@pytest.mark.parametrize(
    ("lines", "base_id"),
    [
        (["pandas==2.0.2", "pyarrow"], ID),
        (["pandas==2.0.3"], ID),
        (["pyarrow", "pandas==2.0.3"], ID),
        (["pandas==2.0.3pyarrow"], ID),
        (LINES, "sha256:" + "cd" * 32),
    ],
)
def test_another_input_is_another_checksum(lines: list[str], base_id: str) -> None:
    assert inputs(lines, base_id) != inputs(LINES, ID)


@pytest.mark.parametrize(
    ("base", "checksum", "expected"),
    [
        ("apache/airflow:2.6.3", CHECKSUM, "2.6.3-0123456789ab"),
        ("apache/airflow:slim-2.6.3-python3.11", CHECKSUM, "slim-2.6.3-python3.11-0123456789ab"),
        ("registry.example.com:5000/airflow:2.6.3", CHECKSUM, "2.6.3-0123456789ab"),
        (f"registry.example.com:5000/airflow@{ID}", CHECKSUM, "airflow-0123456789ab"),
        (f"apache/airflow:2.6.3@{ID}", CHECKSUM, "2.6.3-0123456789ab"),
        (f"apache/airflow:{'x' * 128}", CHECKSUM, f"{'x' * 115}-0123456789ab"),
        ("apache/airflow:2.6.3", "", "2.6.3-unknown"),
    ],
)
def test_the_tag(base: str, checksum: str, expected: str) -> None:
    assert tag(base, checksum) == expected


NAME = f"localhost/gitops-airflow/airflow:{tag('apache/airflow:2.6.3', inputs(LINES, ID))}"
ADDED = [{"name": "numpy", "version": "1.25.1"}, {"name": "pandas", "version": "2.0.3"}]
GOOD = {INPUTS: inputs(LINES, ID), PACKAGES: json.dumps(ADDED)}


@pytest.mark.parametrize(
    ("images", "lines", "base_id", "action"),
    [
        pytest.param({}, LINES, ID, BUILD, id="absent"),
        pytest.param({NAME: GOOD}, LINES, ID, NOTHING, id="present"),
        pytest.param({NAME: GOOD}, ["pandas==2.0.4"], ID, BUILD, id="other packages"),
        pytest.param({NAME: GOOD}, LINES, "sha256:" + "cd" * 32, BUILD, id="other base image"),
        pytest.param({NAME: {}}, LINES, ID, BUILD, id="an image of others"),
        pytest.param({NAME: {INPUTS: "x"}}, LINES, ID, BUILD, id="another image of ours"),
    ],
)
def test_when_an_image_is_built(images: dict[str, dict[str, str]], lines: list[str], base_id: str, action: str) -> None:
    found = plan("apache/airflow:2.6.3", base_id, lines, images.get)
    assert found.action == action
    assert found.inputs == inputs(lines, base_id)
    assert (found.image == NAME) == (lines == LINES and base_id == ID)
    assert found.packages == ((Package("numpy", "1.25.1"), Package("pandas", "2.0.3")) if action == NOTHING else ())


def test_without_the_base_image_the_tag_is_unknown() -> None:
    found = plan("apache/airflow:2.6.3", "", LINES, lambda _name: None, "example.com/a")
    assert (found.action, found.image, found.inputs) == (BUILD, "example.com/a:2.6.3-unknown", "")


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"name": "a"}]', "null"])
def test_a_label_that_cannot_be_read(text: str) -> None:
    assert packages_of({PACKAGES: text}) == []

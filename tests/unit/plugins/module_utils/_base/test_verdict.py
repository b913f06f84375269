# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists and texts in messages stay short, however much a cluster has to say, and end with the reason."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import contains, listed, named
from hypothesis import given
from hypothesis.strategies import integers, text


@pytest.mark.parametrize(
    ("items", "shown"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b", "a"], "a, b"),
        (["a", "b", "c", "d", "e", "f"], "a, b, c, d, e, f"),
        (["a", "b", "c", "d", "e", "f", "g"], "a, b, c, d, e, f and 1 more"),
        ([f"pod-{number}" for number in range(10_000)], "pod-0, pod-1, pod-2, pod-3, pod-4, pod-5 and 9994 more"),
    ],
)
def test_of_many_names_the_first_are_shown(items: list[str], shown: str) -> None:
    assert named(items) == shown


CACHED = "rpc error: code = Unknown desc = Manifest generation error (cached): "
HELM = (
    "failed to execute helm template command: failed to get command args to log: `helm template . --name-template airflow-core --namespace "
    "airflow-core --values /tmp/_argocd-repo/0a1b2c3d/platform/airflow/core/values.yaml <api versions removed> --include-crds` failed exit "
    "status 1: Error: values don't meet the specifications of the schema(s) in the following chart(s): airflow: - (root): "
)
REASON = "Additional property webservr is not allowed"
PATH = "/tmp/_argocd-repo/" + "/".join(["0a1b2c3d4e5f"] * 40) + "/values.yaml"
WORD = "x" * 400


@pytest.mark.parametrize("length", [200, 300, 600])
@pytest.mark.parametrize(
    "text",
    [
        f"Failed to load target state: {CACHED}{HELM}{REASON}",
        f"Failed to load target state: {CACHED * 8}{REASON}",
        f"Failed to load target state: {CACHED}failed to parse {PATH}: {REASON}",
        f"{HELM * 3}{REASON}",
        f"exit status 1: {WORD} {REASON}",
        f"one or more tasks failed: {'one or more tasks failed: ' * 40}{REASON}",
        f"{HELM}\n\n\t{REASON}\n",
        f"Unable to mount: {'volume data of the claim, ' * 100}{REASON}",
    ],
    ids=["helm", "wrappers", "path", "repeated", "long word", "repetition", "lines", "list"],
)
def test_v19_the_reason_survives_shortening(text: str, length: int) -> None:
    cut = shorten(text, length)
    assert cut.endswith(REASON)
    assert len(cut) <= length


def test_v19_what_says_nothing_goes_first() -> None:
    assert shorten(f"Failed to load target state: {CACHED * 8}{REASON}", 100) == f"Failed to load target state: {REASON}"
    assert shorten(f"{CACHED}failed to parse {PATH}: {REASON}", 100) == f"failed to parse …/values.yaml: {REASON}"
    # What fits is left as it is.
    assert shorten(f"{CACHED}{REASON}") == f"{CACHED}{REASON}"


def test_v19_a_url_is_left_whole_or_out() -> None:
    url = "https://git.example/a/b/c/d/e.git"
    assert url in shorten(f"cannot read {PATH}: {url}: {REASON}", 120)
    # A word that says that what follows is a secret stays before it.
    assert shorten(f"password: one: {'and so on ' * 10}: password: two", 60).startswith("password: ")


@given(text=text(min_size=1, max_size=400), length=integers(min_value=40, max_value=300))
def test_v19_fuzz_a_shortened_text_ends_as_the_text_does(text: str, length: int) -> None:
    line = " ".join(text.split())
    cut = shorten(text, length)
    assert len(cut) <= length
    assert cut == line or not line or cut[-1] == line[-1]


@pytest.mark.parametrize(
    ("whole", "part", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {"b": None}, False),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, True),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, False),
        ("a", {"a": 1}, False),
        (None, {}, False),
        ({}, {}, True),
        ([{"a": 1, "b": 2}], [{"a": 1}], True),
        ([{"a": 1}, 2], [{"a": 1}], False),
        ([1, 2], [2, 1], False),
        ("ab", ["a", "b"], False),
        (None, [], False),
        (1, 1, True),
        (1, 2, False),
    ],
)
def test_what_is_found_in_another(whole: Any, part: Any, expected: bool) -> None:
    assert contains(whole, part) is expected


@pytest.mark.parametrize(("most", "shown"), [(1, "a; and 2 more"), (2, "a; b; and 1 more"), (3, "a; b; c"), (4, "a; b; c")])
def test_the_first_in_one_line(most: int, shown: str) -> None:
    assert listed(["a", "b", "c"], most) == shown

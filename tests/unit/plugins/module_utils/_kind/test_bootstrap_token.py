# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""D1: from which clusters kind's bootstrap token is deleted, and when status warns of it."""

from __future__ import annotations

import base64
import datetime
from typing import Any

import pytest
import yaml
from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import ApiError
from ansible_collections.gitops.airflow.plugins.module_utils._kind.bootstrap_token import (
    Made,
    MadeFile,
    carries,
    is_recorded,
    may_delete,
    read_token_warning,
    token_warning,
)
from ansible_collections.gitops.airflow.plugins.module_utils._kind.config import NodeContent

NOW = datetime.datetime(2026, 11, 26, 12, tzinfo=datetime.UTC)
OURS = {"evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%"}, "imageGCHighThresholdPercent": 95}
KINDS = {"evictionHard": {"nodefs.available": "0%"}, "imageGCHighThresholdPercent": 100, "cgroupRoot": "/kubelet"}


def config(settings: dict[str, Any]) -> dict[str, Any]:
    return {"nodes": [{"role": "worker"}, {}], "kubeadmConfigPatches": [yaml.safe_dump({"kind": "KubeletConfiguration", **settings})]}


def content(settings: dict[str, Any]) -> NodeContent:
    return NodeContent(joined=True, kubeadm={"KubeletConfiguration": {"kind": "KubeletConfiguration", **settings}})


@pytest.mark.parametrize(
    ("wanted", "given", "expected"),
    [
        pytest.param(OURS, {**KINDS, **OURS}, True, id="ours"),
        pytest.param(OURS, KINDS, False, id="a plain kind cluster"),
        pytest.param(OURS, {**KINDS, "evictionHard": OURS["evictionHard"]}, False, id="only a part of ours"),
        pytest.param({"imageGCHighThresholdPercent": 100}, KINDS, False, id="what kind sets itself is no mark"),
        pytest.param({}, KINDS, False, id="a configuration without settings marks nothing"),
    ],
)
def test_d1_the_mark_of_an_earlier_version(wanted: dict[str, Any], given: dict[str, Any], expected: bool) -> None:
    assert carries(config(wanted), content(given)) is expected


@pytest.mark.parametrize(("place", "expected"), [(0, False), (1, True)])
def test_d1_the_mark_is_on_the_first_control_plane(place: int, expected: bool) -> None:
    nodes: list[dict[str, Any]] = [{"role": "worker"}, {"role": "control-plane"}]
    nodes[place]["kubeadmConfigPatches"] = [yaml.safe_dump({"kind": "KubeletConfiguration", **OURS})]
    assert carries({"nodes": nodes}, content({**KINDS, **OURS})) is expected


def test_d1_a_node_that_was_not_read_has_no_mark() -> None:
    assert not carries(config(OURS), None)


@pytest.mark.parametrize(
    ("made", "marked", "expected"),
    [
        (Made("a"), False, True),
        (Made("a", token_deleted=True), True, False),
        (Made("b", token_deleted=True), True, True),
        (Made("b"), False, False),
        (None, True, True),
        (None, False, False),
    ],
)
def test_d1_the_record_goes_before_the_mark(made: Made | None, marked: bool, expected: bool) -> None:
    assert may_delete(made, "a", config(OURS), content(OURS if marked else KINDS)) is expected


@pytest.mark.parametrize(
    ("made", "containers", "expected"),
    [
        (Made("a", token_deleted=True), {"a", "b"}, True),
        (Made("a"), {"b"}, False),
        (Made("a"), set(), False),
        (Made(""), {""}, False),
        (None, {"a"}, False),
    ],
)
def test_h1_a_record_is_of_its_own_container(made: Made | None, containers: set[str], expected: bool) -> None:
    assert is_recorded(made, containers) is expected


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '{"other": 1}'])
def test_d1_a_record_that_cannot_be_read_is_none(tmp_path: Any, text: str) -> None:
    record = MadeFile(str(tmp_path), "lab")
    assert record.read() is None
    record.path.write_text(text)
    assert record.read() is None
    record.write(Made("a", True))
    assert record.read() == Made("a", True)


def secret(**data: str) -> dict[str, Any]:
    return {"data": {key.replace("_", "-"): base64.b64encode(value.encode()).decode() for key, value in data.items()}}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(
            secret(token_secret="0123456789abcdef", expiration="2026-11-27T05:00:00Z"), "valid until 2026-11-27T05:00:00Z:", id="valid"
        ),
        pytest.param(secret(token_secret="0123456789abcdef"), "token is valid: who", id="for ever"),
        pytest.param(secret(token_secret="0123456789abcdef", expiration="2026-11-26T05:00:00Z"), "", id="expired"),
        pytest.param(secret(token_secret="0123456789abcdef", expiration="2026-11-26T12:00:00Z"), "", id="expires now"),
        pytest.param(secret(token_secret="0123456789abcdef", expiration="2026-11-25T05:00:00"), "token is valid", id="no time zone"),
        pytest.param(secret(token_secret="9f86d081884c7d65"), "", id="a token of the same name that nobody knows"),
        pytest.param({}, "", id="nothing"),
        pytest.param({"data": {"token-secret": None}}, "", id="an empty value, as Go writes it"),
        pytest.param(secret(token_secret="0123456789abcdef", expiration="2026-11-26T13:30:00+02:00"), "", id="expired in another zone"),
    ],
)
def test_d1_status_warns(found: dict[str, Any], expected: str) -> None:
    said = token_warning(found, NOW)
    assert (expected in said) if expected else said == ""


@pytest.mark.parametrize("code", [403, 404, 0])
def test_d1_a_secret_that_cannot_be_read_is_no_warning(code: int) -> None:
    class Api:
        def get(self, path: str) -> dict[str, Any]:
            assert path == "/api/v1/namespaces/kube-system/secrets/bootstrap-token-abcdef"
            raise ApiError(code, "no")

    assert read_token_warning(Api()) == []

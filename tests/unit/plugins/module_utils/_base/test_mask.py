# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is masked, and what is left to read."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.mask import MASK, Masker, masked_words, parts, secret_values

PASSWORD = 'Zq4/kP+2"x~v'


def secret(**data: str) -> dict[str, Any]:
    return {
        "kind": "Secret",
        "metadata": {"name": "s"},
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
    }


@pytest.mark.parametrize(
    "text",
    [
        PASSWORD,
        f"login with {PASSWORD} failed",
        base64.b64encode(PASSWORD.encode()).decode(),
        base64.b64encode(f"{PASSWORD}\n".encode()).decode(),
        "mysql://airflow:Zq4%2FkP%2B2%22x~v@db:3306",
        json.dumps({"password": PASSWORD}),
    ],
)
def test_a_known_value_is_masked_in_each_form(text: str) -> None:
    masked = Masker(secret_values([secret(password=PASSWORD)])).text(text)
    assert MASK in masked
    assert "Zq4" not in masked
    assert base64.b64encode(PASSWORD.encode()).decode()[:10] not in masked


@pytest.mark.parametrize(
    ("value", "hidden"),
    [
        ("mysql+mysqldb://airflow:pass-4711@db/airflow", "pass-4711"),
        ("[security]\nSECRET_KEY = k3yk3yk3y\nROOT_URL = http://git/", "k3yk3yk3y"),
        ('{"auths": {"r": {"auth": "dXNlcjpwYXNz"}}}', "dXNlcjpwYXNz"),
        ("-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\n-----END KEY-----", "MIIEvQIBADANBgkqhkiG9w0BAQEF"),
    ],
)
def test_the_secrets_within_a_value_are_found(value: str, hidden: str) -> None:
    assert hidden in parts(value)


def test_a_containers_environment_as_the_kubelet_prints_it() -> None:
    said = "&Container{Name:db,Env:[]EnvVar{EnvVar{Name:DB_PASSWORD,Value:open-4711,ValueFrom:nil,},EnvVar{Name:MODE,Value:fast,},}"
    masked = Masker([]).text(said)
    assert masked == said.replace("open-4711", MASK)


def test_who_and_where_stay_readable() -> None:
    values = secret_values([secret(username="gitops", url="http://gitea.git:3000/x.git", password="s3cret-token", type="git")])
    assert values == {"s3cret-token"}


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("clone https://bob:hunter22@git.example.com/x.git", f"clone https://bob:{MASK}@git.example.com/x.git"),
        ("Authorization: Bearer abc.def-123", f"Authorization: Bearer {MASK}"),
        ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.sflKxwRJ", f"token {MASK}"),
        ("ghp_" + "a1B2" * 9, MASK),
        ("http://gitea.git.svc.cluster.local:3000/gitops/dags.git at 12:30:01", None),
        ("pod airflow-core/airflow-scheduler-5d8f: 2 of 2 ready", None),
    ],
)
def test_what_looks_like_a_secret(text: str, masked: str | None) -> None:
    assert Masker([]).text(text) == (masked or text)


def test_a_secret_keeps_its_keys_only() -> None:
    item = secret(password=PASSWORD)
    item["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": PASSWORD, "kept": "yes"}
    shown = json.loads(Masker([]).manifest(item))
    assert shown["data"] == {"password": "16 characters"}
    assert shown["metadata"]["annotations"] == {"kept": "yes"}


def test_environment_variables_with_a_secrets_name_lose_their_value() -> None:
    env = [
        {"name": "DB_PASSWORD", "value": "x"},
        {"name": "PORT", "value": "80"},
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s"}}},
    ]
    shown = json.loads(Masker([]).manifest({"kind": "Pod", "spec": {"containers": [{"env": env}]}}))
    assert shown["spec"]["containers"][0]["env"] == [{"name": "DB_PASSWORD", "value": MASK}, *env[1:]]


def test_short_values_would_blot_out_words() -> None:
    assert Masker(["core"]).text("airflow-core") == "airflow-core"


def test_a_value_that_is_part_of_another_leaves_nothing_of_it() -> None:
    assert Masker(["abcdef", "abcdefghij"]).text("x abcdefghij") == f"x {MASK}"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("MYSQL_PASSWORD=hunter2secret", f"MYSQL_PASSWORD={MASK}"),
        ('connect(host="db", password="hunter2secret")', f'connect(host="db", password="{MASK}")'),
        ("{'password': 'hunter2secret', 'login': 'workers'}", f"{{'password': '{MASK}', 'login': 'workers'}}"),
        ('{\\"password\\": \\"hunter2secret\\"}', f'{{\\"password\\": \\"{MASK}\\"}}'),
        ("GET /?api_key=hunter2secret&page=2", f"GET /?api_key={MASK}&page=2"),
        ("mysql://airflow:hunter2secret@db/airflow", f"mysql://airflow:{MASK}@db/airflow"),
        # What a person needs of a message stays.
        ("Access denied for user 'airflow' (using password: YES)", None),
        ("invalid token: expired yesterday", None),
        ('secret "airflow-metadata" not found', None),
        ("authentication failed: unknown user", None),
    ],
)
def test_what_a_container_said_is_quoted_without_what_looks_like_a_secret(said: str, shown: str | None) -> None:
    assert masked_words(said) == (said if shown is None else shown)


@pytest.mark.parametrize(
    ("text", "values", "shown"),
    [
        ("token s3cret1 is wrong", ["s3cret1"], "token ******** is wrong"),
        ("got czNjcmV0MQ== there", ["s3cret1"], "got ******** there"),
        ('{"key": "one\\nline two"}', ["one\nline two"], '{"key": "********"}'),
        ("of it: line two", ["line one\nline two\n"], "of it: ********"),
        ("longword and long", ["long", "longword"], "******** and ********"),
        ("a b c", ["a", "", "b"], "a b c"),
        ("at https://ann:hunter2@git.example.com/x", [], "at https://ann:********@git.example.com/x"),
    ],
)
def test_given_values_and_their_lines_are_masked(text: str, values: list[str], shown: str) -> None:
    assert Masker([*values, *(line for value in values for line in value.splitlines())], 4).text(text) == shown

# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The few lines at the end of a failed run, from results as ansible-core hands them to a callback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.failure import (
    AGAIN,
    HIDDEN,
    FailedItems,
    Failure,
    evidence,
    explain,
    from_error,
    lines,
)

ADVICE = "Correct the image in Git, and push."


@pytest.mark.parametrize(
    ("result", "why", "action"),
    [
        pytest.param({"msg": "no room.", "next_action": "Free some."}, "no room.", "Free some.", id="our modules"),
        pytest.param({"msg": "no room. Next: free some"}, "no room.", "free some", id="a role's assert"),
        pytest.param({"msg": "Task failed: Module failed: no room"}, "no room", AGAIN, id="ansible-core's prefix"),
        pytest.param({"msg": "Next to nothing is free"}, "Next to nothing is free", AGAIN, id="only the word"),
        pytest.param(
            {"msg": "Failed after 61 s: web: ImagePullBackOff.", "diagnosis": [{"next_action": ADVICE}]},
            "Failed after 61 s: web: ImagePullBackOff.",
            ADVICE,
            id="a diagnosis",
        ),
        pytest.param(
            {
                "msg": "Failed after 61 s: pod ns/p crashes.\nThe last lines of pod ns/p, container c:\n  Next: x\n  'lots'",
                "next_action": ADVICE,
            },
            "Failed after 61 s: pod ns/p crashes.\nThe last lines of pod ns/p, container c:\n  Next: x\n  'lots'",
            ADVICE,
            id="V17 last lines of a container",
        ),
        pytest.param(
            {
                "msg": "One or more items failed",
                "results": [
                    {"msg": "fine", "next_action": "nothing"},
                    {"failed": True, "msg": "port 8080 is taken.", "next_action": "Stop it."},
                    {"failed": True, "msg": "port 8443 is taken. Next: wait"},
                ],
            },
            "port 8080 is taken.\nport 8443 is taken.",
            "Stop it. wait",
            id="a loop",
        ),
        pytest.param(
            {
                "msg": "The Secrets cannot be read: Exception '403\nReason: Forbidden\nHTTP response headers: {'X': 'y'}\n"
                'HTTP response body: b\'{"kind":"Status","message":"secrets \\\\"a\\\\" is forbidden","reason":"Forbidden"}\\n\'\n'
                "Original traceback:\n  File x\n' raised while trying to get resource using (name=a, namespace=b). Next: ask"
            },
            'The Secrets cannot be read: secrets "a" is forbidden (403).',
            "ask",
            id="kubernetes.core's refusal",
        ),
        pytest.param({"msg": "non-zero return code", "stderr": "a\nb"}, "non-zero return code\na\nb", AGAIN, id="a command"),
        pytest.param(
            {"msg": "The command exited with a non-zero return code.", "stderr": "a\nb"},
            "The command exited with a non-zero return code.\na\nb",
            AGAIN,
            id="V14: a command, ansible-core 2.21",
        ),
        pytest.param(
            {"msg": "non-zero return code", "stderr": "", "stdout": "x\nerror: bad"},
            "non-zero return code\nx\nerror: bad",
            AGAIN,
            id="V14: a command that complains on standard output",
        ),
        pytest.param(
            {"msg": "MODULE FAILURE: No start of json char found", "module_stdout": "Killed"},
            "MODULE FAILURE: No start of json char found\nKilled",
            AGAIN,
            id="V14: a module that was killed",
        ),
        pytest.param(
            {"exception": "Traceback\nValueError: boom\n"}, "Traceback\nValueError: boom", AGAIN, id="V14: nothing but an exception"
        ),
        pytest.param(
            {
                "msg": "One or more items failed",
                "results": [{"failed": True, "msg": "One or more items failed", "results": [{"failed": True, "msg": "inner"}]}],
            },
            "inner",
            AGAIN,
            id="V14: a loop in a loop",
        ),
        pytest.param({}, "The task gives no reason.", AGAIN, id="nothing"),
        pytest.param(
            {"censored": "the output has been hidden", "msg": "s3cret"},
            HIDDEN,
            "Run status.yml: the state of the platform may show the cause.",
            id="no_log",
        ),
    ],
)
def test_cause_and_action(result: dict[str, Any], why: str, action: str) -> None:
    assert explain("argocd", "It runs", result) == Failure("argocd", "It runs", why, action)


def test_lines_have_one_shape() -> None:
    shown = lines(Failure("argocd", "It runs", "word " * 40, "do this"), "make support-bundle")
    assert [line[:10].strip() for line in shown] == ["what", "why", "", "do", "evidence"]
    assert max(map(len, shown)) <= 130
    assert shown[0] == "what      argocd: It runs"


def test_a_task_outside_of_roles_and_without_evidence() -> None:
    assert lines(Failure("", "It runs", "no", "yes"), "") == ["what      It runs", "why       no", "do        yes"]


def test_a_loops_failed_items_come_from_their_own_reports() -> None:
    """V14: ansible-core 2.21 drops `failed` from the results of a loop."""
    items = FailedItems()
    items.add("one", "t1", {"msg": "port 8080 is taken. Next: stop it"})
    items.add("one", "t1", {"msg": "port 8443 is taken. Next: stop it"})
    items.add("two", "t1", {"msg": "other host"})
    result = {"msg": "One or more items failed", "results": [{"msg": "fine"}, {"msg": "port 8080 is taken. Next: stop it"}]}
    taken = items.take("one", "t1")
    assert explain("r", "t", result, taken) == Failure("r", "t", "port 8080 is taken.\nport 8443 is taken.", "stop it")
    assert items.take("one", "t1") == []


def test_the_lines_steer_no_terminal() -> None:
    """D11"""
    shown = lines(Failure("", "task \x1b[2J", "pod\x9b1m says \x1b]0;x\x07\u202e\rover\x0b", "do\x07"), "")
    assert shown == [
        r"what      task \x1b[2J",
        r"why       pod\x9b1m says \x1b]0;x\x07\u202e\x0dover\x0b",
        r"do        do\x07",
    ]


@pytest.mark.parametrize(
    ("result", "action"),
    [
        # The result's own next action goes before those of its diagnosis.
        ({"msg": "no", "next_action": "Free some.", "diagnosis": [{"next_action": ADVICE}]}, "Free some."),
        ({"msg": "no", "next_action": "", "diagnosis": [{"next_action": ADVICE}, {"next_action": ""}, "text", {}]}, ADVICE),
        ({"msg": "no", "diagnosis": None, "results": None}, AGAIN),
        ({"msg": "no", "results": ["text", {"msg": "fine"}]}, AGAIN),
    ],
)
def test_next_actions(result: dict[str, Any], action: str) -> None:
    assert explain("", "It runs", result) == Failure("", "It runs", "no", action)


@pytest.mark.parametrize(
    ("result", "why"),
    [
        # What a module says of itself goes before its output.
        ({"msg": "no room", "stderr": "a warning"}, "no room"),
        ({"msg": "", "stderr": "a\nb\nc\nd\ne\nf"}, "b\nc\nd\ne\nf"),
        ({"msg": "", "stderr": " ", "stdout": "said"}, "said"),
    ],
)
def test_the_output_of_a_command(result: dict[str, Any], why: str) -> None:
    assert explain("", "It runs", result).why == why


@pytest.mark.parametrize(
    ("text", "why", "action"),
    [
        ("no file\n", "no file", AGAIN),
        ("no file. Next: make it", "no file.", "make it"),
        (
            "Error processing keyword 'hosts': no hosts.\nOrigin: /x/site.yml:5:3\n\n3 - hosts: a\n       ^ column 3",
            "no hosts.\nin /x/site.yml:5:3",
            AGAIN,
        ),
        ("no file. Next: make it\nOrigin: /x/site.yml:5:3\n\n3 - a", "no file.\nin /x/site.yml:5:3", "make it"),
        ("no file\n   ^ column 3\nmore", "no file", AGAIN),
    ],
)
def test_what_ansible_says_before_the_first_task(text: str, why: str, action: str) -> None:
    assert from_error(text) == (why, action)


@pytest.mark.parametrize(
    ("arguments", "images", "given"),
    [
        ([], "", ""),
        (["playbooks/site.yml"], "", ""),
        (["-i", "hosts"], "", "-i"),
        (["-ihosts", "--extra-vars=a=b"], "", "-i and -e"),
        (["-e", "a=b"], "", "-e"),
        # Nobody repeats what make and the lab add.
        (["-e", "@scripts/make_vars.yml"], "", ""),
        (["-e", "@scripts/make_vars.yml", "-e", "a=b"], "", "-e"),
        (["-e", "@images.yml"], "@images.yml", ""),
        (["-e", "@images.yml"], "", "-e"),
        (["--extra-vars", "@scripts/make_vars.yml"], "", "-e"),
        (["-e", ""], "", "-e"),
    ],
)
@pytest.mark.parametrize("clone", [True, False])
def test_how_evidence_is_collected(arguments: list[str], images: str, given: str, clone: bool, tmp_path: Path) -> None:
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "Makefile").touch()
    if clone:
        (tmp_path / "playbooks/support_bundle.yml").touch()
    command = "make support-bundle" if clone else "ansible-playbook gitops.airflow.support_bundle"
    where = ' in ARGS="…"' if clone else ""
    more = f", with this run's {given}{where}" if given else ""
    assert evidence(str(tmp_path), arguments, images) == f"{command}{more} (logs, events, manifests, versions; no secrets)"

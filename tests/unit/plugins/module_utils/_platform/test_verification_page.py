# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report for people: what it says, what it must not contain, how it is built for screen readers, both themes and paper."""

from __future__ import annotations

import datetime
import itertools
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification_chart import (
    chart,
    clock,
    in_parts,
    pause_text,
    seconds_text,
)
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification_page import page, page_path
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification_style import STYLE
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification_timeline import Event, as_list
from ansible_collections.gitops.airflow.tests.unit.plugins.module_utils._platform.test_verification import AT, INSPECTION, ROW
from ansible_collections.gitops.airflow.tests.unit.plugins.module_utils._platform.test_verification_timeline import (
    VERIFIED_AT,
    events,
    placements,
)

Obj = dict[str, Any]
VOID = {"meta", "wbr"}
TAGS = {"html", "head", *VOID, "title", "style", "body", "main", "header", "footer", "section", "p", "h1", "h2", "h3", "span", "b", "small"}
TAGS |= {"code", "time", "ul", "li", "dl", "div", "dt", "dd", "table", "caption", "thead", "tbody", "tr", "th", "td"}
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "class", "id", "style", "title", "datetime", "scope"}
ATTRIBUTES |= {"role", "tabindex", "aria-hidden", "aria-label", "aria-labelledby"}


def report(**changes: Any) -> Obj:
    found = {
        "verified_at": VERIFIED_AT,
        "application": ROW,
        "airflow": INSPECTION.as_dict(),
        "core_pods": ["airflow-mysql-0", "airflow-scheduler-1", "airflow-triggerer-1", "airflow-webserver-1"],
        "core_containers": 7,
        "images": ["apache/airflow:2.6.3", "mysql:8.0.36", "registry.k8s.io/git-sync/git-sync:v4.1.0"],
        "migrations": ["Succeeded"],
        "run_id": "verify-c09497e-09102de-20261123T002751Z",
        "runs": placements(),
        "strays": [],
        "timeline": as_list(events()),
        **changes,
    }
    return {key: value for key, value in found.items() if value is not ...}


class Page(HTMLParser):
    """A page as a browser reads it. Refuses tags that are not closed, or not in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self._goes_on = False
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._goes_on = tag == "wbr"
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        self._goes_on = False

    def handle_data(self, data: str) -> None:
        if self._goes_on:
            self.words[-1] += data
        elif self._open and self._open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in tags]


def read(**changes: Any) -> Page:
    return Page(page(report(**changes)))


@pytest.mark.parametrize(
    "words",
    [
        "Verification of airflow-core",
        "Proven 2 tasks ran where expected, in 2 namespaces, and nowhere else.",
        "Airflow 2.6.3 Executor KubernetesExecutor Argo CD Synced, Healthy",
        "own pods 4 pods, 7 containers Platform commit c09497e DAGs commit 09102de Verified 2026-11-23 00:28:13 UTC Stray workers 0",
        "example_user_dag.ad_hoc example-user-dag-ad-hoc-k9eaddzm airflow-user airflow-control-plane none",
        "node-role.kubernetes.io/control-plane:NoSchedule node.kubernetes.io/not-ready:NoExecute for 300 s",
        "00:27:57 00:27:57 00:27:59 00:28:05 Succeeded",
        "Argo CD Application airflow-core 00:26:05 syncs c09497e: 93 s",
        "Migrations Job airflow-run-airflow-migrations 00:26:21 runs: 25 s",
        "Worker pod example_user_dag.ad_hoc 00:27:57 waits for a node: <1 s prepares containers: 2 s runs: 6 s",
        "DAG run DAG example_user_dag 00:27:52 waits in the queue: <1 s runs: 14 s",
        "Verification Platform 00:28:13 is proven",
        "2026-11-23 00:26:05 to 00:28:13 UTC: 128 s",
        "mysql:8.0.36",
        "Schema of the database 405de8318b3a",
        "Run verify-c09497e-09102de-20261123T002751Z",
    ],
)
def test_the_page_says(words: str) -> None:
    assert words in read().text


@pytest.mark.parametrize(
    ("changes", "words", "absent"),
    [
        ({}, [], ["Not known", "Clocks differ", "Not proven", "unknown"]),
        ({"timeline": as_list(events(job=None))}, ["Not known When the migrations ran could not be read."], ["Migrations Job airflow-run"]),
        (
            {"timeline": as_list(events(job=None)), "migrations": []},
            ["The last sync ran no migrations.", "not part of the last sync"],
            ["could not"],
        ),
        ({"timeline": as_list(events(pods=[])), "migrations": []}, ["No database runs as a pod", "The last sync ran no migrations."], []),
        ({"timeline": as_list(events(pods=[]))}, ["No database runs as a pod", "The pods of Airflow hold no times."], []),
        (
            {"timeline": as_list(events(application={}, dag_runs={}))},
            ["no times of its last sync", "no times of the DAG runs"],
            ["Argo CD App"],
        ),
        (
            {"timeline": ..., "images": ...},
            ["This proof is without the times of the deployment", "not kept with this proof", "runs: 6 s"],
            ["Argo CD App"],
        ),
        (
            {"timeline": as_list([*events(), Event("pod", "Pod late", "becomes ready", "2026-11-23T00:28:05Z", "2026-11-23T00:28:02Z")])},
            ["Clocks differ: Pod late becomes ready from 2026-11-23T00:28:05Z to 2026-11-23T00:28:02Z.", "becomes ready: end unknown"],
            [],
        ),
        ({"runs": [], "timeline": ...}, ["Not proven No DAG was run, so nothing is proven of where tasks run."], ["Where the tasks ran"]),
        (
            {"strays": placements()[:1]},
            ["Not proven Workers ran in namespaces where they do not belong.", "Stray workers 1", "Stray workers: not where they belong"],
            [],
        ),
        (
            {"runs": [{"dag_id": "a", "task_id": "t", "namespace": "n", "tolerations": None, "node_selector": None, "affinity": None}]},
            ["a.t unknown n unknown unknown unknown unknown unknown unknown unknown unknown Life cycle"],
            [],
        ),
        (
            {"runs": [{**placements()[0], "tolerations": [], "node_selector": {"disk": "ssd"}, "affinity": {"nodeAffinity": {}}}]},
            ['disk=ssd affinity {"nodeAffinity": {}} none', "1 task ran where expected, in 1 namespace, and"],
            [],
        ),
        (
            {
                "runs": [
                    {**placements()[0], "tolerations": [{"operator": "Exists"}, {"key": "gpu", "value": "yes", "effect": "NoSchedule"}]}
                ]
            },
            ["every taint gpu=yes:NoSchedule"],
            [],
        ),
    ],
)
def test_the_page_says_what_is_known_and_what_is_not(changes: Obj, words: list[str], absent: list[str]) -> None:
    text = read(**changes).text
    assert [item for item in words if item not in text] == []
    assert [item for item in absent if item in text] == []


@pytest.mark.parametrize(
    ("strays", "title", "shade"), [([], "airflow-core: proven", "proven"), ([{}], "airflow-core: not proven", "unproven")]
)
def test_the_title_and_the_colour_say_whether_it_is_proven(strays: list[Obj], title: str, shade: str) -> None:
    seen = read(strays=strays)
    assert seen.words[seen.words.index(title) - 1].strip() == ""
    assert [item["class"] for item in seen.all("header")] == [shade]


@pytest.mark.parametrize(
    ("labels", "affinity", "text"),
    [(None, None, "unknown"), ({"disk": "ssd"}, None, "disk=ssd"), (None, {"a": 1}, 'affinity {"a": 1}'), ({}, {}, "none")],
)
def test_selectors(labels: Obj | None, affinity: Obj | None, text: str) -> None:
    runs = [{**placements()[0], "node_selector": labels, "affinity": affinity}]
    assert f"airflow-control-plane {text} node-role" in read(runs=runs).text


def test_an_empty_report_has_a_page() -> None:
    assert "Not proven" in Page(page({})).text


MARKUP = "\"'></td></style><script src=http://evil.example/x.js></script><img src=x onerror=alert(1)>&amp;\u202e\x1b"


def spoiled(value: Any) -> Any:
    """The report with markup in each text."""
    if isinstance(value, dict):
        return {key: spoiled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [spoiled(item) for item in value]
    return f"{value}{MARKUP}" if isinstance(value, str) else value


def test_values_of_the_cluster_are_text() -> None:
    given = report(runs=[{**placements()[0], "node_selector": {MARKUP: MARKUP}, "affinity": {MARKUP: [MARKUP]}}])
    found = spoiled(given)
    for event, before in zip(found["timeline"], given["timeline"], strict=True):  # an event without a start is left out
        event["start"] = before["start"]
    text = page(found)
    seen = Page(text)
    assert {tag for tag, _attributes in seen.elements} <= TAGS
    assert {name for _tag, attributes in seen.elements for name in attributes} <= ATTRIBUTES
    shown = MARKUP.replace("\u202e", r"\u202e").replace("\x1b", r"\x1b")
    for words in ("example_cron_dag", "airflow-control-plane", "KubernetesExecutor", "Pod airflow-mysql-0", "becomes ready", "Healthy"):
        assert f"{words}{shown}" in " ".join(seen.words)
    assert "\x1b" not in text
    assert "&#8238;" not in text


def test_the_page_loads_nothing() -> None:
    text = page(report())
    seen = Page(text)
    assert {tag for tag, _attributes in seen.elements} <= TAGS
    assert {name for _tag, attributes in seen.elements for name in attributes} <= ATTRIBUTES
    assert "url(" not in text
    assert "@import" not in text
    assert "://" not in text
    (policy,) = [item["content"] for item in seen.all("meta") if item.get("http-equiv") == "Content-Security-Policy"]
    assert (policy or "").startswith("default-src 'none'; style-src 'unsafe-inline';")


def test_the_page_holds_no_log() -> None:
    """A task may log what it likes."""
    runs = [{**item, "log_tail": ["hunter2"]} for item in placements()]
    assert "hunter2" not in page(report(runs=runs))


def test_the_same_report_has_the_same_page_in_ascii() -> None:
    given = report(runs=[{**placements()[0], "task_id": "größe-日本"}])
    assert page(json.loads(json.dumps(given))) == page(given)
    assert page(given).isascii()
    assert "größe-日本" in Page(page(given)).text


def test_a_screen_reader_finds_its_way() -> None:
    seen = read(strays=placements()[:1], timeline=as_list(events(job=None)))
    assert seen.all("html")[0]["lang"] == "en"
    assert len(seen.all("title")) == len(seen.all("h1")) == len(seen.all("main")) == 1
    levels = [int(tag[1]) for tag, _attributes in seen.elements if tag in ("h1", "h2", "h3")]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert {item.get("scope") for item in seen.all("th")} == {"col", "row"}
    names = [item["id"] for _tag, item in seen.elements if "id" in item]
    labelled = [item["aria-labelledby"] for _tag, item in seen.elements if "aria-labelledby" in item]
    assert len(names) == len(set(names))
    assert set(labelled) <= set(names)
    assert all(item.get("aria-labelledby") for item in seen.all("section"))
    assert all(item.get("tabindex") == "0" for item in seen.all("div") if item.get("class") == "scroll")


def colours(text: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", text))


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2."""
    lights = []
    for colour in (one, other):
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        lights.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return (max(lights) + 0.05) / (min(lights) + 0.05)


LIGHT = colours(STYLE[: STYLE.index("@media screen")])
DARK = colours(STYLE[STYLE.index("@media screen") : STYLE.index("* {")])


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_both_themes_can_be_read(theme: dict[str, str]) -> None:
    assert theme.keys() == LIGHT.keys()
    texts = [(name, back) for back in ("card", "page") for name in ("text", "muted", "none", "good", "bad")]
    shades = set(re.findall(r"--shade: var\(--([\w-]+)\)", STYLE))
    assert shades == theme.keys() & {"wait", "prepare", "sync", "database", "migrations", "pod", "dag_run", "worker", "proof", "other"}
    assert len(shades) == 10
    for name, back in (*texts, ("good", "good-back"), ("bad", "bad-back")):
        assert contrast(theme[name], theme[back]) >= 4.5, (name, back)
    for name in shades:
        assert contrast(theme[name], theme["card"]) >= 3, name


def test_every_class_has_its_style() -> None:
    given = [*events(), Event("new kind", "s", "x", VERIFIED_AT, "")]
    seen = read(strays=placements()[:1], timeline=as_list(given))
    used = {name for _tag, item in seen.elements for name in (item.get("class") or "").split()}
    assert used - set(re.findall(r"\.([\w-]+)", STYLE)) == set()


# The chart


def moments(*seconds: tuple[int, int]) -> list[Event]:
    """Events with start and end in seconds after midnight."""

    def at(second: int) -> str:
        return (datetime.datetime(2026, 11, 23, tzinfo=datetime.UTC) + datetime.timedelta(seconds=second)).isoformat()

    return [Event("pod", f"p{number}", "x", at(start), at(end)) for number, (start, end) in enumerate(seconds)]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ([], []),
        ([(0, 10), (5, 7)], [["p0", "p1"]]),
        ([(100, 110), (0, 10)], [["p1", "p0"]]),
        ([(0, 0), (600, 610)], [["p0", "p1"]]),
        ([(0, 0), (601, 610)], [["p0"], ["p1"]]),
        ([(0, 900), (10, 20), (1000, 1010)], [["p0", "p1", "p2"]]),  # the pause counts from the end of the longest
        ([(0, 10), (90000, 90005), (90010, 90011)], [["p0"], ["p1", "p2"]]),
    ],
)
def test_a_pause_begins_another_chart(seconds: list[tuple[int, int]], expected: list[list[str]]) -> None:
    assert [[event.subject for event in part] for part in in_parts(moments(*seconds))] == expected


def test_a_pause_is_named() -> None:
    seen = Page(chart(moments((0, 10), (90010, 90020))))
    assert "1 d 1 h later" in seen.text
    assert "2026-11-24 01:00:10 to 01:00:20 UTC: 10 s" in seen.text
    assert len(seen.all("table")) == 2


@pytest.mark.parametrize(
    ("seconds", "ticks", "bars"),
    [
        (
            [(0, 40), (10, 20)],
            ["0", "5", "10", "15", "20", "25", "30", "35", "40"],
            ["left:0.00%;width:100.00%", "left:25.00%;width:25.00%"],
        ),
        ([(0, 0)], ["0", "1"], ["left:0.00%;width:0.00%"]),
        ([(0, 4000)], ["0", "600", "1,200", "1,800", "2,400", "3,000", "3,600"], ["left:0.00%;width:100.00%"]),
        ([(5, 1)], ["0", "1"], ["left:0.00%;width:0.00%"]),  # clocks that differ
        ([(0, 864000)], ["0", "172,800", "345,600", "518,400", "691,200", "864,000"], ["left:0.00%;width:100.00%"]),
    ],
)
def test_bars_are_where_their_times_are(seconds: list[tuple[int, int]], ticks: list[str], bars: list[str]) -> None:
    text = chart(moments(*seconds))
    assert re.findall(r'<span class="tick" style="left:[\d.]+%">([\d,]+)</span>', text) == ticks
    assert re.findall(r'<span class="bar [\w ]+" style="([^"]+)">', text) == bars


@pytest.mark.parametrize(
    ("kind", "label", "end", "shade", "title"),
    [
        ("pod", "waits for a node", AT, "wait", "Airflow"),
        ("dag_run", "waits in the queue", AT, "wait", "DAG run"),
        ("worker", "prepares containers", AT, "prepare", "Worker pod"),
        ("worker", "runs", AT, "worker", "Worker pod"),
        ("worker", "runs", "", "worker open", "Worker pod"),
        ("a kind of a later version", "runs", AT, "other", "a kind of a later version"),
    ],
)
def test_a_phase_has_its_colour(kind: str, label: str, end: str, shade: str, title: str) -> None:
    text = chart([Event(kind, "s", label, AT, end)])
    assert re.findall(r'class="(?:bar|key) ([\w ]+)"', text) == [shade, shade]
    assert f"<small>{title}</small>" in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "&lt;1 s"), (0.625, "&lt;1 s"), (1, "1 s"), (6.5, "6.5 s"), (25.4, "25 s"), (93, "93 s"), (3912, "3,912 s")],
)
def test_durations_are_in_seconds(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0 s"), (59, "59 s"), (128, "2 min 8 s"), (3600, "1 h"), (90065, "1 d 1 h")])
def test_a_pause_has_two_units(seconds: float, text: str) -> None:
    assert pause_text(seconds) == text


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("2026-11-23T00:28:13Z", "00:28:13</time>"),
        ("2026-11-24T00:28:13Z", "2026-11-24 00:28:13</time>"),
        ("2026-11-23T02:28:13+02:00", '<time datetime="2026-11-23T00:28:13Z">00:28:13</time>'),
        (None, "unknown"),
        ("<b>", "unknown"),
    ],
)
def test_a_time_of_another_day_has_its_date(given: str | None, text: str) -> None:
    assert clock(given, "2026-11-23").endswith(text)


@pytest.mark.parametrize(
    ("path", "expected"), [("/s/verify.json", "/s/verify.html"), ("/s/report", "/s/report.html"), ("/s/a.html", "/s/a.html.html"), ("", "")]
)
def test_the_page_lies_beside_the_report(path: str, expected: str) -> None:
    assert page_path(path) == expected

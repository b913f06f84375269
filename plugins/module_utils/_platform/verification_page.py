# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a verification as a page for people: one file of HTML that loads nothing and runs nothing. Pure: a report in, text out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification_chart import TITLES, breakable, chart, clock, escaped
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification_style import STYLE
from ansible_collections.gitops.airflow.plugins.module_utils._platform.verification_timeline import (
    DAG_RUN,
    DATABASE,
    MIGRATIONS,
    POD,
    SYNC,
    WORKER,
    contradictions,
    known,
    task_of,
)

Report = Mapping[str, Any]

# The browser itself must refuse whatever could leave the page.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
ABSENT = {
    SYNC: "The Application holds no times of its last sync.",
    DATABASE: "No database runs as a pod of the platform.",
    MIGRATIONS: "When the migrations ran could not be read. By default, Kubernetes deletes their Job five minutes after its end.",
    POD: "The pods of Airflow hold no times.",
    DAG_RUN: "Airflow reported no times of the DAG runs.",
    WORKER: "The worker pods hold no times.",
}
"""What the page says of a part of the life cycle that is not known."""


def page_path(report_path: str) -> str:
    """The page's file, beside the report's. Empty if there is none."""
    return report_path and report_path.removesuffix(".json") + ".html"


def page(report: Report) -> str:
    """The page. The same report always has the same page; it is ASCII, so that every locale can write it."""
    application, name = report.get("application") or {}, escaped((report.get("application") or {}).get("name"))
    proven = bool(report.get("runs")) and not report.get("strays")
    title = f"{name}: {'proven' if proven else 'not proven'}"
    day = str(report.get("verified_at") or "")[:10]
    sections = [
        _headline(report, application, proven),
        _placements("Where the tasks ran", "placements", report.get("runs") or [], day),
        _strays(report.get("strays") or [], day),
        _life_cycle(report),
        _parts(report),
    ]
    text = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{STYLE}</style>
</head>
<body>
<main>
{chr(10).join(filter(None, sections))}
</main>
<footer><p>Run <code>{escaped(report.get("run_id"))}</code>. All times are UTC.
The same facts for programs are in the JSON file beside this page.</p></footer>
</body>
</html>
"""
    return text.encode("ascii", "xmlcharrefreplace").decode()


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    """Names and values; the values are HTML already."""
    return "<dl>\n" + "\n".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts) + "\n</dl>"


def _commit(value: Any) -> str:
    text = str(value or "")
    return f'<code title="{escaped(text)}">{escaped(text[:7])}</code>' if text else "unknown"


def _number(items: Any, one: str, more: str) -> str:
    return f"{len(items)} {one if len(items) == 1 else more}"


def _headline(report: Report, application: Mapping[str, Any], proven: bool) -> str:
    airflow, runs = report.get("airflow") or {}, report.get("runs") or []
    spaces = {str(run.get("namespace")) for run in runs}
    if proven:
        said = f"{_number(runs, 'task', 'tasks')} ran where expected, in {_number(spaces, 'namespace', 'namespaces')}, and nowhere else."
    elif runs:
        said = "Workers ran in namespaces where they do not belong."
    else:
        said = "No DAG was run, so nothing is proven of where tasks run."
    core = _number(report.get("core_pods") or [], "pod", "pods")
    facts = [
        ("Airflow", escaped(airflow.get("version"))),
        ("Executor", escaped(airflow.get("executor"))),
        ("Argo CD", f"{escaped(application.get('sync'))}, {escaped(application.get('health'))}"),
        ("Airflow&#8217;s own pods", f"{core}, {escaped(report.get('core_containers'))} containers"),
        ("Platform commit", _commit(application.get("revision"))),
        ("DAGs commit", _commit(airflow.get("dags_commit"))),
        ("Verified", f"{clock(report.get('verified_at'))} UTC"),
        ("Stray workers", str(len(report.get("strays") or []))),
    ]
    mark, word = ("&#10003;", "Proven") if proven else ("&#10007;", "Not proven")
    return f"""<header class="{"proven" if proven else "unproven"}">
<p class="over">Verification of {escaped(application.get("name"))}</p>
<h1><span class="mark" aria-hidden="true">{mark}</span> {word}</h1>
<p class="said">{said}</p>
{_facts(facts)}
<p class="note">This page shows the moment of the verification. It does not follow later changes.</p>
</header>"""


def _toleration(given: Any) -> str:
    """A toleration as kubectl shows it."""
    if not isinstance(given, dict):
        return escaped(given)
    value = f"={given['value']}" if given.get("value") else ""
    effect = f":{given['effect']}" if given.get("effect") else ""
    limit = f" for {given['tolerationSeconds']} s" if given.get("tolerationSeconds") is not None else ""
    return breakable(f"{given.get('key') or 'every taint'}{value}{effect}{limit}")


def _list(items: Any, empty: str) -> str:
    """Values that are HTML already. None: they are not known, because the pod was deleted before it was seen."""
    if items is None:
        return "unknown"
    return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>" if items else f'<span class="none">{empty}</span>'


def _selectors(placement: Mapping[str, Any]) -> str:
    labels, affinity = placement.get("node_selector"), placement.get("affinity")
    if labels is None and affinity is None:
        return "unknown"
    shown = [breakable(f"{key}={value}") for key, value in (labels or {}).items()]
    return _list(shown + ([f"affinity {escaped(json.dumps(affinity, sort_keys=True))}"] if affinity else []), "none")


def _placements(heading: str, ident: str, placements: Sequence[Mapping[str, Any]], day: str) -> str:
    if not placements:
        return ""
    rows = []
    for item in placements:
        times, tolerations = item.get("timings") or {}, item.get("tolerations")
        known_tolerations = None if tolerations is None else [_toleration(given) for given in tolerations]
        moments = "".join(f"<td>{clock(times.get(name), day)}</td>" for name in ("created", "scheduled", "running"))
        end = f"<td>{clock(times.get('finished'), day)}<small>{escaped(item.get('phase'))}</small></td>"
        rows.append(
            f'<tr><th scope="row">{breakable(task_of(item))}<small>{escaped(item.get("pod"))}</small></th>'
            f"<td>{escaped(item.get('namespace'))}</td><td>{breakable(item.get('node'))}</td>"
            f"<td>{_selectors(item)}</td><td>{_list(known_tolerations, 'none')}</td>{moments}{end}</tr>"
        )
    names = ("Task and pod", "Namespace", "Node", "Selectors", "Tolerations", "Created", "Scheduled", "Running", "Ended")
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    body = "\n".join(rows)
    return f"""<section aria-labelledby="{ident}">
<h2 id="{ident}">{heading}</h2>
<div class="scroll" role="region" aria-labelledby="{ident}" tabindex="0"><table class="placements">
<thead><tr>{head}</tr></thead>
<tbody>
{body}
</tbody></table></div>
</section>"""


def _strays(strays: Sequence[Mapping[str, Any]], day: str) -> str:
    return _placements("Stray workers: not where they belong", "strays", strays, day)


def _life_cycle(report: Report) -> str:
    events = known(report)
    kinds = {event.kind for event in events}
    absent = [kind for kind in TITLES if kind not in kinds]
    notes = []
    if "timeline" not in report:
        notes.append("This proof is without the times of the deployment and of the DAG runs: they were not kept with it.")
    else:
        notes += [ABSENT[kind] for kind in absent if kind in ABSENT and not (kind == MIGRATIONS and not report.get("migrations"))]
        if not report.get("migrations"):
            notes.append("The last sync ran no migrations.")
    notes += [f"Clocks differ: {escaped(text)}" for text in contradictions(events)]
    listed = "".join(f"<li>{note}</li>" for note in notes)
    left_out = f'<h3>Not known</h3>\n<ul class="notes">{listed}</ul>' if notes else ""
    return f"""<section aria-labelledby="life-cycle">
<h2 id="life-cycle">Life cycle</h2>
{chart(events)}
<p class="note">Kubernetes, Argo CD and Airflow recorded these times. Kubernetes writes whole seconds. A pod became ready when
Kubernetes last found it ready.</p>
{left_out}
</section>"""


def _parts(report: Report) -> str:
    airflow = report.get("airflow") or {}
    pods = [escaped(name) for name in report.get("core_pods") or []]
    images = [f"<code>{breakable(name)}</code>" for name in report.get("images") or []]
    spaces = [escaped(name) for name in str(airflow.get("namespace_list") or "").split(",") if name]
    facts = [
        ("Airflow&#8217;s own pods", _list(pods, "none")),
        ("Images of these pods", _list(images, "not kept with this proof")),
        ("Namespaces of Airflow", _list(spaces, "none")),
        ("Schema of the database", f"<code>{escaped(airflow.get('schema'))}</code>"),
        ("Migrations Job", escaped(", ".join(map(str, report.get("migrations") or [])), "not part of the last sync")),
    ]
    return f"""<section aria-labelledby="parts">
<h2 id="parts">What runs</h2>
{_facts(facts)}
</section>"""

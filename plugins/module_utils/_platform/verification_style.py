# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the page of a verification looks: on a light and on a dark screen, and on paper."""

from __future__ import annotations

STYLE = """\
:root {
  --page: #f6f7f9; --card: #ffffff; --line: #d5dae1; --grid: #e6e9ee; --text: #1b2430; --muted: #55606e; --none: #55606e;
  --good: #166534; --good-back: #e9f7ee; --bad: #a31621; --bad-back: #fdecec;
  --wait: #7c8694; --prepare: #b7690a; --sync: #5b4bd6; --database: #0b7285; --migrations: #a6336b; --pod: #1d5fd1;
  --dag_run: #8a3ffc; --worker: #15803d; --proof: #166534; --other: #55606e;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #10151c; --card: #18202a; --line: #36424f; --grid: #26303b; --text: #e7ecf2; --muted: #a8b3c0; --none: #a8b3c0;
    --good: #6ee7a0; --good-back: #12301f; --bad: #ff9b9b; --bad-back: #3a1719;
    --wait: #8793a1; --prepare: #f0a640; --sync: #a79bff; --database: #4cc9dd; --migrations: #f08bb8; --pod: #74a7ff;
    --dag_run: #c49bff; --worker: #4ade80; --proof: #6ee7a0; --other: #a8b3c0;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main, footer { max-width: 76rem; margin: 0 auto; padding: 1.5rem; }
footer { padding-top: 0; color: var(--muted); font-size: .85rem; }
header, section { margin-bottom: 1.25rem; padding: 1.25rem 1.5rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 10px; }
header { border-left: 8px solid var(--verdict); }
.proven { --verdict: var(--good); --verdict-back: var(--good-back); }
.unproven { --verdict: var(--bad); --verdict-back: var(--bad-back); }
h1 { margin: .1rem 0 .3rem; font-size: 2rem; line-height: 1.2; color: var(--verdict); }
h2 { margin: 0 0 .75rem; font-size: 1.2rem; }
h3 { margin: 1rem 0 .25rem; font-size: 1rem; }
.mark { display: inline-block; width: 1.6em; background: var(--verdict-back); border-radius: .3em; text-align: center; }
.over, .note, .pause { margin: 0; color: var(--muted); }
.over { overflow-wrap: anywhere; }
.note { margin-top: .75rem; font-size: .85rem; }
.said { margin: 0 0 1rem; font-size: 1.1rem; }
.pause { margin: .75rem 0; text-align: center; font-style: italic; }
.none { color: var(--none); }
code { font: .92em ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
ul { margin: 0; padding: 0; list-style: none; }
.notes { padding-left: 1.2rem; list-style: disc; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: .75rem 1.5rem; margin: 0; }
dt { color: var(--muted); font-size: .85rem; }
dd { margin: 0; overflow-wrap: anywhere; }
header dd { font-size: 1.05rem; font-weight: 600; }
header dd code { font-size: 1em; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .87rem; }
caption { padding-bottom: .5rem; text-align: left; color: var(--muted); }
th, td { padding: .45rem .6rem; border-top: 1px solid var(--line); text-align: left; vertical-align: top; overflow-wrap: anywhere; }
thead th { border-top: 0; color: var(--muted); font-weight: 600; white-space: nowrap; }
tbody th { font-weight: 600; }
small { display: block; color: var(--muted); font-weight: 400; }
time { white-space: nowrap; font-variant-numeric: tabular-nums; }
.placements { min-width: 64rem; table-layout: fixed; font-size: .82rem; }
.placements th, .placements td { padding-left: .35rem; padding-right: .35rem; }
.placements th:nth-child(1) { width: 16%; }
.placements th:nth-child(2) { width: 9.5%; }
.placements th:nth-child(3) { width: 12%; }
.placements th:nth-child(4) { width: 8%; }
.placements th:nth-child(n+6) { width: 7.5%; }
.placements li { margin-bottom: .2rem; padding-left: .9em; text-indent: -.9em; }
.chart { min-width: 62rem; table-layout: fixed; }
.chart th:nth-child(1) { width: 23%; }
.chart th:nth-child(3) { width: 9%; }
.chart th:nth-child(4) { width: 31%; }
.chart td time { white-space: normal; }
.chart li { display: inline-block; margin-right: .9em; white-space: nowrap; }
.axis { position: relative; padding-bottom: 1.6rem; }
.ticks { position: absolute; left: .6rem; right: .6rem; bottom: .2rem; height: 1.3em; font-weight: 400; }
.tick { position: absolute; transform: translateX(-50%); }
.track { position: relative; }
.track::before { content: ""; position: absolute; left: .6rem; right: .6rem; top: 0; bottom: 0;
  background: linear-gradient(to right, var(--grid) 1px, transparent 1px) 0 0 / var(--step) 100%; }
.bars { position: absolute; left: .6rem; right: .6rem; top: .6rem; height: 1.1rem; }
.bar { position: absolute; top: 0; bottom: 0; min-width: 4px; border-radius: 2px; }
.key { display: inline-block; width: .75em; height: .75em; margin-right: .4em; border-radius: 2px; }
.bar, .key { background: var(--shade); -webkit-print-color-adjust: exact; print-color-adjust: exact; }
.open { min-width: 10px; background: transparent; border: 2px dashed var(--shade); }
.wait { --shade: var(--wait); } .prepare { --shade: var(--prepare); } .sync { --shade: var(--sync); }
.database { --shade: var(--database); } .migrations { --shade: var(--migrations); } .pod { --shade: var(--pod); }
.dag_run { --shade: var(--dag_run); }
.worker { --shade: var(--worker); } .proof { --shade: var(--proof); } .other { --shade: var(--other); }
@page { size: landscape; margin: 12mm; }
@media print {
  :root { font-size: 11px; }
  body { background: none; font-size: 1rem; }
  main, footer { max-width: none; padding: 0; }
  header, section { border-radius: 0; }
  tr, header { break-inside: avoid; }
  h2 { break-after: avoid; }
  .placements, .chart { min-width: 0; }
  .scroll { overflow: visible; }
}
"""

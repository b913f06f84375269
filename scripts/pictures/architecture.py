# GPL-3.0-or-later
"""The parts of the platform and what goes from one to another, as an SVG that follows the page's colour scheme."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 900, 430
_STYLE = """
svg { --page: #ffffff; --edge: #8c959f; --text: #1f2328; --soft: #59636e; --cluster: #f6f8fa; --core: #ddf4ff; --work: #dafbe1;
  --tool: #fff8c5; --arrow: #0550ae; }
@media (prefers-color-scheme: dark) {
  svg { --page: #0d1117; --edge: #6e7681; --text: #e6edf3; --soft: #9198a1; --cluster: #161b22; --core: #0c2d4f; --work: #0f341c;
    --tool: #3b2f06; --arrow: #79c0ff; }
}
text { font: 14px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: var(--text); }
.t { font-weight: 600; } .s { fill: var(--soft); font-size: 12.5px; }
  .m { font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 12.5px; }
.page { fill: var(--page); } .box { stroke: var(--edge); } .cluster { fill: var(--cluster); } .core { fill: var(--core); }
  .work { fill: var(--work); } .tool { fill: var(--tool); }
path { stroke: var(--arrow); stroke-width: 1.6; fill: none; marker-end: url(#a); } marker path { fill: var(--arrow); stroke: none;
  marker-end: none; } .l { fill: var(--arrow); font-size: 12.5px; }
"""


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels with a title and lines below it. ``kind`` is its class of colours."""

    x: int
    y: int
    width: int
    height: int
    kind: str
    title: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Arrow:
    """A line in pixels with what goes along it, written at a place."""

    path: str
    label: str = ""
    x: int = 0
    y: int = 0


BOXES = (
    Box(10, 40, 200, 330, "cluster", "Your machine"),
    Box(26, 78, 168, 76, "tool", "make site", ("ansible-playbook", "gitops.airflow.site")),
    Box(26, 196, 168, 56, "tool", "make push-dags", ("your DAG files",)),
    Box(26, 294, 168, 60, "tool", "Browser", ("localhost:8080",)),
    Box(290, 10, 600, 410, "cluster", "Kubernetes cluster (kind, or your own)"),
    Box(310, 48, 250, 92, "tool", "git", ("Gitea, or your own Git server", "platform.git   dags.git")),
    Box(640, 48, 230, 92, "core", "argocd", ("Argo CD", "keeps the cluster as Git says")),
    Box(
        310,
        196,
        560,
        92,
        "core",
        "airflow-core",
        ("webserver   scheduler   triggerer   MySQL", "git-sync brings the DAG files to each of them"),
    ),
    Box(310, 344, 250, 60, "work", "airflow-cron", ("worker pods of scheduled DAGs",)),
    Box(640, 344, 230, 60, "work", "airflow-user", ("worker pods of manual DAGs",)),
)
ARROWS = (
    Arrow("M194 100 H306", "publishes", 224, 92),
    Arrow("M194 224 H250 V122 H306", "pushes", 200, 216),
    Arrow("M194 324 H270 V250 H306"),
    Arrow("M560 94 H636", "reads", 580, 86),
    Arrow("M755 140 V192", "deploys", 763, 172),
    Arrow("M435 140 V192", "DAG files", 443, 172),
    Arrow("M435 288 V340", "starts workers", 443, 320),
    Arrow("M755 288 V340", "starts workers", 763, 320),
)


def picture() -> str:
    """The SVG."""
    body = [_box(box) for box in BOXES] + [_arrow(arrow) for arrow in ARROWS]
    tip = '<path d="M0 0 8 4 0 8z"/>'
    marker = f'<marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">{tip}</marker>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img">\n'
        "<title>The playbook publishes to Git, Argo CD deploys Airflow from there, and Airflow starts workers in other namespaces</title>\n"
        f'<style>{_STYLE}</style>\n<defs>{marker}</defs>\n<rect class="page" width="{WIDTH}" height="{HEIGHT}"/>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


def _box(box: Box) -> str:
    lines = [
        f'<text class="{"m" if "." in line or ":" in line else "s"}" x="{box.x + 12}" y="{box.y + 46 + 19 * index}" xml:space="preserve">'
        f"{escape(line)}</text>"
        for index, line in enumerate(box.lines)
    ]
    shape = f'<rect class="box {box.kind}" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="6"/>'
    return "\n".join([shape, f'<text class="t" x="{box.x + 12}" y="{box.y + 24}">{escape(box.title)}</text>', *lines])


def _arrow(arrow: Arrow) -> str:
    label = f'<text class="l" x="{arrow.x}" y="{arrow.y}">{escape(arrow.label)}</text>' if arrow.label else ""
    return f'<path d="{arrow.path}"/>{label}'

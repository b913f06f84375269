# GPL-3.0-or-later
"""What a command writes to a terminal, as an SVG: a still picture of its end, or a recording. Pure.

The picture follows the colour scheme of the page, and loads nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

COLUMNS = 110
CHARACTER, LINE, MARGIN = 7.9, 18, 14  # pixels, of a font of 13 pixels
# Seconds that a recording stands still at its end, and at most between two lines.
HOLD, PAUSE = 6.0, 0.7
_ESCAPE = re.compile(r"\x1b\[([\d;]*)m|\x1b\[[\d;?]*[A-Za-z]")
# Colours of the terminal by their numbers, dark ones and bright ones alike.
_CLASSES = {30: "k", 31: "r", 32: "g", 33: "y", 34: "b", 35: "m", 36: "c", 37: "w", 90: "k"}
_STYLE = """
svg { --page: #f6f8fa; --edge: #d0d7de; --text: #1f2328; --r: #b42318; --g: #116329; --y: #7d4e00; --b: #0550ae; --m: #6639ba;
  --c: #1b7c83; --k: #59636e; }
@media (prefers-color-scheme: dark) {
  svg { --page: #161b22; --edge: #30363d; --text: #e6edf3; --r: #ff7b72; --g: #56d364; --y: #e3b341; --b: #79c0ff; --m: #d2a8ff;
    --c: #56d4dd; --k: #9198a1; }
}
rect { fill: var(--page); stroke: var(--edge); }
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: var(--text); white-space: pre; }
.t { font-weight: bold; } .r { fill: var(--r); } .g { fill: var(--g); } .y { fill: var(--y); } .b { fill: var(--b); }
  .m { fill: var(--m); }
.c { fill: var(--c); } .k { fill: var(--k); }
"""


@dataclass(frozen=True)
class Shown:
    """A line of the terminal: its parts with their classes, and the second in which it was complete."""

    parts: tuple[tuple[str, str], ...]
    second: float = 0.0


def read(text: str, second: float = 0.0, columns: int = COLUMNS) -> list[Shown]:
    """A line of output, folded at the terminal's width."""
    parts, classes, start = [], "", 0
    for found in _ESCAPE.finditer(text):
        parts.append((text[start : found.start()], classes))
        start = found.end()
        if found[1] is not None:
            classes = _after(classes, found[1])
    parts.append((text[start:], classes))
    return [Shown(tuple(row), second) for row in _folded([part for part in parts if part[0]], columns)]


def _after(classes: str, codes: str) -> str:
    """The classes after an escape sequence."""
    names = set(classes.split())
    for code in map(int, filter(None, codes.split(";"))) if codes else (0,):
        if code == 0:
            names = set()
        elif code == 1:
            names.add("t")
        elif code in _CLASSES or code - 60 in _CLASSES:
            names = (names & {"t"}) | {_CLASSES.get(code) or _CLASSES[code - 60]}
        elif code == 39:
            names &= {"t"}
    return " ".join(sorted(names - {"w"}))


def _folded(parts: Sequence[tuple[str, str]], columns: int) -> Iterator[list[tuple[str, str]]]:
    row: list[tuple[str, str]] = []
    free = columns
    for text, classes in parts:
        rest = text
        while rest:
            row.append((rest[:free], classes))
            rest, free = rest[free:], free - len(rest[:free])
            if not free:
                yield row
                row, free = [], columns
    if row or not parts:
        yield row


def picture(lines: Sequence[Shown], title: str, rows: int = 0, columns: int = COLUMNS) -> str:
    """The SVG. ``rows``: lines that the window shows; with fewer than there are the picture is a recording that ends at the last line."""
    rows = min(rows or len(lines), len(lines))
    width, height = columns * CHARACTER + 2 * MARGIN, rows * LINE + 2 * MARGIN
    scroll = -(len(lines) - rows) * LINE
    body = "\n".join(f'<text y="{index * LINE + 13}">{_spans(line)}</text>' for index, line in enumerate(lines) if line.parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" role="img">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n"
        f'<rect x=".5" y=".5" width="{width - 1:g}" height="{height - 1:g}" rx="6"/>\n'
        f'<svg x="{MARGIN}" y="{MARGIN}" width="{width - 2 * MARGIN:g}" height="{rows * LINE}">\n'
        f'<g transform="translate(0 {scroll})">{_animation(lines, rows)}\n{body}\n</g>\n</svg>\n</svg>\n'
    )


def _spans(line: Shown) -> str:
    return "".join(f'<tspan class="{classes}">{escape(text)}</tspan>' if classes else escape(text) for text, classes in line.parts)


def _animation(lines: Sequence[Shown], rows: int) -> str:
    """Scrolls each line in when it came; nothing for a still picture."""
    if rows >= len(lines):
        return ""
    now, moments = 0.0, []
    for before, line in zip([lines[0], *lines], lines, strict=False):
        now += min(line.second - before.second, PAUSE)
        moments.append(now)
    whole = now + HOLD
    offsets = [(rows - 1 - index) * LINE for index in range(len(lines))]
    # A step for each moment: lines that came together scroll together.
    steps = {round(moment / whole, 5): offset for moment, offset in zip(moments, offsets, strict=True)}
    steps = {0.0: offsets[0], **steps}
    times, values = ";".join(f"{time:g}" for time in steps), ";".join(f"0 {offset}" for offset in steps.values())
    return (
        f'<animateTransform attributeName="transform" type="translate" calcMode="discrete" dur="{whole:.1f}s" repeatCount="indefinite" '
        f'keyTimes="{times}" values="{values}"/>'
    )

"""Charts as SVG text. Colours are CSS classes of the page, so one drawing serves light and dark.

All charts of a page share their x axis: the page's script moves one crosshair through all of them, by the points in the
`data-chart` attribute.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

Point = tuple[float, float]
Format = Callable[[float], str]

WIDTH = 880
LEFT, RIGHT, TOP, BOTTOM = 66, 14, 12, 30
#: room a mark's number takes
_MARK = 18.0


@dataclass(frozen=True)
class Line:
    """A series drawn as a line; `css` is its colour class."""

    label: str
    css: str
    points: Sequence[Point]
    dashed: bool = False
    #: holds its value until the next point
    steps: bool = False


@dataclass(frozen=True)
class Area:
    """One layer of a stack; all layers have the same x values."""

    label: str
    css: str
    points: Sequence[Point]


@dataclass(frozen=True)
class Bar:
    """A thin bar; `title` is shown when it is pointed at."""

    x: float
    height: float
    css: str
    title: str


@dataclass(frozen=True)
class Mark:
    """Something that happened at `x`: a dotted line with a number that the text explains."""

    x: float
    label: str
    title: str


def line_chart(
    name: str,
    lines: Sequence[Line],
    *,
    shown: Format,
    x_range: Point,
    marks: Sequence[Mark] = (),
    height: int = 260,
    from_zero: bool = False,
    unit: str = "day",
) -> Markup:
    """Draw lines; `shown` writes a y value, `unit` is what x counts."""
    values = [y for line in lines for _, y in line.points]
    plot = _Plot(x_range, _padded(min(values), max(values), from_zero), height, unit)
    body = [plot.axes(shown), plot.marks(marks)]
    for line in lines:
        dash = ' stroke-dasharray="5 4"' if line.dashed else ""
        body.append(f'<path class="line {line.css}" d="{plot.path(line.points, steps=line.steps)}"{dash}/>')
    series = [{"label": line.label, "points": line.points} for line in lines]
    return _svg(name, plot, body, series, [(line.label, line.css, line.dashed) for line in lines], shown)


def area_chart(
    name: str, areas: Sequence[Area], *, shown: Format, x_range: Point, marks: Sequence[Mark] = (), height: int = 220
) -> Markup:
    """Draw layers on top of each other, the first at the bottom, on an axis from 0 to 1."""
    plot = _Plot(x_range, (0.0, 1.0), height)
    body = []
    floor = [(x, 0.0) for x, _ in areas[0].points]
    for area in areas:
        roof = [(x, below + y) for (x, below), (_, y) in zip(floor, area.points, strict=True)]
        outline = plot.path(roof) + plot.path(list(reversed(floor))).replace("M", "L", 1) + "Z"
        body.append(f'<path class="area {area.css}" d="{outline}"/>')
        floor = roof
    body += [plot.axes(shown), plot.marks(marks)]
    series = [{"label": area.label, "points": area.points} for area in areas]
    return _svg(name, plot, body, series, [(area.label, area.css, False) for area in areas], shown)


def bar_chart(
    name: str,
    bars: Sequence[Bar],
    legend: Sequence[tuple[str, str]],
    *,
    shown: Format,
    x_range: Point,
    lines: Sequence[Line] = (),
    height: int = 220,
) -> Markup:
    """Draw bars from 0; `legend` holds label and colour class, `lines` are drawn over the bars on the same axis."""
    values = [bar.height for bar in bars] + [y for line in lines for _, y in line.points]
    plot = _Plot(x_range, _padded(0.0, max(values, default=1.0), True), height)
    body = [plot.axes(shown)]
    bottom = plot.y(0.0)
    for bar in bars:
        x, top = plot.x(bar.x), plot.y(bar.height)
        body.append(
            f'<rect class="bar {bar.css}" x="{x - 2:.1f}" y="{top:.1f}" width="4" height="{bottom - top:.1f}" rx="1">'
            f"<title>{escape(bar.title)}</title></rect>"
        )
    for line in lines:
        body.append(f'<path class="line {line.css}" d="{plot.path(line.points, steps=line.steps)}"/>')
    keys = [(label, css, False) for label, css in legend] + [(line.label, line.css, False) for line in lines]
    series = [{"label": line.label, "points": line.points} for line in lines]
    return _svg(name, plot, body, series, keys, shown)


class _Plot:
    """Where values are on the paper."""

    def __init__(self, x_range: Point, y_range: Point, height: int, unit: str = "day") -> None:
        self.unit = unit
        self.x_low, self.x_high = x_range
        self.y_low, self.y_high = y_range
        self.height = height

    def x(self, value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - self.x_low) / (self.x_high - self.x_low)

    def y(self, value: float) -> float:
        part = (value - self.y_low) / (self.y_high - self.y_low)
        return self.height - BOTTOM - (self.height - TOP - BOTTOM) * part

    def path(self, points: Sequence[Point], *, steps: bool = False) -> str:
        found = []
        for index, (x, y) in enumerate(points):
            if steps and index:
                found.append(f"H{self.x(x):.1f}")
            found.append(f"{'L' if index else 'M'}{self.x(x):.1f} {self.y(y):.1f}")
        return "".join(found)

    def axes(self, shown: Format) -> str:
        """Grid lines, and what they stand for."""
        parts = []
        for value in ticks(self.y_low, self.y_high, 5):
            y = self.y(value)
            parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(
                f'<text class="tick" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(shown(value))}</text>'
            )
        for value in ticks(self.x_low, self.x_high, 10, whole=True):
            label = f"{self.unit} {value:g}" if value == self.x_low else f"{value:g}"
            x = self.x(value)
            parts.append(f'<text class="tick" x="{x:.1f}" y="{self.height - 8}" text-anchor="middle">{label}</text>')
        return "".join(parts)

    def marks(self, marks: Sequence[Mark]) -> str:
        parts = []
        taken: list[Point] = []
        for mark in marks:
            x, y = self.x(mark.x), TOP + 5.0
            while any(abs(x - at) < _MARK and abs(y - level) < _MARK for at, level in taken):
                y += _MARK
            taken.append((x, y))
            parts.append(
                f'<g class="mark"><title>{escape(mark.title)}</title>'
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{self.height - BOTTOM}"/>'
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8"/>'
                f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle">{escape(mark.label)}</text></g>'
            )
        return "".join(parts)


def _svg(
    name: str,
    plot: _Plot,
    body: Sequence[str],
    series: Sequence[dict],
    keys: Sequence[tuple[str, str, bool]],
    shown: Format,
) -> Markup:
    """Legend and drawing. The legend's values follow the crosshair; without a script they are the last ones."""
    data = {
        "left": LEFT,
        "width": WIDTH - LEFT - RIGHT,
        "x": [plot.x_low, plot.x_high],
        "series": [
            {
                "label": item["label"],
                "x": [round(x, 4) for x, _ in item["points"]],
                "text": [shown(y) for _, y in item["points"]],
            }
            for item in series
        ],
    }
    last = {item["label"]: shown(item["points"][-1][1]) for item in series if item["points"]}
    legend = "".join(
        f'<li><span class="key {css}{" dashed" if dashed else ""}"></span>{escape(label)}'
        + (f' <b data-value="{escape(label)}">{escape(last[label])}</b>' if label in last else "")
        + "</li>"
        for label, css, dashed in keys
    )
    cross = f'<line class="cross" x1="0" x2="0" y1="{TOP}" y2="{plot.height - BOTTOM}" visibility="hidden"/>'
    return Markup(
        f'<figure class="chart" data-chart="{escape(json.dumps(data, separators=(",", ":")))}">'
        f'<figcaption>{escape(name)}</figcaption><ul class="legend">{legend}</ul>'
        f'<svg viewBox="0 0 {WIDTH} {plot.height}" role="img" aria-label="{escape(name)}">'
        f"{''.join(body)}{cross}</svg></figure>"
    )


def ticks(low: float, high: float, about: int, *, whole: bool = False) -> list[float]:
    """Return round values between `low` and `high`, about as many as asked.

    >>> ticks(0, 30, 6, whole=True)
    [0, 5, 10, 15, 20, 25, 30]
    """
    span = high - low
    if span <= 0:
        return [low]
    raw = span / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * 0.999)
    if whole:
        step = max(1, round(step))
    first = math.ceil(low / step - 1e-9)
    found = [round(index * step, 12) for index in range(first, math.floor(high / step + 1e-9) + 1)]
    return [int(value) for value in found] if whole else found


def _padded(low: float, high: float, from_zero: bool) -> Point:
    """Leave some room above and below."""
    if from_zero:
        low = 0.0
    room = (high - low) * 0.08 or abs(high) * 0.01 or 1.0
    return (low if from_zero else low - room), high + room

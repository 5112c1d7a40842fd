"""A scenario's page: charts of value, prices and readings."""

from pathlib import Path

from ballast import report
from ballast.market.record import Run, Track, thinned
from ballast.report import Line, Mark

_COLOURS = {True: "c1", False: "c6"}
#: marks that a chart can carry before it is unreadable
_MARKS = 30
_POINTS = 700


def html(run: Run) -> str:
    """Return the page."""
    actions = run.ruled.actions if run.ruled else []
    poke = f"the keeper comes every {run.keeper_seconds} seconds" if run.keeper_seconds else "no keeper comes"
    content = {
        "run": run,
        "checks": run.checks(),
        "actions": actions,
        "charts": [_value(run), _prices(run), *_readings(run)],
        "keeper": poke[0].upper() + poke[1:],
        "crowd": run.crowd_liquidations,
        "percent": lambda value, digits=1: f"{value * 100:+.{digits}f} %",
    }
    return report.render("scenario.html", content, folder=Path(__file__).parent)


def _range(run: Run) -> tuple[float, float]:
    return (0.0, run.scenario.hours)


def _marks(run: Run) -> list[Mark]:
    found = [
        Mark(each.seconds / 3600, "L", f"hour {each.seconds / 3600:.1f}: {track.name} liquidated")
        for track in run.tracks
        for each in track.liquidations
    ]
    return found[:_MARKS]


def _value(run: Run) -> str:
    lines = [
        Line(track.name, _COLOURS[track.rules], _points(track, lambda sample: sample.index), dashed=not track.rules)
        for track in run.tracks
    ]
    return report.line_chart(
        "Net worth of a share, beginning at 1, at the true price",
        lines,
        shown=lambda y: f"{y:.3f}",
        x_range=_range(run),
        marks=_marks(run),
        unit="hour",
    )


def _prices(run: Run) -> str:
    lines = [
        Line("every market", "c3", thinned(run.prices, _POINTS)),
        Line("the feed", "c5", thinned(run.feed, _POINTS), dashed=True, steps=True),
    ]
    digits = 4 if run.prices[0][1] < 10 else 0
    return report.line_chart(
        f"Price, {run.scenario.pair}", lines, shown=lambda y: f"{y:,.{digits}f}", x_range=_range(run), unit="hour"
    )


def _readings(run: Run) -> list[str]:
    track = run.ruled
    if track is None or not track.samples[-1].readings:
        return []
    return [_reading(run, track, place) for place in range(len(track.samples[-1].readings))]


def _reading(run: Run, track: Track, place: int) -> str:
    samples = [each for each in track.samples if len(each.readings) > place]
    name = samples[-1].readings[place].name
    unit = 10**18 if name != "idle" and max(abs(each.readings[place].value) for each in samples) > 10**9 else 1
    rows = [(each.hour, each.readings[place]) for each in thinned(samples, _POINTS)]
    lines = [Line(name, "c1", [(hour, reading.value / unit) for hour, reading in rows])]
    for edge in ("lower", "upper"):
        points = [(hour, getattr(reading, edge) / unit) for hour, reading in rows]
        # an edge that nothing can reach says nothing, and would flatten the rest
        if max(abs(y) for _, y in points) < 1e6 * max(1.0, *(abs(y) for _, y in lines[0].points)):
            lines.append(Line(edge, "c4", points, dashed=True, steps=True))
    return report.line_chart(
        f"Reading: {name}", lines, shown=lambda y: f"{y:,.3f}", x_range=_range(run), height=180, unit="hour"
    )


def _points(track: Track, value) -> list[tuple[float, float]]:
    return [(sample.hour, value(sample)) for sample in thinned(track.samples, _POINTS)]

"""The demo's report: one HTML page with its charts, from a story."""

import time
from pathlib import Path
from typing import Any

from ballast import report
from ballast.demo.observation import WAD
from ballast.demo.story import Action, Story
from ballast.report import Area, Bar, Line, Mark

#: colour classes, by venue and for what is not a venue
_VAULT, _IDLE = "c1", "c4"
_VENUES = ("c2", "c3", "c6")
#: what a transaction of the keeper counts as, the weightiest first, with its colour
_KINDS = (("move", "c5"), ("place", "c1"), ("report", "c3"), ("observe", "c4"))
_LABELS = {"move": "move", "place": "put to work", "report": "report profit", "observe": "observe"}


def html(story: Story) -> str:
    """Return the page."""
    return report.render("report.html", _content(story), folder=Path(__file__).parent)


def _content(story: Story) -> dict[str, Any]:
    first, last = story.samples[0], story.samples[-1]
    marks = _marks(story)
    x_range = (0.0, max(story.day(last.timestamp), story.days))
    return {
        "story": story,
        "summary": story.summary(),
        "checks": story.checks(),
        "leavers": [who for who in story.depositors if who.left_day is not None],
        "venues": list(last.venues),
        "charts": [_price(story, x_range, marks), _weights(story, x_range, marks), _rates(story, x_range, marks)],
        "gas_charts": [_gas(story, x_range)],
        "marks": marks,
        "actions": [action for action in story.actions if set(action.kinds) - {"observe"}],
        "quiet": _quiet(story),
        "started": _date(first.timestamp),
        "ended": _date(last.timestamp),
        "amount": story.amount,
        "whole": lambda units, digits=0: story.amount(units, digits).split()[0],
        "rate": lambda value: f"{value * 100:.2f} %",
        "gwei": lambda wei: f"{wei / 10**9:.1f}",
        "price": lambda wad: f"{wad / WAD:.6f}",
        "ether": lambda wei: f"{wei / WAD:.3f}",
    }


def _date(timestamp: int) -> str:
    return time.strftime("%-d %B %Y", time.gmtime(timestamp))


def _marks(story: Story) -> list[Mark]:
    return [
        Mark(event.day, str(number), f"day {event.day:.1f}: {event.who} {event.text}")
        for number, event in enumerate(story.events, 1)
    ]


def _series(story: Story, value: Any) -> list[tuple[float, float]]:
    # without the last: a market just left says nothing about the days before
    return [(story.day(sample.timestamp), value(sample)) for sample in story.samples[:-1]]


def _venue_css(story: Story) -> dict[str, str]:
    return dict(zip(story.samples[0].venues, _VENUES * 3, strict=False))


def _price(story: Story, x_range: tuple[float, float], marks: list[Mark]) -> str:
    first = story.samples[0]
    lines = [
        Line(
            f"{name} alone",
            css,
            _series(story, lambda sample, at=name: sample.venues[at].index_ray / first.venues[at].index_ray),
            dashed=True,
        )
        for name, css in _venue_css(story).items()
    ]
    lines.insert(0, Line("vault", _VAULT, _series(story, lambda sample: sample.share_price_wad / WAD)))
    name = f"Share price: {story.asset} for one share, after fees"
    spread = max(y for line in lines for _, y in line.points) - 1
    digits = 4 if spread > 0.001 else 6
    return report.line_chart(name, lines, shown=lambda y: f"{y:.{digits}f}", x_range=x_range, marks=marks)


def _weights(story: Story, x_range: tuple[float, float], marks: list[Mark]) -> str:
    colours = {**_venue_css(story), "idle": _IDLE}
    areas = [
        Area(name, css, _series(story, lambda sample, at=name: sample.weights()[at])) for name, css in colours.items()
    ]
    return report.area_chart(
        "Weights: where the money works", areas, shown=lambda y: f"{y * 100:.0f} %", x_range=x_range, marks=marks
    )


def _rates(story: Story, x_range: tuple[float, float], marks: list[Mark]) -> str:
    lines = [
        Line(name, css, _series(story, lambda sample, at=name: sample.venues[at].rate_wad / WAD))
        for name, css in _venue_css(story).items()
    ]
    name = "Supply rates a year, as the markets' own models give them"
    return report.line_chart(
        name, lines, shown=lambda y: f"{y * 100:.1f} %", x_range=x_range, marks=marks, from_zero=True
    )


def _gas(story: Story, x_range: tuple[float, float]) -> str:
    sent = [action for action in story.actions if action.transaction]
    bars = [
        Bar(
            action.day,
            action.gas / 1000,
            dict(_KINDS)[_kind(action)],
            f"day {action.day:.1f}, {action.contract}: {action.text}; {action.gas:,} gas at "
            f"{action.base_fee_wei / 10**9:.1f} gwei, {story.amount(action.cost, 2)}",
        )
        for action in sent
    ]
    used = {_kind(action) for action in sent}
    legend = [(_LABELS[kind], css) for kind, css in _KINDS if kind in used]
    name = "What the keeper sent, and its gas (thousands; point at a bar for its cost)"
    return report.bar_chart(name, bars, legend, shown=lambda y: f"{y:,.0f}", x_range=x_range)


def _kind(action: Action) -> str:
    kinds = {"place" if kind == "take back" else kind for kind in action.kinds}
    return next((kind for kind, _ in _KINDS if kind in kinds), "place")


def _quiet(story: Story) -> list[tuple[str, str, int]]:
    """What the keeper tried and did not send, by contract and reason: how often."""
    found: dict[tuple[str, str], int] = {}
    for action in story.actions:
        if not action.transaction:
            key = (action.contract, f"{action.result}: {action.text}".split(" (")[0] if action.text else action.result)
            key = (key[0], "gas too dear" if action.result == "gas too dear" else key[1])
            found[key] = found.get(key, 0) + 1
    return sorted(((*key, count) for key, count in found.items()), key=lambda row: -row[2])

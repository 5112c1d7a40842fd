"""docs/scenarios.md: the figures of all scenarios, written by the command that plays them."""

from collections.abc import Sequence
from typing import Final

from ballast.environment import ROOT
from ballast.market.record import Run, Track
from ballast.market.scenario import Scenario

FILE: Final = ROOT / "docs" / "scenarios.md"
_INTRODUCTION: Final = """# Days to survive

Written by `make scenarios`; don't edit it. `ape run scenario NAME --strategy STRATEGY` plays one of them again, to
the same figures, and draws it.
[scenarios.yaml](../ballast/market/scenarios.yaml) has the scenarios as data.

Each strategy is opened twice with the same amount and kept beside its twin: **with rules** by a keeper that pokes as
often as the scenario says, **without rules** by nobody. Both stand on the replica's real protocols, in one market,
moved by one crowd. *End* and *worst* are the net worth of a share against its first, at the true price and not the
contracts'. *Cost* is what the actions lost in trades (fees, slippage) as a share of the net worth, at that price;
*budget* is the most of the loss budget that was drawn in any of its windows, at the lending market's price; *gas* is
counted by the chain in this process, on slots warm from before, at the scenario's gas price. A depositor comes and
goes at random all the time: *doors* counts deposits and exits, and how often either door was shut by a rule. Every
deposit and exit that the strategy said it would take was taken, paid what the preview had said, and took nothing from
those who stayed, unless the lines below the table say otherwise.
"""
_COLUMNS: Final = (
    "Strategy",
    "End",
    "Worst",
    "Liquidated",
    "Lowest health",
    "Actions",
    "Cost",
    "Gas",
    "Budget",
    "Doors (in, out; shut)",
)


def markdown(runs: Sequence[Run]) -> str:
    """Write the page.

    Parameters
    ----------
    runs : in the order of the scenarios
    """
    parts = [_INTRODUCTION]
    scenarios: dict[str, list[Run]] = {}
    for run in runs:
        scenarios.setdefault(run.scenario.name, []).append(run)
    for found in scenarios.values():
        parts.append(_chapter(found[0].scenario, found))
    return "\n".join(parts)


def _chapter(scenario: Scenario, runs: Sequence[Run]) -> str:
    lines = [
        f"## {scenario.title}\n",
        f"`{scenario.name}`, {scenario.hours:g} hours. {scenario.about} Prices: {scenario.source}.\n",
        "| " + " | ".join(_COLUMNS) + " |",
        "|" + " --- |" * len(_COLUMNS),
    ]
    for run in runs:
        lines += [row(run, track) for track in run.tracks]
    failed = [
        f"- **{run.strategy}: {check.what}: no** ({check.found})"
        for run in runs
        for check in run.checks()
        if not check.ok
    ]
    if failed:
        lines += ["", "What does not hold:", "", *failed]
    return "\n".join(lines) + "\n"


def row(run: Run, track: Track) -> str:
    """Write a position's row."""
    visits = track.visits
    acted = bool(track.actions)
    cells = [
        f"{run.strategy}, {track.name}",
        _percent(track.end - 1),
        _percent(track.low - 1),
        f"**{len(track.liquidations)} times**" if track.liquidations else "no",
        f"{track.lowest_health:.3f}" if track.lowest_health is not None else "no debt",
        str(len(track.actions)),
        f"{track.cost * 100:.3f} %" if acted else "",
        f"{track.gas_dollars:,.0f} $" if acted else "",
        f"{track.drawn:.0%}" if acted and track.drawn is not None else "",
        f"{visits.deposits}, {visits.exits}; {visits.shut_in}, {visits.shut_out}" if track.rules else "",
    ]
    return "| " + " | ".join(cells) + " |"


def _percent(value: float) -> str:
    return f"{value * 100:+.1f} %"

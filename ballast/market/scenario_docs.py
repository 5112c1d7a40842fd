"""docs/scenarios.md: the figures of all scenarios, written by the command that plays them."""

from collections.abc import Sequence
from typing import Final

from ballast.environment import ROOT
from ballast.market.record import Run, Track, judged
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

**With enemies** the scenario is played again: before the honest keeper comes a hostile one with money without limit,
who tries every call at every price it can push the pool to, and does for real what hurts those inside most; and every
half hour (48 times where a scenario is longer than a day) a hostile depositor tries to enter and leave around pushed
prices. *Best attack* is the largest profit found, in whole units of the asset, beyond the bounty that an honest rescuer
would have got; *enemy paid* is what the hostile
keeper's deeds cost it. What they take is bounded by the loss budget; but whoever pays to use that up may
make the strategy wait, and be late.

What these figures do not say: the settings (`ballast/market/stage.py`) were chosen with these days in sight, for
positions of 250,000 dollars in pools that hold 10 to 50 million around the price. Another seed (`--seed 2`) draws
other prices between the known points. Larger positions need more pokes, for each trade is cut to what no sandwich can
live on. Where a price falls and comes back, a range that was moved has lost what one left alone has not: a range that
may move every four hours ends 12 and 13 March 2020 below its twin, one that may move once a day above it.

The calm month's price is drawn to end 3% up, and so takes back most of what it does on its way. A twin that hedges
nothing gets back what its exposure lost meanwhile; who hedges has paid for it. *By hedging* is that part of the
difference: from sample to sample, the difference in net base times what the price did next. One draw of the prices is
mostly luck, so it is drawn six times, and what the rules cost is the mean; the first table has the first draw. On a
price that may end anywhere (`--free-end`) hedging brings nothing on average; [strategies.md](strategies.md) has both.
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
    plain = [run for run in runs if not run.hostile and run.seed == 1]
    for run in plain:
        lines += [row(run, track) for track in run.tracks]
    enemies = [run for run in runs if run.hostile and run.ruled is not None]
    if enemies:
        lines += ["", *_enmity(enemies)]
    if scenario.draws > 1:
        lines += ["", *_draws(scenario, [run for run in runs if not run.hostile])]
    failed = [
        f"- **{run.strategy}{', hostile' if run.hostile else ''}: {check.what}: no** ({check.found})"
        for run, check in judged(runs)
        if not check.ok
    ]
    if failed:
        lines += ["", "What does not hold:", "", *failed]
    return "\n".join(lines) + "\n"


def _enmity(runs: Sequence[Run]) -> list[str]:
    """Write what a hostile keeper, who comes before the honest one, and a hostile depositor brought about."""
    lines = [
        "| With enemies | Best attack found | Worst for those inside | End | Liquidated | Budget | Enemy paid |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for run in runs:
        track = run.ruled
        best, worst = track.best_attack, track.worst_attack
        cells = [
            run.strategy,
            f"{best.profit:+,.4f} ({best.what})" if best else "none goes through",
            f"{worst.loss:.3%} ({worst.what})" if worst else "",
            _percent(track.end - 1),
            _times(track) if track.liquidations else "no",
            f"{track.drawn:.0%}" if track.drawn is not None else "",
            f"{track.enemy_spent:,.2f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _draws(scenario: Scenario, runs: Sequence[Run]) -> list[str]:
    """Write by how much less than its twin the position with rules ended, in each draw of the prices."""
    seeds = range(1, scenario.draws + 1)
    lines = [
        "| Less than the twin, by draw | " + " | ".join(map(str, seeds)) + " | Mean | of that by hedging | Trades |",
        "|" + " --- |" * (scenario.draws + 4),
    ]
    for strategy in dict.fromkeys(run.strategy for run in runs):
        draws = [run for run in runs if run.strategy == strategy]
        means = [
            sum(values) / len(draws)
            for values in zip(*((r.missed, -r.hedging, r.ruled.cost) for r in draws), strict=True)
        ]
        cells = [strategy, *(f"{run.missed:+.3%}" for run in draws), *(f"{mean:+.3%}" for mean in means)]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def row(run: Run, track: Track) -> str:
    """Write a position's row."""
    visits = track.visits
    acted = bool(track.actions)
    cells = [
        f"{run.strategy}, {track.name}",
        _percent(track.end - 1),
        _percent(track.low - 1),
        _times(track, "**") if track.liquidations else "no",
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


def _times(track: Track, mark: str = "") -> str:
    count = len(track.liquidations)
    return mark + ("once" if count == 1 else f"{count} times") + mark

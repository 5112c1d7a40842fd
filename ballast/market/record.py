"""What a scenario showed: samples, actions, and what became of each position. Plain data and arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ballast.keeper import Reading
from ballast.market.actors import Liquidation
from ballast.market.scenario import Scenario


@dataclass(frozen=True)
class Sample:
    """A position at a time: `index` is the true net worth of a share over the first one; `worth` in whole assets;
    `bases` the base held for a share less the base owed, over the first worth of a share: what a price that rises by
    one adds to `index`."""

    hour: float
    index: float
    worth: float
    health: float | None
    readings: tuple[Reading, ...] = ()
    bases: float = 0.0


@dataclass(frozen=True)
class Action:
    """Something that was done to a strategy: net worth before and after at the true price, and at the price that the
    lending market goes by; `gas` as counted by the chain."""

    hour: float
    kind: str
    readings: tuple[str, ...]
    before: float
    after: float
    before_feed: float
    after_feed: float
    gas: int
    gas_gwei: float

    @property
    def cost(self) -> float:
        """Return what it lost at the true price, as a share of the net worth; a gain is negative."""
        return (self.before - self.after) / self.before

    @property
    def booked(self) -> float:
        """Return what it lost at the lending market's price, as a share of the net worth."""
        return (self.before_feed - self.after_feed) / self.before_feed


@dataclass(frozen=True)
class Attack:
    """What an attempt brought: `profit` in whole units of the asset, `loss` of the strategy as a share of its worth."""

    what: str
    profit: float
    loss: float


@dataclass
class Visits:
    """A depositor who comes and goes at random: how often, how often the door was shut, and what went wrong."""

    deposits: int = 0
    exits: int = 0
    shut_in: int = 0
    shut_out: int = 0
    paid_in: float = 0.0
    paid_out: float = 0.0
    #: the most that a stay of one block brought, as a share of what was paid in
    best_round_trip: float = -1.0
    #: the most that an exit took from those who stayed, as a share of their worth
    worst_for_stayers: float = 0.0
    troubles: list[str] = field(default_factory=list)


@dataclass
class Track:
    """One position through a scenario."""

    name: str
    asset: str
    rules: bool
    samples: list[Sample] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    liquidations: list[Liquidation] = field(default_factory=list)
    #: why the keeper could not act, by error, and how often
    refusals: dict[str, int] = field(default_factory=dict)
    visits: Visits = field(default_factory=Visits)
    #: loss budgets by the function that spends them: share of the net worth, and seconds
    budgets: dict[str, tuple[float, int]] = field(default_factory=dict)
    #: dollars that gas cost the keeper
    gas_dollars: float = 0.0
    best_attack: Attack | None = None
    worst_attack: Attack | None = None
    #: what an enemy's own deeds cost it, in whole units of the asset
    enemy_spent: float = 0.0

    @property
    def end(self) -> float:
        """Return the last worth of a share over the first."""
        return self.samples[-1].index

    @property
    def low(self) -> float:
        """Return the lowest worth of a share over the first."""
        return min(sample.index for sample in self.samples)

    @property
    def lowest_health(self) -> float | None:
        """Return the lowest health factor seen."""
        return min((each.health for each in self.samples if each.health is not None), default=None)

    @property
    def cost(self) -> float:
        """Return what actions lost in all at true prices, as a share of the net worth, gas left out."""
        return sum(action.cost for action in self.actions)

    @property
    def drawn(self) -> float | None:
        """Return the most that actions lost in any window of their budget, as a share of it; None without a budget."""
        return max((self._drawn(kind) for kind in self.budgets), default=None)

    def _drawn(self, kind: str) -> float:
        most, window = self.budgets[kind]
        lost = [(action.hour * 3600, max(action.booked, 0.0)) for action in self.actions if action.kind == kind]
        worst = max((sum(loss for at, loss in lost if 0 <= at - begin <= window) for begin, _ in lost), default=0.0)
        return worst / most if most else worst


@dataclass(frozen=True)
class Check:
    """Something that a scenario must show."""

    what: str
    ok: bool
    found: str


COST: Final = "rules cost less than 0.2%"


@dataclass
class Run:
    """A scenario that was played."""

    scenario: Scenario
    strategy: str
    seed: int
    keeper_seconds: int | None
    tracks: list[Track]
    prices: list[tuple[float, float]]
    feed: list[tuple[float, float]]
    seconds: float = 0.0
    crowd_liquidations: int = 0
    hostile: bool = False

    @property
    def ruled(self) -> Track | None:
        """Return the position with rules."""
        return next((track for track in self.tracks if track.rules), None)

    @property
    def plain(self) -> Track | None:
        """Return the position without."""
        return next((track for track in self.tracks if not track.rules), None)

    @property
    def hedging(self) -> float:
        """Return what the exposure that the rules left brought, over what the twin's brought: from sample to sample the
        difference in `bases` times what the price then did. On a price without a drift it is nothing on average,
        however one hedges; on one path it may be the larger part of the difference between the two."""
        track, plain = self.ruled, self.plain
        if track is None or plain is None:
            return 0.0
        prices = [price for _, price in self.prices]
        return sum(
            (ours.bases - theirs.bases) * (after - before)
            for ours, theirs, before, after in zip(track.samples, plain.samples, prices, prices[1:], strict=False)
        )

    @property
    def missed(self) -> float:
        """Return how much less than its twin the position with rules has at the end."""
        track, plain = self.ruled, self.plain
        return plain.end - track.end if track is not None and plain is not None else 0.0

    def checks(self) -> list[Check]:
        """Return what must hold, and whether it does; nothing is asked of a run without rules or without a keeper."""
        track, plain = self.ruled, self.plain
        if track is None or self.keeper_seconds is None:
            return []
        found = [Check("deposits and exits are safe", not track.visits.troubles, _visits(track.visits))]
        if not self.hostile:
            # an enemy with more money than the strategy can use up its loss budget; it then waits, and may be late
            found.insert(
                0, Check("never liquidated", not track.liquidations, f"{len(track.liquidations)} liquidations")
            )
        if track.drawn is not None:
            found.append(Check("loss budget never exceeded", track.drawn <= 1, f"{track.drawn:.0%} of it at most"))
        if plain is not None and self.scenario.crisis and not self.hostile:
            found.append(
                Check(
                    "ends above the same without rules", track.end > plain.end, f"{track.end:.4f} and {plain.end:.4f}"
                )
            )
        if not self.scenario.crisis and not self.hostile:
            found.append(cost([self]))
        if track.best_attack is not None:
            best = track.best_attack
            found.append(Check("no attack pays", best.profit <= 0, f"{best.profit:,.4f} at best: {best.what}"))
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return the figures."""
        return {
            "scenario": self.scenario.name,
            "strategy": self.strategy,
            "seed": self.seed,
            "keeper_seconds": self.keeper_seconds,
            "hostile": self.hostile,
            "hedging": self.hedging,
            "tracks": [_figures(track) for track in self.tracks],
            "checks": [vars(check) for check in self.checks()],
        }


def _visits(visits: Visits) -> str:
    if visits.troubles:
        return f"{len(visits.troubles)} troubles: {visits.troubles[0]}"
    return f"{visits.deposits} deposits, {visits.exits} exits; shut {visits.shut_in} and {visits.shut_out} times"


def _figures(track: Track) -> dict[str, Any]:
    return {
        "name": track.name,
        "rules": track.rules,
        "end": track.end,
        "low": track.low,
        "lowest_health": track.lowest_health,
        "liquidations": len(track.liquidations),
        "actions": len(track.actions),
        "cost": track.cost,
        "budget_drawn": track.drawn,
        "gas": sum(action.gas for action in track.actions),
        "gas_dollars": track.gas_dollars,
        "refusals": track.refusals,
        "visits": dict(vars(track.visits)),
        "best_attack": vars(track.best_attack) if track.best_attack else None,
        "worst_attack": vars(track.worst_attack) if track.worst_attack else None,
        "enemy_spent": track.enemy_spent,
    }


def thinned(rows: Sequence[Any], most: int) -> list[Any]:
    """Return at most about `most` rows, evenly spread, the last among them."""
    step = max(1, len(rows) // most)
    kept = list(rows[::step])
    return kept if kept[-1] is rows[-1] else [*kept, rows[-1]]


def cost(draws: Sequence[Run]) -> Check:
    """Check what the rules cost one strategy in one scenario, on the mean of its draws: one draw is mostly luck."""
    trades, missed, hedging = (
        sum(values) / len(draws)
        for values in zip(*((run.ruled.cost, run.missed, run.hedging) for run in draws), strict=True)
    )
    told = f"{trades:.3%} in trades, {missed:+.3%} less at the end"
    if all(run.plain is not None for run in draws):
        told += f": {-hedging:+.3%} by hedging, {missed + hedging:+.3%} by all else"
    what = COST if len(draws) == 1 else f"{COST}, as the mean of {len(draws)} draws"
    return Check(what, max(trades, missed) < 0.002, told)


def judged(runs: Sequence[Run]) -> list[tuple[Run, Check]]:
    """Return all checks of many runs, each with (the first of) the runs that it is of."""
    found, drawn = [], {}
    for run in runs:
        several = run.scenario.draws > 1 and not run.hostile
        found += [(run, check) for check in run.checks() if not (several and check.what == COST)]
        if several and run.plain is not None:
            drawn.setdefault((run.scenario.name, run.strategy), []).append(run)
    return found + [(draws[0], cost(draws)) for draws in drawn.values()]

"""Plays a scenario: the crowd moves the markets, the keeper keeps, and everybody is watched."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ballast import mainnet
from ballast.fuzz.abi import Interface
from ballast.fuzz.chain import Chain, Reverted
from ballast.fuzz.world import KEEPER
from ballast.keeper import Contract, Keeper
from ballast.market import scenario as scenarios
from ballast.market.actors import (
    Account,
    Arbitrageur,
    ChainlinkNodes,
    Liquidators,
    Providers,
    Traders,
    Truth,
    borrowers,
)
from ballast.market.depositor import Depositor
from ballast.market.hostile import Hostile
from ballast.market.keeping import BacktestCourier, keeper
from ballast.market.markets import Markets, Pool
from ballast.market.record import Action, Run, Sample, Track
from ballast.market.scenario import Moment, Scenario
from ballast.market.stage import FeedPrices, Position, Stage, StrategyPosition

#: how long the markets settle, and positions are opened, before the scenario begins
_WARM_UP_STEPS: Final = 15
_WARM_UP_SECONDS: Final = 300
#: seconds between two pokes while positions are opened
_OPENING_SECONDS: Final = 60
#: pokes that may be needed to open a position
_OPENING_POKES: Final = 120
_SAMPLES: Final = 1_500
#: how often an enemy searches for what pays: seconds at least, and times in a scenario at most
_SEARCH_SECONDS: Final = 1_800
_SEARCHES: Final = 48
_DAY: Final = 86_400
_POOLED: Final = Interface("IPooled", mainnet.abi("pool() view returns (address)"))


@dataclass(frozen=True)
class Options:
    """How to play."""

    seed: int = 1
    #: None: as the scenario says
    every: int | None = None
    keeper: bool = True
    hostile: bool = False


@dataclass
class _Watched:
    """A position, its track, and its keeper where it has one."""

    position: Position
    track: Track
    keeper: Keeper | None = None
    courier: BacktestCourier | None = None
    first: float = 1.0
    depositor: Depositor | None = None
    hostile: Hostile | None = None
    sandwicher: Hostile | None = None
    readings: list[str] = field(default_factory=list)


def play(
    chain: Chain,
    scenario: Scenario,
    stage: Stage,
    strategy: str,
    options: Options = Options(),
    *,
    progress: Callable[[int, int], None] = lambda done, all_: None,
) -> Run:
    """Play a scenario.

    Parameters
    ----------
    chain : the replica, or a fork of it; what is done stays done
    scenario : which
    stage : makes the position with rules and the same without; either may be None
    strategy : what people call it
    options : how
    progress : told steps done and steps in all
    """
    began = time.perf_counter()
    play_ = _Play(chain, scenario, stage, strategy, options)
    play_.warm_up()
    for step, moment in enumerate(play_.moments):
        play_.step(step, moment)
        progress(step + 1, len(play_.moments))
    return play_.close(time.perf_counter() - began)


class _Play:
    def __init__(self, chain: Chain, scenario: Scenario, stage: Stage, strategy: str, options: Options) -> None:
        self.chain = chain
        self.scenario = scenario
        self.options = options
        self.strategy = strategy
        self.stage = stage
        self.markets = Markets(chain)
        self.markets.widen()
        self.truth = Truth(self.markets)
        self.feeds = FeedPrices(self.markets)
        self.moments = scenarios.moments(scenario, seed=options.seed, start=self.truth.moment.ether)
        acting = scenario.actors
        self.traders = Traders(self.markets, scenario, options.seed) if "traders" in acting else None
        self.providers = Providers(self.markets, scenario) if "providers" in acting else None
        self.nodes = ChainlinkNodes(self.markets, scenario)
        self.arbitrageur = Arbitrageur(self.markets, scenario)
        self.liquidators = Liquidators(self.markets) if "liquidators" in acting else None
        self.crowd: list[Account] = borrowers(self.markets) if "borrowers" in acting else []
        # the pair's own pools first; ether is traded in every scenario
        self.pools = sorted(self.markets.pools.values(), key=lambda pool: not pool.name.startswith(scenario.pair))
        self.watched: list[_Watched] = []
        self.every = options.every or scenario.keeper_seconds
        self.sample_steps = max(1, len(self.moments) // _SAMPLES)
        self.prices: list[tuple[float, float]] = []
        self.feed: list[tuple[float, float]] = []

    # --- before the scenario ---

    def warm_up(self) -> None:
        """Bring the markets to the scenario's first prices, and open the positions."""
        first = self.moments[0]
        for left in range(_WARM_UP_STEPS, 0, -1):
            self._markets_move(
                Moment(-left * _WARM_UP_SECONDS, first.ether, first.staked, first.gas_gwei), _WARM_UP_SECONDS
            )
        for rules, position in zip((True, False), self.stage(self.markets, self.scenario), strict=True):
            if position is not None:
                self._watch(position, rules)
        moment = Moment(-_OPENING_SECONDS, first.ether, first.staked, first.gas_gwei)
        for _ in range(_OPENING_POKES):
            # first of all, for assets are not put to work in the block in which they came
            self._markets_move(moment, _OPENING_SECONDS)
            acted = [self._open(each) for each in self.watched]
            if not any(acted):
                break
        for each in self.watched:
            if isinstance(each.position, StrategyPosition):
                each.position.opened()
            each.first = each.position.index(self.truth)
            each.track.actions.clear()
            each.track.refusals.clear()
            each.track.gas_dollars = 0.0
            if not each.track.rules or not self.options.keeper:
                each.keeper = None
        self._begin_visits()

    def _begin_visits(self) -> None:
        for each in self.watched:
            if each.track.rules and "depositor" in self.scenario.actors and isinstance(each.position, StrategyPosition):
                each.depositor = Depositor(each.position, self.scenario, self.options.seed)
                each.track.visits = each.depositor.visits
            if not each.track.rules or not isinstance(each.position, StrategyPosition):
                continue
            if not self.options.hostile and "sandwicher" in self.scenario.actors:
                each.sandwicher = Hostile(each.position, self._pools_of(each.position))
            if self.options.hostile:
                each.hostile = Hostile(each.position, self._pools_of(each.position))

    def _pools_of(self, position: StrategyPosition) -> list[Pool]:
        """Return the pools that a strategy uses."""
        parts = [self.chain.at(position.strategy.exchange(), _POOLED), position.liquidity]
        used = {part.pool() for part in parts if part is not None}
        return [pool for pool in self.pools if pool.at.address in used]

    def _watch(self, position: Position, rules: bool) -> None:
        each = _Watched(position, Track(position.name, position.asset, rules))
        if isinstance(position, StrategyPosition):
            strategy = position.strategy
            each.track.budgets = position.budgets()
            contract = Contract(strategy.address, position.name)
            each.keeper, each.courier = keeper(
                self.chain, [(contract, strategy)], KEEPER, lambda _: self._action(each, "rebalance")
            )
        self.watched.append(each)

    def _open(self, each: _Watched) -> bool:
        """Poke once; return whether it did something."""
        if each.keeper is None:
            return False
        done = len(each.track.actions)
        each.keeper.cycle()
        return len(each.track.actions) > done

    # --- the scenario ---

    def step(self, step: int, moment: Moment) -> None:
        """Play one step."""
        posted = self._markets_move(moment, self.scenario.step_seconds if step else _OPENING_SECONDS)
        if self.liquidators:
            before = len(self.liquidators.done)
            ours = [account for each in self.watched for account in each.position.accounts]
            self.liquidators.act(self.truth, [*ours, *(self.crowd if posted else [])])
            self._note_liquidations(before)
        for each in self.watched:
            if step and moment.seconds % _DAY == 0 and isinstance(each.position, StrategyPosition):
                each.position.upkeep()
            if moment.seconds % self.every == 0:
                self._poke(each)
        for each in self.watched:
            if each.depositor is not None:
                each.depositor.act(self.truth)
        if step % self.sample_steps == 0 or step == len(self.moments) - 1:
            self._sample()

    def _markets_move(self, moment: Moment, seconds: int) -> bool:
        """Let time pass and the markets move; return whether a price was posted."""
        self.chain.wait(seconds)
        self.truth.move(moment)
        if self.traders:
            self.traders.act(self.pools, self.truth)
        self.arbitrageur.act(self.pools, self.truth)
        if self.providers:
            self.providers.act(self.pools, self.truth)
        return self.nodes.act(self.truth)

    def _poke(self, each: _Watched) -> None:
        if each.keeper is None or each.courier is None:
            return
        if each.hostile is not None:
            # anyone may call, so the enemy comes first and the honest keeper after it
            self._poke_by_an_enemy(each)
        if each.sandwicher is not None:
            each.sandwicher.sandwich(self.truth, lambda name: self._call(each, name))
            each.track.best_attack = each.sandwicher.best
        each.courier.gas_gwei = self.truth.moment.gas_gwei
        cycle = each.keeper.cycle()
        for outcome in (*cycle.outcomes, *cycle.settled):
            if outcome.error and outcome.error != "InBand":
                each.track.refusals[outcome.error] = each.track.refusals.get(outcome.error, 0) + 1
        if "rescue" in each.position.strategy.interface.functions:
            self._call(each, "rescue")

    def _poke_by_an_enemy(self, each: _Watched) -> None:
        often = max(_SEARCH_SECONDS, round(self.scenario.hours * 3600 / _SEARCHES / self.every) * self.every)
        if self.truth.moment.seconds % often == 0:
            each.hostile.search(self.truth)
        each.hostile.keep(self.truth, lambda name: self._call(each, name))
        each.track.best_attack, each.track.worst_attack = each.hostile.best, each.hostile.worst
        each.track.enemy_spent = each.hostile.spent

    def _call(self, each: _Watched, name: str) -> None:
        """Call a keeper's function if it goes well, and note it."""
        mined = self._action(each, name)
        try:
            getattr(each.position.strategy, name)(sender=KEEPER)
        except Reverted:
            return
        mined(self.chain.gas())

    def _action(self, each: _Watched, kind: str) -> Callable[[int], None]:
        """Note what is about to be done; the answer is told its gas when it was."""
        before, before_feed = each.position.worth(self.truth), each.position.worth(self.feeds)

        def mined(gas: int) -> None:
            moment = self.truth.moment
            names = tuple(
                event.values["reading"].rstrip(b"\0").decode() for event in self.chain.events() if event.name == "Acted"
            )
            after, after_feed = each.position.worth(self.truth), each.position.worth(self.feeds)
            action = Action(moment.hour, kind, names, before, after, before_feed, after_feed, gas, moment.gas_gwei)
            each.track.actions.append(action)
            each.track.gas_dollars += gas * moment.gas_gwei * 1e-9 * moment.ether

        return mined

    def _note_liquidations(self, before: int) -> None:
        ours = {account.name: each for each in self.watched for account in each.position.accounts}
        for done in self.liquidators.done[before:]:
            if done.account in ours:
                ours[done.account].track.liquidations.append(done)

    def _sample(self) -> None:
        hour = self.truth.moment.hour
        base, quote = self.pools[0].base, self.pools[0].quote
        self.prices.append((hour, self.truth.price(base, quote)))
        self.feed.append((hour, self.feeds.price(base, quote)))
        for each in self.watched:
            readings = ()
            if each.keeper is not None:
                readings = each.keeper.reader.read().states[0].readings
            worth = each.position.worth(self.truth)
            shares = each.position.shares() * each.first
            health, bases = each.position.health(), each.position.bases(self.truth) / shares
            each.track.samples.append(Sample(hour, worth / shares, worth, health, readings, bases))

    def close(self, seconds: float) -> Run:
        """Let the depositor out, and tell what happened."""
        for each in self.watched:
            if each.depositor is not None:
                try:
                    each.depositor.leave_all(self.truth)
                except Reverted as error:
                    each.track.visits.troubles.append(f"at the end: {error}")
        mine = sum(len(each.track.liquidations) for each in self.watched)
        crowd = len(self.liquidators.done) - mine if self.liquidators else 0
        every = self.every if self.options.keeper else None
        tracks = [each.track for each in self.watched]
        return Run(
            self.scenario,
            self.strategy,
            self.options.seed,
            every,
            tracks,
            self.prices,
            self.feed,
            seconds=seconds,
            crowd_liquidations=crowd,
            hostile=self.options.hostile,
        )

"""The crowd of a scenario. Each acts once a step, in the order in which the engine names them; none is trusted."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ballast import mainnet
from ballast.fuzz.chain import Reverted
from ballast.fuzz.vault_machine import MOST
from ballast.market.markets import STAKED, WAD, Feed, Markets, Pool
from ballast.market.scenario import Moment, Scenario, at, during

_DAY: Final = 86400
_CENTS: Final = 10**8
#: rounds in which a liquidator may take part of the same account in one step
_BITES: Final = 12
_VARIABLE: Final = 2
#: a fifth, in ticks
_RANGE_TICKS: Final = 2_000


class Truth:
    """What things are worth: a scenario's prices as every market would quote them."""

    def __init__(self, markets: Markets) -> None:
        self._markets = markets
        self._usdc = markets.feeds["usdc"].answer() / _CENTS
        self.moment = Moment(0, markets.feeds["ether"].answer() / _CENTS, 1.0, 1.0)
        self._rate = 1.0

    def move(self, moment: Moment) -> None:
        """It is another moment now."""
        self.moment = moment
        self._rate = self._markets.staked.rate() / WAD

    def dollars(self, token: str) -> float:
        """Return dollars for a whole token."""
        if token == mainnet.USDC:
            return self._usdc
        if token == STAKED:
            return self.moment.ether * self.moment.staked * self._rate
        return self.moment.ether

    def price(self, base: str, quote: str) -> float:
        """Return whole quote tokens for a whole base token."""
        return self.dollars(base) / self.dollars(quote)


class Traders:
    """Who trade without a view: each step they buy or sell in each pool, so that it earns fees."""

    def __init__(self, markets: Markets, scenario: Scenario, seed: int) -> None:
        self._markets = markets
        self._chance = random.Random(f"{scenario.name} traders {seed}")
        self._dollars = scenario.noise * scenario.step_seconds / _DAY
        self._who = markets.enter("traders")

    def act(self, pools: Sequence[Pool], truth: Truth) -> None:
        for pool in pools:
            sells = self._chance.random() < 0.5
            paid = pool.base if sells else pool.quote
            dollars = self._dollars * self._chance.expovariate(1)
            amount = int(dollars / truth.dollars(paid) * self._markets.units[paid])
            if amount:
                self._markets.swap(pool, self._who, sells_base=sells, amount=amount)


class Arbitrageur:
    """Brings each pool back to within its fee of the true price, and no further: there its profit ends."""

    def __init__(self, markets: Markets, scenario: Scenario) -> None:
        self._markets = markets
        self._prints = [each for each in scenario.prints if each.source == "pool"]
        self._who = markets.enter("arbitrageur")

    def act(self, pools: Sequence[Pool], truth: Truth) -> None:
        hour = truth.moment.hour
        for number, pool in enumerate(pools):
            true = truth.price(pool.base, pool.quote)
            # a print happens in one venue: the first, which is the one that oracles look at
            for each in self._prints if number == 0 else ():
                if each.begins <= hour < each.ends:
                    true *= each.factor
            now, fee = pool.price(), pool.fee / 1e6
            low, high = true * (1 - fee), true * (1 + fee)
            # nothing is earned by less than a hundredth of the fee
            if now < low * (1 - fee / 100):
                self._markets.push(pool, self._who, low)
            elif now > high * (1 + fee / 100):
                self._markets.push(pool, self._who, high)


class Providers:
    """Who provide liquidity and follow the price: in each pool they begin again, in a range of a fifth to each side,
    when it has left the middle of their last one. The replica's own liquidity stays where it was."""

    def __init__(self, markets: Markets, scenario: Scenario) -> None:
        self._markets = markets
        self._dollars = scenario.depth
        self._who = markets.provider("providers")
        self._centres: dict[str, int] = {}

    def act(self, pools: Sequence[Pool], truth: Truth) -> None:
        for pool in pools:
            tick = pool.at.slot0()[1]
            # the replica's liquidity is around its first price
            centre = self._centres.setdefault(pool.name, tick)
            if abs(tick - centre) <= _RANGE_TICKS // 2:
                continue
            self._centres[pool.name] = tick
            amounts = {
                token: int(self._dollars / truth.dollars(token) * self._markets.units[token])
                for token in (pool.base, pool.quote)
            }
            self._markets.provide(pool, self._who, tick - _RANGE_TICKS, tick + _RANGE_TICKS, amounts)


@dataclass
class _Line:
    """A feed and what its nodes have seen and sent."""

    feed: Feed
    token: str
    seen: float
    seen_at: int
    #: posts on their way: due second, dollars
    waiting: list[tuple[int, float]] = field(default_factory=list)


class ChainlinkNodes:
    """The nodes of all feeds: they look at each step and post when the price has moved or the heartbeat is due, after
    their lateness, or not at all while silent. The token that stands for ether is posted with every round of ether."""

    def __init__(self, markets: Markets, scenario: Scenario) -> None:
        self._markets = markets
        self._terms = scenario.nodes
        self._feed_prints = [each for each in scenario.prints if each.source == "feed"]
        self._node_prints = [each for each in scenario.prints if each.source == "node"]
        self._lines = [
            _Line(markets.feeds["ether"], mainnet.WETH, 0.0, 0),
            _Line(markets.feeds["usdc"], mainnet.USDC, 0.0, 0),
            _Line(markets.feeds["staked"], STAKED, 0.0, 0),
        ]
        self.rounds = 0

    def act(self, truth: Truth) -> bool:
        """Look and post; return whether anything was posted."""
        moment = truth.moment
        if during(self._terms.silent, moment.hour):
            for line in self._lines:
                line.waiting.clear()
            return False
        late = int(at(self._terms.lateness, max(moment.hour, 0.0)))
        factor = 1.0
        for each in self._feed_prints:
            factor *= each.factor if each.begins <= moment.hour < each.ends else 1.0
        due = [
            self._due(line, truth.dollars(line.token) * self._off(line, factor), moment.seconds) for line in self._lines
        ]
        if due[0] or due[2]:
            # rounds of the two go together, so that their ratio is not of two times
            due[0] = due[2] = True
        for line, now in zip(self._lines, due, strict=True):
            if now:
                price = truth.dollars(line.token) * self._off(line, factor)
                line.waiting.append((moment.seconds + late, price))
                line.seen, line.seen_at = price, moment.seconds
        delivered = [self._deliver(line, moment) for line in self._lines]
        return any(delivered)

    def _off(self, line: _Line, factor: float) -> float:
        return 1.0 if line.token == mainnet.USDC else factor

    def _due(self, line: _Line, price: float, now: int) -> bool:
        moved = abs(price - line.seen) > self._terms.deviation * line.seen
        return moved or now - line.seen_at >= self._terms.heartbeat

    def _deliver(self, line: _Line, moment: Moment) -> bool:
        ready = [each for each in line.waiting if each[0] <= moment.seconds]
        if not ready:
            return False
        line.waiting = [each for each in line.waiting if each[0] > moment.seconds]
        number = line.feed.aggregator.latestRound() + 1
        answer = round(ready[-1][1] * _CENTS)
        for place, node in enumerate(line.feed.nodes):
            told = answer
            for each in self._node_prints if place == 0 and line.token != mainnet.USDC else ():
                if each.begins <= moment.hour < each.ends:
                    told = round(answer * each.factor)
            line.feed.aggregator.submit(number, told, sender=node)
        self.rounds += 1
        return True


@dataclass(frozen=True)
class Account:
    """A credit account on Aave that may be liquidated."""

    name: str
    address: str
    collateral: str
    debt: str


@dataclass(frozen=True)
class Liquidation:
    """What a liquidator took: collateral and what it repaid, in the tokens' units."""

    account: str
    seconds: int
    repaid: int
    seized: int


class Liquidators:
    """They take what Aave lets them take, at once, from everybody."""

    def __init__(self, markets: Markets) -> None:
        self._markets = markets
        self._who = markets.enter("liquidator")
        self.accounts: list[Account] = []
        self.done: list[Liquidation] = []

    def act(self, truth: Truth, accounts: Sequence[Account]) -> None:
        aave = self._markets.aave
        for account in accounts:
            for _ in range(_BITES):
                if aave.getUserAccountData(account.address)[5] >= WAD or not self._bite(account, truth.moment.seconds):
                    break

    def _bite(self, account: Account, seconds: int) -> bool:
        collateral, debt = self._markets.tokens[account.collateral], self._markets.tokens[account.debt]
        had, owed = collateral.balanceOf(self._who), debt.balanceOf(self._who)
        arguments = (account.collateral, account.debt, account.address, MOST, False)
        if self._markets.attempt(self._markets.aave.liquidationCall, *arguments, sender=self._who):
            return False
        seized, repaid = collateral.balanceOf(self._who) - had, owed - debt.balanceOf(self._who)
        self.done.append(Liquidation(account.name, seconds, repaid, seized))
        return True


def borrowers(markets: Markets, *, count: int = 8) -> list[Account]:
    """Let a crowd borrow on Aave against 500 WETH each, the boldest just short of what Aave allows."""
    made = []
    for number in range(count):
        who = markets.enter(f"borrower {number}")
        markets.aave.supply(mainnet.WETH, 500 * WAD, who, 0, sender=who)
        # 8 decimals of USD to USDC's 6
        most = markets.aave.getUserAccountData(who)[2] // 100
        markets.aave.borrow(mainnet.USDC, most * (98 - 8 * number) // 100, _VARIABLE, 0, who, sender=who)
        made.append(Account(f"borrower {number}", who, mainnet.WETH, mainnet.USDC))
    return made


__all__ = [
    "Account",
    "Arbitrageur",
    "ChainlinkNodes",
    "Liquidation",
    "Liquidators",
    "Providers",
    "Reverted",
    "Traders",
    "Truth",
    "borrowers",
]

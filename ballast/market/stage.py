"""Positions on a scenario's stage, opened alike with the rules on and off. All deployments of strategies are here."""

import abc
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from ballast import mainnet
from ballast.errors import ConfigurationError
from ballast.fuzz.build import Build
from ballast.fuzz.chain import Contract
from ballast.market.actors import Account
from ballast.market.markets import STAKED, WAD, Markets
from ballast.market.scenario import Scenario

_VARIABLE: Final = 2
_EMODE: Final = 1
_VIRTUAL_SHARES: Final = 10**6


class Prices(Protocol):
    """Something that prices tokens."""

    def price(self, base: str, quote: str) -> float:
        """Return whole quote tokens for a whole base token."""
        ...


@dataclass
class Position(abc.ABC):
    """A position that a scenario watches; its worth is in whole units of `asset`."""

    name: str
    markets: Markets
    asset: str
    base: str
    accounts: list[Account] = field(default_factory=list)

    @abc.abstractmethod
    def worth(self, prices: Prices) -> float:
        """Return the net worth at these prices, debts taken off."""

    @abc.abstractmethod
    def shares(self) -> float:
        """Return in how many shares it is held."""

    def index(self, prices: Prices) -> float:
        """Return the net worth of a share."""
        return self.worth(prices) / self.shares()

    def health(self) -> float | None:
        """Return the lowest health factor of its accounts; None without debt."""
        factors = [self.markets.aave.getUserAccountData(each.address)[5] for each in self.accounts]
        return min((each / WAD for each in factors if each < 2**200), default=None)

    def _whole(self, token: str, units: int) -> float:
        return units / self.markets.units[token]


class PlainAccount(Position):
    """Collateral and debt on Aave in the name of an account without rules."""

    def worth(self, prices: Prices) -> float:
        account = self.accounts[0]
        held, _ = self._tokens(account.collateral)
        _, owed = self._tokens(account.debt)
        return self._whole(account.collateral, held) * prices.price(account.collateral, self.asset) - self._whole(
            account.debt, owed
        ) * prices.price(account.debt, self.asset)

    def shares(self) -> float:
        return 1.0

    def _tokens(self, token: str) -> tuple[int, int]:
        """Return what is supplied and what is owed of a token."""
        reserve = self.markets.aave.getReserveData(token)
        who = self.accounts[0].address
        chain = self.markets.chain
        read = [chain.at(reserve[place], self.markets.weth.interface).balanceOf(who) for place in (8, 10)]
        return read[0], read[1]


@dataclass
class StrategyPosition(Position):
    """A strategy and the venues that it owns."""

    strategy: Contract | None = None
    credit: Contract | None = None
    liquidity: Contract | None = None

    def worth(self, prices: Prices) -> float:
        price = prices.price(self.base, self.asset)
        assets = self._whole(self.asset, self.strategy.idle())
        bases = self._whole(self.base, self.strategy.idleBase())
        if self.liquidity is not None:
            held = self.liquidity.holdingsAt(int(price * WAD))
            fees = self.liquidity.fees()
            assets += self._whole(self.asset, held[0] + fees[0])
            bases += self._whole(self.base, held[1] + fees[1])
        worth = assets + bases * price
        if self.credit is not None:
            account = self.accounts[0]
            held, owed = self.credit.collateral(), self.credit.debt()
            worth += self._whole(account.collateral, held) * prices.price(account.collateral, self.asset)
            worth -= self._whole(account.debt, owed) * prices.price(account.debt, self.asset)
        return worth

    def shares(self) -> float:
        return (self.strategy.totalSupply() + _VIRTUAL_SHARES) / (_VIRTUAL_SHARES * self.markets.units[self.asset])


def plain_leverage(markets: Markets, pair: str, *, leverage: float, dollars: float = 1_000_000) -> PlainAccount:
    """Open collateral and debt on Aave by hand; `dollars` is the net worth."""
    asset, base = (mainnet.WETH, STAKED) if pair == "staked/weth" else (mainnet.USDC, mainnet.WETH)
    who = markets.enter(f"plain {pair} {leverage}")
    price = _feed_price(markets, base, asset)
    net = dollars * 10**8 / markets.aave_oracle.getAssetPrice(asset)
    collateral = int(net * leverage / price * markets.units[base])
    debt = int(net * (leverage - 1) * markets.units[asset])
    markets.aave.supply(base, collateral, who, 0, sender=who)
    if base == STAKED:
        markets.aave.setUserEMode(_EMODE, sender=who)
    markets.aave.borrow(asset, debt, _VARIABLE, 0, who, sender=who)
    return PlainAccount("plain", markets, asset, base, [Account("plain", who, base, asset)])


def _feed_price(markets: Markets, base: str, asset: str) -> float:
    return markets.aave_oracle.getAssetPrice(base) / markets.aave_oracle.getAssetPrice(asset)


class FeedPrices:
    """What Aave's oracle says: the feeds, late or not."""

    def __init__(self, markets: Markets) -> None:
        self._markets = markets

    def price(self, base: str, quote: str) -> float:
        """Return whole quote tokens for a whole base token."""
        return 1.0 if base == quote else _feed_price(self._markets, base, quote)


Stage = Callable[[Markets, Scenario], tuple[Position | None, Position | None]]
#: leverage of a plain account, by what it trades
_PLAIN_LEVERAGE: Final = {"weth/usdc": 2.0, "staked/weth": 8.0}


def find(strategy: str, *, build: Build, rules: str = "both") -> Stage:
    """Return what makes the positions of a strategy: the one with rules, and the same without.

    Parameters
    ----------
    strategy : leveraged, liquidity, neutral, or plain
    build : compiled contracts
    rules : both, on or off
    """
    if strategy == "plain":
        if rules == "on":
            raise ConfigurationError("a plain position has no rules: leave --rules out")
        return lambda markets, scenario: (
            None,
            plain_leverage(markets, scenario.pair, leverage=_PLAIN_LEVERAGE[scenario.pair]),
        )
    if strategy not in _MAKERS:
        raise ConfigurationError(f"there is no strategy {strategy!r}: {', '.join([*_MAKERS, 'plain'])} are there")
    make = _MAKERS[strategy]

    def stage(markets: Markets, scenario: Scenario) -> tuple[Position | None, Position | None]:
        ruled = make(markets, scenario, build, "with rules") if rules != "off" else None
        plain = make(markets, scenario, build, "without rules") if rules != "on" else None
        return ruled, plain

    return stage


_MAKERS: Final[dict[str, Callable[[Markets, Scenario, Build, str], Position]]] = {}

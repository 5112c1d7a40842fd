"""Positions on a scenario's stage, opened alike with the rules on and off. All deployments of strategies are here."""

import abc
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from ballast import mainnet
from ballast.chain import NOBODY
from ballast.errors import ConfigurationError
from ballast.fuzz.abi import Interface
from ballast.fuzz.build import Build
from ballast.fuzz.chain import Contract
from ballast.fuzz.world import GUARDIAN, OWNER, actor
from ballast.market.actors import Account
from ballast.market.markets import STAKED, STAKED_POOL, WAD, Markets
from ballast.market.scenario import Scenario

_VARIABLE: Final = 2
_EMODE: Final = 1
_VIRTUAL_SHARES: Final = 10**6
_HOUR: Final = 3600
_TWAP_SECONDS: Final = 1800
#: what the holder who stays brings
_DOLLARS: Final = 250_000
STEWARD: Final = actor("steward")
_BUDGET: Final = Interface("PositionRules", mainnet.abi("lossBudget(uint256) view returns (uint256,uint256,uint256)"))


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

    @property
    def pair(self) -> tuple[str, str]:
        """Return base and asset."""
        return self.base, self.asset

    @abc.abstractmethod
    def worth(self, prices: Prices) -> float:
        """Return the net worth at these prices, debts taken off."""

    @abc.abstractmethod
    def bases(self, prices: Prices) -> float:
        """Return whole base tokens held at these prices, less those owed."""

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

    def bases(self, prices: Prices) -> float:
        # the debt is in the asset
        return self._whole(self.base, self._tokens(self.base)[0])

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
    #: what a role does once a day, and what the owner does once the position is open
    upkeep: Callable[[], None] = lambda: None
    opened: Callable[[], None] = lambda: None

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

    def bases(self, prices: Prices) -> float:
        units = self.strategy.idleBase()
        if self.liquidity is not None:
            price = int(prices.price(self.base, self.asset) * WAD)
            units += self.liquidity.holdingsAt(price)[1] + self.liquidity.fees()[1]
        if self.credit is not None:
            account = self.accounts[0]
            units += self.credit.collateral() if account.collateral == self.base else 0
            units -= self.credit.debt() if account.debt == self.base else 0
        return self._whole(self.base, units)

    def budgets(self) -> dict[str, tuple[float, int]]:
        """Return the loss budgets by the function that spends them: share of the net worth, and seconds."""
        rules = self.markets.chain.at(self.strategy.rules(), _BUDGET)
        found = {}
        for place, name in enumerate(("rebalance", "rescue")):
            share, window, _ = rules.lossBudget(place)
            found[name] = (share / 10_000, window)
        return found

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


# --- deployments of strategies ---


@dataclass(frozen=True)
class Market:
    """Where a strategy works: its asset and base, the pool it trades in, the feeds that price them."""

    pair: str
    asset: str
    base: str
    pool: str
    base_feed: str
    quote_feed: str
    e_mode: int
    #: oldest acceptable rounds of the two feeds, seconds, and how far feed and pool may differ, in 1e4
    max_age: int
    quote_max_age: int
    deviation_bps: int
    #: what a forecaster would post: volatility a year and jump factor, Wad
    sigma_wad: int
    jump_wad: int


MARKETS: Final = {
    "weth/usdc": Market(
        "weth/usdc",
        mainnet.USDC,
        mainnet.WETH,
        mainnet.UNISWAP_V3_USDC_WETH_500,
        mainnet.ETH_USD_FEED,
        mainnet.USDC_USD_FEED,
        0,
        2 * _HOUR,
        25 * _HOUR,
        200,
        9 * WAD // 10,
        130 * WAD // 100,
    ),
    "staked/weth": Market(
        "staked/weth",
        mainnet.WETH,
        STAKED,
        STAKED_POOL,
        mainnet.STETH_USD_FEED,
        mainnet.ETH_USD_FEED,
        _EMODE,
        2 * _HOUR,
        2 * _HOUR,
        100,
        15 * WAD // 100,
        102 * WAD // 100,
    ),
}


class Stagehand:
    """Deploys what strategies stand on: oracle, exchange, forecasts, venues; and lets a holder in."""

    def __init__(self, markets: Markets, build: Build, market: Market) -> None:
        self.markets = markets
        self.chain = markets.chain
        self.build = build
        self.market = market
        self.oracle = self.make(
            "Oracle",
            (
                market.base_feed,
                market.quote_feed,
                market.max_age,
                market.quote_max_age,
                market.pool,
                market.base,
                market.asset,
                _TWAP_SECONDS,
                market.deviation_bps,
                NOBODY,  # Ethereum has no sequencer
                0,
            ),
        )
        self.exchange = self.make("UniswapV3Exchange", market.pool, market.asset)

    def make(self, name: str, *arguments: Any) -> Contract:
        """Deploy a contract as its owner."""
        return self.build.make(self.chain, name, *arguments, sender=OWNER)

    def setup(self, name: str) -> tuple:
        """Return PositionStrategy.Setup."""
        return (self.market.asset, name, "SCENE", OWNER, GUARDIAN, self.oracle.address, self.exchange.address)

    def rules(self, terms: "LeverageTerms | RangeTerms | NeutralTerms", *, rescue_bps: int = 0) -> tuple:
        """Return PositionRules.Config: what bounds keepers and users."""
        general = (2**128 - 1, terms.reach, 100, 300, terms.tolerance_bps, 500)
        limits = (18 * WAD, 18 * WAD, 18 * WAD, 18 * WAD)
        return general, limits, (terms.budget_bps, 24 * _HOUR), (rescue_bps, 24 * _HOUR)

    def forecasts(self) -> tuple[Contract, bytes]:
        """Deploy a forecast feed that holds the market's figures; return it and its name of the pair."""
        feed = self.make("ForecastFeed", OWNER, GUARDIAN, STEWARD)
        bounds = (WAD // 100, 5 * WAD, WAD, 2 * WAD, -WAD, WAD, WAD, _HOUR, 30 * 24 * _HOUR)
        feed.addPair(self.market.base, self.market.asset, bounds, sender=OWNER)
        return feed, feed.pairOf(self.market.base, self.market.asset)

    def credit(self, strategy: Contract, collateral: str, debt: str) -> Contract:
        """Deploy a credit account on Aave that the strategy owns."""
        terms = (
            strategy.address,
            collateral,
            debt,
            self.market.asset,
            mainnet.AAVE_ADDRESSES_PROVIDER,
            self.oracle.address,
            self.market.e_mode,
        )
        return self.make("AaveV3Credit", terms)

    def enter(self, strategy: Contract, dollars: float = _DOLLARS) -> None:
        """Let the holder in who stays to the end."""
        holder = self.markets.enter("holder")
        assets = int(dollars * 10**8 / self.markets.aave_oracle.getAssetPrice(self.market.asset) * self._unit)
        self.markets.tokens[self.market.asset].approve(strategy.address, assets, sender=holder)
        strategy.deposit(assets, holder, sender=holder)

    @property
    def _unit(self) -> int:
        return self.markets.units[self.market.asset]


@dataclass(frozen=True)
class LeverageTerms:
    """How a leveraged strategy is set up; fractions are Wad, the rest in 1e4."""

    minimum: int
    target: int
    maximum: int
    margin: int
    hard_health: int
    reaction: int
    tolerance_bps: int
    rescue_bps: int
    budget_bps: int
    rescue_budget_bps: int
    reach: int


LEVERAGE: Final = {
    # an hour without anyone, and a fall of 25.6% in it (12 March 2020): sigma 0.9 and jump 1.30 keep the health at 1.35
    "weth/usdc": LeverageTerms(
        minimum=160 * WAD // 100,
        target=2 * WAD,
        maximum=230 * WAD // 100,
        margin=115 * WAD // 100,
        hard_health=115 * WAD // 100,
        reaction=_HOUR,
        tolerance_bps=300,
        rescue_bps=600,
        budget_bps=600,
        rescue_budget_bps=600,
        reach=WAD // 20,
    ),
    "staked/weth": LeverageTerms(
        minimum=6 * WAD,
        target=8 * WAD,
        maximum=86 * WAD // 10,
        margin=102 * WAD // 100,
        hard_health=1015 * WAD // 1000,
        reaction=_HOUR,
        tolerance_bps=50,
        rescue_bps=150,
        budget_bps=400,
        rescue_budget_bps=600,
        reach=WAD // 50,
    ),
}


def leveraged(markets: Markets, scenario: Scenario, build: Build, name: str) -> StrategyPosition:
    """Deploy a LeveragedStrategy on the scenario's pair, and let a holder in."""
    market, terms = MARKETS[scenario.pair], LEVERAGE[scenario.pair]
    hand = Stagehand(markets, build, market)
    feed, pair = hand.forecasts()
    feed.post(pair, market.sigma_wad, market.jump_wad, WAD, sender=STEWARD)
    rules = hand.rules(terms, rescue_bps=terms.rescue_budget_bps)
    rest = (
        terms.target,
        terms.maximum,
        terms.margin,
        WAD // 10_000,
        terms.reaction,
        100,
        terms.hard_health,
        terms.rescue_bps,
        50,
    )
    # opened to the target, as far as the market gives: an action stops at the band's edge, and the band begins narrow
    narrow = terms.target * 99 // 100
    strategy = hand.make("LeveragedStrategy", hand.setup("Leveraged"), rules, feed.address, pair, (narrow, *rest))
    bands = hand.build.at(hand.chain, "LeverageRules", strategy.rules())
    credit = hand.credit(strategy, market.base, market.asset)
    strategy.setCredit(credit.address, sender=OWNER)
    hand.enter(strategy)
    account = Account(name, credit.address, market.base, market.asset)
    return StrategyPosition(
        name,
        markets,
        market.asset,
        market.base,
        [account],
        strategy=strategy,
        credit=credit,
        upkeep=_steward(feed, pair, market),
        opened=lambda: bands.setBands((terms.minimum, *rest), sender=OWNER),
    )


@dataclass(frozen=True)
class RangeTerms:
    """How a range is set up, in 1e4 but for the cooldown in seconds."""

    half_width: int
    inner: int
    fees: int
    idle: int
    spot: int
    move: int
    cooldown: int
    tolerance_bps: int
    budget_bps: int
    reach: int


RANGE: Final = {
    "weth/usdc": RangeTerms(
        half_width=1_500,
        inner=1_000,
        fees=50,
        idle=300,
        spot=100,
        move=20,
        cooldown=24 * _HOUR,
        tolerance_bps=100,
        budget_bps=200,
        reach=WAD // 20,
    ),
    "staked/weth": RangeTerms(
        half_width=100,
        inner=50,
        fees=20,
        idle=300,
        spot=30,
        move=10,
        cooldown=4 * _HOUR,
        tolerance_bps=30,
        budget_bps=100,
        reach=WAD // 50,
    ),
}


def liquidity(markets: Markets, scenario: Scenario, build: Build, name: str) -> StrategyPosition:
    """Deploy a LiquidityStrategy on the scenario's pair, and let a holder in."""
    market, terms = MARKETS[scenario.pair], RANGE[scenario.pair]
    hand = Stagehand(markets, build, market)
    bands = (terms.half_width, terms.inner, terms.fees, terms.idle, terms.spot, terms.move, terms.cooldown)
    strategy = hand.make("LiquidityStrategy", hand.setup("Liquidity"), hand.rules(terms), bands)
    venue = hand.make("UniswapV3Liquidity", strategy.address, market.asset, market.pool, hand.oracle.address)
    strategy.setVenue(venue.address, sender=OWNER)
    hand.enter(strategy)
    return StrategyPosition(name, markets, market.asset, market.base, strategy=strategy, liquidity=venue)


@dataclass(frozen=True)
class NeutralTerms:
    """How a delta-neutral strategy is set up; Wad, but seconds, and 1e4 where it says so."""

    delta: int
    lowest_health: int
    target_health: int
    most_health: int
    margin: int
    reaction: int
    cooldown: int
    width: int
    inner: int
    spot_bps: int
    idle_bps: int
    fee_bps: int
    tolerance_bps: int
    budget_bps: int
    reach: int


#: the debt is what rises: on 13 March 2020 ether rose by 60% within the hour in which nobody came
NEUTRAL: Final = NeutralTerms(
    delta=5 * WAD // 100,
    lowest_health=170 * WAD // 100,
    target_health=210 * WAD // 100,
    most_health=300 * WAD // 100,
    margin=110 * WAD // 100,
    reaction=_HOUR,
    cooldown=24 * _HOUR,
    width=125 * WAD // 100,
    inner=115 * WAD // 100,
    spot_bps=50,
    idle_bps=300,
    fee_bps=100,
    tolerance_bps=300,
    budget_bps=400,
    reach=WAD // 20,
)


def neutral(markets: Markets, scenario: Scenario, build: Build, name: str) -> StrategyPosition:
    """Deploy a DeltaNeutralStrategy on ether, whatever the scenario's pair, and let a holder in.

    Its range is in the pool of 0.3%, it trades in the pool of 0.05%.
    """
    market, terms = MARKETS["weth/usdc"], NEUTRAL
    hand = Stagehand(markets, build, market)
    feed, pair = hand.forecasts()
    feed.post(pair, market.sigma_wad, market.jump_wad, WAD, sender=STEWARD)
    bands = (
        terms.delta,
        terms.lowest_health,
        terms.target_health,
        terms.most_health,
        terms.margin,
        WAD // 10_000,
        terms.reaction,
        terms.cooldown,
        terms.width,
        terms.inner,
        terms.spot_bps,
        terms.idle_bps,
        terms.fee_bps,
    )
    planner = hand.make("NeutralPlanner", hand.exchange.address)
    strategy = hand.make(
        "DeltaNeutralStrategy",
        hand.setup("Neutral"),
        planner.address,
        hand.rules(terms),
        feed.address,
        pair,
        bands,
    )
    pool = mainnet.UNISWAP_V3_USDC_WETH_3000
    venue = hand.make("UniswapV3Liquidity", strategy.address, market.asset, pool, hand.oracle.address)
    credit = hand.credit(strategy, market.asset, market.base)
    strategy.setVenues(venue.address, credit.address, sender=OWNER)
    hand.enter(strategy)
    account = Account(name, credit.address, market.asset, market.base)
    return StrategyPosition(
        name,
        markets,
        market.asset,
        market.base,
        [account],
        strategy=strategy,
        credit=credit,
        liquidity=venue,
        upkeep=_steward(feed, pair, market),
    )


def _steward(feed: Contract, pair: bytes, market: Market) -> Callable[[], None]:
    """Return what posts the same figures again: a forecast without foresight."""
    return lambda: feed.post(pair, market.sigma_wad, market.jump_wad, WAD, sender=STEWARD)


_MAKERS: Final[dict[str, Callable[[Markets, Scenario, Build, str], Position]]] = {
    "leveraged": leveraged,
    "liquidity": liquidity,
    "neutral": neutral,
}

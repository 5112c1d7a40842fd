"""Strategies that hold positions, over real Aave v3, Uniswap v3 and Chainlink, on a chain in this process.

A `Place` has the markets and a crowd that moves their prices; `place.leveraged()` puts a strategy there. Every send is
a block of its own; time passes only by `wait`.
"""

from typing import Any

import pytest

from ballast import mainnet
from ballast.fuzz import build as builds
from ballast.fuzz.abi import Interface
from ballast.fuzz.chain import Chain, Contract, Reverted
from ballast.fuzz.revm import Revm
from ballast.fuzz.world import DEPOSITORS, GUARDIAN, OWNER, STRANGER, actor
from ballast.replica import builder
from tests.uniswap_kit import Market

WAD = 10**18
USDC = 10**6
ETHER = 10**18
HOUR = 3_600
DAY = 24 * HOUR
MOST = 2**256 - 1
MILLION = 1_000_000 * USDC
GOOD, STALE, DISPUTED = range(3)

STEWARD = actor("steward")
LENDER = actor("lender")
TWAP_PERIOD = 30 * 60
DEVIATION_BPS = 200

#: PositionRules.Terms: cap, reach, entry, exit, tolerance, emergency
TERMS = (2**128 - 1, WAD // 50, 100, 100, 50, 500)
#: Limits.Caps: delta, gamma, leverage, share
LIMITS = (4 * WAD, 4 * WAD, 4 * WAD, 2**64 - 1)
#: budget (1e4 of the net value) and window of rebalances and of rescues
BUDGET, RESCUE_BUDGET = (200, DAY), (1_000, DAY)
RULES = (TERMS, LIMITS, BUDGET, RESCUE_BUDGET)
#: LeverageRules.Bands: leverage (3), margin, epsilon, reaction time, idle, hard health, rescue, bounty
BANDS = (
    19 * WAD // 10,
    2 * WAD,
    23 * WAD // 10,
    105 * WAD // 100,
    WAD // 10_000,
    HOUR,
    100,
    112 * WAD // 100,
    200,
    100,
)
MIN, TARGET, MAX, MARGIN, EPSILON, REACTION, IDLE, HARD, RESCUE, BOUNTY = range(10)
#: ForecastFeed.Bounds: sigma, jump and rho within; largest change, delay, expiry
FORECAST_BOUNDS = (WAD // 10, 4 * WAD, WAD, 25 * WAD // 10, -WAD, WAD, WAD // 2, HOUR, 30 * DAY)
#: what the steward posts at first: sigma, jump, rho. With an hour and 1e-4 the lowest health factor is about 1.25
FORECAST = (8 * WAD // 10, 12 * WAD // 10, 0)


def changed(terms, **fields):
    """`terms` with some fields, by index names of this file, set anew: changed(BANDS, TARGET=3 * WAD)."""
    terms = list(terms)
    for name, value in fields.items():
        terms[globals()[name]] = value
    return tuple(terms)


class Place:
    """The markets, and who moves them."""

    def __init__(self, build: builds.Build, chain: Chain) -> None:
        self.build, self.chain = build, chain
        self.market = Market(build, chain)
        self.exchange = self.market.exchange
        self.usdc, self.weth = (self.market.attacker.token(each) for each in (mainnet.USDC, mainnet.WETH))
        self.aave = chain.at(mainnet.AAVE_POOL, Interface("Aave", mainnet.AAVE_POOL_ABI))
        self.oracle = self.make_oracle()
        self.feed = self.make("ForecastFeed", OWNER, GUARDIAN, STEWARD)
        self.feed.addPair(mainnet.WETH, mainnet.USDC, FORECAST_BOUNDS, sender=OWNER)
        self.pair = self.feed.pairOf(mainnet.WETH, mainnet.USDC)
        self.forecast(*FORECAST)
        self.usdc_usd = self._feed(mainnet.USDC_USD_FEED).latestRoundData()[1]
        for holder in DEPOSITORS:
            chain.deal(mainnet.USDC, holder, 10**15)

    def make(self, name: str, *arguments: Any) -> Contract:
        return self.build.make(self.chain, name, *arguments, sender=OWNER)

    def make_oracle(self, *, base_max_age=2 * HOUR, quote_max_age=365 * DAY) -> Contract:
        feeds = (mainnet.ETH_USD_FEED, mainnet.USDC_USD_FEED, base_max_age, quote_max_age)
        pool = (mainnet.UNISWAP_V3_USDC_WETH_500, mainnet.WETH, mainnet.USDC, TWAP_PERIOD, DEVIATION_BPS)
        return self.make("Oracle", (*feeds, *pool, "0x" + 40 * "0", 0))

    # --- prices ---

    def forecast(self, sigma: int, jump: int, rho: int = 0) -> None:
        """Post a forecast, as far from the last as the steward likes: an hour later."""
        self.chain.wait(HOUR)
        self.feed.post(self.pair, sigma, jump, rho, sender=STEWARD)

    def _feed(self, address: str) -> Contract:
        return self.chain.at(address, Interface("Feed", mainnet.FEED_ABI))

    def feed_price(self) -> int:
        """USDC for one WETH by Chainlink, Wad."""
        return self._feed(mainnet.ETH_USD_FEED).latestRoundData()[1] * WAD // self.usdc_usd

    def push_feed(self, price: int) -> None:
        """The feed's oracles report a price (USDC for one WETH, Wad)."""
        where = self._feed(mainnet.ETH_USD_FEED).aggregator()
        aggregator = self.chain.at(where, Interface("Aggregator", mainnet.FLUX_AGGREGATOR_ABI))
        number = aggregator.latestRound() + 1
        for oracle in aggregator.getOracles():
            aggregator.submit(number, price * self.usdc_usd // WAD, sender=oracle)

    def push_pool(self, price: int) -> None:
        """An arbitrageur trades the pool to a price."""
        root = self.market.root_at(price)
        if root != self.market.root():
            self.market.attacker.push_to(root > self.market.root(), root)  # WETH is token1

    def settle(self, price: int | None = None) -> None:
        """All sources at one price (the feed's, if none is given), and time for the mean to follow."""
        price = price or self.feed_price()
        self.push_pool(price)
        self.chain.wait(TWAP_PERIOD + 60)
        self.push_feed(price)
        assert self.verdict() == GOOD

    def crash(self, percent: float, *, steps: int = 1) -> int:
        """Pool and feed fall together, at once: the mean lags, so that the oracle disputes. Return the new price."""
        price = self.feed_price()
        for step in range(1, steps + 1):
            new = price - int(price * percent / 100) * step // steps
            self.push_pool(new)
            self.push_feed(new)
        return new

    def verdict(self) -> int:
        return self.oracle.price()[1]

    def lying_exchange(self) -> Contract:
        """An exchange whose prices the test sets: `set(says, pays)` in units of USDC per wei, Wad; honest at first."""
        made = self.make("ExchangeStandIn", mainnet.USDC, mainnet.WETH)
        for token in (mainnet.USDC, mainnet.WETH):
            self.chain.deal(token, made.address, 10**26)
        price = self.feed_price() // 10**12
        made.set(price, price, sender=OWNER)
        return made

    def trader(self, usdc: int = 0, weth: int = 0) -> Contract:
        """A contract that makes several calls in one transaction, with money of its own."""
        made = self.make("TraderStandIn")
        for token, amount in ((mainnet.USDC, usdc), (mainnet.WETH, weth)):
            self.chain.deal(token, made.address, amount)
        return made

    def at_once(self, trader: Contract, *calls: tuple[Any, ...]) -> None:
        """Let a trader make calls, each (contract, method name, *arguments), in one transaction.

        Reverts with what the first call that fails reverts with.
        """
        packed = [(contract.address, getattr(contract, name).data(*rest)) for contract, name, *rest in calls]
        try:
            trader.run(packed, sender=STRANGER)
        except Reverted as refused:
            if refused.name != "Refused":
                raise
            raise self.chain.reverted(bytes(refused.values[0])) from None

    # --- strategies ---

    def setup(self, name: str, *, oracle: Contract | None = None, exchange: Contract | None = None) -> tuple[Any, ...]:
        """PositionStrategy.Setup."""
        places = ((oracle or self.oracle).address, (exchange or self.exchange).address)
        return (mainnet.USDC, f"Ballast {name}", name, OWNER, GUARDIAN, *places)

    def leveraged(self, *, bands=BANDS, rules=RULES, oracle=None, exchange=None) -> "Leveraged":
        """A leveraged strategy, empty."""
        setup = self.setup("bLEV", oracle=oracle, exchange=exchange)
        made = self.make("LeveragedStrategy", setup, rules, self.feed.address, self.pair, bands)
        tokens = (mainnet.WETH, mainnet.USDC, mainnet.USDC)
        where = (oracle or self.oracle).address
        credit = self.make("AaveV3Credit", (made.address, *tokens, mainnet.AAVE_ADDRESSES_PROVIDER, where, 0))
        made.setCredit(credit.address, sender=OWNER)
        return Leveraged(self, made, credit)


class VaultOver:
    """A vault of ours over one strategy that holds positions, nine tenths of its assets there."""

    def __init__(self, place: Place, held: "Held") -> None:
        code = [place.make(each).address for each in ("VaultBooks", "VaultRules", "VaultViews")]
        roles = (OWNER, GUARDIAN, actor("curator"), actor("fee recipient"))
        # no fees, no growth cap, profits unlock over 10 days, a report is due daily; a loss budget of 1 % a day
        terms = (0, 0, 65_535, 10 * DAY, DAY, 100, DAY)
        self.at = place.make("Vault", (mainnet.USDC, "Over", "OVER", *roles, *terms), *code)
        self.at.addStrategy(held.at.address, 2**128 - 1, 10_000, 9_000, 100, False, sender=OWNER)
        self.held = held
        for holder in DEPOSITORS:
            place.usdc.approve(self.at.address, MOST, sender=holder)


class Held:
    """A strategy, and what tests ask of it."""

    def __init__(self, place: Place, contract: Contract) -> None:
        self.place, self.chain, self.at = place, place.chain, contract
        self.rules = place.build.at(place.chain, "PositionRules", contract.rules())
        for holder in DEPOSITORS:
            place.usdc.approve(contract.address, MOST, sender=holder)

    def deposit(self, assets: int, who: str = DEPOSITORS[0]) -> int:
        return self.at.deposit(assets, who, sender=who)

    def redeem(self, shares: int, who: str = DEPOSITORS[0]) -> int:
        """Redeem; return what came, which is what the preview said."""
        said, before = self.at.previewRedeem(shares), self.place.usdc.balanceOf(who)
        answer = self.at.redeem(shares, who, who, sender=who)
        assert self.place.usdc.balanceOf(who) - before == answer == said
        return said

    def poke(self, sender: str = STRANGER) -> None:
        self.at.rebalance(sender=sender)

    def keep(self, times: int = 100) -> int:
        """Poke until it is content, the pool brought back to the feed in between; return how often that took."""
        for done in range(times):
            try:
                self.poke()
            except Reverted as refused:
                if refused.name == "InBand":
                    return done
                raise
            self.place.push_pool(self.place.feed_price())
        raise AssertionError(f"not content after {times} pokes: {self.readings()}")

    def refusal(self, sender: str = STRANGER) -> str | None:
        """Name of the error that a poke reverts with; None when it passes."""
        with self.chain.isolated():
            try:
                self.poke(sender)
            except Reverted as refused:
                return refused.name
        return None

    def readings(self) -> dict[str, tuple[int, int, int, int]]:
        """By name: value, lower, target, upper."""
        return {bytes(name).rstrip(b"\0").decode(): tuple(rest) for name, *rest in self.at.readings()}

    def out(self) -> set[str]:
        return {name for name, (value, low, _, high) in self.readings().items() if not low <= value <= high}

    def price_per_share(self) -> float:
        return (self.at.totalAssets() + 1) / (self.at.totalSupply() + 10**6)


class Leveraged(Held):
    """A leveraged strategy and its credit account."""

    def __init__(self, place: Place, contract: Contract, credit: Contract) -> None:
        super().__init__(place, contract)
        self.rules = place.build.at(place.chain, "LeverageRules", contract.rules())
        self.credit = credit

    def leverage(self) -> float:
        return self.readings()["leverage"][0] / WAD

    def health(self) -> float:
        return self.credit.healthFactorWad() / WAD


@pytest.fixture(scope="module")
def position_state(project):
    """The markets as the replica has them, all sources at one price; made once a file."""
    place = Place(builds.load(), Revm.from_state(builder.current().state))
    place.settle()
    return place


@pytest.fixture
def place(position_state):
    """The markets; what a test does to them is undone."""
    with position_state.chain.isolated():
        yield position_state


@pytest.fixture(scope="module")
def leveraged_state(position_state):
    """A strategy of a million, levered up to its target; made once a file."""
    held = position_state.leveraged()
    held.deposit(MILLION)
    held.keep()
    position_state.settle()
    return held


@pytest.fixture
def leveraged(leveraged_state):
    """The strategy; what a test does to it is undone."""
    with leveraged_state.chain.isolated():
        yield leveraged_state


class Aave:
    """Aave's liquidity and its switches, moved by whoever can."""

    def __init__(self, place: Place) -> None:
        self.place, self.chain = place, place.chain
        provider = self._at(
            mainnet.AAVE_ADDRESSES_PROVIDER,
            "getACLManager() view returns (address)",
            "getACLAdmin() view returns (address)",
        )
        self.admin = provider.getACLAdmin()
        self._at(provider.getACLManager(), "addPoolAdmin(address)").addPoolAdmin(self.admin, sender=self.admin)
        self.configurator = self._at(mainnet.AAVE_POOL_CONFIGURATOR, "setReservePause(address,bool)")
        self.taken: dict[str, int] = {}

    def _at(self, address: str, *signatures: str) -> Contract:
        return self.chain.at(address, Interface("Aave's", mainnet.abi(*signatures)))

    def pause(self, reserve: str, on: bool = True) -> None:
        self.configurator.setReservePause(reserve, on, sender=self.admin)

    def drain(self, reserve: str, leave: int = 0) -> None:
        """Borrow all of a reserve's liquidity but so much, against collateral of the other token."""
        place, aave = self.place, self.place.aave
        free = aave.getVirtualUnderlyingBalance(reserve)
        if free <= leave:
            return
        other = mainnet.USDC if reserve == mainnet.WETH else mainnet.WETH
        borrower = actor(f"borrower of {reserve}")
        worth = free * place.feed_price() // 10**30 if reserve == mainnet.WETH else free
        worth += USDC  # so that little is not nothing
        pledge = 2 * (worth if other == mainnet.USDC else worth * 10**30 // place.feed_price())
        token = place.market.attacker.token(other)
        self.chain.deal(other, borrower, pledge)
        token.approve(mainnet.AAVE_POOL, MOST, sender=borrower)
        for method in ("setSupplyCap", "setBorrowCap"):
            configurator = self._at(mainnet.AAVE_POOL_CONFIGURATOR, f"{method}(address,uint256)")
            for each in (mainnet.USDC, mainnet.WETH):
                getattr(configurator, method)(each, 0, sender=self.admin)
        aave.supply(other, pledge, borrower, 0, sender=borrower)
        aave.borrow(reserve, free - leave, 2, 0, borrower, sender=borrower)

    def refill(self, reserve: str) -> None:
        """Pay back what `drain` took."""
        borrower = actor(f"borrower of {reserve}")
        token = self.place.market.attacker.token(reserve)
        token.approve(mainnet.AAVE_POOL, MOST, sender=borrower)
        self.place.aave.repay(reserve, token.balanceOf(borrower), 2, borrower, sender=borrower)


@pytest.fixture
def aave(place):
    return Aave(place)

"""A delta-neutral strategy over real Aave v3 and two Uniswap v3 pools, on a chain in this process.

It gives liquidity in the 0.3 % pool and trades in the 0.05 % pool.
"""

import pytest

from ballast import mainnet
from ballast.fuzz import build as builds
from ballast.fuzz.chain import Contract
from ballast.fuzz.revm import Revm
from ballast.replica import builder
from tests.position_kit import *
from tests.uniswap_kit import Market

#: Limits.Caps of a neutral strategy: delta, gamma, leverage, share
NEUTRAL_LIMITS = (WAD // 5, WAD // 10, 3 * WAD // 2, 2**64 - 1)
NEUTRAL_RULES = (TERMS, NEUTRAL_LIMITS, BUDGET, RESCUE_BUDGET)
#: NeutralRules.Bands, by the names below
NEUTRAL_BANDS = (
    3 * WAD // 100,
    13 * WAD // 10,
    16 * WAD // 10,
    2 * WAD,
    11 * WAD // 10,
    WAD // 10_000,
    HOUR,
    HOUR,
    125 * WAD // 100,
    112 * WAD // 100,
    30,
    200,
    100,
)
(
    DELTA_BAND,
    MIN_HEALTH,
    TARGET_HEALTH,
    MAX_HEALTH,
    HEALTH_MARGIN,
    HEALTH_EPSILON,
    REACTION_TIME,
    COOLDOWN,
    WIDTH,
    INNER,
    SPOT_BPS,
    IDLE_BPS,
    FEE_BPS,
) = range(13)


def bands_with(**fields):
    """The bands with some fields set anew, by the names above."""
    bands = list(NEUTRAL_BANDS)
    for name, value in fields.items():
        bands[globals()[name]] = value
    return tuple(bands)


class NeutralPlace(Place):
    """The markets, with both pools kept at one price."""

    def __init__(self, build: builds.Build, chain: Revm) -> None:
        super().__init__(build, chain)
        self.wide = Market(build, chain, mainnet.UNISWAP_V3_USDC_WETH_3000)
        self.planner = self.make("NeutralPlanner", self.exchange.address)
        self.chain.know(build["NeutralRules"].interface)

    def push_wide(self, price: int) -> None:
        """An arbitrageur trades the range's pool to a price."""
        root = self.wide.root_at(price)
        if root != self.wide.root():
            self.wide.attacker.push_to(root > self.wide.root(), root)

    def push_deep(self, price: int) -> None:
        """An arbitrageur trades the exchange's pool, which is the oracle's, to a price."""
        super().push_pool(price)

    def push_pool(self, price: int) -> None:
        super().push_pool(price)
        self.push_wide(price)

    def move(self, percent: float) -> int:
        """All sources move together, and time passes for the mean to follow. Return the new price."""
        price = self.feed_price() + int(self.feed_price() * percent / 100)
        self.settle(price)
        return price

    def neutral(self, *, bands=NEUTRAL_BANDS, rules=NEUTRAL_RULES, oracle=None, exchange=None) -> "Neutral":
        """A delta-neutral strategy, empty."""
        oracle = oracle or self.oracle
        planner = self.make("NeutralPlanner", exchange.address) if exchange else self.planner
        made = self.make(
            "DeltaNeutralStrategy",
            self.setup("bNEU", oracle=oracle, exchange=exchange),
            planner.address,
            rules,
            self.feed.address,
            self.pair,
            bands,
        )
        pool = mainnet.UNISWAP_V3_USDC_WETH_3000
        range_ = self.make("UniswapV3Liquidity", made.address, mainnet.USDC, pool, oracle.address)
        tokens = (mainnet.USDC, mainnet.WETH, mainnet.USDC)
        account = (made.address, *tokens, mainnet.AAVE_ADDRESSES_PROVIDER, oracle.address, 0)
        credit = self.make("AaveV3Credit", account)
        made.setVenues(range_.address, credit.address, sender=OWNER)
        return Neutral(self, made, range_, credit)


class Neutral(Held):
    """A delta-neutral strategy, its range and its credit account."""

    def __init__(self, place: NeutralPlace, contract: Contract, range_: Contract, credit: Contract) -> None:
        super().__init__(place, contract)
        self.rules = place.build.at(place.chain, "NeutralRules", contract.rules())
        self.range, self.credit = range_, credit

    def delta(self) -> float:
        """Net delta x price / net value."""
        return self.readings()["delta"][0] / WAD

    def health(self) -> float:
        return self.readings()["health"][0] / WAD

    def net_base(self) -> float:
        """Base held at the feed's price less base owed, in whole base: from the venues alone."""
        held = self.range.holdingsAt(self.place.feed_price())[1] + self.range.fees()[1] + self.at.idleBase()
        return (held - self.credit.debt()) / ETHER


@pytest.fixture(scope="module")
def neutral_place_state(project):
    """The markets as the replica has them, all sources at one price; made once a file."""
    place = NeutralPlace(builds.load(), Revm.from_state(builder.current().state))
    place.settle()
    return place


@pytest.fixture
def neutral_place(neutral_place_state):
    """The markets; what a test does to them is undone."""
    with neutral_place_state.chain.isolated():
        yield neutral_place_state


@pytest.fixture(scope="module")
def neutral_state(neutral_place_state):
    """A strategy of a million, put to work; made once a file."""
    held = neutral_place_state.neutral()
    held.deposit(MILLION)
    held.keep()
    neutral_place_state.settle()
    return held


@pytest.fixture
def neutral(neutral_state):
    """The strategy; what a test does to it is undone."""
    with neutral_state.chain.isolated():
        yield neutral_state

"""A strategy that provides liquidity, on the markets of tests/position_kit.py."""

import pytest

from ballast import mainnet
from ballast.market.sandwich import Sandwicher
from tests.position_kit import *

#: LiquidityRules.Bands: half width, inner band, fees, idle, spot, move within a block (1e4), cooldown (seconds)
RANGE = (1_000, 500, 20, 200, 50, 10, HOUR)
HALF_WIDTH, INNER, FEES, IDLE_BAND, SPOT, MOVE, COOLDOWN = range(7)


def ranged(**fields):
    """`RANGE` with some fields set anew."""
    terms = list(RANGE)
    for name, value in fields.items():
        terms[globals()[name]] = value
    return tuple(terms)


class Provided(Held):
    """A liquidity strategy and its range."""

    def __init__(self, place, contract, venue):
        super().__init__(place, contract)
        self.rules = place.build.at(place.chain, "LiquidityRules", contract.rules())
        self.venue = venue

    def keep(self, times=60):
        """Poke, an hour and a settled market between, until all is in band; return how often that took."""
        for done in range(times):
            if not self.out():
                return done
            self.poke()
            self.place.settle()
            self.place.chain.wait(HOUR)
            self.place.push_feed(self.place.feed_price())
        raise AssertionError(f"not in band after {times} pokes: {self.readings()}")

    def centre(self):
        return self.readings()["centre"][0] / WAD

    def idle(self):
        """Share of the net value."""
        return self.readings()["idle"][0] / WAD


def provide(place, *, bands=RANGE, rules=RULES, exchange=None, oracle=None):
    """A liquidity strategy, empty."""
    setup = place.setup("bLIQ", oracle=oracle, exchange=exchange)
    made = place.make("LiquidityStrategy", setup, rules, bands)
    where = (place.market.pool.address, (oracle or place.oracle).address)
    venue = place.make("UniswapV3Liquidity", made.address, mainnet.USDC, *where)
    made.setVenue(venue.address, sender=OWNER)
    return Provided(place, made, venue)


def sandwicher(place):
    """Somebody with all the capital there is."""
    return Sandwicher(place.chain, place.market.pool.address, mainnet.USDC, mainnet.WETH, place.market.fee)


@pytest.fixture(scope="module")
def provided_state(position_state):
    """A strategy of a million, in its range; made once a file."""
    held = provide(position_state)
    held.deposit(MILLION)
    position_state.chain.wait(12)
    held.keep()
    return held


@pytest.fixture
def provided(provided_state):
    """The strategy; what a test does to it is undone."""
    with provided_state.chain.isolated():
        yield provided_state

"""The search of an enemy finds what pays where something does."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from ballast import mainnet
from ballast.market.hostile import Hostile
from ballast.market.markets import Markets

MILLION = 1_000_000 * 10**6


@dataclass
class Careless:
    """A strategy that buys base for a million at whatever price: what sandwiches feed on."""

    markets: Markets
    assets: int
    address: str = field(init=False)
    asset: str = mainnet.USDC
    base: str = mainnet.WETH
    interface: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(functions={"rebalance": None}))

    def __post_init__(self):
        self.address = self.markets.enter("careless")

    @property
    def strategy(self):
        return self

    def rebalance(self, *, sender):
        pool = self.markets.pools["weth/usdc 0.05%"]
        self.markets.swap(pool, self.address, sells_base=False, amount=self.assets)

    def index(self, prices):
        held = [self.markets.tokens[token].balanceOf(self.address) for token in (self.asset, self.base)]
        return held[0] / 10**6 + held[1] / 10**18 * prices.price(self.base, self.asset)


@pytest.fixture
def enemy(markets):
    def made(assets):
        victim = Careless(markets, assets)
        return Hostile(victim, [markets.pools["weth/usdc 0.05%"]]), victim

    return made


def test_search_finds_the_sandwich_around_a_careless_trade(enemy, truth):
    hostile, victim = enemy(5 * MILLION)
    hostile.sandwich(truth, lambda name: getattr(victim, name)(sender="anyone"))
    assert hostile.best.profit > 1_000
    # what was found is what was done
    assert -hostile.spent == pytest.approx(hostile.best.profit)


def test_search_finds_nothing_around_a_trade_too_small_for_it(enemy, truth):
    hostile, _ = enemy(MILLION // 100)
    done = []
    hostile.sandwich(truth, done.append)
    assert hostile.best.profit < 0
    assert not done


def test_hostile_keeper_does_what_hurts_most_and_pays_for_it(enemy, truth):
    hostile, victim = enemy(MILLION // 100)
    before = victim.index(truth)
    hostile.keep(truth, lambda name: getattr(victim, name)(sender="anyone"))
    assert hostile.spent > 0
    assert "+12.00%" in hostile.worst.what
    assert victim.index(truth) < before


def test_attempts_leave_nothing_behind(enemy, truth, markets):
    hostile, victim = enemy(MILLION // 100)
    pool = markets.pools["weth/usdc 0.05%"]
    before = pool.price(), victim.index(truth), markets.chain.block
    hostile.sandwich(truth, lambda name: pytest.fail("it does not pay"))
    assert hostile.tried > 0
    assert (pool.price(), victim.index(truth), markets.chain.block) == before

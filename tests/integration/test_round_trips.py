"""Nobody gains by coming, acting and going: random round trips through each strategy that holds positions.

No time passes in a trip, so that nothing is earned; what a trip brings would be taken from those who stay.
"""

import random

import pytest

from ballast import properties as P
from ballast.market.sandwich import ATTACKER
from tests.liquidity_kit import provide
from tests.neutral_kit import *

VISITOR = DEPOSITORS[1]
TRIPS = 60
#: what a visitor brings, as a share of what is there
SIZES = (1e-9, 1e-6, 1e-4, 0.01, 0.3, 1, 20, 400)
OPEN = {
    "neutral": lambda place: place.neutral(),
    "leveraged": lambda place: place.leveraged(),
    "liquidity": lambda place: provide(place),
}


class Visitor:
    """Comes, acts and goes at random, and may push either pool and let it go again."""

    def __init__(self, held, chance):
        self.held, self.place, self.at, self.chance = held, held.place, held.at, chance
        self.pools = {
            self.place.push_deep: self.place.market.price(),
            self.place.push_wide: self.place.wide.price(),
        }
        self.spent = 0
        self.done = []

    def trip(self):
        """Return what a trip brought, at the prices that the pools had before; None when nothing was deposited."""
        before = self.place.usdc.balanceOf(VISITOR)
        pushes = self.chance.random() < 0.5
        for _ in range(self.chance.randint(1, 3)):
            if pushes:
                self.push()
            self.come()
            if pushes:
                self.let_go()
            self.poke()
            self.go(self.chance.random() * self.chance.choice((0, 0, 1)))
        if pushes and "poke" not in self.done:
            self.push()
        for _ in range(self.chance.randint(0, 3)):
            self.go(self.chance.random())
        self.go(1)
        if "poke" not in self.done:
            self.let_go()
        came = any(what == "come" for what, *_ in self.done)
        return self.place.usdc.balanceOf(VISITOR) - before - self.spent if came else None

    def push(self):
        how, price = self.chance.choice(list(self.pools.items()))
        share = self.chance.choice((-1, 1)) * 10 ** self.chance.uniform(-4, -1.5)
        self._trade(how, int(price * (1 + share)))

    def let_go(self):
        for how, price in self.pools.items():
            self._trade(how, price)

    def come(self):
        assets = max(1, int(self.at.totalAssets() * self.chance.choice(SIZES) * self.chance.uniform(0.5, 1.5)))
        assets = min(assets, self.place.usdc.balanceOf(VISITOR) // 2)
        try:
            if self.chance.random() < 0.8:
                self.at.deposit(assets, VISITOR, sender=VISITOR)
            else:
                self.at.mint(assets * 10**6, VISITOR, sender=VISITOR)
        except Reverted as refused:
            assert refused.name == "EntryTooDear", refused
            return
        self.done.append(("come", assets))

    def poke(self):
        """Whose trades move the pool arbitrageurs bring it back for, on their own account."""
        for _ in range(self.chance.randint(0, 4)):
            if self.held.refusal() is not None:
                return
            self.held.poke(VISITOR)
            self.done.append("poke")
            for how, price in self.pools.items():
                how(price)

    def go(self, part):
        shares = self.at.balanceOf(VISITOR)
        shares = shares if part == 1 else int(shares * part)
        said = self.at.previewRedeem(shares)
        assert self.at.redeem(shares, VISITOR, VISITOR, 0, sender=VISITOR) == said, P.VAULT_PREVIEW
        self.done.append(("go", shares))

    def _trade(self, how, price):
        before = self._wealth()
        how(price)
        self.spent += before - self._wealth()

    def _wealth(self):
        price = self.pools[self.place.push_deep]
        return self.place.usdc.balanceOf(ATTACKER) + self.place.weth.balanceOf(ATTACKER) * price // 10**30


def let_things_happen(held, chance):
    """Prices move and come apart within what the oracle calls good; fees are earned; a keeper comes or does not."""
    place = held.place
    for _ in range(chance.randint(0, 2)):
        place.move(chance.uniform(-20, 20))
        place.chain.wait(chance.choice((0, HOUR, 7 * HOUR)))
        place.push_feed(place.feed_price())
        for _ in range(chance.choice((0, 1, 6))):
            if held.refusal() is None:
                held.poke()
    price = place.feed_price()
    for share in (1.01, 0.99, 1):
        place.push_pool(int(price * share))
    for how, most in ((place.push_feed, 0.005), (place.push_deep, 0.006), (place.push_wide, 0.006)):
        if chance.random() < 0.7:
            how(int(price * (1 + chance.uniform(-most, most))))
    place.chain.wait(chance.choice((12, 1_800)))


@pytest.mark.parametrize("kind", OPEN)
def test_round_trip__brings_nothing(neutral_place, kind):
    held = OPEN[kind](neutral_place)
    held.deposit(MILLION // 4)
    held.keep()
    neutral_place.settle()
    trips = 0
    for number in range(TRIPS):
        chance = random.Random(f"{kind} {number}")
        with neutral_place.chain.isolated():
            let_things_happen(held, chance)
            visitor = Visitor(held, chance)
            gain = visitor.trip()
            if gain is None:
                continue
            assert gain <= 0, (P.VAULT_ROUND_TRIP, number, gain, visitor.done)
            trips += 1
            # who has stayed throughout may leave with as much as they are told, and is paid what they are told
            held.redeem(held.at.maxRedeem(DEPOSITORS[0]))
    assert trips > TRIPS // 2

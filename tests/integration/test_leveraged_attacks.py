"""Hostile keepers, depositors and donors around a leveraged strategy: what the best of them gets, found by search."""

import pytest

from ballast import mainnet
from ballast.market.sandwich import ATTACKER, Sandwicher
from tests.position_kit import *

FIRST, SECOND, THIRD = DEPOSITORS
TOO_FAR = 17


def best_sandwich(held, *, sells_base, call="rebalance"):
    """The best that a search finds for who trades before and after anybody's call, with money without limit."""
    place = held.place
    price = place.market.price()
    most = place.exchange.depth(sells_base, price * (97 if sells_base else 103) // 100)
    victim = lambda: getattr(held.at, call)(sender=STRANGER)  # noqa: E731
    return place.market.attacker.best(victim, sells_base=sells_base, least=most // 10**5, most=most, points=30)


@pytest.mark.parametrize("sells_base", [True, False], ids=["down_first", "up_first"])
def test_keeper__gains_nothing_around_a_lever_up(place, sells_base):
    held = place.leveraged()
    held.deposit(MILLION)
    assert best_sandwich(held, sells_base=sells_base).profit <= 0
    held.poke()
    assert best_sandwich(held, sells_base=sells_base).profit <= 0, "nor in the block after"


@pytest.mark.parametrize("sells_base", [True, False], ids=["down_first", "up_first"])
def test_keeper__gains_nothing_around_a_deleveraging(leveraged, place, sells_base):
    place.crash(TOO_FAR)
    assert best_sandwich(leveraged, sells_base=sells_base).profit <= 0


@pytest.mark.parametrize("sells_base", [True, False], ids=["down_first", "up_first"])
def test_keeper__gains_nothing_around_a_rescue_but_its_bounty(leveraged, place, sells_base):
    place.crash(35)
    place.chain.wait(12)
    assert best_sandwich(leveraged, sells_base=sells_base, call="rescue").profit <= 0


def test_keeper__would_gain_where_trades_are_not_cut_to_the_depth(place):
    """The same search around the same trade made whole, as by who calls all depth safe: it finds a profit."""
    amount = MILLION * 2
    place.chain.deal(mainnet.USDC, THIRD, 4 * MILLION)
    place.usdc.approve(place.exchange.address, MOST, sender=THIRD)
    most = place.exchange.depth(False, place.market.price() * 103 // 100)
    found = place.market.attacker.best(
        lambda: place.exchange.trade(False, amount, 0, b"", sender=THIRD),
        sells_base=False,
        least=most // 10**5,
        most=most,
    )
    assert found.profit > 1_000 * USDC


# --- hostile depositors ---


class Schemer:
    """Somebody who may trade in the pool, deposit and leave; what it has in the end counts at the true price."""

    def __init__(self, held, true_price):
        self.held, self.place, self.price = held, held.place, true_price
        self.crowd = Sandwicher(self.place.chain, mainnet.UNISWAP_V3_USDC_WETH_500, mainnet.USDC, mainnet.WETH, 500)
        self.spent = 0

    def wealth(self, who):
        place = self.place
        return place.usdc.balanceOf(who) + place.weth.balanceOf(who) * self.price // 10**30

    def push(self, price):
        """A trade of the schemer's own."""
        before = self.wealth(ATTACKER)
        self.place.push_pool(price)
        self.spent += before - self.wealth(ATTACKER)

    def deposit(self, assets):
        self.spent += assets
        self.shares = self.held.deposit(assets, SECOND)

    def leave(self, parts=1):
        """Redeem at any price, part by part; in between arbitrageurs bring the pool back, on their own account."""
        for left in range(parts, 0, -1):
            shares = self.held.at.balanceOf(SECOND) // left
            self.spent -= self.held.at.redeem(shares, SECOND, SECOND, 0, sender=SECOND)
            self.place.push_pool(self.price)


def around_a_feed_update(held, *, late, push, assets, parts, seen):
    """Profit of who knows that the feed is `late` (bps) behind the pool, and leaves after its update.

    They push the pool by `push` (bps), deposit, and take the push back. `seen`: whether a block has ended at the pool's
    new price before.
    """
    place = held.place
    with place.chain.isolated():
        true = place.feed_price() * (10_000 + late) // 10_000
        place.push_pool(true)
        if seen:
            place.chain.wait(12)
        schemer = Schemer(held, true)
        if push:
            schemer.push(true * (10_000 + push) // 10_000)
        try:
            schemer.deposit(assets)
        except Reverted as refused:
            assert refused.name == "EntryTooDear"
            return 0
        if push:
            schemer.push(true)
        place.push_feed(true)
        schemer.leave(parts)
        return -schemer.spent


SCHEMES = [
    {"late": late, "push": push, "assets": assets, "parts": parts}
    for late in (50, 20, -50)
    for push in (0, -late // 2, -late, late)
    for assets in (MILLION // 10, 5 * MILLION, 100 * MILLION)
    for parts in (1, 8)
]


def test_depositor__gains_nothing_around_a_feed_update(leveraged):
    found = max(around_a_feed_update(leveraged, **scheme, seen=True) for scheme in SCHEMES)
    assert found <= 0


def test_depositor__would_gain_if_nobody_had_seen_the_price_before(leveraged):
    """The same search, in the block of the price's move itself: what the price of the block before is there for."""
    found = max(around_a_feed_update(leveraged, **scheme, seen=False) for scheme in SCHEMES if scheme["late"] == 50)
    assert found > 1_000 * USDC


@pytest.mark.parametrize("assets", [1_000 * USDC, MILLION, 20 * MILLION])
@pytest.mark.parametrize("poked", [0, 1, 5])
def test_depositor__gains_nothing_by_coming_for_a_few_rebalances(leveraged, place, assets, poked):
    schemer = Schemer(leveraged, place.feed_price())
    schemer.deposit(assets)
    for _ in range(poked):
        if leveraged.refusal() is None:
            leveraged.poke()
        place.push_pool(place.feed_price())
    schemer.leave(4)
    assert schemer.spent >= 0


@pytest.mark.parametrize("push", [-300, -90, -40, 40, 90, 300])
def test_depositor__gains_nothing_by_pushing_the_pool_on_the_way_in_or_out(leveraged, place, push):
    """Only the push is the schemer's own cost; what it moves is its own share, too."""
    price = place.feed_price()
    pushed = price * (10_000 + push) // 10_000
    schemer = Schemer(leveraged, price)
    with place.chain.isolated():
        schemer.push(pushed)
        try:
            schemer.deposit(5 * MILLION)
        except Reverted as refused:
            assert refused.name == "EntryTooDear"
        else:
            schemer.push(price)
            schemer.leave(2)
            assert schemer.spent >= 0
    schemer = Schemer(leveraged, price)
    stayer = leveraged.price_per_share()
    schemer.deposit(5 * MILLION)
    schemer.push(pushed)
    shares = leveraged.at.balanceOf(SECOND)
    schemer.spent -= leveraged.at.redeem(shares, SECOND, SECOND, 0, sender=SECOND)
    schemer.push(price)
    assert schemer.spent >= 0
    assert leveraged.price_per_share() >= stayer


def test_depositor__cannot_dodge_a_loss(leveraged, place):
    """The pool has fallen, the feed has not: who leaves gets what the market pays, and takes nothing from who stays."""
    leveraged.deposit(MILLION, SECOND)
    leveraged.keep()
    place.settle()
    fallen = place.feed_price() * 995 // 1_000
    share = leveraged.at.balanceOf(SECOND) / leveraged.at.totalSupply()
    with place.chain.isolated():
        place.push_pool(fallen)
        place.push_feed(fallen)
        due, stayed = leveraged.at.totalAssets() * share, leveraged.price_per_share()
    place.push_pool(fallen)
    got = leveraged.at.redeem(leveraged.at.balanceOf(SECOND), SECOND, SECOND, 0, sender=SECOND)
    assert got < due
    place.push_pool(fallen)
    place.push_feed(fallen)
    assert leveraged.price_per_share() >= stayed


def test_first_depositor__cannot_inflate_the_price_of_a_share(place):
    held = place.leveraged()
    held.deposit(1, SECOND)
    place.chain.wait(12)
    gift = 10_000 * USDC
    place.usdc.transfer(held.at.address, gift, sender=SECOND)
    place.usdc.approve(mainnet.AAVE_POOL, MOST, sender=SECOND)
    place.aave.supply(mainnet.USDC, gift, held.credit.address, 0, sender=SECOND)
    shares = held.deposit(1_000 * USDC)
    assert held.at.convertToAssets(shares) >= 1_000 * USDC - 1


# --- donations ---


@pytest.mark.parametrize("token", [mainnet.USDC, mainnet.WETH])
@pytest.mark.parametrize("receiver", ["at", "credit"])
def test_donation__of_tokens_changes_nothing(leveraged, place, token, receiver):
    place.chain.deal(token, THIRD, 10**15)
    before = everything(leveraged)
    place.market.attacker.token(token).transfer(getattr(leveraged, receiver).address, 10**15, sender=THIRD)
    assert everything(leveraged) == before
    leveraged.redeem(leveraged.at.balanceOf(FIRST) // 2)


def test_donation__of_collateral_is_not_counted(leveraged, place):
    place.chain.deal(mainnet.WETH, THIRD, 100 * ETHER)
    place.weth.approve(mainnet.AAVE_POOL, MOST, sender=THIRD)
    before, worth = leveraged.at.totalAssets(), leveraged.at.balanceOf(FIRST)
    said = leveraged.at.previewRedeem(worth)
    place.aave.supply(mainnet.WETH, 50 * ETHER, leveraged.credit.address, 0, sender=THIRD)
    assert leveraged.at.totalAssets() == pytest.approx(before, abs=2)
    assert leveraged.at.previewRedeem(worth) == pytest.approx(said, abs=4)
    assert leveraged.redeem(worth) == pytest.approx(said, abs=4)


def test_donation__of_a_repayment_goes_to_all_holders(leveraged, place):
    before = leveraged.at.totalAssets()
    place.usdc.approve(mainnet.AAVE_POOL, MOST, sender=THIRD)
    place.aave.repay(mainnet.USDC, 1_000 * USDC, 2, leveraged.credit.address, sender=THIRD)
    assert leveraged.at.totalAssets() == pytest.approx(before + 1_000 * USDC, abs=2)
    assert leveraged.at.balanceOf(THIRD) == 0


def everything(held):
    at = held.at
    return (
        at.totalAssets(),
        at.idle(),
        at.maxRedeem(FIRST),
        at.previewRedeem(at.balanceOf(FIRST)),
        at.entryValue(),
        held.credit.collateral(),
        held.credit.debt(),
        held.readings(),
    )

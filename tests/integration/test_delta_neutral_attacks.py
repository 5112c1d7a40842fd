"""Hostile keepers, depositors and donors around a hedged range: what the best of them gets, found by search."""

import pytest

from ballast import mainnet
from ballast.market.sandwich import ATTACKER
from tests.neutral_kit import *

FIRST, SECOND, THIRD = DEPOSITORS


def best_sandwich(held, market, *, sells_base, percent=8, points=20, refine=8):
    """The best that a search finds for who trades in a pool before and after anybody's poke, with endless money."""
    price = market.price()
    factor = (100 - percent) if sells_base else (100 + percent)
    most = market.exchange.depth(sells_base, price * factor // 100)
    return market.attacker.best(
        held.poke, sells_base=sells_base, least=most // 10**4, most=most, points=points, refine=refine
    )


def wide_and_deep(place):
    return {"wide": place.wide, "deep": place.market}


BOTH_WAYS = pytest.mark.parametrize("sells_base", [True, False], ids=["down_first", "up_first"])
EACH_POOL = pytest.mark.parametrize("pool", ["wide", "deep"])


@EACH_POOL
@BOTH_WAYS
def test_keeper__gains_nothing_around_a_deposit_put_to_work(neutral_place, pool, sells_base):
    held = neutral_place.neutral()
    held.deposit(MILLION)
    neutral_place.chain.wait(12)
    assert best_sandwich(held, wide_and_deep(neutral_place)[pool], sells_base=sells_base).profit <= 0


@EACH_POOL
@BOTH_WAYS
@pytest.mark.parametrize("percent", [9, -9])
def test_keeper__gains_nothing_around_a_hedge(neutral, neutral_place, pool, sells_base, percent):
    neutral_place.move(percent)
    assert best_sandwich(neutral, wide_and_deep(neutral_place)[pool], sells_base=sells_base).profit <= 0


@EACH_POOL
@BOTH_WAYS
@pytest.mark.parametrize("percent", [13, -13])
def test_keeper__gains_nothing_around_a_recentring(neutral, neutral_place, pool, sells_base, percent):
    neutral_place.chain.wait(2 * HOUR)
    neutral_place.move(percent)
    assert best_sandwich(neutral, wide_and_deep(neutral_place)[pool], sells_base=sells_base).profit <= 0


@pytest.mark.parametrize("first", [-29, 29])
@pytest.mark.parametrize("second", [-29, -10, 10, 29])
def test_keeper__gains_nothing_by_pushing_both_pools(neutral, neutral_place, first, second):
    neutral_place.chain.wait(2 * HOUR)
    price = neutral_place.move(13)
    schemer = Schemer(neutral, price)
    schemer.push(neutral_place.push_wide, price * (10_000 + first) // 10_000)
    schemer.push(neutral_place.push_deep, price * (10_000 + second) // 10_000)
    if neutral.refusal() is None:
        neutral.poke()
    schemer.push(neutral_place.push_wide, price)
    schemer.push(neutral_place.push_deep, price)
    assert schemer.spent >= 0


def from_end_to_end(held, bps):
    """Profit of who finds the range's pool at one end of what is allowed and pushes it to the other around a poke."""
    place, price = held.place, held.place.feed_price()
    best = -(10**18)
    for low, high in ((-bps, bps), (bps, -bps)):
        with place.chain.isolated():
            place.push_wide(price * (10_000 + low) // 10_000)
            schemer = Schemer(held, price * (10_000 + low) // 10_000)
            schemer.push(place.push_wide, price * (10_000 + high) // 10_000)
            held.poke()
            schemer.push(place.push_wide, price * (10_000 + low) // 10_000)
            best = max(best, -schemer.spent)
    return best


def test_keeper__gains_nothing_from_one_end_of_the_allowed_spot_to_the_other(neutral_place):
    """Though the strategy is fifty times the rest of the pool: the fee of 0.3 % on its own liquidity is enough."""
    held = neutral_place.neutral()
    held.deposit(50 * MILLION)
    neutral_place.wide.clear()
    neutral_place.wide.provide(*wide_ticks(neutral_place), usdc=MILLION, weth=500 * ETHER)
    neutral_place.chain.wait(12)
    assert from_end_to_end(held, 29) <= 0
    loose = neutral_place.neutral(bands=bands_with(SPOT_BPS=100))
    loose.deposit(50 * MILLION)
    neutral_place.chain.wait(12)
    assert from_end_to_end(loose, 98) > 100 * USDC, "three times the fee is too much"


def wide_ticks(place):
    price = place.feed_price()
    return sorted(place.wide.tick_at(each) for each in (price // 3, price * 3))


@BOTH_WAYS
def test_keeper__would_gain_where_liquidity_were_given_at_any_price(neutral_place, sells_base):
    """The same search, around the same strategy told to give liquidity up to 10 % off and to mind no delta: it finds a
    profit. (With its band of 3 % the net delta refuses what liquidity given far off would leave.)"""
    loose = bands_with(SPOT_BPS=1_000, DELTA_BAND=WAD)
    held = neutral_place.neutral(bands=loose, rules=(TERMS, LIMITS, (2_000, DAY), RESCUE_BUDGET))
    held.deposit(20 * MILLION)
    neutral_place.chain.wait(12)
    assert best_sandwich(held, neutral_place.wide, sells_base=sells_base).profit > 1_000 * USDC


def test_keeper__loses_the_strategy_no_more_than_its_budget(neutral, neutral_place):
    """A poke at the worst moment of a day with as many moves as it takes: half the budget at once, and a refill."""
    lost = 0.0
    for percent in (6, -6, 6, -6, 6, -6):
        neutral_place.move(percent)
        for bps in (-40, 40):
            neutral_place.push_pool(neutral_place.feed_price() * (10_000 + bps) // 10_000)
            while neutral.refusal() is None:
                before = neutral.at.totalAssets()
                neutral.poke()
                lost += max(0, 1 - neutral.at.totalAssets() / before)
    assert 0 < lost < 0.02


# --- hostile depositors ---


class Schemer:
    """Somebody who may trade in the pools, deposit and leave; what it has in the end counts at the true price."""

    def __init__(self, held, true_price):
        self.held, self.place, self.price = held, held.place, true_price
        self.spent = 0

    def wealth(self, who=ATTACKER):
        place = self.place
        return place.usdc.balanceOf(who) + place.weth.balanceOf(who) * self.price // 10**30

    def push(self, how, price):
        """A trade of the schemer's own."""
        before = self.wealth()
        how(price)
        self.spent += before - self.wealth()

    def deposit(self, assets):
        self.spent += assets
        self.held.deposit(assets, SECOND)

    def leave(self, parts=1):
        """Redeem at any price; in between arbitrageurs bring the pools back, on their own account."""
        for left in range(parts, 0, -1):
            shares = self.held.at.balanceOf(SECOND) // left
            self.spent -= self.held.at.redeem(shares, SECOND, SECOND, 0, sender=SECOND)
            self.place.push_pool(self.price)


@pytest.mark.parametrize("push", [-300, -90, -40, 40, 90, 300])
@pytest.mark.parametrize("pool", ["push_wide", "push_deep", "push_pool"])
def test_depositor__gains_nothing_by_pushing_a_pool_on_the_way_in_or_out(neutral, neutral_place, pool, push):
    price = neutral_place.feed_price()
    pushed, how = price * (10_000 + push) // 10_000, getattr(neutral_place, pool)
    with neutral_place.chain.isolated():
        schemer = Schemer(neutral, price)
        schemer.push(how, pushed)
        try:
            schemer.deposit(5 * MILLION)
        except Reverted as refused:
            assert refused.name == "EntryTooDear"
        else:
            schemer.push(how, price)
            schemer.leave(2)
            assert schemer.spent >= 0
    schemer = Schemer(neutral, price)
    stayer = neutral.price_per_share()
    schemer.deposit(5 * MILLION)
    schemer.push(how, pushed)
    schemer.spent -= neutral.at.redeem(neutral.at.balanceOf(SECOND), SECOND, SECOND, 0, sender=SECOND)
    schemer.push(how, price)
    assert schemer.spent >= 0
    assert neutral.price_per_share() >= stayer


@pytest.mark.parametrize("late", [-50, -20, 20, 50])
@pytest.mark.parametrize("assets", [MILLION // 10, 5 * MILLION, 50 * MILLION])
def test_depositor__gains_nothing_around_a_feed_update(neutral, neutral_place, late, assets):
    """The feed is behind the pools: in before its update, out after."""
    true = neutral_place.feed_price() * (10_000 + late) // 10_000
    neutral_place.push_pool(true)
    neutral_place.chain.wait(12)
    for push in (0, -late, late):
        with neutral_place.chain.isolated():
            schemer = Schemer(neutral, true)
            if push:
                schemer.push(neutral_place.push_pool, true * (10_000 + push) // 10_000)
            try:
                schemer.deposit(assets)
            except Reverted as refused:
                assert refused.name == "EntryTooDear"
                continue
            schemer.push(neutral_place.push_pool, true)
            neutral_place.push_feed(true)
            schemer.leave(2)
            assert schemer.spent >= 0


@pytest.mark.parametrize("assets", [1_000 * USDC, MILLION, 20 * MILLION])
def test_depositor__gains_nothing_by_coming_for_a_rebalance(neutral, neutral_place, assets):
    neutral_place.move(9)
    schemer = Schemer(neutral, neutral_place.feed_price())
    schemer.deposit(assets)
    while neutral.refusal() is None:
        neutral.poke()
        neutral_place.push_pool(neutral_place.feed_price())
    schemer.leave(3)
    assert schemer.spent >= 0


def test_first_depositor__cannot_inflate_the_price_of_a_share(neutral_place):
    held = neutral_place.neutral()
    held.deposit(1, SECOND)
    neutral_place.chain.wait(12)
    gift = 10_000 * USDC
    neutral_place.usdc.transfer(held.at.address, gift, sender=SECOND)
    neutral_place.usdc.approve(mainnet.AAVE_POOL, MOST, sender=SECOND)
    neutral_place.aave.supply(mainnet.USDC, gift, held.credit.address, 0, sender=SECOND)
    shares = held.deposit(1_000 * USDC)
    assert held.at.convertToAssets(shares) >= 1_000 * USDC - 1


# --- donations ---


@pytest.mark.parametrize("token", [mainnet.USDC, mainnet.WETH])
@pytest.mark.parametrize("receiver", ["at", "credit", "range"])
def test_donation__of_tokens_changes_nothing(neutral, neutral_place, token, receiver):
    neutral_place.chain.deal(token, THIRD, 10**15)
    before = neutral.at.totalAssets(), neutral.at.idle(), neutral.at.idleBase(), neutral.readings()
    neutral_place.market.attacker.token(token).transfer(getattr(neutral, receiver).address, 10**15, sender=THIRD)
    assert (neutral.at.totalAssets(), neutral.at.idle(), neutral.at.idleBase(), neutral.readings()) == before
    neutral.redeem(neutral.at.balanceOf(FIRST) // 2)


def test_donation__of_collateral_is_not_counted_and_leads_to_no_more_debt(neutral, neutral_place):
    neutral_place.chain.deal(mainnet.USDC, THIRD, MILLION)
    neutral_place.usdc.approve(mainnet.AAVE_POOL, MOST, sender=THIRD)
    before = neutral.at.totalAssets(), neutral.readings()["health"][0]
    neutral_place.aave.supply(mainnet.USDC, MILLION // 2, neutral.credit.address, 0, sender=THIRD)
    assert neutral.credit.healthFactorWad() > 2 * WAD, "the market counts it"
    assert neutral.at.totalAssets() == before[0] and neutral.readings()["health"][0] == before[1]
    assert neutral.refusal() == "InBand"


def test_donation__of_a_repayment_goes_to_all_holders(neutral, neutral_place):
    amount = neutral.credit.debt() // 10
    neutral_place.chain.deal(mainnet.WETH, THIRD, amount)
    neutral_place.weth.approve(mainnet.AAVE_POOL, MOST, sender=THIRD)
    before = neutral.at.totalAssets()
    neutral_place.aave.repay(mainnet.WETH, amount, 2, neutral.credit.address, sender=THIRD)
    assert neutral.at.totalAssets() == pytest.approx(before + amount * neutral_place.feed_price() // 10**30, abs=3)
    neutral.keep()
    assert neutral.out() == set()


def test_donation__of_liquidity_is_not_counted(neutral, neutral_place):
    trader = neutral_place.trader(usdc=MILLION, weth=1_000 * ETHER)
    before = neutral.at.totalAssets(), neutral.range.holdings()
    low, high = neutral.range.lowerTick(), neutral.range.upperTick()
    pool = mainnet.UNISWAP_V3_USDC_WETH_3000
    trader.give(pool, neutral.range.address, low, high, 10**15, sender=STRANGER)
    assert (neutral.at.totalAssets(), neutral.range.holdings()) == before
    neutral.redeem(neutral.at.balanceOf(FIRST) // 2)

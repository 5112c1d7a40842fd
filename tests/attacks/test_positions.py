"""Strategies that hold positions: what a depositor or a keeper takes through them. Played in this process."""

import pytest

from ballast import properties as P
from ballast.fuzz import build as builds
from ballast.fuzz.chain import Reverted
from ballast.fuzz.revm import Revm
from ballast.replica import builder
from tests.attacks import weakened
from tests.attacks.defences import Defence
from tests.neutral_kit import DEPOSITORS, MILLION, NeutralPlace

VICTIM, ATTACKER, _ = DEPOSITORS


@pytest.fixture(scope="module")
def markets_of_ours(project):
    """The markets, and strategies as they are."""
    return settled(builds.load())


@pytest.fixture(scope="module")
def markets_of_the_copy(project):
    """The markets, and strategies with a switch for each defence."""
    return settled(weakened.strategies(builds.load()))


def settled(build):
    place = NeutralPlace(build, Revm.from_state(builder.current().state))
    place.settle()
    return place


def enter_below_what_an_exit_brings(place, *without):
    """Attacker's gain. Fees have left a strategy a crumb of base more than it owes: in with twenty times what is there,
    have it put to work, out."""
    weakened.take_away_from(place.chain, place.planner, without)
    with place.chain.isolated():
        price = place.feed_price()
        # the range's pool is a quarter of a percent away from the oracle's, which its fee allows
        place.push_wide(price * 10_025 // 10_000)
        held = place.neutral()
        held.deposit(MILLION // 4, VICTIM)
        held.poke()
        place.push_wide(price * 10_024 // 10_000)
        place.push_wide(price * 10_025 // 10_000)
        before = place.usdc.balanceOf(ATTACKER)
        held.deposit(5 * MILLION, ATTACKER)
        held.poke(ATTACKER)
        held.at.redeem(held.at.balanceOf(ATTACKER), ATTACKER, ATTACKER, sender=ATTACKER)
        return place.usdc.balanceOf(ATTACKER) - before


def push_the_pool_under_a_rescue(place, *without, push=12):
    """Holders' loss at the true price, as a share of what they had. The feed is late, and a third below a market that
    has come back: so the strategy may be rescued. Push the pool that it sells to, call it, let go."""
    with place.chain.isolated():
        held = place.leveraged()
        weakened.take_away_from(place.chain, held.at, without)
        held.deposit(MILLION, VICTIM)
        held.keep()
        place.settle()
        price = place.feed_price()
        place.push_feed(price * 66 // 100)
        place.chain.wait(12)
        worth = net(held, price)
        place.push_pool(int(price * (100 - push) // 100))
        try:
            held.at.rescue(sender=ATTACKER)
        except Reverted as refused:
            assert refused.name == "Stuck"
        place.push_pool(price)
        return 1 - net(held, price) / worth


def net(held, price):
    return held.at.idle() + (held.credit.collateral() + held.at.idleBase()) * price // 10**30 - held.credit.debt()


def test_rescue__cannot_be_pushed_below_the_market_where_the_feed_is_late(markets_of_ours, markets_of_the_copy):
    honest = push_the_pool_under_a_rescue(markets_of_ours, push=0)
    assert 0 < honest < 0.005, "it goes through, and pays its bounty"
    # up to 2 % below what the block before left, and no further
    worst = max(push_the_pool_under_a_rescue(markets_of_ours, push=push) for push in (1, 1.5, 2, 3, 6, 12))
    assert honest < worst < 0.005
    assert push_the_pool_under_a_rescue(markets_of_the_copy) == 0
    assert push_the_pool_under_a_rescue(markets_of_the_copy, Defence.LAST_PRICE_AT_RESCUE) > 0.015


def test_round_trip__through_a_hedged_range_gains_not_a_unit(markets_of_ours, markets_of_the_copy):
    assert -100 < enter_below_what_an_exit_brings(markets_of_ours) <= 0, P.VAULT_ROUND_TRIP
    assert enter_below_what_an_exit_brings(markets_of_the_copy) <= 0
    assert enter_below_what_an_exit_brings(markets_of_the_copy, Defence.BEST_PRICE_AT_ENTRY) > 50_000

"""2. Rounding at balances of a few units, many times over. 15. Balancer: the same, over a crushed supply.

The token has no decimals, so that one unit is worth having.
"""

from ballast import properties as P
from tests.attacks.defences import Defence
from tests.vault_kit import DAY


def mint_for_nothing(arena, times=10):
    """Attacker's gain. Many mints of shares worth just under a unit, redeemed at once."""
    vault = arena.open(decimals=0)
    arena.deposit(arena.victim, 1_000)
    before = arena.token.balanceOf(arena.attacker)
    for _ in range(times):
        vault.mint(10**6 - 1, arena.attacker, sender=arena.attacker)
    arena.leave(arena.attacker)
    return arena.token.balanceOf(arena.attacker) - before


def redeem_crumbs(arena, times=10):
    """Attacker's gain. Many redemptions of one share, a millionth of a unit."""
    vault = arena.open(decimals=0)
    arena.deposit(arena.victim, 1_000)
    before = arena.token.balanceOf(arena.attacker)
    arena.deposit(arena.attacker, 1)
    for _ in range(times):
        vault.redeem(1, arena.attacker, arena.attacker, sender=arena.attacker)
    arena.leave(arena.attacker)
    return arena.token.balanceOf(arena.attacker) - before


def grow_to_an_odd_price(arena):
    """Ten units each of victim and attacker, half at work; each share has about doubled, and not evenly."""
    vault = arena.open(decimals=0)
    strategy = arena.add(5_000)
    arena.deposit(arena.victim, 10)
    arena.deposit(arena.attacker, 10)
    arena.rebalance()
    arena.wait(180 * DAY)
    strategy.earn(19, sender=arena.keeper)
    arena.report()
    arena.wait(400 * DAY)
    assert 36 <= vault.totalAssets() <= 39
    return vault


def withdraw_by_units(arena, times=8):
    """Attacker's gain over what the attacker had: many withdrawals of one unit, each for less than a share."""
    vault = grow_to_an_odd_price(arena)
    before = arena.holds(arena.attacker)
    for _ in range(times):
        vault.withdraw(1, arena.attacker, arena.attacker, sender=arena.attacker)
    return arena.holds(arena.attacker) - before


def deposit_by_units(arena, times=8):
    """Attacker's gain over what the attacker had: many deposits of one unit, each for a little more than its worth."""
    grow_to_an_odd_price(arena)
    before = arena.holds(arena.attacker)
    for _ in range(times):
        arena.deposit(arena.attacker, 1)
    return arena.holds(arena.attacker) - before


def crush_the_supply(arena):
    """Attacker's gain. A vault in use, all but one share redeemed, a gift, and the next deposit is rounded down."""
    vault = arena.open()
    before = arena.token.balanceOf(arena.attacker)
    arena.deposit(arena.attacker, 1_000 * arena.unit)
    vault.redeem(vault.balanceOf(arena.attacker) - 1, arena.attacker, arena.attacker, sender=arena.attacker)
    arena.token.transfer(vault, 50_000 * arena.unit, sender=arena.attacker)
    arena.deposit(arena.victim, 99_999 * arena.unit)
    arena.leave(arena.attacker)
    return arena.token.balanceOf(arena.attacker) - before


def test_rounding__mints_are_paid_for(ours, without):
    assert mint_for_nothing(ours) <= 0
    assert mint_for_nothing(without(Defence.ASSETS_TAKEN_UP)) >= 9


def test_rounding__crumbs_redeem_for_nothing(ours, without):
    assert redeem_crumbs(ours) <= 0
    assert redeem_crumbs(without(Defence.ASSETS_PAID_DOWN)) >= 9


def test_rounding__many_small_withdrawals_never_beat_a_large_one(ours, without):
    assert withdraw_by_units(ours) <= 0, P.VAULT_ROUND_TRIP
    assert withdraw_by_units(without(Defence.OFFSET, Defence.SHARES_TAKEN_UP)) >= 4


def test_rounding__many_small_deposits_never_beat_a_large_one(ours, without):
    assert deposit_by_units(ours) <= 0, P.VAULT_ROUND_TRIP
    assert deposit_by_units(without(Defence.OFFSET, Defence.SHARES_GIVEN_DOWN)) >= 2


def test_rounding__a_crushed_supply_takes_nothing_from_the_next(ours, without):
    assert crush_the_supply(ours) < -49_999 * ours.unit, "the gift is lost to the attacker"
    weak = without(Defence.STORED_ASSETS, Defence.VIRTUAL_SHARES)
    assert crush_the_supply(weak) > 24_999 * weak.unit

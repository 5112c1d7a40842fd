"""Volatile strategies: valued at every entry and exit, so nobody buys at a stale low or leaves at a stale high."""

import pytest
from ape import reverts

from ballast import properties as P
from tests.vault_kit import DAY, NONE, REVERTS, UNIT, price_ray


@pytest.fixture(scope="module")
def strategy(make_strategy, vault):
    return make_strategy(vault, volatile=True)


@pytest.fixture
def at_work(vault, strategy, depositor, keeper):
    """1,000 of a depositor's, all with the strategy."""
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    vault.rebalance(sender=keeper)


def test_add__takes_the_strategys_own_word_that_it_is_volatile(make_vault, token, project, owner, keeper):
    vault = make_vault(token)
    for says, told, is_so in [(False, False, False), (False, True, True), (True, False, True)]:
        strategy = owner.deploy(project.StrategyStandIn, vault.asset())
        strategy.setVolatile(says, sender=keeper)
        vault.addStrategy(strategy, 1, 1, 0, 10, told, sender=owner)
        assert vault.strategy(strategy).isVolatile is is_so


def test_entry__pays_for_a_gain_that_nobody_has_reported(vault, strategy, at_work, second_depositor, keeper):
    strategy.earn(100 * UNIT, sender=keeper)
    preview = vault.previewDeposit(1_100 * UNIT)
    vault.deposit(1_100 * UNIT, second_depositor, sender=second_depositor)
    got = vault.balanceOf(second_depositor)
    assert got == preview
    assert got == pytest.approx(1_000 * UNIT * 10**6, rel=1e-8), "as if the gain were in the price"


def test_entry__does_not_buy_at_a_loss_that_nobody_has_reported(
    vault, strategy, at_work, depositor, second_depositor, keeper
):
    strategy.lose(500 * UNIT, sender=keeper)
    vault.deposit(1_000 * UNIT, second_depositor, sender=second_depositor)
    assert vault.balanceOf(second_depositor) <= vault.balanceOf(depositor)


def test_exit__out_of_idle_takes_the_unreported_loss_along(
    vault, strategy, at_work, depositor, second_depositor, keeper
):
    """Loss dodging: a volatile strategy's loss is met even by who needs nothing of it."""
    vault.deposit(1_000 * UNIT, second_depositor, sender=second_depositor)
    strategy.lose(500 * UNIT, sender=keeper)
    preview = vault.previewRedeem(vault.balanceOf(second_depositor))
    vault.redeem(vault.balanceOf(second_depositor), second_depositor, second_depositor, sender=second_depositor)
    assert preview == pytest.approx(750 * UNIT, abs=2), P.VAULT_LOSS_SHARED
    assert vault.previewRedeem(vault.balanceOf(depositor)) == pytest.approx(750 * UNIT, abs=2), P.VAULT_LOSS_SHARED
    assert vault.deficit() == 500 * UNIT


def test_exit__does_not_pay_out_a_gain_that_nobody_has_reported(vault, strategy, at_work, depositor, keeper):
    strategy.earn(500 * UNIT, sender=keeper)
    assert vault.previewRedeem(vault.balanceOf(depositor)) <= 1_000 * UNIT


def test_round_trip__around_a_jump_gains_nothing(vault, strategy, at_work, token, attacker, keeper):
    before = token.balanceOf(attacker)
    for assets in (100 * UNIT, 1_000 * UNIT):
        vault.deposit(1_000 * UNIT, attacker, sender=attacker)
        strategy.earn(assets, sender=keeper)
        vault.report(sender=attacker)
        vault.redeem(vault.balanceOf(attacker), attacker, attacker, sender=attacker)
    assert token.balanceOf(attacker) <= before + 10**3, P.VAULT_ROUND_TRIP


def test_unreadable__lets_nobody_in_and_locks_nobody_in(vault, strategy, at_work, depositor, second_depositor, keeper):
    vault.deposit(1_000 * UNIT, second_depositor, sender=second_depositor)
    strategy.setFault(REVERTS, sender=keeper)
    assert vault.maxDeposit(depositor) == vault.maxMint(depositor) == 0
    with reverts(vault.Unreadable, strategy=strategy):
        vault.deposit(1, depositor, sender=depositor)
    # half of what there is cannot be seen: who leaves now leaves that half behind
    assert vault.maxWithdraw(second_depositor) == pytest.approx(500 * UNIT, abs=2)
    with reverts(vault.LossTooHigh):
        vault.redeem(
            vault.balanceOf(second_depositor), second_depositor, second_depositor, 100, sender=second_depositor
        )
    vault.redeem(vault.balanceOf(second_depositor), second_depositor, second_depositor, sender=second_depositor)
    assert vault.idle() == pytest.approx(500 * UNIT, abs=2)


def test_unreadable__what_is_left_behind_comes_to_the_others_over_time(
    vault, strategy, at_work, depositor, second_depositor, keeper, wait
):
    vault.deposit(1_000 * UNIT, second_depositor, sender=second_depositor)
    strategy.setFault(REVERTS, sender=keeper)
    price = price_ray(vault)
    vault.redeem(vault.balanceOf(second_depositor), second_depositor, second_depositor, sender=second_depositor)
    assert price_ray(vault) == pytest.approx(price, rel=1e-6), P.VAULT_GROWTH
    assert vault.lockedProfit() == pytest.approx(500 * UNIT, rel=1e-4)
    strategy.setFault(NONE, sender=keeper)
    wait(400 * DAY)
    assert vault.previewRedeem(vault.balanceOf(depositor)) == pytest.approx(1_500 * UNIT, rel=1e-6)


def test_unreadable__what_rounding_brings_an_exit_does_not_make_it_ask_for_more(
    make_vault, token, make_strategy, depositor, keeper
):
    """Whole shares bring a unit of profit, which bears a unit of what cannot be seen: once, all was refused over it."""
    vault = make_vault(token)
    gained, _, unseen = (make_strategy(vault, 3_000, volatile=last) for last in (False, False, True))
    vault.deposit(66_668, depositor, sender=depositor)
    vault.rebalance(sender=keeper)  # 20,000 in each, 6,668 idle
    gained.earn(4, sender=keeper)
    unseen.setFault(REVERTS, sender=keeper)
    before, shares = token.balanceOf(depositor), vault.maxRedeem(depositor) * 58 // 100
    preview = vault.previewRedeem(shares)
    assert preview == 27_068 - 1  # 58 % of the 46,668 that are seen: all of the first, and some of the second
    vault.redeem(shares, depositor, depositor, sender=depositor)
    assert token.balanceOf(depositor) - before == preview, P.VAULT_EXIT
    assert vault.idle() == 0
    assert vault.lockedProfit() == pytest.approx(20_000 * 58 // 100, abs=2)  # left behind to the others


def test_smooth__is_not_read_by_an_exit_out_of_idle(
    make_vault, token, make_strategy, depositor, second_depositor, keeper
):
    vault = make_vault(token)
    smooth = make_strategy(vault)
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    vault.deposit(1_000 * UNIT, second_depositor, sender=second_depositor)
    smooth.setFault(REVERTS, sender=keeper)
    vault.redeem(vault.balanceOf(second_depositor), second_depositor, second_depositor, sender=second_depositor)
    assert vault.idle() <= 1


def test_removed__no_longer_makes_entries_read_it(vault, strategy, at_work, depositor, guardian, owner, keeper):
    vault.revoke(strategy, sender=guardian)
    vault.removeStrategy(strategy, 0, sender=owner)
    strategy.setFault(REVERTS, sender=keeper)
    vault.deposit(UNIT, depositor, sender=depositor)

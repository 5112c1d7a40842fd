"""Reports: profit unlocks over time, loss counts at once, the growth cap and the fees."""

import pytest
from ape import reverts

from tests.vault_kit import DAY, UNIT, YEAR, price_ray


@pytest.fixture
def working(vault, strategy, depositor, keeper):
    """1,000 units, all with the strategy."""
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    assert vault.totalDebt() == 1_000 * UNIT
    return vault


def test_report__profit_is_locked_first(working, strategy, keeper, wait):
    price = price_ray(working)
    wait(DAY)
    strategy.earn(10 * UNIT, sender=keeper)
    assert price_ray(working) == price, "an unreported profit moves no price"
    working.report(sender=keeper)
    # the strategy's own rounding keeps a unit
    assert working.lockedProfit() == 10 * UNIT - 1
    assert working.totalAssets() == 1_000 * UNIT
    assert working.totalDebt() == 1_010 * UNIT - 1


def test_report__profit_unlocks_linearly(working, strategy, keeper, wait, chain):
    wait(DAY)
    strategy.earn(10 * UNIT, sender=keeper)
    start = working.report(sender=keeper).timestamp
    profit = 10 * UNIT - 1  # the strategy's own rounding keeps a unit
    for part in (1, 5, 9):
        wait(start + part * DAY - chain.blocks.head.timestamp)
        locked = -(-profit * (10 - part) // 10)  # rounded up
        assert working.lockedProfit() == locked
        assert working.totalAssets() == 1_000 * UNIT + profit - locked
    wait(2 * DAY)
    assert working.lockedProfit() == 0
    assert working.totalAssets() == 1_000 * UNIT + profit


def test_report__a_second_profit_does_not_hold_up_the_first(working, strategy, keeper, wait, chain):
    """The new end is the average by amount: dust reported by a stranger barely moves it."""
    wait(DAY)
    strategy.earn(10 * UNIT, sender=keeper)
    start = working.report(sender=keeper).timestamp
    wait(start + 5 * DAY - chain.blocks.head.timestamp)
    strategy.earn(1, sender=keeper)
    working.report(sender=keeper)
    wait(start + 10 * DAY + 60 - chain.blocks.head.timestamp)
    assert working.lockedProfit() <= 100, "one unit of profit has held up more than a trifle"


def test_report__loss_counts_at_once(working, strategy, keeper):
    strategy.lose(100 * UNIT, sender=keeper)
    assert working.totalAssets() == 1_000 * UNIT
    working.report(sender=keeper)
    assert working.totalAssets() == pytest.approx(900 * UNIT, abs=1)
    assert working.totalDebt() == working.totalAssets()


def test_report__loss_eats_locked_profit_first(working, strategy, keeper, wait):
    wait(DAY)
    strategy.earn(10 * UNIT, sender=keeper)
    working.report(sender=keeper)
    before = working.totalAssets()
    strategy.lose(4 * UNIT, sender=keeper)
    working.report(sender=keeper)
    assert working.totalAssets() >= before, "the locked profit was there to bear it"
    assert working.lockedProfit() <= 6 * UNIT


def test_report__profit_over_the_growth_cap_waits(vault, strategy, depositor, owner, keeper, wait):
    vault.setPace(10 * DAY, DAY, 1_000, sender=owner)  # 10 % a year
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    vault.report(sender=keeper)
    wait(36 * DAY + 12 * 3600)  # a tenth of a year
    strategy.earn(50 * UNIT, sender=keeper)
    vault.report(sender=keeper)
    # 1,000 x 10 % x 0.1 year = 10, and the seconds between the blocks
    assert vault.totalDebt() == pytest.approx(1_010 * UNIT, rel=1e-6)
    wait(36 * DAY + 12 * 3600)
    vault.report(sender=keeper)
    assert vault.totalDebt() == pytest.approx(1_020 * UNIT, rel=2e-4)


def test_report__books_profit_once_an_hour_and_losses_at_any_time(working, strategy, keeper, wait):
    wait(DAY)
    strategy.earn(10 * UNIT, sender=keeper)
    working.report(sender=keeper)
    debt = working.totalDebt()
    strategy.earn(1 * UNIT, sender=keeper)
    working.report(sender=keeper)
    assert working.totalDebt() == debt, "that profit waits"
    strategy.lose(5 * UNIT, sender=keeper)
    working.report(sender=keeper)
    assert working.totalDebt() == pytest.approx(debt - 4 * UNIT, abs=1)
    strategy.earn(5 * UNIT, sender=keeper)
    wait(3_600)
    working.report(sender=keeper)
    assert working.totalDebt() > debt - 4 * UNIT


def test_report__sets_losses_off_against_profits_whatever_the_queue(
    make_vault, make_token, make_strategy, depositor, keeper, fee_recipient, wait
):
    """4. Reporting only the winners: no order of strategies charges a fee on what a loss has eaten."""
    vault = make_vault(make_token(), performanceFeeBps=1_000)
    winner, loser = make_strategy(vault, 5_000), make_strategy(vault, 5_000)
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    wait(30 * DAY)
    winner.earn(10 * UNIT, sender=keeper)
    loser.lose(10 * UNIT, sender=keeper)
    vault.report(sender=keeper)
    assert vault.balanceOf(fee_recipient) == 0
    assert vault.totalAssets() + vault.lockedProfit() == pytest.approx(1_000 * UNIT, abs=2)


def test_performance_fee__is_taken_out_of_profit_without_lowering_the_price(
    vault, strategy, depositor, owner, keeper, fee_recipient, wait
):
    vault.setFees(1_000, 0, fee_recipient, sender=owner)  # 10 %
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    wait(30 * DAY)
    strategy.earn(100 * UNIT, sender=keeper)
    before = price_ray(vault)
    vault.report(sender=keeper)
    assert price_ray(vault) >= before
    wait(11 * DAY)
    # once all is unlocked the recipient's shares are worth a tenth of the profit, rounded for the holders
    fee = vault.convertToAssets(vault.balanceOf(fee_recipient))
    assert fee == pytest.approx(10 * UNIT, abs=2) and fee <= 10 * UNIT
    assert vault.convertToAssets(vault.balanceOf(depositor)) == pytest.approx(1_090 * UNIT, abs=2)


def test_performance_fee__is_not_charged_again_for_a_loss_made_good(
    vault, strategy, depositor, owner, keeper, fee_recipient, wait
):
    vault.setFees(1_000, 0, fee_recipient, sender=owner)
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    wait(30 * DAY)
    strategy.earn(100 * UNIT, sender=keeper)
    vault.report(sender=keeper)
    shares = vault.balanceOf(fee_recipient)
    assert shares > 0
    strategy.lose(50 * UNIT, sender=keeper)
    vault.report(sender=keeper)
    assert vault.deficit() == pytest.approx(50 * UNIT, abs=1)
    wait(30 * DAY)
    strategy.earn(50 * UNIT, sender=keeper)
    vault.report(sender=keeper)
    assert vault.deficit() == 0
    # the strategy's rounding may leave a unit above the mark, never a tenth of the 50
    assert vault.balanceOf(fee_recipient) - shares <= 10**6
    wait(30 * DAY)
    strategy.earn(20 * UNIT, sender=keeper)
    vault.report(sender=keeper)
    wait(11 * DAY)
    # 10 that grew with the vault from 1,100 to 1,118, and a tenth of 20
    expected = 10 * UNIT * 1_118 // 1_100 + 2 * UNIT
    assert vault.convertToAssets(vault.balanceOf(fee_recipient)) == pytest.approx(expected, rel=1e-6)


def test_deficit__is_moved_by_no_deposit_and_no_exit(
    vault, strategy, depositor, second_depositor, owner, keeper, fee_recipient
):
    vault.setFees(1_000, 0, fee_recipient, sender=owner)
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    strategy.lose(100 * UNIT, sender=keeper)
    vault.report(sender=keeper)
    deficit = vault.deficit()
    assert deficit == pytest.approx(100 * UNIT, abs=1)
    vault.deposit(1_000_000 * UNIT, second_depositor, sender=second_depositor)
    vault.redeem(vault.balanceOf(second_depositor), second_depositor, second_depositor, sender=second_depositor)
    assert vault.deficit() == deficit


def test_total_loss__of_a_unit_closes_no_vault(make_vault, make_token, make_strategy, depositor, attacker, keeper):
    """One unit deposited and lost to rounding, on purpose or not, must not shut a vault for good."""
    vault = make_vault(make_token())
    strategy = make_strategy(vault)
    vault.deposit(1, attacker, sender=attacker)
    vault.rebalance(sender=keeper)
    strategy.lose(1, sender=keeper)
    vault.report(sender=keeper)
    assert vault.totalAssets() == 0
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    assert vault.previewRedeem(vault.balanceOf(depositor)) >= 1_000 * UNIT - 2


def test_total_loss__closes_deposits_and_a_recovery_goes_to_the_holders(
    vault, strategy, depositor, second_depositor, owner, keeper
):
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    strategy.lose(1_000 * UNIT, sender=keeper)
    vault.report(sender=keeper)
    assert vault.totalAssets() == 0
    assert vault.maxDeposit(second_depositor) == vault.maxMint(second_depositor) == 0
    with reverts(vault.DepositExceedsMax):
        vault.deposit(UNIT, second_depositor, sender=second_depositor)
    strategy.earn(500 * UNIT, sender=keeper)
    vault.removeStrategy(strategy, 2**128 - 1, sender=owner)
    assert vault.previewRedeem(vault.balanceOf(depositor)) == pytest.approx(500 * UNIT, rel=1e-3)


def test_management_fee__accrues_over_time_and_is_paid_by_profit_only(
    vault, strategy, depositor, owner, keeper, fee_recipient, wait
):
    vault.setFees(0, 100, fee_recipient, sender=owner)  # 1 % a year
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    wait(YEAR // 10)
    vault.report(sender=keeper)
    assert vault.balanceOf(fee_recipient) == 0, "no profit, no fee"
    assert vault.managementFeeOwed() == pytest.approx(1 * UNIT, rel=1e-5)
    wait(DAY)
    strategy.earn(10 * UNIT, sender=keeper)
    price = price_ray(vault)
    vault.report(sender=keeper)
    assert price_ray(vault) >= price
    assert vault.managementFeeOwed() < UNIT // 1_000
    wait(11 * DAY)
    # a tenth of a year and a day, at 1 % of 1,000
    due = 10 * UNIT * (YEAR // 10 + DAY) // YEAR
    assert vault.convertToAssets(vault.balanceOf(fee_recipient)) == pytest.approx(due, rel=1e-3)


def test_management_fee__takes_at_most_half_of_a_profit(vault, strategy, depositor, owner, keeper, fee_recipient, wait):
    vault.setFees(0, 500, fee_recipient, sender=owner)
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    wait(YEAR)
    strategy.earn(2 * UNIT, sender=keeper)
    vault.report(sender=keeper)
    assert vault.managementFeeOwed() == pytest.approx(49 * UNIT, rel=1e-4)
    wait(11 * DAY)
    assert vault.convertToAssets(vault.balanceOf(fee_recipient)) == pytest.approx(1 * UNIT, abs=5)

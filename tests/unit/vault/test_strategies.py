"""Weights, caps, the withdrawal queue, and strategies that fail."""

import pytest
from ape import reverts

from ballast import properties as P
from tests.vault_kit import ANSWERS_ZERO, CHARGES_ENTRY, DAY, SHORT, TAKES_FEE, UNIT, UNLIMITED


@pytest.fixture
def two(vault, make_strategy, depositor, keeper):
    """1,000 units: 50 % with the first strategy, 30 % with the second, the rest idle."""
    first, second = make_strategy(vault, 5_000), make_strategy(vault, 3_000)
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    return first, second


def readings(vault):
    return {bytes(r.name).rstrip(b"\0").decode(): r for r in vault.readings()}


def test_rebalance__brings_strategies_to_their_targets(vault, two):
    first, second = two
    assert vault.strategy(first).debt == 500 * UNIT
    assert vault.strategy(second).debt == 300 * UNIT
    assert vault.idle() == 200 * UNIT
    weights = readings(vault)
    assert weights["weight.0"].value == weights["weight.0"].target == 5 * 10**17
    assert weights["weight.1"].value == 3 * 10**17


def test_rebalance__in_band_is_refused(vault, two, attacker):
    with reverts(vault.InBand):
        vault.rebalance(sender=attacker)


def test_rebalance__takes_back_before_it_places(vault, two, curator, keeper):
    first, second = two
    vault.setWeight(first, 2_000, 10, sender=curator)
    vault.setWeight(second, 8_000, 10, sender=curator)
    vault.rebalance(sender=keeper)
    assert vault.strategy(first).debt == 200 * UNIT
    assert vault.strategy(second).debt == 800 * UNIT


def test_rebalance__that_can_move_nothing_is_refused(vault, two, curator, keeper):
    first, second = two
    first.setRoom(0, sender=keeper)
    vault.setWeight(first, 6_000, 10, sender=curator)
    with reverts(vault.NotCloser, before=100 * UNIT, afterwards=100 * UNIT):
        vault.rebalance(sender=keeper)


def test_rebalance__reports_what_is_due(vault, two, keeper, wait):
    first, _ = two
    wait(2 * DAY)
    first.earn(1 * UNIT, sender=keeper)
    assert readings(vault)["report"].value > readings(vault)["report"].upper
    vault.rebalance(sender=keeper)
    assert vault.lockedProfit() == pytest.approx(1 * UNIT, abs=1)
    assert readings(vault)["report"].value <= 2


def test_cap__bounds_the_target(vault, two, owner, guardian, keeper):
    first, _ = two
    vault.setCap(first, 100 * UNIT, 10_000, sender=guardian)
    reading = readings(vault)["weight.0"]
    assert reading.value > reading.upper == reading.target == 10**17
    vault.rebalance(sender=keeper)
    assert vault.strategy(first).debt == 100 * UNIT


def test_withdraw__draws_on_the_queue_in_order(vault, two, depositor):
    first, second = two
    vault.withdraw(600 * UNIT, depositor, depositor, sender=depositor)
    assert vault.idle() == 0
    assert vault.strategy(first).debt == 100 * UNIT
    assert vault.strategy(second).debt == 300 * UNIT


def test_withdraw__follows_a_new_queue(vault, two, depositor, curator):
    first, second = two
    vault.setQueue([second, first], sender=curator)
    vault.withdraw(300 * UNIT, depositor, depositor, sender=depositor)
    assert vault.strategy(second).debt == 200 * UNIT
    assert vault.strategy(first).debt == 500 * UNIT


@pytest.mark.parametrize("pick", [[0], [0, 0], [0, 1, 1]])
def test_set_queue__must_hold_the_same_strategies(vault, two, curator, pick):
    with reverts(vault.QueueMismatch):
        vault.setQueue([two[i] for i in pick], sender=curator)


@pytest.mark.parametrize("fault", [1, 2, 4, 5], ids=["reverts", "burns gas", "overstates", "answers nothing"])
def test_withdraw__passes_over_a_strategy_that_fails(vault, two, depositor, token, fault):
    """13. Queue denial of service: one failing strategy locks no other."""
    first, second = two
    first.setFault(fault, sender=depositor)
    before = token.balanceOf(depositor)
    vault.withdraw(450 * UNIT, depositor, depositor, sender=depositor, gas_limit=16_000_000)
    assert token.balanceOf(depositor) - before == 450 * UNIT
    assert vault.strategy(first).debt == 500 * UNIT


def test_withdraw__beyond_what_strategies_free_is_refused(vault, two, depositor, keeper):
    first, _ = two
    first.setFreeable(10 * UNIT, sender=keeper)
    assert vault.maxWithdraw(depositor) == 510 * UNIT
    with reverts(vault.InsufficientLiquidity, requested=511 * UNIT, available=510 * UNIT):
        vault.withdraw(511 * UNIT, depositor, depositor, sender=depositor)
    vault.withdraw(510 * UNIT, depositor, depositor, sender=depositor)


def test_redeem__within_max_redeem_never_fails(vault, two, depositor, keeper):
    first, second = two
    first.setFreeable(7, sender=keeper)
    second.lose(100 * UNIT + 1, sender=keeper)
    shares = vault.maxRedeem(depositor)
    preview = vault.previewRedeem(shares)
    assert vault.redeem(shares, depositor, depositor, sender=depositor).return_value == preview


def test_withdraw__from_a_strategy_books_its_loss_for_all(vault, two, depositor, second_depositor, token, keeper):
    """5. Loss dodging: who leaves through a strategy in loss bears a share of it and leaves nobody the rest."""
    first, second = two
    vault.deposit(1_000 * UNIT, second_depositor, sender=second_depositor)
    vault.rebalance(sender=keeper)
    first.lose(200 * UNIT, sender=keeper)
    shares = vault.balanceOf(depositor)
    preview = vault.previewRedeem(shares)
    before = token.balanceOf(depositor)
    vault.redeem(shares, depositor, depositor, sender=depositor)
    got = token.balanceOf(depositor) - before
    assert got == preview
    assert got == pytest.approx(900 * UNIT, abs=2)
    assert vault.convertToAssets(vault.balanceOf(second_depositor)) == pytest.approx(900 * UNIT, abs=2)


def test_redeem__with_a_max_loss_refuses_more(vault, two, depositor, keeper):
    first, _ = two
    first.lose(100 * UNIT, sender=keeper)  # 10 % of all
    shares = vault.balanceOf(depositor) // 2
    with reverts(vault.LossTooHigh):
        vault.redeem(shares, depositor, depositor, 999, sender=depositor)
    with reverts(vault.LossTooHigh):
        vault.withdraw(450 * UNIT, depositor, depositor, 999, sender=depositor)
    vault.redeem(shares, depositor, depositor, 1_001, sender=depositor)


def test_withdraw__a_strategy_that_pays_short_is_made_up_for_by_the_next(vault, two, depositor, keeper):
    first, second = two
    first.setFault(SHORT, sender=keeper)
    vault.withdraw(250 * UNIT, depositor, depositor, 10_000, sender=depositor)
    # 50 were asked of the first and 25 came: the second strategy paid the rest, the leaver bears the 25
    assert vault.strategy(first).debt == 450 * UNIT
    assert vault.strategy(second).debt == 275 * UNIT
    assert vault.totalAssets() == 725 * UNIT
    assert vault.totalSupply() == pytest.approx(725 * UNIT * 10**6, rel=1e-9)


def test_place__into_a_strategy_that_keeps_a_part_is_undone(vault, make_strategy, token, depositor, keeper):
    strategy = make_strategy(vault)
    strategy.setFault(TAKES_FEE, sender=keeper)
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    with reverts(vault.LossBudgetExceeded):
        vault.rebalance(sender=keeper)
    assert vault.idle() == token.balanceOf(vault) == 1_000 * UNIT
    assert token.allowance(vault, strategy) == 0


def test_place__into_a_strategy_that_takes_and_answers_zero_is_undone(vault, make_strategy, token, depositor, keeper):
    """It is not asked a second time, which would give it twice as much."""
    strategy = make_strategy(vault, 2_000)
    strategy.setFault(ANSWERS_ZERO, sender=keeper)
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    with reverts(vault.MoveLoss):
        vault.rebalance(sender=keeper)
    assert token.balanceOf(vault) == 1_000 * UNIT, P.VAULT_SOLVENT


def test_revoke__takes_back_at_once_and_for_good(vault, two, guardian, keeper):
    first, _ = two
    vault.revoke(first, sender=guardian)
    assert vault.strategy(first).debt == 0
    assert vault.idle() == 700 * UNIT
    with reverts(vault.InBand):
        vault.rebalance(sender=keeper)


def test_revoke__leaves_no_profit_behind(vault, two, guardian, keeper, wait):
    first, _ = two
    first.earn(50 * UNIT, sender=keeper)
    vault.revoke(first, sender=guardian)
    assert vault.strategy(first).shares == 0
    assert vault.idle() == pytest.approx(750 * UNIT, abs=1)
    assert vault.lockedProfit() == pytest.approx(50 * UNIT, abs=1_000)


@pytest.mark.parametrize("by", ["revoke", "rebalance"])
def test_recall__of_a_strategy_that_refuses_is_no_loss(vault, two, guardian, keeper, by):
    """One that says it would let go and then does not still owes everything."""
    first, _ = two
    first.setFault(4, sender=keeper)
    if by == "revoke":
        vault.revoke(first, sender=guardian)
    else:
        vault.setCap(first, 0, 10_000, sender=guardian)
        with reverts(vault.NotCloser):
            vault.rebalance(sender=keeper)
    assert vault.strategy(first).debt == 500 * UNIT
    assert vault.totalAssets() == 1_000 * UNIT
    first.setFault(0, sender=keeper)
    vault.rebalance(sender=keeper)
    assert vault.strategy(first).debt == 0
    assert vault.totalAssets() == 1_000 * UNIT


def test_revoke__of_what_is_illiquid_leaves_the_rest_to_anyone(vault, two, guardian, keeper):
    first, _ = two
    first.setFreeable(100 * UNIT, sender=keeper)
    vault.revoke(first, sender=guardian)
    assert vault.strategy(first).debt == 400 * UNIT
    first.setFreeable(2**256 - 1, sender=keeper)
    vault.rebalance(sender=keeper)
    assert vault.strategy(first).debt == 0


def test_remove__books_what_does_not_come_back(vault, two, owner, keeper):
    first, second = two
    first.setFreeable(100 * UNIT, sender=keeper)
    vault.removeStrategy(first, UNLIMITED, sender=owner)
    assert vault.queue() == [second]
    assert vault.totalAssets() == 600 * UNIT
    assert vault.totalDebt() == 300 * UNIT
    with reverts(vault.NotListed, strategy=first.address):
        vault.revoke(first, sender=owner)


def test_remove__refuses_a_greater_loss_than_the_owner_accepts(vault, two, owner, keeper):
    """Anyone executes what the timelock has released, and may choose a moment in which the strategy is dry."""
    first, _ = two
    first.setFreeable(100 * UNIT, sender=keeper)
    with reverts(vault.OverLimit, value=400 * UNIT, limit=UNIT):
        vault.removeStrategy(first, UNIT, sender=owner)


def test_remove__of_a_dead_strategy_loses_only_its_debt(vault, two, owner, keeper):
    first, second = two
    first.setFault(1, sender=keeper)
    vault.removeStrategy(first, UNLIMITED, sender=owner)
    assert vault.totalAssets() == 500 * UNIT
    assert vault.queue() == [second]


def test_add__refuses_what_does_not_fit(vault, two, make_token, project, owner):
    first, _ = two
    other = owner.deploy(project.StrategyStandIn, make_token(18))
    with reverts(vault.WrongAsset):
        vault.addStrategy(other, UNLIMITED, 10_000, 0, 10, False, sender=owner)
    with reverts(vault.AlreadyListed, strategy=first.address):
        vault.addStrategy(first, UNLIMITED, 10_000, 0, 10, False, sender=owner)
    with reverts(vault.WrongAsset):
        vault.addStrategy(owner, UNLIMITED, 10_000, 0, 10, False, sender=owner)
    third = owner.deploy(project.StrategyStandIn, vault.asset())
    with reverts(vault.OverLimit, value=10_001, limit=10_000):
        vault.addStrategy(third, UNLIMITED, 10_000, 2_001, 10, False, sender=owner)


def test_add__at_most_ten(vault, make_strategy, project, owner):
    for _ in range(10):
        make_strategy(vault, 0)
    eleventh = owner.deploy(project.StrategyStandIn, vault.asset())
    with reverts(vault.QueueFull, max=10):
        vault.addStrategy(eleventh, UNLIMITED, 10_000, 0, 10, False, sender=owner)


def test_shutdown__stops_deposits_and_sends_all_home(vault, two, guardian, owner, depositor, keeper, token):
    first, _ = two
    vault.shutdown(sender=guardian)
    with reverts(vault.DepositExceedsMax, assets=UNIT, max=0):
        vault.deposit(UNIT, depositor, sender=depositor)
    with reverts(vault.IsShutdown):
        vault.unpauseDeposits(sender=owner)
    with reverts(vault.IsShutdown):
        vault.setCap(first, 1, 10_000, sender=owner)
    with reverts(vault.IsShutdown):
        vault.setWeight(first, 1, 1, sender=owner)
    vault.rebalance(sender=keeper)
    assert vault.idle() == 1_000 * UNIT
    before = token.balanceOf(depositor)
    vault.redeem(vault.balanceOf(depositor), depositor, depositor, sender=depositor)
    assert token.balanceOf(depositor) - before == 1_000 * UNIT


def test_pause__stops_deposits_and_not_withdrawals(vault, two, guardian, owner, depositor):
    vault.pauseDeposits(sender=guardian)
    assert vault.maxDeposit(depositor) == vault.maxMint(depositor) == 0
    with reverts(vault.DepositExceedsMax, assets=UNIT, max=0):
        vault.deposit(UNIT, depositor, sender=depositor)
    vault.withdraw(900 * UNIT, depositor, depositor, sender=depositor)
    vault.unpauseDeposits(sender=owner)
    vault.deposit(UNIT, depositor, sender=depositor)


def test_removed__strategy_added_again_still_owes_for_its_shares(vault, two, owner, keeper, wait):
    first, _ = two
    first.setFreeable(0, sender=keeper)
    vault.removeStrategy(first, UNLIMITED, sender=owner)
    assert vault.totalAssets() == 500 * UNIT
    vault.addStrategy(first, UNLIMITED, 10_000, 0, 10_000, False, sender=owner)
    assert vault.strategy(first).shares > 0
    wait(365 * DAY)
    vault.report(sender=keeper)
    assert vault.strategy(first).debt == pytest.approx(500 * UNIT, abs=1)


def test_cap__of_nothing_leaves_no_band(vault, two, guardian, owner, keeper):
    first, _ = two
    vault.setWeight(first, 5_000, 6_000, sender=owner)
    vault.setCap(first, 0, 10_000, sender=guardian)
    vault.rebalance(sender=keeper)
    assert vault.strategy(first).debt == 0


def test_rebalance__passes_over_a_strategy_that_charges_for_entry(
    vault, two, curator, owner, project, keeper, guardian
):
    """One that would cost more than may be lost stops no other from being emptied."""
    first, second = two
    vault.setLossBudget(0, DAY, sender=guardian)
    dear = owner.deploy(project.StrategyStandIn, vault.asset())
    dear.setFault(CHARGES_ENTRY, sender=keeper)
    vault.addStrategy(dear, UNLIMITED, 10_000, 1_000, 10, False, sender=owner)
    vault.setCap(first, 0, 10_000, sender=guardian)
    vault.rebalance(sender=keeper)
    assert vault.strategy(first).debt == 0
    assert vault.strategy(dear).debt == 0


def test_recall__counts_what_a_silent_strategy_pays(vault, two, guardian, keeper, token):
    first, _ = two
    first.setFault(8, sender=keeper)
    vault.revoke(first, sender=guardian)
    assert vault.strategy(first).shares == vault.strategy(first).debt == 0
    assert vault.idle() == token.balanceOf(vault) == 700 * UNIT

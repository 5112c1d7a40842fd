"""Attacks on the vault, one for each kind of failure the field has seen, written out step by step."""

import pytest
from ape import reverts

from ballast import properties as P
from tests.vault_kit import DAY, UNIT, price_ray


def wealth(token, vault, account):
    """Tokens and what the shares would fetch now."""
    return token.balanceOf(account) + vault.previewRedeem(vault.balanceOf(account))


def test_inflation__a_first_depositor_cannot_take_the_second_ones_money(vault, token, attacker, depositor):
    before = token.balanceOf(attacker)
    vault.deposit(1, attacker, sender=attacker)
    token.transfer(vault, 100_000 * UNIT, sender=attacker)  # the donation that would lift the price
    vault.deposit(50_000 * UNIT, depositor, sender=depositor)
    assert vault.previewRedeem(vault.balanceOf(depositor)) == 50_000 * UNIT
    vault.redeem(vault.balanceOf(attacker), attacker, attacker, sender=attacker)
    assert token.balanceOf(attacker) == before - 100_000 * UNIT, "the donation is lost to the attacker"


def test_donation__to_the_vault_changes_no_price_and_no_fee(vault, strategy, token, attacker, depositor, keeper, wait):
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    state = (vault.totalAssets(), vault.totalSupply(), vault.idle(), price_ray(vault), vault.maxWithdraw(depositor))
    token.transfer(vault, 500 * UNIT, sender=attacker)
    assert state == (
        vault.totalAssets(),
        vault.totalSupply(),
        vault.idle(),
        price_ray(vault),
        vault.maxWithdraw(depositor),
    )
    wait(2 * DAY)
    vault.report(sender=attacker)
    assert vault.lockedProfit() == 0


def test_donation__of_strategy_shares_is_not_counted(vault, strategy, token, attacker, depositor, keeper):
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    token.approve(strategy, 500 * UNIT, sender=attacker)
    strategy.deposit(500 * UNIT, vault, sender=attacker)
    vault.report(sender=attacker)
    assert vault.lockedProfit() <= 1
    assert vault.totalDebt() <= 1_000 * UNIT + 1


def test_donation__to_a_strategy_pays_holders_over_time_and_the_donor_nothing(
    vault, strategy, token, attacker, depositor, keeper, wait
):
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    wait(DAY)
    before = token.balanceOf(attacker)
    vault.deposit(1_000 * UNIT, attacker, sender=attacker)
    token.transfer(strategy, 10 * UNIT, sender=attacker)
    vault.report(sender=attacker)
    vault.redeem(vault.balanceOf(attacker), attacker, attacker, sender=attacker)
    assert token.balanceOf(attacker) < before - 9 * UNIT


def test_just_in_time__a_deposit_around_a_report_gains_nothing(
    vault, strategy, token, attacker, depositor, keeper, wait
):
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    wait(5 * DAY)
    strategy.earn(50 * UNIT, sender=keeper)
    before = token.balanceOf(attacker)
    vault.deposit(100_000 * UNIT, attacker, sender=attacker)
    vault.report(sender=attacker)
    vault.redeem(vault.balanceOf(attacker), attacker, attacker, sender=attacker)
    # three blocks of a profit that unlocks over ten days
    assert token.balanceOf(attacker) - before <= 50 * UNIT * 5 // (10 * DAY), P.VAULT_ROUND_TRIP


def test_flash_deposit__cannot_push_all_into_one_strategy(
    project, make_vault, make_token, make_strategy, owner, depositor, attacker, keeper
):
    """Deposit borrowed assets, rebalance, leave through the first in the queue: the last would hold all."""
    token = make_token()
    vault = make_vault(token)
    large, small = make_strategy(vault, 9_000, band_bps=100), make_strategy(vault, 1_000, band_bps=100)
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    trip = owner.deploy(project.RoundTripStandIn)
    token.mint(trip, 9_000 * UNIT, sender=owner)
    trip.run(vault, 9_000 * UNIT, sender=attacker)
    assert token.balanceOf(trip) == 9_000 * UNIT
    assert vault.strategy(large).debt == 900 * UNIT
    assert vault.strategy(small).debt == 100 * UNIT


def test_flash_deposit__cannot_have_a_report_made(
    project, make_vault, make_token, make_strategy, owner, depositor, attacker, keeper, wait
):
    """What a report books and charges follows from the vault's size: not from a borrowed one."""
    token = make_token()
    vault = make_vault(token)
    strategy = make_strategy(vault)
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    wait(DAY)
    strategy.earn(10 * UNIT, sender=keeper)
    trip = owner.deploy(project.RoundTripStandIn)
    token.mint(trip, 9_000 * UNIT, sender=owner)
    trip.run(vault, 9_000 * UNIT, sender=attacker)
    assert vault.lockedProfit() == 0
    assert vault.totalDebt() == 1_000 * UNIT


def test_management_fee__is_not_charged_for_assets_that_were_not_there(
    vault, strategy, attacker, depositor, owner, keeper, fee_recipient, wait
):
    vault.setFees(0, 200, fee_recipient, sender=owner)
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    wait(DAY)
    vault.deposit(1_000_000 * UNIT, attacker, sender=attacker)
    vault.report(sender=attacker)
    assert vault.managementFeeOwed() <= 1_000 * UNIT * 2 // 100 * 2 // 365


@pytest.mark.parametrize("fault", [8, 9], ids=["pays silently", "takes silently"])
def test_silent_strategy__cannot_make_tokens_vanish_from_the_books(vault, strategy, token, depositor, keeper, fault):
    """One that moves tokens and answers nothing: what moved is counted, or the move is undone."""
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    if fault == 8:
        vault.rebalance(sender=keeper)
    strategy.setFault(fault, sender=keeper)
    if fault == 8:
        vault.withdraw(400 * UNIT, depositor, depositor, sender=depositor)
        assert vault.totalDebt() == 600 * UNIT
    else:
        with reverts(vault.NotCloser):
            vault.rebalance(sender=keeper)
    assert token.balanceOf(vault) >= vault.idle()


def test_low_gas__does_not_make_a_sound_strategy_look_broken(make_vault, make_token, make_strategy, depositor, keeper):
    """A withdrawal starved of gas must not pass over the first strategy and its loss."""
    vault = make_vault(make_token())
    heavy = make_strategy(vault, 5_000)
    make_strategy(vault, 5_000)
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    heavy.setFault(2, sender=keeper)
    with reverts(vault.NotEnoughGas):
        vault.withdraw(100 * UNIT, depositor, depositor, sender=depositor, gas_limit=700_000)
    assert vault.totalAssets() == 1_000 * UNIT
    vault.withdraw(100 * UNIT, depositor, depositor, sender=depositor, gas_limit=8_000_000)


def test_loss_dodging__leaving_through_a_strategy_in_loss_takes_the_loss_along(
    vault, strategy, token, attacker, depositor, keeper
):
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    vault.deposit(1_000 * UNIT, attacker, sender=attacker)
    vault.rebalance(sender=keeper)
    strategy.lose(1_000 * UNIT, sender=keeper)
    vault.redeem(vault.balanceOf(attacker), attacker, attacker, sender=attacker)
    rest = vault.previewRedeem(vault.balanceOf(depositor))
    assert rest == pytest.approx(500 * UNIT, abs=2), "the last one out bears no more than the first"


def test_small_steps__never_beat_one_large_one(vault, strategy, token, attacker, depositor, keeper, wait, chain):
    """2. A supply of a few units and an odd price, then many small deposits and redemptions."""
    vault.deposit(30, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    wait(30 * DAY)
    strategy.earn(7, sender=keeper)
    vault.report(sender=keeper)
    wait(11 * DAY)
    assert price_ray(vault) % 10**20 != 0, "an odd price"
    start = wealth(token, vault, attacker)
    for assets in (1, 2, 3, 5, 7):
        vault.deposit(assets, attacker, sender=attacker)
        vault.withdraw(vault.maxWithdraw(attacker), attacker, attacker, sender=attacker)
        assert wealth(token, vault, attacker) <= start, P.VAULT_ROUND_TRIP
    for _ in range(5):
        vault.mint(10**6 - 1, attacker, sender=attacker)
    assert wealth(token, vault, attacker) <= start
    shares = vault.balanceOf(attacker)
    for _ in range(5):
        vault.redeem(shares // 5, attacker, attacker, sender=attacker)
    assert wealth(token, vault, attacker) <= start


def test_crushed_supply__one_unit_left_prices_no_depositor_out(
    vault, strategy, token, attacker, depositor, keeper, wait
):
    """A supply crushed to one share, a profit on top of it: the next depositor still gets what they pay for."""
    vault.deposit(1_000 * UNIT, attacker, sender=attacker)
    vault.rebalance(sender=keeper)
    wait(DAY)
    strategy.earn(10 * UNIT, sender=keeper)
    vault.report(sender=keeper)
    vault.redeem(vault.balanceOf(attacker) - 1, attacker, attacker, sender=attacker)
    wait(11 * DAY)
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    assert vault.previewRedeem(vault.balanceOf(depositor)) >= 1_000 * UNIT - 20


def test_reentrancy__a_strategy_cannot_enter_again(vault, strategy, attacker, depositor, keeper):
    calls = {
        "deposit": vault.deposit.encode_input(0, attacker),
        "redeem": vault.redeem.encode_input(0, attacker, attacker),
        "report": vault.report.encode_input(),
        "rebalance": vault.rebalance.encode_input(),
    }
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    for name, payload in calls.items():
        strategy.setCallback(vault, payload, sender=attacker)
        vault.deposit(100 * UNIT, depositor, sender=depositor)
        vault.rebalance(sender=keeper)
        assert not strategy.reentered(), name
        assert strategy.answer() == bytes.fromhex("3ee5aeb5"), name  # ReentrancyGuardReentrantCall()


@pytest.mark.parametrize("view", ["totalAssets", "convertToAssets", "previewRedeem", "maxWithdraw"])
def test_read_only_reentrancy__the_vault_refuses_to_be_priced_in_the_middle(
    vault, strategy, attacker, depositor, keeper, view
):
    arguments = {"totalAssets": (), "convertToAssets": (1,), "previewRedeem": (1,), "maxWithdraw": (depositor,)}[view]
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    strategy.setCallback(vault, getattr(vault, view).encode_input(*arguments), sender=attacker)
    vault.rebalance(sender=keeper)
    assert strategy.payload() != b"" and not strategy.reentered()


def test_token_hook__cannot_enter_again_during_a_deposit(project, vault, token, owner, depositor):
    """12. ERC-777 and its like: the token calls its receiver in the middle of the transfer."""
    probe = owner.deploy(project.StrategyStandIn, token)  # any contract that calls back will do
    token.setHook(probe, sender=owner)
    # the hook reverts (no such function on it): the deposit fails as a whole and takes nothing
    before = token.balanceOf(depositor)
    with reverts():
        vault.deposit(UNIT, depositor, sender=depositor)
    token.setHook("0x0000000000000000000000000000000000000000", sender=owner)
    assert token.balanceOf(depositor) == before
    assert vault.totalSupply() == 0


def test_growth_cap__is_no_jump_after_a_long_silence(vault, strategy, owner, depositor, keeper, wait):
    """10. A guardrail that lets any jump pass after a year: ours lets pass a year's worth."""
    vault.setPace(10 * DAY, DAY, 1_000, sender=owner)  # 10 % a year
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    wait(365 * DAY)
    strategy.earn(1_000 * UNIT, sender=keeper)
    vault.report(sender=keeper)
    assert vault.totalDebt() <= 1_100 * UNIT + UNIT // 100


def test_fee_farming__many_reports_take_no_more_than_one(
    make_vault, make_token, make_strategy, depositor, keeper, fee_recipient, wait
):
    fees = []
    for reports in (1, 6):
        vault = make_vault(make_token(), performanceFeeBps=1_000, managementFeeBps=100)
        strategy = make_strategy(vault)
        vault.deposit(1_000 * UNIT, depositor, sender=depositor)
        vault.rebalance(sender=keeper)
        for _ in range(reports):
            wait(30 * DAY // reports)
            strategy.earn(60 * UNIT // reports, sender=keeper)
            vault.report(sender=keeper)
        wait(20 * DAY)
        fees.append(vault.convertToAssets(vault.balanceOf(fee_recipient)))
    once, often = fees
    # shares minted earlier grow with the vault, by 6 % at most, on half of the time on average
    assert once <= often <= once * 1.03

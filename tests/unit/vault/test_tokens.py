"""12. Tokens with habits: decimals, no return value, blocked accounts, pauses, fees on transfer."""

import re

import pytest
from ape import reverts
from eth_utils import keccak

from tests.vault_kit import DAY


@pytest.mark.parametrize("decimals", [0, 6, 8, 18])
def test_decimals__a_full_round_with_profit(make_token, make_vault, make_strategy, depositor, keeper, wait, decimals):
    token = make_token(decimals)
    vault = make_vault(token)
    strategy = make_strategy(vault, 5_000)
    amount = 1_000 * 10**decimals
    assert vault.decimals() == decimals + 6
    vault.deposit(amount, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    wait(30 * DAY)
    strategy.earn(amount // 100, sender=keeper)
    vault.report(sender=keeper)
    wait(11 * DAY)
    before = token.balanceOf(depositor)
    vault.redeem(vault.maxRedeem(depositor), depositor, depositor, sender=depositor)
    got = token.balanceOf(depositor) - before
    assert amount + amount // 100 - 2 <= got <= amount + amount // 100


def test_decimals__over_eighteen_are_refused(make_token, make_vault):
    # OverLimit(19, 18): a contract that was never deployed has no error class to compare with
    with reverts(re.compile(f"^0x{keccak(text='OverLimit(uint256,uint256)')[:4].hex()}{19:064x}{18:064x}$")):
        make_vault(make_token(19))


def test_silent_token__works_throughout(make_token, make_vault, make_strategy, depositor, keeper):
    token = make_token()
    vault = make_vault(token)
    make_strategy(vault, 5_000)
    token.setSilent(True, sender=keeper)
    vault.deposit(1_000, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    vault.redeem(vault.balanceOf(depositor), depositor, depositor, sender=depositor)
    assert vault.totalSupply() == 0


def test_fee_on_transfer__is_refused_with_both_amounts(make_token, make_vault, depositor, keeper):
    token = make_token()
    vault = make_vault(token)
    token.setFee(100, sender=keeper)
    with reverts(vault.UnexpectedTransfer, expected=1_000, received=990):
        vault.deposit(1_000, depositor, sender=depositor)


def test_blocked_depositor__leaves_to_another_address(make_token, make_vault, depositor, second_depositor, keeper):
    token = make_token()
    vault = make_vault(token)
    vault.deposit(1_000, depositor, sender=depositor)
    token.setBlocked(depositor, True, sender=keeper)
    with reverts(token.IsBlocked):
        vault.redeem(10**9, depositor, depositor, sender=depositor)
    before = token.balanceOf(second_depositor)
    vault.redeem(10**9, second_depositor, depositor, sender=depositor)
    assert token.balanceOf(second_depositor) - before == 1_000


def test_blocked_strategy__locks_no_withdrawal_from_the_others(
    make_token, make_vault, make_strategy, depositor, keeper
):
    token = make_token()
    vault = make_vault(token)
    first, second = make_strategy(vault, 5_000), make_strategy(vault, 5_000)
    vault.deposit(1_000, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    token.setBlocked(first, True, sender=keeper)
    vault.withdraw(499, depositor, depositor, sender=depositor)
    assert vault.strategy(second).debt <= 1


def test_blocked_fee_recipient__gets_shares_and_stops_nobody(
    make_token, make_vault, make_strategy, depositor, keeper, fee_recipient, wait
):
    token = make_token()
    vault = make_vault(token, performanceFeeBps=1_000)
    strategy = make_strategy(vault)
    token.setBlocked(fee_recipient, True, sender=keeper)
    vault.deposit(10**9, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    wait(30 * DAY)
    strategy.earn(10**7, sender=keeper)
    vault.report(sender=keeper)
    assert vault.balanceOf(fee_recipient) > 0
    vault.redeem(vault.balanceOf(depositor), depositor, depositor, sender=depositor)


def test_paused_token__stops_while_it_is_paused_and_no_longer(make_token, make_vault, depositor, keeper):
    token = make_token()
    vault = make_vault(token)
    vault.deposit(1_000, depositor, sender=depositor)
    token.setPaused(True, sender=keeper)
    with reverts(token.IsPaused):
        vault.redeem(10**9, depositor, depositor, sender=depositor)
    token.setPaused(False, sender=keeper)
    vault.redeem(10**9, depositor, depositor, sender=depositor)

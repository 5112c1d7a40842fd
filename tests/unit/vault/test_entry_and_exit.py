"""Deposits, mints, withdrawals and redemptions: what ERC-4626 promises."""

import pytest
from ape import reverts
from eth_account.messages import encode_typed_data

from ballast import properties as P
from tests.vault_kit import NOBODY, UNIT, UNLIMITED


def test_deposit__gives_shares_of_six_more_decimals(vault, token, depositor):
    vault.deposit(100 * UNIT, depositor, sender=depositor)
    assert vault.decimals() == token.decimals() + 6
    assert vault.balanceOf(depositor) == 100 * UNIT * 10**6
    assert vault.totalAssets() == vault.idle() == token.balanceOf(vault) == 100 * UNIT


def test_deposit__for_another_receiver(vault, depositor, second_depositor):
    vault.deposit(UNIT, second_depositor, sender=depositor)
    assert vault.balanceOf(second_depositor) == UNIT * 10**6
    assert vault.balanceOf(depositor) == 0


def test_mint__takes_the_previewed_assets(vault, token, depositor):
    vault.deposit(3 * UNIT + 1, depositor, sender=depositor)
    before = token.balanceOf(depositor)
    preview = vault.previewMint(10**12 + 1)
    vault.mint(10**12 + 1, depositor, sender=depositor)
    assert before - token.balanceOf(depositor) == preview


def test_redeem__returns_what_was_deposited(vault, token, depositor):
    before = token.balanceOf(depositor)
    vault.deposit(123_456_789, depositor, sender=depositor)
    vault.redeem(vault.balanceOf(depositor), depositor, depositor, sender=depositor)
    assert token.balanceOf(depositor) == before
    assert vault.totalSupply() == 0


def test_withdraw__by_another_spends_the_allowance(vault, token, depositor, keeper):
    vault.deposit(10 * UNIT, depositor, sender=depositor)
    shares = vault.previewWithdraw(4 * UNIT)
    with reverts(vault.ERC20InsufficientAllowance):
        vault.withdraw(4 * UNIT, keeper, depositor, sender=keeper)
    vault.approve(keeper, shares, sender=depositor)
    vault.withdraw(4 * UNIT, keeper, depositor, sender=keeper)
    assert token.balanceOf(keeper) == 4 * UNIT
    assert vault.allowance(depositor, keeper) == 0


def test_withdraw__more_than_held_is_refused(vault, depositor, second_depositor):
    vault.deposit(UNIT, depositor, sender=depositor)
    vault.deposit(UNIT, second_depositor, sender=second_depositor)
    assert vault.maxWithdraw(depositor) == UNIT
    with reverts(vault.ERC20InsufficientBalance):
        vault.withdraw(UNIT + 1, depositor, depositor, sender=depositor)


@pytest.mark.parametrize("call", ["deposit", "mint"])
def test_entry__to_nobody_is_refused(vault, depositor, call):
    with reverts(vault.ERC20InvalidReceiver):
        getattr(vault, call)(UNIT, NOBODY, sender=depositor)


def test_max_deposit__follows_the_limit(vault, depositor, owner):
    vault.setDepositLimit(5 * UNIT, sender=owner)
    vault.deposit(2 * UNIT, depositor, sender=depositor)
    assert vault.maxDeposit(depositor) == 3 * UNIT
    assert vault.previewMint(vault.maxMint(depositor)) <= 3 * UNIT
    with reverts(vault.DepositExceedsMax, assets=3 * UNIT + 1, max=3 * UNIT):
        vault.deposit(3 * UNIT + 1, depositor, sender=depositor)
    vault.deposit(3 * UNIT, depositor, sender=depositor)
    assert vault.maxDeposit(depositor) == vault.maxMint(depositor) == 0


def test_max_deposit__unlimited_is_the_room_of_the_ledger(vault, depositor):
    assert vault.maxDeposit(depositor) == (UNLIMITED * (0 + 1)) // 10**6
    assert vault.maxMint(depositor) == UNLIMITED


def test_permit__lets_another_withdraw_by_signature(vault, chain, depositor, keeper):
    vault.deposit(UNIT, depositor, sender=depositor)
    deadline = chain.blocks.head.timestamp + 3600
    signed = sign_permit(vault, chain, depositor, keeper, UNIT * 10**6, deadline)
    vault.permit(depositor, keeper, UNIT * 10**6, deadline, *signed, sender=keeper)
    vault.redeem(UNIT * 10**6, keeper, depositor, sender=keeper)
    with reverts(vault.ERC2612InvalidSigner):  # the nonce is spent
        vault.permit(depositor, keeper, UNIT * 10**6, deadline, *signed, sender=keeper)


def sign_permit(vault, chain, holder, spender, value, deadline):
    """v, r, s of an ERC-2612 permit."""
    message = encode_typed_data(
        {"name": vault.name(), "version": "1", "chainId": chain.provider.chain_id, "verifyingContract": vault.address},
        {
            "Permit": [
                {"name": name, "type": kind}
                for name, kind in (
                    ("owner", "address"),
                    ("spender", "address"),
                    ("value", "uint256"),
                    ("nonce", "uint256"),
                    ("deadline", "uint256"),
                )
            ]
        },
        {
            "owner": holder.address,
            "spender": spender.address,
            "value": value,
            "nonce": vault.nonces(holder),
            "deadline": deadline,
        },
    )
    signature = holder.sign_message(message)
    # Ape drops leading zeros, which encoding would put back at the wrong end.
    return signature.v, signature.r.rjust(32, b"\0"), signature.s.rjust(32, b"\0")


def test_transfer__moves_shares_and_not_the_supply(vault, depositor, second_depositor):
    vault.deposit(UNIT, depositor, sender=depositor)
    vault.transfer(second_depositor, 10**11, sender=depositor)
    assert vault.balanceOf(depositor) == 9 * 10**11
    assert vault.balanceOf(second_depositor) == 10**11
    assert vault.totalSupply() == 10**12
    with reverts(vault.ERC20InsufficientBalance):
        vault.transfer(second_depositor, 10**12, sender=depositor)


def test_redeem__within_the_maximum_is_paid_though_a_loss_is_not_booked_yet(
    project, vault, strategy, token, owner, depositor, second_depositor, keeper
):
    """Of 1,000 tokens 500 are idle, 10 wait, and of the other 500 a strategy has lost 450. What others ask for is
    held against what is there at the price after the loss, as `maxRedeem` says; at the price before it, it is more."""
    redemptions = project.Redemptions.at(vault.redemptions())
    vault.setWeight(strategy, 5_000, 10, sender=owner)
    vault.deposit(900 * UNIT, depositor, sender=depositor)
    vault.deposit(100 * UNIT, second_depositor, sender=second_depositor)
    vault.approve(redemptions, 2**256 - 1, sender=second_depositor)
    vault.rebalance(sender=keeper)
    redemptions.requestRedeem(10 * UNIT * 10**6, second_depositor, second_depositor, sender=second_depositor)
    strategy.lose(450 * UNIT, sender=keeper)

    shares, free = vault.maxRedeem(depositor), 540 * UNIT  # 500 idle and 50 in the strategy, less 10
    assert shares == vault.balanceOf(depositor) and vault.convertToAssets(shares) > free, "else nothing is tested"
    preview, before = vault.previewRedeem(shares), token.balanceOf(depositor)
    assert preview == pytest.approx(900 * UNIT * 550 // 1_000, abs=2)
    vault.redeem(shares, depositor, depositor, sender=depositor)
    assert token.balanceOf(depositor) - before == preview, P.VAULT_PREVIEW

"""Leaving in kind: the holder's part of everything, at once, whatever the strategies would free."""

import pytest
from ape import reverts

from ballast import properties as P
from tests.vault_kit import DAY, KEEPS_SHARES, NOBODY, REVERTS, UNIT, price_ray


@pytest.fixture
def two(make_strategy, vault):
    return make_strategy(vault, 6_000), make_strategy(vault, 2_000)


@pytest.fixture
def at_work(vault, two, depositor, second_depositor, keeper):
    """1,000 in two halves: 600 with the first strategy, 200 with the second, 200 idle."""
    for holder in (depositor, second_depositor):
        vault.deposit(500 * UNIT, holder, sender=holder)
    vault.rebalance(sender=keeper)


def leave(vault, holder, shares=None, max_loss_bps=1):
    return vault.redeemInKind(
        vault.balanceOf(holder) if shares is None else shares, holder, holder, max_loss_bps, sender=holder
    )


def test_in_kind__pays_a_part_of_everything(vault, two, at_work, token, depositor, second_depositor):
    held = token.balanceOf(depositor)
    for strategy in two:
        strategy.setFreeable(0, sender=depositor)  # not a unit can be freed
    leave(vault, depositor)
    assert token.balanceOf(depositor) - held == pytest.approx(100 * UNIT, abs=2)
    worth = [strategy.convertToAssets(strategy.balanceOf(depositor)) for strategy in two]
    assert worth == [pytest.approx(300 * UNIT, abs=2), pytest.approx(100 * UNIT, abs=2)]
    assert vault.balanceOf(depositor) == 0
    assert vault.idle() + vault.totalDebt() == pytest.approx(500 * UNIT, abs=5)
    assert vault.previewRedeem(vault.balanceOf(second_depositor)) >= 500 * UNIT - 1


def test_in_kind__leaves_locked_and_unreported_profit_behind(
    vault, two, at_work, token, depositor, second_depositor, keeper, wait
):
    """Locked profit cannot be taken at once, and neither can what the next report would lock."""
    wait(DAY)
    two[0].earn(100 * UNIT, sender=keeper)
    vault.report(sender=keeper)
    two[1].earn(50 * UNIT, sender=keeper)
    price, held = price_ray(vault), token.balanceOf(depositor)
    worth = vault.convertToAssets(vault.balanceOf(depositor))
    leave(vault, depositor)
    got = token.balanceOf(depositor) - held
    got += sum(strategy.convertToAssets(strategy.balanceOf(depositor)) for strategy in two)
    assert got <= worth + UNIT // 1_000, P.VAULT_LOCKED_SAFE
    assert price_ray(vault) >= price, P.VAULT_PRICE


def test_in_kind__shares_an_unreported_loss(vault, two, at_work, token, depositor, second_depositor, keeper):
    two[0].lose(300 * UNIT, sender=keeper)
    with reverts(vault.LossTooHigh):
        leave(vault, depositor)
    held = token.balanceOf(depositor)
    leave(vault, depositor, max_loss_bps=3_001)
    got = token.balanceOf(depositor) - held
    got += sum(strategy.convertToAssets(strategy.balanceOf(depositor)) for strategy in two)
    assert got == pytest.approx(350 * UNIT, abs=5), P.VAULT_LOSS_SHARED
    assert vault.previewRedeem(vault.balanceOf(second_depositor)) == pytest.approx(350 * UNIT, abs=5)


def test_in_kind__is_open_when_a_strategy_cannot_be_read(vault, two, at_work, depositor, keeper):
    two[0].setFault(REVERTS, sender=keeper)
    leave(vault, depositor)
    assert two[0].balanceOf(depositor) == pytest.approx(300 * UNIT, abs=2)


def test_in_kind__a_strategy_that_keeps_its_shares_costs_no_more_than_the_holder_accepts(
    vault, two, at_work, depositor, second_depositor, keeper
):
    two[1].setFault(KEEPS_SHARES, sender=keeper)
    with reverts(vault.LossTooHigh):
        leave(vault, depositor, max_loss_bps=1_999)
    price = price_ray(vault)
    leave(vault, depositor, max_loss_bps=2_001)
    assert price_ray(vault) == pytest.approx(price, rel=1e-6), P.VAULT_GROWTH
    assert vault.lockedProfit() == pytest.approx(100 * UNIT, rel=1e-3), "what was left behind unlocks for the others"


def test_in_kind__needs_shares_and_permission(vault, two, at_work, depositor, attacker):
    with reverts(vault.ERC20InsufficientAllowance):
        vault.redeemInKind(1, attacker, depositor, 0, sender=attacker)
    with reverts(vault.ERC20InsufficientBalance):
        leave(vault, depositor, vault.balanceOf(depositor) + 1)
    with reverts(vault.ERC20InvalidReceiver):
        vault.redeemInKind(1, NOBODY, depositor, 0, sender=depositor)


def test_in_kind__parts_add_up_to_no_more_than_the_whole(vault, two, at_work, token, depositor, chain):
    def taken(parts):
        with chain.isolate():
            held = token.balanceOf(depositor)
            shares = vault.balanceOf(depositor)
            for _ in range(parts):
                leave(vault, depositor, shares // parts)
            got = token.balanceOf(depositor) - held, *(s.balanceOf(depositor) for s in two)
        return got

    once, often = taken(1), taken(7)
    assert all(small <= large for small, large in zip(often, once, strict=True)), P.VAULT_SPLIT

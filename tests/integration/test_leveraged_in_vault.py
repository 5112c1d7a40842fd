"""A leveraged strategy as a vault of ours has it: money goes in, prices jump, holders come and go."""

import pytest

from tests.position_kit import *

FIRST, SECOND, THIRD = DEPOSITORS
CRASH = 17


@pytest.fixture(scope="module")
def vault_state(position_state):
    """A vault of a million, nine tenths of it levered up; made once a file."""
    place = position_state
    over = VaultOver(place, place.leveraged())
    over.at.deposit(MILLION, FIRST, sender=FIRST)
    over.at.rebalance(sender=STRANGER)
    over.held.keep()
    place.settle()
    return over


@pytest.fixture
def over(vault_state, place):
    with place.chain.isolated():
        yield vault_state


def near(value, rel):
    return pytest.approx(value, rel=rel)


def test_vault__puts_it_to_work_and_reads_it_live(over):
    vault, strategy = over.at, over.held.at
    mine = strategy.balanceOf(vault.address)
    listed = vault.strategy(strategy.address)
    assert strategy.previewRedeem(mine) == near(MILLION * 9 // 10, 0.01)
    assert listed[-1], "it calls itself volatile, whatever it was listed as"
    assert over.held.leverage() >= 1.9


def test_vault__books_what_a_crash_took_before_anybody_leaves(over, place):
    vault, held = over.at, over.held
    before = vault.totalAssets()
    vault.deposit(MILLION, SECOND, sender=SECOND)
    place.crash(CRASH)
    worth = held.at.previewRedeem(held.at.balanceOf(vault.address))
    # 0.9 million x 1.95 x 17 %
    assert 0.25 * MILLION < before - worth - MILLION // 10 < 0.45 * MILLION
    shares = vault.balanceOf(SECOND)
    # one tenth of a million idle, the second million, and what the crash has left
    due = (MILLION // 10 + MILLION + worth) // 2
    assert shares * 2 == vault.totalSupply()
    assert vault.redeem(shares, SECOND, SECOND, sender=SECOND) == near(due, 1e-9)
    assert vault.totalAssets() == near(due, 1e-9), "both bore it alike"


def test_vault__holders_leave_through_the_strategy(over, place):
    vault = over.at
    shares = vault.balanceOf(FIRST)
    half = vault.redeem(shares // 2, FIRST, FIRST, 200, sender=FIRST)
    # fee and price impact on twice what leaves: less than 2 %
    assert 0.98 * MILLION / 2 < half < MILLION // 2
    place.settle()
    most = vault.maxRedeem(FIRST)
    rest = vault.redeem(most, FIRST, FIRST, 200, sender=FIRST)
    assert most > shares * 49 // 100 and half + rest > 0.97 * MILLION


def test_vault__takes_it_back_when_it_is_revoked(over, place):
    vault, held = over.at, over.held
    vault.revoke(held.at.address, sender=GUARDIAN)
    for _ in range(10):
        if not held.at.balanceOf(vault.address):
            break
        place.settle()
        place.chain.wait(DAY)
        place.settle()
        vault.rebalance(sender=STRANGER)
    assert held.at.balanceOf(vault.address) == 0
    assert vault.totalAssets() == near(MILLION, 0.02)


def test_vault__lets_nobody_in_at_a_low_of_the_pool(over, place):
    vault, held = over.at, over.held
    with place.chain.isolated():
        fair = vault.previewDeposit(MILLION)
    place.push_pool(place.feed_price() * 97 // 100)
    assert vault.previewDeposit(MILLION) <= fair
    shares = vault.deposit(MILLION, SECOND, sender=SECOND)
    place.push_pool(place.feed_price())
    assert vault.redeem(shares, SECOND, SECOND, 10_000, sender=SECOND) <= MILLION
    assert held.leverage() >= 1.9


def test_vault__gives_it_no_more_while_its_price_is_not_good(over, place):
    vault = over.at
    vault.deposit(MILLION, SECOND, sender=SECOND)
    place.chain.wait(3 * HOUR)
    assert place.verdict() == STALE
    before = over.held.at.balanceOf(vault.address)
    with pytest.raises(Reverted, match="MoveLoss"):
        vault.rebalance(sender=STRANGER)
    place.settle()
    vault.rebalance(sender=STRANGER)
    assert over.held.at.balanceOf(vault.address) > before


def test_vault__hands_out_its_shares_in_kind(over):
    vault, held = over.at, over.held
    shares = vault.balanceOf(FIRST) // 4
    mine = held.at.balanceOf(vault.address)
    vault.redeemInKind(shares, FIRST, FIRST, 500, sender=FIRST)
    got = held.at.balanceOf(FIRST)
    assert got == near(mine // 4, 0.02)
    assert held.at.maxRedeem(FIRST) == got
    held.redeem(got)

"""The price of a share never grows faster than its cap, whatever is reported and whoever leaves."""

import pytest

from ballast import properties as P
from tests.vault_kit import DAY, UNIT, YEAR, price_ray

CAP_BPS = 10_000  # 100 % a year


@pytest.fixture(scope="module")
def vault(make_vault, token):
    return make_vault(token, growthCapBps=CAP_BPS, unlockPeriod=10 * DAY)


@pytest.fixture
def profit(vault, strategy, depositor, second_depositor, keeper, wait):
    """A profit of 25 on 1,000, locked: over ten days it would grow faster than the cap."""
    vault.deposit(900 * UNIT, depositor, sender=depositor)
    vault.deposit(100 * UNIT, second_depositor, sender=second_depositor)
    vault.rebalance(sender=keeper)
    wait(60 * DAY)
    strategy.earn(50 * UNIT, sender=keeper)
    vault.report(sender=keeper)
    assert vault.lockedProfit() == pytest.approx(50 * UNIT, abs=2)


def grew_within_cap(vault, chain, price, since):
    seconds = chain.blocks.head.timestamp - since
    # one unit of rounding on what the shares are worth
    slack = 10**27 // (vault.totalSupply() + 10**6) + 1
    return price_ray(vault) <= price + price * CAP_BPS * seconds // (10**4 * YEAR) + slack


def test_growth__is_spread_over_longer_than_the_period_where_the_cap_wants_it(vault, strategy, profit, chain, wait):
    assert vault.unlockedAt() - chain.blocks.head.timestamp == pytest.approx(50 / 1000 * YEAR, rel=1e-3)
    price, since = price_ray(vault), chain.blocks.head.timestamp
    for _ in range(4):
        wait(6 * DAY)
        assert grew_within_cap(vault, chain, price, since), P.VAULT_GROWTH
    assert vault.lockedProfit() == 0


def test_growth__who_stays_does_not_get_what_others_leave_at_once(
    vault, strategy, profit, depositor, second_depositor, chain, wait
):
    price, since = price_ray(vault), chain.blocks.head.timestamp
    vault.redeem(vault.balanceOf(depositor), depositor, depositor, sender=depositor)
    for _ in range(3):
        wait(10 * DAY)
        assert grew_within_cap(vault, chain, price, since), P.VAULT_GROWTH


def test_growth__what_was_stretched_for_a_few_is_not_for_many(
    vault, strategy, profit, depositor, second_depositor, attacker, keeper, chain, wait
):
    """The last holder's crumbs must not lock the next ones' profit away for decades."""
    vault.redeem(vault.balanceOf(depositor), depositor, depositor, sender=depositor)
    vault.redeem(vault.balanceOf(second_depositor) - 1, second_depositor, second_depositor, sender=second_depositor)
    assert vault.unlockedAt() - chain.blocks.head.timestamp > 50 * YEAR
    vault.deposit(10_000 * UNIT, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    wait(DAY)
    strategy.earn(UNIT, sender=keeper)
    vault.report(sender=keeper)
    assert vault.unlockedAt() - chain.blocks.head.timestamp <= 10 * DAY


def test_growth__an_empty_vault_hands_the_rest_on_at_the_pace_of_the_next_holders(
    vault, strategy, profit, depositor, second_depositor, chain
):
    for holder in (depositor, second_depositor):
        vault.redeem(vault.balanceOf(holder), holder, holder, sender=holder)
    vault.deposit(100 * UNIT, depositor, sender=depositor)
    price, since = price_ray(vault), chain.blocks.head.timestamp
    assert vault.lockedProfit() > 49 * UNIT
    chain.pending_timestamp = since + 30 * DAY
    chain.mine()
    assert grew_within_cap(vault, chain, price, since), P.VAULT_GROWTH


def test_growth__a_profit_of_nobodys_makes_good_nobodys_loss(vault, strategy, depositor, keeper, chain, wait):
    """Who comes next gets what nobody owns at the pace of the cap, all of it."""
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    wait(30 * DAY)
    strategy.earn(20 * UNIT, sender=keeper)
    vault.report(sender=keeper)
    strategy.lose(10 * UNIT, sender=keeper)
    vault.report(sender=keeper)
    vault.redeem(vault.balanceOf(depositor), depositor, depositor, sender=depositor)
    assert vault.totalSupply() == 0 and vault.deficit() == pytest.approx(10 * UNIT, abs=2)
    wait(DAY)
    strategy.earn(10 * UNIT, sender=keeper)
    vault.report(sender=keeper)
    assert vault.lockedProfit() == pytest.approx(20 * UNIT, rel=1e-2)

    vault.deposit(100 * UNIT, depositor, sender=depositor)
    price, since = price_ray(vault), chain.blocks.head.timestamp
    wait(30 * DAY)
    assert grew_within_cap(vault, chain, price, since), P.VAULT_GROWTH
    assert vault.unlockedAt() - since == pytest.approx(20 / 100 * YEAR, rel=1e-2)


def test_growth__a_lower_cap_holds_for_what_is_locked_already(vault, strategy, profit, owner, wait):
    vault.setPace(10 * DAY, DAY, CAP_BPS // 10, sender=owner)
    price = price_ray(vault)
    wait(10 * DAY)
    assert price_ray(vault) <= price + price * CAP_BPS // 10 * 10 * DAY // (10**4 * YEAR) + 10**20, P.VAULT_GROWTH

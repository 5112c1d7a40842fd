"""4, 13. Holders are kept from a profit: it is locked for longer than it should be, or never booked."""

from tests.attacks.defences import Defence
from tests.vault_kit import DAY, YEAR

WEEK = 7 * DAY


def restart_the_unlocking(arena):
    """Profit still locked after its ten days. Each day somebody leaves in kind with dust; a unit of it stays."""
    vault = arena.open()
    strategy, _ = arena.add(4_500), arena.add(4_500)
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.deposit(arena.attacker, arena.unit)
    arena.rebalance()
    arena.wait(30 * DAY)
    strategy.earn(10 * arena.unit, sender=arena.keeper)
    arena.report()
    for dust in range(10):
        arena.wait(DAY)
        shares = 7 * 10**6 + dust
        vault.redeemInKind(shares, arena.attacker, arena.attacker, 10_000, sender=arena.attacker)
    return vault.lockedProfit()


def leave_a_long_lock_behind(arena):
    """Seconds that the victim's first profit takes to unlock, over the ten days of the vault.

    A profit locked for a large holder, who then leaves all but a crumb, takes decades to unlock within the growth cap.
    """
    vault = arena.open(growthCapBps=2_000)
    strategy = arena.add()
    arena.deposit(arena.attacker, 10_000 * arena.unit)
    arena.rebalance()
    arena.wait(2 * DAY)
    strategy.earn(10 * arena.unit, sender=arena.attacker)
    arena.report()
    crumb = arena.unit
    exit_ = (vault.balanceOf(arena.attacker) - crumb, arena.attacker, arena.attacker)
    vault.redeem(*exit_, sender=arena.attacker)
    arena.deposit(arena.victim, 1_000_000 * arena.unit)
    arena.rebalance()
    arena.wait(WEEK)
    strategy.earn(2_000 * arena.unit, sender=arena.keeper)
    arena.report()
    return vault.unlockedAt() - arena.now() - 10 * DAY


def starve_the_profit(arena):
    """Profit that was not booked: somebody reports each hour, in which the growth cap allows less than a unit."""
    vault = arena.open(decimals=2, growthCapBps=1_000)
    strategy = arena.add()
    arena.deposit(arena.victim, 80_000)
    arena.rebalance()
    since = vault.lastReport()
    strategy.earn(500, sender=arena.keeper)
    for _ in range(24):
        arena.wait(3_600)
        vault.report(sender=arena.attacker)
    allowed = 80_000 * (arena.now() - since) // (10 * YEAR)
    return allowed - (vault.totalDebt() - 80_000)


def test_unlocking__is_not_begun_anew_by_dust(ours, without):
    assert restart_the_unlocking(ours) <= 10, "a unit of each exit"
    weak = without(Defence.WEIGHTED_UNLOCK)
    assert restart_the_unlocking(weak) > 3 * weak.unit


def test_unlocking__takes_no_longer_for_those_who_were_there_before(ours, without):
    assert leave_a_long_lock_behind(ours) <= 0
    weak = without(Defence.NO_INHERITED_STRETCH)
    assert leave_a_long_lock_behind(weak) > 100 * DAY


def test_profit__is_not_starved_by_frequent_reports(ours, without):
    assert starve_the_profit(ours) <= 1
    assert starve_the_profit(without(Defence.PROFIT_CLOCK)) > 20

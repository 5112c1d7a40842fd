"""3, 4. Leaving with the strategies' shares: with a profit that is not in the price, or at a value that was moved."""

from tests.attacks.defences import Defence
from tests.vault_kit import DAY


def leave_in_kind(arena, strategy):
    """Leave with shares of the strategy, and redeem those."""
    vault, attacker = arena.vault, arena.attacker
    vault.redeemInKind(vault.balanceOf(attacker), attacker, attacker, 10_000, sender=attacker)
    strategy.redeem(strategy.balanceOf(attacker), attacker, attacker, sender=attacker)


def take_unreported_profit(arena):
    """Attacker's gain. In at the reported price, out in kind with half of a profit that nobody has reported."""
    arena.open()
    strategy = arena.add()
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    before = arena.token.balanceOf(arena.attacker)
    arena.deposit(arena.attacker, 1_000 * arena.unit)
    strategy.earn(100 * arena.unit, sender=arena.keeper)
    leave_in_kind(arena, strategy)
    return arena.token.balanceOf(arena.attacker) - before


def take_locked_profit(arena):
    """Attacker's gain. The profit is reported, and locked for ten days; in and out in kind."""
    arena.open()
    strategy = arena.add()
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    arena.wait(30 * DAY)
    strategy.earn(100 * arena.unit, sender=arena.keeper)
    arena.report()
    before = arena.token.balanceOf(arena.attacker)
    arena.deposit(arena.attacker, 1_000 * arena.unit)
    leave_in_kind(arena, strategy)
    return arena.token.balanceOf(arena.attacker) - before


def leave_at_a_pushed_value(arena):
    """Attacker's gain. Push the strategy down, leave in kind with the more shares for it, let go, redeem them."""
    vault = arena.open()
    strategy = arena.add()
    before = arena.token.balanceOf(arena.attacker)
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.deposit(arena.attacker, 1_000 * arena.unit)
    arena.rebalance()
    strategy.lose(1_000 * arena.unit, sender=arena.attacker)
    shares = vault.balanceOf(arena.attacker)
    vault.redeemInKind(shares, arena.attacker, arena.attacker, 10_000, sender=arena.attacker)
    strategy.earn(1_000 * arena.unit, sender=arena.attacker)
    strategy.redeem(strategy.balanceOf(arena.attacker), arena.attacker, arena.attacker, sender=arena.attacker)
    return arena.token.balanceOf(arena.attacker) - before


def test_in_kind__unreported_profit_stays_behind(ours, without):
    assert take_unreported_profit(ours) <= 0
    weak = without(Defence.IN_KIND_AT_HIGHER)
    assert take_unreported_profit(weak) > 49 * weak.unit


def test_in_kind__locked_profit_stays_behind(ours, without):
    # a few seconds of what unlocks over ten days
    assert take_locked_profit(ours) <= 100 * ours.unit * 5 // (10 * DAY)
    weak = without(Defence.IN_KIND_AT_PRICE)
    assert take_locked_profit(weak) > 45 * weak.unit


def test_in_kind__a_pushed_value_buys_no_more_shares(ours, without):
    assert leave_at_a_pushed_value(ours) <= 0
    weak = without(Defence.IN_KIND_BY_PARTS)
    assert leave_at_a_pushed_value(weak) > 900 * weak.unit

"""1. The price of a share is lifted by a gift before somebody deposits."""

from tests.attacks.defences import Defence


def take_the_second_deposit(arena):
    """Attacker's gain. One unit in, a gift that makes a share dear; the next deposit is rounded down to one."""
    vault = arena.open()
    before = arena.token.balanceOf(arena.attacker)
    arena.deposit(arena.attacker, 1)
    arena.token.transfer(vault, 50_000 * arena.unit, sender=arena.attacker)
    arena.deposit(arena.victim, 99_999 * arena.unit)
    arena.leave(arena.attacker)
    return arena.token.balanceOf(arena.attacker) - before


def spoil_the_second_deposit(arena):
    """Victim's loss, whatever it costs the attacker. The deposit is worth a little less than two shares."""
    vault = arena.open()
    arena.deposit(arena.attacker, 1)
    arena.token.transfer(vault, 50_000 * arena.unit, sender=arena.attacker)
    before = arena.token.balanceOf(arena.victim)
    arena.deposit(arena.victim, 49_999 * arena.unit)
    arena.leave(arena.victim)
    return before - arena.token.balanceOf(arena.victim)


def lock_the_next_out(arena):
    """Deposit refused to the victim. A unit that was deposited and lost leaves shares over nothing: a price of zero."""
    vault = arena.open()
    strategy = arena.add()
    arena.deposit(arena.attacker, 1)
    arena.rebalance()
    strategy.lose(1, sender=arena.attacker)
    arena.report()
    assert vault.totalSupply() > 0
    assert vault.totalAssets() == 0
    assets = 1_000 * arena.unit
    return 0 if arena.passes(vault.deposit, assets, arena.victim, sender=arena.victim) else assets


def test_inflation__a_first_depositor_cannot_take_the_second_ones_money(ours, without):
    assert take_the_second_deposit(ours) == -50_000 * ours.unit, "the gift is lost to the attacker"
    weak = without(Defence.STORED_ASSETS, Defence.VIRTUAL_SHARES)
    assert take_the_second_deposit(weak) > 24_999 * weak.unit


def test_inflation__costs_the_second_depositor_nothing(ours, without):
    assert spoil_the_second_deposit(ours) <= 1
    weak = without(Defence.STORED_ASSETS, Defence.OFFSET)  # one virtual share is not enough
    assert spoil_the_second_deposit(weak) > 16_000 * weak.unit


def test_inflation__its_cure_locks_nobody_out(ours, without):
    """A vault that refuses deposits at a price of zero can be brought there by one unit."""
    assert lock_the_next_out(ours) == 0
    weak = without(Defence.CRUMBS)
    assert lock_the_next_out(weak) == 1_000 * weak.unit

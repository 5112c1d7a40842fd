"""6. An exit that swaps without a minimum. The vault swaps nothing, but what it draws on may pay short."""

from tests.attacks.weakened import VAULT, Patch
from tests.vault_kit import SHORT


def pay_the_victim_short(arena):
    """Victim's loss, who accepts 1 %. The strategy is made to pay half of what it is asked for just before."""
    vault = arena.open()
    strategy = arena.add()
    before = arena.holds(arena.victim)
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    strategy.setFault(SHORT, sender=arena.attacker)
    exit_ = (vault.balanceOf(arena.victim), arena.victim, arena.victim, 100)
    if arena.passes(vault.redeem, *exit_, sender=arena.victim):
        vault.redeem(*exit_, sender=arena.victim)
    return before - arena.holds(arena.victim)


def test_user_limit__no_exit_loses_more_than_its_holder_accepts(ours, without):
    assert pay_the_victim_short(ours) <= 1
    weak = without(Patch(VAULT, "if (lossBps > maxLossBps) revert LossTooHigh(lossBps, maxLossBps);"))
    assert pay_the_victim_short(weak) > 499 * weak.unit

"""6. An exit that swaps without a minimum. The vault swaps nothing, but what it draws on may pay short."""

import pytest

from tests.attacks.defences import Defence
from tests.vault_kit import SHORT


def pay_the_victim_short(arena, *accepted):
    """Victim's loss, who accepts so many bps, or what the preview says.

    The strategy is made to pay half of what it is asked for just before.
    """
    vault = arena.open()
    strategy = arena.add()
    before = arena.holds(arena.victim)
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    strategy.setFault(SHORT, sender=arena.attacker)
    exit_ = (vault.balanceOf(arena.victim), arena.victim, arena.victim, *accepted)
    if arena.passes(vault.redeem, *exit_, sender=arena.victim):
        vault.redeem(*exit_, sender=arena.victim)
    return before - arena.holds(arena.victim)


@pytest.mark.parametrize("accepted", [(), (100,)], ids=["what the preview says", "1 %"])
def test_user_limit__no_exit_loses_more_than_its_holder_accepts(ours, without, accepted):
    assert pay_the_victim_short(ours, *accepted) <= 1
    weak = without(Defence.HOLDERS_LIMIT)
    assert pay_the_victim_short(weak, *accepted) > 499 * weak.unit

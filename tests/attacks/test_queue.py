"""13. One strategy of several stops all exits, or is made to look as if it could not answer."""

import pytest

from tests.attacks.defences import Defence
from tests.vault_kit import BURNS_GAS, DAY, OVERSTATES, PAYS_SILENTLY, TAKES_SILENTLY


def stop_all_exits(arena, fault):
    """What the victim cannot get of the half in a sound strategy, while the first in the queue is at fault."""
    vault = arena.open()
    faulty, _ = arena.add(5_000), arena.add(5_000)
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    faulty.setFault(fault, sender=arena.attacker)
    exit_ = (500 * arena.unit, arena.victim, arena.victim)
    return 0 if arena.passes(vault.withdraw, *exit_, sender=arena.victim) else 500 * arena.unit


def starve_a_report(arena):
    """Loss that a report passed over. With just too little gas a sound strategy that is last to be read seems broken.

    It takes 900,000 gas to be read; what is left when it runs out, one part in 64, is enough to end the report.
    """
    vault = arena.open()
    strategy = arena.add(kind=arena.project.HeavyStrategyStandIn)
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    strategy.lose(500 * arena.unit, sender=arena.keeper)
    for gas in range(940_000, 1_000_000, 10_000):
        if arena.passes(vault.report, sender=arena.attacker, gas=gas):
            vault.report(sender=arena.attacker, gas_limit=gas)
            said = vault.totalAssets()
            arena.report()
            return said - vault.totalAssets()
    return 0


def pay_and_say_nothing(arena):
    """Assets that left the books: tokens that the strategy gave back, and the vault does not know of."""
    vault = arena.open()
    strategy = arena.add()
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    strategy.setFault(PAYS_SILENTLY, sender=arena.attacker)
    vault.setWeight(strategy, 6_000, 10, sender=arena.guardian)
    arena.wait(2 * DAY)  # a rebalance that is due passes even if it moves nothing
    vault.rebalance(sender=arena.attacker)
    return -arena.hole()


def take_and_say_nothing(arena):
    """What the vault says to hold and does not: the strategy took a deposit and answered nothing."""
    vault = arena.open()
    strategy = arena.add()
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    arena.deposit(arena.victim, 1_000 * arena.unit)
    strategy.setFault(TAKES_SILENTLY, sender=arena.attacker)
    arena.wait(2 * DAY)
    if arena.passes(vault.rebalance, sender=arena.attacker):
        vault.rebalance(sender=arena.attacker)
    return arena.hole()


@pytest.mark.parametrize(
    "fault, defence",
    [
        (OVERSTATES, Defence.PASSING_OVER),
        (BURNS_GAS, Defence.READ_GAS),
    ],
    ids=["reverts", "burns its gas"],
)
def test_queue__one_strategy_at_fault_stops_no_exit_through_another(ours, without, fault, defence):
    assert stop_all_exits(ours, fault) == 0
    weak = without(defence)
    assert stop_all_exits(weak, fault) == 500 * weak.unit


def test_low_gas__does_not_make_a_sound_strategy_look_broken(ours, without):
    assert starve_a_report(ours) == 0
    weak = without(Defence.ENOUGH_GAS)
    assert starve_a_report(weak) > 499 * weak.unit


def test_silent_strategy__what_it_pays_is_counted(ours, without):
    assert pay_and_say_nothing(ours) == 0
    weak = without(Defence.PAYMENT_COUNTED)
    assert pay_and_say_nothing(weak) > 399 * weak.unit


def test_silent_strategy__what_it_takes_is_undone(ours, without):
    assert take_and_say_nothing(ours) == 0
    weak = without(Defence.TAKING_COUNTED)
    assert take_and_say_nothing(weak) == 1_000 * weak.unit

"""5. The vault's size is borrowed for one transaction, and what is done in it follows from that size."""

from tests.attacks.defences import Defence
from tests.vault_kit import DAY


def push_all_into_one_strategy(arena):
    """What the victim has in the smallest strategy beyond its tenth.

    Deposit borrowed assets, rebalance, leave through the first in the queue: the last then holds all that is left.
    """
    vault = arena.open()
    arena.add(9_000, band_bps=100)
    small = arena.add(1_000, band_bps=100)
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    trip = arena.owner.deploy(arena.project.RoundTripStandIn)
    arena.token.mint(trip, 9_000 * arena.unit, sender=arena.owner)
    trip.run(vault, 9_000 * arena.unit, sender=arena.attacker)
    assert arena.token.balanceOf(trip) == 9_000 * arena.unit, "it can be given back"
    return vault.strategy(small).debt - 100 * arena.unit


def have_a_report_made(arena):
    """Profit booked in the middle of the loan."""
    vault = arena.open()
    strategy = arena.add()
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    arena.wait(DAY // 2)
    strategy.earn(10 * arena.unit, sender=arena.keeper)
    trip = arena.owner.deploy(arena.project.RoundTripStandIn)
    arena.token.mint(trip, 9_000 * arena.unit, sender=arena.owner)
    trip.run(vault, 9_000 * arena.unit, sender=arena.attacker)
    return vault.lockedProfit()


def take_the_strategies_away(arena):
    """What is no longer at work for the victim. In with idle assets, out in kind with most of the strategy."""
    vault = arena.open()
    arena.add()
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    intruder = arena.hire(9_000 * arena.unit)
    shares = vault.previewDeposit(9_000 * arena.unit)
    trip = [
        (vault, vault.deposit.encode_input(9_000 * arena.unit, intruder)),
        (vault, vault.redeemInKind.encode_input(shares, intruder, intruder, 10_000)),
    ]
    if arena.passes(intruder.run, trip, contract=intruder, sender=arena.attacker):
        intruder.run(trip, sender=arena.attacker)
    return 1_000 * arena.unit - vault.totalDebt()


def test_flash_deposit__cannot_push_all_into_one_strategy(ours, without):
    assert push_all_into_one_strategy(ours) == 0
    weak = without(Defence.NOTHING_AFTER_ENTRY)
    assert push_all_into_one_strategy(weak) > 899 * weak.unit


def test_flash_deposit__cannot_have_a_report_made(ours, without):
    assert have_a_report_made(ours) == 0
    weak = without(Defence.NOTHING_AFTER_ENTRY)
    assert have_a_report_made(weak) > 8 * weak.unit


def test_flash_deposit__cannot_take_the_strategies_away(ours, without):
    assert take_the_strategies_away(ours) == 0
    weak = without(Defence.NOTHING_AFTER_ENTRY)
    assert take_the_strategies_away(weak) > 899 * weak.unit

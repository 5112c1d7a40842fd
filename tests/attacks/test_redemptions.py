"""13. Who waits for assets is robbed of them, or kept waiting by requests that are worth nothing."""

import pytest

from tests.attacks.defences import Defence


def line_of(arena):
    """The vault's queue of requests."""
    return arena.project.Redemptions.at(arena.vault.redemptions())


def request(arena, who, shares):
    line = line_of(arena)
    arena.vault.approve(line, shares, sender=who)
    line.requestRedeem(shares, who, who, sender=who)
    return line


def take_what_others_wait_for(arena, way):
    """What the victim does not get of 100 that came in while the victim waits for 100."""
    vault = arena.open()
    strategy = arena.add()
    arena.deposit(arena.victim, 100 * arena.unit)
    arena.deposit(arena.attacker, 900 * arena.unit)
    arena.rebalance()
    strategy.setFreeable(0, sender=arena.keeper)
    line = request(arena, arena.victim, vault.balanceOf(arena.victim))
    arena.deposit(arena.other, 100 * arena.unit)
    attacker = arena.attacker
    call, *arguments = {
        "exit": (vault.withdraw, 100 * arena.unit, attacker, attacker),
        "exit in kind": (vault.redeemInKind, vault.balanceOf(attacker), attacker, attacker, 10_000),
        "rebalance": (vault.rebalance,),
    }[way]
    if arena.passes(call, *arguments, sender=attacker):
        call(*arguments, sender=attacker)
    if arena.passes(line.fulfil, contract=line, sender=arena.keeper):
        line.fulfil(sender=arena.keeper)
    return 100 * arena.unit - line.maxWithdraw(arena.victim)


def wait_with_a_crumb(arena):
    """Shares that nobody can redeem: one, worth nothing. While it waits, each exit must look at all strategies."""
    vault = arena.open()
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.deposit(arena.attacker, 1)
    assert vault.previewRedeem(1) == 0
    line = request(arena, arena.attacker, 1)
    if arena.passes(line.fulfil, contract=line, sender=arena.keeper):
        line.fulfil(sender=arena.keeper)
    return line.waiting()


def fill_the_list_with_dust(arena):
    """What the victim cannot claim in one call, behind 64 requests of one share that somebody has made."""
    vault = arena.open()
    arena.deposit(arena.victim, 1_000 * arena.unit)
    line = line_of(arena)
    intruder = arena.hire(arena.unit)
    trip = [
        (vault, vault.deposit.encode_input(arena.unit, intruder)),
        (vault, vault.approve.encode_input(line, 2**256 - 1)),
    ]
    for _ in range(64):
        # one of its own in between, so that they do not become one
        trip += [(line, line.requestRedeem.encode_input(1, who, intruder)) for who in (arena.victim, intruder)]
    if arena.passes(intruder.run, trip, contract=intruder, sender=arena.attacker):
        intruder.run(trip, sender=arena.attacker)
    request(arena, arena.victim, vault.balanceOf(arena.victim))
    line.fulfil(sender=arena.keeper)
    return 1_000 * arena.unit - line.maxWithdraw(arena.victim)


@pytest.mark.parametrize("way", ["exit", "exit in kind", "rebalance"])
def test_waiting__nobody_takes_what_a_request_waits_for(ours, without, way):
    assert take_what_others_wait_for(ours, way) <= 1
    weak = without(Defence.WAITING)
    assert take_what_others_wait_for(weak, way) > 80 * weak.unit


def test_waiting__a_crumb_does_not_wait_for_ever(ours, without):
    assert wait_with_a_crumb(ours) == 0
    weak = without(Defence.CRUMBS_GO)
    assert wait_with_a_crumb(weak) == 1


def test_waiting__a_stranger_cannot_fill_the_list_of_somebody(ours, without):
    assert fill_the_list_with_dust(ours) <= 1
    weak = without(Defence.CONTROLLER)
    assert fill_the_list_with_dust(weak) > 999 * weak.unit

"""5. A loss is left to those who stay: by leaving before it is booked, or by making others bear what leaving costs."""

from tests.attacks.defences import Defence
from tests.vault_kit import REVERTS, SHORT


def leave_through_a_strategy_in_loss(arena):
    """What the attacker got over a fair half of what is left."""
    arena.open()
    strategy = arena.add()
    arena.deposit(arena.victim, 1_000 * arena.unit)
    before = arena.token.balanceOf(arena.attacker)
    arena.deposit(arena.attacker, 1_000 * arena.unit)
    arena.rebalance()
    strategy.lose(1_000 * arena.unit, sender=arena.keeper)
    arena.leave(arena.attacker)
    return arena.token.balanceOf(arena.attacker) - before + 500 * arena.unit


def run_for_the_door(arena):
    """What the first of three equal holders got more than the last, after half was lost."""
    arena.open()
    strategy = arena.add()
    holders = (arena.attacker, arena.other, arena.victim)
    before = [arena.token.balanceOf(holder) for holder in holders]
    for holder in holders:
        arena.deposit(holder, 1_000 * arena.unit)
    arena.rebalance()
    strategy.lose(1_500 * arena.unit, sender=arena.keeper)
    for holder in holders:
        arena.leave(holder)
    first, _, last = (arena.token.balanceOf(holder) - had for holder, had in zip(holders, before, strict=True))
    return first - last


def leave_out_of_idle_assets(arena):
    """As the first, but no strategy need be touched: half of the assets are idle, and the volatile half is lost."""
    arena.open()
    strategy = arena.add(5_000, volatile=True)
    arena.deposit(arena.victim, 1_000 * arena.unit)
    before = arena.token.balanceOf(arena.attacker)
    arena.deposit(arena.attacker, 1_000 * arena.unit)
    arena.rebalance()
    strategy.lose(1_000 * arena.unit, sender=arena.keeper)
    arena.leave(arena.attacker)
    return arena.token.balanceOf(arena.attacker) - before + 500 * arena.unit


def leave_while_it_cannot_be_read(arena):
    """As before, but the strategy does not answer: to who leaves now it may be worth nothing, and is."""
    arena.open()
    strategy = arena.add(5_000, volatile=True)
    arena.deposit(arena.victim, 1_000 * arena.unit)
    before = arena.token.balanceOf(arena.attacker)
    arena.deposit(arena.attacker, 1_000 * arena.unit)
    arena.rebalance()
    strategy.setFault(REVERTS, sender=arena.attacker)
    arena.leave(arena.attacker)
    return arena.token.balanceOf(arena.attacker) - before + 500 * arena.unit


def push_the_cost_of_leaving_on_others(arena):
    """Victim's loss. The first strategy pays half of what it is asked for, and takes shares for all."""
    arena.open()
    short, _ = arena.add(5_000), arena.add(5_000)
    before = arena.holds(arena.victim)
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.deposit(arena.attacker, 1_000 * arena.unit)
    arena.rebalance()
    short.setFault(SHORT, sender=arena.attacker)
    arena.leave(arena.attacker, 10_000)
    return before - arena.holds(arena.victim)


def let_what_stays_pay(arena):
    """Victim's loss. What is sold for an exit moves the price of what is not: the strategy loses 50 beside it."""
    arena.open()
    strategy = arena.add(volatile=True)
    before = arena.holds(arena.victim)
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.deposit(arena.attacker, 1_000 * arena.unit)
    arena.rebalance()
    strategy.setCallback(strategy, strategy.lose.encode_input(50 * arena.unit), sender=arena.attacker)
    arena.leave(arena.attacker, 10_000)
    return before - arena.holds(arena.victim)


def test_loss_dodging__a_strategy_in_loss_takes_its_part_from_who_leaves_through_it(ours, without):
    assert leave_through_a_strategy_in_loss(ours) <= 0
    weak = without(Defence.LOSS_BOOKED_WHEN_DRAWN)
    assert leave_through_a_strategy_in_loss(weak) > 499 * weak.unit


def test_loss_dodging__the_last_one_out_gets_what_the_first_got(ours, without):
    assert run_for_the_door(ours) <= 0
    weak = without(Defence.LOSS_BOOKED_WHEN_DRAWN)
    assert run_for_the_door(weak) > 999 * weak.unit


def test_loss_dodging__idle_assets_are_no_way_round_a_volatile_loss(ours, without):
    assert leave_out_of_idle_assets(ours) <= 0
    weak = without(Defence.LIVE_EXIT)
    assert leave_out_of_idle_assets(weak) > 499 * weak.unit


def test_loss_dodging__silence_of_a_volatile_strategy_is_no_way_round_its_loss(ours, without):
    assert leave_while_it_cannot_be_read(ours) <= 0
    weak = without(Defence.SILENCE_COUNTS)
    assert leave_while_it_cannot_be_read(weak) > 499 * weak.unit


def test_loss_dodging__what_leaving_costs_the_leaver_bears(ours, without):
    assert push_the_cost_of_leaving_on_others(ours) <= 1
    weak = without(Defence.LEAVER_BEARS)
    assert push_the_cost_of_leaving_on_others(weak) > 249 * weak.unit


def test_loss_dodging__what_leaving_costs_the_shares_that_stay_the_leaver_bears(ours, without):
    assert let_what_stays_pay(ours) <= 1
    weak = without(Defence.STAYING_SHARES_READ)
    assert let_what_stays_pay(weak) > 49 * weak.unit

"""4. A share is bought or sold at a price that does not know what has happened. 15. Harvest: at a pushed price."""

from ballast import properties as P
from tests.attacks.defences import Defence
from tests.vault_kit import DAY


def buy_just_before_a_report(arena):
    """Attacker's gain. In with a hundred times the vault, have the profit reported, out."""
    vault = arena.open()
    strategy = arena.add()
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    arena.wait(5 * DAY)
    strategy.earn(50 * arena.unit, sender=arena.keeper)
    before = arena.token.balanceOf(arena.attacker)
    arena.deposit(arena.attacker, 100_000 * arena.unit)
    vault.report(sender=arena.attacker)
    arena.leave(arena.attacker)
    return arena.token.balanceOf(arena.attacker) - before


def buy_a_known_gain(arena):
    """Attacker's gain. A volatile strategy has jumped; in at the old mark, and wait for report and unlocking."""
    arena.open()
    strategy = arena.add(volatile=True)
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    arena.wait(30 * DAY)
    strategy.earn(500 * arena.unit, sender=arena.keeper)
    before = arena.token.balanceOf(arena.attacker)
    arena.deposit(arena.attacker, 1_000 * arena.unit)
    arena.report()
    arena.wait(30 * DAY)
    arena.leave(arena.attacker)
    return arena.token.balanceOf(arena.attacker) - before


def buy_at_a_pushed_price(arena):
    """Attacker's gain. Harvest: push the pool under the strategy, deposit at the low mark, let go, leave."""
    arena.open()
    strategy = arena.add(volatile=True)
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    before = arena.token.balanceOf(arena.attacker)
    strategy.lose(500 * arena.unit, sender=arena.attacker)  # the pool is pushed ...
    arena.deposit(arena.attacker, 1_000 * arena.unit)
    strategy.earn(500 * arena.unit, sender=arena.attacker)  # ... and let go
    arena.leave(arena.attacker)
    return arena.token.balanceOf(arena.attacker) - before


def buy_after_booking_a_pushed_price(arena):
    """Attacker's gain, in one transaction: push the pool down, have the loss booked, deposit, let go; and wait."""
    vault = arena.open()
    strategy = arena.add(volatile=True)
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    intruder = arena.hire(1_000 * arena.unit)
    trip = [
        (strategy, strategy.lose.encode_input(500 * arena.unit)),
        (vault, vault.report.encode_input()),
        (vault, vault.deposit.encode_input(1_000 * arena.unit, intruder)),
        (strategy, strategy.earn.encode_input(500 * arena.unit)),
    ]
    if arena.passes(intruder.run, trip, contract=intruder, sender=arena.attacker):
        intruder.run(trip, sender=arena.attacker)
    arena.wait(60 * DAY)
    arena.report()
    arena.wait(20 * DAY)
    return arena.holds(intruder) - 1_000 * arena.unit


def leave_with_the_premium(arena):
    """Attacker's gain. A volatile strategy has doubled, unreported; somebody pays that, the attacker leaves."""
    arena.open()
    strategy = arena.add(volatile=True)
    before = arena.token.balanceOf(arena.attacker)
    arena.deposit(arena.attacker, 1_000 * arena.unit)
    arena.rebalance()
    strategy.earn(1_000 * arena.unit, sender=arena.attacker)
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.leave(arena.attacker)
    return arena.token.balanceOf(arena.attacker) - before


def sell_at_a_pushed_price(arena):
    """Attacker's gain. The other way round: push the pool up, leave at the high mark, let go."""
    arena.open()
    strategy = arena.add(5_000, volatile=True)
    before = arena.token.balanceOf(arena.attacker)
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.deposit(arena.attacker, 1_000 * arena.unit)
    arena.rebalance()
    strategy.earn(1_000 * arena.unit, sender=arena.attacker)
    arena.leave(arena.attacker)
    strategy.lose(1_000 * arena.unit, sender=arena.attacker)
    return arena.token.balanceOf(arena.attacker) - before


def have_the_winner_reported(arena):
    """Attacker's gain. One strategy has won what the other has lost; report, and leave through the winner."""
    vault = arena.open()
    winner, loser = arena.add(5_000), arena.add(5_000)
    before = arena.token.balanceOf(arena.attacker)
    arena.deposit(arena.victim, 500 * arena.unit)
    arena.deposit(arena.attacker, 500 * arena.unit)
    arena.rebalance()
    arena.wait(5 * DAY)
    winner.earn(50 * arena.unit, sender=arena.keeper)
    loser.lose(50 * arena.unit, sender=arena.keeper)
    vault.report(sender=arena.attacker)
    arena.wait(11 * DAY)
    arena.leave(arena.attacker)
    return arena.token.balanceOf(arena.attacker) - before


def test_just_in_time__a_deposit_before_a_report_gains_nothing(ours, without):
    # a few seconds of a profit that unlocks over ten days
    assert buy_just_before_a_report(ours) <= 50 * ours.unit * 5 // (10 * DAY), P.VAULT_ROUND_TRIP
    weak = without(Defence.UNLOCKING)
    assert buy_just_before_a_report(weak) > 49 * weak.unit


def test_stale_price__a_known_gain_of_a_volatile_strategy_is_paid_for(ours, without):
    assert buy_a_known_gain(ours) <= 0
    weak = without(Defence.LIVE_ENTRY)
    assert buy_a_known_gain(weak) > 249 * weak.unit


def test_pushed_price__buys_no_share_below_the_stored_value(ours, without):
    assert buy_at_a_pushed_price(ours) <= 0
    weak = without(Defence.ENTRY_AT_HIGHER)
    assert buy_at_a_pushed_price(weak) > 333 * weak.unit


def test_pushed_price__sells_no_share_above_the_stored_value(ours, without):
    assert sell_at_a_pushed_price(ours) <= 0
    weak = without(Defence.EXIT_AT_LOWER)
    assert sell_at_a_pushed_price(weak) > 499 * weak.unit


def test_report__of_winners_alone_cannot_be_had(ours, without):
    assert have_the_winner_reported(ours) <= 0
    weak = without(Defence.WHOLE_REPORT)
    assert have_the_winner_reported(weak) > 24 * weak.unit


def test_pushed_price__cannot_be_booked_and_bought_at_in_one_transaction(ours, without):
    assert buy_after_booking_a_pushed_price(ours) == 0
    weak = without(Defence.NO_ENTRY_AFTER_MARK)
    assert buy_after_booking_a_pushed_price(weak) > 333 * weak.unit


def test_premium__of_who_enters_is_not_there_to_be_taken_at_once(ours, without):
    # a few seconds of what unlocks over ten days
    assert leave_with_the_premium(ours) <= 1_000 * ours.unit * 5 // (10 * DAY)
    weak = without(Defence.PREMIUM_KEPT)
    assert leave_with_the_premium(weak) > 333 * weak.unit

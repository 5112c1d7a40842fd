"""4. A share is bought or sold at a price that does not know what has happened. 15. Harvest: at a pushed price."""

from ballast import properties as P
from tests.attacks import removed
from tests.attacks.weakened import BOOKS, VAULT, Patch
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
    weak = without(*removed.UNLOCKING)
    assert buy_just_before_a_report(weak) > 49 * weak.unit


def test_stale_price__a_known_gain_of_a_volatile_strategy_is_paid_for(ours, without):
    assert buy_a_known_gain(ours) <= 0
    weak = without(Patch(VAULT, "if (_lock.volatiles == 0) return (supply, net);", "return (supply, net);"))
    assert buy_a_known_gain(weak) > 249 * weak.unit


def test_pushed_price__buys_no_share_below_the_stored_value(ours, without):
    assert buy_at_a_pushed_price(ours) <= 0
    weak = without(Patch(VAULT, "net += value.zeroFloorSub(s.debt);", "net = net + value - s.debt;"))
    assert buy_at_a_pushed_price(weak) > 333 * weak.unit


def test_pushed_price__sells_no_share_above_the_stored_value(ours, without):
    assert sell_at_a_pushed_price(ours) <= 0
    marks_up = Patch(
        BOOKS,
        "        if (value < debt) _bookStrategyLoss(strategy_, s, debt - value);",
        """        if (value < debt) {
            _bookStrategyLoss(strategy_, s, debt - value);
        } else {
            s.debt = uint128(value);
            _setTotalDebt(_debt.total + value - debt);
            _setLedger(_ledger.shares, _ledger.assets + value - debt);
        }""",
    )
    weak = without(marks_up)
    assert sell_at_a_pushed_price(weak) > 499 * weak.unit


def test_report__of_winners_alone_cannot_be_had(ours, without):
    assert have_the_winner_reported(ours) <= 0
    weak = without(
        Patch(
            BOOKS,
            """            if (!readable) {
                emit StrategySkipped(strategy_);
            } else if (value < debt) {""",
            """            if (!readable || value < debt) {
                emit StrategySkipped(strategy_);
            } else if (false) {""",
        )
    )
    assert have_the_winner_reported(weak) > 24 * weak.unit

"""What a rebalance moves, what it undoes, and what must be booked before."""

import pytest

from ballast.fuzz.world import GUARDIAN, KEEPER, OWNER
from tests.revm_kit import FIRST, Stage, refused, stage
from tests.vault_kit import CHARGES_ENTRY, DAY, TAKES_HALF, UNLIMITED

__all__ = ["stage"]


def at_work(stage, *targets):
    """Put 1,000 tokens to work."""
    strategies = [stage.add(target) for target in targets]
    stage.deposit(FIRST, 1_000)
    stage.rebalance()
    return strategies


@pytest.mark.parametrize(
    ("already", "gain"),
    [(0, 0), (1_000, 0), (1_000, 600)],
    ids=["an empty one", "one with assets", "one with a gain that is not booked"],
)
def test_move__into_a_strategy_that_takes_less_than_it_was_given_is_undone(stage, already, gain):
    strategy = stage.add()
    if already:
        stage.deposit(FIRST, already)
        stage.rebalance()
    strategy.earn(gain * stage.unit, sender=KEEPER)
    strategy.setFault(TAKES_HALF, sender=KEEPER)
    stage.deposit(FIRST, 1_000)
    error = refused(stage.vault.rebalance, sender=KEEPER)
    assert (error.name, error.values) == ("UnexpectedTransfer", (1_000 * stage.unit, 500 * stage.unit))
    assert stage.token.balanceOf(stage.vault.address) == stage.vault.idle() == 1_000 * stage.unit
    assert stage.token.allowance(stage.vault.address, strategy.address) == 0


def test_move__that_is_undone_stops_no_other(stage):
    thief, sound = stage.add(5_000), stage.add(5_000)
    thief.setFault(TAKES_HALF, sender=KEEPER)
    stage.deposit(FIRST, 1_000)
    stage.rebalance()
    assert (stage.debt(thief), stage.debt(sound)) == (0, 500 * stage.unit)
    assert stage.token.balanceOf(stage.vault.address) == stage.vault.idle() == 500 * stage.unit
    assert stage.token.allowance(stage.vault.address, thief.address) == 0


def test_move__that_is_undone_does_not_undo_the_report_that_was_due(stage):
    (strategy,) = at_work(stage, 10_000)
    strategy.earn(1 * stage.unit, sender=KEEPER)
    strategy.setFault(TAKES_HALF, sender=KEEPER)
    stage.deposit(FIRST, 1_000)
    stage.chain.wait(2 * DAY)
    stage.rebalance()
    assert stage.vault.idle() == 1_000 * stage.unit
    assert stage.debt(strategy) == pytest.approx(1_001 * stage.unit, abs=1)


@pytest.mark.parametrize("already", [0, 1_000], ids=["into an empty one", "into one with assets"])
def test_move__that_costs_what_the_budget_allows_is_booked(already):
    stage = Stage(terms={"lossBudgetBps": 10_000})
    strategy = stage.add()
    if already:
        stage.deposit(FIRST, already)
        stage.rebalance()
    strategy.setFault(CHARGES_ENTRY, sender=KEEPER)
    stage.deposit(FIRST, 1_000)
    stage.rebalance()
    total = already + 1_000
    lost = 10  # 1 % of what went in
    assert stage.debt(strategy) == pytest.approx((total - lost) * stage.unit, abs=1)
    assert stage.vault.lossBudget()[2] == pytest.approx(10**18 // 2 - lost * 10**18 // total, rel=1e-6)


@pytest.mark.parametrize("how", ["cap", "share of the vault", "target", "risk"])
def test_recall__books_the_losses_of_others_before_the_profit_of_what_comes_home(how):
    """What comes home whole brings its profit: a fee is due on what a loss elsewhere leaves of it."""
    stage = Stage(terms={"performanceFeeBps": 5_000})
    vault = stage.vault
    winner, loser = at_work(stage, 5_000, 5_000)
    vault.setRiskCap(b"R" * 32, UNLIMITED, 10_000, sender=OWNER)
    vault.setRisks(winner.address, [b"R" * 32], sender=OWNER)
    stage.chain.wait(DAY // 2)
    winner.earn(100 * stage.unit, sender=KEEPER)
    loser.lose(100 * stage.unit, sender=KEEPER)
    recall = {
        "cap": lambda: vault.setCap(winner.address, 0, 10_000, sender=GUARDIAN),
        "share of the vault": lambda: vault.setCap(winner.address, UNLIMITED, 0, sender=GUARDIAN),
        "target": lambda: vault.setWeight(winner.address, 0, 1, sender=GUARDIAN),
        "risk": lambda: vault.setRiskCap(b"R" * 32, 0, 10_000, sender=GUARDIAN),
    }
    recall[how]()
    stage.rebalance()
    assert stage.debt(winner) == 0
    assert vault.totalSupply() == vault.balanceOf(FIRST), "a fee on a profit that a loss has eaten"

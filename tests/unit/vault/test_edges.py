"""Edges that a change of one operator in the vault's code has shown to be untested; found by `make mutate`."""

import pytest

from ballast import compiled
from ballast.fuzz.world import GUARDIAN, KEEPER, OWNER
from tests.revm_kit import FIRST, SECOND, Stage, refused, stage
from tests.vault_kit import DAY, NOBODY

__all__ = ["stage"]


def test_exit__does_not_ask_a_smooth_strategy_what_stays_is_worth(stage):
    """What a withdrawal does to the rest of a smooth strategy is for the next report, and for all holders."""
    strategy = stage.add()
    for holder in (FIRST, SECOND):
        stage.deposit(holder, 500)
    stage.rebalance()
    strategy.setCallback(strategy.address, strategy.lose.data(50 * stage.unit), sender=KEEPER)
    shares = stage.vault.balanceOf(FIRST) // 5
    assert stage.vault.redeem(shares, FIRST, FIRST, sender=FIRST) == 100 * stage.unit
    assert stage.vault.totalAssets() == 900 * stage.unit
    strategy.setCallback(NOBODY, b"", sender=KEEPER)
    stage.vault.report(sender=KEEPER)
    assert stage.vault.deficit() == 50 * stage.unit


def half_at_risk(stage):
    """Two holders of 500; half of all in a volatile strategy."""
    strategy = stage.add(5_000, volatile=True)
    for holder in (FIRST, SECOND):
        stage.deposit(holder, 500)
    stage.rebalance()
    return strategy


@pytest.mark.parametrize("way", ["shutdown", "revoke", "pauseDeposits", "limit", "gate", "other removed"])
def test_volatile_vault__stays_one_whatever_is_done_to_it(stage, way):
    """Who leaves out of idle assets bears a loss that nobody has reported, after a shutdown too."""
    strategy = half_at_risk(stage)
    match way:
        case "shutdown" | "pauseDeposits":
            getattr(stage.vault, way)(sender=GUARDIAN)
        case "revoke":
            strategy.setFreeable(0, sender=KEEPER)
            stage.vault.revoke(strategy.address, sender=GUARDIAN)
        case "limit":
            stage.vault.setDepositLimit(7, sender=OWNER)
        case "gate":
            stage.vault.setGate(OWNER, sender=OWNER)
        case "other removed":
            other = stage.add(0)
            stage.vault.removeStrategy(other.address, 0, sender=OWNER)
    strategy.lose(200 * stage.unit, sender=KEEPER)
    assert stage.vault.redeem(stage.vault.balanceOf(FIRST), FIRST, FIRST, sender=FIRST) == 400 * stage.unit


def test_removal__opens_no_door(stage):
    """A vault that is paused, gated and limited is so without the strategy that was removed."""
    vault, strategy = stage.vault, stage.add(5_000, volatile=True)
    stage.deposit(FIRST, 10)
    gate = stage.make("GateStandIn")
    vault.setGate(gate.address, sender=OWNER)
    vault.setDepositLimit(12 * stage.unit, sender=OWNER)
    vault.pauseDeposits(sender=GUARDIAN)
    vault.removeStrategy(strategy.address, 0, sender=OWNER)
    assert vault.paused()
    assert refused(vault.deposit, 1, FIRST, sender=FIRST).name == "DepositExceedsMax"
    vault.unpauseDeposits(sender=OWNER)
    assert refused(vault.deposit, 1, FIRST, sender=FIRST).name == "NotAdmitted"
    gate.admit(FIRST, sender=OWNER)
    assert refused(vault.deposit, 2 * stage.unit + 1, FIRST, sender=FIRST).name == "DepositExceedsMax"
    vault.deposit(2 * stage.unit, FIRST, sender=FIRST)


@pytest.mark.parametrize(("more", "sooner"), [(0, False), (1, True)])
def test_lock__of_the_few_is_for_a_vault_that_more_than_doubles(more, sooner):
    """50 on 100, at a cap of 100 % a year: half a year to unlock. For twice as much and a unit, a quarter."""
    compiled.ensure()
    stage = Stage(terms={"growthCapBps": 10_000})
    strategy = stage.add()
    stage.deposit(FIRST, 100)
    stage.rebalance()
    stage.chain.wait(365 * DAY)
    strategy.earn(50 * stage.unit, sender=KEEPER)
    stage.vault.report(sender=KEEPER)
    before = stage.vault.unlockedAt()
    assert before - stage.chain.now == pytest.approx(365 * DAY / 2, rel=1e-6)
    stage.vault.deposit(stage.vault.totalAssets() + more, SECOND, sender=SECOND)
    after = stage.vault.unlockedAt()
    assert after == before if not sooner else after - stage.chain.now == pytest.approx(365 * DAY / 4, rel=1e-6)

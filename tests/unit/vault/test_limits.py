"""What a strategy, a risk, a move and a depositor may: relative caps, risks, the loss budget, the gate, slippage."""

import pytest
from ape import reverts

from ballast import properties as P
from tests.vault_kit import CHARGES_ENTRY, DAY, NOBODY, SHORT, UNIT, UNLIMITED, price_ray

PROTOCOL, ORACLE = (name.encode().ljust(32, b"\0") for name in ("protocol", "oracle"))


@pytest.fixture
def two(make_strategy, vault):
    return make_strategy(vault, 5_000, band_bps=100), make_strategy(vault, 4_000, band_bps=100)


@pytest.fixture
def invested(vault, two, depositor):
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)


def debts(vault, strategies):
    return [vault.strategy(strategy).debt for strategy in strategies]


def reading(vault, name):
    return next(r for r in vault.readings() if r.name.rstrip(b"\0").decode() == name)


def test_relative_cap__bounds_what_a_strategy_gets(vault, two, invested, guardian, keeper):
    vault.setCap(two[0], UNLIMITED, 3_000, sender=guardian)
    vault.rebalance(sender=keeper)
    assert debts(vault, two) == [300 * UNIT, 400 * UNIT], P.VAULT_CAPS
    assert reading(vault, "weight.0").upper == 3 * 10**17


def test_relative_cap__lowered_brings_the_rest_home(vault, two, invested, guardian, keeper):
    vault.rebalance(sender=keeper)
    vault.setCap(two[0], UNLIMITED, 1_000, sender=guardian)
    vault.rebalance(sender=keeper)
    assert debts(vault, two) == [100 * UNIT, 400 * UNIT]


def test_relative_cap__only_the_owner_raises_it(vault, two, guardian, owner):
    vault.setCap(two[0], UNLIMITED, 3_000, sender=guardian)
    with reverts(vault.Unauthorized):
        vault.setCap(two[0], UNLIMITED, 3_001, sender=guardian)
    vault.setCap(two[0], UNLIMITED, 3_001, sender=owner)
    with reverts(vault.OverLimit, value=10_001, limit=10_000):
        vault.setCap(two[0], UNLIMITED, 10_001, sender=owner)


@pytest.fixture
def shared_risk(vault, two, owner):
    """Both strategies stand on one protocol; the second has an oracle besides."""
    vault.setRiskCap(PROTOCOL, UNLIMITED, 10_000, sender=owner)
    vault.setRiskCap(ORACLE, UNLIMITED, 10_000, sender=owner)
    vault.setRisks(two[0], [PROTOCOL], sender=owner)
    vault.setRisks(two[1], [ORACLE, PROTOCOL], sender=owner)


def test_risk__bounds_the_strategies_that_bear_it_together(vault, two, shared_risk, invested, guardian, keeper):
    vault.setRiskCap(PROTOCOL, UNLIMITED, 7_000, sender=guardian)
    vault.rebalance(sender=keeper)
    assert debts(vault, two) == [500 * UNIT, 200 * UNIT], P.VAULT_CAPS
    assert reading(vault, "risk.00").value == reading(vault, "risk.00").target == 7 * 10**17
    vault.setRiskCap(ORACLE, 50 * UNIT, 10_000, sender=guardian)
    vault.rebalance(sender=keeper)
    assert debts(vault, two) == [500 * UNIT, 50 * UNIT]


def test_risk__over_its_cap_is_out_of_band_for_anyone_to_mend(
    vault, two, shared_risk, invested, guardian, keeper, attacker
):
    vault.rebalance(sender=keeper)
    with reverts(vault.InBand):
        vault.rebalance(sender=attacker)
    # within every strategy's own band, over the cap they share
    vault.setRiskCap(PROTOCOL, UNLIMITED, 8_950, sender=guardian)
    assert reading(vault, "risk.00").value > reading(vault, "risk.00").upper
    vault.rebalance(sender=attacker)
    assert sum(debts(vault, two)) == 895 * UNIT


def test_risk__room_taken_by_one_that_is_stuck_is_not_given_to_another(
    vault, two, shared_risk, invested, depositor, curator, guardian, keeper
):
    vault.rebalance(sender=keeper)
    two[0].setFreeable(0, sender=keeper)
    vault.setWeight(two[0], 1_000, 100, sender=curator)  # 400 more than it should have, and they do not come
    vault.setWeight(two[1], 7_000, 100, sender=curator)
    vault.setRiskCap(PROTOCOL, UNLIMITED, 9_500, sender=guardian)
    vault.rebalance(sender=keeper)
    assert debts(vault, two) == [500 * UNIT, 450 * UNIT], P.VAULT_CAPS


def test_risk__only_the_owner_names_raises_and_assigns(vault, two, shared_risk, guardian, curator, owner):
    new = b"new".ljust(32, b"\0")
    for sender in (guardian, curator):
        with reverts(vault.Unauthorized):
            vault.setRiskCap(new, 0, 0, sender=sender)
        with reverts(vault.Unauthorized):
            vault.setRisks(two[0], [], sender=sender)
    vault.setRiskCap(PROTOCOL, 5, 10_000, sender=guardian)
    with reverts(vault.Unauthorized):
        vault.setRiskCap(PROTOCOL, 6, 10_000, sender=guardian)
    with reverts(vault.UnknownRisk, risk=new):
        vault.setRisks(two[0], [new], sender=owner)
    vault.setRisks(two[1], [PROTOCOL], sender=owner)
    assert [vault.strategy(s).risks for s in two] == [1, 1]


def test_risks__are_sixteen_at_most(vault, owner):
    for number in range(16):
        vault.setRiskCap(bytes([number + 1]) + bytes(31), 1, 1, sender=owner)
    with reverts(vault.OverLimit, value=17, limit=16):
        vault.setRiskCap(bytes([17]) + bytes(31), 1, 1, sender=owner)
    vault.setRiskCap(bytes([16]) + bytes(31), 2, 1, sender=owner)
    names = [r.name.rstrip(b"\0").decode() for r in vault.readings()]
    assert names[-16:] == [f"risk.{number:02}" for number in range(16)]


def test_loss_budget__bounds_what_a_move_may_cost(vault, two, invested, owner, guardian, keeper):
    """Half of the budget is there at once."""
    vault.setLossBudget(60, DAY, sender=guardian)  # 0.6 %: 0.3 % at once
    two[1].setFault(CHARGES_ENTRY, sender=keeper)  # 1 % of 40 %
    vault.rebalance(sender=keeper)
    assert debts(vault, two) == [500 * UNIT, 0], "passed over, and the other served"
    vault.setLossBudget(100, DAY, sender=owner)
    price = price_ray(vault)
    vault.rebalance(sender=keeper)
    # an ERC-4626 with virtual shares gives part of a fee on itself back to who paid it
    lost = 400 * UNIT - vault.strategy(two[1]).debt
    assert 3 * UNIT < lost <= 4 * UNIT
    assert vault.deficit() == lost, "what a move costs is booked"
    assert price_ray(vault) < price
    assert vault.lossBudget().availableWad == pytest.approx(5 * 10**15 - lost * 10**18 // (1_000 * UNIT), abs=10**11)


def test_loss_budget__comes_back_over_the_window(vault, two, invested, owner, keeper, wait):
    two[1].setFault(CHARGES_ENTRY, sender=keeper)
    vault.rebalance(sender=keeper)
    spent = 5 * 10**15 - vault.lossBudget().availableWad
    assert spent > 3 * 10**15, P.VAULT_BUDGET
    wait(DAY // 4)
    assert vault.lossBudget().availableWad == pytest.approx(5 * 10**15 - spent + 5 * 10**15 // 4, rel=1e-3)
    wait(DAY)
    assert vault.lossBudget().availableWad == 5 * 10**15


def test_loss_budget__a_move_that_would_lose_too_much_is_undone(vault, two, invested, guardian, keeper):
    vault.rebalance(sender=keeper)
    two[0].setFault(SHORT, sender=keeper)
    vault.setCap(two[0], UNLIMITED, 3_000, sender=guardian)
    with reverts(vault.NotCloser):
        vault.rebalance(sender=keeper)
    assert debts(vault, two) == [500 * UNIT, 400 * UNIT]


def test_loss_budget__tightening_is_instant_and_loosening_the_owners(vault, guardian, owner):
    vault.setLossBudget(50, 2 * DAY, sender=guardian)
    for budget in ((51, 2 * DAY), (50, 2 * DAY - 1)):
        with reverts(vault.Unauthorized):
            vault.setLossBudget(*budget, sender=guardian)
        vault.setLossBudget(*budget, sender=owner)
        vault.setLossBudget(50, 2 * DAY, sender=guardian)
    with reverts(vault.UnderLimit):
        vault.setLossBudget(50, 3_599, sender=owner)
    with reverts(vault.OverLimit):
        vault.setLossBudget(10_001, DAY, sender=owner)


def test_exit_cost__is_borne_by_who_leaves_and_accepts_it(
    vault, two, invested, token, depositor, second_depositor, keeper
):
    """Freeing assets that comes out worse than the shares were worth costs the leaver, and nobody else."""
    vault.deposit(1_000 * UNIT, second_depositor, sender=second_depositor)
    vault.rebalance(sender=keeper)
    two[0].setFault(SHORT, sender=keeper)  # 200 idle, 300 of it: pays 150
    price, held, shares = price_ray(vault), token.balanceOf(depositor), vault.balanceOf(depositor) // 2
    with reverts(vault.LossTooHigh, lossBps=3_000, maxLossBps=0):
        vault.redeem(shares, depositor, depositor, sender=depositor)
    with reverts(vault.LossTooHigh, lossBps=3_000, maxLossBps=2_999):
        vault.redeem(shares, depositor, depositor, 2_999, sender=depositor)
    vault.redeem(shares, depositor, depositor, 3_000, sender=depositor)
    assert token.balanceOf(depositor) - held == pytest.approx(350 * UNIT, abs=10)
    assert price_ray(vault) == pytest.approx(price, rel=1e-6)
    assert token.balanceOf(vault) >= vault.idle(), P.VAULT_SOLVENT
    assert sum(debts(vault, two)) == vault.totalDebt(), P.VAULT_BOOKS


def test_exit_cost__of_an_exact_withdrawal_is_paid_in_shares(
    vault, two, invested, token, depositor, second_depositor, keeper
):
    vault.deposit(1_000 * UNIT, second_depositor, sender=second_depositor)
    vault.rebalance(sender=keeper)
    two[0].setFault(SHORT, sender=keeper)
    price, shares = price_ray(vault), vault.balanceOf(depositor)
    vault.withdraw(500 * UNIT, depositor, depositor, 10_000, sender=depositor)
    assert shares - vault.balanceOf(depositor) == pytest.approx(650 * UNIT * 10**6, rel=1e-6)
    assert price_ray(vault) == pytest.approx(price, rel=1e-6)


@pytest.fixture
def gate(project, vault, owner):
    gate = owner.deploy(project.GateStandIn)
    vault.setGate(gate, sender=owner)
    return gate


def test_gate__lets_in_whom_it_admits(vault, gate, depositor, second_depositor, keeper):
    assert vault.maxDeposit(depositor) == vault.maxMint(depositor) == 0
    with reverts(vault.NotAdmitted, account=depositor):
        vault.deposit(UNIT, depositor, sender=depositor)
    gate.admit(depositor, sender=keeper)
    vault.deposit(UNIT, depositor, sender=depositor)
    with reverts(vault.NotAdmitted):
        vault.mint(UNIT, second_depositor, sender=depositor)
    with reverts(vault.NotAdmitted):
        vault.deposit(UNIT, depositor, sender=second_depositor)


def test_gate__that_is_broken_keeps_nobody_from_leaving(vault, gate, depositor, second_depositor, keeper):
    gate.admit(depositor, sender=keeper)
    vault.deposit(UNIT, depositor, sender=depositor)
    gate.setBroken(True, sender=keeper)
    with reverts(vault.NotAdmitted):
        vault.deposit(UNIT, depositor, sender=depositor)
    vault.transfer(second_depositor, 10**11, sender=depositor)
    for holder in (depositor, second_depositor):
        vault.redeem(vault.balanceOf(holder), holder, holder, sender=holder)
    assert vault.totalSupply() == 0


def test_gate__is_the_owners_and_can_be_taken_away(vault, gate, depositor, guardian, owner):
    with reverts(vault.Unauthorized):
        vault.setGate(NOBODY, sender=guardian)
    vault.setGate(NOBODY, sender=owner)
    vault.deposit(UNIT, depositor, sender=depositor)


def test_slippage__what_the_user_says_is_kept(vault, depositor):
    with reverts(vault.Slippage, got=UNIT * 10**6, limit=UNIT * 10**6 + 1):
        vault.deposit(UNIT, depositor, UNIT * 10**6 + 1, sender=depositor)
    vault.deposit(UNIT, depositor, UNIT * 10**6, sender=depositor)
    with reverts(vault.Slippage, got=UNIT, limit=UNIT - 1):
        vault.mint(UNIT * 10**6, depositor, UNIT - 1, sender=depositor)
    vault.mint(UNIT * 10**6, depositor, UNIT, sender=depositor)
    with reverts(vault.Slippage, got=UNIT * 10**6, limit=UNIT * 10**6 - 1):
        vault.withdraw(UNIT, depositor, depositor, 0, UNIT * 10**6 - 1, sender=depositor)
    vault.withdraw(UNIT, depositor, depositor, 0, UNIT * 10**6, sender=depositor)
    with reverts(vault.Slippage, got=UNIT, limit=UNIT + 1):
        vault.redeem(UNIT * 10**6, depositor, depositor, 0, UNIT + 1, sender=depositor)
    vault.redeem(UNIT * 10**6, depositor, depositor, 0, UNIT, sender=depositor)

"""Edges that a change of one operator in the vault's code has shown to be untested; found by `make mutate`."""

import pytest

from ballast import compiled
from ballast.fuzz.chain import Reverted
from ballast.fuzz.world import GUARDIAN, KEEPER, OWNER
from tests.revm_kit import FIRST, MOST, SECOND, THIRD, Stage, refused, stage
from tests.vault_kit import DAY, NOBODY, REVERTS, TERMS, UNLIMITED

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


#: a place in storage that no contract uses
VEIL = 2**255 + 1
PREVIEW_REDEEM = bytes.fromhex("4cdad506")


def veiled(stage):
    """A strategy that does what its model does, but while it is veiled cannot be asked what its shares are worth."""
    model = stage.make("StrategyStandIn", stage.token.address)
    # veiled, and asked by previewRedeem: revert
    code = b"\x5f\x35\x60\xe0\x1c\x63" + PREVIEW_REDEEM + b"\x14\x7f" + VEIL.to_bytes(32) + b"\x54\x02\x60\x5e\x57"
    # else as the model does
    code += b"\x36\x5f\x5f\x37\x5f\x5f\x36\x5f\x73" + bytes.fromhex(model.address[2:]) + b"\x5a\xf4"
    code += b"\x3d\x5f\x5f\x3e\x60\x5a\x57\x3d\x5f\xfd\x5b\x3d\x5f\xf3\x5b\x5f\x5f\xfd"
    assert (code[0x5A], code[0x5E]) == (0x5B, 0x5B)
    made = stage.chain.create(bytes([0x60, len(code), 0x80, 0x60, 0x09, 0x5F, 0x39, 0x5F, 0xF3]) + code, OWNER)
    strategy = stage.code.at(stage.chain, "StrategyStandIn", made)
    strategy.setFreeable(MOST, sender=OWNER)
    strategy.setRoom(MOST, sender=OWNER)
    stage.vault.addStrategy(made, UNLIMITED, 10_000, 5_000, 10, False, sender=OWNER)
    return strategy


@pytest.mark.parametrize("way", ["revoke", "removeStrategy", "rebalance"])
def test_strategy__that_cannot_be_valued_is_emptied_all_the_same(stage, way):
    """It goes for good: what it pays is what there is to go by."""
    strategy = veiled(stage)
    stage.deposit(FIRST, 1_000)
    stage.rebalance()
    assert stage.debt(strategy) == 500 * stage.unit
    stage.chain.set_storage(strategy.address, VEIL, 1)
    assert refused(strategy.previewRedeem, 1).name == "Unknown"
    match way:
        case "revoke":
            stage.vault.revoke(strategy.address, sender=GUARDIAN)
        case "removeStrategy":
            stage.vault.removeStrategy(strategy.address, 0, sender=OWNER)
        case "rebalance":
            stage.vault.setWeight(strategy.address, 0, 10, sender=OWNER)
            stage.rebalance()
    assert stage.vault.idle() == stage.vault.totalAssets() == 1_000 * stage.unit


def test_strategy__that_cannot_be_valued_is_not_drawn_on(stage):
    strategy = veiled(stage)
    stage.deposit(FIRST, 1_000)
    stage.rebalance()
    stage.chain.set_storage(strategy.address, VEIL, 1)
    assert stage.vault.maxWithdraw(FIRST) == 500 * stage.unit
    assert refused(stage.vault.withdraw, 501 * stage.unit, FIRST, FIRST, sender=FIRST).name == "InsufficientLiquidity"


def test_most__that_can_be_redeemed_is_what_the_most_that_can_be_withdrawn_costs(stage):
    """Half is idle; the other half is stuck, and has lost half. Out of idle assets an exit knows of no loss: who had
    more shares taken would be paid no more for them."""
    strategy = stage.add(5_000)
    stage.deposit(FIRST, 100)
    stage.rebalance()
    strategy.setFreeable(0, sender=KEEPER)
    strategy.lose(25 * stage.unit, sender=KEEPER)
    most = stage.vault.maxWithdraw(FIRST)
    assert most == 50 * stage.unit
    assert stage.vault.maxRedeem(FIRST) == stage.vault.previewWithdraw(most) == 50 * 10**6 * stage.unit
    assert stage.vault.redeem(stage.vault.maxRedeem(FIRST), FIRST, FIRST, sender=FIRST) == most


# --- what counts as rounding ---


@pytest.mark.parametrize(("lost", "at_exit", "at_report"), [(3, 0, 3), (4, 5, 5), (5, 5, 5)])
def test_exit__books_no_loss_that_may_be_rounding(stage, lost, at_exit, at_report):
    """Four units: one of them is what the strategy rounds away of what stays."""
    strategy = stage.add()
    stage.deposit(FIRST, 1_000)
    stage.rebalance()
    strategy.lose(lost, sender=KEEPER)
    stage.vault.withdraw(10, FIRST, FIRST, sender=FIRST)
    assert stage.vault.deficit() == at_exit
    stage.vault.report(sender=KEEPER)
    assert stage.vault.deficit() == at_report


def test_exit__of_all_books_rounding_too(stage):
    """Nobody is left to make it good."""
    strategy = stage.add()
    stage.deposit(FIRST, 1_000)
    stage.rebalance()
    strategy.lose(1, sender=KEEPER)
    most = stage.vault.maxWithdraw(FIRST)
    assert most == stage.vault.previewRedeem(stage.vault.balanceOf(FIRST)) == 1_000 * stage.unit - 1
    assert stage.vault.redeem(stage.vault.balanceOf(FIRST), FIRST, FIRST, sender=FIRST) == most
    assert (stage.vault.totalSupply(), stage.vault.totalDebt()) == (0, 0)


def test_profit__is_booked_an_hour_after_the_last(stage):
    strategy = stage.add()
    stage.deposit(FIRST, 1_000)
    stage.rebalance()
    stage.chain.wait(3_599)
    strategy.earn(100_000, sender=KEEPER)  # less than the growth cap allows for an hour
    assert stage.vault.report(sender=KEEPER) == (0, 0)
    stage.chain.wait(1)
    assert stage.vault.report(sender=KEEPER) == (100_000 - 1, 0)


def test_profit__that_may_not_grow_anything_unlocks_in_a_hundred_years():
    compiled.ensure()
    stage = Stage(terms={"growthCapBps": 1})
    strategy = stage.add(5_000, volatile=True)
    stage.deposit(FIRST, 1_000)
    stage.rebalance()
    strategy.earn(100 * stage.unit, sender=KEEPER)
    stage.deposit(SECOND, 1)  # a premium is locked, whatever the cap
    assert stage.vault.lockedProfit() > 0
    stage.vault.setPace(DAY, DAY, 0, sender=OWNER)
    assert stage.vault.unlockedAt() - stage.chain.now == 100 * 365 * DAY


# --- what freeing assets may cost those who wait ---


def waiting_in_two(stage, shares):
    """Half of 2,000 waits, in a volatile strategy that loses something by each withdrawal."""
    strategy = stage.add(volatile=True)
    for holder in (FIRST, SECOND):
        stage.deposit(holder, 1_000)
    stage.rebalance()
    stage.vault.approve(stage.redemptions.address, MOST, sender=FIRST)
    stage.redemptions.requestRedeem(shares, FIRST, FIRST, sender=FIRST)
    return strategy


@pytest.mark.parametrize("part", [False, True], ids=["all", "a part"])
def test_fulfilment__costs_those_who_wait_a_thousandth_at_most(stage, part):
    strategy = waiting_in_two(stage, 1_000 * 10**6 * stage.unit)
    shares = 500 * 10**6 * stage.unit if part else 1_000 * 10**6 * stage.unit
    worth = stage.vault.convertToAssets(shares)

    def passes(cost):
        with stage.chain.isolated():
            strategy.setCallback(strategy.address, strategy.lose.data(cost), sender=KEEPER)
            try:
                stage.redemptions.fulfil(shares, sender=KEEPER)
            except Reverted as error:
                assert error.name == "Slippage"
                return False
        return True

    # who leaves whole may lose four units more to rounding
    most = worth // 1_000 + (0 if part else 4)
    assert passes(most) and passes(most // 2)
    assert not passes(most + 1) and not passes(2 * most)


# --- the gate ---


def test_gate__is_asked_who_sends_and_for_whom(stage):
    """A gate that admits one sender, for whomever; the refusal names who would have got the shares."""
    code = b"\x60\x04\x35\x73" + bytes.fromhex(FIRST[2:]) + b"\x14\x5f\x52\x60\x20\x5f\xf3"
    gate = stage.chain.create(bytes([0x60, len(code), 0x80, 0x60, 0x09, 0x5F, 0x39, 0x5F, 0xF3]) + code, OWNER)
    stage.vault.setGate(gate, sender=OWNER)
    stage.vault.deposit(10, SECOND, sender=FIRST)
    found = refused(stage.vault.deposit, 10, FIRST, sender=SECOND)
    assert (found.name, found.values[0].lower()) == ("NotAdmitted", FIRST.lower())
    assert stage.vault.maxDeposit(FIRST) > 0 == stage.vault.maxDeposit(SECOND)


# --- as many as there may be ---


@pytest.mark.parametrize("volatile", [False, True], ids=["smooth", "volatile"])
def test_vault__does_all_it_does_with_ten_strategies_and_sixteen_risks(stage, volatile):
    """Lists that are full: what looks beyond their ends reverts."""
    vault, unit = stage.vault, stage.unit
    strategies = [stage.add(900, volatile=volatile) for _ in range(10)]
    risks = [bytes([number + 1]) + bytes(31) for number in range(16)]
    for risk in risks:
        vault.setRiskCap(risk, UNLIMITED, 10_000, sender=OWNER)
    for number, each in enumerate(strategies):
        vault.setRisks(each.address, [risks[number], risks[15]], sender=OWNER)
    for holder in (FIRST, SECOND):
        stage.deposit(holder, 500)
    stage.rebalance()
    assert [stage.debt(each) for each in strategies] == 10 * [90 * unit]
    readings = vault.readings()
    assert len(readings) == 27
    assert [each[1] for each in readings[1:]] == 20 * [9 * 10**16] + 5 * [0] + [9 * 10**17]
    assert vault.maxDeposit(FIRST) > 0 < vault.maxMint(FIRST)
    assert vault.maxWithdraw(FIRST) == 500 * unit == vault.previewRedeem(vault.maxRedeem(FIRST))
    assert vault.previewDeposit(unit) == vault.previewWithdraw(unit) == 10**6 * unit
    stage.chain.wait(DAY)
    for each in strategies:
        each.lose(9 * unit, sender=KEEPER)
    vault.report(sender=KEEPER)
    assert (vault.totalAssets(), vault.deficit()) == (910 * unit, 90 * unit)
    assert vault.redeem(vault.balanceOf(FIRST) // 5, FIRST, FIRST, sender=FIRST) == 91 * unit
    strategies[9].lose(unit, sender=KEEPER)
    assert vault.withdraw(300 * unit, FIRST, FIRST, sender=FIRST) > 0
    stage.rebalance()
    assets, handed = vault.redeemInKind(10**12, THIRD, SECOND, 10_000, sender=SECOND)
    assert assets > 0 and all(handed) and len(handed) == 10
    vault.setQueue([each.address for each in reversed(strategies)], sender=OWNER)
    vault.setWeight(strategies[0].address, 0, 10, sender=OWNER)
    vault.revoke(strategies[1].address, sender=GUARDIAN)
    vault.shutdown(sender=GUARDIAN)
    stage.rebalance()
    assert [stage.debt(each) for each in strategies] == 10 * [0]
    for holder in (FIRST, SECOND):
        vault.redeem(vault.balanceOf(holder), holder, holder, sender=holder)
    assert vault.totalSupply() == 0
    vault.removeStrategy(strategies[0].address, 0, sender=OWNER)
    assert len(vault.queue()) == 9


# --- what an exit and a move look at ---


def test_exit__knows_of_no_loss_where_it_does_not_draw(stage):
    """The first strategy covers half of the holders; what the second has lost is for a report."""
    one, two = stage.add(5_000), stage.add(5_000)
    for holder in (FIRST, SECOND):
        stage.deposit(holder, 500)
    stage.rebalance()
    two.lose(100 * stage.unit, sender=KEEPER)
    vault, all_ = stage.vault, 500 * stage.unit
    shares = vault.balanceOf(FIRST)
    assert vault.maxWithdraw(FIRST) == vault.previewRedeem(shares) == all_
    assert vault.maxRedeem(FIRST) == vault.previewWithdraw(all_) == shares
    # a unit more is drawn from the second
    assert vault.previewWithdraw(all_ + 1) > shares * 11 // 10
    assert vault.previewRedeem(shares + 10**6) < 451 * stage.unit
    assert vault.redeem(shares, FIRST, FIRST, sender=FIRST) == all_
    assert (stage.debt(one), stage.debt(two)) == (0, all_)


@pytest.mark.parametrize("lost", [1, 3])
def test_exit__that_empties_a_strategy_leaves_no_debt_without_shares(stage, lost):
    """A few units are missing, and all but these are needed: rounding, but nothing is there to make it good."""
    strategy = stage.add()
    stage.deposit(FIRST, 1_000)
    stage.rebalance()
    strategy.lose(lost, sender=KEEPER)
    stage.vault.withdraw(1_000 * stage.unit - lost, FIRST, FIRST, sender=FIRST)
    assert list(stage.vault.strategy(strategy.address)[:2]) == [0, 0]
    assert stage.vault.totalDebt() == 0
    assert stage.vault.deficit() == lost


@pytest.mark.parametrize("gain", [0, 50])
def test_move__into_a_volatile_strategy_counts_what_it_does_to_the_rest(stage, gain):
    """A gain that nobody has booked does not pay for it."""
    strategy = stage.add(5_000, volatile=True)
    stage.deposit(FIRST, 1_000)
    stage.rebalance()
    strategy.earn(gain * stage.unit, sender=KEEPER)
    stage.vault.setWeight(strategy.address, 6_000, 10, sender=OWNER)
    strategy.setCallback(strategy.address, strategy.lose.data(50 * stage.unit), sender=KEEPER)
    found = refused(stage.vault.rebalance, sender=KEEPER)
    assert found.name == "LossBudgetExceeded"
    assert found.values[0] == pytest.approx(5 * 10**16, rel=1e-3), "50 of 1,000"


def test_report__is_due_of_a_single_unit_too(stage):
    strategy = stage.add(1_000)
    stage.vault.deposit(10, FIRST, sender=FIRST)
    stage.rebalance()
    assert stage.debt(strategy) == stage.vault.totalDebt() == 1
    stage.chain.wait(DAY + 1)
    stage.rebalance()
    assert stage.vault.lastReport() == stage.chain.now


def test_premium__includes_what_is_locked(stage):
    """Who enters a volatile vault pays for the locked profit too; that moves no price. 100 are locked: 1,100 buy as
    many shares as 1,000 bought, and 200 are locked."""
    strategy = stage.add(volatile=True)
    stage.deposit(FIRST, 1_000)
    stage.rebalance()
    stage.chain.wait(60 * DAY)
    strategy.earn(100 * stage.unit, sender=KEEPER)
    stage.vault.report(sender=KEEPER)
    price = stage.vault.convertToAssets(10**18)
    stage.deposit(SECOND, 1_100)
    assert stage.vault.balanceOf(SECOND) == pytest.approx(stage.vault.balanceOf(FIRST), rel=1e-7)
    assert stage.vault.convertToAssets(10**18) == pytest.approx(price, abs=2)
    assert stage.vault.lockedProfit() == pytest.approx(200 * stage.unit, abs=4)


@pytest.mark.parametrize("lost", [0, 100])
def test_rebalance__that_retires_one_weighs_the_others_after_the_report(stage, lost):
    """It reports first, though no report is due: the other's half is of what is there then."""
    one, two = stage.add(3_000), stage.add(5_000)
    stage.deposit(FIRST, 1_000)
    stage.rebalance()
    stage.vault.setWeight(one.address, 0, 10, sender=OWNER)
    two.lose(lost * stage.unit, sender=KEEPER)
    stage.rebalance()
    assert stage.vault.deficit() == lost * stage.unit
    assert (stage.debt(one), stage.debt(two)) == (0, (1_000 - lost) * stage.unit // 2)


def test_in_kind_exit__of_a_single_unit_pays_it(stage):
    stage.vault.deposit(1, FIRST, sender=FIRST)
    assets, handed = stage.vault.redeemInKind(10**6, SECOND, FIRST, 0, sender=FIRST)
    assert (assets, list(handed)) == (1, [])
    assert (stage.vault.totalSupply(), stage.vault.idle()) == (0, 0)


def test_preview__passes_over_a_strategy_that_has_nothing(stage):
    """The first in the queue is empty; what the second frees is shown to the unit."""
    stage.add(0)
    stage.add(10_000)
    stage.deposit(FIRST, 1_000)
    stage.rebalance()
    shares = 10**8 * stage.unit
    assert stage.vault.previewRedeem(shares) == 100 * stage.unit
    assert stage.vault.previewWithdraw(100 * stage.unit) == shares
    assert stage.vault.redeem(shares, FIRST, FIRST, sender=FIRST) == 100 * stage.unit


def test_exit__of_nothing_at_no_loss_is_nothing(stage):
    stage.deposit(FIRST, 1)
    for way in (stage.vault.redeem, stage.vault.withdraw):
        assert way(0, FIRST, FIRST, 0, sender=FIRST) == 0


def test_volatile_strategy__that_cannot_be_read_keeps_all_out_for_a_single_unit(stage):
    strategy = stage.add(1_000, volatile=True)
    stage.vault.deposit(10, FIRST, sender=FIRST)
    stage.rebalance()
    assert stage.debt(strategy) == 1
    strategy.setFault(REVERTS, sender=KEEPER)
    assert stage.vault.maxDeposit(FIRST) == stage.vault.maxMint(FIRST) == 0
    assert refused(stage.vault.deposit, 10, FIRST, sender=FIRST).name == "Unreadable"


def test_exit__bears_the_losses_of_all_the_strategies_it_draws_on(stage):
    strategies = [stage.add(5_000) for _ in range(2)]
    for holder in (FIRST, SECOND):
        stage.deposit(holder, 500)
    stage.rebalance()
    for strategy in strategies:
        strategy.lose(50 * stage.unit, sender=KEEPER)
    shares = stage.vault.balanceOf(FIRST)
    # 450 of the first strategy, the rest of the second: both losses are known
    assert stage.vault.previewRedeem(shares) == 450 * stage.unit
    assert stage.vault.redeem(shares, FIRST, FIRST, sender=FIRST) == 450 * stage.unit


def test_first_profit__of_a_few_units_unlocks_by_the_cap_to_the_second():
    """Nothing of it makes good a loss: no unit may unlock sooner."""
    compiled.ensure()
    stage = Stage(terms={"growthCapBps": 100, "unlockPeriod": 3_600})
    strategy = stage.add()
    stage.deposit(FIRST, 1)
    stage.rebalance()
    stage.chain.wait(DAY)
    strategy.earn(5, sender=KEEPER)
    assert stage.vault.report(sender=KEEPER) == (5 - 1, 0)
    # 1 % a year of a million units is 4 in 12,614.4 seconds
    assert stage.vault.unlockedAt() - stage.chain.now == 12_615


def test_limits__that_are_named_are_told(stage):
    limits = stage.make("VaultLimits", OWNER, GUARDIAN)
    limits.setCaps(stage.vault.address, (1, 2, 3, 4), sender=OWNER)
    for named in (limits.address, NOBODY):
        stage.vault.setLimits(named, sender=OWNER)
        assert [each.values for each in stage.chain.events() if each.name == "LimitsSet"] == [{"limits": named}]
        assert stage.vault.limits() == named


@pytest.mark.parametrize("missing", ["asset", "books", "views"])
def test_vault__is_not_made_without_its_parts(stage, missing):
    parts = {name: stage.vault.__getattr__(name)() for name in ("books", "rules", "views")}
    asset = NOBODY if missing == "asset" else stage.token.address
    parts |= {missing: NOBODY} if missing in parts else {}
    config = (asset, "V", "V", OWNER, GUARDIAN, OWNER, OWNER, *(TERMS[key] for key in TERMS))
    with pytest.raises(Reverted, match="ZeroAddress"):
        stage.make("Vault", config, *parts.values())


def test_report__that_makes_good_a_loss_where_nothing_may_grow_is_the_hours_report():
    """Growth so slow that an hour allows no unit: what makes good a loss is booked, and the hour begins anew."""
    compiled.ensure()
    stage = Stage(terms={"growthCapBps": 1})
    strategy = stage.add()
    stage.deposit(FIRST, 1)
    stage.rebalance()
    strategy.lose(10, sender=KEEPER)
    stage.vault.report(sender=KEEPER)
    stage.chain.wait(3_600)
    strategy.earn(6, sender=KEEPER)
    profit, _ = stage.vault.report(sender=KEEPER)
    assert profit > 0
    strategy.earn(3, sender=KEEPER)
    assert stage.vault.report(sender=KEEPER) == (0, 0)

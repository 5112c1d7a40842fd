"""What the lens shows of a vault and of a holder, also when a strategy fails."""

import pytest

from tests.vault_kit import DAY, NOBODY, UNIT, UNLIMITED

SHARE = 10**6 * UNIT
PROTOCOL = b"protocol".ljust(32, b"\0")
NO_FAULT, REVERTS, BURNS_GAS, ANSWERS_NOTHING = 0, 1, 2, 5


@pytest.fixture(scope="module")
def lens(project, owner):
    return owner.deploy(project.VaultLens)


@pytest.fixture(scope="module")
def lived(make_vault, make_strategy, token, owner, depositor, second_depositor, keeper, chain):
    """A vault with two strategies (one volatile), a risk, locked profit and fees."""
    vault = make_vault(token, performanceFeeBps=1_000, managementFeeBps=200)
    first = make_strategy(vault, 5_000, cap=700 * UNIT)
    second = make_strategy(vault, 3_000, volatile=True)
    vault.setRiskCap(PROTOCOL, UNLIMITED, 6_000, sender=owner)
    vault.setRisks(second, [PROTOCOL], sender=owner)
    vault.deposit(600 * UNIT, depositor, sender=depositor)
    vault.deposit(400 * UNIT, second_depositor, sender=second_depositor)
    vault.rebalance(sender=keeper)
    chain.pending_timestamp = chain.blocks.head.timestamp + DAY
    chain.mine()
    first.earn(50 * UNIT, sender=keeper)
    vault.report(sender=keeper)
    return vault, first, second


def test_overview__tells_what_the_vault_tells(lens, lived, token, fee_recipient):
    vault, *_ = lived
    seen = lens.overview(vault)
    assert (seen.name, seen.symbol, seen.decimals) == (vault.name(), vault.symbol(), vault.decimals())
    assert (seen.asset, seen.redemptions, seen.locked) == (token, vault.redemptions(), False)
    books = seen.books
    assert (books.supply, books.netAssets) == (vault.totalSupply(), vault.totalAssets())
    assert (books.idle, books.totalDebt) == (vault.idle(), vault.totalDebt())
    assert (books.lockedProfit, books.unlockedAt) == (vault.lockedProfit(), vault.unlockedAt())
    assert books.lockedProfit > 0
    assert (books.lastReport, books.deficit) == (vault.lastReport(), vault.deficit())
    assert (books.waitingShares, books.waitingAssets) == (0, 0)
    assert tuple(seen.fees) == (1_000, 200, fee_recipient, vault.managementFeeOwed())
    rules = seen.rules
    assert (rules.paused, rules.isShutdown, rules.gate, rules.limits) == (False, False, NOBODY, NOBODY)
    assert (rules.depositLimit, rules.unlockPeriod) == (vault.depositLimit(), vault.unlockPeriod())
    assert (rules.reportPeriod, rules.growthCapBps) == (vault.reportPeriod(), vault.growthCapBps())
    assert (rules.lossBudgetBps, rules.lossWindow, rules.lossAvailableWad) == tuple(vault.lossBudget())
    assert [bytes(risk.id) for risk in seen.risks] == [PROTOCOL]
    assert [tuple(reading) for reading in seen.readings] == [tuple(reading) for reading in vault.readings()]
    assert len(seen.readings) == 4


def test_overview__shows_a_deficit_a_pause_and_the_end(lens, lived, guardian, keeper):
    vault, first, _ = lived
    first.lose(200 * UNIT, sender=keeper)
    vault.report(sender=keeper)
    vault.pauseDeposits(sender=guardian)
    seen = lens.overview(vault)
    assert seen.books.deficit == vault.deficit() > 0
    assert (seen.rules.paused, seen.rules.isShutdown) == (True, False)
    vault.shutdown(sender=guardian)
    assert lens.overview(vault).rules.isShutdown


def test_overview__shows_strategies_in_queue_order_with_their_worth_now(lens, lived, curator, keeper):
    vault, first, second = lived
    second.lose(100 * UNIT, sender=keeper)  # nobody has reported it
    first.setFreeable(7 * UNIT, sender=keeper)
    vault.setQueue([second, first], sender=curator)
    volatile, smooth = lens.overview(vault).strategies
    assert (volatile.at, smooth.at) == (second, first)
    for seen, strategy in ((volatile, second), (smooth, first)):
        known = vault.strategy(strategy)
        for field in ("debt", "shares", "cap", "capBps", "targetBps", "bandBps", "risks", "isVolatile"):
            assert getattr(seen, field) == getattr(known, field), field
    assert (volatile.isVolatile, volatile.risks, smooth.cap) == (True, 1, 700 * UNIT)
    assert volatile.readable and volatile.answersFree and smooth.readable and smooth.answersFree
    assert volatile.debt == 300 * UNIT
    assert volatile.worth == second.previewRedeem(volatile.shares) == pytest.approx(200 * UNIT, abs=1)
    assert volatile.free == pytest.approx(200 * UNIT, abs=1)
    assert smooth.worth == pytest.approx(550 * UNIT, abs=1)
    assert smooth.free == 7 * UNIT


@pytest.mark.parametrize("fault", [REVERTS, BURNS_GAS, ANSWERS_NOTHING], ids=["reverts", "burns gas", "says nothing"])
def test_overview__is_not_broken_by_a_strategy_that_is(lens, lived, depositor, keeper, fault):
    vault, first, second = lived
    first.setFault(fault, sender=keeper)
    broken, sound = lens.overview(vault).strategies
    assert (broken.readable, broken.worth, broken.answersFree, broken.free) == (False, 0, False, 0)
    assert broken.debt == vault.strategy(first).debt
    assert (sound.readable, sound.worth) == (True, 300 * UNIT)
    assert lens.position(vault, depositor).shares == 600 * SHARE


def test_overview__shows_what_waits_and_what_it_is_worth(lens, project, lived, depositor, keeper):
    vault, _, second = lived
    redemptions = project.Redemptions.at(vault.redemptions())
    vault.approve(redemptions, 200 * SHARE, sender=depositor)
    redemptions.requestRedeem(200 * SHARE, depositor, depositor, sender=depositor)
    second.lose(100 * UNIT, sender=keeper)
    books = lens.overview(vault).books
    assert books.waitingShares == 200 * SHARE
    assert books.waitingAssets == vault.previewRedeem(200 * SHARE)
    assert books.waitingAssets < 200 * UNIT


def test_position__tells_what_a_holder_has_and_waits_for(lens, project, lived, depositor, keeper):
    vault, first, second = lived
    redemptions = project.Redemptions.at(vault.redemptions())
    vault.approve(redemptions, 500 * SHARE, sender=depositor)
    redemptions.requestRedeem(500 * SHARE, depositor, depositor, sender=depositor)
    first.setFreeable(0, sender=keeper)
    second.setFreeable(0, sender=keeper)
    redemptions.fulfil(sender=keeper)  # the idle fifth
    seen = lens.position(vault, depositor)
    assert seen.shares == vault.balanceOf(depositor) == 100 * SHARE
    assert seen.assets == vault.previewRedeem(100 * SHARE) == pytest.approx(100 * UNIT, rel=0.05)
    assert seen.maxWithdraw == vault.maxWithdraw(depositor) == 0
    assert seen.maxRedeem == vault.maxRedeem(depositor) == 0
    assert seen.pendingShares == redemptions.pendingRedeemRequest(0, depositor) > 0
    assert seen.pendingAssets == vault.previewRedeem(seen.pendingShares)
    assert seen.claimableShares == redemptions.maxRedeem(depositor)
    assert seen.claimableShares + seen.pendingShares == 500 * SHARE
    assert seen.claimableAssets == redemptions.maxWithdraw(depositor) == pytest.approx(200 * UNIT, abs=1)


def test_position__of_who_has_nothing_is_empty(lens, lived, keeper):
    vault, *_ = lived
    assert set(lens.position(vault, keeper)) == {0}


def test_overview__of_an_empty_vault_can_be_read(lens, vault):
    seen = lens.overview(vault)
    assert (seen.books.supply, seen.books.netAssets, list(seen.strategies)) == (0, 0, [])


def test_overview__in_the_middle_of_a_call_says_so(lens, lived, depositor, keeper):
    """The strategy calls the lens while the vault draws on it."""
    vault, first, _ = lived
    first.setCallback(lens, lens.overview.encode_input(vault), sender=keeper)
    vault.withdraw(300 * UNIT, depositor, depositor, sender=depositor)
    assert first.reentered()
    (abi,) = [method for method in lens.contract_type.methods if method.name == "overview"]
    (seen,) = lens.provider.network.ecosystem.decode_returndata(abi, bytes(first.answer()))
    assert seen.locked
    assert seen.books.supply == 0 and not seen.strategies

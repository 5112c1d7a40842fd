"""Bands, caps and risks to the last unit, what a rebalance does on either side of them, and what the readings say."""

import pytest

from ballast.fuzz.world import CURATOR, GUARDIAN, KEEPER, OWNER, STRANGER
from tests.revm_kit import FIRST, MOST, SECOND, refused, stage
from tests.vault_kit import CHARGES_ENTRY, DAY, REVERTS, SHORT, UNLIMITED

__all__ = ["stage"]

WAD = 10**18
THOUSAND = 10**9  # units of a thousand tokens
RISK, OTHER_RISK, THIRD_RISK = (name.encode().ljust(32, b"\0") for name in ("risk", "other", "third"))


def lined_up(stage, *targets, **options):
    """Strategies at their targets, of a thousand tokens."""
    strategies = [stage.add(target, **options) for target in targets]
    stage.deposit(FIRST, 1_000)
    stage.rebalance()
    assert debts(stage, strategies) == [THOUSAND * target // 10_000 for target in targets]
    return strategies


def debts(stage, strategies):
    return [stage.debt(each) for each in strategies]


def in_band(stage):
    """Whether there is nothing to do."""
    with stage.chain.isolated():
        try:
            stage.rebalance()
        except Exception as error:
            if getattr(error, "name", "") != "InBand":
                raise
            return True
    return False


def reading(stage, name):
    """Value, lower, target, upper of a reading."""
    (found,) = [each for each in stage.vault.readings() if each[0] == name.encode().ljust(32, b"\0")]
    return list(found[1:])


# --- bands ---


def test_band__ends_at_its_upper_edge(stage):
    (strategy,) = lined_up(stage, 3_010)
    stage.vault.setWeight(strategy.address, 3_000, 10, sender=CURATOR)
    assert reading(stage, "weight.0") == [301 * WAD // 1_000, 299 * WAD // 1_000, 3 * WAD // 10, 301 * WAD // 1_000]
    assert in_band(stage)
    # ten units less in all: the edge is below what it holds
    stage.vault.withdraw(10, FIRST, FIRST, sender=FIRST)
    assert not in_band(stage)
    stage.rebalance()
    assert stage.debt(strategy) == (THOUSAND - 10) * 3 // 10


def test_band__ends_at_its_lower_edge(stage):
    (strategy,) = lined_up(stage, 2_990)
    stage.vault.setWeight(strategy.address, 3_000, 10, sender=CURATOR)
    assert in_band(stage)
    stage.vault.deposit(10, FIRST, sender=FIRST)
    assert not in_band(stage)
    stage.rebalance()
    assert stage.debt(strategy) == (THOUSAND + 10) * 3 // 10


def test_band__wider_than_the_target_begins_at_nothing(stage):
    strategy = stage.add(5)
    stage.deposit(FIRST, 1_000)
    assert reading(stage, "weight.0") == [0, 0, 5 * WAD // 10_000, 15 * WAD // 10_000]
    assert in_band(stage), "nothing is in the band"
    stage.vault.setWeight(strategy.address, 15, 10, sender=OWNER)
    assert not in_band(stage)


def test_cap__cuts_target_and_band(stage):
    (strategy,) = lined_up(stage, 3_000)
    stage.vault.setCap(strategy.address, 3 * THOUSAND // 10 + 5, 10_000, sender=OWNER)
    assert reading(stage, "weight.0")[1:] == [299 * WAD // 1_000, 3 * WAD // 10, (3 * THOUSAND // 10 + 5) * 10**9]
    assert in_band(stage)
    stage.vault.setCap(strategy.address, 3 * THOUSAND // 10 - 1, 10_000, sender=OWNER)
    assert not in_band(stage), "over its cap, by a unit"
    stage.rebalance()
    assert stage.debt(strategy) == 3 * THOUSAND // 10 - 1
    stage.vault.setCap(strategy.address, UNLIMITED, 2_500, sender=OWNER)
    assert reading(stage, "weight.0")[1:] == [249 * WAD // 1_000, WAD // 4, WAD // 4]
    stage.rebalance()
    assert stage.debt(strategy) == THOUSAND // 4


@pytest.mark.parametrize("rest", [100_000, 100_001])
def test_exit_band__lets_a_ten_thousandth_stay(stage, rest):
    (strategy,) = lined_up(stage, 3_000)
    stage.vault.setCap(strategy.address, 0, 10_000, sender=GUARDIAN)
    strategy.setFreeable(3 * THOUSAND // 10 - rest, sender=KEEPER)
    stage.rebalance()
    strategy.setFreeable(0, sender=KEEPER)
    assert stage.debt(strategy) == rest
    assert reading(stage, "weight.0")[1:] == [0, 0, WAD // 10_000]
    found = refused(stage.vault.rebalance, sender=KEEPER)
    assert (found.name, found.values) == (("InBand", ()) if rest == 100_000 else ("NotCloser", (rest, rest)))


def test_rebalance__tells_how_far_it_did_not_get(stage):
    """Two strategies that give nothing back: the first has 100 too much, the second 50 too little and no room."""
    one, two = lined_up(stage, 4_000, 3_000)
    one.setFreeable(0, sender=KEEPER)
    two.setRoom(0, sender=KEEPER)
    stage.vault.setWeight(one.address, 3_000, 10, sender=CURATOR)
    stage.vault.setWeight(two.address, 3_500, 10, sender=CURATOR)
    found = refused(stage.vault.rebalance, sender=KEEPER)
    assert (found.name, found.values) == ("NotCloser", (THOUSAND * 15 // 100, THOUSAND * 15 // 100))
    two.setRoom(1, sender=KEEPER)
    stage.rebalance()
    assert debts(stage, (one, two)) == [4 * THOUSAND // 10, 3 * THOUSAND // 10 + 1], "a unit closer is closer"


def test_rebalance__brings_home_before_it_sends_out(stage):
    one, two = lined_up(stage, 7_000, 3_000)
    stage.vault.setWeight(one.address, 2_000, 10, sender=CURATOR)
    stage.vault.setWeight(two.address, 8_000, 10, sender=CURATOR)
    stage.rebalance()
    assert debts(stage, (one, two)) == [2 * THOUSAND // 10, 8 * THOUSAND // 10]


def test_rebalance__moves_those_in_their_bands_too(stage):
    """When one is out of its band, all go to their targets."""
    one, two = lined_up(stage, 3_000, 3_000)
    stage.vault.setWeight(one.address, 3_005, 10, sender=CURATOR)
    stage.vault.setWeight(two.address, 2_000, 10, sender=CURATOR)
    stage.rebalance()
    assert debts(stage, (one, two)) == [3_005 * THOUSAND // 10_000, 2 * THOUSAND // 10]


def test_rebalance__takes_all_out_of_one_that_should_have_nothing(stage):
    """Its shares are worth more than the books say: that comes home too, and is booked."""
    one, two = lined_up(stage, 3_000, 3_000)
    one.earn(50 * stage.unit, sender=KEEPER)
    stage.vault.setWeight(one.address, 0, 10, sender=CURATOR)
    stage.chain.wait(DAY)
    stage.rebalance()
    assert one.balanceOf(stage.vault.address) == 0
    assert debts(stage, (one, two))[0] == 0
    assert stage.vault.lockedProfit() == pytest.approx(50 * stage.unit, abs=2)


def test_loss__found_on_the_way_home_lowers_what_the_others_get(stage):
    one, two = lined_up(stage, 4_000, 2_000)
    one.lose(200 * stage.unit, sender=KEEPER)  # half of it, and 20 % of all
    stage.vault.setWeight(one.address, 1_000, 10, sender=CURATOR)
    stage.vault.setWeight(two.address, 5_000, 10, sender=CURATOR)
    stage.rebalance()
    assert stage.vault.totalAssets() == 800 * stage.unit
    assert debts(stage, (one, two)) == [80 * stage.unit, 400 * stage.unit]


def test_lone_move__tells_why_it_failed(stage):
    strategy = stage.add(5_000)
    stage.deposit(FIRST, 1_000)
    strategy.setFault(REVERTS, sender=KEEPER)
    found = refused(stage.vault.rebalance, sender=KEEPER)
    told = strategy.address.lower(), 500 * stage.unit, 0
    assert (found.name, found.values[0].lower(), *found.values[1:]) == ("MoveLoss", *told)
    strategy.setFault(CHARGES_ENTRY, sender=KEEPER)
    stage.vault.setLossBudget(1, DAY, sender=OWNER)
    found = refused(stage.vault.rebalance, sender=KEEPER)
    assert found.name == "LossBudgetExceeded"
    # all but 1 % of 500 is there, of which it gives back a part to its only holder
    assert found.values[0] == pytest.approx(5 * WAD // 1_000, rel=1e-2) and found.values[1] == WAD // 20_000


# --- reports that a rebalance makes ---


def test_rebalance__reports_when_a_report_is_due(stage):
    lined_up(stage, 3_000)
    made = stage.vault.lastReport()
    stage.chain.wait(DAY)
    assert in_band(stage), "due after the period, not at its end"
    stage.chain.wait(1)
    stage.rebalance()
    assert stage.vault.lastReport() == stage.chain.now == made + DAY + 1
    assert in_band(stage)


def test_rebalance__with_nothing_at_work_has_no_report_due(stage):
    stage.add(0)
    stage.deposit(FIRST, 1_000)
    stage.chain.wait(30 * DAY)
    assert refused(stage.vault.rebalance, sender=KEEPER).name == "InBand"
    assert reading(stage, "report") == [0, 0, 0, DAY]


def test_reading__of_the_report_is_its_age(stage):
    lined_up(stage, 3_000)
    stage.vault.report(sender=KEEPER)
    stage.chain.wait(77)
    assert reading(stage, "report") == [77, 0, 0, DAY]


def test_rebalance__that_reports_and_moves_nothing_is_no_failure(stage):
    """The report that was due is worth the call, though the only strategy lets nothing go."""
    (strategy,) = lined_up(stage, 3_000)
    strategy.setFreeable(0, sender=KEEPER)
    stage.vault.setWeight(strategy.address, 2_000, 10, sender=CURATOR)
    assert refused(stage.vault.rebalance, sender=KEEPER).name == "NotCloser"
    stage.chain.wait(DAY + 1)
    stage.rebalance()
    assert stage.vault.lastReport() == stage.chain.now


# --- risks ---


def at_risk(stage):
    """Three strategies of 3,000 each; the first two bear one risk, the last two another."""
    strategies = lined_up(stage, 3_000, 3_000, 3_000)
    for risk in (RISK, OTHER_RISK, THIRD_RISK):
        stage.vault.setRiskCap(risk, UNLIMITED, 10_000, sender=OWNER)
    for strategy, risks in zip(strategies, ([RISK], [RISK, OTHER_RISK], [OTHER_RISK]), strict=True):
        stage.vault.setRisks(strategy.address, risks, sender=OWNER)
    return strategies


def test_risk__readings_say_what_bears_it(stage):
    at_risk(stage)
    stage.vault.setRiskCap(RISK, UNLIMITED, 7_000, sender=OWNER)
    stage.vault.setRiskCap(OTHER_RISK, 650 * stage.unit, 8_000, sender=OWNER)
    assert reading(stage, "risk.00") == [6 * WAD // 10, 0, 7 * WAD // 10, 7_001 * WAD // 10_000]
    assert reading(stage, "risk.01") == [6 * WAD // 10, 0, 65 * WAD // 100, 6_501 * WAD // 10_000]
    assert reading(stage, "risk.02") == [0, 0, WAD, 10_001 * WAD // 10_000]


@pytest.mark.parametrize(("risk", "name"), [(RISK, "risk.00"), (OTHER_RISK, "risk.01")])
def test_risk__is_exceeded_beyond_a_ten_thousandth(stage, risk, name):
    at_risk(stage)
    stage.vault.setRiskCap(risk, 600 * stage.unit - 100_000, 10_000, sender=OWNER)
    # the strategies' own targets fall by as much: give them bands that hold that
    for address in stage.vault.queue():
        stage.vault.setWeight(address, 3_000, 100, sender=OWNER)
    value, _, _, upper = reading(stage, name)
    assert value == upper and in_band(stage)
    stage.vault.setRiskCap(risk, 600 * stage.unit - 100_001, 10_000, sender=OWNER)
    assert not in_band(stage)
    stage.rebalance()
    assert reading(stage, name)[0] == (600 * stage.unit - 100_001) * 10**9


def test_risk__leaves_the_later_ones_what_the_earlier_left(stage):
    strategies = at_risk(stage)
    stage.vault.setRiskCap(RISK, UNLIMITED, 4_000, sender=OWNER)
    stage.rebalance()
    assert debts(stage, strategies) == [300 * stage.unit, 100 * stage.unit, 300 * stage.unit]
    stage.vault.setRiskCap(OTHER_RISK, 250 * stage.unit, 10_000, sender=OWNER)
    stage.rebalance()
    assert debts(stage, strategies) == [300 * stage.unit, 100 * stage.unit, 150 * stage.unit]
    stage.vault.setRiskCap(RISK, UNLIMITED, 2_000, sender=OWNER)
    stage.rebalance()
    assert debts(stage, strategies) == [200 * stage.unit, 0, 250 * stage.unit]


def test_risk__room_taken_by_one_that_is_stuck_is_not_given_to_another(stage):
    """The first may have 100 and keeps 300: of a cap of 500 the second gets 200, and not the 400 it should have."""
    one, two, three = at_risk(stage)
    one.setFreeable(0, sender=KEEPER)
    stage.vault.setRiskCap(RISK, UNLIMITED, 5_500, sender=OWNER)
    stage.vault.setWeight(one.address, 1_000, 10, sender=CURATOR)
    stage.vault.setWeight(two.address, 0, 10, sender=CURATOR)
    stage.rebalance()
    assert debts(stage, (one, two)) == [300 * stage.unit, 0]
    stage.vault.setWeight(two.address, 4_000, 10, sender=CURATOR)
    stage.rebalance()
    assert debts(stage, (one, two, three)) == [300 * stage.unit, 250 * stage.unit, 300 * stage.unit]


def test_readings__of_ten_risks_and_more_are_numbered_in_tens(stage):
    for number in range(12):
        stage.vault.setRiskCap(bytes([number + 1]) + bytes(31), 1, 1, sender=OWNER)
    names = [each[0].rstrip(b"\0").decode() for each in stage.vault.readings()]
    assert names == ["report", *(f"risk.{number:02}" for number in range(12))]


def test_readings__of_ten_strategies_are_numbered(stage):
    for number in range(10):
        stage.add(100 * number)
    stage.deposit(FIRST, 1_000)
    found = stage.vault.readings()
    assert [each[0].rstrip(b"\0").decode() for each in found] == ["report", *(f"weight.{n}" for n in range(10))]
    assert [each[3] for each in found[1:]] == [number * WAD // 100 for number in range(10)]


def test_readings__of_an_empty_vault_are_nothing(stage):
    stage.add(5_000)
    stage.vault.setRiskCap(RISK, UNLIMITED, 5_000, sender=OWNER)
    assert [list(each[1:]) for each in stage.vault.readings()] == [[0, 0, 0, DAY], [0, 0, 0, 0], [0, 0, 0, 0]]


# --- those who wait come first ---


def test_rebalance__places_nothing_of_what_is_waited_for(stage):
    strategy = stage.add(5_000)
    stage.deposit(FIRST, 1_000)
    stage.deposit(SECOND, 1_000)
    stage.vault.approve(stage.redemptions.address, MOST, sender=SECOND)
    stage.redemptions.requestRedeem(1_000 * 10**12, SECOND, SECOND, sender=SECOND)
    stage.vault.setWeight(strategy.address, 8_000, 10, sender=OWNER)
    stage.rebalance()
    assert stage.debt(strategy) == 1_000 * stage.unit, "1,600 should be, and 1,000 are somebody's who waits"


# --- retired strategies ---


def test_revoked__comes_home_with_its_profit(stage):
    one, two = lined_up(stage, 3_000, 3_000)
    stage.chain.wait(DAY)
    one.earn(30 * stage.unit, sender=KEEPER)
    stage.vault.revoke(one.address, sender=GUARDIAN)
    assert debts(stage, (one, two)) == [0, 300 * stage.unit]
    assert stage.vault.idle() == pytest.approx(730 * stage.unit, abs=2)
    assert list(stage.vault.strategy(one.address)[2:7]) == [0, 10_000, 0, 1, 0]


def test_revoked__books_what_it_keeps(stage):
    one, _ = lined_up(stage, 3_000, 3_000)
    one.setFault(SHORT, sender=KEEPER)
    stage.vault.revoke(one.address, sender=GUARDIAN)
    assert stage.vault.totalAssets() == stage.vault.idle() + 300 * stage.unit == 850 * stage.unit
    assert stage.vault.deficit() == 150 * stage.unit


def test_revoked__is_refused_of_who_is_not_listed(stage):
    for name, more in (("revoke", ()), ("removeStrategy", (0,)), ("setCap", (0, 0)), ("setWeight", (0, 1))):
        found = refused(getattr(stage.vault, name), STRANGER, *more, sender=OWNER)
        assert (found.name, found.values[0].lower()) == ("NotListed", STRANGER.lower())
    assert refused(stage.vault.setRisks, STRANGER, [], sender=OWNER).name == "NotListed"


def test_removed__costs_no_more_than_was_said(stage):
    one, two = lined_up(stage, 3_000, 3_000)
    one.setFault(SHORT, sender=KEEPER)
    found = refused(stage.vault.removeStrategy, one.address, 150 * stage.unit - 1, sender=OWNER)
    assert (found.name, found.values) == ("OverLimit", (150 * stage.unit, 150 * stage.unit - 1))
    stage.vault.removeStrategy(one.address, 150 * stage.unit, sender=OWNER)
    assert [each.lower() for each in stage.vault.queue()] == [two.address.lower()]
    assert list(stage.vault.strategy(one.address)) == [0] * 7 + [False, False]
    assert stage.vault.totalAssets() == 850 * stage.unit == stage.vault.idle() + stage.vault.totalDebt()


def test_removed__leaves_what_it_does_not_free_and_owes_it(stage):
    one, two = lined_up(stage, 3_000, 3_000)
    one.setFreeable(100 * stage.unit, sender=KEEPER)
    stage.vault.removeStrategy(one.address, 200 * stage.unit, sender=OWNER)
    left = stage.vault.strategy(one.address)[1]
    assert left == one.balanceOf(stage.vault.address) > 0
    assert stage.vault.totalAssets() == 800 * stage.unit
    one.setFreeable(MOST, sender=KEEPER)
    stage.vault.addStrategy(one.address, UNLIMITED, 10_000, 3_000, 10, False, sender=OWNER)
    stage.chain.wait(DAY)
    stage.vault.report(sender=KEEPER)
    assert stage.vault.totalAssets() + stage.vault.lockedProfit() == pytest.approx(1_000 * stage.unit, abs=2)


def test_removed__takes_the_vault_s_volatility_along(stage):
    strategies = [stage.add(1_000, volatile=volatile) for volatile in (False, True, True, False)]
    stage.deposit(FIRST, 1_000)
    stage.rebalance()
    for gone, volatile in ((1, True), (2, False)):
        stage.vault.removeStrategy(strategies[gone].address, 0, sender=OWNER)
        # a volatile vault asks what its strategies are worth at an entry
        with stage.chain.isolated():
            for each in strategies:
                each.earn(100 * stage.unit, sender=KEEPER)
            dearer = stage.vault.previewDeposit(stage.unit) < stage.vault.convertToShares(stage.unit)
        assert dearer is volatile
    left = [each.lower() for each in stage.vault.queue()]
    assert left == [strategies[0].address.lower(), strategies[3].address.lower()]


def test_shutdown__retires_all(stage):
    strategies = lined_up(stage, 3_000, 3_000)
    stage.vault.shutdown(sender=GUARDIAN)
    for each in strategies:
        assert list(stage.vault.strategy(each.address)[2:6]) == [0, 10_000, 0, 1]
    stage.rebalance()
    assert debts(stage, strategies) == [0, 0]
    assert stage.vault.idle() == 1_000 * stage.unit
    stage.vault.redeem(stage.vault.balanceOf(FIRST), FIRST, FIRST, sender=FIRST)
    assert stage.vault.totalSupply() == 0

"""What may be set, to the last unit: the values on both sides of each bound, and who may set them."""

import pytest

from ballast.fuzz.world import CURATOR, GUARDIAN, OWNER, STRANGER
from tests.revm_kit import FIRST, SECOND, THIRD, Stage, refused, stage
from tests.vault_kit import DAY, NOBODY, UNLIMITED

__all__ = ["stage"]

HOUR = 3_600
RISK, OTHER_RISK = (name.encode().ljust(32, b"\0") for name in ("risk", "other"))


@pytest.fixture
def ruled(stage):
    """Two strategies: the first with room to tighten and to loosen, the second at the end of its scale."""
    strategies = stage.add(3_000, cap=10**12, cap_bps=5_000), stage.add(2_000, cap=UNLIMITED, cap_bps=10_000)
    stage.vault.setRiskCap(RISK, 10**12, 5_000, sender=OWNER)
    stage.vault.setDepositLimit(10**12, sender=OWNER)
    stage.vault.setLossBudget(50, DAY, sender=OWNER)
    return stage, *strategies


#: places in what the vault tells of a strategy
CAP, CAP_BPS, TARGET, BAND, RISKS, LISTED, VOLATILE = range(2, 9)


#: function, arguments after the strategy if it is about one, who may call it so
MAY = [
    # within what is there already: the guardian, and the owner; beyond it: the owner alone
    ("setCap", (10**12, 5_000), "GO"),
    ("setCap", (10**12 - 1, 5_000), "GO"),
    ("setCap", (10**12, 4_999), "GO"),
    ("setCap", (10**12 + 1, 5_000), "O"),
    ("setCap", (10**12, 5_001), "O"),
    ("setCap", (0, 5_001), "O"),
    ("setCap", (10**12 + 1, 0), "O"),
    ("setRiskCap", (RISK, 10**12, 5_000), "GO"),
    ("setRiskCap", (RISK, 10**12 + 1, 5_000), "O"),
    ("setRiskCap", (RISK, 10**12, 5_001), "O"),
    ("setRiskCap", (RISK, 0, 5_001), "O"),
    ("setRiskCap", (OTHER_RISK, 0, 0), "O"),
    ("setDepositLimit", (10**12,), "GO"),
    ("setDepositLimit", (10**12 + 1,), "O"),
    ("setLossBudget", (50, DAY), "GO"),
    ("setLossBudget", (49, DAY + 1), "GO"),
    ("setLossBudget", (51, DAY), "O"),
    ("setLossBudget", (51, DAY + 1), "O"),
    ("setLossBudget", (50, DAY - 1), "O"),
    ("setLossBudget", (49, DAY - 1), "O"),
    # a wider band is the owner's, more weight the curator's too, and less weight the guardian's as well
    ("setWeight", (3_000, 10), "GCO"),
    ("setWeight", (2_999, 10), "GCO"),
    ("setWeight", (3_000, 9), "GCO"),
    ("setWeight", (3_001, 10), "CO"),
    ("setWeight", (3_001, 9), "CO"),
    ("setWeight", (3_000, 11), "O"),
    ("setWeight", (2_999, 11), "O"),
    ("pauseDeposits", (), "GO"),
    ("unpauseDeposits", (), "O"),
    ("shutdown", (), "GO"),
    ("setCurator", (THIRD,), "O"),
    ("setOwner", (THIRD,), "O"),
    ("setGuardian", (THIRD,), "O"),
    ("setGate", (THIRD,), "O"),
    ("setFees", (0, 0, THIRD), "O"),
    ("setPace", (HOUR, 1, 0), "O"),
    ("revoke", (), "GO"),
    ("removeStrategy", (0,), "O"),
    ("setRisks", ([RISK],), "O"),
]
OF_STRATEGY = {"setCap", "setWeight", "revoke", "removeStrategy", "setRisks"}


@pytest.mark.parametrize(("name", "arguments", "may"), MAY)
def test_rule__may_be_set_by_whom_it_belongs_to_and_by_nobody_else(ruled, name, arguments, may):
    stage, strategy, _ = ruled
    given = (strategy.address, *arguments) if name in OF_STRATEGY else arguments
    call = getattr(stage.vault, name)
    for who, account in (("G", GUARDIAN), ("C", CURATOR), ("O", OWNER), ("", STRANGER)):
        if who and who in may:
            with stage.chain.isolated():
                call(*given, sender=account)
        else:
            error = refused(call, *given, sender=account)
            assert (error.name, [each.lower() for each in error.values]) == ("Unauthorized", [account.lower()])


def test_queue__may_be_set_by_curator_and_owner(ruled):
    stage, one, two = ruled
    for who in (GUARDIAN, STRANGER):
        assert refused(stage.vault.setQueue, [two.address, one.address], sender=who).name == "Unauthorized"
    for who in (CURATOR, OWNER):
        with stage.chain.isolated():
            stage.vault.setQueue([two.address, one.address], sender=who)
            assert [each.lower() for each in stage.vault.queue()] == [two.address.lower(), one.address.lower()]


#: function, arguments after the strategy if it is about one, the error and its values; the owner calls
REFUSED = [
    ("setCap", (1, 10_001), "OverLimit", (10_001, 10_000)),
    ("setCap", (2**128, 1), "SafeCastOverflowedUintDowncast", (128, 2**128)),
    ("setRiskCap", (RISK, 1, 10_001), "OverLimit", (10_001, 10_000)),
    ("setRiskCap", (RISK, 2**128, 1), "SafeCastOverflowedUintDowncast", (128, 2**128)),
    ("setDepositLimit", (2**128,), "SafeCastOverflowedUintDowncast", (128, 2**128)),
    ("setLossBudget", (10_001, DAY), "OverLimit", (10_001, 10_000)),
    ("setLossBudget", (1, HOUR - 1), "UnderLimit", (HOUR - 1, HOUR)),
    ("setLossBudget", (1, 2**32), "OverLimit", (2**32, 2**32 - 1)),
    ("setWeight", (1, 0), "UnderLimit", (0, 1)),
    ("setWeight", (1, 10_001), "OverLimit", (10_001, 10_000)),
    ("setWeight", (10_001, 1), "OverLimit", (10_001, 10_000)),
    ("setWeight", (8_001, 1), "OverLimit", (10_001, 10_000)),
    ("setFees", (5_001, 0, THIRD), "OverLimit", (5_001, 5_000)),
    ("setFees", (0, 501, THIRD), "OverLimit", (501, 500)),
    ("setFees", (0, 0, NOBODY), "ZeroAddress", ()),
    ("setPace", (HOUR - 1, 1, 0), "UnderLimit", (HOUR - 1, HOUR)),
    ("setPace", (HOUR, 0, 0), "UnderLimit", (0, 1)),
    ("setPace", (HOUR, 1, 65_536), "OverLimit", (65_536, 65_535)),
    ("setPace", (2**24, 1, 0), "SafeCastOverflowedUintDowncast", (24, 2**24)),
    ("setPace", (HOUR, 2**24, 0), "SafeCastOverflowedUintDowncast", (24, 2**24)),
    ("setCurator", (NOBODY,), "ZeroAddress", ()),
    ("setOwner", (NOBODY,), "ZeroAddress", ()),
    ("setGuardian", (NOBODY,), "ZeroAddress", ()),
    ("setRisks", ([RISK, OTHER_RISK],), "UnknownRisk", (OTHER_RISK,)),
]


@pytest.mark.parametrize(("name", "arguments", "error", "values"), REFUSED)
def test_rule__beyond_its_bound_is_refused(ruled, name, arguments, error, values):
    stage, strategy, _ = ruled
    given = (strategy.address, *arguments) if name in OF_STRATEGY else arguments
    found = refused(getattr(stage.vault, name), *given, sender=OWNER)
    assert (found.name, found.values) == (error, values)


def test_rules__at_their_bounds_are_set(ruled):
    stage, one, _ = ruled
    vault = stage.vault
    vault.setCap(one.address, UNLIMITED, 10_000, sender=OWNER)
    vault.setWeight(one.address, 8_000, 10_000, sender=OWNER)
    told = vault.strategy(one.address)
    assert list(told[CAP:RISKS]) == [UNLIMITED, 10_000, 8_000, 10_000]
    vault.setWeight(one.address, 0, 1, sender=OWNER)
    vault.setRiskCap(RISK, UNLIMITED, 10_000, sender=OWNER)
    assert [tuple(each) for each in vault.risks()] == [(RISK, UNLIMITED, 10_000)]
    vault.setDepositLimit(UNLIMITED, sender=OWNER)
    assert vault.depositLimit() == UNLIMITED
    for budget in ((10_000, HOUR), (0, 2**32 - 1)):
        vault.setLossBudget(*budget, sender=OWNER)
        assert tuple(vault.lossBudget())[:2] == budget
    for fees in ((5_000, 500, THIRD), (0, 0, SECOND)):
        vault.setFees(*fees, sender=OWNER)
        assert (vault.performanceFeeBps(), vault.managementFeeBps(), vault.feeRecipient().lower()) == (
            *fees[:2],
            fees[2].lower(),
        )
    for pace in ((HOUR, 1, 65_535), (2**24 - 1, 2**24 - 1, 0)):
        vault.setPace(*pace, sender=OWNER)
        assert (vault.unlockPeriod(), vault.reportPeriod(), vault.growthCapBps()) == pace
    vault.setGate(THIRD, sender=OWNER)
    assert vault.gate().lower() == THIRD.lower()
    vault.setCurator(THIRD, sender=OWNER)
    vault.setGuardian(THIRD, sender=OWNER)
    vault.setOwner(THIRD, sender=OWNER)
    assert {each().lower() for each in (vault.curator, vault.guardian, vault.owner)} == {THIRD.lower()}


def test_risks__are_borne_as_assigned(ruled):
    stage, one, two = ruled
    vault = stage.vault
    vault.setRiskCap(OTHER_RISK, 7, 8, sender=OWNER)
    vault.setRisks(one.address, [OTHER_RISK], sender=OWNER)
    vault.setRisks(two.address, [RISK, OTHER_RISK], sender=OWNER)
    assert [vault.strategy(each.address)[RISKS] for each in (one, two)] == [0b10, 0b11]
    assert [tuple(each) for each in vault.risks()] == [(RISK, 10**12, 5_000), (OTHER_RISK, 7, 8)]
    vault.setRiskCap(OTHER_RISK, 6, 8, sender=GUARDIAN)
    assert [tuple(each) for each in vault.risks()] == [(RISK, 10**12, 5_000), (OTHER_RISK, 6, 8)]


def test_queue__that_is_not_the_strategies_is_refused(ruled):
    stage, one, two = ruled
    vault = stage.vault
    three = stage.make("StrategyStandIn", stage.token.address)
    for wrong, error in (
        ([one.address], "QueueMismatch"),
        ([one.address, two.address, two.address], "QueueMismatch"),
        ([one.address, one.address], "QueueMismatch"),
        ([one.address, three.address], "NotListed"),
    ):
        assert refused(vault.setQueue, wrong, sender=CURATOR).name == error


def test_strategies__are_ten_at_most(stage):
    vault = stage.vault
    strategies = [stage.add(1_000) for _ in range(10)]
    assert [each.lower() for each in vault.queue()] == [each.address.lower() for each in strategies]
    more = stage.make("StrategyStandIn", stage.token.address)
    found = refused(vault.addStrategy, more.address, 1, 1, 0, 1, False, sender=OWNER)
    assert (found.name, found.values) == ("QueueFull", (10,))
    vault.removeStrategy(strategies[4].address, 0, sender=OWNER)
    left = [each.address.lower() for each in (*strategies[:4], *strategies[5:])]
    assert [each.lower() for each in vault.queue()] == left
    vault.addStrategy(more.address, 1, 1, 0, 1, False, sender=OWNER)
    assert [each.lower() for each in vault.queue()] == [*left, more.address.lower()]


def test_strategy__that_does_not_fit_is_not_added(ruled):
    stage, one, _ = ruled
    vault = stage.vault
    other = stage.make("StrategyStandIn", stage.make("TokenStandIn", 6).address)
    for wrong, error in (
        (one.address, "AlreadyListed"),
        (other.address, "WrongAsset"),
        (vault.address, "WrongAsset"),
        (THIRD, "WrongAsset"),
        (stage.token.address, "WrongAsset"),
    ):
        found = refused(vault.addStrategy, wrong, 1, 1, 0, 1, False, sender=OWNER)
        assert (found.name, found.values[0].lower()) == (error, wrong.lower())
    assert refused(vault.addStrategy, other.address, 1, 1, 0, 1, False, sender=OWNER).values[1].lower() == (
        other.asset().lower()
    )


def test_strategy__is_volatile_when_the_owner_or_it_says_so(stage):
    vault = stage.vault
    for says, owner_says in ((False, False), (False, True), (True, False), (True, True)):
        strategy = stage.make("StrategyStandIn", stage.token.address)
        strategy.setVolatile(says, sender=OWNER)
        vault.addStrategy(strategy.address, 1, 1, 0, 1, owner_says, sender=OWNER)
        assert list(vault.strategy(strategy.address)[LISTED:]) == [True, says or owner_says]


def test_shutdown__lets_tighten_and_not_loosen(ruled):
    stage, one, _ = ruled
    vault = stage.vault
    vault.shutdown(sender=GUARDIAN)
    assert vault.isShutdown() and vault.paused()
    spare = stage.make("StrategyStandIn", stage.token.address)
    for name, arguments in (
        ("setCap", (one.address, 1, 5_000)),
        ("setCap", (one.address, 0, 5_001)),
        ("setWeight", (one.address, 0, 1)),
        ("addStrategy", (spare.address, 1, 1, 0, 1, False)),
        ("unpauseDeposits", ()),
    ):
        assert refused(getattr(vault, name), *arguments, sender=OWNER).name == "IsShutdown", name
    vault.setCap(one.address, 0, 5_000, sender=GUARDIAN)
    vault.setCap(one.address, 0, 4_000, sender=GUARDIAN)
    assert vault.maxDeposit(FIRST) == vault.maxMint(FIRST) == 0


def test_fees__changed_later_charge_the_past_as_it_was():
    stage = Stage(terms={"managementFeeBps": 200})
    stage.add(10_000)
    stage.deposit(FIRST, 1_000)
    stage.rebalance()
    stage.chain.wait(73 * DAY)  # a fifth of a year
    assert stage.vault.managementFeeOwed() == 4 * stage.unit
    stage.vault.setFees(0, 0, THIRD, sender=OWNER)
    stage.chain.wait(73 * DAY)
    assert stage.vault.managementFeeOwed() == 4 * stage.unit
    stage.vault.setFees(0, 100, THIRD, sender=OWNER)
    stage.chain.wait(73 * DAY)
    assert stage.vault.managementFeeOwed() == 6 * stage.unit

"""What the vault and its redemptions tell the world: every event, in order, with all that it says, and none besides."""

import pytest

from ballast.fuzz.world import CURATOR, FEE_RECIPIENT, GUARDIAN, KEEPER, OWNER, STRANGER
from tests.revm_kit import FIRST, MOST, SECOND, THIRD, Stage, stage
from tests.vault_kit import DAY, KEEPS_SHARES, NOBODY, REVERTS, SHORT, UNLIMITED

__all__ = ["stage"]

RISK, OTHER_RISK = (name.encode().ljust(32, b"\0") for name in ("risk", "other"))
FEES = {"performanceFeeBps": 1_000, "managementFeeBps": 100}


def told(stage, *contracts):
    """Name and values of what the vault (or `contracts`) told in the last transaction, in order."""
    addresses = [each.address for each in contracts or (stage.vault,)]
    return [
        (each.name, {key: _plain(value) for key, value in each.values.items()})
        for each in stage.chain.events()
        if each.address in addresses
    ]


def _plain(value):
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value.lower() if isinstance(value, str) else value


def event(name, **values):
    return name, {key: _plain(getattr(value, "address", value)) for key, value in values.items()}


def text(name):
    return name.encode().ljust(32, b"\0")


RULES = {
    "pauseDeposits": (GUARDIAN, (), event("DepositsPaused", paused=True)),
    "unpauseDeposits": (OWNER, (), event("DepositsPaused", paused=False)),
    "setDepositLimit": (OWNER, (7,), event("DepositLimitSet", assets=7)),
    "setLossBudget": (OWNER, (77, 2 * DAY), event("LossBudgetSet", budgetBps=77, window=2 * DAY)),
    "setRiskCap": (OWNER, (RISK, 11, 222), event("RiskCapSet", risk=RISK, cap=11, capBps=222)),
    "setCurator": (OWNER, (THIRD,), event("RoleSet", role=text("curator"), account=THIRD)),
    "setOwner": (OWNER, (THIRD,), event("RoleSet", role=text("owner"), account=THIRD)),
    "setGuardian": (OWNER, (THIRD,), event("RoleSet", role=text("guardian"), account=THIRD)),
    "setFees": (
        OWNER,
        (12, 34, THIRD),
        event("FeesSet", performanceFeeBps=12, managementFeeBps=34, recipient=THIRD),
    ),
    "setPace": (
        OWNER,
        (5 * DAY, 6 * DAY, 789),
        event("PaceSet", unlockPeriod=5 * DAY, reportPeriod=6 * DAY, growthCapBps=789),
    ),
    "setGate": (OWNER, (THIRD,), event("GateSet", gate=THIRD)),
}


@pytest.mark.parametrize("name", RULES)
def test_rule__is_told_with_what_it_is_now(stage, name):
    sender, arguments, expected = RULES[name]
    getattr(stage.vault, name)(*arguments, sender=sender)
    assert told(stage) == [expected]


def test_rules__of_strategies_are_told(stage):
    vault, chain = stage.vault, stage.chain
    first, second = (
        stage.make("StrategyStandIn", stage.token.address),
        stage.make("StrategyStandIn", stage.token.address),
    )
    vault.addStrategy(first.address, 10**12, 8_000, 3_000, 15, False, sender=OWNER)
    assert told(stage) == [
        event("StrategyAdded", strategy=first, isVolatile=False),
        event("CapSet", strategy=first, cap=10**12, capBps=8_000),
        event("WeightSet", strategy=first, targetBps=3_000, bandBps=15),
    ]
    vault.addStrategy(second.address, UNLIMITED, 10_000, 0, 1, True, sender=OWNER)
    assert told(stage)[0] == event("StrategyAdded", strategy=second, isVolatile=True)
    vault.setCap(first.address, 10**11, 7_000, sender=GUARDIAN)
    assert told(stage) == [event("CapSet", strategy=first, cap=10**11, capBps=7_000)]
    vault.setWeight(first.address, 2_000, 12, sender=CURATOR)
    assert told(stage) == [event("WeightSet", strategy=first, targetBps=2_000, bandBps=12)]
    vault.setQueue([second.address, first.address], sender=CURATOR)
    assert told(stage) == [event("QueueSet", queue=[second.address, first.address])]
    vault.setRiskCap(RISK, 1, 2, sender=OWNER)
    vault.setRisks(first.address, [RISK], sender=OWNER)
    assert told(stage) == [event("RisksSet", strategy=first, risks=[RISK])]
    with chain.isolated():
        vault.removeStrategy(second.address, 0, sender=OWNER)
        assert told(stage) == [event("StrategyRemoved", strategy=second, loss=0)]
    with chain.isolated():
        vault.revoke(first.address, sender=GUARDIAN)
        assert told(stage) == [
            event("CapSet", strategy=first, cap=0, capBps=7_000),
            event("WeightSet", strategy=first, targetBps=0, bandBps=1),
        ]
    vault.shutdown(sender=GUARDIAN)
    assert told(stage) == [
        event("CapSet", strategy=second, cap=0, capBps=10_000),
        event("WeightSet", strategy=second, targetBps=0, bandBps=1),
        event("CapSet", strategy=first, cap=0, capBps=7_000),
        event("WeightSet", strategy=first, targetBps=0, bandBps=1),
        event("Shutdown"),
    ]


def test_making__tells_roles_and_terms():
    stage = Stage(terms=FEES)
    parts = [stage.make(name).address for name in ("VaultBooks", "VaultRules", "VaultViews")]
    roles = (OWNER, GUARDIAN, CURATOR, FEE_RECIPIENT)
    config = (stage.token.address, "Told", "T", *roles, 1_000, 100, 500, 5 * DAY, DAY, 60, 2 * DAY)
    vault = stage.make("Vault", config, *parts)
    assert told(stage, vault) == [
        event("RoleSet", role=text("owner"), account=OWNER),
        event("RoleSet", role=text("guardian"), account=GUARDIAN),
        event("RoleSet", role=text("curator"), account=CURATOR),
        event("FeesSet", performanceFeeBps=1_000, managementFeeBps=100, recipient=FEE_RECIPIENT),
        event("PaceSet", unlockPeriod=5 * DAY, reportPeriod=DAY, growthCapBps=500),
        event("LossBudgetSet", budgetBps=60, window=2 * DAY),
    ]


def test_shares__that_change_hands_are_told(stage):
    vault, unit = stage.vault, stage.unit
    vault.deposit(unit, SECOND, sender=FIRST)
    shares = unit * 10**6
    assert told(stage) == [
        event("Transfer", **{"from": NOBODY, "to": SECOND, "value": shares}),
        event("Deposit", sender=FIRST, owner=SECOND, assets=unit, shares=shares),
    ]
    vault.transfer(THIRD, 5, sender=SECOND)
    assert told(stage) == [event("Transfer", **{"from": SECOND, "to": THIRD, "value": 5})]
    vault.approve(THIRD, 9, sender=SECOND)
    assert told(stage) == [event("Approval", owner=SECOND, spender=THIRD, value=9)]
    vault.redeem(shares - 5, FIRST, SECOND, sender=SECOND)
    assert told(stage) == [
        event("Transfer", **{"from": SECOND, "to": NOBODY, "value": shares - 5}),
        event("Withdraw", sender=SECOND, receiver=FIRST, owner=SECOND, assets=unit - 1, shares=shares - 5),
    ]


@pytest.fixture
def working():
    """A thousand tokens, half of them in one strategy and 400 in another, with fees."""
    stage = Stage(terms=FEES)
    strategies = stage.add(5_000), stage.add(4_000)
    stage.deposit(FIRST, 1_000)
    stage.rebalance()
    return stage, *strategies


def test_moves__are_told(working):
    stage, first, second = working
    unit = stage.unit
    assert told(stage) == [
        event("Allocated", strategy=first, assets=500 * unit, debt=500 * unit),
        event("Allocated", strategy=second, assets=400 * unit, debt=400 * unit),
    ]
    stage.vault.setWeight(first.address, 1_000, 10, sender=CURATOR)
    stage.rebalance()
    assert told(stage) == [event("Allocated", strategy=first, assets=-400 * unit, debt=100 * unit)]


def test_report__tells_losses_profits_and_fees(working):
    stage, first, second = working
    vault, unit = stage.vault, stage.unit
    stage.chain.wait(365 * DAY // 10)
    first.earn(100 * unit, sender=KEEPER)
    second.lose(unit, sender=KEEPER)
    owed = vault.managementFeeOwed()
    assert owed == 900 * unit // 1_000, "1 % a year of the debt for a tenth of one"
    profit, loss = vault.report(sender=KEEPER)
    events = told(stage)
    # a strategy that has earned rounds down
    assert (profit, loss) == (100 * unit - 1, unit)
    minted, fee = vault.balanceOf(FEE_RECIPIENT), (profit - loss) // 10 + owed
    assert events == [
        event("Reported", strategy=second, profit=0, loss=loss, debt=400 * unit - loss),
        event("Reported", strategy=first, profit=profit, loss=0, debt=500 * unit + profit),
        event("Transfer", **{"from": NOBODY, "to": FEE_RECIPIENT, "value": minted}),
        event("FeesTaken", assets=fee, shares=minted),
    ]
    # once all is unlocked the shares are worth the fee, rounded down
    stage.chain.wait(10 * DAY)
    assert fee - vault.convertToAssets(minted) in (0, 1)


def test_strategy__that_fails_is_told(working):
    stage, first, second = working
    skipped = event("StrategySkipped", strategy=first)
    first.setFault(REVERTS, sender=KEEPER)
    stage.vault.report(sender=KEEPER)
    assert told(stage) == [skipped]
    stage.vault.setWeight(second.address, 3_000, 10, sender=CURATOR)
    stage.vault.setWeight(first.address, 4_000, 10, sender=CURATOR)
    stage.rebalance()
    assert skipped in told(stage)
    stage.vault.redeemInKind(10**9, THIRD, FIRST, 10_000, sender=FIRST)
    assert told(stage)[0] == skipped
    # its mark cannot be read, and shares are handed over all the same
    assert [name for name, _ in told(stage)] == ["StrategySkipped", "Transfer", "InKind", "InKind", "Withdraw"]
    first.setFault(KEEPS_SHARES, sender=KEEPER)
    stage.vault.redeemInKind(10**9, THIRD, FIRST, 10_000, sender=FIRST)
    assert [name for name, _ in told(stage)] == ["Transfer", "StrategySkipped", "InKind", "Withdraw"]


def test_in_kind_exit__tells_what_was_handed_over(working):
    stage, first, second = working
    unit, shares = stage.unit, 10**8 * stage.unit  # a tenth
    assets, (some, more) = stage.vault.redeemInKind(shares, THIRD, FIRST, 0, sender=FIRST)
    events = told(stage)
    assert assets == 10 * unit
    assert (first.balanceOf(THIRD), second.balanceOf(THIRD)) == (some, more)
    assert events == [
        event("Transfer", **{"from": FIRST, "to": NOBODY, "value": shares}),
        event("InKind", strategy=first, receiver=THIRD, strategyShares=some, debt=50 * unit),
        event("InKind", strategy=second, receiver=THIRD, strategyShares=more, debt=40 * unit),
        event("Withdraw", sender=FIRST, receiver=THIRD, owner=FIRST, assets=100 * unit, shares=shares),
    ]


def test_exit__that_costs_tells_what_it_cost(working):
    stage, first, second = working
    unit = stage.unit
    first.setFault(SHORT, sender=KEEPER)
    assets = stage.vault.redeem(2 * 10**8 * unit, FIRST, FIRST, 10_000, sender=FIRST)
    assert assets == 150 * unit, "of 200 a hundred is idle, and half of the rest is kept"
    assert told(stage) == [
        event("Allocated", strategy=first, assets=-50 * unit, debt=400 * unit),
        event("StrategyShort", strategy=first, asked=100 * unit, cost=50 * unit),
        event("Allocated", strategy=second, assets=-50 * unit, debt=350 * unit),
        event("Transfer", **{"from": FIRST, "to": NOBODY, "value": 2 * 10**8 * unit}),
        event("Withdraw", sender=FIRST, receiver=FIRST, owner=FIRST, assets=assets, shares=2 * 10**8 * unit),
    ]


def test_redemptions__tell_who_and_how_much(stage):
    vault, queue, unit = stage.vault, stage.redemptions, stage.unit
    stage.deposit(FIRST, 100)
    vault.approve(queue.address, MOST, sender=FIRST)
    queue.setOperator(STRANGER, True, sender=FIRST)
    assert told(stage, queue) == [event("OperatorSet", controller=FIRST, operator=STRANGER, approved=True)]
    queue.setOperator(FIRST, True, sender=SECOND)
    shares = 10 * 10**6 * unit
    queue.requestRedeem(shares, SECOND, FIRST, sender=FIRST)
    assert told(stage, queue) == [
        event("RedeemRequest", controller=SECOND, owner=FIRST, requestId=0, sender=FIRST, shares=shares)
    ]
    queue.fulfil(shares // 4, sender=KEEPER)
    assert told(stage, queue) == [
        event("Fulfilled", shares=shares // 4, assets=10 * unit // 4, waiting=shares - shares // 4)
    ]
    queue.fulfil(sender=KEEPER)
    rest = shares - shares // 4
    assert told(stage, queue) == [event("Fulfilled", shares=rest, assets=10 * unit - 10 * unit // 4, waiting=0)]
    queue.redeem(shares // 2, THIRD, SECOND, sender=FIRST)
    assert told(stage, queue) == [
        event("Withdraw", sender=FIRST, receiver=THIRD, owner=SECOND, assets=5 * unit, shares=shares // 2)
    ]

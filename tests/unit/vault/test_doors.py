"""What is closed in the middle of a call of the vault's, or of its redemptions: every call that changes something."""

import pytest

from ballast.fuzz.world import KEEPER, OWNER, STRANGER
from tests.revm_kit import FIRST, MOST, SECOND, refused, stage
from tests.vault_kit import DAY, UNLIMITED

__all__ = ["stage"]

CLOSED = bytes.fromhex("3ee5aeb5")  # ReentrancyGuardReentrantCall()
RISK = b"risk".ljust(32, b"\0")

OF_VAULT = {
    "deposit": lambda _: (1, STRANGER),
    "mint": lambda _: (1, STRANGER),
    "withdraw": lambda _: (1, STRANGER, STRANGER),
    "redeem": lambda _: (1, STRANGER, STRANGER),
    "redeemInKind": lambda _: (1, STRANGER, STRANGER, 0),
    "report": lambda _: (),
    "rebalance": lambda _: (),
    "revoke": lambda strategy: (strategy,),
    "shutdown": lambda _: (),
    "removeStrategy": lambda strategy: (strategy, 0),
    "setCap": lambda strategy: (strategy, 0, 0),
    "setRiskCap": lambda _: (RISK, 0, 0),
    "setDepositLimit": lambda _: (0,),
    "setLossBudget": lambda _: (0, DAY),
    "setWeight": lambda strategy: (strategy, 0, 1),
    "setQueue": lambda strategy: ([strategy],),
    "addStrategy": lambda strategy: (strategy, UNLIMITED, 1, 1, 1, False),
    "setRisks": lambda strategy: (strategy, []),
    "setFees": lambda _: (0, 0, STRANGER),
    "setPace": lambda _: (DAY, DAY, 0),
    "setGate": lambda _: (STRANGER,),
}
OF_REDEMPTIONS = {
    "requestRedeem": (1, STRANGER, STRANGER),
    "redeem": (1, STRANGER, STRANGER),
    "withdraw": (1, STRANGER, STRANGER),
    "fulfil": (1,),
}


@pytest.mark.parametrize("name", OF_VAULT)
def test_vault__is_closed_in_the_middle_of_an_exit(stage, name):
    strategy = stage.add()
    stage.deposit(FIRST, 10)
    stage.rebalance()
    call = getattr(stage.vault, name).data(*OF_VAULT[name](strategy.address))
    strategy.setCallback(stage.vault.address, call, sender=OWNER)
    stage.vault.withdraw(stage.unit, FIRST, FIRST, sender=FIRST)
    assert (strategy.reentered(), strategy.answer()) == (False, CLOSED)


@pytest.mark.parametrize("name", ["rebalance", "revoke", "removeStrategy", "withdraw", "redeem"])
def test_vault__closes_in_every_call_that_moves_a_strategy(stage, name):
    strategy = stage.add(5_000)
    stage.deposit(FIRST, 10)
    if name != "rebalance":
        stage.rebalance()
    strategy.setCallback(stage.vault.address, stage.vault.report.data(), sender=OWNER)
    arguments, sender = {
        "rebalance": ((), KEEPER),
        "revoke": ((strategy.address,), OWNER),
        "removeStrategy": ((strategy.address, 0), OWNER),
        "withdraw": ((6 * stage.unit, FIRST, FIRST), FIRST),
        "redeem": ((6 * stage.unit * 10**6, FIRST, FIRST), FIRST),
    }[name]
    getattr(stage.vault, name)(*arguments, sender=sender)
    assert (strategy.reentered(), strategy.answer()) == (False, CLOSED)


def test_vault__closes_in_an_exit_in_kind(stage):
    """The token calls back when it pays; a report would be seen by its time."""
    stage.add(5_000)
    stage.deposit(FIRST, 10)
    stage.rebalance()
    intruder = stage.make("IntruderStandIn")
    intruder.arm(stage.vault.address, stage.vault.report.data(), sender=OWNER)
    stage.token.setHook(intruder.address, sender=OWNER)
    before = stage.vault.lastReport()
    stage.chain.wait(DAY)
    stage.vault.redeemInKind(10**12, FIRST, FIRST, 0, sender=FIRST)
    assert stage.vault.lastReport() == before
    stage.token.transfer(SECOND, 1, sender=FIRST)
    assert stage.vault.lastReport() == before, "the intruder calls but once"
    intruder.arm(stage.vault.address, stage.vault.report.data(), sender=OWNER)
    stage.token.transfer(SECOND, 1, sender=FIRST)
    assert stage.vault.lastReport() == stage.chain.now, "and would have got through"


def waiting(stage):
    """A strategy at work, and a holder who waits for what it has."""
    strategy = stage.add()
    stage.deposit(FIRST, 10)
    stage.deposit(SECOND, 10)
    stage.rebalance()
    for holder in (FIRST, SECOND):
        stage.vault.approve(stage.redemptions.address, MOST, sender=holder)
        stage.redemptions.requestRedeem(5 * stage.unit * 10**6, holder, holder, sender=holder)
    return strategy


@pytest.mark.parametrize("name", OF_REDEMPTIONS)
def test_redemptions__are_closed_in_the_middle_of_a_fulfilment(stage, name):
    strategy = waiting(stage)
    call = getattr(stage.redemptions, name).data(*OF_REDEMPTIONS[name])
    strategy.setCallback(stage.redemptions.address, call, sender=OWNER)
    stage.redemptions.fulfil(sender=KEEPER)
    assert (strategy.reentered(), strategy.answer()) == (False, CLOSED)


@pytest.mark.parametrize("way", ["redeem", "withdraw"])
def test_claim__closes_the_redemptions_while_it_pays(stage, way):
    """The token calls an intruder, who has something to claim too: not now."""
    waiting(stage)
    intruder, queue, shares = stage.make("IntruderStandIn"), stage.redemptions, stage.unit * 10**6
    stage.vault.transfer(intruder.address, shares, sender=FIRST)
    approve = stage.vault.address, stage.vault.approve.data(queue.address, MOST)
    request = queue.address, queue.requestRedeem.data(shares, intruder.address, intruder.address)
    intruder.run([approve, request], sender=OWNER)
    queue.fulfil(sender=KEEPER)
    amount = stage.unit if way == "withdraw" else shares
    claim = getattr(queue, way).data(amount, intruder.address, intruder.address)
    intruder.arm(queue.address, claim, sender=OWNER)
    stage.token.setHook(intruder.address, sender=OWNER)
    getattr(queue, way)(amount, SECOND, FIRST, sender=FIRST)
    assert queue.maxRedeem(FIRST) == 4 * shares
    assert queue.maxRedeem(intruder.address) == shares
    intruder.arm(queue.address, claim, sender=OWNER)
    stage.token.transfer(SECOND, 1, sender=FIRST)
    assert queue.maxRedeem(intruder.address) == 0, "at another time it gets through"


def test_waiting__is_said_by_the_redemptions_alone(stage):
    for who in (STRANGER, OWNER, FIRST):
        assert refused(stage.vault.setWaiting, True, sender=who).name == "Unauthorized"

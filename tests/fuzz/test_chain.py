"""The small interface does the same on revm and on anvil, and none of pyrevm's habits shows."""

import pytest

from ballast import mainnet
from ballast.fuzz.chain import OK, FuzzError, Reverted
from ballast.fuzz.world import CURATOR, DEPOSITORS, FEE_RECIPIENT, GUARDIAN, KEEPER, OWNER, STRANGER

DEPOSITOR = DEPOSITORS[0]
UNIT = 10**6


@pytest.fixture
def coin(build, any_chain):
    made = build.make(any_chain, "TokenStandIn", 6, sender=OWNER)
    made.mint(DEPOSITOR, 1_000 * UNIT, sender=OWNER)
    return made


@pytest.fixture
def held_vault(build, any_chain, coin):
    code = [build.make(any_chain, name, sender=OWNER).address for name in ("VaultBooks", "VaultRules", "VaultViews")]
    roles = (OWNER, GUARDIAN, CURATOR, FEE_RECIPIENT)
    terms = (0, 0, 65_535, 864_000, 86_400, 100, 86_400)
    made = build.make(any_chain, "Vault", (coin.address, "Test", "T", *roles, *terms), *code, sender=OWNER)
    coin.approve(made.address, 2**256 - 1, sender=DEPOSITOR)
    return made


def test_send__returns_the_answer_and_the_events(any_chain, held_vault):
    assert held_vault.deposit(7, DEPOSITOR, sender=DEPOSITOR) == 7 * 10**6
    event = next(each for each in any_chain.events() if each.name == "Deposit")
    assert event.address == held_vault.address
    assert event.values == {"assets": 7, "shares": 7 * 10**6, "sender": DEPOSITOR, "owner": DEPOSITOR}


def test_send__names_a_custom_error_and_its_values(any_chain, held_vault):
    with pytest.raises(Reverted, match="Unauthorized") as caught:
        held_vault.setGuardian(STRANGER, sender=STRANGER)
    assert caught.value.values == (STRANGER,)
    assert ("setGuardian(address)", "Unauthorized") in any_chain.reached
    assert ("setGuardian(address)", OK) not in any_chain.reached
    assert ("mint(address,uint256)", OK) in any_chain.reached


def test_send__names_errors_of_libraries(any_chain, held_vault):
    with pytest.raises(Reverted, match="ERC20InsufficientBalance"):
        held_vault.transfer(STRANGER, 1, sender=DEPOSITOR)
    with pytest.raises(Reverted, match="SafeCastOverflowedUintDowncast"):
        held_vault.setPace(2**255, 1, 1, sender=OWNER)


def test_send__leaves_nothing_of_a_revert(any_chain, held_vault, coin):
    held_vault.deposit(7, DEPOSITOR, sender=DEPOSITOR)
    with pytest.raises(Reverted):
        held_vault.deposit(10**40, DEPOSITOR, sender=DEPOSITOR)
    assert held_vault.totalAssets() == 7
    assert not held_vault.locked()
    assert coin.balanceOf(DEPOSITOR) == 1_000 * UNIT - 7


def test_send__is_a_transaction_of_its_own(any_chain, held_vault):
    """Transient storage would still say that this transaction has deposited."""
    held_vault.deposit(7, DEPOSITOR, sender=DEPOSITOR)
    held_vault.report(sender=KEEPER)
    with any_chain.isolated():
        held_vault.deposit(7, DEPOSITOR, sender=DEPOSITOR)
    held_vault.report(sender=KEEPER)


def test_view__is_not_for_what_changes_state(any_chain, held_vault):
    with pytest.raises(FuzzError, match="name a sender"):
        held_vault.report()


def test_time__stands_still_but_for_wait(any_chain, held_vault):
    before = any_chain.now, any_chain.block
    held_vault.deposit(7, DEPOSITOR, sender=DEPOSITOR)
    held_vault.report(sender=KEEPER)
    assert (any_chain.now, any_chain.block) == (before[0], before[1] + 2)
    assert held_vault.lastReport() == before[0]
    any_chain.wait(1_000)
    held_vault.report(sender=KEEPER)
    assert held_vault.lastReport() == before[0] + 1_000 == any_chain.now


def test_snapshot__brings_back_storage_time_and_block(any_chain, held_vault, coin):
    outer = any_chain.snapshot()
    at = any_chain.now, any_chain.block
    held_vault.deposit(7, DEPOSITOR, sender=DEPOSITOR)
    inner = any_chain.snapshot()
    any_chain.wait(5)
    held_vault.deposit(7, DEPOSITOR, sender=DEPOSITOR)
    any_chain.snapshot()
    any_chain.restore(inner)
    assert held_vault.totalAssets() == 7
    any_chain.restore(outer)
    assert (held_vault.totalAssets(), any_chain.now, any_chain.block) == (0, *at)
    with pytest.raises(FuzzError, match="forgotten"):
        any_chain.restore(inner)


def test_snapshot__can_be_taken_ever_again(any_chain, held_vault):
    """More often than calls may nest: each snapshot left behind would deepen all calls to come."""
    times = 1_500 if type(any_chain).__name__ == "Revm" else 3
    outer = any_chain.snapshot()
    for _ in range(times):
        with any_chain.isolated():
            any_chain.snapshot()
            held_vault.deposit(7, DEPOSITOR, sender=DEPOSITOR)
    any_chain.restore(outer)
    assert held_vault.deposit(7, DEPOSITOR, sender=DEPOSITOR) == 7 * 10**6


def test_send__that_waits_for_others_that_are_gone_is_sent_again(anvil, build, monkeypatch):
    """As anvil has it now and then after going back to a snapshot: a nonce too high."""
    coin = build.make(anvil, "TokenStandIn", 6, sender=OWNER)
    request, waited = anvil._request, []

    def gapped(method, *params):
        if method == "eth_sendTransaction" and not waited:
            nonce = int(request("eth_getTransactionCount", params[0]["from"], "latest"), 16) + 3
            waited.append(request(method, params[0] | {"nonce": hex(nonce)}))
            return waited[0]
        return request(method, *params)

    monkeypatch.setattr(anvil, "_request", gapped)
    coin.mint(DEPOSITOR, 7, sender=OWNER)
    assert coin.balanceOf(DEPOSITOR) == 7
    assert request("eth_getTransactionReceipt", waited[0]) is None


def test_deal__gives_any_token(any_chain, build):
    usdc = build.at(any_chain, "TokenStandIn", mainnet.USDC)
    with any_chain.isolated():
        any_chain.deal(usdc.address, STRANGER, 5 * UNIT)
        usdc.transfer(DEPOSITOR, 2 * UNIT, sender=STRANGER)
        assert usdc.balanceOf(STRANGER) == 3 * UNIT
    assert usdc.balanceOf(STRANGER) == 0


def test_state__of_the_replica_is_the_same_on_both(revm, anvil, build):
    readings = []
    for chain in (revm, anvil):
        usdc = build.at(chain, "TokenStandIn", mainnet.USDC)
        pool = chain.code(mainnet.AAVE_POOL)
        readings.append((usdc.totalSupply(), usdc.decimals(), pool, chain.storage(mainnet.USDC, 9)))
    assert readings[0] == readings[1]

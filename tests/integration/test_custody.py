"""Custody end to end: the Safe proposes, the timelock waits, anyone executes, the guardian cancels; every role against
every function that changes state."""

import pytest

from ballast import deployment, mainnet
from ballast import properties as P
from ballast.deployment import Call, Timelock, describe
from ballast.deployment.node import Reverted, encode_call, signature_of
from ballast.deployment.safe import FUNCTIONS
from ballast.errors import DeploymentError
from tests.custody_kit import *
from tests.custody_kit import DEPOSITOR

USDC = 10**6
AAVE_RISK = b"aave-v3".ljust(32, b"\0")
DAY = 86_400
CAP, RAISED, LOWERED = 45_000_000 * USDC, 60_000_000 * USDC, 1_000_000 * USDC
MOST = 2**128 - 1
DEPOSITED = 1_000 * USDC
SET_CAP = "setCap(address,uint256,uint256)"
SHARE = 9800
NOBODY = "0x" + 40 * "0"


@pytest.fixture(scope="module")
def custody(load, web3, node, deployer):
    return deployment.deploy(load("custody"), web3, deployer)


@pytest.fixture(scope="module")
def timelock(custody):
    return Timelock(custody)


@pytest.fixture(scope="module")
def vault(custody):
    return custody.addresses["vault"]


@pytest.fixture(scope="module")
def lending(custody):
    return custody.addresses["lending"]


@pytest.fixture(scope="module")
def raise_cap(vault, lending):
    return Call(vault, encode_call(SET_CAP, lending, RAISED, SHARE))


@pytest.fixture
def cap(node, vault, lending):
    return lambda: node.read("Vault", vault, "strategy", lending).cap


@pytest.fixture
def wait(web3):
    def wait(seconds):
        web3.provider.make_request("evm_setNextBlockTimestamp", [web3.eth.get_block("latest")["timestamp"] + seconds])
        web3.provider.make_request("evm_mine", [])

    return wait


# A change, end to end


def test_custody__a_cap_is_raised_by_safe_timelock_and_anyone(timelock, raise_cap, cap, wait, safe_owners, stranger):
    identifier, operation = timelock.propose([raise_cap], safe_owners[:2], stranger)
    assert timelock.state(identifier) == "waiting"
    with pytest.raises(DeploymentError, match="TimelockUnexpectedOperationState"):
        timelock.execute(operation, stranger)
    wait(2 * DAY - 100)
    with pytest.raises(DeploymentError, match="TimelockUnexpectedOperationState"):
        timelock.execute(operation, stranger)
    assert cap() == CAP
    wait(100)
    timelock.execute(operation, stranger)
    assert cap() == RAISED
    assert timelock.state(identifier) == "done"
    with pytest.raises(DeploymentError, match="TimelockUnexpectedOperationState"):
        timelock.execute(operation, stranger)


def test_custody__the_guardian_cancels_and_nobody_can_execute(
    custody, timelock, raise_cap, cap, wait, safe_owners, guardian_owners, stranger
):
    identifier, operation = timelock.propose([raise_cap], safe_owners[:2], stranger)
    timelock.cancel(identifier, custody.guardian, guardian_owners[:1], stranger)
    wait(30 * DAY)
    with pytest.raises(DeploymentError, match="TimelockUnexpectedOperationState"):
        timelock.execute(operation, stranger)
    assert cap() == CAP
    assert timelock.find(identifier).state == "cancelled"


def test_custody__several_calls_are_made_together_or_not_at_all(
    custody, timelock, vault, raise_cap, cap, wait, node, safe_owners, stranger
):
    fees = Call(vault, encode_call("setFees(uint256,uint256,address)", 500, 0, custody.addresses["safe"]))
    identifier, operation = timelock.propose([raise_cap, fees], safe_owners[:2], stranger)
    wait(5 * DAY - 100)  # as long as the slowest of them
    assert timelock.state(identifier) == "waiting"
    wait(100)
    timelock.execute(operation, stranger)
    assert cap() == RAISED
    assert node.read("Vault", vault, "performanceFeeBps") == 500


def test_custody__anyone_can_read_what_waits(custody, timelock, raise_cap, web3, safe_owners, stranger, wait):
    assert timelock.scheduled() == []
    identifier, operation = timelock.propose([raise_cap], safe_owners[1:], stranger)
    [item] = timelock.scheduled()
    assert (item.id, item.operation, item.state) == (identifier, operation, "waiting")
    assert item.ready_at == web3.eth.get_block("latest")["timestamp"] + 2 * DAY
    assert item.proposer == custody.addresses["safe"]
    assert describe(custody, item.operation.calls[0]) == f"vault.setCap(strategy_=lending, cap={RAISED}, capBps=9800)"
    wait(2 * DAY)
    assert timelock.find(identifier).state == "ready"
    # the same calls once more are another operation
    again, _ = timelock.propose([raise_cap], safe_owners[:2], stranger)
    assert again != identifier


def test_custody__what_would_fail_is_not_proposed(timelock, vault, safe_owners, stranger):
    too_much = Call(vault, encode_call("setFees(uint256,uint256,address)", 6000, 0, vault))
    with pytest.raises(Reverted, match=r"^OverLimit\(6000, 5000\)$"):
        timelock.propose([too_much], safe_owners[:2], stranger)


# The Safe


def test_safe__wants_its_threshold_of_owners(timelock, raise_cap, safe_owners, guardian_owners, stranger):
    with pytest.raises(DeploymentError, match="wants 2 signatures, there are 1"):
        timelock.propose([raise_cap], safe_owners[:1], stranger)
    with pytest.raises(DeploymentError, match="wants 2 signatures, there are 1"):
        timelock.propose([raise_cap], [safe_owners[0], safe_owners[0]], stranger)
    with pytest.raises(DeploymentError, match="is no owner of the Safe"):
        timelock.propose([raise_cap], [safe_owners[0], guardian_owners[0]], stranger)


def test_safe__itself_refuses_one_signature_and_a_forged_one(
    custody, raise_cap, safe_owners, guardian_owners, stranger
):
    safe = custody.safe
    transaction = safe.transaction([raise_cap])
    good = safe.sign(transaction, safe_owners)
    assert len(good) == 2 * 65
    with pytest.raises(DeploymentError, match="GS020"):
        safe.execute(transaction, good[:65], stranger, what="one signature")
    with pytest.raises(DeploymentError, match="GS026"):
        safe.execute(transaction, good[:65] + good[:65], stranger, what="one signature twice")
    forged = good[:65] + bytes([good[65] ^ 1]) + good[66:]
    with pytest.raises(DeploymentError, match="GS026"):
        safe.execute(transaction, forged, stranger, what="forged")


def test_safe__a_signed_transaction_works_once(custody, node, vault, lending, safe_owners, stranger):
    safe = custody.safe
    transaction = safe.transaction([Call(vault, encode_call("setWeight(address,uint256,uint256)", lending, 9000, 300))])
    signatures = safe.sign(transaction, safe_owners[:2])
    safe.execute(transaction, signatures, stranger, what="lower the weight")
    assert node.read("Vault", vault, "strategy", lending).targetBps == 9000
    with pytest.raises(DeploymentError, match="GS026"):
        safe.execute(transaction, signatures, stranger, what="again")


def test_safe__batches_calls_and_undoes_all_when_one_fails(custody, node, vault, lending, safe_owners, stranger):
    safe = custody.safe
    weight = Call(vault, encode_call("setWeight(address,uint256,uint256)", lending, 9000, 300))
    queue = Call(vault, encode_call("setQueue(address[])", [lending]))
    safe.act([weight, queue], safe_owners[:2], stranger, what="weight and queue")
    assert node.read("Vault", vault, "strategy", lending).targetBps == 9000
    fees = Call(vault, encode_call("setFees(uint256,uint256,address)", 0, 0, vault))
    back = Call(vault, encode_call("setWeight(address,uint256,uint256)", lending, 9500, 300))
    with pytest.raises(
        DeploymentError, match="GS013"
    ):  # the Safe owns no vault: its part of the batch fails, so all does
        safe.act([back, fees], safe_owners[:2], stranger, what="weight and fees")
    assert node.read("Vault", vault, "strategy", lending).targetBps == 9000


# Tightening at once, loosening never alone


def test_guardian__tightens_at_once(custody, node, vault, lending, cap, guardian_owners, stranger):
    act = custody.guardian.act
    act(
        [Call(vault, encode_call(SET_CAP, lending, LOWERED, SHARE))],
        guardian_owners[:1],
        stranger,
        what="lower the cap",
    )
    assert cap() == LOWERED
    act([Call(vault, encode_call("pauseDeposits()"))], guardian_owners[1:], stranger, what="pause")
    assert node.read("Vault", vault, "paused") is True


@pytest.mark.parametrize("call", ["setCap", "unpauseDeposits", "schedule"])
def test_guardian__cannot_loosen(custody, timelock, raise_cap, vault, guardian_owners, stranger, call):
    calls = {
        "setCap": raise_cap,
        "unpauseDeposits": Call(vault, encode_call("unpauseDeposits()")),
        "schedule": timelock.scheduling(timelock.operation([raise_cap])),
    }
    with pytest.raises(DeploymentError, match="GS013"):  # the Safe's word for: the call inside failed
        custody.guardian.act([calls[call]], guardian_owners, stranger, what=call)


def test_safe__cannot_pass_the_timelock(custody, timelock, raise_cap, safe_owners, stranger):
    with pytest.raises(DeploymentError, match="GS013"):
        custody.safe.act([raise_cap], safe_owners, stranger, what="raise without waiting")
    impatient = encode_call(
        "scheduleBatch(address[],uint256[],bytes[],bytes32,bytes32,uint256)",
        *timelock.operation([raise_cap]).arguments(),
        DAY,
    )
    with pytest.raises(DeploymentError, match="GS013"):
        custody.safe.act([Call(timelock.address, impatient)], safe_owners, stranger, what="schedule for tomorrow")


def test_safe__changes_its_owners_only_by_itself(custody, safe_owners, guardian_owners, stranger, node):
    data = encode_call(FUNCTIONS[0], guardian_owners[0].address, 3)
    custody.safe.act([Call(custody.safe.address, data)], safe_owners[:2], stranger, what="add an owner")
    assert custody.safe.threshold() == 3
    with pytest.raises(DeploymentError, match="GS031"):
        node.send(stranger, custody.safe.address, data, what="add an owner from outside")


# Every role against every function

OWNER, GUARDIAN, CURATOR, ROUTER, EXITS = "owner", "guardian", "curator", "router", "redemptions"
ROLES = (OWNER, GUARDIAN, CURATOR, ROUTER, EXITS, "keeper", "deployer", "depositor")
ANY = set(ROLES)
#: the error of who may not, by contract
REFUSED = {
    "vault": "Unauthorized",
    "lending": "Unauthorized",
    "lending/aave": "NotOwner",
    "lending/morpho": "NotOwner",
    "books": "OnlyDelegated",
    "rules": "Unauthorized",
    "redemptions": "NotOperator",
}
EXECUTE = "execute((uint256,uint256,uint256,uint256,uint256,uint256))"
#: what may come of a call that its caller may make, besides success: it does not concern who calls
HARMLESS = {
    "rebalance()": {"InBand"},
    EXECUTE: {"NotCloser"},
    "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)": {"ERC2612ExpiredSignature"},
}
#: calls that need tokens, shares or a position; without them they fail for another reason than who calls
NEEDS_FUNDS = {
    "deposit(uint256,address)",
    "mint(uint256,address)",
    "redeem(uint256,address,address)",
    "redeem(uint256,address,address,uint256)",
    "withdraw(uint256,address,address)",
    "withdraw(uint256,address,address,uint256)",
    "deposit(uint256,address,uint256)",
    "mint(uint256,address,uint256)",
    "redeem(uint256,address,address,uint256,uint256)",
    "withdraw(uint256,address,address,uint256,uint256)",
    "redeemInKind(uint256,address,address,uint256)",
    "transfer(address,uint256)",
    "withdraw(uint256,address)",
    "requestRedeem(uint256,address,address)",
}
ERC20_AND_4626 = {
    "approve(address,uint256)": [(lambda x: (x.caller, 1), ANY)],
    "transfer(address,uint256)": [(lambda x: (x.vault, 1), ANY)],
    "transferFrom(address,address,uint256)": [(lambda x: (x.caller, x.vault, 0), ANY)],
    "deposit(uint256,address)": [(lambda x: (USDC, x.caller), ANY)],
    "mint(uint256,address)": [(lambda x: (10**12, x.caller), ANY)],
    "redeem(uint256,address,address)": [(lambda x: (10**12, x.caller, x.caller), ANY)],
    "withdraw(uint256,address,address)": [(lambda x: (USDC, x.caller, x.caller), ANY)],
    "rebalance()": [(lambda x: (), ANY)],
    "setOwner(address)": [(lambda x: (x.caller,), {OWNER})],
    "setGuardian(address)": [(lambda x: (x.caller,), {OWNER})],
}
VENUE = {
    "supply(uint256)": [(lambda x: (USDC,), {ROUTER})],
    "withdraw(uint256,address)": [(lambda x: (USDC, x.caller), {ROUTER})],
    "sync()": [(lambda x: (), ANY)],
}
#: function -> cases (arguments, who may). A function that is missing here fails the test.
MATRIX = {
    "vault": {
        **ERC20_AND_4626,
        "redeem(uint256,address,address,uint256)": [(lambda x: (10**12, x.caller, x.caller, 0), ANY)],
        "withdraw(uint256,address,address,uint256)": [(lambda x: (USDC, x.caller, x.caller, 0), ANY)],
        "deposit(uint256,address,uint256)": [(lambda x: (USDC, x.caller, 0), ANY)],
        "mint(uint256,address,uint256)": [(lambda x: (10**12, x.caller, MOST), ANY)],
        "redeem(uint256,address,address,uint256,uint256)": [(lambda x: (10**12, x.caller, x.caller, 0, 0), ANY)],
        "withdraw(uint256,address,address,uint256,uint256)": [(lambda x: (USDC, x.caller, x.caller, 0, MOST), ANY)],
        "redeemInKind(uint256,address,address,uint256)": [(lambda x: (10**12, x.caller, x.caller, 0), ANY)],
        "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)": [
            (lambda x: (x.caller, x.vault, 1, 0, 27, bytes(32), bytes(32)), ANY)
        ],
        "report()": [(lambda x: (), ANY)],
        "pauseDeposits()": [(lambda x: (), {OWNER, GUARDIAN})],
        "revoke(address)": [(lambda x: (x.lending,), {OWNER, GUARDIAN})],
        "shutdown()": [(lambda x: (), {OWNER, GUARDIAN})],
        SET_CAP: [
            (lambda x: (x.lending, CAP - 1, SHARE), {OWNER, GUARDIAN}),
            (lambda x: (x.lending, CAP, SHARE - 1), {OWNER, GUARDIAN}),
            (lambda x: (x.lending, CAP + 1, SHARE), {OWNER}),
            (lambda x: (x.lending, CAP, SHARE + 1), {OWNER}),
            (lambda x: (x.lending, CAP - 1, SHARE + 1), {OWNER}),
            (lambda x: (x.lending, CAP + 1, SHARE - 1), {OWNER}),
        ],
        "setRiskCap(bytes32,uint256,uint256)": [
            (lambda x: (AAVE_RISK, CAP - 1, SHARE), {OWNER, GUARDIAN}),
            (lambda x: (AAVE_RISK, CAP, SHARE - 1), {OWNER, GUARDIAN}),
            (lambda x: (AAVE_RISK, CAP + 1, SHARE - 1), {OWNER}),
            (lambda x: (AAVE_RISK, CAP - 1, SHARE + 1), {OWNER}),
            (lambda x: (b"another risk".ljust(32, b"\0"), 0, 0), {OWNER}),
        ],
        "setRisks(address,bytes32[])": [
            (lambda x: (x.lending, []), {OWNER}),
            (lambda x: (x.lending, [AAVE_RISK]), {OWNER}),
        ],
        "setLossBudget(uint256,uint256)": [
            (lambda x: (9, DAY), {OWNER, GUARDIAN}),
            (lambda x: (10, DAY + 1), {OWNER, GUARDIAN}),
            (lambda x: (11, DAY + 1), {OWNER}),
            (lambda x: (9, DAY - 1), {OWNER}),
        ],
        "setGate(address)": [(lambda x: (x.other,), {OWNER})],
        "setLimits(address)": [(lambda x: (NOBODY,), {OWNER})],
        "setWaiting(bool)": [(lambda x: (True,), {EXITS}), (lambda x: (False,), {EXITS})],
        "setDepositLimit(uint256)": [
            (lambda x: (50_000_000 * USDC - 1,), {OWNER, GUARDIAN}),
            (lambda x: (50_000_000 * USDC + 1,), {OWNER}),
            (lambda x: (MOST,), {OWNER}),
        ],
        "setWeight(address,uint256,uint256)": [
            (lambda x: (x.lending, 9400, 300), {OWNER, CURATOR, GUARDIAN}),
            (lambda x: (x.lending, 9500, 200), {OWNER, CURATOR, GUARDIAN}),
            (lambda x: (x.lending, 9600, 300), {OWNER, CURATOR}),
            (lambda x: (x.lending, 9600, 200), {OWNER, CURATOR}),
            (lambda x: (x.lending, 9500, 400), {OWNER}),
            (lambda x: (x.lending, 9000, 301), {OWNER}),
        ],
        "setQueue(address[])": [(lambda x: ([x.lending],), {OWNER, CURATOR})],
        "setCurator(address)": [(lambda x: (x.caller,), {OWNER})],
        "addStrategy(address,uint256,uint256,uint256,uint256,bool)": [
            (lambda x: (x.other, MOST, 10_000, 1, 1, False), {OWNER})
        ],
        "removeStrategy(address,uint256)": [(lambda x: (x.lending, MOST), {OWNER})],
        "unpauseDeposits()": [(lambda x: (), {OWNER})],
        "setFees(uint256,uint256,address)": [(lambda x: (0, 0, x.caller), {OWNER})],
        "setPace(uint256,uint256,uint256)": [(lambda x: (3600, 3600, 1), {OWNER})],
    },
    "lending": {
        **ERC20_AND_4626,
        "pause()": [(lambda x: (), {OWNER, GUARDIAN})],
        "unpause()": [(lambda x: (), {OWNER})],
        "evacuate(address)": [(lambda x: (x.aave,), {OWNER, GUARDIAN})],
        "setCap(address,uint256)": [
            (lambda x: (x.aave, 40_000_000 * USDC - 1), {OWNER, GUARDIAN}),
            (lambda x: (x.aave, 40_000_000 * USDC + 1), {OWNER}),
        ],
        "addVenue(address,uint256)": [(lambda x: (x.venue, 1), {OWNER})],
        "removeVenue(address,uint256)": [(lambda x: (x.aave, MOST), {OWNER})],
        "setRules((uint64,uint32,uint32,uint32))": [(lambda x: ((10**16, DAY, DAY, 1),), {OWNER})],
        # a step of its own rebalance
        EXECUTE: [(lambda x: (6 * (0,),), {ROUTER})],
        "setOracle(address)": [(lambda x: (x.other,), {OWNER})],
    },
    "lending/aave": VENUE,
    "lending/morpho": VENUE,
    "oracle": {},
    "views": {},
    "lens": {},
    # everybody for what is one's own; the depositor has something there to take
    "redemptions": {
        "requestRedeem(uint256,address,address)": [
            (lambda x: (10**9, x.caller, x.caller), ANY),
            (lambda x: (10**9, x.caller, x.holder), {"depositor"}),
            (lambda x: (10**9, x.other, x.caller), set()),
        ],
        "redeem(uint256,address,address)": [
            (lambda x: (10**9, x.caller, x.caller), ANY),
            (lambda x: (10**9, x.caller, x.holder), {"depositor"}),
        ],
        "withdraw(uint256,address,address)": [
            (lambda x: (1000, x.caller, x.caller), ANY),
            (lambda x: (1000, x.caller, x.holder), {"depositor"}),
        ],
        "setOperator(address,bool)": [(lambda x: (x.other, True), ANY)],
        "fulfil()": [(lambda x: (), ANY)],
        "fulfil(uint256)": [(lambda x: (10**9,), ANY)],
        "deposit(uint256,address)": [(lambda x: (USDC, x.caller), set())],
        "mint(uint256,address)": [(lambda x: (10**12, x.caller), set())],
    },
}
#: functions that change nothing: they are there to be refused
CLOSED = {"redemptions": {"deposit(uint256,address)", "mint(uint256,address)"}}
# The code that vaults run on their own storage does nothing when it is called itself, whatever it is asked.
MATRIX["books"] = {
    **{
        function: [(make, set()) for make, _ in MATRIX["vault"][function]]
        for function in ("report()", "rebalance()", "revoke(address)", "shutdown()", "removeStrategy(address,uint256)")
    },
    "move(address,uint256,uint256,address)": [(lambda x: (x.lending, 1, 1, mainnet.USDC), set())],
    "draw(uint256,uint256,bool,address,bool,address)": [(lambda x: (1, 1, False, x.caller, True, mainnet.USDC), set())],
    "takeInKind(uint256,address,address,address)": [(lambda x: (1, x.caller, x.caller, mainnet.USDC), set())],
}
MATRIX["rules"] = {
    **{
        function: [(make, set()) for make, _ in MATRIX["vault"][function]]
        for function in (
            "pauseDeposits()",
            SET_CAP,
            "setRiskCap(bytes32,uint256,uint256)",
            "setDepositLimit(uint256)",
            "setLossBudget(uint256,uint256)",
            "setWeight(address,uint256,uint256)",
            "setQueue(address[])",
            "setCurator(address)",
            "addStrategy(address,uint256,uint256,uint256,uint256,bool)",
            "setRisks(address,bytes32[])",
            "unpauseDeposits()",
            "setFees(uint256,uint256,address)",
            "setPace(uint256,uint256,uint256)",
            "setGate(address)",
            "setLimits(address)",
        )
    },
    "setUp(uint256,uint256,address,uint256,uint256,uint256,uint256,uint256,address)": [
        (lambda x: (0, 0, x.caller, DAY, DAY, 1, 1, DAY, x.caller), set())
    ],
}
#: of the code alone: it knows no strategy, whoever asks
NOT_LISTED = {SET_CAP, "setWeight(address,uint256,uint256)"}


class Scene:
    """What arguments are made of: the callers' addresses and contracts to name."""

    def __init__(self, **parts):
        self.__dict__ |= parts


@pytest.fixture(scope="module")
def callers(custody, accounts, stranger):
    return {
        OWNER: custody.addresses["timelock"],
        GUARDIAN: custody.addresses["guardian"],
        CURATOR: custody.addresses["safe"],
        ROUTER: custody.addresses["lending"],
        EXITS: custody.addresses["redemptions"],
        "keeper": stranger.address,
        "deployer": custody.deployer,
        "depositor": str(accounts[DEPOSITOR].address),
    }


@pytest.fixture(scope="module")
def scene(custody, load, web3, node, deployer, accounts, give_usdc):
    """A depositor with shares of the vault and of the strategy, some waiting to be redeemed and some redeemed; and
    contracts of a second deployment to be added."""
    depositor = str(accounts[DEPOSITOR].address)
    vault, lending = custody.addresses["vault"], custody.addresses["lending"]
    give_usdc(depositor, 10 * DEPOSITED)
    sender = deployment.UnlockedSender(depositor)
    for target in (vault, lending):
        node.send(sender, mainnet.USDC, encode_call("approve(address,uint256)", target, 10 * DEPOSITED), what="approve")
        node.send(sender, target, encode_call("deposit(uint256,address)", DEPOSITED, depositor), what="deposit")
    node.send(sender, vault, encode_call("rebalance()"), what="put it to work")
    exits = custody.addresses["redemptions"]
    node.send(sender, vault, encode_call("approve(address,uint256)", exits, 10**18), what="approve")
    request = encode_call("requestRedeem(uint256,address,address)", 10**12, depositor, depositor)
    for data in (request, encode_call("fulfil()"), request):
        node.send(sender, exits, data, what="redeem by request")
    # a third venue of this router
    arguments = node.arguments("AaveV3Lending", lending, mainnet.USDC, mainnet.AAVE_ADDRESSES_PROVIDER)
    venue, data = node.create_data("AaveV3Lending", arguments, bytes(32))
    node.send(sender, mainnet.CREATE2_DEPLOYER, data, what="make a venue")
    other = deployment.deploy(load("custody-other"), web3, deployer)
    aave = custody.addresses["lending/aave"]
    other = other.addresses["lending"]
    return Scene(vault=vault, lending=lending, aave=aave, venue=venue, other=other, holder=depositor)


def functions(node, kind):
    return [
        signature_of(item)
        for item in node.artifacts.abi(kind)
        if item["type"] == "function" and item["stateMutability"] not in ("view", "pure")
    ]


@pytest.mark.parametrize("name", MATRIX)
def test_matrix__knows_every_function(custody, node, name):
    """Fails when a function was added, or gone, without anyone saying who may call it."""
    known = set(MATRIX[name]) - CLOSED.get(name, set())
    assert sorted(known) == sorted(functions(node, custody.contracts[name].kind))


def test_matrix__knows_every_contract(custody):
    # Safes and timelock are others' code: the proof measures them
    assert set(MATRIX) == set(custody.contracts) - {"safe", "guardian", "timelock"}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", MATRIX)
def test_matrix__every_function_lets_in_whom_it_should_and_nobody_else(custody, node, scene, callers, name, role):
    scene.caller = callers[role]
    cases = [(function, *case) for function, cases in MATRIX[name].items() for case in cases]
    target = custody.addresses[name]
    answers = node.calls([(target, encode_call(function, *make(scene)), scene.caller) for function, make, _ in cases])
    wrong = []
    for (function, _, who), answer in zip(cases, answers, strict=True):
        error = str(answer).split("(")[0] if isinstance(answer, Reverted) else None
        refused = "OnlySelf" if function == EXECUTE else REFUSED.get(name)
        if name == "rules" and function in NOT_LISTED:
            refused = "NotListed"
        if function in CLOSED.get(name, ()):
            refused = "DepositAtVault"
        if role not in who:
            good = error == refused
        elif function in NEEDS_FUNDS and role != "depositor":
            good = error != refused
        else:
            good = error is None or error in HARMLESS.get(function, ())
        if not good:
            wrong.append(f"{function} by {role}: {answer if error else 'let in'}")
    assert wrong == [], P.VAULT_ROLES


def test_matrix__the_deployer_really_is_refused(custody, node, scene, deployer):
    """The same with transactions: every restricted function of vault and strategy, sent by the deployer."""
    scene.caller = deployer.address
    for name in ("vault", "lending"):
        for function, cases in MATRIX[name].items():
            for make, who in cases:
                if "deployer" not in who:
                    error = r"OnlySelf\(\)" if function == EXECUTE else rf"Unauthorized\({deployer.address}\)"
                    with pytest.raises(DeploymentError, match=f"refuses: {error}$"):
                        node.send(deployer, custody.addresses[name], encode_call(function, *make(scene)), what=function)

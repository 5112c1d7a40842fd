"""`ape run govern`: calls as people write and read them, and how long each must wait."""

import json

import pytest

from ballast import deployment
from ballast.deployment import Call, Timelock, commands, describe
from ballast.deployment.node import encode_call
from ballast.errors import ConfigurationError, DeploymentError
from tests.custody_kit import *

DAY = 86_400
SET_FEES = "setFees(uint256,uint256,address)"


@pytest.fixture(scope="module")
def path(write):
    return write("governed")


@pytest.fixture(scope="module")
def custody(path, web3, deployer):
    return deployment.deploy(deployment.load(path), web3, deployer)


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    """No record: a test leaves nothing behind."""
    monkeypatch.setattr(commands.records, "path_of", lambda file, node: tmp_path / "record.json")


@pytest.fixture
def propose(path, custody, web3, deployer, safe_owners, capsys):
    def propose(*words, delay=None, dry_run=False):
        commands.propose(
            *(path, web3, deployer, lambda safe: safe_owners[:2], words), delay=delay, dry_run=dry_run, as_json=True
        )
        return json.loads(capsys.readouterr().out)

    return propose


@pytest.fixture
def status(path, custody, web3, deployer, capsys):
    def status():
        commands.status(path, web3, deployer, as_json=True)
        return json.loads(capsys.readouterr().out)

    return status


@pytest.fixture
def wait(web3):
    def wait(seconds):
        web3.provider.make_request("evm_setNextBlockTimestamp", [web3.eth.get_block("latest")["timestamp"] + seconds])
        web3.provider.make_request("evm_mine", [])

    return wait


ADD = ("vault", "addStrategy", "lending", "5 USDC", "98 %", "50 %", "1 %", "no")
#: what is typed, what is shown, days it waits
CALLS = {
    "cap": (
        ("vault", "setCap", "lending", "60_000_000 USDC", "99 %"),
        "vault.setCap(strategy_=lending, cap=60000000000000, capBps=9900)",
        2,
    ),
    "risk": (
        ("vault", "setRiskCap", "aave-v3", "unlimited", "50 %"),
        "vault.setRiskCap(risk=aave-v3, cap=unlimited, capBps=5000)",
        2,
    ),
    "risks": (
        ("vault", "setRisks", "lending", "usdc, aave-v3"),
        "vault.setRisks(strategy_=lending, risks_=[usdc, aave-v3])",
        2,
    ),
    "no risks": (("vault", "setRisks", "lending", ""), "vault.setRisks(strategy_=lending, risks_=[])", 2),
    "loss budget": (
        ("vault", "setLossBudget", "0.2 %", "1 day"),
        "vault.setLossBudget(budgetBps=20, window=86400)",
        2,
    ),
    "gate": (("vault", "setGate", "oracle"), "vault.setGate(gate_=oracle)", 2),
    "fees": (
        ("vault", "setFees", "12 %", "0", "safe"),
        "vault.setFees(performanceFeeBps_=1200, managementFeeBps_=0, recipient=safe)",
        5,
    ),
    "owner": (("vault", "setOwner", "safe"), "vault.setOwner(account=safe)", 7),
    "higher delay": (
        ("timelock", "setDelay", "unpauseDeposits()", "4 days"),
        "timelock.setDelay(selector=unpauseDeposits(), delay=345600)",
        7,
    ),
}


@pytest.mark.parametrize("case", CALLS.values(), ids=CALLS.keys())
def test_propose__reads_a_call_shows_it_and_waits_as_long_as_it_must(propose, status, case, web3):
    words, shown, days = case
    assert propose(*words, dry_run=True)["waits"] == f"{days} days"
    done = propose(*words)
    assert (done["call"], done["waits"]) == (shown, f"{days} days")
    [item] = status()["operations"]
    assert (item["id"], item["state"]) == (done["id"], "waiting")
    assert [call["decoded"] for call in item["calls"]] == [shown]
    assert item["ready_at"] == web3.eth.get_block("latest")["timestamp"] + days * DAY


def test_propose__describes_a_new_strategy(custody):
    call = commands.parse_call(custody, ADD)
    shown = "strategy_=lending, cap=5000000, capBps=9800, targetBps=5000, bandBps=100, isVolatile=no"
    assert describe(custody, call) == f"vault.addStrategy({shown})"
    assert Timelock(custody).delay([call]) == 7 * DAY


@pytest.mark.parametrize("dry_run", [True, False])
def test_propose__says_when_a_delay_is_too_short(propose, status, dry_run):
    with pytest.raises(DeploymentError) as caught:
        propose("vault", "setFees", "12 %", "0", "safe", delay="3 days", dry_run=dry_run)
    assert str(caught.value) == (
        "vault.setFees(performanceFeeBps_=1200, managementFeeBps_=0, recipient=safe) must wait 5 days, and "
        "3 days is too short: leave the delay out, or give a longer one"
    )
    assert status()["operations"] == []


def test_propose__waits_longer_when_asked_to(propose, status, web3):
    assert propose("vault", "setFees", "12 %", "0", "safe", delay="9 days")["waits"] == "9 days"
    [item] = status()["operations"]
    assert item["ready_at"] == web3.eth.get_block("latest")["timestamp"] + 9 * DAY


WRONG = {
    "delay": (("vault", "unpauseDeposits"), "soon", "'soon' is no duration"),
    "flag": ((*ADD[:-1], "maybe"), None, "'maybe' is neither yes nor no"),
    "risk": (("vault", "setRisks", "lending", 33 * "x"), None, "has more than 32 bytes"),
    "function": (("timelock", "setDelay", "nothing()", "4 days"), None, "has a function nothing()"),
    "code of vaults": (("rules", "setGate", "oracle"), None, "rules is no contract to call"),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG.keys())
def test_propose__refuses_what_it_cannot_read(propose, case):
    words, delay, reason = case
    with pytest.raises(ConfigurationError) as caught:
        propose(*words, delay=delay)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_status__shows_the_delays(custody, status):
    shown = status()
    assert shown["delay_seconds"] == 2 * DAY
    assert shown["delays_seconds"] == custody.file.timelock.delays


def test_status__counts_a_delay_that_rose_since(custody, path, propose, status, impersonate, wait, web3, deployer):
    """What was ready is waiting again, until the new delay is over."""
    identifier = propose("vault", "setLossBudget", "0.2 %", "1 day")["id"]
    proposed = web3.eth.get_block("latest")["timestamp"]
    wait(2 * DAY)
    assert status()["operations"][0]["state"] == "ready"
    timelock = custody.addresses["timelock"]
    call = commands.parse_call(custody, ("timelock", "setDelay", "setLossBudget(uint256,uint256)", "6 days"))
    impersonate(timelock, timelock, call.data)
    [item] = status()["operations"]
    assert (item["state"], item["ready_at"]) == ("waiting", proposed + 6 * DAY)
    with pytest.raises(ConfigurationError, match="it is waiting, ready in"):
        commands.execute(path, web3, deployer, identifier, as_json=True)
    wait(4 * DAY)
    commands.execute(path, web3, deployer, identifier, as_json=True)
    assert custody.node.read("Vault", custody.addresses["vault"], "lossBudget").budgetBps == 20


def test_safe__cannot_have_a_slow_function_sooner_by_any_call(custody, safe_owners, stranger):
    """The Safe itself, without the command: one call, a batch behind a quick one, the delay lowered first."""
    timelock, vault = custody.addresses["timelock"], custody.addresses["vault"]
    fees = encode_call(SET_FEES, 5000, 500, stranger.address)
    quick = encode_call("unpauseDeposits()")
    lower = commands.parse_call(custody, ("timelock", "setDelay", SET_FEES, "0")).data
    single = "schedule(address,uint256,bytes,bytes32,bytes32,uint256)"
    several = "scheduleBatch(address[],uint256[],bytes[],bytes32,bytes32,uint256)"
    zeros = (bytes(32), bytes(32))
    for data in (
        encode_call(single, vault, 0, fees, *zeros, 5 * DAY - 1),
        encode_call(several, [vault, vault], [0, 0], [quick, fees], *zeros, 5 * DAY - 1),
        encode_call(several, [timelock, vault], [0, 0], [lower, fees], *zeros, 5 * DAY - 1),
    ):
        with pytest.raises(DeploymentError, match="GS013"):
            custody.safe.act([Call(timelock, data)], safe_owners[:2], stranger, what="sooner")

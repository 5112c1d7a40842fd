"""Deploying from a file: all of it stands, twice changes nothing, an interruption anywhere is taken up; the proof."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from eth_utils import function_signature_to_4byte_selector
from web3 import HTTPProvider, Web3

from ballast import deployment, mainnet
from ballast.deployment import DeploymentFileError, commands, proof
from ballast.deployment import record as records
from ballast.deployment.deploy import DEFAULT_ADMIN, Deployment
from ballast.deployment.file import (
    MAX_MANAGEMENT_FEE_BPS,
    MAX_PERFORMANCE_FEE_BPS,
    MAX_RISKS,
    MAX_STRATEGIES,
    MAX_TIMELOCK_DELAY,
    MAX_VENUES,
    MIN_LOSS_WINDOW,
    MIN_MARGIN_WAD,
    MIN_UNLOCK_PERIOD,
    MIN_WINDOW,
    UNLIMITED,
)
from ballast.deployment.node import Node, encode_call, signature_of
from ballast.environment import ROOT
from ballast.errors import BallastError, DeploymentError
from ballast.replica import packages
from tests.custody_kit import *
from tests.custody_kit import Interrupted, Interrupting

EMPTY = "0x00000000000000000000000000000000000e0e00"
ALL = 20  # transactions of the example
#: code of every vault, and a lens on any: so many more where they do not stand yet
SHARED = {"books": "VaultBooks", "rules": "VaultRules", "views": "VaultViews", "lens": "VaultLens"}
MADE = {
    "safe",
    "guardian",
    "timelock",
    "oracle",
    "lending",
    "lending/aave",
    "lending/morpho",
    *SHARED,
    "vault",
}
NAMES = MADE | {"redemptions"}  # which the vault makes


@pytest.fixture(scope="module", autouse=True)
def shared(node, deployer):
    """What vaults share stands already, from vaults before."""
    made = {}
    for name, kind in SHARED.items():
        made[name], data = node.create_data(kind, b"", bytes(32))
        node.send(deployer, mainnet.CREATE2_DEPLOYER, data, what=f"make {name}")
    return made


@pytest.fixture
def first_of_all(shared, web3):
    """No vault was ever made here: what they share is not there yet."""
    for address in shared.values():
        web3.provider.make_request("anvil_setCode", [address, "0x"])
        web3.provider.make_request("anvil_setNonce", [address, "0x0"])


@pytest.fixture(scope="module")
def standing(load, shared, web3, node, deployer, tmp_path_factory):
    """A finished deployment, its file's replacements none, and its record."""
    record = tmp_path_factory.mktemp("record") / "standing.json"
    return deployment.deploy(load("standing"), web3, deployer, record=record), record


def test_deploy__makes_all_of_it_where_the_dry_run_said(load, web3, node, deployer):
    file = load("first")
    plan = Deployment(file, node, deployer.address)
    assert len(plan.pending()) == ALL
    result = deployment.deploy(file, web3, deployer)
    assert set(result.addresses) == NAMES
    assert result.addresses == {name: contract.address for name, contract in plan.contracts.items()}
    assert result.sent == [step.title for step in plan.pending()]
    assert all(node.has_code(address) for address in result.addresses.values())
    assert sorted(result.safe.owners()) == sorted(file.safe.owners)
    assert result.guardian.threshold() == 1


def test_deploy__what_vaults_share_is_made_once_by_whoever_comes_first(
    first_of_all, shared, load, web3, deployer, stranger
):
    first = deployment.deploy(load("pioneer"), web3, deployer)
    assert [title.split(" at ")[0] for title in first.sent if " at " in title and "Vault" in title] == [
        "make books (VaultBooks)",
        "make rules (VaultRules)",
        "make views (VaultViews)",
        "make lens (VaultLens)",
        "make vault (Vault)",
    ]
    second = deployment.deploy(load("settler"), web3, stranger)
    assert len(second.sent) == len(first.sent) - len(SHARED) == ALL
    for name in NAMES:
        assert (first.addresses[name] == second.addresses[name]) == (name in shared), name
    assert {name: first.addresses[name] for name in shared} == shared


def test_deploy__again_sends_nothing(standing, web3, deployer, stranger):
    result, record = standing
    block, text = web3.eth.block_number, record.read_text()
    assert deployment.deploy(result.file, web3, deployer, record=record).sent == []
    # without the record the addresses still follow from file and deployer; with it, from any account
    assert deployment.deploy(result.file, web3, deployer).addresses == result.addresses
    assert deployment.deploy(result.file, web3, stranger, record=record).addresses == result.addresses
    assert deployment.find(result.file, web3, deployer.address).addresses == result.addresses
    assert web3.eth.block_number == block
    assert record.read_text() == text


@pytest.mark.parametrize("recorded", [True, False], ids=["with a record", "without"])
def test_deploy__takes_up_an_interruption_after_any_transaction(
    first_of_all, load, web3, node, deployer, tmp_path, recorded
):
    file = load("interrupted")
    record = tmp_path / "record.json" if recorded else None
    titles = [step.title for step in Deployment(file, node, deployer.address).pending()]
    assert len(titles) == ALL + len(SHARED)
    for done in range(1, len(titles)):
        with pytest.raises(Interrupted):
            deployment.deploy(file, web3, Interrupting(deployer, 1), record=record)
        kept = records.read(record) if recorded else None
        left = Deployment(file, node, deployer.address, kept).pending()
        assert [step.title for step in left] == titles[done:]
    result = deployment.deploy(file, web3, deployer, record=record)
    assert result.sent == titles[-1:]
    assert deployment.prove(result).failures == []


@pytest.mark.parametrize("after", [5, 11])
def test_deploy__takes_up_an_interruption_in_one_go(load, web3, deployer, after):
    file = load(f"halfway-{after}")
    with pytest.raises(Interrupted):
        deployment.deploy(file, web3, Interrupting(deployer, after))
    assert len(deployment.deploy(file, web3, deployer).sent) == ALL - after


def test_deploy__another_account_may_not_finish_what_one_began(load, web3, deployer, stranger, tmp_path):
    file, record = load("begun"), tmp_path / "record.json"
    with pytest.raises(Interrupted):
        deployment.deploy(file, web3, Interrupting(deployer, 6), record=record)
    with pytest.raises(DeploymentError, match=f"begun by {deployer.address}: finish it from that account"):
        deployment.deploy(file, web3, stranger, record=record)


def test_deploy__waits_for_transactions_that_are_not_mined(load, web3, deployer):
    web3.provider.make_request("evm_setAutomine", [False])
    try:
        web3.eth.send_transaction({"from": deployer.address, "to": deployer.address, "value": 0})
        with pytest.raises(DeploymentError, match="has 1 transactions waiting: run again when they are mined"):
            deployment.deploy(load("waiting"), web3, deployer)
    finally:
        web3.provider.make_request("evm_mine", [])
        web3.provider.make_request("evm_setAutomine", [True])


def test_deploy__a_record_of_another_chain_is_passed_over(standing, load, web3, deployer, tmp_path):
    _, record = standing
    content = json.loads(record.read_text())
    content |= {"block_hash": "0x" + 64 * "1", "deployer": "0x000000000000000000000000000000000000dEaD"}
    foreign = tmp_path / "record.json"
    foreign.write_text(json.dumps(content))
    result = deployment.deploy(load("elsewhere"), web3, deployer, record=foreign)
    assert len(result.sent) == ALL
    assert json.loads(foreign.read_text())["deployer"] == deployer.address


def test_deploy__a_broken_record_is_one_line(load, web3, deployer, tmp_path):
    record = tmp_path / "record.json"
    record.write_text('{"name": "x"')
    with pytest.raises(DeploymentError, match="is no deployment record") as caught:
        deployment.deploy(load("broken"), web3, deployer, record=record)
    assert "\n" not in str(caught.value)


# A file that was changed under a deployment that stands

CHANGED = {
    "fee": (
        "performance_fee: 10 %",
        "performance_fee: 12 %",
        "vault.performance_fee: 12 % here, 10 % on the chain",
        "timelock",
    ),
    "limit": (
        "50_000_000 USDC",
        "unlimited",
        "vault.deposit_limit: unlimited here, 50_000_000 USDC on the chain",
        "timelock",
    ),
    "cap": (
        "cap: 45_000_000 USDC\n    cap_share: 98 % # of",
        "cap: 46_000_000 USDC\n    cap_share: 98 % # of",
        "strategies[0].cap: 46_000_000 USDC here, 45_000_000 USDC",
        "timelock",
    ),
    "cap as a share": (
        "cap_share: 98 % # of",
        "cap_share: 97 % # of",
        "strategies[0].cap_share: 97 % here, 98 % on the chain",
        "timelock",
    ),
    "volatile": ("volatile: no", "volatile: yes", "strategies[0].volatile: yes here, no on the chain", "timelock"),
    "risk's cap": (
        "cap: 45_000_000 USDC",
        "cap: 44_000_000 USDC",
        "risks[0].cap: 44_000_000 USDC here, 45_000_000 USDC on the chain",
        "timelock",
    ),
    "risk's share": (
        "cap_share: 98 %\n  - id: morpho",
        "cap_share: 96 %\n  - id: morpho",
        "risks[0].cap_share: 96 % here, 98 % on the chain",
        "timelock",
    ),
    "risks borne": (
        "risks: [aave-v3, morpho-blue, usdc]",
        "risks: [aave-v3, usdc]",
        "strategies[0].risks: [aave-v3, usdc] here, [aave-v3, morpho-blue, usdc] on the chain",
        "timelock",
    ),
    "a risk more": (
        "risks:\n",
        "risks:\n  - id: dai\n    cap: unlimited\n    cap_share: 1 %\n",
        "risks: [aave-v3, dai, morpho-blue, usdc] here, [aave-v3, morpho-blue, usdc] on the chain",
        "timelock",
    ),
    "loss budget": (
        "loss_budget: 0.1 %",
        "loss_budget: 0.2 %",
        "vault.loss_budget: 0.2 % here, 0.1 % on the chain",
        "timelock",
    ),
    "loss window": (
        "loss_window: 1 day",
        "loss_window: 2 days",
        "vault.loss_window: 2 days here, 1 day on the chain",
        "timelock",
    ),
    "gate": (
        "  # gate: an",
        '  gate: "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"\n  # an',
        "vault.gate: 0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48 here, 0x0000000000000000000000000000000000000000 on",
        "timelock",
    ),
    "a function's delay": (
        "setFees(uint256,uint256,address): 5 days",
        "setFees(uint256,uint256,address): 6 days",
        "timelock.delays.setFees(uint256,uint256,address): 6 days here, 5 days on the chain",
        "timelock",
    ),
    "another function's delay": (
        "removeStrategy(",
        "unpauseDeposits(): 3 days\n    removeStrategy(",
        "timelock.delays.unpauseDeposits(): 3 days here, as all others on the chain",
        "timelock",
    ),
    "weight": ("weight: 95 %", "weight: 90 %", "strategies[0].weight: 90 % here, 95 % on the chain", "timelock"),
    "venue cap": ("30_000_000 USDC", "31_000_000 USDC", "venues[1].cap: 31_000_000 USDC here", "timelock"),
    "rules": ("margin: 0.5 %", "margin: 0.6 %", "rules.margin: 0.6 % here, 0.5 % on the chain", "timelock"),
    "delay": ("delay: 2 days", "delay: 3 days", "timelock.delay: 3 days here, 2 days on the chain", "timelock"),
    "threshold": ("  threshold: 2", "  threshold: 3", "safe.threshold: 3 here, 2 on the chain", "timelock"),
    "oracle": (
        "max_deviation: 2 %",
        "max_deviation: 3 %",
        "oracle.max_deviation: 3 % here, 2 % on",
        "cannot be changed",
    ),
    "name": (
        "name: Ballast USDC\n",
        "name: Another\n",
        "vault.name: Another here, Ballast USDC on",
        "cannot be changed",
    ),
}


@pytest.mark.parametrize("case", CHANGED.values(), ids=CHANGED.keys())
def test_deploy__a_changed_file_is_refused_with_the_way_to_change(standing, load, web3, deployer, case):
    _, record = standing
    old, new, reason, way = case
    changed = load("standing", (old, new))
    line = changed.path.read_text()[: changed.path.read_text().index(new)].count("\n") + 1
    block = web3.eth.block_number
    with pytest.raises(DeploymentFileError) as caught:
        deployment.deploy(changed, web3, deployer, record=record)
    [found] = caught.value.reasons
    assert found.startswith(f"{changed.path}:{line}: ")
    assert reason in found
    assert way in found
    assert web3.eth.block_number == block


SEQUENCER = """max_deviation: 2 %
  sequencer: "{}"
  sequencer_grace: 1 hour"""


def test_deploy__a_sequencer_that_the_standing_oracle_does_not_heed_is_a_difference(standing, load, web3, deployer):
    _, record = standing
    feed = "0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419"
    changed = load("standing", ("max_deviation: 2 %", SEQUENCER.format(feed)))
    with pytest.raises(DeploymentFileError) as caught:
        deployment.deploy(changed, web3, deployer, record=record)
    first, second = caught.value.reasons
    assert f"oracle.sequencer: {feed} here, 0x0000000000000000000000000000000000000000 on the chain" in first
    assert "oracle.sequencer_grace: 1 hour here, 0 seconds on the chain" in second
    assert "cannot be changed" in first and "cannot be changed" in second


def test_deploy__what_the_guardian_tightened_is_a_difference(standing, web3, node, deployer, impersonate):
    result, record = standing
    data = encode_call("setCap(address,uint256,uint256)", result.addresses["lending"], 10**6, 9800)
    impersonate(result.addresses["guardian"], result.addresses["vault"], data)
    with pytest.raises(DeploymentFileError, match="cap: 45_000_000 USDC here, 1 USDC on the chain"):
        deployment.deploy(result.file, web3, deployer, record=record)


def test_deploy__a_file_changed_halfway_is_refused_until_it_is_restored(load, web3, deployer, tmp_path):
    record = tmp_path / "record.json"
    with pytest.raises(Interrupted):
        deployment.deploy(load("halfway"), web3, Interrupting(deployer, 6), record=record)
    with pytest.raises(
        DeploymentFileError, match=r"rules\.window: 13 hours here, 12 hours on the chain; restore it to finish"
    ):
        deployment.deploy(load("halfway", ("window: 12 hours", "window: 13 hours")), web3, deployer, record=record)
    # what is not made yet may still change
    result = deployment.deploy(load("halfway", ("weight: 95 %", "weight: 90 %")), web3, deployer, record=record)
    assert deployment.prove(result).ok


def test_deploy__sets_what_the_file_says_of_risks_budget_and_gate(load, web3, node, deployer):
    gate = mainnet.USDC  # anything with code: nobody enters this vault
    file = load("terms", ("  # gate: an", f'  gate: "{gate}"\n  # an'), ("volatile: no", "volatile: yes"))
    result = deployment.deploy(file, web3, deployer)
    vault = result.addresses["vault"]
    assert deployment.prove(result).failures == []
    risks = [(bytes(risk.id).rstrip(b"\0"), risk.cap, risk.capBps) for risk in node.read("Vault", vault, "risks")]
    cap = 45_000_000 * 10**6
    assert risks == [(b"aave-v3", cap, 9800), (b"morpho-blue", cap, 9800), (b"usdc", UNLIMITED, 10_000)]
    strategy = node.read("Vault", vault, "strategy", result.addresses["lending"])
    assert (strategy.cap, strategy.capBps, strategy.risks, strategy.isVolatile) == (cap, 9800, 0b111, True)
    budget = node.read("Vault", vault, "lossBudget")
    assert (budget.budgetBps, budget.window, budget.availableWad) == (10, 86400, 5 * 10**14)
    assert node.read("Vault", vault, "gate") == gate


@pytest.fixture(scope="module")
def make_strategy_of(project, accounts):
    def make(kind, *arguments, sender=2):
        return accounts[sender].deploy(project.get_contract(kind), *arguments)

    return make


def test_deploy__lists_a_strategy_that_stands_already(load, web3, node, deployer, make_strategy_of, write):
    there = make_strategy_of("StrategyStandIn", mainnet.USDC)
    result = deployment.deploy(load("listing", with_standing(there.address)), web3, deployer)
    assert deployment.prove(result).failures == []
    vault = result.addresses["vault"]
    assert node.read("Vault", vault, "queue") == [result.addresses["lending"], there.address]
    assert result.addresses["standing"] == there.address
    known = node.read("Vault", vault, "strategy", there.address)
    assert (known.cap, known.capBps, known.targetBps, known.isVolatile) == (10**12, 200, 200, True)
    # it is the vault's and not the deployment's: nothing is left to do, and nothing of it is recorded
    assert deployment.deploy(deployment.load(write("listing", with_standing(there.address))), web3, deployer).sent == []
    assert "standing" not in result.record.contracts


def test_deploy__lists_no_strategy_over_another_asset_or_of_the_deployer(
    load, web3, deployer, make_strategy_of, accounts
):
    other = make_strategy_of("StrategyStandIn", mainnet.WETH)
    owner = accounts[DEPLOYER].address
    oracle = deployment.deploy(load("for-its-oracle"), web3, deployer).addresses["oracle"]
    rules = (5 * 10**15, 43_200, 604_800, 900_000)
    owned = make_strategy_of("LendingRouter", mainnet.USDC, "Owned", "OWN", owner, accounts[1], oracle, rules)
    for address, reason in (
        (other.address, f"is no ERC-4626 over USDC: its asset() is {mainnet.WETH}"),
        (mainnet.USDC, "is no ERC-4626 over USDC: its asset() is no address"),
        (owned.address, f"belongs to {owner}, who deploys and may keep nothing: give it to its timelock first"),
        (EMPTY, "no contract stands there"),
    ):
        with pytest.raises(DeploymentFileError) as caught:
            deployment.deploy(load("unlisted", with_standing(address)), web3, deployer)
        [found] = caught.value.reasons
        assert found.endswith(f"strategies[1].address: {reason}")


# A file that does not fit the chain

AAVE_POOL = "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2"
OWNER_LINE = '- "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"'
UNFIT = {
    "chain": ("chain: 1", "chain: 10", "chain: 10 here, but the connected chain is 1"),
    "feed": (
        "0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419",
        "0x6B175474E89094C44Da98b954EedeAC495271d0F",
        "oracle.base_feed: no contract stands there",
    ),
    "pool": (
        "0x88e6A0c2dDD26FEEb64F039a2c41296FcB3f5640",
        "0x6B175474E89094C44Da98b954EedeAC495271d0F",
        "oracle.pool: no contract stands there",
    ),
    "sequencer": (
        "max_deviation: 2 %",
        SEQUENCER.format("0x6B175474E89094C44Da98b954EedeAC495271d0F"),
        "oracle.sequencer: no contract stands there",
    ),
    "base": (
        'base: "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"',
        f'base: "{AAVE_POOL}"',
        "oracle.pool: trades 0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48 and 0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2",
    ),
    "decimals": ("decimals: 6", "decimals: 8", "asset.decimals: is 6 on the chain"),
    "gate": (
        "  # gate: an",
        '  gate: "0x6B175474E89094C44Da98b954EedeAC495271d0F"\n  # an',
        "vault.gate: no contract stands there",
    ),
    "delay of no function": (
        "    setOracle(address): 7 days",
        "    setOracel(address): 7 days",
        "timelock.delays.setOracel(address): no contract of the deployment has such a function",
    ),
    "market": ("5fff0990ff758", "5fff0990ff759", "strategies[0].venues[1].market: does not exist"),
    "deployer": (
        OWNER_LINE,
        '- "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720"',
        "safe.owners[2]: 0xa0Ee7A142d267C1f36714E4a8F75612F20a79720 deploys, and the deployer may keep nothing",
    ),
}


@pytest.mark.parametrize("case", UNFIT.values(), ids=UNFIT.keys())
def test_deploy__refuses_a_file_that_does_not_fit_the_chain(load, web3, deployer, case):
    old, new, reason = case
    file = load("unfit", (old, new))
    block = web3.eth.block_number
    with pytest.raises(DeploymentFileError) as caught:
        deployment.deploy(file, web3, deployer)
    [found] = caught.value.reasons
    assert reason in found
    assert found.startswith(f"{file.path}:")
    assert web3.eth.block_number == block


def test_deploy__refuses_a_symbol_that_is_not_the_tokens(write, web3, deployer):
    path = write("symbol")
    path.write_text(path.read_text().replace("_000 USDC", "_000 USDT").replace("symbol: USDC", "symbol: USDT"))
    with pytest.raises(DeploymentFileError, match=r"asset\.symbol: is USDC on the chain"):
        deployment.deploy(deployment.load(path), web3, deployer)


def test_deploy__test_accounts_own_nothing_on_a_real_chain(load, web3, deployer, monkeypatch):
    monkeypatch.setattr(Node, "is_for_tests", False)
    monkeypatch.setattr(sys.modules["ballast.deployment.deploy"], "_SETTLED_BLOCKS", 0)  # the replica has no older ones
    with pytest.raises(DeploymentFileError) as caught:
        deployment.deploy(load("real"), web3, deployer)
    assert len(caught.value.reasons) == 5
    assert all("is a test account whose key everyone has" in reason for reason in caught.value.reasons)


def test_deploy__says_why_a_constructor_refuses(load, web3, deployer):
    # it stands, but provides no pool
    file = load(
        "refusing", ("0x2f39d218133AFaB8F2B819B1066c7E434Ad94E9e", "0xBBBBBbbBBb9cC5e90e3b3Af64bdAF62C37EEFFCb")
    )
    with pytest.raises(DeploymentError, match=r"^make lending/aave .*: the chain refuses: "):
        deployment.deploy(file, web3, deployer)


def test_deploy__bounds_of_the_file_are_the_contracts_own(standing, node):
    result, _ = standing
    for name, kind, constant, ours in (
        ("rules", "VaultRules", "MAX_PERFORMANCE_FEE_BPS", MAX_PERFORMANCE_FEE_BPS),
        ("rules", "VaultRules", "MAX_MANAGEMENT_FEE_BPS", MAX_MANAGEMENT_FEE_BPS),
        ("rules", "VaultRules", "MIN_UNLOCK_PERIOD", MIN_UNLOCK_PERIOD),
        ("rules", "VaultRules", "MIN_LOSS_WINDOW", MIN_LOSS_WINDOW),
        ("rules", "VaultRules", "MAX_STRATEGIES", MAX_STRATEGIES),
        ("rules", "VaultRules", "MAX_RISKS", MAX_RISKS),
        ("timelock", "Timelock", "MAX_DELAY", MAX_TIMELOCK_DELAY),
        ("lending", "LendingRouter", "MAX_VENUES", MAX_VENUES),
        ("lending", "LendingRouter", "MIN_MARGIN_WAD", MIN_MARGIN_WAD),
        ("lending", "LendingRouter", "MIN_WINDOW", MIN_WINDOW),
    ):
        assert node.read(kind, result.addresses[name], constant) == ours, constant


# The proof


def test_prove__holds_for_what_was_deployed(standing):
    result, _ = standing
    found = deployment.prove(result)
    assert found.failures == []
    facts = {check.what: check.found for check in found.checks}
    for name in ("books", "rules", "views"):
        assert facts[f"vault: {name}"] == f"{result.addresses[name]}, the code of the build"
    assert facts["redemptions: roles"] == "none"
    assert facts["timelock: delay"] == "2 days"
    assert facts["timelock: delay of setOwner(address)"] == "7 days"
    assert len([what for what in facts if what.startswith("timelock: delay of ")]) == len(result.file.timelock.delays)
    # these have nothing that changes state
    assert {row.contract for row in found.rows} == NAMES - {"oracle", "views", "lens"}
    restricted = [row for row in found.rows if row.who != ("anyone",)]
    assert len(restricted) > 90
    # the code alone lists no strategy: it can say only that
    unlisted = {f"rules.{name}" for name in ("setCap(address,uint256,uint256)", "setWeight(address,uint256,uint256)")}
    assert {f"{row.contract}.{row.function}" for row in restricted if row.deployer not in proof.REFUSALS} == unlisted


@pytest.mark.replica_only("the Safe's published ABI is fetched with the replica")
def test_prove__covers_every_function_of_every_abi(standing, node):
    result, _ = standing
    rows = {(row.contract, row.function) for row in deployment.prove(result).rows}
    for contract in result.contracts.values():
        abi = safe_abi() if contract.kind == "Safe" else node.artifacts.abi(contract.kind)
        for item in abi:
            if item["type"] == "function" and item["stateMutability"] not in ("view", "pure"):
                assert (contract.name, signature_of(item)) in rows


def safe_abi():
    package = packages.load_lock()["@safe-global/safe-contracts"]
    return package.read_json("build/artifacts/contracts/Safe.sol/Safe.json")["abi"]


def test_prove__fails_while_the_deployer_still_owns_the_vault(load, web3, node, deployer):
    file = load("kept")
    with pytest.raises(Interrupted):
        deployment.deploy(file, web3, Interrupting(deployer, ALL - 1))
    with pytest.raises(DeploymentError, match="not finished here, next is: vault: hand over to the timelock"):
        deployment.find(file, web3, deployer.address)
    found = deployment.prove(Deployment(file, node, deployer.address).result([]))
    assert not found.ok
    assert "vault: owner: the deployer" in found.failures
    assert "vault.setFees(uint256,uint256,address): the deployer may call it; timelock may not" in found.failures
    assert not [line for line in found.failures if line.startswith("lending")]


def test_prove__fails_when_the_deployer_has_a_role_on_the_timelock(standing, node, deployer, impersonate):
    result, _ = standing
    timelock = result.addresses["timelock"]
    impersonate(
        timelock, timelock, encode_call("grantRole(bytes32,address)", proof.ROLES["PROPOSER"], deployer.address)
    )
    failures = deployment.prove(result).failures
    assert "timelock: PROPOSER: safe, the deployer" in failures
    assert any(line.startswith("timelock.schedule(") and "the deployer may call it" in line for line in failures)


def test_prove__finds_a_role_that_anyone_else_was_given(standing, impersonate, stranger):
    result, _ = standing
    timelock = result.addresses["timelock"]
    impersonate(timelock, timelock, encode_call("grantRole(bytes32,address)", DEFAULT_ADMIN, stranger.address))
    failures = deployment.prove(result).failures
    assert f"timelock: DEFAULT_ADMIN: {stranger.address}, timelock" in failures
    assert any(f"former holder {stranger.address} may call it" in line for line in failures)


def test_prove__finds_what_was_scheduled_before_the_deployer_let_go(load, web3, node, deployer, impersonate):
    file = load("early")
    with pytest.raises(Interrupted):
        deployment.deploy(file, web3, Interrupting(deployer, 13))
    plan = Deployment(file, node, deployer.address)
    timelock = plan.contracts["timelock"].address
    impersonate(
        deployer.address, timelock, encode_call("grantRole(bytes32,address)", proof.ROLES["PROPOSER"], deployer.address)
    )
    schedule = "schedule(address,uint256,bytes,bytes32,bytes32,uint256)"
    impersonate(
        deployer.address,
        timelock,
        encode_call(schedule, plan.contracts["vault"].address, 0, b"", bytes(32), bytes(32), 172800),
    )
    impersonate(
        deployer.address,
        timelock,
        encode_call("revokeRole(bytes32,address)", proof.ROLES["PROPOSER"], deployer.address),
    )
    [failure] = deployment.prove(deployment.deploy(file, web3, deployer)).failures
    assert failure.startswith("timelock: scheduled while the deployer had its role: 0x")


def test_prove__finds_a_module_and_a_lowered_threshold(standing, impersonate, stranger):
    result, _ = standing
    safe = result.addresses["safe"]
    impersonate(safe, safe, encode_call("enableModule(address)", stranger.address))
    impersonate(safe, safe, encode_call("changeThreshold(uint256)", 1))
    failures = deployment.prove(result).failures
    assert f"safe: modules: {stranger.address}" in failures
    assert any("safe.threshold: 2 here, 1 on the chain" in line for line in failures)


def test_prove__fails_on_a_function_that_no_rule_knows(standing, monkeypatch):
    result, _ = standing
    rules = [rule for rule in proof.RULES["Vault"] if rule.function != "setPace(uint256,uint256,uint256)"]
    monkeypatch.setitem(proof.RULES, "Vault", rules)
    assert deployment.prove(result).failures == ["vault.setPace(uint256,uint256,uint256): no rule says who may call it"]


def test_prove__fails_on_a_rule_that_is_not_so(standing, monkeypatch):
    result, _ = standing
    rules = [rule for rule in proof.RULES["Vault"] if rule.function != "shutdown()"]
    monkeypatch.setitem(proof.RULES, "Vault", [*rules, proof.Rule("shutdown()", (proof.OWNER,))])
    assert deployment.prove(result).failures == ["vault.shutdown(): guardian may call it"]


def test_prove__finds_code_that_is_not_this_checkouts(standing, web3, node):
    result, _ = standing
    code = bytes(web3.eth.get_code(result.addresses["guardian"]))
    web3.provider.make_request("anvil_setCode", [result.addresses["guardian"], "0x" + (code + b"\0").hex()])
    assert "code is this checkout's, and Safe's own: guardian" in deployment.prove(result).failures


@pytest.mark.parametrize("name", [*SHARED, "redemptions"])
def test_prove__finds_vault_code_that_is_not_the_builds(standing, web3, name):
    result, _ = standing
    address = result.addresses[name]
    code = bytearray(web3.eth.get_code(address))
    code[len(code) // 2] ^= 1
    web3.provider.make_request("anvil_setCode", [address, "0x" + code.hex()])
    failures = deployment.prove(result).failures
    # the vault knows no lens
    assert (f"vault: {name}: {address}, NOT the code of the build" in failures) == (name != "lens")
    assert f"code is this checkout's, and Safe's own: {name}" in failures


@pytest.mark.parametrize("name", ["books", "views"])
def test_prove__finds_a_vault_that_runs_other_code(standing, web3, load, node, deployer, stranger, name):
    """A vault made with an address of somebody's for its code, under a deployment whose own is as it should be."""
    result, _ = standing
    other = deployment.deploy(load(f"other-{name}"), web3, deployer)
    vault = other.addresses["vault"]
    code = bytes(web3.eth.get_code(vault))
    right, wrong = (bytes.fromhex(address[2:]) for address in (result.addresses[name], stranger.address))
    assert right in code
    web3.provider.make_request("anvil_setCode", [vault, "0x" + code.replace(right, wrong).hex()])
    failures = deployment.prove(other).failures
    assert f"vault: {name}: {stranger.address}, NOT the code of the build" in failures


def test_prove__finds_a_role_of_the_redemptions(standing, impersonate):
    result, _ = standing
    timelock, exits = result.addresses["timelock"], result.addresses["redemptions"]
    impersonate(timelock, result.addresses["vault"], encode_call("setCurator(address)", exits))
    impersonate(timelock, timelock, encode_call("grantRole(bytes32,address)", proof.ROLES["CANCELLER"], exits))
    failures = deployment.prove(result).failures
    assert "redemptions: roles: timelock CANCELLER, vault curator" in failures
    assert "timelock: CANCELLER: guardian, redemptions, safe" in failures


def test_prove__finds_a_delay_that_was_shortened(standing, impersonate):
    result, _ = standing
    timelock = result.addresses["timelock"]
    fees = function_signature_to_4byte_selector("setFees(uint256,uint256,address)")
    impersonate(timelock, timelock, encode_call("setDelay(bytes4,uint256)", fees, 0))
    failures = deployment.prove(result).failures
    assert "timelock: delay of setFees(uint256,uint256,address): 2 days" in failures


def test_prove__passes_over_rules_for_functions_that_are_not_there(standing, monkeypatch):
    result, _ = standing
    rules = [*proof.RULES["Redemptions"], proof.Rule("notThere()", (proof.ANYONE,))]
    monkeypatch.setitem(proof.RULES, "Redemptions", rules)
    found = deployment.prove(result)
    assert found.ok
    assert not [row for row in found.rows if row.function == "notThere()"]


def test_prove__shows_that_redemptions_serve_everybody_for_their_own_alone(standing):
    rows = {
        (row.function, row.case): row.who for row in deployment.prove(standing[0]).rows if row.contract == "redemptions"
    }
    for function in ("requestRedeem", "redeem", "withdraw"):
        assert rows[f"{function}(uint256,address,address)", ""] == ("anyone",)
        assert rows[f"{function}(uint256,address,address)", "another's"] == ()
    assert rows["fulfil()", ""] == rows["fulfil(uint256)", ""] == ("anyone",)
    assert rows["deposit(uint256,address)", ""] == rows["mint(uint256,address)", ""] == ()


# The command


def test_command__json_is_all_of_standard_output(standing, web3, deployer, write, capsys, monkeypatch):
    result, _ = standing
    monkeypatch.setattr(commands.records, "path_of", lambda file, node: ROOT / "build" / "deployments" / "unused.json")
    path = write("standing")
    commands.run(path, web3, deployer, mode="deploy", as_json=True, lasting=False)
    content = json.loads(capsys.readouterr().out)
    assert content["addresses"] == result.addresses
    assert content["sent"] == []
    assert content["proof"]["ok"] is True
    assert "ends with the command" in content["note"]


def test_command__a_proof_that_fails_has_its_exit_code(standing, web3, deployer, write, impersonate, capsys):
    result, _ = standing
    impersonate(result.addresses["safe"], result.addresses["safe"], encode_call("changeThreshold(uint256)", 1))
    with pytest.raises(SystemExit) as caught:
        commands.run(write("standing"), web3, deployer, mode="proof", as_json=True, lasting=False)
    assert caught.value.code == commands.NOT_PROVEN
    assert json.loads(capsys.readouterr().out)["proof"]["ok"] is False


def test_command__a_dry_run_sends_nothing(web3, deployer, write, capsys):
    block = web3.eth.block_number
    commands.run(write("dry"), web3, deployer, mode="dry-run", as_json=True, lasting=False)
    content = json.loads(capsys.readouterr().out)
    assert len(content["steps"]) == ALL
    assert set(content["addresses"]) == NAMES
    assert web3.eth.block_number == block


def test_command__runs_as_it_is_typed(web3, write):
    """Through Ape, on this test's own node; a file that is refused, so nothing is left behind."""
    path = write("typed", ("  threshold: 2", "  threshold: 9"))
    network = f"ethereum:mainnet:{web3.provider.endpoint_uri}"
    command = [
        str(Path(sys.executable).with_name("ape")),
        "run",
        "deploy",
        "--file",
        str(path),
        "--network",
        network,
        "--json",
    ]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"{path}:18: safe.threshold: 9 signatures of 3 owners: can never act" in done.stderr
    assert "Traceback" not in done.stderr


def test_command__a_node_that_does_not_answer_is_one_line(write, deployer):
    with pytest.raises(BallastError) as caught:
        commands.run(
            write("silent"),
            Web3(HTTPProvider("http://127.0.0.1:9/key")),
            deployer,
            mode="deploy",
            as_json=True,
            lasting=False,
        )
    assert str(caught.value) == "the node at 127.0.0.1:9 fails: ConnectionError"

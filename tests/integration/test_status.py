"""`ape run status`: what it shows is what the contracts say."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ape import project as ape_project
from eth_utils import function_signature_to_4byte_selector

from ballast import mainnet
from ballast.environment import ROOT
from ballast.keeper import Contract
from ballast.status import Abi, read
from ballast.status.commands import ABIS
from tests.router_kit import AAVE, DAY, MORPHO, UNLIMITED, USDC, WAD

SET_FEES = "setFees(uint256,uint256,address)"


def risk(identifier):
    return identifier.encode().ljust(32, b"\0")


def mined(w3, sent):
    return w3.eth.wait_for_transaction_receipt(sent, poll_latency=0.02)


@pytest.fixture(scope="module")
def timelock(project, w3, owner):
    """A timelock of two days, five for the fees; the owner proposes and cancels."""
    nobody = "0x" + "00" * 20
    selector = function_signature_to_4byte_selector(SET_FEES)
    made = owner.deploy(project.Timelock, 2 * DAY, [owner], [nobody], nobody, [selector], [5 * DAY])
    return w3.eth.contract(made.address, abi=[item.model_dump() for item in made.contract_type.abi])


@pytest.fixture(scope="module")
def vault(
    project,
    vault_code,
    owner,
    guardian,
    curator,
    fee_recipient,
    router,
    timelock,
    usdc,
    give_usdc,
    depositor,
    keeper,
    chain,
):
    vault = owner.deploy(
        project.Vault,
        (
            *(mainnet.USDC, "Ballast USDC", "bUSDC", owner, guardian, curator, fee_recipient),
            *(1000, 50, 5000, 10 * DAY, DAY, 10, DAY),
        ),
        *vault_code,
    )
    vault.setRiskCap(risk("aave-v3"), 1_900_000 * USDC, 9_500, sender=owner)
    vault.setRiskCap(risk("usdc"), UNLIMITED, 10_000, sender=owner)
    vault.addStrategy(router, 2_000_000 * USDC, 9_300, 9_000, 100, False, sender=owner)
    vault.setRisks(router, [risk("usdc")], sender=owner)
    vault.setOwner(timelock.address, sender=owner)
    give_usdc(depositor, 1_000_000 * USDC)
    usdc.approve(vault, 2**256 - 1, sender=depositor)
    vault.deposit(1_000_000 * USDC, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    chain.mine()
    router.rebalance(sender=keeper)
    return vault


@pytest.fixture(scope="module")
def abis():
    kinds = ape_project.load_contracts()
    return {name: Abi([entry.model_dump() for entry in kinds[name].abi]) for name in ABIS}


def test_status__says_what_the_contracts_say(vault, router, w3, abis, wait, keeper):
    wait(30 * DAY)
    vault.report(sender=keeper)
    wait(DAY)
    contracts = [Contract(vault.address, "vault"), Contract(router.address, "lending")]
    names = {router.address: "lending", router.venues()[AAVE].at: "aave", router.venues()[MORPHO].at: "morpho"}
    state = read(w3, contracts, abis, names)
    assert state["unreadable"] == []
    (shown,) = state["vaults"]
    assert shown["assets"] == vault.totalAssets() > 1_000_000 * USDC
    assert shown["debt"] == vault.totalDebt()
    assert shown["idle"] == vault.idle() == 100_000 * USDC
    assert shown["locked_profit"] == vault.lockedProfit() > 0
    assert shown["unlocked_at"] == vault.unlockedAt() > state["timestamp"]
    assert shown["supply"] == vault.totalSupply()
    budget = shown["loss_budget"]
    assert (budget["budget_bps"], budget["window"], budget["available_wad"]) == tuple(vault.lossBudget())
    assert budget["available"] == (vault.idle() + vault.totalDebt()) * 5 // 10_000  # half of 0.1 %
    assert shown["redemptions"] == {"address": vault.redemptions(), "shares": 0, "worth": 0, "controllers": None}
    assert shown["gate"] is None
    assert shown["limits"] is None
    assert shown["risks"] == [
        {"id": "aave-v3", "debt": 0, "cap": 1_900_000 * USDC, "cap_bps": 9_500},
        {"id": "usdc", "debt": vault.totalDebt(), "cap": UNLIMITED, "cap_bps": 10_000},
    ]
    # assets per share, held against the figures it is made of: 1e6 virtual shares, 1 virtual unit of the asset
    exact = (vault.totalAssets() + 1) * 10**12 * WAD // ((vault.totalSupply() + 10**6) * 10**6)
    assert abs(shown["share_price"] - exact) <= 1
    assert shown["share_price"] > WAD
    assert shown["fees"]["performance_bps"] == 1000
    (strategy,) = shown["strategies"]
    assert strategy["name"] == "lending"
    assert strategy["weight"] == strategy["debt"] * WAD // (shown["idle"] + shown["debt"])
    assert strategy["target_bps"] == 9_000
    assert (strategy["cap"], strategy["cap_bps"]) == (2_000_000 * USDC, 9_300)
    assert (strategy["volatile"], strategy["risks"]) == (False, ["usdc"])
    assert shown["report_age"] == w3.eth.get_block("latest")["timestamp"] - vault.lastReport() == DAY
    (lending,) = state["routers"]
    assets, rates = router.holdings()
    assert [venue["assets"] for venue in lending["venues"]] == list(assets)
    assert [venue["supply_rate"] for venue in lending["venues"]] == list(rates)
    assert all(0 < rate < WAD for rate in rates)
    assert [venue["home"] for venue in lending["venues"]].index(True) == router.home()
    assert [venue["name"] for venue in lending["venues"]] == ["aave", "morpho"]
    assert {reading["name"] for reading in lending["readings"]} >= {"edge", "observation", "idle", "venue.0", "venue.1"}


def test_status__shows_what_waits_on_the_timelock(vault, router, timelock, w3, abis, owner):
    start = w3.eth.block_number
    call = (vault.address, 0, bytes.fromhex("e10edb8a"), bytes(32), bytes(32))
    mined(w3, timelock.functions.schedule(*call, 2 * DAY).transact({"from": owner.address}))
    state = read(w3, [Contract(vault.address, "vault")], abis, {timelock.address: "timelock"}, since=start)
    (shown,) = state["timelocks"]
    assert (shown["name"], shown["delay"]) == ("timelock", 2 * DAY)
    (operation,) = shown["pending"]
    assert operation["ready_at"] == w3.eth.get_block("latest")["timestamp"] + 2 * DAY
    assert state["vaults"][0]["roles"]["owner"] == {"address": timelock.address, "name": "timelock"}
    mined(w3, timelock.functions.cancel(bytes.fromhex(operation["id"][2:])).transact({"from": owner.address}))
    state = read(w3, [Contract(vault.address, "vault")], abis, {}, since=start)
    assert state["timelocks"][0]["pending"] == []


def test_status__shows_what_waits_to_be_redeemed_and_what_is_to_be_claimed(project, vault, w3, abis, depositor, keeper):
    def shown():
        (found,) = read(w3, [Contract(vault.address, "vault")], abis, {}, since=start)["vaults"]
        return found["redemptions"]

    start, shares = w3.eth.block_number, 1_000 * 10**12
    queue = project.Redemptions.at(vault.redemptions())
    vault.approve(queue, 2 * shares, sender=depositor)
    queue.requestRedeem(shares, depositor, depositor, sender=depositor)
    queue.fulfil(sender=keeper)
    queue.requestRedeem(shares // 4, depositor, depositor, sender=depositor)
    vault.transfer(queue, 7, sender=depositor)  # by mistake: nobody asked for these
    found = shown()
    assert found["shares"] == shares // 4
    assert abs(found["worth"] - vault.convertToAssets(shares // 4)) <= 1
    assets = queue.maxWithdraw(depositor)
    assert found["controllers"] == [
        {"controller": depositor.address, "waiting": shares // 4, "claimable": shares, "assets": assets}
    ]
    # whose all is claimed is left out
    queue.fulfil(sender=keeper)
    queue.redeem(queue.maxRedeem(depositor), depositor, depositor, sender=depositor)
    assert shown() == {"address": vault.redemptions(), "shares": 0, "worth": 0, "controllers": []}


def test_status__shows_delays_as_they_were_set_last(vault, timelock, w3, abis, accounts):
    """The timelock of 2 days has one for the fees; another is set, one taken back, one is of no function of ours."""
    state = read(w3, [Contract(vault.address, "vault")], abis, {}, since=0)
    assert state["timelocks"][0]["delays"] == {SET_FEES: 5 * DAY}
    itself = accounts[timelock.address]
    itself.balance = 10**18
    contract = ape_project.Timelock.at(timelock.address)
    for signature, delay in ((SET_FEES, 0), ("setOwner(address)", 9 * DAY), ("foreign()", 8 * DAY)):
        contract.setDelay(function_signature_to_4byte_selector(signature), delay, sender=itself)
    state = read(w3, [Contract(vault.address, "vault")], abis, {}, since=0)
    foreign = "0x" + function_signature_to_4byte_selector("foreign()").hex()
    assert state["timelocks"][0]["delays"] == {"setOwner(address)": 9 * DAY, foreign: 8 * DAY}


def test_status__names_what_it_cannot_read(w3, vault, abis):
    contracts = [Contract(mainnet.USDC, "USDC"), Contract(vault.address, "vault")]
    state = read(w3, contracts, abis, {})
    assert [each["name"] for each in state["unreadable"]] == ["USDC"]
    assert [each["name"] for each in state["vaults"]] == ["vault"]


@pytest.mark.parametrize("form", ["table", "json"])
def test_status_command(w3, vault, router, form):
    command = [Path(sys.executable).parent / "ape", "run", "status", *(["--json"] if form == "json" else [])]
    command += ["--network", f"ethereum:mainnet:{w3.provider.endpoint_uri}"]
    command += ["--contract", vault.address, "--contract", router.address]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "COLUMNS": "150"}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    if form == "json":
        assert json.loads(done.stdout)["vaults"][0]["address"] == vault.address
    else:
        assert "900,000.00 USDC" in done.stdout
        assert "waits 2 d" in done.stdout
        assert "no limit" in done.stdout
        for text in (
            "93 %",
            "smooth",
            "usdc",
            "500.00 USDC left now",
            "0.1 % in any 1 d",
            "open to everybody",
            "not looked for",
        ):
            assert text in done.stdout, text

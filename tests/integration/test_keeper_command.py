"""`ape run keep` as an operator types it: tables, JSON, exit codes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ballast import mainnet
from ballast.environment import ROOT
from tests.router_kit import DAY, UNLIMITED, USDC, out_of_band

SHARE = 10**12  # for one USDC
APE = Path(sys.executable).parent / "ape"


@pytest.fixture(scope="module")
def vault(project, vault_code, owner, guardian, curator, fee_recipient, router, usdc, give_usdc, depositor, keeper):
    """One million USDC idle in a vault that wants 95 % in the router."""
    vault = owner.deploy(
        project.Vault,
        (
            *(mainnet.USDC, "Ballast USDC", "bUSDC", owner, guardian, curator, fee_recipient),
            *(1000, 0, 5000, 10 * DAY, DAY, 10, DAY),
        ),
        *vault_code,
    )
    vault.addStrategy(router, UNLIMITED, 10_000, 9_500, 100, False, sender=owner)
    give_usdc(depositor, 1_000_000 * USDC)
    usdc.approve(vault, 2**256 - 1, sender=depositor)
    vault.deposit(1_000_000 * USDC, depositor, sender=depositor)
    router.rebalance(sender=keeper)
    return vault


@pytest.fixture
def start(w3):
    def call(*arguments, uri=w3.provider.endpoint_uri, network=None):
        return subprocess.Popen(
            [APE, "run", "keep", *arguments, "--network", network or f"ethereum:mainnet:{uri}"],
            cwd=ROOT,
            env={**os.environ, "COLUMNS": "140"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return call


@pytest.fixture
def run(start):
    def call(*arguments, **options):
        process = start(*arguments, **options)
        stdout, stderr = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    return call


def test_once__dry_run_then_for_real_then_in_band(run, vault, router, keeper):
    """Three calls with the same arguments but for the account."""
    contracts = ("--contract", vault.address, "--contract", router.address)
    nonce = keeper.nonce

    dry = run("once", "--json", *contracts)
    assert dry.returncode == 0, dry.stderr
    said = json.loads(dry.stdout)
    assert said["dry_run"]
    # the vault's queue comes with it
    assert [(each["job"], each["result"]) for each in said["contracts"]] == [
        ("fulfil", "in_band"),
        ("rebalance", "ready"),
        ("rebalance", "in_band"),
    ]
    assert keeper.nonce == nonce

    sent = run("once", "--account", "TEST::5", *contracts)
    assert sent.returncode == 0, sent.stderr + sent.stdout
    assert "0.00 % → 95.00 %" in sent.stdout
    assert "mended" in sent.stdout
    assert not out_of_band(vault)
    nonce = keeper.nonce

    again = run("once", "--json", "--account", "TEST::5", *contracts)
    assert [each["result"] for each in json.loads(again.stdout)["contracts"]] == 3 * ["in_band"]
    assert keeper.nonce == nonce


def test_once__pays_who_waits_and_shows_it(project, run, vault, depositor):
    queue = project.Redemptions.at(vault.redemptions())
    vault.approve(queue, 400 * SHARE, sender=depositor)
    queue.requestRedeem(400 * SHARE, depositor, depositor, sender=depositor)
    done = run("once", "--account", "TEST::5", "--contract", vault.address)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "400.00 → 0.00" in done.stdout
    assert queue.maxWithdraw(depositor) == 400 * USDC


def test_loop__json_lines_and_the_last_cycles_exit_code(run, vault):
    arguments = ("--json", "--max-fee", "0.5", "--cycles", "2", "--interval", "0.1")
    done = run("loop", *arguments, "--contract", vault.address)
    cycles = [json.loads(line) for line in done.stdout.splitlines()]
    assert [cycle["cycle"] for cycle in cycles] == [1, 2]
    assert {cycle["contracts"][1]["result"] for cycle in cycles} == {"too_dear"}
    assert done.returncode == 2


def test_loop__ctrl_c_ends_it_after_the_cycle_under_way(start, vault):
    loop = start("loop", "--interval", "60", "--contract", vault.address)
    assert loop.stdout.readline().startswith("cycle 1")
    loop.send_signal(signal.SIGINT)
    _, errors = loop.communicate(timeout=20)
    assert loop.returncode == 0
    assert "stopped after 1 cycle(s)" in errors
    assert "Traceback" not in errors


def test_a_contract_that_is_none__exits_with_3__and_a_fork_of_its_own_keeps_json_clean(start):
    process = start("once", "--json", "--contract", "0x" + "b2" * 20, network="ethereum:mainnet-fork:foundry")
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 3
    assert json.loads(printed)["contracts"][0]["note"] == "no contract at this address"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["once", "--contract", mainnet.USDC], 1, "cannot reach the node of ethereum:mainnet:http://127.0.0.1:9:"),
        (["once", "--nonsense"], 64, "No such option"),
    ],
)
def test_mistakes__are_one_line_without_the_key_in_the_url(run, arguments, code, said):
    done = run(*arguments, uri="http://user:secret@127.0.0.1:9/secret")
    assert done.returncode == code
    lines = [line for line in done.stderr.splitlines() if "error" in line.lower()]
    assert len(lines) == 1
    assert said in lines[0]
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr

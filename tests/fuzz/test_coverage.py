"""Coverage: what runs reach of the contracts, line by line and way by way."""

from random import Random

import pytest

from ballast.environment import ROOT
from ballast.fuzz import coverage
from ballast.fuzz.chain import FuzzError
from ballast.fuzz.machine import Step
from ballast.fuzz.targets import Target, machine_class, prepared

VAULT, ROUTER = "contracts/vault/Vault.sol", "contracts/strategies/LendingRouter.sol"
PLAIN = {"listed": 1, "volatile": 0, "decimals": 0, "cap": 2**128 - 1, "cap_bps": 10_000, "risk_bps": 10_000}


def line(path, text):
    """Number of the one line of a source that holds `text`."""
    (found,) = [at for at, each in enumerate((ROOT / path).read_text().splitlines(), 1) if text in each]
    return found


@pytest.fixture(scope="module")
def covered(project):
    """What a deposit reaches, file by file, and what a deposit and a redemption do."""
    machine = machine_class("vault")
    begin = Step(
        "setup", {**{name: choice.draw(Random(1)) for name, choice in machine.rules["setup"].choices}, **PLAIN}
    )
    deposit, redeem = Step("deposit", {"who": 0, "assets": 10**6}), Step("redeem", {"who": 0, "part": 100})
    with prepared("vault") as target:
        found = [coverage.cover(target, [[begin, deposit, *more]]) for more in ([], [redeem])]
    assert [(runs, steps) for _, runs, steps in found] == [(1, 2), (1, 3)]
    return [{file.file: file for file in files} for files, _, _ in found]


def test_coverage__reaches_what_was_called_and_nothing_else(covered):
    deposit, both = covered
    entry, leaving = line(VAULT, "_mintTo(receiver, shares);"), line(VAULT, "if (assets > available) revert")
    assert entry not in deposit[VAULT].missing
    assert leaving in deposit[VAULT].missing
    assert leaving not in both[VAULT].missing
    assert both[VAULT].lines == deposit[VAULT].lines
    assert both[VAULT].lines_reached > deposit[VAULT].lines_reached > 0
    assert both[ROUTER].lines_reached == both[ROUTER].branches_reached == 0 < both[ROUTER].branches


def test_coverage__counts_both_ways_of_a_fork(covered):
    for files in covered:
        # nobody deposits for nobody: one way out of this `if` was taken, the other was not
        assert line(VAULT, "if (shares == 0 && assets > 0) revert ZeroShares") in files[VAULT].one_way
        for file in files.values():
            assert file.branches == 2 * round(file.branches / 2)
            assert file.branches_reached <= file.branches - len(file.one_way)


def test_coverage__of_a_node_is_refused():
    with pytest.raises(FuzzError, match="--upstream none"):
        coverage.cover(Target("vault", "http://127.0.0.1:1", "none"), [])

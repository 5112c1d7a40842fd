"""Which mutants `make mutate` makes of a source, and what they meet."""

import itertools
import os
import re
import subprocess
import sys

import pytest

from ballast import compiled as builds
from ballast.environment import ROOT
from tools import compiler
from tools.mutate import hunt, killers, mutants

SOURCE = """// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;
contract Small {
    uint256 public limit = 10;
    event Raised();
    modifier guarded() { _; }
    function raise(uint256 by, uint256 most) external guarded returns (bool) {
        if (by >= most && !done(by, most)) revert();
        limit += by;
        emit Raised();
        return true;
    }
    function done(uint256 a, uint256 b) public pure returns (bool) { return a - b > 3; }
}
"""


def compiled(text):
    answer = compiler.compile_json(compiler.standard_json({"Small.sol": text}, ["evm.bytecode.object"], ast=True))
    assert not compiler.errors(answer)
    return answer


@pytest.fixture(scope="module")
def found():
    return mutants.find("Small.sol", SOURCE, compiled(SOURCE)["sources"]["Small.sol"]["ast"])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("by >= most && !done", "by > most && !done"),
        ("by >= most && !done", "by < most && !done"),
        ("by >= most && !done", "by >= most || !done"),
        ("!done(by, most)", "done(by, most)"),
        ("done(by, most)", "done(most, by)"),
        ("by >= most && !done(by, most)", "true"),
        ("by >= most && !done(by, most)", "false"),
        ("limit += by;", "limit -= by;"),
        ("limit += by;", "limit = by;"),
        ("limit += by;", "{}"),
        ("emit Raised();", "{}"),
        ("external guarded returns", "external  returns"),
        ("return true;", "return false;"),
        ("limit = 10", "limit = 11"),
        ("limit = 10", "limit = 9"),
        ("a - b > 3", "a + b > 3"),
    ],
)
def test_mutant__is_made(found, old, new):
    assert SOURCE.count(old) == 1 or old == "done(by, most)"
    assert SOURCE.replace(old, new, 1) in {mutant.apply(SOURCE) for mutant in found}


def test_mutants__all_differ_and_none_is_the_original(found):
    texts = [mutant.apply(SOURCE) for mutant in found]
    assert len(set(texts)) == len(texts)
    assert SOURCE not in texts


def test_mutant__keeps_its_name_when_lines_above_it_move(found):
    other = "    function lower(uint256 by) external {\n        limit += by;\n    }\n"
    moved = SOURCE.replace("    event Raised();\n", f"\n    event Raised();\n    event Other();\n{other}")
    again = mutants.find("Small.sol", moved, compiled(moved)["sources"]["Small.sol"]["ast"])
    assert [mutant.id for mutant in again if mutant.function != "lower/1"] == [mutant.id for mutant in found]
    assert len({mutant.id for mutant in again}) == len(again) > len(found)
    assert len({mutant.id for mutant in found}) == len(found)


def test_mutant__is_shown_as_a_patch(found):
    (mutant,) = (mutant for mutant in found if mutant.new == "-=")
    assert "-        limit += by;\n+        limit -= by;" in mutant.diff(SOURCE)


# --- what mutants meet ---


class Room:
    """Answers commands with what it was told to."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.commands = []

    def run(self, command, seconds):
        self.commands.append(command)
        return self.answers.pop(0)


def test_killers__come_in_turn_until_one_notices():
    met = killers.Killers()
    room = Room((0, ""), (1, "..F\nFAILED tests/unit/vault/test_rules.py::test_x[1] - assert 1 == 2"))
    result = met.judge(room, {})
    assert (result["result"], result["file"]) == ("killed", "tests/unit/vault/test_rules.py")
    assert result["by"] == "test_x[1]"
    assert "tools.mutate.hunt" in room.commands[0] and "tools.mutate.onrevm" in room.commands[1]


def test_killers__leave_no_test_out_of_a_survivor_s_way():
    met = killers.Killers()
    room = Room((0, ""), (0, ""), (0, ""))
    assert met.judge(room, {})["result"] == "survived"
    _, on_revm, on_anvil = room.commands
    for folder in ("tests/unit/vault", "tests/attacks", "tests/stateful", "tests/regressions"):
        for path in (ROOT / folder).glob("test_*.py"):
            assert str(path.relative_to(ROOT)) in on_revm.split()
    left_out = [word for before, word in itertools.pairwise(on_revm.split()) if before == "--deselect"]
    assert left_out == list(killers.ON_ANVIL)
    assert all(test in on_anvil.split() for test in left_out)


def test_killers__that_killed_before_come_first():
    met = killers.Killers()
    room = Room((0, ""), (0, ""), (0, ""))
    earlier = {"a": {"file": "tests/stateful/test_vault.py"}, "b": {"result": "same code"}}
    met.judge(room, earlier)
    files = [word for word in room.commands[1].split() if word.endswith(".py")]
    assert files[0] == "tests/stateful/test_vault.py"


@pytest.mark.parametrize(
    ("code", "result"), [(None, "killed"), (-15, "ended"), (2, "killed")], ids=["no end", "ended", "an error"]
)
def test_killers__tell_a_failure_from_an_end_from_outside(code, result):
    assert killers.Killers("true").judge(Room((code, "")), {})["result"] == result


def test_results__stand_while_what_they_stand_on_is_the_same():
    met = killers.Killers()
    survived = met.judge(Room(*3 * [(0, "")]), {})
    file = next(iter(met.files))
    killed = met.judge(Room((1, f"FAILED {file}::test_x")), {})
    assert met.stands(survived) and met.stands(killed) and met.stands({"result": "same code"})
    later = killers.Killers()
    later.files = met.files | {file: "changed"}
    later.all = "other"
    assert not later.stands(survived) and not later.stands(killed)
    later.files = met.files
    assert later.stands(killed)


def test_hunt__makes_the_runs_that_the_tests_make():
    """By the text of the tests: what they run is a list in a decorator."""
    text = (ROOT / "tests" / "fuzz" / "test_machines.py").read_text()
    assert f'@pytest.mark.parametrize(("name", "runs"), {list(hunt.RUNS)})'.replace("'", '"') in text
    assert 'run(machine, Random(f"make test/{number}"), LENGTH, tally)' in text


# --- tests written for Ape, on revm ---

PLAYED = """
import pytest
from ape import reverts
from tests.vault_kit import *

def test_passes(vault, depositor, second_depositor, chain):
    receipt = vault.deposit(UNIT, second_depositor, sender=depositor)
    assert receipt.return_value == vault.balanceOf(second_depositor) == UNIT * 10**6
    (event,) = [each for each in receipt.events if each.event_name == "Deposit"]
    assert (event.assets, event.owner) == (UNIT, second_depositor)
    with reverts(vault.Slippage, got=UNIT * 10**6, limit=2**200):
        vault.deposit(UNIT, depositor, 2**200, sender=depositor)

def test_is_alone(vault):
    assert vault.totalSupply() == 0

def test_wrong_error(vault, depositor):
    with reverts(vault.InBand):
        vault.deposit(UNIT, depositor, 2**200, sender=depositor)

def test_wrong_value(vault, depositor):
    with reverts(vault.Slippage, got=1):
        vault.deposit(UNIT, depositor, 2**200, sender=depositor)

def test_wrong_name_of_a_value(vault, depositor):
    with reverts(vault.Slippage, gotten=UNIT * 10**6):
        vault.deposit(UNIT, depositor, 2**200, sender=depositor)

def test_no_revert(vault, depositor):
    with reverts():
        vault.deposit(UNIT, depositor, sender=depositor)
"""


def test_on_revm__passes_and_fails_as_it_should(tmp_path):
    builds.ensure()
    (tmp_path / "test_played.py").write_text(PLAYED)
    command = [sys.executable, "-m", "pytest", "-p", "no:ape_test", "-p", "tools.mutate.onrevm", "-q", "-rA"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", f"--rootdir={tmp_path}", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    outcome = {name: how for how, name in re.findall(r"^(PASSED|FAILED|ERROR) \S+::(\w+)", done.stdout, re.M)}
    assert outcome == {
        "test_passes": "PASSED",
        "test_is_alone": "PASSED",
        "test_wrong_error": "FAILED",
        "test_wrong_value": "FAILED",
        "test_wrong_name_of_a_value": "FAILED",
        "test_no_revert": "FAILED",
    }, done.stdout

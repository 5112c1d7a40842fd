"""Which mutants `make mutate` makes of a source."""

import pytest

from tools import compiler
from tools.mutate import mutants

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

"""Revert data in words."""

import pytest
from eth_abi import encode
from eth_utils import function_signature_to_4byte_selector

from ballast.keeper import ErrorBook

GAIN = {
    "type": "error",
    "name": "GainTooSmall",
    "inputs": [{"name": "gain", "type": "uint256"}, {"name": "cost", "type": "uint256"}],
}
PRICE = {"type": "error", "name": "PriceNotGood", "inputs": [{"name": "verdict", "type": "uint8"}]}
PAIR = {
    "type": "error",
    "name": "Pair",
    "inputs": [
        {
            "name": "pair",
            "type": "tuple",
            "components": [{"name": "a", "type": "uint256"}, {"name": "b", "type": "bytes32"}],
        }
    ],
}


def data(signature, *values):
    types = signature[signature.index("(") + 1 : -1]
    return function_signature_to_4byte_selector(signature) + encode(types.split(",") if types else [], values)


@pytest.fixture
def book():
    return ErrorBook([GAIN, PRICE, PAIR, {"type": "function", "name": "rebalance", "inputs": []}])


def test_in_band_is_known_without_any_abi():
    reason = ErrorBook().reason(data("InBand()"))
    assert reason.error == "InBand"
    assert str(reason) == "InBand(): the contract sees nothing to do"


def test_arguments_are_named(book):
    reason = book.reason("0x" + data("GainTooSmall(uint256,uint256)", 12, 345).hex())
    assert reason.arguments == {"gain": 12, "cost": 345}
    assert str(reason) == "GainTooSmall(gain=12, cost=345): the move would not earn its gas yet"


def test_enumerations_are_named(book):
    assert book.reason(data("PriceNotGood(uint8)", 2)).arguments == {"verdict": "Disputed"}


def test_tuples_are_decoded(book):
    selector = function_signature_to_4byte_selector("Pair((uint256,bytes32))")
    reason = book.reason(selector + encode(["(uint256,bytes32)"], [(1, b"x")]))
    assert reason.arguments["pair"][0] == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"", "reverted without a reason"),
        (None, "reverted without a reason"),
        (data("Error(string)", "51"), '"51"'),
        (data("Panic(uint256)", 0x11), "panic 0x11 (arithmetic overflow)"),
        (b"\xde\xad\xbe\xef" + b"\0" * 32, "unknown error 0xdeadbeef"),
        (b"\xde", "unknown error 0xde"),
        (data("GainTooSmall(uint256,uint256)", 1, 2)[:20], "malformed"),
    ],
)
def test_whatever_a_contract_answers_is_one_line(book, given, said):
    text = str(book.reason(given))
    assert said in text
    assert "\n" not in text

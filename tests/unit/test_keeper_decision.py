"""State in, decisions out."""

import pytest

from ballast.keeper import Contract, ContractState, Reading, Snapshot, decide

VAULT = Contract("0x" + "01" * 20, "vault")
ROUTER = Contract("0x" + "02" * 20, "router")


def snapshot(*states):
    return Snapshot(block=1, timestamp=1, base_fee=1, states=states)


@pytest.mark.parametrize(
    ("value", "excess"),
    [(-1, -11), (9, -1), (10, 0), (15, 0), (20, 0), (21, 1), (120, 100)],
)
def test_excess_is_the_signed_distance_from_the_nearer_edge(value, excess):
    reading = Reading("weight.0", value, lower=10, target=15, upper=20)
    assert reading.excess == excess
    assert reading.in_band == (excess == 0)


def test_a_contract_with_all_readings_in_band_is_left_alone():
    state = ContractState(VAULT, (Reading("weight.0", 5, 0, 5, 10), Reading("report.0", 10, 0, 0, 10)))
    (decision,) = decide(snapshot(state))
    assert not decision.act
    assert decision.out == ()


def test_readings_out_of_band_come_farthest_first_in_widths_of_their_band():
    slightly = Reading("weight.0", 1_100, 0, 500, 1_000)  # 10 % of its width
    far = Reading("edge", 30, 0, 0, 10)  # 200 %
    inside = Reading("idle", 1, 0, 0, 10)
    (decision,) = decide(snapshot(ContractState(VAULT, (slightly, inside, far))))
    assert decision.act
    assert decision.out == (far, slightly)


def test_a_band_of_no_width_is_out_at_any_distance():
    (decision,) = decide(snapshot(ContractState(VAULT, (Reading("venue.0", 1, 0, 0, 0),))))
    assert decision.act


def test_an_unreadable_contract_is_left_alone_and_the_others_are_not():
    out = ContractState(ROUTER, (Reading("edge", 2, 0, 0, 1),))
    first, second = decide(snapshot(ContractState(VAULT, unreadable="readings() reverted"), out))
    assert not first.act
    assert second.act

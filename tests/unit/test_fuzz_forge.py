"""The handlers in forge that `make fuzz-bench` compares with: the same rules, as often, over the same lens."""

import re
from pathlib import Path

import pytest

from ballast.fuzz import bench, vault_state
from ballast.fuzz.targets import machine_class

FOLDER = Path(bench.__file__).parent / "forge"


def read(name):
    return (FOLDER / name).read_text()


def test_handlers__are_drawn_as_often_as_the_machines_rules():
    text = read("VaultInvariant.t.sol")
    names = [
        re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in re.findall(r"VaultHandler\.(\w+)\.selector", text)
    ]
    weights = [int(each) for each in re.search(r"weights =\s*\[([\d, ]+)\]", text)[1].split(",")]
    rules = machine_class("vault").rules
    assert len(names) == len(set(names)) == len(weights)
    assert dict(zip(names, weights, strict=True)) == {name: round(2 * rules[name].weight) for name in names}
    ours = sum(rules[name].weight for name in names) / sum(
        each.weight for name, each in rules.items() if name != "setup"
    )
    assert ours == pytest.approx(0.89, abs=0.01)  # as docs/fuzzing.md says


def test_properties__read_the_words_where_the_machine_does():
    places = dict(re.findall(r"constant (\w+) = ([^;]+);", read("VaultProperties.sol")))
    assert int(places["PER_STRATEGY"]) == vault_state._PER_STRATEGY
    assert int(places["FIRST_HOLDER"]) == vault_state._FIXED
    words = list(range(vault_state._FIXED + 2 * 6 + vault_state._PER_STRATEGY))
    data = b"".join(word.to_bytes(32, "big") for word in [0, 0, *words])
    state = vault_state.VaultState(data, 6, now=0)
    by_name = {"TOTAL_DEBT": state.total_debt, "MANAGED_OWED": state.managed_owed, "UNLOCKED_AT": state.unlocked_at}
    by_name |= {"NET": state.net, "LOCKED": state.locked, "SUPPLY": state.supply, "DEFICIT": state.deficit}
    by_name |= {"BUDGET": state.budget_wad, "LAST_REPORT": state.last_report, "GROWTH_CAP": state.growth_cap_bps}
    by_name |= {"HELD": state.held, "IDLE": state.idle, "PERFORMANCE": state.performance_bps}
    (strategy,) = state.strategies
    first = vault_state._FIXED + 2 * 6
    by_name |= {"DEBT": strategy.debt - first, "SHARES": strategy.shares - first, "VALUE": strategy.value - first}
    by_name |= {"SHARES_HELD": strategy.held - first, "CAP": strategy.cap - first, "CAP_BPS": strategy.cap_bps - first}
    assert {name: int(places[name]) for name in by_name} == by_name

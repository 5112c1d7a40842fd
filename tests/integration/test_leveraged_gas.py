"""What a leveraged strategy costs, on anvil: whole transactions, and what a vault may spend on it."""

import pytest

from ballast.environment import ROOT
from ballast.fuzz.node import Anvil
from ballast.replica.rpc import Rpc
from tests.position_kit import *

FIRST, SECOND, THIRD = DEPOSITORS
#: VaultState: what a vault gives a strategy to be read, and to be moved
READ_GAS, CALL_GAS = 1_000_000, 3_000_000


@pytest.fixture(scope="module")
def node(chain):
    rpc = Rpc(chain.provider.http_uri)
    made = Anvil(rpc)
    snapshot = made.snapshot()
    yield made, rpc
    made.restore(snapshot)
    made.close()
    rpc.close()


@pytest.fixture(scope="module")
def costs(node):
    """Gas of each action in a life: what the transaction used; of each view, what an estimate says."""
    anvil, rpc = node
    place = Place(builds.load(), anvil)
    place.settle()
    held = place.leveraged()
    used = {}

    def note(name):
        used.setdefault(name, int(anvil._receipt["gasUsed"], 16))

    def view(name, method, *arguments):
        data = {"to": held.at.address, "data": "0x" + method.data(*arguments).hex()}
        used[name] = int(rpc("eth_estimateGas", data), 16)

    held.deposit(MILLION // 20)
    note("deposit, first")
    place.chain.wait(12)
    held.poke()
    note("rebalance: lever up, first")
    held.deposit(MILLION // 20, SECOND)
    note("deposit, new holder")
    held.deposit(MILLION // 20, SECOND)
    note("deposit, existing holder")
    place.chain.wait(12)
    held.poke()
    note("rebalance: lever up, again")
    while True:
        place.chain.wait(12)
        if held.refusal():
            break
        held.poke()
        place.push_pool(place.feed_price())
    place.chain.wait(60)
    shares = held.at.balanceOf(SECOND)
    view("previewRedeem", held.at.previewRedeem, shares)
    view("maxRedeem", held.at.maxRedeem, SECOND)
    view("totalAssets", held.at.totalAssets)
    view("readings", held.at.readings)
    held.at.redeem(shares // 3, SECOND, SECOND, sender=SECOND)
    note("redeem")
    held.at.withdraw(MILLION // 100, SECOND, SECOND, sender=SECOND)
    note("withdraw")
    place.crash(17)
    place.chain.wait(12)
    held.poke()
    note("rebalance: deleverage")
    with anvil.isolated():
        place.push_pool(place.feed_price() * 3 // 4)
        place.push_feed(place.feed_price() * 3 // 4)
        place.chain.wait(12)
        held.at.rescue(sender=STRANGER)
        note("rescue")
    held.at.unwind(sender=GUARDIAN)
    note("unwind")
    return used


@pytest.mark.parametrize("view", ["previewRedeem", "maxRedeem"])
def test_views__cost_less_than_half_of_what_a_vault_gives_them(costs, view):
    assert costs[view] < READ_GAS // 2


@pytest.mark.parametrize("move", ["deposit, first", "deposit, new holder", "redeem"])
def test_moves__cost_less_than_half_of_what_a_vault_gives_them(costs, move):
    assert costs[move] < CALL_GAS // 2


def test_actions__cost_no_more_than_the_page_says(costs):
    """docs/strategies.md has these, rounded up; the moment in which a pool writes its observation moves them by 1 %."""
    page = (ROOT / "docs" / "strategies.md").read_text()
    for name, gas in costs.items():
        row = next(line for line in page.splitlines() if line.startswith(f"| {name} |"))
        said = int(row.split("|")[2].strip().replace(",", ""))
        assert gas * 98 // 100 <= said <= gas * 11 // 10, f"{name}: {gas}"

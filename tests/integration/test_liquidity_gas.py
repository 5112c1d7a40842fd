"""What a liquidity strategy costs, on anvil: whole transactions, and what a vault may spend on it."""

import pytest

from ballast.environment import ROOT
from ballast.fuzz.node import Anvil
from ballast.replica.rpc import Rpc
from tests.liquidity_kit import *

FIRST, SECOND, THIRD = DEPOSITORS
#: VaultState: what a vault gives a strategy to be read, and to be moved
READ_GAS, CALL_GAS = 1_000_000, 3_000_000


@pytest.fixture(scope="module")
def provided_costs(chain):
    """Gas of each action in a life: what the transaction used; of each view, what an estimate says."""
    rpc = Rpc(chain.provider.http_uri)
    anvil = Anvil(rpc)
    snapshot = anvil.snapshot()
    place = Place(builds.load(), anvil)
    place.settle()
    held = provide(place)
    used = {}

    def note(name):
        used[f"range: {name}"] = int(anvil._receipt["gasUsed"], 16)

    def view(name, method, *arguments):
        data = {"to": held.at.address, "data": "0x" + method.data(*arguments).hex()}
        used[f"range: {name}"] = int(rpc("eth_estimateGas", data), 16)

    held.deposit(MILLION // 10)
    note("deposit, first")
    place.chain.wait(12)
    held.poke()
    note("rebalance, opens")
    held.deposit(MILLION // 10, SECOND)
    note("deposit, new holder")
    place.chain.wait(12)
    held.poke()
    note("rebalance, adds")
    place.chain.wait(HOUR)
    place.settle(place.feed_price() * 107 // 100)
    held.poke()
    note("rebalance, recentres")
    place.chain.wait(60)
    shares = held.at.balanceOf(SECOND)
    view("previewRedeem", held.at.previewRedeem, shares)
    view("maxRedeem", held.at.maxRedeem, SECOND)
    view("totalAssets", held.at.totalAssets)
    view("readings", held.at.readings)
    with anvil.isolated():
        place.market.clear()
        assert held.at.maxRedeem(FIRST) < held.at.balanceOf(FIRST)
        view("maxRedeem, thin market", held.at.maxRedeem, FIRST)
    held.at.redeem(shares // 3, SECOND, SECOND, sender=SECOND)
    note("redeem")
    held.at.withdraw(MILLION // 100, SECOND, SECOND, sender=SECOND)
    note("withdraw")
    held.at.unwind(sender=GUARDIAN)
    note("unwind")
    anvil.restore(snapshot)
    anvil.close()
    rpc.close()
    return used


@pytest.mark.parametrize("view", ["previewRedeem", "maxRedeem"])
def test_views__cost_less_than_half_of_what_a_vault_gives_them(provided_costs, view):
    assert provided_costs[f"range: {view}"] < READ_GAS // 2


def test_views__in_a_thin_market_cost_less_than_a_vault_gives_them(provided_costs):
    assert provided_costs["range: maxRedeem, thin market"] < READ_GAS


@pytest.mark.parametrize("move", ["deposit, first", "deposit, new holder", "redeem"])
def test_moves__cost_less_than_half_of_what_a_vault_gives_them(provided_costs, move):
    assert provided_costs[f"range: {move}"] < CALL_GAS // 2


def test_actions__cost_no_more_than_the_page_says(provided_costs):
    """docs/strategies.md has these, rounded up; the moment in which a pool writes its observation moves them by 1 %."""
    page = (ROOT / "docs" / "strategies.md").read_text()
    rows = (line.split("|") for line in page.splitlines() if line.startswith("| range: "))
    said = {row[1].strip(): int(row[2].strip().replace(",", "")) for row in rows}
    wrong = {
        name: gas for name, gas in provided_costs.items() if not gas * 98 // 100 <= said.get(name, 0) <= gas * 11 // 10
    }
    assert not wrong, str(wrong)
    assert said.keys() == provided_costs.keys()

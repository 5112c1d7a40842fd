"""The keeper and a leveraged position: rebalanced first, rescued when that is not enough."""

import pytest
from ape import project as ape_project
from web3 import HTTPProvider, Web3

from ballast.fuzz.node import Anvil
from ballast.keeper import ChainCourier, ChainReader, ErrorBook, Job, Keeper, Result, targets
from ballast.keeper import Contract as Target
from ballast.keeper.signing import ApeSigner
from ballast.replica.rpc import Rpc
from tests.position_kit import *

#: percent: from a leverage of 2 to a health factor near 1.1; then a block passes, since a rescue keeps to its price
DANGER = 35


@pytest.fixture(scope="module")
def anvil_place(chain):
    rpc = Rpc(chain.provider.http_uri)
    anvil = Anvil(rpc)
    snapshot = anvil.snapshot()
    place = Place(builds.load(), anvil)
    place.settle()
    yield place
    anvil.restore(snapshot)
    anvil.close()
    rpc.close()


@pytest.fixture(scope="module")
def position(anvil_place):
    held = anvil_place.leveraged()
    held.deposit(MILLION // 20)
    anvil_place.chain.wait(12)
    held.keep()
    anvil_place.settle()
    return held


@pytest.fixture
def kept(position):
    """The position; what a test does to it is undone."""
    with position.place.chain.isolated():
        yield position


@pytest.fixture(scope="module")
def web3(chain):
    return Web3(HTTPProvider(chain.provider.http_uri))


@pytest.fixture(scope="module")
def keeper_of(web3, keeper):
    errors = ErrorBook(error.model_dump() for kind in ape_project.load_contracts().values() for error in kind.errors)

    def make(*addresses):
        chosen = targets.with_rescues(web3, [Target(address, address[:6]) for address in addresses])
        reader = ChainReader(web3, chosen, errors)
        return Keeper(reader, ChainCourier(web3, errors, ApeSigner(keeper)))

    return make


def by_job(cycle):
    return {outcome.contract.job: outcome for outcome in cycle.outcomes}


def test_rescue__is_kept_beside_what_has_one_alone(web3, position):
    plain, held = (Target(each.address, "it") for each in (position.place.oracle, position.at))
    rescue = Target(held.address, "it rescue", Job.RESCUE)
    assert targets.with_rescues(web3, [plain, held]) == [plain, held, rescue]


def test_sound_position__shows_how_far_it_is_from_danger_and_is_left_alone(kept, keeper_of):
    cycle = keeper_of(kept.at.address).cycle()
    assert by_job(cycle)[Job.RESCUE].result is Result.IN_BAND
    (reading,) = cycle.before.states[1].readings
    assert reading.value == kept.credit.healthFactorWad()
    assert reading.lower < reading.value


def test_position_in_danger__is_rebalanced_and_then_rescued(kept, keeper_of, keeper):
    place = kept.place
    place.crash(DANGER)
    place.chain.wait(12)
    health, before = kept.health(), place.usdc.balanceOf(keeper.address)
    assert kept.refusal() is None
    cycle = keeper_of(kept.at.address).cycle()
    done = by_job(cycle)
    assert done[Job.REBALANCE].transaction
    assert done[Job.RESCUE].result in (Result.MENDED, Result.STILL_OUT)
    assert done[Job.RESCUE].transaction
    assert kept.health() > health
    assert place.usdc.balanceOf(keeper.address) > before


def test_position_in_danger__is_rescued_when_a_rebalance_may_lose_no_more(kept, keeper_of):
    place = kept.place
    place.crash(DANGER)
    place.chain.wait(12)
    kept.rules.setLossBudget(0, (0, DAY), sender=GUARDIAN)
    health = kept.health()
    done = by_job(keeper_of(kept.at.address).cycle())
    assert done[Job.REBALANCE].result is Result.REFUSED
    assert done[Job.RESCUE].transaction
    assert kept.health() > health


def test_position_in_danger__that_nothing_helps_is_told(kept, keeper_of):
    kept.place.crash(DANGER)
    kept.place.chain.wait(12)
    for action in (0, 1):
        kept.rules.setLossBudget(action, (0, DAY), sender=GUARDIAN)
    cycle = keeper_of(kept.at.address).cycle()
    done = by_job(cycle)
    assert done[Job.RESCUE].result is Result.REFUSED
    assert done[Job.RESCUE].error == "Stuck"
    assert done[Job.RESCUE] in cycle.unmended
    assert [reading.name for reading in cycle.before.states[1].readings] == ["danger"]


def test_position__that_a_rebalance_brought_out_of_danger_needs_no_rescue(kept, keeper_of):
    place = kept.place
    sound, danger = 20.0, float(DANGER)
    while danger - sound > 0.05:  # just under the edge, where one trade helps
        middle = (sound + danger) / 2
        sound, danger = (sound, middle) if _is_in_danger_after(kept, middle) else (middle, danger)
    place.crash(danger)
    place.chain.wait(12)
    cycle = keeper_of(kept.at.address).cycle()
    done = by_job(cycle)
    assert done[Job.REBALANCE].transaction
    assert done[Job.RESCUE].result in (Result.MENDED_BY_OTHER, Result.IN_BAND)
    assert done[Job.RESCUE].transaction is None


def _is_in_danger_after(held, percent):
    with held.place.chain.isolated():
        held.place.crash(percent)
        return held.credit.healthFactorWad() < held.rules.hardHealthWad()

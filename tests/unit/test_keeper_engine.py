"""One cycle, with a made-up chain: who is simulated, who is sent, who is left alone, and what is said of it."""

import pytest

from ballast.chain import NodeError
from ballast.keeper import (
    Contract,
    ContractState,
    Fate,
    Fees,
    Job,
    Keeper,
    Reading,
    Reason,
    Receipt,
    Refused,
    Result,
    Signed,
    Simulation,
    Snapshot,
)

GWEI = 10**9
VAULT = Contract("0x" + "01" * 20, "vault")
ROUTER = Contract("0x" + "02" * 20, "router")
OTHER = Contract("0x" + "03" * 20, "other")
IN = Reading("weight.0", 5, 0, 5, 10)
OUT = Reading("weight.0", 50, 0, 5, 10)
QUEUE = Contract("0x" + "04" * 20, "queue", Job.FULFIL)
WAITING = Reading("waiting.shares", 1000, 0, 0, 0)
SERVED = Reading("waiting.shares", 0, 0, 0, 0)
SHORT = Reason("InsufficientLiquidity", "InsufficientLiquidity(requested=1000, available=300)")


class World:
    """A reader and a courier in one: contracts stand where the test puts them."""

    def __init__(self, *contracts):
        self.readings = dict.fromkeys(contracts, (IN,))
        self.unreadable = {}
        self.base_fee = 10 * GWEI
        self.tip = GWEI
        self.reads = 0
        self.log = []
        self.can_send = True
        self.foreign = 0
        self.lacking = 0
        self.nonce = 0
        self.reasons = {}
        self.refusals = {}
        self.fates = {}
        self.mends = True
        #: most shares of a queue that can be served at once; None is all
        self.frees = None
        self.tried, self.asked = [], []

    def read(self):
        self.reads += 1
        states = [
            ContractState(c, () if c in self.unreadable else readings, self.unreadable.get(c))
            for c, readings in self.readings.items()
        ]
        return Snapshot(block=self.reads, timestamp=0, base_fee=self.base_fee, states=tuple(states))

    def fees(self, base_fee, max_fee):
        most = 2 * base_fee + self.tip
        return Fees(base_fee, self.tip, most if max_fee is None else min(most, max_fee))

    def simulate(self, contract, fees, *, block=None, most=None):
        self.log.append(("simulate", contract.name, block))
        self.tried.append(most)
        reason = self.reasons.get(contract)
        if self.frees is not None and (most is None or most > self.frees):
            reason = SHORT
        if isinstance(reason, Exception):
            raise reason
        return Simulation(reason=reason) if reason else Simulation(gas=100_000)

    def foreign_pending(self):
        return self.foreign

    def shortage(self, gas, fees):
        return self.lacking

    def sign(self, contract, gas, fees, *, most=None):
        self.nonce += 1
        self.asked.append(most)
        return Signed(f"{contract.name}#{self.nonce}", b"", self.nonce)

    def send(self, signed):
        self.log.append(("send", signed.transaction))
        name = signed.transaction.partition("#")[0]
        if name in self.refusals:
            raise self.refusals[name]
        if self.mends:
            contract = next(c for c in self.readings if c.name == name)
            self.readings[contract] = (IN,)

    def fate(self, transaction, wait_seconds):
        fate = self.fates.get(transaction.partition("#")[0], Fate.SUCCEEDED)
        return Receipt(fate, transaction, gas=90_000, price=11 * GWEI, block=7)

    @property
    def sent(self):
        return [entry[1] for entry in self.log if entry[0] == "send"]


@pytest.fixture
def world():
    return World(VAULT, ROUTER, OTHER)


def keeper(world, **options):
    return Keeper(world, world, **options)


def results(cycle):
    return {outcome.contract.name: outcome.result for outcome in cycle.outcomes}


def test_in_band__one_read_and_nothing_else(world):
    cycle = keeper(world).cycle()
    assert set(results(cycle).values()) == {Result.IN_BAND}
    assert world.reads == 1
    assert world.log == []


def test_out_of_band__is_simulated_sent_and_looked_at_again(world):
    world.readings[ROUTER] = (OUT,)
    cycle = keeper(world).cycle()
    assert results(cycle) == {"vault": Result.IN_BAND, "router": Result.MENDED, "other": Result.IN_BAND}
    outcome = cycle.outcomes[1]
    assert (outcome.gas, outcome.cost) == (90_000, 90_000 * 11 * GWEI)
    assert cycle.after.of(ROUTER).readings == (IN,)
    assert world.log == [("simulate", "router", None), ("send", "router#1")]
    assert not cycle.unmended
    assert not cycle.broken


@pytest.mark.parametrize("how", ["no signer", "dry run"])
def test_dry_run__simulates_and_sends_nothing(world, how):
    world.readings[ROUTER] = (OUT,)
    world.can_send = how != "no signer"
    cycle = keeper(world, dry_run=how == "dry run").cycle()
    assert results(cycle)["router"] is Result.READY
    assert cycle.outcomes[1].cost == 100_000 * 11 * GWEI  # gas x (base fee + tip)
    assert world.sent == []


def test_max_fee__holds_back_when_base_fee_and_tip_are_above(world):
    world.readings[ROUTER] = (OUT,)
    cycle = keeper(world, max_fee=11 * GWEI - 1).cycle()
    assert results(cycle)["router"] is Result.TOO_DEAR
    assert "are 11 gwei, the limit" in cycle.outcomes[1].note
    assert world.log == []
    assert cycle.unmended


def test_max_fee__lets_pass_what_is_not_above(world):
    world.readings[ROUTER] = (OUT,)
    assert results(keeper(world, max_fee=11 * GWEI).cycle())["router"] is Result.MENDED


def test_one_that_cannot_be_read__does_not_stop_the_others(world):
    world.unreadable[VAULT] = "readings() reverted"
    world.readings[ROUTER] = (OUT,)
    cycle = keeper(world).cycle()
    assert results(cycle) == {"vault": Result.UNREADABLE, "router": Result.MENDED, "other": Result.IN_BAND}
    assert not cycle.broken
    assert cycle.unmended == (cycle.outcomes[0],)


@pytest.mark.parametrize("trouble", ["refused", "reverted", "node"])
def test_one_that_fails__does_not_stop_the_others(world, trouble):
    world.readings.update({VAULT: (OUT,), OTHER: (OUT,)})
    if trouble == "refused":
        world.refusals["vault"] = Refused("nonce too low")
    elif trouble == "reverted":
        world.fates["vault"] = Fate.REVERTED
    else:
        world.reasons[VAULT] = NodeError("no answer")
    cycle = keeper(world).cycle()
    assert results(cycle)["other"] is Result.MENDED
    assert results(cycle)["vault"] is (Result.REVERTED if trouble == "reverted" else Result.FAILED)
    assert cycle.broken
    assert cycle.unmended[0].contract is VAULT


def test_a_revert_on_chain__is_explained_by_the_state_after_its_block(world):
    world.readings[VAULT] = (OUT,)
    world.fates["vault"] = Fate.REVERTED
    engine = keeper(world)
    world.mends = False
    real = world.simulate

    def simulate(contract, fees, *, block=None):
        real(contract, fees, block=block)
        return (
            Simulation(reason=Reason("NotCloser", "NotCloser(before=1, afterwards=2)")) if block == 7 else Simulation(1)
        )

    world.simulate = simulate
    outcome = engine.cycle().outcomes[0]
    assert outcome.result is Result.REVERTED
    assert outcome.error == "NotCloser"
    assert outcome.cost == 90_000 * 11 * GWEI  # a revert costs its gas, and the report says so


@pytest.mark.parametrize(
    ("error", "result"),
    [("GainTooSmall", Result.WAITS), ("NotCloser", Result.REFUSED), ("PriceNotGood", Result.REFUSED)],
)
def test_what_the_contract_refuses__is_not_sent(world, error, result):
    world.readings[ROUTER] = (OUT,)
    world.reasons[ROUTER] = Reason(error, f"{error}()")
    cycle = keeper(world).cycle()
    assert results(cycle)["router"] is result
    assert bool(cycle.unmended) == (result is Result.REFUSED)
    assert world.sent == []
    assert not cycle.broken


def test_in_band_by_now__is_put_down_to_someone_else(world):
    world.readings[ROUTER] = (OUT,)

    def simulate(contract, fees, *, block=None):
        world.readings[ROUTER] = (IN,)
        return Simulation(reason=Reason("InBand", "InBand()"))

    world.simulate = simulate
    assert results(keeper(world).cycle())["router"] is Result.MENDED_BY_OTHER


def test_out_of_band_with_nothing_to_do__is_refused(world):
    world.readings[ROUTER] = (OUT,)
    world.reasons[ROUTER] = Reason("InBand", "InBand()")
    assert results(keeper(world).cycle())["router"] is Result.REFUSED


def test_success_that_leaves_it_out_of_band__is_not_called_mended(world):
    world.readings[ROUTER] = (OUT,)
    world.mends = False
    outcome = keeper(world).cycle().outcomes[1]
    assert outcome.result is Result.STILL_OUT
    assert outcome.note.startswith("weight.0 not in band yet")


def test_pending__nothing_more_is_sent_for_that_contract_until_its_fate_is_known(world):
    world.readings.update({VAULT: (OUT,), ROUTER: (OUT,)})
    world.fates["vault"] = Fate.PENDING
    world.mends = False
    engine = keeper(world)
    assert results(engine.cycle())["vault"] is Result.PENDING
    assert results(engine.cycle())["vault"] is Result.PENDING
    assert [name for name in world.sent if name.startswith("vault")] == ["vault#1"]
    assert len([name for name in world.sent if name.startswith("router")]) == 2

    world.fates["vault"] = Fate.SUCCEEDED
    world.mends = True
    cycle = engine.cycle()
    assert cycle.settled[0].transaction == "vault#1"
    assert cycle.settled[0].result is Result.MENDED
    assert results(cycle)["vault"] is Result.MENDED  # still out of band, so a second one went out


def test_connection_lost_while_sending__counts_as_pending(world):
    """Nobody knows whether the node took it: sending again could act twice."""
    world.readings[VAULT] = (OUT,)
    world.refusals["vault"] = NodeError("no answer from the node")
    world.fates["vault"] = Fate.PENDING
    engine = keeper(world)
    assert results(engine.cycle())["vault"] is Result.PENDING
    del world.refusals["vault"]
    assert results(engine.cycle())["vault"] is Result.PENDING
    assert world.sent == ["vault#1"]


def test_dropped__is_tried_again_in_the_next_cycle(world):
    world.readings[VAULT] = (OUT,)
    world.fates["vault"] = Fate.DROPPED
    world.mends = False
    engine = keeper(world)
    assert results(engine.cycle())["vault"] is Result.FAILED
    engine.cycle()
    assert world.sent == ["vault#1", "vault#2"]


def test_transactions_of_the_account_from_elsewhere__hold_back_ours(world):
    world.readings[VAULT] = (OUT,)
    world.foreign = 1
    cycle = keeper(world).cycle()
    assert results(cycle)["vault"] is Result.PENDING
    assert world.sent == []


def test_a_poor_account__is_said_to_be_poor(world):
    world.readings[VAULT] = (OUT,)
    world.lacking = 5 * 10**16
    cycle = keeper(world).cycle()
    assert cycle.outcomes[0].result is Result.UNPAID
    assert "0.050000 ether" in cycle.outcomes[0].note
    assert world.sent == []


def test_after_sending__an_unreachable_node_does_not_hide_what_was_sent(world):
    world.readings[VAULT] = (OUT,)
    real = world.read

    def read():
        if world.sent:
            raise NodeError("no answer")
        return real()

    world.read = read
    cycle = keeper(world).cycle()
    assert cycle.after is None
    assert cycle.outcomes[0].transaction == "vault#1"


def test_nothing_readable_at_all__is_a_failure(world):
    world.unreadable.update(dict.fromkeys(world.readings, "gone"))
    assert keeper(world).cycle().broken


def test_mending_one_that_puts_another_out_of_band__mends_that_too_and_ends(world):
    """A vault fills its strategy; the strategy has to place what came."""
    world.readings[VAULT] = (OUT,)
    real = world.send

    def send(signed):
        real(signed)
        if signed.transaction.startswith("vault"):
            world.readings[ROUTER] = (OUT,)

    world.send = send
    cycle = keeper(world).cycle()
    assert results(cycle) == {"vault": Result.MENDED, "router": Result.MENDED, "other": Result.IN_BAND}
    assert world.sent == ["vault#1", "router#2"]
    assert world.reads == 3


def test_two_that_put_each_other_out_of_band__get_one_turn_each(world):
    world.readings[VAULT] = (OUT,)
    real = world.send

    def send(signed):
        real(signed)
        other = ROUTER if signed.transaction.startswith("vault") else VAULT
        world.readings[other] = (OUT,)

    world.send = send
    assert results(keeper(world).cycle())["vault"] is Result.STILL_OUT
    assert world.sent == ["vault#1", "router#2"]


# Queues


@pytest.fixture
def queue():
    world = World(QUEUE, VAULT)
    world.readings[QUEUE] = (WAITING,)
    return world


def test_queue__nothing_waits_and_nothing_is_simulated(queue):
    queue.readings[QUEUE] = (SERVED,)
    assert results(keeper(queue).cycle()) == {"queue": Result.IN_BAND, "vault": Result.IN_BAND}
    assert queue.log == []


def test_queue__what_waits_is_served_whole_when_it_can_be(queue):
    cycle = keeper(queue).cycle()
    assert results(cycle)["queue"] is Result.MENDED
    assert queue.sent == ["queue#1"]
    assert queue.asked == [None]


@pytest.mark.parametrize("error", ["NothingFreed", "Slippage"])
def test_queue__what_cannot_be_served_well_waits_quietly(queue, error):
    queue.reasons[QUEUE] = Reason(error, f"{error}(1000, 0)")
    cycle = keeper(queue).cycle()
    assert results(cycle)["queue"] is Result.WAITS
    assert error in cycle.outcomes[0].note
    assert queue.sent == []
    assert queue.tried == [None]  # a smaller part would not do better
    assert not cycle.unmended


def test_queue__a_part_is_asked_for_when_a_strategy_frees_less_than_it_says(queue):
    queue.frees = 300
    cycle = keeper(queue).cycle()
    assert queue.tried[:3] == [None, 500, 250]
    assert queue.asked == [250]
    assert cycle.outcomes[0].transaction == "queue#1"


def test_queue__parts_end_somewhere(queue):
    queue.readings[QUEUE] = (Reading("waiting.shares", 10**24, 0, 0, 0),)
    queue.frees = 0
    cycle = keeper(queue).cycle()
    assert results(cycle)["queue"] is Result.WAITS
    assert "InsufficientLiquidity" in cycle.outcomes[0].note
    assert queue.tried == [None, *(10**24 >> times for times in range(1, 11))]
    assert queue.sent == []
    # and at the last share
    queue.readings[QUEUE] = (Reading("waiting.shares", 5, 0, 0, 0),)
    queue.tried.clear()
    assert results(keeper(queue).cycle())["queue"] is Result.WAITS
    assert queue.tried == [None, 2, 1]


def test_queue__what_remains_waits_and_says_why(queue):
    queue.mends = False
    served = queue.send

    def send(signed):
        served(signed)
        queue.readings[QUEUE] = (Reading("waiting.shares", 400, 0, 0, 0),)
        queue.reasons[QUEUE] = Reason("NothingFreed", "NothingFreed(waiting=400, shares=0)")

    queue.send = send
    outcome = keeper(queue).cycle().outcomes[0]
    assert outcome.result is Result.WAITS
    assert outcome.transaction == "queue#1"
    assert "NothingFreed(waiting=400" in outcome.note


def test_queue__a_vault_that_serving_it_puts_out_of_band_has_its_turn_in_the_same_cycle(queue):
    served = queue.send

    def send(signed):
        served(signed)
        if signed.transaction == "queue#1":
            queue.readings[QUEUE], queue.readings[VAULT] = (SERVED,), (OUT,)

    queue.send = send
    assert results(keeper(queue).cycle()) == {"queue": Result.MENDED, "vault": Result.MENDED}


@pytest.mark.parametrize(("contract", "error"), [(QUEUE, "NotEnoughGas"), (VAULT, "InsufficientLiquidity")])
def test_errors_that_are_no_waiting__are_refusals(queue, contract, error):
    queue.readings[VAULT] = (OUT,)
    queue.reasons[contract] = Reason(error, error)
    cycle = keeper(queue).cycle()
    assert results(cycle)[contract.name] is Result.REFUSED
    assert [outcome.contract for outcome in cycle.unmended] == [contract]

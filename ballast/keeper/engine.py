"""One cycle of keeping: read, decide, simulate, send, look again.

The reader and the courier are injected, so the same engine runs live, on a fork, in a backtest and in a test. It holds
one thing between cycles: which contract has a transaction on its way.
"""

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final, Protocol

from ballast.chain import NodeError
from ballast.keeper.courier import Courier, Fate, Fees, Receipt, Refused, Simulation
from ballast.keeper.decision import Decision, decide
from ballast.keeper.reverts import Reason
from ballast.keeper.state import Contract, Job, Snapshot

#: Errors by which a contract says "not yet": nothing is wrong, and nothing is to be done by anyone.
_NOT_YET: Final = {
    Job.REBALANCE: frozenset({"GainTooSmall", "MarketBusy"}),
    Job.FULFIL: frozenset({"NothingFreed", "Slippage", "InsufficientLiquidity"}),
    Job.RESCUE: frozenset(),
}
#: Errors by which a contract says that it is in order by now.
_IN_ORDER: Final = frozenset({"InBand", "NotInDanger"})
#: A queue that cannot be served as far as the vault says is tried for half as much, so many times: to a thousandth.
_HALVINGS: Final = 10


class Result(Enum):
    """How a contract's turn ended; the text is what people read."""

    IN_BAND = "in band"
    READY = "would mend"
    MENDED = "mended"
    MENDED_BY_OTHER = "mended by someone else"
    WAITS = "waits"
    STILL_OUT = "still out of band"
    REFUSED = "refused"
    REVERTED = "reverted on-chain"
    TOO_DEAR = "gas too dear"
    PENDING = "pending"
    UNPAID = "account too poor"
    FAILED = "not sent"
    UNREADABLE = "unreadable"


#: Nothing a person must look at.
FINE: Final = frozenset({Result.IN_BAND, Result.READY, Result.MENDED, Result.MENDED_BY_OTHER, Result.WAITS})
#: Something is broken, not merely late: the circuit breaker counts these.
BROKEN: Final = frozenset({Result.REVERTED, Result.FAILED})


@dataclass(frozen=True)
class Outcome:
    """What was done for one contract. `gas` was used, or would be (`READY`); `cost` is in wei."""

    contract: Contract
    result: Result
    #: why, when `result` alone doesn't say it
    note: str = ""
    error: str = ""
    transaction: str | None = None
    gas: int = 0
    cost: int = 0


@dataclass(frozen=True)
class Cycle:
    """What one cycle saw and did. `after` is set when something may have changed."""

    before: Snapshot
    after: Snapshot | None
    outcomes: tuple[Outcome, ...]
    #: earlier transactions whose fate became known in this cycle
    settled: tuple[Outcome, ...] = ()

    @property
    def broken(self) -> bool:
        """Return whether the circuit breaker should count this cycle as a failure."""
        results = [outcome.result for outcome in (*self.outcomes, *self.settled)]
        unreadable = [result is Result.UNREADABLE for result in results]
        return any(result in BROKEN for result in results) or (bool(unreadable) and all(unreadable))

    @property
    def unmended(self) -> tuple[Outcome, ...]:
        """Return what a person should look at."""
        return tuple(o for o in self.outcomes if o.result not in FINE)


class Reader(Protocol):
    """Reads all contracts at one block."""

    def read(self) -> Snapshot:
        """Return the present state; NodeError when nobody answers."""
        ...


@dataclass
class Keeper:
    """Keeps a set of contracts.

    Parameters
    ----------
    reader, courier : see their protocols
    max_fee : most wei per gas (base fee and tip) at which anything is sent; None is no limit
    dry_run : simulate only; implied when the courier has no signer
    wait_seconds : how long to wait for each transaction
    """

    reader: Reader
    courier: Courier
    max_fee: int | None = None
    dry_run: bool = False
    wait_seconds: float = 120.0
    _pending: dict[Contract, str] = field(default_factory=dict, init=False)

    @property
    def sends(self) -> bool:
        """Return whether this keeper sends anything."""
        return self.courier.can_send and not self.dry_run

    def cycle(self) -> Cycle:
        """Do one cycle. A contract that fails is reported and doesn't stop the others.

        Raises
        ------
        NodeError
            The contracts could not be read at all.
        """
        settled = self._settle()
        before = self.reader.read()
        turn = _Turn(before.base_fee)
        outcomes = [self._attend(decision, turn) for decision in decide(before)]
        after, touched = None, 0
        # Mending one contract may put another out of band (a vault fills its strategy, say): each gets one turn.
        while (count := sum(_touched(outcome) for outcome in outcomes)) > touched:
            touched = count
            try:
                after = self.reader.read()
            except NodeError:
                # what was sent is known; how it stands now will be seen by the next cycle
                return Cycle(before, None, tuple(outcomes), settled)
            outcomes = [
                self._attend(decision, turn) if outcome.result is Result.IN_BAND and decision.act else outcome
                for outcome, decision in zip(outcomes, decide(after), strict=True)
            ]
        if after is not None:
            outcomes = [self._judge(outcome, after, turn) for outcome in outcomes]
        return Cycle(before, after, tuple(outcomes), settled)

    def _attend(self, decision: Decision, turn: "_Turn") -> Outcome:
        contract = decision.state.contract
        if decision.state.unreadable is not None:
            return Outcome(contract, Result.UNREADABLE, decision.state.unreadable)
        if not decision.act:
            return Outcome(contract, Result.IN_BAND)
        if contract in self._pending:
            return Outcome(contract, Result.PENDING, transaction=self._pending[contract])
        try:
            return self._mend(decision, turn)
        except NodeError as error:
            return Outcome(contract, Result.FAILED, str(error))

    def _mend(self, decision: Decision, turn: "_Turn") -> Outcome:
        contract = decision.state.contract
        if turn.fees is None:
            turn.fees = self.courier.fees(turn.base_fee, self.max_fee)
        fees = turn.fees
        if self.max_fee is not None and fees.expected > self.max_fee:
            note = f"base fee and tip are {gwei(fees.expected)} gwei, the limit is {gwei(self.max_fee)}"
            return Outcome(contract, Result.TOO_DEAR, note)
        simulation, most = self._simulate(decision, fees)
        if simulation.reason is not None:
            return _refusal(contract, simulation.reason)
        if not self.sends:
            return Outcome(contract, Result.READY, gas=simulation.gas, cost=simulation.gas * fees.expected)
        if turn.foreign is None:
            turn.foreign = self.courier.foreign_pending()
        if turn.foreign:
            note = f"{turn.foreign} other transaction(s) of this account wait to be mined"
            return Outcome(contract, Result.PENDING, note)
        lacking = self.courier.shortage(simulation.gas, fees)
        if lacking:
            return Outcome(contract, Result.UNPAID, f"the account lacks {lacking / 1e18:.6f} ether", gas=simulation.gas)
        return self._send(contract, simulation.gas, fees, most)

    def _simulate(self, decision: Decision, fees: Fees) -> tuple[Simulation, int | None]:
        """Simulate; of a queue return also how many shares are served at most, None when it is all."""
        contract, most = decision.state.contract, None
        simulation = self.courier.simulate(contract, fees)
        if contract.job is Job.FULFIL:
            # A strategy frees less than it says: what the others free is asked for in parts.
            part = decision.out[0].value
            for _ in range(_HALVINGS):
                part //= 2
                if part == 0 or simulation.reason is None or simulation.reason.error != "InsufficientLiquidity":
                    break
                most = part
                simulation = self.courier.simulate(contract, fees, most=most)
        return simulation, most

    def _send(self, contract: Contract, gas: int, fees: Fees, most: int | None) -> Outcome:
        signed = self.courier.sign(contract, gas, fees, most=most)
        # From here on the transaction may be on its way, whatever the connection does.
        self._pending[contract] = signed.transaction
        try:
            self.courier.send(signed)
            receipt = self.courier.fate(signed.transaction, self.wait_seconds)
        except Refused as error:
            del self._pending[contract]
            return Outcome(contract, Result.FAILED, str(error))
        except NodeError as error:
            return Outcome(contract, Result.PENDING, str(error), transaction=signed.transaction)
        return self._conclude(contract, receipt, fees)

    def _conclude(self, contract: Contract, receipt: Receipt, fees: Fees | None) -> Outcome:
        sent = {"transaction": receipt.transaction, "gas": receipt.gas, "cost": receipt.gas * receipt.price}
        if receipt.fate is Fate.PENDING:
            return Outcome(contract, Result.PENDING, "not mined yet", **sent)
        self._pending.pop(contract, None)
        if receipt.fate is Fate.DROPPED:
            return Outcome(contract, Result.FAILED, "the node dropped the transaction", **sent)
        if receipt.fate is Fate.SUCCEEDED:
            return Outcome(contract, Result.MENDED, **sent)
        reason = self._why(contract, receipt, fees)
        return Outcome(contract, Result.REVERTED, str(reason or ""), reason.error if reason else "", **sent)

    def _why(self, contract: Contract, receipt: Receipt, fees: Fees | None) -> Reason | None:
        """Return the reason the same call gives on the state after its block: as near as a receipt lets us come."""
        if fees is None or receipt.block is None:
            return None
        try:
            return self.courier.simulate(contract, fees, block=receipt.block).reason
        except NodeError:
            return None  # the revert itself is reported; the node keeps no state for its reason

    def _judge(self, outcome: Outcome, after: Snapshot, turn: "_Turn") -> Outcome:
        """Correct an outcome by what the readings say now."""
        state = after.of(outcome.contract)
        if state.unreadable is not None:
            return outcome
        out = tuple(reading for reading in state.readings if not reading.in_band)
        if outcome.error in _IN_ORDER and not out:
            return replace(outcome, result=Result.MENDED_BY_OTHER, note="")
        if outcome.result is Result.MENDED and out and turn.fees is not None:
            left = ", ".join(reading.name for reading in out) + " not in band yet"
            try:
                reason = self.courier.simulate(outcome.contract, turn.fees).reason
            except NodeError as error:
                return replace(outcome, result=Result.STILL_OUT, note=f"{left}: {error}")
            if reason is None:
                return replace(outcome, result=Result.STILL_OUT, note=f"{left}: the next cycle goes on")
            result = Result.WAITS if _is_early(outcome.contract, reason) else Result.STILL_OUT
            return replace(outcome, result=result, note=f"{left}: {reason}")
        return outcome

    def _settle(self) -> tuple[Outcome, ...]:
        """Look after transactions of earlier cycles."""
        done = []
        for contract, transaction in list(self._pending.items()):
            receipt = self.courier.fate(transaction, 0)
            if receipt.fate is not Fate.PENDING:
                done.append(self._conclude(contract, receipt, None))
        return tuple(done)


@dataclass
class _Turn:
    """What is looked up at most once a cycle, and only when something is out of band."""

    base_fee: int
    fees: Fees | None = None
    foreign: int | None = None


def gwei(wei: int) -> str:
    """Return wei as gwei, short."""
    return f"{wei / 1e9:.4g}"


def _touched(outcome: Outcome) -> bool:
    """Return whether the contract may stand elsewhere than it was read."""
    return outcome.transaction is not None or outcome.error in _IN_ORDER


def _refusal(contract: Contract, reason: Reason) -> Outcome:
    result = Result.WAITS if _is_early(contract, reason) else Result.REFUSED
    return Outcome(contract, result, str(reason), reason.error)


def _is_early(contract: Contract, reason: Reason) -> bool:
    return reason.error in _NOT_YET[contract.job]

"""What to do: state in, decisions out. Pure; the contracts judge again, on-chain, before anything moves."""

from dataclasses import dataclass

from ballast.keeper.state import ContractState, Reading, Snapshot


@dataclass(frozen=True)
class Decision:
    """What a contract's readings ask for."""

    state: ContractState
    #: the readings out of band, farthest first in shares of their band's width
    out: tuple[Reading, ...]

    @property
    def act(self) -> bool:
        """Return whether `rebalance` is worth a simulation."""
        return bool(self.out)


def decide(snapshot: Snapshot) -> tuple[Decision, ...]:
    """Return one decision for each contract, in the snapshot's order.

    A contract that cannot be read is left alone: nobody knows what it would do.
    """
    return tuple(Decision(state, _out(state)) for state in snapshot.states)


def _out(state: ContractState) -> tuple[Reading, ...]:
    if state.unreadable is not None:
        return ()
    return tuple(sorted((r for r in state.readings if not r.in_band), key=_severity, reverse=True))


def _severity(reading: Reading) -> float:
    return abs(reading.excess) / max(reading.upper - reading.lower, 1)

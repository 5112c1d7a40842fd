"""What the keeper sees: readings of regulated contracts, and what waits in vaults' queues, at one block."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

#: what `readings()` answers (IRegulated.Reading[])
READINGS: Final = "(bytes32,int256,int256,int256,int256)[]"


class Job(Enum):
    """What a contract is kept by."""

    REBALANCE = "rebalance"
    #: of a queue of redemptions
    FULFIL = "fulfil"
    #: of a leveraged strategy, besides its rebalance
    RESCUE = "rescue"


@dataclass(frozen=True)
class Contract:
    """A contract to keep, and what people call it."""

    address: str
    name: str
    job: Job = Job.REBALANCE


@dataclass(frozen=True)
class Reading:
    """One regulated variable. Dimensionless values are Wad, amounts are in the asset's unit, ages in seconds."""

    name: str
    value: int
    lower: int
    target: int
    upper: int

    @property
    def excess(self) -> int:
        """How far outside its band: negative below, positive above, 0 inside; in the reading's unit."""
        if self.value < self.lower:
            return self.value - self.lower
        return max(self.value - self.upper, 0)

    @property
    def in_band(self) -> bool:
        """Return whether the value lies in its band, edges included."""
        return self.excess == 0

    def as_dict(self) -> dict[str, str | int | bool]:
        """Return it for machines, exact integers."""
        return {**vars(self), "excess": self.excess, "in_band": self.in_band}


@dataclass(frozen=True)
class ContractState:
    """What one contract says of itself; `unreadable` says why it says nothing."""

    contract: Contract
    readings: tuple[Reading, ...] = ()
    unreadable: str | None = None


@dataclass(frozen=True)
class Snapshot:
    """All contracts at one block. `base_fee` in wei, `timestamp` in seconds."""

    block: int
    timestamp: int
    base_fee: int
    states: tuple[ContractState, ...]

    def of(self, contract: Contract) -> ContractState:
        """Return the state of one contract."""
        return next(state for state in self.states if state.contract == contract)

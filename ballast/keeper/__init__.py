"""The keeper: reads what is regulated, brings back what is out of band, and has queues served. It is trusted with
nothing.

State is read by a reader, judged by `decide`, and acted on by a courier; `Keeper` puts the three together.
"""

from ballast.keeper.courier import ChainCourier, Courier, Fate, Fees, Receipt, Refused, Signed, Signer, Simulation
from ballast.keeper.decision import Decision, decide
from ballast.keeper.engine import Cycle, Keeper, Outcome, Reader, Result
from ballast.keeper.loop import CircuitBroken, run
from ballast.keeper.reader import ChainReader
from ballast.keeper.reverts import ErrorBook, Reason
from ballast.keeper.state import Contract, ContractState, Job, Reading, Snapshot

__all__ = [
    "ChainCourier",
    "ChainReader",
    "CircuitBroken",
    "Contract",
    "ContractState",
    "Courier",
    "Cycle",
    "Decision",
    "ErrorBook",
    "Fate",
    "Fees",
    "Job",
    "Keeper",
    "Outcome",
    "Reader",
    "Reading",
    "Reason",
    "Receipt",
    "Refused",
    "Result",
    "Signed",
    "Signer",
    "Simulation",
    "Snapshot",
    "decide",
    "run",
]

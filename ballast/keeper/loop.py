"""The loop: cycles at an interval, until told to stop or until too much fails in a row."""

from collections.abc import Callable

from ballast.chain import NodeError
from ballast.errors import KeeperError
from ballast.keeper.engine import Cycle, Keeper

#: Longest pause between tries while the node is out of reach, in seconds.
LONGEST_BACKOFF = 60.0


class CircuitBroken(KeeperError):
    """Too many failures in a row: a person must look."""

    exit_code = 4


def run(
    keeper: Keeper,
    *,
    interval: float,
    wait: Callable[[float], bool],
    on_cycle: Callable[[int, Cycle], None],
    on_trouble: Callable[[int, str], None],
    cycles: int | None = None,
    breaker: int = 5,
) -> int:
    """Run cycles until `cycles` are done or `wait` says stop; return how many were done.

    Parameters
    ----------
    keeper : does the cycles
    interval : seconds between the end of one cycle and the start of the next
    wait : pauses for so many seconds; returns True when the loop shall end (Ctrl-C, say)
    on_cycle : told the number of each cycle done, and what it saw and did
    on_trouble : told the number of failures in a row and the line to show, when the node cannot be read
    cycles : how many to do; None is without end. One in which the node cannot be read doesn't count
    breaker : failures in a row that end the loop

    Raises
    ------
    CircuitBroken
        `breaker` cycles in a row failed: the node was out of reach, a transaction reverted or was turned down, or no
        contract could be read.
    """
    done = failures = 0
    while cycles is None or done < cycles:
        try:
            cycle = keeper.cycle()
        except NodeError as error:
            failures += 1
            _check(failures, breaker, str(error))
            pause = min(2.0 ** (failures - 1), LONGEST_BACKOFF)
            on_trouble(failures, f"{error}; trying again in {pause:.0f} s ({failures} of {breaker})")
        else:
            done += 1
            failures = failures + 1 if cycle.broken else 0
            on_cycle(done, cycle)
            _check(failures, breaker, _worst(cycle))
            pause = interval
        if (cycles is None or done < cycles) and wait(pause):
            break
    return done


def _check(failures: int, breaker: int, last: str) -> None:
    if failures >= breaker:
        raise CircuitBroken(f"stopped after {failures} failures in a row, the last: {last}")


def _worst(cycle: Cycle) -> str:
    return "; ".join(
        f"{outcome.contract.name} {outcome.result.value}" + (f" ({outcome.note})" if outcome.note else "")
        for outcome in (*cycle.settled, *cycle.outcomes)
        if outcome in cycle.settled or outcome in cycle.unmended
    )

"""The first and quickest of a mutant's enemies: the runs of the state machines that `make test` makes."""

import sys
from random import Random

from ballast.fuzz.campaign import LENGTH
from ballast.fuzz.chain import FuzzError, Reverted
from ballast.fuzz.machine import Tally, run
from ballast.fuzz.targets import open_machine, prepared

#: as tests/fuzz/test_machines.py has them: machine and number of runs
RUNS = (("vault", 100), ("suite", 8))


def hunt() -> str:
    """Return how a run ended that must not end so; nothing when all is well."""
    for name, runs in RUNS:
        try:
            with prepared(name) as target:
                machine = open_machine(target)
        except Reverted as error:
            return f"{name}: its world cannot be made: {error}"
        for number in range(runs):
            try:
                found = run(machine, Random(f"make test/{number}"), LENGTH, Tally())
            except (ArithmeticError, FuzzError) as error:
                return f"{name}, run {number}: {type(error).__name__}: {error}"
            if found is not None:
                return f"{name}, run {number}: {found.message}"
    return ""


if __name__ == "__main__":
    killed = hunt()
    print(f"FAILED hunt::{killed}" if killed else "nothing found")
    sys.exit(1 if killed else 0)

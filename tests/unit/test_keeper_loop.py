"""The loop: interval, cycle limit, backoff, circuit breaker, clean stop."""

import pytest

from ballast.chain import NodeError
from ballast.keeper import CircuitBroken, Contract, Cycle, Outcome, Result, Snapshot, run

VAULT = Contract("0x" + "01" * 20, "vault")
FINE = Cycle(Snapshot(1, 1, 1, ()), None, (Outcome(VAULT, Result.IN_BAND),))
BAD = Cycle(Snapshot(1, 1, 1, ()), None, (Outcome(VAULT, Result.REVERTED, "NotCloser()"),))
DOWN = NodeError("no answer from the node")


class Script:
    """A keeper whose cycles are written down, and a clock that only counts."""

    def __init__(self, *steps, stop_after=None):
        self.steps = iter(steps)
        self.pauses = []
        self.cycles = []
        self.troubles = []
        self.stop_after = stop_after

    def cycle(self):
        step = next(self.steps)
        if isinstance(step, Exception):
            raise step
        return step

    def wait(self, seconds):
        self.pauses.append(seconds)
        return len(self.pauses) == self.stop_after

    def run(self, **options):
        return run(
            self,
            interval=30,
            wait=self.wait,
            on_cycle=lambda number, cycle: self.cycles.append(number),
            on_trouble=lambda count, text: self.troubles.append(text),
            **options,
        )


def test_cycle_limit__ends_without_a_last_pause():
    script = Script(FINE, FINE, FINE)
    assert script.run(cycles=3) == 3
    assert script.pauses == [30, 30]
    assert script.cycles == [1, 2, 3]


def test_stop__ends_at_the_pause():
    script = Script(FINE, FINE, FINE, stop_after=2)
    assert script.run() == 2


def test_node_out_of_reach__is_tried_again_with_growing_pauses():
    script = Script(DOWN, DOWN, DOWN, FINE)
    assert script.run(cycles=1) == 1
    assert script.pauses == [1, 2, 4]
    assert script.troubles[0] == "no answer from the node; trying again in 1 s (1 of 5)"


def test_backoff__has_a_ceiling():
    script = Script(*[DOWN] * 9, FINE)
    script.run(cycles=1, breaker=10)
    assert script.pauses[-2:] == [60, 60]


def test_circuit_breaker__ends_the_loop_after_failures_in_a_row():
    script = Script(FINE, DOWN, BAD, DOWN)
    with pytest.raises(CircuitBroken, match="3 failures in a row, the last: no answer") as caught:
        script.run(breaker=3)
    assert caught.value.exit_code == 4
    assert "\n" not in str(caught.value)


def test_circuit_breaker__names_what_failed_on_chain():
    with pytest.raises(CircuitBroken, match=r"vault reverted on-chain \(NotCloser\(\)\)"):
        Script(BAD, BAD).run(breaker=2)


def test_circuit_breaker__a_good_cycle_starts_the_count_again():
    script = Script(BAD, BAD, FINE, BAD, BAD, FINE)
    assert script.run(cycles=6, breaker=3) == 6

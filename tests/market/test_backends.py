"""A scenario tells the same story in this process and on a node."""

import pytest

from ballast.fuzz import build as builds
from ballast.fuzz.revm import Revm
from ballast.market import engine, stage
from ballast.market import scenario as scenarios
from ballast.replica import builder


@pytest.mark.replica_only("the crowd lives there")
def test_scenario_on_a_node_ends_as_it_does_in_this_process(anvil, project):
    short = scenarios.find("may-2021").shortened(0.05)
    made = stage.find("plain", build=builds.load())
    runs = [engine.play(chain, short, made, "plain") for chain in (Revm.from_state(builder.current().state), anvil)]
    first, second = (run.tracks[0].samples[-1] for run in runs)
    assert second.index == pytest.approx(first.index, rel=1e-6)
    assert second.health == pytest.approx(first.health, rel=1e-6)
    assert runs[1].prices == pytest.approx(runs[0].prices)

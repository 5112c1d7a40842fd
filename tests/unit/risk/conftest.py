"""The risk room on a chain in this process."""

import pytest

from ballast import compiled
from ballast.fuzz import build as builds
from ballast.fuzz.revm import Revm
from ballast.fuzz.world import GUARDIAN, OWNER, STRANGER, actor


@pytest.fixture(scope="session")
def made():
    """What is compiled, from the present sources."""
    compiled.ensure()
    return builds.load()


@pytest.fixture(scope="module")
def memory():
    """An empty chain."""
    return Revm()


@pytest.fixture(autouse=True)
def as_before(memory):
    with memory.isolated():
        yield


@pytest.fixture(scope="module")
def maths(made, memory):
    return made.make(memory, "RiskMathStandIn", sender=OWNER)


@pytest.fixture(scope="session")
def roles():
    return {"owner": OWNER, "guardian": GUARDIAN, "steward": actor("steward"), "stranger": STRANGER}

"""All backends, on the same state: revm in this process, and the anvil that Ape started, plainly and through Ape."""

import pytest

from ballast.fuzz import build as builds
from ballast.fuzz.node import Anvil
from ballast.fuzz.revm import Revm
from ballast.fuzz.through_ape import ThroughApe
from ballast.replica import builder
from ballast.replica.rpc import Rpc


@pytest.fixture(scope="session")
def build(project):
    """Ape's build: the project's fixture sees to it that it is there."""
    return builds.load()


@pytest.fixture
def revm():
    return Revm.from_state(builder.current().state)


@pytest.fixture
def anvil(chain):
    rpc = Rpc(chain.provider.http_uri)
    made = Anvil(rpc)
    with made.isolated():
        yield made
    made.close()
    rpc.close()


@pytest.fixture
def through_ape(chain):
    made = ThroughApe(chain.provider)
    with made.isolated():
        yield made
    made.close()


@pytest.fixture(params=["revm", "anvil", "through_ape"])
def any_chain(request):
    return request.getfixturevalue(request.param)

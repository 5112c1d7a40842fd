"""The replica's markets in this process, at their own prices."""

import pytest

from ballast.fuzz.node import Anvil
from ballast.fuzz.revm import Revm
from ballast.market.actors import Truth
from ballast.market.markets import Markets
from ballast.replica import builder
from ballast.replica.rpc import Rpc


@pytest.fixture
def markets():
    made = Markets(Revm.from_state(builder.current().state))
    made.widen()
    return made


@pytest.fixture
def truth(markets):
    return Truth(markets)


@pytest.fixture
def anvil(chain):
    rpc = Rpc(chain.provider.http_uri)
    made = Anvil(rpc)
    with made.isolated():
        yield made
    made.close()
    rpc.close()

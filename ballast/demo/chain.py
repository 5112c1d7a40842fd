"""The demo's own chain: an anvil of its own, whose clock and base fee the story sets.

It loads the replica's saved state, so it needs neither the running replica nor its port, and every run begins alike.
With MAINNET_RPC_URL it forks that node.
"""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from web3 import HTTPProvider, Web3
from web3.types import RPCEndpoint

from ballast.chain import ask
from ballast.demo.errors import DemoError
from ballast.environment import UPSTREAM_IS_REAL, UPSTREAM_URI
from ballast.errors import ReplicaError
from ballast.market import MarketError, require_crowd
from ballast.replica import builder
from ballast.replica.builder import Progress
from ballast.replica.node import HOST, Node

#: seconds between blocks that nothing else separates
BLOCK_SECONDS = 12
_TRIES = 3
_TIMEOUT_SECONDS = 60
#: a node's answer may hold the user's URL, and the URL a key
_FORK_REFUSED = (
    "the node of MAINNET_RPC_URL cannot be forked: is it running, is the URL right? Unset it for the replica"
)


@dataclass(frozen=True)
class Chain:
    """A chain of the demo's own."""

    web3: Web3
    #: where it was taken from: "replica <build>" or "MAINNET_RPC_URL"
    upstream: str
    #: why borrowers and feeds cannot be moved here; empty when they can
    no_crowd: str

    @property
    def has_crowd(self) -> bool:
        """Whether the replica's seeded borrowers and oracles are there."""
        return not self.no_crowd

    def time(self) -> int:
        """Return the latest block's time, Unix seconds."""
        return self.web3.eth.get_block("latest")["timestamp"]

    def pass_until(self, timestamp: int) -> None:
        """Let the next block have this time; none is mined."""
        ask(self.web3, "evm_setNextBlockTimestamp", timestamp)

    def mine(self) -> None:
        """Mine an empty block."""
        ask(self.web3, "evm_mine")

    def set_base_fee(self, wei: int) -> None:
        """Set the next block's base fee; from there it goes its own way."""
        ask(self.web3, "anvil_setNextBlockBaseFeePerGas", hex(wei))

    def fund(self, address: str, ether: int) -> None:
        """Give an account ether."""
        ask(self.web3, "anvil_setBalance", address, hex(ether * 10**18))


@contextmanager
def own_chain(*, progress: Progress = lambda _: None) -> Iterator[Chain]:
    """Run a chain for the length of a `with` block.

    Raises
    ------
    ReplicaError
        The replica cannot be built, or anvil doesn't start.
    DemoError
        The node of MAINNET_RPC_URL cannot be forked.
    """
    if UPSTREAM_IS_REAL:
        upstream, options = "MAINNET_RPC_URL", ["--fork-url", UPSTREAM_URI]
    else:
        built = builder.build(progress=progress)
        # anvil would take the wall clock: the story goes on where the saved state ends
        timestamp = int(json.loads(built.state.read_text())["block"]["timestamp"], 16)
        upstream = f"replica {built.key}"
        options = ["--load-state", str(built.state), "--timestamp", str(timestamp)]
    progress("starting a chain of its own")
    with _node(options) as node:
        web3 = _connect(node)
        ask(web3, "anvil_setBlockTimestampInterval", BLOCK_SECONDS)
        try:
            require_crowd(web3)
            no_crowd = ""
        except MarketError:
            no_crowd = "borrowers and Chainlink rounds stay as they are: the seeded crowd is on the replica only"
        yield Chain(web3, upstream, no_crowd)


class _Direct(HTTPProvider):
    """One kept connection, without what the general client looks up before each request."""

    def __init__(self, node: Node) -> None:
        super().__init__(node.rpc.url)
        self._connection = http.client.HTTPConnection(HOST, node.port, timeout=_TIMEOUT_SECONDS)

    def _make_request(self, method: RPCEndpoint, request_data: bytes) -> bytes:
        try:
            self._connection.request("POST", "/", request_data, {"Content-Type": "application/json"})
            return self._connection.getresponse().read()
        except http.client.HTTPException as error:
            self._connection.close()
            raise ConnectionError(str(error)) from error


def _connect(node: Node) -> Web3:
    web3 = Web3(_Direct(node))
    # it would ask for the chain id at every turn
    web3.middleware_onion.remove("validation")
    return web3


@contextmanager
def _node(options: list[str]) -> Iterator[Node]:
    """Run anvil on a free port; try again when another process was faster to take it."""
    for attempt in range(1, _TRIES + 1):
        running = Node.temporary(options)
        try:
            node = running.__enter__()
        except ReplicaError as error:
            if attempt < _TRIES:
                continue
            raise (DemoError(_FORK_REFUSED) if UPSTREAM_IS_REAL else error) from None
        try:
            yield node
        finally:
            running.__exit__(None, None, None)
        return

"""Connecting a command to a chain by way of Ape."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from web3 import HTTPProvider, Web3

from ballast import replica
from ballast.chain import NodeError
from ballast.environment import UPSTREAM_IS_REAL
from ballast.errors import ConfigurationError


@contextmanager
def connected(network: str) -> Iterator[Any]:
    """Connect to a network by Ape's name for it ("ethereum:mainnet:node", or with a URL in the provider's place).

    Yields Ape's provider. A fork of the replica starts the replica. Ape's progress messages are held back: they would
    go to standard output, which is the result's.

    Raises
    ------
    NodeError
        The node is out of reach.
    ConfigurationError
        There is no such network.
    """
    from ape import networks
    from ape.exceptions import ApeException, NetworkError
    from ape.logging import LogLevel, logger

    if "mainnet-fork" in network and not UPSTREAM_IS_REAL:
        replica.ensure_running()
    # for good: a fork says at the very end that it stops
    logger.set_level(LogLevel.WARNING)
    with ExitStack() as stack:
        try:
            context = networks.parse_network_choice(network)
        except (NetworkError, ValueError):
            message = f"--network {_plain(network)}: Ape knows no such network, see `ape networks list`"
            raise ConfigurationError(message) from None
        try:
            provider = stack.enter_context(context)
        except (ApeException, OSError) as error:
            # Ape's own message may hold the URL, and the URL a key
            hint = "" if UPSTREAM_IS_REAL else " (`ape run replica start` starts the local one)"
            message = f"cannot reach the node of {_plain(network)}: is it running, is its URL right?{hint}"
            raise NodeError(message) from error
        yield provider


def plain_web3(provider: Any) -> Web3:
    """Return a plain connection to the node that Ape's provider is connected to."""
    uri = getattr(provider, "http_uri", None)
    return Web3(HTTPProvider(uri)) if uri else provider.web3


def _plain(network: str) -> str:
    """Return a network's name without a URL's path or credentials."""
    head, mark, rest = network.partition("://")
    return network if not mark else f"{head}://{rest.split('/')[0].rpartition('@')[2]}"

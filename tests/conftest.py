"""Hooks shared by all tests."""

import pytest

from ballast import compiled, replica
from ballast.environment import UPSTREAM_IS_REAL
from ballast.errors import BallastError


def pytest_configure(config):
    config.addinivalue_line("markers", "replica_only(reason): skipped when forks are taken from a real node")


def pytest_collection_modifyitems(items):
    for item in items:
        marker = item.get_closest_marker("replica_only")
        if marker and UPSTREAM_IS_REAL:
            reason = marker.args[0]
            item.add_marker(pytest.mark.skip(reason=f"holds on the replica only: {reason}"))


def pytest_collection_finish(session):
    """Compile what has changed; start the replica before Ape takes its fork, unless another network is asked for."""
    on_chain = any({"chain", "project"} & set(getattr(item, "fixturenames", ())) for item in session.items)
    if on_chain and not session.config.option.collectonly:
        try:
            compiled.ensure()
        except BallastError as error:
            pytest.exit(str(error), 1)
    network = session.config.getoption("--network", default=None) or "mainnet-fork"
    forks = session.items and "mainnet-fork" in network and not session.config.option.collectonly
    if forks and not UPSTREAM_IS_REAL and replica.ensure_running().stale:
        pytest.exit("the running replica is of an older build: `ape run replica stop`, then try again", 1)

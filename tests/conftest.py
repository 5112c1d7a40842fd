"""Hooks shared by all tests."""

import pytest

from ballast import replica
from ballast.environment import UPSTREAM_IS_REAL


def pytest_configure(config):
    config.addinivalue_line("markers", "replica_only(reason): skipped when forks are taken from a real node")


def pytest_collection_modifyitems(items):
    for item in items:
        marker = item.get_closest_marker("replica_only")
        if marker and UPSTREAM_IS_REAL:
            reason = marker.args[0]
            item.add_marker(pytest.mark.skip(reason=f"holds on the replica only: {reason}"))


def pytest_collection_finish(session):
    """Start the replica before Ape takes its fork, unless a real node or another network is asked for."""
    network = session.config.getoption("--network", default=None) or "mainnet-fork"
    if session.items and "mainnet-fork" in network and not UPSTREAM_IS_REAL and not session.config.option.collectonly:
        if replica.ensure_running().stale:
            pytest.exit("the running replica is of an older build: `ape run replica stop`, then try again", 1)

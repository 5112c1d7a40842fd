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
    on_chain = [item for item in session.items if {"chain", "project"} & set(getattr(item, "fixturenames", ()))]
    _check_scopes(session, on_chain)
    if on_chain and not session.config.option.collectonly:
        try:
            compiled.ensure()
        except BallastError as error:
            pytest.exit(str(error), 1)
    network = session.config.getoption("--network", default=None) or "mainnet-fork"
    forks = session.items and "mainnet-fork" in network and not session.config.option.collectonly
    if forks and not UPSTREAM_IS_REAL and replica.ensure_running().stale:
        pytest.exit("the running replica is of an older build: `ape run replica stop`, then try again", 1)


def _check_scopes(session, items):
    """Ape restores the chain by fixtures' names, over all files: one of function scope here and wider there leaks."""
    scopes = {
        name: {definition.scope for definition in definitions}
        for name, definitions in session._fixturemanager._arg2fixturedefs.items()
    }
    mixed = {name for item in items for name in item.fixturenames if {"function"} < scopes.get(name, set())}
    if mixed:
        pytest.exit(f"fixtures of one name need one scope in all files: {', '.join(sorted(mixed))}", 1)

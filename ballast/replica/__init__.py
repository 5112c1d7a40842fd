"""The replica: a local mainnet on which demo and tests run when no real node is named.

>>> from ballast import replica
>>> replica.ensure_running().rpc  # doctest: +SKIP
'http://127.0.0.1:18545'
"""

from ballast.replica.builder import Build, build
from ballast.replica.manifest import actor, actors
from ballast.replica.process import Replica, ensure_running, start, status, stop

__all__ = ["Build", "Replica", "actor", "actors", "build", "ensure_running", "start", "status", "stop"]

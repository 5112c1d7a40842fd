"""The replica as a lasting process: started once, found again by whoever asks, stopped once."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ballast.environment import REPLICA_PORT
from ballast.errors import ConfigurationError, ReplicaError
from ballast.replica import builder
from ballast.replica.builder import FOLDER, Build, Progress
from ballast.replica.node import HOST, Node, alive, end, listening
from ballast.replica.rpc import Rpc


@dataclass(frozen=True)
class Replica:
    """A running replica."""

    rpc: str
    chain_id: int
    block: int
    timestamp: int
    pid: int
    port: int
    #: the build it was started from
    build: str
    #: True when the manifest, or what it is built with, has changed since
    stale: bool
    #: True when this call started it
    started: bool

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return asdict(self)


def start(*, port: int = REPLICA_PORT, progress: Progress = lambda _: None) -> Replica:
    """Start the replica, building it first when needed; find it when it runs already.

    Parameters
    ----------
    port : TCP port on this machine; BALLAST_REPLICA_PORT or 18545 when left out
    progress : called with a line of text at each step

    Raises
    ------
    ReplicaError
        The port is taken by something else, anvil is missing, or the build fails.
    """
    if not 1 <= port <= 65535:
        raise ConfigurationError(f"{port} is no port: set BALLAST_REPLICA_PORT to a number from 1 to 65535")
    with _locked():
        found = _find(port)
        if found:
            return found
        if listening(port):
            raise ReplicaError(
                f"port {port} is taken by something else: stop it, or set BALLAST_REPLICA_PORT to another port"
            )
        built = builder.build(progress=progress)
        progress(f"starting on port {port}")
        # anvil would take the wall clock: the replica's time goes on where the saved state ends
        timestamp = int(json.loads(built.state.read_text())["block"]["timestamp"], 16)
        options = ["--load-state", str(built.state), "--timestamp", str(timestamp)]
        log = FOLDER / f"anvil-{port}.log"
        node = Node.launch(port, options, log)
        _run_file(port).write_text(json.dumps({"pid": node.pid, "port": port, "build": built.key}))
        return _describe(node.rpc, node.pid, port, built.key, built, started=True)


def ensure_running(*, progress: Progress = lambda _: None) -> Replica:
    """Return the running replica; start it when it isn't."""
    return start(progress=progress)


def stop(*, port: int = REPLICA_PORT) -> bool:
    """Stop the replica; return whether it ran."""
    with _locked():
        found = _find(port)
        if found:
            end(found.pid)
        _run_file(port).unlink(missing_ok=True)
        return found is not None


def status(*, port: int = REPLICA_PORT) -> Replica | None:
    """Return the running replica, or None."""
    return _find(port)


def _run_file(port: int) -> Path:
    return FOLDER / f"anvil-{port}.json"


def _find(port: int) -> Replica | None:
    """Return the replica of the run file, if that process still runs and answers."""
    try:
        run = json.loads(_run_file(port).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    if not alive(run["pid"]):
        return None
    rpc = Rpc(f"http://{HOST}:{port}", timeout_seconds=10)
    try:
        if "anvil" not in rpc("web3_clientVersion"):
            return None
        return _describe(rpc, run["pid"], port, run["build"], builder.current(), started=False)
    except (OSError, ReplicaError):
        # the process id went to another program, or it hangs: not a replica anyone can use
        return None
    finally:
        rpc.close()


def _describe(rpc: Rpc, pid: int, port: int, key: str, current: Build, *, started: bool) -> Replica:
    head = rpc("eth_getBlockByNumber", "latest", False)
    return Replica(
        rpc=rpc.url,
        chain_id=int(rpc("eth_chainId"), 16),
        block=int(head["number"], 16),
        timestamp=int(head["timestamp"], 16),
        pid=pid,
        port=port,
        build=key,
        stale=key != current.key,
        started=started,
    )


@contextmanager
def _locked() -> Iterator[None]:
    """Let one process at a time build, start or stop."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(FOLDER / "lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(str(os.getpid()))
        yield

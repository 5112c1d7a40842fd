"""Starting and stopping anvil: a short-lived one for the builder, the lasting one of the replica."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ballast.errors import ReplicaError
from ballast.replica import manifest
from ballast.replica.rpc import Rpc

HOST = "127.0.0.1"


def anvil() -> str:
    """Return the path of anvil."""
    found = shutil.which("anvil")
    if found is None:
        raise ReplicaError(
            "anvil is not on the PATH: run `python3 tools/setup.py`, or install Foundry 1.7.1 on this platform"
        )
    return found


@cache
def anvil_version() -> str:
    """Return what anvil says of its version."""
    said = subprocess.run([anvil(), "--version"], capture_output=True, text=True, check=False).stdout
    return said.splitlines()[0] if said else "unknown"


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return listener.getsockname()[1]


def listening(port: int) -> bool:
    """Return whether anything accepts connections on `port`."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


@dataclass
class Node:
    """A running anvil."""

    port: int
    pid: int
    rpc: Rpc

    @staticmethod
    def launch(port: int, options: Sequence[str], log: Path | None = None, *, timeout_seconds: float = 20) -> "Node":
        """Start anvil on `port`, detached from this process, and wait until it answers."""
        chain = manifest.load()["chain"]
        command = [anvil(), "--host", HOST, "--port", str(port), "--chain-id", str(chain["id"])]
        command += ["--hardfork", chain["hardfork"], "--quiet", *options]
        with open(log or os.devnull, "w") as output:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        rpc = Rpc(f"http://{HOST}:{port}")
        deadline = time.monotonic() + timeout_seconds
        try:
            while time.monotonic() < deadline:
                if process.poll() is not None:
                    said = log.read_text().strip().splitlines() if log else []
                    raise ReplicaError(f"anvil did not start on port {port}: {said[-1] if said else 'it said nothing'}")
                try:
                    rpc("eth_chainId")
                    return Node(port, process.pid, rpc)
                except OSError:
                    rpc.close()
                    time.sleep(0.02)
            raise ReplicaError(f"anvil did not answer on port {port} within {timeout_seconds:.0f} s")
        except BaseException:
            # an interrupt too: nobody else knows of the process yet
            end(process.pid)
            raise

    @staticmethod
    @contextmanager
    def temporary(options: Sequence[str]) -> Iterator["Node"]:
        """Run anvil on a free port for the length of a `with` block."""
        node = Node.launch(free_port(), options)
        try:
            yield node
        finally:
            node.rpc.close()
            end(node.pid)


def alive(pid: int) -> bool:
    """Return whether process `pid` runs (one that ended and is our child is cleared away)."""
    try:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    except ChildProcessError:
        # started by another process: nothing to clear away
        return _exists(pid)
    return _exists(pid)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def end(pid: int, *, timeout_seconds: float = 5) -> None:
    """Ask process `pid` to end, then make it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not alive(pid):
            return
        os.kill(pid, number)
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline and alive(pid):
            time.sleep(0.01)

"""Which machine runs on what: named so that any process, on any machine, can open the same."""

import functools
import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from urllib.parse import urlsplit

from ballast import compiled
from ballast.environment import ROOT
from ballast.errors import ReplicaError
from ballast.fuzz import build as builds
from ballast.fuzz.chain import Chain, FuzzError
from ballast.fuzz.machine import Machine
from ballast.fuzz.revm import Revm
from ballast.replica import builder
from ballast.replica.node import Node, end, free_port

#: machines by name: module, class, and the upstream they run on when none is named
MACHINES = {
    "vault": ("ballast.fuzz.vault", "FortuneMachine", "none"),
    "suite": ("ballast.fuzz.suite", "SuiteMachine", "replica"),
}
#: where anvil keeps what it has read from a real upstream
CACHE = ROOT / ".cache" / "fork"


@dataclass(frozen=True)
class Target:
    """A machine, on a chain of a known state."""

    machine: str
    #: "none" for an empty chain, "replica" for its saved state, or the URL of a node
    upstream: str
    #: hash of what was compiled: workers elsewhere must have the same
    build: str
    #: block of a node that is forked, and its time
    block: int = 0
    now: int = 0


def machine_class(name: str) -> type[Machine]:
    """Return a machine by its name."""
    if name not in MACHINES:
        raise FuzzError(f"there is no machine {name!r}: {', '.join(MACHINES)}")
    module, kind, _ = MACHINES[name]
    return getattr(importlib.import_module(module), kind)


@contextmanager
def prepared(machine: str, upstream: str | None = None, block: int | None = None) -> Iterator[Target]:
    """Name a target; for a node, keep an anvil in front of it that remembers on disk what it has read."""
    machine_class(machine)
    upstream = upstream or MACHINES[machine][2]
    builds.load()
    target = Target(machine, upstream, build_key())
    if upstream == "none":
        yield target
    elif upstream == "replica":
        if not builder.current().exists:
            raise FuzzError("the replica is not built: run `.venv/bin/ape run replica build`")
        yield replace(target, build=f"{target.build}/{builder.current().key}")
    else:
        with _caching(upstream, block) as (url, number, now):
            yield replace(target, upstream=url, block=number, now=now)


def build_key() -> str:
    """Return a hash of what was compiled."""
    return sha256(compiled.FILE.read_bytes()).hexdigest()[:16]


@contextmanager
def _caching(url: str, block: int | None) -> Iterator[tuple[str, int, int]]:
    name = urlsplit(url).hostname or "the upstream"
    if not url.startswith("http"):
        raise FuzzError(f"--upstream {url}: none, replica, or the http(s) URL of a node")
    options = ["--fork-url", url, "--retries", "1", "--timeout", "20000"]
    if block is not None:
        options += ["--fork-block-number", str(block)]
    home = CACHE / sha256(url.encode()).hexdigest()[:12]
    home.mkdir(parents=True, exist_ok=True)
    before = os.environ.get("HOME")
    os.environ["HOME"] = str(home)  # where anvil keeps its cache, by chain and block
    try:
        node = Node.launch(free_port(), options)
    except ReplicaError as error:
        raise FuzzError(f"no answer from the upstream at {name}: is it running, is its URL right?") from error
    finally:
        if before is None:
            del os.environ["HOME"]
        else:
            os.environ["HOME"] = before
    try:
        head = node.rpc("eth_getBlockByNumber", "latest", False)
        yield node.rpc.url, int(head["number"], 16), int(head["timestamp"], 16)
    finally:
        node.rpc.close()
        end(node.pid)


def open_chain(target: Target) -> Chain:
    """Open a target's chain on revm."""
    if target.upstream == "none":
        return Revm()
    if target.upstream == "replica":
        return Revm.from_state(builder.current().state)
    return Revm.fork(target.upstream, target.block, target.now)


@functools.lru_cache(maxsize=2)
def open_machine(target: Target) -> Machine:
    """Open a machine on revm; each process makes its world once."""
    if target.build.split("/")[0] != build_key():
        raise FuzzError("this worker's contracts differ from the campaign's: check out and compile the same sources")
    return machine_class(target.machine)(open_chain(target), builds.load())

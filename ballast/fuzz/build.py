"""Ape's build, prepared: creation code and interface of each contract by name."""

import functools
import json
from dataclasses import dataclass
from typing import Any

from ballast import compiled
from ballast.fuzz.abi import Interface
from ballast.fuzz.chain import Chain, Contract, FuzzError


@dataclass(frozen=True)
class Made:
    """A compiled contract."""

    name: str
    code: bytes
    interface: Interface
    #: as Ape keeps it: `sourceId`, `sourcemap`, `runtimeBytecode` and more
    raw: dict[str, Any]


class Build:
    """Compiled contracts by name."""

    def __init__(self, types: dict[str, dict[str, Any]]) -> None:
        self._types = types
        self._made: dict[str, Made] = {}

    def __getitem__(self, name: str) -> Made:
        if name not in self._made:
            if name not in self._types:
                raise FuzzError(f"the build has no contract {name}: run `.venv/bin/python -m ballast.compiled`")
            raw = self._types[name]
            code = bytes.fromhex(raw["deploymentBytecode"]["bytecode"].removeprefix("0x"))
            self._made[name] = Made(name, code, Interface(name, raw["abi"]), raw)
        return self._made[name]

    @property
    def names(self) -> list[str]:
        """Every contract in the build, interfaces too."""
        return sorted(self._types)

    def with_types(self, types: dict[str, dict[str, Any]]) -> "Build":
        """Return a build in which `types` stand instead of ours."""
        return Build({**self._types, **types})

    def make(self, chain: Chain, name: str, *arguments: Any, sender: str) -> Contract:
        """Make a contract."""
        made = self[name]
        chain.know(made.interface)
        address = chain.create(made.code + made.interface.constructor(arguments), sender)
        return Contract(chain, address, made.interface)

    def at(self, chain: Chain, name: str, address: str) -> Contract:
        """Return a contract that is there already."""
        return chain.at(address, self[name].interface)


@functools.cache
def load() -> Build:
    """Load Ape's build.

    Raises
    ------
    FuzzError
        It is missing, or older than the sources.
    """
    if not compiled.FILE.exists():
        raise FuzzError("the contracts are not compiled: run `.venv/bin/python -m ballast.compiled`")
    if not compiled.is_fresh():
        raise FuzzError("the build is older than the sources: run `.venv/bin/python -m ballast.compiled`")
    return Build(json.loads(compiled.FILE.read_text())["contractTypes"])

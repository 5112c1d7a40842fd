"""A chain to measure on: an anvil of its own, with accounts, a clock and nothing else, alike at every run."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from eth_abi import encode

from ballast import compiled
from ballast.chain import view
from ballast.gas.errors import GasError
from ballast.replica.node import Node
from ballast.replica.rpc import Rpc, RpcError

#: Unix seconds; a year whose sums are easy to follow
_START = 1_800_000_000
_BLOCK_SECONDS = 12
#: what a transaction may use
_GAS = 15_000_000


@dataclass(frozen=True)
class Code:
    """One compiled contract."""

    name: str
    creation: bytes
    #: of the constructor
    inputs: tuple[Mapping[str, Any], ...]
    #: of the code as it lies on the chain, in bytes
    size: int


def codes() -> dict[str, Code]:
    """Return what has been compiled, by name.

    Raises
    ------
    GasError
        Nothing has been compiled.
    """
    try:
        types = json.loads(compiled.FILE.read_text())["contractTypes"]
    except (FileNotFoundError, KeyError, ValueError):
        raise GasError("no compiled contracts: run `.venv/bin/python -m ballast.compiled`") from None
    found = {}
    for name, kind in types.items():
        creation = (kind.get("deploymentBytecode") or {}).get("bytecode") or "0x"
        runtime = (kind.get("runtimeBytecode") or {}).get("bytecode") or "0x"
        if creation == "0x" or "__$" in creation:
            continue
        made = next((entry for entry in kind["abi"] if entry["type"] == "constructor"), {})
        inputs = tuple(made.get("inputs", ()))
        found[name] = Code(name, bytes.fromhex(creation[2:]), inputs, len(runtime) // 2 - 1)
    return found


class Chain:
    """Sends one transaction after the other, each in a block of its own, and says what it cost."""

    def __init__(self, rpc: Rpc, code: Mapping[str, Code]) -> None:
        self._rpc = rpc
        self._code = code
        self._time = _START
        self.accounts: list[str] = rpc("eth_accounts")

    def code(self, name: str) -> Code:
        """Return a compiled contract."""
        if name not in self._code:
            raise GasError(f"{name} is not compiled: is contracts/ whole? Run `.venv/bin/python -m ballast.compiled`")
        return self._code[name]

    def deploy(self, name: str, *arguments: Any) -> str:
        """Deploy a contract and return its address. A struct is given by its fields' names."""
        code = self.code(name)
        if len(code.inputs) != len(arguments):
            raise GasError(f"{name} is made with {len(code.inputs)} arguments, not {len(arguments)}: see ballast/gas")
        values = [_ordered(each, value) for each, value in zip(code.inputs, arguments, strict=True)]
        data = code.creation + encode([_type(each) for each in code.inputs], values)
        return self._send(self.accounts[0], None, data, f"deploying {name}")["contractAddress"]

    def send(self, sender: str, target: str, signature: str, *arguments: Any) -> int:
        """Call `signature` ("transfer(address,uint256)") and return the gas of the whole transaction, refunds off."""
        receipt = self._send(sender, target, view(target, signature, *arguments).data, signature)
        return int(receipt["gasUsed"], 16)

    def read(self, target: str, signature: str, *arguments: Any) -> int:
        """Call a view; return the first number of its answer."""
        call = {"to": target, "data": "0x" + view(target, signature, *arguments).data.hex()}
        return int(self._rpc("eth_call", call, "latest")[:66], 16)

    def wait(self, seconds: int) -> None:
        """Let time pass before the next transaction."""
        self._time += seconds

    def _send(self, sender: str, target: str | None, data: bytes, what: str) -> dict[str, Any]:
        self._time += _BLOCK_SECONDS
        transaction = {"from": sender, "data": "0x" + data.hex(), "gas": hex(_GAS), "gasPrice": hex(10**10)}
        if target:
            transaction["to"] = target
        self._rpc("evm_setNextBlockTimestamp", self._time)
        receipt = self._mined(self._rpc("eth_sendTransaction", transaction), what)
        if receipt["status"] != "0x1":
            try:
                self._rpc("eth_call", transaction, "latest")
                reason = "no reason given"
            except RpcError as error:
                reason = f"{error} {error.data or ''}"
            raise GasError(f"{what} reverted: {reason.strip()[:200]}")
        return receipt

    def _mined(self, transaction: str, what: str) -> dict[str, Any]:
        for attempt in range(400):
            receipt = self._rpc("eth_getTransactionReceipt", transaction)
            if receipt:
                return receipt
            time.sleep(0.001 * (attempt + 1))
        raise GasError(f"{what} was not mined")


@contextmanager
def own_chain() -> Iterator[Chain]:
    """Run a chain for the length of a `with` block."""
    code = codes()
    with Node.temporary(["--timestamp", str(_START), "--base-fee", "1000000000"]) as node:
        yield Chain(node.rpc, code)


def _type(entry: Mapping[str, Any]) -> str:
    if not entry["type"].startswith("tuple"):
        return entry["type"]
    return "(" + ",".join(_type(each) for each in entry["components"]) + ")" + entry["type"][5:]


def _ordered(entry: Mapping[str, Any], value: Any) -> Any:
    if entry["type"] != "tuple":
        return value
    missing = {each["name"] for each in entry["components"]} ^ set(value)
    if missing:
        raise GasError(f"{entry['name']} has other fields than ballast/gas gives: {', '.join(sorted(missing))}")
    return tuple(_ordered(each, value[each["name"]]) for each in entry["components"])

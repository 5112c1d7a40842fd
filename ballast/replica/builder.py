"""Plays the manifest on a fresh anvil and saves the state."""

import gzip
import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_utils import keccak, to_checksum_address

from ballast.environment import TOOLS
from ballast.errors import ReplicaError
from ballast.replica import artifacts, manifest, packages
from ballast.replica.node import Node, anvil_version
from ballast.replica.rpc import Rpc, RpcError

FOLDER = TOOLS / "replica"
_HERE = Path(__file__).parent
_GAS = hex(29_000_000)
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Build:
    """A saved state and what is in it."""

    key: str
    state: Path
    contracts: Path

    @property
    def exists(self) -> bool:
        """True when both files are there."""
        return self.state.exists() and self.contracts.exists()

    def load_contracts(self) -> dict[str, dict[str, Any]]:
        """Return contract name to its `address`, `code_hash` and `code_size`."""
        return json.loads(self.contracts.read_text())


def current() -> Build:
    """Name the build that belongs to the manifest, the lock file, the builder and the stand-ins as they are now."""
    digest = hashlib.sha256(anvil_version().encode())
    sources = [manifest.FILE, packages.LOCK_FILE, *sorted((_HERE / "vendored").glob("*.hex"))]
    sources += [_HERE / name for name in ("artifacts.py", "builder.py", "manifest.py")]
    for source in sources:
        digest.update(source.read_bytes())
    digest.update(json.dumps(artifacts.standin_sources(), sort_keys=True).encode())
    key = digest.hexdigest()[:16]
    return Build(key, FOLDER / f"{key}.state.json", FOLDER / f"{key}.contracts.json")


def build(*, progress: Progress = lambda _: None) -> Build:
    """Build the replica unless its state is saved already.

    Parameters
    ----------
    progress : called with a line of text at each step

    Returns
    -------
    Build
        The saved state.
    """
    result = current()
    if result.exists:
        return result
    try:
        _build(result, progress)
    except OSError as error:
        raise ReplicaError(f"the replica could not be built: {error.strerror or error}") from error
    return result


def _build(result: Build, progress: Progress) -> None:
    lock = packages.load_lock()
    progress("fetching packages")
    packages.fetch(lock)
    FOLDER.mkdir(parents=True, exist_ok=True)
    chain = manifest.load()["chain"]
    options = ["--auto-impersonate", "--block-base-fee-per-gas", "0", "--gas-price", "0"]
    options += ["--timestamp", str(chain["genesis_timestamp"])]
    with Node.temporary(options) as node:
        player = Player(node.rpc, lock, progress)
        player.play()
        state = _normal_form(node.rpc("anvil_dumpState"))
    _write(result.contracts, json.dumps(player.made, indent=1))
    _write(result.state, state)
    _forget_old(result)


class Player:
    """Plays the manifest, step by step, on the node behind `rpc`."""

    def __init__(self, rpc: Rpc, lock: dict[str, packages.Package], progress: Progress) -> None:
        self.rpc = rpc
        self.lock = lock
        self.progress = progress
        self.names = manifest.Names()
        self.made: dict[str, dict[str, Any]] = {}

    def play(self) -> None:
        """Make every contract, seed the crowd, close with a block at a normal base fee."""
        content = manifest.load()
        self.rpc("anvil_setBlockTimestampInterval", content["chain"]["seconds_per_block"])
        for name, ether in content["actors"].items():
            self.rpc("anvil_setBalance", manifest.actor(name), hex(ether * 10**18))
        for row in content["contracts"]:
            self.progress(f"making {row['name']}")
            self._make(row)
        self.progress("seeding the markets")
        for step in content["seed"]:
            self._step(step, "seed")
        self.rpc("anvil_setNextBlockBaseFeePerGas", hex(content["chain"]["base_fee_wei"]))
        self.rpc("evm_mine")

    # --- contracts ---

    def _make(self, row: dict[str, Any]) -> None:
        name, how = row["name"], row["how"]
        expected = row.get("address")
        if expected:
            # known before it is made: a call that makes it may name it
            self.names.addresses[name] = expected
        address = expected
        if "create" in how:
            address = self._create(self.names.address(how["create"]), how.get("nonce"), self._init_code(row))
        elif "create2" in how:
            factory = self.names.address(how["create2"])
            code = self._init_code(row)
            address = to_checksum_address(keccak(b"\xff" + bytes.fromhex(factory[2:]) + bytes(32) + keccak(code))[-20:])
            self._send(manifest.actor("builder"), factory, bytes(32) + code, name)
        elif "presigned" in how:
            raw = self._artifact(row).linked({})
            self.rpc("anvil_setBalance", Account.recover_transaction(raw), hex(10**18))
            address = self._mined(self.rpc("eth_sendRawTransaction", "0x" + raw.hex()), name)["contractAddress"]
        elif "placed" in how:
            self._place(expected, self.names.address(how["placed"]), how.get("nonce", 1), self._init_code(row), name)
        elif "code" in how:
            self.rpc("anvil_setCode", expected, "0x" + artifacts.vendored(row["vendored"]).hex())
        self.names.addresses[name] = self.names.addresses["self"] = to_checksum_address(address)
        for call in row.get("calls", []):
            self._step(call, name)
        self._check(row, to_checksum_address(address))

    def _check(self, row: dict[str, Any], address: str) -> None:
        name = row["name"]
        if row.get("address") not in (None, address):
            raise ReplicaError(f"manifest: {name} came to {address}, not to {row['address']}")
        code = bytes.fromhex(self.rpc("eth_getCode", address, "latest")[2:])
        if not code:
            raise ReplicaError(f"manifest: nothing was made at {address} ({name})")
        published = row.get("published", {})
        found = {"runtime": keccak(code).hex()}
        if "init_code" in published:
            found["init_code"] = keccak(self._artifact(row).linked({})).hex()
        for kind, expected in published.items():
            if "0x" + found[kind] != expected:
                raise ReplicaError(f"manifest: the {kind} hash of {name} is 0x{found[kind]}, mainnet's is {expected}")
        self.made[name] = {"address": address, "code_hash": "0x" + found["runtime"], "code_size": len(code)}

    def _artifact(self, row: dict[str, Any]) -> artifacts.Artifact:
        if "standin" in row:
            return artifacts.compile_standins()[row["standin"]]
        package = self.lock[row["package"]]
        if "source" in row:
            self.progress(f"compiling {row['source']['contract']}")
            return artifacts.compile_package(package, row["source"])[row["source"]["contract"]]
        return artifacts.from_package(package, row["artifact"])

    def _init_code(self, row: dict[str, Any]) -> bytes:
        links = {library: self.names.address(reference) for library, reference in row.get("links", {}).items()}
        code = self._artifact(row).linked(links)
        for types, values in row.get("args", {}).items():
            code += self.names.encode(types, values)
        return code

    def _create(self, deployer: str, nonce: int | None, code: bytes) -> str:
        if nonce is not None:
            self.rpc("anvil_setNonce", deployer, hex(nonce))
        return self._send(deployer, None, code, "creation")["contractAddress"]

    def _place(self, address: str, deployer: str, nonce: int, code: bytes, name: str) -> None:
        self.rpc("anvil_setNonce", address, hex(nonce))
        self.rpc("anvil_setCode", address, "0x" + code.hex())
        runtime = self.rpc("eth_call", {"from": deployer, "to": address, "gas": _GAS}, "latest")
        self._send(deployer, address, b"", name)
        self.rpc("anvil_setCode", address, runtime)

    # --- steps ---

    def _step(self, step: dict[str, Any] | list[Any], where: str) -> None:
        if isinstance(step, dict):
            if "wait_seconds" in step:
                now = int(self.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
                self.rpc("evm_setNextBlockTimestamp", now + step["wait_seconds"])
                self.rpc("evm_mine")
            elif "round" in step:
                for aggregator, price in step["round"].items():
                    self._push_round(self.names.addresses[aggregator], manifest.load()["prices"][price])
            else:
                raise ReplicaError(f"manifest: unknown step {step}")
        elif step[1] == "set_nonce":
            self.rpc("anvil_setNonce", self.names.address(step[0]), hex(step[2]))
        else:
            sender, target, function, values = step[:4]
            value = manifest.integer(step[4]) if len(step) > 4 else 0
            data = self.names.call_data(function, values)
            self._send(self.names.address(sender), self.names.address(target), data, f"{where}: {function}", value)

    def _push_round(self, aggregator: str, price: int) -> None:
        latest = self.rpc("eth_call", {"to": aggregator, "data": "0x668a0f02"}, "latest")  # latestRound()
        for oracle in manifest.actors("chainlink_oracle"):
            data = self.names.call_data("submit(uint256,int256)", [int(latest, 16) + 1, price])
            self._send(oracle, aggregator, data, "chainlink round")

    def _send(self, sender: str, to: str | None, data: bytes, what: str, value: int = 0) -> dict[str, Any]:
        transaction = {"from": sender, "data": "0x" + data.hex(), "gas": _GAS, "gasPrice": "0x0", "value": hex(value)}
        if to:
            transaction["to"] = to
        receipt = self._mined(self.rpc("eth_sendTransaction", transaction), what)
        if receipt["status"] != "0x1":
            try:
                self.rpc("eth_call", transaction, "latest")
                reason = "no reason given"
            except RpcError as error:
                reason = str(error)
            raise ReplicaError(f"manifest: {what} reverted: {reason[:200]}")
        return receipt

    def _mined(self, transaction: str, what: str) -> dict[str, Any]:
        for attempt in range(400):
            receipt = self.rpc("eth_getTransactionReceipt", transaction)
            if receipt:
                return receipt
            time.sleep(0.001 * (attempt + 1))
        raise ReplicaError(f"manifest: {what} was not mined")


def _normal_form(dumped: str) -> str:
    """Write a dumped state so that two builds give the same bytes: one block, no random numbers, sorted accounts."""
    state = json.loads(gzip.decompress(bytes.fromhex(dumped[2:])))
    zero = "0x" + "00" * 32
    head = next(block for block in state["blocks"] if block["header"]["number"] == state["block"]["number"])
    head["header"].update(parentHash=zero, mixHash=zero)
    state["block"]["prevrandao"] = zero
    state.update(blocks=[head], transactions=[], historical_states=None)
    return json.dumps(state, sort_keys=True, separators=(",", ":"))


def _write(path: Path, text: str) -> None:
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_text(text)
    partial.replace(path)


def _forget_old(kept: Build) -> None:
    for path in [*FOLDER.glob("*.state.json"), *FOLDER.glob("*.contracts.json")]:
        if not path.name.startswith(kept.key):
            path.unlink(missing_ok=True)

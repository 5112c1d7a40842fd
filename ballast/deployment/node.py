"""A chain as deployments need it: reads, simulations with their revert reasons, and sending, over any Web3."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from types import SimpleNamespace
from typing import Any, Protocol

from eth_abi import encode
from eth_abi.exceptions import DecodingError
from eth_abi.grammar import parse
from eth_account.signers.local import LocalAccount
from eth_utils import function_signature_to_4byte_selector, keccak, to_checksum_address
from web3 import Web3
from web3.exceptions import TimeExhausted, Web3RPCError

from ballast.chain import CODEC, NodeRefusal, node_name
from ballast.compiled import FILE as COMPILED
from ballast.errors import DeploymentError
from ballast.mainnet import CREATE2_DEPLOYER

TIMELOCK, REDEMPTIONS = "Timelock", "Redemptions"
#: code that vaults run on their own storage, in the order in which a vault takes it
VAULT_CODE = {"books": "VaultBooks", "rules": "VaultRules", "views": "VaultViews"}
#: what a chain needs but once, whoever deploys: it has no owner and knows no deployment
SHARED = {**VAULT_CODE, "lens": "VaultLens"}
OURS = (
    "Vault",
    *SHARED.values(),
    REDEMPTIONS,
    TIMELOCK,
    "LendingRouter",
    "Oracle",
    "AaveV3Lending",
    "MorphoBlueLending",
)
_BATCH = 100
_RECEIPT_SECONDS = 300
#: how nodes say that a call ran and failed
_FAILED_CALL = ("revert", "evm error", "opcode", "out of gas", "invalid jump", "stack underflow")


class Reverted(DeploymentError):
    """The chain refused a call; `data` is what it returned."""

    def __init__(self, message: str, data: bytes = b"") -> None:
        super().__init__(message)
        self.data = data


class Sender(Protocol):
    """Who sends transactions."""

    address: str

    def send(self, web3: Web3, transaction: dict[str, Any]) -> bytes:
        """Send; return the transaction's hash."""


@dataclass(frozen=True)
class KeySender:
    """Signs here with a private key."""

    account: LocalAccount

    @property
    def address(self) -> str:
        """The account's address."""
        return self.account.address

    def send(self, web3: Web3, transaction: dict[str, Any]) -> bytes:
        """Sign and send."""
        fields = {key: value for key, value in transaction.items() if key != "from"}
        fields |= {"nonce": web3.eth.get_transaction_count(self.address), "chainId": web3.eth.chain_id}
        return web3.eth.send_raw_transaction(self.account.sign_transaction(fields).raw_transaction)


@dataclass(frozen=True)
class UnlockedSender:
    """An account that the node itself signs for: a test account of anvil, or an impersonated one."""

    address: str

    def send(self, web3: Web3, transaction: dict[str, Any]) -> bytes:
        """Let the node sign and send."""
        return web3.eth.send_transaction(transaction)


class Artifacts:
    """ABIs and code as Ape compiled them."""

    def __init__(self) -> None:
        try:
            compiled = json.loads(COMPILED.read_text())["contractTypes"]
            self._abis = {name: compiled[name]["abi"] for name in OURS}
            self._codes = {name: compiled[name]["deploymentBytecode"]["bytecode"] for name in OURS}
        except (FileNotFoundError, KeyError) as error:
            raise DeploymentError(f"the contracts are not compiled ({error}): run ape compile") from None

    def abi(self, kind: str) -> list[dict[str, Any]]:
        """Return the ABI of a contract."""
        return self._abis[kind]

    def function(self, kind: str, name: str, count: int) -> dict[str, Any]:
        """Return the ABI entry of a function, by name and number of arguments."""
        for item in self._abis[kind]:
            if item["type"] == "function" and item["name"] == name and len(item["inputs"]) == count:
                return item
        raise DeploymentError(f"{kind} has no function {name} of {count} arguments")

    def changing(self, kind: str) -> list[str]:
        """Return the signature of every function that changes state."""
        functions = [item for item in self._abis[kind] if item["type"] == "function"]
        return [signature_of(item) for item in functions if item["stateMutability"] not in ("view", "pure")]

    def functions(self, kind: str) -> list[str]:
        """Return the signature of every function."""
        return [signature_of(item) for item in self._abis[kind] if item["type"] == "function"]

    def code(self, kind: str) -> bytes:
        """Return the code that makes a contract, without its arguments."""
        return bytes.fromhex(self._codes[kind].removeprefix("0x"))

    @cached_property
    def errors(self) -> dict[bytes, tuple[str, list[str]]]:
        """Name and types of every custom error, by selector."""
        found = {}
        for abi in self._abis.values():
            for item in abi:
                if item["type"] == "error":
                    types = [_type(part) for part in item["inputs"]]
                    found[keccak(text=f"{item['name']}({','.join(types)})")[:4]] = (item["name"], types)
        return found

    def explain(self, data: bytes) -> str:
        """Return revert data as text: `OverLimit(6000, 5000)`, or the reason string."""
        try:
            if data[:4] == bytes.fromhex("08c379a0"):
                return CODEC.decode(["string"], data[4:])[0]
            if data[:4] == bytes.fromhex("4e487b71"):
                return f"Panic({hex(CODEC.decode(['uint256'], data[4:])[0])})"
            if data[:4] in self.errors:
                name, types = self.errors[data[:4]]
                return f"{name}({', '.join(_shown(item) for item in CODEC.decode(types, data[4:]))})"
        except DecodingError:
            pass  # not what its first bytes promise: show it as it is
        return "0x" + data.hex() if data else "no reason given"


@cache
def compiled() -> Artifacts:
    """Return what is compiled, the same throughout one run."""
    return Artifacts()


class Node:
    """One chain through one Web3."""

    def __init__(self, web3: Web3) -> None:
        self.web3 = web3
        self.artifacts = compiled()

    @cached_property
    def chain_id(self) -> int:
        """The chain's id."""
        return self.web3.eth.chain_id

    @cached_property
    def is_for_tests(self) -> bool:
        """True on anvil and its like, where accounts are unlocked and nothing is at stake."""
        return any(name in self.web3.client_version.lower() for name in ("anvil", "hardhat", "ganache"))

    def has_code(self, address: str) -> bool:
        """Whether a contract stands at `address`."""
        return len(self.web3.eth.get_code(address)) > 0

    def view(self, to: str, signature: str, *arguments: Any) -> Any:
        """Call a view function given as `name(types)(types)`; one result is returned bare, several as a tuple."""
        name, _, results = signature.partition(")(")
        output = self.call(to, encode_call(name + ")", *arguments))
        try:
            values = CODEC.decode(_types("(" + results), output)
        except DecodingError:
            raise Reverted(f"{to} does not answer {name})") from None
        values = tuple(_checksummed(value) for value in values)
        return values[0] if len(values) == 1 else values

    def read(self, kind: str, address: str, function: str, *arguments: Any) -> Any:
        """Call a view function of a contract of ours, or of a timelock; structs come back with their fields' names."""
        entry = self.artifacts.function(kind, function, len(arguments))
        output = self.call(address, encode_call(signature_of(entry), *arguments))
        values = CODEC.decode([_type(part) for part in entry["outputs"]], output)
        named = [_named(part, value) for part, value in zip(entry["outputs"], values, strict=True)]
        if len(named) == 1:
            return named[0]
        return SimpleNamespace(**{part["name"]: value for part, value in zip(entry["outputs"], named, strict=True)})

    def call(self, to: str | None, data: bytes, *, sender: str | None = None) -> bytes:
        """Simulate a call, or with no `to` the making of a contract; raise Reverted with its reason."""
        answer = self.web3.provider.make_request("eth_call", [_request(to, data, sender), "latest"])
        return self._output(answer)

    def calls(self, requests: Sequence[tuple[str, bytes, str]]) -> list[bytes | Reverted]:
        """Simulate many calls (to, data, sender) in few requests."""
        results: list[bytes | Reverted] = []
        for start in range(0, len(requests), _BATCH):
            batch = [("eth_call", [_request(*request), "latest"]) for request in requests[start : start + _BATCH]]
            answers = self.web3.provider.make_batch_request(batch)
            if not isinstance(answers, list):  # a node that takes one at a time
                answers = [self.web3.provider.make_request(*item) for item in batch]
            for answer in answers:
                try:
                    results.append(self._output(answer))
                except Reverted as error:
                    results.append(error)
        return results

    def _output(self, answer: Any) -> bytes:
        if "error" not in answer:
            return bytes.fromhex(answer["result"][2:])
        error = answer["error"]
        message = str(error.get("message", error))
        if error.get("code") != 3 and not any(word in message.lower() for word in _FAILED_CALL):
            # a node that will not answer must not be taken for a contract that refuses
            raise NodeRefusal(f"the node at {node_name(self.web3)} refuses to simulate: {message.splitlines()[0]}")
        raise self._reverted(error)

    def _reverted(self, error: dict[str, Any]) -> Reverted:
        data = error.get("data")
        text = data if isinstance(data, str) else ""
        if "0x" in text:  # some nodes write "Reverted 0x…"
            raw = bytes.fromhex(text[text.index("0x") + 2 :])
            return Reverted(self.artifacts.explain(raw), raw)
        return Reverted(error.get("message", str(error)))

    def logs(self, address: str, event: str, *, start: int) -> list[dict[str, Any]]:
        """Return the logs of one event, `Name(types)`, since block `start`, oldest first."""
        filters = {"address": address, "topics": ["0x" + keccak(text=event).hex()], "fromBlock": start}
        return list(self.web3.eth.get_logs(filters))

    def create_data(self, kind: str, arguments: bytes, salt: bytes) -> tuple[str, bytes]:
        """Return where CREATE2_DEPLOYER makes a contract, and what to send it for that."""
        init_code = self.artifacts.code(kind) + arguments
        return create2_address(CREATE2_DEPLOYER, salt, keccak(init_code)), salt + init_code

    def runtime(self, kind: str, arguments: bytes, address: str, *, maker: str) -> bytes:
        """Return the code that a contract has when `maker` makes it at `address`: its constructor is run there."""
        creation = {address: {"code": "0x" + (self.artifacts.code(kind) + arguments).hex()}}
        answer = self.web3.provider.make_request("eth_call", [_request(address, b"", maker), "latest", creation])
        return self._output(answer)

    def arguments(self, kind: str, *values: Any) -> bytes:
        """Return a constructor's encoded arguments."""
        for item in self.artifacts.abi(kind):
            if item["type"] == "constructor":
                return encode([_type(part) for part in item["inputs"]], values)
        return b""

    def send(self, sender: Sender, to: str, data: bytes, *, what: str) -> Any:
        """Simulate, send and wait; return the receipt.

        Raises
        ------
        DeploymentError
            It would revert or did, with the reason; or it is not mined in five minutes.
        """
        request = _request(to, data, sender.address)
        answer = self.web3.provider.make_request("eth_estimateGas", [request])
        if "error" in answer:
            reason = str(self._reverted(answer["error"]))
            if to == CREATE2_DEPLOYER:  # it swallows the constructor's reason
                try:
                    self.call(None, data[32:], sender=sender.address)
                except Reverted as error:
                    reason = str(error)
            raise DeploymentError(f"{what}: the chain refuses: {reason}")
        head = self.web3.eth.get_block("latest")
        tip = self.web3.eth.max_priority_fee
        transaction = {
            "from": sender.address,
            "to": to,
            "data": "0x" + data.hex(),
            "value": 0,
            "gas": min(int(answer["result"], 16) * 5 // 4, head["gasLimit"]),
            "maxPriorityFeePerGas": tip,
            "maxFeePerGas": 2 * head["baseFeePerGas"] + tip,
        }
        try:
            sent = sender.send(self.web3, transaction)
            receipt = self.web3.eth.wait_for_transaction_receipt(sent, timeout=_RECEIPT_SECONDS)
        except TimeExhausted:
            raise DeploymentError(
                f"{what}: not mined within {_RECEIPT_SECONDS} s: run again when it is, nothing is sent twice"
            ) from None
        except (ValueError, Web3RPCError) as error:
            raise DeploymentError(f"{what}: the node refuses: {str(error).splitlines()[0]}") from None
        if receipt["status"] != 1:
            raise DeploymentError(f"{what}: reverted in block {receipt['blockNumber']}: run again to see why")
        return receipt


def create2_address(factory: str, salt: bytes, code_hash: bytes) -> str:
    """Return the address that CREATE2 gives."""
    return to_checksum_address(keccak(b"\xff" + bytes.fromhex(factory[2:]) + salt + code_hash)[12:])


def made_by(maker: str, nonce: int) -> str:
    """Return the address of what a contract makes with `new`, counted from 1 (to 127)."""
    return to_checksum_address(keccak(b"\xd6\x94" + bytes.fromhex(maker[2:]) + bytes([nonce]))[12:])


def encode_call(signature: str, *arguments: Any) -> bytes:
    """Return calldata of `name(types)`."""
    return function_signature_to_4byte_selector(signature) + encode(
        _types(signature[signature.index("(") :]), arguments
    )


def decode_call(abi: Sequence[dict[str, Any]], data: bytes) -> tuple[str, dict[str, Any]] | None:
    """Return the function's name and its arguments by name, or None when `abi` has no such function."""
    for item in abi:
        if item["type"] == "function" and function_signature_to_4byte_selector(signature_of(item)) == data[:4]:
            values = CODEC.decode([_type(part) for part in item["inputs"]], data[4:])
            parts = zip(item["inputs"], values, strict=True)
            return item["name"], {part["name"] or str(n): _named(part, value) for n, (part, value) in enumerate(parts)}
    return None


def signature_of(item: dict[str, Any]) -> str:
    """Return `name(types)` of an ABI entry, structs written out."""
    return f"{item['name']}({','.join(_type(part) for part in item['inputs'])})"


def _type(part: dict[str, Any]) -> str:
    if not part["type"].startswith("tuple"):
        return part["type"]
    return f"({','.join(_type(item) for item in part['components'])}){part['type'][5:]}"


def _types(parenthesised: str) -> list[str]:
    return [item.to_type_str() for item in parse(parenthesised).components] if parenthesised != "()" else []


def _named(part: dict[str, Any], value: Any) -> Any:
    """Return a decoded value with checksummed addresses, and structs with their fields' names."""
    if part["type"].endswith("[]"):
        inner = {**part, "type": part["type"][:-2]}
        return [_named(inner, item) for item in value]
    if part["type"] == "tuple":
        fields = zip(part["components"], value, strict=True)
        return SimpleNamespace(**{field["name"]: _named(field, item) for field, item in fields})
    return to_checksum_address(value) if part["type"] == "address" else value


def _checksummed(value: Any) -> Any:
    if isinstance(value, str) and len(value) == 42 and value.startswith("0x"):
        return to_checksum_address(value)
    return tuple(_checksummed(item) for item in value) if isinstance(value, (list, tuple)) else value


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return str(_checksummed(value))


def _request(to: str | None, data: bytes, sender: str | None) -> dict[str, str]:
    request = {"data": "0x" + data.hex()}
    if to:
        request["to"] = to
    if sender:
        request["from"] = sender
    return request


def is_any_of(address: str, others: Iterable[str]) -> bool:
    """Whether `address` is among `others`, however they are written."""
    return address.lower() in {other.lower() for other in others}

"""A pytest plugin: tests written for Ape, on revm in this process: a transaction costs a millisecond and not thirty.

It gives them what they use of Ape (`project`, `accounts`, `chain`, contracts, receipts, `reverts`) and isolates by
scope as Ape does. A test that uses more of Ape fails here on the original: then it is to be taught here, or left to
anvil (`killers.ON_ANVIL`). Used by `make mutate` alone: `make test` runs the same tests on anvil.
"""

import functools
import re
from collections import namedtuple
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import ape
import pytest
from ape.exceptions import ContractLogicError
from eth_account import Account as Key
from eth_utils import keccak, to_checksum_address
from web3.exceptions import ContractCustomError

from ballast.fuzz import build, regression
from ballast.fuzz.abi import canonical, decoder
from ballast.fuzz.chain import GAS, Reverted
from ballast.fuzz.revm import NOBODY, Revm

CHAIN_ID = 1


class Refused(ContractLogicError):
    """A revert; its class is named as the contract's error."""

    def __init__(self, cause: Reverted) -> None:
        super().__init__(revert_message=str(cause))
        self.values = [_lower(value) for value in cause.values]
        self.data = f"0x{cause.data.hex()}"


@functools.cache
def _refused(name: str) -> type[Refused]:
    return type(name, (Refused,), {})


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


@contextmanager
def reverts(*expected: Any, **values: Any) -> Iterator[None]:
    """Do as ape.reverts: expect an error by its name, with these values if they are said, or by its text."""
    try:
        yield
    except Refused as error:
        if expected:
            _expect(error, expected[0], values)
        return
    raise AssertionError("Transaction did not revert.")


def _expect(error: Refused, wanted: Any, values: dict[str, Any]) -> None:
    if isinstance(wanted, re.Pattern):
        assert wanted.search(error.data), f"{error.data}, not {wanted.pattern}"
    elif isinstance(wanted, str):
        assert wanted in str(error), f"{error}, not {wanted}"
    else:
        assert type(error).__name__ == wanted.name, f"{error}, not {wanted.name}"
        said = dict(zip(wanted.fields, error.values, strict=True))
        assert values.keys() <= said.keys(), f"{wanted.name} says {', '.join(said)}"
        for key, value in values.items():
            assert said[key] == _lower(value), f"{key} is {said[key]}, not {value}"


class Address(str):
    """An account or a contract: its address, which is a text too."""

    __slots__ = ()

    @property
    def address(self) -> str:
        return str(self)


class Account(Address):
    """An account that can send and sign."""

    def __new__(cls, key: bytes, world: "World") -> "Account":
        signer = Key.from_key(key)
        made = super().__new__(cls, signer.address)
        made.signer, made.world = signer, world
        return made

    def deploy(self, container: Any, *arguments: Any, **_: Any) -> "Instance":
        container = getattr(container, "contract_type", container)
        code = container.code + container.made.interface.constructor(_plain(arguments))
        address = self.world.do(self.world.revm.create, code, str(self))
        return Instance(address, container.made, self.world)

    def sign_message(self, message: Any) -> SimpleNamespace:
        signed = self.signer.sign_message(message)
        return SimpleNamespace(v=signed.v, r=signed.r.to_bytes(32, "big"), s=signed.s.to_bytes(32, "big"))


class Container:
    """A compiled contract, and its contract type too."""

    def __init__(self, made: build.Made, world: "World", code: bytes | None = None) -> None:
        self.made, self.world, self.code = made, world, code or made.code
        self.contract_type = self

    def at(self, address: str) -> "Instance":
        return Instance(address, self.made, self.world)

    def model_copy(self, update: dict) -> "Container":
        code = bytes.fromhex(update["deployment_bytecode"].bytecode.removeprefix("0x"))
        return Container(self.made, self.world, code)

    @property
    def errors(self) -> list[SimpleNamespace]:
        return _named(self.made, "error")

    @property
    def methods(self) -> list[SimpleNamespace]:
        return _named(self.made, "function")


def _named(made: build.Made, kind: str) -> list[SimpleNamespace]:
    entries = [entry for entry in made.raw["abi"] if entry["type"] == kind]
    return [
        SimpleNamespace(
            name=entry["name"],
            selector=f"{entry['name']}({','.join(canonical(entry['inputs']))})",
            outputs=entry.get("outputs", ()),
        )
        for entry in entries
    ]


class Instance(Address):
    """A contract at an address."""

    def __new__(cls, address: str, made: build.Made, world: "World") -> "Instance":
        found = super().__new__(cls, to_checksum_address(address))
        found.made, found.world = made, world
        world.revm.know(made.interface)
        return found

    def __getattr__(self, name: str) -> Any:
        if name in self.made.interface.functions:
            return Call(self, name)
        for error in self.made.interface.errors.values():
            if error.name == name:
                return error
        raise AttributeError(f"{self.made.name} has no {name}")

    @property
    def contract_type(self) -> Container:
        return Container(self.made, self.world)

    @property
    def provider(self) -> "World":
        return self.world


class Call:
    """A function of a contract."""

    def __init__(self, target: Instance, name: str) -> None:
        self.target, self.name = target, name

    def _entry(self, arguments: tuple) -> tuple[Any, list]:
        for function, entry in zip(
            self.target.made.interface.functions[self.name],
            [e for e in self.target.made.raw["abi"] if e["type"] == "function" and e["name"] == self.name],
            strict=True,
        ):
            if function.arity == len(arguments):
                return function, entry["outputs"]
        raise TypeError(f"{self.name} does not take {len(arguments)} arguments")

    @property
    def abis(self) -> list["Call"]:
        return [self]

    def encode_input(self, *arguments: Any) -> bytes:
        return self._entry(arguments)[0].data(*_plain(arguments))

    def __call__(self, *arguments: Any, sender: Account | None = None, gas: int = GAS, **_: Any) -> Any:
        world = self.target.world
        function, outputs = self._entry(arguments)
        data = function.data(*_plain(arguments))
        if function.is_view:
            return answer(outputs, world.do(world.revm.view, str(self.target), data))
        if sender is None:
            raise TypeError(f"{self.name}: say who sends")
        said = world.do(world.send, str(self.target), data, str(sender), gas)
        return Receipt(world, answer(outputs, said))


class Receipt:
    """What a transaction did."""

    def __init__(self, world: "World", value: Any) -> None:
        self.return_value = value
        self.gas_used = world.revm.gas()
        self.timestamp = world.revm.now
        self.events = [
            SimpleNamespace(event_name=each.name, contract_address=each.address, **each.values)
            for each in world.revm.events()
        ]


def _plain(value: Any) -> Any:
    if isinstance(value, Address):
        return str(value)
    if isinstance(value, (tuple, list)):
        return type(value)(map(_plain, value)) if type(value) in (tuple, list) else tuple(map(_plain, value))
    return value


def answer(outputs: Iterable[dict], data: bytes) -> Any:
    """Return what was answered, structs and several values by name."""
    outputs = list(outputs)
    if not outputs:
        return None
    found = decoder(tuple(canonical(outputs)))(data)
    if len(outputs) == 1:
        return _shaped(outputs[0], found)
    return _tuple(outputs, found)


def _tuple(entries: list[dict], values: Iterable[Any]) -> tuple:
    names = tuple(entry["name"] or f"_{number}" for number, entry in enumerate(entries))
    return _kind(names)(*map(_shaped, entries, values))


@functools.cache
def _kind(names: tuple[str, ...]) -> type:
    return namedtuple("Answer", names, rename=True)


def _shaped(entry: dict, value: Any) -> Any:
    if entry["type"].endswith("]"):
        inner = {**entry, "type": entry["type"].rpartition("[")[0]}
        return [_shaped(inner, each) for each in value]
    if entry["type"] == "tuple":
        return _tuple(entry["components"], value)
    return to_checksum_address(value) if entry["type"] == "address" else value


class World:
    """The chain, and what Ape calls its provider, its web3 and its network."""

    chain_id = CHAIN_ID

    def __init__(self) -> None:
        self.revm = Revm()
        self.provider = self.web3 = self.eth = self.network = self.ecosystem = self
        self.blocks = self
        self.http_uri = ""

    def do(self, call: Any, *arguments: Any) -> Any:
        try:
            return call(*arguments)
        except Reverted as error:
            raise _refused(error.name)(error) from None

    # --- ape's chain ---

    @property
    def head(self) -> SimpleNamespace:
        return SimpleNamespace(timestamp=self.revm.now, number=self.revm.block)

    @property
    def pending_timestamp(self) -> int:
        return self.revm.now + 1

    @pending_timestamp.setter
    def pending_timestamp(self, at: int) -> None:
        self.revm.wait(at - self.revm.now)

    def mine(self, blocks: int = 1) -> None:
        self.revm.block += blocks

    def snapshot(self) -> int:
        return self.revm.snapshot()

    def restore(self, snapshot: int) -> None:
        self.revm.restore(snapshot)

    def isolate(self) -> Any:
        return self.revm.isolated()

    # --- the node ---

    def make_request(self, method: str, parameters: list) -> None:
        assert method == "anvil_setStorageAt", method
        address, slot, word = parameters
        self.revm.set_storage(str(address), int(slot, 16), int(word, 16))

    def call(self, request: dict) -> bytes:
        """Answer an eth_call: as a transaction that leaves nothing."""
        data = request.get("data", b"")
        data = bytes.fromhex(data[2:]) if isinstance(data, str) else bytes(data)
        sender = str(request.get("from", NOBODY))
        with self.revm.isolated():
            try:
                if "to" not in request:
                    # revm pads code
                    return self.revm.code(self.revm.create(data, sender)).removesuffix(bytes(33))
                return self.send(str(request["to"]), data, sender, request.get("gas", GAS))
            except Reverted as error:
                raise ContractCustomError(f"execution reverted: {error}", data="0x" + error.data.hex()) from None

    def send(self, to: str, data: bytes, sender: str, gas: int) -> bytes:
        """Send a transaction with so much gas."""
        if gas >= GAS:
            return self.revm.send(to, data, sender)
        self.revm.block += 1
        self.revm._evm.reset_transient_storage()
        try:
            return bytes(self.revm._evm.message_call(sender, to, calldata=data, gas=gas))
        except RuntimeError as error:
            raise self.revm._failure(error) from None

    def decode_returndata(self, abi: Any, data: bytes) -> tuple:
        return (answer(abi.outputs, data),)


class Project:
    """Compiled contracts by name."""

    def __init__(self, world: World) -> None:
        self.chain_manager = world
        self._world = world

    def get_contract(self, name: str) -> Container:
        return Container(build.load()[name], self._world)

    def __getattr__(self, name: str) -> Container:
        return self.get_contract(name)


# before any test is imported
ape.reverts = reverts
regression.holds_on = lambda _, machine, steps: _holds(machine, steps)


def _holds(machine: str, steps: list) -> None:
    found = regression.replay_on(Revm(), machine, steps)
    assert found is None, found.message


@pytest.fixture(scope="session")
def chain() -> World:
    return World()


@pytest.fixture(scope="session")
def project(chain: World) -> Project:
    return Project(chain)


@pytest.fixture(scope="session")
def accounts(chain: World) -> list[Account]:
    return [Account(keccak(text=f"actor {number}"), chain) for number in range(10)]


@pytest.fixture(scope="module", autouse=True)
def isolated_module(chain: World) -> Iterator[None]:
    with chain.isolate():
        yield


@pytest.fixture(autouse=True)
def isolated_test(chain: World) -> Iterator[None]:
    with chain.isolate():
        yield

"""The small interface that a machine runs on, whatever executes it: revm in this process, or a node.

Every `send` is a transaction of its own, in a block of its own with the time of the block before; only `wait` lets time
pass. Every view is a transaction of its own too. So the two backends tell the same story.
"""

import abc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from eth_abi.exceptions import DecodingError
from eth_utils import keccak

from ballast.errors import BallastError
from ballast.fuzz.abi import STANDARD_ERRORS, Function, Interface, Named, address_word

#: gas of a transaction, as on mainnet
GAS = 30_000_000
#: slots that are tried for a token's balances
BALANCE_SLOTS = range(64)
#: how a call ended that did not revert
OK = "ok"


class FuzzError(BallastError):
    """A machine cannot be built or run."""


class Reverted(Exception):
    """A call reverted; `name` is its custom error's, or Error, Panic, Halt, Unknown."""

    def __init__(self, name: str, values: tuple[Any, ...] = (), data: bytes = b"") -> None:
        super().__init__(f"{name}({', '.join(map(str, values))})")
        self.name = name
        self.values = values
        self.data = data


class Log(NamedTuple):
    """An event as a node gives it."""

    address: str
    topics: list[bytes]
    data: bytes


class Event(NamedTuple):
    """An event of a known contract."""

    address: str
    name: str
    values: dict[str, Any]


class Chain(abc.ABC):
    """Executes calls."""

    #: time of the last block, and its number
    now: int
    block: int

    def __init__(self) -> None:
        #: functions that were called, and how: OK, or the name of the error
        self.reached: set[tuple[str, str]] = set()
        self._errors: dict[bytes, Named] = dict(STANDARD_ERRORS)
        self._events: dict[bytes, Named] = {}
        self._balance_slots: dict[str, int] = {}

    # --- what a backend does ---

    @abc.abstractmethod
    def send(self, to: str, data: bytes, sender: str) -> bytes:
        """Execute a transaction; return its answer. Reverted when it reverts."""

    @abc.abstractmethod
    def view(self, to: str, data: bytes) -> bytes:
        """Answer a view, as of now. Reverted when it reverts."""

    @abc.abstractmethod
    def create(self, code: bytes, sender: str) -> str:
        """Make a contract; return its address. Reverted when its constructor reverts."""

    @abc.abstractmethod
    def logs(self) -> list[Log]:
        """Return what the last successful `send` logged."""

    @abc.abstractmethod
    def gas(self) -> int:
        """Return the gas that the last successful `send` used; with slots warm from before, in this process."""

    @abc.abstractmethod
    def wait(self, seconds: int) -> None:
        """Let time pass: the next block is so much later."""

    @abc.abstractmethod
    def snapshot(self) -> int:
        """Remember this state; return its number."""

    @abc.abstractmethod
    def restore(self, snapshot: int) -> None:
        """Return to a remembered state. It is forgotten then, with those made after it."""

    @abc.abstractmethod
    def storage(self, address: str, slot: int) -> int:
        """Read a storage slot."""

    @abc.abstractmethod
    def set_storage(self, address: str, slot: int, value: int) -> None:
        """Write a storage slot."""

    @abc.abstractmethod
    def set_balance(self, address: str, wei: int) -> None:
        """Set an account's ether."""

    @abc.abstractmethod
    def code(self, address: str) -> bytes:
        """Return an account's code."""

    # --- what follows from it ---

    @contextmanager
    def isolated(self) -> Iterator[None]:
        """Undo, at the end of a `with` block, what was done in it."""
        snapshot = self.snapshot()
        try:
            yield
        finally:
            self.restore(snapshot)

    def know(self, interface: Interface) -> None:
        """Decode errors and events of `interface` from now on."""
        self._errors.update(interface.errors)
        self._events.update(interface.events)

    def at(self, address: str, interface: Interface) -> "Contract":
        """Return a contract that is there already."""
        self.know(interface)
        return Contract(self, address, interface)

    def events(self) -> list[Event]:
        """Return the known events of the last successful `send`."""
        found = []
        for log in self.logs():
            known = self._events.get(log.topics[0]) if log.topics else None
            if known is None:
                continue
            values = dict(zip(known.fields, known.decode(log.data), strict=True))
            for name, decode, topic in zip(known.indexed, known.decode_indexed, log.topics[1:], strict=True):
                values[name] = decode(topic)
            found.append(Event(log.address, known.name, values))
        return found

    def deal(self, token: str, holder: str, amount: int) -> None:
        """Set a holder's balance of any plain ERC-20, by way of its storage."""
        slot = self._balance_slots.get(token)
        if slot is None:
            slot = self._balance_slots[token] = self._find_balances(token, holder)
        self.set_storage(token, _mapping_slot(holder, slot), amount)

    def _find_balances(self, token: str, holder: str) -> int:
        read = keccak(text="balanceOf(address)")[:4] + address_word(holder)
        wanted = 0x_BA11A57
        for slot in BALANCE_SLOTS:
            place = _mapping_slot(holder, slot)
            before = self.storage(token, place)
            self.set_storage(token, place, wanted)
            found = int.from_bytes(self.view(token, read), "big")
            self.set_storage(token, place, before)
            if found == wanted:
                return slot
        raise FuzzError(f"{token} keeps its balances where nobody looks: deal by a transfer from a holder")

    def reverted(self, data: bytes) -> Reverted:
        """Return the error that revert data say."""
        known = self._errors.get(data[:4])
        if known is None:
            return Reverted("Unknown", (data.hex(),), data)
        try:
            return Reverted(known.name, tuple(known.decode(data[4:])), data)
        except (DecodingError, UnicodeDecodeError, OverflowError):
            return Reverted(known.name, (), data)


def _mapping_slot(key: str, slot: int) -> int:
    return int.from_bytes(keccak(address_word(key) + slot.to_bytes(32, "big")), "big")


class Contract:
    """A contract, its functions as methods: views answer, the others are sent by `sender`."""

    def __init__(self, chain: Chain, address: str, interface: Interface) -> None:
        self.chain = chain
        self.address = address
        self.interface = interface

    def __getattr__(self, name: str) -> "Method":
        if name.startswith("_") or name not in self.interface.functions:
            raise AttributeError(f"{self.interface.name} has no function {name}")
        made = Method(self.chain, self.address, self.interface.functions[name])
        self.__dict__[name] = made  # found at once the next time
        return made

    def __repr__(self) -> str:
        return f"{self.interface.name}({self.address})"


class Method:
    """A function of a contract at an address."""

    __slots__ = ("_by_arity", "_chain", "_to", "name")

    def __init__(self, chain: Chain, to: str, overloads: Iterable[Function]) -> None:
        self._chain = chain
        self._to = to
        self._by_arity: dict[int, Function] = {}
        for function in overloads:
            if function.arity in self._by_arity:
                raise FuzzError(f"two functions {function.name} take {function.arity} arguments")
            self._by_arity[function.arity] = function
            self.name = function.name

    def __call__(self, *arguments: Any, sender: str | None = None) -> Any:
        function, chain = self._by_arity[len(arguments)], self._chain
        data = function.selector + function.encode(arguments)
        if sender is None and not function.is_view:
            raise FuzzError(f"{self.name} changes state: name a sender")
        try:
            answer = chain.view(self._to, data) if sender is None else chain.send(self._to, data, sender)
        except Reverted as error:
            chain.reached.add((function.signature, error.name))
            raise
        chain.reached.add((function.signature, OK))
        return function.decode(answer)

    def data(self, *arguments: Any) -> bytes:
        """Return the call data."""
        return self._by_arity[len(arguments)].data(*arguments)

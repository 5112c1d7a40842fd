"""Calls from ABIs, with encoders and decoders prepared once: a word is written without looking at its type again."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi import encode
from eth_utils import keccak, to_checksum_address

from ballast.chain import CODEC
from ballast.errors import ConfigurationError

WORD = 32
Encode = Callable[[Sequence[Any]], bytes]
Decode = Callable[[bytes], Any]


@functools.cache
def address_word(address: str) -> bytes:
    """Return an address as a word."""
    return bytes(12) + bytes.fromhex(address[2:])


@functools.cache
def address_of(word: bytes) -> str:
    """Return a word as a checksummed address."""
    return to_checksum_address(word[12:])


def words_of(data: bytes) -> list[int]:
    """Return ABI data as unsigned integers, word for word."""
    return [int.from_bytes(data[at : at + WORD], "big") for at in range(0, len(data), WORD)]


def canonical(inputs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the types of an ABI entry's inputs or outputs, structs as tuples."""
    return [_type(entry) for entry in inputs]


def _type(entry: Mapping[str, Any]) -> str:
    kind = entry["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(canonical(entry['components']))}){kind.removeprefix('tuple')}"


def _to_word(kind: str) -> Callable[[Any], bytes] | None:
    if kind.startswith("uint"):
        return lambda value: value.to_bytes(WORD, "big")
    if kind.startswith("int"):
        return lambda value: value.to_bytes(WORD, "big", signed=True)
    if kind == "address":
        return address_word
    if kind == "bool":
        return lambda value: bytes(31) + (b"\1" if value else b"\0")
    if kind == "bytes32":
        return lambda value: value.ljust(WORD, b"\0")
    return None


def _from_word(kind: str) -> Callable[[bytes], Any] | None:
    if kind.startswith("uint"):
        return lambda word: int.from_bytes(word, "big")
    if kind.startswith("int"):
        return lambda word: int.from_bytes(word, "big", signed=True)
    if kind == "address":
        return address_of
    if kind == "bool":
        return lambda word: word[-1] == 1
    if kind == "bytes32":
        return lambda word: word
    return None


def _is_word(kind: str) -> bool:
    return not kind.endswith("]") and _to_word(kind) is not None


@functools.cache
def encoder(types: tuple[str, ...]) -> Encode:
    """Return what encodes values of `types`."""
    if not all(_is_word(kind) for kind in types):
        return lambda values: encode(types, values)
    writers = [_to_word(kind) for kind in types]
    if len(writers) == 1:
        only = writers[0]
        return lambda values: only(values[0])
    return lambda values: b"".join([write(value) for write, value in zip(writers, values, strict=True)])


@functools.cache
def decoder(types: tuple[str, ...]) -> Decode:
    """Return what decodes `types`: nothing to None, one to its value, several to a tuple."""
    if not types:
        return lambda data: None
    if not all(_is_word(kind) for kind in types):
        if len(types) == 1:
            return lambda data: CODEC.decode(types, data)[0]
        return lambda data: CODEC.decode(types, data)
    readers = [_from_word(kind) for kind in types]
    if len(readers) == 1:
        only = readers[0]
        return lambda data: only(data[:WORD])
    return lambda data: tuple(read(data[at * WORD : (at + 1) * WORD]) for at, read in enumerate(readers))


@dataclass(frozen=True, slots=True)
class Function:
    """A function, ready to be called."""

    name: str
    signature: str
    selector: bytes
    encode: Encode
    decode: Decode
    arity: int
    is_view: bool

    def data(self, *arguments: Any) -> bytes:
        """Return the call data."""
        return self.selector + self.encode(arguments)


@dataclass(frozen=True, slots=True)
class Named:
    """An error or an event: its name, the names of its values, and what decodes them."""

    name: str
    fields: tuple[str, ...]
    decode: Decode
    indexed: tuple[str, ...] = ()
    decode_indexed: tuple[Decode, ...] = ()


class Interface:
    """An ABI, prepared."""

    def __init__(self, name: str, abi: Sequence[Mapping[str, Any]]) -> None:
        self.name = name
        self.functions: dict[str, list[Function]] = {}
        self.errors: dict[bytes, Named] = {}
        self.events: dict[bytes, Named] = {}
        self.constructor: Encode = encoder(())
        for entry in abi:
            self._add(entry)

    def _add(self, entry: Mapping[str, Any]) -> None:
        inputs = entry.get("inputs", [])
        types = tuple(canonical(inputs))
        if entry["type"] == "constructor":
            self.constructor = encoder(types)
            return
        if entry["type"] not in {"function", "error", "event"}:
            return
        name = entry["name"]
        signature = f"{name}({','.join(types)})"
        digest = keccak(text=signature)
        fields = tuple(each["name"] for each in inputs)
        if entry["type"] == "function":
            outputs = tuple(canonical(entry["outputs"]))
            is_view = entry["stateMutability"] in {"view", "pure"}
            made = Function(name, signature, digest[:4], encoder(types), decoder(outputs), len(types), is_view)
            self.functions.setdefault(name, []).append(made)
        elif entry["type"] == "error":
            self.errors[digest[:4]] = Named(name, fields, _tuple_decoder(types))
        else:
            plain = [(f, k) for f, k, each in zip(fields, types, inputs, strict=True) if not each["indexed"]]
            topics = [(f, k) for f, k, each in zip(fields, types, inputs, strict=True) if each["indexed"]]
            self.events[digest] = Named(
                name,
                tuple(f for f, _ in plain),
                _tuple_decoder(tuple(k for _, k in plain)),
                tuple(f for f, _ in topics),
                tuple(decoder((k,)) if _is_word(k) else (lambda word: word) for _, k in topics),
            )

    def function(self, name: str, arity: int | None = None) -> Function:
        """Return a function by its name, and by how many arguments it takes where it has overloads."""
        found = [each for each in self.functions.get(name, []) if arity is None or each.arity == arity]
        if len(found) != 1:
            count = "no such function" if not found else f"{len(found)} functions of that name"
            raise ConfigurationError(f"{self.name}.{name} with {arity} arguments: {count}")
        return found[0]


def _tuple_decoder(types: tuple[str, ...]) -> Decode:
    decode = decoder(types)
    if len(types) == 1:
        return lambda data: (decode(data),)
    return (lambda data: ()) if not types else decode


#: what Solidity itself reverts with
STANDARD_ERRORS = {
    keccak(text="Error(string)")[:4]: Named("Error", ("message",), _tuple_decoder(("string",))),
    keccak(text="Panic(uint256)")[:4]: Named("Panic", ("code",), _tuple_decoder(("uint256",))),
}

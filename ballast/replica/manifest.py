"""Reading the manifest: its contracts, accounts and calls, with names resolved to addresses and exact integers."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from eth_abi import encode
from eth_abi.grammar import TupleType, parse
from eth_utils import keccak, to_checksum_address

from ballast.errors import ReplicaError

FILE = Path(__file__).parent / "manifest.yaml"
_DECIMAL = re.compile(r"\d[\d_]*(\.\d+)?e\d+")


@cache
def load() -> dict[str, Any]:
    """Read manifest.yaml."""
    return yaml.safe_load(FILE.read_text())


def actor(name: str) -> str:
    """Return the checksummed address of a member of the seeded crowd, by its name in the manifest."""
    if name not in load()["actors"]:
        raise ReplicaError(f"the crowd has no {name!r}: the manifest's actors are {', '.join(load()['actors'])}")
    return to_checksum_address(keccak(text=f"ballast replica {name}")[-20:])


def actors(prefix: str = "") -> list[str]:
    """Return the addresses of all actors whose name begins with `prefix`, in the manifest's order."""
    return [actor(name) for name in load()["actors"] if name.startswith(prefix)]


def contract(name: str) -> dict[str, Any]:
    """Return a contract's row of the manifest."""
    for row in load()["contracts"]:
        if row["name"] == name:
            return row
    raise ReplicaError(f"the manifest has no contract {name!r}")


class Names:
    """The addresses known so far, and the values that refer to them."""

    def __init__(self) -> None:
        manifest = load()
        self.addresses: dict[str, str] = {name: actor(name) for name in manifest["actors"]}
        self.addresses.update(manifest["accounts"])

    def address(self, reference: str) -> str:
        """Resolve `$Name` or a plain address."""
        if not reference.startswith("$"):
            return to_checksum_address(reference)
        try:
            return self.addresses[reference[1:]]
        except KeyError:
            raise ReplicaError(f"manifest: {reference} is used before it is made, or never") from None

    def encode(self, types: str, values: Sequence[Any]) -> bytes:
        """ABI-encode `values` as `types`, for instance "(address,uint256)"."""
        if types == "()":
            return b""
        components = parse(types).components
        if len(components) != len(values):
            raise ReplicaError(f"manifest: {types} takes {len(components)} values, not {len(values)}")
        converted = [self._convert(kind, value) for kind, value in zip(components, values, strict=True)]
        return encode([kind.to_type_str() for kind in components], converted)

    def call_data(self, function: str, values: Sequence[Any]) -> bytes:
        """Encode a call of `function`, for instance "transfer(address,uint256)"."""
        return keccak(text=function)[:4] + self.encode(function[function.index("(") :], values)

    def _convert(self, kind: Any, value: Any) -> Any:
        if kind.is_array:
            return [self._convert(kind.item_type, item) for item in value]
        if isinstance(kind, TupleType):
            return [self._convert(part, item) for part, item in zip(kind.components, value, strict=True)]
        if kind.base == "address":
            return self.address(value)
        if kind.base in ("uint", "int"):
            return integer(value)
        if kind.base == "bytes":
            if isinstance(value, Mapping):
                return self.encode(value["abi"], value["of"])
            return bytes.fromhex(value.removeprefix("0x"))
        return value


def integer(value: int | str) -> int:
    """Turn 7, "7" or "0.86e18" into an exact integer."""
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        exact = Decimal(value.replace("_", ""))
        if exact != exact.to_integral_value():
            raise ReplicaError(f"manifest: {value} is no whole number")
        return int(exact)
    return int(value)

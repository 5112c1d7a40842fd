"""Why a call was refused: custom errors in words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from eth_abi.exceptions import DecodingError
from eth_utils import function_signature_to_4byte_selector
from eth_utils.abi import collapse_if_tuple

from ballast.chain import CODEC, short_text

#: What the errors that a keeper meets mean to the person who reads them.
MEANING: Final = {
    "InBand": "the contract sees nothing to do",
    "NotCloser": "no move would bring it nearer to its target",
    "GainTooSmall": "the move would not earn its gas yet",
    "PriceNotGood": "the oracle's price is stale or disputed, so gas cannot be priced",
    "NetLoss": "the move would cost more than rounding explains",
    "Stuck": "it is out of band, and nothing can be done about it now",
    "MarketBusy": "somebody touched the market in this block; a later one will do",
    "MoveLoss": "a strategy would take more than rounding on the way in",
    "LossBudgetExceeded": "the move would lose more than the loss budget has left",
    "NotInDanger": "the position needs no rescue",
    "LimitExceeded": "the vault would be exposed beyond its limits",
    "UnexpectedTransfer": "a strategy takes other than it is given",
    "Unreadable": "a volatile strategy cannot be valued now",
    "NothingFreed": "nothing can be freed yet for those who wait",
    "Slippage": "freeing would cost those who wait more than they have to bear",
    "InsufficientLiquidity": "less can be freed than the strategies say",
    "ReentrancyGuardReentrantCall": "the contract is in the middle of another call",
}
#: enumerations in the arguments of errors: error, argument -> names
_ENUMS: Final = {("PriceNotGood", "verdict"): ("Good", "Stale", "Disputed")}
_PANICS: Final = {
    0x01: "failed assertion",
    0x11: "arithmetic overflow",
    0x12: "division by zero",
    0x21: "bad enum value",
    0x32: "index out of bounds",
    0x41: "out of memory",
}
#: IRegulated's own errors, known even without any ABI
_REGULATED: Final = (
    {"type": "error", "name": "InBand", "inputs": []},
    {
        "type": "error",
        "name": "NotCloser",
        "inputs": [{"name": "before", "type": "uint256"}, {"name": "afterwards", "type": "uint256"}],
    },
)


@dataclass(frozen=True)
class Reason:
    """Why a call was refused. `error` is the error's name, "" when there is none."""

    error: str
    text: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        meaning = MEANING.get(self.error)
        return f"{self.text}: {meaning}" if meaning else self.text


class ErrorBook:
    """Custom errors by selector, gathered from ABIs."""

    def __init__(self, entries: Iterable[Mapping[str, Any]] = ()) -> None:
        """Take the error entries of any ABIs; other entries are passed over."""
        self._errors: dict[bytes, Mapping[str, Any]] = {}
        for entry in (*_REGULATED, *entries):
            if entry.get("type") == "error":
                types = ",".join(_types(entry))
                self._errors[function_signature_to_4byte_selector(f"{entry['name']}({types})")] = entry

    def reason(self, data: bytes | str | None) -> Reason:
        """Return what revert data says.

        Parameters
        ----------
        data : return data of the reverted call, as bytes or hex; empty or None when there was none
        """
        data = bytes.fromhex(data.removeprefix("0x")) if isinstance(data, str) else bytes(data or b"")
        selector, body = data[:4], data[4:]
        if not data:
            return Reason("", "reverted without a reason (out of gas, or a bare revert)")
        try:
            if selector == bytes.fromhex("08c379a0"):
                return Reason("Error", f'"{CODEC.decode(["string"], body)[0]}"')
            if selector == bytes.fromhex("4e487b71"):
                code = CODEC.decode(["uint256"], body)[0]
                return Reason("Panic", f"panic 0x{code:02x} ({_PANICS.get(code, 'unknown')})")
            if selector in self._errors:
                return _named(self._errors[selector], body)
        except (DecodingError, OverflowError, UnicodeDecodeError):
            return Reason("", f"reverted with malformed data 0x{data[:36].hex()}")
        return Reason("", f"reverted with the unknown error 0x{selector.hex()}")


def _is_text(word: bytes) -> bool:
    """Return whether a word is short text, as the names of readings are."""
    text = word.rstrip(b"\0")
    return bool(text) and len(word) == 32 and text.isascii() and text.decode("ascii").isprintable()


def _types(entry: Mapping[str, Any]) -> list[str]:
    return [collapse_if_tuple(item) for item in entry.get("inputs", ())]


def _named(entry: Mapping[str, Any], body: bytes) -> Reason:
    name = entry["name"]
    arguments = {}
    for index, (item, value) in enumerate(zip(entry.get("inputs", ()), CODEC.decode(_types(entry), body), strict=True)):
        label = item.get("name") or str(index)
        names = _ENUMS.get((name, label), ())
        if isinstance(value, int) and value < len(names):
            value = names[value]
        elif isinstance(value, bytes):
            value = short_text(value) if _is_text(value) else "0x" + value.hex()
        arguments[label] = value
    shown = ", ".join(f"{label}={value}" for label, value in arguments.items())
    return Reason(name, f"{name}({shown})", arguments)

"""What every reader of a chain shares: many views in one call, and one line when the node is at fault.

Works on any Web3 instance; knows nothing of Ape.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from eth_abi import encode
from eth_abi.codec import ABICodec
from eth_abi.decoding import UnsignedIntegerDecoder
from eth_abi.encoding import UnsignedIntegerEncoder
from eth_abi.exceptions import DecodingError
from eth_abi.registry import BaseEquals, registry
from eth_utils import function_signature_to_4byte_selector
from web3 import Web3
from web3.exceptions import Web3Exception
from web3.types import RPCEndpoint

from ballast.errors import BallastError
from ballast.mainnet import MULTICALL3

#: Accounts that a call may come from when nobody's funds matter.
NOBODY: Final = "0x0000000000000000000000000000000000000000"
#: A balance that pays for any simulated call (nodes refuse a call with a gas price from a poor account).
RICH: Final = {"balance": hex(2**200)}
#: A price above any base fee, in wei: without one, nodes answer 0 for `block.basefee`.
ANY_PRICE: Final = 10**15
#: The next block's number, time and base fee. What a transaction sent now will meet: with the last block's time no
#: interest accrues, so markets skip work that costs gas, and rules that ask for another block than the last hold back.
NEXT_BLOCK: Final = "pending"

# Ape makes eth_abi read missing bytes of an unsigned integer as zeros. Here a short answer is no answer.
_strict = registry.copy()
_strict.unregister("uint")
_strict.register(BaseEquals("uint"), UnsignedIntegerEncoder, UnsignedIntegerDecoder, label="uint")
#: Decodes ABI data; short or malformed data is a DecodingError.
CODEC: Final = ABICodec(_strict)

Answer = tuple[bool, bytes]


class NodeError(BallastError):
    """The node cannot be reached, or refuses to answer."""


class NodeRefusal(NodeError):
    """The node answered that it will not do what was asked."""


class BatchTooLarge(NodeError):
    """A batched call used up its gas."""


class CallReverted(Exception):
    """A simulated call reverted with `data`."""

    def __init__(self, data: bytes) -> None:
        super().__init__("0x" + data.hex())
        self.data = data


class View(NamedTuple):
    """One view call: which contract, and the call's data."""

    target: str
    data: bytes


def view(target: str, signature: str, *arguments: Any) -> View:
    """Return the call of `signature` ("balanceOf(address)") with `arguments` on `target`."""
    types = signature[signature.index("(") + 1 : -1]
    packed = encode(types.split(","), arguments) if types else b""
    return View(target, function_signature_to_4byte_selector(signature) + packed)


def read_all(web3: Web3, views: Sequence[View], *, block: str = "latest") -> list[Answer]:
    """Call every view at one block, in one `eth_call`; return for each whether it succeeded, and what it answered.

    Parameters
    ----------
    web3 : any connection
    views : calls; one that reverts doesn't disturb the others
    block : "latest", or NEXT_BLOCK to see what the next block would see

    Raises
    ------
    NodeError
        The node is out of reach, refuses, or has no Multicall3 at its address.
    BatchTooLarge
        The views used up the call's gas between them.
    """
    packed = encode(["(address,bool,bytes)[]"], [[(each.target, True, each.data) for each in views]])
    call = {
        "from": NOBODY,
        "to": MULTICALL3,
        "data": "0x" + (function_signature_to_4byte_selector("aggregate3((address,bool,bytes)[])") + packed).hex(),
        "maxFeePerGas": hex(ANY_PRICE),
        "maxPriorityFeePerGas": "0x0",
    }
    try:
        answer = bytes.fromhex(ask(web3, "eth_call", call, block, {NOBODY: RICH})[2:])
    except CallReverted as error:
        raise BatchTooLarge(f"the batched call of {len(views)} views ran out of gas: ask for fewer") from error
    if not answer:
        raise NodeError(f"no Multicall3 at {MULTICALL3} on this chain: name a network that has it")
    return [(bool(ok), bytes(data)) for ok, data in CODEC.decode(["(bool,bytes)[]"], answer)[0]]


def unpack(answer: Answer, *types: str) -> Any:
    """Return the value(s) of an answer, or None when the view reverted or answered something else.

    One type gives one value, several give a tuple.
    """
    ok, data = answer
    if not ok:
        return None
    try:
        values = CODEC.decode(types, data)
    except (DecodingError, OverflowError, UnicodeDecodeError):
        return None
    return values[0] if len(types) == 1 else values


def short_text(word: bytes) -> str:
    """Return the text of a right-padded bytes32."""
    return word.rstrip(b"\0").decode("utf-8", "replace")


def ask(web3: Web3, method: str, *params: Any) -> Any:
    """Send one JSON-RPC request, past web3's middleware (which asks for the chain id at every turn); return its result.

    Raises
    ------
    CallReverted
        A call or an estimate reverted, or ran out of gas; its `data` says why.
    NodeRefusal
        The node answered with another error.
    NodeError
        It did not answer.
    """
    try:
        answer = web3.provider.make_request(RPCEndpoint(method), list(params))
    except (OSError, Web3Exception) as error:
        # requests' errors are OSErrors; a URL may hold a key, so it isn't repeated
        raise NodeError(
            f"no answer from the node at {node_name(web3)} ({type(error).__name__}): is it running, is the URL right?"
        ) from error
    if "error" not in answer:
        return answer.get("result")
    said: Any = answer["error"]
    message, data = (said.get("message", said), said.get("data")) if isinstance(said, dict) else (said, None)
    words = str(message).lower().replace(" ", "")
    if "revert" in words or "outofgas" in words or (isinstance(said, dict) and said.get("code") == 3):
        raise CallReverted(_hex_in(data))
    raise NodeRefusal(f"the node at {node_name(web3)} refuses {method}: {_line(message)}")


def node_name(web3: Web3) -> str:
    """Return the node's host and port, without path or credentials (a URL often carries a key)."""
    url = urlsplit(str(getattr(web3.provider, "endpoint_uri", "") or ""))
    if not url.hostname:
        return type(web3.provider).__name__
    return f"{url.hostname}:{url.port}" if url.port else url.hostname


def _hex_in(data: Any) -> bytes:
    """Return revert data; some nodes write "Reverted 0x…"."""
    text = data if isinstance(data, str) else ""
    return bytes.fromhex(text[text.index("0x") + 2 :]) if "0x" in text else b""


def _line(text: Any, *, most: int = 200) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= most else line[: most - 1] + "…"

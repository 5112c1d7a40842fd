"""Simulates and sends what contracts are kept by. The only module of the keeper that spends anything."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Protocol

from eth_utils import function_signature_to_4byte_selector, keccak
from web3 import Web3

from ballast.chain import NEXT_BLOCK, NOBODY, RICH, CallReverted, NodeError, NodeRefusal, ask
from ballast.keeper.reverts import ErrorBook, Reason
from ballast.keeper.state import Contract, Job

REBALANCE: Final = "0x" + function_signature_to_4byte_selector("rebalance()").hex()
_RESCUE: Final = "0x" + function_signature_to_4byte_selector("rescue()").hex()
_FULFIL: Final = "0x" + function_signature_to_4byte_selector("fulfil()").hex()
_FULFIL_PART: Final = "0x" + function_signature_to_4byte_selector("fulfil(uint256)").hex()
#: Gas limit in percent of the estimate. State may change before the transaction lands, and an estimate is the least gas
#: with which the call succeeds somehow: contracts that pass over a part that fails do so when the part runs out of gas.
_GAS_ROOM: Final = 150


@dataclass(frozen=True)
class Fees:
    """What a transaction offers per gas, in wei. `expected` is what it would pay at the present base fee."""

    base: int
    tip: int
    most: int

    @property
    def expected(self) -> int:
        """Return base fee and tip."""
        return self.base + self.tip


@dataclass(frozen=True)
class Simulation:
    """What a call would do now: `gas` it would use, or the `reason` why it would revert."""

    gas: int = 0
    reason: Reason | None = None


class Fate(Enum):
    """What became of a transaction."""

    SUCCEEDED = "succeeded"
    REVERTED = "reverted"
    PENDING = "pending"
    DROPPED = "dropped"


@dataclass(frozen=True)
class Receipt:
    """What became of a transaction, and what it cost (`gas` used, `price` in wei per gas)."""

    fate: Fate
    transaction: str
    gas: int = 0
    price: int = 0
    block: int | None = None


@dataclass(frozen=True)
class Signed:
    """A signed transaction, not sent yet."""

    transaction: str
    raw: bytes
    nonce: int


class Signer(Protocol):
    """Signs transactions for one account."""

    address: str

    def sign(self, transaction: Mapping[str, Any]) -> bytes:
        """Return the raw signed transaction."""
        ...


class Courier(Protocol):
    """What the engine needs to act: on a chain, in a backtest, or in a test."""

    @property
    def can_send(self) -> bool:
        """Return whether there is anyone to sign."""
        ...

    def fees(self, base_fee: int, max_fee: int | None) -> Fees:
        """Return what to offer at `base_fee`, never above `max_fee` (wei per gas)."""
        ...

    def simulate(
        self, contract: Contract, fees: Fees, *, block: int | None = None, most: int | None = None
    ) -> Simulation:
        """Return what the contract's call would do in the next block, or on the state after `block`.

        Of a queue, `most` shares are served at most.
        """
        ...

    def foreign_pending(self) -> int:
        """Return how many transactions of the account are pending that this courier didn't send."""
        ...

    def shortage(self, gas: int, fees: Fees) -> int:
        """Return how many wei the account lacks to send."""
        ...

    def sign(self, contract: Contract, gas: int, fees: Fees, *, most: int | None = None) -> Signed:
        """Return the contract's call, as simulated, signed with the next nonce."""
        ...

    def send(self, signed: Signed) -> None:
        """Hand it to the network. `Refused` when the node turned it down; NodeError when nobody knows."""
        ...

    def fate(self, transaction: str, wait_seconds: float) -> Receipt:
        """Return what became of a transaction, waiting for it at most so long."""
        ...


def calldata(contract: Contract, most: int | None = None) -> str:
    """Return the data of the call that a contract is kept by; of a queue, for `most` shares at most."""
    if contract.job is Job.REBALANCE:
        return REBALANCE
    if contract.job is Job.RESCUE:
        return _RESCUE
    return _FULFIL if most is None else f"{_FULFIL_PART}{most:064x}"


class Refused(NodeError):
    """The node turned a transaction down: it is not on its way."""


class ChainCourier:
    """Acts on a chain through Web3. Without a signer it simulates only."""

    def __init__(
        self,
        web3: Web3,
        errors: ErrorBook,
        signer: Signer | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._web3 = web3
        self._errors = errors
        self._signer = signer
        self._now = now
        self._sleep = sleep
        self._sender = signer.address if signer else NOBODY
        #: our transactions whose fate isn't known: hash -> nonce
        self._open: dict[str, int] = {}
        self._chain_id: int | None = None

    @property
    def can_send(self) -> bool:
        """Return whether there is a signer."""
        return self._signer is not None

    def fees(self, base_fee: int, max_fee: int | None) -> Fees:
        """Offer twice the base fee, so that it may rise for six blocks, and the node's idea of a tip."""
        tip = self._number("eth_maxPriorityFeePerGas")
        most = 2 * base_fee + tip
        return Fees(base_fee, tip, most if max_fee is None else min(most, max_fee))

    def simulate(
        self, contract: Contract, fees: Fees, *, block: int | None = None, most: int | None = None
    ) -> Simulation:
        """Make the call with a gas price (contracts price gas by `block.basefee`), then estimate its gas.

        The sender's balance is overridden, so that the result speaks of the contract alone.
        """
        price = max(fees.most, fees.expected)
        call = {
            "from": self._sender,
            "to": contract.address,
            "data": calldata(contract, most),
            "maxFeePerGas": hex(price),
            "maxPriorityFeePerGas": hex(min(fees.tip, price)),
        }
        rich = {self._sender: RICH}
        try:
            if block is not None:
                ask(self._web3, "eth_call", call, hex(block), rich)
                return Simulation()
            ask(self._web3, "eth_call", call, NEXT_BLOCK, rich)
            return Simulation(gas=self._number("eth_estimateGas", call, NEXT_BLOCK, rich))
        except CallReverted as error:
            return Simulation(reason=self._errors.reason(error.data))

    def foreign_pending(self) -> int:
        """Compare the account's pending and mined nonces, less what we sent ourselves."""
        mined = self._number("eth_getTransactionCount", self._sender, "latest")
        pending = self._number("eth_getTransactionCount", self._sender, "pending")
        ours = sum(1 for nonce in self._open.values() if mined <= nonce < pending)
        return max(pending - mined - ours, 0)

    def shortage(self, gas: int, fees: Fees) -> int:
        """Return the wei missing to pay for `gas`, with its room, at the most that is offered."""
        balance = self._number("eth_getBalance", self._sender, "latest")
        return max(gas * _GAS_ROOM // 100 * fees.most - balance, 0)

    def sign(self, contract: Contract, gas: int, fees: Fees, *, most: int | None = None) -> Signed:
        """Sign an EIP-1559 transaction. The nonce counts what is pending on the node and what we know is on its way."""
        assert self._signer is not None, "no signer"
        if self._chain_id is None:
            self._chain_id = self._number("eth_chainId")
        nonce = self._number("eth_getTransactionCount", self._sender, "pending")
        nonce = max([nonce, *(known + 1 for known in self._open.values())])
        raw = self._signer.sign(
            {
                "type": 2,
                "chainId": self._chain_id,
                "nonce": nonce,
                "to": contract.address,
                "data": calldata(contract, most),
                "value": 0,
                "gas": gas * _GAS_ROOM // 100,
                "maxFeePerGas": fees.most,
                "maxPriorityFeePerGas": min(fees.tip, fees.most),
            }
        )
        return Signed("0x" + keccak(raw).hex(), raw, nonce)

    def send(self, signed: Signed) -> None:
        """Hand the transaction to the node. From here on it counts as on its way, unless the node refuses it."""
        self._open[signed.transaction] = signed.nonce
        try:
            ask(self._web3, "eth_sendRawTransaction", "0x" + signed.raw.hex())
        except CallReverted as error:
            del self._open[signed.transaction]
            raise Refused(f"the node turned the transaction down: {self._errors.reason(error.data)}") from error
        except NodeRefusal as error:
            if "already known" in str(error):
                return  # an earlier try got through
            del self._open[signed.transaction]
            raise Refused(str(error)) from error

    def fate(self, transaction: str, wait_seconds: float) -> Receipt:
        """Poll for the receipt; a transaction that the node has forgotten is dropped."""
        deadline = self._now() + wait_seconds
        pause = 0.05
        while True:
            receipt = self._receipt(transaction)
            if receipt is not None:
                return receipt
            if self._now() >= deadline:
                return self._lost_or_pending(transaction)
            self._sleep(pause)
            pause = min(pause * 2, 2.0)

    def _receipt(self, transaction: str) -> Receipt | None:
        found = ask(self._web3, "eth_getTransactionReceipt", transaction)
        if found is None:
            return None
        self._open.pop(transaction, None)
        status, gas, price, block = (
            int(found[key], 16) for key in ("status", "gasUsed", "effectiveGasPrice", "blockNumber")
        )
        return Receipt(Fate.SUCCEEDED if status else Fate.REVERTED, transaction, gas, price, block)

    def _lost_or_pending(self, transaction: str) -> Receipt:
        if ask(self._web3, "eth_getTransactionByHash", transaction) is not None:
            return Receipt(Fate.PENDING, transaction)
        self._open.pop(transaction, None)
        return Receipt(Fate.DROPPED, transaction)

    def _number(self, method: str, *params: Any) -> int:
        return int(ask(self._web3, method, *params), 16)

"""Safe 1.4.1 as published on mainnet: making one, reading who rules it, and acting through it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from eth_abi import encode
from eth_abi.packed import encode_packed
from eth_account.messages import SignableMessage, encode_typed_data
from eth_utils import keccak, to_checksum_address

from ballast.deployment.file import SENTINEL, ZERO_ADDRESS
from ballast.deployment.node import Node, Sender, create2_address, encode_call
from ballast.errors import DeploymentError
from ballast.mainnet import SAFE_FALLBACK_HANDLER as FALLBACK_HANDLER
from ballast.mainnet import SAFE_MULTI_SEND_CALL_ONLY as MULTI_SEND_CALL_ONLY
from ballast.mainnet import SAFE_PROXY_FACTORY as PROXY_FACTORY
from ballast.mainnet import SAFE_SINGLETON as SINGLETON

INFRASTRUCTURE = (PROXY_FACTORY, SINGLETON, FALLBACK_HANDLER, MULTI_SEND_CALL_ONLY)

_GUARD_SLOT = int.from_bytes(keccak(text="guard_manager.guard.address"), "big")
_FALLBACK_SLOT = int.from_bytes(keccak(text="fallback_manager.handler.address"), "big")
_CALL, _DELEGATE_CALL = 0, 1

#: Every state-changing function of a Safe 1.4.1; a test holds this against the published ABI.
FUNCTIONS = (
    "addOwnerWithThreshold(address,uint256)",
    "approveHash(bytes32)",
    "changeThreshold(uint256)",
    "disableModule(address,address)",
    "enableModule(address)",
    "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)",
    "execTransactionFromModule(address,uint256,bytes,uint8)",
    "execTransactionFromModuleReturnData(address,uint256,bytes,uint8)",
    "removeOwner(address,address,uint256)",
    "setFallbackHandler(address)",
    "setGuard(address)",
    "setup(address[],uint256,address,bytes,address,address,uint256,address)",
    "simulateAndRevert(address,bytes)",
    "swapOwner(address,address,address)",
)


class Signer(Protocol):
    """An owner who can sign: a LocalAccount of eth_account is one."""

    address: str

    def sign_message(self, message: SignableMessage) -> Any:
        """Return a signature with v, r and s."""


@dataclass(frozen=True)
class Call:
    """One call: to whom, with what."""

    to: str
    data: bytes
    value: int = 0


@dataclass(frozen=True)
class SafeTransaction:
    """What owners of a Safe sign."""

    safe: str
    to: str
    value: int
    data: bytes
    operation: int
    nonce: int
    chain_id: int

    def message(self) -> SignableMessage:
        """Return it as EIP-712 typed data; gas is never refunded."""
        fields = [
            "to:address",
            "value:uint256",
            "data:bytes",
            "operation:uint8",
            "safeTxGas:uint256",
            "baseGas:uint256",
        ]
        fields += ["gasPrice:uint256", "gasToken:address", "refundReceiver:address", "nonce:uint256"]
        return encode_typed_data(
            domain_data={"chainId": self.chain_id, "verifyingContract": self.safe},
            message_types={"SafeTx": [dict(zip(("name", "type"), field.split(":"), strict=True)) for field in fields]},
            message_data={
                "to": self.to,
                "value": self.value,
                "data": self.data,
                "operation": self.operation,
                "safeTxGas": 0,
                "baseGas": 0,
                "gasPrice": 0,
                "gasToken": ZERO_ADDRESS,
                "refundReceiver": ZERO_ADDRESS,
                "nonce": self.nonce,
            },
        )

    def _arguments(self) -> tuple[Any, ...]:
        return self.to, self.value, self.data, self.operation, 0, 0, 0, ZERO_ADDRESS, ZERO_ADDRESS


class Safe:
    """A Safe that stands on a chain."""

    def __init__(self, node: Node, address: str) -> None:
        self.node = node
        self.address = address

    def owners(self) -> list[str]:
        """Return the owners."""
        return list(self.node.view(self.address, "getOwners()(address[])"))

    def threshold(self) -> int:
        """Return how many owners must sign."""
        return self.node.view(self.address, "getThreshold()(uint256)")

    def modules(self) -> list[str]:
        """Return the modules, which may act without signatures."""
        signature = "getModulesPaginated(address,uint256)(address[],address)"
        return list(self.node.view(self.address, signature, SENTINEL, 50)[0])

    def guard(self) -> str:
        """Return the contract that may veto transactions; the zero address when there is none."""
        return self._stored(_GUARD_SLOT)

    def fallback_handler(self) -> str:
        """Return the contract that answers unknown calls."""
        return self._stored(_FALLBACK_SLOT)

    def singleton(self) -> str:
        """Return the code it runs."""
        return self._stored(0)

    def _stored(self, slot: int) -> str:
        return to_checksum_address(bytes(self.node.web3.eth.get_storage_at(self.address, slot)).rjust(32, b"\0")[12:])

    def transaction(self, calls: Sequence[Call]) -> SafeTransaction:
        """Return the calls as the Safe's next transaction; several go through MultiSendCallOnly, all or none."""
        if not calls:
            raise DeploymentError("a Safe transaction needs a call")
        nonce = self.node.view(self.address, "nonce()(uint256)")
        if len(calls) == 1:
            call, operation = calls[0], _CALL
        else:
            packed = b"".join(
                encode_packed(
                    ["uint8", "address", "uint256", "uint256", "bytes"],
                    [_CALL, item.to, item.value, len(item.data), item.data],
                )
                for item in calls
            )
            call, operation = Call(MULTI_SEND_CALL_ONLY, encode_call("multiSend(bytes)", packed)), _DELEGATE_CALL
        return SafeTransaction(self.address, call.to, call.value, call.data, operation, nonce, self.node.chain_id)

    def hash(self, transaction: SafeTransaction) -> bytes:
        """Return what is signed, as the Safe itself computes it."""
        signature = (
            "getTransactionHash(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,uint256)(bytes32)"
        )
        return self.node.view(self.address, signature, *transaction._arguments(), transaction.nonce)

    def sign(self, transaction: SafeTransaction, signers: Sequence[Signer]) -> bytes:
        """Return the owners' signatures, as many as the threshold asks for, ordered as the Safe wants them.

        Raises
        ------
        DeploymentError
            A signer is no owner, or there are too few.
        """
        message = transaction.message()
        digest = keccak(b"\x19" + message.version + message.header + message.body)
        if digest != self.hash(transaction):
            raise DeploymentError(f"{self.address} would sign something else: is it a Safe 1.4.1?")
        owners = {owner.lower() for owner in self.owners()}
        strangers = [signer.address for signer in signers if signer.address.lower() not in owners]
        if strangers:
            raise DeploymentError(f"{strangers[0]} is no owner of the Safe {self.address}")
        threshold = self.threshold()
        chosen = sorted({signer.address.lower(): signer for signer in signers}.items())[:threshold]
        if len(chosen) < threshold:
            raise DeploymentError(f"the Safe {self.address} wants {threshold} signatures, there are {len(chosen)}")
        signatures = b""
        for _, signer in chosen:
            signed = signer.sign_message(message)
            signatures += _word(signed.r) + _word(signed.s) + bytes([signed.v])
        return signatures

    def execute(self, transaction: SafeTransaction, signatures: bytes, sender: Sender, *, what: str) -> Any:
        """Send a signed transaction; anyone may. Return the receipt."""
        data = encode_call(FUNCTIONS[5], *transaction._arguments(), signatures)
        return self.node.send(sender, self.address, data, what=what)

    def act(self, calls: Sequence[Call], signers: Sequence[Signer], sender: Sender, *, what: str) -> Any:
        """Sign and execute calls in one go; return the receipt."""
        transaction = self.transaction(calls)
        return self.execute(transaction, self.sign(transaction, signers), sender, what=what)


def initializer(owners: Sequence[str], threshold: int) -> bytes:
    """Return the call that sets a new Safe up: no module, no payment, the standard fallback handler."""
    return encode_call(
        FUNCTIONS[11], list(owners), threshold, ZERO_ADDRESS, b"", FALLBACK_HANDLER, ZERO_ADDRESS, 0, ZERO_ADDRESS
    )


def creation(node: Node, owners: Sequence[str], threshold: int, salt_nonce: int) -> tuple[str, bytes]:
    """Return where the proxy factory makes a Safe, and what to send it for that."""
    setup = initializer(owners, threshold)
    salt = keccak(keccak(setup) + salt_nonce.to_bytes(32, "big"))
    data = encode_call("createProxyWithNonce(address,bytes,uint256)", SINGLETON, setup, salt_nonce)
    return create2_address(PROXY_FACTORY, salt, keccak(_creation_code(node))), data


def proxy_code(node: Node) -> bytes:
    """Return the code of every Safe the factory makes."""
    return node.call(None, _creation_code(node))


def _creation_code(node: Node) -> bytes:
    return node.view(PROXY_FACTORY, "proxyCreationCode()(bytes)") + encode(["address"], [SINGLETON])


def _word(value: int | bytes) -> bytes:
    return value.to_bytes(32, "big") if isinstance(value, int) else bytes(value).rjust(32, b"\0")

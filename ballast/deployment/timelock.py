"""The timelock: what is scheduled on it, scheduling, executing and cancelling through the Safes."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from eth_utils import to_checksum_address

from ballast.chain import CODEC
from ballast.deployment.deploy import CANCELLER, SAFE, DeploymentResult
from ballast.deployment.node import TIMELOCK, Node, Sender, decode_call, encode_call
from ballast.deployment.safe import Call, Safe, Signer
from ballast.errors import DeploymentError

#: states of OpenZeppelin's TimelockController, by number
STATES = ("unset", "waiting", "ready", "done")
_SCHEDULE = "scheduleBatch(address[],uint256[],bytes[],bytes32,bytes32,uint256)"
_EXECUTE = "executeBatch(address[],uint256[],bytes[],bytes32,bytes32)"


@dataclass(frozen=True)
class Operation:
    """Calls that the timelock makes together, after its delay."""

    calls: tuple[Call, ...]
    salt: bytes = bytes(32)
    #: operation that must be done before; zero for none
    predecessor: bytes = bytes(32)

    def arguments(self) -> tuple[Any, ...]:
        """Return it as the timelock takes it."""
        return (
            [call.to for call in self.calls],
            [call.value for call in self.calls],
            [call.data for call in self.calls],
            self.predecessor,
            self.salt,
        )


@dataclass(frozen=True)
class Scheduled:
    """An operation that was scheduled once, as the chain has it now."""

    id: bytes
    operation: Operation
    #: waiting, ready, done or cancelled
    state: str
    #: time from which anyone may execute it, Unix seconds; 0 once done or cancelled
    ready_at: int
    #: account that called the timelock
    proposer: str
    transaction: bytes


class Timelock:
    """A deployment's timelock."""

    def __init__(self, deployment: DeploymentResult) -> None:
        self.deployment = deployment
        self.node: Node = deployment.node
        self.address = deployment.addresses["timelock"]

    def _read(self, function: str, *values: Any) -> Any:
        return self.node.read(TIMELOCK, self.address, function, *values)

    def delay(self) -> int:
        """Return the delay in seconds."""
        return self._read("getMinDelay")

    def id_of(self, operation: Operation) -> bytes:
        """Return the operation's id."""
        return self._read("hashOperationBatch", *operation.arguments())

    def state(self, identifier: bytes) -> str:
        """Return unset, waiting, ready or done."""
        return STATES[self._read("getOperationState", identifier)]

    def operation(self, calls: Sequence[Call], *, predecessor: bytes = bytes(32)) -> Operation:
        """Return calls as an operation with the first salt that was never used for them."""
        for number in range(1000):
            operation = Operation(tuple(calls), number.to_bytes(32, "big"), predecessor)
            if self.state(self.id_of(operation)) == "unset":
                return operation
        raise DeploymentError("these calls were scheduled a thousand times: give a salt of your own")

    def scheduling(self, operation: Operation) -> Call:
        """Return the call by which the Safe schedules it, after the timelock's own delay."""
        return Call(self.address, encode_call(_SCHEDULE, *operation.arguments(), self.delay()))

    def cancelling(self, identifier: bytes) -> Call:
        """Return the call by which a canceller cancels it."""
        return Call(self.address, encode_call("cancel(bytes32)", identifier))

    def propose(self, calls: Sequence[Call], signers: Sequence[Signer], sender: Sender) -> tuple[bytes, Operation]:
        """Let the Safe schedule calls.

        Parameters
        ----------
        calls : made together by the timelock, or not at all
        signers : owners of the main Safe, as many as its threshold
        sender : who sends the Safe's transaction; anyone

        Returns
        -------
        (bytes, Operation)
            The id, and what to execute later.

        Raises
        ------
        DeploymentError
            Signatures are missing, a call would fail now, or the chain refuses.
        """
        for call in calls:  # a mistake shows now, not after the delay
            self.node.call(call.to, call.data, sender=self.address)
        operation = self.operation(calls)
        identifier = self.id_of(operation)
        self.deployment.safe.act([self.scheduling(operation)], signers, sender, what="propose")
        return identifier, operation

    def execute(self, operation: Operation, sender: Sender) -> Any:
        """Execute a ready operation; anyone may. Return the receipt."""
        return self.node.send(sender, self.address, encode_call(_EXECUTE, *operation.arguments()), what="execute")

    def cancel(self, identifier: bytes, safe: Safe, signers: Sequence[Signer], sender: Sender) -> Any:
        """Let the guardian Safe, or the main one, cancel an operation. Return the receipt."""
        if not self._read("hasRole", CANCELLER, safe.address):
            raise DeploymentError(f"{safe.address} may not cancel on the timelock {self.address}")
        return safe.act([self.cancelling(identifier)], signers, sender, what="cancel")

    def scheduled(self) -> list[Scheduled]:
        """Return everything ever scheduled, oldest first."""
        start = self.deployment.block
        salts = {
            log["topics"][1]: bytes(log["data"])
            for log in self.node.logs(self.address, "CallSalt(bytes32,bytes32)", start=start)
        }
        found: dict[bytes, dict[str, Any]] = {}
        event = "CallScheduled(bytes32,uint256,address,uint256,bytes,bytes32,uint256)"
        for log in self.node.logs(self.address, event, start=start):
            identifier = bytes(log["topics"][1])
            types = ["address", "uint256", "bytes", "bytes32", "uint256"]
            target, value, data, predecessor, _ = CODEC.decode(types, bytes(log["data"]))
            index = int.from_bytes(log["topics"][2], "big")
            if index == 0:  # an operation cancelled and scheduled again counts once, with its last transaction
                found[identifier] = {"calls": [], "predecessor": predecessor, "transaction": log["transactionHash"]}
            found[identifier]["calls"].append(Call(to_checksum_address(target), data, value))
        return [
            self._looked_up(identifier, item, salts.get(identifier, bytes(32))) for identifier, item in found.items()
        ]

    def _looked_up(self, identifier: bytes, item: dict[str, Any], salt: bytes) -> Scheduled:
        state = self.state(identifier)
        ready_at = self._read("getTimestamp", identifier)
        transaction = self.node.web3.eth.get_transaction(item["transaction"])
        return Scheduled(
            identifier,
            Operation(tuple(item["calls"]), salt, item["predecessor"]),
            "cancelled" if state == "unset" else state,
            ready_at if state in ("waiting", "ready") else 0,
            # the Safe's transaction is sent by anyone: what it is sent to proposes
            to_checksum_address(transaction["to"]),
            bytes(item["transaction"]),
        )

    def find(self, identifier: bytes) -> Scheduled:
        """Return one scheduled operation.

        Raises
        ------
        DeploymentError
            There is none of this id.
        """
        for item in self.scheduled():
            if item.id == identifier:
                return item
        raise DeploymentError(f"the timelock knows no operation 0x{identifier.hex()}")


def describe(deployment: DeploymentResult, call: Call) -> str:
    """Return a call as text: `vault.setCap(strategy_=lending, cap=50000000000000)`."""
    names = {address.lower(): name for name, address in deployment.addresses.items()}
    name = names.get(call.to.lower())
    value = f" with {call.value} wei" if call.value else ""
    if name is None:
        return f"{call.to}: 0x{call.data.hex()}{value}"
    kind = deployment.contracts[name].kind
    decoded = None if kind == SAFE else decode_call(deployment.node.artifacts.abi(kind), call.data)
    if decoded is None:
        return f"{name}: 0x{call.data.hex()}{value}"
    function, values = decoded
    shown = ", ".join(f"{key}={_shown(item, names)}" for key, item in values.items())
    return f"{name}.{function}({shown}){value}"


def _shown(value: Any, names: dict[str, str]) -> str:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, SimpleNamespace):
        return "(" + ", ".join(f"{key}={_shown(item, names)}" for key, item in vars(value).items()) + ")"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_shown(item, names) for item in value) + "]"
    return names.get(value.lower(), value) if isinstance(value, str) else str(value)

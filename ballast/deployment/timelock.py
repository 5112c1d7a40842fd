"""The timelock: what is scheduled on it, scheduling, executing and cancelling through the Safes."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from eth_utils import function_signature_to_4byte_selector, to_checksum_address

from ballast import units
from ballast.chain import CODEC, short_text
from ballast.deployment.deploy import CANCELLER, SAFE, DeploymentResult, set_delays
from ballast.deployment.file import UNLIMITED
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

    def delay(self, calls: Sequence[Call] = ()) -> int:
        """Return the seconds that calls must wait together: the longest of their delays; without calls, the least."""
        return max([self._read("getMinDelay"), *(self._read("delayOf", call.to, call.data) for call in calls)])

    def delays(self) -> dict[str, int]:
        """Return the delay set for each function of the deployment's, as `set_delays`."""
        return set_delays(self.node, self.address, self.deployment.functions)

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

    def scheduling(self, operation: Operation, *, delay: int | None = None) -> Call:
        """Return the call by which the Safe schedules it, to wait as long as its calls must, or longer.

        Raises
        ------
        DeploymentError
            `delay` is shorter than the calls must wait.
        """
        needed = self.delay(operation.calls)
        if delay is not None and delay < needed:
            slowest = next(call for call in operation.calls if self.delay([call]) == needed)
            raise DeploymentError(
                f"{describe(self.deployment, slowest)} must wait {units.format_duration(needed)}, and "
                f"{units.format_duration(delay)} is too short: leave the delay out, or give a longer one"
            )
        return Call(self.address, encode_call(_SCHEDULE, *operation.arguments(), needed if delay is None else delay))

    def cancelling(self, identifier: bytes) -> Call:
        """Return the call by which a canceller cancels it."""
        return Call(self.address, encode_call("cancel(bytes32)", identifier))

    def propose(
        self, calls: Sequence[Call], signers: Sequence[Signer], sender: Sender, *, delay: int | None = None
    ) -> tuple[bytes, Operation]:
        """Let the Safe schedule calls.

        Parameters
        ----------
        calls : made together by the timelock, or not at all
        signers : owners of the main Safe, as many as its threshold
        sender : who sends the Safe's transaction; anyone
        delay : seconds to wait, if longer than the calls must

        Returns
        -------
        (bytes, Operation)
            The id, and what to execute later.

        Raises
        ------
        DeploymentError
            Signatures are missing, the delay is too short, a call would fail now, or the chain refuses.
        """
        for call in calls:  # a mistake shows now, not after the delay
            self.node.call(call.to, call.data, sender=self.address)
        operation = self.operation(calls)
        identifier = self.id_of(operation)
        self.deployment.safe.act([self.scheduling(operation, delay=delay)], signers, sender, what="propose")
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
        if state == "ready":  # unless a delay was raised since
            ready_at = max(ready_at, self._read("scheduledAt", identifier) + self.delay(item["calls"]))
            if ready_at > self.node.web3.eth.get_block("latest")["timestamp"]:
                state = "waiting"
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
    """Return a call as text: `vault.setCap(strategy_=lending, cap=50000000000000, capBps=9800)`."""
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
    shown = ", ".join(f"{key}={_shown(deployment, item, names)}" for key, item in values.items())
    return f"{name}.{function}({shown}){value}"


def _shown(deployment: DeploymentResult, value: Any, names: dict[str, str]) -> str:
    if isinstance(value, bytes):
        return _shown_bytes(deployment, value)
    if isinstance(value, SimpleNamespace):
        fields = (f"{key}={_shown(deployment, item, names)}" for key, item in vars(value).items())
        return f"({', '.join(fields)})"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_shown(deployment, item, names) for item in value)}]"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value == UNLIMITED:
        return "unlimited"
    return names.get(value.lower(), value) if isinstance(value, str) else str(value)


def _shown_bytes(deployment: DeploymentResult, value: bytes) -> str:
    """Return a short text padded with zeros as that text, a function's selector as the function, else hexadecimal."""
    if len(value) == 4:
        for function in deployment.functions:
            if function_signature_to_4byte_selector(function) == value:
                return function
    text = short_text(value)
    readable = len(value) == 32 and text.isprintable() and text.encode().ljust(32, b"\0") == value
    return text if text and readable else "0x" + value.hex()

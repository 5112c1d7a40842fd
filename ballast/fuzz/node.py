"""The same chain on anvil, over plain JSON-RPC: on the node that Ape started, or on one's own."""

import time
from typing import Any

from eth_utils import to_checksum_address

from ballast.fuzz.chain import GAS, Chain, FuzzError, Log
from ballast.replica.rpc import Rpc, RpcError

_RICH = hex(2**200)
#: looks for a receipt, later and later, before the transaction is sent again: half a second
_PATIENCE = 45


class Anvil(Chain):
    """A chain on anvil.

    Parameters
    ----------
    rpc : connection to the node; `Rpc(provider.http_uri)` for the one that Ape started
    """

    def __init__(self, rpc: Rpc) -> None:
        super().__init__()
        self._request = request = rpc
        request("anvil_autoImpersonateAccount", True)
        request("anvil_setBlockTimestampInterval", 0)
        head = request("eth_getBlockByNumber", "latest", False)
        self.now, self.block = int(head["timestamp"], 16), int(head["number"], 16)
        self._rich: set[str] = set()
        self._snapshots: dict[int, tuple[int, int]] = {}
        self._receipt: dict[str, Any] = {}

    def close(self) -> None:
        """Give the node its own pace back."""
        self._request("anvil_removeBlockTimestampInterval")
        self._request("anvil_autoImpersonateAccount", False)

    def send(self, to: str, data: bytes, sender: str) -> bytes:
        answer = self._call({"from": sender, "to": to, "data": "0x" + data.hex(), "gas": hex(GAS)})
        self._mine({"from": sender, "to": to, "data": "0x" + data.hex(), "gas": hex(GAS)})
        return answer

    def view(self, to: str, data: bytes) -> bytes:
        return self._call({"to": to, "data": "0x" + data.hex(), "gas": hex(GAS)})

    def create(self, code: bytes, sender: str) -> str:
        transaction = {"from": sender, "data": "0x" + code.hex(), "gas": hex(GAS)}
        self._call(transaction)
        self._mine(transaction)
        return to_checksum_address(self._receipt["contractAddress"])

    def _call(self, transaction: dict[str, str]) -> bytes:
        try:
            return bytes.fromhex(self._request("eth_call", transaction, "latest")[2:])
        except RpcError as error:
            raise self.reverted(_revert_data(error)) from None

    def _mine(self, transaction: dict[str, str]) -> None:
        self._enrich(transaction["from"])
        name = self._request("eth_sendTransaction", transaction)
        for attempt in range(400):
            receipt = self._request("eth_getTransactionReceipt", name)
            if receipt:
                break
            time.sleep(0.0005 * (attempt + 1))
            if attempt % _PATIENCE == _PATIENCE - 1:
                name = self._send_again(transaction, name)
        else:
            raise FuzzError("anvil does not mine: is it set to mine at every transaction?")
        self._conclude(receipt)

    def _send_again(self, transaction: dict[str, str], name: str) -> str:
        """Take back a transaction that waits, and send it with the nonce that the state has.

        After going back to a snapshot, anvil now and then has one wait for others that are gone.
        """
        sender = transaction["from"]
        self._request("anvil_removePoolTransactions", sender)
        if self._request("eth_getTransactionReceipt", name):
            return name  # it was on its way
        nonce = self._request("eth_getTransactionCount", sender, "latest")
        return self._request("eth_sendTransaction", {**transaction, "nonce": nonce})

    def _enrich(self, sender: str) -> None:
        if sender not in self._rich:
            self._request("anvil_setBalance", sender, _RICH)
            self._rich.add(sender)

    def _conclude(self, receipt: dict[str, Any]) -> None:
        if receipt["status"] != "0x1":
            raise FuzzError("a call went well and its transaction did not: the node's time does not stand still")
        self._receipt = receipt
        self.block = int(receipt["blockNumber"], 16)

    def logs(self) -> list[Log]:
        return [
            Log(
                to_checksum_address(log["address"]),
                [bytes.fromhex(topic[2:]) for topic in log["topics"]],
                bytes.fromhex(log["data"][2:]),
            )
            for log in self._receipt.get("logs", [])
        ]

    def gas(self) -> int:
        return int(self._receipt.get("gasUsed", "0x0"), 16)

    def wait(self, seconds: int) -> None:
        self.now += seconds
        self._request("evm_setNextBlockTimestamp", self.now)
        self._request("evm_mine")
        self.block += 1

    def snapshot(self) -> int:
        number = int(self._request("evm_snapshot"), 16)
        self._snapshots[number] = (self.now, self.block)
        return number

    def restore(self, snapshot: int) -> None:
        if snapshot not in self._snapshots or not self._request("evm_revert", hex(snapshot)):
            raise FuzzError(f"snapshot {snapshot} is forgotten")
        self.now, self.block = self._snapshots[snapshot]
        self._snapshots = {number: at for number, at in self._snapshots.items() if number < snapshot}
        self._rich.clear()

    def storage(self, address: str, slot: int) -> int:
        return int(self._request("eth_getStorageAt", address, hex(slot), "latest"), 16)

    def set_storage(self, address: str, slot: int, value: int) -> None:
        self._request("anvil_setStorageAt", address, hex(slot), "0x" + value.to_bytes(32, "big").hex())

    def set_balance(self, address: str, wei: int) -> None:
        self._request("anvil_setBalance", address, hex(wei))

    def code(self, address: str) -> bytes:
        return bytes.fromhex(self._request("eth_getCode", address, "latest")[2:])


def _revert_data(error: RpcError) -> bytes:
    data = error.data if isinstance(error.data, str) else ""
    if not data and "revert" not in str(error).lower():
        raise FuzzError(f"anvil refuses: {error}") from error
    return bytes.fromhex(data.removeprefix("0x"))

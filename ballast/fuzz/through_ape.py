"""The same chain on anvil, through Ape: each call and transaction as a test written with Ape alone makes them."""

from typing import Any

from ape import accounts
from ape.exceptions import ApeException

from ballast.fuzz.node import Anvil
from ballast.replica.rpc import Rpc


class ThroughApe(Anvil):
    """A chain on the anvil that Ape is connected to.

    Parameters
    ----------
    provider : Ape's, connected to anvil
    """

    def __init__(self, provider: Any) -> None:
        super().__init__(Rpc(provider.http_uri))
        self._provider = provider

    def _call(self, transaction: dict[str, str]) -> bytes:
        try:
            return bytes(self._provider.send_call(self._made(transaction), skip_trace=True))
        except ApeException:
            return super()._call(transaction)  # Ape has no words for all errors: ask for the data

    def _mine(self, transaction: dict[str, str]) -> None:
        sender = transaction["from"]
        self._enrich(sender)
        receipt = accounts[sender].call(self._made(transaction))
        self._conclude(self._request("eth_getTransactionReceipt", receipt.txn_hash))

    def _made(self, transaction: dict[str, str]) -> Any:
        return self._provider.network.ecosystem.create_transaction(
            sender=transaction.get("from"),
            receiver=transaction.get("to"),
            data=bytes.fromhex(transaction["data"][2:]),
            gas_limit=int(transaction["gas"], 16),
        )

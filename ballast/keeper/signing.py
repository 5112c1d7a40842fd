"""Ape accounts as signers."""

from collections.abc import Mapping
from typing import Any


class ApeSigner:
    """Signs with an account that Ape holds, which may ask for its passphrase."""

    def __init__(self, account: Any) -> None:
        self._account = account
        self.address: str = str(account.address)

    def sign(self, transaction: Mapping[str, Any]) -> bytes:
        """Return the raw signed transaction."""
        unsigned = self._account.provider.network.ecosystem.create_transaction(**transaction)
        return bytes(self._account.sign_transaction(unsigned).serialize_transaction())

"""Who takes part: accounts with keys that anyone can derive, funded on the demo's own chain only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_account import Account
from eth_account.hdaccount import key_from_seed, seed_from_mnemonic
from eth_account.signers.local import LocalAccount
from eth_utils import keccak

from ballast.demo.errors import DemoError

_MNEMONIC = "test test test test test test test test test test test junk"
_TEST_ACCOUNTS = 10


@cache
def account(name: str) -> LocalAccount:
    """Return the demo's account of this name."""
    return Account.from_key(keccak(text=f"ballast demo {name}"))


@cache
def _test_accounts() -> dict[str, LocalAccount]:
    """The published test accounts of anvil, by address."""
    seed = seed_from_mnemonic(_MNEMONIC, "")
    keys = [key_from_seed(seed, f"m/44'/60'/0'/0/{index}") for index in range(_TEST_ACCOUNTS)]
    return {found.address: found for found in map(Account.from_key, keys)}


def signers(owners: Sequence[str], threshold: int) -> list[LocalAccount]:
    """Return `threshold` owners who can sign: those that are published test accounts.

    Raises
    ------
    DemoError
        There are too few of them.
    """
    known = [_test_accounts()[owner] for owner in owners if owner in _test_accounts()]
    if len(known) < threshold:
        raise DemoError(
            f"{threshold} of a Safe's owners must sign and the keys of {len(known)} are known: "
            "give the demo a deployment file whose owners are anvil's test accounts"
        )
    return known[:threshold]


@dataclass(frozen=True)
class KeeperSigner:
    """Signs for the keeper."""

    account: LocalAccount

    @property
    def address(self) -> str:
        """The account's address."""
        return self.account.address

    def sign(self, transaction: Mapping[str, Any]) -> bytes:
        """Return the raw signed transaction."""
        return bytes(self.account.sign_transaction(dict(transaction)).raw_transaction)

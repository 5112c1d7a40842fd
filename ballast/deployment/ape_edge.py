"""Where deployments meet Ape: its accounts as senders and signers, its provider as a Web3."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eth_account.messages import SignableMessage
from web3 import Web3

from ballast import compiled
from ballast.deployment.node import Node, Sender, UnlockedSender
from ballast.deployment.safe import Safe, Signer
from ballast.errors import ConfigurationError

if TYPE_CHECKING:
    from ape.api import AccountAPI, ProviderAPI

#: the last of anvil's accounts: the first ones own the Safes of the example file
DEPLOYER_INDEX = 9


@dataclass(frozen=True)
class ApeSender:
    """An account of Ape's: asks for its passphrase, or its hardware wallet, as Ape does."""

    account: "AccountAPI"
    provider: "ProviderAPI"

    @property
    def address(self) -> str:
        """The account's address."""
        return str(self.account.address)

    def send(self, web3: Web3, transaction: dict[str, Any]) -> bytes:
        """Sign and send."""
        ecosystem = self.provider.network.ecosystem
        unsigned = ecosystem.create_transaction(
            type=2,
            chainId=web3.eth.chain_id,
            nonce=web3.eth.get_transaction_count(self.address),
            sender=self.address,
            receiver=transaction["to"],
            data=bytes.fromhex(transaction["data"][2:]),
            gas=transaction["gas"],
            maxFeePerGas=transaction["maxFeePerGas"],
            maxPriorityFeePerGas=transaction["maxPriorityFeePerGas"],
        )
        signed = self.account.sign_transaction(unsigned)
        if signed is None:
            raise ConfigurationError(f"{self.address} did not sign")
        return web3.eth.send_raw_transaction(signed.serialize_transaction())


@dataclass(frozen=True)
class ApeSigner:
    """An account of Ape's that owns a Safe."""

    account: "AccountAPI"

    @property
    def address(self) -> str:
        """The account's address."""
        return str(self.account.address)

    def sign_message(self, message: SignableMessage) -> Any:
        """Return the account's signature."""
        signature = self.account.sign_message(message)
        if signature is None:
            raise ConfigurationError(f"{self.address} did not sign")
        return signature


def sender(provider: "ProviderAPI", account: "AccountAPI | None", *, needed: bool = True) -> Sender:
    """Return who sends: the account given, or on a test chain one that the node has unlocked."""
    if account is not None:
        return ApeSender(account, provider)
    if Node(provider.web3).is_for_tests:
        return UnlockedSender(str(_test_accounts()[DEPLOYER_INDEX].address))
    if needed:
        raise ConfigurationError(f"say who sends on {provider.network_choice}: --account ALIAS (ape accounts list)")
    # nothing will be sent; whose deployment it is, is in its record
    return UnlockedSender("0x" + 40 * "0")


def signers(provider: "ProviderAPI", safe: Safe, aliases: tuple[str, ...]) -> list[Signer]:
    """Return the owners that sign for a Safe: the accounts named, or on a test chain those that are test accounts."""
    if aliases:
        return [ApeSigner(_loaded(alias)) for alias in aliases]
    if not Node(provider.web3).is_for_tests:
        raise ConfigurationError("say who signs: --signer ALIAS, as often as the Safe's threshold")
    owners = {owner.lower() for owner in safe.owners()}
    return [ApeSigner(account) for account in _test_accounts() if account.address.lower() in owners]


def _loaded(alias: str) -> "AccountAPI":
    from ape import accounts

    kind, _, index = alias.partition("::")
    try:
        return _test_accounts()[int(index)] if kind.upper() == "TEST" else accounts.load(alias)
    except (KeyError, IndexError, ValueError):
        raise ConfigurationError(f"there is no account {alias}: ape accounts list shows them") from None


def _test_accounts() -> Any:
    from ape import accounts

    return accounts.test_accounts


def ready(provider: "ProviderAPI") -> Web3:
    """Compile what is not compiled and return the provider's Web3."""
    compiled.ensure()
    return provider.web3

"""What to keep: addresses from the command line, or the regulated contracts of recorded deployments; and the queues of
the vaults among them, and what can be rescued."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from eth_utils import is_checksum_address, is_checksum_formatted_address, is_hex_address, to_checksum_address
from web3 import Web3

from ballast.chain import NOBODY, BatchTooLarge, read_all, unpack, view
from ballast.deployment import record as records
from ballast.deployment.record import Record
from ballast.environment import ROOT
from ballast.errors import ConfigurationError
from ballast.keeper.state import READINGS, Contract, Job

#: Kinds of contract that speak IRegulated.
REGULATED: Final = ("Vault", "LendingRouter", "LeveragedStrategy", "LiquidityStrategy", "DeltaNeutralStrategy")
_WORD: Final = 32
_FOLDERS: Final = (ROOT / "deployments", ROOT / "build" / "deployments")


def named(addresses: Iterable[str]) -> list[Contract]:
    """Return contracts given by address; each is called by the ends of its address.

    Raises
    ------
    ConfigurationError
        Not an address, or a checksum that doesn't hold.
    """
    found = []
    for text in addresses:
        if not is_hex_address(text) or not text.startswith("0x"):
            raise ConfigurationError(f"--contract {text}: no address; 0x and 40 hexadecimal digits make one")
        if is_checksum_formatted_address(text) and not is_checksum_address(text):
            raise ConfigurationError(
                f"--contract {text}: doesn't match its checksum; a digit is wrong, or a letter's case"
            )
        address = to_checksum_address(text)
        found.append(Contract(address, f"{address[:6]}…{address[-4:]}"))
    return list(dict.fromkeys(found))


def recorded(chain_id: int, *, name: str | None = None, folders: Sequence[Path] = _FOLDERS) -> list[Record]:
    """Return the deployments recorded for a chain.

    Parameters
    ----------
    chain_id : the chain's id
    name : only the deployment of this name; all when None
    folders : where the records lie; under each, a folder for each chain

    Raises
    ------
    ConfigurationError
        There is no such deployment, or none at all.
    """
    paths = [path for folder in folders for path in sorted((folder / str(chain_id)).glob("*.json"))]
    read = [record for path in paths if (record := records.read(path)) is not None]
    chosen = [record for record in read if name in (None, record.name)]
    if not chosen:
        known = ", ".join(record.name for record in read) or "none"
        wanted = f"named {name} " if name else ""
        raise ConfigurationError(
            f"no deployment {wanted}is recorded for chain {chain_id} (known: {known}): deploy one, or name --contract"
        )
    return chosen


def deployed(deployments: Sequence[Record], kinds: Sequence[str] = REGULATED) -> list[Contract]:
    """Return the contracts of `kinds`; several deployments' names go before their contracts'."""
    several = len(deployments) > 1
    return [
        Contract(made.address, f"{record.name}/{label}" if several else label)
        for record in deployments
        for label, made in record.contracts.items()
        if made.kind in kinds
    ]


def with_queues(web3: Web3, contracts: Iterable[Contract]) -> list[Contract]:
    """Return the contracts, each vault after its queue of redemptions: paying out of it may put the vault out of band.

    Each is asked alone: one that is none, and burns the gas of its call, must not hide another's queue.
    """
    found = []
    for contract in contracts:
        queue = _queue(web3, contract)
        found += [Contract(queue, f"{contract.name} queue", Job.FULFIL)] if queue else []
        found.append(contract)
    return found


def with_strategies(web3: Web3, contracts: Iterable[Contract]) -> list[Contract]:
    """Return the contracts, and the regulated strategies in the queues of the vaults among them that are not there yet.

    A strategy is regulated when it answers `readings()`; it is called by its symbol.
    """
    found = list(contracts)
    known = {contract.address for contract in found}
    for vault in contracts:
        for address in _ask(web3, vault.address, "queue()", "address[]") or ():
            strategy = to_checksum_address(address)
            if strategy in known or _ask(web3, strategy, "readings()", READINGS) is None:
                continue
            known.add(strategy)
            symbol = _ask(web3, strategy, "symbol()", "string")
            found.append(Contract(strategy, symbol or f"{strategy[:6]}…{strategy[-4:]}"))
    return found


def with_rescues(web3: Web3, contracts: Iterable[Contract]) -> list[Contract]:
    """Return the contracts, each that can be rescued before its rescue: a rebalance costs its holders less.

    A contract has a rescue when it answers the call, or says why it does not.
    """
    found = []
    for contract in contracts:
        found.append(contract)
        if contract.job is Job.REBALANCE and _has_rescue(web3, contract):
            found.append(Contract(contract.address, f"{contract.name} rescue", Job.RESCUE))
    return found


def _has_rescue(web3: Web3, contract: Contract) -> bool:
    try:
        [(ok, data)] = read_all(web3, [view(contract.address, "rescue()")])
    except BatchTooLarge:
        return False
    return bool(data) and (not ok or len(data) == _WORD)


def _ask(web3: Web3, target: str, signature: str, kind: str) -> Any:
    """Return what one contract answers, None when it answers nothing of the kind. Alone: it may burn its call's gas."""
    try:
        [answer] = read_all(web3, [view(target, signature)])
    except BatchTooLarge:
        return None
    return unpack(answer, kind)


def _queue(web3: Web3, contract: Contract) -> str | None:
    address = _ask(web3, contract.address, "redemptions()", "address")
    return None if address in (None, NOBODY) else to_checksum_address(address)

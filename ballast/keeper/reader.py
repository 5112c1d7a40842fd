"""Reads all contracts to keep in one batched call."""

from collections.abc import Sequence
from typing import Final

from web3 import Web3

from ballast.chain import NEXT_BLOCK, Answer, BatchTooLarge, read_all, short_text, unpack, view
from ballast.keeper.reverts import ErrorBook
from ballast.keeper.state import Contract, ContractState, Job, Reading, Snapshot
from ballast.mainnet import MULTICALL3

_READINGS = "(bytes32,int256,int256,int256,int256)[]"
#: what is asked of a contract, by what it is kept by
_VIEWS: Final = {Job.REBALANCE: "readings()", Job.FULFIL: "waiting()"}


class ChainReader:
    """Reads `readings()` of every regulated contract and `waiting()` of every queue, with the block they belong to."""

    def __init__(self, web3: Web3, contracts: Sequence[Contract], errors: ErrorBook) -> None:
        self._web3 = web3
        self._contracts = tuple(contracts)
        self._errors = errors

    def read(self) -> Snapshot:
        """Return the state of all contracts as the next block would see it: one call.

        Only when a contract fails without saying why, or the whole batch does, are the failed ones asked again, one by
        one: one may have burned the gas of all and taken the others down with it.
        """
        head = [
            view(MULTICALL3, "getBlockNumber()"),
            view(MULTICALL3, "getCurrentBlockTimestamp()"),
            view(MULTICALL3, "getBasefee()"),
        ]
        views = [view(each.address, _VIEWS[each.job]) for each in self._contracts]
        try:
            both = read_all(self._web3, head + views, block=NEXT_BLOCK)
            first, answers = both[: len(head)], both[len(head) :]
        except BatchTooLarge:
            first, answers = read_all(self._web3, head, block=NEXT_BLOCK), [(False, b"")] * len(views)
        if len(views) > 1:
            answers = [
                read_all(self._web3, [each], block=NEXT_BLOCK)[0] if answer == (False, b"") else answer
                for each, answer in zip(views, answers, strict=True)
            ]
        block, timestamp, base_fee = (unpack(answer, "uint256") for answer in first)
        states = (self._state(*each) for each in zip(self._contracts, answers, strict=True))
        return Snapshot(block, timestamp, base_fee, tuple(states))

    def _state(self, contract: Contract, answer: Answer) -> ContractState:
        ok, data = answer
        if not ok:
            return ContractState(contract, unreadable=f"{_VIEWS[contract.job]} {self._errors.reason(data)}")
        if not data:
            return ContractState(contract, unreadable="no contract at this address")
        if contract.job is Job.FULFIL:
            waiting = unpack(answer, "uint256")
            if waiting is None:
                return ContractState(
                    contract, unreadable="waiting() answers something else: not a queue of redemptions"
                )
            # what is asked for is to be paid: nothing should wait
            return ContractState(contract, (Reading("waiting.shares", waiting, 0, 0, 0),))
        rows = unpack(answer, _READINGS)
        if rows is None:
            return ContractState(contract, unreadable="readings() answers something else: not a regulated contract")
        return ContractState(contract, tuple(Reading(short_text(name), *numbers) for name, *numbers in rows))

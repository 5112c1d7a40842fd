"""Reads all contracts to keep in one batched call."""

from collections.abc import Sequence
from typing import Final

from web3 import Web3

from ballast.chain import NEXT_BLOCK, Answer, BatchTooLarge, View, read_all, short_text, unpack, view
from ballast.keeper.reverts import ErrorBook
from ballast.keeper.state import READINGS, Contract, ContractState, Job, Reading, Snapshot
from ballast.mainnet import MULTICALL3

#: what is asked of a contract, by what it is kept by
_VIEWS: Final = {Job.REBALANCE: "readings()", Job.FULFIL: "waiting()", Job.RESCUE: "rescue()"}
#: by which a position says that it needs no rescue: its health factor, and the one below which it would
_SOUND: Final = "NotInDanger"
_NO_EDGE: Final = 2**255 - 1


class ChainReader:
    """Reads `readings()` of every regulated contract, `waiting()` of every queue, and what `rescue()` of every position
    would do, with the block they belong to."""

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
        calls = {each: view(each.address, _VIEWS[each.job]) for each in self._contracts}
        views = {each: call for each, call in calls.items() if each.job is not Job.RESCUE}
        try:
            both = read_all(self._web3, [*head, *views.values()], block=NEXT_BLOCK)
            first, told = both[: len(head)], dict(zip(views, both[len(head) :], strict=True))
        except BatchTooLarge:
            first, told = read_all(self._web3, head, block=NEXT_BLOCK), {}
        silent = (False, b"")
        # a rescue is no view: in a batch it would change what the others say
        alone = [each for each in calls if told.get(each, silent) == silent and (len(views) > 1 or each not in told)]
        for each in alone:
            told[each] = self._ask_alone(calls[each])
        answers = [told[each] for each in self._contracts]
        block, timestamp, base_fee = (unpack(answer, "uint256") for answer in first)
        states = (self._state(*each) for each in zip(self._contracts, answers, strict=True))
        return Snapshot(block, timestamp, base_fee, tuple(states))

    def _ask_alone(self, call: View) -> Answer:
        try:
            return read_all(self._web3, [call], block=NEXT_BLOCK)[0]
        except BatchTooLarge:
            return False, b""

    def _state(self, contract: Contract, answer: Answer) -> ContractState:
        ok, data = answer
        if contract.job is Job.RESCUE and data:
            return ContractState(contract, (self._danger(answer),))
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
        rows = unpack(answer, READINGS)
        if rows is None:
            return ContractState(contract, unreadable="readings() answers something else: not a regulated contract")
        return ContractState(contract, tuple(Reading(short_text(name), *numbers) for name, *numbers in rows))

    def _danger(self, answer: Answer) -> Reading:
        """Return how sound a position is; or that it is in danger, whether or not it can be helped."""
        ok, data = answer
        reason = None if ok else self._errors.reason(data)
        if reason is not None and reason.error == _SOUND:
            value, hard = reason.arguments["healthWad"], reason.arguments["hardHealthWad"]
            return Reading("health.hard", value, hard, hard, _NO_EDGE)
        return Reading("danger", 1, 0, 0, 0)

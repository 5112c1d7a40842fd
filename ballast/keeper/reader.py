"""Reads all regulated contracts in one batched call."""

from collections.abc import Sequence

from web3 import Web3

from ballast.chain import NEXT_BLOCK, Answer, read_all, short_text, unpack, view
from ballast.keeper.reverts import ErrorBook
from ballast.keeper.state import Contract, ContractState, Reading, Snapshot
from ballast.mainnet import MULTICALL3

_READINGS = "(bytes32,int256,int256,int256,int256)[]"


class ChainReader:
    """Reads `readings()` of every contract, with the block they belong to."""

    def __init__(self, web3: Web3, contracts: Sequence[Contract], errors: ErrorBook) -> None:
        self._web3 = web3
        self._contracts = tuple(contracts)
        self._errors = errors

    def read(self) -> Snapshot:
        """Return the state of all contracts as the next block would see it: one call.

        Only when a contract fails without saying why are the failed ones asked again, one by one: it may have burned
        the gas of the whole batch and taken the ones after it down with it.
        """
        head = [
            view(MULTICALL3, "getBlockNumber()"),
            view(MULTICALL3, "getCurrentBlockTimestamp()"),
            view(MULTICALL3, "getBasefee()"),
        ]
        views = head + [view(each.address, "readings()") for each in self._contracts]
        answers = read_all(self._web3, views, block=NEXT_BLOCK)
        block, timestamp, base_fee = (unpack(answer, "uint256") for answer in answers[:3])
        states = [self._state(*each) for each in zip(self._contracts, answers[3:], strict=True)]
        failed = [index for index, (ok, data) in enumerate(answers[3:]) if not ok and not data]
        if failed and len(states) > 1:
            for index in failed:
                alone = read_all(self._web3, [views[3 + index]], block=NEXT_BLOCK)
                states[index] = self._state(self._contracts[index], alone[0])
        return Snapshot(block, timestamp, base_fee, tuple(states))

    def _state(self, contract: Contract, answer: Answer) -> ContractState:
        ok, data = answer
        if not ok:
            return ContractState(contract, unreadable=f"readings() {self._errors.reason(data)}")
        if not data:
            return ContractState(contract, unreadable="no contract at this address")
        rows = unpack(answer, _READINGS)
        if rows is None:
            return ContractState(contract, unreadable="readings() answers something else: not a regulated contract")
        return ContractState(contract, tuple(Reading(short_text(name), *numbers) for name, *numbers in rows))

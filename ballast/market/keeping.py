"""The keeper's engine on a chain of the fuzzer's, so that a backtest has the keeper that runs on a fork and live."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ballast.chain import short_text
from ballast.fuzz.chain import Chain, Reverted
from ballast.fuzz.chain import Contract as Deployed
from ballast.keeper import (
    Contract,
    ContractState,
    Fate,
    Fees,
    Keeper,
    Reading,
    Reason,
    Receipt,
    Signed,
    Simulation,
    Snapshot,
)

_GWEI: Final = 10**9


@dataclass
class BacktestReader:
    """Reads `readings()` of each contract."""

    chain: Chain
    contracts: dict[Contract, Deployed]

    def read(self) -> Snapshot:
        """Return the present state."""
        states = tuple(self._state(*each) for each in self.contracts.items())
        return Snapshot(self.chain.block, self.chain.now, 0, states)

    def _state(self, contract: Contract, deployed: Deployed) -> ContractState:
        try:
            rows = deployed.readings()
        except Reverted as error:
            return ContractState(contract, unreadable=str(error))
        return ContractState(contract, tuple(Reading(short_text(name), *numbers) for name, *numbers in rows))


@dataclass
class BacktestCourier:
    """Sends `rebalance()` at once; every transaction is mined in its own block.

    Parameters
    ----------
    watched : told of each transaction before it is sent; what it returns is told the gas when it was mined
    """

    chain: Chain
    contracts: dict[Contract, Deployed]
    who: str
    watched: Callable[[Contract], Callable[[int], None]]
    gas_gwei: float = 0.0
    _sent: dict[str, Receipt] = field(default_factory=dict, init=False)

    can_send = True

    def fees(self, base_fee: int, max_fee: int | None) -> Fees:
        """Return the scenario's gas price."""
        price = round(self.gas_gwei * _GWEI)
        return Fees(price, 0, price)

    def simulate(
        self, contract: Contract, fees: Fees, *, block: int | None = None, most: int | None = None
    ) -> Simulation:
        """Do it and undo it."""
        with self.chain.isolated():
            try:
                self.contracts[contract].rebalance(sender=self.who)
            except Reverted as error:
                return Simulation(reason=Reason(error.name, str(error)))
            return Simulation(gas=self.chain.gas())

    def foreign_pending(self) -> int:
        """Nobody else uses the account."""
        return 0

    def shortage(self, gas: int, fees: Fees) -> int:
        """The keeper can pay."""
        return 0

    def sign(self, contract: Contract, gas: int, fees: Fees, *, most: int | None = None) -> Signed:
        """Name the transaction; here nobody asks for signatures."""
        return Signed(f"{contract.address} {len(self._sent)}", contract.address.encode(), len(self._sent))

    def send(self, signed: Signed) -> None:
        """Send it and see it mined."""
        contract, deployed = next(each for each in self.contracts.items() if each[0].address.encode() == signed.raw)
        mined = self.watched(contract)
        try:
            deployed.rebalance(sender=self.who)
        except Reverted:
            self._sent[signed.transaction] = Receipt(Fate.REVERTED, signed.transaction, 0, 0, self.chain.block)
            return
        gas = self.chain.gas()
        price = round(self.gas_gwei * _GWEI)
        self._sent[signed.transaction] = Receipt(Fate.SUCCEEDED, signed.transaction, gas, price, self.chain.block)
        mined(gas)

    def fate(self, transaction: str, wait_seconds: float) -> Receipt:
        """Return what became of it."""
        return self._sent[transaction]


def keeper(
    chain: Chain,
    contracts: Sequence[tuple[Contract, Deployed]],
    who: str,
    watched: Callable[[Contract], Callable[[int], None]],
) -> tuple[Keeper, BacktestCourier]:
    """Return the keeper's engine over `contracts`, and the courier, whose gas price the scenario sets."""
    known = dict(contracts)
    courier = BacktestCourier(chain, known, who, watched)
    return Keeper(BacktestReader(chain, known), courier), courier

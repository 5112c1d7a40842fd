"""A depositor who enters and leaves a strategy at random, and looks hard at what it is given."""

import random
from typing import Final

from ballast.fuzz.chain import Chain, Reverted
from ballast.fuzz.vault_machine import MOST
from ballast.market.record import Visits
from ballast.market.scenario import Scenario
from ballast.market.stage import Prices, StrategyPosition

#: visits in a scenario, about
_VISITS: Final = 40
#: what it brings at least, as a share of what is there; all is little, so that a scenario's positions stay comparable
_LEAST: Final = 0.0002
#: what roundings may take from who stays, as a share of their worth
_DUST: Final = 1e-9
#: what a stay may bring through rounding, as a share of all that is there
_ROUND_TRIP_DUST: Final = 1e-8


class Depositor:
    """Comes and goes. What it may do must succeed, must pay what the previews said, and must hurt nobody who stays."""

    def __init__(self, position: StrategyPosition, scenario: Scenario, seed: int) -> None:
        self._position = position
        self._strategy = position.strategy
        self._chain: Chain = position.markets.chain
        self._chance = random.Random(f"{scenario.name} depositor {seed}")
        self._most = scenario.visit
        self._often = min(1.0, _VISITS / scenario.steps)
        self._who = position.markets.enter(f"depositor {scenario.name}")
        position.markets.tokens[position.asset].approve(self._strategy.address, MOST, sender=self._who)
        self.visits = Visits()

    def act(self, prices: Prices) -> None:
        """Perhaps come, perhaps go."""
        if self._chance.random() >= self._often:
            return
        shares = self._strategy.balanceOf(self._who)
        try:
            if shares and self._chance.random() < 0.5:
                self._leave(shares, prices)
            else:
                self._enter(prices)
        except Reverted as error:
            self.visits.troubles.append(f"hour {prices.moment.hour:.2f}: {error}")

    def leave_all(self, prices: Prices) -> None:
        """Leave for good, as far as the door is open."""
        shares = self._strategy.balanceOf(self._who)
        if shares:
            self._leave(shares, prices, all_of_it=True)

    def _enter(self, prices: Prices) -> None:
        unit = self._position.markets.units[self._position.asset]
        wanted = int(self._position.worth(prices) * self._chance.uniform(_LEAST, self._most) * unit)
        if wanted <= 0 or self._strategy.maxDeposit(self._who) < wanted:
            self.visits.shut_in += 1
            return
        self._round_trip(wanted)
        expected = self._strategy.previewDeposit(wanted)
        got = self._strategy.deposit(wanted, self._who, sender=self._who)
        self.visits.deposits += 1
        self.visits.paid_in += wanted / unit
        if got < expected:
            self.visits.troubles.append(f"a deposit gave {got} shares, {expected} were previewed")

    def _round_trip(self, assets: int) -> None:
        """Enter and leave with all of it a block later, and undo it: it must bring nothing."""
        with self._chain.isolated():
            shares = self._strategy.deposit(assets, self._who, sender=self._who)
            self._chain.wait(0)
            leaving = min(shares, self._strategy.maxRedeem(self._who))
            if not leaving:
                return
            paid = self._strategy.redeem(leaving, self._who, self._who, sender=self._who)
        gain = paid - assets * leaving / shares
        self.visits.best_round_trip = max(self.visits.best_round_trip, gain / assets)
        if gain > _ROUND_TRIP_DUST * self._strategy.totalAssets():
            self.visits.troubles.append(f"entering and leaving with {assets} gained {gain:.0f}")

    def _leave(self, shares: int, prices: Prices, *, all_of_it: bool = False) -> None:
        most = self._strategy.maxRedeem(self._who)
        leaving = min(most, shares if all_of_it else int(shares * self._chance.choice([0.3, 0.7, 1.0])))
        if not leaving:
            self.visits.shut_out += 1
            return
        before = self._position.index(prices)
        expected = self._strategy.previewRedeem(leaving)
        paid = self._strategy.redeem(leaving, self._who, self._who, sender=self._who)
        self.visits.exits += 1
        self.visits.paid_out += paid / self._position.markets.units[self._position.asset]
        if paid != expected:
            self.visits.troubles.append(f"an exit paid {paid}, {expected} were previewed")
        lost = 1 - self._position.index(prices) / before if before > 0 else 0.0
        self.visits.worst_for_stayers = max(self.visits.worst_for_stayers, lost)
        if lost > _DUST:
            self.visits.troubles.append(f"an exit took {lost:.2e} from those who stay")

"""A hostile keeper and a hostile depositor: they search for what pays them, and for what hurts the strategy most.

They have capital without limit, over as many blocks as they like and at one moment: more than a flash loan gives. They
trade in the strategy's own pool and end with as much of the base token as they began with, so that what they then have
of the asset is their profit: what others' prices say does not matter. Each attempt is undone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from ballast import mainnet
from ballast.fuzz.abi import Interface
from ballast.fuzz.chain import Chain, Reverted
from ballast.fuzz.vault_machine import MOST
from ballast.market.markets import Markets, Pool
from ballast.market.stage import Prices, StrategyPosition

#: how far the price is pushed, as shares of it
PUSHES: Final = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.03, 0.06, 0.12)
#: what a hostile depositor brings, as shares of what is there
STAKES: Final = (0.01, 1.0, 20.0)
_OUTPUT: Final = mainnet.abi(
    "exactOutputSingle((address,address,uint24,address,uint256,uint256,uint160)) returns (uint256)"
)


@dataclass(frozen=True)
class Attack:
    """What an attempt brought: `profit` in whole units of the asset, `loss` of the strategy as a share of its worth."""

    what: str
    profit: float
    loss: float


class Hostile:
    """Searches and, as the worst of keepers, does what hurts most."""

    def __init__(self, position: StrategyPosition, pool: Pool) -> None:
        self._position = position
        self._markets: Markets = position.markets
        self._chain: Chain = position.markets.chain
        self._pool = pool
        self._strategy = position.strategy
        self._who = self._markets.enter("hostile")
        self._router = self._chain.at(self._markets.router.address, Interface("Router", _OUTPUT))
        self._markets.tokens[position.asset].approve(self._strategy.address, MOST, sender=self._who)
        self.tried = 0
        self.best: Attack | None = None
        self.worst: Attack | None = None

    def search(self, prices: Prices) -> None:
        """Try everything once at this moment, and undo it."""
        for what, attack in (*self._keeper_attacks(), *self._depositor_attacks(prices)):
            self._note(self._attempt(what, attack, prices))

    def keep(self, prices: Prices, honest: Callable[[], object]) -> None:
        """Do for real, instead of the honest keeper, what hurts the strategy most of what can be done now."""
        tried = [(self._attempt(what, attack, prices), attack) for what, attack in self._keeper_attacks()]
        done = [(found, attack) for found, attack in tried if found is not None]
        for found, _ in done:
            self._note(found)
        if not done:
            return
        _, attack = max(done, key=lambda each: each[0].loss)
        honest_first = self._base()
        attack(honest)
        self._flatten(honest_first)

    # --- what they do ---

    def _keeper_attacks(self) -> Iterator[tuple[str, Callable[[Callable[[], object] | None], None]]]:
        calls = {"rebalance": self._strategy.rebalance}
        if "rescue" in self._strategy.interface.functions:
            calls["rescue"] = self._strategy.rescue
        for name, call in calls.items():
            for push in (0.0, *PUSHES):
                for sign in (-1, 1) if push else (1,):
                    yield f"{name} at a price pushed by {sign * push:+.2%}", self._sandwich(call, sign * push)

    def _sandwich(self, call: Callable, push: float) -> Callable[[Callable[[], object] | None], None]:
        def attack(instead: Callable[[], object] | None = None) -> None:
            if push:
                self._push(push)
            if instead is not None:
                instead()
            else:
                call(sender=self._who)

        return attack

    def _depositor_attacks(self, prices: Prices) -> Iterator[tuple[str, Callable[..., None]]]:
        worth = self._position.worth(prices)
        unit = self._markets.units[self._position.asset]
        for stake in STAKES:
            assets = int(worth * stake * unit)
            for push in PUSHES[2::2]:
                for sign in (-1, 1):
                    move = sign * push
                    yield f"enter with {stake:.0%} at {move:+.2%}", self._enter_pushed(assets, move)
                    yield f"leave with {stake:.0%} at {move:+.2%}", self._leave_pushed(assets, move)
            yield f"enter with {stake:.0%}, rebalance, leave", self._enter_and_poke(assets)

    def _enter_pushed(self, assets: int, push: float) -> Callable[..., None]:
        def attack() -> None:
            bases = self._base()
            self._push(push)
            self._strategy.deposit(assets, self._who, sender=self._who)
            self._flatten(bases)
            self._redeem_all()

        return attack

    def _leave_pushed(self, assets: int, push: float) -> Callable[..., None]:
        def attack() -> None:
            self._strategy.deposit(assets, self._who, sender=self._who)
            self._push(push)
            self._redeem_all()

        return attack

    def _enter_and_poke(self, assets: int) -> Callable[..., None]:
        def attack() -> None:
            self._strategy.deposit(assets, self._who, sender=self._who)
            self._strategy.rebalance(sender=self._who)
            self._redeem_all()

        return attack

    def _redeem_all(self) -> None:
        shares = self._strategy.balanceOf(self._who)
        self._strategy.redeem(shares, self._who, self._who, 0, sender=self._who)

    # --- how it is done ---

    def _attempt(self, what: str, attack: Callable[..., None], prices: Prices) -> Attack | None:
        self.tried += 1
        with self._chain.isolated():
            before, index = self._assets(), self._position.index(prices)
            bases = self._base()
            try:
                attack()
                self._flatten(bases)
            except Reverted:
                return None
            profit = (self._assets() - before) / self._markets.units[self._position.asset]
            return Attack(what, profit, 1 - self._position.index(prices) / index)

    def _note(self, found: Attack | None) -> None:
        if found is None:
            return
        if self.best is None or found.profit > self.best.profit:
            self.best = found
        if self.worst is None or found.loss > self.worst.loss:
            self.worst = found

    def _push(self, share: float) -> None:
        self._markets.push(self._pool, self._who, self._pool.price() * (1 + share))

    def _flatten(self, bases: int) -> None:
        """Have as much base again as before."""
        more = self._base() - bases
        if more > 0:
            self._markets.swap(self._pool, self._who, sells_base=True, amount=more)
        elif more < 0:
            terms = (self._pool.quote, self._pool.base, self._pool.fee, self._who, -more, 10**30, 0)
            self._router.exactOutputSingle(terms, sender=self._who)

    def _assets(self) -> int:
        return self._markets.tokens[self._position.asset].balanceOf(self._who)

    def _base(self) -> int:
        return self._markets.tokens[self._position.base].balanceOf(self._who)

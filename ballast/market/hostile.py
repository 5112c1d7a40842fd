"""A hostile keeper and a hostile depositor: they search for what pays them, and for what hurts the strategy most.

They have capital without limit, over as many blocks as they like and at one moment: more than a flash loan gives. They
trade in the strategy's own pool and end with as much of the base token as they began with, so that what they then have
of the asset is their profit: what others' prices say does not matter. Each attempt is undone.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from ballast import mainnet
from ballast.fuzz.abi import Interface
from ballast.fuzz.chain import Chain, Reverted
from ballast.fuzz.vault_machine import MOST
from ballast.market.markets import Markets, Pool
from ballast.market.record import Attack
from ballast.market.stage import Prices, StrategyPosition

#: how far the price is pushed, as shares of it
PUSHES: Final = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.03, 0.06, 0.12)
#: what keepers call
CALLS: Final = ("rebalance", "rescue")
#: what a hostile depositor brings, as shares of what is there
STAKES: Final = (0.01, 1.0, 20.0)
#: refusals that a push of the pool's price might lift
_MOVED_BY_SPOT: Final = ("Stuck", "LossBudgetExceeded", "NotCloser", "PushedOut", "TooLittle")
_OUTPUT: Final = mainnet.abi(
    "exactOutputSingle((address,address,uint24,address,uint256,uint256,uint160)) returns (uint256)"
)


class Hostile:
    """Searches and, as the worst of keepers, does what hurts most."""

    def __init__(self, position: StrategyPosition, pools: Sequence[Pool]) -> None:
        self._position = position
        self._markets: Markets = position.markets
        self._chain: Chain = position.markets.chain
        self._pools = pools
        self._strategy = position.strategy
        self._who = self._markets.enter("hostile")
        self._router = self._chain.at(self._markets.router.address, Interface("Router", _OUTPUT))
        self._markets.tokens[position.asset].approve(self._strategy.address, MOST, sender=self._who)
        self.tried = 0
        #: what its own deeds cost it, in whole units of the asset
        self.spent = 0.0
        self.best: Attack | None = None
        self.worst: Attack | None = None

    def sandwich(self, prices: Prices, call: Callable[[str], None]) -> None:
        """As a sandwicher of the crowd: where the honest keeper is about to trade, trade around it if that pays."""
        if not self._passes("rebalance"):
            return
        best: tuple[float, int, float] | None = None
        for place, pool in enumerate(self._pools):
            for push in (sign * push for push in PUSHES[::2] for sign in (-1, 1)):
                what = f"sandwich at {push:+.2%} in {pool.name}"
                found = self._attempt(what, self._pushed_call("rebalance", pool, push), prices, pool)
                self._note(found)
                if found is not None and found.profit > 0 and (best is None or found.profit > best[0]):
                    best = found.profit, place, push
        if best is not None:
            self._do("rebalance", self._pools[best[1]], best[2], call)

    def search(self, prices: Prices) -> None:
        """Try everything once at this moment, and undo it."""
        for pool in self._pools:
            for what, attack in self._depositor_attacks(pool, prices):
                self._note(self._attempt(f"{what} in {pool.name}", attack, prices, pool))

    def keep(self, prices: Prices, call: Callable[[str], None]) -> None:
        """Do for real, before the honest keeper comes, what hurts the strategy most of what can be done now.

        A rescue pays its bounty to whoever calls: only what a push brings beyond that is an attack's profit.

        Parameters
        ----------
        prices : the true ones
        call : calls a function of the strategy by its name, and notes it
        """
        done = []
        for name in CALLS:
            honest: Attack | None = None
            for place, push in self._pushes(name):
                pool = self._pools[place]
                what = f"{name} at {push:+.2%} in {pool.name}" if push else name
                found = self._attempt(what, self._pushed_call(name, pool, push), prices, pool)
                if found is None:
                    continue
                done.append((found.loss, name, place, push))
                if not push:
                    honest = found
                    continue
                paid = honest.profit if honest else 0.0
                self._note(Attack(found.what, found.profit - paid, found.loss))
        if not done:
            return
        _, name, place, push = max(done)
        self._do(name, self._pools[place], push, call)

    # --- what they do ---

    def _pushes(self, name: str) -> list[tuple[int, float]]:
        """Return which pool's price is pushed how far before a call, nothing first; none when it cannot go through."""
        if name not in self._strategy.interface.functions or not self._goes(name):
            return []
        places = range(len(self._pools))
        return [(0, 0.0), *((place, sign * push) for place in places for push in PUSHES for sign in (-1, 1))]

    def _do(self, name: str, pool: Pool, push: float, call: Callable[[str], None]) -> None:
        """Push, call, and trade back, for real."""
        bases, assets = self._base(), self._assets()
        self._push(pool, push)
        call(name)
        self._flatten(pool, bases)
        self.spent += (assets - self._assets()) / self._markets.units[self._position.asset]

    def _passes(self, name: str) -> bool:
        """Whether a call goes through as things are."""
        with self._chain.isolated():
            try:
                getattr(self._strategy, name)(sender=self._who)
            except Reverted:
                return False
            return True

    def _goes(self, name: str) -> bool:
        """Whether it can be called at all: no push of this moment moves a time-weighted price."""
        with self._chain.isolated():
            try:
                getattr(self._strategy, name)(sender=self._who)
            except Reverted as error:
                return error.name in _MOVED_BY_SPOT
            return True

    def _pushed_call(self, name: str, pool: Pool, push: float) -> Callable[[], None]:
        def attack() -> None:
            self._push(pool, push)
            getattr(self._strategy, name)(sender=self._who)

        return attack

    def _depositor_attacks(self, pool: Pool, prices: Prices) -> Iterator[tuple[str, Callable[..., None]]]:
        worth = self._position.worth(prices)
        unit = self._markets.units[self._position.asset]
        for stake in STAKES:
            assets = int(worth * stake * unit)
            for push in PUSHES[2::2]:
                for sign in (-1, 1):
                    move = sign * push
                    yield f"enter with {stake:.0%} at {move:+.2%}", self._enter_pushed(pool, assets, move)
                    yield f"leave with {stake:.0%} at {move:+.2%}", self._leave_pushed(pool, assets, move)
            yield f"enter with {stake:.0%}, rebalance, leave", self._enter_and_poke(assets)

    def _enter_pushed(self, pool: Pool, assets: int, push: float) -> Callable[..., None]:
        def attack() -> None:
            bases = self._base()
            self._push(pool, push)
            self._strategy.deposit(assets, self._who, sender=self._who)
            self._flatten(pool, bases)
            self._redeem_all()

        return attack

    def _leave_pushed(self, pool: Pool, assets: int, push: float) -> Callable[..., None]:
        def attack() -> None:
            self._strategy.deposit(assets, self._who, sender=self._who)
            self._push(pool, push)
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

    def _attempt(self, what: str, attack: Callable[..., None], prices: Prices, pool: Pool) -> Attack | None:
        self.tried += 1
        with self._chain.isolated():
            before, index = self._assets(), self._position.index(prices)
            bases = self._base()
            try:
                attack()
                self._flatten(pool, bases)
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

    def _push(self, pool: Pool, share: float) -> None:
        if share:
            self._markets.push(pool, self._who, pool.price() * (1 + share))

    def _flatten(self, pool: Pool, bases: int) -> None:
        """Have as much base again as before."""
        more = self._base() - bases
        if more > 0:
            self._markets.swap(pool, self._who, sells_base=True, amount=more)
        elif more < 0:
            terms = (pool.quote, pool.base, pool.fee, self._who, -more, 10**30, 0)
            self._router.exactOutputSingle(terms, sender=self._who)

    def _assets(self) -> int:
        return self._markets.tokens[self._position.asset].balanceOf(self._who)

    def _base(self) -> int:
        return self._markets.tokens[self._position.base].balanceOf(self._who)

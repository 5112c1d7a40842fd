"""Sandwiches around what somebody does, searched for the best one: on a chain in this process, with any capital.

The attacker trades before and after the victim and ends with as much of the base token as it began with: what it has
of the asset then is its profit. That is what a flash loan of either token allows. Gas and the loan's fee count nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Final

from ballast import mainnet
from ballast.fuzz.abi import Interface
from ballast.fuzz.chain import Chain, Contract, Reverted
from ballast.fuzz.world import actor

ATTACKER: Final = actor("sandwicher")
_PURSE: Final = 10**32
_GOLDEN: Final = (sqrt(5) - 1) / 2


@dataclass(frozen=True)
class Sandwich:
    """One sandwich: the push before the victim, and what the attacker had of it."""

    sells_base: bool
    #: input of the push, in units of base when it sells base, else of the asset
    push: int
    #: units of the asset; below 0 a loss
    profit: int


class Sandwicher:
    """An attacker on one Uniswap v3 pool.

    Parameters
    ----------
    chain : where it happens; each attempt is undone
    pool, asset, base : addresses
    fee : of the pool, in millionths
    """

    def __init__(self, chain: Chain, pool: str, asset: str, base: str, fee: int) -> None:
        self.chain = chain
        self.pool = chain.at(pool, Interface("Pool", mainnet.UNISWAP_V3_POOL_ABI))
        self._asset, self._base, self._fee = asset, base, fee
        self._tokens = {each: chain.at(each, Interface("Token", mainnet.USDC_ABI)) for each in (asset, base)}
        self._router = chain.at(mainnet.UNISWAP_SWAP_ROUTER_02, Interface("Router", mainnet.UNISWAP_SWAP_ROUTER_02_ABI))
        for address, token in self._tokens.items():
            chain.deal(address, ATTACKER, _PURSE)
            token.approve(self._router.address, 2**256 - 1, sender=ATTACKER)

    def token(self, address: str) -> Contract:
        """Return one of the two tokens."""
        return self._tokens[address]

    def push(self, sells_base: bool, amount: int) -> None:
        """Trade exactly `amount` of the input."""
        given, taken = (self._base, self._asset) if sells_base else (self._asset, self._base)
        terms = (given, taken, self._fee, ATTACKER, amount, 0, 0)
        self._router.exactInputSingle(terms, sender=ATTACKER)

    def push_to(self, sells_base: bool, sqrt_price: int) -> None:
        """Trade until the pool's root price (96 bits) is `sqrt_price`."""
        given, taken = (self._base, self._asset) if sells_base else (self._asset, self._base)
        terms = (given, taken, self._fee, ATTACKER, _PURSE // 10**3, 0, sqrt_price)
        self._router.exactInputSingle(terms, sender=ATTACKER)

    def attempt(self, victim: Callable[[], object], *, sells_base: bool, push: int) -> int | None:
        """Return the profit of one sandwich; None where the push, the victim or the way back fails."""
        with self.chain.isolated():
            bases, assets = self._holds(self._base), self._holds(self._asset)
            try:
                if push:
                    self.push(sells_base, push)
                victim()
                self._flatten(bases)
            except Reverted:
                return None
            return self._holds(self._asset) - assets

    def best(
        self,
        victim: Callable[[], object],
        *,
        sells_base: bool,
        least: int,
        most: int,
        points: int = 24,
        refine: int = 16,
    ) -> Sandwich:
        """Search pushes from `least` to `most`: on a grid of even ratios, then by golden section around its best.

        Raises
        ------
        ValueError
            The bounds are not 0 < least < most, or no attempt went through.
        """
        if not 0 < least < most:
            raise ValueError(f"pushes from {least} to {most}: want 0 < least < most")
        ratio = (most / least) ** (1 / (points - 1))
        grid = sorted({min(most, round(least * ratio**k)) for k in range(points)})
        tried = [self._try(victim, sells_base, push) for push in grid]
        found = [each for each in tried if each is not None]
        if not found:
            raise ValueError("no sandwich went through: the victim, or the way there and back, always fails")
        top = max(found, key=lambda each: each.profit)
        at = grid.index(top.push)
        low, high = grid[max(0, at - 1)], grid[min(len(grid) - 1, at + 1)]
        for _ in range(refine):
            if high - low < 2:
                break
            left, right = round(high - _GOLDEN * (high - low)), round(low + _GOLDEN * (high - low))
            one, two = self._try(victim, sells_base, left), self._try(victim, sells_base, right)
            top = max((each for each in (top, one, two) if each), key=lambda each: each.profit)
            if (one.profit if one else -_PURSE) >= (two.profit if two else -_PURSE):
                high = right
            else:
                low = left
        return top

    def _try(self, victim: Callable[[], object], sells_base: bool, push: int) -> Sandwich | None:
        profit = self.attempt(victim, sells_base=sells_base, push=push)
        return None if profit is None else Sandwich(sells_base, push, profit)

    def _holds(self, token: str) -> int:
        return self._tokens[token].balanceOf(ATTACKER)

    def _flatten(self, bases: int) -> None:
        """Have as much base again as before."""
        more = self._holds(self._base) - bases
        if more > 0:
            self.push(True, more)
        elif more < 0:
            terms = (self._asset, self._base, self._fee, ATTACKER, -more, _PURSE // 10**3, 0)
            self._router.exactOutputSingle(terms, sender=ATTACKER)

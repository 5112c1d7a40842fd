"""The crowd: seeded accounts that move the replica's markets, prices and clock, over a plain web3 connection.

Works on the replica and on forks of it. On a fork of a real node there is no crowd, and MarketError says so.
"""

from ballast.market._aave import aave_borrow, aave_repay, aave_state, aave_supply, aave_withdraw, set_aave_utilisation
from ballast.market._crowd import LendingState, MarketError, connect, pass_time, provide_usdc, require_crowd
from ballast.market._feeds import push_prices, push_round
from ballast.market._morpho import (
    morpho_borrow,
    morpho_repay,
    morpho_state,
    morpho_supply,
    morpho_withdraw,
    set_morpho_utilisation,
)
from ballast.market._pools import keep_pools_near, pool_price_wad, swap_to_price

__all__ = [
    "LendingState",
    "MarketError",
    "aave_borrow",
    "aave_repay",
    "aave_state",
    "aave_supply",
    "aave_withdraw",
    "connect",
    "keep_pools_near",
    "morpho_borrow",
    "morpho_repay",
    "morpho_state",
    "morpho_supply",
    "morpho_withdraw",
    "pass_time",
    "pool_price_wad",
    "provide_usdc",
    "push_prices",
    "push_round",
    "require_crowd",
    "set_aave_utilisation",
    "set_morpho_utilisation",
    "swap_to_price",
]

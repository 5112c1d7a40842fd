"""The replica's markets on any of the fuzzer's chains: tokens, feeds, pools and Aave, by name."""

import math
from dataclasses import dataclass
from typing import Any, Final

from ballast import mainnet
from ballast.fuzz.abi import Interface
from ballast.fuzz.chain import Chain, Contract, Reverted
from ballast.fuzz.vault_machine import MOST
from ballast.fuzz.world import actor
from ballast.market._crowd import MarketError
from ballast.replica import manifest

WAD: Final = 10**18
STAKED: Final = manifest.contract("StakedEther")["address"]
STAKED_POOL: Final = manifest.contract("UniswapV3PoolStakedWeth100")["address"]
#: what a member of the crowd brings: more than it can ever use
PURSE: Final = 10**30
_Q192: Final = 2**192
_LIQUIDATION: Final = mainnet.abi("liquidationCall(address,address,address,uint256,bool)", "setUserEMode(uint8)")
_ORACLE: Final = mainnet.abi("getAssetPrice(address) view returns (uint256)")
_MANAGER: Final = mainnet.abi(
    "mint((address,address,uint24,int24,int24,uint256,uint256,uint256,uint256,address,uint256))"
    " returns (uint256,uint128,uint256,uint256)"
)
_SPACING: Final = mainnet.abi("tickSpacing() view returns (int24)", "feeGrowthGlobal0X128() view returns (uint256)")
_FOREVER: Final = 2**40
#: liquidity over all prices that a scenario's crowd adds to each pool, in dollars of each token: the replica's ends at
#: some prices, and scenarios go beyond
_FULL_RANGE_DOLLARS: Final = 3_000_000
_LAST_TICK: Final = 887_272
_STAKED: Final = [*mainnet.WETH_ABI, *mainnet.abi("rate() view returns (uint256)")]


@dataclass(frozen=True)
class Pool:
    """A Uniswap v3 pool of a base token and a quote token; prices are whole quote tokens for a whole base token."""

    name: str
    at: Contract
    base: str
    quote: str
    fee: int
    #: of the raw price (quote units for a base unit) to the whole one
    scale: float
    base_is_token0: bool

    def price(self) -> float:
        """Return the spot price."""
        ratio = self.at.slot0()[0] ** 2 / _Q192
        return (ratio if self.base_is_token0 else 1 / ratio) * self.scale

    def root(self, price: float) -> int:
        """Return the square root of a price as the pool writes it (X96)."""
        raw = price / self.scale
        return int(math.sqrt(raw if self.base_is_token0 else 1 / raw) * 2**96)


@dataclass(frozen=True)
class Feed:
    """A Chainlink feed: the proxy that is read and the aggregator that its nodes post to."""

    name: str
    proxy: Contract
    aggregator: Contract
    nodes: tuple[str, ...]

    def answer(self) -> int:
        """Return the last answer, 8 decimals."""
        return self.proxy.latestRoundData()[1]


class Markets:
    """Everything a scenario trades in.

    Raises
    ------
    MarketError
        The chain has no crowd: it is not the replica, nor a fork of it.
    """

    def __init__(self, chain: Chain) -> None:
        if not chain.code(STAKED):
            raise MarketError("no crowd on this chain: scenarios are played on the replica, or on a fork of it")
        self.chain = chain
        self.usdc = chain.at(mainnet.USDC, Interface("USDC", mainnet.USDC_ABI))
        self.weth = chain.at(mainnet.WETH, Interface("WETH", mainnet.WETH_ABI))
        self.staked = chain.at(STAKED, Interface("StakedEther", _STAKED))
        self.tokens = {each.address: each for each in (self.usdc, self.weth, self.staked)}
        self.units = {mainnet.USDC: 10**mainnet.USDC_DECIMALS, mainnet.WETH: WAD, STAKED: WAD}
        self.router = chain.at(
            mainnet.UNISWAP_SWAP_ROUTER_02, Interface("SwapRouter02", mainnet.UNISWAP_SWAP_ROUTER_02_ABI)
        )
        self.manager = chain.at(mainnet.UNISWAP_V3_POSITION_MANAGER, Interface("PositionManager", _MANAGER))
        self.aave = chain.at(mainnet.AAVE_POOL, Interface("Aave", [*mainnet.AAVE_POOL_ABI, *_LIQUIDATION]))
        self.aave_oracle = chain.at(mainnet.AAVE_ORACLE, Interface("AaveOracle", _ORACLE))
        self.feeds = {
            name: self._feed(name, address)
            for name, address in (
                ("ether", mainnet.ETH_USD_FEED),
                ("usdc", mainnet.USDC_USD_FEED),
                ("staked", mainnet.STETH_USD_FEED),
            )
        }
        dollars = 10.0 ** (mainnet.WETH_DECIMALS - mainnet.USDC_DECIMALS)
        self.pools = {
            "weth/usdc 0.05%": self._pool("weth/usdc 0.05%", mainnet.UNISWAP_V3_USDC_WETH_500, False, dollars),
            "weth/usdc 0.3%": self._pool("weth/usdc 0.3%", mainnet.UNISWAP_V3_USDC_WETH_3000, False, dollars),
            "staked/weth 0.01%": self._pool("staked/weth 0.01%", STAKED_POOL, True, 1.0),
        }

    def _feed(self, name: str, address: str) -> Feed:
        proxy = self.chain.at(address, Interface("Feed", mainnet.FEED_ABI))
        aggregator = self.chain.at(proxy.aggregator(), Interface("Aggregator", mainnet.FLUX_AGGREGATOR_ABI))
        return Feed(name, proxy, aggregator, tuple(aggregator.getOracles()))

    def _pool(self, name: str, address: str, base_is_token0: bool, scale: float) -> Pool:
        at = self.chain.at(address, Interface("Pool", [*mainnet.UNISWAP_V3_POOL_ABI, *_SPACING]))
        base, quote = (STAKED, mainnet.WETH) if base_is_token0 else (mainnet.WETH, mainnet.USDC)
        return Pool(name, at, base, quote, at.fee(), scale, base_is_token0)

    # --- what members of the crowd do ---

    def widen(self) -> None:
        """Add liquidity over all prices to each pool."""
        who = self.provider("full range")
        ether = self.feeds["ether"].answer() / 10**8
        for pool in self.pools.values():
            amounts = {
                token: int(_FULL_RANGE_DOLLARS / (1 if token == mainnet.USDC else ether) * self.units[token])
                for token in (pool.base, pool.quote)
            }
            self.provide(pool, who, -_LAST_TICK, _LAST_TICK, amounts)

    def provider(self, name: str) -> str:
        """Return a member of the crowd who can provide liquidity."""
        who = self.enter(name)
        for token in self.tokens.values():
            token.approve(self.manager.address, MOST, sender=who)
        return who

    def provide(self, pool: Pool, who: str, lower: int, upper: int, amounts: dict[str, int]) -> None:
        """Provide liquidity between two ticks, as much as fits of the amounts."""
        tokens = (pool.base, pool.quote) if pool.base_is_token0 else (pool.quote, pool.base)
        spacing = pool.at.tickSpacing()
        # towards 0, so that the last ticks stay inside
        ticks = [int(tick / spacing) * spacing for tick in (lower, upper)]
        terms = (*tokens, pool.fee, *ticks, amounts[tokens[0]], amounts[tokens[1]], 0, 0, who, _FOREVER)
        self.manager.mint(terms, sender=who)

    def enter(self, name: str) -> str:
        """Return a member of the crowd who has all tokens and has approved router and lending pool."""
        who = actor(name)
        for token in self.tokens.values():
            self.chain.deal(token.address, who, PURSE if token.address != mainnet.USDC else 10**18)
            for spender in (self.router.address, self.aave.address):
                token.approve(spender, MOST, sender=who)
        return who

    def swap(self, pool: Pool, who: str, *, sells_base: bool, amount: int, limit: int = 0) -> int:
        """Sell exactly `amount` units, or as many as the price limit lets; return what came."""
        paid, got = (pool.base, pool.quote) if sells_base else (pool.quote, pool.base)
        return self.router.exactInputSingle((paid, got, pool.fee, who, amount, 0, limit), sender=who)

    def push(self, pool: Pool, who: str, price: float) -> None:
        """Trade until the spot price of `pool` is `price`."""
        sells = price < pool.price()
        paid = pool.base if sells else pool.quote
        self.swap(pool, who, sells_base=sells, amount=self.tokens[paid].balanceOf(who), limit=pool.root(price))

    def attempt(self, method: Any, *arguments: Any, sender: str) -> str:
        """Try something that the market may refuse; return the error's name, empty when it went well."""
        try:
            method(*arguments, sender=sender)
        except Reverted as error:
            return error.name
        return ""

"""Uniswap v3 as the replica has it, on a chain in this process: shapes of liquidity, and an exchange over a pool."""

from math import isqrt, log

import pytest

from ballast import mainnet
from ballast.fuzz import build as builds
from ballast.fuzz.abi import Interface
from ballast.fuzz.revm import Revm
from ballast.fuzz.world import OWNER, actor
from ballast.market.sandwich import Sandwicher
from ballast.replica import builder

WAD = 10**18
USDC, WETH = mainnet.USDC, mainnet.WETH
FEES = {mainnet.UNISWAP_V3_USDC_WETH_500: (500, 10), mainnet.UNISWAP_V3_USDC_WETH_3000: (3000, 60)}
#: whose positions the replica's pools hold: NFT 1 and 2 in the 0.05% pool, 3 in the 0.3% pool
NFTS = {mainnet.UNISWAP_V3_USDC_WETH_500: (1, 2), mainnet.UNISWAP_V3_USDC_WETH_3000: (3,)}
TRADER, PROVIDER, HOLDER = actor("trader"), actor("liquidity provider"), actor("holder of a position")
DAY = 86_400
PURSE = 10**32
FOREVER = 2**63
#: an ordinary amount of a trade's input: of WETH when it sells base, of USDC when it buys
UNIT = {True: 10**18, False: 10**9}


class Market:
    """One of the replica's pools of USDC (token0) and WETH, and an exchange over it."""

    def __init__(self, build, chain, pool=mainnet.UNISWAP_V3_USDC_WETH_500):
        self.build, self.chain = build, chain
        self.fee, self.spacing = FEES[pool]
        self.pool = chain.at(pool, Interface("Pool", mainnet.UNISWAP_V3_POOL_ABI))
        self.quoter = chain.at(mainnet.UNISWAP_QUOTER_V2, Interface("Quoter", mainnet.UNISWAP_QUOTER_V2_ABI))
        self.nfts = chain.at(
            mainnet.UNISWAP_V3_POSITION_MANAGER, Interface("Nfts", mainnet.UNISWAP_V3_POSITION_MANAGER_ABI)
        )
        self.exchange = build.make(chain, "UniswapV3Exchange", pool, USDC, sender=OWNER)
        self.attacker = Sandwicher(chain, pool, USDC, WETH, self.fee)
        for token in (USDC, WETH):
            for holder, spender in ((TRADER, self.exchange.address), (PROVIDER, self.nfts.address)):
                chain.deal(token, holder, PURSE)
                self.attacker.token(token).approve(spender, 2**256 - 1, sender=holder)

    def oracle(self, age=365 * DAY):
        feeds = (mainnet.ETH_USD_FEED, mainnet.USDC_USD_FEED, age, age)
        pool = (mainnet.UNISWAP_V3_USDC_WETH_500, mainnet.WETH, mainnet.USDC, 30 * 60, 200)
        return self.build.make(self.chain, "Oracle", (*feeds, *pool, "0x" + 40 * "0", 0), sender=OWNER)

    def venue(self, asset=USDC):
        """A position of HOLDER's, who has approved what it will take."""
        terms = (HOLDER, asset, self.pool.address, self.oracle().address)
        venue = self.build.make(self.chain, "UniswapV3Liquidity", *terms, sender=OWNER)
        for token in (USDC, WETH):
            self.chain.deal(token, HOLDER, PURSE)
            for spender in (venue.address, self.exchange.address):
                self.attacker.token(token).approve(spender, 2**256 - 1, sender=HOLDER)
        return venue

    def balance(self, token, holder):
        return self.attacker.token(token).balanceOf(holder)

    def root(self):
        return self.pool.slot0()[0]

    def tick(self):
        return self.pool.slot0()[1]

    def price(self):
        """Spot: USDC for one WETH, Wad."""
        return 10**30 * 2**192 // self.root() ** 2

    @staticmethod
    def root_of(tick):
        return int(1.0001 ** (tick / 2) * 2**96)

    def root_at(self, price):
        return isqrt(10**30 * 2**192 // price)

    def tick_at(self, price):
        """The usable tick nearest to a price (Wad)."""
        tick = log(10**30 / price) / log(1.0001)
        return round(tick / self.spacing) * self.spacing

    def provide(self, lower, upper, usdc=PURSE // 10**12, weth=PURSE // 10**3):
        """Mint a range of ticks with at most so much; return its liquidity."""
        terms = (USDC, WETH, self.fee, lower, upper, usdc, weth, 0, 0, PROVIDER, FOREVER)
        return self.nfts.mint(terms, sender=PROVIDER)[1]

    def clear(self):
        """Take away the liquidity that the replica's provider has in the pool."""
        for nft in NFTS[self.pool.address]:
            liquidity = self.nfts.positions(nft)[7]
            self.nfts.decreaseLiquidity((nft, liquidity, 0, 0, FOREVER), sender=self.nfts.ownerOf(nft))

    def quoter_says(self, sells_base, amount):
        pair = (WETH, USDC) if sells_base else (USDC, WETH)
        with self.chain.isolated():
            return self.quoter.quoteExactInputSingle((*pair, amount, self.fee, 0), sender=TRADER)[0]

    def trade(self, sells_base, amount, least=0):
        return self.exchange.trade(sells_base, amount, least, b"", sender=TRADER)

    def scatter(self, rng, ranges=8):
        """Put random ranges into the pool around the price, and move the price at random."""
        here = self.tick() // self.spacing
        for _ in range(ranges):
            lower = here + rng.randint(-40, 30)
            upper = lower + rng.randint(1, 60)
            amounts = 10 ** rng.randint(6, 13), 10 ** rng.randint(15, 21)
            self.provide(lower * self.spacing, upper * self.spacing, *amounts)
        self.shove(rng)

    def shove(self, rng, most=3):
        """Somebody trades."""
        sells_base = rng.random() < 0.5
        self.attacker.push(sells_base, UNIT[sells_base] * 10 ** rng.randint(0, most))


@pytest.fixture(scope="module")
def uniswap_state(project):
    """The replica's state in this process, and Ape's build."""
    return builds.load(), Revm.from_state(builder.current().state)


@pytest.fixture(params=list(FEES), ids=["500", "3000"])
def any_market(request, uniswap_state):
    build, chain = uniswap_state
    with chain.isolated():
        yield Market(build, chain, request.param)


@pytest.fixture
def market500(uniswap_state):
    build, chain = uniswap_state
    with chain.isolated():
        yield Market(build, chain)

"""The oracle over the real Chainlink proxies and the real Uniswap v3 pool: price, and when it may not be relied on."""

import math

import pytest
from ape import Contract, reverts

from ballast import mainnet
from tests.router_kit import DAY, HOUR, WAD

GOOD, STALE, DISPUTED = 0, 1, 2


@pytest.fixture(scope="module")
def fresh_oracle(make_oracle):
    return make_oracle(base_max_age=DAY, quote_max_age=2 * DAY)


@pytest.fixture
def feeds():
    return (
        Contract(mainnet.ETH_USD_FEED, abi=mainnet.FEED_ABI),
        Contract(mainnet.USDC_USD_FEED, abi=mainnet.FEED_ABI),
    )


@pytest.fixture
def push(w3, crowd):
    from ballast import market

    return lambda **prices: market.push_prices(w3, **prices)


def test_price__is_the_ratio_of_both_feeds(fresh_oracle, feeds):
    eth, usdc = (feed.latestRoundData()[1] for feed in feeds)
    price, verdict = fresh_oracle.price()
    assert price == eth * WAD // usdc
    assert verdict == GOOD


def test_time_weighted_price__is_the_pools_mean_tick(fresh_oracle):
    pool = Contract(mainnet.UNISWAP_V3_USDC_WETH_500, abi=mainnet.UNISWAP_V3_POOL_ABI)
    first, second = pool.observe([1800, 0])[0]
    # USDC is token0: the tick counts WETH (1e-18) per USDC (1e-6)
    expected = 1e12 / math.exp((second - first) / 1800 * math.log1p(1e-4))
    price = fresh_oracle.timeWeightedPrice()
    assert price / WAD == pytest.approx(expected, rel=1e-12)


def test_verdict__is_stale_when_a_round_is_too_old(fresh_oracle, wait, push):
    push()
    assert fresh_oracle.price()[1] == GOOD
    wait(DAY + HOUR)
    price, verdict = fresh_oracle.price()
    assert verdict == STALE and price > 0
    push()
    assert fresh_oracle.price()[1] == GOOD


def test_verdict__is_disputed_when_the_sources_disagree(fresh_oracle, feeds, push):
    answer = feeds[0].latestRoundData()[1]
    push(eth_usd=answer * 101 // 100)
    assert fresh_oracle.price()[1] == GOOD
    for factor in (105, 95):
        push(eth_usd=answer * factor // 100)
        assert fresh_oracle.price()[1] == DISPUTED


def test_verdict__is_not_moved_by_the_pools_spot_price(fresh_oracle, w3, crowd, feeds):
    """9. A swap that moves the pool by a fifth moves neither the price nor, in the same block, the verdict."""
    from ballast import market

    before = fresh_oracle.price()
    answer = feeds[0].latestRoundData()[1]
    market.swap_to_price(w3, mainnet.UNISWAP_V3_USDC_WETH_500, answer * 10**10 * 12 // 10)
    after = fresh_oracle.price()
    assert after[0] == before[0]
    assert after[1] == GOOD


def test_verdict__is_disputed_once_the_pool_has_been_elsewhere_for_the_period(fresh_oracle, w3, crowd, feeds, wait):
    from ballast import market

    answer = feeds[0].latestRoundData()[1]
    market.swap_to_price(w3, mainnet.UNISWAP_V3_USDC_WETH_500, answer * 10**10 * 12 // 10)
    wait(30 * 60)
    assert fresh_oracle.price()[1] == DISPUTED


#: Contracts that revert, answer nothing, and answer 32 bytes of ones
BROKEN = {"reverts": "0x5f5ffd", "nothing": "0x5f5ff3", "short": "0x5f195f5260205ff3"}


@pytest.mark.parametrize("code", BROKEN.values(), ids=BROKEN)
def test_verdict__is_stale_when_a_feed_answers_what_is_no_answer(fresh_oracle, chain, code):
    chain.provider.set_code(mainnet.USDC_USD_FEED, code)
    assert tuple(fresh_oracle.price()) == (0, STALE)


@pytest.mark.parametrize("code", BROKEN.values(), ids=BROKEN)
def test_verdict__is_stale_when_the_pool_cannot_answer(fresh_oracle, chain, code):
    chain.provider.set_code(mainnet.UNISWAP_V3_USDC_WETH_500, code)
    price, verdict = fresh_oracle.price()
    assert price > 0
    assert verdict == STALE


@pytest.mark.parametrize(
    "wrong",
    [{"twap_period": 60}, {"deviation_bps": 0}, {"deviation_bps": 1001}, {"base_max_age": 0}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_construction__refuses_bounds_that_bound_nothing(make_oracle, wrong):
    with reverts():
        make_oracle(**wrong)

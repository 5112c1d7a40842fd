"""The oracle over the real Chainlink proxies and the real Uniswap v3 pool: price, and when it may not be relied on."""

import math

import pytest
from ape import Contract

from ballast import mainnet
from tests.router_kit import DAY, HOUR, NOBODY, WAD, construction_refusal, oracle_terms

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


def test_sources__are_both_there_when_they_disagree(fresh_oracle, feeds, push):
    answer = feeds[0].latestRoundData()[1]
    feed, pool, verdict = fresh_oracle.sources()
    assert (feed, verdict) == fresh_oracle.price()
    assert pool == fresh_oracle.timeWeightedPrice()
    push(eth_usd=answer * 12 // 10)
    disputed = fresh_oracle.sources()
    assert disputed[2] == DISPUTED
    assert disputed[0] == pytest.approx(feed * 12 / 10, rel=1e-6)
    # the pool's mean goes on over the seconds since, in which nobody traded
    assert disputed[1] == pool


def test_sources__a_stale_feed_is_still_told(fresh_oracle, wait):
    before = fresh_oracle.sources()
    wait(DAY + HOUR)
    assert tuple(fresh_oracle.sources()) == (before[0], before[1], STALE)


@pytest.mark.parametrize("code", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("feed", [mainnet.ETH_USD_FEED, mainnet.USDC_USD_FEED], ids=["base", "quote"])
def test_sources__without_a_feed_the_pool_is_told_alone(fresh_oracle, chain, feed, code):
    pool = fresh_oracle.sources()[1]
    chain.provider.set_code(feed, code)
    assert tuple(fresh_oracle.sources()) == (0, pool, STALE)


@pytest.mark.parametrize("code", BROKEN.values(), ids=BROKEN)
def test_sources__without_a_pool_the_feed_is_told_alone(fresh_oracle, chain, code):
    feed = fresh_oracle.sources()[0]
    chain.provider.set_code(mainnet.UNISWAP_V3_USDC_WETH_500, code)
    assert tuple(fresh_oracle.sources()) == (feed, 0, STALE)


def test_sources__without_any_nothing_is_told(fresh_oracle, chain):
    for address in (mainnet.ETH_USD_FEED, mainnet.UNISWAP_V3_USDC_WETH_500):
        chain.provider.set_code(address, BROKEN["reverts"])
    assert tuple(fresh_oracle.sources()) == (0, 0, STALE)


UP, DOWN = 0, 1


@pytest.fixture(scope="module")
def sequencer(project, owner):
    return owner.deploy(project.FeedStandIn)


@pytest.fixture(scope="module")
def sequenced_oracle(make_oracle, sequencer):
    return make_oracle(base_max_age=30 * DAY, quote_max_age=30 * DAY, sequencer=sequencer.address, grace=HOUR)


def test_sequencer__up_for_longer_than_the_grace_period_is_no_matter(
    sequenced_oracle, fresh_oracle, sequencer, chain, owner
):
    sequencer.set(UP, chain.blocks.head.timestamp - DAY, sender=owner)
    assert sequenced_oracle.sequencerIsUp()
    assert tuple(sequenced_oracle.sources()) == tuple(fresh_oracle.sources())
    assert sequenced_oracle.price()[1] == GOOD


def test_sequencer__down_makes_stale_and_so_does_the_grace_period_after(
    sequenced_oracle, sequencer, chain, owner, wait
):
    feed, pool, _ = sequenced_oracle.sources()
    sequencer.set(DOWN, chain.blocks.head.timestamp - DAY, sender=owner)
    assert tuple(sequenced_oracle.sources()) == (feed, pool, STALE)
    sequencer.set(UP, chain.blocks.head.timestamp, sender=owner)
    since = sequencer.latestRoundData()[2]
    assert sequenced_oracle.price() == (feed, STALE)
    wait(HOUR - (chain.blocks.head.timestamp - since))
    assert chain.blocks.head.timestamp - since == HOUR
    assert sequenced_oracle.price() == (feed, STALE)
    wait(1)
    assert sequenced_oracle.price() == (feed, GOOD)


@pytest.mark.parametrize(
    ("status", "ago"), [(UP, None), (UP, -DAY), (2, DAY), (-1, DAY)], ids=["never", "future", "two", "minus"]
)
def test_sequencer__that_says_what_cannot_be_makes_stale(sequenced_oracle, sequencer, chain, owner, status, ago):
    since = 0 if ago is None else chain.blocks.head.timestamp - ago
    sequencer.set(status, since, sender=owner)
    assert sequenced_oracle.price()[1] == STALE


@pytest.mark.parametrize("code", BROKEN.values(), ids=BROKEN)
def test_sequencer__that_cannot_be_read_makes_stale(sequenced_oracle, sequencer, chain, owner, code):
    sequencer.set(UP, chain.blocks.head.timestamp - DAY, sender=owner)
    assert sequenced_oracle.price()[1] == GOOD
    chain.provider.set_code(sequencer.address, code)
    assert sequenced_oracle.price()[1] == STALE


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"twap_period": 60}, "OutOfRange"),
        ({"twap_period": DAY + 1}, "OutOfRange"),
        ({"deviation_bps": 0}, "OutOfRange"),
        ({"deviation_bps": 1001}, "OutOfRange"),
        ({"base_max_age": 0}, "OutOfRange"),
        ({"quote_max_age": 0}, "OutOfRange"),
        ({"grace": 1}, "OutOfRange"),
        ({"sequencer": mainnet.ETH_USD_FEED}, "OutOfRange"),
        ({"sequencer": mainnet.ETH_USD_FEED, "grace": DAY + 1}, "OutOfRange"),
        ({"sequencer": "0x" + 39 * "0" + "7", "grace": HOUR}, "NoContract"),
    ],
    ids=lambda wrong: ",".join(wrong) if isinstance(wrong, dict) else "",
)
def test_construction__refuses_bounds_that_bound_nothing(project, owner, wrong, error):
    assert construction_refusal(project.Oracle, oracle_terms(**wrong), sender=owner) == error


def test_construction__without_a_sequencer_takes_the_zero_address(project, owner):
    assert construction_refusal(project.Oracle, oracle_terms(), sender=owner) is None
    assert oracle_terms()[-2:] == (NOBODY, 0)

"""The crowd of a scenario does what its members are for, on the real protocols' code."""

from dataclasses import replace

import pytest

from ballast import mainnet
from ballast.market import scenario as scenarios
from ballast.market.actors import (
    Account,
    Arbitrageur,
    ChainlinkNodes,
    Liquidators,
    Providers,
    Traders,
    borrowers,
)
from ballast.market.markets import STAKED, WAD, MarketError, Markets
from ballast.market.scenario import Moment, Nodes, Print
from ballast.market.stage import FeedPrices, plain_leverage

CENTS = 10**8


@pytest.fixture
def scenario():
    return replace(scenarios.find("venue-print"), prints=())


def moved(truth, factor, *, seconds=0, staked=1.0):
    truth.move(Moment(seconds, truth.moment.ether * factor, staked, 30.0))
    return truth


def pools(markets):
    return list(markets.pools.values())


# --- prices ---


def test_truth_begins_where_the_replica_is(markets, truth):
    for pool in pools(markets):
        assert pool.price() == pytest.approx(truth.price(pool.base, pool.quote), rel=2e-3)
    assert FeedPrices(markets).price(mainnet.WETH, mainnet.USDC) == pytest.approx(
        truth.price(mainnet.WETH, mainnet.USDC), rel=1e-8
    )


def test_pool_writes_a_price_as_it_reads_it(markets):
    for pool in pools(markets):
        markets.push(pool, markets.enter("anyone"), pool.price() * 0.97)
        now = pool.price()
        assert pool.root(now) == pytest.approx(pool.at.slot0()[0], rel=1e-12)


@pytest.mark.parametrize("factor", [0.6, 0.99, 1.0003, 1.5])
def test_arbitrageur_brings_every_pool_to_within_its_fee(markets, truth, scenario, factor):
    moved(truth, factor, staked=0.95)
    Arbitrageur(markets, scenario).act(pools(markets), truth)
    for pool in pools(markets):
        off = pool.price() / truth.price(pool.base, pool.quote) - 1
        assert abs(off) <= pool.fee / 1e6 * 1.011


def test_arbitrageur_leaves_a_pool_alone_within_its_fee(markets, truth, scenario):
    arbitrageur = Arbitrageur(markets, scenario)
    arbitrageur.act(pools(markets), truth)
    before = [pool.price() for pool in pools(markets)]
    arbitrageur.act(pools(markets), moved(truth, 1.00005))
    assert [pool.price() for pool in pools(markets)] == before


def test_venue_prints_a_price_of_its_own_and_comes_back(markets, truth, scenario):
    off = replace(scenario, prints=(Print("pool", 2.0, 3.0, 0.87),))
    arbitrageur = Arbitrageur(markets, off)
    found = []
    for hour in (1.9, 2.1, 3.1):
        arbitrageur.act(pools(markets), moved(truth, 1, seconds=round(hour * 3600)))
        found.append([pool.price() / truth.price(pool.base, pool.quote) for pool in pools(markets)])
    assert found[0][0] == pytest.approx(1, abs=6e-4)
    assert found[1][0] == pytest.approx(0.87, rel=6e-4)
    assert found[1][1] == pytest.approx(1, abs=4e-3)  # the other venue prints nothing
    assert found[2][0] == pytest.approx(1, abs=6e-4)


def test_traders_pay_the_pools_fees(markets, truth, scenario):
    pool = pools(markets)[0]
    traders, arbitrageur = Traders(markets, scenario, seed=1), Arbitrageur(markets, scenario)
    before = pool.at.feeGrowthGlobal0X128()
    for _ in range(20):
        traders.act([pool], truth)
        arbitrageur.act([pool], truth)
    assert pool.at.feeGrowthGlobal0X128() > before


# --- feeds ---


def answers(markets):
    return [feed.answer() / CENTS for feed in markets.feeds.values()]


def test_nodes_post_when_the_price_has_moved_by_their_threshold(markets, truth, scenario):
    nodes = ChainlinkNodes(markets, replace(scenario, nodes=Nodes(0.005, 3600, ((0.0, 0),))))
    first = truth.moment.ether
    assert nodes.act(moved(truth, 1))
    assert not nodes.act(moved(truth, 1.0049, seconds=60))
    assert answers(markets)[0] == pytest.approx(first)
    assert nodes.act(moved(truth, 1.0002, seconds=120))
    assert answers(markets)[0] == pytest.approx(first * 1.0049 * 1.0002)


def test_nodes_post_at_the_heartbeat(markets, truth, scenario):
    nodes = ChainlinkNodes(markets, replace(scenario, nodes=Nodes(0.005, 3600, ((0.0, 0),))))
    nodes.act(moved(truth, 1))
    posted = [nodes.act(moved(truth, 1, seconds=seconds)) for seconds in (60, 3540, 3600, 3660)]
    assert posted == [False, False, True, False]


def test_nodes_post_late_what_they_saw_in_time(markets, truth, scenario):
    nodes = ChainlinkNodes(markets, replace(scenario, nodes=Nodes(0.005, 3600, ((0.0, 0), (1.0, 600)))))
    first = truth.moment.ether
    nodes.act(moved(truth, 1))
    seen = moved(truth, 0.9, seconds=3600).moment.ether
    assert not nodes.act(truth)
    assert not nodes.act(moved(truth, 0.996, seconds=4140))
    assert answers(markets)[0] == pytest.approx(first)
    assert nodes.act(moved(truth, 1, seconds=4200))
    assert answers(markets)[0] == pytest.approx(seen)


def test_silent_nodes_post_nothing_until_they_are_back(markets, truth, scenario):
    nodes = ChainlinkNodes(markets, replace(scenario, nodes=Nodes(0.005, 3600, ((0.0, 0),), silent=((1.0, 2.0),))))
    first = truth.moment.ether
    nodes.act(moved(truth, 1))
    assert not nodes.act(moved(truth, 0.8, seconds=3600))
    assert answers(markets)[0] == pytest.approx(first)
    assert nodes.act(moved(truth, 1, seconds=7200))
    assert answers(markets)[0] == pytest.approx(first * 0.8)


def test_feed_prints_a_price_of_its_own_and_comes_back(markets, truth, scenario):
    terms = Nodes(0.005, 3600, ((0.0, 0),))
    nodes = ChainlinkNodes(markets, replace(scenario, nodes=terms, prints=(Print("feed", 1.0, 1.5, 0.8),)))
    ether, usdc, _ = answers(markets)
    nodes.act(moved(truth, 1))
    assert nodes.act(moved(truth, 1, seconds=3600))
    assert answers(markets)[:2] == [pytest.approx(ether * 0.8), pytest.approx(usdc)]
    assert nodes.act(moved(truth, 1, seconds=5400))
    assert answers(markets)[0] == pytest.approx(ether)


def test_one_node_that_reads_another_venue_moves_no_median(markets, truth, scenario):
    nodes = ChainlinkNodes(markets, replace(scenario, prints=(Print("node", 0.0, 1.0, 0.742),)))
    nodes.act(moved(truth, 1))
    nodes.act(moved(truth, 1, seconds=60))
    assert answers(markets)[0] == pytest.approx(truth.moment.ether)


def test_rounds_of_ether_and_of_what_stands_for_it_go_together(markets, truth, scenario):
    nodes = ChainlinkNodes(markets, replace(scenario, nodes=Nodes(0.005, 3600, ((0.0, 0),))))
    nodes.act(moved(truth, 1))
    nodes.act(moved(truth, 0.98, seconds=60, staked=0.997))
    ratio = FeedPrices(markets).price(STAKED, mainnet.WETH)
    assert ratio == pytest.approx(truth.price(STAKED, mainnet.WETH), rel=1e-7)


# --- liquidators and borrowers ---


def push_feed(markets, truth, scenario, factor):
    nodes = ChainlinkNodes(markets, replace(scenario, nodes=Nodes(0.005, 3600, ((0.0, 0),))))
    nodes.act(moved(truth, factor))


def test_borrowers_owe_less_and_less_boldly(markets):
    crowd = borrowers(markets)
    health = [markets.aave.getUserAccountData(each.address)[5] / WAD for each in crowd]
    assert health == sorted(health)
    # the boldest took 98 % of the loan-to-value of 80.5 %, liquidation is at 83 %
    assert health[0] == pytest.approx(0.83 / (0.98 * 0.805), rel=1e-3)
    assert health[-1] > 1.5


def test_liquidators_take_what_they_may_and_nothing_else(markets, truth, scenario):
    crowd = borrowers(markets)
    liquidators = Liquidators(markets)
    liquidators.act(truth, crowd)
    assert not liquidators.done
    push_feed(markets, truth, scenario, 0.85)
    may = [each.name for each in crowd if markets.aave.getUserAccountData(each.address)[5] < WAD]
    assert 0 < len(may) < len(crowd)
    liquidators.act(truth, crowd)
    assert {each.account for each in liquidators.done} == set(may)
    for each in liquidators.done:
        # bonus of WETH: 5 %, at the feed's price
        paid = each.repaid / 10**6
        got = each.seized / WAD * FeedPrices(markets).price(mainnet.WETH, mainnet.USDC)
        assert 0.99 < got / paid < 1.051


def test_plain_account_is_worth_what_was_paid_in_and_is_leveraged(markets, truth):
    position = plain_leverage(markets, "weth/usdc", leverage=2, dollars=1_000_000)
    assert position.worth(FeedPrices(markets)) == pytest.approx(1_000_000, rel=1e-3)
    assert position.health() == pytest.approx(0.83 * 2, rel=1e-3)
    moved(truth, 0.9)
    assert position.worth(truth) == pytest.approx(800_000, rel=2e-3)


def test_plain_account_on_staked_ether_uses_the_category(markets, truth):
    position = plain_leverage(markets, "staked/weth", leverage=8, dollars=1_000_000)
    assert position.health() == pytest.approx(0.95 * 8 / 7, rel=1e-3)
    moved(truth, 0.5)
    assert position.worth(truth) * truth.moment.ether == pytest.approx(500_000, rel=5e-3)


def test_scenarios_need_the_crowds_chain(revm_empty):
    with pytest.raises(MarketError, match="no crowd on this chain"):
        Markets(revm_empty)


@pytest.fixture
def revm_empty():
    from ballast.fuzz.revm import Revm

    return Revm()


def test_account_without_debt_has_no_health_to_speak_of(markets):
    position = plain_leverage(markets, "weth/usdc", leverage=1.5)
    position.accounts[:] = [Account("nobody", markets.enter("nobody"), mainnet.WETH, mainnet.USDC)]
    assert position.health() is None


def test_providers_begin_again_where_the_price_has_gone(markets, truth, scenario):
    providers = Providers(markets, replace(scenario, depth=20_000_000))
    arbitrageur = Arbitrageur(markets, scenario)
    pool = pools(markets)[0]
    providers.act([pool], truth)
    before = pool.at.liquidity()
    arbitrageur.act([pool], moved(truth, 0.95))
    providers.act([pool], truth)
    assert pool.at.liquidity() == before  # within the middle of the range
    arbitrageur.act([pool], moved(truth, 0.8))
    thin = pool.at.liquidity()
    providers.act([pool], truth)
    added = pool.at.liquidity() - thin
    # L = y / (root p - root a), in USDC's units and WETH's: a fifth below the price
    price = pool.price() * 1e-12
    expected = 20_000_000e6 / truth.dollars(mainnet.USDC) / (price**0.5 * (1 - 1.0001 ** (-1_000)))
    assert added == pytest.approx(expected, rel=0.02)
    arbitrageur.act([pool], moved(truth, 0.99))
    providers.act([pool], truth)
    assert pool.at.liquidity() == pytest.approx(thin + added, rel=1e-9)

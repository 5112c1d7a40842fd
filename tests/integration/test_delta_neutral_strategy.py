"""A hedged range over real Aave v3 and Uniswap v3: each rule, each refusal, and every way out."""

from math import sqrt

import pytest

from ballast import mainnet
from tests.neutral_kit import *

FIRST, SECOND, THIRD = DEPOSITORS


def near(value, rel):
    return pytest.approx(value, rel=rel)


def stuck(held):
    """Name of the reading that a poke is stuck with."""
    with pytest.raises(Reverted) as refused:
        held.poke()
    assert refused.value.name == "Stuck"
    return bytes(refused.value.values[0]).rstrip(b"\0").decode()


def in_band(held, name):
    value, low, _, high = held.readings()[name]
    return low <= value <= high


def repay_for(held, amount):
    """Somebody repays a part of the account's debt."""
    place = held.place
    place.chain.deal(mainnet.WETH, THIRD, amount)
    place.weth.approve(mainnet.AAVE_POOL, MOST, sender=THIRD)
    place.aave.repay(mainnet.WETH, amount, 2, held.credit.address, sender=THIRD)


# --- into the band ---


def test_rebalance__puts_a_deposit_to_work_without_a_trade(neutral_place):
    held = neutral_place.neutral()
    held.deposit(MILLION)
    neutral_place.chain.wait(12)
    assert held.out() == {"idle"}
    price, root = neutral_place.feed_price(), neutral_place.market.root()
    held.poke()
    assert held.out() == set()
    assert neutral_place.market.root() == root, "nothing was traded"
    assert held.at.totalAssets() == near(MILLION, 1e-7)
    # half of a range around the price is base, hedged by as much debt, of which the collateral is target / LT times the
    # worth: with W in the range, V = W + C - W/2 and C = (1.6 / 0.78) W/2
    range_worth = 2 / (1 + 1.6 / 0.78) * MILLION
    assert held.credit.debt() * price // 10**30 == near(range_worth / 2, 5e-3)
    assert held.credit.collateral() == near(MILLION - range_worth / 2, 5e-3)
    assert held.health() == near(1.6, 1e-6)
    assert abs(held.delta()) < 1e-4
    assert held.at.idle() < MILLION / 10**5
    low, high = held.range.rangeWad()
    assert high / low == near(1.25**2, 0.01) and sqrt(low * high) == near(price, 0.005)


def test_rebalance__in_band_is_refused(neutral):
    assert neutral.out() == set()
    assert neutral.refusal() == "InBand"


def test_rebalance__counts_on_nothing_that_came_in_its_own_block(neutral, neutral_place):
    trader = neutral_place.trader(usdc=2 * MILLION)
    approve = (neutral_place.usdc, "approve", neutral.at.address, MOST)
    deposit = (neutral.at, "deposit", MILLION, trader.address)
    with pytest.raises(Reverted, match="InBand"):
        neutral_place.at_once(trader, approve, deposit, (neutral.at, "rebalance"))
    neutral_place.at_once(trader, approve, deposit)
    assert neutral.out() == set(), "in the same block"
    neutral_place.chain.wait(12)
    assert neutral.out() == {"idle"}
    neutral.poke()
    assert neutral.out() == set()


def test_rebalance__leaves_alone_what_came_in_its_block_while_it_acts(neutral, neutral_place):
    neutral_place.move(8)
    trader = neutral_place.trader(usdc=2 * MILLION)
    approve = (neutral_place.usdc, "approve", neutral.at.address, MOST)
    deposit = (neutral.at, "deposit", MILLION, trader.address)
    neutral_place.at_once(trader, approve, deposit, (neutral.at, "rebalance"))
    assert neutral.at.idle() >= MILLION
    assert neutral.credit.collateral() < MILLION


# --- back into the band ---


@pytest.mark.parametrize("percent", [5, -5, 8, -8, 11, -9])
def test_rebalance__one_action_repairs_delta_and_health_together(neutral, neutral_place, percent):
    neutral_place.move(percent)
    assert "delta" in neutral.out()
    # a range gains base as the price falls: long below, short above
    assert (neutral.delta() > 0) == (percent < 0)
    assert abs(neutral.health() - 1.6) > 0.05
    worth = neutral.at.totalAssets()
    neutral.poke()
    assert neutral.out() == set()
    assert abs(neutral.delta()) < 0.03
    assert abs(neutral.net_base()) * neutral_place.feed_price() / WAD < 0.03 * MILLION / USDC
    assert neutral.health() == near(1.6, 1e-6)
    # a fee of 0.05 % and as much of impact, on a trade of at most 16 % of the value
    assert 0 <= 1 - neutral.at.totalAssets() / worth < 0.16 * 0.001


@pytest.mark.parametrize("percent", [5, -5, 10, -10, 15, -15, 20, -20, 30, -25])
def test_rebalance__after_any_move_ends_neutral_and_centred(neutral, neutral_place, percent):
    """However thin the pool is there: chunk by chunk, and a new range once the cooldown is over."""
    neutral_place.chain.wait(2 * HOUR)
    neutral_place.move(percent)
    assert not in_band(neutral, "delta")
    pokes = neutral.keep(80)
    assert neutral.out() == set()
    assert abs(neutral.delta()) < 0.03
    assert neutral.health() >= 1.3
    if abs(percent) < 11:
        assert pokes == 1


def test_rebalance__keeps_more_than_the_same_range_without_a_hedge(neutral, neutral_place):
    """Down 20 % in steps of 4: an unhedged range of the same width, half in each token, would lose about 12 %."""
    start = neutral.at.totalAssets()
    unhedged = [neutral_place.feed_price()]
    for _ in range(5):
        neutral_place.chain.wait(2 * HOUR)
        unhedged.append(neutral_place.move(-4))
        neutral.keep()
    assert unhedged[-1] / unhedged[0] < 0.82
    assert neutral.at.totalAssets() / start > 0.98


def test_rebalance__recentres_only_after_its_cooldown(neutral, neutral_place):
    neutral_place.chain.wait(2 * HOUR)
    neutral_place.move(13)
    while not in_band(neutral, "centre"):
        neutral.poke()
        neutral_place.push_pool(neutral_place.feed_price())
    first = neutral.range.rangeWad()
    assert sqrt(first[0] * first[1]) == near(neutral_place.feed_price(), 0.005)
    neutral.keep()
    neutral_place.move(13)  # 31 minutes
    assert not in_band(neutral, "centre")
    while neutral.out() != {"centre"}:
        neutral.poke()
        neutral_place.push_pool(neutral_place.feed_price())
    assert stuck(neutral) == "centre"
    assert neutral.range.rangeWad() == first
    assert abs(neutral.delta()) < 0.03, "it is hedged all the same"
    neutral_place.chain.wait(HOUR)
    neutral_place.push_feed(neutral_place.feed_price())
    neutral.poke()
    assert in_band(neutral, "centre") and neutral.range.rangeWad() != first


@pytest.mark.parametrize("bps", [-40, 40, 300])
def test_rebalance__gives_no_liquidity_while_the_pool_is_off(neutral_place, bps):
    held = neutral_place.neutral()
    held.deposit(MILLION)
    price = neutral_place.feed_price()
    neutral_place.push_wide(price * (10_000 + bps) // 10_000)
    assert stuck(held) == "idle"
    neutral_place.push_wide(price * (10_000 + (20 if bps > 0 else -20)) // 10_000)
    held.poke()


def test_rebalance__gives_no_liquidity_while_the_market_was_off_before_the_block(neutral_place):
    """Who brings the range's pool to the feed's price for one block finds that the oracle's market was elsewhere."""
    held = neutral_place.neutral()
    held.deposit(MILLION)
    price = neutral_place.feed_price()
    neutral_place.push_pool(price * 10_080 // 10_000)
    neutral_place.chain.wait(12)
    neutral_place.push_wide(price)
    assert neutral_place.verdict() == GOOD
    assert stuck(held) == "idle"


def test_rebalance__does_not_recentre_while_the_pool_is_off(neutral, neutral_place):
    neutral_place.chain.wait(2 * HOUR)
    price = neutral_place.move(13)
    before = neutral.range.rangeWad()
    neutral_place.push_wide(price * 99 // 100)
    while neutral.refusal() is None:
        neutral.poke()
    assert stuck(neutral) == "centre"
    assert neutral.range.rangeWad() == before
    neutral_place.push_wide(price)
    neutral.poke()
    assert in_band(neutral, "centre") and neutral.range.rangeWad() != before


def test_rebalance__compounds_its_fees(neutral, neutral_place):
    price = neutral_place.feed_price()
    for _ in range(30):
        neutral_place.push_wide(price * 105 // 100)
        neutral_place.push_wide(price)
        if not in_band(neutral, "fees"):
            break
    neutral_place.push_pool(price)
    neutral_place.chain.wait(12)
    assert neutral.out() == {"fees"}
    earned, units, worth = neutral.range.fees(), neutral.range.liquidity(), neutral.at.totalAssets()
    assert worth > MILLION * 1.009, "what is earned counts"
    neutral.poke()
    assert neutral.out() == set()
    assert sum(earned) > 0 and sum(neutral.range.fees()) == 0
    assert neutral.range.liquidity() > units
    assert neutral.at.totalAssets() == near(worth, 1e-5)


def test_rebalance__borrows_more_when_the_health_is_too_high(neutral, neutral_place):
    repay_for(neutral, neutral.credit.debt() // 4)
    assert neutral.out() == {"delta", "health"}
    units = neutral.range.liquidity()
    neutral.keep()
    assert neutral.health() == near(1.6, 1e-6)
    assert neutral.range.liquidity() > units, "what was given works too"


def test_rebalance__follows_the_forecast(neutral, neutral_place):
    neutral_place.forecast(12 * WAD // 10, 16 * WAD // 10)
    _, low, target, _ = neutral.readings()["health"]
    assert low > 1.6 * WAD and target == near(1.1 * low, 1e-9)
    neutral_place.push_feed(neutral_place.feed_price())
    root, debt = neutral_place.market.root(), neutral.credit.debt()
    assert "health" in neutral.out()
    neutral.poke()
    assert neutral.health() == near(target / WAD, 1e-6)
    assert neutral.credit.debt() < debt
    assert neutral_place.market.root() == root, "the range repays: nothing is traded"
    assert neutral.out() == set()


# --- not out of band, wrong direction, too much loss ---


def test_rebalance__cuts_its_trades_to_what_the_budget_can_pay(neutral_place):
    rules = (TERMS, NEUTRAL_LIMITS, (1, DAY), RESCUE_BUDGET)
    held = neutral_place.neutral(rules=rules)
    held.deposit(MILLION)
    held.keep()
    neutral_place.move(-8)
    before, worth = held.delta(), held.at.totalAssets()
    held.poke()
    assert 0.03 < held.delta() < before
    for _ in range(5):
        if held.refusal() is None:
            held.poke()
    # half the budget at once: 0.5 of 1e4
    assert held.delta() > 0.03
    assert 0 < worth - held.at.totalAssets() <= worth * 0.5e-4
    neutral_place.chain.wait(DAY)
    neutral_place.settle()
    left = held.delta()
    held.poke()
    assert held.delta() < left - 0.01


def test_rebalance__that_loses_more_than_the_budget_is_refused(neutral_place):
    """Its exchange says one price and pays another: the loss shows in the net value."""
    exchange = neutral_place.lying_exchange()
    held = neutral_place.neutral(exchange=exchange)
    held.deposit(MILLION)
    held.keep()
    neutral_place.move(-8)
    honest = neutral_place.feed_price() // 10**12
    exchange.set(honest, honest, sender=OWNER)
    with neutral_place.chain.isolated():
        held.poke()
    # an eighth of the value is sold: 5 % less for it is 0.6 %, within a bucket of 1 %; 12 % less is not
    exchange.set(honest, honest * 95 // 100, sender=OWNER)
    with neutral_place.chain.isolated():
        held.poke()
    exchange.set(honest, honest * 88 // 100, sender=OWNER)
    assert held.refusal() == "LossBudgetExceeded"


def test_rebalance__that_ends_further_from_its_target_is_refused(neutral_place):
    """Base is paid for and hardly any comes: with less value the same net delta is more."""
    rules = (TERMS, (2**64 - 1,) * 4, (10_000, DAY), RESCUE_BUDGET)
    exchange = neutral_place.lying_exchange()
    held = neutral_place.neutral(exchange=exchange, rules=rules)
    held.deposit(MILLION)
    held.keep()
    neutral_place.move(8)
    honest = neutral_place.feed_price() // 10**12
    exchange.set(honest, honest, sender=OWNER)
    assert held.refusal() is None
    exchange.set(honest, honest * 10**6, sender=OWNER)
    assert held.refusal() in {"NotCloser", "PushedOut"}


@pytest.mark.parametrize("view", ["totalAssets", "readings", "exposure", "entryValue", "previewRedeem"])
def test_in_the_middle_of_a_trade__it_cannot_be_priced(neutral_place, view):
    exchange = neutral_place.lying_exchange()
    held = neutral_place.neutral(exchange=exchange)
    held.deposit(MILLION)
    held.keep()
    price = neutral_place.move(-8) // 10**12
    exchange.set(price, price, sender=OWNER)
    arguments = (10**6,) if view == "previewRedeem" else ()
    exchange.setCallback(held.at.address, getattr(held.at, view).data(*arguments), sender=OWNER)
    held.poke()
    assert not exchange.answered()
    assert neutral_place.chain.reverted(bytes(exchange.answer())).name == "ReentrancyGuardReentrantCall"


@pytest.mark.parametrize("call", ["deposit", "redeem", "rebalance", "withdraw"])
def test_in_the_middle_of_a_trade__nobody_gets_in(neutral_place, call):
    exchange = neutral_place.lying_exchange()
    held = neutral_place.neutral(exchange=exchange)
    held.deposit(MILLION)
    held.keep()
    price = neutral_place.move(-8) // 10**12
    exchange.set(price, price, sender=OWNER)
    arguments = {"deposit": (USDC, FIRST), "redeem": (1, FIRST, FIRST, 0), "withdraw": (1, FIRST, FIRST)}
    exchange.setCallback(held.at.address, getattr(held.at, call).data(*arguments.get(call, ())), sender=OWNER)
    held.poke()
    assert not exchange.answered()


def test_rebalance__beyond_a_limit_is_refused(neutral_place):
    limits = (WAD // 5, WAD // 10, WAD // 2, 2**64 - 1)
    held = neutral_place.neutral(rules=(TERMS, limits, BUDGET, RESCUE_BUDGET))
    held.deposit(MILLION)
    assert held.refusal() == "LimitExceeded"


def test_rebalance__without_venues_is_stuck(neutral_place):
    made = neutral_place.make(
        "DeltaNeutralStrategy",
        neutral_place.setup("bare"),
        neutral_place.planner.address,
        NEUTRAL_RULES,
        neutral_place.feed.address,
        neutral_place.pair,
        NEUTRAL_BANDS,
    )
    held = Held(neutral_place, made)
    assert held.refusal() == "InBand"
    held.deposit(MILLION)
    assert held.at.totalAssets() == MILLION
    neutral_place.chain.wait(12)
    assert held.redeem(held.at.balanceOf(FIRST)) == near(MILLION, 1e-9)


# --- while the price is not good ---


@pytest.mark.parametrize("verdict", [STALE, DISPUTED])
def test_rebalance__while_the_price_is_not_good__adds_nothing(neutral_place, verdict):
    held = neutral_place.neutral()
    held.deposit(MILLION)
    make_bad(neutral_place, verdict)
    assert held.refusal() == "PriceNotGood"
    assert held.at.maxDeposit(FIRST) == held.at.maxMint(FIRST) == 0
    with pytest.raises(Reverted, match="PriceNotGood"):
        held.deposit(USDC)


@pytest.mark.parametrize("verdict", [STALE, DISPUTED])
def test_rebalance__while_the_price_is_not_good__anyone_raises_a_health_too_low(neutral, neutral_place, verdict):
    neutral_place.forecast(12 * WAD // 10, 16 * WAD // 10)
    neutral_place.push_feed(neutral_place.feed_price())
    make_bad(neutral_place, verdict)
    before = neutral.health(), neutral.range.liquidity(), neutral.credit.debt()
    assert not in_band(neutral, "health")
    neutral.poke()
    assert in_band(neutral, "health") and neutral.health() > before[0]
    assert neutral.range.liquidity() < before[1] and neutral.credit.debt() < before[2]


@pytest.mark.parametrize("percent", [-9, 9])
def test_rebalance__in_a_dispute_trades_what_both_prices_agree_on(neutral, neutral_place, percent):
    price = neutral_place.move(percent)
    neutral_place.push_feed(price * 103 // 100)
    assert neutral_place.verdict() == DISPUTED
    before, units, debt = neutral.delta(), neutral.range.liquidity(), neutral.credit.debt()
    assert not in_band(neutral, "delta")
    neutral.poke()
    assert abs(neutral.delta()) < abs(before)
    assert neutral.range.liquidity() <= units and neutral.credit.debt() <= debt


def test_rebalance__trades_nothing_where_the_two_prices_disagree_on_the_side(neutral, neutral_place):
    """By the feed, 5 % down, the range is long; by the pool, 5 % up, it is short."""
    price = neutral_place.feed_price()
    neutral_place.push_pool(price * 105 // 100)
    neutral_place.chain.wait(31 * 60)
    neutral_place.push_feed(price * 95 // 100)
    assert neutral_place.verdict() == DISPUTED
    low, high = (neutral.range.holdingsAt(price * part // 100)[1] - neutral.credit.debt() for part in (95, 105))
    assert low > 0 > high and min(low, -high) * price // 10**30 > 0.05 * MILLION
    assert neutral.readings()["delta"][0] == 0
    assert stuck(neutral) == "oracle"


def test_rebalance__in_a_crash_with_the_spot_ahead_health_goes_before_delta(neutral, neutral_place):
    """The pools are 25 % up, the feed too, the mean lags: the health factor by the higher price is too low, and what is
    known of the net delta is too little to trade by."""
    price = neutral_place.feed_price()
    neutral_place.push_pool(price * 125 // 100)
    neutral_place.push_feed(price * 124 // 100)
    assert neutral_place.verdict() == DISPUTED
    assert not in_band(neutral, "health")
    before = neutral.health()
    neutral.poke()
    assert neutral.health() > before and in_band(neutral, "health")


def make_bad(place, verdict):
    if verdict == STALE:
        place.chain.wait(3 * HOUR)
    else:
        price = place.feed_price()
        place.push_feed(price * 103 // 100)
        place.chain.wait(12)
    assert place.verdict() == verdict


# --- limits of the lending market ---


def governor(place):
    """Aave's settings, changed as its own admin."""
    aave = Aave(place)
    signatures = ("setSupplyCap(address,uint256)", "setBorrowCap(address,uint256)")
    configurator = aave._at(mainnet.AAVE_POOL_CONFIGURATOR, *signatures)
    return lambda method, *arguments: getattr(configurator, method)(*arguments, sender=aave.admin)


def test_rebalance__borrows_no_more_than_the_market_lends(neutral_place):
    held = neutral_place.neutral()
    held.deposit(MILLION)
    borrowed = place_debt(neutral_place, mainnet.WETH)
    governor(neutral_place)("setBorrowCap", mainnet.WETH, borrowed // ETHER + 100)
    most = held.credit.borrowable()
    assert 0 < most < 168 * ETHER
    # what cannot be hedged is not given: the rest of the money is collateral, and the health factor higher than wanted
    assert held.refusal() == "PushedOut"
    governor(neutral_place)("setBorrowCap", mainnet.WETH, borrowed // ETHER + 150)
    held.poke()
    assert held.credit.debt() <= 150 * ETHER
    assert abs(held.delta()) < 1e-4
    assert held.health() > 1.6


def test_rebalance__supplies_no_more_than_the_market_takes(neutral_place):
    held = neutral_place.neutral()
    held.deposit(MILLION)
    token = neutral_place.chain.at(mainnet.AAVE_A_USDC, Interface("aUSDC", mainnet.ERC20_ABI))
    governor(neutral_place)("setSupplyCap", mainnet.USDC, token.totalSupply() // USDC + 320_000)
    room = held.credit.suppliable()
    assert 0 < room < 330_000 * USDC
    held.poke()
    assert held.credit.collateral() <= room + 2
    assert held.health() >= 1.6 * (1 - 1e-6)
    assert abs(held.delta()) < 1e-4
    assert held.at.idle() > 0
    assert held.out() == set(), "what nobody takes is of no use"


def place_debt(place, reserve):
    data = place.aave.getReserveData(reserve)
    return place.chain.at(data[10], Interface("debt", mainnet.ERC20_ABI)).totalSupply()


# --- entry and exit ---


@pytest.mark.parametrize("percent", [0, 4, -4, 9, -9, 20, -20])
@pytest.mark.parametrize("part", [1, 3, 1000])
def test_redeem__pays_what_the_preview_said_and_hurts_nobody(neutral, neutral_place, percent, part):
    neutral.deposit(MILLION // 2, SECOND)
    if percent:
        neutral_place.move(percent)
    shares = min(neutral.at.balanceOf(FIRST) // part, neutral.at.maxRedeem(FIRST))
    assert shares >= neutral.at.balanceOf(FIRST) // part * 9 // 10, "the pool is thin after a fall of 20 %"
    before = neutral.price_per_share()
    held = [neutral.range.liquidity(), neutral.credit.collateral()]
    owed, supply = neutral.credit.debt(), neutral.at.totalSupply()
    worth = neutral.at.convertToAssets(shares)
    paid = neutral.redeem(shares)
    left = (supply - shares) / supply
    assert paid == near(worth, 3e-3) and paid <= worth + 2
    assert neutral.price_per_share() >= before * (1 - 1e-11)
    # who stays keeps the same positions per share: no less of what is held, no more of what is owed
    assert neutral.range.liquidity() >= held[0] * left * (1 - 1e-9)
    assert neutral.credit.collateral() >= held[1] * left * (1 - 1e-9) - 2
    assert neutral.credit.debt() <= owed * left * (1 + 1e-9) + 20


def test_redeem__the_last_one_leaves_nothing_worth_having(neutral, neutral_place):
    neutral_place.move(-4)
    neutral.redeem(neutral.at.balanceOf(FIRST))
    assert neutral.at.totalSupply() == 0
    assert neutral.at.totalAssets() < 100
    assert neutral.credit.debt() * neutral_place.feed_price() // 10**30 < 100
    assert neutral.refusal() == "InBand", "crumbs are left alone"
    # and who comes after finds it as new
    neutral.deposit(MILLION, SECOND)
    neutral_place.settle()
    neutral.keep()
    assert neutral.out() == set() and neutral.health() == near(1.6, 1e-6)


@pytest.mark.parametrize("assets", [1, USDC, 123_456_789_012, 990_000 * USDC])
def test_withdraw__pays_exactly(neutral, neutral_place, assets):
    neutral_place.move(4)
    before = neutral_place.usdc.balanceOf(FIRST)
    said = neutral.at.previewWithdraw(assets)
    burned = neutral.at.withdraw(assets, FIRST, FIRST, sender=FIRST)
    assert neutral_place.usdc.balanceOf(FIRST) - before == assets
    assert burned == near(said, 1e-9)


@pytest.mark.parametrize("percent", [0, 9, -9])
def test_withdraw__all_that_may_be_withdrawn_never_reverts(neutral, neutral_place, percent):
    if percent:
        neutral_place.move(percent)
    most = neutral.at.maxWithdraw(FIRST)
    assert most == near(neutral.at.totalAssets(), 3e-3)
    neutral.at.withdraw(most, FIRST, FIRST, sender=FIRST)
    assert neutral.at.balanceOf(FIRST) <= 10**9


@pytest.mark.parametrize("bps", [-300, 300])
def test_max_redeem__ends_where_the_trade_would_pass_the_tolerance(neutral, neutral_place, bps):
    """Half the debt was repaid by somebody: a large net delta must be sold by who leaves."""
    repay_for(neutral, neutral.credit.debt() // 2)
    price = neutral_place.feed_price()
    neutral_place.push_pool(price * (10_000 + bps) // 10_000)
    most, shares = neutral.at.maxRedeem(FIRST), neutral.at.balanceOf(FIRST)
    if bps < 0:
        assert most == 0, "the pool pays less than 1 % under the price"
        assert neutral.at.redeem(shares, FIRST, FIRST, 1, sender=FIRST) > 0, "who accepts that may go"
    else:
        assert most == shares
        neutral.redeem(most)


def test_redeem__with_a_least_amount(neutral):
    shares = neutral.at.balanceOf(FIRST)
    said = neutral.at.previewRedeem(shares)
    with pytest.raises(Reverted, match="Slippage"):
        neutral.at.redeem(shares, FIRST, FIRST, said + 1, sender=FIRST)
    assert neutral.at.redeem(shares, FIRST, FIRST, said, sender=FIRST) == said


def test_exit__from_a_dry_market_says_so_and_pays_when_it_is_wet_again(neutral, neutral_place):
    aave = Aave(neutral_place)
    aave.drain(mainnet.USDC, leave=100_000 * USDC)
    most, shares = neutral.at.maxRedeem(FIRST), neutral.at.balanceOf(FIRST)
    assert 0 < most < shares // 5
    neutral.redeem(most)
    aave.refill(mainnet.USDC)
    neutral.redeem(neutral.at.balanceOf(FIRST))


@pytest.mark.parametrize("reserve", [mainnet.USDC, mainnet.WETH])
def test_while_the_lender_is_paused__nothing_leaves_and_it_says_so(neutral, neutral_place, reserve):
    aave = Aave(neutral_place)
    aave.pause(reserve)
    assert neutral.at.maxRedeem(FIRST) == neutral.at.maxWithdraw(FIRST) == 0
    with pytest.raises(Reverted):
        neutral.at.redeem(neutral.at.balanceOf(FIRST), FIRST, FIRST, sender=FIRST)
    aave.pause(reserve, False)
    neutral.redeem(neutral.at.balanceOf(FIRST))


def test_exit__below_a_health_of_1_waits(neutral, neutral_place):
    price = neutral_place.feed_price()
    neutral_place.push_feed(price * 17 // 10)
    assert neutral.credit.healthFactorWad() < WAD
    assert neutral.at.maxRedeem(FIRST) == 0


def test_without_any_price__nothing_is_valued_and_who_asks_for_no_price_may_leave(neutral_place):
    oracle = neutral_place.make("OracleStandIn")
    price = neutral_place.feed_price()
    oracle.set(price, price, GOOD, sender=OWNER)
    held = neutral_place.neutral(oracle=oracle)
    held.deposit(MILLION)
    held.keep()
    oracle.set(0, 0, STALE, sender=OWNER)
    with pytest.raises(Reverted, match="PriceUnknown"):
        held.at.totalAssets()
    assert held.refusal() == "PriceUnknown"
    shares = held.at.balanceOf(FIRST)
    said = held.at.previewRedeem(shares)
    assert held.at.redeem(shares, FIRST, FIRST, said, sender=FIRST) == said == near(MILLION, 1e-5)


def test_deposit_and_leave__never_gains(neutral, neutral_place):
    for percent in (0, 3, -3):
        with neutral_place.chain.isolated():
            if percent:
                neutral_place.move(percent)
            for assets in (1, 10**9, 10 * MILLION):
                shares = neutral.deposit(assets, SECOND)
                assert neutral.at.previewRedeem(shares) <= assets


# --- emergency ---


def test_unwind__turns_all_into_assets(neutral, neutral_place):
    neutral_place.move(8)
    worth = neutral.at.totalAssets()
    with pytest.raises(Reverted, match="Unauthorized"):
        neutral.at.unwind(sender=STRANGER)
    for _ in range(3):
        neutral.at.unwind(sender=GUARDIAN)
        neutral_place.push_pool(neutral_place.feed_price())
    assert neutral.at.paused()
    assert neutral.range.liquidity() == 0 and neutral.credit.debt() == 0
    assert neutral.credit.collateral() <= USDC // 100
    assert neutral.at.idle() == near(worth, 2e-3)
    assert neutral.refusal() == "InBand"
    assert neutral.redeem(neutral.at.balanceOf(FIRST)) == near(worth, 2e-3)


@pytest.mark.parametrize("reserve", [mainnet.USDC, mainnet.WETH])
def test_unwind__passes_over_a_paused_lender(neutral, neutral_place, reserve):
    aave = Aave(neutral_place)
    aave.pause(reserve)
    neutral.at.unwind(sender=GUARDIAN)
    assert neutral.range.liquidity() == 0
    aave.pause(reserve, False)
    for _ in range(3):
        neutral.at.unwind(sender=GUARDIAN)
    assert neutral.credit.debt() == 0 and neutral.credit.collateral() <= USDC // 100


def test_paused__reduces_but_adds_nothing(neutral, neutral_place):
    neutral.at.pause(sender=GUARDIAN)
    assert neutral.at.maxDeposit(FIRST) == 0
    neutral_place.move(-5)
    units, debt = neutral.range.liquidity(), neutral.credit.debt()
    neutral.poke()
    assert in_band(neutral, "delta")
    assert neutral.range.liquidity() <= units and neutral.credit.debt() <= debt
    assert neutral.refusal() == "InBand"


# --- roles and construction ---


def test_bands__tightening_is_the_guardians_loosening_the_owners(neutral):
    tighter = {
        "MIN_HEALTH": 14 * WAD // 10,
        "TARGET_HEALTH": 18 * WAD // 10,
        "MAX_HEALTH": 3 * WAD,
        "HEALTH_MARGIN": 12 * WAD // 10,
        "HEALTH_EPSILON": WAD // 10**6,
        "REACTION_TIME": 2 * HOUR,
        "COOLDOWN": 2 * HOUR,
        "SPOT_BPS": 10,
    }
    looser = {
        "MIN_HEALTH": 12 * WAD // 10,
        "TARGET_HEALTH": 15 * WAD // 10,
        "MAX_HEALTH": 17 * WAD // 10,
        "HEALTH_MARGIN": WAD,
        "HEALTH_EPSILON": WAD // 100,
        "REACTION_TIME": 600,
        "COOLDOWN": 600,
        "SPOT_BPS": 40,
        "DELTA_BAND": WAD // 100,
        "WIDTH": 14 * WAD // 10,
        "INNER": 105 * WAD // 100,
        "IDLE_BPS": 100,
        "FEE_BPS": 50,
    }
    for fields, who, allowed in (
        *((each, GUARDIAN, True) for each in tighter.items()),
        *((each, GUARDIAN, False) for each in looser.items()),
        *((each, OWNER, True) for each in looser.items()),
        *((each, STRANGER, False) for each in tighter.items()),
    ):
        with neutral.chain.isolated():
            call = lambda: neutral.rules.setBands(bands_with(**dict([fields])), sender=who)  # noqa: B023, E731
            if allowed:
                call()
                assert tuple(neutral.rules.bands()) == bands_with(**dict([fields]))
            else:
                with pytest.raises(Reverted, match="Unauthorized"):
                    call()


@pytest.mark.parametrize(
    "fields",
    [
        {"DELTA_BAND": 0},
        {"MIN_HEALTH": WAD},
        {"MIN_HEALTH": 17 * WAD // 10},
        {"MAX_HEALTH": 15 * WAD // 10},
        {"HEALTH_MARGIN": WAD - 1},
        {"HEALTH_EPSILON": 0},
        {"WIDTH": WAD},
        {"INNER": 126 * WAD // 100},
        {"INNER": WAD},
        {"COOLDOWN": 0},
        {"SPOT_BPS": 0},
        {"SPOT_BPS": 1_001},
        {"IDLE_BPS": 0},
        {"FEE_BPS": 10_001},
    ],
    ids=str,
)
def test_bands__out_of_range_are_refused(neutral, fields):
    with pytest.raises(Reverted):
        neutral.rules.setBands(bands_with(**fields), sender=OWNER)


def test_venues__are_given_once_and_must_be_its_own(neutral_place):
    place = neutral_place
    first = place.neutral()
    with pytest.raises(Reverted, match="WrongVenue"):
        first.at.setVenues(first.range.address, first.credit.address, sender=OWNER)
    second = place.make(
        "DeltaNeutralStrategy",
        place.setup("second"),
        place.planner.address,
        NEUTRAL_RULES,
        place.feed.address,
        place.pair,
        NEUTRAL_BANDS,
    )
    wide, near_ = mainnet.UNISWAP_V3_USDC_WETH_3000, mainnet.UNISWAP_V3_USDC_WETH_500
    make_range = lambda who, pool: place.make("UniswapV3Liquidity", who, mainnet.USDC, pool, place.oracle.address)  # noqa: E731
    make_credit = lambda who, *tokens: place.make(  # noqa: E731
        "AaveV3Credit", (who, *tokens, mainnet.AAVE_ADDRESSES_PROVIDER, place.oracle.address, 0)
    )
    short = (mainnet.USDC, mainnet.WETH, mainnet.USDC)
    own_range, own_credit = make_range(second.address, wide), make_credit(second.address, *short)
    for range_, credit in (
        (first.range, own_credit),
        (own_range, first.credit),
        (make_range(second.address, near_), own_credit),  # the exchange's own pool
        (own_range, make_credit(second.address, mainnet.WETH, mainnet.USDC, mainnet.USDC)),
        (own_range, make_credit(second.address, mainnet.USDC, mainnet.WETH, mainnet.WETH)),
    ):
        with pytest.raises(Reverted, match="WrongVenue"):
            second.setVenues(range_.address, credit.address, sender=OWNER)
    with pytest.raises(Reverted, match="Unauthorized"):
        second.setVenues(own_range.address, own_credit.address, sender=STRANGER)
    second.setVenues(own_range.address, own_credit.address, sender=OWNER)


def test_construction__refuses_a_planner_of_another_exchange(neutral_place):
    place = neutral_place
    other = place.make("NeutralPlanner", place.wide.exchange.address)
    with pytest.raises(Reverted, match="WrongExchange"):
        place.make(
            "DeltaNeutralStrategy",
            place.setup("other"),
            other.address,
            NEUTRAL_RULES,
            place.feed.address,
            place.pair,
            NEUTRAL_BANDS,
        )


def test_on_trade__takes_calls_only_from_the_exchange_and_only_when_asked(neutral_place):
    exchange = neutral_place.lying_exchange()
    held = neutral_place.neutral(exchange=exchange)
    data = (0).to_bytes(32, "big") * 2
    with pytest.raises(Reverted, match="NotTrading"):
        held.at.onTrade(True, 1, 1, data, sender=STRANGER)
    with pytest.raises(Reverted, match="NotTrading"):
        exchange.intrude(held.at.address, data, sender=STRANGER)
    held.deposit(MILLION)
    held.keep()
    price = neutral_place.move(-8) // 10**12
    exchange.set(price, price, sender=OWNER)
    exchange.setRepeats(True, sender=OWNER)
    assert held.refusal() == "NotTrading", "once for each trade"


def test_exposure__is_that_of_range_and_debt(neutral, neutral_place):
    price = neutral_place.feed_price()
    base, delta, gamma, gross, net = neutral.at.exposure()
    assert base == mainnet.WETH.lower() and net == neutral.at.totalAssets()
    low, high = neutral.range.rangeWad()
    held = neutral.range.holdingsAt(price)[1]
    by_price = (held - neutral.credit.debt()) * price / 10**30
    by_spot = (neutral.range.holdings()[1] - neutral.credit.debt()) * price / 10**30
    assert delta == pytest.approx(max(by_price, by_spot, key=abs), abs=10)
    assert gross == near((held + neutral.credit.debt()) * price / 10**30, 1e-3)
    # x = L (1/sqrt(P) - 1/sqrt(Pb)): dx/dP = -L / (2 P^1.5), and L from x itself
    root = sqrt(price / WAD)
    units = held / ETHER / (1 / root - 1 / sqrt(high / WAD))
    assert gamma == near(-units / (2 * root**3) * (price / WAD) / 100 * (price / WAD) * USDC, 1e-3)
    assert low < price < high

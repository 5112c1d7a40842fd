"""Liquidity over a real Uniswap v3 pool: each rule, each refusal, every way out, and who tries to gain by them."""

from math import sqrt

import pytest

from ballast.market.sandwich import ATTACKER
from tests.liquidity_kit import *

FIRST, SECOND, THIRD = DEPOSITORS
BPS = 10_000
ROOMY = (10_000, DAY)  # a loss budget that binds nobody


def near(value, rel):
    return pytest.approx(value, rel=rel)


def stuck(held):
    """Name of the reading that a poke is stuck with."""
    with pytest.raises(Reverted) as refused:
        held.poke()
    assert refused.value.name == "Stuck"
    return bytes(refused.value.values[0]).rstrip(b"\0").decode()


def moved(place, factor):
    """All sources at a multiple of the price."""
    place.settle(int(place.feed_price() * factor))


def churn(place, times, part=3):
    """Traders move the pool up and down by so many per cent, and back."""
    price = place.feed_price()
    for _ in range(times):
        place.push_pool(price * (100 + part) // 100)
        place.push_pool(price * (100 - part) // 100)
    place.push_pool(price)
    place.chain.wait(12)


def drain(place):
    """Everybody leaves the pool but one, who has about 200,000 USDC of both tokens between half and twice the price."""
    price = place.feed_price()
    place.market.clear()
    place.market.provide(place.market.tick_at(price * 2), place.market.tick_at(price // 2), MILLION // 10, 100 * ETHER)


# --- into the band ---


def test_rebalance__opens_the_range_around_the_oracles_price(place):
    held = provide(place)
    held.deposit(MILLION)
    place.chain.wait(12)
    assert held.out() == {"idle"}
    assert held.keep() > 1, "half a million is more than the pool takes safely at once"
    price, (lower, upper) = place.feed_price(), held.venue.rangeWad()
    step = 1.001  # ten ticks
    assert 1 / step < upper / (price * 1.1) < step
    assert 1 / step < lower / (price / 1.1) < step
    assert held.at.idle() + held.at.idleBase() * price // 10**30 < 10 * USDC, "what is traded fits exactly"
    assert 0 < 1 - held.at.totalAssets() / MILLION < 0.0006, "half of it traded, at a fee and an impact of 0.05 %"


def test_rebalance__in_band_is_refused(provided):
    assert provided.refusal() == "InBand"


def test_rebalance__without_a_venue_is_stuck(place):
    made = place.make("LiquidityStrategy", place.setup("bLIQ"), RULES, RANGE)
    held = Held(place, made)
    held.deposit(MILLION)
    place.chain.wait(12)
    assert stuck(held) == "idle"
    assert held.redeem(made.balanceOf(FIRST)) == MILLION - 1


def test_rebalance__counts_on_nothing_that_came_in_its_own_block(provided, place):
    trader = place.trader(usdc=2 * MILLION)
    approve = (place.usdc, "approve", provided.at.address, MOST)
    with pytest.raises(Reverted, match="InBand"):
        place.at_once(trader, approve, (provided.at, "deposit", MILLION, trader.address), (provided.at, "rebalance"))
    place.at_once(trader, approve, (provided.at, "deposit", MILLION, trader.address))
    place.chain.wait(12)
    assert provided.out() == {"idle"}


def test_rebalance__adds_idle_assets_to_the_range_there_is(provided, place):
    range_, liquidity = provided.venue.rangeWad(), provided.venue.liquidity()
    provided.deposit(MILLION // 10, SECOND)
    place.chain.wait(12)
    total = provided.at.totalAssets()
    provided.poke()
    assert provided.venue.rangeWad() == range_
    assert provided.venue.liquidity() == near(liquidity * 1.1, 1e-3)
    assert provided.idle() < 1e-6 and provided.at.totalAssets() == near(total, 1e-4)


def test_rebalance__compounds_the_fees(provided, place):
    churn(place, 16)
    assert provided.out() == {"fees"}
    earned, range_ = provided.venue.fees(), provided.venue.rangeWad()
    liquidity, total = provided.venue.liquidity(), provided.at.totalAssets()
    assert min(earned) > 0
    provided.poke()
    share = (earned[0] + earned[1] * place.feed_price() // 10**30) / total
    assert share > RANGE[FEES] / BPS
    assert provided.venue.liquidity() == near(liquidity * (1 + share), share / 100)
    assert provided.venue.rangeWad() == range_
    assert provided.venue.fees()[0] < earned[0] / 1_000 and provided.idle() < 1e-6
    assert provided.at.totalAssets() == near(total, 1e-6)


# --- the range follows the price ---


@pytest.mark.parametrize("factor", [1.07, 0.93])
def test_rebalance__recentres_when_the_price_leaves_the_inner_band(provided, place, factor):
    moved(place, factor)
    assert provided.out() == {"centre"}
    before, total = abs(provided.centre() - 1), provided.at.totalAssets()
    provided.poke()
    assert abs(provided.centre() - 1) < before
    assert provided.at.totalAssets() == near(total, 2e-4)
    place.chain.wait(HOUR)
    provided.keep()
    assert provided.out() == set()
    lower, upper = provided.venue.rangeWad()
    assert sqrt(upper / lower) == near(1.1, 2e-3)


def test_rebalance__within_the_inner_band_leaves_the_range(provided, place):
    for factor in (1.04, 0.96 / 1.04):
        moved(place, factor)
        assert provided.refusal() == "InBand"


@pytest.mark.parametrize("factor", [1.16, 0.86])
def test_rebalance__beyond_the_range_goes_after_the_price_in_parts(provided, place, factor):
    """All is in one token then, and half of it is more than the market takes: no part is left idle meanwhile."""
    moved(place, factor)
    assets, bases = provided.venue.holdings()
    assert min(assets, bases) == 0
    total, centres = provided.at.totalAssets(), []
    for _ in range(40):
        if not provided.out():
            break
        provided.poke()
        centres.append(abs(provided.centre() - 1))
        assert provided.idle() < RANGE[IDLE_BAND] / BPS
        assert min(provided.venue.holdings()) > 0
        place.settle()
        place.chain.wait(HOUR)
        place.push_feed(place.feed_price())
    assert len(centres) > 1 and centres == sorted(centres, reverse=True)
    assert provided.out() == set()
    assert provided.at.totalAssets() == near(total, 6e-4)


def test_rebalance__moves_the_range_once_a_cooldown(provided, place):
    place.chain.wait(12)
    provided.at.rules()
    moved(place, 1.08)
    provided.poke()
    place.chain.wait(HOUR - 60)
    place.settle(place.feed_price())
    moved(place, 1.06)
    held = provided
    while held.at.placedAt() + HOUR <= place.chain.now:
        held.poke()
        moved(place, 1.06)
    assert "centre" in held.out()
    assert stuck(held) == "centre"
    place.chain.wait(HOUR)
    place.push_feed(place.feed_price())
    held.poke()


def test_rebalance__keeps_old_idle_assets_out_of_a_range_that_they_would_hold_back(provided, place):
    """A rise has made assets of the base; what a depositor brought besides would put the price nearer to the edge."""
    provided.deposit(3 * MILLION, SECOND)
    moved(place, 1.08)
    assert provided.out() == {"centre", "idle"}
    before = provided.centre()
    provided.poke()
    assert 1 < provided.centre() < before
    assert 0.5 < provided.idle() < 0.75


def test_rebalance__centres_the_range_by_old_idle_assets_where_these_are_what_it_lacks(provided, place):
    """A fall has made base of the assets; a depositor brought assets besides, more than the pool trades at once."""
    provided.deposit(3 * MILLION, SECOND)
    moved(place, 0.93)
    assert provided.out() == {"centre", "idle"}
    idle = provided.idle()
    provided.poke()
    assert provided.centre() == near(1, 1e-3)
    assert provided.idle() < idle


def test_rebalance__finds_no_nearer_range_than_the_ticks_allow(provided):
    """Ticks of this pool are a tenth of a per cent apart; the owner now wants a hundredth."""
    assert provided.centre() != near(1, 1e-4)
    provided.rules.setBands(ranged(INNER=1), sender=OWNER)
    assert provided.out() == {"centre"}
    assert provided.refusal() == "NotCloser"


# --- when nothing may be done ---


@pytest.mark.parametrize("verdict", [STALE, DISPUTED])
def test_rebalance__while_the_price_is_not_good_is_refused_and_exits_pass(provided, place, verdict):
    moved(place, 1.07)
    if verdict == STALE:
        place.chain.wait(3 * HOUR)
    else:
        place.push_feed(place.feed_price() * 104 // 100)
        place.push_pool(place.feed_price())
    assert place.verdict() == verdict
    assert provided.refusal() == "PriceNotGood"
    assert provided.at.maxDeposit(FIRST) == provided.at.maxMint(FIRST) == 0
    with pytest.raises(Reverted, match="PriceNotGood"):
        provided.deposit(USDC)
    shares = provided.at.maxRedeem(FIRST) // 2
    assert provided.redeem(shares) > MILLION * 45 // 100
    provided.at.unwind(sender=GUARDIAN)
    assert provided.venue.liquidity() == 0


def test_rebalance__says_so_when_only_the_oracle_is_out(provided, place):
    place.chain.wait(3 * HOUR)
    assert provided.out() == {"oracle"}
    assert stuck(provided) == "oracle"


@pytest.mark.parametrize("percent", [99, 101])
def test_rebalance__while_spot_is_away_from_the_oracle_is_refused(provided, place, percent):
    moved(place, 1.07)
    place.push_pool(place.feed_price() * percent // 100)
    place.chain.wait(12)
    assert provided.out() == {"centre", "spot"}
    assert place.verdict() == GOOD
    assert stuck(provided) == "spot"
    place.push_pool(place.feed_price())
    place.chain.wait(12)
    provided.poke()
    place.push_pool(place.feed_price() * percent // 100)
    place.chain.wait(12)
    assert provided.out() >= {"spot"}
    assert stuck(provided) == "spot"


@pytest.mark.parametrize("bps", [-25, 25])
def test_rebalance__after_a_move_in_its_own_block_is_refused(provided, place, bps):
    """Near enough to the oracle, but somebody has just pushed it there."""
    moved(place, 1.07)
    place.push_pool(place.feed_price() * (BPS + bps) // BPS)
    assert provided.out() == {"centre"}
    assert stuck(provided) == "spot"
    place.chain.wait(12)
    provided.poke()


def test_rebalance__that_costs_more_than_the_budget_is_cut_and_then_refused(place):
    held = provide(place, rules=(TERMS, LIMITS, (2, DAY), RESCUE_BUDGET))
    held.deposit(MILLION)
    place.chain.wait(12)
    done = 0
    while held.refusal() is None:
        held.poke()
        place.push_pool(place.feed_price())
        done += 1
    # nothing can be traded for what is left of the budget, or only so little that a unit's rounding is more
    assert done > 1 and held.refusal() in ("Stuck", "LossBudgetExceeded", "NotCloser")
    assert held.out() == {"idle"}
    lost = 1 - held.at.totalAssets() / MILLION
    assert 0.00009 < lost <= 0.00011, "half of 2 bp at once, spent to the end, and what came back in the meantime"
    place.chain.wait(DAY)
    place.settle()
    held.poke()


def test_rebalance__that_lost_more_than_the_budget_is_refused(place):
    """An exchange that keeps 3 % of what it pays."""
    rash = place.make("RashExchangeStandIn", place.exchange.address)
    held = provide(place, exchange=rash, rules=(TERMS, LIMITS, (40, DAY), RESCUE_BUDGET))
    held.deposit(MILLION)
    place.chain.wait(12)
    rash.set(1, 300, sender=OWNER)
    assert held.refusal() == "LossBudgetExceeded"
    rash.set(1, 0, sender=OWNER)
    held.poke()


def test_rebalance__beyond_a_limit_is_refused(place):
    held = provide(place, rules=(TERMS, (WAD // 10, *LIMITS[1:]), BUDGET, RESCUE_BUDGET))
    held.deposit(MILLION)
    place.chain.wait(12)
    assert held.refusal() == "LimitExceeded"
    held.rules.setLimits(LIMITS, sender=OWNER)
    held.poke()


def test_paused__nothing_is_due_and_who_wants_may_leave(provided, place):
    moved(place, 1.07)
    assert provided.out() == {"centre"}
    provided.at.pause(sender=GUARDIAN)
    assert provided.out() == set()
    assert provided.refusal() == "InBand"
    assert provided.redeem(provided.at.balanceOf(FIRST) // 2) > 0
    provided.at.unpause(sender=OWNER)
    provided.poke()


# --- value and exposure ---


def test_total_assets__is_at_the_oracles_price_and_not_moved_by_spot(provided, place):
    before, fees = provided.at.totalAssets(), provided.venue.fees()
    for percent in (90, 110):
        place.push_pool(place.feed_price() * percent // 100)
        earned = [now - was for now, was in zip(provided.venue.fees(), fees, strict=True)]
        worth = earned[0] + earned[1] * place.feed_price() // 10**30
        assert provided.at.totalAssets() - before == pytest.approx(worth, abs=2)


def test_total_assets__in_a_dispute_is_by_the_lower_source(provided, place):
    place.crash(10)
    feed, pool, _ = place.oracle.sources()
    assert feed < pool
    held = provided.venue.holdingsAt(feed)
    fees = provided.venue.fees()
    bases = held[1] + fees[1] + provided.at.idleBase()
    assert provided.at.totalAssets() == pytest.approx(
        provided.at.idle() + held[0] + fees[0] + bases * feed // 10**30, abs=2
    )


def test_exposure__is_half_the_value_and_falls_as_the_price_rises(provided, place):
    _, delta, gamma, gross, net = provided.at.exposure()
    assert delta == pytest.approx(gross, abs=1) and gross == near(net / 2, 5e-3)
    assert net == pytest.approx(provided.at.totalAssets(), abs=1)
    # gamma x price / net for a range from p / k to p k: -1 / (4 (1 - 1 / sqrt k))
    assert gamma / net * 100 == near(-1 / (4 * (1 - 1 / sqrt(1.1))), 1e-2)
    assert gamma < 0


def test_gifts__change_nothing(provided, place):
    told = provided.at.totalAssets(), provided.readings(), provided.at.previewRedeem(10**12)
    for token, amount in ((mainnet.USDC, MILLION), (mainnet.WETH, 100 * ETHER)):
        for receiver in (provided.at.address, provided.venue.address, place.exchange.address):
            gift = place.trader(**{"usdc" if token == mainnet.USDC else "weth": amount})
            place.at_once(gift, (place.market.attacker.token(token), "transfer", receiver, amount))
    giver = place.trader(usdc=MILLION, weth=1_000 * ETHER)
    ticks = provided.venue.lowerTick(), provided.venue.upperTick()
    giver.give(place.market.pool.address, provided.venue.address, *ticks, 10**17, sender=STRANGER)
    assert told == (provided.at.totalAssets(), provided.readings(), provided.at.previewRedeem(10**12))
    moved(place, 1.07)
    provided.poke()
    provided.redeem(provided.at.maxRedeem(FIRST))
    assert provided.at.totalAssets() < 10 * USDC


# --- ways out ---


@pytest.mark.parametrize("part", [1, 1_000, 10**6, 999_999_999])
@pytest.mark.parametrize("percent", [88, 97, 100, 104, 115])
def test_redeem__pays_what_the_preview_said_and_hurts_nobody(provided, place, part, percent):
    provided.deposit(MILLION // 3, SECOND)
    place.chain.wait(12)
    churn(place, 1)
    moved(place, percent / 100)
    shares = provided.at.balanceOf(FIRST) * part // 10**9
    before = provided.price_per_share()
    provided.redeem(shares)
    assert provided.price_per_share() >= before * (1 - 1e-12)


def test_redeem__by_all_leaves_nothing_worth_having(provided, place):
    provided.deposit(MILLION // 3, SECOND)
    place.chain.wait(12)
    moved(place, 0.96)
    for who in (SECOND, FIRST):
        provided.redeem(provided.at.balanceOf(who), who)
    assert provided.at.totalSupply() == 0
    assert provided.at.totalAssets() <= 10
    # and the next one starts as the first one did
    provided.deposit(MILLION, THIRD)
    assert provided.at.totalAssets() == near(MILLION, 1e-5)


@pytest.mark.parametrize("assets", [1, 10 * USDC, MILLION // 7])
def test_withdraw__pays_exactly_and_burns_what_the_preview_said(provided, place, assets):
    moved(place, 1.03)
    said, before = provided.at.previewWithdraw(assets), place.usdc.balanceOf(FIRST)
    assert provided.at.withdraw(assets, FIRST, FIRST, sender=FIRST) == said
    assert place.usdc.balanceOf(FIRST) - before == assets
    assert said * 0.9999 <= assets * 10**6 * 1.002 + 10**7


@pytest.mark.parametrize("percent", [91, 100, 109])
def test_max_withdraw__never_reverts(provided, place, percent):
    moved(place, percent / 100)
    most = provided.at.maxWithdraw(FIRST)
    assert most > 0.9 * MILLION
    said, shares = provided.at.previewWithdraw(most), provided.at.balanceOf(FIRST)
    assert provided.at.withdraw(most, FIRST, FIRST, sender=FIRST) <= min(said, shares)


def test_withdraw__of_all_burns_no_more_than_the_preview_said(provided, place):
    place.push_feed(place.feed_price() * 1_013 // 1_000)
    place.push_pool(place.feed_price() * 104 // 100)
    most = provided.at.maxWithdraw(FIRST)
    said = provided.at.previewWithdraw(most)
    assert provided.at.withdraw(most, FIRST, FIRST, sender=FIRST) <= said


def test_max_redeem__ends_where_the_sale_would_pass_the_tolerance(provided, place):
    """The strategy is alone in a pool with but a little other liquidity: its own leaves with who leaves."""
    shares = provided.at.balanceOf(FIRST)
    drain(place)
    most = provided.at.maxRedeem(FIRST)
    assert 0 < most < shares
    with place.chain.isolated():
        provided.redeem(most)
    more = most + shares // 50
    with pytest.raises(Reverted, match="ERC4626ExceededMaxRedeem"):
        provided.redeem(more)
    said = provided.at.previewRedeem(more)
    provided.at.redeem(more, FIRST, FIRST, said, sender=FIRST)


def test_redeem__where_nobody_buys_says_so(provided, place):
    place.market.clear()
    assert provided.at.maxRedeem(FIRST) < provided.at.balanceOf(FIRST)
    with pytest.raises(Reverted, match="NotFillable"):
        provided.at.previewRedeem(provided.at.balanceOf(FIRST))
    provided.redeem(provided.at.maxRedeem(FIRST))


def test_redeem__through_more_ticks_than_a_quote_walks_passes_with_a_least_of_its_own(provided, place):
    """Somebody has cut the pool's liquidity into a hundred pieces: no preview, no plain exit of all, but a way out."""
    place.market.clear()
    here = place.market.tick() // 10 * 10
    for k in range(1, 101):
        place.market.provide(here + 10 * k, here + 10 * k + 10, 6_000 * USDC, ETHER)
    shares = provided.at.balanceOf(FIRST)
    with pytest.raises(Reverted, match="NotFillable"):
        provided.at.previewRedeem(shares)
    most = provided.at.maxRedeem(FIRST)
    assert 0 < most < shares
    with place.chain.isolated():
        provided.redeem(most)
    assert provided.at.redeem(shares, FIRST, FIRST, 0, sender=FIRST) > MILLION * 9 // 10


def test_redeem__without_any_price_passes_with_a_least_of_its_own(place):
    oracle = place.make("OracleStandIn")
    price = place.feed_price()
    oracle.set(price, price, GOOD, sender=OWNER)
    held = provide(place, oracle=oracle)
    held.deposit(MILLION)
    place.chain.wait(12)
    held.poke()
    oracle.set(0, 0, STALE, sender=OWNER)
    assert held.refusal() == "PriceUnknown"
    assert held.at.maxRedeem(FIRST) == held.at.maxWithdraw(FIRST) == held.at.maxDeposit(FIRST) == 0
    shares = held.at.balanceOf(FIRST)
    said = held.at.previewRedeem(shares)
    assert held.at.redeem(shares, FIRST, FIRST, said, sender=FIRST) == said > MILLION * 99 // 100


def test_unwind__turns_all_into_assets_and_is_the_guardians(provided, place):
    with pytest.raises(Reverted, match="Unauthorized"):
        provided.at.unwind(sender=STRANGER)
    churn(place, 1)
    total = provided.at.totalAssets()
    provided.at.unwind(sender=GUARDIAN)
    assert provided.at.paused() and provided.venue.liquidity() == 0 and provided.venue.fees() == (0, 0)
    assert provided.at.idleBase() == 0
    assert provided.at.idle() == near(total, 3e-3)
    provided.at.unwind(sender=GUARDIAN)
    provided.redeem(provided.at.balanceOf(FIRST))
    assert provided.at.totalAssets() <= 2


def test_unwind__in_a_thin_market_sells_what_it_can_and_the_rest_later(provided, place):
    price = place.feed_price()
    drain(place)
    provided.at.unwind(sender=GUARDIAN)
    left = provided.at.idleBase()
    assert left > 0 and provided.venue.liquidity() == 0
    sold_at = place.market.price()
    assert sold_at / price == near(0.95, 2e-3), "down to the tolerance"
    place.push_pool(price)
    provided.at.unwind(sender=GUARDIAN)
    assert provided.at.idleBase() < left
    provided.redeem(provided.at.maxRedeem(FIRST))


# --- who tries to gain ---


@pytest.mark.parametrize("state", ["opening", "adding", "risen", "fallen", "far below", "far above"])
@pytest.mark.parametrize("sells_base", [True, False], ids=["push down", "push up"])
def test_hostile_keeper__with_a_sandwich_gains_nothing(place, provided, state, sells_base):
    held = provide(place) if state == "opening" else provided
    if state in ("opening", "adding"):
        held.deposit(MILLION, SECOND)
        place.chain.wait(12)
    else:
        moved(place, {"risen": 1.07, "fallen": 0.93, "far below": 0.86, "far above": 1.16}[state])
    assert held.refusal() is None
    total = held.at.totalAssets()
    attacker = sandwicher(place)
    whole = place.exchange.depth(sells_base, place.feed_price() * (97 if sells_base else 103) // 100)
    most = attacker.best(held.poke, sells_base=sells_base, least=whole // 10**5, most=whole)
    assert most.profit <= 0
    # nor does the strategy lose to whoever comes behind: the budget has counted all of it
    with place.chain.isolated():
        held.poke()
        assert held.at.totalAssets() > total * (1 - RULES[2][0] / BPS / 2)


@pytest.mark.parametrize("sells_base", [True, False], ids=["push down", "push up"])
def test_hostile_keeper__gains_where_trades_are_larger(place, sells_base):
    """The same search finds the profit when the exchange calls safe ten times what is: the test above can fail."""
    rash = place.make("RashExchangeStandIn", place.exchange.address)
    held = provide(place, exchange=rash, bands=ranged(MOVE=400, SPOT=400), rules=(TERMS, LIMITS, ROOMY, RESCUE_BUDGET))
    held.deposit(MILLION)
    place.chain.wait(12)
    if sells_base:  # the strategy sells, after a fall
        rash.set(1, 0, sender=OWNER)
        held.keep()
        moved(place, 0.86)
    rash.set(10, 0, sender=OWNER)
    whole = place.exchange.depth(sells_base, place.feed_price() * (97 if sells_base else 103) // 100)
    attacker = sandwicher(place)
    assert attacker.best(held.poke, sells_base=sells_base, least=whole // 10**5, most=whole).profit > 0
    rash.set(1, 0, sender=OWNER)
    assert attacker.best(held.poke, sells_base=sells_base, least=whole // 10**5, most=whole).profit <= 0


@pytest.mark.parametrize("sells_base", [True, False], ids=["push down", "push up"])
def test_hostile_keeper__gains_nothing_where_the_strategy_is_most_of_the_pool(provided, place, sells_base):
    """With both tokens at hand all is added at once, without a trade that would bound it.

    Were a push bound by `moveBps` alone, one of 0.8 % would take 3.5 USDC here.
    """
    held = provided
    held.rules.setBands(ranged(MOVE=100, SPOT=100), sender=OWNER)
    held.rules.setLossBudget(0, ROOMY, sender=OWNER)
    drain(place)
    held.at.unwind(sender=GUARDIAN)
    held.at.unpause(sender=OWNER)
    place.settle()
    assert held.at.idle() > MILLION // 3 and held.at.idleBase() * place.feed_price() // 10**30 > MILLION // 3
    with place.chain.isolated():
        held.poke()
        assert held.idle() < 0.05
    whole = place.exchange.depth(sells_base, place.feed_price() * (98 if sells_base else 102) // 100)
    attacker = sandwicher(place)
    assert attacker.best(held.poke, sells_base=sells_base, least=whole // 10**4, most=whole).profit <= 0
    attacker.push(sells_base, whole // 4)
    assert stuck(held) == "spot"


def leaves(place, held, who, push=None):
    """What `who` has of all its shares after pushing the pool, leaving, bringing the pool back, at the feed's price.

    And the share price of who stays.
    """
    attacker = sandwicher(place)
    price = place.feed_price()

    def worth():
        usdc, weth = (attacker.token(each).balanceOf(ATTACKER) for each in (mainnet.USDC, mainnet.WETH))
        return usdc + weth * price // 10**30

    with place.chain.isolated():
        before, root = worth(), place.market.root()
        if push:
            attacker.push(*push)
        paid = held.at.redeem(held.at.balanceOf(who), who, who, 0, sender=who)
        if push:
            back = place.market.root()
            attacker.push_to(root > back, root)
        return paid + worth() - before, held.price_per_share()


@pytest.mark.parametrize("sells_base", [True, False], ids=["push down", "push up"])
@pytest.mark.parametrize("factor", [1.0, 1.06, 0.94])
def test_hostile_depositor__gains_nothing_by_pushing_before_leaving(provided, place, sells_base, factor):
    """Never more than the share is worth at the oracle's price, and never at the cost of who stays.

    To push up first saves a part of the leaver's own fee: who pushes buys the base through the leaver's own liquidity.
    """
    provided.deposit(MILLION, SECOND)
    place.chain.wait(12)
    moved(place, factor)
    before = provided.price_per_share()
    fair = provided.at.totalAssets() * provided.at.balanceOf(SECOND) // provided.at.totalSupply()
    plain, _ = leaves(place, provided, SECOND)
    whole = place.exchange.depth(sells_base, place.feed_price() * (90 if sells_base else 110) // 100)
    found = [leaves(place, provided, SECOND, (sells_base, whole * k * k // 144 + 10**6)) for k in range(13)]
    assert max(gain for gain, _ in found) <= fair
    assert min(price for _, price in found) >= before * (1 - 1e-12)
    fee = fair // 2 * 2 * place.market.fee // 10**6  # of a sale of the base, and of an arbitrage of what it moved
    assert max(gain for gain, _ in found) <= plain + fee


@pytest.mark.parametrize("percent", [94, 99, 101, 106])
def test_hostile_depositor__gains_nothing_by_entering_at_a_pushed_price(provided, place, percent):
    """In through a pushed pool, and out when it is back."""
    place.push_pool(place.feed_price() * percent // 100)
    if not provided.at.maxDeposit(SECOND):
        return
    before = provided.price_per_share()
    shares = provided.deposit(MILLION, SECOND)
    place.push_pool(place.feed_price())
    place.chain.wait(12)
    assert provided.redeem(shares, SECOND) <= MILLION
    assert provided.price_per_share() >= before * (1 - 1e-9)


# --- rules and roles ---


def test_venue__is_given_once_and_must_be_its_own(place):
    made = place.make("LiquidityStrategy", place.setup("bLIQ"), RULES, RANGE)
    where = (place.market.pool.address, place.oracle.address)
    other_pool = (mainnet.UNISWAP_V3_USDC_WETH_3000, place.oracle.address)

    def venue(owner=made.address, asset=mainnet.USDC, where=where):
        return place.make("UniswapV3Liquidity", owner, asset, *where).address

    with pytest.raises(Reverted, match="Unauthorized"):
        made.setVenue(venue(), sender=GUARDIAN)
    for wrong in (venue(owner=STRANGER), venue(asset=mainnet.WETH), venue(where=other_pool)):
        with pytest.raises(Reverted, match="WrongVenue"):
            made.setVenue(wrong, sender=OWNER)
    made.setVenue(venue(), sender=OWNER)
    with pytest.raises(Reverted, match="WrongVenue"):
        made.setVenue(venue(), sender=OWNER)


def test_bands__tightening_is_the_guardians_loosening_the_owners(provided):
    rules = provided.rules
    for tighter in (ranged(SPOT=40), ranged(MOVE=5), ranged(COOLDOWN=2 * HOUR)):
        with provided.chain.isolated():
            rules.setBands(tighter, sender=GUARDIAN)
            assert rules.bands() == tighter
    looser = (ranged(SPOT=60), ranged(MOVE=20), ranged(COOLDOWN=HOUR - 1), ranged(HALF_WIDTH=900), ranged(INNER=400))
    for each in (*looser, ranged(FEES=10), ranged(IDLE_BAND=100)):
        with pytest.raises(Reverted, match="Unauthorized"):
            rules.setBands(each, sender=GUARDIAN)
        with provided.chain.isolated():
            rules.setBands(each, sender=OWNER)
    with pytest.raises(Reverted, match="Unauthorized"):
        rules.setBands(ranged(SPOT=40), sender=STRANGER)


@pytest.mark.parametrize(
    "fields",
    [
        {"HALF_WIDTH": 1},
        {"HALF_WIDTH": 5_001},
        {"INNER": 0},
        {"INNER": 1_001},
        {"FEES": 0},
        {"IDLE_BAND": 0},
        {"IDLE_BAND": 10_001},
        {"SPOT": 0},
        {"SPOT": 501},
        {"MOVE": 0},
        {"MOVE": 501},
        {"COOLDOWN": 0},
        {"COOLDOWN": 31 * DAY},
    ],
)
def test_bands__out_of_range_are_refused(provided, fields):
    with pytest.raises(Reverted, match="OutOfRange"):
        provided.rules.setBands(ranged(**fields), sender=OWNER)


@pytest.mark.parametrize("share", [0, 1e-6, 0.01, 0.3, 0.5, 0.5000001, 0.77, 0.999, 1])
def test_rules__find_the_range_that_holdings_fill(provided, share):
    """Amounts by the formulas of the Uniswap v3 paper, in real numbers, for the range that is answered."""
    spot, total, step = 2_000.0, 10**12, 1e-3
    assets = int(total * share)
    lower, upper = (
        each / WAD for each in provided.rules.filledBy(assets, total - assets, int(spot * WAD), int(step * WAD))
    )
    assert upper / lower == near(1.21, 1e-9)
    # undo the half step, which leaves room for the scarcer token
    shift = 1 + step / 2 if total - assets > assets else 1 / (1 + step / 2)
    lower, upper = lower / shift, upper / shift
    assert lower <= spot * (1 + 1e-12) and upper >= spot * (1 - 1e-12)
    held = sqrt(spot) - sqrt(min(lower, spot))
    worth = max(0, 1 / sqrt(spot) - 1 / sqrt(upper)) * spot
    assert held / (held + worth) == pytest.approx(share, abs=2e-9)


def test_exchange__cannot_call_it_unasked(provided, place):
    with pytest.raises(Reverted, match="NotTrading"):
        provided.at.onTrade(True, 1, 1, b"", sender=STRANGER)

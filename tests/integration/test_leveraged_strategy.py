"""Leverage over real Aave v3 and Uniswap v3: each rule, each refusal, and every way out."""

import pytest

from ballast import mainnet
from tests.position_kit import *

FIRST, SECOND, THIRD = DEPOSITORS
#: a fall that takes leverage 1.9 over 2.3, and one that takes the health factor below the hard threshold
TOO_FAR, DANGER = 17, 35


def near(value, rel):
    return pytest.approx(value, rel=rel)


def stuck(held):
    """Name of the reading that a poke is stuck with."""
    with pytest.raises(Reverted) as refused:
        held.poke()
    assert refused.value.name == "Stuck"
    return bytes(refused.value.values[0]).rstrip(b"\0").decode()


def calm(held):
    """Poke until the band is reached, the pool brought back and the feed kept fresh in between."""
    place = held.place
    for _ in range(60):
        if held.out() <= {"oracle"}:
            return
        place.push_pool(place.feed_price())
        place.chain.wait(HOUR // 12)
        place.push_feed(place.feed_price())
        held.poke()
    raise AssertionError(held.readings())


# --- into the band ---


def test_rebalance__levers_up_in_chunks_to_the_band(place):
    held = place.leveraged()
    held.deposit(MILLION)
    place.chain.wait(12)
    assert held.out() == {"leverage", "idle"}
    assert held.keep() > 5, "the pool lets a million in by parts only"
    assert held.out() == set()
    assert 1.9 <= held.leverage() <= 2.001, "what the trades cost is not in the aim"
    # collateral worth L x net, the rest of it borrowed: health is LT x L / (L - 1), at Aave's own price
    assert held.health() == near(0.83 * held.leverage() / (held.leverage() - 1), 2e-3)
    cost = 1 - held.at.totalAssets() / MILLION
    assert 0 < cost < 2 * 0.001, "a fee of 0.05 % and as much price impact, on twice the net value"


def test_rebalance__in_band_is_refused(leveraged):
    assert leveraged.refusal() == "InBand"


def test_rebalance__counts_on_nothing_that_came_in_its_own_block(leveraged, place):
    trader = place.trader(usdc=2 * MILLION)
    approve = (place.usdc, "approve", leveraged.at.address, MOST)
    before = leveraged.readings()["leverage"]
    with pytest.raises(Reverted, match="InBand"):
        place.at_once(trader, approve, (leveraged.at, "deposit", MILLION, trader.address), (leveraged.at, "rebalance"))
    place.at_once(trader, approve, (leveraged.at, "deposit", MILLION, trader.address))
    assert leveraged.readings()["leverage"] == near(before, 1e-6), "in the same block"
    place.chain.wait(12)
    assert leveraged.out() == {"leverage", "idle"}


def test_rebalance__trades_once_a_block(place):
    held = place.leveraged()
    held.deposit(MILLION)
    with pytest.raises(Reverted, match="Stuck"):
        place.at_once(place.trader(), (held.at, "rebalance"), (held.at, "rebalance"))
    held.poke()
    held.poke()


def test_rebalance__puts_idle_assets_to_debt_within_the_band(leveraged, place):
    leveraged.deposit(MILLION // 50, SECOND)
    place.chain.wait(12)
    assert leveraged.out() == {"leverage", "idle"} or leveraged.out() == {"idle"}
    debt, total = leveraged.credit.debt(), leveraged.at.totalAssets()
    while leveraged.out():
        leveraged.poke()
    assert leveraged.at.idle() == 0
    assert leveraged.at.totalAssets() == near(total, 1e-5)
    assert leveraged.credit.debt() != debt


# --- back into the band ---


def test_rebalance__deleverages_after_a_fall_in_chunks(leveraged, place):
    place.crash(TOO_FAR)
    before, debt, health = leveraged.leverage(), leveraged.credit.debt(), leveraged.health()
    assert "leverage" in leveraged.out()
    leveraged.poke()
    assert leveraged.leverage() < before
    calm(leveraged)
    assert leveraged.leverage() <= 2.3
    assert leveraged.credit.debt() < debt and leveraged.health() > health


@pytest.mark.parametrize("verdict", [STALE, DISPUTED])
def test_rebalance__while_the_price_is_not_good__reduces_but_adds_nothing(leveraged, place, verdict):
    place.crash(TOO_FAR)
    if verdict == STALE:
        place.chain.wait(3 * HOUR)
    assert place.verdict() == verdict
    before = leveraged.leverage()
    leveraged.poke()
    assert leveraged.leverage() < before
    assert leveraged.at.maxDeposit(FIRST) == leveraged.at.maxMint(FIRST) == 0
    with pytest.raises(Reverted, match="PriceNotGood"):
        leveraged.deposit(USDC)


@pytest.mark.parametrize("verdict", [STALE, DISPUTED])
def test_rebalance__while_the_price_is_not_good__does_not_lever_up(place, verdict):
    held = place.leveraged()
    held.deposit(MILLION)
    if verdict == STALE:
        place.chain.wait(3 * HOUR)
    else:
        place.crash(5)
    assert place.verdict() == verdict
    assert held.refusal() == "PriceNotGood"


def test_rebalance__says_so_when_only_the_oracle_is_out(leveraged, place):
    place.chain.wait(3 * HOUR)
    assert leveraged.out() == {"oracle"}
    assert stuck(leveraged) == "oracle"


def test_without_any_price__nothing_is_valued_and_who_asks_for_no_price_may_leave(place):
    oracle = place.make("OracleStandIn")
    held = place.leveraged(oracle=oracle)
    price = place.feed_price()
    oracle.set(price, price, GOOD, sender=OWNER)
    held.deposit(MILLION)
    held.keep()
    oracle.set(0, 0, STALE, sender=OWNER)
    for view in (held.at.totalAssets, held.at.exposure):
        with pytest.raises(Reverted, match="PriceUnknown"):
            view()
    assert held.refusal() == "PriceUnknown"
    assert held.at.maxDeposit(FIRST) == held.at.maxRedeem(FIRST) == held.at.maxWithdraw(FIRST) == 0
    shares = held.at.balanceOf(FIRST)
    said = held.at.previewRedeem(shares)
    assert held.at.redeem(shares, FIRST, FIRST, said, sender=FIRST) == said > MILLION * 98 // 100


@pytest.mark.parametrize("missing", ["feed", "pool"])
def test_with_one_source__that_one_counts(leveraged, place, missing):
    oracle = place.make("OracleStandIn")
    held = place.leveraged(oracle=oracle)
    price = place.feed_price()
    oracle.set(price, price, GOOD, sender=OWNER)
    held.deposit(MILLION)
    held.keep()
    good = held.at.totalAssets()
    oracle.set(0 if missing == "feed" else price, 0 if missing == "pool" else price, STALE, sender=OWNER)
    assert held.at.totalAssets() == good


def test_total_assets__in_a_dispute_is_by_the_lower_source(leveraged, place):
    new = place.crash(10)
    feed, pool, _ = place.oracle.sources()
    assert feed == near(new, 1e-6) and pool > feed
    held, owed = leveraged.credit.collateral(), leveraged.credit.debt()
    assert leveraged.at.totalAssets() == near(held * feed // 10**30 - owed, 1e-6)


# --- the forecast sets the leverage ---


def test_rebalance__follows_the_forecast(leveraged, place):
    """A health factor of 1.87 and more allows 0.83 / (1.87 - 0.83) = 1.80 and less."""
    assert leveraged.out() == set()
    place.forecast(12 * WAD // 10, 18 * WAD // 10)
    place.settle()
    lowest = place.feed.lowestHealthFactorWad(place.pair, HOUR, BANDS[EPSILON])
    assert lowest > 1.8 * WAD
    _, lower, target, upper = leveraged.readings()["leverage"]
    assert upper == near(WAD * lowest // (lowest - 83 * WAD // 100), 1e-9)
    aim = lowest * BANDS[MARGIN] // WAD
    assert target == near(WAD * aim // (aim - 83 * WAD // 100), 1e-9)
    assert lower == near(target * BANDS[MIN] / BANDS[TARGET], 1e-9)
    assert {"leverage", "health"} <= leveraged.out()
    before = leveraged.leverage()
    calm(leveraged)
    assert leveraged.leverage() <= upper / WAD < before


def test_rebalance__a_forecast_that_expired_counts_as_the_widest(leveraged, place):
    place.chain.wait(31 * DAY)
    place.settle()
    widest = place.feed.lowestHealthFactorWad(place.pair, HOUR, BANDS[EPSILON])
    assert widest > 2.5 * WAD
    assert leveraged.readings()["health"][1] == widest
    calm(leveraged)
    assert leveraged.health() > widest / WAD


# --- what an action may cost ---


def test_rebalance__cuts_its_trades_to_what_the_budget_can_pay(place):
    rules = (TERMS, LIMITS, (20, DAY), RESCUE_BUDGET)
    held = place.leveraged(rules=rules)
    held.deposit(MILLION)
    done = 0
    while held.refusal() is None:
        held.poke()
        done += 1
        place.push_pool(place.feed_price())
    assert done > 2 and stuck(held) == "leverage"
    lost = 1 - held.at.totalAssets() / MILLION
    assert 0.0009 < lost <= 0.001, "half of 20 bp at once, spent to the end"
    place.chain.wait(DAY // 2)
    place.settle()
    held.poke()


def test_rebalance__that_lost_more_than_the_budget_is_refused(place):
    """An exchange that says one price and pays another."""
    exchange = place.lying_exchange()
    held = place.leveraged(exchange=exchange)
    held.deposit(MILLION)
    said = exchange.saysWad()
    exchange.set(said, said * 1_005 // 1_000, sender=OWNER)
    held.poke()
    # half a per cent of a trade of twice the net value: all of the bucket; now three
    place.chain.wait(DAY)
    place.settle()
    held.deposit(MILLION, SECOND)
    exchange.set(said, said * 1_030 // 1_000, sender=OWNER)
    assert held.refusal() == "LossBudgetExceeded"


def test_rebalance__that_ends_further_from_its_target_is_refused(place):
    """Collateral sold for nothing: with L = 2.9 and 5 % of it gone, L = 2.9 x 0.95 / (1 - 2.9 x 0.05) = 3.2."""
    exchange = place.lying_exchange()
    held = place.leveraged(exchange=exchange, rules=(TERMS, (2**64 - 1,) * 4, (10_000, DAY), RESCUE_BUDGET))
    held.deposit(MILLION)
    held.poke()
    place.crash(20)
    price = place.feed_price() // 10**12
    exchange.set(price, price, sender=OWNER)
    assert held.refusal() is None
    exchange.set(price, price // 2, sender=OWNER)
    assert held.refusal() == "NotCloser"


def test_rebalance__beyond_a_limit_is_refused(place):
    limits = (18 * WAD // 10, *LIMITS[1:])
    held = place.leveraged(rules=(TERMS, limits, BUDGET, RESCUE_BUDGET))
    held.deposit(MILLION)
    for _ in range(40):
        if held.refusal():
            break
        held.poke()
        place.push_pool(place.feed_price())
    assert held.refusal() == "LimitExceeded"
    assert held.leverage() <= 1.8
    delta, net = held.at.exposure()[1], held.at.exposure()[4]
    assert delta == near(held.leverage() * net, 1e-6)


def test_rebalance__over_a_limit_may_reduce(leveraged, place):
    leveraged.rules.setLimits((WAD, *LIMITS[1:]), sender=GUARDIAN)
    place.crash(TOO_FAR)
    assert leveraged.at.exposure()[1] > 2 * leveraged.at.exposure()[4]
    leveraged.poke()


# --- a thin or dry market ---


def test_rebalance__where_nothing_is_lent_is_stuck(place, aave):
    held = place.leveraged()
    held.deposit(MILLION // 100)
    aave.drain(mainnet.USDC)
    assert held.credit.borrowable() == 0
    while held.refusal() is None:
        held.poke()
        place.push_pool(place.feed_price())
    assert stuck(held) == "leverage"
    assert held.at.idle() == 0 and held.leverage() == near(1, 0.01), "its own money is at work"


def test_exit__from_a_dry_market_says_so_and_pays_when_it_is_wet_again(leveraged, place, aave):
    aave.drain(mainnet.WETH, leave=10 * ETHER)
    shares = leveraged.at.balanceOf(FIRST)
    most = leveraged.at.maxRedeem(FIRST)
    assert 0 < most < shares // 10
    leveraged.redeem(most)
    assert leveraged.at.maxRedeem(FIRST) < shares // 10**9
    aave.drain(mainnet.WETH)
    assert leveraged.at.maxRedeem(FIRST) == leveraged.at.maxWithdraw(FIRST) == 0
    with pytest.raises(Reverted, match="ERC4626ExceededMaxRedeem"):
        leveraged.redeem(shares // 2)
    place.crash(TOO_FAR)
    assert stuck(leveraged) == "leverage"
    aave.refill(mainnet.WETH)
    leveraged.poke()
    leveraged.redeem(leveraged.at.maxRedeem(FIRST))


def test_while_the_lender_is_paused__nothing_leaves_and_it_says_so(leveraged, aave):
    aave.pause(mainnet.USDC)
    assert leveraged.at.maxRedeem(FIRST) == leveraged.at.maxWithdraw(FIRST) == 0
    aave.pause(mainnet.USDC, False)
    aave.pause(mainnet.WETH)
    assert leveraged.at.maxRedeem(FIRST) == 0
    assert leveraged.at.totalAssets() > 0
    aave.pause(mainnet.WETH, False)
    leveraged.redeem(leveraged.at.maxRedeem(FIRST))


def test_while_usdc_is_paused__everything_waits_and_nothing_is_lost(leveraged, place):
    total = leveraged.at.totalAssets()
    shares = leveraged.at.balanceOf(FIRST)
    place.usdc.pause(sender=place.usdc.pauser())
    with pytest.raises(Reverted):
        leveraged.at.redeem(shares, FIRST, FIRST, sender=FIRST)
    with pytest.raises(Reverted):
        leveraged.deposit(USDC)
    place.usdc.unpause(sender=place.usdc.pauser())
    assert leveraged.at.totalAssets() == total
    leveraged.redeem(leveraged.at.maxRedeem(FIRST))


# --- rescue and emergency ---


def test_rescue__above_the_threshold_is_refused(leveraged, place):
    with pytest.raises(Reverted, match="NotInDanger"):
        leveraged.at.rescue(sender=STRANGER)
    place.crash(25)
    assert leveraged.health() > 1.12
    with pytest.raises(Reverted, match="NotInDanger"):
        leveraged.at.rescue(sender=STRANGER)


def test_rescue__in_danger_raises_the_health_and_pays_less_than_it_saves(leveraged, place):
    place.crash(DANGER)
    place.chain.wait(12)
    health, debt = leveraged.health(), leveraged.credit.debt()
    assert 1 < health < 1.12
    before = place.usdc.balanceOf(STRANGER)
    bounty = leveraged.at.rescue(sender=STRANGER)
    assert place.usdc.balanceOf(STRANGER) - before == bounty > 0
    repaid = debt - leveraged.credit.debt()
    assert leveraged.health() > health
    # 1 % of what is repaid; a liquidator would have taken 5 % of the same
    assert bounty == near(repaid // 100, 1e-6)
    assert bounty <= repaid * leveraged.credit.liquidationBonusWad() // WAD // 2
    for _ in range(40):
        if leveraged.health() > 1.12:
            break
        place.push_pool(place.feed_price())
        leveraged.at.rescue(sender=STRANGER)
    with pytest.raises(Reverted, match="NotInDanger"):
        leveraged.at.rescue(sender=STRANGER)


def test_rescue__pays_at_most_half_of_a_liquidators_bonus(place, aave):
    held = place.leveraged(bands=changed(BANDS, BOUNTY=1_000))
    held.deposit(MILLION)
    held.keep()
    place.crash(DANGER)
    place.chain.wait(12)
    debt = held.credit.debt()
    bounty = held.at.rescue(sender=STRANGER)
    assert bounty == near((debt - held.credit.debt()) * 25 // 1_000, 1e-6)


def test_rescue__keeps_to_its_own_budget(leveraged, place):
    leveraged.rules.setLossBudget(1, (20, DAY), sender=GUARDIAN)
    place.crash(DANGER)
    place.chain.wait(12)
    total = leveraged.at.totalAssets()
    while True:
        try:
            leveraged.at.rescue(sender=STRANGER)
        except Reverted as refused:
            assert refused.name == "Stuck"
            break
        place.push_pool(place.feed_price())
    assert leveraged.health() < 1.12
    assert 0.0009 * total < total - leveraged.at.totalAssets() <= 0.001 * total
    assert leveraged.rules.available(0) > 0, "that of rebalances is another"


def test_rescue__after_a_fall_beyond_its_tolerance_waits_for_the_next_block(leveraged, place):
    """Sources dispute, and this block alone has seen the fall: it might be a push."""
    place.crash(DANGER)
    with pytest.raises(Reverted, match="Stuck"):
        leveraged.at.rescue(sender=STRANGER)
    place.chain.wait(12)
    leveraged.at.rescue(sender=STRANGER)


def test_rescue__where_the_pool_cannot_be_read_is_by_what_is_known(place):
    """The pool's price before this block is unknown: the feed's counts, and nothing is in the way."""
    oracle = place.make("OracleStandIn")
    price = place.feed_price()
    oracle.set(price, price, GOOD, sender=OWNER)
    held = place.leveraged(oracle=oracle)
    held.deposit(MILLION)
    held.keep()
    new = place.crash(DANGER)
    oracle.set(new, 0, STALE, sender=OWNER)
    assert oracle.last() == 0
    assert held.at.rescue(sender=STRANGER) > 0


def test_rescue__without_a_position_is_refused(place):
    held = place.leveraged()
    with pytest.raises(Reverted, match="NotInDanger"):
        held.at.rescue(sender=STRANGER)


def test_unwind__turns_all_into_assets_as_the_market_allows(leveraged, place):
    with pytest.raises(Reverted, match="Unauthorized"):
        leveraged.at.unwind(sender=STRANGER)
    total = leveraged.at.totalAssets()
    for _ in range(20):
        leveraged.at.unwind(sender=GUARDIAN)
        if not leveraged.credit.collateral():
            break
        place.push_pool(place.feed_price())
    assert leveraged.credit.collateral() == leveraged.credit.debt() == 0
    assert leveraged.at.idle() == leveraged.at.totalAssets() >= total * 97 // 100
    assert leveraged.at.paused() and leveraged.out() == set()
    assert leveraged.refusal() == "InBand", "nobody levers it up again"
    leveraged.at.unwind(sender=GUARDIAN)
    shares = leveraged.at.balanceOf(FIRST)
    assert leveraged.at.maxRedeem(FIRST) == shares
    assert leveraged.redeem(shares) == near(leveraged.at.totalAssets() + total, 0.05)


def test_unwind__in_a_market_that_gives_nothing_passes_it_over(leveraged, aave):
    aave.pause(mainnet.WETH)
    leveraged.at.unwind(sender=GUARDIAN)
    assert leveraged.at.paused() and leveraged.credit.collateral() > 0


def test_paused__reduces_but_adds_nothing(leveraged, place):
    leveraged.at.pause(sender=GUARDIAN)
    assert leveraged.at.maxDeposit(FIRST) == 0
    with pytest.raises(Reverted, match="ERC4626ExceededMaxDeposit"):
        leveraged.deposit(USDC)
    place.settle(place.feed_price() * 13 // 10)
    assert leveraged.leverage() < 1.9 and leveraged.out() == set(), "a rise has lowered the leverage"
    place.settle(place.feed_price() * 65 // 100)
    calm(leveraged)
    assert leveraged.leverage() <= 2.3


# --- entry ---


def test_deposit__gives_shares_at_the_highest_known_price(leveraged, place):
    net = leveraged.at.totalAssets()
    price = place.feed_price()
    assert leveraged.at.entryValue() == near(net, 1e-3)
    # the feed lags behind the pool by 0.4 %
    place.push_pool(price * 1_004 // 1_000)
    held, owed = leveraged.credit.collateral(), leveraged.credit.debt()
    spot = held * place.market.price() // 10**30 * 9_995 // 10_000 - owed
    assert leveraged.at.entryValue() == near(spot, 1e-4)
    shares = leveraged.deposit(MILLION, SECOND)
    assert leveraged.at.convertToAssets(shares) < MILLION


def test_deposit__is_refused_where_prices_differ_too_much(leveraged, place):
    place.push_pool(place.feed_price() * 1_010 // 1_000)
    assert place.verdict() == GOOD
    with pytest.raises(Reverted, match="EntryTooDear"):
        leveraged.deposit(MILLION, SECOND)
    assert leveraged.at.maxDeposit(SECOND) == leveraged.at.maxMint(SECOND) == 0


def test_deposit__keeps_to_the_cap(leveraged):
    total = leveraged.at.entryValue()
    leveraged.rules.setCap(total + 100 * USDC, sender=GUARDIAN)
    assert leveraged.at.maxDeposit(SECOND) == 100 * USDC
    with pytest.raises(Reverted, match="ERC4626ExceededMaxDeposit"):
        leveraged.deposit(100 * USDC + 1, SECOND)
    with pytest.raises(Reverted, match="ERC4626ExceededMaxMint"):
        leveraged.at.mint(leveraged.at.maxMint(SECOND) * 2, SECOND, sender=SECOND)
    leveraged.at.mint(leveraged.at.maxMint(SECOND), SECOND, sender=SECOND)
    assert leveraged.at.maxDeposit(SECOND) <= 1


@pytest.mark.parametrize("assets", [1, 999_983, MILLION + 7])
def test_deposit_and_mint__are_what_the_previews_say(leveraged, assets):
    shares = leveraged.at.previewDeposit(assets)
    assert leveraged.deposit(assets, SECOND) == shares
    cost = leveraged.at.previewMint(shares)
    assert leveraged.at.mint(shares, SECOND, sender=SECOND) == cost <= assets + 1


def test_deposit__with_a_least_number_of_shares(leveraged):
    shares = leveraged.at.previewDeposit(MILLION)
    with pytest.raises(Reverted, match="Slippage"):
        leveraged.at.deposit(MILLION, SECOND, shares + 1, sender=SECOND)
    leveraged.at.deposit(MILLION, SECOND, shares, sender=SECOND)


def test_shares__do_not_leave_in_the_block_of_their_deposit(leveraged, place):
    trader = place.trader(usdc=2 * MILLION)
    approve = (place.usdc, "approve", leveraged.at.address, MOST)
    deposit = (leveraged.at, "deposit", MILLION, trader.address)
    shares = leveraged.at.previewDeposit(MILLION)
    exits = [
        [(leveraged.at, "redeem", shares, trader.address, trader.address)],
        [(leveraged.at, "redeem", shares, trader.address, trader.address, 0)],
        [(leveraged.at, "withdraw", USDC, trader.address, trader.address)],
        # handed over they are as new as before
        [(leveraged.at, "transfer", FIRST, shares), (leveraged.at, "rebalance")],
    ]
    for calls in exits:
        with pytest.raises(Reverted, match="Exceeded|TooFresh|InBand"):
            place.at_once(trader, approve, deposit, *calls)
    place.at_once(trader, approve, deposit)
    assert leveraged.at.maxRedeem(trader.address) == 0, "in the same block"
    place.chain.wait(1)
    place.at_once(trader, exits[0][0])


def test_shares__of_before_leave_though_others_come(leveraged, place):
    """Nobody can hold somebody up by depositing for them."""
    old = leveraged.at.balanceOf(FIRST)
    leveraged.at.transfer(THIRD, old // 2, sender=FIRST)
    trader = place.trader(usdc=2 * USDC)
    approve = (place.usdc, "approve", leveraged.at.address, MOST)
    place.at_once(trader, approve, (leveraged.at, "deposit", USDC, FIRST))
    assert leveraged.at.maxRedeem(FIRST) == old - old // 2, "the new ones alone stay"
    place.at_once(trader, (leveraged.at, "deposit", USDC, trader.address), (leveraged.at, "transfer", THIRD, 10**6))
    assert leveraged.at.maxRedeem(THIRD) == old // 2


# --- exit ---


@pytest.mark.parametrize("part", [10**6, 1_000, 7, 2, 1])
def test_redeem__pays_what_the_preview_said_and_hurts_nobody(leveraged, place, part):
    leveraged.deposit(MILLION // 3, SECOND)
    place.chain.wait(12)
    before, leverage = leveraged.price_per_share(), leveraged.leverage()
    shares = leveraged.at.balanceOf(FIRST) // part
    worth = leveraged.at.convertToAssets(shares)
    paid = leveraged.redeem(shares)
    # fee and price impact, on twice what leaves; and units of rounding
    assert worth * 985 // 1_000 - 10 <= paid <= worth
    assert leveraged.price_per_share() >= before
    assert leveraged.leverage() == near(leverage, 1e-6)


def test_redeem__the_last_one_leaves_nothing_worth_having(leveraged):
    leveraged.redeem(leveraged.at.balanceOf(FIRST))
    assert leveraged.at.totalSupply() == 0
    assert leveraged.at.totalAssets() <= 10 and leveraged.credit.debt() <= 2
    # and who comes next starts anew
    leveraged.deposit(MILLION, SECOND)
    leveraged.keep()
    assert 1.9 <= leveraged.leverage() <= 2.3


def test_redeem__after_a_crash_pays_from_what_is_left(leveraged, place):
    place.crash(30)
    shares = leveraged.at.balanceOf(FIRST)
    assert leveraged.at.maxRedeem(FIRST) > 0, "the lower source is the market's: some may leave at its price"
    paid = leveraged.redeem(leveraged.at.maxRedeem(FIRST))
    # 1.95 x 0.7 - 0.95 of a million, less fee and impact
    assert paid * shares / (shares - leveraged.at.balanceOf(FIRST)) == near(0.41 * MILLION, 0.06)


def test_redeem__where_the_pool_is_far_from_the_price_needs_a_least_of_its_own(leveraged, place):
    place.push_pool(place.feed_price() * 97 // 100)
    shares = leveraged.at.balanceOf(FIRST)
    assert leveraged.at.maxRedeem(FIRST) == leveraged.at.maxWithdraw(FIRST) == 0
    with pytest.raises(Reverted, match="ERC4626ExceededMaxRedeem"):
        leveraged.redeem(shares)
    said = leveraged.at.previewRedeem(shares)
    with pytest.raises(Reverted, match="Slippage"):
        leveraged.at.redeem(shares, FIRST, FIRST, said + 1, sender=FIRST)
    assert leveraged.at.redeem(shares, FIRST, FIRST, said, sender=FIRST) == said


def test_max_redeem__ends_where_the_trade_would_pass_the_tolerance(leveraged, place):
    """A strategy larger than the pool is deep within 1 %: a part may go, then more as the pool comes back."""
    for holder in (SECOND, THIRD):
        leveraged.deposit(2 * MILLION, holder)
        leveraged.keep()
        place.chain.wait(2 * DAY)
        place.settle()
    leveraged.keep()
    leveraged.at.transfer(FIRST, leveraged.at.balanceOf(SECOND), sender=SECOND)
    leveraged.at.transfer(FIRST, leveraged.at.balanceOf(THIRD), sender=THIRD)
    shares, most = leveraged.at.balanceOf(FIRST), leveraged.at.maxRedeem(FIRST)
    assert 0 < most < shares
    with pytest.raises(Reverted, match="ERC4626ExceededMaxRedeem"):
        leveraged.redeem(most + 1)
    price = place.feed_price()
    leveraged.redeem(most)
    assert place.market.price() * 9_995 / 10_000 == near(price * 99 / 100, 1e-6), "to the limit, fee included"
    place.push_pool(price)
    assert leveraged.at.maxRedeem(FIRST) > 0


@pytest.mark.parametrize("assets", [1, 13, 999_999_937, MILLION // 3, MILLION * 9 // 10])
def test_withdraw__pays_exactly_and_burns_what_the_preview_said(leveraged, place, assets):
    before, price = place.usdc.balanceOf(FIRST), leveraged.price_per_share()
    said = leveraged.at.previewWithdraw(assets)
    burnt = leveraged.at.withdraw(assets, FIRST, FIRST, sender=FIRST)
    assert burnt == said
    assert place.usdc.balanceOf(FIRST) - before == assets
    assert leveraged.price_per_share() >= price


def test_withdraw__burns_few_shares_too_many(leveraged):
    for assets in (1_000 * USDC, MILLION // 7, MILLION * 8 // 10):
        shares = leveraged.at.previewWithdraw(assets)
        assert leveraged.at.previewRedeem(shares) >= assets
        assert leveraged.at.previewRedeem(shares - shares // 10**8 - 10**6) < assets


@pytest.mark.parametrize("fall", [0, 20, 33])
def test_withdraw__all_that_may_be_withdrawn_never_reverts(leveraged, place, fall):
    if fall:
        place.crash(fall)
    most = leveraged.at.maxWithdraw(FIRST)
    assert most > 0
    with pytest.raises(Reverted, match="ERC4626ExceededMaxWithdraw"):
        leveraged.at.withdraw(most + most // 10**6 + 10, FIRST, FIRST, sender=FIRST)
    assert leveraged.at.withdraw(most, FIRST, FIRST, sender=FIRST) <= leveraged.at.maxRedeem(FIRST) + 10**30


def test_withdraw__for_another_needs_their_allowance(leveraged):
    shares = leveraged.at.balanceOf(FIRST)
    for exit_ in (leveraged.at.redeem, leveraged.at.withdraw):
        with pytest.raises(Reverted, match="ERC20InsufficientAllowance"):
            exit_(1_000 * USDC, SECOND, FIRST, sender=SECOND)
    leveraged.at.approve(SECOND, shares, sender=FIRST)
    leveraged.at.redeem(shares // 2, SECOND, FIRST, sender=SECOND)
    assert leveraged.at.allowance(FIRST, SECOND) == shares - shares // 2


def test_exit__under_water_pays_the_idle_part_and_leaves_the_position(place):
    """The position is worth nothing at the pool's price: who leaves does not pay for it."""
    held = place.leveraged()
    held.deposit(MILLION)
    held.keep()
    held.deposit(MILLION // 10, SECOND)
    place.push_pool(place.feed_price() * 45 // 100)
    shares, idle = held.at.balanceOf(SECOND), held.at.idle()
    whole = held.at.totalSupply() + 10**6
    collateral = held.credit.collateral()
    assert held.at.redeem(shares, SECOND, SECOND, 0, sender=SECOND) == idle * shares // whole
    assert held.credit.collateral() == collateral


def test_exit__below_a_health_of_1_waits_for_a_rescue(leveraged, place):
    place.crash(44)
    assert leveraged.health() < 1
    assert leveraged.at.maxRedeem(FIRST) == leveraged.at.maxWithdraw(FIRST) == 0


# --- who may do what ---


def test_rules__tightening_is_the_guardians_loosening_the_owners(leveraged):
    rules = leveraged.rules
    tighter = [
        (rules.setBands, changed(BANDS, MAX=22 * WAD // 10)),
        (rules.setBands, changed(BANDS, MARGIN=12 * WAD // 10)),
        (rules.setBands, changed(BANDS, EPSILON=WAD // 10**6)),
        (rules.setBands, changed(BANDS, REACTION=2 * HOUR)),
        (rules.setLimits, (3 * WAD, *LIMITS[1:])),
        (rules.setCap, MILLION),
    ]
    looser = [
        (rules.setBands, changed(BANDS, MAX=24 * WAD // 10)),
        (rules.setBands, changed(BANDS, TARGET=21 * WAD // 10)),
        (rules.setBands, changed(BANDS, MARGIN=WAD)),
        (rules.setBands, changed(BANDS, EPSILON=WAD // 1_000)),
        (rules.setBands, changed(BANDS, REACTION=60)),
        (rules.setBands, changed(BANDS, BOUNTY=50)),
        (rules.setBands, changed(BANDS, HARD=115 * WAD // 100)),
        (rules.setLimits, (5 * WAD, *LIMITS[1:])),
        (rules.setTerms, TERMS),
    ]
    for method, value in tighter:
        with leveraged.chain.isolated():
            with pytest.raises(Reverted, match="Unauthorized"):
                method(value, sender=STRANGER)
            method(value, sender=GUARDIAN)
        with leveraged.chain.isolated():
            method(value, sender=OWNER)
    for method, value in looser:
        with leveraged.chain.isolated():
            for who in (GUARDIAN, STRANGER):
                with pytest.raises(Reverted, match="Unauthorized"):
                    method(value, sender=who)
            method(value, sender=OWNER)


@pytest.mark.parametrize("bucket", [0, 1])
def test_loss_budgets__tightening_is_the_guardians_loosening_the_owners(leveraged, bucket):
    was = (BUDGET, RESCUE_BUDGET)[bucket]
    set_budget = leveraged.rules.setLossBudget
    for looser in ((was[0] + 1, was[1]), (was[0], was[1] - 1)):
        for who in (GUARDIAN, STRANGER):
            with pytest.raises(Reverted, match="Unauthorized"):
                set_budget(bucket, looser, sender=who)
    with pytest.raises(Reverted, match="OutOfRange"):
        set_budget(bucket, (1, HOUR - 1), sender=OWNER)
    set_budget(bucket, (was[0] - 1, was[1] + 1), sender=GUARDIAN)
    set_budget(bucket, was, sender=OWNER)
    with pytest.raises(Reverted):
        set_budget(2, was, sender=OWNER)


def test_rules__only_the_strategy_spends(leveraged):
    nothing = (mainnet.WETH, 0, 0, 0, 0)
    for who in (OWNER, GUARDIAN, STRANGER):
        with pytest.raises(Reverted, match="Unauthorized"):
            leveraged.rules.settle(0, 1, 2, nothing, nothing, sender=who)


@pytest.mark.parametrize(
    "fields",
    [
        {"MIN": WAD - 1},
        {"MIN": 2 * WAD + 1},
        {"TARGET": 23 * WAD // 10 + 1},
        {"MAX": 15 * WAD + 1},
        {"MARGIN": WAD - 1},
        {"HARD": WAD},
        {"IDLE": 0},
        {"RESCUE": 2_001},
        {"BOUNTY": 1_001},
        {"EPSILON": 0},
        {"REACTION": 366 * DAY},
    ],
    ids=str,
)
def test_bands__out_of_range_are_refused(leveraged, fields):
    with pytest.raises(Reverted, match="OutOfRange|OutOfBounds"):
        leveraged.rules.setBands(changed(BANDS, **fields), sender=OWNER)


def test_credit__is_given_once_and_must_be_its_own(place):
    held = place.leveraged()
    with pytest.raises(Reverted, match="WrongVenue"):
        held.at.setCredit(held.credit.address, sender=OWNER)
    with pytest.raises(Reverted, match="Unauthorized"):
        held.at.setCredit(held.credit.address, sender=GUARDIAN)
    bare = place.make("LeveragedStrategy", place.setup("bare"), RULES, place.feed.address, place.pair, BANDS)
    with pytest.raises(Reverted, match="WrongVenue"):
        bare.setCredit(held.credit.address, sender=OWNER)
    short = (bare.address, mainnet.USDC, mainnet.WETH, mainnet.USDC)
    wrong = place.make("AaveV3Credit", (*short, mainnet.AAVE_ADDRESSES_PROVIDER, place.oracle.address, 0))
    with pytest.raises(Reverted, match="WrongVenue"):
        bare.setCredit(wrong.address, sender=OWNER)
    # without an account it holds assets, and that is all
    place.usdc.approve(bare.address, MOST, sender=FIRST)
    bare.deposit(MILLION, FIRST, sender=FIRST)
    assert bare.totalAssets() == bare.maxWithdraw(FIRST) + 1 == MILLION or bare.totalAssets() == MILLION
    bare.redeem(bare.balanceOf(FIRST), FIRST, FIRST, sender=FIRST)


# --- calls in the middle ---


def test_on_trade__takes_calls_only_from_the_exchange_and_only_when_asked(place):
    exchange = place.lying_exchange()
    held = place.leveraged(exchange=exchange)
    with pytest.raises(Reverted, match="NotTrading"):
        held.at.onTrade(True, 1, 1, b"", sender=STRANGER)
    with pytest.raises(Reverted, match="NotTrading"):
        exchange.intrude(held.at.address, b"", sender=STRANGER)
    held.deposit(MILLION)
    exchange.setRepeats(True, sender=OWNER)
    assert held.refusal() == "NotTrading", "once for each trade"


@pytest.mark.parametrize(
    "view", ["totalAssets", "readings", "exposure", "entryValue", "previewRedeem", "previewDeposit", "convertToAssets"]
)
def test_in_the_middle_of_a_trade__it_cannot_be_priced(place, view):
    exchange = place.lying_exchange()
    held = place.leveraged(exchange=exchange)
    held.deposit(MILLION)
    arguments = (10**6,) if "preview" in view or "convert" in view else ()
    exchange.setCallback(held.at.address, getattr(held.at, view).data(*arguments), sender=OWNER)
    held.poke()
    assert not exchange.answered()
    assert place.chain.reverted(bytes(exchange.answer())).name == "ReentrancyGuardReentrantCall"


@pytest.mark.parametrize("view", ["maxDeposit", "maxMint", "maxRedeem", "maxWithdraw"])
def test_in_the_middle_of_a_trade__nothing_may_come_or_go(place, view):
    exchange = place.lying_exchange()
    held = place.leveraged(exchange=exchange)
    held.deposit(MILLION)
    exchange.setCallback(held.at.address, getattr(held.at, view).data(FIRST), sender=OWNER)
    held.poke()
    assert exchange.answered() and int.from_bytes(bytes(exchange.answer()), "big") == 0


@pytest.mark.parametrize("call", ["deposit", "redeem", "rebalance", "rescue", "withdraw"])
def test_in_the_middle_of_a_trade__nobody_gets_in(place, call):
    exchange = place.lying_exchange()
    held = place.leveraged(exchange=exchange)
    held.deposit(MILLION)
    arguments = {"deposit": (USDC, FIRST), "redeem": (1, FIRST, FIRST, 0), "withdraw": (1, FIRST, FIRST)}
    exchange.setCallback(held.at.address, getattr(held.at, call).data(*arguments.get(call, ())), sender=OWNER)
    held.poke()
    assert not exchange.answered()


def test_exposure__is_the_collateral_and_has_no_gamma(leveraged, place):
    base, delta, gamma, gross, net = leveraged.at.exposure()
    worth = leveraged.credit.collateral() * place.feed_price() // 10**30
    assert base == mainnet.WETH.lower() and gamma == 0
    assert delta == near(worth, 1e-6) and gross == near(worth, 1e-6)
    assert net == leveraged.at.totalAssets()

"""A range of the real Uniswap v3 pools held for one owner: what it is worth, what it earns, what fits it."""

import random
from decimal import Decimal, getcontext

import pytest

from ballast.fuzz.chain import Reverted
from ballast.fuzz.world import OWNER, STRANGER
from tests.uniswap_kit import *

getcontext().prec = 60
SEEDS = pytest.mark.parametrize("seed", range(6))
BPS = 10_000


@pytest.fixture
def rng(seed):
    return random.Random(seed)


def bounds(market, lower_bps, upper_bps):
    """Prices so far from spot."""
    price = market.price()
    return price * (BPS + lower_bps) // BPS, price * (BPS + upper_bps) // BPS


def opened(market, lower_bps=-300, upper_bps=300, assets=10**12, bases=5 * 10**20):
    venue = market.venue()
    venue.add(*bounds(market, lower_bps, upper_bps), assets, bases, sender=HOLDER)
    return venue


def random_range(rng):
    """Basis points from spot: around it, below it, or above it."""
    lower = rng.randint(-2_000, 1_000)
    return lower, lower + rng.randint(150, 2_500)


def held(market):
    return market.balance(USDC, HOLDER), market.balance(WETH, HOLDER)


def gained(market, before):
    return tuple(now - was for now, was in zip(held(market), before, strict=True))


def expected_holdings(venue, liquidity, price_wad):
    """In real numbers: the formulas of section 6.2 of the Uniswap v3 paper, for USDC as token0."""
    low, high = (Decimal("1.0001") ** (Decimal(tick) / 2) for tick in (venue.lowerTick(), venue.upperTick()))
    root = (Decimal(10) ** 30 / price_wad).sqrt()
    at = min(max(root, low), high)
    return liquidity * (1 / at - 1 / high), liquidity * (at - low)


# --- adding and removing ---


def test_add__takes_what_fits_and_no_more(any_market):
    venue, before = any_market.venue(), held(any_market)
    used = venue.add(*bounds(any_market, -300, 300), 10**12, 5 * 10**20, sender=HOLDER)
    assert gained(any_market, before) == (-used[0], -used[1])
    assert used[0] <= 10**12 and used[1] <= 5 * 10**20
    # one of the two is used up, to what a unit of liquidity is worth
    assert 10**12 - used[0] <= 1 or 5 * 10**20 - used[1] <= 10**6
    assert venue.liquidity() > 0
    assert any_market.balance(USDC, venue.address) == any_market.balance(WETH, venue.address) == 0


def test_add__rounds_prices_to_the_nearest_usable_ticks(any_market):
    venue = opened(any_market)
    lower, upper = bounds(any_market, -300, 300)
    # USDC is token0: the upper price is the lower tick
    assert venue.lowerTick() == any_market.tick_at(upper)
    assert venue.upperTick() == any_market.tick_at(lower)
    told = venue.rangeWad()
    half = 1.0001 ** (any_market.spacing / 2)
    assert lower / half <= told[0] <= lower * half * 1.0001
    assert upper / half <= told[1] <= upper * half * 1.0001


@SEEDS
def test_add__to_the_range_it_tells_is_its_own_range(any_market, rng):
    venue = opened(any_market, *random_range(rng))
    ticks, liquidity = (venue.lowerTick(), venue.upperTick()), venue.liquidity()
    venue.add(*venue.rangeWad(), 10**12, 5 * 10**20, sender=HOLDER)
    assert (venue.lowerTick(), venue.upperTick()) == ticks
    assert venue.liquidity() > liquidity


def test_add__refuses_another_range_and_an_empty_one(market500):
    venue = opened(market500)
    with pytest.raises(Reverted, match="OtherRange"):
        venue.add(*bounds(market500, -500, 300), 10**10, 10**19, sender=HOLDER)
    price = market500.price()
    for terms in ((price, price), (price * 2, price), (0, 0), (2**200, 2**201)):
        with pytest.raises(Reverted, match="EmptyRange"):
            venue.add(*terms, 10**10, 10**19, sender=HOLDER)
    with pytest.raises(Reverted, match="EmptyRange"):
        venue.fit(price * 2, price, 1, 1)


def test_add__of_nothing_does_nothing(market500):
    venue = market500.venue()
    assert venue.add(*bounds(market500, -300, 300), 0, 0, sender=HOLDER) == (0, 0)
    assert venue.rangeWad() == (0, 0)


@SEEDS
def test_holdings__are_what_removing_pays(any_market, rng):
    venue = opened(any_market, *random_range(rng))
    any_market.scatter(rng)
    told, before = venue.holdings(), held(any_market)
    with any_market.chain.isolated():
        assert venue.remove(1, 1, sender=HOLDER) == told
        assert gained(any_market, before) == told
        assert venue.liquidity() == 0
        assert venue.holdings() == (0, 0)
    part, whole = rng.randint(1, 10**9), 10**9
    paid = venue.remove(part, whole, sender=HOLDER)
    for got, all_ in zip(paid, told, strict=True):
        assert got <= all_ * part // whole + 1
        assert got == pytest.approx(all_ * part / whole, rel=1e-8, abs=2)


def test_remove__keeps_to_the_owner_and_to_the_whole(market500):
    venue = opened(market500)
    with pytest.raises(Reverted, match="PartTooLarge"):
        venue.remove(2, 1, sender=HOLDER)
    calls = [
        lambda who: venue.remove(1, 1, sender=who),
        lambda who: venue.collect(sender=who),
        lambda who: venue.add(*venue.rangeWad(), 1, 1, sender=who),
    ]
    for each in calls:
        with pytest.raises(Reverted, match="NotOwner"):
            each(STRANGER)


def test_callback__is_for_the_pool_alone(market500):
    """The owner has approved the venue: nobody may use that."""
    venue = opened(market500)
    with pytest.raises(Reverted, match="NotPool"):
        venue.uniswapV3MintCallback(10**9, 10**18, b"", sender=STRANGER)


def test_venue__wants_a_pool_of_its_asset_an_owner_and_an_oracle(market500):
    make, nobody = market500.build.make, "0x" + "00" * 20
    oracle, pool = market500.oracle().address, market500.pool.address
    for terms, error in (
        ((HOLDER, TRADER, pool, oracle), "WrongPool"),
        ((nobody, USDC, pool, oracle), "ZeroAddress"),
        ((HOLDER, USDC, pool, nobody), "ZeroAddress"),
    ):
        with pytest.raises(Reverted, match=error):
            make(market500.chain, "UniswapV3Liquidity", *terms, sender=OWNER)


# --- fees ---


@SEEDS
def test_fees__are_what_collecting_pays_wherever_the_price_has_been(any_market, rng):
    venue = opened(any_market, *random_range(rng))
    earned = 0
    for _ in range(5):
        any_market.scatter(rng, ranges=2)
        if rng.random() < 0.4:
            told = venue.fees()
            venue.remove(1, 3, sender=HOLDER)
            assert venue.fees() == told  # removing books them, and pays none
        told, before = venue.fees(), held(any_market)
        with any_market.chain.isolated():
            assert venue.collect(sender=HOLDER) == told
            assert gained(any_market, before) == told
            assert venue.fees() == (0, 0)
        earned += sum(told)
        if rng.random() < 0.3:
            venue.collect(sender=HOLDER)
    assert earned > 0 or venue.lowerTick() > any_market.tick() or venue.upperTick() <= any_market.tick()


@pytest.mark.parametrize("edge", ["lowerTick", "upperTick"])
@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_fees__are_right_within_a_tick_of_the_edges(any_market, edge, beyond):
    venue = opened(any_market)
    any_market.attacker.push(True, 10**20)
    target = any_market.root_of(getattr(venue, edge)() + beyond) * (10**9 + 1) // 10**9
    any_market.attacker.push_to(target > any_market.root(), target)
    assert any_market.tick() == getattr(venue, edge)() + beyond
    told = venue.fees()
    assert max(told) > 0
    assert venue.collect(sender=HOLDER) == told


def test_fees__stay_owed_when_all_is_removed_and_bar_another_range(market500):
    venue = opened(market500)
    market500.attacker.push(True, 10**20)
    market500.attacker.push(False, 10**11)
    told = venue.fees()
    assert min(told) > 0
    venue.remove(1, 1, sender=HOLDER)
    assert venue.fees() == told
    with pytest.raises(Reverted, match="FeesLeft"):
        venue.add(*bounds(market500, -500, 500), 10**10, 10**19, sender=HOLDER)
    assert venue.collect(sender=HOLDER) == told
    venue.add(*bounds(market500, -500, 500), 10**10, 10**19, sender=HOLDER)
    assert venue.fees() == (0, 0)


def test_collect__without_a_position_pays_nothing(market500):
    assert market500.venue().collect(sender=HOLDER) == (0, 0)


# --- worth ---


@SEEDS
def test_holdings_at__are_the_formulas_at_any_price(any_market, rng):
    venue = opened(any_market, *random_range(rng))
    liquidity, price = venue.liquidity(), any_market.price()
    for factor in (1, 10, 9_000, 9_900, 10_000, 10_100, 11_000, 30_000, 10**9):
        told = venue.holdingsAt(price * factor // BPS)
        wanted = expected_holdings(venue, liquidity, price * factor // BPS)
        for got, want in zip(told, wanted, strict=True):
            # the pool's root prices have 96 bits behind the point
            assert abs(got - want) <= 1 + want * Decimal("1e-18") + liquidity * Decimal("1e-26")


def test_value__is_at_the_oracles_price_and_not_at_the_pools(any_market):
    venue = opened(any_market)
    oracle = any_market.build.at(any_market.chain, "Oracle", venue.oracle())
    price = oracle.price()[0]

    def expected():
        assets, bases = (a + b for a, b in zip(venue.holdingsAt(price), venue.fees(), strict=True))
        return assets + bases * price // 10**30

    before = venue.value()
    assert before == expected() > 0
    assert venue.fees() == (0, 0)
    # a tenth of the price up and down: the spot holdings change, the value only by the fees earned
    for sells_base, factor in ((True, 9), (False, 11)):
        any_market.attacker.push_to(sells_base, any_market.root_at(price * factor // 10))
        assert venue.value() == expected()
        earned, bases = venue.fees()
        assert 0 < venue.value() - before <= earned + bases * price // 10**30 + 1
        assert abs(venue.spotWad() - any_market.price()) <= 10**6


def test_exposure__is_the_slope_of_the_value_and_its_slope(any_market):
    venue = opened(any_market)
    price, liquidity = any_market.price(), venue.liquidity()

    def worth(at):
        usdc, weth = expected_holdings(venue, liquidity, at)
        return usdc / 10**6 + weth / 10**18 * at / 10**18

    for factor in (9_000, 9_800, 10_000, 10_250, 12_000):
        at = Decimal(price * factor // BPS)
        delta, gamma = venue.exposureAt(int(at))
        step = at / 10**12
        slope = (worth(at + step) - worth(at - step)) / (2 * step) * 10**36
        assert delta == pytest.approx(float(slope), rel=1e-9, abs=10)
        step = at / 10**6
        curve = (worth(at + step) - 2 * worth(at) + worth(at - step)) / (step * step) * 10**54
        assert gamma == pytest.approx(float(curve), rel=1e-6, abs=10)
    oracle = any_market.build.at(any_market.chain, "Oracle", venue.oracle())
    assert (venue.delta(), venue.gamma()) == venue.exposureAt(oracle.price()[0])


def test_exposure__counts_fees_in_base(market500):
    venue = opened(market500)
    price = market500.price()
    before = venue.exposureAt(price)[0]
    market500.attacker.push(True, 10**20)
    assert venue.exposureAt(price)[0] - before == venue.fees()[1] > 0


def test_worth__without_a_position_is_nothing(market500):
    venue = market500.venue()
    assert (venue.value(), venue.delta(), venue.gamma(), venue.liquidity()) == (0, 0, 0, 0)
    assert venue.rangeWad() == venue.holdings() == venue.fees() == venue.holdingsAt(WAD) == (0, 0)


def test_gifts__of_tokens_and_of_liquidity_change_no_value(market500):
    venue = opened(market500)
    told = venue.value(), venue.delta(), venue.holdings(), venue.liquidity()
    giver = market500.build.make(market500.chain, "TraderStandIn", sender=OWNER)
    for token in (USDC, WETH):
        market500.chain.deal(token, giver.address, 10**24)
        market500.attacker.token(token).transfer(venue.address, 10**12, sender=TRADER)
    ticks = venue.lowerTick(), venue.upperTick()
    giver.give(market500.pool.address, venue.address, *ticks, 10**15, sender=STRANGER)
    assert (venue.value(), venue.delta(), venue.holdings(), venue.liquidity()) == told
    # all that was added comes back, and another range can follow, though the gift stays where it was put
    market500.attacker.push(True, 10**20)
    market500.attacker.push(False, 10**11)
    fees = venue.fees()
    venue.remove(1, 1, sender=HOLDER)
    assert venue.collect(sender=HOLDER) == fees
    # though it earns a little more in the meantime
    market500.attacker.push(True, 10**20)
    assert max(venue.fees()) > 0
    venue.add(*bounds(market500, -500, 500), 10**10, 10**19, sender=HOLDER)
    assert venue.holdings()[0] > 0


# --- what fits ---


def dust(market, venue):
    """What the range holds with the liquidity that two units of USDC make, or two of WETH, or what they are worth.

    A trade goes in units: the last one changes both amounts, and and each unit of the scarcer token wants many
    of the other.
    """
    low, high = market.root_of(venue.lowerTick()), market.root_of(venue.upperTick())
    at = min(max(market.root(), low + 1), high - 1)
    weth = 2 + 2 * 10**30 // market.price()
    liquidity = max(2 * at * high // (high - at) // 2**96 + 2, weth * 2**96 // (at - low) + 2)
    return liquidity * (high - at) * 2**96 // (high * at) + 3, liquidity * (at - low) // 2**96 + 3


@SEEDS
def test_fit__leaves_only_dust_of_either_token(any_market, rng):
    venue = any_market.venue()
    any_market.scatter(rng)
    for _ in range(40):
        with any_market.chain.isolated():
            if rng.random() < 0.5:  # on top of a position that is part of what the trade goes through
                venue.add(*bounds(any_market, -200, 250), 10 ** rng.randint(8, 13), 10**21, sender=HOLDER)
                terms = venue.rangeWad()
            else:
                lower = rng.randint(-900, 300)
                terms = bounds(any_market, lower, max(lower + 150, rng.randint(-200, 1_500)))
            amounts = [rng.choice((0, 10 ** rng.randint(4, 12))), rng.choice((0, 10 ** rng.randint(12, 21)))]
            if not any(amounts):
                continue
            sells_base, amount = venue.fit(*terms, *amounts)
            assert amount <= amounts[1 if sells_base else 0]
            if amount:
                out = any_market.exchange.quote(sells_base, amount)
                any_market.exchange.trade(sells_base, amount, 0, b"", sender=HOLDER)
                amounts[1 if sells_base else 0] -= amount
                amounts[0 if sells_base else 1] += out
            used = venue.add(*terms, *amounts, sender=HOLDER)
            if venue.liquidity():
                left = [has - took for has, took in zip(amounts, used, strict=True)]
                for part, bound in zip(left, dust(any_market, venue), strict=True):
                    assert part <= bound


def test_fit__of_what_fits_already_is_no_trade(market500):
    venue = opened(market500)
    holdings = venue.holdings()
    sells_base, amount = venue.fit(*venue.rangeWad(), *holdings)
    assert amount <= (10**9 if sells_base else 2)  # two units of USDC, or as much WETH
    assert venue.fit(*venue.rangeWad(), 0, 0)[1] == 0


def test_fit__beside_the_price_sells_all_of_the_other_token_or_nothing(market500):
    venue = market500.venue()
    above, below = bounds(market500, 400, 900), bounds(market500, -900, -400)
    # above the price a range holds base alone, below it assets alone
    assert venue.fit(*above, 0, 10**18) == venue.fit(*below, 10**9, 0) == (False, 0)
    assert venue.fit(*above, 10**9, 0) == (False, 10**9 - 1)
    assert venue.fit(*below, 0, 10**18)[0] is True
    assert 10**18 - venue.fit(*below, 0, 10**18)[1] <= 1


# --- an exit's trade ---


@SEEDS
def test_quote_after_remove__is_what_the_trade_then_gives(any_market, rng):
    """Also when the position is alone at its ticks, which are stops for a trade no more without it."""
    venue = any_market.venue()
    any_market.scatter(rng)
    venue.add(*bounds(any_market, *random_range(rng)), 10**12, 5 * 10**20, sender=HOLDER)
    any_market.shove(rng)
    for _ in range(25):
        part = rng.choice((1, rng.randint(1, 10**6), 10**6))
        sells_base = rng.random() < 0.5
        amount = max(1, rng.randint(1, 9) * UNIT[sells_base] * 10 ** rng.randint(0, 6) // 10**3)
        told = venue.quoteAfterRemove(part, 10**6, sells_base, amount)
        with any_market.chain.isolated():
            venue.remove(part, 10**6, sender=HOLDER)
            assert any_market.exchange.quote(sells_base, amount) == told
            try:
                assert any_market.trade(sells_base, amount) == told
            except Reverted as error:
                assert (error.name, told) == ("NotFilled", 0)


def test_quote_after_remove__without_liquidity_is_the_exchanges(market500):
    venue = market500.venue()
    assert venue.quoteAfterRemove(1, 1, True, 10**18) == market500.exchange.quote(True, 10**18)
    assert venue.quoteAfterRemove(0, 1, True, 10**31) == venue.quoteAfterRemove(0, 1, True, 2**255) == 0

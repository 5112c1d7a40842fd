"""Delta and gamma, held against decimals of 120 digits over all ticks, liquidities and decimals."""

import random
from decimal import Decimal, localcontext

import pytest

from ballast.fuzz.chain import Reverted
from tests.unit.risk import reference

WAD = 10**18
MAX_TICK = 887_272
MOST = 2**255 - 1
DECIMALS = (0, 6, 8, 18, 24, 30)
#: far inside the 1e-9 that is asked for
RELATIVE = Decimal("1e-28")
#: (base is token0, decimals of base, of asset)
WETH_USDC = (False, 18, 6)
MARKETS = [(side, base, asset) for side in (True, False) for base in DECIMALS for asset in DECIMALS]


@pytest.fixture(autouse=True)
def digits():
    with localcontext(prec=reference.ROOT_DIGITS):
        yield


def to_x96(root):
    return int(root * 2**96)


def from_x96(x96):
    return Decimal(x96) / 2**96


LOWEST, HIGHEST = to_x96(reference.root_at_tick(-MAX_TICK)), to_x96(reference.root_at_tick(MAX_TICK))


def check(found, true):
    """Within the bound and a last digit; the largest number where it does not fit. Returns the relative error."""
    worst = Decimal(0)
    for got, wanted in zip(found, true, strict=True):
        wanted *= WAD
        if abs(wanted) >= MOST:
            assert got == (MOST if wanted > 0 else -MOST)
            continue
        error = abs(got - wanted)
        assert error <= 1 + abs(wanted) * RELATIVE, (got, wanted)
        if abs(wanted) > 10**36:
            worst = max(worst, error / abs(wanted))
    return worst


def ranges(draw, count):
    """Ticks of ranges over the whole of what a pool has: wide, narrow, at the ends."""
    yield -MAX_TICK, MAX_TICK
    for edge in (-MAX_TICK, MAX_TICK - 1, -1, 0):
        yield edge, edge + 1
    for _ in range(count):
        lower = draw.randrange(-MAX_TICK, MAX_TICK)
        width = min(round(10 ** draw.uniform(0, 6)), MAX_TICK - lower)
        yield lower, lower + max(width, 1)


def liquidities(draw):
    return draw.choice([1, 2**128 - 1, draw.randrange(1, 2**128), round(2 ** draw.uniform(0, 127.9))])


def test_range__at_a_pools_root_price_is_exact_over_all_ticks_liquidities_and_decimals(maths):
    draw = random.Random(1)
    worst = Decimal(0)
    for lower, upper in ranges(draw, 120):
        low, high = to_x96(reference.root_at_tick(lower)), to_x96(reference.root_at_tick(upper))
        inside = draw.randrange(low, high)
        for price in {LOWEST, HIGHEST, low - 1, low, low + 1, inside, high - 1, high, high + 1}:
            market, liquidity = draw.choice(MARKETS), liquidities(draw)
            found = maths.rangeAtRoot(market, liquidity, low, high, price)
            true = reference.exposure(liquidity, *map(from_x96, (low, high, price)), *market)
            worst = max(worst, check(found, true))
    print(f"largest relative error at root prices: {worst:.1e}")


def test_range__at_ticks_and_a_price_of_ours_is_exact_over_all_ticks_liquidities_and_decimals(maths):
    draw = random.Random(2)
    worst, seen = Decimal(0), 0
    for lower, upper in ranges(draw, 250):
        low, high = reference.root_at_tick(lower), reference.root_at_tick(upper)
        for _ in range(4):
            market, liquidity = draw.choice(MARKETS), liquidities(draw)
            side, base, asset = market
            # prices within, and a factor of 10 around
            root = low * (high / low) ** Decimal(draw.uniform(-0.3, 1.3)) * Decimal(10) ** Decimal(draw.uniform(-1, 1))
            price = (root if side else 1 / root) ** 2 * Decimal(10) ** (base - asset)
            price_wad = int(price * WAD)
            if not 0 < price_wad < 2**256:
                continue
            root = reference.root_at_price(Decimal(price_wad) / WAD, *market)
            if min(abs(root / edge - 1) for edge in (low, high)) < Decimal("1e-8"):
                continue
            found = maths.rangeAtTicks(market, liquidity, lower, upper, price_wad)
            # a price 2^-120 off, 1e-8 from the edge: 1e-28
            worst = max(worst, check(found, reference.exposure(liquidity, low, high, root, *market)))
            seen += 1
    assert seen > 400
    print(f"largest relative error at {seen} prices: {worst:.1e}")


def test_range__at_a_price_of_ours_and_a_pools_edges(maths):
    draw = random.Random(3)
    for lower, upper in ranges(draw, 60):
        low, high = to_x96(reference.root_at_tick(lower)), to_x96(reference.root_at_tick(upper))
        market, liquidity = draw.choice(MARKETS), liquidities(draw)
        root = from_x96(draw.randrange(low, high))
        price_wad = int(WAD * (root if market[0] else 1 / root) ** 2 * Decimal(10) ** (market[1] - market[2]))
        if not 0 < price_wad < 2**256:
            continue
        root = reference.root_at_price(Decimal(price_wad) / WAD, *market)
        if min(abs(root / from_x96(edge) - 1) for edge in (low, high)) < Decimal("1e-8"):
            continue
        found = maths.rangeAtPrice(market, liquidity, low, high, price_wad)
        check(found, reference.exposure(liquidity, from_x96(low), from_x96(high), root, *market))


@pytest.mark.parametrize("tick", [0, 1, -1, 2, 10, 887_271, MAX_TICK, -MAX_TICK, 123_456, -654_321, 524_288])
def test_root__at_a_tick_is_exact_to_2_to_the_minus_100(maths, tick):
    mantissa, exponent = maths.rootAtTick(tick)
    true = reference.root_at_tick(tick)
    assert abs(Decimal(mantissa) * Decimal(2) ** exponent / true - 1) < Decimal(2) ** -100


@pytest.mark.parametrize("tick", [MAX_TICK + 1, -MAX_TICK - 1, 2**23 - 1, -(2**23)])
def test_root__beyond_the_ticks_is_refused(maths, tick):
    with pytest.raises(Reverted) as caught:
        maths.rootAtTick(tick)
    assert (caught.value.name, caught.value.values) == ("TickOutOfRange", (tick, -MAX_TICK, MAX_TICK))


@pytest.mark.parametrize("side", [True, False])
def test_range__by_the_numbers(maths, side):
    """18 and 6 decimals, 2,000 a piece, from 1,600 to 2,500, L = 1e15:

    delta = L (1 / sqrt(P) - 1 / sqrt(Pb)) in smallest units, P = 2000e6 / 1e18 = 2e-9, Pb = 2.5e-9:
    1e15 (22360.68 - 20000) = 2.36068e18, 2.36068 whole. gamma = -1e15 / (2 (2e-9)^1.5) = -5.59017e27 per smallest,
    price, of which a whole one is 1e-12: -5.59017e15 smallest, -0.00559017 whole. For 1 %, 20: -0.1118034.
    """
    ends = [Decimal(price * 10**6) / 10**18 for price in (1600, 2500)]
    roots = sorted(to_x96(end.sqrt() if side else 1 / end.sqrt()) for end in ends)
    delta, gamma, move = maths.rangeAtPrice((side, 18, 6), 10**15, *roots, 2000 * WAD)
    assert delta / WAD == pytest.approx(2.360679775, rel=1e-9)
    assert gamma / WAD == pytest.approx(-0.005590169944, rel=1e-9)
    assert move / WAD == pytest.approx(-0.1118033989, rel=1e-9)


@pytest.mark.parametrize("side", [True, False])
def test_range__delta_is_the_slope_of_its_value_and_gamma_of_its_delta(maths, side):
    """Against the value formula V = L (2 sqrt(P) - P / sqrt(Pb) - sqrt(Pa)) by differences."""
    liquidity = 10**15
    low, high = (Decimal(price * 10**6) / 10**18 for price in (1600, 2500))
    roots = sorted(to_x96(end.sqrt() if side else 1 / end.sqrt()) for end in (low, high))

    def value(whole):
        price = whole * 10**6 / 10**18
        return liquidity * (2 * price.sqrt() - price / high.sqrt() - low.sqrt()) / 10**6

    for whole in (1700, 2000, 2400):
        step = Decimal("0.001")
        delta, gamma, _ = maths.rangeAtPrice((side, 18, 6), liquidity, *roots, whole * WAD)
        slope = (value(whole + step) - value(whole - step)) / (2 * step)
        assert delta / WAD == pytest.approx(float(slope), rel=1e-9)
        up, down = (
            maths.rangeAtPrice((side, 18, 6), liquidity, *roots, whole * WAD + sign * 10**15)[0] for sign in (1, -1)
        )
        assert gamma / WAD == pytest.approx((up - down) / (2 * 10**15), rel=1e-9)


def test_range__below_holds_all_in_base_and_above_none_and_neither_has_gamma(maths):
    """As 1,600 to 2,500 above: below, L (1 / sqrt(Pa) - 1 / sqrt(Pb)) = 1e15 (25000 - 20000) = 5e18."""
    roots = [to_x96(1 / (Decimal(price * 10**6) / 10**18).sqrt()) for price in (2500, 1600)]
    for price in (1, WAD, 1599 * WAD):
        delta, gamma, move = maths.rangeAtPrice(WETH_USDC, 10**15, *roots, price)
        assert delta / WAD == pytest.approx(5, rel=1e-9)
        assert gamma == move == 0
    for price in (2501 * WAD, 2**200, 2**256 - 1):
        assert maths.rangeAtPrice(WETH_USDC, 10**15, *roots, price) == (0, 0, 0)


@pytest.mark.parametrize("side", [True, False])
def test_range__gamma_jumps_at_both_edges_as_the_pool_switches_the_range_on_and_off(maths, side):
    low, high = 2**95, 2**97
    on = [maths.rangeAtRoot((side, 18, 18), 10**24, low, high, price)[1:] for price in (low, high - 1)]
    off = [maths.rangeAtRoot((side, 18, 18), 10**24, low, high, price)[1:] for price in (low - 1, high)]
    assert all(gamma < 0 and move < 0 for gamma, move in on)
    assert off == [(0, 0), (0, 0)]
    # at root price r: r = 1/2 or 2, gamma = L w^3 / 2 with w = 1/r for token0 and r for token1
    w = 2 if side else Decimal(1) / 2
    assert on[0][0] / WAD == pytest.approx(float(-(10**6) * w**3 / 2), rel=1e-12)


@pytest.mark.parametrize("side", [True, False])
def test_range__what_cannot_be_told_is_the_largest_number_and_never_reverts(maths, side):
    most = 0
    for lower, upper in ((-MAX_TICK, MAX_TICK), (MAX_TICK - 1, MAX_TICK), (-MAX_TICK, 1 - MAX_TICK)):
        low, high = to_x96(reference.root_at_tick(lower)), to_x96(reference.root_at_tick(upper))
        for price in (1, low, high - 1, high, 2**160 - 1):
            for base, asset in ((0, 0), (0, 30), (30, 0), (30, 30), (18, 6)):
                for liquidity in (0, 1, 2**128 - 1):
                    found = maths.rangeAtRoot((side, base, asset), liquidity, low, high, price)
                    true = reference.exposure(liquidity, *map(from_x96, (low, high, price)), side, base, asset)
                    check(found, true)
                    most += MOST in map(abs, found)
    assert most > 5


def test_gamma__of_255_bits_is_told_and_one_of_256_is_the_largest_number(maths):
    """At a root price of 1, gamma is L / 2 x 1e(18 + 30), in Wad."""
    for liquidity, told in ((2**255 * 2 // 10**48 - 1, True), (2**255 * 2 // 10**48 + 1, False)):
        found = maths.rangeAtRoot((True, 0, 30), liquidity, 2**95, 2**97, 2**96)[1]
        assert (found > -MOST) is told
        assert found == (pytest.approx(-liquidity * 10**48 // 2, rel=1e-15) if told else -MOST)


@pytest.mark.parametrize("bits", [1, 10, 20])
def test_range__edges_far_below_the_price_still_count(maths, bits):
    """All ticks, root price 2^bits: the lower edge is 2^-(64 + bits) of it, and in the amount held."""
    low, high = (reference.root_at_tick(tick) for tick in (-MAX_TICK, MAX_TICK))
    price = 10**48 >> 2 * bits
    root = reference.root_at_price(Decimal(price) / WAD, False, 30, 0)
    found = maths.rangeAtTicks((False, 30, 0), 2**127, -MAX_TICK, MAX_TICK, price)
    check(found, reference.exposure(2**127, low, high, root, False, 30, 0))


def test_gamma__for_one_percent_stays_within_a_word_where_gamma_does_not(maths):
    """The lowest tick, base token0 without decimals: w = 2^64, 1 %: L w / 200 = 2^192 x 1e18 / 200."""
    low = to_x96(reference.root_at_tick(-MAX_TICK))
    found = maths.rangeAtRoot((True, 0, 0), 2**128 - 1, low, 2**160 - 1, low)
    assert found[1] == -MOST
    assert found[2] == pytest.approx(-(2**128) * 2**96 / low * WAD / 200, rel=1e-12)


@pytest.mark.parametrize("function", ["rangeAtPrice", "rangeAtRoot"])
def test_range__without_a_price_or_a_width_is_refused(maths, function):
    call = getattr(maths, function)
    with pytest.raises(Reverted, match="NoPrice"):
        call(WETH_USDC, 1, 2**95, 2**97, 0)
    for low, high in ((2**96, 2**96), (2**97, 2**96), (0, 2**96)):
        with pytest.raises(Reverted, match="EmptyRange"):
            call(WETH_USDC, 1, low, high, 2**96)


def test_decimals__above_thirty_are_refused(maths):
    for call, arguments in (
        (maths.spot, (1, 31)),
        (maths.credit, (1, 1, 31)),
        (maths.toAssets, (1, 1, 31)),
        (maths.rangeAtRoot, ((True, 31, 6), 1, 1, 2, 1)),
        (maths.rangeAtRoot, ((True, 6, 31), 1, 1, 2, 1)),
        (maths.rangeAtPrice, ((True, 31, 6), 1, 1, 2, 1)),
    ):
        with pytest.raises(Reverted) as caught:
            call(*arguments)
        assert (caught.value.name, caught.value.values) == ("TooManyDecimals", (31, 30))


@pytest.mark.parametrize("decimals", DECIMALS)
def test_spot_and_credit__count_whole_base_units(maths, decimals):
    unit = 10**decimals
    assert maths.spot(3 * unit, decimals) == (3 * WAD, 0, 0)
    assert maths.credit(5 * unit, 2 * unit, decimals) == (3 * WAD, 0, 0)
    assert maths.credit(0, 2 * unit, decimals) == (-2 * WAD, 0, 0)
    assert maths.credit(2**256 - 1, 0, decimals)[0] == min((2**256 - 1) * WAD // unit, MOST)
    assert maths.credit(0, 2**256 - 1, decimals)[0] == -min((2**256 - 1) * WAD // unit, MOST)


def test_sum__of_a_hedged_range_is_the_sum_of_its_parts(maths):
    """The range of the numbers above against a debt of 2.36068 base: no delta to speak of, gamma as it was."""
    roots = [to_x96(1 / (Decimal(price * 10**6) / 10**18).sqrt()) for price in (2500, 1600)]
    range_ = maths.rangeAtPrice(WETH_USDC, 10**15, *roots, 2000 * WAD)
    debt = maths.credit(0, 2_360_679_775_000_000_000, 18)
    total = maths.add(range_, debt)
    assert abs(total[0]) < 10**9
    assert total[1:] == range_[1:]
    # one quarter of the strategy's shares are the vault's
    assert maths.share(range_, 1, 4) == tuple(-(-each // 4) if each < 0 else each // 4 for each in range_)


def test_sum__saturates(maths):
    top, bottom = (MOST, MOST, MOST), (-MOST, -MOST, -MOST)
    one, minus = (1, 1, 1), (-1, -1, -1)
    assert maths.add(top, one) == top
    assert maths.add(top, top) == top
    assert maths.add(bottom, minus) == bottom
    assert maths.add((-(2**255),) * 3, minus) == bottom
    assert maths.add(top, minus) == (MOST - 1,) * 3
    assert maths.add(top, bottom) == (0, 0, 0)


def test_share__of_all_is_all_and_nothing_overflows(maths):
    top, bottom = (MOST, -MOST, MOST), (-MOST, MOST, -MOST)
    assert maths.share(top, 7, 7) == top
    assert maths.share(top, 8, 7) == top
    assert maths.share(bottom, 2**256 - 2, 2**256 - 1) == tuple(
        (-1 if each < 0 else 1) * (abs(each) * (2**256 - 2) // (2**256 - 1)) for each in bottom
    )
    assert maths.share((7, -7, 1), 8, 7) == maths.share((7, -7, 1), 1, 0) == (7, -7, 1)
    assert maths.share(top, 0, 7) == (0, 0, 0)
    assert maths.share((-7, 7, -1), 1, 2) == (-3, 3, 0)
    assert maths.share((-(2**255), 0, 0), 2, 3)[0] == -(2**256 // 3)


def test_gamma_move__is_gamma_times_one_percent_of_the_price(maths):
    assert maths.gammaMoveWad(-5590169943749474, 2000 * WAD) == -111803398874989480
    assert maths.gammaMoveWad(MOST, 2**256 - 1) == MOST
    assert maths.gammaMoveWad(-(2**255), 2**256 - 1) == -MOST
    # a product of exactly 2^256 divisors
    assert maths.gammaMoveWad(-(2**255), 200 * WAD) == -MOST
    assert maths.gammaMoveWad(MOST, 100 * WAD) == MOST
    assert maths.gammaMoveWad(MOST, 100 * WAD - 1) == MOST * (100 * WAD - 1) // (100 * WAD)


@pytest.mark.parametrize("decimals", DECIMALS)
def test_to_assets__is_the_worth_in_the_assets_smallest_unit(maths, decimals):
    assert maths.toAssets(-15 * WAD // 10, 2000 * WAD, decimals) == -3000 * 10**decimals
    assert maths.toAssets(MOST, 2**256 - 1, decimals) == MOST
    assert maths.toAssets(-(2**255), 2**256 - 1, decimals) == -MOST
    assert maths.toAssets(0, 2**256 - 1, decimals) == 0

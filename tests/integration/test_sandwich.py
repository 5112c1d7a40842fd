"""The exchange's safe depth, held against the best sandwich that a search finds, over many shapes of liquidity."""

import pytest

from tests.uniswap_kit import *

SIDES = pytest.mark.parametrize("sells_base", [True, False], ids=["sells", "buys"])
#: a trade's limit price is 1 % from the market's; so a push that leaves any depth at all is within this reach
LIMIT_BPS = 100
REACH = WAD * LIMIT_BPS // (10_000 - LIMIT_BPS)

#: liquidity, relative, between ticks counted from the price towards where the trade goes
SHAPES = {
    "even": [(-3_000, 3_000, 100)],
    "half behind": [(-3_000, 0, 50), (0, 3_000, 100)],
    "thin behind": [(-3_000, -400, 100), (-400, -20, 2), (-20, 3_000, 100)],
    "thin where it stands": [(-3_000, -30, 100), (-30, 30, 3), (30, 3_000, 100)],
    "gap behind": [(-3_000, -90, 100), (-20, 3_000, 100)],
    "thick behind, thin ahead": [(-3_000, 0, 100), (0, 3_000, 4)],
    "thin behind, thick ahead": [(-3_000, 0, 4), (0, 3_000, 100)],
    "cliff ahead": [(-3_000, 3_000, 2), (-60, 60, 300)],
    "steps": [(-3_000, 3_000, 10), (-100, 40, 30), (-50, 80, 60), (-20, 10, 200)],
    "one spike": [(-3_000, 3_000, 1), (-10, 10, 1_000)],
    "spike behind": [(-3_000, 3_000, 5), (-70, -40, 1_000)],
}
UNIT_OF_LIQUIDITY = 10**17


def pour(market, shape, sells_base):
    """Fill the emptied pool. Selling WETH for USDC moves this pool's tick up."""
    here = round(market.tick() / market.spacing) * market.spacing
    # the pieces begin where the price stands: a billionth beside it, so that amounts of both tokens tell the liquidity
    target = market.root_of(here) * (10**9 + 1) // 10**9
    market.attacker.push_to(target > market.root(), target)
    market.clear()
    ahead = 1 if sells_base else -1
    step = market.spacing // 10
    for start, end, weight in SHAPES[shape]:
        lower, upper = sorted((here + ahead * step * start, here + ahead * step * end))
        place(market, lower, upper, weight * UNIT_OF_LIQUIDITY)


def place(market, lower, upper, liquidity):
    """Mint a liquidity, nearly: by the amounts that it needs."""
    root, low, high = market.root(), market.root_of(lower), market.root_of(upper)
    at = min(max(root, low), high)
    usdc = liquidity * (high - at) * 2**96 // (high * at)
    weth = liquidity * (at - low) // 2**96
    market.provide(lower, upper, usdc + 2, weth + 2)


def limit_of(market, sells_base):
    return market.price() * (10_000 - LIMIT_BPS if sells_base else 10_000 + LIMIT_BPS) // 10_000


def best(market, sells_base, times=1):
    """The best sandwich around a trade of so many times what the exchange says is safe when it comes to the trade."""
    limit = limit_of(market, sells_base)
    whole = market.exchange.depth(sells_base, limit)

    def victim():
        amount = market.exchange.safeDepth(sells_base, limit, REACH)
        if amount:
            market.trade(sells_base, int(amount * times))

    return market.attacker.best(victim, sells_base=sells_base, least=max(1, whole // 10**5), most=whole, points=40)


@SIDES
@pytest.mark.parametrize("shape", SHAPES)
def test_safe_depth__leaves_no_sandwich_a_profit(any_market, shape, sells_base):
    pour(any_market, shape, sells_base)
    limit = limit_of(any_market, sells_base)
    safe = any_market.exchange.safeDepth(sells_base, limit, REACH)
    assert 0 < safe <= any_market.exchange.depth(sells_base, limit)
    assert best(any_market, sells_base).profit <= 0
    # nor for who pushes the other way first, so that the trade is made at a better price
    assert (
        any_market.attacker.best(
            lambda: any_market.trade(sells_base, safe),
            sells_base=not sells_base,
            least=10**6,
            most=any_market.exchange.depth(not sells_base, limit_of(any_market, not sells_base)),
        ).profit
        <= 0
    )


@SIDES
@pytest.mark.parametrize("shape", SHAPES)
def test_safe_depth__is_not_far_from_what_a_sandwich_lives_on(any_market, shape, sells_base):
    """Five times as much, and the search finds a sandwich that pays: the test above can fail."""
    pour(any_market, shape, sells_base)
    assert best(any_market, sells_base, times=5).profit > 0


@SIDES
def test_safe_depth__in_even_liquidity_moves_the_price_by_the_fee(any_market, sells_base):
    pour(any_market, "even", sells_base)
    safe = any_market.exchange.safeDepth(sells_base, limit_of(any_market, sells_base), REACH)
    before = any_market.price()
    any_market.trade(sells_base, safe)
    moved = before / any_market.price() if sells_base else any_market.price() / before
    assert (moved - 1) * 10**6 == pytest.approx(any_market.fee, rel=0.01)


@SIDES
def test_safe_depth__behind_half_the_liquidity_moves_the_price_by_two_thirds_of_the_fee(any_market, sells_base):
    """To push by the trade's own size moves the price twice as far as the trade: 2i + i = 2f."""
    pour(any_market, "half behind", sells_base)
    safe = any_market.exchange.safeDepth(sells_base, limit_of(any_market, sells_base), REACH)
    before = any_market.price()
    any_market.trade(sells_base, safe)
    moved = before / any_market.price() if sells_base else any_market.price() / before
    assert (moved - 1) * 10**6 == pytest.approx(any_market.fee * 2 / 3, rel=0.01)


@SIDES
def test_safe_depth__grows_with_liquidity_and_shrinks_with_reach(market500, sells_base):
    limit = limit_of(market500, sells_base)
    pour(market500, "thin behind", sells_base)
    said = [market500.exchange.safeDepth(sells_base, limit, reach) for reach in (0, WAD // 200, WAD // 50)]
    assert said[0] > said[1] >= said[2] > 0
    for start, end, weight in SHAPES["even"]:
        here = market500.tick() // 10 * 10
        place(market500, here + start, here + end, 3 * weight * UNIT_OF_LIQUIDITY)
    assert market500.exchange.safeDepth(sells_base, limit, WAD // 50) > 2 * said[2]


@SIDES
def test_safe_depth__keeps_to_the_limit_price(market500, sells_base):
    near = market500.price() * (9_994 if sells_base else 10_006) // 10_000
    safe = market500.exchange.safeDepth(sells_base, near, REACH)
    assert safe == pytest.approx(market500.exchange.depth(sells_base, near), rel=1e-6)
    assert safe <= market500.exchange.depth(sells_base, near)

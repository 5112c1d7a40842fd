"""The exchange over the real Uniswap v3 pools: exact quotes, depth, flash trades, and what it refuses."""

import random

import pytest
from eth_utils import keccak

from ballast.fuzz.chain import Reverted
from ballast.fuzz.world import OWNER, STRANGER
from tests.uniswap_kit import *

SIDES = pytest.mark.parametrize("sells_base", [True, False], ids=["sells", "buys"])


@SIDES
@pytest.mark.parametrize("seed", range(4))
def test_quote__is_what_the_pool_and_its_quoter_give_to_the_unit(any_market, sells_base, seed):
    rng = random.Random(seed)
    any_market.scatter(rng)
    for _ in range(8):
        amount = rng.randint(1, 9) * UNIT[sells_base] * 10 ** rng.randint(-8, 4) if rng.random() < 0.9 else 1
        amount = max(1, int(amount))
        said = any_market.exchange.quote(sells_base, amount)
        with any_market.chain.isolated():
            try:
                assert any_market.trade(sells_base, amount) == said
            except Reverted as error:
                # the quoter tells what a part would give
                assert (error.name, said) == ("NotFilled", 0)
                continue
        assert any_market.quoter_says(sells_base, amount) == said


@SIDES
def test_quote__crosses_empty_words_and_gaps(any_market, sells_base):
    """Nothing for a while, and liquidity again behind it: the pool steps over whole words, and rounds at each."""
    any_market.clear()
    here = any_market.tick() // any_market.spacing * any_market.spacing
    step = any_market.spacing
    any_market.provide(here - 5 * step, here + 5 * step, 10**12, 10**21)
    for side in (-1, 1):
        far = sorted((here + side * 700 * step, here + side * 710 * step))
        any_market.provide(*far, 10**12, 10**21)
    near = any_market.exchange.depth(sells_base, 1 if sells_base else 2**128 - 1) // 4
    for amount in (near, 3 * near, 3 * near + 1):
        assert any_market.exchange.quote(sells_base, amount) == any_market.quoter_says(sells_base, amount) > 0


@SIDES
def test_quote__is_0_for_what_cannot_be_filled(market500, sells_base):
    for amount in (0, 10**31, 2**128, 2**255, 2**256 - 1):
        assert market500.exchange.quote(sells_base, amount) == 0
    market500.clear()
    assert market500.exchange.quote(sells_base, 10**9) == 0


@SIDES
@pytest.mark.parametrize("seed", range(2))
def test_best_price__is_that_of_a_small_trade_and_no_trade_beats_it(any_market, sells_base, seed):
    rng = random.Random(seed)
    any_market.scatter(rng)
    best = any_market.exchange.bestWad(sells_base)
    for power in range(-6, 4):
        amount = int(rng.randint(1, 9) * UNIT[sells_base] * 10**power)
        out = any_market.exchange.quote(sells_base, amount)
        bases, assets = (amount, out) if sells_base else (out, amount)
        # cross-multiplied, so that nothing is rounded here: 1e30 is a Wad and the difference of decimals
        assert assets * 10**30 <= best * bases if sells_base else assets * 10**30 >= best * bases
    # not beaten, and hardly missed: by the fee, what the smallest of these moves the price by, and a unit
    fee = 1 - any_market.fee / 10**6
    factor = fee if sells_base else 1 / fee
    assert best == pytest.approx(any_market.price() * factor, rel=1e-9)


@SIDES
def test_trade__pays_the_caller_and_leaves_nothing_in_the_exchange(any_market, sells_base):
    given, taken = (WETH, USDC) if sells_base else (USDC, WETH)
    before = {token: any_market.balance(token, TRADER) for token in (given, taken)}
    amount = 3 * UNIT[sells_base]
    out = any_market.trade(sells_base, amount)
    assert any_market.balance(given, TRADER) == before[given] - amount
    assert any_market.balance(taken, TRADER) == before[taken] + out
    exchange = any_market.exchange.address
    assert any_market.balance(USDC, exchange) == any_market.balance(WETH, exchange) == 0


@SIDES
def test_trade__refuses_less_than_the_least(market500, sells_base):
    said = market500.exchange.quote(sells_base, UNIT[sells_base])
    with pytest.raises(Reverted, match="TooLittle") as caught:
        market500.trade(sells_base, UNIT[sells_base], said + 1)
    assert caught.value.values == (said, said + 1)
    assert market500.trade(sells_base, UNIT[sells_base], said) == said


@SIDES
def test_trade__refuses_what_is_not_filled_whole(market500, sells_base):
    with pytest.raises(Reverted, match="NotFilled"):
        market500.trade(sells_base, 10**31)
    with pytest.raises(Reverted, match="NotFilled"):
        market500.trade(sells_base, 2**255)
    with pytest.raises(Reverted, match="ZeroAmount"):
        market500.trade(sells_base, 0)


@SIDES
@pytest.mark.parametrize("bps", [1, 40, 400, 3000])
def test_depth__ends_where_the_last_unit_trades_at_the_limit(any_market, sells_base, bps):
    any_market.scatter(random.Random(bps))
    limit = any_market.price() * (10_000 - bps if sells_base else 10_000 + bps) // 10_000
    depth = any_market.exchange.depth(sells_base, limit)
    fee = any_market.fee
    if bps * 100 < fee:
        assert depth == 0  # the fee alone is more than that
        return
    assert depth > 0
    # spot at which a unit, fee included, trades at the limit
    spot = limit * 10**6 / (10**6 - fee) if sells_base else limit * (10**6 - fee) / 10**6
    with any_market.chain.isolated():
        any_market.trade(sells_base, depth)
        assert any_market.price() / spot == pytest.approx(1, rel=1e-9)
        worse = any_market.price() < spot if sells_base else any_market.price() > spot
        assert not worse or any_market.price() / spot == pytest.approx(1, rel=1e-12)


@SIDES
def test_depth__is_0_without_liquidity_or_at_a_senseless_limit(market500, sells_base):
    senseless = (2**256 - 1, 10**60, market500.price() * 2) if sells_base else (0, 1, market500.price() // 2)
    for limit in senseless:
        assert market500.exchange.depth(sells_base, limit) == 0
        assert market500.exchange.safeDepth(sells_base, limit, WAD) == 0
    market500.clear()
    for limit in (0, market500.price(), 2**256 - 1):
        for reach in (0, WAD // 100, 2**256 - 1):
            assert market500.exchange.depth(sells_base, limit) == 0
            assert market500.exchange.safeDepth(sells_base, limit, reach) == 0


def call(contract, method, *arguments):
    return contract.address, getattr(contract, method).data(*arguments)


@pytest.fixture
def flash_trader(market500):
    return market500.build.make(market500.chain, "TraderStandIn", sender=OWNER)


def calls_data(flash_trader, calls):
    """What `run` gets, without its selector: the calls as `onTrade` decodes them."""
    return flash_trader.run.data(calls)[4:]


@SIDES
def test_trade__pays_before_it_is_paid(market500, flash_trader, sells_base):
    """The trader has nothing: in the middle it sees what came, and pays with what a friend then gives for it."""
    exchange, chain = market500.exchange, market500.chain
    given, taken = (WETH, USDC) if sells_base else (USDC, WETH)
    token = {each: market500.attacker.token(each) for each in (given, taken)}
    amount = 2 * UNIT[sells_base]
    said = exchange.quote(sells_base, amount)
    token[given].approve(flash_trader.address, amount, sender=TRADER)
    middle = [
        call(token[taken], "balanceOf", flash_trader.address),
        call(token[given], "transferFrom", TRADER, flash_trader.address, amount),
        call(token[given], "approve", exchange.address, amount),
    ]
    trade = call(exchange, "trade", sells_base, amount, said, calls_data(flash_trader, middle))
    flash_trader.run([trade], sender=STRANGER)
    assert int.from_bytes(flash_trader.answers()[0], "big") == said
    assert (flash_trader.soldBase(), flash_trader.amountIn(), flash_trader.amountOut()) == (sells_base, amount, said)
    assert market500.balance(taken, flash_trader.address) == said
    assert market500.balance(given, flash_trader.address) == 0
    assert chain.view(
        token[given].address, token[given].allowance.data(flash_trader.address, exchange.address)
    ) == bytes(32)


def test_trade__in_the_middle_of_a_trade_is_refused_and_views_answer_0(market500, flash_trader):
    exchange = market500.exchange
    limit = market500.price() * 9 // 10
    middle = [
        call(exchange, "quote", True, 10**18),
        call(exchange, "depth", True, limit),
        call(exchange, "safeDepth", True, limit, WAD // 100),
        call(market500.attacker.token(WETH), "approve", exchange.address, 10**18),
    ]
    market500.chain.deal(WETH, flash_trader.address, 10**18)
    trade = call(exchange, "trade", True, 10**18, 0, calls_data(flash_trader, middle))
    flash_trader.run([trade], sender=STRANGER)
    assert [int.from_bytes(each, "big") for each in flash_trader.answers()[:3]] == [0, 0, 0]
    market500.chain.deal(WETH, flash_trader.address, 2 * 10**18)
    inner = call(exchange, "trade", False, 10**9, 0, b"")
    again = call(exchange, "trade", True, 10**18, 0, calls_data(flash_trader, [inner]))
    with pytest.raises(Reverted) as caught:
        flash_trader.run([again], sender=STRANGER)
    assert keccak(text="ReentrancyGuardReentrantCall()")[:4] in caught.value.data


def test_trade__of_who_does_not_pay_is_undone(market500, flash_trader):
    trade = call(market500.exchange, "trade", True, 10**18, 0, b"")
    root = market500.root()
    with pytest.raises(Reverted):
        flash_trader.run([trade], sender=STRANGER)
    assert market500.root() == root


@pytest.mark.parametrize("amounts", [(10**9, -1), (-1, 10**18)])
def test_callback__is_for_the_pool_alone(market500, amounts):
    """The trader has approved the exchange: nobody may use that."""
    types = ["address", "bool", "uint256", "uint256", "bytes"]
    from eth_abi import encode

    data = encode(types, [TRADER, False, 10**9, 0, b""])
    with pytest.raises(Reverted, match="NotPool"):
        market500.exchange.uniswapV3SwapCallback(*amounts, data, sender=STRANGER)


def test_exchange__wants_a_pool_of_its_asset(uniswap_state):
    build, chain = uniswap_state
    with chain.isolated(), pytest.raises(Reverted, match="WrongPool"):
        build.make(chain, "UniswapV3Exchange", mainnet.UNISWAP_V3_USDC_WETH_500, TRADER, sender=OWNER)


@SIDES
def test_exchange__of_the_other_token_as_its_asset_says_the_same(market500, sells_base):
    """With WETH as the asset and USDC as the base, the pool's token order is turned round."""
    other = market500.build.make(market500.chain, "UniswapV3Exchange", market500.pool.address, WETH, sender=OWNER)
    amount = UNIT[sells_base]
    assert (other.asset(), other.base()) == (WETH, USDC)
    assert other.quote(not sells_base, amount) == market500.exchange.quote(sells_base, amount)
    price = market500.price()
    limit = price * 99 // 100 if sells_base else price * 101 // 100
    turned = WAD * WAD // limit
    for name, rest in (("depth", ()), ("safeDepth", (WAD // 50,))):
        one = getattr(market500.exchange, name)(sells_base, limit, *rest)
        two = getattr(other, name)(not sells_base, turned, *rest)
        assert two == pytest.approx(one, rel=1e-9) and one > 0


def test_views__walk_a_bounded_way_through_scattered_liquidity(market500):
    """A hundred ranges one spacing wide: what is told ends with the steps, and can be traded."""
    here = market500.tick() // 10 * 10
    for k in range(1, 101):
        market500.provide(here - 10 * k, here - 10 * k + 10, 10**6, 10**18)
    depth = market500.exchange.depth(False, 2**128 - 1)
    assert depth > 0
    assert market500.trade(False, depth) > 0
    assert (here - market500.tick()) / 10 == pytest.approx(64, abs=2)
    assert market500.exchange.quote(True, 10**12) > 0

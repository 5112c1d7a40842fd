"""A delta-neutral strategy as one of a vault's, on the fork, and what its calls cost in gas."""

import pytest

from ballast import mainnet
from tests.credit_kit import *
from tests.neutral_kit import FORECAST, FORECAST_BOUNDS, NEUTRAL_BANDS, NEUTRAL_RULES

MILLION = 1_000_000 * USDC
#: What the vault gives a strategy to be read, and what a call to it may cost at most.
READ_GAS, CALL_GAS = 1_000_000, 3_000_000
MOST = 2**256 - 1


@pytest.fixture(scope="module")
def neutral_on_fork(project, owner, guardian, keeper, oracle, w3):
    """A delta-neutral strategy, empty: it trades in the 0.05 % pool, and gives liquidity in the 0.3 % pool."""
    exchange = owner.deploy(project.UniswapV3Exchange, mainnet.UNISWAP_V3_USDC_WETH_500, mainnet.USDC)
    planner = owner.deploy(project.NeutralPlanner, exchange)
    feed = owner.deploy(project.ForecastFeed, owner, guardian, keeper)
    feed.addPair(mainnet.WETH, mainnet.USDC, FORECAST_BOUNDS, sender=owner)
    pair = feed.pairOf(mainnet.WETH, mainnet.USDC)
    feed.post(pair, *FORECAST, sender=keeper)
    made = owner.deploy(
        project.DeltaNeutralStrategy,
        (mainnet.USDC, "Ballast neutral", "bNEU", owner, guardian, oracle, exchange),
        planner,
        NEUTRAL_RULES,
        feed,
        pair,
        NEUTRAL_BANDS,
    )
    range_ = owner.deploy(project.UniswapV3Liquidity, made, mainnet.USDC, mainnet.UNISWAP_V3_USDC_WETH_3000, oracle)
    terms = (made, *SHORT, mainnet.USDC, mainnet.AAVE_ADDRESSES_PROVIDER, oracle, 0)
    credit = owner.deploy(project.AaveV3Credit, terms)
    made.setVenues(range_, credit, sender=owner)
    return made


@pytest.fixture(scope="module")
def vault_over_neutral(project, owner, guardian, curator, fee_recipient, vault_code, neutral_on_fork, usdc):
    terms = (0, 0, 65_535, 10 * DAY, DAY, 100, DAY)
    roles = (owner, guardian, curator, fee_recipient)
    made = owner.deploy(project.Vault, (mainnet.USDC, "Ballast", "B", *roles, *terms), *vault_code)
    made.addStrategy(neutral_on_fork, UNLIMITED, 10_000, 9_000, 10, False, sender=owner)
    return made


@pytest.fixture(scope="module")
def held_by_vault(vault_over_neutral, neutral_on_fork, usdc, give_usdc, depositor, keeper):
    """A million in a vault, nine tenths of it with the strategy, at work there."""
    give_usdc(depositor, 2 * MILLION)
    usdc.approve(vault_over_neutral, MOST, sender=depositor)
    vault_over_neutral.deposit(MILLION, depositor, sender=depositor)
    vault_over_neutral.rebalance(sender=keeper)
    neutral_on_fork.rebalance(sender=keeper)
    return vault_over_neutral


@pytest.fixture(scope="module")
def gas(w3):
    """What a call costs as a transaction of its own, without the transaction's own 21,000."""

    def of(method, *arguments, by):
        request = {
            "from": by.address,
            "to": method.contract.address,
            "data": Call(method, *arguments).encode_input(),
        }
        return w3.eth.estimate_gas(request) - 21_000

    return of


def test_vault__knows_it_for_volatile_and_values_it_live(held_by_vault, neutral_on_fork, depositor):
    listed = held_by_vault.strategy(neutral_on_fork)
    assert listed.isVolatile
    assert neutral_on_fork.totalAssets() == pytest.approx(MILLION * 9 // 10, rel=1e-5)
    assert out_of_band(neutral_on_fork) <= {"oracle"}
    assert held_by_vault.totalAssets() == pytest.approx(MILLION, rel=1e-5)


def test_vault__lets_a_depositor_in_and_out_through_it(held_by_vault, neutral_on_fork, usdc, depositor, wait):
    held_by_vault.deposit(MILLION // 2, depositor, sender=depositor)
    wait(12)
    half = held_by_vault.balanceOf(depositor) // 2
    preview, before = held_by_vault.previewRedeem(half), usdc.balanceOf(depositor)
    held_by_vault.redeem(half, depositor, depositor, sender=depositor)
    paid = usdc.balanceOf(depositor) - before
    assert paid == pytest.approx(preview, abs=10**4)  # a block's interest is between the two
    assert paid == pytest.approx(MILLION * 3 // 4, rel=1e-4)
    wait(12)
    rest = held_by_vault.maxRedeem(depositor)
    assert rest == held_by_vault.balanceOf(depositor)
    held_by_vault.redeem(rest, depositor, depositor, sender=depositor)
    assert neutral_on_fork.totalAssets() < USDC


def test_vault__brings_it_back_to_its_weight(held_by_vault, neutral_on_fork, owner, keeper):
    held_by_vault.setWeight(neutral_on_fork, 5_000, 10, sender=owner)
    held_by_vault.rebalance(sender=keeper)
    assert neutral_on_fork.totalAssets() == pytest.approx(MILLION // 2, rel=1e-3)


@pytest.mark.replica_only("the pools are moved by the crowd's trader, prices by its oracles")
def test_gas__of_every_call_stays_within_what_the_vault_gives(
    held_by_vault, neutral_on_fork, owner, depositor, keeper, usdc, wait, gas, w3, oracle
):
    """In the dear state, with a net delta to be bought back; each call cold."""
    from ballast import market

    strategy = neutral_on_fork
    usdc.approve(strategy, MOST, sender=depositor)
    strategy.deposit(1_000 * USDC, depositor, sender=depositor)
    price, _ = oracle.price()
    for percent in (0, 8, -7):
        if percent:
            moved = price * (100 + percent) // 100
            market.keep_pools_near(w3, moved)
            wait(HOUR)
            market.push_prices(w3, eth_usd=moved // 10**10)
            market.keep_pools_near(w3, moved)
        wait(12)  # shares do not leave in the block of their deposit
        shares = strategy.balanceOf(depositor) // 2
        views = {"previewRedeem": (shares,), "maxRedeem": (depositor,), "maxWithdraw": (depositor,), "totalAssets": ()}
        moves = {"redeem": (shares, depositor, depositor), "deposit": (100 * USDC, depositor)}
        if percent:
            moves["rebalance"] = ()
        for name, arguments in views.items():
            assert gas(getattr(strategy, name), *arguments, by=depositor) < READ_GAS, name
        for name, arguments in moves.items():
            assert gas(getattr(strategy, name), *arguments, by=depositor) < CALL_GAS, name

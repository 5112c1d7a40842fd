"""A state machine over the router on real markets; every property after every step."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from ballast import mainnet
from ballast import properties as P
from ballast.market import set_aave_utilisation, set_morpho_utilisation
from tests.router_kit import AAVE, DAY, MORPHO, USDC, WAD, refusal

pytestmark = pytest.mark.replica_only("the seeded crowd moves the markets")
REFUSALS = {"InBand", "Stuck", "GainTooSmall", "PriceNotGood", "MarketBusy"}


def test_router__holds_its_properties(
    router, venues, usdc, give_usdc, depositor, keeper, attacker, guardian, chain, w3
):
    give_usdc(depositor, 10**9 * USDC)
    usdc.approve(router, 2**256 - 1, sender=depositor)
    give_usdc(attacker, 10**6 * USDC)
    aave, morpho = venues

    class Router(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.snapshot = chain.snapshot()

        def teardown(self):
            chain.restore(self.snapshot)

        @rule(assets=st.one_of(st.integers(1, 100), st.integers(USDC, 3 * 10**7 * USDC)))
        def deposit(self, assets):
            assets = min(assets, router.maxDeposit(depositor) * 999 // 1000)
            before = router.totalAssets()
            router.deposit(assets, depositor, sender=depositor)
            assert router.totalAssets() >= before + assets, P.ROUTER_STEADY

        @rule(part=st.integers(1, 100))
        def redeem(self, part):
            shares = router.maxRedeem(depositor) * part // 100
            preview, before = router.previewRedeem(shares), usdc.balanceOf(depositor)
            router.redeem(shares, depositor, depositor, sender=depositor)
            assert usdc.balanceOf(depositor) - before >= preview

        @rule(seconds=st.integers(60, 3 * DAY))
        def wait(self, seconds):
            chain.pending_timestamp = chain.blocks.head.timestamp + seconds
            chain.mine()

        @rule(market=st.sampled_from([set_aave_utilisation, set_morpho_utilisation]), percent=st.integers(30, 98))
        def crowd(self, market, percent):
            market(w3, percent * WAD // 100)

        @rule()
        def rebalance(self):
            chain.pending_timestamp = chain.blocks.head.timestamp + 12
            chain.mine()
            refused = refusal(router, router.rebalance, attacker)
            if refused:
                assert refused in REFUSALS
                return
            before = router.totalAssets()
            router.rebalance(sender=attacker)
            assert router.totalAssets() + 8 >= before, P.ROUTER_STEADY

        @rule(venue=st.sampled_from([AAVE, MORPHO]), cap=st.integers(0, 4 * 10**7))
        def tighten(self, venue, cap):
            if cap * USDC <= router.venues()[venue].cap:
                router.setCap(router.venues()[venue].at, cap * USDC, sender=guardian)

        @rule(assets=st.integers(1, 1_000))
        def donate(self, assets):
            usdc.transfer(router, assets, sender=attacker)

        @invariant()
        def books(self):
            assert usdc.balanceOf(router) >= router.idle(), P.ROUTER_BOOKS
            assert router.totalAssets() == router.idle() + aave.value() + morpho.value(), P.ROUTER_BOOKS
            assert scaled_balance(aave) == aave.scaled(), P.ROUTER_BOOKS
            assert supply_shares(morpho) == morpho.shares(), P.ROUTER_BOOKS

    def scaled_balance(venue):
        token = w3.eth.contract(mainnet.AAVE_A_USDC, abi=mainnet.abi("scaledBalanceOf(address) view returns (uint256)"))
        return token.functions.scaledBalanceOf(venue.address).call()

    def supply_shares(venue):
        morpho_blue = w3.eth.contract(mainnet.MORPHO, abi=mainnet.MORPHO_ABI)
        market = bytes.fromhex(mainnet.MORPHO_MARKET_ID_WETH_USDC[2:])
        return morpho_blue.functions.position(market, venue.address).call()[0]

    run_state_machine_as_test(
        Router,
        settings=settings(
            max_examples=4,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )

"""The lending router over real Aave v3 and Morpho Blue: when it moves, when it refuses, what it pays."""

import pytest
from ape import reverts

from ballast import mainnet
from tests.integration.test_lending_venues import pause_aave
from tests.router_kit import AAVE, DAY, HOUR, MARGIN, MORPHO, UNLIMITED, USDC, WINDOW, out_of_band, readings


@pytest.fixture
def morpho_better(crowd):
    """Aave at a low rate, Morpho at a high one, from now on."""
    crowd(aave=0.5, morpho=0.93)


@pytest.fixture
def observed(deposited, keeper, wait, morpho_better):
    """Two observations, half a window apart, and half a window since, with Morpho better throughout."""
    deposited.rebalance(sender=keeper)
    for _ in range(2):
        wait(WINDOW // 2 + 60)
        if _ == 0:
            deposited.rebalance(sender=keeper)
    return deposited


def test_deposit__goes_home_at_once(deposited, venues):
    assets, _ = deposited.holdings()
    assert deposited.home() == AAVE
    assert assets[AAVE] == pytest.approx(1_000_000 * USDC, abs=USDC)
    assert assets[MORPHO] == deposited.idle() == 0


def test_redeem__pays_all_with_interest(deposited, usdc, depositor, wait):
    wait(30 * DAY)
    before = usdc.balanceOf(depositor)
    preview = deposited.previewRedeem(deposited.balanceOf(depositor))
    deposited.redeem(deposited.balanceOf(depositor), depositor, depositor, sender=depositor)
    got = usdc.balanceOf(depositor) - before
    assert got >= preview > 1_000_000 * USDC


def test_rebalance__first_records_an_observation(deposited, keeper):
    assert out_of_band(deposited) == {"observation"}
    receipt = deposited.rebalance(sender=keeper)
    assert [log.event_name for log in receipt.decode_logs(deposited.Observed)] == ["Observed"]
    assert out_of_band(deposited) == set()


def test_rebalance__in_band_is_refused(deposited, keeper):
    deposited.rebalance(sender=keeper)
    with reverts(deposited.InBand):
        deposited.rebalance(sender=keeper)


def test_rebalance__moves_to_the_better_market_once_it_has_been_better_long_enough(observed, keeper):
    assert "edge" in out_of_band(observed)
    before, rates = observed.holdings()
    assert rates[MORPHO] > rates[AAVE] + MARGIN
    total = observed.totalAssets()
    receipt = observed.rebalance(sender=keeper)
    (moved,) = receipt.decode_logs(observed.Moved)
    assert moved.assets == pytest.approx(1_000_000 * USDC, rel=1e-3)
    assert moved.gain >= moved.cost
    after, rates = observed.holdings()
    assert after[MORPHO] == pytest.approx(before[AAVE], rel=1e-3) and after[AAVE] <= USDC
    assert observed.home() == MORPHO
    assert observed.totalAssets() >= total
    assert out_of_band(observed) == set()
    with reverts(observed.InBand):
        observed.rebalance(sender=keeper)


def test_rebalance__does_not_move_before_the_second_period_is_over(deposited, keeper, wait, morpho_better):
    deposited.rebalance(sender=keeper)
    wait(WINDOW // 2 + 60)
    deposited.rebalance(sender=keeper)
    wait(WINDOW // 2 - 600)
    assert deposited.plan().edgeWad == 0
    with reverts(deposited.InBand):
        deposited.rebalance(sender=keeper)
    assert deposited.holdings()[0][MORPHO] == 0


def test_rebalance__is_not_moved_by_a_rate_lifted_at_the_moments_of_observation(deposited, keeper, wait, crowd):
    """A hostile keeper lifts Morpho's utilisation for the block of each observation, and of the rebalance."""
    crowd(aave=0.85, morpho=0.6)
    for _ in range(3):
        crowd(morpho=0.999)
        assert deposited.holdings()[1][MORPHO] > deposited.holdings()[1][AAVE] + MARGIN, "the lie is a large one"
        deposited.rebalance(sender=keeper)
        crowd(morpho=0.6)
        wait(WINDOW // 2 + 60)
    assert deposited.holdings()[0][MORPHO] == 0


def test_rebalance__stays_when_the_advantage_has_gone(observed, keeper, crowd):
    crowd(aave=0.95)
    assert observed.plan().edgeWad <= MARGIN
    observed.rebalance(sender=keeper)  # an observation was due
    assert observed.holdings()[0][MORPHO] == 0


def test_rebalance__refuses_a_move_that_does_not_earn_its_gas(
    make_router, usdc, give_usdc, depositor, keeper, owner, wait, chain, morpho_better, w3
):
    router = make_router(horizon=HOUR)
    give_usdc(depositor, 1_000 * USDC)
    usdc.approve(router, 2**256 - 1, sender=depositor)
    router.deposit(100 * USDC, depositor, sender=depositor)
    for _ in range(2):
        router.rebalance(sender=keeper)
        wait(WINDOW // 2 + 60)
    w3.provider.make_request("anvil_setNextBlockBaseFeePerGas", [hex(20 * 10**9)])
    assert "edge" in out_of_band(router)
    with reverts(router.GainTooSmall):
        router.rebalance(sender=keeper, max_fee=100 * 10**9, gas_limit=3_000_000)
    wait(WINDOW)
    router.rebalance(sender=keeper)  # after a window the observations are renewed, move or not
    assert router.holdings()[0][MORPHO] == 0


def test_rebalance__refuses_to_move_on_a_price_that_is_not_good(
    make_router, make_oracle, usdc, give_usdc, depositor, keeper, owner, wait, morpho_better
):
    router = make_router()
    router.setOracle(make_oracle(base_max_age=HOUR), sender=owner)
    give_usdc(depositor, 1_000_000 * USDC)
    usdc.approve(router, 2**256 - 1, sender=depositor)
    router.deposit(1_000_000 * USDC, depositor, sender=depositor)
    for _ in range(2):
        router.rebalance(sender=keeper)
        wait(WINDOW // 2 + 60)
    assert "edge" in out_of_band(router)
    with reverts(router.PriceNotGood, verdict=1):  # stale
        router.rebalance(sender=keeper)
    assert router.holdings()[0][MORPHO] == 0


def test_rebalance__splits_what_would_spoil_the_better_market(
    make_router, usdc, give_usdc, depositor, keeper, wait, crowd
):
    """A position large against the market moves only as far as the rule holds."""
    router = make_router()
    give_usdc(depositor, 400_000_000 * USDC)
    usdc.approve(router, 2**256 - 1, sender=depositor)
    router.deposit(400_000_000 * USDC, depositor, sender=depositor)
    crowd(aave=0.7, morpho=0.93)
    for _ in range(2):
        router.rebalance(sender=keeper)
        wait(WINDOW // 2 + 60)
    here = router.holdings()[1][AAVE]
    receipt = router.rebalance(sender=keeper)
    (moved,) = receipt.decode_logs(router.Moved)
    assets, rates = router.holdings()
    assert 0 < moved.assets < 400_000_000 * USDC
    assert assets[AAVE] > 0 and assets[MORPHO] > 0
    assert rates[MORPHO] >= here + MARGIN * 99 // 100
    assert rates[MORPHO] >= rates[AAVE]


def test_cap__lowered_by_the_guardian_is_trimmed_by_anyone(deposited, guardian, keeper, venues):
    deposited.rebalance(sender=keeper)
    deposited.setCap(AAVE, 400_000 * USDC, sender=guardian)
    assert out_of_band(deposited) >= {"venue.0"}
    deposited.rebalance(sender=keeper)
    assets, _ = deposited.holdings()
    assert assets[AAVE] <= 400_000 * USDC + USDC
    assert assets[MORPHO] == pytest.approx(600_000 * USDC, rel=1e-3), "what came back found another venue"


def test_evacuate__takes_all_out_at_once(deposited, guardian):
    deposited.evacuate(AAVE, sender=guardian)
    assert deposited.holdings()[0][AAVE] <= USDC
    assert deposited.idle() == pytest.approx(1_000_000 * USDC, rel=1e-4)


def test_withdraw__of_an_illiquid_market_pays_what_there_is(deposited, depositor, usdc, crowd):
    crowd(aave=0.9999)
    most = deposited.maxWithdraw(depositor)
    assert 0 < most < 1_000_000 * USDC
    before = usdc.balanceOf(depositor)
    deposited.withdraw(most, depositor, depositor, sender=depositor)
    assert usdc.balanceOf(depositor) - before == most


def test_withdraw__passes_over_a_paused_market(deposited, depositor, guardian, keeper, accounts, usdc):
    deposited.setCap(AAVE, 500_000 * USDC, sender=guardian)
    deposited.rebalance(sender=keeper)  # half with each
    pause_aave(accounts, True)
    most = deposited.maxWithdraw(depositor)
    assert most == pytest.approx(500_000 * USDC, rel=1e-3)
    deposited.withdraw(most, depositor, depositor, sender=depositor)
    pause_aave(accounts, False)
    deposited.redeem(deposited.maxRedeem(depositor), depositor, depositor, sender=depositor)
    assert deposited.totalAssets() <= USDC


def test_donation__to_the_router_changes_no_price(deposited, usdc, give_usdc, attacker):
    before = deposited.convertToAssets(10**18)
    give_usdc(attacker, 10**6 * USDC)
    usdc.transfer(deposited, 10**6 * USDC, sender=attacker)
    assert deposited.convertToAssets(10**18) == pytest.approx(before, rel=1e-6)
    assert deposited.idle() == 0


def test_pause__stops_deposits_and_not_withdrawals(deposited, guardian, owner, depositor, usdc):
    deposited.pause(sender=guardian)
    assert deposited.maxDeposit(depositor) == 0
    with reverts(deposited.ERC4626ExceededMaxDeposit):
        deposited.deposit(1, depositor, sender=depositor)
    deposited.withdraw(USDC, depositor, depositor, sender=depositor)
    deposited.unpause(sender=owner)
    deposited.deposit(USDC, depositor, sender=depositor)


def test_add_venue__refuses_what_is_not_its_own(deposited, project, owner):
    foreign = owner.deploy(project.AaveV3Lending, owner, mainnet.USDC, mainnet.AAVE_ADDRESSES_PROVIDER)
    with reverts(deposited.WrongVenue):
        deposited.addVenue(foreign, UNLIMITED, sender=owner)
    listed = deposited.venues()[AAVE].at
    with reverts(deposited.WrongVenue):
        deposited.addVenue(listed, UNLIMITED, sender=owner)


def test_remove_venue__brings_its_assets_home(deposited, owner, usdc, depositor):
    deposited.removeVenue(AAVE, sender=owner)
    assert len(deposited.venues()) == 1
    assert deposited.idle() == pytest.approx(1_000_000 * USDC, rel=1e-4)
    deposited.redeem(deposited.balanceOf(depositor), depositor, depositor, sender=depositor)


def test_readings__name_all_that_is_regulated(deposited):
    assert set(readings(deposited)) == {"edge", "observation", "idle", "venue.0", "venue.1"}


@pytest.mark.parametrize(
    "rules", [(0, WINDOW, DAY, 1), (MARGIN, HOUR - 1, DAY, 1), (MARGIN, WINDOW, 0, 1)], ids=["margin", "window", "horizon"]
)
def test_rules__out_of_range_are_refused(deposited, owner, rules):
    with reverts(deposited.OutOfRange):
        deposited.setRules(rules, sender=owner)

"""The lending router over real Aave v3 and Morpho Blue: when it moves, when it refuses, what it pays."""

from contextlib import contextmanager

import pytest
from ape import Contract, reverts
from eth_abi import encode
from eth_utils import keccak

from ballast import mainnet
from tests.integration.test_lending_venues import pause_aave
from tests.router_kit import (
    AAVE,
    DAY,
    HOUR,
    MARGIN,
    MORPHO,
    UNLIMITED,
    USDC,
    WAD,
    WINDOW,
    out_of_band,
    readings,
    refusal,
)


@pytest.fixture
def morpho_better(crowd):
    """Aave at a low rate, Morpho at a high one, from now on."""
    crowd(aave=0.5, morpho=0.93)


@pytest.fixture
def observed(deposited, keeper, wait, morpho_better):
    """Two observations, half a window apart, and half a window since, with Morpho better throughout."""
    wait(WINDOW // 2 + 60)
    deposited.rebalance(sender=keeper)
    wait(WINDOW // 2 + 60)
    return deposited


def test_deposit__is_put_to_work_at_home_in_a_later_block(deposited, depositor, keeper, chain, w3):
    deposited.deposit(500_000 * USDC, depositor, sender=depositor)
    assert deposited.idle() == 500_000 * USDC
    assert out_of_band(deposited) == set(), "in its own block a deposit is left alone"
    chain.mine()
    assert "idle" in out_of_band(deposited)
    deposited.rebalance(sender=keeper)
    assets, _ = deposited.holdings()
    assert deposited.home() == AAVE
    assert assets[AAVE] == pytest.approx(1_500_000 * USDC, abs=10 * USDC)
    assert assets[MORPHO] == deposited.idle() == 0


def test_redeem__pays_all_with_interest(deposited, usdc, depositor, wait):
    wait(30 * DAY)
    before = usdc.balanceOf(depositor)
    preview = deposited.previewRedeem(deposited.balanceOf(depositor))
    deposited.redeem(deposited.balanceOf(depositor), depositor, depositor, sender=depositor)
    got = usdc.balanceOf(depositor) - before
    assert got >= preview > 1_000_000 * USDC


def test_rebalance__records_an_observation_that_is_due(deposited, keeper, wait):
    wait(WINDOW // 2 + 60)
    assert out_of_band(deposited) == {"observation"}
    receipt = deposited.rebalance(sender=keeper)
    assert [log.event_name for log in receipt.decode_logs(deposited.Observed)] == ["Observed"]
    assert out_of_band(deposited) == set()


def test_rebalance__in_band_is_refused(deposited, keeper):
    with reverts(deposited.InBand):
        deposited.rebalance(sender=keeper)


def test_rebalance__moves_to_the_better_market_once_it_has_been_better_long_enough(observed, keeper, wait):
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
    wait(WINDOW // 2 + 60)
    observed.rebalance(sender=keeper)
    assert out_of_band(observed) == set(), "the dust that stays behind is no reason to move"
    with reverts(observed.InBand):
        observed.rebalance(sender=keeper)


def test_rebalance__does_not_move_before_the_second_period_is_over(deposited, keeper, wait, morpho_better):
    wait(WINDOW // 2 + 60)
    deposited.rebalance(sender=keeper)
    wait(WINDOW // 2 - 600)
    assert deposited.plan().edgeWad == 0
    assert refusal(deposited, deposited.rebalance, keeper) == "InBand"
    assert deposited.holdings()[0][MORPHO] == 0


def test_rebalance__is_not_moved_by_a_rate_lifted_at_the_moments_of_observation(deposited, keeper, wait, crowd):
    """A hostile keeper lifts Morpho's utilisation for the block of each observation, and of the rebalance."""
    crowd(aave=0.85, morpho=0.6)
    for _ in range(4):
        wait(WINDOW // 2 + 60)
        crowd(morpho=0.999)
        assert deposited.holdings()[1][MORPHO] > deposited.holdings()[1][AAVE] + MARGIN, "the lie is a large one"
        deposited.rebalance(sender=keeper)
        crowd(morpho=0.6)
    assert deposited.holdings()[0][MORPHO] == 0


def test_rebalance__stays_when_the_advantage_has_gone(observed, keeper, crowd):
    crowd(aave=0.95)
    assert observed.plan().edgeWad <= MARGIN
    observed.rebalance(sender=keeper)  # an observation was due
    assert observed.holdings()[0][MORPHO] == 0


@pytest.fixture
def watched(make_router, usdc, give_usdc, depositor, keeper, wait):
    """A router of the test's own, with `assets` lent on Aave and observed long enough for a move."""

    def make(assets, router=None, **terms):
        router = router or make_router(**terms)
        give_usdc(depositor, assets)
        usdc.approve(router, 2**256 - 1, sender=depositor)
        router.deposit(assets, depositor, sender=depositor)
        for _ in range(2):
            router.rebalance(sender=keeper)
            wait(WINDOW // 2 + 60)
        return router

    return make


def observe(router, keeper):
    """Do the work that is due and not in question, so that only the move is left."""
    router.rebalance(sender=keeper)


def test_rebalance__refuses_a_move_that_does_not_earn_its_gas(watched, keeper, w3, chain, morpho_better):
    router = watched(100 * USDC, horizon=HOUR)

    w3.provider.make_request("anvil_setNextBlockBaseFeePerGas", [hex(20 * 10**9)])
    assert "edge" in out_of_band(router)
    router.rebalance(sender=keeper, max_fee=100 * 10**9, gas_limit=5_000_000)  # an observation was due
    assert router.holdings()[0][MORPHO] == 0
    assert "edge" in out_of_band(router), "observing costs nobody the move"
    chain.mine()
    assert refusal(router, router.rebalance, keeper, gas_price=20 * 10**9) == "GainTooSmall"


def test_rebalance__refuses_to_move_on_a_price_that_is_not_good(
    make_router, make_oracle, watched, keeper, owner, chain, morpho_better
):
    router = make_router()
    router.setOracle(make_oracle(base_max_age=HOUR), sender=owner)
    watched(1_000_000 * USDC, router)
    observe(router, keeper)
    assert "edge" in out_of_band(router)
    chain.mine()
    assert refusal(router, router.rebalance, keeper) == "PriceNotGood"
    assert router.holdings()[0][MORPHO] == 0


def test_rebalance__moves_what_gains_most_not_all(watched, keeper, crowd, venues, project):
    """A position large against the market moves only in part, and no other part would have gained more."""
    crowd(aave=0.7, morpho=0.93)
    router = watched(200_000_000 * USDC)
    aave, morpho = (
        kind.at(venue.at)
        for kind, venue in zip((project.AaveV3Lending, project.MorphoBlueLending), router.venues(), strict=True)
    )
    morpho.sync(sender=keeper)
    (held, holds), (here, _) = router.holdings()

    def yearly(assets):
        return (held - assets) * aave.supplyRateWad(-assets) + (holds + assets) * morpho.supplyRateWad(assets)

    parts = [million * 10**6 * USDC for million in (*range(1, 20), *range(20, 201, 20))]
    best = max(yearly(part) for part in parts if morpho.supplyRateWad(part) >= here + MARGIN) - yearly(0)
    receipt = router.rebalance(sender=keeper)
    (moved,) = receipt.decode_logs(router.Moved)
    assert 0 < moved.assets < 200_000_000 * USDC
    assert moved.gain >= best // WAD * 30 // 365 * 98 // 100
    assert router.holdings()[1][MORPHO] >= here + MARGIN * 99 // 100


def test_round_trip__within_a_transaction_moves_no_venue(
    watched, project, usdc, give_usdc, attacker, owner, keeper, crowd, wait
):
    """A flash-funded deposit and withdrawal must not drain one venue into the other."""
    crowd(aave=0.7, morpho=0.93)
    router = watched(100_000_000 * USDC)
    router.rebalance(sender=keeper)
    before, _ = router.holdings()
    assert min(before) > USDC, "both venues hold something"
    trip = owner.deploy(project.RoundTripStandIn)
    give_usdc(trip, 300_000_000 * USDC)
    trip.run(router, 300_000_000 * USDC, sender=attacker)
    after, _ = router.holdings()
    assert after == pytest.approx(before, rel=1e-6)
    assert usdc.balanceOf(trip) <= 300_000_000 * USDC


@pytest.mark.parametrize("touched", [AAVE, MORPHO], ids=["aave", "morpho"])
def test_rebalance__waits_while_somebody_moves_a_market_in_the_same_block(
    observed, keeper, w3, attacker, usdc, give_usdc, touched
):
    """Depth borrowed for a block must not decide how much moves."""
    give_usdc(attacker, 1_000_000 * USDC)
    if touched == AAVE:
        market = Contract(mainnet.AAVE_POOL, abi=mainnet.AAVE_POOL_ABI)
        touch = market.supply.encode_input(mainnet.USDC, 10**12, attacker, 0)
    else:
        market = Contract(mainnet.MORPHO, abi=mainnet.MORPHO_ABI)
        touch = market.supply.encode_input(mainnet.MORPHO_MARKET_WETH_USDC, 10**12, 0, attacker, b"")
    usdc.approve(market, 2**256 - 1, sender=attacker)
    w3.provider.make_request("evm_setAutomine", [False])
    try:
        kwargs = {"gas": 3_000_000, "maxFeePerGas": 10**11, "maxPriorityFeePerGas": 10**9}
        first = w3.eth.send_transaction({"from": attacker.address, "to": market.address, "data": touch, **kwargs})
        second = w3.eth.send_transaction(
            {"from": keeper.address, "to": observed.address, "data": observed.rebalance.encode_input(), **kwargs}
        )
        w3.provider.make_request("evm_mine", [])
    finally:
        w3.provider.make_request("evm_setAutomine", [True])
    assert w3.eth.get_transaction_receipt(first)["status"] == 1
    assert w3.eth.get_transaction_receipt(second)["blockNumber"] == w3.eth.get_transaction_receipt(first)["blockNumber"]
    assert observed.holdings()[0][MORPHO] == 0, "nothing moved on what was read in a touched block"
    observed.rebalance(sender=keeper)
    assert observed.holdings()[0][MORPHO] > 0, "the next block serves"


def test_rebalance__waits_while_morphos_tokens_are_borrowed(
    observed, project, owner, usdc, attacker, keeper, crowd, wait
):
    """A flash loan must not decide how much can leave a market."""
    observed.rebalance(sender=keeper)
    assert observed.home() == MORPHO
    crowd(aave=0.9, morpho=0.5)
    wait(WINDOW // 2 + 60)
    observed.rebalance(sender=keeper)
    wait(WINDOW // 2 + 60)
    before, _ = observed.holdings()
    trip = owner.deploy(project.RoundTripStandIn)
    trip.flash(mainnet.MORPHO, usdc, usdc.balanceOf(mainnet.MORPHO) - 24_000 * USDC, observed, sender=attacker)
    after, _ = observed.holdings()
    assert after[AAVE] <= before[AAVE] + USDC, "nothing moved on what was borrowed away"
    wait(60)
    observed.rebalance(sender=keeper)
    assert observed.holdings()[0][AAVE] >= 900_000 * USDC


def test_plan__after_a_split_sees_no_advantage_that_is_not_there(watched, keeper, crowd, wait):
    """Money in the target is no source at a rate of nothing."""
    crowd(aave=0.7, morpho=0.93)
    router = watched(100_000_000 * USDC)
    router.rebalance(sender=keeper)
    assert min(router.holdings()[0]) > USDC
    wait(WINDOW // 2 + 60)
    plan = router.plan()
    assert not plan.edgeWad or (plan.source, plan.target) == (AAVE, MORPHO)
    assert refusal(router, router.rebalance, keeper) in {None, "InBand"}


def test_rebalance__cannot_be_starved_by_one_who_observes_at_bad_moments(observed, keeper, attacker, crowd):
    crowd(morpho=0.3)  # for a moment there is no advantage
    observed.rebalance(sender=attacker)  # records an observation
    crowd(morpho=0.93)
    assert "edge" in out_of_band(observed)
    observed.rebalance(sender=keeper)
    assert observed.holdings()[0][MORPHO] > 0


def test_rebalance__rests_for_half_a_window_after_a_move(observed, keeper, crowd, wait):
    observed.rebalance(sender=keeper)
    assert observed.holdings()[0][MORPHO] > 0
    crowd(aave=0.97, morpho=0.3)
    wait(HOUR)
    assert observed.plan().edgeWad == 0
    assert refusal(observed, observed.rebalance, keeper) == "InBand"


def test_rebalance__a_hot_market_with_nothing_to_offer_blocks_no_other(
    make_router, watched, keeper, owner, project, usdc, give_usdc, attacker, crowd, w3
):
    """Anyone can keep a tiny market's yield high by borrowing from themselves."""
    router = make_router()
    tiny = tiny_market(w3, usdc, give_usdc, attacker)
    venue = owner.deploy(project.MorphoBlueLending, router, mainnet.USDC, mainnet.MORPHO, tiny)
    router.addVenue(venue, UNLIMITED, sender=owner)
    crowd(aave=0.5, morpho=0.93)
    watched(10_000_000 * USDC, router)
    assert router.holdings()[1][2] > router.holdings()[1][MORPHO] > router.holdings()[1][AAVE]
    router.rebalance(sender=keeper)
    assets, _ = router.holdings()
    assert assets[MORPHO] > 1_000_000 * USDC


def tiny_market(w3, usdc, give_usdc, attacker):
    """A Morpho market of 1,000 USDC, 95 % lent out to its own maker; returns its id."""
    morpho = Contract(
        mainnet.MORPHO,
        abi=mainnet.MORPHO_ABI + mainnet.abi("createMarket((address,address,address,address,uint256))"),
    )
    params = (*mainnet.MORPHO_MARKET_WETH_USDC[:4], 770_000_000_000_000_000)  # another enabled loan-to-value
    owner_of = Contract(
        mainnet.MORPHO,
        abi=mainnet.abi(
            "owner() view returns (address)", "enableLltv(uint256)", "isLltvEnabled(uint256) view returns (bool)"
        ),
    )
    if not owner_of.isLltvEnabled(params[4]):
        with accounts_of(w3, owner_of.owner()) as sender:
            owner_of.enableLltv(params[4], sender=sender)
    morpho.createMarket(params, sender=attacker)
    give_usdc(attacker, 1_000 * USDC)
    weth = Contract(mainnet.WETH, abi=mainnet.WETH_ABI)
    weth.deposit(value=10**18 * 2, sender=attacker)
    for token in (usdc, weth):
        token.approve(morpho, 2**256 - 1, sender=attacker)
    morpho.supply(params, 1_000 * USDC, 0, attacker, b"", sender=attacker)
    morpho.supplyCollateral(params, 2 * 10**18, attacker, b"", sender=attacker)
    morpho.borrow(params, 950 * USDC, 0, attacker, attacker, sender=attacker)
    return keccak(encode(["address", "address", "address", "address", "uint256"], params))


@contextmanager
def accounts_of(w3, address):
    """An account whose key nobody has, with ether for gas."""
    from ape import accounts

    sender = accounts.test_accounts[address]
    sender.balance = 10**20
    yield sender


def test_cap__lowered_by_the_guardian_is_trimmed_by_anyone(deposited, guardian, keeper, venues):
    deposited.setCap(deposited.venues()[AAVE].at, 400_000 * USDC, sender=guardian)
    assert out_of_band(deposited) == {"venue.0"}
    deposited.rebalance(sender=keeper)
    assets, _ = deposited.holdings()
    assert assets[AAVE] <= 400_000 * USDC + USDC
    assert assets[MORPHO] == pytest.approx(600_000 * USDC, rel=1e-3), "what came back found another venue"


def test_cap__reached_is_not_over_until_interest_has_grown_it_by_a_hundredth(deposited, guardian, keeper, wait):
    deposited.setCap(deposited.venues()[AAVE].at, 1_000_000 * USDC, sender=guardian)
    wait(HOUR)
    assert deposited.holdings()[0][AAVE] > 1_000_000 * USDC
    with reverts(deposited.InBand):
        deposited.rebalance(sender=keeper)


def test_evacuate__takes_all_out_at_once(deposited, guardian):
    deposited.evacuate(deposited.venues()[AAVE].at, sender=guardian)
    assert deposited.holdings()[0][AAVE] <= USDC
    assert deposited.idle() == pytest.approx(1_000_000 * USDC, rel=1e-4)


def test_rebalance__says_what_is_stuck(deposited, guardian, keeper, crowd):
    crowd(aave=1.0)
    deposited.evacuate(deposited.venues()[AAVE].at, sender=guardian)
    assert out_of_band(deposited) == {"venue.0"}
    # what little the rounding of the crowd leaves free has come back: the rest is lent out
    assert refusal(deposited, deposited.rebalance, keeper) == "Stuck"


def test_deposit__of_all_that_a_capped_market_takes_is_put_to_work(
    make_router, usdc, give_usdc, depositor, keeper, accounts, wait
):
    """Aave counts the treasury's share of the interest against the cap: so must we, or the supply reverts."""
    router = make_router()
    cap_aave(accounts, usdc, 50_000_000)
    wait(30 * DAY)
    router.setCap(router.venues()[MORPHO].at, 0, sender=accounts[0])
    most = router.maxDeposit(depositor) * 9999 // 10000  # interest accrues until the deposit
    assert 0 < most < 60_000_000 * USDC
    give_usdc(depositor, most)
    usdc.approve(router, 2**256 - 1, sender=depositor)
    router.deposit(most, depositor, sender=depositor)
    router.rebalance(sender=keeper)
    assert router.holdings()[0][AAVE] >= most * 999 // 1000


def cap_aave(accounts, usdc, room):
    """Set Aave's supply cap of USDC to what is supplied and `room` whole tokens more."""
    provider = Contract(mainnet.AAVE_ADDRESSES_PROVIDER, abi=mainnet.abi("getACLAdmin() view returns (address)"))
    admin = accounts[provider.getACLAdmin()]
    admin.balance = 10**20
    supplied = Contract(mainnet.AAVE_A_USDC, abi=mainnet.ERC20_ABI).totalSupply() // USDC
    configurator = Contract(mainnet.AAVE_POOL_CONFIGURATOR, abi=mainnet.abi("setSupplyCap(address,uint256)"))
    configurator.setSupplyCap(mainnet.USDC, supplied + room, sender=admin)


def test_withdraw__of_an_illiquid_market_pays_what_there_is(deposited, depositor, usdc, crowd):
    crowd(aave=0.9999)
    most = deposited.maxWithdraw(depositor)
    assert 0 < most < 1_000_000 * USDC
    before = usdc.balanceOf(depositor)
    deposited.withdraw(most, depositor, depositor, sender=depositor)
    assert usdc.balanceOf(depositor) - before == most


def test_withdraw__passes_over_a_paused_market(deposited, depositor, guardian, keeper, accounts, usdc):
    deposited.setCap(deposited.venues()[AAVE].at, 500_000 * USDC, sender=guardian)
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
    deposited.removeVenue(deposited.venues()[AAVE].at, USDC, sender=owner)
    assert len(deposited.venues()) == 1
    assert deposited.idle() == pytest.approx(1_000_000 * USDC, rel=1e-4)
    deposited.redeem(deposited.balanceOf(depositor), depositor, depositor, sender=depositor)


def test_rules__name_a_venue_and_not_its_place(deposited, owner, guardian, keeper):
    """Operations that wait may be executed in any order: one must not hit the venue that moved into another's place."""
    aave, morpho = (venue.at for venue in deposited.venues())
    deposited.removeVenue(aave, USDC, sender=owner)
    assert [venue.at for venue in deposited.venues()] == [morpho]
    with reverts(deposited.NoVenue, venue=aave):
        deposited.evacuate(aave, sender=guardian)
    with reverts(deposited.NoVenue, venue=aave):
        deposited.setCap(aave, 0, sender=guardian)
    deposited.setCap(morpho, 7, sender=guardian)
    assert deposited.venues()[0].cap == 7


def test_remove_venue__is_refused_while_the_market_is_dry(deposited, owner, crowd):
    """Anyone executes what the timelock has released: not in a moment that would book a loss that is none."""
    crowd(aave=0.9999)
    with reverts(deposited.LeftBehind):
        deposited.removeVenue(deposited.venues()[AAVE].at, USDC, sender=owner)
    assert len(deposited.venues()) == 2


def test_readings__name_all_that_is_regulated(deposited):
    assert set(readings(deposited)) == {"edge", "observation", "idle", "venue.0", "venue.1"}


@pytest.mark.parametrize(
    "rules",
    [(0, WINDOW, DAY, 1), (MARGIN, 12 * HOUR - 1, DAY, 1), (MARGIN, WINDOW, 0, 1), (MARGIN, WINDOW, DAY, 0)],
    ids=["margin", "window", "horizon", "gas"],
)
def test_rules__out_of_range_are_refused(deposited, owner, rules):
    with reverts(deposited.OutOfRange):
        deposited.setRules(rules, sender=owner)

"""Lending venues on real Aave v3 and Morpho Blue: value, rates before and after a move, gifts, limits."""

import pytest
from ape import Contract, reverts

from ballast import mainnet
from ballast.market import aave_state
from tests.router_kit import AAVE, DAY, MORPHO, USDC, WAD


@pytest.fixture(scope="module")
def pool():
    return Contract(mainnet.AAVE_POOL, abi=mainnet.AAVE_POOL_ABI)


@pytest.fixture(scope="module")
def morpho():
    return Contract(mainnet.MORPHO, abi=mainnet.MORPHO_ABI)


@pytest.fixture(scope="module", params=[AAVE, MORPHO], ids=["aave", "morpho"])
def held(request, project, owner, usdc, give_usdc):
    """A venue of each kind, owned by an account of ours that has supplied 5 million USDC."""
    arguments = {
        AAVE: (project.AaveV3Lending, mainnet.AAVE_ADDRESSES_PROVIDER),
        MORPHO: (project.MorphoBlueLending, mainnet.MORPHO, mainnet.MORPHO_MARKET_ID_WETH_USDC),
    }[request.param]
    venue = owner.deploy(arguments[0], owner, mainnet.USDC, *arguments[1:])
    give_usdc(owner, 20_000_000 * USDC)
    usdc.approve(venue, 2**256 - 1, sender=owner)
    venue.supply(5_000_000 * USDC, sender=owner)
    return venue


def test_value__is_what_was_supplied_and_its_interest(held, wait):
    first = held.value()
    assert 5_000_000 * USDC - 2 <= first <= 5_000_000 * USDC + USDC
    index = held.indexRay()
    wait(30 * DAY)
    # the index and the value tell the same growth
    assert held.value() == pytest.approx(first * held.indexRay() // index, abs=2)
    assert held.value() > first


def test_withdraw__pays_exactly_and_all_can_leave(held, usdc, owner, depositor, wait):
    wait(DAY)
    before = usdc.balanceOf(depositor)
    held.withdraw(1_234_567, depositor, sender=owner)
    assert usdc.balanceOf(depositor) - before == 1_234_567
    held.withdraw(held.value(), depositor, sender=owner)
    assert held.value() <= 1 * USDC  # interest of the seconds since the call was made


def test_supply_and_withdraw__are_the_owners_alone(held, attacker):
    with reverts(held.NotOwner):
        held.supply(1, sender=attacker)
    with reverts(held.NotOwner):
        held.withdraw(1, attacker, sender=attacker)


def test_rate__after_a_move_is_the_one_the_market_then_pays(held, owner):
    """The prediction comes before the move, the check reads the market after it."""
    held.sync(sender=owner)
    for change in (10_000_000 * USDC, -3_000_000 * USDC):
        predicted = held.supplyRateWad(change)
        if change > 0:
            held.supply(change, sender=owner)
        else:
            held.withdraw(-change, owner, sender=owner)
        assert held.supplyRateWad(0) == pytest.approx(predicted, rel=1e-6)


def test_rate__of_aave_is_aaves_own_figure(project, owner, w3, usdc, give_usdc):
    venue = owner.deploy(project.AaveV3Lending, owner, mainnet.USDC, mainnet.AAVE_ADDRESSES_PROVIDER)
    give_usdc(owner, 300_000_000 * USDC)
    usdc.approve(venue, 2**256 - 1, sender=owner)
    predicted = venue.supplyRateWad(300_000_000 * USDC)
    venue.supply(300_000_000 * USDC, sender=owner)
    paid = aave_state(w3).supply_rate_wad  # as Aave stored it at the supply
    # the interest of the block between prediction and supply moves the usage ratio a little
    assert predicted == pytest.approx(paid, rel=1e-6)


def test_rate__of_morpho_is_the_yield_that_accrues(project, owner, chain):
    venue = owner.deploy(
        project.MorphoBlueLending, owner, mainnet.USDC, mainnet.MORPHO, mainnet.MORPHO_MARKET_ID_WETH_USDC
    )
    venue.sync(sender=owner)
    rate, index, start = venue.supplyRateWad(0), venue.indexRay(), chain.blocks.head.timestamp
    chain.pending_timestamp = start + 3_600
    chain.mine()
    grown = (venue.indexRay() - index) * WAD // index
    # one hour at a simple rate; the model adapts a little in the meantime
    assert grown == pytest.approx(rate * 3_600 // (365 * DAY), rel=1e-3)


def test_gift__of_a_position_changes_no_value(held, usdc, pool, morpho, owner, attacker, give_usdc):
    give_usdc(attacker, 1_000_000 * USDC)
    before = held.value()
    usdc.approve(pool, 2**256 - 1, sender=attacker)
    pool.supply(mainnet.USDC, 500_000 * USDC, held.address, 0, sender=attacker)
    usdc.approve(morpho, 2**256 - 1, sender=attacker)
    morpho.supply(mainnet.MORPHO_MARKET_WETH_USDC, 500_000 * USDC, 0, held.address, b"", sender=attacker)
    usdc.transfer(held, 1 * USDC, sender=attacker) if usdc.balanceOf(attacker) else None
    assert before <= held.value() <= before + 10 * USDC  # a few seconds' interest


def test_liquidity__is_what_the_market_can_pay(held, crowd):
    crowd(aave=0.999, morpho=0.999)
    assert 0 < held.liquidity() < held.value()


def test_liquidity_and_capacity__of_a_paused_reserve_are_nothing(project, owner, accounts, usdc, give_usdc):
    venue = owner.deploy(project.AaveV3Lending, owner, mainnet.USDC, mainnet.AAVE_ADDRESSES_PROVIDER)
    give_usdc(owner, 1_000 * USDC)
    usdc.approve(venue, 2**256 - 1, sender=owner)
    venue.supply(1_000 * USDC, sender=owner)
    assert venue.capacity() > 0 and venue.liquidity() == venue.value()
    pause_aave(accounts, True)
    assert venue.capacity() == venue.liquidity() == 0
    assert venue.value() > 0, "a paused market is still worth what it owes"


def test_construction__refuses_another_asset(project, owner):
    with reverts():
        owner.deploy(project.AaveV3Lending, owner, mainnet.MULTICALL3, mainnet.AAVE_ADDRESSES_PROVIDER)
    with reverts():
        owner.deploy(project.MorphoBlueLending, owner, mainnet.USDC, mainnet.MORPHO, b"\x01" * 32)


def test_greeks__of_a_loan_of_the_asset_are_zero(held):
    assert held.delta() == held.gamma() == 0


def pause_aave(accounts, on):
    """Pause the USDC reserve as Aave's own emergency admin."""
    provider = Contract(
        mainnet.AAVE_ADDRESSES_PROVIDER,
        abi=mainnet.abi("getACLManager() view returns (address)", "getACLAdmin() view returns (address)"),
    )
    acl = Contract(provider.getACLManager(), abi=mainnet.abi("addEmergencyAdmin(address)"))
    admin = accounts[provider.getACLAdmin()]
    admin.balance = 10**20
    acl.addEmergencyAdmin(admin, sender=admin)
    configurator = Contract(mainnet.AAVE_POOL_CONFIGURATOR, abi=mainnet.abi("setReservePause(address,bool)"))
    configurator.setReservePause(mainnet.USDC, on, sender=admin)

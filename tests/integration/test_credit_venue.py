"""A credit account on real Aave v3, both ways round, against Aave's own getters."""

import pytest
from ape import Contract, reverts

from ballast import mainnet, market
from tests.credit_kit import *

PERCENT = WAD // 100
MOST = 2**256 - 1
#: what an account of each kind supplies and borrows: about a third of its worth
AMOUNTS = {SHORT: (3_000_000 * USDC, 400 * ETHER), LONG: (1_000 * ETHER, 500_000 * USDC)}
#: the replica's reserves: loan-to-value, liquidation threshold, bonus
TERMS = {mainnet.USDC: (75, 78, 4.5), mainnet.WETH: (80.5, 83, 5)}


@pytest.fixture(scope="module")
def tokens(usdc, weth, give_usdc, give_weth, owner, attacker):
    """The two tokens, of which owner and attacker have plenty."""
    for who in (owner, attacker):
        give_usdc(who, 20_000_000 * USDC)
        give_weth(who, 10_000 * ETHER)
    return {mainnet.USDC: usdc, mainnet.WETH: weth}


@pytest.fixture(scope="module", params=[SHORT, LONG], ids=["owes_base", "holds_base"])
def side(request):
    return request.param


@pytest.fixture(scope="module")
def account(side, make_credit, tokens, owner):
    """An account of each kind, open: collateral supplied, debt drawn."""
    venue = make_credit(side)
    for token in tokens.values():
        token.approve(venue, MOST, sender=owner)
    supplied, borrowed = AMOUNTS[side]
    venue.supply(supplied, sender=owner)
    venue.borrow(borrowed, owner, sender=owner)
    return venue


@pytest.fixture(scope="module")
def receipt(aave_token, account, side):
    """The aToken of the collateral."""
    return aave_token(side.collateral, RECEIPT)


@pytest.fixture(scope="module")
def owed(aave_token, account, side):
    """The debt token of what is owed."""
    return aave_token(side.debt, DEBT_TOKEN)


def assert_as_aave_counts(account, receipt, owed):
    """Collateral never above Aave's figure, debt never below, neither off by more than Aave's own rounding."""
    assert 0 <= receipt.balanceOf(account) - account.collateral() <= 1
    assert 0 <= account.debt() - owed.balanceOf(account) <= 1


def test_amounts__are_aaves_own_also_after_a_month(account, side, receipt, owed, wait):
    supplied, borrowed = AMOUNTS[side]
    assert_as_aave_counts(account, receipt, owed)
    assert account.collateral() == pytest.approx(supplied, rel=1e-6)
    assert account.debt() == pytest.approx(borrowed, rel=1e-6)
    before = account.collateral(), account.debt()
    wait(30 * DAY)
    assert account.collateral() > before[0] and account.debt() > before[1]
    assert_as_aave_counts(account, receipt, owed)


def test_health__is_the_markets_and_follows_from_the_threshold(account, side, pool):
    *_, health = pool.getUserAccountData(account)
    assert account.healthFactorWad() == health
    ltv, threshold, bonus = TERMS[side.collateral]
    assert account.maxLtvWad() == ltv * PERCENT
    assert account.liquidationThresholdWad() == threshold * PERCENT
    assert account.liquidationBonusWad() == bonus * PERCENT
    collateral_base, debt_base, *_ = pool.getUserAccountData(account)
    assert health == pytest.approx(collateral_base * threshold * WAD / (debt_base * 100), rel=1e-9)


def test_health__without_debt_is_unbounded(account, owner):
    account.repay(MOST, sender=owner)
    assert account.debt() == 0
    assert account.healthFactorWad() == MOST


def test_value_and_delta__are_those_of_what_is_held_and_owed(account, side, oracle):
    price, _ = oracle.price()
    held, due = account.collateral(), account.debt()
    assert account.asset() == mainnet.USDC and account.base() == mainnet.WETH
    assert account.gamma() == 0
    if side == LONG:
        assert account.value() == held * price // (WAD * 10**12) - due
        assert account.delta() == held
    else:
        assert account.value() == held - -(-due * price // (WAD * 10**12))
        assert account.delta() == -due


def test_value__in_the_other_token_turns_round(make_credit, tokens, owner, oracle):
    """An account in WETH that owes USDC, its base: of six decimals. An oracle that fits is the deployer's care."""
    venue = make_credit(LONG, asset=mainnet.WETH)
    for token in tokens.values():
        token.approve(venue, MOST, sender=owner)
    venue.supply(10 * ETHER, sender=owner)
    venue.borrow(7_654_321, owner, sender=owner)
    assert venue.base() == mainnet.USDC
    assert venue.delta() == -7_654_321 * 10**12 or venue.delta() == -7_654_322 * 10**12
    price, _ = oracle.price()
    assert venue.value() == max(venue.collateral() - -(-venue.debt() * price // 10**6), 0)


@pytest.mark.replica_only("prices are pushed by the crowd's oracles")
def test_value__under_water_is_nothing_but_the_exposure_stays(account, side, w3, oracle):
    price, _ = oracle.price()
    market.push_prices(w3, eth_usd=price * 4 // 10**10 if side == SHORT else price // 10**10 // 4)
    assert account.healthFactorWad() < WAD
    assert account.value() == 0
    assert account.delta() == (account.collateral() if side == LONG else -account.debt())


# --- moves ---


def test_withdraw__pays_exactly_what_was_asked_for(account, side, tokens, owner, depositor):
    token, before = tokens[side.collateral], account.collateral()
    account.withdraw(1_234_567, depositor, sender=owner)
    assert token.balanceOf(depositor) == 1_234_567
    assert account.collateral() == pytest.approx(before - 1_234_567, rel=1e-6)
    assert token.balanceOf(account) == 0


def test_borrow__pays_exactly_what_was_asked_for(account, side, tokens, owner, depositor):
    token, before = tokens[side.debt], account.debt()
    account.borrow(7_654_321, depositor, sender=owner)
    assert token.balanceOf(depositor) == 7_654_321
    assert account.debt() == pytest.approx(before + 7_654_321, rel=1e-6)
    assert token.balanceOf(account) == 0


def test_repay__takes_what_it_says(account, side, tokens, owner):
    token, due = tokens[side.debt], account.debt()
    before = token.balanceOf(owner)
    account.repay(due // 4, sender=owner)
    assert before - token.balanceOf(owner) == due // 4
    assert account.debt() == pytest.approx(due - due // 4, rel=1e-6)


def test_repay__more_than_is_owed_takes_what_is_owed(account, side, tokens, owner, chain):
    token = tokens[side.debt]
    before, due = token.balanceOf(owner), account.debt()
    account.repay(MOST, sender=owner)
    taken = before - token.balanceOf(owner)
    assert due <= taken + 1 and taken == pytest.approx(due, rel=1e-6)
    assert account.debt() == 0
    assert token.balanceOf(account) == 0
    before = token.balanceOf(owner)
    account.repay(10**6, sender=owner)
    assert token.balanceOf(owner) == before, "nothing is owed: nothing is taken"


def test_all__can_leave_and_come_back(account, side, tokens, owner, receipt):
    account.repay(MOST, sender=owner)
    account.withdraw(account.collateral(), owner, sender=owner)
    assert account.collateral() <= AMOUNTS[side][0] // 10**6  # interest of the seconds since it was read
    account.supply(AMOUNTS[side][0] // 100, sender=owner)
    assert account.collateral() == pytest.approx(AMOUNTS[side][0] // 100, rel=1e-3)
    account.borrow(1_000, owner, sender=owner)  # it counts as collateral again


def test_withdraw__of_more_than_held_reverts(account, owner):
    assert refused(account.withdraw, account.collateral() * 2, owner, by=owner) == "TooMuch"


def test_moves__are_the_owners_alone(account, attacker):
    assert refused(account.supply, 1, by=attacker) == "NotOwner"
    assert refused(account.withdraw, 1, attacker, by=attacker) == "NotOwner"
    assert refused(account.borrow, 1, attacker, by=attacker) == "NotOwner"
    assert refused(account.repay, 1, by=attacker) == "NotOwner"


def test_borrow__beyond_the_loan_to_value_reverts(account, owner):
    assert refused(account.borrow, account.debt() * 3, owner, by=owner) is not None


# --- limits of the market ---


def test_limits__without_a_cap_are_the_markets_liquidity(account, side, pool):
    assert account.withdrawable() == account.collateral()
    assert account.borrowable() == pool.getVirtualUnderlyingBalance(side.debt)


def test_withdrawable__is_what_the_market_holds(make_credit, tokens, owner, crowd):
    venue = make_credit(SHORT)
    tokens[mainnet.USDC].approve(venue, MOST, sender=owner)
    venue.supply(5_000_000 * USDC, sender=owner)
    crowd(aave=0.999)
    most = venue.withdrawable()
    assert 0 < most < venue.collateral()
    assert refused(venue.withdraw, most, owner, by=owner) is None
    assert refused(venue.withdraw, most + 1, owner, by=owner) is not None


def test_suppliable__is_what_the_supply_cap_leaves(account, side, tokens, aave_governor, receipt, owner):
    whole = 10 ** tokens[side.collateral].decimals()
    # what the treasury is owed, with interest of minutes, counts against the cap too
    aave_governor("setSupplyCap", side.collateral, receipt.totalSupply() // whole + 9_000)
    room = account.suppliable()
    assert 0 < room < 9_000 * whole
    assert refused(account.supply, room, by=owner) is None
    assert refused(account.supply, room + 5, by=owner) is not None
    aave_governor("setSupplyCap", side.collateral, 1)
    assert account.suppliable() == 0
    aave_governor("setSupplyCap", side.collateral, 0)
    assert account.suppliable() == 2**128 - 1


def test_borrowable__is_what_the_borrow_cap_leaves(account, side, tokens, aave_governor, owed, owner):
    whole = 10 ** tokens[side.debt].decimals()
    aave_governor("setBorrowCap", side.debt, owed.totalSupply() // whole + 100)
    room = account.borrowable()
    assert 0 < room <= 101 * whole
    assert refused(account.borrow, room, owner, by=owner) is None
    assert refused(account.borrow, room + 5, owner, by=owner) is not None
    aave_governor("setBorrowCap", side.debt, 1)
    assert account.borrowable() == 0


def test_limits__of_a_paused_reserve_are_nothing(account, side, aave_governor, owner):
    aave_governor("setReservePause", side.collateral, True)
    assert account.withdrawable() == account.suppliable() == 0
    assert refused(account.withdraw, 1, owner, by=owner) is not None
    assert account.collateral() > 0, "a paused market still owes what it owes"
    assert account.repayable() == account.debt() > 0
    aave_governor("setReservePause", side.debt, True)
    assert account.borrowable() == account.repayable() == 0
    assert account.debt() > 0
    assert refused(account.borrow, 1, owner, by=owner) is not None
    assert refused(account.repay, 1, by=owner) is not None


def test_limits__of_a_frozen_reserve_let_out_but_not_in(account, side, aave_governor, owner):
    aave_governor("setReserveFreeze", side.collateral, True)
    aave_governor("setReserveFreeze", side.debt, True)
    assert account.suppliable() == account.borrowable() == 0
    assert refused(account.supply, 10**6, by=owner) is not None
    assert refused(account.borrow, 10**6, owner, by=owner) is not None
    assert account.withdrawable() == account.collateral() and account.repayable() == account.debt()
    assert refused(account.withdraw, 10**6, owner, by=owner) is None
    assert refused(account.repay, 10**6, by=owner) is None


def test_borrowable__is_nothing_where_borrowing_or_the_collateral_was_switched_off(
    account, side, aave_governor, owner, chain
):
    snapshot = chain.snapshot()
    aave_governor("setReserveBorrowing", side.debt, False)
    assert account.borrowable() == 0
    assert refused(account.borrow, 10**3, owner, by=owner) is not None
    chain.restore(snapshot)
    ltv, threshold, bonus = TERMS[side.collateral]
    aave_governor("configureReserveAsCollateral", side.collateral, 0, int(threshold * 100), int(10_000 + bonus * 100))
    assert account.maxLtvWad() == 0 and account.borrowable() == 0
    assert account.liquidationThresholdWad() == threshold * PERCENT, "what is owed is not liquidated for it"
    assert refused(account.borrow, 10**3, owner, by=owner) is not None


# --- gifts ---


def test_gift__of_collateral_counts_for_nothing_and_stays(account, side, tokens, pool, receipt, owner, attacker):
    before = account.collateral()
    tokens[side.collateral].approve(pool, MOST, sender=attacker)
    gift = before // 2
    pool.supply(side.collateral, gift, account, 0, sender=attacker)
    pool.supply(side.collateral, gift, attacker, 0, sender=attacker)
    receipt.transfer(account, gift // 2, sender=attacker)
    assert account.collateral() == pytest.approx(before, rel=1e-6)
    assert receipt.balanceOf(account) > before * 7 // 4
    tokens[side.collateral].transfer(account, 10**6, sender=attacker)  # tokens sent to the contract itself
    assert account.collateral() == pytest.approx(before, rel=1e-6)
    # it is not paid out either, so that nobody's books show what nobody put in
    account.repay(MOST, sender=owner)
    assert refused(account.withdraw, before * 11 // 10, owner, by=owner) == "TooMuch"
    account.withdraw(account.collateral(), owner, sender=owner)
    assert account.collateral() <= before // 10**6
    assert receipt.balanceOf(account) >= gift


def test_gift__of_a_repayment_lowers_what_is_owed(account, side, tokens, pool, owner, attacker, owed, receipt):
    due = account.debt()
    tokens[side.debt].approve(pool, MOST, sender=attacker)
    pool.repay(side.debt, due // 2, 2, account, sender=attacker)
    assert account.debt() == pytest.approx(due - due // 2, rel=1e-6)
    assert_as_aave_counts(account, receipt, owed)
    pool.repay(side.debt, MOST // 2, 2, account, sender=attacker)
    assert account.debt() == 0
    before = tokens[side.debt].balanceOf(owner)
    account.repay(10**6, sender=owner)
    assert tokens[side.debt].balanceOf(owner) == before


def test_gift__of_another_token_can_be_disregarded_by_anyone(
    account, side, tokens, pool, attacker, keeper, aave_governor, owner
):
    """A reserve whose loan-to-value Aave sets to 0 stops the withdrawals of all who hold it as collateral."""
    tokens[side.debt].approve(pool, MOST, sender=attacker)
    own = account.healthFactorWad()
    gift = 10_000 * USDC if side.debt == mainnet.USDC else 5 * ETHER
    pool.supply(side.debt, gift, account, 0, sender=attacker)
    assert account.healthFactorWad() > own
    ltv, threshold, bonus = TERMS[side.debt]
    aave_governor("configureReserveAsCollateral", side.debt, 0, int(threshold * 100), int(10_000 + bonus * 100))
    assert refused(account.withdraw, 1_000, owner, by=owner) is not None
    account.disregard(side.debt, sender=keeper)
    assert refused(account.withdraw, 1_000, owner, by=owner) is None
    assert account.healthFactorWad() == pytest.approx(own, rel=1e-6)
    # not by the same trick again: the account has some of it now
    pool.supply(side.debt, gift, account, 0, sender=attacker)
    assert refused(account.withdraw, 1_000, owner, by=owner) is None
    assert refused(account.disregard, side.collateral, by=keeper) == "WrongTokens"


def test_supply__counts_as_collateral_even_after_a_gift_that_did_not(
    make_credit, tokens, pool, owner, attacker, aave_governor
):
    venue = make_credit(SHORT)
    tokens[mainnet.USDC].approve(venue, MOST, sender=owner)
    tokens[mainnet.USDC].approve(pool, MOST, sender=attacker)
    aave_governor("configureReserveAsCollateral", mainnet.USDC, 0, 7_800, 10_450)
    pool.supply(mainnet.USDC, 10**6, venue, 0, sender=attacker)
    aave_governor("configureReserveAsCollateral", mainnet.USDC, 7_500, 7_800, 10_450)
    venue.supply(10_000 * USDC, sender=owner)
    venue.borrow(ETHER // 10, owner, sender=owner)
    assert venue.healthFactorWad() > WAD


@pytest.mark.replica_only("prices are pushed by the crowd's oracles")
def test_liquidation__takes_from_collateral_and_no_gift_fills_it_up(
    make_credit, tokens, pool, owner, attacker, w3, oracle
):
    venue = make_credit(SHORT)
    for token in tokens.values():
        token.approve(venue, MOST, sender=owner)
        token.approve(pool, MOST, sender=attacker)
    price, _ = oracle.price()
    venue.supply(1_000_000 * USDC, sender=owner)
    venue.borrow(700_000 * ETHER * WAD // price, owner, sender=owner)
    market.push_prices(w3, eth_usd=price * 6 // 5 // 10**10)
    assert venue.healthFactorWad() < WAD
    liquidator = Contract(mainnet.AAVE_POOL, abi=mainnet.abi("liquidationCall(address,address,address,uint256,bool)"))
    liquidator.liquidationCall(mainnet.USDC, mainnet.WETH, venue, MOST, False, sender=attacker)
    left = venue.collateral()
    assert left < 500_000 * USDC
    if venue.debt():
        venue.repay(MOST, sender=owner)
    venue.withdraw(left // 2, owner, sender=owner)
    held = venue.collateral()
    pool.supply(mainnet.USDC, 900_000 * USDC, venue, 0, sender=attacker)
    assert venue.collateral() == pytest.approx(held, rel=1e-6)


# --- construction and categories ---


def test_construction__refuses_what_cannot_be_an_account(project, owner, oracle, make_credit):
    provider = mainnet.AAVE_ADDRESSES_PROVIDER
    for side, asset in (
        (Side(mainnet.USDC, mainnet.USDC), mainnet.USDC),
        (SHORT, mainnet.MULTICALL3),
    ):
        with reverts(project.AaveV3Credit.WrongTokens):
            make_credit(side, asset=asset)
    with reverts(project.AaveV3Credit.NoReserve):
        make_credit(Side(mainnet.USDC, mainnet.MULTICALL3))
    with reverts(project.AaveV3Credit.ZeroAddress):
        owner.deploy(project.AaveV3Credit, (ZERO, *SHORT, mainnet.USDC, provider, oracle, 0))
    with reverts(project.AaveV3Credit.WrongEMode):
        make_credit(SHORT, e_mode=1)


def test_e_mode__gives_its_own_threshold_bonus_and_loan_to_value(make_credit, tokens, pool, owner, aave_governor):
    aave_governor("setEModeCategory", 7, 9_000, 9_300, 10_100, "Test")
    aave_governor("setAssetCollateralInEMode", mainnet.USDC, 7, True)
    with reverts():
        make_credit(SHORT, e_mode=7)  # what is owed must be in the category too
    aave_governor("setAssetBorrowableInEMode", mainnet.WETH, 7, True)
    venue = make_credit(SHORT, e_mode=7)
    assert (venue.maxLtvWad(), venue.liquidationThresholdWad()) == (90 * PERCENT, 93 * PERCENT)
    assert venue.liquidationBonusWad() == 1 * PERCENT
    tokens[mainnet.USDC].approve(venue, MOST, sender=owner)
    venue.supply(1_000_000 * USDC, sender=owner)
    collateral_base, *_ = pool.getUserAccountData(venue)
    assert pool.getUserAccountData(venue)[3:5] == (9_300, 9_000)
    venue.borrow(venue.borrowable() // 10**6, owner, sender=owner)
    assert venue.borrowable() > 0
    aave_governor("setAssetBorrowableInEMode", mainnet.WETH, 7, False)
    assert venue.borrowable() == 0
    assert refused(venue.borrow, 10**12, owner, by=owner) is not None
    aave_governor("setAssetCollateralInEMode", mainnet.USDC, 7, False)
    assert (venue.maxLtvWad(), venue.liquidationThresholdWad()) == (75 * PERCENT, 78 * PERCENT)
    assert pool.getUserAccountData(venue)[3:5] == (7_800, 7_500)

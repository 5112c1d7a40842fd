"""The queue for what a vault cannot free at once: requests, fulfilments, claims."""

from functools import reduce
from operator import xor

import pytest
from ape import reverts
from eth_utils import keccak
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.router_kit import refusal
from tests.vault_kit import DAY, NOBODY, UNIT

SHARE = 10**6 * UNIT  # worth one whole token before profit and loss
REENTRANT = keccak(text="ReentrancyGuardReentrantCall()")[:4]


@pytest.fixture(scope="module")
def redemptions(project, vault):
    return project.Redemptions.at(vault.redemptions())


@pytest.fixture(scope="module")
def dry(vault, strategy, redemptions, depositor, second_depositor, attacker, keeper):
    """Three holders of 1,000 tokens each, all of it in a strategy that frees nothing."""
    for holder in (depositor, second_depositor, attacker):
        vault.deposit(1_000 * UNIT, holder, sender=holder)
        vault.approve(redemptions, 2**256 - 1, sender=holder)
    vault.rebalance(sender=keeper)
    strategy.setFreeable(0, sender=keeper)
    return strategy


@pytest.fixture
def request_(redemptions):
    def ask(holder, shares):
        return redemptions.requestRedeem(shares, holder, holder, sender=holder)

    return ask


@pytest.fixture
def free(dry, redemptions, keeper):
    """Let the strategy free `assets`, and fulfil what that covers."""

    def fulfil(assets):
        dry.setFreeable(assets, sender=keeper)
        receipt = redemptions.fulfil(sender=keeper)
        dry.setFreeable(0, sender=keeper)
        return receipt

    return fulfil


def claim_all(redemptions, holder):
    shares = redemptions.maxRedeem(holder)
    return redemptions.redeem(shares, holder, holder, sender=holder).return_value


# Requests


def test_request__takes_the_shares_and_waits(vault, dry, redemptions, request_, depositor):
    request_(depositor, 400 * SHARE)
    assert vault.balanceOf(depositor) == 600 * SHARE
    assert vault.balanceOf(redemptions) == 400 * SHARE
    assert redemptions.waiting() == redemptions.pendingRedeemRequest(0, depositor) == 400 * SHARE
    assert redemptions.claimableRedeemRequest(0, depositor) == 0
    assert redemptions.maxRedeem(depositor) == redemptions.maxWithdraw(depositor) == 0


def test_request__is_told_as_the_standard_wants(dry, redemptions, request_, depositor):
    receipt = request_(depositor, 5)
    assert receipt.return_value == 0
    (event,) = [e for e in receipt.events if e.event_name == "RedeemRequest"]
    assert (event.controller, event.owner, event.sender) == (depositor,) * 3
    assert (event.requestId, event.shares) == (0, 5)


def test_request__of_an_unknown_id_is_empty(dry, redemptions, request_, free, depositor):
    request_(depositor, 400 * SHARE)
    free(100 * UNIT)
    assert redemptions.pendingRedeemRequest(1, depositor) == 0
    assert redemptions.claimableRedeemRequest(1, depositor) == 0


def test_request__of_nothing_is_refused(dry, redemptions, depositor):
    with reverts(redemptions.ZeroShares):
        redemptions.requestRedeem(0, depositor, depositor, sender=depositor)


def test_request__of_more_than_is_held_is_refused(vault, dry, redemptions, depositor):
    call = redemptions.requestRedeem
    assert refused(vault, redemptions, call, (1_000 * SHARE + 1, depositor, depositor), depositor) == (
        "ERC20InsufficientBalance"
    )


def test_request__by_a_stranger_is_refused_whatever_is_approved(dry, redemptions, depositor, attacker):
    """The holder has approved this contract, not everybody."""
    with reverts(redemptions.NotOperator, account=depositor, caller=attacker):
        redemptions.requestRedeem(1, attacker, depositor, sender=attacker)


def test_request__cannot_be_put_on_anothers_list(dry, redemptions, depositor, attacker):
    with reverts(redemptions.NotOperator, account=depositor, caller=attacker):
        redemptions.requestRedeem(1, depositor, attacker, sender=attacker)


def test_request__without_an_approval_of_the_shares_is_refused(vault, dry, redemptions, depositor):
    vault.approve(redemptions, 0, sender=depositor)
    call = redemptions.requestRedeem
    assert refused(vault, redemptions, call, (1, depositor, depositor), depositor) == "ERC20InsufficientAllowance"


# Operators


def test_operator__requests_and_claims_for_its_controller(
    vault, token, dry, redemptions, free, depositor, second_depositor, keeper
):
    receipt = redemptions.setOperator(keeper, True, sender=depositor)
    assert receipt.return_value is True
    assert redemptions.isOperator(depositor, keeper)
    assert not redemptions.isOperator(keeper, depositor)
    redemptions.requestRedeem(100 * SHARE, depositor, depositor, sender=keeper)
    free(100 * UNIT)
    redemptions.redeem(100 * SHARE, keeper, depositor, sender=keeper)
    assert token.balanceOf(keeper) == 100 * UNIT
    assert vault.balanceOf(second_depositor) == 1_000 * SHARE


def test_operator__may_name_itself_controller(dry, redemptions, free, token, depositor, keeper):
    redemptions.setOperator(keeper, True, sender=depositor)
    redemptions.requestRedeem(100 * SHARE, keeper, depositor, sender=keeper)
    assert redemptions.pendingRedeemRequest(0, keeper) == 100 * SHARE
    assert redemptions.pendingRedeemRequest(0, depositor) == 0


def test_operator__dismissed_can_do_nothing(dry, redemptions, request_, free, depositor, keeper):
    redemptions.setOperator(keeper, True, sender=depositor)
    request_(depositor, 100 * SHARE)
    free(100 * UNIT)
    redemptions.setOperator(keeper, False, sender=depositor)
    for call in (redemptions.redeem, redemptions.withdraw):
        with reverts(redemptions.NotOperator, account=depositor, caller=keeper):
            call(1, keeper, depositor, sender=keeper)
    with reverts(redemptions.NotOperator, account=depositor, caller=keeper):
        redemptions.requestRedeem(1, depositor, depositor, sender=keeper)


# Fulfilments


def test_fulfil__pays_first_come_first_served(dry, redemptions, request_, free, depositor, second_depositor, attacker):
    request_(depositor, 300 * SHARE)
    request_(second_depositor, 300 * SHARE)
    request_(attacker, 300 * SHARE)
    free(400 * UNIT)
    assert redemptions.claimableRedeemRequest(0, depositor) == 300 * SHARE
    assert redemptions.claimableRedeemRequest(0, second_depositor) == pytest.approx(100 * SHARE, rel=1e-9)
    assert redemptions.claimableRedeemRequest(0, attacker) == 0
    free(350 * UNIT)
    assert redemptions.claimableRedeemRequest(0, second_depositor) == 300 * SHARE
    assert redemptions.pendingRedeemRequest(0, second_depositor) == 0
    assert redemptions.pendingRedeemRequest(0, attacker) == pytest.approx(150 * SHARE, rel=1e-9)


def test_fulfil__tells_what_was_paid_and_what_waits(dry, redemptions, request_, free, depositor):
    request_(depositor, 300 * SHARE)
    receipt = free(100 * UNIT)
    (event,) = [e for e in receipt.events if e.event_name == "Fulfilled"]
    assert (event.shares, event.assets) == receipt.return_value
    assert event.waiting == redemptions.waiting() == 300 * SHARE - event.shares
    assert event.assets == pytest.approx(100 * UNIT, abs=1)


def test_fulfil__at_different_prices_pays_each_its_own(
    vault, dry, redemptions, request_, free, keeper, token, depositor, second_depositor
):
    request_(depositor, 200 * SHARE)
    request_(second_depositor, 200 * SHARE)
    free(200 * UNIT)
    dry.lose(1_400 * UNIT, sender=keeper)  # half of what is left
    free(100 * UNIT)
    assert claim_all(redemptions, depositor) == pytest.approx(200 * UNIT, abs=2)
    assert claim_all(redemptions, second_depositor) == pytest.approx(100 * UNIT, abs=2)


def test_fulfil__of_one_request_in_parts_adds_up(dry, redemptions, request_, free, keeper, depositor):
    request_(depositor, 400 * SHARE)
    free(100 * UNIT)
    dry.lose(1_450 * UNIT, sender=keeper)  # half of what is left
    free(50 * UNIT)
    assert redemptions.maxRedeem(depositor) == pytest.approx(200 * SHARE, rel=1e-7)
    assert redemptions.maxWithdraw(depositor) == pytest.approx(150 * UNIT, abs=2)
    # the older half first, at the better price
    half = redemptions.redeem(50 * SHARE, depositor, depositor, sender=depositor).return_value
    assert half == pytest.approx(50 * UNIT, abs=1)
    assert claim_all(redemptions, depositor) == pytest.approx(100 * UNIT, abs=2)
    assert redemptions.pendingRedeemRequest(0, depositor) == pytest.approx(200 * SHARE, rel=1e-7)


def test_fulfil__shares_a_loss_that_came_while_they_waited(
    vault, dry, redemptions, request_, free, keeper, depositor, second_depositor
):
    request_(depositor, 1_000 * SHARE)
    dry.lose(300 * UNIT, sender=keeper)  # 10 %
    free(2_700 * UNIT)
    assert redemptions.maxWithdraw(depositor) == pytest.approx(900 * UNIT, abs=2)
    assert vault.convertToAssets(vault.balanceOf(second_depositor)) == pytest.approx(900 * UNIT, abs=2)


def test_fulfil__shares_a_profit_that_came_while_they_waited(
    vault, dry, redemptions, request_, free, keeper, depositor, wait
):
    request_(depositor, 1_000 * SHARE)
    wait(30 * DAY)
    dry.earn(300 * UNIT, sender=keeper)
    vault.report(sender=keeper)
    wait(200 * DAY)
    free(3_300 * UNIT)
    assert redemptions.maxWithdraw(depositor) == pytest.approx(1_100 * UNIT, abs=2)


def test_fulfil__books_losses_before_it_pays_out_of_idle(
    vault, dry, redemptions, request_, keeper, depositor, second_depositor
):
    """Nobody fulfils at a price that a loss has overtaken, though idle assets would cover it."""
    request_(depositor, 100 * SHARE)
    dry.lose(1_500 * UNIT, sender=keeper)
    vault.deposit(1_000 * UNIT, second_depositor, sender=second_depositor)
    redemptions.fulfil(sender=keeper)
    assert redemptions.maxWithdraw(depositor) == pytest.approx(62_500_000, abs=2)  # (1,500 + 1,000) / 4,000 a share


def test_fulfil__counts_what_came_when_the_token_keeps_a_part(
    vault, token, dry, redemptions, request_, depositor, second_depositor, keeper
):
    """A token that takes a fee one day: what is claimable is there."""
    request_(depositor, 200 * SHARE)
    vault.deposit(100 * UNIT, second_depositor, sender=second_depositor)
    token.setFee(100, sender=keeper)
    redemptions.fulfil(sender=keeper)
    assert redemptions.maxWithdraw(depositor) == token.balanceOf(redemptions) == 99 * UNIT


def test_fulfil__of_nothing_is_refused(dry, redemptions, request_, depositor, attacker):
    with reverts(redemptions.NothingFreed, waiting=0, shares=0):
        redemptions.fulfil(sender=attacker)
    request_(depositor, SHARE)
    with reverts(redemptions.NothingFreed, waiting=SHARE, shares=0):
        redemptions.fulfil(sender=attacker)


def test_fulfil__can_be_cut_to_size_around_a_strategy_that_lies(
    vault, dry, redemptions, request_, depositor, second_depositor, keeper
):
    request_(depositor, 300 * SHARE)
    vault.deposit(100 * UNIT, second_depositor, sender=second_depositor)
    dry.setFault(4, sender=keeper)  # says that it frees everything
    assert refused(vault, redemptions, redemptions.fulfil, (), keeper) == "InsufficientLiquidity"
    redemptions.fulfil(100 * SHARE, sender=keeper)
    assert redemptions.maxWithdraw(depositor) == pytest.approx(100 * UNIT, abs=1)


def test_fulfil__of_a_crumb_for_nothing_is_refused_while_others_wait(
    dry, redemptions, request_, depositor, attacker, keeper
):
    """Nobody grinds shares away by fulfilling them by less than a unit's worth."""
    request_(depositor, 300 * SHARE)
    dry.setFreeable(300 * UNIT, sender=keeper)
    with reverts(redemptions.NothingFreed, waiting=300 * SHARE, shares=0):
        redemptions.fulfil(999_999, sender=attacker)


def test_fulfil__cut_into_small_parts_rounds_nothing_away(
    make_vault, make_token, project, depositor, second_depositor, attacker, keeper
):
    """A token without decimals: parts worth 1.7 units each, and the request gets all of its worth."""
    token = make_token(0)
    vault = make_vault(token)
    redemptions = project.Redemptions.at(vault.redemptions())
    for holder in (depositor, second_depositor):
        vault.deposit(100, holder, sender=holder)
    vault.approve(redemptions, 2**256 - 1, sender=depositor)
    redemptions.requestRedeem(vault.balanceOf(depositor), depositor, depositor, sender=depositor)
    for _ in range(20):
        redemptions.fulfil(1_700_000, sender=attacker)
    redemptions.fulfil(sender=keeper)
    assert redemptions.maxWithdraw(depositor) == 100
    assert vault.maxWithdraw(second_depositor) == 100


def test_fulfil__when_a_volatile_strategy_cannot_be_read_is_refused(
    vault, dry, redemptions, make_strategy, request_, depositor, second_depositor, attacker, keeper, curator
):
    """To who leaves it is worth nothing: nobody may choose that moment for those who wait."""
    vault.setWeight(dry, 5_000, 10, sender=curator)
    dry.setFreeable(3_000 * UNIT, sender=keeper)
    jumpy = make_strategy(vault, 5_000, volatile=True)
    vault.rebalance(sender=keeper)
    request_(depositor, 600 * SHARE)
    jumpy.setFault(1, sender=keeper)
    assert refused(vault, redemptions, redemptions.fulfil, (), attacker) == "Slippage"
    jumpy.setFault(0, sender=keeper)
    redemptions.fulfil(sender=attacker)
    assert redemptions.maxWithdraw(depositor) == pytest.approx(600 * UNIT, abs=2)


def test_fulfil__through_a_strategy_that_pays_short_is_refused(vault, dry, redemptions, request_, depositor, keeper):
    request_(depositor, 600 * SHARE)
    dry.setFreeable(3_000 * UNIT, sender=keeper)
    dry.setFault(3, sender=keeper)
    assert refused(vault, redemptions, redemptions.fulfil, (), keeper) == "Slippage"


def test_fulfil__after_a_total_loss_gives_no_shares_away(vault, dry, redemptions, request_, depositor, keeper, wait):
    request_(depositor, 1_000 * SHARE)
    dry.lose(3_000 * UNIT, sender=keeper)
    with reverts(redemptions.NothingFreed, waiting=1_000 * SHARE, shares=1_000 * SHARE):
        redemptions.fulfil(sender=keeper)
    dry.setFreeable(3_000 * UNIT, sender=keeper)
    dry.earn(3_000 * UNIT, sender=keeper)
    wait(10 * 365 * DAY)
    redemptions.fulfil(sender=keeper)
    assert redemptions.maxWithdraw(depositor) > 0
    assert redemptions.waiting() == 0


def test_fulfil__in_a_transaction_that_deposited_is_refused(vault, dry, redemptions, request_, depositor, attacker):
    """Assets borrowed for the occasion neither pay nor price those who wait."""
    request_(depositor, 100 * SHARE)
    dry.setFreeable(100 * UNIT, sender=attacker)
    fulfil = (redemptions, redemptions.fulfil.encode_input())
    deposit = (vault, vault.deposit.encode_input(0, attacker))
    assert in_one_transaction(attacker, deposit, fulfil) == keccak(text="DepositedInTransaction()")[:4]
    assert len(in_one_transaction(attacker, fulfil)) == 64


def test_fulfil__costs_the_same_whatever_the_number_of_requests(
    dry, redemptions, request_, free, depositor, second_depositor, attacker
):
    """Dust requests are no denial of service: a fulfilment passes them without looking."""
    request_(depositor, 100 * SHARE)
    free(50 * UNIT)
    alone = free(50 * UNIT - 1).gas_used
    for i in range(30):
        request_((attacker, second_depositor)[i % 2], 1)
    request_(depositor, 100 * SHARE)
    crowded = free(200 * UNIT).gas_used
    assert redemptions.waiting() == 0
    assert crowded <= alone + 5_000
    claim_all(redemptions, depositor)
    claim_all(redemptions, attacker)
    assert redemptions.maxRedeem(attacker) == redemptions.maxRedeem(second_depositor) - 15 == 0


def test_fulfil__clears_dust_that_is_worth_nothing(vault, dry, redemptions, request_, free, attacker):
    """Less than a unit's worth must not keep the vault reserving for ever."""
    request_(attacker, 10)
    free(10 * UNIT)
    assert redemptions.waiting() == 0
    assert redemptions.redeem(10, attacker, attacker, sender=attacker).return_value == 0


# The vault's side


def test_others__cannot_draw_what_the_queue_is_owed(
    vault, dry, redemptions, request_, depositor, second_depositor, attacker, keeper
):
    request_(depositor, 300 * SHARE)
    vault.deposit(400 * UNIT, attacker, sender=attacker)
    assert vault.maxWithdraw(second_depositor) == 100 * UNIT
    with reverts(vault.InsufficientLiquidity, requested=100 * UNIT + 1, available=100 * UNIT):
        vault.withdraw(100 * UNIT + 1, second_depositor, second_depositor, sender=second_depositor)
    vault.withdraw(100 * UNIT, second_depositor, second_depositor, sender=second_depositor)
    redemptions.fulfil(sender=keeper)
    assert redemptions.maxWithdraw(depositor) == 300 * UNIT


def test_others__leave_freely_again_when_nobody_waits(
    vault, dry, redemptions, request_, free, depositor, second_depositor, keeper
):
    request_(depositor, 300 * SHARE)
    dry.setFreeable(200 * UNIT, sender=keeper)
    assert vault.maxWithdraw(second_depositor) == 0
    free(300 * UNIT)
    dry.setFreeable(200 * UNIT, sender=keeper)
    # unclaimed, but no longer in the vault
    assert vault.maxWithdraw(second_depositor) == 200 * UNIT
    vault.withdraw(200 * UNIT, second_depositor, second_depositor, sender=second_depositor)


def test_set_waiting__is_for_the_queue_alone(vault, attacker):
    with reverts(vault.Unauthorized):
        vault.setWaiting(True, sender=attacker)


# Claims


def test_claim__pays_and_takes_exactly_what_was_fulfilled(
    token, dry, redemptions, request_, free, depositor, second_depositor
):
    request_(depositor, 300 * SHARE)
    free(300 * UNIT)
    before = token.balanceOf(second_depositor)
    receipt = redemptions.redeem(300 * SHARE, second_depositor, depositor, sender=depositor)
    assert token.balanceOf(second_depositor) - before == receipt.return_value == 300 * UNIT
    (event,) = [e for e in receipt.events if e.event_name == "Withdraw"]
    assert (event.sender, event.receiver, event.owner) == (depositor, second_depositor, depositor)
    assert (event.assets, event.shares) == (300 * UNIT, 300 * SHARE)
    assert redemptions.maxRedeem(depositor) == redemptions.maxWithdraw(depositor) == 0


def test_claim__by_assets_pays_exactly_those(token, dry, redemptions, request_, free, keeper, depositor):
    request_(depositor, 300 * SHARE)
    free(100 * UNIT)
    dry.lose(1_000 * UNIT + 7, sender=keeper)
    free(30 * UNIT)
    most = redemptions.maxWithdraw(depositor)
    before = token.balanceOf(depositor)
    shares = redemptions.withdraw(110 * UNIT, depositor, depositor, sender=depositor).return_value
    assert token.balanceOf(depositor) - before == 110 * UNIT
    # 10 of the 110 were got at the lower price
    assert shares == pytest.approx(100 * SHARE + 10 * SHARE * 2_900 // 1_900, rel=1e-5)
    assert redemptions.maxWithdraw(depositor) == most - 110 * UNIT
    redemptions.withdraw(most - 110 * UNIT, depositor, depositor, sender=depositor)
    assert redemptions.maxWithdraw(depositor) == 0


def test_claim__of_more_than_is_claimable_is_refused(dry, redemptions, request_, free, depositor):
    request_(depositor, 300 * SHARE)
    with reverts(redemptions.ExceedsClaimable, asked=1, claimable=0):
        redemptions.redeem(1, depositor, depositor, sender=depositor)
    free(100 * UNIT)
    shares, assets = redemptions.maxRedeem(depositor), redemptions.maxWithdraw(depositor)
    with reverts(redemptions.ExceedsClaimable, asked=shares + 1, claimable=shares):
        redemptions.redeem(shares + 1, depositor, depositor, sender=depositor)
    with reverts(redemptions.ExceedsClaimable, asked=assets + 1, claimable=assets):
        redemptions.withdraw(assets + 1, depositor, depositor, sender=depositor)


def test_claim__to_nobody_is_refused(dry, redemptions, request_, free, depositor):
    request_(depositor, SHARE)
    free(UNIT)
    with reverts(redemptions.ZeroReceiver):
        redemptions.redeem(SHARE, NOBODY, depositor, sender=depositor)


def test_claim__of_a_blocked_holder_goes_to_another_receiver(
    token, dry, redemptions, request_, free, keeper, depositor
):
    request_(depositor, 300 * SHARE)
    free(300 * UNIT)
    token.setBlocked(depositor, True, sender=keeper)
    assert refused(token, redemptions, redemptions.redeem, (SHARE, depositor, depositor), depositor) == "IsBlocked"
    redemptions.redeem(300 * SHARE, keeper, depositor, sender=depositor)
    assert token.balanceOf(keeper) == 300 * UNIT


@pytest.mark.parametrize("calamity", ["pause", "shutdown", "total loss"])
def test_claim__is_stopped_by_nothing_that_happens_to_the_vault(
    vault, dry, redemptions, request_, free, guardian, keeper, depositor, calamity
):
    request_(depositor, 300 * SHARE)
    free(200 * UNIT)
    if calamity == "pause":
        vault.pauseDeposits(sender=guardian)
    elif calamity == "shutdown":
        vault.shutdown(sender=guardian)
    else:
        dry.lose(2_800 * UNIT, sender=keeper)
        vault.report(sender=keeper)
    assert claim_all(redemptions, depositor) == pytest.approx(200 * UNIT, abs=1)
    if calamity != "total loss":
        free(100 * UNIT + 1)
        assert claim_all(redemptions, depositor) == pytest.approx(100 * UNIT, abs=1)


def test_claim__walks_a_long_list_in_several_calls(dry, redemptions, request_, free, depositor, attacker):
    for _ in range(70):
        request_(depositor, SHARE)
        request_(attacker, 1)
    free(100 * UNIT)
    assert redemptions.claimableRedeemRequest(0, depositor) == 70 * SHARE
    assert redemptions.maxRedeem(depositor) == 64 * SHARE
    with reverts(redemptions.ExceedsClaimable, asked=65 * SHARE, claimable=64 * SHARE):
        redemptions.redeem(65 * SHARE, depositor, depositor, sender=depositor)
    receipt = redemptions.redeem(64 * SHARE, depositor, depositor, sender=depositor)
    assert receipt.gas_used < 2_000_000
    assert redemptions.maxRedeem(depositor) == redemptions.claimableRedeemRequest(0, depositor) == 6 * SHARE
    redemptions.withdraw(redemptions.maxWithdraw(depositor), depositor, depositor, sender=depositor)
    assert redemptions.maxWithdraw(depositor) == 0


def test_requests__of_one_controller_in_a_row_are_one(dry, redemptions, request_, free, depositor, attacker):
    """A long row of its own requests does not make its claims long; the same after it has claimed all."""
    for _ in range(70):
        request_(depositor, SHARE)
    free(70 * UNIT)
    assert redemptions.maxRedeem(depositor) == 70 * SHARE
    claim_all(redemptions, depositor)
    request_(depositor, SHARE)
    assert redemptions.maxRedeem(depositor) == 0
    assert redemptions.pendingRedeemRequest(0, depositor) == SHARE
    free(UNIT)
    assert redemptions.maxRedeem(depositor) == SHARE


def test_strays__change_nothing(vault, token, dry, redemptions, request_, free, depositor, second_depositor, attacker):
    """Assets and shares sent here by mistake are nobody's."""
    request_(depositor, 300 * SHARE)
    token.transfer(redemptions, 500 * UNIT, sender=attacker)
    vault.transfer(redemptions, 500 * SHARE, sender=attacker)
    assert redemptions.waiting() == 300 * SHARE
    shares, assets = free(1_000 * UNIT).return_value
    assert (shares, assets) == (300 * SHARE, 300 * UNIT)
    assert redemptions.maxWithdraw(depositor) == 300 * UNIT
    assert redemptions.maxWithdraw(attacker) == 0
    assert vault.balanceOf(redemptions) == 500 * SHARE
    assert vault.maxWithdraw(second_depositor) == 0  # the strategy frees nothing again
    dry.setFreeable(10 * UNIT, sender=attacker)
    assert vault.maxWithdraw(second_depositor) == 10 * UNIT


@pytest.mark.parametrize("call", ["fulfil", "requestRedeem", "redeem", "withdraw"])
def test_reentrance__in_the_middle_of_a_fulfilment_is_refused(
    dry, redemptions, request_, free, depositor, keeper, call
):
    request_(depositor, 300 * SHARE)
    arguments = () if call == "fulfil" else (1, dry, dry)
    dry.setCallback(redemptions, getattr(redemptions, call).encode_input(*arguments), sender=keeper)
    free(100 * UNIT)
    assert not dry.reentered()
    assert dry.answer() == REENTRANT
    assert redemptions.maxWithdraw(depositor) == pytest.approx(100 * UNIT, abs=1)


# The standards


def interface_id(contract, names):
    selectors = (
        keccak(text=m.selector)[:4] for m in [*contract.contract_type.methods] if m.name in names or m.selector in names
    )
    return reduce(xor, (int.from_bytes(s) for s in selectors)).to_bytes(4)


def test_interfaces__are_those_the_standards_list(redemptions):
    operator = {"setOperator", "isOperator"}
    redeem = {"requestRedeem", "pendingRedeemRequest", "claimableRedeemRequest"}
    entry = {"share", "asset", "totalAssets", "convertToShares", "convertToAssets"} | {
        f"{kind}{what}" for kind in ("max", "preview") for what in ("Deposit", "Mint", "Withdraw", "Redeem")
    }
    entry |= {"deposit", "mint", "withdraw", "redeem"}
    for names, listed in ((operator, "e3bc4e65"), (redeem, "620ee8e4"), (entry, "2f0a18c5")):
        assert interface_id(redemptions, names).hex() == listed
        assert redemptions.supportsInterface(bytes.fromhex(listed))
    assert redemptions.supportsInterface(bytes.fromhex("01ffc9a7"))
    assert not redemptions.supportsInterface(bytes.fromhex("ffffffff"))
    assert not redemptions.supportsInterface(bytes.fromhex("ce3bbe50"))  # requests to deposit


def test_entry__shows_the_vault_and_sends_deposits_there(vault, token, dry, redemptions, depositor):
    assert redemptions.share() == vault
    assert redemptions.asset() == token
    assert redemptions.totalAssets() == vault.totalAssets() == 3_000 * UNIT
    assert redemptions.convertToAssets(SHARE) == vault.convertToAssets(SHARE)
    assert redemptions.convertToShares(UNIT) == vault.convertToShares(UNIT)
    assert redemptions.previewDeposit(UNIT) == vault.previewDeposit(UNIT)
    assert redemptions.previewMint(SHARE) == vault.previewMint(SHARE)
    assert redemptions.maxDeposit(depositor) == redemptions.maxMint(depositor) == 0
    for call in (redemptions.deposit, redemptions.mint):
        with reverts(redemptions.DepositAtVault):
            call(1, depositor, sender=depositor)


def test_previews__of_redemptions_revert(redemptions):
    for call in (redemptions.previewRedeem, redemptions.previewWithdraw):
        with reverts(redemptions.NoPreview):
            call(0)


# The property

DUST, SMALL = st.integers(1, 5 * 10**6), st.integers(10**7, 10**9)
ROUND = st.tuples(
    st.lists(st.tuples(st.integers(0, 2), st.one_of(SMALL, DUST)), min_size=1, max_size=3),  # who asks for how much
    st.integers(0, 110),  # per cent of what waits that the strategy frees
    st.one_of(st.just(0), st.integers(1, 10**8)),  # what it loses then
    st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.integers(1, 100)), max_size=3),  # who claims, how, per cent
)


def test_claims__never_exceed_what_was_got(
    vault, token, dry, redemptions, depositor, second_depositor, attacker, keeper, chain
):
    """Over random requests, fulfilments, losses and claims of odd small numbers: every claim is paid, the order is
    kept, and all that is claimable together is what the contract holds, to the last unit."""
    holders = (depositor, second_depositor, attacker)
    dry.lose(1_000 * UNIT - 3, sender=keeper)  # an odd price
    vault.report(sender=keeper)
    met = {"fulfilled": 0, "in part": 0, "redeemed": 0, "withdrawn": 0}

    def fulfil(line, filled, assets):
        dry.setFreeable(assets, sender=keeper)
        if refusal(redemptions, redemptions.fulfil, keeper) is None:
            left, _ = redemptions.fulfil(sender=keeper).return_value
            while left:
                who, shares = line.pop(0)
                filled[who] += min(left, shares)
                if left < shares:
                    line.insert(0, (who, shares - left))
                left -= min(left, shares)
            met["fulfilled"] += 1
            met["in part"] += bool(line)
        dry.setFreeable(0, sender=keeper)

    def claim(filled, who, by_assets, part):
        shares, assets = redemptions.maxRedeem(who), redemptions.maxWithdraw(who)
        before = token.balanceOf(who)
        if by_assets:
            asked = assets * part // 100
            filled[who] -= redemptions.withdraw(asked, who, who, sender=who).return_value
            assert token.balanceOf(who) - before == asked
        else:
            asked = shares * part // 100
            redemptions.redeem(asked, who, who, sender=who)
            filled[who] -= asked
        assert redemptions.maxWithdraw(who) == assets - (token.balanceOf(who) - before)
        met["withdrawn" if by_assets else "redeemed"] += asked > 0

    def check(line, filled):
        assert sum(redemptions.maxWithdraw(who) for who in holders) == token.balanceOf(redemptions)
        assert vault.balanceOf(redemptions) == redemptions.waiting() == sum(shares for _, shares in line)
        for who in holders:
            assert redemptions.claimableRedeemRequest(0, who) == filled[who]
            waits = sum(shares for holder, shares in line if holder == who)
            assert redemptions.pendingRedeemRequest(0, who) == waits

    @settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(rounds=st.lists(ROUND, min_size=4, max_size=6))
    def live(rounds):
        snapshot = chain.snapshot()
        line, filled = [], dict.fromkeys(holders, 0)  # who waits with how much, oldest first; who may claim how much
        for requests, freed, lost, claims in rounds:
            for who, shares in requests:
                redemptions.requestRedeem(shares, holders[who], holders[who], sender=holders[who])
                line.append((holders[who], shares))
            fulfil(line, filled, vault.convertToAssets(redemptions.waiting()) * freed // 100)
            if lost:
                dry.lose(lost, sender=keeper)
            for who, by_assets, part in claims:
                claim(filled, holders[who], by_assets, part)
            check(line, filled)
        for who in holders:
            claim(filled, who, False, 100)
        assert token.balanceOf(redemptions) == 0
        chain.restore(snapshot)

    live()
    assert min(met.values()) >= 3


# Helpers


def refused(vault, redemptions, call, arguments, sender):
    """Name of the error of `vault` (or another contract beneath) that a call of the queue would revert with."""
    return refusal(_Beneath(redemptions, vault), _Call(call, arguments), sender)


class _Beneath:
    def __init__(self, at, errors_of):
        self.provider, self.address, self.contract_type = at.provider, at.address, errors_of.contract_type


class _Call:
    def __init__(self, call, arguments):
        self.call, self.arguments = call, arguments

    def encode_input(self):
        return self.call.encode_input(*self.arguments)


def in_one_transaction(sender, *calls):
    """What the last of some calls answers or reverts with, when one contract makes them all. By eth_call of a
    constructor that copies each call's data out of its own code, and returns the last answer as code."""
    answer = bytes.fromhex("3d5f5f3e3d5ff3")
    start, code, data = 39 * len(calls) + len(answer), b"", b""
    for target, payload in calls:
        size, at = len(payload).to_bytes(2), (start + len(data)).to_bytes(2)
        code += b"\x61" + size + b"\x61" + at + b"\x5f\x39"
        code += b"\x5f\x5f\x61" + size + b"\x5f\x5f\x73" + bytes.fromhex(target.address[2:]) + b"\x5a\xf1\x50"
        data += payload
    return bytes(target.provider.web3.eth.call({"from": sender.address, "data": code + answer + data}))

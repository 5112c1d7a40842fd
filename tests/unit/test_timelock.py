"""The timelock: every function waits its own delay, and nobody comes round it."""

import pytest
from ape import reverts
from eth_abi import encode
from eth_utils import function_signature_to_4byte_selector

from tests.actors import *

DAY = 86_400
LEAST, FEES, SET_DELAY = 2 * DAY, 7 * DAY, 3 * DAY
MOST = 30 * DAY
NOBODY = "0x" + 40 * "0"
ZERO = bytes(32)
MINT = "mint(address,uint256)"


def selector(signature):
    return function_signature_to_4byte_selector(signature)


def call(signature, *values):
    types = signature[signature.index("(") + 1 : -1]
    return selector(signature) + encode(types.split(",") if types else [], values)


@pytest.fixture
def make(project, owner, guardian):
    def make(selectors=(), delays=(), *, least=LEAST):
        timelock = owner.deploy(project.Timelock, least, [owner], [NOBODY], owner, selectors, delays)
        timelock.grantRole(timelock.CANCELLER_ROLE(), guardian, sender=owner)
        timelock.renounceRole(ZERO, owner, sender=owner)
        return timelock

    return make


@pytest.fixture
def timelock(make):
    """`mint` waits a week, `setDelay` three days, all else two."""
    return make([selector(MINT), selector("setDelay(bytes4,uint256)")], [FEES, SET_DELAY])


@pytest.fixture
def token(project, owner):
    """Something with functions that anyone may call."""
    return owner.deploy(project.TokenStandIn, 6)


@pytest.fixture
def mint(token, attacker):
    """The slow call."""
    return token.address, call(MINT, attacker.address, 1)


@pytest.fixture
def quick(token, attacker):
    """A call that waits only the least delay."""
    return token.address, call("approve(address,uint256)", attacker.address, 1)


@pytest.fixture
def delay_set(timelock):
    """The call that gives `mint` another delay."""
    return lambda seconds: (timelock.address, call("setDelay(bytes4,uint256)", selector(MINT), seconds))


def single(target, data, salt=ZERO):
    return target, 0, data, ZERO, salt


def batch(*calls):
    return [target for target, _ in calls], [0] * len(calls), [data for _, data in calls], ZERO, ZERO


def test_a_function__waits_its_own_delay(timelock, token, mint, owner, keeper, attacker, wait):
    with reverts(timelock.TimelockInsufficientDelay, delay=FEES - 1, minDelay=FEES):
        timelock.schedule(*single(*mint), FEES - 1, sender=owner)
    timelock.schedule(*single(*mint), FEES, sender=owner)
    wait(FEES - 10)
    with reverts(timelock.TimelockUnexpectedOperationState):
        timelock.execute(*single(*mint), sender=keeper)
    wait(10)
    timelock.execute(*single(*mint), sender=keeper)
    assert token.balanceOf(attacker) == 1


@pytest.mark.parametrize("data", [b"", b"\x40\xc1\x0f"], ids=["plain ether", "under four bytes"])
def test_what_names_no_function__waits_the_least_delay(make, owner, keeper, wait, data):
    # the zero selector has a delay, which data that is too short must not be taken for
    timelock = make([bytes(4), b"\x40\xc1\x0f\x00"], [FEES, FEES])
    keeper.transfer(timelock, 5)
    target = "0x" + 38 * "0" + "99"
    operation = (target, 5, data, ZERO, ZERO)
    assert timelock.delayOf(target, data) == LEAST
    with reverts(timelock.TimelockInsufficientDelay, delay=LEAST - 1, minDelay=LEAST):
        timelock.schedule(*operation, LEAST - 1, sender=owner)
    timelock.schedule(*operation, LEAST, sender=owner)
    wait(LEAST)
    timelock.execute(*operation, sender=keeper)
    assert timelock.balance == 0


def test_a_delay_under_the_least__counts_as_the_least(make, mint):
    assert make([selector(MINT)], [1]).delayOf(*mint) == LEAST


def test_a_batch__waits_as_long_as_its_slowest_call(timelock, quick, mint, owner, keeper, wait):
    for calls in ((quick, mint), (mint, quick)):
        with reverts(timelock.TimelockInsufficientDelay, delay=FEES - 1, minDelay=FEES):
            timelock.scheduleBatch(*batch(*calls), FEES - 1, sender=owner)
    timelock.scheduleBatch(*batch(quick, mint), FEES, sender=owner)
    timelock.scheduleBatch(*batch(quick, quick), LEAST, sender=owner)
    wait(FEES)
    timelock.executeBatch(*batch(quick, mint), sender=keeper)


def test_lowering_a_delay__waits_as_long_as_the_function(timelock, mint, delay_set, owner, keeper, wait):
    lower = delay_set(0)
    assert timelock.delayOf(*lower) == FEES
    with reverts(timelock.TimelockInsufficientDelay, delay=FEES - 1, minDelay=FEES):
        timelock.schedule(*single(*lower), FEES - 1, sender=owner)
    timelock.schedule(*single(*lower), FEES, sender=owner)
    wait(FEES)
    timelock.execute(*single(*lower), sender=keeper)
    assert timelock.delayOf(*mint) == LEAST


def test_raising_a_delay__waits_only_what_a_change_of_delays_waits(timelock, mint, delay_set, owner, keeper, wait):
    higher = delay_set(FEES + DAY)
    timelock.schedule(*single(*higher), SET_DELAY, sender=owner)
    wait(SET_DELAY)
    timelock.execute(*single(*higher), sender=keeper)
    assert timelock.delayOf(*mint) == FEES + DAY


def test_only_the_timelock__changes_its_delays(timelock, owner, guardian, attacker):
    for who in (owner, guardian, attacker):
        with reverts(timelock.TimelockUnauthorizedCaller, caller=who):
            timelock.setDelay(selector(MINT), 0, sender=who)
        with reverts(timelock.TimelockUnauthorizedCaller, caller=who):
            timelock.updateDelay(0, sender=who)


# Attacks by whoever holds the proposer's keys


def test_attack__lowering_and_acting_in_one_batch_waits_the_old_delay(timelock, mint, delay_set, owner):
    for calls in ((delay_set(0), mint), (mint, delay_set(0)), (delay_set(MOST), delay_set(0), mint)):
        with reverts(timelock.TimelockInsufficientDelay, delay=FEES - 1, minDelay=FEES):
            timelock.scheduleBatch(*batch(*calls), FEES - 1, sender=owner)


def test_attack__lowering_the_least_delay_does_not_touch_a_functions_own(timelock, mint, owner, keeper, wait):
    lower = timelock.address, call("updateDelay(uint256)", 0)
    timelock.schedule(*single(*lower), LEAST, sender=owner)
    wait(LEAST)
    timelock.execute(*single(*lower), sender=keeper)
    with reverts(timelock.TimelockInsufficientDelay, delay=FEES - 1, minDelay=FEES):
        timelock.schedule(*single(*mint), FEES - 1, sender=owner)


def test_attack__lowering_the_delay_of_setDelay_first_wins_nothing(timelock, delay_set, owner, keeper, wait):
    """`setDelay` itself may become quick, but lowering `mint` still waits as `mint` does."""
    quick_change = timelock.address, call("setDelay(bytes4,uint256)", selector("setDelay(bytes4,uint256)"), 0)
    with reverts(timelock.TimelockInsufficientDelay, delay=SET_DELAY - 1, minDelay=SET_DELAY):
        timelock.schedule(*single(*quick_change), SET_DELAY - 1, sender=owner)
    timelock.schedule(*single(*quick_change), SET_DELAY, sender=owner)
    wait(SET_DELAY)
    timelock.execute(*single(*quick_change), sender=keeper)
    with reverts(timelock.TimelockInsufficientDelay, delay=FEES - 1, minDelay=FEES):
        timelock.schedule(*single(*delay_set(0)), FEES - 1, sender=owner)


def test_attack__a_timelock_that_proposes_to_itself_waits_all_the_same(timelock, mint, owner, keeper, wait):
    """The timelock is made a proposer, then told to schedule `mint` on itself with no delay."""
    grant = timelock.address, call("grantRole(bytes32,address)", bytes(timelock.PROPOSER_ROLE()), timelock.address)
    schedule = "schedule(address,uint256,bytes,bytes32,bytes32,uint256)"
    nested = timelock.address, call(schedule, *single(*mint), LEAST)
    timelock.scheduleBatch(*batch(grant, nested), LEAST, sender=owner)
    wait(LEAST)
    with reverts(timelock.TimelockInsufficientDelay, delay=LEAST, minDelay=FEES):
        timelock.executeBatch(*batch(grant, nested), sender=keeper)


def test_attack__executing_from_within_an_operation_needs_what_is_executed_to_be_ready(
    timelock, mint, owner, keeper, wait
):
    execute = "execute(address,uint256,bytes,bytes32,bytes32)"
    nested = timelock.address, call(execute, *single(*mint))
    timelock.schedule(*single(*nested), LEAST, sender=owner)
    wait(LEAST)
    with reverts(timelock.TimelockUnexpectedOperationState):
        timelock.execute(*single(*nested), sender=keeper)
    timelock.schedule(*single(*mint), FEES, sender=owner)
    wait(FEES - 10)
    with reverts(timelock.TimelockUnexpectedOperationState):
        timelock.execute(*single(*nested), sender=keeper)


def test_attack__what_was_kept_ready_from_before_a_rise_waits_the_new_delay(
    timelock, token, mint, delay_set, owner, keeper, attacker, wait
):
    """Scheduled while `mint` waited a week, kept back, pulled out once it waits longer: act and lowering."""
    lower = delay_set(0)
    timelock.schedule(*single(*mint), FEES, sender=owner)
    timelock.scheduleBatch(*batch(lower), FEES, sender=owner)
    wait(FEES)
    timelock.schedule(*single(*delay_set(MOST)), SET_DELAY, sender=owner)
    wait(SET_DELAY)
    timelock.execute(*single(*delay_set(MOST)), sender=keeper)
    with reverts(timelock.TimelockInsufficientDelay):
        timelock.execute(*single(*mint), sender=keeper)
    with reverts(timelock.TimelockInsufficientDelay):
        timelock.executeBatch(*batch(lower), sender=keeper)
    wait(MOST - FEES - SET_DELAY)
    timelock.execute(*single(*mint), sender=keeper)  # what has really waited so long may go
    assert token.balanceOf(attacker) == 1


def test_attack__a_raise_kept_ready_until_it_lowers_waits_as_a_lowering(timelock, delay_set, owner, keeper, wait):
    early, late = delay_set(FEES + DAY), delay_set(MOST)
    for change in (early, late):
        timelock.schedule(*single(*change), SET_DELAY, sender=owner)
    wait(SET_DELAY)
    timelock.execute(*single(*late), sender=keeper)
    with reverts(timelock.TimelockInsufficientDelay):  # now it would lower from 30 days to 8
        timelock.execute(*single(*early), sender=keeper)


def test_attack__scheduling_again_after_a_cancel_counts_from_the_second_time(
    timelock, mint, owner, guardian, keeper, wait
):
    timelock.schedule(*single(*mint), FEES, sender=owner)
    wait(FEES)
    timelock.cancel(timelock.hashOperation(*single(*mint)), sender=guardian)
    timelock.schedule(*single(*mint), FEES, sender=owner)
    assert (
        timelock.scheduledAt(timelock.hashOperation(*single(*mint))) == timelock.provider.get_block("latest").timestamp
    )
    with reverts(timelock.TimelockUnexpectedOperationState):
        timelock.execute(*single(*mint), sender=keeper)


# Roles, bounds, events


def test_roles__are_openzeppelins(timelock, quick, owner, guardian, attacker):
    for who in (guardian, attacker):
        with reverts(timelock.AccessControlUnauthorizedAccount):
            timelock.schedule(*single(*quick), MOST, sender=who)
        with reverts(timelock.AccessControlUnauthorizedAccount):
            timelock.scheduleBatch(*batch(quick), MOST, sender=who)
    timelock.schedule(*single(*quick), LEAST, sender=owner)
    with reverts(timelock.AccessControlUnauthorizedAccount):
        timelock.cancel(timelock.hashOperation(*single(*quick)), sender=attacker)
    timelock.cancel(timelock.hashOperation(*single(*quick)), sender=guardian)


def test_no_delay__may_be_for_ever(make, timelock, delay_set, owner, keeper, wait):
    with reverts(timelock.DelayTooLong, delay=MOST + 1, maxDelay=MOST):
        make([selector(MINT)], [MOST + 1])
    with reverts(timelock.DelayTooLong, delay=MOST + 1, maxDelay=MOST):
        make(least=MOST + 1)
    longest = timelock.address, call("updateDelay(uint256)", MOST + 1)
    for change in (delay_set(MOST + 1), longest):
        timelock.schedule(*single(*change), SET_DELAY, sender=owner)
        wait(SET_DELAY)
        with reverts(timelock.DelayTooLong, delay=MOST + 1, maxDelay=MOST):
            timelock.execute(*single(*change), sender=keeper)


def test_delays__are_given_for_each_selector(make, timelock):
    with reverts(timelock.DelaysMismatch, selectors=1, delays=2):
        make([selector(MINT)], [FEES, FEES])


def test_delays__are_told_by_events(timelock, delay_set, owner, keeper, wait):
    told = [(bytes(log.selector), log.delay) for log in timelock.DelaySet]
    assert told == [(selector(MINT), FEES), (selector("setDelay(bytes4,uint256)"), SET_DELAY)]
    timelock.schedule(*single(*delay_set(MOST)), SET_DELAY, sender=owner)
    wait(SET_DELAY)
    receipt = timelock.execute(*single(*delay_set(MOST)), sender=keeper)
    [event] = receipt.decode_logs(timelock.DelaySet)
    assert (bytes(event.selector), event.delay) == (selector(MINT), MOST)

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
        lock = owner.deploy(project.Timelock, least, [owner], [NOBODY], owner, selectors, delays)
        lock.grantRole(lock.CANCELLER_ROLE(), guardian, sender=owner)
        lock.renounceRole(ZERO, owner, sender=owner)
        return lock

    return make


@pytest.fixture
def lock(make):
    """`mint` waits a week, `setDelay` three days, all else two."""
    return make([selector(MINT), selector("setDelay(bytes4,uint256)")], [FEES, SET_DELAY])


@pytest.fixture
def coin(project, owner):
    """Something with functions that anyone may call."""
    return owner.deploy(project.TokenStandIn, 6)


@pytest.fixture
def mint(coin, attacker):
    """The slow call."""
    return coin.address, call(MINT, attacker.address, 1)


@pytest.fixture
def quick(coin, attacker):
    """A call that waits only the least delay."""
    return coin.address, call("approve(address,uint256)", attacker.address, 1)


@pytest.fixture
def delay_set(lock):
    """The call that gives `mint` another delay."""
    return lambda seconds: (lock.address, call("setDelay(bytes4,uint256)", selector(MINT), seconds))


def single(target, data, salt=ZERO):
    return target, 0, data, ZERO, salt


def batch(*calls):
    return [target for target, _ in calls], [0] * len(calls), [data for _, data in calls], ZERO, ZERO


def test_a_function__waits_its_own_delay(lock, coin, mint, owner, keeper, attacker, wait):
    with reverts(lock.TimelockInsufficientDelay, delay=FEES - 1, minDelay=FEES):
        lock.schedule(*single(*mint), FEES - 1, sender=owner)
    lock.schedule(*single(*mint), FEES, sender=owner)
    wait(FEES - 10)
    with reverts(lock.TimelockUnexpectedOperationState):
        lock.execute(*single(*mint), sender=keeper)
    wait(10)
    lock.execute(*single(*mint), sender=keeper)
    assert coin.balanceOf(attacker) == 1


@pytest.mark.parametrize("data", [b"", b"\x40\xc1\x0f"], ids=["plain ether", "under four bytes"])
def test_what_names_no_function__waits_the_least_delay(make, owner, keeper, wait, data):
    # the zero selector has a delay, which data that is too short must not be taken for
    lock = make([bytes(4), b"\x40\xc1\x0f\x00"], [FEES, FEES])
    keeper.transfer(lock, 5)
    target = "0x" + 38 * "0" + "99"
    operation = (target, 5, data, ZERO, ZERO)
    assert lock.delayOf(target, data) == LEAST
    with reverts(lock.TimelockInsufficientDelay, delay=LEAST - 1, minDelay=LEAST):
        lock.schedule(*operation, LEAST - 1, sender=owner)
    lock.schedule(*operation, LEAST, sender=owner)
    wait(LEAST)
    lock.execute(*operation, sender=keeper)
    assert lock.balance == 0


def test_a_delay_under_the_least__counts_as_the_least(make, mint):
    assert make([selector(MINT)], [1]).delayOf(*mint) == LEAST


def test_a_batch__waits_as_long_as_its_slowest_call(lock, quick, mint, owner, keeper, wait):
    for calls in ((quick, mint), (mint, quick)):
        with reverts(lock.TimelockInsufficientDelay, delay=FEES - 1, minDelay=FEES):
            lock.scheduleBatch(*batch(*calls), FEES - 1, sender=owner)
    lock.scheduleBatch(*batch(quick, mint), FEES, sender=owner)
    lock.scheduleBatch(*batch(quick, quick), LEAST, sender=owner)
    wait(FEES)
    lock.executeBatch(*batch(quick, mint), sender=keeper)


def test_lowering_a_delay__waits_as_long_as_the_function(lock, mint, delay_set, owner, keeper, wait):
    lower = delay_set(0)
    assert lock.delayOf(*lower) == FEES
    with reverts(lock.TimelockInsufficientDelay, delay=FEES - 1, minDelay=FEES):
        lock.schedule(*single(*lower), FEES - 1, sender=owner)
    lock.schedule(*single(*lower), FEES, sender=owner)
    wait(FEES)
    lock.execute(*single(*lower), sender=keeper)
    assert lock.delayOf(*mint) == LEAST


def test_raising_a_delay__waits_only_what_a_change_of_delays_waits(lock, mint, delay_set, owner, keeper, wait):
    higher = delay_set(FEES + DAY)
    lock.schedule(*single(*higher), SET_DELAY, sender=owner)
    wait(SET_DELAY)
    lock.execute(*single(*higher), sender=keeper)
    assert lock.delayOf(*mint) == FEES + DAY


def test_only_the_timelock__changes_its_delays(lock, owner, guardian, attacker):
    for who in (owner, guardian, attacker):
        with reverts(lock.TimelockUnauthorizedCaller, caller=who):
            lock.setDelay(selector(MINT), 0, sender=who)
        with reverts(lock.TimelockUnauthorizedCaller, caller=who):
            lock.updateDelay(0, sender=who)


# Attacks by whoever holds the proposer's keys


def test_attack__lowering_and_acting_in_one_batch_waits_the_old_delay(lock, mint, delay_set, owner):
    for calls in ((delay_set(0), mint), (mint, delay_set(0)), (delay_set(MOST), delay_set(0), mint)):
        with reverts(lock.TimelockInsufficientDelay, delay=FEES - 1, minDelay=FEES):
            lock.scheduleBatch(*batch(*calls), FEES - 1, sender=owner)


def test_attack__lowering_the_least_delay_does_not_touch_a_functions_own(lock, mint, owner, keeper, wait):
    lower = lock.address, call("updateDelay(uint256)", 0)
    lock.schedule(*single(*lower), LEAST, sender=owner)
    wait(LEAST)
    lock.execute(*single(*lower), sender=keeper)
    with reverts(lock.TimelockInsufficientDelay, delay=FEES - 1, minDelay=FEES):
        lock.schedule(*single(*mint), FEES - 1, sender=owner)


def test_attack__lowering_the_delay_of_setDelay_first_wins_nothing(lock, delay_set, owner, keeper, wait):
    """`setDelay` itself may become quick, but lowering `mint` still waits as `mint` does."""
    quick_change = lock.address, call("setDelay(bytes4,uint256)", selector("setDelay(bytes4,uint256)"), 0)
    with reverts(lock.TimelockInsufficientDelay, delay=SET_DELAY - 1, minDelay=SET_DELAY):
        lock.schedule(*single(*quick_change), SET_DELAY - 1, sender=owner)
    lock.schedule(*single(*quick_change), SET_DELAY, sender=owner)
    wait(SET_DELAY)
    lock.execute(*single(*quick_change), sender=keeper)
    with reverts(lock.TimelockInsufficientDelay, delay=FEES - 1, minDelay=FEES):
        lock.schedule(*single(*delay_set(0)), FEES - 1, sender=owner)


def test_attack__a_timelock_that_proposes_to_itself_waits_all_the_same(lock, mint, owner, keeper, wait):
    """The timelock is made a proposer, then told to schedule `mint` on itself with no delay."""
    grant = lock.address, call("grantRole(bytes32,address)", bytes(lock.PROPOSER_ROLE()), lock.address)
    schedule = "schedule(address,uint256,bytes,bytes32,bytes32,uint256)"
    nested = lock.address, call(schedule, *single(*mint), LEAST)
    lock.scheduleBatch(*batch(grant, nested), LEAST, sender=owner)
    wait(LEAST)
    with reverts(lock.TimelockInsufficientDelay, delay=LEAST, minDelay=FEES):
        lock.executeBatch(*batch(grant, nested), sender=keeper)


def test_attack__executing_from_within_an_operation_needs_what_is_executed_to_be_ready(lock, mint, owner, keeper, wait):
    execute = "execute(address,uint256,bytes,bytes32,bytes32)"
    nested = lock.address, call(execute, *single(*mint))
    lock.schedule(*single(*nested), LEAST, sender=owner)
    wait(LEAST)
    with reverts(lock.TimelockUnexpectedOperationState):
        lock.execute(*single(*nested), sender=keeper)
    lock.schedule(*single(*mint), FEES, sender=owner)
    wait(FEES - 10)
    with reverts(lock.TimelockUnexpectedOperationState):
        lock.execute(*single(*nested), sender=keeper)


def test_attack__what_was_kept_ready_from_before_a_rise_waits_the_new_delay(
    lock, coin, mint, delay_set, owner, keeper, attacker, wait
):
    """Scheduled while `mint` waited a week, kept back, pulled out once it waits longer: act and lowering."""
    lower = delay_set(0)
    lock.schedule(*single(*mint), FEES, sender=owner)
    lock.scheduleBatch(*batch(lower), FEES, sender=owner)
    wait(FEES)
    lock.schedule(*single(*delay_set(MOST)), SET_DELAY, sender=owner)
    wait(SET_DELAY)
    lock.execute(*single(*delay_set(MOST)), sender=keeper)
    with reverts(lock.TimelockInsufficientDelay):
        lock.execute(*single(*mint), sender=keeper)
    with reverts(lock.TimelockInsufficientDelay):
        lock.executeBatch(*batch(lower), sender=keeper)
    wait(MOST - FEES - SET_DELAY)
    lock.execute(*single(*mint), sender=keeper)  # what has really waited so long may go
    assert coin.balanceOf(attacker) == 1


def test_attack__a_raise_kept_ready_until_it_lowers_waits_as_a_lowering(lock, delay_set, owner, keeper, wait):
    early, late = delay_set(FEES + DAY), delay_set(MOST)
    for change in (early, late):
        lock.schedule(*single(*change), SET_DELAY, sender=owner)
    wait(SET_DELAY)
    lock.execute(*single(*late), sender=keeper)
    with reverts(lock.TimelockInsufficientDelay):  # now it would lower from 30 days to 8
        lock.execute(*single(*early), sender=keeper)


def test_attack__scheduling_again_after_a_cancel_counts_from_the_second_time(lock, mint, owner, guardian, keeper, wait):
    lock.schedule(*single(*mint), FEES, sender=owner)
    wait(FEES)
    lock.cancel(lock.hashOperation(*single(*mint)), sender=guardian)
    lock.schedule(*single(*mint), FEES, sender=owner)
    assert lock.scheduledAt(lock.hashOperation(*single(*mint))) == lock.provider.get_block("latest").timestamp
    with reverts(lock.TimelockUnexpectedOperationState):
        lock.execute(*single(*mint), sender=keeper)


# Roles, bounds, events


def test_roles__are_openzeppelins(lock, quick, owner, guardian, attacker):
    for who in (guardian, attacker):
        with reverts(lock.AccessControlUnauthorizedAccount):
            lock.schedule(*single(*quick), MOST, sender=who)
        with reverts(lock.AccessControlUnauthorizedAccount):
            lock.scheduleBatch(*batch(quick), MOST, sender=who)
    lock.schedule(*single(*quick), LEAST, sender=owner)
    with reverts(lock.AccessControlUnauthorizedAccount):
        lock.cancel(lock.hashOperation(*single(*quick)), sender=attacker)
    lock.cancel(lock.hashOperation(*single(*quick)), sender=guardian)


def test_no_delay__may_be_for_ever(make, lock, delay_set, owner, keeper, wait):
    with reverts(lock.DelayTooLong, delay=MOST + 1, maxDelay=MOST):
        make([selector(MINT)], [MOST + 1])
    with reverts(lock.DelayTooLong, delay=MOST + 1, maxDelay=MOST):
        make(least=MOST + 1)
    longest = lock.address, call("updateDelay(uint256)", MOST + 1)
    for change in (delay_set(MOST + 1), longest):
        lock.schedule(*single(*change), SET_DELAY, sender=owner)
        wait(SET_DELAY)
        with reverts(lock.DelayTooLong, delay=MOST + 1, maxDelay=MOST):
            lock.execute(*single(*change), sender=keeper)


def test_delays__are_given_for_each_selector(make, lock):
    with reverts(lock.DelaysMismatch, selectors=1, delays=2):
        make([selector(MINT)], [FEES, FEES])


def test_delays__are_told_by_events(lock, delay_set, owner, keeper, wait):
    told = [(bytes(log.selector), log.delay) for log in lock.DelaySet]
    assert told == [(selector(MINT), FEES), (selector("setDelay(bytes4,uint256)"), SET_DELAY)]
    lock.schedule(*single(*delay_set(MOST)), SET_DELAY, sender=owner)
    wait(SET_DELAY)
    receipt = lock.execute(*single(*delay_set(MOST)), sender=keeper)
    [event] = receipt.decode_logs(lock.DelaySet)
    assert (bytes(event.selector), event.delay) == (selector(MINT), MOST)

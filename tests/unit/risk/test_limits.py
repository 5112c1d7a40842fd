"""What an action may leave behind."""

import pytest

from ballast.fuzz.chain import Reverted

WAD = 10**18
BEYOND = 2**255
#: delta 10 %, gamma 2 %, leverage 3, share 40 %
CAPS = (WAD // 10, WAD // 50, 3 * WAD, 4 * WAD // 10)
NAMES = ("delta", "gamma", "leverage", "share")
NONE = (0, 0, 0, 0)


def of(measure, value):
    """Measures with one set, the others 0."""
    return tuple(value if name == measure else 0 for name in NAMES)


def limit(measure):
    return CAPS[NAMES.index(measure)]


@pytest.fixture
def refused(maths):
    def say(before, after):
        try:
            maths.check(before, after, CAPS)
        except Reverted as error:
            assert error.name == "LimitExceeded"
            name, *figures = error.values
            return name.rstrip(b"\0").decode(), *figures
        return None

    return say


@pytest.mark.parametrize("measure", NAMES)
def test_check__within_the_limit_passes(refused, measure):
    assert refused(NONE, of(measure, limit(measure))) is None


@pytest.mark.parametrize("measure", NAMES)
def test_check__from_within_to_beyond_is_refused_with_measure_value_limit_and_what_it_was(refused, measure):
    before, over = limit(measure) - 1, limit(measure) + 1
    assert refused(of(measure, before), of(measure, over)) == (measure, over, limit(measure), before)


@pytest.mark.parametrize("measure", NAMES)
def test_check__a_breach_that_is_reduced_but_not_ended_passes(refused, measure):
    assert refused(of(measure, limit(measure) * 3), of(measure, limit(measure) * 3 - 1)) is None


@pytest.mark.parametrize("measure", NAMES)
def test_check__a_breach_that_stays_equal_passes(refused, measure):
    assert refused(of(measure, limit(measure) * 3), of(measure, limit(measure) * 3)) is None


@pytest.mark.parametrize("measure", NAMES)
def test_check__a_breach_that_is_added_to_is_refused(refused, measure):
    before = limit(measure) * 3
    assert refused(of(measure, before), of(measure, before + 1)) == (measure, before + 1, limit(measure), before)


@pytest.mark.parametrize("measure", NAMES)
def test_check__reducing_one_breach_excuses_no_other(refused, measure):
    other = NAMES[NAMES.index(measure) - 1]
    before = of(other, limit(other) * 5)
    after = tuple(max(a, b) for a, b in zip(of(measure, limit(measure) + 1), of(other, limit(other) * 2), strict=True))
    assert refused(before, after)[0] == measure


def test_check__delta_that_flips_its_sign_and_grows_is_refused(maths, refused):
    before = maths.measure(-200, 0, 0, 0, 1000)
    assert refused(before, maths.measure(201, 0, 0, 0, 1000))[0] == "delta"
    assert refused(before, maths.measure(199, 0, 0, 0, 1000)) is None
    assert refused(before, maths.measure(200, 0, 0, 0, 1000)) is None


def test_check__value_lost_at_the_same_exposure_is_more_exposure(maths, refused):
    before = maths.measure(0, 0, 4000, 0, 1000)
    assert refused(before, maths.measure(0, 0, 4000, 0, 999))[0] == "leverage"


def test_measure__is_the_share_of_the_net_value_rounded_up(maths):
    # 1/3, 2/3, 5/3, 1/3 of it
    third = WAD // 3 + 1
    assert maths.measure(-1, 2, 5, 1, 3) == (third, 2 * WAD // 3 + 1, 5 * WAD // 3 + 1, third)
    assert maths.measure(0, 0, 0, 0, 3) == NONE


@pytest.mark.parametrize("net", [0, -1, -(2**255)])
def test_measure__without_net_value_any_exposure_is_beyond_every_limit(maths, net):
    most = (2**64 - 1,) * 4
    assert maths.measure(0, 0, 0, 0, net) == NONE
    assert not maths.within(maths.measure(1, 0, 0, 0, net), most)
    assert maths.measure(1, -2, 3, 4, net) == (BEYOND + 1, BEYOND + 2, BEYOND + 3, BEYOND + 4)


def test_check__without_net_value_winding_down_passes_and_adding_is_refused(maths, refused):
    before = maths.measure(50, -5, 200, 0, -10)
    assert refused(before, maths.measure(49, -5, 199, 0, -11)) is None
    assert refused(before, maths.measure(50, -5, 200, 0, 0)) is None
    assert refused(before, maths.measure(51, -5, 200, 0, -10))[0] == "delta"
    assert refused(before, maths.measure(50, -6, 200, 0, -10))[0] == "gamma"
    assert refused(before, maths.measure(50, -5, 201, 0, 0))[0] == "leverage"


def test_check__losing_all_net_value_is_worse_than_any_measure_before(maths, refused):
    before = maths.measure(2**200, 0, 0, 0, 1)
    assert refused(before, maths.measure(1, 0, 0, 0, 0))[0] == "delta"


def test_measure__extremes_neither_overflow_nor_lose_their_order(maths):
    huge, least = 2**255 - 1, -(2**255)
    assert maths.measure(least, huge, 2**256 - 1, 2**256 - 1, 1) == (BEYOND - 1,) * 4
    assert maths.measure(least, huge, 2**256 - 1, 2**256 - 1, 0) == (2**256 - 1,) * 4
    assert maths.measure(1, 1, 1, 1, huge) == (1, 1, 1, 1)
    # the last finite one: 5.789e58 = (2^255 - 1) / 1e18, rounded down
    last = (BEYOND - 1) // WAD
    assert maths.measure(last - 1, 0, 0, 0, 1)[0] == (last - 1) * WAD
    assert maths.measure(last, 0, 0, 0, 1)[0] == BEYOND - 1


@pytest.mark.parametrize("measure", NAMES)
def test_within__is_about_every_measure(maths, measure):
    assert maths.within(CAPS, CAPS)
    over = tuple(cap + (name == measure) for name, cap in zip(NAMES, CAPS, strict=True))
    assert not maths.within(over, CAPS)


@pytest.mark.parametrize("measure", NAMES)
def test_is_no_looser__is_about_every_limit(maths, measure):
    assert maths.isNoLooser(CAPS, CAPS)
    lower = tuple(cap - (name == measure) for name, cap in zip(NAMES, CAPS, strict=True))
    assert maths.isNoLooser(lower, CAPS)
    assert not maths.isNoLooser(CAPS, lower)

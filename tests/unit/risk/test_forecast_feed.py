"""Forecasts within hard bounds, and the band that follows from them."""

import math
import random
from decimal import Decimal

import pytest
from eth_abi import encode
from eth_utils import keccak

from ballast import mainnet
from ballast.fuzz.chain import Reverted
from tests.unit.risk import reference

WAD = reference.WAD
HOUR = 3_600
DAY = 24 * HOUR
BASE, ASSET = mainnet.WETH, mainnet.USDC
ORDER = ("sigma_min", "sigma_max", "jump_min", "jump_max", "rho_min", "rho_max", "max_change", "delay", "expiry")
BOUNDS = {
    "sigma_min": 4 * WAD // 10,
    "sigma_max": 3 * WAD,
    "jump_min": 11 * WAD // 10,
    "jump_max": 2 * WAD,
    "rho_min": -WAD // 2,
    "rho_max": 9 * WAD // 10,
    "max_change": WAD // 4,
    "delay": HOUR,
    "expiry": DAY,
}
WIDEST = (3 * WAD, 2 * WAD, -WAD // 2, False)
#: sigma 80 %, jump 1.3, rho 0.7
USUAL = (8 * WAD // 10, 13 * WAD // 10, 7 * WAD // 10)
LARGEST = 2**256 - 1


def bounds(**changed):
    return tuple({**BOUNDS, **changed}[name] for name in ORDER)


@pytest.fixture(scope="module")
def feed(made, memory, roles):
    return made.make(memory, "ForecastFeed", roles["owner"], roles["guardian"], roles["steward"], sender=roles["owner"])


@pytest.fixture(scope="module")
def pair(feed, roles):
    feed.addPair(BASE, ASSET, bounds(), sender=roles["owner"])
    return feed.pairOf(BASE, ASSET)


@pytest.fixture
def post(feed, pair, roles):
    def send(sigma=USUAL[0], jump=USUAL[1], rho=USUAL[2], *, by="steward"):
        feed.post(pair, sigma, jump, rho, sender=roles[by])

    return send


def refusal(call, *arguments, sender):
    try:
        call(*arguments, sender=sender)
    except Reverted as error:
        return (
            error.name,
            *(v.rstrip(b"\0").decode("ascii", "replace") if isinstance(v, bytes) else v for v in error.values),
        )
    return None


# --- pairs ---


def test_pair__is_named_by_the_hash_of_base_and_asset(feed, pair):
    assert pair == keccak(encode(["address", "address"], [BASE, ASSET]))
    assert feed.pairOf(ASSET, BASE) != pair


def test_pair__that_nobody_added_is_unknown_to_every_function(feed, roles):
    unknown = b"\1" * 32
    for call in (
        lambda: feed.forecast(unknown),
        lambda: feed.pairInfo(unknown),
        lambda: feed.lowestHealthFactorWad(unknown, HOUR, WAD // 100),
        lambda: feed.post(unknown, *USUAL, sender=roles["steward"]),
        lambda: feed.switchOff(unknown, sender=roles["guardian"]),
        lambda: feed.switchOn(unknown, sender=roles["owner"]),
        lambda: feed.setBounds(unknown, bounds(), sender=roles["owner"]),
    ):
        with pytest.raises(Reverted) as caught:
            call()
        assert (caught.value.name, caught.value.values) == ("UnknownPair", (unknown,))


def test_pair__is_added_once(feed, pair, roles):
    with pytest.raises(Reverted, match="KnownPair"):
        feed.addPair(BASE, ASSET, bounds(), sender=roles["owner"])


def test_pair__needs_two_tokens(feed, roles):
    for tokens in ((BASE, "0x" + "00" * 20), ("0x" + "00" * 20, ASSET)):
        assert refusal(feed.addPair, *tokens, bounds(), sender=roles["owner"]) == ("ZeroAddress",)


@pytest.mark.parametrize(
    ("figure", "changed", "lowest", "highest"),
    [
        ("sigmaMin", {"sigma_min": 0}, 1, 3 * WAD),
        ("sigmaMin", {"sigma_min": 3 * WAD + 1}, 1, 3 * WAD),
        ("sigmaMax", {"sigma_max": 10 * WAD + 1}, 4 * WAD // 10, 10 * WAD),
        ("jumpMin", {"jump_min": WAD - 1}, WAD, 2 * WAD),
        ("jumpMin", {"jump_min": 2 * WAD + 1}, WAD, 2 * WAD),
        ("jumpMax", {"jump_max": 10 * WAD + 1}, 11 * WAD // 10, 10 * WAD),
        ("rhoMin", {"rho_min": -WAD - 1}, -WAD, 9 * WAD // 10),
        ("rhoMin", {"rho_min": 9 * WAD // 10 + 1}, -WAD, 9 * WAD // 10),
        ("rhoMax", {"rho_max": WAD + 1}, -WAD // 2, WAD),
        ("maxChange", {"max_change": 0}, 1, WAD),
        ("maxChange", {"max_change": WAD + 1}, 1, WAD),
        ("expiry", {"expiry": 0}, 1, 30 * DAY),
        ("expiry", {"expiry": 30 * DAY + 1}, 1, 30 * DAY),
        ("delay", {"delay": 0}, 1, DAY),
        ("delay", {"delay": DAY + 1}, 1, DAY),
    ],
)
def test_bounds__that_bound_nothing_are_refused(feed, pair, roles, figure, changed, lowest, highest):
    got = next(iter(changed.values()))
    expected = ("OutOfBounds", figure, got, lowest, highest)
    assert refusal(feed.setBounds, pair, bounds(**changed), sender=roles["owner"]) == expected
    assert refusal(feed.addPair, ASSET, BASE, bounds(**changed), sender=roles["owner"]) == expected


# --- what counts ---


def test_forecast__never_posted_is_the_widest(feed, pair):
    assert feed.forecast(pair) == WIDEST


def test_forecast__is_the_post_until_it_expires_and_the_widest_from_then_on(feed, pair, post, memory):
    post()
    assert feed.forecast(pair) == (*USUAL, True)
    memory.wait(DAY)
    assert feed.forecast(pair) == (*USUAL, True)
    memory.wait(1)
    assert feed.forecast(pair) == WIDEST
    post()
    assert feed.forecast(pair) == (*USUAL, True)


@pytest.mark.parametrize("who", ["guardian", "owner"])
def test_off_switch__makes_the_widest_count_until_the_owner_and_a_new_post(feed, pair, post, roles, memory, who):
    post()
    feed.switchOff(pair, sender=roles[who])
    assert feed.forecast(pair) == WIDEST
    memory.wait(HOUR)
    with pytest.raises(Reverted, match="SwitchedOff"):
        post()
    assert refusal(feed.switchOn, pair, sender=roles["guardian"]) == ("Unauthorized", roles["guardian"])
    feed.switchOn(pair, sender=roles["owner"])
    assert feed.forecast(pair) == WIDEST
    post()
    assert feed.forecast(pair) == (*USUAL, True)


@pytest.mark.parametrize("who", ["guardian", "owner"])
def test_off_switch_for_all__makes_the_widest_of_every_pair_count(feed, pair, post, roles, memory, who):
    other = feed.pairOf(ASSET, BASE)
    feed.addPair(ASSET, BASE, bounds(sigma_max=2 * WAD), sender=roles["owner"])
    post()
    feed.post(other, *USUAL, sender=roles["steward"])
    feed.switchAllOff(sender=roles[who])
    assert feed.forecast(pair) == WIDEST
    assert feed.forecast(other) == (2 * WAD, *WIDEST[1:])
    assert feed.pairInfo(pair)[2]
    memory.wait(HOUR)
    with pytest.raises(Reverted, match="SwitchedOff"):
        post()
    assert refusal(feed.switchAllOn, sender=roles["guardian"]) == ("Unauthorized", roles["guardian"])
    feed.switchOff(other, sender=roles["guardian"])
    feed.switchAllOn(sender=roles["owner"])
    assert feed.forecast(pair) == WIDEST
    post()
    assert feed.forecast(pair) == (*USUAL, True)
    # that one was switched off by itself
    assert refusal(feed.post, other, *USUAL, sender=roles["steward"])[0] == "SwitchedOff"


def test_bound__that_is_tightened_counts_at_once_for_what_was_posted_before(feed, pair, post, roles, memory):
    post()
    tighter = bounds(sigma_min=WAD, jump_min=14 * WAD // 10, rho_max=6 * WAD // 10)
    feed.setBounds(pair, tighter, sender=roles["guardian"])
    assert feed.forecast(pair) == (WAD, 14 * WAD // 10, 6 * WAD // 10, True)
    memory.wait(HOUR)
    # the next post is held against what counts, not against what was posted
    assert refusal(feed.post, pair, WAD - 1, 14 * WAD // 10, 0, sender=roles["steward"]) == (
        "OutOfBounds",
        "sigma",
        WAD - 1,
        WAD,
        WAD * 5 // 4,
    )
    post(WAD * 5 // 4, 14 * WAD // 10, 6 * WAD // 10)


def test_bound__that_has_left_the_last_post_behind_can_be_posted_at(feed, pair, post, roles, memory):
    post()
    moved = bounds(sigma_min=2 * WAD, jump_min=19 * WAD // 10, rho_max=-4 * WAD // 10)
    feed.setBounds(pair, moved, sender=roles["owner"])
    memory.wait(HOUR)
    post(2 * WAD, 19 * WAD // 10, -4 * WAD // 10)
    assert feed.forecast(pair) == (2 * WAD, 19 * WAD // 10, -4 * WAD // 10, True)


# --- who ---


def test_post__is_for_the_steward_alone(feed, pair, post, roles):
    for who in ("owner", "guardian", "stranger"):
        with pytest.raises(Reverted, match="Unauthorized"):
            post(by=who)


def test_steward__is_named_by_the_owner_alone(feed, pair, post, roles):
    for who in ("guardian", "steward", "stranger"):
        assert refusal(feed.setSteward, roles["stranger"], sender=roles[who]) == ("Unauthorized", roles[who])
    feed.setSteward(roles["stranger"], sender=roles["owner"])
    with pytest.raises(Reverted, match="Unauthorized"):
        post()
    post(by="stranger")


@pytest.mark.parametrize("who", ["steward", "stranger"])
def test_switches_and_bounds__are_for_the_roles_alone(feed, pair, roles, who):
    sender = roles[who]
    for call, arguments in (
        (feed.addPair, (ASSET, BASE, bounds())),
        (feed.setBounds, (pair, bounds())),
        (feed.switchOff, (pair,)),
        (feed.switchAllOff, ()),
        (feed.switchOn, (pair,)),
        (feed.switchAllOn, ()),
    ):
        assert refusal(call, *arguments, sender=sender) == ("Unauthorized", sender)
    assert refusal(feed.addPair, ASSET, BASE, bounds(), sender=roles["guardian"])[0] == "Unauthorized"


#: what makes each bound safer by the least step
STEPS = {
    "sigma_min": 1,
    "sigma_max": 1,
    "jump_min": 1,
    "jump_max": 1,
    "rho_min": -1,
    "rho_max": -1,
    "max_change": -1,
    "delay": 1,
    "expiry": -1,
}


@pytest.mark.parametrize("name", ORDER)
def test_bounds__the_guardian_tightens_and_only_the_owner_loosens(feed, pair, roles, name):
    tighter, looser = (bounds(**{name: BOUNDS[name] + sign * STEPS[name]}) for sign in (1, -1))
    first, *rest = name.split("_")
    assert refusal(feed.setBounds, pair, looser, sender=roles["guardian"]) == (
        "Loosens",
        first + "".join(each.title() for each in rest),
    )
    feed.setBounds(pair, tighter, sender=roles["guardian"])
    assert feed.pairInfo(pair)[0] == tighter
    feed.setBounds(pair, looser, sender=roles["owner"])
    assert feed.pairInfo(pair)[0] == looser


@pytest.mark.parametrize("name", ORDER)
def test_bounds__what_tightens_never_lowers_a_health_factor_that_counts(feed, pair, post, roles, name):
    """The definition of tightening: whatever was posted or not, no answer falls."""
    tighter = bounds(**{name: BOUNDS[name] + STEPS[name] * max(BOUNDS[name] // 100, 1)})
    ask = lambda: feed.lowestHealthFactorWad(pair, HOUR, 10**14)  # noqa: E731
    before = ask()
    with feed.chain.isolated():
        feed.setBounds(pair, tighter, sender=roles["guardian"])
        assert ask() >= before
    post(BOUNDS["sigma_min"], BOUNDS["jump_min"], BOUNDS["rho_max"])
    before = ask()
    feed.setBounds(pair, tighter, sender=roles["guardian"])
    assert ask() >= before


# --- what may be posted ---


@pytest.mark.parametrize(
    ("figure", "wrong"),
    [
        ("sigma", (4 * WAD // 10 - 1, *USUAL[1:])),
        ("sigma", (3 * WAD + 1, *USUAL[1:])),
        ("sigma", (LARGEST, *USUAL[1:])),
        ("jump", (USUAL[0], 11 * WAD // 10 - 1, USUAL[2])),
        ("jump", (USUAL[0], 2 * WAD + 1, USUAL[2])),
        ("jump", (USUAL[0], LARGEST, USUAL[2])),
        ("rho", (*USUAL[:2], -WAD // 2 - 1)),
        ("rho", (*USUAL[:2], 9 * WAD // 10 + 1)),
        ("rho", (*USUAL[:2], -(2**255))),
        ("rho", (*USUAL[:2], 2**255 - 1)),
    ],
)
def test_post__out_of_the_hard_bounds_is_refused_with_what_is_allowed(feed, pair, roles, figure, wrong):
    found = refusal(feed.post, pair, *wrong, sender=roles["steward"])
    allowed = {
        "sigma": (4 * WAD // 10, 3 * WAD),
        "jump": (11 * WAD // 10, 2 * WAD),
        "rho": (-WAD // 2, 9 * WAD // 10),
    }
    got = min(wrong[("sigma", "jump", "rho").index(figure)], 2**255 - 1)
    assert found == ("OutOfBounds", figure, got, *allowed[figure])


def test_post__the_first_may_be_anywhere_within_the_bounds(feed, pair, post):
    post(4 * WAD // 10, 2 * WAD, -WAD // 2)
    assert feed.forecast(pair) == (4 * WAD // 10, 2 * WAD, -WAD // 2, True)


def test_post__moves_each_figure_by_the_largest_change_at_most(feed, pair, post, roles, memory):
    post()
    memory.wait(HOUR)
    sigma, jump, rho = USUAL
    # a quarter of sigma and of jump, and 0.25 of rho; the lower bound of the jump is nearer
    for figure, lowest, highest in (
        ("sigma", sigma * 3 // 4, sigma * 5 // 4),
        ("jump", 11 * WAD // 10, jump * 5 // 4),
        ("rho", rho - WAD // 4, 9 * WAD // 10),
    ):
        at = ("sigma", "jump", "rho").index(figure)
        for value in (lowest - 1, highest + 1):
            wrong = tuple(value if i == at else each for i, each in enumerate(USUAL))
            found = refusal(feed.post, pair, *wrong, sender=roles["steward"])
            assert found == ("OutOfBounds", figure, value, lowest, highest)
        for value in (lowest, highest):
            with memory.isolated():
                post(*(value if i == at else each for i, each in enumerate(USUAL)))


def test_post__not_before_the_delay_has_passed(feed, pair, post, roles, memory):
    post()
    posted = memory.now
    memory.wait(HOUR - 1)
    found = refusal(feed.post, pair, *USUAL, sender=roles["steward"])
    assert found == ("TooSoon", posted + HOUR - 1, posted + HOUR)
    memory.wait(1)
    post()


def test_post__the_delay_holds_over_a_switch_off_and_on(feed, pair, post, roles):
    post()
    feed.switchOff(pair, sender=roles["guardian"])
    feed.switchOn(pair, sender=roles["owner"])
    assert refusal(feed.post, pair, *USUAL, sender=roles["steward"])[0] == "TooSoon"


def test_post__after_the_last_has_expired_is_still_held_against_it(feed, pair, post, roles, memory):
    """Waiting buys no larger step."""
    post()
    memory.wait(30 * DAY)
    found = refusal(feed.post, pair, USUAL[0] * 3 // 4 - 1, *USUAL[1:], sender=roles["steward"])
    assert found[:2] == ("OutOfBounds", "sigma")


def test_post__just_before_expiry_extends_time_and_not_the_step(feed, pair, post, roles, memory):
    post()
    memory.wait(DAY)
    sigma = USUAL[0] * 3 // 4
    assert refusal(feed.post, pair, sigma - 1, *USUAL[1:], sender=roles["steward"])[:2] == ("OutOfBounds", "sigma")
    post(sigma)
    memory.wait(DAY)
    assert feed.forecast(pair) == (sigma, *USUAL[1:], True)
    memory.wait(1)
    assert feed.forecast(pair) == WIDEST


def test_post__many_small_steps_walk_no_faster_than_one_largest_change_a_delay(feed, pair, post, roles, memory):
    """From 3.0 to 0.4 by a quarter an hour: ln(0.4 / 3) / ln(3 / 4) = 7.003, so eight posts after the first."""
    sigma = 3 * WAD
    post(sigma)
    began, posts = memory.now, 0
    while sigma > BOUNDS["sigma_min"]:
        memory.wait(HOUR)
        step = sigma * (WAD // 4) // WAD
        lowest = max(BOUNDS["sigma_min"], sigma - step)
        assert refusal(feed.post, pair, lowest - 1, *USUAL[1:], sender=roles["steward"])[0] == "OutOfBounds"
        post(lowest)
        sigma, posts = lowest, posts + 1
    assert posts == math.ceil(math.log(0.4 / 3) / math.log(3 / 4)) == 8
    assert memory.now - began == posts * HOUR


def test_stolen_steward__cannot_bring_the_health_factor_below_that_of_the_hard_bounds(feed, pair, roles, memory):
    """A search over what it can do: post at once, late, low, high, out of bounds. The owner's minimum stands."""
    draw = random.Random(7)
    # sigma_min 0.4, an hour, 1e-4: exp(0.4 x 0.010684 x 3.8906) x 1.1 = 1.1184
    least = math.exp(0.4 * math.sqrt(1 / 8760) * 3.890591886) * 1.1
    for _ in range(150):
        memory.wait(draw.choice([0, 1, HOUR - 1, HOUR, HOUR, DAY, DAY + 1]))
        figures = (
            draw.choice([0, 1, BOUNDS["sigma_min"] - 1, BOUNDS["sigma_min"], draw.randrange(3 * WAD), LARGEST]),
            draw.choice([0, WAD, BOUNDS["jump_min"] - 1, BOUNDS["jump_min"], draw.randrange(2 * WAD), LARGEST]),
            draw.choice([-(2**255), -WAD, BOUNDS["rho_max"], 0, 2**255 - 1]),
        )
        refusal(feed.post, pair, *figures, sender=roles["steward"])
        found = feed.lowestHealthFactorWad(pair, HOUR, 10**14) / WAD
        assert found >= least * (1 - 1e-9)
    # and it can get there
    for _ in range(30):
        memory.wait(HOUR)
        sigma, jump, rho, *_ = feed.pairInfo(pair)[1]
        target = (max(BOUNDS["sigma_min"], sigma * 3 // 4 + 1), max(BOUNDS["jump_min"], jump * 3 // 4 + 1))
        feed.post(pair, *target, rho, sender=roles["steward"])
    assert feed.lowestHealthFactorWad(pair, HOUR, 10**14) / WAD == pytest.approx(least, rel=1e-9)


# --- the lowest health factor ---


@pytest.mark.parametrize(
    ("sigma", "jump", "expected"),
    # facts: sigma 80 %, one hour, 1e-4 gives 1.034; with a buffer of 1.3 it reaches the 1.344 of 12 March 2020
    [(8 * WAD // 10, WAD, 1.034), (8 * WAD // 10, 13 * WAD // 10, 1.344)],
)
def test_lowest_health_factor__known_numbers(feed, pair, post, roles, sigma, jump, expected):
    feed.setBounds(pair, bounds(jump_min=WAD), sender=roles["owner"])
    post(sigma, jump)
    assert feed.lowestHealthFactorWad(pair, HOUR, 10**14) / WAD == pytest.approx(expected, abs=5e-4)


def test_lowest_health_factor__of_what_is_not_fresh_is_that_of_the_widest(feed, pair, post, memory):
    # exp(3 x sqrt(1 / 8760) x 3.8905919) x 2
    widest = math.exp(3 * math.sqrt(1 / 8760) * 3.890591886411768) * 2
    assert feed.lowestHealthFactorWad(pair, HOUR, 10**14) / WAD == pytest.approx(widest, rel=1e-9)
    post()
    assert feed.lowestHealthFactorWad(pair, HOUR, 10**14) / WAD < widest / 1.3
    memory.wait(DAY + 1)
    assert feed.lowestHealthFactorWad(pair, HOUR, 10**14) / WAD == pytest.approx(widest, rel=1e-9)


def test_lowest_health_factor__without_reaction_time_is_the_jump_alone(feed, pair, post):
    post()
    assert feed.lowestHealthFactorWad(pair, 0, 10**14) == USUAL[1]


def test_lowest_health_factor__is_exact_to_1e_9_and_never_below_over_all_that_may_be_asked(feed, pair, roles, memory):
    draw = random.Random(11)
    wide = bounds(
        sigma_min=1, sigma_max=10 * WAD, jump_min=WAD, jump_max=10 * WAD, max_change=WAD, delay=1, expiry=30 * DAY
    )
    feed.setBounds(pair, wide, sender=roles["owner"])
    sigmas = [1, 10 * WAD, *(round(10 ** draw.uniform(9, 19)) for _ in range(25))]
    times = [1, 365 * DAY, HOUR]
    epsilons = [1, 2, 3, WAD - 1, 10**14]
    worst = Decimal(0)
    for sigma in sigmas:
        feed.switchOn(pair, sender=roles["owner"])
        memory.wait(1)
        jump = draw.choice([WAD, 10 * WAD, draw.randrange(WAD, 10 * WAD)])
        feed.post(pair, sigma, jump, 0, sender=roles["steward"])
        for tau in [*times, round(10 ** draw.uniform(0, math.log10(365 * DAY)))]:
            for epsilon in [*epsilons, round(10 ** draw.uniform(0, 17.9))]:
                found = Decimal(feed.lowestHealthFactorWad(pair, tau, epsilon)) / WAD
                start = Z[epsilon] if epsilon in Z else Z.setdefault(epsilon, _start(epsilon))
                args = (Decimal(sigma) / WAD, tau, Decimal(epsilon) / WAD, Decimal(jump) / WAD)
                true = reference.lowest_health_factor(*args, start)
                assert found >= true
                worst = max(worst, found / true - 1)
    print(f"largest relative excess: {worst:.2e}")
    assert worst < Decimal("1e-11")


Z = {}


def _start(epsilon):
    """A z near enough for Newton's method: bisection on the machine's own distribution."""
    low, high = 0.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if math.erfc(middle / math.sqrt(2)) > epsilon / WAD else (low, middle)
    return reference.two_sided(Decimal(epsilon) / WAD, Decimal(low))


@pytest.mark.parametrize(
    ("name", "tau", "epsilon", "got", "lowest", "highest"),
    [
        ("reactionTime", 365 * DAY + 1, 10**14, 365 * DAY + 1, 0, 365 * DAY),
        ("reactionTime", LARGEST, 10**14, 2**255 - 1, 0, 365 * DAY),
        ("epsilon", HOUR, 0, 0, 1, WAD - 1),
        ("epsilon", HOUR, WAD, WAD, 1, WAD - 1),
        ("epsilon", HOUR, LARGEST, 2**255 - 1, 1, WAD - 1),
    ],
)
def test_lowest_health_factor__of_what_cannot_be_asked_is_refused(feed, pair, name, tau, epsilon, got, lowest, highest):
    with pytest.raises(Reverted) as caught:
        feed.lowestHealthFactorWad(pair, tau, epsilon)
    found, *rest = caught.value.values
    assert (caught.value.name, found.rstrip(b"\0").decode(), *rest) == ("OutOfBounds", name, got, lowest, highest)

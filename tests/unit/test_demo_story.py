"""The demo's story and what it makes of it, without a chain."""

from dataclasses import replace

import pytest

from ballast.demo import live, page, scenario
from ballast.demo.observation import Observation, VenueState
from ballast.demo.story import Action, Depositor, Event, Move, Story
from ballast.report.charts import ticks

WAD = 10**18


def sample(hour, *, price, locked=0, aave=0, rates=(3, 4)):
    venues = {
        "aave": VenueState(aave, rates[0] * WAD // 100, 10**27 + hour * 10**20, WAD // 2),
        "morpho": VenueState(9_000_000 - aave, rates[1] * WAD // 100, 10**27, WAD // 2),
    }
    prices = {"share_price_wad": price, "total_assets": 10_000_000, "idle": 1_000_000, "debt": 9_000_000}
    rest = {"locked_profit": locked, "total_shares": 10**13, "strategy_idle": 0, "verdict": "good"}
    return Observation(
        block=hour,
        timestamp=hour * 3600,
        base_fee_wei=10**9,
        venues=venues,
        ether_price_wad=2000 * WAD,
        shares={},
        worth={},
        **prices,
        **rest,
    )


@pytest.fixture
def story():
    found = Story(3, 1, "replica", 1, "USDC", 6, "", {"vault": "0x00"}, 16, [], 97, [])
    found.samples = [
        sample(0, price=WAD, locked=10),
        sample(4, price=WAD + 10, locked=5, aave=9_000_000, rates=(5, 4)),
        sample(8, price=WAD + 20),
    ]
    found.depositors = [Depositor("first depositor", "0x01", 1000, 0.0, 1000, received=1010, left_day=3.0)]
    move = Move("aave", "morpho", 9_000_000, 100, 10)
    found.actions = [
        Action(1, 0.1, "lending", "mended", "moves", ("move",), "0x02", 1000, 10**12, 2000, 10**9, (move,))
    ]
    found.events = [Event(0, 0.0, "first depositor", "deposits"), Event(60, 0.1, "safe", "proposes <b>")]
    found.cap = {"before": 1, "wanted": 2, "after": 2, "delay_seconds": 10, "waited_seconds": 10}
    found.cancelled = {"call": "setFees", "state": "unset", "fee_before": 1000, "fee_after": 1000}
    found.fees = {"worth": 1, "performance_bps": 1000, "recipient": "0x03", "shares": 1}
    return found


def failing(story):
    return [check.what for check in story.checks() if not check.ok]


def test_checks__hold_for_a_good_story(story):
    assert failing(story) == []


def spoil_exit(story):
    story.depositors[0].received = story.depositors[0].deposited


def spoil_nobody_leaves(story):
    story.depositors[0].left_day = None


def spoil_price(story):
    story.samples[2] = replace(story.samples[2], share_price_wad=WAD)


def spoil_fees(story):
    story.fees["worth"] = 0


def spoil_cap(story):
    story.cap["after"] = None


def spoil_delay(story):
    story.cap["waited_seconds"] = 9


def spoil_cancel(story):
    story.cancelled["state"] = "waiting"


def spoil_following(story):
    story.days = 30
    story.actions[0] = replace(story.actions[0], moves=())


def spoil_keeper(story):
    story.actions.append(replace(story.actions[0], result="reverted on-chain"))


def spoil_proof(story):
    story.proof_failures.append("deployer may call vault.setOwner")


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (spoil_exit, "left with more"),
        (spoil_nobody_leaves, "a depositor left"),
        (spoil_price, "never falls"),
        (spoil_fees, "fees accrued"),
        (spoil_cap, "timelock"),
        (spoil_delay, "timelock"),
        (spoil_cancel, "guardian"),
        (spoil_following, "followed"),
        (spoil_keeper, "reverted"),
        (spoil_proof, "proves"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_checks__fail_when_it_is_not_so(story, spoil, what):
    spoil(story)
    assert len(failing(story)) == 1
    assert what in failing(story)[0]
    assert not story.summary()["ok"]


def test_figures__follow_from_samples(story):
    assert story.better_market_changes == 2
    assert story.depositors[0].gain == 10
    assert (story.gas, story.cost_wei, story.cost) == (1000, 10**12, 2000)
    # 20 wei on a share in 8 hours
    assert story.yearly_return == pytest.approx(20 / WAD * 3 * 365, abs=1e-12)


def test_page__says_what_people_wrote_as_text(story):
    assert "proposes &lt;b&gt;" in page.html(story)
    assert "proposes <b>" not in page.html(story)


def test_views__show_any_story(story):
    from rich.console import Console

    console = Console(record=True, width=110, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(live.picture(story))
    text = console.export_text()
    assert "morpho" in text
    assert "moves" in text
    plain = Console(record=True, width=300, file=open("/dev/null", "w"))  # noqa: SIM115
    live.Plain(plain).see(story)
    assert plain.export_text().startswith("day  0  share price 1.000000")


def test_scenario__same_seed_same_story():
    assert scenario.steps(30, 1) == scenario.steps(30, 1)
    assert scenario.steps(30, 1) != scenario.steps(30, 2)
    assert scenario.steps(90, 1)[:180] == scenario.steps(30, 1)


@pytest.mark.parametrize("seed", range(20))
def test_scenario__stays_realistic(seed):
    steps = scenario.steps(scenario.MAX_DAYS, seed)
    assert [step.elapsed for step in steps] == [4 * 3600 * number for number in range(1, len(steps) + 1)]
    for step in steps:
        assert 2 * 10**9 <= step.base_fee_wei <= 20 * 10**9
        assert all(0.3 * WAD < used < 0.97 * WAD for used in step.utilisation_wad.values())
        assert step.ether_wad is None or 0.7 * WAD < step.ether_wad < 1.4 * WAD


@pytest.mark.parametrize(
    ("low", "high", "about", "found"),
    [(0, 1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1.0]), (0.999, 1.0031, 5, [0.999, 1.0, 1.001, 1.002, 1.003]), (2, 2, 5, [2])],
)
def test_ticks__are_round_numbers(low, high, about, found):
    assert ticks(low, high, about) == pytest.approx(found)

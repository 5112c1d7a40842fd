"""Scenarios as data: what is read, what is refused, and the prices that are drawn."""

import itertools
import math
import statistics
from dataclasses import replace

import pytest
import yaml

from ballast.errors import ConfigurationError
from ballast.market import scenario as scenarios
from ballast.market import scenario_docs
from ballast.market.record import COST, Run, Sample, Track, judged
from ballast.market.scenario import Course

START = 1_940.0


def course(name):
    found = scenarios.find(name)
    return found, scenarios.moments(found, seed=1, start=START)


def test_every_scenario_is_read_and_drawn():
    assert set(scenarios.load()) >= {"calm-month", "march-2020", "may-2021", "june-2022", "venue-print", "silent-feed"}
    for found in scenarios.load().values():
        moments = scenarios.moments(found, seed=1, start=START)
        assert len(moments) == found.steps + 1
        assert moments[0].ether == pytest.approx(START)
        assert all(each.ether > 0 and each.staked > 0 for each in moments)


def test_prices_go_through_the_points_of_the_day():
    found, moments = course("march-2020")
    scale = START / 194.61
    for hour, dollars in found.ether.points:
        assert moments[round(hour * 3600 / found.step_seconds)].ether == pytest.approx(dollars * scale, rel=1e-9)
    assert min(each.ether for each in moments) == pytest.approx(86 * scale, rel=1e-9)
    # the hour of 10:00 takes a quarter: 167.97 to 125
    hour = [each.ether for each in moments if 10 <= each.hour <= 11]
    assert min(hour) / hour[0] == pytest.approx(125 / 167.97, rel=0.02)


def test_staked_ether_falls_as_it_did():
    found, moments = course("june-2022")
    assert found.pair == "staked/weth"
    assert moments[0].staked == pytest.approx(0.96)
    assert moments[-1].staked == pytest.approx(0.937)
    assert moments[-1].ether / moments[0].ether == pytest.approx(878 / 1_788)


def test_same_seed_draws_the_same_and_another_does_not():
    found = scenarios.find("may-2021")
    first, again, other = (scenarios.moments(found, seed=seed, start=START) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_volatility_between_the_points_is_what_was_asked_for():
    found = replace(scenarios.find("calm-month"), ether=Course(((0.0, 1.0), (720.0, 1.0)), 0.45))
    prices = scenarios.drawn(found.ether, found, "any")
    returns = [math.log(after / before) for before, after in itertools.pairwise(prices)]
    # 8,640 returns: the estimate's own error is 1/sqrt(2n), 0.8 %
    assert statistics.pstdev(returns) * math.sqrt(365 * 86_400 / 300) == pytest.approx(0.45, rel=0.03)


def test_freed_scenario_may_end_anywhere_and_has_no_drift():
    found = scenarios.find("calm-month").freed()
    assert len(found.ether.points) == 1
    ends = [scenarios.drawn(found.ether, found, f"ether {seed}")[-1] / 1_000 for seed in range(60)]
    assert len(set(ends)) == 60
    # 30 % a year over 30 days is 8.6 %; of 60 the mean's own error is 1.1 %, the deviation's 9 % of itself
    assert statistics.mean(ends) == pytest.approx(1, abs=0.03)
    assert statistics.pstdev(map(math.log, ends)) == pytest.approx(0.3 * math.sqrt(30 / 365), rel=0.25)


def test_freed_scenario_keeps_the_points_before_the_last():
    found = scenarios.find("march-2020")
    freed = found.freed()
    whole, free = (scenarios.moments(each, seed=1, start=START) for each in (found, freed))
    for hour, _ in freed.ether.points:
        step = round(hour * 3600 / found.step_seconds)
        assert free[step].ether == pytest.approx(whole[step].ether)
    assert free[-1].ether != pytest.approx(whole[-1].ether)


def test_shortened_scenario_is_the_beginning_of_the_whole():
    found = scenarios.find("march-2020")
    whole = scenarios.moments(found, seed=3, start=START)
    part = scenarios.moments(found.shortened(5), seed=3, start=START)
    assert part == whole[: len(part)]
    assert part[-1].hour == 5


def test_table_holds_each_value_until_the_next():
    table = ((0.0, 80.0), (10.0, 200.0))
    assert [scenarios.at(table, hour) for hour in (0, 9.99, 10, 30)] == [80, 80, 200, 200]


def track(bases, worths, *, rules):
    made = Track("", "", rules)
    rows = enumerate(zip(bases, worths, strict=True))
    made.samples = [Sample(hour, worth, worth, None, (), base) for hour, (base, worth) in rows]
    return made


def test_hedging__is_what_the_difference_in_exposure_brought():
    """The twin holds 0.01 base for a unit of worth throughout; the ruled one sells half of it after the first rise."""
    prices = [10.0, 12.0, 11.0]
    twin = track([0.01, 0.01, 0.01], [1.0, 1.02, 1.01], rules=False)
    # 0.003 are earned by other means
    ruled = track([0.01, 0.005, 0.005], [1.0, 1.02, 1.018], rules=True)
    run = Run(scenarios.find("calm-month"), "neutral", 1, 300, [ruled, twin], list(enumerate(prices)), [])
    assert run.hedging == pytest.approx((0.005 - 0.01) * (11 - 12))
    check = next(each for each in run.checks() if each.what == "rules cost less than 0.2%")
    assert "-0.800% less at the end: -0.500% by hedging, -0.300% by all else" in check.found


def ended(end, *, strategy="neutral", seed=1, scenario="calm-month", hostile=False):
    """A run in which the twin ended with what it began with, and the position with rules at `end`."""
    tracks = [track([0.0, 0.0], [1.0, end], rules=True), track([0.0, 0.0], [1.0, 1.0], rules=False)]
    prices = [(0.0, 10.0), (1.0, 10.0)]
    return Run(scenarios.find(scenario), strategy, seed, 300, tracks, prices, [], hostile=hostile)


def test_cost__of_what_is_drawn_several_times_is_the_mean():
    draws = [ended(end, seed=seed) for seed, end in enumerate((0.99, 1.0, 1.0, 1.0, 1.0, 1.0), 1)]
    [(run, check)] = [each for each in judged(draws) if each[1].what.startswith(COST)]
    assert run is draws[0]
    assert check.ok and "+0.167% less at the end" in check.found and check.what.endswith("as the mean of 6 draws")
    [(_, check)] = [each for each in judged(draws[:4]) if each[1].what.startswith(COST)]
    assert not check.ok  # 0.25 % on the mean of four


def test_cost__is_of_each_strategy_alone_and_of_no_enemy():
    runs = [
        ended(0.99),
        ended(1.01, strategy="liquidity"),
        ended(0.9, hostile=True),
        ended(1.0, scenario="venue-print"),
    ]
    found = [(run.strategy, run.scenario.name, check.ok) for run, check in judged(runs) if check.what.startswith(COST)]
    assert sorted(found) == [
        ("liquidity", "calm-month", True),
        ("neutral", "calm-month", False),
        ("neutral", "venue-print", True),
    ]


def test_page__has_a_table_of_the_draws():
    draws = [ended(end, seed=seed) for seed, end in enumerate((0.99, 1.0, 1.0, 1.0, 1.0, 1.0), 1)]
    page = scenario_docs.markdown(draws)
    assert "| neutral | +1.000% | +0.000% |" in page
    assert "| +0.167% | +0.000% | +0.000% |" in page
    assert "What does not hold" not in page


def test_unknown_scenario_names_those_there_are():
    with pytest.raises(ConfigurationError, match="no scenario 'doom'.*march-2020"):
        scenarios.find("doom")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pair": "doge/usdc"}, "pair is one of"),
        ({"actors": ["traders", "wizards"]}, "actors are"),
        ({"keeper_seconds": 90}, "multiple of step_seconds"),
        ({"hours": 0}, "are positive"),
        ({"gas_gwei": [[1, 30]]}, "begins at hour 0"),
        ({"ether": {"points": [[0, 5], [0, 6]]}}, "hours must rise"),
        ({"ether": {"points": [[0, -5]]}}, "prices are positive"),
        ({"prints": [{"source": "moon", "from": 1, "to": 2, "factor": 2}]}, "source is one of"),
        ({"nodes": {"heartbeat": 3600}}, "KeyError"),
        ({"surprise": 1}, "unexpected keyword"),
    ],
)
def test_scenario_that_makes_no_sense_is_refused(change, said):
    row = yaml.safe_load(scenarios.FILE.read_text())["may-2021"] | change
    with pytest.raises(ConfigurationError, match=said):
        scenarios._scenario("broken", row)

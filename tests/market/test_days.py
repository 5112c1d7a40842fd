"""The short ones of the days to survive, in every `make test`; docs/scenarios.md has the others."""

import pytest

from ballast.fuzz import build as builds
from ballast.fuzz.revm import Revm
from ballast.market import engine, scenario_docs, scenario_page, stage
from ballast.market import scenario as scenarios
from ballast.replica import builder


def play(name, strategy, *, hours=None, rules="both", **options):
    found = scenarios.find(name)
    if hours is not None:
        found = found.shortened(hours)
    chain = Revm.from_state(builder.current().state)
    made = stage.find(strategy, build=builds.load(), rules=rules)
    return engine.play(chain, found, made, strategy, engine.Options(**options))


@pytest.fixture(scope="module")
def crash(project):
    return play("crash", "leveraged")


def test_crash__rules_keep_from_liquidation_what_is_liquidated_without(crash):
    assert not crash.ruled.liquidations
    assert crash.ruled.lowest_health > 1.1
    assert crash.plain.liquidations
    assert crash.ruled.end > crash.plain.end + 0.05


def test_crash__loss_budget_is_drawn_and_never_exceeded(crash):
    assert 0 < crash.ruled.drawn <= 1
    assert 0 < crash.ruled.cost < 0.01


def test_crash__depositors_come_and_go_in_safety(crash):
    visits = crash.ruled.visits
    assert not visits.troubles
    assert visits.deposits and visits.exits and visits.shut_in
    assert visits.best_round_trip <= 1e-7
    assert visits.worst_for_stayers <= 1e-9


def test_crash__all_of_it_is_shown(crash):
    assert [check.what for check in crash.checks() if not check.ok] == []
    assert {check.what for check in crash.checks()} == {
        "never liquidated",
        "deposits and exits are safe",
        "loss budget never exceeded",
        "ends above the same without rules",
        "no attack pays",
    }
    # a sandwicher stood by at every trade
    assert crash.ruled.best_attack.profit < 0
    page = scenario_page.html(crash)
    assert "Reading: leverage" in page and "hour 3" in page and "without rules liquidated" in page


@pytest.mark.replica_only("figures are of the replica")
def test_crash__gives_the_figures_of_the_page(crash):
    written = scenario_docs.FILE.read_text()
    for track in crash.tracks:
        assert scenario_docs.row(crash, track) in written, "run `make scenarios`"


def test_crash__without_a_keeper_the_position_is_liquidated(project):
    run = play("crash", "leveraged", keeper=False, rules="on")
    assert run.checks() == []
    assert run.ruled.liquidations
    assert not [action for action in run.ruled.actions if action.kind == "rebalance"]


@pytest.mark.parametrize(("strategy", "floor"), [("liquidity", 0.55), ("neutral", 0.95)])
def test_crash__other_strategies_end_above_the_same_without_rules(project, strategy, floor):
    run = play("crash", strategy)
    assert [check.what for check in run.checks() if not check.ok] == []
    assert run.ruled.end > run.plain.end
    assert run.ruled.low > floor  # ether is down to 0.545
    assert run.ruled.visits.deposits and run.ruled.visits.exits


def test_one_venues_print__moves_nothing(project):
    run = play("venue-print", "leveraged", hours=3)
    assert [check.what for check in run.checks() if not check.ok] == []
    assert {name for action in run.ruled.actions for name in action.readings} <= {"idle"}
    assert run.ruled.end == pytest.approx(run.plain.end, abs=0.002)
    # nobody enters while the sources differ, and who is in may leave
    assert run.ruled.visits.shut_in > 0


def test_enemies__gain_nothing_and_stay_within_the_budget(project):
    run = play("crash", "leveraged", hours=2, rules="on", hostile=True)
    track = run.ruled
    assert track.best_attack.profit <= 0
    assert track.worst_attack.loss < 0.03
    assert track.drawn <= 1
    assert track.enemy_spent > 0
    assert not track.visits.troubles

"""Short seeded runs of the machines, on revm and through Hypothesis, and what their parts promise."""

import subprocess
import sys
from random import Random

import pytest

from ballast.environment import ROOT
from ballast.fuzz import regression
from ballast.fuzz.campaign import BATCH, LENGTH, campaign, load_corpus, save_corpus
from ballast.fuzz.chain import FuzzError
from ballast.fuzz.choices import Amounts, Integers, OneOf
from ballast.fuzz.machine import Broken, Machine, Step, Tally, Violation, replay, rule, run, shrink
from ballast.fuzz.revm import Revm
from ballast.fuzz.targets import open_machine, prepared


@pytest.fixture(scope="session")
def vault_target(project):
    with prepared("vault") as target:
        yield target


@pytest.mark.parametrize(("name", "runs"), [("vault", 100), ("suite", 8)])
def test_machine__holds_every_property(project, name, runs):
    tally = Tally()
    with prepared(name) as target:
        machine = open_machine(target)
    for number in range(runs):
        found = run(machine, Random(f"make test/{number}"), LENGTH, tally)
        assert found is None, f"{found.message}: {found.steps}"
    assert tally.steps == runs * LENGTH


class Counter(Machine):
    """Breaks when more than 41 has been added in steps of at least 3; another rule is of no account."""

    name = "counter"

    def build_world(self):
        pass

    @rule(start=Integers(0, 5))
    def setup(self, start):
        self.total = start

    @rule(more=Integers(0, 40))
    def add(self, more):
        self.total += more if more >= 3 else 0

    @rule(what=OneOf("a", "b"))
    def idle(self, what):
        pass

    def check(self):
        if self.total > 41:
            raise Broken("TOTAL: stays small", f"{self.total}")


def test_shrink__leaves_what_is_needed_and_makes_it_small():
    machine = Counter(Revm(), None)
    found = next(filter(None, (run(machine, Random(seed), 50, Tally()) for seed in range(20))))
    small = shrink(machine, found)
    assert small.property == "TOTAL"
    assert [step.rule for step in small.steps] == ["setup", "add", "add"]
    assert small.steps[0].arguments == {"start": 0}
    assert sum(step.arguments["more"] for step in small.steps[1:]) == 42
    assert replay(machine, small.steps) == small
    assert replay(machine, small.steps[:-1]) is None


@pytest.mark.parametrize("choice", [Integers(3, 9), Amounts(10**20), Amounts(1_000, 1), OneOf("x", "y", "z")])
def test_choice__draws_what_hypothesis_would_and_simplifies_to_the_first(choice):
    rng = Random(1)
    drawn = [choice.draw(rng) for _ in range(2_000)]
    lowest = choice.values[0] if isinstance(choice, OneOf) else choice.lowest
    if not isinstance(choice, OneOf):
        assert choice.lowest <= min(drawn) and max(drawn) <= choice.highest
    assert lowest in drawn
    assert list(choice.simpler(lowest)) == []
    assert lowest in list(choice.simpler(max(drawn)))


def test_campaign__is_the_same_for_any_number_of_workers(vault_target):
    steps = 2 * BATCH * 20
    one, two = (campaign(vault_target, seed=3, workers=workers, steps=steps, length=20) for workers in (1, 2))
    assert one.steps == two.steps == steps
    assert (one.features, one.corpus, one.marks) == (two.features, two.corpus, two.marks)
    assert one.calls == two.calls
    told = one.by_function()
    assert {"ok", "DepositExceedsMax"} <= set(told["deposit(uint256,address)"])
    assert sum(map(len, told.values())) == len(one.calls)
    assert (
        "addStrategy(address,uint256,uint256,uint256,uint256,bool)" in told
    )  # setup is a step; making the world is none
    assert "admit(address)" not in told
    assert len(two.by_worker) <= 2


def test_corpus__comes_back_and_is_refused_when_of_another_version(vault_target, tmp_path):
    path = tmp_path / "vault.json"
    entries = [[Step("setup", {"decimals": 0}), Step("wait", {"seconds": 5})]]
    save_corpus("vault", path, entries)
    assert load_corpus("vault", path) == entries
    path.write_text(path.read_text().replace('"version": "', '"version": "0'))
    with pytest.raises(FuzzError, match="another version"):
        load_corpus("vault", path)


def test_regression__is_written_as_a_test_and_read_again(tmp_path):
    machine = Counter(Revm(), None)
    steps = (Step("setup", {"start": 5}), Step("add", {"more": 37}))
    path = regression.write("vault", replay(machine, steps), "a test", folder=tmp_path)
    assert regression.read(path) == ("vault", list(steps))
    compile(path.read_text(), path.name, "exec")
    path.write_text("STEPS = []")
    with pytest.raises(FuzzError, match="MACHINE and STEPS"):
        regression.read(path)


def test_regression__is_written_as_the_linter_wants_it(tmp_path):
    """Nobody should have to format a finding before the next `make lint`: lines that just fit, and that just do not."""
    plain = {"who": 1, "flag": True, "least": -1, "kind": "a"}
    setup = Step("setup", {f"argument_{at}": 2**128 - at for at in range(30)})
    lines = [Step("mint", {"y" * (80 + at): 1}) for at in range(22)]
    runs = [[setup, Step("deposit", plain), Step("wait", {}), *lines]]
    runs += [[Step("setup", {}), Step("wait", {"x" * (60 + at): 0})] for at in range(20)]  # STEPS in one line, or more
    for steps in runs:
        message = 'A_PROPERTY: "holds" ' + "on and on " * 30
        path = regression.write("vault", Violation("A_PROPERTY", message, tuple(steps)), "a test", tmp_path)
        assert regression.read(path) == ("vault", steps)
    for command in (["format", "--check"], ["check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--config", str(ROOT / "pyproject.toml"), str(tmp_path)]
        done = subprocess.run(ruff, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_campaign__of_no_machine_or_no_length_is_refused(vault_target):
    with pytest.raises(FuzzError, match="no machine 'boat'"), prepared("boat"):
        pass
    with pytest.raises(FuzzError, match="say how long"):
        campaign(vault_target, seed=0)


def test_upstream__out_of_reach_is_one_line(project):
    with (
        pytest.raises(FuzzError, match="no answer from the upstream at 127.0.0.1"),
        prepared("suite", "http://127.0.0.1:9"),
    ):
        pass
    with pytest.raises(FuzzError, match="the http"), prepared("suite", "somewhere"):
        pass


def test_suite__on_a_chain_without_markets_is_refused(project):
    with prepared("suite", "none") as target, pytest.raises(FuzzError, match="no Aave"):
        open_machine(target)

"""State machines: what a strategist writes once, and what runs it at speed, on any chain, or under Hypothesis.

A machine makes its world once. A run goes back to that world, begins with the step named `setup`, and then takes steps
chosen by weight; after each one `check` looks at every property. A step is a name and plain values: it can be written
to a file, replayed, and made shorter.
"""

import hashlib
import json
from bisect import bisect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import Any, ClassVar, NamedTuple

from ballast.fuzz.build import Build
from ballast.fuzz.chain import OK, Chain, FuzzError, Method, Reverted
from ballast.fuzz.choices import Choice, draw_all

SETUP = "setup"


class Step(NamedTuple):
    """What was done."""

    rule: str
    arguments: dict[str, Any]


class Rule(NamedTuple):
    """What may be done."""

    name: str
    weight: float
    choices: tuple[tuple[str, Choice], ...]


class Broken(AssertionError):
    """A property does not hold: its sentence, and what was seen."""

    def __init__(self, sentence: str, seen: str = "") -> None:
        super().__init__(f"{sentence} ({seen})" if seen else sentence)
        self.property = sentence.split(":")[0]


@dataclass(frozen=True)
class Violation:
    """A property that was broken by the last of `steps`."""

    property: str
    message: str
    steps: tuple[Step, ...]


def rule(*, weight: float = 1, **choices: Choice) -> Callable[[Callable], Callable]:
    """Make a method a rule; each argument is drawn from its choice. `weight` says how often, next to the others."""

    def mark(method: Callable) -> Callable:
        method.rule = Rule(method.__name__, weight, tuple(choices.items()))
        return method

    return mark


class Machine:
    """Base of state machines.

    A subclass gives `name`, makes its world in `build_world`, has a rule named `setup`, other rules, and `check`. What
    it remembers between steps it sets anew in `setup`.
    """

    name: ClassVar[str]
    rules: ClassVar[dict[str, Rule]]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        found = {}
        for base in reversed(cls.__mro__):
            found.update({key: value.rule for key, value in vars(base).items() if hasattr(value, "rule")})
        cls.rules = found
        cls._names = [each for each in found if each != SETUP]
        cls._weights = list(accumulate(found[each].weight for each in cls._names))

    def __init__(self, chain: Chain, build: Build) -> None:
        self.chain = chain
        self.build = build
        #: what the last step came to, as far as it says so: "ok" or the name of an error
        self.outcome = OK
        self.build_world()
        self._base = chain.snapshot()

    # --- what a subclass gives ---

    def build_world(self) -> None:
        """Make the contracts that every run begins with."""
        raise NotImplementedError

    def check(self) -> None:
        """Look at every property; raise Broken."""
        raise NotImplementedError

    def situation(self) -> int:
        """Return a number for what kind of state this is: what is new is kept in the corpus."""
        return 0

    # --- for rules ---

    def attempt(self, method: Method, *arguments: Any, sender: str, may: Iterable[str] = ()) -> Any:
        """Send; return the answer, or None when it reverted with one of the errors that it `may`."""
        try:
            answer = method(*arguments, sender=sender)
        except Reverted as error:
            if error.name not in may:
                raise
            self.outcome = error.name
            return None
        self.outcome = OK
        return answer

    def refused(self, method: Method, *arguments: Any, sender: str, by: Iterable[str]) -> None:
        """Send what must revert with one of these errors."""
        try:
            method(*arguments, sender=sender)
        except Reverted as error:
            if error.name not in by:
                raise
            self.outcome = error.name
            return
        raise Broken(f"{method.name.upper()}: is refused with {' or '.join(by)}", "it went through")

    # --- running ---

    @classmethod
    def version(cls) -> str:
        """Return what identifies the steps that this machine understands."""
        told = json.dumps({key: [name for name, _ in each.choices] for key, each in sorted(cls.rules.items())})
        return hashlib.sha256(told.encode()).hexdigest()[:12]

    def restart(self) -> None:
        """Go back to the world as it was made."""
        self.chain.restore(self._base)
        self._base = self.chain.snapshot()

    def choose(self, rng: Random) -> Step:
        """Choose the next step."""
        rule = self.rules[self._names[bisect(self._weights, rng.random() * self._weights[-1])]]
        return Step(rule.name, draw_all(rule.choices, rng))

    def first(self, rng: Random) -> Step:
        """Choose how a run begins."""
        return Step(SETUP, draw_all(self.rules[SETUP].choices, rng))

    def take(self, step: Step) -> None:
        """Take a step and check every property.

        Raises
        ------
        Broken
            A property does not hold.
        Reverted
            A call reverted that must not, or with an error that it must not have.
        """
        if step.rule not in self.rules:
            raise FuzzError(f"the machine {self.name} has no rule {step.rule}: the steps are of another version")
        self.outcome = OK
        getattr(self, step.rule)(**step.arguments)
        self.check()


#: rule, outcome, kind of state
Feature = tuple[str, str, int]


@dataclass
class Tally:
    """What runs came to."""

    steps: int = 0
    runs: int = 0
    features: dict[Feature, int] = field(default_factory=dict)
    #: functions that were called, and how that ended
    calls: set[tuple[str, str]] = field(default_factory=set)
    violations: list[Violation] = field(default_factory=list)
    #: runs that reached something first: the run, and what it reached at which steps
    kept: list[tuple[list[Step], dict[int, Feature]]] = field(default_factory=list)


def run(machine: Machine, rng: Random, length: int, tally: Tally, begin: Sequence[Step] = ()) -> Violation | None:
    """Take `length` steps from the beginning; stop at a violation.

    Parameters
    ----------
    begin : steps to begin with, drawn when left out
    tally : counts what happened
    """
    machine.restart()
    taken: list[Step] = []
    new: dict[int, Feature] = {}
    features = tally.features
    choose, take = machine.choose, machine.take
    violation = None
    for at in range(length):
        step = begin[at] if at < len(begin) else choose(rng) if at else machine.first(rng)
        taken.append(step)
        try:
            take(step)
        except (Broken, Reverted) as error:
            violation = _violation(error, taken)
            tally.violations.append(violation)
            tally.steps += 1
            break
        tally.steps += 1
        feature = (step.rule, machine.outcome, machine.situation())
        if feature not in features:
            features[feature] = 0
            new[at] = feature
        features[feature] += 1
    tally.runs += 1
    if new:
        tally.kept.append((taken, new))
    return violation


def replay(machine: Machine, steps: Iterable[Step]) -> Violation | None:
    """Take these steps from the beginning; return the violation they end in, if they do."""
    machine.restart()
    taken = []
    for step in steps:
        taken.append(step)
        try:
            machine.take(step)
        except (Broken, Reverted) as error:
            return _violation(error, taken)
    return None


def _violation(error: Broken | Reverted, taken: Sequence[Step]) -> Violation:
    if isinstance(error, Broken):
        return Violation(error.property, str(error), tuple(taken))
    name = f"{taken[-1].rule.upper()}_REVERTS"
    return Violation(f"{name}_{error.name}", f"{name}: {error}", tuple(taken))


def shrink(machine: Machine, violation: Violation, *, tries: int = 4_000) -> Violation:
    """Return a shorter, simpler run that breaks the same property.

    Steps are left out, the larger parts first, and then values made simpler, until nothing more can be done.
    """
    best = violation
    left = tries

    def better(steps: Sequence[Step]) -> bool:
        nonlocal best, left
        left -= 1
        found = replay(machine, steps)
        if found is None or found.property != best.property:
            return False
        best = found
        return True

    while left > 0:
        before = best.steps
        size = max(1, len(best.steps) // 2)
        while size and left > 0:
            at = 1  # the setup stays
            while at < len(best.steps) and left > 0:
                if not better(best.steps[:at] + best.steps[at + size :]):
                    at += size
            size //= 2
        for at in range(len(best.steps)):
            if at >= len(best.steps):
                break
            rule = machine.rules[best.steps[at].rule]
            for name, choice in rule.choices:
                for value in choice.simpler(best.steps[at].arguments[name]):
                    step = Step(rule.name, {**best.steps[at].arguments, name: value})
                    if better((*best.steps[:at], step, *best.steps[at + 1 :])) or left <= 0 or at >= len(best.steps):
                        break
                if at >= len(best.steps):
                    break
        if best.steps == before:
            break
    return best

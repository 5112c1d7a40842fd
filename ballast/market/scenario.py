"""Scenarios: read from scenarios.yaml, checked, and their prices drawn. Pure: the same seed gives the same prices."""

import itertools
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from ballast.errors import ConfigurationError

FILE: Final = Path(__file__).parent / "scenarios.yaml"
ACTORS: Final = ("traders", "providers", "borrowers", "liquidators", "sandwicher", "depositor")
PAIRS: Final = ("weth/usdc", "staked/weth")
SOURCES: Final = ("pool", "feed", "node")
_HOUR: Final = 3600
_YEAR: Final = 365 * 86400
#: hour and value
Point = tuple[float, float]


@dataclass(frozen=True)
class Course:
    """A price's known points, and the volatility (a year) of what lies between them."""

    points: tuple[Point, ...]
    volatility: float = 0.0
    #: after the last point it goes where it likes, without a drift; else it stays
    free: bool = False


@dataclass(frozen=True)
class Nodes:
    """How a feed's nodes behave: `deviation` is a fraction, `heartbeat` and lateness are seconds."""

    deviation: float
    heartbeat: int
    lateness: tuple[Point, ...]
    silent: tuple[Point, ...] = ()


@dataclass(frozen=True)
class Print:
    """A source that is off by a factor from one hour to another."""

    source: str
    begins: float
    ends: float
    factor: float


@dataclass(frozen=True)
class Scenario:
    """A scenario, as scenarios.yaml says it."""

    name: str
    title: str
    about: str
    source: str
    crisis: bool
    pair: str
    hours: float
    step_seconds: int
    keeper_seconds: int
    gas_gwei: tuple[Point, ...]
    ether: Course
    nodes: Nodes
    noise: float
    depth: float
    actors: tuple[str, ...]
    staked: Course = Course(((0.0, 1.0),))
    prints: tuple[Print, ...] = field(default=())
    visit: float = 0.003
    draws: int = 1

    @property
    def steps(self) -> int:
        """Return how many steps it has."""
        return round(self.hours * _HOUR / self.step_seconds)

    def shortened(self, hours: float) -> "Scenario":
        """Return its first hours alone."""
        return replace(self, hours=min(hours, self.hours))

    def freed(self) -> "Scenario":
        """Return it with ether's last point forgotten: nobody knows where it ends."""
        ether = replace(self.ether, points=self.ether.points[:-1] or self.ether.points, free=True)
        return replace(self, name=f"{self.name}-free", title=f"{self.title}, with a free end", ether=ether)


@dataclass(frozen=True)
class Moment:
    """What is true of the world at a time: seconds since the scenario's beginning, dollars for an ether, ether for the
    ether that a staked token stands for, gwei."""

    seconds: int
    ether: float
    staked: float
    gas_gwei: float

    @property
    def hour(self) -> float:
        """Return the time in hours."""
        return self.seconds / _HOUR


def moments(scenario: Scenario, *, seed: int, start: float) -> list[Moment]:
    """Draw the scenario's moments, one for each step and one for its beginning.

    Parameters
    ----------
    scenario : which
    seed : of what lies between the known points
    start : dollars for an ether at the beginning; the whole course is scaled to it
    """
    ether = drawn(scenario.ether, scenario, f"ether {seed}")
    staked = drawn(scenario.staked, scenario, f"staked {seed}")
    scale = start / ether[0]
    return [
        Moment(step * scenario.step_seconds, e * scale, s, at(scenario.gas_gwei, step * scenario.step_seconds / _HOUR))
        for step, (e, s) in enumerate(zip(ether, staked, strict=True))
    ]


def drawn(course: Course, scenario: Scenario, seed: str) -> list[float]:
    """Draw a price at each step: through the known points, never beyond the highest and lowest of several.

    Between two points the logarithm is a Brownian bridge; behind the last one of a free course, a Brownian motion.
    """
    chance = random.Random(f"{scenario.name} {seed}")
    points = course.points
    values = [math.log(points[0][1])]
    sigma = course.volatility * math.sqrt(scenario.step_seconds / _YEAR)
    for (begins, _), (ends, price) in itertools.pairwise(points):
        last = min(round(ends * _HOUR / scenario.step_seconds), 10**9)
        first = round(begins * _HOUR / scenario.step_seconds)
        for left in range(last - first, 0, -1):
            # what is left to go, spread evenly, and noise that shrinks to nothing at the next point
            step = (math.log(price) - values[-1]) / left
            values.append(values[-1] + step + sigma * math.sqrt((left - 1) / left) * chance.gauss(0, 1))
    for _ in range(scenario.steps + 1 - len(values)):
        step = sigma * chance.gauss(0, 1) - sigma**2 / 2 if course.free else 0.0
        values.append(values[-1] + step)
    prices = [math.exp(value) for value in values[: scenario.steps + 1]]
    if len(points) > 2 and not course.free:
        low, high = min(price for _, price in points), max(price for _, price in points)
        prices = [min(max(price, low), high) for price in prices]
    return prices


def at(table: Sequence[Point], hour: float) -> float:
    """Return the value that holds at an hour: each holds until the next."""
    return [value for begins, value in table if begins <= hour][-1]


def during(spans: Sequence[Point], hour: float) -> bool:
    """Return whether an hour lies in one of the spans."""
    return any(begins <= hour < ends for begins, ends in spans)


@cache
def load() -> dict[str, Scenario]:
    """Return all scenarios by name.

    Raises
    ------
    ConfigurationError
        scenarios.yaml says something that makes no sense.
    """
    return {name: _scenario(name, row) for name, row in yaml.safe_load(FILE.read_text()).items()}


def find(name: str) -> Scenario:
    """Return a scenario by its name."""
    if name not in load():
        raise ConfigurationError(f"there is no scenario {name!r}: the scenarios are {', '.join(load())}")
    return load()[name]


def _scenario(name: str, row: Mapping[str, Any]) -> Scenario:
    try:
        rest = dict(row)
        made = Scenario(
            name=name,
            gas_gwei=_points(rest.pop("gas_gwei")),
            ether=_course(rest.pop("ether")),
            staked=_course(rest.pop("staked")) if "staked" in rest else Course(((0.0, 1.0),)),
            nodes=_nodes(rest.pop("nodes")),
            prints=tuple(Print(p["source"], p["from"], p["to"], p["factor"]) for p in rest.pop("prints", ())),
            actors=tuple(rest.pop("actors")),
            **rest,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(f"{FILE.name}: {name}: {type(error).__name__}: {error}") from error
    _check(made)
    return made


def _check(made: Scenario) -> None:
    wrong = [
        (made.pair not in PAIRS, f"pair is one of {', '.join(PAIRS)}"),
        (bool(set(made.actors) - set(ACTORS)), f"actors are {', '.join(ACTORS)}"),
        (any(each.source not in SOURCES for each in made.prints), f"a print's source is one of {', '.join(SOURCES)}"),
        (made.hours <= 0 or made.step_seconds <= 0, "hours and step_seconds are positive"),
        (made.keeper_seconds % made.step_seconds != 0, "keeper_seconds is a multiple of step_seconds"),
        (any(price <= 0 for course in (made.ether, made.staked) for _, price in course.points), "prices are positive"),
        (any(table[0][0] != 0 for table in (made.gas_gwei, made.nodes.lateness)), "a table begins at hour 0"),
    ]
    for failed, rule in wrong:
        if failed:
            raise ConfigurationError(f"{FILE.name}: {made.name}: {rule}")


def _points(rows: Sequence[Sequence[float]]) -> tuple[Point, ...]:
    points = tuple((float(hour), float(value)) for hour, value in rows)
    if not points or any(later <= earlier for (earlier, _), (later, _) in itertools.pairwise(points)):
        raise ValueError(f"hours must rise: {rows}")
    return points


def _course(row: Mapping[str, Any]) -> Course:
    points = _points(row["points"])
    if points[0][0] != 0:
        raise ValueError("a course begins at hour 0")
    return Course(points, float(row.get("volatility", 0)))


def _nodes(row: Mapping[str, Any]) -> Nodes:
    silent = tuple((float(begins), float(ends)) for begins, ends in row.get("silent", ()))
    return Nodes(float(row["deviation"]), int(row["heartbeat"]), _points(row["lateness"]), silent)

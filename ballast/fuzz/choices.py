"""What the arguments of a rule are drawn from: fast to draw, able to make a value simpler, and known to Hypothesis.

Values are plain integers and strings, so that a step can be written to a file.
"""

import math
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Protocol

from hypothesis import strategies as st


class Choice(Protocol):
    """Where an argument comes from."""

    def draw(self, rng: Random) -> Any:
        """Draw a value."""

    def simpler(self, value: Any) -> Iterator[Any]:
        """Yield values that a person would rather read, the simplest first."""

    def strategy(self) -> st.SearchStrategy[Any]:
        """Return the same as a strategy of Hypothesis."""


class Integers:
    """Whole numbers from `lowest` to `highest`; the ends come often."""

    def __init__(self, lowest: int, highest: int) -> None:
        self.lowest, self.highest = lowest, highest

    def draw(self, rng: Random) -> int:
        chance = rng.random()
        if chance < 0.1:
            return self.lowest
        if chance < 0.25:
            return self.highest
        return self.lowest + int(rng.random() * (self.highest - self.lowest + 1))

    def simpler(self, value: int) -> Iterator[int]:
        yield from _between(self.lowest, value)

    def strategy(self) -> st.SearchStrategy[int]:
        return st.integers(self.lowest, self.highest)


class Amounts:
    """Whole numbers up to `highest` of every size: as many of one digit as of twenty."""

    def __init__(self, highest: int, lowest: int = 0) -> None:
        self.lowest, self.highest = lowest, highest
        self._digits = math.log10(highest)

    def draw(self, rng: Random) -> int:
        chance = rng.random()
        if chance < 0.05:
            return self.lowest
        size = rng.random() * self._digits
        # a round number every other time: it is what people send
        most = int(10**size) if chance < 0.5 else int(10 ** int(size))
        return max(self.lowest, min(most, self.highest))

    def simpler(self, value: int) -> Iterator[int]:
        yield from _between(self.lowest, value)
        if value > 10:
            yield 10 ** (len(str(value)) - 1)

    def strategy(self) -> st.SearchStrategy[int]:
        sizes = st.integers(0, int(self._digits)).map(lambda digits: 10**digits)
        return st.one_of(st.integers(self.lowest, self.lowest + 50), sizes, st.integers(self.lowest, self.highest))


class OneOf:
    """One of a few values, the simplest first."""

    def __init__(self, *values: Any) -> None:
        self.values = values

    def draw(self, rng: Random) -> Any:
        return self.values[int(rng.random() * len(self.values))]

    def simpler(self, value: Any) -> Iterator[Any]:
        yield from self.values[: self.values.index(value)] if value in self.values else self.values

    def strategy(self) -> st.SearchStrategy[Any]:
        return st.sampled_from(self.values)


def _between(lowest: int, value: int) -> Iterator[int]:
    """Yield the lowest value, and then what comes nearer to `value` by halves."""
    seen = set()
    gap = value - lowest
    while gap > 0:
        if value - gap not in seen:
            seen.add(value - gap)
            yield value - gap
        gap //= 2


def draw_all(choices: Sequence[tuple[str, Choice]], rng: Random) -> dict[str, Any]:
    """Draw every argument of a rule."""
    return {name: choice.draw(rng) for name, choice in choices}

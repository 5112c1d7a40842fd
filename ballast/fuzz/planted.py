"""Bugs planted on purpose: what a machine must find, and how soon it does."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import yaml

from ballast.environment import ROOT
from ballast.fuzz import build as builds
from ballast.fuzz.campaign import LENGTH
from ballast.fuzz.chain import FuzzError
from ballast.fuzz.machine import Tally, run
from ballast.fuzz.solc import compile_patched
from ballast.fuzz.targets import Target, machine_class, open_chain

FILE = Path(__file__).parent / "planted.yaml"
#: contracts of a vault
VAULT = ("Vault", "VaultBooks", "VaultRules", "VaultViews")


@dataclass(frozen=True)
class Bug:
    """A patch, and the properties it breaks."""

    name: str
    kind: str
    file: str
    patch: tuple[tuple[str, str], ...]
    finds: tuple[str, ...]

    def applied(self) -> dict[str, str]:
        """Return the patched file.

        Raises
        ------
        FuzzError
            The lines it replaces are not there once.
        """
        text = (ROOT / self.file).read_text()
        for old, new in self.patch:
            if text.count(old) != 1:
                raise FuzzError(
                    f"planted bug {self.name!r}: {self.file} has its line {text.count(old)} times, not once"
                )
            text = text.replace(old, new)
        return {self.file: text}


@dataclass(frozen=True)
class Hunt:
    """How a bug was found, or was not."""

    bug: Bug
    property: str
    message: str
    steps: int
    seconds: float

    @property
    def found(self) -> bool:
        """Whether a property that the bug breaks was seen broken."""
        return self.property in self.bug.finds


def load() -> list[Bug]:
    """Load the list."""
    return [
        Bug(each["name"], each["kind"], each["file"], tuple(map(tuple, each["patch"])), tuple(each["finds"]))
        for each in yaml.safe_load(FILE.read_text())
    ]


def hunt(target: Target, bug: Bug, seed: int, seconds: float) -> Hunt:
    """Run the machine on the patched contracts until it finds the bug, or the time is up."""
    types = {name: _with_code(name, code) for name, code in compile_patched(bug.applied(), VAULT).items()}
    machine = machine_class(target.machine)(open_chain(target), builds.load().with_types(types))
    started = time.perf_counter()
    tally, number, last = Tally(), 0, None
    while time.perf_counter() - started < seconds:
        found = run(machine, Random(f"{seed}/{number}"), LENGTH, tally)
        number += 1
        if found is not None:
            last = found
            if found.property in bug.finds:
                break
    spent = time.perf_counter() - started
    return Hunt(bug, last.property if last else "", last.message if last else "", tally.steps, spent)


def _with_code(name: str, code: str) -> dict[str, Any]:
    return {**builds.load()[name].raw, "deploymentBytecode": {"bytecode": code}}


def hunt_all(
    target: Target,
    bugs: Sequence[Bug],
    *,
    seed: int,
    seconds: float,
    workers: int,
    progress: Callable[[Hunt], None] = lambda _: None,
) -> Iterator[Hunt]:
    """Hunt every bug, several at a time; yield in the order of the list."""
    for bug in bugs:
        bug.applied()  # a list that no longer applies is said before anything runs
    with ProcessPoolExecutor(workers) as pool:
        hunts = {pool.submit(hunt, target, bug, seed, seconds): at for at, bug in enumerate(bugs)}
        done: dict[int, Hunt] = {}
        for future in as_completed(hunts):
            done[hunts[future]] = future.result()
            progress(future.result())
        for at in sorted(done):
            yield done[at]

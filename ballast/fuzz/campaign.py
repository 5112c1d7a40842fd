"""Many runs in many processes, here or on several machines; the same seed gives the same runs, whoever does them.

Run number n of a seed draws from a random source of its own. Runs are handed out in batches, and what comes back is
taken in the order of the batches: so the corpus and the violations do not depend on who was faster.
"""

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from ballast.environment import ROOT
from ballast.fuzz.chain import FuzzError
from ballast.fuzz.machine import Feature, Step, Tally, Violation, run, shrink
from ballast.fuzz.targets import Target, machine_class, open_machine

#: steps in a run, runs in a batch
LENGTH = 100
BATCH = 20
CORPUS = ROOT / ".cache" / "fuzz"
_FORMAT = 1
#: of the kind of state, what the corpus tells apart: fewer, longer-lived entries
_COARSE = 0b111


@dataclass(frozen=True)
class Job:
    """A batch of runs: the corpus entries `begin`, or those numbered from `first`."""

    target: Target
    seed: int
    first: int
    count: int
    length: int
    begin: tuple[tuple[Step, ...], ...] = ()


@dataclass
class Done:
    """What a batch came to."""

    job: Job
    tally: Tally
    seconds: float
    worker: str


def work(job: Job) -> Done:
    """Do a batch of runs; called in a worker."""
    machine = open_machine(job.target)
    tally = Tally()
    machine.chain.reached.clear()  # of this batch alone, whoever does it
    started = time.perf_counter()
    for number in range(job.count):
        name = f"{job.seed}/{job.first + number}"
        begin = job.begin[number] if job.begin else ()
        run(machine, Random(name), max(job.length, len(begin)), tally, begin)
    tally.calls = set(machine.chain.reached)
    return Done(job, tally, time.perf_counter() - started, f"{os.uname().nodename}/{os.getpid()}")


def work_on(target: Target, violation: Violation) -> Violation:
    """Make a violation's run shorter; called in a worker."""
    return shrink(open_machine(target), violation)


@dataclass
class Result:
    """What a campaign came to."""

    target: Target
    seed: int
    workers: int
    steps: int = 0
    runs: int = 0
    seconds: float = 0.0
    features: dict[Feature, int] = field(default_factory=dict)
    #: functions that were called, and how that ended: OK, or the name of the error
    calls: set[tuple[str, str]] = field(default_factory=set)
    #: the first violation of each property, as found and as shrunk
    violations: dict[str, Violation] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)
    corpus: list[list[Step]] = field(default_factory=list)
    #: which steps of each entry brought something new
    marks: list[list[int]] = field(default_factory=list)
    interrupted: bool = False
    #: steps and seconds when every worker had come back once
    _warm: tuple[int, float] = (0, 0.0)
    _kinds: set[Feature] = field(default_factory=set)
    #: steps that each worker took
    by_worker: dict[str, int] = field(default_factory=dict)

    def steady(self) -> tuple[int, float]:
        """Return the steps since the workers had made their worlds, and the seconds they took."""
        steps, seconds = self.steps - self._warm[0], self.seconds - self._warm[1]
        return (steps, seconds) if steps and seconds > 0 else (self.steps, self.seconds)

    def outcomes(self) -> dict[str, dict[str, int]]:
        """Return how often each rule came to each outcome."""
        told: dict[str, dict[str, int]] = {}
        for (rule, outcome, _), times in sorted(self.features.items()):
            told.setdefault(rule, {}).setdefault(outcome, 0)
            told[rule][outcome] += times
        return told

    def by_function(self) -> dict[str, list[str]]:
        """Return how calls of each function ended."""
        told: dict[str, list[str]] = {}
        for function, outcome in sorted(self.calls):
            told.setdefault(function, []).append(outcome)
        return told

    def add(self, done: Done) -> None:
        """Count a batch."""
        self.steps += done.tally.steps
        self.runs += done.tally.runs
        self.by_worker[done.worker] = self.by_worker.get(done.worker, 0) + done.tally.steps
        self.calls |= done.tally.calls
        for feature, times in done.tally.features.items():
            self.features[feature] = self.features.get(feature, 0) + times
        for steps, reached in done.tally.kept:
            marks = []
            for at, (rule, outcome, state) in reached.items():
                kind = (rule, outcome, state & _COARSE)
                if kind not in self._kinds:
                    self._kinds.add(kind)
                    marks.append(at)
            if marks:
                self.corpus.append(steps[: marks[-1] + 1])
                self.marks.append(marks)
        for violation in done.tally.violations:
            self.found[violation.property] = self.found.get(violation.property, 0) + 1
            self.violations.setdefault(violation.property, violation)


Progress = Callable[[Result], None]


def campaign(
    target: Target,
    *,
    seed: int,
    workers: int = 1,
    minutes: float | None = None,
    steps: int | None = None,
    length: int = LENGTH,
    corpus: Sequence[Sequence[Step]] = (),
    scheduler: str | None = None,
    progress: Progress = lambda _: None,
) -> Result:
    """Run a campaign until the time or the steps are used up, or it is interrupted.

    Parameters
    ----------
    minutes, steps : one of them, or both; steps are rounded up to whole batches
    corpus : runs to begin with, each taken further at random
    scheduler : address of a Dask scheduler; workers are its workers then
    progress : called now and then
    """
    if minutes is None and steps is None:
        raise FuzzError("say how long: --minutes or --steps")
    result = Result(target, seed, workers)
    started = time.monotonic()
    deadline = started + 60 * minutes if minutes is not None else float("inf")
    jobs = _jobs(target, seed, length, [tuple(each) for each in corpus])
    waiting: dict[int, Done] = {}
    running: dict[Future, int] = {}
    handed = taken = handed_steps = 0
    with _executor(workers, scheduler) as executor:
        try:
            while True:
                while (
                    len(running) < 2 * workers
                    and time.monotonic() < deadline
                    and (steps is None or handed_steps < steps)
                ):
                    job = next(jobs)
                    running[executor.submit(work, job)] = handed
                    handed += 1
                    handed_steps += 0 if job.begin else job.count * job.length
                if not running:
                    break
                finished, _ = wait(running, timeout=1, return_when=FIRST_COMPLETED)
                for future in finished:
                    waiting[running.pop(future)] = future.result()
                while taken in waiting:
                    result.add(waiting.pop(taken))
                    taken += 1
                result.seconds = time.monotonic() - started
                if len(result.by_worker) < workers or not result._warm[0]:
                    result._warm = (result.steps, result.seconds)
                progress(result)
        except KeyboardInterrupt:
            result.interrupted = True
            for future in running:
                future.cancel()
        result.seconds = time.monotonic() - started
        if result.violations and not result.interrupted:
            shrunk = {name: executor.submit(work_on, target, each) for name, each in result.violations.items()}
            result.violations = {name: future.result() for name, future in shrunk.items()}
    return result


def _jobs(target: Target, seed: int, length: int, corpus: Sequence[tuple[Step, ...]]) -> Iterator[Job]:
    for at in range(0, len(corpus), BATCH):
        begin = tuple(corpus[at : at + BATCH])
        yield Job(target, seed, -at - BATCH, len(begin), length, begin)
    first = 0
    while True:
        yield Job(target, seed, first, BATCH, length)
        first += BATCH


@contextmanager
def _executor(workers: int, scheduler: str | None) -> Iterator[Executor]:
    if scheduler is None:
        # forked: a worker has what is loaded here, and an interrupt is for this process alone
        context = multiprocessing.get_context("forkserver")
        with ProcessPoolExecutor(workers, mp_context=context, initializer=_ignore_interrupts) as pool:
            yield pool
        return
    from distributed import Client

    try:
        client = Client(scheduler, timeout=10)
    except (OSError, ValueError, TimeoutError) as error:
        raise FuzzError(f"no Dask scheduler at {scheduler}: `dask scheduler` starts one") from error
    with client, client.get_executor(pure=False) as pool:
        yield pool


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


# --- the corpus on disk ---


def corpus_file(machine: str, folder: Path = CORPUS) -> Path:
    """Return where a machine's corpus is kept."""
    return folder / f"{machine}.corpus.json"


def load_corpus(machine: str, path: Path) -> list[list[Step]]:
    """Load a corpus; none when there is no file yet.

    Raises
    ------
    FuzzError
        It is of another version of the machine.
    """
    if not path.exists():
        return []
    try:
        told = json.loads(path.read_text())
        version, entries = (told["format"], told["machine"], told["version"]), told["entries"]
    except (ValueError, KeyError, TypeError) as error:
        raise FuzzError(f"{path}: no corpus; remove it, or name another with --corpus") from error
    if version != (_FORMAT, machine, machine_class(machine).version()):
        raise FuzzError(f"{path}: a corpus of another version of the machine; remove it, or name another with --corpus")
    return [[Step(rule, arguments) for rule, arguments in entry] for entry in entries]


def save_corpus(machine: str, path: Path, entries: Sequence[Sequence[Step]]) -> None:
    """Save a corpus, whole or not at all."""
    told: dict[str, Any] = {"format": _FORMAT, "machine": machine, "version": machine_class(machine).version()}
    told["entries"] = [[list(step) for step in entry] for entry in entries]
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps(told))
    partial.replace(path)

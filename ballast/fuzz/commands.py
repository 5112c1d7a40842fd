"""What `ape run fuzz` does and prints."""

import signal
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.live import Live
from rich.table import Table

from ballast import properties
from ballast.console import console, emit_json, one_line_errors, out
from ballast.errors import ConfigurationError
from ballast.fuzz import campaign as campaigns
from ballast.fuzz import coverage as coverages
from ballast.fuzz import regression
from ballast.fuzz.campaign import Result
from ballast.fuzz.chain import FuzzError
from ballast.fuzz.machine import Step, Violation
from ballast.fuzz.revm import Revm
from ballast.fuzz.targets import MACHINES, Target, open_chain, prepared

#: exit codes: a property was broken; the run was interrupted
BROKEN = 2
INTERRUPTED = 130


@one_line_errors
def campaign(
    machine: str,
    minutes: float | None,
    steps: int | None,
    workers: int,
    seed: int,
    upstream: str | None,
    block: int | None,
    corpus: str | None,
    scheduler: str | None,
    only: tuple[str, ...],
    write: bool,
    coverage_seconds: float | None,
    as_json: bool,
) -> None:
    """Run a campaign; print what it came to; exit with BROKEN when a property was broken."""
    unknown = [each for each in only if each not in properties.ALL]
    if unknown:
        raise ConfigurationError(f"--property {unknown[0]}: no such property, see docs/properties.md")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # Ape's own ends the process, and would tell nothing
    path = None if corpus == "none" else Path(corpus) if corpus else campaigns.corpus_file(machine)
    with prepared(machine, upstream, block) as target:
        if coverage_seconds:
            coverages.check(target)
        known = campaigns.load_corpus(machine, path) if path else []
        with _shown(as_json) as progress:
            result = campaigns.campaign(
                target,
                seed=seed,
                workers=workers,
                minutes=minutes,
                steps=steps,
                corpus=known,
                scheduler=scheduler,
                progress=progress,
            )
        if only:
            result.violations = {name: each for name, each in result.violations.items() if name in only}
        if path and not result.interrupted:
            campaigns.save_corpus(machine, path, result.corpus)
        covered = None
        if coverage_seconds and not result.interrupted:
            covered = _cover(target, [each for each in result.corpus if each not in known], coverage_seconds)
    command = f"ape run fuzz campaign --machine {machine} --seed {seed} --steps {result.steps}"
    files = {
        name: regression.write(machine, each, command)
        for name, each in result.violations.items()
        if write and not result.interrupted
    }
    if as_json:
        emit_json(_campaign_json(result, files) | ({"coverage": covered.json()} if covered else {}))
    else:
        _show_campaign(result, files)
        if covered:
            _show_coverage(covered, f"what was new in the corpus: {covered.runs:,} runs")
    raise SystemExit(INTERRUPTED if result.interrupted else BROKEN if result.violations else 0)


class _shown:
    """A line of progress on standard error, twice a second at most."""

    def __init__(self, quiet: bool) -> None:
        self._live = None if quiet else Live(console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Any:
        if self._live:
            self._live.start()
        return self._show

    def __exit__(self, *_: Any) -> None:
        if self._live:
            self._live.stop()

    def _show(self, result: Result) -> None:
        if self._live is None:
            return
        rate = result.steps / result.seconds if result.seconds else 0
        self._live.update(
            f"{result.steps:,} steps in {result.seconds:.0f} s, {rate:,.0f} a second; reached: {len(result.calls):,} "
            f"selectors x outcomes, {len(result.features):,} kinds of step (rule, outcome, state); "
            f"{len(result.violations)} properties broken"
        )


def _campaign_json(result: Result, files: dict[str, Path]) -> dict[str, Any]:
    return {
        "machine": result.target.machine,
        "seed": result.seed,
        "workers": len(result.by_worker),
        "steps": result.steps,
        "runs": result.runs,
        "seconds": round(result.seconds, 2),
        "steps_per_second": round(result.steps / result.seconds) if result.seconds else 0,
        "selectors_x_outcomes": len(result.calls),
        "calls": result.by_function(),
        "features": len(result.features),
        "outcomes": result.outcomes(),
        "corpus": len(result.corpus),
        "interrupted": result.interrupted,
        "violations": [
            {**_violation_json(each), "times": result.found[name], "file": str(files.get(name, ""))}
            for name, each in result.violations.items()
        ],
    }


def _violation_json(violation: Violation) -> dict[str, Any]:
    return {
        "property": violation.property,
        "message": violation.message,
        "steps": [[step.rule, step.arguments] for step in violation.steps],
    }


def _show_campaign(result: Result, files: dict[str, Path]) -> None:
    table = Table("rule", "steps", "outcomes", title=f"machine {result.target.machine}, seed {result.seed}")
    for rule, outcomes in result.outcomes().items():
        told = ", ".join(f"{name} {times:,}" for name, times in sorted(outcomes.items(), key=lambda each: -each[1]))
        table.add_row(rule, f"{sum(outcomes.values()):,}", told)
    out.print(table)
    rate = result.steps / result.seconds if result.seconds else 0
    workers = len(result.by_worker)
    stopped = "interrupted after " if result.interrupted else ""
    out.print(
        f"{stopped}{result.steps:,} checked steps in {result.runs:,} runs, {result.seconds:.1f} s, {workers} "
        f"worker{'s' * (workers != 1)}: {rate:,.0f} a second; reached: {len(result.calls):,} selectors x "
        f"outcomes, {len(result.features):,} kinds of step; {len(result.corpus):,} runs in the corpus"
    )
    if result.steps and not result.violations:
        out.print("every property held after every step")
    for name, violation in result.violations.items():
        show_violation(violation, f"{name}: broken {result.found[name]} times")
        if name in files:
            out.print(f"  written to {files[name]}", soft_wrap=True)


def show_violation(violation: Violation, title: str) -> None:
    """Print a violation and the steps that lead to it."""
    out.print(f"[red]{title}[/red]\n  {violation.message}", soft_wrap=True)
    for step in violation.steps:
        told = ", ".join(f"{name}={value}" for name, value in step.arguments.items())
        out.print(f"    {step.rule}({told})", soft_wrap=True)


@one_line_errors
def replay(path: str, network: str | None, as_json: bool) -> None:
    """Replay a regression test: on the anvil of Ape's network, or on revm; exit with BROKEN when it still breaks."""
    machine, steps = regression.read(Path(path))
    if machine not in MACHINES:
        raise FuzzError(f"{path}: there is no machine {machine!r}")
    started = time.perf_counter()
    if network == "revm":
        with prepared(machine) as target:
            found = regression.replay_on(open_chain(target), machine, steps)
        place = Revm.__name__.lower()
    else:
        from ballast.fuzz.node import Anvil
        from ballast.network import connected
        from ballast.replica.rpc import Rpc

        place = "anvil"
        with connected(network or "ethereum:mainnet-fork:foundry") as provider:
            rpc = Rpc(provider.http_uri)
            found = regression.replay_on(Anvil(rpc), machine, steps)
            rpc.close()
    seconds = time.perf_counter() - started
    if as_json:
        emit_json(
            {"holds": found is None, "on": place, "steps": len(steps), "seconds": round(seconds, 2)}
            | ({"violation": _violation_json(found)} if found else {})
        )
    elif found is None:
        out.print(f"{len(steps)} steps on {place} in {seconds:.1f} s: every property held")
    else:
        show_violation(found, f"{found.property}: broken on {place} by step {len(found.steps)} of {len(steps)}")
    raise SystemExit(BROKEN if found else 0)


@one_line_errors
def plant(name: str | None, seed: int, seconds: float, workers: int, as_json: bool) -> None:
    """Plant each bug of the list and hunt it; exit with BROKEN when one is not found in time."""
    from ballast.fuzz import planted

    bugs = [each for each in planted.load() if name is None or name in each.name]
    if not bugs:
        raise ConfigurationError(f"--name {name}: no planted bug of that name, see ballast/fuzz/planted.yaml")

    def told(hunt: Any) -> None:
        if not as_json:
            said = hunt.property if hunt.found else "NOT FOUND"
            console.print(f"{hunt.bug.name}: {said} after {hunt.steps:,} steps, {hunt.seconds:.1f} s")

    with prepared("vault") as target:
        hunts = list(planted.hunt_all(target, bugs, seed=seed, seconds=seconds, workers=workers, progress=told))
    if as_json:
        emit_json(
            [
                {
                    "name": each.bug.name,
                    "kind": each.bug.kind,
                    "found": each.found,
                    "property": each.property,
                    "steps": each.steps,
                    "seconds": round(each.seconds, 2),
                }
                for each in hunts
            ]
        )
    else:
        table = Table("kind", "planted bug", "found by", "steps", "seconds")
        for each in hunts:
            by = each.property if each.found else f"[red]not found[/red] {each.property}"
            table.add_row(each.bug.kind, each.bug.name, by, f"{each.steps:,}", f"{each.seconds:.1f}")
        out.print(table)
        out.print(f"{sum(each.found for each in hunts)} of {len(hunts)} planted bugs found within {seconds:.0f} s each")
    raise SystemExit(0 if all(each.found for each in hunts) else BROKEN)


@one_line_errors
def coverage(
    machine: str, upstream: str | None, corpus: str | None, seconds: float, missing: bool, as_json: bool
) -> None:
    """Replay a corpus and print how much of each contract it reaches."""
    path = Path(corpus) if corpus else campaigns.corpus_file(machine)
    known = campaigns.load_corpus(machine, path)
    if not known:
        raise ConfigurationError(f"{path.name} keeps no runs: `ape run fuzz campaign --machine {machine}` makes some")
    with prepared(machine, upstream) as target:
        covered = _cover(target, known, seconds)
    if as_json:
        emit_json(covered.json())
        return
    _show_coverage(covered, f"machine {machine}: {covered.runs:,} runs, {covered.steps:,} steps")
    for each in covered.files if missing else ():
        if each.lines_reached and (each.missing or each.one_way):
            lines, forks = (", ".join(map(str, part)) or "none" for part in (each.missing, each.one_way))
            out.print(f"{each.file}: lines not reached: {lines}; forks taken one way only: {forks}", soft_wrap=True)


@dataclass(frozen=True)
class _Covered:
    """What runs reached of the contracts."""

    files: tuple[coverages.FileCoverage, ...]
    runs: int
    of: int
    steps: int

    def json(self) -> dict[str, Any]:
        return asdict(self)


def _cover(target: Target, runs: Sequence[Sequence[Step]], seconds: float) -> _Covered:
    with Live(console=console, transient=True) as live:
        files, done, steps = coverages.cover(
            target,
            runs,
            seconds=seconds,
            progress=lambda done, steps: live.update(f"coverage: {done:,} of {len(runs):,} runs, {steps:,} steps"),
        )
    return _Covered(tuple(files), done, len(runs), steps)


def _show_coverage(covered: _Covered, title: str) -> None:
    table = Table("contract", "lines", "", "branches", "", title=title)
    for each in covered.files:
        if not each.lines_reached:
            continue
        table.add_row(
            Path(each.file).stem,
            f"{each.lines_reached} of {each.lines}",
            f"{each.lines_reached / each.lines:.1%}",
            f"{each.branches_reached} of {each.branches}",
            f"{each.branches_reached / each.branches:.1%}" if each.branches else "",
        )
    out.print(table)
    out.print(f"{sum(each.branches_reached for each in covered.files):,} branches reached")
    if covered.runs < covered.of:
        out.print(f"the time was up after {covered.runs:,} of {covered.of:,} runs")


@one_line_errors
def bench(seconds: float, seed: int, as_json: bool) -> None:
    """Measure the speeds; exit with BROKEN when a target is missed."""
    from ballast.fuzz import bench as benches

    def told(name: str) -> None:
        if not as_json:
            console.print(f"measuring {name}")

    with prepared("vault") as target:
        speeds = benches.measure(target, seconds=seconds, seed=seed, progress=told)
    one, two, _, through_ape, _, forge = (each.rate for each in speeds)
    #: what is wanted, what was measured, the least
    targets = [
        ("steps a second with one worker", one, 3_000),
        ("two workers over one", two / one, 1.8),
        ("one worker over anvil, through Ape", one / through_ape, 100),
        ("two workers over forge on two cores", two / forge, 1),
    ]
    if as_json:
        emit_json(
            {
                "speeds": [
                    {
                        "name": each.name,
                        "steps": each.steps,
                        "seconds": round(each.seconds, 2),
                        "rate": round(each.rate, 1),
                    }
                    for each in speeds
                ],
                "targets": [
                    {"name": name, "measured": round(got, 2), "least": least, "met": got >= least}
                    for name, got, least in targets
                ],
            }
        )
    else:
        table = Table("way", "checked steps", "seconds", "steps a second")
        for each in speeds:
            table.add_row(each.name, f"{each.steps:,}", f"{each.seconds:.1f}", f"{each.rate:,.0f}")
        out.print(table)
        for name, got, least in targets:
            out.print(f"{name}: {got:,.2f} (at least {least:,}: {'met' if got >= least else '[red]missed[/red]'})")
    raise SystemExit(0 if all(got >= least for _, got, least in targets) else BROKEN)

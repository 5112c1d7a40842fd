"""What `ape run scenario` does and prints."""

import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ballast import compiled, replica
from ballast.console import console, emit_json, exact_json, one_line_errors, out
from ballast.errors import ConfigurationError
from ballast.fuzz import build
from ballast.fuzz.chain import Chain
from ballast.fuzz.node import Anvil
from ballast.fuzz.revm import Revm
from ballast.market import engine, scenario_docs, scenario_page, stage
from ballast.market import scenario as scenarios
from ballast.market.record import COST, Run, Track, judged
from ballast.market.scenario import Scenario
from ballast.replica.rpc import Rpc

_COLUMNS: Final = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
#: exit code of a scenario that ran and did not show what it must
NOT_SHOWN: Final = 3


@one_line_errors
def list_all(as_json: bool) -> None:
    """Show which scenarios there are."""
    rows = list(scenarios.load().values())
    if as_json:
        emit_json([{"name": each.name, "title": each.title, "about": each.about, "hours": each.hours} for each in rows])
        return
    table = Table("name", "what", "hours", "source of the prices", title="scenarios")
    for each in rows:
        table.add_row(each.name, each.about, f"{each.hours:g}", each.source)
    out.print(table)


@one_line_errors
def run(
    name: str,
    strategy: str,
    options: engine.Options,
    *,
    rules: str,
    rpc: str | None,
    hours: float | None,
    free_end: bool,
    folder: Path,
    as_json: bool,
) -> None:
    """Play one scenario, show it, write its page."""
    found = scenarios.find(name)
    if free_end:
        found = found.freed()
    if hours is not None:
        found = found.shortened(hours)
    played = play(found, strategy, options, rules=rules, rpc=rpc)
    page = write_page(played, folder)
    # figures first, so that a scenario that does not hold is seen before its exit code
    if as_json:
        emit_json({**played.as_dict(), "page": str(page)}, indent=2)
    else:
        show(played, page)
    if not all(check.ok for check in played.checks()):
        sys.exit(NOT_SHOWN)


@one_line_errors
def run_all(strategies: Sequence[str], *, hostile: bool, folder: Path, write: bool, workers: int) -> None:
    """Play many scenarios with many strategies; with `write`, write docs/scenarios.md."""
    replica.build()
    _build()
    # the long ones first, so that no worker waits for the last one alone
    names = sorted(scenarios.load(), key=lambda name: -scenarios.find(name).steps)
    jobs = [
        (name, strategy, seed, enemy)
        for name in names
        for strategy in strategies
        for seed in range(1, scenarios.find(name).draws + 1)
        for enemy in ((False, True) if hostile and seed == 1 else (False,))
    ]
    runs = []
    with ProcessPoolExecutor(workers) as pool, Progress(*_COLUMNS, console=console, transient=True) as bar:
        task = bar.add_task("scenarios", total=len(jobs))
        for played in pool.map(_job, jobs):
            runs.append(played)
            write_page(played, folder)
            drawn = COST if played.scenario.draws > 1 else None  # judged by the mean, at the end
            failed = [check.what for check in played.checks() if not check.ok and check.what != drawn]
            said = f"[red]not: {'; '.join(failed)}[/red]" if failed else "[green]holds[/green]"
            label = f"{played.scenario.name}, {played.strategy}"
            label += f", draw {played.seed}" * (played.scenario.draws > 1) + (", hostile" if played.hostile else "")
            console.print(f"{label}: {said} ({played.seconds:.0f} s)", highlight=False)
            bar.advance(task)
    order = list(scenarios.load())
    runs.sort(key=lambda run: (order.index(run.scenario.name), strategies.index(run.strategy), run.hostile, run.seed))
    if write:
        scenario_docs.FILE.write_text(scenario_docs.markdown(runs), encoding="utf-8")
        out.print(f"{scenario_docs.FILE} is written")
    if not all(check.ok for _, check in judged(runs)):
        sys.exit(NOT_SHOWN)


def _job(job: tuple[str, str, int, bool]) -> Run:
    """Play one scenario in a process of its own."""
    name, strategy, seed, hostile = job
    chain = Revm.from_state(replica.build().state)
    stage_ = stage.find(strategy, build=build.load())
    return engine.play(chain, scenarios.find(name), stage_, strategy, engine.Options(seed=seed, hostile=hostile))


def play(
    found: Scenario, strategy: str, options: engine.Options, *, rules: str = "both", rpc: str | None = None
) -> Run:
    """Play one scenario on a chain of its own, or on the node at `rpc`, with a bar of progress."""
    stage_ = stage.find(strategy, build=_build(), rules=rules)
    if options.every is not None and options.every % found.step_seconds:
        raise ConfigurationError(f"--every is a multiple of the scenario's step, {found.step_seconds} seconds")
    with Progress(*_COLUMNS, console=console, transient=True) as bar:
        task = bar.add_task(f"{found.name}, {strategy}", total=found.steps + 1)
        chain = _chain(rpc)
        try:
            return engine.play(
                chain, found, stage_, strategy, options, progress=lambda done, _: bar.update(task, completed=done)
            )
        finally:
            if isinstance(chain, Anvil):
                chain.close()


def _build() -> build.Build:
    compiled.ensure()
    return build.load()


def _chain(rpc: str | None) -> Chain:
    return Anvil(Rpc(rpc)) if rpc else Revm.from_state(replica.build().state)


def write_page(played: Run, folder: Path) -> Path:
    """Write the page; return where."""
    enmity = "-hostile" if played.hostile else ""
    draw = f"-{played.seed}" if played.seed != 1 else ""
    page = folder / f"{played.scenario.name}-{played.strategy}{enmity}{draw}.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        page.write_text(scenario_page.html(played), encoding="utf-8")
        page.with_suffix(".json").write_text(exact_json(played.as_dict(), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{page} cannot be written: {error.strerror}; name another folder with --out"
        ) from None
    return page


def show(played: Run, page: Path) -> None:
    """Print what happened."""
    title = f"{played.scenario.title}, {played.strategy}"
    table = Table("", *(track.name for track in played.tracks), title=title)
    for what, told in ROWS:
        table.add_row(what, *(told(track) for track in played.tracks))
    out.print(table)
    track = played.ruled
    if track is not None and track.samples[-1].readings:
        readings = Table("reading at the end", "value", "lower", "target", "upper")
        for each in track.samples[-1].readings:
            readings.add_row(each.name, *(f"{getattr(each, key):,}" for key in ("value", "lower", "target", "upper")))
        out.print(readings)
    checks = played.checks()
    if checks:
        shown = Table("", "what must hold", "found")
        for check in checks:
            shown.add_row("[green]yes[/green]" if check.ok else "[red]NO[/red]", check.what, check.found)
        out.print(shown)
    out.print(f"{page} shows it all ({played.seconds:.0f} s)", soft_wrap=True)


def _percent(value: float, digits: int = 2) -> str:
    return f"{value * 100:+.{digits}f} %"


def _refused(track: Track) -> str:
    return ", ".join(f"{error} {count}" for error, count in sorted(track.refusals.items())) or "-"


#: rows of the table: what, and how it is told of a track
ROWS: Final = (
    ("value of a share at the end", lambda track: _percent(track.end - 1)),
    ("at worst", lambda track: _percent(track.low - 1)),
    ("liquidations", lambda track: str(len(track.liquidations))),
    ("lowest health factor", lambda track: f"{track.lowest_health:.3f}" if track.lowest_health else "-"),
    ("actions", lambda track: str(len(track.actions))),
    ("their cost in trades", lambda track: f"{track.cost:.3%}" if track.actions else "-"),
    ("gas, in dollars", lambda track: f"{track.gas_dollars:,.0f}" if track.actions else "-"),
    (
        "loss budget, most drawn",
        lambda track: "-" if track.drawn is None or not track.actions else f"{track.drawn:.0%}",
    ),
    ("an enemy's best attack", lambda track: f"{track.best_attack.profit:,.4f}" if track.best_attack else "-"),
    ("what enmity cost the enemy", lambda track: f"{track.enemy_spent:,.2f}" if track.enemy_spent else "-"),
    ("deposits and exits", lambda track: f"{track.visits.deposits} and {track.visits.exits}"),
    ("keeper was refused", _refused),
)

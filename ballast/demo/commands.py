"""What `ape run demo` does: plays the demo, shows it, writes its report."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.table import Table

from ballast import compiled, deployment
from ballast.console import console, emit_json, exact_json, one_line_errors, out
from ballast.demo import live, page, simulation
from ballast.demo.chain import own_chain
from ballast.demo.errors import DemoError
from ballast.demo.simulation import Watcher
from ballast.demo.story import Story
from ballast.environment import ROOT

FILE = ROOT / "deployments" / "mainnet.yaml"
#: exit code of a demo that ran and did not show what it should
NOT_SHOWN = 3
_PAGE, _FIGURES = "report.html", "report.json"


@one_line_errors
def run(*, days: int, seed: int, folder: Path, as_json: bool) -> None:
    """Play the demo and show what came of it."""
    from ape.logging import LogLevel, logger

    # Ape would write to standard output, which is the result's
    logger.set_level(LogLevel.WARNING)
    with _ending_in_order():
        with console.status("compiling"):
            compiled.ensure()
        with live.watching(console) as watcher:
            story = play(watcher, days=days, seed=seed, folder=folder)
    if as_json:
        emit_json(
            {**story.summary(), "report": {"html": str(folder / _PAGE), "json": str(folder / _FIGURES)}}, indent=2
        )
    else:
        _show(story, folder)
    if not all(check.ok for check in story.checks()):
        sys.exit(NOT_SHOWN)


def play(watcher: Watcher, *, days: int, seed: int, folder: Path) -> Story:
    """Play the demo on a chain of its own and write its report.

    Parameters
    ----------
    watcher : told what happens
    days : simulated days
    seed : of borrowers, prices and base fees; the same seed gives the same figures
    folder : where report.html and report.json go

    Raises
    ------
    DemoError
        The report cannot be written; found out before the days begin.
    """
    _writable(folder)
    compiled.ensure()
    with own_chain(progress=watcher.say) as chain:
        if chain.no_crowd:
            console.print(f"not on this chain: {chain.no_crowd}", highlight=False)
        story = simulation.run(chain, deployment.load(FILE), watcher, days=days, seed=seed)
    write_report(story, folder)
    return story


def write_report(story: Story, folder: Path) -> None:
    """Write report.html and report.json."""
    _write(folder / _FIGURES, exact_json(story.as_dict(), indent=1) + "\n")
    _write(folder / _PAGE, page.html(story))


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Make a request to end unwind like an error does, so that the chain ends with the command."""

    def end(number: int, frame: Any) -> None:
        sys.exit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    except KeyboardInterrupt:
        console.print("stopped; its chain is gone, nothing was written")
        sys.exit(128 + signal.SIGINT)
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{_FIGURES}"
        probe.write_bytes(b" " * 2**20)  # as much as a report takes
        probe.unlink()
    except OSError as error:
        raise DemoError(
            f"the report cannot be written to {folder}: {error.strerror}; name another folder with --out"
        ) from None


def _write(path: Path, text: str) -> None:
    try:
        draft = path.with_name(f".{path.name}")
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise DemoError(f"{path} cannot be written: {error.strerror}; name another folder with --out") from None


def _show(story: Story, folder: Path) -> None:
    last, returns = story.samples[-1], story.summary()["yearly_return"]
    facts = Table(title=f"{story.days} days", show_header=False)
    facts.add_column("what", style="dim", no_wrap=True)
    facts.add_column("found", justify="right")
    facts.add_row("share price", f"{last.share_price_wad / 10**18:.6f}")
    facts.add_row("a year, after fees", f"{returns['vault']:.2%}")
    for name in last.venues:
        facts.add_row(f"{name} alone, no fees, nothing idle", f"{returns[name]:.2%}")
    for who in story.depositors:
        state = "left with" if who.left_day is not None else "is in, gain so far"
        facts.add_row(f"{who.name}, {story.amount(who.deposited)}: {state}", f"{story.amount(who.gain, 2)} more")
    facts.add_row("profit reported", story.amount(story.profit, 2))
    facts.add_row("fees", story.amount(story.fees["worth"], 2))
    facts.add_row(f"keeper: {story.sent} transactions, {len(story.moves)} moves", f"{story.gas:,} gas")
    facts.add_row("keeper's gas cost", f"{story.amount(story.cost, 2)} ({story.cost_wei / 10**18:.4f} ETH)")
    out.print(facts)
    shown = Table(title="what was shown")
    for column in ("", "what", "found"):
        shown.add_column(column)
    for check in story.checks():
        shown.add_row("[green]yes[/green]" if check.ok else "[red]NO[/red]", check.what, check.found)
    out.print(shown)
    out.print(f"{folder / _PAGE} shows it all; its figures are in {folder / _FIGURES}", soft_wrap=True)

"""Make mutants, compile them, set the tests on them, tell which survived.

A mutant counts when it compiles to other code than the original, and is not listed in equivalent.yaml with the reason
why nobody could tell it from the original. What is known is kept in build/mutate by the code that was mutated, so that
a run that was stopped goes on where it was: a mutant stays killed while what killed it is as it was, and a survivor
stays one while all the tests are as they were.
"""

import json
import random
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue

import click
import yaml
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ballast import compiled, replica
from ballast.console import console, emit_json, one_line_errors, out
from ballast.environment import ROOT
from ballast.errors import ConfigurationError
from tools import compiler
from tools.mutate import mutants, rooms
from tools.mutate.killers import Killers, digest

#: the contracts of a vault, and those whose code a file is part of
VAULT = ("Vault", "VaultBooks", "VaultRules", "VaultViews", "Redemptions")
FILES = {
    "contracts/vault/Vault.sol": ("Vault",),
    "contracts/vault/VaultBooks.sol": ("VaultBooks",),
    "contracts/vault/VaultRules.sol": ("VaultRules",),
    "contracts/vault/VaultViews.sol": ("VaultViews",),
    "contracts/vault/VaultState.sol": ("Vault", "VaultBooks", "VaultRules", "VaultViews"),
    "contracts/vault/Redemptions.sol": ("Redemptions", "Vault"),
    "contracts/risk/LossBudget.sol": ("Vault", "VaultBooks", "VaultRules", "VaultViews"),
}
EQUIVALENT = Path(__file__).with_name("equivalent.yaml")
FOLDER = ROOT / "build" / "mutate"
TARGET_PERCENT = 90


def all_mutants(sources: dict[str, str]) -> list[mutants.Mutant]:
    """Return every mutant of FILES, in the order of files and lines."""
    answer = compiler.compile_json(compiler.standard_json(sources, [], ast=True))
    if errors := compiler.errors(answer):
        raise ConfigurationError(f"the contracts do not compile: {errors[0]}")
    return [m for file in FILES for m in mutants.find(file, sources[file], answer["sources"][file]["ast"])]


def code_of(sources: dict[str, str], names: tuple[str, ...] = VAULT) -> dict[str, tuple[str, str]] | None:
    """Return creation and runtime code by contract, without metadata; None when it does not compile."""
    wanted = compiler.standard_json(sources, [])
    # without metadata the code is the same when nothing but the text has changed
    wanted["settings"]["metadata"] = {"appendCBOR": False, "bytecodeHash": "none"}
    outputs = ["evm.bytecode.object", "evm.deployedBytecode.object"]
    wanted["settings"]["outputSelection"] = {f"contracts/vault/{name}.sol": {name: outputs} for name in names}
    answer = compiler.compile_json(wanted)
    if compiler.errors(answer):
        return None
    made = {name: answer["contracts"][f"contracts/vault/{name}.sol"][name]["evm"] for name in names}
    return {name: (evm["bytecode"]["object"], evm["deployedBytecode"]["object"]) for name, evm in made.items()}


class Run:
    """One run over chosen mutants; what is known of each is kept in a file."""

    def __init__(self, workers: int, command: str | None) -> None:
        self.sources = compiler.read([ROOT / file for file in FILES])
        self.whole = code_of(self.sources)
        if self.whole is None:
            raise ConfigurationError("the contracts do not compile: ape compile says why")
        self.killers = Killers(command)
        self.file = FOLDER / f"results-{digest(json.dumps(self.whole, sort_keys=True), command or '')}.json"
        told = json.loads(self.file.read_text()) if self.file.exists() else {}
        self.results: dict[str, dict] = {key: each for key, each in told.items() if self.killers.stands(each)}
        self.rooms = [rooms.Room(number) for number in range(workers)]
        self.free: SimpleQueue = SimpleQueue()
        for room in self.rooms:
            self.free.put(room)

    def check_tests(self) -> None:
        """See the tests pass on the original, compiled as mutants are."""
        note = FOLDER / f"passed-{digest(json.dumps(self.whole, sort_keys=True), self.killers.all)}"
        if note.exists():
            return
        room = self.free.get()
        room.put(self.whole)
        result = self.killers.judge(room, {})
        self.free.put(room)
        rooms.log(FOLDER, "original", result["said"])
        if result["result"] != "survived":
            raise ConfigurationError(f"the tests fail on the original: see {FOLDER.relative_to(ROOT)}/original.txt")
        note.touch()

    def judge(self, mutant: mutants.Mutant) -> None:
        """Find out what becomes of a mutant, unless it is known: no code, same code, killed, survived."""
        if mutant.id in self.results:
            return
        started = time.monotonic()
        names = FILES[mutant.file]
        # no more files than needed: what they import is as it is on the disk
        files = {mutant.file, *(f"contracts/vault/{name}.sol" for name in names)}
        sources = {file: self.sources[file] for file in files} | {mutant.file: mutant.apply(self.sources[mutant.file])}
        code = code_of(sources, names)
        if code is None:
            result = {"result": "no code"}
        elif all(code[name] == self.whole[name] for name in names):
            result = {"result": "same code"}
        else:
            room = self.free.get()
            try:
                room.put(self.whole | code)
                result = self.killers.judge(room, self.results)
            finally:
                self.free.put(room)
            rooms.log(FOLDER / "logs", mutant.id, result.pop("said"))
            if result["result"] == "ended":
                return  # from outside: not judged
        result["seconds"] = round(time.monotonic() - started, 1)
        self.results[mutant.id] = result
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps(self.results, indent=1))

    def end(self) -> None:
        """End what runs in the rooms."""
        for room in self.rooms:
            room.end()


@click.command()
@click.option("--sample", type=int, help="Only so many mutants, drawn at random.")
@click.option("--seed", default=1, show_default=True, help="What the draw begins with.")
@click.option("--file", "files", multiple=True, help="Only mutants of this file; may be said several times.")
@click.option("--workers", default=2, show_default=True, help="How many mutants are tested at a time.")
@click.option("--kill", help="A command of your own that fails on a mutant; {bin}, {room}, {root} are put in.")
@click.option("--list", "listing", is_flag=True, help="List the mutants and test none.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@one_line_errors
def main(
    sample: int | None,
    seed: int,
    files: tuple,
    workers: int,
    kill: str | None,
    listing: bool,
    as_json: bool,
) -> None:
    """Mutate the vault and report which mutants the tests kill; exit code 1 under 90 %."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends what runs in the rooms too
    sources = compiler.read([ROOT / file for file in FILES])
    known = yaml.safe_load(EQUIVALENT.read_text()) or {}
    chosen = [m for m in all_mutants(sources) if not files or m.file in files]
    if sample is not None and sample < len(chosen):
        chosen = random.Random(seed).sample(chosen, sample)
    if listing:
        emit_json([asdict(m) | {"id": m.id} for m in chosen]) if as_json else out.print(_list(chosen))
        return
    compiled.ensure()
    started = replica.ensure_running()
    run = Run(workers, kill)
    try:
        run.check_tests()
        _judge_all(run, chosen, workers)
    finally:
        run.end()
        if started.started:
            replica.stop()
    results = {m.id: run.results.get(m.id, {"result": "not judged"}) for m in chosen}
    survived = [m for m in chosen if results[m.id]["result"] == "survived"]
    survivors = [m for m in survived if m.id not in known]
    killed = [m for m in chosen if results[m.id]["result"] == "killed"]
    wrong = [m.id for m in killed if m.id in known]
    count = len(killed) + len(survivors)
    share = 100 * len(killed) / count if count else 100.0
    counts = {
        kind: sum(results[m.id]["result"] == kind for m in chosen) for kind in ("not judged", "same code", "no code")
    }
    counts |= {"killed": len(killed), "survived": len(survivors), "equivalent": len(survived) - len(survivors)}
    ok = share >= TARGET_PERCENT and not wrong and not counts["not judged"]
    if as_json:
        told = [
            {
                **results[m.id],
                "by_file": results[m.id].get("file"),
                **asdict(m),
                "id": m.id,
                "equivalent": known.get(m.id),
            }
            for m in chosen
        ]
        emit_json({"ok": ok, "killed_percent": share, "counts": counts, "mutants": told}, indent=1)
    else:
        for m in survivors:
            out.print(f"[bold]{m.id}[/] {m.kind}")
            out.print(m.diff(run.sources[m.file]), markup=False, highlight=False)
        console.print(", ".join(f"{number} {kind}" for kind, number in counts.items()), highlight=False)
        console.print(f"{share:.1f} % of the {count} that count were killed (target {TARGET_PERCENT} %)")
        for name in wrong:
            console.print(f"[red]{name} was killed, and is listed in {EQUIVALENT.name}[/]")
    sys.exit(0 if ok else 1)


def _judge_all(run: Run, chosen: list[mutants.Mutant], workers: int) -> None:
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
    alive = 0
    with Progress(*columns, console=console, transient=True) as progress, ThreadPoolExecutor(workers) as pool:
        task = progress.add_task("mutants", total=len(chosen))

        def one(mutant: mutants.Mutant) -> None:
            nonlocal alive
            run.judge(mutant)
            alive += run.results.get(mutant.id, {}).get("result") == "survived"
            progress.update(task, advance=1, description=f"mutants, {alive} live")

        try:
            list(pool.map(one, chosen))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            run.end()
            raise


def _list(chosen: list[mutants.Mutant]) -> Table:
    table = Table("id", "where", "kind", "from", "to")
    for m in chosen:
        table.add_row(m.id, f"{Path(m.file).name}:{m.line}", m.kind, m.old[:50], m.new[:50])
    return table


if __name__ == "__main__":
    main()

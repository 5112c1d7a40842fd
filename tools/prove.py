"""`make prove`: what halmos can prove of the vault's arithmetic, for all numbers within bounds that the rules state.

The rules are in tests/proofs: Solidity over a copy of the contracts (build/prove) in which `private` is `internal`, so
that they reach what they speak of, and Solady's 512-bit division is plain division, which each rule shows to be the
same within its bounds. `--mutants` breaks the code once for each rule and expects that rule to fail.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import yaml
from rich.progress import Progress
from rich.table import Table

from ballast.console import console, emit_json, one_line_errors, out
from ballast.environment import ROOT
from ballast.errors import ConfigurationError
from tools import compiler

RULES = ROOT / "tests" / "proofs" / "rules.yaml"
FOLDER = ROOT / "build" / "prove"
TOOLS = ROOT / ".tools" / "halmos" / "bin"
FORGE = ROOT / "node_modules" / "@foundry-rs" / "forge-linux-amd64" / "bin"
COPIED = ("contracts/vault", "contracts/risk", "interfaces", "tests/proofs")
SOLVER = ROOT / "tools" / "smt.py"
SOLVER_CHECK = ROOT / "tools" / "smt_check.py"
#: for one question to the solver, and for one rule
QUERY_SECONDS = 60
RULE_SECONDS = 170
#: what runs now
RUNNING: set[subprocess.Popen] = set()
#: at a time; each uses one core
WORKERS = 2


@dataclass(frozen=True)
class Change:
    """A change of one file of the copy."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Rule:
    id: str
    says: str
    contract: str
    function: str
    breaks: Change


@dataclass(frozen=True)
class Outcome:
    id: str
    says: str
    #: proven, fails, timeout, error
    result: str
    seconds: float
    #: values of a counterexample
    model: str = ""


def rules() -> list[Rule]:
    """Return the rules of tests/proofs/rules.yaml."""
    return [
        Rule(
            entry["id"],
            entry["says"],
            *entry["rule"].split("."),
            Change(entry["breaks"]["file"], entry["breaks"]["from"], entry["breaks"]["to"]),
        )
        for entry in yaml.safe_load(RULES.read_text())
    ]


def bench(name: str, change: Change | None = None) -> Path:
    """Copy the contracts and the rules to build/prove/`name`, changed by `change`, and compile them.

    Raises
    ------
    ConfigurationError
        The text to change is not there exactly once, or the copy does not compile.
    """
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    for path in (path for room in COPIED for path in sorted((ROOT / room).rglob("*.sol"))):
        place = path.relative_to(ROOT)
        text = path.read_text()
        if change and place.as_posix() == change.file:
            if text.count(change.old) != 1:
                raise ConfigurationError(f"{change.file} has {change.old!r} {text.count(change.old)} times, not once")
            text = text.replace(change.old, change.new)
        if place.parts[0] == "contracts":
            text = re.sub(r"\bprivate\b", "internal", text)
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    settings = compiler.settings()
    (folder / "foundry.toml").write_text(
        f"""[profile.default]
src = "tests/proofs"
libs = []
solc = "{compiler.binary()}"
offline = true
evm_version = "{settings["evm_version"]}"
optimizer = true
optimizer_runs = {settings["optimization_runs"]}
remappings = [
    "@openzeppelin/contracts/=node_modules/@openzeppelin/contracts/",
    "solady/=node_modules/solady/src/",
    "solady/utils/FixedPointMathLib.sol=tests/proofs/plain/utils/FixedPointMathLib.sol",
]
"""
    )
    command = ["forge", "build", "--ast", "--extra-output", "storageLayout", "metadata", "--root", folder]
    try:
        done = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise ConfigurationError("forge is missing: on this platform install Foundry and put it on the PATH") from None
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if "rror" in line] or ["no output"]
        raise ConfigurationError(f"the rules do not compile: {lines[0][:200]}")
    return folder


def _environment() -> dict:
    # halmos calls `forge` by name, and makes itself a folder at home
    return os.environ | {"PATH": f"{FORGE}{os.pathsep}{os.environ['PATH']}", "HOME": str(FOLDER)}


def _end(running: subprocess.Popen) -> None:
    """End halmos and its solvers, if they have not ended."""
    RUNNING.discard(running)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    running.wait()


def prove(rule: Rule, folder: Path, *options: str) -> Outcome:
    """Run halmos, with `options`, on one rule over what `bench` made."""
    answer = folder / f"{rule.id}.json"
    command = [TOOLS / "halmos", "--root", folder, "--contract", rule.contract, "--match-test", f"^{rule.function}\\b"]
    command += ["--solver-command", f"{TOOLS / 'python'} {SOLVER} {QUERY_SECONDS}"]
    command += ["--solver-timeout-assertion", f"{QUERY_SECONDS}s", "--solver-threads", "1", "--no-status"]
    command += ["--json-output", answer, *options]
    started = time.monotonic()
    # a group of its own, so that its solvers end with it
    running = subprocess.Popen(
        command, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    RUNNING.add(running)
    try:
        said, _ = running.communicate(timeout=RULE_SECONDS)
    except subprocess.TimeoutExpired:
        return Outcome(rule.id, rule.says, "timeout", time.monotonic() - started)
    finally:
        _end(running)
    result = "error"
    if answer.exists():
        tests = [test for found in json.loads(answer.read_text())["test_results"].values() for test in found]
        # 0 passed, 1 counterexample, 2 timeout; see halmos.__main__
        result = {0: "proven", 1: "fails", 2: "timeout"}.get(tests[0]["exitcode"], "error") if tests else "error"
    values = re.findall(r"p_(\w+?)_[a-z]+\d+_\w+ = (0x\w+)", said)
    model = " ".join(f"{name}={int(value, 16)}" for name, value in dict(values).items())
    if result == "error":
        model = (said.strip().splitlines() or ["no output"])[-1][:160]
    return Outcome(rule.id, rule.says, result, time.monotonic() - started, model)


@click.command()
@click.option("--rule", "chosen", multiple=True, help="Only the rule of this id; may be said several times.")
@click.option("--mutants", is_flag=True, help="Break the code for each rule and expect it to fail.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcomes as JSON.")
@one_line_errors
def main(chosen: tuple[str, ...], mutants: bool, as_json: bool) -> None:
    """Prove the rules of tests/proofs; exit code 1 when one is not proven (with --mutants: when one does not fail)."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends halmos too
    found = [rule for rule in rules() if not chosen or rule.id in chosen]
    unknown = set(chosen) - {rule.id for rule in found}
    if unknown:
        raise ConfigurationError(f"no rule is called {', '.join(sorted(unknown))}; see {RULES.name}")
    if not (TOOLS / "halmos").exists():
        raise ConfigurationError("halmos is not installed: make prove installs and runs it")
    checked = subprocess.run([TOOLS / "python", SOLVER_CHECK], capture_output=True, text=True, check=False)
    if checked.returncode:
        raise ConfigurationError(f"the solver cannot be relied on: {checked.stderr.strip()[-300:]}")
    wanted = "fails" if mutants else "proven"
    whole = None if mutants else bench("whole")
    with Progress(console=console, transient=True) as progress, ThreadPoolExecutor(WORKERS) as pool:
        task = progress.add_task("halmos", total=len(found))

        def one(rule: Rule) -> Outcome:
            outcome = prove(rule, whole) if whole else prove(rule, bench(rule.id, rule.breaks), "--early-exit")
            progress.advance(task)
            if not as_json:
                console.print(f"{outcome.id}: {outcome.result} in {outcome.seconds:.0f} s", highlight=False)
            return outcome

        try:
            outcomes = list(pool.map(one, found))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for running in list(RUNNING):
                _end(running)
            raise
    good = [outcome.result == wanted for outcome in outcomes]
    if as_json:
        emit_json({"ok": all(good), "wanted": wanted, "rules": [asdict(o) for o in outcomes]}, indent=1)
    else:
        out.print(_table(outcomes))
        console.print(f"{sum(good)} of {len(good)} rules: {wanted}{' under their mutants' if mutants else ''}")
    sys.exit(0 if all(good) else 1)


def _table(outcomes: list[Outcome]) -> Table:
    table = Table("rule", "says", "result", "seconds", "counterexample")
    for o in outcomes:
        table.add_row(o.id, o.says, o.result, f"{o.seconds:.1f}", o.model)
    return table


if __name__ == "__main__":
    main()

"""Checked steps a second: the vault machine on revm with one worker and two, on anvil, and its handlers in forge."""

import os
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from ballast.environment import ROOT
from ballast.fuzz import build as builds
from ballast.fuzz.campaign import LENGTH, campaign
from ballast.fuzz.chain import FuzzError
from ballast.fuzz.machine import Tally, run
from ballast.fuzz.node import Anvil
from ballast.fuzz.targets import Target, machine_class
from ballast.fuzz.through_ape import ThroughApe
from ballast.network import connected
from ballast.replica.node import Node

FORGE = ROOT / "node_modules" / "@foundry-rs" / "forge-linux-amd64" / "bin" / "forge"
_CONFIG = Path(__file__).parent / "forge" / "foundry.toml"
#: runs of the first, short call of forge, from which the length of the second follows
_TRIAL = 10


@dataclass(frozen=True)
class Speed:
    """One way to run the machine, and what it did."""

    name: str
    steps: int
    seconds: float

    @property
    def rate(self) -> float:
        """Checked steps a second."""
        return self.steps / self.seconds


def measure(target: Target, *, seconds: float, seed: int, progress: Callable[[str], None]) -> list[Speed]:
    """Measure all, one after the other, each for about so many seconds."""
    found = []
    for workers in (1, 2):
        progress(f"revm, {workers} worker{'s' * (workers > 1)}")
        result = campaign(target, seed=seed, workers=workers, minutes=seconds / 60)
        if result.violations:
            raise FuzzError(f"the machine breaks {next(iter(result.violations))}: `ape run fuzz campaign` tells more")
        found.append(Speed(f"ours on revm, {workers} worker{'s' * (workers > 1)}", *result.steady()))
    progress("anvil")
    with Node.temporary(["--block-base-fee-per-gas", "0"]) as node:
        found.append(_on_anvil("plain JSON-RPC", Anvil(node.rpc), target, seconds, seed))
    progress("anvil, through Ape")
    with connected("ethereum:local:foundry") as provider:
        found.append(_on_anvil("through Ape", ThroughApe(provider), target, seconds, seed))
    for workers in (1, 2):
        progress(f"forge, {workers} core{'s' * (workers > 1)}")
        found.append(_forge(workers, seconds))
    return found


def _on_anvil(how: str, chain: Anvil, target: Target, seconds: float, seed: int) -> Speed:
    machine = machine_class(target.machine)(chain, builds.load())
    tally, number = Tally(), 0
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        run(machine, Random(f"{seed}/{number}"), LENGTH, tally)
        number += 1
    return Speed(f"ours on anvil, {how}", tally.steps, time.perf_counter() - started)


def _forge(cores: int, seconds: float) -> Speed:
    if not FORGE.exists():
        raise FuzzError("forge is not in node_modules: run `make setup`")
    trial = _forge_once(cores, _TRIAL)
    steps, spent = _forge_once(cores, max(_TRIAL, int(_TRIAL * seconds / trial[1])))
    return Speed(f"forge invariant test, {cores} core{'s' * (cores > 1)}", steps, spent)


def _forge_once(cores: int, runs: int) -> tuple[int, float]:
    compiler = Path(os.environ["SOLCX_BINARY_PATH"]) / "solc-v0.8.34"
    environment = {
        **os.environ,
        "FOUNDRY_CONFIG": str(_CONFIG),
        "FOUNDRY_SOLC": str(compiler),
        "FOUNDRY_INVARIANT_RUNS": str(runs),
    }
    command = [
        FORGE,
        "test",
        "--root",
        str(ROOT),
        "--threads",
        str(cores),
        "--match-contract",
        "VaultInvariant" + ("$" if cores == 1 else ""),
    ]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    calls = [int(each) for each in re.findall(r"\[PASS\].*calls: (\d+)", done.stdout)]
    spent = re.findall(r"test suites? in ([\d.]+)(ms|s) ", done.stdout)
    if done.returncode or len(calls) != cores or not spent:
        said = next((line for line in done.stdout.splitlines() if "FAIL" in line), done.stderr.strip()[-200:])
        raise FuzzError(f"forge: {said}")
    return sum(calls), float(spent[0][0]) * (0.001 if spent[0][1] == "ms" else 1)

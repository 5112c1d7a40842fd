"""`make slither`: static analysis of the contracts.

Fails on a finding without a reason, and on a reason without a finding. Reasons are in tools/slither.yaml. A finding is
known by its check and the contract and function it is in, never by a line, with the number of statements it is about:
one more in the same function is a new finding. Slither runs when the sources or slither itself have changed; what it
found is kept in build/slither, and held against the reasons each time.
"""

import hashlib
import json
import re
import subprocess
import sys
from collections import defaultdict
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import click
import yaml
from rich.table import Table

from ballast.console import console, emit_json, one_line_errors, out
from ballast.environment import ROOT
from ballast.errors import ConfigurationError
from tools import compiler

REASONS = ROOT / "tools" / "slither.yaml"
LOCK = ROOT / "tools" / "slither.lock"
BINARY = ROOT / ".tools" / "slither" / "bin" / "slither"
CACHE = ROOT / "build" / "slither"
#: never deployed for real
LEFT_OUT = {"standins"}
SECONDS = 300


@dataclass(frozen=True)
class Group:
    """Findings of one check in one place."""

    check: str
    where: str
    impact: str
    #: how many statements (or uses) it is about
    count: int
    #: the first of them, as slither says it
    text: str


@dataclass(frozen=True)
class Verdict:
    """A group held against its reason; exactly one of the problems, or none."""

    check: str
    where: str
    impact: str
    found: int
    accepted: int
    reason: str
    text: str

    @property
    def problem(self) -> str:
        if self.found and not self.accepted:
            return "no reason"
        if self.accepted and not self.found:
            return "not found any more"
        return "" if self.found == self.accepted else f"{self.found} found, {self.accepted} accepted"


def group(detectors: list[dict]) -> list[Group]:
    """Return slither's findings by check and place, paths that lead to the same statement counted once."""
    statements = defaultdict(set)
    first = {}
    for finding in detectors:
        key = finding["check"], _where(finding["elements"][0])
        statements[key].add(next((e["name"] for e in finding["elements"] if e["type"] == "node"), ""))
        first.setdefault(key, finding)
    return [
        Group(*key, first[key]["impact"], len(statements[key]), _sentence(first[key]["description"]))
        for key in sorted(statements)
    ]


def _where(element: dict) -> str:
    """Return the place of an element, from contract to function to variable: `Vault.redeem.cost`."""
    names = []
    node: dict | None = element
    while node:
        # a statement has no name of its own that would last
        if node["type"] != "node":
            names.append(node["name"])
        node = node.get("type_specific_fields", {}).get("parent")
    return ".".join(reversed(names))


def _sentence(description: str) -> str:
    return re.sub(r"\s*\([^()]*\.sol#[\d-]+\)", "", description).strip().splitlines()[0]


def reasons(text: str) -> dict[tuple[str, str], tuple[int, str]]:
    """Read tools/slither.yaml: (check, place) -> how many statements are accepted, and why.

    Raises
    ------
    ConfigurationError
        An entry is incomplete, or says the same place twice.
    """
    found = {}
    for number, entry in enumerate(yaml.safe_load(text) or [], 1):
        if set(entry) != {"check", "where", "reason"} or not entry["where"] or not str(entry["reason"]).strip():
            raise ConfigurationError(f"entry {number} of {REASONS.name} must have check, where and reason")
        for place in entry["where"]:
            where, _, count = place.partition(" x")
            key = entry["check"], where
            if key in found:
                raise ConfigurationError(f"{REASONS.name} has {key[0]} at {where} twice")
            found[key] = int(count or 1), " ".join(entry["reason"].split())
    return found


def judge(groups: list[Group], accepted: dict[tuple[str, str], tuple[int, str]]) -> list[Verdict]:
    """Hold every group against its reason, and every reason against what was found."""
    left = dict(accepted)
    verdicts = []
    for g in groups:
        key = next((k for k in accepted if k[0] == g.check and fnmatchcase(g.where, k[1])), None)
        count, reason = accepted.get(key, (0, ""))
        left.pop(key, None)
        if "*" in (key or ("", ""))[1]:
            count = g.count
        verdicts.append(Verdict(g.check, g.where, g.impact, g.count, count, reason, g.text))
    gone = [Verdict(*key, "", 0, count, reason, "") for key, (count, reason) in left.items()]
    return verdicts + gone


def analyse() -> tuple[list[dict], bool]:
    """Return slither's findings, and whether they were kept from a run over the same sources.

    Raises
    ------
    ConfigurationError
        Slither is not installed, or did not finish.
    """
    paths = [p for p in sorted((ROOT / "contracts").rglob("*.sol")) if LEFT_OUT.isdisjoint(p.parts)]
    imported = sorted((ROOT / "interfaces").rglob("*.sol"))
    outputs = ["abi", "metadata", "devdoc", "userdoc", "evm.bytecode", "evm.deployedBytecode"]
    wanted = json.dumps(compiler.standard_json(compiler.read(paths), outputs, ast=True))
    digest = hashlib.sha256(wanted.encode() + LOCK.read_bytes() + json.dumps(compiler.read(imported)).encode())
    digest.update((ROOT / "package-lock.json").read_bytes())
    kept = CACHE / f"{digest.hexdigest()[:16]}.json"
    if kept.exists():
        return json.loads(kept.read_text()), True
    CACHE.mkdir(parents=True, exist_ok=True)
    for old in CACHE.glob("*.json"):
        old.unlink()
    source, answer = CACHE / "input.json", CACHE / "answer.json"
    source.write_text(wanted)
    _run(source, answer)
    findings = json.loads(answer.read_text())
    if not findings.get("success"):
        raise ConfigurationError(f"slither failed: {findings.get('error')}")
    answer.unlink()
    source.unlink()
    kept.write_text(json.dumps(findings["results"].get("detectors", [])))
    return json.loads(kept.read_text()), False


def _run(source: Path, answer: Path) -> None:
    if not BINARY.exists():
        raise ConfigurationError("slither is not installed: make slither installs and runs it")
    command = [BINARY, source, "--compile-force-framework", "solc-json", "--solc", compiler.binary()]
    command += ["--filter-paths", "node_modules", "--disable-color", "--json", answer]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise ConfigurationError(f"slither did not finish in {SECONDS} s") from None
    if not answer.exists():
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no output"]
        raise ConfigurationError(f"slither failed: {lines[-1][:200]}")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option("--all", "everything", is_flag=True, help="Show the accepted findings too, with their reasons.")
@one_line_errors
def main(as_json: bool, everything: bool) -> None:
    """Analyse the contracts with slither; exit code 1 when a finding has no reason or a reason no finding."""
    with console.status("slither reads the contracts"):
        findings, was_kept = analyse()
    verdicts = judge(group(findings), reasons(REASONS.read_text()))
    bad = [verdict for verdict in verdicts if verdict.problem]
    if as_json:
        emit_json({"ok": not bad, "findings": [asdict(v) | {"problem": v.problem} for v in verdicts]}, indent=1)
    elif bad or everything:
        out.print(_table(verdicts if everything else bad))
    if not as_json:
        accepted = len(verdicts) - len(bad)
        state = "sources as at the last run" if was_kept else f"{len(findings)} findings"
        console.print(f"slither: {accepted} places accepted with a reason, {len(bad)} to settle ({state})")
    sys.exit(1 if bad else 0)


def _table(verdicts: list[Verdict]) -> Table:
    table = Table("impact", "check", "where", "problem", "slither says, or why it is accepted")
    order = ["High", "Medium", "Low", "Informational", "Optimization", ""]
    for v in sorted(verdicts, key=lambda v: (order.index(v.impact), v.check, v.where)):
        table.add_row(v.impact, v.check, v.where, v.problem, v.text if v.problem else v.reason)
    return table


if __name__ == "__main__":
    main()

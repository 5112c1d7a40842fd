"""A counterexample as an Ape test: written to a file, read from it, replayed on anvil or on revm."""

import ast
import json
import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from ballast.environment import ROOT
from ballast.fuzz import build as builds
from ballast.fuzz.chain import Chain, FuzzError
from ballast.fuzz.machine import Step, Violation, replay
from ballast.fuzz.node import Anvil
from ballast.fuzz.targets import machine_class
from ballast.replica.rpc import Rpc

#: line length of the project
_WIDTH = 120
FOLDER = ROOT / "tests" / "regressions"
_TEMPLATE = '''"""{sentence}

Found by `{found_by}`.
"""

from ballast.fuzz.regression import holds_on

MACHINE = "{machine}"
STEPS = {steps}


def test_{machine}__{name}(chain):
    holds_on(chain.provider.http_uri, MACHINE, STEPS)
'''


def write(machine: str, violation: Violation, found_by: str, folder: Path = FOLDER) -> Path:
    """Write a violation's run as a test; return the file."""
    steps = [tuple(step) for step in violation.steps]
    mark = sha256(repr(steps).encode()).hexdigest()[:6]
    name = re.sub(r"\W+", "_", violation.property).lower()
    path = folder / f"test_{machine}_{name}_{mark}.py"
    folder.mkdir(parents=True, exist_ok=True)
    sentence = violation.message.replace('"', "'").replace("\\", "\\\\")
    text = _TEMPLATE.format(
        sentence="\n".join(_wrapped(sentence)),
        found_by=found_by,
        machine=machine,
        steps=_laid_out(steps, len("STEPS = ") - 1),  # no comma follows
        name=f"{name}_{mark}",
    )
    path.write_text(text)
    return path


def read(path: Path) -> tuple[str, list[Step]]:
    """Read a test's machine and steps, without running it."""
    try:
        tree = ast.parse(path.read_text())
    except (OSError, SyntaxError) as error:
        raise FuzzError(f"{path}: cannot be read as a regression test") from error
    found: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue  # not one of ours
    if "MACHINE" not in found or "STEPS" not in found:
        raise FuzzError(f"{path}: a regression test says MACHINE and STEPS")
    return found["MACHINE"], [Step(rule, arguments) for rule, arguments in found["STEPS"]]


def replay_on(chain: Chain, machine: str, steps: Sequence[Sequence[Any]]) -> Violation | None:
    """Replay steps on any chain; return the violation they end in, if they still do."""
    with chain.isolated():
        made = machine_class(machine)(chain, builds.load())
        return replay(made, [Step(rule, dict(arguments)) for rule, arguments in steps])


def holds_on(url: str, machine: str, steps: Sequence[Sequence[Any]]) -> None:
    """Replay steps on the anvil at `url`; fail when a property does not hold, or a call reverts that must not."""
    rpc = Rpc(url)
    chain = Anvil(rpc)
    try:
        found = replay_on(chain, machine, steps)
    finally:
        chain.close()
        rpc.close()
    assert found is None, f"{found.message}, after step {len(found.steps)} of {len(steps)}"


def _laid_out(value: Any, column: int, indent: int = 0) -> str:
    """Return a value's source as `ruff format` leaves it: in one line where it fits, else a line for each of its parts.

    Parameters
    ----------
    column : where in its line the value begins; a comma follows it
    indent : of that line
    """
    flat = _flat(value)
    if column + len(flat) + 1 <= _WIDTH or not isinstance(value, dict | list | tuple):
        return flat
    inner = indent + 4
    lines = [f"{' ' * inner}{name}{_laid_out(each, inner + len(name), inner)},\n" for name, each in _parts(value)]
    return f"{flat[0]}\n{''.join(lines)}{' ' * indent}{flat[-1]}"


def _flat(value: Any) -> str:
    if not isinstance(value, dict | list | tuple):
        return json.dumps(value) if isinstance(value, str) else repr(value)
    told = ", ".join(name + _flat(each) for name, each in _parts(value))
    begin, end = "{}" if isinstance(value, dict) else "[]" if isinstance(value, list) else "()"
    return begin + told + end


def _parts(value: Any) -> list[tuple[str, Any]]:
    """Return what a collection holds, each with what stands before it."""
    if isinstance(value, dict):
        return [(f"{json.dumps(name)}: ", each) for name, each in value.items()]
    return [("", each) for each in value]


def _wrapped(text: str, width: int = 115) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines

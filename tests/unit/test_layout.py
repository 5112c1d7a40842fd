"""Imports point one way: a room may use only the rooms below it."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: Solidity room -> rooms it may import besides itself, interfaces and libraries in node_modules
SOLIDITY = {
    "vault": {"risk"},
    "strategies": {"risk"},
    "venues": {"risk"},
    "risk": set(),
    "governance": set(),
    "standins": {"risk"},
}
#: Python rooms that may import nothing of ours but these
PYTHON = {
    "errors": set(),
    "environment": set(),
    "units": {"errors"},
    "mainnet": {"errors"},
    "console": {"errors"},
}


def solidity_imports():
    for path in sorted((ROOT / "contracts").rglob("*.sol")):
        for target in re.findall(r'from "([^"]+)"', path.read_text()):
            yield pytest.param(path, target, id=f"{path.stem}-{Path(target).stem}")


@pytest.mark.parametrize(("path", "target"), solidity_imports())
def test_solidity__imports_only_rooms_below(path, target):
    room = path.relative_to(ROOT / "contracts").parts[0]
    if not target.startswith("."):
        # solmate is there to be measured against: nothing that is deployed may hold its code
        assert target.split("/")[0] in {"@openzeppelin", "solady"} | ({"solmate"} if room == "standins" else set())
        return
    resolved = (path.parent / target).resolve().relative_to(ROOT)
    if resolved.parts[0] == "interfaces":
        return
    assert resolved.parts[0] == "contracts"
    assert resolved.parts[1] in SOLIDITY[room] | {room}


@pytest.mark.parametrize("path", sorted((ROOT / "contracts").rglob("*.sol")), ids=lambda path: path.stem)
def test_solidity__has_a_licence_and_says_who_it_is(path):
    text = path.read_text()
    assert text.startswith("// SPDX-License-Identifier: MIT\n")
    assert "/// @title" in text


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


@pytest.mark.parametrize("room", PYTHON)
def test_python__ground_rooms_import_nothing_above(room):
    path = ROOT / "ballast" / f"{room}.py"
    if not path.exists():
        pytest.skip(f"there is no {path.name}")
    ours = {name.split(".")[1] for name in imported(path) if name.startswith("ballast.")}
    assert ours <= PYTHON[room]


def test_python__the_package_never_imports_scripts_or_tests():
    for path in (ROOT / "ballast").rglob("*.py"):
        assert not {name.split(".")[0] for name in imported(path)} & {"scripts", "tests", "bots"}, path


def test_scripts__hold_no_logic():
    """Thin commands over the package: no file grows past what parsing and printing need."""
    for path in (ROOT / "scripts").rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 150, f"{path.name} holds more than parsing and printing"

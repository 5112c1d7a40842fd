"""The project's contracts compiled beside Ape's build: with a patch, or with the maps that coverage needs."""

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from ballast.environment import ROOT, TOOLS
from ballast.fuzz.chain import FuzzError

_IMPORT = re.compile(r'^\s*import\s+(?:[^"\';]*?from\s+)?["\']([^"\']+)["\']', re.MULTILINE)
_KEPT = TOOLS / "fuzz"


@cache
def _settings() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "ape-config.yaml").read_text())["solidity"]


def sources_of(paths: Iterable[str], patched: Mapping[str, str]) -> dict[str, str]:
    """Return the text of these files and of all they import, by the names that the compiler knows them by."""
    remappings = dict(entry.split("=") for entry in _settings()["import_remapping"])
    found: dict[str, str] = {}
    open_paths = list(paths)
    while open_paths:
        path = open_paths.pop()
        if path in found:
            continue
        found[path] = patched.get(path) or (ROOT / path).read_text()
        for target in _IMPORT.findall(found[path]):
            prefix = next((each for each in remappings if target.startswith(each)), None)
            if prefix:
                open_paths.append(remappings[prefix] + target.removeprefix(prefix))
            else:
                joined = os.path.normpath(PurePosixPath(path).parent / target)
                open_paths.append(Path(joined).as_posix())
    return found


def compile_all(
    paths: Iterable[str], patched: Mapping[str, str], output: Iterable[str], *, ast: bool = False
) -> dict[str, Any]:
    """Compile as Ape does; return solc's answer, with syntax trees if asked. Kept by a hash of all that went in."""
    settings = _settings()
    request = {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in sorted(sources_of(paths, patched).items())},
        "settings": {
            "optimizer": {"enabled": settings["optimize"], "runs": settings["optimization_runs"]},
            "evmVersion": settings["evm_version"],
            "remappings": settings["import_remapping"],
            "outputSelection": {"*": {"*": list(output)} | ({"": ["ast"]} if ast else {})},
        },
    }
    version = settings["version"]
    text = json.dumps(request, sort_keys=True)
    kept = _KEPT / f"{hashlib.sha256((version + text).encode()).hexdigest()[:32]}.json"
    if kept.exists():
        return json.loads(kept.read_text())
    compiler = Path(os.environ["SOLCX_BINARY_PATH"]) / f"solc-v{version}"
    if not compiler.exists():
        raise FuzzError(f"solc {version} is not in {compiler.parent.name}: run `python3 tools/setup.py`")
    done = subprocess.run(
        [compiler, "--standard-json"], input=text, cwd=ROOT, capture_output=True, text=True, check=False
    )
    answer = json.loads(done.stdout or "{}")
    errors = [each["formattedMessage"] for each in answer.get("errors", []) if each["severity"] == "error"]
    if errors or "contracts" not in answer:
        said = errors[0] if errors else done.stderr
        raise FuzzError(f"solc {version}: {' '.join(said.split())[:300]}")
    _KEPT.mkdir(parents=True, exist_ok=True)
    partial = kept.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps(answer))
    partial.replace(kept)
    return answer


def compile_patched(patched: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Return the creation code of the vault's contracts `names`, with some of their files patched."""
    paths = [f"contracts/vault/{name}.sol" for name in names]
    answer = compile_all(paths, patched, ["evm.bytecode.object"])
    return {
        name: contract["evm"]["bytecode"]["object"]
        for contracts in answer["contracts"].values()
        for name, contract in contracts.items()
        if name in names
    }

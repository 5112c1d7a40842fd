"""Contract code for the replica: read from packages, linked, or compiled from the stand-ins and Morpho's source."""

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ballast.environment import ROOT, TOOLS
from ballast.errors import ReplicaError
from ballast.replica import manifest
from ballast.replica.packages import Package

VENDORED = Path(__file__).parent / "vendored"
STANDINS = "contracts/standins"
COMPILED = TOOLS / "replica" / "compiled"
_PLACEHOLDER = re.compile(r"__\$[0-9a-f]{34}\$__|__.{38}")


@dataclass(frozen=True)
class Artifact:
    """Creation code (hex without 0x, may hold library placeholders) of one contract."""

    name: str
    code: str
    links: Mapping[str, tuple[int, ...]]

    def linked(self, libraries: Mapping[str, str]) -> bytes:
        """Return the creation code with every library placeholder replaced by its address."""
        code = self.code
        for library, starts in self.links.items():
            if library not in libraries:
                raise ReplicaError(f"manifest: {self.name} needs a link to library {library}")
            for start in starts:
                code = code[: 2 * start] + libraries[library][2:].lower() + code[2 * start + 40 :]
        if _PLACEHOLDER.search(code):
            raise ReplicaError(f"manifest: {self.name} has a library placeholder that its artifact does not name")
        return bytes.fromhex(code)


def from_package(package: Package, path: str) -> Artifact:
    """Read an artifact in any of the shapes that Truffle, Waffle, Hardhat, Foundry and 0x's compiler write."""
    data = package.read_json(path)
    if "transaction" in data:  # a pre-signed deployment
        return Artifact(Path(path).stem, data["transaction"].removeprefix("0x"), {})
    code: Any = data.get("bytecode")
    references = data.get("linkReferences")
    if code is None:
        code = data.get("compilerOutput", {}).get("evm", {}).get("bytecode")
    if isinstance(code, dict):
        references = code.get("linkReferences")
        code = code.get("object")
    if not code:
        raise ReplicaError(f"package {package.name} {package.version}: {path} holds no creation code")
    links = {
        library: tuple(place["start"] for place in places)
        for libraries in (references or {}).values()
        for library, places in libraries.items()
    }
    return Artifact(Path(path).stem, code.removeprefix("0x"), links)


def vendored(name: str) -> bytes:
    """Return the runtime code kept in vendored/."""
    return bytes.fromhex("".join((VENDORED / name).read_text().split()))


def standin_sources() -> dict[str, str]:
    """Return path (from the repository's root) and text of the stand-ins that the manifest names."""
    names = sorted({row["standin"] for row in manifest.load()["contracts"] if "standin" in row})
    return {f"{STANDINS}/{name}.sol": (ROOT / STANDINS / f"{name}.sol").read_text() for name in names}


@cache
def compile_standins() -> dict[str, Artifact]:
    """Compile the replica's stand-ins with the project's compiler and settings."""
    optimizer = {"enabled": True, "runs": 200}
    settings = {"optimizer": optimizer, "evmVersion": "cancun", "metadata": {"bytecodeHash": "none"}}
    return compile_sources("0.8.34", standin_sources(), settings)


def compile_package(package: Package, spec: Mapping[str, Any]) -> dict[str, Artifact]:
    """Compile a package's sources with the settings given in the manifest; slow, so the result is kept."""
    return compile_sources(spec["solc"], dict(package.sources(spec["folder"])), spec["settings"], target=spec["file"])


def compile_sources(
    version: str, sources: Mapping[str, str], settings: Mapping[str, Any], *, target: str | None = None
) -> dict[str, Artifact]:
    """Compile `sources` with solc `version`; results are kept by a hash of everything that went in.

    Parameters
    ----------
    version : solc version, found in the folder that py-solc-x uses
    sources : path to text
    settings : solc's settings, without `outputSelection`
    target : path of the only file whose code is wanted; all of them when None
    """
    output = {target or "*": {"*": ["evm.bytecode.object", "evm.bytecode.linkReferences"]}}
    request = {
        "language": "Solidity",
        "sources": {path: {"content": text} for path, text in sources.items()},
        "settings": {**settings, "outputSelection": output},
    }
    text = json.dumps(request, sort_keys=True)
    kept = COMPILED / f"{hashlib.sha256((version + text).encode()).hexdigest()[:32]}.json"
    if not kept.exists():
        compiler = Path(os.environ["SOLCX_BINARY_PATH"]) / f"solc-v{version}"
        if not compiler.exists():
            raise ReplicaError(f"solc {version} is not in {compiler.parent}: run `python3 tools/setup.py`")
        done = subprocess.run(
            [str(compiler), "--standard-json"], input=text, cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ReplicaError(f"solc {version} failed: {(done.stderr.strip() or 'no output').splitlines()[-1][:200]}")
        answer = json.loads(done.stdout)
        errors = [error["formattedMessage"] for error in answer.get("errors", []) if error["severity"] == "error"]
        if errors:
            raise ReplicaError(f"solc {version}: {' '.join(errors[0].split())[:300]}")
        found = {
            name: contract["evm"]["bytecode"]
            for contracts in answer["contracts"].values()
            for name, contract in contracts.items()
            if contract["evm"]["bytecode"]["object"]
        }
        COMPILED.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps(found, sort_keys=True))
        partial.replace(kept)
    return {
        name: Artifact(
            name,
            code["object"],
            {
                library: tuple(place["start"] for place in places)
                for libraries in code["linkReferences"].values()
                for library, places in libraries.items()
            },
        )
        for name, code in json.loads(kept.read_text()).items()
    }

"""The vault with a defence taken out: lines of its sources changed, compiled anew, to see an attack succeed."""

import hashlib
import json
import os
import subprocess
from dataclasses import dataclass
from functools import cache

import yaml
from ape.contracts import ContractContainer
from ethpm_types import Bytecode

from ballast.environment import ROOT
from ballast.errors import ConfigurationError

VAULT, BOOKS, RULES, STATE = (f"contracts/vault/Vault{name}.sol" for name in ("", "Books", "Rules", "State"))
LOSS_BUDGET, PROBE, ROLES = (f"contracts/risk/{name}.sol" for name in ("LossBudget", "Probe", "Roles"))

CACHE = ROOT / "build" / "weakened"
#: a file of the vault alone changes its own code, any other file all three
CODE = {"Vault": VAULT, "VaultBooks": BOOKS, "VaultRules": RULES}


@dataclass(frozen=True)
class Patch:
    """Text that stands exactly once in a source, and what is put in its place."""

    file: str
    old: str
    new: str = ""


def bytecodes(*patches: Patch) -> dict[str, str]:
    """Compile the vault's contracts that `patches` change.

    Returns
    -------
    dict
        Creation code by contract name.

    Raises
    ------
    ConfigurationError
        A patch does not fit the sources, or what it makes of them does not compile.
    """
    sources = {**_sources()}
    for patch in patches:
        found = sources[patch.file].count(patch.old)
        if found != 1:
            raise ConfigurationError(f"the text to patch stands {found} times in {patch.file}, not once: {patch.old!r}")
        sources[patch.file] = sources[patch.file].replace(patch.old, patch.new)
    changed = {patch.file for patch in patches}
    names = sorted(name for name, file in CODE.items() if file in changed or changed - set(CODE.values()))
    order = {
        "language": "Solidity",
        "sources": {path: {"content": text} for path, text in sources.items()},
        "settings": {**_settings()[1], "outputSelection": {CODE[n]: {n: ["evm.bytecode.object"]} for n in names}},
    }
    return _compile(json.dumps(order, sort_keys=True))


def containers(project, *patches: Patch) -> dict[str, ContractContainer]:
    """Return the patched contracts, ready to be deployed through Ape; those that no patch changes are left out."""
    return {
        name: ContractContainer(
            project.get_contract(name).contract_type.model_copy(
                update={"deployment_bytecode": Bytecode(bytecode=f"0x{code}")}
            )
        )
        for name, code in bytecodes(*patches).items()
    }


@cache
def _sources() -> dict[str, str]:
    """Return our own sources; those of libraries the compiler finds itself."""
    folders = ("contracts/vault", "contracts/risk", "interfaces")
    paths = [path for folder in folders for path in sorted((ROOT / folder).glob("*.sol"))]
    return {path.relative_to(ROOT).as_posix(): path.read_text() for path in paths}


@cache
def _settings() -> tuple[str, dict]:
    """Return compiler and settings as the project has them."""
    ours = yaml.safe_load((ROOT / "ape-config.yaml").read_text())["solidity"]
    return f"solc-v{ours['version']}", {
        "evmVersion": ours["evm_version"],
        "optimizer": {"enabled": ours["optimize"], "runs": ours["optimization_runs"]},
        "remappings": ours["import_remapping"],
    }


def _compile(order: str) -> dict[str, str]:
    compiler, _ = _settings()
    lock = (ROOT / "package-lock.json").read_bytes()  # what the libraries are
    file = CACHE / f"{hashlib.sha256(compiler.encode() + lock + order.encode()).hexdigest()}.json"
    if not file.exists():
        command = [ROOT / ".tools" / "solcx" / compiler, "--standard-json", "--base-path", ROOT]
        answer = json.loads(subprocess.run(command, input=order, capture_output=True, text=True, check=True).stdout)
        errors = [error["formattedMessage"] for error in answer.get("errors", []) if error["severity"] == "error"]
        if errors:
            raise ConfigurationError(f"the patched vault does not compile: {errors[0]}")
        made = {
            name: one["evm"]["bytecode"]["object"]
            for all_ in answer["contracts"].values()
            for name, one in all_.items()
        }
        CACHE.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(f".{os.getpid()}")  # two workers may make the same
        part.write_text(json.dumps(made))
        part.replace(file)
    return json.loads(file.read_text())

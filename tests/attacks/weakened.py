"""Vault and strategies with a switch for each of their defences: one copy for all, for compiling takes time."""

import fcntl
import hashlib
import json
import os
import subprocess
from functools import cache
from pathlib import Path

import yaml
from ape.contracts import ContractContainer
from ethpm_types import Bytecode

from ballast.environment import ROOT
from ballast.errors import ConfigurationError
from ballast.fuzz.build import Build
from ballast.fuzz.chain import Chain, Contract
from tests.attacks.defences import Defence

#: what is deployed, in the order of the vault's constructor
NAMES = ("Vault", "VaultBooks", "VaultRules", "VaultViews")
VAULT = {name: f"contracts/vault/{name}.sol" for name in NAMES}
#: the strategies' code that has defences to be taken away
STRATEGIES = {name: f"contracts/strategies/{name}.sol" for name in ("NeutralPlanner", "LeveragedStrategy")}
CACHE = ROOT / "build" / "weakened"
SWITCH = Path(__file__).with_name("switch.sol").relative_to(ROOT).as_posix()
#: the slot that switch.sol reads
SLOT = 0x6F6666


def containers(project) -> list[ContractContainer]:
    """Return the vault and its code with switches, ready to be deployed through Ape."""
    codes = _compile(_order(VAULT))
    return [
        ContractContainer(
            project.get_contract(name).contract_type.model_copy(
                update={"deployment_bytecode": Bytecode(bytecode=f"0x{codes[name]}")}
            )
        )
        for name in NAMES
    ]


def take_away(provider, addresses, defences):
    """Switch defences off, and all others on, in the contracts at these addresses."""
    word = f"0x{sum(1 << defence.switch for defence in defences):064x}"
    for address in addresses:
        provider.make_request("anvil_setStorageAt", [address, f"0x{SLOT:064x}", word])


def strategies(build: Build) -> Build:
    """Return a build whose strategies have switches."""
    codes = _compile(_order(STRATEGIES))
    return build.with_types(
        {name: {**build[name].raw, "deploymentBytecode": {"bytecode": f"0x{codes[name]}"}} for name in STRATEGIES}
    )


def take_away_from(chain: Chain, contract: Contract, defences) -> None:
    """The same as `take_away`, for one contract on a chain of the fuzzer's."""
    chain.set_storage(contract.address, SLOT, sum(1 << defence.switch for defence in defences))


def sources() -> dict[str, str]:
    """Return our own sources with a switch for each defence; those of libraries the compiler finds itself.

    Raises
    ------
    ConfigurationError
        A patch does not fit the sources.
    """
    found = dict(_sources())
    misfits = []
    for defence in Defence:
        for patch in defence.value:
            times = found[patch.file].count(patch.old)
            if times != patch.times:
                misfits.append(f"{defence.name}: {times} times in {patch.file}, not {patch.times}: {patch.old!r}")
            new = patch.new.replace("OFF", f"off({defence.switch})")
            found[patch.file] = found[patch.file].replace(patch.old, new)
    if misfits:
        raise ConfigurationError("defences whose text does not stand in the sources: " + "; ".join(misfits))
    for path in {patch.file for defence in Defence for patch in defence.value}:
        found[path] = found[path].replace("\n\n", f'\n\nimport {{off}} from "{SWITCH}";\n', 1)
    found[SWITCH] = (ROOT / SWITCH).read_text()
    return found


@cache
def _sources() -> dict[str, str]:
    folders = ("contracts/vault", "contracts/risk", "contracts/strategies", "interfaces")
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


def _order(wanted: dict[str, str]) -> str:
    """Return what the compiler is asked for: contracts by name, and where they are."""
    outputs = {path: {name: ["evm.bytecode.object"]} for name, path in wanted.items()}
    rooms = {Path(path).parent.as_posix() for path in wanted.values()}
    others = {"contracts/vault", "contracts/strategies"} - rooms
    order = {
        "language": "Solidity",
        "sources": {
            path: {"content": text} for path, text in sources().items() if Path(path).parent.as_posix() not in others
        },
        "settings": {**_settings()[1], "outputSelection": outputs},
    }
    return json.dumps(order, sort_keys=True)


def _compile(order: str) -> dict[str, str]:
    """Return creation code by contract name, made once for all workers.

    Raises
    ------
    ConfigurationError
        What the patches make of the sources does not compile.
    """
    compiler, _ = _settings()
    lock = (ROOT / "package-lock.json").read_bytes()  # what the libraries are
    CACHE.mkdir(parents=True, exist_ok=True)
    file = CACHE / f"{hashlib.sha256(compiler.encode() + lock + order.encode()).hexdigest()}.json"
    with open(CACHE / "lock", "w") as door:
        fcntl.flock(door, fcntl.LOCK_EX)
        if file.exists():
            return json.loads(file.read_text())
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
        part = file.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(made))
        part.replace(file)
        return made

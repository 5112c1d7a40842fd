"""The project's Solidity compiler outside Ape: the same settings, on sources that need not be on the disk."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import yaml

from ballast.environment import ROOT
from ballast.errors import ConfigurationError


def settings() -> dict:
    """Return the compiler settings of ape-config.yaml."""
    return yaml.safe_load((ROOT / "ape-config.yaml").read_text())["solidity"]


def binary() -> Path:
    """Return the compiler that `make setup` installed: a native one, or the wrapper over soljson."""
    return ROOT / ".tools" / "solcx" / f"solc-v{settings()['version']}"


def standard_json(sources: Mapping[str, str], outputs: list[str], *, ast: bool = False) -> dict:
    """Return the compiler's input for `sources` (path from the root -> text) with the settings of ape-config.yaml."""
    chosen = settings()
    return {
        "language": "Solidity",
        "sources": {path: {"content": text} for path, text in sources.items()},
        "settings": {
            "evmVersion": chosen["evm_version"],
            "optimizer": {"enabled": chosen["optimize"], "runs": chosen["optimization_runs"]},
            "remappings": chosen["import_remapping"],
            "outputSelection": {"*": {"*": outputs, "": ["ast"] if ast else []}},
        },
    }


def read(paths: list[Path]) -> dict[str, str]:
    """Return the texts of `paths` by their place under the root."""
    return {path.relative_to(ROOT).as_posix(): path.read_text() for path in paths}


def compile_json(wanted: dict, root: Path = ROOT) -> dict:
    """Return the compiler's answer to `wanted`, errors included; imports are read under `root`.

    Raises
    ------
    ConfigurationError
        The compiler does not start, or answers no JSON.
    """
    try:
        done = subprocess.run(
            [binary(), "--standard-json", "--base-path", root],
            input=json.dumps(wanted),
            capture_output=True,
            text=True,
            check=False,
            cwd=root,
        )
        return json.loads(done.stdout)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the Solidity compiler does not run ({error}): make setup installs it") from None


def errors(answer: dict) -> list[str]:
    """Return what kept the sources from compiling, one line each."""
    found = [error for error in answer.get("errors", []) if error["severity"] == "error"]
    return [" ".join(error["formattedMessage"].split())[:200] for error in found]

"""What a deployment has made so far, kept in a JSON file that only scripts write.

The chain is the truth: an entry counts only while code stands at its address. The record says where to look once values
of the file have changed, since addresses follow from them.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ballast.deployment.file import DeploymentFile
from ballast.deployment.node import Node
from ballast.environment import ROOT
from ballast.errors import DeploymentError


@dataclass
class Made:
    """One contract: where it is, and the constructor arguments (hexadecimal) it was made with."""

    kind: str
    address: str
    arguments: str


@dataclass
class Record:
    """A deployment as far as it has come."""

    name: str
    chain_id: int
    #: the account that made it
    deployer: str
    #: a block before the first transaction: events begin after it, and its hash tells this chain from another
    block: int
    block_hash: str
    contracts: dict[str, Made] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write it, all or nothing."""
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(asdict(self), indent=2) + "\n")
            draft.replace(path)
        except OSError as error:
            raise DeploymentError(f"the record {path} cannot be written: {error.strerror}") from None


def path_of(file: DeploymentFile, node: Node) -> Path:
    """Return where the record belongs: under deployments/; for a test chain, whose state is worth nothing, build/."""
    folder = ROOT / ("build/deployments" if node.is_for_tests else "deployments")
    return folder / str(file.chain) / f"{file.name}.json"


def read(path: Path) -> Record | None:
    """Return the record, or None when there is none yet."""
    try:
        content = json.loads(path.read_text())
        contracts = {name: Made(**made) for name, made in content.pop("contracts").items()}
        return Record(**content, contracts=contracts)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DeploymentError(f"{path} is no deployment record ({error}): restore it, or move it away") from None

"""Contracts compiled from the sources as they are.

Ape compiles a file again when that file has changed, but not the files that import it: after a change in a base
contract, what inherits from it would be tested and deployed as it was before. So all is compiled anew when anything has
changed.
"""

import hashlib
import json
from pathlib import Path

from ballast.environment import ROOT
from ballast.errors import ConfigurationError

#: what Ape has compiled
FILE = ROOT / ".build" / "__local__.json"
_STAMP = ROOT / ".build" / "ballast.sha256"
_SETTINGS = ("ape-config.yaml", "package-lock.json")


def ensure() -> None:
    """Compile everything unless what is compiled was made from the present sources.

    Raises
    ------
    ConfigurationError
        The sources do not compile.
    """
    if is_fresh():
        return
    from ape import project
    from ape.exceptions import CompilerError

    try:
        project.load_contracts(use_cache=False)
    except CompilerError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise ConfigurationError(
            f"the contracts do not compile: {' '.join(lines[:2])}; ape compile says more"
        ) from None
    stamp()


def stamp(root: Path | None = None) -> None:
    """Note that what is compiled under `root` (this checkout) was made from the sources there."""
    root = root or ROOT
    (root / _STAMP.relative_to(ROOT)).write_text(_digest(root))


def is_fresh() -> bool:
    """Say whether what is compiled was made from the present sources."""
    return _STAMP.exists() and _STAMP.read_text() == _digest()


def _digest(root: Path | None = None) -> str:
    """Return a hash over the sources, the settings, and what was compiled from them."""
    root = root or ROOT
    file = root / FILE.relative_to(ROOT)
    if not file.exists():
        return ""
    sources = [path for folder in ("contracts", "interfaces") for path in sorted((root / folder).rglob("*.sol"))]
    found = hashlib.sha256()
    for path in [*sources, *map(root.joinpath, _SETTINGS)]:
        found.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    types = json.loads(file.read_text()).get("contractTypes", {})
    for name in sorted(types):
        found.update(f"{name}\0{(types[name].get('deploymentBytecode') or {}).get('bytecode')}\0".encode())
    return found.hexdigest()


if __name__ == "__main__":
    try:
        ensure()
    except ConfigurationError as error:
        raise SystemExit(f"error: {error}") from None

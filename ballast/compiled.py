"""Contracts compiled from the sources as they are.

Ape compiles a file again when that file has changed, but not the files that import it: after a change in a base
contract, what inherits from it would be tested and deployed as it was before. So all is compiled anew when anything has
changed.
"""

import hashlib
import json

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
    _STAMP.write_text(_digest())


def is_fresh() -> bool:
    """Say whether what is compiled was made from the present sources."""
    return _STAMP.exists() and _STAMP.read_text() == _digest()


def _digest() -> str:
    """Return a hash over the sources, the settings, and what was compiled from them."""
    if not FILE.exists():
        return ""
    sources = [path for folder in ("contracts", "interfaces") for path in sorted((ROOT / folder).rglob("*.sol"))]
    found = hashlib.sha256()
    for path in [*sources, *map(ROOT.joinpath, _SETTINGS)]:
        found.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    types = json.loads(FILE.read_text()).get("contractTypes", {})
    for name in sorted(types):
        found.update(f"{name}\0{(types[name].get('deploymentBytecode') or {}).get('bytecode')}\0".encode())
    return found.hexdigest()


if __name__ == "__main__":
    try:
        ensure()
    except ConfigurationError as error:
        raise SystemExit(f"error: {error}") from None

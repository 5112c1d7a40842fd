"""Where this project keeps its tools and data, set before Ape starts (the virtual environment imports this module).

Anything the user has set already wins. Imports nothing but the standard library: it runs at every start of Python.
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
_PORT = os.environ.get("BALLAST_REPLICA_PORT") or "18545"
#: Port of the local replica; 0 when the variable holds none (whoever uses it says so: this module must not fail).
REPLICA_PORT = int(_PORT) if _PORT.isdecimal() and int(_PORT) < 2**16 else 0
#: The node that every fork is taken from: the user's own, or the local replica.
UPSTREAM_URI = os.environ.get("MAINNET_RPC_URL") or f"http://127.0.0.1:{REPLICA_PORT}"
#: True when forks are taken from a real node, False on the replica.
UPSTREAM_IS_REAL = bool(os.environ.get("MAINNET_RPC_URL"))


#: The native anvil of the lock file (Linux on x86-64); elsewhere the one on the user's PATH is used.
ANVIL_FOLDER = ROOT / "node_modules" / "@foundry-rs" / "anvil-linux-amd64" / "bin"


def apply() -> None:
    """Set the variables that Ape, py-solc-x and ape-foundry read, unless they are set."""
    os.environ.setdefault("APE_DATA_FOLDER", str(TOOLS / "ape"))
    os.environ.setdefault("SOLCX_BINARY_PATH", str(TOOLS / "solcx"))
    os.environ["BALLAST_UPSTREAM_URI"] = UPSTREAM_URI
    path = os.environ.get("PATH", "")
    folder = str(ANVIL_FOLDER)
    if ANVIL_FOLDER.is_dir() and folder not in path.split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([folder, path])


apply()

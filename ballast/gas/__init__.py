"""What a vault costs who uses it, beside the plainest vaults there are, and kept so that growth is noticed."""

from ballast.gas.chain import own_chain
from ballast.gas.errors import GasError
from ballast.gas.snapshot import Change, Measurement, compare
from ballast.gas.targets import Target

__all__ = ["Change", "GasError", "Measurement", "Target", "compare", "own_chain"]

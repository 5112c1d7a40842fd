"""What vaults, strategies, venues and roles look like now, read in a few batched calls."""

from ballast.status.reading import Abi, read

__all__ = ["Abi", "read"]

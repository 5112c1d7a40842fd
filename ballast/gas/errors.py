"""The errors of measuring gas."""

from ballast.errors import BallastError


class GasError(BallastError):
    """Gas cannot be measured, or compared with the snapshot."""

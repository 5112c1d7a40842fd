"""What can go wrong with a demo."""

from ballast.errors import BallastError


class DemoError(BallastError):
    """The demo cannot run, or its report cannot be written."""

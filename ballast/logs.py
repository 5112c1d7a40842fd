"""Keeping Ape's own messages out of JSON on standard output."""

from typing import Any


def quiet_if_set(context: Any, parameter: Any, value: bool) -> bool:
    """Click callback of a `--json` flag: when set, Ape says only warnings and errors, on standard error."""
    if value:
        from ape.logging import LogLevel, logger

        logger.set_level(LogLevel.WARNING)
    return value

"""What every command shares: one-line errors, tables for people, JSON for machines."""

import functools
import json
import sys
from collections.abc import Callable
from typing import Any

import click
from rich.console import Console

from ballast.errors import BallastError

#: For people: progress, tables, errors. Standard error, so that `--json` output stays clean.
console = Console(stderr=True)
#: For people: the result of a command.
out = Console()


def emit_json(value: Any, *, indent: int | None = None) -> None:
    """Print `value` as JSON on standard output, as `exact_json` writes it."""
    click.echo(exact_json(value, indent=indent))


def exact_json(value: Any, *, indent: int | None = None) -> str:
    """Return `value` as JSON; integers over 53 bits become strings, so no reader loses digits."""
    return json.dumps(_exact(value), indent=indent, default=str)


def _exact(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _exact(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_exact(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        return str(value)
    return value


def one_line_errors(function: Callable) -> Callable:
    """Decorate a click command: a BallastError becomes one line on standard error and its exit code."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except BallastError as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(error.exit_code)

    return wrapped

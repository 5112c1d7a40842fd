"""Change a standing deployment: the Safe proposes, the timelock waits, anyone executes, the guardian may cancel."""

from pathlib import Path

import click
from ape.cli import ConnectedProviderCommand, account_option

from ballast.console import one_line_errors
from ballast.logs import quiet_if_set


@click.group()
def cli():
    """Propose, execute and cancel changes; see what waits."""


def _shared(function):
    function = click.option("--json", "as_json", is_flag=True, callback=quiet_if_set, help="JSON on standard output.")(
        function
    )
    return click.option(
        "--file", "path", type=click.Path(path_type=Path), required=True, help="The deployment's file."
    )(function)


_signer = click.option(
    "--signer", "aliases", multiple=True, help="An owner of the Safe who signs here; repeat up to the threshold."
)


@cli.command(cls=ConnectedProviderCommand)
@_shared
@one_line_errors
def status(provider, path: Path, as_json: bool):
    """Show every operation of the timelock with its calls, and when it can be executed."""
    from ballast.deployment import ape_edge, commands

    commands.status(path, ape_edge.ready(provider), ape_edge.sender(provider, None, needed=False), as_json=as_json)


@cli.command(cls=ConnectedProviderCommand)
@_shared
@account_option(prompt=False)
@_signer
@click.option("--dry-run", is_flag=True, help="Show what the owners would sign; sign and send nothing.")
@click.argument("words", nargs=-1, required=True, metavar="CONTRACT FUNCTION [ARGUMENT]...")
@one_line_errors
def propose(
    provider, account, path: Path, aliases: tuple[str, ...], words: tuple[str, ...], dry_run: bool, as_json: bool
):
    """Let the Safe schedule one call, for example: vault setCap lending "60_000_000 USDC"."""
    from ballast.deployment import ape_edge, commands

    commands.propose(
        path,
        ape_edge.ready(provider),
        ape_edge.sender(provider, account, needed=not dry_run),
        lambda safe: ape_edge.signers(provider, safe, aliases),
        words,
        dry_run=dry_run,
        as_json=as_json,
    )


@cli.command(cls=ConnectedProviderCommand)
@_shared
@account_option(prompt=False)
@click.argument("identifier", metavar="ID")
@one_line_errors
def execute(provider, account, path: Path, identifier: str, as_json: bool):
    """Execute an operation that has waited long enough. Anyone may."""
    from ballast.deployment import ape_edge, commands

    commands.execute(path, ape_edge.ready(provider), ape_edge.sender(provider, account), identifier, as_json=as_json)


@cli.command(cls=ConnectedProviderCommand)
@_shared
@account_option(prompt=False)
@_signer
@click.option("--by", type=click.Choice(["guardian", "safe"]), default="guardian", help="Which Safe cancels.")
@click.argument("identifier", metavar="ID")
@one_line_errors
def cancel(provider, account, path: Path, aliases: tuple[str, ...], by: str, identifier: str, as_json: bool):
    """Cancel an operation that waits."""
    from ballast.deployment import ape_edge, commands

    commands.cancel(
        path,
        ape_edge.ready(provider),
        ape_edge.sender(provider, account),
        lambda safe: ape_edge.signers(provider, safe, aliases),
        identifier,
        by=by,
        as_json=as_json,
    )

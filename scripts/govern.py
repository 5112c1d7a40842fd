"""Change a standing deployment: the Safe proposes, the timelock waits, anyone executes, the guardian may cancel."""

from pathlib import Path

import click
from ape.cli import account_option

from ballast.console import one_line_errors


@click.group()
def cli():
    """Propose, execute and cancel changes; see what waits."""


def _shared(function):
    function = click.option("--json", "as_json", is_flag=True, help="JSON on standard output.")(function)
    function = click.option(
        "--network",
        default="ethereum:mainnet:node",
        show_default=True,
        help="Ape's name of the chain, or with a URL.",
    )(function)
    file = click.option("--file", "path", type=click.Path(path_type=Path), required=True, help="The deployment's file.")
    return file(function)


_signer = click.option(
    "--signer", "aliases", multiple=True, help="An owner of the Safe who signs here; repeat up to the threshold."
)


@cli.command()
@_shared
@one_line_errors
def status(path: Path, network: str, as_json: bool):
    """Show every operation of the timelock with its calls, and when it can be executed."""
    from ballast.deployment import ape_edge, commands
    from ballast.network import connected

    with connected(network) as provider:
        anyone = ape_edge.sender(provider, None, needed=False)
        commands.status(path, ape_edge.ready(provider), anyone, as_json=as_json)


@cli.command()
@_shared
@account_option(prompt=False)
@_signer
@click.option(
    "--delay", help="Wait so long, '10 days', if longer than the call must; the delay it must is the default."
)
@click.option("--dry-run", is_flag=True, help="Show what the owners would sign; sign and send nothing.")
@click.argument("words", nargs=-1, required=True, metavar="CONTRACT FUNCTION [ARGUMENT]...")
@one_line_errors
def propose(path: Path, network: str, account, aliases: tuple[str, ...], words, delay, dry_run: bool, as_json: bool):
    """Let the Safe schedule one call, for example: vault setCap lending "60_000_000 USDC" "98 %"."""
    from ballast.deployment import ape_edge, commands
    from ballast.network import connected

    with connected(network) as provider:
        commands.propose(
            path,
            ape_edge.ready(provider),
            ape_edge.sender(provider, account, needed=not dry_run),
            lambda safe: ape_edge.signers(provider, safe, aliases),
            words,
            delay=delay,
            dry_run=dry_run,
            as_json=as_json,
        )


@cli.command()
@_shared
@account_option(prompt=False)
@click.argument("identifier", metavar="ID")
@one_line_errors
def execute(path: Path, network: str, account, identifier: str, as_json: bool):
    """Execute an operation that has waited long enough. Anyone may."""
    from ballast.deployment import ape_edge, commands
    from ballast.network import connected

    with connected(network) as provider:
        web3 = ape_edge.ready(provider)
        commands.execute(path, web3, ape_edge.sender(provider, account), identifier, as_json=as_json)


@cli.command()
@_shared
@account_option(prompt=False)
@_signer
@click.option("--by", type=click.Choice(["guardian", "safe"]), default="guardian", help="Which Safe cancels.")
@click.argument("identifier", metavar="ID")
@one_line_errors
def cancel(path: Path, network: str, account, aliases: tuple[str, ...], by: str, identifier: str, as_json: bool):
    """Cancel an operation that waits."""
    from ballast.deployment import ape_edge, commands
    from ballast.network import connected

    with connected(network) as provider:
        commands.cancel(
            path,
            ape_edge.ready(provider),
            ape_edge.sender(provider, account),
            lambda safe: ape_edge.signers(provider, safe, aliases),
            identifier,
            by=by,
            as_json=as_json,
        )

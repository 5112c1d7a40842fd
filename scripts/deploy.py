"""Deploy what a deployment file asks for, and prove who rules it."""

from pathlib import Path

import click
from ape.cli import ConnectedProviderCommand, account_option, ape_cli_context

from ballast.console import one_line_errors
from ballast.logs import quiet_if_set


@click.command(cls=ConnectedProviderCommand)
@ape_cli_context()
@account_option(prompt=False)
@click.option(
    "--file", "path", type=click.Path(path_type=Path), required=True, help="For example deployments/mainnet.yaml."
)
@click.option("--dry-run", "mode", flag_value="dry-run", help="Say what stands and what would be sent; send nothing.")
@click.option("--proof-only", "mode", flag_value="proof", help="Send nothing; prove what stands.")
@click.option("--json", "as_json", is_flag=True, callback=quiet_if_set, help="JSON on standard output.")
@one_line_errors
def cli(cli_ctx, provider, account, path: Path, mode: str | None, as_json: bool):
    """Deploy Safe, guardian, timelock, oracle, strategies and vault; hand every role over; prove it from the chain.

    Run it again to finish what was interrupted. Exit code 1: refused or failed; 3: the proof does not hold.
    """
    from ballast.deployment import ape_edge, commands

    commands.run(
        path,
        ape_edge.ready(provider),
        ape_edge.sender(provider, account, needed=mode is None),
        mode=mode or "deploy",
        as_json=as_json,
        lasting=getattr(provider, "process", None) is None,
    )

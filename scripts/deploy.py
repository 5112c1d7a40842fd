"""Deploy what a deployment file asks for, and prove who rules it."""

from pathlib import Path

import click
from ape.cli import account_option

from ballast.console import one_line_errors


@click.command()
@click.option(
    "--file", "path", type=click.Path(path_type=Path), required=True, help="For example deployments/mainnet.yaml."
)
@click.option(
    "--network",
    default="ethereum:mainnet-fork:foundry",
    show_default=True,
    help="Ape's name of the chain, or with a URL. A fork that this command starts ends with it.",
)
@account_option(prompt=False)
@click.option("--dry-run", "mode", flag_value="dry-run", help="Say what stands and what would be sent; send nothing.")
@click.option("--proof-only", "mode", flag_value="proof", help="Send nothing; prove what stands.")
@click.option("--json", "as_json", is_flag=True, help="JSON on standard output.")
@one_line_errors
def cli(path: Path, network: str, account, mode: str | None, as_json: bool):
    """Deploy Safe, guardian, timelock, oracle, strategies and vault; hand every role over; prove it from the chain.

    Run it again to finish what was interrupted. Exit code 1: refused or failed; 3: the proof does not hold.
    """
    from ballast.deployment import ape_edge, commands
    from ballast.network import connected

    with connected(network) as provider:
        commands.run(
            path,
            ape_edge.ready(provider),
            ape_edge.sender(provider, account, needed=mode is None),
            mode=mode or "deploy",
            as_json=as_json,
            lasting=getattr(provider, "process", None) is None,
        )

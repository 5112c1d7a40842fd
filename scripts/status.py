"""Vaults, strategies, venues, roles and readings as they stand."""

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="JSON on standard output, exact integers.")
@click.option("--deployment", metavar="NAME", help="Show this deployment only.")
@click.option(
    "--contract", "contracts", multiple=True, metavar="ADDRESS", help="Show this vault or router; repeatable."
)
@click.option("--network", default="ethereum:mainnet:node", show_default=True, help="Ape's name of it, or with a URL.")
def cli(**options):
    """Show vaults, strategies, venues, roles and readings.

    Exit codes: 0 all could be read, 1 could not begin, 3 a contract could not be read.
    """
    from ballast.status import commands

    commands.status(**options)

"""The local mainnet: build, start, stop, look."""

import click


@click.group()
def cli():
    """The local mainnet that forks are taken from when MAINNET_RPC_URL isn't set."""


def _json_option(function):
    return click.option("--json", "as_json", is_flag=True, help="One line of JSON on standard output.")(function)


@cli.command()
@_json_option
def build(as_json: bool):
    """Fetch, compile and seed the replica, and save its state; nothing to do when it is saved."""
    from ballast.replica import commands

    commands.build(as_json)


@cli.command()
@_json_option
def start(as_json: bool):
    """Start the replica in the background (building it first when needed)."""
    from ballast.replica import commands

    commands.start(as_json)


@cli.command()
@_json_option
def stop(as_json: bool):
    """Stop the replica."""
    from ballast.replica import commands

    commands.stop(as_json)


@cli.command()
@_json_option
def status(as_json: bool):
    """Say whether the replica runs, and from which build; exit code 3 when it doesn't run."""
    from ballast.replica import commands

    commands.status(as_json)


@cli.command()
@_json_option
@click.option("--check", is_flag=True, help="Only say whether docs/fidelity.md is current; exit code 1 when it isn't.")
def fidelity(as_json: bool, check: bool):
    """Write docs/fidelity.md: what of the replica equals mainnet, and what doesn't."""
    from ballast.replica import commands

    commands.fidelity(as_json, check)

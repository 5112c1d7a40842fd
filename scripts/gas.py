"""What the vault costs, side by side with bare ERC-4626 vaults."""

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Everything measured as JSON on standard output.")
@click.option("--write", is_flag=True, help="Write snapshot and docs/gas.md anew, instead of comparing.")
def cli(as_json: bool, write: bool):
    """Measure whole transactions on a chain of its own, write build/gas.json, and compare with the snapshot.

    Exit codes: 0 nothing grew, 1 it could not be measured, 3 something costs more than the snapshot has.
    """
    from ballast.gas import commands

    commands.run(write=write, as_json=as_json)

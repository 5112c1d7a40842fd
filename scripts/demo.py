"""Thirty days of a vault, on a chain of its own."""

from pathlib import Path

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The summary as JSON on standard output.")
@click.option("--days", type=click.IntRange(3, 90), default=30, show_default=True, help="Simulated days.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same figures.")
@click.option(
    "--out",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("build/demo"),
    show_default=True,
    help="Where report.html and report.json go.",
)
def cli(as_json: bool, days: int, seed: int, folder: Path):
    """Deploy a vault with its custody, let two depositors in, keep it for some days, and write a report.

    Exit code 1: it could not run; 3: it ran and did not show what it should.
    """
    from ballast.demo import commands

    commands.run(days=days, seed=seed, folder=folder, as_json=as_json)

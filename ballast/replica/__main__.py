"""`python -m ballast.replica fetch|build`: what set-up runs, without Ape."""

import click

from ballast.console import one_line_errors
from ballast.replica import builder, packages


@click.group()
def main():
    """Prepare the replica."""


@main.command()
@one_line_errors
def fetch():
    """Fetch the packages that aren't here yet."""
    fetched = packages.fetch()
    click.echo(f"fetched {len(fetched)} packages" if fetched else "all packages are here")


@main.command()
@one_line_errors
def build():
    """Build the replica and save its state."""
    builder.build(progress=lambda text: click.echo(text, err=True))


if __name__ == "__main__":
    main(prog_name="python -m ballast.replica")

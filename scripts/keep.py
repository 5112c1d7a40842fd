"""Keep regulated contracts in their bands."""

import click


class _Command(click.Command):
    """A command whose usage errors don't share an exit code with its results."""

    def parse_args(self, ctx, args):
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.exit_code = 64
            raise


def _options(function):
    for option in (
        click.option("--json", "as_json", is_flag=True, help="JSON on standard output, exact integers."),
        click.option("--dry-run", is_flag=True, help="Simulate, send nothing; so it is without --account, too."),
        click.option(
            "--account", metavar="ALIAS", help="Ape account that pays for the gas; TEST::0 is a test account."
        ),
        click.option("--max-fee", type=click.FloatRange(min=0), metavar="GWEI", help="Send nothing above this price."),
        click.option("--deployment", metavar="NAME", help="Keep the contracts of this deployment only."),
        click.option(
            "--contract",
            "contracts",
            multiple=True,
            metavar="ADDRESS",
            help="Keep this contract instead of the recorded deployments'; may be repeated.",
        ),
        click.option(
            "--network",
            default="ethereum:mainnet:node",
            show_default=True,
            help="Ape's name of the chain, or with a URL.",
        ),
    ):
        function = option(function)
    return function


@click.group()
def cli():
    """Read all regulated contracts in one call; simulate and send what brings them back into their bands.

    Exit codes: 0 nothing wrong, 1 could not begin, 2 something out of band could not be mended, 3 a contract could
    not be read, 4 the loop gave up after failures in a row, 64 a mistake on the command line.
    """


@cli.command(cls=_Command)
@_options
def once(**options):
    """Look once, and mend what is out of band."""
    from ballast.keeper import commands

    commands.once(**options)


@cli.command(cls=_Command)
@_options
@click.option(
    "--interval", type=click.FloatRange(min=0.1), default=60, show_default=True, help="Seconds between cycles."
)
@click.option("--cycles", type=click.IntRange(min=1), help="Stop after so many; never when left out.")
@click.option(
    "--breaker", type=click.IntRange(min=1), default=5, show_default=True, help="Failures in a row that end it."
)
def loop(**options):
    """Look again and again; Ctrl-C stops after the cycle under way."""
    from ballast.keeper import commands

    commands.loop(**options)

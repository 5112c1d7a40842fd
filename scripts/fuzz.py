"""Fuzzing: state machines at the speed of revm."""

import click


def _json(function):
    return click.option("--json", "as_json", is_flag=True, help="JSON on standard output.")(function)


@click.group()
def cli():
    """Break the contracts: run state machines on revm, replay what they find on anvil."""


@cli.command()
@click.option("--machine", default="vault", show_default=True, help="Which machine: vault, suite.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="How long.")
@click.option("--steps", type=click.IntRange(min=1), help="How many steps, rounded up to batches of 2,000.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same runs.")
@click.option("--upstream", help="none, replica, or a node's URL; the machine's own when left out.")
@click.option("--block", type=click.IntRange(min=0), help="Block of the node to fork; its latest when left out.")
@click.option("--corpus", help="File of runs to begin with and to keep; 'none' for none. Kept in .cache when left out.")
@click.option("--scheduler", help="Address of a Dask scheduler, whose workers then do the work.")
@click.option("--property", "only", multiple=True, help="Only look for these violations, by id.")
@click.option(
    "--coverage",
    "coverage_seconds",
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    help="Then replay what is new in the corpus, for at most so long, and print the lines and branches it reaches.",
)
@click.option("--write/--no-write", default=True, help="Write violations as tests under tests/regressions.")
@_json
def campaign(**options):
    """Run a machine for a time or a number of steps."""
    from ballast.fuzz import commands

    commands.campaign(**options)


@cli.command()
@click.argument("path", type=click.Path())
@click.option("--network", help="Ape's name of the network, or 'revm'; a fork of the replica when left out.")
@_json
def replay(path: str, network: str | None, as_json: bool):
    """Replay a regression test on anvil."""
    from ballast.fuzz import commands

    commands.replay(path, network, as_json)


@cli.command()
@click.option("--name", help="Only bugs whose name holds this.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same runs.")
@click.option("--seconds", type=click.FloatRange(min=1), default=60, show_default=True, help="Time for each bug.")
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True, help="Processes.")
@_json
def planted(name: str | None, seed: int, seconds: float, workers: int, as_json: bool):
    """Plant the bugs of a list, one at a time, and say how soon the machine finds each."""
    from ballast.fuzz import commands

    commands.plant(name, seed, seconds, workers, as_json)


@cli.command()
@click.option("--machine", default="vault", show_default=True, help="Which machine: vault, suite.")
@click.option("--upstream", help="none or replica; the machine's own when left out.")
@click.option("--corpus", help="File of runs to replay; the machine's own in .cache when left out.")
@click.option("--seconds", type=click.FloatRange(min=1), default=300, show_default=True, help="At most so long.")
@click.option("--missing", is_flag=True, help="Name the lines that were not reached, and the forks taken one way only.")
@_json
def coverage(**options):
    """Replay what campaigns have kept, and say which lines and branches of the contracts that reaches."""
    from ballast.fuzz import commands

    commands.coverage(**options)


@cli.command()
@click.option("--seconds", type=click.FloatRange(min=5), default=20, show_default=True, help="Time for each way.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same runs.")
@_json
def bench(seconds: float, seed: int, as_json: bool):
    """Measure checked steps a second: revm with one worker and two, anvil, forge."""
    from ballast.fuzz import commands

    commands.bench(seconds, seed, as_json)

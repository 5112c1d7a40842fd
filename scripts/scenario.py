"""Days that a strategy should survive."""

from pathlib import Path

import click


@click.command()
@click.argument("name")
@click.option(
    "--strategy",
    type=click.Choice(["leveraged", "liquidity", "neutral", "plain"]),
    default="leveraged",
    show_default=True,
    help="plain: collateral and debt by hand, with no rules at all.",
)
@click.option("--no-keeper", is_flag=True, help="Nobody pokes; the rules stand by themselves.")
@click.option(
    "--rules",
    type=click.Choice(["both", "on", "off"]),
    default="both",
    show_default=True,
    help="off: the same position, and nobody acts on it.",
)
@click.option("--every", type=click.IntRange(min=1), help="Seconds between pokes; the scenario says when left out.")
@click.option("--hours", type=click.FloatRange(min=0.1), help="Only the scenario's first hours.")
@click.option("--free-end", is_flag=True, help="Ether's last known price is forgotten: it may end anywhere.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same figures.")
@click.option("--hostile", is_flag=True, help="A hostile keeper and a hostile depositor search for what pays them.")
@click.option("--rpc", help="Play on this node, the replica or a fork of it, and not in this process. It is changed.")
@click.option("--write", is_flag=True, help="With `all`: write docs/scenarios.md.")
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True, help="With `all`: processes.")
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON on standard output.")
@click.option(
    "--out",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("build/scenario"),
    show_default=True,
    help="Where the page goes.",
)
def cli(
    name: str,
    strategy: str,
    no_keeper: bool,
    rules: str,
    every: int | None,
    hours: float | None,
    free_end: bool,
    seed: int,
    hostile: bool,
    rpc: str | None,
    write: bool,
    workers: int,
    as_json: bool,
    folder: Path,
):
    """Play scenario NAME with a strategy, beside the same position without rules.

    `list` shows which scenarios there are; `all` plays all of them with all strategies, and with enemies too with
    --hostile.

    Exit code 1: it could not run; 3: it ran and did not show what it must.
    """
    from ballast.market import engine, scenario_commands

    if name == "list":
        scenario_commands.list_all(as_json)
        return
    if name == "all":
        strategies = ["leveraged", "liquidity", "neutral"]
        scenario_commands.run_all(strategies, hostile=hostile, folder=folder, write=write, workers=workers)
        return
    options = engine.Options(seed=seed, every=every, keeper=not no_keeper, hostile=hostile)
    scenario_commands.run(
        name, strategy, options, rules=rules, rpc=rpc, hours=hours, free_end=free_end, folder=folder, as_json=as_json
    )

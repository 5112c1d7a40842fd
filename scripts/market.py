"""The crowd that moves the replica's markets, prices and clock."""

import click


def _options(function):
    function = click.option("--json", "as_json", is_flag=True, help="One line of JSON on standard output.")(function)
    return click.option("--rpc", help="The replica or a fork of it; the running replica when left out.")(function)


@click.group()
def cli():
    """Move the markets of the replica, or of a fork of it, as its crowd would."""


@cli.command()
@_options
def status(rpc: str | None, as_json: bool):
    """Show prices, utilisation and rates."""
    from ballast.market import commands

    commands.status(rpc, as_json)


@cli.command(name="round")
@_options
@click.option("--eth-usd", help="Dollars for one ether; as it was when left out.")
@click.option("--usdc-usd", help="Dollars for one USDC; as it was when left out.")
def round_(rpc: str | None, as_json: bool, eth_usd: str | None, usdc_usd: str | None):
    """Push a round to both Chainlink feeds."""
    from ballast.market import commands

    commands.push_round(rpc, as_json, eth_usd, usdc_usd)


@cli.command()
@_options
@click.argument("market", type=click.Choice(["aave", "morpho"]))
@click.argument("target")
def utilisation(rpc: str | None, as_json: bool, market: str, target: str):
    """Let the borrowers of MARKET borrow or repay until TARGET (0.9 or 90%) of its USDC is lent out."""
    from ballast.market import commands

    commands.utilisation(rpc, as_json, market, target)


@cli.command()
@_options
@click.argument("price")
def pools(rpc: str | None, as_json: bool, price: str):
    """Trade until the Uniswap pools stand at PRICE dollars of USDC for one WETH."""
    from ballast.market import commands

    commands.pools(rpc, as_json, price)


@cli.command(name="pass")
@_options
@click.argument("seconds", type=click.IntRange(min=1))
@click.option("--blocks", type=click.IntRange(min=1), default=1, show_default=True)
def pass_(rpc: str | None, as_json: bool, seconds: int, blocks: int):
    """Let SECONDS pass."""
    from ballast.market import commands

    commands.pass_time(rpc, as_json, seconds, blocks)

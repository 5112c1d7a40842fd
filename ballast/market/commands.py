"""What `ape run market` does and prints."""

from decimal import Decimal, InvalidOperation
from typing import Any

from rich.table import Table
from web3 import Web3

from ballast import mainnet, market, replica
from ballast.console import emit_json, one_line_errors, out
from ballast.errors import ConfigurationError
from ballast.market._crowd import WAD

_POOLS = {
    "uniswap_v3_500": mainnet.UNISWAP_V3_USDC_WETH_500,
    "uniswap_v3_3000": mainnet.UNISWAP_V3_USDC_WETH_3000,
    "uniswap_v2": mainnet.UNISWAP_V2_USDC_WETH,
}


@one_line_errors
def status(rpc: str | None, as_json: bool) -> None:
    """Show the present state."""
    _show(_connect(rpc), as_json)


@one_line_errors
def push_round(rpc: str | None, as_json: bool, eth_usd: str | None, usdc_usd: str | None) -> None:
    """Push a round to both feeds."""
    answers = {"eth_usd": _scaled(eth_usd, 8), "usdc_usd": _scaled(usdc_usd, 8)}
    w3 = _connect(rpc)
    market.push_prices(w3, **answers)
    _show(w3, as_json)


@one_line_errors
def utilisation(rpc: str | None, as_json: bool, name: str, target: str) -> None:
    """Bring a lending market to a utilisation."""
    percent = target.endswith("%")
    target_wad = _scaled(target.rstrip("%"), 16 if percent else 18)
    w3 = _connect(rpc)
    {"aave": market.set_aave_utilisation, "morpho": market.set_morpho_utilisation}[name](w3, target_wad)
    _show(w3, as_json)


@one_line_errors
def pools(rpc: str | None, as_json: bool, price: str) -> None:
    """Bring the pools to a price."""
    price_wad = _scaled(price, 18)
    w3 = _connect(rpc)
    market.keep_pools_near(w3, price_wad)
    _show(w3, as_json)


@one_line_errors
def pass_time(rpc: str | None, as_json: bool, seconds: int, blocks: int) -> None:
    """Let time pass."""
    w3 = _connect(rpc)
    market.pass_time(w3, seconds, blocks=blocks)
    _show(w3, as_json)


def _connect(rpc: str | None) -> Web3:
    if rpc is None:
        running = replica.status()
        if running is None:
            raise ConfigurationError(
                "the replica isn't running: `ape run replica start`, or name a fork of it with --rpc"
            )
        rpc = running.rpc
    w3 = market.connect(rpc)
    if not w3.is_connected():
        raise ConfigurationError(f"nothing answers at {rpc}")
    market.require_crowd(w3)
    return w3


def _scaled(text: str | None, decimals: int) -> int | None:
    if text is None:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ConfigurationError(f"{text!r} is no number") from None
    if not value.is_finite() or value < 0:
        raise ConfigurationError(f"{text} is no number from 0 up")
    return int(value.scaleb(decimals))


def _state(w3: Web3) -> dict[str, Any]:
    feeds = {"eth_usd": mainnet.ETH_USD_FEED, "usdc_usd": mainnet.USDC_USD_FEED}
    head = w3.eth.get_block("latest")
    answers = {
        name: w3.eth.contract(feed, abi=mainnet.FEED_ABI).functions.latestRoundData().call()
        for name, feed in feeds.items()
    }
    return {
        "block": head["number"],
        "timestamp": head["timestamp"],
        "feeds": {
            name: {"answer": data[1], "age_seconds": head["timestamp"] - data[3]} for name, data in answers.items()
        },
        "lending": {
            state.name: {
                "supplied": state.supplied,
                "borrowed": state.borrowed,
                "utilisation_wad": state.utilisation_wad,
                "borrow_rate_wad": state.borrow_rate_wad,
                "supply_rate_wad": state.supply_rate_wad,
            }
            for state in (market.aave_state(w3), market.morpho_state(w3))
        },
        "pools": {name: market.pool_price_wad(w3, pool) for name, pool in _POOLS.items()},
    }


def _show(w3: Web3, as_json: bool) -> None:
    state = _state(w3)
    if as_json:
        emit_json(state)
        return
    prices = Table("price", "value", title=f"block {state['block']}")
    for name, feed in state["feeds"].items():
        prices.add_row(f"feed {name}", f"{feed['answer'] / 1e8:,.4f} ({feed['age_seconds']:,} s old)")
    for name, price in state["pools"].items():
        prices.add_row(f"pool {name}", f"{price / WAD:,.4f}")
    lending = Table("USDC on", "supplied", "borrowed", "utilisation", "borrow rate", "supply rate")
    for name, row in state["lending"].items():
        units = 10**mainnet.USDC_DECIMALS
        lending.add_row(
            name,
            f"{row['supplied'] / units:,.0f}",
            f"{row['borrowed'] / units:,.0f}",
            *(f"{row[key] / WAD:.2%}" for key in ("utilisation_wad", "borrow_rate_wad", "supply_rate_wad")),
        )
    out.print(prices)
    out.print(lending)

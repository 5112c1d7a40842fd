"""How the keeper's cycles look: a table for people, exact numbers for machines."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from web3 import Web3

from ballast.chain import read_all, unpack, view
from ballast.keeper.engine import FINE, Cycle, Outcome, Result, gwei
from ballast.keeper.state import Contract, Reading

#: stem of a reading's name -> what its numbers are
_SHARES: Final = frozenset({"weight", "edge", "idle", "delta", "fees"})
_RATIOS: Final = frozenset({"leverage", "health", "centre", "spot"})
_AGES: Final = frozenset({"observation", "report"})
_AMOUNTS: Final = frozenset({"venue"})
_QUEUED: Final = frozenset({"waiting"})
#: a vault's shares have so many decimals more than its asset
_SHARE_DECIMALS: Final = 6
_UNLIMITED: Final = 2**127
_STYLE: Final = {Result.IN_BAND: "dim", Result.WAITS: "yellow", Result.READY: "cyan", Result.MENDED: "green"}


@dataclass(frozen=True)
class Unit:
    """The asset of a contract, to write amounts in."""

    symbol: str = ""
    decimals: int = 0


def units_of(web3: Web3, contracts: Sequence[Contract]) -> dict[Contract, Unit]:
    """Return the asset of each contract; plain units for one that names none. Two batched calls."""
    assets = [unpack(each, "address") for each in read_all(web3, [view(c.address, "asset()") for c in contracts])]
    tokens = list(dict.fromkeys(asset for asset in assets if asset))
    answers = read_all(web3, [view(token, call) for token in tokens for call in ("symbol()", "decimals()")])
    known = {}
    for index, token in enumerate(tokens):
        symbol, decimals = unpack(answers[2 * index], "string"), unpack(answers[2 * index + 1], "uint8")
        known[token] = Unit(symbol or "", decimals or 0)
    return {contract: known.get(asset, Unit()) for contract, asset in zip(contracts, assets, strict=True)}


def quantity(name: str, value: int, unit: Unit) -> str:
    """Return a reading's number as people write it, by the reading's name."""
    stem = name.split(".")[0]
    if stem in _SHARES:
        return f"{value / 10**16:.2f} %" if value < _UNLIMITED else "no limit"
    if stem in _RATIOS:
        return f"{value / 10**18:.3f}" if value < _UNLIMITED else "no limit"
    if stem in _AGES:
        return age(value)
    if stem in _AMOUNTS and unit.symbol:
        return f"{value / 10**unit.decimals:,.2f} {unit.symbol}" if value < _UNLIMITED else "no limit"
    if stem in _QUEUED and unit.symbol:
        return f"{value / 10 ** (unit.decimals + _SHARE_DECIMALS):,.2f}"
    return f"{value:,}" if abs(value) < _UNLIMITED else "no limit"


def age(seconds: int) -> str:
    """Return a time span in its two largest units."""
    parts = []
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"


def stands(reading: Reading, unit: Unit) -> str:
    """Return where a reading stands towards its band."""
    if reading.in_band:
        return "[green]in band[/green]"
    side = "above" if reading.excess > 0 else "below"
    return f"[red]{quantity(reading.name, abs(reading.excess), unit)} {side}[/red]"


def print_cycle(console: Console, cycle: Cycle, units: Mapping[Contract, Unit]) -> None:
    """Print the table of a cycle, and under it what needs more words than a column holds."""
    console.print(readings_table(cycle, units))
    for outcome in (*cycle.settled, *cycle.outcomes):
        if outcome.note:
            console.print(f"{outcome.contract.name}: {escape(outcome.note)}", highlight=False)


def readings_table(cycle: Cycle, units: Mapping[Contract, Unit]) -> Table:
    """Return one row for each reading; what was done stands in each contract's first row."""
    table = Table(title=f"block {cycle.before.block}, base fee {gwei(cycle.before.base_fee)} gwei")
    for column in ("contract", "reading"):
        table.add_column(column, no_wrap=True)
    for column in ("value", "band", "target"):
        table.add_column(column, justify="right")
    for column in ("stands", "action", "result"):
        table.add_column(column)
    for state, outcome in zip(cycle.before.states, cycle.outcomes, strict=True):
        unit = units.get(state.contract, Unit())
        ends = [action(outcome), result(outcome)]
        label = state.contract.name
        if not state.readings:
            table.add_row(label, "", "", "", "", "", *ends)
        later = cycle.after.of(state.contract).readings if cycle.after else ()
        for reading in state.readings:
            now = next((each for each in later if each.name == reading.name), reading)
            number = quantity(reading.name, reading.value, unit)
            if now.value != reading.value and outcome.transaction:
                number += f" → {quantity(now.name, now.value, unit)}"
            band = " … ".join(quantity(reading.name, edge, unit) for edge in (reading.lower, reading.upper))
            target = quantity(reading.name, reading.target, unit)
            table.add_row(label, reading.name, number, band, target, stands(reading, unit), *ends)
            label, ends = "", ["", ""]
        table.add_section()
    for outcome in cycle.settled:
        table.add_row(outcome.contract.name, "", "", "", "", "", action(outcome) + " (earlier)", result(outcome))
    return table


def action(outcome: Outcome) -> str:
    """Return what was done."""
    if outcome.transaction:
        return f"sent {outcome.transaction[:8]}…"
    return "" if outcome.result in (Result.IN_BAND, Result.UNREADABLE, Result.TOO_DEAR) else "simulated"


def result(outcome: Outcome) -> str:
    """Return how it ended, with gas and cost."""
    style = _STYLE.get(outcome.result, "green" if outcome.result in FINE else "red")
    text = f"[{style}]{outcome.result.value}[/{style}]"
    if outcome.gas and outcome.cost:
        text += f", {outcome.gas:,} gas, {outcome.cost / 1e18:.6f} ETH"
    return text


def heartbeat(number: int, cycle: Cycle) -> str:
    """Return one line that says a cycle was done, and what came of it."""
    counts: dict[str, int] = {}
    for outcome in cycle.outcomes:
        counts[outcome.result.value] = counts.get(outcome.result.value, 0) + 1
    what = ", ".join(f"{count} {name}" for name, count in counts.items())
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(cycle.before.timestamp))
    return f"cycle {number}  block {cycle.before.block}  {at}  base fee {gwei(cycle.before.base_fee)} gwei  {what}"


def as_dict(cycle: Cycle) -> dict[str, Any]:
    """Return a cycle as JSON-ready values: exact integers, fees in wei."""
    contracts = []
    for state, outcome in zip(cycle.before.states, cycle.outcomes, strict=True):
        later = {each.name: each for each in cycle.after.of(state.contract).readings} if cycle.after else {}
        contracts.append(
            {
                **_outcome(outcome),
                "readings": [
                    {**each.as_dict(), "after": later[each.name].as_dict() if each.name in later else None}
                    for each in state.readings
                ],
            }
        )
    return {
        "block": cycle.before.block,
        "timestamp": cycle.before.timestamp,
        "base_fee": cycle.before.base_fee,
        "contracts": contracts,
        "settled": [_outcome(outcome) for outcome in cycle.settled],
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "name": outcome.contract.name,
        "job": outcome.contract.job.value,
        "address": outcome.contract.address,
        "result": outcome.result.name.lower(),
        "note": outcome.note,
        "error": outcome.error,
        "transaction": outcome.transaction,
        "gas": outcome.gas,
        "cost": outcome.cost,
    }

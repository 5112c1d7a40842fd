"""What `ape run status` prints."""

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from ballast.console import console, emit_json, one_line_errors, out
from ballast.keeper import targets
from ballast.keeper.show import Unit, age, quantity, stands
from ballast.keeper.state import Reading
from ballast.network import connected, plain_web3
from ballast.status.reading import Abi, read

_UNLIMITED = 2**127
ABIS = ("Vault", "LendingRouter", "Timelock")
#: exit code when a contract could not be read
UNREADABLE = 3


@one_line_errors
def status(network: str, contracts: Sequence[str], deployment: str | None, as_json: bool) -> None:
    """Show what stands."""
    with connected(network) as provider, console.status("reading"):
        names: dict[str, str] = {}
        since = None
        if contracts:
            chosen = targets.named(contracts)
        else:
            records = targets.recorded(provider.chain_id, name=deployment)
            chosen = targets.deployed(records)
            names = {made.address: label for record in records for label, made in record.contracts.items()}
            since = min(record.block for record in records)
        names = {**{contract.address: contract.name for contract in chosen}, **names}
        state = read(plain_web3(provider), chosen, _abis(), names, since=since)
    if as_json:
        emit_json(state, indent=2)
    else:
        _show(state)
    if state["unreadable"]:
        sys.exit(UNREADABLE)


def _abis() -> dict[str, Abi]:
    from ape import project

    kinds = project.load_contracts()
    return {name: Abi([entry.model_dump() for entry in kinds[name].abi]) for name in ABIS}


def _show(state: Mapping[str, Any]) -> None:
    at = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(state["timestamp"]))
    out.print(f"block {state['block']}, {at}", highlight=False)
    for vault in state["vaults"]:
        _show_vault(vault, state["timestamp"])
    for router in state["routers"]:
        _show_router(router)
    contracts = [*state["vaults"], *state["routers"]]
    if contracts:
        out.print(_roles(contracts, state["timelocks"]))
        out.print(_readings(contracts))
    for timelock in state["timelocks"]:
        if timelock["delays"]:
            out.print(_delays(timelock))
        for operation in timelock["pending"] or ():
            left = operation["ready_at"] - state["timestamp"]
            when = f"in {age(left)}" if left > 0 else "now"
            out.print(f"waits on the timelock: {operation['id']}, executable {when}", highlight=False)
    for contract in state["unreadable"]:
        out.print(f"[red]unreadable:[/red] {contract['name']} at {contract['address']}", highlight=False)


def _show_vault(vault: Mapping[str, Any], now: int) -> None:
    unit = _unit(vault)
    facts = Table(title=f"vault {vault['name']} ({vault['symbol']}) at {vault['address']}", show_header=False)
    fees = vault["fees"]
    rows = {
        "assets": _amount(vault["assets"], unit),
        "share price": "?" if vault["share_price"] is None else f"{vault['share_price'] / 1e18:.9f} {unit.symbol}",
        "idle": _amount(vault["idle"], unit),
        "debt": _amount(vault["debt"], unit),
        "locked profit": _locked(vault, unit, now),
        "loss budget": _budget(vault, unit),
        "waits for redemption": _waiting(vault["redemptions"], unit),
        "redeemed, to be claimed": _claimable(vault["redemptions"], unit),
        "fees": f"{fees['performance_bps'] / 100:g} % of profit, {fees['management_bps'] / 100:g} % a year, "
        f"{_amount(fees['management_owed'], unit)} owed",
        "last report": f"{age(vault['report_age'])} ago",
        "deposits": _deposits(vault),
        "deposit limit": _amount(vault["deposit_limit"], unit),
        "limits of exposure": vault["limits"] or "none",
    }
    for name, value in rows.items():
        facts.add_row(name, value)
    out.print(facts)
    table = Table(title=f"strategies of {vault['name']}")
    for column in ("strategy", "debt", "holds in all", "share of assets", "target", "cap", "value", "risks"):
        table.add_column(column, justify="left" if column in ("strategy", "value", "risks") else "right")
    for each in vault["strategies"]:
        table.add_row(
            each["name"] or each["address"],
            _amount(each["debt"], unit),
            "unreadable" if each["strategy_assets"] is None else _amount(each["strategy_assets"], unit),
            f"{each['weight'] / 1e16:.2f} %",
            f"{each['target_bps'] / 100:g} ± {each['band_bps'] / 100:g} %",
            _cap(each, unit),
            "volatile" if each["volatile"] else "smooth",
            ", ".join(each["risks"]) or "none named",
        )
    out.print(table)
    if not vault["risks"]:
        return
    table = Table(title=f"risks of {vault['name']}, of all strategies that bear them together")
    for column in ("risk", "debt", "cap"):
        table.add_column(column, justify="left" if column == "risk" else "right")
    for risk in vault["risks"]:
        table.add_row(risk["id"], _amount(risk["debt"], unit), _cap(risk, unit))
    out.print(table)


def _locked(vault: Mapping[str, Any], unit: Unit, now: int) -> str:
    amount = _amount(vault["locked_profit"], unit)
    if vault["unlocked_at"] is None:
        return amount
    at = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(vault["unlocked_at"]))
    return f"{amount}, all of it in the price in {age(vault['unlocked_at'] - now)} ({at})"


def _budget(vault: Mapping[str, Any], unit: Unit) -> str:
    budget = vault["loss_budget"]
    return (
        f"{_amount(budget['available'], unit)} left now ({budget['available_wad'] / 1e16:.4g} % of the assets); "
        f"{budget['budget_bps'] / 100:g} % in any {age(budget['window'])}"
    )


def _waiting(redemptions: Mapping[str, Any], unit: Unit) -> str:
    if not redemptions["shares"]:
        return "nothing"
    worth = "?" if redemptions["worth"] is None else _amount(redemptions["worth"], unit)
    return f"{redemptions['shares'] / 10 ** (unit.decimals + 6):,.2f} shares, worth {worth}"


def _claimable(redemptions: Mapping[str, Any], unit: Unit) -> str:
    if redemptions["controllers"] is None:
        return "not looked for: name a recorded deployment"
    claims = [row["assets"] or 0 for row in redemptions["controllers"] if row["claimable"]]
    return f"{_amount(sum(claims), unit)} by {len(claims)} account(s)" if claims else "nothing"


def _deposits(vault: Mapping[str, Any]) -> str:
    if vault["shutdown"] or vault["paused"]:
        return "shut down" if vault["shutdown"] else "paused"
    return f"open to whom {vault['gate']} admits" if vault["gate"] else "open to everybody"


def _cap(capped: Mapping[str, Any], unit: Unit) -> str:
    return f"{_amount(capped['cap'], unit)}, {capped['cap_bps'] / 100:g} %"


def _show_router(router: Mapping[str, Any]) -> None:
    unit = _unit(router)
    table = Table(
        title=f"strategy {router['name']}: {_amount(router['assets'], unit)}, {_amount(router['idle'], unit)} idle"
    )
    for column in ("venue", "assets", "weight", "supply rate", "cap", "home"):
        table.add_column(column, justify="left" if column in ("venue", "home") else "right")
    for venue in router["venues"]:
        table.add_row(
            venue["name"] or venue["address"],
            _amount(venue["assets"], unit),
            f"{venue['weight'] / 1e16:.2f} %",
            f"{venue['supply_rate'] / 1e16:.3f} %",
            _amount(venue["cap"], unit),
            "deposits go here" if venue["home"] else "",
        )
    out.print(table)


def _roles(contracts: Sequence[Mapping[str, Any]], timelocks: Sequence[Mapping[str, Any]]) -> Table:
    delays = {timelock["address"]: timelock["delay"] for timelock in timelocks}
    table = Table(title="roles")
    for column in ("contract", "role", "account", ""):
        table.add_column(column, no_wrap=column == "account")
    for contract in contracts:
        for role, account in contract["roles"].items():
            delay = delays.get(account["address"])
            note = account["name"] or ""
            note += f", waits {age(delay)}" if delay is not None else ""
            table.add_row(contract["name"], role, account["address"], note.lstrip(", "))
        table.add_section()
    return table


def _delays(timelock: Mapping[str, Any]) -> Table:
    table = Table(title=f"what waits longer than {age(timelock['delay'])} on the timelock {timelock['address']}")
    table.add_column("function")
    table.add_column("waits")
    for function, delay in timelock["delays"].items():
        table.add_row(function, age(delay))
    return table


def _readings(contracts: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title="readings")
    for column in ("contract", "reading", "value", "band", "target", "stands"):
        table.add_column(column, justify="right" if column in ("value", "band", "target") else "left")
    for contract in contracts:
        unit = _unit(contract)
        for row in contract["readings"] or ():
            reading = Reading(*(row[key] for key in ("name", "value", "lower", "target", "upper")))
            low, high = (quantity(reading.name, edge, unit) for edge in (reading.lower, reading.upper))
            table.add_row(
                contract["name"],
                reading.name,
                quantity(reading.name, reading.value, unit),
                f"{low} … {high}",
                quantity(reading.name, reading.target, unit),
                stands(reading, unit),
            )
        table.add_section()
    return table


def _unit(contract: Mapping[str, Any]) -> Unit:
    return Unit(contract["asset"]["symbol"], contract["asset"]["decimals"])


def _amount(value: int, unit: Unit) -> str:
    return "no limit" if value >= _UNLIMITED else f"{value / 10**unit.decimals:,.2f} {unit.symbol}"

"""What `ape run keep` does.

Exit codes
----------
0   nothing wrong: all in band, or mended, or a rule says that mending isn't worth its gas yet
1   it could not begin or go on: no connection, no such account, no such contract
2   something out of band could not be mended
3   a contract could not be read (and nothing worse)
4   the loop ended itself: too many failures in a row
64  a mistake on the command line
"""

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from ballast.chain import node_name
from ballast.console import console, emit_json, one_line_errors, out
from ballast.errors import ConfigurationError
from ballast.keeper import loop as loops
from ballast.keeper import show, targets
from ballast.keeper.courier import ChainCourier
from ballast.keeper.engine import Cycle, Keeper, Result
from ballast.keeper.reader import ChainReader
from ballast.keeper.reverts import ErrorBook
from ballast.keeper.signing import ApeSigner
from ballast.network import connected, plain_web3

UNMENDED, UNREADABLE = 2, 3


@one_line_errors
def once(as_json: bool, **options: Any) -> None:
    """Do one cycle."""
    with _keeping(**options) as (keeper, units):
        with console.status("keeping"):
            cycle = keeper.cycle()
        if as_json:
            emit_json({**show.as_dict(cycle), "dry_run": not keeper.sends, "exit_code": exit_code(cycle)}, indent=2)
        else:
            show.print_cycle(out, cycle, units)
    sys.exit(exit_code(cycle))


@one_line_errors
def loop(as_json: bool, interval: float, cycles: int | None, breaker: int, **options: Any) -> None:
    """Do cycles until stopped."""
    last = 0

    def on_cycle(number: int, cycle: Cycle) -> None:
        nonlocal last
        last = exit_code(cycle)
        if as_json:
            emit_json({"cycle": number, **show.as_dict(cycle), "dry_run": not keeper.sends, "exit_code": last})
            return
        out.print(show.heartbeat(number, cycle), highlight=False)
        if cycle.settled or any(outcome.result is not Result.IN_BAND for outcome in cycle.outcomes):
            show.print_cycle(out, cycle, units)

    with _keeping(**options) as (keeper, units), _stoppable() as wait:
        done = loops.run(
            keeper,
            interval=interval,
            wait=wait,
            on_cycle=on_cycle,
            on_trouble=lambda count, line: console.print(line, highlight=False, markup=False),
            cycles=cycles,
            breaker=breaker,
        )
    console.print(f"stopped after {done} cycle(s)")
    sys.exit(last)


def exit_code(cycle: Cycle) -> int:
    """Return what the command's exit code says of a cycle."""
    results = {outcome.result for outcome in cycle.unmended}
    if results - {Result.UNREADABLE}:
        return UNMENDED
    return UNREADABLE if results else 0


@contextmanager
def _keeping(
    *,
    network: str,
    contracts: Sequence[str],
    deployment: str | None,
    account: str | None,
    max_fee: float | None,
    dry_run: bool,
) -> Iterator[tuple[Keeper, dict]]:
    with connected(network) as provider:
        web3 = plain_web3(provider)
        if contracts:
            chosen = targets.named(contracts)
        else:
            chosen = targets.deployed(targets.recorded(provider.chain_id, name=deployment))
            chosen = targets.with_strategies(web3, chosen)
        chosen = targets.with_rescues(web3, targets.with_queues(web3, chosen))
        errors = known_errors()
        signer = ApeSigner(_account(account)) if account and not dry_run else None
        if signer is None:
            console.print("dry run: nothing is sent" + ("" if account else " (no --account)"))
        else:
            console.print(f"sending from {signer.address} through {node_name(web3)}", highlight=False)
        keeper = Keeper(
            ChainReader(web3, chosen, errors),
            ChainCourier(web3, errors, signer),
            max_fee=None if max_fee is None else round(max_fee * 10**9),
            dry_run=dry_run,
        )
        yield keeper, show.units_of(web3, chosen)


def known_errors() -> ErrorBook:
    """Return the custom errors of the project's contracts (compiling them when they have changed)."""
    from ape import project

    return ErrorBook(error.model_dump() for kind in project.load_contracts().values() for error in kind.errors)


def _account(alias: str) -> Any:
    from ape import accounts
    from ape.cli import AccountAliasPromptChoice
    from ape.exceptions import ApeException

    if not alias.startswith("TEST::") and alias not in accounts.aliases:
        known = ", ".join(accounts.aliases) or "none"
        raise ConfigurationError(
            f"--account {alias}: Ape has no such account (it has: {known}); `ape accounts` makes one"
        )
    try:
        account = AccountAliasPromptChoice().convert(alias, None, None)
        if hasattr(account, "set_autosign"):
            # asks for the passphrase once, or takes it from APE_ACCOUNTS_<alias>_PASSPHRASE
            account.set_autosign(True)
    except (ApeException, click.ClickException, click.Abort) as error:
        raise ConfigurationError(
            f"--account {alias}: {str(error).splitlines()[0] if str(error) else 'aborted'}"
        ) from error
    return account


@contextmanager
def _stoppable() -> Iterator[Callable[[float], bool]]:
    """Yield a pause that SIGINT and SIGTERM end: the cycle under way is finished first, unless asked twice."""
    asked = threading.Event()

    def ask(number: int, frame: Any) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        console.print("stopping; the cycle under way is finished first")

    former = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked.wait
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)

"""What `ape run replica` prints: tables for people, one line of JSON for machines."""

import sys
import time

import click
from rich.table import Table

from ballast.console import console, emit_json, one_line_errors, out
from ballast.replica import builder, process
from ballast.replica import fidelity as table
from ballast.replica.process import Replica

#: exit code of `status` when the replica isn't running
NOT_RUNNING = 3


@one_line_errors
def build(as_json: bool) -> None:
    """Build the replica unless its state is saved."""
    existed = builder.current().exists
    seconds, built = _timed(lambda progress: builder.build(progress=progress))
    if as_json:
        emit_json({"build": built.key, "state": str(built.state), "built": not existed, "seconds": round(seconds, 2)})
    elif existed:
        out.print(f"replica {built.key} is built already")
    else:
        out.print(f"replica {built.key} built in {seconds:.1f} s: {len(built.load_contracts())} contracts")


@one_line_errors
def start(as_json: bool) -> None:
    """Start the replica unless it runs."""
    seconds, replica = _timed(lambda progress: process.start(progress=progress))
    if as_json:
        emit_json({**replica.as_dict(), "seconds": round(seconds, 2)})
    else:
        out.print(f"started in {seconds:.1f} s" if replica.started else "runs already")
        _show(replica)


@one_line_errors
def stop(as_json: bool) -> None:
    """Stop the replica; nothing to do when it isn't running."""
    stopped = process.stop()
    if as_json:
        emit_json({"stopped": stopped})
    else:
        out.print("stopped" if stopped else "was not running")


@one_line_errors
def status(as_json: bool) -> None:
    """Show the running replica."""
    replica = process.status()
    if as_json:
        emit_json({"running": replica is not None, **(replica.as_dict() if replica else {})})
    elif replica:
        _show(replica)
    else:
        out.print("not running: `ape run replica start` starts it")
    if replica is None:
        sys.exit(NOT_RUNNING)


@one_line_errors
def fidelity(as_json: bool, check: bool) -> None:
    """Write or check docs/fidelity.md."""
    _, built = _timed(lambda progress: builder.build(progress=progress))
    rows = table.rows(built)
    current = table.FILE.exists() and table.FILE.read_text() == table.markdown(rows)
    if not check and not current:
        table.FILE.parent.mkdir(exist_ok=True)
        table.FILE.write_text(table.markdown(rows))
    if as_json:
        emit_json({"current": current, "contracts": rows})
    elif check:
        found = "current" if current else "out of date: `ape run replica fidelity` writes it"
        out.print(f"docs/fidelity.md is {found}")
    else:
        click.echo(table.markdown(rows))
    if check and not current:
        sys.exit(1)


def _timed(action):
    began = time.perf_counter()
    with console.status("replica") as line:
        result = action(lambda text: line.update(f"replica: {text}"))
    return time.perf_counter() - began, result


def _show(replica: Replica) -> None:
    shown = Table(show_header=False, box=None)
    shown.add_row("rpc", replica.rpc)
    shown.add_row("chain id", str(replica.chain_id))
    shown.add_row("block", str(replica.block))
    shown.add_row("time", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(replica.timestamp)))
    shown.add_row("pid", str(replica.pid))
    stale = " (stale: stop and start it to get the present one)" if replica.stale else ""
    shown.add_row("build", replica.build + stale)
    out.print(shown)

"""What `ape run deploy` and `ape run govern` print: tables for people, JSON for machines."""

import functools
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from eth_utils import function_signature_to_4byte_selector
from requests.exceptions import RequestException
from rich.table import Table
from web3 import Web3
from web3.exceptions import Web3Exception

from ballast import units
from ballast.chain import NodeError, node_name
from ballast.console import console, emit_json, out
from ballast.deployment import record as records
from ballast.deployment.deploy import SAFE, Deployment, DeploymentResult, deploy, find
from ballast.deployment.file import UNLIMITED, DeploymentFile, load
from ballast.deployment.node import SHARED, Node, Sender, encode_call, signature_of
from ballast.deployment.proof import Proof, prove
from ballast.deployment.safe import Call, Safe, Signer
from ballast.deployment.timelock import Timelock, describe
from ballast.environment import ROOT
from ballast.errors import ConfigurationError

Signers = Callable[[Safe], Sequence[Signer]]

#: exit code of a proof that fails
NOT_PROVEN = 3


def _node_errors(function: Callable[..., None]) -> Callable[..., None]:
    """Make one line of a node that does not answer."""

    @functools.wraps(function)
    def wrapped(path: Path, web3: Web3, *arguments: Any, **options: Any) -> None:
        try:
            function(path, web3, *arguments, **options)
        except (RequestException, Web3Exception) as error:
            # requests' message may hold the URL, and the URL a key
            said = type(error).__name__ if isinstance(error, RequestException) else str(error).splitlines()[0]
            raise NodeError(f"the node at {node_name(web3)} fails: {said}") from error

    return wrapped


@_node_errors
def run(path: Path, web3: Web3, sender: Sender, *, mode: str, as_json: bool, lasting: bool) -> None:
    """Deploy, plan or prove what a file asks for.

    Parameters
    ----------
    mode : deploy, dry-run or proof
    lasting : False when the chain ends with this command
    """
    file = load(path)
    node = Node(web3)
    # what ends with the command is not worth a record
    place = records.path_of(file, node) if lasting else None
    if mode == "dry-run":
        _plan(file, node, sender.address, place, as_json)
        return
    if mode == "proof":
        result = find(file, web3, sender.address, record=place)
    else:
        with console.status("deploying") as line:
            result = deploy(file, web3, sender, record=place, progress=lambda text: line.update(text))
    with console.status("asking the chain who may call what"):
        proof = prove(result)
    note = _note(node, place)
    if as_json:
        emit_json(
            {
                **result.as_dict(),
                "record": place and str(place.relative_to(ROOT)),
                "note": note,
                "proof": proof.as_dict(),
            },
            indent=2,
        )
    else:
        _show_deployment(result)
        _show_proof(proof)
        console.print(note)
    if not proof.ok:
        for line in proof.failures:
            console.print(f"[red]not so:[/red] {line}", highlight=False)
        sys.exit(NOT_PROVEN)


def _note(node: Node, place: Path | None) -> str:
    if place is None:
        return "this fork ends with the command, and what was deployed with it"
    shown = place.relative_to(ROOT)
    return f"kept in {shown}" + ("; a test chain's, not to be committed" if node.is_for_tests else "; commit it")


def _plan(file: DeploymentFile, node: Node, deployer: str, place: Path | None, as_json: bool) -> None:
    deployment = Deployment(file, node, deployer, records.read(place) if place else None)
    deployment.check_chain()
    deployment.refuse_differences()
    steps = deployment.pending()
    standing = {name: contract.address for name, contract in deployment.contracts.items() if contract.stands}
    if as_json:
        addresses = {name: contract.address for name, contract in deployment.contracts.items()}
        emit_json({"stands": standing, "addresses": addresses, "steps": [step.title for step in steps]}, indent=2)
        return
    for name, address in standing.items():
        out.print(f"stands    {name} at {address}", highlight=False)
    for number, step in enumerate(steps, 1):
        out.print(f"{number:>7}.  {step.title}", highlight=False)
    out.print("nothing was sent" if steps else "nothing is missing")


def _show_deployment(result: DeploymentResult) -> None:
    table = Table(title=f"{result.file.name} on chain {result.file.chain}: {len(result.sent)} transactions sent")
    for column in ("name", "contract", "address"):
        table.add_column(column, no_wrap=column == "address")
    for contract in result.contracts.values():
        table.add_row(contract.name, contract.kind, contract.address)
    out.print(table)


def _show_proof(proof: Proof) -> None:
    facts = Table(title="custody, read from the chain")
    for column in ("what", "found", ""):
        facts.add_column(column, overflow="fold")
    for check in proof.checks:
        facts.add_row(check.what, check.found, _mark(check.ok))
    out.print(facts)

    table = Table(title="who may call what, tried out by every party")
    for column in ("contract", "may", "functions", "the deployer gets", ""):
        table.add_column(column, overflow="fold")
    shown = None
    for (name, who, refused, ok), functions in _grouped(proof).items():
        if shown not in (None, name):
            table.add_section()
        table.add_row("" if name == shown else name, who, ", ".join(functions), refused, _mark(ok))
        shown = name
    out.print(table)


def _grouped(proof: Proof) -> dict[tuple[str, str, str, bool], list[str]]:
    """Return function names by contract, who may call them, what the deployer gets, and whether that is right."""
    groups: dict[tuple[str, str, str, bool], list[str]] = {}
    for row in proof.rows:
        who = ", ".join(row.who) or "nobody"
        function = row.function.split("(")[0] + (f" ({row.case})" if row.case else "")
        refused = row.deployer or ("" if who == "anyone" else "through")
        functions = groups.setdefault((row.contract, who, refused, row.ok), [])
        if function not in functions:
            functions.append(function)
    return groups


def _mark(ok: bool) -> str:
    return "[green]yes[/green]" if ok else "[red]NO[/red]"


# ape run govern


@_node_errors
def status(path: Path, web3: Web3, sender: Sender, *, as_json: bool) -> None:
    """Show the timelock's operations, calls decoded."""
    deployment = _find(path, web3, sender.address)
    timelock = Timelock(deployment)
    now = web3.eth.get_block("latest")["timestamp"]
    operations = timelock.scheduled()
    delays = {function: delay for function, delay in timelock.delays().items() if delay}
    if as_json:
        emit_json(
            {
                "timelock": timelock.address,
                "delay_seconds": timelock.delay(),
                "delays_seconds": delays,
                "operations": [
                    {
                        "id": "0x" + item.id.hex(),
                        "state": item.state,
                        "ready_at": item.ready_at,
                        "proposer": item.proposer,
                        "transaction": "0x" + item.transaction.hex(),
                        "salt": "0x" + item.operation.salt.hex(),
                        "predecessor": "0x" + item.operation.predecessor.hex(),
                        "calls": [
                            {
                                "to": call.to,
                                "value": call.value,
                                "data": "0x" + call.data.hex(),
                                "decoded": describe(deployment, call),
                            }
                            for call in item.operation.calls
                        ],
                    }
                    for item in operations
                ],
            },
            indent=2,
        )
        return
    waiting = Table(title=f"what a call waits: {units.format_duration(timelock.delay())}, and")
    waiting.add_column("function", overflow="fold")
    waiting.add_column("waits", no_wrap=True)
    for function, delay in delays.items():
        waiting.add_row(function, units.format_duration(delay))
    out.print(waiting if delays else f"every call waits {units.format_duration(timelock.delay())}")
    if not operations:
        out.print("nothing was ever scheduled")
        return
    table = Table(title=f"operations of the timelock {timelock.address}", show_lines=True)
    for column in ("id", "state", "executable", "proposed by", "calls"):
        table.add_column(column, overflow="fold")
    names = {address: name for name, address in deployment.addresses.items()}
    for item in operations:
        when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(item.ready_at)) if item.ready_at else ""
        when += f", in {units.format_duration(item.ready_at - now)}" if item.state == "waiting" else ""
        calls = "\n".join(describe(deployment, call) for call in item.operation.calls)
        table.add_row("0x" + item.id.hex(), item.state, when, names.get(item.proposer, item.proposer), calls)
    out.print(table)


@_node_errors
def propose(
    path: Path,
    web3: Web3,
    sender: Sender,
    signers: Signers,
    words: Sequence[str],
    *,
    delay: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Let the Safe schedule one call, or with `dry_run` show what its owners would sign.

    Parameters
    ----------
    delay : how long it waits ("10 days"), if longer than the call must
    """
    deployment = _find(path, web3, sender.address)
    timelock = Timelock(deployment)
    call = parse_call(deployment, words)
    wanted = _parsed(units.parse_duration, delay) if delay else None
    waits = units.format_duration(timelock.delay([call]) if wanted is None else wanted)
    if dry_run:
        operation = timelock.operation([call])
        transaction = deployment.safe.transaction([timelock.scheduling(operation, delay=wanted)])
        _print(
            {
                "call": describe(deployment, call),
                "waits": waits,
                "id": "0x" + timelock.id_of(operation).hex(),
                "safe": transaction.safe,
                "to": transaction.to,
                "value": transaction.value,
                "data": "0x" + transaction.data.hex(),
                "operation": transaction.operation,
                "nonce": transaction.nonce,
                "safe_transaction_hash": "0x" + deployment.safe.hash(transaction).hex(),
                "signatures_needed": deployment.safe.threshold(),
            },
            as_json,
        )
        return
    timelock.scheduling(timelock.operation([call]), delay=wanted)  # too short a delay shows before anyone signs
    identifier, _ = timelock.propose([call], signers(deployment.safe), sender, delay=wanted)
    ready_at = timelock.find(identifier).ready_at
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(ready_at))
    content = {"id": "0x" + identifier.hex(), "call": describe(deployment, call), "waits": waits}
    _print({**content, "executable_from": when}, as_json)


@_node_errors
def execute(path: Path, web3: Web3, sender: Sender, identifier: str, *, as_json: bool) -> None:
    """Execute a ready operation."""
    deployment = _find(path, web3, sender.address)
    timelock = Timelock(deployment)
    item = timelock.find(_identifier(identifier))
    if item.state != "ready":
        now = web3.eth.get_block("latest")["timestamp"]
        left = f", ready in {units.format_duration(item.ready_at - now)}" if item.state == "waiting" else ""
        raise ConfigurationError(f"{identifier} cannot be executed: it is {item.state}{left}")
    receipt = timelock.execute(item.operation, sender)
    calls = [describe(deployment, call) for call in item.operation.calls]
    _print({"done": calls, "transaction": receipt["transactionHash"].to_0x_hex()}, as_json)


@_node_errors
def cancel(
    path: Path, web3: Web3, sender: Sender, signers: Signers, identifier: str, *, by: str, as_json: bool
) -> None:
    """Let the guardian Safe (or the main one) cancel an operation that waits."""
    deployment = _find(path, web3, sender.address)
    timelock = Timelock(deployment)
    item = timelock.find(_identifier(identifier))
    if item.state not in ("waiting", "ready"):
        raise ConfigurationError(f"{identifier} cannot be cancelled: it is {item.state}")
    safe = deployment.guardian if by == "guardian" else deployment.safe
    receipt = timelock.cancel(item.id, safe, signers(safe), sender)
    calls = [describe(deployment, call) for call in item.operation.calls]
    _print({"cancelled": calls, "transaction": receipt["transactionHash"].to_0x_hex()}, as_json)


def parse_call(deployment: DeploymentResult, words: Sequence[str]) -> Call:
    """Return `CONTRACT FUNCTION ARGUMENT...` as a call.

    Arguments are whole numbers, shares ("10 %", in 1e4), times ("2 days"), amounts of the asset ("5 USDC"), yes or no,
    addresses or names of the deployment's contracts, ids of risks, functions ("setOwner(address)").

    Raises
    ------
    ConfigurationError
        A contract, function or argument that there is not.
    """
    if len(words) < 2:
        raise ConfigurationError("say what to call: CONTRACT FUNCTION ARGUMENT...")
    name, function, *texts = words
    contract = deployment.contracts.get(name)
    closed = (SAFE, *SHARED.values())
    if contract is None or contract.kind in closed:
        known = ", ".join(key for key, item in deployment.contracts.items() if item.kind not in closed)
        raise ConfigurationError(f"{name} is no contract to call; there are {known}")
    abi = deployment.node.artifacts.abi(contract.kind)
    fitting = [
        item
        for item in abi
        if item["type"] == "function"
        and item["name"] == function
        and item["stateMutability"] not in ("view", "pure")
        and len(item["inputs"]) == len(texts)
    ]
    if len(fitting) != 1:
        raise ConfigurationError(f"{name} has no function {function} of {len(texts)} arguments")
    values = [_argument(deployment, part["type"], text) for part, text in zip(fitting[0]["inputs"], texts, strict=True)]
    try:
        return Call(contract.address, encode_call(signature_of(fitting[0]), *values))
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"{name}.{function} does not take these arguments: {error}") from None


def _argument(deployment: DeploymentResult, kind: str, text: str) -> Any:
    if kind.endswith("[]"):
        return [_argument(deployment, kind[:-2], part.strip()) for part in text.split(",") if part.strip()]
    if kind.startswith("uint"):
        asset = deployment.file.asset
        if text.endswith(("%", "bps")):
            return _parsed(units.parse_bps, text)
        if text.endswith(f" {asset.symbol}"):
            return _parsed(lambda item: units.parse_amount(item, symbol=asset.symbol, decimals=asset.decimals), text)
        if text == "unlimited":
            return UNLIMITED
        if " " not in text:
            return _parsed(units.parse_integer, text)
        try:
            return units.parse_duration(text)
        except ValueError:
            raise ConfigurationError(f"{text!r} is no number, share, time, or amount of {asset.symbol}") from None
    if kind == "address":
        return deployment.addresses.get(text, text)
    if kind == "bool":
        if text not in ("yes", "no"):
            raise ConfigurationError(f"{text!r} is neither yes nor no")
        return text == "yes"
    if kind == "bytes4" and "(" in text:
        if text not in deployment.functions:
            raise ConfigurationError(f"no contract of the deployment has a function {text}")
        return function_signature_to_4byte_selector(text)
    if kind == "bytes32" and not text.startswith("0x"):
        if len(text.encode()) > 32:
            raise ConfigurationError(f"{text!r} has more than 32 bytes")
        return text.encode().ljust(32, b"\0")
    if kind.startswith("bytes"):
        try:
            return bytes.fromhex(text.removeprefix("0x"))
        except ValueError:
            raise ConfigurationError(f"{text} is not hexadecimal") from None
    raise ConfigurationError(f"arguments of type {kind} cannot be written here")


def _parsed(parse: Callable[[str], int], text: str) -> int:
    try:
        return parse(text)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None


def _identifier(text: str) -> bytes:
    try:
        value = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        value = b""
    if len(value) != 32:
        raise ConfigurationError(f"{text} is no operation id: ape run govern status shows them")
    return value


def _find(path: Path, web3: Web3, deployer: str) -> DeploymentResult:
    file = load(path)
    return find(file, web3, deployer, record=records.path_of(file, Node(web3)))


def _print(content: dict[str, Any], as_json: bool) -> None:
    if as_json:
        emit_json(content, indent=2)
        return
    table = Table(show_header=False, box=None)
    table.add_column()
    table.add_column(overflow="fold")
    for key, value in content.items():
        table.add_row(key.replace("_", " "), "\n".join(value) if isinstance(value, list) else str(value))
    out.print(table)

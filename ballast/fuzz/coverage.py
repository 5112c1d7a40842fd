"""Which lines and branches of the contracts a machine's runs reach: anvil's traces, read by solc's source maps.

(pyrevm can trace too, at a millisecond and more for each instruction.)

A line is one on which a statement begins; a branch is one of the two ways out of an `if`, a `?:` or a loop. Code that
several contracts share (a base contract, an inlined library) is reached when any of them reaches it.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ballast.environment import ROOT
from ballast.fuzz import build as builds
from ballast.fuzz.chain import FuzzError, Reverted
from ballast.fuzz.machine import Broken, Step
from ballast.fuzz.node import Anvil
from ballast.fuzz.solc import compile_all
from ballast.fuzz.targets import Target, machine_class
from ballast.replica import builder
from ballast.replica.node import Node

#: rooms whose code is looked at
ROOMS = ("vault", "strategies", "venues", "risk", "governance")
#: of the views of one function one in so many is traced: they ask much the same each time
SAMPLED = 50

_JUMPDEST, _JUMPI = 0x5B, 0x57
#: after these a block ends: STOP, JUMP, JUMPI, RETURN, REVERT, INVALID, SELFDESTRUCT
_ENDS = {0x00, 0x56, _JUMPI, 0xF3, 0xFD, 0xFE, 0xFF}
_STATEMENTS = {
    "Break",
    "Continue",
    "DoWhileStatement",
    "EmitStatement",
    "ExpressionStatement",
    "ForStatement",
    "IfStatement",
    "InlineAssembly",
    "Return",
    "RevertStatement",
    "TryStatement",
    "VariableDeclarationStatement",
    "WhileStatement",
}
_FORKS = {"IfStatement", "Conditional", "ForStatement", "WhileStatement", "DoWhileStatement"}


class Span(NamedTuple):
    """A part of a source file."""

    file: str
    start: int
    length: int


@dataclass(frozen=True)
class Code:
    """A contract's code as it runs, and where in the sources each instruction comes from."""

    name: str
    runtime: bytes
    #: parts that the constructor fills in
    immutable: tuple[tuple[int, int], ...]
    spans: dict[int, Span]
    #: instructions by the block that they are in, each named by its first
    blocks: dict[int, list[int]]

    def matches(self, code: bytes) -> bool:
        """Whether `code`, as found on the chain, is this contract's."""
        return len(code) == len(self.runtime) and self.masked(code) == self.masked(self.runtime)

    def masked(self, code: bytes) -> bytes:
        """Return `code` without what differs from one deployment to another, and without its metadata."""
        kept = bytearray(code)
        for start, length in self.immutable:
            kept[start : start + length] = bytes(length)
        return bytes(kept[: len(kept) - int.from_bytes(kept[-2:], "big") - 2])


@dataclass
class Sources:
    """What there is to be reached."""

    codes: list[Code]
    #: first line of each statement, by the part of the source that it is
    lines: dict[Span, int]
    forks: dict[Span, int]
    _statement: dict[Span, Span | None] = field(default_factory=dict)
    _by_file: dict[str, list[Span]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for span in self.lines:
            self._by_file[span.file].append(span)

    def statement(self, span: Span) -> Span | None:
        """Return the innermost statement around a part of the source."""
        if span not in self._statement:
            around = [
                each
                for each in self._by_file[span.file]
                if each.start <= span.start and span.start + span.length <= each.start + each.length
            ]
            self._statement[span] = min(around, key=lambda each: each.length, default=None)
        return self._statement[span]


@dataclass
class Reached:
    """What was reached of each contract: its blocks, and the ways taken out of each conditional jump."""

    blocks: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    ways: dict[str, set[tuple[int, bool]]] = field(default_factory=lambda: defaultdict(set))


@dataclass(frozen=True)
class FileCoverage:
    """How much of one source file was reached."""

    file: str
    lines: int
    lines_reached: int
    branches: int
    branches_reached: int
    #: lines not reached, and lines of forks of which a way was not taken
    missing: tuple[int, ...]
    one_way: tuple[int, ...]


class Traced(Anvil):
    """anvil, telling what it executes."""

    _reached: Reached | None = None

    def watch(self, codes: Sequence[Code], reached: Reached) -> None:
        """Tell `reached` of all calls from now on."""
        self._codes, self._reached = codes, reached
        self._forget()
        self._asked: dict[str, int] = defaultdict(int)

    def _forget(self) -> None:
        self._known: dict[str, Code | None] = {}
        self._contracts: set[str] = set()

    def restore(self, snapshot: int) -> None:
        self._forget()
        super().restore(snapshot)

    def _call(self, transaction: dict[str, str]) -> bytes:
        if self._reached is not None and "to" in transaction:
            function = "" if "from" in transaction else transaction["data"][:10]
            self._asked[function] += 1
            if not function or self._asked[function] % SAMPLED == 1:
                self._trace(transaction)
        return super()._call(transaction)

    def _trace(self, transaction: dict[str, str]) -> None:
        plain = {"disableStorage": True, "disableStack": True, "disableMemory": True}
        steps = self._request("debug_traceCall", transaction, "latest", plain)["structLogs"]
        calls = self._request("debug_traceCall", transaction, "latest", {"tracer": "callTracer"})
        #: frames that are open: the code that runs there, and the calls that it still makes
        frames = [self._frame(calls)]
        jumped: tuple[Code, int, int] | None = None
        for step in steps:
            depth, pc, op = step["depth"], step["pc"], step["op"]
            if depth > len(frames):
                frames.append(self._frame(next(frames[-1][1])))
            del frames[depth:]
            if jumped and jumped[2] == depth:
                code, at, _ = jumped
                taken = pc != at + 1
                self._reached.ways[code.name].add((at, taken))
                if not taken:
                    self._reached.blocks[code.name].add(pc)
            code = frames[-1][0]
            jumped = (code, pc, depth) if code and op == "JUMPI" else None
            if code and op == "JUMPDEST":
                self._reached.blocks[code.name].add(pc)

    def _frame(self, call: dict[str, Any]) -> tuple[Code | None, Iterator[dict[str, Any]]]:
        code = None if call["type"].startswith("CREATE") else self._code(call["to"])
        if code:
            self._reached.blocks[code.name].add(0)
        made = call.get("calls", [])
        # what has no code takes no steps
        return code, iter([each for each in made if each["type"].startswith("CREATE") or self._is_contract(each["to"])])

    def _is_contract(self, address: str) -> bool:
        self._code(address)
        return address in self._contracts

    def _code(self, address: str) -> Code | None:
        if address not in self._known:
            found = self.code(address)
            if found:
                self._contracts.add(address)
            self._known[address] = next((each for each in self._codes if each.matches(found)), None)
        return self._known[address]


def cover(
    target: Target,
    runs: Iterable[Sequence[Step]],
    *,
    seconds: float = float("inf"),
    progress: Callable[[int, int], None] = lambda runs, steps: None,
) -> tuple[list[FileCoverage], int, int]:
    """Replay runs until they end or the time is up; say what they reach, file by file, and count runs and steps.

    Raises
    ------
    FuzzError
        The target is a node: coverage runs on an empty chain or on the replica's state.
    """
    check(target)
    sources = read_sources()
    reached = Reached()
    taken = steps = 0
    options = ["--load-state", str(builder.current().state)] if target.upstream == "replica" else []
    with Node.temporary(options) as node:
        chain = Traced(node.rpc)
        machine = machine_class(target.machine)(chain, builds.load())
        chain.watch(sources.codes, reached)
        until = time.monotonic() + seconds
        for run in runs:
            if time.monotonic() > until:
                break
            machine.restart()
            taken += 1
            try:
                for step in run:
                    if time.monotonic() > until:
                        break
                    machine.take(step)
                    steps += 1
                    progress(taken, steps)
            except (Broken, Reverted):
                continue  # for a campaign to tell; what was reached until then counts
    return measure(sources, reached), taken, steps


def check(target: Target) -> None:
    """Raise FuzzError unless coverage can run there."""
    if target.upstream not in ("none", "replica"):
        raise FuzzError("coverage runs on an empty chain or on the replica: --upstream none, or replica")


def measure(sources: Sources, reached: Reached) -> list[FileCoverage]:
    """Count lines and branches, file by file."""
    there: set[Span] = set()
    done: set[Span] = set()
    ways: dict[Span, set[bool]] = defaultdict(set)
    forks: set[Span] = set()
    for code in sources.codes:
        seen = {pc for first in reached.blocks[code.name] for pc in code.blocks.get(first, ())}
        for pc, span in code.spans.items():
            statement = sources.statement(span)
            if statement:
                there.add(statement)
                if pc in seen:
                    done.add(statement)
            if span in sources.forks and code.runtime[pc] == _JUMPI:
                forks.add(span)
                ways[span] |= {taken for taken in (True, False) if (pc, taken) in reached.ways[code.name]}
    told = []
    for file in sorted({span.file for span in there}):
        lines = {sources.lines[span] for span in there if span.file == file}
        hit = {sources.lines[span] for span in done if span.file == file}
        ours = [span for span in forks if span.file == file]
        told.append(
            FileCoverage(
                file,
                len(lines),
                len(hit),
                2 * len(ours),
                sum(len(ways[span]) for span in ours),
                tuple(sorted(lines - hit)),
                tuple(sorted(sources.forks[span] for span in ours if len(ways[span]) < 2)),
            )
        )
    return told


def read_sources() -> Sources:
    """Compile the contracts as Ape does, with what says which instruction comes from where."""
    paths = [
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in sorted((ROOT / "contracts" / room).glob("*.sol"))
    ]
    answer = compile_all(paths, {}, ["evm.deployedBytecode"], ast=True)
    names = {source["id"]: name for name, source in answer["sources"].items()}
    lines: dict[Span, int] = {}
    forks: dict[Span, int] = {}
    for name in paths:
        text = (ROOT / name).read_bytes()
        for node in _nodes(answer["sources"][name]["ast"]):
            kind = node["nodeType"]
            if kind not in _STATEMENTS and kind not in _FORKS:
                continue
            start, length, _ = map(int, node["src"].split(":"))
            line = text.count(b"\n", 0, start) + 1
            if kind in _STATEMENTS:
                lines[Span(name, start, length)] = line
            if kind in _FORKS:
                forks[Span(name, start, length)] = line
    codes = []
    for name in paths:
        for contract, made in answer["contracts"].get(name, {}).items():
            deployed = made["evm"]["deployedBytecode"]
            if deployed["object"]:
                codes.append(_code(contract, deployed, names, set(paths)))
    return Sources(codes, lines, forks)


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "nodeType" in node and "src" in node:
            yield node
        for value in node.values():
            yield from _nodes(value)
    elif isinstance(node, list):
        for value in node:
            yield from _nodes(value)


def _code(name: str, deployed: dict[str, Any], names: dict[int, str], ours: set[str]) -> Code:
    # unlinked libraries stand as placeholders: none of our contracts has one
    runtime = bytes.fromhex(deployed["object"])
    immutable = tuple(
        (place["start"], place["length"])
        for places in deployed.get("immutableReferences", {}).values()
        for place in places
    )
    spans: dict[int, Span] = {}
    blocks: dict[int, list[int]] = {}
    start = length = 0
    file = -1
    entries = deployed["sourceMap"].split(";")
    pc = first = 0
    for entry in entries:
        if pc >= len(runtime):
            break
        parts = entry.split(":")
        start = int(parts[0]) if parts[0] else start
        length = int(parts[1]) if len(parts) > 1 and parts[1] else length
        file = int(parts[2]) if len(parts) > 2 and parts[2] else file
        op = runtime[pc]
        if op == _JUMPDEST:
            first = pc
        blocks.setdefault(first, []).append(pc)
        if names.get(file) in ours:
            spans[pc] = Span(names[file], start, length)
        ended = op in _ENDS
        pc += 1 + (op - 0x5F if 0x60 <= op <= 0x7F else 0)
        if ended:
            first = pc
    return Code(name, runtime, immutable, spans, blocks)

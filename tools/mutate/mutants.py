"""Small changes of Solidity sources, found on the compiler's syntax tree, so that each is a change of code."""

import difflib
import hashlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

#: an operator and what takes its place
OPERATORS = {
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
    "==": ("!=",),
    "!=": ("==",),
    "+": ("-",),
    "-": ("+",),
    "*": ("/",),
    "/": ("*",),
    "%": ("*",),
    "&&": ("||",),
    "||": ("&&",),
    "&": ("|",),
    "|": ("&",),
    "<<": (">>",),
    ">>": ("<<",),
    "+=": ("-=", "="),
    "-=": ("+=", "="),
    "|=": ("&=", "="),
}
#: functions and what takes their place: the other rounding, the other end
FUNCTIONS = {
    "min": "max",
    "max": "min",
    "fullMulDiv": "fullMulDivUp",
    "fullMulDivUp": "fullMulDiv",
    "_toSharesDown": "_toSharesUp",
    "_toSharesUp": "_toSharesDown",
    "_toAssetsDown": "_toAssetsUp",
    "_toAssetsUp": "_toAssetsDown",
}


@dataclass(frozen=True)
class Mutant:
    """One change of one file: the bytes from `start` to `end` become `new`."""

    file: str
    start: int
    end: int
    new: str
    #: what kind of change
    kind: str
    line: int
    old: str

    #: the function around it (name and number of parameters), the text of the line it begins in and where in it, and
    #: how many lines like it stand above in that function
    function: str
    text: str
    column: int
    repeat: int

    @property
    def id(self) -> str:
        """Its name: by what is around it and not by its place, so that it keeps it when other lines move."""
        parts = self.file, self.function, self.text, self.column, self.repeat, self.kind, self.old, self.new
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:10]

    def apply(self, text: str) -> str:
        """Return the text of the file with the change."""
        raw = text.encode()
        return (raw[: self.start] + self.new.encode() + raw[self.end :]).decode()

    def diff(self, text: str) -> str:
        """Return the change as a patch of the file."""
        lines = difflib.unified_diff(
            text.splitlines(), self.apply(text).splitlines(), self.file, self.file, n=1, lineterm=""
        )
        return "\n".join(lines)


def find(file: str, text: str, tree: dict) -> list[Mutant]:
    """Return the changes of a file, given its syntax tree, in the order of the text and each once."""
    raw = text.encode()
    lines = text.splitlines()
    found = {}
    for function, (start, end, new, kind) in _walk(tree, raw, ("", 0)):
        number = raw.count(b"\n", 0, start)
        line = lines[number].strip()
        before = raw[raw.rfind(b"\n", 0, start) + 1 : start].decode()
        repeat = [each.strip() for each in lines[function[1] : number]].count(line)
        place = function[0], line, len(before.lstrip()), repeat
        found[start, end, new] = Mutant(file, start, end, new, kind, number + 1, raw[start:end].decode(), *place)
    return [found[key] for key in sorted(found)]


def _span(node: dict) -> tuple[int, int]:
    start, length, _ = map(int, node["src"].split(":"))
    return start, start + length


#: bytes from .. to, what takes their place, what kind of change that is
Change = tuple[int, int, str, str]


def _walk(node: object, raw: bytes, function: tuple[str, int]) -> Iterator[tuple[tuple[str, int], Change]]:
    """Yield each change with the function that it is in, and the line that one begins in."""
    if isinstance(node, list):
        for item in node:
            yield from _walk(item, raw, function)
    if not isinstance(node, dict) or node.get("nodeType") in ("ImportDirective", "PragmaDirective", "InlineAssembly"):
        return
    if node.get("nodeType") in ("FunctionDefinition", "ModifierDefinition"):
        name = f"{node['name'] or node.get('kind', '')}/{len(node['parameters']['parameters'])}"
        function = name, raw.count(b"\n", 0, _span(node)[0])
    if "src" in node:
        for change in _changes(node, raw):
            yield function, change
    for key, value in node.items():
        if key not in ("typeDescriptions", "documentation", "overrides"):
            yield from _walk(value, raw, function)


def _changes(node: dict, raw: bytes) -> Iterator[Change]:
    start, end = _span(node)
    match node["nodeType"]:
        case "BinaryOperation":
            yield from _operator(node, "leftExpression", "rightExpression", raw)
        case "Assignment" if node["operator"] != "=":
            yield from _operator(node, "leftHandSide", "rightHandSide", raw)
        case "UnaryOperation" if node["operator"] in ("!", "-", "~") and node["prefix"]:
            yield start, start + 1, "", "drop operator"
        case "UnaryOperation" if node["operator"] in ("++", "--") and node["prefix"]:
            yield start, start + 2, "--" if node["operator"] == "++" else "++", "operator"
        case "Literal" if node["kind"] == "bool":
            yield start, end, "false" if node["value"] == "true" else "true", "constant"
        case "Literal" if node["kind"] == "number":
            yield from _number(node, raw[start:end].decode(), start)
        case "IfStatement" | "Conditional":
            first, last = _span(node["condition"])
            yield first, last, "true", "condition"
            yield first, last, "false", "condition"
        case "ExpressionStatement" | "EmitStatement" | "RevertStatement" | "Continue" | "Break":
            # some nodes end before their semicolon; the step of a for loop has none
            last = end if raw[end - 1 : end] == b";" else end + 1
            if raw[last - 1 : last] == b";":
                yield start, last, "{}", "drop statement"
        case "ModifierInvocation" if node.get("kind") == "modifierInvocation":
            yield start, end, "", "drop modifier"
        case "FunctionCall":
            yield from _call(node, raw)


def _operator(node: dict, left: str, right: str, raw: bytes) -> Iterator[Change]:
    between = _span(node[left])[1], _span(node[right])[0]
    gap = raw[slice(*between)]
    at = gap.find(node["operator"].encode())
    for new in OPERATORS.get(node["operator"], ()) if at >= 0 else ():
        yield between[0] + at, between[0] + at + len(node["operator"]), new, "operator"


def _number(node: dict, text: str, start: int) -> Iterator[Change]:
    digits = re.match(r"[\d_]+(?![\w.])", text)
    if digits:
        value = int(digits.group().replace("_", ""))
        for new in (value + 1, value - 1):
            if new >= 0:
                yield start, start + digits.end(), str(new), "constant"


def _call(node: dict, raw: bytes) -> Iterator[Change]:
    called = node["expression"]
    name = called.get("memberName") or called.get("name") or ""
    if name in FUNCTIONS:
        end = _span(called)[1]
        yield end - len(name), end, FUNCTIONS[name], "function"
    if node.get("kind") != "functionCall":
        return
    arguments = node["arguments"]
    for first, second in itertools.pairwise(arguments):
        if first["typeDescriptions"]["typeString"] == second["typeDescriptions"]["typeString"]:
            (a, b), (c, d) = _span(first), _span(second)
            if raw[a:b] != raw[c:d]:
                yield a, d, (raw[c:d] + raw[b:c] + raw[a:b]).decode(), "swap arguments"

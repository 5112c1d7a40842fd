"""YAML with line numbers: every scalar stays the text that was written, and every path knows its line.

Text, because YAML would read an unquoted 0x… address as a number and 1_000 in a way of its own.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ballast.errors import DeploymentError

#: keys and list positions from the top of the file to a value
Place = tuple[str | int, ...]


class DeploymentFileError(DeploymentError):
    """A deployment file is refused; one line for each reason, with the file and the line."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = reasons


@dataclass
class Source:
    """What a YAML file says and where."""

    path: Path
    content: Any = None
    lines: dict[Place, int] = field(default_factory=dict)

    def line(self, place: Place) -> int:
        """Return the line of `place`, or of what it would be in."""
        while place not in self.lines:
            place = place[:-1]
        return self.lines[place]

    def reason(self, place: Place, text: str) -> str:
        """Return `file:line: place: text`."""
        name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")
        return f"{self.path}:{self.line(place)}: {name + ': ' if name else ''}{text}"


def read(path: Path) -> Source:
    """Read a YAML file whose top is a mapping.

    Raises
    ------
    DeploymentFileError
        The file cannot be read, is no YAML, or holds a key twice.
    """
    source = Source(path)
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except FileNotFoundError:
        raise DeploymentFileError([f"{path}: no such file"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DeploymentFileError([f"{path}: cannot be read: {error}"]) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DeploymentFileError([f"{path}:{line}: no YAML: {error.problem}"]) from None
    except yaml.YAMLError as error:
        raise DeploymentFileError([f"{path}: no YAML: {str(error).splitlines()[0]}"]) from None
    if not isinstance(root, yaml.MappingNode):
        raise DeploymentFileError([f"{path}:1: should be a mapping of keys to values"])
    reasons: list[str] = []
    source.lines[()] = 1
    source.content = _value(root, (), source, reasons)
    if reasons:
        raise DeploymentFileError(reasons)
    return source


def _value(node: yaml.Node, place: Place, source: Source, reasons: list[str]) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return node.value
    if isinstance(node, yaml.SequenceNode):
        items = []
        for index, item in enumerate(node.value):
            source.lines[*place, index] = item.start_mark.line + 1
            items.append(_value(item, (*place, index), source, reasons))
        return items
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        if key in mapping:
            reasons.append(f"{source.path}:{key_node.start_mark.line + 1}: {key} stands here twice")
            continue
        source.lines[*place, key] = key_node.start_mark.line + 1
        mapping[key] = _value(value_node, (*place, key), source, reasons)
    return mapping

"""What was measured, kept in a file, and compared with what is measured now."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from ballast.environment import ROOT
from ballast.gas import story
from ballast.gas.chain import Chain
from ballast.gas.errors import GasError
from ballast.gas.story import Rows

SNAPSHOT: Final = ROOT / "tests" / "gas" / "snapshot.json"
RENEW: Final = "make gas UPDATE=1"


@dataclass(frozen=True)
class Measurement:
    """Gas of every row by vault, and code sizes in bytes by contract."""

    gas: Mapping[str, Rows]
    size: Mapping[str, int]

    @staticmethod
    def of(chain: Chain, **options: Any) -> "Measurement":
        """Measure on `chain`; options as of `story.measure`."""
        return Measurement(story.measure(chain, **options), story.sizes(chain))

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as JSON-ready values."""
        return asdict(self)

    def lines(self) -> dict[tuple[str, str], int]:
        """Return every figure under the vault and row, or contract, that it belongs to."""
        found = {(name, row): gas for name, rows in self.gas.items() for row, gas in rows.items()}
        return found | {(name, "code size"): size for name, size in self.size.items()}


@dataclass(frozen=True)
class Change:
    """One figure that is not what the snapshot has. None: there is none."""

    subject: str
    row: str
    was: int | None
    now: int | None

    @property
    def grew(self) -> bool:
        """Whether the snapshot does not allow it: dearer, or a figure it does not have, or no longer measured."""
        return self.was is None or self.now is None or self.now > self.was

    def __str__(self) -> str:
        what = f"{self.subject}: {self.row}"
        if self.was is None:
            return f"{what}: {self.now:,}, and the snapshot has none"
        if self.now is None:
            return f"{what}: no longer measured, {self.was:,} in the snapshot"
        return f"{what}: {self.was:,} -> {self.now:,} ({self.now - self.was:+,})"


def compare(kept: Measurement, measured: Measurement) -> list[Change]:
    """Return what differs, in the order of the measurement."""
    old, new = kept.lines(), measured.lines()
    return [Change(*key, old.get(key), new.get(key)) for key in {**new, **old} if old.get(key) != new.get(key)]


def read(path: Path | None = None) -> Measurement:
    """Return a kept measurement.

    Raises
    ------
    GasError
        There is none, or it holds something else.
    """
    path = path or SNAPSHOT
    try:
        content = json.loads(path.read_text())
        found = Measurement(content["gas"], content["size"])
        whole = all(type(figure) is int for figure in found.lines().values())
    except FileNotFoundError:
        raise GasError(f"no snapshot at {_shown(path)}: `{RENEW}` writes one") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        whole = False
    if not whole:
        raise GasError(f"{_shown(path)} is no snapshot of gas: `{RENEW}` writes it anew")
    return found


def write(measured: Measurement) -> None:
    """Keep a measurement."""
    SNAPSHOT.write_text(json.dumps(measured.as_dict(), indent=2) + "\n")


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)

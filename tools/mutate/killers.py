"""What a mutant meets, the quickest first; it survives when it has met them all and none has noticed it."""

import hashlib
from collections import Counter
from pathlib import Path

from ballast.environment import ROOT
from tools.mutate.rooms import Room

TESTS = ROOT / "tests"
#: whose tests a mutant meets
FOLDERS = ("unit/vault", "attacks", "stateful", "regressions")
ON_FORK = "--network ethereum:mainnet-fork:foundry"
PYTEST = "-x -q -p no:cacheprovider"
#: a test file that needs no chain but revm in its own process says so by its imports
IN_PROCESS = "from tests.revm_kit import"
SECONDS = 1_200


class Killers:
    """The killers, or one `command` instead of them."""

    def __init__(self, command: str | None = None) -> None:
        self.command = command
        files = sorted(path for folder in FOLDERS for path in (TESTS / folder).glob("test_*.py"))
        self.files = {path.relative_to(ROOT).as_posix(): path.read_text() for path in files}
        others = [path for path in sorted(TESTS.rglob("*.py")) if not path.name.startswith("test_")]
        shared = [*others, *sorted((ROOT / "ballast" / "fuzz").glob("*.py")), Path(__file__).with_name("hunt.py")]
        #: what killed stands on: its own text, and what all share
        self.shared = digest(*(path.read_text() for path in shared))
        self.here = [file for file in self.files if IN_PROCESS in self.files[file]]
        #: what those stand on that nothing has noticed: the quick killers, or all
        self.quick = digest(self.shared, *self.here, *map(self.files.get, self.here), command or "")
        self.all = digest(self.shared, *self.files, *self.files.values(), command or "")

    def stands(self, result: dict) -> bool:
        """Whether an earlier result still holds."""
        match result["result"]:
            case "unnoticed":
                return result["met"] == self.quick
            case "survived":
                return result["met"] == self.all
            case "killed":
                return result["met"] == self._met(result["file"])
        return True

    def _met(self, file: str) -> str:
        return digest(self.shared, self.files.get(file, ""))

    def judge(self, room: Room, earlier: dict[str, dict], *, slow: bool) -> dict:
        """Let what is in the room meet the quick killers, or the slow; those that killed most `earlier` come first."""
        said = ""
        for command in self._commands(earlier, slow=slow):
            code, said = room.run(command, SECONDS)
            if code is None:
                return {"result": "killed", "by": "out of time", "file": "", "met": self._met(""), "said": said}
            if code < 0:
                return {"result": "ended", "said": said}
            if code:
                by, file = _killer(said)
                return {"result": "killed", "by": by, "file": file, "met": self._met(file), "said": said}
        if slow:
            return {"result": "survived", "met": self.all, "said": said}
        return {"result": "unnoticed", "met": self.quick, "said": said}

    def _commands(self, earlier: dict[str, dict], *, slow: bool) -> list[str]:
        if self.command:
            return [self.command] if slow else []
        kills = Counter(each.get("file") for each in earlier.values())
        order = sorted(self.files, key=lambda file: (-kills[file], len(self.files[file])))
        if slow:
            on_fork = [file for file in order if file not in self.here]
            return [f"{{bin}}/ape test {ON_FORK} {PYTEST} {' '.join(on_fork)}"]
        here = [file for file in order if file in self.here]
        return [
            "{bin}/python -m tools.mutate.hunt",
            f"{{bin}}/python -m pytest -p no:ape_test {PYTEST} {' '.join(here)}",
        ]


def _killer(said: str) -> tuple[str, str]:
    """Return which test failed, and its file."""
    failed = [line.split(" ", 1)[1] for line in said.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    if not failed:
        return "", ""
    file, _, test = failed[0].partition("::")
    return test.split(" - ")[0][:160], file


def digest(*texts: str) -> str:
    """Return a short hash of texts."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]

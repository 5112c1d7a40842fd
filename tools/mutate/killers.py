"""What a mutant meets, the quickest first; it survives when it has met them all and none has noticed it."""

import hashlib
from collections import Counter
from pathlib import Path

from ballast.environment import ROOT
from tools.mutate.rooms import Room

TESTS = ROOT / "tests"
#: whose tests a mutant meets
FOLDERS = ("unit/vault", "attacks", "stateful", "regressions")
PYTEST = "-x -q -p no:cacheprovider"
#: tests that revm cannot play: there every slot is warm, and gas is what this one is about
ON_ANVIL = ("tests/attacks/test_queue.py::test_low_gas__does_not_make_a_sound_strategy_look_broken",)
SECONDS = 600


class Killers:
    """The killers, or one `command` instead of them."""

    def __init__(self, command: str | None = None) -> None:
        self.command = command
        files = sorted(path for folder in FOLDERS for path in (TESTS / folder).glob("test_*.py"))
        self.files = {path.relative_to(ROOT).as_posix(): path.read_text() for path in files}
        others = [path for path in sorted(TESTS.rglob("*.py")) if not path.name.startswith("test_")]
        ours = [Path(__file__).with_name(name) for name in ("hunt.py", "onrevm.py")]
        #: what killed stands on: its own text, and what all share
        shared = [*others, *sorted((ROOT / "ballast" / "fuzz").glob("*.py")), *ours]
        self.shared = digest(*(path.read_text() for path in shared))
        #: what a survivor stands on
        self.all = digest(self.shared, *self.files, *self.files.values(), command or "")

    def stands(self, result: dict) -> bool:
        """Whether an earlier result still holds."""
        match result["result"]:
            case "survived":
                return result["met"] == self.all
            case "killed":
                return result["met"] == self._met(result["file"])
        return result["result"] in ("no code", "same code")

    def _met(self, file: str) -> str:
        return digest(self.shared, self.files.get(file, ""))

    def judge(self, room: Room, earlier: dict[str, dict]) -> dict:
        """Let what is in the room meet the killers; test files that killed most `earlier` come first."""
        said = ""
        for command in [self.command] if self.command else self._commands(earlier):
            code, said = room.run(command, SECONDS)
            if code is None:
                return {"result": "killed", "by": "out of time", "file": "", "met": self._met(""), "said": said}
            if code < 0:
                return {"result": "ended", "said": said}
            if code:
                by, file = _killer(said)
                return {"result": "killed", "by": by, "file": file, "met": self._met(file), "said": said}
        return {"result": "survived", "met": self.all, "said": said}

    def _commands(self, earlier: dict[str, dict]) -> list[str]:
        kills = Counter(each.get("file") for each in earlier.values())
        files = sorted(self.files, key=lambda file: (-kills[file], len(self.files[file])))
        but = " ".join(f"--deselect {test}" for test in ON_ANVIL)
        return [
            "{bin}/python -m tools.mutate.hunt",
            f"{{bin}}/python -m pytest -p no:ape_test -p tools.mutate.onrevm {PYTEST} {but} {' '.join(files)}",
            f"{{bin}}/ape test --network ethereum:mainnet-fork:foundry {PYTEST} {' '.join(ON_ANVIL)}",
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

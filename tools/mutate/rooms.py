"""Where a mutant meets the tests: a copy of the project whose compiled code is exchanged."""

import json
import os
import shlex
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from ballast import compiled
from ballast.environment import ROOT

#: `ballast` too: where it lies is what it takes for the project
COPIED = (
    "ape-config.yaml",
    "ballast",
    "contracts",
    "interfaces",
    "package-lock.json",
    "pyproject.toml",
    "tests",
    ".build",
)
LINKED = ("deployments", "docs", "node_modules", "requirements.lock", "scripts", "tools", ".tools")


class Room:
    """A copy of the project in build/mutate/room-N. Its sources stay as they are: Ape finds nothing to compile."""

    def __init__(self, number: int) -> None:
        self.folder = ROOT / "build" / "mutate" / f"room-{number}"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for name in COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, self.folder / name)
        for name in LINKED:
            (self.folder / name).symlink_to(ROOT / name)
        self.compiled = self.folder / compiled.FILE.relative_to(ROOT)
        self.whole = json.loads(self.compiled.read_text())
        self.running: subprocess.Popen | None = None

    def put(self, code: dict[str, tuple[str, str]]) -> None:
        """Exchange the compiled code of contracts: name -> (creation, runtime), hex without 0x."""
        changed = json.loads(json.dumps(self.whole))
        for name, (creation, runtime) in code.items():
            changed["contractTypes"][name]["deploymentBytecode"]["bytecode"] = "0x" + creation
            changed["contractTypes"][name]["runtimeBytecode"]["bytecode"] = "0x" + runtime
        self.compiled.write_text(json.dumps(changed))
        compiled.stamp(self.folder)

    def run(self, command: str, seconds: float) -> tuple[int | None, str]:
        """Run the killing command; return its exit code (None: out of time) and what it printed."""
        self.running = subprocess.Popen(
            shlex.split(command.format(bin=ROOT / ".venv" / "bin", room=self.folder, root=ROOT)),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,  # a group of its own, so that the chains it starts end with it
        )
        try:
            said, _ = self.running.communicate(timeout=seconds)
            return self.running.returncode, said
        except subprocess.TimeoutExpired:
            return None, ""
        finally:
            self.end()

    def end(self) -> None:
        """End what runs here, chains included."""
        if self.running:
            with suppress(ProcessLookupError):
                os.killpg(self.running.pid, signal.SIGKILL)
            self.running.wait()
            self.running = None


def log(folder: Path, name: str, said: str) -> None:
    """Keep the end of what a run printed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.txt").write_text(said[-20_000:])

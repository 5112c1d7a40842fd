"""Packages that carry the replica's contracts: fetched once by npm and pip, pinned by hash, never installed."""

import base64
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from ballast.environment import TOOLS
from ballast.errors import ReplicaError

LOCK_FILE = Path(__file__).parent / "packages.lock"
FOLDER = TOOLS / "packages"


@dataclass(frozen=True)
class Package:
    """One row of the lock file; reads its files straight from the archive."""

    name: str
    version: str
    registry: str
    file: str
    algorithm: str
    digest: bytes

    @property
    def archive(self) -> Path:
        """Where the archive is kept."""
        return FOLDER / self.file

    def check(self) -> None:
        """Refuse an archive whose hash is not the lock file's."""
        found = hashlib.new(self.algorithm, self.archive.read_bytes()).digest()
        if found != self.digest:
            raise ReplicaError(
                f"{self.archive.name} is not {self.name} {self.version} of packages.lock ({self.algorithm} differs): "
                f"delete {self.archive} and fetch it again"
            )

    @cached_property
    def _content(self) -> dict[str, bytes] | zipfile.ZipFile:
        if not self.archive.exists():
            raise ReplicaError(f"package {self.name} {self.version} is not here: `ape run replica build` fetches it")
        self.check()
        if self.archive.suffix == ".whl":
            return zipfile.ZipFile(self.archive)
        with tarfile.open(fileobj=io.BytesIO(self.archive.read_bytes())) as tar:
            # every npm archive keeps its files under one folder, usually package/
            return {m.name.split("/", 1)[1]: tar.extractfile(m).read() for m in tar if m.isfile() and _wanted(m.name)}

    def read(self, path: str) -> bytes:
        """Read one file of the package."""
        content = self._content
        try:
            return content.read(path) if isinstance(content, zipfile.ZipFile) else content[path]
        except KeyError:
            raise ReplicaError(f"package {self.name} {self.version} has no file {path}") from None

    def read_json(self, path: str) -> dict[str, Any]:
        """Read one JSON file of the package."""
        return json.loads(self.read(path))

    def sources(self, folder: str) -> Iterator[tuple[str, str]]:
        """Yield path and text of every Solidity file under `folder`."""
        names = self._content.namelist() if isinstance(self._content, zipfile.ZipFile) else list(self._content)
        for name in sorted(names):
            if name.startswith(folder + "/") and name.endswith(".sol"):
                yield name, self.read(name).decode()


def _wanted(path: str) -> bool:
    return path.endswith((".json", ".sol"))


def load_lock() -> dict[str, Package]:
    """Read packages.lock: package name to package."""
    lock = yaml.safe_load(LOCK_FILE.read_text())
    packages = {}
    for name, row in lock["npm"].items():
        file = f"{name.lstrip('@').replace('/', '-')}-{row['version']}.tgz"
        digest = base64.b64decode(row["sha512"])
        packages[name] = Package(name, row["version"], "npm", file, "sha512", digest)
    for name, row in lock["pypi"].items():
        packages[name] = Package(name, row["version"], "pypi", row["file"], "sha256", bytes.fromhex(row["sha256"]))
    return packages


def fetch(packages: dict[str, Package] | None = None) -> list[str]:
    """Fetch the packages that are not here yet and check their hashes.

    Returns
    -------
    list of str
        Names of the packages fetched now; empty when all were here.

    Raises
    ------
    ReplicaError
        The registry is out of reach, or a package has another hash than packages.lock says.
    """
    packages = load_lock() if packages is None else packages
    missing = [package for package in packages.values() if not package.archive.exists()]
    if not missing:
        return []
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as temporary:
        folder = Path(temporary)
        _fetch_npm([package for package in missing if package.registry == "npm"], folder)
        _fetch_pypi([package for package in missing if package.registry == "pypi"], folder)
        for package in missing:
            found = folder / package.file
            if not found.exists():
                raise ReplicaError(f"{package.registry} did not deliver {package.name} {package.version}")
            if hashlib.new(package.algorithm, found.read_bytes()).digest() != package.digest:
                raise ReplicaError(
                    f"the {package.registry} package {package.name} {package.version} has another "
                    f"{package.algorithm} than packages.lock: it was changed on the way or at its source; do not use it"
                )
        for package in missing:
            (folder / package.file).replace(package.archive)
    return [package.name for package in missing]


def _fetch_npm(packages: list[Package], folder: Path) -> None:
    if packages:
        npm = shutil.which("npm")
        if npm is None:
            raise ReplicaError("npm is not on the PATH: install node 20 or newer with npm")
        names = [f"{package.name}@{package.version}" for package in packages]
        _run([npm, "pack", "--ignore-scripts", "--loglevel=error", "--pack-destination", str(folder), *names], folder)


def _fetch_pypi(packages: list[Package], folder: Path) -> None:
    if packages:
        requirements = folder / "requirements.txt"
        lines = [f"{package.name}=={package.version} --hash=sha256:{package.digest.hex()}\n" for package in packages]
        requirements.write_text("".join(lines))
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary", ":all:", "--require-hashes", "--dest", str(folder), "-r", str(requirements)]
        _run(command, folder)


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    said = done.stderr + done.stdout
    if "DO NOT MATCH THE HASHES" in said:
        raise ReplicaError("a PyPI package has another hash than packages.lock: it was changed; do not use it")
    if "No space left" in said or "ENOSPC" in said:
        raise ReplicaError("the disk is full: free some space and run it again")
    raise ReplicaError(
        f"the replica's packages could not be fetched by {Path(command[0]).name}: is the package registry within reach?"
    )

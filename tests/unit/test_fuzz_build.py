"""The build that machines run is the present one, or is refused in one line."""

import pytest

from ballast import compiled
from ballast.fuzz import build as builds
from ballast.fuzz.chain import FuzzError
from ballast.fuzz.planted import Bug, load


@pytest.fixture(autouse=True)
def anew():
    builds.load.cache_clear()
    yield
    builds.load.cache_clear()


def test_build__missing_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(compiled, "FILE", tmp_path / "none.json")
    with pytest.raises(FuzzError, match="not compiled: run"):
        builds.load()


def test_build__stale_is_said(monkeypatch, tmp_path):
    file = tmp_path / "build.json"
    file.write_text("{}")
    monkeypatch.setattr(compiled, "FILE", file)
    monkeypatch.setattr(compiled, "is_fresh", lambda: False)
    with pytest.raises(FuzzError, match="older than the sources: run"):
        builds.load()


@pytest.mark.parametrize("bug", load(), ids=lambda bug: bug.name)
def test_planted_bug__applies_to_the_present_sources(bug):
    (text,) = bug.applied().values()
    assert all(new in text for _, new in bug.patch)


def test_planted_bug__that_no_longer_applies_is_said():
    with pytest.raises(FuzzError, match="0 times, not once"):
        Bug("x", "y", "contracts/vault/Vault.sol", (("no such line", ""),), ()).applied()

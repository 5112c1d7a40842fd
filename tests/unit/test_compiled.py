"""What is compiled counts only as long as sources, settings and the compiled code are what they were."""

import json
import sys

import pytest

from ballast import compiled


@pytest.fixture
def sources_of_one(tmp_path, monkeypatch):
    files = {
        "contracts/risk/Base.sol": "contract Base {}",
        "contracts/vault/Child.sol": "contract Child is Base {}",
        "interfaces/IThing.sol": "interface IThing {}",
        "ape-config.yaml": "name: it",
        "package-lock.json": "{}",
        ".build/__local__.json": json.dumps({"contractTypes": {"Child": {"deploymentBytecode": {"bytecode": "0x60"}}}}),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(compiled, "ROOT", tmp_path)
    monkeypatch.setattr(compiled, "FILE", tmp_path / ".build" / "__local__.json")
    monkeypatch.setattr(compiled, "_STAMP", tmp_path / ".build" / "stamp")
    return tmp_path


def test_digest__is_the_same_for_the_same_files(sources_of_one):
    assert compiled._digest() == compiled._digest() != ""


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("contracts/risk/Base.sol", "{}", "{ uint256 x; }"),
        ("interfaces/IThing.sol", "{}", "{ function f() external; }"),
        ("ape-config.yaml", "it", "other"),
        ("package-lock.json", "{}", "{ }"),
        (".build/__local__.json", "0x60", "0x61"),
    ],
)
def test_digest__changes_with_every_source_and_with_the_code(sources_of_one, name, old, new):
    before = compiled._digest()
    path = sources_of_one / name
    path.write_text(path.read_text().replace(old, new))
    assert compiled._digest() != before


def test_digest__a_renamed_source_counts(sources_of_one):
    before = compiled._digest()
    (sources_of_one / "contracts/risk/Base.sol").rename(sources_of_one / "contracts/risk/Basis.sol")
    assert compiled._digest() != before


def test_ensure__does_nothing_when_all_is_as_stamped(sources_of_one, monkeypatch):
    (sources_of_one / ".build" / "stamp").write_text(compiled._digest())
    monkeypatch.setitem(sys.modules, "ape", None)  # importing it would fail
    compiled.ensure()
    (sources_of_one / "contracts/risk/Base.sol").write_text("contract Base { }")
    with pytest.raises(ImportError):
        compiled.ensure()


def test_digest__nothing_compiled_is_never_fresh(sources_of_one):
    (sources_of_one / ".build" / "__local__.json").unlink()
    assert compiled._digest() == ""

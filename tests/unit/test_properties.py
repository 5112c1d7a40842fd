"""The properties and their page tell the same, and each is checked somewhere."""

from pathlib import Path

import pytest

from ballast import properties

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", properties.ALL)
def test_property__stands_in_the_docs_word_for_word(name):
    sentence = properties.ALL[name].split(": ", 1)[1]
    assert f"| {name} | {sentence} |" in (ROOT / "docs" / "properties.md").read_text()


@pytest.mark.parametrize("name", properties.ALL)
def test_property__is_checked_where_the_docs_say(name):
    (row,) = [
        line for line in (ROOT / "docs" / "properties.md").read_text().splitlines() if line.startswith(f"| {name} ")
    ]
    for place in row.split("|")[3].split(","):
        path = ROOT / place.strip()
        files = sorted(path.rglob("test_*.py")) if path.is_dir() else [path]
        assert any(name in file.read_text() for file in files), f"{name} is not checked in {place.strip()}"

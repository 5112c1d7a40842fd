"""The page of the attacks and the tests tell the same."""

import re
from pathlib import Path

from tests.attacks.defences import Defence

FOLDER = Path(__file__).parent
PAGE = (FOLDER.parents[1] / "docs" / "attacks.md").read_text()
ROWS = range(1, 16)


def on_the_page():
    return set(re.findall(r"`(test_\w+\.py::test_\w+)`", PAGE))


def in_the_files():
    files = [file for file in FOLDER.glob("test_*.py") if file != Path(__file__)]
    return {f"{file.name}::{name}" for file in files for name in re.findall(r"^def (test_\w+)", file.read_text(), re.M)}


def test_page__names_every_attack_and_no_other():
    assert on_the_page() == in_the_files()


def test_page__has_every_row_of_the_list():
    rows = re.findall(r"^\| (\d+) \|(.*)\|$", PAGE, re.M)
    assert sorted({int(number) for number, _ in rows}) == list(ROWS)
    for number, row in rows:
        _, test, reason = (cell.strip() for cell in row.split("|"))
        assert test.startswith("`test_") or (test == "no" and len(reason) > 40), (
            f"row {number} says neither test nor why"
        )


def test_defences__are_each_taken_away_by_some_test():
    used = set(re.findall(r"Defence\.([A-Z_]+)", "".join(file.read_text() for file in FOLDER.glob("test_*.py"))))
    assert used == {defence.name for defence in Defence}

"""The rules of `make prove`: each is there, told in the docs, and has a change of the code that breaks it."""

import re

import pytest

from ballast.environment import ROOT
from tools import prove

RULES = prove.rules()


def functions():
    for path in (ROOT / "tests" / "proofs").glob("*.sol"):
        for name in re.findall(r"function (check_\w+)", path.read_text()):
            yield path.stem, name


def test_rules__are_all_the_functions_and_no_other():
    assert sorted((rule.contract, rule.function) for rule in RULES) == sorted(functions())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_rule__stands_in_the_docs_word_for_word(rule):
    assert f"| {rule.id} | {rule.says} |" in (ROOT / "docs" / "verification.md").read_text()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_rule__has_a_change_that_can_be_made(rule):
    assert (ROOT / rule.breaks.file).read_text().count(rule.breaks.old) == 1
    assert rule.breaks.old != rule.breaks.new

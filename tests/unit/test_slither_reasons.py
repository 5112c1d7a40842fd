"""What `make slither` makes of findings and reasons."""

import pytest

from ballast.errors import ConfigurationError
from tools import slither


def finding(check, function, statement="a()", contract="Vault", via="deposit"):
    parent = {"type": "contract", "name": contract, "type_specific_fields": {}}
    return {
        "check": check,
        "impact": "Low",
        "description": f"{contract}.{function}() (contracts/vault/{contract}.sol#1-3) does it, called by {via}\n\tmore",
        "elements": [
            {"type": "function", "name": function, "type_specific_fields": {"parent": parent}},
            {"type": "node", "name": statement, "type_specific_fields": {}},
        ],
    }


def judged(findings, reasons):
    return {(v.check, v.where): v.problem for v in slither.judge(slither.group(findings), slither.reasons(reasons))}


REASON = "- {check: calls-loop, where: [Vault.move], reason: few}"


def test_finding__without_a_reason_is_a_problem():
    assert judged([finding("calls-loop", "take")], "") == {("calls-loop", "Vault.take"): "no reason"}


def test_finding__with_a_reason_is_none():
    assert judged([finding("calls-loop", "move")], REASON) == {("calls-loop", "Vault.move"): ""}


def test_reason__of_one_check_does_not_cover_another():
    assert judged([finding("timestamp", "move")], REASON) == {
        ("timestamp", "Vault.move"): "no reason",
        ("calls-loop", "Vault.move"): "not found any more",
    }


def test_finding__reached_by_two_ways_counts_once():
    findings = [finding("calls-loop", "move", via="deposit"), finding("calls-loop", "move", via="redeem")]
    assert judged(findings, REASON) == {("calls-loop", "Vault.move"): ""}


def test_finding__of_one_more_statement_in_an_accepted_place_is_a_problem():
    findings = [finding("calls-loop", "move", "a()"), finding("calls-loop", "move", "b()")]
    assert judged(findings, REASON) == {("calls-loop", "Vault.move"): "2 found, 1 accepted"}
    assert judged(findings, REASON.replace("Vault.move", "Vault.move x2")) == {("calls-loop", "Vault.move"): ""}


def test_pattern__covers_any_name_and_must_still_find_something():
    pattern = "- {check: timestamp, where: [Vault.*], reason: time}"
    assert judged([finding("timestamp", "move"), finding("timestamp", "take")], pattern) == {
        ("timestamp", "Vault.move"): "",
        ("timestamp", "Vault.take"): "",
    }
    assert judged([finding("timestamp", "move", contract="Oracle")], pattern) == {
        ("timestamp", "Oracle.move"): "no reason",
        ("timestamp", "Vault.*"): "not found any more",
    }


@pytest.mark.parametrize(
    "text",
    [
        "- {check: timestamp, where: [Vault.move]}",
        "- {check: timestamp, where: [Vault.move], reason: ''}",
        "- {check: timestamp, where: [], reason: time}",
        "- {check: timestamp, where: [Vault.move, Vault.move], reason: time}",
    ],
)
def test_reasons__that_are_incomplete_or_said_twice_are_refused(text):
    with pytest.raises(ConfigurationError, match=r"slither\.yaml"):
        slither.reasons(text)


def test_reasons__of_the_project_can_be_read():
    assert slither.reasons(slither.REASONS.read_text())

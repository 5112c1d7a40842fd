"""Fixtures for tests of the vault alone: a vault over a stand-in token, strategies whose fortune the test decides, and
actors named by what they do. Imported by the conftest of each folder that needs them."""

import pytest

from tests.actors import *

UNIT = 10**6
DAY = 86_400
YEAR = 365 * DAY
UNLIMITED = 2**128 - 1
#: StrategyStandIn.Fault
NONE, REVERTS, BURNS_GAS, SHORT, OVERSTATES, ANSWERS_NOTHING, TAKES_FEE, SAYS_FEE = range(8)
PAYS_SILENTLY, TAKES_SILENTLY, CHARGES_ENTRY, KEEPS_SHARES, ANSWERS_ZERO, TAKES_HALF = range(8, 14)
NOBODY = "0x0000000000000000000000000000000000000000"

TERMS = {
    "performanceFeeBps": 0,
    "managementFeeBps": 0,
    "growthCapBps": 65_535,
    "unlockPeriod": 10 * DAY,
    "reportPeriod": DAY,
    "lossBudgetBps": 100,
    "lossWindow": DAY,
}


@pytest.fixture(scope="module")
def make_token(project, owner, depositor, second_depositor, attacker):
    def make(decimals=6):
        token = owner.deploy(project.TokenStandIn, decimals)
        for holder in (depositor, second_depositor, attacker):
            token.mint(holder, 10**9 * 10**decimals, sender=owner)
        return token

    return make


@pytest.fixture(scope="module")
def code(project, owner):
    """The vault's code at other addresses: what keeps its books, sets its rules, shows its views."""
    return tuple(owner.deploy(part) for part in (project.VaultBooks, project.VaultRules, project.VaultViews))


@pytest.fixture(scope="module")
def make_vault(project, code, owner, guardian, curator, fee_recipient, depositor, second_depositor, attacker):
    def make(token, *, made_of=None, **terms):
        config = {**TERMS, **terms}
        container, *others = made_of or (project.Vault, *code)
        vault = owner.deploy(
            container,
            (
                token.address,
                "Ballast test vault",
                "bTEST",
                owner.address,
                guardian.address,
                curator.address,
                fee_recipient.address,
                *(config[key] for key in TERMS),
            ),
            *others,
        )
        for holder in (depositor, second_depositor, attacker):
            token.approve(vault, 2**256 - 1, sender=holder)
        return vault

    return make


@pytest.fixture(scope="module")
def make_strategy(project, owner):
    def make(vault, target_bps=10_000, *, kind=None, cap=UNLIMITED, cap_bps=10_000, band_bps=10, volatile=False):
        strategy = owner.deploy(kind or project.StrategyStandIn, vault.asset())
        vault.addStrategy(strategy, cap, cap_bps, target_bps, band_bps, volatile, sender=owner)
        return strategy

    return make


@pytest.fixture(scope="module")
def token(make_token):
    return make_token()


@pytest.fixture(scope="module")
def vault(make_vault, token):
    return make_vault(token)


@pytest.fixture(scope="module")
def strategy(make_strategy, vault):
    return make_strategy(vault)


def price_ray(vault):
    """Assets per share, Ray, as holders see it."""
    return (vault.totalAssets() + 1) * 10**27 // (vault.totalSupply() + 10**6)

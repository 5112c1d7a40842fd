"""The worked example of docs/vault.md, played on the vault: every row of its table comes from here."""

from pathlib import Path

import pytest

from tests.vault_kit import DAY, UNIT

PAGE = Path(__file__).resolve().parents[3] / "docs" / "vault.md"


@pytest.fixture(scope="module")
def vault(make_vault, token):
    return make_vault(token, performanceFeeBps=1_000, unlockPeriod=10 * DAY)


@pytest.fixture(scope="module")
def strategy(make_strategy, vault):
    return make_strategy(vault, 9_000)


def row(step, vault):
    """One line of the page's table, in tokens."""
    assets = [vault.idle(), vault.totalDebt(), vault.lockedProfit(), vault.totalAssets()]
    shares = vault.totalSupply() / 10**12
    price = (vault.totalAssets() + 1) / (vault.totalSupply() + 10**6) * 10**6
    cells = [f"{value / UNIT:,.2f}" for value in assets] + [f"{shares:,.2f}", f"{price:.4f}"]
    return f"| {step} | {' | '.join(cells)} | {vault.deficit() / UNIT:,.2f} |"


def test_worked_example__is_what_the_vault_does(
    vault, strategy, depositor, second_depositor, fee_recipient, keeper, wait
):
    rows = []
    vault.deposit(1_000 * UNIT, depositor, sender=depositor)
    rows.append(row("Ann deposits 1,000", vault))
    vault.rebalance(sender=keeper)
    rows.append(row("anyone rebalances", vault))
    wait(30 * DAY)
    strategy.earn(30 * UNIT, sender=keeper)
    vault.report(sender=keeper)
    rows.append(row("30 days later anyone reports a profit of 30", vault))
    wait(5 * DAY)
    rows.append(row("5 days later", vault))
    vault.deposit(1_000 * UNIT, second_depositor, sender=second_depositor)
    rows.append(row("Ben deposits 1,000", vault))
    strategy.lose(20 * UNIT, sender=keeper)
    vault.report(sender=keeper)
    rows.append(row("anyone reports a loss of 20", vault))
    vault.redeem(vault.balanceOf(depositor), depositor, depositor, sender=depositor)
    rows.append(row("Ann redeems all", vault))
    missing = [line for line in rows if line not in PAGE.read_text()]
    assert not missing, "docs/vault.md lacks:\n" + "\n".join(missing)

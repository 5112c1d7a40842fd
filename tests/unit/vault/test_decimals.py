"""A whole life with tokens of every number of decimals: profit, loss, fees, requests, and exits of every kind."""

import pytest

from ballast import compiled
from ballast import properties as P
from ballast.fuzz.world import FEE_RECIPIENT, KEEPER
from tests.revm_kit import FIRST, MOST, SECOND, THIRD, Stage
from tests.vault_kit import DAY

#: units that the roundings of eight calls may cost
DUST = 8


@pytest.fixture(scope="module", autouse=True)
def contracts():
    compiled.ensure()


@pytest.mark.parametrize("decimals", range(19))
def test_decimals__a_life_of_a_vault(decimals):
    stage = Stage(decimals, terms={"performanceFeeBps": 1_000, "managementFeeBps": 100})
    vault, token, unit = stage.vault, stage.token, stage.unit
    assert vault.decimals() == decimals + 6, P.VAULT_DECIMALS
    smooth, volatile = stage.add(5_000), stage.add(3_000, volatile=True)
    had = {who: token.balanceOf(who) for who in (FIRST, SECOND, THIRD)}

    stage.deposit(FIRST, 1_000)
    stage.deposit(SECOND, 3_000)
    stage.rebalance()
    assert (stage.debt(smooth), stage.debt(volatile)) == (2_000 * unit, 1_200 * unit)

    stage.chain.wait(30 * DAY)
    smooth.earn(100 * unit, sender=KEEPER)
    vault.report(sender=KEEPER)
    # of 100, the performance fee is 10, and 1 % a year on 3,200 for 30 days some 2.6
    fee = 10 * unit + 3_200 * unit * 30 // 36_500
    assert vault.lockedProfit() == pytest.approx(100 * unit - fee, rel=0.01, abs=DUST)
    assert vault.totalAssets() == pytest.approx(4_000 * unit + fee, rel=0.001, abs=DUST)

    stage.chain.wait(11 * DAY)
    volatile.lose(40 * unit, sender=KEEPER)
    stage.deposit(THIRD, 500)
    each = 4_100 * unit  # what 4,000 have become, before the loss and with the fees in it
    assert vault.balanceOf(FEE_RECIPIENT) > 0
    assert vault.maxWithdraw(FIRST) == pytest.approx((each - fee) / 4 * 4_560 / 4_600, rel=1e-4, abs=DUST)

    vault.withdraw(10 * unit, FIRST, FIRST, sender=FIRST)
    vault.redeemInKind(vault.balanceOf(FIRST) // 2, FIRST, FIRST, 10_000, sender=FIRST)
    smooth.setFreeable(0, sender=KEEPER)
    vault.approve(stage.redemptions.address, MOST, sender=SECOND)
    stage.redemptions.requestRedeem(vault.balanceOf(SECOND), SECOND, SECOND, sender=SECOND)
    smooth.setFreeable(MOST, sender=KEEPER)
    stage.redemptions.fulfil(sender=KEEPER)
    stage.redemptions.redeem(stage.redemptions.maxRedeem(SECOND), SECOND, SECOND, sender=SECOND)
    for holder in (FIRST, THIRD, FEE_RECIPIENT):
        vault.redeem(vault.maxRedeem(holder), holder, holder, sender=holder)
    for strategy in (smooth, volatile):
        strategy.redeem(strategy.balanceOf(FIRST), FIRST, FIRST, sender=FIRST)

    assert vault.totalSupply() == 0, P.VAULT_SHARES
    assert token.balanceOf(vault.address) >= vault.idle(), P.VAULT_SOLVENT
    # what came in, and the profit and loss, went out or is still here
    out = {who: token.balanceOf(who) - was for who, was in had.items()}
    paid = sum(out.values()) + token.balanceOf(FEE_RECIPIENT)
    left = sum(token.balanceOf(each.address) for each in (vault, smooth, volatile, stage.redemptions))
    assert paid + left == 60 * unit
    # the third came before anybody had booked the loss of 40, and bears a part of it like everybody
    stays = 4_560 / 4_600
    assert out[SECOND] == pytest.approx((each - fee) * 3 / 4 * stays - 3_000 * unit, abs=unit // 20 + DUST)
    assert out[THIRD] == pytest.approx(500 * unit * stays - 500 * unit, abs=unit // 20 + DUST)

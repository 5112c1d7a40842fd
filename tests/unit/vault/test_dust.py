"""A strategy that rounds: a unit short of its debt after every placing."""

import pytest

from ballast import properties as P


@pytest.mark.parametrize("assets", [1_000_003, 77_777_777, 333_333_333])
def test_exits__within_the_maximum_work_when_a_strategy_is_a_unit_short(
    vault, strategy, token, chain, assets, depositor, second_depositor, keeper
):
    """As it is after every placing at an odd price."""
    token.approve(strategy, 2**256 - 1, sender=second_depositor)
    strategy.deposit(12_345_679, second_depositor, sender=second_depositor)
    strategy.earn(7_654_321, sender=keeper)
    vault.deposit(assets, depositor, sender=depositor)
    vault.rebalance(sender=keeper)
    state = vault.strategy(strategy)
    assert 0 < state.debt - strategy.previewRedeem(state.shares) <= 2

    def left(call, *arguments):
        """What is left of the holder's shares, when previews were met exactly."""
        with chain.isolate():
            held, shares = token.balanceOf(depositor), vault.balanceOf(depositor)
            preview = (vault.previewRedeem if call == "redeem" else vault.previewWithdraw)(arguments[0])
            getattr(vault, call)(*arguments, depositor, depositor, sender=depositor)
            got, burned = token.balanceOf(depositor) - held, shares - vault.balanceOf(depositor)
            rest = shares - burned
        assert preview == (got if call == "redeem" else burned), P.VAULT_PREVIEW
        return rest

    for part in (7, 3, 2, 1):
        left("withdraw", vault.maxWithdraw(depositor) // part)
        left("redeem", vault.maxRedeem(depositor) // part)
    assert vault.maxRedeem(depositor) == vault.balanceOf(depositor), P.VAULT_EXIT
    assert left("redeem", vault.balanceOf(depositor)) == 0

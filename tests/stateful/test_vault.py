"""A state machine over the vault with two strategies whose fortune it decides; every property after every step."""

import pytest
from ape.exceptions import ContractLogicError
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from ballast import properties as P
from tests.vault_kit import DAY, price_ray

AMOUNTS = st.one_of(st.integers(0, 50), st.integers(1, 10**12))


@pytest.fixture
def world(make_vault, make_token, make_strategy, depositor, second_depositor, keeper, attacker, fee_recipient, chain):
    token = make_token()
    vault = make_vault(token, performanceFeeBps=1_000, managementFeeBps=100)
    strategies = [make_strategy(vault, 5_000), make_strategy(vault, 3_000)]
    return token, vault, strategies, (depositor, second_depositor), keeper, attacker, fee_recipient, chain


def test_vault__holds_its_properties(world):
    token, vault, strategies, depositors, keeper, attacker, fee_recipient, chain = world
    holders = [*depositors, fee_recipient]

    class Vault(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.snapshot = chain.snapshot()
            self.price = price_ray(vault)
            self.deficit = 0

        def teardown(self):
            chain.restore(self.snapshot)

        @rule(who=st.sampled_from(depositors), assets=AMOUNTS)
        def deposit(self, who, assets):
            preview = vault.previewDeposit(assets)
            before = vault.balanceOf(who)
            vault.deposit(assets, who, sender=who)
            got = vault.balanceOf(who) - before
            # the block in between may have unlocked profit, which makes shares dearer
            assert got <= preview, P.VAULT_PREVIEW
            assert vault.previewRedeem(got) <= assets, P.VAULT_ROUND_TRIP

        @rule(who=st.sampled_from(depositors), part=st.integers(1, 100))
        def redeem(self, who, part):
            shares = vault.maxRedeem(who) * part // 100
            preview = vault.previewRedeem(shares)
            before = token.balanceOf(who)
            vault.redeem(shares, who, who, sender=who)  # P.VAULT_EXIT: a revert fails the run
            assert token.balanceOf(who) - before >= preview, P.VAULT_PREVIEW

        @rule(who=st.sampled_from(depositors), part=st.integers(1, 100))
        def withdraw(self, who, part):
            assets = vault.maxWithdraw(who) * part // 100
            vault.withdraw(assets, who, who, sender=who)

        @rule(strategy=st.sampled_from(strategies), assets=AMOUNTS)
        def earn(self, strategy, assets):
            strategy.earn(assets, sender=keeper)

        @rule(strategy=st.sampled_from(strategies), part=st.integers(1, 100))
        def lose(self, strategy, part):
            strategy.lose(token.balanceOf(strategy) * part // 100, sender=keeper)

        @rule(strategy=st.sampled_from(strategies), part=st.integers(0, 110))
        def become_illiquid(self, strategy, part):
            held = token.balanceOf(strategy)
            strategy.setFreeable(2**256 - 1 if part > 100 else held * part // 100, sender=keeper)

        @rule(receiver=st.sampled_from([vault, *strategies]), assets=AMOUNTS)
        def donate(self, receiver, assets):
            token.transfer(receiver, assets, sender=attacker)

        @rule(seconds=st.integers(1, 20 * DAY))
        def wait(self, seconds):
            chain.pending_timestamp = chain.blocks.head.timestamp + seconds
            chain.mine()

        @rule()
        def report(self):
            vault.report(sender=attacker)

        @precondition(lambda self: vault.totalSupply() > 0)
        @rule()
        def rebalance(self):
            try:
                vault.rebalance(sender=attacker)
            except ContractLogicError as error:
                assert type(error).__name__ in {"InBand", "NotCloser"}, error

        @invariant()
        def books(self):
            assert token.balanceOf(vault) >= vault.idle(), P.VAULT_SOLVENT
            assert vault.totalAssets() + vault.lockedProfit() == vault.idle() + vault.totalDebt(), P.VAULT_BOOKS
            assert sum(vault.strategy(s).debt for s in strategies) == vault.totalDebt(), P.VAULT_BOOKS
            assert sum(vault.balanceOf(who) for who in holders) == vault.totalSupply(), P.VAULT_SHARES

        @invariant()
        def price_falls_by_losses_alone(self):
            price, deficit = price_ray(vault), vault.deficit()
            assert price >= self.price or deficit > self.deficit, P.VAULT_PRICE
            self.price, self.deficit = price, deficit

    run_state_machine_as_test(
        Vault,
        settings=settings(
            max_examples=5,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )

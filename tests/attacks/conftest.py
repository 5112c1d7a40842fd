"""The vault as it is and with a defence taken out, and all that an attack needs to be played on either."""

import pytest
from web3.exceptions import ContractCustomError, ContractLogicError

from tests.attacks import weakened
from tests.vault_kit import *


class Arena:
    """Where an attack is played: one vault of the given code, its token, and the actors."""

    def __init__(self, actors, make, wait, made_of=None, without=()):
        self.__dict__.update(actors)
        self.wait = wait
        self._make_token, self._make_vault, self._make_strategy, self.project = make
        self._made_of = made_of
        self._without = without

    def open(self, *, decimals=6, **terms):
        """Deploy the vault of this arena over a new token."""
        self.unit = 10**decimals
        self.token = self._make_token(decimals)
        self.vault = vault = self._make_vault(self.token, made_of=self._made_of, **terms)
        if self._made_of:
            parts = (vault.address, vault.redemptions(), vault.books(), vault.rules(), vault.views())
            weakened.take_away(vault.provider, parts, self._without)
        return vault

    def add(self, target_bps=10_000, *, kind=None, **options):
        """Give the vault a strategy."""
        return self._make_strategy(self.vault, target_bps, kind=kind, **options)

    def now(self):
        return self.project.chain_manager.blocks.head.timestamp

    def deposit(self, who, assets):
        return self.vault.deposit(assets, who, sender=who)

    def rebalance(self):
        self.vault.rebalance(sender=self.keeper)

    def report(self):
        self.vault.report(sender=self.keeper)

    def leave(self, who, *at_most):
        """Redeem all that `who` can: as previewed, or at a loss of so many bps at most."""
        self.vault.redeem(self.vault.maxRedeem(who), who, who, *at_most, sender=who)

    def hire(self, assets):
        """Return a contract of the attacker's that has tokens and may call what it likes, in one transaction."""
        intruder = self.owner.deploy(self.project.IntruderStandIn)
        self.token.mint(intruder, assets, sender=self.owner)
        intruder.run([(self.token, self.token.approve.encode_input(self.vault, 2**256 - 1))], sender=self.attacker)
        return intruder

    def holds(self, who):
        """Tokens of `who`, and what the shares would fetch now."""
        return self.token.balanceOf(who) + self.vault.previewRedeem(self.vault.balanceOf(who))

    def hole(self):
        """What the vault says to hold and does not."""
        return self.vault.idle() - self.token.balanceOf(self.vault)

    def passes(self, call, *arguments, sender, contract=None, gas=30_000_000):
        """Whether a call would go through now. By eth_call: Ape traces a transaction that reverts step by step."""
        contract = contract or self.vault
        web3 = contract.provider.web3
        request = {"from": sender.address, "to": contract.address, "data": call.encode_input(*arguments), "gas": gas}
        try:
            web3.eth.call(request)
        except (ContractLogicError, ContractCustomError):
            return False
        return True


@pytest.fixture
def new_arena(
    project,
    owner,
    guardian,
    curator,
    keeper,
    fee_recipient,
    attacker,
    depositor,
    second_depositor,
    wait,
    make_token,
    make_vault,
    make_strategy,
):
    actors = {
        "owner": owner,
        "guardian": guardian,
        "curator": curator,
        "keeper": keeper,
        "fee_recipient": fee_recipient,
        "attacker": attacker,
        "victim": depositor,
        "other": second_depositor,
    }

    def make(made_of=None, without=()):
        return Arena(actors, (make_token, make_vault, make_strategy, project), wait, made_of, without)

    return make


@pytest.fixture
def ours(new_arena):
    """The vault as it is."""
    return new_arena()


@pytest.fixture(scope="module")
def switched(project, owner):
    """The vault with a switch for each defence, and its code."""
    vault, *code = weakened.containers(project)
    return (vault, *(owner.deploy(part) for part in code))


@pytest.fixture
def without(new_arena, switched):
    """The vault without some of its defences: without(Defence.THIS, ...)."""
    return lambda *defences: new_arena(switched, defences)

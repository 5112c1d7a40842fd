"""A vault over stand-ins in this process: for tests that ask much of it. Transactions cost milliseconds."""

from dataclasses import dataclass, field
from functools import cache

import pytest

from ballast import compiled
from ballast.fuzz import build
from ballast.fuzz.chain import Contract, Reverted
from ballast.fuzz.revm import Revm
from ballast.fuzz.world import CURATOR, DEPOSITORS, FEE_RECIPIENT, GUARDIAN, KEEPER, OWNER
from tests.vault_kit import TERMS, UNLIMITED

MOST = 2**256 - 1
FIRST, SECOND, THIRD = DEPOSITORS


@dataclass
class Stage:
    """One vault, its token, its strategies and who acts."""

    decimals: int = 6
    terms: dict = field(default_factory=dict)
    #: what holders have, in tokens
    purse: int = 10**9

    def __post_init__(self) -> None:
        self.chain = chain = Revm()
        self.code = build.load()
        self.unit = 10**self.decimals
        self.token = self.make("TokenStandIn", self.decimals)
        parts = [self.make(name).address for name in ("VaultBooks", "VaultRules", "VaultViews")]
        roles = (OWNER, GUARDIAN, CURATOR, FEE_RECIPIENT)
        terms = {**TERMS, **self.terms}
        config = (self.token.address, "Ballast test vault", "bTEST", *roles, *(terms[key] for key in TERMS))
        self.vault = self.make("Vault", config, *parts)
        self.redemptions = self.code.at(chain, "Redemptions", self.vault.redemptions())
        for holder in DEPOSITORS:
            self.token.mint(holder, self.purse * self.unit, sender=OWNER)
            self.token.approve(self.vault.address, MOST, sender=holder)

    def make(self, name: str, *arguments) -> Contract:
        """Deploy a contract."""
        return self.code.make(self.chain, name, *arguments, sender=OWNER)

    def add(
        self, target_bps=10_000, *, kind="StrategyStandIn", cap=UNLIMITED, cap_bps=10_000, volatile=False
    ) -> Contract:
        """Give the vault a strategy."""
        strategy = self.make(kind, self.token.address)
        terms = (cap, cap_bps, target_bps, 10, volatile)
        self.vault.addStrategy(strategy.address, *terms, sender=OWNER)
        return strategy

    def deposit(self, holder: str, tokens: int) -> int:
        return self.vault.deposit(tokens * self.unit, holder, sender=holder)

    def rebalance(self) -> None:
        self.vault.rebalance(sender=KEEPER)

    def debt(self, strategy: Contract) -> int:
        """What the strategy owes."""
        return self.vault.strategy(strategy.address)[0]


def refused(call, *arguments, sender=None) -> Reverted:
    """Return what a call reverts with."""
    with pytest.raises(Reverted) as caught:
        call(*arguments, sender=sender)
    return caught.value


@cache
def _made() -> Stage:
    compiled.ensure()
    return Stage()


@pytest.fixture
def stage():
    """A vault over a token of 6 decimals: made once, and left as it was made."""
    made = _made()
    with made.chain.isolated():
        yield made

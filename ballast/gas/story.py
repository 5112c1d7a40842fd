"""What is measured: the same days in the life of every vault, each step a transaction of its own.

Holders keep a balance and a share of what they have, allowances are without limit, the vaults of three and ten
strategies hold profit that is not unlocked yet: what a holder meets on a usual day, not the cheapest case.
"""

from collections.abc import Callable
from typing import Any, Final

from ballast.gas.chain import Chain
from ballast.gas.errors import GasError

Rows = dict[str, int]

#: measured vaults: name in the snapshot, and in tables (ours by the number of its strategies)
BARE: Final = {
    "openzeppelin": "OZ",
    "solady": "Solady",
    "solmate": "Solmate",
}
STRATEGIES: Final = (0, 1, 3, 10)
SUBJECTS: Final = {
    **BARE,
    **{f"vault-{count}": f"vault {count}" for count in STRATEGIES},
}
#: everything that is measured of some vault, in the order of the table
ROWS: Final = (
    "deposit, empty vault",
    "deposit, new holder",
    "deposit, existing holder",
    "withdraw from idle",
    "redeem from idle",
    "transfer",
    "withdraw, pulling from one",
    "withdraw, pulling from one, nothing idle",
    "withdraw, pulling from three",
    "report, first",
    "report, again",
    "report, again, with fees",
    "allocate, first",
    "allocate, again",
    "allocate, again, with profit",
)

DAY: Final = 86_400
_NO_LIMIT: Final = 2**256 - 1
_UNLIMITED: Final = 2**128 - 1
# Amounts with digits everywhere: zero bytes of calldata cost less.
_FIRST: Final = 12_345_678_901_234_567_890_123
_LATER: Final = 123_456_789_012_345_678_901
_SOME: Final = 23_456_789_012_345_678_901
_PROFIT: Final = 1_234_567_890_123_456_789
#: of the vault's assets, between all strategies; the rest stays idle
_AT_WORK_BPS: Final = 9_000


def measure(chain: Chain, *, progress: Callable[[str], None] = lambda _: None) -> dict[str, Rows]:
    """Return the gas of every row, by vault.

    Parameters
    ----------
    chain : a new one
    progress : called with a line of text for each vault

    Raises
    ------
    GasError
        A step reverts, or a contract is not compiled.
    """
    token = chain.deploy("BareToken")
    for account in chain.accounts:
        chain.send(account, token, "mint(address,uint256)", account, 1_000 * _FIRST)
    parts = [chain.deploy(name) for name in _parts(chain)]
    measured = {}
    for name, contract in zip(BARE, ("BareOpenZeppelin", "BareSolady", "BareSolmate"), strict=True):
        progress(SUBJECTS[name])
        measured[name] = _Story(chain, token, chain.deploy(contract, token)).of_holders()
    for count in STRATEGIES:
        name = f"vault-{count}"
        progress(SUBJECTS[name])
        vault = chain.deploy("Vault", _config(chain, token), *parts)
        strategies = [chain.deploy("BareSolmate", token) for _ in range(count)]
        for strategy in strategies:
            signature = "addStrategy(address,uint256,uint256,uint256,uint256,bool)"
            terms = (strategy, _UNLIMITED, 10_000, _AT_WORK_BPS // count, 5, False)
            chain.send(chain.accounts[0], vault, signature, *terms)
        story = _Story(chain, token, vault, strategies)
        measured[name] = story.of_keepers() if count else story.of_holders()
    return measured


def sizes(chain: Chain) -> dict[str, int]:
    """Return the size of each contract's code on the chain, in bytes."""
    return {name: chain.code(name).size for name in ("Vault", *_parts(chain))}


def _parts(chain: Chain) -> list[str]:
    """Return the contracts with the rest of the vault's code; its constructor names them (`books_`: VaultBooks)."""
    return ["Vault" + each["name"].strip("_").capitalize() for each in chain.code("Vault").inputs[1:]]


def _config(chain: Chain, token: str) -> dict[str, Any]:
    owner, guardian, curator, recipient = chain.accounts[:4]
    return {
        "asset": token,
        "name": "Ballast gas",
        "symbol": "bGAS",
        "owner": owner,
        "guardian": guardian,
        "curator": curator,
        "feeRecipient": recipient,
        "performanceFeeBps": 0,
        "managementFeeBps": 0,
        "growthCapBps": 10_000,
        "unlockPeriod": 10 * DAY,
        "reportPeriod": DAY,
        "lossBudgetBps": 100,
        "lossWindow": DAY,
    }


class _Story:
    """One vault from its first deposit on."""

    def __init__(self, chain: Chain, token: str, vault: str, strategies: list[str] | None = None) -> None:
        self.chain, self.token, self.vault = chain, token, vault
        self.strategies = strategies or []
        self.first, self.second, self.keeper = chain.accounts[4:7]
        self.rows: Rows = {}
        for holder in (self.first, self.second):
            chain.send(holder, token, "approve(address,uint256)", vault, _NO_LIMIT)

    def of_holders(self) -> Rows:
        """Entries, exits and a transfer, with what is idle."""
        self._row("deposit, empty vault", 0, self._deposit, self.first, _FIRST)
        self._enter_and_leave()
        return self.rows

    def of_keepers(self) -> Rows:
        """The same with strategies at work, and what is done with them."""
        count = len(self.strategies)
        self._row("deposit, empty vault", 0, self._deposit, self.first, _FIRST)
        self._row("allocate, first", count, self._allocate)
        self._earn()
        self._row("report, first", count, self._report)
        self.chain.wait(DAY)
        if self.chain.read(self.vault, "lockedProfit()") == 0:
            raise GasError(
                "no profit is locked after the report: ballast/gas/story.py measures an easier day than it says"
            )
        self._enter_and_leave()

        self._earn()
        self._row("report, again", count, self._report)
        self._deposit(self.first, _FIRST)
        self._row("allocate, again", count, self._allocate)

        # Without it, it is luck of rounding whether a strategy is worth a unit less than it owes: a loss to book.
        self._earn()
        share = self._debts()[0]
        self._row("withdraw, pulling from one", 1, self._withdraw, self.first, self._idle() + share // 3)
        self._row("withdraw, pulling from one, nothing idle", 1, self._withdraw, self.first, share // 3)
        if count >= 3:
            self._refill()
            self._earn()
            share = self._debts()[0]
            self._row("withdraw, pulling from three", 3, self._withdraw, self.first, self._idle() + share * 5 // 2)

        self._refill()
        self._earn()
        self._deposit(self.first, _FIRST)
        self._row("allocate, again, with profit", count, self._allocate)

        owner, recipient = self.chain.accounts[0], self.chain.accounts[3]
        self.chain.send(owner, self.vault, "setFees(uint256,uint256,address)", 1_000, 100, recipient)
        self._earn()
        self._report()
        self._earn()
        self._row("report, again, with fees", count, self._report)
        return self.rows

    def _enter_and_leave(self) -> None:
        self._row("deposit, new holder", 0, self._deposit, self.second, _LATER)
        self._row("deposit, existing holder", 0, self._deposit, self.second, _LATER)
        self._row("withdraw from idle", 0, self._withdraw, self.second, _SOME)
        shares = self.chain.read(self.vault, "balanceOf(address)", self.second) // 7
        self._row("redeem from idle", 0, self._redeem, self.second, shares)
        self._row("transfer", 0, self._transfer, self.second, self.first, shares)

    def _row(self, row: str, moves: int, action: Callable[..., int], *arguments: Any) -> None:
        """Measure an action that changes the debts of so many strategies."""
        before = self._debts()
        self.rows[row] = action(*arguments)
        moved = sum(debt != was for debt, was in zip(self._debts(), before, strict=True))
        if moved != moves:
            raise GasError(f"{row}: the debt of {moved} strategies changed, not of {moves}: mend ballast/gas/story.py")

    def _deposit(self, holder: str, assets: int) -> int:
        return self.chain.send(holder, self.vault, "deposit(uint256,address)", assets, holder)

    def _withdraw(self, holder: str, assets: int) -> int:
        return self.chain.send(holder, self.vault, "withdraw(uint256,address,address)", assets, holder, holder)

    def _redeem(self, holder: str, shares: int) -> int:
        return self.chain.send(holder, self.vault, "redeem(uint256,address,address)", shares, holder, holder)

    def _transfer(self, holder: str, receiver: str, shares: int) -> int:
        return self.chain.send(holder, self.vault, "transfer(address,uint256)", receiver, shares)

    def _report(self) -> int:
        return self.chain.send(self.keeper, self.vault, "report()")

    def _allocate(self) -> int:
        return self.chain.send(self.keeper, self.vault, "rebalance()")

    def _refill(self) -> None:
        self._deposit(self.first, _FIRST)
        self._allocate()

    def _earn(self) -> None:
        """Let every strategy earn something, in a day."""
        for strategy in self.strategies:
            self.chain.send(self.keeper, self.token, "mint(address,uint256)", strategy, _PROFIT)
        self.chain.wait(DAY)

    def _idle(self) -> int:
        return self.chain.read(self.vault, "idle()")

    def _debts(self) -> list[int]:
        return [self.chain.read(self.vault, "strategy(address)", each) for each in self.strategies]

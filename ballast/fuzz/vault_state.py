"""What the lens reads of a vault (contracts/standins/PropertyLensStandIn.sol), by name."""

from collections.abc import Sequence

from ballast.fuzz.abi import words_of

_FIXED = 16
_PER_STRATEGY = 11
VIRTUAL_SHARES = 10**6


class StrategyState:
    """One strategy as the vault knows it, and what it says it is worth."""

    __slots__ = (
        "band_bps",
        "cap",
        "cap_bps",
        "debt",
        "held",
        "listed",
        "readable",
        "risks",
        "shares",
        "target_bps",
        "value",
        "volatile",
    )

    def __init__(self, words: Sequence[int]) -> None:
        self.debt, self.shares, self.cap, self.cap_bps, self.target_bps, self.band_bps, self.risks = words[:7]
        self.listed, self.volatile = bool(words[7] & 1), bool(words[7] & 2)
        self.held = words[8]
        self.readable = words[9] == 1
        self.value = words[10]

    @property
    def unbooked_loss(self) -> int:
        """What it owes beyond its worth; all when it cannot be read."""
        return max(0, self.debt - self.value)


class VaultState:
    """A vault at one moment."""

    __slots__ = (
        "balances",
        "budget_wad",
        "deficit",
        "deposit_limit",
        "growth_cap_bps",
        "held",
        "idle",
        "last_report",
        "locked",
        "managed_owed",
        "net",
        "now",
        "paused",
        "performance_bps",
        "shut",
        "strategies",
        "supply",
        "tokens",
        "total_debt",
        "unlocked_at",
    )

    def __init__(self, data: bytes, holders: int, now: int) -> None:
        words = words_of(data)[2:]
        (
            self.held,
            self.idle,
            self.total_debt,
            self.net,
            self.locked,
            self.supply,
            self.deficit,
            self.budget_wad,
            self.managed_owed,
            self.unlocked_at,
            self.deposit_limit,
            self.paused,
            self.shut,
            self.last_report,
            self.growth_cap_bps,
            self.performance_bps,
        ) = words[:_FIXED]
        end = _FIXED + 2 * holders
        self.balances = words[_FIXED:end:2]
        self.tokens = words[_FIXED + 1 : end : 2]
        self.strategies = [
            StrategyState(words[at : at + _PER_STRATEGY]) for at in range(end, len(words), _PER_STRATEGY)
        ]
        self.now = now

    @property
    def ledger(self) -> int:
        """Idle and debt."""
        return self.idle + self.total_debt

    @property
    def covered(self) -> int:
        """Idle, and what the strategies are worth of what they owe."""
        return self.idle + sum(min(each.value, each.debt) for each in self.strategies)

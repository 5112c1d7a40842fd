"""What a demo saw and did, and what follows from it. Pure; amounts in units of the asset unless said otherwise."""

from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

from ballast.demo.observation import WAD, Observation
from ballast.demo.scenario import DAY, PHASE_DAYS

VERSION = 1


@dataclass(frozen=True)
class Move:
    """Assets that the strategy moved from one venue to another."""

    source: str
    target: str
    assets: int
    #: assets the rule expects to gain over its horizon, and what it took the gas to cost
    gain: int
    cost: int


@dataclass(frozen=True)
class Action:
    """What the keeper tried for one contract that was out of band."""

    timestamp: int
    day: float
    contract: str
    #: how it ended, in the engine's words
    result: str
    #: what the contract did, in words; why not, when it didn't
    text: str
    #: move, report, place, take back, observe: what the contract did
    kinds: tuple[str, ...] = ()
    transaction: str | None = None
    gas: int = 0
    cost_wei: int = 0
    #: the same in units of the asset, at the oracle's price
    cost: int = 0
    base_fee_wei: int = 0
    moves: tuple[Move, ...] = ()
    profit: int = 0


@dataclass(frozen=True)
class Event:
    """What somebody other than the keeper did."""

    timestamp: int
    day: float
    who: str
    text: str


@dataclass
class Depositor:
    """Somebody with money in the vault."""

    name: str
    address: str
    deposited: int
    entered_day: float
    shares: int
    #: assets paid out; 0 while still in
    received: int = 0
    left_day: float | None = None
    #: worth of the shares at the end; 0 after leaving
    worth: int = 0

    @property
    def gain(self) -> int:
        """What they have more than they brought."""
        return self.received + self.worth - self.deposited


@dataclass(frozen=True)
class Check:
    """One thing the demo must show."""

    what: str
    found: str
    ok: bool


@dataclass
class Story:
    """The whole of a demo."""

    days: int
    seed: int
    upstream: str
    chain_id: int
    asset: str
    decimals: int
    #: why the crowd is not there; empty when it is
    no_crowd: str
    addresses: dict[str, str]
    deployment_transactions: int
    proof_lines: list[dict[str, Any]]
    proof_functions: int
    proof_failures: list[str]
    started_at: int = 0
    started_block: int = 0
    samples: list[Observation] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    depositors: list[Depositor] = field(default_factory=list)
    cycles: int = 0
    cap: dict[str, Any] = field(default_factory=dict)
    cancelled: dict[str, Any] = field(default_factory=dict)
    fees: dict[str, Any] = field(default_factory=dict)

    def day(self, timestamp: int) -> float:
        """Return a time as days since the start."""
        return round((timestamp - self.started_at) / DAY, 4)

    def amount(self, units: int, digits: int = 0) -> str:
        """Return an amount as text, in whole assets."""
        return f"{units / 10**self.decimals:,.{digits}f} {self.asset}"

    # What follows

    @property
    def moves(self) -> list[Move]:
        """All moves between venues, oldest first."""
        return [move for action in self.actions for move in action.moves]

    @property
    def better_market_changes(self) -> int:
        """How often another market became the one that pays most."""
        best = [sample.best_venue() for sample in self.samples]
        return sum(1 for before, after in pairwise(best) if before != after)

    @property
    def gas(self) -> int:
        """Gas of all the keeper's transactions."""
        return sum(action.gas for action in self.actions if action.transaction)

    @property
    def cost_wei(self) -> int:
        """What the keeper paid for gas, in wei."""
        return sum(action.cost_wei for action in self.actions if action.transaction)

    @property
    def cost(self) -> int:
        """What the keeper paid for gas, in the asset at the price of each time."""
        return sum(action.cost for action in self.actions if action.transaction)

    @property
    def profit(self) -> int:
        """All profit reported to the vault."""
        return sum(action.profit for action in self.actions)

    @property
    def yearly_return(self) -> float:
        """Growth of the share price, as a simple rate a year."""
        first, last = self.samples[0], self.samples[-1]
        seconds = last.timestamp - first.timestamp
        return (last.share_price_wad / first.share_price_wad - 1) * 365 * DAY / seconds if seconds else 0.0

    def yearly_return_of(self, venue: str) -> float:
        """Growth of a market's own index over the same time, as a simple rate a year."""
        first, last = self.samples[0], self.samples[-1]
        seconds = last.timestamp - first.timestamp
        growth = last.venues[venue].index_ray / first.venues[venue].index_ray - 1
        return growth * 365 * DAY / seconds if seconds else 0.0

    def checks(self) -> list[Check]:
        """Return what the demo must show, and whether it does."""
        found = [
            Check(
                "the chain proves who may call what",
                "; ".join(self.proof_failures) or f"{self.proof_functions} functions tried by every party",
                not self.proof_failures,
            ),
            *(
                Check(
                    f"the {who.name} left with more than they brought",
                    f"{self.amount(who.deposited, 2)} in, {self.amount(who.received, 2)} out",
                    who.received > who.deposited,
                )
                for who in self.depositors
                if who.left_day is not None
            ),
        ]
        leavers = [who for who in self.depositors if who.left_day is not None]
        if not leavers:
            found.append(Check("a depositor left", "nobody did", False))
        found.append(self._unlocking())
        fees = self.fees.get("worth", 0)
        found.append(Check("fees accrued", self.amount(fees, 2), fees > 0))
        found.append(self._following())
        found += [self._changed(), self._cancelled()]
        reverted = [action for action in self.actions if action.result == "reverted on-chain"]
        found.append(
            Check("no transaction of the keeper reverted", f"{len(reverted)} of {self.sent} did", not reverted)
        )
        return found

    @property
    def sent(self) -> int:
        """How many transactions the keeper sent."""
        return sum(1 for action in self.actions if action.transaction)

    def _changed(self) -> Check:
        cap = self.cap
        what = "a cap changed through the timelock, after its delay"
        if cap.get("after") is None:
            return Check(what, "not executed", False)
        waited = f"{cap['waited_seconds'] / DAY:.1f} days later"
        said = f"{self.amount(cap['before'])} before, {self.amount(cap['after'])} after, {waited}"
        return Check(what, said, cap["after"] == cap["wanted"] and cap["waited_seconds"] >= cap["delay_seconds"])

    def _cancelled(self) -> Check:
        stopped = self.cancelled
        gone = stopped.get("state") == "unset"
        said = f"{stopped.get('call', 'nothing was proposed')}: {'cancelled' if gone else stopped.get('state', '')}"
        unchanged = stopped.get("fee_after") == stopped.get("fee_before")
        return Check("the guardian cancelled an operation", said, gone and unchanged)

    def _unlocking(self) -> Check:
        """Locked profit falls with time, and the share price rises as it does."""
        pairs = list(pairwise(self.samples))
        unlocked = [b for a, b in pairs if b.locked_profit < a.locked_profit and b.share_price_wad > a.share_price_wad]
        fallen = [b for a, b in pairs if b.share_price_wad < a.share_price_wad]
        return Check(
            "profit unlocks and the share price never falls",
            f"rose while profit unlocked in {len(unlocked)} of {len(pairs)} steps, fell in {len(fallen)}",
            bool(unlocked) and not fallen,
        )

    def _following(self) -> Check:
        """The keeper moves as often as the better market changes lastingly, where borrowers can be made to."""
        changes, moves = self.better_market_changes, len(self.moves)
        said = f"it changed {changes} times, the keeper moved {moves} times"
        wanted = min(2, (self.days - 1) // PHASE_DAYS) if not self.no_crowd else 0
        return Check("the keeper followed the better market", said, changes >= wanted and moves >= wanted)

    def summary(self) -> dict[str, Any]:
        """Return the figures that matter, JSON-ready."""
        first, last = self.samples[0], self.samples[-1]
        checks = self.checks()
        return {
            "version": VERSION,
            "ok": all(check.ok for check in checks),
            "days": self.days,
            "seed": self.seed,
            "upstream": self.upstream,
            "no_crowd": self.no_crowd,
            "chain_id": self.chain_id,
            "asset": self.asset,
            "decimals": self.decimals,
            "started_at": self.started_at,
            "started_block": self.started_block,
            "ended_at": last.timestamp,
            "ended_block": last.block,
            "share_price_wad": {"first": first.share_price_wad, "last": last.share_price_wad},
            "yearly_return": {
                "vault": round(self.yearly_return, 8),
                **{name: round(self.yearly_return_of(name), 8) for name in last.venues},
            },
            "profit": self.profit,
            "fees": self.fees,
            "better_market_changes": self.better_market_changes,
            "keeper": {
                "cycles": self.cycles,
                "transactions": self.sent,
                "moves": len(self.moves),
                "gas": self.gas,
                "cost_wei": self.cost_wei,
                "cost": self.cost,
            },
            "depositors": [{**asdict(who), "gain": who.gain} for who in self.depositors],
            "cap": self.cap,
            "cancelled": self.cancelled,
            "deployment": {
                "transactions": self.deployment_transactions,
                "addresses": self.addresses,
                "proof": {
                    "functions": self.proof_functions,
                    "failures": self.proof_failures,
                    "facts": self.proof_lines,
                },
            },
            "checks": [asdict(check) for check in checks],
        }

    def as_dict(self) -> dict[str, Any]:
        """Return everything, JSON-ready: the summary, every sample, every action, every event."""
        return {
            **self.summary(),
            "samples": [{"day": self.day(sample.timestamp), **asdict(sample)} for sample in self.samples],
            "actions": [asdict(action) for action in self.actions],
            "events": [asdict(event) for event in self.events],
        }


def percent(wad: int, digits: int = 2) -> str:
    """Return a WAD share as a percentage.

    >>> percent(34 * 10**15)
    '3.40 %'
    """
    return f"{wad / WAD * 100:.{digits}f} %"

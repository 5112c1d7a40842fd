"""A state machine over a leveraged strategy on real markets; every property after every step."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from ballast import mainnet
from tests.position_kit import *

FIRST, SECOND, THIRD = DEPOSITORS
WHO = st.sampled_from(DEPOSITORS)
AMOUNTS = st.one_of(st.integers(1, 1_000), st.integers(USDC, 10 * MILLION))
#: what a poke may refuse with: never a revert of a venue's, never an assertion
POKE_REFUSES = {"InBand", "Stuck", "PriceNotGood"}
RESCUE_REFUSES = {"NotInDanger", "Stuck"}
ENTRY_REFUSES = {"PriceNotGood", "EntryTooDear", "ERC4626ExceededMaxDeposit", "Worthless"}
ROUNDING = 4

INV_BOOKS = "INV_BOOKS: idle assets are there, and all that is counted is idle or in the account"
INV_PREVIEW = "INV_PREVIEW: previews are exact in their block"
INV_MAX = "INV_MAX: all that may leave can leave"
INV_STAYERS = "INV_STAYERS: nobody's coming or going lowers the worth of who stays, at any price"
INV_ROUND_TRIP = "INV_ROUND_TRIP: coming and going gains nothing"
INV_HEALTH = "INV_HEALTH: no action leaves the account in danger that was not, or lowers the health in danger"
INV_BUDGET = "INV_BUDGET: actions lose no more than was left of their budget"
INV_READINGS = "INV_READINGS: an action leaves nothing further out than it was"


def test_leveraged__holds_its_properties(position_state):
    place = position_state

    class Machine(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.snapshot = place.chain.snapshot()
            self.held = place.leveraged()
            self.held.deposit(MILLION // 5)
            self.held.keep()
            self.price = place.feed_price()

        def teardown(self):
            place.chain.restore(self.snapshot)

        # --- users ---

        @rule(who=WHO, assets=AMOUNTS)
        def deposit(self, who, assets):
            at = self.held.at
            assets = min(assets, place.usdc.balanceOf(who))
            most = at.maxDeposit(who)
            if assets > most:
                assert refusal(at.deposit, assets, who, by=who) in ENTRY_REFUSES
                return
            said, worth = at.previewDeposit(assets), self.worths()
            assert at.deposit(assets, who, sender=who) == said, INV_PREVIEW
            self.stayers(worth, feed_only=True)
            with place.chain.isolated():
                place.chain.wait(1)
                got = at.redeem(said, who, who, 0, sender=who)
            assert got <= assets, INV_ROUND_TRIP

        @rule(who=WHO, part=st.integers(1, 100))
        def redeem(self, who, part):
            at = self.held.at
            shares = at.maxRedeem(who) * part // 100
            said, worth, health = at.previewRedeem(shares), self.worths(), self.health()
            assert at.redeem(shares, who, who, sender=who) == said, INV_PREVIEW
            self.stayers(worth)
            assert self.health() >= min(health, 10 * WAD) - 10**12, INV_HEALTH

        @rule(who=WHO, part=st.integers(1, 100))
        def withdraw(self, who, part):
            at = self.held.at
            assets = at.maxWithdraw(who) * part // 100
            if not assets:
                return
            said, worth, before = at.previewWithdraw(assets), self.worths(), place.usdc.balanceOf(who)
            assert at.withdraw(assets, who, who, sender=who) <= said, INV_PREVIEW
            assert place.usdc.balanceOf(who) == before + assets, INV_PREVIEW
            self.stayers(worth)

        @rule(who=WHO, part=st.integers(1, 100))
        def leave_at_any_price(self, who, part):
            at = self.held.at
            shares = at.balanceOf(who) * part // 100
            if self.health() < WAD * 101 // 100:
                return
            said, worth = at.previewRedeem(shares), self.worths()
            assert at.redeem(shares, who, who, said, sender=who) == said, INV_PREVIEW
            self.stayers(worth, spot=True)

        # --- keepers ---

        @rule()
        def poke(self):
            self.act("rebalance", 0, POKE_REFUSES)

        @rule()
        def rescue(self):
            self.act("rescue", 1, RESCUE_REFUSES)

        def act(self, call, bucket, refuses):
            held, at = self.held, self.held.at
            place.chain.wait(1)  # what came in the block before counts now
            # a rescue is measured at one price, to which what the block before left belongs
            prices = self.prices() if bucket == 0 else [self.rescue_price()]
            before, health, readings = [self.net(each) for each in prices], self.health(), held.readings()
            left = held.rules.available(bucket)
            try:
                getattr(at, call)(sender=STRANGER)
            except Reverted as refused:
                assert refused.name in refuses
                return
            after = [self.net(each) for each in prices]
            for old, new in zip(before, after, strict=True):
                assert old - new <= old * left // WAD + 1, INV_BUDGET
            if health < WAD * 112 // 100:
                assert self.health() > health, INV_HEALTH
            else:
                assert self.health() >= min(health, readings["health"][1]), INV_HEALTH
            for name, (value, low, _, high) in held.readings().items():
                was = readings[name]
                if bucket == 0 and not low <= value <= high:
                    assert not was[1] <= was[0] <= was[3], INV_READINGS

        # --- the world ---

        @rule(bps=st.integers(-1_500, 1_500), pool=st.booleans(), feed=st.booleans())
        def move_price(self, bps, pool, feed):
            new = self.price * (10_000 + bps) // 10_000
            if not 500 * WAD < new < 5_000 * WAD:
                return
            if pool:
                place.push_pool(new)
            if feed:
                place.push_feed(new)
                self.price = new

        @rule(seconds=st.sampled_from([12, 300, TWAP_PERIOD, 3 * HOUR, DAY]), fresh=st.booleans())
        def wait(self, seconds, fresh):
            place.chain.wait(seconds)
            if fresh:
                place.push_feed(self.price)

        @rule()
        def calm(self):
            place.settle(self.price)

        @rule(jump=st.integers(100, 200))
        def forecast(self, jump):
            try:
                place.forecast(8 * WAD // 10, jump * WAD // 100)
            except Reverted as refused:
                assert refused.name == "OutOfBounds"

        @rule(token=st.sampled_from([mainnet.USDC, mainnet.WETH]), amount=st.integers(1, 10**12))
        def donate(self, token, amount):
            worth = self.worths()
            place.chain.deal(token, STRANGER, amount)
            place.market.attacker.token(token).transfer(self.held.at.address, amount, sender=STRANGER)
            assert self.worths() == worth

        @rule(on=st.booleans())
        def pause(self, on):
            if on:
                self.held.at.pause(sender=GUARDIAN)
            else:
                self.held.at.unpause(sender=OWNER)

        @precondition(lambda self: self.held.at.paused())
        @rule()
        def unwind(self):
            self.held.at.unwind(sender=GUARDIAN)

        # --- the properties ---

        @invariant()
        def books(self):
            held, at = self.held, self.held.at
            assert place.usdc.balanceOf(at.address) >= at.idle() >= 0, INV_BOOKS
            assert at.idleBase() == 0, INV_BOOKS
            assert at.totalAssets() == min(self.values()), INV_BOOKS
            net = at.exposure()[4]
            assert net == at.totalAssets(), INV_BOOKS
            assert held.credit.debt() == 0 or held.credit.collateral() > 0, INV_BOOKS

        @invariant()
        def all_that_may_leave_can(self):
            at = self.held.at
            for who in (FIRST, SECOND):
                most, assets = at.maxRedeem(who), at.maxWithdraw(who)
                if not most:
                    continue
                assert most <= at.balanceOf(who), INV_MAX
                for exit_, amount in ((at.redeem, most), (at.withdraw, assets)):
                    with place.chain.isolated():
                        assert refusal(exit_, amount, who, who, by=who) is None, INV_MAX

        def health(self):
            return self.held.credit.healthFactorWad()

        def values(self):
            """Net value at the policy prices: the lower price first."""
            return [self.net(price) for price in self.prices()]

        def prices(self):
            feed, pool, verdict = place.oracle.sources()
            return [feed] if verdict == GOOD else sorted((feed, pool))

        def rescue_price(self):
            prices = self.prices()
            return prices[0] if len(prices) == 1 else max(prices[0], place.oracle.last())

        def net(self, price):
            held, owed = self.held.credit.collateral(), self.held.credit.debt()
            return self.held.at.idle() + max(0, held * price // 10**30 - owed)

        def worths(self):
            """Worth of a share (a fraction) at several prices."""
            whole = self.held.at.totalSupply() + 10**6
            return [(price, self.net(price) + 1, whole) for price in (self.price, self.price * 2, self.price * 9 // 10)]

        def stayers(self, before, *, feed_only=False, spot=False):
            """The worth of a share has not fallen, but for units of rounding."""
            whole = self.held.at.totalSupply() + 10**6
            for price, assets, shares in before[: 1 if feed_only else None]:
                if spot and price * self.held.credit.collateral() // 10**30 < self.held.credit.debt():
                    continue
                assert (self.net(price) + 1 + ROUNDING) * shares >= assets * whole, INV_STAYERS

    def refusal(method, *arguments, by):
        try:
            method(*arguments, sender=by)
        except Reverted as refused:
            return refused.name
        return None

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

"""The machine of the vault alone: strategies with every fortune and fault, a token that misbehaves, every role."""

from typing import Any, Final

from ballast import properties as P
from ballast.fuzz.choices import Amounts, Integers, OneOf
from ballast.fuzz.machine import rule
from ballast.fuzz.vault_machine import (
    ASSETS,
    BPS,
    DAY,
    DUST,
    EXIT_REFUSES,
    HOUR,
    MOST,
    NOBODY,
    PART,
    UNLIMITED,
    WHO,
    VaultMachine,
    expect,
)
from ballast.fuzz.vault_state import VaultState
from ballast.fuzz.world import CURATOR, DEPOSITORS, DONOR, FEE_RECIPIENT, GUARDIAN, KEEPER, OWNER, STRANGER

STRATEGIES: Final = 3
#: decimals of the assets that vaults are made over
DECIMALS: Final = (6, 18, 2)
RISK: Final = b"shared".ljust(32, b"\0")

# StrategyStandIn.Fault
SOUND, REVERTS, BURNS_GAS, SHORT, OVERSTATES, ANSWERS_NOTHING, TAKES_FEE, SAYS_FEE, PAYS_SILENTLY, TAKES_SILENTLY = (
    range(10)
)
#: faults with which a strategy promises more than it pays
CHEATS: Final = frozenset({SHORT, OVERSTATES})

WHICH = Integers(0, STRATEGIES - 1)


class FortuneMachine(VaultMachine):
    """A vault with three strategies whose fortune and faults the machine decides."""

    name = "vault"

    # --- the world ---

    def build_world(self) -> None:
        make, chain = self.build.make, self.chain
        code = [make(chain, each, sender=OWNER).address for each in ("VaultBooks", "VaultRules", "VaultViews")]
        self.lens = make(chain, "PropertyLensStandIn", sender=OWNER)
        self.borrower = make(chain, "FlashStandIn", sender=OWNER)
        self.gate = make(chain, "GateStandIn", sender=OWNER)
        for account in (*DEPOSITORS[:-1], STRANGER, self.borrower.address):
            self.gate.admit(account, sender=OWNER)
        self._worlds = [self._world(decimals, code) for decimals in DECIMALS]

    def _world(self, decimals: int, code: list[str]) -> tuple[Any, ...]:
        make, chain = self.build.make, self.chain
        token = make(chain, "TokenStandIn", decimals, sender=OWNER)
        roles = (OWNER, GUARDIAN, CURATOR, FEE_RECIPIENT)
        terms = (0, 0, 65_535, 10 * DAY, DAY, 100, DAY)
        vault = make(chain, "Vault", (token.address, "Fuzz", "FUZZ", *roles, *terms), *code, sender=OWNER)
        strategies = [make(chain, "FuzzStrategyStandIn", token.address, sender=OWNER) for _ in range(STRATEGIES)]
        for holder in DEPOSITORS:
            token.mint(holder, 10**30, sender=OWNER)
            token.approve(vault.address, MOST, sender=holder)
            vault.approve(vault.redemptions(), MOST, sender=holder)
        holders = [*DEPOSITORS, FEE_RECIPIENT, self.borrower.address, vault.redemptions()]
        return token, vault, strategies, holders

    @rule(
        decimals=Integers(0, len(DECIMALS) - 1),
        performance=OneOf(0, 1_000, 5_000),
        management=OneOf(0, 100, 500),
        growth=OneOf(65_535, 2_000, 100, 0),
        unlock=OneOf(10 * DAY, HOUR, DAY, 100 * DAY),
        due=OneOf(DAY, 1, 30 * DAY),
        budget=OneOf(100, 0, 10, 5_000),
        window=OneOf(DAY, HOUR, 30 * DAY),
        listed=Integers(1, STRATEGIES),
        volatile=Integers(0, 2**STRATEGIES - 1),
        target=OneOf(3_000, 3_333, 3_000, 1_000, 0),
        band=OneOf(10, 1, 500),
        cap=OneOf(UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED, 10**12, 0),
        cap_bps=OneOf(10_000, 3_000, 1_000),
        risk_bps=OneOf(10_000, 10_000, 10_000, 5_000, 0),
    )
    def setup(
        self,
        decimals: int,
        performance: int,
        management: int,
        growth: int,
        unlock: int,
        due: int,
        budget: int,
        window: int,
        listed: int,
        volatile: int,
        target: int,
        band: int,
        cap: int,
        cap_bps: int,
        risk_bps: int,
    ) -> None:
        """The owner sets the vault up."""
        token, vault, strategies, holders = self._worlds[decimals]
        vault.setFees(performance, management, FEE_RECIPIENT, sender=OWNER)
        vault.setPace(unlock, due, growth, sender=OWNER)
        vault.setLossBudget(budget, window, sender=OWNER)
        if risk_bps < BPS:
            vault.setRiskCap(RISK, UNLIMITED, risk_bps, sender=OWNER)
        for number in range(listed):
            strategy = strategies[number].address
            vault.addStrategy(strategy, cap, cap_bps, target, band, bool(volatile >> number & 1), sender=OWNER)
            if risk_bps < BPS:
                vault.setRisks(strategy, [RISK], sender=OWNER)
        self.faults = [SOUND] * STRATEGIES
        self.says = [BPS] * STRATEGIES
        self.calling: set[int] = set()
        self.illiquid: set[int] = set()
        self.risk_bps = risk_bps
        self.begin(token, vault, strategies, holders)

    # --- what is known ---

    def cheats(self) -> bool:
        """Whether a strategy that the vault is in promises more than it pays."""
        return any(
            each.shares and (fault in CHEATS or says != BPS)
            for each, fault, says in zip(self.now.strategies, self.faults, self.says, strict=True)
        )

    def guesses(self) -> bool:
        now = self.now
        return any(
            each.debt and fault == PAYS_SILENTLY and (now.held > now.idle or each.held > each.shares)
            for each, fault in zip(now.strategies, self.faults, strict=True)
        )

    def honest(self, which: int) -> bool:
        return self.says[which] == BPS

    def odd(self) -> bool:
        """Whether a strategy has any fault at all."""
        return any(self.faults) or any(says != BPS for says in self.says)

    @rule(weight=1.5, assets=ASSETS, donation=Amounts(10**18), as_mint=OneOf(False, True))
    def flash(self, assets: int, donation: int, as_mint: bool) -> None:
        """A depositor with borrowed assets does all in one transaction, and gains nothing."""
        may = (*self._may_refuse_entry(0, assets), "ZeroShares", "Error")
        if self.cheats() or self.guesses():
            may += EXIT_REFUSES
        donees = [self.vault.address, *[each.address for each in self.strategies]]
        self.allowed_loss = self.unbooked() + self.dear() + (self.now.total_debt if self.cheats() else 0)
        self.left_behind = self.dust()
        had = self.now.balances[self.holders.index(self.borrower.address)]
        gained = self.attempt(
            self.borrower.roundTrip, self.vault.address, donees, assets, donation, as_mint, sender=STRANGER, may=may
        )
        if gained is not None:
            # shares that could not leave the last time, because others wait, may now: they are no gain
            own = self.worth(had) + 1 if had else 0
            expect(gained <= own, P.VAULT_ROUND_TRIP, f"{gained} gained with {assets} borrowed and {own} held")
            self.allowed_gain = own - gained
            self.paid_out = gained

    def check_risks(self, before: VaultState, after: VaultState, at: int) -> None:
        if self.illiquid or self.odd():
            return  # what cannot be taken back keeps its place beside what is put in
        held, holds = (sum(each.debt for each in state.strategies if each.risks) for state in (before, after))
        most = at * self.risk_bps // BPS
        worth = sum(each.value for each in before.strategies if each.risks)
        expect(holds <= max(most + self.dear() + DUST, held, worth), P.VAULT_CAPS, f"{holds} bears a risk of {most}")

    def check(self) -> None:
        super().check()
        for which in self.calling:
            expect(not self.strategies[which].reentered(), P.VAULT_LOCKED, "a strategy called the vault back")

    # --- fortune of the strategies ---

    @rule(weight=4, which=WHICH, assets=Amounts(10**20))
    def earn(self, which: int, assets: int) -> None:
        self.strategies[which].earn(assets, sender=KEEPER)

    @rule(weight=2, which=WHICH, bps=Integers(1, 1_000))
    def yields(self, which: int, bps: int) -> None:
        """It earns a share of what it has."""
        self.strategies[which].earn(self.token.balanceOf(self.strategies[which].address) * bps // BPS, sender=KEEPER)

    @rule(weight=3, which=WHICH, part=PART)
    def lose(self, which: int, part: int) -> None:
        strategy = self.strategies[which]
        strategy.lose(self.token.balanceOf(strategy.address) * part // 100, sender=KEEPER)

    @rule(weight=2, which=WHICH, part=Integers(0, 110))
    def become_illiquid(self, which: int, part: int) -> None:
        """It frees a part of what it has; past 100, all."""
        strategy = self.strategies[which]
        held = self.token.balanceOf(strategy.address)
        strategy.setFreeable(MOST if part > 100 else held * part // 100, sender=KEEPER)
        (self.illiquid.discard if part > 100 else self.illiquid.add)(which)

    @rule(which=WHICH, room=Amounts(10**20))
    def become_full(self, which: int, room: int) -> None:
        self.strategies[which].setRoom(room, sender=KEEPER)

    @rule(
        weight=1.5,
        which=WHICH,
        fault=OneOf(
            SOUND, REVERTS, SHORT, OVERSTATES, ANSWERS_NOTHING, TAKES_FEE, SAYS_FEE, PAYS_SILENTLY, TAKES_SILENTLY
        ),
    )
    def fail(self, which: int, fault: int) -> None:
        self.strategies[which].setFault(fault, sender=KEEPER)
        self.faults[which] = fault
        if fault == PAYS_SILENTLY:
            self.silent.add(which)

    @rule(weight=0.02, which=WHICH)
    def burn_gas(self, which: int) -> None:
        """Rare, because slow: every read burns all the gas that the vault gives it."""
        self.strategies[which].setFault(BURNS_GAS, sender=KEEPER)
        self.faults[which] = BURNS_GAS

    @rule(weight=2)
    def recover(self) -> None:
        """Every strategy is sound again."""
        for which, strategy in enumerate(self.strategies):
            if self.faults[which]:
                strategy.setFault(SOUND, sender=KEEPER)
            if self.says[which] != BPS:
                strategy.setSays(BPS, sender=KEEPER)
        self.faults = [SOUND] * STRATEGIES
        self.says = [BPS] * STRATEGIES

    @rule(weight=0.7, which=WHICH, fault=OneOf(REVERTS, ANSWERS_NOTHING))
    def leave_past(self, which: int, fault: int) -> None:
        """A strategy at work cannot be read for a moment; the largest holder takes all that the others let go."""
        vault, now = self.vault, self.now
        at_work = [strategy for strategy, each in zip(self.strategies, now.strategies, strict=True) if each.debt]
        if not at_work:
            return
        holder = DEPOSITORS[max(range(len(DEPOSITORS)), key=now.balances.__getitem__)]
        cheated = self.cheats() or self.dear() > 0 or self.guesses()
        with self.chain.isolated():
            at_work[which % len(at_work)].setFault(fault, sender=KEEPER)
            shares, may = vault.maxRedeem(holder), EXIT_REFUSES if cheated else ()
            self.attempt(vault.redeem, shares, holder, holder, sender=holder, may=may)

    @rule(weight=0.7, which=WHICH, bps=OneOf(BPS, 20_000, 5_000, 0, 10_100, 2**200))
    def lie(self, which: int, bps: int) -> None:
        """It says that its shares are worth more, or less, than they are."""
        self.strategies[which].setSays(bps, sender=KEEPER)
        self.says[which] = bps

    @rule(weight=2, which=WHICH, how=Integers(0, 5))
    def call_back(self, which: int, how: int) -> None:
        """It calls the vault while the vault calls it."""
        vault, me = self.vault, self.strategies[which].address
        data = [
            b"",
            vault.deposit.data(1, me),
            vault.report.data(),
            vault.rebalance.data(),
            vault.redeem.data(1, me, me),
            vault.totalAssets.data(),
        ][how]
        self.strategies[which].setCallback(vault.address if how else NOBODY, data, sender=KEEPER)
        self.calling.add(which)

    # --- donors ---

    @rule(weight=1.5, to=Integers(0, STRATEGIES), assets=Amounts(10**20))
    def donate(self, to: int, assets: int) -> None:
        receiver = self.vault.address if to == STRATEGIES else self.strategies[to].address
        self.token.mint(receiver, assets, sender=DONOR)

    @rule(weight=0.7, which=WHICH, assets=Amounts(10**18))
    def donate_shares(self, which: int, assets: int) -> None:
        """A donor gives the vault shares of a strategy."""
        strategy = self.strategies[which]
        if self.faults[which] != SOUND or which in self.calling:
            return
        self.token.mint(DONOR, assets, sender=DONOR)
        self.token.approve(strategy.address, assets, sender=DONOR)
        self.attempt(
            strategy.deposit, assets, self.vault.address, sender=DONOR, may=("ERC4626ExceededMaxDeposit", "Panic")
        )

    # --- roles ---

    @rule(weight=1.5, which=WHICH, target=OneOf(3_000, 0, 1_000, 5_000, 10_000), band=OneOf(10, 1, 500))
    def curate(self, which: int, target: int, band: int) -> None:
        if not self.now.strategies[which].listed:
            return
        may = ("OverLimit",) + (("Unauthorized",) if band > self.now.strategies[which].band_bps else ())
        may += ("IsShutdown",) if self.now.shut else ()
        self.attempt(self.vault.setWeight, self.strategies[which].address, target, band, sender=CURATOR, may=may)

    @rule(weight=0.5, which=WHICH, times=Integers(1, 4), pause=Amounts(2 * DAY))
    def churn(self, which: int, times: int, pause: int) -> None:
        """A strategy begins to take a fee; curator and keeper move all assets out and in again."""
        strategy, now = self.strategies[which], self.now
        if not now.strategies[which].listed or now.shut:
            return
        strategy.setFault(TAKES_FEE, sender=KEEPER)
        self.faults[which] = TAKES_FEE
        self.check()  # one that could not be read now can: what it lost is known
        taken = sum(each.target_bps for number, each in enumerate(now.strategies) if number != which and each.listed)
        for _ in range(times):
            for target in (0, min(5_000, BPS - taken)):
                self.vault.setWeight(strategy.address, target, now.strategies[which].band_bps, sender=CURATOR)
                self.rebalance()
                self.check()
            self.wait(pause)
            self.check()

    @rule(weight=0.5)
    def turn_queue(self) -> None:
        queue = self.vault.queue()
        self.vault.setQueue(queue[1:] + queue[:1], sender=CURATOR)

    @rule(weight=0.7, which=WHICH, cap=OneOf(UNLIMITED, 0, 10**9), cap_bps=OneOf(10_000, 100, 3_000))
    def set_cap(self, which: int, cap: int, cap_bps: int) -> None:
        if not self.now.strategies[which].listed:
            return
        may = ("IsShutdown",) if self.now.shut else ()
        self.attempt(self.vault.setCap, self.strategies[which].address, cap, cap_bps, sender=OWNER, may=may)

    @rule(weight=0.7, which=WHICH)
    def revoke(self, which: int) -> None:
        """Never reverts while the strategy is listed."""
        listed = self.now.strategies[which].listed
        self.recalled = self.now.strategies[which].value
        self.allowed_loss = self.unbooked() + self.recalled
        self.attempt(
            self.vault.revoke, self.strategies[which].address, sender=GUARDIAN, may=() if listed else ("NotListed",)
        )

    @rule(weight=0.4, which=WHICH, volatile=OneOf(False, True))
    def list_or_remove(self, which: int, volatile: bool) -> None:
        """The owner takes a strategy off the list, or puts it on again."""
        vault, strategy, now = self.vault, self.strategies[which].address, self.now
        if now.strategies[which].listed:
            self.recalled = now.strategies[which].value
            self.allowed_loss = self.unbooked() + now.strategies[which].debt
            self.attempt(vault.removeStrategy, strategy, MOST, sender=OWNER)
            return
        may = ("IsShutdown",) if now.shut else ()
        if self.faults[which] in (REVERTS,):
            return
        self.attempt(vault.addStrategy, strategy, UNLIMITED, BPS, 0, 10, volatile, sender=OWNER, may=may)

    @rule(weight=0.5, on=OneOf(False, False, True))
    def pause(self, on: bool) -> None:
        if on:
            self.vault.pauseDeposits(sender=GUARDIAN)
        else:
            self.attempt(self.vault.unpauseDeposits, sender=OWNER, may=("IsShutdown",) if self.now.shut else ())

    @rule(weight=0.05)
    def shut_down(self) -> None:
        self.vault.shutdown(sender=GUARDIAN)

    @rule(weight=0.4, assets=OneOf(UNLIMITED, UNLIMITED, UNLIMITED, 0, 10**9, 10**18))
    def limit_deposits(self, assets: int) -> None:
        self.attempt(self.vault.setDepositLimit, assets, sender=OWNER, may=("IsShutdown",) if self.now.shut else ())

    @rule(weight=0.4, performance=OneOf(0, 1_000, 5_000), management=OneOf(0, 100, 500))
    def set_fees(self, performance: int, management: int) -> None:
        self.vault.setFees(performance, management, FEE_RECIPIENT, sender=OWNER)

    @rule(weight=0.4, unlock=OneOf(10 * DAY, HOUR, 100 * DAY), growth=OneOf(65_535, 2_000, 0))
    def set_pace(self, unlock: int, growth: int) -> None:
        # what is locked already keeps its pace
        self.pace_bps = max(self.pace_bps, self.now.growth_cap_bps) if self.now.locked else 0
        self.vault.setPace(unlock, DAY, growth, sender=OWNER)

    @rule(weight=0.3, on=OneOf(False, True))
    def set_gate(self, on: bool) -> None:
        self.vault.setGate(self.gate.address if on else NOBODY, sender=OWNER)
        self.gated = on

    @rule(weight=0.7, kind=Integers(0, 3), who=WHO)
    def token_misbehaves(self, kind: int, who: int) -> None:
        """The token pauses, blocks the vault, takes a fee, or answers nothing; then it is itself again."""
        token, vault, holder = self.token, self.vault, DEPOSITORS[who]
        entry = (*self._may_refuse_entry(who, 1_000), "ZeroShares")
        with self.chain.isolated():
            if kind == 0:
                token.setPaused(True, sender=OWNER)
                self.refused(vault.deposit, 1_000, holder, sender=holder, by=(*entry, "IsPaused"))
            elif kind == 1:
                token.setBlocked(vault.address, True, sender=OWNER)
                self.refused(vault.deposit, 1_000, holder, sender=holder, by=(*entry, "IsBlocked"))
            elif kind == 2:
                token.setFee(100, sender=OWNER)
                self.refused(vault.deposit, 1_000, holder, sender=holder, by=(*entry, "UnexpectedTransfer"))
            else:
                token.setSilent(True, sender=OWNER)
                self.attempt(vault.deposit, 1_000, holder, sender=holder, may=entry)
            vault.report(sender=STRANGER)

"""What every machine over a vault shares: who holds shares, who keeps it, who intrudes, and its properties."""

from typing import Any, Final

from ballast import properties as P
from ballast.fuzz.chain import Contract, Reverted
from ballast.fuzz.choices import Amounts, Integers
from ballast.fuzz.machine import OK, Broken, Machine, rule
from ballast.fuzz.vault_state import VIRTUAL_SHARES, VaultState
from ballast.fuzz.world import DEPOSITORS, FEE_RECIPIENT, STRANGER

BPS: Final = 10**4
WAD: Final = 10**18
HOUR: Final = 3_600
DAY: Final = 86_400
YEAR: Final = 365 * DAY
UNLIMITED: Final = 2**128 - 1
MOST: Final = 2**256 - 1
NOBODY: Final = "0x" + "00" * 20
#: units that the vault takes for rounding when it moves assets
MOVE_DUST: Final = 4
MOVE_TOLERANCE: Final = 10**6
#: longest that profit takes to unlock
LONGEST_UNLOCK: Final = 100 * YEAR
#: units that the roundings of one step may move
DUST: Final = 8

#: what an exit may be refused with where a strategy promises more than it pays: the plain one accepts no such cost
EXIT_REFUSES: Final = ("InsufficientLiquidity", "LossTooHigh")

WHO = Integers(0, len(DEPOSITORS) - 1)
ASSETS = Amounts(10**22)
PART = Integers(1, 100)


class VaultMachine(Machine):
    """A vault; what its strategies are, a subclass says.

    `allowed_loss` and `allowed_gain` are set by a rule: what the share price may lose or gain in this step, in assets;
    `left_behind` what who leaves may leave to the others of a loss; `recalled` says what it takes back after a report,
    `paid_out` what who leaves gets.
    """

    token: Contract
    vault: Contract
    strategies: list[Contract]

    def begin(self, token: Contract, vault: Contract, strategies: list[Contract], holders: list[str]) -> None:
        """Forget the run before; called by `setup` when the vault is set up."""
        self.token, self.vault, self.strategies, self.holders = token, vault, strategies, holders
        self._look = self.lens.look.data(vault.address, holders, [each.address for each in strategies])
        #: growth cap of what was locked before it was changed
        self.pace_bps = 0
        self.gated = False
        #: strategies that paid without saying for how many shares: the vault had to guess
        self.silent: set[int] = set()
        self.budget_bps, self.window, _ = vault.lossBudget()
        #: losses of rebalances: when, which share of the value, and which the vault says it was, Wad
        self.moves_lost: list[tuple[int, int, int]] = []
        self.queue = self.build.at(self.chain, "Redemptions", vault.redemptions())
        self.queued = False
        #: of what is locked, at most so much made good a loss: it unlocks beyond the growth cap
        self.recovering = 0
        #: when more than 100 years of the growth cap are locked: their end
        self.far_end = 0
        self.fee_holder = holders.index(FEE_RECIPIENT)
        self.now = self.read()
        expect(vault.decimals() == token.decimals() + 6, P.VAULT_DECIMALS, f"{vault.decimals()} decimals")
        self.allowed_loss = self.allowed_gain = self.left_behind = self.recalled = self.paid_out = 0

    # --- what is known ---

    def cheats(self) -> bool:
        """Whether a strategy that the vault is in promises more than it pays."""
        return False

    def honest(self, which: int) -> bool:
        """Whether a strategy says what its shares are worth."""
        return True

    def guesses(self) -> bool:
        """Whether the vault must guess what a strategy paid, and gifts mislead it.

        One that answers nothing is taken to have paid what is there beyond the idle assets, if shares are missing then.
        """
        return False

    def odd(self) -> bool:
        """Whether a strategy has any fault at all."""
        return False

    def read(self) -> VaultState:
        """Read all that the properties speak of."""
        return VaultState(self.chain.view(self.lens.address, self._look), len(self.holders), self.chain.now)

    def unbooked(self, *, volatile: bool = False) -> int:
        """Losses that the strategies have and the books do not; only those of volatile ones when asked so."""
        return sum(
            each.unbooked_loss for each in self.now.strategies if each.readable and (each.volatile or not volatile)
        )

    def bears(self) -> bool:
        """Whether an exit may have to bear a loss: one not in the books, or a volatile strategy that is unreadable."""
        return any(each.unbooked_loss and (each.readable or each.volatile) for each in self.now.strategies)

    def dear(self) -> int:
        """What one share of each strategy is worth, where that is more than rounding: who draws on it pays for it."""
        return sum(s.value // s.shares for s in self.now.strategies if s.shares and s.value // s.shares >= MOVE_DUST)

    def dust(self) -> int:
        """Losses so small that an exit leaves them to the next report.

        One that takes a strategy's last share has to book them after all, when the price is made: who stays bears them.
        """
        return sum(s.unbooked_loss for s in self.now.strategies if s.readable and s.unbooked_loss <= MOVE_DUST)

    def surplus(self) -> int:
        """What of its losses an exit may find covered when it makes the price, beyond what is locked before.

        It draws a strategy's debt in whole shares, the last one rounded up: of a strategy worth more than its debt it
        may get up to one share more. That is profit, and locked, and what is locked bears losses before the price does.
        """
        gifts = max(0, self.now.held - self.now.idle) if self.guesses() else 0
        return gifts + sum(s.value // s.shares + 1 for s in self.now.strategies if s.value > s.debt > 0)

    def rounded_up(self) -> int:
        """What the price may gain by the profits that an exit books: a unit of all assets each, of each strategy one.

        The shares of the fee are rounded down, what they take out of the lock is rounded up.
        """
        return sum(s.value > s.debt > 0 for s in self.now.strategies)

    def premium(self) -> int:
        """Gains of volatile strategies that are not booked: who enters pays for them."""
        return sum(max(0, each.value - each.debt) for each in self.now.strategies if each.listed and each.volatile)

    def worth(self, shares: int) -> int:
        """What shares are worth by the books, rounded down."""
        return shares * (self.now.net + 1) // (self.now.supply + VIRTUAL_SHARES)

    def check_risks(self, before: VaultState, after: VaultState, at: int) -> None:
        """After a rebalance with `at` assets, what bears a risk is within its cap, or no more than it was."""

    # --- depositors ---

    def _may_refuse_entry(self, who: int, assets: int) -> tuple[str, ...]:
        """Errors that a deposit may meet, as things are."""
        now = self.now
        errors = []
        if now.paused or assets > now.deposit_limit - now.ledger or (now.net == 0 and now.supply > 0):
            errors.append("DepositExceedsMax")
        if any(each.listed and each.volatile and each.shares and not each.readable for each in now.strategies):
            errors.append("Unreadable")
        if self.gated and who == len(DEPOSITORS) - 1:
            errors.append("NotAdmitted")
        # shares are counted in 128 bits; a vault nearly lost has no price for a real amount
        if (assets + now.net + 1) * (now.supply + VIRTUAL_SHARES) // (now.net + 1) >= 2**127:
            errors += ["SafeCastOverflowedUintDowncast", "FullMulDivFailed"]
        return tuple(errors)

    @rule(weight=5, who=WHO, assets=ASSETS)
    def deposit(self, who: int, assets: int) -> None:
        holder, vault = DEPOSITORS[who], self.vault
        may = (*self._may_refuse_entry(who, assets), "ZeroShares")
        try:
            preview = vault.previewDeposit(assets)
            most = vault.maxDeposit(holder)
        except Reverted as error:
            if error.name not in may:
                raise
            preview = most = 0
        # within what it says it takes, nothing but too little for a share may refuse it
        if assets <= most and preview > 0:
            may = ()
        shares = self.attempt(vault.deposit, assets, holder, sender=holder, may=may)
        if shares is None:
            return
        expect(shares == preview, P.VAULT_PREVIEW, f"deposit gave {shares}, the preview said {preview}")
        self._entered(shares, assets)

    @rule(weight=2, who=WHO, shares=Amounts(10**26))
    def mint(self, who: int, shares: int) -> None:
        holder, vault = DEPOSITORS[who], self.vault
        may: tuple[str, ...] = ()
        try:
            preview = vault.previewMint(shares)
            most = vault.maxMint(holder)
        except Reverted as error:
            if error.name not in self._may_refuse_entry(who, 0):
                raise
            preview = most = 0
        if preview >= 10**30:
            return
        if not 0 < shares <= most:
            may = self._may_refuse_entry(who, preview)
        taken = self.attempt(vault.mint, shares, holder, sender=holder, may=may)
        if taken is None:
            return
        expect(taken == preview, P.VAULT_PREVIEW, f"mint took {taken}, the preview said {preview}")
        self._entered(shares, taken)

    def _entered(self, shares: int, assets: int) -> None:
        # who enters pays for the unbooked gains of volatile strategies: the others have that at once
        self.allowed_gain = max(0, assets - self.worth(shares))
        now = self.now
        gains = self.premium()
        most = assets * (now.supply + VIRTUAL_SHARES) // (now.net + gains + 1)
        expect(shares <= most, P.VAULT_ENTRY, f"{shares} shares, {gains} gained and not booked leave room for {most}")
        back = self.vault.previewRedeem(shares)
        expect(back <= assets, P.VAULT_ROUND_TRIP, f"{assets} in, {back} out")

    @rule(weight=5, who=WHO, part=PART)
    def redeem(self, who: int, part: int) -> None:
        holder, vault = DEPOSITORS[who], self.vault
        shares = vault.maxRedeem(holder) * part // 100
        preview = vault.previewRedeem(shares)
        cheated = self.cheats() or self.dear() > 0 or self.guesses()
        may = EXIT_REFUSES if cheated else ()
        assets = self.attempt(vault.redeem, shares, holder, holder, sender=holder, may=may)
        self._leaves(assets, shares)
        if assets is not None and not cheated:
            expect(
                preview <= assets <= preview + (self.surplus() if self.bears() else 0),
                P.VAULT_PREVIEW,
                f"redeem paid {assets}, the preview said {preview}",
            )

    @rule(weight=3, who=WHO, part=PART)
    def withdraw(self, who: int, part: int) -> None:
        holder, vault = DEPOSITORS[who], self.vault
        assets = vault.maxWithdraw(holder) * part // 100
        preview = vault.previewWithdraw(assets)
        cheated = self.cheats() or self.dear() > 0 or self.guesses()
        may = (*EXIT_REFUSES, "ERC20InsufficientBalance") if cheated else ()
        shares = self.attempt(vault.withdraw, assets, holder, holder, sender=holder, may=may)
        self._leaves(None if shares is None else assets, shares or 0)
        if shares is not None and not cheated:
            least = preview
            if preview > 1 and self.bears() and (surplus := self.surplus()):
                # the preview is assets * old / net, rounded up; with `surplus` more in net
                old = self.now.supply + VIRTUAL_SHARES
                least = assets * old // (assets * old // (preview - 1) + 1 + surplus)
            expect(least <= shares <= preview, P.VAULT_PREVIEW, f"withdraw took {shares}, the preview said {preview}")

    def _leaves(self, assets: int | None, shares: int) -> None:
        """Nobody who leaves gets more than the books give, less their part of the volatile strategies' losses."""
        if assets is None:
            return
        now = self.now
        gone = sum(s.debt - (s.value if s.readable else 0) for s in now.strategies if s.volatile and s.unbooked_loss)
        gone = max(0, gone - now.locked - self.surplus()) if gone else 0
        due = shares * (now.net - gone + 1) // (now.supply + VIRTUAL_SHARES)
        # so little missing is rounding, and no loss
        due += 1 + MOVE_DUST * sum(s.volatile for s in now.strategies) + self.rounded_up()
        self.paid_out = assets
        expect(assets <= due, P.VAULT_LOSS_SHARED, f"{assets} for shares worth {due} after losses")
        # an exit smaller than one dear share burns the whole share: the rest is everybody's loss
        self.allowed_loss, self.left_behind = self.unbooked() + self.dear(), self.dust()
        if self.cheats():
            self.allowed_loss += now.total_debt  # what a cheat burns beyond what the exit is worth is everybody's loss

    @rule(weight=2, who=WHO, part=PART)
    def redeem_in_kind(self, who: int, part: int) -> None:
        holder, vault, now = DEPOSITORS[who], self.vault, self.now
        shares = now.balances[who] * part // 100
        gone = self.unbooked()
        due = shares * (now.net - max(0, gone - now.locked) + 1) // (now.supply + VIRTUAL_SHARES)
        self.allowed_loss = gone
        held = [strategy.balanceOf(holder) for strategy in self.strategies]
        assets, given = vault.redeemInKind(shares, holder, holder, BPS, sender=holder)
        worth = assets
        for number, strategy in enumerate(self.strategies):
            got = strategy.balanceOf(holder) - held[number]
            each = now.strategies[number]
            if got and each.readable and self.honest(number):
                worth += got * each.value // each.shares
        expect(sum(given) == sum(s.balanceOf(holder) for s in self.strategies) - sum(held), P.VAULT_EXIT)
        due += MOVE_DUST * len(self.strategies)
        expect(worth <= due, P.VAULT_LOSS_SHARED, f"in kind worth {worth} for shares worth {due} after losses")

    @rule(who=WHO, to=WHO, part=PART)
    def transfer(self, who: int, to: int, part: int) -> None:
        self.vault.transfer(DEPOSITORS[to], self.now.balances[who] * part // 100, sender=DEPOSITORS[who])

    @rule(weight=0.5, who=WHO, assets=ASSETS, parts=Integers(2, 4))
    def split_deposit(self, who: int, assets: int, parts: int) -> None:
        """Many small ones never beat one large."""
        holder, deposit = DEPOSITORS[who], self.vault.deposit
        may = (*self._may_refuse_entry(who, assets), "ZeroShares")
        each = assets // parts
        with self.chain.isolated():
            one = self.attempt(deposit, each * parts, holder, sender=holder, may=may)
        if one is None:
            return
        got = 0
        for _ in range(parts):
            got += self.attempt(deposit, each, holder, sender=holder, may=may) or 0
        self.allowed_gain = max(0, each * parts - self.worth(got))  # as at a deposit
        if not self.premium():
            expect(got <= one, P.VAULT_SPLIT, f"{parts} deposits of {each} gave {got} shares, one of them all {one}")

    @rule(weight=0.5, who=WHO, part=PART, parts=Integers(2, 4))
    def split_redeem(self, who: int, part: int, parts: int) -> None:
        """Many small exits never beat one large."""
        holder, vault = DEPOSITORS[who], self.vault
        if self.dear() or self.odd():
            return
        each = vault.maxRedeem(holder) * part // 100 // parts
        with self.chain.isolated():
            one = vault.redeem(each * parts, holder, holder, sender=holder)
        # the first may leave out of idle assets before the next has a loss booked: who stays bears the whole of it
        self.left_behind = self.unbooked()
        loses = self.left_behind > 0
        got = 0
        for _ in range(parts):
            shares = min(each, vault.maxRedeem(holder))
            got += vault.redeem(shares, holder, holder, sender=holder)
        # an exit out of idle assets does not look at smooth strategies: a part of the whole may be such a one
        if not loses:
            expect(got <= one, P.VAULT_SPLIT, f"{parts} exits gave {got}, one of them all {one}")

    # --- those who wait ---

    @rule(weight=1.5, who=WHO, part=PART)
    def request(self, who: int, part: int) -> None:
        """A holder queues for what cannot be freed at once."""
        holder, shares = DEPOSITORS[who], self.now.balances[who] * part // 100
        self.attempt(
            self.queue.requestRedeem, shares, holder, holder, sender=holder, may=() if shares else ("ZeroShares",)
        )
        self.queued = self.queued or shares > 0

    @rule(weight=1.5)
    def fulfil(self) -> None:
        """Anyone has the vault pay those who wait; it never costs them more than rounding."""
        now, cheated = self.now, self.cheats() or self.dear() > 0 or self.guesses()
        self.allowed_loss = self.unbooked() + self.dear() + (now.total_debt if self.cheats() else 0)
        self.left_behind = self.dust()
        self.recalled = now.total_debt
        may = ("NothingFreed", "Slippage", *(EXIT_REFUSES if cheated else ()))
        paid = self.attempt(self.queue.fulfil, sender=STRANGER, may=may)
        if paid is None:
            self.allowed_loss = self.left_behind = self.recalled = 0
            return
        shares, assets = paid
        self.paid_out = assets
        due = shares * (now.net + 1) // (now.supply + VIRTUAL_SHARES)
        due += 1 + 1 + self.rounded_up()  # a report comes first
        expect(assets <= due, P.VAULT_LOSS_SHARED, f"{assets} for waiting shares worth {due}")

    @rule(weight=1.5, who=WHO, part=PART)
    def claim(self, who: int, part: int) -> None:
        """A holder takes what was got for the request; never reverts."""
        holder = DEPOSITORS[who]
        shares = self.queue.maxRedeem(holder) * part // 100
        most = self.queue.maxWithdraw(holder)
        paid = self.queue.redeem(shares, holder, holder, sender=holder)
        expect(paid <= most, P.VAULT_REQUESTS, f"{paid} claimed of {most}")

    def _check_requests(self) -> None:
        """What waits is there in shares, what is claimable in assets."""
        queue, at = self.queue, self.holders.index(self.queue.address)
        waiting, pending, claimable = queue.waiting(), 0, 0
        for holder in DEPOSITORS:
            pending += queue.pendingRedeemRequest(0, holder)
            claimable += queue.maxWithdraw(holder)
        shares, assets = self.now.balances[at], self.now.tokens[at]
        expect(pending == waiting, P.VAULT_REQUESTS, f"{pending} shares pending, {waiting} waiting")
        expect(shares >= waiting, P.VAULT_REQUESTS, f"{waiting} shares wait, {shares} are there")
        expect(assets >= claimable, P.VAULT_REQUESTS, f"{claimable} can be claimed, {assets} are there")

    # --- time, keepers ---

    @rule(weight=5, seconds=Amounts(20 * DAY, 1))
    def wait(self, seconds: int) -> None:
        self.chain.wait(seconds)

    @rule(weight=4)
    def report(self) -> None:
        """Never reverts."""
        self.allowed_loss = self.unbooked()
        self.vault.report(sender=STRANGER)

    @rule(weight=8)
    def rebalance(self) -> None:
        before, sound = self.now, not self.odd() and not self.dear()
        may = ("InBand", "NotCloser")
        if sum(each.listed for each in before.strategies) == 1:
            # It takes no more, or takes it at a cost: of several it would be passed over.
            may += ("MoveLoss", "LossBudgetExceeded")
        if not sound:
            may += ("MoveLoss", "UnexpectedTransfer", "LossBudgetExceeded", "Unreadable")
        if any(each.shares > 10**9 * (each.value + 1) for each in before.strategies):
            may += ("SafeCastOverflowedUintDowncast",)  # it lost all, and gives absurd numbers of shares
        unbooked = self.unbooked()
        self.attempt(self.vault.rebalance, sender=STRANGER, may=may)
        if self.outcome != OK:
            return
        profit = sum(each.values["profit"] for each in self.chain.events() if each.name == "Reported")
        after = self.read()
        spent = said = before.budget_wad - after.budget_wad
        # Caps and budget are of the assets after the report and before the moves: after = at - at * spent, at most.
        at = after.ledger * WAD // (WAD - spent) + 1
        self.allowed_loss = unbooked + before.budget_wad * at // WAD + 1
        # what the keeper's moves lost: in the vault's own words, and by what the strategies are worth of their debts
        if not self.cheats() and all(each.readable for each in (*before.strategies, *after.strategies)):
            # a part in a million of a move counts as rounding
            lost = before.covered + profit - after.covered - DUST - self.dear() - at // MOVE_TOLERANCE
            spent = max(spent, lost * WAD // at)
        if spent > 0:
            self.moves_lost.append((self.chain.now, spent, said))
        if self.cheats():
            return
        for old, new in zip(before.strategies, after.strategies, strict=True):
            cap = min(new.cap, at * new.cap_bps // BPS) + self.dear()
            most = max(cap, old.debt, old.value)
            expect(new.debt <= most, P.VAULT_CAPS, f"{new.debt} in a strategy with a cap of {cap}")
        self.check_risks(before, after, at)

    # --- the properties ---

    def check(self) -> None:
        before, now = self.now, self.read()
        loss, gain, left_behind = self.allowed_loss, self.allowed_gain, self.left_behind
        # what of its losses, and of those before, the step can have made good: without a report what rounding brings in
        # an exit, and all that is recalled
        mended = max(0, before.deficit + loss - now.deficit) if before.supply else 0
        if mended and now.last_report != now.now:
            mended = min(mended, self.surplus() + self.recalled)
        self.now = now
        self.allowed_loss = self.allowed_gain = self.left_behind = 0

        expect(now.held >= now.idle, P.VAULT_SOLVENT, f"{now.held} held, {now.idle} idle")
        expect(now.net + now.locked == now.ledger, P.VAULT_BOOKS, "idle, debt, net and locked")
        debts = 0
        for which, each in enumerate(now.strategies):
            debts += each.debt
            expect(
                which in self.silent or each.held >= each.shares,
                P.VAULT_SOLVENT,
                f"{each.held} strategy shares held, {each.shares} in the books",
            )
        expect(debts == now.total_debt, P.VAULT_BOOKS, f"debts add up to {debts}, the total is {now.total_debt}")
        expect(sum(now.balances) == now.supply, P.VAULT_SHARES, f"{sum(now.balances)} of {now.supply}")

        # prices by cross-multiplication: no division, no rounding of our own
        old, new = before.supply + VIRTUAL_SHARES, now.supply + VIRTUAL_SHARES
        expect(
            (now.net + 1) * old >= (before.net + 1 - min(loss, before.net)) * new - left_behind * old,
            P.VAULT_PRICE,
            f"from {before.net + 1} for {old} shares to {now.net + 1} for {new}, with {loss} to lose",
        )
        passed = now.now - before.now
        growth = (before.net + before.deficit) * max(before.growth_cap_bps, self.pace_bps) * passed // (BPS * YEAR)
        left = before.unlocked_at - before.now
        # so much is locked that the cap would have it unlock for longer
        if left > LONGEST_UNLOCK - YEAR:
            self.far_end = before.unlocked_at
        if left > 0 and before.unlocked_at == self.far_end:
            growth = max(growth, before.locked * passed // left + 1)
        growth += gain
        dust = DUST + now.net // new  # a share is rounded away too
        if not (before.net == 0 and before.supply > 1_000 * VIRTUAL_SHARES):
            # What makes good a loss is no growth. It is locked when it is booked, and the deficit falls by as much; so
            # beyond the cap the price grows in time alone, and in sum by no more than the deficit fell and is locked.
            excess = -(((before.net + 1 + growth + dust) * new + dust * old - (now.net + 1) * old) // old)
            expect(
                excess <= (self.recovering if passed else 0),
                P.VAULT_LOCKED_SAFE if not passed else P.VAULT_GROWTH,
                f"from {before.net + 1} for {old} shares to {now.net + 1} for {new} in {passed} s",
            )
            self.recovering -= max(0, excess)
        self.recovering = min(self.recovering + mended, now.locked)
        if not self.recalled and now.balances[self.fee_holder] > before.balances[self.fee_holder]:
            self._check_fees(before)
        self.recalled = self.paid_out = 0
        if self.queued:
            self._check_requests()
        if self.moves_lost:
            self._check_budget()

    def _check_fees(self, before: VaultState) -> None:
        """Fees of this step: no performance fee below the high-water mark, no management fee that is not owed."""
        now, holder = self.now, self.fee_holder
        minted = now.balances[holder] - before.balances[holder]
        # at what a share holds before or after, the lesser: a recall may bring more after the fee's shares were minted;
        # before, less the losses: they are booked first
        lost = sum(each.unbooked_loss for each in before.strategies if each.readable)
        held = ((before.ledger - lost, before.supply), (now.ledger, now.supply))
        taken = min(minted * (ledger + 1) // (supply + VIRTUAL_SHARES) for ledger, supply in held)
        above = max(0, now.ledger + self.paid_out - before.ledger - before.deficit)
        # a rebalance reports, and then moves: what its moves lose makes the next fee smaller, not this one
        above += max(0, before.budget_wad - now.budget_wad) * max(before.ledger, now.ledger) // WAD + 1
        if any(each.shares and each.value // each.shares >= MOVE_DUST for each in before.strategies):
            # One share is more than was asked for: all comes home, profit too, before a loss elsewhere is booked.
            above += lost
        owed = above * before.performance_bps // BPS + before.managed_owed
        dust = DUST + now.net // (now.supply + VIRTUAL_SHARES)
        expect(taken <= owed + dust, P.VAULT_FEES, f"shares worth {taken} taken, {owed} owed on {above} over the mark")
        # what was taken beyond the performance fee was the management fee, and is owed no more
        paid = max(0, taken - above * before.performance_bps // BPS - dust)
        left = before.managed_owed - paid
        if now.now == before.now:
            expect(now.managed_owed <= left + dust, P.VAULT_FEES, f"{now.managed_owed} still owed, {left} not paid")

    def _check_budget(self) -> None:
        since = self.chain.now - self.window
        self.moves_lost = [each for each in self.moves_lost if each[0] >= since]
        lost = sum(share for _, share, _ in self.moves_lost)
        most = self.budget_bps * WAD // BPS
        expect(lost <= most, P.VAULT_BUDGET, f"{lost} lost in a window, the budget is {most}")
        # nor could the next move: what the vault says is left is what such a window leaves
        said, left = sum(said for _, _, said in self.moves_lost), self.now.budget_wad
        expect(said + left <= most, P.VAULT_BUDGET, f"{said} lost in a window, {left} left, the budget is {most}")

    def situation(self) -> int:
        now = self.now
        kind = bool(now.supply) | bool(now.locked) << 1 | bool(now.deficit) << 2 | bool(now.paused) << 3
        kind |= bool(now.idle) << 4 | bool(now.total_debt) << 5 | bool(now.shut) << 6
        for number, each in enumerate(now.strategies):
            bits = bool(each.debt) | (each.unbooked_loss > 0) << 1 | each.volatile << 2
            kind |= bits << (7 + 3 * number)
        return kind

    @rule(weight=0.7, what=Integers(0, 15))
    def intrude(self, what: int) -> None:
        """A stranger tries what belongs to a role."""
        vault, strategy = self.vault, self.strategies[0].address
        method, arguments = [
            (vault.setOwner, (STRANGER,)),
            (vault.setGuardian, (STRANGER,)),
            (vault.setCurator, (STRANGER,)),
            (vault.pauseDeposits, ()),
            (vault.unpauseDeposits, ()),
            (vault.revoke, (strategy,)),
            (vault.shutdown, ()),
            (vault.setDepositLimit, (1,)),
            (vault.setLossBudget, (BPS, HOUR)),
            (vault.setQueue, ([],)),
            (vault.addStrategy, (STRANGER, 1, 1, 1, 1, False)),
            (vault.removeStrategy, (strategy, MOST)),
            (vault.setFees, (5_000, 500, STRANGER)),
            (vault.setPace, (HOUR, 1, 65_535)),
            (vault.setGate, (STRANGER,)),
            (vault.setLimits, (NOBODY,)),
        ][what]
        self._must_refuse(method, *arguments)

    def _must_refuse(self, method: Any, *arguments: Any, by: tuple[str, ...] = ("Unauthorized",)) -> None:
        try:
            method(*arguments, sender=STRANGER)
        except Reverted as error:
            if error.name not in by:
                raise
            self.outcome = error.name
            return
        raise Broken(P.VAULT_ROLES, f"a stranger called {method.name}")

    @rule(weight=0.5, what=Integers(0, 4), which=WHO)
    def intrude_more(self, what: int, which: int) -> None:
        """A stranger tries to act for others, or in the place of the vault's own code."""
        vault, holder = self.vault, DEPOSITORS[which]
        if what == 4:
            self._must_refuse(vault.setWaiting, True)
        elif self.now.balances[which]:
            method, arguments = [
                (vault.redeem, (1, STRANGER, holder)),
                (vault.withdraw, (1, STRANGER, holder)),
                (vault.redeemInKind, (1, STRANGER, holder, BPS)),
                (vault.transferFrom, (holder, STRANGER, 1)),
            ][what]
            may = ("ERC20InsufficientAllowance", "InsufficientLiquidity")
            self._must_refuse(method, *arguments, by=may)


def expect(holds: bool, sentence: str, seen: str = "") -> None:
    """Raise Broken with the property's sentence unless it holds."""
    if not holds:
        raise Broken(sentence, seen)

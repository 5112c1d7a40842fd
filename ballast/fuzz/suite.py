"""The machine of the whole suite: a vault over the lending router on the real Aave and Morpho, and a crowd."""

from typing import Any, Final

from ballast import mainnet
from ballast import properties as P
from ballast.fuzz.abi import Interface
from ballast.fuzz.chain import FuzzError, Reverted
from ballast.fuzz.choices import Amounts, Integers, OneOf
from ballast.fuzz.machine import rule
from ballast.fuzz.vault_machine import BPS, DAY, HOUR, MOST, UNLIMITED, WAD, WHO, VaultMachine, expect
from ballast.fuzz.world import (
    CURATOR,
    DEPOSITORS,
    DONOR,
    FEE_RECIPIENT,
    GUARDIAN,
    OWNER,
    STRANGER,
    actor,
)

LENDER: Final = actor("lender")
BORROWER: Final = actor("borrower")
#: what everybody in the crowd, and every depositor, has
PURSE: Final = 10**16
ETHER_PURSE: Final = 10**24
VARIABLE: Final = 2
MARKET: Final = mainnet.MORPHO_MARKET_WETH_USDC
#: what the router may refuse a rebalance with
ROUTER_REFUSES: Final = ("InBand", "Stuck", "GainTooSmall", "PriceNotGood", "MarketBusy", "NotCloser")
#: units that the venues' roundings may cost in one move
ROUTER_DUST: Final = 8

USDC_ASSETS = Amounts(10**14)


class SuiteMachine(VaultMachine):
    """A vault with one strategy, the router, over Aave v3 and Morpho Blue."""

    name = "suite"

    # --- the world ---

    def build_world(self) -> None:
        make, chain = self.build.make, self.chain
        if not chain.code(mainnet.AAVE_POOL):
            raise FuzzError("this chain has no Aave: name --upstream replica, or a node of mainnet")
        self.lens = make(chain, "PropertyLensStandIn", sender=OWNER)
        self.aave = chain.at(mainnet.AAVE_POOL, Interface("Aave", mainnet.AAVE_POOL_ABI))
        self.morpho = chain.at(mainnet.MORPHO, Interface("Morpho", mainnet.MORPHO_ABI))
        usdc = chain.at(mainnet.USDC, Interface("USDC", mainnet.USDC_ABI))
        weth = chain.at(mainnet.WETH, Interface("WETH", mainnet.WETH_ABI))
        terms = (0, 0, 65_535, 10 * DAY, DAY, 100, DAY)
        code = [make(chain, each, sender=OWNER).address for each in ("VaultBooks", "VaultRules", "VaultViews")]
        roles = (OWNER, GUARDIAN, CURATOR, FEE_RECIPIENT)
        vault = make(chain, "Vault", (usdc.address, "Fuzz", "FUZZ", *roles, *terms), *code, sender=OWNER)
        feeds = (mainnet.ETH_USD_FEED, mainnet.USDC_USD_FEED, 365 * DAY, 365 * DAY)
        pool = (mainnet.UNISWAP_V3_USDC_WETH_500, mainnet.WETH, mainnet.USDC, 30 * 60, 200)
        no_sequencer = ("0x" + 40 * "0", 0)
        oracle = make(chain, "Oracle", (*feeds, *pool, *no_sequencer), sender=OWNER)
        rules = (2 * WAD // 1_000, 12 * HOUR, 30 * DAY, 600_000)
        self.router = router = make(
            chain, "LendingRouter", usdc.address, "Router", "R", OWNER, GUARDIAN, oracle.address, rules, sender=OWNER
        )
        provider, market = mainnet.AAVE_ADDRESSES_PROVIDER, bytes.fromhex(mainnet.MORPHO_MARKET_ID_WETH_USDC[2:])
        venues = [
            make(chain, "AaveV3Lending", router.address, usdc.address, provider, sender=OWNER),
            make(chain, "MorphoBlueLending", router.address, usdc.address, mainnet.MORPHO, market, sender=OWNER),
        ]
        for venue in venues:
            router.addVenue(venue.address, UNLIMITED, sender=OWNER)
        self.venues = venues
        for holder in (*DEPOSITORS, LENDER, BORROWER, DONOR):
            chain.deal(usdc.address, holder, PURSE)
        for holder in DEPOSITORS:
            usdc.approve(vault.address, MOST, sender=holder)
            vault.approve(vault.redemptions(), MOST, sender=holder)
        chain.deal(weth.address, BORROWER, ETHER_PURSE)
        for spender in (mainnet.AAVE_POOL, mainnet.MORPHO):
            usdc.approve(spender, MOST, sender=LENDER)
            usdc.approve(spender, MOST, sender=BORROWER)
            weth.approve(spender, MOST, sender=BORROWER)
        # collateral for loans worth several times what the markets hold
        self.morpho.supplyCollateral(MARKET, ETHER_PURSE // 10, BORROWER, b"", sender=BORROWER)
        self._collateral(ETHER_PURSE // 100)
        self._world = usdc, vault

    def _collateral(self, amount: int) -> None:
        """As much WETH on Aave as its supply cap leaves room for."""
        while amount > 10**18:
            try:
                self.aave.supply(mainnet.WETH, amount, BORROWER, 0, sender=BORROWER)
                return
            except Reverted:
                amount //= 2

    @rule(
        performance=OneOf(0, 1_000),
        management=OneOf(0, 100),
        growth=OneOf(65_535, 2_000),
        unlock=OneOf(10 * DAY, HOUR, DAY),
        due=OneOf(DAY, 1, 30 * DAY),
        budget=OneOf(100, 0, 10),
        target=OneOf(9_000, 10_000, 3_000),
        band=OneOf(10, 500),
    )
    def setup(
        self,
        performance: int,
        management: int,
        growth: int,
        unlock: int,
        due: int,
        budget: int,
        target: int,
        band: int,
    ) -> None:
        """The owner sets the vault up."""
        usdc, vault = self._world
        vault.setFees(performance, management, FEE_RECIPIENT, sender=OWNER)
        vault.setPace(unlock, due, growth, sender=OWNER)
        vault.setLossBudget(budget, DAY, sender=OWNER)
        vault.addStrategy(self.router.address, UNLIMITED, BPS, target, band, False, sender=OWNER)
        self.begin(usdc, vault, [self.router], [*DEPOSITORS, FEE_RECIPIENT, vault.redemptions()])

    # --- depositors, with amounts that the markets know ---

    @rule(weight=5, who=WHO, assets=USDC_ASSETS)
    def deposit(self, who: int, assets: int) -> None:
        super().deposit(who, assets)

    @rule(weight=2, who=WHO, shares=Amounts(10**20))
    def mint(self, who: int, shares: int) -> None:
        super().mint(who, shares)

    @rule(weight=0.5, who=WHO, assets=USDC_ASSETS, parts=Integers(2, 4))
    def split_deposit(self, who: int, assets: int, parts: int) -> None:
        super().split_deposit(who, assets, parts)

    # --- the crowd: what it tries may fail, and is its own affair ---

    def crowd(self, method: Any, *arguments: Any, sender: str) -> None:
        try:
            method(*arguments, sender=sender)
        except Reverted as error:
            self.outcome = error.name

    @rule(weight=2, what=Integers(0, 3), assets=Amounts(10**15, 1))
    def crowd_on_aave(self, what: int, assets: int) -> None:
        """Lenders and borrowers come and go."""
        aave, usdc = self.aave, mainnet.USDC
        if what == 0:
            self.crowd(aave.supply, usdc, assets, LENDER, 0, sender=LENDER)
        elif what == 1:
            self.crowd(aave.withdraw, usdc, assets, LENDER, sender=LENDER)
        elif what == 2:
            self.crowd(aave.borrow, usdc, assets, VARIABLE, 0, BORROWER, sender=BORROWER)
        else:
            self.crowd(aave.repay, usdc, assets, VARIABLE, BORROWER, sender=BORROWER)

    @rule(weight=2, what=Integers(0, 3), assets=Amounts(10**14, 1))
    def crowd_on_morpho(self, what: int, assets: int) -> None:
        """Lenders and borrowers come and go."""
        morpho = self.morpho
        if what == 0:
            self.crowd(morpho.supply, MARKET, assets, 0, LENDER, b"", sender=LENDER)
        elif what == 1:
            self.crowd(morpho.withdraw, MARKET, assets, 0, LENDER, LENDER, sender=LENDER)
        elif what == 2:
            self.crowd(morpho.borrow, MARKET, assets, 0, BORROWER, BORROWER, sender=BORROWER)
        else:
            self.crowd(morpho.repay, MARKET, assets, 0, BORROWER, b"", sender=BORROWER)

    @rule(assets=Amounts(10**12), to=Integers(0, 3))
    def donate(self, assets: int, to: int) -> None:
        receivers = [self.vault, self.router, *self.venues]
        self.token.transfer(receivers[to].address, assets, sender=DONOR)

    # --- the router ---

    @rule(weight=4)
    def keep_router(self) -> None:
        """Anyone has the router rebalance; it loses nothing but rounding."""
        before = self.router.totalAssets()
        self.attempt(self.router.rebalance, sender=STRANGER, may=ROUTER_REFUSES)
        after = self.router.totalAssets()
        expect(after + ROUTER_DUST >= before, P.ROUTER_STEADY, f"from {before} to {after}")

    @rule(weight=0.7, venue=Integers(0, 1), cap=OneOf(UNLIMITED, 0, 10**10, 10**13))
    def cap_venue(self, venue: int, cap: int) -> None:
        self.router.setCap(self.venues[venue].address, cap, sender=OWNER)

    @rule(weight=0.3, venue=Integers(0, 1))
    def evacuate(self, venue: int) -> None:
        """The guardian takes all out of a venue; never reverts."""
        self.router.evacuate(self.venues[venue].address, sender=GUARDIAN)

    @rule(weight=0.3, on=OneOf(False, True))
    def pause_router(self, on: bool) -> None:
        if on:
            self.router.pause(sender=GUARDIAN)
        else:
            self.router.unpause(sender=OWNER)

    # --- the vault's roles ---

    @rule(weight=1, target=OneOf(9_000, 0, 3_000, 10_000), band=OneOf(10, 1))
    def weigh(self, target: int, band: int) -> None:
        self.vault.setWeight(self.router.address, target, band, sender=OWNER)

    @rule(weight=0.2)
    def revoke(self) -> None:
        """The guardian takes back what the router frees; never reverts."""
        self.recalled = self.now.strategies[0].value
        self.allowed_loss = self.unbooked() + self.recalled
        self.vault.revoke(self.router.address, sender=GUARDIAN)

    @rule(weight=0.3)
    def raise_cap(self) -> None:
        self.vault.setCap(self.router.address, UNLIMITED, BPS, sender=OWNER)

    # --- the properties ---

    def check(self) -> None:
        super().check()
        router = self.router
        idle, held = router.idle(), self.token.balanceOf(router.address)
        expect(held >= idle, P.ROUTER_BOOKS, f"{held} held, {idle} idle")
        total, parts = router.totalAssets(), idle + sum(venue.value() for venue in self.venues)
        expect(total == parts, P.ROUTER_BOOKS, f"{total} in all, {parts} in parts")

"""The defences of the vault and of the strategies, each as the lines that it consists of, made to depend on a switch.

In what is put in, OFF is true while the defence is off.
"""

from dataclasses import dataclass
from enum import Enum

VAULT, BOOKS, RULES, STATE = (f"contracts/vault/Vault{name}.sol" for name in ("", "Books", "Rules", "State"))
REDEMPTIONS = "contracts/vault/Redemptions.sol"
LOSS_BUDGET, PROBE, ROLES_FILE = (f"contracts/risk/{name}.sol" for name in ("LossBudget", "Probe", "Roles"))

PLANNER, LEVERAGED = (f"contracts/strategies/{name}.sol" for name in ("NeutralPlanner", "LeveragedStrategy"))

BALANCE = "IERC4626(IERC4626(address(this)).asset()).balanceOf(address(this))"


@dataclass(frozen=True)
class Patch:
    """Text that stands so many times in a source, and what is put in its place."""

    file: str
    old: str
    new: str
    times: int = 1


def unless_off(file, statement):
    """Patch a statement to be left out."""
    return Patch(file, statement, f"if (!OFF) {{ {statement} }}")


def only_unless_off(file, check, times=1):
    """Patch `if (check) ...` never to apply."""
    return Patch(file, f"if ({check})", f"if (!OFF && ({check}))", times)


def conversion(name, first):
    """Patch one of the four conversions to assets over supply, as the first vaults had it."""
    head = f"function {name}(uint256 {first}, uint256 supply, uint256 net) internal pure returns (uint256) {{\n        "
    other = "supply, net" if first == "assets" else "net, supply"
    way = "fullMulDivUp" if name.endswith("Up") else "fullMulDiv"
    return Patch(STATE, head, f"{head}if (OFF) return supply == 0 ? {first} : {first}.{way}({other});\n        ")


def rounding(first, way, other):
    """Patch the rounding of one conversion to be the other way."""
    chosen = f"(OFF ? FixedPointMathLib.{other} : FixedPointMathLib.{way})"
    return Patch(STATE, f"return {first}.{way}(", f"return {chosen}({first}, ")


class Defence(Enum):
    """What keeps an attack off. Its place in this list is its switch."""

    # THE PRICE OF A SHARE

    #: assets are stored: without it the price follows the tokens at the vault's address, sent by whomever
    STORED_ASSETS = (
        Patch(
            STATE,
            "(supply, net) = (_ledger.shares, _ledger.assets);",
            f"(supply, net) = (_ledger.shares, OFF ? {BALANCE} + _debt.total : _ledger.assets);",
            2,
        ),
        Patch(STATE, "uint256 locked = _ledger.assets - net;", "uint256 locked = OFF ? 0 : _ledger.assets - net;"),
        Patch(STATE, "return _ledger.assets - _debt.total;", f"return OFF ? {BALANCE} : _ledger.assets - _debt.total;"),
    )
    #: virtual shares and assets
    VIRTUAL_SHARES = (
        conversion("_toSharesDown", "assets"),
        conversion("_toSharesUp", "assets"),
        conversion("_toAssetsDown", "shares"),
        conversion("_toAssetsUp", "shares"),
    )
    #: a share is finer than the asset by 6 decimals: without it there is one virtual share
    OFFSET = (Patch(STATE, "supply + VIRTUAL_SHARES", "supply + (OFF ? 1 : VIRTUAL_SHARES)", 4),)
    ASSETS_TAKEN_UP = (rounding("shares", "fullMulDivUp", "fullMulDiv"),)
    ASSETS_PAID_DOWN = (rounding("shares", "fullMulDiv", "fullMulDivUp"),)
    SHARES_TAKEN_UP = (rounding("assets", "fullMulDivUp", "fullMulDiv"),)
    SHARES_GIVEN_DOWN = (rounding("assets", "fullMulDiv", "fullMulDivUp"),)
    #: crumbs of shares do not count as holders of a vault without assets
    CRUMBS = (Patch(STATE, "net == 0 && supply > CRUMBS", "net == 0 && supply > (OFF ? 0 : CRUMBS)"),)

    # PROFIT AND ITS UNLOCKING

    #: a profit enters the price over time
    UNLOCKING = (only_unless_off(BOOKS, "!_priceless(supply, net)"),)
    #: a report books no more than the growth cap allows
    REPORT_CAP = (
        Patch(
            BOOKS,
            "uint256 most = yearly.fullMulDiv(elapsed, BPS * YEAR);",
            "uint256 most = OFF ? type(uint128).max : yearly.fullMulDiv(elapsed, BPS * YEAR);",
        ),
    )
    #: what is locked unlocks no faster than the growth cap allows
    UNLOCK_CAP = (unless_off(STATE, "until = FixedPointMathLib.max(until, block.timestamp + least);"),)
    #: so it does when others leave
    UNLOCK_CAP_AT_EXITS = (only_unless_off(VAULT, "_unlocksTooFast(total - amount)"),)
    #: a new lock lengthens the old one by its part
    WEIGHTED_UNLOCK = (
        Patch(
            STATE,
            "left = (amount * left + fresh * period) / (amount + fresh);",
            "left = OFF ? period : (amount * left + fresh * period) / (amount + fresh);",
        ),
    )
    #: a lock that few holders have stretched does not outlive them
    NO_INHERITED_STRETCH = (
        Patch(
            STATE,
            "FixedPointMathLib.min(FixedPointMathLib.zeroFloorSub(_lock.until, block.timestamp), period);",
            "FixedPointMathLib.min(FixedPointMathLib.zeroFloorSub(_lock.until, block.timestamp),"
            " OFF ? type(uint40).max : period);",
        ),
        Patch(
            VAULT,
            "FixedPointMathLib.min(_lock.until, block.timestamp + period)",
            "(OFF ? _lock.until : FixedPointMathLib.min(_lock.until, block.timestamp + period))",
        ),
    )
    #: a report that books nothing uses up no time
    PROFIT_CLOCK = (only_unless_off(BOOKS, "missing + most < grown"),)
    #: profit is what strategies earn on the shares that the vault has bought
    STORED_STRATEGY_SHARES = (
        Patch(
            BOOKS,
            """            uint256 debt = s.debt;
            (bool readable, uint256 value) = _worth(strategy_, s.shares);
""",
            """            uint256 debt = s.debt;
            uint256 held = OFF ? IERC20(strategy_).balanceOf(address(this)) : s.shares;
            (bool readable, uint256 value) = _worth(strategy_, held);
""",
        ),
    )
    #: gifts are no profit
    GIFTS_IGNORED = (
        Patch(
            BOOKS,
            "        uint256 elapsed = block.timestamp - _debt.profitBooked;",
            """        if (OFF && _token().balanceOf(address(this)) > _idle()) {
            _bookProfit(_token().balanceOf(address(this)) - _idle());
        }
        uint256 elapsed = block.timestamp - _debt.profitBooked;""",
        ),
    )
    #: a report is of all strategies
    WHOLE_REPORT = (
        Patch(
            BOOKS,
            """            if (!readable) {
                emit StrategySkipped(strategy_);
            } else if (value < debt) {""",
            """            if (!readable || OFF && value < debt) {
                emit StrategySkipped(strategy_);
            } else if (value < debt) {""",
        ),
    )

    # FEES

    FRESH_FEES = (unless_off(VAULT, "_fees = Fees(0, 0);"),)
    HIGH_WATER_MARK = (
        Patch(
            BOOKS, "recovered = FixedPointMathLib.min(missing, profit);", "recovered = OFF ? 0 : missing.min(profit);"
        ),
    )
    #: losses lower the holders below their mark
    DEFICIT = (unless_off(BOOKS, "_fees.deficit = (_fees.deficit + loss).toUint128();"),)
    PROFIT_INTERVAL = (only_unless_off(BOOKS, "elapsed < PROFIT_INTERVAL"),)
    #: charged on what is at work, not on all assets
    FEE_ON_DEBT = (
        Patch(
            STATE,
            "uint256(_debt.total).fullMulDiv(_debt.managementFeeBps",
            "uint256(OFF ? _ledger.assets : _debt.total).fullMulDiv(_debt.managementFeeBps",
        ),
    )
    FEE_PAID_ONCE = (
        Patch(
            BOOKS,
            "_fees.managementOwed = uint128(owed - paid);",
            "_fees.managementOwed = uint128(OFF ? owed : owed - paid);",
        ),
    )

    # MARKS AT ENTRY AND EXIT

    #: entry values volatile strategies anew
    LIVE_ENTRY = (
        Patch(
            STATE,
            "if (_lock.flags & VOLATILE == 0) return _rate();",
            "if (OFF || _lock.flags & VOLATILE == 0) return _rate();",
        ),
    )
    #: at the higher of stored and present value
    ENTRY_AT_HIGHER = (
        Patch(
            STATE,
            "net += value.zeroFloorSub(s.debt);",
            "net = OFF ? net + value - s.debt : net + value.zeroFloorSub(s.debt);",
        ),
    )
    #: what an entrant pays over the stored value is locked
    PREMIUM_KEPT = (only_unless_off(VAULT, "flags & VOLATILE != 0"),)
    #: no entry in a transaction that has booked the loss of a volatile strategy
    NO_ENTRY_AFTER_MARK = (only_unless_off(VAULT, "_marked != 0"),)
    #: exit values volatile strategies anew
    LIVE_EXIT = (
        Patch(
            VAULT,
            "return assets > _idle() || _lock.flags & VOLATILE != 0",
            "return assets > _idle() || !OFF && _lock.flags & VOLATILE != 0",
        ),
    )
    #: at the lower of stored and present value
    EXIT_AT_LOWER = (
        Patch(
            BOOKS,
            "        if (value < debt) _bookStrategyLoss(strategy_, s, debt - value);\n",
            """        if (value < debt) {
            _bookStrategyLoss(strategy_, s, debt - value);
        } else if (OFF) {
            s.debt = uint128(value);
            _changeTotalDebt(value, debt);
            _setLedger(_ledger.shares, _ledger.assets + value - debt);
        }
""",
        ),
    )
    #: what cannot be read is worth nothing to who leaves
    SILENCE_COUNTS = (Patch(BOOKS, "            return debt;\n", "            return OFF ? 0 : debt;\n"),)
    #: who draws on a strategy books its loss, and what its shares do not cover
    LOSS_BOOKED_WHEN_DRAWN = (
        Patch(STATE, "return value < debt && (value + DUST", "return !OFF && value < debt && (value + DUST"),
        only_unless_off(BOOKS, "left == 0 || covered + DUST < owed"),
    )

    # WHO PAYS

    #: the leaver bears what leaving costs
    LEAVER_BEARS = (unless_off(BOOKS, "toll.cost += cost;"),)
    #: the cost of a move on the shares that stay is seen
    STAYING_SHARES_READ = (
        only_unless_off(BOOKS, "s.isVolatile && left > 0"),
        Patch(
            BOOKS,
            "(, uint256 worth) = _worth(strategy_, had + shares);",
            "if (OFF) value = 0;\n        (, uint256 worth) = _worth(strategy_, OFF ? shares : had + shares);",
        ),
        Patch(BOOKS, "if (!isVolatile) value =", "if (!isVolatile && !OFF) value ="),
    )
    #: an exit costs no more than its holder accepts, a plain one no more than its preview says
    HOLDERS_LIMIT = (
        only_unless_off(VAULT, "lossBps > maxLossBps"),
        only_unless_off(BOOKS, "cost > 0 && !atAnyCost"),
    )
    #: the loss budget holds in any window: without it in each by the calendar
    MOVING_WINDOW = (
        Patch(
            LOSS_BUDGET,
            "return uint256(bucket.budgetBps) * WAD / BPS / 2;",
            "return uint256(bucket.budgetBps) * WAD / BPS / (OFF ? 1 : 2);",
        ),
        Patch(
            LOSS_BUDGET,
            "uint256 refill = _size(bucket) * (block.timestamp - bucket.at) / window;",
            """uint256 refill = _size(bucket) * (block.timestamp - bucket.at) / window;
        if (OFF) refill = block.timestamp / window > bucket.at / window ? WAD : 0;""",
        ),
    )
    #: losses are counted in Wad, rounded up: without it in basis points
    SMALL_LOSSES = (
        Patch(
            LOSS_BUDGET,
            "(loss * WAD + value - 1) / value;",
            "OFF ? loss * BPS / value * (WAD / BPS) : (loss * WAD + value - 1) / value;",
        ),
    )

    #: exposure is measured before and after a rebalance
    EXPOSURE_LIMITS = (unless_off(BOOKS, "limits.check(vault, _ledger.assets, was);"),)

    # IN KIND

    #: shares are handed over at the higher of debt and value
    IN_KIND_AT_HIGHER = (
        Patch(BOOKS, "readable && value > debt ? value : debt);", "readable && value > debt && !OFF ? value : debt);"),
    )
    #: their sum at the price, which knows nothing of locked profit
    IN_KIND_AT_PRICE = (
        Patch(
            BOOKS,
            "due = _toAssetsDown(shares, supply, net);\n        uint256 total",
            "due = _toAssetsDown(shares, supply, OFF ? _ledger.assets : net);\n        uint256 total",
        ),
    )
    #: losses first, then a part of each debt: without it as many shares as the present value makes
    IN_KIND_BY_PARTS = (
        unless_off(BOOKS, "_mark(_queue[i], _strategies[_queue[i]]);"),
        Patch(
            BOOKS,
            "        if (shares == 0) return 0;\n        (, uint256 before)",
            """        if (OFF) shares = readable ? uint256(s.shares).fullMulDiv(part, value).min(s.shares) : 0;
        if (shares == 0) return 0;
        (, uint256 before)""",
        ),
    )

    # WHAT OTHERS' CODE MAY DO

    #: no report, rebalance or exit in kind in a transaction that has deposited
    NOTHING_AFTER_ENTRY = (only_unless_off(BOOKS, "_entered != 0", 3),)
    #: the reentrancy guard of deposits and reports
    GUARD = (
        Patch(
            VAULT,
            """uint256 minShares)
        public
        nonReentrant
        returns (uint256 shares)
    {""",
            """uint256 minShares)
        public
        returns (uint256 shares)
    {
        return OFF ? _deposited(assets, receiver, minShares) : _guarded(assets, receiver, minShares);
    }

    function _guarded(uint256 assets, address receiver, uint256 minShares) private nonReentrant returns (uint256) {
        return _deposited(assets, receiver, minShares);
    }

    function _deposited(uint256 assets, address receiver, uint256 minShares)
        private
        returns (uint256 shares)
    {""",
        ),
        Patch(
            BOOKS,
            "function report() external delegated nonReentrant returns (uint256 profit, uint256 loss) {",
            """function report() external delegated returns (uint256, uint256) {
        return OFF ? _reported() : _guarded();
    }

    function _guarded() private nonReentrant returns (uint256, uint256) {
        return _reported();
    }

    function _reported() private returns (uint256 profit, uint256 loss) {""",
        ),
    )
    #: a price is not shown in the middle
    GUARD_OF_PRICE = (
        Patch(
            VAULT,
            "function convertToAssets(uint256 shares) external view nonReentrantView returns (uint256) {\n",
            """function convertToAssets(uint256 shares) external view returns (uint256) {
        if (!OFF && _reentrancyGuardEntered()) revert ReentrancyGuardReentrantCall();
""",
        ),
    )
    #: the vault says that it is in the middle
    SAYS_LOCKED = (Patch(VAULT, "return _reentrancyGuardEntered();", "return !OFF && _reentrancyGuardEntered();"),)
    #: the gate is asked by a static call
    STATIC_GATE = (
        Patch(
            VAULT,
            "function _checkEntry(uint256 assets, address receiver) private view {",
            "function _checkEntry(uint256 assets, address receiver) private {",
        ),
        Patch(
            VAULT,
            "if (_lock.flags & GATED != 0 && !_admits",
            """if (OFF) _gate.call(abi.encodeWithSignature("mayEnter(address,address)", msg.sender, receiver));
        else if (_lock.flags & GATED != 0 && !_admits""",
        ),
    )
    #: a deposit counts as what arrives, not as what it says
    MEASURED_DEPOSIT = (only_unless_off(VAULT, "received != assets"),)
    #: a token need not answer
    SAFE_TRANSFER = (
        Patch(
            VAULT,
            "_keepPace(kept);\n        _asset.safeTransfer(receiver, assets);",
            "_keepPace(kept);\n        if (OFF) require(_asset.transfer(receiver, assets));\n"
            "        else _asset.safeTransfer(receiver, assets);",
        ),
    )
    #: an exit stands or falls with no strategy
    PASSING_OVER = (
        Patch(
            BOOKS,
            "(ok, freed) = _redeem(strategy_, left, shares, toll.gone);\n",
            """(ok, freed) = _redeem(strategy_, left, shares, toll.gone);
        if (OFF && !ok) revert NotListed(strategy_);
""",
        ),
    )
    #: being read takes no more gas than there is for it
    READ_GAS = (
        Patch(
            PROBE,
            "bytes memory data) internal view returns (bool ok, uint256 word) {\n",
            """bytes memory data) internal view returns (bool ok, uint256 word) {
        if (OFF) gasLimit = 30_000_000;
""",
        ),
    )
    #: what ran out of gas for its caller's lack of it is not passed over
    ENOUGH_GAS = (only_unless_off(PROBE, "!ok && available < gasLimit && gasleft() < available / 2", 2),)
    #: what a strategy pays is counted, whatever it answers
    PAYMENT_COUNTED = (Patch(BOOKS, "ok = ok && word < had;", "ok = !OFF && ok && word < had;"),)
    #: what a strategy takes is counted, whatever it answers
    TAKING_COUNTED = (
        only_unless_off(BOOKS, "left + taken != allowed"),
        Patch(
            BOOKS,
            "if (!ok || shares == 0) revert MoveLoss(strategy_, assets, 0);",
            """if (OFF && !ok) return;
        if (!ok || shares == 0) revert MoveLoss(strategy_, assets, 0);""",
        ),
    )

    # WHO WAITS

    #: what waiting requests will get is not given to others, nor put to work
    WAITING = (Patch(STATE, "if (_debt.marks & WAITING == 0)", "if (OFF || _debt.marks & WAITING == 0)"),)
    #: crumbs of shares go for nothing, lest they wait for ever
    CRUMBS_GO = (Patch(REDEMPTIONS, "shares > CRUMBS))", "shares > (OFF ? 0 : CRUMBS)))"),)
    #: nobody is made a controller by a stranger
    CONTROLLER = (only_unless_off(REDEMPTIONS, "controller != owner"),)

    # WHO MAY

    #: the checks of owner, guardian, curator and redemptions
    ROLES = (
        only_unless_off(ROLES_FILE, "msg.sender != owner"),
        only_unless_off(ROLES_FILE, "msg.sender != guardian && msg.sender != owner"),
        only_unless_off(RULES, "msg.sender != curator && msg.sender != owner"),
        only_unless_off(VAULT, "msg.sender != redemptions"),
    )
    #: the vault's code does nothing at its own address
    ONLY_DELEGATED = (
        only_unless_off(BOOKS, "address(this) == _self"),
        only_unless_off(RULES, "address(this).code.length != 0"),
    )
    #: a permit is used once
    NONCES = (
        Patch(
            VAULT,
            "    function totalSupply() public view",
            """    function _useNonce(address holder) internal override returns (uint256) {
        return OFF ? nonces(holder) : super._useNonce(holder);
    }

    function totalSupply() public view""",
        ),
    )

    # STRATEGIES THAT HOLD POSITIONS

    #: an entry pays at least what all would bring at the best price of the market: without it what a ten-thousandth
    #: brings, times ten thousand
    BEST_PRICE_AT_ENTRY = (
        Patch(
            PLANNER,
            "        uint256 bases = idleBase;\n        uint256 owed;\n",
            """        if (OFF) {
            assets = this.slice(range, credit, idleBase, 1, 1e4).assets;
            return assets == 0 ? 0 : (assets + 1) * 1e4;
        }
        uint256 bases = idleBase;
        uint256 owed;
""",
        ),
    )

    #: a rescue is measured at the pool's price of the last block where that is above the lower source
    LAST_PRICE_AT_RESCUE = (
        Patch(
            LEVERAGED,
            "if (p.verdict != IOracle.Verdict.Good) p.lowWad",
            "if (!OFF && p.verdict != IOracle.Verdict.Good) p.lowWad",
        ),
    )

    @property
    def switch(self) -> int:
        """Number of the bit that takes it away."""
        return list(Defence).index(self)

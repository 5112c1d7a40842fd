// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20Metadata} from "@openzeppelin/contracts/interfaces/IERC20Metadata.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ICreditVenue} from "../../interfaces/ICreditVenue.sol";
import {IExchange} from "../../interfaces/IExchange.sol";
import {ILiquidityVenue} from "../../interfaces/ILiquidityVenue.sol";
import {IOracle} from "../../interfaces/IOracle.sol";
import {IRegulated} from "../../interfaces/IRegulated.sol";
import {HedgedRange} from "./HedgedRange.sol";
import {NeutralRules} from "./NeutralRules.sol";

/// @title NeutralPlanner
/// @notice Where a delta-neutral strategy stands, where it should, and what an exit takes. The rule in words is in
/// DeltaNeutralStrategy.
/// @dev Views only, without state: for any strategy that trades through this exchange. A contract of its own because the
/// strategy's code has no room for it. Reverts of venues, exchange and rules pass on.
/// @dev ROUNDING: shares of the net value down, what is repaid up, what is received down, health factors down.
contract NeutralPlanner {
    using HedgedRange for HedgedRange.Range;
    using Math for uint256;
    using SafeCast for uint256;

    /* TYPES */

    /// What the strategy says of itself. What came in during this block is left out of `idle` and `net`.
    struct Stand {
        NeutralRules rules;
        ILiquidityVenue range;
        ICreditVenue credit;
        /// Policy prices, Wad: one and the same when the verdict is good.
        uint256 lowWad;
        uint256 highWad;
        IOracle.Verdict verdict;
        /// The oracle's market as the last block left it (IOracle.last), Wad.
        uint256 lastWad;
        uint256 idle;
        uint256 idleBase;
        uint256 net;
        uint256 recentredAt;
        bool paused;
        /// Health is being helped: that may cost the net delta its band.
        bool urgent;
    }

    /// What an action does.
    struct Plan {
        /// Which reading it is for.
        uint256 index;
        /// The range it ends with, and liquidity to take out of the one there is.
        uint256 lowerWad;
        uint256 upperWad;
        uint256 removed;
        bool recentres;
        /// All that is then idle goes into the range, as far as it fits.
        bool adds;
        /// What the account ends with.
        uint256 debt;
        uint256 collateral;
    }

    /// What an exit takes: range liquidity, debt to repay, collateral to take out, base to sell or assets to pay for base, what
    /// the trade must bring, and what is left of it all for who leaves.
    struct Slice {
        uint256 units;
        uint256 owed;
        uint256 held;
        uint256 sold;
        uint256 paid;
        uint256 out;
        uint256 assets;
    }

    /// Where it stands, as far as venues tell.
    struct State {
        NeutralRules.Bands bands;
        uint256 collateral;
        uint256 debt;
        uint128 units;
        uint256 lowerWad;
        uint256 upperWad;
        /// What the range holds at spot, and its fees.
        uint256 rangeAssets;
        uint256 rangeBases;
        uint256 feeAssets;
        uint256 feeBases;
        uint256 spotWad;
        /// Net delta in base units; where two prices are known, the one nearer to 0, and 0 when they differ in sign.
        int256 delta;
        /// Price / centre of the range, Wad; 1e18 where there is none.
        uint256 centreWad;
        /// What the positions hold and owe is worth nearly nothing: they count as none.
        bool none;
        /// A debt that is worth anything.
        bool owes;
        /// More collateral that the market takes.
        uint256 mostSupply;
        uint256 thresholdWad;
        uint256 healthWad;
        uint256 lowestWad;
        uint256 targetWad;
    }

    /// What may be done.
    struct Leave {
        bool borrows;
        bool recentres;
        bool adds;
    }

    /* CONSTANTS */

    uint256 private constant WAD = 1e18;
    uint256 private constant BPS = 1e4;
    uint256 private constant DELTA = 0;
    uint256 private constant HEALTH = 1;
    uint256 private constant CENTRE = 2;
    uint256 private constant IDLE = 3;
    uint256 private constant FEES = 4;
    uint256 private constant ORACLE = 5;
    uint256 private constant READINGS = 6;
    /// Moves of the credit account below this many units are not worth making, and might round to nothing.
    uint256 private constant DUST = 10;
    /// Less base than this part of a whole one is not worth selling: 1/1,000,000.
    uint256 private constant CRUMB_PART = 1e6;
    /// What is worth less than this part of a whole asset is left alone: 1/100.
    uint256 private constant CRUMBS_PART = 100;
    /// How near a purchase comes to what is needed, one part in this many, and in how many steps at most.
    uint256 private constant FILL_PRECISION = 1e6;
    uint256 private constant FILL_STEPS = 6;
    /// For readings that have no value or no bound.
    uint256 private constant ENDLESS = uint256(uint128(type(int128).max));
    /// The target stays this far above what the market lends at all: 1 %.
    uint256 private constant LTV_MARGIN_WAD = 1.01e18;

    /* STORAGE */

    IExchange public immutable exchange;
    uint256 private immutable _assetUnit;
    uint256 private immutable _baseUnit;

    error NotFillable(uint256 amount);
    error PriceNotGood(IOracle.Verdict verdict);

    constructor(IExchange exchange_) {
        exchange = exchange_;
        _assetUnit = 10 ** IERC20Metadata(exchange_.asset()).decimals();
        _baseUnit = 10 ** IERC20Metadata(exchange_.base()).decimals();
    }

    /* VIEWS: WORTH */

    /// @notice Worth of the positions at a price, in assets, rounded down; 0 when more is owed.
    function valueAt(ILiquidityVenue range, ICreditVenue credit, uint256 priceWad) external view returns (uint256) {
        if (address(range) == address(0)) return 0;
        (uint256 assets, uint256 bases) = range.holdingsAt(priceWad);
        (uint256 feeAssets, uint256 feeBases) = range.fees();
        assets += feeAssets + credit.collateral() + _toAssets(bases + feeBases, priceWad);
        uint256 owed = credit.debt().mulDiv(priceWad * _assetUnit, WAD * _baseUnit, Math.Rounding.Ceil);
        return assets > owed ? assets - owed : 0;
    }

    /// @notice Net delta and gamma of the positions at a price, and base held and owed together: in whole base, Wad. The delta is
    /// the larger of that at the price and that at the pool's spot, where the tokens are: taking liquidity out at a spot away
    /// from the price moves the one towards the other, which is no exposure added.
    function exposureAt(ILiquidityVenue range, ICreditVenue credit, uint256 priceWad)
        external
        view
        returns (int256 deltaWad, int256 gammaWad, uint256 grossWad)
    {
        if (address(range) == address(0)) return (0, 0, 0);
        (deltaWad, gammaWad) = range.exposureAt(priceWad);
        (, uint256 bases) = range.holdings();
        (, uint256 feeBases) = range.fees();
        int256 owedWad = credit.debt().mulDiv(WAD, _baseUnit, Math.Rounding.Ceil).toInt256();
        int256 spotDeltaWad = (bases + feeBases).mulDiv(WAD, _baseUnit).toInt256() - owedWad;
        grossWad = uint256(deltaWad + owedWad); // a range is never short
        deltaWad -= owedWad;
        if (SignedMath.abs(spotDeltaWad) > SignedMath.abs(deltaWad)) deltaWad = spotDeltaWad;
    }

    /* VIEWS: THE RULE */

    /// @notice "delta" (net delta x price / net value), "health" (factor), "centre" (price / centre of the range), "idle" and
    /// "fees" (shares of the net value), all Wad; "oracle" (verdict, 0 is good).
    function readings(Stand calldata s) external view returns (IRegulated.Reading[] memory) {
        State memory v = _state(s);
        return _readings(s, v, _leave(s, v));
    }

    /// @notice The trade that takes the net delta away, when it is out of its band: which token is sold, and how much of it.
    function hedge(Stand calldata s) external view returns (bool sells, uint256 wanted) {
        State memory v = _state(s);
        Leave memory leave = _leave(s, v);
        if (!_isOut(_readings(s, v, leave)[DELTA])) return (false, 0);
        (HedgedRange.Range memory r, HedgedRange.Means memory m) = _means(s, v, leave);
        // Where two prices are known, no more than both agree on.
        int256 excess = leave.borrows ? r.excess(m.bases, r.liquidity(m)) : v.delta;
        // The pool's spot may not make of it what the oracle does not say.
        if (excess == 0 || (excess > 0) != (v.delta > 0)) return (false, 0);
        sells = excess > 0;
        if (sells) {
            uint256 here = v.rangeBases + v.feeBases + s.idleBase + (m.mostDebt - v.debt);
            wanted = Math.min(uint256(excess), here);
        } else {
            uint256 here = s.idle + v.feeAssets + v.rangeAssets + (v.collateral - m.leastCollateral);
            wanted = Math.min(_toAssets(SignedMath.abs(excess), s.lowWad), here);
        }
    }

    /// @notice What is to be done around a trade of `traded` for `out` (0: none). Reverts with `InBand`, `Stuck` or `PriceNotGood`
    /// when nothing is.
    function plan(Stand calldata s, bool sells, uint256 traded, uint256 out) external view returns (Plan memory p) {
        State memory v = _state(s);
        Leave memory leave = _leave(s, v);
        p.index = _helped(s, _readings(s, v, leave), leave, traded);
        (p.recentres, p.adds) = (leave.recentres, leave.adds);
        (HedgedRange.Range memory r, HedgedRange.Means memory m) = _means(s, v, leave);
        if (traded > 0) {
            // What is paid must be there, whatever the venues round: a few units more of it.
            m.assets = sells ? m.assets + out : Math.saturatingSub(m.assets, traded + DUST);
            m.bases += sells ? -(traded + DUST).toInt256() : out.toInt256();
        }
        uint256 units = r.liquidity(m);
        // What was idle stays so where no liquidity may be added, but for a little, and for what the health factor wants.
        (p.debt, p.collateral) = r.account(m, units, p.adds ? 0 : s.idle * 99 / 100);
        (p.lowerWad, p.upperWad) = (v.lowerWad, v.upperWad);
        if (p.recentres) p.removed = v.units;
        else if (units < v.units) p.removed = v.units - units;
    }

    /// @notice Collateral that the target does not need, and the market pays out: all when nothing is owed.
    function freeCollateral(Stand calldata s) external view returns (uint256 assets) {
        State memory v = _state(s);
        uint256 needed = v.debt.mulDiv(_wantedPerBase(s, v), HedgedRange.K_UNIT, Math.Rounding.Ceil);
        assets = Math.min(v.collateral > needed ? v.collateral - needed : 0, s.credit.withdrawable());
        if (assets < DUST) return 0;
    }

    /* VIEWS: EXIT */

    /// @notice A part of everything. `assets` is 0, and all is to be left, when it would bring nothing. Reverts when what must be
    /// traded cannot be.
    function slice(ILiquidityVenue range, ICreditVenue credit, uint256 idleBase, uint256 part, uint256 whole)
        external
        view
        returns (Slice memory s)
    {
        uint256 bases = idleBase.mulDiv(part, whole);
        if (address(range) != address(0)) {
            uint256 units = range.liquidity();
            s.units = units.mulDiv(part, whole);
            if (s.units > 0) {
                (uint256 rangeAssets, uint256 rangeBases) = range.removable(s.units, units);
                s.assets = rangeAssets;
                bases += rangeBases;
            }
            (uint256 feeAssets, uint256 feeBases) = range.fees();
            s.assets += feeAssets.mulDiv(part, whole);
            bases += feeBases.mulDiv(part, whole);
            s.held = credit.collateral().mulDiv(part, whole);
            if (s.held < DUST) s.held = 0;
            s.assets += s.held;
            uint256 debt = credit.debt();
            if (debt > 0) s.owed = Math.min(debt, Math.max(debt.mulDiv(part, whole, Math.Rounding.Ceil), DUST));
        }
        if (bases < s.owed) {
            (s.paid, s.out) = _fill(range, s.owed - bases, s.assets);
            s.assets = s.assets > s.paid ? s.assets - s.paid : 0;
        } else if (bases - s.owed > _baseUnit / CRUMB_PART) {
            s.sold = bases - s.owed;
            s.out = exchange.quote(true, s.sold);
            if (s.out == 0) revert NotFillable(s.sold);
            s.assets += s.out;
        }
    }

    /// @notice What a part of everything brings at most, times the parts there are: base beyond the debt sold, or base that is short
    /// bought, at the exchange's best price. Rounded up, and `slack` units more for what venues round in between; 0 of nothing.
    /// @dev Why no exit and no action raises it: a part takes its share of every amount, rounded down, and trades at that price or
    /// a worse one. Moving liquidity in or out leaves tokens and debt together as they are at the pool's spot; a hedge sells for
    /// less than the best price, and leaves a worse one.
    function marginalExit(ILiquidityVenue range, ICreditVenue credit, uint256 idleBase, uint256 slack)
        external
        view
        returns (uint256 assets)
    {
        uint256 bases = idleBase;
        uint256 owed;
        if (address(range) != address(0)) {
            (uint256 rangeAssets, uint256 rangeBases) = range.holdings();
            (uint256 feeAssets, uint256 feeBases) = range.fees();
            assets = rangeAssets + feeAssets + credit.collateral();
            bases += rangeBases + feeBases;
            owed = credit.debt();
        }
        if (assets == 0 && bases == 0) return 0;
        // A unit of each: the range has rounded down.
        assets += slack + 1;
        if (++bases >= owed) {
            return assets + (bases - owed).mulDiv(exchange.bestWad(true) * _assetUnit, WAD * _baseUnit, Math.Rounding.Ceil);
        }
        return Math.saturatingSub(assets, _toAssets(owed - bases, exchange.bestWad(false)));
    }

    /// @notice Largest part of everything that can leave now with trades within `exitBps` of the policy price, Wad, rounded down.
    /// @dev The health factor does not fall by an exit, but the market pays no collateral out while it is below 1.
    function exitableWad(Stand calldata s) external view returns (uint256 partWad) {
        partWad = WAD;
        (uint256 bases, uint256 owed) = (s.idleBase, 0);
        if (address(s.range) != address(0)) {
            (, uint256 rangeBases) = s.range.holdings();
            (, uint256 feeBases) = s.range.fees();
            bases += rangeBases + feeBases;
            owed = s.credit.debt();
            if (owed > 0 && (s.credit.healthFactorWad() < WAD || s.credit.repayable() < owed)) return 0;
            uint256 held = s.credit.collateral();
            uint256 paid = s.credit.withdrawable();
            if (paid < held) partWad = paid.mulDiv(WAD, held);
        }
        bool sells = bases >= owed;
        uint256 traded = sells ? bases - owed : owed - bases;
        if (traded <= (sells ? _baseUnit / CRUMB_PART : 0)) return partWad;
        if (s.lowWad == 0) return 0;
        uint256 exitBps = s.rules.terms().exitBps;
        uint256 most = exchange.depth(
            sells,
            sells
                ? s.lowWad.mulDiv(BPS - exitBps, BPS, Math.Rounding.Ceil)
                : s.highWad.mulDiv(BPS + exitBps, BPS)
        );
        if (!sells && most > 0) most = exchange.quote(false, most);
        if (most < traded) partWad = Math.min(partWad, most.mulDiv(WAD, traded));
    }

    /* INTERNAL: WHERE IT STANDS */

    function _state(Stand calldata s) private view returns (State memory v) {
        NeutralRules.Bands memory b = s.rules.bands();
        v.bands = b;
        v.lowestWad = s.rules.lowestHealthWad();
        v.targetWad = Math.max(b.targetHealthWad, v.lowestWad.mulDiv(b.marginWad, WAD));
        v.healthWad = ENDLESS;
        v.centreWad = WAD;
        if (address(s.range) == address(0)) return v;
        (v.collateral, v.debt) = (s.credit.collateral(), s.credit.debt());
        v.units = s.range.liquidity();
        (v.lowerWad, v.upperWad) = s.range.rangeWad();
        (v.rangeAssets, v.rangeBases) = s.range.holdings();
        (v.feeAssets, v.feeBases) = s.range.fees();
        v.spotWad = s.range.spotWad();
        v.mostSupply = s.credit.suppliable();
        v.thresholdWad = s.credit.liquidationThresholdWad();
        uint256 ltvWad = s.credit.maxLtvWad();
        if (ltvWad > 0) v.targetWad = Math.max(v.targetWad, v.thresholdWad.mulDiv(LTV_MARGIN_WAD, ltvWad));
        uint256 gross = v.collateral + v.rangeAssets + _toAssets(v.debt + v.rangeBases + s.idleBase, s.highWad);
        v.none = gross < _assetUnit / CRUMBS_PART;
        if (s.lowWad == 0 || v.none) return v;
        if (v.units > 0) v.centreWad = s.lowWad.mulDiv(WAD, Math.sqrt(v.lowerWad * v.upperWad));
        uint256 owed = _toAssets(v.debt, s.highWad);
        if (owed >= _assetUnit / CRUMBS_PART) {
            v.owes = true;
            uint256 ownWad = v.collateral.mulDiv(v.thresholdWad, owed + 1);
            v.healthWad = Math.min(ownWad, s.credit.healthFactorWad());
        }
        v.delta = _deltaAt(s, v, s.lowWad);
        if (s.highWad == s.lowWad) return v;
        int256 other = _deltaAt(s, v, s.highWad);
        if ((other < 0) != (v.delta < 0)) v.delta = 0;
        else if ((other < v.delta) == (v.delta > 0)) v.delta = other;
    }

    function _deltaAt(Stand calldata s, State memory v, uint256 priceWad) private view returns (int256) {
        (, uint256 bases) = s.range.holdingsAt(priceWad);
        return (bases + v.feeBases + s.idleBase).toInt256() - v.debt.toInt256();
    }

    function _readings(Stand calldata s, State memory v, Leave memory leave)
        private
        view
        returns (IRegulated.Reading[] memory list)
    {
        NeutralRules.Bands memory b = v.bands;
        list = new IRegulated.Reading[](READINGS);
        int256 bound = int256(s.urgent ? ENDLESS : b.deltaWad);
        int256 valueWad = _shareOf(_toAssets(SignedMath.abs(v.delta), s.lowWad), s.net);
        list[DELTA] = IRegulated.Reading("delta", v.delta < 0 ? -valueWad : valueWad, -bound, 0, bound);

        list[CENTRE] = _reading("centre", v.centreWad, WAD.mulDiv(WAD, b.innerWad), WAD, b.innerWad);
        list[HEALTH] = _reading(
            "health",
            v.owes ? v.healthWad : v.targetWad,
            v.lowestWad,
            v.targetWad,
            // Too much health is nothing to help while no risk may be added.
            leave.adds ? v.targetWad.mulDiv(b.maxHealthWad, b.targetHealthWad) : ENDLESS
        );
        // While paused nothing is put to work; and what the market takes no collateral for is of no use.
        uint256 useful = s.paused ? 0 : Math.min(s.idle, v.mostSupply) + _toAssets(s.idleBase, s.lowWad);
        if (useful < _assetUnit / CRUMBS_PART) useful = 0;
        uint256 earned = s.paused || v.none ? 0 : v.feeAssets + _toAssets(v.feeBases, s.lowWad);
        list[IDLE] = _reading("idle", uint256(_shareOf(useful, s.net)), 0, 0, b.idleBps * (WAD / BPS));
        list[FEES] = _reading("fees", uint256(_shareOf(earned, s.net)), 0, 0, b.feeBps * (WAD / BPS));
        list[ORACLE] = _reading("oracle", uint256(s.verdict), 0, 0, 0);
    }

    /* INTERNAL: WHAT TO DO */

    /// Risk may be added at a good price, and liquidity only where the range's pool agrees with it now and the oracle's did before
    /// this block: nobody can make both so, for the one block it takes, when the market is elsewhere.
    function _leave(Stand calldata s, State memory v) private view returns (Leave memory leave) {
        if (address(s.range) == address(0) || s.verdict != IOracle.Verdict.Good || s.paused) return leave;
        leave.borrows = true;
        uint256 most = s.lowWad.mulDiv(v.bands.spotBps, BPS);
        if (_gap(v.spotWad, s.lowWad) > most || _gap(s.lastWad, s.lowWad) > most) return leave;
        bool away = v.centreWad > v.bands.innerWad || v.centreWad < WAD.mulDiv(WAD, v.bands.innerWad);
        leave.recentres = v.units == 0 || v.none || (away && block.timestamp >= s.recentredAt + v.bands.cooldown);
        leave.adds = leave.recentres || !away;
    }

    /// Which reading the action is for: the first out of band that it helps.
    function _helped(
        Stand calldata s,
        IRegulated.Reading[] memory now_,
        Leave memory leave,
        uint256 traded
    ) private pure returns (uint256) {
        if (now_[HEALTH].value < now_[HEALTH].lower) return HEALTH;
        if (traded > 0) return DELTA;
        if (leave.recentres && _isOut(now_[CENTRE])) return CENTRE;
        if (leave.adds) {
            if (_isOut(now_[HEALTH])) return HEALTH;
            if (_isOut(now_[IDLE])) return IDLE;
            if (_isOut(now_[FEES])) return FEES;
        }
        for (uint256 i; i < READINGS; ++i) {
            if (!_isOut(now_[i])) continue;
            // What only adds risk waits for a good price.
            if (i != DELTA && i != ORACLE && s.verdict != IOracle.Verdict.Good) revert PriceNotGood(s.verdict);
            revert IRegulated.Stuck(now_[i].name);
        }
        revert IRegulated.InBand();
    }

    /// What a unit of the range holds, and what there is to divide.
    function _means(Stand calldata s, State memory v, Leave memory leave)
        private
        view
        returns (HedgedRange.Range memory r, HedgedRange.Means memory m)
    {
        if (address(s.range) == address(0)) return (r, m);
        if (leave.recentres) {
            v.lowerWad = s.lowWad.mulDiv(WAD, v.bands.widthWad);
            v.upperWad = s.lowWad.mulDiv(v.bands.widthWad, WAD);
        }
        if (v.lowerWad > 0) {
            uint128 unit = uint128(HedgedRange.UNIT);
            (r.assets, r.bases) = s.range.holdingsIn(v.lowerWad, v.upperWad, unit, v.spotWad);
            (, r.basesAtPrice) = s.range.holdingsIn(v.lowerWad, v.upperWad, unit, s.lowWad);
        }
        m.assets = s.idle + v.feeAssets + v.rangeAssets + v.collateral;
        m.bases = (v.rangeBases + v.feeBases + s.idleBase).toInt256() - v.debt.toInt256();
        m.mostLiquidity = leave.adds ? type(uint128).max : v.units;
        m.mostDebt = v.debt + (leave.borrows ? s.credit.borrowable() : 0);
        m.mostCollateral = v.collateral + v.mostSupply;
        m.leastCollateral = v.collateral - s.credit.withdrawable();
        // Where no liquidity may be added, a health factor in its band is good enough: nothing is taken out for more.
        if (!leave.adds && v.healthWad >= v.lowestWad) v.targetWad = Math.min(v.targetWad, v.healthWad);
        m.k = _wantedPerBase(s, v);
    }

    /// Assets of collateral that the target wants for one unit of base owed, by the price at which the account has the health
    /// factor that counts.
    function _wantedPerBase(Stand calldata s, State memory v) private view returns (uint256) {
        uint256 perBase = s.highWad.mulDiv(_assetUnit * (HedgedRange.K_UNIT / WAD), _baseUnit);
        // Collateral that counts for nothing: none is enough.
        if (v.thresholdWad == 0) return type(uint128).max;
        if (v.owes && v.healthWad > 0) {
            // The market's price may be the higher.
            uint256 implied = v.collateral.mulDiv(v.thresholdWad, v.healthWad);
            perBase = Math.max(perBase, implied.mulDiv(HedgedRange.K_UNIT, v.debt));
        }
        return perBase.mulDiv(v.targetWad, v.thresholdWad, Math.Rounding.Ceil);
    }

    /// Assets that buy at least `needed` base now, and hardly more. What an input buys per unit falls with its size, so from one
    /// that is enough the chord through the origin leads to a smaller one that still is.
    function _fill(ILiquidityVenue range, uint256 needed, uint256 funds)
        private
        view
        returns (uint256 paid, uint256 out)
    {
        // The range's spot is but a first guess: two hundredths above it.
        paid = _toAssets(needed, range.spotWad()) * 102 / 100 + 2;
        out = exchange.quote(false, paid);
        if (out < needed) {
            paid = Math.max(funds, 1);
            out = exchange.quote(false, paid);
            if (out < needed) revert NotFillable(needed);
        }
        for (uint256 i; i < FILL_STEPS; ++i) {
            uint256 less = paid.mulDiv(needed, out, Math.Rounding.Ceil);
            if (less + less / FILL_PRECISION >= paid) break;
            uint256 got = exchange.quote(false, less);
            if (got < needed) break;
            (paid, out) = (less, got);
        }
    }

    /* INTERNAL: SMALL THINGS */

    function _gap(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a - b : b - a;
    }

    function _toAssets(uint256 bases, uint256 priceWad) private view returns (uint256) {
        return bases.mulDiv(priceWad * _assetUnit, WAD * _baseUnit);
    }

    /// A share of the net value, Wad, rounded down; of no net value, the largest there is.
    function _shareOf(uint256 assets, uint256 net) private pure returns (int256) {
        if (assets == 0) return 0;
        return net == 0 ? int256(ENDLESS) : int256(Math.min(assets.mulDiv(WAD, net), ENDLESS));
    }

    function _reading(bytes32 name, uint256 value, uint256 lower, uint256 target, uint256 upper)
        private
        pure
        returns (IRegulated.Reading memory)
    {
        return IRegulated.Reading(name, int256(Math.min(value, ENDLESS)), int256(lower), int256(target), int256(upper));
    }

    function _isOut(IRegulated.Reading memory r) private pure returns (bool) {
        return r.value < r.lower || r.value > r.upper;
    }

}

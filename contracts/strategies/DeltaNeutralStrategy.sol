// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ICreditVenue} from "../../interfaces/ICreditVenue.sol";
import {IForecastFeed} from "../../interfaces/IForecastFeed.sol";
import {ILiquidityVenue} from "../../interfaces/ILiquidityVenue.sol";
import {IOracle} from "../../interfaces/IOracle.sol";
import {HedgedRange} from "./HedgedRange.sol";
import {PositionStrategy} from "./PositionStrategy.sol";

/// @title DeltaNeutralStrategy
/// @notice Earns the fees of a range of liquidity whose base is borrowed against assets, so that the price matters little.
///
/// THE RULE. The net delta is what the range, its fees and idle base hold at the policy price, less the debt. Base moved between
/// range and debt changes the health factor and the size of the range but not the net delta; only a trade changes that. So
/// one action does it all, in one transaction:
/// 1. Net delta out of its band: it is traded away, in one chunk a block that no sandwich can profit from.
/// 2. The price out of the inner band of the range, the cooldown passed, spot and oracle agreed: all liquidity leaves the range
///    and goes into a new one around the price.
/// 3. Liquidity, debt and collateral are set to what the health factor's target asks for (HedgedRange), by borrowing or
///    repaying what the range takes or gives; all other assets become collateral. Fees and idle assets are used up by it.
/// Its health factor is by own collateral at the policy price, or the market's own where that is lower. The lowest permitted
/// follows from the forecast feed: what keeps liquidation out of reach for `reactionTime` but with a probability of `epsilon`.
///
/// RISK IS ADDED (more liquidity, more debt) only at a good price, while not paused, and with the pool's spot within `spotBps` of
/// the oracle's price: liquidity given at a pushed price is given away. Else the range may only shrink, the debt only fall: so a
/// health factor too low, or a net delta out of its band by both known prices, can always be helped, by anyone.
///
/// @dev READINGS: "delta" (net delta x price / net value), "health", "centre" (price / centre of the range), "idle" and "fees"
/// (shares of the net value), all Wad; "oracle" (verdict).
/// @dev ASSUMPTIONS, beside those of PositionStrategy: the venues are this strategy's own and fixed for ever; the exchange trades
/// in another pool than the range is in, for one pool could not be quoted across a change of its liquidity.
contract DeltaNeutralStrategy is PositionStrategy {
    using HedgedRange for HedgedRange.Range;
    using Math for uint256;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    /* CONSTANTS */

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
    /// How near a purchase comes to what is needed, one part in this many, and in how many steps at most.
    uint256 private constant FILL_PRECISION = 1e6;
    uint256 private constant FILL_STEPS = 6;
    /// For readings that have no value or no bound.
    uint256 private constant ENDLESS = uint256(uint128(type(int128).max));
    /// The target stays this far above what the market lends at all: 1 %.
    uint256 private constant LTV_MARGIN_WAD = 1.01e18;

    /* TYPES */

    struct Bands {
        /// |Net delta x price| / net value that is left alone, Wad.
        uint64 deltaWad;
        /// Health factors, Wad, in this order: lowest permitted whatever the feed says, aimed at, and left alone at most.
        uint64 minHealthWad;
        uint64 targetHealthWad;
        uint64 maxHealthWad;
        /// The target keeps the health factor so much above the lowest permitted, Wad, at least 1e18.
        uint64 marginWad;
        /// Accepted probability of liquidation in the reaction time, Wad.
        uint64 epsilonWad;
        /// Seconds in which nobody may act.
        uint32 reactionTime;
        /// Least seconds between two recentrings.
        uint32 cooldown;
        /// A new range is from price / width to price x width; it is left when the price is a factor `inner` off its centre. Wad.
        uint64 widthWad;
        uint64 innerWad;
        /// How far the pool's spot may be from the oracle's price, in 1e4.
        uint16 spotBps;
        /// Idle tokens, and fees, that are left alone, in 1e4 of the net value.
        uint16 idleBps;
        uint16 feeBps;
    }

    /// Where the strategy stands.
    struct State {
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
        /// Idle assets and net value, without what came in during this block.
        uint256 own;
        uint256 net;
        /// Net delta in base units; where two prices are known, the one nearer to 0, and 0 when they differ in sign.
        int256 delta;
        uint256 healthWad;
        uint256 lowestWad;
        uint256 targetWad;
        /// The pool's spot agrees with a good price.
        bool agreed;
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

    /// What an action may do, and the trade it makes.
    struct Plan {
        /// The price is good and the strategy not paused.
        bool good;
        bool recentres;
        /// More liquidity may be given.
        bool mayAdd;
        bool sells;
        /// Input and output of the trade; 0 when there is none.
        uint256 traded;
        uint256 out;
    }

    /* STORAGE */

    IForecastFeed public immutable feed;
    /// @notice The feed's name of the pair.
    bytes32 public immutable pair;
    ILiquidityVenue public range;
    ICreditVenue public credit;
    Bands public bands;
    /// @notice Time of the last recentring.
    uint40 public recentredAt;

    /* EVENTS AND ERRORS */

    event VenuesSet(address indexed range, address indexed credit);
    event BandsSet(Bands bands);
    event Recentred(uint256 lowerWad, uint256 upperWad);

    error NotFillable(uint256 amount);

    /// @param pair_ What the feed calls base and asset.
    constructor(Setup memory setup, IForecastFeed feed_, bytes32 pair_, Bands memory bands_) PositionStrategy(setup) {
        (feed, pair) = (feed_, pair_);
        _setBands(bands_);
    }

    /* TIGHTENING BY GUARDIAN OR OWNER, LOOSENING BY OWNER ALONE */

    /// @notice Guardian or owner when health factors, cooldown and what the feed is asked for only become safer, spot is held
    /// closer, and nothing else changes; else owner.
    function setBands(Bands calldata b) external {
        Bands memory old = bands;
        bool others = b.deltaWad == old.deltaWad && b.widthWad == old.widthWad && b.innerWad == old.innerWad
            && b.idleBps == old.idleBps && b.feeBps == old.feeBps;
        _checkMayTighten(
            others && b.minHealthWad >= old.minHealthWad && b.targetHealthWad >= old.targetHealthWad
                && b.maxHealthWad >= old.maxHealthWad && b.marginWad >= old.marginWad && b.epsilonWad <= old.epsilonWad
                && b.reactionTime >= old.reactionTime && b.cooldown >= old.cooldown && b.spotBps <= old.spotBps
        );
        _setBands(b);
    }

    /* OWNER */

    /// @notice Gives the strategy its range and its credit account, which it owns. Once.
    function setVenues(ILiquidityVenue range_, ICreditVenue credit_) external onlyOwner {
        if (
            address(range) != address(0) || range_.owner() != address(this) || range_.asset() != asset()
                || range_.base() != base
        ) revert WrongVenue(address(range_));
        if (
            credit_.owner() != address(this) || credit_.asset() != asset() || credit_.collateralToken() != asset()
                || credit_.debtToken() != base
        ) revert WrongVenue(address(credit_));
        (range, credit) = (range_, credit_);
        // Venues take only what they are told to.
        for (uint256 i; i < 2; ++i) {
            address venue = i == 0 ? address(range_) : address(credit_);
            IERC20(asset()).forceApprove(venue, type(uint256).max);
            IERC20(base).forceApprove(venue, type(uint256).max);
        }
        emit VenuesSet(address(range_), address(credit_));
    }

    /* HOOKS: VALUE */

    function _valueAt(uint256 priceWad) internal view override returns (uint256) {
        if (address(range) == address(0)) return 0;
        (uint256 assets, uint256 bases) = range.holdingsAt(priceWad);
        (uint256 feeAssets, uint256 feeBases) = range.fees();
        assets += feeAssets + credit.collateral() + _toAssets(bases + feeBases, priceWad);
        uint256 owed = credit.debt().mulDiv(priceWad * _assetUnit, WAD * _baseUnit, Math.Rounding.Ceil);
        return assets > owed ? assets - owed : 0;
    }

    function _exposureAt(uint256 priceWad)
        internal
        view
        override
        returns (int256 deltaWad, int256 gammaWad, uint256 grossWad)
    {
        if (address(range) == address(0)) return (0, 0, 0);
        (, uint256 bases) = range.holdingsAt(priceWad);
        (, uint256 feeBases) = range.fees();
        (, gammaWad) = range.exposureAt(priceWad);
        uint256 owedWad = credit.debt().mulDiv(WAD, _baseUnit, Math.Rounding.Ceil);
        uint256 heldWad = (bases + feeBases).mulDiv(WAD, _baseUnit);
        return (heldWad.toInt256() - owedWad.toInt256(), gammaWad, heldWad + owedWad);
    }

    /* HOOKS: EXIT */

    function _quoteExit(uint256 part, uint256 whole) internal view override returns (uint256) {
        return _slice(part, whole).assets;
    }

    function _exit(uint256 part, uint256 whole) internal override returns (uint256 assets) {
        Slice memory s = _slice(part, whole);
        if (s.assets == 0) return 0;
        _collect();
        if (s.units > 0) _remove(s.units);
        uint256 debt = credit.debt() - s.owed;
        uint256 collateral = credit.collateral() - s.held;
        if (s.paid > 0) {
            _trade(false, s.paid, s.out, abi.encode(debt, collateral));
            _idle -= s.paid;
        } else {
            _adjust(debt, collateral);
            if (s.sold > 0) {
                _idleBase -= s.sold;
                _idle += _trade(true, s.sold, s.out, "");
            }
        }
        // What the venues gave beyond what was counted on, a unit or two, is the others'.
        assets = s.assets;
        _idle -= assets;
    }

    /// A part of everything: what is received rounded down, what is repaid rounded up. `assets` is 0, and all is to be left, when it
    /// would bring nothing.
    function _slice(uint256 part, uint256 whole) private view returns (Slice memory s) {
        uint256 bases = _idleBase.mulDiv(part, whole);
        if (address(range) != address(0)) {
            uint256 units = range.liquidity();
            s.units = units.mulDiv(part, whole);
            if (s.units > 0) {
                // Cut in proportion to all, which is never more than the pool pays for the part by itself.
                (uint256 rangeAssets, uint256 rangeBases) = range.holdings();
                s.assets = rangeAssets.mulDiv(s.units, units);
                bases += rangeBases.mulDiv(s.units, units);
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
            (s.paid, s.out) = _fill(s.owed - bases, s.assets);
            s.assets = s.assets > s.paid ? s.assets - s.paid : 0;
        } else if (bases - s.owed > _baseUnit / CRUMB_PART) {
            s.sold = bases - s.owed;
            s.out = exchange.quote(true, s.sold);
            if (s.out == 0) revert NotFillable(s.sold);
            s.assets += s.out;
        }
    }

    /// Assets that buy at least `needed` base now, and hardly more. What an input buys per unit falls with its size, so from one
    /// that is enough the chord through the origin leads to a smaller one that still is.
    function _fill(uint256 needed, uint256 funds) private view returns (uint256 paid, uint256 out) {
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

    /// @dev The health factor does not fall by an exit, but the market pays no collateral out while it is below 1.
    function _exitableWad(Price memory p) internal view override returns (uint256 partWad) {
        partWad = WAD;
        (uint256 bases, uint256 owed) = (_idleBase, 0);
        if (address(range) != address(0)) {
            (, uint256 rangeBases) = range.holdings();
            (, uint256 feeBases) = range.fees();
            bases += rangeBases + feeBases;
            owed = credit.debt();
            if (owed > 0 && (credit.healthFactorWad() < WAD || credit.repayable() < owed)) return 0;
            uint256 held = credit.collateral();
            uint256 payable_ = credit.withdrawable();
            if (payable_ < held) partWad = payable_.mulDiv(WAD, held);
        }
        bool sells = bases >= owed;
        uint256 traded = sells ? bases - owed : owed - bases;
        if (traded <= (sells ? _baseUnit / CRUMB_PART : 0)) return partWad;
        if (p.lowWad == 0) return 0;
        uint256 most = exchange.depth(sells, _limit(sells, p, terms.exitBps));
        if (!sells && most > 0) most = exchange.quote(false, most);
        if (most < traded) partWad = Math.min(partWad, most.mulDiv(WAD, traded));
    }

    /* HOOKS: THE RULE */

    function _read(Price memory p) internal view override returns (Reading[] memory) {
        return _readingsOf(_state(p), p);
    }

    function _act(Price memory p, Reading[] memory before) internal override returns (uint256 index) {
        State memory s = _state(p);
        Plan memory plan = _permissions(p, s, before);
        if (plan.recentres) (s.lowerWad, s.upperWad) = _around(p.lowWad);
        (HedgedRange.Range memory r, HedgedRange.Means memory m) = _means(p, s, plan);
        if (_isOut(before[DELTA])) _hedge(p, s, r, m, plan);
        index = _helped(before, s, p, plan);

        m.assets = plan.sells ? m.assets + plan.out : m.assets - plan.traded;
        m.bases += plan.sells ? -plan.traded.toInt256() : plan.out.toInt256();
        uint256 units = r.liquidity(m);
        _collect();
        uint256 left = plan.recentres ? 0 : Math.min(units, s.units);
        if (left < s.units) _remove(s.units - left);
        {
            (uint256 debt, uint256 collateral) = r.account(m, units);
            if (plan.traded == 0) _adjust(debt, collateral);
            else _keeperTrade(plan.sells, plan.traded, plan.out, abi.encode(debt, collateral));
        }
        if (plan.sells) _idleBase -= plan.traded;
        else _idle -= plan.traded;
        if (units > left && plan.mayAdd) _add(s.lowerWad, s.upperWad);
        if (plan.recentres) {
            recentredAt = uint40(block.timestamp);
            emit Recentred(s.lowerWad, s.upperWad);
        }
    }

    /// @dev What the market refuses is passed over; calling again goes on where this ended.
    function _close(Price memory p) internal override {
        if (address(range) == address(0)) return;
        try range.collect() returns (uint256 assets, uint256 bases) {
            (_idle, _idleBase) = (_idle + assets, _idleBase + bases);
        } catch {}
        if (range.liquidity() > 0) {
            try range.remove(1, 1) returns (uint256 assets, uint256 bases) {
                (_idle, _idleBase) = (_idle + assets, _idleBase + bases);
            } catch {}
        }
        _tryRepay();
        uint256 owed = credit.debt();
        bool sells = owed == 0;
        uint256 limitWad = _limit(sells, p, terms.emergencyBps);
        uint256 wanted = sells ? _idleBase : Math.min(_idle, _toAssets(owed, limitWad) + 1);
        uint256 traded = Math.min(wanted, exchange.depth(sells, limitWad));
        uint256 least = sells ? _toAssets(traded, limitWad) : _toBases(traded, limitWad);
        if (least > 0) {
            (bool ok, uint256 out) = _tryTrade(sells, traded, least, "");
            if (ok && sells) (_idleBase, _idle) = (_idleBase - traded, _idle + out);
            else if (ok) (_idleBase, _idle) = (_idleBase + out, _idle - traded);
        }
        _tryRepay();
        // All collateral when nothing is owed any more, else what the target does not need.
        uint256 needed = credit.debt().mulDiv(_wantedPerBase(_state(p), p), HedgedRange.K_UNIT, Math.Rounding.Ceil);
        uint256 held = credit.collateral();
        uint256 free = Math.min(held > needed ? held - needed : 0, credit.withdrawable());
        if (free < DUST) return;
        try credit.withdraw(free, address(this)) {
            _idle += free;
        } catch {}
    }

    /// The credit account's part, between getting and paying.
    function _onTrade(bool sellsBase, uint256, uint256 amountOut, bytes calldata data) internal override {
        (uint256 debt, uint256 collateral) = abi.decode(data, (uint256, uint256));
        if (sellsBase) _idle += amountOut;
        else _idleBase += amountOut;
        _adjust(debt, collateral);
    }

    /* INTERNAL: THE RULE */

    function _state(Price memory p) private view returns (State memory s) {
        Bands memory b = bands;
        s.own = _idle - _fresh();
        s.lowestWad = Math.max(feed.lowestHealthFactorWad(pair, b.reactionTime, b.epsilonWad), b.minHealthWad);
        s.targetWad = Math.max(b.targetHealthWad, s.lowestWad.mulDiv(b.marginWad, WAD));
        s.healthWad = ENDLESS;
        uint256 total = p.lowWad == 0 ? _idle : _net(p);
        s.net = total - _fresh();
        if (address(range) == address(0)) return s;
        (s.collateral, s.debt) = (credit.collateral(), credit.debt());
        s.units = range.liquidity();
        (s.lowerWad, s.upperWad) = range.rangeWad();
        (s.rangeAssets, s.rangeBases) = range.holdings();
        (s.feeAssets, s.feeBases) = range.fees();
        uint256 ltvWad = credit.maxLtvWad();
        uint256 thresholdWad = credit.liquidationThresholdWad();
        if (ltvWad > 0) s.targetWad = Math.max(s.targetWad, thresholdWad.mulDiv(LTV_MARGIN_WAD, ltvWad));
        if (p.lowWad == 0) return s;
        if (s.debt > 0) {
            uint256 owed = _toAssets(s.debt, p.highWad) + 1;
            s.healthWad = Math.min(s.collateral.mulDiv(thresholdWad, owed), credit.healthFactorWad());
        }
        s.delta = _deltaAt(s, p.lowWad);
        if (p.highWad != p.lowWad) {
            int256 other = _deltaAt(s, p.highWad);
            if ((other < 0) != (s.delta < 0)) s.delta = 0;
            else if ((other < s.delta) == (s.delta > 0)) s.delta = other;
        }
        uint256 spotWad = range.spotWad();
        uint256 gap = spotWad > p.lowWad ? spotWad - p.lowWad : p.lowWad - spotWad;
        s.agreed = p.verdict == IOracle.Verdict.Good && gap <= p.lowWad.mulDiv(b.spotBps, BPS);
    }

    function _deltaAt(State memory s, uint256 priceWad) private view returns (int256) {
        (, uint256 bases) = range.holdingsAt(priceWad);
        return (bases + s.feeBases + _idleBase).toInt256() - s.debt.toInt256();
    }

    function _readingsOf(State memory s, Price memory p) private view returns (Reading[] memory list) {
        Bands memory b = bands;
        list = new Reading[](READINGS);
        int256 deltaWad;
        if (s.delta != 0) {
            uint256 worth = _toAssets(uint256(s.delta > 0 ? s.delta : -s.delta), p.lowWad);
            deltaWad = _shareOf(worth, s.net);
            if (s.delta < 0) deltaWad = -deltaWad;
        }
        list[DELTA] = Reading("delta", deltaWad, -int256(uint256(b.deltaWad)), 0, int256(uint256(b.deltaWad)));
        int256 centreWad = int256(WAD);
        if (s.units > 0) centreWad = int256(p.lowWad.mulDiv(WAD, Math.sqrt(s.lowerWad * s.upperWad)));
        list[CENTRE] = Reading(
            "centre",
            centreWad,
            int256(WAD.mulDiv(WAD, b.innerWad)),
            int256(WAD),
            int256(uint256(b.innerWad))
        );
        // Too much health is nothing to help while no risk may be added.
        bool bounded = s.debt > 0 && !paused && !_isOut(list[CENTRE]);
        list[HEALTH] = Reading(
            "health",
            int256(s.debt == 0 ? s.targetWad : Math.min(s.healthWad, ENDLESS)),
            int256(s.lowestWad),
            int256(s.targetWad),
            int256(bounded ? s.targetWad.mulDiv(b.maxHealthWad, b.targetHealthWad) : ENDLESS)
        );
        // While paused nothing is put to work.
        uint256 useful = paused ? 0 : s.own + _toAssets(_idleBase, p.lowWad);
        list[IDLE] = Reading("idle", _shareOf(useful, s.net), 0, 0, int256(b.idleBps * (WAD / BPS)));
        uint256 earned = paused ? 0 : s.feeAssets + _toAssets(s.feeBases, p.lowWad);
        list[FEES] = Reading("fees", _shareOf(earned, s.net), 0, 0, int256(b.feeBps * (WAD / BPS)));
        list[ORACLE] = _oracleReading(p);
    }

    function _permissions(Price memory p, State memory s, Reading[] memory before)
        private
        view
        returns (Plan memory plan)
    {
        bool away = _isOut(before[CENTRE]);
        plan.good = p.verdict == IOracle.Verdict.Good && !paused;
        if (address(range) == address(0) || !plan.good || !s.agreed) return plan;
        plan.recentres = s.units == 0 || (away && block.timestamp >= recentredAt + bands.cooldown);
        plan.mayAdd = plan.recentres || !away;
    }

    function _around(uint256 priceWad) private view returns (uint256 lowerWad, uint256 upperWad) {
        uint256 widthWad = bands.widthWad;
        return (priceWad.mulDiv(WAD, widthWad), priceWad.mulDiv(widthWad, WAD));
    }

    /// Which reading the action is for: the first out of band that it helps. Reverts when there is none.
    function _helped(Reading[] memory before, State memory s, Price memory p, Plan memory plan)
        private
        pure
        returns (uint256)
    {
        if (before[HEALTH].value < before[HEALTH].lower) return HEALTH;
        if (plan.traded > 0) return DELTA;
        if (plan.recentres && s.units > 0) return CENTRE;
        if (plan.mayAdd) {
            if (_isOut(before[HEALTH])) return HEALTH;
            if (_isOut(before[IDLE])) return IDLE;
            if (_isOut(before[FEES])) return FEES;
        }
        for (uint256 i; i < READINGS; ++i) {
            if (!_isOut(before[i])) continue;
            if (i != ORACLE && i != DELTA) _checkGood(p);
            revert Stuck(before[i].name);
        }
        revert InBand();
    }

    /// What a unit of the range holds, and what there is to divide.
    function _means(Price memory p, State memory s, Plan memory plan)
        private
        view
        returns (HedgedRange.Range memory r, HedgedRange.Means memory m)
    {
        if (address(range) == address(0)) return (r, m);
        if (s.lowerWad > 0) {
            uint128 unit = uint128(HedgedRange.UNIT);
            (r.assets, r.bases) = range.holdingsIn(s.lowerWad, s.upperWad, unit, range.spotWad());
            (, r.basesAtPrice) = range.holdingsIn(s.lowerWad, s.upperWad, unit, p.lowWad);
        }
        m.assets = s.own + s.feeAssets + s.rangeAssets + s.collateral;
        m.bases = (s.rangeBases + s.feeBases + _idleBase).toInt256() - s.debt.toInt256();
        m.mostLiquidity = plan.mayAdd ? type(uint128).max : s.units;
        m.mostDebt = s.debt + (plan.good ? credit.borrowable() : 0);
        m.mostCollateral = s.collateral + credit.suppliable();
        m.leastCollateral = s.collateral - credit.withdrawable();
        m.k = _wantedPerBase(s, p);
    }

    /// Plans the trade that takes the net delta away, as far as it may be made now.
    function _hedge(
        Price memory p,
        State memory s,
        HedgedRange.Range memory r,
        HedgedRange.Means memory m,
        Plan memory plan
    ) private view {
        // Where two prices are known, no more than both agree on.
        int256 excess = plan.good ? r.excess(m.bases, r.liquidity(m)) : s.delta;
        // The pool's spot may make of it what the oracle does not say.
        if (excess == 0 || (excess > 0) != (s.delta > 0)) return;
        plan.sells = excess > 0;
        uint256 wanted;
        if (plan.sells) {
            uint256 here = s.rangeBases + s.feeBases + _idleBase + (m.mostDebt - s.debt);
            wanted = Math.min(uint256(excess), here);
        } else {
            uint256 here = s.own + s.feeAssets + s.rangeAssets + (s.collateral - m.leastCollateral);
            wanted = Math.min(_toAssets(uint256(-excess), p.lowWad), here);
        }
        plan.traded = _tradable(plan.sells, wanted, p, terms.toleranceBps, 0, _budget);
        if (plan.traded > 0) plan.out = exchange.quote(plan.sells, plan.traded);
    }

    /// Assets of collateral that the target wants for one unit of base owed, by the price at which the account has the health
    /// factor that counts.
    function _wantedPerBase(State memory s, Price memory p) private view returns (uint256) {
        uint256 perBase = p.highWad.mulDiv(_assetUnit * (HedgedRange.K_UNIT / WAD), _baseUnit);
        uint256 thresholdWad = credit.liquidationThresholdWad();
        if (thresholdWad == 0) return type(uint128).max;
        if (s.debt > 0 && s.healthWad > 0) {
            // The market's price may be the higher.
            uint256 implied = s.collateral.mulDiv(thresholdWad, s.healthWad);
            perBase = Math.max(perBase, implied.mulDiv(HedgedRange.K_UNIT, s.debt));
        }
        return perBase.mulDiv(s.targetWad, thresholdWad, Math.Rounding.Ceil);
    }

    /* INTERNAL: MOVES */

    function _collect() private {
        (uint256 assets, uint256 bases) = range.fees();
        if (assets == 0 && bases == 0) return;
        (assets, bases) = range.collect();
        (_idle, _idleBase) = (_idle + assets, _idleBase + bases);
    }

    function _remove(uint256 units) private {
        (uint256 assets, uint256 bases) = range.remove(units, range.liquidity());
        (_idle, _idleBase) = (_idle + assets, _idleBase + bases);
    }

    function _add(uint256 lowerWad, uint256 upperWad) private {
        (uint256 assets, uint256 bases) = range.add(lowerWad, upperWad, _idle - _fresh(), _idleBase);
        (_idle, _idleBase) = (_idle - assets, _idleBase - bases);
    }

    /// Brings debt and collateral to what they should be, as far as the tokens here allow.
    function _adjust(uint256 debt, uint256 collateral) private {
        (uint256 owed, uint256 held) = (credit.debt(), credit.collateral());
        if (owed > debt) {
            uint256 less = Math.min(owed - debt, _idleBase);
            if (less >= DUST || less == owed) _idleBase -= credit.repay(less);
        }
        if (held < collateral) {
            uint256 more = Math.min(collateral - held, _idle - _fresh());
            if (more >= DUST) {
                credit.supply(more);
                _idle -= more;
            }
        }
        if (owed + DUST <= debt) {
            credit.borrow(debt - owed, address(this));
            _idleBase += debt - owed;
        }
        if (held >= collateral + DUST) {
            credit.withdraw(held - collateral, address(this));
            _idle += held - collateral;
        }
    }

    function _tryRepay() private {
        uint256 most = Math.min(_idleBase, credit.debt());
        if (most == 0) return;
        try credit.repay(most) returns (uint256 repaid) {
            _idleBase -= repaid;
        } catch {}
    }

    /* INTERNAL: SMALL THINGS */

    /// A share of the net value, Wad, rounded down; without net value, of whatever size.
    function _shareOf(uint256 assets, uint256 net) private pure returns (int256) {
        if (assets == 0) return 0;
        return net == 0 ? int256(ENDLESS) : int256(Math.min(assets.mulDiv(WAD, net), ENDLESS));
    }

    function _setBands(Bands memory b) private {
        _checkRange(b.deltaWad, 1, WAD);
        _checkRange(b.minHealthWad, WAD + 1, b.targetHealthWad);
        _checkRange(b.targetHealthWad, b.minHealthWad, b.maxHealthWad);
        _checkRange(b.maxHealthWad, b.targetHealthWad, 10 * WAD);
        _checkRange(b.marginWad, WAD, 10 * WAD);
        _checkRange(b.widthWad, WAD + WAD / 1_000, 10 * WAD);
        _checkRange(b.innerWad, WAD + 1, b.widthWad);
        _checkRange(b.cooldown, 1, 30 days);
        _checkRange(b.spotBps, 1, BPS / 10);
        _checkRange(b.idleBps, 1, BPS);
        _checkRange(b.feeBps, 1, BPS);
        // Refuses a pair, a time or a probability that the feed does not know.
        _checkRange(feed.lowestHealthFactorWad(pair, b.reactionTime, b.epsilonWad), WAD, type(uint128).max);
        bands = b;
        emit BandsSet(b);
    }
}

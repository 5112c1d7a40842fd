// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ILiquidityVenue} from "../../interfaces/ILiquidityVenue.sol";
import {IPooled} from "../../interfaces/IPooled.sol";
import {LiquidityRules} from "./LiquidityRules.sol";
import {PositionRules} from "./PositionRules.sol";
import {PositionStrategy} from "./PositionStrategy.sol";

/// @title LiquidityStrategy
/// @notice Provides liquidity in a range around the price, compounds what it earns, and moves the range after the price.
///
/// THE RULE, all of it at a good price only, and only while the pool's spot price is near the oracle's and near where the last
/// block left it:
/// - The price has left the inner band: the range is taken out and put around the oracle's price, at most once a cooldown. The
///   trade that this wants is exact (ILiquidityVenue.fit). Where only a part of it may be traded, the range goes where what is
///   held then fills it: nearer to the price, though not around it, and nothing is left idle.
/// - Fees, or idle assets and base, are more than their band: they are traded to what fits the range, and added to it. The first
///   deposit opens the range so.
/// Whatever the verdict, anyone may leave: pro rata, by what the pool gives for it.
///
/// WHY SPOT MATTERS. Liquidity that is added at a pushed price is worth less once the price is back, and whoever pushed has the
/// difference. Within a block the pool may have moved by `moveBps` at most, and by less the more of the pool the strategy is, so
/// that a push costs more than it takes (LiquidityRules.isCalm). Over several blocks whoever pushes has everybody against
/// them; then `spotBps` bounds what is lost, and the loss budget counts it.
///
/// @dev READINGS: "centre", "fees", "idle", "spot", "oracle": see LiquidityRules.
/// @dev ASSUMPTIONS, beside those of PositionStrategy: the venue is this strategy's own and fixed for ever, over the same pool as
/// the exchange: then exits are previewed exactly, with the position's own liquidity gone (`quoteAfterRemove`).
/// @dev LIMIT: a chunk of less than about a tick spacing / width of the value moves no range that the price is still in.
contract LiquidityStrategy is PositionStrategy {
    using Math for uint256;
    using SafeERC20 for IERC20;

    /* CONSTANTS */

    uint256 private constant CENTRE = 0;
    uint256 private constant FEES = 1;
    uint256 private constant IDLE = 2;
    uint256 private constant SPOT = 3;
    uint256 private constant ORACLE = 4;
    /// Base worth no more than so many units brings nothing, and is left where it is.
    uint256 private constant DUST = 2;
    /// Halvings of the search for the part that can leave: a vault gives a view so much gas and no more.
    uint256 private constant HALVINGS = 6;

    /* STORAGE */

    /// @notice The range, this strategy's own.
    ILiquidityVenue public venue;
    /// @notice When the range was last put somewhere.
    uint40 public placedAt;

    /* EVENTS AND ERRORS */

    event VenueSet(address indexed venue);
    event Placed(uint256 lowerWad, uint256 upperWad);

    error NotFillable(uint256 amountIn);

    constructor(Setup memory setup, PositionRules.Config memory config, LiquidityRules.Bands memory bands)
        PositionStrategy(setup, new LiquidityRules(config, bands))
    {}

    /* OWNER */

    /// @notice Gives the strategy its range, which it owns, over the exchange's pool. Once. Owner only.
    function setVenue(ILiquidityVenue venue_) external onlyOwner {
        if (
            address(venue) != address(0) || venue_.owner() != address(this) || venue_.asset() != asset()
                || venue_.base() != base || venue_.pool() != IPooled(address(exchange)).pool()
        ) revert WrongVenue(address(venue_));
        venue = venue_;
        // The venue takes only what it is told to.
        IERC20(asset()).forceApprove(address(venue_), type(uint256).max);
        IERC20(base).forceApprove(address(venue_), type(uint256).max);
        emit VenueSet(address(venue_));
    }

    /* HOOKS: VALUE */

    function _valueAt(uint256 priceWad) internal view override returns (uint256) {
        if (address(venue) == address(0)) return 0;
        (uint256 assets, uint256 bases) = venue.holdingsAt(priceWad);
        (uint256 feeAssets, uint256 feeBases) = venue.fees();
        return assets + feeAssets + _toAssets(bases + feeBases, priceWad);
    }

    function _exposureAt(uint256 priceWad)
        internal
        view
        override
        returns (int256 deltaWad, int256 gammaWad, uint256 grossWad)
    {
        if (address(venue) == address(0)) return (0, 0, 0);
        (deltaWad, gammaWad) = venue.exposureAt(priceWad);
        // Base held: never less than nothing.
        grossWad = uint256(deltaWad);
    }

    /* HOOKS: EXIT */

    function _quoteExit(uint256 part, uint256 whole) internal view override returns (uint256 assets) {
        uint256 sold;
        (assets, sold) = _slice(part, whole);
        if (sold > 0) assets += _quoteSale(part, whole, sold);
    }

    function _marginalExit() internal view override returns (uint256 assets) {
        uint256 sold;
        (assets, sold) = _slice(1, 1);
        // A unit of each: the range has rounded down.
        if (assets + sold > 0) assets += _toAssets(sold + 1, exchange.bestWad(true)) + 2 + ROUNDINGS;
    }

    function _exit(uint256 part, uint256 whole) internal override returns (uint256 assets) {
        uint256 sold;
        (assets, sold) = _slice(part, whole);
        (uint256 came, uint256 cameBase) = _takeOut(part, whole);
        // More than dust is left to the pool to fill or refuse: it walks further than a quote may.
        if (sold > 0 && _isDust(sold) && exchange.quote(true, sold) == 0) sold = 0;
        // The rest of the fees stays.
        _idle += came - assets;
        _idleBase = _idleBase + cameBase - sold;
        if (sold > 0) assets += _trade(true, sold, 0, "");
    }

    /// A part of what is there, rounded down: assets that it brings without a trade, and base to sell.
    function _slice(uint256 part, uint256 whole) private view returns (uint256 assets, uint256 sold) {
        sold = _idleBase;
        if (address(venue) != address(0)) {
            (uint256 feeAssets, uint256 feeBases) = venue.fees();
            (uint256 held, uint256 heldBase) = venue.removable(part, whole);
            assets = held + feeAssets.mulDiv(part, whole);
            sold = heldBase + (sold + feeBases).mulDiv(part, whole);
        } else {
            sold = sold.mulDiv(part, whole);
        }
    }

    /// What the base of a part sells for, once the part is out of the range. 0 for dust; reverts when it cannot be filled.
    function _quoteSale(uint256 part, uint256 whole, uint256 sold) private view returns (uint256 out) {
        out = venue.quoteAfterRemove(part, whole, true, sold);
        if (out == 0 && !_isDust(sold)) revert NotFillable(sold);
    }

    function _isDust(uint256 bases) private view returns (bool) {
        return _toAssets(bases, venue.spotWad()) <= DUST;
    }

    /// @dev A larger part sells more, to less liquidity: what it gets for one base falls. So halving finds the largest.
    function _exitableWad(Price memory p) internal view override returns (uint256 low) {
        if (_isSoldWell(WAD, p)) return WAD;
        uint256 high = WAD;
        for (uint256 i; i < HALVINGS; ++i) {
            uint256 middle = (low + high) / 2;
            if (_isSoldWell(middle, p)) low = middle;
            else high = middle;
        }
    }

    function _isSoldWell(uint256 partWad, Price memory p) private view returns (bool) {
        (, uint256 sold) = _slice(partWad, WAD);
        if (sold == 0) return true;
        if (p.lowWad == 0) return false;
        uint256 out = venue.quoteAfterRemove(partWad, WAD, true, sold);
        // Rounding takes a unit.
        return out + 1 >= _toAssets(sold, _limit(true, p, _terms().exitBps));
    }

    /* HOOKS: THE RULE */

    function _read(Price memory p) internal view override returns (Reading[] memory) {
        LiquidityRules.Stand memory s;
        (s.priceWad, s.verdict, s.paused) = (p.lowWad, uint256(p.verdict), paused);
        s.idle = _idle - _fresh() + _toAssets(_idleBase, p.lowWad);
        s.net = _netAt(p.lowWad) - _fresh();
        s.spotWad = p.lowWad; // nothing to hold against it
        if (address(venue) != address(0)) {
            (s.lowerWad, s.upperWad) = venue.rangeWad();
            (uint256 feeAssets, uint256 feeBases) = venue.fees();
            s.fees = feeAssets + _toAssets(feeBases, p.lowWad);
            s.spotWad = venue.spotWad();
        }
        return _rules().readings(s);
    }

    function _act(Price memory p, Reading[] memory before) internal override returns (uint256 index) {
        if (_isOut(before[CENTRE])) index = CENTRE;
        else if (_isOut(before[FEES])) index = FEES;
        else if (_isOut(before[IDLE])) index = IDLE;
        else if (_isOut(before[SPOT])) revert Stuck("spot");
        else if (_isOut(before[ORACLE])) revert Stuck("oracle");
        else revert InBand();
        _checkGood(p);
        if (address(venue) == address(0)) revert Stuck(before[index].name);
        if (_isOut(before[SPOT]) || !_rules().isCalm(exchange, venue.spotWad(), oracle.last(), _netAt(p.lowWad))) {
            revert Stuck("spot");
        }
        if (index == CENTRE) _recentre(p);
        else _compound(p, before[index].name);
    }

    /// @dev A position whose pool refuses is passed over; what was idle is sold then.
    function _close(Price memory p) internal override {
        if (address(venue) != address(0)) {
            try venue.remove(1, 1) returns (uint256 assets, uint256 bases) {
                (_idle, _idleBase) = (_idle + assets, _idleBase + bases);
            } catch {}
            try venue.collect() returns (uint256 assets, uint256 bases) {
                (_idle, _idleBase) = (_idle + assets, _idleBase + bases);
            } catch {}
        }
        uint256 limitWad = _limit(true, p, _terms().emergencyBps);
        uint256 sold = Math.min(_idleBase, exchange.depth(true, limitWad));
        if (sold == 0) return;
        (bool ok, uint256 out) = _tryTrade(true, sold, _toAssets(sold, limitWad), "");
        if (ok) (_idle, _idleBase) = (_idle + out, _idleBase - sold);
    }

    /* INTERNAL: THE RULE */

    function _rules() private view returns (LiquidityRules) {
        return LiquidityRules(address(rules));
    }

    /// Puts the range around the price, or as near as what may be traded now allows.
    function _recentre(Price memory p) private {
        if (block.timestamp < placedAt + _rules().bands().cooldown) revert Stuck("centre");
        (uint256 assets, uint256 bases) = (_idle - _fresh(), _idleBase);
        bool inRange = _isInRange();
        {
            (uint256 came, uint256 cameBase) = _takeOut(1, 1);
            (_idle, _idleBase) = (_idle + came, _idleBase + cameBase);
        }
        (uint256 lowerWad, uint256 upperWad) = _rules().around(p.lowWad);
        (bool sellsBase, uint256 wanted, uint256 traded) = _tradeToFit(p, lowerWad, upperWad);
        if (traded < wanted) {
            // What was idle before of the token that is too much may stay so. If there is too much of it without, too, the
            // range goes where the rest fills it.
            (assets, bases) = sellsBase
                ? (_idle - _fresh(), _idleBase - Math.min(_idleBase, bases.saturatingSub(traded)))
                : (_idle - _fresh() - Math.min(_idle - _fresh(), assets.saturatingSub(traded)), _idleBase);
            bool same;
            (same, wanted) = venue.fit(lowerWad, upperWad, assets, bases);
            if (wanted > 0 && same == sellsBase) {
                // What fills the range that it was in leads to that range again.
                if (traded == 0 && inRange) revert Stuck("centre");
                (lowerWad, upperWad) = _filledBy(assets, bases);
                return _place(lowerWad, upperWad, assets, bases);
            }
        }
        _place(lowerWad, upperWad, _idle - _fresh(), _idleBase);
    }

    function _filledBy(uint256 assets, uint256 bases) private view returns (uint256 lowerWad, uint256 upperWad) {
        uint256 spotWad = venue.spotWad();
        return _rules().filledBy(assets, _toAssets(bases, spotWad), spotWad, venue.stepWad());
    }

    /// Collects the fees and adds what is idle to the range, or opens one.
    function _compound(Price memory p, bytes32 reading) private {
        (uint256 came, uint256 cameBase) = venue.collect();
        (_idle, _idleBase) = (_idle + came, _idleBase + cameBase);
        (uint256 lowerWad, uint256 upperWad) = venue.rangeWad();
        bool opens = upperWad == 0;
        if (opens) (lowerWad, upperWad) = _rules().around(p.lowWad);
        _tradeToFit(p, lowerWad, upperWad);
        uint256 added = _add(lowerWad, upperWad, _idle - _fresh(), _idleBase);
        // To have collected fees brings those nearer to their target; idle assets only away.
        if (added == 0 && (reading == "idle" || came + cameBase == 0)) revert Stuck(reading);
        if (opens && added > 0) _note();
    }

    /// Trades what is idle towards what fits a range, as far as may be.
    function _tradeToFit(Price memory p, uint256 lowerWad, uint256 upperWad)
        private
        returns (bool sellsBase, uint256 wanted, uint256 traded)
    {
        (sellsBase, wanted) = venue.fit(lowerWad, upperWad, _idle - _fresh(), _idleBase);
        if (wanted == 0) return (sellsBase, 0, 0);
        uint256 toleranceBps = _terms().toleranceBps;
        traded = _tradable(sellsBase, wanted, p, toleranceBps, 0, REBALANCE);
        if (traded == 0) return (sellsBase, wanted, 0);
        uint256 limitWad = _limit(sellsBase, p, toleranceBps);
        if (sellsBase) {
            _idleBase -= traded;
            _idle += _keeperTrade(true, traded, _toAssets(traded, limitWad), "");
        } else {
            _idle -= traded;
            _idleBase += _keeperTrade(false, traded, _toBases(traded, limitWad), "");
        }
    }

    /// Whether the position holds both tokens.
    function _isInRange() private view returns (bool) {
        (uint256 assets, uint256 bases) = venue.holdings();
        return assets > 0 && bases > 0;
    }

    function _place(uint256 lowerWad, uint256 upperWad, uint256 assets, uint256 bases) private {
        if (_add(lowerWad, upperWad, assets, bases) == 0) revert Stuck("centre");
        _note();
    }

    function _note() private {
        placedAt = uint40(block.timestamp);
        (uint256 lowerWad, uint256 upperWad) = venue.rangeWad();
        emit Placed(lowerWad, upperWad);
    }

    /// Adds to the range; the sum of what it took, of both tokens.
    function _add(uint256 lowerWad, uint256 upperWad, uint256 assets, uint256 bases) private returns (uint256) {
        (assets, bases) = venue.add(lowerWad, upperWad, assets, bases);
        (_idle, _idleBase) = (_idle - assets, _idleBase - bases);
        return assets + bases;
    }

    /// Takes a part out of the range, and all fees.
    function _takeOut(uint256 part, uint256 whole) private returns (uint256 assets, uint256 bases) {
        if (address(venue) == address(0)) return (0, 0);
        (assets, bases) = venue.remove(part, whole);
        (uint256 feeAssets, uint256 feeBases) = venue.collect();
        return (assets + feeAssets, bases + feeBases);
    }
}

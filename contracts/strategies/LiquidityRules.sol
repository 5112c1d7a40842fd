// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IExchange} from "../../interfaces/IExchange.sol";
import {IRegulated} from "../../interfaces/IRegulated.sol";
import {PositionRules} from "./PositionRules.sol";

/// @title LiquidityRules
/// @notice Where a liquidity strategy's range should be, and how far it is from there. The rule in words is in LiquidityStrategy.
/// @dev A range around p goes from p / k to p x k, k = 1 + half width. With a the worth of assets over the worth of bases at a spot
/// price s, a range of the same width that they fill begins at s x x^2, where k x^2 - k (1 - a) x - a = 0 (from the amounts
/// that a range holds, Uniswap v3 Core, 2021, section 6.2): in its middle for a = 1, at its lower edge for a = 0.
contract LiquidityRules is PositionRules {
    using Math for uint256;

    /* TYPES */

    struct Bands {
        /// Half the width of the range, and how far from its centre the price may go, in 1e4 of the price.
        uint16 halfWidthBps;
        uint16 innerBps;
        /// Fees left in the pool, and idle assets and base left alone, in 1e4 of the net value.
        uint16 feesBps;
        uint16 idleBps;
        /// How far the pool's spot price may be from the oracle's, and how far it may have moved in this block, in 1e4.
        uint16 spotBps;
        uint16 moveBps;
        /// Seconds between two changes of the range.
        uint32 cooldown;
    }

    /// Where the strategy stands. Prices in Wad, the rest in assets; what came in during this block is left out.
    struct Stand {
        uint256 priceWad;
        uint256 spotWad;
        uint256 lowerWad;
        uint256 upperWad;
        uint256 fees;
        uint256 idle;
        uint256 net;
        uint256 verdict;
        bool paused;
    }

    /// For readings without bounds.
    int256 private constant ENDLESS = type(int128).max;
    uint256 private constant MOST_WIDTH_BPS = 5_000; // 50 %
    uint256 private constant MOST_SPOT_BPS = 500; // 5 %
    uint256 private constant MOST_COOLDOWN = 30 days;
    /// A tick, the last price's, and half of one, for what lies between.
    uint256 private constant TICK_WAD = 1.5e14;
    /// Beyond this one token is all there is.
    uint256 private constant MOST_RATIO_WAD = 1e36;

    /* STORAGE */

    Bands private _bands;

    event BandsSet(Bands bands);

    constructor(Config memory c, Bands memory bands_) PositionRules(c) {
        _setBands(bands_);
    }

    /* VIEWS */

    function bands() external view returns (Bands memory) {
        return _bands;
    }

    /// @notice "centre": the price over that of the range's middle, Wad (1 without a range). "fees" and "idle": shares of the net
    /// value, Wad. "spot": the pool's price over the oracle's, Wad. "oracle": the verdict (0: good). While paused nothing is
    /// added or moved, so only the last two have bounds.
    function readings(Stand calldata s) external view returns (IRegulated.Reading[] memory list) {
        Bands memory b = _bands;
        list = new IRegulated.Reading[](5);
        bool free = s.paused;
        uint256 middle = (s.lowerWad * s.upperWad).sqrt();
        list[0] = _around("centre", middle == 0 ? WAD : s.priceWad.mulDiv(WAD, middle), b.innerBps, free);
        list[1] = _below("fees", s.net == 0 ? 0 : s.fees.mulDiv(WAD, s.net), b.feesBps, free);
        list[2] = _below("idle", s.net == 0 ? 0 : s.idle.mulDiv(WAD, s.net), b.idleBps, free);
        list[3] = _around("spot", s.priceWad == 0 ? 0 : s.spotWad.mulDiv(WAD, s.priceWad), b.spotBps, false);
        list[4] = IRegulated.Reading("oracle", int256(s.verdict), 0, 0, 0);
    }

    /// @notice Whether the pool's price is near enough to where the last block left it for liquidity to be added.
    /// @dev Liquidity L that is added after a push by d loses L x root price x d^2 / 4 once the price is back, and whoever pushed
    /// gains that; the push costs twice the fee f of what it trades through, M x root price x d / 2 where the pool has M. So
    /// d <= 4 f M / L is safe. Value `net` in a range of this width is L = net / (2 (1 - 1 / root k)) of root price; and M is
    /// read off how much moves the price by `moveBps`, in the direction where it is less. The pool tells the last price to
    /// a tick, so nothing is held against less than that.
    /// @param net Assets that might be added.
    function isCalm(IExchange exchange, uint256 spotWad, uint256 lastWad, uint256 net) external view returns (bool) {
        if (lastWad == 0) return false;
        uint256 moved = (spotWad > lastWad ? spotWad - lastWad : lastWad - spotWad).mulDiv(WAD, lastWad);
        if (moved <= TICK_WAD) return true;
        uint256 most = _bands.moveBps * (WAD / BPS);
        if (moved > most) return false;
        uint256 fee = exchange.feeWad();
        uint256 down = exchange.depth(true, spotWad.mulDiv((WAD - fee).mulDiv(WAD - most, WAD), WAD));
        uint256 up = exchange.depth(false, spotWad.mulDiv(WAD + most, WAD - fee));
        down = exchange.quote(true, down); // in assets too
        uint256 k = (BPS + _bands.halfWidthBps) * WAD / BPS;
        uint256 width = WAD - WAD.mulDiv(WAD, (k * WAD).sqrt());
        // moved <= 4 f (2 q / most) 2 (1 - 1 / root k) / net
        return moved.mulDiv(net, WAD) <= (16 * fee).mulDiv(Math.min(up, down), most).mulDiv(width, WAD);
    }

    /// @notice The range around a price.
    function around(uint256 priceWad) external view returns (uint256 lowerWad, uint256 upperWad) {
        uint256 k = BPS + _bands.halfWidthBps;
        return (priceWad.mulDiv(BPS, k), priceWad.mulDiv(k, BPS));
    }

    /// @notice The range of the same width that assets and bases fill at a spot price, or would if its ends were free: these are
    /// moved by half a step, so that of the token which is scarce there is enough, and of it alone something may be left.
    /// @param worth Of the bases, at the spot price, in assets.
    function filledBy(uint256 assets, uint256 worth, uint256 spotWad, uint256 stepWad)
        external
        view
        returns (uint256 lowerWad, uint256 upperWad)
    {
        uint256 k = WAD + _bands.halfWidthBps * (WAD / BPS);
        uint256 x; // root of the lower price over root of spot, Wad
        if (worth > assets) {
            uint256 a = assets.mulDiv(WAD, worth);
            uint256 linear = k.mulDiv(WAD - a, WAD);
            x = (linear + (linear * linear + 4 * k * a).sqrt()).mulDiv(WAD, 2 * k);
        } else {
            // The same root, written so that nothing cancels.
            uint256 a = worth == 0 ? MOST_RATIO_WAD : Math.min(MOST_RATIO_WAD, assets.mulDiv(WAD, worth));
            uint256 linear = k.mulDiv(a - WAD, WAD);
            x = (2 * a).mulDiv(WAD, linear + (linear * linear + 4 * k * a).sqrt());
        }
        lowerWad = spotWad.mulDiv(x * x, WAD * WAD);
        lowerWad = worth > assets
            ? lowerWad.mulDiv(2 * WAD + stepWad, 2 * WAD, Math.Rounding.Ceil)
            : lowerWad.mulDiv(2 * WAD, 2 * WAD + stepWad);
        return (lowerWad, lowerWad.mulDiv(k * k, WAD * WAD));
    }

    /* TIGHTENING BY GUARDIAN OR OWNER, LOOSENING BY OWNER ALONE */

    /// @notice Guardian or owner when spot and its moves are bound no looser, the cooldown is no shorter, and nothing else
    /// changes; else owner.
    function setBands(Bands calldata b) external {
        Bands memory old = _bands;
        bool others = b.halfWidthBps == old.halfWidthBps && b.innerBps == old.innerBps && b.feesBps == old.feesBps
            && b.idleBps == old.idleBps;
        _checkMayTighten(
            others && b.spotBps <= old.spotBps && b.moveBps <= old.moveBps && b.cooldown >= old.cooldown
        );
        _setBands(b);
    }

    /* INTERNAL */

    /// Bounds of one ratio up and down.
    function _around(bytes32 name, uint256 value, uint256 bps, bool free) private pure returns (IRegulated.Reading memory) {
        uint256 lower = free ? 0 : WAD.mulDiv(BPS, BPS + bps);
        int256 upper = free ? ENDLESS : int256(WAD.mulDiv(BPS + bps, BPS));
        return IRegulated.Reading(name, _clip(value), int256(lower), int256(WAD), upper);
    }

    function _below(bytes32 name, uint256 value, uint256 bps, bool free) private pure returns (IRegulated.Reading memory) {
        return IRegulated.Reading(name, _clip(value), 0, 0, free ? ENDLESS : int256(bps * (WAD / BPS)));
    }

    function _clip(uint256 value) private pure returns (int256) {
        return int256(Math.min(value, uint256(ENDLESS)));
    }

    function _setBands(Bands memory b) private {
        _checkRange(b.halfWidthBps, 2, MOST_WIDTH_BPS);
        _checkRange(b.innerBps, 1, b.halfWidthBps);
        _checkRange(b.feesBps, 1, BPS);
        _checkRange(b.idleBps, 1, BPS);
        _checkRange(b.spotBps, 1, MOST_SPOT_BPS);
        _checkRange(b.moveBps, 1, MOST_SPOT_BPS);
        _checkRange(b.cooldown, 1, MOST_COOLDOWN);
        _bands = b;
        emit BandsSet(b);
    }
}

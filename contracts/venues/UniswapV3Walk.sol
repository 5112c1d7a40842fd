// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {BitMath} from "@uniswap/v4-core/libraries/BitMath.sol";
import {LiquidityMath} from "@uniswap/v4-core/libraries/LiquidityMath.sol";
import {SqrtPriceMath} from "@uniswap/v4-core/libraries/SqrtPriceMath.sol";
import {SwapMath} from "@uniswap/v4-core/libraries/SwapMath.sol";
import {TickBitmap} from "@uniswap/v4-core/libraries/TickBitmap.sol";
import {TickMath} from "@uniswap/v4-core/libraries/TickMath.sol";
import {IUniswapV3Pool} from "../../interfaces/uniswap/IUniswapV3Pool.sol";

/// @title UniswapV3Walk
/// @notice Walks along a Uniswap v3 pool's liquidity in a view, from stop to stop, as a swap would.
/// @dev A stop is the next tick with liquidity of its own, or the end of the bitmap's word: the pool's swaps stop there too,
/// and round at each, so a walk that stops elsewhere would differ from them by units.
/// @dev BOUNDED: at most `STEPS` stops, so that nobody can make a view run out of gas by scattering liquidity.
library UniswapV3Walk {
    struct Walk {
        IUniswapV3Pool pool;
        /// The direction of a swap that walks this way: token0 in, the price falls.
        bool zeroForOne;
        uint24 fee;
        int24 spacing;
        uint160 sqrtP;
        int24 tick;
        uint128 liquidity;
        /// Stops that may still be looked for.
        uint256 steps;
        /// The stop ahead, once looked for.
        uint160 stopSqrtP;
        int24 stopTick;
        bool stopInitialized;
        /// Liquidity to walk without, between two ticks; and whether a tick would be none without it.
        uint128 less;
        int24 lessLower;
        int24 lessUpper;
        bool hidesLower;
        bool hidesUpper;
    }

    /// Prices along a walk, the liquidity between them, and how much of one token lies between the start and each.
    struct Path {
        uint256 length;
        uint160[] sqrtP; // from index 0, the start, to `length`
        uint128[] liquidity; // of the piece that ends at this index
        uint256[] amount;
    }

    /// One stop is three cold slots and their calls, about 10,000 gas.
    uint256 internal constant STEPS = 64;

    /// @notice A walk from the present price. `open` is false while the pool is in the middle of a swap: nothing can be traded
    /// then, and what it says is not settled.
    function start(IUniswapV3Pool pool, bool zeroForOne) internal view returns (Walk memory w, bool open) {
        (w.pool, w.zeroForOne, w.steps) = (pool, zeroForOne, STEPS);
        (w.sqrtP, w.tick,,,,, open) = pool.slot0();
        (w.fee, w.spacing, w.liquidity) = (pool.fee(), pool.tickSpacing(), pool.liquidity());
    }

    /// @notice Walks as if `less` had been taken out of a range that has at least so much. Before the first step.
    function without(Walk memory w, int24 lower, int24 upper, uint128 less) internal view {
        (w.less, w.lessLower, w.lessUpper) = (less, lower, upper);
        if (lower <= w.tick && w.tick < upper) w.liquidity -= less;
        (uint128 gross,,,,,,,) = w.pool.ticks(lower);
        w.hidesLower = less > 0 && gross == less;
        (gross,,,,,,,) = w.pool.ticks(upper);
        w.hidesUpper = less > 0 && gross == less;
    }

    /// @notice Looks for the stop ahead. False when there are no steps left.
    function look(Walk memory w) internal view returns (bool) {
        if (w.steps == 0) return false;
        w.steps--;
        int24 place = TickBitmap.compress(w.tick, w.spacing);
        // Upwards the search begins behind the present place, downwards at it, as in the pool.
        if (!w.zeroForOne) place++;
        (int16 at, uint8 bit) = TickBitmap.position(place);
        uint256 word = w.pool.tickBitmap(at);
        if (w.hidesLower) word = _hide(word, at, w.lessLower / w.spacing);
        if (w.hidesUpper) word = _hide(word, at, w.lessUpper / w.spacing);
        word = w.zeroForOne ? word & (type(uint256).max >> (255 - bit)) : word >> bit << bit;
        w.stopInitialized = word != 0;
        uint256 found = w.zeroForOne
            ? (word == 0 ? 0 : BitMath.mostSignificantBit(word))
            : (word == 0 ? 255 : BitMath.leastSignificantBit(word));
        // Both are below 256.
        int24 tick = (place + int24(uint24(found)) - int24(uint24(bit))) * w.spacing;
        if (tick < TickMath.MIN_TICK) tick = TickMath.MIN_TICK;
        if (tick > TickMath.MAX_TICK) tick = TickMath.MAX_TICK;
        (w.stopTick, w.stopSqrtP) = (tick, TickMath.getSqrtPriceAtTick(tick));
        return true;
    }

    /// @notice Goes to the stop and over it.
    function pass(Walk memory w) internal view {
        if (w.stopInitialized) {
            (, int128 net,,,,,,) = w.pool.ticks(w.stopTick);
            // Liquidity is below 2^127: the pool keeps its sums in that.
            if (w.stopTick == w.lessLower) net -= int128(w.less);
            if (w.stopTick == w.lessUpper) net += int128(w.less);
            w.liquidity = LiquidityMath.addDelta(w.liquidity, w.zeroForOne ? -net : net);
        }
        w.sqrtP = w.stopSqrtP;
        w.tick = w.zeroForOne ? w.stopTick - 1 : w.stopTick;
    }

    /// @notice What a swap of exactly `amountIn` gives, to the unit; 0 when it is not filled whole before `limit`.
    function swap(Walk memory w, uint256 amountIn, uint160 limit) internal view returns (uint256 amountOut) {
        uint256 left = amountIn;
        while (left > 0) {
            if (w.sqrtP == limit || !look(w)) return 0;
            uint160 target = SwapMath.getSqrtPriceTarget(w.zeroForOne, w.stopSqrtP, limit);
            (uint160 next, uint256 taken, uint256 given, uint256 fee) =
                SwapMath.computeSwapStep(w.sqrtP, target, w.liquidity, -int256(left), w.fee);
            left -= taken + fee;
            amountOut += given;
            if (next == w.stopSqrtP) pass(w);
            else w.sqrtP = next;
        }
    }

    /// @notice The pieces of liquidity from here to `end`, or as far as the steps reach.
    /// @param token0 Counts amounts of token0, else of token1.
    /// @param up Rounds amounts up, else down.
    function path(Walk memory w, uint160 end, bool token0, bool up) internal view returns (Path memory p) {
        p.sqrtP = new uint160[](STEPS + 2);
        p.liquidity = new uint128[](STEPS + 2);
        p.amount = new uint256[](STEPS + 2);
        p.sqrtP[0] = w.sqrtP;
        while (w.zeroForOne ? w.sqrtP > end : w.sqrtP < end) {
            if (!look(w)) break;
            uint160 next = SwapMath.getSqrtPriceTarget(w.zeroForOne, w.stopSqrtP, end);
            uint256 n = ++p.length;
            p.sqrtP[n] = next;
            p.liquidity[n] = w.liquidity;
            p.amount[n] = p.amount[n - 1] + between(w.sqrtP, next, w.liquidity, token0, up);
            if (next == w.stopSqrtP) pass(w);
            else w.sqrtP = next;
        }
    }

    /// @notice Goes on to `end` as if nothing lay there, where the steps did not reach so far.
    function extend(Path memory p, uint160 end) internal pure {
        if (p.sqrtP[p.length] == end) return;
        p.length++;
        (p.sqrtP[p.length], p.amount[p.length]) = (end, p.amount[p.length - 1]);
    }

    /// @notice Amount of a token between two prices, in either order.
    function between(uint160 a, uint160 b, uint128 liquidity, bool token0, bool up) internal pure returns (uint256) {
        return token0
            ? SqrtPriceMath.getAmount0Delta(a, b, liquidity, up)
            : SqrtPriceMath.getAmount1Delta(a, b, liquidity, up);
    }

    function _hide(uint256 word, int16 at, int24 place) private pure returns (uint256) {
        (int16 where, uint8 bit) = TickBitmap.position(place);
        return where == at ? word & ~(uint256(1) << bit) : word;
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SwapMath} from "@uniswap/v4-core/libraries/SwapMath.sol";
import {UniswapV3Prices} from "./UniswapV3Prices.sol";
import {UniswapV3Walk} from "./UniswapV3Walk.sol";

/// @title UniswapV3Fit
/// @notice The trade after which two amounts fit a range whole, at the price that the trade itself leaves.
/// @dev Both tokens fit when the liquidity that each would make is the same. To sell the one that is too much brings the two
/// together: less of it, more of the other, and a price at which the range wants more of it. So what is too much after a
/// trade falls with the trade's size: walk on while something is, and halve the piece in which it ends, by the pool's own
/// rounding. What is left over then is what the last unit of input would have changed.
library UniswapV3Fit {
    using Math for uint256;
    using UniswapV3Walk for UniswapV3Walk.Walk;

    struct Want {
        uint160 lower;
        uint160 upper;
        uint256 amount0;
        uint256 amount1;
    }

    uint256 private constant Q96 = 2 ** 96;
    /// More than any amount that is compared with it.
    int256 private constant MUCH = type(int256).max;

    /// @notice Whether token0 is too much (1), token1 (-1), or neither (0), at a price.
    function surplus(Want memory want, uint160 sqrtP) internal pure returns (int256) {
        int256 over = _over(want, sqrtP);
        return over > 0 ? int256(1) : over < 0 ? -1 : int256(0);
    }

    /// @notice Input of the trade that ends the surplus of the token that `w` sells. Never more than is needed.
    function solve(UniswapV3Walk.Walk memory w, Want memory want) internal view returns (uint256 amountIn) {
        uint160 limit = w.zeroForOne ? UniswapV3Prices.LOWEST_SQRT : UniswapV3Prices.HIGHEST_SQRT;
        while (w.sqrtP != limit && w.look()) {
            uint256 has = w.zeroForOne ? want.amount0 : want.amount1;
            if (has == 0) break;
            uint160 target = SwapMath.getSqrtPriceTarget(w.zeroForOne, w.stopSqrtP, limit);
            (Want memory then, uint160 next, uint256 taken) = _after(w, want, target, has);
            if (!_tooMuch(then, next, w.zeroForOne)) return amountIn + _halve(w, want, target, taken);
            (want, amountIn) = (then, amountIn + taken);
            if (next == w.stopSqrtP) w.pass();
            else w.sqrtP = next;
        }
    }

    /// Most input within a piece after which there is still too much of it. All of `high` is too large.
    function _halve(UniswapV3Walk.Walk memory w, Want memory want, uint160 target, uint256 high)
        private
        pure
        returns (uint256 low)
    {
        while (high - low > 1) {
            uint256 middle = (low + high) / 2;
            (Want memory then, uint160 next,) = _after(w, want, target, middle);
            if (_tooMuch(then, next, w.zeroForOne)) low = middle;
            else high = middle;
        }
    }

    /// What there is after an input of at most `amount`, within a piece.
    function _after(UniswapV3Walk.Walk memory w, Want memory want, uint160 target, uint256 amount)
        private
        pure
        returns (Want memory then, uint160 next, uint256 taken)
    {
        uint256 given;
        uint256 fee;
        // The caller holds amounts below 2^128.
        (next, taken, given, fee) = SwapMath.computeSwapStep(w.sqrtP, target, w.liquidity, -int256(amount), w.fee);
        taken += fee;
        then = w.zeroForOne
            ? Want(want.lower, want.upper, want.amount0 - taken, want.amount1 + given)
            : Want(want.lower, want.upper, want.amount0 + given, want.amount1 - taken);
    }

    function _tooMuch(Want memory want, uint160 sqrtP, bool token0) private pure returns (bool) {
        int256 over = _over(want, sqrtP);
        return token0 ? over > 0 : over < 0;
    }

    /// How much more of token1 the token0 there would want beside it than there is.
    function _over(Want memory want, uint160 sqrtP) private pure returns (int256) {
        if (sqrtP >= want.upper) return want.amount0 > 0 ? MUCH : int256(0);
        if (sqrtP <= want.lower) return -int256(want.amount1);
        uint256 liquidity = liquidity0(sqrtP, want.upper, want.amount0);
        return int256(liquidity.mulDiv(sqrtP - want.lower, Q96)) - int256(want.amount1);
    }

    /// @notice Liquidity that an amount of token0 makes between two prices, rounded down.
    function liquidity0(uint160 lower, uint160 upper, uint256 amount) internal pure returns (uint256) {
        return amount.mulDiv(upper, upper - lower).mulDiv(lower, Q96);
    }

    /// @notice Liquidity that an amount of token1 makes between two prices, rounded down.
    function liquidity1(uint160 lower, uint160 upper, uint256 amount) internal pure returns (uint256) {
        return amount.mulDiv(Q96, upper - lower);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {TickMath} from "@uniswap/v4-core/libraries/TickMath.sol";

/// @title UniswapV3Prices
/// @notice Between our prices (asset's whole units per whole base, Wad) and a pool's (root of token1 per token0, 96 bits).
/// @dev ASSUMPTIONS: both tokens have at most 18 decimals, so that products of units stay far below 256 bits.
/// @dev A pool counts token1 per token0: when the base is token1, a higher price of ours is a lower one of the pool's.
library UniswapV3Prices {
    using Math for uint256;

    struct Scale {
        uint256 assetUnit;
        uint256 baseUnit;
        bool baseIsToken0;
    }

    uint256 private constant WAD = 1e18;
    /// No price beyond this is told from it: 2^128 is more than any pool's range holds.
    uint256 private constant HIGHEST_WAD = type(uint128).max;
    /// Lowest and highest price that a swap may end at.
    uint160 internal constant LOWEST_SQRT = TickMath.MIN_SQRT_PRICE + 1;
    uint160 internal constant HIGHEST_SQRT = TickMath.MAX_SQRT_PRICE - 1;

    /// @notice The pool's root price at `priceWad`, within what a swap may reach.
    /// @param up Rounds the root up, else down.
    function toSqrt(Scale memory scale, uint256 priceWad, bool up) internal pure returns (uint160) {
        uint256 assets = Math.min(priceWad, HIGHEST_WAD) * scale.assetUnit;
        uint256 bases = scale.baseUnit * WAD;
        (uint256 top, uint256 bottom) = scale.baseIsToken0 ? (assets, bases) : (bases, assets);
        if (bottom == 0 || top / bottom >= 2 ** 128) return HIGHEST_SQRT;
        Math.Rounding way = up ? Math.Rounding.Ceil : Math.Rounding.Floor;
        uint256 root = top / bottom < 2 ** 63
            ? top.mulDiv(2 ** 192, bottom, way).sqrt(way)
            : top.mulDiv(2 ** 126, bottom, way).sqrt(way) << 33;
        // Fits: at most 2^160 before it is held within the range.
        return uint160(Math.max(LOWEST_SQRT, Math.min(HIGHEST_SQRT, root)));
    }

    /// @notice Our price at a pool's root price, rounded down.
    function toWad(Scale memory scale, uint160 sqrtPriceX96) internal pure returns (uint256) {
        uint256 root = sqrtPriceX96;
        uint256 unit = scale.baseUnit * WAD;
        // Token1 per token0 with 128 bits behind the point, or 64 where that would not fit.
        (uint256 ratio, uint256 one) = root < 2 ** 128
            ? (root.mulDiv(root, 2 ** 64), uint256(2 ** 128))
            : (root.mulDiv(root, 2 ** 128), uint256(2 ** 64));
        if (scale.baseIsToken0) return ratio.mulDiv(unit, one) / scale.assetUnit;
        return ratio == 0 ? HIGHEST_WAD : unit.mulDiv(one, ratio) / scale.assetUnit;
    }

    /// @notice How far `high` stands above `low`, as prices, as a share of the lower: Wad, rounded up.
    function gapWad(uint160 high, uint160 low) internal pure returns (uint256) {
        uint256 root = uint256(high).mulDiv(2 ** 96, low, Math.Rounding.Ceil);
        return root.mulDiv(root * WAD, 2 ** 192, Math.Rounding.Ceil) - WAD;
    }

    /// @notice The root price a share of `shareWad` away from `sqrtPriceX96`, as prices; rounded away from it, or towards it.
    function away(uint160 sqrtPriceX96, uint256 shareWad, bool higher, bool outwards) internal pure returns (uint160) {
        Math.Rounding way = higher == outwards ? Math.Rounding.Ceil : Math.Rounding.Floor;
        uint256 root = sqrtPriceX96;
        // The root of 1 + share, in Wad; of 1e36 + share in 1e18, which fits for any share below 1e40.
        uint256 factor = (WAD * WAD + Math.min(shareWad, HIGHEST_WAD) * WAD).sqrt(
            outwards ? Math.Rounding.Ceil : Math.Rounding.Floor
        );
        root = higher ? root.mulDiv(factor, WAD, way) : root.mulDiv(WAD, factor, way);
        return uint160(Math.max(LOWEST_SQRT, Math.min(HIGHEST_SQRT, root)));
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SqrtPriceMath} from "@uniswap/v4-core/libraries/SqrtPriceMath.sol";
import {UniswapV3Prices} from "./UniswapV3Prices.sol";
import {UniswapV3Walk} from "./UniswapV3Walk.sol";

/// @title UniswapV3Sandwich
/// @notice How much can be traded so that no sandwich around it pays.
/// @dev DERIVATION. Along the curve F(q) is the price after a net input of q. Somebody puts x in before a trade of v, which moves
/// the price from P0 to P1 = P0/(1+a); the trade moves it on to P2 = P1/(1+i); they take x back after it. The curve gives them
/// the integral of F(q) - F(q+v) over [0, x], which is that of F(q) - F(q+x) over [0, v]: at most min(v, x)(P0 - P2). The fee f
/// takes at least f·x·P2 each way: of what they put in, and on what they pay to have it back. So nothing is left when
///
///     min(v, x)·((1+a)(1+i) - 1) <= 2f·x            for every push a up to the reach, x = x(a).
///
/// x(a) is the liquidity behind the price, which whoever pushed has come through. Up to x = v this bounds (1+a)(1+i), hardest
/// at x = v. Beyond, on a piece of one liquidity, x is concave in a and the left side affine, so the worst a is at an end of
/// the piece: it is enough to look at the ends, at x = v and at the reach. A larger v is harder, so the largest is bisected.
/// Taking back more or less than x, or in the other token, is no better for who wants to end with no less of either.
/// @dev The trade alone moves the price by no more than the fee besides (its caller ends `ahead` there): else who only comes
/// behind a trade that began at the market's price would gain.
/// @dev LIMITS. Who owns the liquidity gets its fees back and pushes for nothing; against them only the limit price of the
/// trade stands. A price that stands at a gap can be pushed over it for nothing; the same holds. And what is said holds for one
/// trade: two in one block are a trade of the sum.
/// @dev ROUNDING: what may be traded down, what lies behind down, distances up.
library UniswapV3Sandwich {
    /// Halvings of the search: to 1e-7 of the first guess.
    uint256 private constant HALVINGS = 24;
    /// A pool's fee is in millionths; distances are in Wad.
    uint256 private constant WAD_PER_MILLIONTH = 1e12;

    /// @notice Largest net input, within `ahead`, that is safe after any push through what lies `behind`.
    /// @param ahead Where the trade goes: input amounts rounded up.
    /// @param behind Where a push came from: input amounts rounded down.
    /// @param fee Millionths.
    function safeNet(UniswapV3Walk.Path memory ahead, UniswapV3Walk.Path memory behind, uint256 fee, bool zeroForOne)
        internal
        pure
        returns (uint256)
    {
        uint256 mostWad = 2 * fee * WAD_PER_MILLIONTH;
        // To trade nothing is safe; to trade all, perhaps.
        (uint160 safe, uint160 far) = (ahead.sqrtP[0], ahead.sqrtP[ahead.length]);
        if (_isSafe(behind, _net(ahead, far, zeroForOne, true), far, mostWad, zeroForOne)) {
            safe = far;
        } else {
            for (uint256 k = 0; k < HALVINGS; k++) {
                uint160 middle = uint160((uint256(safe) + far) / 2);
                if (_isSafe(behind, _net(ahead, middle, zeroForOne, true), middle, mostWad, zeroForOne)) safe = middle;
                else far = middle;
            }
        }
        return _net(ahead, safe, zeroForOne, false);
    }

    /// Net input that moves the price from the start to `sqrtP`.
    function _net(UniswapV3Walk.Path memory ahead, uint160 sqrtP, bool zeroForOne, bool up)
        private
        pure
        returns (uint256)
    {
        uint256 j = 1;
        while (j < ahead.length && (zeroForOne ? sqrtP < ahead.sqrtP[j] : sqrtP > ahead.sqrtP[j])) j++;
        uint256 last = UniswapV3Walk.between(ahead.sqrtP[j - 1], sqrtP, ahead.liquidity[j], zeroForOne, up);
        // The amounts are rounded up, by less than a unit each piece.
        return up ? ahead.amount[j - 1] + last : Math.saturatingSub(ahead.amount[j - 1] + last, j - 1);
    }

    /// Whether no push pays around a trade of net `v` that ends at `sqrtP`. `mostWad` is twice the fee.
    function _isSafe(UniswapV3Walk.Path memory behind, uint256 v, uint160 sqrtP, uint256 mostWad, bool zeroForOne)
        private
        pure
        returns (bool)
    {
        bool crossed = false;
        for (uint256 j = 1; j <= behind.length; j++) {
            uint256 x = behind.amount[j];
            if (x >= v && !crossed) {
                // Here x passes v.
                crossed = true;
                uint256 rest = v - behind.amount[j - 1];
                uint160 there = rest == 0
                    ? behind.sqrtP[j - 1]
                    : SqrtPriceMath.getNextSqrtPriceFromOutput(
                        behind.sqrtP[j - 1], behind.liquidity[j], rest, !zeroForOne
                    );
                if (_gapWad(there, sqrtP, zeroForOne) > mostWad) return false;
            }
            if (Math.min(v, x) * _gapWad(behind.sqrtP[j], sqrtP, zeroForOne) > mostWad * x) return false;
        }
        return true;
    }

    function _gapWad(uint160 from, uint160 to, bool zeroForOne) private pure returns (uint256) {
        return zeroForOne ? UniswapV3Prices.gapWad(from, to) : UniswapV3Prices.gapWad(to, from);
    }
}

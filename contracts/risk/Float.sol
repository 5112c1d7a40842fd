// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {LibBit} from "solady/utils/LibBit.sol";

/// @title Float
/// @notice Numbers above 0 with a floating point: 128 bits of mantissa, any exponent. For what spans more than a
/// Wad can hold.
/// @dev ROUNDING: down; each operation is short by less than 2^-126 of its result. `sub` of normal numbers is exact
/// to that too, but what it makes of errors in its arguments is the caller's concern.
library Float {
    /// mantissa x 2^exponent; the mantissa is in [2^127, 2^128), or 0.
    struct Number {
        uint256 mantissa;
        int256 exponent;
    }

    /// @notice Largest whole number that `toInt` answers.
    uint256 internal constant MOST = uint256(type(int256).max);

    function make(uint256 x) internal pure returns (Number memory) {
        return _normal(x, 0);
    }

    function mul(Number memory a, Number memory b) internal pure returns (Number memory) {
        return _normal(a.mantissa * b.mantissa, a.exponent + b.exponent);
    }

    /// @dev Division by 0 reverts.
    function div(Number memory a, Number memory b) internal pure returns (Number memory) {
        return _normal((a.mantissa << 128) / b.mantissa, a.exponent - b.exponent - 128);
    }

    /// @notice `a - b`, 0 when `b` is not smaller.
    function sub(Number memory a, Number memory b) internal pure returns (Number memory) {
        if (!lt(b, a)) return Number(0, 0);
        if (b.mantissa == 0) return a;
        uint256 apart = uint256(a.exponent - b.exponent);
        // b is less than half of a's last digit
        if (apart > 128) return a;
        // 256 bits hold both
        return _normal((a.mantissa << apart) - b.mantissa, b.exponent);
    }

    function sqrt(Number memory a) internal pure returns (Number memory) {
        // as many digits as leave an even exponent
        int256 digits = a.exponent & 1 == 0 ? int256(128) : int256(127);
        return _normal(FixedPointMathLib.sqrt(a.mantissa << uint256(digits)), (a.exponent - digits) / 2);
    }

    /// @notice `a` to the power of `n`, by squaring. Short by less than 2n x 2^-126.
    function pow(Number memory a, uint256 n) internal pure returns (Number memory result) {
        result = make(1);
        for (; n > 0; n >>= 1) {
            if (n & 1 == 1) result = mul(result, a);
            if (n > 1) a = mul(a, a);
        }
    }

    /// @notice `a x 10^n`, -77 <= n <= 77.
    function shift10(Number memory a, int256 n) internal pure returns (Number memory) {
        return n < 0 ? div(a, make(10 ** uint256(-n))) : mul(a, make(10 ** uint256(n)));
    }

    function lt(Number memory a, Number memory b) internal pure returns (bool) {
        if (a.mantissa == 0 || b.mantissa == 0) return a.mantissa < b.mantissa;
        return a.exponent == b.exponent ? a.mantissa < b.mantissa : a.exponent < b.exponent;
    }

    /// @notice The whole part; `MOST` when it is more.
    function toInt(Number memory a) internal pure returns (int256) {
        if (a.exponent <= -128 || a.mantissa == 0) return 0;
        if (a.exponent > 127) return int256(MOST);
        // a mantissa of 128 bits moved by at most 127 has at most 255
        return int256(a.exponent < 0 ? a.mantissa >> uint256(-a.exponent) : a.mantissa << uint256(a.exponent));
    }

    function _normal(uint256 x, int256 exponent) private pure returns (Number memory) {
        if (x == 0) return Number(0, 0);
        uint256 top = LibBit.fls(x);
        x = top > 127 ? x >> (top - 127) : x << (127 - top);
        return Number(x, exponent + int256(top) - 127);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title FixedPointMathLib
/// @notice Takes the place of Solady's library in proofs: what the vault uses of it, without the detour over 512 bits.
/// @dev Asserts that the factors are under 2^128, so that the product fits: a rule in which they are not fails.
library FixedPointMathLib {
    function fullMulDiv(uint256 x, uint256 y, uint256 d) internal pure returns (uint256) {
        return _product(x, y) / d;
    }

    function fullMulDivUp(uint256 x, uint256 y, uint256 d) internal pure returns (uint256 z) {
        uint256 product = _product(x, y);
        z = product / d;
        if (product % d > 0) ++z;
    }

    function mulDiv(uint256 x, uint256 y, uint256 d) internal pure returns (uint256) {
        return _product(x, y) / d;
    }

    function mulDivUp(uint256 x, uint256 y, uint256 d) internal pure returns (uint256) {
        return fullMulDivUp(x, y, d);
    }

    function divUp(uint256 x, uint256 d) internal pure returns (uint256 z) {
        z = x / d;
        if (x % d > 0) ++z;
    }

    function min(uint256 x, uint256 y) internal pure returns (uint256) {
        return x < y ? x : y;
    }

    function max(uint256 x, uint256 y) internal pure returns (uint256) {
        return x > y ? x : y;
    }

    function dist(uint256 x, uint256 y) internal pure returns (uint256) {
        return x > y ? x - y : y - x;
    }

    function zeroFloorSub(uint256 x, uint256 y) internal pure returns (uint256) {
        return x > y ? x - y : 0;
    }

    function _product(uint256 x, uint256 y) private pure returns (uint256) {
        assert(x >> 128 == 0 && y >> 128 == 0);
        unchecked {
            return x * y;
        }
    }
}

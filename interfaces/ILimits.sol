// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title ILimits
/// @notice How much exposure a net value may carry, and what is measured of it: shares of the net value, Wad.
interface ILimits {
    /// @notice Most that each measure may be; 64 bits reach to 18 times the net value.
    struct Caps {
        /// |net delta x price| / net value
        uint64 deltaWad;
        /// |gamma for a 1 % move x price| / net value
        uint64 gammaWad;
        /// gross exposure / net value
        uint64 leverageWad;
        /// largest value that bears one risk / net value
        uint64 shareWad;
    }

    /// @notice What is measured.
    struct Measures {
        uint256 deltaWad;
        uint256 gammaWad;
        uint256 leverageWad;
        uint256 shareWad;
    }

    /// @notice The action left a measure beyond its limit and worse than it was.
    error LimitExceeded(bytes32 measure, uint256 valueWad, uint256 limitWad, uint256 beforeWad);
}

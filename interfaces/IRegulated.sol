// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title IRegulated
/// @notice A contract that keeps a few variables inside bands, and lets anyone bring them back.
/// @dev A reading is out of band when `value < lower` or `value > upper`. Dimensionless values are Wad, amounts are in
/// units of the asset, ages in seconds; `name` says which.
interface IRegulated {
    struct Reading {
        /// Short text, right-padded: what is measured, and of which part ("weight.0", "edge", "report.1").
        bytes32 name;
        int256 value;
        int256 lower;
        int256 target;
        int256 upper;
    }

    /// @notice Nothing is out of band: there is nothing to do.
    error InBand();
    /// @notice The action would not have brought the contract nearer to its target.
    /// @param before Distance from target before, in the unit of the reading.
    /// @param afterwards Distance from target after.
    error NotCloser(uint256 before, uint256 afterwards);

    /// @notice A reading is out of band and nothing can be done about it now.
    error Stuck(bytes32 reading);

    /// @notice What is regulated, where it stands and where it should.
    function readings() external view returns (Reading[] memory);

    /// @notice Brings what is out of band back towards its target. Anyone may call it.
    /// @dev Reverts with `InBand` when nothing is out of band, and when the result would not be nearer to target.
    function rebalance() external;
}

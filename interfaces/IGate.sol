// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title IGate
/// @notice Decides who may enter a vault. It is asked at deposits alone: leaving, and sending shares, ask nobody.
interface IGate {
    /// @notice Whether `sender` may deposit for `receiver` now. The vault reads anything but true as no: a revert, a short
    /// answer, more than 1,000,000 gas.
    function mayEnter(address sender, address receiver) external view returns (bool);
}

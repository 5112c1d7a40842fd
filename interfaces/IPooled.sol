// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title IPooled
/// @notice A venue over one pool. A position and an exchange over the same pool move each other's price.
interface IPooled {
    function pool() external view returns (address);
}

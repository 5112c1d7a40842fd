// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {StrategyStandIn} from "./StrategyStandIn.sol";

/// @title FuzzStrategyStandIn
/// @notice STAND-IN for fuzzing: a StrategyStandIn that may also lie about what its shares are worth.
contract FuzzStrategyStandIn is StrategyStandIn {
    /// What it says its shares are worth, as a share of what they are, in 1e4.
    uint256 public saysBps = 1e4;

    constructor(IERC20 asset_) StrategyStandIn(asset_) {}

    function setSays(uint256 bps) external {
        saysBps = bps;
    }

    function previewRedeem(uint256 shares) public view override returns (uint256) {
        return super.previewRedeem(shares) * saysBps / 1e4;
    }
}

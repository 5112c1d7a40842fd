// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {StrategyStandIn} from "./StrategyStandIn.sol";

/// @title HeavyStrategyStandIn
/// @notice STAND-IN for tests: a sound strategy that takes 900,000 gas to be valued.
contract HeavyStrategyStandIn is StrategyStandIn {
    constructor(IERC20 asset_) StrategyStandIn(asset_) {}

    function previewRedeem(uint256 shares) public view override returns (uint256) {
        uint256 enough = gasleft() < 900_000 ? 0 : gasleft() - 900_000;
        while (gasleft() > enough) {}
        return super.previewRedeem(shares);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {IRegulated} from "../../interfaces/IRegulated.sol";

/// @title RoundTripStandIn
/// @notice STAND-IN for an attacker's contract, for tests: deposits, has the target rebalance, and leaves, in one call.
contract RoundTripStandIn {
    function run(IERC4626 target, uint256 assets) external {
        IERC20(target.asset()).approve(address(target), assets);
        target.deposit(assets, address(this));
        try IRegulated(address(target)).rebalance() {} catch {}
        target.redeem(target.maxRedeem(address(this)), address(this), address(this));
    }
}

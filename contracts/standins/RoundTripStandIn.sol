// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {IRegulated} from "../../interfaces/IRegulated.sol";

interface IMorphoFlash {
    function flashLoan(address token, uint256 assets, bytes calldata data) external;
}

interface IReports {
    function report() external returns (uint256 profit, uint256 loss);
}

/// @title RoundTripStandIn
/// @notice STAND-IN for an attacker's contract, for tests.
contract RoundTripStandIn {
    /// @notice Deposits, has the target rebalance and report, and leaves, in one call.
    function run(IERC4626 target, uint256 assets) external {
        IERC20(target.asset()).approve(address(target), assets);
        target.deposit(assets, address(this));
        _rebalance(address(target));
        try IReports(address(target)).report() {} catch {}
        target.redeem(target.maxRedeem(address(this)), address(this), address(this));
    }

    /// @notice Has the target rebalance while Morpho's tokens are borrowed.
    function flash(IMorphoFlash morpho, IERC20 token, uint256 assets, address target) external {
        token.approve(address(morpho), assets);
        morpho.flashLoan(address(token), assets, abi.encode(target));
    }

    function onMorphoFlashLoan(uint256, bytes calldata data) external {
        _rebalance(abi.decode(data, (address)));
    }

    function _rebalance(address target) private {
        try IRegulated(target).rebalance() {} catch {}
    }
}

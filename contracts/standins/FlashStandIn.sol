// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {IVault} from "../../interfaces/IVault.sol";

interface IMints {
    function mint(address to, uint256 value) external;
    function transfer(address to, uint256 value) external returns (bool);
}

/// @title FlashStandIn
/// @notice STAND-IN for fuzzing: a depositor with borrowed assets, who does all in one transaction.
contract FlashStandIn {
    /// @notice Borrows `assets`, deposits, tries a report and a rebalance, donates, and leaves; then pays back.
    /// @param donees Each is given `donation` after the deposit.
    /// @param asMint Enters by `mint` rather than `deposit`.
    /// @return gained What is over, beyond what was put in; negative when something is missing.
    function roundTrip(IVault vault, address[] calldata donees, uint256 assets, uint256 donation, bool asMint)
        external
        returns (int256 gained)
    {
        IMints token = IMints(vault.asset());
        token.mint(address(this), assets);
        IERC20(address(token)).approve(address(vault), type(uint256).max);
        if (asMint) vault.mint(vault.previewDeposit(assets), address(this));
        else vault.deposit(assets, address(this));
        for (uint256 i; i < donees.length; ++i) {
            token.mint(donees[i], donation);
        }
        try vault.report() {} catch {}
        try vault.rebalance() {} catch {}
        try vault.redeemInKind(vault.balanceOf(address(this)) / 2, address(this), address(this), 1e4) {} catch {}
        uint256 shares = vault.maxRedeem(address(this));
        if (shares > 0) vault.redeem(shares, address(this), address(this));
        uint256 left = IERC20(address(token)).balanceOf(address(this));
        gained = int256(left) - int256(assets);
        if (left > 0) token.transfer(address(0xdead), left);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ERC20} from "solmate/tokens/ERC20.sol";
import {ERC4626} from "solmate/tokens/ERC4626.sol";

/// @title BareSolmate
/// @notice STAND-IN to measure gas with, never deployed for real: Solmate's ERC-4626 as it comes, to measure against and as
/// the plainest strategy a vault can have.
contract BareSolmate is ERC4626 {
    constructor(ERC20 asset_) ERC4626(asset_, "Bare Solmate", "bSOLMATE") {}

    function totalAssets() public view override returns (uint256) {
        return asset.balanceOf(address(this));
    }
}

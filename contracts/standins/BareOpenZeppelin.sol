// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";

/// @title BareOpenZeppelin
/// @notice STAND-IN to measure gas against, never deployed for real: OpenZeppelin's ERC-4626 as it comes.
contract BareOpenZeppelin is ERC4626 {
    constructor(IERC20 asset_) ERC20("Bare OpenZeppelin", "bOZ") ERC4626(asset_) {}
}

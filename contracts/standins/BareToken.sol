// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ERC20} from "solmate/tokens/ERC20.sol";

/// @title BareToken
/// @notice STAND-IN to measure gas with, never deployed for real: a plain token of 18 decimals that anyone may mint.
contract BareToken is ERC20 {
    constructor() ERC20("Bare token", "BARE", 18) {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

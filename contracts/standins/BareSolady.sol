// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ERC4626} from "solady/tokens/ERC4626.sol";

/// @title BareSolady
/// @notice STAND-IN to measure gas against, never deployed for real: Solady's ERC-4626 as it comes.
contract BareSolady is ERC4626 {
    address private immutable _asset;

    constructor(address asset_) {
        _asset = asset_;
    }

    function asset() public view override returns (address) {
        return _asset;
    }

    function name() public pure override returns (string memory) {
        return "Bare Solady";
    }

    function symbol() public pure override returns (string memory) {
        return "bSOLADY";
    }
}

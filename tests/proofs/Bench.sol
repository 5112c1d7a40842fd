// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {VaultBooks} from "../../contracts/vault/VaultBooks.sol";

interface ICheats {
    function warp(uint256 time) external;
}

/// @title Bench
/// @notice A vault's books on the workbench: any state, any time. Never deployed; halmos runs it.
/// @dev Built from a copy of the contracts in which `private` is `internal` (tools/prove.py).
/// @dev BOUNDS: amounts under 2^96 (7.9e28 units: 79 billion tokens of 18 decimals), shares under 2^112, times in uint32
/// seconds from a start in uint32. Within them no product overflows 256 bits; each rule says what it assumes besides.
abstract contract Bench is VaultBooks {
    ICheats internal constant CHEATS = ICheats(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    /// The present is the start of the rule and `later` seconds.
    function _at(uint256 start, uint256 later) internal {
        CHEATS.warp(start + later);
    }

    /// Whether the ledger would take it: it reverts at 2^128. One bit less, so that the virtual shares fit beside it.
    function _fits(uint256 value) internal pure returns (bool) {
        return value >> 127 == 0;
    }

    /// Whether a share of (netA, supplyA) is worth at least one of (netB, supplyB), virtual ones included.
    function _worthAtLeast(uint256 netA, uint256 supplyA, uint256 netB, uint256 supplyB) internal pure returns (bool) {
        unchecked {
            return (netA + 1) * (supplyB + VIRTUAL_SHARES) >= (netB + 1) * (supplyA + VIRTUAL_SHARES);
        }
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// Compiled into the weakened vault alone. Each defence has a number, and is off while its bit is set at this slot, where
// only a test node can set it.
uint256 constant SWITCHES = 0x6f6666;

function off(uint256 defence) pure returns (bool) {
    // Pure to the compiler, so that any function can ask.
    function(uint256) internal view returns (bool) looks = _off;
    function(uint256) internal pure returns (bool) asks;
    assembly {
        asks := looks
    }
    return asks(defence);
}

function _off(uint256 defence) view returns (bool isOff) {
    assembly {
        isOff := and(shr(defence, sload(SWITCHES)), 1)
    }
}

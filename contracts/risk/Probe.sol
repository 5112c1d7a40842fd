// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title Probe
/// @notice Calls that cannot take the caller down: a revert, missing code or a short answer is an answer too.
/// @dev Copies at most 32 bytes of return data, so a large answer costs its sender alone. A callee gets at most a fixed
/// amount of gas; one that fails on less, because its caller brought too little, reverts the whole, so that nobody can
/// make a sound contract look broken by starving it.
library Probe {
    uint256 internal constant READ_GAS = 2_000_000;
    uint256 internal constant CALL_GAS = 5_000_000;

    error NotEnoughGas(uint256 wanted);

    /// @notice Reads one word. `ok` is false when the target reverts, has no code or answers fewer than 32 bytes.
    function read(address target, bytes memory data) internal view returns (bool ok, uint256 word) {
        uint256 available = gasleft() * 63 / 64;
        assembly ("memory-safe") {
            ok := and(gt(returndatasize(), 31), staticcall(READ_GAS, target, add(data, 32), mload(data), 0, 32))
            word := mul(ok, mload(0))
        }
        if (!ok && available < READ_GAS) revert NotEnoughGas(READ_GAS);
    }

    /// @notice Calls for one word. `ok` is false when the target reverts, has no code or answers fewer than 32 bytes.
    function call(address target, bytes memory data) internal returns (bool ok, uint256 word) {
        uint256 available = gasleft() * 63 / 64;
        assembly ("memory-safe") {
            ok := and(gt(returndatasize(), 31), call(CALL_GAS, target, 0, add(data, 32), mload(data), 0, 32))
            word := mul(ok, mload(0))
        }
        if (!ok && available < CALL_GAS) revert NotEnoughGas(CALL_GAS);
    }
}

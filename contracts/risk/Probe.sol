// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title Probe
/// @notice Calls that cannot take the caller down: a revert, missing code or a short answer is an answer too.
/// @dev Copies at most 32 bytes of return data, so a large answer costs its sender alone. A callee that burns all gas
/// leaves the caller 1/64 of it.
library Probe {
    /// @notice Reads one word. `ok` is false when the target reverts, has no code or answers fewer than 32 bytes.
    function read(address target, bytes memory data) internal view returns (bool ok, uint256 word) {
        assembly ("memory-safe") {
            ok := and(gt(returndatasize(), 31), staticcall(gas(), target, add(data, 32), mload(data), 0, 32))
            word := mul(ok, mload(0))
        }
    }

    /// @notice Calls for one word. `ok` is false when the target reverts, has no code or answers fewer than 32 bytes.
    function call(address target, bytes memory data) internal returns (bool ok, uint256 word) {
        assembly ("memory-safe") {
            ok := and(gt(returndatasize(), 31), call(gas(), target, 0, add(data, 32), mload(data), 0, 32))
            word := mul(ok, mload(0))
        }
    }
}

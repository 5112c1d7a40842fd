// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title Probe
/// @notice Calls that cannot take the caller down: a revert, missing code or a short answer is an answer too.
/// @dev Copies at most 32 bytes of return data, so a large answer costs its sender alone. A callee gets at most `gasLimit`;
/// one that runs out on less, because its caller brought too little, reverts the whole, so that nobody can make a sound
/// contract look broken by starving it. Who is probed itself must probe with less.
library Probe {
    error NotEnoughGas(uint256 wanted);

    /// @notice Reads one word. `ok` is false when the target reverts, has no code or answers fewer than 32 bytes.
    function read(address target, uint256 gasLimit, bytes memory data) internal view returns (bool ok, uint256 word) {
        uint256 available;
        unchecked {
            available = gasleft() * 63 >> 6; // 63 of 64 parts, and gas is far from 256 bits
        }
        assembly ("memory-safe") {
            ok := and(gt(returndatasize(), 31), staticcall(gasLimit, target, add(data, 32), mload(data), 0, 32))
            word := mul(ok, mload(0))
        }
        // What ran out took nearly all it was given; a plain revert gives the rest back.
        if (!ok && available < gasLimit && gasleft() < available / 2) revert NotEnoughGas(gasLimit);
    }

    /// @notice Calls for one word. `ok` is false when the target reverts, has no code or answers fewer than 32 bytes.
    function call(address target, uint256 gasLimit, bytes memory data) internal returns (bool ok, uint256 word) {
        uint256 available;
        unchecked {
            available = gasleft() * 63 >> 6; // 63 of 64 parts, and gas is far from 256 bits
        }
        assembly ("memory-safe") {
            ok := and(gt(returndatasize(), 31), call(gasLimit, target, 0, add(data, 32), mload(data), 0, 32))
            word := mul(ok, mload(0))
        }
        // What ran out took nearly all it was given; a plain revert gives the rest back.
        if (!ok && available < gasLimit && gasleft() < available / 2) revert NotEnoughGas(gasLimit);
    }
}

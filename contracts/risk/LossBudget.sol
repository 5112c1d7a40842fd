// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title LossBudget
/// @notice What keeper actions may lose: at most a budget in any window of time, wherever the window begins.
/// @dev A bucket of half the budget that refills half the budget a window, evenly. In any window at most the bucket and one
/// refill can be lost: together the budget.
/// @dev UNITS: losses are counted as shares of the value they were made on, Wad, so that money coming in or going out in
/// between neither buys nor costs room. `budgetBps` is in 1e4, `window` in seconds.
/// @dev ROUNDING: losses up, room down.
library LossBudget {
    struct Bucket {
        /// What the bucket lacks at time `at`, Wad.
        uint64 spentWad;
        uint40 at;
        uint16 budgetBps;
        uint32 window;
    }

    /// @notice The action would lose more than is left, both as shares of the value, Wad.
    error LossBudgetExceeded(uint256 lossWad, uint256 availableWad);

    uint256 private constant WAD = 1e18;
    uint256 private constant BPS = 1e4;

    /// @notice What may be lost now, as a share of the value, Wad. Rounded down.
    function available(Bucket storage bucket) internal view returns (uint256) {
        (uint256 size, uint256 spent) = (_size(bucket), _spent(bucket));
        return size > spent ? size - spent : 0;
    }

    /// @notice Takes `loss` out of `value` off the budget. Reverts when it is more than is left.
    function spend(Bucket storage bucket, uint256 loss, uint256 value) internal {
        if (loss == 0) return;
        uint256 lossWad = loss >= value ? WAD : (loss * WAD + value - 1) / value;
        uint256 left = available(bucket);
        if (lossWad > left) revert LossBudgetExceeded(lossWad, left);
        bucket.spentWad = uint64(_spent(bucket) + lossWad); // at most the bucket's size, half of 1e18
        bucket.at = uint40(block.timestamp);
    }

    /// @notice Changes budget and window; what is spent stays spent.
    function set(Bucket storage bucket, uint256 budgetBps, uint256 window) internal {
        bucket.spentWad = uint64(_spent(bucket));
        bucket.at = uint40(block.timestamp);
        bucket.budgetBps = uint16(budgetBps);
        bucket.window = uint32(window);
    }

    function _size(Bucket storage bucket) private view returns (uint256) {
        return uint256(bucket.budgetBps) * WAD / BPS / 2;
    }

    /// Rounded up: the refill is rounded down.
    function _spent(Bucket storage bucket) private view returns (uint256) {
        uint256 window = bucket.window;
        if (window == 0) return 0;
        uint256 refill = _size(bucket) * (block.timestamp - bucket.at) / window;
        return bucket.spentWad > refill ? bucket.spentWad - refill : 0;
    }
}

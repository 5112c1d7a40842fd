// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Strategy} from "./Strategy.sol";

/// @title LendingStrategy
/// @notice Base of strategies whose value only accrues: exits are by assets, idle ones first, then what the positions free.
/// @dev HOOKS, the strategist's duties, beside those of Strategy:
/// - `_invested`: MUST value the positions in assets, rounded down, without relying on a balance others can raise.
/// - `_freeable`: MUST NOT exceed what `_unwind` would free in the same block.
/// - `_onWithdraw`: what to note of an exit; nothing by default.
/// - `_unwind`: makes at least `assets` idle if `_freeable` says so; MUST pass over positions that revert.
abstract contract LendingStrategy is Strategy {
    using SafeERC20 for IERC20;

    /// @notice An action lowered the net value by more than rounding explains.
    error NetLoss(uint256 before, uint256 afterwards);

    /* VIEWS */

    function maxWithdraw(address holder) public view override returns (uint256) {
        return Math.min(super.maxWithdraw(holder), _idle + _freeable());
    }

    function maxRedeem(address holder) public view override returns (uint256) {
        uint256 shares = super.maxRedeem(holder);
        uint256 free = _idle + _freeable();
        // Not by way of shares when all can leave: that rounds a share away.
        return convertToAssets(shares) <= free ? shares : Math.min(shares, convertToShares(free));
    }

    /* HOOKS */

    function _invested() internal view virtual returns (uint256 assets);
    function _freeable() internal view virtual returns (uint256 assets);
    function _onWithdraw(uint256 assets) internal virtual {}
    function _unwind(uint256 assets) internal virtual;

    /* INTERNAL */

    function _total() internal view override returns (uint256) {
        return _idle + _invested();
    }

    function _withdraw(address caller, address receiver, address holder, uint256 assets, uint256 shares)
        internal
        override
        nonReentrant
    {
        if (caller != holder) _spendAllowance(holder, caller, shares);
        _burn(holder, shares);
        if (assets > _idle) _unwind(assets - _idle);
        if (assets > _idle) revert InsufficientLiquidity(assets, _idle);
        _idle -= assets;
        _onWithdraw(assets);
        IERC20(asset()).safeTransfer(receiver, assets);
        emit Withdraw(caller, receiver, holder, assets, shares);
    }
}

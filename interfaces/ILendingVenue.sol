// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IVenue} from "./IVenue.sol";

/// @title ILendingVenue
/// @notice A supply position on a lending market. It counts what it supplied itself; what others send it changes nothing.
interface ILendingVenue is IVenue {
    /// @notice Assets that could be withdrawn now: the lesser of the position and the market's free liquidity. 0 when paused.
    function liquidity() external view returns (uint256 assets);

    /// @notice Assets the market would accept now: 0 when paused or frozen, `type(uint128).max` when unlimited.
    function capacity() external view returns (uint256 assets);

    /// @notice Simple yearly supply rate (Wad) if the market's supply changed by `change` assets, by its own rate model.
    /// @param change Assets supplied (positive) or withdrawn (negative); 0 asks for the present rate.
    function supplyRateWad(int256 change) external view returns (uint256 rateWad);

    /// @notice What one unit supplied at the market's start has grown to, in Ray of an arbitrary first value.
    /// @dev The time integral of the true rate: the ratio of two indices is the yield between them, whatever the
    /// utilisation was for a moment. Brought up to the present block.
    function indexRay() external view returns (uint256);

    /// @notice True when nobody has moved the market in this block, flash loans under way included.
    function quiet() external view returns (bool);

    /// @notice Brings the market's own accounting up to the present block. Anyone may call it.
    function sync() external;

    /// @notice Takes `assets` from the owner, who has approved them, and supplies them; returns them. Owner only.
    function supply(uint256 assets) external returns (uint256);

    /// @notice Withdraws exactly `assets` to `receiver`, or reverts; returns them. Owner only.
    function withdraw(uint256 assets, address receiver) external returns (uint256);
}

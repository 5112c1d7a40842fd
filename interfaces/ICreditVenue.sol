// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IVenue} from "./IVenue.sol";

/// @title ICreditVenue
/// @notice One credit account: collateral of one token, debt of another, on a lending market. One account a position, so that
/// a liquidation cannot spread.
/// @dev Token amounts are in the token's smallest unit. `value`, `delta` and `gamma` (IVenue) are at the venue's oracle; the
/// health factor is the market's own, by the market's own price: it is the one that is liquidated by.
interface ICreditVenue is IVenue {
    /// @notice Token supplied as collateral.
    function collateralToken() external view returns (address);

    /// @notice Token owed.
    function debtToken() external view returns (address);

    /// @notice Collateral supplied by this contract, interest to the present block included, rounded down.
    /// @dev What others supply for it does not count here, though it does in the health factor.
    function collateral() external view returns (uint256);

    /// @notice Debt, interest to the present block included, rounded up.
    function debt() external view returns (uint256);

    /// @notice The market's health factor, Wad: below 1e18 it may be liquidated. `type(uint256).max` without debt.
    function healthFactorWad() external view returns (uint256);

    /// @notice Share of the collateral's value that debt may reach before it may be liquidated, Wad.
    function liquidationThresholdWad() external view returns (uint256);

    /// @notice Share of the collateral's value that may be borrowed at most, Wad.
    function maxLtvWad() external view returns (uint256);

    /// @notice What a liquidator is paid beyond what it repays, as a share of it, Wad (0.05e18: 5 %).
    function liquidationBonusWad() external view returns (uint256);

    /// @notice Collateral that the market would pay out now: its free liquidity, 0 when paused. Says nothing of the health factor.
    function withdrawable() external view returns (uint256);

    /// @notice Debt that the market would lend now: free liquidity and caps, 0 when paused or frozen. As above.
    function borrowable() external view returns (uint256);

    /// @notice Debt that the market would take back now: all of it, 0 when paused.
    function repayable() external view returns (uint256);

    /// @notice Collateral that the market would take now; 0 when paused or frozen, `type(uint128).max` when unlimited.
    function suppliable() external view returns (uint256);

    /// @notice Takes `amount` of collateral from the owner, who has approved it, and supplies it. Owner only.
    function supply(uint256 amount) external;

    /// @notice Withdraws exactly `amount` of collateral to `receiver`, or reverts. Owner only.
    function withdraw(uint256 amount, address receiver) external;

    /// @notice Borrows exactly `amount` for `receiver`, or reverts. Owner only.
    function borrow(uint256 amount, address receiver) external;

    /// @notice Takes up to `amount` from the owner, who has approved it, and repays; never more than is owed. Owner only.
    /// @return repaid What was taken and repaid.
    function repay(uint256 amount) external returns (uint256 repaid);
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title IExposed
/// @notice A strategy that says what a move of its base token's price does to it, so that exposures add up to a vault's.
interface IExposed {
    /// @notice All of it in the asset's smallest unit, at one price, for the strategy as a whole.
    struct Exposure {
        /// Token whose price moves the strategy. Exposures to one base are netted, those to different ones are not.
        address base;
        /// Net delta x price: what a rise of the price by 100 % would add, to first order.
        int256 delta;
        /// Gamma for a 1 % move x price: how much `delta` changes, through gamma alone, when the price rises by 1 %.
        int256 gamma;
        /// Worth of all base held, and of what is held against base owed: gross exposure, leverage x net value.
        uint256 gross;
        /// Net value; 0 or less when debts exceed what is held.
        int256 net;
    }

    /// @notice What the strategy is exposed to now, at the price by which it values itself. Reverts when it knows none.
    function exposure() external view returns (Exposure memory);
}

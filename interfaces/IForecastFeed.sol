// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title IForecastFeed
/// @notice Volatility, jump factor and correlation of a pair, posted within hard bounds; and the band that follows from them.
interface IForecastFeed {
    struct Forecast {
        /// Volatility of the pair's price, annualised, Wad (0.8e18: 80 %).
        uint256 sigmaWad;
        /// Jump buffer: the factor by which the price may fall (or rise) at once, Wad, at least 1e18.
        uint256 jumpWad;
        /// Correlation of the pair's two parts, Wad, -1e18 to 1e18.
        int256 rhoWad;
        /// False when it is too old, was switched off or never posted: then the figures are the widest of their bounds.
        bool fresh;
    }

    /// @notice The forecast that counts now. Never reverts for a known pair.
    function forecast(bytes32 pair) external view returns (Forecast memory);

    /// @notice Lowest permitted health factor: exp(sigma x sqrt(tau) x z(1 - epsilon / 2)) x jump, Wad, rounded up.
    /// @dev From the probability that a Brownian motion without drift reaches a barrier (Borodin and Salminen, Handbook of
    /// Brownian Motion, 2002).
    /// @param pair Which forecast.
    /// @param reactionTime Seconds in which nobody may act (tau).
    /// @param epsilonWad Accepted probability of touching 1 within that time, Wad, above 0 and below 1e18.
    function lowestHealthFactorWad(bytes32 pair, uint256 reactionTime, uint256 epsilonWad)
        external
        view
        returns (uint256);
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.19;

/// @notice The part of a Chainlink feed that the stand-in reads.
interface IFeed {
    function decimals() external view returns (uint8);
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
}

/// @title MorphoOracleStandIn
/// @notice STAND-IN for the local replica, never deployed for real: answers at the address of the Chainlink oracle of
/// Morpho's WETH/USDC market, from the same two feeds, but is not its code.
/// @dev Price of one smallest collateral unit in smallest loan units, scaled by 1e36: for tokens of c and l decimals
/// that is (base / quote) * 10^(36 + l - c). Like the original, it does not look at the age of a round.
/// @dev ROUNDING: down, against the borrower.
contract MorphoOracleStandIn {
    /* STORAGE */

    /// @notice Price of the collateral token.
    IFeed public immutable BASE_FEED_1;

    /// @notice Price of the loan token in the same currency.
    IFeed public immutable QUOTE_FEED_1;

    /// @notice 10 to the power of 36 + loan decimals + quote feed decimals - collateral decimals - base feed decimals.
    uint256 public immutable SCALE_FACTOR;

    /* ERRORS */

    error MorphoOracleStandIn__NegativeAnswer(address feed, int256 answer);

    constructor(IFeed baseFeed, IFeed quoteFeed, uint256 collateralDecimals, uint256 loanDecimals) {
        BASE_FEED_1 = baseFeed;
        QUOTE_FEED_1 = quoteFeed;
        SCALE_FACTOR = 10 ** (36 + loanDecimals + quoteFeed.decimals() - collateralDecimals - baseFeed.decimals());
    }

    /// @notice Collateral in loan units, scaled as above.
    function price() external view returns (uint256) {
        return SCALE_FACTOR * _answer(BASE_FEED_1) / _answer(QUOTE_FEED_1);
    }

    function _answer(IFeed feed) private view returns (uint256) {
        (, int256 answer,,,) = feed.latestRoundData();
        if (answer < 0) revert MorphoOracleStandIn__NegativeAnswer(address(feed), answer);
        // Safe cast: checked above.
        return uint256(answer);
    }
}

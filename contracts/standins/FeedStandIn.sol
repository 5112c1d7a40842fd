// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IAggregatorV3} from "../../interfaces/chainlink/IAggregatorV3.sol";

/// @title FeedStandIn
/// @notice STAND-IN for tests: a Chainlink feed whose round the test writes. Mainnet has no uptime feed of a sequencer.
contract FeedStandIn is IAggregatorV3 {
    uint8 public constant decimals = 0;

    int256 private _answer;
    uint256 private _startedAt;

    function set(int256 answer, uint256 startedAt) external {
        (_answer, _startedAt) = (answer, startedAt);
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return (1, _answer, _startedAt, _startedAt, 1);
    }
}

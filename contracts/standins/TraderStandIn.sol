// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IExchangeCaller} from "../../interfaces/IExchange.sol";

/// @title TraderStandIn
/// @notice STAND-IN for a contract that trades at an exchange, for tests: does what it is told, also while it is called in the
/// middle of a trade.
contract TraderStandIn is IExchangeCaller {
    struct Call {
        address target;
        bytes data;
    }

    /// @notice What the exchange told it last, and what the calls in the middle answered.
    bool public soldBase;
    uint256 public amountIn;
    uint256 public amountOut;
    bytes[] private _answers;

    error Refused(bytes answer);

    function answers() external view returns (bytes[] memory) {
        return _answers;
    }

    /// @notice Makes the calls, all or none.
    function run(Call[] calldata calls) external {
        for (uint256 i; i < calls.length; ++i) {
            (bool ok, bytes memory answer) = calls[i].target.call(calls[i].data);
            if (!ok) revert Refused(answer);
        }
    }

    function onTrade(bool sellsBase, uint256 amountIn_, uint256 amountOut_, bytes calldata data) external {
        (soldBase, amountIn, amountOut) = (sellsBase, amountIn_, amountOut_);
        Call[] memory calls = abi.decode(data, (Call[]));
        for (uint256 i; i < calls.length; ++i) {
            (bool ok, bytes memory answer) = calls[i].target.call(calls[i].data);
            if (!ok) revert Refused(answer);
            _answers.push(answer);
        }
    }
}

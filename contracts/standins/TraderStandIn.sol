// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {IExchangeCaller} from "../../interfaces/IExchange.sol";
import {IUniswapV3MintCallback, IUniswapV3Pool} from "../../interfaces/uniswap/IUniswapV3Pool.sol";

/// @title TraderStandIn
/// @notice STAND-IN for a contract that trades at an exchange, for tests: does what it is told, also while it is called in the
/// middle of a trade; gives liquidity to others.
contract TraderStandIn is IExchangeCaller, IUniswapV3MintCallback {
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

    /// @notice Mints liquidity in the name of `receiver`, from what this contract holds.
    function give(IUniswapV3Pool pool, address receiver, int24 lower, int24 upper, uint128 liquidity) external {
        pool.mint(receiver, lower, upper, liquidity, abi.encode(pool.token0(), pool.token1()));
    }

    function uniswapV3MintCallback(uint256 owed0, uint256 owed1, bytes calldata data) external {
        (address token0, address token1) = abi.decode(data, (address, address));
        if (owed0 > 0) require(IERC20(token0).transfer(msg.sender, owed0));
        if (owed1 > 0) require(IERC20(token1).transfer(msg.sender, owed1));
    }
}

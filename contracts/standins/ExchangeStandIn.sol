// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/interfaces/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IExchange, IExchangeCaller} from "../../interfaces/IExchange.sol";

/// @title ExchangeStandIn
/// @notice STAND-IN for tests: an exchange with a purse of its own, which trades at a price that the test sets, and may lie.
contract ExchangeStandIn is IExchange {
    using SafeERC20 for IERC20;

    address public immutable asset;
    address public immutable base;
    /// What it says, and what it does: smallest units of asset per smallest unit of base, Wad.
    uint256 public saysWad;
    uint256 public paysWad;
    /// Called in the middle of a trade, before the caller is; the answer is kept.
    address public callee;
    bytes public payload;
    bool public answered;
    bytes public answer;
    /// Calls its caller twice.
    bool public repeats;

    constructor(address asset_, address base_) {
        (asset, base) = (asset_, base_);
    }

    function set(uint256 saysWad_, uint256 paysWad_) external {
        (saysWad, paysWad) = (saysWad_, paysWad_);
    }

    function setCallback(address callee_, bytes calldata payload_) external {
        (callee, payload) = (callee_, payload_);
    }

    function setRepeats(bool repeats_) external {
        repeats = repeats_;
    }

    /// Calls `onTrade` of a strategy that has not asked for a trade.
    function intrude(address strategy, bytes calldata data) external {
        IExchangeCaller(strategy).onTrade(true, 1, 1, data);
    }

    /// It trades in none.
    function pool() external pure returns (address) {
        return address(0);
    }

    function feeWad() external pure returns (uint256) {
        return 0;
    }

    /// It has no depth: every unit trades at what it says.
    function bestWad(bool) external view returns (uint256) {
        uint256 units = 10 ** (IERC20Metadata(base).decimals() + 18 - IERC20Metadata(asset).decimals());
        return saysWad * units / 1e18;
    }

    function quote(bool sellsBase, uint256 amountIn) external view returns (uint256) {
        return _out(sellsBase, amountIn, saysWad);
    }

    function depth(bool, uint256) external pure returns (uint256) {
        return type(uint128).max;
    }

    function safeDepth(bool, uint256, uint256) external pure returns (uint256) {
        return type(uint128).max;
    }

    function trade(bool sellsBase, uint256 amountIn, uint256, bytes calldata data) external returns (uint256 amountOut) {
        (address given, address taken) = sellsBase ? (base, asset) : (asset, base);
        amountOut = _out(sellsBase, amountIn, paysWad);
        IERC20(taken).safeTransfer(msg.sender, amountOut);
        if (callee != address(0)) (answered, answer) = callee.call(payload);
        if (data.length > 0) {
            IExchangeCaller(msg.sender).onTrade(sellsBase, amountIn, amountOut, data);
            if (repeats) IExchangeCaller(msg.sender).onTrade(sellsBase, amountIn, amountOut, data);
        }
        IERC20(given).safeTransferFrom(msg.sender, address(this), amountIn);
    }

    function _out(bool sellsBase, uint256 amountIn, uint256 priceWad) private pure returns (uint256) {
        return sellsBase ? amountIn * priceWad / 1e18 : amountIn * 1e18 / priceWad;
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IExchange} from "../../interfaces/IExchange.sol";
import {IPooled} from "../../interfaces/IPooled.sol";

/// @title RashExchangeStandIn
/// @notice STAND-IN for tests: a real exchange, but it calls safe several times what is, and may keep a part of what it pays.
contract RashExchangeStandIn is IExchange, IPooled {
    using SafeERC20 for IERC20;

    IExchange public immutable real;
    address public immutable asset;
    address public immutable base;
    uint256 public times = 1;
    uint256 public keepsBps;

    constructor(IExchange real_) {
        (real, asset, base) = (real_, real_.asset(), real_.base());
        IERC20(asset).forceApprove(address(real_), type(uint256).max);
        IERC20(base).forceApprove(address(real_), type(uint256).max);
    }

    function set(uint256 times_, uint256 keepsBps_) external {
        (times, keepsBps) = (times_, keepsBps_);
    }

    function pool() external view returns (address) {
        return IPooled(address(real)).pool();
    }

    function feeWad() external view returns (uint256) {
        return real.feeWad();
    }

    function bestWad(bool sellsBase) external view returns (uint256) {
        return real.bestWad(sellsBase);
    }

    function quote(bool sellsBase, uint256 amountIn) external view returns (uint256) {
        return real.quote(sellsBase, amountIn);
    }

    function depth(bool sellsBase, uint256 limitWad) external view returns (uint256) {
        return real.depth(sellsBase, limitWad);
    }

    function safeDepth(bool sellsBase, uint256 limitWad, uint256 reachWad) external view returns (uint256) {
        return times * real.safeDepth(sellsBase, limitWad, reachWad);
    }

    function trade(bool sellsBase, uint256 amountIn, uint256, bytes calldata) external returns (uint256 amountOut) {
        IERC20(sellsBase ? base : asset).safeTransferFrom(msg.sender, address(this), amountIn);
        amountOut = real.trade(sellsBase, amountIn, 0, "");
        amountOut -= amountOut * keepsBps / 1e4;
        IERC20(sellsBase ? asset : base).safeTransfer(msg.sender, amountOut);
    }
}

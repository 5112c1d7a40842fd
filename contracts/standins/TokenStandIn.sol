// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

interface ITokenHook {
    function onTokenMoved() external;
}

/// @title TokenStandIn
/// @notice STAND-IN for tests: a token of any decimals with the habits real tokens have. Anyone may mint.
contract TokenStandIn is ERC20 {
    uint8 private immutable _decimals;

    /// Transfers answer with no data, as USDT's do.
    bool public silent;
    bool public paused;
    /// Taken from every transfer, in 1e4, as some deflationary tokens do.
    uint256 public feeBps;
    mapping(address => bool) public blocked;
    /// Called on every transfer, as ERC-777 tokens do.
    address public hook;

    error IsPaused();
    error IsBlocked(address account);

    constructor(uint8 decimals_) ERC20("Token stand-in", "TKN") {
        _decimals = decimals_;
    }

    function decimals() public view override returns (uint8) {
        return _decimals;
    }

    function mint(address to, uint256 value) external {
        _mint(to, value);
    }

    function setSilent(bool on) external {
        silent = on;
    }

    function setPaused(bool on) external {
        paused = on;
    }

    function setFee(uint256 bps) external {
        feeBps = bps;
    }

    function setBlocked(address account, bool on) external {
        blocked[account] = on;
    }

    function setHook(address target) external {
        hook = target;
    }

    function transfer(address to, uint256 value) public override returns (bool) {
        super.transfer(to, value);
        _answer();
        return true;
    }

    function transferFrom(address from, address to, uint256 value) public override returns (bool) {
        super.transferFrom(from, to, value);
        _answer();
        return true;
    }

    function _update(address from, address to, uint256 value) internal override {
        if (from != address(0) && to != address(0)) {
            if (paused) revert IsPaused();
            if (blocked[from]) revert IsBlocked(from);
            if (blocked[to]) revert IsBlocked(to);
            uint256 fee = value * feeBps / 1e4;
            if (fee > 0) super._update(from, address(0), fee);
            super._update(from, to, value - fee);
            if (hook != address(0)) ITokenHook(hook).onTokenMoved();
        } else {
            super._update(from, to, value);
        }
    }

    function _answer() private view {
        if (silent) {
            assembly ("memory-safe") {
                return(0, 0)
            }
        }
    }
}

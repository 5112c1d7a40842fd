// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IGate} from "../../interfaces/IGate.sol";

/// @title GateStandIn
/// @notice STAND-IN for tests: a gate that lets in whom the test names, or does not answer.
contract GateStandIn is IGate {
    mapping(address => bool) public admitted;
    bool public broken;

    error Broken();

    function admit(address account) external {
        admitted[account] = true;
    }

    function setBroken(bool broken_) external {
        broken = broken_;
    }

    function mayEnter(address sender, address receiver) external view returns (bool) {
        if (broken) revert Broken();
        return admitted[sender] && admitted[receiver];
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";

/// @title Redemptions
contract Redemptions {
    constructor(IERC20 asset_) {}
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {ILendingVenue} from "../../interfaces/ILendingVenue.sol";
import {IVenue} from "../../interfaces/IVenue.sol";

/// @title LendingVenue
/// @notice What every lending venue shares: one owner, one asset, no exposure to a base price.
abstract contract LendingVenue is ILendingVenue {
    /// @inheritdoc IVenue
    address public immutable owner;
    IERC20 internal immutable _asset;

    error ZeroAddress();

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        _;
    }

    constructor(address owner_, IERC20 asset_) {
        if (owner_ == address(0) || address(asset_) == address(0)) revert ZeroAddress();
        owner = owner_;
        _asset = asset_;
    }

    function asset() external view returns (address) {
        return address(_asset);
    }

    /// @dev The asset lent is the unit of account: its price moves nothing.
    function delta() external pure returns (int256) {
        return 0;
    }

    function gamma() external pure returns (int256) {
        return 0;
    }

    function value() public view virtual returns (uint256);

    /// `base` moved by `change`, not below 0.
    function _shift(uint256 base, int256 change) internal pure returns (uint256) {
        if (change >= 0) return base + uint256(change);
        uint256 less = uint256(-change);
        return base > less ? base - less : 0;
    }
}

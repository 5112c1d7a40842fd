// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title RoleBook
/// @notice Who may change the rules of a contract, and the checks of it.
/// @dev The owner (a timelock) may loosen and tighten; the guardian may only tighten, at once. Every external function
/// says who may call it.
abstract contract RoleBook {
    /// @notice A role went to another account.
    event RoleSet(bytes32 indexed role, address indexed account);

    /// @notice The caller may not do this.
    error Unauthorized(address caller);
    error ZeroAddress();

    address public owner;
    address public guardian;

    modifier onlyOwner() {
        _checkOwner();
        _;
    }

    /// Guardian or owner.
    modifier onlyTightener() {
        _checkTightener();
        _;
    }

    function _checkOwner() internal view {
        if (msg.sender != owner) revert Unauthorized(msg.sender);
    }

    function _checkTightener() internal view {
        if (msg.sender != guardian && msg.sender != owner) revert Unauthorized(msg.sender);
    }
}

/// @title Roles
/// @notice The role book of a contract that stands alone: set at construction, changed by the owner.
abstract contract Roles is RoleBook {
    constructor(address owner_, address guardian_) {
        _setOwner(owner_);
        _setGuardian(guardian_);
    }

    /// @notice Hands ownership over, in one step: a timelock cannot accept before its delay has passed. Owner only.
    function setOwner(address account) external onlyOwner {
        _setOwner(account);
    }

    /// @notice Owner only.
    function setGuardian(address account) external onlyOwner {
        _setGuardian(account);
    }

    function _setOwner(address account) private {
        if (account == address(0)) revert ZeroAddress();
        owner = account;
        emit RoleSet("owner", account);
    }

    function _setGuardian(address account) private {
        if (account == address(0)) revert ZeroAddress();
        guardian = account;
        emit RoleSet("guardian", account);
    }
}

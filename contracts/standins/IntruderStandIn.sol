// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";

interface IInKind {
    function redeemInKind(uint256 shares, address receiver, address holder, uint256 maxLossBps) external;
}

/// @title IntruderStandIn
/// @notice STAND-IN for an attacker's contract, for tests: calls back once, as a token's hook or as a vault's gate.
contract IntruderStandIn {
    address private _target;
    bytes private _payload;

    error Refused(bytes answer);

    /// @notice What to call at the next chance to.
    function arm(address target, bytes calldata payload) external {
        _target = target;
        _payload = payload;
    }

    /// @notice Calls as this contract.
    function run(address target, bytes calldata data) external {
        (bool ok, bytes memory answer) = target.call(data);
        if (!ok) revert Refused(answer);
    }

    /// @notice Deposits and leaves in kind, in one call.
    function depositAndLeaveInKind(IERC4626 vault, uint256 assets) external {
        uint256 shares = vault.deposit(assets, address(this));
        IInKind(address(vault)).redeemInKind(shares, address(this), address(this), 1e4);
    }

    /// A token's hook, as ERC-777 has it.
    function onTokenMoved() external {
        _intrude();
    }

    /// A gate that lets everybody in, and itself twice.
    function mayEnter(address, address) external returns (bool) {
        _intrude();
        return true;
    }

    function _intrude() private {
        if (_target == address(0)) return;
        // Whether the call back passes is for the test to see; under a static call nothing here can.
        (bool ok,) = address(this).call(abi.encodeCall(this.fire, ()));
        ok;
    }

    function fire() external {
        address target = _target;
        _target = address(0);
        (bool ok,) = target.call(_payload);
        ok;
    }
}

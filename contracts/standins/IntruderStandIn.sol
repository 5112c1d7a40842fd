// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title IntruderStandIn
/// @notice STAND-IN for an attacker's contract, for tests: does several things in one transaction, and calls back
/// once, as a token's hook or as a vault's gate.
contract IntruderStandIn {
    struct Call {
        address target;
        bytes data;
    }

    address private _target;
    bytes private _payload;

    error Refused(bytes answer);

    /// @notice What to call at the next chance to.
    function arm(address target, bytes calldata payload) external {
        _target = target;
        _payload = payload;
    }

    /// @notice Makes the calls as this contract, all or none.
    function run(Call[] calldata calls) external {
        for (uint256 i; i < calls.length; ++i) {
            (bool ok, bytes memory answer) = calls[i].target.call(calls[i].data);
            if (!ok) revert Refused(answer);
        }
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

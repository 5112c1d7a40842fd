// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {VaultHandler} from "./VaultHandler.sol";

/// @title VaultInvariant
/// @notice The vault machine for forge, to compare speeds with. The handler checks every property at the end of each of its
/// calls, which spares forge a call for each; a property that does not hold reverts, and forge is told that this is a failure.
contract VaultInvariant {
    VaultHandler internal handler;

    struct Selectors {
        address addr;
        bytes4[] selectors;
    }

    function setUp() public {
        handler = new VaultHandler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// Each as often as its weight in ballast/fuzz/vault.py says, in halves.
    function targetSelectors() public view returns (Selectors[] memory targets) {
        bytes4[26] memory rules = [
            VaultHandler.deposit.selector,
            VaultHandler.mint.selector,
            VaultHandler.redeem.selector,
            VaultHandler.withdraw.selector,
            VaultHandler.redeemInKind.selector,
            VaultHandler.transfer.selector,
            VaultHandler.flash.selector,
            VaultHandler.request.selector,
            VaultHandler.fulfil.selector,
            VaultHandler.claim.selector,
            VaultHandler.earn.selector,
            VaultHandler.yields.selector,
            VaultHandler.lose.selector,
            VaultHandler.becomeIlliquid.selector,
            VaultHandler.becomeFull.selector,
            VaultHandler.fail.selector,
            VaultHandler.recover.selector,
            VaultHandler.callBack.selector,
            VaultHandler.donate.selector,
            VaultHandler.wait.selector,
            VaultHandler.report.selector,
            VaultHandler.rebalance.selector,
            VaultHandler.curate.selector,
            VaultHandler.setCap.selector,
            VaultHandler.revoke.selector,
            VaultHandler.pause.selector
        ];
        uint8[26] memory weights =
            [10, 4, 10, 6, 4, 2, 3, 3, 3, 3, 8, 4, 6, 4, 2, 3, 4, 4, 3, 10, 8, 16, 3, 1, 1, 1];
        uint256 sum;
        for (uint256 i; i < rules.length; ++i) {
            sum += weights[i];
        }
        targets = new Selectors[](1);
        targets[0] = Selectors(address(handler), new bytes4[](sum));
        for (uint256 i; i < rules.length; ++i) {
            for (uint256 times = weights[i]; times > 0; --times) {
                targets[0].selectors[--sum] = rules[i];
            }
        }
    }

    function invariant_everyProperty() public pure {}
}

/// @notice The same once more: forge runs test contracts side by side, one on each core.
contract VaultInvariantOnceMore is VaultInvariant {}

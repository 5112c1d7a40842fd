// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {IVault} from "../../interfaces/IVault.sol";

/// @title PropertyLensStandIn
/// @notice STAND-IN for tests: all that the properties of a vault speak of, read in one call.
/// @dev Reads only what anyone can read; knows nothing of the vault's storage.
contract PropertyLensStandIn {
    uint256 private constant FIXED = 16;
    uint256 private constant PER_STRATEGY = 11;

    /// @return words 16 of the vault, 2 of each holder, 11 of each strategy; the order is in ballast/fuzz/vault_state.py.
    function look(IVault vault, address[] calldata holders, address[] calldata strategies)
        external
        view
        returns (uint256[] memory words)
    {
        words = new uint256[](FIXED + 2 * holders.length + PER_STRATEGY * strategies.length);
        IERC20 token = IERC20(vault.asset());
        words[0] = token.balanceOf(address(vault));
        words[1] = vault.idle();
        words[2] = vault.totalDebt();
        words[3] = vault.totalAssets();
        words[4] = vault.lockedProfit();
        words[5] = vault.totalSupply();
        words[6] = vault.deficit();
        (,, words[7]) = vault.lossBudget();
        words[8] = vault.managementFeeOwed();
        words[9] = vault.unlockedAt();
        words[10] = vault.depositLimit();
        words[11] = vault.paused() ? 1 : 0;
        words[12] = vault.isShutdown() ? 1 : 0;
        words[13] = vault.lastReport();
        words[14] = vault.growthCapBps();
        words[15] = vault.performanceFeeBps();
        uint256 at = FIXED;
        for (uint256 i; i < holders.length; ++i) {
            words[at] = vault.balanceOf(holders[i]);
            words[at + 1] = token.balanceOf(holders[i]);
            at += 2;
        }
        for (uint256 i; i < strategies.length; ++i) {
            _strategy(vault, strategies[i], words, at);
            at += PER_STRATEGY;
        }
    }

    function _strategy(IVault vault, address strategy, uint256[] memory words, uint256 at) private view {
        IVault.Strategy memory s = vault.strategy(strategy);
        words[at] = s.debt;
        words[at + 1] = s.shares;
        words[at + 2] = s.cap;
        words[at + 3] = s.capBps;
        words[at + 4] = s.targetBps;
        words[at + 5] = s.bandBps;
        words[at + 6] = s.risks;
        words[at + 7] = (s.listed ? 1 : 0) + (s.isVolatile ? 2 : 0);
        words[at + 8] = IERC4626(strategy).balanceOf(address(vault));
        if (s.shares == 0) {
            words[at + 9] = 1;
            return;
        }
        // Read as the vault reads it, with less gas: what runs out here would run out there.
        (bool ok, bytes memory answer) =
            strategy.staticcall{gas: 1_000_000}(abi.encodeCall(IERC4626.previewRedeem, (s.shares)));
        if (!ok || answer.length < 32) return;
        uint256 value = abi.decode(answer, (uint256));
        if (value > type(uint128).max) return;
        words[at + 9] = 1;
        words[at + 10] = value;
    }
}

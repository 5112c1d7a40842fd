// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {IRedemptions} from "../../interfaces/IRedemptions.sol";
import {IRegulated} from "../../interfaces/IRegulated.sol";
import {IVault} from "../../interfaces/IVault.sol";
import {IVaultTypes} from "../../interfaces/IVaultTypes.sol";
import {Probe} from "../risk/Probe.sol";

/// @title VaultLens
/// @notice What a front end shows of a vault, in one call, at one block. It keeps nothing and may read any vault.
/// @dev For `eth_call`. Units as in IVault; amounts are rounded as the vault's own views round them. A strategy that reverts,
/// burns gas or has no code is told as such and spoils nothing else; a vault that is none reverts.
contract VaultLens {
    /// Most gas that a strategy may take to be read; the vault reads it with the same.
    uint256 private constant READ_GAS = 1_000_000;

    struct Overview {
        string name;
        string symbol;
        uint8 decimals;
        address asset;
        /// Where redemptions of the vault are requested.
        address redemptions;
        /// True in the middle of a call of the vault's own: `books`, `strategies` and `readings` are empty then.
        bool locked;
        Books books;
        Fees fees;
        Rules rules;
        /// In queue order.
        StrategyView[] strategies;
        IVaultTypes.Risk[] risks;
        IRegulated.Reading[] readings;
    }

    struct Books {
        uint256 supply;
        /// What all shares are worth: idle and debt less the locked profit.
        uint256 netAssets;
        uint256 idle;
        uint256 totalDebt;
        uint256 lockedProfit;
        uint256 unlockedAt;
        uint256 lastReport;
        /// Losses that profit has not made good.
        uint256 deficit;
        /// Shares that wait to be redeemed, and what redeeming them now would pay if all could be freed.
        uint256 waitingShares;
        uint256 waitingAssets;
    }

    struct Fees {
        uint256 performanceFeeBps;
        uint256 managementFeeBps;
        address recipient;
        /// Management fee earned and not taken yet, in assets.
        uint256 managementFeeOwed;
    }

    struct Rules {
        bool paused;
        bool isShutdown;
        address gate;
        address limits;
        uint256 depositLimit;
        uint256 unlockPeriod;
        uint256 reportPeriod;
        uint256 growthCapBps;
        uint256 lossBudgetBps;
        uint256 lossWindow;
        /// What rebalances may lose now, as a share of the assets, Wad.
        uint256 lossAvailableWad;
    }

    /// A strategy as the vault knows it (IVaultTypes.Strategy), and as it is now.
    struct StrategyView {
        address at;
        uint256 debt;
        uint256 shares;
        uint256 cap;
        uint256 capBps;
        uint256 targetBps;
        uint256 bandBps;
        uint256 risks;
        bool isVolatile;
        /// What the vault's shares of it are worth now; 0 when it could not be read.
        uint256 worth;
        bool readable;
        /// What it says it would free for the vault now; 0 when it does not say.
        uint256 free;
        bool answersFree;
    }

    struct Position {
        uint256 shares;
        /// What redeeming them now would pay if all could be freed.
        uint256 assets;
        uint256 maxWithdraw;
        uint256 maxRedeem;
        /// Requests that `holder` controls: shares that wait, shares that were redeemed and what they got in assets.
        uint256 pendingShares;
        uint256 pendingAssets;
        uint256 claimableShares;
        uint256 claimableAssets;
    }

    /// @notice All of a vault.
    function overview(IVault vault) external view returns (Overview memory o) {
        o.name = vault.name();
        o.symbol = vault.symbol();
        o.decimals = vault.decimals();
        o.asset = vault.asset();
        o.redemptions = vault.redemptions();
        o.locked = vault.locked();
        o.fees = Fees(
            vault.performanceFeeBps(), vault.managementFeeBps(), vault.feeRecipient(), vault.managementFeeOwed()
        );
        o.rules = _rules(vault);
        o.risks = vault.risks();
        if (o.locked) return o;
        o.books = _books(vault);
        o.strategies = _strategies(vault);
        o.readings = vault.readings();
    }

    /// @notice What `holder` has in a vault, requests included. Reverts in the middle of a call of the vault's own.
    function position(IVault vault, address holder) external view returns (Position memory p) {
        IRedemptions redemptions = IRedemptions(vault.redemptions());
        p.shares = vault.balanceOf(holder);
        p.assets = vault.previewRedeem(p.shares);
        p.maxWithdraw = vault.maxWithdraw(holder);
        p.maxRedeem = vault.maxRedeem(holder);
        p.pendingShares = redemptions.pendingRedeemRequest(0, holder);
        p.pendingAssets = vault.previewRedeem(p.pendingShares);
        p.claimableShares = redemptions.maxRedeem(holder);
        p.claimableAssets = redemptions.maxWithdraw(holder);
    }

    /* INTERNAL */

    function _books(IVault vault) private view returns (Books memory b) {
        b.supply = vault.totalSupply();
        b.netAssets = vault.totalAssets();
        b.idle = vault.idle();
        b.totalDebt = vault.totalDebt();
        b.lockedProfit = vault.lockedProfit();
        b.unlockedAt = vault.unlockedAt();
        b.lastReport = vault.lastReport();
        b.deficit = vault.deficit();
        b.waitingShares = IRedemptions(vault.redemptions()).waiting();
        b.waitingAssets = vault.previewRedeem(b.waitingShares);
    }

    function _rules(IVault vault) private view returns (Rules memory r) {
        r.paused = vault.paused();
        r.isShutdown = vault.isShutdown();
        r.gate = vault.gate();
        r.limits = vault.limits();
        r.depositLimit = vault.depositLimit();
        r.unlockPeriod = vault.unlockPeriod();
        r.reportPeriod = vault.reportPeriod();
        r.growthCapBps = vault.growthCapBps();
        (r.lossBudgetBps, r.lossWindow, r.lossAvailableWad) = vault.lossBudget();
    }

    function _strategies(IVault vault) private view returns (StrategyView[] memory list) {
        address[] memory queue = vault.queue();
        list = new StrategyView[](queue.length);
        for (uint256 i; i < queue.length; ++i) {
            _read(vault, queue[i], list[i]);
        }
    }

    function _read(IVault vault, address at, StrategyView memory s) private view {
        IVaultTypes.Strategy memory known = vault.strategy(at);
        s.at = at;
        s.debt = known.debt;
        s.shares = known.shares;
        s.cap = known.cap;
        s.capBps = known.capBps;
        s.targetBps = known.targetBps;
        s.bandBps = known.bandBps;
        s.risks = known.risks;
        s.isVolatile = known.isVolatile;
        (s.readable, s.worth) = Probe.read(at, READ_GAS, abi.encodeCall(IERC4626.previewRedeem, (known.shares)));
        // The vault does not believe it either.
        if (s.worth > type(uint128).max) (s.readable, s.worth) = (false, 0);
        (s.answersFree, s.free) = Probe.read(at, READ_GAS, abi.encodeCall(IERC4626.maxWithdraw, (address(vault))));
    }
}

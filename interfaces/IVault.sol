// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {IRegulated} from "./IRegulated.sol";
import {IVaultTypes} from "./IVaultTypes.sol";

/// @title IVault
/// @notice A vault over several ERC-4626 strategies of one asset: what its users, roles and keepers may call.
/// @dev Units: `assets` and `debt` are in the asset's smallest unit, `shares` in the share's (6 more decimals than the
/// asset), `…Bps` in 1e4, times in seconds.
interface IVault is IVaultTypes, IERC4626, IRegulated {
    /* STATE */

    /// @notice Assets held by the vault itself. Tokens sent to it by mistake do not count.
    function idle() external view returns (uint256 assets);
    /// @notice Assets placed with strategies, as last reported.
    function totalDebt() external view returns (uint256 assets);
    /// @notice Reported profit that has not been added to the share price yet, rounded up.
    function lockedProfit() external view returns (uint256 assets);
    /// @notice Time at which the last of the locked profit will be in the price, if nothing happens before.
    function unlockedAt() external view returns (uint40);
    /// @notice Strategies in the order in which withdrawals draw on them.
    function queue() external view returns (address[] memory);
    function strategy(address strategy_) external view returns (Strategy memory);
    /// @notice The risks with a cap, in the order of the bits of `Strategy.risks`.
    function risks() external view returns (Risk[] memory);
    /// @notice Most assets the vault takes from depositors; `type(uint128).max` when unlimited.
    function depositLimit() external view returns (uint256 assets);
    /// @notice Asked before every deposit (IGate); the zero address when everybody may enter.
    function gate() external view returns (address);
    /// @notice The contract that limits what the strategies expose the vault to (VaultLimits); the zero address: none does.
    function limits() external view returns (address);
    /// @notice Where what cannot be freed at once is asked for (ERC-7540). It belongs to this vault alone.
    function redemptions() external view returns (address);
    function paused() external view returns (bool);
    function isShutdown() external view returns (bool);
    /// @notice True in the middle of a call of the vault's own, when nothing here can be priced.
    function locked() external view returns (bool);
    function performanceFeeBps() external view returns (uint16);
    /// @notice Yearly fee on the assets at work (debt) in 1e4, taken out of profit only.
    function managementFeeBps() external view returns (uint16);
    function feeRecipient() external view returns (address);
    /// @notice Seconds over which a profit is added to the share price, or longer if the growth cap wants it.
    function unlockPeriod() external view returns (uint24);
    /// @notice Seconds after which a report is due.
    function reportPeriod() external view returns (uint24);
    /// @notice Most that the share price may grow, by the second, as a yearly share of its high-water mark, in 1e4; and
    /// most profit a report may book, as a yearly share of the assets at work. What is over it waits.
    function growthCapBps() external view returns (uint16);
    /// @notice Losses that profit must make good before a performance fee is charged: the distance to the high-water mark.
    /// Neither deposits nor withdrawals change it; it starts anew when nobody holds shares.
    function deficit() external view returns (uint256 assets);
    /// @notice Time of the last report.
    function lastReport() external view returns (uint40);
    /// @notice Management fee earned and not yet covered by profit, in assets.
    function managementFeeOwed() external view returns (uint256 assets);
    /// @notice What rebalances may lose: at most `budgetBps` of the assets in any `window` seconds, half of it at once.
    /// @return budgetBps Share of the vault's assets, in 1e4.
    /// @return window Seconds.
    /// @return availableWad What may be lost now, as a share of the assets, Wad.
    function lossBudget() external view returns (uint256 budgetBps, uint256 window, uint256 availableWad);

    /* USERS */

    /// @notice As `deposit`, but reverts with `Slippage` when it would give fewer than `minShares`.
    function deposit(uint256 assets, address receiver, uint256 minShares) external returns (uint256 shares);
    /// @notice As `mint`, but reverts with `Slippage` when it would take more than `maxAssets`.
    function mint(uint256 shares, address receiver, uint256 maxAssets) external returns (uint256 assets);
    /// @notice As `withdraw`, but reverts when losses that are not in the price yet, and what freeing the assets costs, take
    /// more than `maxLossBps` of them. The plain `withdraw` accepts the losses that its preview shows and no such cost.
    function withdraw(uint256 assets, address receiver, address owner, uint256 maxLossBps)
        external
        returns (uint256 shares);
    /// @notice As above, and reverts with `Slippage` when it would take more than `maxShares`.
    function withdraw(uint256 assets, address receiver, address owner, uint256 maxLossBps, uint256 maxShares)
        external
        returns (uint256 shares);
    /// @notice As `redeem`, but reverts when losses that are not in the price yet, and what freeing the assets costs, take
    /// more than `maxLossBps` of them. The plain `redeem` accepts the losses that its preview shows and no such cost.
    function redeem(uint256 shares, address receiver, address owner, uint256 maxLossBps)
        external
        returns (uint256 assets);
    /// @notice As above, and reverts with `Slippage` when it would pay less than `minAssets`.
    function redeem(uint256 shares, address receiver, address owner, uint256 maxLossBps, uint256 minAssets)
        external
        returns (uint256 assets);
    /// @notice Leaves without asking the strategies for liquidity: pays the owner's part of the idle assets, and the rest as
    /// shares of the strategies at the lower of their stored and present value. Locked and unreported profit stays behind.
    /// Not in a transaction that has deposited.
    /// @param maxLossBps Most that unbooked losses, and strategies that do not hand over their shares, may cost.
    /// @return assets Idle assets paid.
    /// @return strategyShares Shares of each strategy in queue order, all rounded down.
    function redeemInKind(uint256 shares, address receiver, address owner, uint256 maxLossBps)
        external
        returns (uint256 assets, uint256[] memory strategyShares);

    /* ANYONE */

    /// @notice Books what the strategies have lost (at once) and then what they have earned (unlocked over time; not
    /// within an hour of the last time). Anyone may call it at any time. A strategy that cannot be read is passed over.
    function report() external returns (uint256 profit, uint256 loss);

    /* GUARDIAN OR OWNER: TIGHTENING, AT ONCE */

    /// @notice Stops deposits. Withdrawals go on.
    function pauseDeposits() external;
    /// @notice Sets cap and target of a strategy to 0 and takes back what it frees now; what is lost on the way is booked.
    /// Anyone may take back the rest by `rebalance`.
    function revoke(address strategy_) external;
    /// @notice Stops deposits for ever and sends every strategy's assets home as they become free. Cannot be undone.
    function shutdown() external;

    /* TIGHTENING BY GUARDIAN OR OWNER, LOOSENING BY OWNER ALONE */

    /// @notice Most that a strategy may hold, in assets and as a share of the vault's. Guardian or owner when neither rises,
    /// else owner.
    function setCap(address strategy_, uint256 cap, uint256 capBps) external;
    /// @notice Most that the strategies bearing a risk may hold together. Guardian or owner when neither rises, else owner.
    /// The owner names a new risk by giving it a cap; at most 16.
    function setRiskCap(bytes32 risk, uint256 cap, uint256 capBps) external;
    /// @notice Most assets the vault takes. Lowering: guardian or owner. Raising: owner.
    function setDepositLimit(uint256 assets) external;
    /// @notice What rebalances may lose in any `window` seconds. Guardian or owner when the budget does not rise and the
    /// window does not shrink, else owner.
    function setLossBudget(uint256 budgetBps, uint256 window) external;
    /// @notice Target weight and band. The curator may move the target (the cap bounds it) and narrow the band, the
    /// guardian may lower the target and narrow the band, the owner may do all.
    function setWeight(address strategy_, uint256 targetBps, uint256 bandBps) external;

    /* CURATOR OR OWNER */

    /// @notice Order in which withdrawals draw on the strategies. Must hold the same strategies.
    function setQueue(address[] calldata queue_) external;

    /* OWNER */

    /// @notice Lists an ERC-4626 strategy over the same asset. One that calls itself volatile is so whatever is said here.
    function addStrategy(
        address strategy_,
        uint256 cap,
        uint256 capBps,
        uint256 targetBps,
        uint256 bandBps,
        bool isVolatile
    ) external;
    /// @notice The risks a strategy bears, instead of those it bore. Each must have a cap.
    function setRisks(address strategy_, bytes32[] calldata risks_) external;
    /// @notice Takes a strategy off the list; what it still owes and does not free is booked as a loss, of at most `maxLoss`
    /// assets: who executes chooses the moment, and must not choose one in which the strategy is dry.
    function removeStrategy(address strategy_, uint256 maxLoss) external;
    function unpauseDeposits() external;
    function setFees(uint256 performanceFeeBps_, uint256 managementFeeBps_, address recipient) external;
    /// @notice Unlock and report periods in seconds, growth cap in 1e4 a year. A lower cap slows what is locked already; a
    /// growth cap of 0 lets nothing but what unlocks in a hundred years into the price.
    function setPace(uint256 unlockPeriod_, uint256 reportPeriod_, uint256 growthCapBps_) external;
    /// @notice Who is asked before a deposit; the zero address lets everybody in. Exits ask nobody.
    function setGate(address gate_) external;
    /// @notice Who limits what the strategies expose the vault to, and must know this vault; the zero address: nobody does.
    /// Asked before and after the moves of a rebalance, which then leaves no measure beyond its limit and worse than it was.
    /// A shutdown ends them: nothing may hold back what comes home.
    function setLimits(address limits_) external;

    /* ITS REDEMPTIONS CONTRACT */

    /// @notice Says whether requests wait: then what they are worth is theirs before others draw on it.
    function setWaiting(bool waiting) external;
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {IRegulated} from "./IRegulated.sol";

/// @title IVault
/// @notice A vault over several ERC-4626 strategies of one asset: what its users, roles and keepers may call.
/// @dev Units: `assets` and `debt` are in the asset's smallest unit, `shares` in the share's (6 more decimals than the
/// asset), `…Bps` in 1e4, times in seconds.
interface IVault is IERC4626, IRegulated {
    /// @notice One strategy as the vault knows it.
    struct Strategy {
        /// Assets the vault has placed there, as last reported.
        uint128 debt;
        /// Shares of the strategy the vault got for them. Shares that others send to the vault do not count.
        uint128 shares;
        /// Most assets it may hold.
        uint128 cap;
        /// Share of the vault's assets it should hold, in 1e4.
        uint16 targetBps;
        /// Distance from the target at which anyone may bring it back, in 1e4.
        uint16 bandBps;
        /// True while the strategy is in the queue.
        bool listed;
    }

    /* EVENTS: MONEY */

    /// @notice A strategy's profit (before fees) or loss was booked.
    event Reported(address indexed strategy, uint256 profit, uint256 loss, uint256 debt);
    /// @notice Fees were taken out of a report's profit; `shares` went to the fee recipient.
    event FeesTaken(uint256 assets, uint256 shares);
    /// @notice Assets went to a strategy (positive) or came back (negative).
    event Allocated(address indexed strategy, int256 assets, uint256 debt);
    /// @notice A strategy could not be read or moved and was passed over.
    event StrategySkipped(address indexed strategy);
    /// @notice A strategy took its shares and returned less than it was asked for; the difference was booked as a loss.
    event StrategyShort(address indexed strategy, uint256 asked, uint256 received);

    /* EVENTS: RULES */

    event StrategyAdded(address indexed strategy);
    event StrategyRemoved(address indexed strategy, uint256 loss);
    event CapSet(address indexed strategy, uint256 cap);
    event WeightSet(address indexed strategy, uint256 targetBps, uint256 bandBps);
    event QueueSet(address[] queue);
    event DepositLimitSet(uint256 assets);
    event DepositsPaused(bool paused);
    event Shutdown();
    event FeesSet(uint256 performanceFeeBps, uint256 managementFeeBps, address recipient);
    event PaceSet(uint256 unlockPeriod, uint256 reportPeriod, uint256 growthCapBps);

    /* ERRORS */

    error DepositExceedsMax(uint256 assets, uint256 max);
    error ZeroShares(uint256 assets);
    /// @notice The token took a fee on the way, or did not move what it said.
    error UnexpectedTransfer(uint256 expected, uint256 received);
    /// @notice Idle assets and what the strategies would free do not cover the withdrawal.
    error InsufficientLiquidity(uint256 requested, uint256 available);
    /// @notice The withdrawal would take a larger share of an unbooked loss than the user accepts.
    error LossTooHigh(uint256 lossBps, uint256 maxLossBps);
    error NotListed(address strategy);
    error AlreadyListed(address strategy);
    error WrongAsset(address strategy, address asset);
    error QueueFull(uint256 max);
    error QueueMismatch();
    error OverLimit(uint256 value, uint256 limit);
    error UnderLimit(uint256 value, uint256 limit);
    /// @notice A move to a strategy lost more than rounding explains.
    error MoveLoss(address strategy, uint256 assets, uint256 valued);
    error IsShutdown();
    /// @notice A deposit in this transaction: reports and rebalances must not rest on borrowed assets.
    error DepositedInTransaction();

    /* STATE */

    /// @notice Assets held by the vault itself. Tokens sent to it by mistake do not count.
    function idle() external view returns (uint256 assets);
    /// @notice Assets placed with strategies, as last reported.
    function totalDebt() external view returns (uint256 assets);
    /// @notice Reported profit that has not been added to the share price yet.
    function lockedProfit() external view returns (uint256 assets);
    /// @notice Strategies in the order in which withdrawals draw on them.
    function queue() external view returns (address[] memory);
    function strategy(address strategy_) external view returns (Strategy memory);
    /// @notice Most assets the vault takes from depositors; `type(uint128).max` when unlimited.
    function depositLimit() external view returns (uint256 assets);
    function paused() external view returns (bool);
    function isShutdown() external view returns (bool);
    function performanceFeeBps() external view returns (uint16);
    /// @notice Yearly fee on the assets at work (debt) in 1e4, taken out of profit only.
    function managementFeeBps() external view returns (uint16);
    function feeRecipient() external view returns (address);
    /// @notice Seconds over which a profit is added to the share price.
    function unlockPeriod() external view returns (uint24);
    /// @notice Seconds after which a report is due.
    function reportPeriod() external view returns (uint24);
    /// @notice Most profit a report may book, as a yearly share of the assets at work (debt), in 1e4. The rest waits.
    function growthCapBps() external view returns (uint16);
    /// @notice Losses that profit must make good before a performance fee is charged: the distance to the high-water mark.
    /// Neither deposits nor withdrawals change it; it starts anew when nobody holds shares.
    function deficit() external view returns (uint256 assets);
    /// @notice Time of the last report.
    function lastReport() external view returns (uint40);
    /// @notice Management fee earned and not yet covered by profit, in assets.
    function managementFeeOwed() external view returns (uint256 assets);

    /* USERS */

    /// @notice As `withdraw`, but reverts when unbooked losses would cost the owner more than `maxLossBps` of the assets.
    function withdraw(uint256 assets, address receiver, address owner, uint256 maxLossBps)
        external
        returns (uint256 shares);
    /// @notice As `redeem`, but reverts when unbooked losses would cost the owner more than `maxLossBps` of the assets.
    function redeem(uint256 shares, address receiver, address owner, uint256 maxLossBps)
        external
        returns (uint256 assets);

    /* ANYONE */

    /// @notice Books what the strategies have lost (at once) and then what they have earned (unlocked over time; not
    /// within an hour of the last time). Anyone may call it at any time. A strategy that cannot be read is passed over.
    function report() external returns (uint256 profit, uint256 loss);

    /* GUARDIAN OR OWNER: TIGHTENING, AT ONCE */

    /// @notice Stops deposits. Withdrawals go on.
    function pauseDeposits() external;
    /// @notice Sets cap and target of a strategy to 0 and takes back what it frees now. Anyone may take back the rest by
    /// `rebalance`.
    function revoke(address strategy_) external;
    /// @notice Stops deposits for ever and sends every strategy's assets home as they become free. Cannot be undone.
    function shutdown() external;

    /* TIGHTENING BY GUARDIAN OR OWNER, LOOSENING BY OWNER ALONE */

    /// @notice Most assets a strategy may hold. Lowering: guardian or owner. Raising: owner.
    function setCap(address strategy_, uint256 cap) external;
    /// @notice Most assets the vault takes. Lowering: guardian or owner. Raising: owner.
    function setDepositLimit(uint256 assets) external;
    /// @notice Target weight and band. The curator may move the target (the cap bounds it) and narrow the band, the
    /// guardian may lower the target and narrow the band, the owner may do all.
    function setWeight(address strategy_, uint256 targetBps, uint256 bandBps) external;

    /* CURATOR OR OWNER */

    /// @notice Order in which withdrawals draw on the strategies. Must hold the same strategies.
    function setQueue(address[] calldata queue_) external;

    /* OWNER */

    function addStrategy(address strategy_, uint256 cap, uint256 targetBps, uint256 bandBps) external;
    /// @notice Takes a strategy off the list; what it still owes and does not free is booked as a loss, of at most `maxLoss`
    /// assets: who executes chooses the moment, and must not choose one in which the strategy is dry.
    function removeStrategy(address strategy_, uint256 maxLoss) external;
    function unpauseDeposits() external;
    function setFees(uint256 performanceFeeBps_, uint256 managementFeeBps_, address recipient) external;
    function setPace(uint256 unlockPeriod_, uint256 reportPeriod_, uint256 growthCapBps_) external;
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ILimits} from "./ILimits.sol";

/// @title IVaultTypes
/// @notice What a vault tells: its structs, events and errors. Units as in IVault.
interface IVaultTypes is ILimits {
    /// @notice One strategy as the vault knows it.
    struct Strategy {
        /// Assets the vault has placed there, as last reported.
        uint128 debt;
        /// Shares of the strategy the vault got for them. Shares that others send to the vault do not count.
        uint128 shares;
        /// Most assets it may hold.
        uint128 cap;
        /// Most it may hold as a share of the vault's assets, in 1e4.
        uint16 capBps;
        /// Share of the vault's assets it should hold, in 1e4.
        uint16 targetBps;
        /// Distance from the target at which anyone may bring it back, in 1e4.
        uint16 bandBps;
        /// Bit N is set when the strategy bears the vault's N-th risk.
        uint16 risks;
        /// True while the strategy is in the queue.
        bool listed;
        /// True when its value can jump between reports: it is read at every entry and exit. Otherwise it is smooth.
        bool isVolatile;
    }

    /// @notice Something that several strategies share and may fail for all of them: a protocol, an asset, an oracle.
    struct Risk {
        bytes32 id;
        /// Most assets that the strategies bearing it may hold together.
        uint128 cap;
        /// The same as a share of the vault's assets, in 1e4.
        uint16 capBps;
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
    /// @notice Freeing assets cost more of the strategy's shares than they were worth. Who made the move bears `cost`.
    event StrategyShort(address indexed strategy, uint256 asked, uint256 cost);
    /// @notice A holder left with strategy shares instead of assets.
    event InKind(address indexed strategy, address indexed receiver, uint256 strategyShares, uint256 debt);

    /* EVENTS: RULES */

    event StrategyAdded(address indexed strategy, bool isVolatile);
    event StrategyRemoved(address indexed strategy, uint256 loss);
    event CapSet(address indexed strategy, uint256 cap, uint256 capBps);
    event RiskCapSet(bytes32 indexed risk, uint256 cap, uint256 capBps);
    event RisksSet(address indexed strategy, bytes32[] risks);
    event LossBudgetSet(uint256 budgetBps, uint256 window);
    event GateSet(address gate);
    event LimitsSet(address limits);
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
    /// @notice The deposit or exit would come out worse than the user said.
    error Slippage(uint256 got, uint256 limit);
    /// @notice A volatile strategy cannot be valued now: nobody can be let in at a fair price.
    error Unreadable(address strategy);
    error NotAdmitted(address account);
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
    error UnknownRisk(bytes32 risk);
    error OverLimit(uint256 value, uint256 limit);
    error UnderLimit(uint256 value, uint256 limit);
    /// @notice A move to a strategy lost more than rounding explains.
    error MoveLoss(address strategy, uint256 assets, uint256 valued);
    /// @notice A rebalance would lose more than is left of the loss budget, both as shares of the assets, Wad.
    error LossBudgetExceeded(uint256 lossWad, uint256 availableWad);
    error IsShutdown();
    /// @notice A deposit in this transaction: reports and rebalances must not rest on borrowed assets.
    error DepositedInTransaction();
    /// @notice A volatile strategy's loss was booked in this transaction: nobody may buy at a low of their own making.
    error MarkedInTransaction();
}

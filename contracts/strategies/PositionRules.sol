// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IExposed} from "../../interfaces/IExposed.sol";
import {ILimits} from "../../interfaces/ILimits.sol";
import {Limits} from "../risk/Limits.sol";
import {LossBudget} from "../risk/LossBudget.sol";
import {RoleBook} from "../risk/Roles.sol";

/// @title PositionRules
/// @notice What bounds the keepers and users of one strategy: prices it may trade at, limits of exposure, loss budgets.
/// @dev Made by its strategy, whose owner (may loosen) and guardian (may only tighten, at once) are asked for at each change.
/// It holds no money and calls nobody else. A contract of its own because the strategy's code has no room for it.
contract PositionRules {
    using Limits for ILimits.Caps;
    using LossBudget for LossBudget.Bucket;

    /* TYPES */

    struct Terms {
        /// Most assets that may be in the strategy after a deposit.
        uint128 cap;
        /// How far a sandwich might push the price around a keeper's trade, Wad (IExchange.safeDepth).
        uint64 reachWad;
        /// Most that an entry may cost over the net value by the feed, in 1e4.
        uint16 entryBps;
        /// How far from the policy price, in 1e4: trades of plain exits, of keepers, and of an emergency.
        uint16 exitBps;
        uint16 toleranceBps;
        uint16 emergencyBps;
    }

    /// At most `budgetBps` (1e4) of the net value in any `window` seconds, half of it at once.
    struct Budget {
        uint16 budgetBps;
        uint32 window;
    }

    /// All of it, as it is at first.
    struct Config {
        Terms terms;
        ILimits.Caps limits;
        /// What rebalances may lose.
        Budget budget;
        /// What rescues may lose, where there are any.
        Budget rescueBudget;
    }

    uint256 internal constant WAD = 1e18;
    uint256 internal constant BPS = 1e4;
    uint256 internal constant MAX_TOLERANCE_BPS = 1_000; // 10 %
    uint256 private constant MIN_WINDOW = 1 hours;

    /* STORAGE */

    /// @notice The strategy that is bound: the only one that may spend.
    address public immutable strategy;
    Terms private _terms;
    ILimits.Caps private _limits;
    /// By LossBudget.Bucket: of rebalances (0) and of rescues (1).
    LossBudget.Bucket[2] private _buckets;

    /* EVENTS AND ERRORS */

    event TermsSet(Terms terms);
    event CapSet(uint256 cap);
    event LimitsSet(ILimits.Caps limits);
    event LossBudgetSet(uint256 indexed bucket, uint256 budgetBps, uint256 window);

    error Unauthorized(address caller);
    error OutOfRange(uint256 value, uint256 lowest, uint256 highest);

    constructor(Config memory c) {
        strategy = msg.sender;
        _setTerms(c.terms);
        _setLimits(c.limits);
        _setLossBudget(0, c.budget);
        _setLossBudget(1, c.rescueBudget);
    }

    /* VIEWS */

    function terms() external view returns (Terms memory) {
        return _terms;
    }

    /// @notice Most exposure for its net value that a keeper's action may leave, Wad.
    function limits() external view returns (ILimits.Caps memory) {
        return _limits;
    }

    /// @notice What may be lost now on a budget, as a share of the net value, Wad.
    function available(uint256 bucket) external view returns (uint256) {
        return _buckets[bucket].available();
    }

    /// @notice What may be lost: at most `budgetBps` of the net value in any `window` seconds, half of it at once.
    /// @param bucket 0 for rebalances, 1 for rescues.
    /// @return budgetBps Share of the net value, in 1e4.
    /// @return window Seconds.
    /// @return availableWad What may be lost now, as a share of the net value, Wad.
    function lossBudget(uint256 bucket) external view returns (uint256 budgetBps, uint256 window, uint256 availableWad) {
        LossBudget.Bucket storage b = _buckets[bucket];
        return (b.budgetBps, b.window, b.available());
    }

    /* THE STRATEGY */

    /// @notice Takes what an action has lost off a budget, and holds its exposure to the limits. The strategy only.
    /// @param bucket 0 for rebalances, 1 for rescues.
    /// @param loss Assets lost.
    /// @param value Net value that they were lost of.
    /// @dev Reverts with `LossBudgetExceeded` or `LimitExceeded`.
    function settle(
        uint256 bucket,
        uint256 loss,
        uint256 value,
        IExposed.Exposure calldata beforehand,
        IExposed.Exposure calldata afterwards
    ) external {
        if (msg.sender != strategy) revert Unauthorized(msg.sender);
        _buckets[bucket].spend(loss, value);
        Limits.check(_measure(beforehand), _measure(afterwards), _limits);
    }

    /* TIGHTENING BY GUARDIAN OR OWNER, LOOSENING BY OWNER ALONE */

    /// @notice Most assets after a deposit. Lowering: guardian or owner. Raising: owner.
    function setCap(uint128 cap) external {
        _checkMayTighten(cap <= _terms.cap);
        _terms.cap = cap;
        emit CapSet(cap);
    }

    /// @notice Guardian or owner when no limit rises, else owner.
    function setLimits(ILimits.Caps calldata limits_) external {
        _checkMayTighten(limits_.isNoLooser(_limits));
        _setLimits(limits_);
    }

    /// @notice What may be lost in any `window` seconds. Guardian or owner when the budget does not rise and the window does not
    /// shrink, else owner.
    function setLossBudget(uint256 bucket, Budget calldata budget) external {
        LossBudget.Bucket storage b = _buckets[bucket];
        _checkMayTighten(budget.budgetBps <= b.budgetBps && budget.window >= b.window);
        _setLossBudget(bucket, budget);
    }

    /* OWNER */

    /// @notice Owner only.
    function setTerms(Terms calldata terms_) external {
        _checkMayTighten(false);
        _setTerms(terms_);
    }

    /* INTERNAL */

    /// The strategy's guardian may tighten, its owner may do all.
    function _checkMayTighten(bool tightens) internal view {
        if (msg.sender == RoleBook(strategy).owner()) return;
        if (!tightens || msg.sender != RoleBook(strategy).guardian()) revert Unauthorized(msg.sender);
    }

    function _checkRange(uint256 value, uint256 lowest, uint256 highest) internal pure {
        if (value < lowest || value > highest) revert OutOfRange(value, lowest, highest);
    }

    function _measure(IExposed.Exposure calldata e) private pure returns (ILimits.Measures memory) {
        return Limits.measure(e.delta, e.gamma, e.gross, 0, e.net);
    }

    function _setTerms(Terms memory t) private {
        _checkRange(t.entryBps, 1, MAX_TOLERANCE_BPS);
        _checkRange(t.exitBps, 1, MAX_TOLERANCE_BPS);
        _checkRange(t.toleranceBps, 1, MAX_TOLERANCE_BPS);
        _checkRange(t.emergencyBps, 1, MAX_TOLERANCE_BPS);
        _checkRange(t.reachWad, 1, WAD - 1);
        _terms = t;
        emit TermsSet(t);
    }

    function _setLimits(ILimits.Caps memory limits_) private {
        _limits = limits_;
        emit LimitsSet(limits_);
    }

    function _setLossBudget(uint256 bucket, Budget memory b) private {
        _checkRange(b.budgetBps, 0, BPS);
        _checkRange(b.window, MIN_WINDOW, type(uint32).max);
        _buckets[bucket].set(b.budgetBps, b.window);
        emit LossBudgetSet(bucket, b.budgetBps, b.window);
    }
}

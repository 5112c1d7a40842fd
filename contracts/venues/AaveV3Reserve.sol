// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IAavePool, IAaveToken} from "../../interfaces/aave/IAaveV3.sol";

/// @title AaveV3Reserve
/// @notice What a reserve of Aave v3 allows: its configuration word, and the room under its caps.
/// @dev Bits as in Aave v3's ReserveConfiguration. ROUNDING: room down.
library AaveV3Reserve {
    using Math for uint256;

    uint256 private constant RAY = 1e27;
    uint256 private constant BPS = 1e4;
    uint256 private constant LTV_BIT = 0; // 16 bits, bps
    uint256 private constant THRESHOLD_BIT = 16; // 16 bits, bps
    uint256 private constant BONUS_BIT = 32; // 16 bits, bps, 10500 for 5 %
    uint256 private constant ACTIVE_BIT = 56;
    uint256 private constant FROZEN_BIT = 57;
    uint256 private constant BORROWING_BIT = 58;
    uint256 private constant PAUSED_BIT = 60;
    uint256 private constant RESERVE_FACTOR_BIT = 64; // 16 bits, bps
    uint256 private constant BORROW_CAP_BIT = 80; // 36 bits, whole tokens
    uint256 private constant SUPPLY_CAP_BIT = 116; // 36 bits, whole tokens
    uint256 private constant DEBT_CEILING_BIT = 212; // 40 bits, cents

    /// @notice Withdrawals and repayments go on.
    function isOpen(uint256 configuration) internal pure returns (bool) {
        return _bit(configuration, ACTIVE_BIT) && !_bit(configuration, PAUSED_BIT);
    }

    /// @notice Supply goes on.
    function takesSupply(uint256 configuration) internal pure returns (bool) {
        return isOpen(configuration) && !_bit(configuration, FROZEN_BIT);
    }

    /// @notice Borrowing goes on.
    function lends(uint256 configuration) internal pure returns (bool) {
        return takesSupply(configuration) && _bit(configuration, BORROWING_BIT);
    }

    function ltvBps(uint256 configuration) internal pure returns (uint256) {
        return _word(configuration, LTV_BIT, 16);
    }

    function thresholdBps(uint256 configuration) internal pure returns (uint256) {
        return _word(configuration, THRESHOLD_BIT, 16);
    }

    /// @notice 1e4 and what a liquidator is paid beyond.
    function bonusBps(uint256 configuration) internal pure returns (uint256) {
        return _word(configuration, BONUS_BIT, 16);
    }

    function reserveFactorBps(uint256 configuration) internal pure returns (uint256) {
        return _word(configuration, RESERVE_FACTOR_BIT, 16);
    }

    /// @notice Collateral that limits all debt against it to a ceiling, and to some tokens.
    function isIsolated(uint256 configuration) internal pure returns (bool) {
        return _word(configuration, DEBT_CEILING_BIT, 40) > 0;
    }

    /// @notice Units that the reserve would take now, by its state and its cap.
    /// @param unit One whole token in its smallest unit.
    function supplyRoom(IAavePool pool, address token, uint256 unit) internal view returns (uint256) {
        IAavePool.ReserveData memory reserve = pool.getReserveData(token);
        uint256 configuration = reserve.configuration;
        if (!takesSupply(configuration)) return 0;
        uint256 cap = _word(configuration, SUPPLY_CAP_BIT, 36) * unit;
        if (cap == 0) return type(uint128).max;
        // Aave counts what the treasury has accrued, up to this block, against the cap.
        uint256 growthRay = pool.getReserveNormalizedVariableDebt(token) - reserve.variableBorrowIndex;
        uint256 interest =
            IAaveToken(reserve.variableDebtTokenAddress).scaledTotalSupply().mulDiv(growthRay, RAY, Math.Rounding.Ceil);
        uint256 toTreasury = interest.mulDiv(reserveFactorBps(configuration), BPS, Math.Rounding.Ceil);
        uint256 supplied = (IAaveToken(reserve.aTokenAddress).scaledTotalSupply() + reserve.accruedToTreasury).mulDiv(
            pool.getReserveNormalizedIncome(token), RAY, Math.Rounding.Ceil
        ) + toTreasury + 2;
        return cap > supplied ? cap - supplied : 0;
    }

    /// @notice Units that the reserve would lend now, by its state and its cap, at most `free`: what it can pay out.
    function borrowRoom(IAavePool pool, address token, uint256 unit, uint256 free) internal view returns (uint256) {
        IAavePool.ReserveData memory reserve = pool.getReserveData(token);
        if (!lends(reserve.configuration)) return 0;
        uint256 cap = _word(reserve.configuration, BORROW_CAP_BIT, 36) * unit;
        if (cap == 0) return free;
        uint256 owed = IAaveToken(reserve.variableDebtTokenAddress).scaledTotalSupply().mulDiv(
            pool.getReserveNormalizedVariableDebt(token), RAY, Math.Rounding.Ceil
        ) + 2; // Aave rounds the debt before and after
        return cap > owed ? Math.min(free, cap - owed) : 0;
    }

    function _bit(uint256 word, uint256 position) private pure returns (bool) {
        return (word >> position) & 1 == 1;
    }

    function _word(uint256 word, uint256 position, uint256 bits) private pure returns (uint256) {
        return (word >> position) & ((1 << bits) - 1);
    }
}

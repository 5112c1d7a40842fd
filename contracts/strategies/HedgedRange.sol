// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title HedgedRange
/// @notice How much liquidity, debt and collateral a hedged range of liquidity should have, in closed form.
/// @dev DERIVATION. A unit of liquidity holds y assets and x base at the pool's price. Nothing but a trade changes what is owned of
/// the two tokens, net of the debt: A = collateral + assets anywhere else, B = base anywhere - debt. With all base in the range
/// and all other assets as collateral, L units of liquidity leave a debt D = L·x - B and a collateral C = A - L·y. The health
/// factor is where it should be when C = k·D, k being the worth of one base in assets x target / threshold:
///
///     L = (A + k·B) / (y + k·x)
///
/// What limits the market or the rule sets cuts L; then D follows, and C is what is left: more than the target wants.
/// @dev UNITS: amounts in the tokens' smallest units. ROUNDING: liquidity down.
library HedgedRange {
    using Math for uint256;
    using SafeCast for uint256;

    struct Range {
        /// What `UNIT` of liquidity holds at the pool's price, and how much base at the policy price.
        uint256 assets;
        uint256 bases;
        uint256 basesAtPrice;
    }

    struct Means {
        /// A and B above.
        uint256 assets;
        int256 bases;
        /// Most liquidity, debt, and collateral; least collateral.
        uint256 mostLiquidity;
        uint256 mostDebt;
        uint256 mostCollateral;
        uint256 leastCollateral;
        /// Assets of collateral wanted for one unit of base owed, in `K_UNIT`.
        uint256 k;
    }

    uint256 internal constant UNIT = 1e24;
    uint256 internal constant K_UNIT = 1e36;

    /// @notice The liquidity at which the health factor is at its target, within the limits.
    function liquidity(Range memory r, Means memory m) internal pure returns (uint256 units) {
        uint256 worth = r.assets + r.bases.mulDiv(m.k, K_UNIT);
        if (worth == 0) return 0;
        uint256 debts = m.bases < 0 ? uint256(-m.bases).mulDiv(m.k, K_UNIT, Math.Rounding.Ceil) : 0;
        uint256 owned = m.assets + (m.bases > 0 ? uint256(m.bases).mulDiv(m.k, K_UNIT) : 0);
        if (owned <= debts) return 0;
        units = Math.min((owned - debts).mulDiv(UNIT, worth), m.mostLiquidity);
        if (r.bases > 0) {
            // Not more debt than the lender gives, nor than the most collateral it takes can bear.
            uint256 most = m.mostDebt;
            if (m.k > 0) most = Math.min(most, Math.min(m.mostCollateral, type(uint128).max).mulDiv(K_UNIT, m.k));
            int256 bases = most.toInt256() + m.bases;
            units = bases > 0 ? Math.min(units, uint256(bases).mulDiv(UNIT, r.bases)) : 0;
        }
        if (r.assets > 0) {
            // Not more assets than can be had: collateral that cannot be taken out stays.
            uint256 free = m.assets > m.leastCollateral ? m.assets - m.leastCollateral : 0;
            units = Math.min(units, free.mulDiv(UNIT, r.assets));
        }
    }

    /// @notice Debt and collateral that go with so much liquidity: what base is short, and what assets are over.
    /// @param kept Assets that stay out of the collateral where the health factor's target does not want them.
    function account(Range memory r, Means memory m, uint256 units, uint256 kept)
        internal
        pure
        returns (uint256 debt, uint256 collateral)
    {
        int256 owed = units.mulDiv(r.bases, UNIT).toInt256() - m.bases;
        debt = owed > 0 ? uint256(owed) : 0;
        collateral = Math.saturatingSub(m.assets, units.mulDiv(r.assets, UNIT, Math.Rounding.Ceil));
        if (kept > 0) {
            uint256 wanted = debt.mulDiv(m.k, K_UNIT, Math.Rounding.Ceil);
            collateral -= Math.min(kept, Math.saturatingSub(collateral, wanted));
        }
        collateral = Math.min(collateral, m.mostCollateral);
    }

    /// @notice Base to sell (positive) or to buy so that the net delta is 0 at the policy price with so much liquidity: what is
    /// owned, less what the range will hold beyond it at the pool's price.
    function excess(Range memory r, int256 bases, uint256 units) internal pure returns (int256) {
        return bases + units.mulDiv(r.basesAtPrice, UNIT).toInt256() - units.mulDiv(r.bases, UNIT).toInt256();
    }
}

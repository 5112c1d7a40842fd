// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {ILimits} from "../../interfaces/ILimits.sol";

/// @title Limits
/// @notice How much exposure a net value may carry, and whether an action was allowed to leave things as it did.
/// @dev THE RULE: after an action each measure is within its limit, or no worse than before the action. So what
/// reduces a breach passes though it does not end it, and what adds to one, or makes one, does not.
/// @dev UNITS: measures and limits are shares of the net value, Wad (leverage 2e18: twice the net value). What they
/// are made of is in the asset's smallest unit. Signs count for nothing: a delta of -2 is more than one of 1.
/// @dev ROUNDING: measures up, against the strategy.
/// @dev NO NET VALUE: with a net value of 0 or less, exposure of any size is beyond every limit; measures then
/// start at `BEYOND` and grow with the exposure, so that winding it down still passes and adding to it does not.
/// Without exposure the measure is 0.
library Limits {
    uint256 private constant WAD = 1e18;
    /// @notice Measures of what has no net value begin here. No limit reaches so far.
    uint256 internal constant BEYOND = 1 << 255;

    /// @notice Measures of an exposure, all arguments in the asset's smallest unit.
    /// @param delta Net delta x price.
    /// @param gamma Gamma for a 1 % move x price.
    /// @param gross Gross exposure.
    /// @param share Largest value that bears one risk.
    /// @param net Net value.
    function measure(int256 delta, int256 gamma, uint256 gross, uint256 share, int256 net)
        internal
        pure
        returns (ILimits.Measures memory)
    {
        return ILimits.Measures(
            ratio(FixedPointMathLib.abs(delta), net), ratio(FixedPointMathLib.abs(gamma), net), ratio(gross, net), ratio(share, net)
        );
    }

    /// @notice `amount / net`, Wad, rounded up. Rises with `amount`, falls with `net`.
    function ratio(uint256 amount, int256 net) internal pure returns (uint256) {
        if (amount == 0) return 0;
        if (amount >= BEYOND) amount = BEYOND - 1;
        if (net <= 0) return BEYOND + amount;
        // amount x 1e18 / net stays below BEYOND unless amount / net is above 5e58: then it says no more than that.
        if (amount / uint256(net) >= (BEYOND - 1) / WAD) return BEYOND - 1;
        return FixedPointMathLib.fullMulDivUp(amount, WAD, uint256(net));
    }

    /// @notice Reverts unless each measure is within its limit, or no worse than before.
    function check(ILimits.Measures memory beforehand, ILimits.Measures memory afterwards, ILimits.Caps memory caps)
        internal
        pure
    {
        _check("delta", beforehand.deltaWad, afterwards.deltaWad, caps.deltaWad);
        _check("gamma", beforehand.gammaWad, afterwards.gammaWad, caps.gammaWad);
        _check("leverage", beforehand.leverageWad, afterwards.leverageWad, caps.leverageWad);
        _check("share", beforehand.shareWad, afterwards.shareWad, caps.shareWad);
    }

    /// @notice Whether every measure is within its limit.
    function within(ILimits.Measures memory now_, ILimits.Caps memory caps) internal pure returns (bool) {
        return now_.deltaWad <= caps.deltaWad && now_.gammaWad <= caps.gammaWad && now_.leverageWad <= caps.leverageWad
            && now_.shareWad <= caps.shareWad;
    }

    /// @notice Whether no limit of `caps` is above that of `than`: who may only tighten may set it.
    function isNoLooser(ILimits.Caps memory caps, ILimits.Caps memory than) internal pure returns (bool) {
        return caps.deltaWad <= than.deltaWad && caps.gammaWad <= than.gammaWad && caps.leverageWad <= than.leverageWad
            && caps.shareWad <= than.shareWad;
    }

    function _check(bytes32 name, uint256 beforeWad, uint256 valueWad, uint256 limitWad) private pure {
        if (valueWad > limitWad && valueWad > beforeWad) {
            revert ILimits.LimitExceeded(name, valueWad, limitWad, beforeWad);
        }
    }
}

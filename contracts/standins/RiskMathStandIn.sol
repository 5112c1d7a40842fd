// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Limits} from "../risk/Limits.sol";
import {Normal} from "../risk/Normal.sol";

/// @title RiskMathStandIn
/// @notice STAND-IN for tests: the risk room's libraries, callable; several answers in one call where tests ask for many.
contract RiskMathStandIn {
    /* NORMAL */

    function quantiles(uint256[] calldata pWad) external pure returns (int256[] memory zWad) {
        zWad = new int256[](pWad.length);
        for (uint256 i; i < pWad.length; ++i) {
            zWad[i] = Normal.quantileWad(pWad[i]);
        }
    }

    function twoSided(uint256[] calldata epsilonWad) external pure returns (uint256[] memory zWad) {
        zWad = new uint256[](epsilonWad.length);
        for (uint256 i; i < epsilonWad.length; ++i) {
            zWad[i] = Normal.twoSidedWad(epsilonWad[i]);
        }
    }

    /* LIMITS */

    function measure(int256 delta, int256 gamma, uint256 gross, uint256 share, int256 net)
        external
        pure
        returns (Limits.Measures memory)
    {
        return Limits.measure(delta, gamma, gross, share, net);
    }

    function check(Limits.Measures calldata beforehand, Limits.Measures calldata afterwards, Limits.Caps calldata caps)
        external
        pure
    {
        Limits.check(beforehand, afterwards, caps);
    }

    function within(Limits.Measures calldata now_, Limits.Caps calldata caps) external pure returns (bool) {
        return Limits.within(now_, caps);
    }

    function isNoLooser(Limits.Caps calldata caps, Limits.Caps calldata than) external pure returns (bool) {
        return Limits.isNoLooser(caps, than);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ILimits} from "../../interfaces/ILimits.sol";
import {Float} from "../risk/Float.sol";
import {Greeks} from "../risk/Greeks.sol";
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
        returns (ILimits.Measures memory)
    {
        return Limits.measure(delta, gamma, gross, share, net);
    }

    function check(ILimits.Measures calldata beforehand, ILimits.Measures calldata afterwards, ILimits.Caps calldata caps)
        external
        pure
    {
        Limits.check(beforehand, afterwards, caps);
    }

    function within(ILimits.Measures calldata now_, ILimits.Caps calldata caps) external pure returns (bool) {
        return Limits.within(now_, caps);
    }

    function isNoLooser(ILimits.Caps calldata caps, ILimits.Caps calldata than) external pure returns (bool) {
        return Limits.isNoLooser(caps, than);
    }

    /* GREEKS */

    function spot(uint256 bases, uint256 decimals) external pure returns (Greeks.Exposure memory) {
        return Greeks.spot(bases, decimals);
    }

    function credit(uint256 collateral, uint256 debt, uint256 decimals) external pure returns (Greeks.Exposure memory) {
        return Greeks.credit(collateral, debt, decimals);
    }

    function rangeAtRoot(
        Greeks.Market calldata market,
        uint128 liquidity,
        uint160 lowerX96,
        uint160 upperX96,
        uint160 priceX96
    ) external pure returns (Greeks.Exposure memory) {
        return Greeks.rangeAtRoot(market, liquidity, lowerX96, upperX96, priceX96);
    }

    function rangeAtPrice(
        Greeks.Market calldata market,
        uint128 liquidity,
        uint160 lowerX96,
        uint160 upperX96,
        uint256 priceWad
    ) external pure returns (Greeks.Exposure memory) {
        return Greeks.rangeAtPrice(market, liquidity, lowerX96, upperX96, priceWad);
    }

    function rangeAtTicks(
        Greeks.Market calldata market,
        uint128 liquidity,
        int24 lower,
        int24 upper,
        uint256 priceWad
    ) external pure returns (Greeks.Exposure memory) {
        return Greeks.rangeAtTicks(market, liquidity, lower, upper, priceWad);
    }

    /// @return mantissa x 2^exponent
    function rootAtTick(int24 tick) external pure returns (uint256 mantissa, int256 exponent) {
        Float.Number memory root = Greeks.rootAtTick(tick);
        return (root.mantissa, root.exponent);
    }

    function add(Greeks.Exposure calldata a, Greeks.Exposure calldata b)
        external
        pure
        returns (Greeks.Exposure memory)
    {
        return Greeks.add(a, b);
    }

    function share(Greeks.Exposure calldata a, uint256 part, uint256 whole)
        external
        pure
        returns (Greeks.Exposure memory)
    {
        return Greeks.share(a, part, whole);
    }

    function gammaMoveWad(int256 gammaWad, uint256 priceWad) external pure returns (int256) {
        return Greeks.gammaMoveWad(gammaWad, priceWad);
    }

    function toAssets(int256 amountWad, uint256 priceWad, uint256 decimals) external pure returns (int256) {
        return Greeks.toAssets(amountWad, priceWad, decimals);
    }
}

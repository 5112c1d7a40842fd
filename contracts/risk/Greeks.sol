// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {Float} from "./Float.sol";

/// @title Greeks
/// @notice Delta and gamma of what is held, owed, or provided as liquidity, in units that add up from position to
/// vault.
/// @dev SOURCE for ranges: H. Adams et al., Uniswap v3 Core, 2021, section 6.2; with w = 1 / sqrt(price of base in
/// asset), base held = L (w - w at the upper price), so delta is that, gamma = -L w^3 / 2 within the range and 0
/// outside.
/// @dev UNITS: delta in whole base units, Wad; gamma in delta per unit of price (whole asset per whole base), Wad;
/// `gammaMove` in delta per 1 % of the price, Wad: it stays near delta's size where gamma itself leaves what a word
/// can hold.
/// @dev EDGES: as the pool has it, a range is active from its lower root price on and up to, without, its upper:
/// gamma jumps at both. With base as token1 the pool's lower edge is the upper price of base.
/// @dev ACCURACY: below 2^-100 in relative terms before the last digit, which is rounded towards 0. What is beyond
/// 2^255 - 1 is told as that, never reverts: a limit finds it too large either way. What is below a Wad's last
/// digit is 0. From a pool's root price that holds however near an edge is. Of a price of ours it holds for a price
/// within 2^-120 of it: so near an edge the amount held, a small difference, is known that much less well.
library Greeks {
    using Float for Float.Number;

    /// @notice How a pool counts.
    struct Market {
        bool baseIsToken0;
        uint8 baseDecimals;
        uint8 assetDecimals;
    }

    struct Exposure {
        int256 deltaWad;
        int256 gammaWad;
        int256 gammaMoveWad;
    }

    error TooManyDecimals(uint256 decimals, uint256 most);
    error TickOutOfRange(int256 tick, int256 lowest, int256 highest);
    /// @notice The lower edge has to be below the upper one.
    error EmptyRange();
    error NoPrice();

    uint256 internal constant MOST_DECIMALS = 30;
    int24 internal constant MAX_TICK = 887272;
    uint256 private constant WAD = 1e18;
    int256 private constant MOST = type(int256).max;
    /// sqrt(1.0001) x 2^127
    uint256 private constant ROOT_OF_TICK = 170149690306976409027086149341889178414;

    /* POSITIONS */

    /// @notice Of base held.
    function spot(uint256 bases, uint256 baseDecimals) internal pure returns (Exposure memory) {
        return Exposure(_toWad(bases, baseDecimals), 0, 0);
    }

    /// @notice Of a credit account: base supplied as collateral, base owed. 0 for what is in the asset.
    function credit(uint256 collateral, uint256 debt, uint256 baseDecimals) internal pure returns (Exposure memory) {
        // both within int256 and of one sign
        return Exposure(_toWad(collateral, baseDecimals) - _toWad(debt, baseDecimals), 0, 0);
    }

    /// @notice Of a range, at a pool's root price: token1 per token0 in smallest units, 96 bits behind the point.
    function rangeAtRoot(
        Market memory market,
        uint128 liquidity,
        uint160 lowerX96,
        uint160 upperX96,
        uint160 priceX96
    ) internal pure returns (Exposure memory) {
        if (priceX96 == 0) revert NoPrice();
        if (lowerX96 == 0 || lowerX96 >= upperX96) revert EmptyRange();
        Float.Number memory width;
        if (market.baseIsToken0) {
            uint160 from = priceX96 < lowerX96 ? lowerX96 : priceX96;
            if (from < upperX96) width = _fromX96(upperX96 - from).div(_fromX96(from)).div(_fromX96(upperX96));
        } else {
            uint160 to = priceX96 < upperX96 ? priceX96 : upperX96;
            if (to > lowerX96) width = _fromX96(to - lowerX96);
        }
        bool active = lowerX96 <= priceX96 && priceX96 < upperX96;
        return _exposure(market, liquidity, width, active, _fromX96(priceX96));
    }

    /// @notice Of a range between a pool's root prices, at a price of ours: whole asset per whole base, Wad.
    function rangeAtPrice(
        Market memory market,
        uint128 liquidity,
        uint160 lowerX96,
        uint160 upperX96,
        uint256 priceWad
    ) internal pure returns (Exposure memory) {
        return _range(market, liquidity, _fromX96(lowerX96), _fromX96(upperX96), _rootOf(market, priceWad));
    }

    /// @notice Of a range between two ticks, at a price of ours.
    function rangeAtTicks(Market memory market, uint128 liquidity, int24 lower, int24 upper, uint256 priceWad)
        internal
        pure
        returns (Exposure memory)
    {
        return _range(market, liquidity, rootAtTick(lower), rootAtTick(upper), _rootOf(market, priceWad));
    }

    /// @notice The root price at a tick, 1.0001^(tick / 2), to 2^-100 of it. A pool's own is cut to 96 bits behind
    /// the point.
    function rootAtTick(int24 tick) internal pure returns (Float.Number memory) {
        if (tick < -MAX_TICK || tick > MAX_TICK) revert TickOutOfRange(tick, -MAX_TICK, MAX_TICK);
        Float.Number memory root =
            Float.Number(ROOT_OF_TICK, -127).pow(uint256(int256(tick < 0 ? -tick : tick)));
        return tick < 0 ? Float.make(1).div(root) : root;
    }

    /* SUMS */

    /// @notice Two exposures to the same base together.
    function add(Exposure memory a, Exposure memory b) internal pure returns (Exposure memory) {
        return Exposure(
            saturatingAdd(a.deltaWad, b.deltaWad),
            saturatingAdd(a.gammaWad, b.gammaWad),
            saturatingAdd(a.gammaMoveWad, b.gammaMoveWad)
        );
    }

    /// @notice What `part` of `whole` shares bears of an exposure; all of it when part is not less than whole.
    function share(Exposure memory a, uint256 part, uint256 whole) internal pure returns (Exposure memory) {
        return Exposure(
            shareOf(a.deltaWad, part, whole), shareOf(a.gammaWad, part, whole), shareOf(a.gammaMoveWad, part, whole)
        );
    }

    /// @notice Gamma x price x 1 %, for a gamma that was not made here.
    function gammaMoveWad(int256 gammaWad, uint256 priceWad) internal pure returns (int256) {
        return _mulDiv(gammaWad, priceWad, 100 * WAD);
    }

    /// @notice A delta, or a gamma for a 1 % move, times the price: in the asset's smallest unit.
    function toAssets(int256 amountWad, uint256 priceWad, uint256 assetDecimals) internal pure returns (int256) {
        _checkDecimals(assetDecimals);
        return _mulDiv(amountWad, priceWad, 10 ** (36 - assetDecimals));
    }

    /// @notice The sum; 2^255 - 1, or the same below 0, where it is beyond.
    function saturatingAdd(int256 a, int256 b) internal pure returns (int256 sum) {
        unchecked {
            sum = a + b;
        }
        // of one sign, and the sum of the other
        if ((a ^ sum) & (b ^ sum) < 0) return a < 0 ? -MOST : MOST;
        return FixedPointMathLib.max(sum, -MOST);
    }

    /// @notice `value x part / whole`, at most value, rounded towards 0.
    function shareOf(int256 value, uint256 part, uint256 whole) internal pure returns (int256) {
        return part >= whole ? value : _mulDiv(value, part, whole);
    }

    /* INTERNAL */

    function _range(
        Market memory market,
        uint128 liquidity,
        Float.Number memory lower,
        Float.Number memory upper,
        Float.Number memory price
    ) private pure returns (Exposure memory) {
        if (lower.mantissa == 0 || !lower.lt(upper)) revert EmptyRange();
        bool active = !price.lt(lower) && price.lt(upper);
        return _exposure(market, liquidity, _width(market.baseIsToken0, lower, upper, price), active, price);
    }

    /// @param width Base held for each unit of liquidity, in smallest units.
    /// @param active Whether the range is.
    function _exposure(
        Market memory market,
        uint128 liquidity,
        Float.Number memory width,
        bool active,
        Float.Number memory price
    ) private pure returns (Exposure memory exposure) {
        _checkDecimals(market.baseDecimals);
        _checkDecimals(market.assetDecimals);
        int256 toWad = 18 - int256(uint256(market.baseDecimals));
        Float.Number memory amount = Float.make(liquidity);
        exposure.deltaWad = amount.mul(width).shift10(toWad).toInt();
        if (!active) return exposure;
        Float.Number memory w = market.baseIsToken0 ? Float.make(1).div(price) : price;
        amount = amount.mul(w);
        // gamma x price = -L w / 2
        exposure.gammaMoveWad = -amount.div(Float.make(200)).shift10(toWad).toInt();
        int256 perPrice = int256(uint256(market.assetDecimals)) - int256(uint256(market.baseDecimals));
        exposure.gammaWad = -amount.mul(w).mul(w).div(Float.make(2)).shift10(toWad + perPrice).toInt();
    }

    /// Base held for each unit of liquidity: the most below the range, as prices of base, and none above.
    function _width(
        bool baseIsToken0,
        Float.Number memory lower,
        Float.Number memory upper,
        Float.Number memory price
    ) private pure returns (Float.Number memory) {
        if (!baseIsToken0) return (price.lt(upper) ? price : upper).sub(lower);
        Float.Number memory from = price.lt(lower) ? lower : price;
        // 1/from - 1/upper, without taking the difference of two quotients
        return upper.sub(from).div(from).div(upper);
    }

    /// The pool's root price at a price of ours.
    function _rootOf(Market memory market, uint256 priceWad) private pure returns (Float.Number memory root) {
        if (priceWad == 0) revert NoPrice();
        _checkDecimals(market.baseDecimals);
        _checkDecimals(market.assetDecimals);
        int256 digits = int256(uint256(market.assetDecimals)) - int256(uint256(market.baseDecimals)) - 18;
        root = Float.make(priceWad).shift10(digits).sqrt();
        return market.baseIsToken0 ? root : Float.make(1).div(root);
    }

    function _fromX96(uint256 x) private pure returns (Float.Number memory number) {
        number = Float.make(x);
        number.exponent -= 96;
    }

    function _toWad(uint256 amount, uint256 decimals) private pure returns (int256) {
        _checkDecimals(decimals);
        if (decimals > 18) amount /= 10 ** (decimals - 18);
        else amount = FixedPointMathLib.saturatingMul(amount, 10 ** (18 - decimals));
        return int256(FixedPointMathLib.min(amount, uint256(MOST)));
    }

    /// `value x factor / divisor` towards 0, or the nearest that fits.
    function _mulDiv(int256 value, uint256 factor, uint256 divisor) private pure returns (int256) {
        uint256 size = FixedPointMathLib.abs(value);
        (uint256 high,) = Math.mul512(size, factor);
        // from there on the quotient has more than 256 bits
        size = high >= divisor ? type(uint256).max : FixedPointMathLib.fullMulDiv(size, factor, divisor);
        size = FixedPointMathLib.min(size, uint256(MOST));
        return value < 0 ? -int256(size) : int256(size);
    }

    function _checkDecimals(uint256 decimals) private pure {
        if (decimals > MOST_DECIMALS) revert TooManyDecimals(decimals, MOST_DECIMALS);
    }
}

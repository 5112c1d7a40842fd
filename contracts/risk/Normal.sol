// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";

/// @title Normal
/// @notice The inverse of the standard normal distribution function, in fixed point.
/// @dev Source: M. J. Wichura, Algorithm AS 241, The Percentage Points of the Normal Distribution, Applied
/// Statistics 37 (1988), 477-484, doi:10.2307/2347330, routine PPND16 (relative accuracy about 1e-16) with its
/// published coefficients.
/// @dev ACCURACY: absolute error below 1e-14 for every probability that a Wad can state; docs/risk.md has the
/// measured table.
/// @dev ROUNDING: towards the nearest the algorithm gives; callers that need a side add their own margin.
library Normal {
    /// @notice A probability of 0 or less, or 1 or more, has no quantile. Both Wad.
    error NoQuantile(uint256 probabilityWad, uint256 lowestWad, uint256 highestWad);

    int256 private constant E27 = 1e27;
    /// ln 2, Wad
    int256 private constant LN2_WAD = 693147180559945309;
    /// PPND16's regions: |p - 1/2| up to 0.425, then r = sqrt(-ln p) up to 5, then beyond.
    int256 private constant CENTRE = 0.425e27;
    int256 private constant CENTRE_SQUARED = 0.180625e27;
    int256 private constant MIDDLE_SHIFT = 1.6e27;
    int256 private constant FAR = 5e27;

    /// @notice The z below which a standard normal variable stays with probability `pWad`. Odd: of 1 - p it is -z.
    /// @param pWad Probability, Wad, from 1 to 1e18 - 1.
    /// @return zWad Quantile, Wad.
    function quantileWad(uint256 pWad) internal pure returns (int256 zWad) {
        if (pWad == 0 || pWad >= 1e18) revert NoQuantile(pWad, 1, 1e18 - 1);
        return pWad < 0.5e18 ? -_magnitude(pWad * 2) : _magnitude((1e18 - pWad) * 2);
    }

    /// @notice The z that a standard normal variable exceeds in absolute value with probability `epsilonWad`: z(1 -
    /// epsilon/2).
    /// @param epsilonWad Probability, Wad, from 1 to 1e18 - 1. No half of it is rounded away.
    /// @return zWad Quantile, Wad, never negative.
    function twoSidedWad(uint256 epsilonWad) internal pure returns (uint256 zWad) {
        if (epsilonWad == 0 || epsilonWad >= 1e18) revert NoQuantile(epsilonWad, 1, 1e18 - 1);
        return uint256(_magnitude(epsilonWad));
    }

    /// |z(p)| for p = twice / 2e18, `twice` from 1 to 1e18. Every number inside is in 1e27.
    function _magnitude(uint256 twice) private pure returns (int256) {
        int256 q = E27 / 2 - int256(twice) * 5e8;
        int256 r;
        if (q <= CENTRE) {
            r = CENTRE_SQUARED - q * q / E27;
            return q * _poly(
                r,
                2509080928730122672700000000000,
                33430575583588128105000000000000,
                67265770927008700853000000000000,
                45921953931549871457000000000000,
                13731693765509461125000000000000,
                1971590950306551442700000000000,
                133141667891784377450000000000,
                3387132872796366608000000000
            ) / _poly(
                r,
                5226495278852854561000000000000,
                28729085735721942674000000000000,
                39307895800092710610000000000000,
                21213794301586595867000000000000,
                5394196021424751107700000000000,
                687187007492057908300000000000,
                42313330701600911252000000000,
                E27
            ) / 1e9;
        }
        // -ln p = ln 2 - ln(twice / 1e18) is at least 2.59 here
        int256 minusLogWad = LN2_WAD - FixedPointMathLib.lnWad(int256(twice));
        r = int256(FixedPointMathLib.sqrt(uint256(minusLogWad) * 1e36));
        if (r <= FAR) {
            r -= MIDDLE_SHIFT;
            return 1e18 * _poly(
                r,
                774545014278341407640000,
                22723844989269184583300000,
                241780725177450611770000000,
                1270458252452368382580000000,
                3647848324763204605040000000,
                5769497221460691405500000000,
                4630337846156545295900000000,
                1423437110749683577340000000
            ) / _poly(
                r,
                1050750071644416843,
                547593808499534494600000,
                15198666563616457196600000,
                148103976427480074590000000,
                689767334985100004550000000,
                1676384830183803849400000000,
                2053191626637758821870000000,
                E27
            );
        }
        r -= FAR;
        return 1e18 * _poly(
                r,
                201033439929228813265,
                27115555687434875781500,
                1242660947388078438600000,
                26532189526576123093000000,
                296560571828504891230000000,
                1784826539917291335800000000,
                5463784911164114369900000000,
                6657904643501103777200000000
            ) / _poly(
                r,
                2044263103390,
                142151175831644588870,
                18463183175100546818000,
                786869131145613259100000,
                14875361290850614852500000,
                136929880922735805310000000,
                599832206555887937690000000,
                E27
            );
    }

    /// The polynomial with these coefficients, the highest power first.
    function _poly(
        int256 r,
        int256 a7,
        int256 a6,
        int256 a5,
        int256 a4,
        int256 a3,
        int256 a2,
        int256 a1,
        int256 a0
    ) private pure returns (int256 sum) {
        sum = a7 * r / E27 + a6;
        sum = sum * r / E27 + a5;
        sum = sum * r / E27 + a4;
        sum = sum * r / E27 + a3;
        sum = sum * r / E27 + a2;
        sum = sum * r / E27 + a1;
        sum = sum * r / E27 + a0;
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.19;

/// @notice What Morpho Blue passes to an interest-rate model about a market's terms.
struct MarketParams {
    address loanToken;
    address collateralToken;
    address oracle;
    address irm;
    uint256 lltv;
}

/// @notice What Morpho Blue passes to an interest-rate model about a market's state.
struct Market {
    uint128 totalSupplyAssets;
    uint128 totalSupplyShares;
    uint128 totalBorrowAssets;
    uint128 totalBorrowShares;
    uint128 lastUpdate;
    uint128 fee;
}

/// @title AdaptiveCurveIrmStandIn
/// @notice STAND-IN for the local replica, never deployed for real: answers at the address of Morpho's adaptive-curve
/// interest-rate model, with its interface and its published formula, but is not its code.
/// @dev The formula. With utilisation u, target T = 0.9 and steepness C = 4:
/// - error e = (u - T) / (1 - T) above the target, (u - T) / T below, so e runs from -1 to 1;
/// - curve(e) = (1 - 1/C) * e + 1 below the target, (C - 1) * e + 1 above;
/// - the rate at target R moves continuously, R(t) = R(0) * exp(50/year * e * t), within 0.1% and 200% a year;
/// - borrow rate = R * curve(e). Over an interval the mean of R at start, middle (twice) and end is taken.
/// Fractions and rates are WAD; rates are per second.
/// @dev ASSUMPTIONS: called by Morpho once at each accrual, with the state from before it.
/// @dev ROUNDING: every division truncates toward zero; the difference is below 1e-9 of a rate.
contract AdaptiveCurveIrmStandIn {
    /* CONSTANTS */

    int256 private constant WAD = 1e18;
    int256 private constant LN_2_WAD = 693147180559945309;

    int256 public constant CURVE_STEEPNESS = 4e18;
    int256 public constant ADJUSTMENT_SPEED = 50e18 / int256(365 days); // 50 a year
    int256 public constant TARGET_UTILIZATION = 0.9e18; // 90%
    int256 public constant INITIAL_RATE_AT_TARGET = 0.04e18 / int256(365 days); // 4% a year
    int256 public constant MIN_RATE_AT_TARGET = 0.001e18 / int256(365 days); // 0.1% a year
    int256 public constant MAX_RATE_AT_TARGET = 2e18 / int256(365 days); // 200% a year

    /* STORAGE */

    /// @notice The only caller whose accruals move the rate at target.
    address public immutable MORPHO;

    /// @notice Rate at target utilisation by market id, WAD per second; 0 before the first accrual.
    mapping(bytes32 id => int256 rate) public rateAtTarget;

    /* ERRORS AND EVENTS */

    error AdaptiveCurveIrmStandIn__NotMorpho(address caller);

    event BorrowRateUpdate(bytes32 indexed id, uint256 avgBorrowRate, uint256 rateAtTarget);

    constructor(address morpho) {
        MORPHO = morpho;
    }

    /* RATES */

    /// @notice Mean borrow rate since the market's last accrual, WAD per second; changes nothing.
    function borrowRateView(MarketParams calldata params, Market calldata market) external view returns (uint256 rate) {
        (rate,) = _borrowRate(_id(params), market);
    }

    /// @notice As `borrowRateView`, and moves the rate at target to its value of now.
    function borrowRate(MarketParams calldata params, Market calldata market) external returns (uint256 rate) {
        if (msg.sender != MORPHO) revert AdaptiveCurveIrmStandIn__NotMorpho(msg.sender);
        bytes32 id = _id(params);
        int256 endRateAtTarget;
        (rate, endRateAtTarget) = _borrowRate(id, market);
        rateAtTarget[id] = endRateAtTarget;
        // Safe cast: the rate at target lies between two positive constants.
        emit BorrowRateUpdate(id, rate, uint256(endRateAtTarget));
    }

    /* INTERNALS */

    function _id(MarketParams calldata params) private pure returns (bytes32) {
        return keccak256(abi.encode(params));
    }

    function _borrowRate(bytes32 id, Market calldata market)
        private
        view
        returns (uint256 rate, int256 endRateAtTarget)
    {
        int256 error_ = _error(market.totalSupplyAssets, market.totalBorrowAssets);
        int256 start = rateAtTarget[id];
        int256 mean;
        if (start == 0) {
            // First accrual: nothing to adapt from.
            mean = INITIAL_RATE_AT_TARGET;
            endRateAtTarget = INITIAL_RATE_AT_TARGET;
        } else {
            // Safe cast: seconds since a past timestamp.
            int256 elapsed = int256(block.timestamp - market.lastUpdate);
            int256 growth = (ADJUSTMENT_SPEED * error_ / WAD) * elapsed;
            if (growth == 0) {
                mean = start;
                endRateAtTarget = start;
            } else {
                endRateAtTarget = _grown(start, growth);
                int256 middle = _grown(start, growth / 2);
                mean = (start + endRateAtTarget + 2 * middle) / 4;
            }
        }
        // Safe cast: `mean` is positive and the curve is at least 1/C.
        rate = uint256(mean * _curve(error_) / WAD);
    }

    /// @dev Distance from the target utilisation, -1 to 1 in WAD.
    function _error(uint256 supplied, uint256 borrowed) private pure returns (int256) {
        // Safe cast: both are uint128, and Morpho keeps borrowed <= supplied.
        int256 utilization = supplied == 0 ? int256(0) : int256(borrowed * uint256(WAD) / supplied);
        int256 range = utilization > TARGET_UTILIZATION ? WAD - TARGET_UTILIZATION : TARGET_UTILIZATION;
        return (utilization - TARGET_UTILIZATION) * WAD / range;
    }

    /// @dev Multiple of the rate at target for an error, WAD.
    function _curve(int256 error_) private pure returns (int256) {
        int256 slope = error_ < 0 ? WAD - WAD * WAD / CURVE_STEEPNESS : CURVE_STEEPNESS - WAD;
        return slope * error_ / WAD + WAD;
    }

    /// @dev `start` grown by exp(`growth`), held within its bounds.
    function _grown(int256 start, int256 growth) private pure returns (int256) {
        int256 grown = start * _exp(growth) / WAD;
        if (grown < MIN_RATE_AT_TARGET) return MIN_RATE_AT_TARGET;
        return grown > MAX_RATE_AT_TARGET ? MAX_RATE_AT_TARGET : grown;
    }

    /// @dev exp(x) in WAD: x = k * ln 2 + r with |r| <= ln 2 / 2, then 2^k times the series of r to its tenth term.
    /// Beyond +-40 the bounds of the rate decide, so the result is cut there.
    function _exp(int256 x) private pure returns (int256) {
        if (x < -40e18) return 0;
        if (x > 40e18) x = 40e18;
        int256 k = (x + (x < 0 ? -LN_2_WAD : LN_2_WAD) / 2) / LN_2_WAD;
        int256 r = x - k * LN_2_WAD;
        int256 term = WAD;
        int256 sum = WAD;
        for (int256 n = 1; n <= 10; ++n) {
            term = term * r / (n * WAD);
            sum += term;
        }
        // Safe casts: |k| <= 58, and the shift of a positive number keeps it positive.
        return k < 0 ? sum >> uint256(-k) : sum << uint256(k);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20Metadata} from "@openzeppelin/contracts/interfaces/IERC20Metadata.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {IAggregatorV3} from "../../interfaces/chainlink/IAggregatorV3.sol";
import {IOracle} from "../../interfaces/IOracle.sol";
import {IUniswapV3Pool} from "../../interfaces/uniswap/IUniswapV3Pool.sol";

/// @title Oracle
/// @notice The price of a base token in a quote token: two Chainlink feeds, held against a Uniswap v3 time-weighted price.
/// @dev ASSUMPTIONS: both feeds quote the same currency (USD). Nothing here can be changed: a new bound is a new oracle.
/// @dev VERDICT: `Stale` when a feed reverts, answers 0 or less, an unfinished round, or a round older than its bound, when
/// the pool cannot answer for the whole period, or when the chain's sequencer is down or has been up again for no longer than
/// the grace period; `Disputed` when the two prices differ by more than the bound.
/// @dev SEQUENCER: on a chain that has one, Chainlink's uptime feed of it (answer 0: up, `startedAt`: since when). While it is
/// down prices stand still and nobody can act; in the grace period those who could not act come first.
/// @dev ROUNDING: prices down. The pool's spot price is never read.
contract Oracle is IOracle {
    using Math for uint256;

    struct Config {
        IAggregatorV3 baseFeed;
        IAggregatorV3 quoteFeed;
        /// Oldest acceptable round of each feed, seconds.
        uint32 baseMaxAge;
        uint32 quoteMaxAge;
        IUniswapV3Pool pool;
        address base;
        address quote;
        /// Period of the time-weighted price, seconds.
        uint32 twapPeriod;
        /// Largest difference of the two prices, in 1e4 of the Chainlink price.
        uint16 maxDeviationBps;
        /// Uptime feed of the chain's sequencer; the zero address on a chain without one.
        IAggregatorV3 sequencer;
        /// Seconds after the sequencer came back in which prices are not relied on.
        uint32 sequencerGrace;
    }

    error NoContract(address account);
    error WrongPool(address pool);
    error OutOfRange(uint256 value, uint256 lowest, uint256 highest);

    uint256 private constant WAD = 1e18;
    uint256 private constant BPS = 1e4;
    /// ln(1.0001) in 1e36: one tick.
    int256 private constant LN_TICK_E36 = 99995000333308335333166680951131;

    IAggregatorV3 public immutable baseFeed;
    IAggregatorV3 public immutable quoteFeed;
    IUniswapV3Pool public immutable pool;
    uint32 public immutable baseMaxAge;
    uint32 public immutable quoteMaxAge;
    uint32 public immutable twapPeriod;
    uint16 public immutable maxDeviationBps;
    IAggregatorV3 public immutable sequencer;
    uint32 public immutable sequencerGrace;
    uint256 private immutable _baseFeedUnit;
    uint256 private immutable _quoteFeedUnit;
    uint256 private immutable _baseUnit;
    uint256 private immutable _quoteUnit;
    bool private immutable _baseIsToken0;

    constructor(Config memory c) {
        if (c.twapPeriod < 5 minutes || c.twapPeriod > 1 days) revert OutOfRange(c.twapPeriod, 5 minutes, 1 days);
        if (c.maxDeviationBps == 0 || c.maxDeviationBps > 1000) revert OutOfRange(c.maxDeviationBps, 1, 1000);
        if (c.baseMaxAge == 0 || c.quoteMaxAge == 0) revert OutOfRange(0, 1, type(uint32).max);
        // A grace period goes with a sequencer, and only with one.
        bool sequenced = address(c.sequencer) != address(0);
        (uint256 least, uint256 most) = sequenced ? (uint256(1), uint256(1 days)) : (uint256(0), uint256(0));
        if (c.sequencerGrace < least || c.sequencerGrace > most) revert OutOfRange(c.sequencerGrace, least, most);
        if (sequenced && address(c.sequencer).code.length == 0) revert NoContract(address(c.sequencer));
        (address token0, address token1) = (c.pool.token0(), c.pool.token1());
        _baseIsToken0 = c.base == token0;
        if (!(c.base == token0 && c.quote == token1) && !(c.base == token1 && c.quote == token0)) {
            revert WrongPool(address(c.pool));
        }
        (baseFeed, quoteFeed, pool) = (c.baseFeed, c.quoteFeed, c.pool);
        (baseMaxAge, quoteMaxAge, twapPeriod) = (c.baseMaxAge, c.quoteMaxAge, c.twapPeriod);
        maxDeviationBps = c.maxDeviationBps;
        (sequencer, sequencerGrace) = (c.sequencer, c.sequencerGrace);
        _baseFeedUnit = 10 ** c.baseFeed.decimals();
        _quoteFeedUnit = 10 ** c.quoteFeed.decimals();
        _baseUnit = 10 ** IERC20Metadata(c.base).decimals();
        _quoteUnit = 10 ** IERC20Metadata(c.quote).decimals();
    }

    /// @inheritdoc IOracle
    function price() external view returns (uint256 priceWad, Verdict verdict) {
        (priceWad,, verdict) = sources();
    }

    /// @inheritdoc IOracle
    function sources() public view returns (uint256 feedWad, uint256 poolWad, Verdict verdict) {
        (bool baseFresh, uint256 baseAnswer) = _tryAnswer(baseFeed, baseMaxAge);
        (bool quoteFresh, uint256 quoteAnswer) = _tryAnswer(quoteFeed, quoteMaxAge);
        if (baseAnswer > 0 && quoteAnswer > 0) {
            feedWad = baseAnswer.mulDiv(WAD * _quoteFeedUnit, quoteAnswer * _baseFeedUnit);
        }
        (bool known, uint256 poolPrice) = _tryTimeWeighted();
        if (known) poolWad = poolPrice;
        if (!baseFresh || !quoteFresh || feedWad == 0 || poolWad == 0 || !_isSequenced()) {
            return (feedWad, poolWad, Verdict.Stale);
        }
        uint256 gap = poolWad > feedWad ? poolWad - feedWad : feedWad - poolWad;
        verdict = gap > feedWad.mulDiv(maxDeviationBps, BPS) ? Verdict.Disputed : Verdict.Good;
    }

    /// @notice The pool's time-weighted price, quote per whole base (Wad). Reverts when the pool cannot answer.
    function timeWeightedPrice() public view returns (uint256 priceWad) {
        uint32[] memory ago = new uint32[](2);
        ago[0] = twapPeriod;
        (int56[] memory ticks,) = pool.observe(ago);
        int256 tickE18 = (int256(ticks[1]) - int256(ticks[0])) * 1e18 / int256(uint256(twapPeriod));
        // token1 per token0 in smallest units; the other way round is the negative exponent
        if (!_baseIsToken0) tickE18 = -tickE18;
        return uint256(FixedPointMathLib.expWad(tickE18 * LN_TICK_E36 / 1e36 + _scale()));
    }

    /// @notice A feed's answer and whether it may be used. Reverts when the feed does or answers what cannot be read.
    function answer(IAggregatorV3 feed, uint256 maxAge) public view returns (bool fresh, uint256 value) {
        (uint80 roundId, int256 signed,, uint256 updatedAt, uint80 answeredInRound) = feed.latestRoundData();
        if (signed <= 0 || uint256(signed) > type(uint128).max) return (false, 0);
        fresh = updatedAt != 0 && updatedAt <= block.timestamp && block.timestamp - updatedAt <= maxAge
            && answeredInRound >= roundId;
        return (fresh, uint256(signed));
    }

    /// @notice Whether the sequencer has been up for longer than the grace period. Reverts when its feed does or answers what
    /// cannot be read, or when there is none.
    function sequencerIsUp() external view returns (bool) {
        (, int256 status, uint256 since,,) = sequencer.latestRoundData();
        // 0 when the feed has not heard from the chain yet
        return status == 0 && since != 0 && since <= block.timestamp && block.timestamp - since > sequencerGrace;
    }

    function _isSequenced() private view returns (bool) {
        if (address(sequencer) == address(0)) return true;
        try this.sequencerIsUp() returns (bool up) {
            return up;
        } catch {
            return false;
        }
    }

    /// Through a call to itself, so that data that cannot be decoded is caught as a revert is.
    function _tryAnswer(IAggregatorV3 feed, uint256 maxAge) private view returns (bool fresh, uint256 value) {
        try this.answer(feed, maxAge) returns (bool fresh_, uint256 value_) {
            return (fresh_, value_);
        } catch {
            return (false, 0);
        }
    }

    function _tryTimeWeighted() private view returns (bool known, uint256 priceWad) {
        try this.timeWeightedPrice() returns (uint256 priceWad_) {
            return (priceWad_ > 0, priceWad_);
        } catch {
            return (false, 0);
        }
    }

    /// ln(base unit / quote unit) in Wad, so that the exponential is taken of a number of ordinary size.
    function _scale() private view returns (int256) {
        return FixedPointMathLib.lnWad(int256(_baseUnit * WAD / _quoteUnit));
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {IForecastFeed} from "../../interfaces/IForecastFeed.sol";
import {Normal} from "./Normal.sol";
import {Roles} from "./Roles.sol";

/// @title ForecastFeed
/// @notice Takes a steward's forecasts within hard bounds, and answers the lowest health factor that follows from
/// them.
/// @dev PAIRS are named by `pairOf(base, asset)`: keccak256 of the two addresses, so that a strategy can derive the
/// name itself.
/// @dev WIDEST figures count when there is no post, the last is older than `expiry`, or the feed is off: the
/// largest sigma and jump, and the smallest correlation (of the ratio of two prices, variance falls as correlation
/// rises).
/// @dev TIGHTENING (guardian or owner, at once) is what lowers no health factor that is answered now, and lets the
/// steward do less: bounds of sigma and jump up, bounds of rho down, slower and smaller changes, an earlier expiry,
/// off. All else is loosening: owner alone.
/// @dev A STEWARD who is robbed can move each figure by `maxChange` every `delay`, and never out of the hard
/// bounds: the least it can bring about is the health factor of `sigmaMin` and `jumpMin`, which the owner must
/// choose so that it may be lived with; the most is what the feed answers when it is off. Waiting does not extend
/// what one post may change: each is held against the last one, however old; only after the owner has added or
/// switched on a pair is there nothing to hold the first post against but the hard bounds.
/// @dev ROUNDING: health factors up, by a margin above the error of the arithmetic: together below 1e-12 of them.
contract ForecastFeed is IForecastFeed, Roles {
    using FixedPointMathLib for uint256;

    struct Bounds {
        uint64 sigmaMinWad;
        uint64 sigmaMaxWad;
        uint64 jumpMinWad;
        uint64 jumpMaxWad;
        int64 rhoMinWad;
        int64 rhoMaxWad;
        /// Most that a post may change sigma and jump by, as a share of their last values, and rho in itself, Wad.
        uint64 maxChangeWad;
        /// Least seconds between two posts.
        uint32 delay;
        /// Seconds after which a post no longer counts.
        uint32 expiry;
    }

    struct Post {
        uint64 sigmaWad;
        uint64 jumpWad;
        int64 rhoWad;
        /// Time of the post, 0 when there was none.
        uint40 at;
        /// The era it was made in: it counts in that one alone.
        uint24 era;
    }

    struct Pair {
        Bounds bounds;
        Post last;
        /// 0 for a pair that is not known, else 1 more than how often it was switched on.
        uint24 era;
        bool off;
    }

    event PairAdded(bytes32 indexed pair, address indexed base, address indexed asset);
    event BoundsSet(bytes32 indexed pair, Bounds bounds);
    event Posted(bytes32 indexed pair, uint256 sigmaWad, uint256 jumpWad, int256 rhoWad);
    /// @notice `pair` is 0 when all pairs were switched.
    event Switched(bytes32 indexed pair, bool off);

    error UnknownPair(bytes32 pair);
    error KnownPair(bytes32 pair);
    error SwitchedOff(bytes32 pair);
    error TooSoon(uint256 at, uint256 earliest);
    /// @notice A figure is not in its bounds, or further from the last one than a post may go.
    error OutOfBounds(bytes32 figure, int256 got, int256 lowest, int256 highest);
    /// @notice The guardian may only tighten.
    error Loosens(bytes32 bound);

    /// @notice No bound of sigma or jump can be above: 10 is 1,000 % a year, and a price that falls to a tenth at
    /// once.
    uint256 public constant MOST_WAD = 10e18;
    uint256 public constant LONGEST_EXPIRY = 30 days;
    /// @notice Longest reaction time that can be asked for.
    uint256 public constant LONGEST_REACTION = 365 days;

    uint256 private constant WAD = 1e18;
    /// Above the error of z, Wad.
    uint256 private constant Z_MARGIN_WAD = 1e4;

    /// @notice Posts forecasts. The zero address: nobody does.
    address public steward;
    /// @notice True while no pair's posts count.
    bool public allOff;
    /// How often the feed as a whole was switched on.
    uint24 private _era;
    mapping(bytes32 => Pair) private _pairs;

    constructor(address owner_, address guardian_, address steward_) Roles(owner_, guardian_) {
        steward = steward_;
        emit RoleSet("steward", steward_);
    }

    /* VIEWS */

    /// @notice Name of the pair of a base token and the asset it is priced in.
    function pairOf(address base, address asset) external pure returns (bytes32) {
        return _pairOf(base, asset);
    }

    /// @notice Bounds of a pair, its last post (counting or not), and whether it is switched off (alone or with all).
    function pairInfo(bytes32 pair) external view returns (Bounds memory bounds, Post memory last, bool off) {
        Pair storage p = _known(pair);
        return (p.bounds, p.last, p.off || allOff);
    }

    /// @inheritdoc IForecastFeed
    function forecast(bytes32 pair) external view returns (Forecast memory) {
        return _forecast(_known(pair));
    }

    /// @inheritdoc IForecastFeed
    function lowestHealthFactorWad(bytes32 pair, uint256 reactionTime, uint256 epsilonWad)
        external
        view
        returns (uint256)
    {
        if (reactionTime > LONGEST_REACTION) {
            revert OutOfBounds("reactionTime", _signed(reactionTime), 0, int256(LONGEST_REACTION));
        }
        if (epsilonWad == 0 || epsilonWad >= WAD) {
            revert OutOfBounds("epsilon", _signed(epsilonWad), 1, int256(WAD - 1));
        }
        Forecast memory f = _forecast(_known(pair));
        // sqrt(tau) in years, 1e27
        uint256 root = (reactionTime * 1e54).divUp(365 days).sqrt() + 1;
        if (reactionTime == 0) root = 0;
        uint256 z = Normal.twoSidedWad(epsilonWad) + Z_MARGIN_WAD;
        // at most 10 x 9 x 1 = 90, and e^90 x 10 is far from overflow
        uint256 exponent = (f.sigmaWad * z).fullMulDivUp(root, 1e45);
        uint256 factor = uint256(FixedPointMathLib.expWad(int256(exponent)));
        // the exponential may be short by its last digit
        if (exponent > 0) factor += factor / 1e15 + 1;
        return factor.fullMulDivUp(f.jumpWad, WAD);
    }

    /* STEWARD */

    /// @notice Posts a forecast. Steward only, not more often than the pair's delay, within bounds and largest
    /// change.
    function post(bytes32 pair, uint256 sigmaWad, uint256 jumpWad, int256 rhoWad) external {
        if (msg.sender != steward) revert Unauthorized(msg.sender);
        Pair storage p = _known(pair);
        if (p.off || allOff) revert SwitchedOff(pair);
        Bounds memory b = p.bounds;
        Post memory last = p.last;
        if (last.at != 0 && block.timestamp < uint256(last.at) + b.delay) {
            revert TooSoon(block.timestamp, uint256(last.at) + b.delay);
        }
        uint256 most = _counts(p) ? b.maxChangeWad : type(uint128).max;
        _checkFigure("sigma", _signed(sigmaWad), last.sigmaWad, b.sigmaMinWad, b.sigmaMaxWad, most);
        _checkFigure("jump", _signed(jumpWad), last.jumpWad, b.jumpMinWad, b.jumpMaxWad, most);
        _checkChange("rho", rhoWad, last.rhoWad, b.rhoMinWad, b.rhoMaxWad, int256(most));
        // the checks keep all three within 10e18
        p.last = Post(uint64(sigmaWad), uint64(jumpWad), int64(rhoWad), uint40(block.timestamp), p.era + _era);
        emit Posted(pair, sigmaWad, jumpWad, rhoWad);
    }

    /* GUARDIAN OR OWNER */

    /// @notice Makes the widest figures of a pair count, until the owner switches it on and a new post comes.
    function switchOff(bytes32 pair) external onlyTightener {
        _known(pair).off = true;
        emit Switched(pair, true);
    }

    /// @notice The same for all pairs, those added later too.
    function switchAllOff() external onlyTightener {
        allOff = true;
        emit Switched(0, true);
    }

    /// @notice Changes the bounds of a pair. Guardian or owner when it only tightens, else owner.
    function setBounds(bytes32 pair, Bounds calldata bounds) external onlyTightener {
        Pair storage p = _known(pair);
        if (msg.sender != owner) _checkTightens(p.bounds, bounds);
        _setBounds(pair, p, bounds);
    }

    /* OWNER */

    /// @notice Adds a pair. Owner only.
    function addPair(address base, address asset, Bounds calldata bounds) external onlyOwner returns (bytes32 pair) {
        if (base == address(0) || asset == address(0)) revert ZeroAddress();
        pair = _pairOf(base, asset);
        Pair storage p = _pairs[pair];
        if (p.era != 0) revert KnownPair(pair);
        p.era = 1;
        emit PairAdded(pair, base, asset);
        _setBounds(pair, p, bounds);
    }

    /// @notice Lets posts of a pair count again, from the next one. Owner only.
    function switchOn(bytes32 pair) external onlyOwner {
        Pair storage p = _known(pair);
        (p.off, p.era) = (false, p.era + 1);
        emit Switched(pair, false);
    }

    /// @notice Lets posts count again, from the next ones; pairs that were switched off alone stay so. Owner only.
    function switchAllOn() external onlyOwner {
        (allOff, _era) = (false, _era + 1);
        emit Switched(0, false);
    }

    /// @notice Owner only.
    function setSteward(address account) external onlyOwner {
        steward = account;
        emit RoleSet("steward", account);
    }

    /* INTERNAL */

    function _pairOf(address base, address asset) private pure returns (bytes32) {
        return keccak256(abi.encode(base, asset));
    }

    function _known(bytes32 pair) private view returns (Pair storage p) {
        p = _pairs[pair];
        if (p.era == 0) revert UnknownPair(pair);
    }

    /// Whether there is a post made since the pair, and the feed, were switched on.
    function _counts(Pair storage p) private view returns (bool) {
        return p.last.era == p.era + _era;
    }

    function _forecast(Pair storage p) private view returns (Forecast memory) {
        Bounds memory b = p.bounds;
        Post memory last = p.last;
        if (p.off || allOff || !_counts(p) || block.timestamp > uint256(last.at) + b.expiry) {
            return Forecast(b.sigmaMaxWad, b.jumpMaxWad, b.rhoMinWad, false);
        }
        // a bound that was moved since the post counts at once
        return Forecast(
            uint256(last.sigmaWad).clamp(b.sigmaMinWad, b.sigmaMaxWad),
            uint256(last.jumpWad).clamp(b.jumpMinWad, b.jumpMaxWad),
            FixedPointMathLib.clamp(int256(last.rhoWad), b.rhoMinWad, b.rhoMaxWad),
            true
        );
    }

    /// A figure may change by a share of what it was.
    function _checkFigure(bytes32 name, int256 got, uint256 last, uint256 lowest, uint256 highest, uint256 mostWad)
        private
        pure
    {
        last = last.clamp(lowest, highest);
        _checkChange(name, got, int256(last), int256(lowest), int256(highest), int256(last * mostWad / WAD));
    }

    /// The last value is brought into the bounds first, should these have moved.
    function _checkChange(bytes32 name, int256 got, int256 last, int256 lowest, int256 highest, int256 most)
        private
        pure
    {
        last = FixedPointMathLib.clamp(last, lowest, highest);
        lowest = FixedPointMathLib.max(lowest, last - most);
        highest = FixedPointMathLib.min(highest, last + most);
        if (got < lowest || got > highest) revert OutOfBounds(name, got, lowest, highest);
    }

    function _setBounds(bytes32 pair, Pair storage p, Bounds calldata b) private {
        _checkBound("sigmaMin", b.sigmaMinWad, 1, b.sigmaMaxWad);
        _checkBound("sigmaMax", b.sigmaMaxWad, b.sigmaMinWad, MOST_WAD);
        _checkBound("jumpMin", b.jumpMinWad, WAD, b.jumpMaxWad);
        _checkBound("jumpMax", b.jumpMaxWad, b.jumpMinWad, MOST_WAD);
        if (b.rhoMinWad < -1e18 || b.rhoMinWad > b.rhoMaxWad) {
            revert OutOfBounds("rhoMin", b.rhoMinWad, -1e18, b.rhoMaxWad);
        }
        if (b.rhoMaxWad > 1e18) revert OutOfBounds("rhoMax", b.rhoMaxWad, b.rhoMinWad, 1e18);
        _checkBound("maxChange", b.maxChangeWad, 1, WAD);
        _checkBound("expiry", b.expiry, 1, LONGEST_EXPIRY);
        // else a pair could never be kept fresh
        _checkBound("delay", b.delay, 1, b.expiry);
        p.bounds = b;
        emit BoundsSet(pair, b);
    }

    function _checkBound(bytes32 name, uint256 got, uint256 lowest, uint256 highest) private pure {
        if (got < lowest || got > highest) revert OutOfBounds(name, int256(got), int256(lowest), int256(highest));
    }

    function _checkTightens(Bounds memory from, Bounds calldata to) private pure {
        if (to.sigmaMinWad < from.sigmaMinWad) revert Loosens("sigmaMin");
        if (to.sigmaMaxWad < from.sigmaMaxWad) revert Loosens("sigmaMax");
        if (to.jumpMinWad < from.jumpMinWad) revert Loosens("jumpMin");
        if (to.jumpMaxWad < from.jumpMaxWad) revert Loosens("jumpMax");
        if (to.rhoMinWad > from.rhoMinWad) revert Loosens("rhoMin");
        if (to.rhoMaxWad > from.rhoMaxWad) revert Loosens("rhoMax");
        if (to.maxChangeWad > from.maxChangeWad) revert Loosens("maxChange");
        if (to.delay < from.delay) revert Loosens("delay");
        if (to.expiry > from.expiry) revert Loosens("expiry");
    }

    /// For an error: what does not fit is shown as the largest that does.
    function _signed(uint256 value) private pure returns (int256) {
        return int256(FixedPointMathLib.min(value, uint256(type(int256).max)));
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/interfaces/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {TickMath} from "@uniswap/v4-core/libraries/TickMath.sol";
import {ILiquidityVenue} from "../../interfaces/ILiquidityVenue.sol";
import {IOracle} from "../../interfaces/IOracle.sol";
import {IPooled} from "../../interfaces/IPooled.sol";
import {IVenue} from "../../interfaces/IVenue.sol";
import {IUniswapV3MintCallback, IUniswapV3Pool} from "../../interfaces/uniswap/IUniswapV3Pool.sol";
import {Greeks} from "../risk/Greeks.sol";
import {UniswapV3Fit} from "./UniswapV3Fit.sol";
import {UniswapV3Prices} from "./UniswapV3Prices.sol";
import {UniswapV3Walk} from "./UniswapV3Walk.sol";

/// @title UniswapV3Liquidity
/// @notice One range of one Uniswap v3 pool for one owner, without an NFT: the position is the contract's own.
/// @dev ASSUMPTIONS: the pool is the real factory's, of two ordinary tokens of at most 18 decimals; nothing of it can change.
/// @dev RANGE: prices become the nearest of the pool's usable ticks, in the sense of ratios; what `rangeWad` answers leads to
/// the same ticks again. A price of which a Wad tells fewer than six digits cannot be told from its neighbours.
/// @dev GIFTS: liquidity is what was added through here; what others mint for this position is not counted and not taken, nor
/// are tokens sent here. Fees are what the pool owes the position, and that anyone may raise: by paying fees.
/// @dev VALUE is at the oracle's price, whatever its verdict: who needs a good one asks it. Reverts when there is none.
/// @dev EXTERNAL CALLS to the pool, the oracle, the tokens: reverts pass on. The pool calls back only who asked it to mint.
/// @dev ROUNDING: down what is held or paid; the pool rounds up what it takes.
contract UniswapV3Liquidity is ILiquidityVenue, IUniswapV3MintCallback {
    using Math for uint256;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;
    using UniswapV3Fit for UniswapV3Walk.Walk;
    using UniswapV3Prices for UniswapV3Prices.Scale;
    using UniswapV3Walk for UniswapV3Walk.Walk;

    error ZeroAddress();
    error WrongPool(address pool, address asset);
    error NotPool(address caller);
    error NoPrice();
    error EmptyRange(uint256 lowerWad, uint256 upperWad);
    /// @notice The position has liquidity, in another range.
    error OtherRange(int24 lowerTick, int24 upperTick);
    /// @notice Fees of the former range have not been collected.
    error FeesLeft(uint256 amount0, uint256 amount1);
    error PartTooLarge(uint256 part, uint256 whole);

    uint256 private constant WAD = 1e18;
    /// From the middle between two ticks to the upper of them, as a factor of the root: 1.0001^(1/4).
    uint256 private constant HALF_TICK_UP_E18 = 1_000024999062554683;

    /// @inheritdoc IVenue
    address public immutable owner;
    address public immutable asset;
    address public immutable base;
    IOracle public immutable oracle;
    IUniswapV3Pool private immutable _pool;
    address private immutable _token0;
    address private immutable _token1;
    int24 private immutable _spacing;
    uint8 private immutable _assetDecimals;
    uint8 private immutable _baseDecimals;
    bool private immutable _baseIsToken0;

    /// @notice The range's ticks, as the pool has them: also those of the last range, when there is no liquidity.
    int24 public lowerTick;
    int24 public upperTick;
    /// @inheritdoc ILiquidityVenue
    uint128 public liquidity;

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        _;
    }

    constructor(address owner_, address asset_, IUniswapV3Pool pool_, IOracle oracle_) {
        if (owner_ == address(0) || address(oracle_) == address(0)) revert ZeroAddress();
        (_token0, _token1) = (pool_.token0(), pool_.token1());
        if (asset_ != _token0 && asset_ != _token1) revert WrongPool(address(pool_), asset_);
        (owner, asset, oracle, _pool) = (owner_, asset_, oracle_, pool_);
        base = asset_ == _token0 ? _token1 : _token0;
        _baseIsToken0 = asset_ == _token1;
        _spacing = pool_.tickSpacing();
        _assetDecimals = IERC20Metadata(asset_).decimals();
        _baseDecimals = IERC20Metadata(asset_ == _token0 ? _token1 : _token0).decimals();
    }

    /* VIEWS: WORTH */

    /// @inheritdoc IVenue
    function value() external view returns (uint256) {
        uint256 priceWad = _oraclePrice();
        (uint256 assets, uint256 bases) = holdingsAt(priceWad);
        (uint256 feeAssets, uint256 feeBases) = fees();
        return assets + feeAssets + (bases + feeBases).mulDiv(priceWad * _unit(_assetDecimals), WAD * _unit(_baseDecimals));
    }

    /// @inheritdoc IVenue
    function delta() external view returns (int256 deltaWad) {
        (deltaWad,) = exposureAt(_oraclePrice());
    }

    /// @inheritdoc IVenue
    function gamma() external view returns (int256 gammaWad) {
        (, gammaWad) = exposureAt(_oraclePrice());
    }

    /// @inheritdoc ILiquidityVenue
    function exposureAt(uint256 priceWad) public view returns (int256 deltaWad, int256 gammaWad) {
        (, uint256 feeBases) = fees();
        deltaWad = Greeks.spot(feeBases, _baseDecimals).deltaWad;
        if (liquidity == 0) return (deltaWad, 0);
        Greeks.Exposure memory range = Greeks.rangeAtRoot(
            Greeks.Market(_baseIsToken0, _baseDecimals, _assetDecimals),
            liquidity,
            TickMath.getSqrtPriceAtTick(lowerTick),
            TickMath.getSqrtPriceAtTick(upperTick),
            _scale().toSqrt(priceWad, false)
        );
        return (deltaWad + range.deltaWad, range.gammaWad);
    }

    /// @inheritdoc ILiquidityVenue
    function holdingsAt(uint256 priceWad) public view returns (uint256 assets, uint256 bases) {
        return _holdings(_scale().toSqrt(priceWad, false), liquidity);
    }

    /// @inheritdoc ILiquidityVenue
    function holdingsIn(uint256 lowerWad, uint256 upperWad, uint128 units, uint256 priceWad)
        external
        view
        returns (uint256 assets, uint256 bases)
    {
        (int24 lower, int24 upper) = _ticks(lowerWad, upperWad);
        return _holdingsOf(lower, upper, _scale().toSqrt(priceWad, false), units);
    }

    /// @inheritdoc ILiquidityVenue
    function holdings() external view returns (uint256 assets, uint256 bases) {
        return _holdings(_spot(), liquidity);
    }

    /// @inheritdoc ILiquidityVenue
    function removable(uint256 part, uint256 whole) external view returns (uint256 assets, uint256 bases) {
        return _holdings(_spot(), _part(part, whole));
    }

    /// @inheritdoc ILiquidityVenue
    function fees() public view returns (uint256 assets, uint256 bases) {
        (int24 lower, int24 upper) = (lowerTick, upperTick);
        (uint128 counted, uint256 last0, uint256 last1, uint128 owed0, uint128 owed1) = _pool.positions(_key(lower, upper));
        if (counted == 0) return _sort(owed0, owed1);
        (, int24 tick,,,,,) = _pool.slot0();
        (uint256 below0, uint256 below1) = _growthOutside(lower, tick >= lower);
        (uint256 above0, uint256 above1) = _growthOutside(upper, tick < upper);
        unchecked {
            // Growth counts on past the end of its word, as in the pool: differences stay right.
            uint256 growth0 = _pool.feeGrowthGlobal0X128() - below0 - above0 - last0;
            uint256 growth1 = _pool.feeGrowthGlobal1X128() - below1 - above1 - last1;
            // So do the sums, which the pool keeps in 128 bits.
            return _sort(
                owed0 + uint128(growth0.mulDiv(counted, 2 ** 128)), owed1 + uint128(growth1.mulDiv(counted, 2 ** 128))
            );
        }
    }

    /* VIEWS: MARKET */

    /// @inheritdoc IPooled
    function pool() external view returns (address) {
        return address(_pool);
    }

    /// @inheritdoc ILiquidityVenue
    function spotWad() external view returns (uint256) {
        return _scale().toWad(_spot());
    }

    /// @inheritdoc ILiquidityVenue
    function stepWad() external view returns (uint256) {
        return UniswapV3Prices.gapWad(TickMath.getSqrtPriceAtTick(_spacing), TickMath.getSqrtPriceAtTick(0));
    }

    /// @inheritdoc ILiquidityVenue
    function rangeWad() external view returns (uint256 lowerWad, uint256 upperWad) {
        if (liquidity == 0) return (0, 0);
        (uint160 low, uint160 high) = (TickMath.getSqrtPriceAtTick(lowerTick), TickMath.getSqrtPriceAtTick(upperTick));
        if (!_baseIsToken0) (low, high) = (high, low);
        return (_scale().toWad(low), _scale().toWad(high));
    }

    /// @inheritdoc ILiquidityVenue
    function fit(uint256 lowerWad, uint256 upperWad, uint256 assets, uint256 bases)
        external
        view
        returns (bool sellsBase, uint256 amountIn)
    {
        (int24 lower, int24 upper) = _ticks(lowerWad, upperWad);
        UniswapV3Fit.Want memory want = UniswapV3Fit.Want(
            TickMath.getSqrtPriceAtTick(lower),
            TickMath.getSqrtPriceAtTick(upper),
            (_baseIsToken0 ? bases : assets).toUint128(),
            (_baseIsToken0 ? assets : bases).toUint128()
        );
        int256 surplus = UniswapV3Fit.surplus(want, _spot());
        if (surplus == 0) return (false, 0);
        bool zeroForOne = surplus > 0;
        (UniswapV3Walk.Walk memory walk, bool open) = UniswapV3Walk.start(_pool, zeroForOne);
        return (zeroForOne == _baseIsToken0, open ? walk.solve(want) : 0);
    }

    /// @inheritdoc ILiquidityVenue
    function quoteAfterRemove(uint256 part, uint256 whole, bool sellsBase, uint256 amountIn)
        external
        view
        returns (uint256)
    {
        if (amountIn > type(uint128).max) return 0;
        bool zeroForOne = sellsBase == _baseIsToken0;
        (UniswapV3Walk.Walk memory walk, bool open) = UniswapV3Walk.start(_pool, zeroForOne);
        if (!open) return 0;
        uint128 less = _part(part, whole);
        if (less > 0) walk.without(lowerTick, upperTick, less);
        return walk.swap(amountIn, zeroForOne ? UniswapV3Prices.LOWEST_SQRT : UniswapV3Prices.HIGHEST_SQRT);
    }

    /* OWNER */

    /// @inheritdoc ILiquidityVenue
    function add(uint256 lowerWad, uint256 upperWad, uint256 assets, uint256 bases)
        external
        onlyOwner
        returns (uint256 assetsUsed, uint256 basesUsed)
    {
        (int24 lower, int24 upper) = _ticks(lowerWad, upperWad);
        uint128 more = _liquidityFor(lower, upper, assets, bases);
        if (more == 0) return (0, 0);
        if (lower != lowerTick || upper != upperTick) {
            if (liquidity > 0) revert OtherRange(lowerTick, upperTick);
            // What is booked, that is: what a gift of liquidity earns since then is no reason to stay.
            (,,, uint128 owed0, uint128 owed1) = _pool.positions(_key(lowerTick, upperTick));
            if (owed0 > 0 || owed1 > 0) revert FeesLeft(owed0, owed1);
            (lowerTick, upperTick) = (lower, upper);
        }
        liquidity += more;
        (uint256 used0, uint256 used1) = _pool.mint(address(this), lower, upper, more, "");
        return _sort(used0, used1);
    }

    /// @dev The pool calls whoever asked it to mint: that is `add` alone, and what it takes is the owner's.
    function uniswapV3MintCallback(uint256 amount0Owed, uint256 amount1Owed, bytes calldata) external {
        if (msg.sender != address(_pool)) revert NotPool(msg.sender);
        if (amount0Owed > 0) IERC20(_token0).safeTransferFrom(owner, msg.sender, amount0Owed);
        if (amount1Owed > 0) IERC20(_token1).safeTransferFrom(owner, msg.sender, amount1Owed);
    }

    /// @inheritdoc ILiquidityVenue
    function remove(uint256 part, uint256 whole) external onlyOwner returns (uint256 assets, uint256 bases) {
        uint128 less = _part(part, whole);
        if (less == 0) return (0, 0);
        liquidity -= less;
        (uint256 amount0, uint256 amount1) = _pool.burn(lowerTick, upperTick, less);
        // The amounts of 128 bits of liquidity fit into as many.
        return _collect(uint128(amount0), uint128(amount1));
    }

    /// @inheritdoc ILiquidityVenue
    function collect() external onlyOwner returns (uint256 assets, uint256 bases) {
        (uint128 counted,,,,) = _pool.positions(_key(lowerTick, upperTick));
        // The pool books fees when the position is touched, and refuses to touch one without liquidity.
        if (counted > 0) _pool.burn(lowerTick, upperTick, 0);
        return _collect(type(uint128).max, type(uint128).max);
    }

    /* INTERNAL */

    function _collect(uint128 amount0, uint128 amount1) private returns (uint256 assets, uint256 bases) {
        (uint128 paid0, uint128 paid1) = _pool.collect(owner, lowerTick, upperTick, amount0, amount1);
        return _sort(paid0, paid1);
    }

    function _oraclePrice() private view returns (uint256 priceWad) {
        (priceWad,) = oracle.price();
        if (priceWad == 0) revert NoPrice();
    }

    function _spot() private view returns (uint160 sqrtP) {
        (sqrtP,,,,,,) = _pool.slot0();
    }

    function _holdings(uint160 sqrtP, uint128 amount) private view returns (uint256 assets, uint256 bases) {
        return amount == 0 ? (0, 0) : _holdingsOf(lowerTick, upperTick, sqrtP, amount);
    }

    function _holdingsOf(int24 lower, int24 upper, uint160 sqrtP, uint128 amount)
        private
        view
        returns (uint256 assets, uint256 bases)
    {
        (uint160 low, uint160 high) = (TickMath.getSqrtPriceAtTick(lower), TickMath.getSqrtPriceAtTick(upper));
        uint160 at = sqrtP < low ? low : sqrtP > high ? high : sqrtP;
        return _sort(
            UniswapV3Walk.between(at, high, amount, true, false), UniswapV3Walk.between(low, at, amount, false, false)
        );
    }

    /// Growth on the other side of a tick than the range's: what the pool keeps for it, or all but that.
    function _growthOutside(int24 tick, bool kept) private view returns (uint256 growth0, uint256 growth1) {
        (,, growth0, growth1,,,,) = _pool.ticks(tick);
        if (kept) return (growth0, growth1);
        unchecked {
            return (_pool.feeGrowthGlobal0X128() - growth0, _pool.feeGrowthGlobal1X128() - growth1);
        }
    }

    function _part(uint256 part, uint256 whole) private view returns (uint128) {
        if (part > whole) revert PartTooLarge(part, whole);
        // At most the liquidity.
        return part == whole ? liquidity : uint128(uint256(liquidity).mulDiv(part, whole));
    }

    /// Most liquidity that the amounts make at the present price, rounded down.
    function _liquidityFor(int24 lower, int24 upper, uint256 assets, uint256 bases) private view returns (uint128) {
        (uint256 amount0, uint256 amount1) = _baseIsToken0 ? (bases, assets) : (assets, bases);
        (uint160 low, uint160 high) = (TickMath.getSqrtPriceAtTick(lower), TickMath.getSqrtPriceAtTick(upper));
        uint160 sqrtP = _spot();
        uint256 most = type(uint256).max;
        if (sqrtP < high) most = UniswapV3Fit.liquidity0(sqrtP > low ? sqrtP : low, high, amount0);
        if (sqrtP > low) most = Math.min(most, UniswapV3Fit.liquidity1(low, sqrtP < high ? sqrtP : high, amount1));
        return most.toUint128();
    }

    /// The nearest usable ticks; the lower of the pool's first.
    function _ticks(uint256 lowerWad, uint256 upperWad) private view returns (int24 lower, int24 upper) {
        (lower, upper) = (_tick(lowerWad), _tick(upperWad));
        if (!_baseIsToken0) (lower, upper) = (upper, lower);
        if (lower >= upper) revert EmptyRange(lowerWad, upperWad);
    }

    function _tick(uint256 priceWad) private view returns (int24) {
        uint256 root = _scale().toSqrt(priceWad, false);
        // Half a tick on, the tick below is the nearest.
        root = Math.min(root.mulDiv(HALF_TICK_UP_E18, WAD), UniswapV3Prices.HIGHEST_SQRT);
        int24 tick = TickMath.getTickAtSqrtPrice(uint160(root)) + _spacing / 2;
        int24 usable = tick / _spacing;
        if (tick < 0 && tick % _spacing != 0) usable--;
        usable *= _spacing;
        (int24 lowest, int24 highest) = (TickMath.minUsableTick(_spacing), TickMath.maxUsableTick(_spacing));
        return usable < lowest ? lowest : usable > highest ? highest : usable;
    }

    function _key(int24 lower, int24 upper) private view returns (bytes32) {
        return keccak256(abi.encodePacked(address(this), lower, upper));
    }

    /// Amounts of token0 and token1 as assets and bases.
    function _sort(uint256 amount0, uint256 amount1) private view returns (uint256 assets, uint256 bases) {
        return _baseIsToken0 ? (amount1, amount0) : (amount0, amount1);
    }

    function _scale() private view returns (UniswapV3Prices.Scale memory) {
        return UniswapV3Prices.Scale(_unit(_assetDecimals), _unit(_baseDecimals), _baseIsToken0);
    }

    function _unit(uint8 decimals) private pure returns (uint256) {
        return 10 ** decimals;
    }
}

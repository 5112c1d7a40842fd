// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/interfaces/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IExchange, IExchangeCaller} from "../../interfaces/IExchange.sol";
import {IPooled} from "../../interfaces/IPooled.sol";
import {IUniswapV3Pool, IUniswapV3SwapCallback} from "../../interfaces/uniswap/IUniswapV3Pool.sol";
import {UniswapV3Prices} from "./UniswapV3Prices.sol";
import {UniswapV3Sandwich} from "./UniswapV3Sandwich.sol";
import {UniswapV3Walk} from "./UniswapV3Walk.sol";

/// @title UniswapV3Exchange
/// @notice Trades through one Uniswap v3 pool, and says how much can be traded around which no sandwich pays.
/// @dev ASSUMPTIONS: the pool is the real factory's, of two ordinary tokens of at most 18 decimals; nothing of it can change.
/// @dev HOLDS NOTHING: the pool pays the caller, the caller pays the pool; no token and no approval ever rests here.
/// @dev REENTRY: a caller may do what it likes in `onTrade` except trade here again; the pool is locked then, so `quote`,
/// `depth` and `safeDepth` answer 0.
/// @dev SANDWICHES: UniswapV3Sandwich has the derivation of what is safe, and its limits.
/// @dev ROUNDING: amounts that may be traded down.
contract UniswapV3Exchange is IExchange, IPooled, IUniswapV3SwapCallback, ReentrancyGuardTransient {
    using Math for uint256;
    using SafeERC20 for IERC20;
    using UniswapV3Prices for UniswapV3Prices.Scale;
    using UniswapV3Walk for UniswapV3Walk.Path;
    using UniswapV3Walk for UniswapV3Walk.Walk;

    error WrongPool(address pool, address asset);
    error NotPool(address caller);
    error ZeroAmount();
    /// @notice The pool took only part of the input.
    error NotFilled(uint256 amountIn, uint256 taken);

    uint256 private constant WAD = 1e18;
    /// A pool's fee is in millionths.
    uint256 private constant MILLION = 1e6;
    /// One part in this many of a price is more than its roundings.
    uint256 private constant PRECISION = 1e12;

    IUniswapV3Pool private immutable _pool;
    address public immutable asset;
    address public immutable base;
    uint256 private immutable _fee;
    uint256 private immutable _assetUnit;
    uint256 private immutable _baseUnit;
    bool private immutable _baseIsToken0;

    constructor(IUniswapV3Pool pool_, address asset_) {
        (address token0, address token1) = (pool_.token0(), pool_.token1());
        if (asset_ != token0 && asset_ != token1) revert WrongPool(address(pool_), asset_);
        (_pool, asset, base) = (pool_, asset_, asset_ == token0 ? token1 : token0);
        _fee = pool_.fee();
        _baseIsToken0 = asset_ == token1;
        _assetUnit = 10 ** IERC20Metadata(token0 == asset_ ? token0 : token1).decimals();
        _baseUnit = 10 ** IERC20Metadata(token0 == asset_ ? token1 : token0).decimals();
    }

    /* VIEWS */

    /// @inheritdoc IPooled
    function pool() external view returns (address) {
        return address(_pool);
    }

    /// @inheritdoc IExchange
    function feeWad() external view returns (uint256) {
        return _fee * (WAD / MILLION);
    }

    /// @inheritdoc IExchange
    function bestWad(bool sellsBase) external view returns (uint256 priceWad) {
        (uint160 sqrtP,,,,,,) = _pool.slot0();
        priceWad = _scale().toWad(sqrtP);
        // The roundings of that are smaller by far.
        uint256 slack = priceWad / PRECISION + 1;
        return sellsBase
            ? (priceWad + slack).mulDiv(MILLION - _fee, MILLION, Math.Rounding.Ceil)
            : priceWad.saturatingSub(slack).mulDiv(MILLION, MILLION - _fee);
    }

    /// @inheritdoc IExchange
    function quote(bool sellsBase, uint256 amountIn) external view returns (uint256 amountOut) {
        // More than this no pool holds; and its amounts are signed.
        if (amountIn > type(uint128).max) return 0;
        bool zeroForOne = sellsBase == _baseIsToken0;
        (UniswapV3Walk.Walk memory walk, bool open) = UniswapV3Walk.start(_pool, zeroForOne);
        return open ? walk.swap(amountIn, _end(zeroForOne)) : 0;
    }

    /// @inheritdoc IExchange
    function depth(bool sellsBase, uint256 limitWad) external view returns (uint256 amountIn) {
        bool zeroForOne = sellsBase == _baseIsToken0;
        (UniswapV3Walk.Walk memory walk, bool open) = UniswapV3Walk.start(_pool, zeroForOne);
        if (!open) return 0;
        UniswapV3Walk.Path memory ahead = walk.path(_limit(sellsBase, limitWad), zeroForOne, true);
        for (uint256 j = 1; j <= ahead.length; j++) {
            uint256 net = ahead.amount[j] - ahead.amount[j - 1];
            // Each piece pays its own fee, rounded up by itself.
            amountIn += net + net.mulDiv(_fee, MILLION - _fee, Math.Rounding.Ceil);
        }
    }

    /// @inheritdoc IExchange
    function safeDepth(bool sellsBase, uint256 limitWad, uint256 reachWad) external view returns (uint256 amountIn) {
        bool zeroForOne = sellsBase == _baseIsToken0;
        (UniswapV3Walk.Walk memory walk, bool open) = UniswapV3Walk.start(_pool, zeroForOne);
        if (!open) return 0;
        // No push beyond the reach, rounded outwards; no move by more than the fee, rounded inwards.
        uint160 start = walk.sqrtP;
        uint160 end = UniswapV3Prices.away(start, _fee * (WAD / MILLION), !zeroForOne, false);
        uint160 limit = _limit(sellsBase, limitWad);
        if (zeroForOne == (limit > end)) end = limit;
        UniswapV3Walk.Path memory ahead = walk.path(end, zeroForOne, true);
        if (ahead.length == 0) return 0;
        (walk,) = UniswapV3Walk.start(_pool, !zeroForOne);
        uint160 reach = UniswapV3Prices.away(start, reachWad, zeroForOne, true);
        UniswapV3Walk.Path memory behind = walk.path(reach, zeroForOne, false);
        behind.extend(reach);
        uint256 net = UniswapV3Sandwich.safeNet(ahead, behind, _fee, zeroForOne);
        return net.mulDiv(MILLION, MILLION - _fee);
    }

    /* ANYONE */

    /// @inheritdoc IExchange
    function trade(bool sellsBase, uint256 amountIn, uint256 minOut, bytes calldata data)
        external
        nonReentrant
        returns (uint256 amountOut)
    {
        if (amountIn == 0) revert ZeroAmount();
        if (amountIn > uint256(type(int256).max)) revert NotFilled(amountIn, 0);
        bool zeroForOne = sellsBase == _baseIsToken0;
        (int256 amount0, int256 amount1) = _pool.swap(
            msg.sender,
            zeroForOne,
            int256(amountIn),
            _end(zeroForOne),
            abi.encode(msg.sender, sellsBase, amountIn, minOut, data)
        );
        return uint256(-(zeroForOne ? amount1 : amount0));
    }

    /// @dev The pool calls whoever asked it to swap, with what it was given: so it calls here for `trade` alone, and `data` is
    /// what `trade` wrote. A lying pool could take what callers have approved, no more than it could by itself.
    function uniswapV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata data) external {
        if (msg.sender != address(_pool)) revert NotPool(msg.sender);
        (address caller, bool sellsBase, uint256 amountIn, uint256 minOut, bytes memory inner) =
            abi.decode(data, (address, bool, uint256, uint256, bytes));
        (int256 taken, int256 given) =
            sellsBase == _baseIsToken0 ? (amount0Delta, amount1Delta) : (amount1Delta, amount0Delta);
        if (taken != int256(amountIn)) revert NotFilled(amountIn, uint256(taken));
        uint256 amountOut = uint256(-given);
        if (amountOut < minOut) revert TooLittle(amountOut, minOut);
        if (inner.length > 0) IExchangeCaller(caller).onTrade(sellsBase, amountIn, amountOut, inner);
        IERC20(sellsBase ? base : asset).safeTransferFrom(caller, msg.sender, amountIn);
    }

    /* INTERNAL */

    /// Root price at which a trade's last unit trades at `limitWad`, fee included; rounded towards the caller's favour.
    function _limit(bool sellsBase, uint256 limitWad) private view returns (uint160) {
        limitWad = Math.min(limitWad, type(uint128).max);
        // The seller of base gets (1 - f) of the price; who buys pays it over (1 - f).
        uint256 spotWad = sellsBase
            ? limitWad.mulDiv(MILLION, MILLION - _fee, Math.Rounding.Ceil)
            : limitWad.mulDiv(MILLION - _fee, MILLION);
        // Falling, a pool's price may not end below; rising, not above.
        return _scale().toSqrt(spotWad, sellsBase == _baseIsToken0);
    }

    function _scale() private view returns (UniswapV3Prices.Scale memory) {
        return UniswapV3Prices.Scale(_assetUnit, _baseUnit, _baseIsToken0);
    }

    function _end(bool zeroForOne) private pure returns (uint160) {
        return zeroForOne ? UniswapV3Prices.LOWEST_SQRT : UniswapV3Prices.HIGHEST_SQRT;
    }
}

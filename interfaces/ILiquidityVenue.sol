// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IPooled} from "./IPooled.sol";
import {IVenue} from "./IVenue.sol";

/// @title ILiquidityVenue
/// @notice One position in one range of a pool of the asset and a base token.
/// @dev Amounts in the tokens' smallest units, prices in the asset's whole units per whole unit of base, Wad. `value`, `delta` and
/// `gamma` (IVenue) are at the venue's oracle price, never at the pool's spot: what the position would hold there. Fees not
/// collected count in `value` and `delta` at what the pool has booked for the position up to this block.
interface ILiquidityVenue is IVenue, IPooled {
    function base() external view returns (address);

    /// @notice Prices between which the position has liquidity; 0 and 0 when there is none.
    function rangeWad() external view returns (uint256 lowerWad, uint256 upperWad);

    /// @notice Liquidity of the position, in the pool's own unit.
    function liquidity() external view returns (uint128);

    /// @notice The pool's spot price, to hold against an oracle's. Never a price to value by.
    function spotWad() external view returns (uint256);

    /// @notice What the position would hold at `priceWad`, without fees, rounded down.
    function holdingsAt(uint256 priceWad) external view returns (uint256 assets, uint256 bases);

    /// @notice What `units` of liquidity in a range would hold at `priceWad`, rounded down: the range rounded to the pool's ticks as
    /// `add` does, whether or not the position is in it.
    function holdingsIn(uint256 lowerWad, uint256 upperWad, uint128 units, uint256 priceWad)
        external
        view
        returns (uint256 assets, uint256 bases);

    /// @notice What `remove` of all liquidity would pay now at the pool's spot, without fees, rounded down.
    function holdings() external view returns (uint256 assets, uint256 bases);

    /// @notice What `remove(part, whole)` would pay now, exactly.
    function removable(uint256 part, uint256 whole) external view returns (uint256 assets, uint256 bases);

    /// @notice How far apart prices are that a range can end at, as a share of the price, Wad.
    function stepWad() external view returns (uint256);

    /// @notice Fees that `collect` would pay now.
    function fees() external view returns (uint256 assets, uint256 bases);

    /// @notice Delta and gamma at `priceWad` (IVenue's units), with the fees.
    function exposureAt(uint256 priceWad) external view returns (int256 deltaWad, int256 gammaWad);

    /// @notice The trade after which `assets` and `bases` fit a range whole, exact to what the pool's own rounding allows.
    /// @param lowerWad Lower price of the range, rounded to the pool's ticks as `add` does.
    /// @param upperWad Upper price of the range.
    function fit(uint256 lowerWad, uint256 upperWad, uint256 assets, uint256 bases)
        external
        view
        returns (bool sellsBase, uint256 amountIn);

    /// @notice What a trade of exactly `amountIn` in the pool would give after `remove(part, whole)`: the position's own
    /// liquidity is part of what it would trade against. 0 when it could not be filled. Exact in the same block.
    function quoteAfterRemove(uint256 part, uint256 whole, bool sellsBase, uint256 amountIn)
        external
        view
        returns (uint256 amountOut);

    /// @notice Takes what fits of `assets` and `bases` from the owner, who has approved them, into the range. Owner only.
    /// The range is the position's own while it has liquidity; another one reverts.
    function add(uint256 lowerWad, uint256 upperWad, uint256 assets, uint256 bases)
        external
        returns (uint256 assetsUsed, uint256 basesUsed);

    /// @notice Takes `part` of `whole` of the liquidity out and sends what it holds to the owner, rounded down. Owner only.
    function remove(uint256 part, uint256 whole) external returns (uint256 assets, uint256 bases);

    /// @notice Sends the fees to the owner. Owner only.
    function collect() external returns (uint256 assets, uint256 bases);
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title IExchange
/// @notice A venue to trade one base token for one asset and back. It holds nothing, belongs to nobody, and anyone may trade.
/// @dev Amounts in the tokens' smallest units; prices are the asset's whole units per whole unit of base, Wad, as IOracle's.
/// Knows no oracle: which price is acceptable is for the caller to say. Views never revert for lack of depth: they answer 0.
interface IExchange {
    /// @notice The trade would give less than `minOut`.
    error TooLittle(uint256 out, uint256 minOut);

    function asset() external view returns (address);
    function base() external view returns (address);

    /// @notice What a trade pays of its input as a fee, Wad.
    function feeWad() external view returns (uint256);

    /// @notice The price at which a trade's first unit trades, fee included, Wad, rounded in the trader's favour: no trade of any
    /// size gets a better one now. Read off the market's present state, whoever brought it there.
    function bestWad(bool sellsBase) external view returns (uint256 priceWad);

    /// @notice What a trade of exactly `amountIn` gives now; 0 when it could not be filled. Exact in the same block.
    function quote(bool sellsBase, uint256 amountIn) external view returns (uint256 amountOut);

    /// @notice Largest input whose last unit still trades at `limitWad` or better, fee included; 0 when none does.
    function depth(bool sellsBase, uint256 limitWad) external view returns (uint256 amountIn);

    /// @notice Largest input, within `depth`, around which no sandwich pays: what pushing the price there and back costs in
    /// fees, for any push within `reachWad` (Wad, of the price), exceeds what it can take from this trade.
    /// @dev Derivation and its limits (liquidity that the attacker owns) stand in the implementation.
    function safeDepth(bool sellsBase, uint256 limitWad, uint256 reachWad) external view returns (uint256 amountIn);

    /// @notice Trades exactly `amountIn`: sends what comes to the caller, calls its `onTrade` when `data` is not empty, and then
    /// takes `amountIn` from it, which it has approved. A caller can so pay with what the trade brought it (a flash swap).
    /// @dev Reverts with `TooLittle` below `minOut`, and when the input cannot be filled whole.
    function trade(bool sellsBase, uint256 amountIn, uint256 minOut, bytes calldata data)
        external
        returns (uint256 amountOut);
}

/// @title IExchangeCaller
/// @notice Who trades with data is called between getting and paying.
interface IExchangeCaller {
    function onTrade(bool sellsBase, uint256 amountIn, uint256 amountOut, bytes calldata data) external;
}

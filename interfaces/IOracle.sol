// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title IOracle
/// @notice A price from two sources, and whether it may be relied on.
interface IOracle {
    enum Verdict {
        Good,
        Stale,
        Disputed
    }

    /// @notice Units of the quote token for one whole unit of the base token, in Wad (2000e18: 2000 quote tokens).
    /// @dev Never reverts. With any verdict but `Good` only risk-reducing actions may go on; `priceWad` is then the last
    /// answer of the first source, or 0 when there is none.
    function price() external view returns (uint256 priceWad, Verdict verdict);

    /// @notice The two sources by themselves, in the unit of `price`; 0 for one that answers nothing. `feedWad` may be stale, which
    /// the verdict says. For who must act on a dispute: to sell when either price says so, to value by the worse of the two.
    /// @dev Never reverts.
    function sources() external view returns (uint256 feedWad, uint256 poolWad, Verdict verdict);

    /// @notice The second source's price as the block before left it, in the unit of `price`; 0 when it answers nothing. What moves
    /// the market in this block does not move it. Not to be relied on alone: for who must not sell below what others know.
    /// @dev Never reverts.
    function last() external view returns (uint256 poolWad);
}

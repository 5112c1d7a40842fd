// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title IVenue
/// @notice One position of one kind on one protocol, held for one owner.
interface IVenue {
    /// @notice The caller is not the owner of the position.
    error NotOwner(address caller);

    /// @notice The only account that may move the position.
    function owner() external view returns (address);

    /// @notice The token the position is valued in.
    function asset() external view returns (address);

    /// @notice Worth of the position in units of the asset, rounded down.
    function value() external view returns (uint256 assets);

    /// @notice Change of value for a change of the base price, in units of the base asset (Wad).
    function delta() external view returns (int256 deltaWad);

    /// @notice Change of delta for a change of the base price (Wad).
    function gamma() external view returns (int256 gammaWad);
}

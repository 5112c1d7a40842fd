// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ILimits} from "./ILimits.sol";
import {IVault} from "./IVault.sol";

/// @title IVaultLimits
/// @notice What a vault asks of the contract that limits what its strategies expose it to.
interface IVaultLimits is ILimits {
    /// @notice The vault's measures now. For the vault in the middle of a call of its own, which says its `assets` itself
    /// (idle and debt, smallest unit).
    function measure(IVault vault, uint256 assets) external view returns (Measures memory);

    /// @notice Reverts with LimitExceeded unless each measure is within its limit or no worse than `beforehand`.
    function check(IVault vault, uint256 assets, Measures calldata beforehand) external view;

    /// @notice The vault's limits. Reverts when it has none.
    function capsOf(address vault) external view returns (Caps memory);
}

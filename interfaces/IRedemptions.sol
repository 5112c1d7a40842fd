// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC165} from "@openzeppelin/contracts/interfaces/IERC165.sol";
import {IERC7540Operator, IERC7540Redeem, IERC7575} from "./IERC7540.sol";

/// @title IRedemptions
/// @notice Where holders of one vault queue for what it cannot free at once: they hand in shares (`requestRedeem`), anyone
/// has the vault pay as it can (`fulfil`), first come first served, and they claim (`redeem`, `withdraw`).
/// @dev Units: `assets` in the asset's smallest unit, `shares` in the share's (6 more decimals).
/// @dev REQUEST IDS are all 0: a controller's requests are told apart by their place in the queue, which the contract keeps,
/// and claimed oldest first. Ids would promise that what shares an id is paid at one rate, and partial fulfilments are not.
/// @dev DEPOSITS are made at the vault: the deposit side of ERC-7575 is here, and closed.
interface IRedemptions is IERC165, IERC7540Operator, IERC7540Redeem, IERC7575 {
    /* EVENTS */

    /// @notice The vault redeemed `shares` of those that waited for `assets`; `waiting` are left.
    event Fulfilled(uint256 shares, uint256 assets, uint256 waiting);

    /* ERRORS */

    error ZeroShares();
    error ZeroReceiver();
    /// @notice `caller` is neither `account` nor its operator.
    error NotOperator(address account, address caller);
    /// @notice Claimable in one call is less: shares for `redeem`, assets for `withdraw`.
    error ExceedsClaimable(uint256 asked, uint256 claimable);
    /// @notice Of the `waiting` shares none can be redeemed now, or `shares` of them for nothing.
    error NothingFreed(uint256 waiting, uint256 shares);
    /// @notice What a request gets is known when it is fulfilled, and then by `maxWithdraw`.
    error NoPreview();
    error DepositAtVault();

    /* VIEWS */

    /// @notice Shares that wait to be redeemed, of all controllers. They bear profit and loss until they are.
    function waiting() external view returns (uint256 shares);

    /* ANYONE */

    /// @notice Reports, and has the vault redeem as many of the waiting shares as it frees now, oldest requests first.
    /// Anyone may call it, at any time but in a transaction that has deposited.
    /// @dev Reverts with the vault's `Slippage` when those who wait would get 0.1 % and a few units less than the vault's own
    /// price: a strategy that cannot be read, or frees at a cost, is not theirs to pay for because somebody chose the moment.
    /// @dev Reverts with `NothingFreed` when there is nothing to do, and when shares would go for nothing (total loss).
    function fulfil() external returns (uint256 shares, uint256 assets);

    /// @notice The same for at most `maxShares`: around a strategy that says it frees what it does not.
    function fulfil(uint256 maxShares) external returns (uint256 shares, uint256 assets);
}

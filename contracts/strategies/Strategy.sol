// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IRegulated} from "../../interfaces/IRegulated.sol";
import {Roles} from "../risk/Roles.sol";

/// @title Strategy
/// @notice What every strategy shares: an ERC-4626 with idle assets that are booked, entry, pause, roles, a lock.
/// @dev Two kinds build on it: LendingStrategy, whose value only accrues, and PositionStrategy, whose value may jump. Their
/// hooks are the strategist's to write.
/// @dev HOOKS that both ask for:
/// - `_total`: MUST value idle assets and positions in assets, rounded down, without relying on a balance others can raise.
/// - `_capacity`: assets that may come in now.
/// - `_onDeposit`: what to note of a deposit (idle by then); nothing by default.
/// - `rebalance` and `readings`: the rule (IRegulated).
/// Hooks that move assets MUST keep `_idle` true to what they moved.
/// @dev ROUNDING: as OpenZeppelin's ERC4626 (for the strategy), virtual shares with 6 decimals more than the asset.
abstract contract Strategy is ERC4626, ReentrancyGuardTransient, Roles, IRegulated {
    using SafeERC20 for IERC20;

    event Paused(bool paused);

    /// @notice The token took a fee on the way, or did not move what it said.
    error UnexpectedTransfer(uint256 expected, uint256 received);
    error InsufficientLiquidity(uint256 requested, uint256 available);

    uint8 internal constant OFFSET = 6;
    uint256 internal constant VIRTUAL_SHARES = 10 ** OFFSET;

    /// @notice True while deposits are stopped. Withdrawals go on.
    bool public paused;
    uint256 internal _idle;

    constructor(IERC20 asset_, string memory name_, string memory symbol_, address owner_, address guardian_)
        ERC20(name_, symbol_)
        ERC4626(asset_)
        Roles(owner_, guardian_)
    {}

    /* VIEWS */

    /// @notice Assets held by the strategy itself. Tokens sent to it by mistake do not count.
    function idle() external view returns (uint256) {
        return _idle;
    }

    /// @notice Worth of idle assets and positions. Reverts inside a call of the strategy's own.
    function totalAssets() public view override nonReentrantView returns (uint256) {
        return _total();
    }

    /// @notice True when the value can jump between reports; false when it only accrues. Fixed for ever.
    function isVolatile() external pure virtual returns (bool) {
        return false;
    }

    /// @notice True in the middle of a call of the strategy's own, when it cannot be priced.
    function locked() external view returns (bool) {
        return _reentrancyGuardEntered();
    }

    function maxDeposit(address) public view virtual override returns (uint256) {
        return paused ? 0 : _capacity();
    }

    function maxMint(address receiver) public view virtual override returns (uint256) {
        uint256 assets = maxDeposit(receiver);
        return assets >= type(uint128).max ? type(uint128).max : convertToShares(assets);
    }

    /* GUARDIAN OR OWNER */

    /// @notice Stops deposits, at once.
    function pause() external onlyTightener {
        _pause();
    }

    /* OWNER */

    /// @notice Lets deposits in again.
    function unpause() external onlyOwner {
        paused = false;
        emit Paused(false);
    }

    /* HOOKS */

    function _total() internal view virtual returns (uint256 assets);
    function _capacity() internal view virtual returns (uint256 assets);
    function _onDeposit(uint256 assets) internal virtual {}

    /* INTERNAL */

    function _pause() internal {
        paused = true;
        emit Paused(true);
    }

    function _decimalsOffset() internal pure override returns (uint8) {
        return OFFSET;
    }

    function _deposit(address caller, address receiver, uint256 assets, uint256 shares)
        internal
        override
        nonReentrant
    {
        IERC20 token = IERC20(asset());
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(caller, address(this), assets);
        uint256 received = token.balanceOf(address(this)) - before;
        if (received != assets) revert UnexpectedTransfer(assets, received);
        _idle += assets;
        _mint(receiver, shares);
        emit Deposit(caller, receiver, assets, shares);
        _onDeposit(assets);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {IRegulated} from "../../interfaces/IRegulated.sol";
import {VaultState} from "./VaultState.sol";

/// @title VaultViews
/// @notice What can be asked of a vault that takes a look at its strategies: limits, previews of exits, readings.
/// @dev Code of a vault, run by delegatecall on the vault's storage; alone it knows nothing. Units stand in IVault.
/// @dev Reverts while the vault is inside a call of its own, when it could not be priced.
contract VaultViews is VaultState {
    using FixedPointMathLib for uint256;

    function maxDeposit(address receiver) external view nonReentrantView returns (uint256) {
        if (!_isOpen(receiver)) return 0;
        (uint256 supply, uint256 net) = _rate();
        return FixedPointMathLib.min(_room(), _toAssetsDown(type(uint128).max - supply, supply, net));
    }

    function maxMint(address receiver) external view nonReentrantView returns (uint256) {
        if (!_isOpen(receiver)) return 0;
        (uint256 supply, uint256 net) = _entryRate();
        return FixedPointMathLib.min(type(uint128).max - supply, _toSharesDown(_room(), supply, net));
    }

    function maxWithdraw(address holder) external view nonReentrantView returns (uint256) {
        uint256 shares = _balances[holder];
        (uint256 supply, uint256 net) = _exitRate(shares, true);
        return FixedPointMathLib.min(_toAssetsDown(shares, supply, net), _liquidity(holder));
    }

    function maxRedeem(address holder) external view nonReentrantView returns (uint256) {
        uint256 shares = _balances[holder];
        uint256 free = _liquidity(holder);
        (uint256 supply, uint256 net) = _exitRate(shares, true);
        // Not by way of shares when all can leave: that rounds a share away.
        if (_toAssetsDown(shares, supply, net) <= free) return shares;
        (supply, net) = _rate();
        return FixedPointMathLib.min(shares, _toSharesDown(free, supply, net));
    }

    function previewWithdraw(uint256 assets) external view nonReentrantView returns (uint256) {
        (uint256 supply, uint256 net) = _exitRate(assets, false);
        return _toSharesUp(assets, supply, net);
    }

    function previewRedeem(uint256 shares) external view nonReentrantView returns (uint256) {
        (uint256 supply, uint256 net) = _exitRate(shares, true);
        return _toAssetsDown(shares, supply, net);
    }

    function readings() external view nonReentrantView returns (IRegulated.Reading[] memory list) {
        uint256 total = _ledger.assets;
        uint256 count = _debt.strategies;
        uint256[] memory caps = _riskCaps(total);
        uint256[] memory left = _riskCaps(total);
        uint256[] memory debts = _riskDebts();
        list = new IRegulated.Reading[](1 + count + caps.length);
        uint256 age = _debt.total == 0 ? 0 : block.timestamp - _debt.reported;
        list[0] = IRegulated.Reading("report", int256(age), 0, 0, int256(uint256(_debt.reportPeriod)));
        for (uint256 i; i < count; ++i) {
            Strategy storage s = _strategies[_queue[i]];
            (uint256 lower, uint256 target, uint256 upper) = _band(s, total, left);
            bytes32 name = bytes32(uint256(bytes32("weight.0")) + (i << 192));
            list[1 + i] = _reading(name, total, s.debt, lower, target, upper);
        }
        for (uint256 r; r < caps.length; ++r) {
            // The tens are the byte before.
            bytes32 name = bytes32(uint256(bytes32("risk.00")) + ((r % 10 + (r / 10 << 8)) << 200));
            uint256 upper = caps[r] + total * EXIT_BAND_BPS / BPS;
            list[1 + count + r] = _reading(name, total, debts[r], 0, caps[r], upper);
        }
    }

    /* INTERNAL */

    /// Whether a deposit for `receiver` could be priced, and would be let in.
    function _isOpen(address receiver) private view returns (bool) {
        if (_lock.flags & GATED != 0 && !_admits(receiver, receiver)) return false;
        uint256 count = _lock.flags & VOLATILE == 0 ? 0 : _debt.strategies;
        for (uint256 i; i < count; ++i) {
            Strategy storage s = _strategies[_queue[i]];
            if (!s.isVolatile) continue;
            (bool readable,) = _worth(_queue[i], s.shares);
            if (!readable && s.debt > 0) return false;
        }
        return true;
    }

    /// The rate an exit of `amount` (of shares or of assets) would get: what `VaultBooks.draw` does, without doing it.
    function _exitRate(uint256 amount, bool inShares) private view returns (uint256 supply, uint256 net) {
        (supply, net) = _rate();
        uint256 gone;
        uint256 count = _debt.strategies;
        if (_lock.flags & VOLATILE != 0) {
            for (uint256 i; i < count; ++i) {
                Strategy storage s = _strategies[_queue[i]];
                if (!s.isVolatile) continue;
                uint256 debt = s.debt;
                (bool readable, uint256 value) = _worth(_queue[i], s.shares);
                gone += debt.zeroFloorSub(readable ? value : 0);
            }
        }
        if (inShares) {
            (, uint256 marked) = _rateWithout(gone);
            amount = _toAssetsDown(amount, supply, marked);
        }
        uint256 need = amount.zeroFloorSub(_idle());
        for (uint256 i; i < count && need > 0; ++i) {
            (bool readable, uint256 debt, uint256 value, uint256 free) = _quote(_queue[i]);
            if (!readable) continue;
            if (!_strategies[_queue[i]].isVolatile && _isLoss(value, debt, need)) gone += debt - value;
            need = need.zeroFloorSub(free);
        }
        return _rateWithout(gone);
    }

    /// Amounts as shares of `total`, Wad.
    function _reading(
        bytes32 name,
        uint256 total,
        uint256 value,
        uint256 lower,
        uint256 target,
        uint256 upper
    ) private pure returns (IRegulated.Reading memory) {
        return IRegulated.Reading(
            name, _wad(value, total), _wad(lower, total), _wad(target, total), _wad(upper, total)
        );
    }

    function _wad(uint256 part, uint256 total) private pure returns (int256) {
        return total == 0 ? int256(0) : int256(part * WAD / total);
    }
}

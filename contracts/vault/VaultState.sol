// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {IVaultTypes} from "../../interfaces/IVaultTypes.sol";
import {LossBudget} from "../risk/LossBudget.sol";
import {Probe} from "../risk/Probe.sol";
import {RoleBook} from "../risk/Roles.sol";

/// @title VaultState
/// @notice What a vault remembers, and what follows from it: the price of a share, the worth of strategies, their bands.
/// @dev Vault, VaultBooks and VaultRules inherit it first, so that all three see the same storage: the vault calls the
/// other two by delegatecall, at addresses fixed when it was made.
/// @dev ROUNDING is for the vault: shares given down, shares taken up, assets paid down, locked profit up.
abstract contract VaultState is IVaultTypes, RoleBook, ReentrancyGuardTransient {
    using FixedPointMathLib for uint256;
    using SafeCast for uint256;
    using LossBudget for LossBudget.Bucket;

    /* CONSTANTS */

    uint256 internal constant BPS = 1e4;
    uint256 internal constant WAD = 1e18;
    uint256 internal constant YEAR = 365 days;
    /// Most gas that a strategy may take to be read, and to be moved.
    uint256 internal constant READ_GAS = 1_000_000;
    uint256 internal constant CALL_GAS = 3_000_000;
    uint8 internal constant OFFSET = 6;
    uint256 internal constant VIRTUAL_SHARES = 10 ** OFFSET;
    uint256 internal constant CRUMBS = 1_000 * VIRTUAL_SHARES;
    /// Band of a strategy that is on its way out: dust may stay.
    uint16 internal constant EXIT_BAND_BPS = 1;
    /// Longest that profit can take to unlock.
    uint256 internal constant LONGEST_UNLOCK = 100 * YEAR;

    /* STORAGE */

    struct Ledger {
        uint128 shares;
        /// idle and debt
        uint128 assets;
    }

    /// `amount` at time `since`, falling linearly to 0 at `until`; and what a deposit or an exit must know besides, so that
    /// one word tells it all.
    struct Lock {
        uint128 amount;
        uint40 since;
        uint40 until;
        uint16 growthCapBps;
        uint8 volatiles; // how many strategies are volatile
        bool paused;
        uint8 flags;
    }

    /// `Lock.flags`
    uint8 internal constant SHUTDOWN = 1;
    uint8 internal constant LIMITED = 2;
    uint8 internal constant GATED = 4;
    uint8 internal constant WAITING = 8;

    struct Debt {
        uint128 total;
        uint128 depositLimit;
    }

    struct Terms {
        address feeRecipient;
        uint16 performanceFeeBps;
        uint16 managementFeeBps;
        uint24 unlockPeriod;
        uint24 reportPeriod;
    }

    struct Fees {
        uint128 deficit;
        uint128 managementOwed;
    }

    struct Clock {
        uint40 reported;
        uint40 profitBooked;
        uint40 managementAccrued;
    }

    /// @notice May move weights within the caps and order the queue.
    address public curator;

    mapping(address => uint256) internal _balances;
    Ledger internal _ledger;
    Lock internal _lock;
    Debt internal _debt;
    Terms internal _terms;
    Fees internal _fees;
    Clock internal _clock;
    LossBudget.Bucket internal _lossBudget;
    /// The asset, for code that has not the vault's immutables.
    IERC20 internal _token;
    address internal _gate;
    address[] internal _queue;
    mapping(address => Strategy) internal _strategies;
    Risk[] internal _risks;

    /// True once this transaction has deposited.
    bool internal transient _entered;

    /* PRICE */

    /// Profit that is not in the price yet. Rounded up.
    function _locked() internal view returns (uint256) {
        uint256 until = _lock.until;
        if (block.timestamp >= until) return 0;
        return uint256(_lock.amount).fullMulDivUp(until - block.timestamp, until - _lock.since);
    }

    /// Supply of shares and the assets they are worth. Never underflows: exits are paid out of what is not locked, and
    /// losses lower both.
    function _rate() internal view returns (uint256 supply, uint256 net) {
        return (_ledger.shares, _ledger.assets - _locked());
    }

    /// As `_rate`, with `gone` assets worth nothing: the locked profit bears them first.
    function _rateWithout(uint256 gone) internal view returns (uint256 supply, uint256 net) {
        (supply, net) = _rate();
        uint256 locked = _ledger.assets - net;
        if (gone > locked) net -= gone - locked;
    }

    function _toSharesDown(uint256 assets, uint256 supply, uint256 net) internal pure returns (uint256) {
        return assets.fullMulDiv(supply + VIRTUAL_SHARES, net + 1);
    }

    function _toSharesUp(uint256 assets, uint256 supply, uint256 net) internal pure returns (uint256) {
        return assets.fullMulDivUp(supply + VIRTUAL_SHARES, net + 1);
    }

    function _toAssetsDown(uint256 shares, uint256 supply, uint256 net) internal pure returns (uint256) {
        return shares.fullMulDiv(net + 1, supply + VIRTUAL_SHARES);
    }

    function _toAssetsUp(uint256 shares, uint256 supply, uint256 net) internal pure returns (uint256) {
        return shares.fullMulDivUp(net + 1, supply + VIRTUAL_SHARES);
    }

    /// After a total loss a share has no price. Crumbs of shares, worth a few units at most, do not count as holders.
    function _priceless(uint256 supply, uint256 net) internal pure returns (bool) {
        return net == 0 && supply > CRUMBS;
    }

    function _idle() internal view returns (uint256) {
        return _ledger.assets - _debt.total;
    }

    /* LEDGER */

    /// Moves balances only; who mints or burns changes the ledger, in one write with the assets.
    function _move(address from, address to, uint256 value) internal {
        if (from != address(0)) {
            uint256 balance = _balances[from];
            if (balance < value) revert IERC20Errors.ERC20InsufficientBalance(from, balance, value);
            unchecked {
                _balances[from] = balance - value; // checked above
            }
        }
        // No overflow: the sum of all balances is the ledger's shares, a uint128.
        if (to != address(0)) {
            unchecked {
                _balances[to] += value;
            }
        }
        emit IERC20.Transfer(from, to, value);
    }

    function _setLedger(uint256 shares, uint256 assets) internal {
        _ledger = Ledger(shares.toUint128(), assets.toUint128());
    }

    /// Locks `amount` until `until`, or longer where the share price would grow faster than its cap: by more than a yearly
    /// share of its high-water mark, which is what the shares are worth and the deficit.
    function _setLock(uint256 amount, uint256 until, uint256 net) internal {
        if (amount > 0) {
            uint256 yearly = (net + _fees.deficit) * _lock.growthCapBps;
            uint256 least = LONGEST_UNLOCK;
            if (yearly > 0) least = FixedPointMathLib.min(amount.fullMulDivUp(BPS * YEAR, yearly), least);
            until = FixedPointMathLib.max(until, block.timestamp + least);
        }
        _lock.amount = amount.toUint128();
        _lock.since = uint40(block.timestamp);
        _lock.until = uint40(until);
    }

    /// Says whether the locked profit unlocks faster than the cap allows on assets of `net`, the deficit left out.
    function _unlocksTooFast(uint256 net) internal view returns (bool) {
        Lock storage lock = _lock;
        uint256 until = lock.until;
        if (lock.amount == 0 || block.timestamp >= until) return false;
        return uint256(lock.amount) * (BPS * YEAR) > net * lock.growthCapBps * (until - lock.since);
    }

    /* STRATEGIES */

    /// What a strategy owes, is worth and would free now. Unreadable or without debt: nothing.
    function _quote(address strategy_)
        internal
        view
        returns (bool readable, uint256 debt, uint256 value, uint256 free)
    {
        Strategy storage s = _strategies[strategy_];
        debt = s.debt;
        if (debt == 0) return (true, 0, 0, 0);
        (readable, value) = _worth(strategy_, s.shares);
        if (!readable) return (false, debt, 0, 0);
        (bool ok, uint256 available) =
            Probe.read(strategy_, READ_GAS, abi.encodeCall(IERC4626.maxWithdraw, (address(this))));
        free = ok ? FixedPointMathLib.min(available, FixedPointMathLib.min(debt, value)) : 0;
    }

    /// Worth of a strategy's shares to the vault.
    function _worth(address strategy_, uint256 shares) internal view returns (bool ok, uint256 value) {
        if (shares == 0) return (true, 0);
        (ok, value) = Probe.read(strategy_, READ_GAS, abi.encodeCall(IERC4626.previewRedeem, (shares)));
        // A value beyond any real amount is a lie: unreadable.
        if (value > type(uint128).max) return (false, 0);
    }

    /// Cap, target and upper limit of one strategy in assets, its risks left out.
    function _limits(Strategy storage s, uint256 total)
        internal
        view
        returns (uint256 cap, uint256 target, uint256 band)
    {
        cap = FixedPointMathLib.min(s.cap, total * s.capBps / BPS);
        target = FixedPointMathLib.min(total * s.targetBps / BPS, cap);
        band = total * s.bandBps / BPS;
    }

    /// What the strategies should hold, in queue order: the share each was given, within its cap and what the strategies
    /// before it have left of the caps of its risks.
    function _targets(uint256 total) internal view returns (uint256[] memory targets) {
        uint256 count = _queue.length;
        targets = new uint256[](count);
        uint256[] memory left = _riskCaps(total);
        for (uint256 i; i < count; ++i) {
            Strategy storage s = _strategies[_queue[i]];
            (, uint256 target,) = _limits(s, total);
            uint256 risks = s.risks;
            for (uint256 r; r < left.length; ++r) {
                if (risks >> r & 1 == 1) target = FixedPointMathLib.min(target, left[r]);
            }
            for (uint256 r; r < left.length; ++r) {
                if (risks >> r & 1 == 1) left[r] -= target;
            }
            targets[i] = target;
        }
    }

    /// Band of a strategy's debt in assets around a target of `_targets`.
    function _band(Strategy storage s, uint256 total, uint256 target)
        internal
        view
        returns (uint256 lower, uint256 upper)
    {
        (uint256 cap,, uint256 band) = _limits(s, total);
        lower = target > band ? target - band : 0;
        // Of what is on its way out dust may stay.
        upper = cap == 0 ? total * EXIT_BAND_BPS / BPS : FixedPointMathLib.min(target + band, cap);
    }

    /// Most that the strategies bearing each risk may hold together, in assets.
    function _riskCaps(uint256 total) internal view returns (uint256[] memory caps) {
        uint256 count = _risks.length;
        caps = new uint256[](count);
        for (uint256 r; r < count; ++r) {
            Risk storage risk = _risks[r];
            caps[r] = FixedPointMathLib.min(risk.cap, total * risk.capBps / BPS);
        }
    }

    /// What the strategies bearing each risk hold together, in assets.
    function _riskDebts() internal view returns (uint256[] memory debts) {
        debts = new uint256[](_risks.length);
        uint256 count = _queue.length;
        for (uint256 i; i < count; ++i) {
            Strategy storage s = _strategies[_queue[i]];
            uint256 risks = s.risks;
            for (uint256 r; r < debts.length; ++r) {
                if (risks >> r & 1 == 1) debts[r] += s.debt;
            }
        }
    }

    /* FEES */

    /// Charged on the debt as it stood since the last accrual. Rounded down.
    function _managementOwed() internal view returns (uint256) {
        uint256 elapsed = block.timestamp - _clock.managementAccrued;
        uint256 fresh = uint256(_debt.total).fullMulDiv(_terms.managementFeeBps * elapsed, BPS * YEAR);
        return FixedPointMathLib.min(_fees.managementOwed + fresh, type(uint128).max);
    }

    function _accrueManagement() internal {
        _fees.managementOwed = uint128(_managementOwed());
        _clock.managementAccrued = uint40(block.timestamp);
    }
}

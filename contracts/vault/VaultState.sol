// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {IGate} from "../../interfaces/IGate.sol";
import {IVault} from "../../interfaces/IVault.sol";
import {IVaultTypes} from "../../interfaces/IVaultTypes.sol";
import {LossBudget} from "../risk/LossBudget.sol";
import {Probe} from "../risk/Probe.sol";
import {RoleBook} from "../risk/Roles.sol";

/// @title VaultState
/// @notice What a vault remembers, and what follows from it: the price of a share, the worth of strategies, their bands.
/// @dev Vault, VaultBooks, VaultRules and VaultViews inherit it first, so that all see the same storage: the vault calls
/// the others by delegatecall, at addresses fixed when it was made.
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
    uint256 internal constant STRATEGIES = 10;
    uint256 internal constant RISKS = 16;
    /// Units that rounding may take.
    uint256 internal constant DUST = 4;
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
        uint8 flags;
        /// share of the amount that makes good a loss: it unlocks over the period, whatever the growth cap
        uint16 madeBps;
    }

    /// `Lock.flags`: what makes a deposit out of the ordinary.
    uint8 internal constant PAUSED = 1;
    uint8 internal constant SHUTDOWN = 2;
    uint8 internal constant LIMITED = 4;
    uint8 internal constant GATED = 8;
    uint8 internal constant VOLATILE = 16;

    /// The debts' sum, and what every report and move must know besides.
    struct Debt {
        uint128 total;
        uint32 reported;
        uint32 profitBooked;
        uint16 managementFeeBps;
        uint24 reportPeriod;
        /// how many strategies and risks there are
        uint8 strategies;
        uint8 risks;
        uint8 marks;
    }

    /// `Debt.marks`: redemption requests wait; what the strategies expose the vault to is limited.
    uint8 internal constant WAITING = 1;
    uint8 internal constant BOUNDED = 2;

    struct Terms {
        address feeRecipient;
        uint16 performanceFeeBps;
        uint24 unlockPeriod;
        uint40 managementAccrued;
    }

    struct Fees {
        uint128 deficit;
        uint128 managementOwed;
    }

    /// @notice May move weights within the caps and order the queue.
    address public curator;

    mapping(address => uint256) internal _balances;
    Ledger internal _ledger;
    Lock internal _lock;
    Debt internal _debt;
    Terms internal _terms;
    Fees internal _fees;
    LossBudget.Bucket internal _lossBudget;
    uint128 internal _depositLimit;
    address internal _gate;
    address internal _limits;
    address[STRATEGIES] internal _queue;
    mapping(address => Strategy) internal _strategies;
    Risk[RISKS] internal _risks;

    /// Not 0 once this transaction has deposited, or booked the loss of a volatile strategy.
    uint256 internal transient _entered;
    uint256 internal transient _marked;

    /* PRICE */

    /// Profit that is not in the price yet. Rounded up.
    function _locked() internal view returns (uint256) {
        (uint256 amount, uint256 since, uint256 until) = (_lock.amount, _lock.since, _lock.until);
        if (block.timestamp >= until || amount == 0) return 0;
        unchecked {
            // No overflow: 128 and 40 bits, `since` is past.
            return (amount * (until - block.timestamp)).divUp(until - since);
        }
    }

    /// Supply of shares and the assets they are worth. Never underflows: exits are paid out of what is not locked, and
    /// losses lower both.
    function _rate() internal view returns (uint256 supply, uint256 net) {
        (supply, net) = (_ledger.shares, _ledger.assets);
        net -= _locked();
    }

    /// As `_rate`, with `gone` assets worth nothing: the locked profit bears them first.
    function _rateWithout(uint256 gone) internal view returns (uint256 supply, uint256 net) {
        (supply, net) = _rate();
        uint256 locked = _ledger.assets - net;
        if (gone > locked) net -= gone - locked;
    }

    function _toSharesDown(uint256 assets, uint256 supply, uint256 net) internal pure returns (uint256) {
        unchecked {
            return assets.fullMulDiv(supply + VIRTUAL_SHARES, net + 1); // 128 bits and a little
        }
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

    /// Credits `to` alone; who mints changes the ledger, in one write with the assets.
    function _credit(address to, uint256 value) internal {
        unchecked {
            _balances[to] += value; // the sum of all balances is the ledger's shares, a uint128
        }
    }

    /// Debits `from` alone, as above.
    function _debit(address from, uint256 value) internal {
        uint256 balance = _balances[from];
        if (balance < value) revert IERC20Errors.ERC20InsufficientBalance(from, balance, value);
        unchecked {
            _balances[from] = balance - value; // checked above
        }
    }

    function _mintTo(address to, uint256 value) internal {
        _credit(to, value);
        emit IERC20.Transfer(address(0), to, value);
    }

    function _burnFrom(address from, uint256 value) internal {
        _debit(from, value);
        emit IERC20.Transfer(from, address(0), value);
    }

    function _setLedger(uint256 shares, uint256 assets) internal {
        _ledger = Ledger(shares.toUint128(), assets.toUint128());
    }

    /// Locks `amount` until `until`, or longer where the share price would grow faster than its cap: by more than a yearly
    /// share of its high-water mark, which is what the shares are worth and the deficit. Of the amount, `made` makes good a
    /// loss, which is no growth.
    function _setLock(uint256 amount, uint256 until, uint256 net, uint256 made) internal {
        if (amount > made) {
            uint256 yearly = (net + _fees.deficit) * _lock.growthCapBps;
            uint256 least = LONGEST_UNLOCK;
            if (yearly > 0) least = FixedPointMathLib.min((amount - made).fullMulDivUp(BPS * YEAR, yearly), least);
            until = FixedPointMathLib.max(until, block.timestamp + least);
        }
        _lock.amount = amount.toUint128();
        _lock.since = uint40(block.timestamp);
        _lock.until = uint40(until);
        _lock.madeBps = amount > 0 ? uint16(FixedPointMathLib.min(made, amount) * BPS / amount) : 0;
    }

    /// As above, for what is locked already and is now `amount`.
    function _setLock(uint256 amount, uint256 until, uint256 net) internal {
        _setLock(amount, until, net, _recovering(amount));
    }

    /// What of the locked `amount` makes good a loss. Rounded down.
    function _recovering(uint256 amount) private view returns (uint256) {
        return block.timestamp < _lock.until ? amount * _lock.madeBps / BPS : 0;
    }

    /// Locks `fresh` of the assets that are not locked yet, of which `made` makes good a loss. What was locked before keeps
    /// its pace, as far as the period explains it: the new end is the average of both ends, by amount.
    function _addToLock(uint256 fresh, uint256 made) internal {
        uint256 amount = _locked();
        uint256 net = _ledger.assets - amount;
        fresh = FixedPointMathLib.min(fresh, net);
        if (fresh == 0) return;
        uint256 period = _terms.unlockPeriod;
        uint256 left = FixedPointMathLib.min(FixedPointMathLib.zeroFloorSub(_lock.until, block.timestamp), period);
        left = (amount * left + fresh * period) / (amount + fresh);
        _setLock(amount + fresh, block.timestamp + left, net - fresh, _recovering(amount) + made);
    }

    /// Says whether the locked profit unlocks faster than the cap allows on assets of `net`, the deficit left out.
    function _unlocksTooFast(uint256 net) internal view returns (bool) {
        (uint256 amount, uint256 since, uint256 until, uint256 cap, uint256 made) =
            (_lock.amount, _lock.since, _lock.until, _lock.growthCapBps, _lock.madeBps);
        unchecked {
            // No overflow: 128, 16 and 40 bits.
            return block.timestamp < until && amount * (BPS - made) * YEAR > net * cap * (until - since);
        }
    }

    /* STRATEGIES */

    /// What a strategy owes, is worth and would free now, of its debt. Unreadable or without debt: nothing.
    function _quote(address strategy_)
        internal
        view
        returns (bool readable, uint256 debt, uint256 value, uint256 free)
    {
        Strategy storage s = _strategies[strategy_];
        debt = s.debt;
        if (debt == 0) return (true, 0, 0, 0);
        uint256 shares = s.shares;
        (readable, value) = _worth(strategy_, shares);
        if (!readable || value == 0) return (readable, debt, value, 0);
        free = FixedPointMathLib.min(debt, _redeemable(strategy_, shares).mulDiv(value, shares));
    }

    /// Shares that the strategy lets go now, of those the vault has.
    function _redeemable(address strategy_, uint256 shares) internal view returns (uint256) {
        (bool ok, uint256 most) =
            Probe.read(strategy_, READ_GAS, abi.encodeCall(IERC4626.maxRedeem, (address(this))));
        return ok ? FixedPointMathLib.min(most, shares) : 0;
    }

    /// What is idle and what the strategies free of their debts, less what is kept from `holder` for those who wait.
    function _liquidity(address holder) internal view returns (uint256 assets) {
        assets = _idle();
        uint256 count = _debt.strategies;
        for (uint256 i; i < count; ++i) {
            (,,, uint256 free) = _quote(_queue[i]);
            assets += free;
        }
        assets = _unreserved(assets, holder);
    }

    /// What of `assets` is not kept from `holder` for those who wait.
    function _unreserved(uint256 assets, address holder) internal view returns (uint256) {
        if (_debt.marks & WAITING == 0) return assets;
        address redemptions = IVault(address(this)).redemptions();
        if (holder == redemptions) return assets;
        (uint256 supply, uint256 net) = _rate();
        return assets.zeroFloorSub(_toAssetsUp(_balances[redemptions], supply, net));
    }

    /// The rate at which shares are given. Where there are volatile strategies, at the whole worth: they count at the higher of
    /// stored and present value, and what is locked counts too, since what others have just paid for their gains is in it.
    function _entryRate() internal view returns (uint256 supply, uint256 net) {
        if (_lock.flags & VOLATILE == 0) return _rate();
        (supply, net) = (_ledger.shares, _ledger.assets);
        uint256 count = _debt.strategies;
        for (uint256 i; i < count; ++i) {
            Strategy storage s = _strategies[_queue[i]];
            if (!s.isVolatile) continue;
            (bool readable, uint256 value) = _worth(_queue[i], s.shares);
            if (!readable && s.debt > 0) revert Unreadable(_queue[i]);
            net += value.zeroFloorSub(s.debt);
        }
    }

    /// Assets that the limits leave room for.
    function _room() internal view returns (uint256) {
        if (_lock.flags & PAUSED != 0) return 0;
        (uint256 supply, uint256 net) = _rate();
        if (_priceless(supply, net)) return 0;
        return uint256(_depositLimit).zeroFloorSub(_ledger.assets);
    }

    function _admits(address sender, address receiver) internal view returns (bool) {
        (bool ok, uint256 word) = Probe.read(_gate, READ_GAS, abi.encodeCall(IGate.mayEnter, (sender, receiver)));
        return ok && word == 1;
    }

    /// Worth of a strategy's shares to the vault.
    function _worth(address strategy_, uint256 shares) internal view returns (bool ok, uint256 value) {
        if (shares == 0) return (true, 0);
        (ok, value) = Probe.read(strategy_, READ_GAS, abi.encodeCall(IERC4626.previewRedeem, (shares)));
        // A value beyond any real amount is a lie: unreadable.
        if (value > type(uint128).max) return (false, 0);
    }

    /// Whether an exit that needs `need` of a smooth strategy books what is missing there. Dust is left to the next report,
    /// unless all that is there is needed.
    function _isLoss(uint256 value, uint256 debt, uint256 need) internal pure returns (bool) {
        return value < debt && (value + DUST < debt || need > value);
    }

    /// Band and target of a strategy's debt in assets: the share it was given, within its cap and what the strategies before
    /// it have `left` of the caps of its risks; what it takes of that is taken off.
    function _band(Strategy storage s, uint256 total, uint256[] memory left)
        internal
        view
        returns (uint256 lower, uint256 target, uint256 upper)
    {
        (uint256 cap, uint256 capBps, uint256 targetBps, uint256 band, uint256 risks) =
            (s.cap, s.capBps, s.targetBps, s.bandBps, s.risks);
        unchecked {
            // No overflow: 128 and 16 bits, and a target is at most what is left.
            cap = FixedPointMathLib.min(cap, total * capBps / BPS);
            target = FixedPointMathLib.min(total * targetBps / BPS, cap);
            band = total * band / BPS;
            if (risks != 0) {
                for (uint256 r; r < left.length; ++r) {
                    if (risks >> r & 1 == 1) target = FixedPointMathLib.min(target, left[r]);
                }
                for (uint256 r; r < left.length; ++r) {
                    if (risks >> r & 1 == 1) left[r] -= target;
                }
            }
            lower = target.zeroFloorSub(band);
            // Of what is on its way out dust may stay.
            upper = cap == 0 ? total * EXIT_BAND_BPS / BPS : FixedPointMathLib.min(target + band, cap);
        }
    }

    /// Most that the strategies bearing each risk may hold together, in assets.
    function _riskCaps(uint256 total) internal view returns (uint256[] memory caps) {
        caps = new uint256[](_debt.risks);
        for (uint256 r; r < caps.length; ++r) {
            Risk storage risk = _risks[r];
            caps[r] = FixedPointMathLib.min(risk.cap, total * risk.capBps / BPS);
        }
    }

    /// What the strategies bearing each risk hold together, in assets.
    function _riskDebts() internal view returns (uint256[] memory debts) {
        debts = new uint256[](_debt.risks);
        uint256 count = _debt.strategies;
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
        uint256 elapsed = block.timestamp - _terms.managementAccrued;
        uint256 fresh = uint256(_debt.total).fullMulDiv(_debt.managementFeeBps * elapsed, BPS * YEAR);
        return FixedPointMathLib.min(_fees.managementOwed + fresh, type(uint128).max);
    }

    function _accrueManagement() internal {
        _fees.managementOwed = uint128(_managementOwed());
        _terms.managementAccrued = uint40(block.timestamp);
    }
}

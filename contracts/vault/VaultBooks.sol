// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {IRegulated} from "../../interfaces/IRegulated.sol";
import {LossBudget} from "../risk/LossBudget.sol";
import {Probe} from "../risk/Probe.sol";
import {VaultState} from "./VaultState.sol";

/// @title VaultBooks
/// @notice What a vault does with its strategies: reports, moves, exits that draw on them.
/// @dev Code of a vault, run by delegatecall on the vault's storage; alone it does nothing. Who may call what, units and
/// errors stand in IVault.
/// @dev WHO PAYS for a move: a keeper's move takes it off the loss budget, an exit off what the leaving holder gets, a
/// revocation or removal off everybody's assets.
contract VaultBooks is VaultState {
    using FixedPointMathLib for uint256;
    using LossBudget for LossBudget.Bucket;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    /// Profit is booked at most once in this time, so that rounding cannot starve it.
    uint256 private constant PROFIT_INTERVAL = 1 hours;
    /// One part in this many of a move, and `MOVE_DUST` units, are rounding and not a loss.
    uint256 private constant MOVE_TOLERANCE = 1e6;
    uint256 private constant MOVE_DUST = 4;

    address private immutable _self = address(this);

    error OnlyDelegated();

    /// A vault's code, not a vault.
    modifier delegated() {
        if (address(this) == _self) revert OnlyDelegated();
        _;
    }

    /* ANYONE */

    function report() external delegated nonReentrant returns (uint256 profit, uint256 loss) {
        if (_entered) revert DepositedInTransaction();
        return _report();
    }

    function rebalance() external delegated nonReentrant {
        if (_entered) revert DepositedInTransaction();
        bool due = _debt.total > 0 && block.timestamp - _clock.reported > _terms.reportPeriod;
        if (!due && !_outOfBand(_ledger.assets, _targets(_ledger.assets))) revert IRegulated.InBand();
        _report();
        uint256 total = _ledger.assets;
        uint256[] memory targets = _targets(total);
        if (!_outOfBand(total, targets)) return;
        uint256 before = _distance(targets);
        _moveTo(targets, total);
        uint256 afterwards = _distance(targets);
        if (afterwards > before || (afterwards == before && !due)) revert IRegulated.NotCloser(before, afterwards);
    }

    /* THE VAULT ITSELF, FOR AN EXIT */

    /// Books what an exit must know: the losses of the volatile strategies, and of those it draws on in queue order to make
    /// `amount` (of shares or of assets) idle as far as they allow.
    /// @return cost What freeing cost beyond what was freed; it is not in the books yet.
    /// @return absent Debt of volatile strategies that cannot be read; to who leaves it is worth nothing.
    function draw(uint256 amount, bool inShares) external delegated returns (uint256 cost, uint256 absent) {
        uint256 count = _queue.length;
        if (_lock.volatiles > 0) {
            for (uint256 i; i < count; ++i) {
                Strategy storage s = _strategies[_queue[i]];
                if (s.isVolatile) absent += _mark(_queue[i], s);
            }
        }
        if (inShares) {
            (uint256 supply, uint256 net) = _rateWithout(absent);
            amount = _toAssetsDown(amount, supply, net);
        }
        uint256 held = _idle();
        uint256 need = amount > held ? amount - held : 0;
        for (uint256 i; i < count && need > 0; ++i) {
            address strategy_ = _queue[i];
            Strategy storage s = _strategies[strategy_];
            if (s.debt == 0) continue;
            (uint256 freed, uint256 lost) = _takeBack(strategy_, s, need);
            need -= FixedPointMathLib.min(need, freed);
            cost += lost;
        }
        // More than the exit is worth it cannot bear.
        if (cost > amount) {
            _bookLoss(cost - amount);
            cost = amount;
        }
    }

    /// Burns `shares` of `holder` for its part of the idle assets and of the strategies' shares. Rounded down throughout.
    /// @return due What the shares are worth in assets, after losses.
    /// @return assets Idle assets, still to be paid.
    /// @return worth Value of what left the books, the rest of `due` was not handed over.
    function takeInKind(uint256 shares, address receiver, address holder)
        external
        delegated
        returns (uint256 due, uint256 assets, uint256 worth, uint256[] memory strategyShares)
    {
        if (_entered) revert DepositedInTransaction();
        uint256 count = _queue.length;
        for (uint256 i; i < count; ++i) {
            _mark(_queue[i], _strategies[_queue[i]]);
        }
        (uint256 supply, uint256 net) = _rate();
        due = _toAssetsDown(shares, supply, net);
        uint256 total = _ledger.assets;
        if (total > 0) assets = _idle().fullMulDiv(due, total);
        _move(holder, address(0), shares);
        (strategyShares, worth) = _handOver(due, total, receiver);
        worth += assets;
        _setLedger(supply - shares, total - worth);
    }

    /* GUARDIAN OR OWNER */

    function revoke(address strategy_) external delegated nonReentrant onlyTightener {
        Strategy storage s = _strategies[strategy_];
        if (!s.listed) revert NotListed(strategy_);
        _retire(strategy_, s);
        _report();
        _bookLoss(_recall(strategy_, s));
    }

    function shutdown() external delegated nonReentrant onlyTightener {
        _lock.paused = true;
        _lock.flags |= SHUTDOWN;
        uint256 count = _queue.length;
        for (uint256 i; i < count; ++i) {
            _retire(_queue[i], _strategies[_queue[i]]);
        }
        emit Shutdown();
    }

    /* OWNER */

    function removeStrategy(address strategy_, uint256 maxLoss) external delegated nonReentrant onlyOwner {
        Strategy storage s = _strategies[strategy_];
        if (!s.listed) revert NotListed(strategy_);
        uint256 loss = _settle(strategy_, s, _redeem(strategy_, s));
        if (loss > maxLoss) revert OverLimit(loss, maxLoss);
        _bookLoss(loss);
        if (s.isVolatile) --_lock.volatiles;
        // Shares that it does not let go are remembered: added again, the strategy still owes for them.
        uint128 left = s.shares;
        delete _strategies[strategy_];
        s.shares = left;
        uint256 count = _queue.length;
        // Order is kept: later strategies move up by one.
        bool found;
        for (uint256 i; i < count; ++i) {
            if (found) _queue[i - 1] = _queue[i];
            else found = _queue[i] == strategy_;
        }
        _queue.pop();
        emit StrategyRemoved(strategy_, loss);
    }

    /* INTERNAL: WEIGHTS */

    function _outOfBand(uint256 total, uint256[] memory targets) private view returns (bool) {
        for (uint256 i; i < targets.length; ++i) {
            Strategy storage s = _strategies[_queue[i]];
            (uint256 lower, uint256 upper) = _band(s, total, targets[i]);
            if (s.debt < lower || s.debt > upper) return true;
        }
        uint256[] memory caps = _riskCaps(total);
        if (caps.length == 0) return false;
        uint256[] memory debts = _riskDebts();
        for (uint256 r; r < caps.length; ++r) {
            if (debts[r] > caps[r] + total * EXIT_BAND_BPS / BPS) return true;
        }
        return false;
    }

    /// Sum over the strategies of what separates them from their targets, in assets.
    function _distance(uint256[] memory targets) private view returns (uint256 sum) {
        for (uint256 i; i < targets.length; ++i) {
            sum += FixedPointMathLib.dist(_strategies[_queue[i]].debt, targets[i]);
        }
    }

    /// Assets come home first, then go out. What is lost on the way is booked, and must fit in the loss budget.
    function _moveTo(uint256[] memory targets, uint256 total) private {
        uint256 room = _lossBudget.available().fullMulDiv(total, WAD);
        uint256 lost;
        for (uint256 i; i < targets.length; ++i) {
            address strategy_ = _queue[i];
            Strategy storage s = _strategies[strategy_];
            uint256 debt = s.debt;
            if (targets[i] == 0) {
                lost += _recall(strategy_, s);
            } else if (debt > targets[i]) {
                (, uint256 cost) = _takeBack(strategy_, s, debt - targets[i]);
                lost += cost;
            }
        }
        for (uint256 i; i < targets.length; ++i) {
            address strategy_ = _queue[i];
            Strategy storage s = _strategies[strategy_];
            if (s.debt >= targets[i]) continue;
            uint256 held = _idle();
            held -= FixedPointMathLib.min(held, lost); // not in the books yet
            uint256 most = FixedPointMathLib.min(targets[i] - s.debt, held);
            lost += _place(strategy_, s, most, room > lost ? room - lost : 0);
        }
        _lossBudget.spend(lost, total);
        _bookLoss(lost);
    }

    function _retire(address strategy_, Strategy storage s) private {
        s.cap = 0;
        s.targetBps = 0;
        s.bandBps = EXIT_BAND_BPS;
        emit CapSet(strategy_, 0, s.capBps);
        emit WeightSet(strategy_, 0, EXIT_BAND_BPS);
    }

    /* INTERNAL: MOVES */

    /// Books the strategy's loss, if it has one. Returns its debt when it cannot be read.
    function _mark(address strategy_, Strategy storage s) private returns (uint256 absent) {
        uint256 debt = s.debt;
        if (debt == 0) return 0;
        (bool readable, uint256 value) = _worth(strategy_, s.shares);
        if (!readable) {
            emit StrategySkipped(strategy_);
            return debt;
        }
        if (value < debt) _bookStrategyLoss(strategy_, s, debt - value);
    }

    /// Books the strategy's loss, then withdraws up to `assets` of its debt. Passes over what reverts.
    /// @return freed Assets that came.
    /// @return cost What left the strategy besides: shares burnt for nothing, assets that did not come. Not booked.
    function _takeBack(address strategy_, Strategy storage s, uint256 assets)
        private
        returns (uint256 freed, uint256 cost)
    {
        (bool readable, uint256 debt, uint256 value, uint256 free) = _quote(strategy_);
        if (!readable) {
            emit StrategySkipped(strategy_);
            return (0, 0);
        }
        if (value < debt) {
            _bookStrategyLoss(strategy_, s, debt - value);
            debt = value;
        }
        uint256 asked = FixedPointMathLib.min(assets, free);
        if (asked == 0) return (0, 0);

        uint256 before = _held();
        (bool ok, uint256 burned) =
            Probe.call(strategy_, CALL_GAS, abi.encodeCall(IERC4626.withdraw, (asked, address(this), address(this))));
        freed = FixedPointMathLib.min(_held() - before, asked); // more than asked is a gift, which changes nothing
        uint256 shares = s.shares;
        if (!ok) {
            if (freed == 0) {
                emit StrategySkipped(strategy_);
                return (0, 0);
            }
            burned = shares.fullMulDivUp(asked, value); // it paid without saying for how many shares
        }
        burned = FixedPointMathLib.min(burned, shares);
        s.shares = uint128(shares - burned);

        cost = asked - freed;
        debt -= asked;
        // What it owes from now on must be covered by the shares that are left.
        uint256 covered = value.fullMulDiv(shares - burned, shares);
        if (debt > covered + asked / MOVE_TOLERANCE + MOVE_DUST) {
            cost += debt - covered;
            debt = covered;
        }
        _setTotalDebt(_debt.total - (s.debt - debt));
        s.debt = uint128(debt);
        if (cost > 0) emit StrategyShort(strategy_, asked, cost);
        emit Allocated(strategy_, -int256(asked), debt);
    }

    /// Deposits up to `assets` into the strategy, as far as it takes them. Passes over one that reverts, cannot be read, or
    /// says that the move would cost more than `room`; reverts when it did so without saying.
    /// @return lost What the new shares are worth less than the assets, rounding left out. Not booked.
    function _place(address strategy_, Strategy storage s, uint256 assets, uint256 room)
        private
        returns (uint256 lost)
    {
        (bool ok, uint256 word) = Probe.read(strategy_, READ_GAS, abi.encodeCall(IERC4626.maxDeposit, (address(this))));
        assets = ok ? FixedPointMathLib.min(assets, word) : 0;
        if (assets == 0) return 0;
        uint256 dust = assets / MOVE_TOLERANCE + MOVE_DUST;
        (ok, word) = Probe.read(strategy_, READ_GAS, abi.encodeCall(IERC4626.previewDeposit, (assets)));
        uint256 valued;
        if (ok) (ok, valued) = _worth(strategy_, word);
        if (!ok || word == 0 || valued + dust + room < assets) {
            emit StrategySkipped(strategy_);
            return 0;
        }

        IERC20 token = _token;
        uint256 before = _held();
        token.forceApprove(strategy_, assets);
        (ok, word) = Probe.call(strategy_, CALL_GAS, abi.encodeCall(IERC4626.deposit, (assets, address(this))));
        uint256 sent = before - _held();
        if (sent != (ok ? assets : 0)) revert UnexpectedTransfer(assets, sent);
        if (!ok) {
            token.forceApprove(strategy_, 0);
            emit StrategySkipped(strategy_);
            return 0;
        }
        (, valued) = _worth(strategy_, word);
        if (valued + dust + room < assets) revert MoveLoss(strategy_, assets, valued);
        if (valued + dust < assets) lost = assets - valued;

        s.shares = (s.shares + word).toUint128();
        uint256 debt = s.debt + assets - lost;
        s.debt = uint128(debt); // fits: debts are part of the ledger's assets
        _setTotalDebt(_debt.total + assets - lost);
        emit Allocated(strategy_, int256(assets), debt);
    }

    /// Sends shares of every strategy that are worth `part` of `whole` of its debt; none where they are not handed over.
    /// @return shares In queue order.
    /// @return worth Debt that went with them.
    function _handOver(uint256 part, uint256 whole, address receiver)
        private
        returns (uint256[] memory shares, uint256 worth)
    {
        shares = new uint256[](_queue.length);
        for (uint256 i; i < shares.length; ++i) {
            Strategy storage s = _strategies[_queue[i]];
            uint256 debt = uint256(s.debt);
            if (debt == 0) continue;
            debt = debt.fullMulDiv(part, whole);
            shares[i] = _handOver(_queue[i], s, debt, receiver);
            if (shares[i] > 0) worth += debt;
        }
    }

    /// Sends shares of the strategy that are worth `part` of its debt. None when it does not hand them over.
    function _handOver(address strategy_, Strategy storage s, uint256 part, address receiver)
        private
        returns (uint256 shares)
    {
        (bool readable, uint256 value) = _worth(strategy_, s.shares);
        uint256 debt = s.debt;
        // Where its worth is unknown, the debt is what there is to go by.
        shares = uint256(s.shares).fullMulDiv(part, readable && value > debt ? value : debt);
        if (shares == 0) return 0;
        (bool ok, uint256 word) = Probe.call(strategy_, CALL_GAS, abi.encodeCall(IERC20.transfer, (receiver, shares)));
        if (!ok || word != 1) {
            emit StrategySkipped(strategy_);
            return 0;
        }
        s.shares -= uint128(shares);
        s.debt = uint128(debt - part);
        _setTotalDebt(_debt.total - part);
        emit InKind(strategy_, receiver, shares, part);
    }

    /// Takes back all that a strategy has of the vault's, profit included; what it frees when it does not free all.
    /// @return cost As `_takeBack`.
    function _recall(address strategy_, Strategy storage s) private returns (uint256 cost) {
        if (s.shares == 0) return 0;
        (bool ok, uint256 word) = Probe.read(strategy_, READ_GAS, abi.encodeCall(IERC4626.maxRedeem, (address(this))));
        if (!ok || word < s.shares) {
            if (s.debt > 0) (, cost) = _takeBack(strategy_, s, s.debt);
            return cost;
        }
        uint256 received = _redeem(strategy_, s);
        // One that did not let go still owes.
        return s.shares > 0 ? 0 : _settle(strategy_, s, received);
    }

    /// Redeems the vault's shares of a strategy, as far as it lets them go. Books nothing.
    function _redeem(address strategy_, Strategy storage s) private returns (uint256 received) {
        uint256 before = _held();
        (bool ok, uint256 shares) =
            Probe.read(strategy_, READ_GAS, abi.encodeCall(IERC4626.maxRedeem, (address(this))));
        shares = ok ? FixedPointMathLib.min(shares, s.shares) : 0;
        if (shares > 0) {
            (ok,) = Probe.call(
                strategy_, CALL_GAS, abi.encodeCall(IERC4626.redeem, (shares, address(this), address(this)))
            );
            received = _held() - before;
            // One that paid has taken its shares, whatever it answered.
            if (ok || received > 0) s.shares -= uint128(shares);
            else emit StrategySkipped(strategy_);
        }
    }

    /// Ends a strategy's debt for `received` assets. What is over it is profit, and booked.
    /// @return missing What is under it. Not booked.
    function _settle(address strategy_, Strategy storage s, uint256 received) private returns (uint256 missing) {
        uint256 owed = s.debt;
        s.debt = 0;
        _setTotalDebt(_debt.total - owed);
        emit Allocated(strategy_, -int256(received), 0);
        if (received > owed) _bookProfit(received - owed);
        else missing = owed - received;
        emit Reported(strategy_, received > owed ? received - owed : 0, missing, 0);
    }

    /// Tokens at this address, to measure a transfer by; never used as a balance.
    function _held() private view returns (uint256) {
        return _token.balanceOf(address(this));
    }

    /* INTERNAL: PROFIT, LOSS, FEES */

    /// Losses before profits, so that no order of reports can charge a fee on a profit that a loss has eaten.
    function _report() private returns (uint256 profit, uint256 loss) {
        uint256 elapsed = block.timestamp - _clock.profitBooked;
        bool books = elapsed >= PROFIT_INTERVAL;
        uint256 most = books
            ? (uint256(_debt.total) + _fees.deficit).fullMulDiv(_lock.growthCapBps * elapsed, BPS * YEAR)
            : 0;
        uint256 count = _queue.length;
        uint256[] memory gains = new uint256[](count);
        for (uint256 i; i < count; ++i) {
            address strategy_ = _queue[i];
            Strategy storage s = _strategies[strategy_];
            uint256 debt = s.debt;
            (bool readable, uint256 value) = _worth(strategy_, s.shares);
            if (!readable) {
                emit StrategySkipped(strategy_);
            } else if (value < debt) {
                loss += debt - value;
                _bookStrategyLoss(strategy_, s, debt - value);
            } else {
                gains[i] = FixedPointMathLib.min(value - debt, most);
                most -= gains[i];
                profit += gains[i];
            }
        }
        _clock.reported = uint40(block.timestamp);
        if (books) _clock.profitBooked = uint40(block.timestamp);
        if (profit == 0) return (0, loss);
        for (uint256 i; i < count; ++i) {
            if (gains[i] == 0) continue;
            Strategy storage s = _strategies[_queue[i]];
            s.debt = (s.debt + gains[i]).toUint128();
            emit Reported(_queue[i], gains[i], 0, s.debt);
        }
        _setTotalDebt(_debt.total + profit);
        _bookProfit(profit);
    }

    function _bookStrategyLoss(address strategy_, Strategy storage s, uint256 loss) private {
        uint256 debt = s.debt - loss;
        s.debt = uint128(debt);
        _setTotalDebt(_debt.total - loss);
        _bookLoss(loss);
        emit Reported(strategy_, 0, loss, debt);
    }

    /// Takes `loss` off the assets; the locked profit bears it first.
    function _bookLoss(uint256 loss) private {
        if (loss == 0) return;
        uint256 locked = _locked();
        uint256 assets = _ledger.assets - loss;
        _setLedger(_ledger.shares, assets);
        _fees.deficit = (_fees.deficit + loss).toUint128();
        locked = locked > loss ? locked - loss : 0;
        _setLock(locked, _lock.until, assets - locked);
    }

    /// Adds `profit` to the assets, mints the fees out of it, and locks the rest.
    function _bookProfit(uint256 profit) private {
        (uint256 supply, uint256 net) = _rate();
        uint256 assets = _ledger.assets;
        uint256 locked = assets - net;

        assets += profit;
        uint256 feeShares = _takeFees(supply, assets, profit);
        _setLedger(supply + feeShares, assets);

        // What the new shares are worth now is unlocked at once, so that they do not lower the price. The older profit
        // keeps its pace, as far as the period explains it: the new end is the average of both ends, by amount.
        uint256 fresh = profit - _toAssetsUp(feeShares, supply, net);
        // After a total loss nobody could have come for it: what returns belongs to the holders at once.
        if (_priceless(supply, net)) fresh = 0;
        uint256 period = _terms.unlockPeriod;
        uint256 left = FixedPointMathLib.min(FixedPointMathLib.zeroFloorSub(_lock.until, block.timestamp), period);
        left = locked * left + fresh * period;
        locked += fresh;
        if (locked > 0) left /= locked;
        _setLock(locked, block.timestamp + left, assets - locked);
    }

    /// Performance fee on what the deficit leaves of the profit, then the management fee owed, at most half of the rest.
    /// Rounded down. `assets` hold the profit already; the shares minted will be worth the fee once all is unlocked.
    function _takeFees(uint256 supply, uint256 assets, uint256 profit) private returns (uint256 feeShares) {
        if (supply == 0) return 0; // a profit that belongs to nobody
        uint256 missing = _fees.deficit;
        uint256 recovered = FixedPointMathLib.min(missing, profit);
        if (recovered > 0) _fees.deficit = uint128(missing - recovered);
        uint256 fee = (profit - recovered) * _terms.performanceFeeBps / BPS;
        uint256 owed = _fees.managementOwed;
        uint256 paid = FixedPointMathLib.min(owed, (profit - fee) / 2);
        fee += paid;
        if (fee == 0) return 0;
        feeShares = _toSharesDown(fee, supply, assets - fee);
        if (supply + feeShares > type(uint128).max) return 0; // after a nearly total loss: a report must not fail over a fee
        _fees.managementOwed = uint128(owed - paid);
        _move(address(0), _terms.feeRecipient, feeShares);
        emit FeesTaken(fee, feeShares);
    }

    /// The management fee of the time before is charged on the debt of that time.
    function _setTotalDebt(uint256 total) private {
        if (_terms.managementFeeBps > 0) _accrueManagement();
        _debt.total = total.toUint128();
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";
import {ILimits} from "../../interfaces/ILimits.sol";
import {IRegulated} from "../../interfaces/IRegulated.sol";
import {IVault} from "../../interfaces/IVault.sol";
import {IVaultLimits} from "../../interfaces/IVaultLimits.sol";
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
    using SafeTransferLib for address;

    /// Profit is booked at most once in this time, so that rounding cannot starve the fees.
    uint256 private constant PROFIT_INTERVAL = 1 hours;
    /// One part in this many of a move, and dust, are rounding and not a loss.
    uint256 private constant MOVE_TOLERANCE = 1e6;
    /// All that a strategy has of the vault's, profit included.
    uint256 private constant ALL = type(uint256).max;

    address private immutable _self = address(this);

    error OnlyDelegated();

    /// What taking assets back from strategies lost.
    struct Toll {
        /// What the shares were worth beyond what came for them: somebody has to pay for it.
        uint256 cost;
        /// The part of it that was in the books, and is not taken off them yet.
        uint256 gone;
    }

    /// A strategy before a move.
    struct Position {
        uint256 debt;
        uint256 value;
        uint256 shares;
    }

    /// A vault's code, not a vault.
    modifier delegated() {
        if (address(this) == _self) revert OnlyDelegated();
        _;
    }

    /* ANYONE */

    function report() external delegated nonReentrant returns (uint256 profit, uint256 loss) {
        if (_entered != 0) revert DepositedInTransaction();
        return _report();
    }

    function rebalance() external delegated nonReentrant {
        if (_entered != 0) revert DepositedInTransaction();
        (bool due, bool bounded) = _isDue();
        if (due) _report();
        if (!bounded) return _rebalance(due);
        (IVaultLimits limits, IVault vault) = (IVaultLimits(_limits), IVault(address(this)));
        ILimits.Measures memory was = limits.measure(vault, _ledger.assets);
        _rebalance(due);
        limits.check(vault, _ledger.assets, was);
    }

    /* THE VAULT ITSELF, FOR A REBALANCE */

    /// `_move` in a call of its own, so that what fails is undone as a whole and stops no other move.
    function move(address strategy_, uint256 target, uint256 total, IERC20) external delegated {
        Strategy storage s = _strategies[strategy_];
        _move(strategy_, s, s.debt, target, total);
    }

    /* THE VAULT ITSELF, FOR AN EXIT */

    /// Books what an exit must know: the losses of the volatile strategies, and of those it draws on in queue order to make
    /// `amount` (of shares or of assets) idle as far as they allow. Unless `atAnyCost`, reverts when that costs what no preview
    /// could know.
    /// @param stored What the amount would fetch (assets), or cost (shares), if there were no losses.
    /// @return price Assets that the shares fetch (rounded down), or shares that the assets cost (rounded up).
    /// @return gone What freeing cost, to be taken off the assets with the payment.
    /// @return kept What who leaves leaves to the others: it was not in the price.
    function draw(uint256 amount, uint256 stored, bool inShares, address holder, bool atAnyCost, IERC20)
        external
        delegated
        returns (uint256 price, uint256 gone, uint256 kept)
    {
        uint256 total = _ledger.assets;
        uint256 absent = _markVolatiles();
        uint256 due = inShares ? stored : amount;
        if (inShares && (absent > 0 || _ledger.assets != total)) due = _worthWithout(absent, amount);
        uint256 free = type(uint256).max;
        if (_debt.marks & WAITING != 0) free = _liquidity(holder);
        uint256 cost;
        (cost, gone) = _free(due);
        if (absent | cost | gone == 0 && _ledger.assets == total) {
            // Nothing is lost: the stored price holds.
            price = stored;
        } else {
            if (cost > 0 && !atAnyCost) revert LossTooHigh(cost.fullMulDivUp(BPS, due), 0);
            (price, gone, kept) = _price(amount, inShares, absent, cost, gone);
            if (inShares) {
                // No more than was made idle: a unit that rounding brought, and that an absent debt is less by, stays.
                if (price > due) (price, kept) = (due, kept + price - due);
                // What is paid, not what would have been before the losses.
                due = price;
            }
        }
        if (due > free) revert InsufficientLiquidity(due, free);
    }

    /// Burns `shares` of `holder` for its part of the idle assets and of the strategies' shares. Rounded down throughout.
    /// @return due What the shares are worth in assets, after losses.
    /// @return assets Idle assets, still to be paid.
    /// @return worth Value of what left the books, the rest of `due` was not handed over.
    function takeInKind(uint256 shares, address receiver, address holder, IERC20)
        external
        delegated
        returns (uint256 due, uint256 assets, uint256 worth, uint256[] memory strategyShares)
    {
        if (_entered != 0) revert DepositedInTransaction();
        uint256 count = _debt.strategies;
        for (uint256 i; i < count; ++i) {
            _mark(_queue[i], _strategies[_queue[i]]);
        }
        (uint256 supply, uint256 net) = _rate();
        due = _toAssetsDown(shares, supply, net);
        uint256 total = _ledger.assets;
        // What is kept for those who wait is not given away.
        if (total > 0) assets = FixedPointMathLib.min(_idle().fullMulDiv(due, total), _unreserved(_idle(), holder));
        _burnFrom(holder, shares);
        (strategyShares, worth) = _handOver(due - assets, _debt.total, receiver);
        worth += assets;
        _setLedger(supply - shares, total - worth);
    }

    /* GUARDIAN OR OWNER */

    function revoke(address strategy_) external delegated nonReentrant onlyTightener {
        Strategy storage s = _listed(strategy_);
        _retire(strategy_, s);
        _report();
        Toll memory toll;
        _takeBack(strategy_, s, ALL, toll);
        _bookLoss(toll.gone);
    }

    function shutdown() external delegated nonReentrant onlyTightener {
        _lock.flags |= PAUSED | SHUTDOWN;
        // What comes home may leave more exposure behind, unhedged: no limit may hold it back.
        _debt.marks &= ~BOUNDED;
        _limits = address(0);
        uint256 count = _debt.strategies;
        for (uint256 i; i < count; ++i) {
            _retire(_queue[i], _strategies[_queue[i]]);
        }
        emit Shutdown();
    }

    /* OWNER */

    function removeStrategy(address strategy_, uint256 maxLoss) external delegated nonReentrant onlyOwner {
        Strategy storage s = _listed(strategy_);
        uint256 before = _ledger.assets;
        Toll memory toll;
        _takeBack(strategy_, s, ALL, toll);
        _changeTotalDebt(0, s.debt);
        _bookLoss(toll.gone + s.debt);
        uint256 loss = before.zeroFloorSub(_ledger.assets);
        if (loss > maxLoss) revert OverLimit(loss, maxLoss);

        // Shares that it does not let go are remembered: added again, the strategy still owes for them.
        uint128 left = s.shares;
        delete _strategies[strategy_];
        s.shares = left;
        uint256 last = _debt.strategies - 1;
        // Order is kept: later strategies move up by one.
        bool found;
        uint8 volatiles;
        for (uint256 i; i < last; ++i) {
            found = found || _queue[i] == strategy_;
            if (found) _queue[i] = _queue[i + 1];
            if (_strategies[_queue[i]].isVolatile) volatiles = VOLATILE;
        }
        _queue[last] = address(0);
        _lock.flags = _lock.flags & ~VOLATILE | volatiles;
        _debt.strategies = uint8(last);
        emit StrategyRemoved(strategy_, loss);
    }

    /* INTERNAL: WEIGHTS */

    /// Whether something is at work and the last report is long ago, and whether exposure is limited.
    function _isDue() private view returns (bool due, bool bounded) {
        (uint256 debt, uint256 reported, uint256 period, uint256 marks) =
            (_debt.total, _debt.reported, _debt.reportPeriod, _debt.marks);
        unchecked {
            due = debt > 0 && block.timestamp - reported > period; // the last report is past
        }
        bounded = marks & BOUNDED != 0;
    }

    /// Brings the weights back; when it was `due`, the vault has just reported.
    function _rebalance(bool due) private {
        uint256 total = _ledger.assets;
        (uint256[] memory targets, uint256 before, bool out, bool excess, bool retired) = _survey(total);
        if (!out) {
            if (due) return;
            revert IRegulated.InBand();
        }
        if (retired && !due) {
            // Their profit will be booked, and must not be before the others' losses are.
            _report();
            total = _ledger.assets;
            (targets, before,, excess,) = _survey(total);
        }
        // A move that fails must stop no other, nor a report. A lone one has none to stop: without it all is refused anyway.
        bool lone = targets.length == 1 && !due;
        // Assets come home first, then go out.
        if (excess) {
            _moveAll(targets, total, false, lone);
            if (_ledger.assets < total) {
                // A strategy had a loss, or a move cost something: that changes what the others should have.
                total = _ledger.assets;
                (targets, before,,,) = _survey(total);
                (due, lone) = (true, false);
            }
        }
        uint256 afterwards = _moveAll(targets, total, true, lone);
        if (afterwards > before || (afterwards == before && !due)) revert IRegulated.NotCloser(before, afterwards);
    }

    /// What there is to do.
    /// @return targets Where the strategies should be, in queue order.
    /// @return distance How far they are from it, in sum.
    /// @return out One is out of its band, or a risk over its cap.
    /// @return excess One has more than it should.
    /// @return retired One that should have nothing still has something.
    function _survey(uint256 total)
        private
        view
        returns (uint256[] memory targets, uint256 distance, bool out, bool excess, bool retired)
    {
        (uint256 count, uint256 risks) = (_debt.strategies, _debt.risks);
        uint256[] memory left;
        if (risks > 0) left = _riskCaps(total);
        targets = new uint256[](count);
        for (uint256 i; i < targets.length; ++i) {
            Strategy storage s = _strategies[_queue[i]];
            (uint256 lower, uint256 target, uint256 upper) = _band(s, total, left);
            uint256 debt = s.debt;
            if (debt < lower || debt > upper) out = true;
            if (debt > target) excess = true;
            if (target == 0 && s.shares > 0) excess = retired = true;
            targets[i] = target;
            unchecked {
                distance += FixedPointMathLib.dist(debt, target); // 128 bits each
            }
        }
        if (!out && left.length > 0) out = _exceedsRisk(total);
    }

    /// Whether the strategies that bear a risk hold more than they may.
    function _exceedsRisk(uint256 total) private view returns (bool) {
        uint256[] memory caps = _riskCaps(total);
        uint256[] memory debts = _riskDebts();
        for (uint256 r; r < caps.length; ++r) {
            if (debts[r] > caps[r] + total * EXIT_BAND_BPS / BPS) return true;
        }
        return false;
    }

    /// Moves the strategies that have too little (`outward`), or those that have too much. Passes over what fails, unless it is
    /// the `lone` move of a rebalance.
    /// @return distance What separates the strategies from their targets after it, in sum.
    function _moveAll(uint256[] memory targets, uint256 total, bool outward, bool lone)
        private
        returns (uint256 distance)
    {
        for (uint256 i; i < targets.length; ++i) {
            address strategy_ = _queue[i];
            Strategy storage s = _strategies[strategy_];
            uint256 target = targets[i];
            uint256 debt = s.debt;
            if (outward ? debt < target : debt > target || (target == 0 && s.shares > 0)) {
                if (lone) _move(strategy_, s, debt, target, total);
                else _tryMove(strategy_, target, total);
                debt = s.debt;
            }
            unchecked {
                distance += FixedPointMathLib.dist(debt, target); // 128 bits each
            }
        }
    }

    /// Moves a strategy, or passes over it.
    function _tryMove(address strategy_, uint256 target, uint256 total) private {
        (bool ok, bytes memory why) =
            _self.delegatecall(abi.encodeCall(this.move, (strategy_, target, total, _token())));
        if (ok) return;
        // Out of gas says nothing: nobody can have a move passed over by bringing too little.
        if (why.length == 0 || bytes4(why) == Probe.NotEnoughGas.selector) revert Probe.NotEnoughGas(CALL_GAS);
        emit StrategySkipped(strategy_);
    }

    /// Brings a strategy's `debt` to `target`, as far as it lets. What that loses is booked and taken off the loss budget, as a
    /// share of `total`.
    function _move(address strategy_, Strategy storage s, uint256 debt, uint256 target, uint256 total) private {
        if (debt < target) {
            _place(strategy_, s, FixedPointMathLib.min(target - debt, _spare()), total);
        } else {
            Toll memory toll;
            _takeBack(strategy_, s, target == 0 ? ALL : debt - target, toll);
            _lossBudget.spend(toll.cost, total);
            _bookLoss(toll.gone);
        }
    }

    /// Idle assets, which are first of all theirs who wait.
    function _spare() private view returns (uint256) {
        (uint256 debt, uint256 marks) = (_debt.total, _debt.marks);
        uint256 idle;
        unchecked {
            idle = _ledger.assets - debt; // which is part of the assets
        }
        return marks & WAITING != 0 ? _unreserved(idle, address(0)) : idle;
    }

    /// What of `room` the risks leave: another strategy that bears one may hold more than it should, and be stuck with it.
    function _riskRoom(uint256 risks, uint256 room, uint256 total) private view returns (uint256) {
        uint256[] memory caps = _riskCaps(total);
        uint256[] memory debts = _riskDebts();
        for (uint256 r; r < caps.length; ++r) {
            if (risks >> r & 1 == 1) room = FixedPointMathLib.min(room, caps[r].zeroFloorSub(debts[r]));
        }
        return room;
    }

    function _listed(address strategy_) private view returns (Strategy storage s) {
        s = _strategies[strategy_];
        if (!s.listed) revert NotListed(strategy_);
    }

    function _retire(address strategy_, Strategy storage s) private {
        s.cap = 0;
        s.targetBps = 0;
        s.bandBps = EXIT_BAND_BPS;
        emit CapSet(strategy_, 0, s.capBps);
        emit WeightSet(strategy_, 0, EXIT_BAND_BPS);
    }

    /* INTERNAL: MARKS */

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

    /// Debt of the volatile strategies that cannot be read: to who leaves it is worth nothing.
    function _markVolatiles() private returns (uint256 absent) {
        if (_lock.flags & VOLATILE == 0) return 0;
        uint256 count = _debt.strategies;
        for (uint256 i; i < count; ++i) {
            Strategy storage s = _strategies[_queue[i]];
            if (s.isVolatile) absent += _mark(_queue[i], s);
        }
    }

    /// What `draw` returns, after losses and for a `cost` of which `gone` was in the books.
    function _price(uint256 amount, bool inShares, uint256 absent, uint256 cost, uint256 gone)
        private
        returns (uint256 price, uint256, uint256 kept)
    {
        uint256 due = inShares ? _worthWithout(absent, amount) : amount;
        cost = FixedPointMathLib.min(cost, due);
        if (inShares) {
            price = due - cost;
        } else {
            due += cost;
            (uint256 supply, uint256 net) = _rateWithout(absent);
            price = amount = _toSharesUp(due, supply, net);
        }
        // More than the exit is worth it cannot bear.
        if (gone > cost) {
            _bookLoss(gone - cost);
            gone = cost;
        }
        kept = cost - gone;
        if (absent > 0) kept += _worthWithout(0, amount).zeroFloorSub(due);
        return (price, gone, kept);
    }

    /// Worth of `shares` when `absent` assets are worth nothing. Rounded down.
    function _worthWithout(uint256 absent, uint256 shares) private view returns (uint256) {
        (uint256 supply, uint256 net) = _rateWithout(absent);
        return _toAssetsDown(shares, supply, net);
    }

    /* INTERNAL: MOVES */

    /// Makes `assets` idle if the strategies allow it, in queue order.
    function _free(uint256 assets) private returns (uint256 cost, uint256 gone) {
        uint256 need = assets.zeroFloorSub(_idle());
        uint256 count = _debt.strategies;
        Toll memory toll;
        for (uint256 i; i < count && need > 0; ++i) {
            address strategy_ = _queue[i];
            Strategy storage s = _strategies[strategy_];
            if (s.debt > 0) need = need.zeroFloorSub(_takeBack(strategy_, s, need, toll));
        }
        return (toll.cost, toll.gone);
    }

    /// Books the strategy's loss, then redeems shares worth up to `assets` of its debt, or all. Passes over what reverts.
    /// @return freed Assets that came.
    function _takeBack(address strategy_, Strategy storage s, uint256 assets, Toll memory toll)
        private
        returns (uint256 freed)
    {
        (uint256 debt, uint256 shares) = (s.debt, s.shares);
        if (shares == 0) return 0;
        (bool ok, uint256 value) = _worth(strategy_, shares);
        if (!ok) {
            emit StrategySkipped(strategy_);
            if (assets != ALL) return 0;
            value = debt;
        } else if (_isLoss(value, debt, assets)) {
            _bookStrategyLoss(strategy_, s, debt - value);
            debt = value;
        }
        uint256 left = _redeemable(strategy_, shares);
        if (assets != ALL) {
            if (value == 0) return 0;
            // One with several positions rounds each of them down: a part brings a few units less than its share of the whole.
            if (s.isVolatile) assets += 2 * DUST;
            assets = FixedPointMathLib.min(assets, FixedPointMathLib.min(left.mulDiv(value, shares), debt));
            left = assets.mulDivUp(shares, value);
        }
        if (left == 0) return 0;
        (ok, freed) = _redeem(strategy_, left, shares, toll.gone);
        if (!ok) {
            emit StrategySkipped(strategy_);
            return 0;
        }
        left = shares - left;
        _settle(strategy_, s, Position(debt, value, shares), left, freed, toll);
    }

    /// Redeems `shares` of the strategy, which says what it pays; no more counts than is here beyond the idle assets. One that
    /// answers nothing has taken them if it `had` more shares of the vault's.
    /// @param gone What is missing from the idle assets.
    function _redeem(address strategy_, uint256 shares, uint256 had, uint256 gone)
        private
        returns (bool ok, uint256 received)
    {
        uint256 word;
        (ok, word) =
            Probe.call(strategy_, CALL_GAS, abi.encodeCall(IERC4626.redeem, (shares, address(this), address(this))));
        received = (_token().balanceOf(address(this)) + gone).zeroFloorSub(_idle());
        if (ok) return (true, FixedPointMathLib.min(received, word));
        (ok, word) = _sharesOf(strategy_);
        ok = ok && word < had;
    }

    /// Lowers the debt by what came for the shares, and by what that cost.
    /// @param was The strategy before.
    /// @param left Shares that stay.
    function _settle(
        address strategy_,
        Strategy storage s,
        Position memory was,
        uint256 left,
        uint256 freed,
        Toll memory toll
    ) private {
        uint256 covered = was.value.mulDiv(left, was.shares);
        uint256 expected = was.value - covered;
        uint256 dust = expected / MOVE_TOLERANCE + DUST;
        uint256 cost;
        if (s.isVolatile && left > 0) {
            // The move may have hit what stays.
            (bool readable, uint256 worth) = _worth(strategy_, left);
            if (readable && worth + dust < covered) {
                cost = covered - worth;
                covered = worth;
            }
        }
        if (freed + dust >= expected) expected = freed;
        else cost += expected - freed;

        uint256 owed = was.debt.zeroFloorSub(expected);
        if (left == 0 || covered + DUST < owed) owed = FixedPointMathLib.min(owed, covered);
        uint256 paid = was.debt - owed;
        (s.debt, s.shares) = (uint128(owed), uint128(left));
        _changeTotalDebt(0, paid);
        emit Allocated(strategy_, -int256(freed), owed);
        if (cost > 0) {
            toll.cost += cost;
            emit StrategyShort(strategy_, expected, cost);
        }
        if (freed > paid) {
            emit Reported(strategy_, freed - paid, 0, owed);
            _bookProfit(freed - paid);
        } else {
            toll.gone += paid - freed;
        }
    }

    /// Deposits `assets` into the strategy, or as much as its risks leave room for and it takes.
    function _place(address strategy_, Strategy storage s, uint256 assets, uint256 total) private {
        (uint256 debt, uint256 had, uint256 risks, bool isVolatile) = (s.debt, s.shares, s.risks, s.isVolatile);
        if (risks != 0) assets = _riskRoom(risks, assets, total);
        if (assets == 0) return;
        uint256 value;
        bool ok;
        uint256 shares;
        if (isVolatile) {
            // What it had before may be hit by the move.
            (ok, value) = _worth(strategy_, had);
            if (!ok) revert Unreadable(strategy_);
        }
        (ok, shares) = _deposit(strategy_, assets);
        if (!ok) {
            // It may take less.
            (, uint256 most) =
                Probe.read(strategy_, READ_GAS, abi.encodeCall(IERC4626.maxDeposit, (address(this))));
            assets = FixedPointMathLib.min(assets, most);
            (ok, shares) = _deposit(strategy_, assets);
        }
        if (!ok || shares == 0) revert MoveLoss(strategy_, assets, 0);

        (, uint256 worth) = _worth(strategy_, had + shares);
        unchecked {
            // No overflow: 128 bits, as all debts together are part of the ledger's assets.
            // What a smooth one had before is told by the price of the new shares; a gain of it is not in the books.
            if (!isVolatile) value = FixedPointMathLib.min(debt, had * assets / shares);
            worth = worth.zeroFloorSub(value);
            uint256 dust = assets / MOVE_TOLERANCE + DUST;
            // Worth more, too, is a doubt: a gain that is not booked could hide what was not taken.
            if (worth + dust < assets || worth > assets + dust) _checkTaken(strategy_, assets, assets);
            if (worth + dust >= assets) worth = assets;
            debt += worth;
        }
        (s.debt, s.shares) = (uint128(debt), (had + shares).toUint128());
        _changeTotalDebt(worth, 0);
        emit Allocated(strategy_, int256(assets), debt);
        if (worth < assets) {
            _lossBudget.spend(assets - worth, total);
            _bookLoss(assets - worth);
        }
    }

    /// Deposits `assets`, or nothing.
    function _deposit(address strategy_, uint256 assets) private returns (bool ok, uint256 shares) {
        address(_token()).safeApproveWithRetry(strategy_, assets);
        (ok, shares) = Probe.call(strategy_, CALL_GAS, abi.encodeCall(IERC4626.deposit, (assets, address(this))));
        if (ok) return (true, shares);
        _checkTaken(strategy_, assets, 0);
        address(_token()).safeApproveWithRetry(strategy_, 0);
    }

    /// Checks that the strategy took `taken` of the assets it was allowed to. Whoever is worth what it was given need not be
    /// asked: what it left here, and may still take, is in the books as its debt.
    function _checkTaken(address strategy_, uint256 allowed, uint256 taken) private view {
        uint256 left = _token().allowance(address(this), strategy_);
        if (left + taken != allowed) revert UnexpectedTransfer(taken, allowed.zeroFloorSub(left));
    }

    /// Sends shares of every strategy that are worth `part` of `whole` of its debt; none where they are not handed over.
    /// @return shares In queue order.
    /// @return worth Debt that went with them.
    function _handOver(uint256 part, uint256 whole, address receiver)
        private
        returns (uint256[] memory shares, uint256 worth)
    {
        shares = new uint256[](_debt.strategies);
        for (uint256 i; i < shares.length; ++i) {
            Strategy storage s = _strategies[_queue[i]];
            uint256 debt = s.debt;
            if (debt == 0) continue;
            debt = FixedPointMathLib.min(debt, debt.fullMulDiv(part, whole));
            shares[i] = _handOver(_queue[i], s, debt, receiver);
            if (shares[i] > 0) worth += debt;
        }
    }

    /// Sends shares of the strategy that are worth `part` of its debt, and counts those that went.
    function _handOver(address strategy_, Strategy storage s, uint256 part, address receiver)
        private
        returns (uint256 shares)
    {
        (bool readable, uint256 value) = _worth(strategy_, s.shares);
        uint256 debt = s.debt;
        // Where its worth is unknown, the debt is what there is to go by.
        shares = uint256(s.shares).fullMulDiv(part, readable && value > debt ? value : debt);
        if (shares == 0) return 0;
        (, uint256 before) = _sharesOf(strategy_);
        Probe.call(strategy_, CALL_GAS, abi.encodeCall(IERC20.transfer, (receiver, shares)));
        (bool ok, uint256 left) = _sharesOf(strategy_);
        shares = ok ? FixedPointMathLib.min(before.zeroFloorSub(left), s.shares) : 0;
        if (shares == 0) {
            emit StrategySkipped(strategy_);
            return 0;
        }
        s.shares -= uint128(shares);
        s.debt = uint128(debt - part);
        _changeTotalDebt(0, part);
        emit InKind(strategy_, receiver, shares, part);
    }

    /// Shares of the strategy at this address, to measure a transfer by.
    function _sharesOf(address strategy_) private view returns (bool, uint256) {
        return Probe.read(strategy_, READ_GAS, abi.encodeCall(IERC20.balanceOf, (address(this))));
    }

    /// The asset, which is the last word of all calls to this code. Its balance here is used to measure a
    /// transfer by, never as a balance.
    function _token() private pure returns (IERC20 token) {
        assembly {
            token := calldataload(sub(calldatasize(), 32))
        }
    }

    /* INTERNAL: PROFIT, LOSS, FEES */

    /// Losses before profits, so that no order of reports can charge a fee on a profit that a loss has eaten.
    function _report() private returns (uint256 profit, uint256 loss) {
        uint256[] memory values = new uint256[](_debt.strategies);
        uint256 grown;
        for (uint256 i; i < values.length; ++i) {
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
                values[i] = value;
                grown += value - debt;
            }
        }
        _debt.reported = uint32(block.timestamp);
        uint256 elapsed = block.timestamp - _debt.profitBooked;
        if (elapsed < PROFIT_INTERVAL) return (0, loss);
        if (grown > 0) {
            (profit, elapsed) = _takeProfits(values, grown, elapsed);
        }
        _debt.profitBooked += uint32(elapsed);
    }

    /// Books what the strategies are worth over their debts, `grown` in sum, as far as the growth cap allows for `elapsed`
    /// seconds. Returns how many of them it took.
    function _takeProfits(uint256[] memory values, uint256 grown, uint256 elapsed)
        private
        returns (uint256 profit, uint256 taken)
    {
        uint256 missing = _fees.deficit;
        uint256 yearly = (_debt.total + missing) * _lock.growthCapBps;
        uint256 most = yearly.fullMulDiv(elapsed, BPS * YEAR);
        taken = elapsed;
        // Rounding must not starve what the cap allows.
        if (missing + most < grown) {
            taken = most == 0 ? 0 : FixedPointMathLib.min(elapsed, most.fullMulDivUp(BPS * YEAR, yearly));
        }
        most += missing; // what makes good a loss is no growth
        if (most == 0) return (0, taken);
        for (uint256 i; i < values.length; ++i) {
            Strategy storage s = _strategies[_queue[i]];
            uint256 debt = s.debt;
            uint256 gain = FixedPointMathLib.min(values[i].zeroFloorSub(debt), most - profit);
            if (gain == 0) continue;
            profit += gain;
            s.debt = (debt + gain).toUint128();
            emit Reported(_queue[i], gain, 0, debt + gain);
        }
        _changeTotalDebt(profit, 0);
        _bookProfit(profit);
    }

    function _bookStrategyLoss(address strategy_, Strategy storage s, uint256 loss) private {
        uint256 debt = s.debt - loss;
        s.debt = uint128(debt);
        if (s.isVolatile) _marked = 1;
        _changeTotalDebt(0, loss);
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
        uint256 assets = _ledger.assets + profit;
        uint256 made;
        uint256 feeShares;
        // A profit that belongs to nobody pays no fee, and makes good nobody's loss.
        if (supply > 0) {
            made = FixedPointMathLib.min(_fees.deficit, profit);
            feeShares = _takeFees(supply, assets, profit);
        }
        _setLedger(supply + feeShares, assets);

        // What the new shares are worth now is unlocked at once, so that they do not lower the price. After a total loss
        // nobody could have come for the rest: what returns belongs to the holders at once.
        if (!_priceless(supply, net)) _addToLock(profit - _toAssetsUp(feeShares, supply, net), made);
    }

    /// Performance fee on what the deficit leaves of the profit, then the management fee owed, at most half of the rest.
    /// Rounded down. `assets` hold the profit already; the shares minted will be worth the fee once all is unlocked.
    function _takeFees(uint256 supply, uint256 assets, uint256 profit) private returns (uint256 feeShares) {
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
        _mintTo(_terms.feeRecipient, feeShares);
        emit FeesTaken(fee, feeShares);
    }

    /// The management fee of the time before is charged on the debt of that time.
    function _changeTotalDebt(uint256 more, uint256 less) private {
        uint256 word;
        assembly {
            word := sload(_debt.slot)
        }
        if (_debt.managementFeeBps > 0) _accrueManagement();
        assembly {
            // The total is the low half of the word, and stays in it: the debts' sum is part of the ledger's assets, a uint128.
            sstore(_debt.slot, sub(add(word, more), less))
        }
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {PropertyLensStandIn} from "../../../contracts/standins/PropertyLensStandIn.sol";
import {IRedemptions} from "../../../interfaces/IRedemptions.sol";
import {IVault} from "../../../interfaces/IVault.sol";

/// @title VaultProperties
/// @notice What ballast/fuzz/vault_machine.py checks after each step, for forge: the same amounts by the same names. What the
/// strategies of this world never do (cheat, pay without saying so) is left out.
abstract contract VaultProperties {
    uint256 internal constant BPS = 1e4;
    uint256 internal constant WAD = 1e18;
    uint256 internal constant YEAR = 365 days;
    uint256 internal constant VIRTUAL_SHARES = 1e6;
    uint256 internal constant DUST = 8;
    uint256 internal constant MOVE_DUST = 4;
    uint256 internal constant MOVE_TOLERANCE = 1e6;
    uint256 internal constant LONGEST_UNLOCK = 100 * YEAR;
    uint256 internal constant BUDGET_BPS = 100;
    uint256 internal constant WINDOW = 1 days;
    uint256 internal constant DEPOSITORS = 3;
    uint256 internal constant STRATEGIES = 3;

    // Places of the lens's words, as in ballast/fuzz/vault_state.py.
    uint256 internal constant HELD = 0;
    uint256 internal constant IDLE = 1;
    uint256 internal constant TOTAL_DEBT = 2;
    uint256 internal constant NET = 3;
    uint256 internal constant LOCKED = 4;
    uint256 internal constant SUPPLY = 5;
    uint256 internal constant DEFICIT = 6;
    uint256 internal constant BUDGET = 7;
    uint256 internal constant MANAGED_OWED = 8;
    uint256 internal constant UNLOCKED_AT = 9;
    uint256 internal constant DEPOSIT_LIMIT = 10;
    uint256 internal constant IS_PAUSED = 11;
    uint256 internal constant LAST_REPORT = 13;
    uint256 internal constant GROWTH_CAP = 14;
    uint256 internal constant PERFORMANCE = 15;
    uint256 internal constant FIRST_HOLDER = 16;
    // Holders after the depositors.
    uint256 internal constant FEE_HOLDER = 3;
    uint256 internal constant BORROWER = 4;
    uint256 internal constant QUEUE = 5;
    uint256 internal constant FIRST_STRATEGY = FIRST_HOLDER + 2 * 6;
    uint256 internal constant PER_STRATEGY = 11;
    uint256 internal constant WORDS = FIRST_STRATEGY + STRATEGIES * PER_STRATEGY;
    // Places of a strategy's words.
    uint256 internal constant DEBT = 0;
    uint256 internal constant SHARES = 1;
    uint256 internal constant CAP = 2;
    uint256 internal constant CAP_BPS = 3;
    uint256 internal constant FLAGS = 7;
    uint256 internal constant SHARES_HELD = 8;
    uint256 internal constant READABLE = 9;
    uint256 internal constant VALUE = 10;

    IVault internal vault;
    IRedemptions internal queue;
    PropertyLensStandIn internal lens;
    address[] internal holders;
    address[] internal strategies;

    /// The lens's words at the last check, and when that was.
    uint256[WORDS] internal was;
    uint256 internal timeBefore;
    uint256 internal time;

    // What a rule allows its step, in assets.
    uint256 internal allowedLoss;
    uint256 internal allowedGain;
    uint256 internal leftBehind;
    uint256 internal recalled;
    int256 internal paidOut;

    // What outlives a step.
    uint256 internal recovering;
    uint256 internal farEnd;
    bool internal queued;
    /// Losses of rebalances: when, which share of the value, and which the vault says it was (Wad). Those before `firstMove`
    /// are out of the window.
    uint256[3][] internal movesLost;
    uint256 internal firstMove;

    /* WHAT IS KNOWN */

    function _look() internal view returns (uint256[] memory) {
        return lens.look(vault, holders, strategies);
    }

    function _of(uint256 which, uint256 place) internal view returns (uint256) {
        return was[FIRST_STRATEGY + PER_STRATEGY * which + place];
    }

    function _balance(uint256 who) internal view returns (uint256) {
        return was[FIRST_HOLDER + 2 * who];
    }

    function _less(uint256 a, uint256 b) internal pure returns (uint256) {
        return a > b ? a - b : 0;
    }

    function _min(uint256 a, uint256 b) internal pure returns (uint256) {
        return a < b ? a : b;
    }

    function _max(uint256 a, uint256 b) internal pure returns (uint256) {
        return a > b ? a : b;
    }

    function _unbooked() internal view returns (uint256 loss) {
        for (uint256 i; i < STRATEGIES; ++i) {
            if (_of(i, READABLE) == 1) loss += _less(_of(i, DEBT), _of(i, VALUE));
        }
    }

    /// Whether an exit may have to bear a loss: one that is not in the books, or a volatile strategy that is unreadable.
    function _bears() internal view returns (bool) {
        for (uint256 i; i < STRATEGIES; ++i) {
            if (_of(i, VALUE) < _of(i, DEBT) && (_of(i, READABLE) == 1 || _of(i, FLAGS) & 2 != 0)) return true;
        }
        return false;
    }

    function _dear() internal view returns (uint256 worth) {
        for (uint256 i; i < STRATEGIES; ++i) {
            uint256 shares = _of(i, SHARES);
            uint256 each = shares > 0 ? _of(i, VALUE) / shares : 0;
            if (each >= MOVE_DUST) worth += each;
        }
    }

    function _dust() internal view returns (uint256 loss) {
        for (uint256 i; i < STRATEGIES; ++i) {
            uint256 each = _less(_of(i, DEBT), _of(i, VALUE));
            if (_of(i, READABLE) == 1 && each <= MOVE_DUST) loss += each;
        }
    }

    function _surplus() internal view returns (uint256 most) {
        for (uint256 i; i < STRATEGIES; ++i) {
            (uint256 debt, uint256 value) = (_of(i, DEBT), _of(i, VALUE));
            if (value > debt && debt > 0) most += value / _of(i, SHARES) + 1;
        }
    }

    function _roundedUp() internal view returns (uint256 units) {
        for (uint256 i; i < STRATEGIES; ++i) {
            (uint256 debt, uint256 value) = (_of(i, DEBT), _of(i, VALUE));
            if (value > debt && debt > 0) ++units;
        }
    }

    function _premium() internal view returns (uint256 gains) {
        for (uint256 i; i < STRATEGIES; ++i) {
            if (_of(i, FLAGS) == 3) gains += _less(_of(i, VALUE), _of(i, DEBT));
        }
    }

    function _worth(uint256 shares) internal view returns (uint256) {
        return shares * (was[NET] + 1) / (was[SUPPLY] + VIRTUAL_SHARES);
    }

    /* THE PROPERTIES */

    function _check() internal {
        uint256[] memory now_ = _look();
        _checkBooks(now_);
        _checkPrice(now_);
        if (recalled == 0 && now_[FIRST_HOLDER + 2 * FEE_HOLDER] > _balance(FEE_HOLDER)) _checkFees(now_);
        if (queued) _checkRequests(now_);
        if (movesLost.length > firstMove) _checkBudget(now_[BUDGET]);
        for (uint256 i; i < WORDS; ++i) {
            was[i] = now_[i];
        }
        timeBefore = time;
        (allowedLoss, allowedGain, leftBehind, recalled, paidOut) = (0, 0, 0, 0, int256(0));
    }

    function _checkBooks(uint256[] memory now_) private pure {
        require(now_[HELD] >= now_[IDLE], "VAULT_SOLVENT");
        require(now_[NET] + now_[LOCKED] == now_[IDLE] + now_[TOTAL_DEBT], "VAULT_BOOKS");
        uint256 debts;
        for (uint256 at = FIRST_STRATEGY; at < WORDS; at += PER_STRATEGY) {
            debts += now_[at + DEBT];
            require(now_[at + SHARES_HELD] >= now_[at + SHARES], "VAULT_SOLVENT");
        }
        require(debts == now_[TOTAL_DEBT], "VAULT_BOOKS");
        uint256 shares;
        for (uint256 at = FIRST_HOLDER; at < FIRST_STRATEGY; at += 2) {
            shares += now_[at];
        }
        require(shares == now_[SUPPLY], "VAULT_SHARES");
    }

    function _checkPrice(uint256[] memory now_) private {
        // What of its losses, and of those before, the step can have made good.
        uint256 mended = was[SUPPLY] > 0 ? _less(was[DEFICIT] + allowedLoss, now_[DEFICIT]) : 0;
        if (mended > 0 && now_[LAST_REPORT] != time) mended = _min(mended, _surplus() + recalled);

        (uint256 old, uint256 fresh) = (was[SUPPLY] + VIRTUAL_SHARES, now_[SUPPLY] + VIRTUAL_SHARES);
        uint256 net = was[NET];
        uint256 least = (net + 1 - _min(allowedLoss, net)) * fresh;
        require((now_[NET] + 1) * old >= _less(least, leftBehind * old), "VAULT_PRICE");

        uint256 growth = _growth();
        if (net > 0 || was[SUPPLY] <= 1_000 * VIRTUAL_SHARES) {
            uint256 dust = DUST + now_[NET] / fresh;
            uint256 excess = _less((now_[NET] + 1) * old, (net + 1 + growth + dust) * fresh + dust * old);
            excess = (excess + old - 1) / old;
            if (time == timeBefore) require(excess == 0, "VAULT_LOCKED_SAFE");
            else require(excess <= recovering, "VAULT_GROWTH");
            recovering -= excess;
        }
        recovering = _min(recovering + mended, now_[LOCKED]);
    }

    /// What the price may gain in this step, beyond what makes good a loss.
    function _growth() private returns (uint256 growth) {
        uint256 passed = time - timeBefore;
        growth = (was[NET] + was[DEFICIT]) * was[GROWTH_CAP] * passed / (BPS * YEAR);
        uint256 left = _less(was[UNLOCKED_AT], timeBefore);
        // So much is locked that the cap would have it unlock for longer.
        if (left > LONGEST_UNLOCK - YEAR) farEnd = was[UNLOCKED_AT];
        if (left > 0 && was[UNLOCKED_AT] == farEnd) growth = _max(growth, was[LOCKED] * passed / left + 1);
        growth += allowedGain;
    }

    function _checkFees(uint256[] memory now_) private view {
        uint256 supply = now_[SUPPLY] + VIRTUAL_SHARES;
        uint256 before = was[IDLE] + was[TOTAL_DEBT];
        uint256 ledger = now_[IDLE] + now_[TOTAL_DEBT];
        uint256 lost = _unbooked();
        uint256 taken = now_[FIRST_HOLDER + 2 * FEE_HOLDER] - _balance(FEE_HOLDER); // shares, then assets
        taken = _min(
            taken * (before - lost + 1) / (was[SUPPLY] + VIRTUAL_SHARES), taken * (ledger + 1) / supply
        );
        uint256 above = _less(uint256(int256(ledger) + paidOut), before + was[DEFICIT]);
        above += _less(was[BUDGET], now_[BUDGET]) * _max(before, ledger) / WAD + 1;
        if (_dear() > 0) above += lost;
        uint256 fee = above * was[PERFORMANCE] / BPS;
        uint256 dust = DUST + now_[NET] / supply;
        require(taken <= fee + was[MANAGED_OWED] + dust, "VAULT_FEES");
        uint256 paid = _less(taken, fee + dust);
        if (time == timeBefore) require(now_[MANAGED_OWED] + paid <= was[MANAGED_OWED] + dust, "VAULT_FEES");
    }

    function _checkRequests(uint256[] memory now_) private view {
        (uint256 waiting, uint256 pending, uint256 claimable) = (queue.waiting(), 0, 0);
        for (uint256 i; i < DEPOSITORS; ++i) {
            pending += queue.pendingRedeemRequest(0, holders[i]);
            claimable += queue.maxWithdraw(holders[i]);
        }
        require(pending == waiting, "VAULT_REQUESTS");
        require(now_[FIRST_HOLDER + 2 * QUEUE] >= waiting, "VAULT_REQUESTS");
        require(now_[FIRST_HOLDER + 2 * QUEUE + 1] >= claimable, "VAULT_REQUESTS");
    }

    function _checkBudget(uint256 left) private {
        uint256 first = firstMove;
        while (first < movesLost.length && movesLost[first][0] + WINDOW < time) ++first;
        firstMove = first;
        uint256 lost;
        for (; first < movesLost.length; ++first) {
            lost += movesLost[first][1];
            left += movesLost[first][2];
        }
        require(_max(lost, left) <= BUDGET_BPS * WAD / BPS, "VAULT_BUDGET");
    }
}

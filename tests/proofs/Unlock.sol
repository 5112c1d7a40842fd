// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Bench} from "./Bench.sol";

/// @title Unlock
/// @notice The locked profit over time.
contract Unlock is Bench {
    function _put(uint96 amount, uint32 start, uint32 period) private {
        _lock.amount = amount;
        _lock.since = start;
        _lock.until = uint40(start) + period;
    }

    function check_all_is_locked_at_first_and_nothing_at_the_end(uint96 amount, uint32 start, uint32 period) external {
        _put(amount, start, period);
        _at(start, 0);
        assert(_locked() == (period == 0 ? 0 : amount));
        _at(start, period);
        assert(_locked() == 0);
    }

    function check_never_more_than_the_amount_and_only_less(
        uint96 amount,
        uint32 start,
        uint32 period,
        uint32 early,
        uint32 late
    ) external {
        if (early > late) return;
        _put(amount, start, period);
        if (late < period) {
            unchecked {
                // steps of the proof: each is proven, and then known
                assert(amount * uint256(period - late) <= amount * uint256(period - early));
                assert(amount * uint256(period - early) <= amount * uint256(period));
            }
        }
        _at(start, early);
        uint256 before = _locked();
        assert(before <= amount);
        _at(start, late);
        assert(_locked() <= before);
    }

    /// Unlocking is linear, so what holds of the time since the lock was set holds of any span. Assumes that the cap allows
    /// the amount within the longest unlock: beyond it the rest comes free after 100 years.
    function check_unlock_never_outgrows_the_cap(
        uint96 amount,
        uint96 net,
        uint32 start,
        uint32 until,
        uint16 capBps,
        uint32 later
    ) external {
        uint256 yearly = uint256(net) * capBps;
        if (until < start || uint256(amount) * BPS * YEAR > yearly * LONGEST_UNLOCK) return;
        _lock.growthCapBps = capBps;
        _at(start, 0);
        _setLock(amount, until, net);
        _at(start, later);
        uint256 unlocked = amount - _locked();
        assert(unlocked * BPS * YEAR <= yearly * later);
    }

    function check_stretching_never_shortens(uint96 amount, uint96 net, uint32 start, uint32 until, uint16 capBps)
        external
    {
        if (until < start) return;
        _lock.growthCapBps = capBps;
        _at(start, 0);
        _setLock(amount, until, net);
        assert(_lock.until >= until);
    }
}

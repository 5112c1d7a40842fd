// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {LossBudget} from "../../contracts/risk/LossBudget.sol";
import {Bench} from "./Bench.sol";

/// @title Budget
/// @notice What keepers may lose in a window of time.
contract Budget is Bench {
    using LossBudget for LossBudget.Bucket;

    function _put(uint64 spentWad, uint32 start, uint16 budgetBps, uint32 window) private returns (bool) {
        uint256 size = uint256(budgetBps) * WAD / BPS / 2;
        if (budgetBps > BPS || spentWad > size || window < 1 hours) return false;
        _lossBudget = LossBudget.Bucket(spentWad, start, budgetBps, window);
        return true;
    }

    /// Losses are given as shares of the value in Wad: value is 1e18.
    function check_no_window_loses_more_than_the_budget(
        uint64 spentWad,
        uint32 start,
        uint16 budgetBps,
        uint32 window,
        uint64 first,
        uint64 second,
        uint64 third,
        uint32 wait,
        uint32 more
    ) external {
        if (!_put(spentWad, start, budgetBps, window) || uint256(wait) + more > window) return;
        _at(start, 0);
        _lossBudget.spend(first, WAD);
        _at(start, wait);
        _lossBudget.spend(second, WAD);
        _at(start, uint256(wait) + more);
        _lossBudget.spend(third, WAD);
        assert(uint256(first) + second + third <= uint256(budgetBps) * WAD / BPS);
    }

    function check_room_only_grows_with_time(
        uint64 spentWad,
        uint32 start,
        uint16 budgetBps,
        uint32 window,
        uint32 early,
        uint32 late
    ) external {
        if (!_put(spentWad, start, budgetBps, window) || early > late) return;
        _at(start, early);
        uint256 before = _lossBudget.available();
        _at(start, late);
        assert(_lossBudget.available() >= before);
        assert(_lossBudget.available() <= uint256(budgetBps) * WAD / BPS / 2);
    }

    function check_a_loss_is_counted_in_full(
        uint64 spentWad,
        uint32 start,
        uint16 budgetBps,
        uint32 window,
        uint96 loss,
        uint96 value
    ) external {
        if (!_put(spentWad, start, budgetBps, window)) return;
        _at(start, 0);
        uint256 before = _lossBudget.available();
        _lossBudget.spend(loss, value);
        assert((before - _lossBudget.available()) * value >= uint256(loss) * WAD);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Bench} from "./Bench.sol";

/// @title Profit
/// @notice Profits, losses and fees as they are booked.
contract Profit is Bench {
    struct Start {
        uint112 shares;
        uint96 assets;
        uint96 locked;
        uint32 period;
        uint96 deficit;
        uint96 owed;
        uint16 performanceFeeBps;
        uint16 growthCapBps;
        uint24 unlockPeriod;
    }

    /// A vault at time 1 with `locked` of its assets locked for a period from now on. False for what is none.
    function _put(Start calldata s) private returns (bool) {
        if (s.locked > s.assets || s.performanceFeeBps > 5_000 || s.unlockPeriod < 1 hours) return false;
        if (s.locked > 0 && s.period == 0) return false;
        _at(1, 0);
        _ledger = Ledger(s.shares, s.assets);
        _lock.amount = s.locked;
        _lock.since = 1;
        _lock.until = 1 + uint40(s.period);
        _lock.growthCapBps = s.growthCapBps;
        _fees = Fees(s.deficit, s.owed);
        _terms.performanceFeeBps = s.performanceFeeBps;
        _terms.unlockPeriod = s.unlockPeriod;
        _terms.feeRecipient = address(1);
        return true;
    }

    function check_a_profit_never_lowers_the_price(Start calldata s, uint96 profit) external {
        if (!_put(s)) return;
        (uint256 supply, uint256 net) = _rate();
        _bookProfit(profit);
        (uint256 supplyAfter, uint256 netAfter) = _rate();
        assert(_worthAtLeast(netAfter, supplyAfter, net, supply));
    }

    function check_fees_are_no_more_than_agreed(Start calldata s, uint96 profit) external {
        if (!_put(s) || s.locked > 0) return;
        uint256 shares = _takeFees(s.shares, uint256(s.assets) + profit, profit);
        uint256 above = profit > s.deficit ? profit - s.deficit : 0;
        uint256 most = above * s.performanceFeeBps / BPS;
        uint256 rest = (profit - most) / 2;
        most += rest < s.owed ? rest : s.owed;
        assert(_toAssetsDown(shares, s.shares + shares, uint256(s.assets) + profit) <= most);
    }

    function check_a_loss_eats_the_locked_profit_and_then_the_price(Start calldata s, uint96 loss) external {
        if (!_put(s) || loss > s.assets) return;
        (uint256 supply, uint256 net) = _rate();
        _bookLoss(loss);
        (uint256 supplyAfter, uint256 netAfter) = _rate();
        assert(supplyAfter == supply);
        assert(netAfter == (loss > s.locked ? net - (loss - s.locked) : net));
        assert(_fees.deficit == uint256(s.deficit) + loss);
    }

    function check_charging_twice_costs_no_more_than_once(
        uint96 debt,
        uint96 owed,
        uint16 feeBps,
        uint32 first,
        uint32 second
    ) external {
        if (feeBps > 500) return;
        _debt.total = debt;
        _fees.managementOwed = owed;
        _terms.managementFeeBps = feeBps;
        _clock.managementAccrued = 1;
        _at(1, uint256(first) + second);
        uint256 once = _managementOwed();
        _at(1, first);
        _accrueManagement();
        assert(_fees.managementOwed >= owed);
        _at(1, uint256(first) + second);
        assert(_managementOwed() <= once);
        assert((once - owed) * BPS * YEAR <= uint256(debt) * feeBps * (uint256(first) + second));
    }
}

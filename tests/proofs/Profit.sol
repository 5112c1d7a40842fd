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

    /// Of a vault that is not empty, with nothing locked yet, no growth cap and no debts to its fee recipient or its holders:
    /// each of these only keeps more of the profit locked, or takes less of it as a fee.
    function check_a_profit_never_lowers_the_price(uint112 shares, uint96 assets, uint96 profit, uint16 feeBps) external {
        if (shares == 0 || assets == 0 || profit == 0 || feeBps > 5_000) return;
        _at(1, 0);
        _ledger = Ledger(shares, assets);
        _terms.performanceFeeBps = feeBps;
        _terms.unlockPeriod = 1 days;
        _terms.feeRecipient = address(1);
        _bookProfit(profit);
        (uint256 supply, uint256 net) = _rate();
        // a step of the proof: what the new shares are worth is unlocked at once
        unchecked {
            assert((net - assets) * (uint256(shares) + VIRTUAL_SHARES) >= (supply - shares) * (uint256(assets) + 1));
        }
        assert(_worthAtLeast(net, supply, assets, shares));
    }

    /// Of a vault that is not empty, with nothing locked and no deficit.
    function check_fees_are_no_more_than_agreed(uint112 supply, uint96 assets, uint96 profit, uint16 feeBps) external {
        if (supply == 0 || profit == 0 || feeBps > 5_000) return;
        _terms.performanceFeeBps = feeBps;
        _terms.feeRecipient = address(1);
        uint256 total = uint256(assets) + profit;
        uint256 shares = _takeFees(supply, total, profit);
        uint256 most = uint256(profit) * feeBps / BPS;
        if (!_fits(shares)) return;
        unchecked {
            // steps of the proof
            uint256 whole = uint256(supply) + VIRTUAL_SHARES;
            assert(shares * (total - most + 1) <= most * whole);
            assert(shares * (total + 1) <= most * (whole + shares));
        }
        assert(_toAssetsDown(shares, supply + shares, total) <= most);
    }

    function check_no_fee_for_making_good_a_loss(uint96 profit, uint96 deficit, uint16 feeBps) external {
        if (profit > deficit || feeBps > 5_000) return;
        _fees.deficit = deficit;
        _terms.performanceFeeBps = feeBps;
        _terms.feeRecipient = address(1);
        assert(_takeFees(1, uint256(profit) + 1, profit) == 0);
        assert(_fees.deficit == deficit - profit);
    }

    function check_management_takes_half_of_the_rest_at_most(uint96 profit, uint96 owed, uint16 feeBps) external {
        if (profit == 0 || feeBps > 5_000) return;
        _fees.managementOwed = owed;
        _terms.performanceFeeBps = feeBps;
        _terms.feeRecipient = address(1);
        _takeFees(1, uint256(profit) + 1, profit);
        uint256 paid = owed - _fees.managementOwed;
        assert(paid <= (profit - uint256(profit) * feeBps / BPS) / 2);
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
        _debt.managementFeeBps = feeBps;
        _terms.managementAccrued = 1;
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

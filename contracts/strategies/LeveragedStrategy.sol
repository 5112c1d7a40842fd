// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ICreditVenue} from "../../interfaces/ICreditVenue.sol";
import {IExchange} from "../../interfaces/IExchange.sol";
import {IForecastFeed} from "../../interfaces/IForecastFeed.sol";
import {IOracle} from "../../interfaces/IOracle.sol";
import {LeverageRules} from "./LeverageRules.sol";
import {PositionRules} from "./PositionRules.sol";
import {PositionStrategy} from "./PositionStrategy.sol";

/// @title LeveragedStrategy
/// @notice Holds the base token as collateral against a debt in the asset, with its leverage kept in a band.
///
/// THE RULE. Leverage is the collateral's worth over the net value; idle assets count in the net value.
/// - The lowest health factor permitted follows from the forecast feed: what keeps liquidation out of reach for `reactionTime`
///   but with a probability of `epsilon`, jumps included. It caps leverage and target, by L = HF / (HF - LT).
/// - Too much leverage, or too little health: idle assets repay debt, and base is sold to repay the rest, back to the target.
///   This passes whatever the oracle's verdict.
/// - Too little leverage: base is bought, with idle assets first, then with what is borrowed against it. Only at a good price.
/// - Idle assets beyond their band repay debt.
/// Base and debt move in one transaction: the exchange gives before it takes. Where the market is thin a part is done, and the
/// next block may go on.
///
/// RESCUE. Under `hardHealth` anyone may deleverage within `rescueBps`, on a budget of its own, and is paid a bounty for what is
/// repaid: at most `bountyBps` of it, and at most half of what a liquidator would have taken on the same. The health factor
/// must rise. It trades within `rescueBps` of one price and is measured at that: the feed's when the verdict is good; else the
/// lower source, or the pool's price as the last block left it where that is higher. In a fall the pool is below both sources, so
/// that the lower one counts, as it does where the pool cannot be read: then nothing is in a rescue's way. Where the pool is
/// above, a rescue sells near it. What may stop one in a dispute: a fall by more than `rescueBps` within the present block, for that
/// block; and who lifts the pool by as much at the end of each block, which everybody's arbitrage takes from them each time.
///
/// @dev READINGS: "leverage" and "health" (Wad), "idle" (share of the net value, Wad), "oracle" (verdict).
/// @dev ASSUMPTIONS, beside those of PositionStrategy: the credit venue is this strategy's own and fixed for ever; its market's
/// price of base in asset is near the oracle's. Debt beyond the collateral is not owed (a credit account of its own).
contract LeveragedStrategy is PositionStrategy {
    using Math for uint256;
    using SafeERC20 for IERC20;

    /* CONSTANTS */

    uint256 private constant LEVERAGE = 0;
    uint256 private constant HEALTH = 1;
    uint256 private constant IDLE = 2;
    uint256 private constant ORACLE = 3;
    /// Units by which the market's roundings may differ from the venue's.
    uint256 private constant DUST = 2;

    /* STORAGE */

    /// @notice The credit account, this strategy's own.
    ICreditVenue public credit;
    /// What the trade under way has repaid.
    uint256 private transient _repaid;

    /* EVENTS AND ERRORS */

    event CreditSet(address indexed credit);
    event Rescued(address indexed caller, uint256 repaid, uint256 bounty);

    error NotInDanger(uint256 healthWad, uint256 hardHealthWad);
    error NotFillable(uint256 amountIn);

    /// @param pair The feed's name of base and asset.
    constructor(
        Setup memory setup,
        PositionRules.Config memory config,
        IForecastFeed feed,
        bytes32 pair,
        LeverageRules.Bands memory bands
    ) PositionStrategy(setup, new LeverageRules(config, feed, pair, bands)) {}

    /* ANYONE */

    /// @notice Deleverages a position in danger, and pays who calls. Anyone may, while the health factor is below `hardHealth`.
    /// @return bounty Assets paid to the caller.
    function rescue() external nonReentrant returns (uint256 bounty) {
        (uint256 healthWad, uint256 hardWad) = (credit.healthFactorWad(), _rules().hardHealthWad());
        if (healthWad >= hardWad) revert NotInDanger(healthWad, hardWad);
        Price memory p = _knownPrice();
        // In a dispute the lower source counts, which is what the position would be liquidated by; where the pool was above it
        // before this block, the pool: a source that is late by much opens no room for a push.
        if (p.verdict != IOracle.Verdict.Good) p.lowWad = Math.max(p.lowWad, oracle.last());
        p.highWad = p.lowWad;
        Mark memory mark = _mark(p);
        (uint256 toleranceBps, uint256 bountyWad) = _rules().rescueTerms(credit);
        (uint256 repaid,) = _deleverage(p, toleranceBps, bountyWad, RESCUE);
        if (repaid == 0) revert Stuck("health");
        if (credit.healthFactorWad() <= healthWad) revert NotCloser(healthWad, credit.healthFactorWad());
        bounty = repaid.mulDiv(bountyWad, WAD);
        _idle -= bounty;
        _settle(p, mark, RESCUE, "health");
        emit Rescued(msg.sender, repaid, bounty);
        IERC20(asset()).safeTransfer(msg.sender, bounty);
    }

    /* OWNER */

    /// @notice Gives the strategy its credit account, which it owns. Once.
    function setCredit(ICreditVenue credit_) external onlyOwner {
        if (address(credit) != address(0) || credit_.owner() != address(this) || credit_.asset() != asset()) {
            revert WrongVenue(address(credit_));
        }
        if (credit_.collateralToken() != base || credit_.debtToken() != asset()) revert WrongVenue(address(credit_));
        credit = credit_;
        // The venue takes only what it is told to.
        IERC20(asset()).forceApprove(address(credit_), type(uint256).max);
        IERC20(base).forceApprove(address(credit_), type(uint256).max);
        emit CreditSet(address(credit_));
    }

    /* HOOKS: VALUE */

    function _valueAt(uint256 priceWad) internal view override returns (uint256) {
        (uint256 held, uint256 owed) = _position();
        if (held == 0) return 0;
        held = _toAssets(held, priceWad);
        return held > owed ? held - owed : 0;
    }

    function _exposureAt(uint256) internal view override returns (int256 deltaWad, int256 gammaWad, uint256 grossWad) {
        (uint256 held,) = _position();
        grossWad = held.mulDiv(WAD, _baseUnit);
        // The debt is in the asset: the price moves it by nothing.
        return (int256(grossWad), 0, grossWad);
    }

    /* HOOKS: EXIT */

    function _quoteExit(uint256 part, uint256 whole) internal view override returns (uint256 assets) {
        (,, assets) = _slice(part, whole);
    }

    function _marginalExit() internal view override returns (uint256) {
        (uint256 held, uint256 owed) = _position();
        if (held == 0) return 0;
        return (_toAssets(held, exchange.bestWad(true)) + 1 + ROUNDINGS).saturatingSub(owed);
    }

    function _exit(uint256 part, uint256 whole) internal override returns (uint256 assets) {
        uint256 sold;
        uint256 owed;
        (sold, owed, assets) = _slice(part, whole);
        if (assets == 0) return 0;
        _trade(true, sold, assets + owed, abi.encode(owed));
        // What the market did not take of the repayment, a unit or two, is the others'.
        _idle += owed - _repaid;
    }

    /// A part of the position: collateral to sell (rounded down), debt to repay (up), and what is left of the proceeds, 0 when
    /// they do not cover the debt.
    function _slice(uint256 part, uint256 whole) private view returns (uint256 sold, uint256 owed, uint256 assets) {
        (sold, owed) = _position();
        sold = sold.mulDiv(part, whole);
        if (sold == 0) return (0, 0, 0);
        if (owed > 0) owed = Math.min(owed, owed.mulDiv(part, whole, Math.Rounding.Ceil) + DUST);
        uint256 out = exchange.quote(true, sold);
        // Dust may bring nothing; where there is no market nobody can say what the part is worth.
        if (out == 0 && exchange.depth(true, 1) < sold) revert NotFillable(sold);
        assets = out > owed ? out - owed : 0;
    }

    /// @dev The health factor does not fall by an exit, but the market pays no collateral out while it is below 1.
    function _exitableWad(Price memory p) internal view override returns (uint256) {
        (uint256 held, uint256 owed) = _position();
        if (held == 0) return WAD;
        if (p.lowWad == 0 || (owed > 0 && credit.healthFactorWad() < WAD)) return 0;
        uint256 most =
            Math.min(exchange.depth(true, _limit(true, p, _terms().exitBps)), _withdrawable());
        return most >= held ? WAD : most.mulDiv(WAD, held);
    }

    /* HOOKS: THE RULE */

    function _read(Price memory p) internal view override returns (Reading[] memory) {
        return _rules().readings(_stand(p));
    }

    function _act(Price memory p, Reading[] memory before) internal override returns (uint256 index) {
        if (before[HEALTH].value < before[HEALTH].lower) index = HEALTH;
        else if (before[LEVERAGE].value <= before[LEVERAGE].upper) index = IDLE;
        bool done;
        if (index != IDLE) {
            uint256 repaid;
            (repaid, done) = _deleverage(p, _terms().toleranceBps, 0, REBALANCE);
            // Where nothing could be sold, what idle assets do for the health is all there is.
            if (!done && repaid > 0) (index, done) = (IDLE, true);
        } else if (before[LEVERAGE].value < before[LEVERAGE].lower) {
            index = LEVERAGE;
            _checkGood(p);
            done = _leverUp(p);
        } else if (_isOut(before[IDLE])) {
            done = _repayIdle(type(uint256).max) > 0;
        } else if (_isOut(before[ORACLE])) {
            index = ORACLE;
        } else {
            revert InBand();
        }
        if (!done) revert Stuck(before[index].name);
    }

    /// @dev Idle assets first: then all that is sold may be repaid.
    function _close(Price memory p) internal override {
        (uint256 held,) = _position();
        _repayIdle(type(uint256).max);
        uint256 limitWad = _limit(true, p, _terms().emergencyBps);
        uint256 sold = Math.min(held, Math.min(exchange.depth(true, limitWad), _withdrawable()));
        if (sold == 0) return;
        (bool ok, uint256 out) = _tryTrade(true, sold, _toAssets(sold, limitWad), abi.encode(type(uint256).max));
        if (ok) _idle += out - _repaid;
    }

    /// Selling: repays up to what it is told (all of it comes from the trade), and takes out what was sold.
    /// Buying: supplies what came, and borrows what it is told.
    function _onTrade(bool sellsBase, uint256 amountIn, uint256 amountOut, bytes calldata data) internal override {
        uint256 amount = abi.decode(data, (uint256));
        if (sellsBase) {
            amount = Math.min(amount, amountOut);
            _repaid = amount == 0 ? 0 : credit.repay(amount);
            credit.withdraw(amountIn, address(this));
        } else {
            credit.supply(amountOut);
            if (amount > 0) credit.borrow(amount, address(this));
        }
    }

    /* INTERNAL: THE RULE */

    function _position() private view returns (uint256 held, uint256 owed) {
        if (address(credit) == address(0)) return (0, 0);
        return (credit.collateral(), credit.debt());
    }

    function _rules() private view returns (LeverageRules) {
        return LeverageRules(address(rules));
    }

    function _stand(Price memory p) private view returns (LeverageRules.Stand memory s) {
        uint256 held;
        (held, s.debt) = _position();
        (s.credit, s.verdict, s.paused) = (credit, uint256(p.verdict), paused);
        s.idle = _idle - _fresh();
        s.worth = _toAssets(held, p.lowWad);
        s.net = _netAt(p.lowWad) - _fresh();
    }

    /// Repays debt by idle assets and by selling base, as much as brings leverage and health to their targets and the market
    /// allows. A bounty, as a share of what is repaid, is kept out of it and stays idle.
    function _deleverage(Price memory p, uint256 toleranceBps, uint256 bountyWad, uint256 bucket)
        private
        returns (uint256 repaid, bool traded)
    {
        LeverageRules.Stand memory s = _stand(p);
        uint256 sold;
        (repaid, sold) = _rules().toReduce(s, s.idle.mulDiv(WAD, WAD + bountyWad));
        repaid = _repayIdle(repaid);
        sold = Math.min(_toBases(sold, p.lowWad), Math.min(credit.collateral(), _withdrawable()));
        sold = _tradable(true, sold, p, toleranceBps, bountyWad, bucket);
        if (sold == 0) return (repaid, false);
        return (repaid + _sell(sold, _toAssets(sold, _limit(true, p, toleranceBps)), bountyWad), true);
    }

    /// Sells base and repays what comes, but for a bounty on what is repaid.
    function _sell(uint256 sold, uint256 least, uint256 bountyWad) private returns (uint256 repaid) {
        uint256 owed = exchange.quote(true, sold).mulDiv(WAD, WAD + bountyWad);
        uint256 out = _keeperTrade(true, sold, least, abi.encode(owed));
        repaid = _repaid;
        _idle += out - repaid;
    }

    /// Buys base up to the target, as far as idle assets, the lender and the exchange allow. False when nothing can be done.
    function _leverUp(Price memory p) private returns (bool) {
        LeverageRules.Stand memory s = _stand(p);
        uint256 paid = Math.min(s.idle + credit.borrowable(), _toAssets(credit.suppliable(), p.lowWad));
        uint256 toleranceBps = _terms().toleranceBps;
        paid = _tradable(false, Math.min(paid, _rules().toBuy(s)), p, toleranceBps, 0, REBALANCE);
        if (paid == 0) return false;
        uint256 own = Math.min(s.idle, paid);
        _idle -= own;
        _keeperTrade(false, paid, _toBases(paid, _limit(false, p, toleranceBps)), abi.encode(paid - own));
        return true;
    }

    /// Collateral that the market would pay out; nothing where it would not take the debt.
    function _withdrawable() private view returns (uint256) {
        return credit.repayable() < credit.debt() ? 0 : credit.withdrawable();
    }

    /// Repays debt by idle assets that are not fresh, at most `most`.
    function _repayIdle(uint256 most) private returns (uint256 repaid) {
        most = Math.min(_idle - _fresh(), most);
        if (most == 0 || address(credit) == address(0)) return 0;
        repaid = credit.repay(most);
        _idle -= repaid;
    }
}

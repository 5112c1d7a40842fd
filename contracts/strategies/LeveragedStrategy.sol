// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ICreditVenue} from "../../interfaces/ICreditVenue.sol";
import {IExchange} from "../../interfaces/IExchange.sol";
import {IForecastFeed} from "../../interfaces/IForecastFeed.sol";
import {IOracle} from "../../interfaces/IOracle.sol";
import {LossBudget} from "../risk/LossBudget.sol";
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
/// must rise.
///
/// @dev READINGS: "leverage" and "health" (Wad), "idle" (share of the net value, Wad), "oracle" (verdict).
/// @dev ASSUMPTIONS, beside those of PositionStrategy: the credit venue is this strategy's own and fixed for ever; its market's
/// price of base in asset is near the oracle's. Debt beyond the collateral is not owed (a credit account of its own).
contract LeveragedStrategy is PositionStrategy {
    using LossBudget for LossBudget.Bucket;
    using Math for uint256;
    using SafeERC20 for IERC20;

    /* CONSTANTS */

    uint256 private constant LEVERAGE = 0;
    uint256 private constant HEALTH = 1;
    uint256 private constant IDLE = 2;
    uint256 private constant ORACLE = 3;
    /// Units by which the market's roundings may differ from the venue's.
    uint256 private constant DUST = 2;
    /// For readings that have no value: no debt, no net value.
    uint256 private constant ENDLESS = uint256(uint128(type(int128).max));
    /// A bounty is at most this part of a liquidator's: 1/2.
    uint256 private constant BONUS_PART = 2;
    /// Borrowing stops this far from the market's own limit: 0.5 %.
    uint256 private constant LTV_MARGIN_WAD = 1.005e18;
    uint256 private constant MOST_LEVERAGE_WAD = 15e18;

    /* TYPES */

    struct Bands {
        /// Leverage, Wad: above 1e18, in this order.
        uint64 minWad;
        uint64 targetWad;
        uint64 maxWad;
        /// The target keeps the health factor so much above the lowest permitted, Wad, at least 1e18.
        uint64 marginWad;
        /// Accepted probability of liquidation in the reaction time, Wad.
        uint64 epsilonWad;
        /// Seconds in which nobody may act.
        uint32 reactionTime;
        /// Idle assets left alone, in 1e4 of the net value.
        uint16 idleBps;
        /// Health factor below which anyone may rescue, Wad, above 1e18.
        uint64 hardHealthWad;
        /// How far from the policy price a rescue may trade, and its bounty on what it repays, in 1e4.
        uint16 rescueBps;
        uint16 bountyBps;
    }

    /// Where the strategy stands and should.
    struct State {
        uint256 collateral;
        uint256 debt;
        /// Collateral's worth and net value without fresh assets, in assets.
        uint256 worth;
        uint256 net;
        uint256 healthWad;
        uint256 thresholdWad;
        uint256 lowestHealthWad;
        /// Leverage that is aimed at.
        uint256 targetWad;
        /// Most leverage permitted.
        uint256 upperWad;
    }

    /* STORAGE */

    IForecastFeed public immutable feed;
    /// @notice The feed's name of the pair.
    bytes32 public immutable pair;
    ICreditVenue public credit;
    Bands public bands;
    LossBudget.Bucket private _rescueBudget;
    /// What the trade under way has repaid.
    uint256 private transient _repaid;

    /* EVENTS AND ERRORS */

    event CreditSet(address indexed credit);
    event BandsSet(Bands bands);
    event RescueBudgetSet(uint256 budgetBps, uint256 window);
    event Rescued(address indexed caller, uint256 repaid, uint256 bounty, uint256 healthBeforeWad, uint256 healthWad);

    error NotInDanger(uint256 healthWad, uint256 hardHealthWad);
    error NotFillable(uint256 amountIn);

    /// @param pair_ What the feed calls base and asset.
    /// @param rescueBudgetBps What rescues may lose, in 1e4 of the net value in any `rescueWindow` seconds.
    constructor(
        Setup memory setup,
        IForecastFeed feed_,
        bytes32 pair_,
        Bands memory bands_,
        uint256 rescueBudgetBps,
        uint256 rescueWindow
    ) PositionStrategy(setup) {
        (feed, pair) = (feed_, pair_);
        _setBands(bands_);
        _setRescueBudget(rescueBudgetBps, rescueWindow);
    }

    /* VIEWS */

    /// @notice What rescues may lose, bounties included, as `lossBudget` says of other actions.
    function rescueBudget() external view returns (uint256 budgetBps, uint256 window, uint256 availableWad) {
        return (_rescueBudget.budgetBps, _rescueBudget.window, _rescueBudget.available());
    }

    /* ANYONE */

    /// @notice Deleverages a position in danger, and pays who calls. Anyone may, while the health factor is below `hardHealth`.
    /// @return bounty Assets paid to the caller.
    function rescue() external nonReentrant returns (uint256 bounty) {
        Price memory p = _knownPrice();
        State memory s = _state(p);
        Bands memory b = bands;
        if (s.debt == 0 || s.healthWad >= b.hardHealthWad) revert NotInDanger(s.healthWad, b.hardHealthWad);
        Mark memory mark = _mark(p);
        uint256 bountyWad =
            Math.min(b.bountyBps * (WAD / BPS), credit.liquidationBonusWad() / BONUS_PART);
        uint256 repaid;
        (repaid, bounty) = _deleverage(p, s, b.rescueBps, bountyWad, _rescueBudget);
        if (repaid == 0) revert Stuck("health");
        uint256 healthWad = credit.healthFactorWad();
        if (healthWad <= s.healthWad) revert NotCloser(s.healthWad, healthWad);
        _idle -= bounty;
        _settle(p, mark, _rescueBudget, "health");
        emit Rescued(msg.sender, repaid, bounty, s.healthWad, healthWad);
        IERC20(asset()).safeTransfer(msg.sender, bounty);
    }

    /* TIGHTENING BY GUARDIAN OR OWNER, LOOSENING BY OWNER ALONE */

    /// @notice Guardian or owner when no leverage rises, the permitted health factor does not fall, and nothing else changes;
    /// else owner.
    function setBands(Bands calldata b) external {
        Bands memory old = bands;
        bool others = b.idleBps == old.idleBps && b.hardHealthWad == old.hardHealthWad && b.rescueBps == old.rescueBps
            && b.bountyBps == old.bountyBps;
        _checkMayTighten(
            others && b.minWad <= old.minWad && b.targetWad <= old.targetWad && b.maxWad <= old.maxWad
                && b.marginWad >= old.marginWad && b.epsilonWad <= old.epsilonWad && b.reactionTime >= old.reactionTime
        );
        _setBands(b);
    }

    /// @notice What rescues may lose. As `setLossBudget`.
    function setRescueBudget(uint256 budgetBps, uint256 window) external {
        _checkMayTighten(budgetBps <= _rescueBudget.budgetBps && window >= _rescueBudget.window);
        _setRescueBudget(budgetBps, window);
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
        if (out == 0) revert NotFillable(sold);
        assets = out > owed ? out - owed : 0;
    }

    /// @dev The health factor does not fall by an exit, but the market pays no collateral out while it is below 1.
    function _exitableWad(Price memory p) internal view override returns (uint256) {
        (uint256 held, uint256 owed) = _position();
        if (held == 0) return WAD;
        if (p.lowWad == 0 || (owed > 0 && credit.healthFactorWad() < WAD)) return 0;
        uint256 most =
            Math.min(exchange.depth(true, _limit(true, p, terms.exitBps)), credit.withdrawable());
        return most >= held ? WAD : most.mulDiv(WAD, held);
    }

    /* HOOKS: THE RULE */

    function _read(Price memory p) internal view override returns (Reading[] memory list) {
        State memory s = _state(p);
        Bands memory b = bands;
        list = new Reading[](4);
        // While paused nothing is levered up, so nothing has too little.
        uint256 lowerWad = paused ? 0 : s.targetWad.mulDiv(b.minWad, b.targetWad);
        list[LEVERAGE] = Reading(
            "leverage", _clipped(_leverageWad(s)), int256(lowerWad), int256(s.targetWad), int256(s.upperWad)
        );
        list[HEALTH] = Reading(
            "health",
            _clipped(s.healthWad),
            int256(s.lowestHealthWad),
            _clipped(_healthAt(s.targetWad, s.thresholdWad)),
            int256(ENDLESS)
        );
        uint256 useful = _idle - _fresh();
        if (paused) useful = Math.min(useful, s.debt);
        if (s.net > 0) useful = useful.mulDiv(WAD, s.net);
        list[IDLE] = Reading("idle", int256(useful), 0, 0, int256(b.idleBps * (WAD / BPS)));
        list[ORACLE] = _oracleReading(p);
    }

    function _act(Price memory p, Reading[] memory before) internal override returns (uint256 index) {
        State memory s = _state(p);
        if (before[HEALTH].value < before[HEALTH].lower) index = HEALTH;
        else if (before[LEVERAGE].value <= before[LEVERAGE].upper) index = IDLE;
        if (index != IDLE) {
            (uint256 repaid,) = _deleverage(p, s, terms.toleranceBps, 0, _budget);
            if (repaid == 0) revert Stuck(before[index].name);
        } else if (before[LEVERAGE].value < before[LEVERAGE].lower) {
            index = LEVERAGE;
            _checkGood(p);
            if (!_leverUp(p, s)) revert Stuck("leverage");
        } else if (_isOut(before[IDLE])) {
            if (_repayIdle(s.debt) == 0) revert Stuck("idle");
        } else if (_isOut(before[ORACLE])) {
            revert Stuck("oracle");
        } else {
            revert InBand();
        }
    }

    /// @dev Idle assets first: then all that is sold may be repaid.
    function _close(Price memory p) internal override {
        (uint256 held, uint256 owed) = _position();
        _repayIdle(owed);
        uint256 limitWad = _limit(true, p, terms.emergencyBps);
        uint256 sold = Math.min(held, Math.min(exchange.depth(true, limitWad), credit.withdrawable()));
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

    function _state(Price memory p) private view returns (State memory s) {
        Bands memory b = bands;
        (s.collateral, s.debt) = _position();
        s.net = _idle - _fresh();
        if (p.lowWad > 0) {
            s.worth = _toAssets(s.collateral, p.lowWad);
            s.net += (s.worth > s.debt ? s.worth - s.debt : 0) + _toAssets(_idleBase, p.lowWad);
        }
        s.healthWad = s.debt == 0 ? ENDLESS : credit.healthFactorWad();
        s.lowestHealthWad =
            Math.max(feed.lowestHealthFactorWad(pair, b.reactionTime, b.epsilonWad), b.hardHealthWad);
        if (address(credit) == address(0)) return s;
        s.thresholdWad = credit.liquidationThresholdWad();
        s.upperWad = Math.min(b.maxWad, _leverageAt(s.lowestHealthWad, s.thresholdWad));
        uint256 aimedWad = s.lowestHealthWad.mulDiv(b.marginWad, WAD);
        uint256 ltvWad = credit.maxLtvWad();
        // Nearer than this to its own limit the market does not lend.
        if (ltvWad > 0) aimedWad = Math.max(aimedWad, s.thresholdWad.mulDiv(LTV_MARGIN_WAD, ltvWad));
        s.targetWad = Math.min(b.targetWad, _leverageAt(aimedWad, s.thresholdWad));
        s.targetWad = Math.min(s.targetWad, s.upperWad);
    }

    /// Leverage at which the health factor is this, Wad, rounded down.
    function _leverageAt(uint256 healthWad, uint256 thresholdWad) private pure returns (uint256) {
        return healthWad > thresholdWad ? healthWad.mulDiv(WAD, healthWad - thresholdWad) : ENDLESS;
    }

    /// Health factor at this leverage, Wad, rounded down.
    function _healthAt(uint256 leverageWad, uint256 thresholdWad) private pure returns (uint256) {
        return leverageWad > WAD ? thresholdWad.mulDiv(leverageWad, leverageWad - WAD) : ENDLESS;
    }

    function _leverageWad(State memory s) private pure returns (uint256) {
        if (s.worth == 0) return 0;
        return s.net == 0 ? ENDLESS : s.worth.mulDiv(WAD, s.net, Math.Rounding.Ceil);
    }

    function _clipped(uint256 value) private pure returns (int256) {
        return int256(Math.min(value, ENDLESS));
    }

    /// Repays debt by idle assets and by selling base, as much as brings leverage and health to their targets and the market
    /// allows. A bounty, as a share of what is repaid, is kept out of it and stays idle.
    function _deleverage(
        Price memory p,
        State memory s,
        uint256 toleranceBps,
        uint256 bountyWad,
        LossBudget.Bucket storage bucket
    ) private returns (uint256 repaid, uint256 bounty) {
        // Idle assets do for the health what a sale does, without a trade; for the leverage they do nothing.
        repaid = _repayIdle(Math.min(_idle - _fresh(), s.debt).mulDiv(WAD, WAD + bountyWad));
        uint256 most = s.worth - Math.min(s.worth, s.net.mulDiv(s.targetWad, WAD));
        if (s.healthWad < s.lowestHealthWad) {
            // Selling r and repaying it: (HF x D - LT x r) / (D - repaid - r) = aimed. The aim is at least the lowest.
            uint256 aimedWad = _healthAt(s.targetWad, s.thresholdWad);
            (uint256 has, uint256 needs) = (s.healthWad * s.debt, aimedWad * (s.debt - repaid));
            if (needs > has) most = Math.max(most, (needs - has) / (aimedWad - s.thresholdWad));
        }
        uint256 sold = Math.min(_toBases(most, p.lowWad), Math.min(s.collateral, credit.withdrawable()));
        sold = _tradable(true, sold, p, toleranceBps, bountyWad, bucket);
        if (sold > 0) {
            uint256 least = _toAssets(sold, _limit(true, p, toleranceBps));
            uint256 out = exchange.quote(true, sold);
            out = _keeperTrade(true, sold, least, abi.encode(out.mulDiv(WAD, WAD + bountyWad)));
            repaid += _repaid;
            _idle += out - _repaid;
        }
        bounty = repaid.mulDiv(bountyWad, WAD);
    }

    /// Buys base up to the target, as far as idle assets, the lender and the exchange allow. False when nothing can be done.
    function _leverUp(Price memory p, State memory s) private returns (bool) {
        uint256 own = _idle - _fresh();
        uint256 room = Math.min(own + credit.borrowable(), _toAssets(credit.suppliable(), p.lowWad));
        uint256 wanted = s.net.mulDiv(s.targetWad, WAD) - s.worth;
        uint256 paid = _tradable(false, Math.min(wanted, room), p, terms.toleranceBps, 0, _budget);
        if (paid == 0) return false;
        own = Math.min(own, paid);
        _idle -= own;
        uint256 least = _toBases(paid, _limit(false, p, terms.toleranceBps));
        _keeperTrade(false, paid, least, abi.encode(paid - own));
        return true;
    }

    /// Repays debt by idle assets that are not fresh, at most `most`.
    function _repayIdle(uint256 most) private returns (uint256 repaid) {
        most = Math.min(_idle - _fresh(), most);
        if (most == 0) return 0;
        repaid = credit.repay(most);
        _idle -= repaid;
    }

    /* INTERNAL: RULES */

    function _setBands(Bands memory b) private {
        _checkRange(b.minWad, WAD, b.targetWad);
        _checkRange(b.targetWad, WAD + 1, b.maxWad);
        _checkRange(b.maxWad, b.targetWad, MOST_LEVERAGE_WAD);
        _checkRange(b.marginWad, WAD, 10 * WAD);
        _checkRange(b.hardHealthWad, WAD + 1, 10 * WAD);
        _checkRange(b.idleBps, 1, BPS);
        _checkRange(b.rescueBps, 1, 2_000);
        _checkRange(b.bountyBps, 0, 1_000);
        // Refuses a pair, a time or a probability that the feed does not know.
        _checkRange(feed.lowestHealthFactorWad(pair, b.reactionTime, b.epsilonWad), WAD, type(uint128).max);
        bands = b;
        emit BandsSet(b);
    }

    function _setRescueBudget(uint256 budgetBps, uint256 window) private {
        _checkRange(budgetBps, 0, BPS);
        _checkRange(window, 1 hours, type(uint32).max);
        _rescueBudget.set(budgetBps, window);
        emit RescueBudgetSet(budgetBps, window);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ICreditVenue} from "../../interfaces/ICreditVenue.sol";
import {IForecastFeed} from "../../interfaces/IForecastFeed.sol";
import {IRegulated} from "../../interfaces/IRegulated.sol";
import {PositionRules} from "./PositionRules.sol";

/// @title LeverageRules
/// @notice Where a leveraged strategy should stand, and how far it is from there. The rule in words is in LeveragedStrategy.
/// @dev With C the collateral's worth, D the debt, E the net value and LT the liquidation threshold: leverage L = C / E, health
/// factor HF = LT x C / D, and without idle assets HF = LT x L / (L - 1), so L = HF / (HF - LT).
/// @dev ROUNDING: leverage up, the leverage permitted and aimed at down, the lowest health factor up (by the feed).
contract LeverageRules is PositionRules {
    using Math for uint256;

    /* TYPES */

    struct Bands {
        /// Leverage, Wad, from 1e18 up, in this order.
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

    /// Where the strategy stands, in assets; what came in during this block is left out of `net` and `idle`.
    struct Stand {
        ICreditVenue credit;
        /// Collateral at the policy price.
        uint256 worth;
        uint256 debt;
        uint256 net;
        uint256 idle;
        uint256 verdict;
        bool paused;
    }

    /// Where it should stand, all Wad.
    struct Aims {
        uint256 healthWad; // present
        uint256 thresholdWad;
        uint256 lowestHealthWad;
        uint256 targetHealthWad;
        uint256 targetWad;
        uint256 upperWad;
    }

    /// For readings that have no value: no debt, no net value.
    uint256 private constant ENDLESS = uint256(uint128(type(int128).max));
    /// A bounty is at most this part of a liquidator's: 1/2.
    uint256 private constant BONUS_PART = 2;
    /// Borrowing stops this far from the market's own limit: 0.5 %.
    uint256 private constant LTV_MARGIN_WAD = 1.005e18;
    uint256 private constant MOST_LEVERAGE_WAD = 15e18;
    uint256 private constant MOST_RESCUE_BPS = 2_000; // 20 %

    /* STORAGE */

    IForecastFeed public immutable feed;
    /// @notice The feed's name of base and asset.
    bytes32 public immutable pair;
    Bands private _bands;

    event BandsSet(Bands bands);

    constructor(Config memory c, IForecastFeed feed_, bytes32 pair_, Bands memory bands_) PositionRules(c) {
        (feed, pair) = (feed_, pair_);
        _setBands(bands_);
    }

    /* VIEWS */

    function bands() external view returns (Bands memory) {
        return _bands;
    }

    /// @notice "leverage" and "health" (Wad), "idle" (Wad of the net value), "oracle" (verdict, 0 is good). While paused nothing
    /// is levered up, so no leverage is too low, and idle assets are of use only to repay debt.
    function readings(Stand calldata s) external view returns (IRegulated.Reading[] memory list) {
        Aims memory a = _aims(s);
        Bands storage b = _bands;
        list = new IRegulated.Reading[](4);
        uint256 valueWad;
        if (s.worth > 0) valueWad = s.net == 0 ? ENDLESS : s.worth.mulDiv(WAD, s.net, Math.Rounding.Ceil);
        // Nor is it where there is nothing yet.
        uint256 lowerWad = s.paused || s.net == 0 ? 0 : a.targetWad.mulDiv(b.minWad, b.targetWad);
        list[0] = _reading("leverage", valueWad, lowerWad, a.targetWad, a.upperWad);
        list[1] = _reading("health", a.healthWad, a.lowestHealthWad, a.targetHealthWad, ENDLESS);
        uint256 useful = s.paused ? Math.min(s.idle, s.debt) : s.idle;
        if (s.net > 0) useful = useful.mulDiv(WAD, s.net);
        list[2] = _reading("idle", useful, 0, 0, b.idleBps * (WAD / BPS));
        list[3] = _reading("oracle", s.verdict, 0, 0, 0);
    }

    /// @notice What brings leverage and health to their targets from above and from below.
    /// @param own Idle assets that may be used. They do for the health what a sale does, without a trade, but nothing for the
    /// leverage.
    /// @return repaid Debt to repay out of them.
    /// @return sold Worth of the base to sell besides, to repay the rest.
    function toReduce(Stand calldata s, uint256 own) external view returns (uint256 repaid, uint256 sold) {
        Aims memory a = _aims(s);
        sold = s.worth - Math.min(s.worth, s.net.mulDiv(a.targetWad, WAD));
        if (a.healthWad >= a.targetHealthWad) return (0, sold);
        // HF x D / (D - x) = aim
        repaid = Math.min(own, s.debt - s.debt.mulDiv(a.healthWad, a.targetHealthWad));
        if (a.healthWad >= a.lowestHealthWad) return (repaid, sold);
        // Selling r and repaying it too: (HF x D - LT x r) / (D - x - r) = aim, which is above LT.
        (uint256 has, uint256 needs) = (a.healthWad * s.debt, a.targetHealthWad * (s.debt - repaid));
        if (needs > has) sold = Math.max(sold, (needs - has) / (a.targetHealthWad - a.thresholdWad));
    }

    /// @notice Worth of the base to buy for leverage at its target.
    function toBuy(Stand calldata s) external view returns (uint256 worth) {
        uint256 wanted = s.net.mulDiv(_aims(s).targetWad, WAD);
        return wanted > s.worth ? wanted - s.worth : 0;
    }

    /// @notice How far from the policy price a rescue may trade (1e4), and its bounty as a share of what it repays (Wad).
    function rescueTerms(ICreditVenue credit) external view returns (uint256 toleranceBps, uint256 bountyWad) {
        bountyWad = Math.min(_bands.bountyBps * (WAD / BPS), credit.liquidationBonusWad() / BONUS_PART);
        return (_bands.rescueBps, bountyWad);
    }

    /// @notice Health factor below which anyone may rescue, Wad.
    function hardHealthWad() external view returns (uint256) {
        return _bands.hardHealthWad;
    }

    /* TIGHTENING BY GUARDIAN OR OWNER, LOOSENING BY OWNER ALONE */

    /// @notice Guardian or owner when no leverage rises, the permitted health factor does not fall, and nothing else changes;
    /// else owner.
    function setBands(Bands calldata b) external {
        Bands memory old = _bands;
        bool others = b.idleBps == old.idleBps && b.hardHealthWad == old.hardHealthWad && b.rescueBps == old.rescueBps
            && b.bountyBps == old.bountyBps;
        _checkMayTighten(
            others && b.minWad <= old.minWad && b.targetWad <= old.targetWad && b.maxWad <= old.maxWad
                && b.marginWad >= old.marginWad && b.epsilonWad <= old.epsilonWad && b.reactionTime >= old.reactionTime
        );
        _setBands(b);
    }

    /* INTERNAL */

    /// @dev The lowest health factor is the forecast's, and never below the one at which anyone may rescue.
    function _aims(Stand calldata s) private view returns (Aims memory a) {
        Bands memory b = _bands;
        a.healthWad = ENDLESS;
        a.lowestHealthWad =
            Math.max(feed.lowestHealthFactorWad(pair, b.reactionTime, b.epsilonWad), b.hardHealthWad);
        if (address(s.credit) == address(0)) return a;
        if (s.debt > 0) a.healthWad = s.credit.healthFactorWad();
        a.thresholdWad = s.credit.liquidationThresholdWad();
        a.upperWad = Math.min(b.maxWad, _leverageAt(a.lowestHealthWad, a.thresholdWad));
        uint256 aimWad = a.lowestHealthWad.mulDiv(b.marginWad, WAD);
        // Nearer than this to its own limit the market does not lend.
        uint256 ltvWad = s.credit.maxLtvWad();
        if (ltvWad > 0) aimWad = Math.max(aimWad, a.thresholdWad.mulDiv(LTV_MARGIN_WAD, ltvWad));
        a.targetWad = Math.min(Math.min(b.targetWad, a.upperWad), _leverageAt(aimWad, a.thresholdWad));
        a.targetHealthWad =
            a.targetWad > WAD ? a.thresholdWad.mulDiv(a.targetWad, a.targetWad - WAD) : ENDLESS;
    }

    /// Leverage at which the health factor is this.
    function _leverageAt(uint256 healthWad, uint256 thresholdWad) private pure returns (uint256) {
        return healthWad > thresholdWad ? healthWad.mulDiv(WAD, healthWad - thresholdWad) : ENDLESS;
    }

    function _reading(bytes32 name, uint256 value, uint256 lower, uint256 target, uint256 upper)
        private
        pure
        returns (IRegulated.Reading memory)
    {
        return IRegulated.Reading(name, _clip(value), _clip(lower), _clip(target), _clip(upper));
    }

    function _clip(uint256 value) private pure returns (int256) {
        return int256(Math.min(value, ENDLESS));
    }

    function _setBands(Bands memory b) private {
        _checkRange(b.minWad, WAD, b.targetWad);
        _checkRange(b.targetWad, WAD + 1, b.maxWad);
        _checkRange(b.maxWad, b.targetWad, MOST_LEVERAGE_WAD);
        _checkRange(b.marginWad, WAD, 10 * WAD);
        _checkRange(b.hardHealthWad, WAD + 1, 10 * WAD);
        _checkRange(b.idleBps, 1, BPS);
        _checkRange(b.rescueBps, 1, MOST_RESCUE_BPS);
        _checkRange(b.bountyBps, 0, MAX_TOLERANCE_BPS);
        // Refuses a pair, a time or a probability that the feed does not know.
        _checkRange(feed.lowestHealthFactorWad(pair, b.reactionTime, b.epsilonWad), WAD, type(uint128).max);
        _bands = b;
        emit BandsSet(b);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IForecastFeed} from "../../interfaces/IForecastFeed.sol";
import {PositionRules} from "./PositionRules.sol";

/// @title NeutralRules
/// @notice The bands of one delta-neutral strategy, beside what bounds every strategy of positions. What they mean for it is in
/// NeutralPlanner, the rule in words in DeltaNeutralStrategy.
contract NeutralRules is PositionRules {
    /* TYPES */

    struct Bands {
        /// |Net delta x price| / net value that is left alone, Wad.
        uint64 deltaWad;
        /// Health factors, Wad, in this order: lowest permitted whatever the feed says, aimed at, and left alone at most.
        uint64 minHealthWad;
        uint64 targetHealthWad;
        uint64 maxHealthWad;
        /// The target keeps the health factor so much above the lowest permitted, Wad, at least 1e18.
        uint64 marginWad;
        /// Accepted probability of liquidation in the reaction time, Wad.
        uint64 epsilonWad;
        /// Seconds in which nobody may act.
        uint32 reactionTime;
        /// Least seconds between two recentrings.
        uint32 cooldown;
        /// A new range is from price / width to price x width; it is left when the price is a factor `inner` off its centre. Wad.
        uint64 widthWad;
        uint64 innerWad;
        /// How far the pools' prices may be from the oracle's where liquidity is given, in 1e4. Up to the fee of the range's pool,
        /// pushing it from one end of that to the other costs more than the liquidity given there loses.
        uint16 spotBps;
        /// Idle tokens, and fees, that are left alone, in 1e4 of the net value.
        uint16 idleBps;
        uint16 feeBps;
    }

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

    /// @notice Lowest health factor that is permitted now, Wad: the forecast's, or the rule's own where that is higher.
    function lowestHealthWad() external view returns (uint256 healthWad) {
        Bands storage b = _bands;
        healthWad = feed.lowestHealthFactorWad(pair, b.reactionTime, b.epsilonWad);
        if (healthWad < b.minHealthWad) healthWad = b.minHealthWad;
    }

    /* TIGHTENING BY GUARDIAN OR OWNER, LOOSENING BY OWNER ALONE */

    /// @notice Guardian or owner when health factors, cooldown and what the feed is asked for only become safer, spot is held
    /// closer, and nothing else changes; else owner.
    function setBands(Bands calldata b) external {
        Bands memory old = _bands;
        bool others = b.deltaWad == old.deltaWad && b.widthWad == old.widthWad && b.innerWad == old.innerWad
            && b.idleBps == old.idleBps && b.feeBps == old.feeBps;
        _checkMayTighten(
            others && b.minHealthWad >= old.minHealthWad && b.targetHealthWad >= old.targetHealthWad
                && b.maxHealthWad >= old.maxHealthWad && b.marginWad >= old.marginWad && b.epsilonWad <= old.epsilonWad
                && b.reactionTime >= old.reactionTime && b.cooldown >= old.cooldown && b.spotBps <= old.spotBps
        );
        _setBands(b);
    }

    /* INTERNAL */

    function _setBands(Bands memory b) private {
        _checkRange(b.deltaWad, 1, WAD);
        _checkRange(b.minHealthWad, WAD + 1, b.targetHealthWad);
        _checkRange(b.maxHealthWad, b.targetHealthWad, 10 * WAD);
        _checkRange(b.marginWad, WAD, 10 * WAD);
        _checkRange(b.widthWad, WAD + WAD / 1_000, 10 * WAD);
        _checkRange(b.innerWad, WAD + 1, b.widthWad);
        _checkRange(b.cooldown, 1, 30 days);
        _checkRange(b.spotBps, 1, BPS / 10);
        _checkRange(b.idleBps, 1, BPS);
        _checkRange(b.feeBps, 1, BPS);
        // Refuses a pair, a time or a probability that the feed does not know.
        _checkRange(feed.lowestHealthFactorWad(pair, b.reactionTime, b.epsilonWad), WAD, type(uint128).max);
        _bands = b;
        emit BandsSet(b);
    }
}

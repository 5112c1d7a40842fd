// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ICreditVenue} from "../../interfaces/ICreditVenue.sol";
import {IForecastFeed} from "../../interfaces/IForecastFeed.sol";
import {ILiquidityVenue} from "../../interfaces/ILiquidityVenue.sol";
import {IPooled} from "../../interfaces/IPooled.sol";
import {NeutralPlanner} from "./NeutralPlanner.sol";
import {NeutralRules} from "./NeutralRules.sol";
import {PositionRules} from "./PositionRules.sol";
import {PositionStrategy} from "./PositionStrategy.sol";

/// @title DeltaNeutralStrategy
/// @notice Earns the fees of a range of liquidity whose base is borrowed against assets, so that the price matters little.
///
/// THE RULE. The net delta is what the range, its fees and idle base hold at the policy price, less the debt. Base moved between
/// range and debt changes the health factor and the size of the range but not the net delta; only a trade changes that. So
/// one action does it all, in one transaction:
/// 1. Net delta out of its band: it is traded away, in one chunk a block that no sandwich can profit from.
/// 2. The price out of the inner band of the range, the cooldown passed, spot and oracle agreed: all liquidity leaves the range
///    and goes into a new one around the price.
/// 3. Liquidity, debt and collateral are set to what the health factor's target asks for (HedgedRange), by borrowing or
///    repaying what the range takes or gives; all other assets become collateral. Fees and idle assets are used up by it.
/// Its health factor is by own collateral at the policy price, or the market's own where that is lower. The lowest permitted
/// follows from the forecast feed: what keeps liquidation out of reach for `reactionTime` but with a probability of `epsilon`.
///
/// RISK IS ADDED (more liquidity, more debt) only at a good price, while not paused; liquidity besides only while its pool's
/// spot, and the oracle's market as the block before left it, are within `spotBps` of the oracle's price: liquidity given at
/// a pushed price is given away. Else the range may only shrink,
/// the debt only fall: so a health factor too low, or a net delta out of its band by both known prices, can always be helped,
/// by anyone.
///
/// @dev READINGS: "delta" (net delta x price / net value), "health", "centre" (price / centre of the range), "idle" and "fees"
/// (shares of the net value), all Wad; "oracle" (verdict). NeutralPlanner has them, the plan of an action, and an exit's.
/// @dev ASSUMPTIONS, beside those of PositionStrategy: the venues are this strategy's own and fixed for ever; the exchange trades
/// in another pool than the range is in, for one pool could not be quoted across a change of its liquidity.
contract DeltaNeutralStrategy is PositionStrategy {
    using SafeERC20 for IERC20;

    /// Moves of the credit account below this many units are not worth making, and might round to nothing.
    uint256 private constant DUST = 10;
    uint256 private constant HEALTH = 1;

    /* STORAGE */

    NeutralPlanner public immutable planner;
    /// @notice The range of liquidity, this strategy's own.
    ILiquidityVenue public range;
    /// @notice The credit account, this strategy's own.
    ICreditVenue public credit;
    /// @notice Time of the last recentring.
    uint40 public recentredAt;
    /// The action under way helps the health factor. What is then known of the price may be too little to keep the net delta
    /// in its band too: it is helped next.
    bool private transient _urgent;

    /* EVENTS */

    event VenuesSet(address indexed range, address indexed credit);
    event Recentred(uint256 lowerWad, uint256 upperWad);

    /// @param planner_ Made for the same exchange.
    /// @param pair The feed's name of base and asset.
    constructor(
        Setup memory setup,
        NeutralPlanner planner_,
        PositionRules.Config memory config,
        IForecastFeed feed,
        bytes32 pair,
        NeutralRules.Bands memory bands
    ) PositionStrategy(setup, new NeutralRules(config, feed, pair, bands)) {
        if (planner_.exchange() != exchange) revert WrongExchange(address(planner_.exchange()));
        planner = planner_;
    }

    /* OWNER */

    /// @notice Gives the strategy its range and its credit account, which it owns. Once.
    function setVenues(ILiquidityVenue range_, ICreditVenue credit_) external onlyOwner {
        if (
            address(range) != address(0) || range_.owner() != address(this) || range_.asset() != asset()
                || range_.base() != base || range_.pool() == IPooled(address(exchange)).pool()
        ) revert WrongVenue(address(range_));
        if (
            credit_.owner() != address(this) || credit_.asset() != asset() || credit_.collateralToken() != asset()
                || credit_.debtToken() != base
        ) revert WrongVenue(address(credit_));
        (range, credit) = (range_, credit_);
        // Venues take only what they are told to.
        for (uint256 i; i < 2; ++i) {
            address venue = i == 0 ? address(range_) : address(credit_);
            IERC20(asset()).forceApprove(venue, type(uint256).max);
            IERC20(base).forceApprove(venue, type(uint256).max);
        }
        emit VenuesSet(address(range_), address(credit_));
    }

    /* HOOKS: VALUE */

    function _valueAt(uint256 priceWad) internal view override returns (uint256) {
        return planner.valueAt(range, credit, priceWad);
    }

    function _exposureAt(uint256 priceWad) internal view override returns (int256, int256, uint256) {
        return planner.exposureAt(range, credit, priceWad);
    }

    /* HOOKS: EXIT */

    function _quoteExit(uint256 part, uint256 whole) internal view override returns (uint256) {
        return planner.slice(range, credit, _idleBase, part, whole).assets;
    }

    function _marginalExit() internal view override returns (uint256) {
        return planner.marginalExit(range, credit, _idleBase, ROUNDINGS);
    }

    function _exit(uint256 part, uint256 whole) internal override returns (uint256 assets) {
        NeutralPlanner.Slice memory s = planner.slice(range, credit, _idleBase, part, whole);
        // What the venues give beyond what was counted on, a unit or two, is the others'.
        assets = s.assets;
        if (assets == 0) return 0;
        if (address(range) != address(0)) _collect();
        if (s.units > 0) _remove(s.units);
        bytes memory account;
        if (address(credit) != address(0)) {
            account = abi.encode(credit.debt() - s.owed, credit.collateral() - s.held);
            if (s.paid == 0) _adjust(account);
        }
        if (s.paid > 0) {
            _trade(false, s.paid, s.out, account);
            _idle -= s.paid;
        } else if (s.sold > 0) {
            _idleBase -= s.sold;
            _idle += _trade(true, s.sold, s.out, "");
        }
        _idle -= assets;
    }

    function _exitableWad(Price memory p) internal view override returns (uint256) {
        return planner.exitableWad(_stand(p, 0));
    }

    /* HOOKS: THE RULE */

    function _read(Price memory p) internal view override returns (Reading[] memory) {
        return planner.readings(_stand(p, p.lowWad == 0 ? _idle : _net(p)));
    }

    function _act(Price memory p, Reading[] memory before) internal override returns (uint256) {
        _urgent = false; // of an earlier action in this transaction
        NeutralPlanner.Stand memory s = _stand(p, _net(p));
        (bool sells, uint256 traded) = planner.hedge(s);
        traded = _tradable(sells, traded, p, _terms().toleranceBps, 0, REBALANCE);
        uint256 out = traded == 0 ? 0 : exchange.quote(sells, traded);
        NeutralPlanner.Plan memory plan = planner.plan(s, sells, traded, out);
        _urgent = before[HEALTH].value < before[HEALTH].lower;

        _collect();
        if (plan.removed > 0) _remove(plan.removed);
        bytes memory account = abi.encode(plan.debt, plan.collateral);
        if (traded == 0) {
            _adjust(account);
        } else {
            _keeperTrade(sells, traded, out, account);
            if (sells) _idleBase -= traded;
            else _idle -= traded;
        }
        if (plan.adds) _add(plan.lowerWad, plan.upperWad);
        if (plan.recentres) {
            recentredAt = uint40(block.timestamp);
            emit Recentred(plan.lowerWad, plan.upperWad);
        }
        return plan.index;
    }

    /// @dev What the market refuses is passed over; calling again goes on where this ended.
    function _close(Price memory p) internal override {
        if (address(range) == address(0)) return;
        try range.collect() returns (uint256 assets, uint256 bases) {
            (_idle, _idleBase) = (_idle + assets, _idleBase + bases);
        } catch {}
        try range.remove(1, 1) returns (uint256 assets, uint256 bases) {
            (_idle, _idleBase) = (_idle + assets, _idleBase + bases);
        } catch {}
        _tryRepay();
        uint256 owed = credit.debt();
        bool sells = owed == 0;
        uint256 limitWad = _limit(sells, p, _terms().emergencyBps);
        uint256 traded = sells ? _idleBase : Math.min(_idle, _toAssets(owed, limitWad) + 1);
        traded = Math.min(traded, exchange.depth(sells, limitWad));
        uint256 least = sells ? _toAssets(traded, limitWad) : _toBases(traded, limitWad);
        if (least > 0) {
            (bool ok, uint256 out) = _tryTrade(sells, traded, least, "");
            if (ok && sells) (_idleBase, _idle) = (_idleBase - traded, _idle + out);
            else if (ok) (_idleBase, _idle) = (_idleBase + out, _idle - traded);
        }
        _tryRepay();
        uint256 free = planner.freeCollateral(_stand(p, 0));
        if (free == 0) return;
        try credit.withdraw(free, address(this)) {
            _idle += free;
        } catch {}
    }

    /// The credit account's part, between getting and paying.
    function _onTrade(bool sellsBase, uint256, uint256 amountOut, bytes calldata data) internal override {
        if (sellsBase) _idle += amountOut;
        else _idleBase += amountOut;
        _adjust(data);
    }

    /* INTERNAL */

    function _stand(Price memory p, uint256 net) private view returns (NeutralPlanner.Stand memory) {
        uint256 fresh = _fresh();
        return NeutralPlanner.Stand(
            NeutralRules(address(rules)),
            range,
            credit,
            p.lowWad,
            p.highWad,
            p.verdict,
            oracle.last(),
            _idle - fresh,
            _idleBase,
            net > fresh ? net - fresh : 0,
            recentredAt,
            paused,
            _urgent && _reentrancyGuardEntered()
        );
    }

    function _collect() private {
        (uint256 assets, uint256 bases) = range.fees();
        if (assets == 0 && bases == 0) return;
        (assets, bases) = range.collect();
        (_idle, _idleBase) = (_idle + assets, _idleBase + bases);
    }

    function _remove(uint256 units) private {
        (uint256 assets, uint256 bases) = range.remove(units, range.liquidity());
        (_idle, _idleBase) = (_idle + assets, _idleBase + bases);
    }

    function _add(uint256 lowerWad, uint256 upperWad) private {
        (uint256 assets, uint256 bases) = range.add(lowerWad, upperWad, _idle - _fresh(), _idleBase);
        (_idle, _idleBase) = (_idle - assets, _idleBase - bases);
    }

    /// Brings debt and collateral to what they should be (`account`: both), as far as the tokens here allow.
    function _adjust(bytes memory account) private {
        (uint256 debt, uint256 collateral) = abi.decode(account, (uint256, uint256));
        (uint256 owed, uint256 held) = (credit.debt(), credit.collateral());
        if (owed > debt) {
            uint256 less = Math.min(owed - debt, _idleBase);
            if (less >= DUST || less == owed) _idleBase -= credit.repay(less);
        }
        if (collateral >= held + DUST) {
            uint256 more = Math.min(collateral - held, _idle - _fresh());
            if (more >= DUST) {
                credit.supply(more);
                _idle -= more;
            }
        }
        if (debt > owed) {
            credit.borrow(debt - owed, address(this));
            _idleBase += debt - owed;
        }
        if (held > collateral) {
            credit.withdraw(held - collateral, address(this));
            _idle += held - collateral;
        }
    }

    function _tryRepay() private {
        uint256 most = Math.min(_idleBase, credit.debt());
        if (most == 0) return;
        try credit.repay(most) returns (uint256 repaid) {
            _idleBase -= repaid;
        } catch {}
    }
}

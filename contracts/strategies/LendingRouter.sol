// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/interfaces/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ILendingVenue} from "../../interfaces/ILendingVenue.sol";
import {IOracle} from "../../interfaces/IOracle.sol";
import {IVenue} from "../../interfaces/IVenue.sol";
import {Probe} from "../risk/Probe.sol";
import {Strategy} from "./Strategy.sol";

/// @title LendingRouter
/// @notice Lends one asset where it earns most, over up to eight lending venues.
///
/// THE RULE. Anyone may call `rebalance`. Assets move from one venue to another when, all at once:
/// 1. the other's supply rate after the move, by its own rate model, beats the present rate here by `margin`;
/// 2. its true yield, read off both markets' growth indices, did so by `margin` too, in each of two successive periods of
///    at least half a `window`: an index integrates the rate over time, so a utilisation moved inside one transaction or
///    for a few blocks weighs next to nothing in it;
/// 3. what the move adds to the yield over `horizon` pays for `gasUnits` at the block's base fee, by a good price.
/// As much moves as keeps 1. true and the other's rate after at or above the rate left behind (halving search, 10 steps).
/// Otherwise `rebalance` brings back a venue over its cap, puts idle assets to work, or records an observation that is
/// due; with nothing of that to do it reverts.
///
/// ASSUMPTIONS: venues are Ballast's own, added by the owner, each owned by this router. A venue that reverts is passed
/// over by every move; while its value cannot be read the router cannot be priced, until the owner removes it.
/// A hostile caller can choose the moment, nothing else: no argument is taken, no price is traded at, and the net value
/// may not fall by more than rounding (`DUST` units a venue).
contract LendingRouter is Strategy {
    using Math for uint256;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    /* CONSTANTS */

    uint256 public constant MAX_VENUES = 8;
    uint256 public constant MIN_WINDOW = 1 hours;
    uint256 public constant MIN_MARGIN_WAD = 0.0005e18; // 0.05 % a year
    /// Rounding that one venue may cost in one action, in units of the asset.
    uint256 public constant DUST = 4;

    uint256 private constant WAD = 1e18;
    uint256 private constant YEAR = 365 days;
    /// Idle assets that are left alone, in Wad of all.
    uint256 private constant IDLE_BAND_WAD = 0.01e18; // 1 %
    uint256 private constant SEARCH_STEPS = 10;

    /* STORAGE */

    struct Venue {
        ILendingVenue at;
        /// Most assets it may hold.
        uint128 cap;
        /// Growth index at the last but one and the last observation, Ray; 0 when there was none.
        uint128 olderRay;
        uint128 lastRay;
    }

    struct Rules {
        /// Smallest advantage that counts, Wad a year.
        uint64 marginWad;
        /// Seconds of observed advantage before a move: two periods of half of it each, or longer.
        uint32 window;
        /// Seconds over which a move must earn its gas.
        uint32 horizon;
        /// Gas that a move is taken to cost.
        uint32 gasUnits;
    }

    /// What `rebalance` would move now; `assets` is 0 when nothing has the advantage.
    struct Plan {
        uint256 source;
        uint256 target;
        uint256 assets;
        /// The smallest of the present and the two observed advantages, Wad a year.
        uint256 edgeWad;
        /// Assets that the move adds over the horizon.
        uint256 gain;
    }

    IOracle public oracle;
    Rules public rules;
    /// @notice Times of the last but one and the last observation.
    uint40 public olderTime;
    uint40 public lastTime;
    /// @notice Index of the venue that takes deposits.
    uint8 public home;
    Venue[] private _venues;
    uint256 private immutable _unit;

    /* EVENTS AND ERRORS */

    event Moved(address indexed from, address indexed to, uint256 assets, uint256 edgeWad, uint256 gain, uint256 cost);
    event Observed(uint256 time);
    event VenueAdded(address indexed venue, uint256 cap);
    event VenueRemoved(address indexed venue, uint256 left);
    event VenueSkipped(address indexed venue);
    event CapSet(address indexed venue, uint256 cap);
    event RulesSet(uint256 marginWad, uint256 window, uint256 horizon, uint256 gasUnits);
    event OracleSet(address indexed oracle);

    /// @notice The move would not earn its gas over the horizon (assets).
    error GainTooSmall(uint256 gain, uint256 cost);
    /// @notice The gas cannot be priced.
    error PriceNotGood(IOracle.Verdict verdict);
    error WrongVenue(address venue, address asset, address owner);
    error NoVenue(uint256 index);
    error TooManyVenues(uint256 max);
    error OutOfRange(uint256 value, uint256 lowest, uint256 highest);

    constructor(
        IERC20 asset_,
        string memory name_,
        string memory symbol_,
        address owner_,
        address guardian_,
        IOracle oracle_,
        Rules memory rules_
    ) Strategy(asset_, name_, symbol_, owner_, guardian_) {
        _unit = 10 ** IERC20Metadata(address(asset_)).decimals();
        _setOracle(oracle_);
        _setRules(rules_);
    }

    /* VIEWS */

    function venues() external view returns (Venue[] memory) {
        return _venues;
    }

    /// @notice What each venue holds (assets) and its present supply rate (Wad a year); 0 for one that cannot be read.
    function holdings() external view returns (uint256[] memory assets, uint256[] memory ratesWad) {
        uint256 count = _venues.length;
        assets = new uint256[](count);
        ratesWad = new uint256[](count);
        for (uint256 i; i < count; ++i) {
            (, assets[i]) = _read(i, IVenue.value.selector);
            (, ratesWad[i]) = _rate(i, 0);
        }
    }

    /// @notice The move that the rule would make now, gas not yet looked at.
    function plan() external view returns (Plan memory) {
        return _plan();
    }

    /// @notice `edge` (the best advantage that counts, Wad a year), `observation` (age of the last one, seconds), `idle`
    /// (idle assets that a venue would take, Wad of all), and `venue.N` (assets, bounded by the cap) for each venue.
    function readings() external view nonReentrantView returns (Reading[] memory list) {
        uint256 count = _venues.length;
        list = new Reading[](3 + count);
        list[0] = Reading("edge", int256(_plan().edgeWad), 0, 0, int256(uint256(rules.marginWad)));
        list[1] = Reading(
            "observation", int256(count == 0 ? 0 : block.timestamp - lastTime), 0, 0, int256(uint256(rules.window / 2))
        );
        list[2] = Reading("idle", int256(_idleWad()), 0, 0, int256(IDLE_BAND_WAD));
        for (uint256 i; i < count; ++i) {
            (, uint256 held) = _read(i, IVenue.value.selector);
            uint256 cap = _venues[i].cap;
            list[3 + i] = Reading(_label(i), int256(held), 0, int256(Math.min(held, cap)), int256(cap));
        }
    }

    /* ANYONE */

    /// @notice Applies the rule above. Anyone may call it.
    /// @dev Reverts with `InBand` when there is nothing to do, and says why a move that is out of band may not be made.
    function rebalance() external nonReentrant {
        uint256 count = _venues.length;
        for (uint256 i; i < count; ++i) {
            // A market that cannot be brought up to date is left as it is; its reads decide.
            try _venues[i].at.sync() {} catch {
                emit VenueSkipped(address(_venues[i].at));
            }
        }
        uint256 before = _total();
        bool acted = _trim();
        uint256 age = block.timestamp - lastTime;
        bool overdue = age >= rules.window;
        (bool wanted, bool moved) = _move(acted || overdue || _idleWad() > IDLE_BAND_WAD);
        acted = acted || moved;
        if (_idleWad() > IDLE_BAND_WAD) {
            uint256 held = _idle;
            _deploy();
            acted = acted || _idle < held;
        }
        // A move that must wait for cheaper gas or a better price keeps its observations, for a window at most.
        if (count > 0 && (overdue || (age >= rules.window / 2 && (moved || !wanted)))) {
            _observe();
            acted = true;
        }
        if (!acted) revert InBand();
        uint256 afterwards = _total();
        if (afterwards + DUST * count < before) revert NetLoss(before, afterwards);
    }

    /* GUARDIAN OR OWNER: TIGHTENING, AT ONCE */

    /// @notice Sets a venue's cap to 0 and withdraws what it frees now; anyone may withdraw the rest by `rebalance`.
    function evacuate(uint256 index) external nonReentrant onlyTightener {
        _at(index).cap = 0;
        emit CapSet(address(_venues[index].at), 0);
        _trim();
    }

    /// @notice Most assets a venue may hold. Lowering: guardian or owner. Raising: owner.
    function setCap(uint256 index, uint256 cap) external nonReentrant {
        Venue storage venue = _at(index);
        if (cap > venue.cap) _checkOwner();
        else _checkTightener();
        venue.cap = cap.toUint128();
        emit CapSet(address(venue.at), cap);
    }

    /* OWNER */

    /// @notice Adds a venue that this router owns, over the same asset.
    function addVenue(ILendingVenue venue, uint256 cap) external nonReentrant onlyOwner {
        if (_venues.length == MAX_VENUES) revert TooManyVenues(MAX_VENUES);
        if (venue.owner() != address(this) || venue.asset() != asset()) {
            revert WrongVenue(address(venue), venue.asset(), venue.owner());
        }
        for (uint256 i; i < _venues.length; ++i) {
            if (address(_venues[i].at) == address(venue)) revert WrongVenue(address(venue), asset(), address(this));
        }
        _venues.push(Venue(venue, cap.toUint128(), 0, 0));
        IERC20(asset()).forceApprove(address(venue), type(uint256).max);
        emit VenueAdded(address(venue), cap);
    }

    /// @notice Takes a venue off the list. What it does not free now is lost to the router: `VenueRemoved` says how much.
    function removeVenue(uint256 index) external nonReentrant onlyOwner {
        ILendingVenue venue = _at(index).at;
        _pull(index, type(uint256).max);
        (, uint256 left) = _read(index, IVenue.value.selector);
        IERC20(asset()).forceApprove(address(venue), 0);
        uint256 last = _venues.length - 1;
        if (index != last) _venues[index] = _venues[last];
        _venues.pop();
        if (home == index) home = 0;
        else if (home == last) home = uint8(index);
        emit VenueRemoved(address(venue), left);
    }

    function setRules(Rules calldata rules_) external onlyOwner {
        _setRules(rules_);
    }

    function setOracle(IOracle oracle_) external onlyOwner {
        _setOracle(oracle_);
    }

    /* HOOKS */

    /// @dev Reverts when a venue's value cannot be read: better no price than a wrong one.
    function _invested() internal view override returns (uint256 assets) {
        uint256 count = _venues.length;
        for (uint256 i; i < count; ++i) {
            assets += _venues[i].at.value();
        }
    }

    function _freeable() internal view override returns (uint256 assets) {
        uint256 count = _venues.length;
        for (uint256 i; i < count; ++i) {
            (, uint256 free) = _read(i, ILendingVenue.liquidity.selector);
            assets += free;
        }
    }

    function _capacity() internal view override returns (uint256 assets) {
        uint256 count = _venues.length;
        for (uint256 i; i < count; ++i) {
            assets += _room(i);
        }
    }

    /// Home first, then the others in order.
    function _deploy() internal override {
        uint256 count = _venues.length;
        if (count == 0) return;
        _push(home, _idle);
        for (uint256 i; i < count && _idle > 0; ++i) {
            if (i != home) _push(i, _idle);
        }
    }

    /// Home last: what is there was chosen.
    function _unwind(uint256 assets) internal override {
        uint256 goal = _idle + assets;
        uint256 count = _venues.length;
        for (uint256 i; i < count && _idle < goal; ++i) {
            if (i != home) _pull(i, goal - _idle);
        }
        if (_idle < goal && count > 0) _pull(home, goal - _idle);
    }

    /* INTERNAL: THE RULE */

    /// Makes the move of the plan (`wanted`: there is one) if it earns its gas. `tolerant`: there is other work, so a move
    /// that may not be made is no reason to revert.
    function _move(bool tolerant) private returns (bool wanted, bool moved) {
        Plan memory p = _plan();
        if (p.edgeWad <= rules.marginWad || p.assets == 0) return (false, false);
        (uint256 priceWad, IOracle.Verdict verdict) = oracle.price();
        uint256 cost = _gasCost(priceWad);
        if (verdict != IOracle.Verdict.Good || p.gain < cost) {
            if (tolerant) return (true, false);
            if (verdict != IOracle.Verdict.Good) revert PriceNotGood(verdict);
            revert GainTooSmall(p.gain, cost);
        }
        uint256 gap = _gap(p.source, p.target);
        uint256 held = _idle;
        _pull(p.source, p.assets);
        if (_idle == held) return (true, false);
        _push(p.target, _idle - held);
        if (_idle > held) revert NotCloser(gap, gap); // it left, but was not taken
        uint256 narrowed = _gap(p.source, p.target);
        if (narrowed >= gap) revert NotCloser(gap, narrowed);
        home = uint8(p.target);
        emit Moved(
            address(_venues[p.source].at), address(_venues[p.target].at), p.assets, p.edgeWad, p.gain, cost
        );
        return (true, true);
    }

    /// Present advantage of `to` over `from`, Wad a year; 0 when there is none.
    function _gap(uint256 from, uint256 to) private view returns (uint256) {
        (, uint256 here) = _rate(from, 0);
        (, uint256 there) = _rate(to, 0);
        return there > here ? there - here : 0;
    }

    function _plan() private view returns (Plan memory best) {
        uint256 count = _venues.length;
        uint256 half = rules.window / 2;
        bool observed = olderTime != 0 && lastTime - olderTime >= half && block.timestamp - lastTime >= half;
        if (!observed) return best;

        bool[] memory known = new bool[](count);
        uint256[3][] memory rates = new uint256[3][](count);
        for (uint256 i; i < count; ++i) {
            (known[i], rates[i]) = _rates(i);
        }
        for (uint256 from; from < count; ++from) {
            if (!known[from]) continue;
            (, uint256 free) = _read(from, ILendingVenue.liquidity.selector);
            if (free == 0) continue;
            for (uint256 to; to < count; ++to) {
                if (to == from || !known[to]) continue;
                uint256 edge = type(uint256).max;
                for (uint256 k; k < 3; ++k) {
                    edge = Math.min(edge, rates[to][k] > rates[from][k] ? rates[to][k] - rates[from][k] : 0);
                }
                if (edge <= best.edgeWad) continue;
                uint256 most = Math.min(free, _room(to));
                if (most == 0) continue;
                best = Plan(from, to, most, edge, 0);
            }
        }
        if (best.edgeWad > rules.marginWad) _size(best, rates[best.source][0], rates[best.target][0]);
    }

    /// Present rate, and the true yields of the two observed periods; Wad a year.
    function _rates(uint256 index) private view returns (bool known, uint256[3] memory rates) {
        Venue storage venue = _venues[index];
        uint256 older = venue.olderRay;
        uint256 last = venue.lastRay;
        if (older == 0 || last == 0) return (false, rates);
        uint256 present;
        (known, present) = _read(index, ILendingVenue.indexRay.selector);
        if (!known) return (false, rates);
        (known, rates[0]) = _rate(index, 0);
        rates[1] = _yield(older, last, lastTime - olderTime);
        rates[2] = _yield(last, present, block.timestamp - lastTime);
    }

    function _yield(uint256 first, uint256 second, uint256 elapsed) private pure returns (uint256) {
        return second > first && elapsed > 0 ? (second - first).mulDiv(WAD * YEAR, first * elapsed) : 0;
    }

    /// Sets the plan's assets to the most that keep the rule, and its gain.
    function _size(Plan memory p, uint256 here, uint256 there) private view {
        uint256 fits;
        uint256 most = p.assets;
        if (_keepsRule(p, most, here)) {
            fits = most;
        } else {
            uint256 step = most;
            for (uint256 i; i < SEARCH_STEPS; ++i) {
                step /= 2;
                if (step > 0 && _keepsRule(p, fits + step, here)) fits += step;
            }
        }
        p.assets = fits;
        if (fits == 0) return;
        (, uint256 held) = _read(p.source, IVenue.value.selector);
        (, uint256 holds) = _read(p.target, IVenue.value.selector);
        (, uint256 left) = _rate(p.source, -int256(fits));
        (, uint256 reached) = _rate(p.target, int256(fits));
        uint256 yearly = (held - Math.min(held, fits)).mulDiv(left, WAD) + (holds + fits).mulDiv(reached, WAD);
        uint256 now_ = held.mulDiv(here, WAD) + holds.mulDiv(there, WAD);
        p.gain = yearly > now_ ? (yearly - now_).mulDiv(rules.horizon, YEAR) : 0;
    }

    function _keepsRule(Plan memory p, uint256 assets, uint256 here) private view returns (bool) {
        (bool known, uint256 reached) = _rate(p.target, int256(assets));
        if (!known || reached < here + rules.marginWad) return false;
        uint256 left;
        (known, left) = _rate(p.source, -int256(assets));
        return known && reached >= left;
    }

    /// Assets that `gasUnits` cost at this block's base fee, rounded up. `priceWad`: assets per ether, Wad.
    function _gasCost(uint256 priceWad) private view returns (uint256) {
        return (block.basefee * rules.gasUnits).mulDiv(priceWad * _unit, WAD * WAD, Math.Rounding.Ceil);
    }

    function _observe() private {
        uint256 count = _venues.length;
        for (uint256 i; i < count; ++i) {
            Venue storage venue = _venues[i];
            (, uint256 present) = _read(i, ILendingVenue.indexRay.selector);
            venue.olderRay = venue.lastRay;
            venue.lastRay = present.toUint128();
        }
        olderTime = lastTime;
        lastTime = uint40(block.timestamp);
        emit Observed(block.timestamp);
    }

    /// Takes back what is over a cap.
    function _trim() private returns (bool acted) {
        uint256 count = _venues.length;
        for (uint256 i; i < count; ++i) {
            (, uint256 held) = _read(i, IVenue.value.selector);
            uint256 cap = _venues[i].cap;
            if (held > cap && _pull(i, held - cap) > 0) acted = true;
        }
    }

    /* INTERNAL: VENUES */

    function _pull(uint256 index, uint256 assets) private returns (uint256 received) {
        (, uint256 free) = _read(index, ILendingVenue.liquidity.selector);
        assets = Math.min(assets, free);
        if (assets == 0) return 0;
        ILendingVenue venue = _venues[index].at;
        IERC20 token = IERC20(asset());
        uint256 before = token.balanceOf(address(this));
        try venue.withdraw(assets, address(this)) {
            received = token.balanceOf(address(this)) - before;
            _idle += received;
        } catch {
            emit VenueSkipped(address(venue));
        }
    }

    function _push(uint256 index, uint256 assets) private {
        assets = Math.min(assets, _room(index));
        if (assets == 0) return;
        ILendingVenue venue = _venues[index].at;
        IERC20 token = IERC20(asset());
        uint256 before = token.balanceOf(address(this));
        try venue.supply(assets) {
            _idle -= before - token.balanceOf(address(this));
        } catch {
            emit VenueSkipped(address(venue));
        }
    }

    /// Assets that a venue would take now, within its cap; 0 when it cannot be read.
    function _room(uint256 index) private view returns (uint256) {
        (bool known, uint256 held) = _read(index, IVenue.value.selector);
        uint256 cap = _venues[index].cap;
        if (!known || held >= cap) return 0;
        (, uint256 takes) = _read(index, ILendingVenue.capacity.selector);
        return Math.min(cap - held, takes);
    }

    function _idleWad() private view returns (uint256) {
        uint256 useful = paused ? 0 : Math.min(_idle, _capacity());
        return useful == 0 ? 0 : useful.mulDiv(WAD, _total());
    }

    function _rate(uint256 index, int256 change) private view returns (bool known, uint256 rateWad) {
        return Probe.read(address(_venues[index].at), abi.encodeCall(ILendingVenue.supplyRateWad, (change)));
    }

    function _read(uint256 index, bytes4 selector) private view returns (bool known, uint256 word) {
        return Probe.read(address(_venues[index].at), abi.encodePacked(selector));
    }

    function _at(uint256 index) private view returns (Venue storage) {
        if (index >= _venues.length) revert NoVenue(index);
        return _venues[index];
    }

    /// "venue.N"
    function _label(uint256 index) private pure returns (bytes32) {
        return bytes32(uint256(bytes32("venue.0")) + (index << 200));
    }

    function _setRules(Rules memory r) private {
        if (r.marginWad < MIN_MARGIN_WAD) revert OutOfRange(r.marginWad, MIN_MARGIN_WAD, type(uint64).max);
        if (r.window < MIN_WINDOW || r.window > 30 days) revert OutOfRange(r.window, MIN_WINDOW, 30 days);
        if (r.horizon == 0 || r.horizon > YEAR) revert OutOfRange(r.horizon, 1, YEAR);
        rules = r;
        emit RulesSet(r.marginWad, r.window, r.horizon, r.gasUnits);
    }

    function _setOracle(IOracle oracle_) private {
        if (address(oracle_) == address(0)) revert ZeroAddress();
        oracle = oracle_;
        emit OracleSet(address(oracle_));
    }
}

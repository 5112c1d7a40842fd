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
import {LendingStrategy} from "./LendingStrategy.sol";
import {Strategy} from "./Strategy.sol";

/// @title LendingRouter
/// @notice Lends one asset where it earns most, over up to eight lending venues.
///
/// THE RULE. Anyone may call `rebalance`. Assets move from one venue to another when, all at once:
/// 1. the other's supply rate after the move, by its own rate model, beats the present rate here by `margin`;
/// 2. its true yield, read off both markets' growth indices, did so by `margin` too, in each of two successive periods of
///    at least half a `window`: an index integrates the rate over time, so a utilisation moved inside one transaction or
///    for a few blocks weighs next to nothing in it;
/// 3. what the move adds to the yield over `horizon` exceeds the cost of `gasUnits` at the block's base fee, by a good price;
/// 4. nobody has touched either market in this block: what is read is what stood at its end the block before, so that
///    borrowed depth cannot decide how much moves;
/// 5. the last move is half a window ago.
/// What moves is what adds most to the yield (golden-section search). Otherwise `rebalance` brings back a
/// venue over its cap, puts idle assets to work at `home` (where the last move went) or the next venue with room, or
/// records an observation that is due; with nothing of that to do it reverts.
///
/// ENTRY AND EXIT choose nothing: a deposit stays idle, is put to work by `rebalance` in a later block, and exits draw on
/// idle assets, then on home, then on the others in order. A round trip inside one block leaves every venue as it was.
///
/// ASSUMPTIONS: venues are Ballast's own, added by the owner, each owned by this router. A venue that reverts is passed
/// over by every move; while its value cannot be read the router cannot be priced, until the owner removes it.
/// A hostile caller can choose the moment, nothing else: no argument is taken, no price is traded at, and the net value
/// may not fall by more than rounding (`DUST` units a venue). One with real capital can lean on a market over whole
/// blocks, at its own cost, and so delay a move or change its size.
contract LendingRouter is LendingStrategy {
    using Math for uint256;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    /* CONSTANTS */

    uint256 public constant MAX_VENUES = 8;
    uint256 public constant MIN_WINDOW = 12 hours;
    uint256 public constant MIN_MARGIN_WAD = 0.0005e18; // 0.05 % a year
    /// Rounding that one venue may cost in one action, in units of the asset.
    uint256 public constant DUST = 4;

    uint256 private constant WAD = 1e18;
    uint256 private constant YEAR = 365 days;
    /// Idle assets that are left alone, in Wad of all.
    uint256 private constant IDLE_BAND_WAD = 0.01e18; // 1 %
    uint256 private constant HALVINGS = 12;
    /// Most gas that a venue may take to be read.
    uint256 private constant READ_GAS = 300_000;
    uint256 private constant SEARCH_STEPS = 8;
    /// Over its cap by more than this a venue is brought back: 1/100 of the cap.
    uint256 private constant CAP_BAND = 100;
    /// What is left in a venue is not worth moving when it is less than this part of all: 1/10,000.
    uint256 private constant TRIFLE_PART = 10_000;

    /* STORAGE */

    struct Venue {
        ILendingVenue at;
        /// Most assets it may hold.
        uint128 cap;
        /// Growth index at the last three observations, oldest first, Ray; 0 when it was not known.
        uint128[3] indexRay;
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
        /// Assets that its gas costs.
        uint256 cost;
    }

    /// Source and target before a move: assets held, the source's rate (Wad a year), and the yearly income of both.
    struct Income {
        uint256 source;
        uint256 target;
        uint256 here;
        uint256 yearly;
    }

    IOracle public oracle;
    Rules public rules;
    /// @notice Times of the last three observations, oldest first.
    uint40[3] public observedAt;
    /// @notice Time of the last move.
    uint40 public movedAt;
    /// Block of the last deposit, and what came in during it and is still idle.
    uint40 private _freshBlock;
    uint128 private _fresh;
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
    /// @notice Somebody has touched this venue's market in this block: try again in the next.
    error MarketBusy(address venue);
    error OnlySelf();
    error LeftBehind(uint256 assets, uint256 most);
    error WrongVenue(address venue, address asset, address owner);
    error NoVenue(address venue);
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

    /// @notice The move that the rule would make now, at this block's base fee.
    function plan() external view returns (Plan memory) {
        return _plan();
    }

    /// @notice `edge` (the best advantage that counts, Wad a year), `observation` (age of the last one, seconds), `idle`
    /// (idle assets that a venue would take now, Wad of all), and `venue.N` (assets, bounded by the cap) for each venue.
    function readings() external view nonReentrantView returns (Reading[] memory list) {
        uint256 count = _venues.length;
        list = new Reading[](3 + count);
        list[0] = Reading("edge", int256(_plan().edgeWad), 0, 0, int256(uint256(rules.marginWad)));
        list[1] = Reading(
            "observation", int256(count == 0 ? 0 : block.timestamp - observedAt[2]), 0, 0, int256(uint256(rules.window / 2))
        );
        list[2] = Reading("idle", int256(_idleWad()), 0, 0, int256(IDLE_BAND_WAD));
        for (uint256 i; i < count; ++i) {
            (, uint256 held) = _read(i, IVenue.value.selector);
            uint256 cap = _venues[i].cap;
            list[3 + i] = Reading(_label(i), int256(held), 0, int256(Math.min(held, cap)), int256(_upper(cap)));
        }
    }

    /* ANYONE */

    /// @notice Applies the rule above. Anyone may call it.
    /// @dev Reverts with `InBand` when there is nothing to do, with `Stuck` when what is out of band cannot be helped now,
    /// and says why a move that is due may not be made (`GainTooSmall`, `PriceNotGood`, `MarketBusy`).
    function rebalance() external nonReentrant {
        uint256 count = _venues.length;
        bool[] memory quiet = new bool[](count);
        for (uint256 i; i < count; ++i) {
            (, uint256 word) = _read(i, ILendingVenue.quiet.selector);
            quiet[i] = word == 1;
            // A market that cannot be brought up to date is left as it is; its reads decide.
            try _venues[i].at.sync() {} catch {
                emit VenueSkipped(address(_venues[i].at));
            }
        }
        uint256 before = _total();
        bool acted = _trim();
        bool due = count > 0 && block.timestamp - observedAt[2] > rules.window / 2;
        uint256 idleWad = _idleWad();
        acted = _move(quiet, acted || due || idleWad > IDLE_BAND_WAD) || acted;
        if (idleWad > IDLE_BAND_WAD) {
            uint256 held = _idle;
            _deploy();
            acted = acted || _idle < held;
        }
        if (due) {
            _observe();
            acted = true;
        }
        if (!acted) _refuse(idleWad);
        uint256 afterwards = _total();
        if (afterwards + DUST * count < before) revert NetLoss(before, afterwards);
    }

    /// @notice One move as a whole, or not at all. Only this contract, from `rebalance`.
    function execute(Plan calldata p) external {
        if (msg.sender != address(this)) revert OnlySelf();
        uint256 gap = _gap(p.source, p.target);
        uint256 held = _idle;
        _pull(p.source, p.assets);
        if (_idle != held + p.assets) revert NotCloser(gap, gap); // it did not leave
        _push(p.target, p.assets);
        if (_idle != held) revert NotCloser(gap, gap); // it was not taken
        uint256 narrowed = _gap(p.source, p.target);
        if (narrowed >= gap) revert NotCloser(gap, narrowed);
    }

    /* GUARDIAN OR OWNER: TIGHTENING, AT ONCE */

    /// @notice Sets a venue's cap to 0 and withdraws what it frees now; anyone may withdraw the rest by `rebalance`.
    function evacuate(ILendingVenue venue) external nonReentrant onlyTightener {
        _venues[_indexOf(venue)].cap = 0;
        emit CapSet(address(venue), 0);
        _trim();
    }

    /// @notice Most assets a venue may hold. Lowering: guardian or owner. Raising: owner.
    function setCap(ILendingVenue venue, uint256 cap) external nonReentrant {
        Venue storage known = _venues[_indexOf(venue)];
        if (cap > known.cap) _checkOwner();
        else _checkTightener();
        known.cap = cap.toUint128();
        emit CapSet(address(venue), cap);
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
        uint128[3] memory none;
        _venues.push(Venue(venue, cap.toUint128(), none));
        IERC20(asset()).forceApprove(address(venue), type(uint256).max);
        emit VenueAdded(address(venue), cap);
    }

    /// @notice Takes a venue off the list. What it does not free now is lost to the router, at most `maxLeft` assets: who
    /// executes chooses the moment, and must not choose one in which the market is dry. One that cannot be read counts as
    /// losing more than any limit but the highest.
    function removeVenue(ILendingVenue venue, uint256 maxLeft) external nonReentrant onlyOwner {
        uint256 index = _indexOf(venue);
        _pull(index, type(uint256).max);
        (bool known, uint256 left) = _read(index, IVenue.value.selector);
        if (!known) left = type(uint256).max;
        if (left > maxLeft) revert LeftBehind(left, maxLeft);
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
        return assets > _idle ? assets - _idle : 0; // what is idle will want room first
    }

    /// A deposit is put to work in a later block, so that one made and taken back within a block moves nothing.
    function _onDeposit(uint256 assets) internal override {
        if (_freshBlock != block.number) (_freshBlock, _fresh) = (uint40(block.number), 0);
        _fresh = (_fresh + assets).toUint128();
    }

    /// An exit draws on idle assets first, so on what came in last.
    function _onWithdraw(uint256 assets) internal override {
        if (_freshBlock == block.number) _fresh -= uint128(Math.min(_fresh, assets));
    }

    function _deployable() private view returns (uint256) {
        uint256 fresh = _freshBlock == block.number ? _fresh : 0;
        return _idle > fresh ? _idle - fresh : 0;
    }

    /// Home first, then the others in order.
    function _deploy() private {
        uint256 left = _deployable();
        left -= _push(home, left);
        uint256 count = _venues.length;
        for (uint256 i; i < count && left > 0; ++i) {
            if (i != home) left -= _push(i, left);
        }
    }

    /// Home first, where deposits go: a round trip leaves the others alone.
    function _unwind(uint256 assets) internal override {
        uint256 goal = _idle + assets;
        uint256 count = _venues.length;
        if (count == 0) return;
        _pull(home, assets);
        for (uint256 i; i < count && _idle < goal; ++i) {
            if (i != home) _pull(i, goal - _idle);
        }
    }

    /* INTERNAL: THE RULE */

    /// Makes the move of the plan, if there is one and it may be made. `tolerant`: there is other work, so a move that may
    /// not be made is no reason to revert.
    function _move(bool[] memory quiet, bool tolerant) private returns (bool) {
        Plan memory p = _plan();
        if (p.edgeWad <= rules.marginWad) return false;
        (, IOracle.Verdict verdict) = oracle.price();
        bool busy = !quiet[p.source] || !quiet[p.target];
        if (busy || verdict != IOracle.Verdict.Good || p.gain <= p.cost) {
            if (tolerant) return false;
            if (busy) revert MarketBusy(address(_venues[quiet[p.source] ? p.target : p.source].at));
            if (verdict != IOracle.Verdict.Good) revert PriceNotGood(verdict);
            revert GainTooSmall(p.gain, p.cost);
        }
        ILendingVenue source = _venues[p.source].at;
        ILendingVenue target = _venues[p.target].at;
        try this.execute(p) {
            home = uint8(p.target);
            movedAt = uint40(block.timestamp);
            emit Moved(address(source), address(target), p.assets, p.edgeWad, p.gain, p.cost);
            return true;
        } catch {
            emit VenueSkipped(address(target));
            return false;
        }
    }

    /// Nothing was done: says whether that is well.
    function _refuse(uint256 idleWad) private view {
        uint256 count = _venues.length;
        for (uint256 i; i < count; ++i) {
            (, uint256 held) = _read(i, IVenue.value.selector);
            if (held > _upper(_venues[i].cap)) revert Stuck(_label(i));
        }
        if (idleWad > IDLE_BAND_WAD) revert Stuck("idle");
        if (_plan().edgeWad > rules.marginWad) revert Stuck("edge");
        revert InBand();
    }

    /// Present advantage of `target` over `source`, Wad a year; 0 when there is none.
    function _gap(uint256 source, uint256 target) private view returns (uint256) {
        (, uint256 here) = _rate(source, 0);
        (, uint256 there) = _rate(target, 0);
        return there > here ? there - here : 0;
    }

    /// The move that gains most, each target tried with the source it beats by most.
    function _plan() private view returns (Plan memory best) {
        uint256 count = _venues.length;
        uint256 half = rules.window / 2;
        // The last two periods that are long enough: observing again costs nobody a move.
        uint256 first = block.timestamp - observedAt[2] >= half ? 1 : 0;
        if (observedAt[first] == 0 || block.timestamp - movedAt < half) return best;

        bool[] memory known = new bool[](count);
        uint256[3][] memory rates = new uint256[3][](count);
        for (uint256 i; i < count; ++i) {
            (known[i], rates[i]) = _rates(i, first);
        }
        (uint256 priceWad,) = oracle.price();
        uint256 cost = _gasCost(priceWad);
        bool[] memory closed = new bool[](count);
        for (uint256 tries; tries < count; ++tries) {
            Plan memory p = _widest(known, closed, rates, cost);
            if (p.edgeWad <= rules.marginWad) break;
            _size(p, rates[p.source][0], rates[p.target][0]);
            if (p.gain > best.gain) best = p;
            closed[p.target] = true; // the next best target
        }
        if (best.gain == 0) {
            // Nothing pays: the widest advantage that is no trifle, to say so.
            best = _widest(known, new bool[](count), rates, 0);
            best.assets = 0;
        }
        best.cost = cost;
    }

    /// The pair of venues with the greatest advantage whose target is not closed, and of which all that could move at the
    /// present rates would earn more than `cost`, and is no trifle.
    function _widest(bool[] memory known, bool[] memory closed, uint256[3][] memory rates, uint256 cost)
        private
        view
        returns (Plan memory best)
    {
        uint256 count = _venues.length;
        uint256 trifle = DUST;
        for (uint256 i; i < count; ++i) {
            (, uint256 held) = _read(i, IVenue.value.selector);
            trifle += held / TRIFLE_PART;
        }
        for (uint256 source; source < count; ++source) {
            if (!known[source]) continue;
            (, uint256 free) = _read(source, ILendingVenue.liquidity.selector);
            if (free <= trifle) continue;
            for (uint256 target; target < count; ++target) {
                if (target == source || !known[target] || closed[target]) continue;
                uint256 edge = type(uint256).max;
                for (uint256 k; k < 3; ++k) {
                    (uint256 here, uint256 there) = (rates[source][k], rates[target][k]);
                    edge = Math.min(edge, there > here ? there - here : 0);
                }
                if (edge <= best.edgeWad) continue;
                uint256 most = Math.min(free, _room(target));
                uint256 hoped = most.mulDiv((rates[target][0] - rates[source][0]) * rules.horizon, WAD * YEAR);
                if (hoped > cost) best = Plan(source, target, most, edge, 0, 0);
            }
        }
    }

    /// Present rate, and the true yields of two observed periods from observation `first` on; Wad a year.
    function _rates(uint256 index, uint256 first) private view returns (bool known, uint256[3] memory rates) {
        uint256 older = _venues[index].indexRay[first];
        uint256 last = _venues[index].indexRay[first + 1];
        if (older == 0 || last == 0) return (false, rates);
        uint256 present;
        (known, present) = _read(index, ILendingVenue.indexRay.selector);
        if (!known) return (false, rates);
        (known, rates[0]) = _rate(index, 0);
        rates[1] = _yield(older, last, observedAt[first + 1] - observedAt[first]);
        rates[2] = _yield(last, present, block.timestamp - observedAt[first + 1]);
    }

    function _yield(uint256 from, uint256 to, uint256 elapsed) private pure returns (uint256) {
        return to > from && elapsed > 0 ? (to - from).mulDiv(WAD * YEAR, from * elapsed) : 0;
    }

    /// Sets the plan's assets to what gains most, at most what they are now, and its gain. Golden-section search: each asset
    /// moved lowers the rate there and lifts the rate here, so the gain rises to a peak; where a kinked rate model makes
    /// two of them, one is found.
    function _size(Plan memory p, uint256 here, uint256 there) private view {
        Income memory now_ = Income(0, 0, here, 0);
        (, now_.source) = _read(p.source, IVenue.value.selector);
        (, now_.target) = _read(p.target, IVenue.value.selector);
        now_.yearly = now_.source.mulDiv(here, WAD) + now_.target.mulDiv(there, WAD);

        uint256 low;
        uint256 high = p.assets;
        p.gain = _gain(p, high, now_); // often all should go
        if (p.gain == 0) p.assets = 0;
        // A position large against the market: first the scale on which anything is gained.
        for (uint256 i; i < HALVINGS && p.gain == 0; ++i) {
            if (_gain(p, high / 2, now_) > 0) break;
            high /= 2;
        }
        uint256 a = high * 382 / 1000;
        uint256 b = high * 618 / 1000;
        uint256 gainA = _gain(p, a, now_);
        uint256 gainB = _gain(p, b, now_);
        for (uint256 i; i < SEARCH_STEPS; ++i) {
            if (gainA > p.gain) (p.gain, p.assets) = (gainA, a);
            if (gainB > p.gain) (p.gain, p.assets) = (gainB, b);
            // Where neither gains anything the peak is to the left: there the first rule still holds.
            if (gainA >= gainB) {
                (high, b, gainB) = (b, a, gainA);
                a = low + (high - low) * 382 / 1000;
                gainA = _gain(p, a, now_);
            } else {
                (low, a, gainA) = (a, b, gainB);
                b = low + (high - low) * 618 / 1000;
                gainB = _gain(p, b, now_);
            }
        }
    }

    /// What moving `assets` adds over the horizon; 0 when it breaks the first rule or adds nothing.
    function _gain(Plan memory p, uint256 assets, Income memory now_) private view returns (uint256) {
        (bool known, uint256 reached) = _rate(p.target, int256(assets));
        if (!known || reached < now_.here + rules.marginWad) return 0;
        uint256 left;
        (known, left) = _rate(p.source, -int256(assets));
        if (!known) return 0;
        uint256 yearly = (now_.source - Math.min(now_.source, assets)).mulDiv(left, WAD)
            + (now_.target + assets).mulDiv(reached, WAD);
        return yearly > now_.yearly ? (yearly - now_.yearly).mulDiv(rules.horizon, YEAR) : 0;
    }

    /// Assets that `gasUnits` cost at this block's base fee, rounded up. `priceWad`: assets per ether, Wad.
    function _gasCost(uint256 priceWad) private view returns (uint256) {
        return (block.basefee * rules.gasUnits).mulDiv(priceWad * _unit, WAD * WAD, Math.Rounding.Ceil);
    }

    function _observe() private {
        uint256 count = _venues.length;
        for (uint256 i; i < count; ++i) {
            uint128[3] storage index = _venues[i].indexRay;
            (, uint256 present) = _read(i, ILendingVenue.indexRay.selector);
            (index[0], index[1]) = (index[1], index[2]);
            index[2] = present <= type(uint128).max ? uint128(present) : 0;
        }
        observedAt = [observedAt[1], observedAt[2], uint40(block.timestamp)];
        emit Observed(block.timestamp);
    }

    /// Most that a venue with this cap may hold before it is brought back: room for interest.
    function _upper(uint256 cap) private pure returns (uint256) {
        return cap + cap / CAP_BAND + DUST;
    }

    /// Takes back what is over a cap.
    function _trim() private returns (bool acted) {
        uint256 count = _venues.length;
        for (uint256 i; i < count; ++i) {
            (, uint256 held) = _read(i, IVenue.value.selector);
            uint256 cap = _venues[i].cap;
            if (held > _upper(cap) && _pull(i, held - cap) > 0) acted = true;
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

    function _push(uint256 index, uint256 assets) private returns (uint256 sent) {
        assets = Math.min(assets, _room(index));
        if (assets == 0) return 0;
        ILendingVenue venue = _venues[index].at;
        IERC20 token = IERC20(asset());
        uint256 before = token.balanceOf(address(this));
        try venue.supply(assets) {
            sent = before - token.balanceOf(address(this));
            _idle -= sent;
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
        uint256 idle_ = _deployable();
        uint256 room;
        for (uint256 i; i < _venues.length && room < idle_; ++i) {
            room += _room(i);
        }
        uint256 useful = paused ? 0 : Math.min(idle_, room);
        return useful == 0 ? 0 : useful.mulDiv(WAD, _total());
    }

    function _rate(uint256 index, int256 change) private view returns (bool known, uint256 rateWad) {
        return Probe.read(address(_venues[index].at), READ_GAS, abi.encodeCall(ILendingVenue.supplyRateWad, (change)));
    }

    function _read(uint256 index, bytes4 selector) private view returns (bool known, uint256 word) {
        return Probe.read(address(_venues[index].at), READ_GAS, abi.encodePacked(selector));
    }

    /// Rules name a venue by its address: its index changes when another is removed, and what waits in the timelock may be
    /// executed in any order.
    function _indexOf(ILendingVenue venue) private view returns (uint256 index) {
        uint256 count = _venues.length;
        for (; index < count; ++index) {
            if (address(_venues[index].at) == address(venue)) return index;
        }
        revert NoVenue(address(venue));
    }

    /// "venue.N"
    function _label(uint256 index) private pure returns (bytes32) {
        return bytes32(uint256(bytes32("venue.0")) + (index << 200));
    }

    function _setRules(Rules memory r) private {
        if (r.marginWad < MIN_MARGIN_WAD) revert OutOfRange(r.marginWad, MIN_MARGIN_WAD, type(uint64).max);
        if (r.window < MIN_WINDOW || r.window > 30 days) revert OutOfRange(r.window, MIN_WINDOW, 30 days);
        if (r.horizon == 0 || r.horizon > YEAR) revert OutOfRange(r.horizon, 1, YEAR);
        if (r.gasUnits == 0) revert OutOfRange(0, 1, type(uint32).max);
        // Periods observed under a shorter window are too short for this one.
        if (r.window > rules.window) delete observedAt;
        rules = r;
        emit RulesSet(r.marginWad, r.window, r.horizon, r.gasUnits);
    }

    function _setOracle(IOracle oracle_) private {
        if (address(oracle_) == address(0)) revert ZeroAddress();
        oracle = oracle_;
        emit OracleSet(address(oracle_));
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/interfaces/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IExchange, IExchangeCaller} from "../../interfaces/IExchange.sol";
import {IExposed} from "../../interfaces/IExposed.sol";
import {IOracle} from "../../interfaces/IOracle.sol";
import {PositionRules} from "./PositionRules.sol";
import {Strategy} from "./Strategy.sol";

/// @title PositionStrategy
/// @notice Base of strategies that hold positions in a base token against the asset: their value may jump at any time.
///
/// PRICE POLICY. The oracle names two sources and a verdict. Good: the feed's price counts. Else: what reduces risk may
/// still be done, positions count at whichever known source makes them worth less, and nobody is let in.
///
/// KEEPER ACTIONS. `rebalance` is open to anyone, takes no argument, and acts on the first reading out of band that it can
/// help. Afterwards that reading is nearer to its target, no other has been pushed out of its band, no limit of exposure is
/// passed that was not passed further before, and what the action lost, measured at one price before and after, is spent from the
/// loss budget: fees, slippage and dust included. Trades are cut to what the exchange calls safe against a sandwich, at a limit
/// price near the oracle's, and there is one a block: two would be one of their sum.
///
/// ENTRY. A deposit stays idle until a later block, and no action counts on what came in during its own block. Shares are
/// given at the highest of the net value by the feed, by the pool's time-weighted price, by its price as the last block left it,
/// and of what an exit brings at the market's best price now, roundings included: nobody buys below a price that is known, nor
/// by a price pushed in the same block, nor below what any exit brings. When that is more than `entryBps` over the value by the
/// feed, nobody is let in, so that nobody can be made to pay for a pushed price either. Shares cannot leave in the block of
/// their deposit: borrowed assets cannot pass through.
///
/// EXIT is pro rata: a part of the shares takes the same part of every position, sells what is not asset, and is paid what
/// that brought. Who leaves bears its cost exactly; who stays keeps the same positions per share, or a little more. The plain
/// ERC-4626 exits pass while the trades they need stay within `exitBps` of the policy price. `redeem` with `minAssets` leaves
/// at any price that the caller accepts.
///
/// @dev HOOKS, the strategist's duties, beside those of Strategy. `_idle` and `_idleBase` are tokens held by the strategy
/// itself; hooks that move tokens MUST keep both true, in `_exit` all but what it brings (see there).
/// - `_valueAt`: positions net of debts, in assets at a price of base, rounded down, 0 when under water. MUST NOT include idle
///   tokens, MUST NOT rely on a pool's spot price or on a balance that others can raise.
/// - `_exposureAt`: delta, gamma and gross exposure of the positions at a price, in whole base (Wad). Without `_idleBase`.
/// - `_quoteExit`: assets that `_exit` would bring, exactly, in the same block. MUST revert when its trades cannot be filled;
///   MUST NOT account for what the limits of `_exitableWad` say.
/// - `_marginalExit`: what all of that would bring if all of its trade had the best price that the market gives now (bestWad),
///   rounded up, and `ROUNDINGS` more; 0 without positions. No part, and no sum of parts, may bring more than its share of it.
/// - `_exit`: takes `part / whole` of every position and of `_idleBase`, rounded for those who stay, turns it into assets and
///   returns what came, without adding it to `_idle`. MUST NOT refuse a price: that is for the callers to say. A position
///   whose part would bring nothing is left where it is.
/// - `_exitableWad`: largest part of the positions (Wad, rounded down; WAD when all) whose `_exit` passes now and trades within
///   `exitBps` of the price. MUST NOT revert. The price may be unknown (0): then 0, unless nothing needs a price.
/// - `_act`: does one thing that is due and returns the index of the reading it was for. MUST revert with `InBand` when nothing
///   is out of band, `Stuck` when it cannot be helped now, `PriceNotGood` when only what adds risk is due. MUST NOT add risk
///   while paused, or by `_fresh()` assets. MUST trade through `_keeperTrade` with amounts from `_tradable`.
/// - `_read`: the readings, with `_fresh()` assets left out, always in the same order.
/// - `_close`: as much as the market allows now of every position to assets, within `emergencyBps`. MUST pass over what reverts.
/// - `_onTrade`: what to do between getting and paying of a trade with data; refuses by default.
///
/// @dev ASSUMPTIONS: oracle, exchange and venues are Ballast's own or as honest; the venues belong to this strategy; asset and
/// base take no fee on transfer and call nobody. If the asset stops moving (USDC paused) exits revert, whatever `max*` say.
/// @dev ROUNDING is for the strategy throughout.
abstract contract PositionStrategy is Strategy, IExchangeCaller, IExposed {
    using Math for uint256;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    /* CONSTANTS */

    uint256 internal constant WAD = 1e18;
    uint256 internal constant BPS = 1e4;
    /// Units that roundings may move between holders who come, act and go: those of the venues, in either direction, included.
    uint256 internal constant ROUNDINGS = 10;
    /// How near `withdraw` comes to the fewest shares: one part in this many.
    uint256 private constant SEARCH_PRECISION = 1e9;
    uint256 private constant SEARCH_STEPS = 12;
    /// A budget that pays for less than this part of a trade pays for none of it: 1/1,000.
    uint256 private constant TRIFLE_PART = 1_000;
    /// Shares worth a few units at most do not count as holders.
    uint256 private constant CRUMBS = 1_000 * VIRTUAL_SHARES;
    /// Whose budget an action is on (PositionRules).
    uint256 internal constant REBALANCE = 0;
    uint256 internal constant RESCUE = 1;

    /* TYPES */

    /// The prices that count now, assets per base (Wad): both the feed's when the verdict is good, else the lower and the higher
    /// of the known sources, 0 when there is none.
    struct Price {
        uint256 lowWad;
        uint256 highWad;
        IOracle.Verdict verdict;
    }

    struct Setup {
        IERC20 asset;
        string name;
        string symbol;
        address owner;
        address guardian;
        IOracle oracle;
        IExchange exchange;
    }

    /// What an action is held against: net value before it at both policy prices, and what it was exposed to.
    struct Mark {
        uint256 low;
        uint256 high;
        Exposure exposure;
    }

    /// Shares of a holder that came into being in this block.
    struct Newborn {
        uint40 bornAt;
        uint216 shares;
    }

    /* STORAGE */

    address public immutable base;
    IOracle public immutable oracle;
    IExchange public immutable exchange;
    /// @notice What bounds keepers and users, and who may change it how.
    PositionRules public immutable rules;
    uint256 internal immutable _assetUnit;
    uint256 internal immutable _baseUnit;

    uint256 internal _idleBase;
    /// Block of the last deposit, and what came in during it and is still idle.
    uint40 private _freshBlock;
    uint128 private _freshAssets;
    /// Block of the last keeper's trade.
    uint40 private _tradedBlock;
    mapping(address => Newborn) private _newborn;
    /// The exchange may call back, once.
    bool private transient _trading;

    /* EVENTS AND ERRORS */

    /// @notice An action was taken. Net value at the policy price (the lower, where there are two).
    event Acted(bytes32 indexed reading, uint256 before, uint256 afterwards);
    /// @notice The guardian or the owner turned positions into assets, by what is known of the price.
    event Unwound(uint256 idle, uint256 idleBase);

    error PriceNotGood(IOracle.Verdict verdict);
    /// @notice Neither source answers: there is no value to tell.
    error PriceUnknown();
    /// @notice An entry would pay more over the value by the feed than is allowed: the prices known differ too much.
    error EntryTooDear(uint256 entry, uint256 net);
    /// @notice The shares there are have no price: nobody can be given more.
    error Worthless();
    error Slippage(uint256 got, uint256 limit);
    /// @notice The action pushed another reading out of its band, or further out.
    error PushedOut(bytes32 reading);
    /// @notice Shares cannot leave in the block in which they were made.
    error TooFresh(address holder);
    /// @notice Nobody asked the exchange for this.
    error NotTrading(address caller);
    error WrongExchange(address exchange);
    error WrongVenue(address venue);
    /// @notice Fewer tokens are here than the books say.
    error BooksShort(address token);

    /// @param rules_ Made by this strategy's own constructor.
    constructor(Setup memory s, PositionRules rules_) Strategy(s.asset, s.name, s.symbol, s.owner, s.guardian) {
        if (address(s.oracle) == address(0)) revert ZeroAddress();
        if (s.exchange.asset() != address(s.asset)) revert WrongExchange(address(s.exchange));
        base = s.exchange.base();
        (oracle, exchange) = (s.oracle, s.exchange);
        _assetUnit = 10 ** IERC20Metadata(address(s.asset)).decimals();
        _baseUnit = 10 ** IERC20Metadata(base).decimals();
        rules = rules_;
        // The exchange takes only from who calls it.
        s.asset.forceApprove(address(s.exchange), type(uint256).max);
        IERC20(base).forceApprove(address(s.exchange), type(uint256).max);
    }

    /* VIEWS */

    /// @inheritdoc Strategy
    function isVolatile() external pure override returns (bool) {
        return true;
    }

    /// @notice Base tokens held by the strategy itself, booked as idle assets are.
    function idleBase() external view returns (uint256) {
        return _idleBase;
    }

    /// @inheritdoc IExposed
    function exposure() external view nonReentrantView returns (Exposure memory) {
        Price memory p = _knownPrice();
        return _exposure(p.lowWad, _net(p));
    }

    /// @notice What is regulated; "oracle" is the verdict (0: good). Assets that came in during this block are left out.
    function readings() external view nonReentrantView returns (Reading[] memory) {
        return _read(_price());
    }

    /// @notice Net value that entries are priced by. Reverts when nobody is let in: `PriceNotGood`, `EntryTooDear`.
    function entryValue() public view nonReentrantView returns (uint256 assets) {
        (uint256 feedWad, uint256 poolWad, IOracle.Verdict verdict) = oracle.sources();
        if (verdict != IOracle.Verdict.Good) revert PriceNotGood(verdict);
        uint256 net = _netAt(feedWad);
        assets = Math.max(Math.max(net, _netAt(poolWad)), Math.max(_netAt(oracle.last()), _idle + _marginalExit()));
        // Who entered for nothing would own what those in it may still get back.
        if (assets == 0 && totalSupply() > CRUMBS) revert Worthless();
        uint256 most = net + net.mulDiv(_terms().entryBps, BPS) + 2 * ROUNDINGS;
        if (assets > most) revert EntryTooDear(assets, net);
    }

    function maxDeposit(address) public view override returns (uint256) {
        if (paused || _reentrancyGuardEntered()) return 0;
        try this.entryValue() returns (uint256 net) {
            return _roomFor(net);
        } catch {
            return 0;
        }
    }

    function maxMint(address receiver) public view override returns (uint256) {
        uint256 assets = maxDeposit(receiver);
        return assets == 0 ? 0 : Math.min(type(uint128).max, previewDeposit(assets));
    }

    function previewDeposit(uint256 assets) public view override returns (uint256) {
        return _toShares(assets, entryValue());
    }

    function previewMint(uint256 shares) public view override returns (uint256) {
        return _toAssetsUp(shares, entryValue());
    }

    /// @notice Assets that the shares would bring in this block, exactly. What a vault takes for their worth.
    function previewRedeem(uint256 shares) public view override nonReentrantView returns (uint256) {
        return _pays(shares, totalSupply() + VIRTUAL_SHARES);
    }

    function previewWithdraw(uint256 assets) public view override nonReentrantView returns (uint256 shares) {
        shares = _sharesFor(assets, totalSupply());
        if (shares == 0 && assets > 0) revert InsufficientLiquidity(assets, 0);
    }

    /// @notice Shares of the holder that can leave now within `exitBps` of the policy price.
    function maxRedeem(address holder) public view override returns (uint256) {
        if (_reentrancyGuardEntered()) return 0;
        uint256 shares = balanceOf(holder) - _newbornShares(holder);
        if (shares == 0) return 0;
        uint256 part = _exitableWad(_price());
        return part >= WAD ? shares : Math.min(shares, (totalSupply() + VIRTUAL_SHARES).mulDiv(part, WAD));
    }

    function maxWithdraw(address holder) public view override returns (uint256) {
        uint256 shares = maxRedeem(holder);
        return shares == 0 ? 0 : previewRedeem(shares);
    }

    /* USERS */

    function deposit(uint256 assets, address receiver) public override returns (uint256 shares) {
        uint256 net = entryValue();
        uint256 most = paused ? 0 : _roomFor(net);
        if (assets > most) revert ERC4626ExceededMaxDeposit(receiver, assets, most);
        shares = _toShares(assets, net);
        _deposit(msg.sender, receiver, assets, shares);
    }

    /// @notice As `deposit`, but reverts with `Slippage` when it would give fewer than `minShares`.
    function deposit(uint256 assets, address receiver, uint256 minShares) external returns (uint256 shares) {
        shares = deposit(assets, receiver);
        if (shares < minShares) revert Slippage(shares, minShares);
    }

    function mint(uint256 shares, address receiver) public override returns (uint256 assets) {
        uint256 net = entryValue();
        assets = _toAssetsUp(shares, net);
        uint256 most = paused ? 0 : _roomFor(net);
        if (assets > most) revert ERC4626ExceededMaxMint(receiver, shares, _toShares(most, net));
        _deposit(msg.sender, receiver, assets, shares);
    }

    function redeem(uint256 shares, address receiver, address holder) public override returns (uint256 assets) {
        uint256 most = maxRedeem(holder);
        if (shares > most) revert ERC4626ExceededMaxRedeem(holder, shares, most);
        assets = _leave(receiver, holder, shares, 0);
    }

    /// @notice Redeems at whatever price the market gives, but reverts with `Slippage` below `minAssets`. Works while no price
    /// is known, too.
    function redeem(uint256 shares, address receiver, address holder, uint256 minAssets)
        external
        returns (uint256 assets)
    {
        assets = _leave(receiver, holder, shares, 0);
        if (assets < minAssets) revert Slippage(assets, minAssets);
    }

    function withdraw(uint256 assets, address receiver, address holder) public override returns (uint256 shares) {
        uint256 most = maxRedeem(holder);
        // What the preview says, unless a search that ends at what may leave needs no more.
        shares = _sharesFor(assets, totalSupply());
        if (shares > most) shares = _sharesFor(assets, most);
        if (shares == 0 && assets > 0) {
            revert ERC4626ExceededMaxWithdraw(holder, assets, most == 0 ? 0 : previewRedeem(most));
        }
        _leave(receiver, holder, shares, assets);
    }

    /* ANYONE */

    /// @notice Brings back what is out of band, one thing at a time. Anyone may call it.
    /// @dev Reverts with `InBand`, `Stuck`, `PriceNotGood`, `NotCloser`, `PushedOut`, `LimitExceeded`, `LossBudgetExceeded`.
    function rebalance() external nonReentrant {
        Price memory p = _knownPrice();
        Reading[] memory before = _read(p);
        Mark memory mark = _mark(p);
        uint256 index = _act(p, before);
        _settle(p, mark, REBALANCE, before[index].name);
        _checkCloser(before, _read(p), index);
    }

    /// @notice The exchange only, in the middle of a trade that this strategy has asked for.
    function onTrade(bool sellsBase, uint256 amountIn, uint256 amountOut, bytes calldata data) external {
        if (msg.sender != address(exchange) || !_trading) revert NotTrading(msg.sender);
        _trading = false;
        _onTrade(sellsBase, amountIn, amountOut, data);
    }

    /* GUARDIAN OR OWNER: TIGHTENING, AT ONCE */

    /// @notice Emergency: stops deposits and what adds risk, and turns positions into assets as far as the market allows now,
    /// within `emergencyBps` of the policy price. May be called again for the rest. Never reverts for want of a market.
    function unwind() external nonReentrant onlyTightener {
        if (!paused) _pause();
        _close(_knownPrice());
        _checkBooks();
        emit Unwound(_idle, _idleBase);
    }

    /* HOOKS */

    function _valueAt(uint256 priceWad) internal view virtual returns (uint256 assets);
    function _exposureAt(uint256 priceWad)
        internal
        view
        virtual
        returns (int256 deltaWad, int256 gammaWad, uint256 grossWad);
    function _quoteExit(uint256 part, uint256 whole) internal view virtual returns (uint256 assets);
    function _marginalExit() internal view virtual returns (uint256 assets);
    function _exit(uint256 part, uint256 whole) internal virtual returns (uint256 assets);
    function _exitableWad(Price memory p) internal view virtual returns (uint256 partWad);
    function _act(Price memory p, Reading[] memory before) internal virtual returns (uint256 index);
    function _read(Price memory p) internal view virtual returns (Reading[] memory);
    function _close(Price memory p) internal virtual;

    function _onTrade(bool, uint256, uint256, bytes calldata) internal virtual {
        revert NotTrading(msg.sender);
    }

    function _capacity() internal view virtual override returns (uint256) {
        return type(uint128).max;
    }

    /* INTERNAL: PRICE AND VALUE */

    function _terms() internal view returns (PositionRules.Terms memory) {
        return rules.terms();
    }

    function _price() internal view returns (Price memory p) {
        (uint256 feedWad, uint256 poolWad, IOracle.Verdict verdict) = oracle.sources();
        p.verdict = verdict;
        if (verdict == IOracle.Verdict.Good || poolWad == 0) (p.lowWad, p.highWad) = (feedWad, feedWad);
        else if (feedWad == 0) (p.lowWad, p.highWad) = (poolWad, poolWad);
        else (p.lowWad, p.highWad) = (Math.min(feedWad, poolWad), Math.max(feedWad, poolWad));
    }

    function _knownPrice() internal view returns (Price memory p) {
        p = _price();
        if (p.lowWad == 0) revert PriceUnknown();
    }

    function _checkGood(Price memory p) internal pure {
        if (p.verdict != IOracle.Verdict.Good) revert PriceNotGood(p.verdict);
    }

    function _total() internal view override returns (uint256) {
        return _net(_knownPrice());
    }

    /// Net value at the policy price that makes it lower, rounded down.
    function _net(Price memory p) internal view returns (uint256 assets) {
        assets = _netAt(p.lowWad);
        if (p.highWad != p.lowWad) assets = Math.min(assets, _netAt(p.highWad));
    }

    /// Net value at a price, rounded down.
    function _netAt(uint256 priceWad) internal view returns (uint256) {
        return _idle + _toAssets(_idleBase, priceWad) + _valueAt(priceWad);
    }

    /// Worth of base tokens, in assets, rounded down. `priceWad`: whole assets per whole base.
    function _toAssets(uint256 bases, uint256 priceWad) internal view returns (uint256) {
        return bases.mulDiv(priceWad * _assetUnit, WAD * _baseUnit);
    }

    /// Base tokens worth that many assets, rounded down.
    function _toBases(uint256 assets, uint256 priceWad) internal view returns (uint256) {
        return assets.mulDiv(WAD * _baseUnit, priceWad * _assetUnit);
    }

    /// What came in during this block and is still idle: no action counts on it.
    function _fresh() internal view returns (uint256) {
        return _freshBlock == block.number ? _freshAssets : 0;
    }

    /* INTERNAL: TRADES */

    /// The worst price at which a trade may still be made, Wad: the policy price that allows more, and a tolerance.
    function _limit(bool sellsBase, Price memory p, uint256 toleranceBps) internal pure returns (uint256) {
        return sellsBase
            ? p.lowWad.mulDiv(BPS - toleranceBps, BPS, Math.Rounding.Ceil)
            : p.highWad.mulDiv(BPS + toleranceBps, BPS);
    }

    /// Of `wanted` input what a keeper may trade now: cut to what is safe against a sandwich, and to what the bucket can pay for
    /// at the policy price by which the trade looks worst. 0 when nothing may be, or one has traded in this block.
    /// @param extraWad What the action costs beside the trade, as a share of what the trade gives, Wad.
    function _tradable(
        bool sellsBase,
        uint256 wanted,
        Price memory p,
        uint256 toleranceBps,
        uint256 extraWad,
        uint256 bucket
    ) internal view returns (uint256 amountIn) {
        uint256 safe = exchange.safeDepth(sellsBase, _limit(sellsBase, p, toleranceBps), _terms().reachWad);
        amountIn = Math.min(wanted, safe);
        if (amountIn == 0 || _tradedBlock == block.number) return 0;
        uint256 out = exchange.quote(sellsBase, amountIn);
        if (out == 0) return 0;
        (uint256 paid, uint256 got) =
            sellsBase ? (_toAssets(amountIn, p.highWad), out) : (amountIn, _toAssets(out, p.lowWad));
        paid += got.mulDiv(extraWad, WAD, Math.Rounding.Ceil);
        if (paid <= got) return amountIn;
        // What it loses grows faster than its size: cut in proportion it loses no more than there is. A little is left for
        // the roundings of the positions.
        paid -= got;
        got = (_net(p) - _fresh()).mulDiv(rules.available(bucket), WAD) * 99 / 100;
        if (paid <= got) return amountIn;
        // The last drops of a budget are not worth a move.
        return got < paid / TRIFLE_PART ? 0 : amountIn.mulDiv(got, paid);
    }

    /// Trades exactly `amountIn`; with data `_onTrade` is called in between.
    function _trade(bool sellsBase, uint256 amountIn, uint256 minOut, bytes memory data) internal returns (uint256 out) {
        _trading = data.length > 0;
        out = exchange.trade(sellsBase, amountIn, minOut, data);
        _trading = false;
    }

    /// A keeper's trade: the only one in its block.
    function _keeperTrade(bool sellsBase, uint256 amountIn, uint256 minOut, bytes memory data)
        internal
        returns (uint256 out)
    {
        _tradedBlock = uint40(block.number);
        return _trade(sellsBase, amountIn, minOut, data);
    }

    /// A trade that may fail: an emergency takes what it can get.
    function _tryTrade(bool sellsBase, uint256 amountIn, uint256 minOut, bytes memory data)
        internal
        returns (bool ok, uint256 out)
    {
        _trading = data.length > 0;
        try exchange.trade(sellsBase, amountIn, minOut, data) returns (uint256 out_) {
            (ok, out) = (true, out_);
        } catch {}
        _trading = false;
    }

    /* INTERNAL: ACTIONS */

    /// What came in during this block does not count against the exposure.
    function _mark(Price memory p) internal view returns (Mark memory m) {
        m.low = _netAt(p.lowWad);
        m.high = p.highWad == p.lowWad ? m.low : _netAt(p.highWad);
        m.exposure = _exposure(p.lowWad, Math.min(m.low, m.high) - _fresh());
    }

    /// Exposure at a price, of which the value is `net` assets.
    function _exposure(uint256 priceWad, uint256 net) private view returns (Exposure memory) {
        (int256 deltaWad, int256 gammaWad, uint256 grossWad) = _exposureAt(priceWad);
        uint256 idleWad = _idleBase.mulDiv(WAD, _baseUnit);
        int256 worth = int256(priceWad.mulDiv(_assetUnit, WAD)); // of one base
        return Exposure(
            base,
            (deltaWad + int256(idleWad)) * worth / int256(WAD),
            // delta per unit of price, for 1 % of the price
            gammaWad * int256(priceWad) / int256(100 * WAD) * worth / int256(WAD),
            (grossWad + idleWad).mulDiv(uint256(worth), WAD, Math.Rounding.Ceil),
            int256(net)
        );
    }

    /// Spends what an action has lost since the mark, at the policy price by which it lost the larger share. What came in
    /// during this block buys no room.
    function _settle(Price memory p, Mark memory mark, uint256 bucket, bytes32 reading) internal {
        Mark memory now_ = _mark(p);
        (uint256 loss, uint256 value) = (_lost(mark.low, now_.low), mark.low);
        uint256 other = _lost(mark.high, now_.high);
        if (other * value > loss * mark.high) (loss, value) = (other, mark.high);
        rules.settle(bucket, loss, value - _fresh(), mark.exposure, now_.exposure);
        _checkBooks();
        emit Acted(reading, mark.low, now_.low);
    }

    function _lost(uint256 before, uint256 afterwards) private pure returns (uint256) {
        return before > afterwards ? before - afterwards : 0;
    }

    /// The reading acted for is nearer to its target, and no other is out of its band that was not, or further out.
    function _checkCloser(Reading[] memory before, Reading[] memory afterwards, uint256 index) internal pure {
        for (uint256 i; i < before.length; ++i) {
            (uint256 was, uint256 is_) = (_distance(before[i]), _distance(afterwards[i]));
            if (i == index) {
                if (is_ >= was) revert NotCloser(was, is_);
            } else if (_isOut(afterwards[i]) && (!_isOut(before[i]) || is_ > was)) {
                revert PushedOut(afterwards[i].name);
            }
        }
    }

    function _isOut(Reading memory r) internal pure returns (bool) {
        return r.value < r.lower || r.value > r.upper;
    }

    function _distance(Reading memory r) internal pure returns (uint256) {
        return uint256(r.value > r.target ? r.value - r.target : r.target - r.value);
    }

    /// Catches whatever a venue or an exchange kept: the books never promise more than there is.
    function _checkBooks() internal view {
        if (IERC20(asset()).balanceOf(address(this)) < _idle) revert BooksShort(asset());
        if (_idleBase > 0 && IERC20(base).balanceOf(address(this)) < _idleBase) revert BooksShort(base);
    }

    /* INTERNAL: ENTRY AND EXIT */

    function _roomFor(uint256 net) private view returns (uint256) {
        uint256 cap = _terms().cap;
        return Math.min(cap > net ? cap - net : 0, _capacity());
    }

    function _toShares(uint256 assets, uint256 net) private view returns (uint256) {
        return assets.mulDiv(totalSupply() + VIRTUAL_SHARES, net + 1);
    }

    function _toAssetsUp(uint256 shares, uint256 net) private view returns (uint256) {
        return shares.mulDiv(net + 1, totalSupply() + VIRTUAL_SHARES, Math.Rounding.Ceil);
    }

    /// What an exit of `shares` pays.
    function _pays(uint256 shares, uint256 whole) private view returns (uint256) {
        return shares == 0 ? 0 : _idle.mulDiv(shares, whole) + _quoteExit(shares, whole);
    }

    /// Fewest shares that pay `assets`, nearly, and at most `most`; 0 when those do not. What an exit pays per share falls with
    /// its size, so that from enough shares the chord through the origin leads to fewer that are still enough.
    function _sharesFor(uint256 assets, uint256 most) private view returns (uint256 best) {
        if (assets == 0 || most == 0) return 0;
        uint256 whole = totalSupply() + VIRTUAL_SHARES;
        uint256 margin = _idle + _marginalExit();
        // Of dust the margin brings nothing though the whole may.
        uint256 shares = margin == 0 ? most : assets.mulDiv(whole, margin, Math.Rounding.Ceil);
        for (uint256 i; i < SEARCH_STEPS; ++i) {
            if (shares > most) shares = most;
            uint256 paid = _pays(shares, whole);
            if (paid >= assets) {
                best = shares;
                shares = shares.mulDiv(assets, paid, Math.Rounding.Ceil);
                if (best - shares <= best / SEARCH_PRECISION) return best;
            } else if (best > 0) {
                return best; // rounding
            } else if (shares == most) {
                return 0;
            } else {
                // Further than the chord leads, and further each time.
                uint256 step = shares.mulDiv(assets - paid, Math.max(paid, 1), Math.Rounding.Ceil);
                shares += step + (step << i) / 4 + 1;
            }
        }
        if (best == 0 && _pays(most, whole) >= assets) best = most;
    }

    /// Burns the shares and pays what their part of everything brings; with `exact` not 0 just that, and the rest stays.
    function _leave(address receiver, address holder, uint256 shares, uint256 exact)
        private
        nonReentrant
        returns (uint256 assets)
    {
        if (msg.sender != holder) _spendAllowance(holder, msg.sender, shares);
        uint256 whole = totalSupply() + VIRTUAL_SHARES;
        assets = _idle.mulDiv(shares, whole);
        _freshAssets = uint128(_fresh() - _fresh().mulDiv(shares, whole));
        _burn(holder, shares);
        _idle -= assets;
        if (shares > 0) assets += _exit(shares, whole);
        if (exact > 0) {
            if (assets < exact) revert InsufficientLiquidity(exact, assets);
            _idle += assets - exact;
            assets = exact;
        }
        IERC20(asset()).safeTransfer(receiver, assets);
        _checkBooks();
        emit Withdraw(msg.sender, receiver, holder, assets, shares);
    }

    function _onDeposit(uint256 assets) internal override {
        _freshAssets = (_fresh() + assets).toUint128();
        _freshBlock = uint40(block.number);
    }

    /// Shares made in this block do not leave in it, and are still new when they change hands.
    function _update(address from, address to, uint256 value) internal override {
        uint256 moved = value; // of what is minted all is new
        if (from != address(0)) {
            uint256 newborn = _newbornShares(from);
            uint256 old = balanceOf(from) > newborn ? balanceOf(from) - newborn : 0;
            moved = newborn > 0 && value > old ? value - old : 0;
            if (moved > 0) {
                if (to == address(0) || moved > newborn) revert TooFresh(from);
                _newborn[from] = Newborn(uint40(block.number), (newborn - moved).toUint216());
            }
        }
        if (moved > 0) _newborn[to] = Newborn(uint40(block.number), (_newbornShares(to) + moved).toUint216());
        super._update(from, to, value);
    }

    function _newbornShares(address holder) private view returns (uint256) {
        Newborn memory n = _newborn[holder];
        return n.bornAt == block.number ? n.shares : 0;
    }
}

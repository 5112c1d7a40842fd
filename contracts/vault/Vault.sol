// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/interfaces/IERC20Metadata.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IVault} from "../../interfaces/IVault.sol";
import {Probe} from "../risk/Probe.sol";
import {Roles} from "../risk/Roles.sol";

/// @title Vault
/// @notice Shares over one asset that several ERC-4626 strategies put to work.
///
/// ASSUMPTIONS
/// - Asset: a plain ERC-20 of at most 18 decimals; it may return nothing, pause, or block accounts. A token that takes a
///   fee on transfer is refused at the first deposit. Amounts stay under 2^128.
/// - Strategies: ERC-4626 over the same asset, added by the owner. One that reverts, burns gas, has no code or lies about
///   what it can free is passed over; one that returns too little is booked as a loss.
/// - Strategies are smooth: their value accrues, and cannot be moved within a block by a third party. Entry, and exit out
///   of idle assets, are priced at the last report: a loss that nobody has reported yet is not in that price.
/// - `previewRedeem` of a strategy is its worth to the vault, exit fees included.
/// - Exits draw on the queue in order, so a large one leaves the weights off target until somebody rebalances: caps, not
///   weights, bound what one strategy may hold.
///
/// ACCOUNTING
/// - `assets` (idle + debt) and `debt` are stored, never read from `balanceOf`: tokens or strategy shares sent to the
///   vault change nothing.
/// - A share is worth (assets - lockedProfit + 1) / (shares + 1e6). Profit is locked at the report and unlocks linearly;
///   a loss eats the locked profit first and the share price at once.
/// - A withdrawal that draws on a strategy first books that strategy's loss, if it has one, for all holders.
/// - Fees are taken out of profit alone and minted as shares without lowering the share price. The performance fee is due
///   above a high-water mark, kept as the `deficit` below it: losses that profit has not made good, whoever holds shares.
/// - Reports and rebalances are refused in a transaction that has deposited: what they do follows from the vault's
///   size, which must not be borrowed for the occasion.
///
/// ROUNDING is for the vault: shares given are rounded down, shares taken up, assets paid down, locked profit up.
///
/// ROLES: the owner (a timelock) loosens, the guardian only tightens, the curator moves weights within the caps; anyone
/// may report and rebalance.
contract Vault is IVault, ERC20Permit, ReentrancyGuardTransient, Roles {
    using Math for uint256;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    /* CONSTANTS */

    uint256 public constant MAX_STRATEGIES = 10;
    uint256 public constant MAX_PERFORMANCE_FEE_BPS = 5_000; // 50 %
    uint256 public constant MAX_MANAGEMENT_FEE_BPS = 500; // 5 % a year
    uint256 public constant MIN_UNLOCK_PERIOD = 1 hours;
    /// Profit is booked at most once in this time, so that rounding cannot starve it.
    uint256 public constant PROFIT_INTERVAL = 1 hours;
    /// A move into a strategy may lose one part in this many, and `MOVE_DUST` units, to rounding.
    uint256 public constant MOVE_TOLERANCE = 1e6;
    uint256 public constant MOVE_DUST = 4;

    uint256 private constant BPS = 1e4;
    uint256 private constant YEAR = 365 days;
    /// Most gas that a strategy may take to be read, and to be moved.
    uint256 private constant READ_GAS = 1_000_000;
    uint256 private constant CALL_GAS = 3_000_000;
    uint8 private constant OFFSET = 6;
    uint256 private constant VIRTUAL_SHARES = 10 ** OFFSET;
    uint256 private constant CRUMBS = 1_000 * VIRTUAL_SHARES;
    /// Band of a strategy that is on its way out: dust may stay.
    uint16 private constant EXIT_BAND_BPS = 1;

    /* STORAGE */

    struct Ledger {
        uint128 shares;
        uint128 assets;
    }

    /// `locked` at time `since`, falling linearly to 0 at `until`; and the switches that a deposit must read.
    struct Lock {
        uint128 locked;
        uint40 since;
        uint40 until;
        bool paused;
        bool shutdown;
        bool limited;
    }

    struct Debt {
        uint128 total;
        uint128 depositLimit;
    }

    struct Terms {
        address feeRecipient;
        uint16 performanceFeeBps;
        uint16 managementFeeBps;
        uint16 growthCapBps;
        uint24 unlockPeriod;
        uint24 reportPeriod;
    }

    struct FeeState {
        uint128 deficit;
        uint128 managementOwed;
    }

    struct Clock {
        uint40 reported;
        uint40 profitBooked;
        uint40 managementAccrued;
    }

    /// What the constructor takes.
    struct Config {
        IERC20 asset;
        string name;
        string symbol;
        address owner;
        address guardian;
        address curator;
        address feeRecipient;
        uint16 performanceFeeBps;
        uint16 managementFeeBps;
        uint16 growthCapBps;
        uint24 unlockPeriod;
        uint24 reportPeriod;
    }

    /// @notice May move weights within the caps and order the queue.
    address public curator;

    IERC20 private immutable _asset;
    uint8 private immutable _decimals;

    mapping(address => uint256) private _balances;
    Ledger private _ledger;
    Lock private _lock;
    Debt private _debt;
    Terms private _terms;
    FeeState private _fees;
    Clock private _clock;
    /// True once this transaction has deposited.
    bool private transient _entered;
    address[] private _queue;
    mapping(address => Strategy) private _strategies;

    constructor(Config memory config)
        ERC20(config.name, config.symbol)
        ERC20Permit(config.name)
        Roles(config.owner, config.guardian)
    {
        if (address(config.asset) == address(0)) revert ZeroAddress();
        _setCurator(config.curator);
        _asset = config.asset;
        uint8 decimals_ = IERC20Metadata(address(config.asset)).decimals();
        if (decimals_ > 18) revert OverLimit(decimals_, 18);
        _decimals = decimals_ + OFFSET;
        _clock = Clock(uint40(block.timestamp), uint40(block.timestamp), uint40(block.timestamp));
        _debt.depositLimit = type(uint128).max;
        _setFees(config.performanceFeeBps, config.managementFeeBps, config.feeRecipient);
        _setPace(config.unlockPeriod, config.reportPeriod, config.growthCapBps);
    }

    /* SHARES: ERC-20 OVER THE VAULT'S OWN LEDGER */

    /// @notice Decimals of a share: the asset's and 6 more.
    function decimals() public view override(ERC20, IERC20Metadata) returns (uint8) {
        return _decimals;
    }

    function totalSupply() public view override(ERC20, IERC20) returns (uint256) {
        return _ledger.shares;
    }

    function balanceOf(address account) public view override(ERC20, IERC20) returns (uint256) {
        return _balances[account];
    }

    /// Moves balances only; who mints or burns changes the ledger, in one write with the assets.
    function _update(address from, address to, uint256 value) internal override {
        if (from != address(0)) {
            uint256 balance = _balances[from];
            if (balance < value) revert ERC20InsufficientBalance(from, balance, value);
            unchecked {
                _balances[from] = balance - value; // checked above
            }
        }
        // No overflow: the sum of all balances is the ledger's shares, a uint128.
        if (to != address(0)) {
            unchecked {
                _balances[to] += value;
            }
        }
        emit Transfer(from, to, value);
    }

    /* VIEWS: ERC-4626 */

    function asset() external view returns (address) {
        return address(_asset);
    }

    /// @notice Assets that the shares are worth: idle and debt less the profit still locked.
    /// @dev Reverts while the vault is inside a call of its own, when it could not be priced.
    function totalAssets() external view nonReentrantView returns (uint256) {
        (, uint256 net) = _rate();
        return net;
    }

    /// @notice Rounded down; unbooked losses are not looked at (previews do).
    function convertToShares(uint256 assets) external view nonReentrantView returns (uint256) {
        return _toShares(assets);
    }

    /// @notice Rounded down; unbooked losses are not looked at (previews do).
    function convertToAssets(uint256 shares) external view nonReentrantView returns (uint256) {
        return _toAssets(shares);
    }

    /// @notice Most assets that can be deposited now; 0 while deposits are paused.
    function maxDeposit(address) external view nonReentrantView returns (uint256) {
        return Math.min(_room(), _toAssets(type(uint128).max - _ledger.shares));
    }

    /// @notice Most shares that can be minted now; 0 while deposits are paused.
    function maxMint(address) external view nonReentrantView returns (uint256) {
        return Math.min(type(uint128).max - _ledger.shares, _toShares(_room()));
    }

    /// @notice Assets that `holder` can withdraw now, after losses it would have to book: idle and what strategies free.
    function maxWithdraw(address holder) external view nonReentrantView returns (uint256) {
        return Math.min(_previewRedeem(_balances[holder]), _liquidity());
    }

    /// @notice Shares that `holder` can redeem now.
    function maxRedeem(address holder) external view nonReentrantView returns (uint256) {
        uint256 shares = _balances[holder];
        uint256 free = _liquidity();
        // Not by way of shares when all can leave: that rounds a share away.
        return _toAssets(shares) <= free ? shares : Math.min(shares, _toShares(free));
    }

    /// @notice Exact; rounded down.
    function previewDeposit(uint256 assets) external view nonReentrantView returns (uint256) {
        return _toShares(assets);
    }

    /// @notice Exact; rounded up.
    function previewMint(uint256 shares) external view nonReentrantView returns (uint256) {
        (uint256 supply, uint256 net) = _rate();
        return _toAssetsUp(shares, supply, net);
    }

    /// @notice Shares that withdrawing `assets` costs, after the losses it would book. Exact; rounded up.
    function previewWithdraw(uint256 assets) external view nonReentrantView returns (uint256) {
        (uint256 supply, uint256 net) = _rateAfterLosses(assets);
        return _toSharesUp(assets, supply, net);
    }

    /// @notice Assets that redeeming `shares` pays, after the losses it would book. Exact; rounded down.
    function previewRedeem(uint256 shares) external view nonReentrantView returns (uint256) {
        return _previewRedeem(shares);
    }

    /* VIEWS: STATE */

    /// @inheritdoc IVault
    function idle() public view returns (uint256) {
        return _ledger.assets - _debt.total;
    }

    /// @inheritdoc IVault
    function totalDebt() external view returns (uint256) {
        return _debt.total;
    }

    /// @inheritdoc IVault
    function lockedProfit() external view returns (uint256) {
        return _locked();
    }

    /// @inheritdoc IVault
    function queue() external view returns (address[] memory) {
        return _queue;
    }

    /// @inheritdoc IVault
    function strategy(address strategy_) external view returns (Strategy memory) {
        return _strategies[strategy_];
    }

    /// @inheritdoc IVault
    function depositLimit() external view returns (uint256) {
        return _debt.depositLimit;
    }

    /// @inheritdoc IVault
    function paused() external view returns (bool) {
        return _lock.paused;
    }

    /// @inheritdoc IVault
    function isShutdown() external view returns (bool) {
        return _lock.shutdown;
    }

    /// @inheritdoc IVault
    function performanceFeeBps() external view returns (uint16) {
        return _terms.performanceFeeBps;
    }

    /// @inheritdoc IVault
    function managementFeeBps() external view returns (uint16) {
        return _terms.managementFeeBps;
    }

    /// @inheritdoc IVault
    function feeRecipient() external view returns (address) {
        return _terms.feeRecipient;
    }

    /// @inheritdoc IVault
    function unlockPeriod() external view returns (uint24) {
        return _terms.unlockPeriod;
    }

    /// @inheritdoc IVault
    function reportPeriod() external view returns (uint24) {
        return _terms.reportPeriod;
    }

    /// @inheritdoc IVault
    function growthCapBps() external view returns (uint16) {
        return _terms.growthCapBps;
    }

    /// @inheritdoc IVault
    function deficit() external view returns (uint256) {
        return _fees.deficit;
    }

    /// @inheritdoc IVault
    function lastReport() external view returns (uint40) {
        return _clock.reported;
    }

    /// @inheritdoc IVault
    function managementFeeOwed() external view returns (uint256) {
        return _managementOwed();
    }

    /// @notice `report` (seconds since the last one) and, for each strategy in queue order, `weight.N` (share of the
    /// vault's assets, Wad).
    function readings() external view nonReentrantView returns (Reading[] memory list) {
        uint256 count = _queue.length;
        uint256 total = _ledger.assets;
        list = new Reading[](1 + count);
        uint256 age = _debt.total == 0 ? 0 : block.timestamp - _clock.reported;
        list[0] = Reading("report", int256(age), 0, 0, int256(uint256(_terms.reportPeriod)));
        for (uint256 i; i < count; ++i) {
            Strategy storage s = _strategies[_queue[i]];
            (uint256 lower, uint256 target, uint256 upper) = _band(s, total);
            list[1 + i] =
                Reading(_label(i), _wad(s.debt, total), _wad(lower, total), _wad(target, total), _wad(upper, total));
        }
    }

    /* USERS */

    /// @notice Takes `assets` from the caller and gives `receiver` shares, rounded down. Anyone may call it.
    function deposit(uint256 assets, address receiver) external nonReentrant returns (uint256 shares) {
        (uint256 supply, uint256 net) = _rate();
        shares = _toSharesDown(assets, supply, net);
        _enter(assets, shares, receiver, supply, net);
    }

    /// @notice Gives `receiver` exactly `shares` and takes the assets, rounded up, from the caller. Anyone may call it.
    function mint(uint256 shares, address receiver) external nonReentrant returns (uint256 assets) {
        (uint256 supply, uint256 net) = _rate();
        assets = _toAssetsUp(shares, supply, net);
        _enter(assets, shares, receiver, supply, net);
    }

    /// @notice Pays exactly `assets` to `receiver` for shares of `holder`, rounded up. The holder or one it allowed.
    function withdraw(uint256 assets, address receiver, address holder) external returns (uint256 shares) {
        return withdraw(assets, receiver, holder, BPS);
    }

    /// @notice Takes exactly `shares` of `holder` and pays `receiver`, rounded down. The holder or one it allowed.
    function redeem(uint256 shares, address receiver, address holder) external returns (uint256 assets) {
        return redeem(shares, receiver, holder, BPS);
    }

    /// @inheritdoc IVault
    function withdraw(uint256 assets, address receiver, address holder, uint256 maxLossBps)
        public
        nonReentrant
        returns (uint256 shares)
    {
        (uint256 supply, uint256 net) = _rate();
        uint256 before = _toSharesUp(assets, supply, net);
        _free(assets);
        (supply, net) = _rate();
        shares = _toSharesUp(assets, supply, net);
        _checkLoss(before, shares, maxLossBps);
        _exit(assets, shares, receiver, holder);
    }

    /// @inheritdoc IVault
    function redeem(uint256 shares, address receiver, address holder, uint256 maxLossBps)
        public
        nonReentrant
        returns (uint256 assets)
    {
        uint256 before = _toAssets(shares);
        _free(before);
        assets = _toAssets(shares);
        _checkLoss(assets, before, maxLossBps);
        _exit(assets, shares, receiver, holder);
    }

    /* ANYONE */

    /// @inheritdoc IVault
    function report() external nonReentrant returns (uint256 profit, uint256 loss) {
        if (_entered) revert DepositedInTransaction();
        return _report();
    }

    /// @notice Reports when a report is due or a strategy is out of its band, and then, if one still is, moves all
    /// strategies to their targets: assets come back first, then go out. Anyone may call it.
    /// @dev Reverts with `InBand` when there is nothing to do, with `NotCloser` (assets) when no strategy could be moved
    /// nearer to its target.
    function rebalance() external nonReentrant {
        if (_entered) revert DepositedInTransaction();
        bool due = _debt.total > 0 && block.timestamp - _clock.reported > _terms.reportPeriod;
        if (!due && !_outOfBand()) revert InBand();
        _report();
        if (!_outOfBand()) return;
        uint256 total = _ledger.assets;
        uint256 before = _distance(total);
        uint256 count = _queue.length;
        for (uint256 i; i < count; ++i) {
            address strategy_ = _queue[i];
            Strategy storage s = _strategies[strategy_];
            (, uint256 target,) = _band(s, total);
            if (target == 0) _recall(strategy_, s);
            else if (s.debt > target) _takeBack(strategy_, s, s.debt - target);
        }
        for (uint256 i; i < count; ++i) {
            address strategy_ = _queue[i];
            Strategy storage s = _strategies[strategy_];
            (, uint256 target,) = _band(s, total);
            if (s.debt < target) _place(strategy_, s, Math.min(target - s.debt, idle()));
        }
        uint256 afterwards = _distance(total);
        if (afterwards > before || (afterwards == before && !due)) revert NotCloser(before, afterwards);
    }

    /* GUARDIAN OR OWNER: TIGHTENING, AT ONCE */

    /// @inheritdoc IVault
    function pauseDeposits() external onlyTightener {
        _lock.paused = true;
        emit DepositsPaused(true);
    }

    /// @inheritdoc IVault
    function revoke(address strategy_) external nonReentrant onlyTightener {
        Strategy storage s = _listed(strategy_);
        _retire(strategy_, s);
        _report();
        _recall(strategy_, s);
    }

    /// @inheritdoc IVault
    function shutdown() external nonReentrant onlyTightener {
        _lock.paused = true;
        _lock.shutdown = true;
        uint256 count = _queue.length;
        for (uint256 i; i < count; ++i) {
            _retire(_queue[i], _strategies[_queue[i]]);
        }
        emit Shutdown();
    }

    /* TIGHTENING BY GUARDIAN OR OWNER, LOOSENING BY OWNER ALONE */

    /// @inheritdoc IVault
    function setCap(address strategy_, uint256 cap) external nonReentrant {
        Strategy storage s = _listed(strategy_);
        if (cap > s.cap) {
            _checkOwner();
            if (_lock.shutdown) revert IsShutdown();
        } else {
            _checkTightener();
        }
        s.cap = cap.toUint128();
        emit CapSet(strategy_, cap);
    }

    /// @inheritdoc IVault
    function setDepositLimit(uint256 assets) external nonReentrant {
        if (assets > _debt.depositLimit) _checkOwner();
        else _checkTightener();
        _debt.depositLimit = assets.toUint128();
        _lock.limited = assets != type(uint128).max;
        emit DepositLimitSet(assets);
    }

    /// @inheritdoc IVault
    function setWeight(address strategy_, uint256 targetBps, uint256 bandBps) external nonReentrant {
        Strategy storage s = _listed(strategy_);
        if (_lock.shutdown) revert IsShutdown();
        if (bandBps > s.bandBps) _checkOwner();
        else if (targetBps > s.targetBps) _checkCurator();
        else if (msg.sender != guardian) _checkCurator();
        _setWeight(strategy_, s, targetBps, bandBps);
    }

    /* CURATOR OR OWNER */

    /// @inheritdoc IVault
    function setQueue(address[] calldata queue_) external nonReentrant {
        _checkCurator();
        uint256 count = _queue.length;
        if (queue_.length != count) revert QueueMismatch();
        for (uint256 i; i < count; ++i) {
            if (!_strategies[queue_[i]].listed) revert NotListed(queue_[i]);
            for (uint256 j; j < i; ++j) {
                if (queue_[j] == queue_[i]) revert QueueMismatch();
            }
        }
        _queue = queue_;
        emit QueueSet(queue_);
    }

    /* OWNER */

    /// @notice Owner only.
    function setCurator(address account) external onlyOwner {
        _setCurator(account);
    }

    /// @inheritdoc IVault
    function addStrategy(address strategy_, uint256 cap, uint256 targetBps, uint256 bandBps)
        external
        nonReentrant
        onlyOwner
    {
        if (_lock.shutdown) revert IsShutdown();
        if (_queue.length == MAX_STRATEGIES) revert QueueFull(MAX_STRATEGIES);
        Strategy storage s = _strategies[strategy_];
        if (s.listed) revert AlreadyListed(strategy_);
        (bool ok, uint256 word) = Probe.read(strategy_, READ_GAS, abi.encodeCall(IERC4626.asset, ()));
        if (!ok || word != uint160(address(_asset))) revert WrongAsset(strategy_, address(uint160(word)));
        s.listed = true;
        s.cap = cap.toUint128();
        _queue.push(strategy_);
        emit StrategyAdded(strategy_);
        emit CapSet(strategy_, cap);
        _setWeight(strategy_, s, targetBps, bandBps);
    }

    /// @inheritdoc IVault
    function removeStrategy(address strategy_, uint256 maxLoss) external nonReentrant onlyOwner {
        Strategy storage s = _listed(strategy_);
        uint256 received = _redeem(strategy_, s);
        uint256 loss = _settle(strategy_, s, received, s.debt);
        if (loss > maxLoss) revert OverLimit(loss, maxLoss);
        // Shares that it does not let go are remembered: added again, the strategy still owes for them.
        Strategy memory left;
        left.shares = s.shares;
        _strategies[strategy_] = left;
        uint256 count = _queue.length;
        // Order is kept: later strategies move up by one.
        bool found;
        for (uint256 i; i < count; ++i) {
            if (found) _queue[i - 1] = _queue[i];
            else found = _queue[i] == strategy_;
        }
        _queue.pop();
        emit StrategyRemoved(strategy_, loss);
    }

    /// @inheritdoc IVault
    function unpauseDeposits() external onlyOwner {
        if (_lock.shutdown) revert IsShutdown();
        _lock.paused = false;
        emit DepositsPaused(false);
    }

    /// @inheritdoc IVault
    function setFees(uint256 performanceFeeBps_, uint256 managementFeeBps_, address recipient)
        external
        nonReentrant
        onlyOwner
    {
        _accrueManagement(); // the past is charged at the old rate
        _setFees(performanceFeeBps_, managementFeeBps_, recipient);
    }

    /// @inheritdoc IVault
    function setPace(uint256 unlockPeriod_, uint256 reportPeriod_, uint256 growthCapBps_) external onlyOwner {
        _setPace(unlockPeriod_, reportPeriod_, growthCapBps_);
    }

    /* INTERNAL: PRICE */

    function _locked() private view returns (uint256) {
        uint256 until = _lock.until;
        if (block.timestamp >= until) return 0;
        return uint256(_lock.locked).mulDiv(until - block.timestamp, until - _lock.since, Math.Rounding.Ceil);
    }

    /// Supply of shares and the assets they are worth. Never underflows: exits are paid out of what is not locked, and
    /// losses lower both.
    function _rate() private view returns (uint256 supply, uint256 net) {
        return (_ledger.shares, _ledger.assets - _locked());
    }

    function _toSharesDown(uint256 assets, uint256 supply, uint256 net) private pure returns (uint256) {
        return assets.mulDiv(supply + VIRTUAL_SHARES, net + 1);
    }

    function _toSharesUp(uint256 assets, uint256 supply, uint256 net) private pure returns (uint256) {
        return assets.mulDiv(supply + VIRTUAL_SHARES, net + 1, Math.Rounding.Ceil);
    }

    function _toAssetsDown(uint256 shares, uint256 supply, uint256 net) private pure returns (uint256) {
        return shares.mulDiv(net + 1, supply + VIRTUAL_SHARES);
    }

    function _toAssetsUp(uint256 shares, uint256 supply, uint256 net) private pure returns (uint256) {
        return shares.mulDiv(net + 1, supply + VIRTUAL_SHARES, Math.Rounding.Ceil);
    }

    /// At the present rate, rounded down.
    function _toShares(uint256 assets) private view returns (uint256) {
        (uint256 supply, uint256 net) = _rate();
        return _toSharesDown(assets, supply, net);
    }

    /// At the present rate, rounded down.
    function _toAssets(uint256 shares) private view returns (uint256) {
        (uint256 supply, uint256 net) = _rate();
        return _toAssetsDown(shares, supply, net);
    }

    function _previewRedeem(uint256 shares) private view returns (uint256) {
        (uint256 supply, uint256 net) = _rateAfterLosses(_toAssets(shares));
        return _toAssetsDown(shares, supply, net);
    }

    /// The rate as it would stand after `_free(assets)` had booked the losses it meets.
    function _rateAfterLosses(uint256 assets) private view returns (uint256 supply, uint256 net) {
        (supply, net) = _rate();
        uint256 held = idle();
        if (assets <= held) return (supply, net);
        uint256 need = assets - held;
        uint256 losses;
        uint256 count = _queue.length;
        for (uint256 i; i < count && need > 0; ++i) {
            (bool readable, uint256 debt, uint256 value, uint256 free) = _quote(_queue[i]);
            if (!readable) continue;
            if (value < debt) losses += debt - value;
            need -= Math.min(need, free);
        }
        uint256 locked = _ledger.assets - net;
        if (losses > locked) net -= losses - locked; // the locked profit bears them first
    }

    /// What a strategy owes, is worth and would free now. Unreadable or without debt: nothing.
    function _quote(address strategy_)
        private
        view
        returns (bool readable, uint256 debt, uint256 value, uint256 free)
    {
        Strategy storage s = _strategies[strategy_];
        debt = s.debt;
        if (debt == 0) return (true, 0, 0, 0);
        (readable, value) = _worth(strategy_, s.shares);
        if (!readable) return (false, debt, 0, 0);
        (bool ok, uint256 available) = Probe.read(strategy_, READ_GAS, abi.encodeCall(IERC4626.maxWithdraw, (address(this))));
        free = ok ? Math.min(available, Math.min(debt, value)) : 0;
    }

    /// Worth of a strategy's shares to the vault.
    function _worth(address strategy_, uint256 shares) private view returns (bool ok, uint256 value) {
        if (shares == 0) return (true, 0);
        (ok, value) = Probe.read(strategy_, READ_GAS, abi.encodeCall(IERC4626.previewRedeem, (shares)));
        // A value beyond any real amount is a lie: unreadable.
        if (value > type(uint128).max) return (false, 0);
    }

    function _liquidity() private view returns (uint256 assets) {
        assets = idle();
        uint256 count = _queue.length;
        for (uint256 i; i < count; ++i) {
            (,,, uint256 free) = _quote(_queue[i]);
            assets += free;
        }
    }

    /// After a total loss a share has no price. Crumbs of shares, worth a few units at most, do not count as holders.
    function _priceless(uint256 supply, uint256 net) private pure returns (bool) {
        return net == 0 && supply > CRUMBS;
    }

    function _room() private view returns (uint256) {
        if (_lock.paused) return 0;
        (uint256 supply, uint256 net) = _rate();
        if (_priceless(supply, net)) return 0;
        uint256 limit = _debt.depositLimit;
        uint256 held = _ledger.assets;
        return limit > held ? limit - held : 0;
    }

    /* INTERNAL: ENTRY AND EXIT */

    function _enter(uint256 assets, uint256 shares, address receiver, uint256 supply, uint256 net) private {
        if (receiver == address(0)) revert ERC20InvalidReceiver(receiver);
        if ((_lock.limited || _lock.paused || _priceless(supply, net)) && assets > _room()) {
            revert DepositExceedsMax(assets, _room());
        }
        if (shares == 0 && assets > 0) revert ZeroShares(assets);
        _entered = true;

        uint256 before = _held();
        _asset.safeTransferFrom(msg.sender, address(this), assets);
        uint256 received = _held() - before;
        if (received != assets) revert UnexpectedTransfer(assets, received);

        _setLedger(supply + shares, _ledger.assets + assets);
        _update(address(0), receiver, shares);
        // The first holders owe nothing for what was before them.
        if (supply == 0) _restartFees();
        emit Deposit(msg.sender, receiver, assets, shares);
    }

    function _exit(uint256 assets, uint256 shares, address receiver, address holder) private {
        if (receiver == address(0)) revert ERC20InvalidReceiver(receiver);
        uint256 available = idle();
        if (assets > available) revert InsufficientLiquidity(assets, available);
        if (msg.sender != holder) _spendAllowance(holder, msg.sender, shares);
        _update(holder, address(0), shares);
        _setLedger(_ledger.shares - shares, _ledger.assets - assets);
        _asset.safeTransfer(receiver, assets);
        emit Withdraw(msg.sender, receiver, holder, assets, shares);
    }

    function _setLedger(uint256 shares, uint256 assets) private {
        _ledger = Ledger(shares.toUint128(), assets.toUint128());
    }

    /// Tokens at this address, to measure a transfer by; never used as a balance.
    function _held() private view returns (uint256) {
        return _asset.balanceOf(address(this));
    }

    function _checkLoss(uint256 lesser, uint256 greater, uint256 maxLossBps) private pure {
        if (lesser < greater && maxLossBps < BPS) {
            // Rounded up, against a loss slipping through.
            uint256 lossBps = (greater - lesser).mulDiv(BPS, greater, Math.Rounding.Ceil);
            if (lossBps > maxLossBps) revert LossTooHigh(lossBps, maxLossBps);
        }
    }

    /// Makes `assets` idle if the strategies allow it, in queue order, booking the loss of each strategy it draws on.
    function _free(uint256 assets) private {
        uint256 held = idle();
        if (assets <= held) return;
        uint256 need = assets - held;
        uint256 count = _queue.length;
        for (uint256 i; i < count && need > 0; ++i) {
            address strategy_ = _queue[i];
            Strategy storage s = _strategies[strategy_];
            if (s.debt > 0) need -= Math.min(need, _takeBack(strategy_, s, need));
        }
    }

    /* INTERNAL: STRATEGIES */

    /// Books the strategy's loss, then withdraws up to `assets` of its debt. Passes over what reverts.
    function _takeBack(address strategy_, Strategy storage s, uint256 assets) private returns (uint256 received) {
        (bool readable, uint256 debt, uint256 value, uint256 free) = _quote(strategy_);
        if (!readable) {
            emit StrategySkipped(strategy_);
            return 0;
        }
        if (value < debt) {
            _bookStrategyLoss(strategy_, s, debt - value);
            debt = value;
        }
        uint256 asked = Math.min(assets, free);
        if (asked == 0) return 0;

        uint256 before = _held();
        (bool ok, uint256 burned) =
            Probe.call(strategy_, CALL_GAS, abi.encodeCall(IERC4626.withdraw, (asked, address(this), address(this))));
        received = _held() - before;
        if (!ok) {
            if (received == 0) {
                emit StrategySkipped(strategy_);
                return 0;
            }
            burned = uint256(s.shares).mulDiv(asked, value); // it paid without saying for how many shares
        }
        s.shares -= uint128(Math.min(burned, s.shares));
        s.debt = uint128(debt - asked);
        _setTotalDebt(_debt.total - asked);
        if (received < asked) {
            _bookLoss(asked - received);
            emit StrategyShort(strategy_, asked, received);
        }
        received = Math.min(received, asked); // more than asked is a gift, which changes nothing
        emit Allocated(strategy_, -int256(asked), debt - asked);
    }

    /// Deposits up to `assets` into the strategy, as far as it takes them. Passes over one that reverts, cannot be read, or
    /// says that the move would cost more than rounding; reverts when it did so without saying.
    function _place(address strategy_, Strategy storage s, uint256 assets) private {
        (bool ok, uint256 word) = Probe.read(strategy_, READ_GAS, abi.encodeCall(IERC4626.maxDeposit, (address(this))));
        assets = ok ? Math.min(assets, word) : 0;
        if (assets == 0) return;
        uint256 least = assets - Math.min(assets, assets / MOVE_TOLERANCE + MOVE_DUST);
        (ok, word) = Probe.read(strategy_, READ_GAS, abi.encodeCall(IERC4626.previewDeposit, (assets)));
        uint256 valued;
        if (ok) (ok, valued) = _worth(strategy_, word);
        if (!ok || word == 0 || valued < least) {
            emit StrategySkipped(strategy_);
            return;
        }

        uint256 before = _held();
        _asset.forceApprove(strategy_, assets);
        (ok, word) = Probe.call(strategy_, CALL_GAS, abi.encodeCall(IERC4626.deposit, (assets, address(this))));
        uint256 sent = before - _held();
        if (sent != (ok ? assets : 0)) revert UnexpectedTransfer(assets, sent);
        if (!ok) {
            _asset.forceApprove(strategy_, 0);
            emit StrategySkipped(strategy_);
            return;
        }
        (, valued) = _worth(strategy_, word);
        if (valued < least) revert MoveLoss(strategy_, assets, valued);

        s.shares = (s.shares + word).toUint128();
        uint256 debt = s.debt + assets;
        s.debt = uint128(debt); // fits: debts are part of the ledger's assets
        _setTotalDebt(_debt.total + assets);
        emit Allocated(strategy_, int256(assets), debt);
    }

    /// Takes back all that a strategy has of the vault's, profit included; what it frees when it does not free all.
    function _recall(address strategy_, Strategy storage s) private {
        if (s.shares == 0) return;
        (bool ok, uint256 word) = Probe.read(strategy_, READ_GAS, abi.encodeCall(IERC4626.maxRedeem, (address(this))));
        if (!ok || word < s.shares) {
            if (s.debt > 0) _takeBack(strategy_, s, s.debt);
            return;
        }
        uint256 received = _redeem(strategy_, s);
        // One that did not let go still owes: only what is gone for good is a loss.
        if (s.shares > 0) received = Math.min(received, s.debt);
        _settle(strategy_, s, received, s.shares > 0 ? received : s.debt);
    }

    /// Redeems the vault's shares of a strategy, as far as it lets them go. Books nothing.
    function _redeem(address strategy_, Strategy storage s) private returns (uint256 received) {
        uint256 before = _held();
        (bool ok, uint256 shares) = Probe.read(strategy_, READ_GAS, abi.encodeCall(IERC4626.maxRedeem, (address(this))));
        shares = ok ? Math.min(shares, s.shares) : 0;
        if (shares > 0) {
            (ok,) = Probe.call(
                strategy_, CALL_GAS, abi.encodeCall(IERC4626.redeem, (shares, address(this), address(this)))
            );
            received = _held() - before;
            // One that paid has taken its shares, whatever it answered.
            if (ok || received > 0) s.shares -= uint128(shares);
            else emit StrategySkipped(strategy_);
        }
    }

    /// Takes `owed` off a strategy's debt for `received` assets: what is over it is profit, what is missing a loss.
    function _settle(address strategy_, Strategy storage s, uint256 received, uint256 owed)
        private
        returns (uint256 loss)
    {
        uint256 debt = s.debt - owed;
        s.debt = uint128(debt);
        _setTotalDebt(_debt.total - owed);
        emit Allocated(strategy_, -int256(received), debt);
        if (received > owed) {
            _bookProfit(received - owed);
            emit Reported(strategy_, received - owed, 0, debt);
        } else if (received < owed) {
            loss = owed - received;
            _bookLoss(loss);
            emit Reported(strategy_, 0, loss, debt);
        }
    }

    /// Losses before profits, so that no order of reports can charge a fee on a profit that a loss has eaten.
    function _report() private returns (uint256 profit, uint256 loss) {
        uint256 debt = _debt.total;
        uint256 elapsed = block.timestamp - _clock.profitBooked;
        uint256 most =
            elapsed < PROFIT_INTERVAL ? 0 : debt.mulDiv(uint256(_terms.growthCapBps) * elapsed, BPS * YEAR);
        uint256 count = _queue.length;
        uint256[] memory gains = new uint256[](count);
        for (uint256 i; i < count; ++i) {
            address strategy_ = _queue[i];
            Strategy storage s = _strategies[strategy_];
            (bool readable, uint256 value) = _worth(strategy_, s.shares);
            if (!readable) {
                emit StrategySkipped(strategy_);
            } else if (value < s.debt) {
                loss += s.debt - value;
                _bookStrategyLoss(strategy_, s, s.debt - value);
            } else {
                gains[i] = Math.min(value - s.debt, most);
                most -= gains[i];
                profit += gains[i];
            }
        }
        _clock.reported = uint40(block.timestamp);
        if (elapsed >= PROFIT_INTERVAL) _clock.profitBooked = uint40(block.timestamp);
        if (profit == 0) return (0, loss);
        for (uint256 i; i < count; ++i) {
            if (gains[i] == 0) continue;
            Strategy storage s = _strategies[_queue[i]];
            s.debt = (s.debt + gains[i]).toUint128();
            emit Reported(_queue[i], gains[i], 0, s.debt);
        }
        _setTotalDebt(_debt.total + profit);
        _bookProfit(profit);
    }

    function _bookStrategyLoss(address strategy_, Strategy storage s, uint256 loss) private {
        uint256 debt = s.debt - loss;
        s.debt = uint128(debt);
        _setTotalDebt(_debt.total - loss);
        _bookLoss(loss);
        emit Reported(strategy_, 0, loss, debt);
    }

    /* INTERNAL: PROFIT, LOSS, FEES */

    /// Takes `loss` off the assets; the locked profit bears it first.
    function _bookLoss(uint256 loss) private {
        if (loss == 0) return;
        uint256 locked = _locked();
        _setLedger(_ledger.shares, _ledger.assets - loss);
        _setLock(locked > loss ? locked - loss : 0, _lock.until);
        _fees.deficit = (_fees.deficit + loss).toUint128();
    }

    function _setLock(uint256 locked, uint256 until) private {
        _lock.locked = locked.toUint128();
        _lock.since = uint40(block.timestamp);
        _lock.until = uint40(until);
    }

    /// Adds `profit` to the assets, mints the fees out of it, and locks the rest.
    function _bookProfit(uint256 profit) private {
        (uint256 supply, uint256 net) = _rate();
        uint256 assets = _ledger.assets;
        uint256 locked = assets - net;

        assets += profit;
        uint256 feeShares = _takeFees(supply, assets, profit);
        _setLedger(supply + feeShares, assets);

        // What the new shares are worth now is unlocked at once, so that they do not lower the price. The older profit
        // keeps its pace: the new end is the average of both ends, by amount.
        uint256 fresh = profit - _toAssetsUp(feeShares, supply, net);
        // After a total loss nobody could have come for it: what returns belongs to the holders at once.
        if (_priceless(supply, net)) fresh = 0;
        uint256 until = _lock.until;
        uint256 left = until > block.timestamp ? until - block.timestamp : 0;
        if (locked + fresh > 0) {
            until = block.timestamp + (locked * left + fresh * _terms.unlockPeriod) / (locked + fresh);
        }
        _setLock(locked + fresh, until);
    }

    /// Performance fee on what the deficit leaves of the profit, then the management fee owed, at most half of the rest.
    /// Rounded down. `assets` hold the profit already; the shares minted will be worth the fee once all is unlocked.
    function _takeFees(uint256 supply, uint256 assets, uint256 profit) private returns (uint256 feeShares) {
        if (supply == 0) return 0; // a profit that belongs to nobody
        uint256 missing = _fees.deficit;
        uint256 recovered = Math.min(missing, profit);
        if (recovered > 0) _fees.deficit = uint128(missing - recovered);
        uint256 fee = (profit - recovered) * _terms.performanceFeeBps / BPS;
        uint256 owed = _fees.managementOwed;
        uint256 paid = Math.min(owed, (profit - fee) / 2);
        fee += paid;
        if (fee == 0) return 0;
        feeShares = _toSharesDown(fee, supply, assets - fee);
        if (supply + feeShares > type(uint128).max) return 0; // after a nearly total loss: a report must not fail over a fee
        _fees.managementOwed = uint128(owed - paid);
        _update(address(0), _terms.feeRecipient, feeShares);
        emit FeesTaken(fee, feeShares);
    }

    /// Charged on the debt as it stood since the last accrual. Rounded down.
    function _managementOwed() private view returns (uint256) {
        uint256 elapsed = block.timestamp - _clock.managementAccrued;
        uint256 fresh = uint256(_debt.total).mulDiv(_terms.managementFeeBps * elapsed, BPS * YEAR);
        return Math.min(_fees.managementOwed + fresh, type(uint128).max);
    }

    function _accrueManagement() private {
        _fees.managementOwed = uint128(_managementOwed());
        _clock.managementAccrued = uint40(block.timestamp);
    }

    /// The management fee of the time before is charged on the debt of that time.
    function _setTotalDebt(uint256 total) private {
        if (_terms.managementFeeBps > 0) _accrueManagement();
        _debt.total = total.toUint128();
    }

    function _restartFees() private {
        _fees = FeeState(0, 0);
        _clock.managementAccrued = uint40(block.timestamp);
    }

    /* INTERNAL: WEIGHTS */

    function _listed(address strategy_) private view returns (Strategy storage s) {
        s = _strategies[strategy_];
        if (!s.listed) revert NotListed(strategy_);
    }

    /// Band and target of a strategy's debt in assets. The cap bounds all three.
    function _band(Strategy storage s, uint256 total)
        private
        view
        returns (uint256 lower, uint256 target, uint256 upper)
    {
        uint256 cap = s.cap;
        uint256 band = total * s.bandBps / BPS;
        target = Math.min(total * s.targetBps / BPS, cap);
        lower = target > band ? target - band : 0;
        // Of what is on its way out dust may stay.
        upper = cap == 0 ? total * EXIT_BAND_BPS / BPS : Math.min(target + band, cap);
    }

    function _outOfBand() private view returns (bool) {
        uint256 total = _ledger.assets;
        uint256 count = _queue.length;
        for (uint256 i; i < count; ++i) {
            Strategy storage s = _strategies[_queue[i]];
            (uint256 lower,, uint256 upper) = _band(s, total);
            if (s.debt < lower || s.debt > upper) return true;
        }
        return false;
    }

    /// Sum over the strategies of what separates them from their targets, in assets.
    function _distance(uint256 total) private view returns (uint256 sum) {
        uint256 count = _queue.length;
        for (uint256 i; i < count; ++i) {
            Strategy storage s = _strategies[_queue[i]];
            (, uint256 target,) = _band(s, total);
            sum += s.debt > target ? s.debt - target : target - s.debt;
        }
    }

    function _setWeight(address strategy_, Strategy storage s, uint256 targetBps, uint256 bandBps) private {
        if (bandBps == 0) revert UnderLimit(0, 1);
        if (bandBps > BPS) revert OverLimit(bandBps, BPS);
        if (targetBps > BPS) revert OverLimit(targetBps, BPS);
        s.targetBps = uint16(targetBps);
        s.bandBps = uint16(bandBps);
        uint256 sum;
        uint256 count = _queue.length;
        for (uint256 i; i < count; ++i) {
            sum += _strategies[_queue[i]].targetBps;
        }
        if (sum > BPS) revert OverLimit(sum, BPS);
        emit WeightSet(strategy_, targetBps, bandBps);
    }

    function _retire(address strategy_, Strategy storage s) private {
        s.cap = 0;
        s.targetBps = 0;
        s.bandBps = EXIT_BAND_BPS;
        emit CapSet(strategy_, 0);
        emit WeightSet(strategy_, 0, EXIT_BAND_BPS);
    }

    /* INTERNAL: TERMS */

    function _checkCurator() private view {
        if (msg.sender != curator && msg.sender != owner) revert Unauthorized(msg.sender);
    }

    function _setCurator(address account) private {
        if (account == address(0)) revert ZeroAddress();
        curator = account;
        emit RoleSet("curator", account);
    }

    function _setFees(uint256 performanceBps, uint256 managementBps, address recipient) private {
        if (performanceBps > MAX_PERFORMANCE_FEE_BPS) revert OverLimit(performanceBps, MAX_PERFORMANCE_FEE_BPS);
        if (managementBps > MAX_MANAGEMENT_FEE_BPS) revert OverLimit(managementBps, MAX_MANAGEMENT_FEE_BPS);
        if (recipient == address(0)) revert ZeroAddress();
        _terms.performanceFeeBps = uint16(performanceBps);
        _terms.managementFeeBps = uint16(managementBps);
        _terms.feeRecipient = recipient;
        emit FeesSet(performanceBps, managementBps, recipient);
    }

    function _setPace(uint256 unlockPeriod_, uint256 reportPeriod_, uint256 growthBps) private {
        if (unlockPeriod_ < MIN_UNLOCK_PERIOD) revert UnderLimit(unlockPeriod_, MIN_UNLOCK_PERIOD);
        if (reportPeriod_ == 0) revert UnderLimit(0, 1);
        if (growthBps > type(uint16).max) revert OverLimit(growthBps, type(uint16).max);
        _terms.unlockPeriod = unlockPeriod_.toUint24();
        _terms.reportPeriod = reportPeriod_.toUint24();
        _terms.growthCapBps = uint16(growthBps);
        emit PaceSet(unlockPeriod_, reportPeriod_, growthBps);
    }

    /* INTERNAL: READINGS */

    function _wad(uint256 part, uint256 total) private pure returns (int256) {
        return total == 0 ? int256(0) : int256(part * 1e18 / total);
    }

    /// "weight.N"
    function _label(uint256 index) private pure returns (bytes32) {
        return bytes32(uint256(bytes32("weight.0")) + (index << 192));
    }
}

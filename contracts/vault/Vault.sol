// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/interfaces/IERC20Metadata.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {IGate} from "../../interfaces/IGate.sol";
import {IVault} from "../../interfaces/IVault.sol";
import {LossBudget} from "../risk/LossBudget.sol";
import {Probe} from "../risk/Probe.sol";
import {Roles} from "../risk/Roles.sol";
import {Redemptions} from "./Redemptions.sol";
import {VaultBooks} from "./VaultBooks.sol";
import {VaultRules} from "./VaultRules.sol";
import {VaultState} from "./VaultState.sol";

/// @title Vault
/// @notice Shares over one asset that several ERC-4626 strategies put to work.
///
/// ASSUMPTIONS
/// - Asset: a plain ERC-20 of at most 18 decimals; it may return nothing, pause, or block accounts. A token that takes a
///   fee on transfer is refused at the first deposit. Amounts stay under 2^128.
/// - Strategies: ERC-4626 over the same asset, added by the owner. One that reverts, burns gas, has no code or lies about
///   what it can free is passed over; one that returns too little is booked as a loss.
/// - A smooth strategy's value accrues, and cannot be moved within a block by a third party. Entry, and exit out of idle
///   assets, price it at the last report: a loss of a smooth strategy that nobody has reported yet is not in that price.
/// - A volatile strategy is valued at every entry and exit: entry at the higher of stored and present value, exit at the
///   lower. Its own value must not be movable by who enters or leaves.
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
/// - Reports, rebalances and exits in kind are refused in a transaction that has deposited: what they do follows from the
///   vault's size, which must not be borrowed for the occasion.
///
/// ROUNDING is for the vault: shares given are rounded down, shares taken up, assets paid down, locked profit up.
///
/// ROLES: the owner (a timelock) loosens, the guardian only tightens, the curator moves weights within the caps; anyone
/// may report and rebalance. The prose of each function is in IVault.
///
/// CODE: what holders do is here. What is done with strategies is in VaultBooks, what roles set in VaultRules: code at two
/// addresses fixed at construction, run on this contract's storage.
contract Vault is IVault, VaultState, Roles, ERC20Permit {
    using FixedPointMathLib for uint256;
    using LossBudget for LossBudget.Bucket;
    using SafeERC20 for IERC20;

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
        uint16 lossBudgetBps;
        uint32 lossWindow;
    }

    /// @notice The code that keeps the books.
    address public immutable books;
    /// @notice The code that sets the rules.
    address public immutable rules;
    /// @inheritdoc IVault
    address public immutable redemptions;
    IERC20 private immutable _asset;
    uint8 private immutable _decimals;

    /// The body of the function stands in other code of the vault's.
    modifier runs(address code) {
        _run(code);
        _;
    }

    constructor(Config memory config, address books_, address rules_)
        ERC20(config.name, config.symbol)
        ERC20Permit(config.name)
        Roles(config.owner, config.guardian)
    {
        if (address(config.asset) == address(0)) revert ZeroAddress();
        uint8 decimals_ = IERC20Metadata(address(config.asset)).decimals();
        if (decimals_ > 18) revert OverLimit(decimals_, 18);
        _asset = _token = config.asset;
        _decimals = decimals_ + OFFSET;
        books = books_;
        rules = rules_;
        redemptions = address(new Redemptions(config.asset));
        Address.functionDelegateCall(
            rules_,
            abi.encodeCall(
                VaultRules.setUp,
                (
                    config.performanceFeeBps,
                    config.managementFeeBps,
                    config.feeRecipient,
                    config.unlockPeriod,
                    config.reportPeriod,
                    config.growthCapBps,
                    config.lossBudgetBps,
                    config.lossWindow,
                    config.curator
                )
            )
        );
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

    function _update(address from, address to, uint256 value) internal override {
        _move(from, to, value);
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

    /// @notice Rounded down; unbooked gains and losses are not looked at (previews do).
    function convertToShares(uint256 assets) external view nonReentrantView returns (uint256) {
        (uint256 supply, uint256 net) = _rate();
        return _toSharesDown(assets, supply, net);
    }

    /// @notice Rounded down; unbooked gains and losses are not looked at (previews do).
    function convertToAssets(uint256 shares) external view nonReentrantView returns (uint256) {
        (uint256 supply, uint256 net) = _rate();
        return _toAssetsDown(shares, supply, net);
    }

    /// @notice Most assets that can be deposited now; 0 while deposits are paused, or the gate keeps `receiver` out.
    function maxDeposit(address receiver) external view nonReentrantView returns (uint256) {
        if (!_isOpen(receiver)) return 0;
        (uint256 supply, uint256 net) = _rate();
        return FixedPointMathLib.min(_room(), _toAssetsDown(type(uint128).max - supply, supply, net));
    }

    /// @notice Most shares that can be minted now; 0 while deposits are paused, or the gate keeps `receiver` out.
    function maxMint(address receiver) external view nonReentrantView returns (uint256) {
        if (!_isOpen(receiver)) return 0;
        (uint256 supply, uint256 net) = _entryRate();
        return FixedPointMathLib.min(type(uint128).max - supply, _toSharesDown(_room(), supply, net));
    }

    /// @notice Assets that `holder` can withdraw now, after losses it would have to book: idle and what strategies free,
    /// less what waiting redemption requests will get.
    function maxWithdraw(address holder) external view nonReentrantView returns (uint256) {
        (uint256 supply, uint256 net) = _previewExit(_balances[holder], true);
        return FixedPointMathLib.min(_toAssetsDown(_balances[holder], supply, net), _liquidityFor(holder));
    }

    /// @notice Shares that `holder` can redeem now.
    function maxRedeem(address holder) external view nonReentrantView returns (uint256) {
        uint256 shares = _balances[holder];
        uint256 free = _liquidityFor(holder);
        (uint256 supply, uint256 net) = _rate();
        // Not by way of shares when all can leave: that rounds a share away.
        if (_toAssetsDown(shares, supply, net) <= free) return shares;
        return FixedPointMathLib.min(shares, _toSharesDown(free, supply, net));
    }

    /// @notice Exact; rounded down. Reverts when a volatile strategy cannot be valued.
    function previewDeposit(uint256 assets) external view nonReentrantView returns (uint256) {
        (uint256 supply, uint256 net) = _entryRate();
        return _toSharesDown(assets, supply, net);
    }

    /// @notice Exact; rounded up. Reverts when a volatile strategy cannot be valued.
    function previewMint(uint256 shares) external view nonReentrantView returns (uint256) {
        (uint256 supply, uint256 net) = _entryRate();
        return _toAssetsUp(shares, supply, net);
    }

    /// @notice Shares that withdrawing `assets` costs, after the losses it would book. Exact; rounded up.
    function previewWithdraw(uint256 assets) external view nonReentrantView returns (uint256) {
        (uint256 supply, uint256 net) = _previewExit(assets, false);
        return _toSharesUp(assets, supply, net);
    }

    /// @notice Assets that redeeming `shares` pays, after the losses it would book. Exact; rounded down.
    function previewRedeem(uint256 shares) external view nonReentrantView returns (uint256) {
        (uint256 supply, uint256 net) = _previewExit(shares, true);
        return _toAssetsDown(shares, supply, net);
    }

    /* VIEWS: STATE */

    /// @inheritdoc IVault
    function idle() external view nonReentrantView returns (uint256) {
        return _idle();
    }

    /// @inheritdoc IVault
    function totalDebt() external view nonReentrantView returns (uint256) {
        return _debt.total;
    }

    /// @inheritdoc IVault
    function lockedProfit() external view nonReentrantView returns (uint256) {
        return _locked();
    }

    /// @inheritdoc IVault
    function unlockedAt() external view returns (uint40) {
        return _lock.until;
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
    function risks() external view returns (Risk[] memory) {
        return _risks;
    }

    /// @inheritdoc IVault
    function depositLimit() external view returns (uint256) {
        return _debt.depositLimit;
    }

    /// @inheritdoc IVault
    function gate() external view returns (address) {
        return _gate;
    }

    /// @inheritdoc IVault
    function paused() external view returns (bool) {
        return _lock.paused;
    }

    /// @inheritdoc IVault
    function isShutdown() external view returns (bool) {
        return _lock.flags & SHUTDOWN != 0;
    }

    /// @inheritdoc IVault
    function locked() external view returns (bool) {
        return _reentrancyGuardEntered();
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
        return _lock.growthCapBps;
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

    /// @inheritdoc IVault
    function lossBudget() external view returns (uint256 budgetBps, uint256 window, uint256 availableWad) {
        return (_lossBudget.budgetBps, _lossBudget.window, _lossBudget.available());
    }

    /// @notice `report` (seconds since the last one), for each strategy in queue order `weight.N`, and for each risk `risk.N`
    /// (shares of the vault's assets, Wad).
    function readings() external view nonReentrantView returns (Reading[] memory list) {
        uint256 total = _ledger.assets;
        uint256[] memory targets = _targets(total);
        uint256[] memory caps = _riskCaps(total);
        uint256[] memory debts = _riskDebts();
        list = new Reading[](1 + targets.length + caps.length);
        uint256 age = _debt.total == 0 ? 0 : block.timestamp - _clock.reported;
        list[0] = Reading("report", int256(age), 0, 0, int256(uint256(_terms.reportPeriod)));
        for (uint256 i; i < targets.length; ++i) {
            Strategy storage s = _strategies[_queue[i]];
            (uint256 lower, uint256 upper) = _band(s, total, targets[i]);
            list[1 + i] = _reading("weight.0", i, total, s.debt, lower, targets[i], upper);
        }
        for (uint256 r; r < caps.length; ++r) {
            uint256 upper = caps[r] + total * EXIT_BAND_BPS / BPS;
            list[1 + targets.length + r] = _reading("risk.00", r, total, debts[r], 0, caps[r], upper);
        }
    }

    /* HOLDERS */

    /// @notice Takes `assets` from the caller and gives `receiver` shares, rounded down. Anyone may call it.
    function deposit(uint256 assets, address receiver) external returns (uint256 shares) {
        return deposit(assets, receiver, 0);
    }

    /// @inheritdoc IVault
    function deposit(uint256 assets, address receiver, uint256 minShares)
        public
        nonReentrant
        returns (uint256 shares)
    {
        (uint256 supply, uint256 net) = _entryRate();
        shares = _toSharesDown(assets, supply, net);
        if (shares < minShares) revert Slippage(shares, minShares);
        _enter(assets, shares, receiver, supply, net);
    }

    /// @notice Gives `receiver` exactly `shares` and takes the assets, rounded up, from the caller. Anyone may call it.
    function mint(uint256 shares, address receiver) external returns (uint256 assets) {
        return mint(shares, receiver, type(uint256).max);
    }

    /// @inheritdoc IVault
    function mint(uint256 shares, address receiver, uint256 maxAssets) public nonReentrant returns (uint256 assets) {
        (uint256 supply, uint256 net) = _entryRate();
        assets = _toAssetsUp(shares, supply, net);
        if (assets > maxAssets) revert Slippage(assets, maxAssets);
        _enter(assets, shares, receiver, supply, net);
    }

    /// @notice Pays exactly `assets` to `receiver` for shares of `holder`, rounded up. The holder or one it allowed.
    function withdraw(uint256 assets, address receiver, address holder) external returns (uint256 shares) {
        return withdraw(assets, receiver, holder, BPS, type(uint256).max);
    }

    /// @inheritdoc IVault
    function withdraw(uint256 assets, address receiver, address holder, uint256 maxLossBps)
        external
        returns (uint256 shares)
    {
        return withdraw(assets, receiver, holder, maxLossBps, type(uint256).max);
    }

    /// @inheritdoc IVault
    function withdraw(uint256 assets, address receiver, address holder, uint256 maxLossBps, uint256 maxShares)
        public
        nonReentrant
        returns (uint256 shares)
    {
        (uint256 supply, uint256 net) = _rate();
        uint256 before = _toSharesUp(assets, supply, net);
        shares = before;
        uint256 cost;
        uint256 kept;
        if (_mustDraw(assets)) {
            uint256 absent;
            (cost, absent) = _draw(assets, false);
            (supply, net) = _rateWithout(absent);
            shares = _toSharesUp(assets + cost, supply, net);
            kept = _kept(shares, assets + cost, absent);
        }
        _checkLoss(before, shares, maxLossBps);
        if (shares > maxShares) revert Slippage(shares, maxShares);
        _leave(assets, cost, kept, shares, receiver, holder);
    }

    /// @notice Takes exactly `shares` of `holder` and pays `receiver`, rounded down. The holder or one it allowed.
    function redeem(uint256 shares, address receiver, address holder) external returns (uint256 assets) {
        return redeem(shares, receiver, holder, BPS, 0);
    }

    /// @inheritdoc IVault
    function redeem(uint256 shares, address receiver, address holder, uint256 maxLossBps)
        external
        returns (uint256 assets)
    {
        return redeem(shares, receiver, holder, maxLossBps, 0);
    }

    /// @inheritdoc IVault
    function redeem(uint256 shares, address receiver, address holder, uint256 maxLossBps, uint256 minAssets)
        public
        nonReentrant
        returns (uint256 assets)
    {
        (uint256 supply, uint256 net) = _rate();
        uint256 before = _toAssetsDown(shares, supply, net);
        assets = before;
        uint256 cost;
        uint256 kept;
        if (_mustDraw(assets)) {
            uint256 absent;
            (cost, absent) = _draw(shares, true);
            (supply, net) = _rateWithout(absent);
            assets = _toAssetsDown(shares, supply, net);
            kept = _kept(shares, assets, absent);
            assets -= FixedPointMathLib.min(assets, cost);
        }
        _checkLoss(assets, before, maxLossBps);
        if (assets < minAssets) revert Slippage(assets, minAssets);
        _leave(assets, cost, kept, shares, receiver, holder);
    }

    /// @inheritdoc IVault
    function redeemInKind(uint256 shares, address receiver, address holder, uint256 maxLossBps)
        external
        nonReentrant
        returns (uint256 assets, uint256[] memory strategyShares)
    {
        if (receiver == address(0)) revert ERC20InvalidReceiver(receiver);
        if (msg.sender != holder) _spendAllowance(holder, msg.sender, shares);
        (uint256 supply, uint256 net) = _rate();
        uint256 before = _toAssetsDown(shares, supply, net);
        uint256 due;
        uint256 worth;
        (due, assets, worth, strategyShares) = abi.decode(
            Address.functionDelegateCall(books, abi.encodeCall(VaultBooks.takeInKind, (shares, receiver, holder))),
            (uint256, uint256, uint256, uint256[])
        );
        _checkLoss(worth, before, maxLossBps);
        _keepPace(due - worth);
        _asset.safeTransfer(receiver, assets);
        emit Withdraw(msg.sender, receiver, holder, worth, shares);
    }

    /* ANYONE */

    /// @inheritdoc IVault
    function report() external runs(books) returns (uint256 profit, uint256 loss) {}

    /// @notice Reports when a report is due or a strategy is out of its band, and then, if one still is, moves all
    /// strategies to their targets: assets come back first, then go out. Anyone may call it.
    /// @dev Reverts with `InBand` when there is nothing to do, with `NotCloser` (assets) when no strategy could be moved
    /// nearer to its target, with `LossBudgetExceeded` when the moves would lose too much.
    function rebalance() external runs(books) {}

    /* GUARDIAN OR OWNER: TIGHTENING, AT ONCE */

    /// @inheritdoc IVault
    function pauseDeposits() external runs(rules) {}

    /// @inheritdoc IVault
    function revoke(address strategy_) external runs(books) {}

    /// @inheritdoc IVault
    function shutdown() external runs(books) {}

    /* TIGHTENING BY GUARDIAN OR OWNER, LOOSENING BY OWNER ALONE */

    /// @inheritdoc IVault
    function setCap(address strategy_, uint256 cap, uint256 capBps) external runs(rules) {}

    /// @inheritdoc IVault
    function setRiskCap(bytes32 risk, uint256 cap, uint256 capBps) external runs(rules) {}

    /// @inheritdoc IVault
    function setDepositLimit(uint256 assets) external runs(rules) {}

    /// @inheritdoc IVault
    function setLossBudget(uint256 budgetBps, uint256 window) external runs(rules) {}

    /// @inheritdoc IVault
    function setWeight(address strategy_, uint256 targetBps, uint256 bandBps) external runs(rules) {}

    /* CURATOR OR OWNER */

    /// @inheritdoc IVault
    function setQueue(address[] calldata queue_) external runs(rules) {}

    /* OWNER */

    /// @notice Owner only.
    function setCurator(address account) external runs(rules) {}

    /// @inheritdoc IVault
    function addStrategy(
        address strategy_,
        uint256 cap,
        uint256 capBps,
        uint256 targetBps,
        uint256 bandBps,
        bool isVolatile
    ) external runs(rules) {}

    /// @inheritdoc IVault
    function setRisks(address strategy_, bytes32[] calldata risks_) external runs(rules) {}

    /// @inheritdoc IVault
    function removeStrategy(address strategy_, uint256 maxLoss) external runs(books) {}

    /// @inheritdoc IVault
    function unpauseDeposits() external runs(rules) {}

    /// @inheritdoc IVault
    function setFees(uint256 performanceFeeBps_, uint256 managementFeeBps_, address recipient) external runs(rules) {}

    /// @inheritdoc IVault
    function setPace(uint256 unlockPeriod_, uint256 reportPeriod_, uint256 growthCapBps_) external runs(rules) {}

    /// @inheritdoc IVault
    function setGate(address gate_) external runs(rules) {}

    /* ITS REDEMPTIONS CONTRACT */

    /// @inheritdoc IVault
    function setWaiting(bool waiting) external {
        if (msg.sender != redemptions) revert Unauthorized(msg.sender);
        _lock.flags = waiting ? _lock.flags | WAITING : _lock.flags & ~WAITING;
    }

    /* INTERNAL: CODE */

    /// Runs `code` on this storage with the present call's data, and returns or reverts with its answer.
    function _run(address code) private {
        assembly {
            calldatacopy(0, 0, calldatasize())
            let ok := delegatecall(gas(), code, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            if ok { return(0, returndatasize()) }
            if iszero(ok) { revert(0, returndatasize()) }
        }
    }

    /* INTERNAL: ENTRY */

    /// The rate at which shares are given: volatile strategies count at the higher of stored and present value.
    function _entryRate() private view returns (uint256 supply, uint256 net) {
        (supply, net) = _rate();
        if (_lock.volatiles == 0) return (supply, net);
        uint256 count = _queue.length;
        for (uint256 i; i < count; ++i) {
            Strategy storage s = _strategies[_queue[i]];
            if (!s.isVolatile || s.shares == 0) continue;
            (bool readable, uint256 value) = _worth(_queue[i], s.shares);
            if (!readable) revert Unreadable(_queue[i]);
            net += value.zeroFloorSub(s.debt);
        }
    }

    /// Whether a deposit for `receiver` could be priced, and would be let in.
    function _isOpen(address receiver) private view returns (bool) {
        if (_lock.flags & GATED != 0 && !_admits(receiver, receiver)) return false;
        if (_lock.volatiles == 0) return true;
        uint256 count = _queue.length;
        for (uint256 i; i < count; ++i) {
            Strategy storage s = _strategies[_queue[i]];
            if (!s.isVolatile) continue;
            (bool readable,) = _worth(_queue[i], s.shares);
            if (!readable) return false;
        }
        return true;
    }

    function _admits(address sender, address receiver) private view returns (bool) {
        (bool ok, uint256 word) = Probe.read(_gate, READ_GAS, abi.encodeCall(IGate.mayEnter, (sender, receiver)));
        return ok && word == 1;
    }

    /// Assets that the limits leave room for.
    function _room() private view returns (uint256) {
        if (_lock.paused) return 0;
        (uint256 supply, uint256 net) = _rate();
        if (_priceless(supply, net)) return 0;
        return uint256(_debt.depositLimit).zeroFloorSub(_ledger.assets);
    }

    function _enter(uint256 assets, uint256 shares, address receiver, uint256 supply, uint256 net) private {
        if (receiver == address(0)) revert ERC20InvalidReceiver(receiver);
        uint8 flags = _lock.flags;
        if ((flags & LIMITED != 0 || _lock.paused || _priceless(supply, net)) && assets > _room()) {
            revert DepositExceedsMax(assets, _room());
        }
        if (flags & GATED != 0 && !_admits(msg.sender, receiver)) revert NotAdmitted(receiver);
        if (shares == 0 && assets > 0) revert ZeroShares(assets);
        _entered = true;

        uint256 before = _asset.balanceOf(address(this));
        _asset.safeTransferFrom(msg.sender, address(this), assets);
        uint256 received = _asset.balanceOf(address(this)) - before;
        if (received != assets) revert UnexpectedTransfer(assets, received);

        _setLedger(supply + shares, _ledger.assets + assets);
        _move(address(0), receiver, shares);
        if (supply == 0) _openAnew(net + assets);
        emit Deposit(msg.sender, receiver, assets, shares);
    }

    /// The first holders owe nothing for what was before them; what it left behind unlocks at the pace their assets allow.
    function _openAnew(uint256 net) private {
        _fees = Fees(0, 0);
        _clock.managementAccrued = uint40(block.timestamp);
        uint256 amount = _locked();
        if (amount > 0) _setLock(amount, block.timestamp + _terms.unlockPeriod, net);
    }

    /* INTERNAL: EXIT */

    /// Whether an exit of `assets` must look at strategies.
    function _mustDraw(uint256 assets) private view returns (bool) {
        return _lock.volatiles > 0 || assets > _idle();
    }

    function _draw(uint256 amount, bool inShares) private returns (uint256 cost, uint256 absent) {
        return abi.decode(
            Address.functionDelegateCall(books, abi.encodeCall(VaultBooks.draw, (amount, inShares))),
            (uint256, uint256)
        );
    }

    /// What who leaves with `assets` leaves behind in strategies that cannot be read. Rounded down.
    function _kept(uint256 shares, uint256 assets, uint256 absent) private view returns (uint256) {
        if (absent == 0) return 0;
        (uint256 supply, uint256 net) = _rate();
        return _toAssetsDown(shares, supply, net).zeroFloorSub(assets);
    }

    /// The rate an exit of `amount` (of shares or of assets) would get: what `VaultBooks.draw` does, without doing it.
    function _previewExit(uint256 amount, bool inShares) private view returns (uint256 supply, uint256 net) {
        (supply, net) = _rate();
        uint256 gone;
        uint256 count = _queue.length;
        if (_lock.volatiles > 0) {
            for (uint256 i; i < count; ++i) {
                Strategy storage s = _strategies[_queue[i]];
                if (!s.isVolatile) continue;
                (bool readable, uint256 value) = _worth(_queue[i], s.shares);
                gone += uint256(s.debt).zeroFloorSub(readable ? value : 0);
            }
        }
        if (inShares) {
            (, uint256 marked) = _rateWithout(gone);
            amount = _toAssetsDown(amount, supply, marked);
        }
        uint256 need = amount.zeroFloorSub(_idle());
        for (uint256 i; i < count && need > 0; ++i) {
            (bool readable, uint256 debt, uint256 value, uint256 free) = _quote(_queue[i]);
            if (!readable) continue;
            if (!_strategies[_queue[i]].isVolatile) gone += debt.zeroFloorSub(value);
            need = need.zeroFloorSub(free);
        }
        return _rateWithout(gone);
    }

    /// What `holder` could be paid at most: idle, and what the strategies free, less what is kept for those who wait.
    function _liquidityFor(address holder) private view returns (uint256 assets) {
        assets = _idle();
        uint256 count = _queue.length;
        for (uint256 i; i < count; ++i) {
            (,,, uint256 free) = _quote(_queue[i]);
            assets += free;
        }
        if (_lock.flags & WAITING != 0 && holder != redemptions) {
            (uint256 supply, uint256 net) = _rate();
            assets = assets.zeroFloorSub(_toAssetsUp(_balances[redemptions], supply, net));
        }
    }

    /// Pays and burns. `cost` is what freeing the assets lost, `kept` what the holder leaves to the others.
    function _leave(uint256 assets, uint256 cost, uint256 kept, uint256 shares, address receiver, address holder)
        private
    {
        if (receiver == address(0)) revert ERC20InvalidReceiver(receiver);
        if (_lock.flags & WAITING != 0) {
            uint256 free = _liquidityFor(holder).zeroFloorSub(cost);
            if (assets > free) revert InsufficientLiquidity(assets, free);
        }
        uint256 available = _idle().zeroFloorSub(cost);
        if (assets > available) revert InsufficientLiquidity(assets, available);
        if (msg.sender != holder) _spendAllowance(holder, msg.sender, shares);
        _move(holder, address(0), shares);
        _setLedger(_ledger.shares - shares, _ledger.assets - assets - cost);
        _keepPace(kept);
        _asset.safeTransfer(receiver, assets);
        emit Withdraw(msg.sender, receiver, holder, assets, shares);
    }

    /// After an exit: what it left behind unlocks like a profit, and no profit faster than the cap allows on what is left.
    function _keepPace(uint256 kept) private {
        uint256 amount = _locked();
        uint256 net = _ledger.assets - amount;
        if (kept > 0) {
            kept = FixedPointMathLib.min(kept, net);
            _setLock(amount + kept, block.timestamp + _terms.unlockPeriod, net - kept);
        } else if (_unlocksTooFast(net)) {
            _setLock(amount, _lock.until, net);
        }
    }

    function _checkLoss(uint256 lesser, uint256 greater, uint256 maxLossBps) private pure {
        if (lesser < greater && maxLossBps < BPS) {
            // Rounded up, against a loss slipping through.
            uint256 lossBps = (greater - lesser).fullMulDivUp(BPS, greater);
            if (lossBps > maxLossBps) revert LossTooHigh(lossBps, maxLossBps);
        }
    }

    /* INTERNAL: READINGS */

    /// Amounts as shares of `total`, Wad; the label with its last digits counted up.
    function _reading(
        bytes32 label,
        uint256 index,
        uint256 total,
        uint256 value,
        uint256 lower,
        uint256 target,
        uint256 upper
    ) private pure returns (Reading memory) {
        if (index > 9) index += 246; // "09" to "10": the tens are the byte before
        uint256 digit = label == "risk.00" ? 200 : 192;
        return Reading(
            bytes32(uint256(label) + (index << digit)),
            _wad(value, total),
            _wad(lower, total),
            _wad(target, total),
            _wad(upper, total)
        );
    }

    function _wad(uint256 part, uint256 total) private pure returns (int256) {
        return total == 0 ? int256(0) : int256(part * WAD / total);
    }
}

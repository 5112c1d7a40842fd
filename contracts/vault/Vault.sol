// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/interfaces/IERC20Metadata.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";
import {IVault} from "../../interfaces/IVault.sol";
import {LossBudget} from "../risk/LossBudget.sol";
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
///   vault's size, which must not be borrowed for the occasion. Deposits are refused in a transaction that has booked the
///   loss of a volatile strategy: its value must not be pushed for the occasion.
///
/// ROUNDING is for the vault: shares given are rounded down, shares taken up, assets paid down, locked profit up.
///
/// ROLES: the owner (a timelock) loosens, the guardian only tightens, the curator moves weights within the caps; anyone
/// may report and rebalance. The prose of each function is in IVault.
///
/// CODE: what holders do is here. What is done with strategies is in VaultBooks, what roles set in VaultRules, views that
/// look at strategies in VaultViews: code at three addresses fixed at construction, run on this contract's storage.
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

    /// A greatest loss that means: what the preview shows, and no more.
    uint256 private constant AS_PREVIEWED = type(uint256).max;

    /// @notice The code that keeps the books.
    address public immutable books;
    /// @notice The code that sets the rules.
    address public immutable rules;
    /// @notice The code that takes a look at the strategies.
    address public immutable views;
    /// @inheritdoc IVault
    address public immutable redemptions;
    IERC20 private immutable _asset;
    uint8 private immutable _decimals;

    /// The body of the function stands in other code of the vault's.
    modifier runs(address code) {
        _run(code);
        _;
    }

    /// As `runs`, for a function that only looks.
    modifier shows(address code) {
        _show(code);
        _;
    }

    constructor(Config memory config, address books_, address rules_, address views_)
        ERC20(config.name, config.symbol)
        ERC20Permit(config.name)
        Roles(config.owner, config.guardian)
    {
        if (address(config.asset) == address(0) || books_.code.length == 0 || views_.code.length == 0) revert ZeroAddress();
        uint8 decimals_ = IERC20Metadata(address(config.asset)).decimals();
        if (decimals_ > 18) revert OverLimit(decimals_, 18);
        _asset = config.asset;
        _decimals = decimals_ + OFFSET;
        books = books_;
        rules = rules_;
        views = views_;
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

    /// Transfers alone come here: minting and burning change the ledger, in one write with the assets.
    function _update(address from, address to, uint256 value) internal override {
        _debit(from, value);
        _credit(to, value);
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

    /// @notice Most assets that can be deposited now; 0 while deposits are paused, the gate keeps `receiver` out or a volatile
    /// strategy cannot be valued.
    function maxDeposit(address receiver) external view shows(views) returns (uint256) {}

    /// @notice Most shares that can be minted now, 0 as above.
    function maxMint(address receiver) external view shows(views) returns (uint256) {}

    /// @notice Assets that `holder` can withdraw now, after losses it would have to book: idle and what strategies free,
    /// less what waiting redemption requests will get.
    function maxWithdraw(address holder) external view shows(views) returns (uint256) {}

    /// @notice Shares that `holder` can redeem now.
    function maxRedeem(address holder) external view shows(views) returns (uint256) {}

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

    /// @notice Shares that withdrawing `assets` costs, after the losses it would book. Exact, rounded up, or more by what
    /// one unit is worth where strategies round; a withdrawal that would come out worse, because a strategy does not pay what its shares are worth, reverts.
    function previewWithdraw(uint256 assets) external view shows(views) returns (uint256) {}

    /// @notice Assets that redeeming `shares` pays, after the losses it would book. Exact, rounded down, or less by a unit,
    /// as above.
    function previewRedeem(uint256 shares) external view shows(views) returns (uint256) {}

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
    function queue() external view returns (address[] memory list) {
        list = new address[](_debt.strategies);
        for (uint256 i; i < list.length; ++i) {
            list[i] = _queue[i];
        }
    }

    /// @inheritdoc IVault
    function strategy(address strategy_) external view returns (Strategy memory) {
        return _strategies[strategy_];
    }

    /// @inheritdoc IVault
    function risks() external view returns (Risk[] memory list) {
        list = new Risk[](_debt.risks);
        for (uint256 r; r < list.length; ++r) {
            list[r] = _risks[r];
        }
    }

    /// @inheritdoc IVault
    function depositLimit() external view returns (uint256) {
        return _depositLimit;
    }

    /// @inheritdoc IVault
    function gate() external view returns (address) {
        return _gate;
    }

    /// @inheritdoc IVault
    function limits() external view returns (address) {
        return _limits;
    }

    /// @inheritdoc IVault
    function paused() external view returns (bool) {
        return _lock.flags & PAUSED != 0;
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
        return _debt.managementFeeBps;
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
        return _debt.reportPeriod;
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
        return _debt.reported;
    }

    /// @inheritdoc IVault
    function managementFeeOwed() external view returns (uint256) {
        return _managementOwed();
    }

    /// @inheritdoc IVault
    function lossBudget() external view returns (uint256 budgetBps, uint256 window, uint256 availableWad) {
        return (_lossBudget.budgetBps, _lossBudget.window, _lossBudget.available());
    }

    /// @notice `report` (seconds since the last one), for each strategy in queue order `weight.N`, and for each risk `risk.NN`
    /// (shares of the vault's assets, Wad).
    function readings() external view shows(views) returns (Reading[] memory) {}

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
        return withdraw(assets, receiver, holder, AS_PREVIEWED, type(uint256).max);
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
        uint256 gone;
        uint256 kept;
        if (_mustDraw(assets)) (shares, gone, kept) = _draw(assets, shares, false, holder, maxLossBps);
        _checkLoss(before, shares, maxLossBps);
        if (shares > maxShares) revert Slippage(shares, maxShares);
        _leave(assets, gone, kept, shares, receiver, holder);
    }

    /// @notice Takes exactly `shares` of `holder` and pays `receiver`, rounded down. The holder or one it allowed.
    function redeem(uint256 shares, address receiver, address holder) external returns (uint256 assets) {
        return redeem(shares, receiver, holder, AS_PREVIEWED, 0);
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
        uint256 gone;
        uint256 kept;
        if (_mustDraw(assets)) (assets, gone, kept) = _draw(shares, assets, true, holder, maxLossBps);
        _checkLoss(assets, before, maxLossBps);
        if (assets < minAssets) revert Slippage(assets, minAssets);
        _leave(assets, gone, kept, shares, receiver, holder);
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
            Address.functionDelegateCall(
                books, abi.encodeCall(VaultBooks.takeInKind, (shares, receiver, holder, _asset))
            ),
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

    /// @notice Reports when a report is due, and then, if a strategy is out of its band or a risk over its cap, moves all
    /// strategies to their targets: assets come back first, then go out. Anyone may call it.
    /// @dev Reverts with `InBand` when there is nothing to do, with `NotCloser` (assets) when no strategy could be moved
    /// nearer to its target. A move that fails is undone and passed over, unless it is all there is to do: then its own
    /// reason is told (`LossBudgetExceeded` when it would lose too much, `MoveLoss`, `UnexpectedTransfer`, `Unreadable`).
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

    /// @inheritdoc IVault
    function setLimits(address limits_) external runs(rules) {}

    /* ITS REDEMPTIONS CONTRACT */

    /// @inheritdoc IVault
    function setWaiting(bool waiting) external {
        if (msg.sender != redemptions) revert Unauthorized(msg.sender);
        _debt.marks = waiting ? _debt.marks | WAITING : _debt.marks & ~WAITING;
    }

    /* INTERNAL: CODE */

    /// Runs `code` on this storage with the present call's data and the asset behind it, and returns or reverts with its
    /// answer.
    function _run(address code) private {
        address token = address(_asset);
        assembly {
            calldatacopy(0, 0, calldatasize())
            mstore(calldatasize(), token)
            let ok := delegatecall(gas(), code, 0, add(calldatasize(), 32), 0, 0)
            returndatacopy(0, 0, returndatasize())
            if ok { return(0, returndatasize()) }
            if iszero(ok) { revert(0, returndatasize()) }
        }
    }

    /// `_run` for a view: what this code does changes nothing, which the compiler cannot know of a delegatecall.
    function _show(address code) private view {
        function(address) internal runner = _run;
        function(address) internal view shower;
        assembly {
            shower := runner
        }
        shower(code);
    }

    /* INTERNAL: ENTRY */

    function _enter(uint256 assets, uint256 shares, address receiver, uint256 supply, uint256 net) private {
        if (receiver == address(0)) revert ERC20InvalidReceiver(receiver);
        uint8 flags = _lock.flags;
        if (flags != 0 || _priceless(supply, net)) _checkEntry(assets, receiver);
        if (shares == 0 && assets > 0) revert ZeroShares(assets);
        _entered = 1;

        uint256 before = SafeTransferLib.balanceOf(address(_asset), address(this));
        _asset.safeTransferFrom(msg.sender, address(this), assets);
        uint256 received = SafeTransferLib.balanceOf(address(_asset), address(this)).zeroFloorSub(before);
        if (received != assets) revert UnexpectedTransfer(assets, received);

        _setLedger(supply + shares, _ledger.assets + assets);
        _mintTo(receiver, shares);
        if (assets > net) _adapt(supply, net + assets);
        if (flags & VOLATILE != 0) _keepPremium(assets, shares, supply);
        emit Deposit(msg.sender, receiver, assets, shares);
    }

    function _checkEntry(uint256 assets, address receiver) private view {
        uint256 room = _room();
        if (assets > room) revert DepositExceedsMax(assets, room);
        if (_lock.flags & GATED != 0 && !_admits(msg.sender, receiver)) revert NotAdmitted(receiver);
        // Nobody buys at a low of their own making.
        if (_marked != 0) revert MarkedInTransaction();
    }

    /// What was paid for gains that are not in the price yet does not lift the price now.
    function _keepPremium(uint256 assets, uint256 shares, uint256 supply) private {
        uint256 net = _ledger.assets - _locked() - assets;
        _addToLock(assets.zeroFloorSub(_toAssetsUp(shares, supply, net)), 0);
    }

    /// A vault that more than doubles: what was locked for the few of before unlocks at the pace that the many allow. The
    /// first holders owe nothing for what was before them.
    function _adapt(uint256 supply, uint256 net) private {
        if (supply == 0) {
            _fees = Fees(0, 0);
            _terms.managementAccrued = uint40(block.timestamp);
        }
        uint256 amount = _locked();
        if (amount == 0) return;
        uint256 period = _terms.unlockPeriod;
        _setLock(amount, FixedPointMathLib.min(_lock.until, block.timestamp + period), net);
    }

    /* INTERNAL: EXIT */

    /// Whether an exit of `assets` must look at strategies.
    function _mustDraw(uint256 assets) private view returns (bool) {
        return assets > _idle() || _lock.flags & VOLATILE != 0 || _debt.marks & WAITING != 0;
    }

    function _draw(uint256 amount, uint256 stored, bool inShares, address holder, uint256 maxLossBps)
        private
        returns (uint256 price, uint256 gone, uint256 kept)
    {
        bytes memory call =
            abi.encodeCall(VaultBooks.draw, (amount, stored, inShares, holder, maxLossBps <= BPS, _asset));
        return abi.decode(Address.functionDelegateCall(books, call), (uint256, uint256, uint256));
    }

    /// Pays and burns. `gone` is what freeing the assets took off the books, `kept` what the holder leaves to the others.
    function _leave(uint256 assets, uint256 gone, uint256 kept, uint256 shares, address receiver, address holder)
        private
    {
        if (receiver == address(0)) revert ERC20InvalidReceiver(receiver);
        uint256 available = _idle().zeroFloorSub(gone);
        if (assets > available) revert InsufficientLiquidity(assets, available);
        if (msg.sender != holder) _spendAllowance(holder, msg.sender, shares);
        _burnFrom(holder, shares);
        _setLedger(_ledger.shares - shares, _ledger.assets - assets - gone);
        _keepPace(kept);
        _asset.safeTransfer(receiver, assets);
        emit Withdraw(msg.sender, receiver, holder, assets, shares);
    }

    /// After an exit: what it left behind unlocks like a profit, and no profit faster than the cap allows on what is left.
    function _keepPace(uint256 kept) private {
        if (kept > 0) _addToLock(kept, 0);
        uint256 total = _ledger.assets;
        // A bound does for most exits: what is locked only falls.
        if (!_unlocksTooFast(total.zeroFloorSub(_lock.amount))) return;
        uint256 amount = _locked();
        if (_unlocksTooFast(total - amount)) _setLock(amount, _lock.until, total - amount);
    }

    function _checkLoss(uint256 lesser, uint256 greater, uint256 maxLossBps) private pure {
        if (lesser < greater && maxLossBps < BPS) {
            // Rounded up, against a loss slipping through.
            uint256 lossBps = (greater - lesser).fullMulDivUp(BPS, greater);
            if (lossBps > maxLossBps) revert LossTooHigh(lossBps, maxLossBps);
        }
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC165} from "@openzeppelin/contracts/interfaces/IERC165.sol";
import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Arrays} from "@openzeppelin/contracts/utils/Arrays.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {IERC7540Operator, IERC7540Redeem, IERC7575} from "../../interfaces/IERC7540.sol";
import {IRedemptions} from "../../interfaces/IRedemptions.sol";
import {IVault} from "../../interfaces/IVault.sol";

/// @title Redemptions
/// @notice The queue of one vault's holders for what it cannot free at once (ERC-7540, redeem side). Made by the vault.
///
/// THE QUEUE is a line of shares: a request is a stretch of it, [start, end) counted in all shares ever requested. A
/// fulfilment moves one mark along the line and notes how many assets had been got by then; between two notes every share
/// got the same. So a fulfilment costs the same however many requests it passes, and what a stretch got is the difference of
/// two points of one curve.
///
/// ACCOUNTING
/// - What is owed follows from what fulfilments brought: assets or shares sent here by mistake change nothing, and are lost.
/// - Waiting shares are the vault's shares like any others: they bear profit and loss until they are redeemed.
/// - No owner, no roles, no fees. Nothing the vault is (paused, shut down, without assets) stops a claim.
///
/// ROUNDING: the curve is rounded down at every point, so the claims add up to at most what was got, however cut;
/// `withdraw` takes shares rounded up.
///
/// CALLS TO OTHERS
/// - the vault: trusted, it made this contract. Its `transferFrom` moves the shares in or reverts the request. Its `report`
///   and `redeem` revert the fulfilment, which leaves everything as it was; what it pays is counted at the lower of what it
///   says and what came.
/// - the asset: a transfer that reverts (paused, `receiver` blocked) reverts the claim, which stays claimable, to any
///   receiver. One that lies or keeps a part harms the claim alone.
/// - Both may call back (strategies, token hooks): requests, fulfilments and claims are closed meanwhile. Views stay open, as
///   ERC-7540 wants: the books are changed in one piece, with no call in between, before a claim is paid.
contract Redemptions is IRedemptions, ReentrancyGuardTransient {
    using Arrays for uint256[];
    using FixedPointMathLib for uint256;
    using SafeERC20 for IERC20;

    /* CONSTANTS */

    uint256 private constant BPS = 1e4;
    /// Most that freeing assets may cost those who wait beyond the vault's price, and units that are rounding.
    uint256 private constant MAX_COST_BPS = 10; // 0.1 %
    uint256 private constant COST_DUST = 4;
    /// So few shares may go for nothing, lest they wait for ever: worth a few units at most, but after a loss of nearly all.
    uint256 private constant CRUMBS = 1e9;
    /// Most requests that one claim walks through.
    uint256 private constant MAX_WALK = 64;

    /* STORAGE */

    IVault private immutable _vault;
    IERC20 private immutable _asset;

    /// A stretch of the line. `start` moves up as it is claimed.
    struct Request {
        uint256 start;
        uint256 end;
    }

    /// Requests of one controller, oldest first; those before `head` are claimed.
    struct Requests {
        uint256 head;
        Request[] list;
    }

    /// @inheritdoc IERC7540Operator
    mapping(address controller => mapping(address operator => bool)) public isOperator;

    /// Shares ever requested: the end of the line.
    uint256 private _requested;
    /// The curve, one point for each fulfilment and the origin: shares ever redeemed, and assets ever got for them.
    uint256[] private _filledAt;
    uint256[] private _gotAt;
    mapping(address controller => Requests) private _requests;

    /// The vault is still without code when it makes this contract: nothing here may call it.
    constructor(IERC20 asset_) {
        _vault = IVault(msg.sender);
        _asset = asset_;
        _filledAt.push(0);
        _gotAt.push(0);
    }

    /* VIEWS: ERC-165, ERC-7575 */

    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id == type(IERC165).interfaceId || id == type(IERC7540Operator).interfaceId
            || id == type(IERC7540Redeem).interfaceId || id == type(IERC7575).interfaceId;
    }

    /// @notice The vault, whose shares are queued here.
    function share() external view returns (address) {
        return address(_vault);
    }

    function asset() external view returns (address) {
        return address(_asset);
    }

    /// @notice Of the whole vault, as its own; so are the conversions and the previews of deposits.
    function totalAssets() external view returns (uint256) {
        return _vault.totalAssets();
    }

    function convertToShares(uint256 assets) external view returns (uint256) {
        return _vault.convertToShares(assets);
    }

    function convertToAssets(uint256 shares) external view returns (uint256) {
        return _vault.convertToAssets(shares);
    }

    function previewDeposit(uint256 assets) external view returns (uint256) {
        return _vault.previewDeposit(assets);
    }

    function previewMint(uint256 shares) external view returns (uint256) {
        return _vault.previewMint(shares);
    }

    /// @notice Always 0: deposits are made at the vault.
    function maxDeposit(address) external pure returns (uint256) {
        return 0;
    }

    /// @notice Always 0: deposits are made at the vault.
    function maxMint(address) external pure returns (uint256) {
        return 0;
    }

    function deposit(uint256, address) external pure returns (uint256) {
        revert DepositAtVault();
    }

    function mint(uint256, address) external pure returns (uint256) {
        revert DepositAtVault();
    }

    /// @notice Reverts, as ERC-7540 wants.
    function previewRedeem(uint256) external pure returns (uint256) {
        revert NoPreview();
    }

    /// @notice Reverts, as ERC-7540 wants.
    function previewWithdraw(uint256) external pure returns (uint256) {
        revert NoPreview();
    }

    /* VIEWS: REQUESTS */

    /// @inheritdoc IRedemptions
    function waiting() public view returns (uint256) {
        return _requested - _filled();
    }

    /// @notice Shares of `controller` that wait; of any other id than 0, none.
    function pendingRedeemRequest(uint256 requestId, address controller) external view returns (uint256 shares) {
        if (requestId != 0) return 0;
        uint256 filled = _filled();
        Request[] storage list = _requests[controller].list;
        // From the youngest on, until one that is filled whole.
        for (uint256 i = list.length; i > 0 && list[i - 1].end > filled; --i) {
            shares += list[i - 1].end - FixedPointMathLib.max(list[i - 1].start, filled);
        }
    }

    /// @notice Shares of `controller` that were redeemed and not claimed; of any other id than 0, none.
    function claimableRedeemRequest(uint256 requestId, address controller) external view returns (uint256 shares) {
        if (requestId != 0) return 0;
        (shares,) = _claimable(controller, type(uint256).max);
    }

    /// @notice Shares that `controller` can claim in one call: out of its 64 oldest requests.
    function maxRedeem(address controller) external view returns (uint256 shares) {
        (shares,) = _claimable(controller, MAX_WALK);
    }

    /// @notice Assets that `controller` can claim in one call: out of its 64 oldest requests.
    function maxWithdraw(address controller) external view returns (uint256 assets) {
        (, assets) = _claimable(controller, MAX_WALK);
    }

    /* HOLDERS */

    /// @notice Lets `operator` request with the caller's shares, and claim what is the caller's, to any address.
    function setOperator(address operator, bool approved) external returns (bool) {
        isOperator[msg.sender][operator] = approved;
        emit OperatorSet(msg.sender, operator, approved);
        return true;
    }

    /// @notice Queues `shares` of `owner`, which must have allowed this contract to take them. The owner or its operator;
    /// and nobody is made a controller but the owner, the caller, or who has made the caller its operator.
    /// @return requestId 0
    function requestRedeem(uint256 shares, address controller, address owner)
        external
        nonReentrant
        returns (uint256 requestId)
    {
        _checkOperator(owner);
        if (controller != owner) _checkOperator(controller);
        if (shares == 0) revert ZeroShares();
        IERC20(address(_vault)).safeTransferFrom(owner, address(this), shares);

        uint256 start = _requested;
        uint256 end = start + shares;
        if (start == _filled()) _vault.setWaiting(true);
        _requested = end;
        Requests storage own = _requests[controller];
        uint256 count = own.list.length;
        // Nobody came in between: one stretch.
        if (count > own.head && own.list[count - 1].end == start) own.list[count - 1].end = end;
        else own.list.push(Request(start, end));
        emit RedeemRequest(controller, owner, 0, msg.sender, shares);
        return 0;
    }

    /// @notice Pays `receiver` what `shares` of `controller` got, oldest first, rounded down. The controller or its operator.
    function redeem(uint256 shares, address receiver, address controller)
        external
        nonReentrant
        returns (uint256 assets)
    {
        uint256 claimed;
        (claimed, assets) = _claim(controller, shares, type(uint256).max);
        if (claimed < shares) revert ExceedsClaimable(shares, claimed);
        _pay(receiver, controller, assets, shares);
    }

    /// @notice Pays `receiver` exactly `assets` out of what `controller` got, for shares rounded up. The controller or its
    /// operator.
    function withdraw(uint256 assets, address receiver, address controller)
        external
        nonReentrant
        returns (uint256 shares)
    {
        uint256 claimed;
        (shares, claimed) = _claim(controller, type(uint256).max, assets);
        if (claimed < assets) revert ExceedsClaimable(assets, claimed);
        _pay(receiver, controller, assets, shares);
    }

    /* ANYONE */

    /// @inheritdoc IRedemptions
    function fulfil() external returns (uint256 shares, uint256 assets) {
        return fulfil(type(uint256).max);
    }

    /// @inheritdoc IRedemptions
    function fulfil(uint256 maxShares) public nonReentrant returns (uint256 shares, uint256 assets) {
        // Losses first: what is below the price after it is the cost of this exit alone.
        _vault.report();
        uint256 left = waiting();
        shares = left.min(maxShares).min(_vault.maxRedeem(address(this)));
        if (shares == 0) revert NothingFreed(left, 0);

        uint256 worth = _vault.convertToAssets(shares);
        uint256 before = _asset.balanceOf(address(this));
        if (shares < left) {
            // A part is taken in whole assets, so that cutting into small parts rounds nothing away.
            if (worth == 0) revert NothingFreed(left, 0);
            uint256 most = shares + shares.fullMulDivUp(MAX_COST_BPS, BPS);
            assets = worth;
            shares = _vault.withdraw(assets, address(this), address(this), BPS, most.min(left));
        } else {
            uint256 least = worth.zeroFloorSub(worth.fullMulDivUp(MAX_COST_BPS, BPS) + COST_DUST);
            assets = _vault.redeem(shares, address(this), address(this), BPS, least);
        }
        assets = assets.min(_asset.balanceOf(address(this)) - before);
        left -= shares;
        // Shares that are worth something some day are not given away, be it that all is lost or that rounding takes it.
        if (assets == 0 && (left > 0 || shares > CRUMBS)) revert NothingFreed(left + shares, shares);

        _gotAt.push(_gotAt[_gotAt.length - 1] + assets);
        _filledAt.push(_filled() + shares);
        emit Fulfilled(shares, assets, left);
        if (left == 0) _vault.setWaiting(false);
    }

    /* INTERNAL: CLAIMS */

    function _checkOperator(address account) private view {
        if (msg.sender != account && !isOperator[account][msg.sender]) revert NotOperator(account, msg.sender);
    }

    /// What can be claimed of the oldest `most` requests.
    function _claimable(address controller, uint256 most) private view returns (uint256 shares, uint256 assets) {
        uint256 filled = _filled();
        Requests storage own = _requests[controller];
        uint256 count = own.list.length;
        for (uint256 i = own.head; i < count && most > 0; ++i) {
            Request storage request = own.list[i];
            uint256 start = request.start;
            uint256 end = filled.min(request.end);
            if (end <= start) break;
            shares += end - start;
            assets += _got(end) - _got(start);
            --most;
        }
    }

    /// Takes out of the oldest requests until it has `maxShares` or `maxAssets`, or there is no more to take.
    function _claim(address controller, uint256 maxShares, uint256 maxAssets)
        private
        returns (uint256 shares, uint256 assets)
    {
        _checkOperator(controller);
        uint256 filled = _filled();
        Requests storage own = _requests[controller];
        uint256 head = own.head;
        uint256 last = head + (own.list.length - head).min(MAX_WALK);
        while (head < last && shares < maxShares && assets < maxAssets) {
            Request storage request = own.list[head];
            uint256 start = request.start;
            uint256 end = filled.min(request.end);
            if (end <= start) break;
            end = start + (end - start).min(maxShares - shares);
            uint256 before = _got(start);
            uint256 worth = _got(end) - before;
            if (worth > maxAssets - assets) {
                worth = maxAssets - assets;
                end = _shareAt(before + worth);
            }
            shares += end - start;
            assets += worth;
            if (end == request.end) delete own.list[head++];
            else request.start = end;
        }
        own.head = head;
    }

    function _pay(address receiver, address controller, uint256 assets, uint256 shares) private {
        if (receiver == address(0)) revert ZeroReceiver();
        emit Withdraw(msg.sender, receiver, controller, assets, shares);
        _asset.safeTransfer(receiver, assets);
    }

    /* INTERNAL: THE CURVE */

    function _filled() private view returns (uint256) {
        return _filledAt[_filledAt.length - 1];
    }

    /// Assets that the first `shares` of the line got, rounded down. Only for shares that are filled.
    function _got(uint256 shares) private view returns (uint256) {
        if (shares == 0) return 0;
        uint256 i = _filledAt.lowerBound(shares);
        uint256 before = _filledAt[i - 1];
        uint256 got = _gotAt[i - 1];
        return got + (shares - before).fullMulDiv(_gotAt[i] - got, _filledAt[i] - before);
    }

    /// Fewest shares from the beginning of the line that got `assets`. Only for assets above 0 that were got.
    function _shareAt(uint256 assets) private view returns (uint256) {
        uint256 i = _gotAt.lowerBound(assets);
        uint256 before = _filledAt[i - 1];
        uint256 got = _gotAt[i - 1];
        return before + (assets - got).fullMulDivUp(_filledAt[i] - before, _gotAt[i] - got);
    }
}

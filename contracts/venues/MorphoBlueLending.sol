// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IMorpho, IMorphoIrm, Market, MarketParams} from "../../interfaces/morpho/IMorpho.sol";
import {LendingVenue} from "./LendingVenue.sol";

/// @title MorphoBlueLending
/// @notice Supplies the loan token of one Morpho Blue market for one owner.
/// @dev ASSUMPTIONS: Morpho Blue is immutable; a market's parameters never change. The shares this contract was given are
/// stored, so positions opened for it by others change nothing.
/// @dev EXTERNAL CALLS, to Morpho and the market's rate model: a revert in a view passes on (the owner must expect it); a
/// revert in `supply` or `withdraw` undoes the whole move. Morpho has no pause and no supply cap.
/// @dev INTEREST: as Morpho accrues it: borrow x (e^(rate x time) - 1) by the first three terms of the series, the fee's
/// shares minted to the fee recipient, conversions over virtual assets 1 and virtual shares 1e6.
contract MorphoBlueLending is LendingVenue {
    using Math for uint256;
    using SafeERC20 for IERC20;

    uint256 private constant WAD = 1e18;
    uint256 private constant RAY = 1e27;
    uint256 private constant YEAR = 365 days;
    uint256 private constant VIRTUAL_SHARES = 1e6;
    uint256 private constant VIRTUAL_ASSETS = 1;

    /// @notice No market with this id, or of another loan token.
    error NoMarket(bytes32 id, address loanToken);

    IMorpho public immutable morpho;
    bytes32 public immutable id;
    address private immutable _collateralToken;
    address private immutable _oracle;
    address private immutable _irm;
    uint256 private immutable _lltv;

    /// @notice Supply shares of what this contract supplied itself.
    uint256 public shares;

    constructor(address owner_, IERC20 asset_, IMorpho morpho_, bytes32 id_) LendingVenue(owner_, asset_) {
        MarketParams memory params = morpho_.idToMarketParams(id_);
        if (params.loanToken != address(asset_)) revert NoMarket(id_, params.loanToken);
        morpho = morpho_;
        // Tokens only pass through this contract: there is never anything else to take.
        asset_.forceApprove(address(morpho_), type(uint256).max);
        id = id_;
        (_collateralToken, _oracle, _irm, _lltv) = (params.collateralToken, params.oracle, params.irm, params.lltv);
    }

    function value() public view override returns (uint256) {
        return _toAssets(shares, _accrued());
    }

    function liquidity() external view returns (uint256) {
        Market memory market = _accrued();
        uint256 free =
            market.totalSupplyAssets > market.totalBorrowAssets ? market.totalSupplyAssets - market.totalBorrowAssets : 0;
        return Math.min(_toAssets(shares, market), Math.min(free, _asset.balanceOf(address(morpho))));
    }

    function capacity() external view returns (uint256) {
        uint256 supplied = _accrued().totalSupplyAssets;
        return type(uint128).max - supplied;
    }

    /// @dev The rate model adapts to the time since the market's last update: exact after `sync`.
    function supplyRateWad(int256 change) external view returns (uint256) {
        Market memory market = _accrued();
        if (market.totalBorrowAssets == 0) return 0;
        uint256 supplied = _shift(market.totalSupplyAssets, change);
        // Morpho refuses to free what is lent out.
        supplied = Math.min(Math.max(supplied, market.totalBorrowAssets), type(uint128).max);
        market.totalSupplyAssets = uint128(supplied);
        uint256 yearlyWad = _irm == address(0) ? 0 : IMorphoIrm(_irm).borrowRateView(_params(), market) * YEAR;
        return yearlyWad.mulDiv(market.totalBorrowAssets, supplied).mulDiv(WAD - market.fee, WAD);
    }

    function indexRay() external view returns (uint256) {
        Market memory market = _accrued();
        return (market.totalSupplyAssets + VIRTUAL_ASSETS).mulDiv(RAY, market.totalSupplyShares + VIRTUAL_SHARES);
    }

    /// @dev Every action on a market accrues it first; a flash loan touches no market, but takes the tokens away.
    function quiet() external view returns (bool) {
        Market memory market = morpho.market(id);
        return market.lastUpdate < block.timestamp
            && _asset.balanceOf(address(morpho)) + market.totalBorrowAssets >= market.totalSupplyAssets;
    }

    function sync() external {
        morpho.accrueInterest(_params());
    }

    function supply(uint256 assets) external onlyOwner returns (uint256) {
        _asset.safeTransferFrom(msg.sender, address(this), assets);
        (, uint256 minted) = morpho.supply(_params(), assets, 0, address(this), "");
        shares += minted;
        return assets;
    }

    function withdraw(uint256 assets, address receiver) external onlyOwner returns (uint256) {
        (, uint256 burned) = morpho.withdraw(_params(), assets, 0, address(this), receiver);
        shares -= Math.min(shares, burned);
        return assets;
    }

    function _params() private view returns (MarketParams memory) {
        return MarketParams(address(_asset), _collateralToken, _oracle, _irm, _lltv);
    }

    /// The market as `accrueInterest` would leave it in this block.
    function _accrued() private view returns (Market memory market) {
        market = morpho.market(id);
        uint256 elapsed = block.timestamp - market.lastUpdate;
        if (elapsed == 0 || _irm == address(0)) return market;
        if (market.totalBorrowAssets > 0) {
            uint256 x = IMorphoIrm(_irm).borrowRateView(_params(), market) * elapsed;
            uint256 square = x * x / (2 * WAD);
            uint256 growthWad = x + square + square * x / (3 * WAD);
            uint256 interest = uint256(market.totalBorrowAssets).mulDiv(growthWad, WAD);
            market.totalBorrowAssets += uint128(interest);
            market.totalSupplyAssets += uint128(interest);
            if (market.fee > 0) {
                uint256 feeAssets = interest.mulDiv(market.fee, WAD);
                uint256 feeShares = feeAssets.mulDiv(
                    market.totalSupplyShares + VIRTUAL_SHARES, market.totalSupplyAssets - feeAssets + VIRTUAL_ASSETS
                );
                market.totalSupplyShares += uint128(feeShares);
            }
        }
        market.lastUpdate = uint128(block.timestamp);
    }

    function _toAssets(uint256 shares_, Market memory market) private pure returns (uint256) {
        return shares_.mulDiv(
            market.totalSupplyAssets + VIRTUAL_ASSETS, market.totalSupplyShares + VIRTUAL_SHARES
        );
    }
}

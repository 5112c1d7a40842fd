// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/interfaces/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {
    IAaveAddressesProvider, IAavePool, IAaveRateStrategy, IAaveToken
} from "../../interfaces/aave/IAaveV3.sol";
import {AaveV3Reserve} from "./AaveV3Reserve.sol";
import {LendingVenue} from "./LendingVenue.sol";

/// @title AaveV3Lending
/// @notice Supplies one asset to Aave v3 (v3.2 and later) for one owner.
/// @dev ASSUMPTIONS: the pool, the aToken and the debt token of a reserve never change address (they are proxies); the
/// rate strategy may, and is looked up each time. A reserve's supply counts by scaled balance: what this contract
/// supplied itself is stored, so aTokens sent to it change nothing.
/// @dev EXTERNAL CALLS, all to Aave: a revert in a view passes on (the owner must expect it); a revert in `supply` or
/// `withdraw` undoes the whole move; a withdrawal that pays less than asked reverts in the pool itself.
/// @dev RATES: Aave's DefaultReserveInterestRateStrategyV2 (Aave v3.1 and later): two slopes around the optimal usage
/// ratio; supply rate = borrow rate x usage x (1 - reserve factor), simple interest per year.
contract AaveV3Lending is LendingVenue {
    using AaveV3Reserve for uint256;
    using Math for uint256;
    using SafeERC20 for IERC20;

    uint256 private constant RAY = 1e27;
    uint256 private constant BPS = 1e4;
    uint256 private constant RAY_PER_BPS = 1e23;
    /// Interest since the last update may change the rate by this part of it: 1/50.
    uint256 private constant RATE_TOLERANCE = 50;

    /// @notice The asset is not a reserve of this pool.
    error NoReserve(address asset);

    IAavePool public immutable pool;
    IAaveToken public immutable aToken;
    IAaveToken public immutable debtToken;
    uint256 private immutable _unit;

    /// @notice Scaled balance of what this contract supplied itself.
    uint256 public scaled;

    constructor(address owner_, IERC20 asset_, IAaveAddressesProvider provider) LendingVenue(owner_, asset_) {
        pool = IAavePool(provider.getPool());
        IAavePool.ReserveData memory reserve = pool.getReserveData(address(asset_));
        if (reserve.aTokenAddress == address(0)) revert NoReserve(address(asset_));
        aToken = IAaveToken(reserve.aTokenAddress);
        debtToken = IAaveToken(reserve.variableDebtTokenAddress);
        // Tokens only pass through this contract: there is never anything else to take.
        asset_.forceApprove(address(pool), type(uint256).max);
        _unit = 10 ** IERC20Metadata(address(asset_)).decimals();
    }

    function value() public view override returns (uint256) {
        return scaled.mulDiv(indexRay(), RAY);
    }

    function liquidity() external view returns (uint256) {
        if (!pool.getReserveData(address(_asset)).configuration.isOpen()) return 0;
        uint256 free = Math.min(pool.getVirtualUnderlyingBalance(address(_asset)), _asset.balanceOf(address(aToken)));
        return Math.min(value(), free);
    }

    function capacity() external view returns (uint256) {
        return AaveV3Reserve.supplyRoom(pool, address(_asset), _unit);
    }

    function supplyRateWad(int256 change) external view returns (uint256) {
        return _supplyRateRay(pool.getReserveData(address(_asset)), change) / 1e9;
    }

    /// @dev A flash loan lowers Aave's virtual balance without touching the reserve's time: it shows in the rate.
    function quiet() external view returns (bool) {
        IAavePool.ReserveData memory reserve = pool.getReserveData(address(_asset));
        if (reserve.lastUpdateTimestamp >= block.timestamp) return false;
        uint256 stored = reserve.currentLiquidityRate;
        uint256 present = _supplyRateRay(reserve, 0);
        uint256 gap = present > stored ? present - stored : stored - present;
        return gap <= stored / RATE_TOLERANCE;
    }

    function _supplyRateRay(IAavePool.ReserveData memory reserve, int256 change) private view returns (uint256) {
        uint256 free = _shift(pool.getVirtualUnderlyingBalance(address(_asset)), change);
        uint256 debt = debtToken.totalSupply();
        if (debt == 0) return 0;
        uint256 usageRay = debt.mulDiv(RAY, free + debt);

        IAaveRateStrategy.InterestRateData memory model =
            IAaveRateStrategy(reserve.interestRateStrategyAddress).getInterestRateDataBps(address(_asset));
        uint256 optimalRay = model.optimalUsageRatio * RAY_PER_BPS;
        uint256 borrowRay = model.baseVariableBorrowRate * RAY_PER_BPS;
        if (usageRay > optimalRay) {
            borrowRay += model.variableRateSlope1 * RAY_PER_BPS
                + (model.variableRateSlope2 * RAY_PER_BPS).mulDiv(usageRay - optimalRay, RAY - optimalRay);
        } else if (optimalRay > 0) {
            borrowRay += (model.variableRateSlope1 * RAY_PER_BPS).mulDiv(usageRay, optimalRay);
        }
        // Suppliers share the interest with what is owed to them by nobody: bridged (v3.2) or bad debt (v3.3 and later).
        uint256 unpaid = reserve.unbacked;
        try pool.getReserveDeficit(address(_asset)) returns (uint256 deficit) {
            unpaid += deficit;
        } catch {} // before v3.3 there is no such function
        uint256 shareRay = debt.mulDiv(RAY, free + debt + unpaid);
        return borrowRay.mulDiv(shareRay, RAY) * (BPS - reserve.configuration.reserveFactorBps()) / BPS;
    }

    function indexRay() public view returns (uint256) {
        return pool.getReserveNormalizedIncome(address(_asset));
    }

    /// @dev Aave's views are always up to the present block.
    function sync() external {}

    function supply(uint256 assets) external onlyOwner returns (uint256) {
        uint256 before = aToken.scaledBalanceOf(address(this));
        _asset.safeTransferFrom(msg.sender, address(this), assets);
        pool.supply(address(_asset), assets, address(this), 0);
        scaled += aToken.scaledBalanceOf(address(this)) - before;
        return assets;
    }

    function withdraw(uint256 assets, address receiver) external onlyOwner returns (uint256) {
        uint256 before = aToken.scaledBalanceOf(address(this));
        pool.withdraw(address(_asset), assets, receiver);
        scaled -= Math.min(scaled, before - aToken.scaledBalanceOf(address(this)));
        return assets;
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @notice What Ballast uses of Aave v3.2 and later (the layout of `getReserveData` is the one kept for integrators).
interface IAavePool {
    struct ReserveData {
        uint256 configuration;
        uint128 liquidityIndex;
        uint128 currentLiquidityRate;
        uint128 variableBorrowIndex;
        uint128 currentVariableBorrowRate;
        uint128 currentStableBorrowRate;
        uint40 lastUpdateTimestamp;
        uint16 id;
        address aTokenAddress;
        address stableDebtTokenAddress;
        address variableDebtTokenAddress;
        address interestRateStrategyAddress;
        uint128 accruedToTreasury;
        uint128 unbacked;
        uint128 isolationModeTotalDebt;
    }

    /// All in bps; the bonus is 1e4 and what a liquidator is paid beyond.
    struct EModeCollateral {
        uint16 ltv;
        uint16 liquidationThreshold;
        uint16 liquidationBonus;
    }

    function supply(address asset, uint256 amount, address onBehalfOf, uint16 referralCode) external;
    function withdraw(address asset, uint256 amount, address to) external returns (uint256);
    /// `interestRateMode` is 2 (variable): the only one from v3.2 on.
    function borrow(address asset, uint256 amount, uint256 interestRateMode, uint16 referralCode, address onBehalfOf)
        external;
    function repay(address asset, uint256 amount, uint256 interestRateMode, address onBehalfOf)
        external
        returns (uint256);
    function setUserEMode(uint8 categoryId) external;
    function setUserUseReserveAsCollateral(address asset, bool useAsCollateral) external;
    /// Amounts in the oracle's currency; threshold and loan-to-value in bps; health factor in Wad.
    function getUserAccountData(address user)
        external
        view
        returns (
            uint256 collateralBase,
            uint256 debtBase,
            uint256 availableBase,
            uint256 thresholdBps,
            uint256 ltvBps,
            uint256 healthFactorWad
        );
    /// Two bits for each reserve's id: owed (the lower), used as collateral (the upper).
    function getUserConfiguration(address user) external view returns (uint256);
    function getEModeCategoryCollateralConfig(uint8 id) external view returns (EModeCollateral memory);
    /// One bit for each reserve's id.
    function getEModeCategoryCollateralBitmap(uint8 id) external view returns (uint128);
    function getEModeCategoryBorrowableBitmap(uint8 id) external view returns (uint128);
    function getReserveData(address asset) external view returns (ReserveData memory);
    function getReserveNormalizedIncome(address asset) external view returns (uint256);
    function getReserveNormalizedVariableDebt(address asset) external view returns (uint256);
    function getVirtualUnderlyingBalance(address asset) external view returns (uint128);
    /// From v3.3 on.
    function getReserveDeficit(address asset) external view returns (uint256);
}

interface IAaveAddressesProvider {
    function getPool() external view returns (address);
}

interface IAaveToken {
    function balanceOf(address user) external view returns (uint256);
    function scaledBalanceOf(address user) external view returns (uint256);
    function scaledTotalSupply() external view returns (uint256);
    function totalSupply() external view returns (uint256);
}

interface IAaveRateStrategy {
    struct InterestRateData {
        uint16 optimalUsageRatio;
        uint32 baseVariableBorrowRate;
        uint32 variableRateSlope1;
        uint32 variableRateSlope2;
    }

    function getInterestRateDataBps(address reserve) external view returns (InterestRateData memory);
}

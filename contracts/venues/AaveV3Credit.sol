// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/interfaces/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IAaveAddressesProvider, IAavePool, IAaveToken} from "../../interfaces/aave/IAaveV3.sol";
import {ICreditVenue} from "../../interfaces/ICreditVenue.sol";
import {IOracle} from "../../interfaces/IOracle.sol";
import {IVenue} from "../../interfaces/IVenue.sol";
import {AaveV3Reserve} from "./AaveV3Reserve.sol";

/// @title AaveV3Credit
/// @notice One credit account on Aave v3 (v3.2 and later): collateral of one token, debt of another, for one owner. One
/// of the two is the asset it is valued in, the other the base token.
/// @dev ASSUMPTIONS: the addresses of pool and tokens never change (they are proxies). `oracle` prices the base token
/// in the asset. The collateral is not isolated (Aave lets no reserve become so that has suppliers), so an account that
/// borrows one token meets no other limit than the reserve's own. No price sentinel (Aave has none on Ethereum).
/// @dev GIFTS: anyone may supply to Aave or repay for this account. A gift of the collateral token is not counted nor
/// paid out; a repayment lowers the debt, which is then truly lower. A gift of another token raises the health factor
/// (or, as Aave cuts the mean threshold to whole basis points, lowers it by one), costs gas at each reading of it, and
/// could stop withdrawals should Aave set its loan-to-value to 0: anyone may end that by `disregard`, for ever.
/// @dev ROUNDING: collateral down, debt up, value down.
/// @dev EXTERNAL CALLS, all to Aave, the two tokens and the oracle: a revert in a view passes on; a revert in a move
/// undoes the whole move. No token with transfer hooks or fees. Anyone: `disregard`, views. All else is the owner's.
contract AaveV3Credit is ICreditVenue {
    using AaveV3Reserve for uint256;
    using Math for uint256;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    struct Config {
        address owner;
        address collateral;
        address debt;
        /// One of the two.
        address asset;
        IAaveAddressesProvider provider;
        IOracle oracle;
        /// Aave's category for correlated tokens; 0 for none. Fixed for ever.
        uint8 eMode;
    }

    error ZeroAddress();
    /// @notice The token is not a reserve of this pool.
    error NoReserve(address token);
    /// @notice Collateral and debt must differ, and the asset be one of them.
    error WrongTokens(address collateral, address debt, address asset);
    /// @notice Debt against this collateral has a ceiling of its own: not supported.
    error Isolated(address collateral);
    /// @notice The category does not hold both tokens.
    error WrongEMode(uint8 eMode);
    /// @notice More than the account's own collateral.
    error TooMuch(uint256 requested, uint256 held);
    /// @notice The market moved other amounts than were asked for.
    error UnexpectedTransfer(uint256 expected, uint256 moved);
    error NoPrice();

    uint256 private constant WAD = 1e18;
    uint256 private constant RAY = 1e27;
    uint256 private constant WAD_PER_BPS = 1e14;
    uint256 private constant BPS = 1e4;
    uint256 private constant VARIABLE = 2;

    /* STORAGE */

    /// @inheritdoc IVenue
    address public immutable owner;
    /// @inheritdoc IVenue
    address public immutable asset;
    /// @notice The other of the two tokens.
    address public immutable base;
    /// @inheritdoc ICreditVenue
    address public immutable collateralToken;
    /// @inheritdoc ICreditVenue
    address public immutable debtToken;
    IAavePool public immutable pool;
    IOracle public immutable oracle;
    uint8 public immutable eMode;
    IAaveToken private immutable _aToken;
    IAaveToken private immutable _owed;
    uint256 private immutable _collateralUnit;
    uint256 private immutable _debtUnit;
    uint16 private immutable _collateralId;
    uint16 private immutable _debtId;

    /// Scaled balance of what this contract supplied itself.
    uint256 private _scaled;

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        _;
    }

    constructor(Config memory c) {
        if (c.owner == address(0) || address(c.oracle) == address(0)) revert ZeroAddress();
        if (c.collateral == c.debt || (c.asset != c.collateral && c.asset != c.debt)) {
            revert WrongTokens(c.collateral, c.debt, c.asset);
        }
        pool = IAavePool(c.provider.getPool());
        IAavePool.ReserveData memory held = _reserve(c.collateral);
        IAavePool.ReserveData memory owed = _reserve(c.debt);
        if (held.configuration.isIsolated()) revert Isolated(c.collateral);
        (owner, asset, collateralToken, debtToken) = (c.owner, c.asset, c.collateral, c.debt);
        base = c.asset == c.collateral ? c.debt : c.collateral;
        oracle = c.oracle;
        (_aToken, _owed) = (IAaveToken(held.aTokenAddress), IAaveToken(owed.variableDebtTokenAddress));
        (_collateralId, _debtId) = (held.id, owed.id);
        _collateralUnit = 10 ** IERC20Metadata(c.collateral).decimals();
        _debtUnit = 10 ** IERC20Metadata(c.debt).decimals();
        eMode = c.eMode;
        if (c.eMode != 0) {
            if (!_inBitmap(pool.getEModeCategoryCollateralBitmap(c.eMode), held.id)) revert WrongEMode(c.eMode);
            if (!_inBitmap(pool.getEModeCategoryBorrowableBitmap(c.eMode), owed.id)) revert WrongEMode(c.eMode);
            pool.setUserEMode(c.eMode);
        }
        // Tokens only pass through this contract: there is never anything else to take.
        IERC20(c.collateral).forceApprove(address(pool), type(uint256).max);
        IERC20(c.debt).forceApprove(address(pool), type(uint256).max);
    }

    /* VIEWS */

    /// @inheritdoc ICreditVenue
    function collateral() public view returns (uint256) {
        // A liquidation takes from the balance, a gift adds to it.
        uint256 scaled = Math.min(_scaled, _aToken.scaledBalanceOf(address(this)));
        return scaled == 0 ? 0 : scaled.mulDiv(pool.getReserveNormalizedIncome(collateralToken), RAY);
    }

    /// @inheritdoc ICreditVenue
    function debt() public view returns (uint256) {
        uint256 scaled = _owed.scaledBalanceOf(address(this));
        if (scaled == 0) return 0;
        return scaled.mulDiv(pool.getReserveNormalizedVariableDebt(debtToken), RAY, Math.Rounding.Ceil);
    }

    /// @inheritdoc IVenue
    /// @dev Nothing when more is owed than held. At whatever the oracle answers, good or not.
    function value() external view returns (uint256) {
        (uint256 held, uint256 owed) = (collateral(), debt());
        if (asset == collateralToken) {
            if (owed > 0) owed = owed.mulDiv(_price() * _collateralUnit, WAD * _debtUnit, Math.Rounding.Ceil);
        } else if (held > 0) {
            held = held.mulDiv(_price() * _debtUnit, WAD * _collateralUnit);
        }
        return held > owed ? held - owed : 0;
    }

    /// @inheritdoc IVenue
    /// @dev The base token held (rounded down), or owed with its sign (rounded up), also when more is owed than held.
    function delta() external view returns (int256) {
        if (asset == debtToken) return collateral().mulDiv(WAD, _collateralUnit).toInt256();
        return -debt().mulDiv(WAD, _debtUnit, Math.Rounding.Ceil).toInt256();
    }

    /// @inheritdoc IVenue
    function gamma() external pure returns (int256) {
        return 0;
    }

    /// @inheritdoc ICreditVenue
    function healthFactorWad() external view returns (uint256 healthWad) {
        (,,,,, healthWad) = pool.getUserAccountData(address(this));
    }

    /// @inheritdoc ICreditVenue
    function liquidationThresholdWad() external view returns (uint256) {
        if (_eModeCounts()) return _category().liquidationThreshold * WAD_PER_BPS;
        return _configuration(collateralToken).thresholdBps() * WAD_PER_BPS;
    }

    /// @inheritdoc ICreditVenue
    function maxLtvWad() public view returns (uint256) {
        uint256 ltvBps = _configuration(collateralToken).ltvBps();
        // A reserve's 0 holds in v3.2's categories too.
        if (ltvBps > 0 && _eModeCounts()) ltvBps = _category().ltv;
        return ltvBps * WAD_PER_BPS;
    }

    /// @inheritdoc ICreditVenue
    function liquidationBonusWad() external view returns (uint256) {
        uint256 bonusBps =
            _eModeCounts() ? _category().liquidationBonus : _configuration(collateralToken).bonusBps();
        return bonusBps > BPS ? (bonusBps - BPS) * WAD_PER_BPS : 0;
    }

    /// @inheritdoc ICreditVenue
    function withdrawable() external view returns (uint256) {
        if (!_configuration(collateralToken).isOpen()) return 0;
        return Math.min(collateral(), _free(collateralToken, address(_aToken)));
    }

    /// @inheritdoc ICreditVenue
    function borrowable() external view returns (uint256) {
        if (maxLtvWad() == 0) return 0;
        if (eMode != 0 && !_inBitmap(pool.getEModeCategoryBorrowableBitmap(eMode), _debtId)) return 0;
        uint256 free = _free(debtToken, pool.getReserveData(debtToken).aTokenAddress);
        return AaveV3Reserve.borrowRoom(pool, debtToken, _debtUnit, free);
    }

    /// @inheritdoc ICreditVenue
    function repayable() external view returns (uint256) {
        return _configuration(debtToken).isOpen() ? debt() : 0;
    }

    /// @inheritdoc ICreditVenue
    function suppliable() external view returns (uint256) {
        return AaveV3Reserve.supplyRoom(pool, collateralToken, _collateralUnit);
    }

    /* ANYONE */

    /// @notice Stops counting a token as collateral that others supplied for this account. Anyone may call it.
    /// @dev Loses nothing that was this contract's own; Aave refuses it when the account would then be liquidatable.
    function disregard(address token) external {
        if (token == collateralToken) revert WrongTokens(token, debtToken, asset);
        pool.setUserUseReserveAsCollateral(token, false);
    }

    /* OWNER */

    /// @inheritdoc ICreditVenue
    function supply(uint256 amount) external onlyOwner {
        IERC20(collateralToken).safeTransferFrom(msg.sender, address(this), amount);
        uint256 before = _sync();
        pool.supply(collateralToken, amount, address(this), 0);
        _scaled += _aToken.scaledBalanceOf(address(this)) - before;
        // Aave counts a first supply by itself, but not one that a gift came before while the reserve did not count.
        if ((pool.getUserConfiguration(address(this)) >> (2 * _collateralId + 1)) & 1 == 0) {
            pool.setUserUseReserveAsCollateral(collateralToken, true);
        }
    }

    /// @inheritdoc ICreditVenue
    function withdraw(uint256 amount, address receiver) external onlyOwner {
        uint256 before = _sync();
        uint256 held = collateral();
        if (amount > held) revert TooMuch(amount, held);
        uint256 paid = pool.withdraw(collateralToken, amount, receiver);
        if (paid != amount) revert UnexpectedTransfer(amount, paid);
        _scaled -= Math.min(_scaled, before - _aToken.scaledBalanceOf(address(this)));
    }

    /// @inheritdoc ICreditVenue
    function borrow(uint256 amount, address receiver) external onlyOwner {
        pool.borrow(debtToken, amount, VARIABLE, 0, address(this));
        IERC20(debtToken).safeTransfer(receiver, amount);
    }

    /// @inheritdoc ICreditVenue
    function repay(uint256 amount) external onlyOwner returns (uint256 repaid) {
        // The market's own rounding of what is owed: `debt` may be one unit above it.
        uint256 taken = Math.min(amount, _owed.balanceOf(address(this)));
        if (taken == 0) return 0;
        IERC20(debtToken).safeTransferFrom(msg.sender, address(this), taken);
        repaid = pool.repay(debtToken, taken, VARIABLE, address(this));
        if (repaid != taken) revert UnexpectedTransfer(taken, repaid);
    }

    /* INTERNAL */

    /// Forgets what a liquidation took, so that no later gift passes for it. Returns the present scaled balance.
    function _sync() private returns (uint256 balance) {
        balance = _aToken.scaledBalanceOf(address(this));
        if (balance < _scaled) _scaled = balance;
    }

    function _reserve(address token) private view returns (IAavePool.ReserveData memory reserve) {
        reserve = pool.getReserveData(token);
        if (reserve.aTokenAddress == address(0)) revert NoReserve(token);
    }

    function _configuration(address token) private view returns (uint256) {
        return pool.getReserveData(token).configuration;
    }

    /// What the reserve can pay out: what it has booked, and what is there.
    function _free(address token, address aToken) private view returns (uint256) {
        return Math.min(pool.getVirtualUnderlyingBalance(token), IERC20(token).balanceOf(aToken));
    }

    function _eModeCounts() private view returns (bool) {
        return eMode != 0 && _inBitmap(pool.getEModeCategoryCollateralBitmap(eMode), _collateralId);
    }

    function _category() private view returns (IAavePool.EModeCollateral memory) {
        return pool.getEModeCategoryCollateralConfig(eMode);
    }

    function _inBitmap(uint256 bitmap, uint256 id) private pure returns (bool) {
        return (bitmap >> id) & 1 == 1;
    }

    function _price() private view returns (uint256 priceWad) {
        (priceWad,) = oracle.price();
        if (priceWad == 0) revert NoPrice();
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IVaultLimits} from "../../interfaces/IVaultLimits.sol";
import {LossBudget} from "../risk/LossBudget.sol";
import {Probe} from "../risk/Probe.sol";
import {VaultState} from "./VaultState.sol";

/// @title VaultRules
/// @notice What the roles of a vault may set. Tightening is the guardian's too and at once, loosening the owner's alone.
/// @dev Code of a vault, run by delegatecall on the vault's storage; on its own storage it has no owner, and does nothing.
/// Who may call what, units and errors stand in IVault.
contract VaultRules is VaultState {
    using LossBudget for LossBudget.Bucket;
    using SafeCast for uint256;

    /// @notice Most strategies a vault may have.
    uint256 public constant MAX_STRATEGIES = STRATEGIES;
    /// @notice Most risks a vault may name.
    uint256 public constant MAX_RISKS = RISKS;
    uint256 public constant MAX_PERFORMANCE_FEE_BPS = 5_000; // 50 %
    uint256 public constant MAX_MANAGEMENT_FEE_BPS = 500; // 5 % a year
    uint256 public constant MIN_UNLOCK_PERIOD = 1 hours;
    uint256 public constant MIN_LOSS_WINDOW = 1 hours;

    /* CONSTRUCTION */

    /// @notice Sets what the vault is made with. Only while there is no owner: in the vault's constructor.
    function setUp(
        uint256 performanceFeeBps,
        uint256 managementFeeBps,
        address feeRecipient,
        uint256 unlockPeriod,
        uint256 reportPeriod,
        uint256 growthCapBps,
        uint256 lossBudgetBps,
        uint256 lossWindow,
        address curator_
    ) external {
        if (address(this).code.length != 0) revert Unauthorized(msg.sender);
        _debt.reported = uint32(block.timestamp);
        _debt.profitBooked = uint32(block.timestamp);
        _terms.managementAccrued = uint40(block.timestamp);
        _depositLimit = type(uint128).max;
        _setCurator(curator_);
        _setFees(performanceFeeBps, managementFeeBps, feeRecipient);
        _setPace(unlockPeriod, reportPeriod, growthCapBps);
        _setLossBudget(lossBudgetBps, lossWindow);
    }

    /* TIGHTENING BY GUARDIAN OR OWNER, LOOSENING BY OWNER ALONE */

    function pauseDeposits() external onlyTightener {
        _setFlag(PAUSED, true);
        emit DepositsPaused(true);
    }

    function setCap(address strategy_, uint256 cap, uint256 capBps) external nonReentrant {
        Strategy storage s = _listed(strategy_);
        if (_tightens(cap <= s.cap && capBps <= s.capBps)) revert IsShutdown();
        _setCap(strategy_, s, cap, capBps);
    }

    function setRiskCap(bytes32 risk, uint256 cap, uint256 capBps) external nonReentrant {
        _checkBps(capBps);
        (uint256 r, bool known) = _indexOf(risk);
        if (known) {
            _tightens(cap <= _risks[r].cap && capBps <= _risks[r].capBps);
        } else {
            _checkOwner();
            if (r == MAX_RISKS) revert OverLimit(r + 1, MAX_RISKS);
            _debt.risks = uint8(r + 1);
        }
        _risks[r] = Risk(risk, cap.toUint128(), uint16(capBps));
        emit RiskCapSet(risk, cap, capBps);
    }

    function setDepositLimit(uint256 assets) external nonReentrant {
        _tightens(assets <= _depositLimit);
        _depositLimit = assets.toUint128();
        _setFlag(LIMITED, assets != type(uint128).max);
        emit DepositLimitSet(assets);
    }

    function setLossBudget(uint256 budgetBps, uint256 window) external nonReentrant {
        _tightens(budgetBps <= _lossBudget.budgetBps && window >= _lossBudget.window);
        _setLossBudget(budgetBps, window);
    }

    function setWeight(address strategy_, uint256 targetBps, uint256 bandBps) external nonReentrant {
        Strategy storage s = _listed(strategy_);
        if (_isShutdown()) revert IsShutdown();
        if (bandBps > s.bandBps) _checkOwner();
        else if (targetBps > s.targetBps || msg.sender != guardian) _checkCurator();
        _setWeight(strategy_, s, targetBps, bandBps);
    }

    /* CURATOR OR OWNER */

    function setQueue(address[] calldata queue_) external nonReentrant {
        _checkCurator();
        uint256 count = _debt.strategies;
        if (queue_.length != count) revert QueueMismatch();
        for (uint256 i; i < count; ++i) {
            if (!_strategies[queue_[i]].listed) revert NotListed(queue_[i]);
            for (uint256 j; j < i; ++j) {
                if (queue_[j] == queue_[i]) revert QueueMismatch();
            }
        }
        for (uint256 i; i < count; ++i) {
            _queue[i] = queue_[i];
        }
        emit QueueSet(queue_);
    }

    /* OWNER */

    function setCurator(address account) external onlyOwner {
        _setCurator(account);
    }

    function addStrategy(
        address strategy_,
        uint256 cap,
        uint256 capBps,
        uint256 targetBps,
        uint256 bandBps,
        bool isVolatile
    ) external nonReentrant onlyOwner {
        if (_isShutdown()) revert IsShutdown();
        uint256 count = _debt.strategies;
        if (count == MAX_STRATEGIES) revert QueueFull(MAX_STRATEGIES);
        Strategy storage s = _strategies[strategy_];
        if (s.listed) revert AlreadyListed(strategy_);
        (bool ok, uint256 word) = Probe.read(strategy_, READ_GAS, abi.encodeCall(IERC4626.asset, ()));
        if (!ok || word != uint160(IERC4626(address(this)).asset()) || strategy_ == address(this)) revert WrongAsset(strategy_, address(uint160(word)));
        (ok, word) = Probe.read(strategy_, READ_GAS, abi.encodeWithSignature("isVolatile()"));
        s.listed = true;
        s.isVolatile = isVolatile || (ok && word != 0);
        if (s.isVolatile) _setFlag(VOLATILE, true);
        _queue[count] = strategy_;
        _debt.strategies = uint8(count + 1);
        emit StrategyAdded(strategy_, s.isVolatile);
        _setCap(strategy_, s, cap, capBps);
        _setWeight(strategy_, s, targetBps, bandBps);
    }

    function setRisks(address strategy_, bytes32[] calldata risks_) external nonReentrant onlyOwner {
        Strategy storage s = _listed(strategy_);
        uint256 bits;
        for (uint256 i; i < risks_.length; ++i) {
            (uint256 r, bool known) = _indexOf(risks_[i]);
            if (!known) revert UnknownRisk(risks_[i]);
            bits |= 1 << r;
        }
        s.risks = uint16(bits);
        emit RisksSet(strategy_, risks_);
    }

    function unpauseDeposits() external onlyOwner {
        if (_isShutdown()) revert IsShutdown();
        _setFlag(PAUSED, false);
        emit DepositsPaused(false);
    }

    function setFees(uint256 performanceFeeBps, uint256 managementFeeBps, address recipient)
        external
        nonReentrant
        onlyOwner
    {
        _accrueManagement(); // the past is charged at the old rate
        _setFees(performanceFeeBps, managementFeeBps, recipient);
    }

    function setPace(uint256 unlockPeriod, uint256 reportPeriod, uint256 growthCapBps) external nonReentrant onlyOwner {
        _setPace(unlockPeriod, reportPeriod, growthCapBps);
    }

    function setGate(address gate) external nonReentrant onlyOwner {
        _gate = gate;
        _setFlag(GATED, gate != address(0));
        emit GateSet(gate);
    }

    function setLimits(address limits) external nonReentrant onlyOwner {
        bool bounded = limits != address(0);
        if (bounded && _isShutdown()) revert IsShutdown();
        // Reverts when they do not know this vault: they would stop every rebalance.
        if (bounded) IVaultLimits(limits).capsOf(address(this));
        _limits = limits;
        _debt.marks = bounded ? _debt.marks | BOUNDED : _debt.marks & ~BOUNDED;
        emit LimitsSet(limits);
    }

    /* INTERNAL: WHO */

    /// Checks that the caller may tighten, or loosen. Returns whether it loosens what is shut down for ever.
    function _tightens(bool tightening) private view returns (bool) {
        if (tightening) {
            _checkTightener();
            return false;
        }
        _checkOwner();
        return _isShutdown();
    }

    function _checkCurator() private view {
        if (msg.sender != curator && msg.sender != owner) revert Unauthorized(msg.sender);
    }

    function _isShutdown() private view returns (bool) {
        return _lock.flags & SHUTDOWN != 0;
    }

    function _setFlag(uint8 flag, bool on) private {
        _lock.flags = on ? _lock.flags | flag : _lock.flags & ~flag;
    }

    function _listed(address strategy_) private view returns (Strategy storage s) {
        s = _strategies[strategy_];
        if (!s.listed) revert NotListed(strategy_);
    }

    /* INTERNAL: WHAT */

    /// Place of a risk in the list; the first free one when it is not known.
    function _indexOf(bytes32 risk) private view returns (uint256 r, bool known) {
        uint256 count = _debt.risks;
        while (r < count && _risks[r].id != risk) ++r;
        known = r < count;
    }

    function _checkBps(uint256 bps) private pure {
        if (bps > BPS) revert OverLimit(bps, BPS);
    }

    function _setCap(address strategy_, Strategy storage s, uint256 cap, uint256 capBps) private {
        _checkBps(capBps);
        s.cap = cap.toUint128();
        s.capBps = uint16(capBps);
        emit CapSet(strategy_, cap, capBps);
    }

    function _setWeight(address strategy_, Strategy storage s, uint256 targetBps, uint256 bandBps) private {
        if (bandBps == 0) revert UnderLimit(0, 1);
        _checkBps(bandBps);
        _checkBps(targetBps);
        s.targetBps = uint16(targetBps);
        s.bandBps = uint16(bandBps);
        uint256 sum;
        uint256 count = _debt.strategies;
        for (uint256 i; i < count; ++i) {
            sum += _strategies[_queue[i]].targetBps;
        }
        _checkBps(sum);
        emit WeightSet(strategy_, targetBps, bandBps);
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
        _debt.managementFeeBps = uint16(managementBps);
        _terms.feeRecipient = recipient;
        emit FeesSet(performanceBps, managementBps, recipient);
    }

    function _setPace(uint256 unlockPeriod, uint256 reportPeriod, uint256 growthBps) private {
        if (unlockPeriod < MIN_UNLOCK_PERIOD) revert UnderLimit(unlockPeriod, MIN_UNLOCK_PERIOD);
        if (reportPeriod == 0) revert UnderLimit(0, 1);
        if (growthBps > type(uint16).max) revert OverLimit(growthBps, type(uint16).max);
        _terms.unlockPeriod = unlockPeriod.toUint24();
        _debt.reportPeriod = reportPeriod.toUint24();
        _lock.growthCapBps = uint16(growthBps);
        // A lower cap holds for what is locked already.
        uint256 amount = _locked();
        _setLock(amount, _lock.until, _ledger.assets - amount);
        emit PaceSet(unlockPeriod, reportPeriod, growthBps);
    }

    function _setLossBudget(uint256 budgetBps, uint256 window) private {
        _checkBps(budgetBps);
        if (window < MIN_LOSS_WINDOW) revert UnderLimit(window, MIN_LOSS_WINDOW);
        if (window > type(uint32).max) revert OverLimit(window, type(uint32).max);
        _lossBudget.set(budgetBps, window);
        emit LossBudgetSet(budgetBps, window);
    }
}

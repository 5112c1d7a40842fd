// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {IExposed} from "../../interfaces/IExposed.sol";
import {IRegulated} from "../../interfaces/IRegulated.sol";
import {IVault} from "../../interfaces/IVault.sol";
import {IVaultLimits} from "../../interfaces/IVaultLimits.sol";
import {IVaultTypes} from "../../interfaces/IVaultTypes.sol";
import {Greeks} from "./Greeks.sol";
import {Limits} from "./Limits.sol";
import {Probe} from "./Probe.sol";
import {Roles} from "./Roles.sol";

/// @title VaultLimits
/// @notice What a vault's strategies expose it to together, held against the vault's limits. It keeps limits,
/// nothing else, and moves nothing; any number of vaults may use one.
/// @dev SUM: a strategy counts by the vault's part of its shares. Exposures to one base token net out, those to
/// different ones add up by their size. Net value: the vault's assets, with the strategies that say their exposure
/// at their present net value in place of the stored debt.
/// @dev WHO SAYS NOTHING (IExposed fails) has no exposure when the vault lists it as smooth. A volatile one that
/// says nothing is blind: nothing is then known of the net value, so the measures are beyond every limit and grow
/// with what is exposed or blind (Limits: no net value): nothing may add to exposure until it can be read again.
/// @dev ASSUMPTIONS: strategies are listed by the vault's owner; one that lies about itself is not found out here.
/// Lies cannot make a view revert or overflow.
/// @dev ROUNDING: shares of exposures towards 0, measures up.
contract VaultLimits is IVaultLimits, Roles {
    event CapsSet(address indexed vault, Caps caps);

    error UnknownVault(address vault);
    /// @notice The guardian may only tighten.
    error Loosens();

    /// Most gas that a strategy may take to say its exposure.
    uint256 private constant READ_GAS = 1_500_000;
    uint256 private constant RISKS = 16;

    struct Book {
        Caps caps;
        bool known;
    }

    /// What is summed up, in the asset's smallest unit.
    struct Sum {
        address[] bases;
        int256[] deltas;
        int256[] gammas;
        uint256 count;
        uint256 gross;
        int256 net;
        uint256[RISKS] risks;
        /// Debt of volatile strategies that cannot be read.
        uint256 blind;
    }

    mapping(address => Book) private _books;

    constructor(address owner_, address guardian_) Roles(owner_, guardian_) {}

    /* VIEWS */

    /// @inheritdoc IVaultLimits
    function capsOf(address vault) public view returns (Caps memory) {
        Book storage book = _books[vault];
        if (!book.known) revert UnknownVault(vault);
        return book.caps;
    }

    /// @notice A vault's measures now. Reverts inside a call of the vault's own.
    function measure(IVault vault) public view returns (Measures memory) {
        return measure(vault, vault.idle() + vault.totalDebt());
    }

    /// @inheritdoc IVaultLimits
    function measure(IVault vault, uint256 assets) public view returns (Measures memory) {
        Sum memory sum = _sum(vault, assets);
        uint256 delta = sum.blind;
        uint256 gamma = sum.blind;
        for (uint256 i; i < sum.count; ++i) {
            delta = FixedPointMathLib.saturatingAdd(delta, FixedPointMathLib.abs(sum.deltas[i]));
            gamma = FixedPointMathLib.saturatingAdd(gamma, FixedPointMathLib.abs(sum.gammas[i]));
        }
        uint256 share;
        for (uint256 r; r < RISKS; ++r) {
            share = FixedPointMathLib.max(share, sum.risks[r]);
        }
        return Limits.measure(
            _signed(delta),
            _signed(gamma),
            FixedPointMathLib.saturatingAdd(sum.gross, sum.blind),
            FixedPointMathLib.saturatingAdd(share, sum.blind),
            sum.blind > 0 ? int256(0) : sum.net
        );
    }

    /// @notice Whether a vault is within all its limits now.
    function isWithin(IVault vault) external view returns (bool) {
        return Limits.within(measure(vault), capsOf(address(vault)));
    }

    /// @notice Reverts unless each measure is within its limit or no worse than `beforehand`.
    function check(IVault vault, Measures calldata beforehand) external view {
        Limits.check(beforehand, measure(vault), capsOf(address(vault)));
    }

    /// @inheritdoc IVaultLimits
    function check(IVault vault, uint256 assets, Measures calldata beforehand) external view {
        Limits.check(beforehand, measure(vault, assets), capsOf(address(vault)));
    }

    /// @notice The measures as readings: "delta", "gamma", "leverage", "share", Wad of the net value, each from 0
    /// to its limit.
    function readings(IVault vault) external view returns (IRegulated.Reading[] memory list) {
        Measures memory now_ = measure(vault);
        Caps memory caps = capsOf(address(vault));
        list = new IRegulated.Reading[](4);
        list[0] = IRegulated.Reading("delta", _signed(now_.deltaWad), 0, 0, _signed(caps.deltaWad));
        list[1] = IRegulated.Reading("gamma", _signed(now_.gammaWad), 0, 0, _signed(caps.gammaWad));
        list[2] = IRegulated.Reading("leverage", _signed(now_.leverageWad), 0, 0, _signed(caps.leverageWad));
        list[3] = IRegulated.Reading("share", _signed(now_.shareWad), 0, 0, _signed(caps.shareWad));
    }

    /// @notice A strategy's exposure and its supply of shares, for this contract's own calls.
    function exposureOf(address strategy) external view returns (IExposed.Exposure memory exposure, uint256 supply) {
        return (IExposed(strategy).exposure(), IERC20(strategy).totalSupply());
    }

    /* TIGHTENING BY GUARDIAN OR OWNER, LOOSENING BY OWNER ALONE */

    /// @notice Sets a vault's limits. The first time, or when one rises: owner. Else guardian or owner.
    function setCaps(address vault, Caps calldata caps) external onlyTightener {
        Book storage book = _books[vault];
        if (msg.sender != owner) {
            if (!book.known) revert UnknownVault(vault);
            if (!Limits.isNoLooser(caps, book.caps)) revert Loosens();
        }
        if (vault == address(0)) revert ZeroAddress();
        (book.caps, book.known) = (caps, true);
        emit CapsSet(vault, caps);
    }

    /* INTERNAL */

    function _sum(IVault vault, uint256 assets) private view returns (Sum memory sum) {
        address[] memory queue = vault.queue();
        uint256 length = queue.length;
        (sum.bases, sum.deltas, sum.gammas) = (new address[](length), new int256[](length), new int256[](length));
        sum.net = _signed(assets);
        for (uint256 i; i < length; ++i) {
            _addStrategy(sum, queue[i], vault.strategy(queue[i]));
        }
    }

    function _addStrategy(Sum memory sum, address strategy, IVaultTypes.Strategy memory s) private view {
        if (s.shares == 0) return;
        // Nobody can make a strategy look blind by bringing too little gas.
        if (gasleft() * 63 / 64 < READ_GAS) revert Probe.NotEnoughGas(READ_GAS);
        int256 value = int256(uint256(s.debt));
        try this.exposureOf{gas: READ_GAS}(strategy) returns (IExposed.Exposure memory e, uint256 supply) {
            value = Greeks.shareOf(e.net, s.shares, supply);
            uint256 at = _indexOf(sum, e.base);
            sum.deltas[at] = Greeks.saturatingAdd(sum.deltas[at], Greeks.shareOf(e.delta, s.shares, supply));
            sum.gammas[at] = Greeks.saturatingAdd(sum.gammas[at], Greeks.shareOf(e.gamma, s.shares, supply));
            uint256 gross = uint256(Greeks.shareOf(_signed(e.gross), s.shares, supply));
            sum.gross = FixedPointMathLib.saturatingAdd(sum.gross, gross);
            sum.net = Greeks.saturatingAdd(Greeks.saturatingAdd(sum.net, -int256(uint256(s.debt))), value);
        } catch {
            if (s.isVolatile) sum.blind += s.debt;
        }
        if (value <= 0) return;
        for (uint256 r; r < RISKS; ++r) {
            if (s.risks >> r & 1 == 1) {
                sum.risks[r] = FixedPointMathLib.saturatingAdd(sum.risks[r], uint256(value));
            }
        }
    }

    /// Where a base's exposure is summed; a new place for a new one.
    function _indexOf(Sum memory sum, address base) private pure returns (uint256 at) {
        while (at < sum.count && sum.bases[at] != base) ++at;
        if (at == sum.count) {
            sum.bases[at] = base;
            sum.count = at + 1;
        }
    }

    function _signed(uint256 value) private pure returns (int256) {
        return int256(FixedPointMathLib.min(value, uint256(type(int256).max)));
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {FlashStandIn} from "../../../contracts/standins/FlashStandIn.sol";
import {FuzzStrategyStandIn} from "../../../contracts/standins/FuzzStrategyStandIn.sol";
import {PropertyLensStandIn} from "../../../contracts/standins/PropertyLensStandIn.sol";
import {StrategyStandIn} from "../../../contracts/standins/StrategyStandIn.sol";
import {TokenStandIn} from "../../../contracts/standins/TokenStandIn.sol";
import {Vault} from "../../../contracts/vault/Vault.sol";
import {VaultBooks} from "../../../contracts/vault/VaultBooks.sol";
import {VaultRules} from "../../../contracts/vault/VaultRules.sol";
import {VaultViews} from "../../../contracts/vault/VaultViews.sol";
import {IRedemptions} from "../../../interfaces/IRedemptions.sol";
import {IRegulated} from "../../../interfaces/IRegulated.sol";
import {IVault} from "../../../interfaces/IVault.sol";
import {IVaultTypes} from "../../../interfaces/IVaultTypes.sol";
import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {VaultProperties} from "./VaultProperties.sol";

interface ICheats {
    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }

    function prank(address sender) external;
    function warp(uint256 time) external;
    function recordLogs() external;
    function getRecordedLogs() external returns (Log[] memory);
}

/// @title VaultHandler
/// @notice The rules of ballast/fuzz/vault.py that make up most of its steps, drawn as often and from the same sizes, with
/// the same looks before and after. What must not revert is called plainly: forge is told that a revert is a failure.
contract VaultHandler is VaultProperties {
    ICheats private constant VM = ICheats(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    address private constant STRANGER = address(0xbad);
    uint256 private constant UNLIMITED = type(uint128).max;

    TokenStandIn private token;
    FlashStandIn private borrower;
    StrategyStandIn.Fault[STRATEGIES] private faults;
    bool[STRATEGIES] private calling;

    constructor() {
        time = 1_750_000_000;
        VM.warp(time);
        token = new TokenStandIn(6);
        lens = new PropertyLensStandIn();
        borrower = new FlashStandIn();
        Vault.Config memory config = Vault.Config(
            IERC20(address(token)),
            "Fuzz",
            "FUZZ",
            address(this),
            address(this),
            address(this),
            address(0xfee),
            1_000,
            100,
            65_535,
            10 days,
            1 days,
            uint16(BUDGET_BPS),
            uint32(WINDOW)
        );
        Vault made = new Vault(
            config, address(new VaultBooks()), address(new VaultRules()), address(new VaultViews())
        );
        vault = IVault(address(made));
        queue = IRedemptions(vault.redemptions());
        for (uint160 i; i < DEPOSITORS; ++i) {
            address holder = address(0x1000 + i);
            holders.push(holder);
            token.mint(holder, 1e30);
            VM.prank(holder);
            token.approve(address(vault), type(uint256).max);
            VM.prank(holder);
            vault.approve(address(queue), type(uint256).max);
        }
        holders.push(address(0xfee));
        holders.push(address(borrower));
        holders.push(address(queue));
        for (uint256 i; i < STRATEGIES; ++i) {
            strategies.push(address(new FuzzStrategyStandIn(IERC20(address(token)))));
            vault.addStrategy(strategies[i], UNLIMITED, BPS, 3_000, 10, i == 2);
        }
        require(made.decimals() == token.decimals() + 6, "VAULT_DECIMALS");
        _check();
    }

    /// Every rule: at the time that it is, and with every property after it.
    modifier step() {
        VM.warp(time);
        _;
        _check();
        for (uint256 i; i < STRATEGIES; ++i) {
            if (calling[i]) require(!FuzzStrategyStandIn(strategies[i]).reentered(), "VAULT_LOCKED");
        }
    }

    /* DRAWING */

    /// A number of every size up to `most`, every other one round.
    function _amount(uint256 seed, uint256 most) private pure returns (uint256 amount) {
        seed = uint256(keccak256(abi.encode(seed)));
        if (seed % 20 == 0) return 0;
        uint256 digits;
        for (uint256 rest = most; rest >= 10; rest /= 10) {
            ++digits;
        }
        amount = 10 ** ((seed >> 8) % (digits + 1));
        if (seed & 1 == 1) amount += (seed >> 16) % (9 * amount);
        return _min(amount, most);
    }

    /// A number from `least` to `most`; the ends come often.
    function _between(uint256 seed, uint256 least, uint256 most) private pure returns (uint256) {
        seed = uint256(keccak256(abi.encode(seed)));
        if (seed % 100 < 10) return least;
        if (seed % 100 < 25) return most;
        return least + (seed >> 8) % (most - least + 1);
    }

    function _part(uint256 seed) private pure returns (uint256) {
        return _between(seed, 1, 100);
    }

    /* ERRORS */

    /// Fails with what was said, unless it may be.
    function _only(bool may, bytes memory why) private pure {
        if (may) return;
        assembly {
            revert(add(why, 32), mload(why))
        }
    }

    /// Whether an entry with `assets` may be refused with `error`, as things are.
    function _mayRefuseEntry(bytes4 error, uint256 assets) private view returns (bool) {
        (uint256 net, uint256 supply) = (was[NET], was[SUPPLY]);
        if (error == IVaultTypes.DepositExceedsMax.selector) {
            uint256 room = _less(was[DEPOSIT_LIMIT], was[IDLE] + was[TOTAL_DEBT]);
            return was[IS_PAUSED] == 1 || assets > room || (net == 0 && supply > 0);
        }
        if (error == IVaultTypes.Unreadable.selector) {
            for (uint256 i; i < STRATEGIES; ++i) {
                if (_of(i, FLAGS) == 3 && _of(i, SHARES) > 0 && _of(i, READABLE) == 0) return true;
            }
            return false;
        }
        if (
            error == SafeCast.SafeCastOverflowedUintDowncast.selector
                || error == FixedPointMathLib.FullMulDivFailed.selector
        ) {
            return FixedPointMathLib.fullMulDiv(assets + net + 1, supply + VIRTUAL_SHARES, net + 1) >= 2 ** 127;
        }
        return error == IVaultTypes.ZeroShares.selector;
    }

    /// Whether a strategy has any fault at all.
    function _odd() private view returns (bool) {
        for (uint256 i; i < STRATEGIES; ++i) {
            if (faults[i] != StrategyStandIn.Fault.None) return true;
        }
        return false;
    }

    /* DEPOSITORS */

    function deposit(uint256 who, uint256 seed) external step {
        address holder = holders[who % DEPOSITORS];
        uint256 assets = _amount(seed, 1e22);
        uint256 preview;
        bool must;
        try vault.previewDeposit(assets) returns (uint256 told) {
            preview = told;
            must = preview > 0 && assets <= vault.maxDeposit(holder);
        } catch (bytes memory why) {
            _only(_mayRefuseEntry(bytes4(why), assets), why);
        }
        VM.prank(holder);
        try vault.deposit(assets, holder) returns (uint256 shares) {
            require(shares == preview, "VAULT_PREVIEW");
            _entered(shares, assets);
        } catch (bytes memory why) {
            _only(!must && _mayRefuseEntry(bytes4(why), assets), why);
        }
    }

    function mint(uint256 who, uint256 seed) external step {
        address holder = holders[who % DEPOSITORS];
        uint256 shares = _amount(seed, 1e26);
        uint256 preview;
        bool must;
        try vault.previewMint(shares) returns (uint256 told) {
            preview = told;
            must = shares > 0 && shares <= vault.maxMint(holder);
        } catch (bytes memory why) {
            _only(_mayRefuseEntry(bytes4(why), 0), why);
        }
        if (preview >= 1e30) return;
        VM.prank(holder);
        try vault.mint(shares, holder) returns (uint256 taken) {
            require(taken == preview, "VAULT_PREVIEW");
            _entered(shares, taken);
        } catch (bytes memory why) {
            _only(!must && _mayRefuseEntry(bytes4(why), preview), why);
        }
    }

    function _entered(uint256 shares, uint256 assets) private {
        allowedGain = _less(assets, _worth(shares));
        uint256 most = assets * (was[SUPPLY] + VIRTUAL_SHARES) / (was[NET] + _premium() + 1);
        require(shares <= most, "VAULT_ENTRY");
        require(vault.previewRedeem(shares) <= assets, "VAULT_ROUND_TRIP");
    }

    function redeem(uint256 who, uint256 part) external step {
        address holder = holders[who % DEPOSITORS];
        uint256 shares = vault.maxRedeem(holder) * _part(part) / 100;
        uint256 preview = vault.previewRedeem(shares);
        bool dear = _dear() > 0;
        VM.prank(holder);
        try vault.redeem(shares, holder, holder) returns (uint256 assets) {
            _leaves(assets, shares);
            if (dear) return;
            uint256 more = _bears() ? _surplus() : 0;
            require(preview <= assets && assets <= preview + more, "VAULT_PREVIEW");
        } catch (bytes memory why) {
            _only(dear && _exitRefuses(bytes4(why)), why);
        }
    }

    function withdraw(uint256 who, uint256 part) external step {
        address holder = holders[who % DEPOSITORS];
        uint256 assets = vault.maxWithdraw(holder) * _part(part) / 100;
        uint256 preview = vault.previewWithdraw(assets);
        bool dear = _dear() > 0;
        VM.prank(holder);
        try vault.withdraw(assets, holder, holder) returns (uint256 shares) {
            _leaves(assets, shares);
            if (dear) return;
            uint256 least = preview;
            uint256 more = preview > 1 && _bears() ? _surplus() : 0;
            if (more > 0) {
                uint256 old = was[SUPPLY] + VIRTUAL_SHARES;
                least = assets * old / (assets * old / (preview - 1) + 1 + more);
            }
            require(least <= shares && shares <= preview, "VAULT_PREVIEW");
        } catch (bytes memory why) {
            bool few = bytes4(why) == bytes4(keccak256("ERC20InsufficientBalance(address,uint256,uint256)"));
            _only(dear && (few || _exitRefuses(bytes4(why))), why);
        }
    }

    function _exitRefuses(bytes4 error) private pure returns (bool) {
        return error == IVaultTypes.InsufficientLiquidity.selector || error == IVaultTypes.LossTooHigh.selector;
    }

    /// Nobody who leaves gets more than the books give, less their part of the volatile strategies' losses.
    function _leaves(uint256 assets, uint256 shares) private {
        uint256 gone;
        uint256 rounding = 1 + _roundedUp();
        for (uint256 i; i < STRATEGIES; ++i) {
            if (_of(i, FLAGS) & 2 == 0) continue;
            rounding += MOVE_DUST;
            gone += _less(_of(i, DEBT), _of(i, VALUE));
        }
        if (gone > 0) gone = _less(gone, was[LOCKED] + _surplus());
        uint256 due = shares * (was[NET] - gone + 1) / (was[SUPPLY] + VIRTUAL_SHARES) + rounding;
        paidOut = int256(assets);
        require(assets <= due, "VAULT_LOSS_SHARED");
        (allowedLoss, leftBehind) = (_unbooked() + _dear(), _dust());
    }

    function redeemInKind(uint256 who, uint256 part) external step {
        address holder = holders[who % DEPOSITORS];
        uint256 shares = _balance(who % DEPOSITORS) * _part(part) / 100;
        allowedLoss = _unbooked();
        uint256 due = shares * (was[NET] - _less(allowedLoss, was[LOCKED]) + 1) / (was[SUPPLY] + VIRTUAL_SHARES);
        due += MOVE_DUST * STRATEGIES;
        uint256[STRATEGIES] memory had;
        for (uint256 i; i < STRATEGIES; ++i) {
            had[i] = IERC20(strategies[i]).balanceOf(holder);
        }
        VM.prank(holder);
        (uint256 worth, uint256[] memory given) = vault.redeemInKind(shares, holder, holder, BPS);
        uint256 sum;
        for (uint256 i; i < given.length; ++i) {
            sum += given[i];
        }
        for (uint256 i; i < STRATEGIES; ++i) {
            uint256 got = IERC20(strategies[i]).balanceOf(holder) - had[i];
            if (got > 0 && _of(i, READABLE) == 1) worth += got * _of(i, VALUE) / _of(i, SHARES);
            sum -= got;
        }
        require(sum == 0, "VAULT_EXIT");
        require(worth <= due, "VAULT_LOSS_SHARED");
    }

    function transfer(uint256 who, uint256 to, uint256 part) external step {
        uint256 shares = _balance(who % DEPOSITORS) * _part(part) / 100;
        VM.prank(holders[who % DEPOSITORS]);
        vault.transfer(holders[to % DEPOSITORS], shares);
    }

    function flash(uint256 seed, uint256 donation, bool asMint) external step {
        uint256 assets = _amount(seed, 1e22);
        allowedLoss = _unbooked() + _dear();
        leftBehind = _dust();
        address[] memory donees = new address[](STRATEGIES + 1);
        for (uint256 i; i < STRATEGIES; ++i) {
            donees[i] = strategies[i];
        }
        donees[STRATEGIES] = address(vault);
        uint256 had = _balance(BORROWER);
        VM.prank(STRANGER);
        try borrower.roundTrip(vault, donees, assets, _amount(donation, 1e18), asMint) returns (int256 gained) {
            // Shares that could not leave the last time, because others wait, may now: they are no gain.
            int256 own = had > 0 ? int256(_worth(had) + 1) : int256(0);
            require(gained <= own, "VAULT_ROUND_TRIP");
            allowedGain = uint256(own - gained);
            paidOut = gained;
        } catch (bytes memory why) {
            bytes4 error = bytes4(why);
            _only(error == bytes4(keccak256("Error(string)")) || _mayRefuseEntry(error, assets), why);
        }
    }

    /* THOSE WHO WAIT */

    function request(uint256 who, uint256 part) external step {
        address holder = holders[who % DEPOSITORS];
        uint256 shares = _balance(who % DEPOSITORS) * _part(part) / 100;
        VM.prank(holder);
        try queue.requestRedeem(shares, holder, holder) {
            queued = queued || shares > 0;
        } catch (bytes memory why) {
            _only(shares == 0 && bytes4(why) == IRedemptions.ZeroShares.selector, why);
        }
    }

    function fulfil() external step {
        uint256 dear = _dear();
        VM.prank(STRANGER);
        try queue.fulfil() returns (uint256 shares, uint256 assets) {
            (allowedLoss, leftBehind, recalled) = (_unbooked() + dear, _dust(), was[TOTAL_DEBT]);
            paidOut = int256(assets);
            // a report comes first
            require(assets <= _worth(shares) + 2 + _roundedUp(), "VAULT_LOSS_SHARED");
        } catch (bytes memory why) {
            bytes4 error = bytes4(why);
            bool none = error == IRedemptions.NothingFreed.selector || error == IVaultTypes.Slippage.selector;
            _only(none || (dear > 0 && _exitRefuses(error)), why);
        }
    }

    function claim(uint256 who, uint256 part) external step {
        address holder = holders[who % DEPOSITORS];
        uint256 shares = queue.maxRedeem(holder) * _part(part) / 100;
        uint256 most = queue.maxWithdraw(holder);
        VM.prank(holder);
        require(queue.redeem(shares, holder, holder) <= most, "VAULT_REQUESTS");
    }

    /* FORTUNE */

    function earn(uint256 which, uint256 seed) external step {
        FuzzStrategyStandIn(strategies[which % STRATEGIES]).earn(_amount(seed, 1e20));
    }

    function yields(uint256 which, uint256 bps) external step {
        address strategy = strategies[which % STRATEGIES];
        FuzzStrategyStandIn(strategy).earn(token.balanceOf(strategy) * _between(bps, 1, 1_000) / BPS);
    }

    function lose(uint256 which, uint256 part) external step {
        address strategy = strategies[which % STRATEGIES];
        FuzzStrategyStandIn(strategy).lose(token.balanceOf(strategy) * _part(part) / 100);
    }

    function becomeIlliquid(uint256 which, uint256 part) external step {
        address strategy = strategies[which % STRATEGIES];
        part = _between(part, 0, 110);
        uint256 freed = part > 100 ? type(uint256).max : token.balanceOf(strategy) * part / 100;
        FuzzStrategyStandIn(strategy).setFreeable(freed);
    }

    function becomeFull(uint256 which, uint256 seed) external step {
        FuzzStrategyStandIn(strategies[which % STRATEGIES]).setRoom(_amount(seed, 1e20));
    }

    function fail(uint256 which, uint256 kind) external step {
        StrategyStandIn.Fault fault = [
            StrategyStandIn.Fault.None,
            StrategyStandIn.Fault.Reverts,
            StrategyStandIn.Fault.AnswersNothing,
            StrategyStandIn.Fault.TakesFee,
            StrategyStandIn.Fault.SaysFee,
            StrategyStandIn.Fault.TakesSilently
        ][kind % 6];
        FuzzStrategyStandIn(strategies[which % STRATEGIES]).setFault(fault);
        faults[which % STRATEGIES] = fault;
    }

    function recover() external step {
        for (uint256 i; i < STRATEGIES; ++i) {
            if (faults[i] == StrategyStandIn.Fault.None) continue;
            FuzzStrategyStandIn(strategies[i]).setFault(StrategyStandIn.Fault.None);
            faults[i] = StrategyStandIn.Fault.None;
        }
    }

    function callBack(uint256 which, uint256 how) external step {
        which %= STRATEGIES;
        address me = strategies[which];
        how %= 6;
        bytes memory data;
        if (how == 1) data = abi.encodeWithSignature("deposit(uint256,address)", 1, me);
        if (how == 2) data = abi.encodeCall(IVault.report, ());
        if (how == 3) data = abi.encodeCall(IRegulated.rebalance, ());
        if (how == 4) data = abi.encodeWithSignature("redeem(uint256,address,address)", 1, me, me);
        if (how == 5) data = abi.encodeWithSignature("totalAssets()");
        FuzzStrategyStandIn(me).setCallback(how > 0 ? address(vault) : address(0), data);
        calling[which] = true;
    }

    function donate(uint256 to, uint256 seed) external step {
        to %= STRATEGIES + 1;
        token.mint(to == STRATEGIES ? address(vault) : strategies[to], _amount(seed, 1e20));
    }

    /* TIME, KEEPERS, ROLES */

    function wait(uint256 seed) external step {
        time += _max(1, _amount(seed, 20 days));
        VM.warp(time);
    }

    function report() external step {
        allowedLoss = _unbooked();
        VM.prank(STRANGER);
        vault.report();
    }

    function rebalance() external step {
        VM.recordLogs();
        VM.prank(STRANGER);
        try vault.rebalance() {
            _measureMoves();
        } catch (bytes memory why) {
            _only(_mayRefuseMoves(bytes4(why)), why);
        }
    }

    function _mayRefuseMoves(bytes4 error) private view returns (bool) {
        if (error == IRegulated.InBand.selector || error == IRegulated.NotCloser.selector) return true;
        if (error == SafeCast.SafeCastOverflowedUintDowncast.selector) {
            for (uint256 i; i < STRATEGIES; ++i) {
                if (_of(i, SHARES) > 1e9 * (_of(i, VALUE) + 1)) return true; // it lost all, and gives absurd numbers of shares
            }
            return false;
        }
        if (!_odd() && _dear() == 0) return false;
        return error == IVaultTypes.MoveLoss.selector || error == IVaultTypes.UnexpectedTransfer.selector
            || error == IVaultTypes.LossBudgetExceeded.selector || error == IVaultTypes.Unreadable.selector;
    }

    /// What the moves lost, in the vault's own words, and by what the strategies are worth of their debts.
    function _measureMoves() private {
        uint256 profit = _profitReported();
        uint256[] memory after_ = _look();
        uint256 spent = was[BUDGET] - after_[BUDGET];
        // Caps and budget are of the assets after the report and before the moves.
        uint256 at = (after_[IDLE] + after_[TOTAL_DEBT]) * WAD / (WAD - spent) + 1;
        allowedLoss = _unbooked() + was[BUDGET] * at / WAD + 1;
        uint256 dear = _dear();
        uint256 covered = was[IDLE] + profit;
        uint256 left = after_[IDLE] + DUST + dear + at / MOVE_TOLERANCE;
        bool readable = true;
        for (uint256 i; i < STRATEGIES; ++i) {
            uint256 place = FIRST_STRATEGY + PER_STRATEGY * i;
            (uint256 debt, uint256 value) = (_of(i, DEBT), _of(i, VALUE));
            covered += _min(value, debt);
            left += _min(after_[place + VALUE], after_[place + DEBT]);
            readable = readable && _of(i, READABLE) == 1 && after_[place + READABLE] == 1;
            uint256 cap = _min(after_[place + CAP], at * after_[place + CAP_BPS] / BPS) + dear;
            require(after_[place + DEBT] <= _max(cap, _max(debt, value)), "VAULT_CAPS");
        }
        uint256 lost = readable ? _less(covered, left) * WAD / at : 0;
        if (_max(spent, lost) > 0) movesLost.push([time, _max(spent, lost), spent]);
    }

    function _profitReported() private returns (uint256 sum) {
        ICheats.Log[] memory logs = VM.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] != IVaultTypes.Reported.selector) continue;
            (uint256 profit,,) = abi.decode(logs[i].data, (uint256, uint256, uint256));
            sum += profit;
        }
    }

    function curate(uint256 which, uint256 target) external step {
        target = [uint256(3_000), 0, 1_000, 5_000, 10_000][target % 5];
        try vault.setWeight(strategies[which % STRATEGIES], target, 10) {}
        catch (bytes memory why) {
            _only(bytes4(why) == IVaultTypes.OverLimit.selector, why);
        }
    }

    function setCap(uint256 which, uint256 cap, uint256 capBps) external step {
        cap = [UNLIMITED, 0, 1e9][cap % 3];
        vault.setCap(strategies[which % STRATEGIES], cap, [BPS, uint256(100), 3_000][capBps % 3]);
    }

    function revoke(uint256 which) external step {
        recalled = _of(which % STRATEGIES, VALUE);
        allowedLoss = _unbooked() + recalled;
        vault.revoke(strategies[which % STRATEGIES]);
    }

    function pause(uint256 on) external step {
        if (on % 3 == 0) vault.pauseDeposits();
        else vault.unpauseDeposits();
    }
}

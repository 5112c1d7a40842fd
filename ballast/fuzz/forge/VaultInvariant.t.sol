// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Vault} from "../../../contracts/vault/Vault.sol";
import {VaultBooks} from "../../../contracts/vault/VaultBooks.sol";
import {VaultRules} from "../../../contracts/vault/VaultRules.sol";
import {VaultViews} from "../../../contracts/vault/VaultViews.sol";
import {FlashStandIn} from "../../../contracts/standins/FlashStandIn.sol";
import {FuzzStrategyStandIn} from "../../../contracts/standins/FuzzStrategyStandIn.sol";
import {StrategyStandIn} from "../../../contracts/standins/StrategyStandIn.sol";
import {TokenStandIn} from "../../../contracts/standins/TokenStandIn.sol";
import {PropertyLensStandIn} from "../../../contracts/standins/PropertyLensStandIn.sol";
import {IVault} from "../../../interfaces/IVault.sol";
import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";

interface ICheats {
    function prank(address sender) external;
    function warp(uint256 time) external;
}

/// @title Handler
/// @notice The rules of ballast/fuzz/vault.py that make up nearly all of its steps, with the same looks before and after.
contract Handler {
    ICheats private constant VM = ICheats(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    uint256 private constant BPS = 1e4;

    IVault public vault;
    TokenStandIn public token;
    PropertyLensStandIn public lens;
    FlashStandIn public borrower;
    address[] public strategies;
    address[] public holders;

    /// What the properties compare with.
    uint256 public netBefore;
    uint256 public supplyBefore;
    uint256 public deficitBefore;
    /// What is locked makes good a loss.
    bool public recovering;
    uint256 public timeBefore;
    uint256 public allowedLoss;
    uint256 public allowedGain;
    uint256 public time;

    constructor() {
        time = 1_750_000_000;
        VM.warp(time);
        token = new TokenStandIn(6);
        lens = new PropertyLensStandIn();
        borrower = new FlashStandIn();
        vault = IVault(
            address(
                new Vault(
                    Vault.Config(
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
                        100,
                        1 days
                    ),
                    address(new VaultBooks()),
                    address(new VaultRules()),
                    address(new VaultViews())
                )
            )
        );
        for (uint160 i; i < 3; ++i) {
            FuzzStrategyStandIn made = new FuzzStrategyStandIn(IERC20(address(token)));
            strategies.push(address(made));
            vault.addStrategy(address(made), type(uint128).max, BPS, 3_000, 10, i == 2);
            address holder = address(0x1000 + i);
            holders.push(holder);
            token.mint(holder, 1e30);
            VM.prank(holder);
            token.approve(address(vault), type(uint256).max);
        }
        holders.push(address(0xfee));
        holders.push(address(borrower));
        holders.push(vault.redemptions());
        remember();
    }

    function look() public view returns (uint256[] memory) {
        return lens.look(vault, holders, strategies);
    }

    function remember() public {
        uint256[] memory words = look();
        (netBefore, supplyBefore, deficitBefore, timeBefore) = (words[3], words[5], words[6], time);
        (allowedLoss, allowedGain) = (0, 0);
    }

    modifier step() {
        VM.warp(time);
        remember();
        _;
    }

    function _size(uint256 seed, uint256 digits) private pure returns (uint256) {
        return seed % 10 ** (1 + seed % digits);
    }

    function _unbooked() private view returns (uint256 loss) {
        uint256[] memory words = look();
        for (uint256 i; i < 3; ++i) {
            uint256 at = 16 + 2 * holders.length + 11 * i;
            (uint256 debt, uint256 value) = (words[at], words[at + 10]);
            if (debt > value) loss += debt - value;
            // one dear share may be rounded away
            if (words[at + 1] > 0) loss += value / words[at + 1];
        }
    }

    /* DEPOSITORS */

    function deposit(uint256 who, uint256 seed) external step {
        address holder = holders[who % 3];
        uint256 assets = _size(seed, 18);
        if (assets == 0 || assets > vault.maxDeposit(holder)) return;
        uint256 preview = vault.previewDeposit(assets);
        if (preview == 0) return;
        VM.prank(holder);
        uint256 shares = vault.deposit(assets, holder);
        require(shares == preview, "VAULT_PREVIEW");
        require(vault.previewRedeem(shares) <= assets, "VAULT_ROUND_TRIP");
        allowedGain = assets;
    }

    function mint(uint256 who, uint256 seed) external step {
        address holder = holders[who % 3];
        uint256 shares = _size(seed, 24);
        if (shares == 0 || shares > vault.maxMint(holder)) return;
        uint256 preview = vault.previewMint(shares);
        if (preview > 1e29) return;
        VM.prank(holder);
        require(vault.mint(shares, holder) == preview, "VAULT_PREVIEW");
        require(vault.previewRedeem(shares) <= preview, "VAULT_ROUND_TRIP");
        allowedGain = preview;
    }

    function redeem(uint256 who, uint256 part) external step {
        address holder = holders[who % 3];
        uint256 shares = vault.maxRedeem(holder) * (1 + part % 100) / 100;
        vault.previewRedeem(shares);
        allowedLoss = _unbooked();
        VM.prank(holder);
        try vault.redeem(shares, holder, holder) {} catch {} // dear shares
    }

    function withdraw(uint256 who, uint256 part) external step {
        address holder = holders[who % 3];
        uint256 assets = vault.maxWithdraw(holder) * (1 + part % 100) / 100;
        vault.previewWithdraw(assets);
        allowedLoss = _unbooked();
        VM.prank(holder);
        try vault.withdraw(assets, holder, holder) {} catch {} // dear shares
    }

    function redeemInKind(uint256 who, uint256 part) external step {
        address holder = holders[who % 3];
        uint256 shares = vault.balanceOf(holder) * (1 + part % 100) / 100;
        allowedLoss = _unbooked();
        VM.prank(holder);
        vault.redeemInKind(shares, holder, holder, BPS);
    }

    function transfer(uint256 who, uint256 to, uint256 part) external step {
        address holder = holders[who % 3];
        uint256 shares = vault.balanceOf(holder) * (part % 101) / 100;
        VM.prank(holder);
        vault.transfer(holders[to % 3], shares);
    }

    function flash(uint256 seed, uint256 donation, bool asMint) external step {
        uint256 assets = _size(seed, 18);
        if (assets == 0 || assets > vault.maxDeposit(address(borrower)) || vault.previewDeposit(assets) == 0) return;
        allowedLoss = _unbooked();
        allowedGain = assets;
        VM.prank(address(0xbad));
        require(borrower.roundTrip(vault, strategies, assets, _size(donation, 12), asMint) <= 0, "VAULT_ROUND_TRIP");
    }

    /* FORTUNE */

    function earn(uint256 which, uint256 seed) external step {
        FuzzStrategyStandIn(strategies[which % 3]).earn(_size(seed, 16));
    }

    function lose(uint256 which, uint256 part) external step {
        FuzzStrategyStandIn strategy = FuzzStrategyStandIn(strategies[which % 3]);
        strategy.lose(token.balanceOf(address(strategy)) * (part % 100) / 100);
    }

    function becomeIlliquid(uint256 which, uint256 part) external step {
        FuzzStrategyStandIn strategy = FuzzStrategyStandIn(strategies[which % 3]);
        part %= 111;
        strategy.setFreeable(
            part > 100 ? type(uint256).max : token.balanceOf(address(strategy)) * part / 100
        );
    }

    function fail(uint256 which, bool answersNothing) external step {
        FuzzStrategyStandIn(strategies[which % 3])
            .setFault(answersNothing ? StrategyStandIn.Fault.AnswersNothing : StrategyStandIn.Fault.Reverts);
    }

    function recover() external step {
        for (uint256 i; i < 3; ++i) {
            FuzzStrategyStandIn(strategies[i]).setFault(StrategyStandIn.Fault.None);
        }
    }

    function donate(uint256 to, uint256 seed) external step {
        to %= 4;
        token.mint(to == 3 ? address(vault) : strategies[to], _size(seed, 16));
    }

    /* TIME, KEEPERS, ROLES */

    function wait(uint256 seed) external step {
        time += 1 + _size(seed, 6);
        VM.warp(time);
    }

    function report() external step {
        allowedLoss = _unbooked();
        VM.prank(address(0xbad));
        vault.report();
    }

    function rebalance() external step {
        allowedLoss = _unbooked() + look()[7] * (look()[1] + look()[2]) / 1e18 + 1;
        VM.prank(address(0xbad));
        try vault.rebalance() {} catch {}
    }

    function curate(uint256 which, uint256 target) external step {
        try vault.setWeight(strategies[which % 3], (target % 11) * 1_000, 10) {} catch {}
    }

    function setCap(uint256 which, uint256 capBps) external step {
        vault.setCap(strategies[which % 3], type(uint128).max, capBps % (BPS + 1));
    }

    function revoke(uint256 which) external step {
        allowedLoss = _unbooked() + vault.strategy(strategies[which % 3]).debt;
        vault.revoke(strategies[which % 3]);
    }

    function pause(bool on) external step {
        if (on) vault.pauseDeposits();
        else vault.unpauseDeposits();
    }

    /* THE PROPERTIES */

    function check() external {
        VM.warp(time);
        uint256[] memory words = look();
        require(words[0] >= words[1], "VAULT_SOLVENT");
        require(words[3] + words[4] == words[1] + words[2], "VAULT_BOOKS");
        uint256 sum;
        uint256 at = 16;
        for (uint256 i; i < holders.length; ++i) {
            sum += words[at];
            at += 2;
        }
        require(sum == words[5], "VAULT_SHARES");
        sum = 0;
        for (uint256 i; i < 3; ++i) {
            require(words[at + 8] >= words[at + 1], "VAULT_SOLVENT");
            sum += words[at];
            at += 11;
        }
        require(sum == words[2], "VAULT_BOOKS");
        _checkPrice(words[3], words[5], words[4], words[9]);
        if (words[6] < deficitBefore) recovering = true;
        else if (time >= words[9]) recovering = false;
    }

    function _checkPrice(uint256 net, uint256 supply, uint256 locked, uint256 until) private view {
        (uint256 old, uint256 fresh) = (supplyBefore + 1e6, supply + 1e6);
        uint256 loss = allowedLoss < netBefore ? allowedLoss : netBefore;
        require((net + 1) * old >= (netBefore + 1 - loss) * fresh, "VAULT_PRICE");
        if (netBefore == 0 && supplyBefore > 1e9) return;
        uint256 passed = time - timeBefore;
        uint256 growth = (netBefore + deficitBefore) * 65_535 * passed / (BPS * 365 days);
        if (until > time + 99 * 365 days) growth += (locked + net) * passed / (99 * 365 days) + 1;
        // What makes good a loss unlocks over the period.
        if (recovering) growth = netBefore + deficitBefore + locked + net;
        uint256 dust = 8 + net / fresh;
        require((net + 1) * old <= (netBefore + 1 + growth + allowedGain + dust) * fresh + dust * old, "VAULT_GROWTH");
    }
}

/// @title VaultInvariant
/// @notice The vault machine for forge, to compare speeds with.
contract VaultInvariant {
    Handler internal handler;

    function setUp() public {
        handler = new Handler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    struct Selectors {
        address addr;
        bytes4[] selectors;
    }

    function targetSelectors() public view returns (Selectors[] memory targets) {
        bytes4[19] memory rules = [
            Handler.deposit.selector,
            Handler.mint.selector,
            Handler.redeem.selector,
            Handler.withdraw.selector,
            Handler.redeemInKind.selector,
            Handler.transfer.selector,
            Handler.flash.selector,
            Handler.earn.selector,
            Handler.lose.selector,
            Handler.becomeIlliquid.selector,
            Handler.fail.selector,
            Handler.recover.selector,
            Handler.donate.selector,
            Handler.wait.selector,
            Handler.report.selector,
            Handler.rebalance.selector,
            Handler.curate.selector,
            Handler.setCap.selector,
            Handler.revoke.selector
        ];
        targets = new Selectors[](1);
        targets[0].addr = address(handler);
        targets[0].selectors = new bytes4[](rules.length);
        for (uint256 i; i < rules.length; ++i) {
            targets[0].selectors[i] = rules[i];
        }
    }

    function invariant_everyProperty() public {
        handler.check();
    }
}

/// @notice The same once more: forge runs test contracts side by side, one on each core.
contract VaultInvariantOnceMore is VaultInvariant {}

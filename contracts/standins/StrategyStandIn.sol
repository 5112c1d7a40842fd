// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

interface IMintable {
    function mint(address to, uint256 value) external;
}

/// @title StrategyStandIn
/// @notice STAND-IN for tests: an ERC-4626 over a TokenStandIn whose fortune the test decides.
contract StrategyStandIn is ERC4626 {
    enum Fault {
        None,
        Reverts, // every call of the vault fails
        BurnsGas, // every view of the vault runs out of gas
        Short, // pays half of what it is asked for
        Overstates, // says that all can be withdrawn, and reverts when asked
        AnswersNothing, // views answer with no data
        TakesFee, // keeps 1 % of a deposit
        SaysFee, // as TakesFee, and its previews say so
        PaysSilently, // withdrawals pay, and answer with no data
        TakesSilently, // deposits are taken, and answered with no data
        ChargesEntry, // keeps 1 % of a deposit for itself, and says so
        KeepsShares, // does not let go of its shares
        AnswersZero, // deposits are taken, and answered with 0
        TakesHalf // takes half of a deposit, for half of the shares
    }

    Fault public fault;
    /// Most assets it frees or takes; max when unlimited.
    uint256 public freeable = type(uint256).max;
    uint256 public room = type(uint256).max;
    /// Called with `payload` in the middle of deposits and withdrawals.
    address public callee;
    bytes public payload;
    bool public reentered;
    /// Whether its value may jump between reports.
    bool public isVolatile;
    bytes public answer;

    error Broken();

    constructor(IERC20 asset_) ERC20("Strategy stand-in", "STR") ERC4626(asset_) {}

    function earn(uint256 assets) external {
        IMintable(asset()).mint(address(this), assets);
    }

    function lose(uint256 assets) external {
        IERC20(asset()).transfer(address(0xdead), assets);
    }

    function setVolatile(bool isVolatile_) external {
        isVolatile = isVolatile_;
    }

    function setFault(Fault fault_) external {
        fault = fault_;
    }

    function setFreeable(uint256 assets) external {
        freeable = assets;
    }

    function setRoom(uint256 assets) external {
        room = assets;
    }

    function setCallback(address callee_, bytes calldata payload_) external {
        callee = callee_;
        payload = payload_;
    }

    function maxDeposit(address) public view override returns (uint256) {
        return room;
    }

    function maxWithdraw(address holder) public view override returns (uint256) {
        _misbehave();
        uint256 all = convertToAssets(balanceOf(holder));
        return fault == Fault.Overstates ? all : Math.min(all, freeable);
    }

    function maxRedeem(address holder) public view override returns (uint256) {
        _misbehave();
        if (fault == Fault.Overstates || freeable == type(uint256).max) return balanceOf(holder);
        return Math.min(balanceOf(holder), convertToShares(freeable));
    }

    function previewRedeem(uint256 shares) public view virtual override returns (uint256) {
        _misbehave();
        return super.previewRedeem(shares);
    }

    function previewDeposit(uint256 assets) public view override returns (uint256) {
        bool charges = fault == Fault.SaysFee || fault == Fault.ChargesEntry;
        return super.previewDeposit(charges ? assets - assets / 100 : assets);
    }

    function deposit(uint256 assets, address receiver) public override returns (uint256 shares) {
        shares = super.deposit(fault == Fault.TakesHalf ? assets / 2 : assets, receiver);
        if (fault == Fault.TakesSilently) _answerNothing();
        if (fault == Fault.AnswersZero) return 0;
    }

    function redeem(uint256 shares, address receiver, address holder) public override returns (uint256 assets) {
        assets = super.redeem(shares, receiver, holder);
        if (fault == Fault.PaysSilently) _answerNothing();
    }

    function withdraw(uint256 assets, address receiver, address holder) public override returns (uint256 shares) {
        shares = super.withdraw(assets, receiver, holder);
        if (fault == Fault.PaysSilently) _answerNothing();
    }

    function _deposit(address caller, address receiver, uint256 assets, uint256 shares) internal override {
        if (fault == Fault.Reverts) revert Broken();
        _callBack();
        super._deposit(caller, receiver, assets, shares);
        if (fault == Fault.TakesFee || fault == Fault.ChargesEntry) IERC20(asset()).transfer(address(0xdead), assets / 100);
    }

    function _withdraw(address caller, address receiver, address holder, uint256 assets, uint256 shares)
        internal
        override
    {
        if (fault == Fault.Reverts || fault == Fault.Overstates) revert Broken();
        _callBack();
        super._withdraw(caller, receiver, holder, fault == Fault.Short ? assets / 2 : assets, shares);
    }

    function _update(address from, address to, uint256 value) internal override {
        if (fault == Fault.KeepsShares && from != address(0) && to != address(0)) revert Broken();
        super._update(from, to, value);
    }

    function _misbehave() private view {
        if (fault == Fault.Reverts) revert Broken();
        if (fault == Fault.BurnsGas) {
            while (true) {}
        }
        if (fault == Fault.AnswersNothing) _answerNothing();
    }

    function _answerNothing() private pure {
        assembly ("memory-safe") {
            return(0, 0)
        }
    }

    function _callBack() private {
        if (callee == address(0)) return;
        (reentered, answer) = callee.call(payload);
    }
}

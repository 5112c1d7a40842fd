// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {IExposed} from "../../interfaces/IExposed.sol";
import {StrategyStandIn} from "./StrategyStandIn.sol";

/// @title ExposedStandIn
/// @notice STAND-IN for tests: a strategy stand-in whose exposure the test decides.
contract ExposedStandIn is StrategyStandIn, IExposed {
    enum Silence {
        None,
        Reverts,
        BurnsGas
    }

    Exposure private _exposure;
    Silence public silence;
    /// Gas that saying the exposure takes.
    uint256 public work;
    /// When not 0, the exposure is this many times (Wad) what it holds, to a base of the test's.
    uint256 public leverageWad;

    error Silent();

    constructor(IERC20 asset_) StrategyStandIn(asset_) {}

    function setExposure(Exposure calldata exposure_) external {
        _exposure = exposure_;
    }

    function setLeverage(address base, uint256 leverageWad_) external {
        _exposure.base = base;
        leverageWad = leverageWad_;
    }

    function setSilence(Silence silence_) external {
        silence = silence_;
    }

    function setWork(uint256 gas) external {
        work = gas;
    }

    function exposure() external view returns (Exposure memory) {
        if (silence == Silence.Reverts) revert Silent();
        while (silence == Silence.BurnsGas) {}
        uint256 began = gasleft();
        while (began - gasleft() < work) {}
        if (leverageWad == 0) return _exposure;
        int256 net = int256(totalAssets());
        int256 delta = net * int256(leverageWad) / 1e18;
        return Exposure(_exposure.base, delta, 0, uint256(delta), net);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IOracle} from "../../interfaces/IOracle.sol";

/// @title OracleStandIn
/// @notice STAND-IN for tests: an oracle that says what the test sets. At first it knows nothing.
contract OracleStandIn is IOracle {
    uint256 private _feedWad;
    uint256 private _poolWad;
    Verdict private _verdict = Verdict.Stale;

    function set(uint256 feedWad, uint256 poolWad, Verdict verdict) external {
        (_feedWad, _poolWad, _verdict) = (feedWad, poolWad, verdict);
    }

    function price() external view returns (uint256, Verdict) {
        return (_feedWad, _verdict);
    }

    function sources() external view returns (uint256, uint256, Verdict) {
        return (_feedWad, _poolWad, _verdict);
    }

    function last() external view returns (uint256) {
        return _poolWad;
    }
}

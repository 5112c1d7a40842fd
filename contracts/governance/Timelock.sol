// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

/// @title Timelock
/// @notice OpenZeppelin's TimelockController where a function may have a longer delay than the minimum, by its selector.
/// @dev A call waits the longer of the minimum delay and its selector's, on whatever contract; one of less than four bytes
/// (plain ether) the minimum. A batch waits as long as the slowest of its calls.
/// @dev NO WAY ROUND: lowering a function's delay waits as long as the function. The delay is asked for twice: of what the
/// proposer says, and of the time really waited when it is executed, by the delays of that moment. So what was scheduled
/// before a delay rose, and kept ready, is no way to act sooner. Delays change only through the timelock itself.
/// @dev Who owns a contract waits for nothing: `setOwner` of what the timelock owns should wait longest.
/// @dev UNITS: delays in seconds.
contract Timelock is TimelockController {
    uint256 public constant MAX_DELAY = 30 days;

    /// @notice Delay of a function by its selector; 0 where only the minimum counts.
    mapping(bytes4 selector => uint256) public delays;
    /// @notice Time at which an operation was last scheduled.
    mapping(bytes32 id => uint256) public scheduledAt;

    event DelaySet(bytes4 indexed selector, uint256 delay);

    /// @notice A delay so long would be for ever: lowering it would have to wait as long.
    error DelayTooLong(uint256 delay, uint256 maxDelay);
    error DelaysMismatch(uint256 selectors, uint256 delays);

    /// @param selectors Functions with a delay of their own, which `delays_` gives in the same order.
    constructor(
        uint256 minDelay,
        address[] memory proposers,
        address[] memory executors,
        address admin,
        bytes4[] memory selectors,
        uint256[] memory delays_
    ) TimelockController(minDelay, proposers, executors, admin) {
        if (minDelay > MAX_DELAY) revert DelayTooLong(minDelay, MAX_DELAY);
        if (selectors.length != delays_.length) revert DelaysMismatch(selectors.length, delays_.length);
        for (uint256 i; i < selectors.length; ++i) {
            _setDelay(selectors[i], delays_[i]);
        }
    }

    /// @notice Sets the delay of a function. Only the timelock itself. Lowering it waits the function's present delay.
    function setDelay(bytes4 selector, uint256 delay) external {
        if (msg.sender != address(this)) revert TimelockUnauthorizedCaller(msg.sender);
        _setDelay(selector, delay);
    }

    /// @inheritdoc TimelockController
    function updateDelay(uint256 newDelay) public override {
        if (newDelay > MAX_DELAY) revert DelayTooLong(newDelay, MAX_DELAY);
        super.updateDelay(newDelay);
    }

    /// @notice Seconds that a call must wait.
    function delayOf(address target, bytes calldata data) public view returns (uint256 delay) {
        delay = getMinDelay();
        if (data.length < 4) return delay;
        bytes4 selector = bytes4(data);
        if (delays[selector] > delay) delay = delays[selector];
        if (target == address(this) && selector == this.setDelay.selector) {
            (bytes4 changed, uint256 wanted) = abi.decode(data[4:], (bytes4, uint256));
            uint256 present = delays[changed];
            if (wanted < present && present > delay) delay = present;
        }
    }

    /// @notice As TimelockController, with the call's own delay. Reverts with `TimelockInsufficientDelay(asked, needed)`.
    function schedule(
        address target,
        uint256 value,
        bytes calldata data,
        bytes32 predecessor,
        bytes32 salt,
        uint256 delay
    ) public override {
        super.schedule(target, value, data, predecessor, salt, delay);
        _checkDelay(delay, delayOf(target, data));
        scheduledAt[hashOperation(target, value, data, predecessor, salt)] = block.timestamp;
    }

    /// @notice As TimelockController, with the longest delay among the calls.
    function scheduleBatch(
        address[] calldata targets,
        uint256[] calldata values,
        bytes[] calldata payloads,
        bytes32 predecessor,
        bytes32 salt,
        uint256 delay
    ) public override {
        super.scheduleBatch(targets, values, payloads, predecessor, salt, delay);
        _checkDelays(delay, targets, payloads);
        scheduledAt[hashOperationBatch(targets, values, payloads, predecessor, salt)] = block.timestamp;
    }

    /// @notice As TimelockController. Reverts with `TimelockInsufficientDelay(waited, needed)` when the delay has risen since.
    function execute(address target, uint256 value, bytes calldata payload, bytes32 predecessor, bytes32 salt)
        public
        payable
        override
    {
        bytes32 id = hashOperation(target, value, payload, predecessor, salt);
        if (isOperationReady(id)) _checkDelay(block.timestamp - scheduledAt[id], delayOf(target, payload));
        super.execute(target, value, payload, predecessor, salt);
    }

    /// @notice As `execute`, with the longest delay among the calls before the first is made.
    function executeBatch(
        address[] calldata targets,
        uint256[] calldata values,
        bytes[] calldata payloads,
        bytes32 predecessor,
        bytes32 salt
    ) public payable override {
        bytes32 id = hashOperationBatch(targets, values, payloads, predecessor, salt);
        if (isOperationReady(id)) _checkDelays(block.timestamp - scheduledAt[id], targets, payloads);
        super.executeBatch(targets, values, payloads, predecessor, salt);
    }

    function _checkDelays(uint256 delay, address[] calldata targets, bytes[] calldata payloads) private view {
        for (uint256 i; i < targets.length; ++i) {
            _checkDelay(delay, delayOf(targets[i], payloads[i]));
        }
    }

    function _checkDelay(uint256 delay, uint256 needed) private pure {
        if (delay < needed) revert TimelockInsufficientDelay(delay, needed);
    }

    function _setDelay(bytes4 selector, uint256 delay) private {
        if (delay > MAX_DELAY) revert DelayTooLong(delay, MAX_DELAY);
        delays[selector] = delay;
        emit DelaySet(selector, delay);
    }
}

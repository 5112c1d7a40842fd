// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title StakedEtherStandIn
/// @notice STAND-IN for the local replica, never deployed for real: a token of staked ether, because no bytecode of the real
/// ones is within reach. One token is worth ever more ether by `rate`; nobody can redeem it, as nobody could in June 2022.
/// @dev Balances do not rebase. The rate grows by the second and without compounding, where real ones take daily steps.
/// @dev ROUNDING: tokens down.
contract StakedEtherStandIn {
    /* STORAGE */

    string public constant name = "Staked ether stand-in";
    string public constant symbol = "stakedETH";
    uint8 public constant decimals = 18;
    uint256 private constant WAD = 1e18;

    /// @notice What a token's worth grows by in a year, as a share of its first worth, Wad.
    uint256 public immutable growthWad;
    /// @notice When a token was worth one ether.
    uint256 public immutable since;

    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    /* EVENTS AND ERRORS */

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    error InsufficientBalance(address owner, uint256 balance, uint256 value);
    error InsufficientAllowance(address spender, uint256 allowed, uint256 value);

    constructor(uint256 growthWad_) {
        growthWad = growthWad_;
        since = block.timestamp;
    }

    /// @notice Ether that one token stands for, Wad.
    function rate() public view returns (uint256) {
        return WAD + growthWad * (block.timestamp - since) / 365 days;
    }

    /// @notice Stakes the ether sent, for tokens at the present rate.
    function deposit() external payable returns (uint256 tokens) {
        tokens = msg.value * WAD / rate();
        totalSupply += tokens;
        balanceOf[msg.sender] += tokens;
        emit Transfer(address(0), msg.sender, tokens);
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        _move(msg.sender, to, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        uint256 allowed = allowance[from][msg.sender];
        if (allowed < value) revert InsufficientAllowance(msg.sender, allowed, value);
        if (allowed != type(uint256).max) allowance[from][msg.sender] = allowed - value;
        _move(from, to, value);
        return true;
    }

    function _move(address from, address to, uint256 value) private {
        uint256 held = balanceOf[from];
        if (held < value) revert InsufficientBalance(from, held, value);
        unchecked {
            // checked above; a sum of balances is at most totalSupply
            balanceOf[from] = held - value;
            balanceOf[to] += value;
        }
        emit Transfer(from, to, value);
    }
}

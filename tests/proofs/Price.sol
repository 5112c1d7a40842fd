// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Bench} from "./Bench.sol";

/// @title Price
/// @notice What shares cost and pay, at any rate between supply and assets.
contract Price is Bench {
    // Asserts before the last are steps of the proof: each is proven, and then known to the next.

    function check_deposit_then_redeem_gains_nothing(uint112 supply, uint96 net, uint96 assets) external pure {
        uint256 shares = _toSharesDown(assets, supply, net);
        if (!_fits(shares) || !_fits(supply + shares)) return;
        uint256 whole = uint256(supply) + VIRTUAL_SHARES;
        unchecked {
            assert(shares * (uint256(net) + 1) <= assets * whole);
            assert(shares * (uint256(net) + assets + 1) <= assets * (whole + shares));
        }
        assert(_toAssetsDown(shares, supply + shares, uint256(net) + assets) <= assets);
    }

    function check_mint_then_withdraw_gains_nothing(uint112 supply, uint96 net, uint112 shares) external pure {
        uint256 assets = _toAssetsUp(shares, supply, net);
        if (!_fits(assets) || !_fits(net + assets)) return;
        uint256 whole = uint256(supply) + VIRTUAL_SHARES;
        unchecked {
            assert(assets * whole >= shares * (uint256(net) + 1));
            assert(assets * (whole + shares) >= shares * (uint256(net) + assets + 1));
        }
        assert(_toSharesUp(assets, uint256(supply) + shares, net + assets) >= shares);
    }

    function check_entry_never_lowers_the_price(uint112 supply, uint96 net, uint96 assets) external pure {
        uint256 shares = _toSharesDown(assets, supply, net);
        if (!_fits(shares) || !_fits(supply + shares)) return;
        assert(_worthAtLeast(uint256(net) + assets, supply + shares, net, supply));
    }

    function check_exit_never_lowers_the_price(uint112 supply, uint96 net, uint96 assets) external pure {
        uint256 shares = _toSharesUp(assets, supply, net);
        if (assets > net || shares > supply) return;
        assert(_worthAtLeast(net - assets, supply - shares, net, supply));
    }
}

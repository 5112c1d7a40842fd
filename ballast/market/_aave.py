"""The crowd on Aave's USDC reserve."""

from typing import Any

from web3 import Web3

from ballast import mainnet
from ballast.market._crowd import (
    WAD,
    LendingState,
    MarketError,
    allow,
    check_amount,
    check_utilisation,
    provide_usdc,
    provide_weth,
    send,
    shares,
    usdc,
    weth,
)
from ballast.replica.manifest import actors

_VARIABLE = 2
_RAY = 10**27
#: collateral is topped up so that this much of a new loan could be drawn; more would meet the supply cap of WETH
_HEADROOM_PERCENT = 110


def _pool(w3: Web3) -> Any:
    return w3.eth.contract(mainnet.AAVE_POOL, abi=mainnet.AAVE_POOL_ABI)


def _token(w3: Web3, address: str) -> Any:
    return w3.eth.contract(address, abi=mainnet.ERC20_ABI)


def aave_state(w3: Web3) -> LendingState:
    """Read the USDC reserve; its rates are those since its last update."""
    reserve = _pool(w3).functions.getReserveData(mainnet.USDC).call()
    borrowed = _token(w3, reserve[10]).functions.totalSupply().call()
    free = _pool(w3).functions.getVirtualUnderlyingBalance(mainnet.USDC).call()
    return LendingState("aave", free + borrowed, borrowed, reserve[4] * WAD // _RAY, reserve[2] * WAD // _RAY)


def aave_supply(w3: Web3, amount: int) -> None:
    """Lend `amount` more USDC units, split evenly over the suppliers."""
    check_amount(amount)
    suppliers = actors("aave_supplier")
    for who, part in zip(suppliers, shares(amount, [1] * len(suppliers)), strict=True):
        provide_usdc(w3, who, part)
        allow(w3, who, usdc(w3), mainnet.AAVE_POOL, part)
        send(w3, who, _pool(w3).functions.supply(mainnet.USDC, part, who, 0))


def aave_withdraw(w3: Web3, amount: int) -> None:
    """Take `amount` USDC units out, in proportion to what each supplier lent."""
    check_amount(amount)
    receipts = _token(w3, mainnet.AAVE_A_USDC)
    suppliers = actors("aave_supplier")
    lent = [receipts.functions.balanceOf(who).call() for who in suppliers]
    if amount > sum(lent):
        raise MarketError(f"the suppliers lent {sum(lent)} USDC units on Aave, fewer than {amount}")
    for who, part in zip(suppliers, shares(amount, lent), strict=True):
        if part:
            send(w3, who, _pool(w3).functions.withdraw(mainnet.USDC, part, who))


def aave_borrow(w3: Web3, amount: int) -> None:
    """Borrow `amount` more USDC units, split evenly over the borrowers; collateral is added where it is short."""
    check_amount(amount)
    borrowers = actors("aave_borrower")
    for who, part in zip(borrowers, shares(amount, [1] * len(borrowers)), strict=True):
        _add_collateral(w3, who, part)
        send(w3, who, _pool(w3).functions.borrow(mainnet.USDC, part, _VARIABLE, 0, who))


def aave_repay(w3: Web3, amount: int) -> None:
    """Pay back `amount` USDC units, in proportion to what each borrower owes."""
    check_amount(amount)
    debt = _token(w3, _pool(w3).functions.getReserveData(mainnet.USDC).call()[10])
    borrowers = actors("aave_borrower")
    owed = [debt.functions.balanceOf(who).call() for who in borrowers]
    if amount > sum(owed):
        raise MarketError(f"the borrowers owe {sum(owed)} USDC units on Aave, fewer than {amount}")
    for who, part in zip(borrowers, shares(amount, owed), strict=True):
        if part:
            provide_usdc(w3, who, part)
            allow(w3, who, usdc(w3), mainnet.AAVE_POOL, part)
            send(w3, who, _pool(w3).functions.repay(mainnet.USDC, part, _VARIABLE, who))


def set_aave_utilisation(w3: Web3, target_wad: int) -> LendingState:
    """Borrow or repay until `target_wad` of the reserve is lent out; return the state afterwards."""
    check_utilisation(target_wad)
    state = aave_state(w3)
    change = state.supplied * target_wad // WAD - state.borrowed
    if change > 0:
        aave_borrow(w3, change)
    elif change < 0:
        aave_repay(w3, -change)
    return aave_state(w3)


def _add_collateral(w3: Web3, who: str, loan: int) -> None:
    """Supply WETH until `who` may borrow `loan` USDC units with headroom."""
    oracle = w3.eth.contract(mainnet.AAVE_ORACLE, abi=mainnet.abi("getAssetPrice(address) view returns (uint256)"))
    usdc_price = oracle.functions.getAssetPrice(mainnet.USDC).call()
    available, _, ltv_bps = _pool(w3).functions.getUserAccountData(who).call()[2:5]
    wanted = loan * usdc_price * _HEADROOM_PERCENT // (100 * 10**mainnet.USDC_DECIMALS)
    if available >= wanted:
        return
    weth_price = oracle.functions.getAssetPrice(mainnet.WETH).call()
    if not ltv_bps:
        raise MarketError(f"{who} has no collateral on Aave that counts")
    amount = (wanted - available) * 10**mainnet.WETH_DECIMALS * 10**4 // (ltv_bps * weth_price) + 1
    provide_weth(w3, who, amount)
    allow(w3, who, weth(w3), mainnet.AAVE_POOL, amount)
    send(w3, who, _pool(w3).functions.supply(mainnet.WETH, amount, who, 0))

"""The crowd on Morpho's WETH/USDC market."""

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

MARKET = mainnet.MORPHO_MARKET_WETH_USDC
ID = mainnet.MORPHO_MARKET_ID_WETH_USDC
_YEAR_SECONDS = 365 * 86400
#: Morpho counts shares as if this many existed against one unit of assets, so that an empty market has a price
_VIRTUAL_SHARES = 10**6
_VIRTUAL_ASSETS = 1
_HEADROOM = 2


def _morpho(w3: Web3) -> Any:
    return w3.eth.contract(mainnet.MORPHO, abi=mainnet.MORPHO_ABI)


def morpho_state(w3: Web3) -> LendingState:
    """Read the market, with the interest that its next accrual will book."""
    market = _morpho(w3).functions.market(ID).call()
    supplied, _, borrowed, _, updated, fee = market
    irm = w3.eth.contract(mainnet.MORPHO_IRM, abi=mainnet.MORPHO_IRM_ABI)
    rate = irm.functions.borrowRateView(MARKET, market).call()
    elapsed = w3.eth.get_block("latest")["timestamp"] - updated
    interest = borrowed * compounded(rate, elapsed) // WAD
    supplied, borrowed = supplied + interest, borrowed + interest
    yearly = rate * _YEAR_SECONDS
    utilisation = borrowed * WAD // supplied if supplied else 0
    return LendingState("morpho", supplied, borrowed, yearly, yearly * utilisation // WAD * (WAD - fee) // WAD)


def compounded(rate: int, seconds: int) -> int:
    """Growth of a debt at `rate` (WAD a second) over `seconds`, as Morpho counts it: three terms of exp(x) - 1, WAD."""
    first = rate * seconds
    second = first * first // (2 * WAD)
    return first + second + second * first // (3 * WAD)


def morpho_supply(w3: Web3, amount: int) -> None:
    """Lend `amount` more USDC units, split evenly over the suppliers."""
    check_amount(amount)
    suppliers = actors("morpho_supplier")
    for who, part in zip(suppliers, shares(amount, [1] * len(suppliers)), strict=True):
        provide_usdc(w3, who, part)
        allow(w3, who, usdc(w3), mainnet.MORPHO, part)
        send(w3, who, _morpho(w3).functions.supply(MARKET, part, 0, who, b""))


def morpho_withdraw(w3: Web3, amount: int) -> None:
    """Take `amount` USDC units out, in proportion to what each supplier lent."""
    check_amount(amount)
    _accrue(w3)
    suppliers = actors("morpho_supplier")
    lent = _positions(w3, suppliers, 0)
    if amount > sum(lent):
        raise MarketError(f"the suppliers lent {sum(lent)} USDC units on Morpho, fewer than {amount}")
    for who, part in zip(suppliers, shares(amount, lent), strict=True):
        if part:
            send(w3, who, _morpho(w3).functions.withdraw(MARKET, part, 0, who, who))


def morpho_borrow(w3: Web3, amount: int) -> None:
    """Borrow `amount` more USDC units, split evenly over the borrowers; collateral is added where it is short."""
    check_amount(amount)
    _accrue(w3)
    borrowers = actors("morpho_borrower")
    owed = _positions(w3, borrowers, 1)
    for who, debt, part in zip(borrowers, owed, shares(amount, [1] * len(borrowers)), strict=True):
        _add_collateral(w3, who, debt, part)
        send(w3, who, _morpho(w3).functions.borrow(MARKET, part, 0, who, who))


def morpho_repay(w3: Web3, amount: int) -> None:
    """Pay back `amount` USDC units, in proportion to what each borrower owes."""
    check_amount(amount)
    _accrue(w3)
    borrowers = actors("morpho_borrower")
    owed = _positions(w3, borrowers, 1)
    if amount > sum(owed):
        raise MarketError(f"the borrowers owe {sum(owed)} USDC units on Morpho, fewer than {amount}")
    for who, part in zip(borrowers, shares(amount, owed), strict=True):
        if part:
            provide_usdc(w3, who, part)
            allow(w3, who, usdc(w3), mainnet.MORPHO, part)
            send(w3, who, _morpho(w3).functions.repay(MARKET, part, 0, who, b""))


def set_morpho_utilisation(w3: Web3, target_wad: int) -> LendingState:
    """Borrow or repay until `target_wad` of the market is lent out; return the state afterwards."""
    check_utilisation(target_wad)
    _accrue(w3)
    state = morpho_state(w3)
    change = state.supplied * target_wad // WAD - state.borrowed
    if change > 0:
        morpho_borrow(w3, change)
    elif change < 0:
        # what the borrowers owe is rounded down, so a full repayment may fall short by a unit
        owed = sum(_positions(w3, actors("morpho_borrower"), 1))
        morpho_repay(w3, min(-change, owed))
    return morpho_state(w3)


def _accrue(w3: Web3) -> None:
    send(w3, actors("morpho_supplier")[0], _morpho(w3).functions.accrueInterest(MARKET))


def _positions(w3: Web3, owners: list[str], side: int) -> list[int]:
    """Return loan units lent (`side` 0) or owed (1) by each owner, rounded down, from a market just accrued."""
    market = _morpho(w3).functions.market(ID).call()
    assets, issued = market[2 * side] + _VIRTUAL_ASSETS, market[2 * side + 1] + _VIRTUAL_SHARES
    return [_morpho(w3).functions.position(ID, owner).call()[side] * assets // issued for owner in owners]


def _add_collateral(w3: Web3, who: str, debt: int, loan: int) -> None:
    """Supply WETH until `who`, owing `debt`, may borrow `loan` USDC units with headroom."""
    price = w3.eth.contract(mainnet.MORPHO_ORACLE_WETH_USDC, abi=mainnet.MORPHO_ORACLE_ABI).functions.price().call()
    held = _morpho(w3).functions.position(ID, who).call()[2]
    wanted = (debt + _HEADROOM * loan) * WAD * 10**36 // (mainnet.MORPHO_LLTV_WETH_USDC * price) + 1
    if held >= wanted:
        return
    provide_weth(w3, who, wanted - held)
    allow(w3, who, weth(w3), mainnet.MORPHO, wanted - held)
    send(w3, who, _morpho(w3).functions.supplyCollateral(MARKET, wanted - held, who, b""))

"""Credit accounts on the fork's Aave, ether for anyone, and Aave's own governors."""

from typing import NamedTuple

import pytest
from ape import Contract

from ballast import mainnet
from tests.router_kit import *

ETHER = 10**18
ZERO = "0x" + "00" * 20
#: `getReserveData`: where the aToken and the variable debt token stand
RECEIPT, DEBT_TOKEN = 8, 10
EMODE_ABI = mainnet.abi(
    "setEModeCategory(uint8,uint16,uint16,uint16,string)",
    "setAssetCollateralInEMode(address,uint8,bool)",
    "setAssetBorrowableInEMode(address,uint8,bool)",
    "setReservePause(address,bool)",
    "setReserveFreeze(address,bool)",
    "setReserveBorrowing(address,bool)",
    "setSupplyCap(address,uint256)",
    "setBorrowCap(address,uint256)",
    "configureReserveAsCollateral(address,uint256,uint256,uint256)",
)


class Side(NamedTuple):
    """Which token is collateral and which is owed."""

    collateral: str
    debt: str


SHORT = Side(mainnet.USDC, mainnet.WETH)  # owes the base token
LONG = Side(mainnet.WETH, mainnet.USDC)  # holds it


@pytest.fixture(scope="module")
def pool():
    return Contract(mainnet.AAVE_POOL, abi=mainnet.AAVE_POOL_ABI)


@pytest.fixture(scope="module")
def weth():
    return Contract(mainnet.WETH, abi=mainnet.WETH_ABI)


@pytest.fixture(scope="module")
def give_weth(weth):
    """Wrap ether for anyone."""

    def give(receiver, amount):
        receiver.balance = receiver.balance + amount
        weth.deposit(value=amount, sender=receiver)

    return give


@pytest.fixture(scope="module")
def make_credit(project, owner, oracle):
    def make(side, *, holder=None, asset=mainnet.USDC, e_mode=0):
        return owner.deploy(
            project.AaveV3Credit,
            (holder or owner, *side, asset, mainnet.AAVE_ADDRESSES_PROVIDER, oracle, e_mode),
        )

    return make


@pytest.fixture(scope="module")
def aave_token(w3):
    """Return a reserve's aToken (RECEIPT) or debt token (DEBT_TOKEN)."""

    def token(reserve, which):
        data = w3.eth.contract(mainnet.AAVE_POOL, abi=mainnet.AAVE_POOL_ABI).functions.getReserveData(reserve).call()
        return Contract(data[which], abi=mainnet.ERC20_ABI)

    return token


@pytest.fixture(scope="module")
def aave_governor(accounts):
    """Change Aave's settings as its own pool admin: aave_governor("setSupplyCap", token, cap)."""
    provider = Contract(
        mainnet.AAVE_ADDRESSES_PROVIDER,
        abi=mainnet.abi("getACLManager() view returns (address)", "getACLAdmin() view returns (address)"),
    )
    configurator = Contract(mainnet.AAVE_POOL_CONFIGURATOR, abi=EMODE_ABI)

    def change(method, *arguments):
        admin = accounts[provider.getACLAdmin()]
        admin.balance = 10**20
        roles = Contract(provider.getACLManager(), abi=mainnet.abi("addPoolAdmin(address)"))
        roles.addPoolAdmin(admin, sender=admin)
        getattr(configurator, method)(*arguments, sender=admin)

    return change


class Call:
    """A call with its arguments, for `refusal`."""

    def __init__(self, method, *arguments):
        self.method, self.arguments = method, arguments

    def encode_input(self):
        return self.method.encode_input(*self.arguments)


def refused(method, *arguments, by):
    """Name of the error that a call would revert with; None when it would pass."""
    return refusal(method.contract, Call(method, *arguments), by)

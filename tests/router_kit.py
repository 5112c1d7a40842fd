"""Fixtures for tests of the lending router on the fork: real Aave v3, Morpho Blue, Chainlink and Uniswap."""

import pytest
from ape import Contract
from eth_utils import keccak
from web3.exceptions import ContractCustomError, ContractLogicError

from ballast import mainnet
from ballast.environment import UPSTREAM_IS_REAL
from tests.actors import *

USDC = 10**6
HOUR = 3_600
DAY = 24 * HOUR
WAD = 10**18
RAY = 10**27
WINDOW = 12 * HOUR
MARGIN = 2 * WAD // 1000  # 0.2 % a year
UNLIMITED = 2**128 - 1
NOBODY = "0x" + 40 * "0"

AAVE, MORPHO = 0, 1


@pytest.fixture(scope="module")
def w3(chain):
    """The fork's own connection, for what is not a contract of ours."""
    # as on the real chain, no two blocks share a time
    chain.provider.web3.provider.make_request("anvil_setBlockTimestampInterval", [1])
    return chain.provider.web3


@pytest.fixture(scope="module")
def usdc():
    return Contract(mainnet.USDC, abi=mainnet.USDC_ABI)


@pytest.fixture(scope="module")
def give_usdc(usdc, w3, accounts):
    """Mint USDC as its own master minter would allow; holds on a real upstream too."""

    def give(receiver, amount):
        master = accounts[usdc.masterMinter()]
        master.balance = 10**20
        usdc.configureMinter(master, amount, sender=master)
        usdc.mint(receiver, amount, sender=master)

    return give


def oracle_terms(
    *,
    base_max_age=2 * HOUR,
    quote_max_age=25 * HOUR,
    twap_period=30 * 60,
    deviation_bps=200,
    sequencer=NOBODY,
    grace=0,
):
    """Oracle.Config for ether in USDC."""
    return (
        mainnet.ETH_USD_FEED,
        mainnet.USDC_USD_FEED,
        base_max_age,
        quote_max_age,
        mainnet.UNISWAP_V3_USDC_WETH_500,
        mainnet.WETH,
        mainnet.USDC,
        twap_period,
        deviation_bps,
        sequencer,
        grace,
    )


@pytest.fixture(scope="module")
def make_oracle(project, owner):
    def make(**changed):
        return owner.deploy(project.Oracle, oracle_terms(**changed))

    return make


@pytest.fixture(scope="module")
def oracle(make_oracle):
    # tests let days pass without a round: the age is tested on an oracle of its own
    return make_oracle(base_max_age=365 * DAY, quote_max_age=365 * DAY)


@pytest.fixture(scope="module")
def make_router(project, owner, guardian, oracle):
    def make(*, gas_units=600_000, horizon=30 * DAY, cap=UNLIMITED):
        router = owner.deploy(
            project.LendingRouter,
            mainnet.USDC,
            "Ballast USDC lending",
            "bLEND",
            owner,
            guardian,
            oracle,
            (MARGIN, WINDOW, horizon, gas_units),
        )
        aave = owner.deploy(project.AaveV3Lending, router, mainnet.USDC, mainnet.AAVE_ADDRESSES_PROVIDER)
        morpho = owner.deploy(
            project.MorphoBlueLending, router, mainnet.USDC, mainnet.MORPHO, mainnet.MORPHO_MARKET_ID_WETH_USDC
        )
        router.addVenue(aave, cap, sender=owner)
        router.addVenue(morpho, cap, sender=owner)
        return router

    return make


@pytest.fixture(scope="module")
def router(make_router):
    return make_router()


@pytest.fixture(scope="module")
def venues(router, project):
    listed = router.venues()
    return project.AaveV3Lending.at(listed[AAVE].at), project.MorphoBlueLending.at(listed[MORPHO].at)


@pytest.fixture(scope="module")
def deposited(router, usdc, give_usdc, depositor, keeper):
    """One million USDC in the router, lent on Aave, observed once; the depositor holds a million more."""
    give_usdc(depositor, 2_000_000 * USDC)
    usdc.approve(router, 2**256 - 1, sender=depositor)
    router.deposit(1_000_000 * USDC, depositor, sender=depositor)
    router.rebalance(sender=keeper)
    return router


@pytest.fixture
def crowd(w3):
    """Move the utilisation of the two markets by the seeded crowd: crowd(aave=…, morpho=…), fractions."""
    if UPSTREAM_IS_REAL:
        pytest.skip("the seeded crowd is on the replica only")
    from ballast import market

    def move(*, aave=None, morpho=None):
        if aave is not None:
            market.set_aave_utilisation(w3, int(aave * WAD))
        if morpho is not None:
            market.set_morpho_utilisation(w3, int(morpho * WAD))

    return move


def readings(contract):
    return {bytes(r.name).rstrip(b"\0").decode(): r for r in contract.readings()}


def out_of_band(contract):
    return {name for name, r in readings(contract).items() if r.value < r.lower or r.value > r.upper}


def refusal(contract, call, sender, *, gas_price=0):
    """Name of the error that `call` would revert with; None when it would pass. By eth_call: Ape traces a transaction
    that reverts step by step, which takes half a minute for a rebalance."""
    request = {"from": sender.address, "to": contract.address, "data": call.encode_input(), "gasPrice": gas_price}
    return _refusal(contract, request)


def construction_refusal(container, *arguments, sender):
    """The same for the making of a contract."""
    return _refusal(container, {"from": sender.address, "data": container(*arguments).data})


def _refusal(contract, request):
    try:
        contract.provider.web3.eth.call(request)
    except (ContractLogicError, ContractCustomError) as error:
        selector = bytes.fromhex(str(error.data)[2:10])
        for item in contract.contract_type.errors:
            if keccak(text=item.selector)[:4] == selector:
                return item.name
        return error.data
    return None

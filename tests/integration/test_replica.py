"""The replica's contracts behave as mainnet's do, seen from a fork of it."""

from decimal import Decimal, getcontext

import pytest
from eth_abi import encode
from eth_utils import keccak
from web3.exceptions import ContractCustomError

from ballast import mainnet, market, replica
from ballast.market._crowd import provide_usdc, provide_weth, send
from ballast.replica import builder, manifest

WAD = 10**18
RAY = 10**27
YEAR = 365 * 86400
USDC_UNIT = 10**6
STAKED = manifest.contract("StakedEther")["address"]

getcontext().prec = 50

NAMES = {
    "WETH": "WETH",
    "USDC": "USDC",
    "ETH_USD_FEED": "EthUsdFeed",
    "USDC_USD_FEED": "UsdcUsdFeed",
    "STETH_USD_FEED": "StakedEtherUsdFeed",
    "UNISWAP_V2_FACTORY": "UniswapV2Factory",
    "UNISWAP_V2_ROUTER": "UniswapV2Router02",
    "UNISWAP_V2_USDC_WETH": "UniswapV2PairUsdcWeth",
    "UNISWAP_V3_FACTORY": "UniswapV3Factory",
    "UNISWAP_V3_POSITION_MANAGER": "UniswapV3PositionManager",
    "UNISWAP_V3_SWAP_ROUTER": "UniswapV3SwapRouter",
    "UNISWAP_SWAP_ROUTER_02": "UniswapSwapRouter02",
    "UNISWAP_QUOTER_V2": "UniswapQuoterV2",
    "UNISWAP_V3_USDC_WETH_500": "UniswapV3PoolUsdcWeth500",
    "UNISWAP_V3_USDC_WETH_3000": "UniswapV3PoolUsdcWeth3000",
    "AAVE_ADDRESSES_PROVIDER": "AaveAddressesProvider",
    "AAVE_POOL": "AavePool",
    "AAVE_POOL_CONFIGURATOR": "AavePoolConfigurator",
    "AAVE_ORACLE": "AaveOracle",
    "AAVE_A_WETH": "AaveAWeth",
    "AAVE_A_USDC": "AaveAUsdc",
    "MORPHO": "MorphoBlue",
    "MORPHO_IRM": "MorphoAdaptiveCurveIrm",
    "MORPHO_ORACLE_WETH_USDC": "MorphoOracleWethUsdc",
    "MULTICALL3": "Multicall3",
    "PERMIT2": "Permit2",
    "CREATE2_DEPLOYER": "Create2Deployer",
    "SAFE_SINGLETON_FACTORY": "SafeSingletonFactory",
    "SAFE_PROXY_FACTORY": "SafeProxyFactory",
    "SAFE_SINGLETON": "Safe",
    "SAFE_L2_SINGLETON": "SafeL2",
    "SAFE_MULTI_SEND": "SafeMultiSend",
    "SAFE_MULTI_SEND_CALL_ONLY": "SafeMultiSendCallOnly",
    "SAFE_FALLBACK_HANDLER": "SafeFallbackHandler",
    "SAFE_SIGN_MESSAGE_LIB": "SafeSignMessageLib",
    "SAFE_CREATE_CALL": "SafeCreateCall",
    "SAFE_SIMULATE_TX_ACCESSOR": "SafeSimulateTxAccessor",
}


@pytest.fixture
def fork(chain):
    return chain.provider.web3


@pytest.fixture
def trader(fork, accounts):
    """A stranger to all protocols, with 10 WETH and 100,000 USDC."""
    who = accounts[5].address
    provide_weth(fork, who, 10 * WAD)
    provide_usdc(fork, who, 100_000 * USDC_UNIT)
    return who


def at(fork, address, *signatures):
    return fork.eth.contract(address, abi=mainnet.abi(*signatures))


def now(fork):
    return fork.eth.get_block("latest")["timestamp"]


# --- what is where ---


def test_every_address_of_the_project_is_the_manifests():
    found = {name: manifest.contract(row)["address"] for name, row in NAMES.items()}
    assert found == {name: getattr(mainnet, name) for name in NAMES}


def test_every_address_constant_is_compared_above():
    constants = {
        name
        for name, value in vars(mainnet).items()
        if name.isupper() and isinstance(value, str) and value.startswith("0x") and len(value) == 42
    }
    assert constants == set(NAMES)


@pytest.mark.replica_only("the manifest describes the replica")
@pytest.mark.parametrize("row", manifest.load()["contracts"], ids=lambda row: row["name"])
def test_contract_on_the_fork_has_the_code_of_the_build(fork, row):
    made = builder.current().load_contracts()[row["name"]]
    assert made["address"] == row.get("address", made["address"])
    found = fork.eth.get_code(made["address"])
    assert "0x" + keccak(found).hex() == made["code_hash"]
    published = row.get("published", {}).get("runtime")
    assert published in (None, made["code_hash"])


@pytest.mark.replica_only("mainnet's chain is much longer")
def test_fork_goes_on_where_the_saved_state_ends(fork):
    genesis = manifest.load()["chain"]["genesis_timestamp"]
    assert fork.eth.chain_id == mainnet.CHAIN_ID
    assert 0 < now(fork) - genesis < 2 * 86400


def test_morpho_market_id_is_the_hash_of_its_parameters(fork):
    encoded = encode(["address", "address", "address", "address", "uint256"], mainnet.MORPHO_MARKET_WETH_USDC)
    assert "0x" + keccak(encoded).hex() == mainnet.MORPHO_MARKET_ID_WETH_USDC
    morpho = fork.eth.contract(mainnet.MORPHO, abi=mainnet.MORPHO_ABI)
    found = morpho.functions.idToMarketParams(mainnet.MORPHO_MARKET_ID_WETH_USDC).call()
    assert tuple(found) == mainnet.MORPHO_MARKET_WETH_USDC


def test_permit2_has_the_domain_of_its_chain_and_address(fork):
    domain = encode(
        ["bytes32", "bytes32", "uint256", "address"],
        [
            keccak(text="EIP712Domain(string name,uint256 chainId,address verifyingContract)"),
            keccak(text="Permit2"),
            1,
            mainnet.PERMIT2,
        ],
    )
    permit2 = at(fork, mainnet.PERMIT2, "DOMAIN_SEPARATOR() view returns (bytes32)")
    assert permit2.functions.DOMAIN_SEPARATOR().call() == keccak(domain)


def test_multicall_reads_in_one_call(fork):
    multicall = at(fork, mainnet.MULTICALL3, "aggregate3((address,bool,bytes)[]) view returns ((bool,bytes)[])")
    data = keccak(text="decimals()")[:4]
    results = multicall.functions.aggregate3([(mainnet.WETH, False, data), (mainnet.USDC, False, data)]).call()
    assert [int.from_bytes(returned) for _, returned in results] == [18, 6]


def test_safe_is_made_by_the_factory_and_knows_its_owners(fork, accounts):
    owners = [account.address for account in accounts[:3]]
    safe_abi = [
        "setup(address[],uint256,address,bytes,address,address,uint256,address)",
        "getOwners() view returns (address[])",
        "getThreshold() view returns (uint256)",
        "VERSION() view returns (string)",
    ]
    zero = "0x" + "00" * 20
    singleton = at(fork, mainnet.SAFE_SINGLETON, *safe_abi)
    setup = singleton.encode_abi("setup", [owners, 2, zero, b"", mainnet.SAFE_FALLBACK_HANDLER, zero, 0, zero])
    factory = at(fork, mainnet.SAFE_PROXY_FACTORY, "createProxyWithNonce(address,bytes,uint256) returns (address)")
    create = factory.functions.createProxyWithNonce(mainnet.SAFE_SINGLETON, setup, 7)
    address = create.call()
    send(fork, accounts[0].address, create)
    safe = at(fork, address, *safe_abi)
    assert safe.functions.VERSION().call() == "1.4.1"
    assert safe.functions.getOwners().call() == owners
    assert safe.functions.getThreshold().call() == 2


# --- Uniswap ---


def test_swap_on_v3_gives_what_the_quoter_said(fork, trader):
    quoter = at(
        fork,
        mainnet.UNISWAP_QUOTER_V2,
        "quoteExactInputSingle((address,address,uint256,uint24,uint160)) view returns (uint256,uint160,uint32,uint256)",
    )
    router = fork.eth.contract(mainnet.UNISWAP_SWAP_ROUTER_02, abi=mainnet.UNISWAP_SWAP_ROUTER_02_ABI)
    usdc = fork.eth.contract(mainnet.USDC, abi=mainnet.ERC20_ABI)
    weth = fork.eth.contract(mainnet.WETH, abi=mainnet.ERC20_ABI)
    quoted = quoter.functions.quoteExactInputSingle((mainnet.WETH, mainnet.USDC, WAD, 500, 0)).call()[0]
    send(fork, trader, weth.functions.approve(mainnet.UNISWAP_SWAP_ROUTER_02, WAD))
    before = usdc.functions.balanceOf(trader).call()
    swap = router.functions.exactInputSingle((mainnet.WETH, mainnet.USDC, 500, trader, WAD, 0, 0))
    send(fork, trader, swap)
    assert usdc.functions.balanceOf(trader).call() - before == quoted
    spot = market.pool_price_wad(fork, mainnet.UNISWAP_V3_USDC_WETH_500) // 10**12
    assert quoted == pytest.approx(spot * 0.9995, rel=1e-4)


def test_swap_on_v2_gives_the_constant_product_less_the_fee(fork, trader):
    pair = fork.eth.contract(mainnet.UNISWAP_V2_USDC_WETH, abi=mainnet.UNISWAP_V2_PAIR_ABI)
    router = at(
        fork,
        mainnet.UNISWAP_V2_ROUTER,
        "swapExactTokensForTokens(uint256,uint256,address[],address,uint256) returns (uint256[])",
    )
    usdc = fork.eth.contract(mainnet.USDC, abi=mainnet.ERC20_ABI)
    weth = fork.eth.contract(mainnet.WETH, abi=mainnet.ERC20_ABI)
    paid = 50_000 * USDC_UNIT
    held_usdc, held_weth, _ = pair.functions.getReserves().call()
    expected = paid * 997 * held_weth // (held_usdc * 1000 + paid * 997)
    before = weth.functions.balanceOf(trader).call()
    send(fork, trader, usdc.functions.approve(mainnet.UNISWAP_V2_ROUTER, paid))
    path = [mainnet.USDC, mainnet.WETH]
    send(fork, trader, router.functions.swapExactTokensForTokens(paid, 0, path, trader, now(fork) + 3600))
    assert weth.functions.balanceOf(trader).call() - before == expected


@pytest.mark.parametrize("pool", [mainnet.UNISWAP_V3_USDC_WETH_500, mainnet.UNISWAP_V3_USDC_WETH_3000])
def test_pool_has_thirty_minutes_of_history_near_the_feed(fork, pool):
    contract = fork.eth.contract(pool, abi=mainnet.UNISWAP_V3_POOL_ABI)
    earlier, later = contract.functions.observe([1800, 0]).call()[0]
    mean_tick = (later - earlier) / 1800
    feed = fork.eth.contract(mainnet.ETH_USD_FEED, abi=mainnet.FEED_ABI).functions.latestRoundData().call()[1] / 1e8
    assert 1e12 / 1.0001**mean_tick == pytest.approx(feed, rel=0.01)
    assert contract.functions.slot0().call()[3] >= 150  # one observation each 12 s for 30 minutes


@pytest.mark.replica_only("the crowd lives there")
@pytest.mark.parametrize("price", [1500, 1940, 2500])
def test_crowd_brings_the_pools_to_a_price(fork, price):
    market.keep_pools_near(fork, price * WAD)
    for pool in (mainnet.UNISWAP_V3_USDC_WETH_500, mainnet.UNISWAP_V3_USDC_WETH_3000):
        assert market.pool_price_wad(fork, pool) == pytest.approx(price * WAD, rel=1e-4)
    assert market.pool_price_wad(fork, mainnet.UNISWAP_V2_USDC_WETH) == pytest.approx(price * WAD, rel=3.1e-3)


# --- Aave ---


@pytest.mark.replica_only("reserves are those of 19 March 2025")
def test_aave_rates_are_those_of_the_day_the_reserve_was_copied_from(fork):
    state = market.aave_state(fork)
    # published for that day, ray: 50950899706236309765840010 to borrow, 26868539425990901008321629 to supply
    assert state.borrow_rate_wad == pytest.approx(0.05095 * WAD, rel=1e-3)
    assert state.supply_rate_wad == pytest.approx(0.02687 * WAD, rel=1e-3)


@pytest.mark.replica_only("the crowd lives there")
@pytest.mark.parametrize("target", [0, 0.46, 0.92, 0.96, 1])
def test_aave_rates_follow_the_kinked_curve(fork, target):
    state = market.set_aave_utilisation(fork, int(Decimal(str(target)) * WAD))
    used = state.utilisation_wad / WAD
    assert used == pytest.approx(target, abs=1e-8)
    over = max(used - 0.92, 0) / 0.08
    expected = 0.08 * min(used, 0.92) / 0.92 + 0.35 * over
    assert state.borrow_rate_wad / WAD == pytest.approx(expected, abs=1e-7)
    assert state.supply_rate_wad / WAD == pytest.approx(expected * used * 0.9, abs=1e-7)


def test_aave_lends_against_weth_and_interest_accrues(fork, trader):
    pool = fork.eth.contract(mainnet.AAVE_POOL, abi=mainnet.AAVE_POOL_ABI)
    weth = fork.eth.contract(mainnet.WETH, abi=mainnet.ERC20_ABI)
    send(fork, trader, weth.functions.approve(mainnet.AAVE_POOL, 10 * WAD))
    send(fork, trader, pool.functions.supply(mainnet.WETH, 10 * WAD, trader, 0))
    send(fork, trader, pool.functions.borrow(mainnet.USDC, 5_000 * USDC_UNIT, 2, 0, trader))
    reserve = pool.functions.getReserveData(mainnet.USDC).call()
    debt = fork.eth.contract(reserve[10], abi=mainnet.ERC20_ABI)
    rate = Decimal(reserve[4]) / RAY
    started, owed = now(fork), debt.functions.balanceOf(trader).call()
    assert owed == pytest.approx(5_000 * USDC_UNIT, abs=1)
    market.pass_time(fork, 30 * 86400)
    grown = owed * (rate * (now(fork) - started) / YEAR).exp()
    assert debt.functions.balanceOf(trader).call() == pytest.approx(float(grown), rel=1e-7)


def stake(fork):
    """WETH's `deposit` is the same function."""
    return fork.eth.contract(STAKED, abi=mainnet.WETH_ABI).functions.deposit()


@pytest.mark.replica_only("the staked ether there is a stand-in")
def test_staked_ether_is_minted_at_a_rate_that_grows(fork, trader):
    token = at(fork, STAKED, "rate() view returns (uint256)")
    started, before = now(fork), token.functions.rate().call()
    send(fork, trader, stake(fork), value=WAD)
    held = fork.eth.contract(STAKED, abi=mainnet.ERC20_ABI).functions.balanceOf(trader).call()
    assert held == WAD * WAD // token.functions.rate().call()
    market.pass_time(fork, 100 * 86400)
    grown = token.functions.rate().call() - before
    assert grown == pytest.approx(0.03 * WAD * (now(fork) - started) / YEAR, abs=WAD // 10**6)


@pytest.mark.replica_only("the staked ether there is a stand-in")
def test_aave_lends_nineteen_twentieths_against_staked_ether_in_its_mode(fork, trader):
    pool = fork.eth.contract(mainnet.AAVE_POOL, abi=mainnet.AAVE_POOL_ABI)
    mode = at(
        fork,
        mainnet.AAVE_POOL,
        "setUserEMode(uint8)",
        "getUserAccountData(address) view returns " + "(" + ",".join(["uint256"] * 6) + ")",
    )
    staked = fork.eth.contract(STAKED, abi=mainnet.ERC20_ABI)
    send(fork, trader, stake(fork), value=10 * WAD)
    held = staked.functions.balanceOf(trader).call()
    send(fork, trader, staked.functions.approve(mainnet.AAVE_POOL, held))
    send(fork, trader, pool.functions.supply(STAKED, held, trader, 0))
    send(fork, trader, mode.functions.setUserEMode(1))
    send(fork, trader, pool.functions.borrow(mainnet.WETH, held * 92 // 100, 2, 0, trader))
    account = mode.functions.getUserAccountData(trader).call()
    assert account[3:5] == [9500, 9300]
    assert account[5] == pytest.approx(0.95 / 0.92 * WAD, rel=1e-4)


@pytest.mark.replica_only("the staked ether there is a stand-in")
def test_staked_pool_is_deep_at_par(fork):
    quoter = at(
        fork,
        mainnet.UNISWAP_QUOTER_V2,
        "quoteExactInputSingle((address,address,uint256,uint24,uint160)) returns (uint256,uint160,uint32,uint256)",
    )
    out = quoter.functions.quoteExactInputSingle((STAKED, mainnet.WETH, 10_000 * WAD, 100, 0)).call()[0]
    # 25,000 in 2 % and 50,000 in 16 % to each side: 10,000 move the price by half a percent, half of it on average
    assert 0.995 < out / (10_000 * WAD) < 0.999


# --- Morpho ---


def test_morpho_lends_against_weth(fork, trader):
    morpho = fork.eth.contract(mainnet.MORPHO, abi=mainnet.MORPHO_ABI)
    weth = fork.eth.contract(mainnet.WETH, abi=mainnet.ERC20_ABI)
    usdc = fork.eth.contract(mainnet.USDC, abi=mainnet.ERC20_ABI)
    terms = mainnet.MORPHO_MARKET_WETH_USDC
    price = fork.eth.contract(mainnet.MORPHO_ORACLE_WETH_USDC, abi=mainnet.MORPHO_ORACLE_ABI).functions.price().call()
    most = WAD * price // 10**36 * mainnet.MORPHO_LLTV_WETH_USDC // WAD
    send(fork, trader, weth.functions.approve(mainnet.MORPHO, WAD))
    send(fork, trader, morpho.functions.supplyCollateral(terms, WAD, trader, b""))
    with pytest.raises(market.MarketError, match="insufficient collateral"):
        send(fork, trader, morpho.functions.borrow(terms, most + 10, 0, trader, trader))
    before = usdc.functions.balanceOf(trader).call()
    send(fork, trader, morpho.functions.borrow(terms, most - 10, 0, trader, trader))
    assert usdc.functions.balanceOf(trader).call() - before == most - 10


def adaptive_curve(utilisation: Decimal, rate_at_target: Decimal, seconds: int) -> tuple[Decimal, Decimal]:
    """The published model: mean borrow rate over the interval and the rate at target after it, a second."""
    target, steepness, speed = Decimal("0.9"), Decimal(4), Decimal(50) / YEAR
    lowest, highest = Decimal("0.001") / YEAR, Decimal(2) / YEAR
    error = (utilisation - target) / (1 - target if utilisation > target else target)

    def moved(share: Decimal) -> Decimal:
        return min(max(rate_at_target * (speed * error * seconds * share).exp(), lowest), highest)

    mean = (moved(Decimal(0)) + 2 * moved(Decimal("0.5")) + moved(Decimal(1))) / 4
    multiple = error * (1 - 1 / steepness) + 1 if error < 0 else error * (steepness - 1) + 1
    return mean * multiple, moved(Decimal(1))


@pytest.mark.replica_only("the crowd lives there, and the model is our stand-in")
@pytest.mark.parametrize("days", [1, 30, 400])
@pytest.mark.parametrize("target", ["0", "0.45", "0.9", "0.95", "1"])
def test_morpho_accrual_follows_the_published_formula(fork, target, days):
    morpho = fork.eth.contract(mainnet.MORPHO, abi=mainnet.MORPHO_ABI)
    irm = fork.eth.contract(mainnet.MORPHO_IRM, abi=mainnet.MORPHO_IRM_ABI)
    market.set_morpho_utilisation(fork, int(Decimal(target) * WAD))
    before = morpho.functions.market(mainnet.MORPHO_MARKET_ID_WETH_USDC).call()
    start = Decimal(irm.functions.rateAtTarget(mainnet.MORPHO_MARKET_ID_WETH_USDC).call()) / WAD
    market.pass_time(fork, days * 86400)
    expected_state = market.morpho_state(fork)
    market.morpho_supply(fork, 2)  # accrues
    after = morpho.functions.market(mainnet.MORPHO_MARKET_ID_WETH_USDC).call()
    elapsed = after[4] - before[4]
    mean, end = adaptive_curve(Decimal(before[2]) / before[0], start, elapsed)
    growth = mean * elapsed
    interest = before[2] * (growth + growth**2 / 2 + growth**3 / 6)
    found_end = Decimal(irm.functions.rateAtTarget(mainnet.MORPHO_MARKET_ID_WETH_USDC).call()) / WAD
    assert float(found_end) == pytest.approx(float(end), rel=1e-6)
    assert after[2] - before[2] == pytest.approx(float(interest), rel=1e-6, abs=2)
    assert expected_state.borrowed == pytest.approx(after[2], rel=1e-6, abs=2)


@pytest.mark.replica_only("the error is our stand-in's")
def test_only_morpho_moves_the_rate_at_target(fork, accounts):
    signature = (
        "borrowRate((address,address,address,address,uint256),(uint128,uint128,uint128,uint128,uint128,uint128))"
    )
    irm = at(fork, mainnet.MORPHO_IRM, signature)
    call = irm.functions.borrowRate(mainnet.MORPHO_MARKET_WETH_USDC, (1, 1, 1, 1, 1, 0))
    selector = keccak(text="AdaptiveCurveIrmStandIn__NotMorpho(address)")[:4].hex()
    with pytest.raises(ContractCustomError, match=selector):
        call.call({"from": accounts[0].address})
    call.call({"from": mainnet.MORPHO})


# --- Chainlink ---


@pytest.mark.replica_only("its oracles are the crowd's")
def test_round_pushed_by_the_oracles_is_read_everywhere(fork):
    feed = fork.eth.contract(mainnet.ETH_USD_FEED, abi=mainnet.FEED_ABI)
    before = feed.functions.latestRoundData().call()
    market.pass_time(fork, 3600)
    pushed = market.push_prices(fork, eth_usd=2_000 * 10**8, usdc_usd=10**8)
    number, answer, _, updated, answered_in = feed.functions.latestRoundData().call()
    assert pushed == {"eth_usd": 2_000 * 10**8, "usdc_usd": 10**8}
    assert (number, answer, answered_in) == (before[0] + 1, 2_000 * 10**8, number)
    assert now(fork) - updated < 60 and updated - before[3] >= 3600
    aave_oracle = at(fork, mainnet.AAVE_ORACLE, "getAssetPrice(address) view returns (uint256)")
    morpho_oracle = fork.eth.contract(mainnet.MORPHO_ORACLE_WETH_USDC, abi=mainnet.MORPHO_ORACLE_ABI)
    assert aave_oracle.functions.getAssetPrice(mainnet.WETH).call() == 2_000 * 10**8
    assert morpho_oracle.functions.price().call() == 2_000 * 10**24


@pytest.mark.replica_only("its oracles are the crowd's")
def test_answer_of_a_round_is_the_median_of_its_oracles(fork):
    feed = fork.eth.contract(mainnet.ETH_USD_FEED, abi=mainnet.FEED_ABI)
    aggregator = fork.eth.contract(feed.functions.aggregator().call(), abi=mainnet.FLUX_AGGREGATOR_ABI)
    number = aggregator.functions.latestRound().call() + 1
    answers = [1900, 9999, 1950, 1, 1960]
    for oracle, answer in zip(replica.actors("chainlink_oracle"), answers, strict=True):
        send(fork, oracle, aggregator.functions.submit(number, answer * 10**8))
    assert feed.functions.latestRoundData().call()[1] == 1950 * 10**8


def test_stranger_cannot_push_a_round(fork, accounts):
    feed = fork.eth.contract(mainnet.ETH_USD_FEED, abi=mainnet.FEED_ABI)
    aggregator = fork.eth.contract(feed.functions.aggregator().call(), abi=mainnet.FLUX_AGGREGATOR_ABI)
    with pytest.raises(market.MarketError, match="reverted"):
        send(fork, accounts[0].address, aggregator.functions.submit(2, 1))


# --- the crowd ---


@pytest.mark.replica_only("the crowd lives there")
def test_crowd_lends_and_takes_back(fork):
    for state, supply, withdraw in (
        (market.aave_state, market.aave_supply, market.aave_withdraw),
        (market.morpho_state, market.morpho_supply, market.morpho_withdraw),
    ):
        before = state(fork).supplied
        supply(fork, 5_000_000 * USDC_UNIT)
        assert state(fork).supplied - before == pytest.approx(5_000_000 * USDC_UNIT, rel=1e-3)
        withdraw(fork, 3_000_000 * USDC_UNIT)
        assert state(fork).supplied - before == pytest.approx(2_000_000 * USDC_UNIT, rel=1e-2)


@pytest.mark.parametrize(
    ("action", "value"),
    [
        (market.set_aave_utilisation, WAD + 1),
        (market.set_morpho_utilisation, -1),
        (market.set_morpho_utilisation, 0.5),
        (market.aave_supply, 0),
        (market.aave_withdraw, 10**30),
        (market.aave_repay, 10**30),
        (market.morpho_borrow, 1.5),
        (market.morpho_repay, 10**30),
        (market.morpho_withdraw, 10**30),
        (market.pass_time, 0),
    ],
)
@pytest.mark.replica_only("the crowd lives there")
def test_crowd_refuses_what_makes_no_sense(fork, action, value):
    with pytest.raises(market.MarketError, match=str(value) if value != 0 else "0"):
        action(fork, value)
